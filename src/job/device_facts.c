/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_facts.c - what is asked of a device before anything is planned for it
 *
 * The wire carries no checksum for what is read, and these facts steer what is erased: everything
 * is read twice and must agree. What cannot be read is left open, with the reason.
 */
#include <stmota/device.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/dfu.h>
#include <stmota/log.h>
#include <stmota/quirks.h>

#include "device_priv.h"

#define OPTION_AREAS    4
#define OPTION_AREA_MAX 256u
#define OPTION_WORDS    32
#define IDENTITY_MAX    160u /* unique id and flash size register lie close together */

struct gathering {
	struct target *t;
	const struct chip *chip;
	struct device_facts *facts;
	struct {
		struct span at; /* len 0: not read */
		uint8_t data[OPTION_AREA_MAX];
	} areas[OPTION_AREAS];
	struct {
		uint32_t addr, value;
	} words[OPTION_WORDS]; /* registers of the flash controller, each read once only */
	size_t n_words;
	struct span identity; /* what `identity_data` holds; len 0: nothing */
	uint8_t identity_data[IDENTITY_MAX];
};

int device_read_twice(
	struct target *t, uint32_t addr, void *buf, uint32_t len, const char *what, struct err *e)
{
	uint8_t again[DEVICE_TWICE_MAX];
	int rc;

	for (int pairs = 0; pairs < TARGET_READ_PAIRS; pairs++) {
		rc = t->ops->read(t, addr, buf, len, e);
		if (rc == 0)
			rc = t->ops->read(t, addr, again, len, e);
		if (rc < 0)
			return err_wrap(e, "%s", what);
		if (memcmp(buf, again, len) == 0)
			return 0;
		log_info("two readings of the %s differ", what);
	}
	err_set(e, ERR_IDENTITY, "two readings of the %s differ, again and again", what);
	err_hint(e, "a bad connection: check ground and cable, or lower --baud");
	return ERR_IDENTITY;
}

/* The device answers, but will not or cannot say this: no reason to give up. */
static bool is_answer(int rc)
{
	return rc == ERR_NACK || rc == ERR_PROTECTED || rc == ERR_UNSUPPORTED;
}

struct span device_identity_span(const struct chip *c)
{
	uint32_t uid = c->uid_register, size = c->flash_size_register, first, end;

	if (uid == CHIP_UNKNOWN || size == CHIP_UNKNOWN)
		return (struct span){0, 0};
	first = uid < size ? uid : size;
	end = uid + c->uid_third_word + 4u > size + 2 ? uid + c->uid_third_word + 4u : size + 2;
	return end - first > IDENTITY_MAX ? (struct span){0, 0} : (struct span){first, end - first};
}

/*
 * Reads unique id and flash size register with one exchange instead of two, where one read can
 * reach both. A refusal is no failure: then they are read one by one. ERR_PROTECTED is final.
 */
static int gather_identity(struct gathering *g, struct err *e)
{
	struct span at = device_identity_span(g->chip);
	struct target_info *info = &g->t->info;
	int rc = 0;

	if (at.len == 0)
		return 0;
	if (info->agreed.len == at.len && info->agreed.addr == at.addr)
		memcpy(g->identity_data, info->agreed.data, at.len);
	else
		rc = device_read_twice(
			g->t, at.addr, g->identity_data, at.len, "unique id and flash size", e);
	info->agreed.len = 0;
	if (rc == 0)
		g->identity = at;
	return is_answer(rc) && rc != ERR_PROTECTED ? 0 : rc;
}

static int read_identity(struct gathering *g, uint32_t addr, void *buf, uint32_t len,
	const char *what, struct err *e)
{
	if (!span_contains(g->identity, (struct span){addr, len}))
		return device_read_twice(g->t, addr, buf, len, what, e);
	memcpy(buf, g->identity_data + (addr - g->identity.addr), len);
	return 0;
}

