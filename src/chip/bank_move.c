/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/bank_move.h>

#include <string.h>

#define G47_ROM_MENDED 0xD4 /* V13.4 starts bank 2 (AN2606) */

struct planner {
	const struct geometry *g;
	uint8_t boot_id;
	chip_option_reader read;
	void *ctx;
	struct err *e;
};

static int not_confirmed(const struct planner *p, const char *what)
{
	err_set(p->e, ERR_UNSUPPORTED, "two banks of %s: not confirmed %s", p->g->chip->name, what);
	return err_hint(p->e, "--backup FILE keeps a way back without banks");
}

/* -1 where the chip has no such field. */
static int option(const struct planner *p, const char *name, int64_t *ret)
{
	const struct chip_bits *f = chip_option_find(p->g->chip, name);
	uint32_t word = 0;
	int rc;

	*ret = -1;
	if (f == NULL || (f->access & CHIP_ACCESS_READ) == 0)
		return 0;
	rc = p->read(p->ctx, f->addr, &word, p->e);
	if (rc == 0)
		*ret = word >> f->bit & (f->width == 32 ? UINT32_MAX : (1u << f->width) - 1);
	return rc;
}

/* Series whose ROM maps the bank that it starts (SYSCFG FB_MODE, UFB); as in layout.c. */
static bool rom_maps_bank(const struct chip *c)
{
	static const char *const series[] = {"L0", "L4", "L4+", "G4", "F4"};

	for (size_t i = 0; i < ARRAY_LEN(series); i++)
		if (strcmp(c->series, series[i]) == 0)
			return true;
	return false;
}

/* AN2606, dual bank boot: the first word must be a stack pointer in RAM that the ROM knows. */
static bool rom_takes(const struct chip *c, uint32_t sp)
{
	if (c->pid == 0x461) /* ES0335 2.2.8: not the alias from 0x20040000 up */
		return sp - 0x20000000u <= 0x3FFFFu || sp - 0x10000000u <= 0xFFFFu;
	for (size_t i = 0; i < c->n_ram; i++)
		if (sp > c->ram[i].base && sp <= (uint64_t)c->ram[i].base + c->ram[i].size)
			return sp % 4 == 0;
	return false;
}

int bank_move_check_stack(
	const struct bank_move *m, const struct chip *c, uint32_t sp, struct err *e)
{
	if (!m->by_rom || rom_takes(c, sp))
		return 0;
	err_set(e, ERR_NO_FIT,
		"the bootloader of %s does not start a bank whose stack pointer is 0x%08X", c->name,
		sp);
	return err_hint(e, "link the program with a stack that it knows, such as 0x%08X",
		c->pid == 0x461 ? 0x2003FFF8u : c->ram_base + c->ram_size);
}

static int check_trustzone(const struct planner *p)
{
	int64_t tzen;
	int rc = option(p, "TZEN", &tzen);

	if (rc < 0 || tzen < 0 || (tzen != 1 && tzen != 0xB4))
		return rc;
	return not_confirmed(p, "with TrustZone active");
}

/* What is known to keep a ROM from starting bank 2. */
static int check_bank2_starts(const struct planner *p)
{
	const struct chip *c = p->g->chip;
	int64_t sw = 0, boot0 = 0, boot1 = 0;
	int rc = option(p, "nSWBOOT0", &sw);

	if (rc == 0)
		rc = option(p, "nBOOT0", &boot0);
	if (rc == 0)
		rc = option(p, "nBOOT1", &boot1);
	if (rc < 0)
		return rc;
	if (c->pid == 0x461 && (sw != 0 || boot0 != 1)) {
		err_set(p->e, ERR_UNSUPPORTED,
			"%s starts bank 2 only with nSWBOOT0 = 0 and nBOOT0 = 1 (ES0335)", c->name);
		return err_hint(p->e, "then the BOOT0 pin no longer leads into the bootloader: the "
				      "application must");
	}
	if (c->pid == 0x469 && p->boot_id < G47_ROM_MENDED && (boot0 != 1 || boot1 != 0)) {
		err_set(p->e, ERR_UNSUPPORTED,
			"the bootloader of this chip does not start bank 2 (before V13.4)");
		return err_hint(p->e, "AN2606: nBOOT0 = 1 and nBOOT1 = 0 make it work");
	}
	return 0;
}

static void by_swap(const struct geometry *g, const char *name, uint32_t now, struct bank_move *m)
{
	uint32_t active = name[0] == 'n' ? 0 : 1;

	m->running = now == active ? 2 : 1;
	m->to = g->bank2_base; /* the addresses go with the bank that runs */
	m->value_new = now ^ 1;
	m->value_back = now;
}

static int by_rom(
	const struct planner *p, uint32_t now, const uint8_t heads[2][8], struct bank_move *m)
{
	const struct geometry *g = p->g;

	m->by_rom = true;
	/* With the bit set and nothing in bank 2, bank 1 runs: writing bank 2 is the switch then. */
	m->running = now == 1 && rom_takes(g->chip, get_le32(heads[1])) ? 2 : 1;
	m->to = m->running == 1 ? g->bank2_base : g->base;
	m->value_new = m->running == 1 ? 1 : 0;
	m->value_back = m->running == 1 ? 0 : 1;
	return m->running == 1 ? check_bank2_starts(p) : 0;
}

int bank_move_plan(const struct geometry *g, uint8_t boot_id, chip_option_reader read, void *ctx,
	const uint8_t heads[2][8], struct bank_move *ret, struct err *e)
{
	const struct chip *c = g->chip;
	struct planner p = {.g = g, .boot_id = boot_id, .read = read, .ctx = ctx, .e = e};
	const char *name = c->bank_swap_bit;
	struct bank_move m = {.link = g->base, .size = g->size / 2};
	int64_t now = -1;
	int rc;

	if (g->banks != 2) {
		err_set(e, ERR_UNSUPPORTED, "%s",
			c->bank_mode == BANKS_SINGLE ? "this chip has one bank"
						     : "this chip runs in single bank mode");
		return err_hint(e, "--backup FILE and --slot NAME work with one bank");
	}
	if (name == NULL && rom_maps_bank(c))
		name = c->bank_boot_bit;
	if (name == NULL)
		return not_confirmed(&p, "at which address bank 2 runs");
	m.bit = chip_option_find(c, name);
	if (!c->in_an2606 || m.bit == NULL || m.bit->width != 1)
		return not_confirmed(&p, "how they are exchanged");
	rc = check_trustzone(&p);
	if (rc == 0)
		rc = option(&p, name, &now);
	if (rc == 0 && now < 0)
		rc = not_confirmed(&p, "how they are exchanged");
	if (rc == 0 && c->bank_swap_bit != NULL)
		by_swap(g, name, (uint32_t)now, &m);
	else if (rc == 0)
		rc = by_rom(&p, (uint32_t)now, heads, &m);
	if (rc < 0)
		return rc;
	m.other = 3 - m.running;
	*ret = m;
	return 0;
}
