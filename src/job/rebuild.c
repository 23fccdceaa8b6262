/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/rebuild.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/cleanup.h>
#include <stmota/delta.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/memory_job.h>

struct wanted { /* an image, by its digest */
	const uint8_t *digest;
	uint32_t len, addr; /* of its plain bytes; where it is linked for */
};

struct rebuild {
	const struct rebuild_request *rq;
	struct firmware *f;
	size_t i; /* the component */
	struct imf_component c;
	struct imf_delta delta;
	struct wanted old, new;
	enum rebuild_from from;
};

const char *rebuild_from_name(enum rebuild_from from)
{
	static const char *const names[] = {
		"interrupted-run", "cache", "file", "device", "already-there"};

	return names[from];
}

static bool is_it(const struct wanted *w, const uint8_t *data, size_t len)
{
	uint8_t sum[SHA256_SIZE];

	return len >= w->len && sha256(data, w->len, sum, NULL) == 0 &&
	       memcmp(sum, w->digest, SHA256_SIZE) == 0;
}

/* ---- in files ---- */

/* Only of packages that hold the whole image. */
static bool in_package(const struct buf *file, const struct wanted *w, struct buf *ret)
{
	struct package p;

	if (package_parse(file->data, file->len, &p, NULL) < 0)
		return false;
	for (size_t i = 0; i < p.header.n_components; i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;
		struct imf_component c = package_component(&p, i);

		if (c.plain_size != w->len || package_segments(&p, i, &s, NULL) < 0 || s.n != 1)
			continue;
		if (is_it(w, s.v[0].data, s.v[0].len))
			return buf_append(ret, s.v[0].data, w->len, NULL) == 0;
	}
	return false;
}

static bool in_image(
	const struct buf *file, const char *path, const struct wanted *w, struct buf *ret)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	const struct fmt *format = fmt_detect(file->data, file->len);

	if (file->len == w->len && is_it(w, file->data, file->len))
		return buf_append(ret, file->data, w->len, NULL) == 0;
	if (!format->has_addresses || format->read == NULL ||
		fmt_read(file->data, file->len, path, NULL, &s, NULL, NULL) < 0)
		return false;
	return s.n == 1 && s.v[0].len == w->len && is_it(w, s.v[0].data, s.v[0].len) &&
	       buf_append(ret, s.v[0].data, w->len, NULL) == 0;
}

static bool in_file(
	const struct buf *file, const char *path, const struct wanted *w, struct buf *ret)
{
	return package_detect(file->data, file->len) ? in_package(file, w, ret)
						     : in_image(file, path, w, ret);
}

static int in_folder(
	const char *dir, const struct wanted *w, struct buf *ret, bool *ret_found, struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *f;

	if (d == NULL)
		return err_set_errno(e, ERR_IO, errno, "cannot read the folder %s", dir);
	while (!*ret_found && (f = readdir(d)) != NULL) {
		cleanup_buf struct buf file = BUF_INIT;
		char path[PATH_MAX];
		struct stat st;

		/* Whatever else lies there, readable or not, is not what is looked for. */
		if (fstatat(dirfd(d), f->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
			snprintf(path, sizeof(path), "%s/%s", dir, f->d_name) < (int)sizeof(path) &&
			fs_read(path, FS_FILE_MAX, &file, NULL) == 0)
			*ret_found = in_file(&file, path, w, ret);
	}
	closedir(d);
	return 0;
}

static int in_bases(const struct rebuild *r, const struct wanted *w, struct buf *ret, bool *found,
	struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && !*found && i < r->rq->n_bases; i++) {
		cleanup_buf struct buf file = BUF_INIT;
		const char *path = r->rq->bases[i];
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			rc = in_folder(path, w, ret, found, e);
			continue;
		}
		rc = fs_read(path, FS_FILE_MAX, &file, e);
		if (rc == 0)
			*found = in_file(&file, path, w, ret);
	}
	return rc;
}

/* ---- on the device ---- */

/* Fills `ret` with the image that was recognised, if any: `which`. */
static const struct wanted *recognise(
	const struct wanted *const *w, size_t n, const uint8_t *data, uint32_t len)
{
	for (size_t i = 0; i < n; i++)
		if (is_it(w[i], data, len))
			return w[i];
	return NULL;
}

/*
 * What of `w` lies at `addr`, NULL: neither. The digest says that a reading is right; where it fails a
 * second reading says whether the first one was garbled.
 */
