/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision_parts.c - loader, applications, key blocks and blank regions, each as an image at the
 * addresses where it will lie
 */
#include "provision_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stmota/fs.h>
#include <stmota/secret.h>
#include <stmota/slot.h>
#include <stmota/strparse.h>

#define BLOCK_MAX ((size_t)1 << 20)

/* ---- programs ---- */

static int load_program(struct provision_parts *p, const struct command_env *env, const char *path,
	const struct secret *secret, struct err *e)
{
	struct fetch_settings fetch;
	struct firmware_options options = {
		.trust = &p->trust,
		.secret = secret,
		.now = (uint64_t)time(NULL),
		.fetch = &fetch,
		.events = env->events,
	};
	bool required = false;
	int rc = config_bool(env->config, "flash", NULL, "require_signature", false, &required, e);

	if (p->n_programs == PROVISION_PROGRAMS_MAX)
		return err_set(
			e, ERR_USAGE, "more than %d times --app", PROVISION_PROGRAMS_MAX - 1);
	options.must_be_signed = required || opt_given(env->opts, "trust");
	if (rc == 0)
		rc = cmd_fetch_settings(env, &fetch, e);
	if (rc == 0)
		rc = firmware_load(path, &options, &p->program[p->n_programs], e);
	if (rc < 0)
		return rc;
	if (firmware_waits_any(&p->program[p->n_programs++])) {
		err_set(e, ERR_UNSUPPORTED,
			"%s is a delta: a new board holds nothing to start from", path);
		return err_hint(e, "take the full package");
	}
	return 0;
}

int provision_parts_load(struct provision_parts *p, const struct command_env *env, struct err *e)
{
	cleanup_secret struct secret secret = SECRET_INIT;
	const struct opts *o = env->opts;
	int rc = cmd_load_secret(env, &secret, e);

	if (rc == 0)
		rc = cmd_load_trust(env, &p->trust, e);
	if (rc == 0)
		rc = load_program(p, env, opt_str(o, "loader", NULL), &secret, e);
	for (size_t i = 0; rc == 0 && i < opt_count(o, "app"); i++)
		rc = load_program(p, env, opt_str_at(o, "app", i), &secret, e);
	return rc;
}

uint16_t provision_chip(const struct provision_parts *p)
{
	for (size_t i = 0; i < p->n_programs; i++)
		if (p->program[i].is_package && p->program[i].package.header.chip != 0)
			return p->program[i].package.header.chip;
	return 0;
}

const struct firmware *provision_release(const struct provision_parts *p)
{
	const struct firmware *f = &p->program[p->n_programs > 1 ? 1 : 0];

	return p->n_programs > 0 && firmware_is_release(f) ? f : NULL;
}

static int place_program(struct provision_parts *p, const struct command_env *env,
	const struct device *d, size_t i, struct err *e)
{
	struct firmware *f = &p->program[i];
	const struct device_facts *facts = &d->facts;
	struct slot slot;
	uint32_t by = 0;
	int rc = firmware_fit(f, facts->chip, e);

	if (rc < 0)
		return err_wrap(e, "%s", f->path);
	if (i == 0 || i > opt_count(env->opts, "slot")) {
		rc = segments_shift(&f->image, 0, &p->image[p->n], e);
	} else {
		rc = slot_find(env->config, opt_str_at(env->opts, "slot", i - 1), &slot, e);
		if (rc == 0 && slot.purpose == SLOT_DATA)
			rc = err_set(
				e, ERR_USAGE, "slot %s is for data, not for a program", slot.name);
		if (rc == 0 && facts->has_geometry)
			rc = slot_check_part(&slot, env->config, &facts->geometry, e);
		if (rc == 0)
			rc = slot_place(&slot, &f->image, f->heads.n > 0 ? f->heads.base[0] : 0,
				&p->image[p->n], e);
		by = rc == 0 ? slot.at.addr - slot.link : 0;
	}
	if (rc == 0)
		rc = image_heads_shift(&f->heads, by, &p->heads[i], e);
	return rc;
}

/* ---- the rest ---- */

