/* SPDX-License-Identifier: Apache-2.0 */
#include "operator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static json_t *call(struct operator* o, const char *method, const char *path, const char *type,
	const void *body, size_t len)
{
	static const char *const headers[] = {"Authorization: Basic YWRtaW46YWRtaW4=", NULL};
	char url[300];
	struct fetch_request rq = {.urls = {url},
		.n_urls = 1,
		.max = 4 << 20,
		.headers = headers,
		.method = method,
		.body = body,
		.body_len = len,
		.content_type = type};
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	snprintf(url, sizeof(url), "%s%s", o->url, path);
	if (fetch_buf(&o->fetch, &rq, &b, NULL, &e) < 0)
		fail_msg("%s: %s", path, e.msg);
	return b.len > 0 ? json_loadb((char *)b.data, b.len, 0, NULL) : NULL;
}

json_t *operator_tell(struct operator* o, const char *method, const char *path, const char *json)
{
	return call(o, method, path, "application/json", json, json != NULL ? strlen(json) : 0);
}

static json_int_t id_of(json_t *j)
{
	json_int_t id = json_integer_value(
		json_object_get(json_is_array(j) ? json_array_get(j, 0) : j, "id"));

	json_decref(j);
	assert_true(id > 0);
	return id;
}

void operator_fault(struct operator* o, const char *path, const char *what, int times)
{
	char text[300];

	snprintf(text, sizeof(text), "{\"path\":\"%s\",\"what\":\"%s\",\"times\":%d}", path, what,
		times);
	json_decref(operator_tell(o, "PUT", "/fake/fault", text));
}

json_int_t operator_release(struct operator* o, const char *version, const void *file, size_t len)
{
	static const char head[] = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; "
				   "filename=\"lamp.sota\"\r\n\r\n";
	cleanup_buf struct buf b = BUF_INIT;
	json_int_t module;
	char text[200];

	snprintf(text, sizeof(text), "[{\"name\":\"lamp-fw\",\"version\":\"%s\",\"type\":\"os\"}]",
		version);
	module = id_of(operator_tell(o, "POST", "/rest/v1/softwaremodules", text));
	buf_append(&b, head, strlen(head), NULL);
	buf_append(&b, file, len, NULL);
	buf_append(&b, "\r\n--xyz--\r\n", 11, NULL);
	snprintf(text, sizeof(text), "/rest/v1/softwaremodules/%lld/artifacts", (long long)module);
	json_decref(call(o, "POST", text, "multipart/form-data; boundary=xyz", b.data, b.len));
	snprintf(text, sizeof(text),
		"[{\"name\":\"lamp\",\"version\":\"%s\",\"modules\":[{\"id\":%lld}]}]", version,
		(long long)module);
	return id_of(operator_tell(o, "POST", "/rest/v1/distributionsets", text));
}

void operator_assign(struct operator* o, json_int_t set, const char *target, const char *type)
{
	bool window = type[0] == '+';
	char path[100], body[200];

	snprintf(path, sizeof(path), "/rest/v1/distributionsets/%lld/assignedTargets",
		(long long)set);
	snprintf(body, sizeof(body), "[{\"id\":\"%s\",\"type\":\"%s\"%s}]", target, type + window,
		window ? ",\"maintenanceWindow\":{\"schedule\":\"0 0 2 * * ? *\"}" : "");
	json_decref(operator_tell(o, "POST", path, body));
}

void operator_start(struct operator* o)
{
	const char *fake = getenv("STMOTA_FAKE_HAWKBIT");
	int out[2];
	char line[64] = "";

	assert_non_null(fake);
	o->fetch = FETCH_SETTINGS_INIT;
	o->fetch.allow_http = true;
	o->fetch.retry_ms = 5;
	o->fetch.proxy = "";
	assert_int_equal(pipe(out), 0);
	o->server = fork();
	if (o->server == 0) {
		dup2(out[1], 1);
		close(out[0]);
		/* Ids that fit into no 32 bits. */
		execlp("python3", "python3", fake, "--ids", "4294967296", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	for (size_t n = 0; n < sizeof(line) - 1 && read(out[0], line + n, 1) == 1; n++)
		if (line[n] == '\n')
			break;
	close(out[0]);
	if (strncmp(line, "port ", 5) != 0)
		fail_msg("no server: %s", line);
	snprintf(o->url, sizeof(o->url), "http://127.0.0.1:%d", atoi(line + 5));
}

void operator_stop(struct operator* o)
{
	kill(o->server, SIGTERM);
	waitpid(o->server, NULL, 0);
}