static int look_at(const struct rebuild *r, uint32_t addr, const struct wanted *const *w, size_t n,
	struct buf *ret, const struct wanted **ret_which, struct err *e)
{
	const struct geometry *g = &r->rq->device->facts.geometry;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	struct span at = {addr, 0};
	int rc;

	for (size_t i = 0; i < n; i++)
		if (w[i]->len > at.len && span_contains((struct span){g->base, g->size},
						  (struct span){addr, w[i]->len}))
			at.len = w[i]->len;
	if (at.len == 0)
		return 0;
	rc = buf_fill(&first, 0, at.len, e);
	if (rc == 0)
		rc = memory_read(r->rq->device, at, false, first.data, r->rq->events, e);
	if (rc == 0)
		*ret_which = recognise(w, n, first.data, at.len);
	if (rc == 0 && *ret_which == NULL) {
		rc = buf_fill(&second, 0, at.len, e);
		if (rc == 0)
			rc = memory_read(r->rq->device, at, false, second.data, r->rq->events, e);
		if (rc == 0 && memcmp(first.data, second.data, at.len) != 0) {
			*ret_which = recognise(w, n, second.data, at.len);
			memcpy(first.data, second.data, at.len);
			if (*ret_which == NULL)
				rc = err_set(e, ERR_PROTOCOL,
					"two readings at 0x%08X differ, and neither is sound",
					addr);
		}
	}
	if (rc < 0)
		return err_wrap(e, "reading what the device holds");
	return *ret_which != NULL ? buf_append(ret, first.data, (*ret_which)->len, e) : 0;
}

/* Where a slot or a bank is meant, the old image may be in it or beside it. */
static int on_device(
	const struct rebuild *r, struct buf *ret, const struct wanted **ret_which, struct err *e)
{
	const struct wanted *const both[] = {&r->old, &r->new};
	const uint32_t by[] = {r->rq->by, 0};
	bool same = r->old.addr == r->new.addr;
	int rc = 0;

	*ret_which = NULL;
	for (size_t i = 0; rc == 0 && *ret_which == NULL && i < (r->rq->by != 0 ? 2u : 1u); i++) {
		rc = look_at(r, r->old.addr + by[i], both, same ? 2 : 1, ret, ret_which, e);
		if (rc == 0 && *ret_which == NULL && !same)
			rc = look_at(r, r->new.addr + by[i], both + 1, 1, ret, ret_which, e);
	}
	return rc;
}

/* ---- nowhere ---- */

static int explain(const struct rebuild *r, struct err *e)
{
	const struct installed_now *now = r->rq->now;
	const struct state *s = r->rq->state;
	char old[VERSION_TEXT_SIZE + 16], is[VERSION_TEXT_SIZE];
	struct imf_version v;
	bool told = imf_manifest_base_version(&r->f->package.manifest, (uint32_t)r->i, &v);

	if (told)
		snprintf(old, sizeof(old), "version %s", version_format(v, is));
	else
		snprintf(old, sizeof(old), "image %02x%02x%02x%02x...", r->old.digest[0],
			r->old.digest[1], r->old.digest[2], r->old.digest[3]);
	if (s != NULL && (state_suspect(s).len > 0 || state_saved(s) != NULL)) {
		err_set(e, ERR_VERIFY,
			"the delta starts from %s, and the device holds what an interrupted update "
			"left",
			old);
		return err_hint(e, "repeat that update with the file it was begun with, or take "
				   "the full package");
	}
	if (now == NULL || now->version_source == INSTALLED_UNKNOWN)
		err_set(e, ERR_VERIFY, "the delta starts from %s, the device holds something else",
			old);
	else if (told && imf_version_compare(now->version, v) == 0)
		err_set(e, ERR_VERIFY,
			"the delta starts from %s; the device says it runs that, but its flash "
			"differs from it",
			old);
	else
		err_set(e, ERR_VERIFY, "the delta starts from %s, the device runs version %s", old,
			version_format(now->version, is));
	return err_hint(e, "take the delta for what is there, or the full package; or name the old "
			   "image: --base FILE");
}

/* ---- one component ---- */

