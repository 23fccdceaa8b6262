/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_erase.c - erase packets that stay harmless when a byte of them goes astray
 *
 * An erase packet is protected by one XOR byte only. A lost or doubled byte shifts the rest, and
 * a shifted list can carry a right XOR: {1, 2, 3} with one byte doubled may read as page 0. So
 * over UART every packet is checked before it is sent: no single lost or doubled byte, and no
 * broken-off tail, may make a device erase a unit that is not on the list. Lists that fail are
 * cut in two. Over I2C bytes do not get lost one by one, and rom_i2c.c names one unit at a time.
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/signals.h>

#define UNITS_MAX       128 /* of one packet; 512 is the limit of the ROMs, fewer is saner */
#define TAIL            3   /* bytes that connect() sends before the fillers */
#define EXTRA_MAX       3   /* how often a unit may be named once more */
#define EXTRA_ERASE_MS  50  /* only units that take no longer */
#define PACKET_MAX      (2 + 2 * (UNITS_MAX + EXTRA_MAX) + 1)
#define PACKET_ERASE_MS 4000 /* typical time of one packet, so that Ctrl-C is heard */
#define MASS_STRETCH_MS 200  /* before the first look; the device waits no longer than 500 */
#define UNIT_UNKNOWN_MS 5000 /* longest erase of a unit of a chip that is not in the table */

/* ---- what a device would make of a damaged packet ---- */

struct damaged {
	const uint8_t *p;
	size_t len;
	size_t at; /* index of the fault, or the length that arrived */
	enum { LOST, DOUBLED, BROKEN_OFF } fault;
	uint8_t filler; /* what follows without end */
};

static size_t damaged_len(const struct damaged *d)
{
	switch (d->fault) {
	case LOST: return d->len - 1;
	case DOUBLED: return d->len + 1;
	default: return d->at;
	}
}

static uint8_t damaged_byte(const struct damaged *d, size_t i)
{
	size_t m = damaged_len(d);

	/* A process that starts anew sends two sync bytes and an odd one before it lines up. */
	if (i >= m && d->fault == BROKEN_OFF && i < m + TAIL)
		return i < m + 2 ? ROM_SYNC : ROM_FILLER_ODD;
	if (i >= m)
		return d->filler;
	if (d->fault == LOST && i >= d->at)
		return d->p[i + 1];
	if (d->fault == DOUBLED && i > d->at)
		return d->p[i - 1];
	return d->p[i];
}

static bool listed(const uint8_t *packet, size_t len, bool wide, unsigned number)
{
	size_t step = wide ? 2 : 1;

	for (size_t i = step; i + step < len; i += step)
		if (number == (wide ? get_be16(&packet[i]) : packet[i]))
			return true;
	return false;
}

/* True if the device, reading the damaged packet, erases something that is not on the list. */
static bool damage_hits(const struct damaged *d, bool wide, unsigned last_number)
{
	size_t step = wide ? 2 : 1, end, known;
	unsigned count = damaged_byte(d, 0);
	uint8_t acc = 0;

	if (wide)
		count = count << 8 | damaged_byte(d, 1);
	if (count >= (wide ? 0xFFF0u : 0xFFu)) /* a code for mass or bank erase */
		return true;
	end = step * (count + 2);
	/* Behind the last real byte the filler repeats: pairs of it cancel out. */
	known = damaged_len(d) + TAIL < end ? damaged_len(d) + TAIL : end;
	for (size_t i = 0; i < known; i++)
		acc ^= damaged_byte(d, i);
	if ((end - known) % 2 != 0)
		acc ^= d->filler;
	if (acc != damaged_byte(d, end))
		return false;
	for (size_t i = step; i < end && i < known + step; i += step) {
		unsigned number = damaged_byte(d, i);

		if (wide)
			number = number << 8 | damaged_byte(d, i + 1);
		if (number <= last_number && !listed(d->p, d->len, wide, number))
			return true;
	}
	return false;
}

