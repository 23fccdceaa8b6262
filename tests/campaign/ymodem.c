/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ymodem.c - our sender and every virtual updater that stores what it gets, in process
 *
 * Sizes: each file arrives as it is, or is refused before a byte is sent where the device is known to
 * spoil it. Noise: each packet to the device and each byte from it once lost, garbled, doubled and
 * delayed. A session may fail, and the device is then reset and tried again; one that ends well must
 * have delivered the file, and the third must end well.
 *
 * usage: ymodem [--step N] [--only NAME]     every N-th position, one device only
 *        ymodem --found                      only the places where something was found once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/ymodem.h>

#include "../support/sim_link.h"

#define MIB (1u << 20)

#define COUNTS (1u << YMODEM_COUNTS_8_BITS)
#define NAK_IS (1u << YMODEM_NAK_IS_NUMBER)
#define TWICE  (1u << YMODEM_WRITES_TWICE)

static const struct device {
	const char *name, *keys; /* keys: what leads to its receiver */
	uint32_t at, room;       /* in flash; room 0: the second half */
	unsigned traits;
} devices[] = {
	{"iap-f0", "1", 0x4000, 0x3C000, COUNTS | NAK_IS},
	{"iap-f1", "1", 0x4000, 0x3C000, COUNTS | NAK_IS},
	{"iap-f3", "1", 0x4000, 0x3C000, COUNTS | NAK_IS},
	{"iap-f4", "1", 0x8000, 0x1F8000, NAK_IS},
	{"iap-f7", "1", 0x8000, 0xF8000, COUNTS | NAK_IS},
	{"iap-h7", "1", 0x20000, 0x1E0000, NAK_IS},
	{"iap-l4", "1", 0x8000, 0xF8000, COUNTS | NAK_IS},
	{"x-cube-dbfu-l4", "1", 0, 0, COUNTS | NAK_IS},
	{"x-cube-dbfu-g4", "1", 0, 0, COUNTS | NAK_IS},
	{"x-cube-dbfu-l0", "1", 0, 0, COUNTS | NAK_IS},
	{"x-cube-sbsfu-app", "1", 0x80000, 0x60000, 0},
	{"tfm", "33", 0x160000, 0xA0000, 0},
	{"oemurot", "22", 0x120000, 0xC0000, 0},
	{"rt-fota", "\rymdown\r", 0x80000, 0x60000, TWICE},
	{"rb", "", 0x8000, 0xF8000, 0},
};

enum noise { NONE, LOSE, GARBLE, DOUBLE, DELAY };

struct line { /* a link with noise on it */
	struct link l;
	struct link *clean;
	enum noise noise;
	bool to_device, fired;
	uint64_t at, seen[2];
	bool has_twice;
	uint8_t twice;
};

static bool hit(struct line *l, bool to_device)
{
	uint64_t n = l->seen[to_device]++;

	if (l->noise == NONE || l->fired || l->to_device != to_device || n != l->at)
		return false;
	l->fired = true;
	return true;
}

static int line_write(struct link *link, const void *buf, size_t len, struct err *e)
{
	struct line *l = (struct line *)link;
	uint8_t copy[2048];
	bool now = hit(l, true);
	int rc;

	memcpy(copy, buf, len);
	if (now && l->noise == LOSE)
		return 0;
	if (now && l->noise == GARBLE)
		copy[len / 2] ^= 0x20;
	if (now && l->noise == DELAY)
		sim_link_wait_us(l->clean, 2500000);
	rc = l->clean->ops->write(l->clean, copy, len, e);
	return now && l->noise == DOUBLE && rc == 0 ? l->clean->ops->write(l->clean, copy, len, e)
						    : rc;
}

static int line_read(struct link *link, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct line *l = (struct line *)link;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		int rc = 0;

		if (l->has_twice) {
			l->has_twice = false;
			p[i] = l->twice;
			continue;
		}
		rc = l->clean->ops->read(l->clean, p + i, 1, timeout_ms, e);
		if (rc < 0)
			return rc;
		if (!hit(l, false))
			continue;
		if (l->noise == LOSE) {
			i--;
			continue;
		}
		if (l->noise == GARBLE)
			p[i] ^= 0x20;
		else if (l->noise == DELAY)
			sim_link_wait_us(l->clean, 2500000);
		l->has_twice = l->noise == DOUBLE;
		l->twice = p[i];
	}
	return 0;
}

static const struct link_ops line_ops = {.name = "line", .write = line_write, .read = line_read};

static void hear_out(struct link *l, uint32_t ms)
{
	uint8_t byte;

	for (unsigned i = 0; i < 20000 && l->ops->read(l, &byte, 1, ms, NULL) == 0; i++)
		;
}

/* To the receiver, by its menu. */
static void reach(const struct device *d, struct link *l)
{
	for (const char *k = d->keys; *k != '\0'; k++) {
		hear_out(l, k == d->keys || k[-1] != 'y' ? 60 : 5);
		sim_link_wait_us(l, 50000);
		l->ops->write(l, k, 1, NULL);
	}
}

struct result {
	int rc;
	unsigned sessions;
	bool stored;
	uint64_t packets, answers;
};

static struct result deliver(const struct device *d, const uint8_t *data, size_t len,
	enum noise noise, bool to_device, uint64_t place)
{
	struct sim_config cfg = {.updater = d->name, .boot0_low = true, .seed = 1};
	const struct sim_link_config how = {.boot0_low = true, .lines = true};
	struct result r = {.rc = -1};
	struct sim_board *b = NULL;
	struct line l = {.noise = noise, .to_device = to_device, .at = place};
	uint32_t size;
	const uint8_t *flash;
	uint32_t at;

