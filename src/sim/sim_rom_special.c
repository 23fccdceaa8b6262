/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom_special.c - Get Checksum and the special commands, on the ROMs that list them
 */
#include <string.h>

#include "sim_rom.h"

/* ---- Get Checksum: address, size, (UART) polynomial, initial value, each with its own ACK ---- */

/* The CRC unit: 32-bit little-endian words, most significant bit first, nothing reflected. */
static uint32_t crc_word(uint32_t crc, uint32_t word, uint32_t poly)
{
	crc ^= word;
	for (int i = 0; i < 32; i++)
		crc = (crc & 0x80000000) != 0 ? crc << 1 ^ poly : crc << 1;
	return crc;
}

static void checksum_reply(struct sim_board *b, uint32_t crc, uint32_t poly)
{
	uint8_t reply[5];

	for (uint32_t i = 0; i < b->rom.words; i++) {
		uint8_t w[4];

		for (uint32_t k = 0; k < 4; k++)
			w[k] = sim_read_byte(b, b->rom.addr + 4 * i + k);
		crc = crc_word(crc, get_le32(w), poly);
	}
	sim_spend(b, b->rom.words / 4); /* a quarter of a microsecond for each word */
	if (!sim_has(b, SQ_CHECKSUM_ONE_ACK))
		sim_rom_ack(b);
	put_be32(reply, crc);
	reply[4] = (uint8_t)(reply[0] ^ reply[1] ^ reply[2] ^ reply[3]);
	for (size_t i = 0; i < sizeof(reply); i++)
		sim_rom_send(b, reply[i]);
	sim_rom_idle(b);
}

static void on_checksum_init(struct sim_board *b)
{
	if (!sim_rom_xor_ok(b, 5)) {
		sim_rom_refuse(b);
		return;
	}
	sim_rom_ack(b);
	checksum_reply(b, get_be32(b->rom.buf), b->rom.poly);
}

static void on_checksum_poly(struct sim_board *b)
{
	if (!sim_rom_xor_ok(b, 5)) {
		sim_rom_refuse(b);
		return;
	}
	b->rom.poly = get_be32(b->rom.buf);
	sim_rom_ack(b);
	sim_rom_expect(b, 5, on_checksum_init);
}

/* I2C: polynomial and initial value cannot be chosen. */
static void i2c_checksum(struct sim_board *b)
{
	checksum_reply(b, 0xFFFFFFFF, 0x04C11DB7);
}

static void on_checksum_size(struct sim_board *b)
{
	/* In words on the UART, in bytes on I2C. */
	uint32_t size = get_be32(b->rom.buf), words = rom_on_i2c(b) ? size / 4 : size;
	uint64_t last = b->rom.addr + (uint64_t)words * 4 - 1;

	if (!sim_rom_xor_ok(b, 5) || words == 0 || last > UINT32_MAX ||
		(rom_on_i2c(b) && size % 4 != 0) || words > (uint32_t)(64u << 20) / 4 ||
		sim_region_of(b, (uint32_t)last) != sim_region_of(b, b->rom.addr)) {
		sim_rom_refuse(b);
		return;
	}
	b->rom.words = words;
	sim_rom_ack(b);
	if (rom_on_i2c(b))
		sim_rom_after(b, i2c_checksum);
	else
		sim_rom_expect(b, 5, on_checksum_poly);
}

static void on_checksum_address(struct sim_board *b)
{
	enum sim_region r;

	if (!sim_rom_take_address(b))
		return;
	r = sim_region_of(b, b->rom.addr);
	if (b->rom.addr % 4 != 0 || (r != SIM_FLASH && (r != SIM_RAM || rom_on_i2c(b)))) {
		sim_rom_bad_address(b);
		return;
	}
	sim_rom_ack(b);
	sim_rom_expect(b, 5, on_checksum_size);
}

void sim_rom_checksum(struct sim_board *b)
{
	sim_rom_expect(b, 5, on_checksum_address);
}

/* ---- Special and Extended Special ---- */

#define SPECIAL     0x50
#define EXT_SPECIAL 0x51

/* Does what was asked for with data[0..len). Returns the status byte. */
typedef uint8_t (*special_run)(struct sim_board *b, const uint8_t *data, uint32_t len);

static uint8_t set_product_state(struct sim_board *b, const uint8_t *data, uint32_t len)
{
	uint32_t state = 0;

	/* The byte order of the four is not told; the value has one byte. */
	for (uint32_t i = 0; i < len; i++)
		state |= data[i];
	return len == 4 && sim_option_set(b, "PRODUCT_STATE", state) ? 0 : 1;
}

