/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_i2c.c - the virtual ROM on I2C, message by message, as AN4221 and the list of quirks have it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_talk.h"

static struct sim_board *b;
static uint64_t now_us;
static uint8_t addr;

static void start(uint16_t pid, uint32_t flash_kib, uint8_t rom, const char *fault)
{
	b = talk_board(pid, flash_kib, rom, fault);
	now_us = sim_board_busy_until(b);
	addr = sim_i2c_address(b);
}

static void done(void)
{
	sim_board_free(b);
	b = NULL;
}

static size_t bytes_of(const char *text, uint8_t *ret)
{
	size_t n = 0;
	unsigned v;
	int used;

	while (sscanf(text, " %2x%n", &v, &used) == 1) {
		ret[n++] = (uint8_t)v;
		text += used;
	}
	return n;
}

static struct sim_i2c_result write_msg(const char *text, bool stop)
{
	uint8_t bytes[600];
	size_t n = bytes_of(text, bytes);
	struct sim_i2c_result r = sim_i2c_write(b, addr, bytes, n, stop, now_us);

	assert_true(r.end_us > now_us);
	now_us = r.end_us + 100;
	return r;
}

static struct sim_i2c_result read_msg(uint8_t *buf, size_t n)
{
	struct sim_i2c_result r = sim_i2c_read(b, addr, buf, n, true, now_us);

	now_us = r.end_us + 100;
	return r;
}

/* The packet is taken as a whole, and then each of the answers is read: "79 | 11 22 | 79". */
static void say_at(int line, const char *packet, const char *answers)
{
	uint8_t want[600], got[600];
	char part[1800];

	if (*packet != '\0') {
		struct sim_i2c_result r = write_msg(packet, true);

		if (r.outcome != SIM_I2C_OK)
			fail_msg("line %d: outcome %d of %s", line, (int)r.outcome, packet);
	}
	while (*answers != '\0') {
		size_t len = strcspn(answers, "|"), n;
		struct sim_i2c_result r;

		memcpy(part, answers, len);
		part[len] = '\0';
		n = bytes_of(part, want);
		r = read_msg(got, n);
		if (r.outcome != SIM_I2C_OK || memcmp(want, got, n) != 0)
			fail_msg("line %d: outcome %d, first %02X instead of %s", line,
				(int)r.outcome, got[0], part);
		answers += len + (answers[len] == '|' ? 1 : 0);
	}
}
#define say(packet, answers) say_at(__LINE__, packet, answers)

/* The device is at work: busy answers, and at last `want`. */
static unsigned poll_status(uint8_t want)
{
	unsigned polls = 0;
	uint8_t v;

	for (;;) {
		assert_int_equal(read_msg(&v, 1).outcome, SIM_I2C_OK);
		if (v != 0x76)
			break;
		polls++;
		now_us += 5000;
	}
	assert_int_equal(v, want);
	return polls;
}

/* It was reset: nothing of the former command is left, and it can be spoken to after its start. */
static void is_fresh(void)
{
	now_us += 1000000;
	say("01 FE", "79 | 12 | 79");
}