	if (sim_updater_chip(d->name, &cfg.chip, NULL) < 0 || sim_board_new(&cfg, &b, NULL) < 0)
		abort();
	l.clean = sim_link_new(b, &how);
	if (l.clean == NULL)
		abort();
	l.l = *l.clean;
	l.l.ops = &line_ops;
	flash = sim_board_flash(b, &size);
	at = d->room == 0 ? size / 2 : d->at;
	for (; r.rc != 0 && r.rc != ERR_NO_FIT && r.sessions < 3; r.sessions++) {
		struct ymodem_options opt = YMODEM_OPTIONS_INIT;
		struct ymodem_file f = {"fw.bin", data, len};
		struct ymodem_report report;
		struct err e = ERR_INIT;

		if (r.sessions > 0)
			sim_board_reset(b);
		reach(d, l.clean);
		opt.traits = d->traits;
		r.rc = ymodem_send(&l.l, &f, 1, &opt, &report, &e);
	}
	r.stored = len <= size - at && memcmp(flash + at, data, len) == 0;
	r.packets = l.seen[1];
	r.answers = l.seen[0];
	link_close(l.clean);
	sim_board_free(b);
	return r;
}

static unsigned failures;

static void expect(bool ok, const struct device *d, size_t len, const char *what)
{
	if (ok)
		return;
	failures++;
	printf("FAILED: %s, %zu bytes: %s\n", d->name, len, what);
}

static void sizes(const struct device *d, const uint8_t *data)
{
	static const size_t list[] = {0, 1, 127, 128, 129, 1023, 1024, 1025, 261120, 261121, MIB};
	unsigned taken = 0, refused = 0, failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		bool known = (d->traits & 1u << YMODEM_COUNTS_8_BITS) != 0;
		struct result r = deliver(d, data, list[i], NONE, false, 0);
		uint32_t room = d->room != 0                             ? d->room
				: strcmp(d->name, "x-cube-dbfu-l4") == 0 ? 0x80000
				: strcmp(d->name, "x-cube-dbfu-g4") == 0 ? 0x40000
									 : 0x18000;

		if (known && list[i] > 261120) {
			expect(r.rc == ERR_NO_FIT && r.packets == 0, d, list[i], "not refused");
			refused++;
		} else if (list[i] > room) {
			/* By the device; or it drops the end and claims success (ymodem.md 11). */
			expect(r.rc != 0 || (known && !r.stored), d, list[i],
				"too large, and taken");
			failed++;
		} else {
			expect(r.rc == 0 && r.sessions == 1 && r.stored, d, list[i], "not stored");
			taken++;
		}
	}
	printf("%-18s sizes: %u stored, %u refused by us, %u too large for it\n", d->name, taken,
		refused, failed);
}

static bool try_place(const struct device *d, const uint8_t *data, size_t len, enum noise n,
	bool to_device, uint64_t at)
{
	static const char *const names[] = {"", "lost", "garbled", "doubled", "delayed"};
	struct result r = deliver(d, data, len, n, to_device, at);
	char what[100];

	snprintf(what, sizeof(what), "%s %llu %s: %s", names[n], (unsigned long long)at,
		to_device ? "to it" : "from it",
		r.rc != 0 ? "three sessions failed" : "success, but another file");
	expect(r.rc == 0 && r.stored, d, len, what);
	return r.sessions == 1;
}

static void noise(const struct device *d, const uint8_t *data, size_t len, unsigned step)
{
	struct result clean = deliver(d, data, len, NONE, false, 0);
	unsigned places = 0, later = 0;

	for (int to = 0; to < 2; to++)
		for (uint64_t at = 0; at < (to ? clean.packets : clean.answers); at += step)
			for (enum noise n = LOSE; n <= DELAY; n++) {
				places++;
				later += !try_place(d, data, len, n, to != 0, at);
			}
	printf("%-18s noise, %zu bytes: %u places, %u needed another session\n", d->name, len,
		places, later);
}

/* What each of them was: a file that is another one, and blocks that were typed into a menu. */
static void found(const uint8_t *data)
{
	static const struct {
		const char *name;
		size_t len;
		enum noise noise;
		uint64_t at;
	} places[] = {
		{"rb", 1025, DOUBLE, 1},
		{"x-cube-dbfu-g4", 20000, DELAY, 11},
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		for (size_t k = 0; k < ARRAY_LEN(devices); k++)
			if (strcmp(devices[k].name, places[i].name) == 0)
				try_place(&devices[k], data, places[i].len, places[i].noise, true,
					places[i].at);
}

int main(int argc, char **argv)
{
	bool only_found = argc == 2 && strcmp(argv[1], "--found") == 0;
	unsigned step = 1;
	const char *only = NULL;
	uint8_t *data = malloc(MIB);
	uint32_t x = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--step") == 0)
			step = (unsigned)strtoul(argv[i + 1], NULL, 10);
		else
			only = argv[i + 1];
	}
	if (data == NULL || step == 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < MIB; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(x >> 24);
	}
	put_le32(data, 0x20001000);
	if (only_found)
		found(data);
	for (size_t i = 0; !only_found && i < ARRAY_LEN(devices); i++) {
		if (only != NULL && strcmp(only, devices[i].name) != 0)
			continue;
		sizes(&devices[i], data);
		noise(&devices[i], data, 1025, step);
		noise(&devices[i], data, 20000, step);
	}
	free(data);
	printf("%u failures\n", failures);
	return failures == 0 ? 0 : 1;
}
