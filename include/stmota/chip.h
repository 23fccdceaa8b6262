/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chip.h - facts about STM32 chips, one row for each product ID
 *
 * The rows are made from src/chip/chips.json when the project is built. A fact that no source
 * confirms is absent here (NULL, 0 items, CHIP_UNKNOWN) and is refused where it is needed.
 */
#ifndef STMOTA_CHIP_H
#define STMOTA_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/bytes.h>
#include <stmota/err.h>

#define CHIP_UNKNOWN UINT32_MAX /* an address or size that no source confirms */

enum chip_core { CORE_M0, CORE_M0PLUS, CORE_M3, CORE_M4, CORE_M7, CORE_M33, CORE_M85 };

enum chip_bank_mode {
	BANKS_SINGLE,
	BANKS_DUAL_FIXED,
	BANKS_DUAL_BY_OPTION,       /* select_bit chooses */
	BANKS_DUAL_AT_MAXIMUM_SIZE, /* the largest part is dual, the bit matters on smaller ones */
};

enum chip_tristate { CHIP_NO, CHIP_YES, CHIP_NOT_CONFIRMED };

struct chip_run { /* `count` erase units of `size` bytes each */
	uint32_t count;
	uint32_t size;
};

struct chip_layout { /* the erase units of the whole flash in one bank mode */
	const struct chip_run *runs;
	size_t n_runs;
	uint8_t banks;       /* 1 or 2 */
	uint8_t write_align; /* bytes */
};

#define CHIP_ACCESS_READ  1
#define CHIP_ACCESS_WRITE 2

struct chip_bits { /* a named field of an option word */
	const char *name;
	uint32_t addr; /* of the 32-bit word, as the bootloader sees it */
	uint8_t bit, width;
	uint8_t access; /* CHIP_ACCESS_* */
};

struct chip_option_bytes {
	bool registers; /* the area is a bank of flash controller registers, not option memory */
	const struct span *areas;
	size_t n_areas;
	const struct chip_bits *rdp; /* n_rdp 0: not confirmed, or the chip has PRODUCT_STATE */
	size_t n_rdp;
	const struct chip_bits *wrp;
	size_t n_wrp;
	const struct chip_bits *bits;
	size_t n_bits;
};

struct chip_memory { /* a named RAM region */
	const char *name;
	uint32_t base, size;
};

struct chip {
	uint16_t pid;
	const char *name;   /* "STM32F40xxx/41xxx" */
	const char *series; /* "F4" */
	const char *const *lines;
	size_t n_lines;
	enum chip_core core;
	bool has_vtor;
	bool in_an2606;

	uint32_t flash_base, flash_size_max;
	const uint32_t *aliases; /* other addresses of the same flash */
	size_t n_aliases;
	struct chip_layout layout;      /* dual bank where the part can be, except 0x451 */
	struct chip_layout alternative; /* n_runs 0: none */
	uint8_t erased_value;

	enum chip_bank_mode bank_mode;
	const char *bank_select_bit; /* name in option_bytes.bits; NULL if none */
	int8_t bank_select_dual;     /* value of that bit that means dual bank, -1 unknown */
	const char *bank_boot_bit, *bank_swap_bit, *bank_smaller_size_bit;

	bool erase_by_sector;                /* else by page */
	enum chip_tristate erase_sequential; /* unit numbers count up from flash_base */
	enum chip_tristate mass_erase;
	uint8_t erase_command; /* 0x43, 0x44, 0 not confirmed; Get decides */
	uint32_t wrp_unit;     /* bytes, 0: the erase unit */

	uint32_t ram_base, ram_size;
	const struct chip_memory *ram;
	size_t n_ram;
	uint32_t ram_host_start, ram_host_end; /* what the ROM leaves to the host; end exclusive */

	uint32_t flash_size_register; /* 16-bit KiB */
	uint32_t uid_register;
	uint8_t uid_third_word; /* offset of the third word: 8, or 0x14 on L0 and L1 */

	bool has_option_bytes;
	struct chip_option_bytes options;

	struct span eeprom, otp, system_memory; /* len 0: none or not confirmed */
	uint32_t boot_id_addr;
	const uint8_t *boot_ids; /* bootloader ids seen, 0x91 = V9.1; not all of F1 has one */
	size_t n_boot_ids;
	const char *const
		*boot_versions; /* versions that are named, "9.1"; may be more than the ids */
	size_t n_boot_versions;

