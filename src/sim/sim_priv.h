/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_priv.h - what the files of the virtual board share
 *
 * One struct holds the whole board. What survives power off (flash, option bytes, EEPROM, OTP,
 * unique id) is marked; everything else is lost.
 */
#ifndef STMOTA_SIM_PRIV_H
#define STMOTA_SIM_PRIV_H

#include <stmota/buf.h>
#include <stmota/option_facts.h>
#include <stmota/quirks.h>

#include "sim.h"

#define SIM_OPTION_AREAS    OPTION_BLOCKS_MAX
#define SIM_OPTION_AREA_MAX OPTION_BLOCK_MAX
#define SIM_FAULTS_MAX      32
#define SIM_TX_MAX          4096u /* bytes on their way to a host that may not listen */
#define SIM_UNITS_MAX       4096u

/* How programming a word that is not erased ends. */
enum sim_program_rule {
	SIM_PROGRAM_AND,    /* F2, F4, F7: bits can only go to 0 */
	SIM_PROGRAM_OR,     /* L1: erased is 0, bits can only go to 1 */
	SIM_PROGRAM_ZERO,   /* F0, F1, F3: refused, except that any half-word may become 0 */
	SIM_PROGRAM_REFUSE, /* L0 and flash with ECC that checks first: the word stays */
	SIM_PROGRAM_GARBLE, /* H7, H5: bits go to 0 and the ECC no longer fits: rubbish */
};

enum sim_op { SIM_OP_ERASE, SIM_OP_PROGRAM, SIM_OP_OPTION };

enum sim_cpu {
	SIM_CPU_OFF, /* no power, or held in reset */
	SIM_CPU_ROM,
	SIM_CPU_APP,
	SIM_CPU_LOCKED, /* started something that is no program */
	SIM_CPU_STUCK,  /* hangs until reset */
};

/* Behaviour beyond enum chip_quirk, in the same set; the names are in sim_quirk.c. */
enum sim_quirk {
	SQ_CHECKSUM = CHIP_QUIRK_COUNT, /* 0xA1 is listed and works */
	SQ_CHECKSUM_ONE_ACK,            /* ... and there is one ACK less before the result */
	SQ_READ_PAST_END_FAULT,
	SQ_OPTION_CUT_RDP,
	SQ_RDP2_ROM,
	SQ_BOOT0_IGNORED,
	SQ_SLOW_AUTOBAUD,
	SQ_UNKNOWN_PID,
	SQ_BANK2_FROM_256,
	SQ_NUMBERS_BY_ADDRESS, /* of swapped banks */
	SQ_NUMBERS_BY_BANK,    /* ... in spite of that */
	SQ_I2C_READ_16,
	SQ_I2C_READ_32,
	SQ_I2C_BUSY_NACK,
	SQ_I2C_BUSY_STICKY,
	SQ_I2C_OPENBL, /* version and command list of OpenBL */
	SQ_I2C_WP_ONE_PACKET,
	SQ_I2C_LONG_READ_STRETCHES,
	SQ_I2C_OTHER_ADDRESS, /* of the two that sources name */
	SQ_ADAPTER_32,
	SQ_ADAPTER_PATIENT,
	SQ_ADAPTER_SMBUS,
	SQ_ADAPTER_STRETCH_25_MS,
	SQ_DFU_GD32,
	SQ_DFU_WATCHDOG,
	SQ_DFU_SHORT_UPLOAD,
	SQ_DFU_SIZE_LIES,
	SQ_APP_SILENT,
	SQ_BUTTON_RELEASED,
	SQ_END
};

/* ---- faults ---- */

enum sim_where {
	SIM_AT_RX,
	SIM_AT_TX,
	SIM_AT_OP,
	SIM_AT_ADDR, /* I2C: a call of its address */
	SIM_AT_CMD,
	SIM_AT_ID,
	SIM_AT_SIZE,
	SIM_AT_OPTION,
	SIM_AT_USB,
	SIM_AT_COUNT
};

enum sim_kind {
	SIM_DROP,
	SIM_DOUBLE,
	SIM_GARBLE,
	SIM_INSERT,
	SIM_DELAY,
	SIM_NACK,
	SIM_CUT,
	SIM_STUCK,
	SIM_VANISH,
	SIM_STALL,
	SIM_LOSE,
	SIM_FAIL,
};

