/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_exchange.c - packets and status bytes of the ROM bootloader, and how to get back in step
 *
 * The ROM has no time-out: a half-sent command waits for ever, and any byte may complete it.
 * So whatever goes wrong here marks the driver as lost, and nothing is sent then except what
 * lines it up again (AN3155; the order of steps was tried on ST's open bootloader).
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

uint32_t rom_wait(const struct rom *rom, uint32_t base_ms, size_t bytes)
{
	const struct link *l = rom->t.link;
	uint64_t ms = base_ms + 2u * (uint64_t)l->latency_ms + 50;

	/* Start, 8 data, parity and stop bit: 11 bit times; twice, for adapters that buffer. */
	if (l->baud != 0)
		ms += (uint64_t)bytes * 11 * 2 * 1000 / l->baud;
	return (uint32_t)ms;
}

uint8_t rom_xor(const uint8_t *p, size_t len)
{
	uint8_t x = 0;

	for (size_t i = 0; i < len; i++)
		x ^= p[i];
	return x;
}

static int lose(struct rom *rom, int rc)
{
	rom->lost = true;
	return rc;
}

int rom_send(struct rom *rom, const void *buf, size_t len, struct err *e)
{
	struct link *l = rom->t.link;
	const uint8_t *p = buf;
	int rc;

	/* A doubled status byte would be taken for the answer to this packet. */
	rc = l->ops->flush(l, e);
	if (rc < 0)
		return lose(rom, rc);
	if (!rom->paced || (l->caps & LINK_FRAMED) != 0) {
		rc = l->ops->write(l, buf, len, e);
		return rc < 0 ? lose(rom, rc) : 0;
	}
	for (size_t i = 0; i < len; i++) {
		rc = l->ops->write(l, &p[i], 1, e);
		if (rc < 0)
			return lose(rom, rc);
		clock_sleep_ms(l->clock, 1);
	}
	return 0;
}

int rom_ack(struct rom *rom, uint32_t timeout_ms, const char *what, struct err *e)
{
	struct link *l = rom->t.link;
	uint8_t st = ROM_BUSY;
	int rc;

	for (int busy = 0; st == ROM_BUSY; busy++) {
		if (busy > 1000)
			return lose(
				rom, err_set(e, ERR_PROTOCOL, "%s: the device stays busy", what));
		rc = l->ops->read(l, &st, 1, timeout_ms, e);
		if (rc == ERR_TIMEOUT)
			return lose(rom, err_set(e, ERR_TIMEOUT, "%s: no answer", what));
		if (rc < 0)
			return lose(rom, rc);
	}
	if (st == ROM_ACK)
		return 0;
	if (st == ROM_NACK)
		return err_set(e, ERR_NACK, "%s: refused by the device", what);
	return lose(rom, err_set(e, ERR_PROTOCOL, "%s: answered 0x%02X instead of ACK", what, st));
}

int rom_reply(struct rom *rom, void *buf, size_t len, const char *what, struct err *e)
{
	struct link *l = rom->t.link;
	int rc = l->ops->read(l, buf, len, rom_wait(rom, 500, len), e);

	if (rc == ERR_TIMEOUT)
		rc = err_set(e, ERR_TIMEOUT, "%s: the answer broke off", what);
	return rc < 0 ? lose(rom, rc) : 0;
}

int rom_drain(struct rom *rom, uint32_t quiet_ms, struct err *e)
{
	struct link *l = rom->t.link;
	uint8_t byte;

	/* The longest reply is 1 + 256 bytes; whoever sends more is not answering. */
	for (int i = 0; i < 2048; i++) {
		int rc = l->ops->read(l, &byte, 1, quiet_ms + l->latency_ms, e);

		if (rc == ERR_TIMEOUT) {
			err_clear(e);
			return 0;
		}
		if (rc < 0)
			return lose(rom, rc);
	}
	err_set(e, ERR_PROTOCOL, "the device sends without being asked");
	err_hint(e, "an application seems to run, not the ROM bootloader: set BOOT0 and reset");
	return lose(rom, ERR_PROTOCOL);
}

/* A command that every ROM knows and that does nothing: is the device at a command boundary? */
static int prove_boundary(struct rom *rom, struct err *e)
{
	static const uint8_t pair[2] = {ROM_CMD_GET_VERSION, 0xFF ^ ROM_CMD_GET_VERSION};
	uint8_t reply[3];
	int rc;

	rc = rom_send(rom, pair, sizeof(pair), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 3), "get version", e);
	if (rc == 0)
		rc = rom_reply(rom, reply, sizeof(reply), "get version", e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), "get version", e);
	return rc < 0 ? lose(rom, rc) : 0;
}

