/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the host remembers of a device between two runs
 *
 * One file per device, replaced by rename and synced before the device is touched, so a crash of
 * the host leaves the old or the new state. The key is the chip's unique id, else its URL.
 */
#ifndef STMOTA_STATE_H
#define STMOTA_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/segments.h>

/* Erase units whose bytes outside the image were saved before they were erased. */
struct saved_units {
	struct span
		*units; /* the whole units; their free bytes are blank unless `bytes` has them */
	size_t n;
	struct segments bytes;
};

#define INSTALLED_PIECES 16

struct installed { /* what a successful run left on the device */
	bool known;
	char product_uuid[40]; /* text form; "" if the image was no package */
	char version[32];      /* "1.2.3+4" */
	uint32_t counter;
	struct span pieces[INSTALLED_PIECES]; /* of the image, in address order */
	size_t n_pieces;                      /* 0: it has more pieces than are remembered */
	char sha256[65];                      /* of the pieces one behind the other, hexadecimal */
	uint32_t record_addr;                 /* of its imf_app_info record; 0: it has none */
};

#define LIFTED_FIELDS 16

struct lifted_field { /* a field of an option word, and what it held */
	uint32_t addr;
	uint8_t bit, width;
	uint32_t value;
};

struct lifted { /* write protection that was lifted for an update and must be put back */
	struct lifted_field field[LIFTED_FIELDS];
	size_t n;
};

struct state;

/*
 * The folder for state files: `configured` if not NULL, else /var/lib/stmota as root, else
 * $XDG_STATE_HOME/stmota or ~/.local/state/stmota. ERR_IO if there is no home folder.
 */
int state_folder(const char *configured, char *ret, size_t size, struct err *e);

/*
 * Opens the state of a device and locks it: a second process gets ERR_BUSY.
 *
 * dir  folder for state files, created where missing
 * key  unique id in hexadecimal, or the URL
 *
 * ERR_IO (cannot create: hint says how to choose another folder), ERR_FORMAT (damaged; the hint
 * names the file).
 */
int state_open(const char *dir, const char *key, struct state **ret, struct err *e);
void state_close(struct state *s);
/* True if something is remembered of that device. Makes nothing, locks nothing. */
bool state_is_there(const char *dir, const char *key);

/* NULL unless an earlier run was interrupted. Valid until the next change. */
const struct saved_units *state_saved(const struct state *s);

/* Takes the content of `saved` and writes it to disk, synced, before it returns. */
int state_save_units(struct state *s, struct saved_units *saved, struct err *e);

/* NULL unless write protection waits to be put back. Valid until the next change. */
const struct lifted *state_lifted(const struct state *s);

/* Remembers, synced before it returns; n 0: forgets. */
int state_set_lifted(struct state *s, const struct lifted *l, struct err *e);

/*
 * Keeps the image that is about to be written, where the next run could not make it again: its old
 * image is on the device. Synced before it returns.
 */
int state_keep_image(struct state *s, const void *data, size_t len, struct err *e);
/* Appends what an earlier run kept; nothing if there is none. Who uses it checks it. ERR_IO. */
int state_kept_image(const struct state *s, struct buf *ret, struct err *e);

/* The work is finished: forgets saved units, suspect and kept image, remembers `installed` if not NULL. */
int state_finish(struct state *s, const struct installed *installed, struct err *e);

const struct installed *state_installed(const struct state *s);

/*
 * Notes which unit is being written. Cheap: not synced, survives the end of the process but not a
 * power failure of the host.
 */
void state_note_current(struct state *s, struct span unit);
/* The unit that was being written when the last run ended early; len 0: none. */
struct span state_suspect(const struct state *s);

void saved_units_done(struct saved_units *s);

#endif
