/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ROM driver against the virtual board: every command, chips with quirks, protection, and a
 * lost, doubled or garbled byte at every place of every conversation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/device.h>
#include <stmota/quirks.h>
#include <stmota/rom.h>

#include "../../src/target/rom_priv.h"
#include "sim_link.h"

struct bench {
	struct sim_board *board;
	struct target *t;
	struct device_facts facts;
	struct err e;
};

static void bench_open_with(
	struct bench *b, const struct sim_config *sim, const struct sim_link_config *link_config)
{
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct link *l;

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	assert_int_equal(sim_board_new(sim, &b->board, &b->e), 0);
	opt.entry.use_lines = link_config != NULL && link_config->lines;
	opt.entry.boot0.wire = ENTRY_WIRE_RTS;
	opt.entry.nrst.wire = ENTRY_WIRE_DTR;
	l = sim_link_new(b->board, link_config);
	assert_non_null(l);
	assert_int_equal(rom_target_new(l, &opt, &b->t, &b->e), 0);
}

static void bench_open_rom(struct bench *b, uint16_t pid, const char *fault, uint8_t rom)
{
	const char *faults[1] = {fault};
	struct sim_config sim = {.chip = chip_find(pid),
		.rom_version = rom,
		.faults = faults,
		.n_faults = fault != NULL ? 1 : 0};
	struct entry entry = ENTRY_INIT;
	int rc;

	bench_open_with(b, &sim, NULL);
	rc = b->t->ops->connect(b->t, NULL, &b->e);
	if (rc == 0)
		rc = device_gather(b->t, &entry, CHIP_BANKS_DEFAULT, NULL, &b->facts, &b->e);
	if (rc < 0)
		fail_msg("0x%03X, %s: %s", pid, fault != NULL ? fault : "no fault", b->e.msg);
	assert_true(b->facts.has_geometry);
}

static void bench_open(struct bench *b, uint16_t pid, const char *fault)
{
	bench_open_rom(b, pid, fault, 0);
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

/* One chip of each kind: geometry class, erase command, erased value, quirks. */
static const uint16_t kinds[] = {0x410, 0x412, 0x411, 0x413, 0x415, 0x416, 0x417, 0x419, 0x432,
	0x433, 0x435, 0x437, 0x440, 0x443, 0x445, 0x447, 0x449, 0x450, 0x451, 0x454, 0x460, 0x462,
	0x464, 0x466, 0x467, 0x469, 0x470, 0x472, 0x474, 0x480, 0x482, 0x483, 0x484, 0x489, 0x493,
	0x495, 0x497};

/* ---- the commands ---- */

static void test_rom__erases_writes_and_reads_back(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		uint8_t data[512], back[512], blank;
		struct erase_unit units[2];
		struct bench b;
		int rc;

		bench_open(&b, kinds[k], NULL);
		blank = b.facts.chip->erased_value;
		fill(data, sizeof(data), (unsigned)k + 1);
		memset(sim_board_flash(b.board, NULL), 0x5A, b.facts.flash_size);
		units[0] = geometry_unit(&b.facts.geometry, 1);
		units[1] = geometry_unit(&b.facts.geometry, 3);
		rc = b.t->ops->erase(b.t, units, 2, &b.e);
		for (uint32_t at = 0; rc == 0 && at < sizeof(data) && at < units[0].size;
			at += b.t->write_max)
			rc = b.t->ops->write(b.t, units[0].addr + at, data + at,
				b.t->write_max < units[0].size ? b.t->write_max : units[0].size,
				&b.e);
		if (rc == 0)
			rc = b.t->ops->read(b.t, units[0].addr, back, 300, &b.e);
		if (rc < 0)
			fail_msg("0x%03X: %s", kinds[k], b.e.msg);
		assert_memory_equal(back, data, units[0].size < 300 ? units[0].size : 300);
		assert_int_equal(b.t->ops->read(b.t, units[1].addr, back, 128, &b.e), 0);
		assert_true(bytes_all(back, 128, blank));
		/* The neighbours stayed. */
		assert_int_equal(b.t->ops->read(b.t, units[0].addr - 4, back, 4, &b.e), 0);
		assert_true(bytes_all(back, 4, 0x5A));
		assert_int_equal(
			b.t->ops->read(b.t, units[1].addr + units[1].size, back, 4, &b.e), 0);
		assert_true(bytes_all(back, 4, 0x5A));
		bench_close(&b);
	}
}

