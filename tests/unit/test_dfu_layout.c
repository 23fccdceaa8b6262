/* SPDX-License-Identifier: Apache-2.0 */
/* test_dfu_layout.c - memory maps of real bootloaders, and strings that are none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/dfu_layout.h>

/* dfu-bootloader.md, section 4: what was seen on real parts. */
static void test_dfu_layout__real(void **state)
{
	static const struct {
		const char *text, *name;
		uint32_t addr, end;
		size_t n_runs;
		uint32_t last_size;
		uint8_t access;
	} cases[] = {
		{"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg", "Internal Flash",
			0x08000000, 0x08100000, 3, 128 * 1024, 7},
		{"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg", "Internal Flash",
			0x08000000, 0x08080000, 3, 128 * 1024, 7},
		{"@Internal Flash /0x08000000/64*02Kg", "Internal Flash", 0x08000000, 0x08020000, 1,
			2048, 7},
		{"@Internal Flash  /0x08000000/0256*0002Kg", "Internal Flash", 0x08000000,
			0x08080000, 1, 2048, 7},
		{"@Internal Flash /0x08000000/16*128Kg", "Internal Flash", 0x08000000, 0x08200000,
			1, 131072, 7},
		{"@Internal Flash  /0x08000000/128*001Kg", "Internal Flash", 0x08000000, 0x08020000,
			1, 1024, 7},
		{"@Option Bytes  /0x1FFFC000/01*016 e", "Option Bytes", 0x1FFFC000, 0x1FFFC010, 1,
			16, 5},
		{"@Option Bytes /0x1FFF7800/01*040 e", "Option Bytes", 0x1FFF7800, 0x1FFF7828, 1,
			40, 5},
		{"@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "OTP Memory", 0x1FFF7800, 0x1FFF7A10,
			2, 16, 5},
		{"@OTP Memory /0x1FFF7000/01*0001Ke", "OTP Memory", 0x1FFF7000, 0x1FFF7400, 1, 1024,
			5},
		{"@Device Feature/0xFFFF0000/01*004 e", "Device Feature", 0xFFFF0000, 0xFFFF0004, 1,
			4, 5},
		/* type directly behind the size, blanks around slashes */
		{"@X / 0x08000000 / 2*16g", "X", 0x08000000, 0x08000020, 1, 16, 7},
		{"@Big/0x90000000/1*16Ma", "Big", 0x90000000, 0x91000000, 1, 16u << 20, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dfu_layout l;
		const struct dfu_run *last;
		struct span zone;

		assert_int_equal(dfu_layout_parse(cases[i].text, &l, NULL), 0);
		assert_string_equal(l.name, cases[i].name);
		assert_int_equal(l.n_runs, cases[i].n_runs);
		last = &l.runs[l.n_runs - 1];
		assert_int_equal(last->size, cases[i].last_size);
		assert_int_equal(last->access, cases[i].access);
		assert_false(l.untyped);
		zone = dfu_layout_zone(&l, last);
		assert_int_equal(zone.addr, cases[i].addr);
		assert_int_equal(span_end(zone), cases[i].end);
		assert_ptr_equal(dfu_layout_at(&l, cases[i].end - 1), last);
		assert_null(dfu_layout_at(&l, cases[i].end));
		assert_null(dfu_layout_at(&l, cases[i].addr - 1));
	}
}

static void test_dfu_layout__zones(void **state)
{
	struct dfu_layout l;

	(void)state;
	assert_int_equal(
		dfu_layout_parse("@Two/0x08000000/2*2Kg,1*4Kc/0x08100000/3*1Kb", &l, NULL), 0);
	assert_int_equal(l.n_runs, 3);
	assert_int_equal(l.runs[1].addr, 0x08001000);
	assert_int_equal(l.runs[1].access, DFU_MAY_READ | DFU_MAY_ERASE);
	assert_int_equal(l.runs[2].addr, 0x08100000);
	assert_int_equal(l.runs[2].access, DFU_MAY_ERASE);
	assert_int_equal(dfu_layout_zone(&l, &l.runs[1]).len, 0x2000);
	assert_int_equal(dfu_layout_zone(&l, &l.runs[2]).len, 0xC00);
}

static void test_dfu_layout__untyped_is_read_only(void **state)
{
	struct dfu_layout l;

	(void)state;
	assert_int_equal(dfu_layout_parse("@RAM/0x20000000/1*96K", &l, NULL), 0);
	assert_true(l.untyped);
	assert_int_equal(l.runs[0].access, DFU_MAY_READ);
}

static void test_dfu_layout__refused(void **state)
{
	static const char *const bad[] = {"", "Internal Flash", "@", "@Flash", "@Flash/",
		"@Flash/0x", "@Flash/08000000/1*1Kg", "@Flash/0x08000000", "@Flash/0x08000000/",
		"@Flash/0x08000000/1", "@Flash/0x08000000/1*", "@Flash/0x08000000/*1Kg",
		"@Flash/0x08000000/1*1Gg", "@Flash/0x08000000/1*1Kh", "@Flash/0x08000000/1*1Kg,",
		"@Flash/0x08000000/1*1Kgg", "@Flash/0x08000000/0*1Kg", "@Flash/0x08000000/1*0Kg",
		"@Flash/0x108000000/1*1Kg", "@Flash/0x08000000/65536*65536Kg",
		"@Flash/0x08000000/99999999999*1Kg", "@Flash/0xFFFFFC00/2*1Kg",
		/* the same address in two zones */
		"@Flash/0x08000000/4*1Kg/0x08000C00/1*1Kg", "@Flash/0x08000000/1*1Kg;1*1Kg"};
	char many[16 * (DFU_RUNS_MAX + 2)] = "@Flash/0x08000000/1*1Kg";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct dfu_layout l = {.n_runs = 77};
		struct err e = ERR_INIT;

		if (dfu_layout_parse(bad[i], &l, &e) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
		assert_int_not_equal(e.msg[0], '\0');
		assert_int_equal(l.n_runs, 77);
	}
	for (size_t i = 0; i < DFU_RUNS_MAX; i++)
		strcat(many, ",1*1Kg");
	assert_int_equal(dfu_layout_parse(many, &(struct dfu_layout){0}, NULL), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dfu_layout__real),
		cmocka_unit_test(test_dfu_layout__zones),
		cmocka_unit_test(test_dfu_layout__untyped_is_read_only),
		cmocka_unit_test(test_dfu_layout__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
