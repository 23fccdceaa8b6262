/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_quirk.c - which misbehaviour this virtual part has of its own accord, and the names of all
 */
#include <string.h>

#include "sim_priv.h"

static const struct {
	int quirk;
	const char *name;
	const char
		*series; /* where it holds by default; words with spaces between, NULL: on demand */
	uint16_t pid;    /* or on this chip; 0: none */
} extra[] = {
	{SQ_CHECKSUM, "checksum", NULL, 0},
	{SQ_CHECKSUM_ONE_ACK, "checksum-one-ack", NULL, 0},
	{SQ_READ_PAST_END_FAULT, "read-past-end-fault", NULL, 0},
	{SQ_OPTION_CUT_RDP, "option-cut-rdp", "F7", 0},
	{SQ_RDP2_ROM, "rdp2-rom", NULL, 0x449},
	{SQ_BOOT0_IGNORED, "boot0-ignored", NULL, 0},
	/* The speed is measured by a timer: AN2606 promises no more than 115200. */
	{SQ_SLOW_AUTOBAUD, "slow-autobaud", "F0 F1 F2 F3 F4 F7 L0 L1 L4", 0},
	{SQ_UNKNOWN_PID, "unknown-pid", NULL, 0},
	{SQ_BANK2_FROM_256, "bank2-from-256", NULL, 0},
	/* As their flash controllers do; what the ROMs hand to them has no source. */
	{SQ_NUMBERS_BY_ADDRESS, "numbers-by-address", "H7 L5", 0},
	{SQ_NUMBERS_BY_BANK, "numbers-by-bank", NULL, 0},
	{SQ_I2C_READ_16, "i2c-read-16", NULL, 0},
	{SQ_I2C_READ_32, "i2c-read-32", NULL, 0},
	{SQ_I2C_BUSY_NACK, "i2c-busy-nack", NULL, 0},
	{SQ_I2C_BUSY_STICKY, "i2c-busy-sticky", NULL, 0},
	{SQ_I2C_OPENBL, "i2c-openbl", NULL, 0},
	{SQ_I2C_WP_ONE_PACKET, "i2c-wp-one-packet", NULL, 0},
	{SQ_I2C_LONG_READ_STRETCHES, "i2c-long-read-stretches", NULL, 0},
	{SQ_I2C_OTHER_ADDRESS, "i2c-other-address", NULL, 0},
	{SQ_ADAPTER_32, "adapter-32", NULL, 0},
	{SQ_ADAPTER_PATIENT, "adapter-patient", NULL, 0},
	{SQ_ADAPTER_SMBUS, "adapter-smbus", NULL, 0},
	{SQ_ADAPTER_STRETCH_25_MS, "adapter-stretch-25-ms", NULL, 0},
	{SQ_DFU_GD32, "dfu-gd32", NULL, 0},
	{SQ_DFU_WATCHDOG, "dfu-watchdog", NULL, 0},
	{SQ_DFU_SHORT_UPLOAD, "dfu-short-upload", NULL, 0},
	{SQ_DFU_SIZE_LIES, "dfu-transfer-size-lies", NULL, 0},
	{SQ_APP_SILENT, "app-silent", NULL, 0},
	{SQ_BUTTON_RELEASED, "button-released", NULL, 0},
};

static bool word_in(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

void sim_quirk_defaults(struct sim_board *b)
{
	const struct chip *c = b->chip;

	for (int q = 0; q < CHIP_QUIRK_COUNT; q++)
		b->quirks[q] = quirk_certain(c, b->rom_id, (enum chip_quirk)q);
	/* One user saw it on one part; the chip table says all of F4 and L0, and so does this. */
	if (chip_has_quirk(c, "short_reads_of_uid_and_flash_size_fail"))
		b->quirks[CHIP_QUIRK_WHOLE_BLOCK_READS] = true;
	for (size_t i = 0; i < ARRAY_LEN(extra); i++)
		if ((extra[i].series != NULL && word_in(extra[i].series, c->series)) ||
			(extra[i].pid != 0 && extra[i].pid == c->pid))
			b->quirks[extra[i].quirk] = true;
}

const char *sim_quirk_at(size_t i)
{
	if (i < CHIP_QUIRK_COUNT)
		return quirk_name((enum chip_quirk)i);
	i -= CHIP_QUIRK_COUNT;
	return i < ARRAY_LEN(extra) ? extra[i].name : NULL;
}

bool sim_quirk_find(const char *name, int *ret)
{
	enum chip_quirk q;

	if (quirk_find(name, &q, NULL) == 0) {
		*ret = (int)q;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(extra); i++) {
		if (strcmp(extra[i].name, name) == 0) {
			*ret = extra[i].quirk;
			return true;
		}
	}
	return false;
}
