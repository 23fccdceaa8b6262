/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_channel.c - what a gateway believes of a channel: one attack, one check
 *
 * A publisher makes the tree; then somebody who owns the server, a cache, or a stolen key has a go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <limits.h>
#include <unistd.h>

#include <stmota/fs.h>
#include <stmota/package.h>
#include <stmota/publish.h>

#define NOW  UINT64_C(1800000000)
#define DAY  86400u
#define NAME "main"

static struct {
	char dir[64];
	struct key *root, *plan, *other;
	struct channel_state state; /* of the gateway */
	uint64_t now;
	unsigned saves;
	struct channel_plan got;
	struct channel_report report;
	struct err e;
} t;

/* ---- publishing ---- */

static void make_package(unsigned minor, uint32_t counter, struct buf *ret)
{
	static uint8_t bytes[256];
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct package_item item = {
		.kind = IMF_KIND_APPLICATION, .slot = IMF_NO_SLOT, .image = &image};
	struct package_spec spec = {.product = "acme.com/lamp",
		.version = {1, (uint8_t)minor, 0, 0},
		.counter = counter,
		.hw_max = UINT16_MAX,
		.items = &item,
		.n_items = 1};

	memset(bytes, (int)minor + 1, sizeof(bytes));
	assert_int_equal(0, segments_add(&image, 0x08000000, bytes, sizeof(bytes), NULL));
	assert_int_equal(0, package_build(&spec, ret, NULL));
	assert_int_equal(0, package_sign(ret, t.root, NULL));
}

/* Opens the tree; the caller changes it and calls close_publisher(). */
static void open_publisher(struct publisher *p)
{
	struct err e = ERR_INIT;

	*p = (struct publisher){.dir = t.dir, .name = NAME, .now = t.now, .head_days = 7};
	p->root.v[p->root.n++] = t.root;
	p->plan.v[p->plan.n++] = t.plan;
	if (publish_open(p, &e) < 0)
		fail_msg("%s", e.msg);
}

static void close_publisher(struct publisher *p)
{
	struct err e = ERR_INIT;

	if (publish_write(p, &e) < 0)
		fail_msg("%s", e.msg);
	publish_done(p);
}

static void release(unsigned minor, uint32_t counter)
{
	cleanup_buf struct buf package = BUF_INIT;
	struct channel_rollout *r;
	struct publisher p;

	make_package(minor, counter, &package);
	open_publisher(&p);
	assert_int_equal(0, publish_add(&p, package.data, package.len, &r, &t.e));
	r->stage = CHANNEL_PERMYRIAD;
	close_publisher(&p);
}

/* A fresh head and nothing else. */
static void touch(void)
{
	struct publisher p;

	open_publisher(&p);
	close_publisher(&p);
}

static void halt(bool halted)
{
	struct channel_rollout *r;
	struct publisher p;

	open_publisher(&p);
	assert_int_equal(0, publish_find(&p, NULL, &r, NULL));
	assert_int_equal(0, publish_halt(&p, r, halted, NULL));
	close_publisher(&p);
}

/* ---- the attacker's tools ---- */

static const char *path_of(const char *rest)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", t.dir, rest);
	return path;
}

static void load(const char *rest, struct buf *ret)
{
	assert_int_equal(0, fs_read(path_of(rest), 1 << 21, ret, NULL));
}

static void store(const char *rest, const struct buf *b)
{
	FILE *f = fopen(path_of(rest), "w");

	assert_non_null(f);
	assert_int_equal(b->len, fwrite(b->data, 1, b->len, f));
	fclose(f);
}

static void flip(const char *rest, size_t byte, unsigned bit)
{
	cleanup_buf struct buf b = BUF_INIT;

	load(rest, &b);
	b.data[byte] ^= (uint8_t)(1u << bit);
	store(rest, &b);
}

/* Signs what is there with a key and for a role of the attacker's choice. */
static void sign_again(const char *rest, enum trust_role role, struct key *k)
{
	cleanup_buf struct buf b = BUF_INIT, sig = BUF_INIT;
	char name[128];

	load(rest, &b);
	assert_int_equal(0, channel_sign(role, b.data, b.len, &k, 1, &sig, NULL));
	snprintf(name, sizeof(name), "%s.sig", rest);
	store(name, &sig);
}

static void write_head(const struct channel_head *h, struct key *k)
{
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(0, channel_head_text(h, &b, NULL));
	store("channel/main/head", &b);
	sign_again("channel/main/head", TRUST_HEAD, k);
}

