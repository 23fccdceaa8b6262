/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.c - what a vector table must look like for the image behind it to start
 *
 * This is the last look at an image before its bytes replace firmware that works: a table that
 * cannot work is refused with the word and the reason, what is only unusual is a warning.
 */
#include <stmota/vectors.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vectors_impl.h"

#define SECURE_ALIAS 0x10000000u /* TrustZone: the same RAM, seen from the secure side */

/* Where some part has RAM; for when the part is not known. The ends are generous, not exact. */
static const struct span ram_anywhere[] = {
	{0x10000000, 0x10000},  /* CCM of F3 and F4, SRAM2 alias of L4 and WB */
	{0x20000000, 0x200000}, /* SRAM, DTCM */
	{0x24000000, 0x200000}, /* AXI SRAM of H7 */
	{0x30000000, 0x200000}, /* D2 SRAM of H7, secure alias of the M33 parts */
	{0x38000000, 0x10000},  /* SRAM4 of H7 */
};

/* Other addresses of the flash at 0x08000000, for when the part is not known. */
#define FLASH_BASE 0x08000000u
static const struct span flash_aliases_anywhere[] = {
	{0x00200000, 0x200000}, /* ITCM view of F7 */
	{0x0C000000, 0x400000}, /* secure view of the M33 parts */
};

/* Last interrupt number by product ID, from the device headers; alignment follows from it. */
/* clang-format off */
static const struct {
	uint16_t pid;
	uint8_t last_irq;
} interrupts[] = {
	/* F1 */ {0x410, 42}, {0x420, 55}, {0x414, 59}, {0x430, 59}, {0x418, 67},
	/* F2 */ {0x411, 80},
	/* F3 */ {0x422, 81}, {0x438, 81}, {0x432, 81}, {0x446, 84},
	/* F4 */ {0x423, 84}, {0x433, 84}, {0x413, 81}, {0x431, 85}, {0x441, 96},
	/* F4 */ {0x421, 96}, {0x463, 101}, {0x419, 90}, {0x434, 92},
	/* F7 */ {0x452, 103}, {0x449, 97}, {0x451, 109},
	/* G4 */ {0x468, 101}, {0x469, 101},
	/* L1 */ {0x416, 44}, {0x437, 56},
	/* L4 */ {0x464, 82}, {0x435, 82}, {0x415, 81}, {0x461, 90}, {0x470, 94},
	/* L5 */ {0x472, 107},
	/* U5 */ {0x455, 125}, {0x482, 125}, {0x481, 131},
	/* H5 */ {0x474, 133}, {0x484, 130},
	/* H7 */ {0x483, 162}, {0x450, 149}, {0x480, 154}, {0x485, 155},
	/* WB, WBA, WL */ {0x495, 62}, {0x494, 62}, {0x492, 70}, {0x497, 61},
};
/* clang-format on */

/* The words that every core has, and what a bad one means. */
enum word_rule { MUST_HANDLE, MAY_HANDLE };

static const struct {
	uint8_t word;
	enum word_rule rule;
	const char *name;
} core_words[] = {
	{2, MUST_HANDLE, "NMI"},
	{3, MUST_HANDLE, "HardFault"},
	{4, MAY_HANDLE, "MemManage"},
	{5, MAY_HANDLE, "BusFault"},
	{6, MAY_HANDLE, "UsageFault"},
	{11, MAY_HANDLE, "SVC"},
	{12, MAY_HANDLE, "DebugMon"},
	{14, MAY_HANDLE, "PendSV"},
	{15, MAY_HANDLE, "SysTick"},
};

struct check {
	const uint8_t *table;
	size_t len;
	uint32_t base;
	bool (*holds)(const void *ctx, uint32_t addr);
	const void *ctx;
	const struct chip *chip;
	finding_sink sink;
	void *sink_ctx;
	struct finding pending; /* told when the next one comes: a remedy may follow it */
	unsigned n_errors;
	enum verdict worst;
};

