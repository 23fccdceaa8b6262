/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - signed static channels: which devices should run which package, from any HTTP server
 *
 * stmota-channel(5) has the files. A server holds bytes and decides nothing: whoever is asked to
 * believe something is shown a signature of the right role, over the exact bytes, and what was
 * believed once is never replaced by something older. The structure follows TUF (specification
 * 1.0.34) and Uptane in small: root; head (their timestamp); plan (snapshot and director); packages,
 * which carry the release signature themselves.
 */
#ifndef STMOTA_CHANNEL_H
#define STMOTA_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/digest.h>
#include <stmota/err.h>
#include <stmota/fetch.h>
#include <stmota/key.h>
#include <stmota/trust.h>
#include <stmota/version.h>

/* Sizes above which a file is refused, announced or not. */
#define CHANNEL_ROOT_MAX 65536u
#define CHANNEL_HEAD_MAX 4096u
#define CHANNEL_PLAN_MAX (1u << 20)
#define CHANNEL_HALT_MAX 16384u
#define CHANNEL_SIG_MAX  2048u

#define CHANNEL_NAME_SIZE    64
#define CHANNEL_ID_SIZE      64 /* of a rollout, and of a device */
#define CHANNEL_PERMYRIAD    10000u
#define CHANNEL_ROLLOUTS_MAX 64
#define CHANNEL_DELTAS_MAX   16
#define CHANNEL_ROOTS_MAX    64 /* new roots in one pass */

/* ---- what the files say ---- */

struct channel_delta {
	uint8_t base[SHA256_SIZE];   /* digest of the plain image that it starts from */
	uint8_t sha256[SHA256_SIZE]; /* of the package file */
	uint64_t length;
};

struct channel_ids { /* owned strings */
	char **v;
	size_t n;
};

struct channel_rollout {
	char id[CHANNEL_ID_SIZE];
	char *product; /* "acme.com/lamp", owned */
	uint16_t hw_min, hw_max;
	uint16_t chip; /* 0: any */
	struct imf_version version;
	uint32_t counter;
	bool has_min_version; /* stepping stone: below it this one is not for the device */
	struct imf_version min_version;
	uint8_t sha256[SHA256_SIZE];
	uint64_t length;
	uint32_t stage;             /* permyriad of the devices that may have it */
	char *salt;                 /* owned; of its own for each rollout */
	struct channel_ids include; /* have it whatever the stage */
	struct channel_ids exclude; /* never */
	struct channel_ids
		downgrade;   /* these devices may go back to it, below version and counter */
	uint64_t not_before; /* Unix time; 0: at once */
	uint64_t deadline;   /* a device that did not get it until then is a failure; 0: none */
	uint32_t in_flight;  /* most devices of one gateway at a time; 0: the gateway's own limit */
	bool halted; /* by the plan; or by a halt file, which channel_fetch() has looked at */
	struct channel_delta deltas[CHANNEL_DELTAS_MAX];
	size_t n_deltas;
};

struct channel_plan {
	char channel[CHANNEL_NAME_SIZE];
	uint64_t version;
	uint64_t issued;
	struct channel_rollout *rollouts; /* the first that fits a device counts */
	size_t n;
};

#define CHANNEL_PLAN_INIT ((struct channel_plan){0})

struct channel_root {
	uint64_t version;
	uint64_t expires;
	struct trust trust; /* keys with their roles and thresholds */
};

struct channel_head {
	char channel[CHANNEL_NAME_SIZE];
	uint64_t plan_version, plan_length;
	uint8_t plan_sha256[SHA256_SIZE];
	uint64_t issued, expires;
};

struct channel_halt {
	char channel[CHANNEL_NAME_SIZE];
	uint64_t version;
	struct channel_ids rollouts; /* that start no new device */
};

/*
 * Parse what a signature has been checked of. Each key must be known and be there once.
 * ERR_FORMAT with the reason, ERR_NOMEM. Release with the function below.
 */
int channel_root_parse(const void *text, size_t len, struct channel_root *ret, struct err *e);
int channel_head_parse(const void *text, size_t len, struct channel_head *ret, struct err *e);
int channel_plan_parse(const void *text, size_t len, struct channel_plan *ret, struct err *e);
int channel_halt_parse(const void *text, size_t len, struct channel_halt *ret, struct err *e);

void channel_root_done(struct channel_root *r);
void channel_plan_done(struct channel_plan *p);
void channel_halt_done(struct channel_halt *h);
void channel_rollout_done(struct channel_rollout *r);

/* Append the text that the functions above read. ERR_NOMEM. */
int channel_root_text(const struct channel_root *r, struct buf *ret, struct err *e);
int channel_head_text(const struct channel_head *h, struct buf *ret, struct err *e);
int channel_plan_text(const struct channel_plan *p, struct buf *ret, struct err *e);
int channel_halt_text(const struct channel_halt *h, struct buf *ret, struct err *e);

