/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.h - what convert does for files that a boot loader takes: MCUboot and SBSFU images, AES files
 */
#ifndef STMOTA_CMD_CONVERT_H
#define STMOTA_CMD_CONVERT_H

#include <stmota/chip.h>
#include <stmota/command.h>
#include <stmota/fmt.h>

struct convert_job {
	struct command_env *env;
	const char *in, *out;
	const struct chip *chip; /* NULL: not named */
	const struct fmt *from;  /* of IN */
	const struct fmt *to;
	bool placed;            /* the image has true addresses; false: it begins at 0 */
	struct segments *image; /* of IN */
	uint8_t erased;
};

/*
 * A loader starts what it believes: a vector table that cannot work has to be seen before. Nothing is
 * judged where no address is known. `offset`: from the start of the image to the table.
 */
int convert_check_program(const struct convert_job *j, uint32_t offset, struct err *e);

/* Signed image out of the program; tells what was made. */
int convert_to_mcuboot(const struct convert_job *j, struct buf *ret, struct err *e);
int convert_to_sfb(const struct convert_job *j, struct buf *ret, struct err *e);

/* AES-CTR and nothing else: the file of an image, and back. */
int convert_to_aes(const struct convert_job *j, struct buf *ret, struct err *e);
int convert_from_aes(
	const struct convert_job *j, const struct buf *file, struct buf *ret, struct err *e);

/* Rows for the table of convert, and what of them is for which format. */
/* clang-format off */
#define CONVERT_OPTS_SIGNED \
	{.name = "version", .type = OPT_TYPE_STRING, .arg = "VERSION", \
		.text = "such as 1.2.3+4; sfb: 1 to 65535", \
		.heading = "Signed images, --to mcuboot and --to sfb"}, \
	OPT_U32("header-size", "SIZE", "from the start of the slot to the program"), \
	OPT_FILE("key", "KEY.pem", "private key to sign with, or pkcs11:URI"), \
	OPT_FILE("passphrase-file", "FILE", "its first line is the passphrase of the key, or the PIN")

/* Names as those of imgtool. */
#define CONVERT_OPTS_MCUBOOT \
	{.name = "pad-header", .type = OPT_TYPE_FLAG, \
		.text = "IN has no room for the header: put it before", .heading = "MCUboot only"}, \
	OPT_U32("slot-size", "SIZE", "refuse what does not fit with the trailer"), \
	OPT_U32("align", "BYTES", "write unit of the flash (default 8)"), \
	OPT_U32("max-align", "BYTES", "the largest write unit of both slots"), \
	OPT_U32("max-sectors", "N", "erase units of a slot, for the trailer (default 128)"), \
	OPT_FLAG("overwrite-only", "the loader overwrites, it does not swap"), \
	OPT_FLAG("pad", "fill the slot, the trailer's magic last"), \
	OPT_FLAG("confirm", "likewise, and keep the image without a test run"), \
	OPT_STRING("security-counter", "N|auto", "counter against downgrades; auto: of the version"), \
	OPT_STRING("dependencies", "LIST", "such as '(1, 2.3.4+5), (2, 1.0.0)'"), \
	OPT_STRING("product", "NAME", "vendor and class UUID of acme.com/streetlight"), \
	OPT_STRING("boot-record", "TYPE", "record for measured boot, of this software type"), \
	OPT_U32("load-addr", "ADDR", "RAM it is copied to and run from"), \
	OPT_U32("rom-fixed", "ADDR", "the only slot it may lie in"), \
	OPT_FLAG("non-bootable", "no program"), \
	OPT_CHOICE("public-key-format", "hash|full", "what names the key (default hash)"), \
	OPT_FLAG("pure", "Ed25519 over the image, not over its hash"), \
	OPT_CHOICE("sha", "auto|256|384|512", "hash of the image (default: what the key wants)"), \
	OPT_FILE("encrypt", "PUB.pem", "encrypt for this X25519 or P-256 key"), \
	OPT_CHOICE("encrypt-keylen", "128|256", "bits of the AES key (default 128)"), \
	OPT_CHOICE("hmac-sha", "auto|256|512", "hash of the key exchange (512: X25519)"), \
	OPT_FLAG("clear", "with the key, but not encrypted: for the primary slot")

#define CONVERT_OPTS_SFB \
	{.name = "scheme", .type = OPT_TYPE_CHOICE, .arg = "ecdsa-aes-cbc|ecdsa|aes-gcm", \
		.choices = "ecdsa-aes-cbc|ecdsa|aes-gcm", .text = "what the loader was built for", \
		.heading = "SBSFU only"}, \
	OPT_U32("image", "N", "1, 2 or 3, which image of the loader it is (default 1)")

#define CONVERT_OPTS_AES \
	{.name = "aes-key", .type = OPT_TYPE_FILE, .arg = "FILE", .text = "the AES key; for --to sfb too", \
		.heading = "Encrypted and nothing else, --to aes"}, \
	OPT_STRING("iv", "HEX", "the initial counter block that the device has, 32 digits"), \
	OPT_FLAG("salt", "16 bytes in front that make the counter another one in each file")
/* clang-format on */

#endif
