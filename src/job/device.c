/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - from the name of a device to a connected target
 */
#include <stmota/device.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/dfu.h>
#include <stmota/link_i2c.h>
#include <stmota/link_uart.h>
#include <stmota/log.h>
#include <stmota/quirks.h>
#include <stmota/rom.h>
#include <stmota/signals.h>

#include "device_priv.h"
#include "i2c_scan.h"

#define BAUD_DEFAULT 115200
#define WAIT_STEP_MS 250
#define NAME_OF_ANY  "USB" /* of dfu: until it is known which device that is */
/* F105 with a crystal of 8 MHz needs 13.7 s (AN2606) */
#define DFU_ENUMERATION_MS 15000

/* ---- URL, section, defaults ---- */

static int no_device(const struct config *config, struct err *e)
{
	size_t n = config != NULL ? config_n_devices(config) : 0;

	err_set(e, ERR_USAGE, "no device is named");
	if (n > 0)
		err_hint(e, "add --device uart:PORT or --device %s", config_device_name(config, 0));
	else
		err_hint(e,
			"add --device uart:/dev/ttyUSB0, or dfu: for USB; 'stmota devices' lists "
			"what there is");
	return ERR_USAGE;
}

/* How many STM32 bootloaders are attached to USB; several are told apart when it is opened. */
static size_t count_usb(void)
{
	struct usb_entry *list = NULL;
	size_t n = 0, hits = 0;

	if (usb_list(false, &list, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		hits += list[i].is_st_rom;
	free(list);
	return hits;
}

static bool has_section(const struct config *config, const char *name)
{
	size_t n = config != NULL ? config_n_devices(config) : 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(config_device_name(config, i), name) == 0)
			return true;
	return false;
}

static int no_section(const char *name, struct err *e)
{
	err_set(e, ERR_USAGE, "there is no device '%s'", name);
	err_hint(e,
		"write a URL such as uart:/dev/ttyUSB0, or a section [device %s] in the "
		"configuration",
		name);
	return ERR_USAGE;
}

/* Says in which file the mistake stands. */
static int from_config(
	const struct config *config, const char *name, const char *key, struct err *e)
{
	const char *origin = config_origin(config, "device", name, key);

	if (e != NULL)
		e->code = ERR_CONFIG;
	err_wrap(e, "%s", origin != NULL ? origin : "configuration");
	return ERR_CONFIG;
}

static int take_pin(const struct config *config, const char *name, const char *key,
	struct entry_pin *pin, struct err *e)
{
	const char *text = config_get(config, "device", name, key);

	if (text == NULL || entry_pin_parse(text, pin, e) == 0)
		return 0;
	return from_config(config, name, key, e);
}

static int take_banks(
	const struct config *config, const char *name, enum chip_banks *banks, struct err *e)
{
	const char *text = config_get(config, "device", name, "banks");

	if (text == NULL || *banks != CHIP_BANKS_DEFAULT)
		return 0;
	if (strcmp(text, "single") == 0)
		*banks = CHIP_BANKS_FORCE_SINGLE;
	else if (strcmp(text, "dual") == 0)
		*banks = CHIP_BANKS_FORCE_DUAL;
	else
		return err_set(e, ERR_CONFIG, "%s: banks is single or dual, not '%s'",
			config_origin(config, "device", name, "banks"), text);
	return 0;
}

/* What the section says, for all that the URL left open. */
static int merge_section(
	const struct config *config, const char *name, struct device_url *u, struct err *e)
{
	const char *before = config_get(config, "device", name, "before");
	uint32_t baud = 0;
	int rc = config_u32(config, "device", name, "baud", 0, &baud, e);

	if (rc < 0)
		return rc;
	if (u->baud == 0)
		u->baud = baud;
	if (u->i2c_max == 0)
		rc = config_u32(config, "device", name, "max", 0, &u->i2c_max, e);
	if (rc < 0)
		return rc;
	if (u->entry.boot0.wire == ENTRY_WIRE_NONE)
		rc = take_pin(config, name, "boot0", &u->entry.boot0, e);
	if (rc == 0 && u->entry.nrst.wire == ENTRY_WIRE_NONE)
		rc = take_pin(config, name, "nrst", &u->entry.nrst, e);
	if (rc == 0)
		rc = take_banks(config, name, &u->banks, e);
	if (rc == 0 && before != NULL && u->before[0] == '\0' &&
		entry_parse(before, config, &u->entry, e) < 0)
		rc = from_config(config, name, "before", e);
	return rc;
}

static int resolve(const struct device_request *rq, const struct config *config, struct device *d,
	const char **ret_chip, struct err *e)
{
	const char *text = rq->device, *url;
	uint32_t baud = BAUD_DEFAULT;
	int rc;

	*ret_chip = rq->chip;
	if (text == NULL && config != NULL)
		text = config_get(config, "defaults", NULL, "device");
	if (text == NULL && rq->find_usb && (rq->wait_s > 0 || count_usb() > 0))
		text = "dfu:";
	if (text == NULL)
		return no_device(config, e);
	snprintf(d->name, sizeof(d->name), "%s", text);
	url = text;
	if (!device_url_is_url(text)) {
		if (!has_section(config, text))
			return no_section(text, e);
		url = config_get(config, "device", text, "url");
		if (url == NULL)
			return err_set(e, ERR_CONFIG, "section [device %s] has no url", text);
	}
	rc = device_url_parse(url, &d->url, e);
	if (rc < 0)
		return url == text ? rc : from_config(config, text, "url", e);
	if (url != text) {
		rc = merge_section(config, text, &d->url, e);
		if (rc < 0)
			return rc;
		if (*ret_chip == NULL)
			*ret_chip = config_get(config, "device", text, "chip");
	}
	if (d->url.before[0] != '\0' && rq->before == NULL &&
		entry_parse(d->url.before, config, &d->url.entry, e) < 0)
		return err_wrap(e, "%s", d->name);
	if (rq->before != NULL && entry_parse(rq->before, config, &d->url.entry, e) < 0)
		return err_wrap(e, "--before");
	if (rq->baud != 0)
		d->url.baud = rq->baud;
	if (config != NULL) {
		rc = config_u32(config, "defaults", NULL, "baud", BAUD_DEFAULT, &baud, e);
		if (rc < 0)
			return rc;
	}
	d->baud_given = d->url.baud != 0;
	if (d->url.baud == 0)
		d->url.baud = baud;
	if (strcmp(d->name, "dfu:") == 0)
		snprintf(d->name, sizeof(d->name), NAME_OF_ANY);
	if (d->url.baud < 1200)
		return err_set(e, ERR_USAGE, "%" PRIu32 " baud is too slow", d->url.baud);
	return 0;
}

/* A break or bytes go to a serial port: that of the device, or one that the recipe names. */
static int check_entry_port(const struct device_url *u, struct err *e)
{
	if (u->scheme == DEVICE_UART || u->entry.port[0] != '\0' ||
		!entry_asks_application(&u->entry) || u->entry.way == ENTRY_BY_COMMAND)
		return 0;
	err_set(e, ERR_CONFIG, "[entry %s] names no port for its application", u->entry.recipe);
	return err_hint(e, "add port = /dev/ttyACM0: the device itself is not on a serial port");
}

int device_resolve(const struct device_request *rq, const struct config *config,
	struct device_url *ret, struct err *e)
{
	struct device d = {0};
	const char *chip = NULL;
	int rc = resolve(rq, config, &d, &chip, e);

	if (rc == 0)
		*ret = d.url;
	return rc;
}

/* What is known of the chip beforehand: its parity, and the speed its ROM can measure. */
static int check_wanted_chip(const char *wanted, struct device_url *u, struct err *e)
{
	const struct chip *c = NULL;
	int rc;

	if (wanted == NULL)
		return 0;
	rc = chip_find_name(wanted, &c, e);
	if (rc < 0)
		return rc;
	if (c->parity_none && u->scheme == DEVICE_UART) {
		err_set(e, ERR_UNSUPPORTED, "the bootloader of %s is not supported yet", c->name);
		err_hint(e, "it speaks 8N1 and has commands of its own");
		return ERR_UNSUPPORTED;
	}
	if (u->scheme == DEVICE_UART && u->baud > 57600 &&
		quirk_certain(c, 0, CHIP_QUIRK_BAUD_MAX_57600)) {
		log_info("%s: 57600 baud is the most that its bootloader takes", c->name);
		u->baud = 57600;
	}
	return 0;
}

/*
 * Only for what no table knows, and only by name. Over USB no product ID is told: what is unknown
 * there is a memory map, and facts that contradict it are no facts about this device.
 */
static int take_assumption(const struct device_request *rq, struct device *d, struct err *e)
{
	int rc;

	if (rq->assume_chip == NULL)
		return 0;
	if (rq->chip != NULL)
		return err_set(e, ERR_USAGE,
			"--assume-chip goes without --chip: one says what an unknown product ID is "
			"taken for, the other which one it must be");
	if (d->url.scheme == DEVICE_DFU) {
		err_set(e, ERR_USAGE, "--assume-chip is not for USB: no product ID is told there");
		return err_hint(e, "--chip names one of the chips that have its memory map");
	}
	rc = check_wanted_chip(rq->assume_chip, &d->url, e);
	return rc < 0 ? rc : chip_find_name(rq->assume_chip, &d->assume, e);
}

static int check_assumption(const struct device *d, const struct event_sink *events, struct err *e)
{
	struct event warning = {.type = EVENT_WARNING, .phase = "connect"};
	const struct device_facts *f = &d->facts;
	char text[200];

	if (d->assume == NULL)
		return 0;
	if (!f->chip_assumed && f->chip != d->assume) {
		err_set(e, ERR_IDENTITY, "this is %s (0x%03X), which is known, and not %s (0x%03X)",
			f->chip->name, f->pid, d->assume->name, d->assume->pid);
		return err_hint(e, "--assume-chip is for product IDs that are not in the table");
	}
	if (!f->chip_assumed)
		return 0;
	snprintf(text, sizeof(text),
		"product ID 0x%03X is not in the chip table: taken for %s (0x%03X), as --assume-chip "
		"says",
		f->pid, d->assume->name, d->assume->pid);
	warning.text = text;
	event_emit(events, &warning);
	return 0;
}

/* Behind the other schemes there is a program, not a bootloader in ROM. */
static bool is_program(const struct device *d)
{
	return d->url.scheme == DEVICE_YMODEM || d->url.scheme == DEVICE_TCP;
}

static int check_scheme(const struct device *d, struct err *e)
{
	if (!is_program(d) || d->takes_files)
		return 0;
	err_set(e, ERR_UNSUPPORTED, "%s is no bootloader whose memory can be read and written",
		d->name);
	return err_hint(e, "'stmota flash' and 'stmota ymodem send' give files to the program that "
			   "runs there");
}

/* ---- connect ---- */

static int open_link(const struct device_url *u, struct link **ret, struct err *e)
{
	struct uart_config uart = {.path = u->path, .baud = u->baud, .entry = u->entry};
	struct i2c_config i2c = {.path = u->path, .addr = u->i2c_addr, .max_frame = u->i2c_max};

	switch (u->scheme) {
	case DEVICE_I2C: return link_i2c_open(&i2c, ret, e);
	default: return link_uart_open(&uart, ret, e); /* USB has no struct link of bytes */
	}
}

/* By lines where they are wired; the bootloader takes a while until it is on the bus. */
static int open_dfu(
	struct device *d, const struct event_sink *events, struct target **ret, struct err *e)
{
	const struct clock *clock = &clock_monotonic;
	struct dfu_options opt = {.entry = d->url.entry,
		.events = events,
		.has_alt = d->url.has_alt,
		.alt = (uint8_t)d->url.alt};
	struct usb_link *link = NULL;
	uint64_t until_ms = clock_now_ms(clock);
	int rc = 0;

	if (entry_can_enter(&d->url.entry)) {
		rc = entry_enter(NULL, &d->url.entry, e);
		until_ms = clock_now_ms(clock) + DFU_ENUMERATION_MS;
	}
	if (rc == 0)
		rc = link_usb_open(&d->url.usb, &link, e);
	while (rc == ERR_LINK && clock_now_ms(clock) < until_ms && signals_check(NULL) == 0) {
		clock_sleep_ms(clock, WAIT_STEP_MS);
		rc = link_usb_open(&d->url.usb, &link, e);
	}
	if (rc < 0)
		return rc;
	/* Now that it is known which: for people, and as the key of a state file. */
	if (strcmp(d->name, NAME_OF_ANY) == 0)
		snprintf(d->name, sizeof(d->name), "%s", link->link.name);
	return dfu_target_new(link, &opt, ret, e);
}

static int open_rom(struct device *d, bool no_resync, const struct event_sink *events,
	struct target **ret, struct err *e)
{
	struct rom_options opt = {.entry = d->url.entry,
		.events = events,
		.no_resync = no_resync,
		.assume = d->assume};
	struct link *link = NULL;
	int rc = open_link(&d->url, &link, e);

	return rc < 0 ? rc : rom_target_new(link, &opt, ret, e);
}

static int connect_as_it_is(
	struct device *d, bool no_resync, const struct event_sink *events, struct err *e)
{
	struct target *t = NULL;
	int rc = d->url.scheme == DEVICE_DFU ? open_dfu(d, events, &t, e)
					     : open_rom(d, no_resync, events, &t, e);

	if (rc == 0)
		rc = t->ops->connect(t, NULL, e);
	if (rc == ERR_UNSUPPORTED && t != NULL && d->takes_files && dfu_plain_is(t)) {
		rc = dfu_plain_open(t, &d->updater, e);
		if (rc == 0)
			return 0;
	}
	if (rc < 0) {
		target_close(t);
		return rc;
	}
	d->target = t;
	return 0;
}

/* The address of a device on a bus, where nobody knows it, and then the device. */
static int find_and_connect(struct device *d, const char *chip, bool no_resync,
	const struct event_sink *events, struct err *e)
{
	int rc = 0;

	if (d->url.scheme == DEVICE_I2C && d->url.i2c_addr == 0)
		rc = i2c_scan(&d->url, chip, events, &d->url.i2c_addr, e);
	return rc < 0 ? rc : connect_as_it_is(d, no_resync, events, e);
}

/*
 * A running application is asked only when nothing answers as the ROM does: to a ROM that listens,
 * the bytes that the application wants would be a wrong speed or worse. What answers afterwards is
 * fresh; if nothing does, the device may still be inside a broken session.
 */
static int connect_once(struct device *d, const char *chip, bool no_resync,
	const struct event_sink *events, struct err *e)
{
	struct event asking = {.type = EVENT_NOTE, .phase = "connect"};
	bool usb = d->url.scheme == DEVICE_DFU;
	char text[160], how[120];
	uint64_t until_ms;
	int rc = entry_hold(&d->url.entry, e);

	if (rc < 0)
		return rc;
	if (!entry_asks_application(&d->url.entry))
		return find_and_connect(d, chip, no_resync, events, e);
	rc = find_and_connect(d, chip, true, events, e);
	if (rc != ERR_TIMEOUT && rc != ERR_PROTOCOL && rc != ERR_LINK)
		return rc;
	entry_describe(&d->url.entry, how, sizeof(how));
	snprintf(text, sizeof(text), "entering the bootloader: %s", how);
	asking.text = text;
	event_emit(events, &asking);
	if (usb && d->url.entry.port[0] == '\0' && d->url.entry.way != ENTRY_BY_COMMAND)
		return err_set(e, ERR_CONFIG,
			"the entry recipe does not name the port on which the application listens");
	rc = entry_ask(&d->url.entry, d->url.path, e);
	until_ms = clock_now_ms(&clock_monotonic) + (usb ? DFU_ENUMERATION_MS : 0);
	if (rc == 0)
		rc = find_and_connect(d, chip, true, events, e);
	while (rc == ERR_LINK && clock_now_ms(&clock_monotonic) < until_ms &&
		signals_check(NULL) == 0) {
		clock_sleep_ms(&clock_monotonic, WAIT_STEP_MS);
		rc = find_and_connect(d, chip, true, events, e);
	}
	if (rc == ERR_TIMEOUT && !no_resync)
		rc = find_and_connect(d, chip, false, events, e);
	return rc;
}

/*
 * With --wait the port or the device may come later. Only the first try lines up a broken
 * session: what comes later is fresh, and a byte other than 0x7F would spoil its speed.
 */
static int connect(struct device *d, const char *chip, uint32_t wait_s,
	const struct event_sink *events, struct err *e)
{
	const struct clock *clock = &clock_monotonic;
	uint64_t until_ms = clock_now_ms(clock) + (uint64_t)wait_s * 1000;
	struct event waiting = {
		.type = EVENT_NOTE, .phase = "connect", .text = "waiting for the device"};
	int rc = connect_once(d, chip, false, events, e);

	for (bool told = false; (rc == ERR_LINK || rc == ERR_TIMEOUT || rc == ERR_PROTOCOL) &&
				clock_now_ms(clock) < until_ms;
		told = true) {
		if (!told)
			event_emit(events, &waiting);
		clock_sleep_ms(clock, WAIT_STEP_MS);
		rc = signals_check(e);
		if (rc == 0)
			rc = connect_once(d, chip, true, events, e);
	}
	return rc;
}

/* A broken exchange is taken up again; readings that disagree are not talked away. */
static int gather(struct device *d, const char *chip, uint16_t hint,
	const struct event_sink *events, struct err *e)
{
	int rc = 0;

	for (int tries = 0; tries < 3; tries++) {
		struct event retry = {.type = EVENT_RETRY, .phase = "connect"};

		rc = device_identify(d->target, chip, hint, e);
		if (rc == 0)
			rc = device_gather(
				d->target, &d->url.entry, d->url.banks, chip, &d->facts, e);
		if (rc == 0 || tries == 2 || !err_is_transient((enum err_code)rc))
			break;
		retry.text = e != NULL ? e->msg : "the conversation broke";
		event_emit(events, &retry);
		rc = d->target->ops->recover(d->target, e);
		if (rc < 0)
			break;
	}
	return rc;
}

int device_open(const struct device_request *rq, const struct config *config,
	const struct event_sink *events, struct device **ret, struct err *e)
{
	struct device *d = calloc(1, sizeof(*d));
	struct event phase = {.type = EVENT_PHASE, .phase = "connect"};
	const char *chip = NULL;
	int rc;

	if (d == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	d->takes_files = rq->takes_files;
	rc = resolve(rq, config, d, &chip, e);
	if (rc == 0)
		rc = check_scheme(d, e);
	if (rc == 0)
		rc = check_entry_port(&d->url, e);
	if (rc == 0)
		rc = take_assumption(rq, d, e);
	if (rc == 0)
		rc = check_wanted_chip(chip, &d->url, e);
	if (rc == 0) {
		event_emit(events, &phase);
		rc = is_program(d) ? device_open_updater(d, rq->wait_s, config, events, e)
				   : connect(d, chip, rq->wait_s, events, e);
		if (rc == 0 && d->updater == NULL)
			rc = gather(d, chip, rq->chip_hint, events, e);
		if (rc == 0 && d->updater == NULL)
			rc = check_assumption(d, events, e);
		if (rc < 0)
			err_wrap(e, "%s", d->name);
	}
	if (rc < 0) {
		device_close(d);
		return rc;
	}
	if (d->updater != NULL) {
		*ret = d;
		return 0;
	}
	if (d->url.scheme == DEVICE_UART && d->target->link->baud > 57600 &&
		quirk_applies(d->facts.chip, d->facts.boot_id, CHIP_QUIRK_BAUD_MAX_57600))
		log_debug("%s: above 57600 baud its bootloader may fail", d->name);
	log_info("%s: 0x%03X %s, protocol %u.%u, %" PRIu32 " KiB of flash", d->name,
		d->facts.chip->pid, d->facts.chip->name, d->facts.protocol >> 4,
		d->facts.protocol & 15, d->facts.flash_size / 1024);
	*ret = d;
	return 0;
}

void device_close(struct device *d)
{
	if (d == NULL)
		return;
	target_close(d->target);
	updater_close(d->updater);
	entry_release(&d->url.entry);
	free(d);
}

static int same_device(struct device *d, struct err *e)
{
	struct device_facts again = {0};
	int rc = device_identify(d->target, NULL, d->facts.pid, e);

	if (rc == 0)
		rc = device_gather(d->target, &d->url.entry, d->url.banks, NULL, &again, e);

	if (rc < 0)
		return err_wrap(e, "%s", d->name);
	if (again.pid == d->facts.pid && again.has_uid == d->facts.has_uid &&
		memcmp(again.uid, d->facts.uid, sizeof(again.uid)) == 0 &&
		again.flash_size == d->facts.flash_size)
		return 0;
	return err_set(e, ERR_IDENTITY, "%s: another device answers now", d->name);
}

int device_recover(struct device *d, struct err *e)
{
	int rc = d->target->ops->recover(d->target, e);

	return rc < 0 ? err_wrap(e, "%s", d->name) : same_device(d, e);
}

void device_leave(struct device *d)
{
	target_close(d->target);
	d->target = NULL;
}

int device_come_back(
	struct device *d, uint32_t wait_s, const struct event_sink *events, struct err *e)
{
	int rc;

	device_leave(d);
	rc = connect(d, NULL, wait_s, events, e);
	if (rc < 0)
		return err_wrap(e, "%s", d->name);
	rc = same_device(d, e);
	if (rc < 0)
		device_leave(d);
	return rc;
}