/* The memory map says no less than the register where that cannot be read, and bounds it. */
static void size_by_map(struct gathering *g)
{
	uint32_t map;

	if (!target_is_dfu(g->t))
		return;
	map = device_dfu_map_size(g->t, g->chip->flash_base);
	if (g->facts->flash_size == 0 || g->facts->flash_size > map)
		g->facts->flash_size = map;
	if (g->facts->flash_size > g->chip->flash_size_max)
		g->facts->flash_size = g->chip->flash_size_max;
	g->facts->geometry_why[0] = '\0';
}

static int gather_size(struct gathering *g, struct err *e)
{
	const struct chip *c = g->chip;
	uint8_t raw[2];
	int rc;

	if (c->flash_size_register == CHIP_UNKNOWN) {
		snprintf(g->facts->geometry_why, sizeof(g->facts->geometry_why),
			"the place of the flash size register is not confirmed");
		return 0;
	}
	rc = read_identity(g, c->flash_size_register, raw, sizeof(raw), "flash size register", e);
	if (rc == ERR_PROTECTED)
		return rc;
	if (is_answer(rc)) {
		snprintf(g->facts->geometry_why, sizeof(g->facts->geometry_why),
			"the flash size register cannot be read");
		return 0;
	}
	if (rc < 0)
		return rc;
	g->facts->flash_size = (uint32_t)get_le16(raw) * 1024;
	if (g->facts->flash_size == 0)
		snprintf(g->facts->geometry_why, sizeof(g->facts->geometry_why),
			"the flash size register says 0");
	return 0;
}

static int gather_uid(struct gathering *g, struct err *e)
{
	const struct chip *c = g->chip;
	uint8_t raw[24];
	uint32_t len = c->uid_third_word + 4u;
	int rc;

	if (c->uid_register == CHIP_UNKNOWN || len < 12 || len > sizeof(raw) ||
		!device_registers_shared(&g->t->info))
		return 0;
	rc = read_identity(g, c->uid_register, raw, len, "unique id", e);
	if (rc < 0)
		return is_answer(rc) ? 0 : rc;
	memcpy(g->facts->uid, raw, 8);
	memcpy(g->facts->uid + 8, raw + c->uid_third_word, 4);
	/* Copies of STM32 chips have been seen without one. */
	g->facts->has_uid =
		!bytes_all(g->facts->uid, 12, 0x00) && !bytes_all(g->facts->uid, 12, 0xFF);
	return 0;
}

static int gather_boot_id(struct gathering *g, struct err *e)
{
	uint32_t addr = g->chip->boot_id_addr;
	uint8_t id = 0;
	int rc = 0;

	if (addr == CHIP_UNKNOWN || addr == 0 || g->t->info.n_candidates > 1)
		return 0;
	if (target_is_dfu(g->t) && g->t->info.boot_id != 0)
		id = g->t->info.boot_id; /* read already, to find out which chip it is */
	else
		rc = device_read_twice(g->t, addr, &id, 1, "bootloader id", e);
	if (rc < 0)
		return is_answer(rc) ? 0 : rc;
	if (id == 0x00 || id == 0xFF)
		return 0;
	g->facts->has_boot_id = true;
	g->facts->boot_id = id;
	g->t->info.boot_id = id;
	return 0;
}

/* ---- option bytes ---- */

