/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_fault.c - faults on demand, the link with a virtual clock, and the state file
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/fs.h>

#include "sim_link.h"
#include "sim_talk.h"

static void test_sim_fault__grammar(void **state)
{
	static const char *const good[] = {"drop@rx:1234", "garble@tx:77:0x20", "nack@0x31:3",
		"cut@op:15", "quirk:double-nack-rdp", "quirk:-slow-autobaud", "quirk:checksum",
		"drop@tx", "insert@rx:3:255", "delay@tx:5:20", "delay@op:5", "stuck@op:1",
		"vanish@tx:9", "garble@id", "garble@id:2:0x006", "garble@size:1:0x400",
		"garble@option:2", "double@rx:1", "cut@rx:1", "cut@tx:1", "nack@rx:1",
		"nack@addr:3", "delay@addr:2:50", "cut@addr", "stuck@addr:4", "vanish@addr:5"};
	static const char *const bad[] = {"", "drop", "drop@", "drop@rx:", "drop@rx:0", "drop@rx:x",
		"drop@rx:1:2", "drop@op:1", "nack@tx:1", "drop@addr:1", "nack@0x131", "nack@31",
		"garble@rx:1:0x100", "garble@op:1", "lose@rx:1", "quirk:", "quirk:nothing-like-it",
		"cut@op:4294967296", "garble@id:1:0x1000", "drop@rx:1 ", "@rx:1", "drop@rx:1:2:3",
		"drop@rx:11111111111111111111111111111111111111111111111111111111111111"};
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = ERR_INIT;

		if (sim_board_fault(b, good[i], &e) < 0)
			fail_msg("%s: %s", good[i], e.msg);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(sim_board_fault(b, bad[i], &e), ERR_USAGE);
		assert_non_null(strstr(e.msg, bad[i]));
		assert_true(e.hint[0] != '\0');
	}
	/* Every quirk has a name that the grammar takes, and no two have the same. */
	for (size_t i = 0; sim_quirk_name(i) != NULL; i++) {
		char spec[80];

		snprintf(spec, sizeof(spec), "quirk:-%s", sim_quirk_name(i));
		assert_int_equal(sim_board_fault(b, spec, NULL), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(sim_quirk_name(i), sim_quirk_name(k));
	}
	sim_board_free(b);
}

/* One row: a fault, then Get ID. */
static void test_sim_fault__bytes(void **state)
{
	static const struct {
		const char *fault, *reply;
	} rows[] = {
		{"drop@rx:2", ""},
		{"double@rx:2", "1F"},
		{"garble@rx:2:0x01", "1F"},
		{"insert@rx:3:0x77", "1F"},
		{"drop@tx:2", "01 04 13 79"},
		{"double@tx:2", "79 79 01 04 13 79"},
		{"garble@tx:4:0x80", "79 01 84 13 79"},
		{"insert@tx:3:0xAB", "79 AB 01 04 13 79"},
		{"nack@0x02", "1F"},
		{"nack@0x02:2", "79 01 04 13 79"},
		{"nack@0x11", "79 01 04 13 79"},
		{"garble@id", "79 01 04 11 79"},
		{"garble@id:1:0x00A", "79 01 04 19 79"},
		{"stuck@rx:3", ""},
		{"stuck@tx:3", "79"},
		{"cut@rx:3", ""},
		{"cut@tx:4", "79 01"},
		{"drop@rx:99", "79 01 04 13 79"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_board *b = talk_board(0x413, 0, 0, rows[i].fault);

		/* Byte 1 each way is the synchronisation. */
		talk(b, "7F", "79");
		talk(b, "02 FD", rows[i].reply);
		sim_board_free(b);
	}
}

static void test_sim_fault__counts_from_when_it_was_added(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);

	talk(b, "7F", "79");
	talk(b, "02 FD", "79 01 04 13 79");
	assert_int_equal(sim_board_fault(b, "drop@tx:1", NULL), 0);
	assert_int_equal(sim_board_fault(b, "nack@0x02:2", NULL), 0);
	talk(b, "02 FD", "01 04 13 79");
	talk(b, "02 FD", "1F");
	talk(b, "02 FD", "79 01 04 13 79"); /* each fault happens once */
	assert_int_equal(sim_board_fault(b, "drop@tx:1", NULL), 0);
	sim_board_clear_faults(b);
	talk(b, "02 FD", "79 01 04 13 79");
	sim_board_free(b);
}

