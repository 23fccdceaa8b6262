/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_ymodem.c - stmota ymodem send, stmota ymodem receive: files over a serial line
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stmota/fs.h>
#include <stmota/serial_line.h>
#include <stmota/trace.h>
#include <stmota/ymodem.h>

#define FILES_MAX 64
#define NAME_ROOM 256

/* clang-format off */
#define OPT_LINE \
	{.name = "device", .letter = 'd', .type = OPT_TYPE_STRING, .arg = "URL", \
		.text = "uart:/dev/ttyACM0, tcp:HOST:PORT, or the NAME of a [device NAME] section"}, \
	{.name = "baud", .letter = 'b', .type = OPT_TYPE_U32, .arg = "BAUD", \
		.text = "speed of the serial port (default 115200)"}, \
	OPT_U32("wait", "SEC", "wait so long until the other side begins (default 15)"), \
	OPT_FILE("trace", "FILE", "append every byte on the wire, with times, to FILE")
/* clang-format on */

static const struct opt send_opts[] = {
	OPT_LINE,
	OPT_STRINGS("trait", "NAME", "how this receiver differs: small-blocks, counts-8-bits, ..."),
	OPT_END,
};

static const struct opt receive_opts[] = {
	OPT_LINE,
	OPT_OUT("DIR", "folder for the files; none there is overwritten"),
	OPT_U32("size-max", "SIZE", "refuse larger files (default 256M)"),
	OPT_FLAG("stream", "ask for a stream without acknowledgements (YMODEM-G)"),
	OPT_END,
};

static int check(const struct command_env *env, struct err *e)
{
	if (opt_given(env->opts, "device"))
		return 0;
	err_set(e, ERR_USAGE, "over which line?");
	return err_hint(e, "--device uart:/dev/ttyACM0; 'stmota devices' lists the ports");
}

static int open_line(const struct command_env *env, struct link **ret, struct err *e)
{
	int rc = opt_given(env->opts, "trace") ? trace_open(opt_str(env->opts, "trace", ""), e) : 0;

	return rc < 0 ? rc
		      : serial_line_open(opt_str(env->opts, "device", NULL), env->config,
				opt_u32(env->opts, "baud", 0), ret, e);
}

static struct ymodem_options options_of(const struct command_env *env)
{
	struct ymodem_options o = YMODEM_OPTIONS_INIT;

	o.events = env->events;
	if (opt_given(env->opts, "wait"))
		o.start_ms = opt_u32(env->opts, "wait", 0) < UINT32_MAX / 1000
				     ? opt_u32(env->opts, "wait", 0) * 1000
				     : UINT32_MAX;
	return o;
}

static void report(struct out *o, const struct ymodem_report *r)
{
	out_uint(o, "files", r->files);
	out_size(o, "bytes", r->bytes);
	out_uint(o, "resends", r->resends);
	if (out_mode(o) == OUT_JSON)
		out_str(o, "text", r->text);
}

/* ---- send ---- */

struct sending {
	struct buf files[FILES_MAX];
	struct ymodem_file v[FILES_MAX];
	size_t n;
};

