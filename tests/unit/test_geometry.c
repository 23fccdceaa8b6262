/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_geometry.c - erase units of real parts: layouts typed from the UART reference (section 7)
 * and from the reference manuals named there, trimming, banks, numbers and what is refused
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/chip.h>

#define KIB     1024U
#define F4_BANK 4, 16 * KIB, 1, 64 * KIB, 7, 128 * KIB
#define SINGLE  CHIP_BANKS_FORCE_SINGLE
#define DUAL    CHIP_BANKS_FORCE_DUAL

struct part {
	uint16_t pid;
	uint32_t kib; /* 0: the largest part */
	enum chip_banks banks;
	uint32_t runs[12]; /* count, size; ... of the whole part; 0 ends */
};

static const struct part parts[] = {
	/* F0: 1 K; 2 K on F030xC, F07x, F09x */
	{0x444, 32, 0, {32, 1 * KIB}},
	{0x440, 64, 0, {64, 1 * KIB}},
	{0x440, 16, 0, {16, 1 * KIB}},
	{0x442, 256, 0, {128, 2 * KIB}},
	{0x448, 64, 0, {32, 2 * KIB}},
	/* F1: 1 K low and medium density; 2 K high, connectivity, XL */
	{0x412, 16, 0, {16, 1 * KIB}},
	{0x410, 64, 0, {64, 1 * KIB}},
	{0x410, 128, 0, {128, 1 * KIB}},
	{0x414, 512, 0, {256, 2 * KIB}},
	{0x418, 256, 0, {128, 2 * KIB}},
	{0x430, 1024, 0, {512, 2 * KIB}},
	{0x420, 128, 0, {128, 1 * KIB}},
	{0x428, 512, 0, {256, 2 * KIB}},
	/* F3: 2 K */
	{0x422, 256, 0, {128, 2 * KIB}},
	{0x438, 64, 0, {32, 2 * KIB}},
	{0x446, 512, 0, {256, 2 * KIB}},
	/* F2, F40x/41x/401/411/412/413/446: 4 x 16 K, 64 K, then 128 K */
	{0x411, 1024, 0, {F4_BANK}},
	{0x413, 1024, 0, {F4_BANK}},
	{0x413, 512, 0, {4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB}},
	{0x423, 256, 0, {4, 16 * KIB, 1, 64 * KIB, 1, 128 * KIB}},
	{0x423, 128, 0, {4, 16 * KIB, 1, 64 * KIB}},
	{0x431, 512, 0, {4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB}},
	{0x421, 512, 0, {4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB}},
	{0x463, 1536, 0, {4, 16 * KIB, 1, 64 * KIB, 11, 128 * KIB}},
	/* F42x/43x/469/479: that pattern twice on 2 MB; 1 MB in one bank or two */
	{0x419, 2048, 0, {F4_BANK, F4_BANK}},
	{0x434, 2048, DUAL, {F4_BANK, F4_BANK}},
	{0x419, 1024, SINGLE, {F4_BANK}},
	{0x419, 1024, DUAL,
		{4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB, 4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB}},
	/* F7 */
	{0x452, 512, 0, {4, 16 * KIB, 1, 64 * KIB, 3, 128 * KIB}},
	{0x449, 1024, 0, {4, 32 * KIB, 1, 128 * KIB, 3, 256 * KIB}},
	{0x449, 512, 0, {4, 32 * KIB, 1, 128 * KIB, 1, 256 * KIB}},
	{0x451, 2048, SINGLE, {4, 32 * KIB, 1, 128 * KIB, 7, 256 * KIB}},
	{0x451, 2048, DUAL, {F4_BANK, F4_BANK}},
	/* G0, C0: 2 K; G4 2 K, G47x/G48x 4 K in one bank */
	{0x460, 128, 0, {64, 2 * KIB}},
	{0x467, 512, DUAL, {256, 2 * KIB}},
	{0x443, 32, 0, {16, 2 * KIB}},
	{0x468, 128, 0, {64, 2 * KIB}},
	{0x469, 512, DUAL, {256, 2 * KIB}},
	{0x469, 512, SINGLE, {128, 4 * KIB}},
	/* H5 8 K; H72/73/74/75 128 K; H7A3/B3 8 K */
	{0x474, 128, 0, {16, 8 * KIB}},
	{0x484, 2048, 0, {256, 8 * KIB}},
	{0x450, 2048, 0, {16, 128 * KIB}},
	{0x450, 128, 0, {1, 128 * KIB}},
	{0x483, 1024, 0, {8, 128 * KIB}},
	{0x480, 2048, 0, {256, 8 * KIB}},
	/* L0 128 bytes, L1 256 bytes */
	{0x417, 64, 0, {512, 128}},
	{0x457, 16, 0, {128, 128}},
	{0x447, 192, 0, {1536, 128}},
	{0x447, 128, 0, {1024, 128}},
	{0x416, 128, 0, {512, 256}},
	{0x436, 384, 0, {1536, 256}},
	{0x437, 512, 0, {2048, 256}},
	/* L4 2 K; L4+ 4 K dual, 8 K single */
	{0x435, 256, 0, {128, 2 * KIB}},
	{0x415, 1024, 0, {512, 2 * KIB}},
	{0x415, 512, SINGLE, {256, 2 * KIB}},
	{0x470, 2048, DUAL, {512, 4 * KIB}},
	{0x470, 2048, SINGLE, {256, 8 * KIB}},
	{0x471, 1024, DUAL, {256, 4 * KIB}},
	{0x471, 1024, SINGLE, {128, 8 * KIB}},
	/* L5 2 K dual, 4 K single; U0, WB10/15, WL 2 K; WB30-55 4 K; U5, WBA 8 K */
	{0x472, 512, DUAL, {256, 2 * KIB}},
	{0x472, 512, SINGLE, {128, 4 * KIB}},
	{0x459, 64, 0, {32, 2 * KIB}},
	{0x494, 320, 0, {160, 2 * KIB}},
	{0x497, 256, 0, {128, 2 * KIB}},
	{0x495, 1024, 0, {256, 4 * KIB}},
	{0x482, 2048, 0, {256, 8 * KIB}},
	{0x492, 1024, 0, {128, 8 * KIB}},
};

