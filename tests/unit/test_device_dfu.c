/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_device_dfu.c - which chip is behind a bootloader that does not say it, and devices that lie
 *
 * Against a device made of a memory map and a few readable words, apart from the simulator: what is
 * readable, what it contains and what the descriptors say is a row of a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/device.h>
#include <stmota/dfu.h>

#define F4_MAP "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"

enum { IDLE = 2, SYNC = 3, BUSY = 4, DN_IDLE = 5, UP_IDLE = 9, ERROR = 10 };

struct word { /* two bytes that can be read */
	uint32_t addr;
	uint16_t value;
};

static struct fake {
	struct usb_link u; /* first */
	struct clock clock;
	uint64_t now_ms;
	const char *map;
	struct word words[4];
	bool closed;   /* read-out protection */
	bool restless; /* says something else each time it is read */
	uint8_t salt;
	uint8_t state, status;
	uint32_t pointer;
	struct target *t;
	struct err e;
} w;

/* ---- the device ---- */

static bool byte_at(uint32_t addr, uint8_t *ret)
{
	if (addr >= 0x1FFF0000 && addr < 0x1FFF7800)
		*ret = 0x55; /* its ROM: no id of a bootloader */
	else if (addr >= 0x1FF1E000 && addr < 0x1FF1F000)
		*ret = 0x43; /* H7: ROM and registers */
	else if (addr >= 0x1FFF7800 && addr < 0x1FFFD000)
		*ret = 0xA5;
	else
		return false;
	for (size_t i = 0; i < ARRAY_LEN(w.words); i++)
		if (addr - w.words[i].addr < 2)
			*ret = (uint8_t)(w.words[i].value >> 8 * (addr - w.words[i].addr));
	if (w.restless)
		*ret = (uint8_t)(*ret ^ ++w.salt);
	return true;
}

static int refuse(uint8_t status, struct err *e)
{
	w.state = ERROR;
	w.status = status;
	return err_set(e, ERR_NACK, "stall");
}

static int download(const struct usb_setup *p, const uint8_t *d, struct err *e)
{
	uint8_t b;

	if (w.state != IDLE && w.state != DN_IDLE)
		return refuse(0x0F, e);
	/* Nothing but the address pointer is ever set while the chip is found out. */
	assert_int_equal(0, p->value);
	assert_int_equal(5, p->length);
	assert_int_equal(0x21, d[0]);
	w.pointer = get_le32(d + 1);
	w.state = SYNC;
	w.status = byte_at(w.pointer, &b) || w.pointer == 0x08000000 ? 0 : 1;
	return 0;
}

static int upload(const struct usb_setup *p, uint8_t *d, uint16_t *ret_len, struct err *e)
{
	static const uint8_t commands[] = {0x00, 0x21, 0x41, 0x92};

	if (w.state != IDLE && w.state != UP_IDLE)
		return refuse(0x0F, e);
	if (p->value == 0) {
		memcpy(d, commands, sizeof(commands));
		*ret_len = sizeof(commands);
		return 0;
	}
	if (w.closed)
		return refuse(0x0B, e);
	for (uint32_t i = 0; i < p->length; i++)
		if (!byte_at(w.pointer + (p->value - 2u) * 2048 + i, &d[i]))
			return refuse(0x01, e);
	*ret_len = p->length;
	w.state = UP_IDLE;
	return 0;
}

static void get_status(uint8_t *d, uint16_t *ret_len)
{
	if (w.state == SYNC)
		w.state = w.status == 0 ? DN_IDLE : ERROR;
	memset(d, 0, 6);
	d[0] = w.state == ERROR ? w.status : 0;
	d[4] = w.state;
	*ret_len = 6;
}

static void string(uint8_t *d, uint16_t *ret_len)
{
	size_t n = strlen(w.map);

	d[0] = (uint8_t)(2 + 2 * n);
	d[1] = 3;
	for (size_t i = 0; i < n; i++)
		put_le16(d + 2 + 2 * i, (uint8_t)w.map[i]);
	*ret_len = d[0];
}

static int fake_control(struct usb_link *u, const struct usb_setup *p, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	(void)u;
	(void)timeout_ms;
	*ret_len = 0;
	if (p->request_type == 0x80) {
		string(data, ret_len);
		return 0;
	}
	switch (p->request) {
	case 1: return download(p, data, e);
	case 2: return upload(p, data, ret_len, e);
	case 3: get_status(data, ret_len); return 0;
	case 4:
	case 6: w.state = IDLE; return 0;
	default: return refuse(0x0F, e);
	}
}

