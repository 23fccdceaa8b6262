/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.c - from a command line to an exit status
 *
 * Finds the command, parses its options, reads the configuration, asks before something is
 * destroyed, runs it, prints its result and says in one line what went wrong.
 */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/log.h>
#include <stmota/progress.h>
#include <stmota/trace.h>

struct call {
	const struct command *command; /* NULL: none was named */
	struct opts *opts;
	struct config *config;
	struct out *out;
	struct progress *progress; /* NULL: silent, or the events go to `out` */
	struct event_sink events;
	struct command_env env;
	bool json;
};

static void on_log(void *ctx, enum log_level level, const char *line)
{
	static const char *const prefix[] = {[LOG_ERROR] = "error: ",
		[LOG_WARN] = "warning: ",
		[LOG_INFO] = "",
		[LOG_DEBUG] = ""};
	const struct call *c = ctx;
	char text[600];

	snprintf(text, sizeof(text), "%s%s%s", log_priority(stderr, level), prefix[level], line);
	progress_message(c->progress, text);
}

static void set_log_level(struct call *c)
{
	size_t verbose = opt_count(c->opts, "verbose");
	enum log_level max = verbose >= 2 ? LOG_DEBUG : verbose == 1 ? LOG_INFO : LOG_WARN;

	log_set_handler(on_log, c, opt_given(c->opts, "quiet") ? LOG_ERROR : max);
}

/* --- errors --------------------------------------------------------------------------------- */

/* Failures that make sense only together with the device they happened on. */
static bool is_about_device(enum err_code code)
{
	static const enum err_code codes[] = {ERR_LINK, ERR_BUSY, ERR_TIMEOUT, ERR_NACK,
		ERR_PROTOCOL, ERR_IDENTITY, ERR_PROTECTED, ERR_VERIFY, ERR_UNFINISHED};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* The path inside a device URL is what messages of the link name. */
static bool names_device(const char *msg, const char *device)
{
	const char *colon = strchr(device, ':');
	char path[128];

	if (strstr(msg, device) != NULL)
		return true;
	if (colon == NULL)
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(colon + 1, "?,"), colon + 1);
	return path[0] != '\0' && strstr(msg, path) != NULL;
}

static void print_error(const struct call *c, const struct err *e)
{
	const char *device = c->env.device;
	char where[16] = "";

	if (e->addr != ERR_NO_ADDR) {
		snprintf(where, sizeof(where), "%08X", e->addr);
		if (strstr(e->msg, where) != NULL)
			where[0] = '\0';
		else
			snprintf(where, sizeof(where), " at 0x%08X", e->addr);
	}
	fprintf(stderr, "%sstmota: ", log_priority(stderr, LOG_ERROR));
	/* "dfu:" names none: it is the only one that there is. */
	if (device != NULL && strcmp(device, "dfu:") != 0 && is_about_device(e->code) &&
		!names_device(e->msg, device))
		fprintf(stderr, "%s: ", device);
	fprintf(stderr, "%s%s\n", e->msg[0] != '\0' ? e->msg : err_code_name(e->code), where);
	if (e->hint[0] != '\0')
		fprintf(stderr, "%shint: %s\n", log_priority(stderr, LOG_ERROR), e->hint);
}

/* --- the steps ------------------------------------------------------------------------------ */

/* "fleet adopt, check, list" for "fleet"; empty if no command begins with that word. */
static void rest_of_command(const char *word, char *ret, size_t size)
{
	size_t len = strlen(word), at = 0;

	ret[0] = '\0';
	for (size_t i = 0; commands[i] != NULL && at < size; i++)
		if (strncmp(commands[i]->name, word, len) == 0 && commands[i]->name[len] == ' ')
			at += (size_t)snprintf(ret + at, size - at, "%s%s", at > 0 ? ", " : "",
				commands[i]->name + len + 1);
}