static struct channel_head read_head(void)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct channel_head h;

	load("channel/main/head", &b);
	assert_int_equal(0, channel_head_parse(b.data, b.len, &h, NULL));
	return h;
}

/* Another text in place of a part of a file. */
static void replace(const char *rest, const char *what, const char *by)
{
	cleanup_buf struct buf b = BUF_INIT, made = BUF_INIT;
	char *at;

	load(rest, &b);
	assert_int_equal(0, buf_append(&b, "", 1, NULL));
	at = strstr((char *)b.data, what);
	assert_non_null(at);
	assert_int_equal(0, buf_append(&made, b.data, (size_t)(at - (char *)b.data), NULL));
	assert_int_equal(0, buf_append(&made, by, strlen(by), NULL));
	at += strlen(what);
	assert_int_equal(0, buf_append(&made, at, strlen(at), NULL));
	store(rest, &made);
}

static void shell(const char *command)
{
	char line[300];

	snprintf(line, sizeof(line), "cd '%s' && %s", t.dir, command);
	assert_int_equal(0, system(line));
}

/* ---- the gateway ---- */

static int on_save(void *ctx, const struct channel_state *s, struct err *e)
{
	(void)ctx;
	(void)s;
	(void)e;
	t.saves++;
	return 0;
}

static int fetch_as(const char *name, uint64_t grace)
{
	const struct channel_source source = {.url = t.dir,
		.name = name,
		.now = t.now,
		.build_time = NOW - 1000,
		.grace = grace,
		.save = on_save};

	channel_plan_done(&t.got);
	t.e = ERR_INIT;
	return channel_fetch(&source, &t.state, &t.got, &t.report, &t.e);
}

static int fetch(void)
{
	return fetch_as(NAME, 0);
}

/* Refused, with this in the message, and what was believed stays what it was. */
static void refused(int code, const char *text)
{
	uint64_t plan = t.state.plan_version, head = t.state.head_issued;
	int rc = fetch();

	if (rc != code || strstr(t.e.msg, text) == NULL)
		fail_msg("%d '%s', wanted %d '%s'", rc, t.e.msg, code, text);
	assert_int_equal(plan, t.state.plan_version);
	assert_int_equal(head, t.state.head_issued);
}

static void believed(uint64_t plan)
{
	if (fetch() < 0)
		fail_msg("%s", t.e.msg);
	assert_int_equal(plan, t.got.version);
	assert_int_equal(plan, t.state.plan_version);
}

/* The plan is fetched next time. */
static void forget_plan(void)
{
	buf_done(&t.state.plan);
	buf_done(&t.state.plan_sig);
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.now = NOW;
	snprintf(t.dir, sizeof(t.dir), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(t.dir) == NULL || key_generate(KEY_ED25519, &t.root, NULL) < 0 ||
		key_generate(KEY_P256, &t.plan, NULL) < 0 ||
		key_generate(KEY_ED25519, &t.other, NULL) < 0)
		return -1;
	release(1, 5);
	t.state.root_version = 1;
	load("root/1.root", &t.state.root);
	believed(1);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	channel_state_done(&t.state);
	channel_plan_done(&t.got);
	key_free(t.root);
	key_free(t.plan);
	key_free(t.other);
	snprintf(command, sizeof(command), "rm -rf '%s'", t.dir);
	return system(command);
}

/* ---- 1: signatures, of the right role, before anything is read ---- */

static void test_channel__one_bit_anywhere(void **state)
{
	static const char *const files[] = {
		"channel/main/head", "channel/main/head.sig", "channel/main/1.plan.sig"};

	(void)state;
	forget_plan();
	for (size_t i = 0; i < 3; i++) {
		cleanup_buf struct buf whole = BUF_INIT;

		load(files[i], &whole);
		for (size_t byte = 0; byte < whole.len; byte++) {
			flip(files[i], byte, (unsigned)(byte % 8));
			assert_int_equal(ERR_SIGNATURE, fetch());
			store(files[i], &whole);
		}
		for (size_t len = 0; len < whole.len; len += 7) {
			struct buf part = {.data = whole.data, .len = len};

			store(files[i], &part);
			assert_int_equal(ERR_SIGNATURE, fetch());
		}
		store(files[i], &whole);
	}
	believed(1);
}

