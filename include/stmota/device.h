/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - from the name of a device to a connected target and the facts about its chip
 */
#ifndef STMOTA_DEVICE_H
#define STMOTA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/chip.h>
#include <stmota/config.h>
#include <stmota/device_url.h>
#include <stmota/entry.h>
#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/target.h>
#include <stmota/updater.h>

#define DEVICE_MAX_WRP 128

/*
 * What is known about the chip at hand. Whatever was read from the device was read twice and
 * agreed. Planning takes this struct and nothing else.
 */
struct device_facts {
	uint16_t pid; /* as the device answered, also where `chip` was assumed for it */
	const struct chip *chip; /* never NULL; the first of `candidates` where there are several */
	bool chip_assumed;       /* no table knows `pid`: the user named `chip` for it */
	/* Over USB DFU all chips that contradict nothing, elsewhere 0. With more than one of them
	   `pid` is 0, and only what all of them share is known. */
	const struct chip *candidates[TARGET_CANDIDATES_MAX];
	size_t n_candidates;
	uint8_t protocol;        /* BCD: 0x31 = 3.1 */
	char transport[16];      /* "uart", "i2c", "dfu" */
	bool lists_checksum;     /* the device offers the CRC command */
	uint32_t write_max;      /* bytes of one write; 0: not known */
	bool lists_erase;        /* it offers an erase command at all */

	/* Read-out protection: RDP_UNKNOWN where no fact says what the option word means. */
	enum rdp_level rdp;
	/* True if the device refused to be read: then nothing below was read. */
	bool read_refused;

	uint32_t flash_size; /* bytes, from the size register; 0: not readable */
	bool has_uid;
	uint8_t uid[12]; /* in the order of the datasheet */
	bool has_boot_id;
	uint8_t boot_id; /* bootloader id: 0x91 is version 9.1 */

	enum chip_banks banks; /* what option bytes or user say; CHIP_BANKS_DEFAULT: not known */
	bool banks_assumed;    /* the chip can be either, and nobody said which: a guess */
	bool swapped;          /* SWAP_BANK is active */
	bool has_geometry;
	struct geometry geometry;
	char geometry_why[160]; /* why not, if has_geometry is false */

	/*
	 * The first word is blank, and this chip looks at that at power-up only: until the next
	 * power cycle a reset starts the ROM, whatever is written meanwhile.
	 */
	bool empty_latched;

	bool wrp_known;
	struct span wrp[DEVICE_MAX_WRP]; /* write-protected parts of flash, in address order */
	size_t n_wrp;
	char wrp_why[160]; /* why not, if wrp_known is false */

	enum entry_reach reach; /* how the ROM is reached again after a cut */
	bool can_reset;         /* NRST is wired: the application can be started by a reset */
};

/* What the user asked for; everything 0 or NULL is left to URL, configuration and defaults. */
struct device_request {
	const char *device; /* URL or name of a [device] section */
	/* If no device is named, here or in the configuration: take the only STM32 bootloader that
	   is attached to USB. For work that asks or changes nothing unasked. */
	bool find_usb;
	/* Who asks can do something with a device that takes files and shows no memory. */
	bool takes_files;
	uint32_t baud;
	const char *before; /* entry recipe, see entry_parse() */
	uint32_t wait_s;    /* keep trying that long until a device answers */
	const char *chip;   /* product ID or part name that the device must have */
	/* What the facts are taken from if it answers a product ID that is not in the table; with
	   one that is, and that is another, it is refused. Not over USB, and not beside `chip`. */
	const char *assume_chip;
	uint16_t chip_hint; /* product ID that the firmware is for, to choose among candidates; 0 */
};

struct device {
	char name[128];        /* as the user called it, for messages */
	struct device_url url; /* with everything merged in */
	struct target *target; /* owned, connected; NULL: left, or an updater */
	/* Owned. Where it is set there is no target, and there are no facts. */
	struct updater *updater;
	bool baud_given; /* by URL, section, configuration or request, and not by default */
	bool takes_files;          /* as in the request */
	const struct chip *assume; /* stands in for an unknown product ID; NULL: none does */
	struct device_facts facts;
};

/*
 * Opens the port, brings the device to a command boundary, identifies it and gathers the facts.
 * A device that takes files is ERR_UNSUPPORTED unless the request says `takes_files`.
 * Nothing is written or erased. 0x7F is only ever sent to a port that the request, the
 * configuration or the environment names.
 *
 * ret     owned by the caller, release with device_close()
 * events  may be NULL
 *
 * ERR_USAGE (no device named), ERR_CONFIG, ERR_LINK, ERR_BUSY, ERR_TIMEOUT, ERR_PROTOCOL,
 * ERR_IDENTITY (unknown product ID, other than requested, or two readings that disagree),
 * ERR_INTERRUPTED. A read-protected device is no failure: see facts.rdp and facts.read_refused.
 */
int device_open(const struct device_request *rq, const struct config *config,
	const struct event_sink *events, struct device **ret, struct err *e);

/* The URL with everything merged in, as device_open() would use it; nothing is opened. */
int device_resolve(const struct device_request *rq, const struct config *config,
	struct device_url *ret, struct err *e);

/* Puts the lines back and frees everything; takes NULL. */
void device_close(struct device *d);

/*
 * Where the target does not name its chip (USB DFU): finds the candidates, see target_info. Does
 * nothing for others, and nothing the second time.
 *
 * wanted  as in the request, or NULL: it must be among them
 * hint    product ID that is chosen if it is among them; 0: none
 *
 * ERR_IDENTITY if none fits, or not the one that is wanted; ERR_USAGE (unknown name).
 */
int device_identify(struct target *t, const char *wanted, uint16_t hint, struct err *e);

/*
 * Gathers the facts of a connected target; also for tests.
 *
 * entry        how the board is wired
 * banks        what the user says where the option bytes cannot tell; or CHIP_BANKS_DEFAULT
 * chip_wanted  as in the request, or NULL
 */
int device_gather(struct target *t, const struct entry *entry, enum chip_banks banks,
	const char *chip_wanted, struct device_facts *ret, struct err *e);

/*
 * Lines up again after a failure in mid-conversation and checks that it is still the same chip
 * with the same unique id. ERR_IDENTITY if not; ERR_LINK, ERR_TIMEOUT.
 */
int device_recover(struct device *d, struct err *e);

/* Closes the port, so that others may use it; the facts stay. Takes a device that was left. */
void device_leave(struct device *d);

/*
 * Opens it again, for up to `wait_s` seconds, and checks that it is the same chip. On failure the
 * device is left. As device_open() and device_recover().
 */
int device_come_back(
	struct device *d, uint32_t wait_s, const struct event_sink *events, struct err *e);

#endif
