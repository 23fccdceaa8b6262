/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_sfb.c - the options of convert that make an image for ST's SBSFU
 */
#include "cmd.h"
#include "convert.h"

#include <string.h>

#include <stmota/sfb.h>
#include <stmota/strparse.h>

static int parse_version(const char *text, uint16_t *ret, struct err *e)
{
	uint32_t v;

	if (parse_u32(text, &v, NULL) < 0 || v > UINT16_MAX) {
		err_set(e, ERR_USAGE, "'%.40s' is no version for SBSFU", text);
		return err_hint(e, "its header holds one number, 0 to 65535");
	}
	*ret = (uint16_t)v;
	return 0;
}

static int read_spec(const struct convert_job *j, struct sfb_spec *s, struct err *e)
{
	const struct opts *o = j->env->opts;
	static const char *const needed[] = {"scheme", "version", "header-size"};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (opt_given(o, needed[i]))
			continue;
		err_set(e, ERR_USAGE, "--to sfb needs --%s", needed[i]);
		return err_hint(e, "the loader was built for one scheme and one place of the "
				   "program: --scheme ecdsa-aes-cbc --header-size 512 --version 3");
	}
	*s = (struct sfb_spec){
		.slot = opt_u32(o, "image", 1),
		.protocol = 1,
		.offset = opt_u32(o, "header-size", 0),
		.erased = j->erased,
	};
	rc = sfb_scheme_parse(opt_str(o, "scheme", ""), &s->scheme, e);
	return rc < 0 ? rc : parse_version(opt_str(o, "version", ""), &s->version, e);
}

static void report(const struct convert_job *j, const struct sfb_spec *s, const struct buf *b)
{
	struct out *o = j->env->out;

	if (strcmp(j->out, "-") == 0)
		return;
	out_str(o, "file", j->out);
	out_str(o, "from", j->from->name);
	out_str(o, "format", j->to->name);
	out_str(o, "scheme", sfb_layout(s->scheme)->name);
	out_uint(o, "version", s->version);
	out_uint(o, "image", s->slot);
	out_size(o, "header_size", s->offset);
	out_size(o, "body_size", b->len - s->offset);
	out_str(o, "signed_with", s->key != NULL ? key_type_name(key_type(s->key)) : NULL);
	if (s->key != NULL)
		out_bytes(o, "key_id", key_id(s->key), KEY_ID_SIZE);
	out_bool(o, "encrypted", s->aes_key != NULL);
	out_size(o, "size", b->len);
}

int convert_to_sfb(const struct convert_job *j, struct buf *ret, struct err *e)
{
	const struct opts *o = j->env->opts;
	struct fmt_write_options flat = {.erased = j->erased};
	cleanup_buf struct buf program = BUF_INIT;
	struct key_unlock unlock = cmd_unlock(j->env);
	uint8_t aes_key[SFB_AES_KEY] = {0};
	cleanup_key struct key *key = NULL;
	struct sfb_spec s;
	int rc = read_spec(j, &s, e);

	if (rc == 0)
		rc = convert_check_program(j, 0, e);
	if (rc == 0)
		rc = fmt_write(fmt_find("bin"), j->image, &flat, &program, e);
	if (rc == 0 && opt_given(o, "key"))
		rc = key_load_private(opt_str(o, "key", ""), &unlock, &key, e);
	if (rc == 0 && opt_given(o, "aes-key")) {
		rc = sfb_load_key(opt_str(o, "aes-key", ""), aes_key, e);
		s.aes_key = aes_key;
	}
	s.key = key;
	if (rc == 0)
		rc = sfb_build(&s, program.data, program.len, ret, e);
	explicit_bzero(aes_key, sizeof(aes_key));
	if (rc == 0)
		report(j, &s, ret);
	return rc;
}
