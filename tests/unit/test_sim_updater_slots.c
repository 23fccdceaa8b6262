/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_updater_slots.c - virtual updaters that take a file into one slot and install it in another
 *
 * The files are those of tests/vectors/, which imgtool and a script without our code made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>

#include "../../src/sim/sim_priv.h"
#include "../support/sim_desk.h"

static void load(const char *folder, const char *name, struct buf *ret)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", getenv(folder), name);
	assert_int_equal(fs_read(path, 1 << 20, ret, NULL), 0);
}

static void reset(struct desk *d)
{
	desk_listen(d, 50);
	desk_forget(d);
	sim_board_reset(d->b);
}

/* ---- X-CUBE-SBSFU ---- */

static void test_sim_updater_sbsfu__app(void **state)
{
	cleanup_buf struct buf sfb = BUF_INIT;
	const uint8_t *flash;
	struct desk d;

	load("STMOTA_SFB", "ecdsa.sfb", &sfb);
	desk_open(&d, "x-cube-sbsfu-app", NULL, 0);
	flash = sim_board_flash(d.b, NULL);
	desk_hears(&d, "[SBOOT] STATE: EXECUTE USER FIRMWARE");
	desk_hears(&d, "User App #A");
	desk_hears(&d, "Selection :");
	desk_press(&d, '9');
	desk_hears(&d, "Invalid Number !");
	desk_press(&d, '4');
	desk_hears(&d, "Only 1 download area configured");
	desk_press(&d, '1');
	desk_listen(&d, 20000);
	assert_non_null(strstr(d.heard, "Erasing download area ..."));
	assert_non_null(strstr(d.heard, "YMODEM> Send C\b."));
	assert_int_equal(desk_send(&d, sfb.data, sfb.len, 0), 0);
	desk_listen(&d, 20000);
	desk_hears(&d, "-- -- Programming Completed Successfully!");
	desk_hears(&d, "-- -- Bytes: 1536");
	desk_hears(&d, "-- Image correctly downloaded - reboot");
	desk_hears(&d, "FW installation succeeded.");
	desk_hears(&d, "User App #");
	assert_memory_equal(flash + 0x20000, sfb.data, sfb.len);
	/* Version 2 is older than 3 now. */
	put_le16(sfb.data + 6, 2);
	desk_press(&d, '1');
	desk_listen(&d, 20000);
	assert_int_equal(desk_send(&d, sfb.data, sfb.len, 0), 0);
	desk_listen(&d, 20000);
	desk_hears(&d, "Anti-rollback: candidate version(2) rejected");
	desk_hears(&d, "STATE: HANDLE CRITICAL FAILURE");
	desk_hears(&d, "Selection :");
	/* One bit of the program. */
	put_le16(sfb.data + 6, 4);
	sfb.data[1000] ^= 1;
	desk_press(&d, '1');
	desk_listen(&d, 20000);
	assert_int_equal(desk_send(&d, sfb.data, sfb.len, 0), 0);
	desk_listen(&d, 20000);
	desk_hears(&d, "Firmware signature verification failure in slot");
	desk_hears(&d, "Selection :");
	desk_close(&d);
}

static void test_sim_updater_sbsfu__loaders(void **state)
{
	static const char *const names[] = {"x-cube-sbsfu-boot", "x-cube-sbsfu-loader"};
	cleanup_buf struct buf sfb = BUF_INIT;
	uint8_t plain[2000] = {0};

	load("STMOTA_SFB", "ecdsa.sfb", &sfb);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct desk d;

		desk_open(&d, names[i], NULL, 0);
		desk_hears(&d, "File> Transfer> YMODEM> Send ");
		/* What is no .sfb is refused at block 1. */
		assert_int_not_equal(desk_send(&d, plain, sizeof(plain), 0), 0);
		desk_listen(&d, 10000);
		/* Our sender takes the C out of these words. */
		desk_hears(&d, i == 0 ? "STATE: REBOOT STATE MA" : "Download failed");
		desk_hears(&d, "No valid FW found in the active slots");
		assert_int_equal(desk_send(&d, sfb.data, sfb.len, 0), 0);
		desk_listen(&d, 10000);
		if (i == 1)
			desk_hears(&d, "Download successful : 1536 bytes received");
		desk_hears(&d, "FW installation succeeded.");
		desk_hears(&d, "STATE: EXECUTE USER FIRMWARE");
		reset(&d); /* the button again */
		desk_hears(&d, "YMODEM> Send ");
		desk_close(&d);
	}
}

/* All blocks 1024 bytes long: of 128-byte blocks it makes a wrong image. */
static void test_sim_updater_sbsfu__small_blocks(void **state)
{
	cleanup_buf struct buf sfb = BUF_INIT;
	struct desk d;

	load("STMOTA_SFB", "ecdsa.sfb", &sfb);
	desk_open(&d, "x-cube-sbsfu-app", NULL, 0);
	desk_press(&d, '1');
	desk_listen(&d, 20000);
	desk_send(&d, sfb.data, sfb.len, 1u << YMODEM_SMALL_BLOCKS);
	desk_listen(&d, 20000);
	desk_hears_not(&d, "installation succeeded");
	desk_close(&d);
}