	const char *const *usart;
	size_t n_usart;
	enum chip_tristate has_i2c, has_usb_dfu;
	uint8_t i2c_address;       /* 7 bit, 0: none or not confirmed */
	uint8_t i2c_address_other; /* where sources name two for this chip; 0: they do not */
	bool parity_none;         /* the ROM speaks 8N1 (WB0, WL3) */
	uint8_t rom_product_byte; /* WB0, WL3: third byte of Get ID; 0 elsewhere */

	const char *const *quirks; /* names as in chips.md */
	size_t n_quirks;
};

size_t chip_count(void);
const struct chip *chip_at(size_t index);

/* NULL if the table has no such product ID. */
const struct chip *chip_find(uint16_t pid);

/*
 * Finds a chip by product ID ("0x413", "413"), by a part name ("STM32F407", "f407vg", "G431"; x
 * stands for any character) or by a product line that has one ID only ("STM32F446").
 *
 * ret  an entry of the table, static
 *
 * ERR_USAGE; the hint lists what comes near when the name fits none or several.
 */
int chip_find_name(const char *text, const struct chip **ret, struct err *e);

/* True if the row carries the quirk `name`. */
bool chip_has_quirk(const struct chip *c, const char *name);
/* Bytes of a flash word: the smaller one, where two banks have another than one. */
uint32_t chip_word_min(const struct chip *c);

/*
 * The option field `name` (in bits or wrp, or "RDP"), where it is read if it is read and written at
 * two addresses. NULL if the chip has no confirmed field of that name.
 */
const struct chip_bits *chip_option_find(const struct chip *c, const char *name);

const char *chip_core_name(enum chip_core core);

/* ---- geometry: the erase units of one real part ---- */

enum chip_banks {
	CHIP_BANKS_DEFAULT,      /* the option bytes were not read */
	CHIP_BANKS_FORCE_SINGLE, /* they say one bank */
	CHIP_BANKS_FORCE_DUAL,   /* they say two banks */
	CHIP_BANKS_TABLE, /* the mode the table lists first: for simulators and tables only */
};

#define UNIT_NUMBER_UNKNOWN 0xFFFF /* no source tells how an erase command names this unit */

struct erase_unit {
	uint32_t index;  /* 0.. in address order */
	uint16_t number; /* what an erase command calls it; may be UNIT_NUMBER_UNKNOWN */
	uint8_t bank;    /* 1 or 2 */
	bool swapped;    /* the banks are: it may be either that a fact about bank 2 means */
	uint32_t addr;
	uint32_t size; /* bytes */
	/* To be added to `addr`, modulo 2^32, where an erase command names an address. */
	uint32_t erase_shift;
};

struct geometry {
	const struct chip *chip;
	const struct chip_layout *layout;
	uint32_t base, size; /* of this part, trimmed to its flash size register */
	uint8_t banks;
	bool swapped;        /* SWAP_BANK is active */
	bool numbers_open;   /* ... and the device was not asked yet which numbers follow */
	bool crossed;        /* ... the numbers stayed with the banks, which changed addresses */
	uint32_t bank2_base; /* 0 for one bank */
	uint8_t write_align; /* bytes */
	uint32_t n_units;
	uint32_t n_bank1;      /* units of bank 1; n_units for one bank */
	uint32_t n_numbered;   /* units 0..n_numbered-1 have a confirmed number; not swapped */
	uint32_t bank2_number; /* number of the first unit of bank 2, where it is confirmed */
	const char *numbering; /* where the numbers come from, or why they are not confirmed */
};

/*
 * Works out the erase units of a part with `flash_size` bytes.
 *
 * flash_size  bytes, from the flash size register; 0: the largest part
 * banks       what the option bytes say, CHIP_BANKS_DEFAULT where they cannot be read
 *
 * ERR_NO_FIT if the size is 0xFFFF KiB, larger than the die, or does not end at an erase unit.
 * ERR_UNSUPPORTED where the part has no such bank mode, or where CHIP_BANKS_DEFAULT leaves open
 * which of two different layouts it has: the hint names the way out.
 * Units without a confirmed number are no error here: geometry_need_numbers() refuses them.
 */
int geometry_init(struct geometry *g, const struct chip *c, uint32_t flash_size,
	enum chip_banks banks, struct err *e);