/* ---- telling ---- */

static void tell_pending(struct check *c)
{
	if (c->pending.rule != NULL)
		c->sink(c->sink_ctx, &c->pending);
	c->pending = (struct finding){0};
}

static void tell(struct check *c, enum verdict verdict, const char *rule, int word, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));

static void tell(
	struct check *c, enum verdict verdict, const char *rule, int word, const char *fmt, ...)
{
	va_list ap;

	tell_pending(c);
	c->pending.verdict = verdict;
	c->pending.rule = rule;
	c->pending.word = word;
	c->pending.addr = c->base + (word > 0 ? 4 * (uint32_t)word : 0);
	va_start(ap, fmt);
	vsnprintf(c->pending.what, sizeof(c->pending.what), fmt, ap);
	va_end(ap);
	c->n_errors += verdict == VERDICT_ERROR;
	if (verdict > c->worst)
		c->worst = verdict;
}

/* What to do about the finding told last. */
static void advise(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void advise(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->pending.todo, sizeof(c->pending.todo), fmt, ap);
	va_end(ap);
}

/* ---- places ---- */

static bool sp_in(uint32_t sp, uint32_t base, uint32_t size)
{
	return sp > base && sp - base <= size;
}

bool vectors_sp_plausible(uint32_t sp)
{
	for (size_t i = 0; i < ARRAY_LEN(ram_anywhere); i++)
		if (sp_in(sp, ram_anywhere[i].addr, ram_anywhere[i].len))
			return true;
	return false;
}

static bool sp_in_listed_ram(uint32_t sp, const struct chip *chip)
{
	if (chip->ram_base != CHIP_UNKNOWN && chip->ram_size != CHIP_UNKNOWN &&
		sp_in(sp, chip->ram_base, chip->ram_size))
		return true;
	for (size_t i = 0; i < chip->n_ram; i++)
		if (sp_in(sp, chip->ram[i].base, chip->ram[i].size))
			return true;
	return false;
}

/* SRAM2 is seen at 0x10000000 too; the chip table lists one address of it. */
static bool has_sram2_alias(const struct chip *chip)
{
	return strcmp(chip->series, "L4") == 0 || strcmp(chip->series, "L4+") == 0 ||
	       strcmp(chip->series, "WB") == 0;
}

static bool sp_in_ram(uint32_t sp, const struct chip *chip)
{
	if (chip == NULL || (chip->n_ram == 0 && chip->ram_base == CHIP_UNKNOWN))
		return vectors_sp_plausible(sp);
	if (sp_in_listed_ram(sp, chip))
		return true;
	if (chip->core == CORE_M33 && sp >= SECURE_ALIAS &&
		sp_in_listed_ram(sp - SECURE_ALIAS, chip))
		return true;
	return has_sram2_alias(chip) && sp_in(sp, ram_anywhere[0].addr, ram_anywhere[0].len);
}

/* The usual address of a place in flash, for one of its other addresses. */
static uint32_t without_alias(uint32_t addr, const struct chip *chip)
{
	for (size_t i = 0; chip == NULL && i < ARRAY_LEN(flash_aliases_anywhere); i++)
		if (addr - flash_aliases_anywhere[i].addr < flash_aliases_anywhere[i].len)
			return addr - flash_aliases_anywhere[i].addr + FLASH_BASE;
	for (size_t i = 0; chip != NULL && i < chip->n_aliases; i++)
		if (addr - chip->aliases[i] < chip->flash_size_max)
			return addr - chip->aliases[i] + chip->flash_base;
	return addr;
}

/* True if the image has a byte there, at whichever address of the same flash. */
static bool in_code(const struct check *c, uint32_t addr)
{
	uint32_t plain = without_alias(addr, c->chip), base = without_alias(c->base, c->chip);

	/* The image lies at `base`; as far from it as it is from the usual address. */
	return c->holds(c->ctx, addr) || c->holds(c->ctx, plain - base + c->base);
}

