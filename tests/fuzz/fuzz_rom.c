/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ROM driver against a device that answers whatever the input says. Each call must end in
 * bounded time, and nothing destructive may leave that was not asked for.
 *
 * Input: what the device sends, byte by byte. FF NN: NN reads time out; FF 00: the byte FF. Where
 * the input is at its end, the device is silent.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/device.h>
#include <stmota/rom.h>

struct fuzz_link {
	struct link link; /* first */
	struct clock clock;
	uint64_t now_ms;
	const uint8_t *data;
	size_t size, at;
	unsigned silent;
	bool may_erase, may_write, may_go; /* what the caller has asked for */
	uint8_t last_pair;                 /* code of the last command pair, if it was one */
};

/* A packet of two bytes that are each other's complement is a command, or the length of a read. */
static void judge(struct fuzz_link *s, const uint8_t *p, size_t len)
{
	if (len != 2 || (p[0] ^ p[1]) != 0xFF)
		return;
	/* A length packet follows the address of a read: any value is fine there. */
	if (s->last_pair == 0x11) {
		s->last_pair = 0;
		return;
	}
	s->last_pair = p[0];
	assert(p[0] != 0x92 && p[0] != 0x82 && p[0] != 0x63 && p[0] != 0x73);
	assert(s->may_erase || (p[0] != 0x43 && p[0] != 0x44));
	assert(s->may_write || p[0] != 0x31);
	assert(s->may_go || p[0] != 0x21);
}

static int fuzz_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct fuzz_link *s = (struct fuzz_link *)l;

	(void)e;
	s->now_ms += len / 11 + 1;
	judge(s, buf, len);
	return 0;
}

static int fuzz_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct fuzz_link *s = (struct fuzz_link *)l;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		if (s->silent == 0 && s->size - s->at >= 2 && s->data[s->at] == 0xFF) {
			s->silent = s->data[s->at + 1];
			s->at += s->silent > 0 ? 2 : 0;
		}
		if (s->silent > 0 || s->at == s->size) {
			s->silent -= s->silent > 0;
			s->now_ms += timeout_ms;
			return err_set(e, ERR_TIMEOUT, "no answer");
		}
		p[i] = s->data[s->at++];
		if (p[i] == 0xFF && s->at < s->size && s->data[s->at] == 0x00)
			s->at++;
	}
	return 0;
}

static int fuzz_flush(struct link *l, struct err *e)
{
	(void)l;
	(void)e;
	return 0;
}

static void fuzz_close(struct link *l)
{
	(void)l;
}

static uint64_t now_ms(void *ctx)
{
	return ((struct fuzz_link *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	((struct fuzz_link *)ctx)->now_ms += ms;
}

static const struct link_ops ops = {
	.name = "fuzz",
	.write = fuzz_write,
	.read = fuzz_read,
	.flush = fuzz_flush,
	.close = fuzz_close,
};

/* Ends within ten minutes of the device's time, whatever it says. */
static int ended(struct fuzz_link *s, uint64_t *since_ms, int rc, struct err *e)
{
	assert(rc <= 0 && rc >= ERR_LAST);
	assert(rc == 0 || e->msg[0] != '\0');
	assert(s->now_ms - *since_ms < 600000);
	*since_ms = s->now_ms;
	s->may_erase = s->may_write = s->may_go = false;
	s->last_pair = 0;
	err_clear(e);
	return rc;
}

static void use(struct fuzz_link *s, struct target *t, const struct device_facts *f)
{
	uint8_t data[256] = {1, 2, 3}, back[700];
	struct erase_unit units[3];
	uint64_t since = s->now_ms;
	struct err e = ERR_INIT;
	uint32_t crc;

	ended(s, &since, t->ops->read(t, 0x08000000, back, sizeof(back), &e), &e);
	ended(s, &since, t->ops->recover(t, &e), &e);
	ended(s, &since, t->ops->checksum(t, (struct span){0x08000000, 1024}, &crc, &e), &e);
	s->may_write = true;
	ended(s, &since, t->ops->write(t, 0x08000000, data, t->write_max, &e), &e);
	ended(s, &since, t->ops->recover(t, &e), &e);
	if (f->has_geometry && f->geometry.n_units >= 3) {
		for (uint32_t i = 0; i < 3; i++)
			units[i] = geometry_unit(&f->geometry, i);
		s->may_erase = true;
		ended(s, &since, t->ops->erase(t, units, 3, &e), &e);
	}
	s->may_go = true;
	ended(s, &since, t->ops->go(t, 0x08000000, &e), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_link s = {.data = data, .size = size};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct device_facts facts = {0};
	struct target *t = NULL;
	struct err e = ERR_INIT;
	uint64_t since = 0;

	s.link = (struct link){.ops = &ops, .baud = 115200, .clock = &s.clock, .name = "fuzz"};
	s.clock = (struct clock){&s, now_ms, sleep_ms};
	opt.entry.use_lines = false;
	if (rom_target_new(&s.link, &opt, &t, &e) < 0)
		return 0;
	if (ended(&s, &since, t->ops->connect(t, NULL, &e), &e) == 0 &&
		ended(&s, &since,
			device_gather(t, &opt.entry, CHIP_BANKS_DEFAULT, NULL, &facts, &e),
			&e) == 0)
		use(&s, t, &facts);
	target_close(t);
	return 0;
}