struct sim_fault {
	enum sim_kind kind;
	enum sim_where where;
	uint8_t cmd; /* SIM_AT_CMD */
	uint64_t n;  /* fires at this event, counted from when the fault was added */
	uint32_t arg;
	bool fired;
};

/* ---- ROM ---- */

struct sim_board;

/* The interface that the host spoke to first; the others are dead until the next reset. */
enum sim_iface { SIM_IFACE_NONE, SIM_IFACE_UART, SIM_IFACE_I2C, SIM_IFACE_USB };

#define SIM_I2C_FRAMES 8
#define SIM_I2C_OUT    1200u

struct sim_i2c_frame { /* what the host must read in one message of just this length */
	uint32_t len;
	uint64_t ready_us;
	bool busy; /* until then the device answers 76 instead of stretching */
};

struct sim_i2c {
	struct sim_i2c_frame frames[SIM_I2C_FRAMES];
	size_t n_frames;
	uint8_t out[SIM_I2C_OUT]; /* the bytes of the frames */
	uint32_t out_len;
	bool open;                          /* the last frame takes further bytes */
	void (*after)(struct sim_board *b); /* once all frames are read */
	bool hung;                          /* waits for something that does not come */
	uint64_t deadline_us;               /* reset by the ROM itself; 0: none */
	bool has_stale;                     /* a surplus byte waits in the data register */
	uint8_t stale;
	bool sticky_busy;
};

struct sim_rom {
	enum sim_iface iface;
	struct sim_i2c i2c;
	bool more;        /* the packet at hand is not complete yet */
	uint32_t n_units; /* in the erase packet */
	bool synced;
	uint64_t last_us;                  /* arrival of the last byte, while the speed is wrong */
	uint8_t sync_needed;               /* 0x7F bytes that must still come */
	void (*next)(struct sim_board *b); /* gets buf[0..have) as soon as `need` bytes are there */
	uint32_t need, have;
	uint8_t cmd;        /* in progress */
	uint32_t addr;      /* of the command in progress */
	uint32_t words;     /* 0xA1 */
	uint32_t poly;      /* 0xA1 */
	size_t special;     /* 0x50, 0x51: row of their table */
	uint32_t first_len; /* 0x51: the first of its two data packets */
	uint8_t first_data[128];
	bool after_read; /* WRITE_AFTER_READ_LOSES_32 */
	bool poisoned;   /* UNALIGNED_WRITE_POISONS */
	uint64_t last_rx_us;
	uint8_t buf[2 * 65536 + 8]; /* the longest packet: an erase of 65520 units */
};

struct sim_tx {
	uint8_t byte;
	uint64_t at_us;
};

struct sim_option_area {
	uint32_t base, len;
	uint8_t nv[SIM_OPTION_AREA_MAX];   /* kept: what option memory holds */
	uint8_t live[SIM_OPTION_AREA_MAX]; /* what the last reload took over */
};

struct sim_updater;

struct sim_board {
	const struct chip *chip;
	struct geometry geometry;
	uint8_t rom_id;      /* 0: this ROM has none */
	bool quirks[SQ_END]; /* by enum chip_quirk and enum sim_quirk */
	enum sim_program_rule rule;
	uint64_t rng;

	uint8_t *flash; /* kept; owned */
	uint32_t flash_size;
	uint8_t *written; /* kept; owned; a byte for each flash word: programmed since its erase */
	uint32_t word;    /* bytes of such a word: the smallest, where two banks have another than one */
	uint8_t *eeprom;  /* kept; owned, chip->eeprom.len bytes */
	uint8_t *otp;     /* kept; owned */
	uint8_t *ram;     /* owned, chip->ram_size bytes, NULL where the table has none */
	uint8_t uid[12];  /* kept */
	struct sim_option_area options[SIM_OPTION_AREAS]; /* kept */
	size_t n_options;
	bool options_written;               /* since the last reload */
	bool reload_at_power;               /* a new option value waits for a power cycle */
	bool swapped;                       /* banks, as the last reload said */
	bool unit_protected[SIM_UNITS_MAX]; /* likewise: WRP per erase unit */