static bool in_span(const void *ctx, uint32_t addr)
{
	const struct span *s = ctx;

	return addr >= s->addr && addr - s->addr < s->len;
}

static uint32_t word_at(const struct check *c, unsigned word)
{
	return get_le32(c->table + 4 * word);
}

/* ---- rules: each tells what it found, and one good word where it found nothing ---- */

#define RULE_LENGTH "table"
#define RULE_SP     "stack_pointer"
#define RULE_RESET  "reset"
#define RULE_CORE   "handlers"
#define RULE_ALIGN  "alignment"
#define RULE_LINK   "link_address"
#define RULE_LOADER "loader"

/* False if nothing more can be said. */
static bool judge_blank(struct check *c)
{
	uint32_t sp, reset;

	if (c->len < VECTORS_CORE_BYTES) {
		tell(c, VERDICT_ERROR, RULE_LENGTH, -1,
			"%zu bytes are too few: the core's own vectors need %u", c->len,
			VECTORS_CORE_BYTES);
		return false;
	}
	sp = word_at(c, 0);
	reset = word_at(c, 1);
	if (sp == UINT32_MAX || reset == UINT32_MAX)
		tell(c, VERDICT_ERROR, RULE_LENGTH, sp == UINT32_MAX ? 0 : 1,
			"the first words are empty (0xFFFFFFFF); not a program, or a wrong address");
	else if (sp == 0 && reset == 0)
		tell(c, VERDICT_ERROR, RULE_LENGTH, 0,
			"the first words are 0; not a program, or a wrong address");
	return c->n_errors == 0;
}

static void judge_sp(struct check *c)
{
	uint32_t sp = word_at(c, 0);
	const char *name = c->chip != NULL ? c->chip->name : "any STM32";

	if (sp % 4 != 0)
		tell(c, VERDICT_ERROR, RULE_SP, 0,
			"the initial stack pointer 0x%08" PRIX32 " is no multiple of 4", sp);
	else if (!sp_in_ram(sp, c->chip))
		tell(c, VERDICT_ERROR, RULE_SP, 0,
			"the initial stack pointer 0x%08" PRIX32 " is in no RAM of %s", sp, name);
	else if (sp % 8 != 0)
		tell(c, VERDICT_DOUBTFUL, RULE_SP, 0,
			"the initial stack pointer 0x%08" PRIX32 " is no multiple of 8", sp);
	else
		tell(c, VERDICT_OK, RULE_SP, 0,
			"the initial stack pointer 0x%08" PRIX32 " is in RAM of %s", sp, name);
}

/* The base that the table was made for, as advice. */
static void advise_guess(struct check *c)
{
	char text[160];

	if (vectors_guess_text(c->table, c->len, "", text, sizeof(text)))
		advise(c, "%s", text);
}

static void judge_reset(struct check *c)
{
	uint32_t reset = word_at(c, 1), start = reset - 1;

	if ((reset & 1) == 0) {
		tell(c, VERDICT_ERROR, RULE_RESET, 1,
			"the reset vector 0x%08" PRIX32 " is even: the core would fault at once",
			reset);
		return;
	}
	if (!in_code(c, start)) {
		tell(c, VERDICT_ERROR, RULE_RESET, 1,
			"the reset vector 0x%08" PRIX32 " points outside the image: wrong "
			"address, or a part of a larger image",
			reset);
		advise_guess(c);
		return;
	}
	start = without_alias(start, c->chip) - without_alias(c->base, c->chip);
	if (start < VECTORS_CORE_BYTES) {
		tell(c, VERDICT_ERROR, RULE_RESET, 1,
			"the reset vector 0x%08" PRIX32 " points into the vector table itself",
			reset);
	} else if (start < c->len - 1 && get_le16(c->table + start) == 0xFFFF) {
		tell(c, VERDICT_ERROR, RULE_RESET, 1,
			"it would start at 0x%08" PRIX32 ", where the image is empty (0xFFFF): "
			"wrong address",
			reset - 1);
		advise_guess(c);
	} else {
		tell(c, VERDICT_OK, RULE_RESET, 1, "it starts at 0x%08" PRIX32 ", inside the image",
			reset - 1);
	}
}

