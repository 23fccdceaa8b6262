/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/updater_file.h>

#include <string.h>

#include <stmota/fmt_dfuse.h>

static int one_component(const struct firmware *f, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < f->package.header.n_components; i++)
		n += f->selected[i];
	if (n == 1)
		return 0;
	err_set(e, ERR_USAGE, "%s has %zu components and the device takes one file", f->path, n);
	return err_hint(
		e, "name the one that it is for with --component; 'stmota info' lists them");
}

static int no_delta(const struct firmware *f, struct err *e)
{
	err_set(e, ERR_UNSUPPORTED,
		"%s is a delta, and the old image inside the device cannot be reached", f->path);
	return err_hint(e, "make the new image of it with 'stmota patch', and give it that");
}

/* A suffix names the device that the file is for; that of a DfuSe file too. */
static int take_ids(const struct firmware *f, struct updater_file *ret, struct err *e)
{
	struct dfu_suffix s;
	int rc;

	if (f->is_package || (f->format->kind != FMT_DFU && f->format->kind != FMT_DFUSE))
		return 0;
	rc = dfu_suffix_read(f->file.data, f->file.len, &s, e);
	if (rc < 0)
		return rc;
	ret->vid = s.vendor;
	ret->pid = s.product;
	ret->release = s.device;
	return 0;
}

/* The package itself; its deltas are undone by a device that says it can. */
static int whole(const struct firmware *f, const struct updater_info *info,
	struct updater_file *ret, struct err *e)
{
	if (!f->is_package) {
		err_set(e, ERR_NO_FIT, "%s is no package, and this device takes nothing else",
			f->path);
		return err_hint(e, "'stmota pack' makes one");
	}
	for (size_t i = 0; i < f->package.header.n_components; i++) {
		if (f->selected[i])
			continue;
		err_set(e, ERR_USAGE, "%s goes to this device whole, it takes out what it needs",
			f->path);
		return err_hint(e, "leave out --component");
	}
	if (!info->takes_deltas && firmware_waits_any(f))
		return no_delta(f, e);
	ret->data = f->file.data;
	ret->len = f->file.len;
	return 0;
}

/* A device that has its program at one address gets none that is linked for another. */
static int check_address(const struct firmware *f, const struct updater_info *info, struct err *e)
{
	uint32_t from = segments_extent(&f->image).addr;

	if (info->form != UPDATER_PLAIN || !info->has_address || from == info->address ||
		(!f->is_package && !f->format->has_addresses))
		return 0;
	err_set(e, ERR_NO_FIT, "%s begins at 0x%08X, and this device has its program at 0x%08X",
		f->path, from, info->address);
	return err_hint(e, "link it for that address; or is it another playbook?");
}

int updater_file_make(const struct firmware *f, const struct updater_info *info, struct buf *room,
	struct updater_file *ret, struct err *e)
{
	struct updater_file file = {.name = f->path,
		.vid = UPDATER_ANY_ID,
		.pid = UPDATER_ANY_ID,
		.release = UPDATER_ANY_ID};
	struct fmt_write_options opt = {.erased = 0xFF};
	int rc = 0;

	if (info->form == UPDATER_PACKAGE) {
		rc = whole(f, info, &file, e);
		if (rc == 0)
			*ret = file;
		return rc;
	}
	if (f->is_package)
		rc = one_component(f, e);
	if (rc == 0 && firmware_waits_any(f))
		rc = no_delta(f, e);
	if (rc == 0)
		rc = take_ids(f, &file, e);
	if (rc == 0)
		rc = check_address(f, info, e);
	if (rc == 0 && f->image.n > 1)
		rc = fmt_write(fmt_find("bin"), &f->image, &opt, room, e);
	if (rc < 0)
		return rc;
	if (f->image.n == 1) {
		file.data = f->image.v[0].data;
		file.len = f->image.v[0].len;
	} else {
		file.data = room->data;
		file.len = room->len;
	}
	*ret = file;
	return 0;
}
