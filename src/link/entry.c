/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.c - recipes that bring a board into its ROM bootloader, as text and as facts
 *
 * What a recipe does to the board is in entry_run.c.
 */
#include <stmota/entry.h>

#include <stdio.h>
#include <string.h>

#include <stmota/gpio_lines.h>
#include <stmota/quirks.h>

static const struct {
	const char *name;
	enum entry_wire wire;
} wires[] = {
	{"dtr", ENTRY_WIRE_DTR},
	{"rts", ENTRY_WIRE_RTS},
	{"none", ENTRY_WIRE_NONE},
};

static const char gpio_prefix[] = "gpio:";

static int parse_gpio(const char *text, struct entry_pin *ret, struct err *e)
{
	const char *where = text + sizeof(gpio_prefix) - 1;
	int rc = gpio_line_check(where, e);

	if (rc < 0)
		return rc;
	if (strlen(where) >= sizeof(ret->gpio))
		return err_set(e, ERR_USAGE, "'%.60s...' is too long", text);
	ret->wire = ENTRY_WIRE_GPIO;
	memcpy(ret->gpio, where, strlen(where) + 1);
	return 0;
}

int entry_pin_parse(const char *text, struct entry_pin *ret, struct err *e)
{
	struct entry_pin pin = {.inverted = text[0] == '!'};
	const char *name = text + pin.inverted;
	int rc;

	if (strncmp(name, gpio_prefix, sizeof(gpio_prefix) - 1) == 0) {
		rc = parse_gpio(name, &pin, e);
		if (rc == 0)
			*ret = pin;
		return rc;
	}
	for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
		if (strcmp(name, wires[i].name) != 0)
			continue;
		if (pin.inverted && wires[i].wire == ENTRY_WIRE_NONE)
			break;
		pin.wire = wires[i].wire;
		*ret = pin;
		return 0;
	}
	err_set(e, ERR_USAGE, "'%s' is neither a modem line nor a GPIO line", text);
	err_hint(e, "lines are dtr, rts and gpio:gpiochip0/17, with ! in front where a transistor "
		    "inverts");
	return ERR_USAGE;
}

void entry_pin_format(const struct entry_pin *pin, char *ret, size_t size)
{
	const char *name = "none";

	for (size_t i = 0; i < ARRAY_LEN(wires); i++)
		if (wires[i].wire == pin->wire)
			name = wires[i].name;
	if (pin->wire == ENTRY_WIRE_GPIO)
		snprintf(ret, size, "%s%s%s", pin->inverted ? "!" : "", gpio_prefix, pin->gpio);
	else
		snprintf(ret, size, "%s%s", pin->inverted ? "!" : "", name);
}

static bool same_wire(const struct entry_pin *a, const struct entry_pin *b)
{
	return a->wire == b->wire && (a->wire != ENTRY_WIRE_GPIO || strcmp(a->gpio, b->gpio) == 0);
}

static int wired_twice(const struct entry *en, struct err *e)
{
	char name[80];

	if (en->boot0.wire == ENTRY_WIRE_NONE || !same_wire(&en->boot0, &en->nrst))
		return 0;
	entry_pin_format(&en->boot0, name, sizeof(name));
	return err_set(e, ERR_USAGE, "BOOT0 and NRST cannot both be on %s",
		name[0] == '!' ? name + 1 : name);
}

/* "dtr-rts": NRST, then BOOT0. */
static int parse_wiring(const char *recipe, struct entry *en, struct err *e)
{
	const char *dash = strchr(recipe, '-');
	char nrst[8];
	int rc;

	if (dash == NULL || (size_t)(dash - recipe) >= sizeof(nrst)) {
		err_set(e, ERR_USAGE, "'%s' is not an entry recipe", recipe);
		err_hint(e, "recipes are none, lines, dtr-rts and rts-dtr (NRST first, then BOOT0; "
			    "! inverts: !dtr-rts), or the NAME of an [entry NAME] section");
		return ERR_USAGE;
	}
	memcpy(nrst, recipe, (size_t)(dash - recipe));
	nrst[dash - recipe] = '\0';
	rc = entry_pin_parse(nrst, &en->nrst, e);
	if (rc == 0)
		rc = entry_pin_parse(dash + 1, &en->boot0, e);
	return rc;
}

static bool is_section(const struct config *config, const char *name)
{
	size_t n = config != NULL ? config_n_sections(config, "entry") : 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(config_section_name(config, "entry", i), name) == 0)
			return true;
	return false;
}

/* The section is the whole recipe, except for pins that are the device's own. */
static int parse_section(
	const char *name, const struct config *config, struct entry *en, struct err *e)
{
	struct entry section;
	int rc = entry_from_section(config, name, &section, e);

	if (rc < 0)
		return rc;
	if (en->boot0.wire != ENTRY_WIRE_NONE)
		section.boot0 = en->boot0;
	if (en->nrst.wire != ENTRY_WIRE_NONE)
		section.nrst = en->nrst;
	*en = section;
	return 0;
}

