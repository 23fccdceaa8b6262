/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/firmware.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/digest.h>
#include <stmota/fmt_dfuse.h>
#include <stmota/fs.h>
#include <stmota/mcuboot.h>

/* Kinds that a boot loader in ROM can write, and whether they are programs. */
static const struct {
	enum imf_kind kind;
	bool program;
} flashable[] = {
	{IMF_KIND_APPLICATION, true},
	{IMF_KIND_SECOND_IMAGE, true},
	{IMF_KIND_CONFIGURATION, false},
};

static bool is_flashable(unsigned kind, bool *ret_program)
{
	for (size_t i = 0; i < ARRAY_LEN(flashable); i++) {
		if (flashable[i].kind != (enum imf_kind)kind)
			continue;
		*ret_program = flashable[i].program;
		return true;
	}
	return false;
}

/* ---- reading ---- */

/* What a user could ask for instead, as options; "" if nothing can be written. */
static void list_writable(const struct package *p, char *ret, size_t size)
{
	bool program;

	ret[0] = '\0';
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);
		size_t len = strlen(ret);

		if (!is_flashable(c.kind, &program) || c.slot != IMF_NO_SLOT)
			continue;
		if (p->names[i][0] != '\0')
			snprintf(ret + len, size - len, " --component %s", p->names[i]);
		else
			snprintf(ret + len, size - len, " --component %u", (unsigned)i);
	}
}

/*
 * What a boot loader in ROM cannot do for a component is refused, unless the component was asked
 * for by name and its bytes can be written; others of the package are never left out in silence.
 */
static int check_component(struct firmware *f, size_t i, bool named, struct err *e)
{
	struct imf_component c = package_component(&f->package, i);
	char label[PACKAGE_LABEL_SIZE], others[120];
	bool program = false;

	package_component_label(&f->package, i, label);
	if (!is_flashable(c.kind, &program)) {
		err_set(e, ERR_UNSUPPORTED, "%s (%s) cannot be written by a bootloader in ROM",
			label, package_kind_name((enum imf_kind)c.kind));
		list_writable(&f->package, others, sizeof(others));
		if (named || others[0] == '\0')
			return err_hint(e, "such components go to the device's own updater");
		return err_hint(
			e, "the device's own updater takes it; to write the others:%s", others);
	}
	if (c.slot != IMF_NO_SLOT && !named) {
		err_set(e, ERR_UNSUPPORTED,
			"%s goes to slot %u, which only the device's own updater knows", label,
			c.slot);
		return err_hint(e,
			"naming it with --component writes it to 0x%08X, which it is linked for",
			c.load_addr);
	}
	if (c.entry != 0 && !named) {
		err_set(e, ERR_UNSUPPORTED,
			"%s wants to be run once after the update, which a bootloader in ROM "
			"cannot do",
			label);
		return err_hint(e, "naming it with --component writes it; its entry is not called");
	}
	if (c.entry != 0)
		snprintf(f->not_run, sizeof(f->not_run),
			"the run-once entry 0x%08X of %s is not called: a bootloader in ROM cannot",
			c.entry, label);
	return 0;
}

static bool is_delta(const struct firmware *f, size_t i)
{
	return (package_component(&f->package, i).encoding & IMF_ENC_DELTA) != 0;
}

/* Plain bytes of a component at their addresses; zeros while it waits for its base. */
static int component_segments(
	const struct firmware *f, size_t i, struct segments *ret, struct err *e)
{
	struct imf_component c = package_component(&f->package, i);
	cleanup_buf struct buf zeros = BUF_INIT;
	uint32_t at = 0, addr, run;
	const uint8_t *plain;
	int rc = 0;

	if (!is_delta(f, i))
		return package_segments(&f->package, i, ret, e);
	if (f->made[i].len == 0)
		rc = buf_fill(&zeros, 0, c.plain_size, e);
	plain = f->made[i].len > 0 ? f->made[i].data : zeros.data;
	while (rc == 0 && imf_manifest_place(&f->package.manifest, (uint32_t)i, at, &addr, &run)) {
		rc = segments_add(ret, addr, plain + at, run, e);
		at += run;
	}
	return rc;
}

