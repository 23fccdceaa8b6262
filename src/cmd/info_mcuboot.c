/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_mcuboot.c - an MCUboot image described, its hash checked
 *
 * Signatures are shown, not believed: the key is in the loader on the device.
 */
#include "cmd.h"
#include "info.h"

#include <stdio.h>

#include <stmota/mcuboot.h>

#define SHOWN_BYTES 12 /* of an entry, on a terminal; JSON has all */

static void show_version(struct out *o, struct mcuboot_version v)
{
	out_strf(o, "version", "%u.%u.%u+%u", v.major, v.minor, v.revision, (unsigned)v.build);
}

static void show_header(struct out *o, const struct mcuboot_info *m)
{
	show_version(o, m->version);
	out_size(o, "header_size", m->header_size);
	out_size(o, "body_size", m->body_size);
	if (m->load_addr != 0)
		out_hex(o, "load_address", m->load_addr, 8);
	out_list(o, "flags");
	for (unsigned bit = 0; bit < 32; bit++) {
		const char *name = mcuboot_flag_name(bit);

		if ((m->flags >> bit & 1) == 0)
			continue;
		if (name != NULL)
			out_str(o, NULL, name);
		else
			out_hex(o, NULL, (uint64_t)1 << bit, 8);
	}
	out_end(o);
}

static void show_hash(struct out *o, const struct mcuboot_info *m, bool checked)
{
	out_strf(o, "hash", "%s",
		m->hash_bits == 0 ? "none (signed as a whole)"
		: checked         ? "matches"
			  : "not checked: it is of the plain body, which is encrypted here");
	out_uint(o, "signatures", m->n_signatures);
}

static void show_value(struct out *o, const struct mcuboot_tlv *t)
{
	char text[2 * SHOWN_BYTES + 4];

	if (out_mode(o) != OUT_HUMAN || t->len <= SHOWN_BYTES) {
		out_bytes(o, "value", t->data, t->len);
		return;
	}
	for (size_t i = 0; i < SHOWN_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", t->data[i]);
	out_strf(o, "value", "%s...", text);
}

static void show_entries(struct out *o, const struct mcuboot_info *m, const uint8_t *data)
{
	struct mcuboot_tlv t;
	size_t at = 0;

	out_table(o, "tlvs");
	while (mcuboot_tlv_next(data, m, &at, &t)) {
		out_object(o, NULL);
		out_hex(o, "type", t.type, 2);
		out_str(o, "name", t.name);
		out_bool(o, "protected", t.is_protected);
		out_uint(o, "length", t.len);
		show_value(o, &t);
		out_end(o);
	}
	out_end(o);
}

static void show_dependencies(struct out *o, const struct mcuboot_info *m, const uint8_t *data)
{
	struct mcuboot_tlv t;
	bool any = false;

	for (size_t at = 0; mcuboot_tlv_next(data, m, &at, &t);) {
		if (t.type != MCUBOOT_TLV_DEPENDENCY || !t.is_protected)
			continue;
		if (!any)
			out_table(o, "dependencies");
		any = true;
		out_object(o, NULL);
		out_uint(o, "image", t.data[0]);
		show_version(o, mcuboot_version_at(t.data + 4));
		out_end(o);
	}
	if (any)
		out_end(o);
}

/* Where the vector table behind the header says that it belongs. */
static void show_body(struct out *o, const struct mcuboot_info *m, const uint8_t *data)
{
	const uint8_t *body = data + m->header_size;
	uint32_t slot;

	if ((m->flags & (MCUBOOT_ENCRYPTED | MCUBOOT_COMPRESSED)) != 0 || m->body_size < 8)
		return;
	out_object(o, "body");
	out_hex(o, "stack_pointer", get_le32(body), 8);
	out_hex(o, "reset", get_le32(body + 4), 8);
	if (mcuboot_guess_slot(data, m, &slot)) {
		out_hex(o, "guessed_slot", slot, 8);
		out_hex(o, "guessed_address", slot + m->header_size, 8);
	}
	out_end(o);
}

int info_mcuboot(struct out *o, const struct buf *file, struct err *e)
{
	struct mcuboot_info m;
	bool checked = false;
	uint32_t counter;
	int rc = mcuboot_inspect(file->data, file->len, &m, e);

	if (rc == 0)
		rc = mcuboot_check_hash(file->data, &m, &checked, e);
	if (rc < 0 || o == NULL)
		return rc;
	show_header(o, &m);
	show_hash(o, &m, checked);
	if (mcuboot_counter(file->data, &m, &counter))
		out_uint(o, "security_counter", counter);
	show_dependencies(o, &m, file->data);
	show_entries(o, &m, file->data);
	show_body(o, &m, file->data);
	out_size(o, "padding", file->len - m.end);
	out_bool(o, "trailer", m.has_trailer);
	return 0;
}
