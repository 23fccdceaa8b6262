/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.h - which keys are believed, for what, until when, and how many are needed
 *
 * A trust store is a folder of public keys *.pem, or a single one. Beside NAME.pem may stand
 * NAME.conf:
 *
 *	role = release            release (default), plan, head, root or halt
 *	not-after = 2027-12-31    UTC, this day included; without it: for ever
 *	group = line-b            keys of one group count together; default "default"
 *	threshold = 2             different keys of the group that must sign; default 1
 *
 * A folder may also hold revoked.list: a line for each key that no longer counts, whatever
 * its file says: its id (16 hexadecimal digits) or fingerprint (64), then a reason, if you like;
 * # begins a comment.
 *
 * A package is believed when, in at least one group, so many keys of role `release` signed it. All
 * keys of a role and group must state the same threshold. One key counts once, whatever names it
 * has.
 */
#ifndef STMOTA_TRUST_H
#define STMOTA_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>
#include <stmota/key.h>

enum trust_role { TRUST_RELEASE, TRUST_PLAN, TRUST_HEAD, TRUST_ROOT, TRUST_HALT };

#define TRUST_FOR_EVER   UINT64_MAX
#define TRUST_GROUP_SIZE 32
#define TRUST_CONF_MAX   4096u /* bytes of a NAME.conf */
#define TRUST_REVOKED    "revoked.list"
#define TRUST_LIST_MAX   (1u << 20) /* bytes of it */
#define TRUST_KEYS_MAX   64u

struct trust_conf { /* what a NAME.conf says */
	enum trust_role role;
	uint64_t not_after; /* last second, Unix time; TRUST_FOR_EVER */
	char group[TRUST_GROUP_SIZE];
	uint32_t threshold; /* 1..16 */
};

struct trust_key {
	struct key *key; /* public */
	char *name;      /* "release-2026": the file name without .pem */
	struct trust_conf conf;
};

struct trust_revoked {
	uint8_t fingerprint[SHA256_SIZE];
	size_t len;   /* of it that is known: KEY_ID_SIZE or SHA256_SIZE */
	char *reason; /* owned; "" if none is given */
};

struct trust {
	struct trust_key *keys;
	size_t n;
	struct trust_revoked *revoked;
	size_t n_revoked;
	bool any_type; /* set before keys are added: also types that sign no packages */
};

#define TRUST_INIT ((struct trust){0})

/*
 * Adds the keys of a *.pem file or of a folder of them, in the order of their names. May be
 * called more than once: stores add up.
 *
 * ERR_IO (missing, unreadable), ERR_SIGNATURE (a file that is no public key, no key at all in a
 * folder), ERR_CONFIG (sidecar with file and line; same key twice with different settings;
 * thresholds that differ within a group, or that the group cannot reach).
 */
int trust_add(struct trust *t, const char *path, struct err *e);

/*
 * The configured stores: /etc/stmota/trust.d and $XDG_CONFIG_HOME/stmota/trust.d (or
 * ~/.config/...), where they exist. None at all is no error: the store stays empty.
 */
int trust_add_default(struct trust *t, struct err *e);

/* Parses the text of a sidecar. `name` for messages. ERR_CONFIG. */
int trust_conf_parse(
	const char *text, size_t len, const char *name, struct trust_conf *ret, struct err *e);

#define TRUST_DAY_SIZE 24

/* The day of a not-after, "2027-12-31", or "for ever". Returns `ret`. */
const char *trust_day(uint64_t not_after, char ret[TRUST_DAY_SIZE]);

/* Appends the text of a sidecar that trust_conf_parse() reads back. ERR_NOMEM. */
int trust_conf_text(const struct trust_conf *c, struct buf *ret, struct err *e);

/* Adds the lines of a revoked.list. `name` for messages. ERR_CONFIG with file and line. */
int trust_revoked_parse(
	struct trust *t, const char *text, size_t len, const char *name, struct err *e);

/* NULL: this key counts. */
const struct trust_revoked *trust_revoked_find(const struct trust *t, const struct key *k);

const char *trust_role_name(enum trust_role role);

void trust_done(struct trust *t);

/* A signature as found on a package or file: key id and the 64 bytes. */
struct trust_signature {
	const uint8_t *key_id;    /* KEY_ID_SIZE */
	const uint8_t *signature; /* KEY_SIGNATURE_SIZE */
};

struct trust_signer { /* a trusted key whose signature is good */
	const struct trust_key *key;
	bool counted; /* right role, not expired, not revoked */
	bool revoked;
};

/*
 * Judges the signatures over `msg`.
 *
 * role         what the keys must be trusted for
 * now          Unix time for not-after
 * ret_signers  room for `max` signers; every good signature is told, also those that do not count
 *
 * 0, or ERR_SIGNATURE with the reason: unsigned, signed by unknown keys only, by keys of another
 * role, by expired keys, by too few; or a signature of a trusted key that is wrong.
 */
int trust_judge(const struct trust *t, enum trust_role role, uint64_t now, const void *msg,
	size_t len, const struct trust_signature *signatures, size_t n,
	struct trust_signer *ret_signers, size_t max, size_t *ret_n, struct err *e);

/* What a file says about one key. */
enum trust_look { TRUST_NO_SIGNATURE, TRUST_GOOD, TRUST_WRONG };

/*
 * Likewise for files whose signatures have another form: `look` is asked for each key of the
 * store. `n` signatures are in the file.
 */
int trust_judge_by(const struct trust *t, enum trust_role role, uint64_t now,
	enum trust_look (*look)(void *ctx, const struct key *k), void *ctx, size_t n,
	struct trust_signer *ret_signers, size_t max, size_t *ret_n, struct err *e);

#define cleanup_trust CLEANUP(trust_done)

#endif