static int add_component(struct firmware *f, size_t i, struct err *e)
{
	cleanup_segments struct segments part = SEGMENTS_INIT;
	char label[PACKAGE_LABEL_SIZE], other[PACKAGE_LABEL_SIZE];
	int rc = component_segments(f, i, &part, e);

	/* Only components for slots can overlap: those for addresses were checked by the parser. */
	for (size_t k = 0; rc == 0 && k < i; k++) {
		cleanup_segments struct segments before = SEGMENTS_INIT;

		if (!f->selected[k])
			continue;
		rc = component_segments(f, k, &before, e);
		if (rc == 0 && span_overlaps(segments_extent(&before), segments_extent(&part))) {
			err_set(e, ERR_USAGE, "%s and %s are linked for the same place",
				package_component_label(&f->package, k, other),
				package_component_label(&f->package, i, label));
			rc = err_hint(e, "name the one that shall be written");
		}
	}
	for (size_t k = 0; rc == 0 && k < part.n; k++)
		rc = segments_add(&f->image, part.v[k].addr, part.v[k].data, part.v[k].len, e);
	return rc;
}

static int assemble(struct firmware *f, struct err *e)
{
	int rc = 0;

	segments_done(&f->image);
	f->image = SEGMENTS_INIT;
	for (size_t i = 0; rc == 0 && i < f->package.header.n_components; i++)
		if (f->selected[i])
			rc = add_component(f, i, e);
	return rc;
}

bool firmware_waits(const struct firmware *f, size_t i)
{
	return f->is_package && f->selected[i] && is_delta(f, i) && f->made[i].len == 0;
}

bool firmware_waits_any(const struct firmware *f)
{
	for (size_t i = 0; f->is_package && i < f->package.header.n_components; i++)
		if (firmware_waits(f, i))
			return true;
	return false;
}

int firmware_fill(struct firmware *f, size_t i, struct buf *plain, struct err *e)
{
	struct imf_component c = package_component(&f->package, i);
	uint8_t sum[SHA256_SIZE];
	int rc = sha256(plain->data, plain->len, sum, e);

	if (rc < 0)
		return rc;
	if (plain->len != c.plain_size || memcmp(sum, c.plain_digest, SHA256_SIZE) != 0)
		return err_set(e, ERR_DAMAGED, "component %zu is not what the manifest says", i);
	f->made[i] = *plain;
	*plain = BUF_INIT;
	return assemble(f, e);
}