bool rom_erase_packet_is_safe(const uint8_t *packet, size_t len, bool wide, unsigned last_number,
	uint8_t filler, bool broken_off_too)
{
	for (size_t i = 0; i < len; i++) {
		struct damaged lost = {packet, len, i, LOST, filler};
		struct damaged doubled = {packet, len, i, DOUBLED, filler};
		struct damaged broken_off = {packet, len, i, BROKEN_OFF, ROM_FILLER};

		if (damage_hits(&lost, wide, last_number) ||
			damage_hits(&doubled, wide, last_number))
			return false;
		if (broken_off_too && i > 0 && damage_hits(&broken_off, wide, last_number))
			return false;
	}
	return true;
}

/* ---- packets ---- */

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t len;
	size_t units;   /* that it erases */
	unsigned extra; /* how often the last of them is named once more */
	uint8_t filler; /* that cannot complete it */
};

/* Naming a unit again is harmless and shifts the XOR away from the page numbers. */
static void build_packet(
	struct packet *p, bool wide, const struct erase_unit *units, size_t n, unsigned extra)
{
	unsigned count = (unsigned)n + extra - 1;

	p->len = 0;
	p->units = n;
	p->extra = extra;
	p->filler = ROM_FILLER;
	if (wide)
		p->bytes[p->len++] = (uint8_t)(count >> 8);
	p->bytes[p->len++] = (uint8_t)count;
	for (size_t i = 0; i < n + extra; i++) {
		uint16_t number = units[i < n ? i : n - 1].number;

		if (wide)
			p->bytes[p->len++] = (uint8_t)(number >> 8);
		p->bytes[p->len++] = (uint8_t)number;
	}
	p->bytes[p->len] = rom_xor(p->bytes, p->len);
	p->len++;
}

/* Finds a filler for recover() that cannot complete this packet; false if there is none. */
static bool choose_filler(struct packet *p, bool wide, unsigned last_number, bool broken_off_too)
{
	/*
	 * Even, or a write packet could take it; from 0x0A up, or page XXXX might exist. The
	 * usual one comes first.
	 */
	for (unsigned f = 0x08; f <= 0x3E; f += 2) {
		p->filler = f == 0x08 ? ROM_FILLER : (uint8_t)f;
		if (rom_erase_packet_is_safe(
			    p->bytes, p->len, wide, last_number, p->filler, broken_off_too))
			return true;
	}
	p->filler = ROM_FILLER;
	return false;
}

/*
 * The best packet for exactly these units. Best: harmless also where the connection breaks off
 * inside it and another process starts with sync bytes; else harmless with one lost or doubled
 * byte; false: neither.
 */
static bool safest_packet(struct packet *p, bool wide, const struct erase_unit *units, size_t n,
	unsigned extra_max, unsigned last_number)
{
	for (int broken_off_too = 1; broken_off_too >= 0; broken_off_too--)
		for (unsigned extra = 0; extra <= extra_max; extra++) {
			build_packet(p, wide, units, n, extra);
			if (choose_filler(p, wide, last_number, broken_off_too != 0))
				return true;
		}
	build_packet(p, wide, units, n, 0);
	return false;
}

/* The largest number that an erase command of this chip can hit. */
static unsigned last_unit_number(const struct chip *c, const struct erase_unit *units, size_t n)
{
	struct geometry g;
	unsigned last = 0;

	for (size_t i = 0; i < n; i++)
		last = units[i].number > last ? units[i].number : last;
	if (c == NULL || geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL) < 0)
		return UINT16_MAX;
	for (uint32_t i = 0; i < g.n_units; i++)
		if (geometry_unit(&g, i).number > last)
			last = geometry_unit(&g, i).number;
	return last;
}

uint32_t rom_unit_ms_max(const struct rom *rom, uint32_t size)
{
	const struct chip *c = rom->t.info.chip;

	return c != NULL ? chip_erase_ms_max(c, size) : UNIT_UNKNOWN_MS;
}

