/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_rom.c - the ROM bootloader (AN3155) as a memory target
 *
 * One function per command. Packets and status bytes are in rom_exchange.c, erase in
 * rom_erase.c. I2C (AN4221) speaks the same exchanges; its different forms are not built yet.
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

#define READ_MAX  256u
#define WRITE_MAX 256u

/* Rates to fall back to, each after a reset: a ROM that measured a wrong rate keeps it. */
static const uint32_t lower_bauds[] = {115200, 57600, 38400, 19200, 9600};

/* ---- connect and recover ---- */

static void note(const struct rom *rom, const char *text)
{
	struct event ev = {.type = EVENT_NOTE, .phase = "connect", .text = text};

	event_emit(rom->opt.events, &ev);
}

static int reset_and_sync(struct rom *rom, uint32_t boot_ms, struct err *e)
{
	struct entry entry = rom->opt.entry;
	int rc;

	entry.boot_ms = entry.boot_ms > boot_ms ? entry.boot_ms : boot_ms;
	rc = entry_enter(rom->t.link, &entry, e);
	return rc < 0 ? rc : rom_sync(rom, e);
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
	int rc = rom_sync(rom, e);

	if (rc != ERR_TIMEOUT)
		return rc;
	if (rom->opt.no_resync)
		return nobody_there(rom, e);
	ms = resync_ms(rom);
	snprintf(text, sizeof(text),
		"no answer yet; the device may be inside a broken command: lining up, at most "
		"%" PRIu32 " s",
		(ms + 999) / 1000);
	note(rom, text);
	rc = rom_resync(rom, ms, true, e);
	if (rc == 0)
		event_emit(
			rom->opt.events, &(struct event){.type = EVENT_PHASE, .phase = "connect"});
	return rc == ERR_TIMEOUT ? nobody_there(rom, e) : rc;
}

/* Get ID, once. */
static int get_id(struct rom *rom, uint16_t *ret, struct err *e)
{
	uint8_t n = 0, id[256];
	int rc = rom_begin(rom, ROM_CMD_GET_ID, "get id", e);

	if (rc == 0)
		rc = rom_reply(rom, &n, 1, "get id", e);
	if (rc == 0)
		rc = rom_reply(rom, id, (size_t)n + 1, "get id", e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), "get id", e);
	if (rc < 0)
		return rc;
	if (n == 2 || n == 3) {
		err_set(e, ERR_UNSUPPORTED, "the device answers Get ID as STM32WB0 and WL3 do");
		err_hint(e, "their bootloader is not supported yet");
		return ERR_UNSUPPORTED;
	}
	if (n != 1 || id[0] > 0x0F)
		return err_set(e, ERR_PROTOCOL, "get id: the answer is no product ID");
	*ret = get_be16(id);
	return 0;
}

static int identify(struct rom *rom, struct target_info *ret, struct err *e)
{
	uint16_t pid = 0, again = 0;
	int rc = rom_get(rom, ret, e);

	for (int pairs = 0; rc == 0 && pairs < TARGET_READ_PAIRS; pairs++) {
		rc = get_id(rom, &pid, e);
		if (rc == 0)
			rc = get_id(rom, &again, e);
		if (rc == 0 && pid == again) {
			ret->pid = pid;
			ret->chip = chip_find(pid);
			return 0;
		}
	}
	if (rc < 0)
		return rc;
	err_set(e, ERR_IDENTITY,
		"two readings of the product ID differ, again and again: 0x%03X and 0x%03X", pid,
		again);
	return err_hint(e, ROM_HINT_NOISE);
}

