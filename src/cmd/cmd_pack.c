/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_pack.c - makes a package of firmware files
 */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/fs.h>
#include <stmota/log.h>
#include <stmota/strparse.h>

#include "pack_job.h"

static const struct opt opts[] = {
	OPT_FILE("from", "FILE.ini", "a description of the package, instead of IN"),
	OPT_U32("address", "ADDR", "where a raw binary begins"),
	OPT_STRING("product", "NAME", "product, such as acme.com/streetlight"),
	OPT_STRING("version", "VERSION",
		"version, such as 1.2.3+4 (default: of the firmware's record)"),
	OPT_CHOICE("kind", "application|second-image|configuration|ram-init|ram-code|data",
		"what the file is (default application)"),
	OPT_STRING("chip", "PID", "only for this chip, such as 0x413 or STM32F407"),
	OPT_STRING("hw", "MIN..MAX", "only for these hardware revisions"),
	OPT_U32("counter", "N", "security counter: devices never go below the highest they had"),
	OPT_STRING("min-version", "VERSION", "only over this version or a later one"),
	OPT_STRING("name", "NAME", "what IN is called in the package"),
	OPT_STRINGS("component", "[NAME=]KIND:FILE[@ADDR]", "one more component"),
	OPT_FLAG("compress", "compress what becomes smaller by it"),
	OPT_CHOICE("ram", "4|8|16", "KiB of RAM that a device may use to undo that (default 8)"),
	OPT_STRING("title", "TEXT", "the product as people call it"),
	OPT_STRING("build-id", "WORD", "which build this is"),
	OPT_STRING("revision", "WORD", "which source it was built from"),
	OPT_STRING("notes", "TEXT", "release notes: a line or two"),
	OPT_FILE("notes-file", "FILE", "release notes, at most 1,024 bytes"),
	CMD_OPT_ENCRYPT,
	CMD_OPT_KEYS,
	OPT_OUT("OUT.sota", "the package"),
	OPT_END,
};

/* ---- the command line ---- */

/* [NAME=]KIND:FILE[@ADDR]; a file name may hold ':' and, if no number follows, '@'. */
static int add_component(struct pack_job *p, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':'), *equal, *kind = text;
	char kind_text[32], name[PACKAGE_NAME_SIZE], path[4096];
	struct pack_file f = {.path = path};
	char *at;
	int rc;

	equal = colon != NULL ? memchr(text, '=', (size_t)(colon - text)) : NULL;
	if (equal != NULL)
		kind = equal + 1;
	if (colon == NULL || (size_t)(colon - kind) >= sizeof(kind_text) ||
		strlen(colon + 1) >= sizeof(path) || colon[1] == '\0' ||
		(equal != NULL && (size_t)(equal - text) >= sizeof(name))) {
		err_set(e, ERR_USAGE, "'%.80s' is not [NAME=]KIND:FILE[@ADDR]", text);
		return err_hint(e, "such as --component configuration:settings.bin@0x0800F000, or "
				   "radio=data:radio.bin");
	}
	snprintf(kind_text, sizeof(kind_text), "%.*s", (int)(colon - kind), kind);
	if (equal != NULL) {
		snprintf(name, sizeof(name), "%.*s", (int)(equal - text), text);
		f.name = name;
	}
	rc = package_kind_parse(kind_text, &f.kind, e);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s", colon + 1);
	at = strrchr(path, '@');
	f.has_address = at != NULL && parse_u32(at + 1, &f.address, NULL) == 0;
	if (f.has_address)
		*at = '\0';
	return pack_job_add(p, &f, e);
}

static int add_files(struct pack_job *p, const struct opts *o, struct err *e)
{
	struct pack_file f = {
		.path = opt_arg(o, 0),
		.name = opt_str(o, "name", NULL),
		.has_address = opt_given(o, "address"),
		.address = opt_u32(o, "address", 0),
	};
	int rc = package_kind_parse(opt_str(o, "kind", "application"), &f.kind, e);

	if (rc == 0)
		rc = pack_job_add(p, &f, e);
	for (size_t i = 0; rc == 0 && i < opt_count(o, "component"); i++)
		rc = add_component(p, opt_str_at(o, "component", i), e);
	return rc;
}

/* Either a file and options, or a description; never files of both. */
static int check_usage(const struct opts *o, struct err *e)
{
	static const char *const of_files[] = {"address", "kind", "name", "component"};
	bool from = opt_given(o, "from");

	if (!from && opt_n_args(o) == 0) {
		err_set(e, ERR_USAGE, "which file should be packed?");
		return err_hint(e,
			"stmota pack IN --product NAME --version VERSION --out OUT.sota, "
			"or stmota pack --from release.ini");
	}
	if (from && opt_n_args(o) > 0)
		return err_set(e, ERR_USAGE, "%s: with --from the files stand in the description",
			opt_arg(o, 0));
	for (size_t i = 0; from && i < ARRAY_LEN(of_files); i++)
		if (opt_given(o, of_files[i]))
			return err_set(e, ERR_USAGE,
				"--%s and --from: files are described in one place", of_files[i]);
	return 0;
}

