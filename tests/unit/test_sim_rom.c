/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_rom.c - the virtual ROM, byte by byte, as AN3155 and the list of quirks have it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_talk.h"

static const uint8_t ones[256] = {[0 ... 255] = 0xFF};

static void test_sim_rom__identity(void **state)
{
	struct sim_board *b = talk_board(0x413, 1024, 0, NULL);

	talk(b, "7F", "79");
	talk(b, "00 FF", "79 0B 31 00 01 02 11 21 31 44 63 73 82 92 79");
	talk(b, "01 FE", "79 31 00 00 79");
	talk(b, "02 FD", "79 01 04 13 79");
	sim_board_free(b);

	b = talk_board(0x410, 128, 0, NULL);
	talk(b, "7F", "79");
	talk(b, "00 FF", "79 0B 22 00 01 02 11 21 31 43 63 73 82 92 79");
	talk(b, "02 FD", "79 01 04 10 79");
	sim_board_free(b);
}

static void test_sim_rom__sync(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);

	/* Once synced, 7F is half of a command pair; 7F 7F is a bad pair. */
	talk(b, "7F", "79");
	talk(b, "7F", "");
	talk(b, "7F", "1F");
	talk(b, "7F 01", "1F");
	talk(b, "02 FD", "79 01 04 10 79");
	/* Reserved codes and wrong complements are refused. */
	talk(b, "45 BA", "1F");
	talk(b, "A1 5E", "1F");
	talk(b, "02 FC", "1F");
	/* Another first byte locks a wrong speed until the reset. */
	sim_board_reset(b);
	talk(b, "00", "");
	sim_uart_rx(b, 0x7F, sim_board_busy_until(b) + 1000);
	sim_uart_rx(b, 0xFF, sim_board_busy_until(b) + 2000);
	sim_board_reset(b);
	talk(b, "7F", "79");
	sim_board_free(b);
}

static void test_sim_rom__sync_too_early_or_too_fast(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);
	uint64_t at;
	uint8_t byte;

	/* 85 ms after the reset an F40x listens, not before. */
	sim_uart_rx(b, 0x7F, 80000);
	assert_false(sim_uart_tx(b, &byte, &at));
	sim_uart_rx(b, 0x7F, 86000);
	assert_true(sim_uart_tx(b, &byte, &at));
	assert_int_equal(byte, 0x79);
	/* Its timer cannot measure 460800 baud: what comes is noise. */
	sim_board_reset(b);
	sim_board_set_baud(b, 460800);
	sim_uart_rx(b, 0x7F, 900000);
	assert_false(sim_uart_tx(b, &byte, &at));
	sim_board_free(b);

	b = talk_board(0x460, 0, 0, NULL);
	sim_board_set_baud(b, 460800);
	talk(b, "7F", "79");
	sim_board_free(b);
}

static void test_sim_rom__read_and_write(void **state)
{
	struct sim_board *b = talk_board(0x413, 1024, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	talk(b, "7F", "79");
	talk(b, "31 CE", "79");
	talk(b, "08 00 00 00 08", "79");
	talk(b, "07 01 02 03 04 05 06 07 08 0F", "79");
	assert_memory_equal(flash, "\1\2\3\4\5\6\7\10\xFF", 9);
	talk(b, "11 EE", "79");
	talk(b, "08 00 00 00 08", "79");
	talk(b, "07 F8", "79 01 02 03 04 05 06 07 08");
	/* Wrong checksums: address, length, data. */
	talk(b, "11 EE", "79");
	talk(b, "08 00 00 00 09", "1F");
	talk(b, "11 EE", "79");
	talk(b, "08 00 00 00 08", "79");
	talk(b, "07 F9", "1F");
	talk(b, "31 CE", "79");
	talk(b, "08 00 01 00 09", "79");
	talk(b, "03 00 00 00 00 04", "1F");
	assert_int_equal(flash[256], 0xFF);
	/* No memory there: before the flash, behind it, ROM's RAM, a write to system memory. */
	talk(b, "11 EE", "79");
	talk(b, "07 FF FF F0 F7", "1F");
	talk(b, "31 CE", "79");
	talk(b, "08 10 00 00 18", "1F");
	talk(b, "11 EE", "79");
	talk(b, "20 00 00 00 20", "1F");
	talk(b, "11 EE", "79");
	talk(b, "20 00 40 00 60", "79");
	talk(b, "00 FF", "79 00");
	talk(b, "31 CE", "79");
	talk(b, "1F FF 00 00 E0", "1F");
	sim_board_free(b);
}

static void test_sim_rom__no_time_out(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);
	uint64_t at = 10000000;
	uint8_t byte = 0;

	/* An hour between the two bytes of a pair. */
	talk(b, "7F", "79");
	sim_uart_rx(b, 0x02, at);
	sim_uart_rx(b, 0xFD, at + 3600000000u);
	assert_true(sim_uart_tx(b, &byte, &at));
	assert_int_equal(byte, 0x79);
	sim_board_free(b);
}

