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

#include "../support/sim_desk.h"

/* ---- all of them ---- */

static void test_sim_updater__each_speaks_and_survives_any_key(void **state)
{
	const struct chip *c;
	const char *what, *name;

	for (size_t i = 0; (name = sim_updater_name(i, &what, &c)) != NULL; i++) {
		struct desk d;

		desk_open(&d, name, NULL, 0);
		desk_listen(&d, 4000);
		assert_true(d.n > 0);
		for (int key = 0; key < 256; key++) {
			desk_press(&d, (char)key);
			desk_listen(&d, 20);
			if (!sim_board_in_application(d.b))
				fail_msg("%s: key %02X", name, (unsigned)key);
		}
		sim_board_reset(d.b);
		desk_forget(&d);
		desk_listen(&d, 4000);
		assert_true(d.n > 0);
		desk_close(&d);
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

		desk_image(image, sizeof(image), base, 0x20001000, "stmota-sim says: hello");
		desk_open(&d, iaps[i].name, NULL, 0);
		desk_hears(&d, "In-Application Programming Application");
		desk_press(&d, 'x');
		desk_hears(&d, "should be either 1, 2, 3 or 4");
		desk_press(&d, '1');
		desk_hears(&d, "(press 'a' to abort)");
		assert_int_equal(desk_send(&d, image, sizeof(image), NAK_IS), 0);
		desk_hears(&d, "Programming Completed Successfully!");
		desk_hears(&d, "Name: fw.bin");
		desk_hears(&d, "Size: 3000 Bytes");
		flash = sim_board_flash(d.b, NULL) + iaps[i].app;
		assert_memory_equal(flash, image, sizeof(image));
		assert_int_equal(flash[3071], 0x1A); /* the padding is programmed too */
		assert_int_equal(flash[3072], 0xFF);
		desk_press(&d, '3');
		desk_hears(&d, "Start program execution......");
		desk_hears(&d, "hello");
		desk_press(&d, '1');
		desk_hears_not(&d, "Waiting");
		desk_close(&d);
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
			desk_image(image, sizeof(image), base, large ? 0x20020000 : 0x20001000,
				"stmota-sim says: hello");
			desk_open(&d, iaps[i].name, released, 1);
			desk_hears(&d, "Main Menu");
			desk_press(&d, '1');
			assert_int_equal(desk_send(&d, image, sizeof(image), NAK_IS), 0);
			desk_listen(&d, 50);
			desk_forget(&d);
			sim_board_reset(d.b);
			if (large) {
				desk_hears(&d, "Main Menu");
				desk_press(&d, '3');
			} else {
				desk_hears_not(&d, "Main Menu");
			}
			desk_hears(&d, "hello");
			desk_close(&d);
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

			desk_image(image, 263000, 0x08000000 + iaps[i].app, 0x20001000, "x");
			image[255 * 1024] = zero ? 0 : 'n';
			desk_open(&d, iaps[i].name, NULL, 0);
			flash = sim_board_flash(d.b, &size);
			desk_press(&d, '1');
			/* The first 256 KiB end before the image does; what is too much is dropped. */
			rc = desk_send(&d, image, 263000, NAK_IS);
			desk_listen(&d, 30000);
			flash += iaps[i].app;
			if (good) {
				assert_int_equal(rc, 0);
				assert_memory_equal(flash, image, 263000);
			} else if (zero) {
				desk_hears(&d, "Successfully!"); /* it is not */
			} else if (stale) {
				desk_hears(&d, "higher than the allowed space memory!");
				assert_true(bytes_all(flash, 4096, 0xFF));
			} else {
				assert_true(bytes_all(flash, 4096, 0xFF)); /* erased, not written */
			}
			desk_close(&d);
		}
	}
	free(image);
}

