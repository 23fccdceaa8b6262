/* SPDX-License-Identifier: Apache-2.0 */
#include "updater_menu_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fmt.h>
#include <stmota/signals.h>
#include <stmota/vectors.h>
#include <stmota/ymodem.h>

#define LAST_WORDS_MS 1500 /* what it says after a transfer that broke */
#define BACK_OFF_MS   1000u /* before the second session; four times longer before each further one */
#define BACK_OFF_MAX  60000

static struct menu_updater *mu_of(struct updater *u)
{
	return (struct menu_updater *)u;
}

/* ---- may this device get this file? ---- */

static int no_form(
	const struct playbook *p, const struct updater_file *f, const char *hint, struct err *e)
{
	err_set(e, ERR_NO_FIT, "%s is %s, and '%s' takes the form %s", f->name,
		fmt_detect(f->data, f->len)->description, p->name, playbook_form_name(p->form));
	return err_hint(e, "%s", hint);
}

static int check_form(const struct playbook *p, const struct updater_file *f, struct err *e)
{
	enum fmt_kind kind = fmt_detect(f->data, f->len)->kind;
	uint32_t base;

	switch (p->form) {
	case PLAYBOOK_PACKAGE:
		return kind == FMT_SOTA ? 0 : no_form(p, f, "'stmota pack' makes a package", e);
	case PLAYBOOK_SFB:
		return kind == FMT_SFB ? 0
				       : no_form(p, f, "'stmota convert --to sfb' makes one", e);
	case PLAYBOOK_MCUBOOT:
		return kind == FMT_MCUBOOT
			       ? 0
			       : no_form(p, f, "'stmota convert --to mcuboot' makes one", e);
	case PLAYBOOK_RBL:
		return f->len > 96 && memcmp(f->data, "RBL", 4) == 0
			       ? 0
			       : no_form(p, f, "RT-Thread's packaging tool makes an .rbl", e);
	case PLAYBOOK_AES:
		if (kind == FMT_BIN && vectors_guess_base(f->data, f->len, &base, 1) == 0)
			return 0;
		return no_form(
			p, f, "this device decrypts what it gets: give it the encrypted file", e);
	case PLAYBOOK_BIN:
		return kind == FMT_BIN ? 0 : no_form(p, f, "give it the plain program", e);
	default: return 0;
	}
}

/* The device's own test of the first word: it may take a file that it never starts. */
static int check_stack(const struct playbook *p, const struct updater_file *f, char *ret_warn,
	size_t size, struct err *e)
{
	uint32_t sp = f->len >= 4 ? get_le32(f->data) : 0;
	char text[160];

	if (p->form != PLAYBOOK_BIN || p->sp_mask == 0 || (sp & p->sp_mask) == p->sp_value)
		return 0;
	snprintf(text, sizeof(text),
		"its stack pointer 0x%08X fails the test of this loader (& 0x%08X is not 0x%08X)",
		sp, p->sp_mask, p->sp_value);
	if (!p->sp_strict) {
		snprintf(ret_warn, size, "%s: it will not be started by a reset", text);
		return 0;
	}
	err_set(e, ERR_NO_FIT, "%s: %s", f->name, text);
	return err_hint(e, "link it with a stack that ends lower");
}

int updater_menu_check_file(const struct playbook *p, const struct updater_file *f, char *ret_warn,
	size_t size, struct err *e)
{
	struct ymodem_file file = {f->name, f->data, f->len};
	int rc = 0;

	ret_warn[0] = '\0';
	if (f->len == 0)
		return err_set(e, ERR_NO_FIT, "%s is empty", f->name);
	rc = check_form(p, f, e);
	if (rc == 0 && p->size_max > 0 && f->len > p->size_max) {
		err_set(e, ERR_NO_FIT, "%s has %zu bytes, '%s' has room for %u", f->name, f->len,
			p->name, p->size_max);
		return err_hint(
			e, "the device would not notice: it cuts, or starts writing elsewhere");
	}
	if (rc == 0)
		rc = ymodem_check(&file, 1, p->traits, e);
	if (rc == 0 && p->form == PLAYBOOK_BIN && p->has_address)
		rc = vectors_check(f->data, f->len, p->address, NULL, ret_warn, size, e);
	if (rc == 0)
		rc = check_stack(p, f, ret_warn, size, e);
	return rc;
}

static int op_check(struct updater *u, const struct updater_file *f, struct err *e)
{
	struct event ev = {.type = EVENT_WARNING};
	char warn[240];
	int rc = updater_menu_check_file(mu_of(u)->p, f, warn, sizeof(warn), e);

	ev.text = warn;
	if (rc == 0 && warn[0] != '\0')
		event_emit(u->events, &ev);
	return rc;
}

