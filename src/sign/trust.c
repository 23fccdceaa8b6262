/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - the trust store: folders of public keys, and the judgement over signatures
 *
 * The store alone decides what a signature is worth. A signature record only hints which key to
 * try; algorithm, role, expiry and the number of signatures needed come from here.
 */
#include <stmota/trust.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <stmota/buf.h>
#include <stmota/fs.h>

#define SYSTEM_STORE "/etc/stmota/trust.d"

/* ---- loading ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static int load_conf(const char *pem_path, struct trust_conf *ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	char path[PATH_MAX];
	size_t len = strlen(pem_path) - (ends_with(pem_path, ".pem") ? 4 : 0);
	int rc;

	if (len + sizeof(".conf") > sizeof(path))
		return err_set(e, ERR_IO, "file name too long: %s", pem_path);
	memcpy(path, pem_path, len);
	memcpy(path + len, ".conf", sizeof(".conf"));
	/* A key from standard input has none. Only a missing sidecar means "no settings": one that
	 * cannot be read may hold limits. */
	if (strcmp(pem_path, "-") == 0 || (!fs_exists(path) && errno == ENOENT))
		return trust_conf_parse("", 0, path, ret, e);
	rc = fs_read(path, TRUST_CONF_MAX, &text, e);
	return rc < 0 ? rc : trust_conf_parse((const char *)text.data, text.len, path, ret, e);
}

static bool same_conf(const struct trust_conf *a, const struct trust_conf *b)
{
	return a->role == b->role && a->not_after == b->not_after && a->threshold == b->threshold &&
	       strcmp(a->group, b->group) == 0;
}

static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;

	return strndup(base, strlen(base) - (ends_with(base, ".pem") ? 4 : 0));
}

/* Takes `k` over, also on failure. */
static int add_key(struct trust *t, const char *path, struct key *k, struct err *e)
{
	cleanup_key struct key *key = k;
	struct trust_key added = {.key = key};
	struct trust_key *keys;
	int rc = load_conf(path, &added.conf, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		if (memcmp(key_fingerprint(t->keys[i].key), key_fingerprint(key), SHA256_SIZE) != 0)
			continue;
		/* The same key under another name: it counts once. */
		if (same_conf(&t->keys[i].conf, &added.conf))
			return 0;
		err_set(e, ERR_CONFIG, "%s is the key '%s' with other settings", path,
			t->keys[i].name);
		return err_hint(e, "keep one of the two files");
	}
	if (t->n >= TRUST_KEYS_MAX)
		return err_set(e, ERR_CONFIG, "more than %u trusted keys", TRUST_KEYS_MAX);
	keys = realloc(t->keys, (t->n + 1) * sizeof(*keys));
	added.name = name_of(path);
	if (keys == NULL || added.name == NULL) {
		if (keys != NULL)
			t->keys = keys;
		free(added.name);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	t->keys = keys;
	t->keys[t->n++] = added;
	key = NULL;
	return 0;
}

static int add_file(struct trust *t, const char *path, struct err *e)
{
	struct key *key = NULL;
	int rc = t->any_type ? key_load_public_any(path, &key, e) : key_load_public(path, &key, e);

	return rc < 0 ? rc : add_key(t, path, key, e);
}

/* A list that is there but cannot be read is a failure: it may name the very key. */
static int add_revoked(struct trust *t, const char *folder, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s", folder, TRUST_REVOKED) >= (int)sizeof(path))
		return err_set(e, ERR_IO, "file name too long in %s", folder);
	if (!fs_exists(path) && errno == ENOENT)
		return 0;
	rc = fs_read(path, TRUST_LIST_MAX, &text, e);
	return rc < 0 ? rc : trust_revoked_parse(t, (const char *)text.data, text.len, path, e);
}

static int is_pem(const struct dirent *d)
{
	return d->d_name[0] != '.' && ends_with(d->d_name, ".pem");
}

static int add_folder(struct trust *t, const char *path, bool may_be_empty, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, is_pem, alphasort), rc = 0;

	if (n < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot read folder %s", path);
	for (int i = 0; i < n; i++) {
		char file[PATH_MAX];

		if (rc == 0 && snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) >=
				       (int)sizeof(file))
			rc = err_set(e, ERR_IO, "file name too long in %s", path);
		if (rc == 0)
			rc = add_file(t, file, e);
		free(names[i]);
	}
	free(names);
	if (rc == 0)
		rc = add_revoked(t, path, e);
	if (rc == 0 && n == 0 && !may_be_empty) {
		err_set(e, ERR_SIGNATURE, "%s holds no key", path);
		rc = err_hint(e, "put the public keys you trust there as NAME.pem");
	}
	return rc;
}