int entry_parse(const char *recipe, const struct config *config, struct entry *en, struct err *e)
{
	struct entry parsed = *en;
	bool named = is_section(config, recipe);
	int rc = 0;

	parsed.use_lines = true;
	if (!named && strcmp(recipe, "none") == 0) {
		en->use_lines = false;
		return 0;
	}
	if (named) {
		rc = parse_section(recipe, config, &parsed, e);
	} else {
		parsed.way = ENTRY_BY_LINES;
		if (strcmp(recipe, "lines") != 0)
			rc = parse_wiring(recipe, &parsed, e);
	}
	if (rc == 0)
		rc = wired_twice(&parsed, e);
	if (rc < 0)
		return rc;
	if (!entry_can_enter(&parsed) && !entry_asks_application(&parsed)) {
		err_set(e, ERR_USAGE, "no wiring of both BOOT0 and NRST is known");
		err_hint(e, "name it: uart:PORT?boot0=rts&nrst=dtr, or --before dtr-rts; "
			    "'stmota entry test' finds it out");
		return ERR_USAGE;
	}
	*en = parsed;
	return 0;
}

static size_t describe_lines(const struct entry *en, char *ret, size_t size)
{
	char boot0[80], nrst[80];

	entry_pin_format(&en->boot0, boot0, sizeof(boot0));
	entry_pin_format(&en->nrst, nrst, sizeof(nrst));
	return (size_t)snprintf(ret, size, "NRST on %s, BOOT0 on %s%s%s", nrst, boot0,
		en->port[0] != '\0' ? " of " : "", en->port);
}

void entry_describe(const struct entry *en, char *ret, size_t size)
{
	static const char *const parities[] = {"8N1", "8E1", "8O1"};
	const char *on = en->port[0] != '\0' ? " on " : "";

	switch (en->way) {
	case ENTRY_BY_LINES: describe_lines(en, ret, size); break;
	case ENTRY_BY_COMMAND: snprintf(ret, size, "command: %s", en->enter); break;
	case ENTRY_BY_BREAK:
		snprintf(ret, size, "a break of %u ms to the application%s%s",
			(unsigned)en->break_ms, on, en->port);
		break;
	case ENTRY_BY_SEND:
		snprintf(ret, size, "%zu byte%s at %u %s to the application%s%s", en->send_len,
			en->send_len == 1 ? "" : "s", (unsigned)en->send_baud,
			parities[en->send_parity], on, en->port);
		break;
	}
}

bool entry_can_enter(const struct entry *en)
{
	if (!en->use_lines)
		return false;
	if (en->way == ENTRY_BY_COMMAND)
		return !en->needs_application;
	return en->way == ENTRY_BY_LINES && en->nrst.wire != ENTRY_WIRE_NONE &&
	       en->boot0.wire != ENTRY_WIRE_NONE;
}

bool entry_can_reset(const struct entry *en)
{
	if (!en->use_lines)
		return false;
	return en->way == ENTRY_BY_COMMAND ? en->leave[0] != '\0'
					   : en->nrst.wire != ENTRY_WIRE_NONE;
}

bool entry_asks_application(const struct entry *en)
{
	return en->use_lines && (en->way == ENTRY_BY_SEND || en->way == ENTRY_BY_BREAK ||
					(en->way == ENTRY_BY_COMMAND && en->needs_application));
}

static bool is_modem_line(const struct entry_pin *pin)
{
	return pin->wire == ENTRY_WIRE_DTR || pin->wire == ENTRY_WIRE_RTS;
}

bool entry_uses_modem_lines(const struct entry *en)
{
	return en->use_lines && en->port[0] == '\0' &&
	       (is_modem_line(&en->boot0) || is_modem_line(&en->nrst));
}

/*
 * The chip starts its ROM from power-up while the first word of flash is blank. Rows for some
 * parts of a product ID only (quirk_certain() is false) are no way back to rely on.
 */
static bool has_empty_check(const struct chip *chip)
{
	return quirk_certain(chip, 0, CHIP_QUIRK_EMPTY_CHECK_LATCHED) ||
	       quirk_certain(chip, 0, CHIP_QUIRK_EMPTY_CHECK_CLEARED);
}

enum entry_reach entry_reach(const struct entry *en, const struct chip *chip)
{
	if (entry_can_enter(en))
		return en->way == ENTRY_BY_COMMAND ? REACH_COMMAND : REACH_LINES;
	if (chip != NULL && has_empty_check(chip))
		return REACH_EMPTY_CHECK;
	return entry_asks_application(en) ? REACH_APPLICATION : REACH_BY_HAND;
}

const char *entry_reach_text(enum entry_reach reach)
{
	static const char *const texts[] = {
		[REACH_LINES] = "by BOOT0 and NRST lines",
		[REACH_COMMAND] = "by the command of its recipe",
		[REACH_EMPTY_CHECK] = "by the empty check at power-up",
		[REACH_BY_HAND] = "by hand (BOOT0 and reset)",
		[REACH_APPLICATION] = "by the application",
	};

	return texts[reach];
}
