/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_updater.c - the virtual updaters do what was seen of the real ones, faults of theirs too
 *
 * In process, with a virtual clock. The transfers are made by our own sender here; lrzsz makes them
 * in tests/cli/sim_updater.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/ymodem.h>

#include "../support/sim_link.h"

#define COUNTS_8 (1u << YMODEM_COUNTS_8_BITS)
#define NAK_IS   (1u << YMODEM_NAK_IS_NUMBER)

struct desk { /* a person at a terminal */
	struct sim_board *b;
	struct link *l;
	char heard[16384];
	size_t n;
};

static void sit_down_with(struct desk *d, const char *updater, const char *const *faults, size_t n)
{
	struct sim_config cfg = {
		.updater = updater, .boot0_low = true, .seed = 1, .faults = faults, .n_faults = n};
	const struct sim_link_config link = {.boot0_low = true, .lines = true};
	struct err e = ERR_INIT;

	memset(d, 0, sizeof(*d));
	assert_int_equal(sim_updater_chip(updater, &cfg.chip, &e), 0);
	if (sim_board_new(&cfg, &d->b, &e) != 0)
		fail_msg("%s: %s", updater, e.msg);
	d->l = sim_link_new(d->b, &link);
	assert_non_null(d->l);
}

static void sit_down(struct desk *d, const char *updater)
{
	sit_down_with(d, updater, NULL, 0);
}

static void get_up(struct desk *d)
{
	link_close(d->l);
	sim_board_free(d->b);
}

/* Listens until nothing has come for so long. */
static void listen(struct desk *d, uint32_t ms)
{
	uint8_t byte;

	while (d->n + 1 < sizeof(d->heard) && d->l->ops->read(d->l, &byte, 1, ms, NULL) == 0)
		d->heard[d->n++] = byte == 0 ? ' ' : (char)byte;
	d->heard[d->n] = '\0';
}

static void forget(struct desk *d)
{
	d->n = 0;
	d->heard[0] = '\0';
}

/* What was printed since the last key. */
static void hears(struct desk *d, const char *text)
{
	listen(d, 50);
	if (strstr(d->heard, text) == NULL)
		fail_msg("not printed: %s; but: %s", text, d->heard);
}

static void hears_not(struct desk *d, const char *text)
{
	listen(d, 50);
	if (strstr(d->heard, text) != NULL)
		fail_msg("printed: %s", text);
}

static void press(struct desk *d, char key)
{
	listen(d, 50);
	forget(d);
	sim_link_wait_us(d->l, 50000);
	assert_int_equal(d->l->ops->write(d->l, &key, 1, NULL), 0);
}

/* A program for `base` that says what it is. */
static void make_image(uint8_t *p, size_t len, uint32_t base, uint32_t sp, const char *text)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + len);
	put_le32(p, sp);
	put_le32(p + 4, base + 0x101);
	snprintf((char *)p + 512, 200, "%s", text);
}

static int transfer(struct desk *d, const uint8_t *data, size_t len, unsigned traits)
{
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	struct ymodem_file f = {"fw.bin", data, len};
	struct ymodem_report r;
	struct err e = ERR_INIT;
	int rc;

	listen(d, 50);
	forget(d);
	opt.traits = traits;
	rc = ymodem_send(d->l, &f, 1, &opt, &r, &e);
	/* The words of a device that has given up are in the hint. */
	snprintf(d->heard, sizeof(d->heard), "%s\n%s", r.text, e.hint);
	d->n = strlen(d->heard);
	return rc;
}

/* ---- all of them ---- */

static void test_sim_updater__each_speaks_and_survives_any_key(void **state)
{
	const struct chip *c;
	const char *what, *name;

	for (size_t i = 0; (name = sim_updater_name(i, &what, &c)) != NULL; i++) {
		struct desk d;

		sit_down(&d, name);
		listen(&d, 4000);
		assert_true(d.n > 0);
		for (int key = 0; key < 256; key++) {
			press(&d, (char)key);
			listen(&d, 20);
			if (!sim_board_in_application(d.b))
				fail_msg("%s: key %02X", name, (unsigned)key);
		}
		sim_board_reset(d.b);
		forget(&d);
		listen(&d, 4000);
		assert_true(d.n > 0);
		get_up(&d);
	}
}

/* ---- ST's IAP ---- */

