/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hawkbit.c - what a hawkBit server says, and what is made of it when it lies
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/hawkbit.h>

#define SERVER "https://ota.example"
#define BASE   SERVER "/DEFAULT/controller/v1/lamp-7"

static struct err e;

static int poll_of(const char *text, struct hawkbit_poll *ret)
{
	e = ERR_INIT;
	return hawkbit_poll_parse(SERVER, text, strlen(text), ret, &e);
}

/* ---- polls ---- */

static void test_hawkbit__poll_with_all_links(void **state)
{
	struct hawkbit_poll p;

	(void)state;
	assert_int_equal(
		poll_of("{\"config\":{\"polling\":{\"sleep\":\"00:05:30\"}},\"new\":[1],\"_links\":{"
			"\"deploymentBase\":{\"href\":\"" BASE "/deploymentBase/31?c=-120\"},"
			"\"installedBase\":{\"href\":\"" BASE
			"/installedBase/9223372036854775807\"},"
			"\"cancelAction\":{\"href\":\"" BASE "/cancelAction/30\"},"
			"\"confirmationBase\":{\"href\":\"" BASE "/confirmationBase/29?c=7\"},"
			"\"configData\":{\"href\":\"" BASE "/configData\"},\"odd\":{}}}",
			&p),
		0);
	assert_true(p.has_sleep);
	assert_int_equal(p.sleep_s, 330);
	assert_string_equal(p.deployment.id, "31");
	assert_string_equal(p.deployment.url, BASE "/deploymentBase/31?c=-120");
	assert_string_equal(p.installed.id, "9223372036854775807");
	assert_string_equal(p.cancel.id, "30");
	assert_string_equal(p.confirmation.id, "29");
	assert_string_equal(p.config_data, BASE "/configData");
}

static void test_hawkbit__poll_without_links(void **state)
{
	static const char *const texts[] = {
		"{}", "{\"_links\":{}}", "{\"_links\":null}", "{\"config\":{\"polling\":7}}"};
	struct hawkbit_poll p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(poll_of(texts[i], &p), 0);
		assert_false(p.has_sleep);
		assert_string_equal(p.deployment.id, "");
		assert_string_equal(p.config_data, "");
	}
}

static void test_hawkbit__sleep_that_is_none(void **state)
{
	static const char *const sleeps[] = {"", "5", "00:05", "00:00:00", "24:00:01", "00:60:00",
		"00:00:61", "-1:00:00", "00:05:00 ", "99:99:99", "00:05:0x"};
	struct hawkbit_poll p;
	char text[120];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sleeps); i++) {
		snprintf(text, sizeof(text), "{\"config\":{\"polling\":{\"sleep\":\"%s\"}}}",
			sleeps[i]);
		assert_int_equal(poll_of(text, &p), 0);
		if (p.has_sleep)
			fail_msg("'%s' was taken for %u s", sleeps[i], p.sleep_s);
	}
	assert_int_equal(poll_of("{\"config\":{\"polling\":{\"sleep\":\"24:00:00\"}}}", &p), 0);
	assert_int_equal(p.sleep_s, HAWKBIT_SLEEP_MAX);
}