int rom_after_nack(struct rom *rom, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	rc = rom_drain(rom, ROM_DRAIN_MS, &why);
	if (rc == 0)
		rc = prove_boundary(rom, &why);
	if (rc == 0)
		return e != NULL ? (int)e->code : ERR_NACK;
	if (!err_is_transient(why.code)) {
		if (e != NULL)
			*e = why;
		return rc;
	}
	err_set(e, ERR_PROTOCOL, "%s; out of step since", e != NULL ? e->msg : "");
	return ERR_PROTOCOL;
}

static int send_pair(struct rom *rom, enum rom_command code, const char *what, struct err *e)
{
	uint8_t pair[2] = {(uint8_t)code, (uint8_t) ~(unsigned)code};
	int rc = rom_send(rom, pair, sizeof(pair), e);

	return rc < 0 ? rc : rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 3), what, e);
}

int rom_begin(struct rom *rom, enum rom_command code, const char *what, struct err *e)
{
	int rc;

	if (rom->lost)
		return err_set(e, ERR_PROTOCOL, "%s: the conversation is out of step", what);
	if (rom->identified && !rom->t.info.commands[code]) {
		err_set(e, ERR_UNSUPPORTED, "%s: this bootloader has no command 0x%02X", what,
			code);
		return ERR_UNSUPPORTED;
	}
	log_debug("command 0x%02X: %s", code, what);
	rc = send_pair(rom, code, what, e);
	if (rc != ERR_NACK)
		return rc;
	rc = rom_after_nack(rom, e);
	if (rc != ERR_NACK)
		return rc;
	err_clear(e);
	rc = send_pair(rom, code, what, e);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

int rom_word(struct rom *rom, uint32_t value, const char *what, struct err *e)
{
	uint8_t packet[5];
	int rc;

	put_be32(packet, value);
	packet[4] = rom_xor(packet, 4);
	rc = rom_send(rom, packet, sizeof(packet), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 6), what, e);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

int rom_address(struct rom *rom, uint32_t addr, struct err *e)
{
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "address 0x%08" PRIX32, addr);
	rc = rom_word(rom, addr, what, e);
	if (rc < 0)
		err_at(e, addr);
	return rc;
}

int rom_refused(struct rom *rom, const char *what, struct err *e)
{
	const struct chip *c = rom->t.info.chip;
	bool product_state = c != NULL && c->has_option_bytes && c->options.n_rdp == 0;

	err_set(e, ERR_PROTECTED, "%s: refused, %s is active", what,
		product_state ? "protection by PRODUCT_STATE" : "read-out protection (RDP)");
	err_hint(e, "lifting it means Readout Unprotect, which erases the whole flash; "
		    "stmota never does that unasked");
	return ERR_PROTECTED;
}

/* ---- sync ---- */

/* One 0x7F and its answer; up to three stray bytes may come before (F413: a 00 after reset). */
static int sync_once(struct rom *rom, struct err *e)
{
	struct link *l = rom->t.link;
	uint8_t byte = ROM_SYNC;
	int rc = l->ops->write(l, &byte, 1, e);

	if (rc < 0)
		return rc;
	for (int strays = 0; strays <= 3; strays++) {
		rc = l->ops->read(l, &byte, 1, rom_wait(rom, ROM_SYNC_MS, 2), e);
		if (rc < 0)
			return rc;
		if (byte == ROM_ACK || byte == ROM_NACK)
			return 0;
		if (byte == ROM_SYNC) {
			err_set(e, ERR_PROTOCOL, "the line echoes what is sent");
			err_hint(e, "two-wire buses that echo are not supported");
			return ERR_PROTOCOL;
		}
	}
	err_set(e, ERR_PROTOCOL, "the device answers 0x%02X to the sync byte", byte);
	err_hint(e, "wrong speed or parity, or an application is talking: reset the board with "
		    "BOOT0 set, and try --baud 57600");
	return ERR_PROTOCOL;
}

