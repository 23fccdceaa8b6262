/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_job.c - from wanted values to the option words that will be written
 *
 * Pure: what may go wrong here goes wrong before anything is sent. The last word has a check that
 * looks at the finished bytes alone: read-out protection must stand as it was read.
 */
#include <stmota/option_job.h>

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <stmota/similar.h>

/* Level 1 is every value but two or three; ST's tools take this one, far from level 2's 0xCC. */
#define RDP_1_BYTE 0xBBu

/* ---- words and fields ---- */

static uint8_t *byte_at(const struct option_words *w, uint32_t addr, uint32_t len)
{
	for (size_t i = 0; i < w->n; i++)
		if (span_contains(w->block[i].at, (struct span){addr, len}))
			return (uint8_t *)w->block[i].data + (addr - w->block[i].at.addr);
	return NULL;
}

static uint32_t mask_of(const struct chip_bits *f)
{
	return f->width >= 32 ? UINT32_MAX : (1u << f->width) - 1;
}

uint32_t option_value(const struct option_words *w, const struct chip_bits *f)
{
	const uint8_t *p = byte_at(w, f->addr, 4);

	return p == NULL ? 0 : get_le32(p) >> f->bit & mask_of(f);
}

static void put_value(struct option_words *w, const struct chip_bits *f, uint32_t value)
{
	uint8_t *p = byte_at(w, f->addr, 4);

	if (p != NULL)
		put_le32(p, (get_le32(p) & ~(mask_of(f) << f->bit)) | value << f->bit);
}

int option_words_reader(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e)
{
	const uint8_t *p = byte_at(ctx, addr, 4);

	if (p == NULL)
		return err_set(e, ERR_UNSUPPORTED, "0x%08" PRIX32 " is no option word", addr);
	*ret_word = get_le32(p);
	return 0;
}

static const char *nearest_name(const struct chip *c, const char *name)
{
	const struct chip_option_bytes *o = &c->options;
	struct similar s = SIMILAR_INIT(name);

	for (size_t i = 0; i < o->n_bits; i++) {
		if (strcasecmp(o->bits[i].name, name) == 0)
			return o->bits[i].name;
		similar_offer(&s, o->bits[i].name);
	}
	for (size_t i = 0; i < o->n_wrp; i++)
		similar_offer(&s, o->wrp[i].name);
	return s.best;
}

static int find_field(
	const struct chip *c, const char *name, const struct chip_bits **ret, struct err *e)
{
	const char *near;

	*ret = chip_option_find(c, name);
	if (*ret != NULL)
		return 0;
	near = nearest_name(c, name);
	err_set(e, ERR_USAGE, "%s has no option byte '%s' that is confirmed", c->name, name);
	if (near != NULL)
		return err_hint(e, "did you mean %s? 'stmota option list' shows all", near);
	return err_hint(e, "'stmota option list' shows all that are");
}

int option_find_value(const struct option_words *w, const char *name, uint32_t *ret, struct err *e)
{
	const struct chip_bits *f = NULL;
	int rc = find_field(w->chip, name, &f, e);

	if (rc == 0)
		*ret = option_value(w, f);
	return rc;
}

/* ---- complements ---- */

/* A pair that is erased, all ones, stands for "never written". */
static bool pair_fits(uint32_t value, uint32_t complement, uint32_t ones)
{
	return (value ^ complement) == ones || (value & complement) == ones;
}

static int check_complements(const struct option_words *w, struct err *e)
{
	enum option_complement kind = option_complement_of(w->chip);

	for (size_t i = 0; i < w->n && kind != COMPLEMENT_NONE; i++) {
		const struct option_block *b = &w->block[i];

		for (uint32_t k = 0; k + 4 <= b->at.len; k += 4) {
			uint32_t v = get_le32(b->data + k);
			bool fits = kind == COMPLEMENT_HALVES
					    ? pair_fits(v & 0xFFFF, v >> 16, 0xFFFF) || v == 0
					    : pair_fits(v & 0xFF, v >> 8 & 0xFF, 0xFF) &&
						      pair_fits(v >> 16 & 0xFF, v >> 24, 0xFF);

			if (fits)
				continue;
			err_set(e, ERR_FORMAT,
				"the option word at 0x%08" PRIX32
				" and its complement do not match: 0x%08" PRIX32,
				b->at.addr + k, v);
			return err_hint(e, "the option bytes were damaged, by a power cut perhaps; "
					   "this program does not guess what they were");
		}
	}
	return 0;
}

