/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_unpack.c - a package becomes files again, and a release.ini that makes the same manifest
 *
 * File names are made of component names, which the package's own rules keep free of everything
 * but a-z, 0-9 and . _ -. What was written is packed again in memory: whether the description
 * really makes the same manifest is proven, not hoped.
 */
#include "cmd.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/fs.h>
#include <stmota/log.h>
#include <stmota/version.h>

#include "pack_job.h"

static const struct opt opts[] = {
	OPT_FILES("trust", "PUB.pem|DIR", "check the signatures too: public keys to believe"),
	CMD_OPT_DECRYPT,
	OPT_OUT("DIR", "a folder that is not there yet, or empty"),
	OPT_END,
};

struct unpacking {
	const struct command_env *env;
	const struct package *p;
	struct secret *secret; /* opened it; empty if it is not encrypted */
	const char *dir;
	struct buf ini;
	char files[IMF_COMPONENTS_MAX][PACKAGE_NAME_SIZE + 8];
};

/* ---- release.ini ---- */

static int line(struct buf *b, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int line(struct buf *b, struct err *e, const char *fmt, ...)
{
	char text[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text) - 1)
		return err_set(e, ERR_FAILED, "a line of release.ini is too long");
	text[n] = '\n';
	return buf_append(b, text, (size_t)n + 1, e);
}

/* A text as it was: $ and ; mean something in the file. */
static int text_line(struct buf *b, const char *key, const char *text, struct err *e)
{
	int rc = buf_append(b, key, strlen(key), e);

	if (text[0] == '\0') {
		b->len -= strlen(key);
		return rc;
	}
	if (rc == 0)
		rc = buf_append(b, " = ", 3, e);
	for (; rc == 0 && *text != '\0'; text++) {
		if (*text == '$' || *text == ';')
			rc = buf_append(b, "$", 1, e);
		if (rc == 0)
			rc = buf_append(b, text, 1, e);
	}
	return rc == 0 ? buf_append(b, "\n", 1, e) : rc;
}

static int describe_limits(struct buf *b, const struct imf_header *h, struct err *e)
{
	static const struct imf_version none = {0};
	char version[VERSION_TEXT_SIZE];
	int rc = line(b, e, "version = %s", version_format(h->version, version));

	if (rc == 0 && h->chip != 0)
		rc = line(b, e, "chip = 0x%03X", h->chip);
	if (rc == 0)
		rc = line(b, e, "counter = %u", h->counter);
	if (rc == 0 && (h->hw_min != 0 || h->hw_max != UINT16_MAX))
		rc = line(b, e, "hw = %u..%u", h->hw_min, h->hw_max);
	if (rc == 0 && imf_version_compare(h->min_version, none) != 0)
		rc = line(b, e, "min-version = %s", version_format(h->min_version, version));
	return rc;
}

static int describe_package(struct unpacking *u, struct err *e)
{
	const struct package_meta *m = &u->p->meta;
	struct buf *b = &u->ini;
	char date[PACKAGE_DATE_TEXT];
	int rc = line(b, e, "# stmota pack --from THIS makes the same manifest again\n[package]");

	if (rc == 0)
		rc = text_line(b, "product", u->p->product, e);
	if (rc == 0)
		rc = describe_limits(b, &u->p->header, e);
	if (rc == 0)
		rc = text_line(b, "title", m->title, e);
	if (rc == 0)
		rc = text_line(b, "build-id", m->build_id, e);
	if (rc == 0)
		rc = text_line(b, "revision", m->revision, e);
	if (rc == 0)
		rc = line(b, e, "date = %s",
			m->has_date ? package_date_format(m->date, date) : "none");
	if (rc == 0 && m->notes[0] != '\0')
		rc = line(b, e, "notes-file = notes.txt");
	return rc == 0 ? line(b, e, "out = package.sota") : rc;
}

