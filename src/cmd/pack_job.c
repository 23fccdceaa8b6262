/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_job.c - files become components, and are asked whether they are what they should be
 *
 * What the firmware says about itself (its imf_app_info record) fills in what nobody said, and
 * stops the command where the two contradict each other: a package that lies about its content
 * would be refused by devices after the release, not before.
 */
#include "cmd.h"
#include "pack_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imf/imf_bytes.h>
#include <stmota/delta.h>
#include <stmota/fs.h>
#include <stmota/image.h>
#include <stmota/log.h>
#include <stmota/mcuboot.h>

void pack_job_init(struct pack_job *p, const struct command_env *env)
{
	*p = (struct pack_job){.env = env, .spec = {.hw_max = UINT16_MAX, .items = p->items}};
}

void pack_job_done(struct pack_job *p)
{
	for (size_t i = 0; i < IMF_COMPONENTS_MAX; i++) {
		segments_done(&p->images[i]);
		buf_done(&p->packed_bytes[i]);
	}
}

/* ---- files ---- */

/* Settings are bytes, whatever they look like, unless somebody says what they are. */
static bool is_raw(const struct pack_file *f)
{
	if (f->format != NULL)
		return f->format->kind == FMT_BIN;
	return f->kind == IMF_KIND_CONFIGURATION || f->kind == IMF_KIND_RAM_INIT;
}

static int read_opaque(
	const struct pack_file *f, const struct buf *b, struct segments *ret, struct err *e)
{
	if (f->format != NULL && f->format->kind != FMT_BIN)
		return err_set(e, ERR_USAGE,
			"%s: data for another chip is taken as it is, not as %s", f->path,
			f->format->name);
	if (b->len == 0)
		return err_set(e, ERR_FORMAT, "%s is empty", f->path);
	return segments_add(ret, f->address, b->data, (uint32_t)b->len, e);
}

static int read_image(const struct pack_file *f, struct buf *b, struct segments *ret, struct err *e)
{
	struct fmt_options opt = {
		.has_address = f->has_address,
		.address = f->address,
		.raw = is_raw(f),
		.allow_ram = f->kind == IMF_KIND_RAM_CODE || f->kind == IMF_KIND_RAM_INIT,
	};
	const struct fmt *found;

	if (f->format != NULL && !opt.raw) {
		found = fmt_detect(b->data, b->len);
		if (found != f->format)
			return err_set(e, ERR_FORMAT, "%s: this is %s, not %s", f->path,
				found->description, f->format->name);
	}
	return fmt_read_take(b, f->path, &opt, ret, e);
}

static int header_contradicts(struct err *e, const char *what, const char *option)
{
	err_set(e, ERR_USAGE, "the header of the MCUboot image says %s", what);
	return err_hint(e, "leave out %s: the package takes it from there", option);
}

/* An MCUboot image tells its version; the package of it is of the same. */
static int adopt_header(struct pack_job *p, const struct buf *b, struct err *e)
{
	struct package_spec *s = &p->spec;
	char text[64], version[VERSION_TEXT_SIZE];
	struct imf_version v;
	struct mcuboot_info m;
	uint32_t counter;
	bool checked;
	int rc = mcuboot_inspect(b->data, b->len, &m, e);

	if (rc == 0)
		rc = mcuboot_check_hash(b->data, &m, &checked, e);
	if (rc < 0)
		return rc;
	v = mcuboot_to_version(m.version);
	if (p->has_version && imf_version_compare(s->version, v) != 0) {
		snprintf(text, sizeof(text), "version %s", version_format(v, version));
		return header_contradicts(e, text, "--version");
	}
	s->version = v;
	p->has_version = true;
	if (!mcuboot_counter(b->data, &m, &counter))
		return 0;
	if (p->has_counter && s->counter != counter) {
		snprintf(text, sizeof(text), "security counter %u", (unsigned)counter);
		return header_contradicts(e, text, "--counter");
	}
	s->counter = counter;
	p->has_counter = true;
	return 0;
}