static int apply(const struct rebuild *r, const struct buf *old, struct buf *ret, struct err *e)
{
	struct delta_image base = {old->data, old->len, r->delta.addr};
	struct delta_recipe recipe = {
		.ram = r->delta.ram,
		.base_len = r->delta.len,
		.base_addr = r->delta.addr,
		.plain_size = r->c.plain_size,
		.load_addr = r->c.load_addr,
	};
	const struct package *p = &r->f->package;
	cleanup_buf struct buf payload = BUF_INIT;
	struct imf_groups groups;
	uint8_t salt[IMF_SALT_SIZE];
	int rc;

	/* The same decoder as the device's, on a flash in memory. */
	if (imf_manifest_in_place(&r->f->package.manifest, (uint32_t)r->i, &groups))
		recipe.groups = &groups;
	memcpy(recipe.base_digest, r->delta.digest, SHA256_SIZE);
	memcpy(recipe.plain_digest, r->c.plain_digest, SHA256_SIZE);
	if (package_plain_salt(p, r->i, salt))
		recipe.plain_salt = salt;
	rc = package_content(p, r->i, &payload, e);
	return rc < 0 ? rc : delta_apply(&recipe, &base, payload.data, payload.len, ret, e);
}

/* The cheapest way first; what the device holds is read last. */
static int find(struct rebuild *r, struct buf *old, struct buf *new, struct err *e)
{
	const struct file_cache *cache = r->rq->cache;
	const struct wanted *which = NULL;
	bool found = false;
	int rc;

	r->from = REBUILD_CACHE;
	if (cache != NULL && (image_cache_find(cache, r->new.digest, r->new.len, new) ||
				     image_cache_find(cache, r->old.digest, r->old.len, old)))
		return 0;
	r->from = REBUILD_FILE;
	rc = in_bases(r, &r->old, old, &found, e);
	if (rc < 0 || found)
		return rc;
	r->from = REBUILD_DEVICE;
	rc = on_device(r, old, &which, e);
	event_emit(r->rq->events, &(struct event){.type = EVENT_PHASE});
	if (rc < 0 || which == &r->old)
		return rc;
	if (which == NULL)
		return explain(r, e);
	r->from = REBUILD_THERE;
	*new = *old;
	*old = BUF_INIT;
	return 0;
}

static int rebuild_component(struct rebuild *r, struct err *e)
{
	cleanup_buf struct buf old = BUF_INIT, new = BUF_INIT;
	int rc;

	r->c = package_component(&r->f->package, r->i);
	/* Its plain digest is salted: images that are kept or read are not recognised by it. */
	if ((r->c.encoding & IMF_ENC_ENCRYPTED) != 0) {
		err_set(e, ERR_UNSUPPORTED, "encrypted deltas are not flashed");
		return err_hint(e, "'stmota patch OLD FILE --decrypt-key KEY --out NEW' makes the "
				   "image");
	}
	imf_manifest_delta(&r->f->package.manifest, (uint32_t)r->i, &r->delta);
	r->old = (struct wanted){r->delta.digest, r->delta.len, r->delta.addr};
	r->new = (struct wanted){r->c.plain_digest, r->c.plain_size, r->c.load_addr};
	rc = find(r, &old, &new, e);
	if (rc == 0 && new.len == 0)
		rc = apply(r, &old, &new, e);
	return rc == 0 ? firmware_fill(r->f, r->i, &new, e) : rc;
}

/* ---- what an interrupted run has kept ---- */

/* All deltas of the package, one behind the other; anything else is of another update. */
static int take_kept(struct rebuild *r, struct err *e)
{
	cleanup_buf struct buf kept = BUF_INIT;
	size_t at = 0;
	int rc = r->rq->state != NULL ? state_kept_image(r->rq->state, &kept, e) : 0;

	for (size_t i = 0; rc == 0 && i < r->f->package.header.n_components; i++) {
		struct imf_component c = package_component(&r->f->package, i);
		cleanup_buf struct buf one = BUF_INIT;

		if (!firmware_waits(r->f, i))
			continue;
		if (kept.len - at < c.plain_size ||
			!is_it(&(struct wanted){c.plain_digest, c.plain_size, 0}, kept.data + at,
				kept.len - at))
			return 0;
		rc = buf_append(&one, kept.data + at, c.plain_size, e);
		if (rc == 0)
			rc = firmware_fill(r->f, i, &one, e);
		at += c.plain_size;
		r->from = REBUILD_KEPT;
	}
	return rc;
}

int rebuild_firmware(struct firmware *f, const struct rebuild_request *rq,
	enum rebuild_from *ret_from, struct err *e)
{
	struct rebuild r = {.rq = rq, .f = f};
	int rc = take_kept(&r, e);

	for (r.i = 0; rc == 0 && r.i < f->package.header.n_components; r.i++)
		if (firmware_waits(f, r.i))
			rc = rebuild_component(&r, e);
	if (rc == 0)
		*ret_from = r.from;
	return rc;
}
