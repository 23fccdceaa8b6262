/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect_show.c - the table of what protects a device: what it forbids, what undoing it destroys
 */
#include <stmota/protect_job.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct table {
	struct protect_row *rows;
	size_t n;
};

static struct protect_row *add(
	struct table *t, const char *what, const char *forbids, const char *undo)
{
	struct protect_row *r;

	if (t->n == PROTECT_ROWS)
		return &t->rows[PROTECT_ROWS - 1];
	r = &t->rows[t->n++];
	*r = (struct protect_row){.forbids = forbids, .undo = undo};
	snprintf(r->what, sizeof(r->what), "%s", what);
	return r;
}

/* ---- read-out protection ---- */

static const struct {
	enum rdp_level level;
	const char *state, *forbids, *undo;
} levels[] = {
	{RDP_UNKNOWN, "not confirmed", NULL, NULL},
	{RDP_0, "level 0: off", NULL, NULL},
	{RDP_0_5, "level 0.5", "reading, erasing and writing the secure part",
		"not built: leave it to the tool that set it"},
	{RDP_1, "level 1", "reading, erasing and writing",
		"protect rdp-set 0 --erase-everything: the whole flash is lost"},
	{RDP_2, "level 2", "everything, for ever", "impossible"},
};

static void add_rdp(struct table *t, const struct device_facts *f, bool writes)
{
	bool by_state = f->chip->has_option_bytes && f->chip->options.n_rdp == 0;
	struct protect_row *r;
	size_t i = 0;

	while (levels[i].level != f->rdp)
		i++;
	r = add(t, by_state ? "PRODUCT_STATE" : "read-out protection", levels[i].forbids,
		levels[i].undo);
	snprintf(r->state, sizeof(r->state), "%s", levels[i].state);
	if (f->rdp == RDP_UNKNOWN && f->read_refused) {
		snprintf(r->state, sizeof(r->state), "closed: the device refuses to be read");
		r->forbids = "reading, erasing and writing";
		r->undo = "not built: a regression needs ST's tools and erases everything";
	}
	r->in_the_way = writes && r->forbids != NULL;
}

/* ---- write protection ---- */

static bool touches(const struct device_facts *f, const struct segments *image, struct span at)
{
	for (size_t k = 0; image != NULL && f->has_geometry && k < image->n; k++) {
		uint64_t addr = image->v[k].addr, end = addr + image->v[k].len;
		struct erase_unit u;

		while (addr < end && geometry_unit_at(&f->geometry, (uint32_t)addr, &u)) {
			if (span_overlaps((struct span){u.addr, u.size}, at))
				return true;
			addr = (uint64_t)u.addr + u.size;
		}
	}
	return false;
}

static void add_wrp(struct table *t, const struct device_facts *f, const struct segments *image)
{
	struct protect_row *r;

	for (size_t i = 0; i < f->n_wrp && t->n + 20 < PROTECT_ROWS; i++) {
		r = add(t, "write protection", "erasing and writing there",
			"protect wrp-off: nothing is lost");
		snprintf(r->state, sizeof(r->state), "0x%08" PRIX32 "..0x%08" PRIX32,
			f->wrp[i].addr, (uint32_t)(span_end(f->wrp[i]) - 1));
		r->in_the_way = touches(f, image, f->wrp[i]);
	}
	if (f->wrp_known && f->n_wrp > 0)
		return;
	r = add(t, "write protection", NULL, NULL);
	/* The reason says of what it speaks; the table has said that already. */
	snprintf(r->state, sizeof(r->state), "%s%.50s", f->wrp_known ? "off" : "not confirmed: ",
		f->wrp_known                       ? ""
		: strrchr(f->wrp_why, ':') != NULL ? strrchr(f->wrp_why, ':') + 2
						   : f->wrp_why);
}

/* ---- everything with a name ---- */

