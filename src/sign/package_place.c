/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_place.c - may a component of this kind lie there? Flash, RAM and what is neither
 */
#include <stmota/package.h>

enum memory {
	IN_FLASH = 1,
	IN_RAM = 2,
	IN_EEPROM = 4,
	IN_EXTERNAL = 8, /* on the board: no chip says what is there */
	IN_EITHER = 16,  /* this address is flash on one chip and RAM on another */
	IN_NOTHING = 32,
};

/* Kinds that are bytes for this chip, and where these may go. */
static const struct {
	enum imf_kind kind;
	unsigned allowed;
	const char *where;
} kinds[] = {
	{IMF_KIND_APPLICATION, IN_FLASH | IN_EXTERNAL | IN_EITHER, "flash"},
	{IMF_KIND_SECOND_IMAGE, IN_FLASH | IN_EXTERNAL | IN_EITHER, "flash"},
	{IMF_KIND_CONFIGURATION, IN_FLASH | IN_EEPROM | IN_EXTERNAL | IN_EITHER, "flash"},
	{IMF_KIND_RAM_INIT, IN_RAM | IN_EXTERNAL | IN_EITHER, "RAM"},
	{IMF_KIND_RAM_CODE, IN_RAM | IN_EXTERNAL | IN_EITHER, "RAM"},
};

/* The memory map of all Cortex-M (Armv7-M ARM, B3.1), with the flash of all STM32. */
static const struct {
	uint32_t last;
	enum memory memory;
} map[] = {
	{0x07FFFFFF, IN_EITHER}, /* ITCM, or an alias of what is booted from */
	{0x0FFFFFFF, IN_FLASH}, {0x1FFFFFFF, IN_EITHER}, /* CCM and SRAM aliases, system memory */
	{0x3FFFFFFF, IN_RAM}, {0x5FFFFFFF, IN_NOTHING},  /* peripherals */
	{0xDFFFFFFF, IN_EXTERNAL}, {0xFFFFFFFF, IN_NOTHING}, /* the core's own */
};

static enum memory by_map(uint32_t addr)
{
	size_t i = 0;

	while (addr > map[i].last)
		i++;
	return map[i].memory;
}

static bool within(uint32_t addr, uint32_t base, uint32_t size, uint64_t *ret_end)
{
	if (size == CHIP_UNKNOWN || addr < base || addr - base >= size)
		return false;
	*ret_end = (uint64_t)base + size;
	return true;
}

/* Which memory of the chip holds `addr`, and where that ends. */
static enum memory by_chip(const struct chip *c, uint32_t addr, uint64_t *ret_end)
{
	bool ram_known = c->n_ram > 0 || (c->ram_size != 0 && c->ram_size != CHIP_UNKNOWN);

	if (within(addr, c->flash_base, c->flash_size_max, ret_end))
		return IN_FLASH;
	for (size_t i = 0; i < c->n_aliases; i++)
		if (within(addr, c->aliases[i], c->flash_size_max, ret_end))
			return IN_FLASH;
	if (within(addr, c->eeprom.addr, c->eeprom.len, ret_end))
		return IN_EEPROM;
	for (size_t i = 0; i < c->n_ram; i++)
		if (within(addr, c->ram[i].base, c->ram[i].size, ret_end))
			return IN_RAM;
	if (within(addr, c->ram_base, c->ram_size, ret_end))
		return IN_RAM;
	*ret_end = (uint64_t)addr + 1;
	if (by_map(addr) == IN_EXTERNAL) {
		*ret_end = 0xE0000000;
		return IN_EXTERNAL;
	}
	/* A chip whose RAM no source confirms: the map of all of them must do; its flash is known. */
	if (!ram_known && (by_map(addr) == IN_RAM || by_map(addr) == IN_EITHER))
		return IN_RAM;
	return IN_NOTHING;
}

static int refuse(
	uint32_t addr, const struct chip *chip, const char *kind, const char *where, struct err *e)
{
	if (chip != NULL)
		err_set(e, ERR_NO_FIT, "0x%08X is no %s of %s, where %s goes", addr, where,
			chip->name, kind);
	else
		err_set(e, ERR_NO_FIT, "0x%08X is no %s, where %s goes", addr, where, kind);
	err_at(e, addr);
	return err_hint(e, "check the link address, the kind and the chip");
}

static int check_segment(
	const struct segment *s, const struct chip *chip, size_t row, struct err *e)
{
	uint64_t addr = s->addr, end = addr + s->len, part_end;
	const char *kind = package_kind_name(kinds[row].kind);

	while (addr < end) {
		enum memory m = by_map((uint32_t)addr);

		part_end = end;
		if (chip != NULL)
			m = by_chip(chip, (uint32_t)addr, &part_end);
		if ((m & kinds[row].allowed) == 0) {
			if (addr > s->addr && chip != NULL) {
				err_set(e, ERR_NO_FIT, "the image ends behind the %s of %s",
					kinds[row].where, chip->name);
				return err_hint(e,
					"its last byte is at 0x%08X, and that %s ends at 0x%08X",
					(unsigned)(end - 1), kinds[row].where,
					(unsigned)(addr - 1));
			}
			return refuse((uint32_t)addr, chip, kind, kinds[row].where, e);
		}
		if (chip == NULL && by_map((uint32_t)(end - 1)) != m)
			return refuse((uint32_t)(end - 1), chip, kind, kinds[row].where, e);
		addr = part_end;
	}
	return 0;
}

int package_place_check(
	enum imf_kind kind, const struct segments *image, const struct chip *chip, struct err *e)
{
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; kinds[k].kind == kind && i < image->n; i++) {
			int rc = check_segment(&image->v[i], chip, k, e);

			if (rc < 0)
				return rc;
		}
	return 0;
}
