/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_source_channel.c - which rollout of a channel is for which device of a fleet
 *
 * That files are signed, fresh and belong together is for test_channel.c to show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/package.h>
#include <stmota/publish.h>
#include <stmota/update_source.h>

#define NOW UINT64_C(1800000000)
#define DAY 86400u

static struct {
	char dir[64], root[96];
	struct key *key;
	struct channel_state kept; /* what the database holds */
	unsigned saves;
	bool disk_full;
	struct fleet fleet;
	struct fleet_device lamp;
	struct fleet_known known;
	struct config *config;
	struct update_source *source;
	struct update_offer offer;
	char why[160];
	struct err e;
} t;

/* ---- a database that may fail ---- */

int fleet_db_channel_load(
	struct fleet_db *db, const char *channel, struct channel_state *ret, struct err *e)
{
	*ret = t.kept;
	ret->root = ret->plan = ret->plan_sig = BUF_INIT; /* fetched anew each time */
	return buf_append(&ret->root, t.kept.root.data, t.kept.root.len, e);
}

int fleet_db_channel_save(
	struct fleet_db *db, const char *channel, const struct channel_state *s, struct err *e)
{
	if (t.disk_full)
		return err_set(e, ERR_IO, "disk full");
	channel_state_done(&t.kept);
	t.kept = *s;
	t.kept.root = t.kept.plan = t.kept.plan_sig = BUF_INIT;
	t.saves++;
	return buf_append(&t.kept.root, s->root.data, s->root.len, e);
}

/* ---- a publisher ---- */

struct release {
	unsigned minor;
	uint32_t counter;
	const char *product; /* NULL: acme.com/lamp */
	uint16_t chip;
	bool has_hw;
	uint16_t hw_min, hw_max;
};

static void make_package(const struct release *rel, struct buf *ret)
{
	static uint8_t bytes[256];
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct package_item item = {
		.kind = IMF_KIND_APPLICATION, .slot = IMF_NO_SLOT, .image = &image};
	struct package_spec spec = {
		.product = rel->product != NULL ? rel->product : "acme.com/lamp",
		.version = {1, (uint8_t)rel->minor, 0, 0},
		.counter = rel->counter,
		.chip = rel->chip,
		.hw_min = rel->hw_min,
		.hw_max = rel->has_hw ? rel->hw_max : UINT16_MAX,
		.items = &item,
		.n_items = 1};

	memset(bytes, (int)rel->minor + 1, sizeof(bytes));
	assert_int_equal(0, segments_add(&image, 0x08000000, bytes, sizeof(bytes), NULL));
	assert_int_equal(0, package_build(&spec, ret, NULL));
	assert_int_equal(0, package_sign(ret, t.key, NULL));
}

static void open_publisher(struct publisher *p)
{
	*p = (struct publisher){.dir = t.dir, .name = "main", .now = NOW, .head_days = 7};
	p->root.v[p->root.n++] = p->plan.v[p->plan.n++] = t.key;
	assert_int_equal(0, publish_open(p, &t.e));
}

static void close_publisher(struct publisher *p)
{
	assert_int_equal(0, publish_write(p, &t.e));
	publish_done(p);
}

/* A release for all devices; `set` changes its rollout first. */
static void publish(struct release rel, void (*set)(struct channel_rollout *r))
{
	cleanup_buf struct buf package = BUF_INIT;
	struct channel_rollout *r;
	struct publisher p;

	make_package(&rel, &package);
	open_publisher(&p);
	assert_int_equal(0, publish_add(&p, package.data, package.len, &r, &t.e));
	r->stage = CHANNEL_PERMYRIAD;
	if (set != NULL)
		set(r);
	p.plan_changed = true;
	close_publisher(&p);
}

static void change(void (*set)(struct channel_rollout *r))
{
	struct channel_rollout *r;
	struct publisher p;

	open_publisher(&p);
	assert_int_equal(0, publish_find(&p, NULL, &r, NULL));
	set(r);
	p.plan_changed = true;
	close_publisher(&p);
}

