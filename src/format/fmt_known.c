/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_known.c - formats that are known by name, but not read as an image
 *
 * A package, so that none is ever written to flash as a raw binary, and AES files, which nobody
 * recognises: `convert` makes them and reads them when it is told to. A row moves to a file of its own
 * when its reader is built.
 */
#include "fmt_impl.h"

#include <string.h>

static bool begins(const uint8_t *data, size_t len, const char *magic, size_t n)
{
	return len >= n && memcmp(data, magic, n) == 0;
}

static bool sota_detect(const uint8_t *data, size_t len)
{
	/* Also one that a text-mode transfer has changed behind its first bytes. */
	return begins(data, len, "\x89SOTA", 5);
}

const struct fmt fmt_sota = {
	.kind = FMT_SOTA,
	.name = "sota",
	.description = "stmota package",
	.has_addresses = true,
	.detect = sota_detect,
};

/* It looks like random numbers. */
static bool aes_detect(const uint8_t *data, size_t len)
{
	return false;
}

const struct fmt fmt_aes = {
	.kind = FMT_AES,
	.name = "aes",
	.description = "AES-CTR file",
	.detect = aes_detect,
};
