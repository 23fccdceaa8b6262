/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_exchange.c - packets and status bytes of the ROM bootloader, whatever carries them
 *
 * A half-sent command waits, over UART for ever, and any byte may complete it. So whatever goes
 * wrong here marks the driver as lost, and nothing is sent then except what lines it up again.
 */
#include "rom_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/signals.h>

uint32_t rom_wait(const struct rom *rom, uint32_t base_ms, size_t bytes)
{
	const struct link *l = rom->t.link;
	uint32_t hz = l->bus_hz != 0 ? l->bus_hz : l->baud;
	uint64_t ms = base_ms + 2u * (uint64_t)l->latency_ms + 50;

	/* Twice what the wire needs, for adapters that buffer. */
	if (hz != 0)
		ms += (uint64_t)bytes * rom->f->byte_bits * 2 * 1000 / hz;
	return (uint32_t)ms;
}

uint8_t rom_xor(const uint8_t *p, size_t len)
{
	uint8_t x = 0;

	for (size_t i = 0; i < len; i++)
		x ^= p[i];
	return x;
}

int rom_lose(struct rom *rom, int rc)
{
	rom->lost = true;
	return rc;
}

void rom_note(const struct rom *rom, const char *text)
{
	struct event ev = {.type = EVENT_NOTE, .phase = "connect", .text = text};

	event_emit(rom->opt.events, &ev);
}

int rom_sleep(const struct rom *rom, uint32_t ms, struct err *e)
{
	while (ms > 0) {
		uint32_t step = ms < 100 ? ms : 100;
		int rc = signals_check(e);

		if (rc < 0)
			return rc;
		clock_sleep_ms(rom->t.link->clock, step);
		ms -= step;
	}
	return 0;
}

void rom_fit_chunks(struct rom *rom)
{
	uint32_t frame = rom->t.link->max_frame;

	while (frame != 0 && rom->read_chunk > 4 && rom->read_chunk > frame)
		rom->read_chunk /= 2;
	/* Count and XOR travel in the same message as the data. */
	while (frame != 0 && rom->write_chunk > 4 && rom->write_chunk + 2 > frame)
		rom->write_chunk /= 2;
}

/* The adapter takes less than was thought: the command is lost, the next ones are shorter. */
static int frame_too_long(struct rom *rom, struct err *e)
{
	rom_fit_chunks(rom);
	log_info("%s takes %" PRIu32 " bytes at once", rom->t.link->name, rom->t.link->max_frame);
	return err_set(e, ERR_PROTOCOL, "%s", e != NULL ? e->msg : "the message is too long");
}

int rom_send(struct rom *rom, const void *buf, size_t len, struct err *e)
{
	struct link *l = rom->t.link;
	/* A doubled status byte would be taken for the answer to this packet. */
	int rc = l->ops->flush(l, e);

	if (rc == 0)
		rc = rom->f->send(rom, buf, len, e);
	if (rc == ERR_NO_FIT)
		rc = frame_too_long(rom, e);
	return rc < 0 ? rom_lose(rom, rc) : 0;
}

int rom_ack(struct rom *rom, uint32_t timeout_ms, const char *what, struct err *e)
{
	uint8_t st = 0;
	int rc = rom->f->status(rom, timeout_ms, &st, e);

	if (rc == ERR_TIMEOUT)
		return rom_lose(rom, err_set(e, ERR_TIMEOUT, "%s: no answer", what));
	if (rc == ERR_PROTOCOL)
		return rom_lose(rom, err_wrap(e, "%s", what));
	if (rc < 0)
		return rom_lose(rom, rc);
	if (st == ROM_ACK)
		return 0;
	if (st == ROM_NACK)
		return err_set(e, ERR_NACK, "%s: refused by the device", what);
	return rom_lose(
		rom, err_set(e, ERR_PROTOCOL, "%s: answered 0x%02X instead of ACK", what, st));
}

int rom_packet(struct rom *rom, const void *buf, size_t len, uint32_t timeout_ms, const char *what,
	struct err *e)
{
	int rc = rom_send(rom, buf, len, e);

	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, timeout_ms, len + 1), what, e);
	return rc == ERR_NACK ? rom_after_nack(rom, e) : rc;
}