static void halt(struct channel_rollout *r)
{
	r->halted = true;
}

static void nobody(struct channel_rollout *r)
{
	r->stage = 0;
}

static void from_1_1(struct channel_rollout *r)
{
	r->has_min_version = true;
	r->min_version = (struct imf_version){1, 1, 0, 0};
}

static void for_lamp_back(struct channel_rollout *r)
{
	r->stage = 0;
	assert_int_equal(0, publish_ids(&r->include, "gw/lamp-1", NULL));
	assert_int_equal(0, publish_ids(&r->downgrade, "gw/lamp-1", NULL));
}

static void not_for_lamp(struct channel_rollout *r)
{
	assert_int_equal(0, publish_ids(&r->exclude, "gw/lamp-1", NULL));
}

static void with_delta(struct channel_rollout *r)
{
	r->n_deltas = 2;
	memset(r->deltas[0].base, 0x11, SHA256_SIZE);
	memset(r->deltas[0].sha256, 0x21, SHA256_SIZE);
	r->deltas[0].length = 100;
	memset(r->deltas[1].base, 0x12, SHA256_SIZE);
	memset(r->deltas[1].sha256, 0x22, SHA256_SIZE);
	r->deltas[1].length = 200;
}

static void limited(struct channel_rollout *r)
{
	r->deadline = NOW + DAY;
	r->in_flight = 3;
}

/* ---- the gateway ---- */

static int refresh_at(uint64_t now)
{
	struct update_source_request rq = {.fleet = &t.fleet, .config = t.config, .now = now};
	int rc;

	if (t.source != NULL)
		t.source->ops->free(t.source);
	t.source = NULL;
	t.e = ERR_INIT;
	rc = update_source_channel(&rq, &t.source, &t.e);
	return rc == 0 ? t.source->ops->refresh(t.source, &t.e) : rc;
}

static void wish_is(enum update_wish want, const char *why)
{
	enum update_wish w;

	if (refresh_at(NOW) < 0)
		fail_msg("%s", t.e.msg);
	w = t.source->ops->wish(t.source, &t.lamp, &t.known, &t.offer, t.why);
	if (w != want || strstr(t.why, why) == NULL)
		fail_msg("%d '%s', wanted %d '%s'", w, t.why, want, why);
}

static void offers(unsigned minor)
{
	wish_is(UPDATE_OFFER, "");
	assert_int_equal(minor, t.offer.version.minor);
}

static void runs(unsigned minor)
{
	t.known.has_version = true;
	t.known.version = (struct imf_version){1, (uint8_t)minor, 0, 0};
}

static void configure(const char *text)
{
	assert_int_equal(0, config_parse(t.config, "test", text, strlen(text), &t.e));
}

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(t.dir) == NULL || key_generate(KEY_ED25519, &t.key, NULL) < 0 ||
		config_new(&t.config, NULL) < 0)
		return -1;
	snprintf(t.root, sizeof(t.root), "%s/root/1.root", t.dir);
	snprintf(t.lamp.name, sizeof(t.lamp.name), "lamp-1");
	snprintf(t.lamp.id, sizeof(t.lamp.id), "gw/lamp-1");
	t.lamp.product = strdup("acme.com/lamp");
	t.fleet.channel = t.dir;
	t.fleet.root = t.root;
	publish((struct release){.minor = 1, .counter = 5}, NULL);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	if (t.source != NULL)
		t.source->ops->free(t.source);
	channel_state_done(&t.kept);
	config_free(t.config);
	free(t.lamp.product);
	key_free(t.key);
	snprintf(command, sizeof(command), "rm -rf '%s'", t.dir);
	return system(command);
}

/* ---- which one ---- */