static void test_sim_rom__probe_byte_streams(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	/* 130 times 7F while a data packet is awaited: 128 bytes are written. */
	talk(b, "7F", "79");
	talk(b, "31 CE", "79");
	talk(b, "08 00 00 00 08", "79");
	for (int i = 0; i < 129; i++)
		talk(b, "7F", "");
	talk(b, "7F", "79");
	assert_true(bytes_all(flash, 128, 0x7F));
	assert_int_equal(flash[128], 0xFF);
	sim_board_free(b);

	/* Zeros while an extended erase is awaited: page 0 is gone. */
	b = talk_board(0x435, 256, 0, NULL);
	flash = sim_board_flash(b, NULL);
	memset(flash, 0x55, 4096);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 00 00", "79");
	assert_true(bytes_all(flash, 2048, 0xFF));
	assert_int_equal(flash[2048], 0x55);
	/* FF 00 there is a count: 130565 bytes are swallowed. */
	talk(b, "44 BB", "79");
	for (int i = 0; i < 130564; i++)
		talk(b, i % 2 == 0 ? "FF" : "00", "");
	talk(b, "FF", "1F");
	/* 0E: 7201 bytes, then refused. */
	talk(b, "44 BB", "79");
	for (int i = 0; i < 7200; i++)
		talk(b, "0E", "");
	talk(b, "0E", "1F");
	assert_int_equal(flash[2048], 0x55);
	sim_board_free(b);
}

static void test_sim_rom__erase(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	memset(flash, 0, 128 * 1024);
	talk(b, "7F", "79");
	talk(b, "43 BC", "79");
	talk(b, "02 00 01 02 03", "1F");
	assert_int_equal(flash[0], 0);
	talk(b, "43 BC", "79");
	talk(b, "02 00 01 02 01", "79");
	assert_true(bytes_all(flash, 3072, 0xFF));
	assert_int_equal(flash[3072], 0);
	/* A page that the part does not have is ACKed. FF and anything but 00 does nothing. */
	talk(b, "43 BC", "79");
	talk(b, "00 F0 F0", "79");
	talk(b, "43 BC", "79");
	talk(b, "FF 01", "79");
	assert_int_equal(flash[3072], 0);
	/* The other erase command does not exist here. */
	talk(b, "44 BB", "1F");
	talk(b, "43 BC", "79");
	talk(b, "FF 00", "79");
	assert_true(bytes_all(flash, 128 * 1024, 0xFF));
	sim_board_free(b);
}