static void test_channel__signature_of_another_role(void **state)
{
	(void)state;
	sign_again("channel/main/head", TRUST_PLAN, t.plan);
	refused(ERR_SIGNATURE, "head");
	sign_again("channel/main/head", TRUST_HEAD, t.root); /* a good key, of other roles */
	refused(ERR_SIGNATURE, "head");
	sign_again("channel/main/head", TRUST_HEAD, t.other);
	refused(ERR_SIGNATURE, "head");
	sign_again("channel/main/head", TRUST_HEAD, t.plan);
	believed(1);
}

static void test_channel__one_key_counts_once(void **state)
{
	cleanup_buf struct buf sig = BUF_INIT;
	struct key *const two[] = {t.plan, t.other};
	struct publisher p;

	(void)state;
	open_publisher(&p);
	assert_int_equal(0, publish_role(&p, TRUST_HEAD, two, 2, 2, NULL));
	p.plan.v[p.plan.n++] = t.other;
	close_publisher(&p);
	believed(2);
	sign_again("channel/main/head", TRUST_HEAD, t.plan);
	refused(ERR_SIGNATURE, "head");
	/* The record again, as if it were two. */
	load("channel/main/head.sig", &sig);
	sig.data[8] = 2;
	assert_int_equal(0, buf_append(&sig, sig.data + 12, 76, NULL));
	store("channel/main/head.sig", &sig);
	refused(ERR_SIGNATURE, "same key");
}

static void test_channel__kind_of_signature_belongs_to_the_key(void **state)
{
	cleanup_buf struct buf sig = BUF_INIT;

	(void)state;
	load("channel/main/head.sig", &sig);
	sig.data[12] = 1;
	store("channel/main/head.sig", &sig);
	refused(ERR_SIGNATURE, "another kind");
	sig.data[12] = 9;
	store("channel/main/head.sig", &sig);
	refused(ERR_SIGNATURE, "unknown kind");
}

static void test_channel__no_root_nothing_believed(void **state)
{
	(void)state;
	channel_state_done(&t.state);
	assert_int_equal(ERR_SIGNATURE, fetch());
	assert_string_not_equal("", t.e.hint);
}

/* ---- 2: root by root ---- */

/* Everything signed by the other key from now on. */
static void rotate(struct key *to)
{
	struct publisher p;

	open_publisher(&p);
	for (enum trust_role r = TRUST_RELEASE; r <= TRUST_HALT; r++)
		assert_int_equal(0, publish_role(&p, r, &to, 1, 1, NULL));
	p.root.v[p.root.n++] = to;
	p.plan.v[0] = to;
	close_publisher(&p);
}

static void test_channel__rotated_twice(void **state)
{
	struct key *const first = t.root, *const plan = t.plan;

	(void)state;
	rotate(t.other);
	t.root = t.plan = t.other;
	touch();
	/* Back to the first: a gateway that slept walks 1, 2, 3. */
	rotate(first);
	t.root = t.plan = first;
	touch();
	assert_int_equal(1, t.state.root_version);
	if (fetch() < 0)
		fail_msg("%s", t.e.msg);
	assert_int_equal(3, t.state.root_version);
	t.plan = plan;
}

static void test_channel__root_missing_in_between(void **state)
{
	(void)state;
	rotate(t.other);
	shell("mv root/2.root away");
	refused(ERR_SIGNATURE, "head"); /* of a key that is not known */
	assert_int_equal(1, t.state.root_version);
	shell("mv away root/2.root");
	assert_int_equal(0, fetch());
	assert_int_equal(2, t.state.root_version);
}

static void test_channel__root_must_be_signed_by_old_and_new(void **state)
{
	(void)state;
	rotate(t.other);
	sign_again("root/2.root", TRUST_ROOT, t.other);
	refused(ERR_SIGNATURE, "root/2.root");
	sign_again("root/2.root", TRUST_ROOT, t.root);
	refused(ERR_SIGNATURE, "root/2.root");
}

static void test_channel__root_versions_leave_none_out(void **state)
{
	(void)state;
	rotate(t.other);
	shell("cp root/1.root root/2.root; cp root/1.root.sig root/2.root.sig");
	refused(ERR_SIGNATURE, "version 1");
}

static void test_channel__expired_root(void **state)
{
	struct channel_head h = read_head();

	(void)state;
	t.now = NOW + 366 * DAY;
	h.issued = t.now;
	h.expires = t.now + DAY;
	write_head(&h, t.plan);
	refused(ERR_SIGNATURE, "root 1 of the channel has expired");
	touch(); /* its publisher is no longer shut out */
	assert_int_equal(0, fetch());
	assert_int_equal(2, t.state.root_version);
}

