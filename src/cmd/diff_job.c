/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_job.c - one delta package from two files
 */
#include "diff_job.h"
#include "in_place.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/log.h>

/* For deltas of plain images that stay on the host. */
#define NO_PRODUCT "unnamed"

/* ---- what the package says about itself ---- */

static int spec_of_package(struct diff_job *d, const struct diff_settings *s, struct err *e)
{
	const struct package *p = &d->new->package;
	struct imf_component c = package_component(p, 0);

	if (s->product != NULL || s->version != NULL)
		return err_set(e, ERR_USAGE,
			"the new package says itself of which product and version it is");
	if (p->product[0] == '\0')
		return err_set(e, ERR_UNSUPPORTED,
			"the new package does not tell the name of its product");
	d->spec.product = p->product;
	d->spec.version = p->header.version;
	d->spec.min_version = p->header.min_version;
	d->spec.counter = p->header.counter;
	d->spec.hw_min = p->header.hw_min;
	d->spec.hw_max = p->header.hw_max;
	d->spec.chip = p->header.chip;
	d->item.kind = (enum imf_kind)c.kind;
	d->item.slot = c.slot;
	d->item.entry = c.entry;
	d->item.app_info = c.app_info;
	return 0;
}

static int spec_of_image(struct diff_job *d, const struct diff_settings *s, struct err *e)
{
	struct imf_app_info info;
	bool found = false;
	int rc = package_find_app_info(&d->new->image, &d->item.app_info, &info, &found, e);

	d->spec.product = s->product != NULL ? s->product : NO_PRODUCT;
	d->spec.hw_max = UINT16_MAX;
	d->item.kind = IMF_KIND_APPLICATION;
	if (rc == 0 && found) {
		d->spec.version = info.version;
		d->spec.counter = info.counter;
		d->spec.hw_min = info.hw_min;
		d->spec.hw_max = info.hw_max;
		d->spec.chip = info.chip;
	}
	if (rc == 0 && s->version != NULL)
		rc = version_parse(s->version, &d->spec.version, e);
	if (rc == 0 && s->version != NULL && found &&
		imf_version_compare(d->spec.version, info.version) != 0)
		rc = err_set(e, ERR_USAGE, "the firmware's own record says another version");
	if (rc == 0 && s->product == NULL)
		log_warn("no --product: the delta is good for 'stmota patch', devices will not "
			 "take it");
	return rc;
}

/* ---- making ---- */

static int make_payload(struct diff_job *d, const struct diff_settings *s,
	const struct delta_image *base, const struct delta_image *image, struct err *e)
{
	cleanup_buf struct buf two_slots = BUF_INIT;
	int rc;

	if (s->in_place == NULL)
		return delta_make(base, image, s->ram, &d->payload, &d->stats, e);
	rc = in_place_groups(s->in_place, d->spec.chip, image, s->ram, &d->groups, e);
	if (rc == 0)
		rc = delta_make_in_place(
			base, image, s->ram, &d->groups, &d->payload, &d->stats, e);
	d->delta.groups = &d->groups;
	if (rc == 0 && s->compare)
		rc = delta_make(base, image, s->ram, &two_slots, NULL, e);
	d->two_slots = two_slots.len;
	return rc;
}

static int make_delta(struct diff_job *d, const struct diff_settings *s, struct err *e)
{
	struct delta_image base = delta_file_image(d->old), image = delta_file_image(d->new);
	int rc;

	d->delta.ram = s->ram;
	d->delta.has_base_version = delta_file_version(d->old, &d->delta.base_version);
	rc = make_payload(d, s, &base, &image, e);
	if (rc == 0)
		rc = sha256(base.data, base.len, d->delta.base_digest, e);
	d->delta.payload = d->payload.data;
	d->delta.len = d->payload.len;
	d->delta.base_addr = base.addr;
	d->delta.base_len = (uint32_t)base.len;
	d->item.image = &d->new->image;
	d->item.delta = &d->delta;
	d->spec.items = &d->item;
	d->spec.n_items = 1;
	return rc;
}

struct diff_settings diff_settings_of(const struct command_env *env)
{
	const struct opts *o = env->opts;
	const char *ram = opt_str(o, "ram", "8");

	return (struct diff_settings){
		.ram = strcmp(ram, "4") == 0    ? 4096
		       : strcmp(ram, "16") == 0 ? 16384
						: 8192,
		.product = opt_str(o, "product", NULL),
		.version = opt_str(o, "version", NULL),
		.in_place = opt_given(o, "in-place") ? o : NULL,
		.compare = opt_given(o, "stats"),
		.chunk_size = (uint32_t)strtoul(opt_str(o, "chain", "0"), NULL, 10),
		.env = env,
	};
}

static int build(struct diff_job *d, const struct diff_settings *s, struct err *e)
{
	struct cmd_lock lock = {0};
	int rc = cmd_load_lock(s->env, &lock, e);

	d->item.chunk_size = s->chunk_size;
	d->item.encrypt = lock.used;
	d->spec.lock = lock.used ? &lock.lock : NULL;
	if (rc == 0)
		rc = package_build(&d->spec, &d->package, e);
	d->spec.lock = NULL;
	cmd_lock_done(&lock);
	return rc;
}

int diff_job_make(struct diff_job *d, const struct diff_settings *s, struct err *e)
{
	int rc = d->new->is_package ? spec_of_package(d, s, e) : spec_of_image(d, s, e);

	if (rc == 0)
		rc = make_delta(d, s, e);
	return rc == 0 ? build(d, s, e) : rc;
}

void diff_job_done(struct diff_job *d)
{
	buf_done(&d->package);
	buf_done(&d->payload);
}
