/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_settings.c - what a package says about itself: from options, a release.ini, the environment
 *
 * Each setting is a row: option and key have the same name and the same meaning, so that a line of
 * the file can be overruled on the command line. There is no clock here.
 */
#include "pack_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/delta.h>
#include <stmota/fs.h>
#include <stmota/strparse.h>

#define NOTES_FILE_MAX 65536

/* ---- single settings ---- */

static int set_product(struct pack_job *p, const char *text, struct err *e)
{
	int rc = product_check(text, e);

	if (rc < 0)
		return rc;
	snprintf(p->product, sizeof(p->product), "%s", text);
	p->spec.product = p->product;
	return 0;
}

static int set_version(struct pack_job *p, const char *text, struct err *e)
{
	p->has_version = true;
	return version_parse(text, &p->spec.version, e);
}

static int set_min_version(struct pack_job *p, const char *text, struct err *e)
{
	return version_parse(text, &p->spec.min_version, e) < 0 ? err_wrap(e, "min-version") : 0;
}

static int set_chip(struct pack_job *p, const char *text, struct err *e)
{
	int rc = chip_find_name(text, &p->chip, e);

	if (rc == 0)
		p->spec.chip = p->chip->pid;
	return rc;
}

static int set_hw(struct pack_job *p, const char *text, struct err *e)
{
	p->has_hw = true;
	return parse_u16_pair(text, &p->spec.hw_min, &p->spec.hw_max, e) < 0 ? err_wrap(e, "hw")
									     : 0;
}

static int set_counter(struct pack_job *p, const char *text, struct err *e)
{
	p->has_counter = true;
	return parse_u32(text, &p->spec.counter, e) < 0 ? err_wrap(e, "counter") : 0;
}

static int set_title(struct pack_job *p, const char *text, struct err *e)
{
	return package_meta_set(&p->spec.meta, "title", text, e);
}

static int set_build_id(struct pack_job *p, const char *text, struct err *e)
{
	return package_meta_set(&p->spec.meta, "build id", text, e);
}

static int set_revision(struct pack_job *p, const char *text, struct err *e)
{
	return package_meta_set(&p->spec.meta, "revision", text, e);
}

static int set_notes(struct pack_job *p, const char *text, struct err *e)
{
	return package_meta_set(&p->spec.meta, "notes", text, e);
}

/* Line ends of any system become line feeds, those at the end go. */
static int set_notes_file(struct pack_job *p, const char *path, struct err *e)
{
	cleanup_buf struct buf file = BUF_INIT, text = BUF_INIT;
	int rc = fs_read(path, NOTES_FILE_MAX, &file, e);

	if (rc == 0 && file.len > 0 && memchr(file.data, '\0', file.len) != NULL)
		rc = err_set(e, ERR_FORMAT, "%s is not a text file", path);
	for (size_t i = 0; rc == 0 && i < file.len; i++)
		if (file.data[i] != '\r' || i + 1 == file.len || file.data[i + 1] != '\n')
			rc = buf_append(&text, &file.data[i], 1, e);
	while (text.len > 0 && strchr(" \n", text.data[text.len - 1]) != NULL)
		text.len--;
	if (rc == 0)
		rc = buf_append(&text, "", 1, e);
	if (rc == 0 && set_notes(p, (const char *)text.data, e) < 0)
		rc = err_wrap(e, "%s", path);
	return rc;
}

/* ---- dates ---- */

static bool parse_seconds(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0;
}

/* 2026-11-21T12:00:00Z, exactly. */
static bool parse_date(const char *text, uint64_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char again[PACKAGE_DATE_TEXT];
	time_t t = end != NULL && *end == '\0' ? timegm(&tm) : -1;

	if (t < 0 || strcmp(package_date_format((uint64_t)t, again), text) != 0)
		return false;
	*ret = (uint64_t)t;
	return true;
}

