/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_dfu_plain.c - giving a file to a plain DFU device, with a fault at every control transfer
 *
 * In process and on a virtual clock. Whatever the run with the fault says: if it says success the
 * device holds the file, and the same once more without a fault always ends in success. At no
 * moment does a device that stays start what is neither the old nor the new program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/dfu.h>

#include "../../src/sim/sim_priv.h"
#include "../support/sim_usb_link.h"

#define OFFSET 0x4000u
#define LEN    5000u

static struct bench {
	struct sim_board *b;
	struct sim_usb *u;
	uint64_t now_us;
	struct updater *updater;
	struct err e;
} w;

static uint8_t file[LEN];

static void make_file(uint32_t seed)
{
	for (size_t i = 0; i < sizeof(file); i++) {
		seed = seed * 1664525u + 1013904223u;
		file[i] = (uint8_t)(seed >> 24);
	}
	put_le32(file, 0x20001000);
	put_le32(file + 4, 0x08000000 + OFFSET + 0x201);
}

static void plug_in(struct sim_usb_config usb, const char *fault)
{
	const char *faults[] = {fault};
	struct sim_config cfg = {
		.chip = chip_find(0x431), .seed = 1, .faults = faults, .n_faults = fault != NULL};

	w = (struct bench){.e = ERR_INIT};
	usb.kind = SIM_USB_PLAIN;
	usb.plain_offset = OFFSET;
	assert_int_equal(0, sim_board_new(&cfg, &w.b, NULL));
	usb.board = w.b;
	assert_int_equal(0, sim_usb_new(&usb, &w.u, NULL));
}

static void unplug(void)
{
	sim_usb_free(w.u);
	sim_board_free(w.b);
}

static int open_updater(const struct dfu_options *opt)
{
	struct usb_link *link = NULL;
	struct target *t = NULL;
	int rc = sim_usb_link_open(w.u, &w.now_us, &link, &w.e);

	if (rc == 0)
		rc = dfu_target_new(link, opt, &t, &w.e);
	if (rc < 0)
		return rc;
	rc = t->ops->connect(t, NULL, &w.e);
	assert_int_not_equal(0, rc);
	if (rc == ERR_UNSUPPORTED && dfu_plain_is(t))
		rc = dfu_plain_open(t, &w.updater, &w.e);
	if (rc < 0)
		target_close(t);
	return rc;
}

static const struct updater_file the_file = {.name = "file",
	.data = file,
	.len = LEN,
	.vid = UPDATER_ANY_ID,
	.pid = UPDATER_ANY_ID,
	.release = UPDATER_ANY_ID};

static int give(const struct updater_file *f, struct updater_result *ret)
{
	struct dfu_options opt = DFU_OPTIONS_INIT;
	int rc;

	err_clear(&w.e);
	rc = open_updater(&opt);
	if (rc < 0)
		return rc;
	rc = w.updater->ops->send(w.updater, f, ret, &w.e);
	updater_close(w.updater);
	return rc;
}

static bool holds(const struct updater_file *f)
{
	return memcmp(sim_board_flash(w.b, NULL) + OFFSET, f->data, f->len) == 0;
}

static const struct {
	const char *what;
	struct sim_usb_config cfg;
	bool back; /* it can be read back afterwards */
} kinds[] = {
	{"stays", {.tolerant = true}, true},
	{"waits for a reset", {0}, false},
	{"leaves", {.leaves = true}, false},
	{"leaves, its program answers", {.leaves = true, .runtime_too = true}, false},
	{"mute", {.tolerant = true, .mute = true}, false},
};

static void test_dfu_plain__gives_a_file(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct updater_result r = {0};

		make_file(1);
		plug_in(kinds[k].cfg, NULL);
		assert_int_equal(0, give(&the_file, &r));
		assert_true(holds(&the_file));
		assert_int_equal(kinds[k].back ? UPDATER_READ_BACK : UPDATER_ACCEPTED, r.proof);
		/* Three transfers a block, two at the end, and what opening takes. */
		assert_true(sim_usb_stats(w.u).dnload == 4);
		assert_true(sim_usb_stats(w.u).stalls == 0);
		unplug();
	}
}

