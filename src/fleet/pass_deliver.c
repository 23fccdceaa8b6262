/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass_deliver.c - one device: begun in the database, done in a process of its own, taken back if
 * it does not prove that it is healthy, ended in the database
 */
#include "pass_priv.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/clock.h>
#include <stmota/fs.h>

/* ---- backups: beside the database, one for each device and package, until it is healthy ---- */

static int find_backups(const struct pass *p, const struct pass_job *j, glob_t *ret)
{
	char pattern[PATH_MAX + 80];

	snprintf(pattern, sizeof(pattern), "%s/backup/%s@*.hex", p->folder, j->device->name);
	return glob(pattern, 0, NULL, ret);
}

static void drop_backups(const struct pass *p, const struct pass_job *j)
{
	glob_t found = {0};

	if (find_backups(p, j, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
}

/* Of another package, whose delivery was cut short: it holds what ran before both. */
static bool older_backup(const struct pass *p, const struct pass_job *j, char ret[PATH_MAX])
{
	glob_t found = {0};
	bool is = false;

	if (find_backups(p, j, &found) == 0)
		for (size_t i = 0; !is && i < found.gl_pathc; i++) {
			is = strcmp(found.gl_pathv[i], j->backup) != 0 &&
			     strlen(found.gl_pathv[i]) < PATH_MAX;
			if (is)
				snprintf(ret, PATH_MAX, "%s", found.gl_pathv[i]);
		}
	globfree(&found);
	return is;
}

static bool wants_backup(const struct fleet_device *d)
{
	return d->rollback == FLEET_ROLLBACK_BACKUP && !d->takes_files;
}

static int name_backup(const struct pass *p, struct pass_job *j, struct err *e)
{
	char folder[PATH_MAX + 16];
	int n;

	j->backup[0] = '\0';
	if (!wants_backup(j->device))
		return 0;
	snprintf(folder, sizeof(folder), "%s/backup", p->folder);
	n = snprintf(j->backup, PATH_MAX, "%s/backup/%s@%02x%02x%02x%02x.hex", p->folder,
		j->device->name, j->offer.package[0], j->offer.package[1], j->offer.package[2],
		j->offer.package[3]);
	if (n >= PATH_MAX)
		return err_set(e, ERR_CONFIG, "the name of the folder of the database is too long");
	return fs_mkdir(folder, e);
}

/* ---- the process ---- */

struct task {
	const struct pass_request *rq;
	struct pass_delivery d;
};

static int run_task(void *ctx, FILE *to)
{
	const struct task *t = ctx;

	return t->rq->deliver(t->rq->ctx, &t->d, to);
}

static int start(struct pass *p, struct pass_job *j, const struct pass_delivery *d, struct err *e)
{
	struct task t = {.rq = p->rq, .d = *d};
	int rc;

	t.d.device = j->device;
	t.d.known = &j->known;
	t.d.offer = &j->offer;
	t.d.trust = p->rq->source->ops->trust(p->rq->source);
	t.d.name = j->name;
	j->phase[0] = '\0';
	/* The bytes that were judged, by the same descriptor. */
	if (j->file.fd >= 0)
		t.d.path = "/proc/self/fd/0";
	rc = worker_start(&j->worker, true, j->file.fd, run_task, &t, e);
	if (rc == 0)
		p->running++;
	return rc;
}

static int start_forth(struct pass *p, struct pass_job *j, struct err *e)
{
	struct pass_delivery d = {.path = j->path,
		.sha256 = j->delta ? j->offer.delta : j->offer.package,
		.delta = j->delta,
		.backup = j->backup[0] != '\0' ? j->backup : NULL};

	if (j->delta && j->known.has_package && package_cache_has(p->rq->cache, j->known.package) &&
		file_cache_path(p->rq->cache, j->known.package, ".sota", j->base))
		d.base = j->base;
	j->step = PASS_FORTH;
	return start(p, j, &d, e);
}

static int record(struct pass *p, struct pass_job *j, bool canary, struct err *e)
{
	struct fleet_attempt *a = &j->attempt;

	*a = (struct fleet_attempt){.delta = j->delta,
		.canary = canary,
		.version = j->offer.version,
		.from = j->known.version,
		.has_from = j->known.has_version,
		.counter = j->offer.counter,
		.started = pass_now(p)};
	snprintf(a->device, sizeof(a->device), "%s", j->device->name);
	snprintf(a->rollout, sizeof(a->rollout), "%s", j->offer.rollout);
	snprintf(a->source, sizeof(a->source), "%s", p->rq->source->ops->name);
	memcpy(a->package, j->offer.package, SHA256_SIZE);
	return fleet_db_begin(p->rq->db, a, e);
}

static void tell_begin(struct pass *p, struct pass_job *j)
{
	const struct pass_listener *l = &p->rq->listener;
	struct update_source *s = p->rq->source;
	struct pass_device d = pass_device_of(p, j);

	if (s->ops->started != NULL)
		s->ops->started(s, j->device, &j->offer);
	if (l->began != NULL)
		l->began(l->ctx, &d);
}

/* Ends what was begun; the server hears of it after it is stored. */
static int end(struct pass *p, struct pass_job *j, const struct fleet_ending *ending, struct err *e)
{
	const struct pass_listener *l = &p->rq->listener;
	struct update_source *s = p->rq->source;
	struct pass_device d = pass_device_of(p, j);
	int rc = fleet_db_end(p->rq->db, j->attempt.id, ending, pass_now(p), e);

	if (rc < 0)
		return rc;
	if (s->ops->ended != NULL)
		s->ops->ended(s, j->device, &j->offer, ending);
	if (l->ended != NULL)
		l->ended(l->ctx, &d, ending, clock_now_ms(&clock_monotonic) - j->begun_ms);
	return 0;
}

int pass_refuse(struct pass *p, struct pass_job *j, const struct err *why, struct err *e)
{
	struct fleet_ending ending = {
		.outcome = FLEET_REFUSED, .error = (int)why->code, .text = why->msg};
	int rc = record(p, j, false, e);

	snprintf(j->hint, sizeof(j->hint), "%s", why->hint);

	if (rc == 0)
		rc = end(p, j, &ending, e);
	return rc;
}

static void name_file(struct pass_job *j)
{
	char version[VERSION_TEXT_SIZE];

	snprintf(j->name, sizeof(j->name), "%s %s", j->delta ? "the delta to" : "package",
		version_format(j->offer.version, version));
}

int pass_begin(struct pass *p, struct pass_job *j, bool canary, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	j->begun_ms = clock_now_ms(&clock_monotonic);
	j->delta = j->offer.has_delta && !j->no_delta && !j->device->takes_files;
	package_file_close(&j->file);
	rc = pass_package(p, j, j->delta, &j->file, &why);
	/* A delta that cannot be had is no loss. */
	if (rc < 0 && j->delta && rc != ERR_INTERRUPTED) {
		err_clear(&why);
		j->delta = false;
		rc = pass_package(p, j, false, &j->file, &why);
	}
	name_file(j);
	if (rc == ERR_NETWORK || rc == ERR_INTERRUPTED || rc == ERR_IO || rc == ERR_NOMEM ||
		rc == ERR_BUSY) {
		*e = why;
		return rc;
	}
	if (rc < 0) {
		rc = pass_refuse(p, j, &why, e);
		if (rc < 0)
			return rc;
		*e = why;
		return (int)why.code;
	}
	rc = name_backup(p, j, e);
	if (rc == 0)
		rc = record(p, j, canary, e);
	if (rc < 0)
		return rc;
	tell_begin(p, j);
	rc = start_forth(p, j, e);
	if (rc < 0) {
		struct fleet_ending ending = {
			.outcome = FLEET_INTERRUPTED, .error = rc, .text = e->msg};

		end(p, j, &ending, NULL);
	}
	return rc;
}

/* ---- the way back ---- */

/* What leads back after this ending; false: nothing more can be done, or need be. */
static bool find_way_back(
	struct pass *p, struct pass_job *j, const struct pass_verdict *v, struct pass_delivery *ret)
{
	const struct fleet_device *d = j->device;

	*ret = (struct pass_delivery){.back = true};
	if (p->stopped || j->step == PASS_BACK)
		return false;
	/* What was put back was itself half a delivery. */
	if ((v->outcome == FLEET_ROLLED_BACK || v->outcome == FLEET_UNHEALTHY) &&
		older_backup(p, j, j->path)) {
		package_file_close(&j->file);
		snprintf(j->name, sizeof(j->name), "the backup of what ran before");
		ret->path = j->path;
		return true;
	}
	if (v->outcome != FLEET_UNHEALTHY || d->rollback != FLEET_ROLLBACK_GOLDEN)
		return false;
	package_file_close(&j->file);
	snprintf(j->name, sizeof(j->name), "the golden package");
	ret->path = j->path;
	if (j->known.has_healthy && pass_find_package(p, j->known.healthy, &j->file)) {
		pass_path_of(&j->file, j->path);
		return true;
	}
	if (d->golden == NULL || snprintf(j->path, PATH_MAX, "%s", d->golden) >= PATH_MAX)
		return false;
	return true;
}

/* Signed for release, for this product, and not below what was healthy here. */
static int check_golden(struct pass *p, struct pass_job *j, struct pass_delivery *d,
	uint8_t sum[SHA256_SIZE], struct err *e)
{
	cleanup_buf struct buf file = BUF_INIT;
	struct package k;
	int rc;

	if (j->device->rollback != FLEET_ROLLBACK_GOLDEN)
		return 0;
	rc = pass_open_package(p, d->path, &file, &k, e);
	if (rc == 0 && memcmp(k.header.product, j->offer.product, UUID_SIZE) != 0)
		rc = err_set(e, ERR_IDENTITY, "the golden package is for another product");
	if (rc == 0 && k.header.counter < j->known.highest_counter)
		rc = err_set(e, ERR_DOWNGRADE,
			"the golden package has release counter %u, %u ran here",
			(unsigned)k.header.counter, (unsigned)j->known.highest_counter);
	if (rc == 0)
		rc = sha256(file.data, file.len, sum, e);
	d->sha256 = sum;
	return rc;
}

/* True if it goes on; else what came of it stands in `v`. */
static bool go_back(struct pass *p, struct pass_job *j, struct pass_verdict *v)
{
	struct pass_delivery d;
	uint8_t sum[SHA256_SIZE];
	struct err e = ERR_INIT;
	char was[sizeof(v->text)];

	if (!find_way_back(p, j, v, &d))
		return false;
	if (check_golden(p, j, &d, sum, &e) == 0) {
		j->step = PASS_BACK;
		j->forth = j->result;
		j->result = NULL;
		if (start(p, j, &d, &e) == 0)
			return true;
		j->result = j->forth;
		j->forth = NULL;
	}
	memcpy(was, v->text, sizeof(was));
	v->outcome = FLEET_UNHEALTHY;
	snprintf(v->text, sizeof(v->text), "%.120s; and there is no way back: %.100s", was, e.msg);
	return false;
}

static const char *said(const json_t *result)
{
	const json_t *error = json_object_get(result, "error");
	const char *text = json_string_value(json_object_get(error, "message"));

	return text != NULL ? text : "its process ended without a word";
}

/* The second process has ended: does the old firmware run again? */
static void judge_back(const struct pass_job *j, struct pass_verdict *v)
{
	bool ok = worker_is_ok(&j->worker) && j->result != NULL;
	const json_t *error = json_object_get(j->forth, "error");
	const char *code = json_string_value(json_object_get(error, "code"));

	v->outcome = ok ? FLEET_ROLLED_BACK : FLEET_UNHEALTHY;
	v->confirmed = false;
	v->error = ERR_VERIFY;
	for (int c = -1; code != NULL && c >= ERR_LAST; c--)
		if (strcmp(err_code_name((enum err_code)c), code) == 0)
			v->error = c;
	if (ok)
		snprintf(v->text, sizeof(v->text), "%.140s; the one before it is back",
			said(j->forth));
	else
		snprintf(v->text, sizeof(v->text),
			"%.110s; and the one before it could not be put back: %.90s",
			said(j->forth), said(j->result));
}

/* ---- while it runs ---- */

struct heard {
	struct pass *p;
	struct pass_job *j;
};

static void take_progress(struct pass *p, struct pass_job *j, const json_t *line)
{
	struct update_source *s = p->rq->source;
	const char *phase = json_string_value(json_object_get(line, "phase"));

	if (phase != NULL)
		snprintf(j->phase, sizeof(j->phase), "%s", phase);
	if (s->ops->progress != NULL && phase != NULL &&
		(strcmp(phase, "write") == 0 || strcmp(phase, "send") == 0))
		s->ops->progress(s, j->device, &j->offer,
			(uint64_t)json_integer_value(json_object_get(line, "done")),
			(uint64_t)json_integer_value(json_object_get(line, "total")));
}

static void take_line(void *ctx, const char *text)
{
	const struct heard *h = ctx;
	const struct pass_listener *l = &h->p->rq->listener;
	struct pass_device d = pass_device_of(h->p, h->j);
	json_t *line = json_loads(text, 0, NULL);
	const char *event = json_string_value(json_object_get(line, "event"));

	if (event != NULL && strcmp(event, "result") == 0) {
		json_decref(h->j->result);
		h->j->result = json_incref(line);
	} else if (event != NULL) {
		if (strcmp(event, "phase") == 0 || strcmp(event, "progress") == 0)
			take_progress(h->p, h->j, line);
		if (l->said != NULL)
			l->said(l->ctx, &d, line);
	}
	json_decref(line);
}

/* The base of the next delta. What a delta makes is what its full package holds. */
static bool image_of(struct pass *p, const struct pass_job *j, uint8_t ret[SHA256_SIZE])
{
	cleanup_buf struct buf file = BUF_INIT;
	char path[PATH_MAX];
	struct package k;

	pass_path_of(&j->file, path);
	if (j->file.fd < 0 || pass_open_package(p, path, &file, &k, NULL) < 0 ||
		package_is_encrypted(&k, NULL))
		return false;
	memcpy(ret, package_component(&k, 0).plain_digest, SHA256_SIZE);
	return true;
}

static int store(struct pass *p, struct pass_job *j, const struct pass_verdict *v, struct err *e)
{
	const char *transcript = json_string_value(
		json_object_get(j->forth != NULL ? j->forth : j->result, "transcript"));
	char uuid[UUID_TEXT_SIZE];
	cleanup_free char *evidence = pass_evidence(j, v);
	struct fleet_ending ending = {.outcome = v->outcome,
		.error = v->error,
		.text = v->text,
		.evidence = evidence,
		.transcript = transcript,
		.uid = v->uid[0] != '\0' ? v->uid : NULL,
		.confirmed = v->confirmed};

	if (v->outcome == FLEET_OK || v->outcome == FLEET_ALREADY) {
		ending.product_uuid = uuid_format(j->offer.product, uuid);
		ending.has_image = image_of(p, j, ending.image);
	}
	if (v->outcome == FLEET_OK || v->outcome == FLEET_ALREADY ||
		v->outcome == FLEET_ROLLED_BACK)
		drop_backups(p, j);
	return end(p, j, &ending, e);
}

static void forget(struct pass_job *j)
{
	package_file_close(&j->file);
	json_decref(j->result);
	json_decref(j->forth);
	j->result = j->forth = NULL;
}

static void take_hint(struct pass_job *j)
{
	const json_t *error = json_object_get(j->result, "error");
	const char *hint = json_string_value(json_object_get(error, "hint"));

	snprintf(j->hint, sizeof(j->hint), "%s", hint != NULL ? hint : "");
}

bool pass_listen(struct pass *p, struct pass_job *j, struct err *e)
{
	struct heard h = {p, j};
	struct pass_verdict v;

	if (worker_listen(&j->worker, take_line, &h))
		return false;
	p->running--;
	pass_judge(p, j, &v);
	take_hint(j);
	if (j->step == PASS_BACK)
		judge_back(j, &v);
	else if (go_back(p, j, &v))
		return false;
	if (store(p, j, &v, e) < 0)
		p->stopped = true; /* what cannot be recorded is not begun */
	j->tries.last_outcome = v.outcome;
	j->no_delta |= v.no_base;
	forget(j);
	return true;
}
