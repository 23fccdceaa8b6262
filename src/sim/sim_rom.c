/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom.c - the ROM bootloader: packets, the command pair, identity, reads, Go
 *
 * AN3155 and AN4221, and where real ROMs differ from them the quirks of this chip.
 */
#include <string.h>

#include "sim_rom.h"

/* What a command may be used for under read-out protection, and on which ROMs it exists. */
enum permit { ALWAYS, OPEN_ONLY, OPEN_OR_LEVEL_1 };

static void rom_get(struct sim_board *b);
static void rom_get_version(struct sim_board *b);
#define UNKNOWN_PID 0x7FD /* no part has it, and no table */

static void rom_get_id(struct sim_board *b);
static void rom_read(struct sim_board *b);
static void rom_go(struct sim_board *b);

static const struct rom_command {
	uint8_t code;
	enum permit permit;
	rom_step run;
} commands[] = {
	{0x00, ALWAYS, rom_get},
	{0x01, ALWAYS, rom_get_version},
	{0x02, ALWAYS, rom_get_id},
	{0x11, OPEN_ONLY, rom_read},
	{0x21, OPEN_ONLY, rom_go},
	{0x31, OPEN_ONLY, sim_rom_write},
	{0x43, OPEN_ONLY, sim_rom_erase},
	{0x44, OPEN_ONLY, sim_rom_extended_erase},
	{0x63, OPEN_ONLY, sim_rom_write_protect},
	{0x73, OPEN_ONLY, sim_rom_write_unprotect},
	{0x82, OPEN_ONLY, sim_rom_readout_protect},
	{0x92, OPEN_OR_LEVEL_1, sim_rom_readout_unprotect},
	{0x50, ALWAYS, sim_rom_special},
	{0x51, ALWAYS, sim_rom_special},
	{0xA1, OPEN_ONLY, sim_rom_checksum},
	/* I2C: the forms that answer "busy" instead of holding the clock */
	{0x32, OPEN_ONLY, sim_rom_write},
	{0x45, OPEN_ONLY, sim_rom_extended_erase},
	{0x64, OPEN_ONLY, sim_rom_write_protect},
	{0x74, OPEN_ONLY, sim_rom_write_unprotect},
	{0x83, OPEN_ONLY, sim_rom_readout_protect},
	{0x93, OPEN_OR_LEVEL_1, sim_rom_readout_unprotect},
};

/* ---- packets ---- */

void sim_rom_expect(struct sim_board *b, uint32_t need, rom_step next)
{
	b->rom.have = 0;
	sim_rom_expect_more(b, need, next);
}

void sim_rom_expect_more(struct sim_board *b, uint32_t need, rom_step next)
{
	b->rom.need = need;
	b->rom.next = next;
	b->rom.more = b->rom.have > 0;
}

static void send_status(struct sim_board *b, uint8_t status)
{
	if (rom_on_i2c(b))
		sim_i2c_send(b, status, true);
	else
		sim_uart_send(b, status);
}

void sim_rom_ack(struct sim_board *b)
{
	send_status(b, ROM_ACK);
}

void sim_rom_nack(struct sim_board *b)
{
	send_status(b, ROM_NACK);
}

void sim_rom_refuse(struct sim_board *b)
{
	sim_rom_nack(b);
	sim_rom_idle(b);
}

void sim_rom_send(struct sim_board *b, uint8_t byte)
{
	if (rom_on_i2c(b))
		sim_i2c_send(b, byte, false);
	else
		sim_uart_send(b, byte);
}

void sim_rom_apart(struct sim_board *b)
{
	b->rom.i2c.open = false;
}

void sim_rom_after(struct sim_board *b, rom_step step)
{
	if (b->rom.i2c.n_frames > 0)
		b->rom.i2c.after = step;
	else
		step(b);
}

bool sim_rom_xor_ok(const struct sim_board *b, uint32_t len)
{
	uint8_t x = 0;

	for (uint32_t i = 0; i < len; i++)
		x ^= b->rom.buf[i];
	return x == 0;
}

bool sim_rom_take_address(struct sim_board *b)
{
	if (!sim_rom_xor_ok(b, 5)) {
		sim_rom_refuse(b);
		return false;
	}
	b->rom.addr = get_be32(b->rom.buf);
	return true;
}

