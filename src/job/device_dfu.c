/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_dfu.c - which chip is behind a bootloader that does not say it
 *
 * DFU tells no product ID. What it tells is a memory map; what can be read, the flash size register
 * and the bootloader's id, lies at addresses that depend on the chip. So the chip is a set of
 * candidates: all those of the table that contradict nothing. Work goes on where they all have the
 * same erase units, or where the user or the firmware names one of them.
 */
#include <stmota/device.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/dfu.h>
#include <stmota/log.h>
#include <stmota/quirks.h>

#include "device_priv.h"

#define FACT_MAX 320u /* F2 and F4 have their bootloader's id in two places, 256 bytes apart */

struct fact { /* two readings agreed on it, or the device refuses to show it */
	struct span at;
	bool readable;
	uint8_t data[FACT_MAX];
};

struct search {
	struct target *t;
	const struct chip *found[TARGET_CANDIDATES_MAX];
	size_t n;
	struct fact facts[12]; /* one reading serves all chips that have it in the same place */
	size_t n_facts;
};

/* ---- the memory map ---- */

static const struct dfu_layout *flash_map(const struct target *t, uint32_t base)
{
	const struct dfu_layout *all = NULL;
	size_t n = dfu_target_layouts(t, &all);

	for (size_t i = 0; i < n; i++) {
		const struct dfu_run *run = dfu_layout_at(&all[i], base);

		if (run != NULL && (run->access & DFU_MAY_ERASE) != 0)
			return &all[i];
	}
	return NULL;
}

uint32_t device_dfu_map_size(const struct target *t, uint32_t base)
{
	const struct dfu_layout *map = flash_map(t, base);
	const struct dfu_run *run;
	uint64_t end = base;

	while (map != NULL && end <= UINT32_MAX &&
		(run = dfu_layout_at(map, (uint32_t)end)) != NULL)
		end = run->addr + (uint64_t)run->count * run->size;
	return (uint32_t)(end - base);
}

static bool unit_in_map(const struct dfu_layout *map, const struct erase_unit *u)
{
	const struct dfu_run *run = dfu_layout_at(map, u->addr);

	return run != NULL && run->size == u->size && (u->addr - run->addr) % run->size == 0;
}

/* Some bootloaders tell units of a wrong size, but of one size all over; there the table counts. */
static bool wrong_as_known(
	const struct target *t, const struct dfu_layout *map, const struct chip *c)
{
	const struct dfu_run *first = dfu_layout_at(map, c->flash_base);

	for (size_t i = 0; i < map->n_runs; i++)
		if (map->runs[i].size != first->size)
			return false;
	return quirk_applies(c, t->info.boot_id, CHIP_QUIRK_DFU_LAYOUT_WRONG);
}

bool device_dfu_agrees(const struct target *t, const struct geometry *g)
{
	const struct dfu_layout *map = flash_map(t, g->base);

	if (map == NULL || g->size > device_dfu_map_size(t, g->base))
		return false;
	if (wrong_as_known(t, map, g->chip))
		return true;
	for (uint32_t i = 0; i < g->n_units; i++) {
		struct erase_unit u = geometry_unit(g, i);

		if (!unit_in_map(map, &u))
			return false;
	}
	return true;
}

enum chip_banks device_dfu_banks(const struct target *t, const struct chip *c, uint32_t size)
{
	static const enum chip_banks modes[] = {CHIP_BANKS_FORCE_DUAL, CHIP_BANKS_FORCE_SINGLE};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct geometry g;

		if (geometry_init(&g, c, size, modes[i], NULL) == 0 && device_dfu_agrees(t, &g))
			return modes[i];
	}
	return CHIP_BANKS_DEFAULT;
}

/* ---- the candidates ---- */

static void keep_if(struct search *s, bool (*fits)(struct search *s, const struct chip *c))
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (fits(s, s->found[i]))
			s->found[n++] = s->found[i];
	s->n = n;
}

/* No bootloader tells of more flash than its chip can have. */
static void all_that_fit_the_map(struct search *s)
{
	for (size_t i = 0; i < chip_count() && s->n < TARGET_CANDIDATES_MAX; i++) {
		const struct chip *c = chip_at(i);
		uint32_t size;

		if (c->has_usb_dfu == CHIP_NO)
			continue;
		size = device_dfu_map_size(s->t, c->flash_base);
		if (size != 0 && size <= c->flash_size_max &&
			device_dfu_banks(s->t, c, size) != CHIP_BANKS_DEFAULT)
			s->found[s->n++] = c;
	}
}

/* ---- what can be read ---- */

