/* SPDX-License-Identifier: Apache-2.0 */
/* test_fleet_file.c - fleet files: what they come to, and every mistake with its place */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/bytes.h>
#include <stmota/fleet.h>

static struct config *parsed(const char *text)
{
	struct config *c = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(config_new(&c, NULL), 0);
	if (config_parse(c, "dir/street.conf", text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	return c;
}

static struct fleet loaded(const struct config *c, const char *path)
{
	struct fleet f = FLEET_INIT;
	struct err e = ERR_INIT;

	if (fleet_load(c, path, NULL, NULL, &f, &e) < 0)
		fail_msg("%s", e.msg);
	return f;
}

#define ONE "[device a]\nurl = uart:/dev/a\n"

static void test_fleet_load__all_settings(void **state)
{
	static const char text[] = "[fleet]\n"
				   "gateway = s-17\n"
				   "channel = media\n"
				   "channel_name = beta\n"
				   "root = keys/lamps.root\n"
				   "grace = 90d\n"
				   "parallel = 3\n"
				   "per_group = 2\n"
				   "canaries = 4\n"
				   "stop_after = 5\n"
				   "attempts = 6\n"
				   "retry = 10m\n"
				   "window = 22:30-05:15\n"
				   "metered = yes\n"
				   "metered_max = 128K\n"
				   "report = https://r.example.com/in\n"
				   "report_key = pkcs11:object=r\n"
				   "state = /var/x.db\n"
				   "[slot spare]\n"
				   "address = 0x08020000\n"
				   "size = 16K\n"
				   "[device late]\n"
				   "url = ymodem:/dev/c?playbook=rb\n"
				   "wave = 9\n"
				   "golden = old.sota\n"
				   "rollback = golden\n"
				   "token_file = tokens/late\n"
				   "excused = yes\n"
				   "[device first]\n"
				   "url = uart:/dev/a\n"
				   "baud = 57600\n"
				   "wave = 0\n"
				   "id = node.7\n"
				   "product = example.com/lamp\n"
				   "group = cable-a\n"
				   "labels = tall, old  north\n"
				   "confirm = uart: expect \"ready\" within 20s\n"
				   "[device mid]\n"
				   "url = i2c:/dev/i2c-1@0x4a\n"
				   "rollback = slot:spare\n";
	struct config *c = parsed(text);
	struct fleet f = loaded(c, "dir/street.conf");
	const struct fleet_device *d = f.devices;

	assert_string_equal(f.gateway, "s-17");
	assert_int_equal(f.source, FLEET_SOURCE_CHANNEL);
	assert_string_equal(f.channel, "dir/media");
	assert_string_equal(f.channel_name, "beta");
	assert_string_equal(f.root, "dir/keys/lamps.root");
	assert_int_equal(f.grace_s, 90 * 86400);
	assert_int_equal(f.parallel, 3);
	assert_int_equal(f.per_group, 2);
	assert_int_equal(f.canaries, 4);
	assert_int_equal(f.stop_after, 5);
	assert_int_equal(f.attempts, 6);
	assert_int_equal(f.retry_s, 600);
	assert_true(f.metered);
	assert_int_equal(f.metered_max, 128 * 1024);
	assert_string_equal(f.report, "https://r.example.com/in");
	assert_string_equal(f.report_key, "pkcs11:object=r");
	assert_string_equal(f.state, "/var/x.db");

	assert_int_equal(f.n, 3);
	assert_string_equal(d[0].name, "first");
	assert_string_equal(d[0].id, "node.7");
	assert_int_equal(d[0].where.baud, 57600);
	assert_string_equal(d[0].product, "example.com/lamp");
	assert_string_equal(d[0].group, "cable-a");
	assert_int_equal(d[0].n_labels, 3);
	assert_string_equal(d[0].label[0], "north");
	assert_string_equal(d[0].label[1], "old");
	assert_string_equal(d[0].label[2], "tall");
	assert_true(d[0].has_confirm);
	assert_string_equal(d[0].confirm.expect, "ready");
	assert_int_equal(d[0].confirm.within_ms, 20000);
	assert_int_equal(d[0].rollback, FLEET_ROLLBACK_BACKUP);
	assert_false(d[0].rollback_given || d[0].takes_files || d[0].excused);

	assert_string_equal(d[1].name, "mid");
	assert_string_equal(d[1].id, "s-17.mid");
	assert_int_equal(d[1].wave, 1);
	assert_int_equal(d[1].rollback, FLEET_ROLLBACK_SLOT);
	assert_string_equal(d[1].slot, "spare");

	assert_string_equal(d[2].name, "late");
	assert_true(d[2].takes_files && d[2].excused && d[2].rollback_given);
	assert_int_equal(d[2].rollback, FLEET_ROLLBACK_GOLDEN);
	assert_string_equal(d[2].golden, "dir/old.sota");
	assert_string_equal(d[2].token_file, "dir/tokens/late");
	assert_ptr_equal(fleet_find(&f, "late"), &d[2]);
	assert_ptr_equal(fleet_find(&f, "node.7"), &d[0]);
	assert_null(fleet_find(&f, "node"));
	fleet_done(&f);
	config_free(c);
}

static void test_fleet_load__built_in_values(void **state)
{
	struct config *c = parsed(ONE "[device b]\nurl = ymodem:/dev/b?playbook=rb\n"
				      "[state]\ndir = /somewhere\n");
	struct fleet f = loaded(c, "dir/street.conf");

	assert_int_equal(f.source, FLEET_SOURCE_NONE);
	assert_string_equal(f.channel_name, "main");
	assert_string_equal(f.hawkbit_tenant, "DEFAULT");
	assert_int_equal(f.parallel, 8);
	assert_int_equal(f.per_group, 1);
	assert_int_equal(f.canaries, 1);
	assert_int_equal(f.stop_after, 1);
	assert_int_equal(f.attempts, 5);
	assert_int_equal(f.retry_s, 3600);
	assert_int_equal(f.metered_max, 65536);
	assert_false(f.has_window || f.metered || f.hawkbit_gateway_token);
	assert_string_equal(f.state, "/somewhere/street.db");
	assert_true(f.gateway[0] != '\0');
	assert_string_equal(f.devices[0].id, "a");
	assert_int_equal(f.devices[1].rollback, FLEET_ROLLBACK_NONE);
	fleet_done(&f);
	f = loaded(c, ".hidden");
	assert_string_equal(f.state, "/somewhere/fleet.db");
	fleet_done(&f);
	config_free(c);
}

/* Of other files' devices, none; of their settings for ours, those that are missing. */
static void test_fleet_load__only_devices_of_the_file(void **state)
{
	static const char ours[] = "[device lamp]\nurl = uart:/dev/a\n";
	struct config *c = parsed("[device desk]\nurl = uart:/dev/a\n"
				  "[device lamp]\nwave = 4\n[fleet]\nparallel = 2\n");
	struct fleet f;

	assert_int_equal(config_parse(c, "x.conf", ours, strlen(ours), NULL), 0);
	f = loaded(c, "x.conf");
	assert_int_equal(f.n, 1);
	assert_string_equal(f.devices[0].name, "lamp");
	assert_int_equal(f.devices[0].wave, 4);
	assert_int_equal(f.parallel, 2);
	fleet_done(&f);
	config_free(c);
}

static void test_fleet_load__waves_keep_the_order_of_the_file(void **state)
{
	static const char *const order[] = {"c", "e", "a", "b", "d"};
	struct config *c = parsed("[device a]\nurl = uart:/dev/1\nwave = 2\n"
				  "[device b]\nurl = uart:/dev/2\nwave = 2\n"
				  "[device c]\nurl = uart:/dev/3\n"
				  "[device d]\nurl = uart:/dev/4\nwave = 10\n"
				  "[device e]\nurl = uart:/dev/5\n");
	struct fleet f = loaded(c, "street.conf");

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_string_equal(f.devices[i].name, order[i]);
	fleet_done(&f);
	config_free(c);
}

#define CHANNEL "[fleet]\nchannel = https://h/\nroot = r\n"

static const struct {
	const char *text, *msg; /* `msg` is a part of the first mistake */
} mistakes[] = {
	{"[fleet]\nparallel = 1\n", "dir/street.conf: no [device NAME]"},
	{"[device a]\nchip = 0x413\n", "dir/street.conf: [device a]: no url"},
	{"[device a]\nurl = urat:/dev/a\n", "dir/street.conf:2: "},
	{"[device a]\nurl = uart:/dev/a\nbefore = nobody\n", "dir/street.conf:3: "},
	{"[device a]\nurl = uart:/dev/a\nbanks = three\n", "dir/street.conf:3: banks"},
	{"[device two words]\nurl = uart:/dev/a\n", "dir/street.conf:2: [device two words]: "},
	{"[device a/b]\nurl = uart:/dev/a\n", "dir/street.conf:2: [device a/b]: "},
	{"[device -a]\nurl = uart:/dev/a\n", "dir/street.conf:2: [device -a]: "},
	{"[device uart:x]\nurl = uart:/dev/a\n", "dir/street.conf:2: [device uart:x]: "},
	{ONE "id = a b\n", "dir/street.conf:3: id = 'a b'"},
	{ONE "id = a/b\n", "dir/street.conf:3: id = 'a/b'"},
	{ONE "id = a%b\n", "dir/street.conf:3: id = 'a%b'"},
	{ONE "id = \xc3\xa4\n", "dir/street.conf:3: id = "},
	{ONE "id =\n", "dir/street.conf:3: id = ''"},
	{ONE "id = a234567890123456789012345678901234567890123456789012345678901234\n",
		"dir/street.conf:3: the id of a is longer than 63 characters"},
	{"[fleet]\ngateway = g2345678901234567890123456789012345678901234567890123456789012\n" ONE,
		"dir/street.conf: [device a]: the id of a is longer"},
	{ONE "id = x\n[device b]\nurl = uart:/dev/b\nid = x\n",
		"dir/street.conf:6: a and b have one id: x"},
	{ONE "[device b]\nurl = uart:/dev/b\nid = a\n", "a and b have one id: a"},
	{ONE "[device b]\nurl = uart:/dev/a?baud=9600\n",
		"dir/street.conf:4: a and b are on one port"},
	{ONE "[device b]\nurl = ymodem:/dev/a?playbook=rb\n", "a and b are on one port"},
	{"[device a]\nurl = dfu:\n[device b]\nurl = dfu:\n", "a and b are on one port"},
	{"[device a]\nurl = i2c:/dev/i2c-1@0x4a\n[device b]\nurl = i2c:/dev/i2c-1@0x4a\n",
		"a and b are on one port"},
	{"[device a]\nurl = tcp:h:1?playbook=rb\n[device b]\nurl = tcp:h:1?playbook=rb\n",
		"a and b are on one port"},
	{ONE "group = cable 1\n", "dir/street.conf:3: group = 'cable 1'"},
	{ONE "group =\n", "dir/street.conf:3: group = '': it is empty"},
	{ONE "labels = a, b;c\n", "dir/street.conf:3: label 'b;c'"},
	{ONE "labels = a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G\n",
		"dir/street.conf:3: more than 32 labels"},
	{ONE "wave = 1001\n", "dir/street.conf:3: wave = 1001: 0 to 1000"},
	{ONE "product = Lamp Post\n", "dir/street.conf:3: product = 'Lamp Post'"},
	{ONE "confirm = uart: expct \"x\"\n", "dir/street.conf:3: "},
	{"[device a]\nurl = i2c:/dev/i2c-1@0x4a\nconfirm = uart: expect \"x\"\n",
		"dir/street.conf:3: confirm: a is on no serial port"},
	{"[device a]\nurl = dfu:#1-1\nconfirm = uart: expect \"x\"\n",
		"dir/street.conf:3: confirm: a is on no serial port"},
	{ONE "rollback = maybe\n", "dir/street.conf:3: rollback = 'maybe'"},
	{ONE "rollback = slot\n", "dir/street.conf:3: rollback = 'slot'"},
	{ONE "rollback = slot:\n", "dir/street.conf:3: "},
	{ONE "rollback = slot:spare\n", "dir/street.conf:3: there is no slot 'spare'"},
	{"[device a]\nurl = ymodem:/dev/a?playbook=rb\nrollback = backup\n",
		"dir/street.conf:3: rollback = backup needs a device whose memory can be written"},
	{"[device a]\nurl = tcp:h:1?playbook=rb\nrollback = bank\n",
		"dir/street.conf:3: rollback = bank needs"},
	{ONE "golden = https://h/x.sota\n", "dir/street.conf:3: golden = 'https://h/x.sota': a "
					    "file is meant"},
	{"[fleet]\ngateway = a b\n" ONE, "dir/street.conf:2: gateway = 'a b'"},
	{"[fleet]\nchannel = https://h/\n" ONE, "dir/street.conf:2: channel needs root"},
	{CHANNEL "channel_name = a/b\n" ONE, "dir/street.conf:4: channel_name = 'a/b'"},
	{CHANNEL "grace = 1d\n" ONE, "dir/street.conf:4: grace is for a channel in a folder"},
	{CHANNEL "hawkbit = https://h/\n" ONE, "dir/street.conf:4: a fleet follows a channel or"},
	{"[fleet]\nhawkbit = h.example.com\n" ONE, "dir/street.conf:2: hawkbit = "},
	{"[fleet]\nhawkbit_token = mine\n" ONE, "dir/street.conf:2: hawkbit_token = 'mine'"},
	{"[fleet]\nhawkbit = https://h\nhawkbit_token = gateway\n" ONE,
		"dir/street.conf:3: hawkbit_token = gateway needs hawkbit_token_file"},
	{"[fleet]\nparallel = 0\n" ONE, "dir/street.conf:2: parallel = 0: 1 to 256"},
	{"[fleet]\nper_group = 257\n" ONE, "dir/street.conf:2: per_group = 257: 1 to 256"},
	{"[fleet]\ncanaries = 0\n" ONE, "dir/street.conf:2: canaries = 0: 1 to 1024"},
	{"[fleet]\nstop_after = 0\n" ONE, "dir/street.conf:2: stop_after = 0: 1 to 1024"},
	{"[fleet]\nattempts = 1001\n" ONE, "dir/street.conf:2: attempts = 1001: 1 to 1000"},
	{"[fleet]\nretry = 0s\n" ONE, "dir/street.conf:2: retry is 1s to 1d"},
	{"[fleet]\nretry = 2d\n" ONE, "dir/street.conf:2: retry is 1s to 1d"},
	{"[fleet]\nwindow = 22:00\n" ONE, "dir/street.conf:2: window = '22:00': HH:MM-HH:MM"},
	{"[fleet]\nwindow = 24:00-05:00\n" ONE, "window = '24:00-05:00'"},
	{"[fleet]\nwindow = 22:60-05:00\n" ONE, "window = '22:60-05:00'"},
	{"[fleet]\nwindow = 22:00-22:00\n" ONE, "window = '22:00-22:00'"},
	{"[fleet]\nwindow = 2:00-5:00\n" ONE, "window = '2:00-5:00'"},
	{"[fleet]\nwindow = 22:00-05:00 \xc2\xb5\n" ONE, "window = "},
	{"[fleet]\nreport =\n" ONE, "dir/street.conf:2: report = '': it is empty"},
};

static void test_fleet_load__mistakes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		struct config *c = parsed(mistakes[i].text);
		struct fleet f = FLEET_INIT;
		struct err e = ERR_INIT;

		if (fleet_load(c, "dir/street.conf", NULL, NULL, &f, &e) == 0)
			fail_msg("row %zu is taken", i);
		if (strstr(e.msg, mistakes[i].msg) == NULL)
			fail_msg("row %zu: '%s' has no '%s'", i, e.msg, mistakes[i].msg);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(f.n, 0);
		assert_int_equal(
			fleet_load(c, "dir/street.conf", NULL, NULL, &f, NULL), ERR_CONFIG);
		config_free(c);
	}
}

