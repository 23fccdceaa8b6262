/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - a virtual STM32 board: flash, option bytes, and the ROM bootloader in front of them
 *
 * Pure state machines: bytes in, bytes out, time as a parameter. Transports (a pseudo terminal, an
 * in-process link for tests) are thin and lie outside.
 */
#ifndef STMOTA_SIM_H
#define STMOTA_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/err.h>

struct sim_config {
	const struct chip *chip;
	uint32_t flash_size;       /* bytes, 0: the largest part */
	uint8_t rom_version;       /* bootloader id such as 0x91, 0: the newest the table knows */
	const char *state_file;    /* NULL: memory only */
	const char *const *faults; /* KIND@WHERE[:N[:ARG]], see stmota-sim(1) */
	size_t n_faults;
	uint32_t seed;        /* of everything random: unique id, half-done operations */
	bool boot0_low;       /* strap at power-up; false: high, the ROM starts */
	const char *updater;  /* its application takes updates; NULL: it does not */
	const char *aes_file; /* key of an updater that decrypts; NULL: what comes is plain */
};

/* Control transfers of the USB device. */
struct sim_usb_stats {
	uint64_t transfers; /* all */
	uint64_t dnload, upload, getstatus, clrstatus, getstate, abort, detach, standard;
	uint64_t bytes_out, bytes_in; /* data stages */
	uint64_t stalls, lost;        /* answered by STALL; never answered, or the wire failed */
	uint64_t poll_us;             /* sum of the poll times that it told while busy */
	uint64_t bus_us; /* modelled time of all transfers, without waiting for flash */
};

struct sim_stats {
	uint64_t bytes_to_device, bytes_from_device, turnarounds;
	uint64_t erases, programs; /* units erased, program operations */
	uint64_t flash_us;         /* modelled time in flash operations */
	uint64_t messages;         /* I2C: from START to STOP, also those nobody answered */
	uint64_t busy_polls;       /* I2C: answers "busy" */
	uint64_t bus_us;           /* I2C: modelled time the bus was in use */
	struct sim_usb_stats usb;
};

struct sim_board;

/* 0, or ERR_UNSUPPORTED with the fact that is not confirmed about this chip's ROM. */
int sim_chip_supported(const struct chip *c, struct err *e);

/*
 * Makes a board with the power on, as it left the factory or as its state file says.
 *
 * ERR_UNSUPPORTED where the table lacks a fact that the ROM needs; ERR_NO_FIT (flash size);
 * ERR_USAGE (fault, ROM version); ERR_FORMAT, ERR_IO, ERR_IDENTITY (state file).
 */
int sim_board_new(const struct sim_config *cfg, struct sim_board **ret, struct err *e);
/* Takes NULL. Does not save. */
void sim_board_free(struct sim_board *b);
/* Writes the state file; nothing to do without one. ERR_IO. */
int sim_board_save(struct sim_board *b, struct err *e);

/* Adds a fault while the board runs; same grammar, N counts from now on. ERR_USAGE. */
int sim_board_fault(struct sim_board *b, const char *spec, struct err *e);
/* Forgets those that have not fired; quirks stay. */
void sim_board_clear_faults(struct sim_board *b);
/* Text that explains the grammar, and the names for `quirk:` one by one (NULL at the end). */
const char *sim_fault_help(void);
const char *sim_quirk_name(size_t i);

/* Power off loses all but flash and option bytes; on starts at the reset vector or in the ROM, as
 * BOOT0, the option bytes and the empty check say. A cut fault turns the power off by itself. */
void sim_board_power(struct sim_board *b, bool on);
bool sim_board_powered(const struct sim_board *b);

/*
 * Tells the board that time has passed: before its lines or its power change, and when it is time
 * for what the device does by itself, which sim_board_next_us() tells; UINT64_MAX: nothing.
 */
void sim_board_time(struct sim_board *b, uint64_t now_us);
uint64_t sim_board_next_us(const struct sim_board *b);

/* The updaters one by one, NULL at the end; and the chip of the one with this name (ERR_USAGE). */
const char *sim_updater_name(size_t i, const char **ret_what, const struct chip **ret_chip);
int sim_updater_chip(const char *name, const struct chip **ret, struct err *e);

