/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ROM driver over I2C against the virtual board: every command on all chips that have a
 * bootloader on a bus, quirks, adapters, and one fault at every place of a conversation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/crc.h>
#include <stmota/device.h>
#include <stmota/quirks.h>
#include <stmota/rom.h>

#include "sim_i2c_link.h"

struct bench {
	struct sim_board *board;
	struct target *t;
	struct device_facts facts;
	struct err e;
};

static int bench_try(struct bench *b, uint16_t pid, const char *fault, uint8_t rom)
{
	const char *faults[1] = {fault};
	struct sim_config sim = {.chip = chip_find(pid),
		.rom_version = rom,
		.faults = faults,
		.n_faults = fault != NULL ? 1 : 0};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct entry entry = ENTRY_INIT;
	int rc;

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	if (sim_board_new(&sim, &b->board, &b->e) < 0)
		fail_msg("0x%03X: %s", pid, b->e.msg);
	opt.entry.use_lines = false;
	assert_int_equal(
		rom_target_new(sim_i2c_link_new(b->board, 0, false), &opt, &b->t, &b->e), 0);
	rc = b->t->ops->connect(b->t, NULL, &b->e);
	/* As device_open() does: once more after a broken exchange. */
	for (int tries = 0; rc == 0 && tries < 3; tries++) {
		rc = device_gather(b->t, &entry, CHIP_BANKS_DEFAULT, NULL, &b->facts, &b->e);
		if (rc == 0 || !err_is_transient((enum err_code)rc))
			break;
		rc = b->t->ops->recover(b->t, &b->e);
	}
	return rc;
}

static void bench_open(struct bench *b, uint16_t pid, const char *fault)
{
	if (bench_try(b, pid, fault, 0) < 0)
		fail_msg("0x%03X, %s: %s", pid, fault != NULL ? fault : "no fault", b->e.msg);
}

static void bench_close(struct bench *b)
{
	target_close(b->t);
	sim_board_free(b->board);
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = (uint8_t)(seed >> 16);
	}
}

static int write_all(struct bench *b, uint32_t addr, const uint8_t *data, uint32_t len)
{
	int rc = 0;

	for (uint32_t at = 0; rc == 0 && at < len; at += b->t->write_max)
		rc = b->t->ops->write(b->t, addr + at, data + at,
			len - at < b->t->write_max ? len - at : b->t->write_max, &b->e);
	return rc;
}

/* Erases two units and writes the first 512 bytes (or all) of the first; checks the flash itself. */
static void use(struct bench *b)
{
	const struct geometry *g = &b->facts.geometry;
	struct erase_unit u[2] = {geometry_unit(g, 1), geometry_unit(g, 3)};
	uint32_t len = u[0].size < 512 ? u[0].size : 512;
	uint8_t data[512], back[512], *flash = sim_board_flash(b->board, NULL);
	int rc;

	fill(data, sizeof(data), b->facts.pid);
	memset(flash, 0x5A, b->facts.flash_size);
	rc = b->t->ops->erase(b->t, u, 2, &b->e);
	if (rc == 0)
		rc = write_all(b, u[0].addr, data, len);
	/* An adapter that takes less than was thought. */
	if (rc == ERR_PROTOCOL && b->t->ops->recover(b->t, &b->e) == 0)
		rc = write_all(b, u[0].addr, data, len);
	if (rc == 0)
		rc = b->t->ops->read(b->t, u[0].addr, back, len, &b->e);
	if (rc < 0)
		fail_msg("0x%03X: %s", b->facts.pid, b->e.msg);
	assert_memory_equal(back, data, len);
	assert_memory_equal(flash + (u[0].addr - g->base), data, len);
	assert_true(
		bytes_all(flash + (u[1].addr - g->base), u[1].size, b->facts.chip->erased_value));
	/* The neighbours stayed. */
	assert_int_equal(flash[u[0].addr - g->base - 1], 0x5A);
	assert_int_equal(flash[u[0].addr - g->base + u[0].size], 0x5A);
	assert_int_equal(flash[u[1].addr - g->base + u[1].size], 0x5A);
}

/* ---- the commands ---- */

static void test_rom_i2c__every_chip_with_an_address(void **state)
{
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		struct bench b;

		if (c->i2c_address == 0)
			continue;
		bench_open(&b, c->pid, NULL);
		assert_string_equal(b.facts.transport, "i2c");
		assert_int_equal(b.facts.pid, c->pid);
		assert_true(b.facts.lists_erase);
		if (b.facts.has_geometry && !b.facts.banks_assumed)
			use(&b);
		bench_close(&b);
		n++;
	}
	print_message("%u chips\n", n);
	assert_in_range(n, 30, chip_count());
}

