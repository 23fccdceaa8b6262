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

/* Over I2C. */
#define ROM_ADDR_MS       1000 /* how long a device that is there may not know its address */
#define ROM_POLL_MS       5    /* between two looks at a busy device */
#define ROM_SILENCE_MS    2500 /* longer than any ROM waits for the rest of a command */
#define ROM_NO_STRETCH(c) ((enum rom_command)((c) + 1)) /* 0x31 is 0x32, 0x44 is 0x45 ... */

/*
 * What a lining-up sends: as a command it is always a bad pair, as the start of a packet it is
 * always NACKed. Never 7F, 00 or FF 00 repeated: those can complete a packet (AN3155 gives no
 * time-out, a half-sent command waits for ever).
 */
#define ROM_FILLER     0x0E
#define ROM_FILLER_ODD 0x0C /* sent once, behind sync bytes: see resync() in rom_uart.c */

struct rom;

/*
 * What differs between AN3155 (a stream of bytes) and AN4221 (transactions): how the device is
 * reached and lined up, how status bytes come, and the packets that have another form. What the
 * commands mean stands once, in target_rom.c and its neighbours.
 */
struct rom_framing {
	const char *transport; /* "uart" */
	unsigned byte_bits;    /* on the wire, for time-outs */
	size_t version_len;    /* bytes of the answer to Get Version */
	bool no_stretch;       /* commands have a second form that is polled: ROM_NO_STRETCH() */
	/* From a fresh device or one of a session that died to a command boundary. */
	int (*reach)(struct rom *rom, struct err *e);
	/* The same after a failure of this session. */
	int (*realign)(struct rom *rom, struct err *e);
	int (*send)(struct rom *rom, const uint8_t *packet, size_t len, struct err *e);
	/* One status byte, BUSY skipped. ERR_TIMEOUT, ERR_PROTOCOL, or of the link. */
	int (*status)(struct rom *rom, uint32_t timeout_ms, uint8_t *ret, struct err *e);
	int (*reply)(struct rom *rom, uint8_t *buf, size_t len, struct err *e);
	/* What may come behind a NACK. */
	int (*after_nack)(struct rom *rom, struct err *e);
	/* Get, once: command list and protocol of `ret`. */
	int (*get)(struct rom *rom, struct target_info *ret, struct err *e);
	/* N and N + 1 bytes of which `want` are expected; ret_n: how many came, at most 256. */
	int (*counted)(struct rom *rom, uint8_t *buf, size_t want, size_t *ret_n, const char *what,
		struct err *e);
	/* Two bytes of size and the data of Special; *len: expected, then what came. */
	int (*sized)(struct rom *rom, uint8_t *buf, size_t *len, const char *what, struct err *e);
	/* Behind the erase command: list of units, see rom_erase(). */
	int (*erase_some)(struct rom *rom, enum rom_command code, const struct erase_unit *units,
		size_t n, unsigned last_number, size_t *ret_n, struct err *e);
	/*
	 * An erase was sent and ended with `rc`: 0 if `erased` is blank all the same. NULL: no doubt.
	 * `ms_max`: how long the device may be at it.
	 */
	int (*erase_in_doubt)(
		struct rom *rom, struct span erased, uint32_t ms_max, int rc, struct err *e);
	/* Behind Write Protect: the sectors; their ACK is still to come. */
	int (*sectors)(struct rom *rom, const uint8_t *sectors, size_t n, struct err *e);
	/* Behind Get Checksum and the address. */
	int (*checksum)(struct rom *rom, uint32_t len, uint32_t *ret, struct err *e);
	/* A data packet of `len` bytes failed with `rc`: what will be done otherwise. */
	void (*data_failed)(struct rom *rom, size_t len, int rc);
};

extern const struct rom_framing rom_framing_uart, rom_framing_i2c;

struct rom {
	struct target t; /* first */
	const struct rom_framing *f;
	struct rom_options opt;
	bool restarted;         /* the device has reset itself: it waits for a sync byte */
	bool lost;              /* out of step: nothing may be sent before recover() */
	bool identified;        /* connect() has succeeded once: t.info is valid */
	bool paced;             /* UART: one byte at a time, 1 ms apart */
	unsigned data_failures; /* data packets that failed since the last good one */
	bool read_since_write;
	bool length_refused;              /* the last read failed at its length */
	uint32_t read_chunk, write_chunk; /* bytes of one Read or Write command */
	bool strange;                     /* UART: lining up was answered by nonsense */
	uint8_t filler;                   /* UART: what recover() sends; chosen per erase packet */
	uint8_t version;                  /* I2C: BCD, from Get Version */
	uint8_t get_len;                  /* I2C: bytes of the answer to Get; 0: not known */
	bool checksum_one_ack;            /* I2C: no status byte between size and CRC */
};

