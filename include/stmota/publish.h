/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.h - making and changing the files of a channel
 *
 * The tree is opened as a client opens it, so that nothing is built upon what does not verify; it is
 * changed in memory; then new files are written beside the old ones, and the head last. Copy the
 * tree to a server in the same order: packages, root, plan, halt, head.
 */
#ifndef STMOTA_PUBLISH_H
#define STMOTA_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/channel.h>
#include <stmota/err.h>
#include <stmota/key.h>

#define PUBLISH_KEYS_MAX 16

struct publish_keys { /* borrowed */
	struct key *v[PUBLISH_KEYS_MAX];
	size_t n;
};

struct publisher {
	const char *dir;          /* of the tree; borrowed */
	const char *name;         /* of the channel; borrowed */
	struct publish_keys root; /* private: sign roots */
	struct publish_keys plan; /* private: sign plan, head and halt */
	uint64_t now;
	uint32_t head_days; /* until a head expires */
	/* what is there, and what it shall be */
	struct channel_state state;
	struct channel_root keys;
	struct channel_plan current;
	struct channel_halt halt;
	bool root_changed, plan_changed, halt_changed;
};

/*
 * Opens the channel of a tree, or begins one in a folder that is empty or missing: root 1 with the
 * first key for every role, and the plan's keys for plan, head and halt.
 * ERR_SIGNATURE (what is there does not verify; the keys are not those of its roles), ERR_IO.
 * `p` has dir, name, root, plan, now, head_days; release it with publish_done() in any case.
 */
int publish_open(struct publisher *p, struct err *e);
void publish_done(struct publisher *p);

/*
 * Adds a release: `data` is a package that keys of role release signed. It becomes the first
 * rollout, at stage 0, with a new id and salt; older rollouts of the same product stay behind it
 * for the devices that it leaves out. A delta package is added to the rollout of the release that it
 * makes. Returns the rollout, which the caller may set up.
 * ERR_SIGNATURE, ERR_FORMAT, ERR_DOWNGRADE (a counter below that of an earlier release), ERR_USAGE (the
 * release is there already; a delta whose release is not).
 */
int publish_add(struct publisher *p, const uint8_t *data, size_t len, struct channel_rollout **ret,
	struct err *e);

/* The rollout `id`, or the first one for NULL. ERR_USAGE. */
int publish_find(struct publisher *p, const char *id, struct channel_rollout **ret, struct err *e);

/* Adds an id to a list, or takes all out for "none". ERR_USAGE, ERR_NOMEM. */
int publish_ids(struct channel_ids *ids, const char *text, struct err *e);

/* Halts a rollout by plan and halt file, or takes that back. */
int publish_halt(struct publisher *p, struct channel_rollout *r, bool halted, struct err *e);

/*
 * Gives a role other keys: a new root, signed by the keys that count now and by those that will.
 * ERR_USAGE.
 */
int publish_role(struct publisher *p, enum trust_role role, struct key *const *keys, size_t n,
	uint32_t threshold, struct err *e);

/* Signs and writes what has changed, and a fresh head. ERR_IO, ERR_SIGNATURE. */
int publish_write(struct publisher *p, struct err *e);

#endif
