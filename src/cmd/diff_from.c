/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_from.c - a delta from every released version in a folder to the new one
 *
 * The names of the packages follow from product and versions alone, so that a channel, a script or
 * a second run finds them again.
 */
#include "diff_job.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/clock.h>
#include <stmota/delta_choice.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/log.h>
#include <stmota/signals.h>
#include <stmota/vectors.h>

struct release { /* a file of the folder */
	char *name;
	char from[VERSION_TEXT_SIZE + 12]; /* version, or the beginning of the digest */
	bool has_version;
	struct imf_version version;
	uint8_t digest[SHA256_SIZE];
	char why_not[160];  /* it is no base; "": it is one */
	size_t base, patch; /* bytes; patch 0: the full package is the better one */
	uint64_t ms;
	const char *against; /* why there is no patch; NULL: there is one */
	char file[NAME_MAX + 1];
};

struct from {
	const struct command_env *env;
	const char *dir, *out_dir;
	const uint32_t *address; /* NULL: not given */
	uint32_t address_value;
	struct delta_file new;
	uint8_t new_digest[SHA256_SIZE];
	struct imf_version new_version;
	size_t full; /* bytes of the full package */
	char slug[64], to[VERSION_TEXT_SIZE];
	struct cmd_keys keys;
	struct release *v;
	size_t n;
};

/* ---- the folder ---- */

static int path_in(const char *dir, const char *name, char ret[PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) < PATH_MAX)
		return 0;
	return err_set(e, ERR_IO, "file name too long: %s/%s", dir, name);
}

