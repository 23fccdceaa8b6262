/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_srec.c - Motorola S-records
 *
 * The facts that tools disagree on: srec_cat mixes S1 and S2 in one file and leaves out the
 * terminator when it knows no start address, ending with the count record instead. So a file is
 * whole when either of the two closes it; a file with neither was cut off.
 */
#include "fmt_impl.h"
#include "hex_line.h"
#include "pieces.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 'S', type, and 2 digits for the count and the 255 bytes that it can announce. */
#define LINE_MAX_CHARS 514

enum role { ROLE_NONE, ROLE_HEADER, ROLE_DATA, ROLE_COUNT, ROLE_END };

static const struct {
	enum role role;
	unsigned addr_len; /* bytes */
	unsigned pair;     /* ROLE_END: the type of data record that it belongs to */
} types[10] = {
	[0] = {ROLE_HEADER, 2, 0},
	[1] = {ROLE_DATA, 2, 0},
	[2] = {ROLE_DATA, 3, 0},
	[3] = {ROLE_DATA, 4, 0},
	[5] = {ROLE_COUNT, 2, 0},
	[6] = {ROLE_COUNT, 3, 0},
	[7] = {ROLE_END, 4, 3},
	[8] = {ROLE_END, 3, 2},
	[9] = {ROLE_END, 2, 1},
};

struct record {
	unsigned type;
	uint32_t addr;
	uint32_t len; /* of data */
	const uint8_t *data;
	uint8_t bytes[256]; /* count, address, data, sum */
};

struct reader {
	unsigned line; /* of the record at hand, from 1 */
	struct record rec;
	uint32_t n_data; /* data records so far */
	bool used[10];   /* types of data records seen */
	bool counted;    /* the last record was a count that fits */
	bool ended;      /* the terminator was there */
	uint32_t entry;
	/* Gets each data record. */
	int (*data)(struct reader *r, struct err *e);
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

static int collect(struct reader *r, struct err *e)
{
	uint8_t *at = r->bytes + r->n_bytes;

	memcpy(at, r->rec.data, r->rec.len);
	r->n_bytes += r->rec.len;
	return pieces_add(&r->pieces, r->rec.addr, at, r->rec.len, e) < 0
		       ? err_wrap(e, "line %u", r->line)
		       : 0;
}

static int find(struct reader *r, struct err *e)
{
	const struct record *c = &r->rec;

	if (r->wanted < c->addr || r->wanted - c->addr >= c->len)
		return 0;
	if (r->found[0] == 0) {
		r->found[0] = r->line;
		r->found_byte = c->data[r->wanted - c->addr];
	} else if (r->found[1] == 0 && c->data[r->wanted - c->addr] != r->found_byte) {
		r->found[1] = r->line;
	}
	return 0;
}

/* Digits to bytes; the sum of all bytes, its own included, is 0xFF. */
static int decode(struct reader *r, const uint8_t *p, size_t len, size_t *ret, struct err *e)
{
	uint8_t *out = r->rec.bytes;
	uint8_t sum = 0;
	size_t n = 0;

	if (len > LINE_MAX_CHARS)
		return bad(r, e, "%zu characters are more than a record can have", len);
	for (p += 2, len -= 2; len >= 2; p += 2, len -= 2) {
		int high = hex_value(p[0]), low = hex_value(p[1]);

		if (high < 0 || low < 0)
			return bad(r, e, "not a hexadecimal digit");
		out[n] = (uint8_t)(high << 4 | low);
		sum = (uint8_t)(sum + out[n++]);
	}
	if (len == 1)
		return bad(r, e, "odd number of digits");
	if (n == 0 || n < (size_t)out[0] + 1)
		return bad(r, e, "the record is cut short");
	if (n > (size_t)out[0] + 1)
		return bad(r, e, "the record is longer than its count byte says");
	if (sum != 0xff && n > 1)
		return bad(r, e, "the checksum is %02X, should be %02X", out[n - 1],
			(uint8_t)(out[n - 1] + 0xff - sum));
	*ret = n;
	return 0;
}

static int split(struct reader *r, size_t n, struct err *e)
{
	struct record *c = &r->rec;
	unsigned addr_len = types[c->type].addr_len;

	if (n < addr_len + 2)
		return bad(r, e, "S%u needs %u bytes of address and a checksum", c->type, addr_len);
	c->addr = 0;
	for (unsigned i = 0; i < addr_len; i++)
		c->addr = c->addr << 8 | c->bytes[1 + i];
	c->data = c->bytes + 1 + addr_len;
	c->len = (uint32_t)n - addr_len - 2;
	return 0;
}

static int data_record(struct reader *r, struct err *e)
{
	static const uint64_t space[] = {[2] = 1 << 16, [3] = 1 << 24, [4] = (uint64_t)1 << 32};
	const struct record *c = &r->rec;

	if ((uint64_t)c->addr + c->len > space[types[c->type].addr_len])
		return bad(r, e, "data passes the end of the addresses of S%u", c->type);
	r->n_data++;
	r->used[c->type] = true;
	return r->data(r, e);
}

static int count_record(struct reader *r, struct err *e)
{
	if (r->rec.len != 0)
		return bad(r, e, "S%u has no data", r->rec.type);
	if (r->rec.addr != r->n_data)
		return bad(r, e, "S%u counts %" PRIu32 " data records, but there are %" PRIu32,
			r->rec.type, r->rec.addr, r->n_data);
	r->counted = true;
	return 0;
}

static int end_record(struct reader *r, struct err *e)
{
	if (r->rec.len != 0)
		return bad(r, e, "S%u has no data", r->rec.type);
	if (r->n_data > 0 && !r->used[types[r->rec.type].pair])
		return bad(r, e, "S%u ends a file of S%u records, which this is not", r->rec.type,
			types[r->rec.type].pair);
	r->entry = r->rec.addr;
	r->ended = true;
	return 0;
}

static int read_line(struct reader *r, const uint8_t *p, size_t len, struct err *e)
{
	size_t n = 0;
	int rc;

	while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0)
		return 0;
	if (r->ended)
		return bad(r, e, "something follows the terminator");
	if (len < 2 || p[0] != 'S' || p[1] < '0' || p[1] > '9')
		return bad(r, e, "a record begins with 'S' and a digit");
	r->rec.type = (unsigned)(p[1] - '0');
	if (types[r->rec.type].role == ROLE_NONE)
		return bad(r, e, "S%u is a reserved type", r->rec.type);
	rc = decode(r, p, len, &n, e);
	if (rc == 0)
		rc = split(r, n, e);
	if (rc < 0)
		return rc;
	r->counted = false;
	switch (types[r->rec.type].role) {
	case ROLE_DATA: return data_record(r, e);
	case ROLE_COUNT: return count_record(r, e);
	case ROLE_END: return end_record(r, e);
	default: /* the text of a header steers nothing */ return 0;
	}
}

