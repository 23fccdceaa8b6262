/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_talk.c - see sim_talk.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_talk.h"

#define BYTE_US 96u

struct sim_board *talk_board(uint16_t pid, uint32_t flash_kib, uint8_t rom, const char *fault)
{
	struct sim_config cfg = {
		.chip = chip_find(pid),
		.flash_size = flash_kib * 1024,
		.rom_version = rom,
		.faults = &fault,
		.n_faults = fault == NULL ? 0 : 1,
		.seed = 7,
	};
	struct sim_board *b = NULL;
	struct err e = ERR_INIT;

	assert_non_null(cfg.chip);
	if (sim_board_new(&cfg, &b, &e) < 0)
		fail_msg("no board 0x%03x: %s", pid, e.msg);
	return b;
}

static size_t bytes_of(const char *text, uint8_t *ret, size_t max)
{
	size_t n = 0;
	char *end;

	while (*text != '\0') {
		unsigned long v = strtoul(text, &end, 16);

		if (end == text)
			break;
		assert_true(n < max && v <= 0xFF);
		ret[n++] = (uint8_t)v;
		text = end;
	}
	return n;
}

static void text_of(const uint8_t *p, size_t n, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && at + 4 < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s%02X", i == 0 ? "" : " ", p[i]);
}

static void send_packet(struct sim_board *b, const uint8_t *p, size_t n)
{
	uint64_t at = sim_board_busy_until(b) + 1000;

	for (size_t i = 0; i < n; i++)
		sim_uart_rx(b, p[i], at += BYTE_US);
}

static size_t take_reply(struct sim_board *b, uint8_t *ret, size_t max)
{
	uint64_t at;
	size_t n = 0;

	while (n < max && sim_uart_tx(b, &ret[n], &at))
		n++;
	return n;
}

void talk_at(const char *file, int line, struct sim_board *b, const char *packet, const char *reply)
{
	uint8_t sent[1024], got[1024];
	char got_text[3 * 1024];
	size_t n = bytes_of(packet, sent, sizeof(sent));

	send_packet(b, sent, n);
	n = take_reply(b, got, sizeof(got));
	text_of(got, n, got_text, sizeof(got_text));
	if (strcmp(got_text, reply) != 0) {
		print_error("sent \"%s\", got \"%s\" instead of \"%s\"\n", packet, got_text, reply);
		_fail(file, line);
	}
}

static uint8_t xor_of(const uint8_t *p, size_t n)
{
	uint8_t x = 0;

	for (size_t i = 0; i < n; i++)
		x ^= p[i];
	return x;
}

static void ask(struct sim_board *b, const uint8_t *p, size_t n)
{
	uint8_t got[4] = {0};

	send_packet(b, p, n);
	n = take_reply(b, got, sizeof(got));
	assert_int_equal(n, 1);
	assert_int_equal(got[0], 0x79);
}

static void send_address(struct sim_board *b, uint32_t addr)
{
	uint8_t p[5];

	put_be32(p, addr);
	p[4] = xor_of(p, 4);
	ask(b, p, 5);
}

void talk_write(struct sim_board *b, uint32_t addr, const uint8_t *data, size_t len)
{
	uint8_t p[258];

	assert_in_range(len, 1, 256);
	talk(b, "31 CE", "79");
	send_address(b, addr);
	p[0] = (uint8_t)(len - 1);
	memcpy(p + 1, data, len);
	p[len + 1] = xor_of(p, len + 1);
	ask(b, p, len + 2);
}

void talk_read(struct sim_board *b, uint32_t addr, uint8_t *ret, size_t len)
{
	uint8_t p[2] = {(uint8_t)(len - 1), (uint8_t) ~(len - 1)}, got[300];

	assert_in_range(len, 1, 256);
	talk(b, "11 EE", "79");
	send_address(b, addr);
	send_packet(b, p, 2);
	assert_int_equal(take_reply(b, got, sizeof(got)), len + 1);
	assert_int_equal(got[0], 0x79);
	memcpy(ret, got + 1, len);
}

void talk_option_word(struct sim_board *b, uint32_t addr, uint32_t *ret)
{
	uint8_t w[4];

	talk_read(b, addr, w, 4);
	*ret = get_le32(w);
}
