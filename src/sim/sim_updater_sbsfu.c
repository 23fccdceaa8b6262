/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_sbsfu.c - X-CUBE-SBSFU: the secure boot's trace, and the three places a file is taken
 *
 * Secure boot, active slot, download slot, and a page that says "install at the next reset". What the
 * real one proves by a signature is proved here by the header's sizes and by the digest or tag of
 * the program, decrypted with --aes where the scheme asks for it; signatures are not checked. The
 * image is installed by copying it; the request is taken back last, so that a cut repeats it.
 */
#include "sim_updater.h"

#include <string.h>

#include <stmota/fmt_sfb.h>

#define SLOT      0x60000u
#define ACTIVE    0x20000u
#define DOWNLOAD  0x80000u
#define REQUEST   0xE0000u
#define BODY      512u /* behind the header and what fills up its area */
#define REBOOT_MS 1000u

#define SBSFU_RECEIVER                                                                             \
	.number = SIM_YMODEM_SILENT, .errors_by_c = true, .large_only = true,                      \
	.end_without_c = true, .dots = true, .preamble = true, .header_ms = 1000

static const struct sim_ymodem_config receiver_app = {
	.name = "x-cube-sbsfu-app", .interval_ms = 1000, .max_errors = 5, SBSFU_RECEIVER};
static const struct sim_ymodem_config receiver_boot = {
	.name = "x-cube-sbsfu", .interval_ms = 3000, .max_errors = 3, SBSFU_RECEIVER};

enum loader {
	IN_BOOT,  /* the secure boot takes the file itself */
	IN_APP,   /* the application does */
	SEPARATE, /* a loader that the secure boot starts */
};

struct sbsfu {
	enum loader loader;
};

static const struct sbsfu in_boot = {IN_BOOT}, in_app = {IN_APP}, separate = {SEPARATE};

static enum loader loader_of(const struct sim_board *b)
{
	return ((const struct sbsfu *)b->updater->kind->facts)->loader;
}

static void reboot(struct sim_board *b)
{
	b->updater->own_reset = true;
	sim_reset(b);
}

/* ---- images ---- */

static bool image_in(const struct sim_board *b, uint32_t slot, struct sfb_info *ret)
{
	const uint8_t *p = b->flash + slot;
	uint32_t size = get_le32(p + 8);

	return memcmp(p, "SFU1", 4) == 0 && size <= SLOT - BODY &&
	       sfb_inspect(p, BODY + size, ret, NULL) == 0 && !ret->is_partial;
}

/* The program decrypted and as its tag says. `plain` has room for it. */
static bool open_image(struct sim_board *b, const struct sfb_info *i, uint32_t slot, uint8_t *plain)
{
	const uint8_t *stored = b->flash + slot + i->offset;
	uint8_t digest[32];

	if (i->offset + i->size > SLOT)
		return false;
	if (i->scheme == SFB_AES_GCM)
		return b->updater->cipher != NULL &&
		       updater_open_gcm(b->updater->cipher, i->iv, i->layout->iv_size, i->tag,
			       stored, i->size, plain);
	if (i->scheme == SFB_ECDSA)
		memcpy(plain, stored, i->size);
	else if (b->updater->cipher == NULL ||
		 !updater_open_cbc(b->updater->cipher, i->iv, stored, i->size, plain))
		return false;
	updater_sha256(plain, i->size, digest);
	return memcmp(digest, i->tag, sizeof(digest)) == 0;
}

/* ---- installing ---- */

static void fail(struct sim_board *b, const char *why)
{
	updater_say(b, why);
	if (updater_erase(b, REQUEST, 1) == SIM_DEAD)
		return;
	updater_say(b, "\r\n\t  FW installation failed!");
	updater_say(b, "\r\n= [SBOOT] STATE: HANDLE CRITICAL FAILURE");
	updater_say(b, "\r\n= [SBOOT] STATE: REBOOT STATE MACHINE\r\n");
	updater_after(b, REBOOT_MS, reboot);
}

/* True if it goes on to start what is there. */
static bool install(struct sim_board *b)
{
	static uint8_t plain[SLOT];
	struct sfb_info now, next;
	char text[80];

	updater_say(b, "\r\n= [SBOOT] STATE: INSTALL NEW USER FIRMWARE ");
	if (!image_in(b, DOWNLOAD, &next)) {
		fail(b, "\r\n\t  Header signature verification failure in slot 2");
		return false;
	}
	if (image_in(b, ACTIVE, &now) && next.version < now.version) {
		snprintf(text, sizeof(text),
			"\r\n\t  Anti-rollback: candidate version(%u) rejected", next.version);
		fail(b, text);
		return false;
	}
	if (!open_image(b, &next, DOWNLOAD, plain)) {
		fail(b, "\r\n\t  Firmware signature verification failure in slot 2");
		return false;
	}
	/* The header last: without it there is no program. */
	if (updater_erase(b, ACTIVE, SLOT) != SIM_TAKEN ||
		updater_copy(b, ACTIVE + BODY, plain, next.size) != SIM_TAKEN ||
		updater_copy(b, ACTIVE, b->flash + DOWNLOAD, BODY) != SIM_TAKEN ||
		updater_erase(b, REQUEST, 1) != SIM_TAKEN)
		return false;
	updater_say(b, "\r\n\t  FW installation succeeded.");
	return true;
}