static int set_date(struct pack_job *p, const char *text, struct err *e)
{
	uint64_t date;

	p->no_date = strcmp(text, "none") == 0;
	if (p->no_date)
		return 0;
	if (parse_seconds(text, &date) || parse_date(text, &date))
		return package_meta_date(&p->spec.meta, date, e);
	err_set(e, ERR_USAGE, "date is '%.40s'", text);
	return err_hint(e, "such as 2026-11-21T12:00:00Z, seconds since 1970, or none");
}

static int date_of_environment(struct pack_job *p, struct err *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t date;

	if (text == NULL || text[0] == '\0' || p->spec.meta.has_date || p->no_date)
		return 0;
	if (parse_seconds(text, &date))
		return package_meta_date(&p->spec.meta, date, e);
	err_set(e, ERR_USAGE, "SOURCE_DATE_EPOCH is '%.40s'", text);
	return err_hint(e, "seconds since 1970, such as $(git log -1 --format=%%ct)");
}

/* ---- all of them ---- */

static const struct setting {
	enum release_key key;
	bool no_option; /* only in a file */
	int (*set)(struct pack_job *p, const char *text, struct err *e);
} settings[] = {
	{RELEASE_PRODUCT, false, set_product},
	{RELEASE_VERSION, false, set_version},
	{RELEASE_MIN_VERSION, false, set_min_version},
	{RELEASE_HW, false, set_hw},
	{RELEASE_CHIP, false, set_chip},
	{RELEASE_COUNTER, false, set_counter},
	{RELEASE_TITLE, false, set_title},
	{RELEASE_BUILD_ID, false, set_build_id},
	{RELEASE_REVISION, false, set_revision},
	{RELEASE_NOTES, false, set_notes},
	{RELEASE_NOTES_FILE, false, set_notes_file},
	{RELEASE_DATE, true, set_date},
};

/* Notes of the command line, of either kind, replace those of the file. */
static bool overruled(const struct opts *o, enum release_key key)
{
	if (key != RELEASE_NOTES && key != RELEASE_NOTES_FILE)
		return false;
	return o != NULL && (opt_given(o, "notes") || opt_given(o, "notes-file"));
}

static int apply(struct pack_job *p, const struct setting *s, const struct opts *o,
	const struct release_ini *ini, struct err *e)
{
	const char *name = release_key_name(s->key);
	const struct release_value *v = ini != NULL ? &ini->package[s->key] : NULL;
	int rc;

	if (o != NULL && !s->no_option && opt_given(o, name))
		return s->set(p, opt_str(o, name, ""), e);
	if (v == NULL || v->text == NULL || overruled(o, s->key))
		return 0;
	rc = s->set(p, v->text, e);
	return rc < 0 ? err_wrap(e, "%s:%u", ini->path, v->line) : 0;
}

int pack_job_settings(
	struct pack_job *p, const struct opts *opts, const struct release_ini *ini, struct err *e)
{
	int rc = 0;

	if (opts != NULL && opt_given(opts, "notes") && opt_given(opts, "notes-file"))
		return err_set(e, ERR_USAGE, "--notes and --notes-file: one of them");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(settings); i++)
		rc = apply(p, &settings[i], opts, ini, e);
	if (rc == 0)
		rc = date_of_environment(p, e);
	if (rc == 0 && p->spec.product == NULL) {
		err_set(e, ERR_USAGE, "which product is it for?");
		rc = err_hint(e, "%s such as acme.com/streetlight",
			ini != NULL ? "product = in [package]," : "--product,");
	}
	return rc;
}

/* ---- compression ---- */

/* KiB as text to bytes; 0 if it is none of the three. */
static uint32_t ram_of(const char *text)
{
	static const char *const kib[] = {"4", "8", "16"};

	for (size_t i = 0; i < ARRAY_LEN(kib); i++)
		if (strcmp(text, kib[i]) == 0)
			return 4096u << i;
	return 0;
}

static int set_compress(const char *text, uint32_t *ret, struct err *e)
{
	*ret = strcmp(text, "yes") == 0 ? DELTA_RAM_DEFAULT : ram_of(text);
	if (*ret != 0 || strcmp(text, "no") == 0)
		return 0;
	err_set(e, ERR_USAGE, "compress is '%.40s'", text);
	return err_hint(e, "yes, no, or the KiB of RAM that the device may use: 4, 8 or 16");
}