uint32_t rom_unit_ms_typical(const struct rom *rom, uint32_t size)
{
	const struct chip *c = rom->t.info.chip;

	return c != NULL ? chip_erase_ms_typical(c, size) : UNIT_UNKNOWN_MS;
}

static bool may_be_bank2(const struct erase_unit *u)
{
	return u->bank == 2 || u->swapped;
}

static bool one_per_packet(const struct rom *rom, const struct erase_unit *u)
{
	return rom_quirk(rom, CHIP_QUIRK_ONE_PAGE_PER_ERASE) ||
	       (may_be_bank2(u) && rom_quirk(rom, CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE));
}

int rom_after_erase(
	struct rom *rom, const struct erase_unit *units, size_t n, uint32_t ms_max, struct err *e)
{
	if (rom_quirk(rom, CHIP_QUIRK_BANK2_ERASE_EARLY_ACK) && may_be_bank2(&units[n - 1]))
		clock_sleep_ms(rom->t.link->clock, ms_max);
	if (rom_quirk(rom, CHIP_QUIRK_ERASE_PAUSE_40_MS))
		clock_sleep_ms(rom->t.link->clock, 40);
	return signals_check(e);
}

/* How many units the next packet may name: by number and by time. */
static size_t units_in_packet(const struct rom *rom, const struct erase_unit *units, size_t n)
{
	size_t max = one_per_packet(rom, &units[0]) ? 1 : UNITS_MAX;
	uint32_t ms = 0;

	for (size_t i = 0; i < n && i < max; i++) {
		ms += rom_unit_ms_typical(rom, units[i].size);
		if (i > 0 && (ms > PACKET_ERASE_MS || one_per_packet(rom, &units[i])))
			return i;
	}
	return n < max ? n : max;
}

static int erase_packet(struct rom *rom, enum rom_command code, const uint8_t *packet, size_t len,
	uint32_t erase_ms, const char *what, struct err *e)
{
	int rc = rom_begin(rom, code, what, e);

	if (rc == ERR_NACK)
		return rom_refused(rom, what, e);
	if (rc == 0)
		rc = rom_send(rom, packet, len, e);
	if (rc == 0)
		rc = rom_let_work(rom, code, MASS_STRETCH_MS, e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS + erase_ms, len), what, e);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

/* Erasing small units once more costs little; sectors of 128 KiB take seconds. */
static unsigned extra_max(const struct rom *rom, const struct erase_unit *last)
{
	const struct chip *c = rom->t.info.chip;

	if (c == NULL || one_per_packet(rom, last) ||
		chip_erase_ms_typical(c, last->size) > EXTRA_ERASE_MS)
		return 0;
	return EXTRA_MAX;
}

int rom_erase_list(struct rom *rom, enum rom_command code, const struct erase_unit *units, size_t n,
	unsigned last_number, size_t *ret_n, struct err *e)
{
	bool wide = code == ROM_CMD_EXTENDED_ERASE;
	size_t count = units_in_packet(rom, units, n);
	struct packet p;
	char what[64];
	uint32_t ms;
	int rc;

	for (size_t i = 0; i < count; i++)
		if (units[i].number == UNIT_NUMBER_UNKNOWN)
			return err_set(e, ERR_UNSUPPORTED,
				"the erase command's number of the unit at 0x%08" PRIX32
				" is not confirmed",
				units[i].addr);
	while (!safest_packet(
		       &p, wide, units, count, extra_max(rom, &units[count - 1]), last_number) &&
		count > 1)
		count /= 2;
	rom->filler = p.filler;
	ms = rom_unit_ms_max(rom, units[count - 1].size) * p.extra;
	for (size_t i = 0; i < count; i++)
		ms += rom_unit_ms_max(rom, units[i].size);
	snprintf(what, sizeof(what), "erase of %zu unit%s from 0x%08" PRIX32, count,
		count == 1 ? "" : "s", units[0].addr);
	rc = erase_packet(rom, code, p.bytes, p.len, ms, what, e);
	if (rc < 0) {
		err_at(e, units[0].addr);
		return rc;
	}
	*ret_n = count;
	return rom_after_erase(rom, units, count, ms, e);
}

