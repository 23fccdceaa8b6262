/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quirks.h - what real ROM bootloaders do otherwise than AN3155 and AN4221 say
 *
 * One table for both sides: the ROM driver works around what the simulator can play back.
 * A row applies to a product ID, a series, or all chips, and to a range of bootloader ids.
 */
#ifndef STMOTA_QUIRKS_H
#define STMOTA_QUIRKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

/* What the driver works around and the simulator plays back as fault `quirk:NAME`. */
enum chip_quirk {
	/* a second NACK follows the one that read-out protection gives to Read and Write */
	CHIP_QUIRK_DOUBLE_NACK_RDP,
	/* no NACK for a bad address: the next two bytes are taken as a command */
	CHIP_QUIRK_BAD_ADDRESS_NO_NACK,
	/* two ACKs for 0x7F */
	CHIP_QUIRK_DOUBLE_ACK_SYNC,
	/* the first 0x7F is lost: a second one is needed after 100 ms */
	CHIP_QUIRK_SYNC_TWICE,
	/* stray 0x00 ahead of the first ACK */
	CHIP_QUIRK_STRAY_ZERO_SYNC,
	/* N of the Get answer does not count the commands */
	CHIP_QUIRK_GET_WRONG_COUNT,
	/* Go: the ACK of the command pair is missing */
	CHIP_QUIRK_GO_FIRST_ACK_MISSING,
	/* Go does not work, or leaves the chip so that the application suffers: reset instead */
	CHIP_QUIRK_GO_BROKEN,
	/* ROM speaks 8N1 */
	CHIP_QUIRK_PARITY_NONE,
	/* baud above 57600 fails or is not promised */
	CHIP_QUIRK_BAUD_MAX_57600,
	/* bytes are lost unless the host leaves a gap of 1 ms after each */
	CHIP_QUIRK_BYTE_PACING,
	/* several units in one erase command are not all erased */
	CHIP_QUIRK_ONE_PAGE_PER_ERASE,
	/* the same, for units of bank 2 only */
	CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE,
	/* 40 ms pause between two erase commands */
	CHIP_QUIRK_ERASE_PAUSE_40_MS,
	/* erase of bank 2 is ACKed before it is done */
	CHIP_QUIRK_BANK2_ERASE_EARLY_ACK,
	/* bank erase (FFFE, FFFD) is refused or does not work */
	CHIP_QUIRK_BANK_ERASE_BROKEN,
	/* mass erase (FFFF) is NACKed */
	CHIP_QUIRK_NO_MASS_ERASE,
	/* more than 512 units in one erase command are NACKed */
	CHIP_QUIRK_ERASE_MAX_512,
	/* first 32 bytes of the first write after a read are ACKed and lost */
	CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32,
	/* after a write that is no whole aligned flash word, later ones are ACKed and lost */
	CHIP_QUIRK_UNALIGNED_WRITE_POISONS,
	/* only writes of 128 aligned bytes work */
	CHIP_QUIRK_WRITE_128,
	/* unique id and flash size can be read only within a larger block */
	CHIP_QUIRK_WHOLE_BLOCK_READS,
	/* RAM can be neither read nor written */
	CHIP_QUIRK_RAM_ACCESS_NONE,
	/* empty-check flag is latched at power-up: after programming a reset lands in the ROM again */
	CHIP_QUIRK_EMPTY_CHECK_LATCHED,
	/* ROM clears the empty flag when it starts: a reset before programming starts empty flash */
	CHIP_QUIRK_EMPTY_CHECK_CLEARED,
	/* every second reset starts the ROM */
	CHIP_QUIRK_BOOT_EVERY_SECOND_RESET,
	/* option bytes are not reloaded after a write: reset or power cycle */
	CHIP_QUIRK_OPTIONS_NOT_RELOADED,
	/* Readout Unprotect takes effect after a power cycle only */
	CHIP_QUIRK_UNPROTECT_POWER_CYCLE,
	/* program width depends on a voltage byte at 0xFFFF0000 */
	CHIP_QUIRK_VOLTAGE_RANGE,
	/* initial MSP must be below the end of RAM - 16 for Go */
	CHIP_QUIRK_MSP_BELOW_RAM_END_16,
	/* reports protocol 2.0 although it is 2.2 */
	CHIP_QUIRK_VERSION_WRONG,
	/* DFU: the poll time of a mass erase is far too short */
	CHIP_QUIRK_DFU_POLL_SHORT,
	/* DFU: bwPollTimeout is always 0 */
	CHIP_QUIRK_DFU_POLL_ZERO,
	/* DFU: bwPollTimeout is a thousand times too long */
	CHIP_QUIRK_DFU_POLL_LONG,
	/* DFU: GETSTATUS STALLs while the device is busy, and the poll time is too short */
	CHIP_QUIRK_DFU_POLL_STALL,
	/* DFU: the GETSTATUS that starts an erase is answered after the erase */
	CHIP_QUIRK_DFU_ERASE_BLOCKS,
	/* DFU: Set Address Pointer tells a long poll time for nothing */
	CHIP_QUIRK_DFU_SET_ADDRESS_SLOW,
	/* DFU: the first GETSTATUS after a request says dfuDNLOAD-IDLE at once */
	CHIP_QUIRK_DFU_ANSWERS_IDLE,
	/* DFU: dfuDNBUSY at first contact, until CLRSTATUS was sent twice */
	CHIP_QUIRK_DFU_STARTS_BUSY,
	/* DFU: dfuDNBUSY does not end after an erase, until CLRSTATUS was sent twice */
	CHIP_QUIRK_DFU_STUCK_BUSY,
	/* DFU: CLRSTATUS STALLs outside dfuERROR */
	CHIP_QUIRK_DFU_CLRSTATUS_STALL,
	/* DFU: GET_DESCRIPTOR of the functional descriptor is never answered */
	CHIP_QUIRK_DFU_DESCRIPTOR_HANG,
	/* DFU: no answer to the GETSTATUS after the leave request */
	CHIP_QUIRK_DFU_LEAVE_SILENT,
	/* DFU: the leave request starts nothing unless the address was set before it */
	CHIP_QUIRK_DFU_LEAVE_NEEDS_ADDRESS,
	/* DFU: the address pointer holds for one block only, then it is the base of flash again */
	CHIP_QUIRK_DFU_POINTER_PER_BLOCK,
	/* DFU: the block number is multiplied by the length of that request, not the transfer size */
	CHIP_QUIRK_DFU_BLOCK_BY_LENGTH,
	/* DFU: blocks of more than 256 bytes that are no multiple of 8 are written wrongly */
	CHIP_QUIRK_DFU_WRITE_CORRUPTS,
	/* DFU: units of bank 2 are not erased, without an error */
	CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN,
	/* DFU: erase of unit i of bank 2 erases unit i + 4 */
	CHIP_QUIRK_DFU_BANK2_ERASE_SHIFTED,
	/* DFU: mass erase erases nothing, without an error */
	CHIP_QUIRK_DFU_MASS_ERASE_BROKEN,
	/* DFU: the memory map string has wrong unit sizes */
	CHIP_QUIRK_DFU_LAYOUT_WRONG,
	/* DFU: zones that cannot be erased are called erasable */
	CHIP_QUIRK_DFU_ZONES_MISLABELLED,
	/* DFU: under read-out protection writes are dropped without an error */
	CHIP_QUIRK_DFU_RDP_DROPS,
	/* DFU: on fast hosts a control transfer fails now and then; the next try works */
	CHIP_QUIRK_DFU_FIRST_TRY_FAILS,
	/* DFU: all devices have the same serial number */
	CHIP_QUIRK_DFU_SERIAL_SAME,
	/* DFU: seconds from reset until the device is on the bus */
	CHIP_QUIRK_DFU_SLOW_START,
	/* I2C: this version of the ROM has none */
	CHIP_QUIRK_I2C_ABSENT,
	/* I2C: Write Unprotect 0x73 removes the read-out protection: a mass erase; 0x74 does not */
	CHIP_QUIRK_I2C_WRITE_UNPROTECT_ERASES,
	/* I2C: an erase of several pages ends with a NACK although the pages are erased */
	CHIP_QUIRK_I2C_ERASE_NACKED_DONE,
	/* I2C: the last status of a page erase never comes; the pages are erased */
	CHIP_QUIRK_I2C_ERASE_NO_LAST_ACK,
	/* I2C: the checksum of the page packet goes on from that of the count packet */
	CHIP_QUIRK_I2C_ERASE_XOR_COUNT,
	/* I2C: more than two pages in one erase command, and mass erase, are NACKed */
	CHIP_QUIRK_I2C_ERASE_MAX_2,
	/* I2C: writes of more than 64 bytes are NACKed */
	CHIP_QUIRK_I2C_WRITE_64,
	/* I2C: mass erase covers only bank 2 */
	CHIP_QUIRK_I2C_MASS_ERASE_BANK2_ONLY,
	/* I2C: the no-stretch erase 0x45 holds the clock like 0x44 */
	CHIP_QUIRK_I2C_NO_STRETCH_STRETCHES,
	/* worth telling a person, nothing for the program to do */
	CHIP_QUIRK_NOTE,
	CHIP_QUIRK_COUNT
};

