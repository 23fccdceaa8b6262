/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_protect.c - read-out and write protection out of option words, one chip of each form
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/chip.h>

#define KIB 1024U

static void test_chip_rdp_level__values(void **state)
{
	static const struct {
		uint16_t pid;
		uint8_t value;
		enum rdp_level level;
	} cases[] = {
		{0x410, 0xA5, RDP_0},
		{0x410, 0xAA, RDP_1},
		{0x410, 0xCC, RDP_1},
		{0x410, 0x00, RDP_1},
		{0x413, 0xAA, RDP_0},
		{0x413, 0xCC, RDP_2},
		{0x413, 0x00, RDP_1},
		{0x413, 0x55, RDP_1},
		{0x472, 0x55, RDP_0_5},
		{0x482, 0x55, RDP_0_5},
		{0x482, 0xDC, RDP_1},
		{0x417, 0xAA, RDP_0},
		{0x440, 0xA5, RDP_1},
		{0x484, 0xAA, RDP_UNKNOWN},
		{0x496, 0xAA, RDP_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			chip_rdp_level(chip_find(cases[i].pid), cases[i].value), cases[i].level);
}

struct words {
	struct {
		uint32_t addr, value;
	} v[12];
	size_t reads;
};

static int read_word(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	struct words *w = ctx;

	w->reads++;
	for (size_t i = 0; i < ARRAY_LEN(w->v); i++) {
		if (w->v[i].addr == addr) {
			*ret = w->v[i].value;
			return 0;
		}
	}
	return err_set(e, ERR_NACK, "no word at 0x%08X", addr);
}

/* Areas expected as text: "0x08000000:4096 ..." would hide the units; so a plain list. */
struct expected {
	size_t n;
	struct span v[4];
};

static void check(
	uint16_t pid, uint32_t kib, enum chip_banks banks, struct words w, struct expected want)
{
	struct geometry g;
	struct span got[8] = {0};
	struct err e = ERR_INIT;
	size_t n = 99;

	assert_int_equal(geometry_init(&g, chip_find(pid), kib * KIB, banks, &e), 0);
	if (chip_wrp_spans(&g, read_word, &w, got, ARRAY_LEN(got), &n, &e) < 0)
		fail_msg("0x%03X: %s", pid, e.msg);
	if (n != want.n)
		fail_msg("0x%03X: %zu areas, first 0x%08X:%u", pid, n, got[0].addr, got[0].len);
	for (size_t i = 0; i < n; i++)
		if (got[i].addr != want.v[i].addr || got[i].len != want.v[i].len)
			fail_msg("0x%03X: area %zu is 0x%08X:%u", pid, i, got[i].addr, got[i].len);
}

static void check_refused(uint16_t pid, uint32_t kib, enum chip_banks banks, struct words w)
{
	struct geometry g;
	struct span got[8] = {0};
	struct err e = ERR_INIT;
	size_t n = 99;

	assert_int_equal(geometry_init(&g, chip_find(pid), kib * KIB, banks, &e), 0);
	assert_int_equal(
		chip_wrp_spans(&g, read_word, &w, got, ARRAY_LEN(got), &n, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "not confirmed"));
	assert_int_equal(n, 99);
}

#define WORDS(...) ((struct words){.v = {__VA_ARGS__}})
#define NOTHING    ((struct expected){0})

/* F1 medium density: 4 pages of 1 K for each bit, bytes beside their complements. */
static void test_chip_wrp_spans__bytes(void **state)
{
	check(0x410, 128, 0, WORDS({0x1FFFF808, 0x00FF00FF}, {0x1FFFF80C, 0x00FF00FF}), NOTHING);
	check(0x410, 128, 0, WORDS({0x1FFFF808, 0xFFFFFFFF}, {0x1FFFF80C, 0xFFFFFFFF}), NOTHING);
	/* bit 0 of WRP0: pages 0-3; bits 0 and 1 of WRP1: pages 32-39 */
	check(0x410, 128, 0, WORDS({0x1FFFF808, 0x03FC01FE}, {0x1FFFF80C, 0x00FF00FF}),
		(struct expected){2, {{0x08000000, 4096}, {0x08008000, 8192}}});
	/* bit 7 of WRP3: the last four pages of 128 K */
	check(0x410, 128, 0, WORDS({0x1FFFF808, 0x00FF00FF}, {0x1FFFF80C, 0x807F00FF}),
		(struct expected){1, {{0x0801F000, 4096}}});
	/* the same part with 64 K does not have those pages */
	check(0x410, 64, 0, WORDS({0x1FFFF808, 0x00FF00FF}, {0x1FFFF80C, 0x807F00FF}), NOTHING);
	/* high density: bit 7 of WRP3 covers pages 62 to 255, page 62 begins at 124 K */
	check(0x414, 512, 0, WORDS({0x1FFFF808, 0x00FF00FF}, {0x1FFFF80C, 0x807F00FF}),
		(struct expected){1, {{0x0801F000, 512 * KIB - 124 * KIB}}});
	check(0x418, 256, 0, WORDS({0x1FFFF808, 0x00FF00FF}, {0x1FFFF80C, 0x807F00FF}),
		(struct expected){1, {{0x0801F000, 256 * KIB - 124 * KIB}}});
	/* all protected */
	check(0x422, 256, 0, WORDS({0x1FFFF808, 0xFF00FF00}, {0x1FFFF80C, 0xFF00FF00}),
		(struct expected){1, {{0x08000000, 256 * KIB}}});
	/* a complement that is none */
	check_refused(0x440, 64, 0, WORDS({0x1FFFF808, 0x00FF12FE}));
}

/* L0 and L1: 4 K for each bit, 1 protects, complement in the upper half. */
static void test_chip_wrp_spans__halves(void **state)
{
	check(0x417, 64, 0, WORDS({0x1FF80000, 0xFF5500AA}, {0x1FF80008, 0xFFFF0000}), NOTHING);
	check(0x417, 64, 0, WORDS({0x1FF80000, 0xFF5500AA}, {0x1FF80008, 0x7FFE8001}),
		(struct expected){2, {{0x08000000, 4096}, {0x0800F000, 4096}}});
	/* WPRMOD (bit 8): now a 0 protects */
	check(0x417, 64, 0, WORDS({0x1FF80000, 0xFE5501AA}, {0x1FF80008, 0x0001FFFE}),
		(struct expected){1, {{0x08000000, 4096}}});
	/* L07x: the third word begins at 128 K */
	check(0x447, 192, 0,
		WORDS({0x1FF80000, 0xFF5500AA}, {0x1FF80008, 0xFFFF0000}, {0x1FF8000C, 0xFFFF0000},
			{0x1FF80010, 0xFFFE0001}),
		(struct expected){1, {{0x08020000, 4096}}});
	check(0x416, 128, 0, WORDS({0x1FF80008, 0xFFFD0002}, {0x1FF8000C, 0xFFFF0000}),
		(struct expected){1, {{0x08001000, 4096}}});
	check_refused(0x416, 128, 0, WORDS({0x1FF80008, 0xFFFF0002}, {0x1FF8000C, 0xFFFF0000}));
}

/* F2, F4, F7, H7: a bit for each sector, 0 protects. */
static void test_chip_wrp_spans__sectors(void **state)
{
	check(0x413, 1024, 0, WORDS({0x1FFFC008, 0xFFFFFFFF}), NOTHING);
	/* sectors 0, 1 and 5 */
	check(0x413, 1024, 0, WORDS({0x1FFFC008, 0xFFFFFFDC}),
		(struct expected){2, {{0x08000000, 32 * KIB}, {0x08020000, 128 * KIB}}});
	/* F42x, 2 MB: sector 12 is bit 0 of the second word */
	check(0x419, 2048, 0, WORDS({0x1FFFC008, 0xFFFF7FFF}, {0x1FFEC008, 0xFFFFFFFE}),
		(struct expected){1, {{0x08100000, 16 * KIB}}});
	/* 1 MB with two banks: sector 12 is at 512 K */
	check(0x419, 1024, CHIP_BANKS_FORCE_DUAL,
		WORDS({0x1FFFC008, 0xFFFF7FFF}, {0x1FFEC008, 0xFFFFFFFE}),
		(struct expected){1, {{0x08080000, 16 * KIB}}});
	/* SPRMOD set: the bits mean something else */
	check_refused(0x419, 2048, 0, WORDS({0x1FFFC008, 0xFFFFFFFE}, {0x1FFEC008, 0xFFFFFFFF}));
	/* F413: 15 bits for 16 sectors; the last bit may mean two of them */
	check(0x463, 1536, 0, WORDS({0x1FFFC008, 0xFFFF7FDF}),
		(struct expected){1, {{0x08020000, 128 * KIB}}});
	check_refused(0x463, 1536, 0, WORDS({0x1FFFC008, 0xFFFF3FFF}));
	/* F76x in one bank and in two */
	check(0x451, 2048, CHIP_BANKS_FORCE_SINGLE, WORDS({0x1FFF0008, 0xFFFFFFEF}),
		(struct expected){1, {{0x08020000, 128 * KIB}}});
	check_refused(0x451, 2048, CHIP_BANKS_FORCE_DUAL, WORDS({0x1FFF0008, 0xFFFFFFEF}));
	/* H743: second word for bank 2; H7A3: four sectors of 8 K for each bit */
	check(0x450, 2048, 0, WORDS({0x52002038, 0xFF}, {0x52002138, 0x7F}),
		(struct expected){1, {{0x081E0000, 128 * KIB}}});
	check(0x450, 1024, 0, WORDS({0x52002038, 0xFE}, {0x52002138, 0xFE}),
		(struct expected){2, {{0x08000000, 128 * KIB}, {0x08080000, 128 * KIB}}});
	check(0x480, 2048, 0, WORDS({0x52002038, 0xFFFFFFFD}, {0x52002138, 0xFFFFFFFF}),
		(struct expected){1, {{0x08008000, 32 * KIB}}});
	check(0x484, 2048, 0, WORDS({0x400220E8, 0xFFFFFFFF}, {0x400221E8, 0xFFFFFFFE}),
		(struct expected){1, {{0x08100000, 32 * KIB}}});
	check_refused(0x484, 1024, 0, WORDS({0x400220E8, 0xFFFFFFFE}, {0x400221E8, 0xFFFFFFFF}));
}

/* First and last page; the example of the reference manual: 0xC5..0xE0 is 0x62800..0x707FF. */
static void test_chip_wrp_spans__ranges(void **state)
{
	struct geometry g;
	struct span got[8];
	size_t n = 0;
	struct words swapped = WORDS({0x1FFF7818, 0x00010000}, {0x1FFF7820, 0x000000FF},
		{0x1FFF7848, 0x000000FF}, {0x1FFF7850, 0x000000FF});

	check(0x435, 256, 0, WORDS({0x1FFF7818, 0xFF00FFFF}, {0x1FFF7820, 0xFF00FFFF}), NOTHING);
	check(0x462, 512, 0, WORDS({0x1FFF7818, 0xFFE0FFC5}, {0x1FFF7820, 0xFF00FFFF}),
		(struct expected){1, {{0x08062800, 0x70800 - 0x62800}}});
	/* one page, and two areas in the wrong order that touch */
	check(0x435, 256, 0, WORDS({0x1FFF7818, 0x00030003}, {0x1FFF7820, 0x00020001}),
		(struct expected){1, {{0x08000800, 3 * 2 * KIB}}});
	/* the end lies behind the flash of the smaller part */
	check(0x435, 128, 0, WORDS({0x1FFF7818, 0x007F003E}, {0x1FFF7820, 0xFF00FFFF}),
		(struct expected){1, {{0x0801F000, 4 * KIB}}});
	/* bank 2 counts from its own start */
	check(0x415, 1024, 0,
		WORDS({0x1FFF7818, 0xFF00FFFF}, {0x1FFF7820, 0xFF00FFFF}, {0x1FFFF818, 0x00010000},
			{0x1FFFF820, 0xFF00FFFF}),
		(struct expected){1, {{0x08080000, 4 * KIB}}});
	/* fields of the U5 with P, 7 bits wide: what lies beside them does not count */
	check(0x482, 2048, 0,
		WORDS({0x40022058, 0xFF82FF81}, {0x4002205C, 0x8000007F}, {0x40022068, 0x8000007F},
			{0x4002206C, 0x8000007F}),
		(struct expected){1, {{0x08002000, 16 * KIB}}});
	/* one bank of a part that can have two */
	check_refused(0x469, 512, CHIP_BANKS_FORCE_SINGLE,
		WORDS({0x1FFF7818, 0x00010000}, {0x1FFF7820, 0x000000FF}, {0x1FFFF818, 0x000000FF},
			{0x1FFFF820, 0x000000FF}));
	check(0x469, 512, CHIP_BANKS_FORCE_SINGLE,
		WORDS({0x1FFF7818, 0x000000FF}, {0x1FFF7820, 0x000000FF}, {0x1FFFF818, 0x000000FF},
			{0x1FFFF820, 0x000000FF}),
		NOTHING);
	assert_int_equal(
		geometry_init(&g, chip_find(0x467), 512 * KIB, CHIP_BANKS_FORCE_DUAL, NULL), 0);
	geometry_set_swapped(&g);
	assert_int_equal(
		chip_wrp_spans(&g, read_word, &swapped, got, 8, &n, NULL), ERR_UNSUPPORTED);
}

static void test_chip_wrp_spans__refused(void **state)
{
	struct geometry g;
	struct words none = {0};
	struct words all = WORDS({0x1FFFF808, 0xAA55AA55}, {0x1FFFF80C, 0xAA55AA55});
	struct span got[2];
	size_t n = 0;

	/* no words, no meaning */
	check_refused(0x496, 512, 0, none);
	check_refused(0x485, 64, 0, none);
	check_refused(0x44E, 512, 0, none);
	/* the link fails */
	assert_int_equal(geometry_init(&g, chip_find(0x413), 0, 0, NULL), 0);
	assert_int_equal(chip_wrp_spans(&g, read_word, &none, got, 2, &n, NULL), ERR_NACK);
	/* more areas than there is room for */
	assert_int_equal(geometry_init(&g, chip_find(0x410), 0, 0, NULL), 0);
	assert_int_equal(chip_wrp_spans(&g, read_word, &all, got, 2, &n, NULL), ERR_NOMEM);
}

/* Whatever the words hold: no crash, areas in order, within the flash. */
static void test_chip_wrp_spans__any_words(void **state)
{
	static const uint32_t values[] = {0, 0xFFFFFFFF, 0x00FF00FF, 0xFF00FF00, 0xFFFF0000,
		0x0000FFFF, 0x00010000, 0x007F0001, 0xA55A5AA5};

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			struct words w = {0};
			struct span got[128];
			struct geometry g;
			size_t n = 0;

			for (size_t k = 0, m = 0; k < c->options.n_wrp && m < ARRAY_LEN(w.v); k++)
				w.v[m++].addr = c->options.wrp[k].addr;
			for (size_t k = 0; k < ARRAY_LEN(w.v); k++)
				w.v[k].value = values[v];
			assert_int_equal(geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL), 0);
			if (chip_wrp_spans(&g, read_word, &w, got, ARRAY_LEN(got), &n, NULL) < 0)
				continue;
			for (size_t k = 0; k < n; k++) {
				assert_true(span_contains((struct span){g.base, g.size}, got[k]));
				assert_true(k == 0 || got[k].addr > span_end(got[k - 1]));
			}
		}
	}
}