/* Component 0 speaks for the package. */
static bool is_signed_image(const struct pack_file *f, const struct buf *b)
{
	return f->kind == IMF_KIND_APPLICATION && fmt_detect(b->data, b->len)->kind == FMT_MCUBOOT;
}

int pack_job_add(struct pack_job *p, const struct pack_file *f, struct err *e)
{
	size_t i = p->spec.n_items;
	cleanup_buf struct buf b = BUF_INIT;
	int rc = f->name != NULL ? package_name_check(f->name, e) : 0;

	if (rc == 0 && i >= IMF_COMPONENTS_MAX)
		rc = err_set(e, ERR_UNSUPPORTED, "more than %u components", IMF_COMPONENTS_MAX);
	if (rc == 0)
		rc = cmd_read_input(p->env, f->path, FS_FILE_MAX, &b, e);
	if (rc == 0)
		rc = f->kind == IMF_KIND_OPAQUE ? read_opaque(f, &b, &p->images[i], e)
						: read_image(f, &b, &p->images[i], e);
	/* What is left of the file is one of another format than raw binary. */
	if (rc == 0 && i == 0 && b.len > 0 && is_signed_image(f, &b)) {
		rc = adopt_header(p, &b, e);
		if (rc < 0)
			err_wrap(e, "%s", f->path);
	}
	if (rc < 0)
		return rc;
	p->items[i] = (struct package_item){.kind = f->kind,
		.slot = f->slot,
		.entry = f->entry,
		.image = &p->images[i],
		.encrypt = f->encrypt == PACK_ENCRYPT_YES ||
			   (f->encrypt == PACK_ENCRYPT_IF_KEY && p->spec.lock != NULL),
		.chunk_size = f->has_chunk ? f->chunk_size : p->chunk_size};
	p->compress[i] = f->compress;
	if (f->name != NULL) {
		snprintf(p->names[i], sizeof(p->names[i]), "%s", f->name);
		p->items[i].name = p->names[i];
	}
	p->spec.n_items++;
	return 0;
}

/* ---- will it run, and is it what it says ---- */

static int check_program(const struct pack_job *p, size_t i, struct err *e)
{
	const struct package_item *it = &p->items[i];
	struct span extent = segments_extent(it->image);
	char warning[160] = "";
	uint32_t base = extent.addr;
	int rc;

	/* What goes to a slot is only linked for this address: a loader may copy it to RAM and run it there. */
	rc = it->slot != IMF_NO_SLOT && p->chip == NULL
		     ? 0
		     : package_place_check(it->kind, it->image, p->chip, e);
	if (rc < 0 || it->kind != IMF_KIND_APPLICATION)
		return rc;
	image_vector_base(it->image, p->chip, &base);
	if (image_is_opaque(it->image, base)) /* its loader unpacks it first */
		return 0;
	rc = image_check_vectors(it->image, base, p->chip, warning, sizeof(warning), e);
	if (rc == 0 && warning[0] != '\0')
		log_warn("%s", warning);
	return rc;
}

static int product_differs(const struct pack_job *p, const struct imf_app_info *info, struct err *e)
{
	uint8_t uuid[UUID_SIZE];
	char text[UUID_TEXT_SIZE];
	int rc = product_uuid(p->spec.product, uuid, e);

	if (rc < 0 || memcmp(uuid, info->product, UUID_SIZE) == 0)
		return rc;
	err_set(e, ERR_IDENTITY, "the firmware is of product %s, not of %.100s",
		uuid_format(info->product, text), p->spec.product);
	return err_hint(e, "words of %s for IMF_APP_INFO(): 0x%08x, 0x%08x, 0x%08x, 0x%08x",
		p->spec.product, imf_get_le32(uuid), imf_get_le32(uuid + 4), imf_get_le32(uuid + 8),
		imf_get_le32(uuid + 12));
}

static int contradicts(struct err *e, const char *what, const char *hint)
{
	err_set(e, ERR_USAGE, "the firmware's own record says %s", what);
	return err_hint(e, "%s", hint);
}

