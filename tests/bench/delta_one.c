/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_one.c - one delta, for tests/bench/delta: prints its size, what it took, where bytes went
 *
 * usage: delta_one OLD NEW ADDRESS RAM [ERASE_UNIT [GROUP]]
 *
 * OLD "-": none, NEW is compressed; with erase units: in place
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <stmota/bytes.h>
#include <stmota/delta.h>
#include <stmota/fs.h>

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int make(int argc, char **argv, const struct delta_image *base,
	const struct delta_image *image, struct buf *ret, struct delta_stats *st, struct err *e)
{
	static uint32_t units[65536];
	uint32_t ram = (uint32_t)strtoul(argv[4], NULL, 0), group = DELTA_GROUP_DEFAULT;
	struct imf_groups groups;

	if (argc == 5)
		return delta_make(base, image, ram, ret, st, e);
	if (argc == 7)
		group = (uint32_t)strtoul(argv[6], NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		units[i] = (uint32_t)strtoul(argv[5], NULL, 0);
	if (delta_groups_make(units, ARRAY_LEN(units), image->len, ram, group, &groups, e) < 0)
		return -1;
	return delta_make_in_place(base, image, ram, &groups, ret, st, e);
}

int main(int argc, char **argv)
{
	cleanup_buf struct buf old = BUF_INIT, new = BUF_INIT, delta = BUF_INIT;
	struct delta_image base, image;
	struct delta_stats st;
	struct rusage use;
	struct err e = {0};
	double start = seconds();
	uint32_t ram;

	if (argc < 5 || argc > 7)
		return 2;
	if ((strcmp(argv[1], "-") != 0 && fs_read(argv[1], FS_FILE_MAX, &old, &e) < 0) ||
		fs_read(argv[2], FS_FILE_MAX, &new, &e) < 0) {
		fprintf(stderr, "delta_one: %s\n", e.msg);
		return 1;
	}
	base = (struct delta_image){old.data, old.len, (uint32_t)strtoul(argv[3], NULL, 0)};
	image = (struct delta_image){new.data, new.len, base.addr};
	ram = (uint32_t)strtoul(argv[4], NULL, 0);
	if ((strcmp(argv[1], "-") == 0 ? delta_pack(&image, ram, &delta, &st, &e)
				       : make(argc, argv, &base, &image, &delta, &st, &e)) < 0) {
		fprintf(stderr, "delta_one: %s\n", e.msg);
		return 1;
	}
	getrusage(RUSAGE_SELF, &use);
	printf("%zu %.2f %ld segments %u copies %u misses %u/%u fresh %u | list %u fresh %u copies "
	       "%u "
	       "hits %u misses %u groups %u\n",
		delta.len, seconds() - start, use.ru_maxrss / 1024, st.segments, st.copies,
		st.misses, st.units, st.fresh, st.bytes_list, st.bytes_fresh, st.bytes_copies,
		st.bytes_hits, st.bytes_misses, st.groups);
	return 0;
}
