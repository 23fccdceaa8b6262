/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip_names.c - finds a chip by what people call it
 *
 * Part names are kept here because the names of the table ("STM32F40xxx/41xxx") are made for
 * reading. They say the same: a part that the table does not name is not found.
 */
#include <stmota/chip.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <stmota/strparse.h>

#include "chip_priv.h"

/* Beginnings of part names without STM32; an x stands for any character. */
static const struct chip_names table[] = {
	{0x01E, "WB06 WB07"},
	{0x027, "WL3"},
	{0x028, "WB05"},
	{0x032, "WB09"},
	{0x122, "WL3R"},
	{0x410, "F101x8 F101xB F102x8 F102xB F103x8 F103xB"},
	{0x411, "F2"},
	{0x412, "F101x4 F101x6 F102x4 F102x6 F103x4 F103x6"},
	{0x413, "F405 F407 F415 F417"},
	{0x414, "F101xC F101xD F101xE F103xC F103xD F103xE"},
	{0x415, "L47 L48"},
	{0x416, "L1xxx6 L1xxx8 L1xxxB"},
	{0x417, "L05 L06"},
	{0x418, "F105 F107"},
	{0x419, "F427 F429 F437 F439"},
	{0x420, "F100x4 F100x6 F100x8 F100xB"},
	{0x421, "F446"},
	{0x422, "F302xB F302xC F303xB F303xC F358"},
	{0x423, "F401xB F401xC"},
	{0x425, "L031 L041"},
	{0x427, "L1xxxC"},
	{0x428, "F100xC F100xD F100xE"},
	{0x429, "L1xxx6 L1xxx8 L1xxxB"},
	{0x42A, "U3B5 U3C5"},
	{0x42B, "U356 U366"},
	{0x42C, "U335 U345"},
	{0x430, "F101xF F101xG F103xF F103xG"},
	{0x431, "F411"},
	{0x432, "F373 F378"},
	{0x433, "F401xD F401xE"},
	{0x434, "F469 F479"},
	{0x435, "L43 L44"},
	{0x436, "L1xxxD"},
	{0x437, "L1xxxE"},
	{0x438, "F303x4 F303x6 F303x8 F328 F334"},
	{0x439, "F301 F302x4 F302x6 F302x8 F318"},
	{0x440, "F05 F030x8"},
	{0x441, "F412"},
	{0x442, "F09 F030xC"},
	{0x443, "C011"},
	{0x444, "F03xx4 F03xx6"},
	{0x445, "F04 F070x6"},
	{0x446, "F302xD F302xE F303xD F303xE F398"},
	{0x447, "L07 L08"},
	{0x448, "F070xB F071 F072"},
	{0x449, "F74 F75"},
	{0x44A, "G55 G56"},
	{0x44B, "G53 G54"},
	{0x44C, "C051"},
	{0x44D, "C091 C092"},
	{0x44E, "C55 C562"},
	{0x44F, "C53 C542"},
	{0x450, "H74 H75"},
	{0x451, "F76 F77"},
	{0x452, "F72 F73"},
	{0x453, "C031"},
	{0x454, "U375 U385"},
	{0x455, "U535 U545"},
	{0x456, "G05 G061"},
	{0x457, "L01 L02"},
	{0x458, "F410"},
	{0x459, "U031"},
	{0x45A, "C59 C5A3"},
	{0x460, "G07 G08"},
	{0x461, "L496 L4A6"},
	{0x462, "L45 L46"},
	{0x463, "F413 F423"},
	{0x464, "L412 L422"},
	{0x466, "G03 G04"},
	{0x467, "G0B0 G0B1 G0C1"},
	{0x468, "G431 G441"},
	{0x469, "G47 G48"},
	{0x470, "L4R L4S"},
	{0x471, "L4P5 L4Q5"},
	{0x472, "L552 L562"},
	{0x474, "H503"},
	{0x476, "U5F7 U5F9 U5G7 U5G9"},
	{0x478, "H523 H533"},
	{0x479, "G491 G4A1"},
	{0x47A, "H5E4 H5E5 H5F4 H5F5"},
	{0x47B, "H7P"},
	{0x480, "H7A3 H7B3 H7B0"},
	{0x481, "U595 U599 U5A5 U5A9"},
	{0x482, "U575 U585"},
	{0x483, "H72 H73"},
	{0x484, "H562 H563 H573"},
	{0x485, "H7R H7S"},
	{0x489, "U073 U083"},
	{0x492, "WBA5"},
	{0x493, "C071"},
	{0x494, "WB10 WB15"},
	{0x495, "WB30 WB35 WB50 WB55"},
	{0x497, "WLE5 WL55"},
	{0x499, "V8"},
	{0x49A, "WL4"},
	{0x4B0, "WBA62 WBA63 WBA64 WBA65"},
	{0x4B2, "WBA2"},
};

enum fit { FIT_NONE, FIT_FAMILY, FIT_PART }; /* FAMILY: the text ends before the name does */