/* The words that changed get their complement, where what was read had one. */
static void set_complements(const struct option_words *before, struct option_words *after)
{
	enum option_complement kind = option_complement_of(after->chip);

	for (size_t i = 0; i < after->n; i++) {
		struct option_block *b = &after->block[i];

		for (uint32_t k = 0; k + 4 <= b->at.len; k += 4) {
			uint32_t was = get_le32(before->block[i].data + k);
			uint32_t is = get_le32(b->data + k);
			uint32_t beside = k ^ 4;

			if (was == is)
				continue;
			if (kind == COMPLEMENT_BYTES)
				put_le32(b->data + k, (is & 0x00FF00FF) | (~is & 0x00FF00FF) << 8);
			else if (kind == COMPLEMENT_HALVES)
				put_le32(b->data + k, (is & 0xFFFF) | (~is & 0xFFFF) << 16);
			else if (!after->chip->options.registers && beside + 4 <= b->at.len &&
				 get_le32(before->block[i].data + beside) == ~was)
				put_le32(b->data + beside, ~is);
		}
	}
}

/* ---- planning ---- */

static bool same_bits(const struct chip_bits *a, const struct chip_bits *b)
{
	return strcmp(a->name, b->name) == 0 && a->bit == b->bit && a->width == b->width;
}

/* Every place where the field is written; how many there are. */
static size_t put_everywhere(struct option_words *w, const struct chip_bits *list, size_t n,
	const struct chip_bits *f, uint32_t value)
{
	size_t places = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(list[i].access & CHIP_ACCESS_WRITE) || !same_bits(&list[i], f) ||
			byte_at(w, list[i].addr, 4) == NULL)
			continue;
		put_value(w, &list[i], value);
		places++;
	}
	return places;
}

static size_t put_field(struct option_words *w, const struct chip_bits *f, uint32_t value)
{
	const struct chip_option_bytes *o = &w->chip->options;

	return put_everywhere(w, o->bits, o->n_bits, f, value) +
	       put_everywhere(w, o->wrp, o->n_wrp, f, value);
}

/* Where a value is read at one place and written at another, the second follows the first. */
static void align_written_places(struct option_words *w)
{
	const struct chip_option_bytes *o = &w->chip->options;
	const struct chip_bits *const lists[] = {o->rdp, o->wrp, o->bits};
	const size_t counts[] = {o->n_rdp, o->n_wrp, o->n_bits};

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < counts[l]; i++)
			if (lists[l][i].access == CHIP_ACCESS_READ)
				put_everywhere(w, lists[l], counts[l], &lists[l][i],
					option_value(w, &lists[l][i]));
}

static bool consented(const struct option_limits *l, const char *name)
{
	for (size_t i = 0; i < l->n_irreversible; i++)
		if (strcmp(l->irreversible[i], name) == 0)
			return true;
	return false;
}

static int check_consent(const struct option_words *now, const struct option_change *c,
	const struct option_limits *l, struct err *e)
{
	const char *name = c->field->name;

	if (!option_needs_consent(c->consequences) || consented(l, name))
		return 0;
	err_set(e, ERR_USAGE, "%s of %s: %s", name, now->chip->name,
		(c->consequences & OPTION_NOT_UNDONE) != 0
			? "the change cannot be undone, or only by erasing everything"
			: "the change may lock the bootloader out for ever");
	return err_hint(e, "if that is what you want: --irreversible %s", name);
}

static int refuse_read_protection(const char *name, struct err *e)
{
	err_set(e, ERR_USAGE, "%s is read-out protection and no option to set by name", name);
	return err_hint(e, strcmp(name, "RDP") == 0
				   ? "'stmota protect rdp-set 1' sets it, 'rdp-set 0' lifts it"
				   : "no command of this program changes it");
}