/* Somebody plugs it in again, or switches the power on; after a while it is there. */
static void help(void)
{
	if (sim_board_vanished(w.b))
		sim_board_replug(w.b);
	if (w.b->cpu == SIM_CPU_STUCK || !sim_board_powered(w.b) || w.b->cpu == SIM_CPU_APP) {
		sim_board_power(w.b, false);
		sim_board_power(w.b, true);
	}
	w.now_us += 1000000;
	sim_board_time(w.b, w.now_us);
}

static void one_fault(size_t k, const char *spec)
{
	struct updater_result r = {0};
	int rc;

	plug_in(kinds[k].cfg, NULL);
	make_file(7);
	assert_int_equal(0, give(&the_file, &r));
	unplug();
	plug_in(kinds[k].cfg, spec);
	make_file(8);
	rc = give(&the_file, &r);
	if (rc == 0 && !holds(&the_file))
		fail_msg("%s, %s: success, but the file is not there", kinds[k].what, spec);
	for (int again = 0; rc < 0 && again < 2; again++) {
		help();
		rc = give(&the_file, &r);
	}
	if (rc < 0)
		fail_msg("%s, %s: afterwards: %s", kinds[k].what, spec, w.e.msg);
	assert_true(holds(&the_file));
	unplug();
}

static void test_dfu_plain__a_fault_at_every_transfer(void **state)
{
	static const char *const faults[] = {
		"stall", "drop", "lose", "fail", "vanish", "cut", "stuck"};
	unsigned n = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (size_t f = 0; f < ARRAY_LEN(faults); f++) {
			for (unsigned at = 1; at <= 24; at++, n++) {
				char spec[32];

				snprintf(spec, sizeof(spec), "%s@usb:%u", faults[f], at);
				one_fault(k, spec);
			}
		}
	}
	print_message("%u places\n", n);
}

static void test_dfu_plain__power_cut_in_every_operation(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (unsigned at = 1; at < 1300; at += 37) {
			char spec[32];

			snprintf(spec, sizeof(spec), "cut@op:%u", at);
			one_fault(k, spec);
		}
	}
}

/* ---- what it is for, and where it goes ---- */

static void test_dfu_plain__ids_in_the_suffix(void **state)
{
	static const struct {
		uint16_t vid, pid, release;
		int rc;
	} rows[] = {
		{0x1209, 0x0001, 0x0200, 0},
		{0xFFFF, 0xFFFF, 0xFFFF, 0},
		{0x1209, 0x0002, 0xFFFF, ERR_IDENTITY},
		{0x0483, 0xFFFF, 0xFFFF, ERR_IDENTITY},
		{0x1209, 0x0001, 0x0201, ERR_IDENTITY},
	};

	(void)state;
	make_file(3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct updater_file f = the_file;
		struct updater_result r = {0};

		f.vid = rows[i].vid;
		f.pid = rows[i].pid;
		f.release = rows[i].release;
		plug_in((struct sim_usb_config){.tolerant = true}, NULL);
		assert_int_equal(rows[i].rc, give(&f, &r));
		assert_int_equal(rows[i].rc == 0, sim_usb_stats(w.u).dnload > 0);
		unplug();
	}
}

static void test_dfu_plain__sizes(void **state)
{
	static const size_t sizes[] = {512, 2047, 2048, 2049, 4096, LEN};

	(void)state;
	make_file(4);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct updater_file f = the_file;
		struct updater_result r = {0};

		f.len = sizes[i];
		plug_in((struct sim_usb_config){.tolerant = true}, NULL);
		assert_int_equal(0, give(&f, &r));
		assert_int_equal(UPDATER_READ_BACK, r.proof);
		assert_true(holds(&f));
		unplug();
	}
}

