/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_board.c - power, reset, lines and the wire of a virtual board
 */
#include <stdlib.h>
#include <string.h>

#include "sim_priv.h"

#define APP_BAUD 115200u

uint32_t sim_random(struct sim_board *b)
{
	/* xorshift64*: the same seed gives the same half-done operations. */
	b->rng ^= b->rng >> 12;
	b->rng ^= b->rng << 25;
	b->rng ^= b->rng >> 27;
	return (uint32_t)(b->rng * 2685821657736338717u >> 32);
}

void sim_spend(struct sim_board *b, uint64_t us)
{
	b->now_us += us;
}

static uint8_t newest_rom(const struct chip *c)
{
	uint8_t id = 0;

	for (size_t i = 0; i < c->n_boot_ids; i++)
		if (c->boot_ids[i] > id)
			id = c->boot_ids[i];
	return id;
}

int sim_chip_supported(const struct chip *c, struct err *e)
{
	if (c->erase_command == 0 && c->rom_product_byte == 0) {
		err_set(e, ERR_UNSUPPORTED, "%s: the commands of its ROM are not confirmed",
			c->name);
		return err_hint(e, "stmota-sim chips lists the chips that can be simulated");
	}
	return 0;
}

/* Heap memory full of one value; at least one byte, so that NULL means failure only. */
static uint8_t *filled(size_t len, uint8_t value)
{
	uint8_t *p = malloc(len + 1);

	if (p != NULL)
		memset(p, value, len + 1);
	return p;
}

static int allocate(struct sim_board *b, struct err *e)
{
	const struct chip *c = b->chip;

	b->word = chip_word_min(c);
	b->flash = filled(b->flash_size, c->erased_value);
	b->written = filled(b->flash_size / b->word, 0);
	b->eeprom = filled(c->eeprom.len, 0);
	b->otp = filled(c->otp.len, 0xFF);
	if (c->ram_base != CHIP_UNKNOWN && c->ram_size != CHIP_UNKNOWN && c->ram_size != 0)
		b->ram = filled(c->ram_size, 0);
	if (b->flash == NULL || b->written == NULL || b->eeprom == NULL || b->otp == NULL)
		return err_set(e, ERR_NOMEM, "no memory for the flash of %s", c->name);
	return 0;
}

int sim_board_new(const struct sim_config *cfg, struct sim_board **ret, struct err *e)
{
	struct sim_board *b;
	int rc = sim_chip_supported(cfg->chip, e);

	if (rc < 0)
		return rc;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a virtual board");
	b->chip = cfg->chip;
	b->seed = cfg->seed;
	b->rng = ((uint64_t)cfg->seed << 16 | b->chip->pid) * 0x9E3779B97F4A7C15u + 1;
	b->rom_id = cfg->rom_version != 0 ? cfg->rom_version : newest_rom(b->chip);
	sim_quirk_defaults(b);
	b->rule = sim_program_rule_of(b->chip);
	b->boot0 = !cfg->boot0_low;
	b->nrst = true;
	b->baud = 115200;
	b->adapter = (struct sim_i2c_adapter){.hz = 100000, .stretch_ms = 1000, .max_len = 8192};
	for (size_t i = 0; i < sizeof(b->uid); i++)
		b->uid[i] = (uint8_t)sim_random(b);
	rc = geometry_init(&b->geometry, b->chip, cfg->flash_size, CHIP_BANKS_TABLE, e);
	if (rc < 0)
		goto out;
	b->flash_size = b->geometry.size;
	rc = allocate(b, e);
	if (rc < 0)
		goto out;
	sim_option_defaults(b);
	if (cfg->state_file != NULL) {
		b->state_file = strdup(cfg->state_file);
		rc = b->state_file == NULL ? err_set(e, ERR_NOMEM, "no memory")
					   : sim_state_load(b, e);
		if (rc < 0)
			goto out;
	}
	rc = cfg->updater != NULL ? sim_updater_new(b, cfg, e) : 0;
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < cfg->n_faults; i++) {
		rc = sim_fault_parse(b, cfg->faults[i], e);
		if (rc < 0)
			goto out;
	}
	sim_board_power(b, true);
	*ret = b;
	return 0;
