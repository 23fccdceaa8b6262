/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/publish.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/package.h>

#include "channel_priv.h"

#define DAY_S      86400u
#define ROOT_DAYS  365u
#define GRACE_EVER (UINT64_C(100) * 365 * DAY_S) /* of a publisher who comes back after years */

static const enum trust_role roles[] = {
	TRUST_ROOT, TRUST_RELEASE, TRUST_PLAN, TRUST_HEAD, TRUST_HALT};

static int path_of(const struct publisher *p, const char *rest, char ret[PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", p->dir, rest) < PATH_MAX)
		return 0;
	return err_set(e, ERR_USAGE, "the name of the folder is too long");
}

static int make_folders(const struct publisher *p, struct err *e)
{
	const char *const names[] = {"root", "packages", "halt", "channel"};
	char path[PATH_MAX], own[CHANNEL_NAME_SIZE + 16];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(names); i++) {
		rc = path_of(p, names[i], path, e);
		if (rc == 0)
			rc = fs_mkdir(path, e);
	}
	snprintf(own, sizeof(own), "channel/%s", p->name);
	if (rc == 0)
		rc = path_of(p, own, path, e);
	return rc == 0 ? fs_mkdir(path, e) : rc;
}

/* ---- opening ---- */

static struct key *const *keys_of(const struct publisher *p, enum trust_role role, size_t *n)
{
	const struct publish_keys *k =
		role == TRUST_ROOT || role == TRUST_RELEASE || p->plan.n == 0 ? &p->root : &p->plan;

	*n = k->n;
	return k->v;
}

/* A copy of the public half, so that a root owns its keys. */
static int add_role_key(struct channel_root *r, enum trust_role role, const struct key *k,
	uint32_t threshold, struct err *e)
{
	cleanup_buf struct buf pem = BUF_INIT;
	struct trust_key *more = realloc(r->trust.keys, (r->trust.n + 1) * sizeof(*more));
	struct key *copy = NULL;
	int rc;

	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	r->trust.keys = more;
	rc = key_public_pem(k, &pem, e);
	if (rc == 0)
		rc = key_parse_public(pem.data, pem.len, "key", &copy, e);
	if (rc < 0)
		return rc;
	more[r->trust.n] = (struct trust_key){.key = copy,
		.name = strdup(trust_role_name(role)),
		.conf = {.role = role, .not_after = TRUST_FOR_EVER, .threshold = threshold}};
	snprintf(more[r->trust.n].conf.group, TRUST_GROUP_SIZE, "default");
	r->trust.n++;
	return 0;
}

static void drop_role(struct channel_root *r, enum trust_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < r->trust.n; i++) {
		struct trust_key *k = &r->trust.keys[i];

		if (k->conf.role != role) {
			r->trust.keys[n++] = *k;
			continue;
		}
		key_free(k->key);
		free(k->name);
	}
	r->trust.n = n;
}

static int first_root(struct publisher *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(roles); i++) {
		size_t n;
		struct key *const *keys = keys_of(p, roles[i], &n);

		if (n == 0)
			return err_set(e, ERR_USAGE, "a new channel needs a key (--key)");
		for (size_t k = 0; rc == 0 && k < n; k++)
			rc = add_role_key(&p->keys, roles[i], keys[k], 1, e);
	}
	p->root_changed = true;
	return rc;
}

static int read_halt(struct publisher *p, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	char rest[CHANNEL_NAME_SIZE + 8], path[PATH_MAX];
	int rc;

	snprintf(rest, sizeof(rest), "halt/%s", p->name);
	snprintf(p->halt.channel, sizeof(p->halt.channel), "%s", p->name);
	rc = path_of(p, rest, path, e);
	if (rc < 0 || !fs_exists(path))
		return rc;
	rc = fs_read(path, CHANNEL_HALT_MAX, &text, e);
	return rc == 0 ? channel_halt_parse(text.data, text.len, &p->halt, e) : rc;
}

