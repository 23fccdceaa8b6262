/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_dfu.c - the virtual USB device, request by request, as DFU 1.1, AN3156 and the quirks say
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/sim/sim_priv.h"
#include "../../src/sim/sim_usb.h"

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };

static struct host {
	struct sim_board *b;
	struct sim_usb *u;
	uint64_t now_us;
	uint8_t buf[4096];
	uint32_t actual;
} h;

static void open_kind(uint16_t pid, uint8_t rom, enum sim_usb_kind kind, const char *fault)
{
	const char *faults[] = {fault};
	struct sim_config cfg = {.chip = chip_find(pid),
		.rom_version = rom,
		.seed = 1,
		.faults = faults,
		.n_faults = fault != NULL};
	struct sim_usb_config usb = {.kind = kind, .plain_offset = 0x4000};

	assert_int_equal(sim_board_new(&cfg, &h.b, NULL), 0);
	usb.board = h.b;
	assert_int_equal(sim_usb_new(&usb, &h.u, NULL), 0);
	h.now_us = 0;
	assert_false(sim_usb_attached(h.u, h.now_us));
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
}

static void open_rom(uint16_t pid, uint8_t rom, const char *fault)
{
	open_kind(pid, rom, SIM_USB_ROM, fault);
}

static void shut(void)
{
	sim_usb_free(h.u);
	sim_board_free(h.b);
}

static enum sim_usb_result control(uint8_t type, uint8_t request, uint16_t value, uint16_t len)
{
	struct sim_usb_xfer x = {.data = h.buf, .now_us = h.now_us, .timeout_ms = 5000};
	enum sim_usb_result r;

	x.setup[0] = type;
	x.setup[1] = request;
	put_le16(x.setup + 2, value);
	put_le16(x.setup + 6, len);
	r = sim_usb_control(h.u, &x);
	h.now_us = x.done_us;
	h.actual = x.actual;
	return r;
}

static enum sim_usb_result out(uint8_t request, uint16_t value, uint16_t len)
{
	return control(0x21, request, value, len);
}

static enum sim_usb_result in(uint8_t request, uint16_t value, uint16_t len)
{
	return control(0xA1, request, value, len);
}

/* GETSTATUS must say so; returns the poll time. */
static uint32_t status(uint8_t state, uint8_t status)
{
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_OK);
	assert_int_equal(h.actual, 6);
	assert_int_equal(h.buf[4], state);
	assert_int_equal(h.buf[0], status);
	return h.buf[1] | (uint32_t)h.buf[2] << 8 | (uint32_t)h.buf[3] << 16;
}

static enum sim_usb_result command(uint8_t code, uint32_t addr, uint16_t len)
{
	h.buf[0] = code;
	put_le32(h.buf + 1, addr);
	return out(DNLOAD, 0, len);
}

/* A command to its end: state 5, or 10 with that status. */
static void done(uint8_t want)
{
	uint32_t poll_ms = status(4, 0);

	h.now_us += (uint64_t)poll_ms * 1000;
	status(want == 0 ? 5 : 10, want);
}

static void run_command(uint8_t code, uint32_t addr, uint16_t len, uint8_t want)
{
	assert_int_equal(command(code, addr, len), SIM_USB_OK);
	done(want);
}

static void block(uint16_t n, uint16_t len, uint8_t value, uint8_t want)
{
	memset(h.buf, value, len);
	assert_int_equal(out(DNLOAD, n, len), SIM_USB_OK);
	done(want);
}

static void to_idle(void)
{
	assert_int_equal(out(ABORT, 0, 0), SIM_USB_OK);
	status(2, 0);
}

static const char *string(uint8_t index)
{
	static char text[128];

	assert_int_equal(control(0x80, 6, (uint16_t)(0x0300 | index), 255), SIM_USB_OK);
	assert_int_equal(h.buf[0], h.actual);
	for (uint32_t i = 2; i < h.actual; i += 2)
		text[(i - 2) / 2] = (char)h.buf[i];
	text[(h.actual - 2) / 2] = '\0';
	return text;
}

static uint8_t flash_at(uint32_t off)
{
	return sim_board_flash(h.b, NULL)[off];
}

/* ---- descriptors ---- */

