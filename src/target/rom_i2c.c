/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_i2c.c - the ROM bootloader as transactions on a bus (AN4221), and how to get back in step
 *
 * Every message must have the length that the device expects: a wrong one is stretched until the
 * device gives up and resets itself, which takes 10 ms to 2.2 s depending on the chip (AN2606).
 * That is also the way back: whoever is out of step stays silent for longer than that and starts
 * again. A device that is busy does not know its address, or says 76.
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

#define START_MS    3000 /* parts that look for a crystal first take as long after a reset */
#define GET_MIN     3    /* N, version, the command itself */
#define GET_MAX     64
#define CHUNK_MIN   64 /* below this no ROM or adapter was seen to need it */
#define NO_ACK_MS   500
#define BLANK_PIECE 256u

/* ---- transactions ---- */

/*
 * The first bytes of a packet may have arrived before the message broke: whoever sends it again
 * then has the device read a mixture. True if its XOR refuses every such mixture.
 */
static bool may_repeat(const uint8_t *p, size_t len)
{
	for (size_t k = 1; k < len; k++) {
		uint8_t x = 0;
		bool same = true;

		for (size_t i = 0; i < len; i++) {
			uint8_t byte = i < k ? p[i] : p[i - k];

			same = same && byte == p[i];
			/* A command pair: the second byte is the complement of the first. */
			x ^= len == 2 && i == 0 ? (uint8_t)~byte : byte;
		}
		if (x == 0 && !same)
			return false;
	}
	return true;
}

static int i2c_send(struct rom *rom, const uint8_t *packet, size_t len, struct err *e)
{
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + ROM_ADDR_MS;
	bool repeat = may_repeat(packet, len);

	for (;;) {
		int rc = l->ops->write(l, packet, len, e);

		if (rc != ERR_TIMEOUT && (rc != ERR_NACK || !repeat))
			return rc == ERR_NACK
				       ? err_set(e, ERR_PROTOCOL, "%s", e != NULL ? e->msg : "")
				       : rc;
		if (clock_now_ms(l->clock) >= until_ms)
			return err_set(e, ERR_TIMEOUT, "%s: no answer", l->name);
		rc = rom_sleep(rom, ROM_POLL_MS, e);
		if (rc < 0)
			return rc;
	}
}

/* Worth another look: the address is not known just now, or the adapter lost its patience. */
static bool is_busy(int rc)
{
	return rc == ERR_TIMEOUT || rc == ERR_NACK || rc == ERR_PROTOCOL;
}

static int i2c_status(struct rom *rom, uint32_t timeout_ms, uint8_t *ret, struct err *e)
{
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + timeout_ms;

	for (;;) {
		int rc = l->ops->read(l, ret, 1, timeout_ms, e);

		if (rc < 0 && !is_busy(rc))
			return rc;
		if (rc == 0 && *ret != ROM_BUSY)
			return 0;
		if (clock_now_ms(l->clock) >= until_ms)
			return rc == 0 ? err_set(e, ERR_PROTOCOL, "the device stays busy")
				       : ERR_TIMEOUT;
		rc = rom_sleep(rom, ROM_POLL_MS, e);
		if (rc < 0)
			return rc;
	}
}

/* Data is handed out once: only a message that did not begin is tried again. */
static int i2c_reply(struct rom *rom, uint8_t *buf, size_t len, struct err *e)
{
	struct link *l = rom->t.link;
	uint32_t timeout_ms = rom_wait(rom, 500, len);
	uint64_t until_ms = clock_now_ms(l->clock) + timeout_ms;

	for (;;) {
		int rc = l->ops->read(l, buf, len, timeout_ms, e);

		if (rc == ERR_NACK)
			return err_set(e, ERR_PROTOCOL, "%s: the answer broke off", l->name);
		if (rc != ERR_TIMEOUT || clock_now_ms(l->clock) >= until_ms)
			return rc;
		rc = rom_sleep(rom, ROM_POLL_MS, e);
		if (rc < 0)
			return rc;
	}
}

static int i2c_after_nack(struct rom *rom, struct err *e)
{
	(void)rom;
	(void)e;
	return 0;
}

/* ---- reaching the device ---- */

static int nobody_there(const struct rom *rom, struct err *e)
{
	err_set(e, ERR_TIMEOUT, "no bootloader answers");
	if (entry_can_enter(&rom->opt.entry))
		err_hint(e,
			"check the address, SDA, SCL and pull-ups (1.8 kOhm); older bootloaders of some "
			"chips have no I2C; a plugged USB cable comes first");
	else
		err_hint(e,
			"set BOOT0 and reset the board; check the address, SDA, SCL and pull-ups; older "
			"bootloaders of some chips have no I2C");
	return ERR_TIMEOUT;
}