static int fake_none(struct usb_link *u, uint8_t alt, struct err *e)
{
	(void)u;
	(void)alt;
	(void)e;
	return 0;
}

static void fake_close(struct link *l)
{
	(void)l;
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return w.now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	(void)ctx;
	w.now_ms += ms;
}

static const struct link_ops link_ops = {.name = "fake", .close = fake_close};
static const struct usb_ops usb_ops = {.control = fake_control, .set_alt = fake_none};

static void open_fake(const char *map, const struct word *words, size_t n)
{
	w = (struct fake){.map = map, .state = IDLE, .e = ERR_INIT};
	w.clock = (struct clock){NULL, now_ms, sleep_ms};
	w.u.link = (struct link){.ops = &link_ops, .clock = &w.clock, .name = "fake"};
	w.u.ops = &usb_ops;
	w.u.dfu = (struct dfu_descriptor){.vid = 0x0483,
		.pid = 0xDF11,
		.bcd_device = 0x2200,
		.dfuse = true,
		.alts = {{0, 4}},
		.n_alts = 1,
		.has_functional = true,
		.attributes = 0x0B,
		.transfer_size = 2048,
		.version = 0x011A};
	memcpy(w.words, words, n * sizeof(*words));
	for (size_t i = n; i < ARRAY_LEN(w.words); i++)
		w.words[i].addr = 0xFFFFFF00;
	assert_int_equal(0, dfu_target_new(&w.u, NULL, &w.t, &w.e));
	assert_int_equal(0, w.t->ops->connect(w.t, NULL, &w.e));
}

#define OPEN(map, words) open_fake(map, words, ARRAY_LEN(words))

static bool is_candidate(uint16_t pid)
{
	for (size_t i = 0; i < w.t->info.n_candidates; i++)
		if (w.t->info.candidates[i]->pid == pid)
			return true;
	return false;
}

/* F405 with 1 MB, ROM 9.1 */
static const struct word f405[] = {{0x1FFF7A22, 1024}, {0x1FFF77DE, 0x9191}};

/* ---- what fits ---- */

static void test_device_dfu__map_size_and_id(void **state)
{
	(void)state;
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
	/* F2 and F4 with this map; the one whose table lists the id comes first. */
	assert_true(w.t->info.n_candidates >= 1);
	assert_int_equal(0x413, w.t->info.chip->pid);
	assert_true(is_candidate(0x413));
	assert_false(is_candidate(0x423)); /* F401 has 256 KiB at most */
	assert_false(is_candidate(0x450));
	assert_int_equal(w.t->info.n_candidates == 1 ? 0x413 : 0, w.t->info.pid);
	target_close(w.t);
}

/* AN2606 has the id of F40x and of F42x 256 bytes apart: one reading for both, twice. */
static void test_device_dfu__ids_are_read_together(void **state)
{
	uint32_t before;

	(void)state;
	OPEN(F4_MAP, f405);
	before = w.u.n_transfers;
	assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
	/* Two facts, each an address, an ABORT and two readings; an ABORT between them. */
	assert_int_equal(2 * (2 + 1 + 2) + 1, w.u.n_transfers - before);
	target_close(w.t);
}

static void test_device_dfu__wanted_and_hint(void **state)
{
	(void)state;
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, "0x413", 0, &w.e));
	assert_int_equal(0x413, w.t->info.pid);
	assert_int_equal(1, w.t->info.n_candidates);
	target_close(w.t);

	/* It cannot be that one: what it may be is named. */
	OPEN(F4_MAP, f405);
	assert_int_equal(ERR_IDENTITY, device_identify(w.t, "0x450", 0, &w.e));
	assert_non_null(strstr(w.e.msg, "this is not"));
	assert_non_null(strstr(w.e.msg, "0x413"));
	target_close(w.t);

	/* What firmware is for decides only among those that fit. */
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, NULL, 0x413, &w.e));
	assert_int_equal(0x413, w.t->info.pid);
	target_close(w.t);
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, NULL, 0x450, &w.e));
	assert_int_equal(0x413, w.t->info.chip->pid);
	target_close(w.t);
}

/* Unique id and flash size of H7 are 130 bytes apart: more than is handed on. */
static void test_device_dfu__what_is_handed_on(void **state)
{
	static const struct word h743[] = {{0x1FF1E880, 2048}, {0x1FF1E7FE, 0x9191}};
	const struct target_info *info;

	(void)state;
	OPEN("@Internal Flash /0x08000000/16*128Kg", h743);
	info = &w.t->info;
	assert_int_equal(0, device_identify(w.t, "0x450", 0, &w.e));
	assert_int_equal(0x450, info->pid);
	assert_int_equal(0x91, info->boot_id);
	assert_int_equal(0, info->protocol);
	assert_true(info->agreed.len <= sizeof(info->agreed.data));
	assert_int_equal(1, info->commands[0x41]);
	assert_string_equal("dfu", info->transport);
	target_close(w.t);
}