static void test_sim_fault__facts_that_steer_an_erase(void **state)
{
	struct sim_board *b = talk_board(0x410, 64, 0, "garble@size:2:0xC0");
	uint8_t size[2], option[4];

	talk(b, "7F", "79");
	talk_read(b, 0x1FFFF7E0, size, 2);
	assert_int_equal(get_le16(size), 64);
	talk_read(b, 0x1FFFF7E0, size, 2);
	assert_int_equal(get_le16(size), 128);
	talk_read(b, 0x1FFFF7E0, size, 2);
	assert_int_equal(get_le16(size), 64);
	assert_int_equal(sim_board_fault(b, "garble@option", NULL), 0);
	talk_read(b, 0x1FFFF800, option, 4);
	assert_int_equal(option[0], 0xA5 ^ 0x20);
	talk_read(b, 0x1FFFF800, option, 4);
	assert_int_equal(option[0], 0xA5);
	sim_board_free(b);
}

/* ---- the link ---- */

static void test_sim_fault__link_takes_modelled_time(void **state)
{
	struct sim_board *b = talk_board(0x460, 0, 0, NULL);
	struct sim_link_config cfg = {.baud = 115200, .latency_ms = 16};
	struct link *l = sim_link_new(b, &cfg);
	uint64_t from;
	uint8_t reply[15];
	struct err e = ERR_INIT;

	assert_int_equal(l->ops->write(l, "\x7F", 1, &e), 0);
	assert_int_equal(l->ops->read(l, reply, 1, 100, &e), 0);
	assert_int_equal(reply[0], 0x79);
	/* Two bytes out, an answer of 15 at 95.5 us each, 16 ms in the adapter. */
	from = sim_link_now_us(l);
	assert_int_equal(l->ops->write(l, "\x00\xFF", 2, &e), 0);
	assert_int_equal(l->ops->read(l, reply, 15, 100, &e), 0);
	assert_in_range(sim_link_now_us(l) - from, 17 * 95 + 16000, 17 * 96 + 16100);
	assert_int_equal(sim_board_stats(b).turnarounds, 2);
	/* Silence costs the time-out and nothing else. */
	from = sim_link_now_us(l);
	assert_int_equal(l->ops->read(l, reply, 1, 250, &e), ERR_TIMEOUT);
	assert_int_equal(sim_link_now_us(l) - from, 250000);
	clock_sleep_ms(l->clock, 10);
	assert_int_equal(clock_now_ms(l->clock), sim_link_now_us(l) / 1000);
	link_close(l);
	sim_board_free(b);
}

static void test_sim_fault__link_sees_late_and_lost(void **state)
{
	struct sim_board *b = talk_board(0x460, 0, 0, "delay@tx:1:300");
	struct link *l = sim_link_new(b, NULL);
	struct err e = ERR_INIT;
	uint8_t reply[4];

	assert_int_equal(l->ops->write(l, "\x7F", 1, &e), 0);
	assert_int_equal(l->ops->read(l, reply, 1, 200, &e), ERR_TIMEOUT);
	assert_int_equal(l->ops->read(l, reply, 1, 200, &e), 0);
	assert_int_equal(sim_board_fault(b, "vanish@rx:2", NULL), 0);
	assert_int_equal(l->ops->write(l, "\x00\xFF", 2, &e), ERR_LINK);
	assert_int_equal(l->ops->read(l, reply, 1, 200, &e), ERR_LINK);
	sim_board_replug(b);
	assert_int_equal(l->ops->read(l, reply, 1, 200, &e), ERR_TIMEOUT);
	link_close(l);
	sim_board_free(b);
}