static void test_sim_i2c__get(void **state)
{
	static const struct {
		uint16_t pid;
		uint8_t rom;
		const char *version, *get;
	} cases[] = {
		{0x413, 0x91, "10", "0B 10 00 01 02 11 21 31 44 63 73 82 92"},
		{0x419, 0x90, "10", "0B 10 00 01 02 11 21 31 44 63 73 82 92"},
		/* says 1.0 and has the commands of 1.1 */
		{0x419, 0x91, "10", "11 10 00 01 02 11 21 31 44 63 73 82 92 32 45 64 74 83 93"},
		{0x431, 0x00, "11", "11 11 00 01 02 11 21 31 44 63 73 82 92 32 45 64 74 83 93"},
		{0x435, 0x00, "12", "12 12 00 01 02 11 21 31 44 63 73 82 92 32 45 64 74 83 93 A1"},
		{0x474, 0x00, "20", "0F 20 00 01 02 11 21 31 44 50 63 73 32 45 64 74 A1"},
	};
	char answers[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(cases[i].pid, 0, cases[i].rom, NULL);
		snprintf(answers, sizeof(answers), "79 | %s | 79", cases[i].version);
		say("01 FE", answers);
		snprintf(answers, sizeof(answers), "79 | %s | 79", cases[i].get);
		say("00 FF", answers);
		snprintf(answers, sizeof(answers), "79 | 01 %02X %02X | 79", cases[i].pid >> 8,
			cases[i].pid & 0xFF);
		say("02 FD", answers);
		done();
	}
	start(0x435, 0, 0, "quirk:i2c-openbl");
	say("00 FF", "79 | 13 12 00 01 02 11 21 31 44 63 73 82 92 32 45 64 74 83 93 50 51 | 79");
	done();
}

static void test_sim_i2c__address(void **state)
{
	uint8_t byte = 0;

	start(0x435, 0, 0, NULL);
	assert_int_equal(addr, 0x48);
	addr = 0x49;
	assert_int_equal(write_msg("00 FF", true).outcome, SIM_I2C_ADDR_NACK);
	addr = 0x48;
	/* Before the ROM listens nobody answers. */
	sim_board_time(b, now_us);
	sim_board_reset(b);
	assert_int_equal(sim_i2c_write(b, addr, &byte, 1, true, now_us).outcome, SIM_I2C_ADDR_NACK);
	now_us += 1000000;
	say("02 FD", "79 | 01 04 35 | 79");
	/* The interface is chosen: the UART is dead now. */
	talk(b, "7F", "");
	done();

	start(0x435, 0, 0, NULL);
	talk(b, "7F", "79");
	now_us = sim_board_busy_until(b) + 1000;
	assert_int_equal(write_msg("00 FF", true).outcome, SIM_I2C_ADDR_NACK);
	sim_board_reset(b);
	now_us += 1000000;
	say("02 FD", "79 | 01 04 35 | 79");
	done();

	/* Old ROMs have no I2C, and some chips have none at all. */
	start(0x413, 0, 0x31, NULL);
	assert_int_equal(addr, 0);
	addr = 0x3A;
	assert_int_equal(write_msg("00 FF", true).outcome, SIM_I2C_ADDR_NACK);
	done();
	start(0x410, 0, 0, NULL);
	assert_int_equal(addr, 0);
	done();
}

static void test_sim_i2c__read_write(void **state)
{
	uint32_t size;

	start(0x435, 256, 0, NULL);
	say("31 CE", "79");
	say("08 00 00 00 08", "79");
	say("07 01 02 03 04 05 06 07 08 0F", "79");
	say("11 EE", "79");
	say("08 00 00 00 08", "79");
	say("07 F8", "79 | 01 02 03 04 05 06 07 08");
	assert_memory_equal(sim_board_flash(b, &size), "\1\2\3\4\5\6\7\10", 8);
	/* Bad checksums end the command. */
	say("31 CE", "79");
	say("08 00 00 08 01", "1F");
	say("31 CE", "79");
	say("08 00 00 08 00", "79");
	say("07 01 02 03 04 05 06 07 08 0E", "1F");
	say("11 EE", "79");
	say("20 00 00 00 00", "1F");
	say("11 EF", "1F");
	say("43 BC", "1F");
	say("02 FD", "79 | 01 04 35 | 79");
	done();

	start(0x435, 256, 0, "quirk:i2c-read-16");
	say("11 EE", "79");
	say("08 00 00 00 08", "79");
	say("10 EF", "1F");
	say("11 EE", "79");
	say("08 00 00 00 08", "79");
	say("01 FE", "79 | FF FF");
	done();
}