/* A thief of the plan's key pushed the version to its end; new keys begin anew. */
static void test_channel__fast_forward(void **state)
{
	(void)state;
	t.state.plan_version = UINT64_C(1) << 50;
	t.state.head_issued = NOW + 1000 * DAY;
	assert_int_equal(ERR_DOWNGRADE, fetch());
	rotate(t.other);
	if (fetch() < 0)
		fail_msg("%s", t.e.msg);
	assert_int_equal(2, t.state.plan_version);
}

/* ---- 3: time ---- */

static void test_channel__expired_head(void **state)
{
	(void)state;
	t.now = NOW + 8 * DAY;
	refused(ERR_SIGNATURE, "head has expired");
	/* From a medium an operator may allow it, and it is said. */
	assert_int_equal(0, fetch_as(NAME, 2 * DAY));
	assert_true(t.report.grace_used);
	touch();
	believed(1);
	assert_false(t.report.grace_used);
}

static void test_channel__clock_that_forgot(void **state)
{
	(void)state;
	t.now = NOW + 3 * DAY;
	believed(1);
	assert_int_equal(NOW + 3 * DAY, t.state.time_floor);
	/* 1970 again: the floor counts, and is told. */
	t.now = 1000;
	assert_int_equal(0, fetch());
	assert_true(t.report.clock_wrong);
	assert_int_equal(NOW + 3 * DAY, t.report.now);
	/* It does not make an expired head fresh. */
	t.state.time_floor = NOW + 9 * DAY;
	assert_int_equal(ERR_SIGNATURE, fetch());
}

/* ---- 4: never back ---- */

static void test_channel__old_head_again(void **state)
{
	(void)state;
	shell("cp channel/main/head old; cp channel/main/head.sig old.sig");
	t.now += 60;
	release(2, 5);
	believed(2);
	shell("cp old channel/main/head; cp old.sig channel/main/head.sig");
	refused(ERR_DOWNGRADE, "older than");
}

static void test_channel__same_plan_version_other_content(void **state)
{
	cleanup_buf struct buf plan = BUF_INIT;
	struct channel_head h = read_head();

	(void)state;
	replace("channel/main/1.plan", "\"stage\": 10000", "\"stage\": 10");
	sign_again("channel/main/1.plan", TRUST_PLAN, t.plan);
	load("channel/main/1.plan", &plan);
	h.plan_length = plan.len;
	assert_int_equal(0, sha256(plan.data, plan.len, h.plan_sha256, NULL));
	write_head(&h, t.plan);
	refused(ERR_DOWNGRADE, "another content");
}

static void test_channel__saved_before_it_is_believed(void **state)
{
	unsigned before = t.saves;

	(void)state;
	touch();
	believed(1);
	assert_int_equal(before + 1, t.saves);
}

/* ---- 5, 6: what head and plan announce ---- */

static void test_channel__old_plan_under_new_name(void **state)
{
	(void)state;
	t.now += 60;
	release(2, 5);
	shell("cp channel/main/1.plan channel/main/2.plan; cp channel/main/1.plan.sig channel/main/2.plan.sig");
	refused(ERR_DAMAGED, "not what head announces");
}

static void test_channel__plan_longer_than_announced(void **state)
{
	(void)state;
	forget_plan();
	shell("head -c 100000 /dev/zero | tr '\\0' ' ' >>channel/main/1.plan");
	assert_int_equal(ERR_FORMAT, fetch());
}

/* What was fetched once is judged as if it came now; a flaw in it is no reason to stay behind. */
static void test_channel__a_plan_that_is_here_is_not_fetched_again(void **state)
{
	struct buf *const kept[] = {&t.state.plan, &t.state.plan_sig};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t byte = 0; byte < kept[i]->len; byte++) {
			kept[i]->data[byte] ^= (uint8_t)(1u << byte % 8);
			believed(1);
			assert_int_equal(1, t.got.n);
		}
	}
	kept[1]->len--;
	believed(1);
	shell("rm channel/main/1.plan channel/main/1.plan.sig");
	believed(1);
	assert_true(t.report.unchanged);
	kept[0]->data[0] ^= 1;
	assert_true(fetch() < 0);
}

static void test_channel__plan_of_another_channel(void **state)
{
	(void)state;
	shell("cp -r channel/main channel/other");
	assert_int_equal(ERR_SIGNATURE, fetch_as("other", 0));
	assert_non_null(strstr(t.e.msg, "channel main"));
}