static void test_source_channel__offers(void **state)
{
	struct fetch_request rq;

	change(limited);
	offers(1);
	assert_true(t.offer.has_release);
	assert_int_equal(5, t.offer.counter);
	assert_int_equal(3, t.offer.in_flight);
	assert_int_equal(NOW + DAY, t.offer.deadline);
	assert_false(t.offer.may_go_back || t.offer.has_delta || t.offer.has_min_version);
	assert_int_equal(0, t.source->ops->urls(t.source, &t.offer, false, &rq, &t.e));
	assert_int_equal(t.offer.length, rq.max);
	assert_ptr_equal(t.offer.package, rq.sha256);
	/* It is there, and it is that. */
	{
		const struct fetch_settings s = FETCH_SETTINGS_INIT;
		cleanup_buf struct buf b = BUF_INIT;

		assert_int_equal(0, fetch_buf(&s, &rq, &b, NULL, &t.e));
		assert_int_equal(t.offer.length, b.len);
	}
	assert_int_equal(1, t.source->ops->trust(t.source)->n > 0);
}

static void test_source_channel__product(void **state)
{
	uint8_t uuid[UUID_SIZE];

	t.lamp.product[0] = 'b';
	wish_is(UPDATE_NOTHING, "no rollout is for such devices");
	/* Not said in the file, but known of the device. */
	free(t.lamp.product);
	t.lamp.product = NULL;
	wish_is(UPDATE_NOTHING, "its product is not known");
	product_uuid("acme.com/lamp", uuid, NULL);
	uuid_format(uuid, t.known.product_uuid);
	offers(1);
}

static void test_source_channel__chip_and_hardware(void **state)
{
	publish((struct release){.minor = 2, .counter = 5, .chip = 0x413}, NULL);
	offers(2); /* not known: asked at delivery */
	configure("[device lamp-1]\nchip = 0x410\n");
	offers(1);
	publish(
		(struct release){
			.minor = 3, .counter = 5, .has_hw = true, .hw_min = 2, .hw_max = 3},
		NULL);
	offers(1);
	configure("[device lamp-1]\nhw = 3\n");
	offers(3);
	configure("[device lamp-1]\nhw = 4\n");
	offers(1);
}

static void test_source_channel__stage(void **state)
{
	change(nobody);
	wish_is(UPDATE_NOTHING, "the stage is only 0");
	publish((struct release){.minor = 2, .counter = 5}, not_for_lamp);
	wish_is(UPDATE_NOTHING, "1.2.0: excluded by the rollout");
	publish((struct release){.minor = 3, .counter = 5}, for_lamp_back);
	offers(3);
	assert_true(t.offer.may_go_back);
	assert_string_equal("named by the rollout", t.why);
}

/* 5.3 check 8: the stone first, then the other side. */
static void test_source_channel__check_8_stepping_stone(void **state)
{
	publish((struct release){.minor = 2, .counter = 5}, from_1_1);
	offers(2); /* no version known: the package says it too, and is asked at delivery */
	runs(0);
	offers(1);
	change(nobody);
	runs(1);
	offers(1);
	publish((struct release){.minor = 3, .counter = 5}, from_1_1);
	offers(3);
	runs(0);
	offers(1);
	t.lamp.id[0] = 'x';
	offers(1);
}

/* 5.3 check 9: halted by the plan or by a file; an older rollout goes on for those it is for. */
static void test_source_channel__check_9_halt(void **state)
{
	struct channel_rollout *r;
	struct publisher p;

	offers(1);
	assert_false(t.source->ops->withdrawn(t.source, &t.lamp, &t.offer));
	change(halt);
	wish_is(UPDATE_WITHDRAWN, "1.1.0: the rollout is halted");
	assert_true(t.source->ops->withdrawn(t.source, &t.lamp, &t.offer));
	publish((struct release){.minor = 2, .counter = 5}, NULL);
	offers(2);
	open_publisher(&p);
	assert_int_equal(0, publish_find(&p, NULL, &r, NULL));
	assert_int_equal(0, publish_halt(&p, r, true, NULL));
	r->halted = false; /* the file alone */
	close_publisher(&p);
	wish_is(UPDATE_WITHDRAWN, "1.2.0: the rollout is halted");
}

