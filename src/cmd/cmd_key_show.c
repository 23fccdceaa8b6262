/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_key_show.c - what a key file holds, also as C source for a device
 */
#include "cmd.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <stmota/fs.h>
#include <stmota/key.h>

static const struct opt opts[] = {
	OPT_FLAG("c-array", "print the public key as C source for image_format/"),
	OPT_FILE("public", "PUB.pem", "write the public key as PEM"),
	OPT_FILE("passphrase-file", "FILE",
		"its first line is the passphrase of the key, or the PIN"),
	OPT_STRING("name", "NAME", "name of the C arrays (default: made of the file name)"),
	OPT_END,
};

/* A private key file tells its public half too. */
static int load(const char *path, const struct key_unlock *unlock, struct key **ret, struct err *e)
{
	static const char mark[] = "PRIVATE KEY-----";
	cleanup_buf struct buf text = BUF_INIT;
	bool private;
	int rc;

	if (strncmp(path, "pkcs11:", 7) == 0)
		return key_load_private(path, unlock, ret, e);
	rc = fs_read(path, 65536, &text, e);
	if (rc < 0)
		return rc;
	private = text.len > 0 && memmem(text.data, text.len, mark, sizeof(mark) - 1) != NULL;
	if (private)
		explicit_bzero(text.data, text.cap);
	return private ? key_load_private(path, unlock, ret, e)
		       : key_parse_public(text.data, text.len, path, ret, e);
}

static void c_name(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t len = strcspn(base, "."), n = 0;

	if (!isalpha((unsigned char)base[0]))
		n = (size_t)snprintf(ret, size, "key_");
	for (size_t i = 0; i < len && n < size - 1; i++)
		ret[n++] = isalnum((unsigned char)base[i]) ? (char)tolower((unsigned char)base[i])
							   : '_';
	ret[n] = '\0';
}

static int append_array(struct buf *b, const char *name, const char *part, const uint8_t *p,
	size_t len, struct err *e)
{
	char text[128];
	int rc, n = snprintf(
			text, sizeof(text), "static const uint8_t %s%s[%zu] = {", name, part, len);

	rc = buf_append(b, text, (size_t)n, e);
	for (size_t i = 0; rc == 0 && i < len; i++) {
		n = snprintf(text, sizeof(text), "%s0x%02X,", i % 12 == 0 ? "\n\t" : " ", p[i]);
		rc = buf_append(b, text, (size_t)n, e);
	}
	return rc < 0 ? rc : buf_append(b, "\n};\n", 4, e);
}

static int print_c(const struct key *k, const char *path, const char *name, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	char made[64], text[256];
	size_t len = 0;
	const uint8_t *raw = key_raw_public(k, &len);
	int rc, n;

	if (name == NULL) {
		c_name(path, made, sizeof(made));
		name = made;
	}
	if (strlen(name) >= sizeof(made) || !isalpha((unsigned char)name[0]) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
			strlen(name))
		return err_set(e, ERR_USAGE, "'%.80s' is no name for a C array", name);
	n = snprintf(text, sizeof(text),
		"/* Public key, %s. Made by: stmota key show --c-array */\n",
		key_type(k) == KEY_ED25519 ? "Ed25519: 32 bytes"
					   : "ECDSA P-256: x and y, big endian");
	rc = buf_append(&b, text, (size_t)n, e);
	if (rc == 0)
		rc = append_array(&b, name, "_id", key_id(k), KEY_ID_SIZE, e);
	if (rc == 0)
		rc = append_array(&b, name, "", raw, len, e);
	return rc < 0 ? rc : fs_write("-", b.data, b.len, 0644, e);
}

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_arg(env->opts, 0);
	const char *public = opt_str(env->opts, "public", NULL);
	struct key_unlock unlock = cmd_unlock(env);
	cleanup_key struct key *k = NULL;
	const uint8_t *raw;
	size_t len = 0;
	int rc = load(path, &unlock, &k, e);

	if (rc == 0 && public != NULL)
		rc = key_save_public(k, public, e);
	if (rc < 0)
		return rc;
	if (opt_given(env->opts, "c-array"))
		return print_c(k, path, opt_str(env->opts, "name", NULL), e);
	raw = key_raw_public(k, &len);
	out_str(env->out, "file", path);
	out_str(env->out, "type", key_type_name(key_type(k)));
	out_bool(env->out, "private", key_is_private(k));
	out_bool(env->out, "in_token", key_is_in_token(k));
	out_bytes(env->out, "key_id", key_id(k), KEY_ID_SIZE);
	out_bytes(env->out, "fingerprint", key_fingerprint(k), SHA256_SIZE);
	out_bytes(env->out, "public_key", raw, len);
	return 0;
}

const struct command cmd_key_show = {
	.name = "key show",
	.args = "KEY.pem|pkcs11:URI",
	.summary = "show what a key is, or print it as a C array",
	.details = "The private part is never shown. The fingerprint is the SHA-256 of the public\n"
		   "key as DER, as `openssl pkey -pubin -outform DER | sha256sum` tells it.\n",
	.examples = "stmota key show release.pub.pem\n"
		    "stmota key show release.pub.pem --c-array > release_key.h\n"
		    "stmota key show 'pkcs11:token=release;object=lamp' --public lamp.pub.pem\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