/* Links carry our token: one to another server, or one that names nothing, ends the poll. */
static void test_hawkbit__links_that_are_not_followed(void **state)
{
	static const struct {
		const char *href;
		enum err_code code;
	} cases[] = {
		{"https://evil.example/DEFAULT/controller/v1/lamp-7/deploymentBase/31",
			ERR_NETWORK},
		{"http://ota.example/DEFAULT/controller/v1/lamp-7/deploymentBase/31", ERR_NETWORK},
		{"https://ota.example:8443/x/deploymentBase/31", ERR_NETWORK},
		{"https://ota.example@evil.example/deploymentBase/31", ERR_NETWORK},
		{"https://ota.example.evil.example/deploymentBase/31", ERR_NETWORK},
		{"/DEFAULT/controller/v1/lamp-7/deploymentBase/31", ERR_FORMAT},
		{"file:///etc/passwd/deploymentBase/31", ERR_FORMAT},
		{BASE "/deploymentBase/", ERR_FORMAT},
		{BASE "/deploymentBase/31/../../lamp-8", ERR_FORMAT},
		{BASE "/deploymentBase/31%2f8", ERR_FORMAT},
		{BASE "/deploymentBase/123456789012345678901234567890123", ERR_FORMAT},
		{BASE "/deployment base/31", ERR_FORMAT},
		{BASE "/cancelAction/31", ERR_FORMAT},
		{BASE "/deploymentBase/3\\n1", ERR_FORMAT},
		{"", ERR_FORMAT},
	};
	struct hawkbit_poll p;
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "{\"_links\":{\"deploymentBase\":{\"href\":\"%s\"}}}",
			cases[i].href);
		if (poll_of(text, &p) != (int)cases[i].code)
			fail_msg("%s: %d, %s", cases[i].href, (int)e.code, e.msg);
		assert_null(strchr(e.msg, '\n'));
	}
	/* What libcurl calls the same server is the same one. */
	assert_int_equal(poll_of("{\"_links\":{\"deploymentBase\":{\"href\":"
				 "\"https://OTA.example:443/x/deploymentBase/31\"}}}",
				 &p),
		0);
}

static void test_hawkbit__answers_that_are_no_answers(void **state)
{
	static const char *const texts[] = {"", "[]", "7", "<html>", "{\"_links\":[]}",
		"{\"_links\":{\"cancelAction\":{}}}", "{\"_links\":{\"cancelAction\":7}}",
		"{\"a\":1,\"a\":2}", "{\"config\":{\"polling\":{\"sl"};
	struct hawkbit_poll p;
	char *nested = calloc(1, 20002), *large = calloc(1, HAWKBIT_JSON_MAX + 100);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(poll_of(texts[i], &p), ERR_FORMAT);
	memset(nested, '[', 20000);
	assert_int_equal(poll_of(nested, &p), ERR_FORMAT);
	memset(large, ' ', HAWKBIT_JSON_MAX + 10);
	memcpy(large, "{}", 2);
	assert_int_equal(poll_of(large, &p), ERR_FORMAT);
	free(nested);
	free(large);
}

/* ---- deployments ---- */

#define SUM "\"sha256\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""
#define LINK                                                                                       \
	"\"_links\":{\"download-http\":{\"href\":\"https://cdn.example/a?x=1\"},"                  \
	"\"md5sum-http\":{\"href\":\"http://x\"}}"
#define FILE_OF(name, hashes, links)                                                               \
	"{\"filename\":\"" name "\",\"size\":131072,\"hashes\":{" hashes "}," links "}"
#define CHUNK_OF(files)                                                                            \
	"{\"part\":\"os\",\"name\":\"lamp-fw\",\"version\":\"1.5.0\",\"artifacts\":[" files "]}"
#define DEPLOY(rest, chunks)                                                                       \
	"{\"id\":\"31\",\"deployment\":{\"download\":\"forced\",\"update\":\"attempt\"" rest       \
	",\"chunks\":[" chunks "]}}"

static int deployment_of(const char *text, struct hawkbit_deployment *ret)
{
	e = ERR_INIT;
	return hawkbit_deployment_parse(text, strlen(text), ret, &e);
}

static void test_hawkbit__deployment(void **state)
{
	struct hawkbit_deployment d;
	const struct hawkbit_artifact *a;
	const struct hawkbit_chunk *c;

	(void)state;
	assert_int_equal(
		deployment_of(DEPLOY("", CHUNK_OF(FILE_OF("notes.txt", "", LINK) "," FILE_OF(
						 "lamp.sota", SUM, LINK))),
			&d),
		0);
	assert_string_equal(d.id, "31");
	assert_int_equal(d.download, HAWKBIT_FORCED);
	assert_int_equal(d.update, HAWKBIT_ATTEMPT);
	assert_int_equal(d.window, HAWKBIT_NO_WINDOW);
	assert_int_equal(hawkbit_package(&d, &a, &c, &e), 0);
	assert_string_equal(a->filename, "lamp.sota");
	assert_int_equal(a->size, 131072);
	assert_int_equal(a->sha256[0], 0x9f);
	assert_string_equal(a->url, "https://cdn.example/a?x=1");
	assert_string_equal(c->version, "1.5.0");
	hawkbit_deployment_done(&d);
}

