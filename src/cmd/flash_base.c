/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_base.c - flash of a delta package: where its old image comes from, what is kept meanwhile
 *
 * The same command must always repair, also when the power failed in mid-write and the device holds
 * neither image: so the new one is in the state folder before the first erase.
 */
#include "flash_call.h"

#include <assert.h>
#include <stdio.h>

#include <stmota/log.h>
#include <stmota/rebuild.h>
#include <stmota/state.h>

#define BASES_MAX 64

int flash_open_cache(struct flash_call *c, struct err *e)
{
	struct file_cache cache = {.max = 0};
	int rc = cmd_cache_settings(c->env, &cache, e);

	/* Without a folder for it there is no cache; that the state needs one is said elsewhere. */
	if (rc == ERR_IO) {
		err_clear(e);
		return 0;
	}
	if (rc == 0 && cache.max > 0)
		c->cache = cache;
	return rc;
}

static const char *text_of(enum rebuild_from from)
{
	static const char *const texts[] = {
		[REBUILD_KEPT] = "going on with the image that an interrupted run has kept",
		[REBUILD_CACHE] = "delta: the cache has what it takes",
		[REBUILD_FILE] = "delta: the old image is in a file",
		[REBUILD_DEVICE] = "delta: the device holds the old image",
		[REBUILD_THERE] = "delta: the device holds the new image",
	};

	return texts[from];
}

int flash_rebuild(struct flash_call *c, struct err *e)
{
	const char *bases[BASES_MAX];
	struct rebuild_request rq = {
		.device = c->device,
		.by = c->by,
		.bases = bases,
		.n_bases = opt_count(c->env->opts, "base"),
		.cache = &c->cache,
		.state = c->state,
		.now = &c->now,
		.events = c->env->events,
	};
	enum rebuild_from from = REBUILD_DEVICE;
	int rc;

	if (rq.n_bases > BASES_MAX)
		return err_set(e, ERR_USAGE, "more than %d times --base", BASES_MAX);
	for (size_t i = 0; i < rq.n_bases; i++)
		bases[i] = opt_str_at(c->env->opts, "base", i);
	rc = rebuild_firmware(&c->firmware, &rq, &from, e);
	if (rc < 0)
		return rc;
	c->base = rebuild_from_name(from);
	flash_note(c, text_of(from));
	return 0;
}

int flash_keep(const struct flash_call *c, const struct flash_plan *plan, struct err *e)
{
	cleanup_buf struct buf all = BUF_INIT;
	int rc = 0;

	assert(!firmware_waits_any(&c->firmware));
	if (c->base == NULL || plan->n_steps == 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(c->firmware.made); i++)
		rc = buf_append(&all, c->firmware.made[i].data, c->firmware.made[i].len, e);
	return rc == 0 ? state_keep_image(c->state, all.data, all.len, e) : rc;
}

/* Only programs, and only such as a delta can start from: in one piece. */
void flash_remember(const struct flash_call *c)
{
	const struct segments *image = &c->firmware.image;
	struct err e = ERR_INIT;

	if (c->firmware.data)
		return;
	for (size_t i = 0; i < image->n; i++) {
		if (image_cache_store(&c->cache, image->v[i].data, image->v[i].len, &e) == 0)
			continue;
		/* It is done and proven; a delta can still be made from what the device holds. */
		log_info("not remembered for the next delta: %s", e.msg);
		return;
	}
}
