/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_image.c - what images and the components of packages have in common, described
 */
#include "cmd.h"
#include "info.h"

#include <imf/imf_app_info.h>
#include <stmota/digest.h>
#include <stmota/image.h>
#include <stmota/version.h>

/* More than anybody reads on a terminal; JSON has all. */
#define ROWS_MAX 40

static size_t rows(const struct out *o, size_t n)
{
	return out_mode(o) == OUT_HUMAN && n > ROWS_MAX ? ROWS_MAX : n;
}

static void more(struct out *o, size_t n, const char *what)
{
	if (rows(o, n) < n)
		out_text(o, "... and %zu %s more (--json has all)", n - rows(o, n), what);
}

static void show_holes(struct out *o, const struct segments *s)
{
	size_t n = s->n - 1;

	out_table(o, "holes");
	for (size_t i = 0; i < rows(o, n); i++) {
		uint64_t start = (uint64_t)s->v[i].addr + s->v[i].len;

		out_object(o, NULL);
		out_hex(o, "address", start, 8);
		out_hex(o, "last", s->v[i + 1].addr - 1, 8);
		out_size(o, "size", s->v[i + 1].addr - start);
		out_end(o);
	}
	out_end(o);
	more(o, n, "holes");
}

/* Whole in JSON; on a terminal the part that people compare, so that a row keeps to its line. */
static void show_digest(struct out *o, const uint8_t digest[SHA256_SIZE])
{
	if (out_mode(o) == OUT_HUMAN)
		out_strf(o, "sha256", "%02x%02x%02x%02x%02x%02x%02x%02x...", digest[0], digest[1],
			digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
	else
		out_bytes(o, "sha256", digest, SHA256_SIZE);
}

int info_segments(struct out *o, const struct segments *s, struct err *e)
{
	out_table(o, "segments");
	for (size_t i = 0; i < rows(o, s->n); i++) {
		uint8_t digest[SHA256_SIZE];
		int rc = sha256(s->v[i].data, s->v[i].len, digest, e);

		if (rc < 0)
			return rc;
		out_object(o, NULL);
		out_hex(o, "address", s->v[i].addr, 8);
		out_hex(o, "last", (uint64_t)s->v[i].addr + s->v[i].len - 1, 8);
		out_size(o, "size", s->v[i].len);
		show_digest(o, digest);
		out_end(o);
	}
	out_end(o);
	more(o, s->n, "segments");
	if (s->n > 1)
		show_holes(o, s);
	return 0;
}

void info_hw(struct out *o, uint16_t min, uint16_t max)
{
	if (out_mode(o) != OUT_HUMAN) {
		out_uint(o, "hw_min", min);
		out_uint(o, "hw_max", max);
	} else if (min == 0 && max == UINT16_MAX) {
		out_str(o, "hardware", "any revision");
	} else {
		out_strf(o, "hardware", "%u..%u", min, max);
	}
}

static void show_verdict(struct out *o, int rc, const char *doubt, const struct err *e)
{
	out_str(o, "verdict", rc < 0 ? "bad" : doubt[0] != '\0' ? "doubtful" : "good");
	if (rc < 0)
		out_str(o, "reason", e->msg);
	else if (doubt[0] != '\0')
		out_str(o, "reason", doubt);
	if (rc < 0 && e->hint[0] != '\0')
		out_str(o, "hint", e->hint);
}

void info_vectors(struct out *o, const struct segments *s, const struct chip *chip)
{
	const struct segment *g;
	struct err why = ERR_INIT;
	char doubt[160];
	uint32_t base;
	int rc;

	if (!image_vector_base(s, chip, &base))
		return;
	g = segments_at(s, base);
	rc = image_check_vectors(s, base, chip, doubt, sizeof(doubt), &why);
	out_object(o, "vectors");
	out_hex(o, "address", base, 8);
	if (g->len - (base - g->addr) >= 8) {
		out_hex(o, "stack_pointer", get_le32(g->data + (base - g->addr)), 8);
		out_hex(o, "reset", get_le32(g->data + (base - g->addr) + 4), 8);
	}
	if (chip != NULL)
		cmd_out_chip(o, chip->pid);
	show_verdict(o, rc, doubt, &why);
	out_end(o);
}

void info_app_info(struct out *o, const struct imf_app_info *a)
{
	char version[VERSION_TEXT_SIZE], uuid[UUID_TEXT_SIZE];

	out_object(o, "app_info");
	out_str(o, "version", version_format(a->version, version));
	out_uint(o, "counter", a->counter);
	out_str(o, "product_uuid", uuid_format(a->product, uuid));
	cmd_out_chip(o, a->chip);
	info_hw(o, a->hw_min, a->hw_max);
	out_end(o);
}
