/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_bin.c - raw binaries: bytes without header, address or checksum
 *
 * Everything that is nothing else ends up here, so this is where a wrong file has to be noticed:
 * whatever is written to a device from a .bin has no second check in the file itself.
 */
#include "fmt_impl.h"

#include <string.h>

#include <stmota/vectors.h>

/* First bytes of files that people pick by mistake. */
static const struct {
	const char *magic;
	size_t len;
	const char *what;
} not_firmware[] = {
	{"\x1f\x8b", 2, "a gzip file"},
	{"PK", 2, "a zip file"},
	{"\xfd\x37zXZ", 5, "an xz file"},
	{"BZh", 3, "a bzip2 file"},
	{"\x28\xb5\x2f\xfd", 4, "a zstd file"},
	{"7z\xbc\xaf", 4, "a 7-Zip file"},
	{"RBL", 4, "an RT-Thread OTA package (RBL)"}, /* with its 0 byte */
	{"SQLite format 3", 15, "an SQLite database"},
	{"%PDF", 4, "a PDF document"},
	{"\x89PNG", 4, "a PNG picture"},
};

/* ASCII or UTF-8: no control characters, and most of it plain letters and signs. */
static bool is_text(const uint8_t *data, size_t len)
{
	size_t ascii = 0;

	if (len > 256)
		len = 256;
	for (size_t i = 0; i < len; i++) {
		bool space = data[i] >= '\t' && data[i] <= '\r';

		if ((data[i] < ' ' && !space) || data[i] == 0x7f)
			return false;
		ascii += data[i] < 0x80;
	}
	return len > 0 && ascii >= len - len / 4;
}

static int check_content(const uint8_t *data, size_t len, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(not_firmware); i++)
		if (len >= not_firmware[i].len &&
			memcmp(data, not_firmware[i].magic, not_firmware[i].len) == 0)
			return err_set(e, ERR_FORMAT, "this is %s, not a firmware image",
				not_firmware[i].what);
	if (len <= 8)
		return err_set(e, ERR_FORMAT, "%zu bytes are too few for a firmware image", len);
	if (bytes_all(data, len, 0xff) || bytes_all(data, len, 0x00)) {
		err_set(e, ERR_FORMAT, "all %zu bytes are 0x%02X: this is no firmware", len,
			data[0]);
		err_hint(e, "to empty a chip use: stmota erase");
		return ERR_FORMAT;
	}
	if (is_text(data, len))
		return err_set(e, ERR_FORMAT, "this is a text file, not a firmware image");
	return 0;
}

static int need_address(const uint8_t *data, size_t len, struct err *e)
{
	char guess[160];

	err_set(e, ERR_USAGE, "a raw binary does not say where it belongs");
	if (vectors_guess_text(data, len, "--address ", guess, sizeof(guess)))
		err_hint(e, "%s", guess);
	else
		err_hint(e, "give its start with --address ADDR");
	return ERR_USAGE;
}

static bool bin_detect(const uint8_t *data, size_t len)
{
	return true;
}

int fmt_bin_check(const uint8_t *data, size_t len, const struct fmt_options *opt, struct err *e)
{
	int rc;

	if (len == 0)
		return err_set(e, ERR_FORMAT, "the file is empty");
	if (!opt->raw) {
		rc = check_content(data, len, e);
		if (rc < 0)
			return rc;
	}
	if (!opt->has_address)
		return need_address(data, len, e);
	if ((uint64_t)opt->address + len > (uint64_t)1 << 32)
		return err_set(e, ERR_FORMAT,
			"%zu bytes at 0x%08X pass the end of the address space", len,
			(unsigned)opt->address);
	return 0;
}

static int bin_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	int rc = fmt_bin_check(data, len, opt, e);

	return rc < 0 ? rc : segments_add(ret, opt->address, data, (uint32_t)len, e);
}

static int bin_write(const struct segments *s, const struct fmt_write_options *opt, struct buf *ret,
	struct err *e)
{
	uint64_t end = (uint64_t)s->v[s->n - 1].addr + s->v[s->n - 1].len;
	uint64_t holes = end - s->v[0].addr - segments_size(s);
	uint64_t at = s->v[0].addr;
	int rc = 0;

	if (holes > FMT_FILL_MAX) {
		err_set(e, ERR_NO_FIT,
			"a raw binary from 0x%08X on would need %llu bytes of filling",
			(unsigned)s->v[0].addr, (unsigned long long)holes);
		return err_hint(e, "take a format that keeps holes: hex, srec, uf2, dfu");
	}
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		rc = buf_fill(ret, opt->erased, (size_t)(s->v[i].addr - at), e);
		if (rc == 0)
			rc = buf_append(ret, s->v[i].data, s->v[i].len, e);
		at = (uint64_t)s->v[i].addr + s->v[i].len;
	}
	return rc;
}

const struct fmt fmt_bin = {
	.kind = FMT_BIN,
	.name = "bin",
	.description = "raw binary",
	.detect = bin_detect,
	.read = bin_read,
	.write = bin_write,
};