/* Option memory is read area by area, flash controller registers word by word. */
static int option_word(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e)
{
	struct gathering *g = ctx;
	const struct chip_option_bytes *o = &g->chip->options;
	struct span want = {addr, 4};
	uint8_t raw[4];
	int rc;

	for (size_t i = 0; i < OPTION_AREAS; i++) {
		if (!o->registers && span_contains(g->areas[i].at, want)) {
			*ret_word = get_le32(&g->areas[i].data[addr - g->areas[i].at.addr]);
			return 0;
		}
	}
	for (size_t i = 0; !o->registers && i < o->n_areas && i < OPTION_AREAS; i++) {
		if (o->areas[i].len > OPTION_AREA_MAX || !span_contains(o->areas[i], want))
			continue;
		rc = device_read_twice(g->t, o->areas[i].addr, g->areas[i].data, o->areas[i].len,
			"option bytes", e);
		if (rc < 0)
			return rc;
		g->areas[i].at = o->areas[i];
		*ret_word = get_le32(&g->areas[i].data[addr - o->areas[i].addr]);
		return 0;
	}
	for (size_t i = 0; i < g->n_words; i++) {
		if (g->words[i].addr == addr) {
			*ret_word = g->words[i].value;
			return 0;
		}
	}
	rc = device_read_twice(g->t, addr, raw, sizeof(raw), "option bytes", e);
	if (rc < 0)
		return rc;
	*ret_word = get_le32(raw);
	if (g->n_words < OPTION_WORDS) {
		g->words[g->n_words].addr = addr;
		g->words[g->n_words++].value = *ret_word;
	}
	return 0;
}

static int gather_rdp(struct gathering *g, struct err *e)
{
	const struct chip_option_bytes *o = &g->chip->options;

	for (size_t i = 0; device_rdp_shared(&g->t->info) && i < o->n_rdp; i++) {
		uint32_t word = 0;
		int rc;

		if ((o->rdp[i].access & CHIP_ACCESS_READ) == 0 || o->rdp[i].width != 8)
			continue;
		rc = option_word(g, o->rdp[i].addr, &word, e);
		if (rc == 0)
			g->facts->rdp = chip_rdp_level(g->chip, (uint8_t)(word >> o->rdp[i].bit));
		return is_answer(rc) ? 0 : rc;
	}
	return 0;
}

/* Over USB units are named by their address, and the device tells how long they are. */
static void geometry_by_map(struct gathering *g)
{
	struct device_facts *f = g->facts;
	const struct chip *c = g->chip;
	bool broken = quirk_applies(c, f->boot_id, CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN) ||
		      quirk_applies(c, f->boot_id, CHIP_QUIRK_DFU_BANK2_ERASE_SHIFTED);

	if (!f->has_geometry || !target_is_dfu(g->t))
		return;
	geometry_set_by_address(&f->geometry, !broken);
	if (!device_dfu_agrees(g->t, &f->geometry)) {
		f->has_geometry = false;
		snprintf(f->geometry_why, sizeof(f->geometry_why),
			"the memory map of the device contradicts the chip table");
	} else if (!device_dfu_geometry_shared(
			   g->t, &f->geometry, f->geometry_why, sizeof(f->geometry_why))) {
		f->has_geometry = false;
	}
}

/*
 * Several chips that it may be: swapped if one of them says so. What is then tried out on the device
 * costs nothing where it is not true.
 */
static int swapped_of_all(struct gathering *g, struct err *e)
{
	const struct chip *usual = g->chip;
	int rc = 0;

	for (size_t i = 0; i < g->t->info.n_candidates && (rc == 0 || is_answer(rc)); i++) {
		enum chip_banks ignored;
		bool swapped = false;

		err_clear(e);
		g->chip = g->t->info.candidates[i];
		rc = chip_banks_read(
			g->chip, g->facts->flash_size, option_word, g, &ignored, &swapped, e);
		g->facts->swapped |= rc == 0 && swapped;
	}
	g->chip = usual;
	return rc;
}