void sim_rom_bad_address(struct sim_board *b)
{
	/* Some old ROMs say nothing: the host's next two bytes are taken as a command. */
	if (sim_has(b, CHIP_QUIRK_BAD_ADDRESS_NO_NACK))
		sim_rom_idle(b);
	else
		sim_rom_refuse(b);
}

/* ---- the command pair ---- */

static bool is_listed(const struct sim_board *b, uint8_t code)
{
	struct sim_rom_set set;

	sim_rom_set_of(b, &set);
	return memchr(set.codes, code, set.n) != NULL;
}

static bool permitted(const struct sim_board *b, const struct rom_command *c)
{
	switch (sim_rdp(b)) {
	case RDP_1:
		/* OpenBL does not ask for RDP in the special commands. */
		return c->permit != OPEN_ONLY;
	case RDP_2: return c->code <= 0x02;
	default: return true;
	}
}

static const struct rom_command *command_of(const struct sim_board *b, uint8_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (commands[i].code != code)
			continue;
		if (is_listed(b, code))
			return &commands[i];
		/* OpenBL hands an unlisted 0x43 to the handler of 0x44, of another form. */
		if (code == 0x43 && !rom_on_i2c(b) && is_listed(b, 0x44))
			return command_of(b, 0x44);
	}
	return NULL;
}

static void on_pair(struct sim_board *b)
{
	uint8_t code = b->rom.buf[0];
	const struct rom_command *c;
	const struct sim_fault *f;

	if ((code ^ b->rom.buf[1]) != 0xFF) {
		sim_rom_refuse(b);
		return;
	}
	c = command_of(b, code);
	f = sim_fault_at(b, SIM_AT_CMD, code);
	if (c == NULL || f != NULL) {
		sim_rom_refuse(b);
		return;
	}
	if (!permitted(b, c)) {
		sim_rom_nack(b);
		if (sim_has(b, CHIP_QUIRK_DOUBLE_NACK_RDP) && !rom_on_i2c(b) &&
			(code == 0x11 || code == 0x31))
			sim_rom_nack(b);
		sim_rom_idle(b);
		return;
	}
	b->rom.cmd = code;
	if (code != 0x21 || rom_on_i2c(b) || !sim_has(b, CHIP_QUIRK_GO_FIRST_ACK_MISSING))
		sim_rom_ack(b);
	sim_rom_after(b, c->run);
}

void sim_rom_idle(struct sim_board *b)
{
	sim_rom_expect(b, 2, on_pair);
}

bool sim_rom_at_boundary(const struct sim_board *b)
{
	return b->rom.next == on_pair && b->rom.have == 0 && b->rom.i2c.n_frames == 0;
}

void sim_rom_start(struct sim_board *b)
{
	b->rom.sync_needed = sim_has(b, CHIP_QUIRK_SYNC_TWICE) ? 2 : 1;
	sim_rom_idle(b);
}

/* ---- identity ---- */

static void rom_get(struct sim_board *b)
{
	struct sim_rom_set set;
	bool wrong = sim_has(b, CHIP_QUIRK_GET_WRONG_COUNT) && !rom_on_i2c(b);

	sim_rom_set_of(b, &set);
	/* H74 V9.0 announces two more than it sends. */
	sim_rom_send(b, (uint8_t)(set.n + (wrong ? 2 : 0)));
	sim_rom_send(b, set.version);
	for (size_t i = 0; i < set.n; i++)
		sim_rom_send(b, set.codes[i]);
	sim_rom_ack(b);
	sim_rom_idle(b);
}

static void rom_get_version(struct sim_board *b)
{
	struct sim_rom_set set;

	sim_rom_set_of(b, &set);
	sim_rom_send(b, set.version);
	if (!rom_on_i2c(b)) {
		sim_rom_send(b, 0x00);
		sim_rom_send(b, 0x00);
	}
	sim_rom_ack(b);
	sim_rom_idle(b);
}

static void rom_get_id(struct sim_board *b)
{
	const struct sim_fault *f = sim_fault_at(b, SIM_AT_ID, 0);
	uint16_t pid = sim_has(b, SQ_UNKNOWN_PID) ? UNKNOWN_PID : b->chip->pid;

	pid = (uint16_t)(pid ^ (f == NULL ? 0 : f->arg));
	if (b->chip->rom_product_byte != 0) {
		/* WB0 and WL3: metal fix, mask set, product. */
		uint8_t product = (uint8_t)(b->chip->rom_product_byte ^ (f == NULL ? 0 : f->arg));

		sim_rom_send(b, 0x02);
		sim_rom_send(b, 0x01);
		sim_rom_send(b, 0x10);
		sim_rom_send(b, product);
	} else {
		sim_rom_send(b, 0x01);
		sim_rom_send(b, (uint8_t)(pid >> 8));
		sim_rom_send(b, (uint8_t)pid);
	}
	sim_rom_ack(b);
	sim_rom_idle(b);
}