/* ---- one session ---- */

static const char *plain_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

/* Blanks end a name for some receivers; a bounded one fits all of them. */
static void wire_name(const char *name, char ret[32])
{
	size_t n = 0;

	for (const char *p = plain_name(name); *p != '\0' && n < 31; p++)
		if (*p > ' ' && *p < 0x7F)
			ret[n++] = *p;
	if (n == 0)
		ret[n++] = 'f';
	ret[n] = '\0';
}

/* After a failure its own words tell more than ours: these lists say what they mean. */
static int judge(struct menu_updater *mu, uint32_t within_ms, struct talk_match *ret, struct err *e)
{
	const struct playbook *p = mu->p;
	const struct playbook_texts *lists[] = {&p->success, &p->failure, &p->again, &p->prompt};

	return talk_expect(mu->talk, lists, ARRAY_LEN(lists), within_ms, ret, e);
}

static int said_no(const struct talk_match *m, bool *ret_final, struct err *e)
{
	*ret_final = m->list == 1;
	return err_set(e, ERR_NACK, "the device says: %s", m->line);
}

static int transfer(
	struct menu_updater *mu, const struct updater_file *f, bool *ret_final, struct err *e)
{
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	struct ymodem_report report;
	struct ymodem_file file = {.data = f->data, .len = f->len};
	struct talk_match match;
	struct err why = ERR_INIT, silent = ERR_INIT;
	char name[32];
	int rc;

	wire_name(f->name, name);
	file.name = name;
	opt.traits = mu->p->traits;
	opt.start_ms = mu->p->start_ms;
	opt.first_ms = mu->p->first_ms;
	opt.block_ms = mu->p->block_ms;
	opt.events = mu->u.events;
	transcript_note(mu->talk->transcript, "sends %s, %zu bytes", name, f->len);
	mu->sent = true;
	rc = ymodem_send(&mu->talk->l, &file, 1, &opt, &report, &why);
	transcript_note(mu->talk->transcript, "transfer: %s, %u blocks again",
		rc == 0 ? "acknowledged" : why.msg, report.resends);
	if (rc == 0)
		return 0;
	if (rc != ERR_LINK && rc != ERR_INTERRUPTED &&
		judge(mu, LAST_WORDS_MS, &match, &silent) == 0 &&
		(match.list == 1 || match.list == 2))
		return said_no(&match, ret_final, e);
	*e = why;
	return rc;
}

static int expect_ready(struct menu_updater *mu, bool *ret_final, struct err *e)
{
	const struct playbook *p = mu->p;
	const struct playbook_texts *lists[] = {&p->ready, &p->failure, &p->again};
	struct talk_match match;
	char words[80];
	int rc;

	if (p->ready.n == 0 || p->prompt.n == 0)
		return 0;
	rc = talk_expect(mu->talk, lists, ARRAY_LEN(lists), p->ready_ms, &match, e);
	if (rc == 0 && match.list > 0)
		return said_no(&match, ret_final, e);
	if (rc != ERR_TIMEOUT)
		return rc;
	talk_last_words(mu->talk, words, sizeof(words));
	return err_set(e, ERR_TIMEOUT, "it does not ask for the file%s%s",
		words[0] != '\0' ? "; it says: " : "", words);
}

static int expect_success(
	struct menu_updater *mu, char *ret_said, size_t size, bool *ret_final, struct err *e)
{
	struct talk_match match;
	char words[80];
	int rc;

	if (mu->p->success.n == 0)
		return 0;
	rc = judge(mu, mu->p->success_ms, &match, e);
	if (rc == 0 && match.list == 0) {
		snprintf(ret_said, size, "%s", match.line);
		return 0;
	}
	if (rc == 0 && match.list < 3)
		return said_no(&match, ret_final, e);
	if (rc < 0 && rc != ERR_TIMEOUT)
		return rc;
	talk_last_words(mu->talk, words, sizeof(words));
	return err_set(e, ERR_VERIFY,
		"it acknowledged the file and did not say that it has stored it%s%s",
		words[0] != '\0' ? "; its last words: " : "", words);
}