/* It says so itself, at the end or on the way; repeating would not help, and is not tried. */
static void test_dfu_plain__a_file_that_is_refused(void **state)
{
	struct updater_file f = the_file;
	struct updater_result r = {0};
	uint8_t *large = calloc(1, 1 << 20);

	(void)state;
	make_file(5);
	put_le32(file, 0x12345678); /* no stack there */
	plug_in((struct sim_usb_config){.tolerant = true}, NULL);
	assert_int_equal(ERR_VERIFY, give(&f, &r));
	assert_non_null(strstr(w.e.msg, "firmware on the device is damaged"));
	assert_int_equal(4, sim_usb_stats(w.u).dnload);
	f.data = large;
	f.len = 1 << 20; /* twice its flash */
	assert_int_equal(ERR_VERIFY, give(&f, &r));
	assert_non_null(strstr(w.e.msg, "address is out of range"));
	f.len = 0;
	assert_int_equal(ERR_FORMAT, give(&f, &r));
	unplug();
	free(large);
}

static void test_dfu_plain__places(void **state)
{
	struct dfu_options opt = DFU_OPTIONS_INIT;
	struct updater_result r = {0};

	(void)state;
	make_file(6);
	plug_in((struct sim_usb_config){.tolerant = true, .places = true}, NULL);
	assert_int_equal(ERR_USAGE, open_updater(&opt));
	assert_non_null(strstr(w.e.hint, "alt=1 Next application"));
	opt.has_alt = true;
	opt.alt = 1;
	assert_int_equal(0, open_updater(&opt));
	assert_string_equal("Next application", w.updater->info.memory);
	assert_int_equal(0, w.updater->ops->send(w.updater, &the_file, &r, &w.e));
	assert_true(holds(&the_file));
	updater_close(w.updater);
	unplug();
}

/* A byte of the first block turns over when the last block is there. */
static void spoil(void *ctx)
{
	uint8_t *flash = sim_board_flash(w.b, NULL) + OFFSET;

	(void)ctx;
	if (flash[LEN - 1] == file[LEN - 1])
		flash[10] = (uint8_t)(file[10] ^ 4);
}

/* The bytes come back wrong: that is no success, whatever the device said about its manifestation. */
static void test_dfu_plain__read_back_differs(void **state)
{
	struct updater_result r = {0};

	(void)state;
	make_file(9);
	plug_in((struct sim_usb_config){.tolerant = true}, NULL);
	sim_board_on_op(w.b, spoil, NULL);
	assert_int_equal(ERR_VERIFY, give(&the_file, &r));
	assert_non_null(strstr(w.e.msg, "byte 10 "));
	unplug();
	/* One reading that was garbled is read again. */
	plug_in((struct sim_usb_config){.tolerant = true}, "garble@usb:18:0x20");
	assert_int_equal(0, give(&the_file, &r));
	assert_int_equal(UPDATER_READ_BACK, r.proof);
	assert_int_equal(2 + 3, sim_usb_stats(w.u).upload);
	unplug();
}

static void test_dfu_plain__reads_all_of_it(void **state)
{
	struct dfu_options opt = DFU_OPTIONS_INIT;
	static uint8_t back[1 << 20];
	uint32_t size = 0;
	size_t n = 0;

	(void)state;
	plug_in((struct sim_usb_config){.tolerant = true}, NULL);
	memset(sim_board_flash(w.b, &size) + OFFSET, 0x3C, 100);
	assert_int_equal(0, open_updater(&opt));
	assert_int_equal(0, w.updater->ops->receive(w.updater, back, sizeof(back), &n, &w.e));
	assert_int_equal(size - OFFSET, n);
	assert_memory_equal(sim_board_flash(w.b, NULL) + OFFSET, back, n);
	updater_close(w.updater);
	unplug();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dfu_plain__gives_a_file),
		cmocka_unit_test(test_dfu_plain__a_fault_at_every_transfer),
		cmocka_unit_test(test_dfu_plain__power_cut_in_every_operation),
		cmocka_unit_test(test_dfu_plain__ids_in_the_suffix),
		cmocka_unit_test(test_dfu_plain__sizes),
		cmocka_unit_test(test_dfu_plain__a_file_that_is_refused),
		cmocka_unit_test(test_dfu_plain__places),
		cmocka_unit_test(test_dfu_plain__read_back_differs),
		cmocka_unit_test(test_dfu_plain__reads_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