int rom_sync(struct rom *rom, struct err *e)
{
	struct link *l = rom->t.link;
	int rc = l->ops->flush(l, e);

	if (rc < 0)
		return rc;
	rc = sync_once(rom, e);
	/* Silence: it is the second half of a pair that a synced device waits for now. */
	if (rc == ERR_TIMEOUT)
		rc = sync_once(rom, e);
	if (rc == ERR_TIMEOUT)
		return err_set(e, ERR_TIMEOUT, "no answer to the sync byte");
	if (rc < 0)
		return rc;
	rc = rom_drain(rom, ROM_DRAIN_MS, e); /* L412 V13.1 acknowledges twice */
	if (rc == 0)
		rom->lost = false;
	return rc;
}

/*
 * How many fillers go out at once. Slow at first, so that the device need not receive while it
 * sends. If that was not enough, it may be counting off an erase list whose length was garbled
 * (44 BB BB 00: 0xBB00 pages): then the rest comes at full speed.
 */
static size_t filler_burst(unsigned sent)
{
	return sent >= ROM_RESYNC_SLOW && sent < ROM_RESYNC_BYTES ? 256 : 1;
}

/*
 * Somebody may be waiting for a quarter of a minute, for nothing as a rule. It cannot be shortened:
 * a device that counts off an erase list of 0xFFEF pages is as silent as one that is not there.
 */
static void tell_lining_up(const struct rom *rom, unsigned sent, bool silent)
{
	struct event progress = {.type = EVENT_PROGRESS,
		.phase = "connect",
		.done = sent < ROM_RESYNC_BYTES ? sent : ROM_RESYNC_BYTES,
		.total = ROM_RESYNC_BYTES};
	struct event note = {.type = EVENT_NOTE,
		.phase = "connect",
		.text = "nothing at all has come back: is the board powered, its BOOT0 set, TX and "
			"RX not swapped? Going on, in case a broken erase is pending"};
	struct event phase = {
		.type = EVENT_PHASE, .phase = "connect", .total = ROM_RESYNC_BYTES, .done = sent};

	if (sent == ROM_RESYNC_SLOW) {
		if (silent)
			event_emit(rom->opt.events, &note);
		event_emit(rom->opt.events, &phase);
	} else if (sent > ROM_RESYNC_SLOW) {
		event_emit(rom->opt.events, &progress);
	}
}

/* Steps 1 and 2: up to `max` fillers until the first NACK, then silence. */
static int resync_fill(
	struct rom *rom, uint64_t until_ms, unsigned max, unsigned *sent, struct err *e)
{
	struct link *l = rom->t.link;
	uint32_t gap_ms = 2 + (l->baud != 0 ? 2u * 11 * 1000 / l->baud : 0);
	uint8_t fillers[256], byte;
	bool silent = *sent == 0;
	int rc;

	memset(fillers, rom->filler, sizeof(fillers));
	while (*sent < max && clock_now_ms(l->clock) < until_ms) {
		size_t n = rom->strange ? 1 : filler_burst(*sent);

		rc = signals_check(e);
		if (rc < 0)
			return rc;
		rc = l->ops->write(l, fillers, n, e);
		if (rc < 0)
			return rc;
		*sent += (unsigned)n;
		tell_lining_up(rom, *sent, silent);
		rc = l->ops->read(l, &byte, 1, *sent < ROM_RESYNC_BYTES ? gap_ms : 100, e);
		if (rc == ERR_TIMEOUT)
			continue;
		if (rc < 0)
			return rc;
		silent = false;
		if (byte == ROM_ACK)
			log_debug("lining up: the device has executed something");
		if (byte == ROM_NACK)
			return rom_drain(rom, ROM_QUIET_MS, e);
		/*
		 * Nonsense: it may have measured a wrong speed. Single fillers are the same wrong
		 * byte each time, and a byte twice is no command; of a burst it may make a mass
		 * erase.
		 */
		if (byte != ROM_ACK)
			rom->strange = true;
	}
	return err_set(e, ERR_TIMEOUT, "no answer while lining up");
}

/* Step 3: one filler, perhaps a second; the one that is answered ended a pair. */
static int resync_end_pair(struct rom *rom, struct err *e)
{
	struct link *l = rom->t.link;
	uint8_t byte = 0;
	int rc = ERR_TIMEOUT;

	for (int i = 0; i < 2 && rc == ERR_TIMEOUT; i++) {
		rc = l->ops->write(l, &rom->filler, 1, e);
		if (rc == 0)
			rc = l->ops->read(l, &byte, 1, rom_wait(rom, ROM_QUIET_MS, 2), e);
	}
	if (rc < 0)
		return rc;
	if (byte != ROM_NACK)
		return err_set(e, ERR_PROTOCOL, "answered 0x%02X while lining up", byte);
	return rom_drain(rom, ROM_DRAIN_MS, e);
}

