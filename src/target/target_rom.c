/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_rom.c - the ROM bootloader as a memory target, over UART (AN3155) and I2C (AN4221)
 *
 * One function per command; erase is in rom_erase.c, Special in rom_special.c. Packets and status
 * bytes are in rom_exchange.c, and what differs between the two in rom_uart.c and rom_i2c.c.
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

#define READ_MIN 16u /* over I2C; shorter reads are refused by nobody */

/* ---- connect and recover ---- */

/* Get ID, once. */
static int get_id(struct rom *rom, uint16_t *ret, struct err *e)
{
	uint8_t id[256];
	size_t n = 0;
	int rc = rom_begin(rom, ROM_CMD_GET_ID, "get id", e);

	if (rc == 0)
		rc = rom->f->counted(rom, id, 2, &n, "get id", e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), "get id", e);
	if (rc < 0)
		return rc;
	if (n == 3 || n == 4) {
		err_set(e, ERR_UNSUPPORTED, "the device answers Get ID as STM32WB0 and WL3 do");
		err_hint(e, "their bootloader is not supported yet");
		return ERR_UNSUPPORTED;
	}
	if (n != 2 || id[0] > 0x0F)
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
			if (ret->chip == NULL)
				ret->chip = rom->opt.assume;
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

/* How much one Read and one Write carry: what ROM and adapter bear. */
static void choose_chunks(struct rom *rom)
{
	rom->read_chunk = ROM_READ_MAX;
	rom->write_chunk = rom_quirk(rom, CHIP_QUIRK_WRITE_128) ? 128 : ROM_WRITE_MAX;
	if (rom->f->no_stretch && rom_quirk(rom, CHIP_QUIRK_I2C_WRITE_64))
		rom->write_chunk = 64;
	rom_fit_chunks(rom);
	rom->t.write_max = rom->write_chunk;
}

static int rom_connect(struct target *t, struct target_info *ret, struct err *e)
{
	struct rom *rom = rom_of(t);
	struct target_info info = {0};
	int rc;

	rom->identified = false;
	rom->restarted = false;
	rc = rom->f->reach(rom, e);
	if (rc < 0)
		return rc;
	rc = identify(rom, &info, e);
	/* Synced by a stray byte, or out of step: line up once. */
	if (rc == ERR_TIMEOUT || rc == ERR_PROTOCOL || rc == ERR_NACK) {
		log_debug("%s: %s; lining up", t->link->name, e != NULL ? e->msg : "");
		rc = rom->f->realign(rom, e);
		if (rc == 0)
			rc = identify(rom, &info, e);
	}
	if (rc < 0)
		return rc;
	snprintf(info.transport, sizeof(info.transport), "%s", rom->f->transport);
	t->info = info;
	rom->identified = true;
	rom->read_since_write = true; /* of an earlier session, perhaps */
	choose_chunks(rom);
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
	if (rc == 0)
		rc = rom->f->realign(rom, e);
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
	rom->read_since_write = true;
	rom->length_refused = false;
	rc = rom_packet(rom, packet, sizeof(packet), ROM_ACK_MS, what, e);
	if (rc == 0)
		return rom_reply(rom, buf, len, what, e);
	rom->length_refused = rc == ERR_NACK;
	return rc;
}

/*
 * Some ROMs give size register and unique id only within a larger block: 128 bytes on L0, 256 on
 * F4, both aligned to their size.
 */
static int read_whole_block(
	struct rom *rom, uint32_t addr, uint8_t *buf, uint32_t len, struct err *e)
{
	uint32_t size = rom->t.info.chip->erased_value == 0x00 ? 128 : ROM_READ_MAX;
	uint32_t base = addr & ~(size - 1);
	uint8_t block[ROM_READ_MAX];
	int rc;

