/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_priv.h - what the files of a channel have in common: JSON whose every member is known
 */
#ifndef STMOTA_CHANNEL_PRIV_H
#define STMOTA_CHANNEL_PRIV_H

#include <jansson.h>

#include <stmota/channel.h>

/* How a member is read; absent optional ones leave their field as it is. */
enum member_type {
	MEMBER_NAME,   /* char[size]: channel, rollout or device id */
	MEMBER_STRING, /* char *, owned */
	MEMBER_U16,
	MEMBER_U32,
	MEMBER_U64, /* below 2^53, so that every JSON reader agrees */
	MEMBER_BOOL,
	MEMBER_TIME,    /* uint64_t, "2026-11-21T12:00:00Z" */
	MEMBER_SHA256,  /* 64 hexadecimal digits */
	MEMBER_VERSION, /* struct imf_version */
	MEMBER_IDS,     /* struct channel_ids */
	MEMBER_OTHER,   /* the caller reads it */
};

struct member {
	const char *name; /* NULL ends */
	enum member_type type;
	size_t offset, size;
	bool optional;
};

/*
 * Parses text of one type ("type": `type` is the first thing that must be right). Duplicate
 * members, a NUL, and nesting beyond reason are errors.
 */
int channel_json_parse(const void *text, size_t len, const char *type, json_t **ret, struct err *e);

/* Fills the fields of `to`; a member that no row names is an error. `what` for messages. */
int channel_json_read(
	const json_t *j, const struct member *members, const char *what, void *to, struct err *e);

/* Puts the fields of `from` in, but those of MEMBER_OTHER; empty optional ones are left out. */
int channel_json_write(json_t *j, const struct member *members, const void *from, struct err *e);

/* Appends it as text with a line feed; takes `j`. */
int channel_json_text(json_t *j, struct buf *ret, struct err *e);

void channel_ids_done(struct channel_ids *ids);

/* The first step of channel_fetch() alone; an expired root is taken, for its publisher. */
int channel_walk(const struct channel_source *source, struct channel_state *state,
	struct channel_root *ret, struct err *e);

#endif