static int rom_connect(struct target *t, struct target_info *ret, struct err *e)
{
	struct rom *rom = rom_of(t);
	struct target_info info = {0};
	bool lines = entry_can_enter(&rom->opt.entry);
	int rc;

	if ((t->link->caps & LINK_FRAMED) != 0)
		return err_set(e, ERR_UNSUPPORTED, "the bootloader over I2C is not built");
	rom->identified = false;
	rom->restarted = false;
	rom->filler = ROM_FILLER;
	rc = lines ? reach_by_lines(rom, !rom->opt.fixed_baud, e) : reach_as_it_is(rom, e);
	if (rc == ERR_TIMEOUT && lines)
		return nobody_there(rom, e);
	if (rc < 0)
		return rc;
	rc = identify(rom, &info, e);
	/* Synced by a stray byte, or out of step: line up once. */
	if (rc == ERR_TIMEOUT || rc == ERR_PROTOCOL || rc == ERR_NACK) {
		log_debug("%s: %s; lining up", t->link->name, e != NULL ? e->msg : "");
		rc = lines ? reach_by_lines(rom, false, e)
			   : rom_resync(rom, resync_ms(rom), false, e);
		if (rc == 0)
			rc = identify(rom, &info, e);
	}
	if (rc < 0)
		return rc;
	snprintf(info.transport, sizeof(info.transport), "uart");
	t->info = info;
	t->write_max = rom_quirk(rom, CHIP_QUIRK_WRITE_128) ? 128 : WRITE_MAX;
	rom->identified = true;
	rom->read_since_write = true; /* of an earlier session, perhaps */
	if (ret != NULL)
		*ret = info;
	return 0;
}

static int rom_recover(struct target *t, struct err *e)
{
	struct rom *rom = rom_of(t);
	struct target_info again = t->info;
	uint16_t pid = 0;
	int rc;

	rc = signals_check(e);
	if (rc < 0)
		return rc;
	if (entry_can_enter(&rom->opt.entry))
		rc = reach_by_lines(rom, false, e);
	else if (rom->restarted)
		rc = reach_as_it_is(rom, e);
	else
		rc = rom_resync(rom, resync_ms(rom), false, e);
	rom->restarted = false;
	if (rc == 0)
		rc = rom_get(rom, &again, e);
	if (rc == 0)
		rc = get_id(rom, &pid, e);
	rom->filler = ROM_FILLER;
	rom->read_since_write = true;
	if (rc < 0)
		return rc;
	if (rom->identified && pid != t->info.pid)
		return err_set(e, ERR_IDENTITY,
			"another chip answers now: product ID 0x%03X instead of 0x%03X", pid,
			t->info.pid);
	return 0;
}

/* ---- read and write ---- */

static int read_once(struct rom *rom, uint32_t addr, uint8_t *buf, uint32_t len, struct err *e)
{
	uint8_t packet[2] = {(uint8_t)(len - 1), (uint8_t) ~(len - 1)};
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "read at 0x%08" PRIX32, addr);
	rc = rom_begin(rom, ROM_CMD_READ, what, e);
	if (rc == ERR_NACK)
		return rom_refused(rom, what, e);
	if (rc == 0)
		rc = rom_address(rom, addr, e);
	if (rc < 0)
		return rc;
	rc = rom_send(rom, packet, sizeof(packet), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 3), what, e);
	if (rc == ERR_NACK)
		return rom_after_nack(rom, e);
	if (rc == 0)
		rc = rom_reply(rom, buf, len, what, e);
	rom->read_since_write = true;
	return rc;
}

/*
 * Some ROMs give size register and unique id only within a larger block: 128 bytes on L0, 256 on
 * F4, both aligned to their size.
 */
static int read_whole_block(
	struct rom *rom, uint32_t addr, uint8_t *buf, uint32_t len, struct err *e)
{
	uint32_t size = rom->t.info.chip->erased_value == 0x00 ? 128 : READ_MAX;
	uint32_t base = addr & ~(size - 1);
	uint8_t block[READ_MAX];
	int rc;

	if (addr - base + len > size)
		return read_once(rom, addr, buf, len, e);
	rc = read_once(rom, base, block, size, e);
	if (rc == 0)
		memcpy(buf, block + (addr - base), len);
	return rc;
}

static bool wants_whole_block(const struct rom *rom, uint32_t addr, uint32_t len)
{
	const struct chip *c = rom->t.info.chip;
	struct span uid, size, want = {addr, len};

	if (c == NULL || !rom_quirk(rom, CHIP_QUIRK_WHOLE_BLOCK_READS))
		return false;
	uid = (struct span){c->uid_register, 24};
	size = (struct span){c->flash_size_register, 2};
	return (c->uid_register != CHIP_UNKNOWN && span_overlaps(want, uid)) ||
	       (c->flash_size_register != CHIP_UNKNOWN && span_overlaps(want, size));
}

