/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/playbook.h>

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/ini_text.h>
#include <stmota/similar.h>
#include <stmota/strparse.h>
#include <stmota/ymodem.h>

#define SUFFIX ".playbook"

static const char *const forms[PLAYBOOK_FORMS] = {
	[PLAYBOOK_ANY] = "any",
	[PLAYBOOK_PACKAGE] = "package",
	[PLAYBOOK_BIN] = "bin",
	[PLAYBOOK_AES] = "aes",
	[PLAYBOOK_SFB] = "sfb",
	[PLAYBOOK_MCUBOOT] = "mcuboot",
	[PLAYBOOK_RBL] = "rbl",
};

const char *playbook_form_name(size_t i)
{
	return i < ARRAY_LEN(forms) ? forms[i] : NULL;
}

/* ---- values ---- */

struct row {
	const char *section, *key;
	int (*take)(void *to, size_t size, const char *value, struct err *e);
	size_t offset, size; /* in struct playbook, or in struct playbook_step */
};

static int bad(const char *value, const char *wanted, struct err *e)
{
	err_set(e, ERR_CONFIG, "'%.60s' is not %s", value, wanted);
	return ERR_CONFIG;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Behind a backslash; moves *p behind what it took. -1: no such escape. */
static int escaped(const char **p)
{
	char c = *(*p)++;

	switch (c) {
	case 'r': return '\r';
	case 'n': return '\n';
	case 't': return '\t';
	case '"':
	case '\\': return c;
	case 'x':
		if (hex_digit((*p)[0]) < 0 || hex_digit((*p)[1]) < 0)
			return -1;
		*p += 2;
		return hex_digit((*p)[-2]) << 4 | hex_digit((*p)[-1]);
	default: return -1;
	}
}

/* "in quotes, with \escapes", or plain without. */
static int parse_text(const char *value, struct playbook_text *ret, struct err *e)
{
	struct playbook_text t = {.len = 0};
	bool quoted = value[0] == '"';
	const char *p = value + quoted;

	while (*p != '\0' && !(quoted && *p == '"')) {
		int c = (unsigned char)*p++;

		if (quoted && c == '\\')
			c = escaped(&p);
		if (c < 0) {
			err_set(e, ERR_CONFIG, "an unknown \\ in %.80s", value);
			return err_hint(
				e, "a text in quotes knows \\\" \\\\ \\r \\n \\t and \\xHH");
		}
		if (t.len == PLAYBOOK_TEXT_SIZE - 1)
			return err_set(e, ERR_CONFIG, "a text of more than %d bytes",
				PLAYBOOK_TEXT_SIZE - 1);
		t.s[t.len++] = (char)c;
	}
	if (quoted && (p[0] != '"' || p[1] != '\0'))
		return err_set(e, ERR_CONFIG, "%.80s does not end with its closing quote", value);
	if (t.len == 0)
		return err_set(e, ERR_CONFIG, "an empty text");
	*ret = t;
	return 0;
}

static int take_text(void *to, size_t size, const char *value, struct err *e)
{
	return parse_text(value, to, e);
}

static int take_texts(void *to, size_t size, const char *value, struct err *e)
{
	struct playbook_texts *list = to;
	struct playbook_text t;
	int rc = parse_text(value, &t, e);

	if (rc < 0)
		return rc;
	if (!list->own)
		*list = (struct playbook_texts){.own = true};
	if (list->n == PLAYBOOK_TEXTS)
		return err_set(e, ERR_CONFIG, "more than %d of them", PLAYBOOK_TEXTS);
	list->v[list->n++] = t;
	return 0;
}

/* What is compared with a screen: bytes that a device's text never keeps cannot match. */
static int take_screen(void *to, size_t size, const char *value, struct err *e)
{
	struct playbook_texts *list = to;
	int rc = take_texts(to, size, value, e);

	for (size_t i = 0; rc == 0 && i < list->v[list->n - 1].len; i++)
		if (!isprint((unsigned char)list->v[list->n - 1].s[i]))
			return err_set(e, ERR_CONFIG,
				"a text to wait for holds a byte that cannot be printed");
	return rc;
}

static int take_line(void *to, size_t size, const char *value, struct err *e)
{
	if (strlen(value) >= size)
		return err_set(e, ERR_CONFIG, "more than %zu characters", size - 1);
	snprintf(to, size, "%s", value);
	return 0;
}

static int take_ms(void *to, size_t size, const char *value, struct err *e)
{
	static const struct {
		const char *unit;
		uint32_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
	char *end = NULL;
	unsigned long n = isdigit((unsigned char)value[0]) ? strtoul(value, &end, 10) : 0;

	for (size_t i = 0; end != NULL && i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].unit) == 0 && n <= 3600000 / units[i].ms) {
			*(uint32_t *)to = (uint32_t)n * units[i].ms;
			return 0;
		}
	return bad(value, "a time such as 500ms, 15s or 2m, of at most an hour", e);
}