/*
 * A surplus byte of a broken packet stays in the device's register and begins the next command, so
 * that each pair is refused and leaves a byte behind in its turn: no time-out ever ends that. One
 * byte alone makes a pair of it. Behind FE, the rest of Get Version, FF is no command.
 */
static int shift_by_one(struct rom *rom, struct err *e)
{
	static const uint8_t one = 0xFF;
	uint8_t st;
	int rc = rom_send(rom, &one, 1, e);

	if (rc == 0)
		rc = i2c_status(rom, rom_wait(rom, ROM_ACK_MS, 2), &st, e);
	if (rc < 0)
		return rc;
	log_debug("%s: shifted by one byte, answered 0x%02X", rom->t.link->name, st);
	return rom_version(rom, &rom->version, e);
}

/* A command boundary, seen by Get Version; the address may be unknown for `start_ms`. */
static int await_version(struct rom *rom, uint32_t start_ms, struct err *e)
{
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + start_ms;
	int rc;

	do {
		/* Each try waits for ROM_ADDR_MS itself. */
		rc = rom_version(rom, &rom->version, e);
		if (rc == ERR_NACK)
			rc = shift_by_one(rom, e);
		if (rc == 0)
			rom->lost = false;
	} while (rc == ERR_TIMEOUT && clock_now_ms(l->clock) < until_ms);
	return rc;
}

static int by_lines(struct rom *rom, struct err *e)
{
	int rc = entry_enter(rom->t.link, &rom->opt.entry, e);

	return rc < 0 ? rc : await_version(rom, START_MS, e);
}

/* Longer than the device waits for the rest of a command; then it starts its bootloader again. */
static int silence(struct rom *rom, struct err *e)
{
	int rc = rom_sleep(rom, ROM_SILENCE_MS, e);

	return rc < 0 ? rc : await_version(rom, 0, e);
}

static int i2c_reach(struct rom *rom, struct err *e)
{
	int rc;

	rom->get_len = 0;
	rc = entry_can_enter(&rom->opt.entry) ? by_lines(rom, e) : await_version(rom, 0, e);
	if (is_busy(rc) && !rom->opt.no_resync) {
		/* Inside a command of a session that died, or on its way through a reset. */
		rom_note(rom, "no answer yet; the device may be inside a broken command: waiting");
		err_clear(e);
		rc = silence(rom, e);
	}
	return is_busy(rc) ? nobody_there(rom, e) : rc;
}

static int i2c_realign(struct rom *rom, struct err *e)
{
	int rc;

	if (entry_can_enter(&rom->opt.entry))
		rc = by_lines(rom, e);
	else if (rom->restarted)
		rc = await_version(rom, START_MS, e);
	else
		rc = silence(rom, e);
	return rc == ERR_TIMEOUT ? nobody_there(rom, e) : rc;
}

/* ---- Get ---- */

/*
 * The length of the answer stands inside it, and it must be read with the right one. The version
 * gives a first guess; where it is wrong, N says the right length for the next try.
 */
static uint8_t get_length(const struct rom *rom)
{
	static const struct {
		uint8_t version, len;
	} usual[] = {{0x10, 13}, {0x11, 19}, {0x12, 20}, {0x20, 17}};

	if (rom->get_len != 0)
		return rom->get_len;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (usual[i].version == rom->version)
			return usual[i].len;
	return usual[ARRAY_LEN(usual) - 1].len;
}

static int get_once(struct rom *rom, uint8_t *list, size_t len, struct err *e)
{
	static const uint8_t pair[2] = {ROM_CMD_GET, 0xFF};
	int rc = rom_packet(rom, pair, sizeof(pair), ROM_ACK_MS, "get", e);

	if (rc == 0)
		rc = rom_reply(rom, list, len, "get", e);
	if (rc < 0)
		return rc;
	if ((size_t)list[0] + 2 != len)
		return rom_lose(rom, err_set(e, ERR_PROTOCOL, "get: %u commands instead of %zu",
					     list[0], len - 2));
	return rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), "get", e);
}

