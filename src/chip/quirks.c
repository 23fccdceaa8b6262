/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quirks.c - the table of ROM bootloader quirks, and who they apply to
 *
 * Rows of one transport say so in their text. Sources as AN2606 (around Rev 70), AN3155 Rev 20,
 * AN3156 Rev 17, AN4221 Rev 14, or repository and issue number. "unconfirmed" means reported by
 * word of mouth, no public source found.
 */
#include <stmota/quirks.h>

#include <string.h>

#define ALL_ROMS          0x00, 0xFF
#define ROM(id)           id, id
#define ROMS(first, last) first, last

/* One row per quirk and chip or series; `ALWAYS` and `SOMETIMES` as quirks.h says. */
#define ALWAYS    true
#define SOMETIMES false
#define PID(p)    p, NULL
#define SERIES(s) QUIRK_ANY_PID, s
#define ANY       QUIRK_ANY_PID, NULL

static const struct quirk_row rows[] = {
	/* clang-format off: a table */
	/* synchronisation and link */
	{CHIP_QUIRK_DOUBLE_ACK_SYNC, PID(0x464), ROM(0xD1), ALWAYS, "AN2606",
		"sends two ACKs for 0x7F"},
	{CHIP_QUIRK_SYNC_TWICE, PID(0x450), ALL_ROMS, SOMETIMES, "AN2606",
		"USART1 on PB14/PB15 needs a second 0x7F; PB15 low blocks everything but USB"},
	{CHIP_QUIRK_STRAY_ZERO_SYNC, PID(0x463), ALL_ROMS, SOMETIMES, "stm32loader#46",
		"one stray 0x00 may come ahead of the first ACK"},
	{CHIP_QUIRK_STRAY_ZERO_SYNC, ANY, ALL_ROMS, SOMETIMES, "stm32loader#46",
		"one stray 0x00 may come ahead of the first ACK"},
	{CHIP_QUIRK_PARITY_NONE, SERIES("WB0"), ALL_ROMS, ALWAYS, "AN2606", "speaks 8N1, not 8E1"},
	{CHIP_QUIRK_PARITY_NONE, SERIES("WL3"), ALL_ROMS, ALWAYS, "AN2606", "speaks 8N1, not 8E1"},
	{CHIP_QUIRK_BAUD_MAX_57600, PID(0x422), ALL_ROMS, SOMETIMES, "AN2606",
		"F358: more than 57600 baud fails"},
	{CHIP_QUIRK_BAUD_MAX_57600, PID(0x432), ALL_ROMS, SOMETIMES, "AN2606",
		"F378: more than 57600 baud fails"},
	{CHIP_QUIRK_BAUD_MAX_57600, SERIES("F7"), ALL_ROMS, SOMETIMES, "AN2606",
		"measures the baud rate with up to 6 % error: use 57600 or lower if 115200 fails"},
	{CHIP_QUIRK_BYTE_PACING, PID(0x435), ALL_ROMS, SOMETIMES, "unconfirmed",
		"L432: bytes may be lost unless 1 ms lies between them"},
	{CHIP_QUIRK_NOTE, PID(0x418), ALL_ROMS, SOMETIMES, "AN2606",
		"parts with a date code before 937 need the other RX pins held high"},
	{CHIP_QUIRK_NOTE, PID(0x466), ROMS(0x51, 0x52), SOMETIMES, "AN2606",
		"hangs while PA3 is low: pull it up"},
	{CHIP_QUIRK_NOTE, PID(0x456), ROM(0x50), SOMETIMES, "AN2606",
		"USART2 jitters: use USART1 or a lower baud rate"},
	{CHIP_QUIRK_NOTE, PID(0x495), ALL_ROMS, SOMETIMES, "AN2606",
		"repeated resets can overrun the USART until a hardware reset (fixed in FUS "
		"1.0.1/2)"},
	{CHIP_QUIRK_NOTE, PID(0x478), ROM(0xE0), ALWAYS, "AN2606",
		"H523: the I2C and I3C pins differ from the table: use the UART"},

	/* answers */
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x444), ROM(0x10), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x440), ROM(0x21), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x411), ROM(0x33), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x413), ROM(0x31), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x413), ROM(0x90), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x427), ROM(0x40), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x437), ROM(0x40), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_DOUBLE_NACK_RDP, PID(0x436), ROM(0x45), ALWAYS, "AN2606",
		"two NACKs for Read and Write under read-out protection"},
	{CHIP_QUIRK_BAD_ADDRESS_NO_NACK, PID(0x411), ROM(0x20), ALWAYS, "AN2606",
		"no NACK for a bad address"},
	{CHIP_QUIRK_BAD_ADDRESS_NO_NACK, PID(0x411), ROM(0x32), ALWAYS, "AN2606",
		"no NACK for a bad address"},
	{CHIP_QUIRK_BAD_ADDRESS_NO_NACK, PID(0x413), ROM(0x30), ALWAYS, "AN2606",
		"no NACK for a bad address"},
	{CHIP_QUIRK_BAD_ADDRESS_NO_NACK, PID(0x416), ROM(0x20), ALWAYS, "AN2606",
		"no NACK for a bad address"},
	{CHIP_QUIRK_BAD_ADDRESS_NO_NACK, PID(0x429), ROM(0x20), ALWAYS, "AN2606",
		"no NACK for a bad address"},
	{CHIP_QUIRK_GET_WRONG_COUNT, PID(0x450), ROM(0x90), ALWAYS, "AN2606",
		"the answer to Get has a wrong count"},
	{CHIP_QUIRK_VERSION_WRONG, PID(0x418), ALL_ROMS, ALWAYS, "AN2606",
		"reports protocol 2.0 for 2.2: the command list is what counts"},

	/* Go */
	{CHIP_QUIRK_GO_FIRST_ACK_MISSING, PID(0x450), ROM(0x90), ALWAYS, "AN2606",
		"the first ACK of Go is missing"},
	{CHIP_QUIRK_GO_BROKEN, PID(0x450), ROM(0xD2), ALWAYS, "AN2606",
		"Go and USART2 do not work: reset by line"},
	{CHIP_QUIRK_GO_BROKEN, PID(0x472), ROM(0x90), SOMETIMES, "AN2606",
		"Go by USB does not work, TrustZone limits the option bytes: reset instead"},
	{CHIP_QUIRK_MSP_BELOW_RAM_END_16, PID(0x450), ALL_ROMS, ALWAYS, "AN2606",
		"the stack pointer of the image must lie below the end of RAM - 16"},
	{CHIP_QUIRK_NOTE, PID(0x467), ALL_ROMS, ALWAYS, "AN2606", "Go disables debugging"},
	{CHIP_QUIRK_NOTE, SERIES("F4"), ALL_ROMS, ALWAYS, "AN2606",
		"after Go the CCM RAM is off until the application enables it"},
	{CHIP_QUIRK_NOTE, PID(0x435), ALL_ROMS, SOMETIMES, "AN2606",
		"where 0x1FFF6FF2 reads 0xFF, Go clears RTCAPBEN: reset instead"},
	{CHIP_QUIRK_NOTE, PID(0x450), ALL_ROMS, ALWAYS, "AN2606",
		"PWR_CR3 is written once per power cycle: reset by line after flashing"},
	{CHIP_QUIRK_NOTE, PID(0x480), ALL_ROMS, ALWAYS, "AN2606",
		"PWR_CR3 is written once per power cycle: reset by line after flashing"},
	{CHIP_QUIRK_NOTE, PID(0x483), ALL_ROMS, ALWAYS, "AN2606",
		"PWR_CR3 is written once per power cycle: reset by line after flashing"},
	{CHIP_QUIRK_NOTE, PID(0x436), ROM(0x42), ALWAYS, "AN2606",
		"the stack of the ROM is invalid on parts with small RAM: reset by line"},

	/* erase */
	{CHIP_QUIRK_ONE_PAGE_PER_ERASE, PID(0x460), ROM(0xB3), ALWAYS, "AN2606",
		"several pages in one erase command are not erased reliably"},
	{CHIP_QUIRK_ERASE_PAUSE_40_MS, PID(0x460), ROM(0xB3), ALWAYS, "AN2606",
		"erase commands need a pause of 40 ms"},
	{CHIP_QUIRK_ONE_PAGE_PER_ERASE, PID(0x454), ROM(0xE1), ALWAYS, "AN2606",
		"several pages in one erase command: only the first is erased"},
	{CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE, PID(0x467), ROM(0xD0), ALWAYS, "AN2606",
		"several pages of bank 2 in one erase command are not erased reliably"},
	{CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE, PID(0x467), ROM(0x92), ALWAYS, "AN2606",
		"several pages of bank 2 in one erase command are not erased reliably"},
	{CHIP_QUIRK_BANK2_ERASE_EARLY_ACK, PID(0x450), ROM(0x91), ALWAYS, "AN2606",
		"an erase in bank 2 is ACKed before it is done"},
	{CHIP_QUIRK_BANK_ERASE_BROKEN, PID(0x450), ROM(0xD3), ALWAYS, "AN2606",
		"bank erase does not work: sectors are erased one by one"},
	{CHIP_QUIRK_BANK_ERASE_BROKEN, PID(0x461), ROM(0x93), ALWAYS, "AN2606",
		"bank erase is refused: pages are erased one by one"},
	{CHIP_QUIRK_NO_MASS_ERASE, SERIES("L0"), ALL_ROMS, ALWAYS,
		"AN2606, stm32flash, stm32loader PR#65", "no mass erase: page by page"},
	{CHIP_QUIRK_NO_MASS_ERASE, SERIES("L1"), ALL_ROMS, ALWAYS,
		"AN2606, stm32flash, stm32loader PR#65", "no mass erase: page by page"},
	{CHIP_QUIRK_ERASE_MAX_512, SERIES("L1"), ALL_ROMS, ALWAYS, "stm32flash, AN4221",
		"at most 512 pages in one erase command"},
	{CHIP_QUIRK_ERASE_MAX_512, ANY, ALL_ROMS, SOMETIMES, "AN4221",
		"at most 512 pages in one erase command"},
	{CHIP_QUIRK_NOTE, PID(0x484), ROM(0xE4), ALWAYS, "AN2606",
		"1 MB parts: EEPROM sector erase does not work"},

	/* read and write */
	{CHIP_QUIRK_WHOLE_BLOCK_READS, SERIES("L0"), ALL_ROMS, ALWAYS, "stm32loader#61",
		"unique id and flash size are read within a larger block"},
	{CHIP_QUIRK_WHOLE_BLOCK_READS, PID(0x433), ALL_ROMS, ALWAYS, "stm32loader PR#25",
		"unique id and flash size are read within a larger block"},
	{CHIP_QUIRK_WHOLE_BLOCK_READS, SERIES("F4"), ALL_ROMS, SOMETIMES, "stm32loader",
		"unique id and flash size are read within a larger block"},
	{CHIP_QUIRK_WRITE_128, SERIES("L0"), ALL_ROMS, SOMETIMES, "stm32loader",
		"some accept only writes of 128 aligned bytes"},
	{CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32, PID(0x483), ALL_ROMS, ALWAYS,
		"ST forum (ST employee)", "the first write after a read loses its first 32 bytes"},
	{CHIP_QUIRK_UNALIGNED_WRITE_POISONS, PID(0x474), ALL_ROMS, ALWAYS, "ST forum, AN2606",
		"after a write that is not whole flash words, later writes are lost"},
	{CHIP_QUIRK_UNALIGNED_WRITE_POISONS, PID(0x450), ALL_ROMS, ALWAYS, "ST forum, AN2606",
		"after a write that is not whole flash words, later writes are lost"},
	{CHIP_QUIRK_RAM_ACCESS_NONE, PID(0x425), ALL_ROMS, ALWAYS, "AN2606",
		"RAM can be neither read nor written"},
	{CHIP_QUIRK_VOLTAGE_RANGE, SERIES("F2"), ALL_ROMS, ALWAYS, "AN2606",
		"programs byte by byte unless a supply of 2.7 V or more is declared"},
	{CHIP_QUIRK_VOLTAGE_RANGE, SERIES("F4"), ALL_ROMS, ALWAYS, "AN2606",
		"programs byte by byte unless a supply of 2.7 V or more is declared"},
	{CHIP_QUIRK_VOLTAGE_RANGE, SERIES("F7"), ALL_ROMS, ALWAYS, "AN2606",
		"programs byte by byte unless a supply of 2.7 V or more is declared"},
	{CHIP_QUIRK_NOTE, PID(0x497), ALL_ROMS, ALWAYS, "AN2606",
		"the registers SFR and SRRVR cannot be reached"},
	{CHIP_QUIRK_NOTE, SERIES("WB"), ALL_ROMS, SOMETIMES, "unconfirmed",
		"pages of the radio stack are protected: keep the image below the SFSA boundary"},
	{CHIP_QUIRK_NOTE, SERIES("L4"), ALL_ROMS, ALWAYS, "AN2606",
		"PcROP option bytes cannot be written"},

	/* I2C */
	{CHIP_QUIRK_I2C_ABSENT, PID(0x413), ROMS(0x01, 0x31), ALWAYS, "AN2606",
		"this version of the ROM has no I2C"},
	{CHIP_QUIRK_I2C_ABSENT, PID(0x419), ROM(0x70), ALWAYS, "AN2606",
		"this version of the ROM has no I2C"},
	{CHIP_QUIRK_I2C_ABSENT, PID(0x447), ROM(0x41), ALWAYS, "AN2606",
		"this version of the ROM has no I2C"},
	{CHIP_QUIRK_I2C_WRITE_UNPROTECT_ERASES, SERIES("WB"), ALL_ROMS, ALWAYS, "AN2606",
		"over I2C: Write Unprotect 0x73 is a mass erase: 0x74 is used"},
	{CHIP_QUIRK_I2C_ERASE_NACKED_DONE, PID(0x435), ALL_ROMS, SOMETIMES, "public I2C host",
		"over I2C: an erase of several pages may end with a NACK although it was done"},
	{CHIP_QUIRK_I2C_ERASE_NO_LAST_ACK, PID(0x435), ALL_ROMS, SOMETIMES, "unconfirmed",
		"over I2C: the last answer of an erase may never come although it was done"},
	{CHIP_QUIRK_I2C_ERASE_XOR_COUNT, PID(0x467), ALL_ROMS, SOMETIMES, "ST forum",
		"over I2C: an erase of several pages may be refused: one page for each command"},
	{CHIP_QUIRK_I2C_ERASE_MAX_2, PID(0x474), ALL_ROMS, SOMETIMES, "public Binho host script",
		"on an I3C controller: at most two pages in one erase command, no mass erase"},
	{CHIP_QUIRK_I2C_WRITE_64, PID(0x435), ALL_ROMS, SOMETIMES, "unconfirmed",
		"over I2C: writes of 128 bytes or more may fail: 64 at a time"},
	{CHIP_QUIRK_I2C_MASS_ERASE_BANK2_ONLY, PID(0x450), ROM(0xD2), ALWAYS, "AN2606",
		"over I2C: mass erase covers only bank 2: sectors are erased one by one"},
	{CHIP_QUIRK_I2C_NO_STRETCH_STRETCHES, PID(0x456), ROM(0x51), ALWAYS, "AN2606",
		"over I2C: the no-stretch erase holds the clock all the same"},
	{CHIP_QUIRK_NOTE, PID(0x460), ALL_ROMS, SOMETIMES, "AN2606",
		"over I2C: the clock is held while PC11 is low: pull it up"},
	{CHIP_QUIRK_NOTE, PID(0x422), ALL_ROMS, ALWAYS, "AN4221, AN2606",
		"over I2C: F358 resets itself after 10 ms of silence inside a command"},
	{CHIP_QUIRK_NOTE, PID(0x432), ALL_ROMS, ALWAYS, "AN4221, AN2606",
		"over I2C: F378 resets itself after 10 ms of silence inside a command"},

	/* boot */
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x445), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x442), ALL_ROMS, SOMETIMES, "stm32flash",
		"F030xC: after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x457), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x435), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x462), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x456), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x466), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x460), ROMS(0x00, 0xB2), ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x443), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_LATCHED, PID(0x453), ALL_ROMS, ALWAYS, "stm32flash",
		"after the first programming only a power cycle leaves the ROM"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x44C), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x493), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x44D), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x460), ROM(0xB3), ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x467), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x459), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_EMPTY_CHECK_CLEARED, PID(0x489), ALL_ROMS, ALWAYS, "AN2606",
		"a reset before the image is written starts empty flash: power cycle"},
	{CHIP_QUIRK_BOOT_EVERY_SECOND_RESET, PID(0x470), ALL_ROMS, SOMETIMES,
		"stlink-org/stlink#1482", "L4R5: every second reset may start the ROM"},
	{CHIP_QUIRK_NOTE, PID(0x461), ALL_ROMS, SOMETIMES, "ES0335 2.2.8, 2.2.9",
		"with BFB2 = 1 a bank starts only if its stack pointer lies in SRAM1 or at "
		"0x10000000"},
	{CHIP_QUIRK_NOTE, PID(0x469), ROM(0xD3), ALWAYS, "AN2606, ST forum (ST employee)",
		"booting from bank 2 needs BFB2 = 1, nBOOT0 = 1, nBOOT1 = 0"},
	{CHIP_QUIRK_NOTE, PID(0x451), ALL_ROMS, ALWAYS, "AN2606",
		"BOOT_ADD0 counts only in the dual-boot configuration"},
	{CHIP_QUIRK_NOTE, SERIES("WB0"), ALL_ROMS, ALWAYS, "AN2606", "PA10 high starts the ROM"},

	/* protection and option bytes */
	{CHIP_QUIRK_OPTIONS_NOT_RELOADED, PID(0x460), ROM(0xB2), ALWAYS, "AN2606",
		"option bytes take effect after a reset or power cycle only"},
	{CHIP_QUIRK_UNPROTECT_POWER_CYCLE, PID(0x495), ROM(0xD5), ALWAYS, "AN2606",
		"Readout Unprotect takes effect after a power cycle only"},
	{CHIP_QUIRK_NOTE, SERIES("H5"), ALL_ROMS, ALWAYS, "AN3155",
		"no read-out protection commands: PRODUCT_STATE takes their place"},
	{CHIP_QUIRK_NOTE, SERIES("F7"), ALL_ROMS, SOMETIMES, "rusefi/rusefi#3597",
		"Readout Unprotect can leave BOOT_ADD or nDBANK wrong: read the option bytes "
		"again"},
	{CHIP_QUIRK_NOTE, SERIES("F7"), ALL_ROMS, SOMETIMES, "STMicroelectronics/STM32CubeF7#96",
		"a reset while option bytes are written raises read-out protection"},

	/* USB DFU */
	{CHIP_QUIRK_DFU_POLL_SHORT, PID(0x413), ALL_ROMS, ALWAYS, "dfu-util",
		"DFU: the poll time of a mass erase is 100 ms, it takes up to 32 s"},
	{CHIP_QUIRK_DFU_POLL_STALL, SERIES("L4"), ALL_ROMS, ALWAYS, "dfu-util",
		"DFU: a status request that comes early is refused: wait again"},
	{CHIP_QUIRK_DFU_ERASE_BLOCKS, PID(0x449), ALL_ROMS, ALWAYS, "fwupd PR#1944",
		"DFU: status requests are answered after the erase only: allow 5 s"},
	{CHIP_QUIRK_DFU_STARTS_BUSY, PID(0x450), ALL_ROMS, SOMETIMES,
		"betaflight-configurator#1972, PR#1861, PR#5348",
		"DFU: revision V may be stuck in dfuDNBUSY at first contact"},
	{CHIP_QUIRK_DFU_CLRSTATUS_STALL, SERIES("C5"), ALL_ROMS, ALWAYS,
		"betaflight-configurator PR#5300", "DFU: CLRSTATUS is refused outside dfuERROR"},
	{CHIP_QUIRK_DFU_DESCRIPTOR_HANG, SERIES("C5"), ALL_ROMS, ALWAYS,
		"betaflight-configurator PR#5300",
		"DFU: a request for the functional descriptor is never answered"},
	{CHIP_QUIRK_DFU_LEAVE_SILENT, SERIES("F7"), ALL_ROMS, ALWAYS, "fwupd PR#2057",
		"DFU: an error after the leave request is normal"},
	{CHIP_QUIRK_DFU_LEAVE_SILENT, ANY, ALL_ROMS, SOMETIMES,
		"crow#128, particle-iot/device-os#599", "DFU: an error after the leave request is normal"},
	{CHIP_QUIRK_DFU_LEAVE_NEEDS_ADDRESS, PID(0x493), ALL_ROMS, ALWAYS, "LibUsbDfu#13",
		"DFU: the leave request needs the address set before it"},
	{CHIP_QUIRK_DFU_WRITE_CORRUPTS, PID(0x435), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: with version id FF blocks must be multiples of 8 bytes"},
	{CHIP_QUIRK_DFU_WRITE_CORRUPTS, PID(0x415), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: with version id FF blocks must be multiples of 8 bytes"},
	{CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN, PID(0x419), ROM(0x70), ALWAYS, "AN2606",
		"DFU: in dual-bank mode bank 2 cannot be erased: use the UART, or mass erase"},
	{CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN, PID(0x419), ROMS(0x90, 0x91), ALWAYS, "AN2606",
		"DFU: in dual-bank mode bank 2 cannot be erased: use the UART, or mass erase"},
	{CHIP_QUIRK_DFU_BANK2_ERASE_SHIFTED, PID(0x451), ROM(0x93), ALWAYS,
		"AN2606, STM32Cube_MCU_Overall_Offer#34",
		"DFU: an erase in bank 2 hits the unit four further on: use mass erase"},
	{CHIP_QUIRK_DFU_MASS_ERASE_BROKEN, PID(0x450), ROM(0xD3), ALWAYS, "AN2606",
		"DFU: mass erase does not work: sectors are erased one by one"},
	{CHIP_QUIRK_DFU_LAYOUT_WRONG, PID(0x483), ROM(0x91), ALWAYS, "AN2606",
		"DFU: the memory map that the device tells is wrong"},
	{CHIP_QUIRK_DFU_LAYOUT_WRONG, PID(0x480), ROM(0x90), ALWAYS, "AN2606",
		"DFU: the memory map that the device tells is wrong"},
	{CHIP_QUIRK_DFU_ZONES_MISLABELLED, PID(0x411), ROM(0x32), ALWAYS, "AN2606",
		"DFU: option bytes and OTP are called erasable and are not"},
	{CHIP_QUIRK_DFU_ZONES_MISLABELLED, PID(0x413), ROM(0x30), ALWAYS, "AN2606",
		"DFU: option bytes and OTP are called erasable and are not"},
	{CHIP_QUIRK_DFU_ZONES_MISLABELLED, PID(0x418), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: before 2.2 option bytes are called erasable and are not"},
	{CHIP_QUIRK_DFU_RDP_DROPS, SERIES("U5"), ALL_ROMS, ALWAYS, "inertial-sense-sdk PR#1186",
		"DFU: under read-out protection writes are dropped without an error"},
	{CHIP_QUIRK_DFU_FIRST_TRY_FAILS, PID(0x445), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: fails on fast high-speed hosts: use a full-speed hub"},
	{CHIP_QUIRK_DFU_FIRST_TRY_FAILS, PID(0x448), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: fails on fast high-speed hosts: use a full-speed hub"},
	{CHIP_QUIRK_DFU_FIRST_TRY_FAILS, SERIES("F3"), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: fails on fast high-speed hosts: use a full-speed hub"},
	{CHIP_QUIRK_DFU_FIRST_TRY_FAILS, PID(0x447), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: fails on fast high-speed hosts: use a full-speed hub"},
	{CHIP_QUIRK_DFU_FIRST_TRY_FAILS, SERIES("L1"), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: fails on fast high-speed hosts: use a full-speed hub"},
	{CHIP_QUIRK_DFU_SLOW_START, PID(0x415), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: without LSE the device appears 2.5 s after the reset"},
	{CHIP_QUIRK_DFU_SLOW_START, PID(0x418), ALL_ROMS, SOMETIMES, "AN2606",
		"DFU: with a crystal of 8 MHz the device appears 13.7 s after the reset"},
	{CHIP_QUIRK_DFU_POLL_ZERO, ANY, ALL_ROMS, SOMETIMES, "dfu-util",
		"DFU: the poll time may always be 0"},
	{CHIP_QUIRK_DFU_POLL_LONG, ANY, ALL_ROMS, SOMETIMES, "zephyrproject-rtos/zephyr PR#14662",
		"DFU: the poll time may be wrongly scaled"},
	{CHIP_QUIRK_DFU_SET_ADDRESS_SLOW, ANY, ALL_ROMS, SOMETIMES, "dfu-util",
		"DFU: setting the address may tell a poll time for nothing"},
	{CHIP_QUIRK_DFU_ANSWERS_IDLE, ANY, ALL_ROMS, SOMETIMES, "AN3156",
		"DFU: the first status request may be answered with dfuDNLOAD-IDLE"},
	{CHIP_QUIRK_DFU_STUCK_BUSY, ANY, ALL_ROMS, SOMETIMES, "betaflight-configurator#1972",
		"DFU: may stay in dfuDNBUSY past the reported time"},
	{CHIP_QUIRK_DFU_POINTER_PER_BLOCK, ANY, ALL_ROMS, SOMETIMES, "unconfirmed",
		"DFU: the address may have to be set before each block"},
	{CHIP_QUIRK_DFU_BLOCK_BY_LENGTH, ANY, ALL_ROMS, SOMETIMES, "AN3156",
		"DFU: the block number may count lengths of the request"},
	{CHIP_QUIRK_DFU_SERIAL_SAME, ANY, ALL_ROMS, SOMETIMES, "dfu-util",
		"DFU: the serial number may not be unique"},
	/* clang-format on */
};

static bool about_chip(const struct quirk_row *r, const struct chip *c)
{
	if (r->pid == QUIRK_ANY_PID && r->series == NULL)
		return true;
	if (c == NULL)
		return false;
	return r->pid != QUIRK_ANY_PID ? r->pid == c->pid : strcmp(r->series, c->series) == 0;
}

static bool row_applies(const struct quirk_row *r, const struct chip *c, uint8_t rom_id)
{
	return about_chip(r, c) && (rom_id == 0 || (rom_id >= r->rom_min && rom_id <= r->rom_max));
}

bool quirk_applies(const struct chip *c, uint8_t rom_id, enum chip_quirk q)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].quirk == q && row_applies(&rows[i], c, rom_id))
			return true;
	return false;
}

bool quirk_certain(const struct chip *c, uint8_t rom_id, enum chip_quirk q)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct quirk_row *r = &rows[i];
		bool all_roms = r->rom_min == 0 && r->rom_max == 0xFF;

		if (r->quirk == q && r->always && row_applies(r, c, rom_id) &&
			(rom_id != 0 || all_roms))
			return true;
	}
	return false;
}

const struct quirk_row *quirk_next(const struct chip *c, uint8_t rom_id, size_t *pos)
{
	while (*pos < ARRAY_LEN(rows)) {
		const struct quirk_row *r = &rows[(*pos)++];
		bool everywhere = r->pid == QUIRK_ANY_PID && r->series == NULL;

		if (!everywhere && row_applies(r, c, rom_id))
			return r;
	}
	return NULL;
}

static const char *const names[CHIP_QUIRK_COUNT] = {
	[CHIP_QUIRK_DOUBLE_NACK_RDP] = "double-nack-rdp",
	[CHIP_QUIRK_BAD_ADDRESS_NO_NACK] = "bad-address-no-nack",
	[CHIP_QUIRK_DOUBLE_ACK_SYNC] = "double-ack-sync",
	[CHIP_QUIRK_SYNC_TWICE] = "sync-twice",
	[CHIP_QUIRK_STRAY_ZERO_SYNC] = "stray-zero-sync",
	[CHIP_QUIRK_GET_WRONG_COUNT] = "get-wrong-count",
	[CHIP_QUIRK_GO_FIRST_ACK_MISSING] = "go-first-ack-missing",
	[CHIP_QUIRK_GO_BROKEN] = "go-broken",
	[CHIP_QUIRK_PARITY_NONE] = "parity-none",
	[CHIP_QUIRK_BAUD_MAX_57600] = "baud-max-57600",
	[CHIP_QUIRK_BYTE_PACING] = "byte-pacing",
	[CHIP_QUIRK_ONE_PAGE_PER_ERASE] = "one-page-per-erase",
	[CHIP_QUIRK_BANK2_ONE_PAGE_PER_ERASE] = "bank2-one-page-per-erase",
	[CHIP_QUIRK_ERASE_PAUSE_40_MS] = "erase-pause-40-ms",
	[CHIP_QUIRK_BANK2_ERASE_EARLY_ACK] = "bank2-erase-early-ack",
	[CHIP_QUIRK_BANK_ERASE_BROKEN] = "bank-erase-broken",
	[CHIP_QUIRK_NO_MASS_ERASE] = "no-mass-erase",
	[CHIP_QUIRK_ERASE_MAX_512] = "erase-max-512",
	[CHIP_QUIRK_WRITE_AFTER_READ_LOSES_32] = "write-after-read-loses-32",
	[CHIP_QUIRK_UNALIGNED_WRITE_POISONS] = "unaligned-write-poisons",
	[CHIP_QUIRK_WRITE_128] = "write-128",
	[CHIP_QUIRK_WHOLE_BLOCK_READS] = "whole-block-reads",
	[CHIP_QUIRK_RAM_ACCESS_NONE] = "ram-access-none",
	[CHIP_QUIRK_EMPTY_CHECK_LATCHED] = "empty-check-latched",
	[CHIP_QUIRK_EMPTY_CHECK_CLEARED] = "empty-check-cleared",
	[CHIP_QUIRK_BOOT_EVERY_SECOND_RESET] = "boot-every-second-reset",
	[CHIP_QUIRK_OPTIONS_NOT_RELOADED] = "options-not-reloaded",
	[CHIP_QUIRK_UNPROTECT_POWER_CYCLE] = "unprotect-power-cycle",
	[CHIP_QUIRK_VOLTAGE_RANGE] = "voltage-range",
	[CHIP_QUIRK_MSP_BELOW_RAM_END_16] = "msp-below-ram-end-16",
	[CHIP_QUIRK_VERSION_WRONG] = "version-wrong",
	[CHIP_QUIRK_DFU_POLL_SHORT] = "dfu-poll-short",
	[CHIP_QUIRK_DFU_POLL_ZERO] = "dfu-poll-zero",
	[CHIP_QUIRK_DFU_POLL_LONG] = "dfu-poll-long",
	[CHIP_QUIRK_DFU_POLL_STALL] = "dfu-poll-stall",
	[CHIP_QUIRK_DFU_ERASE_BLOCKS] = "dfu-erase-blocks",
	[CHIP_QUIRK_DFU_SET_ADDRESS_SLOW] = "dfu-set-address-slow",
	[CHIP_QUIRK_DFU_ANSWERS_IDLE] = "dfu-answers-idle",
	[CHIP_QUIRK_DFU_STARTS_BUSY] = "dfu-starts-busy",
	[CHIP_QUIRK_DFU_STUCK_BUSY] = "dfu-stuck-busy",
	[CHIP_QUIRK_DFU_CLRSTATUS_STALL] = "dfu-clrstatus-stall",
	[CHIP_QUIRK_DFU_DESCRIPTOR_HANG] = "dfu-descriptor-hang",
	[CHIP_QUIRK_DFU_LEAVE_SILENT] = "dfu-leave-silent",
	[CHIP_QUIRK_DFU_LEAVE_NEEDS_ADDRESS] = "dfu-leave-needs-address",
	[CHIP_QUIRK_DFU_POINTER_PER_BLOCK] = "dfu-pointer-per-block",
	[CHIP_QUIRK_DFU_BLOCK_BY_LENGTH] = "dfu-block-by-length",
	[CHIP_QUIRK_DFU_WRITE_CORRUPTS] = "dfu-write-corrupts",
	[CHIP_QUIRK_DFU_BANK2_ERASE_BROKEN] = "dfu-bank2-erase-broken",
	[CHIP_QUIRK_DFU_BANK2_ERASE_SHIFTED] = "dfu-bank2-erase-shifted",
	[CHIP_QUIRK_DFU_MASS_ERASE_BROKEN] = "dfu-mass-erase-broken",
	[CHIP_QUIRK_DFU_LAYOUT_WRONG] = "dfu-layout-wrong",
	[CHIP_QUIRK_DFU_ZONES_MISLABELLED] = "dfu-zones-mislabelled",
	[CHIP_QUIRK_DFU_RDP_DROPS] = "dfu-rdp-drops",
	[CHIP_QUIRK_DFU_FIRST_TRY_FAILS] = "dfu-first-try-fails",
	[CHIP_QUIRK_DFU_SERIAL_SAME] = "dfu-serial-same",
	[CHIP_QUIRK_DFU_SLOW_START] = "dfu-slow-start",
	[CHIP_QUIRK_I2C_ABSENT] = "i2c-absent",
	[CHIP_QUIRK_I2C_WRITE_UNPROTECT_ERASES] = "i2c-write-unprotect-erases",
	[CHIP_QUIRK_I2C_ERASE_NACKED_DONE] = "i2c-erase-nacked-done",
	[CHIP_QUIRK_I2C_ERASE_NO_LAST_ACK] = "i2c-erase-no-last-ack",
	[CHIP_QUIRK_I2C_ERASE_XOR_COUNT] = "i2c-erase-xor-count",
	[CHIP_QUIRK_I2C_ERASE_MAX_2] = "i2c-erase-max-2",
	[CHIP_QUIRK_I2C_WRITE_64] = "i2c-write-64",
	[CHIP_QUIRK_I2C_MASS_ERASE_BANK2_ONLY] = "i2c-mass-erase-bank2-only",
	[CHIP_QUIRK_I2C_NO_STRETCH_STRETCHES] = "i2c-no-stretch-stretches",
	[CHIP_QUIRK_NOTE] = "note",
};

const char *quirk_name(enum chip_quirk q)
{
	return names[q];
}

int quirk_find(const char *name, enum chip_quirk *ret, struct err *e)
{
	for (size_t i = 0; i < CHIP_QUIRK_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum chip_quirk)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "there is no quirk '%s'", name);
}