/* NULL through ret_fact: it is not known whether it can be read, because there is no more room. */
static int look(struct search *s, struct span at, const char *what, const struct fact **ret_fact,
	struct err *e)
{
	struct fact *f = &s->facts[s->n_facts];
	int rc;

	*ret_fact = NULL;
	for (size_t i = 0; i < s->n_facts; i++) {
		if (!span_contains(s->facts[i].at, at) ||
			(!s->facts[i].readable && s->facts[i].at.len > at.len))
			continue;
		*ret_fact = &s->facts[i];
		return 0;
	}
	if (s->n_facts == ARRAY_LEN(s->facts) || at.len > FACT_MAX)
		return 0;
	rc = device_read_twice(s->t, at.addr, f->data, at.len, what, e);
	if (rc < 0 && rc != ERR_NACK && rc != ERR_UNSUPPORTED)
		return rc;
	err_clear(e);
	f->at = at;
	f->readable = rc == 0;
	*ret_fact = f;
	s->n_facts++;
	return 0;
}

/* The register of this chip says what it may say, or it cannot be read. */
static bool size_allows(struct search *s, const struct chip *c, const struct fact *f)
{
	uint32_t size, map = device_dfu_map_size(s->t, c->flash_base);

	if (f == NULL || !f->readable)
		return true;
	size = (uint32_t)get_le16(f->data + (c->flash_size_register - f->at.addr)) * 1024;
	return size != 0 && size <= c->flash_size_max &&
	       device_dfu_banks(s->t, c, size < map ? size : map) != CHIP_BANKS_DEFAULT;
}

/* The register of this chip is there, and says exactly what the memory map says. */
static bool size_proves(struct search *s, const struct chip *c, const struct fact *f)
{
	return f != NULL && f->readable &&
	       (uint32_t)get_le16(f->data + (c->flash_size_register - f->at.addr)) * 1024 ==
		       device_dfu_map_size(s->t, c->flash_base);
}

static int look_at_size(
	struct search *s, const struct chip *c, const struct fact **ret, struct err *e)
{
	struct span both = device_identity_span(c), alone = {c->flash_size_register, 2};
	int rc;

	if (c->flash_size_register == CHIP_UNKNOWN)
		return 0;
	rc = look(s,
		both.len > 0 && both.len <= sizeof(s->t->info.agreed.data) ? both : alone,
		"unique id and flash size", ret, e);
	if (rc == 0 && *ret != NULL && !(*ret)->readable && (*ret)->at.len > 2)
		rc = look(s, alone, "flash size register", ret, e);
	return rc;
}

/*
 * Drops what the flash size register contradicts; the unique id comes with it where it is near.
 * Once a register is found that says exactly what the map says, who has it elsewhere is out.
 */
static int filter_by_size(struct search *s, struct err *e)
{
	const struct chip *proven = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct chip *c = s->found[i];
		const struct fact *f = NULL;
		int rc;

		if (proven != NULL && c->flash_size_register != proven->flash_size_register)
			continue;
		rc = look_at_size(s, c, &f, e);
		if (rc < 0)
			return rc;
		if (!size_allows(s, c, f))
			continue;
		if (proven == NULL && size_proves(s, c, f)) {
			size_t kept = 0;

			proven = c;
			for (size_t k = 0; k < n; k++)
				if (s->found[k]->flash_size_register == c->flash_size_register)
					s->found[kept++] = s->found[k];
			n = kept;
		}
		s->found[n++] = c;
	}
	s->n = n;
	return 0;
}

enum id_says { ID_NOTHING, ID_REFUSED, ID_LISTED, ID_NONE_HERE };

/*
 * An id is 0xXY: X a set of interfaces, Y a revision. One that the table does not list may be that
 * of a newer bootloader, so it excludes nobody; what cannot be an id does.
 */
static enum id_says id_of(const struct chip *c, const struct fact *f, uint8_t *ret_id)
{
	uint8_t id;

	if (f == NULL)
		return ID_NOTHING;
	if (!f->readable)
		return ID_REFUSED;
	id = f->data[c->boot_id_addr - f->at.addr];
	if (id >> 4 == 0 || id >> 4 == 15)
		return ID_NONE_HERE;
	*ret_id = id;
	for (size_t i = 0; i < c->n_boot_ids; i++)
		if (c->boot_ids[i] == id)
			return ID_LISTED;
	return ID_NOTHING;
}

static bool has_id(const struct chip *c)
{
	return c->boot_id_addr != CHIP_UNKNOWN && c->boot_id_addr != 0;
}

/*
 * All places of an id with one reading, where they are near and in the ROM of every candidate. If
 * that is refused they are read one by one.
 */