static void test_sim_rom__extended_erase(void **state)
{
	struct sim_board *b = talk_board(0x419, 2048, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	memset(flash, 0, 2048 * 1024);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "00 01 00 00 00 01 00", "79");
	assert_true(bytes_all(flash, 32768, 0xFF));
	assert_int_equal(flash[32768], 0);
	talk(b, "44 BB", "79");
	talk(b, "FF FC 03", "1F");
	talk(b, "44 BB", "79");
	talk(b, "FF FE 00", "1F");
	/* Bank 2, then everything. */
	talk(b, "44 BB", "79");
	talk(b, "FF FD 02", "79");
	assert_int_equal(flash[1024 * 1024 - 1], 0);
	assert_true(bytes_all(flash + 1024 * 1024, 1024 * 1024, 0xFF));
	talk(b, "44 BB", "79");
	talk(b, "FF FF 00", "79");
	assert_true(bytes_all(flash, 2048 * 1024, 0xFF));
	assert_true(sim_board_stats(b).flash_us > 8000000);
	/* An unlisted 0x43 ends up in the handler of 0x44. */
	talk(b, "43 BC", "79");
	talk(b, "FF 00", "");
	sim_board_free(b);

	/* One bank: no bank erase. L0: no mass erase. */
	b = talk_board(0x435, 0, 0, NULL);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "FF FE 01", "1F");
	sim_board_free(b);
	b = talk_board(0x447, 0, 0, NULL);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "FF FF 00", "1F");
	sim_board_free(b);
}

static void test_sim_rom__overrun_while_busy(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);
	uint64_t at;
	uint8_t byte;

	/* Sent during an erase of 16 K: the first byte waits, the rest is lost. */
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	at = sim_board_busy_until(b) + 1000;
	for (int i = 0; i < 5; i++)
		sim_uart_rx(b, 0x00, at += 96);
	for (int i = 0; i < 5; i++)
		sim_uart_rx(b, i % 2 == 0 ? 0x02 : 0xFD, at += 96);
	assert_true(sim_uart_tx(b, &byte, &at));
	assert_int_equal(byte, 0x79);
	assert_false(sim_uart_tx(b, &byte, &at));
	talk(b, "FD", "79 01 04 13 79");
	sim_board_free(b);
}

static void test_sim_rom__system_reads(void **state)
{
	struct sim_board *b = talk_board(0x413, 512, 0x90, NULL);
	uint8_t block[256], uid[12];

	talk(b, "7F", "79");
	/* Size and id only within 256 bytes on F4. */
	talk(b, "11 EE", "79");
	talk(b, "1F FF 7A 22 B8", "79");
	talk(b, "01 FE", "1F");
	talk_read(b, 0x1FFF7A00, block, 256);
	assert_int_equal(get_le16(block + 0x22), 512);
	memcpy(uid, block + 0x10, 12);
	assert_false(bytes_all(uid, 12, 0xFF));
	talk_read(b, 0x1FFF77DE, block, 1);
	assert_int_equal(block[0], 0x90);
	sim_board_free(b);

	b = talk_board(0x410, 64, 0, NULL);
	talk(b, "7F", "79");
	talk_read(b, 0x1FFFF7E0, block, 2);
	assert_int_equal(get_le16(block), 64);
	sim_board_free(b);
}

static void test_sim_rom__go(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);
	static const uint8_t vectors[8] = {0x00, 0x50, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08};

	talk(b, "7F", "79");
	talk(b, "21 DE", "79");
	talk(b, "1F FF F0 00 10", "1F");
	talk_write(b, 0x08000000, vectors, 8);
	talk(b, "21 DE", "79");
	talk(b, "08 00 00 00 08", "79");
	assert_true(sim_board_in_application(b));
	talk(b, "7F", "");
	/* A reset with BOOT0 low starts it too; high: the ROM. */
	sim_board_lines(b, false, false);
	sim_board_lines(b, false, true);
	assert_true(sim_board_in_application(b));
	sim_board_lines(b, true, false);
	sim_board_lines(b, true, true);
	assert_false(sim_board_in_application(b));
	talk(b, "7F", "79");
	sim_board_free(b);
}