/* False if the word is as it should be. */
static bool judge_core_word(struct check *c, unsigned n, const char *name, bool must)
{
	enum verdict bad = must ? VERDICT_ERROR : VERDICT_DOUBTFUL;
	uint32_t w = word_at(c, n);

	if ((w & 1) != 0 && in_code(c, w - 1))
		return false;
	/* Small programs leave them out. No wrong address makes a 0, so it was meant so. */
	if (w == 0 && !must)
		return false;
	if (w == 0)
		tell(c, VERDICT_DOUBTFUL, RULE_CORE, (int)n,
			"the %s vector is 0: such an exception would lock the core up", name);
	else if ((w & 1) == 0)
		tell(c, bad, RULE_CORE, (int)n, "the %s vector 0x%08" PRIX32 " is even", name, w);
	else if (must || !vectors_sp_plausible(w)) /* handlers in RAM are legal */
		tell(c, bad, RULE_CORE, (int)n,
			"the %s vector 0x%08" PRIX32 " points outside the image", name, w);
	else
		return false;
	return true;
}

static void judge_core_words(struct check *c)
{
	bool told = false;

	for (size_t i = 0; i < ARRAY_LEN(core_words); i++)
		told |= judge_core_word(c, core_words[i].word, core_words[i].name,
			core_words[i].rule == MUST_HANDLE);
	if (!told)
		tell(c, VERDICT_OK, RULE_CORE, -1, "the core's handlers lie where code is");
}

/* Handlers may lie inside the image by chance although it was built for another address. */
static void judge_link_address(struct check *c)
{
	uint32_t base;

	/* What is wrong already tells more, and this takes its time. */
	if (c->n_errors > 0)
		return;
	if (!vectors_linked_elsewhere(c->table, c->len, c->base, &base) ||
		without_alias(base, c->chip) == without_alias(c->base, c->chip)) {
		tell(c, VERDICT_OK, RULE_LINK, -1,
			"nothing in the code was linked for another address than 0x%08" PRIX32,
			c->base);
		return;
	}
	tell(c, VERDICT_ERROR, RULE_LINK, -1, "the program behind it was linked for 0x%08" PRIX32,
		base);
	advise(c, "put it at 0x%08" PRIX32 ", or link it for 0x%08" PRIX32, base, c->base);
}

uint32_t vectors_alignment(const struct chip *chip, bool *ret_exact)
{
	*ret_exact = true;
	if (!chip->has_vtor)
		return 0;
	if (chip->core == CORE_M0PLUS) /* at most 32 interrupts, and VTOR has bits 31..8 */
		return 0x100;
	for (size_t i = 0; i < ARRAY_LEN(interrupts); i++) {
		uint32_t align = 0x80;

		if (interrupts[i].pid != chip->pid)
			continue;
		while (align < 4u * (16u + interrupts[i].last_irq + 1u))
			align *= 2;
		return align;
	}
	*ret_exact = false;
	return 0x80;
}

/*
 * A core without VTOR takes its vectors from address 0, that is from the start of flash. A program
 * elsewhere must copy them to RAM and map RAM there by SYSCFG MEM_MODE (RM0091, SYSCFG_CFGR1). Code
 * that does so has the address of SYSCFG in it, but it may be there for another reason.
 */
#define F0_SYSCFG 0x40010000u

static bool code_is_all_there(const struct check *c)
{
	return word_at(c, 1) - 1 - c->base < c->len;
}

static bool mentions(const struct check *c, uint32_t word)
{
	for (size_t i = 0; i + 4 <= c->len; i += 4)
		if (get_le32(c->table + i) == word)
			return true;
	return false;
}