out:
	sim_board_free(b);
	return rc;
}

void sim_board_free(struct sim_board *b)
{
	if (b == NULL)
		return;
	free(b->flash);
	free(b->written);
	free(b->eeprom);
	free(b->otp);
	free(b->ram);
	free(b->state_file);
	sim_updater_free(b->updater);
	free(b);
}

/* ---- power and reset ---- */

static void look_whether_empty(struct sim_board *b)
{
	b->empty = (sim_has(b, CHIP_QUIRK_EMPTY_CHECK_LATCHED) ||
			   sim_has(b, CHIP_QUIRK_EMPTY_CHECK_CLEARED)) &&
		   bytes_all(b->flash, 4, b->chip->erased_value);
}

static void begin(struct sim_board *b)
{
	memset(&b->rom, 0, offsetof(struct sim_rom, buf));
	b->rom_baud = 0;
	b->voltage_range = 0;
	b->flash_busy_us = 0;
	b->held_us = 0;
	b->ready_us = b->now_us + sim_boot_us(b);
	b->starts++;
}

void sim_enter_rom(struct sim_board *b)
{
	begin(b);
	b->cpu = SIM_CPU_ROM;
	sim_rom_start(b);
}

static void start(struct sim_board *b)
{
	bool rom = sim_boots_rom(b);

	begin(b);
	if (sim_rdp(b) == RDP_2 && !sim_has(b, SQ_RDP2_ROM))
		rom = false;
	if (sim_has(b, CHIP_QUIRK_BOOT_EVERY_SECOND_RESET)) {
		b->odd_reset = !b->odd_reset;
		rom = rom && b->odd_reset;
	}
	if (!rom && sim_app_start(b))
		return;
	if (sim_has(b, CHIP_QUIRK_EMPTY_CHECK_CLEARED))
		b->empty = false;
	b->cpu = SIM_CPU_ROM;
	sim_rom_start(b);
}

void sim_reset(struct sim_board *b)
{
	if (!b->power)
		return;
	/* A reload of the option bytes looks at the flash again, a plain reset does not. */
	if (b->options_written && !b->reload_at_power) {
		sim_option_load(b);
		look_whether_empty(b);
	}
	start(b);
}

void sim_power_lost(struct sim_board *b)
{
	b->power = false;
	b->cpu = SIM_CPU_OFF;
	/* What is not on the wire yet never comes. */
	while (b->tx_len > 0 && b->tx[(b->tx_head + b->tx_len - 1) % SIM_TX_MAX].at_us > b->now_us)
		b->tx_len--;
	if (b->ram != NULL)
		for (uint32_t i = 0; i < b->chip->ram_size; i++)
			b->ram[i] = (uint8_t)(i * 37);
}

void sim_board_power(struct sim_board *b, bool on)
{
	if (!on) {
		sim_power_lost(b);
		return;
	}
	if (b->power)
		return;
	b->power = true;
	b->tx_len = 0;
	b->tx_free_us = b->now_us;
	b->odd_reset = false;
	sim_option_load(b);
	look_whether_empty(b);
	if (b->nrst)
		start(b);
}

bool sim_board_powered(const struct sim_board *b)
{
	return b->power;
}

void sim_board_reset(struct sim_board *b)
{
	b->tx_len = 0;
	sim_reset(b);
}

void sim_board_skip_start_up(struct sim_board *b)
{
	b->ready_us = b->now_us;
}