static void test_sim_rom__readout_protection(void **state)
{
	struct sim_board *b = talk_board(0x410, 128, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);

	memset(flash, 0x12, 4096);
	talk(b, "7F", "79");
	talk(b, "82 7D", "79 79");
	talk(b, "02 FD", ""); /* the reset lost the speed */
	sim_board_reset(b);
	talk(b, "7F", "79");
	talk(b, "02 FD", "79 01 04 10 79");
	talk(b, "11 EE", "1F");
	talk(b, "31 CE", "1F");
	talk(b, "21 DE", "1F");
	talk(b, "43 BC", "1F");
	talk(b, "63 9C", "1F");
	talk(b, "73 8C", "1F");
	talk(b, "82 7D", "1F");
	assert_int_equal(flash[0], 0x12);
	talk(b, "92 6D", "79 79");
	assert_true(bytes_all(flash, 4096, 0xFF));
	talk(b, "7F", "79");
	talk(b, "11 EE", "79");
	sim_board_free(b);

	/* F40x V3.1 and V9.0 refuse a read and a write twice, other commands once. */
	b = talk_board(0x413, 0, 0x90, NULL);
	talk(b, "7F", "79");
	talk(b, "82 7D", "79 79");
	talk(b, "7F", "79");
	talk(b, "11 EE", "1F 1F");
	talk(b, "31 CE", "1F 1F");
	talk(b, "44 BB", "1F");
	sim_board_free(b);
}

static void test_sim_rom__level_2_is_silent_for_ever(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);
	uint8_t block[16];

	talk(b, "7F", "79");
	talk_read(b, 0x1FFFC000, block, 16);
	assert_int_equal(block[1], 0xAA);
	block[1] = 0xCC;
	talk_write(b, 0x1FFFC000, block, 16);
	talk(b, "7F", "");
	sim_board_power(b, false);
	sim_board_power(b, true);
	talk(b, "7F", "");
	talk(b, "92 6D", "");
	assert_true(sim_board_in_application(b));
	sim_board_free(b);
}

static void test_sim_rom__write_protection(void **state)
{
	struct sim_board *b = talk_board(0x413, 1024, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL);
	static const uint8_t data[4] = {1, 2, 3, 4};

	memset(flash + 16384, 0x55, 16384);
	talk(b, "7F", "79");
	talk(b, "63 9C", "79");
	talk(b, "01 00 01 00", "79");
	talk(b, "7F", "79");
	/* ACKed and not done. */
	talk_write(b, 0x08000000, data, 4);
	assert_true(bytes_all(flash, 4, 0xFF));
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 01 01", "79");
	assert_int_equal(flash[16384], 0x55);
	talk(b, "44 BB", "79");
	talk(b, "FF FF 00", "79");
	assert_int_equal(flash[16384], 0x55);
	talk_write(b, 0x08008000, data, 4);
	assert_memory_equal(flash + 0x8000, data, 4);
	/* Each call replaces the set. */
	talk(b, "63 9C", "79");
	talk(b, "00 02 02", "79");
	talk(b, "7F", "79");
	talk_write(b, 0x08000000, data, 4);
	assert_memory_equal(flash, data, 4);
	talk(b, "73 8C", "79 79");
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "FF FF 00", "79");
	assert_true(bytes_all(flash, 1024 * 1024, 0xFF));
	sim_board_free(b);
}

static void test_sim_rom__write_protection_in_option_words(void **state)
{
	static const struct {
		uint16_t pid;
		uint8_t sector;
		uint32_t addr, mask, value; /* where and how the chip shows it */
		uint32_t flash_off;
	} rows[] = {
		{0x410, 1, 0x1FFFF808, 0x000000FF, 0x000000FD, 4096}, /* 0 protects, 4 K each */
		{0x414, 31, 0x1FFFF80C, 0x00FF0000, 0x007F0000,
			510 * 1024}, /* the last: to the end */
		{0x413, 5, 0x1FFFC008, 0x00000FFF, 0x00000FDF, 128 * 1024},
		{0x447, 17, 0x1FF8000C, 0xFFFFFFFF, 0xFFFD0002,
			17 * 4096}, /* 1 protects, complement */
		{0x435, 9, 0x1FFF7818, 0x00FF00FF, 0x00090009, 9 * 2048},
		{0x483, 3, 0x52002038, 0x000000FF, 0x000000F7, 3 * 131072},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_board *b = talk_board(rows[i].pid, 0, 0, NULL);
		char packet[32];
		uint32_t word = 0;
		uint8_t *flash = sim_board_flash(b, NULL) + rows[i].flash_off;

		talk(b, "7F", "79");
		talk(b, "63 9C", "79");
		snprintf(packet, sizeof(packet), "00 %02X %02X", rows[i].sector, rows[i].sector);
		talk(b, packet, "79");
		talk(b, "7F", "79");
		talk_option_word(b, rows[i].addr, &word);
		assert_int_equal(word & rows[i].mask, rows[i].value);
		talk_write(b, 0x08000000 + rows[i].flash_off, ones, 32);
		memset(flash, 0x33, 4);
		talk_write(b, 0x08000000 + rows[i].flash_off, ones, 32);
		assert_int_equal(flash[0], 0x33);
		sim_board_free(b);
	}
}