int rom_resync(struct rom *rom, uint32_t max_ms, bool after_sync, struct err *e)
{
	static const uint8_t odd_one = ROM_FILLER_ODD;
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + max_ms;
	/* Our own erase has had its time; one of an earlier session may still be running. */
	unsigned max = after_sync ? UINT_MAX : ROM_RESYNC_BYTES + 16;
	unsigned sent = 0;
	int rc = rom_drain(rom, ROM_DRAIN_MS, e);

	rom->strange = false;

	/* 7F 7F and equal fillers would be a valid packet for a device that waits for write data. */
	if (rc == 0 && after_sync)
		rc = l->ops->write(l, &odd_one, 1, e);
	if (rc < 0)
		return rc;
	/* Each round is proven by a command that does nothing. */
	for (int round = 0;; round++) {
		rc = resync_fill(rom, until_ms, max, &sent, e);
		if (rc < 0)
			return rc;
		rc = resync_end_pair(rom, e);
		if (rc == 0) {
			rom->lost = false;
			rc = prove_boundary(rom, e);
		}
		if (rc == 0 || round >= 5 ||
			(rc != ERR_TIMEOUT && rc != ERR_PROTOCOL && rc != ERR_NACK))
			return rc;
		/* In step, but pairs do not arrive: they may come too fast (seen on L432). */
		if (round >= 1)
			rom->paced = true;
		err_clear(e);
		rc = rom_drain(rom, ROM_DRAIN_MS, e);
		if (rc < 0)
			return rc;
	}
}

/* ---- Get ---- */

/*
 * N, then N + 1 bytes. H74 V9.0 sends a wrong N, so the bytes are taken one by one until the ACK
 * behind them, or silence: 0x79 is no command code.
 */
static int get_once(struct rom *rom, struct target_info *ret, struct err *e)
{
	static const uint8_t pair[2] = {ROM_CMD_GET, 0xFF};
	struct link *l = rom->t.link;
	uint8_t list[258];
	size_t n = 0, announced;
	uint8_t count = 0;
	int rc;

	rc = rom_send(rom, pair, sizeof(pair), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 3), "get", e);
	if (rc == 0)
		rc = rom_reply(rom, &count, 1, "get", e);
	if (rc < 0)
		return rc;
	announced = (size_t)count + 1;
	while (n < sizeof(list)) {
		uint32_t ms = n < announced + 1 ? 100 : ROM_QUIET_MS;

		rc = l->ops->read(l, &list[n], 1, rom_wait(rom, ms, 1), e);
		if (rc == ERR_TIMEOUT)
			break;
		if (rc < 0)
			return lose(rom, rc);
		n++;
		if (n == announced + 1 && list[n - 1] == ROM_ACK)
			break;
	}
	err_clear(e);
	if (n < 3 || list[n - 1] != ROM_ACK)
		return lose(rom, err_set(e, ERR_PROTOCOL, "get: the list of commands is damaged"));
	memset(ret->commands, 0, sizeof(ret->commands));
	ret->protocol = list[0];
	for (size_t i = 1; i < n - 1; i++)
		ret->commands[list[i]] = 1;
	if (!ret->commands[ROM_CMD_GET])
		return lose(rom, err_set(e, ERR_PROTOCOL, "get: the list of commands is damaged"));
	return 0;
}

int rom_get(struct rom *rom, struct target_info *ret, struct err *e)
{
	struct target_info first = *ret, second = *ret;
	int rc;

	for (int pairs = 0; pairs < TARGET_READ_PAIRS; pairs++) {
		rc = get_once(rom, &first, e);
		if (rc == 0)
			rc = get_once(rom, &second, e);
		if (rc == ERR_NACK)
			return lose(rom, rc);
		if (rc < 0)
			return rc;
		if (first.protocol == second.protocol &&
			memcmp(first.commands, second.commands, sizeof(first.commands)) == 0) {
			*ret = second;
			return 0;
		}
		log_info("two readings of the list of commands differ");
	}
	err_set(e, ERR_IDENTITY, "two readings of the list of commands differ, again and again");
	return err_hint(e, ROM_HINT_NOISE);
}
