/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_uart.c - the ROM bootloader as a stream of bytes (AN3155), and how to get back in step
 *
 * The ROM has no time-out: a half-sent command waits for ever, and any byte may complete it.
 * So nothing is sent to a lost device except what lines it up again (AN3155; the order of steps
 * was tried on ST's open bootloader).
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

/* Rates to fall back to, each after a reset: a ROM that measured a wrong rate keeps it. */
static const uint32_t lower_bauds[] = {115200, 57600, 38400, 19200, 9600};

/* ---- packets and status bytes ---- */

static int uart_send(struct rom *rom, const uint8_t *packet, size_t len, struct err *e)
{
	struct link *l = rom->t.link;

	if (!rom->paced)
		return l->ops->write(l, packet, len, e);
	for (size_t i = 0; i < len; i++) {
		int rc = l->ops->write(l, &packet[i], 1, e);

		if (rc < 0)
			return rc;
		clock_sleep_ms(l->clock, 1);
	}
	return 0;
}

static int uart_status(struct rom *rom, uint32_t timeout_ms, uint8_t *ret, struct err *e)
{
	struct link *l = rom->t.link;

	for (int busy = 0; busy <= 1000; busy++) {
		int rc = l->ops->read(l, ret, 1, timeout_ms, e);

		if (rc < 0 || *ret != ROM_BUSY)
			return rc;
	}
	return err_set(e, ERR_PROTOCOL, "the device stays busy");
}

static int uart_reply(struct rom *rom, uint8_t *buf, size_t len, struct err *e)
{
	return rom->t.link->ops->read(rom->t.link, buf, len, rom_wait(rom, 500, len), e);
}

/* Reads until `quiet_ms` without a byte. ERR_PROTOCOL if the device does not stop talking. */
static int drain(struct rom *rom, uint32_t quiet_ms, struct err *e)
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
			return rom_lose(rom, rc);
	}
	err_set(e, ERR_PROTOCOL, "the device sends without being asked");
	err_hint(e, "an application seems to run, not the ROM bootloader: set BOOT0 and reset");
	return rom_lose(rom, ERR_PROTOCOL);
}

/* Some ROMs send a second NACK under read-out protection. */
static int uart_after_nack(struct rom *rom, struct err *e)
{
	return drain(rom, ROM_DRAIN_MS, e);
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

/* 0x7F, at most twice. ERR_TIMEOUT: nobody there, or inside a packet. */
static int sync_up(struct rom *rom, struct err *e)
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
	rc = drain(rom, ROM_DRAIN_MS, e); /* L412 V13.1 acknowledges twice */
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
			return drain(rom, ROM_QUIET_MS, e);
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
	return drain(rom, ROM_DRAIN_MS, e);
}

/*
 * Lines up a broken session with at most `max_ms` of waiting. `after_sync`: sync bytes went out
 * just before, and were not answered.
 */
static int resync(struct rom *rom, uint32_t max_ms, bool after_sync, struct err *e)
{
	static const uint8_t odd_one = ROM_FILLER_ODD;
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + max_ms;
	/* Our own erase has had its time; one of an earlier session may still be running. */
	unsigned max = after_sync ? UINT_MAX : ROM_RESYNC_BYTES + 16;
	unsigned sent = 0;
	int rc = drain(rom, ROM_DRAIN_MS, e);

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
			rc = rom_version(rom, NULL, e);
		}
		if (rc == 0 || round >= 5 ||
			(rc != ERR_TIMEOUT && rc != ERR_PROTOCOL && rc != ERR_NACK))
			return rc;
		/* In step, but pairs do not arrive: they may come too fast (seen on L432). */
		if (round >= 1)
			rom->paced = true;
		err_clear(e);
		rc = drain(rom, ROM_DRAIN_MS, e);
		if (rc < 0)
			return rc;
	}
}

/* ---- reaching the device ---- */

static int reset_and_sync(struct rom *rom, uint32_t boot_ms, struct err *e)
{
	struct entry entry = rom->opt.entry;
	int rc;

	entry.boot_ms = entry.boot_ms > boot_ms ? entry.boot_ms : boot_ms;
	rc = entry_enter(rom->t.link, &entry, e);
	return rc < 0 ? rc : sync_up(rom, e);
}

/*
 * Resets into the ROM and syncs. Patience first: H7A3 needs 545 ms to start, parts that look for
 * a crystal up to 3 s. Then lower speeds, for ROMs that cannot measure the one that is wanted.
 */
