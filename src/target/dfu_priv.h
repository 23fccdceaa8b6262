/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dfu_priv.h - what the files of the DfuSe driver share
 */
#ifndef STMOTA_DFU_PRIV_H
#define STMOTA_DFU_PRIV_H

#include <stmota/dfu.h>
#include <stmota/quirks.h>
#include <stmota/updater.h>

enum dfu_request {
	DFU_DETACH = 0,
	DFU_DNLOAD = 1,
	DFU_UPLOAD = 2,
	DFU_GETSTATUS = 3,
	DFU_CLRSTATUS = 4,
	DFU_GETSTATE = 5,
	DFU_ABORT = 6,
};

enum dfu_state {
	DFU_APP_IDLE = 0,
	DFU_APP_DETACH = 1,
	DFU_IDLE = 2,
	DFU_DNLOAD_SYNC = 3,
	DFU_DNBUSY = 4,
	DFU_DNLOAD_IDLE = 5,
	DFU_MANIFEST_SYNC = 6,
	DFU_MANIFEST = 7,
	DFU_MANIFEST_WAIT_RESET = 8,
	DFU_UPLOAD_IDLE = 9,
	DFU_ERROR = 10,
};

#define DFUSE_GET_COMMANDS 0x00
#define DFUSE_SET_POINTER  0x21
#define DFUSE_ERASE        0x41
#define DFUSE_UNPROTECT    0x92

#define DFU_FIRST_BLOCK      2u /* wValue of the data at the address pointer; 0 and 1 are taken */
#define DFU_BLOCK_NUMBER_MAX (0xFFFFu - DFU_FIRST_BLOCK)

/*
 * Where the address pointer stands after a reset (AN3156). From there blocks are counted: one that
 * does not hold goes back there and changes nothing. Elsewhere each block gets its own pointer.
 */
#define DFUSE_HOME 0x08000000u

#define DFU_ERR_UNEXPECTED 0x0F /* errSTALLEDPKT */

#define DFU_TRANSFER_MS 5000u /* F745 blocks GETSTATUS while it erases (fwupd PR#1944) */
#define DFU_BLOCK_MS    5000u /* deadlines, dfu-bootloader.md section 5 */
#define DFU_POINTER_MS  5000u
#define DFU_ERASE_MS    10000u
#define DFU_MASS_MS     60000u

#define DFU_LAYOUTS_MAX 8

struct dfu_status {
	uint8_t status, state;
	uint32_t poll_ms;
};

struct dfu {
	struct target t; /* first */
	struct usb_link *u;
	struct dfu_options opt;
	struct dfu_layout layouts[DFU_LAYOUTS_MAX];
	size_t n_layouts;
	struct updater up;                      /* of a plain device, see dfu_plain_open() */
	uint16_t app_vid, app_pid, app_release; /* of the application that it was before; 0: none */
	bool connected;
	bool lost;      /* in mid-operation: recover() first */
	bool restarted; /* the device resets itself: it has to be found again */
	bool remade;    /* by an option write, which may have cut its memory into other units */
	uint32_t leave_ms; /* then: until it has left the bus, at the latest */
	uint8_t alt;
	enum dfu_state state; /* as far as is known */
	bool pointer_valid;
	uint32_t pointer;
	unsigned uploads;   /* since it was set; a block that was written counts as many */
	bool no_repeats;    /* seen: the pointer does not outlive an UPLOAD */
	bool check_abort;   /* seen: ABORT alone does not lead to dfuIDLE */
	uint8_t refusal;    /* bStatus of the latest refusal */
	uint32_t block;     /* bytes of one transfer */
	uint8_t before[32]; /* how the latest UPLOAD at the pointer began, and how long it was */
	uint32_t before_len;
	/* What the latest UPLOAD brought beyond what was asked for, in address order. Each byte is
	   given out once: to read again is to ask the device again. */
	uint8_t ahead[DFU_TRANSFER_MAX];
	uint32_t ahead_addr, ahead_len;
};

