/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_chip.c - the chip table: every row in itself, lookups, and facts typed from other papers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/chip.h>

/* First RAM address free for the host: the table of AN2606, typed from the UART reference. */
static void test_chip__ram_left_to_the_host(void **state)
{
	static const struct {
		uint16_t pid;
		uint32_t start; /* CHIP_UNKNOWN: none or not confirmed */
	} facts[] = {
		{0x410, 0x20000200},
		{0x411, 0x20002000},
		{0x412, 0x20000200},
		{0x413, 0x20003000},
		{0x414, 0x20000200},
		{0x416, 0x20000800},
		{0x417, 0x20001000},
		{0x418, 0x20001000},
		{0x419, 0x20003000},
		{0x420, 0x20000200},
		{0x421, 0x20003000},
		{0x422, 0x20001400},
		{0x423, 0x20003000},
		{0x425, 0x20001000},
		{0x427, 0x20001000},
		{0x428, 0x20000200},
		{0x429, 0x20001000},
		{0x430, 0x20000800},
		{0x431, 0x20003000},
		{0x432, 0x20001400},
		{0x433, 0x20003000},
		{0x434, 0x20003000},
		{0x435, 0x20003100},
		{0x436, 0x20001000},
		{0x437, 0x20001000},
		{0x438, 0x20001800},
		{0x439, 0x20001800},
		{0x440, 0x20000800},
		{0x441, 0x20003000},
		{0x442, 0x20001800},
		{0x444, 0x20000800},
		{0x445, CHIP_UNKNOWN},
		{0x446, 0x20001800},
		{0x448, 0x20001800},
		{0x449, 0x20004000},
		{0x450, 0x20004100},
		{0x451, 0x20004000},
		{0x452, 0x20004000},
		{0x456, 0x20001000},
		{0x458, 0x20003000},
		{0x460, 0x20002700},
		{0x461, 0x20003100},
		{0x462, 0x20003100},
		{0x463, 0x20003000},
		{0x464, 0x20003100},
		{0x466, 0x20001000},
		{0x467, 0x20004000},
		{0x468, 0x20004000},
		{0x469, 0x20004000},
		{0x470, 0x20003200},
		{0x471, 0x20004000},
		{0x472, 0x20004000},
		{0x474, 0x20004000},
		{0x479, 0x20004000},
		{0x480, 0x20004100},
		{0x482, 0x20004000},
		{0x483, 0x20004100},
		{0x484, CHIP_UNKNOWN},
		{0x485, CHIP_UNKNOWN},
		{0x494, CHIP_UNKNOWN}, /* starts past SRAM1 */
		{0x495, 0x20004000},
		{0x497, 0x20002000},
	};

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const struct chip *c = chip_find(facts[i].pid);

		assert_non_null(c);
		if (c->ram_host_start != facts[i].start)
			fail_msg("0x%03X: 0x%08X", c->pid, c->ram_host_start);
	}
}

