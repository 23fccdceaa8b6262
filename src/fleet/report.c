/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - the lines of the outbox on their way to the operator
 */
#include <stmota/fleet_report.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/channel.h>
#include <stmota/clock.h>
#include <stmota/fs.h>

#define TO         "report"
#define BATCH_MAX  200
#define BYTES_MAX  (256u << 10) /* of a batch, unless one line alone is longer */
#define ANSWER_MAX (64u << 10)
#define LIMIT_MS   10000u
#define PAUSE_MIN  UINT64_C(60)
#define PAUSE_MAX  UINT64_C(3600)

struct batch {
	struct fleet_report lines[BATCH_MAX];
	size_t n;
	int64_t first, last; /* ids in the outbox */
	struct buf text;     /* one line each */
	struct buf sig;      /* empty: not signed */
};

static void batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		fleet_report_done(&b->lines[i]);
	buf_done(&b->text);
	buf_done(&b->sig);
	*b = (struct batch){0};
}

/* At most `max` lines; none is a batch too. */
static int batch_fill(struct fleet_db *db, size_t max, struct batch *b, struct err *e)
{
	int rc = fleet_db_outbox_peek(db, TO, b->lines, max, &b->n, e);

	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		size_t len = strlen(b->lines[i].body);

		if (i > 0 && b->text.len + len + 1 > BYTES_MAX)
			break;
		rc = buf_append(&b->text, b->lines[i].body, len, e);
		if (rc == 0)
			rc = buf_append(&b->text, "\n", 1, e);
		b->last = b->lines[i].id;
	}
	b->first = b->n > 0 ? b->lines[0].id : 0;
	return rc;
}

static int batch_sign(struct batch *b, struct key *key, struct err *e)
{
	return key != NULL ? channel_sign_as(TO, b->text.data, b->text.len, &key, 1, &b->sig, e)
			   : 0;
}

/* Lines of it that will be gone from the outbox. */
static uint64_t batch_lines(const struct batch *b)
{
	uint64_t n = 0;

	while (n < b->n && b->lines[n].id <= b->last)
		n++;
	return n;
}

/* ---- by HTTP ---- */

/* 1: the server cannot take so much at once. */
static int post(struct fleet_db *db, const struct fleet_report_send *rq, const struct batch *b,
	uint32_t left_ms, struct err *e)
{
	static const char name[] = "Stmota-Signature: ";
	struct fetch_settings s = rq->fetch != NULL ? *rq->fetch : FETCH_SETTINGS_INIT;
	cleanup_buf struct buf answer = BUF_INIT;
	char key[96], sig[sizeof(name) + 400] = "", where[160];
	const char *headers[3] = {key, b->sig.len > 0 ? sig : NULL, NULL};
	struct fetch_request q = {.urls = {rq->fleet->report},
		.n_urls = 1,
		.max = ANSWER_MAX,
		.method = "POST",
		.body = b->text.data,
		.body_len = b->text.len,
		.content_type = "application/x-ndjson",
		.headers = headers,
		.any_status = true};
	struct fetch_result r = {0};
	size_t len = sizeof(name) - 1;
	int rc;

	/* The same batch again has the same key. */
	snprintf(key, sizeof(key), "Idempotency-Key: %s-%" PRId64 "-%" PRId64, fleet_db_id(db),
		b->first, b->last);
	memcpy(sig, name, sizeof(name));
	for (size_t i = 0; i < b->sig.len && len + 3 <= sizeof(sig); i++, len += 2)
		snprintf(sig + len, 3, "%02x", b->sig.data[i]);
	s.tries = 1;
	s.total_ms = left_ms;
	if (s.connect_ms > left_ms)
		s.connect_ms = left_ms;
	if (s.stall_ms > left_ms)
		s.stall_ms = left_ms;
	fetch_show_url(rq->fleet->report, where, sizeof(where));
	rc = fetch_buf(&s, &q, &answer, &r, e);
	if (rc < 0)
		return rc;
	if (r.status >= 200 && r.status < 300)
		return 0;
	if (r.status == 413 && b->n > 1)
		return 1;
	err_set(e, ERR_NETWORK, "%s answered %d to a report", where, r.status);
	return err_hint(e, "nothing is lost: it is sent again");
}

/* ---- into a folder ---- */

static int check_folder(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	err_set(e, ERR_IO, "there is no folder %s for reports", dir);
	return err_hint(e, "a medium that is not there? nothing is lost; make it with mkdir if it "
			   "shall be there");
}

static int spool(struct fleet_db *db, const struct fleet_report_send *rq, const struct batch *b,
	struct err *e)
{
	char path[PATH_MAX], sig[PATH_MAX];
	const char *dir = rq->fleet->report;
	int rc = check_folder(dir, e);

