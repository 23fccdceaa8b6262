/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_special.c - Special and Extended Special: commands of single chips, with data both ways
 */
#include "rom_priv.h"

#include <string.h>

/* Size, data, XOR, and its ACK. */
static int send_sized(
	struct rom *rom, const void *data, size_t len, const char *what, struct err *e)
{
	uint8_t packet[2 + ROM_EXTENDED_SPECIAL_MAX + 1];

	put_be16(packet, (uint16_t)len);
	if (len > 0)
		memcpy(&packet[2], data, len);
	packet[2 + len] = rom_xor(packet, 2 + len);
	return rom_packet(rom, packet, len + 3, 2 * ROM_ACK_MS, what, e);
}

static int special(struct rom *rom, enum rom_command code, uint16_t opcode, const void *data,
	size_t len, const void *more, size_t more_len, struct rom_special_reply *ret, struct err *e)
{
	const char *what = code == ROM_CMD_SPECIAL ? "special" : "extended special";
	uint8_t op[3] = {(uint8_t)(opcode >> 8), (uint8_t)opcode, 0};
	struct rom_special_reply r = {.status_len = ret->status_len};
	int rc;

	if (len > ROM_SPECIAL_MAX || more_len > ROM_EXTENDED_SPECIAL_MAX)
		return err_set(e, ERR_NO_FIT, "%s: too many bytes", what);
	if (code == ROM_CMD_SPECIAL)
		r.data_len = ret->data_len;
	op[2] = rom_xor(op, 2);
	rc = rom_begin(rom, code, what, e);
	if (rc < 0)
		return rc;
	rc = rom_packet(rom, op, sizeof(op), ROM_ACK_MS, what, e);
	if (rc == 0)
		rc = send_sized(rom, data, len, what, e);
	if (rc == 0 && code == ROM_CMD_EXTENDED_SPECIAL)
		rc = send_sized(rom, more, more_len, what, e);
	if (rc == 0 && code == ROM_CMD_SPECIAL)
		rc = rom->f->sized(rom, r.data, &r.data_len, what, e);
	if (rc == 0)
		rc = rom->f->sized(rom, r.status, &r.status_len, what, e);
	if (rc < 0)
		return rc;
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
