/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firmware.h - a file that is to be written: a package or a raw image, opened, checked, believed
 */
#ifndef STMOTA_FIRMWARE_H
#define STMOTA_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/cleanup.h>
#include <stmota/device.h>
#include <stmota/err.h>
#include <stmota/fetch.h>
#include <stmota/flash_job.h>
#include <stmota/fmt.h>
#include <stmota/package.h>
#include <stmota/segments.h>
#include <stmota/state.h>
#include <stmota/trust.h>

struct firmware_options {
	const char *name; /* of the file, for people; NULL: its path */
	bool has_address;
	uint32_t address;     /* of a raw binary */
	bool has_raw_address; /* `raw_address` is that of a raw binary; others know theirs */
	uint32_t raw_address;
	/* For a device that takes a file: what needs no reading stays as it is, kinds and slots of
	   components are the device's business. */
	bool for_updater;
	bool whole_package; /* likewise, and it opens packages itself: nothing is decrypted here */
	bool data;                 /* a raw image is data: no vector table is looked for */
	const struct trust *trust; /* keys to believe; NULL: none */
	const struct secret *secret; /* opens what is encrypted; NULL: nothing does */
	bool must_be_signed;       /* also refuses raw images */
	/* Of the file, judged on the bytes in memory that are written then; NULL: any. */
	const uint8_t *sha256;
	const char *components[IMF_COMPONENTS_MAX]; /* write only these: names or numbers */
	size_t n_components;                        /* 0: all */
	uint64_t now;                               /* Unix time, for keys that expire */
	const struct fetch_settings *fetch; /* where the file is a URL; NULL: the usual ones */
	const struct event_sink *events;    /* of the download; NULL: nobody listens */
};

struct firmware {
	const char *path; /* borrowed */
	struct buf file;
	const struct fmt *format;
	bool is_package;
	struct package package; /* if is_package; borrows `file` */
	struct package_verdict verdict;
	bool selected[IMF_COMPONENTS_MAX]; /* components that are to be written */
	struct buf made[IMF_COMPONENTS_MAX]; /* plain bytes of deltas, once they are there */
	/* All that is to be written; zeros where a delta waits for its base, so that the place is
	 * known. */
	struct segments image;
	struct image_heads heads;          /* found by firmware_fit() */
	bool data;
	char warning[160]; /* doubtful, but no reason to refuse; "" if none */
	char not_run[160]; /* an entry that nobody calls; "" if none */
};

#define FIRMWARE_INIT ((struct firmware){0})

/*
 * Reads a file, or fetches a URL, and checks all that needs no device: form, digests, signatures.
 *
 * A package that carries signatures must be signed by a trusted key; an unsigned one and a raw
 * image are taken unless `must_be_signed`.
 *
 * ERR_IO, ERR_FORMAT, ERR_USAGE (raw binary without address), ERR_SIGNATURE (payload digests included),
 * ERR_UNSUPPORTED (a component that a boot loader in ROM cannot take: RAM contents, data for another
 * chip; and, unless it was asked for by name, one for a slot or with a run-once entry).
 */
int firmware_load(
	const char *path, const struct firmware_options *opt, struct firmware *ret, struct err *e);

/* ---- deltas: their new image is made when the device is there, see rebuild.h ---- */

/* True if component `i` is to be written and is a delta whose new image is not there yet. */
bool firmware_waits(const struct firmware *f, size_t i);
/* True if any component waits: then `image` is not what will be written. */
bool firmware_waits_any(const struct firmware *f);

/*
 * Gives a waiting component its plain bytes, which are taken out of `plain`. ERR_DAMAGED unless
 * they are what the manifest says.
 */
int firmware_fill(struct firmware *f, size_t i, struct buf *plain, struct err *e);

/* Finds the vector tables for this chip, but those of deltas that wait. ERR_NO_FIT; for a package ERR_IDENTITY if it names
 * another chip. */
int firmware_fit(struct firmware *f, const struct chip *chip, struct err *e);

void firmware_done(struct firmware *f);

#define cleanup_firmware CLEANUP(firmware_done)

/* ---- may it replace what is there? ---- */

enum installed_source { INSTALLED_UNKNOWN, INSTALLED_RECORD, INSTALLED_STATE, INSTALLED_CONFIG };

struct installed_now {
	enum installed_source
		version_source; /* INSTALLED_UNKNOWN: version and counter mean nothing */
	struct imf_version version;
	uint32_t counter;
	enum installed_source product_source;
	uint8_t product[UUID_SIZE];
	bool has_hw;
	uint16_t hw;
};

/*
 * What the device runs now, in this order: the record in its flash, the state file (if the flash
 * still holds what it says), then what `configured` says.
 *
 * state       NULL: none
 * configured  sources INSTALLED_CONFIG or INSTALLED_UNKNOWN
 */
int installed_find(struct device *d, const struct firmware *f, const struct state *state,
	const struct installed_now *configured, struct installed_now *ret, struct err *e);

struct release_policy {
	bool allow_downgrade; /* a lower version; never a lower counter */
	bool require_known;   /* refuse where something could not be checked */
	/* A lower counter too: never by an option, only where a signed plan names the device. */
	bool allow_counter;
};

/*
 * Product, hardware revision, security counter, version. A raw image says nothing about itself and
 * passes unless `require_known`.
 *
 * ret_unchecked  what could not be checked, for people ("version, hardware revision"); "" if all
 *                was; at least 80 bytes
 *
 * ERR_IDENTITY, ERR_DOWNGRADE.
 */
int release_check(const struct firmware *f, const struct installed_now *now,
	const struct release_policy *policy, char *ret_unchecked, size_t size, struct err *e);

/* True if writing it changes what is installed: a program of an image, component 0 of a package. */
bool firmware_is_release(const struct firmware *f);

/* Where the record of component 0 will be in flash; 0: it has none. */
uint32_t firmware_record_addr(const struct firmware *f);

/* What the state file shall remember after the firmware was written and proven. */
int firmware_installed(const struct firmware *f, struct installed *ret, struct err *e);

#endif
