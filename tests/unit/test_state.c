/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_state.c - what the host remembers of a device survives the end of the process
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fs.h>
#include <stmota/state.h>

#define KEY "uart:/dev/ttyUSB0?x=../../etc"

static char folder[64];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/stmota-test-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct state *open_state(void)
{
	struct state *s = NULL;
	struct err e = ERR_INIT;

	if (state_open(folder, KEY, &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static struct saved_units some_units(void)
{
	struct saved_units saved = {.n = 2};

	saved.units = calloc(2, sizeof(*saved.units));
	saved.units[0] = (struct span){0x08000000, 0x4000};
	saved.units[1] = (struct span){0x08004000, 0x400};
	assert_int_equal(0, segments_add(&saved.bytes, 0x08003FF0, "\x00\x01\xFE\xFF", 4, NULL));
	assert_int_equal(0, segments_add(&saved.bytes, 0x08004010, "kept", 4, NULL));
	return saved;
}

static void test_state__saved_units_survive(void **state)
{
	struct saved_units saved = some_units();
	struct state *s = open_state();
	const struct saved_units *back;

	(void)state;
	assert_null(state_saved(s));
	assert_int_equal(0, state_save_units(s, &saved, NULL));
	state_close(s);
	saved_units_done(&saved);

	s = open_state();
	back = state_saved(s);
	assert_non_null(back);
	assert_int_equal(2, back->n);
	assert_int_equal(0x08004000, back->units[1].addr);
	assert_int_equal(0x400, back->units[1].len);
	assert_int_equal(2, back->bytes.n);
	assert_int_equal(0x08003FF0, back->bytes.v[0].addr);
	assert_memory_equal("\x00\x01\xFE\xFF", back->bytes.v[0].data, 4);
	assert_memory_equal("kept", back->bytes.v[1].data, 4);
	state_close(s);
}

static void test_state__finish_forgets_and_remembers(void **state)
{
	struct saved_units saved = some_units();
	struct installed in = {.version = "1.2.3+4",
		.counter = 7,
		.n_pieces = 1,
		.pieces = {{0x08000000, 100}},
		.product_uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		.sha256 = "00",
		.record_addr = 0x08000200};
	struct state *s = open_state();

	(void)state;
	assert_int_equal(0, state_save_units(s, &saved, NULL));
	state_note_current(s, (struct span){0x08000000, 0x4000});
	assert_int_equal(0, state_finish(s, &in, NULL));
	state_close(s);
	saved_units_done(&saved);

	s = open_state();
	assert_null(state_saved(s));
	assert_int_equal(0, state_suspect(s).len);
	assert_true(state_installed(s)->known);
	assert_string_equal("1.2.3+4", state_installed(s)->version);
	assert_int_equal(7, state_installed(s)->counter);
	assert_int_equal(100, state_installed(s)->pieces[0].len);
	assert_int_equal(0x08000200, state_installed(s)->record_addr);
	state_close(s);
}

static void test_state__suspect_survives_a_killed_process(void **state)
{
	struct state *s = open_state();

	(void)state;
	state_note_current(s, (struct span){0x08020000, 0x20000});
	state_note_current(s, (struct span){0x08000400, 0x400});
	state_close(s);
	s = open_state();
	assert_int_equal(0x08000400, state_suspect(s).addr);
	assert_int_equal(0x400, state_suspect(s).len);
	state_close(s);
}

static void test_state__second_process_is_refused(void **state)
{
	struct state *s = open_state(), *second = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ERR_BUSY, state_open(folder, KEY, &second, &e));
	assert_null(second);
	state_close(s);
	/* Another device is another matter. */
	s = open_state();
	assert_int_equal(0, state_open(folder, "dead00beef", &second, &e));
	state_close(second);
	state_close(s);
}

static void find_json(char *ret, size_t size)
{
	char command[128];
	FILE *f;

	snprintf(command, sizeof(command), "ls %s/*.json", folder);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(ret, (int)size, f));
	pclose(f);
	ret[strcspn(ret, "\n")] = '\0';
}

static void test_state__damage_is_refused_not_ignored(void **state)
{
	struct saved_units saved = some_units();
	struct state *s = open_state();
	struct buf good = BUF_INIT;
	char path[160];

	(void)state;
	assert_int_equal(0, state_save_units(s, &saved, NULL));
	state_close(s);
	saved_units_done(&saved);
	find_json(path, sizeof(path));
	assert_int_equal(0, fs_read(path, 1 << 20, &good, NULL));
	for (size_t cut = 0; cut < good.len - 2; cut += 3) {
		struct err e = ERR_INIT;

		assert_int_equal(0, fs_write(path, good.data, cut, 0600, NULL));
		s = NULL;
		assert_int_equal(ERR_FORMAT, state_open(folder, KEY, &s, &e));
		assert_non_null(strstr(e.msg, path));
		assert_true(e.hint[0] != '\0');
	}
	buf_done(&good);
}

/* What no chip and no run of stmota can have left there. */
static void test_state__ranges_are_checked(void **state)
{
#define HEAD   "{\"schema\": 1, "
#define LIFTED HEAD "\"lifted\": [{\"address\": \"0x40022020\", \"value\": 1, "
	static const char *const bad[] = {
		LIFTED "\"bit\": 2147483647, \"width\": 1}]}",
		LIFTED "\"bit\": 4294967296, \"width\": 1}]}",
		LIFTED "\"bit\": 0, \"width\": 4294967297}]}",
		LIFTED "\"bit\": 31, \"width\": 2}]}",
		LIFTED "\"bit\": -1, \"width\": 1}]}",
		HEAD "\"saved\": {\"bytes\": [], \"units\": "
		     "[{\"address\": \"0xFFFFF000\", \"size\": 4097}]}}",
	};
	static const char good[] = LIFTED "\"bit\": 31, \"width\": 1}]}";
	struct state *s = open_state();
	struct lifted none = {.n = 0};
	char path[160];

	(void)state;
	assert_int_equal(0, state_set_lifted(s, &none, NULL));
	state_close(s);
	find_json(path, sizeof(path));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(0, fs_write(path, bad[i], strlen(bad[i]), 0600, NULL));
		s = NULL;
		assert_int_equal(ERR_FORMAT, state_open(folder, KEY, &s, NULL));
		assert_null(s);
	}
	assert_int_equal(0, fs_write(path, good, strlen(good), 0600, NULL));
	s = open_state();
	assert_int_equal(31, state_lifted(s)->field[0].bit);
	state_close(s);
}

static void test_state__kept_image_goes_when_finished(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct state *s = open_state();

	(void)state;
	assert_int_equal(0, state_kept_image(s, &b, NULL));
	assert_int_equal(0, b.len);
	assert_int_equal(0, state_keep_image(s, "new image", 9, NULL));
	state_close(s);
	s = open_state();
	assert_int_equal(0, state_kept_image(s, &b, NULL));
	assert_int_equal(9, b.len);
	assert_memory_equal("new image", b.data, 9);
	assert_int_equal(0, state_finish(s, NULL, NULL));
	b.len = 0;
	assert_int_equal(0, state_kept_image(s, &b, NULL));
	assert_int_equal(0, b.len);
	state_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_state__kept_image_goes_when_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state__ranges_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state__saved_units_survive, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_state__finish_forgets_and_remembers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_state__suspect_survives_a_killed_process, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_state__second_process_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_state__damage_is_refused_not_ignored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