/*
 * To be called where SWAP_BANK is active. Whether an erase command still means the bank, or the
 * address, no source tells of any bootloader in ROM: units have no number until
 * geometry_settle_numbers(), which is for who found it out (bank_numbers.h).
 */
void geometry_set_swapped(struct geometry *g);
void geometry_settle_numbers(struct geometry *g, bool crossed);

/*
 * To be called where erase commands name an address instead of a number: all units can be named.
 *
 * bank2_works  false: the bootloader is known not to erase bank 2
 */
void geometry_set_by_address(struct geometry *g, bool bank2_works);

/*
 * To be called before anything is erased by number. ERR_UNSUPPORTED "not confirmed" with the
 * address of the first unit out of `first`..`first + n - 1` whose number has no source. Of swapped
 * banks: whether the numbers are known once it is settled which is which.
 */
int geometry_need_numbers(const struct geometry *g, uint32_t first, uint32_t n, struct err *e);

/* Unit by index; index < n_units. */
struct erase_unit geometry_unit(const struct geometry *g, uint32_t index);

/* The unit that holds `addr`; false if it lies outside this part's flash. */
bool geometry_unit_at(const struct geometry *g, uint32_t addr, struct erase_unit *ret);

/* The unit that an erase command calls `number`; false if there is none. For simulators. */
bool geometry_unit_numbered(const struct geometry *g, uint32_t number, struct erase_unit *ret);

/* Reads one 32-bit option word; 0 or an error of the link. */
typedef int (*chip_option_reader)(void *ctx, uint32_t addr, uint32_t *ret_word, struct err *e);

/*
 * What the option bytes say about the banks, for geometry_init() and geometry_set_swapped().
 *
 * flash_size   bytes, from the flash size register; 0: the largest part
 * ret_banks    CHIP_BANKS_DEFAULT where the bit does not matter or its place is not confirmed
 * ret_swapped  SWAP_BANK is active
 *
 * Returns 0 or the error of `read`.
 */
int chip_banks_read(const struct chip *c, uint32_t flash_size, chip_option_reader read, void *ctx,
	enum chip_banks *ret_banks, bool *ret_swapped, struct err *e);

/* Typical and longest erase time of a unit of `size` bytes, milliseconds (datasheet classes). */
uint32_t chip_erase_ms_typical(const struct chip *c, uint32_t size);
uint32_t chip_erase_ms_max(const struct chip *c, uint32_t size);
/* Longest mass erase of `flash_size` bytes, milliseconds. */
uint32_t chip_mass_erase_ms_max(const struct chip *c, uint32_t flash_size);
/* Typical time to program 256 bytes, microseconds. */
uint32_t chip_program_us(const struct chip *c);
/* Silence inside a command after which the ROM on I2C resets the chip, milliseconds. */
uint32_t chip_i2c_timeout_ms(const struct chip *c);

/* ---- protection, read from option words ---- */

enum rdp_level { RDP_UNKNOWN, RDP_0, RDP_0_5, RDP_1, RDP_2 };

/* `value`: the RDP field; F1 has its own meaning (0xA5 open, everything else protected). */
enum rdp_level chip_rdp_level(const struct chip *c, uint8_t value);

/*
 * The write-protected parts of flash, in address order.
 *
 * ret  room for `max` spans; ret_n says how many there are
 *
 * ERR_UNSUPPORTED "not confirmed" where the meaning of this chip's WRP words has no source.
 */
int chip_wrp_spans(const struct geometry *g, chip_option_reader read, void *ctx, struct span *ret,
	size_t max, size_t *ret_n, struct err *e);

struct chip_wrp_value { /* what a field of the WRP words must become */
	const struct chip_bits *field;
	uint32_t value;
};

#define CHIP_WRP_VALUES 16

/*
 * The other way round: which values of the WRP fields protect exactly `want`, and nothing else.
 * What comes out is decoded again and compared, so a value whose meaning has no source is refused.
 *
 * want  whole erase units, in address order, not touching each other
 * read  the words that stand now: an unused area keeps what it holds
 *
 * ERR_UNSUPPORTED "not confirmed"; ERR_NO_FIT where the chip cannot protect exactly that: the hint
 * names the nearest range that it can.
 */
int chip_wrp_values(const struct geometry *g, chip_option_reader read, void *ctx,
	const struct span *want, size_t n, struct chip_wrp_value ret[CHIP_WRP_VALUES],
	size_t *ret_n, struct err *e);

#endif