static void test_sim_i2c__no_stretch(void **state)
{
	struct sim_i2c_result r;
	uint8_t v;

	/* 0x44 holds the clock during the erase, 0x45 says busy. */
	start(0x435, 256, 0, NULL);
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 01 01", "");
	r = read_msg(&v, 1);
	assert_int_equal(r.outcome, SIM_I2C_OK);
	assert_int_equal(v, 0x79);
	assert_true(r.stretched_us > 20000);
	say("45 BA", "79");
	say("00 01 01", "79");
	say("00 01 00 02 03", "");
	assert_true(poll_status(0x79) > 3);
	say("32 CD", "79");
	say("08 00 08 00 00", "79");
	say("07 01 02 03 04 05 06 07 08 0F", "");
	poll_status(0x79);
	/* An adapter that gives up loses the answer, and the device resets itself. */
	done();
	start(0x413, 0, 0, "quirk:adapter-stretch-25-ms");
	assert_int_equal(sim_i2c_adapter(b).stretch_ms, 25);
	say("44 BB", "79");
	say("FF FF 00", "");
	r = read_msg(&v, 1);
	assert_int_equal(r.outcome, SIM_I2C_TIMED_OUT);
	assert_int_equal(r.stretched_us, 25000);
	now_us = sim_board_busy_until(b) + 1001000;
	sim_board_time(b, now_us);
	now_us += 1000000;
	say("01 FE", "79 | 10 | 79");
	done();
	start(0x435, 256, 0, "quirk:i2c-busy-nack");
	say("45 BA", "79");
	say("FF FF 00", "");
	assert_int_equal(read_msg(&v, 1).outcome, SIM_I2C_ADDR_NACK);
	now_us = sim_board_busy_until(b);
	say("", "79");
	done();
	/* G05 V5.1: the one that should not stretch does. */
	start(0x456, 0, 0x51, NULL);
	say("45 BA", "79");
	say("00 00 00", "79");
	say("00 01 01", "");
	assert_true(read_msg(&v, 1).stretched_us > 0);
	assert_int_equal(v, 0x79);
	done();
	start(0x435, 256, 0, "quirk:i2c-busy-sticky");
	say("45 BA", "79");
	say("FF FF 00", "");
	poll_status(0x79);
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 00 00", "");
	assert_true(poll_status(0x79) > 0);
	done();
}

static void test_sim_i2c__erase(void **state)
{
	uint8_t *flash;

	start(0x435, 256, 0, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 8 * 2048);
	/* Each packet has its own checksum; that of the pages does not go on from the count. */
	say("44 BB", "79");
	say("00 01 00", "1F");
	say("44 BB", "79");
	say("00 01 01", "79");
	say("00 01 00 02 02", "1F");
	assert_int_equal(flash[2048], 0x55);
	say("44 BB", "79");
	say("00 01 01", "79");
	say("00 01 00 02 03", "79");
	assert_int_equal(flash[2047], 0x55);
	assert_int_equal(flash[2048], 0xFF);
	assert_int_equal(flash[3 * 2048 - 1], 0xFF);
	assert_int_equal(flash[3 * 2048], 0x55);
	/* reserved codes, a bank that is not there, more pages than it takes */
	say("44 BB", "79");
	say("FF FC 03", "1F");
	say("44 BB", "79");
	say("FF FD 02", "1F");
	say("44 BB", "79");
	say("02 00 02", "1F");
	say("44 BB", "79");
	say("FF FF 01", "1F");
	say("44 BB", "79");
	say("FF FF 00", "79");
	assert_int_equal(flash[0], 0xFF);
	done();

	start(0x435, 256, 0, "quirk:i2c-erase-nacked-done");
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 8 * 2048);
	say("44 BB", "79");
	say("00 01 01", "79");
	say("00 01 00 02 03", "1F");
	assert_int_equal(flash[2048], 0xFF);
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 00 00", "79");
	done();
	start(0x467, 0, 0, "quirk:i2c-erase-xor-count");
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 8 * 2048);
	say("44 BB", "79");
	say("00 01 01", "79");
	say("00 01 00 02 03", "1F");
	assert_int_equal(flash[2048], 0x55);
	say("44 BB", "79");
	say("00 01 01", "79");
	say("00 01 00 02 02", "79");
	assert_int_equal(flash[2048], 0xFF);
	done();
	start(0x435, 256, 0, "quirk:i2c-erase-no-last-ack");
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 8 * 2048);
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 01 01", "");
	now_us = sim_board_busy_until(b);
	say("", "FF"); /* stretched until the reset, then nobody */
	assert_int_equal(flash[2048], 0xFF);
	is_fresh();
	done();
	start(0x474, 0, 0, "quirk:i2c-erase-max-2");
	say("44 BB", "79");
	say("00 02 02", "79");
	say("00 00 00 01 00 02 03", "1F");
	say("44 BB", "79");
	say("FF FF 00", "1F");
	done();
	/* H74 V13.2: mass erase forgets bank 1. */
	start(0x450, 0, 0xD2, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 2048 * 1024);
	sim_i2c_set_adapter(b, &(struct sim_i2c_adapter){400000, 60000, 8192, false});
	say("44 BB", "79");
	say("FF FF 00", "79");
	assert_int_equal(flash[0], 0x55);
	assert_int_equal(flash[1024 * 1024], 0xFF);
	done();
}

