/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.c - an image as stmota reads it, in forms that other programs make too
 *
 * usage: dump binary FILE OUT    from the lowest to the highest address, holes as 0, the form of
 *                                `objcopy -O binary`
 *        dump ranges FILE OUT    one line "ADDRESS END" for each segment
 *        dump build-id FILE OUT  the build id of an ELF file, as `readelf -n` prints it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/buf.h>
#include <stmota/fmt.h>
#include <stmota/fs.h>

static int dump_binary(const struct segments *s, struct buf *ret, struct err *e)
{
	struct span all = segments_extent(s);
	int rc = buf_fill(ret, 0, all.len, e);

	if (rc == 0)
		segments_copy(s, all, ret->data);
	return rc;
}

static int dump_ranges(const struct segments *s, struct buf *ret, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		char line[32];
		int n = snprintf(line, sizeof(line), "%08X %08X\n", s->v[i].addr,
			s->v[i].addr + s->v[i].len);

		rc = buf_append(ret, line, (size_t)n, e);
	}
	return rc;
}

static int dump_build_id(const struct buf *file, struct buf *ret, struct err *e)
{
	uint8_t id[64];
	size_t n = fmt_elf_build_id(file->data, file->len, id, sizeof(id));
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		char digits[3];

		snprintf(digits, sizeof(digits), "%02x", id[i]);
		rc = buf_append(ret, digits, 2, e);
	}
	return rc == 0 ? buf_append(ret, "\n", 1, e) : rc;
}

int main(int argc, char **argv)
{
	cleanup_buf struct buf file = BUF_INIT, out = BUF_INIT;
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: dump binary|ranges|build-id FILE OUT\n");
		return 2;
	}
	rc = fs_read(argv[2], FS_FILE_MAX, &file, &e);
	if (rc == 0)
		rc = fmt_read(file.data, file.len, argv[2], NULL, &s, NULL, &e);
	if (rc == 0 && strcmp(argv[1], "build-id") == 0)
		rc = dump_build_id(&file, &out, &e);
	else if (rc == 0 && strcmp(argv[1], "ranges") == 0)
		rc = dump_ranges(&s, &out, &e);
	else if (rc == 0)
		rc = dump_binary(&s, &out, &e);
	if (rc == 0)
		rc = fs_write(argv[3], out.data, out.len, 0644, &e);
	if (rc < 0)
		fprintf(stderr, "dump: %s\n", e.msg);
	return rc < 0 ? 1 : 0;
}
