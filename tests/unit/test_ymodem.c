/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ymodem.c - our sender against receivers as real devices have them, with noise at every byte
 *
 * In process and with a virtual clock: a second of waiting costs nothing. lrzsz judges both sides
 * in tests/cli/ymodem.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/crc.h>
#include <stmota/ymodem.h>

#include "../../src/sim/sim_ymodem.h"

#define BYTE_US 87u

enum noise { NONE, LOSE, DOUBLE, GARBLE, DELAY };
static const char *const noise_names[] = {"none", "lose", "double", "garble", "delay"};

struct line {
	struct link l; /* first */
	struct clock clock;
	struct sim_ymodem *d;
	uint64_t now_us;
	enum noise noise;
	bool to_device; /* which way the noise is */
	uint64_t at;    /* the byte that it hits */
	uint8_t bits;
	uint64_t seen[2]; /* bytes so far: from the device, to it */
	bool fired;
	uint8_t twice; /* a byte from the device that arrives again */
	bool has_twice;
	bool has_ahead; /* taken out of the device, not yet arrived */
	uint8_t ahead;
	uint64_t ahead_us;
};

static uint64_t line_now_ms(void *ctx)
{
	return ((struct line *)ctx)->now_us / 1000;
}

static void line_sleep_ms(void *ctx, uint32_t ms)
{
	((struct line *)ctx)->now_us += (uint64_t)ms * 1000;
}

static enum noise noise_at(struct line *l, bool to_device)
{
	uint64_t n = l->seen[to_device]++;

	if (l->noise == NONE || l->fired || l->to_device != to_device || n != l->at)
		return NONE;
	l->fired = true;
	return l->noise;
}

static int line_write(struct link *link, const void *buf, size_t len, struct err *e)
{
	struct line *l = (struct line *)link;
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		enum noise n = noise_at(l, true);

		l->now_us += n == DELAY ? 2500000 : BYTE_US;
		if (n == LOSE)
			continue;
		sim_ymodem_rx(l->d, n == GARBLE ? p[i] ^ l->bits : p[i], l->now_us);
		if (n == DOUBLE)
			sim_ymodem_rx(l->d, p[i], l->now_us += BYTE_US);
	}
	return 0;
}

/* The next byte that arrives by `until`; lets the device do what it does by itself. */
static bool arrives(struct line *l, uint64_t until, uint8_t *ret)
{
	for (;;) {
		uint64_t next = sim_ymodem_next_us(l->d);

		if (l->has_twice) {
			l->has_twice = false;
			*ret = l->twice;
			return true;
		}
		if (!l->has_ahead)
			l->has_ahead = sim_ymodem_tx(l->d, &l->ahead, &l->ahead_us);
		if (l->has_ahead && l->ahead_us <= until) {
			l->has_ahead = false;
			if (l->now_us < l->ahead_us)
				l->now_us = l->ahead_us;
			*ret = l->ahead;
			return true;
		}
		if (l->has_ahead || next > until) {
			sim_ymodem_tick(l->d, until);
			l->now_us = until;
			return false;
		}
		sim_ymodem_tick(l->d, next);
	}
}

static int line_read(struct link *link, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct line *l = (struct line *)link;
	uint8_t *p = buf;

	while (len > 0) {
		uint64_t until = l->now_us + (uint64_t)timeout_ms * 1000;
		enum noise n;

		if (!arrives(l, until, p))
			return err_set(e, ERR_TIMEOUT, "no answer");
		n = noise_at(l, false);
		if (n == LOSE)
			continue;
		if (n == GARBLE)
			*p ^= l->bits;
		if (n == DELAY)
			l->now_us += 2500000;
		if (n == DOUBLE) {
			l->twice = *p;
			l->has_twice = true;
		}
		p++;
		len--;
	}
	return 0;
}

static const struct link_ops line_ops = {.name = "line", .write = line_write, .read = line_read};

static void line_init(struct line *l, struct sim_ymodem *d)
{
	*l = (struct line){.d = d};
	l->clock = (struct clock){l, line_now_ms, line_sleep_ms};
	l->l.ops = &line_ops;
	l->l.clock = &l->clock;
	snprintf(l->l.name, sizeof(l->l.name), "the line");
	sim_ymodem_start(d, 0);
}

