/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.c - recipes that bring a board into its ROM bootloader by modem lines
 *
 * The order of steps follows AN2606 and stm32flash: BOOT0 first, then the reset, and nothing but
 * 0x7F on the line after it, because a glitch makes the ROM measure a wrong speed.
 */
#include <stmota/entry.h>

#include <stdio.h>
#include <string.h>

#include <stmota/quirks.h>
#include <stmota/signals.h>

static const struct {
	const char *name;
	enum entry_wire wire;
} wires[] = {
	{"dtr", ENTRY_WIRE_DTR},
	{"rts", ENTRY_WIRE_RTS},
	{"none", ENTRY_WIRE_NONE},
};

int entry_pin_parse(const char *text, struct entry_pin *ret, struct err *e)
{
	bool inverted = text[0] == '!';
	const char *name = text + inverted;

	for (size_t i = 0; i < ARRAY_LEN(wires); i++) {
		if (strcmp(name, wires[i].name) != 0)
			continue;
		if (inverted && wires[i].wire == ENTRY_WIRE_NONE)
			break;
		*ret = (struct entry_pin){wires[i].wire, inverted};
		return 0;
	}
	err_set(e, ERR_USAGE, "'%s' is not a modem line", text);
	err_hint(e, "lines are dtr and rts, with ! in front where a transistor inverts");
	return ERR_USAGE;
}

static int wired_twice(const struct entry *en, struct err *e)
{
	if (en->boot0.wire == ENTRY_WIRE_NONE || en->boot0.wire != en->nrst.wire)
		return 0;
	return err_set(e, ERR_USAGE, "BOOT0 and NRST cannot both be on %s",
		en->boot0.wire == ENTRY_WIRE_DTR ? "dtr" : "rts");
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
			    "! inverts: !dtr-rts)");
		return ERR_USAGE;
	}
	memcpy(nrst, recipe, (size_t)(dash - recipe));
	nrst[dash - recipe] = '\0';
	rc = entry_pin_parse(nrst, &en->nrst, e);
	if (rc == 0)
		rc = entry_pin_parse(dash + 1, &en->boot0, e);
	return rc < 0 ? rc : wired_twice(en, e);
}

int entry_parse(const char *recipe, struct entry *en, struct err *e)
{
	struct entry parsed = *en;
	int rc;

	parsed.use_lines = true;
	if (strcmp(recipe, "none") == 0) {
		en->use_lines = false;
		return 0;
	}
	if (strncmp(recipe, "app:", 4) == 0 || strcmp(recipe, "app") == 0) {
		err_set(e, ERR_UNSUPPORTED, "entry through the application is not built");
		err_hint(e, "let the application enter its bootloader, then use --before none");
		return ERR_UNSUPPORTED;
	}
	if (strcmp(recipe, "lines") != 0) {
		rc = parse_wiring(recipe, &parsed, e);
		if (rc < 0)
			return rc;
	}
	if (!entry_can_enter(&parsed)) {
		err_set(e, ERR_USAGE, "no wiring of both BOOT0 and NRST is known");
		err_hint(e, "name it: uart:PORT?boot0=rts&nrst=dtr, or --before dtr-rts");
		return ERR_USAGE;
	}
	*en = parsed;
	return 0;
}

bool entry_can_enter(const struct entry *en)
{
	return entry_can_reset(en) && en->boot0.wire != ENTRY_WIRE_NONE;
}

bool entry_can_reset(const struct entry *en)
{
	return en->use_lines && en->nrst.wire != ENTRY_WIRE_NONE;
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
		return REACH_LINES;
	if (chip != NULL && has_empty_check(chip))
		return REACH_EMPTY_CHECK;
	return REACH_BY_HAND;
}

const char *entry_reach_text(enum entry_reach reach)
{
	static const char *const texts[] = {
		[REACH_LINES] = "by BOOT0 and NRST lines",
		[REACH_EMPTY_CHECK] = "by the empty check at power-up",
		[REACH_BY_HAND] = "by hand (BOOT0 and reset)",
		[REACH_APPLICATION] = "by the application",
	};

	return texts[reach];
}

/* BOOT0 to its level, NRST low for a while, then time to start. */
static int pulse(
	struct link *l, const struct entry *en, bool boot0, uint32_t boot_ms, struct err *e)
{
	int rc = 0;

	if (!entry_can_reset(en) || l->ops->set_line == NULL)
		return err_set(e, ERR_UNSUPPORTED, "no line is wired to NRST");
	if (en->boot0.wire != ENTRY_WIRE_NONE)
		rc = l->ops->set_line(l, LINK_BOOT0, boot0, e);
	if (rc < 0)
		return rc;
	clock_sleep_ms(l->clock, en->settle_ms);
	rc = l->ops->set_line(l, LINK_NRST, false, e);
	if (rc < 0)
		return rc;
	clock_sleep_ms(l->clock, en->reset_ms);
	/* Never left in reset: the line goes up before anything else is looked at. */
	rc = l->ops->set_line(l, LINK_NRST, true, e);
	if (rc < 0)
		return rc;
	clock_sleep_ms(l->clock, boot_ms);
	return signals_check(e);
}

int entry_enter(struct link *l, const struct entry *en, struct err *e)
{
	int rc = pulse(l, en, true, en->boot_ms, e);

	return rc < 0 ? rc : l->ops->flush(l, e);
}

int entry_leave(struct link *l, const struct entry *en, struct err *e)
{
	return pulse(l, en, false, 0, e);
}