static struct geometry geometry_of(uint16_t pid, uint32_t kib, enum chip_banks banks)
{
	struct geometry g = {0};
	struct err e = ERR_INIT;

	if (geometry_init(&g, chip_find(pid), kib * KIB, banks, &e) < 0)
		fail_msg("0x%03X with %u KiB: %s (%s)", pid, kib, e.msg, e.hint);
	return g;
}

/* Unit by unit against the runs that were typed in. */
static void test_geometry__layouts_of_the_papers(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct part *p = &parts[i];
		struct geometry g = geometry_of(p->pid, p->kib, p->banks);
		uint32_t addr = chip_find(p->pid)->flash_base, index = 0;

		for (size_t r = 0; r + 1 < ARRAY_LEN(p->runs) && p->runs[r] != 0; r += 2) {
			for (uint32_t k = 0; k < p->runs[r]; k++, index++) {
				struct erase_unit u = geometry_unit(&g, index);

				if (u.addr != addr || u.size != p->runs[r + 1] || u.index != index)
					fail_msg("0x%03X/%u: unit %u at 0x%08X, %u bytes", p->pid,
						p->kib, index, u.addr, u.size);
				addr += u.size;
			}
		}
		if (index != g.n_units || addr != g.base + p->kib * KIB)
			fail_msg("0x%03X/%u: %u units", p->pid, p->kib, g.n_units);
	}
}

static void assert_number(const struct geometry *g, uint32_t addr, unsigned number, unsigned bank)
{
	struct erase_unit u, v;

	assert_true(geometry_unit_at(g, addr, &u));
	assert_int_equal(u.addr, addr);
	assert_int_equal(u.number, number);
	assert_int_equal(u.bank, bank);
	if (number != UNIT_NUMBER_UNKNOWN) {
		assert_true(geometry_unit_numbered(g, number, &v));
		assert_int_equal(v.addr, addr);
	}
}