static void test_sim_dfu__descriptors(void **state)
{
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];
	size_t n;

	open_rom(0x413, 0, NULL);
	n = sim_usb_descriptors(h.u, d);
	assert_int_equal(n, 18 + 9 + 4 * 9 + 9);
	assert_int_equal(get_le16(d + 8), 0x0483);
	assert_int_equal(get_le16(d + 10), 0xDF11);
	assert_int_equal(get_le16(d + 12), 0x2200);
	assert_int_equal(get_le16(d + 18 + 2), n - 18);
	assert_memory_equal(d + 18 + 9, "\x09\x04\x00\x00\x00\xFE\x01\x02\x04", 9);
	assert_memory_equal(d + n - 9, "\x09\x21\x0B\xFF\x00\x00\x08\x1A\x01", 9);
	assert_string_equal(string(4), "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
	assert_string_equal(string(5), "@Option Bytes  /0x1FFFC000/01*016 e");
	assert_string_equal(string(6), "@OTP Memory /0x1FFF7800/01*512 e,01*016 e");
	assert_string_equal(string(7), "@Device Feature/0xFFFF0000/01*004 e");
	assert_string_equal(string(3), sim_usb_serial(h.u));
	assert_int_equal(strlen(sim_usb_serial(h.u)), 12);
	assert_int_equal(control(0x80, 6, 0x0308, 255), SIM_USB_STALL);
	assert_int_equal(control(0x01, 11, 3, 0), SIM_USB_OK);
	assert_int_equal(control(0x01, 11, 4, 0), SIM_USB_STALL);
	shut();

	open_rom(0x468, 0, NULL);
	n = sim_usb_descriptors(h.u, d);
	assert_int_equal(get_le16(d + n - 4), 1024);
	assert_string_equal(string(4), "@Internal Flash  /0x08000000/064*0002Kg");
	/* More than it can take: STALL and errSTALLEDPKT. */
	assert_int_equal(out(DNLOAD, 2, 1025), SIM_USB_STALL);
	status(10, 0x0F);
	shut();

	/* Old ROMs call zones erasable that are not. */
	open_rom(0x413, 0x30, NULL);
	assert_string_equal(string(5), "@Option Bytes  /0x1FFFC000/01*016 g");
	run_command(0x41, 0x1FFFC000, 5, 0x01);
	shut();
	open_rom(0x480, 0x90, NULL);
	assert_string_equal(string(4), "@Internal Flash  /0x08000000/1024*002Kg");
	shut();
}

/* Every chip that the table gives USB has maps that fit a descriptor and cover its flash. */
static void test_sim_dfu__every_chip(void **state)
{
	size_t chips = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		struct sim_config cfg = {.chip = c, .seed = 1};
		struct sim_usb_config usb = {0};
		struct sim_board *b;
		uint32_t total = 0;
		const char *p;

		if (sim_chip_supported(c, NULL) < 0)
			continue;
		assert_int_equal(sim_board_new(&cfg, &b, NULL), 0);
		usb.board = b;
		if (c->has_usb_dfu != CHIP_YES) {
			assert_int_equal(sim_usb_new(&usb, &h.u, NULL), ERR_UNSUPPORTED);
			sim_board_free(b);
			continue;
		}
		sim_board_free(b);
		open_rom(c->pid, 0, NULL);
		p = strchr(string(4), '/') + 1;
		assert_int_equal(strtoul(p, NULL, 16), c->flash_base);
		for (p = strchr(p, '/'); p != NULL; p = strchr(p, ',')) {
			unsigned count, size;
			char unit, letter;

			p++;
			assert_int_equal(sscanf(p, "%u*%u%c%c", &count, &size, &unit, &letter), 4);
			assert_true(letter == 'g' && (unit == 'K' || unit == ' '));
			total += count * size * (unit == 'K' ? 1024 : 1);
		}
		assert_int_equal(total, h.b->flash_size);
		shut();
		chips++;
	}
	printf("%zu chips\n", chips);
	assert_true(chips >= 45);
}

/* ---- DfuSe ---- */