static int look_at_ids(struct search *s, struct err *e)
{
	const struct fact *f = NULL;
	uint32_t first = UINT32_MAX, end = 0;
	struct span all;

	for (size_t i = 0; i < s->n; i++) {
		uint32_t at = s->found[i]->boot_id_addr & ~1u;

		if (!has_id(s->found[i]))
			continue;
		first = at < first ? at : first;
		end = at + 2 > end ? at + 2 : end;
	}
	if (end <= first || end - first <= 2 || end - first > FACT_MAX)
		return 0;
	all = (struct span){first, end - first};
	for (size_t i = 0; i < s->n; i++)
		if (!span_contains(s->found[i]->system_memory, all))
			return 0;
	return look(s, all, "bootloader id", &f, e);
}

/*
 * Who has no id where it should be is out; so is, once one is found, who has it where the device
 * refuses to be read: it does show its bootloader. Those who list theirs come first.
 */
static int filter_by_id(struct search *s, struct err *e)
{
	enum id_says says[TARGET_CANDIDATES_MAX] = {ID_NOTHING};
	const struct chip *all[TARGET_CANDIDATES_MAX];
	size_t n = s->n, n_listed = 0, kept = 0;
	uint8_t id = 0;
	int rc = look_at_ids(s, e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct chip *c = s->found[i];
		const struct fact *f = NULL;

		if (has_id(c))
			rc = look(
				s, (struct span){c->boot_id_addr & ~1u, 2}, "bootloader id", &f, e);
		if (rc < 0)
			return rc;
		says[i] = id_of(c, f, &id);
		all[i] = c;
		if (says[i] == ID_LISTED)
			s->found[n_listed++] = c;
	}
	if (rc < 0)
		return rc;
	kept = n_listed;
	for (size_t i = 0; i < n; i++)
		if (says[i] == ID_NOTHING || (says[i] == ID_REFUSED && n_listed == 0))
			s->found[kept++] = all[i];
	/* If nobody has one, it is not where the table has it. */
	if (kept == 0)
		memcpy(s->found, all, n * sizeof(all[0]));
	s->n = kept == 0 ? n : kept;
	s->t->info.boot_id = s->n == 1 ? id : 0;
	return 0;
}

/* What was read of the chip that remains need not be read again. */
static void hand_on_identity(struct search *s, const struct chip *c)
{
	struct span want = device_identity_span(c);

	if (want.len > sizeof(s->t->info.agreed.data))
		return;
	for (size_t i = 0; want.len > 0 && i < s->n_facts; i++) {
		const struct fact *f = &s->facts[i];

		if (!f->readable || f->at.addr != want.addr || f->at.len != want.len)
			continue;
		s->t->info.agreed.addr = want.addr;
		s->t->info.agreed.len = want.len;
		memcpy(s->t->info.agreed.data, f->data, want.len);
	}
}

/* A wrong memory map is forgiven only the bootloader that is known for it. */
static bool still_agrees(struct search *s, const struct chip *c)
{
	uint32_t map = device_dfu_map_size(s->t, c->flash_base);

	return device_dfu_banks(s->t, c, map < c->flash_size_max ? map : c->flash_size_max) !=
	       CHIP_BANKS_DEFAULT;
}

/* ---- naming one of them ---- */

static void names_of(const struct search *s, char *ret, size_t size)
{
	size_t at = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < s->n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s0x%03X %s", i > 0 ? ", " : "",
			s->found[i]->pid, s->found[i]->name);
}

static bool among(struct search *s, const struct chip *c)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->found[i] != c)
			continue;
		s->found[0] = c;
		s->n = 1;
		return true;
	}
	return false;
}

static int not_this(const struct search *s, const struct chip *c, struct err *e)
{
	char names[180];

	names_of(s, names, sizeof(names));
	return err_set(
		e, ERR_IDENTITY, "this is not %s (0x%03X): it may be %s", c->name, c->pid, names);
}

static int nothing_fits(const struct search *s, struct err *e)
{
	const struct dfu_layout *all = NULL;
	size_t n = dfu_target_layouts(s->t, &all);

	err_set(e, ERR_IDENTITY, "no chip of the table has the memory of this device (%.40s%s)",
		n > 0 ? all[0].name : "", n > 0 && all[0].n_runs > 0 ? "" : ", empty");
	return err_hint(e,
		"without its erase units nothing can be planned; a newer stmota may know "
		"it");
}

/* Leaves those whom nothing that can be read contradicts. */
static int filter(struct search *s, struct err *e)
{
	int rc = filter_by_size(s, e);

	if (rc == 0 && s->n > 0)
		rc = filter_by_id(s, e);
	if (rc == 0)
		keep_if(s, still_agrees);
	/* A protected device tells no more than its map. */
	if (rc != ERR_PROTECTED)
		return rc;
	err_clear(e);
	return 0;
}

