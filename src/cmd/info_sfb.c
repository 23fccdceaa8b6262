/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_sfb.c - the header of an image for ST's SBSFU described; its tag checked where no key is needed
 */
#include "cmd.h"
#include "info.h"

#include <stmota/sfb.h>

int info_sfb(struct out *o, const struct buf *file, struct err *e)
{
	cleanup_buf struct buf plain = BUF_INIT;
	struct sfb_info in;
	bool whole;
	int rc = sfb_inspect(file->data, file->len, &in, e);

	if (rc < 0)
		return rc;
	whole = in.scheme == SFB_ECDSA && !in.is_partial;
	if (whole)
		rc = sfb_plain(file->data, &in, NULL, &plain, e);
	if (rc < 0 || o == NULL)
		return rc;
	out_str(o, "scheme", in.layout->name);
	out_uint(o, "image", in.slot);
	out_uint(o, "protocol", in.protocol);
	out_uint(o, "version", in.version);
	out_size(o, "header_size", in.offset);
	out_size(o, "program_size", in.size);
	if (in.is_partial) {
		out_hex(o, "partial_offset", in.partial_offset, 8);
		out_size(o, "partial_size", in.partial_size);
	}
	out_bytes(o, "tag", in.tag, in.layout->tag_size);
	if (in.is_partial)
		out_bytes(o, "partial_tag", in.partial_tag, in.layout->tag_size);
	out_str(o, "tag_check",
		whole           ? "matches"
		: in.is_partial ? "not checked: what it is of in a part is not confirmed"
				: "not checked: the program is encrypted");
	if (in.iv != NULL)
		out_bytes(o, in.scheme == SFB_AES_GCM ? "nonce" : "iv", in.iv, in.layout->iv_size);
	out_bytes(o, "signature", in.signature, in.layout->signature_size);
	out_str(o, "state", in.state);
	out_bytes(o, "previous_header", in.fingerprint, SFB_TAG_MAX);
	return 0;
}