/* A value that keeps the BOOT0 pin from leading into the bootloader, as chips.md tells. */
static const struct {
	const char *name;
	uint32_t value;
	bool for_ever;
} closed[] = {
	{"BOOT_LOCK", 1, true},
	{"nSWBOOT0", 0, false},
	{"nBOOT_SEL", 1, false},
	{"BOOT_SEL", 0, false},
	{"nBOOT1", 0, false},
	{"NSBOOT_LOCK", 0xB4, true},
};

static void describe(struct protect_row *r, const struct option_fact *fact, uint32_t value)
{
	if (value < 2 && fact->value[value] != NULL)
		snprintf(r->state, sizeof(r->state), "%" PRIu32 ": %s", value, fact->value[value]);
	else
		snprintf(r->state, sizeof(r->state), "0x%" PRIX32, value);
}

static void add_field(struct table *t, const struct option_words *w, const struct chip_bits *f)
{
	const struct option_fact *fact = option_fact_of(w->chip, f->name);
	uint32_t value = option_value(w, f);
	struct protect_row *r = add(t, f->name, NULL, NULL);
	bool pcrop = strcmp(f->name, "SPRMOD") == 0 || strcmp(f->name, "WPRMOD") == 0;

	describe(r, fact, value);
	if (strcmp(f->name, "PRODUCT_STATE") == 0)
		snprintf(r->state, sizeof(r->state), "0x%" PRIX32 "%s", value,
			value == 0xED   ? ": open"
			: value == 0x17 ? ": provisioning"
					: "");
	if (pcrop && value == 1) {
		r->forbids = "reading the write-protected sectors";
		r->undo = "only by lifting read-out protection: the whole flash is lost";
	}
	if (strcmp(f->name, "TZEN") == 0 && value == 1 && f->width == 1) {
		r->forbids = "reaching secure flash and options";
		r->undo = "only with ST's tools: the whole flash is lost";
	}
	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		if (strcmp(closed[i].name, f->name) != 0 || closed[i].value != value)
			continue;
		r->forbids = "reaching the bootloader by the BOOT0 pin";
		r->undo = closed[i].for_ever ? "impossible" : "option set: nothing is lost";
	}
}

static bool has_prefix(const struct chip *c, const char *prefix)
{
	for (size_t i = 0; i < c->options.n_bits; i++)
		if (strncmp(c->options.bits[i].name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* Said, so that silence is not taken for "there is none". */
static void add_unknown_areas(struct table *t, const struct chip *c)
{
	struct protect_row *r;

	if (has_prefix(c, "PCROP") || has_prefix(c, "SEC") || has_prefix(c, "HDP"))
		return;
	r = add(t, "PCROP, secure area, HDP", NULL, NULL);
	snprintf(r->state, sizeof(r->state), "%s",
		has_prefix(c, "SPRMOD") || has_prefix(c, "WPRMOD")
			? "as the mode bit below says; no other areas confirmed"
			: "not confirmed where this chip keeps them, if it has any");
}

size_t protect_table(const struct device_facts *f, const struct option_words *words,
	const struct segments *image, struct protect_row ret[PROTECT_ROWS])
{
	const struct chip_option_bytes *o = &f->chip->options;
	struct table t = {.rows = ret};

	if (f->chip->options.n_rdp > 0 || words == NULL)
		add_rdp(&t, f, image != NULL);
	if (words == NULL)
		return t.n;
	add_wrp(&t, f, image);
	add_unknown_areas(&t, f->chip);
	for (size_t i = 0; i < o->n_bits; i++) {
		unsigned what = option_fact_of(f->chip, o->bits[i].name)->consequences;

		/* The bank mode is geometry and protects nothing: 'option list' has it. */
		if ((o->bits[i].access & CHIP_ACCESS_READ) != 0 &&
			(what & ~OPTION_CHANGES_GEOMETRY) != 0 &&
			chip_option_find(f->chip, o->bits[i].name) == &o->bits[i])
			add_field(&t, words, &o->bits[i]);
	}
	return t.n;
}
