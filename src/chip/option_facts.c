/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_facts.c - option bytes: which bytes are written together, what a name means
 *
 * The names are those of the chip table. What no row explains counts as something that cannot be
 * undone: it takes the user's word, not ours.
 */
#include <stmota/option_facts.h>

#include <string.h>

/* Areas that lie closer than this are written together; what is between them is read and kept. */
#define GAP_MAX 8u

#define ROM_OUT (OPTION_CHANGES_BOOT | OPTION_LOCKS_ROM_OUT)

static const struct option_fact facts[] = {
	{"RDP", NULL, OPTION_READ_PROTECTS | OPTION_NOT_UNDONE,
		"read-out protection; set by 'stmota protect rdp-set'", {NULL, NULL}},

	/* ---- banks ---- */
	{"BFB2", "F1", OPTION_CHANGES_BOOT, "bank to start from",
		{"bank 2, if it holds a program", "bank 1"}},
	{"BFB2", NULL, OPTION_CHANGES_BOOT, "bank to start from",
		{"bank 1", "bank 2, if it holds a program"}},
	{"nBFB2", NULL, OPTION_CHANGES_BOOT, "bank to start from",
		{"bank 2, if it holds a program", "bank 1"}},
	{"nDBOOT", NULL, OPTION_CHANGES_BOOT, "start from either bank", {"yes", "no"}},
	{"SWAP_BANK", NULL, OPTION_CHANGES_BOOT, "banks change their addresses",
		{"not swapped", "swapped"}},
	{"nSWAP_BANK", NULL, OPTION_CHANGES_BOOT, "banks change their addresses",
		{"swapped", "not swapped"}},
	{"DUALBANK", NULL, OPTION_CHANGES_GEOMETRY, "banks, on parts below the full size",
		{"one bank", "two banks"}},
	{"DUAL_BANK", NULL, OPTION_CHANGES_GEOMETRY, "banks", {"one bank", "two banks"}},
	{"DBANK", NULL, OPTION_CHANGES_GEOMETRY, "banks", {"one bank", "two banks"}},
	{"DB1M", NULL, OPTION_CHANGES_GEOMETRY, "banks, on parts with 1 MiB",
		{"one bank", "two banks"}},
	{"nDBANK", NULL, OPTION_CHANGES_GEOMETRY, "banks", {"two banks", "one bank"}},
	{"SINGLE_BANK", NULL, OPTION_CHANGES_GEOMETRY, "banks", {"two banks", "one bank"}},

	/* ---- where the chip starts ---- */
	{"nSWBOOT0", NULL, ROM_OUT, "who chooses where to start",
		{"the nBOOT0 bit", "the BOOT0 pin"}},
	{"nBOOT_SEL", NULL, ROM_OUT, "who chooses where to start",
		{"the BOOT0 pin", "the nBOOT0 bit"}},
	{"BOOT_SEL", "F0", ROM_OUT, "who chooses where to start",
		{"the nBOOT0 bit", "the BOOT0 pin"}},
	{"BOOT_SEL", NULL, ROM_OUT, "who chooses where to start", {NULL, NULL}},
	{"nBOOT0", NULL, ROM_OUT, "where to start, if the bit and not the pin chooses",
		{"the bootloader, or RAM", "flash"}},
	{"BOOT0", NULL, ROM_OUT, "where to start, if the bit and not the pin chooses",
		{NULL, NULL}},
	{"nBOOT1", NULL, ROM_OUT, "what BOOT0 starts", {"RAM", "the bootloader"}},
	{"BOOT_LOCK", NULL, ROM_OUT | OPTION_NOT_UNDONE, "start from flash, whatever BOOT0 says",
		{"off", "for ever"}},
	{"NSBOOT_LOCK", NULL, ROM_OUT | OPTION_NOT_UNDONE,
		"the start address can be changed (0xC3) or not (0xB4)", {NULL, NULL}},
	{"BOOT_UBE", NULL, ROM_OUT | OPTION_NOT_UNDONE, "which secure program starts",
		{NULL, NULL}},

	/* ---- protection ---- */
	{"TZEN", NULL, ROM_OUT | OPTION_NOT_UNDONE, "TrustZone", {"off", "on"}},
	{"PRODUCT_STATE", NULL, OPTION_READ_PROTECTS | OPTION_NOT_UNDONE,
		"life cycle: open (0xED) up to locked", {NULL, NULL}},
	{"SPRMOD", NULL, OPTION_PROTECTS | OPTION_NOT_UNDONE, "what the WRP bits do",
		{"protect from writing", "protect from reading too (PCROP)"}},
	{"WPRMOD", NULL, OPTION_PROTECTS | OPTION_NOT_UNDONE, "what the WRP bits do",
		{"protect from writing", "protect from reading too (PCROP)"}},
	{"HDP*", NULL, OPTION_NOT_UNDONE, "area hidden until the next reset", {NULL, NULL}},
	{"SEC*", NULL, OPTION_NOT_UNDONE, "securable or secure area", {NULL, NULL}},
	{"PCROP*", NULL, OPTION_NOT_UNDONE, "area protected from reading", {NULL, NULL}},
	{"WRP*", NULL, OPTION_PROTECTS, "write protection; see 'stmota protect'", {NULL, NULL}},
	{"nWRP*", NULL, OPTION_PROTECTS, "write protection; see 'stmota protect'", {NULL, NULL}},
	{"A_WRP*", NULL, OPTION_PROTECTS, "write protection; see 'stmota protect'", {NULL, NULL}},
	{"B_WRP*", NULL, OPTION_PROTECTS, "write protection; see 'stmota protect'", {NULL, NULL}},
};