/* Everything that is not what the ROM waits for ends in its reset. */
static void test_sim_i2c__framing(void **state)
{
	struct sim_i2c_result r;
	uint8_t buf[32];

	/* A read that is too short: the next message is held until the reset. */
	start(0x435, 256, 0, NULL);
	say("00 FF", "79");
	assert_int_equal(read_msg(buf, 13).outcome, SIM_I2C_OK);
	assert_int_equal(buf[12], 0x92);
	r = read_msg(buf, 1);
	assert_true(r.stretched_us > 990000);
	assert_int_equal(buf[0], 0xFF);
	is_fresh();
	/* too long: what nobody sends is FF */
	say("00 FF", "79");
	assert_int_equal(read_msg(buf, 22).outcome, SIM_I2C_OK);
	assert_int_equal(buf[19], 0xA1);
	assert_int_equal(buf[20], 0xFF);
	assert_true(read_msg(buf, 1).stretched_us > 990000);
	is_fresh();
	/* a write that is too short */
	say("31 CE", "79");
	say("08 00 00 00", "");
	r = write_msg("08", true);
	assert_int_equal(r.outcome, SIM_I2C_DATA_NACK);
	assert_int_equal(r.done, 0);
	is_fresh();
	/* a probe without data, at the command boundary too */
	say("01 FE", "79 | 12 | 79");
	sim_i2c_write(b, addr, buf, 0, true, now_us);
	now_us += 1000;
	assert_int_equal(write_msg("01 FE", true).outcome, SIM_I2C_DATA_NACK);
	is_fresh();
	/* two bytes too many: the second does not go over the bus */
	r = write_msg("01 FE 00 00", true);
	assert_int_equal(r.done, 3);
	assert_int_equal(r.outcome, SIM_I2C_DATA_NACK);
	is_fresh();
	/* one byte too many is the first of the next packet */
	assert_int_equal(write_msg("01 FE 00", true).outcome, SIM_I2C_OK);
	say("", "79 | 12 | 79");
	say("FF", "79"); /* 00 FF: Get */
	assert_int_equal(read_msg(buf, 20).outcome, SIM_I2C_OK);
	assert_int_equal(buf[0], 0x12);
	say("", "79");
	/* the wrong direction, both ways */
	say("01 FE", "");
	assert_int_equal(write_msg("01 FE", true).outcome, SIM_I2C_DATA_NACK);
	is_fresh();
	assert_true(read_msg(buf, 1).stretched_us > 990000);
	is_fresh();
	/* a repeated START instead of STOP */
	assert_int_equal(write_msg("01 FE", false).outcome, SIM_I2C_OK);
	assert_true(read_msg(buf, 1).stretched_us > 990000);
	is_fresh();
	done();
	start(0x435, 256, 0, "quirk:i2c-long-read-stretches");
	say("01 FE", "79");
	assert_true(read_msg(buf, 2).stretched_us > 990000);
	is_fresh();
	done();
}

