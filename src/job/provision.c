/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provision.c - carries out a first programming: order is what makes it safe
 *
 * Bytes first, while everything can be read and written anew; then one write of option bytes; then
 * read-out protection, behind which nothing can be looked at. That last step cannot be told from a
 * board that somebody else protected, so the intention is on the host's disk before it is sent.
 */
#include "provision_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/fs.h>
#include <stmota/protect_job.h>

/* ---- the journal of the last step ---- */

static int digest_of(const struct provision_run *r, char ret[2 * SHA256_SIZE + 1], struct err *e)
{
	const struct provision_request *rq = r->rq;
	cleanup_buf struct buf b = BUF_INIT;
	uint8_t sum[SHA256_SIZE];
	char line[96];
	int rc = 0;

	snprintf(line, sizeof(line), "%04x %d %zu\n", r->d->facts.pid, rq->wrp_loader, rq->n_wants);
	rc = buf_append(&b, line, strlen(line), e);
	for (size_t i = 0; rc == 0 && i < rq->n_wants; i++) {
		snprintf(line, sizeof(line), "%.60s %u\n", rq->want[i].name,
			(unsigned)rq->want[i].value);
		rc = buf_append(&b, line, strlen(line), e);
	}
	for (size_t i = 0; rc == 0 && i < r->image.n; i++) {
		const struct segment *g = &r->image.v[i];

		snprintf(line, sizeof(line), "%08x %08x\n", (unsigned)g->addr, (unsigned)g->len);
		rc = buf_append(&b, line, strlen(line), e);
		if (rc == 0)
			rc = buf_append(&b, g->data, g->len, e);
	}
	if (rc == 0)
		rc = sha256(b.data, b.len, sum, e);
	for (size_t i = 0; rc == 0 && i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
	return rc;
}

static bool journal_says(const struct provision_run *r)
{
	cleanup_buf struct buf b = BUF_INIT;
	char wanted[2 * SHA256_SIZE + 1];

	return r->rq->journal != NULL && fs_exists(r->rq->journal) &&
	       digest_of(r, wanted, NULL) == 0 && fs_read(r->rq->journal, 4096, &b, NULL) == 0 &&
	       b.len == strlen(wanted) && memcmp(b.data, wanted, b.len) == 0;
}

static int journal_write(const struct provision_run *r, struct err *e)
{
	char text[2 * SHA256_SIZE + 1];
	int rc = digest_of(r, text, e);

	return rc == 0 ? fs_write(r->rq->journal, text, strlen(text), 0600, e) : rc;
}

static void journal_end(const struct provision_run *r)
{
	if (r->rq->journal != NULL)
		unlink(r->rq->journal);
}

/* ---- the steps ---- */

static void mark_done(struct provision_run *r, enum provision_kind kind)
{
	struct provision_plan *p = &r->ret->plan;

	for (size_t i = 0; i < p->n; i++)
		if (p->step[i].kind == kind && !p->step[i].stands)
			p->step[i].done = true;
}

static bool has_later_steps(const struct provision_run *r)
{
	return r->rq->n_wants > 0 || r->rq->wrp_loader || r->rq->rdp;
}

static int on_flash_plan(void *ctx, const struct flash_plan *plan, struct err *e)
{
	struct provision_run *r = ctx;

	provision_note_units(r, plan);
	return r->rq->on_plan != NULL ? r->rq->on_plan(r->rq->on_plan_ctx, &r->ret->plan, e) : 0;
}

static int write_images(struct provision_run *r, struct err *e)
{
	const struct provision_request *rq = r->rq;
	bool starts = rq->proof != NULL || !has_later_steps(r);
	struct trial_request t = {
		.flash = {.image = &r->image,
			.heads = &r->heads,
			.entry_by_hand = rq->entry_by_hand,
			.state = rq->state,
			.events = rq->events,
			.on_plan = on_flash_plan,
			.on_plan_ctx = r},
		.proof = rq->proof,
		.after = starts ? rq->after : AFTER_NONE,
		.has_start = true,
		.start = r->heads.base[0],
		.wait_s = rq->wait_s,
		.installed = rq->installed,
	};
	struct trial_result result;
	int rc = trial_run(r->d, &t, &result, e);

	r->ret->stopped = result.flash.stopped;
	r->ret->confirmed = result.confirmed;
	snprintf(r->ret->seen, sizeof(r->ret->seen), "%s", result.seen);
	if (rc < 0 || result.flash.stopped)
		return rc;
	r->ret->started = result.started;
	mark_done(r, PROVISION_PART);
	mark_done(r, PROVISION_PROOF);
	/* It runs now; what follows is said to the bootloader. */
	if (rq->proof != NULL && has_later_steps(r)) {
		device_leave(r->d);
		rc = device_come_back(r->d, rq->wait_s, rq->events, e);
	}
	return rc;
}

/*
 * Write protection that stands would be in the way of writing. It was set behind the last byte, so
 * the bytes should be there: that is looked at instead.
 */
static int images_stand(struct provision_run *r, struct err *e)
{
	struct provision_plan *p = &r->ret->plan;
	int rc = flash_verify(r->d, &r->image, r->rq->events, e);

	if (rc == ERR_VERIFY) {
		err_set(e, ERR_PROTECTED,
			"the device is write-protected and holds something else than this");
		return err_hint(e, "stmota protect wrp-off --all, then the same command again");
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p->n; i++)
		p->step[i].stands |=
			p->step[i].kind == PROVISION_PART || p->step[i].kind == PROVISION_PROOF;
	return r->rq->on_plan != NULL ? r->rq->on_plan(r->rq->on_plan_ctx, p, e) : 0;
}

static int set_options(struct provision_run *r, struct err *e)
{
	enum option_outcome outcome = OPTION_STOOD;
	int rc = provision_plan_options(r, e);

	if (rc < 0 || r->options.n_changes == 0)
		return rc;
	rc = option_execute(r->d, &r->options, r->rq->events, &outcome, e);
	if (rc < 0)
		return rc;
	mark_done(r, PROVISION_OPTION);
	mark_done(r, PROVISION_WRP);
	r->ret->pending = outcome == OPTION_PENDING;
	if (r->ret->pending && r->rq->rdp) {
		err_set(e, ERR_UNFINISHED,
			"the option bytes hold from the next power-up on; read-out protection was "
			"not set");
		return err_hint(e, "power the board off and on, then run the same command again");
	}
	return 0;
}

static int set_rdp(struct provision_run *r, struct err *e)
{
	int rc = journal_write(r, e);

	if (rc == 0)
		rc = protect_set_rdp(r->d, 1, false, r->rq->events, e);
	if (rc < 0)
		return rc;
	mark_done(r, PROVISION_RDP);
	journal_end(r);
	return 0;
}

/* Behind read-out protection the bootloader takes no Go. */
static void start_at_last(struct provision_run *r)
{
	const struct provision_request *rq = r->rq;
	enum flash_after after = rq->after;
	struct err why = ERR_INIT;

	if (after == AFTER_NONE)
		return;
	if (rq->rdp && !r->d->facts.can_reset)
		return;
	if (rq->rdp)
		after = AFTER_RESET;
	r->ret->started = flash_start(r->d, after, r->heads.base[0], &why) == 0 ? "yes" : "failed";
}

/* A device that cannot be read: either our own last step was cut, or nobody knows what it holds. */
static int behind_protection(struct provision_run *r, struct err *e)
{
	struct provision_plan *p = &r->ret->plan;
	int rc = 0;

	if (!r->rq->rdp || !journal_says(r)) {
		err_set(e, ERR_PROTECTED,
			"read-out protection is on: what it holds cannot be seen");
		return err_hint(e, "--erase-everything erases the whole flash, and begins anew");
	}
	/* The bytes were not touched by the cut; on many families all option words were. */
	if (r->rq->n_wants > 0 || r->rq->wrp_loader) {
		err_set(e, ERR_PROTECTED,
			"read-out protection is on, and the write that set it was interrupted: "
			"whether the other option bytes survived that cannot be seen");
		return err_hint(e, "--erase-everything erases the whole flash, and begins anew");
	}
	provision_list_steps(r);
	for (size_t i = 0; i < p->n; i++)
		p->step[i].stands = true;
	r->ret->trusted_journal = true;
	if (r->rq->on_plan != NULL)
		rc = r->rq->on_plan(r->rq->on_plan_ctx, p, e);
	r->ret->stopped = rc == FLASH_STOP;
	if (rc != 0)
		return rc == FLASH_STOP ? 0 : rc;
	journal_end(r);
	start_at_last(r);
	return 0;
}

static int all_steps(struct provision_run *r, struct err *e)
{
	bool erases = false, stands = false;
	int rc = provision_check(r, e);

	if (rc == 0)
		rc = provision_needs_writing(r) ? write_images(r, e) : images_stand(r, e);
	if (rc == FLASH_STOP)
		r->ret->stopped = true;
	if (rc != 0 || r->ret->stopped)
		return rc < 0 ? rc : 0;
	if (!has_later_steps(r))
		return 0;
	rc = set_options(r, e);
	if (rc == 0 && r->rq->rdp)
		rc = protect_check_rdp(&r->d->facts, 1, &erases, &stands, e);
	if (rc == 0 && r->rq->rdp && !stands)
		rc = set_rdp(r, e);
	if (rc == 0)
		start_at_last(r);
	return rc;
}

int provision_run(struct device *d, const struct provision_request *rq,
	struct provision_result *ret, struct err *e)
{
	struct err own = ERR_INIT;
	struct provision_run *r = calloc(1, sizeof(*r));
	int rc;

	if (e == NULL)
		e = &own;
	*ret = (struct provision_result){.started = "no"};
	if (r == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	r->d = d;
	r->rq = rq;
	r->ret = ret;
	rc = provision_join(r, e);
	if (rc == 0 && (d->facts.read_refused || d->facts.rdp == RDP_1))
		rc = behind_protection(r, e);
	else if (rc == 0)
		rc = all_steps(r, e);
	segments_done(&r->image);
	image_heads_done(&r->heads);
	free(r);
	return rc;
}