static int rom_read(struct target *t, uint32_t addr, void *buf, uint32_t len, struct err *e)
{
	struct rom *rom = rom_of(t);
	uint8_t *p = buf;

	/* A read that runs past the end of a memory is not refused: callers clip. */
	while (len > 0) {
		uint32_t n = len < READ_MAX ? len : READ_MAX;
		int rc = signals_check(e);

		if (rc == 0 && wants_whole_block(rom, addr, n))
			rc = read_whole_block(rom, addr, p, n, e);
		else if (rc == 0)
			rc = read_once(rom, addr, p, n, e);
		if (rc < 0) {
			err_at(e, addr);
			return rc;
		}
		addr += n;
		p += n;
		len -= n;
	}
	return 0;
}

static int write_once(
	struct rom *rom, uint32_t addr, const uint8_t *buf, uint32_t len, struct err *e)
{
	uint8_t packet[1 + WRITE_MAX + 1];
	char what[32];
	int rc;

	snprintf(what, sizeof(what), "write at 0x%08" PRIX32, addr);
	rc = rom_begin(rom, ROM_CMD_WRITE, what, e);
	if (rc == ERR_NACK)
		return rom_refused(rom, what, e);
	if (rc == 0)
		rc = rom_address(rom, addr, e);
	if (rc < 0)
		return rc;
	packet[0] = (uint8_t)(len - 1);
	memcpy(&packet[1], buf, len);
	packet[1 + len] = rom_xor(packet, 1 + len);
	rc = rom_send(rom, packet, len + 2, e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, len + 3), what, e);
	if (rc == 0) {
		rom->data_failures = 0;
		rom->read_since_write = false;
		return 0;
	}
	/* Seen on L432: bytes are lost unless they come slowly. */
	if (++rom->data_failures >= 2 && !rom->paced) {
		log_info("%s: two data packets failed; sending byte by byte from now on",
			rom->t.link->name);
		rom->paced = true;
	}
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

static bool in_options(const struct chip *c, uint32_t addr)
{
	for (size_t i = 0; i < c->options.n_areas; i++)
		if (span_contains(c->options.areas[i], (struct span){addr, 1}))
			return true;
	return false;
}

static int rom_write(struct target *t, uint32_t addr, const void *buf, uint32_t len, struct err *e)
{
	struct rom *rom = rom_of(t);
	const struct chip *c = t->info.chip;
	uint32_t align = c != NULL ? c->layout.write_align : 4;
	bool in_flash =
		c != NULL && addr >= c->flash_base && addr - c->flash_base < c->flash_size_max;
	int rc;

	if (!in_flash)
		align = 4;
	if (len == 0 || len > WRITE_MAX || len > t->write_max || addr % align != 0 ||
		len % align != 0) {
		err_set(e, ERR_NO_FIT,
			"write of %" PRIu32 " bytes: not made of whole words of %" PRIu32 " bytes",
			len, align);
		err_at(e, addr);
		return ERR_NO_FIT;
	}
	/* H72x/H73x: the first 32 bytes after a read are acknowledged and lost. */
	if (in_flash && rom->read_since_write && len >= 32 &&
		rom_quirk(rom, CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32)) {
		rc = write_once(rom, addr, buf, 32, e);
		if (rc < 0) {
			err_at(e, addr);
			return rc;
		}
	}
	rc = write_once(rom, addr, buf, len, e);
	if (rc < 0)
		err_at(e, addr);
	/* The device reloads its option bytes and resets itself, also where its ACK was lost. */
	if (c != NULL && in_options(c, addr)) {
		rom->lost = true;
		rom->restarted = true;
	}
	return rc;
}

/* ---- checksum ---- */

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
			rom->lost = true;
			return rc;
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

static int rom_checksum(struct target *t, struct span range, uint32_t *ret, struct err *e)
{
	struct rom *rom = rom_of(t);
	uint32_t crc = 0;
	int rc;

	if (range.len == 0 || range.len % 4 != 0 || range.addr % 4 != 0)
		return err_set(e, ERR_NO_FIT, "checksum: the range is not made of whole words");
	rc = rom_begin(rom, ROM_CMD_CHECKSUM, "checksum", e);
	if (rc == ERR_NACK)
		return rom_refused(rom, "checksum", e);
	if (rc == 0)
		rc = rom_address(rom, range.addr, e);
	if (rc == 0)
		rc = rom_word(rom, range.len / 4, "checksum size", e);
	if (rc == 0)
		rc = rom_word(rom, 0x04C11DB7, "checksum polynomial", e);
	if (rc == 0)
		rc = rom_word(rom, 0xFFFFFFFF, "checksum start value", e);
	/* A CRC unit takes a word in a few cycles: a microsecond per byte is generous. */
	if (rc == 0)
		rc = read_crc(rom, rom_wait(rom, ROM_ACK_MS + range.len / 1000, 6), &crc, e);
	if (rc < 0)
		return rc;
	*ret = crc;
	return 0;
}