/* ---- what a playbook would say of each receiver ---- */

static unsigned traits_of(const struct sim_ymodem_config *c)
{
	unsigned t = 0;

	if (c->counts_8_bits)
		t |= 1u << YMODEM_COUNTS_8_BITS;
	if (c->number == SIM_YMODEM_NAK)
		t |= 1u << YMODEM_NAK_IS_NUMBER;
	if (c->number == SIM_YMODEM_TAKE)
		t |= 1u << YMODEM_WRITES_TWICE;
	return t;
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static bool holds(const struct sim_ymodem *d, const uint8_t *data, size_t len)
{
	size_t written;
	uint64_t size;
	const uint8_t *image = sim_ymodem_written(d, &written, &size);

	return size == len && written >= len && memcmp(image, data, len) == 0;
}

/* ---- without noise ---- */

static void test_crc_xmodem__vectors(void **state)
{
	static const struct {
		size_t len;
		uint8_t byte;
		uint16_t crc;
	} cases[] = {{128, 0x00, 0x0000}, {128, 0x1A, 0xF8B0}, {128, 0xFF, 0xEDA9},
		{1024, 0x1A, 0xFC96}};
	uint8_t data[1024] = {0};

	assert_int_equal(crc_xmodem((const uint8_t *)"123456789", 9), 0x31C3);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		memset(data, cases[i].byte, cases[i].len);
		assert_int_equal(crc_xmodem(data, cases[i].len), cases[i].crc);
	}
	memset(data, 0, 128);
	memcpy(data,
		"fw.bin\0"
		"2348 ",
		12);
	assert_int_equal(crc_xmodem(data, 128), 0x023D);
}

static void test_ymodem_send__every_receiver(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 129, 1023, 1024, 1025, 261120};
	uint8_t *data = malloc(1 << 20);

	fill(data, 1 << 20, 1);
	for (const struct sim_ymodem_config *c = sim_ymodem_receivers; c->name != NULL; c++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			struct ymodem_options opt = YMODEM_OPTIONS_INIT;
			struct ymodem_file f = {"fw.bin", data, sizes[i]};
			struct sim_ymodem *d = sim_ymodem_new(c);
			struct ymodem_report r;
			struct err e = ERR_INIT;
			struct line l;
			int rc;

			line_init(&l, d);
			opt.traits = traits_of(c);
			rc = ymodem_send(&l.l, &f, 1, &opt, &r, &e);
			if (rc != 0 || !sim_ymodem_happy(d) || !holds(d, data, sizes[i]) ||
				r.resends != 0 || r.open_end)
				fail_msg("%s, %zu bytes: %d %s", c->name, sizes[i], rc, e.msg);
			if (c->erase_text != NULL)
				assert_non_null(strstr(r.text, "ras"));
			sim_ymodem_free(d);
		}
	free(data);
}

/* 255 blocks go, 256 are refused before a byte is sent; a receiver that counts well takes 1 MiB. */
static void test_ymodem_send__receivers_that_count_in_8_bits(void **state)
{
	uint8_t *data = malloc(1 << 20);

	fill(data, 1 << 20, 2);
	for (const struct sim_ymodem_config *c = sim_ymodem_receivers; c->name != NULL; c++) {
		struct ymodem_options opt = YMODEM_OPTIONS_INIT;
		struct ymodem_file f = {"fw.bin", data, 261121};
		struct sim_ymodem *d = sim_ymodem_new(c);
		struct ymodem_report r;
		struct err e = ERR_INIT;
		struct line l;
		int rc;

		line_init(&l, d);
		opt.traits = traits_of(c);
		rc = ymodem_send(&l.l, &f, 1, &opt, &r, &e);
		if (c->counts_8_bits) {
			assert_int_equal(rc, ERR_NO_FIT);
			assert_int_equal(l.seen[1], 0);
			/* Without the trait the device does what the fact file says: never success. */
			opt.traits &= ~(1u << YMODEM_COUNTS_8_BITS);
			rc = ymodem_send(&l.l, &f, 1, &opt, &r, &e);
			assert_true(rc != 0 || !holds(d, data, f.len));
		} else {
			assert_int_equal(rc, 0);
			assert_true(holds(d, data, f.len));
		}
		sim_ymodem_free(d);
	}
	free(data);
}

