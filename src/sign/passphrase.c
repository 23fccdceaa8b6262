/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stmota/buf.h>
#include <stmota/fs.h>

void passphrase_done(struct passphrase *p)
{
	OPENSSL_cleanse(p, sizeof(*p));
}

int passphrase_read(const char *path, struct passphrase *ret, struct err *e)
{
	cleanup_buf struct buf file = BUF_INIT;
	int rc = fs_read(path, 4 * PASSPHRASE_MAX, &file, e);
	size_t len = 0;

	while (rc == 0 && len < file.len && file.data[len] != '\n' && file.data[len] != '\r')
		len++;
	if (rc == 0 && (len == 0 || len > PASSPHRASE_MAX || memchr(file.data, '\0', len) != NULL)) {
		err_set(e, ERR_FORMAT, "%s does not begin with a passphrase", path);
		rc = err_hint(e, "its first line is the passphrase: 1 to %u bytes", PASSPHRASE_MAX);
	} else if (rc == 0) {
		memcpy(ret->text, file.data, len);
		ret->text[len] = '\0';
		ret->len = len;
	}
	if (file.data != NULL)
		OPENSSL_cleanse(file.data, file.cap);
	return rc;
}

/* The library turns the echo off, and puts the terminal back whatever happens. */
static int ask(const char *what, bool twice, struct passphrase *ret, struct err *e)
{
	char prompt[300];

	snprintf(prompt, sizeof(prompt), "%s: ", what);
	if (EVP_read_pw_string_min(ret->text, 1, (int)PASSPHRASE_MAX, prompt, twice) != 0)
		return err_set(e, ERR_SIGNATURE,
			twice ? "no %s: nothing was typed, or two different things"
			      : "no %s: nothing was typed",
			what);
	ret->len = strlen(ret->text);
	return 0;
}

int passphrase_get(const struct key_unlock *unlock, const char *what, bool twice,
	struct passphrase *ret, struct err *e)
{
	if (unlock != NULL && unlock->file != NULL)
		return passphrase_read(unlock->file, ret, e);
	if (unlock != NULL && unlock->ask)
		return ask(what, twice, ret, e);
	err_set(e, ERR_SIGNATURE, "the %s is needed, and nobody can be asked", what);
	return err_hint(e, "--passphrase-file FILE names a file whose first line it is");
}
