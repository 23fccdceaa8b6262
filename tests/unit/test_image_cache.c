/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_image_cache.c - images are found by what they are, and make room for newer ones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <stmota/delta_choice.h>
#include <stmota/fs.h>
#include <stmota/image_cache.h>

static struct file_cache cache;

static int setup(void **state)
{
	(void)state;
	cache = (struct file_cache){.max = 3000};
	snprintf(cache.dir, sizeof(cache.dir), "/tmp/stmota-test-XXXXXX");
	return mkdtemp(cache.dir) == NULL;
}

static int teardown(void **state)
{
	char command[sizeof(cache.dir) + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", cache.dir);
	return system(command);
}

static void image(uint8_t fill, uint8_t ret[1000])
{
	memset(ret, fill, 1000);
}

static void path_of(uint8_t fill, char *ret, size_t size)
{
	uint8_t data[1000], sum[SHA256_SIZE];
	size_t len = (size_t)snprintf(ret, size, "%s/", cache.dir);

	image(fill, data);
	assert_int_equal(0, sha256(data, sizeof(data), sum, NULL));
	for (size_t i = 0; i < sizeof(sum); i++)
		len += (size_t)snprintf(ret + len, size - len, "%02x", sum[i]);
	snprintf(ret + len, size - len, ".image");
}

/* Stored, and last used at this second. */
static void store(uint8_t fill, long used)
{
	struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
	char path[PATH_MAX + 80];
	uint8_t data[1000];

	image(fill, data);
	assert_int_equal(0, image_cache_store(&cache, data, sizeof(data), NULL));
	path_of(fill, path, sizeof(path));
	assert_int_equal(0, utimensat(AT_FDCWD, path, times, 0));
}

static bool find(uint8_t fill)
{
	cleanup_buf struct buf b = BUF_INIT;
	uint8_t data[1000], sum[SHA256_SIZE];

	image(fill, data);
	assert_int_equal(0, sha256(data, sizeof(data), sum, NULL));
	if (!image_cache_find(&cache, sum, sizeof(data), &b))
		return false;
	assert_int_equal(sizeof(data), b.len);
	assert_memory_equal(data, b.data, b.len);
	return true;
}

static void test_image_cache__least_recently_used_goes_first(void **state)
{
	(void)state;
	store(1, 1000);
	store(2, 2000);
	store(3, 3000);
	assert_true(find(1)); /* used now: younger than the others */
	store(4, 4000);
	assert_false(find(2));
	assert_true(find(1));
	assert_true(find(3));
	assert_true(find(4));
}

static void test_image_cache__wrong_content_is_removed(void **state)
{
	char path[PATH_MAX + 80];
	uint8_t other[1000];

	(void)state;
	for (size_t len = 0; len <= sizeof(other); len += 500) {
		store(7, 1000);
		image(8, other);
		path_of(7, path, sizeof(path));
		assert_int_equal(0, fs_write(path, other, len, 0600, NULL));
		assert_false(find(7));
		assert_false(fs_exists(path));
	}
	store(7, 1000);
	assert_true(find(7));
}

static void test_image_cache__a_link_is_not_followed(void **state)
{
	char path[PATH_MAX + 80], away[PATH_MAX + 80];

	(void)state;
	store(7, 1000);
	path_of(7, path, sizeof(path));
	snprintf(away, sizeof(away), "%s/elsewhere", cache.dir);
	assert_int_equal(0, rename(path, away));
	assert_int_equal(0, symlink(away, path));
	assert_false(find(7));
	assert_true(fs_exists(away));
}

static void test_image_cache__other_files_stay(void **state)
{
	char path[PATH_MAX + 80];
	uint8_t zeros[4000] = {0};

	(void)state;
	snprintf(path, sizeof(path), "%s/notes", cache.dir);
	assert_int_equal(0, fs_write(path, zeros, sizeof(zeros), 0600, NULL));
	for (uint8_t i = 1; i < 6; i++)
		store(i, i);
	assert_true(fs_exists(path));
	assert_true(find(5));
	assert_true(find(4));
	assert_true(find(3));
	assert_false(find(2));
}

static void test_image_cache__bounds(void **state)
{
	uint8_t large[3001] = {0}, sum[SHA256_SIZE];
	cleanup_buf struct buf b = BUF_INIT;
	struct stat st;
	char path[PATH_MAX + 80];

	(void)state;
	store(1, 1);
	assert_int_equal(0, image_cache_store(&cache, large, sizeof(large), NULL));
	assert_int_equal(0, sha256(large, sizeof(large), sum, NULL));
	assert_false(image_cache_find(&cache, sum, sizeof(large), &b));
	assert_true(find(1)); /* it did not have to go for what does not fit anyway */
	path_of(1, path, sizeof(path));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	cache.max = 0;
	assert_false(find(1));
	assert_true(fs_exists(path));
}

/* ---- whether a patch is worth sending, to a device that decodes itself ---- */

static void test_delta_choice__needs_ram_and_pays(void **state)
{
	struct package patch = {.len = 900, .header = {.decoder_ram = 8192}};

	(void)state;
	assert_null(delta_against(&patch, 901, 8192));
	assert_null(delta_against(&patch, 100000, 16384));
	assert_non_null(delta_against(&patch, 900, 8192));
	assert_non_null(delta_against(&patch, 100000, 4096));
	assert_non_null(delta_against(&patch, 100000, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_image_cache__least_recently_used_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_image_cache__wrong_content_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_image_cache__a_link_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_image_cache__other_files_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_image_cache__bounds, setup, teardown),
		cmocka_unit_test(test_delta_choice__needs_ram_and_pays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