int pack_job_compress(struct pack_job *p, const struct opts *opts, struct err *e)
{
	uint32_t ram = ram_of(opt_str(opts, "ram", "8"));
	bool any = opt_given(opts, "compress");

	for (size_t i = 0; i < p->spec.n_items; i++) {
		if (opt_given(opts, "compress") || (opt_given(opts, "ram") && p->compress[i] != 0))
			p->compress[i] = ram;
		any = any || p->compress[i] != 0;
	}
	return opt_given(opts, "ram") && !any
		       ? err_set(e, ERR_USAGE, "--ram says how to --compress, but nothing is")
		       : 0;
}

/* ---- components of a file ---- */

static int parse_encrypt(const char *text, enum pack_encrypt *ret, struct err *e)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
		err_set(e, ERR_USAGE, "'%.40s' is neither yes nor no", text);
		return err_hint(e, "leave out the line to encrypt it whenever a key is given");
	}
	*ret = text[0] == 'y' ? PACK_ENCRYPT_YES : PACK_ENCRYPT_NO;
	return 0;
}

static int parse_chain(const char *text, struct pack_file *f, struct err *e)
{
	f->has_chunk = true;
	f->chunk_size = 0;
	if (strcmp(text, "no") == 0 || parse_u32(text, &f->chunk_size, NULL) == 0)
		return 0;
	err_set(e, ERR_USAGE, "'%.40s' is no chunk size", text);
	return err_hint(e, "1024, 2048, 4096, or no");
}

static int file_of(const struct release_component *c, struct pack_file *f, enum release_part part,
	struct err *e)
{
	const char *text = c->v[part].text;
	uint32_t n = 0;
	int rc = 0;

	switch (part) {
	case PART_KIND: return package_kind_parse(text, &f->kind, e);
	case PART_FORMAT:
		f->format = fmt_called(text);
		if (f->format == NULL || f->format->read == NULL)
			return err_set(e, ERR_USAGE, "no format '%.40s' for a component", text);
		return 0;
	case PART_ADDRESS: f->has_address = true; return parse_u32(text, &f->address, e);
	case PART_SLOT:
		rc = parse_u32_range(text, 1, UINT16_MAX, &n, e);
		f->slot = (uint16_t)n;
		return rc;
	case PART_ENTRY: return parse_u32(text, &f->entry, e);
	case PART_COMPRESS: return set_compress(text, &f->compress, e);
	case PART_ENCRYPT: return parse_encrypt(text, &f->encrypt, e);
	case PART_CHAIN: return parse_chain(text, f, e);
	default: return 0;
	}
}

int pack_job_add_all(struct pack_job *p, const struct release_ini *ini, struct err *e)
{
	for (size_t i = 0; i < ini->n_components; i++) {
		const struct release_component *c = &ini->components[i];
		struct pack_file f = {.path = c->v[PART_FILE].text,
			.name = c->name,
			.kind = IMF_KIND_APPLICATION};
		int rc = 0;

		for (size_t k = 0; k < PART_N; k++) {
			if (c->v[k].text == NULL)
				continue;
			rc = file_of(c, &f, (enum release_part)k, e);
			if (rc < 0) {
				err_wrap(e, "%s", release_part_name((enum release_part)k));
				return err_wrap(e, "%s:%u", ini->path, c->v[k].line);
			}
		}
		rc = pack_job_add(p, &f, e);
		if (rc < 0)
			return err_wrap(e, "%s:%u: [%s]", ini->path, c->line, c->section);
	}
	return 0;
}

static const char *variable(const char *name)
{
	return getenv(name);
}

int pack_read_ini(const char *path, struct release_ini *ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = fs_read(path, RELEASE_INI_MAX, &text, e);

	return rc < 0 ? rc
		      : release_ini_parse(
				path, (const char *)text.data, text.len, variable, ret, e);
}