/* bcdDevice is the protocol on F4 and something else elsewhere: it decides nothing. */
static void test_device_dfu__release_decides_nothing(void **state)
{
	static const uint16_t releases[] = {0x0000, 0x0200, 0x0413, 0x0450, 0xFFFF};
	size_t n;

	(void)state;
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
	n = w.t->info.n_candidates;
	target_close(w.t);
	for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
		OPEN(F4_MAP, f405);
		w.u.dfu.bcd_device = releases[i];
		assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
		assert_int_equal(n, w.t->info.n_candidates);
		assert_int_equal(0x413, w.t->info.chip->pid);
		target_close(w.t);
	}
}

/* A protected device tells no more than its map: all that fit it. */
static void test_device_dfu__protected(void **state)
{
	size_t open_n;

	(void)state;
	OPEN(F4_MAP, f405);
	assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
	open_n = w.t->info.n_candidates;
	target_close(w.t);
	OPEN(F4_MAP, f405);
	w.closed = true;
	assert_int_equal(0, device_identify(w.t, NULL, 0, &w.e));
	assert_true(w.t->info.n_candidates >= open_n);
	assert_true(is_candidate(0x413));
	target_close(w.t);
}

/* ---- what does not ---- */

static void test_device_dfu__maps_of_no_chip(void **state)
{
	static const char *const maps[] = {
		"@Internal Flash  /0x08000000/03*005Kg",
		"@Internal Flash  /0x08000000/64*001Mg",
		"@Internal Flash  /0x09000000/04*016Kg,01*064Kg,07*128Kg",
		"@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*127Kg",
		"@Internal Flash  /0x08000000/04*016Ka,01*064Ka,07*128Ka",
		"@Option Bytes  /0x1FFFC000/01*016 e",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		OPEN(maps[i], f405);
		assert_int_equal(ERR_IDENTITY, device_identify(w.t, NULL, 0, &w.e));
		assert_non_null(strstr(w.e.msg, "no chip of the table"));
		target_close(w.t);
	}
}

static void test_device_dfu__size_register_lies(void **state)
{
	static const uint16_t sizes[] = {0, 0xFFFF, 4096, 3};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct word words[] = {{0x1FFF7A22, sizes[i]}, {0x1FFF77DE, 0x9191}};

		OPEN(F4_MAP, words);
		/* Nobody whose register that is may stay. */
		if (device_identify(w.t, NULL, 0, &w.e) == 0)
			assert_false(is_candidate(0x413));
		target_close(w.t);
	}
}

static void test_device_dfu__two_readings_differ(void **state)
{
	(void)state;
	OPEN(F4_MAP, f405);
	w.restless = true;
	assert_int_equal(ERR_IDENTITY, device_identify(w.t, NULL, 0, &w.e));
	assert_non_null(strstr(w.e.msg, "two readings"));
	target_close(w.t);
}

/* A wrong map is forgiven only the bootloaders that are known for one. */
static void test_device_dfu__wrong_map_only_where_known(void **state)
{
	static const struct word h723[] = {{0x1FF1E880, 1024}, {0x1FF1E7FE, 0x9393}};

	(void)state;
	/* F4's sectors in another size, all of one kind: none of F4 is taken for it. */
	OPEN("@Internal Flash  /0x08000000/512*002Kg", h723);
	if (device_identify(w.t, "0x413", 0, &w.e) == 0)
		fail_msg("pages of 2 KiB were taken for the sectors of an F4");
	target_close(w.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_dfu__map_size_and_id),
		cmocka_unit_test(test_device_dfu__ids_are_read_together),
		cmocka_unit_test(test_device_dfu__wanted_and_hint),
		cmocka_unit_test(test_device_dfu__what_is_handed_on),
		cmocka_unit_test(test_device_dfu__release_decides_nothing),
		cmocka_unit_test(test_device_dfu__protected),
		cmocka_unit_test(test_device_dfu__maps_of_no_chip),
		cmocka_unit_test(test_device_dfu__size_register_lies),
		cmocka_unit_test(test_device_dfu__two_readings_differ),
		cmocka_unit_test(test_device_dfu__wrong_map_only_where_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
