/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_read.c - copies memory of a device into a file
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/device.h>
#include <stmota/fs.h>
#include <stmota/memory_job.h>

#define READ_MAX (64u << 20) /* no memory of an STM32 is larger */
#define FILE_MAX (16u << 20) /* nor what a device keeps of a file */

static const struct opt opts[] = {
	OPT_SPAN("range", "ADDR:LEN", "what to read"),
	OPT_FLAG("all", "read the whole flash; of a device that takes files, all it gives back"),
	OPT_OUT("FILE", "where the bytes go; - is standard output"),
	OPT_FLAG("twice", "read everything twice; both must agree"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	const struct opts *o = env->opts;
	const char *out = opt_str(o, "out", NULL);

	if (opt_given(o, "all") == opt_given(o, "range")) {
		err_set(e, ERR_USAGE, "either --range or --all says what to read");
		return err_hint(e, "--range 0x08000000:64K");
	}
	if (out == NULL)
		return err_set(e, ERR_USAGE, "--out FILE is missing");
	if (strcmp(out, "-") == 0 && opt_given(o, "json"))
		return err_set(e, ERR_USAGE, "--json and --out - both write to standard output");
	if (opt_given(o, "range") && opt_span_at(o, "range", 0).len > READ_MAX)
		return err_set(e, ERR_USAGE, "the range is larger than any STM32 memory");
	return 0;
}

static int choose_range(const struct command_env *env, const struct device_facts *f,
	struct span *ret, struct err *e)
{
	struct span flash = {f->geometry.base, f->geometry.size}, want;

	if (opt_given(env->opts, "all")) {
		if (f->read_refused)
			return err_set(e, ERR_PROTECTED, "the device is read-protected");
		if (!f->has_geometry)
			return err_set(e, ERR_UNSUPPORTED, "the size of the flash is not known: %s",
				f->geometry_why);
		*ret = flash;
		return 0;
	}
	want = opt_span_at(env->opts, "range", 0);
	/* A read that runs past the end of a memory is not refused by the ROM: nonsense comes. */
	if (f->has_geometry && want.addr >= flash.addr && want.addr - flash.addr < flash.len &&
		!span_contains(flash, want)) {
		err_set(e, ERR_NO_FIT, "the range ends behind the flash of this device");
		return err_hint(
			e, "its flash is 0x%08" PRIX32 ":0x%" PRIX32, flash.addr, flash.len);
	}
	*ret = want;
	return 0;
}

/* What a device that takes files gives back: from its first byte to its own end. */
static int read_file(
	struct command_env *env, struct updater *u, uint8_t **ret, size_t *ret_len, struct err *e)
{
	cleanup_free uint8_t *data = malloc(FILE_MAX), *again = NULL;
	size_t n = 0, n_again = 0;
	int rc = 0;

	if (!opt_given(env->opts, "all")) {
		err_set(e, ERR_UNSUPPORTED, "the device has no addresses");
		return err_hint(e, "--all reads what it gives, from the first byte to the last");
	}
	if (u->ops->receive == NULL)
		return err_set(e, ERR_UNSUPPORTED, "the device gives nothing back");
	if (opt_given(env->opts, "twice"))
		again = malloc(FILE_MAX);
	if (data == NULL || (again == NULL && opt_given(env->opts, "twice")))
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = u->ops->receive(u, data, FILE_MAX, &n, e);
	if (rc == 0 && again != NULL)
		rc = u->ops->receive(u, again, FILE_MAX, &n_again, e);
	if (rc == 0 && again != NULL && (n != n_again || memcmp(data, again, n) != 0))
		rc = err_set(e, ERR_VERIFY, "two readings differ");
	if (rc == 0 && n == FILE_MAX)
		rc = err_set(e, ERR_PROTOCOL, "the device has no end");
	if (rc < 0)
		return rc;
	*ret = data;
	*ret_len = n;
	data = NULL;
	return 0;
}

static int read_updater(struct command_env *env, const struct device *d, struct err *e)
{
	const char *path = opt_str(env->opts, "out", NULL);
	cleanup_free uint8_t *data = NULL;
	size_t n = 0;
	int rc = read_file(env, d->updater, &data, &n, e);

	if (rc < 0)
		return err_wrap(e, "%s", d->name);
	rc = fs_write(path, data, n, 0644, e);
	if (rc == 0 && strcmp(path, "-") != 0) {
		out_str(env->out, "device", d->name);
		out_size(env->out, "size", n);
		out_str(env->out, "file", path);
	}
	return rc;
}

static int run(struct command_env *env, struct err *e)
{
	const char *path = opt_str(env->opts, "out", NULL);
	cleanup_free uint8_t *data = NULL;
	struct device *d = NULL;
	struct span range = {0};
	int rc = cmd_find_any_device(env, 0, &d, e);

	if (rc == 0 && d->updater != NULL) {
		rc = read_updater(env, d, e);
		device_close(d);
		return rc;
	}
	if (rc == 0)
		rc = choose_range(env, &d->facts, &range, e);
	if (rc == 0) {
		data = malloc(range.len);
		if (data == NULL)
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (rc == 0)
		rc = memory_read(d, range, opt_given(env->opts, "twice"), data, env->events, e);
	if (rc == 0)
		rc = fs_write(path, data, range.len, 0644, e);
	if (rc == 0 && strcmp(path, "-") != 0) {
		out_str(env->out, "device", d->name);
		out_hex(env->out, "address", range.addr, 8);
		out_size(env->out, "size", range.len);
		out_str(env->out, "file", path);
	}
	device_close(d);
	return rc;
}

const struct command cmd_read = {
	.name = "read",
	.args = "",
	.needs = "--range ADDR:LEN|--all --out FILE",
	.summary = "copy memory of a device into a file",
	.details = "The file gets the bare bytes. The wire carries no checksum for what is read;\n"
		   "--twice makes sure where that matters.\n",
	.examples = "stmota read --device uart:/dev/ttyUSB0 --all --out flash.bin\n"
		    "stmota read --device lamp --range 0x08000000:16K --out boot.bin\n"
		    "stmota read --device dfu:1209:0001 --all --out app.bin\n",
	.group = COMMAND_DEVICE,
	.opts = opts,
	.flags = CMD_JSON | CMD_DEVICE | CMD_LOOKS,
	.check = check,
	.run = run,
};