/* Somebody says which it is, or it is what firmware is for: that one is looked at alone. */
static int filter_one(struct search *s, const struct chip *c, bool *ret, struct err *e)
{
	struct search all = *s;
	int rc;

	*ret = false;
	if (c == NULL || !among(s, c))
		return 0;
	rc = filter(s, e);
	*ret = rc == 0 && s->n == 1;
	if (*ret)
		return 0;
	/* What was read need not be read again. */
	memcpy(all.facts, s->facts, sizeof(all.facts));
	all.n_facts = s->n_facts;
	*s = all;
	return rc;
}

int device_identify(struct target *t, const char *wanted, uint16_t hint, struct err *e)
{
	struct search s = {.t = t};
	const struct chip *c = hint != 0 ? chip_find(hint) : NULL;
	char names[180];
	bool found = false;
	int rc = 0;

	if (!target_is_dfu(t) || t->info.chip != NULL)
		return 0;
	if (wanted != NULL)
		rc = chip_find_name(wanted, &c, e);
	if (rc < 0)
		return rc;
	all_that_fit_the_map(&s);
	if (s.n == 0)
		return nothing_fits(&s, e);
	rc = filter_one(&s, c, &found, e);
	if (rc == 0 && !found)
		rc = filter(&s, e);
	if (rc < 0)
		return rc;
	if (s.n == 0)
		return nothing_fits(&s, e);
	if (wanted != NULL && !found)
		return not_this(&s, c, e);
	names_of(&s, names, sizeof(names));
	log_info("%s: %s", t->link->name, names);
	memcpy(t->info.candidates, s.found, sizeof(s.found));
	t->info.n_candidates = s.n;
	dfu_target_set_chip(t, s.found[0], s.n == 1 ? s.found[0]->pid : 0);
	hand_on_identity(&s, s.found[0]);
	return 0;
}

/* ---- what all of them share ---- */

static bool same_units(const struct geometry *a, const struct geometry *b)
{
	if (a->size != b->size || a->n_units != b->n_units ||
		a->chip->erased_value != b->chip->erased_value)
		return false;
	for (uint32_t i = 0; i < a->n_units; i++) {
		struct erase_unit x = geometry_unit(a, i), y = geometry_unit(b, i);

		if (x.addr != y.addr || x.size != y.size)
			return false;
	}
	return true;
}

bool device_dfu_geometry_shared(
	const struct target *t, struct geometry *g, char *ret_why, size_t size)
{
	const struct target_info *info = &t->info;
	size_t at = 0;
	bool shared = true;

	for (size_t i = 0; i < info->n_candidates && shared; i++) {
		const struct chip *c = info->candidates[i];
		struct geometry other;

		shared = geometry_init(&other, c, g->size, device_dfu_banks(t, c, g->size), NULL) ==
				 0 &&
			 same_units(g, &other);
		/* Whole words of the one are whole words of the other: all are powers of two. */
		if (shared && other.write_align > g->write_align)
			g->write_align = other.write_align;
	}
	if (shared)
		return true;
	at = (size_t)snprintf(ret_why, size,
		"it may be one of several chips that differ; say which"
		" with --chip:");
	for (size_t i = 0; i < info->n_candidates && at < size; i++)
		at += (size_t)snprintf(
			ret_why + at, size - at, " 0x%03X", info->candidates[i]->pid);
	return false;
}

static bool same_bits(const struct chip_bits *a, size_t n_a, const struct chip_bits *b, size_t n_b)
{
	for (size_t i = 0; n_a == n_b && i < n_a; i++)
		if (a[i].addr != b[i].addr || a[i].bit != b[i].bit || a[i].width != b[i].width ||
			a[i].access != b[i].access)
			return false;
	return n_a == n_b;
}

bool device_rdp_shared(const struct target_info *info)
{
	const struct chip_option_bytes *o = &info->chip->options;

	for (size_t i = 1; i < info->n_candidates; i++) {
		const struct chip_option_bytes *other = &info->candidates[i]->options;

		if (o->registers != other->registers ||
			!same_bits(o->rdp, o->n_rdp, other->rdp, other->n_rdp))
			return false;
	}
	return true;
}

bool device_registers_shared(const struct target_info *info)
{
	for (size_t i = 1; i < info->n_candidates; i++)
		if (info->candidates[i]->uid_register != info->chip->uid_register ||
			info->candidates[i]->uid_third_word != info->chip->uid_third_word)
			return false;
	return true;
}