static const char *where_to(const struct opts *o, const struct release_ini *ini)
{
	return opt_str(o, "out", ini->package[RELEASE_OUT].text);
}

/* ---- the package ---- */

static void report(struct out *o, const char *path, const struct package *p)
{
	char version[VERSION_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
	uint32_t head = p->header.manifest_size + IMF_SIG_HEADER_SIZE + p->signatures.size;
	uint64_t plain = 0;

	out_str(o, "file", path);
	out_str(o, "product", p->product);
	out_str(o, "product_uuid", uuid_format(p->header.product, uuid));
	out_str(o, "version", version_format(p->header.version, version));
	out_uint(o, "components", p->header.n_components);
	out_uint(o, "signatures", p->n_signatures);
	for (size_t i = 0; i < p->header.n_components; i++)
		plain += package_component(p, i).plain_size;
	if (plain != p->header.payload_size)
		out_size(o, "plain", plain);
	out_size(o, "payload", p->header.payload_size);
	out_size(o, "size", p->len);
	out_bool(o, "encrypted", package_is_encrypted(p, NULL));
	out_bytes(o, "manifest_digest", p->digest, SHA256_SIZE);
	if (head > IMF_HEAD_MAX_DEVICE)
		log_warn("manifest and signatures are %u bytes: devices that check packages "
			 "themselves "
			 "take at most %u",
			head, IMF_HEAD_MAX_DEVICE);
	if (p->n_signatures == 0)
		log_warn("%s is not signed: 'stmota sign' signs it", path);
}

static int make(const struct opts *o, const struct release_ini *ini, struct pack_job *p,
	struct buf *b, struct err *e)
{
	bool from = opt_given(o, "from");
	int rc = pack_job_settings(p, o, from ? ini : NULL, e);

	if (rc == 0 && where_to(o, ini) == NULL) {
		err_set(e, ERR_USAGE, "where should the package go?");
		rc = err_hint(e, "--out OUT.sota%s", from ? ", or out = in [package]" : "");
	}
	p->chunk_size = (uint32_t)strtoul(opt_str(o, "chain", "0"), NULL, 10);
	if (rc == 0)
		rc = from ? pack_job_add_all(p, ini, e) : add_files(p, o, e);
	if (rc == 0)
		rc = pack_job_compress(p, o, e);
	if (rc == 0)
		rc = pack_job_build(p, b, e);
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	cleanup_release_ini struct release_ini ini = RELEASE_INI_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct package made;
	struct cmd_lock lock = {0};
	struct pack_job p;
	const char *to;
	int rc = check_usage(o, e);

	if (rc == 0 && opt_given(o, "from"))
		rc = pack_read_ini(opt_str(o, "from", NULL), &ini, e);
	if (rc < 0)
		return rc;
	pack_job_init(&p, env);
	rc = cmd_load_lock(env, &lock, e);
	p.spec.lock = lock.used ? &lock.lock : NULL;
	if (rc == 0)
		rc = make(o, &ini, &p, &b, e);
	pack_job_done(&p);
	cmd_lock_done(&lock);
	if (rc == 0)
		rc = cmd_sign_package(env, where_to(o, &ini), &b, e);
	if (rc == 0)
		rc = package_parse(b.data, b.len, &made, e);
	if (rc < 0)
		return rc;
	to = where_to(o, &ini);
	rc = fs_write(to, b.data, b.len, 0644, e);
	if (rc == 0 && strcmp(to, "-") != 0)
		report(env->out, to, &made);
	return rc;
}

const struct command cmd_pack = {
	.name = "pack",
	.args = "[IN]",
	.needs = "--out OUT.sota",
	.summary = "make a package of firmware files",
	.details =
		"IN is an ELF, Intel HEX, S-record, UF2, DfuSe or raw binary file; a raw binary\n"
		"(with or without a DFU suffix) needs --address. Or --from FILE.ini describes\n"
		"all of it (see stmota-package(5)); options then win over what stands there.\n"
		"If the firmware carries an IMF_APP_INFO() record, version, counter, hardware\n"
		"and chip come from there, and options that contradict it are refused. The same\n"
		"input gives the same bytes (signatures of p256 keys and --encrypt-to excepted:\n"
		"they hold random numbers).\n"
		"With a key to encrypt, every component is encrypted; in a FILE.ini each may say\n"
		"'encrypt = no'. A device needs the same product key, or its own private key.\n",
	.examples = "stmota pack app.elf --product acme.com/lamp --version 1.2.3 \\\n"
		    "    --key release.pem --out app.sota\n"
		    "stmota pack app.bin --address 0x08000000 --product acme.com/lamp \\\n"
		    "    --version 1.2.3 --chip 0x413 --out app.sota\n"
		    "stmota pack app.hex --product acme.com/lamp --version 1.2.3 \\\n"
		    "    --component configuration:settings.bin@0x0800F000 --out app.sota\n"
		    "stmota pack --from release.ini --key release.pem\n"
		    "stmota pack app.elf --product acme.com/lamp --version 1.2.3 --chain 1024 \\\n"
		    "    --encrypt-key lamp.key --key release.pem --out app.sota\n",
	.group = COMMAND_PACKAGE,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