/* "main": letters, digits, '-', '_' and '.', not first a '.'. ERR_USAGE. */
int channel_name_check(const char *name, struct err *e);

/* "gateway-7/lamp-3": what a device may be called in a plan; as above, and ':' and '/'. */
bool channel_is_id(const char *text);

/* ---- signatures beside files ---- */

/*
 * Appends the content of a .sig file: each key signs "stmota-ROLE-v1", a zero byte, and the bytes.
 * ERR_SIGNATURE, ERR_USAGE (a key twice).
 */
int channel_sign(enum trust_role role, const void *data, size_t len, struct key *const *keys,
	size_t n, struct buf *ret, struct err *e);

/* The same for what no role is for: `what` is "report", at most 20 characters. */
int channel_sign_as(const char *what, const void *data, size_t len, struct key *const *keys,
	size_t n, struct buf *ret, struct err *e);

/*
 * Judges a .sig file by a root: as many different keys as the threshold says, of this role.
 * ERR_SIGNATURE.
 */
int channel_verify(const struct channel_root *root, enum trust_role role, uint64_t now,
	const void *data, size_t len, const void *sig, size_t sig_len, struct err *e);

/* ---- who gets it ---- */

/*
 * Where a device stands between 0 and 9999: the first 8 bytes, big endian, of
 * SHA-256(salt | 0x00 | device id), modulo 10,000.
 */
uint32_t channel_bucket(const char *salt, const char *device);

enum channel_choice {
	CHANNEL_CHOSEN,   /* by the stage */
	CHANNEL_INCLUDED, /* by name */
	CHANNEL_EXCLUDED, /* by name */
	CHANNEL_LATER,    /* not in this stage yet */
	CHANNEL_NOT_YET,  /* before not_before */
	CHANNEL_HALTED,
};

enum channel_choice channel_choose(
	const struct channel_rollout *r, const char *device, uint64_t now);
/* One line for people: "bucket 4711 of 10000, the stage ends at 500". Returns `ret`. */
const char *channel_choice_text(enum channel_choice c, const struct channel_rollout *r,
	const char *device, char *ret, size_t size);

bool channel_ids_have(const struct channel_ids *ids, const char *id);

/* ---- the client ---- */

/* What is believed, and must never go back. Kept by the caller, across runs. */
struct channel_state {
	struct buf root;       /* the newest root file, as it was signed; empty: not provisioned */
	uint64_t root_version; /* of it */
	uint64_t head_issued;  /* of the newest head */
	uint64_t plan_version;
	uint8_t plan_sha256[SHA256_SIZE]; /* of that version: it has one content */
	struct buf plan, plan_sig; /* it and its signature; empty: fetched when needed */
	uint64_t halt_version;
	uint64_t time_floor; /* no clock of ours was ever earlier than this */
};

struct channel_source {
	const char *url;  /* folder: https:, or file: for a medium; or a plain path */
	const char *name; /* of the channel */
	const struct fetch_settings *fetch;
	uint64_t now;        /* Unix time, fixed for the whole run */
	uint64_t build_time; /* of this program: no clock is right that is earlier */
	uint64_t grace;      /* seconds for which an expired head is taken; 0: none (media only) */
	/* Stores `s` so that a power cut keeps the old or the new; called before anything is believed. */
	int (*save)(void *ctx, const struct channel_state *s, struct err *e);
	void *ctx;
};

struct channel_report {
	bool clock_wrong; /* it was below the time floor, which was taken instead */
	bool grace_used;  /* the head had expired */
	bool unchanged;   /* the plan is the one of the last run */
	uint64_t now;     /* by which expiry was judged */
};

/*
 * Root, head, plan, halt: fetched, judged in this order, and stored by source.save() as each is
 * accepted. After an error `state` is what it was, or further on in good order, never mixed.
 *
 * ERR_NETWORK (no fresh head: nothing may be started), ERR_SIGNATURE (also expired), ERR_DOWNGRADE
 * (older than what is believed: a rollback, or a cache that lags behind), ERR_FORMAT, ERR_DAMAGED
 * (not what head or plan announce).
 */
int channel_fetch(const struct channel_source *source, struct channel_state *state,
	struct channel_plan *ret, struct channel_report *ret_report, struct err *e);

/* URL of a package file: FOLDER/packages/SHA256.sota. ERR_USAGE if it is too long. */
int channel_package_url(const struct channel_source *source, const uint8_t sha256[SHA256_SIZE],
	char ret[FETCH_URL_SIZE], struct err *e);

void channel_state_done(struct channel_state *s);

#define cleanup_channel_root CLEANUP(channel_root_done)
#define cleanup_channel_plan CLEANUP(channel_plan_done)
#define cleanup_channel_halt CLEANUP(channel_halt_done)

#endif