static void test_sim_i2c__timeout(void **state)
{
	static const struct {
		uint16_t pid;
		uint32_t ms;
	} cases[] = {{0x435, 1000}, {0x432, 10}, {0x449, 500}, {0x446, 1500}, {0x443, 2000},
		{0x44C, 2200}};
	uint8_t v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(cases[i].pid, 0, 0, NULL);
		/* between commands for ever */
		now_us += 3600000000u;
		say("31 CE", "79");
		now_us += cases[i].ms * 1000 - 1000;
		say("08 00 00 00 08", "79");
		now_us += cases[i].ms * 1000 + 1000;
		/* It is starting again, and has forgotten. */
		sim_board_time(b, now_us);
		assert_true(sim_board_busy_until(b) > now_us);
		now_us += 1000000;
		assert_int_equal(write_msg("02 FD", true).outcome, SIM_I2C_OK);
		assert_int_equal(read_msg(&v, 1).outcome, SIM_I2C_OK);
		assert_int_equal(v, 0x79);
		done();
	}
	/* An answer that nobody fetches, too. */
	start(0x435, 0, 0, NULL);
	say("02 FD", "");
	now_us += 1000500;
	assert_int_equal(write_msg("02 FD", true).outcome, SIM_I2C_ADDR_NACK);
	is_fresh();
	done();
}

static void test_sim_i2c__protect(void **state)
{
	uint8_t *flash;

	/* Protect two sectors: count and complement, then the sectors with their checksum. */
	start(0x413, 1024, 0x91, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 65536);
	say("63 9C", "79");
	say("01 FE", "79");
	say("00 01 01", "79");
	now_us += 1000000;
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 00 00", "79");
	assert_int_equal(flash[0], 0x55);
	/* Nothing happens before the first answer was fetched. */
	say("73 8C", "");
	now_us += 2000000;
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 00 00", "79");
	assert_int_equal(flash[0], 0x55);
	say("73 8C", "79 | 79");
	now_us += 1000000;
	say("44 BB", "79");
	say("00 00 00", "79");
	say("00 00 00", "79");
	assert_int_equal(flash[0], 0xFF);
	assert_int_equal(flash[16384], 0x55);
	/* read-out protection */
	say("82 7D", "79 | 79");
	now_us += 1000000;
	say("11 EE", "1F");
	say("31 CE", "1F");
	say("73 8C", "1F");
	say("02 FD", "79 | 01 04 13 | 79");
	say("92 6D", "79 | 79");
	now_us = sim_board_busy_until(b) + 1000000;
	say("11 EE", "79");
	say("08 00 40 00 48", "79");
	say("00 FF", "79 | FF");
	done();

	start(0x413, 1024, 0x91, "quirk:i2c-wp-one-packet");
	say("63 9C", "79");
	say("01 00 01 00", "79");
	done();
	start(0x435, 256, 0, NULL);
	say("83 7C", "79");
	poll_status(0x79);
	now_us += 1000000;
	say("11 EE", "1F");
	say("93 6C", "79");
	assert_true(poll_status(0x79) > 0);
	now_us += 1000000;
	say("11 EE", "79");
	done();
	/* WB: 0x73 is a mass erase, 0x74 is not. */
	start(0x495, 0, 0, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 4096);
	say("74 8B", "79");
	poll_status(0x79);
	assert_int_equal(flash[0], 0x55);
	now_us += 1000000;
	say("73 8C", "79 | 79");
	assert_int_equal(flash[0], 0xFF);
	done();
}

