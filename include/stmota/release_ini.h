/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release_ini.h - release.ini: what a package is made of, as a file
 *
 * The file is taken apart, its keys are checked and variables replaced; what the values mean is
 * looked at by who makes the package. Each value knows its line, so that this can be said then.
 */
#ifndef STMOTA_RELEASE_INI_H
#define STMOTA_RELEASE_INI_H

#include <stddef.h>

#include <imf/imf_manifest.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>

enum release_key { /* of [package] */
	RELEASE_PRODUCT,
	RELEASE_VERSION,
	RELEASE_CHIP,
	RELEASE_COUNTER,
	RELEASE_HW,
	RELEASE_MIN_VERSION,
	RELEASE_TITLE,
	RELEASE_BUILD_ID,
	RELEASE_REVISION,
	RELEASE_DATE,
	RELEASE_NOTES,
	RELEASE_NOTES_FILE, /* a path */
	RELEASE_OUT,        /* a path */
	RELEASE_N,
};

enum release_part { /* of [component NAME] */
	PART_KIND,
	PART_FILE, /* a path */
	PART_FORMAT,
	PART_ADDRESS,
	PART_SLOT,
	PART_ENTRY,
	PART_COMPRESS,
	PART_ENCRYPT, /* yes, no; not given: whenever there is a key */
	PART_CHAIN,   /* bytes of a chunk, or no */
	PART_N,
};

struct release_value {
	char *text;    /* NULL: not given; a path is relative to the working folder already */
	unsigned line; /* in the file */
};

struct release_component {
	char *name;    /* NULL: a number stood in its place, the manifest shall tell no name */
	unsigned line; /* of its first setting */
	char section[48];
	struct release_value v[PART_N];
};

struct release_ini {
	const char *path; /* borrowed */
	struct release_value package[RELEASE_N];
	struct release_component components[IMF_COMPONENTS_MAX];
	size_t n_components;
};

#define RELEASE_INI_INIT ((struct release_ini){0})
#define RELEASE_INI_MAX  ((size_t)65536) /* bytes of such a file */

/* As a file names them: "min-version", "file". */
const char *release_key_name(enum release_key key);
const char *release_part_name(enum release_part part);

/*
 * Takes a text apart.
 *
 * path    of the file, for messages and for paths in it; must stay
 * lookup  the value of a variable, NULL if it is not set
 * ret     release with release_ini_done()
 *
 * ERR_CONFIG with file and line: a key that does not exist or stands twice, a variable that is not
 * set, no [package] or no component. ERR_NOMEM.
 */
int release_ini_parse(const char *path, const char *text, size_t len,
	const char *(*lookup)(const char *name), struct release_ini *ret, struct err *e);

void release_ini_done(struct release_ini *r);

#define cleanup_release_ini CLEANUP(release_ini_done)

#endif
