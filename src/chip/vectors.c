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
	char *warn;
	size_t warn_size;
};

static void doubt(const struct check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void doubt(const struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->warn == NULL || c->warn_size == 0 || c->warn[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(c->warn, c->warn_size, fmt, ap);
	va_end(ap);
}

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

static int refuse(const struct check *c, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct check *c, struct err *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, ERR_NO_FIT, "vector table at 0x%08" PRIX32 ": %s", c->base, text);
	err_at(e, c->base);
	return ERR_NO_FIT;
}

static int check_blank(const struct check *c, struct err *e)
{
	uint32_t sp = word_at(c, 0), reset = word_at(c, 1);

	if (sp == UINT32_MAX || reset == UINT32_MAX)
		return refuse(c, e,
			"the first words are empty (0xFFFFFFFF); not a program, or a "
			"wrong address");
	if (sp == 0 && reset == 0)
		return refuse(c, e, "the first words are 0; not a program, or a wrong address");
	return 0;
}

static int check_sp(const struct check *c, struct err *e)
{
	uint32_t sp = word_at(c, 0);

	if (sp % 4 != 0)
		return refuse(
			c, e, "the initial stack pointer 0x%08" PRIX32 " is no multiple of 4", sp);
	if (!sp_in_ram(sp, c->chip))
		return refuse(c, e, "the initial stack pointer 0x%08" PRIX32 " is in no RAM of %s",
			sp, c->chip != NULL ? c->chip->name : "any STM32");
	if (sp % 8 != 0)
		doubt(c, "the initial stack pointer 0x%08" PRIX32 " is no multiple of 8", sp);
	return 0;
}

/* The hint with the base that the table was made for. */
static void hint_guess(const struct check *c, struct err *e)
{
	char text[160];

	if (vectors_guess_text(c->table, c->len, text, sizeof(text)))
		err_hint(e, "%s", text);
}

static int check_reset(const struct check *c, struct err *e)
{
	uint32_t reset = word_at(c, 1), start = reset - 1;

	if ((reset & 1) == 0)
		return refuse(c, e,
			"the reset vector 0x%08" PRIX32 " is even: the core would fault at once",
			reset);
	if (!in_code(c, start)) {
		refuse(c, e,
			"the reset vector 0x%08" PRIX32 " points outside the image: wrong "
			"address, or a part of a larger image",
			reset);
		hint_guess(c, e);
		return ERR_NO_FIT;
	}
	start = without_alias(start, c->chip) - without_alias(c->base, c->chip);
	if (start < VECTORS_CORE_BYTES)
		return refuse(c, e,
			"the reset vector 0x%08" PRIX32 " points into the vector table itself",
			reset);
	return 0;
}

static int check_core_words(const struct check *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(core_words); i++) {
		unsigned n = core_words[i].word;
		const char *name = core_words[i].name;
		bool must = core_words[i].rule == MUST_HANDLE;
		uint32_t w = word_at(c, n);

		if ((w & 1) != 0 && in_code(c, w - 1))
			continue;
		/* Small programs leave them out. No wrong address makes a 0, so it was meant so. */
		if (w == 0 && must)
			doubt(c, "the %s vector is 0: such an exception would lock the core up",
				name);
		if (w == 0)
			continue;
		if (must)
			return refuse(c, e, "the %s vector 0x%08" PRIX32 " %s", name, w,
				(w & 1) == 0 ? "is even" : "points outside the image");
		if ((w & 1) == 0)
			doubt(c, "the %s vector 0x%08" PRIX32 " is even", name, w);
		else if (!vectors_sp_plausible(w))
			doubt(c, "the %s vector 0x%08" PRIX32 " points outside the image", name, w);
	}
	return 0;
}

/* Handlers may lie inside the image by chance although it was built for another address. */
static int check_link_address(const struct check *c, struct err *e)
{
	uint32_t base;

	if (!vectors_linked_elsewhere(c->table, c->len, c->base, &base) ||
		without_alias(base, c->chip) == without_alias(c->base, c->chip))
		return 0;
	refuse(c, e, "the program behind it was linked for 0x%08" PRIX32, base);
	err_hint(e, "--address 0x%08" PRIX32 ", or link it for 0x%08" PRIX32, base, c->base);
	return ERR_NO_FIT;
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

static int check_alignment(const struct check *c, struct err *e)
{
	bool exact;
	uint32_t align;

	if (c->chip == NULL) {
		if (c->base % 0x100 != 0)
			doubt(c,
				"0x%08" PRIX32 " is no multiple of 0x100, which every core with "
				"VTOR needs",
				c->base);
		return 0;
	}
	align = vectors_alignment(c->chip, &exact);
	if (align == 0) {
		if (c->base != c->chip->flash_base)
			doubt(c, "%s cannot move its vector table: the program must copy it to RAM",
				c->chip->name);
		return 0;
	}
	if (c->base % align != 0)
		return refuse(c, e,
			"on %s it must begin at a multiple of 0x%" PRIX32
			", or interrupts go to wrong handlers",
			c->chip->name, align);
	if (!exact && c->base % 0x400 != 0)
		doubt(c,
			"how a vector table on %s must be aligned is not confirmed; multiples of "
			"0x400 fit all parts",
			c->chip->name);
	return 0;
}

int vectors_check_parts(const uint8_t *table, size_t len, uint32_t base,
	bool (*holds)(const void *ctx, uint32_t addr), const void *ctx, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e)
{
	static int (*const rules[])(const struct check *c, struct err *e) = {check_blank, check_sp,
		check_reset, check_core_words, check_alignment, check_link_address};
	struct check c = {.table = table,
		.len = len,
		.base = base,
		.holds = holds,
		.ctx = ctx,
		.chip = chip,
		.warn = ret_warn,
		.warn_size = warn_size};

	if (ret_warn != NULL && warn_size > 0)
		ret_warn[0] = '\0';
	if (len < VECTORS_CORE_BYTES)
		return refuse(&c, e, "%zu bytes are too few: the core's own vectors need %u", len,
			VECTORS_CORE_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int rc = rules[i](&c, e);

		if (rc < 0)
			return rc;
	}
	return 0;
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

bool vectors_guess_text(const uint8_t *image, size_t len, char *ret, size_t size)
{
	uint32_t base[4];
	size_t n = vectors_guess_base(image, len, base, ARRAY_LEN(base));
	size_t at;

	if (n == 0)
		return false;
	at = (size_t)snprintf(ret, size, "the vector table fits --address 0x%08" PRIX32, base[0]);
	for (size_t i = 1; i < n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, " or 0x%08" PRIX32, base[i]);
	if (n > 1 && at < size)
		snprintf(ret + at, size - at, ": which one?");
	return true;
}