/* Keys of one role and group must agree about their threshold and be able to reach it. */
static int check_groups(const struct trust *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct trust_conf *c = &t->keys[i].conf;
		uint32_t members = 0;

		for (size_t k = 0; k < t->n; k++) {
			const struct trust_conf *d = &t->keys[k].conf;

			if (c->role != d->role || strcmp(c->group, d->group) != 0)
				continue;
			members++;
			if (c->threshold == d->threshold)
				continue;
			err_set(e, ERR_CONFIG,
				"keys '%s' and '%s' of group '%s' have different thresholds",
				t->keys[i].name, t->keys[k].name, c->group);
			return err_hint(e, "give all keys of a group the same 'threshold'");
		}
		if (members >= c->threshold)
			continue;
		err_set(e, ERR_CONFIG, "group '%s' needs %u signatures but has %u keys", c->group,
			c->threshold, members);
		return err_hint(e, "add keys with 'group = %s', or lower the threshold", c->group);
	}
	return 0;
}

static int add(struct trust *t, const char *path, bool may_be_empty, struct err *e)
{
	struct stat st;

	if (strcmp(path, "-") != 0) {
		if (stat(path, &st) < 0)
			return err_set_errno(e, ERR_IO, errno, "cannot open %s", path);
		if (S_ISDIR(st.st_mode))
			return add_folder(t, path, may_be_empty, e);
	}
	return add_file(t, path, e);
}

int trust_add(struct trust *t, const char *path, struct err *e)
{
	int rc = add(t, path, false, e);

	return rc < 0 ? rc : check_groups(t, e);
}

int trust_add_default(struct trust *t, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char user[PATH_MAX] = "";
	int rc = 0;

	if (config != NULL && config[0] == '/')
		snprintf(user, sizeof(user), "%s/stmota/trust.d", config);
	else if (home != NULL && home[0] == '/')
		snprintf(user, sizeof(user), "%s/.config/stmota/trust.d", home);
	if (fs_exists(SYSTEM_STORE))
		rc = add(t, SYSTEM_STORE, true, e);
	if (rc == 0 && user[0] != '\0' && fs_exists(user))
		rc = add(t, user, true, e);
	return rc < 0 ? rc : check_groups(t, e);
}

void trust_done(struct trust *t)
{
	for (size_t i = 0; i < t->n; i++) {
		key_free(t->keys[i].key);
		free(t->keys[i].name);
	}
	for (size_t i = 0; i < t->n_revoked; i++)
		free(t->revoked[i].reason);
	free(t->revoked);
	free(t->keys);
	*t = TRUST_INIT;
}

/* ---- judging ---- */

struct counts { /* what became of the signatures, for the one message that matters most */
	const struct trust_key *wrong, *other_role, *expired, *short_of, *revoked;
	const struct trust_revoked *why;
	uint32_t have;
};

/* Good signatures of counting keys in the group of `k`. */
static uint32_t count_group(
	const struct trust_conf *c, const struct trust_signer *signers, size_t n)
{
	uint32_t have = 0;

	for (size_t i = 0; i < n; i++)
		if (signers[i].counted && strcmp(signers[i].key->conf.group, c->group) == 0)
			have++;
	return have;
}