static void test_sim_rom__option_write_loses_what_is_not_sent(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);
	static const uint8_t wrp[4] = {0xFE, 0x0F, 0xFF, 0xFF};

	/* Only the second half: the first is erased, RDP with it. */
	talk(b, "7F", "79");
	talk_write(b, 0x1FFFC008, wrp, 4);
	talk(b, "7F", "79");
	talk(b, "44 BB", "1F");
	sim_board_free(b);
}

static void test_sim_rom__empty_check(void **state)
{
	struct sim_config cfg = {.chip = chip_find(0x435), .boot0_low = true};
	static const uint8_t vectors[8] = {0x00, 0x80, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08};
	struct sim_board *b;

	/* Empty flash: the ROM in spite of BOOT0, also after programming, until power was off. */
	assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
	talk(b, "7F", "79");
	talk_write(b, 0x08000000, vectors, 8);
	sim_board_reset(b);
	talk(b, "7F", "79");
	sim_board_power(b, false);
	sim_board_power(b, true);
	assert_true(sim_board_in_application(b));
	sim_board_free(b);

	/* C071 and others clear the flag when the ROM starts: a reset locks up. */
	cfg.chip = chip_find(0x493);
	assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
	talk(b, "7F", "79");
	sim_board_reset(b);
	assert_true(sim_board_in_application(b));
	sim_board_free(b);
}

static void test_sim_rom__boot_source_in_option_bits(void **state)
{
	static const struct {
		uint16_t pid;
		uint32_t bits_clear, bits_set; /* of the first option word */
		bool boot0, rom;
	} rows[] = {
		/* G0: nBOOT_SEL = 1 takes the nBOOT0 bit instead of the pin */
		{0x460, 0, 0, true, true},
		{0x460, 0, 0, false, false},
		{0x460, 0, 1u << 24 | 1u << 26, true, false},
		{0x460, 1u << 26, 1u << 24, false, true},
		/* ... and nBOOT1 = 0 starts SRAM */
		{0x460, 1u << 26 | 1u << 25, 1u << 24, false, false},
		/* L4: nSWBOOT0 = 0 takes the bit */
		{0x435, 0, 0, true, true},
		{0x435, 1u << 26, 1u << 27, true, false},
		{0x435, 1u << 26 | 1u << 27, 0, false, true},
	};
	static const uint8_t vectors[8] = {0x00, 0x40, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim_board *b = talk_board(rows[i].pid, 0, 0, NULL);
		uint32_t len = chip_find(rows[i].pid)->options.areas[0].len;
		uint8_t options[116];

		talk(b, "7F", "79");
		talk_write(b, 0x08000000, vectors, 8);
		talk_read(b, 0x1FFF7800, options, len);
		put_le32(options, (get_le32(options) & ~rows[i].bits_clear) | rows[i].bits_set);
		talk_write(b, 0x1FFF7800, options, len);
		sim_board_lines(b, rows[i].boot0, false);
		sim_board_lines(b, rows[i].boot0, true);
		assert_int_equal(sim_board_in_application(b), !rows[i].rom);
		sim_board_free(b);
	}
}