static void test_hawkbit__deployment_of_numbers_and_windows(void **state)
{
	static const struct {
		const char *text;
		enum hawkbit_window window;
	} windows[] = {
		{DEPLOY(",\"maintenanceWindow\":\"available\"", ""), HAWKBIT_WINDOW_OPEN},
		{DEPLOY(",\"maintenanceWindow\":\"unavailable\"", ""), HAWKBIT_WINDOW_CLOSED},
		{DEPLOY(",\"maintenanceWindow\":\"perhaps\"", ""), HAWKBIT_WINDOW_CLOSED},
		{DEPLOY(",\"maintenanceWindow\":7", ""), HAWKBIT_WINDOW_CLOSED},
		{DEPLOY(",\"maintenanceWindow\":null", ""), HAWKBIT_NO_WINDOW},
	};
	struct hawkbit_deployment d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		assert_int_equal(deployment_of(windows[i].text, &d), 0);
		assert_int_equal(d.window, windows[i].window);
		hawkbit_deployment_done(&d);
	}
	assert_int_equal(deployment_of("{\"id\":4294967297,\"confirmation\":{\"download\":\"skip\","
				       "\"update\":\"skip\",\"chunks\":[]}}",
				 &d),
		0);
	assert_string_equal(d.id, "4294967297");
	assert_int_equal(d.update, HAWKBIT_SKIP);
	hawkbit_deployment_done(&d);
}

static void test_hawkbit__deployment_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"id\":\"31\"}",
		"{\"id\":\"31\",\"deployment\":{\"download\":\"now\",\"update\":\"skip\"}}",
		"{\"id\":\"3/1\",\"deployment\":{\"download\":\"skip\",\"update\":\"skip\","
		"\"chunks\":[]}}",
		"{\"id\":\"31\",\"deployment\":{\"download\":\"skip\",\"update\":\"skip\"}}",
		DEPLOY("", "7"),
		DEPLOY("", "{\"name\":\"x\"}"),
		DEPLOY("", "{\"name\":\"x\",\"version\":\"1\",\"artifacts\":7}"),
		DEPLOY("", CHUNK_OF("{\"size\":1}")),
		DEPLOY("", CHUNK_OF("{\"filename\":\"x\",\"size\":-1}")),
		DEPLOY("", CHUNK_OF("{\"filename\":\"x\",\"size\":1e9}")),
		DEPLOY("", CHUNK_OF("{\"filename\":\"x\",\"size\":99999999999999999999}")),
		DEPLOY("", CHUNK_OF(FILE_OF("x", "\"sha256\":\"12\"", LINK))),
	};
	struct hawkbit_deployment d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (deployment_of(texts[i], &d) != ERR_FORMAT)
			fail_msg("taken: %s", texts[i]);
}

static void test_hawkbit__which_package(void **state)
{
	static const struct {
		const char *chunks, *says;
	} cases[] = {
		{"", "no package"},
		{CHUNK_OF(FILE_OF("lamp.bin", SUM, LINK)), "no package"},
		{CHUNK_OF(FILE_OF(".sota", SUM, LINK)), "no package"},
		{CHUNK_OF(FILE_OF("a.sota", SUM, LINK) "," FILE_OF("b.sota", SUM, LINK)),
			"more than"},
		{CHUNK_OF(FILE_OF("a.sota", SUM, LINK)) "," CHUNK_OF(FILE_OF("b.sota", SUM, LINK)),
			"more than"},
		{CHUNK_OF(FILE_OF("a.sota", "\"sha1\":\"00\"", LINK)), "no sha256"},
		{CHUNK_OF(FILE_OF("a.sota", SUM, "\"_links\":{}")), "no link"},
		{CHUNK_OF(FILE_OF(
			 "a.sota", SUM, "\"_links\":{\"download\":{\"href\":\"ftp://x/a\"}}")),
			"no link"},
	};
	const struct hawkbit_artifact *a;
	struct hawkbit_deployment d;
	char text[2000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), DEPLOY("", "%s"), cases[i].chunks);
		assert_int_equal(deployment_of(text, &d), 0);
		assert_int_equal(hawkbit_package(&d, &a, NULL, &e), ERR_FORMAT);
		assert_non_null(strstr(e.msg, cases[i].says));
		hawkbit_deployment_done(&d);
	}
	/* Control characters of a server reach no terminal. */
	assert_int_equal(
		deployment_of(DEPLOY("", CHUNK_OF(FILE_OF("\\u001b[2J.sota", SUM, LINK))), &d), 0);
	assert_int_equal(hawkbit_package(&d, &a, NULL, &e), 0);
	assert_string_equal(a->filename, "?[2J.sota");
	hawkbit_deployment_done(&d);
}

