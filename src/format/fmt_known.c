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
