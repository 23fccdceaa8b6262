/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct talk *talk_of(struct link *l)
{
	return (struct talk *)l;
}

/* ---- what is heard ---- */

static void keep(struct talk *t, char c)
{
	if (t->len == TALK_ROOM) {
		size_t gone = TALK_ROOM / 2;

		memmove(t->text, t->text + gone, TALK_ROOM - gone);
		t->len -= gone;
		t->mark = t->mark > gone ? t->mark - gone : 0;
	}
	t->text[t->len++] = c;
	t->text[t->len] = '\0';
}

static void hear(struct talk *t, const uint8_t *p, size_t len)
{
	transcript_heard(t->transcript, p, len);
	for (size_t i = 0; i < len; i++) {
		if (strchr("CG\x15\x18", p[i]) == NULL || p[i] == 0)
			t->only_asks = false;
		t->last = p[i];
		if (isprint(p[i]) || p[i] == '\n')
			keep(t, (char)p[i]);
	}
}

/* ---- as a link ---- */

static int t_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct talk *t = talk_of(l);

	transcript_sent(t->transcript, buf, len);
	return t->inner->ops->write(t->inner, buf, len, e);
}

static int t_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct talk *t = talk_of(l);
	int rc = t->inner->ops->read(t->inner, buf, len, timeout_ms, e);

	if (rc == 0)
		hear(t, buf, len);
	return rc;
}

static int t_flush(struct link *l, struct err *e)
{
	return talk_of(l)->inner->ops->flush(talk_of(l)->inner, e);
}

static int t_set_frame(struct link *l, uint32_t baud, bool even, struct err *e)
{
	struct talk *t = talk_of(l);
	int rc;

	if (t->inner->ops->set_frame == NULL)
		return err_set(e, ERR_UNSUPPORTED, "%s has no speed", l->name);
	rc = t->inner->ops->set_frame(t->inner, baud, even, e);
	l->baud = t->inner->baud;
	return rc;
}

static int t_set_line(struct link *l, enum link_line line, bool level, struct err *e)
{
	struct talk *t = talk_of(l);

	if (t->inner->ops->set_line == NULL)
		return 0;
	transcript_note(t->transcript, "%s %s", line == LINK_NRST ? "nrst" : "boot0",
		level ? "high" : "low");
	return t->inner->ops->set_line(t->inner, line, level, e);
}

static void t_close(struct link *l)
{
	struct talk *t = talk_of(l);

	link_close(t->inner);
	transcript_close(t->transcript);
	free(t);
}

static const struct link_ops ops = {
	.name = "talk",
	.write = t_write,
	.read = t_read,
	.flush = t_flush,
	.set_line = t_set_line,
	.set_frame = t_set_frame,
	.close = t_close,
};

int talk_new(struct link *inner, struct transcript *transcript, struct talk **ret, struct err *e)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		link_close(inner);
		transcript_close(transcript);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	t->l = *inner;
	t->l.ops = &ops;
	t->inner = inner;
	t->transcript = transcript;
	talk_forget(t);
	*ret = t;
	return 0;
}

void talk_free(struct talk *t)
{
	if (t != NULL)
		t_close(&t->l);
}

/* ---- searching ---- */

void talk_forget(struct talk *t)
{
	t->len = t->mark = 0;
	t->text[0] = '\0';
	t->last = 0;
	t->only_asks = true;
}

static const char *find(const char *from, size_t len, const struct playbook_text *text)
{
	return text->len > 0 ? memmem(from, len, text->s, text->len) : NULL;
}

static const char *find_last(const struct talk *t, const struct playbook_text *text)
{
	const char *at = NULL, *from = t->text, *end = t->text + t->len;
	const char *next;

	while ((next = find(from, (size_t)(end - from), text)) != NULL) {
		at = next;
		from = next + 1;
	}
	return at;
}

bool talk_has(const struct talk *t, const struct playbook_text *text)
{
	return find(t->text, t->len, text) != NULL;
}

static const char *line_around(const struct talk *t, const char *at, size_t *ret_len)
{
	const char *from = at, *end = at, *limit = t->text + t->len;

	while (from > t->text && from[-1] != '\n')
		from--;
	while (end < limit && *end != '\n')
		end++;
	while (end > from && isspace((unsigned char)end[-1]))
		end--;
	*ret_len = (size_t)(end - from);
	return from;
}