	if (addr - base + len > size || size > rom->read_chunk)
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

/*
 * Over I2C some ROMs refuse long reads: then it is tried with half as many bytes, down to 16, and
 * what worked is kept. `n`: wanted, then read.
 */
static int read_some(struct rom *rom, uint32_t addr, uint8_t *buf, uint32_t *n, struct err *e)
{
	uint32_t was = rom->read_chunk;
	int rc = read_once(rom, addr, buf, *n, e);

	while (rc == ERR_NACK && rom->length_refused && rom->f->no_stretch && *n > READ_MIN) {
		*n = *n > 2 * READ_MIN ? *n / 2 : READ_MIN;
		rom->read_chunk = *n;
		log_debug("%s: trying to read %" PRIu32 " bytes at once", rom->t.link->name, *n);
		err_clear(e);
		rc = read_once(rom, addr, buf, *n, e);
	}
	/* That was not the reason. */
	if (rc == ERR_NACK)
		rom->read_chunk = was;
	return rc;
}

static int rom_read(struct target *t, uint32_t addr, void *buf, uint32_t len, struct err *e)
{
	struct rom *rom = rom_of(t);
	uint8_t *p = buf;

	/* A read that runs past the end of a memory is not refused: callers clip. */
	while (len > 0) {
		uint32_t n = len < rom->read_chunk ? len : rom->read_chunk;
		int rc = signals_check(e);

		if (rc == 0 && wants_whole_block(rom, addr, n))
			rc = read_whole_block(rom, addr, p, n, e);
		else if (rc == 0)
			rc = read_some(rom, addr, p, &n, e);
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
	uint8_t packet[1 + ROM_WRITE_MAX + 1];
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
	rom->f->data_failed(rom, len, rc);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

static bool in_options(const struct chip *c, uint32_t addr)
{
	for (size_t i = 0; i < c->options.n_areas; i++)
		if (span_contains(c->options.areas[i], (struct span){addr, 1}))
			return true;
	return false;
}

/* H72x/H73x: the first 32 bytes after a read are acknowledged and lost, so they go twice. */
static int write_piece(struct rom *rom, uint32_t addr, const uint8_t *buf, uint32_t len,
	bool in_flash, struct err *e)
{
	int rc = 0;

	if (in_flash && rom->read_since_write && len >= 32 &&
		rom_quirk(rom, CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32))
		rc = write_once(rom, addr, buf, 32, e);
	if (rc == 0)
		rc = write_once(rom, addr, buf, len, e);
	if (rc < 0)
		err_at(e, addr);
	return rc;
}

static int rom_write(struct target *t, uint32_t addr, const void *buf, uint32_t len, struct err *e)
{
	struct rom *rom = rom_of(t);
	const struct chip *c = t->info.chip;
	uint32_t align = c != NULL ? chip_word_min(c) : 4;
	bool in_flash =
		c != NULL && addr >= c->flash_base && addr - c->flash_base < c->flash_size_max;
	bool options = c != NULL && in_options(c, addr);
	const uint8_t *p = buf;
	int rc = 0;

	if (!in_flash)
		align = 4;
	if (len == 0 || len > ROM_WRITE_MAX || len > t->write_max || addr % align != 0 ||
		len % align != 0) {
		err_set(e, ERR_NO_FIT,
			"write of %" PRIu32 " bytes: not made of whole words of %" PRIu32 " bytes",
			len, align);
		err_at(e, addr);
		return ERR_NO_FIT;
	}
	/* Option bytes are written in one piece: a part of them would be put into force. */
	if (rom->write_chunk < align || (options && rom->write_chunk < len))
		return err_set(e, ERR_UNSUPPORTED,
			"%s carries %" PRIu32 " bytes at once, and this write needs %" PRIu32,
			t->link->name, rom->write_chunk, options ? len : align);
	while (rc == 0 && len > 0) {
		uint32_t n = len < rom->write_chunk ? len : rom->write_chunk;

		rc = write_piece(rom, addr, p, n, in_flash, e);
		addr += n;
		p += n;
		len -= n;
	}
	/* The device reloads its option bytes and resets itself, also where its ACK was lost. */
	if (options) {
		rom->lost = true;
		rom->restarted = true;
	}
	return rc;
}

/* ---- checksum ---- */

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
		rc = rom->f->checksum(rom, range.len, &crc, e);
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
	ms = 2 * ROM_ACK_MS;
	/* Polled, it may be done before its ACK. */
	if (what == TARGET_READ_UNPROTECT && rom_is_polled(rom, protections[i].code))
		ms += ROM_MASS_MS;
	rc = rom_begin(rom, protections[i].code, protections[i].name, e);
	if (rc == ERR_NACK && what != TARGET_READ_PROTECT && what != TARGET_READ_UNPROTECT)
		return rom_refused(rom, protections[i].name, e);
	if (rc == 0 && what == TARGET_WRITE_PROTECT)
		rc = rom->f->sectors(rom, sectors, n, e);
	if (rc == 0) {
		rc = rom_ack(rom, rom_wait(rom, ms, 258), protections[i].name, e);
		if (rc == ERR_NACK)
			return rom_after_nack(rom, e);
	}
	if (rc < 0)
		return rc;
	rom->lost = true; /* it resets itself: connect() or recover() comes next */
	rom->restarted = true;
	ms = rom->opt.entry.boot_ms;
	if (what == TARGET_READ_UNPROTECT) {
		rom_note(rom, "the device erases its whole flash");
		ms += t->info.chip != NULL
			      ? chip_mass_erase_ms_max(t->info.chip, t->info.chip->flash_size_max)
			      : ROM_MASS_MS;
	}
	return rom_sleep(rom, ms, e);
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
	/* Over I2C the status is fetched, and whoever jumps does not hand it out any more. */
	if (rc == ERR_TIMEOUT && rom->f->no_stretch) {
		log_info("%s: go was sent, but the device did not say that it goes", t->link->name);
		err_clear(e);
		rc = 0;
	}
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
	if (entry_uses_modem_lines(&rom->opt.entry) &&
		((link->caps & LINK_HAS_LINES) == 0 || link->ops->set_line == NULL))
		rom->opt.entry.use_lines = false;
	rom->f = (link->caps & LINK_FRAMED) != 0 ? &rom_framing_i2c : &rom_framing_uart;
	rom->filler = ROM_FILLER;
	rom->read_chunk = ROM_READ_MAX;
	rom->write_chunk = ROM_WRITE_MAX;
	rom->t.link = link;
	rom->t.write_max = ROM_WRITE_MAX;
	rom->t.ops = entry_can_reset(&rom->opt.entry) ? &rom_ops : &rom_ops_no_reset;
	*ret = &rom->t;
	return 0;
}