/* The Get list is the only truth: one of the two codes, never the other one. */
static int erase_code(const struct rom *rom, enum rom_command *ret, struct err *e)
{
	if (rom_lists(rom, ROM_CMD_EXTENDED_ERASE))
		*ret = ROM_CMD_EXTENDED_ERASE;
	else if (rom->t.info.commands[ROM_CMD_ERASE])
		*ret = ROM_CMD_ERASE;
	else
		return err_set(e, ERR_UNSUPPORTED, "this bootloader lists no erase command");
	return 0;
}

int rom_erase(struct target *t, const struct erase_unit *units, size_t n, struct err *e)
{
	struct rom *rom = rom_of(t);
	enum rom_command code = ROM_CMD_EXTENDED_ERASE;
	unsigned last_number;
	int rc = erase_code(rom, &code, e);

	if (rc < 0 || n == 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (units[i].number <= (code == ROM_CMD_ERASE ? 0xFF : 0xFFEF))
			continue;
		err_set(e, ERR_UNSUPPORTED, "this bootloader cannot name erase unit %u",
			units[i].number);
		err_at(e, units[i].addr);
		err_hint(e, "its erase command reaches the first 256 units only; 'erase --all' "
			    "erases everything");
		return ERR_UNSUPPORTED;
	}
	last_number = last_unit_number(t->info.chip, units, n);
	while (n > 0) {
		size_t done = 0;

		rc = signals_check(e);
		if (rc == 0)
			rc = rom->f->erase_some(rom, code, units, n, last_number, &done, e);
		if (rc < 0)
			return rc;
		units += done;
		n -= done;
	}
	return 0;
}

static uint32_t mass_ms_max(const struct rom *rom, uint32_t flash_size)
{
	uint32_t ms = 0;

	if (rom->t.info.chip != NULL)
		ms = chip_mass_erase_ms_max(rom->t.info.chip, flash_size);
	return ms > ROM_MASS_MS ? ms : ROM_MASS_MS;
}

int rom_mass_erase(struct target *t, uint32_t flash_size, struct err *e)
{
	static const uint8_t all_wide[3] = {0xFF, 0xFF, 0x00}, all[2] = {0xFF, 0x00};
	struct rom *rom = rom_of(t);
	const struct chip *c = t->info.chip;
	enum rom_command code = ROM_CMD_EXTENDED_ERASE;
	int rc = erase_code(rom, &code, e);

	if (rc < 0)
		return rc;
	if (c != NULL && c->mass_erase == CHIP_NO)
		return err_set(e, ERR_UNSUPPORTED, "this chip's bootloader has no mass erase");
	if (code == ROM_CMD_EXTENDED_ERASE)
		rc = erase_packet(rom, code, all_wide, sizeof(all_wide),
			mass_ms_max(rom, flash_size), "mass erase", e);
	else
		rc = erase_packet(
			rom, code, all, sizeof(all), mass_ms_max(rom, flash_size), "mass erase", e);
	if (rc < 0 && c != NULL && flash_size != 0 && rom->f->erase_in_doubt != NULL)
		rc = rom->f->erase_in_doubt(rom, (struct span){c->flash_base, flash_size},
			mass_ms_max(rom, flash_size), rc, e);
	return rc;
}

int rom_erase_bank(struct target *t, unsigned bank, uint32_t bank_size, struct err *e)
{
	static const uint8_t codes[2][3] = {{0xFF, 0xFE, 0x01}, {0xFF, 0xFD, 0x02}};
	struct rom *rom = rom_of(t);

	if (bank < 1 || bank > 2 || !rom_lists(rom, ROM_CMD_EXTENDED_ERASE))
		return err_set(e, ERR_UNSUPPORTED, "this bootloader cannot erase bank %u", bank);
	return erase_packet(rom, ROM_CMD_EXTENDED_ERASE, codes[bank - 1], 3,
		mass_ms_max(rom, bank_size), "bank erase", e);
}