	enum sim_cpu cpu;
	struct span running; /* where in `flash` the program lies that was started; len 0: none */
	bool power, boot0, nrst, vanished;
	bool empty;        /* the latched empty flag */
	bool odd_reset;    /* BOOT_EVERY_SECOND_RESET */
	uint32_t baud;     /* of the host */
	uint32_t rom_baud; /* locked by 0x7F */
	uint64_t now_us;   /* the device's own time: what it has done until now */
	uint64_t ready_us; /* end of the start-up time */
	uint32_t starts;   /* how often a reset or a jump has started the ROM or the application */
	uint64_t held_us;  /* until then one received byte waits in the data register */
	uint64_t tx_free_us;
	uint64_t flash_busy_us; /* an operation that was acknowledged too early */
	uint8_t voltage_range;

	struct sim_tx tx[SIM_TX_MAX];
	size_t tx_head, tx_len;
	bool rx_since_tx; /* the next byte sent is a turnaround */

	struct sim_rom rom;

	struct sim_fault faults[SIM_FAULTS_MAX];
	size_t n_faults;
	struct sim_i2c_adapter adapter;
	uint64_t seen[SIM_AT_COUNT]; /* events so far, per place */
	uint32_t commands[256];      /* command pairs so far, per code */

	struct sim_stats stats;
	uint64_t ops;
	uint64_t delays_us; /* added by faults */
	void (*on_op)(void *ctx);
	void *on_op_ctx;
	char *state_file;
	uint32_t seed;
	struct sim_updater *updater; /* owned; NULL: its programs only say something */
};

/* The program that writes to flash has not been stopped by it. */
static inline bool sim_cpu_runs(const struct sim_board *b)
{
	return b->cpu == SIM_CPU_ROM || b->cpu == SIM_CPU_APP;
}

static inline bool sim_has(const struct sim_board *b, int q)
{
	return b->quirks[q];
}

/* sim_board.c */
uint32_t sim_random(struct sim_board *b);
/* The application jumps into the ROM, whatever the straps say. */
void sim_enter_rom(struct sim_board *b);
void sim_reset(struct sim_board *b);              /* system reset: start again as BOOT0 etc. say */
void sim_power_lost(struct sim_board *b);         /* at once, in the middle of anything */
void sim_spend(struct sim_board *b, uint64_t us); /* the CPU is busy */

/* sim_flash.c */
enum sim_program_rule sim_program_rule_of(const struct chip *c);
bool sim_flash_map(const struct sim_board *b, uint32_t addr, uint32_t *ret_off);
/* The unit of the array that is erased where a command names unit `index`: while the banks are
 * swapped the flash controller goes by the bank, or by the address. */
uint32_t sim_flash_named(const struct sim_board *b, uint32_t index);
/* Its words were programmed, or erased, whatever they hold. */
void sim_flash_mark(struct sim_board *b, uint32_t off, uint32_t len, bool programmed);
void sim_flash_write(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len);
/* False after a power cut; the caller stops. */
bool sim_flash_erase_unit(struct sim_board *b, uint32_t index);
bool sim_flash_erase_all(struct sim_board *b, uint8_t bank, bool despite_wrp); /* bank 0: all */
/* What a program does to the flash it runs from; offsets in `flash`, whatever is mapped where. */
enum sim_wrote {
	SIM_WROTE,
	SIM_WROTE_WRONG, /* protected, or it reads back otherwise */
	SIM_WROTE_CUT,
};
enum sim_wrote sim_app_program(
	struct sim_board *b, uint32_t off, const uint8_t *data, uint32_t len);
enum sim_wrote sim_app_erase(struct sim_board *b, uint32_t off, uint32_t len); /* whole units */
/* Counts an operation; true: the power failed in it. */
bool sim_op_begin(struct sim_board *b, enum sim_op op);
void sim_op_end(struct sim_board *b, uint64_t us);

/* sim_option.c */
void sim_option_defaults(struct sim_board *b);
void sim_option_load(struct sim_board *b);
bool sim_option_covers(const struct sim_board *b, uint32_t addr);
uint8_t sim_option_byte(const struct sim_board *b, uint32_t addr);
/* What the ROM does with a write to the option area; false after a power cut. */
bool sim_option_write(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len);
bool sim_option_set_rdp(struct sim_board *b, uint8_t value);
bool sim_option_set_wrp(struct sim_board *b, const uint8_t *sectors, uint32_t n); /* n 0: none */
bool sim_option_set(struct sim_board *b, const char *name, uint32_t value);
/* Write protection of all units from `off` on, or of none; the rest as it was not. */
bool sim_option_protect_from(struct sim_board *b, uint32_t off, bool on);
/* What HAL programs for "no WRP in bank 2", needed or not. */
bool sim_option_clear_wrp2(struct sim_board *b);
/* Value of a named field; `fallback` where the chip has none. */
uint32_t sim_option_get(const struct sim_board *b, const char *name, uint32_t fallback);
enum rdp_level sim_rdp(const struct sim_board *b);
bool sim_read_protected(const struct sim_board *b);