/* ---- protection, go, reset ---- */

static const struct {
	enum target_protect what;
	enum rom_command code;
	const char *name;
} protections[] = {
	{TARGET_WRITE_PROTECT, ROM_CMD_WRITE_PROTECT, "write protect"},
	{TARGET_WRITE_UNPROTECT, ROM_CMD_WRITE_UNPROTECT, "write unprotect"},
	{TARGET_READ_PROTECT, ROM_CMD_READ_PROTECT, "readout protect"},
	{TARGET_READ_UNPROTECT, ROM_CMD_READ_UNPROTECT, "readout unprotect"},
};

static int send_sectors(struct rom *rom, const uint8_t *sectors, size_t n, struct err *e)
{
	uint8_t packet[1 + 256 + 1];

	if (n == 0 || n > 256)
		return err_set(e, ERR_NO_FIT, "write protect: %zu sectors in one command", n);
	packet[0] = (uint8_t)(n - 1);
	memcpy(&packet[1], sectors, n);
	packet[1 + n] = rom_xor(packet, 1 + n);
	return rom_send(rom, packet, n + 2, e);
}

/* Two ACKs in all; then the device resets itself, after Readout Unprotect with a mass erase. */
static int rom_protect(
	struct target *t, enum target_protect what, const uint8_t *sectors, size_t n, struct err *e)
{
	struct rom *rom = rom_of(t);
	size_t i = 0;
	uint32_t ms;
	int rc;

	while (protections[i].what != what)
		i++;
	if (what == TARGET_WRITE_PROTECT && (n == 0 || n > 256))
		return err_set(e, ERR_NO_FIT, "write protect: %zu sectors in one command", n);
	rc = rom_begin(rom, protections[i].code, protections[i].name, e);
	if (rc == ERR_NACK && what != TARGET_READ_PROTECT && what != TARGET_READ_UNPROTECT)
		return rom_refused(rom, protections[i].name, e);
	if (rc == 0 && what == TARGET_WRITE_PROTECT)
		rc = send_sectors(rom, sectors, n, e);
	if (rc == 0) {
		rc = rom_ack(rom, rom_wait(rom, 2 * ROM_ACK_MS, 258), protections[i].name, e);
		if (rc == ERR_NACK)
			return rom_after_nack(rom, e);
	}
	if (rc < 0)
		return rc;
	rom->lost = true; /* it resets itself: connect() or recover() comes next */
	rom->restarted = true;
	ms = rom->opt.entry.boot_ms;
	if (what == TARGET_READ_UNPROTECT) {
		note(rom, "the device erases its whole flash");
		ms += t->info.chip != NULL
			      ? chip_mass_erase_ms_max(t->info.chip, t->info.chip->flash_size_max)
			      : ROM_MASS_MS;
	}
	while (ms > 0) {
		uint32_t step = ms < 100 ? ms : 100;

		rc = signals_check(e);
		if (rc < 0)
			return rc;
		clock_sleep_ms(t->link->clock, step);
		ms -= step;
	}
	return 0;
}

static int rom_go(struct target *t, uint32_t addr, struct err *e)
{
	struct rom *rom = rom_of(t);
	int rc = rom_begin(rom, ROM_CMD_GO, "go", e);

	if (rc == ERR_NACK)
		return rom_refused(rom, "go", e);
	/* H74 V9.0 does not acknowledge the command pair. */
	if (rc == ERR_TIMEOUT && rom_quirk(rom, CHIP_QUIRK_GO_FIRST_ACK_MISSING)) {
		err_clear(e);
		rom->lost = false;
		rc = 0;
	}
	if (rc == 0)
		rc = rom_address(rom, addr, e);
	if (rc == 0) {
		rom->lost = true; /* the ROM is gone */
		rom->restarted = true;
	}
	return rc;
}

static int rom_reset(struct target *t, struct err *e)
{
	struct rom *rom = rom_of(t);
	int rc = entry_leave(t->link, &rom->opt.entry, e);

	rom->lost = true;
	rom->restarted = true;
	return rc;
}

