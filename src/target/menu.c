/* SPDX-License-Identifier: Apache-2.0 */
#include "menu.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/signals.h>

#define LISTEN_MS 300  /* it may be printing its menu right now */
#define WAKE_MS   1500 /* between two attempts to wake it */
#define BOOT_MS   5000 /* from a reset to the menu, at first */

/* ---- the prompt ---- */

/* The last character of a line, if it can be a key. */
static bool key_of(const char *line, size_t len, char *ret)
{
	if (len < 2 || !isalnum((unsigned char)line[len - 1]) ||
		isalnum((unsigned char)line[len - 2]))
		return false;
	*ret = line[len - 1];
	return true;
}

/* The key of the first of these items that the menu has. */
static bool find_item(const struct talk *t, const struct playbook_texts *items, char *ret)
{
	for (size_t i = 0; i < items->n; i++) {
		size_t len = 0;
		const char *line = talk_line(t, &items->v[i], &len);

		if (line != NULL && key_of(line, len, ret))
			return true;
	}
	return false;
}

static int reset(struct menu *m, struct err *e)
{
	struct link *l = &m->talk->l;
	int rc = l->ops->set_line(l, LINK_NRST, false, e);

	if (rc == 0) {
		clock_sleep_ms(l->clock, m->reset_ms);
		rc = l->ops->set_line(l, LINK_NRST, true, e);
	}
	return rc;
}

/* One key that goes from the menu above to ours. */
static int go_through(struct menu *m, struct err *e)
{
	struct playbook_text key = {.len = 1};

	if (!find_item(m->talk, &m->p->through, &key.s[0]))
		return 0;
	talk_forget(m->talk);
	return talk_send(m->talk, &key, e);
}

/* Out of a receiver that asks for files and says nothing else; else whatever makes it talk. */
static int wake(struct menu *m, struct err *e)
{
	struct talk *t = m->talk;
	bool receiving = t->last != 0 && t->only_asks;
	const struct playbook_text *bytes = receiving ? &m->p->abort : &m->p->wake;

	talk_forget(t);
	return bytes->len > 0 ? talk_send(t, bytes, e) : 0;
}

