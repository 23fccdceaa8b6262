/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_files.c - the files that diff and patch read
 */
#include "delta_files.h"

#include <stmota/fmt.h>
#include <stmota/fs.h>
#include <stmota/vectors.h>

static int read_package(const char *path, struct delta_file *f, struct err *e)
{
	int rc = package_open(f->file.data, f->file.len, &f->package, e);

	f->is_package = rc == 0;
	if (rc == 0 && f->package.header.n_components != 1) {
		err_set(e, ERR_UNSUPPORTED,
			"deltas of packages with several components are not supported");
		rc = err_hint(e, "'stmota unpack' takes the components out: a delta of one of them "
				 "is a package of its own");
	}
	if (rc == 0)
		rc = package_segments(&f->package, 0, &f->image, e);
	return rc < 0 ? err_wrap(e, "%s", path) : 0;
}

static int read_image(
	const char *path, const uint32_t *address, struct delta_file *f, struct err *e)
{
	struct fmt_options opt = {0};
	uint32_t fits[2];

	if (!fmt_detect(f->file.data, f->file.len)->has_addresses) {
		opt.raw = opt.has_address = true;
		opt.address = address != NULL ? *address : 0;
		if (address == NULL &&
			vectors_guess_base(f->file.data, f->file.len, fits, ARRAY_LEN(fits)) == 1)
			opt.address = fits[0];
	}
	return fmt_read(f->file.data, f->file.len, path, &opt, &f->image, NULL, e);
}

int delta_file_read(
	const char *path, const uint32_t *address, struct delta_file *ret, struct err *e)
{
	int rc;

	*ret = DELTA_FILE_INIT;
	rc = fs_read(path, FS_FILE_MAX, &ret->file, e);
	if (rc < 0)
		return rc;
	if (ret->file.len == 0)
		return err_set(e, ERR_FORMAT, "%s is empty", path);
	rc = package_detect(ret->file.data, ret->file.len) ? read_package(path, ret, e)
							   : read_image(path, address, ret, e);
	if (rc == 0 && ret->image.n != 1) {
		err_set(e, ERR_UNSUPPORTED, "%s has holes: deltas of such images are not supported",
			path);
		rc = err_hint(e, "close them before: objcopy --gap-fill 0xff");
	}
	return rc;
}

void delta_file_done(struct delta_file *f)
{
	segments_done(&f->image);
	buf_done(&f->file);
}

struct delta_image delta_file_image(const struct delta_file *f)
{
	return (struct delta_image){f->image.v[0].data, f->image.v[0].len, f->image.v[0].addr};
}

bool delta_file_version(const struct delta_file *f, struct imf_version *ret)
{
	struct imf_app_info info;
	uint32_t offset;
	bool found = false;

	if (f->is_package)
		*ret = f->package.header.version;
	else if (package_find_app_info(&f->image, &offset, &info, &found, NULL) == 0 && found)
		*ret = info.version;
	return f->is_package || found;
}