static int reach_by_lines(struct rom *rom, bool may_fall_back, struct err *e)
{
	static const uint32_t boot_ms[] = {0, 600, 3000};
	struct link *l = rom->t.link;
	uint32_t wanted = l->baud;
	int rc = ERR_TIMEOUT;

	for (size_t i = 0; i < ARRAY_LEN(boot_ms); i++) {
		rc = reset_and_sync(rom, boot_ms[i], e);
		if (rc == 0 || !err_is_transient((enum err_code)rc))
			return rc;
	}
	if (!may_fall_back || (l->caps & LINK_CAN_SET_BAUD) == 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(lower_bauds); i++) {
		if (lower_bauds[i] >= wanted || l->ops->set_baud(l, lower_bauds[i], e) < 0)
			continue;
		rc = reset_and_sync(rom, 600, e);
		if (rc == 0)
			log_info("%s answers at %" PRIu32 " baud only", l->name, l->baud);
		if (rc == 0 || !err_is_transient((enum err_code)rc))
			return rc;
	}
	l->ops->set_baud(l, wanted, NULL);
	return rc;
}

static int nobody_there(const struct rom *rom, struct err *e)
{
	err_set(e, ERR_TIMEOUT, "no bootloader answers");
	if (rom->t.link->baud > 115200)
		err_hint(e,
			"many bootloaders take no more than 115200 baud: reset the board with BOOT0 set and "
			"try --baud 115200");
	else
		err_hint(e,
			"set BOOT0 and reset the board; check TX, RX and ground; name the wiring with "
			"--before if BOOT0 and NRST are on DTR and RTS");
	return ERR_TIMEOUT;
}

/* Enough for the longest packet that a device may be waiting for, at this speed. */
static uint32_t resync_ms(const struct rom *rom)
{
	uint32_t baud = rom->t.link->baud != 0 ? rom->t.link->baud : 115200;

	if (rom->opt.resync_ms != 0)
		return rom->opt.resync_ms;
	return (uint32_t)((uint64_t)ROM_RESYNC_BYTES * 12 * 1000 / baud) + 4000;
}

/* Without lines: the device may be fresh, synced, or inside a packet of a session that died. */
static int reach_as_it_is(struct rom *rom, struct err *e)
{
	char text[120];
	uint32_t ms;
	int rc = sync_up(rom, e);

	if (rc != ERR_TIMEOUT)
		return rc;
	if (rom->opt.no_resync)
		return nobody_there(rom, e);
	ms = resync_ms(rom);
	snprintf(text, sizeof(text),
		"no answer yet; the device may be inside a broken command: lining up, at most "
		"%" PRIu32 " s",
		(ms + 999) / 1000);
	rom_note(rom, text);
	rc = resync(rom, ms, true, e);
	if (rc == 0)
		event_emit(
			rom->opt.events, &(struct event){.type = EVENT_PHASE, .phase = "connect"});
	return rc == ERR_TIMEOUT ? nobody_there(rom, e) : rc;
}

/* ---- Get ---- */

/*
 * N, then N + 1 bytes. H74 V9.0 sends a wrong N, so the bytes are taken one by one until the ACK
 * behind them, or silence: 0x79 is no command code.
 */
static int uart_get(struct rom *rom, struct target_info *ret, struct err *e)
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
			return rom_lose(rom, rc);
		n++;
		if (n == announced + 1 && list[n - 1] == ROM_ACK)
			break;
	}
	err_clear(e);
	if (n < 3 || list[n - 1] != ROM_ACK)
		return rom_lose(
			rom, err_set(e, ERR_PROTOCOL, "get: the list of commands is damaged"));
	memset(ret->commands, 0, sizeof(ret->commands));
	ret->protocol = list[0];
	for (size_t i = 1; i < n - 1; i++)
		ret->commands[list[i]] = 1;
	if (!ret->commands[ROM_CMD_GET])
		return rom_lose(
			rom, err_set(e, ERR_PROTOCOL, "get: the list of commands is damaged"));
	return 0;
}

/* ---- packets that have another form over I2C ---- */

static int uart_counted(
	struct rom *rom, uint8_t *buf, size_t want, size_t *ret_n, const char *what, struct err *e)
{
	uint8_t n = 0;
	int rc = rom_reply(rom, &n, 1, what, e);

	(void)want;
	if (rc == 0)
		rc = rom_reply(rom, buf, (size_t)n + 1, what, e);
	*ret_n = (size_t)n + 1;
	return rc;
}

