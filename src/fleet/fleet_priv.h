/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_priv.h - what the readers of a fleet file share
 */
#ifndef STMOTA_FLEET_PRIV_H
#define STMOTA_FLEET_PRIV_H

#include <limits.h>

#include <stmota/fleet.h>

struct fleet_reading {
	const struct config *config;
	const char *path;
	char folder[PATH_MAX]; /* of `path`, with a slash behind it, or "" */
	struct fleet *fleet;
	fleet_finding_fn *fn;
	void *ctx;
	struct err first; /* mistake; what fleet_load() ends with */
};

/* Notes a mistake in `why` and goes on. */
void fleet_complain(struct fleet_reading *r, const struct err *why);
/* The same in one line of code; `key` says where it stands, `name` is of a device or NULL. */
void fleet_complain_of(struct fleet_reading *r, const char *name, const char *key, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* Letters, digits, - _ . with a letter or digit first. */
bool fleet_is_word(const char *text);

enum fleet_text_kind {
	FLEET_TEXT_WORD,    /* fleet_is_word() */
	FLEET_TEXT_FILE,    /* name of a file or folder; becomes complete */
	FLEET_TEXT_PLACE,   /* the same, or a URL */
	FLEET_TEXT_WEB,     /* http or https URL */
	FLEET_TEXT_PRODUCT, /* product_check() */
};

/* A setting that is text: where it goes, and how it is checked. */
struct fleet_text {
	const char *key;
	enum fleet_text_kind kind;
	size_t offset; /* of a char * */
};

/* All of a table, into `to`. */
void fleet_read_texts(struct fleet_reading *r, const char *section, const char *name,
	const struct fleet_text *rules, size_t n, void *to);

/* One [device NAME]; `d` is zeroed before. */
void fleet_read_device(struct fleet_reading *r, const char *name, struct fleet_device *d);
void fleet_device_done(struct fleet_device *d);

/* Two devices with one id, one port: mistakes of the whole. */
void fleet_check_pairs(struct fleet_reading *r);

#endif