static int open_channel(struct publisher *p, const struct channel_source *source, struct err *e)
{
	char rest[CHANNEL_NAME_SIZE + 16], path[PATH_MAX];
	int rc;

	snprintf(rest, sizeof(rest), "channel/%s/head", p->name);
	rc = path_of(p, rest, path, e);
	if (rc < 0 || !fs_exists(path))
		return rc; /* a new channel in a tree that has a root */
	rc = channel_fetch(source, &p->state, &p->current, NULL, e);
	return rc == 0 ? read_halt(p, e) : rc;
}

int publish_open(struct publisher *p, struct err *e)
{
	struct channel_source source = {
		.url = p->dir, .name = p->name, .grace = GRACE_EVER, .now = p->now};
	char path[PATH_MAX];
	int rc = channel_name_check(p->name, e);

	if (rc == 0)
		rc = path_of(p, "root/1.root", path, e);
	if (rc < 0)
		return rc;
	snprintf(p->current.channel, sizeof(p->current.channel), "%s", p->name);
	snprintf(p->halt.channel, sizeof(p->halt.channel), "%s", p->name);
	if (!fs_exists(path))
		return first_root(p, e);
	rc = fs_read(path, CHANNEL_ROOT_MAX, &p->state.root, e);
	p->state.root_version = 1;
	if (rc == 0)
		rc = channel_walk(&source, &p->state, &p->keys, e);
	/* An expired root is no obstacle for who can sign the next one. */
	if (rc == 0 && p->keys.expires < p->now)
		p->root_changed = true;
	if (rc == 0)
		source.now = p->keys.expires < p->now ? p->keys.expires : p->now;
	return rc == 0 ? open_channel(p, &source, e) : rc;
}

void publish_done(struct publisher *p)
{
	channel_state_done(&p->state);
	channel_root_done(&p->keys);
	channel_plan_done(&p->current);
	channel_halt_done(&p->halt);
}

/* ---- releases ---- */

