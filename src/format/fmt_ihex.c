/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_ihex.c - Intel HEX, all record types
 *
 * One pass decodes the records into pieces; records that continue each other share one. The
 * pieces are sorted and joined at the end, because the format allows any order. Only if two
 * records disagree the text is walked again, to name their lines.
 */
#include "fmt_impl.h"
#include "hex_line.h"
#include "pieces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ':' and 2 digits for each of 255 + 5 bytes. */
#define LINE_MAX_CHARS 521

enum { REC_DATA, REC_EOF, REC_SEGMENT, REC_START_SEGMENT, REC_LINEAR, REC_START_LINEAR };

struct reader {
	const uint8_t *pos, *end;
	unsigned line;    /* of the record at hand, from 1 */
	uint8_t rec[260]; /* length, address, type, data, checksum */
	bool eof_seen;
	uint32_t base; /* of the last record of type 02 or 04: the later one replaces */
	bool wraps;    /* it was type 02: offsets wrap inside its 64 KiB */
	bool has_entry;
	uint32_t entry;
	/* Gets the bytes of each data record. */
	int (*data)(struct reader *r, uint32_t addr, const uint8_t *p, uint32_t len, struct err *e);
	/* For data == collect: room for every byte of the text, and the pieces in it. */
	uint8_t *bytes;
	size_t n_bytes;
	struct pieces pieces;
	/* For data == find: the first line that holds `wanted`, and one with another byte there. */
	uint32_t wanted;
	unsigned found[2];
	uint8_t found_byte;
};

static int bad(const struct reader *r, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(const struct reader *r, struct err *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_FORMAT, "line %u: %s", r->line, text);
}

static int collect(struct reader *r, uint32_t addr, const uint8_t *p, uint32_t len, struct err *e)
{
	uint8_t *at = r->bytes + r->n_bytes;

	memcpy(at, p, len);
	r->n_bytes += len;
	return pieces_add(&r->pieces, addr, at, len, e) < 0 ? err_wrap(e, "line %u", r->line) : 0;
}

static int find(struct reader *r, uint32_t addr, const uint8_t *p, uint32_t len, struct err *e)
{
	if (r->wanted < addr || r->wanted - addr >= len)
		return 0;
	if (r->found[0] == 0) {
		r->found[0] = r->line;
		r->found_byte = p[r->wanted - addr];
	} else if (r->found[1] == 0 && p[r->wanted - addr] != r->found_byte) {
		r->found[1] = r->line;
	}
	return 0;
}

static int data_record(struct reader *r, struct err *e)
{
	uint32_t len = r->rec[0];
	uint32_t offset = get_be16(&r->rec[1]);
	uint32_t before_wrap = 0x10000 - offset;
	int rc;

	if (len == 0)
		return bad(r, e, "data record without data");
	if (r->wraps && len > before_wrap) {
		rc = r->data(r, r->base + offset, &r->rec[4], before_wrap, e);
		if (rc < 0)
			return rc;
		return r->data(r, r->base, &r->rec[4 + before_wrap], len - before_wrap, e);
	}
	/* Under type 04, as before the first base, the Intel specification goes on linearly. */
	if ((uint64_t)r->base + offset + len > (uint64_t)1 << 32)
		return bad(r, e, "data passes the end of the address space");
	return r->data(r, r->base + offset, &r->rec[4], len, e);
}

static int eof_record(struct reader *r, struct err *e)
{
	r->eof_seen = true;
	return 0;
}

static int segment_record(struct reader *r, struct err *e)
{
	r->base = (uint32_t)get_be16(&r->rec[4]) << 4;
	r->wraps = true;
	return 0;
}

static int linear_record(struct reader *r, struct err *e)
{
	r->base = (uint32_t)get_be16(&r->rec[4]) << 16;
	r->wraps = false;
	return 0;
}

static int start_segment_record(struct reader *r, struct err *e)
{
	r->entry = ((uint32_t)get_be16(&r->rec[4]) << 4) + get_be16(&r->rec[6]);
	r->has_entry = true;
	return 0;
}

/* Says where to start, never where the data belongs. */
static int start_linear_record(struct reader *r, struct err *e)
{
	r->entry = get_be32(&r->rec[4]);
	r->has_entry = true;
	return 0;
}

static const struct {
	const char *name;
	int len; /* bytes of data it must have, -1: any */
	int (*handle)(struct reader *r, struct err *e);
} records[] = {
	[REC_DATA] = {"data", -1, data_record},
	[REC_EOF] = {"end-of-file", 0, eof_record},
	[REC_SEGMENT] = {"extended segment address", 2, segment_record},
	[REC_START_SEGMENT] = {"start segment address", 4, start_segment_record},
	[REC_LINEAR] = {"extended linear address", 2, linear_record},
	[REC_START_LINEAR] = {"start linear address", 4, start_linear_record},
};

/* Decodes the digits of one line into r->rec and checks length and checksum. */
static int decode(struct reader *r, const uint8_t *p, size_t len, struct err *e)
{
	uint8_t sum = 0;
	size_t n = 0;

	if (len > LINE_MAX_CHARS)
		return bad(r, e, "%zu characters are more than a record can have", len);
	for (p++, len--; len >= 2; p += 2, len -= 2) {
		int high = hex_value(p[0]), low = hex_value(p[1]);

		if (high < 0 || low < 0)
			return bad(r, e, "not a hexadecimal digit");
		r->rec[n] = (uint8_t)(high << 4 | low);
		sum = (uint8_t)(sum + r->rec[n++]);
	}
	if (len == 1)
		return bad(r, e, "odd number of digits");
	if (n < 5 || n < (size_t)r->rec[0] + 5)
		return bad(r, e, "the record is cut short");
	if (n > (size_t)r->rec[0] + 5)
		return bad(r, e, "the record is longer than its length byte says");
	if (sum != 0)
		return bad(r, e, "the checksum is %02X, should be %02X", r->rec[n - 1],
			(uint8_t)(r->rec[n - 1] - sum));
	return 0;
}

