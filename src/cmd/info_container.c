/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_container.c - what UF2, DFU, MCUboot and SBSFU files say beside their image: for whom they are
 *
 * A file for another chip, or for several, is described as well: that is why somebody asks.
 */
#include "cmd.h"
#include "info.h"

#include <stmota/fmt_dfuse.h>
#include <stmota/fmt_uf2.h>

static int show_uf2(struct out *o, const struct buf *file, struct err *e)
{
	struct uf2_info info;
	int rc = uf2_inspect(file->data, file->len, &info, e);

	if (rc < 0 || o == NULL)
		return rc;
	out_table(o, "families");
	for (size_t i = 0; i < info.n_groups; i++) {
		const struct uf2_group *g = &info.groups[i];
		const struct uf2_family *f = g->has_family ? uf2_family_find(g->family) : NULL;

		out_object(o, NULL);
		if (g->has_family)
			out_hex(o, "id", g->family, 8);
		else
			out_str(o, "id", NULL);
		out_str(o, "name", f != NULL ? f->name : NULL);
		out_uint(o, "blocks", g->n_blocks);
		out_uint(o, "not_main_flash", g->n_skipped);
		out_size(o, "size", g->size);
		out_end(o);
	}
	out_end(o);
	out_bool(o, "md5_fields", info.has_md5);
	out_bool(o, "extension_tags", info.has_tags);
	return 0;
}

static void show_suffix(struct out *o, const struct dfu_suffix *s)
{
	out_object(o, "suffix");
	out_hex(o, "vendor", s->vendor, 4);
	out_hex(o, "product", s->product, 4);
	out_hex(o, "device", s->device, 4);
	out_hex(o, "dfu_version", s->version, 4);
	out_end(o);
}

static int show_dfu(struct out *o, const struct buf *file, struct err *e)
{
	struct dfu_suffix suffix;
	int rc = dfu_suffix_read(file->data, file->len, &suffix, e);

	if (rc == 0 && o != NULL)
		show_suffix(o, &suffix);
	return rc;
}

static int show_dfuse(struct out *o, const struct buf *file, struct err *e)
{
	struct dfuse_info info;
	int rc = dfuse_inspect(file->data, file->len, &info, e);
	size_t at;

	if (rc < 0 || o == NULL)
		return rc;
	show_suffix(o, &info.suffix);
	at = info.first_target;
	out_table(o, "targets");
	for (unsigned i = 0; i < info.n_targets; i++) {
		struct dfuse_target t;

		at = dfuse_target_at(file->data, at, &t);
		out_object(o, NULL);
		out_uint(o, "alt", t.alt);
		out_str(o, "name", t.named ? t.name : NULL);
		out_uint(o, "elements", t.n_elements);
		out_size(o, "size", t.size);
		out_end(o);
	}
	out_end(o);
	return 0;
}

static const struct {
	enum fmt_kind kind;
	int (*show)(struct out *o, const struct buf *file, struct err *e);
} containers[] = {
	{FMT_UF2, show_uf2},
	{FMT_DFUSE, show_dfuse},
	{FMT_DFU, show_dfu},
	{FMT_MCUBOOT, info_mcuboot},
	{FMT_SFB, info_sfb},
};

bool info_is_container(const struct fmt *f)
{
	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if (containers[i].kind == f->kind)
			return true;
	return false;
}

int info_container(struct out *o, const struct fmt *f, const struct buf *file, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if (containers[i].kind == f->kind)
			return containers[i].show(o, file, e);
	return 0;
}
