/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt.c - which formats there are, and how a file of any of them becomes an image
 *
 * How to add a format:
 *
 *  1. src/format/fmt_<name>.c: one `const struct fmt fmt_<name>` with detect() and read(), and
 *     write() if `convert` shall make such files. If the format is already recognised, its row
 *     moves there from fmt_known.c.
 *     detect() looks at content only and must not claim what another row claims; read() checks
 *     every length before use, puts the bytes in with segments_add() (few pieces) or
 *     segments_join() (many), and says in its errors where in the file it stopped.
 *  2. include/stmota/fmt.h: an enum fmt_kind, if it is a new one.
 *  3. src/format/fmt_impl.h: the extern; src/format/fmt.c: the pointer in `formats`, before
 *     fmt_bin, which takes everything; src/format/meson.build: the file.
 *  4. tests/unit/test_fmt_<name>.c and its line in tests/unit/meson.build; tests/fuzz/fuzz_<name>.c,
 *     its row in tests/fuzz/meson.build and a few small files in tests/fuzz/corpus/<name>/.
 *  5. A line in NEWS.md and in the table of formats of README.md.
 *
 * Nothing else: info, pack and flash read whatever stands in this table; `convert` has the list of
 * what it can write in its option --to.
 */
#include "fmt_impl.h"

#include <stdio.h>
#include <string.h>

static const struct fmt *const formats[] = {
	&fmt_sota,
	&fmt_elf,
	&fmt_ihex,
	&fmt_srec,
	&fmt_uf2,
	&fmt_dfuse,
	&fmt_mcuboot,
	&fmt_sfb,
	&fmt_dfu,
	&fmt_aes,
	&fmt_bin,
	NULL,
};

const struct fmt *fmt_at(size_t index)
{
	return index < ARRAY_LEN(formats) ? formats[index] : NULL;
}

const struct fmt *fmt_detect(const uint8_t *data, size_t len)
{
	for (size_t i = 0; formats[i] != NULL; i++)
		if (formats[i]->detect(data, len))
			return formats[i];
	return &fmt_bin;
}

const struct fmt *fmt_find(const char *name)
{
	for (size_t i = 0; formats[i] != NULL; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

const struct fmt *fmt_called(const char *name)
{
	/* Names whose row has another one; of a DFU suffix alone nobody speaks. */
	static const struct {
		const char *called, *name;
	} table[] = {
		{"hex", "ihex"},
		{"dfu", "dfuse"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].called, name) == 0)
			return fmt_find(table[i].name);
	return fmt_find(name);
}

static int read_as(const struct fmt *f, const uint8_t *data, size_t len,
	const struct fmt_options *opt, struct segments *ret, struct err *e)
{
	if (f->kind == FMT_SOTA)
		return err_set(e, ERR_FORMAT, "this is a stmota package, not an image");
	if (f->read == NULL) {
		err_set(e, ERR_UNSUPPORTED, "reading an image from the format %s is not built",
			f->description);
		err_hint(e, "use the .bin, .hex or .elf file that it was made from");
		return ERR_UNSUPPORTED;
	}
	if (f->has_addresses && opt->has_address) {
		err_set(e, ERR_USAGE, "--address is for raw binaries; this is %s", f->description);
		err_hint(e, "leave out --address: the file carries its own");
		return ERR_USAGE;
	}
	return f->read(data, len, opt, ret, e);
}

int fmt_read(const uint8_t *data, size_t len, const char *name, const struct fmt_options *opt,
	struct segments *ret, const struct fmt **ret_format, struct err *e)
{
	static const struct fmt_options none = {0};
	cleanup_segments struct segments image = SEGMENTS_INIT;
	const struct fmt *f;
	int rc;

	if (opt == NULL)
		opt = &none;
	f = opt->raw ? &fmt_bin : fmt_detect(data, len);
	rc = read_as(f, data, len, opt, &image, e);
	if (rc < 0) {
		err_wrap(e, "%s", name);
		return rc;
	}
	*ret = segments_move(&image);
	if (ret_format != NULL)
		*ret_format = f;
	return 0;
}

int fmt_read_take(struct buf *file, const char *name, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	int rc;

	if (!opt->raw && fmt_detect(file->data, file->len) != &fmt_bin)
		return fmt_read(file->data, file->len, name, opt, ret, NULL, e);
	rc = fmt_bin_check(file->data, file->len, opt, e);
	if (rc == 0)
		rc = segments_take(ret, opt->address, file, e);
	return rc < 0 ? err_wrap(e, "%s", name) : 0;
}

int fmt_write(const struct fmt *f, const struct segments *s, const struct fmt_write_options *opt,
	struct buf *ret, struct err *e)
{
	if (f->write == NULL)
		return err_set(
			e, ERR_UNSUPPORTED, "writing the format %s is not built", f->description);
	if (s->n == 0)
		return err_set(e, ERR_FORMAT, "there is nothing to write: the image is empty");
	return f->write(s, opt, ret, e);
}
