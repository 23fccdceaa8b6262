/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/backup.h>

#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/image.h>
#include <stmota/signals.h>

#define PIECE    256 /* one Read Memory command */
#define READINGS 3   /* until two that follow each other agree */

/* ---- reading ---- */

static int read_piece(struct device *d, uint32_t addr, uint8_t *ret, uint32_t len, struct err *e)
{
	struct target *t = d->target;
	uint8_t again[PIECE];
	int rc = signals_check(e);

	if (rc == 0)
		rc = t->ops->read(t, addr, ret, len, e);
	for (int i = 1; rc == 0 && i < READINGS; i++) {
		rc = t->ops->read(t, addr, again, len, e);
		if (rc == 0 && memcmp(again, ret, len) == 0)
			return 0;
		memcpy(ret, again, len);
	}
	if (rc < 0)
		return err_wrap(e, "backup");
	err_set(e, ERR_PROTOCOL, "backup: reading 0x%08X twice gave different bytes", addr);
	return err_hint(e, "check the wiring, or use a lower --baud");
}

static int read_unit(struct device *d, struct erase_unit u, struct segments *ret, struct err *e)
{
	uint8_t piece[PIECE];
	int rc = 0;

	for (uint32_t off = 0; rc == 0 && off < u.size; off += PIECE) {
		uint32_t len = u.size - off < PIECE ? u.size - off : PIECE;

		rc = read_piece(d, u.addr + off, piece, len, e);
		if (rc == 0)
			rc = segments_add(ret, u.addr + off, piece, len, e);
	}
	return rc;
}

static int read_units(struct device *d, const struct survey *s, const struct event_sink *events,
	struct segments *ret, struct err *e)
{
	struct event ev = {.type = EVENT_PHASE, .phase = "backup"};
	int rc = 0;

	for (size_t i = 0; i < s->n; i++)
		ev.total += s->units[i].rewrite ? s->units[i].unit.size : 0;
	event_emit(events, &ev);
	ev.type = EVENT_PROGRESS;
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		if (!s->units[i].rewrite)
			continue;
		rc = read_unit(d, s->units[i].unit, ret, e);
		ev.done += s->units[i].unit.size;
		event_emit(events, &ev);
	}
	return rc;
}

/* ---- the file ---- */

static int write_file(const struct segments *old, const char *path, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = fmt_write(fmt_find("ihex"), old, NULL, &text, e);

	if (rc == 0)
		rc = fs_write(path, text.data, text.len, 0644, e);
	return rc < 0 ? err_wrap(e, "backup") : 0;
}

static int read_file(const char *path, struct segments *ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = fs_read(path, FS_FILE_MAX, &text, e);

	if (rc == 0)
		rc = fmt_read(text.data, text.len, path, NULL, ret, NULL, e);
	return rc < 0 ? err_wrap(e, "backup %s", path) : 0;
}

static int check_covers(
	const struct segments *old, const struct survey *s, const char *path, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct erase_unit *u = &s->units[i].unit;
		const struct segment *g = segments_at(old, u->addr);

		if (!s->units[i].rewrite)
			continue;
		if (g != NULL && (uint64_t)g->addr + g->len >= (uint64_t)u->addr + u->size)
			continue;
		err_set(e, ERR_FORMAT, "backup %s lacks 0x%08X..0x%08X, which will be rewritten",
			path, u->addr, u->addr + u->size - 1);
		return err_hint(e, "it is of another image or device: name another file");
	}
	return 0;
}

static int take_existing(const struct survey *s, const char *path, bool unfinished,
	struct segments *ret, struct err *e)
{
	int rc;

	if (!unfinished) {
		err_set(e, ERR_USAGE, "backup %s exists already", path);
		return err_hint(
			e, "it may be the only copy of an older firmware: name another file");
	}
	rc = read_file(path, ret, e);
	return rc == 0 ? check_covers(ret, s, path, e) : rc;
}

int backup_take(struct device *d, const struct survey *survey, const char *path, bool unfinished,
	const struct event_sink *events, struct segments *ret, bool *ret_kept, struct err *e)
{
	cleanup_segments struct segments old = SEGMENTS_INIT;
	bool kept = fs_exists(path);
	int rc;

	if (kept) {
		rc = take_existing(survey, path, unfinished, &old, e);
	} else {
		rc = read_units(d, survey, events, &old, e);
		if (rc == 0)
			rc = write_file(&old, path, e);
	}
	if (rc < 0)
		return rc;
	*ret = segments_move(&old);
	*ret_kept = kept;
	return 0;
}

/* ---- back again ---- */

int backup_restore(struct device *d, const struct segments *old, const struct image_heads *heads,
	struct state *state, const struct event_sink *events, struct err *e)
{
	CLEANUP(image_heads_done) struct image_heads old_heads = {0};
	struct flash_result result;
	struct flash_request rq = {.image = old,
		.heads = &old_heads,
		.entry_by_hand = true, /* it was accepted when this began */
		.state = state,
		.events = events};
	int rc;

	old_heads.base = calloc(heads->n + 1, sizeof(*old_heads.base));
	if (old_heads.base == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < heads->n; i++)
		if (image_check_vectors(old, heads->base[i], d->facts.chip, NULL, 0, NULL) == 0 ||
			image_starts_with_header(old, heads->base[i]))
			old_heads.base[old_heads.n++] = heads->base[i];
	rc = flash_run(d, &rq, &result, e);
	if (rc == 0 && state != NULL)
		rc = state_finish(state, NULL, e);
	return rc;
}