/* What is too large is refused by the device, and its words reach the user. */
static void test_ymodem_send__the_device_refuses(void **state)
{
	struct sim_ymodem_config small = sim_ymodem_receivers[2];
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	uint8_t data[5000] = {0};
	struct ymodem_file f = {"fw.bin", data, sizeof(data)};
	struct ymodem_report r;
	struct err e = ERR_INIT;
	struct sim_ymodem *d;
	struct line l;

	small.size_max = 4096;
	d = sim_ymodem_new(&small);
	line_init(&l, d);
	opt.traits = traits_of(&small);
	assert_int_equal(ymodem_send(&l.l, &f, 1, &opt, &r, &e), ERR_NACK);
	assert_non_null(strstr(e.hint, "higher than the allowed space"));
	assert_true(sim_ymodem_left(d));
	sim_ymodem_free(d);
}

static void test_ymodem_send__nobody_asks(void **state)
{
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	struct ymodem_file f = {"fw.bin", (const uint8_t *)"x", 1};
	struct sim_ymodem_config mute = sim_ymodem_receivers[0];
	struct ymodem_report r;
	struct err e = ERR_INIT;
	struct sim_ymodem *d;
	struct line l;

	mute.interval_ms = 100000;
	d = sim_ymodem_new(&mute);
	line_init(&l, d);
	assert_int_equal(ymodem_send(&l.l, &f, 1, &opt, &r, &e), ERR_TIMEOUT);
	sim_ymodem_free(d);
}

/*
 * A device that began anew takes the last block for a header, and says so by a C behind its ACK,
 * which the driver of a USB cable may keep for 16 ms. It must not pass for an answer to the EOT.
 */
struct anew {
	struct line line; /* first; without a receiver */
	uint8_t out[8];
	size_t n, next;
	unsigned blocks, ends;
	uint64_t late_us; /* the last byte of `out` is there at this time */
};

static int anew_write(struct link *link, const void *buf, size_t len, struct err *e)
{
	struct anew *d = (struct anew *)link;
	const uint8_t *p = buf;

	(void)e;
	d->line.now_us += len * BYTE_US;
	if (p[0] == 0x18)
		return 0;
	d->n = d->next = 0;
	if (p[0] == 0x04) {
		d->out[d->n++] = d->ends++ == 0 ? 0x15 : 0x06;
		return 0;
	}
	d->out[d->n++] = 0x06;
	if (p[1] != 1)
		d->out[d->n++] = 'C';
	if (++d->blocks == 3)
		d->late_us = d->line.now_us + 16000;
	return 0;
}

static int anew_read(struct link *link, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct anew *d = (struct anew *)link;
	uint64_t at = d->next + 1 == d->n ? d->late_us : 0;

	assert_int_equal(len, 1);
	if (d->next == d->n || at > d->line.now_us + (uint64_t)timeout_ms * 1000) {
		d->line.now_us += (uint64_t)timeout_ms * 1000;
		return err_set(e, ERR_TIMEOUT, "no answer");
	}
	d->line.now_us = at > d->line.now_us ? at : d->line.now_us;
	*(uint8_t *)buf = d->out[d->next++];
	return 0;
}

static void test_ymodem_send__the_last_block_taken_for_a_header(void **state)
{
	static const struct link_ops ops = {.name = "anew", .write = anew_write, .read = anew_read};
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	uint8_t data[1025] = {1};
	struct ymodem_file f = {"fw.bin", data, sizeof(data)};
	struct anew d = {.out = "C", .n = 1};
	struct ymodem_report r;
	struct err e = ERR_INIT;

	d.line.clock = (struct clock){&d.line, line_now_ms, line_sleep_ms};
	d.line.l.ops = &ops;
	d.line.l.clock = &d.line.clock;
	assert_int_equal(ymodem_send(&d.line.l, &f, 1, &opt, &r, &e), ERR_PROTOCOL);
	assert_int_equal(d.blocks, 3);
	assert_int_equal(d.ends, 0);
}