static void test_rom__erases_many_units_in_packets(void **state)
{
	static const uint16_t pids[] = {0x412, 0x415, 0x417, 0x437, 0x454, 0x460};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(pids); k++) {
		struct erase_unit units[300];
		struct bench b;
		uint32_t n, size = 0;
		uint8_t *flash;

		bench_open(&b, pids[k], NULL);
		n = b.facts.geometry.n_units - 1 < 300 ? b.facts.geometry.n_units - 1 : 300;
		for (uint32_t i = 0; i < n; i++)
			units[i] = geometry_unit(&b.facts.geometry, i + 1);
		flash = sim_board_flash(b.board, &size);
		memset(flash, 0x5A, size);
		if (b.t->ops->erase(b.t, units, n, &b.e) < 0)
			fail_msg("0x%03X: %s", pids[k], b.e.msg);
		assert_true(bytes_all(flash, units[0].size, 0x5A));
		assert_true(bytes_all(flash + (units[0].addr - b.facts.geometry.base),
			units[n - 1].addr + units[n - 1].size - units[0].addr,
			b.facts.chip->erased_value));
		bench_close(&b);
	}
}

static void test_rom__mass_erase(void **state)
{
	struct bench b;
	uint32_t size = 0;
	uint8_t *flash;

	(void)state;
	bench_open(&b, 0x413, NULL);
	flash = sim_board_flash(b.board, &size);
	memset(flash, 0, size);
	assert_int_equal(b.t->ops->mass_erase(b.t, b.facts.flash_size, &b.e), 0);
	assert_true(bytes_all(flash, size, 0xFF));
	bench_close(&b);

	bench_open(&b, 0x417, NULL);
	assert_int_equal(b.t->ops->mass_erase(b.t, b.facts.flash_size, &b.e), ERR_UNSUPPORTED);
	bench_close(&b);
}

static void test_rom__bank_erase(void **state)
{
	struct bench b;
	uint32_t size = 0;
	uint8_t *flash;

	(void)state;
	bench_open(&b, 0x419, NULL);
	flash = sim_board_flash(b.board, &size);
	memset(flash, 0, size);
	assert_int_equal(rom_erase_bank(b.t, 2, size / 2, &b.e), 0);
	assert_true(bytes_all(flash, size / 2, 0x00));
	assert_true(bytes_all(flash + size / 2, size / 2, 0xFF));
	assert_int_equal(rom_erase_bank(b.t, 3, size / 2, &b.e), ERR_UNSUPPORTED);
	bench_close(&b);
}

static void test_rom__refuses_writes_that_are_no_whole_words(void **state)
{
	uint8_t data[260] = {0};
	struct bench b;

	(void)state;
	bench_open(&b, 0x450, NULL);
	assert_int_equal(b.t->ops->write(b.t, 0x08000004, data, 32, &b.e), ERR_NO_FIT);
	assert_int_equal(b.t->ops->write(b.t, 0x08000000, data, 16, &b.e), ERR_NO_FIT);
	assert_int_equal(b.t->ops->write(b.t, 0x08000000, data, 0, &b.e), ERR_NO_FIT);
	assert_int_equal(b.t->ops->write(b.t, 0x08000000, data, 288, &b.e), ERR_NO_FIT);
	bench_close(&b);
}

static void test_rom__go_starts_the_application(void **state)
{
	struct bench b;
	uint8_t *flash;

	(void)state;
	bench_open(&b, 0x413, NULL);
	flash = sim_board_flash(b.board, NULL);
	put_le32(flash, 0x20004000);
	put_le32(flash + 4, 0x08000101);
	assert_int_equal(b.t->ops->go(b.t, 0x08000000, &b.e), 0);
	sim_link_wait_us(b.t->link, 10000);
	assert_true(sim_board_in_application(b.board));
	/* The ROM is gone: nothing more is sent. */
	assert_int_equal(b.t->ops->read(b.t, 0x08000000, flash, 4, &b.e), ERR_PROTOCOL);
	bench_close(&b);
}

/* ---- protection ---- */

