/* SPDX-License-Identifier: Apache-2.0 */
/*
 * updater.h - devices that take a file: what they do with it is their own business
 *
 * The counterpart of target.h, where memory is read and written. Nothing above asks which protocol
 * it is: a member that may be NULL is asked for.
 */
#ifndef STMOTA_UPDATER_H
#define STMOTA_UPDATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/link.h>

/* What the device itself has shown about a file that it was given. Silence is none of these. */
enum updater_proof {
	UPDATER_ACCEPTED,  /* it took every block and said that it is done; nothing was read back */
	UPDATER_READ_BACK, /* all bytes were read back and are equal */
	UPDATER_REPORTED,  /* it, or the program that runs now, named success or version */
};

enum updater_form {
	UPDATER_FILE,
	UPDATER_PLAIN,   /* the program's bytes, from whatever file has them */
	UPDATER_PACKAGE, /* the package itself: the device opens it */
};

struct updater_info {
	char transport[16]; /* "dfu" */
	char product[64];   /* what it calls itself; "": nothing */
	char version[32];   /* likewise */
	char serial[64];
	char memory[64];            /* the part of it that the file goes to; "": it has no parts */
	uint16_t vid, pid, release; /* of a USB device; 0: none */
	/* What kind of file it takes; UPDATER_FILE: of a package the one component, other files as they
	   are. */
	enum updater_form form;
	bool has_address;
	uint32_t address; /* of UPDATER_PLAIN: where the device has it */
	bool takes_deltas; /* of UPDATER_PACKAGE */
	char transcript[512];       /* where what is said is written down; "": nowhere */
	uint32_t block;             /* bytes at once */
	bool takes_files;           /* it can be given one at all */
	bool stays;                 /* it does not restart when it has a file */
};

#define UPDATER_ANY_ID 0xFFFFu

struct updater_file {     /* borrowed */
	const char *name; /* for messages */
	const uint8_t *data;
	size_t len;
	const char *version; /* of the program in it, for people; NULL: not known */
	uint16_t vid, pid, release; /* of the device that it is for, or UPDATER_ANY_ID */
};

struct updater_result {
	enum updater_proof proof;
	char said[160]; /* what was seen of the device afterwards; "": nothing */
};

struct updater;

struct updater_ops {
	const char *name;
	/* NULL: it takes anything. Whether the file can be for this device; sends nothing. */
	int (*check)(struct updater *u, const struct updater_file *f, struct err *e);
	/*
	 * Gives it the file, and begins anew a bounded number of times where the conversation broke.
	 * Events: phases "write" and "verify".
	 *
	 * ERR_UNFINISHED (the device may hold a part of the file: the same again is the way on),
	 * ERR_VERIFY (it gave back other bytes, or says itself that they are bad), ERR_INTERRUPTED,
	 * the link's.
	 */
	int (*send)(struct updater *u, const struct updater_file *f, struct updater_result *ret,
		struct err *e);
	/* NULL: it gives nothing back. At most `max` bytes of what it holds; *ret_len came. */
	int (*receive)(struct updater *u, uint8_t *buf, size_t max, size_t *ret_len, struct err *e);
	/* Frees the updater and closes its link. */
	void (*close)(struct updater *u);
};

struct updater { /* first member of each kind */
	const struct updater_ops *ops;
	struct link *link;               /* owned */
	const struct event_sink *events; /* may be NULL */
	struct updater_info info;
};

static inline void updater_close(struct updater *u)
{
	if (u != NULL)
		u->ops->close(u);
}

#endif
