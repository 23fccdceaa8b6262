/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_priv.h - what the files of the ROM driver share
 */
#ifndef STMOTA_ROM_PRIV_H
#define STMOTA_ROM_PRIV_H

#include <stmota/quirks.h>
#include <stmota/rom.h>

enum rom_command {
	ROM_CMD_GET = 0x00,
	ROM_CMD_GET_VERSION = 0x01,
	ROM_CMD_GET_ID = 0x02,
	ROM_CMD_READ = 0x11,
	ROM_CMD_GO = 0x21,
	ROM_CMD_WRITE = 0x31,
	ROM_CMD_ERASE = 0x43,
	ROM_CMD_EXTENDED_ERASE = 0x44,
	ROM_CMD_SPECIAL = 0x50,
	ROM_CMD_EXTENDED_SPECIAL = 0x51,
	ROM_CMD_WRITE_PROTECT = 0x63,
	ROM_CMD_WRITE_UNPROTECT = 0x73,
	ROM_CMD_READ_PROTECT = 0x82,
	ROM_CMD_READ_UNPROTECT = 0x92,
	ROM_CMD_CHECKSUM = 0xA1,
};

#define ROM_HINT_NOISE "a bad connection: check ground and cable, or lower --baud"

#define ROM_SYNC 0x7F
#define ROM_ACK  0x79
#define ROM_NACK 0x1F
#define ROM_BUSY 0x76

/* Host time-outs of AN3155's exchanges; the adapter's latency comes on top (rom_wait()). */
#define ROM_ACK_MS       1000   /* command pair, address, flash write */
#define ROM_SYNC_MS      500    /* F105 with PA9 high needs 105 ms */
#define ROM_DRAIN_MS     20     /* second ACK at sync, second NACK under RDP */
#define ROM_QUIET_MS     50     /* silence that ends a broken reply */
#define ROM_MASS_MS      35000  /* F4 with 2 MB takes 32 s */
#define ROM_RESYNC_SLOW  700    /* more than any packet but an erase list */
#define ROM_RESYNC_BYTES 132000 /* more than the longest erase list (0xFFEF pages) */

/*
 * What a lining-up sends: as a command it is always a bad pair, as the start of a packet it is
 * always NACKed. Never 7F, 00 or FF 00 repeated: those can complete a packet (AN3155 gives no
 * time-out, a half-sent command waits for ever).
 */
#define ROM_FILLER     0x0E
#define ROM_FILLER_ODD 0x0C /* sent once, behind sync bytes: see rom_resync() */

struct rom {
	struct target t; /* first */
	struct rom_options opt;
	bool restarted;         /* the device has reset itself: it waits for a sync byte */
	bool lost;              /* out of step: nothing may be sent before recover() */
	bool identified;        /* connect() has succeeded once: t.info is valid */
	bool paced;             /* one byte at a time, 1 ms apart */
	unsigned data_failures; /* data packets that failed since the last good one */
	bool read_since_write;
	bool strange;   /* lining up was answered by nonsense */
	uint8_t filler; /* what recover() sends; chosen per erase packet */
};

static inline struct rom *rom_of(struct target *t)
{
	return (struct rom *)t;
}

static inline bool rom_quirk(const struct rom *rom, enum chip_quirk q)
{
	return quirk_applies(rom->t.info.chip, rom->t.info.boot_id, q);
}

/* ---- rom_exchange.c: packets, status bytes, lining up ---- */

/* `base_ms` plus what adapter and wire add to one exchange of `bytes` bytes. */
uint32_t rom_wait(const struct rom *rom, uint32_t base_ms, size_t bytes);

/* One packet of the host. Late bytes of an earlier reply are thrown away first. */
int rom_send(struct rom *rom, const void *buf, size_t len, struct err *e);

/*
 * One status byte, BUSY skipped. `what` names the step ("address 0x08000000").
 * 0; ERR_NACK; ERR_TIMEOUT, ERR_PROTOCOL and failures of the link: the driver is lost then.
 */
int rom_ack(struct rom *rom, uint32_t timeout_ms, const char *what, struct err *e);

/* Exactly `len` bytes of a reply; any failure makes the driver lost. */
int rom_reply(struct rom *rom, void *buf, size_t len, const char *what, struct err *e);

/* Reads until `quiet_ms` without a byte. ERR_PROTOCOL if the device does not stop talking. */
int rom_drain(struct rom *rom, uint32_t quiet_ms, struct err *e);

/*
 * After a NACK: swallows the second one that some ROMs send and proves with Get Version that the
 * device is at a command boundary. Keeps the failure in `e` and returns its code, or reports
 * that the step was lost.
 */
int rom_after_nack(struct rom *rom, struct err *e);

/*
 * Sends a command pair and waits for its ACK. A NACK is believed only when the pair was refused
 * twice with a proof of the boundary between, because a garbled byte looks the same.
 * ERR_UNSUPPORTED if the device does not list it, ERR_NACK: refused.
 */
int rom_begin(struct rom *rom, enum rom_command code, const char *what, struct err *e);

/* Address and XOR, then its ACK. */
int rom_address(struct rom *rom, uint32_t addr, struct err *e);

/* A 32-bit number and XOR, then its ACK. */
int rom_word(struct rom *rom, uint32_t value, const char *what, struct err *e);

/* XOR of `len` bytes. */
uint8_t rom_xor(const uint8_t *p, size_t len);

/* 0x7F, at most twice. ERR_TIMEOUT: nobody there, or inside a packet. */
int rom_sync(struct rom *rom, struct err *e);

/*
 * Lines up a broken session with at most `max_ms` of waiting. `after_sync`: sync bytes went out
 * just before, and were not answered.
 */
int rom_resync(struct rom *rom, uint32_t max_ms, bool after_sync, struct err *e);

/* Get, read twice; fills the command list and the protocol version of `ret`. */
int rom_get(struct rom *rom, struct target_info *ret, struct err *e);

/* Replaces a NACK to a command by what it means: read-out protection. */
int rom_refused(struct rom *rom, const char *what, struct err *e);

/* ---- rom_erase.c ---- */

int rom_erase(struct target *t, const struct erase_unit *units, size_t n, struct err *e);
int rom_mass_erase(struct target *t, uint32_t flash_size, struct err *e);

/*
 * What a device makes of an erase packet of which one byte was lost or doubled and that is then
 * fed with `filler`: true if no reading of it erases a unit that is not in the packet.
 *
 * wide            the two-byte form (0x44)
 * last_number     higher numbers hit nothing
 * broken_off_too  also a packet that broke off anywhere and is fed by a connect()
 */
bool rom_erase_packet_is_safe(const uint8_t *packet, size_t len, bool wide, unsigned last_number,
	uint8_t filler, bool broken_off_too);

#endif
