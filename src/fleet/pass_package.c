/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass_package.c - packages of a pass: fetched once for all devices, judged before each use
 */
#include "pass_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/fs.h>

#define PACKAGE_MAX ((size_t)256 << 20)

/* ---- is it what was announced? ---- */

static int is_other(struct err *e, const char *what, const char *is, const char *shall)
{
	return err_set(e, ERR_SIGNATURE, "the package has %s %s, announced is %s", what, is, shall);
}

static int check_numbers(const struct update_offer *o, const struct imf_header *h, struct err *e)
{
	char is[VERSION_TEXT_SIZE], shall[VERSION_TEXT_SIZE];

	if (imf_version_compare(h->version, o->version) != 0)
		return is_other(e, "version", version_format(h->version, is),
			version_format(o->version, shall));
	snprintf(is, sizeof(is), "%u", (unsigned)h->counter);
	snprintf(shall, sizeof(shall), "%u", (unsigned)o->counter);
	if (h->counter != o->counter)
		return is_other(e, "release counter", is, shall);
	snprintf(is, sizeof(is), "0x%03X", h->chip);
	snprintf(shall, sizeof(shall), "0x%03X", o->chip);
	if (h->chip != o->chip)
		return is_other(e, "chip", is, shall);
	snprintf(is, sizeof(is), "%u..%u", h->hw_min, h->hw_max);
	snprintf(shall, sizeof(shall), "%u..%u", o->hw_min, o->hw_max);
	if (h->hw_min != o->hw_min || h->hw_max != o->hw_max)
		return is_other(e, "hardware", is, shall);
	return 0;
}

int pass_check_package(const struct update_offer *o, const struct fleet_device *d, bool delta,
	const struct package *p, struct err *e)
{
	char is[UUID_TEXT_SIZE], shall[UUID_TEXT_SIZE];
	uint8_t uuid[UUID_SIZE];
	bool is_delta = false;

	if (o->has_release && memcmp(p->header.product, o->product, UUID_SIZE) != 0)
		return is_other(e, "product", uuid_format(p->header.product, is),
			uuid_format(o->product, shall));
	if (d->product != NULL && product_uuid(d->product, uuid, e) < 0)
		return e->code;
	if (d->product != NULL && memcmp(p->header.product, uuid, UUID_SIZE) != 0)
		return err_set(e, ERR_IDENTITY, "the package is for product %s, the device is %s",
			p->product[0] != '\0' ? p->product : uuid_format(p->header.product, is),
			d->product);
	for (size_t i = 0; i < p->header.n_components; i++)
		is_delta |= (package_component(p, i).encoding & IMF_ENC_DELTA) != 0;
	if (is_delta != delta)
		return err_set(e, ERR_IDENTITY, "the package is %s delta",
			is_delta ? "unexpectedly a" : "no");
	return o->has_release ? check_numbers(o, &p->header, e) : 0;
}

/* ---- the cache ---- */

void pass_path_of(const struct package_file *f, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "/proc/self/fd/%d", f->fd);
}

bool pass_find_package(struct pass *p, const uint8_t sha256[SHA256_SIZE], struct package_file *ret)
{
	return package_cache_has(p->rq->cache, sha256) &&
	       package_cache_get(p->rq->cache, p->rq->fetch, NULL, sha256, 0, ret, NULL, NULL) == 0;
}

int pass_open_package(
	struct pass *p, const char *path, struct buf *file, struct package *ret, struct err *e)
{
	const struct trust *trust = p->rq->source->ops->trust(p->rq->source);
	static const struct trust nobody = TRUST_INIT;
	int rc = fs_read(path, PACKAGE_MAX, file, e);

	if (rc == 0)
		rc = package_open(file->data, file->len, ret, e);
	if (rc == 0)
		rc = package_verify(ret, trust != NULL ? trust : &nobody, p->rq->now, NULL, e);
	return rc;
}

static void fill_in(struct update_offer *o, const struct package *k)
{
	const struct imf_header *h = &k->header;

	if (o->has_release)
		return;
	o->has_release = true;
	o->version = h->version;
	o->counter = h->counter;
	memcpy(o->product, h->product, UUID_SIZE);
	o->hw_min = h->hw_min;
	o->hw_max = h->hw_max;
	o->chip = h->chip;
	if (imf_version_compare(h->min_version, (struct imf_version){0, 0, 0, 0}) != 0) {
		o->has_min_version = true;
		o->min_version = h->min_version;
	}
}

static int get(struct pass *p, const struct update_offer *o, bool delta, struct package_file *ret,
	struct err *e)
{
	struct update_source *s = p->rq->source;
	const uint8_t *sum = delta ? o->delta : o->package;
	struct fetch_request rq = {0};
	int rc = s->ops->urls(s, o, delta, &rq, e);

	if (rc < 0)
		return rc;
	return package_cache_get(p->rq->cache, p->rq->fetch, &rq, sum,
		delta ? o->delta_length : o->length, ret, NULL, e);
}

static int judge(
	struct pass *p, struct pass_job *j, bool delta, const struct package_file *f, struct err *e)
{
	cleanup_buf struct buf file = BUF_INIT;
	char path[PATH_MAX];
	struct package k;
	int rc;

	pass_path_of(f, path);
	rc = pass_open_package(p, path, &file, &k, e);
	if (rc == 0)
		rc = pass_check_package(&j->offer, j->device, delta, &k, e);
	if (rc == 0)
		fill_in(&j->offer, &k);
	return rc;
}

static void remember_bad(struct pass *p, const uint8_t *sum, const struct err *e)
{
	struct pass_bad *more = realloc(p->bad, (p->n_bad + 1) * sizeof(*more));

	if (more == NULL)
		return;
	p->bad = more;
	memcpy(more[p->n_bad].sha256, sum, SHA256_SIZE);
	more[p->n_bad++].e = *e;
}

int pass_package(
	struct pass *p, struct pass_job *j, bool delta, struct package_file *ret, struct err *e)
{
	const uint8_t *sum = delta ? j->offer.delta : j->offer.package;
	struct package_file f = PACKAGE_FILE_INIT;
	int rc;

	for (size_t i = 0; i < p->n_bad; i++)
		if (memcmp(p->bad[i].sha256, sum, SHA256_SIZE) == 0) {
			*e = p->bad[i].e;
			return (int)e->code;
		}
	rc = get(p, &j->offer, delta, &f, e);
	if (rc == 0)
		rc = judge(p, j, delta, &f, e);
	/* The same for all who want it; but for which product it is, each device asks for itself. */
	if (rc < 0 && rc != ERR_INTERRUPTED && rc != ERR_IDENTITY)
		remember_bad(p, sum, e);
	if (rc == 0)
		*ret = f;
	else
		package_file_close(&f);
	return rc;
}