static int take_u32(void *to, size_t size, const char *value, struct err *e)
{
	if (parse_u32(value, to, e) == 0)
		return 0;
	return e != NULL ? (int)(e->code = ERR_CONFIG) : ERR_CONFIG;
}

static int take_baud(void *to, size_t size, const char *value, struct err *e)
{
	if (parse_u32_range(value, 1200, 12000000, to, e) == 0)
		return 0;
	return e != NULL ? (int)(e->code = ERR_CONFIG) : ERR_CONFIG;
}

static int take_restarts(void *to, size_t size, const char *value, struct err *e)
{
	if (parse_u32_range(value, 0, 20, to, e) == 0)
		return 0;
	return e != NULL ? (int)(e->code = ERR_CONFIG) : ERR_CONFIG;
}

static int take_bool(void *to, size_t size, const char *value, struct err *e)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return bad(value, "yes or no", e);
	*(bool *)to = yes;
	return 0;
}

static int take_parity(void *to, size_t size, const char *value, struct err *e)
{
	bool even = strcmp(value, "even") == 0;

	if (!even && strcmp(value, "none") != 0)
		return bad(value, "none or even", e);
	*(bool *)to = even;
	return 0;
}

static int take_form(void *to, size_t size, const char *value, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (strcmp(forms[i], value) == 0) {
			*(enum playbook_form *)to = (enum playbook_form)i;
			return 0;
		}
	return bad(value, "one of package, bin, aes, sfb, mcuboot, rbl, any", e);
}

static int take_trait(void *to, size_t size, const char *value, struct err *e)
{
	if (ymodem_trait_parse(value, to, e) == 0)
		return 0;
	return e != NULL ? (int)(e->code = ERR_CONFIG) : ERR_CONFIG;
}

static int take_address(void *to, size_t size, const char *value, struct err *e)
{
	struct playbook *p = to;
	int rc = take_u32(&p->address, 0, value, e);

	p->has_address = rc == 0;
	return rc;
}

static int take_proof(void *to, size_t size, const char *value, struct err *e)
{
	if (strcmp(value, "transfer") != 0)
		return bad(value, "'transfer'", e);
	*(bool *)to = true;
	return 0;
}

static int take_sequence(void *to, size_t size, const char *value, struct err *e)
{
	bool both = strcmp(value, "both") == 0;

	if (!both && strcmp(value, "one") != 0)
		return bad(value, "one or both", e);
	*(bool *)to = both;
	return 0;
}

/* ---- the keys ---- */

/* clang-format off */
#define AT(f)      offsetof(struct playbook, f), sizeof(((struct playbook *)0)->f)
#define IN_STEP(f) offsetof(struct playbook_step, f), sizeof(((struct playbook_step *)0)->f)