const char *talk_line(const struct talk *t, const struct playbook_text *text, size_t *ret_len)
{
	const char *at = find_last(t, text);

	return at != NULL ? line_around(t, at, ret_len) : NULL;
}

bool talk_word(const struct talk *t, const struct playbook_text *text, char *ret, size_t size)
{
	const char *at = find_last(t, text), *end = t->text + t->len;
	size_t n = 0;

	if (at == NULL)
		return false;
	for (at += text->len; at < end && *at == ' '; at++)
		continue;
	for (; at < end && !isspace((unsigned char)*at) && strchr("()[],;", *at) == NULL; at++)
		if (n + 1 < size)
			ret[n++] = *at;
	ret[n] = '\0';
	return n > 0;
}

void talk_last_words(const struct talk *t, char *ret, size_t size)
{
	size_t end = t->len, len = 0;
	const char *line;

	/* Requests that are repeated are no words. */
	while (end > 0 && (isspace((unsigned char)t->text[end - 1]) || t->text[end - 1] == 'C'))
		end--;
	ret[0] = '\0';
	if (end == 0)
		return;
	line = line_around(t, t->text + end - 1, &len);
	if (len > (size_t)(t->text + end - line))
		len = (size_t)(t->text + end - line);
	while (len > 0 && (isspace((unsigned char)line[0]) || line[0] == '\n')) {
		line++;
		len--;
	}
	snprintf(ret, size, "%.*s", (int)len, line);
}

/* The earliest of all texts: what comes first is what the device means. */
static bool look(struct talk *t, const struct playbook_texts *const *lists, int n_lists,
	size_t from, struct talk_match *ret)
{
	const char *best = NULL, *line;
	size_t best_len = 0, len;

	for (int i = 0; i < n_lists; i++)
		for (size_t k = 0; lists[i] != NULL && k < lists[i]->n; k++) {
			const struct playbook_text *text = &lists[i]->v[k];
			const char *at = find(t->text + from, t->len - from, text);

			if (at == NULL || (best != NULL && at >= best))
				continue;
			best = at;
			best_len = text->len;
			ret->list = i;
			ret->which = k;
		}
	if (best == NULL)
		return false;
	line = line_around(t, best, &len);
	while (len > 0 && *line == ' ') {
		line++;
		len--;
	}
	snprintf(ret->line, sizeof(ret->line), "%.*s", (int)len, line);
	t->mark = (size_t)(best - t->text) + best_len;
	return true;
}

int talk_expect(struct talk *t, const struct playbook_texts *const *lists, int n_lists,
	uint32_t timeout_ms, struct talk_match *ret, struct err *e)
{
	uint64_t until = clock_now_ms(t->l.clock) + timeout_ms;
	size_t from = t->mark;

	*ret = (struct talk_match){.list = -1};
	while (!look(t, lists, n_lists, from, ret)) {
		uint64_t now = clock_now_ms(t->l.clock);
		uint8_t byte;
		int rc = now < until ? t_read(&t->l, &byte, 1, (uint32_t)(until - now), e)
				     : err_set(e, ERR_TIMEOUT, "%s says nothing that is known",
					       t->l.name);

		if (rc < 0)
			return rc;
		/* What was looked at once is not looked at again: a match ends at the new byte. */
		from = t->len > PLAYBOOK_TEXT_SIZE ? t->len - PLAYBOOK_TEXT_SIZE : 0;
		if (from < t->mark)
			from = t->mark;
	}
	return 0;
}

int talk_quiet(struct talk *t, uint32_t quiet_ms, struct err *e)
{
	uint64_t until = clock_now_ms(t->l.clock) + (quiet_ms > 200 ? 10 * quiet_ms : 2000);

	while (clock_now_ms(t->l.clock) < until) {
		uint8_t byte;
		int rc = t_read(&t->l, &byte, 1, quiet_ms, e);

		if (rc == ERR_TIMEOUT) {
			err_clear(e);
			return 0;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int talk_send(struct talk *t, const struct playbook_text *bytes, struct err *e)
{
	return t_write(&t->l, bytes->s, bytes->len, e);
}