static void test_sim_rom__swapped_banks(void **state)
{
	struct sim_board *b = talk_board(0x482, 2048, 0, NULL);
	uint8_t *flash = sim_board_flash(b, NULL), options[48];
	static const uint8_t data[16] = {1, 2, 3};

	talk(b, "7F", "79");
	talk_read(b, 0x40022040, options, 48);
	put_le32(options, get_le32(options) | 1u << 20);
	talk_write(b, 0x40022040, options, 48);
	talk(b, "7F", "79");
	/* What is at the base now is the other half; erase numbers stay with the bank. */
	talk_write(b, 0x08000000, data, 16);
	assert_memory_equal(flash + 1024 * 1024, data, 16);
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 00 00", "79");
	assert_memory_equal(flash + 1024 * 1024, data, 16);
	talk(b, "44 BB", "79");
	talk(b, "00 00 00 80 80", "79");
	assert_true(bytes_all(flash + 1024 * 1024, 16, 0xFF));
	sim_board_free(b);
}

static void test_sim_rom__voltage_range(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, NULL);
	uint8_t data[256] = {0};
	uint64_t slow, fast;

	talk(b, "7F", "79");
	talk_write(b, 0x08000000, data, 256);
	slow = sim_board_stats(b).flash_us;
	talk(b, "31 CE", "79");
	talk(b, "FF FF 00 00 00", "79");
	talk(b, "00 03 03", "79");
	talk_write(b, 0x08000100, data, 256);
	fast = sim_board_stats(b).flash_us - slow;
	assert_true(fast * 2 <= slow);
	sim_board_free(b);
	/* Elsewhere there is nothing at that address. */
	b = talk_board(0x435, 0, 0, NULL);
	talk(b, "7F", "79");
	talk(b, "31 CE", "79");
	talk(b, "FF FF 00 00 00", "1F");
	sim_board_free(b);
}

static void test_sim_rom__checksum(void **state)
{
	struct sim_board *b = talk_board(0x413, 0, 0, "quirk:checksum");
	uint8_t *flash = sim_board_flash(b, NULL);

	talk(b, "7F", "79");
	talk(b, "00 FF", "79 0C 33 00 01 02 11 21 31 44 63 73 82 92 A1 79");
	for (int i = 0; i < 8; i++)
		flash[i] = (uint8_t)i;
	talk(b, "A1 5E", "79");
	talk(b, "08 00 00 00 08", "79");
	talk(b, "00 00 00 02 02", "79");
	talk(b, "04 C1 1D B7 6F", "79");
	talk(b, "FF FF FF FF 00", "79 79 9C 08 80 8D 99");
	/* 256 bytes of ones; no words; outside. */
	talk(b, "A1 5E", "79");
	talk(b, "08 00 01 00 09", "79");
	talk(b, "00 00 00 40 40", "79");
	talk(b, "04 C1 1D B7 6F", "79");
	talk(b, "FF FF FF FF 00", "79 79 7B EA EA 80 FB");
	talk(b, "A1 5E", "79");
	talk(b, "08 00 01 00 09", "79");
	talk(b, "00 00 00 00 00", "1F");
	talk(b, "A1 5E", "79");
	talk(b, "08 00 01 00 09", "79");
	talk(b, "00 04 00 00 04", "1F");
	sim_board_free(b);
}

static void test_sim_rom__special(void **state)
{
	struct sim_board *b = talk_board(0x474, 0, 0, NULL);

	talk(b, "7F", "79");
	talk(b, "00 FF", "79 0A 40 00 01 02 11 21 31 44 50 63 73 79");
	talk(b, "82 7D", "1F");
	talk(b, "50 AF", "79");
	talk(b, "00 77 77", "1F");
	talk(b, "50 AF", "79");
	talk(b, "00 01 01", "79");
	talk(b, "00 81", "1F");
	talk(b, "50 AF", "79");
	talk(b, "00 01 01", "79");
	talk(b, "00 04 00 00 00 17 13", "79 00 00 00 01 00 79");
	talk(b, "7F", "79");
	talk(b, "11 EE", "79");
	sim_board_free(b);
}