/* The adapter was pulled out (fault `vanish`): nothing goes in or out until it is plugged again. */
bool sim_board_vanished(const struct sim_board *b);
void sim_board_replug(struct sim_board *b);

/* Reset button. */
void sim_board_reset(struct sim_board *b);

/* The ROM listens from now on, however long it takes to start (up to 545 ms). */
void sim_board_skip_start_up(struct sim_board *b);

/* Modem lines as the board's wiring sees them. boot0 true: high. nrst false: held in reset. */
void sim_board_lines(struct sim_board *b, bool boot0, bool nrst);

/* Speed of the host's port, 115200 at first. The ROM measures it once, on 0x7F. */
void sim_board_set_baud(struct sim_board *b, uint32_t baud);

/* One byte arrives at the device's receiver at `now_us`. */
void sim_uart_rx(struct sim_board *b, uint8_t byte, uint64_t now_us);
/* Next byte that the device sends; false if there is none. `ret_at_us`: end of its stop bit. */
bool sim_uart_tx(struct sim_board *b, uint8_t *ret_byte, uint64_t *ret_at_us);

/* ---- the I2C bus ---- */

enum sim_i2c_outcome {
	SIM_I2C_OK, /* all bytes went over; what they mean is another matter */
	SIM_I2C_ADDR_NACK, /* nobody acknowledged the address (off, starting, application, other address) */
	SIM_I2C_DATA_NACK, /* write: byte `done` (from 0) was not acknowledged */
	SIM_I2C_TIMED_OUT, /* SCL was held low for longer than the adapter waits */
	SIM_I2C_GONE,      /* the adapter was pulled out (fault `vanish`); sim_board_replug() */
};

struct sim_i2c_result {
	enum sim_i2c_outcome outcome;
	size_t done;           /* bytes acknowledged, or read */
	uint64_t end_us;       /* when the bus is free again: the host's clock after the call */
	uint64_t stretched_us; /* of that, SCL held low by the device */
};

struct sim_i2c_adapter {
	uint32_t hz;         /* 100000 */
	uint32_t stretch_ms; /* SCL low for longer: it gives up; 1000 */
	uint32_t max_len;    /* of one message; 8192 */
	bool smbus_only;     /* no plain I2C messages */
};

/* How the bus of this board is driven: defaults above, changed by `adapter-*` quirks and by hand. */
struct sim_i2c_adapter sim_i2c_adapter(const struct sim_board *b);
void sim_i2c_set_adapter(struct sim_board *b, const struct sim_i2c_adapter *a);

/* 7-bit address of the bootloader, 0 where it has no I2C. */
uint8_t sim_i2c_address(const struct sim_board *b);

/*
 * One message at `now_us`. Messages above max_len are the caller's to refuse (the kernel does).
 * stop  false: a repeated START follows instead of STOP; the ROM does not survive that
 * Reads: what the device does not drive reads 0xFF.
 */
struct sim_i2c_result sim_i2c_write(struct sim_board *b, uint8_t addr, const uint8_t *data,
	size_t len, bool stop, uint64_t now_us);
struct sim_i2c_result sim_i2c_read(
	struct sim_board *b, uint8_t addr, uint8_t *buf, size_t len, bool stop, uint64_t now_us);

/* True while the application runs (the ROM is not listening). */
bool sim_board_in_application(const struct sim_board *b);

/*
 * Where in sim_board_flash() the program lies that runs, up to the end of its bank: not an address,
 * because banks may be swapped. False if none runs.
 */
bool sim_board_running(const struct sim_board *b, struct span *ret);

/* Until when the device is busy with what it has been told. */
uint64_t sim_board_busy_until(const struct sim_board *b);

/* What `delay` faults have added so far; for transports that pass over other times. */
uint64_t sim_board_delays_us(const struct sim_board *b);

/* Direct view for tests: main flash of this part, from its base. */
uint8_t *sim_board_flash(struct sim_board *b, uint32_t *ret_size);
const struct geometry *sim_board_geometry(const struct sim_board *b);
/* Flash operations begun so far: one per erased unit, one per programmed flash word. */
uint64_t sim_board_ops(const struct sim_board *b);
struct sim_stats sim_board_stats(const struct sim_board *b);
/* Called after each flash operation, also a half-done one; for invariants in tests. */
void sim_board_on_op(struct sim_board *b, void (*fn)(void *ctx), void *ctx);

#endif