/* Facts of the UART reference (sections 1, 4, 5, 7) and of chips.md, typed by hand. */
static void test_chip__facts_of_the_papers(void **state)
{
	static const uint32_t l0_l1[] = {
		0x416, 0x417, 0x425, 0x427, 0x429, 0x436, 0x437, 0x447, 0x457};
	const struct chip *c;
	size_t zero = 0;

	for (size_t i = 0; i < ARRAY_LEN(l0_l1); i++) {
		c = chip_find((uint16_t)l0_l1[i]);
		assert_int_equal(c->erased_value, 0x00);
		assert_int_equal(c->mass_erase, CHIP_NO);
		assert_int_equal(c->wrp_unit, 4096);
		assert_int_equal(c->uid_third_word, 0x14);
	}
	for (size_t i = 0; i < chip_count(); i++)
		zero += chip_at(i)->erased_value == 0;
	assert_int_equal(zero, ARRAY_LEN(l0_l1));
	assert_int_equal(chip_count(), 99);

	/* section 5: where the bootloader id lies */
	assert_int_equal(chip_find(0x411)->boot_id_addr, 0x1FFF77DE);
	assert_int_equal(chip_find(0x413)->boot_id_addr, 0x1FFF77DE);
	assert_int_equal(chip_find(0x419)->boot_id_addr, 0x1FFF76DE);
	assert_int_equal(chip_find(0x449)->boot_id_addr, 0x1FF0EDBE);
	assert_int_equal(chip_find(0x435)->boot_id_addr, 0x1FFF6FFE);
	assert_int_equal(chip_find(0x472)->boot_id_addr, 0x0BF97FFE);
	assert_int_equal(chip_find(0x480)->boot_id_addr, 0x1FF13FFE);
	assert_int_equal(chip_find(0x450)->boot_id_addr, 0x1FF1E7FE);
	assert_int_equal(chip_find(0x420)->boot_id_addr, 0x1FFFF7D6);
	assert_int_equal(chip_find(0x467)->boot_id_addr, 0x1FFF9FFE);
	assert_int_equal(chip_find(0x410)->boot_id_addr, CHIP_UNKNOWN);

	/* section 6 and chips.md: alignment of writes */
	assert_int_equal(chip_find(0x450)->layout.write_align, 32);
	assert_int_equal(chip_find(0x483)->layout.write_align, 32);
	assert_int_equal(chip_find(0x460)->layout.write_align, 8);
	assert_int_equal(chip_find(0x410)->layout.write_align, 4);
	assert_int_equal(chip_find(0x482)->layout.write_align, 16);

	/* chips.md: disagreements and how they were settled */
	assert_int_equal(chip_find(0x449)->flash_size_register, 0x1FF0F442);
	assert_int_equal(chip_find(0x459)->flash_size_register, 0x1FFF3EA0);
	assert_int_equal(chip_find(0x485)->flash_size_register, CHIP_UNKNOWN);
	assert_int_equal(chip_find(0x466)->i2c_address, 0x56);
	assert_int_equal(chip_find(0x480)->i2c_address, 0x57);
	assert_int_equal(chip_find(0x411)->otp.addr, 0x1FFF7800);
	assert_int_equal(chip_find(0x411)->otp.len, 0x210);
	assert_int_equal(chip_find(0x413)->system_memory.addr, 0x1FFF0000);
	assert_int_equal(chip_find(0x450)->system_memory.addr, 0x1FF00000);
	assert_int_equal(span_end(chip_find(0x450)->system_memory), 0x1FF1E800);
	assert_int_equal(chip_find(0x494)->erased_value, 0xFF);

	/* 8N1, product byte, erase code */
	assert_true(chip_find(0x028)->parity_none);
	assert_int_equal(chip_find(0x028)->rom_product_byte, 0x3B);
	assert_false(chip_find(0x413)->parity_none);
	assert_int_equal(chip_find(0x410)->erase_command, 0x43);
	assert_int_equal(chip_find(0x413)->erase_command, 0x44);
	assert_int_equal(chip_find(0x413)->mass_erase, CHIP_YES);
	assert_int_equal(chip_find(0x440)->core, CORE_M0);
	assert_false(chip_find(0x440)->has_vtor);
	assert_string_equal(chip_core_name(chip_find(0x460)->core), "Cortex-M0+");
	assert_int_equal(chip_find(0x413)->aliases == NULL, true);
	assert_int_equal(chip_find(0x449)->aliases[0], 0x00200000);
}

static void check_fields(const struct chip *c, const struct chip_bits *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool inside = false;

		for (size_t a = 0; a < c->options.n_areas; a++)
			inside |= span_contains(c->options.areas[a], (struct span){v[i].addr, 4});
		if (!inside || v[i].bit + v[i].width > 32 || v[i].access == 0)
			fail_msg("0x%03X %s", c->pid, v[i].name);
		assert_non_null(chip_option_find(c, v[i].name));
	}
}

static void test_chip__every_row(void **state)
{
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		const struct chip_layout *layouts[] = {&c->layout, &c->alternative};

		assert_ptr_equal(chip_find(c->pid), c);
		for (size_t l = 0; l < 2; l++) {
			uint64_t sum = 0;

			for (size_t r = 0; r < layouts[l]->n_runs; r++)
				sum += (uint64_t)layouts[l]->runs[r].count *
				       layouts[l]->runs[r].size;
			if (l == 0 || layouts[l]->n_runs > 0)
				assert_int_equal(sum, c->flash_size_max);
		}
		assert_in_range(c->flash_base, 0x08000000, 0x10040000);
		assert_true(c->layout.banks == 1 || c->layout.banks == 2);
		if (c->ram_host_start != CHIP_UNKNOWN)
			assert_true(c->ram_base < c->ram_host_start &&
				    c->ram_host_end <= c->ram_base + c->ram_size);
		check_fields(c, c->options.bits, c->options.n_bits);
		check_fields(c, c->options.wrp, c->options.n_wrp);
		check_fields(c, c->options.rdp, c->options.n_rdp);
		if (c->bank_select_bit != NULL)
			assert_non_null(chip_option_find(c, c->bank_select_bit));
		if (c->bank_swap_bit != NULL)
			assert_non_null(chip_option_find(c, c->bank_swap_bit));
	}
	assert_null(chip_at(chip_count()));
	assert_null(chip_find(0x9A8));
}

static void assert_name(const char *text, uint16_t pid)
{
	const struct chip *c = NULL;
	struct err e = ERR_INIT;

	if (chip_find_name(text, &c, &e) < 0)
		fail_msg("%s: %s (%s)", text, e.msg, e.hint);
	if (c->pid != pid)
		fail_msg("%s: 0x%03X instead of 0x%03X", text, c->pid, pid);
}

