/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt.h - the table of file formats, and reading a file of any of them
 */
#ifndef STMOTA_FMT_H
#define STMOTA_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/segments.h>

enum fmt_kind {
	FMT_BIN,
	FMT_IHEX,
	FMT_ELF,
	FMT_SREC,
	FMT_UF2,
	FMT_DFUSE,
	FMT_DFU, /* raw binary with a DFU suffix */
	FMT_MCUBOOT,
	FMT_SFB,
	FMT_AES, /* nothing but AES-CTR, aes_file.h */
	FMT_SOTA,
};

struct fmt_options {
	bool has_address;
	uint32_t address; /* where a raw binary begins; refused for formats that carry addresses */
	bool raw;         /* any bytes are welcome (data of a package): no look at what they are */
	bool allow_ram;   /* ELF segments whose load address is in RAM are wanted (RAM code) */
};

struct fmt_write_options {
	uint8_t erased; /* what a raw binary has in place of holes */
	bool has_family;
	uint32_t family; /* for whom a UF2 file is, see fmt_uf2.h */
};

/* Holes of a raw binary are filled up to here in all: no flash of an STM32 is larger. */
#define FMT_FILL_MAX (4u << 20)

struct fmt {
	enum fmt_kind kind;
	const char *name;        /* "bin", "ihex", ... */
	const char *description; /* for people: "Intel HEX file" */
	bool has_addresses;      /* else they must come from fmt_options */
	/* True if the content is of this format; looks at content only, never at a file name. */
	bool (*detect)(const uint8_t *data, size_t len);
	/* NULL: recognised, but not readable as an image. `opt` is never NULL, `ret` is empty. */
	int (*read)(const uint8_t *data, size_t len, const struct fmt_options *opt,
		struct segments *ret, struct err *e);
	/* NULL: not built. The image is not empty; appends to `ret`. */
	int (*write)(const struct segments *s, const struct fmt_write_options *opt, struct buf *ret,
		struct err *e);
};

/* Never NULL: what nothing else claims is a raw binary. */
const struct fmt *fmt_detect(const uint8_t *data, size_t len);

/* NULL if there is no such format. */
const struct fmt *fmt_find(const char *name);

/* Likewise, by what people call it: "hex" and "dfu" too. */
const struct fmt *fmt_called(const char *name);

/* All formats in the order they are tried; NULL behind the last. */
const struct fmt *fmt_at(size_t index);

/*
 * Reads an image of any readable format.
 *
 * name        for messages
 * opt         NULL: no address given
 * ret         an empty image
 * ret_format  may be NULL
 *
 * ERR_FORMAT (damaged), ERR_UNSUPPORTED (recognised, not readable here), ERR_USAGE (a raw binary
 * without address: the hint names the guess from its vector table; or an address that the format
 * does not take).
 */
int fmt_read(const uint8_t *data, size_t len, const char *name, const struct fmt_options *opt,
	struct segments *ret, const struct fmt **ret_format, struct err *e);

/*
 * fmt_read() of a file that nobody needs afterwards: the bytes of a raw binary become the image, and
 * `file` is empty then.
 */
int fmt_read_take(struct buf *file, const char *name, const struct fmt_options *opt,
	struct segments *ret, struct err *e);

/*
 * Appends an image in the given format to `ret`. What is written reads back as the same segments,
 * but for a raw binary, which has no address and no holes; an entry is kept by ihex and srec only.
 *
 * ERR_UNSUPPORTED (no writer), ERR_USAGE (UF2 without a family), ERR_FORMAT (empty image),
 * ERR_NO_FIT (holes larger than FMT_FILL_MAX), ERR_NOMEM.
 */
int fmt_write(const struct fmt *f, const struct segments *s, const struct fmt_write_options *opt,
	struct buf *ret, struct err *e);

/*
 * The GNU build id of an ELF file (usually 20 bytes), which names one build of one source.
 * Returns its length, 0 if the file has none of at most `max` bytes or is no ELF file.
 */
size_t fmt_elf_build_id(const uint8_t *data, size_t len, uint8_t *ret, size_t max);

#endif
