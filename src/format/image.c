/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - the rules of vector tables, applied to an image with holes
 *
 * The table and the code it points to are often apart: EEPROM emulation uses the pages between.
 */
#include <stmota/image.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <stmota/fmt_mcuboot.h>
#include <stmota/vectors.h>

/* Behind the header of a signed image. */
static uint32_t table_offset(const struct segments *s, uint32_t addr)
{
	const struct segment *g = segments_at(s, addr);
	uint32_t off = addr - g->addr;

	return mcuboot_table_offset(g->data + off, g->len - off);
}

bool image_is_opaque(const struct segments *s, uint32_t addr)
{
	const struct segment *g = segments_at(s, addr);

	return g != NULL &&
	       mcuboot_is_opaque(g->data + (addr - g->addr), g->len - (addr - g->addr));
}

bool image_starts_with_header(const struct segments *s, uint32_t addr)
{
	return image_is_opaque(s, addr) ||
	       (segments_at(s, addr) != NULL && table_offset(s, addr) > 0);
}

bool image_needs_loader(const struct segments *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (image_starts_with_header(s, s->v[i].addr))
			return true;
	return false;
}

bool image_vector_base(const struct segments *s, const struct chip *chip, uint32_t *ret)
{
	if (s->n == 0)
		return false;
	*ret = s->v[0].addr;
	if (chip != NULL && segments_at(s, chip->flash_base) != NULL)
		*ret = chip->flash_base;
	*ret += table_offset(s, *ret);
	return true;
}

static bool holds(const void *image, uint32_t addr)
{
	return segments_at(image, addr) != NULL;
}

int image_check_vectors(const struct segments *s, uint32_t base, const struct chip *chip,
	char *ret_warn, size_t warn_size, struct err *e)
{
	const struct segment *g = segments_at(s, base);
	uint32_t off;

	if (g == NULL) {
		err_set(e, ERR_NO_FIT, "the image has no vector table at 0x%08" PRIX32, base);
		err_at(e, base);
		return ERR_NO_FIT;
	}
	off = base - g->addr;
	return vectors_check_parts(
		g->data + off, g->len - off, base, holds, s, chip, ret_warn, warn_size, e);
}

bool image_outside(const struct segments *s, struct span flash, struct span *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		struct span at = {s->v[i].addr, s->v[i].len};

		if (span_contains(flash, at))
			continue;
		*ret = at;
		return true;
	}
	return false;
}

/* ---- will it run there? ---- */

struct judge {
	finding_sink sink;
	void *ctx;
	enum verdict worst;
};

static void tell(struct judge *j, enum verdict verdict, const char *rule, uint32_t addr,
	const char *todo, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void tell(struct judge *j, enum verdict verdict, const char *rule, uint32_t addr,
	const char *todo, const char *fmt, ...)
{
	struct finding f = {.verdict = verdict, .rule = rule, .word = -1, .addr = addr};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.what, sizeof(f.what), fmt, ap);
	va_end(ap);
	snprintf(f.todo, sizeof(f.todo), "%s", todo);
	if (verdict > j->worst)
		j->worst = verdict;
	j->sink(j->ctx, &f);
}

static void judge_flash(struct judge *j, const struct segments *s, const struct geometry *g)
{
	struct span out, flash = {g->base, g->size};
	unsigned end = (unsigned)(span_end(flash) - 1);

	if (image_outside(s, flash, &out))
		tell(j, VERDICT_ERROR, "flash", out.addr,
			"check the link address, and that the image is for this chip",
			"0x%08" PRIX32 "..0x%08X of the image is outside the %u KiB of flash "
			"(0x%08" PRIX32 "..0x%08X)",
			out.addr, (unsigned)(span_end(out) - 1), g->size / 1024, flash.addr, end);
	else
		tell(j, VERDICT_OK, "flash", s->v[0].addr, "",
			"all of it lies in the %u KiB of flash%s", g->size / 1024,
			g->size == g->chip->flash_size_max ? " that the largest part has" : "");
}

/* Headers of signed images stand between the start of the unit and the vector table. */
static bool is_header_size(uint32_t off)
{
	return off >= 0x200 && off <= 0x1000 && (off & (off - 1)) == 0;
}

static void judge_unit(
	struct judge *j, const struct segments *s, uint32_t base, const struct geometry *g)
{
	struct erase_unit u;

	if (!geometry_unit_at(g, base, &u))
		return;
	if (u.addr == base)
		tell(j, VERDICT_OK, "erase_unit", base, "", "it begins with an erase unit of %s",
			g->chip->name);
	else if (segments_at(s, u.addr) != NULL || is_header_size(base - u.addr))
		tell(j, VERDICT_OK, "erase_unit", base, "",
			"its table stands 0x%" PRIX32 " behind the start of an erase unit",
			base - u.addr);
	else
		tell(j, VERDICT_DOUBTFUL, "erase_unit", base,
			"begin the image with an erase unit ('stmota layout' finds addresses)",
			"it begins inside an erase unit (0x%08" PRIX32 ", %u bytes): what lies "
			"before it there is erased with it",
			u.addr, u.size);
}

enum verdict image_judge(const struct segments *s, uint32_t base, const struct geometry *g,
	finding_sink sink, void *sink_ctx)
{
	const struct segment *at = segments_at(s, base);
	struct judge j = {.sink = sink, .ctx = sink_ctx};
	struct vectors_image image = {.base = base, .holds = holds, .ctx = s};
	enum verdict vectors;

	if (at == NULL) {
		tell(&j, VERDICT_ERROR, "table", base, "",
			"the image has no vector table at 0x%08" PRIX32, base);
		return j.worst;
	}
	judge_flash(&j, s, g);
	judge_unit(&j, s, base, g);
	image.table = at->data + (base - at->addr);
	image.len = at->len - (base - at->addr);
	vectors = vectors_judge(&image, g->chip, sink, sink_ctx);
	return vectors > j.worst ? vectors : j.worst;
}
