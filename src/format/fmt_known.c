/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_known.c - formats that are recognised, but not read as an image
 *
 * They are known by name so that none of them is ever written to flash as a raw binary. A row
 * moves to a file of its own when its reader is built.
 */
#include "fmt_impl.h"

#include <string.h>

static bool begins(const uint8_t *data, size_t len, const char *magic, size_t n)
{
	return len >= n && memcmp(data, magic, n) == 0;
}

static bool srec_detect(const uint8_t *data, size_t len)
{
	if (len < 4 || data[0] != 'S' || data[1] < '0' || data[1] > '9')
		return false;
	return hex_digit(data[2]) >= 0 && hex_digit(data[3]) >= 0;
}

static bool uf2_detect(const uint8_t *data, size_t len)
{
	return begins(data, len, "UF2\n\x57\x51\x5d\x9e", 8);
}

static bool dfuse_detect(const uint8_t *data, size_t len)
{
	return begins(data, len, "DfuSe", 5);
}

static bool mcuboot_detect(const uint8_t *data, size_t len)
{
	return begins(data, len, "\x3d\xb8\xf3\x96", 4) || begins(data, len, "\x3c\xb8\xf3\x96", 4);
}

static bool sfb_detect(const uint8_t *data, size_t len)
{
	return begins(data, len, "SFU1", 4) || begins(data, len, "SFU2", 4) ||
	       begins(data, len, "SFU3", 4);
}

static bool sota_detect(const uint8_t *data, size_t len)
{
	/* Also one that a text-mode transfer has changed behind its first bytes. */
	return begins(data, len, "\x89SOTA", 5);
}

/* USB DFU 1.1, appendix B: CRC-32 without the inversion at the end. */
static uint32_t dfu_crc(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return crc;
}

/* Only with a right checksum: the three letters alone may end an honest image. */
static bool dfu_detect(const uint8_t *data, size_t len)
{
	if (len <= 16 || memcmp(data + len - 8, "UFD\x10", 4) != 0)
		return false;
	return dfu_crc(data, len - 4) == get_le32(data + len - 4);
}

const struct fmt fmt_srec = {
	.kind = FMT_SREC,
	.name = "srec",
	.description = "Motorola S-record",
	.has_addresses = true,
	.detect = srec_detect,
};

const struct fmt fmt_uf2 = {
	.kind = FMT_UF2,
	.name = "uf2",
	.description = "UF2",
	.has_addresses = true,
	.detect = uf2_detect,
};

const struct fmt fmt_dfuse = {
	.kind = FMT_DFUSE,
	.name = "dfuse",
	.description = "DfuSe",
	.has_addresses = true,
	.detect = dfuse_detect,
};

const struct fmt fmt_dfu = {
	.kind = FMT_DFU,
	.name = "dfu",
	.description = "DFU (raw binary with a DFU suffix)",
	.detect = dfu_detect,
};

const struct fmt fmt_mcuboot = {
	.kind = FMT_MCUBOOT,
	.name = "mcuboot",
	.description = "MCUboot image",
	.detect = mcuboot_detect,
};

const struct fmt fmt_sfb = {
	.kind = FMT_SFB,
	.name = "sfb",
	.description = "ST SBSFU",
	.detect = sfb_detect,
};

const struct fmt fmt_sota = {
	.kind = FMT_SOTA,
	.name = "sota",
	.description = "stmota package",
	.has_addresses = true,
	.detect = sota_detect,
};