static const struct row rows[] = {
	{"playbook", "title", take_line, AT(title)},
	{"playbook", "based-on", take_line, AT(based_on)},
	{"line", "baud", take_baud, AT(baud)},
	{"line", "parity", take_parity, AT(even)},
	{"menu", "prompt", take_screen, AT(prompt)},
	{"menu", "through", take_screen, AT(through)},
	{"menu", "wake", take_text, AT(wake)},
	{"menu", "abort", take_text, AT(abort)},
	{"menu", "within", take_ms, AT(menu_ms)},
	{"menu", "quiet", take_ms, AT(quiet_ms)},
	{"menu", "reach", take_line, AT(reach)},
	{"identify", "expect", take_screen, AT(known_by)},
	{"identify", "version", take_text, AT(version)},
	{"file", "form", take_form, AT(form)},
	{"file", "address", take_address, 0, sizeof(struct playbook)},
	{"file", "size-max", take_u32, AT(size_max)},
	{"file", "sp-mask", take_u32, AT(sp_mask)},
	{"file", "sp-value", take_u32, AT(sp_value)},
	{"file", "sp-strict", take_bool, AT(sp_strict)},
	{"file", "deltas", take_bool, AT(deltas)},
	{"send", "item", take_screen, AT(send.item)},
	{"send", "key", take_text, AT(send.key)},
	{"send", "type", take_text, AT(send.type)},
	{"send", "ready", take_screen, AT(ready)},
	{"send", "ready-within", take_ms, AT(ready_ms)},
	{"send", "trait", take_trait, AT(traits)},
	{"send", "start", take_ms, AT(start_ms)},
	{"send", "first-block", take_ms, AT(first_ms)},
	{"send", "block", take_ms, AT(block_ms)},
	{"send", "success", take_screen, AT(success)},
	{"send", "success-within", take_ms, AT(success_ms)},
	{"send", "failure", take_screen, AT(failure)},
	{"send", "again", take_screen, AT(again)},
	{"send", "restarts", take_restarts, AT(restarts)},
	{"health", "expect", take_screen, AT(health)},
	{"health", "failure", take_screen, AT(sick)},
	{"health", "within", take_ms, AT(health_ms)},
	{"health", "proof", take_proof, AT(transfer_proves)},
	{"banks", "bank-1", take_text, AT(bank[0])},
	{"banks", "bank-2", take_text, AT(bank[1])},
	{"banks", "system-off", take_text, AT(system[0])},
	{"banks", "system-on", take_text, AT(system[1])},
	{"banks", "sequence", take_sequence, AT(both_banks)},
};

static const struct row step_rows[] = {
	{"step", "item", take_screen, IN_STEP(press.item)},
	{"step", "key", take_text, IN_STEP(press.key)},
	{"step", "type", take_text, IN_STEP(press.type)},
	{"step", "expect", take_screen, IN_STEP(expect)},
	{"step", "failure", take_screen, IN_STEP(failure)},
	{"step", "within", take_ms, IN_STEP(within_ms)},
	{"step", "optional", take_bool, IN_STEP(optional)},
};
/* clang-format on */

static const struct playbook defaults = {
	.baud = 115200,
	.abort = {.s = "\x18\x18", .len = 2},
	.menu_ms = 20000,
	.quiet_ms = 50,
	.ready_ms = 15000,
	.start_ms = 15000,
	.first_ms = 60000,
	.block_ms = 10000,
	.success_ms = 10000,
	.restarts = 2,
	.health_ms = 60000,
};

struct parser {
	struct playbook *p;
	int (*base)(void *ctx, const char *name, struct playbook *ret, struct err *e);
	void *ctx;
	bool any;                       /* a setting was seen */
	unsigned seen[ARRAY_LEN(rows)]; /* line of each, 0: not yet */
	unsigned step_seen[PLAYBOOK_STEPS][ARRAY_LEN(step_rows)];
};

/* ---- based-on ---- */

static void disown(struct playbook *p)
{
	struct playbook_texts *lists[] = {&p->prompt, &p->through, &p->known_by, &p->send.item,
		&p->ready, &p->success, &p->failure, &p->again, &p->health, &p->sick};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		lists[i]->own = false;
	for (size_t i = 0; i < p->n_steps; i++)
		p->step[i].press.item.own = p->step[i].expect.own = p->step[i].failure.own = false;
}

static int inherit(struct parser *ps, const char *name, struct err *e)
{
	struct playbook own = *ps->p;
	int rc;

	if (ps->any) {
		err_set(e, ERR_CONFIG, "based-on stands behind other settings");
		return err_hint(e, "it comes first: what follows changes what it brings");
	}
	if (strlen(name) >= sizeof(own.based_on))
		return err_set(e, ERR_CONFIG, "'%.60s' is no name of a playbook", name);
	if (ps->base == NULL)
		return err_set(e, ERR_CONFIG, "based-on cannot be used here");
	rc = ps->base(ps->ctx, name, ps->p, e);
	if (rc == ERR_USAGE && e != NULL)
		rc = e->code = ERR_CONFIG;
	if (rc < 0)
		return err_wrap(e, "based-on");
	disown(ps->p);
	snprintf(ps->p->name, sizeof(ps->p->name), "%s", own.name);
	snprintf(ps->p->based_on, sizeof(ps->p->based_on), "%s", name);
	memcpy(ps->p->title, own.title, sizeof(own.title));
	return 0;
}