static void test_sim_dfu__erase_write_read(void **state)
{
	uint32_t poll_ms;

	open_rom(0x413, 0, "quirk:-voltage-range");
	memset(sim_board_flash(h.b, NULL), 0, 0x8000);
	/* A DNLOAD alone does nothing. */
	assert_int_equal(command(0x41, 0x08004000, 5), SIM_USB_OK);
	to_idle();
	assert_int_equal(flash_at(0x4000), 0);
	run_command(0x41, 0x08004000, 5, 0);
	assert_int_equal(flash_at(0x4000), 0xFF);
	assert_int_equal(flash_at(0x3FFF), 0);
	run_command(0x21, 0x08004000, 5, 0);
	block(2, 2048, 0x11, 0);
	block(3, 2048, 0x22, 0);
	block(4, 12, 0x33, 0); /* short: still counted in transfer sizes */
	assert_int_equal(flash_at(0x4000), 0x11);
	assert_int_equal(flash_at(0x4800), 0x22);
	assert_int_equal(flash_at(0x5000), 0x33);
	assert_int_equal(flash_at(0x500C), 0xFF);
	/* UPLOAD straight after a command is refused. */
	assert_int_equal(in(UPLOAD, 2, 16), SIM_USB_STALL);
	status(10, 0x0F);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	status(2, 0);
	assert_int_equal(in(UPLOAD, 3, 2048), SIM_USB_OK);
	assert_int_equal(h.actual, 2048);
	assert_true(bytes_all(h.buf, 2048, 0x22));
	status(9, 0);
	to_idle();
	assert_int_equal(in(UPLOAD, 0, 64), SIM_USB_OK);
	assert_int_equal(h.actual, 4);
	assert_memory_equal(h.buf, "\x00\x21\x41\x92", 4);
	status(2, 0);
	/* Not erased: no error, and not what was sent. */
	run_command(0x21, 0x08004000, 5, 0);
	block(2, 16, 0xEE, 0);
	assert_int_equal(flash_at(0x4000), 0x11 & 0xEE);
	/* A mass erase on an F40x says 100 ms: the host that asks then waits in vain. */
	assert_int_equal(command(0x41, 0, 1), SIM_USB_OK);
	poll_ms = status(4, 0);
	assert_int_equal(poll_ms, 100);
	h.now_us += poll_ms * 1000;
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_TIMEOUT);
	h.now_us += 30000000;
	status(5, 0);
	assert_true(bytes_all(sim_board_flash(h.b, NULL), 0x8000, 0xFF));
	shut();
}

static void test_sim_dfu__refusals(void **state)
{
	open_rom(0x413, 0, NULL);
	run_command(0x21, 0x50000000, 5, 0x01);
	/* In dfuERROR nothing but a look and CLRSTATUS. */
	assert_int_equal(out(DNLOAD, 2, 16), SIM_USB_STALL);
	assert_int_equal(out(ABORT, 0, 0), SIM_USB_STALL);
	assert_int_equal(in(GETSTATE, 0, 1), SIM_USB_OK);
	assert_int_equal(h.buf[0], 10);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	run_command(0x41, 0x1FFF7800, 5, 0x01);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	run_command(0x77, 0, 1, 0x0F);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	block(1, 16, 0, 0x0F);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	/* Across the end of flash. */
	run_command(0x21, 0x080FFFF0, 5, 0);
	block(2, 32, 0, 0x01);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	/* CLRSTATUS where there is no error makes one. */
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	status(10, 0x0E);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	status(2, 0);
	/* Another interface, another direction. */
	assert_int_equal(control(0x21, GETSTATUS, 0, 6), SIM_USB_STALL);
	assert_int_equal(control(0xA1, DNLOAD, 0, 6), SIM_USB_STALL);
	shut();
}

static void test_sim_dfu__protection_and_options(void **state)
{
	static const uint8_t rdp1[16] = {
		0xFF, 0x00, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF};
	uint32_t generation;

	open_rom(0x413, 0, NULL);
	generation = sim_usb_generation(h.u);
	/* Option bytes: the answer to the first GETSTATUS is the last one. */
	run_command(0x21, 0x1FFFC000, 5, 0);
	memcpy(h.buf, rdp1, sizeof(rdp1));
	assert_int_equal(out(DNLOAD, 2, sizeof(rdp1)), SIM_USB_OK);
	status(4, 0);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_GONE);
	assert_false(sim_usb_attached(h.u, h.now_us));
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
	assert_int_equal(sim_usb_generation(h.u), generation + 1);
	/* Closed: vendor error for all that touches memory. */
	run_command(0x21, 0x08000000, 5, 0);
	block(2, 16, 0, 0x0B);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	run_command(0x41, 0x08000000, 5, 0x0B);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	assert_int_equal(in(UPLOAD, 2, 16), SIM_USB_STALL);
	status(10, 0x0B);
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	/* Read unprotect takes all with it, and the device. */
	memset(sim_board_flash(h.b, NULL), 0, 256);
	assert_int_equal(command(0x92, 0, 1), SIM_USB_OK);
	status(4, 0);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_GONE);
	assert_int_equal(flash_at(0), 0xFF);
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
	assert_int_equal(in(UPLOAD, 2, 16), SIM_USB_OK);
	shut();
}