static void test_rom_i2c__checksum(void **state)
{
	static const char *const quirks[] = {NULL, "quirk:checksum-one-ack"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(quirks); i++) {
		struct bench b;
		uint8_t data[1024];
		uint32_t crc = 0;
		int rc;

		bench_open(&b, 0x460, quirks[i]);
		assert_true(b.facts.lists_checksum);
		fill(data, sizeof(data), 3);
		memcpy(sim_board_flash(b.board, NULL), data, sizeof(data));
		rc = b.t->ops->checksum(b.t, (struct span){0x08000000, 1024}, &crc, &b.e);
		/* Such a ROM is found out by the first try. */
		if (quirks[i] != NULL) {
			assert_int_equal(rc, ERR_PROTOCOL);
			assert_int_equal(b.t->ops->recover(b.t, &b.e), 0);
			rc = b.t->ops->checksum(b.t, (struct span){0x08000000, 1024}, &crc, &b.e);
		}
		if (rc < 0)
			fail_msg("%s", b.e.msg);
		assert_int_equal(crc, crc_stm32(data, sizeof(data)));
		bench_close(&b);
	}
}

static void test_rom_i2c__go_and_mass_erase(void **state)
{
	struct bench b;
	uint8_t *flash;

	(void)state;
	bench_open(&b, 0x460, NULL);
	flash = sim_board_flash(b.board, NULL);
	put_le32(flash, 0x20001000);
	put_le32(flash + 4, 0x08000101);
	assert_int_equal(b.t->ops->go(b.t, 0x08000000, &b.e), 0);
	assert_true(sim_board_in_application(b.board));
	assert_int_equal(b.t->ops->read(b.t, 0x08000000, flash, 1, &b.e), ERR_PROTOCOL);
	bench_close(&b);
	bench_open(&b, 0x438, NULL);
	memset(sim_board_flash(b.board, NULL), 0x11, b.facts.flash_size);
	assert_int_equal(b.t->ops->mass_erase(b.t, b.facts.flash_size, &b.e), 0);
	assert_true(bytes_all(sim_board_flash(b.board, NULL), b.facts.flash_size, 0xFF));
	bench_close(&b);
}

/* ---- quirks ---- */

static void test_rom_i2c__quirks_are_survived(void **state)
{
	static const struct {
		uint16_t pid;
		const char *fault;
	} cases[] = {
		{0x435, "quirk:i2c-erase-no-last-ack"},
		{0x435, "quirk:i2c-erase-nacked-done"},
		{0x435, "quirk:i2c-write-64"},
		{0x467, "quirk:i2c-erase-xor-count"},
		{0x474, "quirk:i2c-erase-max-2"},
		{0x456, "quirk:i2c-no-stretch-stretches"},
		{0x460, "quirk:i2c-read-16"},
		{0x460, "quirk:i2c-read-32"},
		{0x460, "quirk:i2c-busy-nack"},
		{0x460, "quirk:i2c-busy-sticky"},
		{0x460, "quirk:i2c-openbl"},
		{0x460, "quirk:i2c-long-read-stretches"},
		{0x460, "quirk:adapter-32"},
		{0x460, "quirk:adapter-stretch-25-ms"},
		{0x438, "quirk:adapter-stretch-25-ms"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		print_message("0x%03X %s\n", cases[i].pid, cases[i].fault);
		bench_open(&b, cases[i].pid, cases[i].fault);
		use(&b);
		bench_close(&b);
	}
}

static void test_rom_i2c__write_unprotect_never_erases_wb(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 0x495, NULL);
	memset(sim_board_flash(b.board, NULL), 0x5A, 4096);
	assert_int_equal(b.t->ops->protect(b.t, TARGET_WRITE_UNPROTECT, NULL, 0, &b.e), 0);
	assert_true(bytes_all(sim_board_flash(b.board, NULL), 4096, 0x5A));
	assert_int_equal(b.t->ops->recover(b.t, &b.e), 0);
	/* A ROM that lists 0x73 alone. */
	b.t->info.commands[0x74] = 0;
	assert_int_equal(
		b.t->ops->protect(b.t, TARGET_WRITE_UNPROTECT, NULL, 0, &b.e), ERR_UNSUPPORTED);
	assert_true(bytes_all(sim_board_flash(b.board, NULL), 4096, 0x5A));
	bench_close(&b);
}

static void test_rom_i2c__protection_is_told(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, 0x460, NULL);
	assert_int_equal(b.t->ops->protect(b.t, TARGET_READ_PROTECT, NULL, 0, &b.e), 0);
	assert_int_equal(b.t->ops->recover(b.t, &b.e), 0);
	assert_int_equal(b.t->ops->read(b.t, 0x08000000, (uint8_t[4]){0}, 4, &b.e), ERR_PROTECTED);
	assert_int_equal(b.t->ops->protect(b.t, TARGET_READ_UNPROTECT, NULL, 0, &b.e), 0);
	assert_int_equal(b.t->ops->recover(b.t, &b.e), 0);
	assert_int_equal(b.t->ops->read(b.t, 0x08000000, (uint8_t[4]){0}, 4, &b.e), 0);
	bench_close(&b);
}

/* ---- faults ---- */