static int describe_component(struct unpacking *u, size_t i, bool holes, struct err *e)
{
	struct imf_component c = package_component(u->p, i);
	uint32_t ram = imf_manifest_compressed(&u->p->manifest, (uint32_t)i);
	struct imf_chain_info chain;
	struct buf *b = &u->ini;
	int rc;

	if (u->p->names[i][0] != '\0')
		rc = line(b, e, "\n[component %s]", u->p->names[i]);
	else
		rc = line(b, e, "\n[component %zu]", i);
	if (rc == 0)
		rc = line(b, e, "kind = %s", package_kind_name((enum imf_kind)c.kind));
	if (rc == 0)
		rc = line(b, e, "file = %s", u->files[i]);
	if (rc == 0)
		rc = line(b, e, "format = %s", holes ? "hex" : "bin");
	if (rc == 0 && !holes)
		rc = line(b, e, "address = 0x%08X", c.load_addr);
	if (rc == 0 && c.slot != IMF_NO_SLOT)
		rc = line(b, e, "slot = %u", c.slot);
	if (rc == 0 && c.entry != 0)
		rc = line(b, e, "entry = 0x%08X", c.entry);
	if (rc == 0 && ram != 0)
		rc = line(b, e, "compress = %u", ram / 1024);
	if (rc == 0 && package_is_encrypted(u->p, NULL))
		rc = line(
			b, e, "encrypt = %s", (c.encoding & IMF_ENC_ENCRYPTED) != 0 ? "yes" : "no");
	if (rc == 0 && imf_manifest_chain(&u->p->manifest, (uint32_t)i, &chain))
		rc = line(b, e, "chain = %u", chain.chunk_size);
	return rc;
}

/* ---- files ---- */

/* Nothing is overwritten: the folder is new or empty. */
static int claim_folder(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool empty = true;

	if (d == NULL && errno == ENOENT)
		return fs_mkdir(dir, e);
	if (d == NULL)
		return err_set_errno(e, ERR_IO, errno, "%s", dir);
	while (empty && (entry = readdir(d)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(d);
	if (empty)
		return 0;
	err_set(e, ERR_IO, "%s is not empty", dir);
	return err_hint(e, "unpack overwrites nothing: name a new folder");
}

static int put_file(
	const struct unpacking *u, const char *name, const void *data, size_t len, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", u->dir, name) >= (int)sizeof(path))
		return err_set(e, ERR_USAGE, "the name of the folder is too long");
	return fs_write(path, data, len, 0644, e);
}

static int put_component(struct unpacking *u, size_t i, struct err *e)
{
	cleanup_segments struct segments image = SEGMENTS_INIT;
	cleanup_buf struct buf hex = BUF_INIT;
	int rc = package_segments(u->p, i, &image, e);
	bool holes = image.n > 1;
	char base[PACKAGE_NAME_SIZE];

	if (rc < 0)
		return rc;
	if (u->p->names[i][0] != '\0')
		snprintf(base, sizeof(base), "%s", u->p->names[i]);
	else
		snprintf(base, sizeof(base), "component-%u", (unsigned)i);
	snprintf(u->files[i], sizeof(u->files[i]), "%s.%s", base, holes ? "hex" : "bin");
	if (holes)
		rc = fmt_write(fmt_find("ihex"), &image, &(struct fmt_write_options){0}, &hex, e);
	if (rc == 0 && holes)
		rc = put_file(u, u->files[i], hex.data, hex.len, e);
	else if (rc == 0)
		rc = put_file(u, u->files[i], image.v[0].data, image.v[0].len, e);
	return rc == 0 ? describe_component(u, i, holes, e) : rc;
}

static int put_all(struct unpacking *u, struct err *e)
{
	const char *notes = u->p->meta.notes;
	int rc = describe_package(u, e);

	for (size_t i = 0; rc == 0 && i < u->p->header.n_components; i++)
		rc = put_component(u, i, e);
	if (rc == 0 && notes[0] != '\0') {
		cleanup_buf struct buf text = BUF_INIT;

		rc = buf_append(&text, notes, strlen(notes), e);
		if (rc == 0)
			rc = buf_append(&text, "\n", 1, e);
		if (rc == 0)
			rc = put_file(u, "notes.txt", text.data, text.len, e);
	}
	return rc == 0 ? put_file(u, "release.ini", u->ini.data, u->ini.len, e) : rc;
}

/* ---- the proof ---- */

static int pack_again(
	const struct unpacking *u, struct pack_job *job, struct buf *ret, struct err *e)
{
	cleanup_release_ini struct release_ini ini = RELEASE_INI_INIT;
	char path[PATH_MAX + 16];
	int rc;

	snprintf(path, sizeof(path), "%s/release.ini", u->dir);
	rc = pack_read_ini(path, &ini, e);
	if (rc == 0)
		rc = pack_job_settings(job, NULL, &ini, e);
	if (rc == 0)
		rc = pack_job_add_all(job, &ini, e);
	return rc == 0 ? pack_job_build(job, ret, e) : rc;
}

static bool same_manifest(const struct unpacking *u)
{
	cleanup_buf struct buf made = BUF_INIT;
	struct err why = ERR_INIT;
	struct pack_job job;
	uint32_t size = u->p->header.manifest_size;
	struct package_lock lock = {.key_len = u->p->root_len, .to = &u->secret->device, .n_to = 1};
	int rc;

	pack_job_init(&job, u->env);
	memcpy(lock.key, u->p->root, u->p->root_len);
	if (package_is_encrypted(u->p, &lock.source))
		job.spec.lock = &lock;
	rc = pack_again(u, &job, &made, &why);
	pack_job_done(&job);
	secret_wipe(&lock, sizeof(lock));
	if (rc == 0 && made.len >= size && memcmp(made.data, u->p->data, size) == 0)
		return true;
	log_warn("the files are right, but this release.ini does not make the same manifest: %s",
		rc < 0 ? why.msg : "the package holds something that pack does not write");
	return false;
}

/* ---- the command ---- */

static void report(struct out *o, const struct unpacking *u, bool verified, bool same)
{
	const struct package *p = u->p;
	char version[VERSION_TEXT_SIZE];

	out_str(o, "folder", u->dir);
	out_str(o, "product", p->product[0] != '\0' ? p->product : NULL);
	out_str(o, "version", version_format(p->header.version, version));
	out_bytes(o, "manifest_digest", p->digest, SHA256_SIZE);
	out_bool(o, "signed", p->n_signatures > 0);
	out_bool(o, "verified", verified);
	out_bool(o, "same_manifest", same);
	out_table(o, "files");
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);

		out_object(o, NULL);
		out_str(o, "file", u->files[i]);
		out_str(o, "kind", package_kind_name((enum imf_kind)c.kind));
		out_hex(o, "address", c.load_addr, 8);
		out_size(o, "size", c.plain_size);
		out_end(o);
	}
	out_end(o);
	if (p->n_signatures == 0)
		out_text(o, "anybody can have made this package: it is not signed");
	else if (!verified)
		out_text(o, "signatures were not checked here (--trust PUB.pem)");
}

