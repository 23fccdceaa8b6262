/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - a conversation in text with a device, over a link that others use in between
 *
 * The talk is a link itself: whatever is read through it, by YMODEM too, is also text to be searched,
 * and stands in the transcript. What cannot be printed is no text.
 */
#ifndef STMOTA_TARGET_TALK_H
#define STMOTA_TARGET_TALK_H

#include <stmota/link.h>
#include <stmota/playbook.h>
#include <stmota/transcript.h>

#define TALK_ROOM 16384u

struct talk {
	struct link l; /* first member: the link to read and write through */
	struct link *inner;
	struct transcript *transcript; /* owned; may be NULL */
	char text[TALK_ROOM + 1];
	size_t len;
	size_t mark;    /* what lies before it was matched already */
	uint8_t last;   /* last byte that came, 0: none since talk_forget() */
	bool only_asks; /* nothing but C, G, NAK, CAN has come since talk_forget() */
};

/* Takes the link and the transcript. */
int talk_new(struct link *inner, struct transcript *transcript, struct talk **ret, struct err *e);
void talk_free(struct talk *t);

/* Forgets what was said. */
void talk_forget(struct talk *t);

/* A text that was looked for: in which list, and which one of it. */
struct talk_match {
	int list; /* -1: none */
	size_t which;
	char line[PLAYBOOK_TEXT_SIZE]; /* the line it stands in */
};

/*
 * Reads until any text of any list is there, behind the mark; the mark is set behind it. Lists may
 * be NULL or empty. ERR_TIMEOUT after `timeout_ms` in all; ERR_INTERRUPTED, the link's.
 */
int talk_expect(struct talk *t, const struct playbook_texts *const *lists, int n_lists,
	uint32_t timeout_ms, struct talk_match *ret, struct err *e);

/* Reads until there was silence for so long; a device that never ends is read for ten times that
 * and at least two seconds. */
int talk_quiet(struct talk *t, uint32_t quiet_ms, struct err *e);

/* Sends bytes. */
int talk_send(struct talk *t, const struct playbook_text *bytes, struct err *e);

/* True if the text is anywhere in what was said since talk_forget(). */
bool talk_has(const struct talk *t, const struct playbook_text *text);

/* The last whole or begun line with this text: NULL if there is none. Not terminated. */
const char *talk_line(const struct talk *t, const struct playbook_text *text, size_t *ret_len);

/* The word behind the last such text, without what follows a blank or a bracket. */
bool talk_word(const struct talk *t, const struct playbook_text *text, char *ret, size_t size);

/* The last line that says something, for messages. */
void talk_last_words(const struct talk *t, char *ret, size_t size);

#endif
