/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hawkbit_audit.h - is a rollout of a hawkBit server one that stops itself?
 *
 * hawkBit counts what devices report and nothing else: a device that is silent for ever is no error,
 * a group that has ended goes on however it ended, an empty group is successful at once, and without
 * other words the limits are 50 and 50 per cent. Here a rollout is read through the Management API
 * and judged before it is started, and while it runs.
 */
#ifndef STMOTA_HAWKBIT_AUDIT_H
#define STMOTA_HAWKBIT_AUDIT_H

#include <stmota/hawkbit.h>

#define HAWKBIT_GROUPS_MAX 500u

enum hawkbit_then { HAWKBIT_THEN_NEXT, HAWKBIT_THEN_PAUSE, HAWKBIT_THEN_OTHER };

struct hawkbit_group {
	char id[HAWKBIT_ID_SIZE]; /* "" if it has none that is usable */
	char name[80], status[24];
	uint64_t total;
	bool has_success, has_error; /* a threshold in per cent is known */
	uint32_t success, error;
	enum hawkbit_then then; /* when it was successful */
	bool has_counts;        /* of these; servers of 0.3 do not count in lists */
	uint64_t finished, failed, cancelled, open;
};

struct hawkbit_rollout {
	char id[HAWKBIT_ID_SIZE], name[80], status[24];
	uint64_t total;
	bool dynamic;
	struct hawkbit_group *groups; /* owned, in their order */
	size_t n;
	uint64_t overdue;          /* open actions without a word for longer than the deadline */
	char overdue_example[100]; /* a target of them */
};

#define HAWKBIT_ROLLOUT_INIT ((struct hawkbit_rollout){0})

void hawkbit_rollout_done(struct hawkbit_rollout *r);

/* ERR_FORMAT, ERR_NOMEM. The rest of `ret` stays. */
int hawkbit_rollout_parse(const void *text, size_t len, struct hawkbit_rollout *ret, struct err *e);
/* A page of groups: appended. `*ret_more`: there are others. */
int hawkbit_groups_parse(
	const void *text, size_t len, struct hawkbit_rollout *ret, bool *ret_more, struct err *e);
/* One group alone. */
int hawkbit_group_parse(const void *text, size_t len, struct hawkbit_group *ret, struct err *e);
/*
 * A page of open actions: those that nobody has said a word about since `before` (Unix time) are
 * counted. `*ret_n`: actions on the page.
 */
int hawkbit_actions_parse(const void *text, size_t len, uint64_t before,
	struct hawkbit_rollout *ret, size_t *ret_n, bool *ret_more, struct err *e);

/* ---- judging ---- */

struct hawkbit_limits {
	uint32_t error_max; /* per cent, for the groups after the first */
	uint64_t deadline_s;
};

#define HAWKBIT_LIMITS_INIT ((struct hawkbit_limits){.error_max = 10, .deadline_s = 86400})

struct hawkbit_finding {
	bool unsafe; /* else it is worth to be known */
	char where[80];
	char what[200];
};

/* Calls `fn` for each finding, the first group's first; returns how many are unsafe. */
size_t hawkbit_judge(const struct hawkbit_rollout *r, const struct hawkbit_limits *l,
	void (*fn)(void *ctx, const struct hawkbit_finding *f), void *ctx);

/* ---- asking ---- */

struct hawkbit_manager {
	struct fetch_settings rest;
	char base[FETCH_URL_SIZE]; /* ".../rest/v1" */
	char authorization[2 * HAWKBIT_TOKEN_MAX];
	const char *headers[3];
};

/* `secret`: password of `user`, or with `user` NULL a bearer token. ERR_CONFIG. */
int hawkbit_manager_init(struct hawkbit_manager *m, const struct fetch_settings *fetch,
	const char *url, const char *user, const char *secret, struct err *e);
void hawkbit_manager_done(struct hawkbit_manager *m);

/*
 * Reads a rollout by id or name, its groups, and its open actions (`now` and the deadline decide
 * which are late). `ret` is empty before. ERR_USAGE (none or several of that name), ERR_NETWORK,
 * ERR_FORMAT, ERR_INTERRUPTED, ERR_NOMEM.
 */
int hawkbit_rollout_read(struct hawkbit_manager *m, const char *id_or_name, uint64_t now,
	const struct hawkbit_limits *l, struct hawkbit_rollout *ret, struct err *e);
/* ERR_NETWORK also if it does not run. */
int hawkbit_rollout_pause(struct hawkbit_manager *m, const char *id, struct err *e);

#define cleanup_hawkbit_rollout CLEANUP(hawkbit_rollout_done)

#endif