/* ---- Read Memory ---- */

/* F4: id and size only within 256 bytes; L0: only from the start of their block. */
static bool id_read_fails(const struct sim_board *b, uint32_t addr, uint32_t len)
{
	const struct chip *c = b->chip;

	if (!sim_has(b, CHIP_QUIRK_WHOLE_BLOCK_READS) ||
		(!sim_range_touches(addr, len, c->uid_register, c->uid_third_word + 4u) &&
			!sim_range_touches(addr, len, c->flash_size_register, 2)))
		return false;
	if (strcmp(c->series, "L0") == 0)
		return addr % 256 != 0 || len < 128;
	return len < 256;
}

static bool read_too_long(const struct sim_board *b, uint32_t len)
{
	return rom_on_i2c(b) && ((len > 16 && sim_has(b, SQ_I2C_READ_16)) ||
					(len > 32 && sim_has(b, SQ_I2C_READ_32)));
}

static void send_memory(struct sim_board *b, uint32_t addr, uint32_t len)
{
	enum sim_region region = sim_region_of(b, addr);
	const struct sim_fault *size_fault = NULL, *option_fault = NULL;
	uint32_t size_reg = b->chip->flash_size_register;

	if (sim_range_touches(addr, len, size_reg, 2))
		size_fault = sim_fault_at(b, SIM_AT_SIZE, 0);
	if (region == SIM_OPTION)
		option_fault = sim_fault_at(b, SIM_AT_OPTION, 0);
	for (uint32_t i = 0; i < len && rom_alive(b); i++) {
		uint8_t v;

		/* The end of the memory is not looked for: what lies behind it, or a fault. */
		if (sim_has(b, SQ_READ_PAST_END_FAULT) && sim_region_of(b, addr + i) != region) {
			b->cpu = SIM_CPU_STUCK;
			return;
		}
		v = sim_read_byte(b, addr + i);
		if (size_fault != NULL && addr + i - size_reg < 2)
			v = (uint8_t)(v ^ size_fault->arg >> 8 * (addr + i - size_reg));
		if (option_fault != NULL && i == 0)
			v = (uint8_t)(v ^ option_fault->arg);
		sim_rom_send(b, v);
	}
}

static void on_read_length(struct sim_board *b)
{
	uint32_t len = b->rom.buf[0] + 1u;

	if ((b->rom.buf[0] ^ b->rom.buf[1]) != 0xFF || id_read_fails(b, b->rom.addr, len) ||
		read_too_long(b, len)) {
		sim_rom_refuse(b);
		return;
	}
	sim_rom_ack(b);
	send_memory(b, b->rom.addr, len);
	b->rom.after_read = true;
	sim_rom_idle(b);
}

static void on_read_address(struct sim_board *b)
{
	if (!sim_rom_take_address(b))
		return;
	if (sim_region_of(b, b->rom.addr) == SIM_NOWHERE) {
		sim_rom_bad_address(b);
		return;
	}
	sim_rom_ack(b);
	sim_rom_expect(b, 2, on_read_length);
}

static void rom_read(struct sim_board *b)
{
	sim_rom_expect(b, 5, on_read_address);
}

/* ---- Go ---- */

/* It jumps without looking: what is no program locks up. */
static void jump(struct sim_board *b)
{
	if (!rom_alive(b))
		return;
	if (sim_program_at(b, b->rom.addr) && !sim_has(b, CHIP_QUIRK_GO_BROKEN))
		sim_app_go(b, b->rom.addr);
	else
		b->cpu = SIM_CPU_LOCKED;
}

static void on_go_address(struct sim_board *b)
{
	enum sim_region r;

	if (!sim_rom_take_address(b))
		return;
	r = sim_region_of(b, b->rom.addr);
	if (r != SIM_FLASH && r != SIM_RAM) {
		sim_rom_bad_address(b);
		return;
	}
	sim_rom_ack(b);
	sim_rom_after(b, jump);
}

static void rom_go(struct sim_board *b)
{
	sim_rom_expect(b, 5, on_go_address);
}