/* Whether the bits go along with the banks no source tells; none set is none set. */
static int read_all(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	(void)addr;
	(void)e;
	*ret = *(const uint32_t *)ctx;
	return 0;
}

static void test_chip_wrp_spans__swapped_banks(void **state)
{
	static const uint16_t pids[] = {0x450, 0x484, 0x482};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		/* One sector of each bank; 482: an area from page 0 to page 1. */
		uint32_t none = pids[i] == 0x482 ? 0x000000FF : UINT32_MAX, some = 0x00010000;
		struct span got[8];
		struct geometry g;
		size_t n = 1;

		assert_int_equal(
			geometry_init(&g, chip_find(pids[i]), 0, CHIP_BANKS_TABLE, NULL), 0);
		geometry_set_swapped(&g);
		assert_int_equal(chip_wrp_spans(&g, read_all, &none, got, 8, &n, NULL), 0);
		assert_int_equal(n, 0);
		assert_int_equal(
			chip_wrp_spans(&g, read_all, &some, got, 8, &n, NULL), ERR_UNSUPPORTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chip_wrp_spans__swapped_banks),
		cmocka_unit_test(test_chip_rdp_level__values),
		cmocka_unit_test(test_chip_wrp_spans__bytes),
		cmocka_unit_test(test_chip_wrp_spans__halves),
		cmocka_unit_test(test_chip_wrp_spans__sectors),
		cmocka_unit_test(test_chip_wrp_spans__ranges),
		cmocka_unit_test(test_chip_wrp_spans__refused),
		cmocka_unit_test(test_chip_wrp_spans__any_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
