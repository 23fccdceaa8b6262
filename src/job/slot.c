/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/slot.h>

#include <stdio.h>
#include <string.h>

static const char *const purposes[] = {
	[SLOT_APPLICATION] = "application",
	[SLOT_STAGING] = "staging",
	[SLOT_DATA] = "data",
};

const char *slot_purpose_name(enum slot_purpose p)
{
	return purposes[p];
}

/* ---- the section ---- */

static int no_slot(const struct config *config, const char *name, struct err *e)
{
	size_t n = config_n_sections(config, "slot"), len = 0;
	char all[160] = "";

	for (size_t i = 0; i < n && len < sizeof(all); i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "",
			config_section_name(config, "slot", i));
	err_set(e, ERR_USAGE, "there is no slot '%s'", name);
	if (n > 0)
		return err_hint(e, "slots in the configuration: %s", all);
	return err_hint(e, "declare it in the configuration: 'stmota layout --format conf' makes "
			   "such sections");
}

static int take_purpose(
	const struct config *config, const char *name, enum slot_purpose *ret, struct err *e)
{
	const char *text = config_get(config, "slot", name, "purpose");

	for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
		if (strcmp(text, purposes[i]) == 0) {
			*ret = (enum slot_purpose)i;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, "%s: purpose is application, staging or data, not '%s'",
		config_origin(config, "slot", name, "purpose"), text);
}

static int take_chip(
	const struct config *config, const char *name, const struct chip **ret, struct err *e)
{
	const char *text = config_get(config, "slot", name, "chip");

	if (text == NULL || chip_find_name(text, ret, e) == 0)
		return 0;
	e->code = ERR_CONFIG;
	return err_wrap(e, "%s", config_origin(config, "slot", name, "chip"));
}

static bool exists(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config_n_sections(config, "slot"); i++)
		if (strcmp(config_section_name(config, "slot", i), name) == 0)
			return true;
	return false;
}

int slot_find(const struct config *config, const char *name, struct slot *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct slot s = {.name = name};
	int rc;

	if (e == NULL)
		e = &own;
	if (!exists(config, name))
		return no_slot(config, name, e);
	s.origin = config_origin(config, "slot", name, "address");
	rc = config_u32(config, "slot", name, "address", 0, &s.at.addr, e);
	if (rc == 0)
		rc = config_u32(config, "slot", name, "size", 0, &s.at.len, e);
	if (rc == 0)
		rc = config_u32(config, "slot", name, "link", s.at.addr, &s.link, e);
	if (rc == 0)
		rc = take_purpose(config, name, &s.purpose, e);
	if (rc == 0)
		rc = take_chip(config, name, &s.chip, e);
	if (rc < 0)
		return rc;
	if (config_get(config, "slot", name, "address") == NULL || s.at.len == 0)
		return err_set(e, ERR_CONFIG, "[slot %s] needs an address and a size", name);
	if ((uint64_t)s.at.addr + s.at.len > UINT32_MAX)
		return err_set(e, ERR_CONFIG, "%s: slot %s ends above 4 GiB", s.origin, name);
	*ret = s;
	return 0;
}

/* ---- against the chip and the other slots ---- */

static bool begins_unit(const struct geometry *g, uint32_t addr)
{
	struct erase_unit u;

	return addr == g->base + g->size || (geometry_unit_at(g, addr, &u) && u.addr == addr);
}

static int check_units(const struct slot *s, const struct geometry *g, struct err *e)
{
	struct span flash = {g->base, g->size};
	struct erase_unit first, last;

	if (!span_contains(flash, s->at)) {
		err_set(e, ERR_CONFIG,
			"%s: slot %s (0x%08X..0x%08X) is outside the flash of this chip "
			"(0x%08X..0x%08X)",
			s->origin, s->name, s->at.addr, (unsigned)(span_end(s->at) - 1), flash.addr,
			(unsigned)(span_end(flash) - 1));
		return err_at(e, s->at.addr);
	}
	if (begins_unit(g, s->at.addr) && begins_unit(g, (uint32_t)span_end(s->at)))
		return 0;
	geometry_unit_at(g, s->at.addr, &first);
	geometry_unit_at(g, (uint32_t)(span_end(s->at) - 1), &last);
	err_set(e, ERR_CONFIG, "%s: slot %s is not made of whole erase units", s->origin, s->name);
	return err_hint(e, "the units that it touches are address = 0x%08X, size = 0x%X",
		first.addr, last.addr + last.size - first.addr);
}

static int check_others(
	const struct slot *s, const struct config *config, const struct geometry *g, struct err *e)
{
	for (size_t i = 0; i < config_n_sections(config, "slot"); i++) {
		struct slot other;
		int rc;

		if (strcmp(config_section_name(config, "slot", i), s->name) == 0)
			continue;
		rc = slot_find(config, config_section_name(config, "slot", i), &other, e);
		if (rc < 0)
			return rc;
		if (other.chip != NULL && other.chip != g->chip)
			continue;
		if (span_overlaps(s->at, other.at))
			return err_set(e, ERR_CONFIG, "%s: slot %s overlaps slot %s (%s)",
				s->origin, s->name, other.name, other.origin);
	}
	return 0;
}

int slot_check_part(
	const struct slot *s, const struct config *config, const struct geometry *g, struct err *e)
{
	int rc;

	if (s->chip != NULL && s->chip != g->chip)
		return err_set(e, ERR_IDENTITY, "slot %s is for %s (0x%03X), this is %s (0x%03X)",
			s->name, s->chip->name, s->chip->pid, g->chip->name, g->chip->pid);
	rc = check_units(s, g, e);
	return rc == 0 ? check_others(s, config, g, e) : rc;
}

/* ---- the image ---- */

int slot_place(const struct slot *s, const struct segments *image, uint32_t head,
	struct segments *ret, struct err *e)
{
	uint32_t link = s->purpose == SLOT_DATA ? s->at.addr : s->link;
	struct span at = {link, s->at.len};

	if (s->purpose != SLOT_DATA && head != link) {
		err_set(e, ERR_NO_FIT, "the program is linked for 0x%08X, slot %s wants 0x%08X",
			head, s->name, link);
		err_at(e, head);
		return err_hint(e, "link it for 0x%08X, or name another slot", link);
	}
	for (size_t i = 0; i < image->n; i++) {
		struct span piece = {image->v[i].addr, image->v[i].len};

		if (span_contains(at, piece))
			continue;
		err_set(e, ERR_NO_FIT,
			"0x%08X..0x%08X of the image is outside slot %s (0x%08X..0x%08X)",
			piece.addr, (unsigned)(span_end(piece) - 1), s->name, at.addr,
			(unsigned)(span_end(at) - 1));
		err_at(e, piece.addr);
		return err_hint(e, "slot %s has %u bytes: %s", s->name, s->at.len, s->origin);
	}
	return segments_shift(image, s->at.addr - link, ret, e);
}