static void test_hawkbit__cancel(void **state)
{
	const char *good = "{\"id\":\"31\",\"cancelAction\":{\"stopId\":\"30\"}}";
	char id[HAWKBIT_ID_SIZE];

	(void)state;
	assert_int_equal(hawkbit_cancel_parse(good, strlen(good), id, &e), 0);
	assert_string_equal(id, "30");
	assert_int_equal(hawkbit_cancel_parse("{}", 2, id, &e), ERR_FORMAT);
}

/* ---- what is said ---- */

static void test_hawkbit__feedback_text(void **state)
{
	const struct hawkbit_feedback f = {.execution = HAWKBIT_CLOSED,
		.finished = HAWKBIT_FAILURE,
		.cnt = 3,
		.of = 8,
		.code = 210,
		.details = {"lamp-7: \"no\"\n", "", "\xff"},
		.n_details = 3,
		.time = 1763654400};
	struct hawkbit_feedback open = {.execution = HAWKBIT_CLOSED};
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(hawkbit_feedback_text("31", &f, &b, &e), 0);
	assert_int_equal(buf_append(&b, "", 1, &e), 0);
	assert_string_equal((char *)b.data,
		"{\"id\":\"31\",\"time\":\"20251120T160000\",\"timestamp\":1763654400000,"
		"\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"failure\","
		"\"progress\":{\"cnt\":3,\"of\":8}},\"details\":[\"lamp-7: \\\"no\\\"\\n\",\"?\"],"
		"\"code\":210}}");
	/* A server counts it as success. */
	assert_int_equal(hawkbit_feedback_text("31", &open, &b, &e), ERR_USAGE);
}