/* Component 0 speaks for the package: the record fills in what the command line leaves out. */
static int adopt_record(struct pack_job *p, const struct imf_app_info *info, struct err *e)
{
	struct package_spec *s = &p->spec;
	char version[VERSION_TEXT_SIZE], text[64];
	int rc = product_differs(p, info, e);

	if (rc < 0)
		return rc;
	if (p->has_version && imf_version_compare(s->version, info->version) != 0) {
		snprintf(text, sizeof(text), "version %s", version_format(info->version, version));
		return contradicts(
			e, text, "leave out --version, or build the firmware of that version");
	}
	if (p->has_counter && s->counter != info->counter) {
		snprintf(text, sizeof(text), "security counter %u", info->counter);
		return contradicts(
			e, text, "leave out --counter, or build the firmware with that counter");
	}
	/* A package may be for fewer boards than its firmware could run on, never for more. */
	if (p->has_hw && (s->hw_min < info->hw_min || s->hw_max > info->hw_max)) {
		snprintf(text, sizeof(text), "hardware %u..%u", info->hw_min, info->hw_max);
		return contradicts(
			e, text, "leave out --hw, or build the firmware for that hardware");
	}
	if (p->chip != NULL && info->chip != 0 && info->chip != s->chip) {
		snprintf(text, sizeof(text), "chip 0x%03X", info->chip);
		return contradicts(
			e, text, "leave out --chip, or build the firmware for that chip");
	}
	s->version = info->version;
	s->counter = info->counter;
	if (!p->has_hw) {
		s->hw_min = info->hw_min;
		s->hw_max = info->hw_max;
	}
	if (info->chip != 0)
		s->chip = info->chip;
	p->has_version = true;
	return 0;
}

static int check_item(struct pack_job *p, size_t i, struct err *e)
{
	struct package_item *it = &p->items[i];
	struct imf_app_info info;
	bool found = false;
	int rc = check_program(p, i, e);

	if (rc == 0 && (it->kind == IMF_KIND_APPLICATION || it->kind == IMF_KIND_SECOND_IMAGE))
		rc = package_find_app_info(it->image, &it->app_info, &info, &found, e);
	return rc == 0 && found && i == 0 ? adopt_record(p, &info, e) : rc;
}

static int check(struct pack_job *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->spec.n_items; i++) {
		rc = check_item(p, i, e);
		if (rc < 0 && p->items[i].name != NULL)
			err_wrap(e, "component '%s'", p->items[i].name);
		else if (rc < 0 && p->spec.n_items > 1)
			err_wrap(e, "component %zu", i);
	}
	if (rc == 0 && !p->has_version) {
		err_set(e, ERR_USAGE, "which version is it?");
		rc = err_hint(e, "--version 1.2.3+4, or an IMF_APP_INFO() record in the firmware");
	}
	return rc;
}

/* What does not become smaller by more than it costs to say so stays as it is. */
static int compress(struct pack_job *p, size_t i, struct err *e)
{
	cleanup_buf struct buf plain = BUF_INIT;
	const struct segments *s = p->items[i].image;
	struct buf *to = &p->packed_bytes[i];
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < s->n; k++)
		rc = buf_append(&plain, s->v[k].data, s->v[k].len, e);
	if (rc == 0)
		rc = delta_pack(&(struct delta_image){plain.data, plain.len, 0}, p->compress[i], to,
			NULL, e);
	if (rc < 0)
		return err_wrap(e, "component %zu", i);
	if (to->len + IMF_TLV_HEADER_SIZE + 8 >= plain.len) {
		log_info("component %zu does not become smaller: it is stored as it is", i);
		return 0;
	}
	p->packed[i] = (struct package_packed){to->data, to->len, p->compress[i]};
	p->items[i].packed = &p->packed[i];
	return 0;
}

int pack_job_build(struct pack_job *p, struct buf *ret, struct err *e)
{
	int rc = check(p, e);

	for (size_t i = 0; rc == 0 && i < p->spec.n_items; i++)
		if (p->compress[i] != 0)
			rc = compress(p, i, e);
	return rc < 0 ? rc : package_build(&p->spec, ret, e);
}