/* ---- the application's menu ---- */

static void head(struct sim_board *b)
{
	updater_say(b, "\r\n=================== Main Menu ============================\r\n\n");
}

static void download_by_app(struct sim_board *b)
{
	updater_say(b, "\r\n================ New Fw Download =========================\r\n\n");
	updater_say(b, "  -- Send Firmware \r\n\n");
	updater_say(b, "  -- -- Erasing download area ...\r\n\n");
	if (updater_erase(b, DOWNLOAD, SLOT) == SIM_DEAD)
		return;
	updater_say(b, "  -- -- File> Transfer> YMODEM> Send ");
	updater_receive(b);
}

static void nothing(struct sim_board *b)
{
	(void)b;
}

static void multiple(struct sim_board *b)
{
	updater_say(b, "  -- !!Only 1 download area configured - feature not available!!\r\n\n");
}

static void validate(struct sim_board *b)
{
	updater_say(b, "  Feature not supported !\r\n\n");
}

static const struct updater_item items[] = {
	{"  Download a new Fw Image ------------------------------- 1\r\n\n", '1', download_by_app,
		NULL},
	{"  Test Protections -------------------------------------- 2\r\n\n", '2', nothing, NULL},
	{"  Test SE User Code ------------------------------------- 3\r\n\n", '3', nothing, NULL},
	{"  Multiple download ------------------------------------- 4\r\n\n", '4', multiple, NULL},
	{"  Validate a FW Image------------------------------------ 5\r\n\n", '5', validate, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct updater_menu menu = {head, items, "  Selection :\r\n\n", "Invalid Number !\r"};

/* ---- the secure boot ---- */

static void load(struct sim_board *b)
{
	if (loader_of(b) == IN_BOOT)
		updater_say(b, "\r\n= [SBOOT] STATE: DOWNLOAD NEW USER FIRMWARE");
	updater_say(b, "\r\n\tFile> Transfer> YMODEM> Send ");
	updater_receive(b);
}

static void execute(struct sim_board *b)
{
	char letter[16];

	updater_say(b, "\r\n= [SBOOT] STATE: VERIFY USER FW SIGNATURE");
	updater_say(b, "\r\n= [SBOOT] STATE: EXECUTE USER FIRMWARE\r\n");
	if (loader_of(b) != IN_APP) {
		updater_run(b, ACTIVE + BODY);
		return;
	}
	sim_app_run(b, ACTIVE + BODY);
	b->running.len = SLOT - BODY;
	updater_marker(b, b->running, "User App #", letter, sizeof(letter));
	updater_sayf(b, "\r\n  User App #%s\r\n", letter[0] != '\0' ? letter : "A");
	updater_menu_show(b, &menu);
}

static void start(struct sim_board *b)
{
	/* The button is let go when the device resets itself. */
	bool button = !b->updater->own_reset && !sim_has(b, SQ_BUTTON_RELEASED);
	bool requested = get_le32(b->flash + REQUEST) == REQUEST;
	struct sfb_info info;

	b->updater->own_reset = false;
	updater_say(b, "\r\n= Secure Boot and Secure Firmware Update");
	updater_say(b, "\r\n= [SBOOT] SECURE ENGINE INITIALIZATION SUCCESSFUL");
	updater_say(b, "\r\n= [SBOOT] STATE: CHECK STATUS ON RESET");
	updater_say(b, "\r\n\t  INFO: A Reboot has been triggered by a Hardware reset!");
	if (loader_of(b) != SEPARATE)
		updater_say(b, "\r\n= [SBOOT] STATE: CHECK NEW FIRMWARE TO DOWNLOAD");
	if (loader_of(b) != IN_APP && button) {
		load(b);
		return;
	}
	if (requested && !install(b))
		return;
	if (image_in(b, ACTIVE, &info)) {
		execute(b);
		return;
	}
	updater_say(b, "\r\n\t  No valid FW found in the active slots nor new FW to be installed");
	if (loader_of(b) == IN_APP)
		return; /* nothing takes a file here: it waits for a debugger */
	if (loader_of(b) == IN_BOOT)
		updater_say(b, "\r\n\t  Waiting for the local download to start... ");
	load(b);
}

/* ---- the transfer ---- */

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	b->updater->old_size = size;
	return size > SLOT ? SIM_TOO_LARGE : SIM_TAKEN;
}

/* The loaders look at the header in block 1, and erase then. */
static enum sim_taken first_block(struct sim_board *b, const uint8_t *p)
{
	struct sfb_info now;

	if (memcmp(p, "SFU1", 4) != 0 || get_le32(p + 8) > SLOT - BODY ||
		(image_in(b, ACTIVE, &now) && get_le16(p + 6) < now.version))
		return SIM_TOO_LARGE;
	return updater_erase(b, DOWNLOAD, SLOT);
}

/* Trimmed to the size that the header of the file told. */
static enum sim_taken data(struct sim_board *b, const uint8_t *p, uint32_t len)
{
	struct sim_updater *u = b->updater;
	uint64_t size = u->old_size;
	enum sim_taken t = SIM_TAKEN;

	if (u->done >= size)
		return SIM_NOT_WRITTEN;
	if (u->done == 0 && loader_of(b) != IN_APP)
		t = first_block(b, p);
	if (t != SIM_TAKEN)
		return t;
	if (len > size - u->done)
		len = (uint32_t)(size - u->done);
	return updater_copy(b, DOWNLOAD + u->done, p, len);
}

static enum sim_taken request(struct sim_board *b)
{
	uint8_t magic[8] = {0};
	enum sim_taken t = updater_erase(b, REQUEST, 1);

	put_le32(magic, REQUEST);
	return t != SIM_TAKEN ? t : updater_copy(b, REQUEST, magic, sizeof(magic));
}

static void received_by_app(struct sim_board *b, bool good, enum sim_received how)
{
	if (!good) {
		updater_say(b, how == SIM_ABORTED
				       ? "\r\n\n  -- -- !!Aborted by user!!\r\n"
				       : "\r\n\n  -- -- !!Error during file download!!\r\n");
		updater_say(b, "  -- !!Operation failed!!\r\n\n");
		updater_menu_show(b, &menu);
		return;
	}
	updater_say(b, "\r\n\n  -- -- Programming Completed Successfully!\r\n\n");
	updater_sayf(b, "  -- -- Bytes: %u\r\n\n", (unsigned)b->updater->old_size);
	if (request(b) != SIM_TAKEN)
		return;
	updater_say(b, "  -- Image correctly downloaded - reboot\r\n\n");
	updater_after(b, REBOOT_MS, reboot);
}

static void received(struct sim_board *b, enum sim_received how)
{
	bool good = how == SIM_RECEIVED && b->updater->done > 0;

	if (loader_of(b) == IN_APP) {
		received_by_app(b, good, how);
		return;
	}
	if (good && request(b) == SIM_DEAD)
		return;
	if (loader_of(b) == SEPARATE && good)
		updater_sayf(b, "\r\n\tDownload successful : %u bytes received\r\n",
			(unsigned)b->updater->old_size);
	else if (loader_of(b) == SEPARATE)
		updater_sayf(b, "\r\n\tDownload failed (%d)\r\n", (int)how);
	else if (!good)
		updater_say(b, "\r\n= [SBOOT] STATE: HANDLE CRITICAL FAILURE"
			       "\r\n= [SBOOT] STATE: REBOOT STATE MACHINE\r\n");
	updater_after(b, REBOOT_MS, reboot);
}

/* ---- a new device ---- */

/* An installed program of version 1, with the header that the installing leaves. */
static void factory_app(struct sim_board *b)
{
	uint8_t *p = b->flash + ACTIVE;

	updater_make_program(b, 0, b->chip->flash_base, 0x8000, NULL);
	updater_make_program(
		b, ACTIVE + BODY, b->chip->flash_base + ACTIVE + BODY, 0x2000, "1.0.0");
	memcpy(p + BODY + 0x200, "User App #A", 12);
	memset(p, 0, SFB_HEADER_SIZE);
	memcpy(p, "SFU1", 4);
	put_le16(p + 4, 1);
	put_le16(p + 6, 1);
	put_le32(p + 8, 0x2000);
	put_le32(p + 16, 0x2000);
	updater_sha256(p + BODY, 0x2000, p + 20);
	updater_sha256(p + BODY, 0x2000, p + 52);
	memset(p + 192, 0xFF, 96);
	sim_flash_mark(b, ACTIVE, BODY, true);
}

static void factory(struct sim_board *b)
{
	updater_make_program(b, 0, b->chip->flash_base, 0x8000, NULL);
}

#define KIND(name_, what_, receiver_, facts_, factory_)                                            \
	{                                                                                          \
		.name = name_, .what = what_, .pid = 0x415, .receiver = &receiver_,                \
		.facts = &facts_, .factory = factory_, .start = start, .begin = begin,             \
		.data = data, .received = received, .has_cipher = true, .cipher_at_rest = true,    \
	}

const struct updater_kind updater_sbsfu[] = {
	KIND("x-cube-sbsfu-boot", "X-CUBE-SBSFU: the secure boot takes a .sfb", receiver_boot,
		in_boot, factory),
	KIND("x-cube-sbsfu-app", "X-CUBE-SBSFU: menu of the application", receiver_app, in_app,
		factory_app),
	KIND("x-cube-sbsfu-loader", "X-CUBE-SBSFU: the loader beside the secure boot",
		receiver_boot, separate, factory),
	{.name = NULL},
};