static void test_rom__read_protection_is_named(void **state)
{
	static const uint16_t pids[] = {0x410, 0x413, 0x435, 0x466, 0x440};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(pids); k++) {
		struct entry entry = ENTRY_INIT;
		struct erase_unit unit;
		uint8_t data[32] = {0};
		struct bench b;

		bench_open(&b, pids[k], NULL);
		unit = geometry_unit(&b.facts.geometry, 0);
		assert_int_equal(b.t->ops->protect(b.t, TARGET_READ_PROTECT, NULL, 0, &b.e), 0);
		if (b.t->ops->recover(b.t, &b.e) < 0 && b.t->ops->connect(b.t, NULL, &b.e) < 0)
			fail_msg("0x%03X: %s", pids[k], b.e.msg);
		assert_int_equal(b.t->ops->read(b.t, 0x08000000, data, 4, &b.e), ERR_PROTECTED);
		assert_non_null(strstr(b.e.msg, "read-out protection"));
		assert_non_null(strstr(b.e.hint, "erases the whole flash"));
		assert_int_equal(b.t->ops->write(b.t, 0x08000000, data, 32, &b.e), ERR_PROTECTED);
		assert_int_equal(b.t->ops->erase(b.t, &unit, 1, &b.e), ERR_PROTECTED);
		assert_int_equal(b.t->ops->go(b.t, 0x08000000, &b.e), ERR_PROTECTED);
		/* Still in step. */
		assert_int_equal(
			device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, NULL, &b.facts, &b.e), 0);
		assert_true(b.facts.read_refused);
		assert_int_equal(b.facts.rdp, RDP_1);
		assert_false(b.facts.has_geometry);
		bench_close(&b);
	}
}

static void test_rom__one_nack_is_not_read_protection(void **state)
{
	uint8_t data[4];
	struct bench b;

	(void)state;
	bench_open(&b, 0x413, NULL);
	assert_int_equal(sim_board_fault(b.board, "nack@0x11:1", &b.e), 0);
	assert_int_equal(b.t->ops->read(b.t, 0x08000000, data, 4, &b.e), 0);
	bench_close(&b);
}

static void test_rom__write_protection_is_seen(void **state)
{
	static const uint8_t sector = 1;
	struct entry entry = ENTRY_INIT;
	struct bench b;

	(void)state;
	bench_open(&b, 0x413, NULL);
	assert_int_equal(b.t->ops->protect(b.t, TARGET_WRITE_PROTECT, &sector, 1, &b.e), 0);
	if (b.t->ops->connect(b.t, NULL, &b.e) < 0)
		fail_msg("%s", b.e.msg);
	assert_int_equal(device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, NULL, &b.facts, &b.e), 0);
	assert_true(b.facts.wrp_known);
	assert_int_equal(b.facts.n_wrp, 1);
	assert_int_equal(b.facts.wrp[0].addr, 0x08004000);
	bench_close(&b);
}

/* ---- identity ---- */

static void test_rom__a_garbled_product_id_is_noticed(void **state)
{
	const char *faults[] = {"garble@id:2", "garble@id:4", "garble@id:6"};
	struct sim_config sim = {.chip = chip_find(0x413), .faults = faults, .n_faults = 1};
	struct bench b;

	(void)state;
	/* Once: read again. */
	bench_open_with(&b, &sim, NULL);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), 0);
	assert_int_equal(b.t->info.pid, 0x413);
	bench_close(&b);
	/* One of two each time: nobody knows which is right. */
	sim.n_faults = 3;
	bench_open_with(&b, &sim, NULL);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), ERR_IDENTITY);
	assert_non_null(strstr(b.e.msg, "differ"));
	bench_close(&b);
}

static void test_rom__a_garbled_flash_size_is_noticed(void **state)
{
	const char *faults[] = {"garble@size:1", "garble@size:3", "garble@size:5"};
	struct sim_config sim = {.chip = chip_find(0x410), .faults = faults, .n_faults = 1};
	struct entry entry = ENTRY_INIT;
	struct bench b;

	(void)state;
	bench_open_with(&b, &sim, NULL);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), 0);
	assert_int_equal(device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, NULL, &b.facts, &b.e), 0);
	assert_int_equal(b.facts.flash_size, 128 * 1024);
	bench_close(&b);
	sim.n_faults = 3;
	bench_open_with(&b, &sim, NULL);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), 0);
	assert_int_equal(
		device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, NULL, &b.facts, &b.e), ERR_IDENTITY);
	assert_non_null(strstr(b.e.msg, "flash size"));
	bench_close(&b);
}

