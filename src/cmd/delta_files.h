/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_files.h - the files that diff and patch read: images of any format, and full packages
 */
#ifndef STMOTA_DELTA_FILES_H
#define STMOTA_DELTA_FILES_H

#include <stmota/delta.h>
#include <stmota/package.h>

struct delta_file {
	struct buf file;
	struct package package; /* borrows `file`; only if is_package */
	bool is_package;
	struct segments image; /* one segment */
};

#define DELTA_FILE_INIT ((struct delta_file){.file = BUF_INIT, .image = SEGMENTS_INIT})

/*
 * Reads an image without holes.
 *
 * address  where a raw binary begins; NULL: as its vector table says, else 0
 *
 * Also ERR_UNSUPPORTED: holes, packages of several components or with a delta. Release with
 * delta_file_done() in any case.
 */
int delta_file_read(
	const char *path, const uint32_t *address, struct delta_file *ret, struct err *e);
void delta_file_done(struct delta_file *f);

/* The version that a package or the image's own record tells; false: neither does. */
bool delta_file_version(const struct delta_file *f, struct imf_version *ret);

/* Its bytes; `f` must stay. */
struct delta_image delta_file_image(const struct delta_file *f);

#endif