#define QUIRK_ANY_PID 0

struct quirk_row {
	enum chip_quirk quirk;
	uint16_t pid;             /* QUIRK_ANY_PID: see series */
	const char *series;       /* NULL with QUIRK_ANY_PID: all chips */
	uint8_t rom_min, rom_max; /* bootloader ids, both included; 0..0xFF: all */
	/* False: seen on some parts only. The driver is careful; the simulator does it on demand. */
	bool always;
	const char *source; /* "AN2606", "stm32loader#31" */
	const char *text;   /* one line for people: what it means for them */
};

/*
 * True if `q` applies.
 *
 * c       NULL: no chip-specific row applies
 * rom_id  bootloader id such as 0x91; 0: not known, then every row of the chip applies, because
 *         being careful costs little
 */
bool quirk_applies(const struct chip *c, uint8_t rom_id, enum chip_quirk q);

/* The same, only rows that hold on every part: what the simulator does of its own accord. Where
 * `rom_id` is 0 only rows for all bootloader ids count. */
bool quirk_certain(const struct chip *c, uint8_t rom_id, enum chip_quirk q);

/* Rows about this chip, without those for all chips, one after the other: start with *pos = 0; NULL
 * at the end. For `probe`. */
const struct quirk_row *quirk_next(const struct chip *c, uint8_t rom_id, size_t *pos);

/* The name of CHIP_QUIRK_DOUBLE_NACK_RDP is "double-nack-rdp"; static, never NULL. */
const char *quirk_name(enum chip_quirk q);

/* ERR_USAGE if there is no quirk of that name. */
int quirk_find(const char *name, enum chip_quirk *ret, struct err *e);

#endif