static void test_hawkbit__long_texts_are_cut_whole(void **state)
{
	struct hawkbit_attribute a = {"key", NULL};
	struct hawkbit_feedback f = {.n_details = 1};
	cleanup_buf struct buf b = BUF_INIT;
	char text[1001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[1000] = '\0';
	text[127] = (char)0xC3; /* a letter across the limit of 128 */
	text[128] = (char)0xA4;
	a.value = text;
	assert_int_equal(hawkbit_attributes_text(&a, 1, &b, &e), 0);
	assert_int_equal(b.len, strlen("{\"mode\":\"merge\",\"data\":{\"key\":\"\"}}") + 127);
	b.len = 0;
	f.details[0] = text;
	assert_int_equal(hawkbit_feedback_text("1", &f, &b, &e), 0);
	assert_true(b.len < 700);
}

/* ---- who asks ---- */

static const struct fetch_settings usual = FETCH_SETTINGS_INIT;

static void test_hawkbit__login(void **state)
{
	struct hawkbit_login l = {.fetch = &usual,
		.url = SERVER "//",
		.controller = "gw 1/lamp?7",
		.auth = HAWKBIT_TARGET_TOKEN,
		.token = "secret"};
	struct hawkbit h;

	(void)state;
	assert_int_equal(hawkbit_init(&h, &l, &e), 0);
	assert_string_equal(h.base, SERVER "/DEFAULT/controller/v1/gw%201%2Flamp%3F7");
	assert_string_equal(h.authorization, "Authorization: TargetToken secret");
	assert_int_equal(h.rest.redirects, FETCH_REDIRECT_SAME_HOST);
	hawkbit_done(&h);
	l.auth = HAWKBIT_GATEWAY_TOKEN;
	l.tenant = "a b";
	assert_int_equal(hawkbit_init(&h, &l, &e), 0);
	assert_string_equal(h.authorization, "Authorization: GatewayToken secret");
	assert_non_null(strstr(h.base, "/a%20b/controller/"));
	hawkbit_done(&h);
}

static void test_hawkbit__login_refused(void **state)
{
	static const struct {
		const char *url, *tenant, *controller, *token;
	} cases[] = {
		{"ota.example", NULL, "a", "t"},
		{"ftp://ota.example", NULL, "a", "t"},
		{SERVER "/?x", NULL, "a", "t"},
		{SERVER, NULL, "", "t"},
		{SERVER, NULL, "..", "t"},
		{SERVER, ".", "a", "t"},
		{SERVER, NULL, "a", NULL},
		{SERVER, NULL, "a", ""},
		{SERVER, NULL, "a", "secret\r\nX-Evil: 1"},
		{SERVER, NULL, "a", "two secrets"},
	};
	struct hawkbit h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct hawkbit_login l = {.fetch = &usual,
			.url = cases[i].url,
			.tenant = cases[i].tenant,
			.controller = cases[i].controller,
			.auth = HAWKBIT_TARGET_TOKEN,
			.token = cases[i].token};

		assert_int_equal(hawkbit_init(&h, &l, &e), ERR_CONFIG);
		assert_null(strstr(e.msg, "secret"));
	}
}

static void test_hawkbit__token_goes_to_its_server_only(void **state)
{
	const struct hawkbit_login l = {.fetch = &usual,
		.url = SERVER,
		.controller = "a",
		.auth = HAWKBIT_TARGET_TOKEN,
		.token = "secret"};
	struct hawkbit_artifact a = {.filename = "x.sota", .size = 10};
	struct fetch_request rq;
	struct hawkbit h;

	(void)state;
	assert_int_equal(hawkbit_init(&h, &l, &e), 0);
	snprintf(a.url, sizeof(a.url), "%s", BASE "/softwaremodules/9/artifacts/x.sota");
	assert_int_equal(hawkbit_download(&h, &a, &rq, &e), 0);
	assert_string_equal(rq.headers[0], "Authorization: TargetToken secret");
	assert_null(rq.headers[1]);
	assert_int_equal(rq.max, 10);
	snprintf(a.url, sizeof(a.url), "https://cdn.example/x.sota?signature=1");
	assert_int_equal(hawkbit_download(&h, &a, &rq, &e), 0);
	assert_null(rq.headers);
	snprintf(a.url, sizeof(a.url), "http://ota.example/x.sota");
	assert_int_equal(hawkbit_download(&h, &a, &rq, &e), ERR_NETWORK);
	hawkbit_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hawkbit__poll_with_all_links),
		cmocka_unit_test(test_hawkbit__poll_without_links),
		cmocka_unit_test(test_hawkbit__sleep_that_is_none),
		cmocka_unit_test(test_hawkbit__links_that_are_not_followed),
		cmocka_unit_test(test_hawkbit__answers_that_are_no_answers),
		cmocka_unit_test(test_hawkbit__deployment),
		cmocka_unit_test(test_hawkbit__deployment_of_numbers_and_windows),
		cmocka_unit_test(test_hawkbit__deployment_refused),
		cmocka_unit_test(test_hawkbit__which_package),
		cmocka_unit_test(test_hawkbit__cancel),
		cmocka_unit_test(test_hawkbit__feedback_text),
		cmocka_unit_test(test_hawkbit__long_texts_are_cut_whole),
		cmocka_unit_test(test_hawkbit__login),
		cmocka_unit_test(test_hawkbit__login_refused),
		cmocka_unit_test(test_hawkbit__token_goes_to_its_server_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