static void test_sim_updater_iap__size_limits(void **state)
{
	uint8_t *image = malloc(0x1FA000);
	struct desk d;

	desk_image(image, 0x1FA000, 0x08008000, 0x20001000, "x");
	/* Without a check: the end is dropped, and success is claimed. */
	desk_open(&d, "iap-f0", NULL, 0);
	desk_press(&d, '1');
	assert_int_equal(desk_send(&d, image, 0x3C000 + 1000, NAK_IS), 0);
	desk_hears(&d, "Completed Successfully!");
	desk_close(&d);
	/* With one: CAN CAN, and it erases all the same. */
	desk_open(&d, "iap-f4", NULL, 0);
	memset(sim_board_flash(d.b, NULL) + 0x8000, 0x11, 1024);
	desk_press(&d, '1');
	assert_int_not_equal(desk_send(&d, image, 0x1FA000, NAK_IS), 0);
	desk_listen(&d, 30000);
	desk_hears(&d, "higher than the allowed space memory!");
	assert_true(bytes_all(sim_board_flash(d.b, NULL) + 0x8000, 1024, 0xFF));
	desk_close(&d);
	free(image);
}

static void test_sim_updater_iap__write_protection(void **state)
{
	uint8_t image[3000];

	for (size_t i = 0; i < ARRAY_LEN(iaps); i++) {
		struct desk d;

		desk_image(image, sizeof(image), 0x08000000 + iaps[i].app, 0x20001000, "x");
		desk_open(&d, iaps[i].name, NULL, 0);
		desk_hears(&d, "Enable the write protection");
		desk_press(&d, '4');
		desk_hears(&d, "Write Protection enabled...");
		desk_hears(&d, "System will now restart...");
		desk_hears(&d, "Disable the write protection");
		desk_press(&d, '1');
		assert_int_not_equal(desk_send(&d, image, sizeof(image), NAK_IS), 0);
		desk_listen(&d, 1000);
		desk_hears(&d, "Verification failed!");
		desk_press(&d, '4');
		desk_hears(&d, "Write Protection disabled...");
		desk_press(&d, '1');
		assert_int_equal(desk_send(&d, image, sizeof(image), NAK_IS), 0);
		desk_close(&d);
	}
}

/* ---- X-CUBE-DBFU ---- */

static const char *const dbfus[] = {"x-cube-dbfu-l4", "x-cube-dbfu-g4", "x-cube-dbfu-l0"};

/* ST's order, and the banner at each step. */
static void test_sim_updater_dbfu__an4767(void **state)
{
	uint8_t image[20000];

	desk_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim version: 7.1.2");
	for (size_t i = 0; i < ARRAY_LEN(dbfus); i++) {
		struct desk d;
		uint32_t size;
		const uint8_t *flash;

		desk_open(&d, dbfus[i], NULL, 0);
		flash = sim_board_flash(d.b, &size);
		desk_hears(&d, "Program running from Bank 1");
		desk_hears(&d, "System ROM bank selection deactivated");
		desk_press(&d, '4');
		desk_hears(&d, "Failure!");
		desk_press(&d, '5');
		desk_hears(&d, "Failure!");
		desk_press(&d, '1');
		assert_int_equal(desk_send(&d, image, sizeof(image), NAK_IS | COUNTS_8), 0);
		desk_hears(&d, "Erasing bank 2.");
		desk_hears(&d, "Programming Completed Successfully!");
		assert_memory_equal(flash + size / 2, image, sizeof(image));
		desk_press(&d, '4');
		desk_hears(&d, i == 1 ? "Other bank check passed." : "Success!");
		desk_press(&d, '5');
		desk_hears(&d, "(Version 7.1.2)");
		desk_hears(&d, "Program running from Bank 2");
		/* Only until the next reset. */
		sim_board_reset(d.b);
		desk_forget(&d);
		desk_hears(&d, "Program running from Bank 1");
		desk_hears_not(&d, "7.1.2");
		desk_press(&d, '6');
		desk_hears(&d, "Demo will reboot");
		desk_hears(&d, "Program running from Bank 2");
		desk_hears(&d, "System ROM bank selection active");
		desk_press(&d, '3');
		desk_listen(&d, 60000);
		desk_hears(&d, "Copying new content");
		desk_hears(&d, "Success!");
		assert_memory_equal(flash, image, sizeof(image));
		desk_press(&d, '6');
		desk_hears(&d, "Program running from Bank 1");
		desk_hears(&d, "(Version 7.1.2)");
		desk_hears(&d, "deactivated");
		desk_press(&d, '2');
		desk_hears(&d, "Erasing bank 2.");
		desk_hears(&d, "Success!");
		/* A bank that holds nothing: the ROM goes on with the other one. */
		desk_press(&d, '6');
		desk_hears(&d, "Program running from Bank 1");
		desk_hears(&d, "System ROM bank selection active");
		desk_close(&d);
	}
}