static int refuse(const struct trust *t, enum trust_role role, size_t n, const struct counts *c,
	struct err *e)
{
	if (n == 0) {
		err_set(e, ERR_SIGNATURE, "not signed");
		return err_hint(e, "'stmota sign FILE --key KEY.pem' signs it");
	}
	if (c->wrong != NULL) {
		err_set(e, ERR_SIGNATURE,
			"the signature of key '%s' is wrong: the file was changed or "
			"damaged",
			c->wrong->name);
		return err_hint(e, "get the file again from where it was made");
	}
	if (c->revoked != NULL) {
		err_set(e, ERR_SIGNATURE, "key '%s' is revoked%s%.120s", c->revoked->name,
			c->why->reason[0] != '\0' ? ": " : "", c->why->reason);
		return err_hint(e, "the release must be signed with another key");
	}
	if (c->short_of != NULL) {
		err_set(e, ERR_SIGNATURE, "signed by %u key%s of group '%s', %u are needed",
			c->have, c->have == 1 ? "" : "s", c->short_of->conf.group,
			c->short_of->conf.threshold);
		return err_hint(e, "'stmota sign' with another key of the group adds a signature");
	}
	if (c->expired != NULL) {
		err_set(e, ERR_SIGNATURE, "key '%s' has expired", c->expired->name);
		return err_hint(
			e, "sign with a key that is still valid, and check this machine's clock");
	}
	if (c->other_role != NULL) {
		err_set(e, ERR_SIGNATURE, "key '%s' is trusted for role %s, not for %s",
			c->other_role->name, trust_role_name(c->other_role->conf.role),
			trust_role_name(role));
		return err_hint(e, "sign with a key of role %s", trust_role_name(role));
	}
	err_set(e, ERR_SIGNATURE,
		t->n == 0 ? "signed, but no key is trusted here" : "signed by unknown keys only");
	return err_hint(
		e, "--trust PUB.pem names a key you trust; %s holds them for good", SYSTEM_STORE);
}

static const struct trust_signature *find(
	const struct trust_signature *s, size_t n, const struct key *k)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(s[i].key_id, key_id(k), KEY_ID_SIZE) == 0)
			return &s[i];
	return NULL;
}

struct signed_message {
	const void *msg;
	size_t len;
	const struct trust_signature *signatures;
	size_t n;
};

static enum trust_look look_in_package(void *ctx, const struct key *k)
{
	const struct signed_message *m = ctx;
	const struct trust_signature *s = find(m->signatures, m->n, k);

	if (s == NULL)
		return TRUST_NO_SIGNATURE;
	return key_verify(k, m->msg, m->len, s->signature) ? TRUST_GOOD : TRUST_WRONG;
}

int trust_judge(const struct trust *t, enum trust_role role, uint64_t now, const void *msg,
	size_t len, const struct trust_signature *signatures, size_t n,
	struct trust_signer *ret_signers, size_t max, size_t *ret_n, struct err *e)
{
	struct signed_message m = {msg, len, signatures, n};

	return trust_judge_by(t, role, now, look_in_package, &m, n, ret_signers, max, ret_n, e);
}

int trust_judge_by(const struct trust *t, enum trust_role role, uint64_t now,
	enum trust_look (*look)(void *ctx, const struct key *k), void *ctx, size_t n,
	struct trust_signer *ret_signers, size_t max, size_t *ret_n, struct err *e)
{
	struct trust_signer signers[TRUST_KEYS_MAX];
	struct counts c = {0};
	size_t n_signers = 0;
	bool good = false;

	/* By key, not by signature: so one key counts once. */
	for (size_t i = 0; i < t->n; i++) {
		const struct trust_key *k = &t->keys[i];
		bool right_role = k->conf.role == role, valid = now <= k->conf.not_after;
		const struct trust_revoked *revoked = trust_revoked_find(t, k->key);
		enum trust_look seen = look(ctx, k->key);

		if (seen == TRUST_WRONG)
			c.wrong = k;
		if (seen != TRUST_GOOD)
			continue;
		if (revoked != NULL) {
			c.revoked = k;
			c.why = revoked;
		} else if (!right_role) {
			c.other_role = k;
		} else if (!valid) {
			c.expired = k;
		}
		signers[n_signers++] = (struct trust_signer){.key = k,
			.counted = right_role && valid && revoked == NULL,
			.revoked = revoked != NULL};
	}
	for (size_t i = 0; i < n_signers; i++) {
		const struct trust_conf *conf = &signers[i].key->conf;

		if (!signers[i].counted)
			continue;
		uint32_t have = count_group(conf, signers, n_signers);

		if (have >= conf->threshold) {
			good = true;
		} else {
			c.short_of = signers[i].key;
			c.have = have;
		}
	}
	*ret_n = n_signers < max ? n_signers : max;
	if (*ret_n > 0)
		memcpy(ret_signers, signers, *ret_n * sizeof(signers[0]));
	return good ? 0 : refuse(t, role, n, &c, e);
}