static int place_block(struct provision_parts *p, const char *text, struct err *e)
{
	const char *mark = strrchr(text, '@');
	cleanup_buf struct buf bytes = BUF_INIT;
	char path[PATH_MAX];
	uint32_t addr = 0;
	int rc;

	if (mark == NULL || mark == text || (size_t)(mark - text) >= sizeof(path))
		return err_set(e, ERR_USAGE, "'%.100s' is not FILE@ADDR", text);
	snprintf(path, sizeof(path), "%.*s", (int)(mark - text), text);
	rc = parse_u32(mark + 1, &addr, e);
	if (rc == 0)
		rc = fs_read(path, BLOCK_MAX, &bytes, e);
	if (rc == 0 && bytes.len == 0)
		rc = err_set(e, ERR_FORMAT, "%s is empty", path);
	if (rc == 0)
		rc = segments_add(&p->image[p->n], addr, bytes.data, (uint32_t)bytes.len, e);
	snprintf(p->from[p->n], sizeof(p->from[0]), "%.63s", path);
	return rc;
}

static int place_blank(
	struct provision_parts *p, const struct device *d, struct span at, struct err *e)
{
	cleanup_buf struct buf bytes = BUF_INIT;
	const struct geometry *g = &d->facts.geometry;
	struct erase_unit first, last;
	int rc;

	snprintf(p->from[p->n], sizeof(p->from[0]), "erased");
	/* Of a device that cannot be read nothing is asked but whether it was finished. */
	if (d->facts.has_geometry &&
		(at.len == 0 || !geometry_unit_at(g, at.addr, &first) ||
			!geometry_unit_at(g, (uint32_t)(span_end(at) - 1), &last) ||
			first.addr != at.addr || (uint64_t)last.addr + last.size != span_end(at)))
		return err_set(e, ERR_NO_FIT, "--blank 0x%08X:0x%X is not whole erase units",
			(unsigned)at.addr, (unsigned)at.len);
	rc = at.len > BLOCK_MAX ? err_set(e, ERR_USAGE, "--blank is for less than 1 MiB") : 0;
	if (rc == 0)
		rc = buf_fill(&bytes, d->facts.chip->erased_value, at.len, e);
	return rc == 0 ? segments_add(&p->image[p->n], at.addr, bytes.data, at.len, e) : rc;
}

static int add_part(struct provision_parts *p, struct provision_request *rq, const char *what,
	const char *from, const struct image_heads *heads, struct err *e)
{
	if (rq->n_parts + 1 >= PROVISION_PARTS_MAX)
		return err_set(e, ERR_USAGE, "more than %d parts", PROVISION_PARTS_MAX - 1);
	rq->part[rq->n_parts++] = (struct provision_part){
		.what = what, .from = from, .image = &p->image[p->n++], .heads = heads};
	return 0;
}

static void forget_places(struct provision_parts *p)
{
	for (size_t i = 0; i < PROVISION_PROGRAMS_MAX; i++)
		image_heads_done(&p->heads[i]);
	for (size_t i = 0; i < PROVISION_PARTS_MAX; i++)
		segments_done(&p->image[i]);
	p->n = 0;
}

int provision_parts_place(struct provision_parts *p, const struct command_env *env,
	const struct device *d, struct provision_request *rq, struct err *e)
{
	const struct opts *o = env->opts;
	int rc = 0;

	forget_places(p);
	rq->n_parts = 0;
	for (size_t i = 0; rc == 0 && i < p->n_programs; i++) {
		rc = place_program(p, env, d, i, e);
		if (rc == 0)
			rc = add_part(p, rq, i == 0 ? "loader" : "application", p->program[i].path,
				&p->heads[i], e);
	}
	for (size_t i = 0; rc == 0 && i < opt_count(o, "key-block"); i++) {
		rc = place_block(p, opt_str_at(o, "key-block", i), e);
		if (rc == 0)
			rc = add_part(p, rq, "key block", p->from[p->n], NULL, e);
	}
	for (size_t i = 0; rc == 0 && i < opt_count(o, "blank"); i++) {
		rc = place_blank(p, d, opt_span_at(o, "blank", i), e);
		if (rc == 0)
			rc = add_part(p, rq, "blank", p->from[p->n], NULL, e);
	}
	return rc;
}

void provision_parts_done(struct provision_parts *p)
{
	forget_places(p);
	for (size_t i = 0; i < PROVISION_PROGRAMS_MAX; i++)
		firmware_done(&p->program[i]);
	trust_done(&p->trust);
}