static inline struct rom *rom_of(struct target *t)
{
	return (struct rom *)t;
}

static inline bool rom_quirk(const struct rom *rom, enum chip_quirk q)
{
	return quirk_applies(rom->t.info.chip, rom->t.info.boot_id, q);
}

/* ---- rom_exchange.c: packets and status bytes ---- */

/* `base_ms` plus what adapter and wire add to one exchange of `bytes` bytes. */
uint32_t rom_wait(const struct rom *rom, uint32_t base_ms, size_t bytes);

/* Marks the driver as out of step; returns `rc`. */
int rom_lose(struct rom *rom, int rc);

/* What one Read and one Write carry: not more than the adapter takes. */
void rom_fit_chunks(struct rom *rom);

/* One packet of the host. Late bytes of an earlier reply are thrown away first. */
int rom_send(struct rom *rom, const void *buf, size_t len, struct err *e);

/*
 * One status byte, BUSY skipped. `what` names the step ("address 0x08000000").
 * 0; ERR_NACK; ERR_TIMEOUT, ERR_PROTOCOL and failures of the link: the driver is lost then.
 */
int rom_ack(struct rom *rom, uint32_t timeout_ms, const char *what, struct err *e);

/* A packet and its status byte; after a NACK in step again, see rom_after_nack(). */
int rom_packet(struct rom *rom, const void *buf, size_t len, uint32_t timeout_ms, const char *what,
	struct err *e);

/* Exactly `len` bytes of a reply; any failure makes the driver lost. */
int rom_reply(struct rom *rom, void *buf, size_t len, const char *what, struct err *e);

/* Get Version: a command that every ROM knows and that does nothing. Proves a command boundary. */
int rom_version(struct rom *rom, uint8_t *ret, struct err *e);

/*
 * After a NACK: swallows the second one that some ROMs send and proves with Get Version that the
 * device is at a command boundary. Keeps the failure in `e` and returns its code, or reports
 * that the step was lost.
 */
int rom_after_nack(struct rom *rom, struct err *e);

/*
 * Sends a command pair and waits for its ACK; over I2C the no-stretch form where the device lists
 * it. A NACK is believed only when the pair was refused twice with a proof of the boundary
 * between, because a garbled byte looks the same.
 * ERR_UNSUPPORTED if the device does not list it, ERR_NACK: refused.
 */
int rom_begin(struct rom *rom, enum rom_command code, const char *what, struct err *e);

/* True if the device lists the command in one of its forms. */
bool rom_lists(const struct rom *rom, enum rom_command code);

/* True if the command is sent in the form that is polled. */
bool rom_is_polled(const struct rom *rom, enum rom_command code);

/*
 * Over I2C, where a command is not polled: waits for about as long as the device works, because it
 * holds the clock low meanwhile and adapters give up on that. Elsewhere it returns at once.
 */
int rom_let_work(const struct rom *rom, enum rom_command code, uint32_t ms, struct err *e);

/* Address and XOR, then its ACK. */
int rom_address(struct rom *rom, uint32_t addr, struct err *e);

/* A 32-bit number and XOR, then its ACK. */
int rom_word(struct rom *rom, uint32_t value, const char *what, struct err *e);

/* XOR of `len` bytes. */
uint8_t rom_xor(const uint8_t *p, size_t len);

/* Get, read twice; fills the command list and the protocol version of `ret`. */
int rom_get(struct rom *rom, struct target_info *ret, struct err *e);

/* Replaces a NACK to a command by what it means: read-out protection. */
int rom_refused(struct rom *rom, const char *what, struct err *e);

/* Tells whoever waits. */
void rom_note(const struct rom *rom, const char *text);

/* Waits, but not for Ctrl-C. */
int rom_sleep(const struct rom *rom, uint32_t ms, struct err *e);

/* ---- rom_erase.c ---- */

int rom_erase(struct target *t, const struct erase_unit *units, size_t n, struct err *e);
int rom_mass_erase(struct target *t, uint32_t flash_size, struct err *e);

/* Longest erase of a unit of `size` bytes, and the usual time; also of unknown chips. */
uint32_t rom_unit_ms_max(const struct rom *rom, uint32_t size);
uint32_t rom_unit_ms_typical(const struct rom *rom, uint32_t size);

/* erase_some() of AN3155: as many units in one packet as are harmless. */
int rom_erase_list(struct rom *rom, enum rom_command code, const struct erase_unit *units, size_t n,
	unsigned last_number, size_t *ret_n, struct err *e);

/* Waits where the ROM says "done" too early; hears Ctrl-C. */
int rom_after_erase(
	struct rom *rom, const struct erase_unit *units, size_t n, uint32_t ms_max, struct err *e);

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

#define ROM_READ_MAX  256u
#define ROM_WRITE_MAX 256u

#endif