static void test_rom__another_chip_than_wanted_is_refused(void **state)
{
	struct entry entry = ENTRY_INIT;
	struct bench b;

	(void)state;
	bench_open(&b, 0x413, NULL);
	assert_int_equal(device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, "0x410", &b.facts, &b.e),
		ERR_IDENTITY);
	assert_int_equal(device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, "f407", &b.facts, &b.e), 0);
	bench_close(&b);
}

/* ---- quirks ---- */

static void test_rom__quirks_do_not_stop_it(void **state)
{
	static const struct {
		uint16_t pid;
		const char *fault;
		uint8_t rom;
	} cases[] = {
		{0x413, "quirk:double-ack-sync"},
		{0x413, "quirk:sync-twice"},
		{0x413, "quirk:stray-zero-sync"},
		{0x413, "quirk:get-wrong-count"},
		{0x413, "quirk:double-nack-rdp"},
		{0x413, "quirk:bad-address-no-nack"},
		{0x483, "quirk:write-after-read-loses-32"},
		{0x460, "quirk:one-page-per-erase", 0xB3},
		{0x467, "quirk:bank2-one-page-per-erase", 0x92},
		{0x450, "quirk:bank2-erase-early-ack", 0x91},
		{0x417, "quirk:write-128"},
		{0x417, "quirk:whole-block-reads"},
		{0x433, "quirk:whole-block-reads"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t data[256], back[256];
		struct erase_unit units[3];
		struct bench b;
		int rc = 0;

		bench_open_rom(&b, cases[i].pid, cases[i].fault, cases[i].rom);
		fill(data, sizeof(data), (unsigned)i);
		memset(sim_board_flash(b.board, NULL), 0x5A, b.facts.flash_size);
		for (uint32_t k = 0; k < 3; k++)
			units[k] = geometry_unit(&b.facts.geometry, k);
		/* A read before the write: that is what loses bytes on H72x. */
		rc = b.t->ops->read(b.t, units[0].addr, back, 64, &b.e);
		if (rc == 0)
			rc = b.t->ops->erase(b.t, units, 3, &b.e);
		if (rc == 0)
			rc = b.t->ops->write(b.t, units[0].addr, data, 128, &b.e);
		if (rc == 0)
			rc = b.t->ops->read(b.t, units[0].addr, back, 128, &b.e);
		if (rc < 0)
			fail_msg("0x%03X %s: %s", cases[i].pid, cases[i].fault, b.e.msg);
		assert_memory_equal(back, data, 128);
		for (uint32_t k = 1; k < 3; k++) {
			rc = b.t->ops->read(b.t, units[k].addr, back, 128, &b.e);
			assert_int_equal(rc, 0);
			assert_true(bytes_all(back, 128, b.facts.chip->erased_value));
		}
		bench_close(&b);
	}
}

static void test_rom__byte_pacing_comes_by_itself(void **state)
{
	uint8_t data[256], back[256];
	struct erase_unit unit;
	struct bench b;
	int rc = ERR_TIMEOUT, tries = 0;

	(void)state;
	bench_open(&b, 0x435, NULL);
	unit = geometry_unit(&b.facts.geometry, 2);
	fill(data, sizeof(data), 3);
	assert_int_equal(sim_board_fault(b.board, "quirk:byte-pacing", &b.e), 0);
	while (rc < 0 && tries++ < 5) {
		rc = b.t->ops->erase(b.t, &unit, 1, &b.e);
		if (rc == 0)
			rc = b.t->ops->write(b.t, unit.addr, data, 256, &b.e);
		if (rc < 0 && b.t->ops->recover(b.t, &b.e) < 0)
			fail_msg("recover: %s", b.e.msg);
	}
	assert_int_equal(rc, 0);
	assert_true(tries >= 2);
	assert_int_equal(b.t->ops->read(b.t, unit.addr, back, 256, &b.e), 0);
	assert_memory_equal(back, data, 256);
	bench_close(&b);
}

/* ---- sessions that were left in the middle ---- */

static void test_rom__connects_to_a_session_that_broke_off(void **state)
{
	/* What a host that died may have sent last. */
	static const struct {
		const char *bytes;
		size_t len;
	} left[] = {
		{"\x7F", 1},
		{"\x7F\x31", 2},
		{"\x7F\x11\xEE", 3},
		{"\x7F\x11\xEE\x08\x00", 5},
		{"\x7F\x11\xEE\x08\x00\x00\x00\x08", 8},
		{"\x7F\x11\xEE\x08\x00\x00\x00\x08\x10", 9},
		{"\x7F\x31\xCE\x08\x00\x00\x00\x08", 8},
		{"\x7F\x31\xCE\x08\x00\x00\x00\x08\xFF\x01\x02\x03", 12},
		{"\x7F\x44\xBB", 3},
		{"\x7F\x44\xBB\x00", 4},
		{"\x7F\x44\xBB\x00\x01\x00\x05", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		struct sim_config sim = {.chip = chip_find(0x413)};
		struct bench b;
		uint32_t size = 0;
		uint8_t *flash;

		bench_open_with(&b, &sim, NULL);
		flash = sim_board_flash(b.board, &size);
		memset(flash, 0x5A, size);
		for (size_t k = 0; k < left[i].len; k++) {
			assert_int_equal(
				b.t->link->ops->write(b.t->link, &left[i].bytes[k], 1, &b.e), 0);
			sim_link_wait_us(b.t->link, 2000);
		}
		if (b.t->ops->connect(b.t, NULL, &b.e) < 0)
			fail_msg("case %zu: %s", i, b.e.msg);
		assert_int_equal(b.t->info.pid, 0x413);
		for (uint32_t k = 0; k < size; k++)
			if (flash[k] != 0x5A)
				fail_msg("case %zu: flash was changed at 0x%X", i, k);
		bench_close(&b);
	}
}

static void test_rom__nobody_there_ends_soon(void **state)
{
	struct sim_config sim = {.chip = chip_find(0x413), .boot0_low = true};
	struct bench b;
	uint64_t before;

	(void)state;
	bench_open_with(&b, &sim, NULL);
	sim_board_power(b.board, false);
	before = sim_link_now_us(b.t->link);
	assert_int_equal(b.t->ops->connect(b.t, NULL, &b.e), ERR_TIMEOUT);
	assert_true(sim_link_now_us(b.t->link) - before < 20 * 1000000u);
	assert_true(b.e.hint[0] != '\0');
	bench_close(&b);
}

static void test_rom__lines_reset_into_the_rom(void **state)
{
	struct sim_link_config link_config = {.lines = true};
	struct sim_config sim = {.chip = chip_find(0x413), .boot0_low = true};
	struct bench b;

	(void)state;
	bench_open_with(&b, &sim, &link_config);
	if (b.t->ops->connect(b.t, NULL, &b.e) < 0)
		fail_msg("%s", b.e.msg);
	assert_non_null(b.t->ops->reset);
	assert_int_equal(b.t->ops->reset(b.t, &b.e), 0);
	assert_int_equal(b.t->ops->recover(b.t, &b.e), 0);
	bench_close(&b);
}

static void test_rom__falls_back_to_a_speed_the_rom_can_measure(void **state)
{
	const char *faults[] = {"quirk:baud-max-57600"};
	struct sim_link_config link_config = {.lines = true, .baud = 460800};
	struct sim_config sim = {
		.chip = chip_find(0x449), .boot0_low = true, .faults = faults, .n_faults = 1};
	struct entry entry = ENTRY_INIT;
	struct bench b;

	(void)state;
	bench_open_with(&b, &sim, &link_config);
	if (b.t->ops->connect(b.t, NULL, &b.e) < 0)
		fail_msg("%s", b.e.msg);
	assert_int_equal(b.t->link->baud, 57600);
	assert_int_equal(device_gather(b.t, &entry, CHIP_BANKS_DEFAULT, NULL, &b.facts, &b.e), 0);
	bench_close(&b);
}

/* ---- one fault at every place of every conversation ---- */

enum op { OP_READ, OP_WRITE, OP_ERASE_ONE, OP_ERASE_THREE, N_OPS };

static int run_op(struct bench *b, enum op op, uint8_t *buf)
{
	struct erase_unit units[3];

	for (uint32_t k = 0; k < 3; k++)
		units[k] = geometry_unit(&b->facts.geometry, k + 1);
	switch (op) {
	case OP_READ: return b->t->ops->read(b->t, units[0].addr, buf, 64, &b->e);
	case OP_WRITE: return b->t->ops->write(b->t, units[0].addr, buf, 64, &b->e);
	case OP_ERASE_ONE: return b->t->ops->erase(b->t, units, 1, &b->e);
	default: return b->t->ops->erase(b->t, units, 3, &b->e);
	}
}

static void check_untouched(struct bench *b, enum op op, const char *fault)
{
	struct geometry *g = &b->facts.geometry;
	uint32_t size = 0, n = op == OP_READ ? 0 : op == OP_ERASE_THREE ? 3 : 1;
	const uint8_t *flash = sim_board_flash(b->board, &size);
	uint32_t from = geometry_unit(g, 1).addr - g->base;
	uint32_t to = n == 0 ? from : geometry_unit(g, n).addr + geometry_unit(g, n).size - g->base;

	if (!bytes_all(flash, from, 0x5A) || !bytes_all(flash + to, size - to, 0x5A))
		fail_msg("0x%03X op %d, %s: flash outside the order was changed", b->facts.pid, op,
			fault);
}

/* Returns false when the conversation was over before the fault came. */
static bool one_fault(uint16_t pid, enum op op, const char *kind, const char *where, unsigned n)
{
	uint8_t buf[64], back[64];
	struct sim_stats before, after;
	char fault[64];
	struct bench b;
	bool reached;
	int rc;

	snprintf(fault, sizeof(fault), "%s@%s:%u", kind, where, n);
	bench_open(&b, pid, NULL);
	memset(sim_board_flash(b.board, NULL), 0x5A, b.facts.flash_size);
	if (op == OP_WRITE)
		memset(sim_board_flash(b.board, NULL) +
				(geometry_unit(&b.facts.geometry, 1).addr - b.facts.geometry.base),
			b.facts.chip->erased_value, 64);
	fill(buf, sizeof(buf), n);
	before = sim_board_stats(b.board);
	assert_int_equal(sim_board_fault(b.board, fault, &b.e), 0);
	rc = run_op(&b, op, buf);
	after = sim_board_stats(b.board);
	reached = strcmp(where, "rx") == 0
			  ? after.bytes_to_device - before.bytes_to_device >= n
			  : after.bytes_from_device - before.bytes_from_device >= n;
	sim_board_clear_faults(b.board);
	if (rc < 0) {
		if (!err_is_transient((enum err_code)rc))
			fail_msg("0x%03X op %d, %s: %s (%s)", pid, op, fault, b.e.msg,
				err_code_name(rc));
		rc = b.t->ops->recover(b.t, &b.e);
		if (rc < 0)
			fail_msg("0x%03X op %d, %s: recover: %s", pid, op, fault, b.e.msg);
	}
	check_untouched(&b, op, fault);
	/*
	 * In step again: a doubled status byte may still shift the next reply by one (the protocol
	 * cannot show that), and is noticed by the one behind it.
	 */
	for (int i = 0; i < 3; i++) {
		uint32_t addr = geometry_unit(&b.facts.geometry, 0).addr;

		rc = b.t->ops->read(b.t, addr, back, sizeof(back), &b.e);
		if (rc < 0 && i < 2)
			rc = b.t->ops->recover(b.t, &b.e);
		if (rc < 0)
			fail_msg("0x%03X op %d, %s: afterwards %d: %d %s", pid, op, fault, i, rc,
				b.e.msg);
	}
	assert_true(bytes_all(back, sizeof(back), 0x5A));
	check_untouched(&b, op, fault);
	bench_close(&b);
	return reached;
}

static void test_rom__one_fault_anywhere(void **state)
{
	static const uint16_t pids[] = {0x410, 0x413, 0x417, 0x466};
	static const char *const fault_kinds[] = {"drop", "double", "garble"};
	static const char *const places[] = {"rx", "tx"};
	unsigned n_faults = 0;

	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(pids); p++)
		for (int op = 0; op < N_OPS; op++)
			for (size_t k = 0; k < ARRAY_LEN(fault_kinds); k++)
				for (size_t w = 0; w < ARRAY_LEN(places); w++)
					for (unsigned n = 1; n < 400; n++, n_faults++)
						if (!one_fault(pids[p], (enum op)op, fault_kinds[k],
							    places[w], n))
							break;
	print_message("%u single faults\n", n_faults);
	assert_true(n_faults > 1000);
}

/* ---- erase packets ---- */

/* A device by the fact file, written apart from the driver: what does this stream erase? */
static size_t device_erases(const uint8_t *s, size_t len, bool wide, unsigned *ret, size_t max)
{
	size_t width = wide ? 2 : 1, n_pages, end, n = 0;
	unsigned count;
	uint8_t x = 0;

	if (len < width)
		return 0;
	count = wide ? (unsigned)(s[0] << 8 | s[1]) : s[0];
	if (wide ? count >= 0xFFF0 : count == 0xFF)
		return max; /* mass or bank erase */
	n_pages = count + 1;
	end = width + n_pages * width;
	if (end >= len)
		return 0;
	for (size_t i = 0; i < end; i++)
		x ^= s[i];
	if (x != s[end])
		return 0;
	for (size_t i = 0; i < n_pages && n < max; i++)
		ret[n++] = wide ? (unsigned)(s[width + 2 * i] << 8 | s[width + 2 * i + 1])
				: s[width + i];
	return n;
}

static bool packet_names(const uint8_t *p, size_t len, bool wide, unsigned page)
{
	for (size_t i = wide ? 2 : 1; i + 1 < len; i += wide ? 2 : 1)
		if ((wide ? (unsigned)(p[i] << 8 | p[i + 1]) : p[i]) == page)
			return true;
	return false;
}

static void test_rom__packets_called_safe_are_safe(void **state)
{
	unsigned safe = 0, unsafe = 0;

	(void)state;
	for (unsigned seed = 0; seed < 4000; seed++) {
		bool wide = seed % 2 == 0;
		unsigned last = wide ? 511 : 127, first, n, pages[600];
		uint8_t p[64], stream[2000], r[4];
		size_t len = 0;

		fill(r, sizeof(r), seed);
		n = 1 + r[0] % 6;
		first = (r[1] | (unsigned)r[2] << 8) % (last - n);
		if (wide)
			p[len++] = 0;
		p[len++] = (uint8_t)(n - 1);
		for (unsigned i = 0; i < n; i++) {
			if (wide)
				p[len++] = (uint8_t)((first + i) >> 8);
			p[len++] = (uint8_t)(first + i);
		}
		p[len] = rom_xor(p, len);
		len++;
		if (!rom_erase_packet_is_safe(p, len, wide, last, ROM_FILLER, false)) {
			unsafe++;
			continue;
		}
		safe++;
		for (size_t at = 0; at < len; at++)
			for (int doubled = 0; doubled < 2; doubled++) {
				size_t m = 0, hits;

				for (size_t i = 0; i < len; i++) {
					if (i == at && !doubled)
						continue;
					stream[m++] = p[i];
					if (i == at)
						stream[m++] = p[i];
				}
				memset(stream + m, ROM_FILLER, sizeof(stream) - m);
				hits = device_erases(stream, sizeof(stream), wide, pages, 600);
				assert_true(hits < 600);
				for (size_t i = 0; i < hits; i++)
					if (pages[i] <= last &&
						!packet_names(p, len, wide, pages[i]))
						fail_msg("seed %u, byte %zu: page %u", seed, at,
							pages[i]);
			}
	}
	print_message("%u packets safe, %u not\n", safe, unsafe);
	assert_true(safe > 1000);
	assert_true(unsafe > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rom__erases_writes_and_reads_back),
		cmocka_unit_test(test_rom__erases_many_units_in_packets),
		cmocka_unit_test(test_rom__mass_erase),
		cmocka_unit_test(test_rom__bank_erase),
		cmocka_unit_test(test_rom__refuses_writes_that_are_no_whole_words),
		cmocka_unit_test(test_rom__go_starts_the_application),
		cmocka_unit_test(test_rom__read_protection_is_named),
		cmocka_unit_test(test_rom__one_nack_is_not_read_protection),
		cmocka_unit_test(test_rom__write_protection_is_seen),
		cmocka_unit_test(test_rom__a_garbled_product_id_is_noticed),
		cmocka_unit_test(test_rom__a_garbled_flash_size_is_noticed),
		cmocka_unit_test(test_rom__another_chip_than_wanted_is_refused),
		cmocka_unit_test(test_rom__quirks_do_not_stop_it),
		cmocka_unit_test(test_rom__byte_pacing_comes_by_itself),
		cmocka_unit_test(test_rom__connects_to_a_session_that_broke_off),
		cmocka_unit_test(test_rom__nobody_there_ends_soon),
		cmocka_unit_test(test_rom__lines_reset_into_the_rom),
		cmocka_unit_test(test_rom__falls_back_to_a_speed_the_rom_can_measure),
		cmocka_unit_test(test_rom__one_fault_anywhere),
		cmocka_unit_test(test_rom__packets_called_safe_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