void sim_board_time(struct sim_board *b, uint64_t now_us)
{
	sim_i2c_tick(b, now_us);
	while (sim_board_next_us(b) <= now_us) {
		if (sim_board_next_us(b) > b->now_us)
			b->now_us = sim_board_next_us(b);
		sim_updater_tick(b);
	}
	if (now_us > b->now_us)
		b->now_us = now_us;
}

uint64_t sim_board_next_us(const struct sim_board *b)
{
	return b->updater != NULL ? sim_updater_next_us(b) : UINT64_MAX;
}

void sim_board_lines(struct sim_board *b, bool boot0, bool nrst)
{
	bool released = nrst && !b->nrst;

	b->boot0 = boot0;
	b->nrst = nrst;
	if (!nrst && b->power) {
		b->cpu = SIM_CPU_OFF;
		b->tx_len = 0;
	}
	if (released)
		sim_reset(b);
}

bool sim_board_vanished(const struct sim_board *b)
{
	return b->vanished;
}

void sim_board_replug(struct sim_board *b)
{
	b->vanished = false;
	b->tx_len = 0;
}

bool sim_board_in_application(const struct sim_board *b)
{
	return b->cpu == SIM_CPU_APP || b->cpu == SIM_CPU_LOCKED;
}

/* ---- the wire ---- */

void sim_board_set_baud(struct sim_board *b, uint32_t baud)
{
	if (baud != 0)
		b->baud = baud;
}

static uint64_t byte_us(const struct sim_board *b)
{
	return ((sim_has(b, CHIP_QUIRK_PARITY_NONE) ? 10000000u : 11000000u) + b->baud - 1) /
	       b->baud;
}

/* One byte out, without faults. The CPU waits until the transmitter takes it. */
static void transmit(struct sim_board *b, uint8_t byte, uint64_t late_us)
{
	uint64_t from = b->tx_free_us > b->now_us ? b->tx_free_us : b->now_us;
	uint32_t speed;
	struct sim_tx *t;

	b->now_us = from;
	b->tx_free_us = from + late_us + byte_us(b);
	b->stats.bytes_from_device++;
	if (b->rx_since_tx)
		b->stats.turnarounds++;
	b->rx_since_tx = false;
	if (b->vanished || b->tx_len == SIM_TX_MAX)
		return;
	t = &b->tx[(b->tx_head + b->tx_len++) % SIM_TX_MAX];
	/* At another speed than the host's it is noise. */
	speed = b->cpu == SIM_CPU_APP ? APP_BAUD : b->rom_baud;
	t->byte = speed == b->baud ? byte : (uint8_t)(byte ^ (sim_random(b) | 0x80));
	t->at_us = b->tx_free_us;
}

void sim_app_send(struct sim_board *b, uint8_t byte)
{
	transmit(b, byte, 0);
}

void sim_uart_send(struct sim_board *b, uint8_t byte)
{
	const struct sim_fault *f;
	uint64_t late_us = 0;

	if (b->cpu != SIM_CPU_ROM && !sim_updater_runs(b))
		return;
	f = sim_fault_at(b, SIM_AT_TX, 0);
	if (f != NULL) {
		switch (f->kind) {
		case SIM_DROP: return;
		case SIM_DOUBLE: transmit(b, byte, 0); break;
		case SIM_GARBLE: byte = (uint8_t)(byte ^ f->arg); break;
		case SIM_INSERT: transmit(b, (uint8_t)f->arg, 0); break;
		case SIM_DELAY:
			late_us = (uint64_t)f->arg * 1000;
			b->delays_us += late_us;
			break;
		case SIM_CUT:
			sim_board_time(b, b->tx_free_us); /* the byte before it is out */
			sim_power_lost(b);
			return;
		case SIM_STUCK: b->cpu = SIM_CPU_STUCK; return;
		case SIM_VANISH: b->vanished = true; break;
		default: break;
		}
	}
	transmit(b, byte, late_us);
}