static int add_change(struct option_plan *p, const struct option_words *now,
	const struct option_want *want, const struct option_limits *l, struct err *e)
{
	const struct option_fact *fact = option_fact_of(now->chip, want->name);
	struct option_change c = {.to = want->value, .consequences = fact->consequences};
	int rc = 0;

	c.field = want->field;
	if (c.field == NULL)
		rc = find_field(now->chip, want->name, &c.field, e);
	if (rc < 0)
		return rc;
	if ((fact->consequences & OPTION_READ_PROTECTS) != 0)
		return refuse_read_protection(want->name, e);
	if (want->value > mask_of(c.field))
		return err_set(e, ERR_USAGE, "%s has %u bit%s: %" PRIu32 " is too large",
			want->name, c.field->width, c.field->width == 1 ? "" : "s", want->value);
	if (byte_at(now, c.field->addr, 4) == NULL || !(c.field->access & CHIP_ACCESS_READ))
		return err_set(e, ERR_UNSUPPORTED, "%s cannot be read back", want->name);
	c.from = option_value(now, c.field);
	for (size_t i = 0; i < p->n_changes; i++)
		if (p->change[i].field == c.field && p->change[i].to != c.to)
			return err_set(e, ERR_USAGE, "%s is given two values", want->name);
	if (c.from == c.to)
		return 0;
	if (p->n_changes == OPTION_CHANGES_MAX)
		return err_set(e, ERR_USAGE, "more than %d changes at once", OPTION_CHANGES_MAX);
	rc = check_consent(now, &c, l, e);
	if (rc < 0)
		return rc;
	if (put_field(&p->after, c.field, c.to) == 0)
		return err_set(e, ERR_UNSUPPORTED, "no place to write %s is confirmed", want->name);
	p->consequences |= c.consequences;
	p->change[p->n_changes++] = c;
	return 0;
}

/*
 * A name may be given twice with the same value; with another it must not slip through because one
 * of the two is the value that stands.
 */
static int check_twice(const struct option_want *want, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (want[i].field == want[k].field &&
				strcmp(want[i].name, want[k].name) == 0 &&
				want[i].value != want[k].value)
				return err_set(
					e, ERR_USAGE, "%s is given two values", want[i].name);
	return 0;
}

/* Looks at the finished bytes and at nothing else that was computed here. */
static int check_read_protection_kept(const struct option_plan *p, struct err *e)
{
	const struct chip *c = p->before.chip;
	const struct chip_option_bytes *o = &c->options;
	uint8_t stands = 0;
	bool known = false;

	for (size_t i = 0; i < o->n_rdp; i++) {
		if (!(o->rdp[i].access & CHIP_ACCESS_READ))
			continue;
		stands = (uint8_t)option_value(&p->before, &o->rdp[i]);
		known = true;
	}
	for (size_t i = 0; i < o->n_rdp; i++) {
		uint8_t value = (uint8_t)option_value(&p->after, &o->rdp[i]);

		if (known && value == stands && chip_rdp_level(c, value) != RDP_2)
			continue;
		return err_set(e, ERR_UNSUPPORTED,
			"the write would change the read-out protection from 0x%02X to 0x%02X: "
			"refused",
			stands, value);
	}
	return 0;
}

/* `base`: what stands, at all places. A place to write that is stale alone is no reason to write. */
static int count_writes(struct option_plan *p, const struct option_words *base,
	const struct option_limits *l, struct err *e)
{
	unsigned max = l->max_writes != 0 ? l->max_writes : 1;

	for (size_t i = 0; i < p->after.n; i++) {
		const struct option_block *b = &p->after.block[i];

		p->dirty[i] = memcmp(b->data, base->block[i].data, b->at.len) != 0;
		if (!p->dirty[i])
			continue;
		p->n_writes++;
		if (l->write_max == 0 || b->at.len <= l->write_max)
			continue;
		err_set(e, ERR_UNSUPPORTED,
			"the option area of %s has %" PRIu32 " bytes and one write carries %" PRIu32
			": how its bootloader takes it in parts is not confirmed",
			p->after.chip->name, b->at.len, l->write_max);
		return err_hint(e, "USB DFU carries it in one write");
	}
	if (p->n_writes <= max)
		return 0;
	err_set(e, ERR_UNSUPPORTED, "these changes need %u option writes, each with a reset",
		p->n_writes);
	return err_hint(e, "set them one after another");
}

