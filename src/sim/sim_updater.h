/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater.h - the program on a virtual board that can update itself over its serial port
 *
 * A board as any other: the updater is its application, and lives on the board's flash, option
 * bytes, wire, faults and state file. What a kind of updater says and does is a row of
 * sim_updater_kinds.c, with its menus as tables; this engine prints, takes keys and runs the
 * transfer. Texts and behaviour: ST's packages and the others' sources as they were seen.
 */
#ifndef STMOTA_SIM_UPDATER_H
#define STMOTA_SIM_UPDATER_H

#include "sim_priv.h"
#include "sim_receiver.h"
#include "sim_sender.h"

struct updater_item {
	const char *text; /* the line of the menu; NULL: a key that the menu does not show */
	char key;
	void (*act)(struct sim_board *b);
	bool (*shown)(const struct sim_board *b); /* NULL: always */
};

struct updater_menu {
	void (*head)(struct sim_board *b); /* prints what stands above the items */
	const struct updater_item *items;  /* `key` 0 ends */
	const char *tail;
	const char *bad; /* for a key that is none */
};

struct updater_kind {
	const char *name, *what;
	uint16_t pid;
	const struct sim_ymodem_config *receiver;
	const void *facts; /* of the family, for its functions */
	/* A new device: what its flash holds. */
	void (*factory)(struct sim_board *b);
	/* Its program starts, after a reset or a change of banks; at `b->running`. */
	void (*start)(struct sim_board *b);
	/* The receiver's file. */
	enum sim_taken (*begin)(struct sim_board *b, uint64_t size);
	enum sim_taken (*data)(struct sim_board *b, const uint8_t *data, uint32_t len);
	void (*received)(struct sim_board *b, enum sim_received how);
	/* A line of the shell, or the one byte after updater_ask(); NULL: it has only menus. */
	void (*line)(struct sim_board *b, const char *line);
	bool has_cipher;     /* may be built to decrypt */
	bool cipher_at_rest; /* ... when it installs, not as bytes come */
};

enum updater_mode {
	UPDATER_IDLE,    /* nothing is read */
	UPDATER_MENU,    /* a byte is a key */
	UPDATER_SHELL,   /* bytes make a line, and are echoed */
	UPDATER_RECEIVE, /* YMODEM receiver */
	UPDATER_ASKED,   /* one byte decides whether it sends */
	UPDATER_SEND,    /* YMODEM sender */
};

struct updater_cipher;

struct sim_updater {
	const struct updater_kind *kind;
	struct updater_cipher *cipher; /* owned; NULL: what comes is plain */
	bool runs;                     /* its program has the CPU, not the one it has started */
	uint32_t starts;               /* of its program, also without a reset */
	bool own_reset;                /* the next reset is its own doing */
	/* From here on lost at reset. */
	enum updater_mode mode;
	const struct updater_menu *menu;
	struct sim_receiver receiver;
	struct sim_sender sender;
	uint64_t timer_us; /* SIM_NEVER: none */
	void (*then)(struct sim_board *b);
	uint32_t at, end;  /* offset in flash of the next byte of the file; where its place ends */
	uint32_t start;    /* where it began */
	uint32_t done;     /* bytes of the file so far */
	uint64_t old_size; /* that ST's code looks at instead of the new one */
	unsigned slot;     /* what the file is for */
	bool failed;       /* something else than the transfer went wrong */
	char line[64];
	size_t line_len;
	uint8_t head[1024]; /* the start of the file, for those who look at it */
};

/* ---- sim_updater.c: for the kinds ---- */

/* Prints; a lone LF stays one. */
void updater_say(struct sim_board *b, const char *text);
void updater_sayf(struct sim_board *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Goes into a menu, and prints it. */
void updater_menu_show(struct sim_board *b, const struct updater_menu *m);
void updater_receive(struct sim_board *b);
void updater_shell(struct sim_board *b, const char *prompt);
/* Waits, without reading, and goes on there. */
void updater_after(struct sim_board *b, uint32_t ms, void (*then)(struct sim_board *b));
/* One byte from the host decides; `name` and the part of flash are what is sent then. */
void updater_ask(struct sim_board *b);
void updater_send(struct sim_board *b, const char *name, const uint8_t *data, uint32_t len,
	void (*after)(struct sim_board *b));
/* ST's text about a file that is there. */
void updater_say_received(struct sim_board *b);

/* The program at `off` gets the CPU, checked or not; what it says is said. */
void updater_run(struct sim_board *b, uint32_t off);

/* A program that starts at `base` and says `version`, as it leaves the factory. */
void updater_make_program(
	struct sim_board *b, uint32_t off, uint32_t base, uint32_t len, const char *version);
/* What stands behind `mark` in the program; "" if it is not there. */
void updater_marker(
	const struct sim_board *b, struct span program, const char *mark, char *ret, size_t room);

/* Data at `u->at`, which moves on; quietly up to `u->end` only, as ST's code does. */
enum sim_taken updater_write(struct sim_board *b, const uint8_t *data, uint32_t len);
/* The other way to the program: 0, or SIM_DEAD or SIM_NOT_WRITTEN. */
enum sim_taken updater_copy(struct sim_board *b, uint32_t to, const uint8_t *data, uint32_t len);
enum sim_taken updater_erase(struct sim_board *b, uint32_t off, uint32_t len);

/* ---- sim_updater_crypto.c ---- */

/* A file with the key and, on a second line, the first counter block, both in hexadecimal. */
int updater_cipher_new(const char *path, struct updater_cipher **ret, struct err *e);
void updater_cipher_free(struct updater_cipher *c);
/* From the first byte again. */
void updater_cipher_start(struct updater_cipher *c);
void updater_decrypt(struct updater_cipher *c, uint8_t *data, size_t len);
/* The same key for whole blocks, and for GCM with its tag of 16 bytes. `plain` has room for `len`. */
bool updater_open_cbc(struct updater_cipher *c, const uint8_t iv[16], const uint8_t *data,
	uint32_t len, uint8_t *plain);
bool updater_open_gcm(struct updater_cipher *c, const uint8_t *iv, size_t iv_len,
	const uint8_t tag[16], const uint8_t *data, uint32_t len, uint8_t *plain);
void updater_sha256(const uint8_t *data, size_t len, uint8_t ret[32]);

/* ---- the kinds ---- */

extern const struct updater_kind *const updater_kinds[]; /* NULL ends */
extern const struct updater_kind updater_iap[], updater_dbfu[], updater_sbsfu[], updater_mcuboot[],
	updater_fota[], updater_plain[];

#endif
