/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass_ending.c - what the process of a device said, as an outcome that counts
 *
 * Success is what was read back or what the running firmware said of itself. Everything else is a
 * failure, and silence too.
 */
#include "pass_priv.h"

#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

static bool is_true(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

static enum err_code code_of(const char *name)
{
	for (int code = -1; code >= ERR_LAST; code--)
		if (strcmp(err_code_name((enum err_code)code), name) == 0)
			return (enum err_code)code;
	return ERR_FAILED;
}

/* ---- a failure ---- */

/* Said before anything was erased, written or sent. */
static enum fleet_outcome before(enum err_code code)
{
	static const struct {
		enum err_code code;
		enum fleet_outcome outcome;
	} table[] = {
		{ERR_TIMEOUT, FLEET_UNREACHABLE},
		{ERR_LINK, FLEET_UNREACHABLE},
		{ERR_IDENTITY, FLEET_REFUSED},
		{ERR_PROTECTED, FLEET_REFUSED},
		{ERR_NO_FIT, FLEET_REFUSED},
		{ERR_SIGNATURE, FLEET_REFUSED},
		{ERR_DAMAGED, FLEET_REFUSED},
		{ERR_FORMAT, FLEET_REFUSED},
		{ERR_DOWNGRADE, FLEET_REFUSED},
		{ERR_UNSUPPORTED, FLEET_REFUSED},
		{ERR_USAGE, FLEET_REFUSED},
		{ERR_CONFIG, FLEET_REFUSED},
		/* The host, not the device: somebody else has the port, the disk is full. */
		{ERR_BUSY, FLEET_INTERRUPTED},
		{ERR_IO, FLEET_INTERRUPTED},
		{ERR_NOMEM, FLEET_INTERRUPTED},
		{ERR_INTERRUPTED, FLEET_INTERRUPTED},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].code == code)
			return table[i].outcome;
	return FLEET_FAILED;
}

/* Whose message it is stands beside it. */
static const char *without_name(const struct pass_job *j, const char *text)
{
	size_t len = j->device != NULL ? strlen(j->device->name) : 0;

	return len > 0 && strncmp(text, j->device->name, len) == 0 &&
			       strncmp(text + len, ": ", 2) == 0
		       ? text + len + 2
		       : text;
}

/* The file that it came from is gone when this is read. */
static void cut_backup(char *text, size_t size)
{
	char *at = strstr(text, "; what was there before is restored from ");

	if (at != NULL)
		snprintf(at, size - (size_t)(at - text), "; the one before it is back");
}

static void judge_failure(const struct pass_job *j, struct pass_verdict *v)
{
	const json_t *error = json_object_get(j->result, "error");
	enum err_code code = code_of(text_of(error, "code"));

	v->error = (int)code;
	snprintf(v->text, sizeof(v->text), "%.255s", without_name(j, text_of(error, "message")));
	if (is_true(j->result, "taken_back"))
		cut_backup(v->text, sizeof(v->text));
	if (code == ERR_INTERRUPTED)
		v->outcome = FLEET_INTERRUPTED;
	else if (is_true(j->result, "taken_back"))
		v->outcome = FLEET_ROLLED_BACK;
	else if (is_true(j->result, "written"))
		v->outcome = FLEET_UNHEALTHY;
	else if (is_true(j->result, "begun"))
		v->outcome = FLEET_FAILED;
	else
		v->outcome = before(code);
	v->no_base = j->delta && code == ERR_VERIFY && !is_true(j->result, "begun");
	if (v->no_base)
		v->outcome = FLEET_REFUSED;
}

/* ---- success ---- */

/* Read back by us, or reported by the device itself: nothing else is a proof. */
static bool is_proven(const json_t *r)
{
	return is_true(r, "verified") || is_true(r, "confirmed") ||
	       strcmp(text_of(r, "proof"), "reported by the device") == 0;
}

static void judge_success(const struct pass_job *j, struct pass_verdict *v)
{
	const json_t *written = json_object_get(j->result, "bytes_written");
	const char *seen = text_of(j->result, "seen");
	char version[VERSION_TEXT_SIZE];

	v->confirmed = is_true(j->result, "confirmed");
	if (!is_proven(j->result)) {
		v->outcome = FLEET_UNHEALTHY;
		v->error = ERR_VERIFY;
		snprintf(v->text, sizeof(v->text),
			"sent and accepted, but nothing proves that it runs: give the device a "
			"'confirm'");
		return;
	}
	version_format(j->offer.version, version);
	if (json_is_integer(written) && json_integer_value(written) == 0) {
		v->outcome = FLEET_ALREADY;
		snprintf(v->text, sizeof(v->text), "%s was there already", version);
	} else {
		v->outcome = FLEET_OK;
		snprintf(v->text, sizeof(v->text), "%s %s", version,
			is_true(j->result, "verified") ? "written and read back"
						       : "installed, says the device");
	}
	if (v->confirmed && seen[0] != '\0') {
		size_t len = strlen(v->text);

		snprintf(v->text + len, sizeof(v->text) - len, "; healthy: %s", seen);
	}
}

void pass_judge(const struct pass *p, const struct pass_job *j, struct pass_verdict *ret)
{
	char how[32];

	*ret = (struct pass_verdict){0};
	snprintf(ret->uid, sizeof(ret->uid), "%s", text_of(j->result, "uid"));
	if (worker_is_ok(&j->worker) && j->result != NULL) {
		judge_success(j, ret);
	} else if (json_object_get(j->result, "error") != NULL) {
		judge_failure(j, ret);
	} else {
		ret->outcome = p->stopped ? FLEET_INTERRUPTED : FLEET_FAILED;
		ret->error = ERR_FAILED;
		snprintf(ret->text, sizeof(ret->text), "its process ended with %s",
			worker_status_text(&j->worker, how, sizeof(how)));
	}
}

/* ---- evidence ---- */

static void copy(json_t *to, const json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);

	if (v != NULL && !json_is_null(v))
		json_object_set(to, key, v);
}

char *pass_evidence(const struct pass_job *j, const struct pass_verdict *v)
{
	static const char *const keys[] = {"signers", "chip", "chip_name", "bytes_written",
		"bytes_same", "verified", "proof", "device_said", "confirmed", "seen", "started",
		"taken_back", "base", "not_checked", "attempts"};
	const json_t *from = j->forth != NULL ? j->forth : j->result;
	json_t *o = json_object();
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		copy(o, from, keys[i]);
	if (v->uid[0] != '\0')
		json_object_set_new(o, "uid", json_string(v->uid));
	if (j->phase[0] != '\0' && v->outcome != FLEET_OK && v->outcome != FLEET_ALREADY)
		json_object_set_new(o, "phase", json_string(j->phase));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}