static void judge_without_vtor(struct check *c)
{
	bool may_copy = !code_is_all_there(c) || mentions(c, F0_SYSCFG);

	if (c->base == c->chip->flash_base) {
		tell(c, VERDICT_OK, RULE_ALIGN, -1,
			"%s has no VTOR, and the table lies at the start of flash, where it is looked for",
			c->chip->name);
		return;
	}
	if (may_copy)
		tell(c, VERDICT_DOUBTFUL, RULE_ALIGN, -1,
			"%s cannot move its vector table: the program must copy it to RAM",
			c->chip->name);
	else
		tell(c, VERDICT_ERROR, RULE_ALIGN, -1,
			"%s cannot move its vector table (no VTOR), and nothing in the program can map "
			"a copy in RAM to 0",
			c->chip->name);
	advise(c,
		"link it for 0x%08" PRIX32
		" and let a loader copy it there from a staging area, or "
		"copy the table to 0x20000000 and set SYSCFG MEM_MODE = 3",
		c->chip->flash_base);
}

static void judge_alignment(struct check *c)
{
	bool exact = true;
	uint32_t align = c->chip != NULL ? vectors_alignment(c->chip, &exact) : 0x100;
	uint32_t next = (c->base / (align != 0 ? align : 1) + 1) * align;

	if (align == 0) {
		judge_without_vtor(c);
	} else if (c->chip == NULL && c->base % align != 0) {
		tell(c, VERDICT_DOUBTFUL, RULE_ALIGN, -1,
			"0x%08" PRIX32 " is no multiple of 0x100, which every core with VTOR needs",
			c->base);
	} else if (c->base % align != 0) {
		tell(c, VERDICT_ERROR, RULE_ALIGN, -1,
			"on %s it must begin at a multiple of 0x%" PRIX32
			", or interrupts go to wrong handlers",
			c->chip->name, align);
		advise(c, "link it for 0x%08" PRIX32 " or 0x%08" PRIX32, next - align, next);
	} else if (!exact && c->base % 0x400 != 0) {
		tell(c, VERDICT_DOUBTFUL, RULE_ALIGN, -1,
			"how a vector table on %s must be aligned is not confirmed; multiples of "
			"0x400 fit all parts",
			c->chip->name);
	} else {
		tell(c, VERDICT_OK, RULE_ALIGN, -1,
			"0x%08" PRIX32 " is a multiple of 0x%" PRIX32 ", as VTOR needs it", c->base,
			exact ? align : 0x400);
	}
}

/*
 * Loaders that look at the stack pointer before they start a program, and are wrong about some.
 * They matter behind a loader only; what lies at the start of flash is started by the core.
 */
static const struct {
	const char *name; /* and where the test stands */
	uint32_t mask, value;
	const char *todo;
} loaders[] = {
	{"the IAP example of STM32Cube (main.c of IAP_Main: sp & 0x2FFE0000)", 0x2FFE0000,
		0x20000000,
		"if that is the loader: end the stack at 0x2001FFF8, or correct the test in the loader"},
	{"X-CUBE-DBFU (sp >> 24)", 0xFF000000, 0x20000000,
		"if that is the loader: put the stack into the RAM at 0x20000000"},
};

/* The ROM that looks for a valid bank while BFB2 is set: ES0335, and what it accepts. */
static const struct {
	uint16_t pid;
	struct span ok[2];
} rom_dual_boot[] = {
	{0x461, {{0x20000000, 0x40000}, {0x10000000, 0x10000}}},
};