static int read_text(struct reader *r, const uint8_t *data, size_t len, struct err *e)
{
	const uint8_t *end = data + len;

	while (data < end) {
		const uint8_t *start = data;
		const uint8_t *eol = memchr(start, '\n', (size_t)(end - start));
		int rc;

		if (eol == NULL)
			eol = end;
		data = eol < end ? eol + 1 : eol;
		r->line++;
		rc = read_line(r, start, (size_t)(eol - start), e);
		if (rc < 0)
			return rc;
	}
	if (!r->ended && !r->counted) {
		err_set(e, ERR_FORMAT, "no terminator (S7, S8, S9) after line %u", r->line);
		return err_hint(e, "the file was cut off: fetch or build it again");
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

static bool srec_detect(const uint8_t *data, size_t len)
{
	if (len < 4 || data[0] != 'S' || data[1] < '0' || data[1] > '9')
		return false;
	return hex_value(data[2]) >= 0 && hex_value(data[3]) >= 0;
}

static int srec_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
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
		rc = err_set(e, ERR_FORMAT, "the file has no data");
	if (rc == 0) {
		rc = segments_join(ret, r.pieces.v, r.pieces.n, &clash);
		if (rc == ERR_FORMAT && clash.addr != ERR_NO_ADDR)
			rc = name_clash(data, len, clash.addr, e);
		else if (rc < 0 && e != NULL)
			*e = clash;
	}
	if (rc == 0) {
		/* Every terminator has the field; objcopy leaves 0 in it where nothing is known. */
		ret->has_entry = r.ended && r.entry != 0;
		ret->entry = ret->has_entry ? r.entry : 0;
	}
	free(r.bytes);
	pieces_done(&r.pieces);
	return rc;
}

/* ---- writing ---- */

static int write_record(struct buf *ret, unsigned type, uint32_t addr, const uint8_t *data,
	uint32_t len, struct err *e)
{
	unsigned addr_len = types[type].addr_len;
	uint8_t rec[1 + 4 + HEX_LINE_DATA + 1] = {(uint8_t)(addr_len + len + 1)};
	char start[3] = {'S', (char)('0' + type), '\0'};
	uint32_t n = 1;
	uint8_t sum = 0;

	for (unsigned i = addr_len; i-- > 0;)
		rec[n++] = (uint8_t)(addr >> 8 * i);
	if (len > 0)
		memcpy(rec + n, data, len);
	n += len;
	for (uint32_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + rec[i]);
	rec[n++] = (uint8_t)~sum;
	return hex_line(ret, start, rec, n, e);
}

/* The narrowest type that can name every address of the image; one file, one type. */
static unsigned data_type(const struct segments *s)
{
	const struct segment *last = &s->v[s->n - 1];
	uint32_t highest = last->addr + (last->len - 1);

	if (s->has_entry && s->entry > highest)
		highest = s->entry;
	return highest <= 0xffff ? 1 : highest <= 0xffffff ? 2 : 3;
}

static int srec_write(const struct segments *s, const struct fmt_write_options *opt,
	struct buf *ret, struct err *e)
{
	unsigned type = data_type(s);
	uint32_t count = 0;
	int rc = write_record(ret, 0, 0, NULL, 0, e);

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct segment *g = &s->v[i];

		for (uint32_t done = 0; rc == 0 && done < g->len; count++) {
			uint32_t len = hex_line_room(g->addr + done);

			if (len > g->len - done)
				len = g->len - done;
			rc = write_record(ret, type, g->addr + done, g->data + done, len, e);
			done += len;
		}
	}
	if (rc == 0 && count <= 0xffffff)
		rc = write_record(ret, count <= 0xffff ? 5 : 6, count, NULL, 0, e);
	return rc == 0 ? write_record(ret, 10 - type, s->has_entry ? s->entry : 0, NULL, 0, e) : rc;
}

const struct fmt fmt_srec = {
	.kind = FMT_SREC,
	.name = "srec",
	.description = "Motorola S-record",
	.has_addresses = true,
	.detect = srec_detect,
	.read = srec_read,
	.write = srec_write,
};