static int i2c_get(struct rom *rom, struct target_info *ret, struct err *e)
{
	uint8_t list[GET_MAX] = {0};
	size_t len = get_length(rom);
	int rc = get_once(rom, list, len, e);

	/* Another length, or a garbled N: the device is out of step, and resets itself. */
	if (rc == ERR_PROTOCOL && list[0] + 2 >= GET_MIN && list[0] + 2 <= GET_MAX &&
		(size_t)list[0] + 2 != len) {
		log_debug("%s: the list of commands has %u bytes, not %zu", rom->t.link->name,
			list[0] + 2u, len);
		err_clear(e);
		len = (size_t)list[0] + 2;
		rc = i2c_realign(rom, e);
		if (rc == 0)
			rc = get_once(rom, list, len, e);
	}
	if (rc < 0)
		return rc;
	rom->get_len = (uint8_t)len;
	memset(ret->commands, 0, sizeof(ret->commands));
	ret->protocol = list[1];
	for (size_t i = 2; i < len; i++)
		ret->commands[list[i]] = 1;
	if (!ret->commands[ROM_CMD_GET])
		return rom_lose(
			rom, err_set(e, ERR_PROTOCOL, "get: the list of commands is damaged"));
	return 0;
}

/* ---- packets that have another form over UART ---- */

static int i2c_counted(
	struct rom *rom, uint8_t *buf, size_t want, size_t *ret_n, const char *what, struct err *e)
{
	uint8_t all[1 + 256];
	int rc = rom_reply(rom, all, want + 1, what, e);

	if (rc < 0)
		return rc;
	if ((size_t)all[0] + 1 != want)
		return rom_lose(
			rom, err_set(e, ERR_PROTOCOL, "%s: an answer of %u bytes instead of %zu",
				     what, all[0] + 1u, want));
	memcpy(buf, &all[1], want);
	*ret_n = want;
	return 0;
}

static int i2c_sized(struct rom *rom, uint8_t *buf, size_t *len, const char *what, struct err *e)
{
	uint8_t all[2 + ROM_SPECIAL_MAX];
	int rc;

	if (*len > ROM_SPECIAL_MAX)
		return rom_lose(rom, err_set(e, ERR_NO_FIT, "%s: too many bytes", what));
	rc = rom_reply(rom, all, 2 + *len, what, e);
	if (rc < 0)
		return rc;
	if (get_be16(all) != *len)
		return rom_lose(
			rom, err_set(e, ERR_PROTOCOL, "%s: an answer of %u bytes instead of %zu",
				     what, get_be16(all), *len));
	memcpy(buf, &all[2], *len);
	return 0;
}

/* ---- erase ---- */

/* One unit, without its last status byte. */
static int erase_begin(struct rom *rom, enum rom_command code, const struct erase_unit *u,
	const char *what, struct err *e)
{
	static const uint8_t one[3] = {0, 0, 0}; /* how many, less one, and its XOR */
	uint8_t number[3] = {(uint8_t)(u->number >> 8), (uint8_t)u->number, 0};
	int rc = rom_begin(rom, code, what, e);

	if (rc == ERR_NACK)
		return rom_refused(rom, what, e);
	if (rc == 0)
		rc = rom_packet(rom, one, sizeof(one), ROM_ACK_MS, what, e);
	number[2] = rom_xor(number, 2);
	if (rc == 0)
		rc = rom_send(rom, number, sizeof(number), e);
	if (rc == 0)
		rc = rom_let_work(rom, code, rom_unit_ms_typical(rom, u->size), e);
	return rc;
}

/* True if every byte can be read and is blank; false also if it cannot be read. */
static bool is_blank(struct rom *rom, struct span s)
{
	const struct chip *c = rom->t.info.chip;
	uint8_t now[BLANK_PIECE];

	for (uint32_t at = 0; at < s.len; at += BLANK_PIECE) {
		uint32_t n = s.len - at < BLANK_PIECE ? s.len - at : BLANK_PIECE;

		if (rom->t.ops->read(&rom->t, s.addr + at, now, n, NULL) < 0 ||
			!bytes_all(now, n, c != NULL ? c->erased_value : 0xFF))
			return false;
	}
	return true;
}

/*
 * The erase was sent, but the device did not say that it is done. Seen on L432: it never does, or
 * says 1F, and the unit is erased all the same; and where the device holds the clock meanwhile, the
 * adapter may give up. So the flash itself is asked.
 */
static int i2c_erase_in_doubt(
	struct rom *rom, struct span erased, uint32_t ms_max, int rc, struct err *e)
{
	struct link *l = rom->t.link;
	uint64_t until_ms = clock_now_ms(l->clock) + ms_max;
	struct err why = ERR_INIT;
	int back = 0;

	if (!is_busy(rc))
		return rc;
	if (rom->lost)
		do
			back = i2c_realign(rom, &why);
		while (is_busy(back) && clock_now_ms(l->clock) < until_ms);
	if (back < 0 || !is_blank(rom, erased))
		return rc;
	log_debug("0x%08" PRIX32 " is blank although its erase was not acknowledged", erased.addr);
	err_clear(e);
	return 0;
}