static int open_package(const struct command_env *env, const char *path, const struct buf *file,
	const struct secret *secret, struct package *ret, struct err *e)
{
	int rc = package_open(file->data, file->len, ret, e);

	if (rc == 0 && opt_given(env->opts, "trust")) {
		cleanup_trust struct trust t = TRUST_INIT;

		rc = cmd_load_trust(env, &t, e);
		if (rc == 0)
			rc = package_verify(ret, &t, (uint64_t)time(NULL), NULL, e);
	}
	if (rc == 0)
		rc = package_unlock(ret, secret, e);
	/* All of it can be unpacked, or nothing is written. */
	for (size_t i = 0; rc == 0 && i < ret->header.n_components; i++) {
		cleanup_segments struct segments image = SEGMENTS_INIT;

		if (package_component(ret, i).encoding != 0)
			rc = package_segments(ret, i, &image, e);
	}
	return rc < 0 ? err_wrap(e, "%s", path) : 0;
}

static int run(struct command_env *env, struct err *e)
{
	cleanup_secret struct secret secret = SECRET_INIT;
	struct unpacking u = {.env = env, .dir = opt_str(env->opts, "out", NULL), .secret = &secret};
	const char *path = opt_arg(env->opts, 0);
	cleanup_buf struct buf file = BUF_INIT;
	struct package p;
	int rc;

	if (u.dir == NULL) {
		err_set(e, ERR_USAGE, "where should the files go?");
		return err_hint(e, "stmota unpack FILE --out DIR");
	}
	rc = cmd_read_input(env, path, FS_FILE_MAX, &file, e);
	if (rc == 0)
		rc = cmd_load_secret(env, &secret, e);
	if (rc == 0)
		rc = open_package(env, path, &file, &secret, &p, e);
	if (rc == 0)
		rc = claim_folder(u.dir, e);
	if (rc < 0)
		return rc;
	u.p = &p;
	rc = put_all(&u, e);
	buf_done(&u.ini);
	if (rc == 0)
		report(env->out, &u, opt_given(env->opts, "trust"), same_manifest(&u));
	return rc;
}

const struct command cmd_unpack = {
	.name = "unpack",
	.args = "FILE",
	.needs = "--out DIR",
	.summary = "turn a package into files again",
	.details =
		"Each component becomes a file of its plain bytes: NAME.bin, or NAME.hex where it\n"
		"has holes. Beside them stands a release.ini of which 'stmota pack --from' makes\n"
		"the same manifest again; that is tried before the command says so. An encrypted\n"
		"package needs --decrypt-key; its release.ini needs the key again to be packed.\n",
	.examples = "stmota unpack lamp.sota --out lamp\n"
		    "stmota unpack lamp.sota --trust release.pub.pem --out lamp\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