	if (rc < 0)
		return rc;
	/* By name in the order of time; the same batch again replaces itself. */
	if (snprintf(path, sizeof(path), "%s/%.8s-%010" PRId64 "-%010" PRId64 ".ndjson", dir,
		    fleet_db_id(db), b->first, b->last) >= (int)sizeof(path) - 4)
		return err_set(e, ERR_IO, "file name too long: %s", path);
	snprintf(sig, sizeof(sig), "%.*s.sig", (int)sizeof(sig) - 5, path);
	/* Who sees the file sees its signature too. */
	if (b->sig.len > 0)
		rc = fs_write(sig, b->sig.data, b->sig.len, 0644, e);
	return rc == 0 ? fs_write(path, b->text.data, b->text.len, 0644, e) : rc;
}

/* ---- the pause after a failure ---- */

struct pause {
	unsigned failures;
	uint64_t next;
};

static int load_pause(struct fleet_db *db, struct pause *ret, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fleet_db_note_get(db, TO, "pause", &b, e);

	*ret = (struct pause){0};
	if (rc <= 0)
		return rc;
	rc = buf_append(&b, "", 1, e);
	if (rc == 0 && sscanf((char *)b.data, "%u %" SCNu64, &ret->failures, &ret->next) != 2)
		*ret = (struct pause){0};
	return rc;
}

static int save_pause(struct fleet_db *db, const struct pause *p, struct err *e)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %" PRIu64, p->failures, p->next);
	return fleet_db_note_set(db, TO, "pause", p->failures > 0 ? text : NULL, strlen(text), e);
}

/* Gateways that lost the same server do not come back in the same second: up to a quarter more. */
static uint64_t pause_of(struct fleet_db *db, unsigned failures)
{
	uint64_t s = PAUSE_MIN, noise = failures;

	for (unsigned i = 1; i < failures && s < PAUSE_MAX; i++)
		s *= 2;
	if (s > PAUSE_MAX)
		s = PAUSE_MAX;
	for (const char *p = fleet_db_id(db); *p != '\0'; p++)
		noise = noise * 31 + (unsigned char)*p;
	return s + noise % (s / 4 + 1);
}

static bool is_pausing(const struct fleet_report_send *rq, const struct pause *p)
{
	/* A clock that was set back must not silence it for longer. */
	return !rq->at_once && p->failures > 0 && p->next > rq->now &&
	       p->next - rq->now <= 2 * PAUSE_MAX;
}

/* ---- all of it ---- */

static int deliver(struct fleet_db *db, const struct fleet_report_send *rq, struct key *key,
	uint64_t *ret_sent, struct err *e)
{
	uint32_t limit = rq->limit_ms > 0 ? rq->limit_ms : LIMIT_MS;
	uint64_t end = clock_now_ms(&clock_monotonic) + limit;
	size_t max = BATCH_MAX;
	int rc = 0;

	for (;;) {
		CLEANUP(batch_done) struct batch b = {0};
		uint64_t now = clock_now_ms(&clock_monotonic);

		rc = batch_fill(db, max, &b, e);
		if (rc < 0 || b.n == 0 || now >= end)
			return rc;
		rc = batch_sign(&b, key, e);
		if (rc == 0)
			rc = fetch_is_url(rq->fleet->report)
				     ? post(db, rq, &b, (uint32_t)(end - now), e)
				     : spool(db, rq, &b, e);
		if (rc < 0)
			return rc;
		if (rc == 1) {
			max = batch_lines(&b) / 2 > 0 ? batch_lines(&b) / 2 : 1;
			continue;
		}
		rc = fleet_db_outbox_done(db, b.last, TO, e);
		if (rc < 0)
			return rc;
		*ret_sent += batch_lines(&b);
	}
}

static int count(struct fleet_db *db, struct fleet_report_result *ret, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fleet_db_outbox_count(db, TO, &ret->left, e);

	if (rc == 0)
		rc = fleet_db_note_get(db, "outbox", TO, &b, e);
	if (rc == 1 && (rc = buf_append(&b, "", 1, e)) == 0)
		ret->dropped = strtoull((char *)b.data, NULL, 10);
	return rc < 0 ? rc : 0;
}

int fleet_report_flush(struct fleet_db *db, const struct fleet_report_send *rq,
	struct fleet_report_result *ret, struct err *e)
{
	const char *key_file = rq->fleet->report_key;
	cleanup_key struct key *key = NULL;
	struct pause pause = {0};
	int rc;

	*ret = (struct fleet_report_result){0};
	if (rq->fleet->report == NULL)
		return 0;
	rc = count(db, ret, e);
	if (rc == 0)
		rc = load_pause(db, &pause, e);
	if (rc < 0 || ret->left == 0)
		return rc;
	if (is_pausing(rq, &pause)) {
		ret->next = pause.next;
		return 0;
	}
	if (key_file != NULL)
		rc = key_load_private(key_file, rq->unlock, &key, e);
	if (rc == 0)
		rc = deliver(db, rq, key, &ret->sent, e);
	if (rc == 0 && pause.failures > 0)
		rc = save_pause(db, &(struct pause){0}, e);
	if (rc < 0) {
		pause.failures = pause.failures < 100 ? pause.failures + 1 : 100;
		pause.next = rq->now + pause_of(db, pause.failures);
		ret->next = save_pause(db, &pause, NULL) == 0 ? pause.next : 0;
		count(db, ret, NULL);
		return err_wrap(e, "reports");
	}
	return count(db, ret, e);
}