/* ---- with noise ---- */

struct tally {
	unsigned places, at_once, later;
};

/*
 * One place. A session may fail, and is started again as a playbook would, at most twice; but a
 * session that ends well must have delivered the file.
 */
static void try_place(const struct sim_ymodem_config *c, enum noise noise, bool to_device,
	uint64_t at, uint8_t bits, const uint8_t *data, size_t len, struct tally *t)
{
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	struct ymodem_file f = {"fw.bin", data, len};
	struct sim_ymodem *d = sim_ymodem_new(c);
	struct ymodem_report r;
	struct err e = ERR_INIT;
	struct line l;
	int rc = -1, tries = 0;

	line_init(&l, d);
	l.noise = noise;
	l.to_device = to_device;
	l.at = at;
	l.bits = bits;
	opt.traits = traits_of(c);
	for (; rc != 0 && tries < 3; tries++) {
		if (tries > 0) {
			l.now_us += 15000000;
			sim_ymodem_tick(d, l.now_us);
			sim_ymodem_rx(d, 0x18, l.now_us);
			sim_ymodem_rx(d, 0x18, l.now_us);
			sim_ymodem_start(d, l.now_us);
		}
		rc = ymodem_send(&l.l, &f, 1, &opt, &r, &e);
	}
	t->places++;
	t->at_once += rc == 0 && tries == 1;
	t->later += rc == 0 && tries > 1;
	if (rc != 0)
		fail_msg("%s: %s byte %u %s the device: three sessions failed: %s", c->name,
			noise_names[noise], (unsigned)at, to_device ? "to" : "from", e.msg);
	if (!holds(d, data, len))
		fail_msg("%s: %s (%02X) byte %u %s the device: success, but another file", c->name,
			noise_names[noise], bits, (unsigned)at, to_device ? "to" : "from");
	sim_ymodem_free(d);
}

/*
 * An ACK that became a NAK. Who does not look at numbers writes the block twice then, and nothing on
 * the wire tells: only a digest of the file does (RT-Thread's container has one).
 */
static bool looks_refused(
	const struct sim_ymodem_config *c, enum noise n, bool to_device, uint8_t bits)
{
	return c->number == SIM_YMODEM_TAKE && n == GARBLE && !to_device && (0x06 ^ bits) == 0x15;
}

static void test_ymodem_send__noise_at_every_byte(void **state)
{
	/* Bits that make one control byte of another: 02 of 04, 06 of 04, 15 of 06, 43 of 06. */
	static const uint8_t bits[] = {0x20, 0x06, 0x02, 0x13, 0x45};
	uint8_t data[2500];

	fill(data, sizeof(data), 3);
	for (const struct sim_ymodem_config *c = sim_ymodem_receivers; c->name != NULL; c++) {
		struct tally t = {0};
		/* What it says while it erases comes before its answers to the data. */
		uint64_t answers = 14 + (c->erase_text == NULL ? 0 : strlen(c->erase_text));

		for (int to_device = 0; to_device < 2; to_device++)
			for (uint64_t at = 0; at < (to_device ? 3500 : answers); at++) {
				/* Inside a block each byte is like the others. */
				if (to_device && at % 1029 > 140 && at % 7 != 0)
					continue;
				for (enum noise n = LOSE; n <= DELAY; n++)
					for (size_t i = 0; i < (n == GARBLE ? ARRAY_LEN(bits) : 1);
						i++)
						if (!looks_refused(c, n, to_device != 0, bits[i]))
							try_place(c, n, to_device != 0, at, bits[i],
								data, sizeof(data), &t);
			}
		printf("%s: %u places, %u in the same session, %u in a later one\n", c->name,
			t.places, t.at_once, t.later);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc_xmodem__vectors),
		cmocka_unit_test(test_ymodem_send__every_receiver),
		cmocka_unit_test(test_ymodem_send__receivers_that_count_in_8_bits),
		cmocka_unit_test(test_ymodem_send__the_device_refuses),
		cmocka_unit_test(test_ymodem_send__nobody_asks),
		cmocka_unit_test(test_ymodem_send__the_last_block_taken_for_a_header),
		cmocka_unit_test(test_ymodem_send__noise_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