static void test_rom_i2c__a_fault_at_every_place(void **state)
{
	static const char *const kinds[] = {
		"drop@rx", "garble@rx", "nack@rx", "drop@tx", "garble@tx", "nack@addr"};
	unsigned long places = 0, cured = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (unsigned n = 1;; n++) {
			struct erase_unit u;
			struct bench b;
			uint8_t data[64], back[64] = {0};
			char spec[40];
			int rc;

			snprintf(spec, sizeof(spec), "%s:%u", kinds[k], n);
			rc = bench_try(&b, 0x460, NULL, 0);
			assert_int_equal(rc, 0);
			memset(sim_board_flash(b.board, NULL), 0x5A, b.facts.flash_size);
			assert_int_equal(sim_board_fault(b.board, spec, &b.e), 0);
			u = geometry_unit(&b.facts.geometry, 2);
			fill(data, sizeof(data), n);
			/* As the job does: after a failure recover, then everything anew. */
			for (int tries = 0; tries < 3; tries++) {
				rc = b.t->ops->erase(b.t, &u, 1, &b.e);
				if (rc == 0)
					rc = b.t->ops->write(b.t, u.addr, data, 64, &b.e);
				if (rc == 0)
					rc = b.t->ops->read(b.t, u.addr, back, 64, &b.e);
				if (rc == 0)
					rc = b.t->ops->read(b.t, u.addr, back, 64, &b.e);
				cured += rc == 0 && tries == 0;
				if (rc == 0 || b.t->ops->recover(b.t, &b.e) < 0)
					break;
			}
			if (rc < 0)
				fail_msg("%s: %s", spec, b.e.msg);
			assert_memory_equal(
				sim_board_flash(b.board, NULL) + (u.addr - 0x08000000), data, 64);
			if (strstr(kinds[k], "@tx:") == NULL && strcmp(kinds[k], "garble@tx") != 0)
				assert_memory_equal(back, data, 64);
			assert_true(bytes_all(
				sim_board_flash(b.board, NULL), u.addr - 0x08000000, 0x5A));
			assert_int_equal(
				sim_board_flash(b.board, NULL)[u.addr - 0x08000000 + u.size], 0x5A);
			bench_close(&b);
			places++;
			if (n >= 40)
				break;
		}
	print_message("%lu places, %lu without a second try\n", places, cured);
}

static void test_rom_i2c__dead_session_is_waited_out(void **state)
{
	struct bench b;
	struct rom_options opt = ROM_OPTIONS_INIT;
	static const uint8_t half[] = {0x31, 0xCE};

	(void)state;
	bench_open(&b, 0x460, NULL);
	/* A program that died behind the command pair. */
	assert_int_equal(b.t->link->ops->write(b.t->link, half, 2, &b.e), 0);
	target_close(b.t);
	opt.entry.use_lines = false;
	assert_int_equal(rom_target_new(sim_i2c_link_new(b.board, 0, false), &opt, &b.t, &b.e), 0);
	if (b.t->ops->connect(b.t, NULL, &b.e) < 0)
		fail_msg("%s", b.e.msg);
	bench_close(&b);
}

static void test_rom_i2c__a_byte_left_over_is_swallowed(void **state)
{
	static const uint8_t three[] = {0x05, 0x05, 0xAA};
	uint8_t st = 0;
	struct bench b;

	(void)state;
	bench_open(&b, 0x460, NULL);
	assert_int_equal(b.t->link->ops->write(b.t->link, three, 3, &b.e), 0);
	assert_int_equal(b.t->link->ops->read(b.t->link, &st, 1, 100, &b.e), 0);
	assert_int_equal(st, 0x1F);
	/* Now every pair is refused, and no time-out runs. */
	if (b.t->ops->recover(b.t, &b.e) < 0)
		fail_msg("%s", b.e.msg);
	use(&b);
	bench_close(&b);
}

static void test_rom_i2c__nobody_at_another_address(void **state)
{
	struct bench b;
	struct rom_options opt = ROM_OPTIONS_INIT;

	(void)state;
	bench_open(&b, 0x460, NULL);
	target_close(b.t);
	opt.entry.use_lines = false;
	assert_int_equal(
		rom_target_new(sim_i2c_link_new(b.board, 0x20, false), &opt, &b.t, &b.e), 0);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), ERR_TIMEOUT);
	assert_non_null(strstr(b.e.hint, "address"));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rom_i2c__every_chip_with_an_address),
		cmocka_unit_test(test_rom_i2c__checksum),
		cmocka_unit_test(test_rom_i2c__go_and_mass_erase),
		cmocka_unit_test(test_rom_i2c__quirks_are_survived),
		cmocka_unit_test(test_rom_i2c__write_unprotect_never_erases_wb),
		cmocka_unit_test(test_rom_i2c__protection_is_told),
		cmocka_unit_test(test_rom_i2c__a_fault_at_every_place),
		cmocka_unit_test(test_rom_i2c__dead_session_is_waited_out),
		cmocka_unit_test(test_rom_i2c__a_byte_left_over_is_swallowed),
		cmocka_unit_test(test_rom_i2c__nobody_at_another_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