int option_plan_make(const struct option_words *now, const struct option_want *want, size_t n,
	const struct option_limits *limits, struct option_plan *ret, struct err *e)
{
	static const struct option_limits none;
	struct option_words base = *now;
	const struct option_limits *l = limits != NULL ? limits : &none;
	int rc = check_complements(now, e);

	memset(ret, 0, sizeof(*ret));
	ret->before = ret->after = *now;
	if (rc == 0)
		rc = check_twice(want, n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_change(ret, now, &want[i], l, e);
	if (rc < 0 || ret->n_changes == 0)
		return rc;
	/* First what stands, then what changes: the places to write may be stale. */
	align_written_places(&base);
	ret->after = base;
	for (size_t i = 0; i < ret->n_changes; i++)
		put_field(&ret->after, ret->change[i].field, ret->change[i].to);
	set_complements(&ret->before, &ret->after);
	rc = check_read_protection_kept(ret, e);
	return rc == 0 ? count_writes(ret, &base, l, e) : rc;
}

/* ---- read-out protection ---- */

/* RDP, or its complement beside it. */
static bool is_rdp_word(const struct chip *c, uint32_t addr)
{
	for (size_t i = 0; i < c->options.n_rdp; i++)
		if ((c->options.rdp[i].addr ^ addr) < 8)
			return true;
	return false;
}

/* Looks at the finished bytes: level 1 and never 2, and nothing else is new. */
static int check_rdp_alone(
	const struct option_plan *p, const struct option_words *base, struct err *e)
{
	const struct chip *c = p->before.chip;
	bool good = true;

	for (size_t i = 0; i < c->options.n_rdp; i++) {
		uint8_t value = (uint8_t)option_value(&p->after, &c->options.rdp[i]);

		if ((c->options.rdp[i].access & CHIP_ACCESS_WRITE) != 0)
			good = good && value == RDP_1_BYTE && chip_rdp_level(c, value) == RDP_1;
	}
	for (size_t i = 0; i < p->after.n; i++) {
		const struct option_block *b = &p->after.block[i];

		for (uint32_t k = 0; k + 4 <= b->at.len; k += 4)
			if (!is_rdp_word(c, b->at.addr + k))
				good = good &&
				       get_le32(b->data + k) == get_le32(base->block[i].data + k);
	}
	return good ? 0
		    : err_set(e, ERR_UNSUPPORTED,
			      "the write would do more or less than read-out protection level 1: "
			      "refused");
}

int option_plan_rdp_1(const struct option_words *now, const struct option_limits *limits,
	struct option_plan *ret, struct err *e)
{
	const struct chip_option_bytes *o = &now->chip->options;
	struct option_words base = *now;
	const struct chip_bits *read = NULL;
	int rc = check_complements(now, e);

	if (rc < 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < o->n_rdp; i++)
		if ((o->rdp[i].access & CHIP_ACCESS_READ) != 0)
			read = &o->rdp[i];
	if (read == NULL || chip_rdp_level(now->chip, (uint8_t)option_value(now, read)) != RDP_0)
		return err_set(e, ERR_UNSUPPORTED, "read-out protection does not read as level 0");
	align_written_places(&base);
	ret->before = *now;
	ret->after = base;
	if (put_everywhere(&ret->after, o->rdp, o->n_rdp, read, RDP_1_BYTE) == 0)
		return err_set(e, ERR_UNSUPPORTED, "no place to write RDP is confirmed");
	ret->consequences = option_fact_of(now->chip, "RDP")->consequences;
	ret->change[ret->n_changes++] = (struct option_change){.field = read,
		.from = option_value(now, read),
		.to = RDP_1_BYTE,
		.consequences = ret->consequences};
	set_complements(&ret->before, &ret->after);
	rc = check_rdp_alone(ret, &base, e);
	return rc == 0 ? count_writes(ret, &base, limits, e) : rc;
}