static int unknown_command(const char *word, struct err *e)
{
	const char *similar = command_similar(commands, word);
	char rest[120];

	rest_of_command(word, rest, sizeof(rest));
	/* The first word of "key show" is not unknown, it is incomplete. */
	if (rest[0] != '\0') {
		err_set(e, ERR_USAGE, "'%s' is only the beginning of a command", word);
		return err_hint(e, "'stmota %s' goes on with one of: %s", word, rest);
	}
	err_set(e, ERR_USAGE, "unknown command '%s'", word);
	if (similar != NULL)
		return err_hint(e, "did you mean 'stmota %s'?", similar);
	return err_hint(e, "'stmota --help' lists the commands");
}

/*
 * Takes the words of the command's name out of argv, so that options may stand before it, and
 * parses what is left.
 */
static int parse(struct call *c, int argc, char **argv, struct err *e)
{
	const struct opt *tables[COMMAND_TABLES];
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	size_t used = 0;
	int first, rc;

	if (words == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	command_tables(NULL, tables);
	first = opt_first_arg(tables, argc, argv);
	if (first < argc) {
		c->command = command_find(commands, (size_t)(argc - first), argv + first, &used);
		if (c->command == NULL) {
			rc = unknown_command(argv[first], e);
			goto out;
		}
		command_tables(c->command, tables);
	} else {
		tables[0] = command_opts_global;
		tables[1] = command_opts_program;
		tables[2] = NULL;
	}
	memcpy(words, argv, (size_t)first * sizeof(*words));
	if (first < argc)
		memcpy(words + first, argv + first + used,
			((size_t)(argc - first) - used) * sizeof(*words));
	rc = opt_parse(tables, argc - (int)used, words, &c->opts, e);
	if (rc < 0 && e->hint[0] == '\0' && c->command != NULL)
		err_hint(e, "'stmota %s --help' lists its options", c->command->name);
out:
	free(words);
	return rc;
}

static int check_args(const struct command *c, const struct opts *o, struct err *e)
{
	size_t n = opt_n_args(o);
	char usage[200];

	if ((c->flags & CMD_MANY) == 0 && opt_count(o, "device") > 1) {
		err_set(e, ERR_USAGE, "--device is given twice");
		return err_hint(e, "%s is for one device at a time", c->name);
	}
	if (n < (size_t)c->min_args)
		err_set(e, ERR_USAGE, "%s needs %s", c->name, c->args);
	else if (c->max_args >= 0 && n > (size_t)c->max_args)
		err_set(e, ERR_USAGE, "one argument too many: '%s'",
			opt_arg(o, (size_t)c->max_args));
	else
		return 0;
	command_usage(c, usage, sizeof(usage));
	return err_hint(e, "usage: %s", usage);
}

static int flush_stdout(struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_set_errno(e, ERR_IO, errno, "cannot write");
}

/* --help and --version; true if that was all. */
static bool informed(const struct call *c, int *ret_rc, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;

	/* A command's own --version is something else. */
	if (c->command == NULL && opt_given(c->opts, "version")) {
		printf("stmota %s\n", STMOTA_VERSION);
		*ret_rc = flush_stdout(e);
		return true;
	}
	if (c->command != NULL && !opt_given(c->opts, "help"))
		return false;
	*ret_rc = c->command != NULL ? command_help(c->command, &text, e)
				     : command_overview(commands, &text, e);
	if (*ret_rc < 0)
		return true;
	/* Without a command the overview answers a question that nobody asked: an error. */
	if (c->command == NULL && !opt_given(c->opts, "help")) {
		fwrite(text.data, 1, text.len, stderr);
		*ret_rc = ERR_USAGE;
		return true;
	}
	fwrite(text.data, 1, text.len, stdout);
	*ret_rc = flush_stdout(e);
	return true;
}

/* Who hears of the job's events: JSON lines, the bar, or nobody. */
static void start_listening(struct call *c)
{
	struct progress_config cfg = progress_config_for(stderr);

	if (c->env.quiet)
		return;
	if (c->json && (c->command->flags & CMD_EVENTS)) {
		c->events = out_event_sink(c->out);
		return;
	}
	c->progress = progress_new(&cfg);
	c->events = progress_sink(c->progress);
}

static int prepare(struct call *c, struct err *e)
{
	struct command_env *env = &c->env;
	enum out_mode mode;
	int rc = config_load(opt_str(c->opts, "config", NULL), &c->config, e);

	if (rc == ERR_CONFIG && (c->command->flags & CMD_ANY_CONFIG)) {
		env->config_error = *e;
		err_clear(e);
		rc = config_new(&c->config, e);
	}
	if (rc < 0)
		return rc;
	env->opts = c->opts;
	env->config = c->config;
	env->quiet = opt_given(c->opts, "quiet");
	env->looks = (c->command->flags & CMD_LOOKS) != 0;
	env->events = &c->events;
	if (c->command->flags & CMD_DEVICE)
		env->device = opt_str(
			c->opts, "device", config_get(c->config, "defaults", NULL, "device"));
	mode = c->json ? OUT_JSON : env->quiet ? OUT_QUIET : OUT_HUMAN;
	c->out = env->out = out_new(mode, stdout);
	if (c->command->flags & CMD_EVENTS)
		out_set_lines(c->out);
	start_listening(c);
	if ((c->command->flags & CMD_DEVICE) && opt_given(c->opts, "trace"))
		return trace_open(opt_str(c->opts, "trace", ""), e);
	return 0;
}

static int consent(struct call *c, struct err *e)
{
	char text[400] = "This destroys data on the device.";

	if (!(c->command->flags & CMD_DESTROYS) || opt_given(c->opts, "dry-run"))
		return 0;
	if (c->command->describe_loss != NULL)
		c->command->describe_loss(&c->env, text, sizeof(text));
	return cmd_confirm(&c->env, text, e);
}

/* A failing command with --json says so in JSON too, even if it did not get to run. */
static void report_failure(struct call *c, const struct err *e)
{
	if (c->json) {
		if (c->out == NULL)
			c->out = out_new(OUT_JSON, stdout);
		if (c->command->flags & CMD_EVENTS)
			out_set_lines(c->out);
	}
	if (c->out != NULL)
		out_error(c->out, e);
	out_finish(c->out, NULL);
	print_error(c, e);
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

int cmd_dispatch(int argc, char **argv)
{
	struct call c = {0};
	struct err e = ERR_INIT;
	int rc = parse(&c, argc - 1, argv + 1, &e);

	/* Asked for even if the options could not be parsed. */
	c.json = c.command != NULL && (c.command->flags & CMD_JSON) &&
		 has_word(argc, argv, "--json");
	if (rc == 0 && informed(&c, &rc, &e)) {
		if (e.code != ERR_NONE)
			print_error(&c, &e);
		opt_free(c.opts);
		return err_exit_status(rc);
	}
	if (rc == 0) {
		set_log_level(&c);
		rc = check_args(c.command, c.opts, &e);
	}
	if (rc == 0)
		rc = prepare(&c, &e);
	if (rc == 0 && c.command->check != NULL)
		rc = c.command->check(&c.env, &e);
	if (rc == 0)
		rc = consent(&c, &e);
	if (rc == 0)
		rc = c.command->run(&c.env, &e);
	if (rc == 0)
		rc = trace_close(&e);
	else
		trace_close(NULL);
	progress_finish(c.progress, rc == 0);
	if (rc < 0) {
		/* A command that only returned a code is still told apart by its status. */
		if (e.code == ERR_NONE)
			e.code = rc;
		report_failure(&c, &e);
	} else {
		rc = out_finish(c.out, &e);
		if (rc < 0)
			print_error(&c, &e);
	}
	log_set_handler(NULL, NULL, LOG_ERROR);
	progress_free(c.progress);
	opt_free(c.opts);
	config_free(c.config);
	return err_exit_status(rc < 0 ? e.code : ERR_NONE);
}