static const struct {
	const char *name;
	uint32_t app;
	bool mask_128k; /* RAM of this chip goes beyond what the mask lets through */
} iaps[] = {{"iap-f0", 0x4000, 0}, {"iap-f1", 0x4000, 0}, {"iap-f3", 0x4000, 0},
	{"iap-f4", 0x8000, 1}, {"iap-f7", 0x8000, 1}, {"iap-h7", 0x20000, 1},
	{"iap-l4", 0x8000, 0}};

static void test_sim_updater_iap__download_execute(void **state)
{
	uint8_t image[3000];

	for (size_t i = 0; i < ARRAY_LEN(iaps); i++) {
		uint32_t base = 0x08000000 + iaps[i].app;
		const uint8_t *flash;
		struct desk d;

		make_image(image, sizeof(image), base, 0x20001000, "stmota-sim says: hello");
		sit_down(&d, iaps[i].name);
		hears(&d, "In-Application Programming Application");
		press(&d, 'x');
		hears(&d, "should be either 1, 2, 3 or 4");
		press(&d, '1');
		hears(&d, "(press 'a' to abort)");
		assert_int_equal(transfer(&d, image, sizeof(image), NAK_IS), 0);
		hears(&d, "Programming Completed Successfully!");
		hears(&d, "Name: fw.bin");
		hears(&d, "Size: 3000 Bytes");
		flash = sim_board_flash(d.b, NULL) + iaps[i].app;
		assert_memory_equal(flash, image, sizeof(image));
		assert_int_equal(flash[3071], 0x1A); /* the padding is programmed too */
		assert_int_equal(flash[3072], 0xFF);
		press(&d, '3');
		hears(&d, "Start program execution......");
		hears(&d, "hello");
		press(&d, '1');
		hears_not(&d, "Waiting");
		get_up(&d);
	}
}

/* The stack check at reset refuses a good program with much RAM; key 3 starts it. */
static void test_sim_updater_iap__stack_mask(void **state)
{
	static const char *const released[] = {"quirk:button-released"};
	uint8_t image[2000];

	for (size_t i = 0; i < ARRAY_LEN(iaps); i++) {
		uint32_t base = 0x08000000 + iaps[i].app;
		struct desk d;

		for (int large = 0; large < (iaps[i].mask_128k ? 2 : 1); large++) {
			make_image(image, sizeof(image), base, large ? 0x20020000 : 0x20001000,
				"stmota-sim says: hello");
			sit_down_with(&d, iaps[i].name, released, 1);
			hears(&d, "Main Menu");
			press(&d, '1');
			assert_int_equal(transfer(&d, image, sizeof(image), NAK_IS), 0);
			listen(&d, 50);
			forget(&d);
			sim_board_reset(d.b);
			if (large) {
				hears(&d, "Main Menu");
				press(&d, '3');
			} else {
				hears_not(&d, "Main Menu");
			}
			hears(&d, "hello");
			get_up(&d);
		}
	}
}

/* Block 256 is taken for a header where the counter has 8 bits; what comes of it, by its byte. */
static void test_sim_updater_iap__block_256(void **state)
{
	uint8_t *image = malloc(263000);

	for (size_t i = 0; i < ARRAY_LEN(iaps); i++) {
		bool good =
			strcmp(iaps[i].name, "iap-f4") == 0 || strcmp(iaps[i].name, "iap-h7") == 0;
		bool stale = strcmp(iaps[i].name, "iap-f7") != 0; /* looks at the file before */

		for (int zero = 0; zero < 2; zero++) {
			uint32_t size;
			uint8_t *flash;
			struct desk d;
			int rc;

			make_image(image, 263000, 0x08000000 + iaps[i].app, 0x20001000, "x");
			image[255 * 1024] = zero ? 0 : 'n';
			sit_down(&d, iaps[i].name);
			flash = sim_board_flash(d.b, &size);
			press(&d, '1');
			/* The first 256 KiB end before the image does; what is too much is dropped. */
			rc = transfer(&d, image, 263000, NAK_IS);
			listen(&d, 30000);
			flash += iaps[i].app;
			if (good) {
				assert_int_equal(rc, 0);
				assert_memory_equal(flash, image, 263000);
			} else if (zero) {
				hears(&d, "Successfully!"); /* it is not */
			} else if (stale) {
				hears(&d, "higher than the allowed space memory!");
				assert_true(bytes_all(flash, 4096, 0xFF));
			} else {
				assert_true(bytes_all(flash, 4096, 0xFF)); /* erased, not written */
			}
			get_up(&d);
		}
	}
	free(image);
}

