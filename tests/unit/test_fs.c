/* SPDX-License-Identifier: Apache-2.0 */
/* test_fs.c - whole files: atomic replacement, limits, special files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/fs.h>

static char folder[64];

static const char *in_folder(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static int enter(void **state)
{
	strcpy(folder, "/tmp/stmota-fs-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int leave(void **state)
{
	static const char *const names[] = {"a", "b/c/d", "b/c", "b", "fifo", "link"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(in_folder(names[i]));
	/* Fails if a temporary file was left. */
	return rmdir(folder);
}

static void expect_content(const char *path, const char *text)
{
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(fs_read(path, 1000, &b, NULL), 0);
	assert_int_equal(b.len, strlen(text));
	if (b.len > 0)
		assert_memory_equal(b.data, text, b.len);
}

static void test_fs_write__replaces_with_mode(void **state)
{
	struct stat st;

	umask(022);
	assert_int_equal(fs_write(in_folder("a"), "one", 3, 0644, NULL), 0);
	expect_content(in_folder("a"), "one");
	assert_int_equal(fs_write(in_folder("a"), "", 0, 0600, NULL), 0);
	expect_content(in_folder("a"), "");
	assert_int_equal(stat(in_folder("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(fs_exists(in_folder("a")));
	assert_false(fs_exists(in_folder("b")));
}

static void test_fs_write__readers_of_the_old_file_keep_it(void **state)
{
	char old[4] = "";
	int fd;

	assert_int_equal(fs_write(in_folder("a"), "old", 3, 0644, NULL), 0);
	fd = open(in_folder("a"), O_RDONLY);
	assert_int_equal(fs_write(in_folder("a"), "NEW", 3, 0644, NULL), 0);
	assert_int_equal(read(fd, old, 3), 3);
	close(fd);
	assert_string_equal(old, "old");
	expect_content(in_folder("a"), "NEW");
}

static void test_fs_write__failure_keeps_the_old_file(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(mkdir(in_folder("b"), 0755), 0);
	assert_int_equal(fs_write(in_folder("b"), "x", 1, 0644, &e), ERR_IO);
	assert_int_equal(fs_write(in_folder("none/a"), "x", 1, 0644, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "none/a: No such file or directory"));
	/* The device is full before a byte is written. */
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(fs_write("/dev/full", "x", 1, 0644, &e), ERR_IO);
		assert_string_equal(e.msg, "cannot write /dev/full: No space left on device");
	}
}

static void test_fs_write__special_files_are_not_replaced(void **state)
{
	struct stat st;

	assert_int_equal(fs_write("/dev/null", "x", 1, 0644, NULL), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void test_fs_read__too_long(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fs_write(in_folder("a"), "12345", 5, 0644, NULL), 0);
	assert_int_equal(fs_read(in_folder("a"), 5, &b, NULL), 0);
	/* What was in the buffer before does not count. */
	assert_int_equal(fs_read(in_folder("a"), 5, &b, NULL), 0);
	assert_int_equal(b.len, 10);
	assert_int_equal(fs_read(in_folder("a"), 4, &b, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "is larger than 4 bytes"));
	/* A file without an end is left in time. */
	b.len = 0;
	assert_int_equal(fs_read("/dev/zero", 100000, &b, &e), ERR_FORMAT);
	assert_true(b.len <= 100000);
}

static void test_fs_read__missing_and_folder(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fs_read(in_folder("none"), 10, &b, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "none: No such file or directory"));
	assert_int_equal(fs_read(folder, 10, &b, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "Is a directory"));
	assert_int_equal(b.len, 0);
}

static void test_fs_mkdir__with_parents(void **state)
{
	char path[5000];
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(fs_mkdir(in_folder("b/c/d"), NULL), 0);
	assert_int_equal(fs_mkdir(in_folder("b/c/d"), NULL), 0);
	assert_int_equal(stat(in_folder("b/c/d"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(fs_write(in_folder("a"), "", 0, 0644, NULL), 0);
	assert_int_equal(fs_mkdir(in_folder("a/x"), &e), ERR_IO);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(fs_mkdir(path, &e), ERR_IO);
	assert_int_equal(fs_write(path, "", 0, 0644, &e), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fs_write__replaces_with_mode, enter, leave),
		cmocka_unit_test_setup_teardown(
			test_fs_write__readers_of_the_old_file_keep_it, enter, leave),
		cmocka_unit_test_setup_teardown(
			test_fs_write__failure_keeps_the_old_file, enter, leave),
		cmocka_unit_test(test_fs_write__special_files_are_not_replaced),
		cmocka_unit_test_setup_teardown(test_fs_read__too_long, enter, leave),
		cmocka_unit_test_setup_teardown(test_fs_read__missing_and_folder, enter, leave),
		cmocka_unit_test_setup_teardown(test_fs_mkdir__with_parents, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
