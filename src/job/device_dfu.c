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

#define ID_BLOCK 16u /* bytes that are read around the bootloader's id */

struct search {
	struct target *t;
	const struct dfu_layout *map; /* the memory that holds main flash */
	uint32_t map_size;            /* bytes of main flash that touch each other */
	const struct chip *found[TARGET_CANDIDATES_MAX];
	size_t n;
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

bool device_dfu_agrees(const struct target *t, const struct geometry *g)
{
	const struct dfu_layout *map = flash_map(t, g->base);

	if (map == NULL || g->size > device_dfu_map_size(t, g->base))
		return false;
	/* Some bootloaders tell wrong units: there the table counts. */
	if (quirk_applies(g->chip, t->info.boot_id, CHIP_QUIRK_DFU_LAYOUT_WRONG))
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

static void all_that_fit_the_map(struct search *s)
{
	for (size_t i = 0; i < chip_count() && s->n < TARGET_CANDIDATES_MAX; i++) {
		const struct chip *c = chip_at(i);

		if (c->has_usb_dfu == CHIP_NO)
			continue;
		s->map_size = device_dfu_map_size(s->t, c->flash_base);
		if (s->map_size != 0 && device_dfu_banks(s->t, c,
						s->map_size < c->flash_size_max
							? s->map_size
							: c->flash_size_max) != CHIP_BANKS_DEFAULT)
			s->found[s->n++] = c;
	}
}

/* The size register of this chip says what it may say, or it cannot be read. */
static int size_fits(struct search *s, const struct chip *c, bool *ret, struct err *e)
{
	uint8_t raw[2], again[2];
	uint32_t size, map = device_dfu_map_size(s->t, c->flash_base);
	int rc;

	*ret = true;
	if (c->flash_size_register == CHIP_UNKNOWN)
		return 0;
	rc = s->t->ops->read(s->t, c->flash_size_register, raw, 2, e);
	if (rc == 0)
		rc = s->t->ops->read(s->t, c->flash_size_register, again, 2, e);
	if (rc == ERR_NACK || rc == ERR_UNSUPPORTED) {
		err_clear(e);
		return 0;
	}
	if (rc < 0)
		return rc;
	size = (uint32_t)get_le16(raw) * 1024;
	*ret = memcmp(raw, again, 2) == 0 && size != 0 && size <= c->flash_size_max &&
	       device_dfu_banks(s->t, c, size < map ? size : map) != CHIP_BANKS_DEFAULT;
	return 0;
}

/* Drops what the register contradicts. One reading answers for all chips that have it there. */
static int filter_by_size(struct search *s, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool fits = true;
		int rc = size_fits(s, s->found[i], &fits, e);

		if (rc < 0)
			return rc;
		if (fits)
			s->found[n++] = s->found[i];
	}
	s->n = n;
	return 0;
}

static bool lists_id(const struct chip *c, uint8_t id)
{
	for (size_t i = 0; i < c->n_boot_ids; i++)
		if (c->boot_ids[i] == id)
			return true;
	return false;
}

struct id_block {
	uint32_t addr;
	bool readable;
	uint8_t data[ID_BLOCK];
};

static int read_id_block(struct search *s, struct id_block *b, bool prove, struct err *e)
{
	uint8_t again[ID_BLOCK];
	int rc;

	if (prove) {
		rc = dfu_target_prove_pointer(s->t, b->addr, b->data, ID_BLOCK, e);
	} else {
		rc = s->t->ops->read(s->t, b->addr, b->data, ID_BLOCK, e);
		if (rc == 0)
			rc = s->t->ops->read(s->t, b->addr, again, ID_BLOCK, e);
		if (rc == 0 && memcmp(b->data, again, ID_BLOCK) != 0)
			return err_set(e, ERR_IDENTITY, "two readings of the bootloader id differ");
	}
	b->readable = rc == 0;
	if (rc != ERR_NACK && rc != ERR_UNSUPPORTED)
		return rc;
	err_clear(e);
	return 0;
}

/*
 * If the id of a bootloader is found where one candidate has it, those who would have another one
 * there, or elsewhere, are out. An id that nobody lists tells nothing: there are newer ROMs.
 */
static int filter_by_id(struct search *s, struct err *e)
{
	struct id_block blocks[8];
	size_t n_blocks = 0, n = 0;
	bool known[TARGET_CANDIDATES_MAX] = {false}, proven = false;
	uint8_t id = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint32_t addr = s->found[i]->boot_id_addr, k;
		int rc;

		if (addr == CHIP_UNKNOWN || addr == 0)
			continue;
		for (k = 0; k < n_blocks && blocks[k].addr != (addr & ~(ID_BLOCK - 1)); k++)
			;
		if (k == n_blocks) {
			if (n_blocks == ARRAY_LEN(blocks))
				continue;
			blocks[n_blocks++] = (struct id_block){.addr = addr & ~(ID_BLOCK - 1)};
			rc = read_id_block(s, &blocks[k], !proven, e);
			if (rc < 0)
				return rc;
			proven |= blocks[k].readable;
		}
		if (!blocks[k].readable)
			continue;
		known[i] = lists_id(s->found[i], blocks[k].data[addr % ID_BLOCK]);
		if (known[i])
			id = blocks[k].data[addr % ID_BLOCK];
	}
	if (id == 0)
		return 0;
	for (size_t i = 0; i < s->n; i++)
		if (known[i] || s->found[i]->n_boot_ids == 0)
			s->found[n++] = s->found[i];
	s->n = n;
	s->t->info.boot_id = n == 1 ? id : 0;
	return 0;
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

static int narrow(struct search *s, const char *wanted, uint16_t hint, struct err *e)
{
	const struct chip *c = NULL;
	char names[180];
	int rc;

	if (wanted != NULL) {
		rc = chip_find_name(wanted, &c, e);
		if (rc < 0)
			return rc;
		if (among(s, c))
			return 0;
		names_of(s, names, sizeof(names));
		return err_set(e, ERR_IDENTITY, "this is not %s (0x%03X): it may be %s", c->name,
			c->pid, names);
	}
	/* Whether firmware is for this chip is decided elsewhere: here it is only a hint. */
	if (hint != 0 && chip_find(hint) != NULL)
		among(s, chip_find(hint));
	return 0;
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

int device_identify(struct target *t, const char *wanted, uint16_t hint, struct err *e)
{
	struct search s = {.t = t};
	char names[180];
	int rc = 0;

	if (!target_is_dfu(t) || t->info.chip != NULL)
		return 0;
	all_that_fit_the_map(&s);
	if (s.n == 0)
		return nothing_fits(&s, e);
	rc = filter_by_size(&s, e);
	if (rc == 0 && s.n > 0)
		rc = filter_by_id(&s, e);
	/* A protected device tells no more than its map. */
	if (rc < 0 && rc != ERR_PROTECTED)
		return rc;
	if (rc == 0)
		keep_if(&s, still_agrees);
	if (s.n == 0)
		return nothing_fits(&s, e);
	err_clear(e);
	rc = narrow(&s, wanted, hint, e);
	if (rc < 0)
		return rc;
	names_of(&s, names, sizeof(names));
	log_info("%s: %s", t->link->name, names);
	memcpy(t->info.candidates, s.found, sizeof(s.found));
	t->info.n_candidates = s.n;
	dfu_target_set_chip(t, s.found[0], s.n == 1 ? s.found[0]->pid : 0);
	return 0;
}

/* ---- what all of them share ---- */

static bool same_units(const struct geometry *a, const struct geometry *b)
{
	if (a->size != b->size || a->n_units != b->n_units || a->write_align != b->write_align ||
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
	const struct target *t, const struct geometry *g, char *ret_why, size_t size)
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

bool device_options_shared(const struct target_info *info)
{
	const struct chip_option_bytes *o = &info->chip->options;

	for (size_t i = 1; i < info->n_candidates; i++) {
		const struct chip *c = info->candidates[i];

		if (strcmp(c->series, info->chip->series) != 0 ||
			!same_bits(o->rdp, o->n_rdp, c->options.rdp, c->options.n_rdp) ||
			!same_bits(o->wrp, o->n_wrp, c->options.wrp, c->options.n_wrp))
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