static int uart_sectors(struct rom *rom, const uint8_t *sectors, size_t n, struct err *e)
{
	uint8_t packet[1 + 256 + 1];

	packet[0] = (uint8_t)(n - 1);
	memcpy(&packet[1], sectors, n);
	packet[1 + n] = rom_xor(packet, 1 + n);
	return rom_send(rom, packet, n + 2, e);
}

static int uart_sized(
	struct rom *rom, uint8_t *buf, size_t *ret_len, const char *what, struct err *e)
{
	uint8_t size[2];
	int rc = rom_reply(rom, size, sizeof(size), what, e);
	size_t len;

	if (rc < 0)
		return rc;
	len = get_be16(size);
	if (len > ROM_SPECIAL_MAX) {
		rom->lost = true;
		return err_set(
			e, ERR_PROTOCOL, "%s: an answer of %zu bytes is too long", what, len);
	}
	if (len > 0)
		rc = rom_reply(rom, buf, len, what, e);
	*ret_len = len;
	return rc;
}

/*
 * CRC and XOR, with one more ACK before them on some ROMs (the fact is not confirmed): five bytes,
 * or six of which the first is 0x79.
 */
static int read_crc(struct rom *rom, uint32_t timeout_ms, uint32_t *ret, struct err *e)
{
	struct link *l = rom->t.link;
	uint8_t r[6];
	size_t n = 0;
	int rc;

	while (n < sizeof(r)) {
		rc = l->ops->read(
			l, &r[n], 1, n == 0 ? timeout_ms : rom_wait(rom, ROM_QUIET_MS, 1), e);
		if (rc == ERR_TIMEOUT)
			break;
		if (rc < 0) {
			return rom_lose(rom, rc);
		}
		n++;
		if (n == 5 && r[0] != ROM_ACK && rom_xor(r, 5) == 0)
			break;
	}
	err_clear(e);
	if (n == 5 && rom_xor(r, 5) == 0) {
		*ret = get_be32(r);
		return 0;
	}
	if (n == 6 && r[0] == ROM_ACK && rom_xor(&r[1], 5) == 0) {
		*ret = get_be32(&r[1]);
		return 0;
	}
	rom->lost = true;
	return n == 0 ? err_set(e, ERR_TIMEOUT, "checksum: no answer")
		      : err_set(e, ERR_PROTOCOL, "checksum: the answer is damaged");
}

/* Size in words, polynomial and start value; then the CRC. */
static int uart_checksum(struct rom *rom, uint32_t len, uint32_t *ret, struct err *e)
{
	int rc = rom_word(rom, len / 4, "checksum size", e);

	if (rc == 0)
		rc = rom_word(rom, 0x04C11DB7, "checksum polynomial", e);
	if (rc == 0)
		rc = rom_word(rom, 0xFFFFFFFF, "checksum start value", e);
	/* A CRC unit takes a word in a few cycles: a microsecond per byte is generous. */
	if (rc == 0)
		rc = read_crc(rom, rom_wait(rom, ROM_ACK_MS + len / 1000, 6), ret, e);
	return rc;
}

/* Seen on L432: bytes are lost unless they come slowly. */
static void uart_data_failed(struct rom *rom, size_t len, int rc)
{
	(void)len;
	(void)rc;
	if (++rom->data_failures < 2 || rom->paced)
		return;
	log_info(
		"%s: two data packets failed; sending byte by byte from now on", rom->t.link->name);
	rom->paced = true;
}

static int uart_reach(struct rom *rom, struct err *e)
{
	int rc;

	rom->filler = ROM_FILLER;
	if (!entry_can_enter(&rom->opt.entry))
		return reach_as_it_is(rom, e);
	rc = reach_by_lines(rom, !rom->opt.fixed_baud, e);
	return rc == ERR_TIMEOUT ? nobody_there(rom, e) : rc;
}

static int uart_realign(struct rom *rom, struct err *e)
{
	if (entry_can_enter(&rom->opt.entry))
		return reach_by_lines(rom, false, e);
	if (rom->restarted)
		return reach_as_it_is(rom, e);
	return resync(rom, resync_ms(rom), false, e);
}

const struct rom_framing rom_framing_uart = {
	.transport = "uart",
	.byte_bits = 11,
	.version_len = 3,
	.reach = uart_reach,
	.realign = uart_realign,
	.send = uart_send,
	.status = uart_status,
	.reply = uart_reply,
	.after_nack = uart_after_nack,
	.get = uart_get,
	.counted = uart_counted,
	.sized = uart_sized,
	.erase_some = rom_erase_list,
	.sectors = uart_sectors,
	.checksum = uart_checksum,
	.data_failed = uart_data_failed,
};