static const struct option_fact unknown = {
	"", NULL, ROM_OUT | OPTION_NOT_UNDONE, "not known to this program", {NULL, NULL}};

static bool name_fits(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

const struct option_fact *option_fact_of(const struct chip *c, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		if (name_fits(facts[i].name, name) &&
			(facts[i].series == NULL || strcmp(facts[i].series, c->series) == 0))
			return &facts[i];
	return &unknown;
}

/* ---- blocks ---- */

static void insert(struct span *v, size_t *n, struct span s)
{
	size_t i = *n;

	for (; i > 0 && v[i - 1].addr > s.addr; i--)
		v[i] = v[i - 1];
	v[i] = s;
	(*n)++;
}

size_t option_blocks(const struct chip *c, struct span ret[OPTION_BLOCKS_MAX])
{
	struct span v[OPTION_BLOCKS_MAX];
	size_t n = 0, joined = 0;

	if (!c->has_option_bytes || c->options.n_areas > OPTION_BLOCKS_MAX)
		return 0;
	for (size_t i = 0; i < c->options.n_areas; i++) {
		struct span s = c->options.areas[i];

		s.len = (s.len + 3) & ~3u;
		if (s.len > 0)
			insert(v, &n, s);
	}
	for (size_t i = 0; i < n; i++) {
		struct span *last = joined > 0 ? &ret[joined - 1] : NULL;

		if (last == NULL || v[i].addr > span_end(*last) + GAP_MAX)
			ret[joined++] = v[i];
		else if (span_end(v[i]) > span_end(*last))
			last->len = (uint32_t)(span_end(v[i]) - last->addr);
	}
	for (size_t i = 0; i < joined; i++)
		if (ret[i].len > OPTION_BLOCK_MAX)
			return 0;
	return joined;
}

enum option_complement option_complement_of(const struct chip *c)
{
	static const char *const bytes[] = {"F0", "F1", "F3"}, *const halves[] = {"L0", "L1"};

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
		if (strcmp(c->series, bytes[i]) == 0)
			return COMPLEMENT_BYTES;
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		if (strcmp(c->series, halves[i]) == 0)
			return COMPLEMENT_HALVES;
	return COMPLEMENT_NONE;
}
