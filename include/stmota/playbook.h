/* SPDX-License-Identifier: Apache-2.0 */
/*
 * playbook.h - a text file that says how to drive one kind of updater
 *
 * Prompts, keys, results, time limits: what differs from one device's menu to the next stands in a
 * file, and the program knows none of it. playbook(5) has every key. Texts are parts of what the
 * device prints, compared literally; what cannot be printed is skipped on the way in.
 */
#ifndef STMOTA_PLAYBOOK_H
#define STMOTA_PLAYBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/err.h>

#define PLAYBOOK_NAME_SIZE 48
#define PLAYBOOK_TEXT_SIZE 120
#define PLAYBOOK_TEXTS     8
#define PLAYBOOK_STEPS     8
#define PLAYBOOK_FILE_MAX  ((size_t)65536) /* bytes of such a file */

struct playbook_text { /* bytes to send, or a text to wait for */
	char s[PLAYBOOK_TEXT_SIZE];
	size_t len; /* 0: not given */
};

struct playbook_texts {
	struct playbook_text v[PLAYBOOK_TEXTS];
	size_t n;
	bool own; /* private to the parser: what was inherited is replaced by the first own one */
};

/* How something is chosen at the prompt. All empty: it is not. */
struct playbook_press {
	struct playbook_texts
		item;              /* the key is the last character of the line with any of these */
	struct playbook_text key;  /* one fixed key; with `item` both must agree */
	struct playbook_text type; /* a whole command instead */
};

struct playbook_step { /* something to do at the prompt */
	char name[24];
	struct playbook_press press;
	struct playbook_texts expect;  /* any of them is success; none: the prompt itself is */
	struct playbook_texts failure; /* any of them is failure */
	uint32_t within_ms;
	bool optional; /* no failure if the menu does not offer it */
};

enum playbook_form { /* what kind of file the device takes */
	PLAYBOOK_ANY,
	PLAYBOOK_PACKAGE, /* .sota, as it is */
	PLAYBOOK_BIN,     /* plain bytes of the program */
	PLAYBOOK_AES,     /* encrypted for the device, without a head */
	PLAYBOOK_SFB,     /* for ST's SBSFU */
	PLAYBOOK_MCUBOOT, /* with the head and trailer of MCUboot */
	PLAYBOOK_RBL,     /* RT-Thread's container */
	PLAYBOOK_FORMS,
};

struct playbook {
	char name[PLAYBOOK_NAME_SIZE];
	char title[100];
	char based_on[PLAYBOOK_NAME_SIZE];

	uint32_t baud;
	bool even; /* parity */

	struct playbook_texts prompt;  /* any of them ends the menu; none: there is no menu */
	struct playbook_texts through; /* a menu above offers this one under such an item */
	struct playbook_text wake;     /* makes the device show its menu */
	struct playbook_text abort;    /* takes the device out of its receiver */
	uint32_t menu_ms;
	uint32_t quiet_ms; /* of silence before a key */
	char reach[200];   /* for people: how the menu is reached */

	struct playbook_texts known_by; /* all of them must be seen, or it is another device */
	struct playbook_text version;   /* the word behind it is the version that runs */

	enum playbook_form form;
	bool has_address;
	uint32_t address;           /* of PLAYBOOK_BIN */
	uint32_t size_max;          /* bytes; 0: not known */
	uint32_t sp_mask, sp_value; /* its test of the first word; mask 0: none */
	bool sp_strict;             /* what fails that test is refused, else there is a warning */
	bool deltas;                /* it decodes delta packages itself */

	struct playbook_press send;
	struct playbook_texts ready;
	unsigned traits; /* bit set of enum ymodem_trait */
	uint32_t ready_ms, start_ms, first_ms, block_ms, success_ms;
	uint32_t restarts; /* further sessions after a broken one */
	struct playbook_texts success, failure, again;

	struct playbook_step step[PLAYBOOK_STEPS];
	size_t n_steps;

	struct playbook_texts health,
		sick; /* what the new program says; `${version}` is replaced */
	uint32_t health_ms;
	bool transfer_proves; /* such a device says nothing: that it took the file is all there is */

	/* Two banks that a reset chooses from by an option bit (AN4767). */
	bool banks;
	struct playbook_text bank[2];   /* which one runs */
	struct playbook_text system[2]; /* the option bit: [0] clear, [1] set */
	bool both_banks;                /* the other bank gets it too */
};

/* "package", "bin", ...; NULL behind the last. */
const char *playbook_form_name(size_t i);

/*
 * Takes a text apart.
 *
 * path  of the file, for messages; its last part without ".playbook" is the name
 * base  finds the playbook that this one is based on; NULL: there is none
 *
 * ERR_CONFIG with file and line: a key that does not exist, a value that cannot be, something that
 * is missing (nothing that would prove success). ERR_NOMEM.
 */
int playbook_parse(const char *path, const char *text, size_t len,
	int (*base)(void *ctx, const char *name, struct playbook *ret, struct err *e), void *ctx,
	struct playbook **ret, struct err *e);
void playbook_free(struct playbook *p);

/* The step of that name, NULL if there is none. */
const struct playbook_step *playbook_step(const struct playbook *p, const char *name);

/* ---- playbook_find.c: where they are ---- */

enum playbook_where { PLAYBOOK_USER, PLAYBOOK_SYSTEM, PLAYBOOK_BUILT_IN };

struct playbook_entry {
	char name[PLAYBOOK_NAME_SIZE];
	enum playbook_where where;
	char path[512]; /* "" if built in */
};

/* A shipped playbook, as text. */
struct playbook_shipped {
	const char *name;
	const char *text;
	size_t len;
};
extern const struct playbook_shipped playbook_shipped[]; /* name NULL ends */

/*
 * All that there are, by name; of several with one name the one that counts. The user's own come
 * first ($XDG_CONFIG_HOME/stmota/playbooks), then /etc/stmota/playbooks, then what is built in.
 * Release with free(). ERR_NOMEM.
 */
int playbook_list(struct playbook_entry **ret, size_t *ret_n, struct err *e);

/* Its text; ERR_USAGE if there is none: the hint names a similar one. */
int playbook_text(const char *name, struct playbook_entry *ret, struct buf *text, struct err *e);

/* Reads and parses one by its name, or by its path if it has a slash. */
int playbook_load(const char *name, struct playbook **ret, struct err *e);

#endif