struct seen {
	char msg[8][280];
	size_t n;
};

static void note(void *ctx, bool warning, const struct err *what)
{
	struct seen *s = ctx;

	assert_false(warning);
	assert_true(s->n < ARRAY_LEN(s->msg));
	snprintf(s->msg[s->n++], sizeof(s->msg[0]), "%s", what->msg);
}

static void test_fleet_load__all_mistakes_at_once(void **state)
{
	struct config *c = parsed("[fleet]\nparallel = 0\nwindow = x\n"
				  "[device a]\nurl = uart:/dev/a\nid = a/b\nrollback = slot:x\n"
				  "[device b]\nurl = bad:x\n");
	struct seen seen = {0};
	struct fleet f = FLEET_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fleet_load(c, "dir/street.conf", note, &seen, &f, &e), ERR_CONFIG);
	assert_int_equal(seen.n, 5);
	assert_string_equal(e.msg, seen.msg[0]);
	assert_non_null(strstr(seen.msg[4], "dir/street.conf:9: "));
	config_free(c);
}

static void many(struct buf *b, int n)
{
	for (int i = 0; i < n; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "[device d%d]\nurl=uart:/dev/d%d\n", i, i);

		assert_int_equal(buf_append(b, text, (size_t)len, NULL), 0);
	}
	assert_int_equal(buf_append(b, "", 1, NULL), 0);
}