/* ---- settings ---- */

static bool is_list(const struct row *r)
{
	return r->take == take_texts || r->take == take_screen || r->take == take_trait;
}

static int take_row(const struct row *r, unsigned line, unsigned *seen, void *in, const char *value,
	struct err *e)
{
	int rc;

	if (*seen != 0 && !is_list(r))
		return err_set(e, ERR_CONFIG, "%s stands in line %u already", r->key, *seen);
	if (value[0] == '\0') {
		err_set(e, ERR_CONFIG, "%s is empty", r->key);
		return err_hint(e, "leave out the line if there is nothing to say");
	}
	/* Traits are a set; those of a base go when the first own one comes. */
	if (r->take == take_trait && *seen == 0)
		*(unsigned *)((char *)in + r->offset) = 0;
	*seen = line;
	rc = r->take((char *)in + r->offset, r->size, value, e);
	return rc < 0 ? err_wrap(e, "%s", r->key) : 0;
}

static int unknown(
	const struct row *table, size_t n, const char *section, const char *key, struct err *e)
{
	struct similar s = SIMILAR_INIT(key);

	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].section, section) == 0)
			similar_offer(&s, table[i].key);
	err_set(e, ERR_CONFIG, "unknown key '%.40s' in [%.40s]", key, section);
	return s.best != NULL ? err_hint(e, "did you mean '%s'?", s.best) : ERR_CONFIG;
}

/* "step NAME" */
static int take_step(struct parser *ps, unsigned line, const char *section, const char *key,
	const char *value, struct err *e)
{
	const char *name = section + strlen("step");
	struct playbook *p = ps->p;
	struct playbook_step *st = NULL;
	size_t i;

	name += strspn(name, " \t");
	if (name[0] == '\0' || strlen(name) >= sizeof(st->name) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
		err_set(e, ERR_CONFIG, "[%.40s] is no step", section);
		return err_hint(e,
			"[step NAME], with up to %zu lower-case letters, digits and dashes",
			sizeof(st->name) - 1);
	}
	for (i = 0; i < p->n_steps && strcmp(p->step[i].name, name) != 0; i++)
		continue;
	if (i == PLAYBOOK_STEPS)
		return err_set(e, ERR_CONFIG, "more than %d steps", PLAYBOOK_STEPS);
	for (size_t k = 0; k < ARRAY_LEN(step_rows); k++) {
		if (strcmp(step_rows[k].key, key) != 0)
			continue;
		st = &p->step[i];
		if (i == p->n_steps) {
			*st = (struct playbook_step){.within_ms = 30000};
			memcpy(st->name, name, strlen(name) + 1);
			p->n_steps++;
		}
		return take_row(&step_rows[k], line, &ps->step_seen[i][k], st, value, e);
	}
	return unknown(step_rows, ARRAY_LEN(step_rows), "step", key, e);
}

static int on_setting(void *ctx, unsigned line, const char *section, const char *key,
	const char *value, struct err *e)
{
	struct parser *ps = ctx;
	bool known = false;
	int rc;

	if (strcmp(section, "playbook") == 0 && strcmp(key, "based-on") == 0) {
		rc = inherit(ps, value, e);
		ps->any = true;
		return rc;
	}
	/* The title may stand before it. */
	ps->any |= strcmp(section, "playbook") != 0 || strcmp(key, "title") != 0;
	if (strncmp(section, "step", 4) == 0 && (section[4] == ' ' || section[4] == '\t'))
		return take_step(ps, line, section, key, value, e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].section, section) != 0)
			continue;
		known = true;
		if (strcmp(rows[i].key, key) == 0)
			return take_row(&rows[i], line, &ps->seen[i], ps->p, value, e);
	}
	if (known)
		return unknown(rows, ARRAY_LEN(rows), section, key, e);
	if (section[0] == '\0')
		err_set(e, ERR_CONFIG, "a setting stands before the first [section]");
	else
		err_set(e, ERR_CONFIG, "unknown section [%.40s]", section);
	return err_hint(e,
		"sections are [playbook], [line], [menu], [identify], [file], [send], [step NAME], "
		"[health] and [banks]");
}

/* ---- what belongs together ---- */

static bool pressed(const struct playbook_press *p)
{
	return p->item.n > 0 || p->key.len > 0 || p->type.len > 0;
}