static void rom_close(struct target *t)
{
	link_close(t->link);
	free(t);
}

/* ---- Special ---- */

/* Size, data, XOR, and its ACK. */
static int send_sized(
	struct rom *rom, const void *data, size_t len, const char *what, struct err *e)
{
	uint8_t packet[2 + ROM_EXTENDED_SPECIAL_MAX + 1];
	int rc;

	put_be16(packet, (uint16_t)len);
	if (len > 0)
		memcpy(&packet[2], data, len);
	packet[2 + len] = rom_xor(packet, 2 + len);
	rc = rom_send(rom, packet, len + 3, e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, 2 * ROM_ACK_MS, len + 4), what, e);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

static int read_sized(
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

static int special(struct rom *rom, enum rom_command code, uint16_t opcode, const void *data,
	size_t len, const void *more, size_t more_len, struct rom_special_reply *ret, struct err *e)
{
	const char *what = code == ROM_CMD_SPECIAL ? "special" : "extended special";
	uint8_t op[3] = {(uint8_t)(opcode >> 8), (uint8_t)opcode, 0};
	struct rom_special_reply r = {0};
	int rc;

	if (len > ROM_SPECIAL_MAX || more_len > ROM_EXTENDED_SPECIAL_MAX)
		return err_set(e, ERR_NO_FIT, "%s: too many bytes", what);
	op[2] = rom_xor(op, 2);
	rc = rom_begin(rom, code, what, e);
	if (rc < 0)
		return rc;
	rc = rom_send(rom, op, sizeof(op), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 4), what, e);
	if (rc == ERR_NACK)
		return rom_after_nack(rom, e);
	if (rc == 0)
		rc = send_sized(rom, data, len, what, e);
	if (rc == 0 && code == ROM_CMD_EXTENDED_SPECIAL)
		rc = send_sized(rom, more, more_len, what, e);
	if (rc == 0 && code == ROM_CMD_SPECIAL)
		rc = read_sized(rom, r.data, &r.data_len, what, e);
	if (rc == 0)
		rc = read_sized(rom, r.status, &r.status_len, what, e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), what, e);
	if (rc == ERR_NACK)
		return rom_after_nack(rom, e);
	if (rc == 0)
		*ret = r;
	return rc;
}

int rom_special(struct target *t, uint16_t opcode, const void *data, size_t len,
	struct rom_special_reply *ret, struct err *e)
{
	return special(rom_of(t), ROM_CMD_SPECIAL, opcode, data, len, NULL, 0, ret, e);
}

int rom_extended_special(struct target *t, uint16_t opcode, const void *data, size_t len,
	const void *more, size_t more_len, struct rom_special_reply *ret, struct err *e)
{
	return special(
		rom_of(t), ROM_CMD_EXTENDED_SPECIAL, opcode, data, len, more, more_len, ret, e);
}

static const struct target_ops rom_ops = {
	.name = "rom",
	.connect = rom_connect,
	.recover = rom_recover,
	.erase = rom_erase,
	.mass_erase = rom_mass_erase,
	.write = rom_write,
	.read = rom_read,
	.checksum = rom_checksum,
	.protect = rom_protect,
	.go = rom_go,
	.reset = rom_reset,
	.close = rom_close,
};

/* The same without a reset line: callers test for NULL. */
static const struct target_ops rom_ops_no_reset = {
	.name = "rom",
	.connect = rom_connect,
	.recover = rom_recover,
	.erase = rom_erase,
	.mass_erase = rom_mass_erase,
	.write = rom_write,
	.read = rom_read,
	.checksum = rom_checksum,
	.protect = rom_protect,
	.go = rom_go,
	.close = rom_close,
};

int rom_target_new(
	struct link *link, const struct rom_options *opt, struct target **ret, struct err *e)
{
	struct rom *rom = calloc(1, sizeof(*rom));

	if (rom == NULL) {
		link_close(link);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	rom->opt = *opt;
	/* A link without lines cannot be told to use them. */
	if ((link->caps & LINK_HAS_LINES) == 0 || link->ops->set_line == NULL)
		rom->opt.entry.use_lines = false;
	rom->filler = ROM_FILLER;
	rom->t.link = link;
	rom->t.write_max = WRITE_MAX;
	rom->t.ops = entry_can_reset(&rom->opt.entry) ? &rom_ops : &rom_ops_no_reset;
	*ret = &rom->t;
	return 0;
}