static void test_fleet_load__so_many_and_not_one_more(void **state)
{
	struct buf most = BUF_INIT, more = BUF_INIT;
	struct fleet f;
	struct err e = ERR_INIT;
	struct config *c;

	many(&most, FLEET_DEVICES_MAX);
	c = parsed((const char *)most.data);
	f = loaded(c, "x.conf");
	assert_int_equal(f.n, FLEET_DEVICES_MAX);
	fleet_done(&f);
	config_free(c);
	many(&more, FLEET_DEVICES_MAX + 1);
	c = parsed((const char *)more.data);
	assert_int_equal(fleet_load(c, "x.conf", NULL, NULL, &f, &e), ERR_CONFIG);
	assert_string_equal(e.msg, "x.conf: 1025 devices; one gateway has 1024 at most");
	config_free(c);
	buf_done(&most);
	buf_done(&more);
}

static void test_fleet_in_window__over_midnight_too(void **state)
{
	static const struct {
		const char *window;
		uint16_t minute;
		bool in;
	} cases[] = {{"22:00-05:00", 1319, false}, {"22:00-05:00", 1320, true},
		{"22:00-05:00", 1439, true}, {"22:00-05:00", 0, true}, {"22:00-05:00", 299, true},
		{"22:00-05:00", 300, false}, {"01:00-02:30", 59, false}, {"01:00-02:30", 60, true},
		{"01:00-02:30", 149, true}, {"01:00-02:30", 150, false}, {"00:00-23:59", 0, true},
		{"00:00-23:59", 1439, false}, {NULL, 700, true}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[120];
		struct config *c;
		struct fleet f;

		snprintf(text, sizeof(text), "%s%s%s" ONE,
			cases[i].window != NULL ? "[fleet]\nwindow = " : "",
			cases[i].window != NULL ? cases[i].window : "",
			cases[i].window != NULL ? "\n" : "");
		c = parsed(text);
		f = loaded(c, "x.conf");
		assert_true(fleet_in_window(&f, cases[i].minute) == cases[i].in);
		fleet_done(&f);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fleet_load__all_settings),
		cmocka_unit_test(test_fleet_load__built_in_values),
		cmocka_unit_test(test_fleet_load__only_devices_of_the_file),
		cmocka_unit_test(test_fleet_load__waves_keep_the_order_of_the_file),
		cmocka_unit_test(test_fleet_load__mistakes),
		cmocka_unit_test(test_fleet_load__all_mistakes_at_once),
		cmocka_unit_test(test_fleet_load__so_many_and_not_one_more),
		cmocka_unit_test(test_fleet_in_window__over_midnight_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