static void test_channel__oversized_and_empty(void **state)
{
	(void)state;
	shell("head -c 5000 /dev/zero >channel/main/head");
	assert_int_equal(ERR_FORMAT, fetch());
	shell(": >channel/main/head");
	assert_int_equal(ERR_SIGNATURE, fetch());
	shell("rm channel/main/head");
	assert_int_equal(ERR_IO, fetch());
}

/* What is signed may be nonsense all the same. */
static void test_channel__nonsense_that_is_signed(void **state)
{
	static const struct {
		const char *what, *by;
	} cases[] = {
		{"\"stage\": 10000", "\"stage\": 10001"},
		{"\"stage\": 10000", "\"stage\": -1"},
		{"\"stage\": 10000", "\"stage\": 1.5"},
		{"\"stage\": 10000", "\"stage\": 10000, \"stage\": 10000"},
		{"\"stage\": 10000", "\"stage\": 10000, \"stages\": 1"},
		{"\"counter\": 5", "\"counter\": 4294967296"},
		{"\"counter\": 5,", ""},
		{"\"version\": \"1.1.0\"", "\"version\": \"1.1.0-rc1\""},
		{"acme.com/lamp", "../../etc"},
		{"acme.com/lamp", "acme.com/lamp\\u0000x"},
		{"\"salt\": \"", "\"salt\": \"\", \"x\": \""},
		{"\"hw_min\": 0", "\"hw_min\": 70000"},
		{"\"channel\": \"main\"", "\"channel\": \"../main\""},
		{"\"type\": \"plan\"", "\"type\": \"head\""},
		{"\"rollouts\": [", "\"rollouts\": [3,"},
		{"{", "[{"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_buf struct buf good = BUF_INIT, plan = BUF_INIT;
		struct channel_plan p = CHANNEL_PLAN_INIT;
		struct err e = ERR_INIT;

		load("channel/main/1.plan", &good);
		replace("channel/main/1.plan", cases[i].what, cases[i].by);
		load("channel/main/1.plan", &plan);
		if (channel_plan_parse(plan.data, plan.len, &p, &e) != ERR_FORMAT)
			fail_msg("%s -> %s: %s", cases[i].what, cases[i].by, e.msg);
		store("channel/main/1.plan", &good);
	}
}

/* ---- 7: counters, at the publisher already ---- */

static void test_channel__counter_never_falls(void **state)
{
	cleanup_buf struct buf package = BUF_INIT;
	struct channel_rollout *r;
	struct publisher p;

	(void)state;
	make_package(9, 4, &package);
	open_publisher(&p);
	assert_int_equal(ERR_DOWNGRADE, publish_add(&p, package.data, package.len, &r, &t.e));
	package.len = 0;
	make_package(1, 5, &package);
	assert_int_equal(ERR_USAGE, publish_add(&p, package.data, package.len, &r, &t.e));
	package.len = 0;
	make_package(9, 5, &package);
	package.data[package.len - 1] ^= 1;
	assert_int_equal(ERR_DAMAGED, publish_add(&p, package.data, package.len, &r, &t.e));
	publish_done(&p);
}

static void test_channel__package_must_be_signed_for_release(void **state)
{
	cleanup_buf struct buf package = BUF_INIT;
	struct key *const keep = t.root;
	struct channel_rollout *r;
	struct publisher p;

	(void)state;
	open_publisher(&p);
	t.root = t.plan; /* a key of the channel, of another role */
	make_package(2, 5, &package);
	t.root = keep;
	assert_int_equal(ERR_SIGNATURE, publish_add(&p, package.data, package.len, &r, &t.e));
	publish_done(&p);
}

/* ---- 9: halt ---- */

static void test_channel__halt_and_resume(void **state)
{
	(void)state;
	halt(true);
	believed(2);
	assert_true(t.got.rollouts[0].halted);
	assert_int_equal(CHANNEL_HALTED, channel_choose(&t.got.rollouts[0], "lamp", t.now));
	halt(false);
	believed(3);
	assert_false(t.got.rollouts[0].halted);
}

/* The brake works although head and plan are those of before: a cache may hold them for a while. */
static void test_channel__halt_file_alone(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct channel_halt h = {.channel = NAME, .version = 1};

	(void)state;
	assert_int_equal(0, publish_ids(&h.rollouts, t.got.rollouts[0].id, NULL));
	assert_int_equal(0, channel_halt_text(&h, &text, NULL));
	store("halt/main", &text);
	sign_again("halt/main", TRUST_HALT, t.plan);
	believed(1);
	assert_true(t.got.rollouts[0].halted);
	/* Neither taking the file away nor an older one releases it; another's signature neither. */
	shell("mv halt/main h; mv halt/main.sig h.sig");
	refused(ERR_DOWNGRADE, "is gone");
	shell("mv h halt/main; mv h.sig halt/main.sig");
	t.state.halt_version = 2;
	refused(ERR_DOWNGRADE, "older");
	t.state.halt_version = 1;
	sign_again("halt/main", TRUST_HALT, t.root);
	refused(ERR_SIGNATURE, "halt/main");
	channel_halt_done(&h);
}

/* ---- who gets it ---- */

static void test_channel__buckets(void **state)
{
	static const struct {
		const char *salt, *device;
		uint32_t bucket;
	} vectors[] = {
		{"0011223344556677", "lamp-1", 3161},
		{"0011223344556677", "lamp-2", 6767},
		{"ffeeddccbbaa9988", "lamp-1", 6767},
		{"salt-of-a-release", "0x00112233445566778899aabb", 9833},
		{"0011223344556677", "", 6451},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(
			vectors[i].bucket, channel_bucket(vectors[i].salt, vectors[i].device));
}

static void test_channel__stages_only_add(void **state)
{
	struct channel_rollout r = {.salt = (char[]){"0011223344556677"}};
	unsigned counts[4] = {0};

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		static const uint32_t stages[] = {100, 500, 5000, 10000};
		char device[24];
		bool before = false;

		snprintf(device, sizeof(device), "lamp-%u", i);
		for (size_t k = 0; k < 4; k++) {
			bool in;

			r.stage = stages[k];
			in = channel_choose(&r, device, NOW) == CHANNEL_CHOSEN;
			assert_true(in || !before);
			before = in;
			counts[k] += in;
		}
	}
	/* 1 %, 5 %, 50 %, all of 20,000, within five standard deviations. */
	assert_in_range(counts[0], 130, 270);
	assert_in_range(counts[1], 846, 1154);
	assert_in_range(counts[2], 9646, 10354);
	assert_int_equal(20000, counts[3]);
}

static void test_channel__lists_and_times(void **state)
{
	struct channel_rollout r = {.salt = (char[]){"0011223344556677"}, .not_before = NOW};
	char why[80];

	(void)state;
	assert_int_equal(0, publish_ids(&r.include, "lamp-1", NULL));
	assert_int_equal(0, publish_ids(&r.include, "lamp-2", NULL));
	assert_int_equal(0, publish_ids(&r.exclude, "lamp-2", NULL));
	assert_int_equal(CHANNEL_NOT_YET, channel_choose(&r, "lamp-1", NOW - 1));
	assert_int_equal(CHANNEL_INCLUDED, channel_choose(&r, "lamp-1", NOW));
	assert_int_equal(CHANNEL_EXCLUDED, channel_choose(&r, "lamp-2", NOW));
	assert_int_equal(CHANNEL_LATER, channel_choose(&r, "lamp-3", NOW));
	assert_non_null(strstr(
		channel_choice_text(CHANNEL_LATER, &r, "lamp-3", why, sizeof(why)), "bucket"));
	assert_int_equal(0, publish_ids(&r.include, "none", NULL));
	assert_int_equal(0, publish_ids(&r.exclude, "none", NULL));
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_channel__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_bit_anywhere),
		CASE(signature_of_another_role),
		CASE(one_key_counts_once),
		CASE(kind_of_signature_belongs_to_the_key),
		CASE(no_root_nothing_believed),
		CASE(rotated_twice),
		CASE(root_missing_in_between),
		CASE(root_must_be_signed_by_old_and_new),
		CASE(root_versions_leave_none_out),
		CASE(expired_root),
		CASE(fast_forward),
		CASE(expired_head),
		CASE(clock_that_forgot),
		CASE(old_head_again),
		CASE(same_plan_version_other_content),
		CASE(saved_before_it_is_believed),
		CASE(old_plan_under_new_name),
		CASE(plan_longer_than_announced),
		CASE(a_plan_that_is_here_is_not_fetched_again),
		CASE(plan_of_another_channel),
		CASE(oversized_and_empty),
		CASE(nonsense_that_is_signed),
		CASE(counter_never_falls),
		CASE(package_must_be_signed_for_release),
		CASE(halt_and_resume),
		CASE(halt_file_alone),
		cmocka_unit_test(test_channel__buckets),
		cmocka_unit_test(test_channel__stages_only_add),
		cmocka_unit_test(test_channel__lists_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