static void put_program(uint32_t off)
{
	put_le32(sim_board_flash(h.b, NULL) + off, 0x20001000);
	put_le32(sim_board_flash(h.b, NULL) + off + 4, 0x08000001 + off + 0x200);
}

static void test_sim_dfu__leave(void **state)
{
	open_rom(0x431, 0, NULL);
	put_program(0);
	run_command(0x21, 0x08000000, 5, 0);
	assert_int_equal(out(DNLOAD, 2, 0), SIM_USB_OK);
	status(7, 0);
	h.now_us += 100000;
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_GONE);
	assert_true(sim_board_in_application(h.b));
	shut();

	/* No program: back in the ROM by a reset. F7 does not answer. */
	open_rom(0x449, 0, NULL);
	assert_int_equal(out(DNLOAD, 0, 0), SIM_USB_OK);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_TIMEOUT);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_GONE);
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
	assert_int_equal(sim_usb_generation(h.u), 2);
	shut();

	/* C071 wants the address before each leave. */
	for (int set = 0; set < 2; set++) {
		open_rom(0x493, 0, NULL);
		put_program(0);
		run_command(0x21, 0x08000800, 5, 0);
		block(2, 16, 0x55, 0);
		if (set)
			run_command(0x21, 0x08000000, 5, 0);
		assert_int_equal(out(DNLOAD, 2, 0), SIM_USB_OK);
		status(7, 0);
		h.now_us += 100000;
		sim_usb_attached(h.u, h.now_us);
		assert_int_equal(sim_board_in_application(h.b), set);
		shut();
	}
}

/* ---- quirks ---- */

