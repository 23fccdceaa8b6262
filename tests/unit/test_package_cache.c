/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_package_cache.c - packages that are fetched once, checked at each use, and stay while needed
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/fs.h>
#include <stmota/image_cache.h>
#include <stmota/package_cache.h>

#define LEN 5000

static struct file_cache cache;
static char server[PATH_MAX]; /* a folder, reached by file: */
static char folder[PATH_MAX];
static const struct fetch_settings settings = FETCH_SETTINGS_INIT;

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/stmota-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(server, sizeof(server), "%.80s/server", folder);
	cache = (struct file_cache){.max = 3 * LEN};
	snprintf(cache.dir, sizeof(cache.dir), "%.80s/cache", folder);
	return mkdir(server, 0700);
}

static int teardown(void **state)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

struct item {
	uint8_t data[LEN], sum[SHA256_SIZE];
	char url[PATH_MAX + 64], served[PATH_MAX + 32], cached[PATH_MAX];
	struct fetch_request rq;
};

/* A package, and where it is served. */
static void make(struct item *i, uint8_t fill)
{
	memset(i, 0, sizeof(*i));
	for (size_t k = 0; k < LEN; k++)
		i->data[k] = (uint8_t)(fill * 31 + k * 7 + k / 256);
	assert_int_equal(sha256(i->data, LEN, i->sum, NULL), 0);
	snprintf(i->served, sizeof(i->served), "%s/%d.sota", server, fill);
	snprintf(i->url, sizeof(i->url), "file://%s", i->served);
	assert_int_equal(fs_write(i->served, i->data, LEN, 0600, NULL), 0);
	assert_true(file_cache_path(&cache, i->sum, ".sota", i->cached));
	i->rq.urls[0] = i->url;
	i->rq.n_urls = 1;
}

static int get(const struct item *i, bool may_fetch, struct package_file *f, struct err *e)
{
	*f = PACKAGE_FILE_INIT;
	return package_cache_get(
		&cache, &settings, may_fetch ? &i->rq : NULL, i->sum, LEN, f, NULL, e);
}