static void test_sim_i2c__checksum_special(void **state)
{
	uint8_t *flash;

	/* 256 erased bytes; the size is in bytes, polynomial and start are fixed. */
	start(0x435, 256, 0, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0, 4);
	say("A1 5E", "79");
	say("08 00 00 00 08", "79");
	say("00 00 00 04 04", "79 | 79 | C7 04 DD 7B 65");
	say("A1 5E", "79");
	say("08 00 00 00 08", "79");
	say("00 00 00 03 03", "1F");
	say("A1 5E", "79");
	say("08 00 00 00 08", "79");
	say("00 00 00 00 00", "1F");
	say("A1 5E", "79");
	say("20 00 50 00 70", "1F");
	done();
	start(0x413, 0, 0, NULL);
	say("A1 5E", "1F");
	say("32 CD", "1F");
	done();
	/* data and status are read apart */
	start(0x474, 0, 0, NULL);
	say("50 AF", "79");
	say("00 02 02", "79");
	say("00 00 00", "79 | 00 00 | 00 01 00 | 79");
	done();
}

static void test_sim_i2c__go(void **state)
{
	uint8_t *flash, v;

	start(0x435, 256, 0, NULL);
	flash = sim_board_flash(b, NULL);
	memcpy(flash, "\0\20\0\40\11\0\0\10", 8);
	say("21 DE", "79");
	say("08 00 00 00 08", "");
	assert_false(sim_board_in_application(b));
	assert_int_equal(read_msg(&v, 1).outcome, SIM_I2C_OK);
	assert_true(sim_board_in_application(b));
	assert_int_equal(read_msg(&v, 1).outcome, SIM_I2C_ADDR_NACK);
	done();
}

static void test_sim_i2c__faults(void **state)
{
	struct sim_i2c_result r;
	uint8_t buf[4];

	start(0x435, 256, 0, "nack@addr:2");
	say("01 FE", "");
	assert_int_equal(read_msg(buf, 1).outcome, SIM_I2C_ADDR_NACK);
	say("", "79 | 12 | 79");
	done();
	start(0x435, 256, 0, "nack@rx:2");
	r = write_msg("01 FE", true);
	assert_int_equal(r.outcome, SIM_I2C_DATA_NACK);
	assert_int_equal(r.done, 1);
	now_us += 1000000;
	is_fresh();
	done();
	start(0x435, 256, 0, "garble@rx:1:0x02");
	say("01 FE", "1F");
	done();
	start(0x435, 256, 0, "drop@rx:2");
	say("01 FE", "");
	assert_true(read_msg(buf, 1).stretched_us > 0);
	is_fresh();
	done();
	start(0x435, 256, 0, "garble@tx:2:0x01");
	say("01 FE", "79 | 13 | 79");
	done();
	start(0x435, 256, 0, "insert@tx:2:0xAA");
	say("02 FD", "79 | AA 01 04 | 79");
	done();
	start(0x435, 256, 0, "drop@tx:3");
	say("02 FD", "79 | 01 35 FF | 79");
	done();
	start(0x435, 256, 0, "delay@addr:2:300");
	say("02 FD", "");
	assert_int_equal(read_msg(buf, 1).stretched_us, 300000);
	say("", "01 04 35 | 79");
	done();
	start(0x435, 256, 0, "stuck@addr:3");
	say("02 FD", "79");
	assert_int_equal(read_msg(buf, 3).outcome, SIM_I2C_TIMED_OUT);
	now_us += 10000000;
	assert_int_equal(read_msg(buf, 3).outcome, SIM_I2C_TIMED_OUT);
	sim_board_time(b, now_us);
	sim_board_reset(b);
	is_fresh();
	done();
	start(0x435, 256, 0, "cut@rx:3");
	say("31 CE", "79");
	r = write_msg("08 00 00 00 08", true);
	assert_int_equal(r.outcome, SIM_I2C_DATA_NACK);
	assert_false(sim_board_powered(b));
	assert_int_equal(read_msg(buf, 1).outcome, SIM_I2C_ADDR_NACK);
	sim_board_power(b, true);
	is_fresh();
	done();
	start(0x435, 256, 0, "vanish@tx:2");
	say("01 FE", "79");
	assert_int_equal(read_msg(buf, 1).outcome, SIM_I2C_GONE);
	assert_int_equal(sim_i2c_read(b, addr, buf, 1, true, now_us).outcome, SIM_I2C_GONE);
	sim_board_replug(b);
	now_us += 1001000;
	is_fresh();
	done();
	start(0x435, 256, 0, "nack@0x31:1");
	say("31 CE", "1F");
	say("31 CE", "79");
	done();
	start(0x435, 256, 0, "quirk:adapter-32");
	assert_int_equal(sim_i2c_adapter(b).max_len, 32);
	done();
	start(0x435, 256, 0, "quirk:adapter-smbus");
	assert_true(sim_i2c_adapter(b).smbus_only);
	done();
}