static void test_sim_updater_sbsfu__encrypted(void **state)
{
	char path[] = "/tmp/stmota-key-XXXXXX";
	cleanup_buf struct buf sfb = BUF_INIT, key = BUF_INIT;
	int fd = mkstemp(path);
	struct desk d;

	assert_true(fd >= 0);
	load("STMOTA_SFB", "ecdsa-aes-cbc.sfb", &sfb);
	load("STMOTA_SFB", "aes.key", &key);
	/* Made for slot 2 and a larger header area; this device has slot 1, and 512 bytes. */
	sfb.data[3] = '1';
	memmove(sfb.data + 512, sfb.data + sfb.len - get_le32(sfb.data + 8),
		get_le32(sfb.data + 8));
	sfb.len = 512 + get_le32(sfb.data + 8);
	for (size_t i = 0; i < key.len; i++)
		dprintf(fd, "%02x", key.data[i]);
	close(fd);
	for (int known = 0; known < 2; known++) {
		if (known)
			desk_open_with_key(&d, "x-cube-sbsfu-app", path);
		else
			desk_open(&d, "x-cube-sbsfu-app", NULL, 0);
		desk_press(&d, '1');
		desk_listen(&d, 20000);
		assert_int_equal(desk_send(&d, sfb.data, sfb.len, 0), 0);
		desk_listen(&d, 20000);
		desk_hears(&d, known ? "FW installation succeeded."
				     : "Firmware signature verification failure");
		desk_close(&d);
	}
	unlink(path);
}

/* ---- over MCUboot ---- */

static void test_sim_updater_mcuboot__tfm(void **state)
{
	cleanup_buf struct buf img = BUF_INIT;
	const uint8_t *flash;
	struct desk d;

	load("STMOTA_MCUBOOT", "p256.img", &img);
	desk_open(&d, "tfm", NULL, 0);
	flash = sim_board_flash(d.b, NULL);
	for (int second = 0; second < 2; second++) {
		desk_listen(&d, 50);
		desk_press(&d, '3');
		desk_hears(&d, "================ New Fw Image ============================");
		desk_press(&d, second ? '3' : '2');
		desk_listen(&d, 20000);
		assert_non_null(strstr(d.heard, "YMODEM> Send C\b."));
		assert_int_equal(desk_send(&d, img.data, img.len, 0), 0);
		desk_hears(&d, "-- -- Programming Completed Successfully!");
		desk_hears(&d, "Write Magic Trailer at ");
		desk_hears(&d, second ? "-- NonSecure App Image correctly downloaded"
				      : "-- Secure App Image correctly downloaded");
		desk_press(&d, '1');
		desk_hears(&d, "-- Install image : reboot");
		desk_listen(&d, 60000);
		assert_memory_equal(flash + (second ? 0x60000 : 0x20000), img.data, img.len);
		assert_true(bytes_all(flash + (second ? 0x160000 : 0x120000), 4096, 0xFF));
		desk_hears(&d, "Main Menu");
	}
	/* A bit of it: taken, and thrown away by the boot loader without a word. */
	img.data[100] ^= 1;
	desk_press(&d, '3');
	desk_press(&d, '3');
	desk_listen(&d, 20000);
	assert_int_equal(desk_send(&d, img.data, img.len, 0), 0);
	desk_press(&d, '1');
	desk_listen(&d, 60000);
	img.data[100] ^= 1;
	assert_memory_equal(flash + 0x60000, img.data, img.len);
	desk_hears(&d, "Main Menu");
	desk_close(&d);
}

/* Without the request nothing is installed. */
static void test_sim_updater_mcuboot__oemurot(void **state)
{
	cleanup_buf struct buf img = BUF_INIT;
	const uint8_t *flash;
	struct desk d;

	load("STMOTA_MCUBOOT", "p256.img", &img);
	desk_open(&d, "oemurot", NULL, 0);
	flash = sim_board_flash(d.b, NULL) + 0x20000;
	for (int requested = 0; requested < 2; requested++) {
		desk_listen(&d, 50);
		desk_press(&d, '2');
		desk_hears(&d, "New firmware image ====");
		desk_press(&d, '2');
		desk_listen(&d, 20000);
		assert_int_equal(desk_send(&d, img.data, img.len, 0), 0);
		desk_hears(&d, "-- -- Programming completed successfully!");
		desk_hears(&d, "-- App image correctly downloaded");
		if (requested)
			desk_press(&d, '3');
		desk_press(&d, '1');
		desk_listen(&d, 60000);
		assert_int_equal(memcmp(flash, img.data, img.len) == 0, requested);
	}
	desk_close(&d);
}