/*
 * One unit per command: what the XOR of several is made of differs between ROMs, and for one all
 * readings agree. Damage cannot make it another unit: every single bit counts in the XOR.
 */
static int i2c_erase_some(struct rom *rom, enum rom_command code, const struct erase_unit *units,
	size_t n, unsigned last_number, size_t *ret_n, struct err *e)
{
	uint32_t ms_max = rom_unit_ms_max(rom, units[0].size), wait_ms = ROM_ACK_MS + ms_max;
	char what[48];
	int rc;

	(void)n;
	(void)last_number;
	snprintf(what, sizeof(what), "erase at 0x%08" PRIX32, units[0].addr);
	rc = erase_begin(rom, code, &units[0], what, e);
	if (rc < 0)
		goto out;
	if (rom_quirk(rom, CHIP_QUIRK_I2C_ERASE_NO_LAST_ACK))
		wait_ms = NO_ACK_MS + 4 * rom_unit_ms_typical(rom, units[0].size);
	rc = rom_ack(rom, rom_wait(rom, wait_ms, 4), what, e);
	if (rc == ERR_NACK)
		rc = rom_after_nack(rom, e);
	if (rc < 0)
		rc = i2c_erase_in_doubt(rom, (struct span){units[0].addr, units[0].size}, 0, rc, e);
	if (rc == 0)
		rc = rom_after_erase(rom, units, 1, ms_max, e);
out:
	if (rc < 0)
		return err_at(e, units[0].addr);
	*ret_n = 1;
	return 0;
}

/* ---- protection, checksum, adapting ---- */

/* Count and complement, then the sectors with an XOR of their own (OpenBL). */
static int i2c_sectors(struct rom *rom, const uint8_t *sectors, size_t n, struct err *e)
{
	uint8_t count[2] = {(uint8_t)(n - 1), (uint8_t) ~(n - 1)}, packet[256 + 1];
	int rc = rom_packet(rom, count, sizeof(count), ROM_ACK_MS, "write protect", e);

	if (rc < 0)
		return rc;
	memcpy(packet, sectors, n);
	packet[n] = rom_xor(packet, n);
	return rom_send(rom, packet, n + 1, e);
}

/* Size in bytes; BUSY while the device calculates; then the CRC and an XOR of its bytes. */
static int i2c_checksum(struct rom *rom, uint32_t len, uint32_t *ret, struct err *e)
{
	uint8_t r[5];
	int rc = rom_word(rom, len, "checksum size", e);

	if (rc == 0 && !rom->checksum_one_ack) {
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS + len / 1000, 1), "checksum", e);
		/* Not confirmed: a ROM may hand out the CRC right away. That is the next try. */
		rom->checksum_one_ack = rc == ERR_PROTOCOL || rc == ERR_NACK;
		if (rc == ERR_NACK)
			rc = rom_lose(rom, ERR_PROTOCOL);
	}
	if (rc == 0)
		rc = rom_reply(rom, r, sizeof(r), "checksum", e);
	if (rc < 0)
		return rc;
	if (rom_xor(r, sizeof(r)) != 0)
		return rom_lose(rom, err_set(e, ERR_PROTOCOL, "checksum: the answer is damaged"));
	*ret = get_be32(r);
	return 0;
}

/* Long frames fail on some adapters and ROMs. */
static void i2c_data_failed(struct rom *rom, size_t len, int rc)
{
	if (!is_busy(rc) || len <= CHUNK_MIN || rom->write_chunk <= CHUNK_MIN)
		return;
	rom->write_chunk /= 2;
	log_info("%s: a write of %zu bytes failed; %" PRIu32 " at once from now on",
		rom->t.link->name, len, rom->write_chunk);
}

const struct rom_framing rom_framing_i2c = {
	.transport = "i2c",
	.byte_bits = 9,
	.version_len = 1,
	.no_stretch = true,
	.reach = i2c_reach,
	.realign = i2c_realign,
	.send = i2c_send,
	.status = i2c_status,
	.reply = i2c_reply,
	.after_nack = i2c_after_nack,
	.get = i2c_get,
	.counted = i2c_counted,
	.sized = i2c_sized,
	.erase_some = i2c_erase_some,
	.erase_in_doubt = i2c_erase_in_doubt,
	.sectors = i2c_sectors,
	.checksum = i2c_checksum,
	.data_failed = i2c_data_failed,
};