static int read_line(struct reader *r, const uint8_t *p, size_t len, struct err *e)
{
	uint8_t type;
	int rc;

	while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0)
		return 0;
	if (r->eof_seen)
		return bad(r, e, "something follows the end-of-file record");
	if (p[0] != ':')
		return bad(r, e, "a record begins with ':'");
	rc = decode(r, p, len, e);
	if (rc < 0)
		return rc;
	type = r->rec[3];
	if (type >= ARRAY_LEN(records))
		return bad(r, e, "unknown record type %02X", type);
	if (records[type].len >= 0 && r->rec[0] != records[type].len)
		return bad(r, e, "a record of type %02X (%s) has %d bytes of data, not %d", type,
			records[type].name, records[type].len, r->rec[0]);
	return records[type].handle(r, e);
}

static int read_text(struct reader *r, const uint8_t *data, size_t len, struct err *e)
{
	r->pos = data;
	r->end = data + len;
	while (r->pos < r->end) {
		const uint8_t *start = r->pos;
		const uint8_t *eol = memchr(start, '\n', (size_t)(r->end - start));
		int rc;

		if (eol == NULL)
			eol = r->end;
		r->pos = eol < r->end ? eol + 1 : eol;
		r->line++;
		rc = read_line(r, start, (size_t)(eol - start), e);
		if (rc < 0)
			return rc;
	}
	if (!r->eof_seen) {
		err_set(e, ERR_FORMAT, "no end-of-file record after line %u", r->line);
		err_hint(e, "the file was cut off: fetch or build it again");
		return ERR_FORMAT;
	}
	return 0;
}

/* Two records hold different bytes for one address: says which. */
static int name_clash(const uint8_t *data, size_t len, uint32_t addr, struct err *e)
{
	struct reader r = {.data = find, .wanted = addr};

	read_text(&r, data, len, NULL);
	err_set(e, ERR_FORMAT, "line %u: other bytes for address 0x%08X than line %u has",
		r.found[1], (unsigned)addr, r.found[0]);
	return err_at(e, addr);
}

static bool ihex_detect(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && (data[i] == '\r' || data[i] == '\n' || data[i] == ' ' || data[i] == '\t'))
		i++;
	if (i + 3 > len || data[i] != ':')
		return false;
	return hex_value(data[i + 1]) >= 0 && hex_value(data[i + 2]) >= 0;
}

static int ihex_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	struct reader r = {.data = collect};
	struct err clash = ERR_INIT;
	int rc;

	r.bytes = malloc(len / 2 + 1);
	if (r.bytes == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = read_text(&r, data, len, e);
	if (rc == 0 && r.pieces.n == 0)
		rc = err_set(e, ERR_FORMAT, "the file has no data records");
	if (rc == 0) {
		rc = segments_join(ret, r.pieces.v, r.pieces.n, &clash);
		if (rc == ERR_FORMAT && clash.addr != ERR_NO_ADDR)
			rc = name_clash(data, len, clash.addr, e);
		else if (rc < 0 && e != NULL)
			*e = clash;
	}
	if (rc == 0) {
		ret->has_entry = r.has_entry;
		ret->entry = r.entry;
	}
	free(r.bytes);
	pieces_done(&r.pieces);
	return rc;
}

/* ---- writing ---- */

static int write_record(struct buf *ret, uint8_t type, uint32_t offset, const uint8_t *data,
	uint32_t len, struct err *e)
{
	uint8_t rec[4 + HEX_LINE_DATA + 1] = {
		(uint8_t)len, (uint8_t)(offset >> 8), (uint8_t)offset, type};
	uint8_t sum = 0;

	if (len > 0)
		memcpy(rec + 4, data, len);
	for (uint32_t i = 0; i < 4 + len; i++)
		sum = (uint8_t)(sum + rec[i]);
	rec[4 + len] = (uint8_t)-sum;
	return hex_line(ret, ":", rec, 5 + len, e);
}

static int write_segment(const struct segment *g, uint32_t *upper, struct buf *ret, struct err *e)
{
	uint32_t done = 0;
	int rc = 0;

	while (rc == 0 && done < g->len) {
		uint32_t addr = g->addr + done;
		uint32_t len = hex_line_room(addr);
		uint8_t base[2] = {(uint8_t)(addr >> 24), (uint8_t)(addr >> 16)};

		if (len > g->len - done)
			len = g->len - done;
		if (addr >> 16 != *upper) {
			*upper = addr >> 16;
			rc = write_record(ret, REC_LINEAR, 0, base, sizeof(base), e);
		}
		if (rc == 0)
			rc = write_record(ret, REC_DATA, addr & 0xffff, g->data + done, len, e);
		done += len;
	}
	return rc;
}

static int ihex_write(const struct segments *s, const struct fmt_write_options *opt,
	struct buf *ret, struct err *e)
{
	uint32_t upper = 0;
	uint8_t entry[4];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = write_segment(&s->v[i], &upper, ret, e);
	put_be32(entry, s->entry);
	if (rc == 0 && s->has_entry)
		rc = write_record(ret, REC_START_LINEAR, 0, entry, sizeof(entry), e);
	return rc == 0 ? write_record(ret, REC_EOF, 0, NULL, 0, e) : rc;
}

const struct fmt fmt_ihex = {
	.kind = FMT_IHEX,
	.name = "ihex",
	.description = "Intel HEX",
	.has_addresses = true,
	.detect = ihex_detect,
	.read = ihex_read,
	.write = ihex_write,
};