static void test_sim_updater_iap__size_limits(void **state)
{
	uint8_t *image = malloc(0x1FA000);
	struct desk d;

	make_image(image, 0x1FA000, 0x08008000, 0x20001000, "x");
	/* Without a check: the end is dropped, and success is claimed. */
	sit_down(&d, "iap-f0");
	press(&d, '1');
	assert_int_equal(transfer(&d, image, 0x3C000 + 1000, NAK_IS), 0);
	hears(&d, "Completed Successfully!");
	get_up(&d);
	/* With one: CAN CAN, and it erases all the same. */
	sit_down(&d, "iap-f4");
	memset(sim_board_flash(d.b, NULL) + 0x8000, 0x11, 1024);
	press(&d, '1');
	assert_int_not_equal(transfer(&d, image, 0x1FA000, NAK_IS), 0);
	listen(&d, 30000);
	hears(&d, "higher than the allowed space memory!");
	assert_true(bytes_all(sim_board_flash(d.b, NULL) + 0x8000, 1024, 0xFF));
	get_up(&d);
	free(image);
}

static void test_sim_updater_iap__write_protection(void **state)
{
	uint8_t image[3000];

	for (size_t i = 0; i < ARRAY_LEN(iaps); i++) {
		struct desk d;

		make_image(image, sizeof(image), 0x08000000 + iaps[i].app, 0x20001000, "x");
		sit_down(&d, iaps[i].name);
		hears(&d, "Enable the write protection");
		press(&d, '4');
		hears(&d, "Write Protection enabled...");
		hears(&d, "System will now restart...");
		hears(&d, "Disable the write protection");
		press(&d, '1');
		assert_int_not_equal(transfer(&d, image, sizeof(image), NAK_IS), 0);
		listen(&d, 1000);
		hears(&d, "Verification failed!");
		press(&d, '4');
		hears(&d, "Write Protection disabled...");
		press(&d, '1');
		assert_int_equal(transfer(&d, image, sizeof(image), NAK_IS), 0);
		get_up(&d);
	}
}

/* ---- X-CUBE-DBFU ---- */

static const char *const dbfus[] = {"x-cube-dbfu-l4", "x-cube-dbfu-g4", "x-cube-dbfu-l0"};

/* ST's order, and the banner at each step. */
static void test_sim_updater_dbfu__an4767(void **state)
{
	uint8_t image[20000];

	make_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim version: 7.1.2");
	for (size_t i = 0; i < ARRAY_LEN(dbfus); i++) {
		struct desk d;
		uint32_t size;
		const uint8_t *flash;

		sit_down(&d, dbfus[i]);
		flash = sim_board_flash(d.b, &size);
		hears(&d, "Program running from Bank 1");
		hears(&d, "System ROM bank selection deactivated");
		press(&d, '4');
		hears(&d, "Failure!");
		press(&d, '5');
		hears(&d, "Failure!");
		press(&d, '1');
		assert_int_equal(transfer(&d, image, sizeof(image), NAK_IS | COUNTS_8), 0);
		hears(&d, "Erasing bank 2.");
		hears(&d, "Programming Completed Successfully!");
		assert_memory_equal(flash + size / 2, image, sizeof(image));
		press(&d, '4');
		hears(&d, i == 1 ? "Other bank check passed." : "Success!");
		press(&d, '5');
		hears(&d, "(Version 7.1.2)");
		hears(&d, "Program running from Bank 2");
		/* Only until the next reset. */
		sim_board_reset(d.b);
		forget(&d);
		hears(&d, "Program running from Bank 1");
		hears_not(&d, "7.1.2");
		press(&d, '6');
		hears(&d, "Demo will reboot");
		hears(&d, "Program running from Bank 2");
		hears(&d, "System ROM bank selection active");
		press(&d, '3');
		listen(&d, 60000);
		hears(&d, "Copying new content");
		hears(&d, "Success!");
		assert_memory_equal(flash, image, sizeof(image));
		press(&d, '6');
		hears(&d, "Program running from Bank 1");
		hears(&d, "(Version 7.1.2)");
		hears(&d, "deactivated");
		press(&d, '2');
		hears(&d, "Erasing bank 2.");
		hears(&d, "Success!");
		/* A bank that holds nothing: the ROM goes on with the other one. */
		press(&d, '6');
		hears(&d, "Program running from Bank 1");
		hears(&d, "System ROM bank selection active");
		get_up(&d);
	}
}

