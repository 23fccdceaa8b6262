/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_aes.c - the options of convert for files that are AES-CTR and nothing else
 *
 * Such a file cannot be recognised, nor what is wrong with it: so reading one must be asked for, and
 * what comes out is looked at for a vector table.
 */
#include "cmd.h"
#include "convert.h"

#include <string.h>

#include <stmota/aes_file.h>
#include <stmota/image.h>
#include <stmota/log.h>
#include <stmota/vectors.h>

static int read_options(
	const struct convert_job *j, const char *key, struct aes_file *ret, struct err *e)
{
	const struct opts *o = j->env->opts;
	int rc;

	if (!opt_given(o, key) || !opt_given(o, "iv")) {
		err_set(e, ERR_USAGE, "an AES file needs --%s and --iv", key);
		return err_hint(
			e, "both are constants of the device: --%s FILE --iv 32HEXDIGITS", key);
	}
	ret->salted = opt_given(o, "salt");
	rc = aes_file_parse_iv(opt_str(o, "iv", ""), ret->iv, e);
	return rc < 0 ? rc : aes_file_load_key(opt_str(o, key, ""), ret, e);
}

static void report(const struct convert_job *j, const struct aes_file *a, const struct buf *b)
{
	struct out *o = j->env->out;

	if (strcmp(j->out, "-") == 0)
		return;
	out_str(o, "file", j->out);
	out_str(o, "from", j->from->name);
	out_str(o, "format", j->to->name);
	out_str(o, "cipher", a->key_len == 16 ? "aes-128-ctr" : "aes-256-ctr");
	out_bytes(o, "iv", a->iv, AES_FILE_IV);
	if (a->salted)
		out_bytes(o, "salt", b->data, AES_FILE_IV);
	else
		out_str(o, "salt", NULL);
	out_size(o, "size", b->len);
}

int convert_to_aes(const struct convert_job *j, struct buf *ret, struct err *e)
{
	struct fmt_write_options flat = {.erased = j->erased};
	cleanup_aes_file struct aes_file a = AES_FILE_INIT;
	cleanup_buf struct buf image = BUF_INIT;
	int rc = read_options(j, "aes-key", &a, e);

	if (rc == 0)
		rc = convert_check_program(j, 0, e);
	if (rc == 0)
		rc = fmt_write(fmt_find("bin"), j->image, &flat, &image, e);
	if (rc == 0)
		rc = aes_file_seal(&a, image.data, image.len, ret, e);
	if (rc < 0)
		return rc;
	log_warn("%s: %s", j->out, aes_file_lacks(&a));
	report(j, &a, ret);
	return 0;
}

/* Where it belongs is often not known here. */
static bool is_program(const struct convert_job *j, const struct buf *image)
{
	const struct opts *o = j->env->opts;
	uint32_t fits[16];

	if (opt_given(o, "address"))
		return image->len >= 8 && vectors_bootable(image->data, opt_u32(o, "address", 0),
						  (uint32_t)image->len, j->chip);
	return vectors_guess_base(image->data, image->len, fits, ARRAY_LEN(fits)) > 0;
}

int convert_from_aes(
	const struct convert_job *j, const struct buf *file, struct buf *ret, struct err *e)
{
	cleanup_aes_file struct aes_file a = AES_FILE_INIT;
	int rc = read_options(j, "decrypt-key", &a, e);

	if (rc == 0)
		rc = aes_file_open(&a, file->data, file->len, ret, e);
	if (rc < 0)
		return err_wrap(e, "%s", j->in);
	if (!is_program(j, ret))
		log_warn(
			"%s: what comes out does not begin as a program does; with a wrong key, IV "
			"or --salt it looks like that",
			j->in);
	return 0;
}