static bool same_char(char a, char b)
{
	return toupper((unsigned char)a) == toupper((unsigned char)b) ||
	       tolower((unsigned char)a) == 'x' || tolower((unsigned char)b) == 'x';
}

/* How `text` fits a name of `len` characters; ret_fixed counts the characters that were equal. */
static enum fit fit_name(const char *text, const char *name, size_t len, size_t *ret_fixed)
{
	size_t fixed = 0, i;

	for (i = 0; i < len && text[i] != '\0'; i++) {
		if (!same_char(text[i], name[i]))
			return FIT_NONE;
		fixed += tolower((unsigned char)name[i]) != 'x';
	}
	*ret_fixed = fixed;
	return i == len ? FIT_PART : FIT_FAMILY;
}

struct candidates {
	const struct chip *v[8];
	size_t n, all; /* kept, seen */
};

static void add_candidate(struct candidates *cs, const struct chip *c)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->v[i] == c)
			return;
	if (cs->n < ARRAY_LEN(cs->v))
		cs->v[cs->n++] = c;
	cs->all++;
}

static const char *skip_stm32(const char *text)
{
	return strncasecmp(text, "STM32", 5) == 0 ? text + 5 : text;
}

/* Fits the text to every part name: the most exact ones win. */
static void by_part(const char *text, struct candidates *cs)
{
	enum fit best = FIT_NONE;
	size_t best_fixed = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *p = table[i].parts;

		while (*p != '\0') {
			size_t len = strcspn(p, " "), fixed = 0;
			enum fit fit = fit_name(text, p, len, &fixed);
			bool better = fit > best ||
				      (fit == FIT_PART && fit == best && fixed > best_fixed);

			if (better) {
				best = fit;
				best_fixed = fixed;
				*cs = (struct candidates){0};
			}
			if (fit != FIT_NONE && fit == best &&
				(fit == FIT_FAMILY || fixed == best_fixed))
				add_candidate(cs, chip_find(table[i].pid));
			p += len + strspn(p + len, " ");
		}
	}
}

/* True if `text` is a line such as "STM32F446", or one side of "STM32F405/415 Value Line". */
static bool is_line(const char *text, const char *line)
{
	char first[32], other[32], *slash;
	size_t cut;

	line = skip_stm32(line);
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(line, " "), line);
	if (strcasecmp(text, first) == 0 || strcasecmp(text, line) == 0)
		return true;
	slash = strchr(first, '/');
	if (slash == NULL)
		return false;
	*slash++ = '\0';
	if (strcasecmp(text, first) == 0 || strcasecmp(text, slash) == 0)
		return true;
	/* "F405/415": the second name begins as the first one does. */
	cut = strlen(first) > strlen(slash) ? strlen(first) - strlen(slash) : 0;
	snprintf(other, sizeof(other), "%.*s%s", (int)cut, first, slash);
	return strcasecmp(text, other) == 0;
}

static void by_line_or_row(const char *text, struct candidates *cs)
{
	for (size_t i = 0; i < chip_table_len; i++) {
		const struct chip *c = &chip_table[i];
		bool hit = strcasecmp(text, skip_stm32(c->name)) == 0;

		for (size_t j = 0; j < c->n_lines && !hit; j++)
			hit = is_line(text, c->lines[j]);
		if (hit)
			add_candidate(cs, c);
	}
}

/* Names that begin as the text does, as far as anything does; one letter says nothing. */
static void similar(const char *text, struct candidates *cs)
{
	char start[16];

	snprintf(start, sizeof(start), "%s", text);
	for (size_t len = strlen(start); len > 1 && cs->n == 0; len--) {
		start[len] = '\0';
		by_part(start, cs);
	}
}

static int refuse(const char *text, const struct candidates *cs, const char *what, struct err *e)
{
	char list[200] = "";
	size_t used = 0;
	int rc = err_set(e, ERR_USAGE, "'%s' %s", text, what);

	for (size_t i = 0; i < cs->n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s0x%03X %s",
			i > 0 ? ", " : "", cs->v[i]->pid, skip_stm32(cs->v[i]->name));
	if (cs->n == 0)
		err_hint(e, "give a product ID such as 0x413 or a part name such as F407");
	else
		err_hint(e, "it may be %s%s", list, cs->all > cs->n ? " or others" : "");
	return rc;
}

int chip_find_name(const char *text, const struct chip **ret, struct err *e)
{
	struct candidates cs = {0};
	const char *name = skip_stm32(text);
	uint16_t pid = 0;

	if (parse_pid(text, &pid, NULL) == 0 && chip_find(pid) != NULL) {
		*ret = chip_find(pid);
		return 0;
	}
	if (*name == '\0')
		return refuse(text, &cs, "is no name of a chip", e);
	by_line_or_row(name, &cs);
	if (cs.n == 0)
		by_part(name, &cs);
	if (cs.all == 1) {
		*ret = cs.v[0];
		return 0;
	}
	if (cs.n > 0)
		return refuse(text, &cs, "fits several chips", e);
	similar(name, &cs);
	return refuse(text, &cs, "is not in the chip table", e);
}