static void test_geometry__numbers(void **state)
{
	struct geometry g = geometry_of(0x413, 0, CHIP_BANKS_DEFAULT);

	/* F40x: sector 4 is the one of 64 K, sector 11 the last */
	assert_number(&g, 0x08010000, 4, 1);
	assert_number(&g, 0x08020000, 5, 1);
	assert_number(&g, 0x080E0000, 11, 1);
	/* F42x, 2 MB: sectors 0-11 bank 1, 12-23 bank 2 */
	g = geometry_of(0x419, 0, CHIP_BANKS_DEFAULT);
	assert_int_equal(g.bank2_base, 0x08100000);
	assert_number(&g, 0x080E0000, 11, 1);
	assert_number(&g, 0x08100000, 12, 2);
	assert_number(&g, 0x08110000, 16, 2);
	assert_number(&g, 0x081E0000, 23, 2);
	/* F42x, 1 MB, DB1M = 1: sectors 0-7 and 12-19 (RM0090); there are no sectors 8-11 */
	g = geometry_of(0x419, 1024, DUAL);
	assert_int_equal(g.bank2_base, 0x08080000);
	assert_number(&g, 0x08060000, 7, 1);
	assert_number(&g, 0x08080000, 12, 2);
	assert_number(&g, 0x080E0000, 19, 2);
	for (unsigned n = 8; n <= 11; n++)
		assert_false(geometry_unit_numbered(&g, n, &(struct erase_unit){0}));
	assert_false(geometry_unit_numbered(&g, 20, &(struct erase_unit){0}));
	/* and DB1M = 0: sectors 0-11 */
	g = geometry_of(0x419, 1024, SINGLE);
	assert_number(&g, 0x080E0000, 11, 1);
	/* pages of L0 and L1 count on over both banks */
	g = geometry_of(0x447, 128, CHIP_BANKS_DEFAULT);
	assert_int_equal(g.bank2_base, 0x08010000);
	assert_number(&g, 0x08010000, 512, 2);
	g = geometry_of(0x437, 0, CHIP_BANKS_DEFAULT);
	assert_number(&g, 0x0807FF00, 2047, 2);
	/* full size: the second half follows the first */
	g = geometry_of(0x450, 0, CHIP_BANKS_DEFAULT);
	assert_number(&g, 0x08100000, 8, 2);
	g = geometry_of(0x469, 0, DUAL);
	assert_number(&g, 0x08040000, 128, 2);
}

static void test_geometry__numbers_without_a_source(void **state)
{
	/* G0B1: disputed at every size. L47x: RM0351 leaves a hole on 512 K. H7: smaller parts. */
	static const struct {
		uint16_t pid;
		uint32_t kib, bank2;
	} cases[] = {
		{0x467, 512, 0x08040000},
		{0x467, 256, 0x08020000},
		{0x415, 512, 0x08040000},
		{0x461, 512, 0x08040000},
		{0x469, 256, 0x08020000},
		{0x450, 1024, 0x08080000},
		{0x480, 1024, 0x08080000},
		{0x472, 256, 0x08020000},
		{0x482, 1024, 0x08080000},
		{0x484, 1024, 0x08080000},
		{0x451, 1024, 0x08080000},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct geometry g = geometry_of(cases[i].pid, cases[i].kib, DUAL);
		struct err e = ERR_INIT;

		assert_int_equal(g.bank2_base, cases[i].bank2);
		assert_number(&g, g.bank2_base, UNIT_NUMBER_UNKNOWN, 2);
		assert_number(&g, g.base, 0, 1);
		assert_int_equal(geometry_need_numbers(&g, 0, g.n_bank1, &e), 0);
		assert_int_equal(geometry_need_numbers(&g, 0, g.n_bank1 + 1, &e), ERR_UNSUPPORTED);
		assert_int_equal(e.addr, cases[i].bank2);
		assert_non_null(strstr(e.msg, "not confirmed"));
		assert_int_equal(geometry_need_numbers(&g, g.n_units - 1, 1, &e), ERR_UNSUPPORTED);
		assert_false(geometry_unit_numbered(&g, g.n_bank1, &(struct erase_unit){0}));
	}
}

/* Until the device was asked no unit has a number, so that none can be erased by mistake. */
static void test_geometry__numbers_of_swapped_banks(void **state)
{
	struct geometry g = geometry_of(0x450, 0, CHIP_BANKS_DEFAULT);

	assert_int_equal(geometry_need_numbers(&g, 0, g.n_units, NULL), 0);
	geometry_set_swapped(&g);
	assert_true(g.numbers_open);
	assert_number(&g, 0x08000000, UNIT_NUMBER_UNKNOWN, 1);
	assert_number(&g, 0x08100000, UNIT_NUMBER_UNKNOWN, 2);
	geometry_settle_numbers(&g, false);
	assert_number(&g, 0x08000000, 0, 1);
	assert_number(&g, 0x08100000, 8, 2);
	assert_int_equal(geometry_unit(&g, 8).erase_shift, 0);
	geometry_settle_numbers(&g, true);
	assert_number(&g, 0x08000000, 8, 1);
	assert_number(&g, 0x08020000, 9, 1);
	assert_number(&g, 0x08100000, 0, 2);
	assert_int_equal(geometry_unit(&g, 0).erase_shift, 0x00100000);
	assert_int_equal(geometry_unit(&g, 8).erase_shift, 0xFFF00000);

	/* Where half of the numbers has no source it cannot be asked. */
	g = geometry_of(0x482, 1024, CHIP_BANKS_FORCE_DUAL);
	geometry_set_swapped(&g);
	assert_int_equal(geometry_need_numbers(&g, 0, 1, NULL), ERR_UNSUPPORTED);
}