static inline struct dfu *dfu_of(struct target *t)
{
	return (struct dfu *)t;
}

static inline bool dfu_quirk(const struct dfu *d, enum chip_quirk q)
{
	return quirk_applies(d->t.info.chip, d->t.info.boot_id, q);
}

/* ---- dfu_exchange.c: requests and states ---- */

/* Requests without effect on what is remembered; ERR_NACK is a STALL. */
int dfu_out(struct dfu *d, enum dfu_request r, uint16_t value, const void *data, uint16_t len,
	struct err *e);
int dfu_get_status(struct dfu *d, uint32_t timeout_ms, struct dfu_status *ret, struct err *e);
int dfu_string(struct dfu *d, uint8_t index, char *ret, size_t size, struct err *e);

/* A request without effect; once more after noise. */
int dfu_ask(struct dfu *d, const struct usb_setup *setup, void *data, uint16_t *ret_len,
	struct err *e);

/* Fails if recover() is due. */
int dfu_ready(const struct dfu *d, struct err *e);

/* What has to be true before DNLOAD, and before UPLOAD. */
int dfu_for_download(struct dfu *d, struct err *e);
int dfu_for_upload(struct dfu *d, struct err *e);

struct dfu_work {
	const char *what;
	uint32_t deadline_ms;
	uint32_t transfer_ms; /* of each GETSTATUS */
	uint32_t poll_cap_ms; /* longest sleep between two of them */
	unsigned zero_polls_max; /* polls of a busy device that names no time; 0: the usual */
	bool vanishes;        /* the device restarts by itself: dfuDNBUSY is all that is seen */
};

/*
 * DNLOAD, the GETSTATUS that starts the work, and as many as it takes to see the end. A refusal
 * leaves the device in dfuIDLE. ERR_NACK, ERR_PROTECTED; ERR_TIMEOUT, ERR_PROTOCOL, ERR_LINK:
 * the outcome is not known.
 */
int dfu_download(struct dfu *d, uint16_t value, const void *data, uint16_t len,
	const struct dfu_work *work, struct err *e);
int dfu_command(struct dfu *d, uint8_t code, const uint32_t *addr, const struct dfu_work *work,
	struct err *e);
/* After a STALL: what does the device say, and out of dfuERROR. Returns that failure. */
int dfu_refused(struct dfu *d, const char *what, struct err *e);

/* `s` is dfuERROR: that failure; the device is out of it afterwards. */
int dfu_say_error(struct dfu *d, const struct dfu_status *s, const char *what, struct err *e);

int dfu_set_alt(struct dfu *d, uint8_t alt, struct err *e);
int dfu_set_pointer(struct dfu *d, uint32_t addr, struct err *e);
/* Brings any state to dfuIDLE. */
int dfu_line_up(struct dfu *d, struct err *e);

/* ---- target_dfu.c ---- */

/* From a run-time device into its bootloader; nothing else is sent. */
int dfu_enter(struct dfu *d, struct err *e);

/* ---- dfu_plain.c ---- */

/* The alternate setting that the options name, or the only one. ERR_USAGE. */
int dfu_plain_take_alt(struct dfu *d, struct err *e);

/* ---- dfu_read.c ---- */

int dfu_read(struct target *t, uint32_t addr, void *buf, uint32_t len, struct err *e);
void dfu_forget_ahead(struct dfu *d);
/* True if `addr` can be reached as block *ret_n from DFUSE_HOME. */
bool dfu_counts(const struct dfu *d, struct span zone, uint32_t addr, uint32_t *ret_n);
/* The layout and run that hold `addr`; NULL: none. */
const struct dfu_run *dfu_run_at(
	const struct dfu *d, uint32_t addr, const struct dfu_layout **ret_layout);

/* ---- dfu_write.c ---- */

int dfu_write(struct target *t, uint32_t addr, const void *buf, uint32_t len, struct err *e);
int dfu_erase(struct target *t, const struct erase_unit *units, size_t n, struct err *e);
int dfu_mass_erase(struct target *t, uint32_t flash_size, struct err *e);

#endif
