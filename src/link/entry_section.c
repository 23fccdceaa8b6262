/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_section.c - an [entry NAME] section of the configuration as a recipe
 */
#include <stmota/entry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/strparse.h>

#define TIME_MAX_MS   60000
#define COMMAND_MAX_S 600
#define BREAK_MAX_MS  10000

struct field {
	const char *key;
	int (*take)(const char *text, struct entry *en, struct err *e);
};

static int take_text(const char *text, char *ret, size_t size, struct err *e)
{
	if (text[0] == '\0')
		return err_set(e, ERR_CONFIG, "nothing stands behind it");
	if (strlen(text) >= size)
		return err_set(e, ERR_CONFIG, "longer than %zu characters", size - 1);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int take_boot0(const char *text, struct entry *en, struct err *e)
{
	return entry_pin_parse(text, &en->boot0, e);
}

static int take_nrst(const char *text, struct entry *en, struct err *e)
{
	return entry_pin_parse(text, &en->nrst, e);
}

static int take_reset_ms(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 1, TIME_MAX_MS, &en->reset_ms, e);
}

static int take_settle_ms(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 0, TIME_MAX_MS, &en->settle_ms, e);
}

static int take_boot_ms(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 0, TIME_MAX_MS, &en->boot_ms, e);
}

static int take_port(const char *text, struct entry *en, struct err *e)
{
	return take_text(text, en->port, sizeof(en->port), e);
}

static int take_enter(const char *text, struct entry *en, struct err *e)
{
	return take_text(text, en->enter, sizeof(en->enter), e);
}

static int take_leave(const char *text, struct entry *en, struct err *e)
{
	return take_text(text, en->leave, sizeof(en->leave), e);
}

static int take_idle(const char *text, struct entry *en, struct err *e)
{
	return take_text(text, en->idle, sizeof(en->idle), e);
}

static int take_command_s(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 1, COMMAND_MAX_S, &en->command_s, e);
}

static int take_break(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 1, BREAK_MAX_MS, &en->break_ms, e);
}

static int take_send_baud(const char *text, struct entry *en, struct err *e)
{
	return parse_u32_range(text, 300, 12000000, &en->send_baud, e);
}

static int take_send_parity(const char *text, struct entry *en, struct err *e)
{
	static const char *const names[] = {"none", "even", "odd"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			en->send_parity = (enum entry_parity)i;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, "'%s' is none of none, even, odd", text);
}

/* One character of the text, or one escape; the number of characters it takes, 0 if it is none. */
static size_t one_byte(const char *text, uint8_t *ret)
{
	static const char letters[] = "rnt0\\", values[] = "\r\n\t\0\\";
	char digits[3] = "";
	char *end;

	if (text[0] != '\\') {
		*ret = (uint8_t)text[0];
		return 1;
	}
	if (text[1] == 'x') {
		memcpy(digits, text + 2, strnlen(text + 2, 2));
		*ret = (uint8_t)strtoul(digits, &end, 16);
		return strlen(digits) == 2 && *end == '\0' && digits[0] != '+' &&
				       digits[0] != '-' && digits[0] != ' '
			       ? 4
			       : 0;
	}
	for (size_t i = 0; text[1] != '\0' && letters[i] != '\0'; i++) {
		if (letters[i] == text[1]) {
			*ret = (uint8_t)values[i];
			return 2;
		}
	}
	return 0;
}

static int take_send(const char *text, struct entry *en, struct err *e)
{
	size_t len = strlen(text), n;

	/* Quotes keep blanks at the ends. */
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i += n) {
		if (en->send_len == sizeof(en->send))
			return err_set(e, ERR_CONFIG, "more than %zu bytes", sizeof(en->send));
		n = one_byte(text + i, &en->send[en->send_len++]);
		if (n == 0 || i + n > len) {
			err_set(e, ERR_CONFIG, "'%.4s' is no escape", text + i);
			return err_hint(e, "escapes are \\r \\n \\t \\0 \\\\ and \\x7E");
		}
	}
	if (en->send_len == 0)
		return err_set(e, ERR_CONFIG, "nothing stands behind it");
	return 0;
}

static const struct field fields[] = {
	{"boot0", take_boot0},
	{"nrst", take_nrst},
	{"reset_ms", take_reset_ms},
	{"settle_ms", take_settle_ms},
	{"boot_ms", take_boot_ms},
	{"port", take_port},
	{"enter", take_enter},
	{"leave", take_leave},
	{"idle", take_idle},
	{"command_s", take_command_s},
	{"break_ms", take_break},
	{"send", take_send},
	{"send_baud", take_send_baud},
	{"send_parity", take_send_parity},
};

/* One way in, and nothing that belongs to another. */
static int check_way(const struct config *config, const char *name, struct entry *en, struct err *e)
{
	static const struct {
		const char *key;
		enum entry_way way;
	} ways[] = {
		{"enter", ENTRY_BY_COMMAND},
		{"break_ms", ENTRY_BY_BREAK},
		{"send", ENTRY_BY_SEND},
		{"boot0", ENTRY_BY_LINES},
	};
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (config_get(config, "entry", name, ways[i].key) == NULL)
			continue;
		if (first != NULL)
			return err_set(e, ERR_CONFIG, "[entry %s] has both %s and %s", name, first,
				ways[i].key);
		first = ways[i].key;
		en->way = ways[i].way;
	}
	if (en->way == ENTRY_BY_COMMAND && en->nrst.wire != ENTRY_WIRE_NONE)
		return err_set(e, ERR_CONFIG, "[entry %s] has both enter and nrst", name);
	if (en->way == ENTRY_BY_COMMAND)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		const char *key = i == 0 ? "leave" : "idle";

		if (config_get(config, "entry", name, key) != NULL)
			return err_set(e, ERR_CONFIG, "[entry %s] has %s, but no enter", name, key);
	}
	return 0;
}

int entry_from_section(
	const struct config *config, const char *name, struct entry *ret, struct err *e)
{
	struct entry en = ENTRY_INIT;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *text = config_get(config, "entry", name, fields[i].key);

		if (text == NULL || fields[i].take(text, &en, e) == 0)
			continue;
		err_wrap(e, "%s: %s", config_origin(config, "entry", name, fields[i].key),
			fields[i].key);
		if (e != NULL)
			e->code = ERR_CONFIG;
		return ERR_CONFIG;
	}
	rc = config_bool(
		config, "entry", name, "needs_application", false, &en.needs_application, e);
	if (rc == 0)
		rc = check_way(config, name, &en, e);
	if (rc < 0)
		return rc;
	snprintf(en.recipe, sizeof(en.recipe), "%s", name);
	*ret = en;
	return 0;
}