/* The playbook whose marks are all in what was said; "" if none is. */
static void find_other(const struct talk *t, char *ret, size_t size)
{
	cleanup_free struct playbook_entry *v = NULL;
	size_t n = 0;

	ret[0] = '\0';
	if (playbook_list(&v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n && ret[0] == '\0'; i++) {
		struct playbook *p = NULL;
		size_t hits = 0;

		if (playbook_load(v[i].name, &p, NULL) < 0)
			continue;
		for (size_t k = 0; k < p->known_by.n; k++)
			hits += talk_has(t, &p->known_by.v[k]);
		if (hits > 0 && hits == p->known_by.n)
			snprintf(ret, size, "%s", v[i].name);
		playbook_free(p);
	}
}

static int no_menu(struct menu *m, struct err *e)
{
	char words[80], other[PLAYBOOK_NAME_SIZE];

	find_other(m->talk, other, sizeof(other));
	if (other[0] != '\0' && strcmp(other, m->p->name) != 0) {
		err_set(e, ERR_IDENTITY, "its menu is not that of '%s'", m->p->name);
		return err_hint(e, "it looks like '%s'; nothing was sent", other);
	}
	talk_last_words(m->talk, words, sizeof(words));
	if (words[0] != '\0')
		err_set(e, ERR_TIMEOUT, "no menu of '%s' appears; it says: %s", m->p->name, words);
	else
		err_set(e, ERR_TIMEOUT, "no menu of '%s' appears", m->p->name);
	return m->p->reach[0] != '\0' ? err_hint(e, "%s", m->p->reach)
				      : err_hint(e, "is it another updater? see --trace, and "
						    "'stmota playbook list'");
}

/* Waits for the prompt. 1: it is there; 0: not yet. */
static int look_for_prompt(struct menu *m, uint32_t timeout_ms, struct err *e)
{
	const struct playbook_texts *lists[] = {&m->p->prompt, &m->p->through, &m->p->ready};
	struct talk_match match;
	int rc = talk_expect(m->talk, lists, ARRAY_LEN(lists), timeout_ms, &match, e);

	/* Some go straight there: a loader that was asked for by the application. */
	m->asks = rc == 0 && match.list == 2;
	if (m->asks)
		return 1;
	if (rc == 0 && match.list == 1) {
		/* The rest of that menu; or it is a line of ours. */
		rc = talk_quiet(m->talk, m->p->quiet_ms, e);
		if (rc == 0)
			rc = talk_expect(m->talk, lists, 1, 0, &match, e);
		if (rc == ERR_TIMEOUT) {
			err_clear(e);
			rc = go_through(m, e);
			if (rc == 0)
				rc = talk_expect(m->talk, lists, 1, timeout_ms, &match, e);
		}
	}
	if (rc == ERR_TIMEOUT) {
		err_clear(e);
		return 0;
	}
	if (rc == 0)
		rc = talk_quiet(m->talk, m->p->quiet_ms, e);
	return rc < 0 ? rc : 1;
}

int menu_reach(struct menu *m, bool anew, struct err *e)
{
	const struct clock *clock = m->talk->l.clock;
	uint64_t until = clock_now_ms(clock) + m->within_ms;
	bool was_reset = false;
	int rc = 0;

	if (m->p->prompt.n == 0 || (m->at_prompt && !anew))
		return 0;
	if (anew && m->at_prompt && !m->asks)
		rc = wake(m, e);
	else
		m->at_prompt = false;
	if (rc == 0)
		rc = look_for_prompt(m, anew && m->at_prompt ? WAKE_MS : LISTEN_MS, e);
	while (rc == 0 && clock_now_ms(clock) < until && signals_check(e) == 0) {
		uint64_t left = until - clock_now_ms(clock);
		uint32_t ms = WAKE_MS;

		if (m->may_reset && !was_reset) {
			talk_forget(m->talk);
			rc = reset(m, e);
			was_reset = true;
			ms = BOOT_MS;
		} else {
			rc = wake(m, e);
		}
		if (rc == 0)
			rc = look_for_prompt(m, ms < left ? ms : (uint32_t)left, e);
	}
	m->at_prompt = rc == 1;
	if (rc == 0)
		rc = signals_check(e);
	if (rc == 0)
		return no_menu(m, e);
	return rc < 0 ? rc : 0;
}

/* ---- what it is, and what it offers ---- */

int menu_identify(struct menu *m, char *ret_version, size_t size, struct err *e)
{
	const struct playbook *p = m->p;

	for (size_t i = 0; i < p->known_by.n; i++) {
		if (talk_has(m->talk, &p->known_by.v[i]))
			continue;
		err_set(e, ERR_IDENTITY, "its menu says nothing of '%s': it is not a '%s'",
			p->known_by.v[i].s, p->name);
		return err_hint(e, "'stmota playbook list' names the others; nothing was sent");
	}
	ret_version[0] = '\0';
	talk_word(m->talk, &p->version, ret_version, size);
	return 0;
}

static int choose(struct menu *m, const struct playbook_press *press, struct playbook_text *ret,
	struct err *e)
{
	char found = 0;

	*ret = press->type.len > 0 ? press->type : press->key;
	if (press->item.n == 0)
		return 0;
	if (!find_item(m->talk, &press->item, &found))
		return err_set(e, ERR_IDENTITY, "its menu has no item '%s'", press->item.v[0].s);
	if (press->key.len == 1 && press->key.s[0] != found) {
		err_set(e, ERR_IDENTITY,
			"its menu has '%s' under the key %c, the playbook has it under %c",
			press->item.v[0].s, found, press->key.s[0]);
		return err_hint(e, "a playbook without the key takes what the menu says");
	}
	*ret = (struct playbook_text){.s = {found}, .len = 1};
	return 0;
}

int menu_press(struct menu *m, const struct playbook_press *press, struct err *e)
{
	struct playbook_text bytes;
	int rc = choose(m, press, &bytes, e);

	if (rc < 0)
		return rc;
	m->at_prompt = false;
	talk_forget(m->talk);
	return talk_send(m->talk, &bytes, e);
}

/* ---- steps ---- */

int menu_step(
	struct menu *m, const struct playbook_step *st, char *ret_said, size_t size, struct err *e)
{
	const struct playbook_texts *lists[] = {&st->failure, &st->expect, &m->p->prompt};
	struct talk_match match;
	struct playbook_text bytes;
	int rc = menu_reach(m, false, e);

	ret_said[0] = '\0';
	if (rc == 0 && st->optional && choose(m, &st->press, &bytes, e) < 0) {
		err_clear(e);
		return 0;
	}
	if (rc == 0)
		rc = menu_press(m, &st->press, e);
	if (rc == 0)
		rc = talk_expect(m->talk, lists, ARRAY_LEN(lists), st->within_ms, &match, e);
	if (rc == ERR_TIMEOUT) {
		char words[80];

		talk_last_words(m->talk, words, sizeof(words));
		err_set(e, ERR_TIMEOUT, "no answer to '%s' within %u s", st->name,
			(unsigned)(st->within_ms / 1000));
		return words[0] != '\0' ? err_hint(e, "it said: %s", words) : ERR_TIMEOUT;
	}
	if (rc < 0)
		return err_wrap(e, "%s", st->name);
	if (match.list == 0)
		return err_set(e, ERR_NACK, "%s: the device says: %s", st->name, match.line);
	if (match.list == 1) {
		snprintf(ret_said, size, "%s", match.line);
		return 0;
	}
	m->at_prompt = true;
	rc = talk_quiet(m->talk, m->p->quiet_ms, e);
	if (rc == 0 && st->expect.n > 0)
		return err_set(
			e, ERR_PROTOCOL, "%s: the menu is back, and not a word about it", st->name);
	return rc;
}
