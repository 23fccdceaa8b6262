/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - settings from files and environment
 *
 * Sources, the later one wins: built in, /etc/stmota/stmota.conf,
 * $XDG_CONFIG_HOME/stmota/stmota.conf, environment STMOTA_SECTION_KEY, --config FILE. The command
 * line stands above all of them and is looked at by the commands.
 */
#ifndef STMOTA_CONFIG_H
#define STMOTA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>

struct config;

enum config_type {
	CONFIG_TEXT, /* anything; who uses it checks it */
	CONFIG_BOOL, /* yes/no, true/false, on/off, 1/0 */
	CONFIG_U32,  /* parse_u32() */
	CONFIG_TIME, /* parse_duration() */
};

/* A setting that exists; all others are errors with file and line. */
struct config_key {
	const char *section; /* "flash", "trust", "device" (for every [device NAME]), "entry" */
	const char *key;
	const char *text;      /* one line for stmota.conf(5) */
	const char *fallback;  /* built-in value, NULL: none */
	enum config_type type; /* checked when the file is read, not when the value is used */
};

extern const struct config_key config_keys[]; /* section NULL ends */

/* Nothing but built-in values. ERR_NOMEM. */
int config_new(struct config **ret, struct err *e);

/*
 * Adds the settings of one file's text; they win over what is there. `path` is for messages.
 * ERR_CONFIG with file and line.
 */
int config_parse(struct config *c, const char *path, const char *text, size_t len, struct err *e);

/*
 * Adds STMOTA_SECTION_KEY of a NULL-terminated list "NAME=value". [device NAME] has no variables.
 * ERR_CONFIG for a key that does not exist in a section that does.
 */
int config_parse_env(struct config *c, char *const *env, struct err *e);

/*
 * Reads all sources. `extra_file` is that of --config, NULL if none; only that one must exist.
 * ERR_CONFIG with file and line.
 */
int config_load(const char *extra_file, struct config **ret, struct err *e);
void config_free(struct config *c);

/* Reads one more file, which must exist; its settings win. ERR_CONFIG with file and line. */
int config_load_file(struct config *c, const char *path, struct err *e);
/* True if the section has a setting in the file that was read last. */
bool config_in_last_file(const struct config *c, const char *section, const char *name);

/* Value of a setting; `name` is the NAME of [device NAME], else NULL. NULL if unset. */
const char *config_get(
	const struct config *c, const char *section, const char *name, const char *key);
/* Where the value came from: "FILE:LINE", "environment", "built in". */
const char *config_origin(
	const struct config *c, const char *section, const char *name, const char *key);
/* Unset is `fallback`. ERR_CONFIG with origin. */
int config_bool(const struct config *c, const char *section, const char *name, const char *key,
	bool fallback, bool *ret, struct err *e);
int config_u32(const struct config *c, const char *section, const char *name, const char *key,
	uint32_t fallback, uint32_t *ret, struct err *e);
/* In seconds. */
int config_time(const struct config *c, const char *section, const char *name, const char *key,
	uint64_t fallback_s, uint64_t *ret_s, struct err *e);

/* Names of all [device NAME] sections in file order. */
size_t config_n_devices(const struct config *c);
const char *config_device_name(const struct config *c, size_t i);

/* The same for any section that has names: "device", "entry", "slot". NULL behind the last one. */
size_t config_n_sections(const struct config *c, const char *section);
const char *config_section_name(const struct config *c, const char *section, size_t i);

#endif