static void hex(const uint8_t *bytes, size_t n, char *ret)
{
	for (size_t i = 0; i < n; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static int draw(uint8_t *ret, size_t n, struct err *e)
{
	return getrandom(ret, n, 0) == (ssize_t)n
		       ? 0
		       : err_set_errno(e, ERR_FAILED, errno, "no random numbers are to be had");
}

static int store_package(const struct publisher *p, const uint8_t *data, size_t len,
	uint8_t ret[SHA256_SIZE], struct err *e)
{
	char rest[2 * SHA256_SIZE + 32] = "packages/", path[PATH_MAX];
	size_t at;
	int rc = sha256(data, len, ret, e);

	at = strlen(rest);
	hex(ret, SHA256_SIZE, rest + at);
	at += 2 * SHA256_SIZE;
	snprintf(rest + at, sizeof(rest) - at, ".sota");
	if (rc == 0)
		rc = make_folders(p, e);
	if (rc == 0)
		rc = path_of(p, rest, path, e);
	if (rc < 0 || fs_exists(path))
		return rc;
	return fs_write(path, data, len, 0644, e);
}

static int describe(struct channel_rollout *r, const struct package *pkg, struct err *e)
{
	const char *tail = strrchr(pkg->product, '/');
	char version[VERSION_TEXT_SIZE], salt[33];
	uint8_t random[18];
	int rc = draw(random, sizeof(random), e);

	if (rc < 0)
		return rc;
	hex(random, 16, salt);
	version_format(pkg->header.version, version);
	version[strcspn(version, "+")] = '\0';
	snprintf(r->id, sizeof(r->id), "%.24s-%.20s-%02x%02x",
		tail != NULL ? tail + 1 : pkg->product, version, random[16], random[17]);
	r->product = strdup(pkg->product);
	r->salt = strdup(salt);
	if (r->product == NULL || r->salt == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	r->hw_min = pkg->header.hw_min;
	r->hw_max = pkg->header.hw_max;
	r->chip = pkg->header.chip;
	r->version = pkg->header.version;
	r->counter = pkg->header.counter;
	r->min_version = pkg->header.min_version;
	r->has_min_version = imf_version_compare(r->min_version, (struct imf_version){0}) != 0;
	return 0;
}

static bool is_same_release(const struct channel_rollout *r, const struct package *pkg)
{
	return strcmp(r->product, pkg->product) == 0 && r->chip == pkg->header.chip &&
	       r->hw_min == pkg->header.hw_min &&
	       imf_version_compare(r->version, pkg->header.version) == 0 &&
	       r->counter == pkg->header.counter;
}

static int add_delta(struct publisher *p, const struct package *pkg, const struct imf_delta *delta,
	const uint8_t *data, size_t len, struct channel_rollout **ret, struct err *e)
{
	char version[VERSION_TEXT_SIZE];

	for (size_t i = 0; i < p->current.n; i++) {
		struct channel_rollout *r = &p->current.rollouts[i];
		struct channel_delta *d;

		if (!is_same_release(r, pkg))
			continue;
		if (r->n_deltas == CHANNEL_DELTAS_MAX)
			return err_set(e, ERR_USAGE, "%s has %d deltas already", r->id,
				CHANNEL_DELTAS_MAX);
		d = &r->deltas[r->n_deltas];
		memcpy(d->base, delta->digest, SHA256_SIZE);
		d->length = len;
		*ret = r;
		p->plan_changed = true;
		r->n_deltas++;
		return store_package(p, data, len, d->sha256, e);
	}
	err_set(e, ERR_USAGE, "a delta to %s %s, of which there is no rollout", pkg->product,
		version_format(pkg->header.version, version));
	return err_hint(e, "its full package comes first: not every device has the base");
}

/* Newest first; the oldest go when the plan is full. */
static int make_place(struct channel_plan *plan, struct err *e)
{
	struct channel_rollout *more;

	if (plan->n == CHANNEL_ROLLOUTS_MAX)
		channel_rollout_done(&plan->rollouts[--plan->n]);
	more = realloc(plan->rollouts, (plan->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	memmove(more + 1, more, plan->n * sizeof(*more));
	more[0] = (struct channel_rollout){0};
	plan->rollouts = more;
	plan->n++;
	return 0;
}

static int judge_release(const struct publisher *p, const struct package *pkg, struct err *e)
{
	char version[VERSION_TEXT_SIZE];

	if (pkg->product[0] == '\0')
		return err_set(
			e, ERR_USAGE, "a package that does not tell the name of its product");
	for (size_t i = 0; i < p->current.n; i++) {
		const struct channel_rollout *r = &p->current.rollouts[i];

		if (is_same_release(r, pkg)) {
			err_set(e, ERR_USAGE, "%s %s is there already, as %s", r->product,
				version_format(r->version, version), r->id);
			return err_hint(e, "--stage, --include and the like change it");
		}
		if (strcmp(r->product, pkg->product) == 0 && r->counter > pkg->header.counter) {
			err_set(e, ERR_DOWNGRADE,
				"security counter %u, and that of %s is %u: no device would take it",
				pkg->header.counter, r->id, r->counter);
			return err_hint(e, "going back is a new release of the old code");
		}
	}
	return 0;
}

int publish_add(struct publisher *p, const uint8_t *data, size_t len, struct channel_rollout **ret,
	struct err *e)
{
	struct package_verdict verdict;
	struct channel_rollout *r;
	struct imf_delta delta;
	struct package pkg;
	int rc = package_open(data, len, &pkg, e);

	if (rc == 0)
		rc = package_verify(&pkg, &p->keys.trust, p->now, &verdict, e);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < pkg.header.n_components; i++)
		if (imf_manifest_delta(&pkg.manifest, i, &delta))
			return add_delta(p, &pkg, &delta, data, len, ret, e);
	rc = judge_release(p, &pkg, e);
	if (rc == 0)
		rc = make_place(&p->current, e);
	if (rc < 0)
		return rc;
	r = &p->current.rollouts[0];
	rc = describe(r, &pkg, e);
	if (rc == 0)
		rc = store_package(p, data, len, r->sha256, e);
	r->length = len;
	p->plan_changed = true;
	*ret = r;
	return rc;
}

int publish_find(struct publisher *p, const char *id, struct channel_rollout **ret, struct err *e)
{
	for (size_t i = 0; i < p->current.n; i++)
		if (id == NULL || strcmp(p->current.rollouts[i].id, id) == 0) {
			*ret = &p->current.rollouts[i];
			return 0;
		}
	if (p->current.n == 0)
		return err_set(e, ERR_USAGE, "there is no rollout yet: name a package");
	err_set(e, ERR_USAGE, "there is no rollout '%.60s'", id);
	return err_hint(e, "--status lists them");
}

int publish_ids(struct channel_ids *ids, const char *text, struct err *e)
{
	char **more;

	if (strcmp(text, "none") == 0) {
		channel_ids_done(ids);
		return 0;
	}
	if (!channel_is_id(text)) {
		err_set(e, ERR_USAGE, "'%.70s' is no id of a device", text);
		return err_hint(e, "up to 63 letters, digits, '-', '_', '.', ':' and '/'");
	}
	if (channel_ids_have(ids, text))
		return 0;
	more = realloc(ids->v, (ids->n + 1) * sizeof(*more));
	if (more != NULL) {
		ids->v = more;
		ids->v[ids->n] = strdup(text);
	}
	if (more == NULL || ids->v[ids->n] == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	ids->n++;
	return 0;
}

static void drop_id(struct channel_ids *ids, const char *id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (strcmp(ids->v[i], id) == 0) {
			free(ids->v[i]);
			ids->v[i--] = ids->v[--ids->n];
		}
}

int publish_halt(struct publisher *p, struct channel_rollout *r, bool halted, struct err *e)
{
	r->halted = halted;
	p->plan_changed = p->halt_changed = true;
	if (halted)
		return publish_ids(&p->halt.rollouts, r->id, e);
	drop_id(&p->halt.rollouts, r->id);
	return 0;
}

int publish_role(struct publisher *p, enum trust_role role, struct key *const *keys, size_t n,
	uint32_t threshold, struct err *e)
{
	int rc = 0;

	if (n == 0 || threshold == 0 || threshold > n)
		return err_set(e, ERR_USAGE, "role %s: a threshold of %u with %zu keys",
			trust_role_name(role), threshold, n);
	drop_role(&p->keys, role);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_role_key(&p->keys, role, keys[i], threshold, e);
	p->root_changed = true;
	return rc;
}

/* ---- writing ---- */

/* Of the keys at hand, those that a root names for the role; judged as a client will. */
static int sign_for(const struct publisher *p, enum trust_role role, const struct buf *data,
	struct buf *ret, struct err *e)
{
	struct key *fit[PUBLISH_KEYS_MAX];
	size_t n_keys, n = 0;
	struct key *const *keys = keys_of(p, role, &n_keys);
	int rc;

	for (size_t i = 0; i < n_keys; i++)
		for (size_t k = 0; k < p->keys.trust.n; k++)
			if (p->keys.trust.keys[k].conf.role == role &&
				memcmp(key_fingerprint(keys[i]),
					key_fingerprint(p->keys.trust.keys[k].key),
					SHA256_SIZE) == 0)
				fit[n++] = keys[i];
	/* A root is signed by the old keys too: all that there are. */
	rc = role == TRUST_ROOT ? channel_sign(role, data->data, data->len, keys, n_keys, ret, e)
				: channel_sign(role, data->data, data->len, fit, n, ret, e);
	if (rc == 0)
		rc = channel_verify(
			&p->keys, role, p->now, data->data, data->len, ret->data, ret->len, e);
	if (rc == ERR_SIGNATURE) {
		err_set(e, ERR_SIGNATURE, "the keys given here may not sign as %s",
			trust_role_name(role));
		return err_hint(e, "--key for root, --plan-key for plan, head and halt");
	}
	return rc;
}

static int put(const struct publisher *p, const char *rest, const struct buf *data, struct err *e)
{
	char path[PATH_MAX];
	int rc = path_of(p, rest, path, e);

	return rc == 0 ? fs_write(path, data->data, data->len, 0644, e) : rc;
}

/* Signature first: who reads the name of the file has it. */
static int put_signed(const struct publisher *p, enum trust_role role, const char *rest,
	const struct buf *data, struct err *e)
{
	cleanup_buf struct buf sig = BUF_INIT;
	char name[CHANNEL_NAME_SIZE + 64];
	int rc = sign_for(p, role, data, &sig, e);

	snprintf(name, sizeof(name), "%s.sig", rest);
	if (rc == 0)
		rc = put(p, name, &sig, e);
	return rc == 0 ? put(p, rest, data, e) : rc;
}

static int write_root(struct publisher *p, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT, sig = BUF_INIT;
	cleanup_channel_root struct channel_root old = {0};
	char rest[48];
	int rc = 0;

	if (!p->root_changed)
		return 0;
	p->keys.version = p->state.root_version + 1;
	p->keys.expires = p->now + (uint64_t)ROOT_DAYS * DAY_S;
	rc = channel_root_text(&p->keys, &text, e);
	if (rc == 0 && p->state.root_version > 0) {
		rc = channel_root_parse(p->state.root.data, p->state.root.len, &old, e);
		if (rc == 0)
			rc = channel_sign(
				TRUST_ROOT, text.data, text.len, p->root.v, p->root.n, &sig, e);
		if (rc == 0)
			rc = channel_verify(
				&old, TRUST_ROOT, 0, text.data, text.len, sig.data, sig.len, e);
		if (rc == ERR_SIGNATURE)
			return err_hint(e, "a new root needs the keys of the old one too (--key)");
	}
	snprintf(rest, sizeof(rest), "root/%llu.root", (unsigned long long)p->keys.version);
	return rc == 0 ? put_signed(p, TRUST_ROOT, rest, &text, e) : rc;
}

static int write_halt(struct publisher *p, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	char rest[CHANNEL_NAME_SIZE + 16];
	int rc;

	/* Another key of its role must sign it, too. */
	if (!p->halt_changed && (!p->root_changed || p->halt.version == 0))
		return 0;
	p->halt.version++;
	snprintf(rest, sizeof(rest), "halt/%s", p->name);
	rc = channel_halt_text(&p->halt, &text, e);
	return rc == 0 ? put_signed(p, TRUST_HALT, rest, &text, e) : rc;
}

/* A plan that did not change keeps its version; the first one is there even if it is empty. */
static int write_plan(struct publisher *p, struct channel_head *ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	char rest[CHANNEL_NAME_SIZE + 48], path[PATH_MAX];
	bool change = p->plan_changed || p->root_changed || p->current.version == 0;
	int rc = 0;

	if (change) {
		p->current.version++;
		p->current.issued = p->now;
	}
	snprintf(rest, sizeof(rest), "channel/%s/%llu.plan", p->name,
		(unsigned long long)p->current.version);
	if (change) {
		rc = channel_plan_text(&p->current, &text, e);
		if (rc == 0)
			rc = put_signed(p, TRUST_PLAN, rest, &text, e);
	} else {
		rc = path_of(p, rest, path, e);
		if (rc == 0)
			rc = fs_read(path, CHANNEL_PLAN_MAX, &text, e);
	}
	ret->plan_version = p->current.version;
	ret->plan_length = text.len;
	if (rc == 0 && text.len > CHANNEL_PLAN_MAX)
		rc = err_set(
			e, ERR_USAGE, "the plan would be larger than %u bytes", CHANNEL_PLAN_MAX);
	return rc == 0 ? sha256(text.data, text.len, ret->plan_sha256, e) : rc;
}

int publish_write(struct publisher *p, struct err *e)
{
	struct channel_head head = {
		.issued = p->now, .expires = p->now + (uint64_t)p->head_days * DAY_S};
	cleanup_buf struct buf text = BUF_INIT;
	char rest[CHANNEL_NAME_SIZE + 16];
	int rc = make_folders(p, e);

	snprintf(head.channel, sizeof(head.channel), "%s", p->name);
	if (rc == 0)
		rc = write_root(p, e);
	if (rc == 0)
		rc = write_halt(p, e);
	if (rc == 0)
		rc = write_plan(p, &head, e);
	/* Everything that it names is there. */
	snprintf(rest, sizeof(rest), "channel/%s/head", p->name);
	if (rc == 0)
		rc = channel_head_text(&head, &text, e);
	return rc == 0 ? put_signed(p, TRUST_HEAD, rest, &text, e) : rc;
}