static void test_sim_dfu__quirks_of_time(void **state)
{
	uint64_t from_us;
	uint32_t poll_ms;

	/* L4: too early is a STALL, and the time is too short. */
	open_rom(0x435, 0, NULL);
	command(0x41, 0x08000000, 5);
	poll_ms = status(4, 0);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_STALL);
	h.now_us += poll_ms * 1000;
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_STALL);
	h.now_us += poll_ms * 1000;
	status(5, 0);
	shut();
	/* F745: the answer comes after the erase. */
	open_rom(0x449, 0, NULL);
	command(0x41, 0x08000000, 5);
	from_us = h.now_us;
	status(4, 0);
	assert_true(h.now_us - from_us > 100000);
	status(5, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-poll-zero");
	command(0x41, 0x08000000, 5);
	assert_int_equal(status(4, 0), 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-poll-long");
	command(0x41, 0x08000000, 5);
	assert_true(status(4, 0) > 100000);
	shut();
	open_rom(0x431, 0, "quirk:dfu-set-address-slow");
	command(0x21, 0x08000000, 5);
	assert_int_equal(status(4, 0), 3000);
	shut();
	open_rom(0x431, 0, "quirk:dfu-answers-idle");
	command(0x41, 0x08000000, 5);
	assert_int_equal(status(5, 0), 0);
	shut();
	open_rom(0x415, 0, "quirk:dfu-slow-start");
	assert_true(h.now_us > 2500000);
	shut();
}

static void test_sim_dfu__quirks_of_state(void **state)
{
	open_rom(0x450, 0, "quirk:dfu-starts-busy");
	status(4, 0);
	assert_int_equal(out(ABORT, 0, 0), SIM_USB_STALL);
	out(CLRSTATUS, 0, 0);
	status(10, 0x0E);
	out(CLRSTATUS, 0, 0);
	status(2, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-stuck-busy");
	command(0x41, 0x08000000, 5);
	for (int i = 0; i < 10; i++) {
		status(4, 0);
		h.now_us += 10000000;
	}
	out(CLRSTATUS, 0, 0);
	out(CLRSTATUS, 0, 0);
	run_command(0x41, 0x08000000, 5, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-clrstatus-stall");
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_STALL);
	status(2, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-descriptor-hang");
	assert_int_equal(control(0x81, 6, 0x2100, 9), SIM_USB_TIMEOUT);
	status(2, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-serial-same");
	assert_string_equal(string(3), "STM32FxSTM32");
	shut();
	open_rom(0x431, 0, "quirk:dfu-gd32");
	assert_int_equal(control(0x80, 6, 0x0303, 255), SIM_USB_OK);
	assert_int_equal(h.actual, 14); /* one byte a character */
	shut();
	open_rom(0x431, 0, "quirk:dfu-short-upload");
	assert_int_equal(in(UPLOAD, 2, 2048), SIM_USB_OK);
	assert_int_equal(h.actual, 1024);
	status(2, 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-transfer-size-lies");
	assert_int_equal(out(DNLOAD, 2, 2048), SIM_USB_STALL);
	shut();
	open_rom(0x445, 0, "quirk:dfu-first-try-fails");
	for (int i = 0, failures = 0; i < 100; i++) {
		enum sim_usb_result r = in(GETSTATUS, 0, 6);

		failures += r == SIM_USB_ERROR;
		if (r == SIM_USB_ERROR)
			status(2, 0);
		assert_true(i < 99 || failures == 2);
	}
	shut();
}

static void test_sim_dfu__quirks_of_memory(void **state)
{
	open_rom(0x431, 0, "quirk:dfu-pointer-per-block");
	run_command(0x21, 0x08004000, 5, 0);
	block(2, 2048, 0x11, 0);
	block(3, 2048, 0x22, 0);
	assert_int_equal(flash_at(0x4000), 0x11);
	assert_int_equal(flash_at(0x4800), 0xFF);
	assert_int_equal(flash_at(0x0800), 0x22);
	shut();
	open_rom(0x431, 0, "quirk:dfu-block-by-length");
	run_command(0x21, 0x08004000, 5, 0);
	block(3, 64, 0x22, 0);
	assert_int_equal(flash_at(0x4040), 0x22);
	assert_int_equal(flash_at(0x4800), 0xFF);
	shut();
	open_rom(0x431, 0, "quirk:dfu-write-corrupts");
	run_command(0x21, 0x08004000, 5, 0);
	block(2, 264, 0x22, 0);
	assert_true(bytes_all(sim_board_flash(h.b, NULL) + 0x4000, 264, 0x22));
	block(3, 268, 0x22, 0);
	assert_false(bytes_all(sim_board_flash(h.b, NULL) + 0x4800, 264, 0x22));
	shut();
	/* F42x: bank 2 stays as it is; F767: another sector goes. */
	open_rom(0x419, 0x90, NULL);
	memset(sim_board_flash(h.b, NULL), 0, h.b->flash_size);
	run_command(0x41, 0x08100000, 5, 0);
	assert_int_equal(flash_at(0x100000), 0);
	shut();
	open_rom(0x431, 0, "quirk:dfu-mass-erase-broken");
	memset(sim_board_flash(h.b, NULL), 0, 256);
	run_command(0x41, 0, 1, 0);
	assert_int_equal(flash_at(0), 0);
	shut();
	/* U5 under RDP 1: writes are lost without a word. */
	open_rom(0x482, 0, NULL);
	assert_true(sim_option_set_rdp(h.b, 0x11));
	sim_option_load(h.b);
	run_command(0x21, 0x08000000, 5, 0);
	block(2, 16, 0, 0);
	assert_int_equal(flash_at(0), 0xFF);
	shut();
}

/* ---- faults ---- */

static void test_sim_dfu__faults(void **state)
{
	static const struct {
		const char *spec;
		enum sim_usb_result result;
	} rows[] = {
		{"drop@usb:2", SIM_USB_TIMEOUT},
		{"lose@usb:2", SIM_USB_TIMEOUT},
		{"stall@usb:2", SIM_USB_STALL},
		{"fail@usb:2", SIM_USB_ERROR},
		{"vanish@usb:2", SIM_USB_GONE},
		{"cut@usb:2", SIM_USB_GONE},
		{"stuck@usb:2", SIM_USB_TIMEOUT},
		{"garble@usb:2", SIM_USB_OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_rom(0x431, 0, rows[i].spec);
		status(2, 0);
		h.buf[0] = 0x41 ^ 0x20; /* only a flip makes it an erase */
		assert_int_equal(out(DNLOAD, 0, 1), rows[i].result);
		assert_int_equal(h.buf[0], 0x61);
		switch (rows[i].result) {
		case SIM_USB_GONE:
			assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_GONE);
			if (sim_board_powered(h.b))
				sim_board_replug(h.b);
			else
				sim_board_power(h.b, true);
			sim_usb_attached(h.u, h.now_us);
			h.now_us = sim_usb_attach_at(h.u);
			assert_true(sim_usb_attached(h.u, h.now_us));
			assert_int_equal(sim_usb_generation(h.u), 2);
			status(2, 0);
			break;
		case SIM_USB_OK: done(0); break;
		default:
			if (strncmp(rows[i].spec, "stuck", 5) == 0)
				assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_TIMEOUT);
			else if (strncmp(rows[i].spec, "lose", 4) == 0)
				done(0x0F); /* it was done after all */
			else
				status(2, 0);
		}
		shut();
	}
}

/* ---- the other devices ---- */

static void test_sim_dfu__runtime(void **state)
{
	struct sim_config cfg = {.chip = chip_find(0x431), .seed = 1, .boot0_low = true};
	struct sim_usb_config usb = {.kind = SIM_USB_RUNTIME};
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];
	struct sim_usb_xfer x = {.setup = {0x21, DETACH, 0xE8, 0x03, 1, 0, 0, 0}};
	size_t n;

	assert_int_equal(sim_board_new(&cfg, &h.b, NULL), 0);
	put_program(0);
	sim_board_reset(h.b);
	usb.board = h.b;
	assert_int_equal(sim_usb_new(&usb, &h.u, NULL), 0);
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
	n = sim_usb_descriptors(h.u, d);
	assert_int_equal(get_le16(d + 10), 0x5740);
	assert_int_equal(d[18 + 4], 2);            /* interfaces */
	assert_int_equal(d[18 + 9 + 9 + 1], 0x21); /* HID's */
	assert_memory_equal(d + n - 18, "\x09\x04\x01\x00\x00\xFE\x01\x01\x04\x09\x21\x03", 12);
	/* It waits for the bus reset, and goes on when none comes. */
	for (int i = 0; i < 2; i++) {
		x.now_us = h.now_us;
		assert_int_equal(sim_usb_control(h.u, &x), SIM_USB_OK);
		if (i == 0) {
			h.now_us += 1100000;
			sim_usb_bus_reset(h.u, h.now_us);
			assert_true(sim_usb_attached(h.u, h.now_us));
		}
	}
	h.now_us += 100000;
	sim_usb_bus_reset(h.u, h.now_us);
	assert_false(sim_usb_attached(h.u, h.now_us));
	h.now_us = sim_usb_attach_at(h.u);
	assert_true(sim_usb_attached(h.u, h.now_us));
	sim_usb_descriptors(h.u, d);
	assert_int_equal(get_le16(d + 10), 0xDF11);
	status(2, 0);
	shut();
}

static void test_sim_dfu__plain(void **state)
{
	uint8_t d[SIM_USB_DESCRIPTORS_MAX];
	size_t n;

	open_kind(0x431, 0, SIM_USB_PLAIN, NULL);
	memset(sim_board_flash(h.b, NULL), 0x77, 0x8000);
	n = sim_usb_descriptors(h.u, d);
	assert_memory_equal(d + n - 2, "\x10\x01", 2);
	assert_int_equal(out(DNLOAD, 0, 0), SIM_USB_STALL); /* nothing to manifest */
	assert_int_equal(out(CLRSTATUS, 0, 0), SIM_USB_OK);
	block(0, 2048, 0x11, 0);
	block(1, 100, 0x22, 0);
	assert_int_equal(flash_at(0x3FFF), 0x77); /* itself */
	assert_int_equal(flash_at(0x4000), 0x11);
	assert_int_equal(flash_at(0x4800), 0x22);
	put_program(0x4000);
	assert_int_equal(out(DNLOAD, 2, 0), SIM_USB_OK);
	status(7, 0);
	status(8, 0);
	assert_int_equal(in(GETSTATUS, 0, 6), SIM_USB_TIMEOUT);
	sim_usb_bus_reset(h.u, h.now_us);
	assert_false(sim_usb_attached(h.u, h.now_us));
	assert_true(sim_board_in_application(h.b));
	shut();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_dfu__descriptors),
		cmocka_unit_test(test_sim_dfu__every_chip),
		cmocka_unit_test(test_sim_dfu__erase_write_read),
		cmocka_unit_test(test_sim_dfu__refusals),
		cmocka_unit_test(test_sim_dfu__protection_and_options),
		cmocka_unit_test(test_sim_dfu__leave),
		cmocka_unit_test(test_sim_dfu__quirks_of_time),
		cmocka_unit_test(test_sim_dfu__quirks_of_state),
		cmocka_unit_test(test_sim_dfu__quirks_of_memory),
		cmocka_unit_test(test_sim_dfu__faults),
		cmocka_unit_test(test_sim_dfu__runtime),
		cmocka_unit_test(test_sim_dfu__plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