int updater_menu_session(struct menu_updater *mu, const struct updater_file *f, bool anew,
	char *ret_said, size_t size, bool *ret_final, struct err *e)
{
	const struct playbook_press *send = &mu->p->send;
	char version[32];
	int rc = menu_reach(&mu->menu, anew, e);

	*ret_final = false;
	ret_said[0] = '\0';
	if (rc == 0)
		rc = menu_identify(&mu->menu, version, sizeof(version), e);
	if (rc == 0 && mu->menu.asks) {
		mu->menu.asks = mu->menu.at_prompt = false;
		rc = transfer(mu, f, ret_final, e);
		return rc == 0 ? expect_success(mu, ret_said, size, ret_final, e) : rc;
	}
	if (rc == 0 && (send->item.n > 0 || send->key.len > 0 || send->type.len > 0))
		rc = menu_press(&mu->menu, send, e);
	if (rc == 0)
		rc = expect_ready(mu, ret_final, e);
	if (rc == 0)
		rc = transfer(mu, f, ret_final, e);
	if (rc == 0)
		rc = expect_success(mu, ret_said, size, ret_final, e);
	return rc;
}

int updater_menu_back_off(struct menu_updater *mu, unsigned n, const char *why, struct err *e)
{
	struct event ev = {.type = EVENT_RETRY, .phase = "send", .text = why};
	uint32_t ms = BACK_OFF_MS << (n > 3 ? 6 : 2 * (n - 1));

	event_emit(mu->u.events, &ev);
	transcript_note(mu->talk->transcript, "again, because: %s", why);
	clock_sleep_ms(mu->talk->l.clock, ms < BACK_OFF_MAX ? ms : BACK_OFF_MAX);
	err_clear(e);
	return signals_check(e);
}

/* ---- what comes behind the transfer ---- */

/* "lamp ${version}": with the version of the file, or what stands in front where it has none. */
static void expand(
	const struct playbook_texts *from, const char *version, struct playbook_texts *to)
{
	static const char mark[] = "${version}";

	*to = *from;
	for (size_t i = 0; i < from->n; i++) {
		const char *at = strstr(from->v[i].s, mark);
		int n;

		if (at == NULL)
			continue;
		n = snprintf(to->v[i].s, sizeof(to->v[i].s), "%.*s%s%s", (int)(at - from->v[i].s),
			from->v[i].s, version != NULL ? version : "",
			version != NULL ? at + sizeof(mark) - 1 : "");
		to->v[i].len = n < PLAYBOOK_TEXT_SIZE ? (size_t)n : PLAYBOOK_TEXT_SIZE - 1;
	}
}

static int expect_health(struct menu_updater *mu, const struct updater_file *f, char *ret_said,
	size_t size, struct err *e)
{
	struct event phase = {.type = EVENT_PHASE, .phase = "health"};
	struct playbook_texts healthy;
	const struct playbook_texts *lists[] = {&healthy, &mu->p->sick};
	struct talk_match match;
	char words[80];
	int rc;

	if (mu->p->health.n == 0)
		return 0;
	expand(&mu->p->health, f->version, &healthy);
	event_emit(mu->u.events, &phase);
	rc = talk_expect(mu->talk, lists, ARRAY_LEN(lists), mu->p->health_ms, &match, e);
	if (rc == 0 && match.list == 1)
		return err_set(e, ERR_VERIFY, "the device says: %s", match.line);
	if (rc == 0) {
		snprintf(ret_said, size, "%s", match.line);
		return 0;
	}
	if (rc != ERR_TIMEOUT)
		return rc;
	talk_last_words(mu->talk, words, sizeof(words));
	err_set(e, ERR_VERIFY, "no sign of the new program within %u s%s%s",
		(unsigned)(mu->p->health_ms / 1000), words[0] != '\0' ? "; its last words: " : "",
		words);
	return err_hint(e, "waited for '%s'", healthy.v[0].s);
}

static int follow_up(struct menu_updater *mu, const struct updater_file *f, char *ret_said,
	size_t size, struct err *e)
{
	struct event ev = {.type = EVENT_PHASE};
	char said[PLAYBOOK_TEXT_SIZE];
	int rc = 0;

	event_emit(mu->u.events, &ev);
	for (size_t i = 0; rc == 0 && i < mu->p->n_steps; i++) {
		const struct playbook_step *st = &mu->p->step[i];

		ev = (struct event){.type = EVENT_NOTE, .text = st->name};
		event_emit(mu->u.events, &ev);
		rc = menu_step(&mu->menu, st, said, sizeof(said), e);
	}
	return rc == 0 ? expect_health(mu, f, ret_said, size, e) : rc;
}

/* ---- all of it ---- */