static void test_sim_rom__quirks(void **state)
{
	struct sim_board *b = talk_board(0x464, 0, 0xD1, NULL);

	talk(b, "7F", "79 79"); /* L412 V13.1 */
	sim_board_free(b);

	/* F40x V3.0: no NACK for a bad address, the next two bytes are a command. */
	b = talk_board(0x413, 0, 0x30, NULL);
	talk(b, "7F", "79");
	talk(b, "11 EE", "79");
	talk(b, "00 00 00 00 00", "");
	talk(b, "02 FD", "79 01 04 13 79");
	sim_board_free(b);

	/* H74 V9.0: Get announces two too many, Go has no first ACK. */
	b = talk_board(0x450, 0, 0x90, NULL);
	talk(b, "7F", "79");
	talk(b, "00 FF", "79 0D 31 00 01 02 11 21 31 44 63 73 82 92 79");
	talk(b, "21 DE", "");
	talk(b, "08 00 00 00 08", "79");
	sim_board_free(b);

	/* F105/F107 say 2.0. */
	b = talk_board(0x418, 0, 0, NULL);
	talk(b, "7F", "79");
	talk(b, "01 FE", "79 20 00 00 79");
	sim_board_free(b);

	/* WB55 V13.5: open again only after a power cycle. */
	b = talk_board(0x495, 0, 0xD5, NULL);
	talk(b, "7F", "79");
	talk(b, "82 7D", "79 79");
	talk(b, "7F", "79");
	talk(b, "92 6D", "79 79");
	talk(b, "7F", "79");
	talk(b, "11 EE", "1F");
	sim_board_power(b, false);
	sim_board_power(b, true);
	talk(b, "7F", "79");
	talk(b, "11 EE", "79");
	sim_board_free(b);

	/* On demand: 1 ms for each byte, or it is lost. */
	b = talk_board(0x435, 0, 0, "quirk:byte-pacing");
	talk(b, "7F", "79");
	talk(b, "02 FD", "");
	talk(b, "FD", "79 01 04 35 79");
	sim_board_free(b);

	/* G07x V11.3: only the first page of several goes. */
	b = talk_board(0x460, 128, 0xB3, NULL);
	memset(sim_board_flash(b, NULL), 0x44, 8192);
	talk(b, "7F", "79");
	talk(b, "44 BB", "79");
	talk(b, "00 01 00 00 00 01 00", "79");
	assert_int_equal(sim_board_flash(b, NULL)[0], 0xFF);
	assert_int_equal(sim_board_flash(b, NULL)[2048], 0x44);
	sim_board_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_rom__identity),
		cmocka_unit_test(test_sim_rom__sync),
		cmocka_unit_test(test_sim_rom__sync_too_early_or_too_fast),
		cmocka_unit_test(test_sim_rom__read_and_write),
		cmocka_unit_test(test_sim_rom__no_time_out),
		cmocka_unit_test(test_sim_rom__probe_byte_streams),
		cmocka_unit_test(test_sim_rom__erase),
		cmocka_unit_test(test_sim_rom__extended_erase),
		cmocka_unit_test(test_sim_rom__overrun_while_busy),
		cmocka_unit_test(test_sim_rom__system_reads),
		cmocka_unit_test(test_sim_rom__go),
		cmocka_unit_test(test_sim_rom__readout_protection),
		cmocka_unit_test(test_sim_rom__level_2_is_silent_for_ever),
		cmocka_unit_test(test_sim_rom__write_protection),
		cmocka_unit_test(test_sim_rom__write_protection_in_option_words),
		cmocka_unit_test(test_sim_rom__option_write_loses_what_is_not_sent),
		cmocka_unit_test(test_sim_rom__empty_check),
		cmocka_unit_test(test_sim_rom__boot_source_in_option_bits),
		cmocka_unit_test(test_sim_rom__swapped_banks),
		cmocka_unit_test(test_sim_rom__voltage_range),
		cmocka_unit_test(test_sim_rom__checksum),
		cmocka_unit_test(test_sim_rom__special),
		cmocka_unit_test(test_sim_rom__quirks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