/* sim_memory.c */
uint8_t sim_read_byte(struct sim_board *b, uint32_t addr);
enum sim_region {
	SIM_NOWHERE,
	SIM_FLASH,
	SIM_RAM,
	SIM_OPTION,
	SIM_EEPROM,
	SIM_OTP,
	SIM_SYSTEM,
	SIM_INFO
};
enum sim_region sim_region_of(const struct sim_board *b, uint32_t addr);
void sim_write_ram(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len);
void sim_write_eeprom(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len);
void sim_write_otp(struct sim_board *b, uint32_t addr, const uint8_t *data, uint32_t len);
bool sim_range_touches(uint32_t addr, uint32_t len, uint32_t at, uint32_t at_len);

/* sim_rom.c */
void sim_rom_start(struct sim_board *b);
bool sim_rom_at_boundary(const struct sim_board *b); /* between two commands */

/* sim_rom_uart.c */
void sim_rom_byte(struct sim_board *b, uint8_t byte);

/* sim_rom_i2c.c */
void sim_i2c_tick(struct sim_board *b, uint64_t now_us); /* its time-out resets the chip */
void sim_i2c_send(struct sim_board *b, uint8_t byte, bool alone);

/* sim_board.c, for the ROM: puts a byte on the wire. */
void sim_uart_send(struct sim_board *b, uint8_t byte);
/* The same for the application. */
void sim_app_send(struct sim_board *b, uint8_t byte);

/* sim_app.c */
/* After a reset that does not lead into the ROM. False: the ROM found no program to start. */
bool sim_app_start(struct sim_board *b);
void sim_app_go(struct sim_board *b, uint32_t addr); /* the ROM has jumped there */
void sim_app_run(struct sim_board *b, uint32_t off); /* a program at `off` of flash gets the CPU */
bool sim_app_bank_starts(const struct sim_board *b, uint8_t bank); /* would its program run? */

/* sim_updater.c */
int sim_updater_new(struct sim_board *b, const struct sim_config *cfg, struct err *e);
void sim_updater_free(struct sim_updater *u);
void sim_updater_start(struct sim_board *b); /* a reset has led into its program */
bool sim_updater_runs(const struct sim_board *b);
bool sim_updater_deaf(const struct sim_board *b); /* what came while it was busy is dropped */
void sim_updater_byte(struct sim_board *b, uint8_t byte);
uint64_t sim_updater_next_us(const struct sim_board *b);
void sim_updater_tick(struct sim_board *b);

/* sim_boot.c */
uint32_t sim_boot_us(const struct sim_board *b);
bool sim_boots_rom(const struct sim_board *b);
bool sim_is_stack(const struct sim_board *b, uint32_t sp);
bool sim_program_at(const struct sim_board *b, uint32_t addr); /* plausible SP and PC there */

/* sim_quirk.c */
void sim_quirk_defaults(struct sim_board *b);
bool sim_quirk_find(const char *name, int *ret);
const char *sim_quirk_at(size_t i); /* all names, NULL at the end */

/* sim_fault.c */
int sim_fault_parse(struct sim_board *b, const char *spec, struct err *e);
/* The next event at `where` happens; the fault that fires there, or NULL. */
const struct sim_fault *sim_fault_at(struct sim_board *b, enum sim_where where, uint8_t cmd);

/* sim_state.c */
uint32_t sim_crc32(const uint8_t *p, size_t len); /* as Ethernet has it */
int sim_state_load(struct sim_board *b, struct err *e);
/* The content of a state file; refused, it changes nothing. ERR_FORMAT, ERR_IDENTITY. */
int sim_state_parse(struct sim_board *b, const uint8_t *data, size_t len, struct err *e);
int sim_state_bytes(struct sim_board *b, struct buf *ret, struct err *e);

#endif