/* Cut anywhere in the installation: after the next reset it is there, whole. */
static void test_sim_updater_mcuboot__cut(void **state)
{
	cleanup_buf struct buf img = BUF_INIT;
	unsigned cuts = 0;

	load("STMOTA_MCUBOOT", "p256.img", &img);
	for (unsigned op = 1;; op += 7) {
		char fault[40];
		struct desk d;

		desk_open(&d, "oemurot", NULL, 0);
		desk_press(&d, '2');
		desk_press(&d, '2');
		desk_listen(&d, 20000);
		assert_int_equal(desk_send(&d, img.data, img.len, 0), 0);
		desk_press(&d, '3');
		desk_listen(&d, 50);
		snprintf(fault, sizeof(fault), "cut@op:%u", op);
		assert_int_equal(sim_board_fault(d.b, fault, NULL), 0);
		desk_press(&d, '1');
		desk_listen(&d, 60000);
		if (sim_board_powered(d.b)) {
			desk_close(&d);
			break;
		}
		cuts++;
		desk_forget(&d);
		sim_board_power(d.b, true);
		desk_listen(&d, 60000);
		desk_hears(&d, "Main Menu");
		assert_memory_equal(sim_board_flash(d.b, NULL) + 0x20000, img.data, img.len);
		desk_close(&d);
	}
	printf("%u cuts\n", cuts);
	assert_true(cuts > 20);
}

/* ---- RT-Thread ---- */

static void make_rbl(uint8_t *p, const uint8_t *program, uint32_t len)
{
	memset(p, 0, 96);
	memcpy(p, "RBL", 4);
	memcpy(p + 12, "app", 3);
	memcpy(p + 96, program, len);
	put_le32(p + 76, sim_crc32(p + 96, len));
	put_le32(p + 84, len);
	put_le32(p + 88, len);
	put_le32(p + 92, sim_crc32(p, 92));
}

static void type(struct desk *d, const char *text)
{
	desk_listen(d, 50);
	desk_forget(d);
	for (; *text != '\0'; text++) {
		d->l->ops->write(d->l, text, 1, NULL);
		desk_listen(d, 1);
	}
}

static void test_sim_updater_fota__download(void **state)
{
	uint8_t program[4000], rbl[4096];
	struct desk d;

	/* CRC-32 as everybody has it. */
	assert_int_equal(sim_crc32((const uint8_t *)"123456789", 9), 0xCBF43926);
	desk_image(program, sizeof(program), 0x08020000, 0x20001000, "stmota-sim says: from rbl");
	make_rbl(rbl, program, sizeof(program));
	desk_open(&d, "rt-fota", NULL, 0);
	desk_hears(&d, "Please press [Enter] key into shell mode in 5 secs:");
	type(&d, "x\r");
	desk_hears(&d, "rt-fota />");
	type(&d, "nonsense\r");
	desk_hears(&d, "nonsense: command not found.");
	for (int broken = 1; broken >= 0; broken--) {
		rbl[200] ^= (uint8_t)broken;
		type(&d, "ymdown\r");
		desk_hears(&d, "use Ymodem to send.");
		assert_int_equal(desk_send(&d, rbl, sizeof(rbl), 1u << YMODEM_WRITES_TWICE), 0);
		rbl[200] ^= (uint8_t)broken;
		desk_hears(&d, "Ymodem file_size:4096");
		desk_hears(&d, "Download firmware to flash success.");
		desk_hears(&d, broken ? "[FAILED]" : "[OK]");
	}
	desk_hears(&d, "Reset system and apply new firmware.");
	desk_listen(&d, 60000);
	desk_hears(&d, "from rbl");
	assert_memory_equal(sim_board_flash(d.b, NULL) + 0x20000, program, sizeof(program));
	desk_close(&d);
}

/* Seven CANs for what is too large. */
static void test_sim_updater_fota__too_large(void **state)
{
	uint8_t *large = calloc(1, 0x60001);
	struct desk d;

	desk_open(&d, "rt-fota", NULL, 0);
	type(&d, "\r");
	type(&d, "ymdown\r");
	assert_int_not_equal(desk_send(&d, large, 0x60001, 1u << YMODEM_WRITES_TWICE), 0);
	desk_hears(&d, "Download firmware to flash fail.");
	desk_close(&d);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_updater_sbsfu__app),
		cmocka_unit_test(test_sim_updater_sbsfu__loaders),
		cmocka_unit_test(test_sim_updater_sbsfu__small_blocks),
		cmocka_unit_test(test_sim_updater_sbsfu__encrypted),
		cmocka_unit_test(test_sim_updater_mcuboot__tfm),
		cmocka_unit_test(test_sim_updater_mcuboot__oemurot),
		cmocka_unit_test(test_sim_updater_mcuboot__cut),
		cmocka_unit_test(test_sim_updater_fota__download),
		cmocka_unit_test(test_sim_updater_fota__too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
