/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_app_info.h - 64 bytes inside a firmware that say what it is
 *
 * The record lies in the linker section .stmota_info, so that host and boot loader can tell what
 * a device runs by reading its flash. A firmware puts it there like this:
 *
 *	IMF_APP_INFO(app_info, 1, 2, 3, 4, 0, 0, 0xFFFF, 0,
 *		0x2e5a0d1f, 0x5d4b8c7a, 0x11223344, 0x55667788);
 *
 * Arguments: name, version (major, minor, revision, build), security counter, lowest and highest
 * hardware revision, STM32 product ID (0: any), product UUID as four little-endian words
 * (`stmota pack` tells them when they are wrong). The check word is worked out by the compiler.
 */
#ifndef IMF_APP_INFO_H
#define IMF_APP_INFO_H

#include <stdint.h>

#include <imf/imf_config.h>
#include <imf/imf_manifest.h>

#define IMF_APP_INFO_SIZE 64u

/* "\xA5imfinfo" as two little-endian words; size and record version as the third. */
#define IMF_APP_INFO_MAGIC0 0x666D69A5u
#define IMF_APP_INFO_MAGIC1 0x6F666E69u
#define IMF_APP_INFO_FORM   0x00000040u

struct imf_app_info {
	struct imf_version version;
	uint32_t counter;
	uint8_t product[IMF_UUID_SIZE];
	uint16_t hw_min, hw_max;
	uint16_t chip; /* 0: any */
};

#ifndef IMF_NO_APP_INFO

/* Reads a record. IMF_ERR_NOT_FOUND (no magic), IMF_ERR_FORMAT (damaged). */
int imf_app_info_parse(const uint8_t p[IMF_APP_INFO_SIZE], struct imf_app_info *ret);

/* Writes a record. */
void imf_app_info_put(uint8_t p[IMF_APP_INFO_SIZE], const struct imf_app_info *info);

/*
 * Finds the record in an image: at a multiple of 4 bytes from its start.
 * IMF_ERR_NOT_FOUND, IMF_ERR_FORMAT if there are two good ones.
 */
int imf_app_info_find(
	const uint8_t *image, uint32_t len, uint32_t *ret_offset, struct imf_app_info *ret);

#endif

/* ---- for firmware: the record as a constant ---- */

struct imf_app_info_words {
	uint32_t word[16];
};

#define IMF_WORD_VERSION(major, minor, revision)                                                   \
	((uint32_t)(major) | (uint32_t)(minor) << 8 | (uint32_t)(revision) << 16)
#define IMF_WORD_PAIR(low, high) ((uint32_t)(low) | (uint32_t)(high) << 16)

/* Odd factors: no single changed bit cancels out. */
#define IMF_APP_INFO_CHECK(v, build, counter, hw, chip, u0, u1, u2, u3)                            \
	(0xFFFFFFFFu -                                                                             \
		(IMF_APP_INFO_MAGIC0 * 1u + IMF_APP_INFO_MAGIC1 * 3u + IMF_APP_INFO_FORM * 5u +    \
			(uint32_t)(counter)*7u + (v)*9u + (uint32_t)(build)*11u + (u0)*13u +       \
			(u1)*15u + (u2)*17u + (u3)*19u + (hw)*21u + (chip)*23u))

#define IMF_APP_INFO_WORDS(                                                                        \
	major, minor, revision, build, counter, hw_min, hw_max, chip, u0, u1, u2, u3)              \
	{                                                                                          \
		{                                                                                  \
			IMF_APP_INFO_MAGIC0, IMF_APP_INFO_MAGIC1, IMF_APP_INFO_FORM,               \
				(uint32_t)(counter), IMF_WORD_VERSION(major, minor, revision),     \
				(uint32_t)(build), (u0), (u1), (u2), (u3),                         \
				IMF_WORD_PAIR(hw_min, hw_max), IMF_WORD_PAIR(chip, 0), 0, 0, 0,    \
				IMF_APP_INFO_CHECK(IMF_WORD_VERSION(major, minor, revision),       \
					build, counter, IMF_WORD_PAIR(hw_min, hw_max),             \
					IMF_WORD_PAIR(chip, 0), u0, u1, u2, u3)                    \
		}                                                                                  \
	}

/* KEEP(*(.stmota_info)) in the linker script, or the record is dropped. */
#define IMF_APP_INFO(                                                                              \
	name, major, minor, revision, build, counter, hw_min, hw_max, chip, u0, u1, u2, u3)        \
	extern const struct imf_app_info_words name;                                               \
	__attribute__((section(".stmota_info"), used)) const struct imf_app_info_words name =      \
		IMF_APP_INFO_WORDS(major, minor, revision, build, counter, hw_min, hw_max, chip,   \
			u0, u1, u2, u3)

#endif