static void test_sim_fault__link_lines(void **state)
{
	struct sim_board *b = talk_board(0x460, 0, 0, NULL);
	struct sim_link_config cfg = {.lines = true};
	struct link *l = sim_link_new(b, &cfg);
	struct err e = ERR_INIT;
	uint8_t reply;

	assert_int_equal(l->caps & LINK_HAS_LINES, LINK_HAS_LINES);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(l->ops->set_line(l, LINK_NRST, false, &e), 0);
		assert_int_equal(l->ops->write(l, "\x7F", 1, &e), 0);
		assert_int_equal(l->ops->read(l, &reply, 1, 50, &e), ERR_TIMEOUT);
		assert_int_equal(l->ops->set_line(l, LINK_NRST, true, &e), 0);
		clock_sleep_ms(l->clock, 100);
		assert_int_equal(l->ops->write(l, "\x7F", 1, &e), 0);
		assert_int_equal(l->ops->read(l, &reply, 1, 50, &e), 0);
	}
	link_close(l);
	sim_board_free(b);
}

/* ---- the state file ---- */

static void test_sim_fault__state_file(void **state)
{
	char path[] = "/tmp/test_sim_state.XXXXXX";
	struct sim_config cfg = {.chip = chip_find(0x413), .flash_size = 65536, .seed = 3};
	struct sim_board *b;
	struct err e = ERR_INIT;
	cleanup_buf struct buf file = BUF_INIT;
	uint8_t uid[256], again[256];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	cfg.state_file = path;
	assert_int_equal(sim_board_new(&cfg, &b, &e), 0);
	talk(b, "7F", "79");
	talk_write(b, 0x08000010, (const uint8_t *)"kept", 4);
	talk_read(b, 0x1FFF7A00, uid, 256);
	talk(b, "63 9C", "79");
	talk(b, "00 01 01", "79");
	assert_int_equal(sim_board_save(b, &e), 0);
	sim_board_free(b);

	/* Flash, option bytes and the unique id are there again, whatever the seed. */
	cfg.seed = 99;
	assert_int_equal(sim_board_new(&cfg, &b, &e), 0);
	assert_memory_equal(sim_board_flash(b, NULL) + 0x10, "kept", 4);
	talk(b, "7F", "79");
	talk_read(b, 0x1FFF7A00, again, 256);
	assert_memory_equal(uid + 0x10, again + 0x10, 12);
	talk_write(b, 0x08004000, (const uint8_t *)"lost", 4);
	assert_true(bytes_all(sim_board_flash(b, NULL) + 0x4000, 4, 0xFF));
	sim_board_free(b);

	/* Another chip, another size, a damaged file: refused with the file's name. */
	cfg.chip = chip_find(0x419);
	assert_int_equal(sim_board_new(&cfg, &b, &e), ERR_IDENTITY);
	assert_non_null(strstr(e.msg, path));
	cfg.chip = chip_find(0x413);
	cfg.flash_size = 2 * 65536;
	assert_int_equal(sim_board_new(&cfg, &b, &e), ERR_IDENTITY);
	cfg.flash_size = 65536;
	assert_int_equal(fs_read(path, 1 << 20, &file, NULL), 0);
	file.data[500] ^= 1;
	assert_int_equal(fs_write(path, file.data, file.len, 0600, NULL), 0);
	assert_int_equal(sim_board_new(&cfg, &b, &e), ERR_FORMAT);
	for (size_t len = 0; len < 200; len += 7) {
		assert_int_equal(fs_write(path, file.data, len, 0600, NULL), 0);
		assert_int_equal(sim_board_new(&cfg, &b, &e), ERR_FORMAT);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_fault__grammar),
		cmocka_unit_test(test_sim_fault__bytes),
		cmocka_unit_test(test_sim_fault__counts_from_when_it_was_added),
		cmocka_unit_test(test_sim_fault__facts_that_steer_an_erase),
		cmocka_unit_test(test_sim_fault__link_takes_modelled_time),
		cmocka_unit_test(test_sim_fault__link_sees_late_and_lost),
		cmocka_unit_test(test_sim_fault__link_lines),
		cmocka_unit_test(test_sim_fault__state_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