static int gather_geometry(struct gathering *g, enum chip_banks said, struct err *e)
{
	struct device_facts *f = g->facts;
	struct err why = ERR_INIT;
	int rc = 0;

	if (f->flash_size == 0)
		return 0;
	f->banks = CHIP_BANKS_DEFAULT;
	if (g->t->info.n_candidates <= 1)
		rc = chip_banks_read(
			g->chip, f->flash_size, option_word, g, &f->banks, &f->swapped, e);
	else
		rc = swapped_of_all(g, e);
	if (rc < 0 && !is_answer(rc))
		return rc;
	if (f->banks == CHIP_BANKS_DEFAULT && said == CHIP_BANKS_DEFAULT && target_is_dfu(g->t))
		f->banks = device_dfu_banks(g->t, g->chip, f->flash_size);
	/* What the device says counts; the user is asked where it does not. */
	if (f->banks == CHIP_BANKS_DEFAULT)
		f->banks = said;
	rc = geometry_init(&f->geometry, g->chip, f->flash_size, f->banks, &why);
	if (rc < 0)
		snprintf(f->geometry_why, sizeof(f->geometry_why), "%.159s", why.msg);
	if (rc == ERR_UNSUPPORTED && f->banks == CHIP_BANKS_DEFAULT) {
		/* Good enough to look at, not to plan with. */
		rc = geometry_init(&f->geometry, g->chip, f->flash_size, CHIP_BANKS_TABLE, &why);
		f->banks_assumed = rc == 0;
	}
	f->has_geometry = rc == 0;
	if (rc == 0 && f->swapped)
		geometry_set_swapped(&f->geometry);
	geometry_by_map(g);
	return 0;
}

/* Blank at power-up or since then: the chip does not tell. */
static int gather_empty(struct gathering *g, struct err *e)
{
	struct device_facts *f = g->facts;
	uint8_t word[4];
	int rc;

	if (!f->has_geometry || !quirk_applies(g->chip, f->has_boot_id ? f->boot_id : 0,
					CHIP_QUIRK_EMPTY_CHECK_LATCHED))
		return 0;
	rc = device_read_twice(
		g->t, f->geometry.base, word, sizeof(word), "first word of flash", e);
	if (rc < 0)
		return is_answer(rc) ? 0 : rc;
	f->empty_latched = bytes_all(word, sizeof(word), g->chip->erased_value);
	return 0;
}

static int wrp_of(struct gathering *g, const struct chip *c, struct span ret[DEVICE_MAX_WRP],
	size_t *ret_n, struct err *e)
{
	struct geometry geometry = g->facts->geometry;
	const struct chip *usual = g->chip;
	int rc = 0;

	if (c != usual)
		rc = geometry_init(&geometry, c, g->facts->flash_size,
			device_dfu_banks(g->t, c, g->facts->flash_size), e);
	g->chip = c;
	if (rc == 0)
		rc = chip_wrp_spans(&geometry, option_word, g, ret, DEVICE_MAX_WRP, ret_n, e);
	g->chip = usual;
	return rc;
}

/*
 * Another chip that this device may be must mean the same by its option bytes. Where the device
 * refuses to show those of the other there is nothing to compare: what it does show counts.
 */
static int wrp_agrees(struct gathering *g, const struct chip *c, struct err *e)
{
	struct span spans[DEVICE_MAX_WRP];
	size_t n = 0;
	int rc = wrp_of(g, c, spans, &n, e);

	if (rc == ERR_NACK) {
		err_clear(e);
		return 0;
	}
	if (rc < 0 && !is_answer(rc))
		return rc;
	log_debug("write protection as of 0x%03X: %s", c->pid, rc < 0 ? e->msg : "known");
	if (rc == 0 && n == g->facts->n_wrp &&
		(n == 0 || memcmp(spans, g->facts->wrp, n * sizeof(spans[0])) == 0))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
		"write protection cannot be read: it is not certain which chip this is, name it "
		"with --chip");
}

static int gather_wrp(struct gathering *g, struct err *e)
{
	struct device_facts *f = g->facts;
	struct err why = ERR_INIT;
	int rc;

	if (!f->has_geometry) {
		snprintf(f->wrp_why, sizeof(f->wrp_why), "the erase units are not known");
		return 0;
	}
	rc = wrp_of(g, g->chip, f->wrp, &f->n_wrp, &why);
	for (size_t i = 1; rc == 0 && i < g->t->info.n_candidates; i++)
		rc = wrp_agrees(g, g->t->info.candidates[i], &why);
	f->wrp_known = rc == 0;
	if (rc == 0)
		return 0;
	f->n_wrp = 0;
	snprintf(f->wrp_why, sizeof(f->wrp_why), "%.159s", why.msg);
	if (is_answer(rc))
		return 0;
	if (e != NULL)
		*e = why;
	return rc;
}

