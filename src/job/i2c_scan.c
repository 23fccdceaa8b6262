/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i2c_scan.c - at which address of a bus a bootloader is
 *
 * Sensors, memories and port expanders live at the same addresses, and two bytes written to one of
 * them may switch a relay. So an address is read from first: whatever answers at once is no
 * bootloader, for that waits for a command and holds the clock until it resets itself. Addresses
 * that a driver of the kernel has are left out.
 */
#include "i2c_scan.h"

#include <stdio.h>
#include <string.h>

#include <stmota/chip.h>
#include <stmota/entry.h>
#include <stmota/link_i2c.h>
#include <stmota/log.h>
#include <stmota/signals.h>

#define SILENCE_MS 2500 /* the longest that a bootloader takes to reset itself, and to start */

struct found {
	bool known[I2C_ADDR_MAX + 1]; /* the chip table has it */
	uint8_t addr[I2C_ADDR_MAX + 1];
	size_t n, looked_at;
};

/* Where the bootloader of a chip that is named may be: at one address, for a few chips at two. */
static int addresses_of_chip(const struct chip *c, struct found *f, struct err *e)
{
	if (c->has_i2c == CHIP_NO) {
		err_set(e, ERR_UNSUPPORTED, "the bootloader of %s has no I2C (AN2606)", c->name);
		return err_hint(e, "'stmota probe --device uart:PORT' or dfu: may reach it");
	}
	if (c->i2c_address == 0) {
		err_set(e, ERR_UNSUPPORTED, "the I2C address of %s is not confirmed", c->name);
		return err_hint(e, "if you know it, name it: i2c:BUS@0x5a");
	}
	f->known[c->i2c_address] = true;
	f->known[c->i2c_address_other] |= c->i2c_address_other != 0;
	return 0;
}

static void addresses_of_all(struct found *f)
{
	for (size_t i = 0; i < chip_count(); i++) {
		f->known[chip_at(i)->i2c_address & I2C_ADDR_MAX] = true;
		f->known[chip_at(i)->i2c_address_other & I2C_ADDR_MAX] = true;
	}
}

static int look_at(const struct device_url *u, uint8_t addr, enum i2c_presence *ret, struct err *e)
{
	struct i2c_config cfg = {.path = u->path, .addr = addr, .max_frame = 8};
	struct link *l = NULL;
	int rc = link_i2c_open(&cfg, &l, e);

	if (rc == ERR_BUSY) {
		log_info("%s", e != NULL ? e->msg : "");
		err_clear(e);
		*ret = I2C_OTHER;
		return 0;
	}
	if (rc == 0)
		rc = link_i2c_look(l, ret, e);
	link_close(l);
	return rc;
}

static void tell(const struct device_url *u, uint8_t addr, enum i2c_presence p,
	const struct event_sink *events)
{
	struct event note = {.type = EVENT_NOTE, .phase = "connect"};
	char text[200];

	if (p == I2C_NOBODY)
		return;
	snprintf(text, sizeof(text), "%s@0x%02x: %s", u->path, addr,
		p == I2C_CANDIDATE ? "a bootloader, it seems" : "something else");
	note.text = text;
	event_emit(events, &note);
}

static int look_at_all(
	const struct device_url *u, struct found *f, const struct event_sink *events, struct err *e)
{
	for (unsigned addr = I2C_ADDR_MIN; addr <= I2C_ADDR_MAX; addr++) {
		enum i2c_presence p = I2C_NOBODY;
		int rc = signals_check(e);

		if (!f->known[addr])
			continue;
		if (rc == 0)
			rc = look_at(u, (uint8_t)addr, &p, e);
		if (rc < 0)
			return rc;
		f->looked_at++;
		tell(u, (uint8_t)addr, p, events);
		if (p == I2C_CANDIDATE)
			f->addr[f->n++] = (uint8_t)addr;
	}
	return 0;
}

static int several(const struct device_url *u, const struct found *f, struct err *e)
{
	char list[80] = "";
	size_t at = 0;

	for (size_t i = 0; i < f->n && at + 8 < sizeof(list); i++)
		at += (size_t)snprintf(
			list + at, sizeof(list) - at, "%s0x%02x", i == 0 ? "" : ", ", f->addr[i]);
	err_set(e, ERR_USAGE, "%s has several bootloaders, it seems: %s", u->path, list);
	return err_hint(e, "name one: i2c:%s@0x%02x", u->path, f->addr[0]);
}

int i2c_scan(const struct device_url *u, const char *chip, const struct event_sink *events,
	uint8_t *ret_addr, struct err *e)
{
	struct found f = {.n = 0};
	const struct chip *c = NULL;
	int rc = chip != NULL ? chip_find_name(chip, &c, e) : 0;

	if (rc == 0 && c != NULL)
		rc = addresses_of_chip(c, &f, e);
	if (rc < 0)
		return rc;
	if (c != NULL && c->i2c_address_other == 0) {
		*ret_addr = c->i2c_address;
		return 0;
	}
	if (c == NULL)
		addresses_of_all(&f);
	if (entry_can_enter(&u->entry))
		rc = entry_enter(NULL, &u->entry, e);
	if (rc == 0)
		rc = look_at_all(u, &f, events, e);
	if (rc < 0)
		return rc;
	if (f.n > 1)
		return several(u, &f, e);
	if (f.n == 0) {
		err_set(e, ERR_TIMEOUT, "no bootloader at any of %zu known addresses of %s",
			f.looked_at, u->path);
		return err_hint(e,
			"set BOOT0 and reset the board; check SDA, SCL and pull-ups; or name the "
			"address: i2c:%s@0x5a",
			u->path);
	}
	for (uint32_t ms = 0; rc == 0 && ms < SILENCE_MS; ms += 100) {
		clock_sleep_ms(&clock_monotonic, 100);
		rc = signals_check(e);
	}
	*ret_addr = f.addr[0];
	return rc;
}