static void refused(uint16_t pid, uint32_t size, enum chip_banks banks, int code, const char *msg)
{
	struct geometry g = {0};
	struct err e = ERR_INIT;
	int rc = geometry_init(&g, chip_find(pid), size, banks, &e);

	if (rc != code || strstr(e.msg, msg) == NULL)
		fail_msg("0x%03X, %u: %d %s", pid, size, rc, e.msg);
	assert_null(g.chip);
}

static void test_geometry_init__sizes_that_cannot_be(void **state)
{
	refused(0x410, 0xFFFF * KIB, 0, ERR_NO_FIT, "not programmed");
	refused(0x410, 256 * KIB, 0, ERR_NO_FIT, "more than");
	refused(0x410, 1000, 0, ERR_NO_FIT, "do not end at an erase unit");
	refused(0x413, 72 * KIB, 0, ERR_NO_FIT, "do not end at an erase unit");
	refused(0x413, 768 * KIB - 1, 0, ERR_NO_FIT, "do not end");
	refused(0x450, 384 * KIB, 0, ERR_NO_FIT, "do not end");
}

static void test_geometry_init__bank_mode(void **state)
{
	/* Both modes are possible, their units differ, and nobody read the option bytes. */
	refused(0x469, 0, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x470, 0, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x472, 0, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x451, 0, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x419, 1024 * KIB, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x415, 512 * KIB, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	refused(0x467, 0, CHIP_BANKS_DEFAULT, ERR_UNSUPPORTED, "not confirmed");
	/* The part has no such mode. */
	refused(0x413, 0, DUAL, ERR_UNSUPPORTED, "one bank");
	refused(0x419, 2048 * KIB, SINGLE, ERR_UNSUPPORTED, "two banks");
	refused(0x450, 0, SINGLE, ERR_UNSUPPORTED, "two banks");
	/* U375 has the same pages in both modes: no need to know. */
	assert_int_equal(geometry_of(0x454, 0, CHIP_BANKS_DEFAULT).n_units, 256);
}

/* Every part that the table can make: no gap, no overlap, each address and number found again. */
static void check_part(const struct geometry *g)
{
	uint64_t addr = g->base;
	unsigned last_number = 0;

	for (uint32_t i = 0; i < g->n_units; i++) {
		struct erase_unit u = geometry_unit(g, i), first, last, by_number;

		if (u.addr != addr || u.bank != (g->banks == 2 && u.addr >= g->bank2_base ? 2 : 1))
			fail_msg("0x%03X/%u: unit %u", g->chip->pid, g->size, i);
		assert_true(geometry_unit_at(g, u.addr, &first));
		assert_true(geometry_unit_at(g, u.addr + u.size - 1, &last));
		assert_int_equal(first.index, i);
		assert_int_equal(last.index, i);
		if (i < g->n_numbered) {
			assert_true(i == 0 || u.number > last_number);
			last_number = u.number;
			assert_true(geometry_unit_numbered(g, u.number, &by_number));
			assert_int_equal(by_number.index, i);
		} else {
			assert_int_equal(u.number, UNIT_NUMBER_UNKNOWN);
		}
		addr += u.size;
	}
	assert_int_equal(addr, (uint64_t)g->base + g->size);
	assert_false(geometry_unit_at(g, g->base - 1, &(struct erase_unit){0}));
	assert_false(geometry_unit_at(g, g->base + g->size, &(struct erase_unit){0}));
	assert_false(geometry_unit_numbered(g, last_number + 1, &(struct erase_unit){0}));
}

static void test_geometry__every_part(void **state)
{
	size_t made = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		for (uint32_t size = c->flash_size_max; size >= 4 * KIB; size /= 2) {
			for (enum chip_banks b = CHIP_BANKS_DEFAULT; b <= CHIP_BANKS_TABLE; b++) {
				struct geometry g = {0};

				if (geometry_init(&g, c, size, b, NULL) < 0)
					continue;
				made++;
				check_part(&g);
			}
		}
		/* Simulators can make the largest part of every chip. */
		check_part(&(struct geometry[]){geometry_of(c->pid, 0, CHIP_BANKS_TABLE)}[0]);
	}
	assert_true(made > 500);
}