/* 5.3 check 9: without a fresh head nothing is begun; a medium may have a grace. */
static void test_source_channel__check_9_no_fresh_head(void **state)
{
	assert_int_equal(ERR_SIGNATURE, refresh_at(NOW + 8 * DAY));
	assert_non_null(strstr(t.e.msg, "head has expired"));
	t.fleet.grace_s = 30 * DAY;
	assert_int_equal(0, refresh_at(NOW + 8 * DAY));
	t.fleet.grace_s = 0;
	/* A clock that was set back does not make it fresh again. */
	assert_int_equal(ERR_SIGNATURE, refresh_at(NOW));
	assert_int_equal(
		0, rename(t.root, "/tmp/stmota-test-gone") + unlink("/tmp/stmota-test-gone"));
	t.fleet.channel = "/nowhere/at/all";
	assert_int_equal(ERR_NETWORK, refresh_at(NOW));
}

static void test_source_channel__delta(void **state)
{
	change(with_delta);
	offers(1);
	assert_false(t.offer.has_delta);
	t.known.has_image = true;
	memset(t.known.image, 0x12, SHA256_SIZE);
	offers(1);
	assert_true(t.offer.has_delta);
	assert_int_equal(200, t.offer.delta_length);
	assert_int_equal(0x22, t.offer.delta[31]);
	memset(t.known.image, 0x13, SHA256_SIZE);
	offers(1);
	assert_false(t.offer.has_delta);
}

/* ---- what is kept ---- */

static void test_source_channel__kept_before_it_is_believed(void **state)
{
	t.disk_full = true;
	assert_int_equal(ERR_IO, refresh_at(NOW));
	assert_non_null(strstr(t.e.msg, "disk full"));
	assert_int_equal(0, t.kept.plan_version);
	/* Nothing of it is offered. */
	assert_int_equal(
		UPDATE_NOTHING, t.source->ops->wish(t.source, &t.lamp, &t.known, &t.offer, t.why));
	t.disk_full = false;
	assert_int_equal(0, refresh_at(NOW));
	assert_int_equal(1, t.kept.plan_version);
	assert_int_equal(1, t.kept.root_version);
}

static void test_source_channel__old_plan_is_refused_after_a_restart(void **state)
{
	cleanup_buf struct buf head = BUF_INIT, sig = BUF_INIT;
	char path[128];

	snprintf(path, sizeof(path), "%s/channel/main/head", t.dir);
	assert_int_equal(0, fs_read(path, 10000, &head, NULL));
	snprintf(path, sizeof(path), "%s/channel/main/head.sig", t.dir);
	assert_int_equal(0, fs_read(path, 10000, &sig, NULL));
	publish((struct release){.minor = 2, .counter = 5}, NULL);
	offers(2);
	assert_int_equal(0, fs_write(path, sig.data, sig.len, 0644, NULL));
	snprintf(path, sizeof(path), "%s/channel/main/head", t.dir);
	assert_int_equal(0, fs_write(path, head.data, head.len, 0644, NULL));
	assert_int_equal(ERR_DOWNGRADE, refresh_at(NOW));
	assert_int_equal(2, t.kept.plan_version);
}

static void test_source_channel__first_root(void **state)
{
	t.fleet.root = NULL;
	assert_int_equal(ERR_CONFIG, refresh_at(NOW));
	assert_non_null(strstr(t.e.msg, "[fleet] root is missing"));
	t.fleet.root = t.root;
	assert_int_equal(0, refresh_at(NOW));
	/* Only the first time. */
	t.fleet.root = NULL;
	assert_int_equal(0, refresh_at(NOW));
}

#define T(name) cmocka_unit_test_setup_teardown(test_source_channel__##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(offers),
		T(product),
		T(chip_and_hardware),
		T(stage),
		T(check_8_stepping_stone),
		T(check_9_halt),
		T(check_9_no_fresh_head),
		T(delta),
		T(kept_before_it_is_believed),
		T(old_plan_is_refused_after_a_restart),
		T(first_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
