/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_entry.c - any text as entry recipe and as the configuration that names it
 *
 * The first line is what stands behind --before, and a pin; the rest is the configuration.
 */
#include <stmota/entry.h>

#include "fuzz_image.h"

#define CONFIG_NAME "x.conf"

static void check_pin(const struct entry_pin *pin)
{
	struct entry_pin back = {0};
	char text[80];

	entry_pin_format(pin, text, sizeof(text));
	must(entry_pin_parse(text, &back, NULL) == 0);
	must(back.wire == pin->wire && back.inverted == pin->inverted);
	must(strcmp(back.gpio, pin->gpio) == 0);
}

static void check_entry(const struct entry *en)
{
	char text[200];

	must(en->reset_ms >= 1 && en->reset_ms <= 60000 && en->settle_ms <= 60000);
	must(en->boot_ms <= 60000 && en->command_s >= 1 && en->command_s <= 600);
	must(en->break_ms >= 1 && en->break_ms <= 10000 && en->send_len <= sizeof(en->send));
	must(en->send_baud >= 300 && en->send_parity <= ENTRY_PARITY_ODD && en->held == NULL);
	must(en->way != ENTRY_BY_COMMAND || en->enter[0] != '\0');
	must(en->way != ENTRY_BY_SEND || en->send_len > 0);
	check_pin(&en->boot0);
	check_pin(&en->nrst);
	entry_describe(en, text, sizeof(text));
	must(text[0] != '\0' && strlen(text) < sizeof(text));
}

static void try_sections(const struct config *c)
{
	for (size_t i = 0; i < config_n_sections(c, "entry"); i++) {
		struct entry en = ENTRY_INIT;
		struct err e = ERR_INIT;
		const char *name = config_section_name(c, "entry", i);

		if (entry_from_section(c, name, &en, &e) == 0) {
			check_entry(&en);
			continue;
		}
		must(e.code == ERR_CONFIG && e.msg[0] != '\0' && strchr(e.msg, '\n') == NULL);
	}
}

static void try_recipe(const char *recipe, const struct config *c)
{
	struct entry en = ENTRY_INIT;
	struct err e = ERR_INIT;
	int rc = entry_parse(recipe, c, &en, &e);

	if (rc < 0) {
		must((rc == ERR_USAGE || rc == ERR_CONFIG) && e.msg[0] != '\0');
		return;
	}
	check_entry(&en);
	must(!en.use_lines || entry_can_enter(&en) || entry_asks_application(&en));
	must(en.boot0.wire == ENTRY_WIRE_NONE || en.boot0.wire != en.nrst.wire ||
		strcmp(en.boot0.gpio, en.nrst.gpio) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t len = eol != NULL ? (size_t)(eol - data) : size;
	struct entry_pin pin = {0};
	struct config *c = NULL;
	char *recipe = calloc(1, len + 1);

	must(recipe != NULL && config_new(&c, NULL) == 0);
	if (len > 0)
		memcpy(recipe, data, len);
	if (entry_pin_parse(recipe, &pin, NULL) == 0)
		check_pin(&pin);
	if (eol == NULL ||
		config_parse(c, CONFIG_NAME, (const char *)eol + 1, size - len - 1, NULL) == 0) {
		try_sections(c);
		try_recipe(recipe, c);
	}
	config_free(c);
	free(recipe);
	return 0;
}