struct option_word {
	uint32_t addr, value;
};

static int read_word(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	for (const struct option_word *w = ctx; w->addr != 0; w++) {
		if (w->addr == addr) {
			*ret = w->value;
			return 0;
		}
	}
	return err_set(e, ERR_TIMEOUT, "no word at 0x%08X", addr);
}

static void assert_banks(uint16_t pid, uint32_t kib, uint32_t addr, uint32_t value,
	enum chip_banks banks, bool swapped)
{
	struct option_word words[] = {{addr, value}, {0, 0}};
	enum chip_banks b = CHIP_BANKS_TABLE;
	bool s = !swapped;

	assert_int_equal(
		chip_banks_read(chip_find(pid), kib * KIB, read_word, words, &b, &s, NULL), 0);
	assert_int_equal(b, banks);
	assert_int_equal(s, swapped);
}

static void test_chip_banks_read__bits(void **state)
{
	enum chip_banks b;
	bool s;

	/* G0B1: DUAL_BANK is bit 21, nSWAP_BANK bit 20 of 0x1FFF7800 */
	assert_banks(0x467, 512, 0x1FFF7800, 0xFFFFFFAA, DUAL, false);
	assert_banks(0x467, 512, 0x1FFF7800, 0xFFFFFFAA & ~(1U << 21), SINGLE, false);
	assert_banks(0x467, 512, 0x1FFF7800, 0xFFFFFFAA & ~(1U << 20), DUAL, true);
	/* F76x: nDBANK = 0 means two banks */
	assert_banks(0x451, 2048, 0x1FFF0008, 0xFFFFFFFF, SINGLE, false);
	/* H7: SWAP_BANK = 1 swaps, it is bit 31 of 0x5200201C */
	assert_banks(0x450, 2048, 0x5200201C, 0x8000AA00, CHIP_BANKS_DEFAULT, true);
	assert_banks(0x450, 2048, 0x5200201C, 0x0000AA00, CHIP_BANKS_DEFAULT, false);
	/* L47x, 1 MB: always two banks, the bit does not matter */
	assert_banks(0x415, 1024, 0x1FFF7800, 0, CHIP_BANKS_DEFAULT, false);
	assert_banks(0x415, 512, 0x1FFF7800, 0, SINGLE, false);
	assert_banks(0x415, 512, 0x1FFF7800, 0xFFFFFFFF, DUAL, false);
	/* no bit whose place is known: nothing is read */
	assert_banks(0x419, 1024, 0, 0, CHIP_BANKS_DEFAULT, false);
	assert_banks(0x413, 1024, 0, 0, CHIP_BANKS_DEFAULT, false);
	/* the link fails */
	assert_int_equal(chip_banks_read(chip_find(0x467), 0, read_word,
				 (struct option_word[]){{0, 0}}, &b, &s, NULL),
		ERR_TIMEOUT);
}

static void test_timing__covers_the_known_extremes(void **state)
{
	/* F4 with 2 MB: mass erase up to 32 s. Five seconds for each unit, of 256 K too. */
	assert_true(chip_mass_erase_ms_max(chip_find(0x419), 2048 * KIB) >= 32000);
	assert_true(chip_erase_ms_max(chip_find(0x451), 256 * KIB) >= 5000);
	/* G071 40 ms, L452 25 ms */
	assert_int_equal(chip_erase_ms_typical(chip_find(0x460), 2 * KIB), 40);
	assert_int_equal(chip_erase_ms_typical(chip_find(0x462), 2 * KIB), 25);
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		for (size_t r = 0; r < c->layout.n_runs; r++) {
			uint32_t size = c->layout.runs[r].size;

			assert_true(chip_erase_ms_typical(c, size) > 0);
			assert_true(chip_erase_ms_typical(c, size) < chip_erase_ms_max(c, size));
		}
		assert_true(chip_program_us(c) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry__layouts_of_the_papers),
		cmocka_unit_test(test_geometry__numbers),
		cmocka_unit_test(test_geometry__numbers_without_a_source),
		cmocka_unit_test(test_geometry__numbers_of_swapped_banks),
		cmocka_unit_test(test_geometry_init__sizes_that_cannot_be),
		cmocka_unit_test(test_geometry_init__bank_mode),
		cmocka_unit_test(test_geometry__every_part),
		cmocka_unit_test(test_chip_banks_read__bits),
		cmocka_unit_test(test_timing__covers_the_known_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