static int select_components(struct firmware *f, const struct firmware_options *opt, struct err *e)
{
	size_t found = 0;

	for (size_t i = 0; i < f->package.header.n_components; i++)
		f->selected[i] = opt->n_components == 0;
	for (size_t i = 0; i < opt->n_components; i++) {
		int rc = package_component_find(&f->package, opt->components[i], &found, e);

		if (rc < 0)
			return rc;
		f->selected[found] = true;
	}
	for (size_t i = 0; i < f->package.header.n_components; i++) {
		int rc = 0;

		if (f->selected[i] && !opt->for_updater)
			rc = check_component(f, i, opt->n_components > 0, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_package(struct firmware *f, const struct firmware_options *opt, struct err *e)
{
	int rc;

	if (opt->has_address)
		return err_set(
			e, ERR_USAGE, "a package says itself where it goes: leave out --address");
	rc = package_open(f->file.data, f->file.len, &f->package, e);
	if (rc < 0)
		return rc;
	if (f->package.n_signatures > 0 || opt->must_be_signed) {
		static const struct trust nobody = TRUST_INIT;

		rc = package_verify(&f->package, opt->trust != NULL ? opt->trust : &nobody,
			opt->now, &f->verdict, e);
	}
	/* A bootloader in ROM takes plain bytes: they are opened here or not at all. */
	if (rc == 0 && !opt->whole_package)
		rc = package_unlock(&f->package, opt->secret, e);
	if (rc == 0)
		rc = select_components(f, opt, e);
	return rc == 0 && !opt->whole_package ? assemble(f, e) : rc;
}

/* What its loader would find out after everything was erased, if nobody looked before. */
static int check_mcuboot(struct firmware *f, const struct firmware_options *opt, struct err *e)
{
	static const struct trust nobody = TRUST_INIT;
	struct mcuboot_verdict verdict;
	struct mcuboot_info m;
	bool checked = false;
	int rc = mcuboot_inspect(f->file.data, f->file.len, &m, e);

	if (rc < 0)
		return rc;
	if (opt->must_be_signed)
		return mcuboot_verify(f->file.data, &m, opt->trust != NULL ? opt->trust : &nobody,
			opt->now, NULL, &verdict, e);
	rc = mcuboot_check_hash(f->file.data, &m, &checked, e);
	if (rc == 0 && !checked && m.hash_bits > 0)
		snprintf(f->warning, sizeof(f->warning),
			"the image is encrypted: whether it is whole, only its device can tell");
	return rc;
}

/* Files that a device's updater takes as they are. */
static bool is_whole(enum fmt_kind kind)
{
	return kind == FMT_BIN || kind == FMT_DFU || kind == FMT_MCUBOOT || kind == FMT_SFB;
}

static int load_image(struct firmware *f, const struct firmware_options *opt, struct err *e)
{
	struct fmt_options options = {.has_address = opt->has_address, .address = opt->address};
	bool mcuboot = fmt_detect(f->file.data, f->file.len)->kind == FMT_MCUBOOT;
	int rc = mcuboot ? check_mcuboot(f, opt, e) : 0;

	if (rc < 0)
		return rc;
	if (opt->must_be_signed && !mcuboot) {
		err_set(e, ERR_SIGNATURE, "%s is no signed package", f->path);
		return err_hint(e, "signed packages are asked for (--trust or require_signature); "
				   "make one with 'stmota pack --key'");
	}
	if (opt->n_components > 0)
		return err_set(e, ERR_USAGE, "%s is no package: it has no components", f->path);
	f->data = opt->data;
	f->format = fmt_detect(f->file.data, f->file.len);
	if (opt->for_updater && is_whole(f->format->kind))
		return segments_add(&f->image, 0, f->file.data,
			(uint32_t)(f->file.len -
				   (f->format->kind == FMT_DFU ? DFU_SUFFIX_SIZE : 0)),
			e);
	if (!opt->has_address && opt->has_raw_address && (f->format->kind == FMT_BIN || mcuboot)) {
		options.has_address = true;
		options.address = opt->raw_address;
	}
	/* Data may look like anything: text, zeros, half a vector table. */
	if (opt->data && options.has_address && f->format->kind == FMT_BIN)
		return segments_add(
			&f->image, options.address, f->file.data, (uint32_t)f->file.len, e);
	return fmt_read(f->file.data, f->file.len, f->path, &options, &f->image, &f->format, e);
}

/* The same bytes are judged and written: nobody changes them in between. */
static int check_digest(const struct firmware *f, const uint8_t want[SHA256_SIZE], struct err *e)
{
	uint8_t sum[SHA256_SIZE];
	int rc = sha256(f->file.data, f->file.len, sum, e);

	if (rc == 0 && memcmp(sum, want, sizeof(sum)) != 0)
		rc = err_set(e, ERR_DAMAGED, "%s is not the file that was announced", f->path);
	return rc;
}

int firmware_load(
	const char *path, const struct firmware_options *opt, struct firmware *ret, struct err *e)
{
	cleanup_firmware struct firmware f = {.path = opt->name != NULL ? opt->name : path};
	int rc = fetch_input(path, opt->fetch, FS_FILE_MAX, opt->events, &f.file, e);

	if (rc == 0 && opt->sha256 != NULL)
		rc = check_digest(&f, opt->sha256, e);
	if (rc < 0)
		return rc;
	f.is_package = package_detect(f.file.data, f.file.len);
	if (f.is_package)
		rc = load_package(&f, opt, e);
	else
		rc = load_image(&f, opt, e);
	if (rc < 0)
		return e != NULL && strstr(e->msg, f.path) == NULL ? err_wrap(e, "%s", f.path) : rc;
	*ret = f;
	f = FIRMWARE_INIT;
	return 0;
}

void firmware_done(struct firmware *f)
{
	image_heads_done(&f->heads);
	segments_done(&f->image);
	for (size_t i = 0; i < ARRAY_LEN(f->made); i++)
		buf_done(&f->made[i]);
	buf_done(&f->file);
	*f = FIRMWARE_INIT;
}

/* ---- fitting it to a chip ---- */

static int append_heads(struct image_heads *all, struct image_heads *more, struct err *e)
{
	uint32_t *base = realloc(all->base, (all->n + more->n) * sizeof(*base));

	if (base == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	all->base = base;
	memcpy(all->base + all->n, more->base, more->n * sizeof(*base));
	all->n += more->n;
	return 0;
}

static int compare_addr(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Each program of a package stands for itself. */
static int fit_package(struct firmware *f, const struct chip *chip, struct err *e)
{
	const struct imf_header *h = &f->package.header;
	int rc = 0;

	if (h->chip != 0 && h->chip != chip->pid) {
		err_set(e, ERR_IDENTITY, "the package is for chip 0x%03X, this is 0x%03X (%s)",
			h->chip, chip->pid, chip->name);
		return err_hint(e, "take the package that was made for this chip");
	}
	for (size_t i = 0; rc == 0 && i < h->n_components; i++) {
		cleanup_segments struct segments part = SEGMENTS_INIT;
		CLEANUP(image_heads_done) struct image_heads heads = {0};
		bool program = false;

		is_flashable(package_component(&f->package, i).kind, &program);
		if (!program || !f->selected[i] || firmware_waits(f, i))
			continue;
		rc = component_segments(f, i, &part, e);
		if (rc == 0)
			rc = image_find_heads(
				&part, chip, &heads, f->warning, sizeof(f->warning), e);
		if (rc == 0)
			rc = append_heads(&f->heads, &heads, e);
	}
	qsort(f->heads.base, f->heads.n, sizeof(*f->heads.base), compare_addr);
	return rc;
}

int firmware_fit(struct firmware *f, const struct chip *chip, struct err *e)
{
	image_heads_done(&f->heads);
	if (f->is_package)
		return fit_package(f, chip, e);
	if (f->data)
		return 0;
	return image_find_heads(&f->image, chip, &f->heads, f->warning, sizeof(f->warning), e);
}

/* ---- what the state file remembers ---- */

static int digest_image(const struct segments *image, char ret[65], struct err *e)
{
	cleanup_digest struct digest d = DIGEST_INIT;
	uint8_t sum[SHA256_SIZE];
	int rc = digest_begin(&d, e);

	for (size_t i = 0; rc == 0 && i < image->n; i++)
		rc = digest_feed(&d, image->v[i].data, image->v[i].len, e);
	if (rc == 0)
		rc = digest_end(&d, sum, e);
	for (size_t i = 0; rc == 0 && i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
	return rc;
}

bool firmware_is_release(const struct firmware *f)
{
	return f->heads.n > 0 && (!f->is_package || f->selected[0]);
}

uint32_t firmware_record_addr(const struct firmware *f)
{
	uint32_t addr = 0, run;

	if (f->is_package && package_component(&f->package, 0).app_info != 0)
		imf_manifest_place(&f->package.manifest, 0,
			package_component(&f->package, 0).app_info, &addr, &run);
	return addr;
}

int firmware_installed(const struct firmware *f, struct installed *ret, struct err *e)
{
	cleanup_segments struct segments first = SEGMENTS_INIT;
	const struct segments *image = f->is_package ? &first : &f->image;
	struct installed in = {.known = true};
	/* Component 0 speaks for the package; settings may change while it runs. */
	int rc = f->is_package ? component_segments(f, 0, &first, e) : 0;

	if (rc == 0)
		rc = digest_image(image, in.sha256, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; image->n <= INSTALLED_PIECES && i < image->n; i++)
		in.pieces[in.n_pieces++] = (struct span){image->v[i].addr, image->v[i].len};
	if (f->is_package) {
		uuid_format(f->package.header.product, in.product_uuid);
		version_format(f->package.header.version, in.version);
		in.counter = f->package.header.counter;
		in.record_addr = firmware_record_addr(f);
	}
	*ret = in;
	return 0;
}
