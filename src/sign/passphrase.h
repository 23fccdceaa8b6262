/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passphrase.h - where a passphrase or PIN comes from
 */
#ifndef STMOTA_SIGN_PASSPHRASE_H
#define STMOTA_SIGN_PASSPHRASE_H

#include <stmota/key.h>

#define PASSPHRASE_MAX 1024u

struct passphrase {
	char text[PASSPHRASE_MAX + 1];
	size_t len;
};

/*
 * The first line of the file that `unlock` names (at most PASSPHRASE_MAX bytes), else what a
 * person types, if one may be asked. Wiped by passphrase_done().
 *
 * what   "passphrase of release.pem", for the prompt and for messages
 * twice  a new one: asked for a second time
 *
 * ERR_SIGNATURE (none to be had, two that differ), ERR_IO, ERR_FORMAT (empty or too long).
 */
int passphrase_get(const struct key_unlock *unlock, const char *what, bool twice,
	struct passphrase *ret, struct err *e);

/* The first line of a file alone. */
int passphrase_read(const char *path, struct passphrase *ret, struct err *e);

void passphrase_done(struct passphrase *p);

#define cleanup_passphrase CLEANUP(passphrase_done)

#endif