/* Every chip of the table that has I2C: found, identified, written and read back. */
static void test_sim_i2c__every_chip(void **state)
{
	unsigned n = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		uint8_t version[3], get[40], status, count;
		char id[16];

		if (c->has_i2c != CHIP_YES)
			continue;
		n++;
		start(c->pid, 0, 0, NULL);
		assert_in_range(addr, 0x08, 0x77);
		assert_int_equal(write_msg("01 FE", true).outcome, SIM_I2C_OK);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(read_msg(version + k, 1).outcome, SIM_I2C_OK);
		assert_int_equal(version[0], 0x79);
		assert_int_equal(version[2], 0x79);
		/* The count is in the answer that must be read at its right length: ask twice. */
		assert_int_equal(write_msg("00 FF", true).outcome, SIM_I2C_OK);
		read_msg(&status, 1);
		read_msg(&count, 1);
		now_us += 6000000;
		sim_board_time(b, now_us);
		now_us += 1000000;
		assert_int_equal(write_msg("00 FF", true).outcome, SIM_I2C_OK);
		read_msg(&status, 1);
		assert_int_equal(read_msg(get, count + 2u).outcome, SIM_I2C_OK);
		assert_int_equal(get[1], version[1]);
		assert_int_equal(get[count + 1] != 0xFF, 1);
		read_msg(&status, 1);
		assert_int_equal(status, 0x79);
		assert_int_equal(memchr(get + 2, 0x45, count) != NULL,
			version[1] >= 0x11 || c->pid == 0x419);
		assert_null(memchr(get + 2, 0x43, count));
		snprintf(id, sizeof(id), "01 %02X %02X", c->pid >> 8, c->pid & 0xFF);
		say("02 FD", "79");
		say("", id);
		say("", "79");
		done();
	}
	assert_int_equal(n, 60);
}

/* At 100 kHz a message takes 9 bits a byte, START and STOP. */
static void test_sim_i2c__time(void **state)
{
	struct sim_stats s;

	start(0x435, 256, 0, NULL);
	say("02 FD", "79 | 01 04 35 | 79");
	s = sim_board_stats(b);
	assert_int_equal(s.messages, 4);
	assert_int_equal(s.bytes_to_device, 2);
	assert_int_equal(s.bytes_from_device, 5);
	assert_int_equal(s.turnarounds, 1);
	assert_int_equal(s.bus_us, 4 * 110 + 7 * 90);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_i2c__get),
		cmocka_unit_test(test_sim_i2c__address),
		cmocka_unit_test(test_sim_i2c__read_write),
		cmocka_unit_test(test_sim_i2c__no_stretch),
		cmocka_unit_test(test_sim_i2c__erase),
		cmocka_unit_test(test_sim_i2c__framing),
		cmocka_unit_test(test_sim_i2c__timeout),
		cmocka_unit_test(test_sim_i2c__protect),
		cmocka_unit_test(test_sim_i2c__checksum_special),
		cmocka_unit_test(test_sim_i2c__go),
		cmocka_unit_test(test_sim_i2c__faults),
		cmocka_unit_test(test_sim_i2c__every_chip),
		cmocka_unit_test(test_sim_i2c__time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
