/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_trust.c - the keys that are believed: readable, not expired, and nobody else's to change
 */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <stmota/trust.h>

#include "cmd.h"

#define DAY    86400u
#define SOON   (30u * DAY) /* a new key has to reach every gateway before the old one ends */
#define SYSTEM "/etc/stmota/trust.d"
#define ADVICE_NEW_KEY                                                                             \
	"put the new public key beside it ('stmota key rotate'), then remove this one"

/* Whoever can write there decides what is installed. */
static void look_at_rights(struct doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return;
	/* Debian gives every user a group of their own. */
	if ((st.st_mode & S_IWOTH) == 0 && st.st_uid != 0 && st.st_gid == st.st_uid)
		return;
	doctor_say(d, DOCTOR_WRONG, "trusted keys", "%s can be changed by %s", path,
		st.st_mode & S_IWOTH ? "anybody" : "its group");
	doctor_advise(d, "chmod go-w %s: who can add a key there decides what is installed", path);
}

static void user_folder(char *ret, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (base != NULL && base[0] == '/')
		snprintf(ret, size, "%s/stmota/trust.d", base);
	else
		snprintf(ret, size, "%s/.config/stmota/trust.d", home != NULL ? home : "");
}

static void one_key(struct doctor *d, const struct trust *t, const struct trust_key *k, time_t now)
{
	const struct trust_revoked *revoked = trust_revoked_find(t, k->key);
	char check[128], day[TRUST_DAY_SIZE];

	snprintf(check, sizeof(check), "key %s", k->name);
	trust_day(k->conf.not_after, day);
	if (revoked != NULL) {
		doctor_say(d, DOCTOR_WARNING, check, "revoked%s%s", revoked->reason[0] ? ": " : "",
			revoked->reason);
		doctor_advise(d,
			"its file does nothing any more and can be removed; keep " TRUST_REVOKED);
	} else if (k->conf.not_after < (uint64_t)now) {
		doctor_say(d, DOCTOR_WRONG, check, "expired: %s was its last day", day);
		doctor_advise(d, ADVICE_NEW_KEY);
	} else if (k->conf.not_after != TRUST_FOR_EVER &&
		   k->conf.not_after - (uint64_t)now < SOON) {
		doctor_say(d, DOCTOR_WARNING, check, "expires soon: %s is its last day", day);
		doctor_advise(d, ADVICE_NEW_KEY);
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s, role %s, until %s",
			key_type_name(key_type(k->key)), trust_role_name(k->conf.role), day);
	}
}

static void no_keys(struct doctor *d)
{
	bool must = false;

	config_bool(d->config, "flash", NULL, "require_signature", false, &must, NULL);
	doctor_say(d, must ? DOCTOR_WRONG : DOCTOR_WARNING, "trusted keys", "none");
	doctor_advise(d, "signed packages are refused without the key of their maker: put his "
			 "public key into " SYSTEM);
}

void doctor_trust(struct doctor *d)
{
	const char *dir = config_get(d->config, "trust", NULL, "dir");
	cleanup_trust struct trust t = TRUST_INIT;
	struct err e = ERR_INIT;
	char user[4096];
	int rc;

	if (dir != NULL) {
		look_at_rights(d, dir);
	} else {
		user_folder(user, sizeof(user));
		look_at_rights(d, SYSTEM);
		look_at_rights(d, user);
	}
	rc = cmd_load_trust(d->env, &t, &e);
	if (rc < 0) {
		doctor_failed(d, DOCTOR_WRONG, "trusted keys", &e);
		return;
	}
	if (t.n == 0)
		no_keys(d);
	for (size_t i = 0; i < t.n; i++)
		one_key(d, &t, &t.keys[i], time(NULL));
}