static int add_release(struct from *f, const char *name, struct err *e)
{
	struct release *v = realloc(f->v, (f->n + 1) * sizeof(*v));

	if (v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->v = v;
	v[f->n] = (struct release){.name = strdup(name)};
	if (v[f->n].name == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->n++;
	return 0;
}

static int list(struct from *f, struct err *e)
{
	DIR *d = opendir(f->dir);
	const struct dirent *file;
	struct stat st;
	int rc = 0;

	if (d == NULL)
		return err_set_errno(e, ERR_IO, errno, "cannot read the folder %s", f->dir);
	while (rc == 0 && (file = readdir(d)) != NULL)
		if (fstatat(dirfd(d), file->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			rc = add_release(f, file->d_name, e);
	closedir(d);
	return rc;
}

/* ---- which of them are bases ---- */

/* Anything may be a raw binary: only what begins with a vector table is taken for one. */
static bool is_firmware(const struct delta_file *file)
{
	uint32_t fits[16];

	return file->is_package || fmt_detect(file->file.data, file->file.len)->has_addresses ||
	       vectors_guess_base(file->file.data, file->file.len, fits, ARRAY_LEN(fits)) > 0;
}

static void judge_package(const struct from *f, struct release *r, const struct delta_file *old)
{
	const struct imf_header *h = &old->package.header, *new = &f->new.package.header;

	if (!f->new.is_package || !old->is_package)
		return;
	if (memcmp(h->product, new->product, UUID_SIZE) != 0)
		snprintf(r->why_not, sizeof(r->why_not), "is of another product");
	else if (h->chip != 0 && new->chip != 0 && h->chip != new->chip)
		snprintf(r->why_not, sizeof(r->why_not), "is for another chip (0x%03X)", h->chip);
	else if (new->chip == 0 && h->chip != 0)
		snprintf(r->why_not, sizeof(r->why_not), "is for one chip, the new one for any");
}

static int judge(struct from *f, struct release *r, struct delta_file *old, struct err *e)
{
	struct delta_image image;
	int rc;

	if (!is_firmware(old)) {
		snprintf(r->why_not, sizeof(r->why_not), "is no firmware");
		return 0;
	}
	judge_package(f, r, old);
	image = delta_file_image(old);
	r->base = image.len;
	rc = sha256(image.data, image.len, r->digest, e);
	if (rc < 0 || r->why_not[0] != '\0')
		return rc;
	r->has_version = delta_file_version(old, &r->version);
	if (memcmp(r->digest, f->new_digest, SHA256_SIZE) == 0)
		snprintf(r->why_not, sizeof(r->why_not), "is the new image itself");
	else if (r->has_version && imf_version_compare(r->version, f->new_version) >= 0)
		snprintf(r->why_not, sizeof(r->why_not), "is not older than the new one");
	return 0;
}

static int look(struct from *f, struct release *r, struct err *e)
{
	struct delta_file old = DELTA_FILE_INIT;
	struct err why = ERR_INIT;
	char path[PATH_MAX];
	int rc = path_in(f->dir, r->name, path, e);

	if (rc < 0)
		return rc;
	rc = delta_file_read(path, f->address, &old, &why);
	if (rc == 0)
		rc = judge(f, r, &old, e);
	else
		rc = 0;
	/* The message begins with the path, which the row has already. */
	if (why.code != ERR_NONE)
		snprintf(r->why_not, sizeof(r->why_not), "%.150s",
			strncmp(why.msg, path, strlen(path)) == 0
				? why.msg + strlen(path) + strspn(why.msg + strlen(path), ": ")
				: why.msg);
	delta_file_done(&old);
	return rc;
}

/* Bases first, the oldest first; without a version behind those with one. */
static int by_version(const void *a, const void *b)
{
	const struct release *x = a, *y = b;
	int rc = (x->why_not[0] != '\0') - (y->why_not[0] != '\0');

	if (rc == 0)
		rc = y->has_version - x->has_version;
	if (rc == 0 && x->has_version)
		rc = imf_version_compare(x->version, y->version);
	return rc != 0 ? rc : strcmp(x->name, y->name);
}

/* Of equal images the first counts: one that tells its version, where there is one. */
static size_t sort_out(struct from *f)
{
	size_t bases = 0;

	if (f->n == 0)
		return 0;
	qsort(f->v, f->n, sizeof(*f->v), by_version);
	for (struct release *r = f->v; r < f->v + f->n; r++) {
		for (const struct release *k = f->v; k < r && r->why_not[0] == '\0'; k++)
			if (memcmp(k->digest, r->digest, SHA256_SIZE) == 0)
				snprintf(r->why_not, sizeof(r->why_not),
					"is the same image as %.100s", k->name);
		bases += r->why_not[0] == '\0';
	}
	qsort(f->v, f->n, sizeof(*f->v), by_version);
	return bases;
}

/* Two images of one version are told apart by their digests, both of them. */
static void name_them(struct from *f)
{
	char version[VERSION_TEXT_SIZE];

	for (struct release *r = f->v; r < f->v + f->n; r++) {
		bool twice = false;

		for (const struct release *k = f->v; r->has_version && k < f->v + f->n; k++)
			twice |= k != r && k->why_not[0] == '\0' && k->has_version &&
				 imf_version_compare(k->version, r->version) == 0;
		snprintf(r->from, sizeof(r->from), "%s",
			r->has_version ? version_format(r->version, version) : "");
		if (!r->has_version || twice)
			snprintf(r->from + strlen(r->from), sizeof(r->from) - strlen(r->from),
				"%s%02x%02x%02x%02x", twice ? "-" : "", r->digest[0], r->digest[1],
				r->digest[2], r->digest[3]);
		snprintf(r->file, sizeof(r->file), "%s-%s-to-%s.sota", f->slug, r->from, f->to);
	}
}

/* ---- making ---- */

static int make(struct from *f, struct release *r, struct err *e)
{
	struct diff_settings settings = diff_settings_of(f->env);
	struct delta_file old = DELTA_FILE_INIT;
	struct diff_job d = {.old = &old, .new = &f->new};
	uint64_t start = clock_now_ms(&clock_monotonic);
	struct package p;
	char path[PATH_MAX];
	int rc = path_in(f->dir, r->name, path, e);

	if (rc == 0)
		rc = delta_file_read(path, f->address, &old, e);
	if (rc == 0)
		rc = diff_job_make(&d, &settings, e);
	if (rc == 0)
		rc = cmd_keys_sign(&f->keys, r->file, &d.package, e);
	if (rc == 0)
		rc = package_parse(d.package.data, d.package.len, &p, e);
	if (rc == 0) {
		r->patch = d.package.len;
		r->against = delta_against(&p, f->full, settings.ram);
		r->ms = clock_now_ms(&clock_monotonic) - start;
		rc = path_in(f->out_dir, r->file, path, e);
	}
	if (rc == 0 && r->against == NULL)
		rc = fs_write(path, d.package.data, d.package.len, 0644, e);
	diff_job_done(&d);
	delta_file_done(&old);
	return rc;
}

static int load_new(struct from *f, struct err *e)
{
	const struct opts *o = f->env->opts;
	const char *product = opt_str(o, "product", "unnamed"), *version;
	struct delta_image image;
	int rc = delta_file_read(opt_arg(o, 0), f->address, &f->new, e);

	if (rc < 0)
		return rc;
	image = delta_file_image(&f->new);
	rc = sha256(image.data, image.len, f->new_digest, e);
	version = opt_str(o, "version", NULL);
	if (rc == 0 && !delta_file_version(&f->new, &f->new_version))
		rc = version != NULL ? version_parse(version, &f->new_version, e)
				     : err_set(e, ERR_USAGE,
					       "%s does not tell its version: --version VERSION",
					       opt_arg(o, 0));
	if (f->new.is_package)
		product = f->new.package.product;
	f->full = f->new.is_package ? f->new.file.len : image.len;
	/* The part behind the vendor; deeper ones in one word. */
	product = strchr(product, '/') != NULL ? strchr(product, '/') + 1 : product;
	snprintf(f->slug, sizeof(f->slug), "%.60s", product[0] != '\0' ? product : "delta");
	for (char *p = f->slug; *p != '\0'; p++)
		*p = *p == '/' ? '-' : *p;
	version_format(f->new_version, f->to);
	return rc;
}

/* ---- telling ---- */

static void show_patches(const struct from *f)
{
	struct out *o = f->env->out;

	out_table(o, "patches");
	for (const struct release *r = f->v; r < f->v + f->n; r++) {
		if (r->why_not[0] != '\0')
			continue;
		out_object(o, NULL);
		out_str(o, "from", r->from);
		out_size(o, "base", r->base);
		out_size(o, "patch", r->patch);
		out_real(o, "percent", 100.0 * (double)r->patch / (double)f->full, 1);
		out_real(o, "seconds", (double)r->ms / 1000, 1);
		out_str(o, "file", r->against == NULL ? r->file : NULL);
		out_end(o);
	}
	out_end(o);
}

static void show_skipped(const struct from *f)
{
	struct out *o = f->env->out;
	bool any = false;

	for (size_t i = 0; i < f->n; i++)
		any |= f->v[i].why_not[0] != '\0';
	if (!any)
		return;
	out_table(o, "skipped");
	for (const struct release *r = f->v; r < f->v + f->n; r++) {
		if (r->why_not[0] == '\0')
			continue;
		out_object(o, NULL);
		out_str(o, "skipped", r->name);
		out_str(o, "because", r->why_not);
		out_end(o);
	}
	out_end(o);
}

static void show_sums(const struct from *f)
{
	const struct release *worst = NULL;
	struct out *o = f->env->out;
	uint64_t total = 0;
	size_t made = 0;

	for (const struct release *r = f->v; r < f->v + f->n; r++) {
		if (r->why_not[0] != '\0')
			continue;
		if (r->against == NULL) {
			made++;
			total += r->patch;
		} else {
			out_text(o, "%s: no delta, %s", r->from, r->against);
		}
		if (worst == NULL || r->patch > worst->patch)
			worst = r;
	}
	out_uint(o, "made", made);
	out_size(o, "total", total);
	out_size(o, "full_package", f->full);
	if (worst != NULL) {
		out_size(o, "worst", worst->patch);
		out_str(o, "worst_from", worst->from);
	}
	if (made > 0 && f->keys.n == 0)
		log_warn("the deltas are not signed: 'stmota sign' signs them");
}

static int all(struct from *f, struct err *e)
{
	size_t bases = 0;
	int rc = load_new(f, e);

	if (rc == 0)
		rc = cmd_keys_load(f->env, &f->keys, e);
	if (rc == 0)
		rc = list(f, e);
	for (size_t i = 0; rc == 0 && i < f->n; i++)
		rc = look(f, &f->v[i], e);
	if (rc < 0)
		return rc;
	bases = sort_out(f);
	name_them(f);
	rc = bases > 0 ? fs_mkdir(f->out_dir, e) : 0;
	for (size_t i = 0; rc == 0 && i < bases; i++) {
		rc = signals_check(e);
		if (rc == 0)
			rc = make(f, &f->v[i], e);
	}
	if (rc < 0)
		return rc;
	show_patches(f);
	show_skipped(f);
	show_sums(f);
	if (bases > 0)
		return 0;
	err_set(e, ERR_FAILED, "no older release of this product in %s", f->dir);
	return err_hint(e, "keep the full package of each release there");
}

int diff_from(const struct command_env *env, struct err *e)
{
	struct from f = {
		.env = env,
		.dir = opt_str(env->opts, "from", NULL),
		.out_dir = opt_str(env->opts, "out-dir", NULL),
		.address_value = opt_u32(env->opts, "address", 0),
		.new = DELTA_FILE_INIT,
	};
	int rc;

	if (opt_given(env->opts, "address"))
		f.address = &f.address_value;
	rc = all(&f, e);
	for (size_t i = 0; i < f.n; i++)
		free(f.v[i].name);
	free(f.v);
	cmd_keys_done(&f.keys);
	delta_file_done(&f.new);
	return rc;
}