int rom_reply(struct rom *rom, void *buf, size_t len, const char *what, struct err *e)
{
	int rc = rom->f->reply(rom, buf, len, e);

	if (rc == ERR_TIMEOUT)
		rc = err_set(e, ERR_TIMEOUT, "%s: the answer broke off", what);
	if (rc == ERR_NO_FIT)
		rc = frame_too_long(rom, e);
	return rc < 0 ? rom_lose(rom, rc) : 0;
}

int rom_version(struct rom *rom, uint8_t *ret, struct err *e)
{
	static const uint8_t pair[2] = {ROM_CMD_GET_VERSION, 0xFF ^ ROM_CMD_GET_VERSION};
	uint8_t reply[3] = {0};
	int rc;

	rc = rom_send(rom, pair, sizeof(pair), e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 3), "get version", e);
	if (rc == 0)
		rc = rom_reply(rom, reply, rom->f->version_len, "get version", e);
	if (rc == 0)
		rc = rom_ack(rom, rom_wait(rom, ROM_ACK_MS, 1), "get version", e);
	if (rc < 0)
		return rom_lose(rom, rc);
	if (ret != NULL)
		*ret = reply[0];
	return 0;
}

int rom_after_nack(struct rom *rom, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	rc = rom->f->after_nack(rom, &why);
	if (rc == 0)
		rc = rom_version(rom, NULL, &why);
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

/* Commands that take time have a form that is polled instead of holding the bus (AN4221). */
static bool has_no_stretch(enum rom_command code)
{
	static const enum rom_command codes[] = {ROM_CMD_WRITE, ROM_CMD_EXTENDED_ERASE,
		ROM_CMD_WRITE_PROTECT, ROM_CMD_WRITE_UNPROTECT, ROM_CMD_READ_PROTECT,
		ROM_CMD_READ_UNPROTECT};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

bool rom_is_polled(const struct rom *rom, enum rom_command code)
{
	return rom->f->no_stretch && has_no_stretch(code) &&
	       rom->t.info.commands[ROM_NO_STRETCH(code)] != 0;
}

bool rom_lists(const struct rom *rom, enum rom_command code)
{
	return rom->t.info.commands[code] != 0 || rom_is_polled(rom, code);
}

int rom_let_work(const struct rom *rom, enum rom_command code, uint32_t ms, struct err *e)
{
	bool holds = !rom_is_polled(rom, code) ||
		     (code == ROM_CMD_EXTENDED_ERASE &&
			     rom_quirk(rom, CHIP_QUIRK_I2C_NO_STRETCH_STRETCHES));

	return rom->f->no_stretch && holds ? rom_sleep(rom, ms, e) : 0;
}

/* WB takes 0x73 on I2C for Readout Unprotect, which is a mass erase; 0x74 does what it should. */
static bool erases_by_unprotecting(const struct rom *rom, enum rom_command code)
{
	return rom->f->no_stretch && code == ROM_CMD_WRITE_UNPROTECT &&
	       (rom->t.info.chip == NULL || rom_quirk(rom, CHIP_QUIRK_I2C_WRITE_UNPROTECT_ERASES));
}

int rom_begin(struct rom *rom, enum rom_command code, const char *what, struct err *e)
{
	int rc;

	if (rom->lost)
		return err_set(e, ERR_PROTOCOL, "%s: the conversation is out of step", what);
	if (rom->identified && !rom_lists(rom, code)) {
		err_set(e, ERR_UNSUPPORTED, "%s: this bootloader has no command 0x%02X", what,
			code);
		return ERR_UNSUPPORTED;
	}
	if (rom_is_polled(rom, code))
		code = ROM_NO_STRETCH(code);
	else if (erases_by_unprotecting(rom, code))
		return err_set(e, ERR_UNSUPPORTED,
			"%s: over I2C command 0x73 erases everything on some chips, perhaps on this one",
			what);
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

	put_be32(packet, value);
	packet[4] = rom_xor(packet, 4);
	return rom_packet(rom, packet, sizeof(packet), ROM_ACK_MS, what, e);
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

int rom_get(struct rom *rom, struct target_info *ret, struct err *e)
{
	struct target_info first = *ret, second = *ret;
	int rc;

	for (int pairs = 0; pairs < TARGET_READ_PAIRS; pairs++) {
		rc = rom->f->get(rom, &first, e);
		if (rc == 0)
			rc = rom->f->get(rom, &second, e);
		if (rc == ERR_NACK)
			return rom_lose(rom, rc);
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