static void must_get(const struct item *i, bool may_fetch, bool fetched)
{
	struct package_file f;
	struct err e = ERR_INIT;
	uint8_t back[LEN];

	if (get(i, may_fetch, &f, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(f.fetched == fetched);
	assert_int_equal(f.len, LEN);
	assert_int_equal(pread(f.fd, back, LEN, 0), LEN);
	assert_memory_equal(back, i->data, LEN);
	package_file_close(&f);
}

/* Last used at this second. */
static void used(const struct item *i, long second)
{
	struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};

	assert_int_equal(utimensat(AT_FDCWD, i->cached, times, 0), 0);
}

static void test_package_cache_get__fetched_once(void **state)
{
	struct item i;
	struct package_file f;
	struct err e = ERR_INIT;
	struct stat st;

	make(&i, 1);
	assert_false(package_cache_has(&cache, i.sum));
	assert_false(package_cache_touch(&cache, i.sum));
	assert_int_equal(get(&i, false, &f, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "is not in the cache"));
	must_get(&i, true, true);
	assert_true(package_cache_has(&cache, i.sum));
	assert_int_equal(unlink(i.served), 0);
	must_get(&i, true, false);
	must_get(&i, false, false);
	assert_int_equal(stat(i.cached, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Changed, cut, grown, emptied; replaced by a link to the right bytes, by a pipe. */
static void test_package_cache_get__what_was_changed_is_fetched_anew(void **state)
{
	struct item i;
	struct package_file f;
	uint8_t other[LEN + 1];

	make(&i, 1);
	for (int way = 0; way < 6; way++) {
		must_get(&i, true, way >= 0);
		memcpy(other, i.data, LEN);
		other[LEN - 1] ^= way == 0;
		other[LEN] = 0;
		assert_int_equal(unlink(i.cached), 0);
		if (way < 4)
			assert_int_equal(fs_write(i.cached, other,
						 way == 1   ? LEN - 1
						 : way == 2 ? LEN + 1
						 : way == 3 ? 0
							    : LEN,
						 0600, NULL),
				0);
		else if (way == 4)
			assert_int_equal(symlink(i.served, i.cached), 0);
		else
			assert_int_equal(mkfifo(i.cached, 0600), 0);
		assert_int_equal(get(&i, false, &f, NULL), ERR_IO);
		assert_int_equal(access(i.cached, F_OK), -1);
		assert_int_equal(access(i.served, F_OK), 0);
	}
	must_get(&i, true, true);
	must_get(&i, true, false);
}

/* What was checked is what will be read, whoever writes into the folder meanwhile. */
static void test_package_cache_get__nobody_changes_it_afterwards(void **state)
{
	struct item i;
	struct package_file f;
	uint8_t back[LEN];
	int file, a, b;

	make(&i, 1);
	assert_int_equal(get(&i, true, &f, NULL), 0);
	file = open(i.cached, O_WRONLY);
	assert_int_equal(pwrite(file, "rubbish", 7, 100), 7);
	close(file);
	assert_int_equal(write(f.fd, "x", 1), -1);
	assert_int_equal(ftruncate(f.fd, 0), -1);
	/* Each has a place of its own to read from. */
	assert_int_equal(package_file_open(&f, &a, NULL), 0);
	assert_int_equal(package_file_open(&f, &b, NULL), 0);
	assert_int_equal(read(a, back, LEN), LEN);
	assert_memory_equal(back, i.data, LEN);
	memset(back, 0, LEN);
	assert_int_equal(read(b, back, LEN), LEN);
	assert_memory_equal(back, i.data, LEN);
	close(a);
	close(b);
	package_file_close(&f);
	package_file_close(&f); /* does no harm */
	assert_int_equal(get(&i, false, &f, NULL), ERR_IO);
}

static void test_package_cache_get__least_recently_used_goes_first(void **state)
{
	struct item i[5];
	struct package_file f;

	for (uint8_t k = 0; k < 5; k++)
		make(&i[k], k);
	for (int k = 0; k < 3; k++) {
		must_get(&i[k], true, true);
		used(&i[k], 1000 + k);
	}
	assert_true(package_cache_touch(&cache, i[0].sum));
	/* The oldest is needed: it stays although it is the oldest. */
	assert_int_equal(get(&i[1], false, &f, NULL), 0);
	used(&i[1], 1);
	must_get(&i[3], true, true);
	assert_true(package_cache_has(&cache, i[0].sum));
	assert_true(package_cache_has(&cache, i[1].sum));
	assert_false(package_cache_has(&cache, i[2].sum));
	package_file_close(&f);
	used(&i[3], 2000);
	used(&i[1], 1);
	must_get(&i[4], true, true);
	assert_false(package_cache_has(&cache, i[1].sum));
	assert_true(package_cache_has(&cache, i[0].sum));
}

/* Images and packages are bounded together. */
static void test_package_cache_get__shares_its_bound_with_images(void **state)
{
	uint8_t image[LEN] = {1}, sum[SHA256_SIZE];
	struct buf found = BUF_INIT;
	struct item i[3];

	assert_int_equal(sha256(image, LEN, sum, NULL), 0);
	assert_int_equal(image_cache_store(&cache, image, LEN, NULL), 0);
	for (uint8_t k = 0; k < 3; k++) {
		make(&i[k], k);
		must_get(&i[k], true, true);
	}
	assert_false(image_cache_find(&cache, sum, LEN, &found));
	assert_int_equal(image_cache_store(&cache, image, LEN, NULL), 0);
	assert_true(image_cache_find(&cache, sum, LEN, &found));
	assert_int_equal(package_cache_has(&cache, i[0].sum) + package_cache_has(&cache, i[1].sum) +
				 package_cache_has(&cache, i[2].sum),
		2);
	buf_done(&found);
}

static void test_package_cache_get__larger_than_the_cache(void **state)
{
	struct item i;

	cache.max = LEN - 1;
	make(&i, 1);
	must_get(&i, true, true);
	assert_false(package_cache_has(&cache, i.sum));
	must_get(&i, true, true);
}

static void test_package_cache_get__a_server_with_other_bytes(void **state)
{
	struct item i;
	struct package_file f;
	struct err e = ERR_INIT;

	make(&i, 1);
	i.data[77] ^= 1;
	assert_int_equal(fs_write(i.served, i.data, LEN, 0600, NULL), 0);
	assert_int_equal(get(&i, true, &f, &e), ERR_DAMAGED);
	assert_int_equal(f.fd, -1);
	assert_false(package_cache_has(&cache, i.sum));
	/* Longer than announced. */
	assert_int_equal(package_cache_get(&cache, &settings, &i.rq, i.sum, LEN - 1, &f, NULL, &e),
		ERR_FORMAT);
	assert_false(package_cache_has(&cache, i.sum));
}

/* Of several processes at once one fetches, and all have it. */
static void test_package_cache_get__many_processes(void **state)
{
	struct item i;
	pid_t child[8];
	int gate[2], status;

	make(&i, 1);
	assert_int_equal(pipe(gate), 0);
	for (size_t k = 0; k < 8; k++) {
		child[k] = fork();
		if (child[k] == 0) {
			struct package_file f;
			uint8_t back[LEN];
			char c;
			int rc;

			close(gate[1]);
			if (read(gate[0], &c, 1) != 0)
				_exit(9);
			rc = get(&i, true, &f, NULL);
			_exit(rc < 0 || pread(f.fd, back, LEN, 0) != LEN ||
				memcmp(back, i.data, LEN) != 0);
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (size_t k = 0; k < 8; k++) {
		assert_int_equal(waitpid(child[k], &status, 0), child[k]);
		assert_int_equal(status, 0);
	}
	assert_true(package_cache_has(&cache, i.sum));
}

/* ---- a disk of its own ---- */

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                    \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int on_a_small_disk(struct item *i)
{
	struct package_file f;
	struct err e = ERR_INIT;
	char filler[PATH_MAX + 16];
	uint8_t image[LEN] = {1};
	int fd;

	/* Nearly full of what nobody needs: that makes room. */
	cache.max = UINT32_MAX;
	for (uint8_t k = 0; k < 40; k++) {
		image[0] = k;
		CHECK(image_cache_store(&cache, image, LEN, &e) == 0);
	}
	CHECK(get(i, true, &f, &e) == 0);
	package_file_close(&f);
	/* Full of what is none of ours: a clear error, and what was there stays as it was. */
	cache.max = 0;
	CHECK(file_cache_make_room(&cache, 0, NULL, &e) == 0);
	CHECK(access(i->cached, F_OK) < 0);
	cache.max = UINT32_MAX;
	snprintf(filler, sizeof(filler), "%s/filler", cache.dir);
	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	while (write(fd, image, sizeof(image)) > 0)
		;
	close(fd);
	CHECK(get(i, true, &f, &e) == ERR_IO);
	CHECK(strstr(e.msg, "is full") != NULL && strstr(e.hint, "KiB more") != NULL);
	CHECK(unlink(filler) == 0);
	CHECK(get(i, true, &f, &e) == 0);
	package_file_close(&f);
	return 0;
}

static void test_package_cache_get__full_disk(void **state)
{
	struct item i;
	pid_t child;
	int status = 0;

	make(&i, 1);
	assert_int_equal(mkdir(cache.dir, 0700), 0);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS | (geteuid() != 0 ? CLONE_NEWUSER : 0)) < 0 ||
			mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tmpfs", cache.dir, "tmpfs", 0, "size=256k") < 0)
			_exit(77);
		_exit(on_a_small_disk(&i));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("SKIP: file systems cannot be mounted here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_package_cache_get__fetched_once),
		TEST(test_package_cache_get__what_was_changed_is_fetched_anew),
		TEST(test_package_cache_get__nobody_changes_it_afterwards),
		TEST(test_package_cache_get__least_recently_used_goes_first),
		TEST(test_package_cache_get__shares_its_bound_with_images),
		TEST(test_package_cache_get__larger_than_the_cache),
		TEST(test_package_cache_get__a_server_with_other_bytes),
		TEST(test_package_cache_get__many_processes),
		TEST(test_package_cache_get__full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