/* Whatever is cut: a program with the menu runs, and takes the update when it is tried again. */
static void test_sim_updater_dbfu__cut_at_each_operation(void **state)
{
	uint8_t image[3000];
	unsigned cuts = 0;

	desk_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim version: 7.1.2");
	for (uint64_t op = 1;; op += op < 20 ? 1 : 37) {
		char fault[40];
		const char *list[] = {fault};
		struct desk d;
		bool again = false;

		snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)op);
		desk_open(&d, "x-cube-dbfu-l4", list, 1);
		for (int tries = 0; tries < 3; tries++) {
			if (!sim_board_powered(d.b)) {
				again = true;
				sim_board_power(d.b, true);
				desk_forget(&d);
			}
			desk_hears(&d, "Program running from Bank ");
			desk_press(&d, '1');
			if (desk_send(&d, image, sizeof(image), NAK_IS | COUNTS_8) == 0) {
				desk_press(&d, '4');
				desk_listen(&d, 50);
			}
			if (strstr(d.heard, "Success!") == NULL)
				continue;
			desk_press(&d, '6');
			desk_listen(&d, 50);
			if (sim_board_powered(d.b) && strstr(d.heard, "7.1.2") != NULL)
				break;
			/* The demo's options were half written: the bank beside it may be this one now. */
		}
		desk_hears(&d, "Program running from Bank ");
		assert_true(sim_board_powered(d.b));
		desk_close(&d);
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

	desk_image(image, sizeof(image), 0x08000000, 0x20001000, "stmota-sim hangs");
	desk_open(&d, "x-cube-dbfu-g4", NULL, 0);
	desk_press(&d, '1');
	assert_int_equal(desk_send(&d, image, sizeof(image), NAK_IS | COUNTS_8), 0);
	desk_press(&d, '5');
	desk_hears_not(&d, "Program running");
	sim_board_reset(d.b);
	desk_forget(&d);
	desk_hears(&d, "Program running from Bank 1");
	desk_close(&d);
}

static void test_sim_updater_dbfu__too_large(void **state)
{
	uint8_t *image = calloc(1, 600 * 1024);
	struct desk d;

	desk_open(&d, "x-cube-dbfu-l0", NULL, 0);
	desk_press(&d, '1');
	assert_int_not_equal(desk_send(&d, image, 98305, NAK_IS | COUNTS_8), 0);
	desk_listen(&d, 100);
	desk_hears(&d, "higher than the bank size!");
	desk_hears_not(&d, "Erasing");
	desk_close(&d);
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

		desk_open(&d, stays ? "iap-f1" : "x-cube-dbfu-g4", NULL, 0);
		desk_press(&d, '1');
		desk_listen(&d, 1500);
		d.l->ops->write(d.l, block, sizeof(block), NULL);
		desk_forget(&d);
		for (int i = 0; i < 12; i++) {
			desk_listen(&d, 900);
			sim_link_wait_us(d.l, 900000);
		}
		assert_non_null(strstr(d.heard, "\x18\x18"));
		if (stays) {
			desk_hears_not(&d, "Main Menu");
			desk_press(&d, 'a');
			desk_hears(&d, "Aborted by user.");
		} else {
			desk_hears(&d, "Failed to receive the file!");
		}
		desk_hears(&d, "Main Menu");
		desk_close(&d);
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