/* One byte for the updater: read while it has time, at its own speed. */
static void receive_app(struct sim_board *b, uint8_t byte, uint64_t at_us)
{
	sim_board_time(b, at_us);
	if (!sim_updater_runs(b))
		return;
	if (b->baud != APP_BAUD)
		byte = (uint8_t)(byte ^ (sim_random(b) | 0x80));
	if (at_us < b->now_us) {
		/* Busy: one byte waits in the data register, unless it is emptied first. */
		if (at_us < b->held_us || sim_updater_deaf(b))
			return;
		b->held_us = b->now_us;
	}
	sim_updater_byte(b, byte);
}

/* One byte at the receiver, without faults. */
static void receive(struct sim_board *b, uint8_t byte, uint64_t at_us)
{
	uint64_t gap_us = at_us - b->rom.last_rx_us;

	if (sim_updater_runs(b)) {
		receive_app(b, byte, at_us);
		return;
	}
	if (b->cpu != SIM_CPU_ROM || at_us < b->ready_us)
		return;
	b->rom.last_rx_us = at_us;
	if (sim_has(b, CHIP_QUIRK_BYTE_PACING) && b->rom.synced && gap_us < 1000)
		return;
	if (at_us < b->now_us) {
		/* Busy: one byte waits in the data register, what comes after it is overrun. */
		if (at_us < b->held_us)
			return;
		b->held_us = b->now_us;
	} else {
		b->now_us = at_us;
	}
	sim_rom_byte(b, byte);
}

void sim_uart_rx(struct sim_board *b, uint8_t byte, uint64_t now_us)
{
	const struct sim_fault *f;

	b->stats.bytes_to_device++;
	b->rx_since_tx = true;
	f = sim_fault_at(b, SIM_AT_RX, 0);
	if (f != NULL) {
		switch (f->kind) {
		case SIM_DROP: return;
		case SIM_DOUBLE:
			if (!b->vanished)
				receive(b, byte, now_us);
			break;
		case SIM_GARBLE: byte = (uint8_t)(byte ^ f->arg); break;
		case SIM_INSERT:
			if (!b->vanished)
				receive(b, (uint8_t)f->arg, now_us);
			break;
		case SIM_CUT:
			sim_board_time(b, now_us);
			sim_power_lost(b);
			return;
		case SIM_STUCK:
			if (sim_cpu_runs(b))
				b->cpu = SIM_CPU_STUCK;
			return;
		case SIM_VANISH: b->vanished = true; break;
		default: break;
		}
	}
	if (!b->vanished)
		receive(b, byte, now_us);
}

bool sim_uart_tx(struct sim_board *b, uint8_t *ret_byte, uint64_t *ret_at_us)
{
	if (b->tx_len == 0 || b->vanished)
		return false;
	*ret_byte = b->tx[b->tx_head].byte;
	*ret_at_us = b->tx[b->tx_head].at_us;
	b->tx_head = (b->tx_head + 1) % SIM_TX_MAX;
	b->tx_len--;
	return true;
}

/* ---- for tests and statistics ---- */

uint64_t sim_board_busy_until(const struct sim_board *b)
{
	return b->cpu == SIM_CPU_ROM && b->ready_us > b->now_us ? b->ready_us : b->now_us;
}

uint64_t sim_board_delays_us(const struct sim_board *b)
{
	return b->delays_us;
}

uint8_t *sim_board_flash(struct sim_board *b, uint32_t *ret_size)
{
	if (ret_size != NULL)
		*ret_size = b->flash_size;
	return b->flash;
}

const struct geometry *sim_board_geometry(const struct sim_board *b)
{
	return &b->geometry;
}

uint64_t sim_board_ops(const struct sim_board *b)
{
	return b->ops;
}

struct sim_stats sim_board_stats(const struct sim_board *b)
{
	return b->stats;
}

void sim_board_on_op(struct sim_board *b, void (*fn)(void *ctx), void *ctx)
{
	b->on_op = fn;
	b->on_op_ctx = ctx;
}