static int check_press(const struct playbook *p, const char *where,
	const struct playbook_press *press, struct err *e)
{
	if (press->type.len > 0 && (press->item.n > 0 || press->key.len > 0))
		return err_set(e, ERR_CONFIG, "%s has both a key and a command to type", where);
	if (press->key.len > 1)
		return err_set(e, ERR_CONFIG, "the key of %s is more than one character", where);
	if (pressed(press) && p->prompt.n == 0)
		return err_set(e, ERR_CONFIG, "%s needs the prompt of a menu", where);
	return 0;
}

static int check_banks(const struct playbook *p, struct err *e)
{
	static const char *const needed[] = {"check", "switch", "select", "rewrite"};

	if (p->bank[0].len == 0 || p->bank[1].len == 0 || p->system[0].len == 0 ||
		p->system[1].len == 0)
		return err_set(
			e, ERR_CONFIG, "[banks] needs bank-1, bank-2, system-on and system-off");
	for (size_t i = 0; i < ARRAY_LEN(needed) - !p->both_banks; i++)
		if (playbook_step(p, needed[i]) == NULL)
			return err_set(e, ERR_CONFIG, "[banks] needs [step %s]", needed[i]);
	return 0;
}

static int check(struct playbook *p, struct err *e)
{
	int rc = check_press(p, "[send]", &p->send, e);

	p->banks = p->bank[0].len + p->bank[1].len + p->system[0].len + p->system[1].len > 0;
	for (size_t i = 0; rc == 0 && i < p->n_steps; i++) {
		char where[40];

		snprintf(where, sizeof(where), "[step %s]", p->step[i].name);
		if (!pressed(&p->step[i].press))
			return err_set(e, ERR_CONFIG, "%s has neither item, key nor type", where);
		rc = check_press(p, where, &p->step[i].press, e);
	}
	if (rc == 0 && p->banks)
		rc = check_banks(p, e);
	if (rc < 0)
		return rc;
	if (p->success.n == 0 && p->health.n == 0 && !p->transfer_proves) {
		err_set(e, ERR_CONFIG, "nothing would prove that an update succeeded");
		return err_hint(e,
			"success in [send], expect in [health]; or proof = transfer there, "
			"for a device that never says anything");
	}
	if (p->deltas && p->form != PLAYBOOK_PACKAGE)
		return err_set(e, ERR_CONFIG, "deltas are packages: form = package");
	if ((p->sp_mask | p->sp_value) != 0 && (p->sp_value & ~p->sp_mask) != 0)
		return err_set(e, ERR_CONFIG, "sp-value has bits that sp-mask has not");
	return 0;
}

static int take_name(struct playbook *p, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	if (len > suffix && strcmp(name + len - suffix, SUFFIX) == 0)
		len -= suffix;
	if (len == 0 || len >= sizeof(p->name))
		return err_set(e, ERR_CONFIG, "%s: a name of 1 to %zu characters, please", path,
			sizeof(p->name) - 1);
	memcpy(p->name, name, len);
	p->name[len] = '\0';
	return 0;
}

int playbook_parse(const char *path, const char *text, size_t len,
	int (*base)(void *ctx, const char *name, struct playbook *ret, struct err *e), void *ctx,
	struct playbook **ret, struct err *e)
{
	struct parser ps = {.base = base, .ctx = ctx};
	struct ini_text_reader reader = {
		.ctx = &ps, .setting = on_setting, .no_empty_section = true};
	int rc;

	ps.p = malloc(sizeof(*ps.p));
	if (ps.p == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ps.p = defaults;
	rc = take_name(ps.p, path, e);
	if (rc == 0 && len > PLAYBOOK_FILE_MAX)
		rc = err_set(
			e, ERR_CONFIG, "%s is larger than %zu KiB", path, PLAYBOOK_FILE_MAX / 1024);
	if (rc == 0)
		rc = ini_text_read(path, text, len, &reader, e);
	if (rc == 0) {
		rc = check(ps.p, e);
		if (rc < 0)
			err_wrap(e, "%s", path);
	}
	if (rc < 0) {
		playbook_free(ps.p);
		return rc;
	}
	*ret = ps.p;
	return 0;
}

void playbook_free(struct playbook *p)
{
	free(p);
}

const struct playbook_step *playbook_step(const struct playbook *p, const char *name)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (strcmp(p->step[i].name, name) == 0)
			return &p->step[i];
	return NULL;
}