static uint8_t just_reset(struct sim_board *b, const uint8_t *data, uint32_t len)
{
	return 0;
}

static uint8_t security_options(struct sim_board *b, const uint8_t *data, uint32_t len)
{
	switch (len == 0 ? 0xFF : data[len - 1]) {
	case 0: /* leave TrustZone */ return sim_option_set(b, "TZEN", 0) ? 0 : 1;
	case 1: /* RDP 1 to 0.5 */
		if (sim_rdp(b) != RDP_1 || sim_option_get(b, "TZEN", 0) == 0)
			return 1;
		return sim_option_set_rdp(b, 0x55) ? 0 : 1;
	default: return 1;
	}
}

static const struct {
	const char *series;
	uint8_t cmd;
	uint16_t opcode;
	special_run run;
} specials[] = {
	{"H5", SPECIAL, 0x01, set_product_state},
	{"H5", SPECIAL, 0x02, just_reset},
	{"L5", EXT_SPECIAL, 0x82, security_options},
	{"U5", EXT_SPECIAL, 0x82, security_options},
	{"U3", EXT_SPECIAL, 0x82, security_options},
	{"WBA", EXT_SPECIAL, 0x82, security_options},
};

static void reset_now(struct sim_board *b)
{
	if (rom_alive(b))
		sim_reset(b);
}

static void special_reply(struct sim_board *b)
{
	const uint8_t *data = b->rom.buf + 2;
	uint32_t len = get_be16(b->rom.buf);
	uint8_t status = 1;

	if (b->rom.cmd == EXT_SPECIAL) {
		data = b->rom.first_data;
		len = b->rom.first_len;
	}
	status = specials[b->rom.special].run(b, data, len);
	if (b->rom.cmd == SPECIAL) { /* no data of its own */
		sim_rom_send(b, 0x00);
		sim_rom_send(b, 0x00);
		sim_rom_apart(b);
	}
	sim_rom_send(b, 0x00);
	sim_rom_send(b, 0x01);
	sim_rom_send(b, status);
	sim_rom_ack(b);
	sim_rom_idle(b);
	if (status == 0)
		sim_rom_after(b, reset_now);
}

static void on_special_data(struct sim_board *b)
{
	if (!sim_rom_xor_ok(b, get_be16(b->rom.buf) + 3u)) {
		sim_rom_refuse(b);
		return;
	}
	sim_rom_ack(b);
	special_reply(b);
}

static void on_special_size(struct sim_board *b)
{
	uint32_t limit = b->rom.cmd == SPECIAL ? 128 : 1024;

	if (get_be16(b->rom.buf) > limit)
		sim_rom_refuse(b);
	else
		sim_rom_expect_more(b, get_be16(b->rom.buf) + 3u, on_special_data);
}

static void on_first_data(struct sim_board *b)
{
	uint32_t len = get_be16(b->rom.buf);

	if (!sim_rom_xor_ok(b, len + 3)) {
		sim_rom_refuse(b);
		return;
	}
	memcpy(b->rom.first_data, b->rom.buf + 2, len);
	b->rom.first_len = len;
	sim_rom_ack(b);
	sim_rom_expect(b, 2, on_special_size);
}

static void on_first_size(struct sim_board *b)
{
	if (get_be16(b->rom.buf) > sizeof(b->rom.first_data))
		sim_rom_refuse(b);
	else
		sim_rom_expect_more(b, get_be16(b->rom.buf) + 3u, on_first_data);
}

static void on_special_opcode(struct sim_board *b)
{
	uint16_t opcode = get_be16(b->rom.buf);
	size_t i = 0;

	while (i < ARRAY_LEN(specials) &&
		(specials[i].cmd != b->rom.cmd || specials[i].opcode != opcode ||
			strcmp(specials[i].series, b->chip->series) != 0))
		i++;
	if (!sim_rom_xor_ok(b, 3) || i == ARRAY_LEN(specials)) {
		sim_rom_refuse(b);
		return;
	}
	b->rom.special = i;
	sim_rom_ack(b);
	sim_rom_expect(b, 2, b->rom.cmd == SPECIAL ? on_special_size : on_first_size);
}

void sim_rom_special(struct sim_board *b)
{
	sim_rom_expect(b, 3, on_special_opcode);
}
