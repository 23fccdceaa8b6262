/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_fota.c - RT-Thread's rt-fota: a shell for five seconds, then the application
 *
 * The file is an RBL container: a header of 96 bytes with a CRC-32 of its own and one of what
 * follows. Whatever it holds is copied over the application; compressed or encrypted ones are refused
 * here. Its receiver does not look at block numbers.
 */
#include "sim_updater.h"

#include <string.h>

#define APP       0x20000u
#define DOWNLOAD  0x80000u
#define PART      0x60000u
#define HEAD      96u
#define WINDOW_MS 5000u

#define PROMPT "rt-fota />"

static const struct sim_ymodem_config receiver = {
	.name = "rt-fota",
	.interval_ms = 3000,
	.number = SIM_YMODEM_TAKE,
	.end_nak = true,
	.at_once = true,
	.max_errors = 5,
	.handshakes = 1000,
	.cancels = 7,
};

/* Size of the program in a container that is whole; 0: it is none. */
static uint32_t container(const struct sim_board *b)
{
	const uint8_t *p = b->flash + DOWNLOAD;
	uint32_t raw = get_le32(p + 84), packed = get_le32(p + 88);

	if (memcmp(p, "RBL", 4) != 0 || get_le16(p + 4) != 0 || raw != packed || raw == 0 ||
		raw > PART - HEAD || sim_crc32(p, HEAD - 4) != get_le32(p + 92) ||
		sim_crc32(p + HEAD, packed) != get_le32(p + 76))
		return 0;
	return raw;
}

/* ---- starting ---- */

static void run(struct sim_board *b)
{
	uint32_t size = container(b);
	const uint8_t *p = b->flash + DOWNLOAD + HEAD;

	b->updater->mode = UPDATER_IDLE;
	/* The first words last: without them the copy is made again. */
	if (size >= 1024 && memcmp(b->flash + APP, p, size) != 0 &&
		(updater_erase(b, APP, PART) == SIM_DEAD ||
			updater_copy(b, APP + 256, p + 256, size - 256) == SIM_DEAD ||
			updater_copy(b, APP, p, 256) == SIM_DEAD))
		return;
	if (get_le32(b->flash + APP) >> 24 != 0x20) {
		updater_shell(b, "\r\n" PROMPT);
		return;
	}
	updater_run(b, APP);
}

static void start(struct sim_board *b)
{
	updater_say(b, "\r\nPlease press [Enter] key into shell mode in 5 secs:\r\n");
	b->updater->mode = UPDATER_ASKED;
	updater_after(b, WINDOW_MS, run);
}

/* ---- the shell ---- */

static void line(struct sim_board *b, const char *text)
{
	struct sim_updater *u = b->updater;

	if (u->timer_us != SIM_NEVER) { /* still in the window: one byte, and only Enter counts */
		if (strcmp(text, "\r") != 0) {
			u->mode = UPDATER_ASKED;
			return;
		}
		u->timer_us = SIM_NEVER;
		updater_shell(b, "\r\n" PROMPT);
		return;
	}
	if (strcmp(text, "ymdown") == 0 || strcmp(text, "ymodem_ota") == 0 ||
		strncmp(text, "ymdown -p ", 10) == 0) {
		updater_say(b, "Warning: Ymodem has started! This operator will not recovery.\r\n");
		updater_say(b, "Please select the ota firmware file and use Ymodem to send.\r\n");
		updater_receive(b);
		return;
	}
	if (strcmp(text, "fota exec") == 0) {
		run(b);
		return;
	}
	if (text[0] != '\0')
		updater_sayf(b, "%s: command not found.\r\n", text);
	updater_shell(b, PROMPT);
}

/* ---- the transfer ---- */

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	struct sim_updater *u = b->updater;

	updater_sayf(b, "Ymodem file_size:%u\r\n", (unsigned)size);
	if (size > PART)
		return SIM_TOO_LARGE;
	u->old_size = size;
	u->at = DOWNLOAD;
	u->end = DOWNLOAD + PART;
	return updater_erase(b, DOWNLOAD, PART);
}

static enum sim_taken data(struct sim_board *b, const uint8_t *p, uint32_t len)
{
	/* Whole blocks, whatever the size was. */
	return b->updater->at + len > b->updater->end ? SIM_NOT_WRITTEN : updater_write(b, p, len);
}

static void apply(struct sim_board *b)
{
	sim_reset(b);
}

static void received(struct sim_board *b, enum sim_received how)
{
	if (how != SIM_RECEIVED) {
		updater_say(b, "Download firmware to flash fail.\r\n");
		updater_shell(b, PROMPT);
		return;
	}
	updater_say(b, "Download firmware to flash success.\r\n");
	if (container(b) == 0) {
		updater_say(b, "Download firmware verify........[FAILED]\r\n");
		updater_shell(b, PROMPT);
		return;
	}
	updater_say(b, "Download firmware verify........[OK]\r\n");
	updater_say(b, "Reset system and apply new firmware.\r\n");
	updater_after(b, 100, apply);
}

static void factory(struct sim_board *b)
{
	updater_make_program(b, 0, b->chip->flash_base, 0x8000, NULL);
}

const struct updater_kind updater_fota[] = {
	{.name = "rt-fota",
		.what = "RT-Thread rt-fota: a shell, and RBL containers",
		.pid = 0x413,
		.receiver = &receiver,
		.factory = factory,
		.start = start,
		.begin = begin,
		.data = data,
		.received = received,
		.line = line},
	{.name = NULL},
};