static void test_chip_find_name__parts(void **state)
{
	static const struct {
		const char *text;
		uint16_t pid;
	} names[] = {
		{"0x413", 0x413},
		{"413", 0x413},
		{"0x44d", 0x44D},
		{"STM32F407VGT6", 0x413},
		{"f407vg", 0x413},
		{"F405", 0x413},
		{"stm32f103c8", 0x410},
		{"STM32F103RB", 0x410},
		{"F103ZE", 0x414},
		{"F103C4", 0x412},
		{"F103xG", 0x430},
		{"F107VC", 0x418},
		{"L43", 0x435},
		{"L432KC", 0x435},
		{"G431", 0x468},
		{"g474re", 0x469},
		{"G491", 0x479},
		{"F030F4", 0x444},
		{"F030x8", 0x440},
		{"F030CC", 0x442},
		{"F401RE", 0x433},
		{"F401CC", 0x423},
		{"F302R8", 0x439},
		{"F303VC", 0x422},
		{"F303VE", 0x446},
		{"F303K8", 0x438},
		{"L152RE", 0x437},
		{"H743ZI", 0x450},
		{"H745", 0x450},
		{"H723", 0x483},
		{"H7B0VB", 0x480},
		{"H7S7", 0x485},
		{"F767", 0x451},
		{"L4R5", 0x470},
		{"L476RG", 0x415},
		{"L496", 0x461},
		{"WB55RG", 0x495},
		{"WB15", 0x494},
		{"WLE5", 0x497},
		{"WL3R", 0x122},
		{"WL33", 0x027},
		{"U575", 0x482},
		{"U5A5", 0x481},
		{"G0B1RE", 0x467},
		{"G030", 0x466},
		{"C031", 0x453},
		{"F429", 0x419},
		{"F446", 0x421},
		{"STM32F40xxx/41xxx", 0x413},
		{"STM32F405/415", 0x413},
		{"F415", 0x413},
		{"STM32H743/753", 0x450},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_name(names[i].text, names[i].pid);
}

static void refused(const char *text, const char *hint)
{
	const struct chip *c = NULL;
	struct err e = ERR_INIT;

	if (chip_find_name(text, &c, &e) != ERR_USAGE)
		fail_msg("%s was taken", text);
	assert_null(c);
	if (strstr(e.hint, hint) == NULL)
		fail_msg("%s: %s (%s)", text, e.msg, e.hint);
}

static void test_chip_find_name__several_or_none(void **state)
{
	refused("F103", "0x414");
	refused("STM32F103", "0x410");
	refused("F4", "others");
	refused("L152RB", "0x429");
	refused("F030", "0x442");
	refused("F499", "0x419");
	refused("stm32", "0x413");
	refused("", "0x413");
	refused("0x999", "0x413");
	refused("ESP32", "0x413");
	refused("0x", "0x413");
}

/* Each line either names one chip, or is refused with that chip among the candidates or "others". */
static void test_chip_find_name__every_line(void **state)
{
	size_t unique = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		assert_name(c->name, c->pid);
		for (size_t j = 0; j < c->n_lines; j++) {
			const struct chip *found = NULL;
			struct err e = ERR_INIT;
			char id[8];

			snprintf(id, sizeof(id), "0x%03X", c->pid);
			if (chip_find_name(c->lines[j], &found, &e) == 0) {
				unique++;
				if (found != c)
					fail_msg("%s: 0x%03X", c->lines[j], found->pid);
			} else if (strstr(e.hint, id) == NULL && strstr(e.hint, "others") == NULL) {
				fail_msg("%s of %s: %s", c->lines[j], id, e.hint);
			}
		}
	}
	assert_true(unique > 30);
}

static void test_chip_option_find__places(void **state)
{
	const struct chip_bits *b = chip_option_find(chip_find(0x450), "RDP");

	/* H7 reads at one address and writes at the next: the readable one is meant. */
	assert_int_equal(b->addr, 0x5200201C);
	assert_int_equal(b->access, CHIP_ACCESS_READ);
	b = chip_option_find(chip_find(0x467), "nSWAP_BANK");
	assert_int_equal(b->addr, 0x1FFF7800);
	assert_int_equal(b->bit, 20);
	b = chip_option_find(chip_find(0x410), "WRP24");
	assert_int_equal(b->addr, 0x1FFFF80C);
	assert_int_equal(b->bit, 16);
	assert_null(chip_option_find(chip_find(0x419), "DB1M"));
	assert_null(chip_option_find(chip_find(0x496), "RDP"));
	assert_null(chip_option_find(chip_find(0x484), "RDP"));
	assert_true(chip_has_quirk(chip_find(0x442), "obl_launch_to_leave_bootloader"));
	assert_false(chip_has_quirk(chip_find(0x410), "no_mass_erase"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chip__ram_left_to_the_host),
		cmocka_unit_test(test_chip__facts_of_the_papers),
		cmocka_unit_test(test_chip__every_row),
		cmocka_unit_test(test_chip_find_name__parts),
		cmocka_unit_test(test_chip_find_name__several_or_none),
		cmocka_unit_test(test_chip_find_name__every_line),
		cmocka_unit_test(test_chip_option_find__places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
