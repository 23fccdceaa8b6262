/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_state.c - what a virtual chip keeps while the program does not run
 *
 * Header (magic, format, chip, sizes), then unique id, option bytes, EEPROM, OTP, flash and the map
 * of programmed words, then a CRC-32 over all of it. All numbers little endian.
 */
#include <string.h>

#include <stmota/buf.h>
#include <stmota/fs.h>

#include "sim_priv.h"

#define MAGIC      "STMSIM\x01\n"
#define HEADER_LEN 32u
#define FILE_MAX   ((size_t)16 << 20)

uint32_t sim_crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xFFFFFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
	}
	return ~crc;
}

static uint32_t n_words(const struct sim_board *b)
{
	return b->flash_size / b->word;
}

static uint32_t options_len(const struct sim_board *b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->n_options; i++)
		n += b->options[i].len;
	return n;
}

static void put_header(const struct sim_board *b, uint8_t h[HEADER_LEN])
{
	memset(h, 0, HEADER_LEN);
	memcpy(h, MAGIC, 8);
	put_le32(h + 8, b->chip->pid);
	put_le32(h + 12, b->flash_size);
	put_le32(h + 16, options_len(b));
	put_le32(h + 20, b->chip->eeprom.len);
	put_le32(h + 24, b->chip->otp.len);
	put_le32(h + 28, n_words(b));
}

/* Calls `each` for every block of memory that is kept, in file order. */
static int walk(struct sim_board *b, int (*each)(void *ctx, uint8_t *p, uint32_t len), void *ctx)
{
	int rc = each(ctx, b->uid, sizeof(b->uid));

	for (size_t i = 0; i < b->n_options && rc == 0; i++)
		rc = each(ctx, b->options[i].nv, b->options[i].len);
	if (rc == 0)
		rc = each(ctx, b->eeprom, b->chip->eeprom.len);
	if (rc == 0)
		rc = each(ctx, b->otp, b->chip->otp.len);
	if (rc == 0)
		rc = each(ctx, b->flash, b->flash_size);
	if (rc == 0)
		rc = each(ctx, b->written, n_words(b));
	return rc;
}

struct saver {
	struct buf *buf;
	struct err *e;
};

static int append(void *ctx, uint8_t *p, uint32_t len)
{
	struct saver *s = ctx;

	return buf_append(s->buf, p, len, s->e);
}

int sim_state_bytes(struct sim_board *b, struct buf *ret, struct err *e)
{
	struct saver s = {ret, e};
	uint8_t header[HEADER_LEN], crc[4];
	int rc;

	put_header(b, header);
	rc = buf_append(ret, header, sizeof(header), e);
	if (rc == 0)
		rc = walk(b, append, &s);
	if (rc < 0)
		return rc;
	put_le32(crc, sim_crc32(ret->data, ret->len));
	return buf_append(ret, crc, sizeof(crc), e);
}

int sim_board_save(struct sim_board *b, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;
	int rc;

	if (b->state_file == NULL)
		return 0;
	rc = sim_state_bytes(b, &out, e);
	/* A board must not be deaf for as long as a busy disk takes. */
	if (rc == 0)
		rc = fs_write_soon(b->state_file, out.data, out.len, 0644, e);
	return rc < 0 ? err_wrap(e, "state of the virtual board") : 0;
}

static int restore(void *ctx, uint8_t *p, uint32_t len)
{
	const uint8_t **from = ctx;

	memcpy(p, *from, len);
	*from += len;
	return 0;
}

static int refuse(const struct sim_board *b, enum err_code code, const char *why, struct err *e)
{
	err_set(e, code, "state file %s: %s", b->state_file != NULL ? b->state_file : "", why);
	return err_hint(e, "remove the file for a factory-new chip, or name another one");
}

int sim_state_parse(struct sim_board *b, const uint8_t *data, size_t len, struct err *e)
{
	uint8_t header[HEADER_LEN];
	const uint8_t *from = data + HEADER_LEN;
	char why[120];
	size_t want;

	put_header(b, header);
	if (len < HEADER_LEN + 4 || memcmp(data, MAGIC, 8) != 0)
		return refuse(b, ERR_FORMAT, "not a state file of this version of stmota-sim", e);
	if (get_le32(data + 8) != b->chip->pid || get_le32(data + 12) != b->flash_size) {
		snprintf(why, sizeof(why),
			"holds chip 0x%03x with %u KiB of flash, not 0x%03x with %u KiB",
			(unsigned)get_le32(data + 8), (unsigned)get_le32(data + 12) / 1024,
			b->chip->pid, (unsigned)b->flash_size / 1024);
		return refuse(b, ERR_IDENTITY, why, e);
	}
	want = HEADER_LEN + sizeof(b->uid) + options_len(b) + b->chip->eeprom.len +
	       b->chip->otp.len + b->flash_size + n_words(b) + 4;
	if (memcmp(data, header, HEADER_LEN) != 0 || len != want)
		return refuse(b, ERR_FORMAT, "its sizes do not fit this chip", e);
	if (sim_crc32(data, len - 4) != get_le32(data + len - 4))
		return refuse(b, ERR_FORMAT, "damaged (checksum)", e);
	return walk(b, restore, &from);
}

int sim_state_load(struct sim_board *b, struct err *e)
{
	cleanup_buf struct buf in = BUF_INIT;
	int rc;

	if (!fs_exists(b->state_file))
		return 0;
	rc = fs_read(b->state_file, FILE_MAX, &in, e);
	return rc < 0 ? rc : sim_state_parse(b, in.data, in.len, e);
}