/* ---- all of it ---- */

static int check_chip(const struct target_info *info, const char *wanted, struct err *e)
{
	const struct chip *c = NULL;
	int rc;

	if (info->chip == NULL) {
		err_set(e, ERR_IDENTITY, "product ID 0x%03X is not in the chip table", info->pid);
		err_hint(e,
			"a newer stmota may know it; or --assume-chip says which chip it has the "
			"flash and the bootloader of");
		return ERR_IDENTITY;
	}
	if (wanted == NULL)
		return 0;
	rc = chip_find_name(wanted, &c, e);
	if (rc < 0)
		return rc;
	if (c == info->chip)
		return 0;
	return err_set(e, ERR_IDENTITY, "this is %s (0x%03X), not %s (0x%03X)", info->chip->name,
		info->pid, c->name, c->pid);
}

static void read_refused(struct device_facts *f, struct err *e)
{
	f->read_refused = true;
	f->rdp = f->chip->options.n_rdp > 0 ? RDP_1 : RDP_UNKNOWN;
	f->has_geometry = f->wrp_known = false;
	f->n_wrp = 0;
	snprintf(f->geometry_why, sizeof(f->geometry_why), "the device is read-protected");
	snprintf(f->wrp_why, sizeof(f->wrp_why), "the device is read-protected");
	err_clear(e);
}

int device_gather(struct target *t, const struct entry *entry, enum chip_banks banks,
	const char *chip_wanted, struct device_facts *ret, struct err *e)
{
	const struct target_info *info = &t->info;
	struct device_facts f = {0};
	struct gathering g = {.t = t, .chip = info->chip, .facts = &f};
	uint8_t word[4];
	int rc = device_identify(t, chip_wanted, 0, e);

	g.chip = info->chip;
	if (rc == 0)
		rc = check_chip(info, chip_wanted, e);
	if (rc < 0)
		return rc;
	f.pid = info->pid;
	f.chip = info->chip;
	f.chip_assumed = info->pid != 0 && info->pid != info->chip->pid;
	f.protocol = info->protocol;
	snprintf(f.transport, sizeof(f.transport), "%s", info->transport);
	f.lists_checksum = info->commands[0xA1] != 0;
	f.lists_erase = info->commands[0x43] != 0 || info->commands[0x44] != 0 ||
			info->commands[0x45] != 0 ||
			(target_is_dfu(t) && info->commands[0x41] != 0);
	f.write_max = t->write_max;
	memcpy(f.candidates, info->candidates, sizeof(f.candidates));
	f.n_candidates = info->n_candidates;
	f.reach = entry_reach(entry, info->chip);
	f.can_reset = t->ops->reset != NULL;

	rc = gather_identity(&g, e);
	if (rc == 0)
		rc = gather_size(&g, e);
	if (rc == 0)
		size_by_map(&g);
	if (rc == ERR_PROTECTED) {
		read_refused(&f, e);
		*ret = f;
		return 0;
	}
	if (rc == 0)
		rc = gather_uid(&g, e);
	if (rc == 0)
		rc = gather_boot_id(&g, e);
	if (rc == 0)
		rc = gather_rdp(&g, e);
	if (rc == 0)
		rc = gather_geometry(&g, banks, e);
	if (rc == 0)
		rc = gather_empty(&g, e);
	if (rc == 0)
		rc = gather_wrp(&g, e);
	/*
	 * Over USB what lies outside flash may be refused for another reason, or not at all. It
	 * comes last: from there the blocks that are compared next are counted.
	 */
	if (rc == 0 && target_is_dfu(t))
		rc = t->ops->read(t, info->chip->flash_base, word, sizeof(word), e);
	if (rc == ERR_PROTECTED)
		read_refused(&f, e);
	else if (rc < 0)
		return rc;
	err_clear(e);
	*ret = f;
	return 0;
}