/* Whatever is cut: a program with the menu runs, and takes the update when it is tried again. */
static void test_sim_updater_dbfu__cut_at_each_operation(void **state)
{
	uint8_t image[3000];
	unsigned cuts = 0;

	make_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim version: 7.1.2");
	for (uint64_t op = 1;; op += op < 20 ? 1 : 37) {
		char fault[40];
		const char *list[] = {fault};
		struct desk d;
		bool again = false;

		snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)op);
		sit_down_with(&d, "x-cube-dbfu-l4", list, 1);
		for (int tries = 0; tries < 3; tries++) {
			if (!sim_board_powered(d.b)) {
				again = true;
				sim_board_power(d.b, true);
				forget(&d);
			}
			hears(&d, "Program running from Bank ");
			press(&d, '1');
			if (transfer(&d, image, sizeof(image), NAK_IS | COUNTS_8) == 0) {
				press(&d, '4');
				listen(&d, 50);
			}
			if (strstr(d.heard, "Success!") == NULL)
				continue;
			press(&d, '6');
			listen(&d, 50);
			if (sim_board_powered(d.b) && strstr(d.heard, "7.1.2") != NULL)
				break;
			/* The demo's options were half written: the bank beside it may be this one now. */
		}
		hears(&d, "Program running from Bank ");
		assert_true(sim_board_powered(d.b));
		get_up(&d);
		if (!again)
			break;
		cuts++;
	}
	printf("%u cuts\n", cuts);
	assert_true(cuts > 30);
}

/* A program that hangs has no menu; without a reset of the options nothing leads back. */
static void test_sim_updater_dbfu__hangs(void **state)
{
	uint8_t image[3000];
	struct desk d;

	make_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim hangs");
	sit_down(&d, "x-cube-dbfu-g4");
	press(&d, '1');
	assert_int_equal(transfer(&d, image, sizeof(image), NAK_IS | COUNTS_8), 0);
	press(&d, '5');
	hears_not(&d, "Program running");
	sim_board_reset(d.b);
	forget(&d);
	hears(&d, "Program running from Bank 1");
	get_up(&d);
}

static void test_sim_updater_dbfu__too_large(void **state)
{
	uint8_t *image = calloc(1, 600 * 1024);
	struct desk d;

	sit_down(&d, "x-cube-dbfu-l0");
	press(&d, '1');
	assert_int_not_equal(transfer(&d, image, 98305, NAK_IS | COUNTS_8), 0);
	listen(&d, 100);
	hears(&d, "higher than the bank size!");
	hears_not(&d, "Erasing");
	get_up(&d);
	free(image);
}

/* Too many errors: the demo leaves, the IAP does not until it is told to. */
static void test_sim_updater__too_many_errors(void **state)
{
	static const uint8_t header[133] = {1, 0, 255, 'f', 0, '9', ' '};
	uint8_t block[133];
	uint32_t crc = 0;

	memcpy(block, header, sizeof(block));
	for (size_t i = 3; i < 131; i++) {
		crc ^= (uint32_t)block[i] << 8;
		for (int k = 0; k < 8; k++)
			crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	put_be16(block + 131, (uint16_t)crc);
	for (int stays = 0; stays < 2; stays++) {
		struct desk d;

		sit_down(&d, stays ? "iap-f1" : "x-cube-dbfu-g4");
		press(&d, '1');
		listen(&d, 1500);
		d.l->ops->write(d.l, block, sizeof(block), NULL);
		forget(&d);
		for (int i = 0; i < 12; i++) {
			listen(&d, 900);
			sim_link_wait_us(d.l, 900000);
		}
		assert_non_null(strstr(d.heard, "\x18\x18"));
		if (stays) {
			hears_not(&d, "Main Menu");
			press(&d, 'a');
			hears(&d, "Aborted by user.");
		} else {
			hears(&d, "Failed to receive the file!");
		}
		hears(&d, "Main Menu");
		get_up(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_updater__each_speaks_and_survives_any_key),
		cmocka_unit_test(test_sim_updater__too_many_errors),
		cmocka_unit_test(test_sim_updater_iap__download_execute),
		cmocka_unit_test(test_sim_updater_iap__stack_mask),
		cmocka_unit_test(test_sim_updater_iap__block_256),
		cmocka_unit_test(test_sim_updater_iap__size_limits),
		cmocka_unit_test(test_sim_updater_iap__write_protection),
		cmocka_unit_test(test_sim_updater_dbfu__an4767),
		cmocka_unit_test(test_sim_updater_dbfu__cut_at_each_operation),
		cmocka_unit_test(test_sim_updater_dbfu__hangs),
		cmocka_unit_test(test_sim_updater_dbfu__too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