static void sending_done(struct sending *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_done(&s->files[i]);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int load(struct sending *s, const struct command_env *env, struct err *e)
{
	for (size_t i = 0; i < opt_n_args(env->opts); i++) {
		const char *path = opt_arg(env->opts, i), *name = base_name(path);
		int rc;

		if (strlen(name) > YMODEM_NAME_MAX || strpbrk(name, " \t") != NULL)
			return err_set(e, ERR_USAGE,
				"'%.80s': a name with blanks, or of more than %u characters, cannot be "
				"sent",
				name, YMODEM_NAME_MAX);
		rc = fs_read(path, FS_FILE_MAX, &s->files[i], e);
		s->n = i + 1;
		if (rc < 0)
			return rc;
		s->v[i] = (struct ymodem_file){name, s->files[i].data, s->files[i].len};
	}
	return 0;
}

static int run_send(struct command_env *env, struct err *e)
{
	CLEANUP(sending_done) struct sending s = {0};
	struct ymodem_options opt = options_of(env);
	struct ymodem_report r = {0};
	struct link *l = NULL;
	int rc = load(&s, env, e);

	for (size_t i = 0; rc == 0 && i < opt_count(env->opts, "trait"); i++)
		rc = ymodem_trait_parse(opt_str_at(env->opts, "trait", i), &opt.traits, e);
	if (rc == 0)
		rc = ymodem_check(s.v, s.n, opt.traits, e);
	if (rc == 0)
		rc = open_line(env, &l, e);
	if (rc < 0)
		return rc;
	rc = ymodem_send(l, s.v, s.n, &opt, &r, e);
	link_close(l);
	if (rc < 0)
		return rc;
	if (r.open_end)
		event_emit(env->events,
			&(struct event){.type = EVENT_WARNING,
				.text = "the device did not acknowledge the end of the batch; it "
					"acknowledged every file"});
	report(env->out, &r);
	return 0;
}

const struct command cmd_ymodem_send = {
	.name = "ymodem send",
	.args = "FILE...",
	.needs = "--device URL",
	.summary = "send files over a serial line by YMODEM",
	.details =
		"Waits until the receiver asks. Blocks of 1024 bytes with CRC, each acknowledged.\n"
		"What the device prints in between is no error.\n\n"
		"--trait says how a receiver differs: small-blocks (128 bytes), counts-8-bits (it\n"
		"takes block 256 for a header: larger files are refused), writes-twice (it does\n"
		"not look at block numbers: nothing is sent again on mere silence), nak-is-number\n"
		"(ST's IAP), stream (YMODEM-G, if it asks for that).\n",
	.examples = "stmota ymodem send --device uart:/dev/ttyACM0 app.bin\n"
		    "stmota ymodem send --device tcp:gateway:7000 --trait counts-8-bits app.bin\n",
	.group = COMMAND_DEVICE,
	.opts = send_opts,
	.flags = CMD_JSON | CMD_EVENTS,
	.min_args = 1,
	.max_args = FILES_MAX,
	.check = check,
	.run = run_send,
};

/* ---- receive ---- */

struct receiving {
	const char *dir;
	struct out *out;
	char name[NAME_ROOM];
	char path[PATH_MAX];
	int fd; /* -1: no file is open */
	uint64_t bytes;
};

static int begin(void *ctx, const char *name, uint64_t size, struct err *e)
{
	struct receiving *r = ctx;

	snprintf(r->name, sizeof(r->name), "%s", name);
	if (snprintf(r->path, sizeof(r->path), "%s/%s", r->dir, name) >= (int)sizeof(r->path))
		return err_set(e, ERR_IO, "file name too long");
	r->bytes = 0;
	r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (r->fd >= 0)
		return 0;
	if (errno != EEXIST)
		return err_set_errno(e, ERR_IO, errno, "cannot create %s", r->path);
	err_set(e, ERR_USAGE, "%s exists already", r->path);
	return err_hint(e, "received files overwrite nothing: choose another folder");
}

static int data(void *ctx, const uint8_t *p, size_t len, struct err *e)
{
	struct receiving *r = ctx;

	while (len > 0) {
		ssize_t n = write(r->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set_errno(
				e, ERR_IO, n < 0 ? errno : ENOSPC, "cannot write %s", r->path);
		p += n;
		len -= (size_t)n;
		r->bytes += (uint64_t)n;
	}
	return 0;
}

static int end(void *ctx, struct err *e)
{
	struct receiving *r = ctx;
	bool kept = fsync(r->fd) == 0;

	kept = close(r->fd) == 0 && kept;
	r->fd = -1;
	if (!kept)
		return err_set_errno(e, ERR_IO, errno, "cannot write %s", r->path);
	out_object(r->out, NULL);
	out_str(r->out, "file", r->name);
	out_size(r->out, "size", r->bytes);
	out_end(r->out);
	return 0;
}

static int run_receive(struct command_env *env, struct err *e)
{
	struct receiving r = {.dir = opt_str(env->opts, "out", "."), .out = env->out, .fd = -1};
	struct ymodem_sink sink = {&r, begin, data, end};
	struct ymodem_options opt = options_of(env);
	struct ymodem_report report_ = {0};
	struct link *l = NULL;
	int rc = fs_mkdir(r.dir, e);

	opt.size_max = opt_u32(env->opts, "size-max", 256u << 20);
	if (opt_given(env->opts, "stream"))
		opt.traits |= 1u << YMODEM_STREAM;
	if (rc == 0)
		rc = open_line(env, &l, e);
	if (rc < 0)
		return rc;
	out_table(env->out, "received");
	rc = ymodem_receive(l, &sink, &opt, &report_, e);
	out_end(env->out);
	link_close(l);
	/* Half a file is worse than none: somebody might flash it. */
	if (r.fd >= 0) {
		close(r.fd);
		unlink(r.path);
	}
	if (rc == 0)
		report(env->out, &report_);
	return rc;
}

const struct command cmd_ymodem_receive = {
	.name = "ymodem receive",
	.args = "",
	.needs = "--device URL",
	.summary = "receive files over a serial line by YMODEM",
	.details =
		"Asks the other side to begin, takes blocks of 128 and 1024 bytes in any mixture,\n"
		"and ends with the sender's batch. A file that breaks off is removed.\n",
	.examples = "stmota ymodem receive --device uart:/dev/ttyACM0 --out upload\n",
	.group = COMMAND_DEVICE,
	.opts = receive_opts,
	.flags = CMD_JSON | CMD_EVENTS,
	.min_args = 0,
	.max_args = 0,
	.check = check,
	.run = run_receive,
};