static int send_file(struct menu_updater *mu, const struct updater_file *f, char *ret_said,
	size_t size, struct err *e)
{
	bool final = false;
	int rc;

	for (unsigned n = 1;; n++) {
		rc = updater_menu_session(mu, f, n > 1, ret_said, size, &final, e);
		if (rc == 0 || final || n > mu->p->restarts ||
			(rc != ERR_VERIFY && !err_is_transient((enum err_code)rc)))
			break;
		rc = updater_menu_back_off(mu, n, e->msg, e);
		if (rc < 0)
			break;
	}
	return rc == 0 ? follow_up(mu, f, ret_said, size, e) : rc;
}

/* What broke in the middle can be finished by the same command; what was refused cannot. */
static int unfinished(const struct menu_updater *mu, int rc, struct err *e)
{
	char was[sizeof(e->msg)];

	if (!mu->sent || (rc != ERR_TIMEOUT && rc != ERR_PROTOCOL && rc != ERR_LINK))
		return rc;
	memcpy(was, e->msg, sizeof(was));
	err_set(e, ERR_UNFINISHED, "unfinished: %.200s", was);
	return err_hint(e, "run the same command again: it begins where the device is");
}

static int op_send(
	struct updater *u, const struct updater_file *f, struct updater_result *ret, struct err *e)
{
	struct menu_updater *mu = mu_of(u);
	struct updater_result r = {.proof = UPDATER_ACCEPTED};
	struct err own = ERR_INIT;
	char said[sizeof(r.said)] = "";
	int rc;

	if (e == NULL)
		e = &own;
	mu->sent = false;
	rc = mu->p->banks ? updater_menu_banks(mu, f, said, sizeof(said), e)
			  : send_file(mu, f, said, sizeof(said), e);
	transcript_note(
		mu->talk->transcript, "%s%s", rc == 0 ? "done" : "failed: ", rc == 0 ? "" : e->msg);
	if (rc < 0)
		return unfinished(mu, rc, e);
	if (said[0] != '\0')
		r.proof = UPDATER_REPORTED;
	memcpy(r.said, said, sizeof(r.said));
	*ret = r;
	return 0;
}

static void op_close(struct updater *u)
{
	struct menu_updater *mu = mu_of(u);

	talk_free(mu->talk);
	playbook_free(mu->p);
	free(mu);
}

static const struct updater_ops ops = {
	.name = "ymodem",
	.check = op_check,
	.send = op_send,
	.close = op_close,
};

int updater_menu_open(struct link *link, struct playbook *p, struct transcript *transcript,
	const struct updater_menu_options *opt, struct updater **ret, struct err *e)
{
	struct menu_updater *mu = calloc(1, sizeof(*mu));
	int rc;

	if (mu == NULL) {
		link_close(link);
		transcript_close(transcript);
		playbook_free(p);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	mu->p = p;
	rc = talk_new(link, transcript, &mu->talk, e);
	if (rc == 0) {
		transcript_note(transcript, "playbook %s", p->name);
		mu->u = (struct updater){.ops = &ops, .link = &mu->talk->l, .events = opt->events};
		mu->menu = (struct menu){.talk = mu->talk,
			.p = p,
			.events = opt->events,
			.within_ms = opt->wait_ms > p->menu_ms ? opt->wait_ms : p->menu_ms,
			.reset_ms = opt->reset_ms,
			.may_reset = opt->may_reset};
		if (opt->journal != NULL)
			snprintf(mu->journal, sizeof(mu->journal), "%s", opt->journal);
		snprintf(mu->u.info.transport, sizeof(mu->u.info.transport), "ymodem");
		snprintf(mu->u.info.product, sizeof(mu->u.info.product), "%s", p->name);
		mu->u.info.takes_files = true;
		mu->u.info.block = (p->traits >> YMODEM_SMALL_BLOCKS & 1u) != 0 ? 128 : 1024;
		mu->u.info.form = p->form == PLAYBOOK_PACKAGE ? UPDATER_PACKAGE
				  : p->form == PLAYBOOK_BIN   ? UPDATER_PLAIN
							      : UPDATER_FILE;
		mu->u.info.has_address = p->has_address;
		mu->u.info.address = p->address;
		mu->u.info.takes_deltas = p->deltas;
		rc = menu_reach(&mu->menu, false, e);
	}
	if (rc == 0)
		rc = menu_identify(&mu->menu, mu->u.info.version, sizeof(mu->u.info.version), e);
	if (rc < 0) {
		if (mu->talk != NULL)
			transcript_note(transcript, "failed: %s", e != NULL ? e->msg : "");
		op_close(&mu->u);
		return rc;
	}
	*ret = &mu->u;
	return 0;
}