static void judge_loader(struct check *c)
{
	uint32_t sp = word_at(c, 0);
	bool told = false;

	if (c->chip == NULL)
		return;
	for (size_t i = 0; c->base != c->chip->flash_base && i < ARRAY_LEN(loaders); i++) {
		if ((sp & loaders[i].mask) == loaders[i].value)
			continue;
		tell(c, VERDICT_DOUBTFUL, RULE_LOADER, 0,
			"%s refuses the stack pointer 0x%08" PRIX32
			": this loader will not start it",
			loaders[i].name, sp);
		advise(c, "%s", loaders[i].todo);
		told = true;
	}
	for (size_t i = 0; c->base == c->chip->flash_base && i < ARRAY_LEN(rom_dual_boot); i++) {
		const struct span *ok = rom_dual_boot[i].ok;

		if (rom_dual_boot[i].pid != c->chip->pid || sp - ok[0].addr < ok[0].len ||
			sp - ok[1].addr < ok[1].len)
			continue;
		tell(c, VERDICT_DOUBTFUL, RULE_LOADER, 0,
			"while BFB2 is set the ROM refuses the stack pointer 0x%08" PRIX32
			" and starts the other bank (ES0335)",
			sp);
		advise(c, "for dual-bank boot end the stack below 0x20040000");
		c->pending.conditional = true;
		told = true;
	}
	if (!told)
		tell(c, VERDICT_OK, RULE_LOADER, 0,
			"no loader that is known refuses the stack pointer");
}

enum verdict vectors_judge(const struct vectors_image *image, const struct chip *chip,
	finding_sink sink, void *sink_ctx)
{
	static void (*const rules[])(struct check * c) = {judge_sp, judge_reset, judge_core_words,
		judge_alignment, judge_link_address, judge_loader};
	struct check c = {.table = image->table,
		.len = image->len,
		.base = image->base,
		.holds = image->holds,
		.ctx = image->ctx,
		.chip = chip,
		.sink = sink,
		.sink_ctx = sink_ctx};

	if (judge_blank(&c))
		for (size_t i = 0; i < ARRAY_LEN(rules); i++)
			rules[i](&c);
	tell_pending(&c);
	return c.worst;
}

/* ---- the first of each kind, for those who need no list ---- */

struct first {
	struct finding error;
	char *warn;
	size_t warn_size;
};

static void keep_first(void *ctx, const struct finding *f)
{
	struct first *first = ctx;

	if (f->verdict == VERDICT_ERROR && first->error.rule == NULL)
		first->error = *f;
	if (f->verdict == VERDICT_DOUBTFUL && !f->conditional && first->warn != NULL &&
		first->warn_size > 0 && first->warn[0] == '\0')
		snprintf(first->warn, first->warn_size, "%s", f->what);
}

int vectors_check_parts(const uint8_t *table, size_t len, uint32_t base,
	bool (*holds)(const void *ctx, uint32_t addr), const void *ctx, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e)
{
	const struct vectors_image image = {table, len, base, holds, ctx};
	struct first first = {.warn = ret_warn, .warn_size = warn_size};

	if (ret_warn != NULL && warn_size > 0)
		ret_warn[0] = '\0';
	if (vectors_judge(&image, chip, keep_first, &first) != VERDICT_ERROR)
		return 0;
	err_set(e, ERR_NO_FIT, "vector table at 0x%08" PRIX32 ": %s", base, first.error.what);
	if (first.error.todo[0] != '\0')
		err_hint(e, "%s", first.error.todo);
	return err_at(e, base);
}

int vectors_check(const uint8_t *image, size_t len, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e)
{
	uint64_t room = ((uint64_t)1 << 32) - base;
	struct span all = {base, (uint32_t)(len < room ? len : room - 1)};

	return vectors_check_parts(image, len, base, in_span, &all, chip, ret_warn, warn_size, e);
}

bool vectors_bootable(
	const uint8_t first_words[8], uint32_t base, uint32_t len, const struct chip *chip)
{
	uint32_t sp = get_le32(first_words), reset = get_le32(first_words + 4);
	struct span all = {base, len};
	struct check c = {.base = base, .holds = in_span, .ctx = &all, .chip = chip};

	if (sp == UINT32_MAX || reset == UINT32_MAX || (sp == 0 && reset == 0))
		return false;
	return sp % 4 == 0 && sp_in_ram(sp, chip) && (reset & 1) != 0 && in_code(&c, reset - 1);
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {"ok", "doubtful", "error"};

	return names[v];
}
