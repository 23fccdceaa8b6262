/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_simulate.c - stmota publish simulate: who gets a rollout, before anybody does
 */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/publish.h>

#define LINE_MAX_SIZE 512

static const struct opt opts[] = {
	OPT_FILE("channel", "DIR", "the tree of files"),
	OPT_STRING("name", "NAME", "of the channel in it (default main)"),
	OPT_FILE("devices", "FILE", "a line for each device: its id, and if you like its product"),
	OPT_STRING("rollout", "ID", "only this one"),
	OPT_FLAG("list", "a line for each device too"),
	OPT_END,
};

#define CHOICES (CHANNEL_HALTED + 1)

struct simulation {
	struct command_env *env;
	struct channel_plan plan;
	const char *only; /* rollout; NULL: all */
	uint64_t now;
	uint64_t n;                                /* devices */
	uint64_t of_product[CHANNEL_ROLLOUTS_MAX]; /* for which it is at all */
	uint64_t counts[CHANNEL_ROLLOUTS_MAX][CHOICES];
	bool list;
};

static bool is_for(const struct channel_rollout *r, const char *product)
{
	return product == NULL || strcmp(r->product, product) == 0;
}

static bool is_given(enum channel_choice c)
{
	return c == CHANNEL_CHOSEN || c == CHANNEL_INCLUDED;
}

/* The first rollout that chooses a device is the one that it gets, as on the gateway. */
static void look_at(struct simulation *s, const char *id, const char *product)
{
	const struct channel_rollout *given = NULL;
	char why[80];

	s->n++;
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct channel_rollout *r = &s->plan.rollouts[i];
		enum channel_choice c;

		if (!is_for(r, product) || (s->only != NULL && strcmp(r->id, s->only) != 0))
			continue;
		c = channel_choose(r, id, s->now);
		s->of_product[i]++;
		s->counts[i][c]++;
		if (given == NULL && is_given(c))
			given = r;
		if (s->list && is_given(c) && given == r) {
			out_object(s->env->out, NULL);
			out_str(s->env->out, "device", id);
			out_str(s->env->out, "rollout", r->id);
			out_str(s->env->out, "why",
				channel_choice_text(c, r, id, why, sizeof(why)));
			out_end(s->env->out);
		}
	}
}

static int read_devices(struct simulation *s, const char *path, struct err *e)
{
	char line[LINE_MAX_SIZE];
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	unsigned n = 0;
	int rc = 0;

	if (f == NULL)
		return err_set_errno(e, ERR_IO, errno, "cannot open %s", path);
	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		char *save = NULL, *id = strtok_r(line, " \t\r\n", &save);
		const char *product = id != NULL ? strtok_r(NULL, " \t\r\n", &save) : NULL;

		n++;
		if (id == NULL || id[0] == '#')
			continue;
		if (strlen(id) >= CHANNEL_ID_SIZE)
			rc = err_set(e, ERR_FORMAT, "%s:%u: an id of more than %d characters", path,
				n, CHANNEL_ID_SIZE - 1);
		else
			look_at(s, id, product);
	}
	if (f != stdin)
		fclose(f);
	return rc;
}

static void show(const struct simulation *s)
{
	struct out *o = s->env->out;

	out_uint(o, "devices", s->n);
	out_table(o, "rollouts");
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct channel_rollout *r = &s->plan.rollouts[i];
		const uint64_t *n = s->counts[i];
		char version[VERSION_TEXT_SIZE];

		if (s->only != NULL && strcmp(r->id, s->only) != 0)
			continue;
		out_object(o, NULL);
		out_str(o, "id", r->id);
		out_str(o, "product", r->product);
		out_str(o, "version", version_format(r->version, version));
		out_uint(o, "stage_permyriad", r->stage);
		out_uint(o, "devices", s->of_product[i]);
		out_uint(o, "chosen", n[CHANNEL_CHOSEN]);
		out_uint(o, "included", n[CHANNEL_INCLUDED]);
		out_uint(o, "excluded", n[CHANNEL_EXCLUDED]);
		out_uint(o, "later", n[CHANNEL_LATER]);
		out_uint(o, "not_yet", n[CHANNEL_NOT_YET]);
		out_uint(o, "halted", n[CHANNEL_HALTED]);
		out_end(o);
	}
	out_end(o);
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct channel_rollout *r = &s->plan.rollouts[i];

		if (s->n > 0 && r->stage > 0 && s->of_product[i] > 0 &&
			s->counts[i][CHANNEL_CHOSEN] + s->counts[i][CHANNEL_INCLUDED] == 0 &&
			!r->halted && s->now >= r->not_before)
			out_text(o,
				"%s: no device is in this stage: a canary of nobody proves nothing "
				"(--include names one)",
				r->id);
	}
}

static int run(struct command_env *env, struct err *e)
{
	struct simulation s = {.env = env,
		.only = opt_str(env->opts, "rollout", NULL),
		.now = (uint64_t)time(NULL),
		.list = opt_given(env->opts, "list")};
	struct publisher p = {.dir = opt_str(env->opts, "channel", NULL),
		.name = opt_str(env->opts, "name", "main"),
		.now = s.now};
	char root[4096];
	int rc;

	if (p.dir == NULL || !opt_given(env->opts, "devices"))
		return err_set(e, ERR_USAGE,
			"which channel, and which devices? --channel DIR --devices FILE");
	snprintf(root, sizeof(root), "%s/root/1.root", p.dir);
	if (!fs_exists(root))
		return err_set(e, ERR_USAGE, "%s holds no channel", p.dir);
	rc = publish_open(&p, e);
	s.plan = p.current;
	if (rc == 0 && s.list)
		out_table(env->out, "choices");
	if (rc == 0)
		rc = read_devices(&s, opt_str(env->opts, "devices", NULL), e);
	if (rc == 0 && s.list)
		out_end(env->out);
	if (rc == 0)
		show(&s);
	publish_done(&p);
	return rc;
}

const struct command cmd_publish_simulate = {
	.name = "publish simulate",
	.args = "",
	.needs = "--channel DIR --devices FILE",
	.summary = "show who of a list of devices gets which rollout now",
	.details =
		"The list has a line for each device: its id, and behind it its product where the\n"
		"list is of several. Nothing is fetched and nothing is changed.\n",
	.examples = "stmota publish simulate --channel www --devices lamps.txt\n"
		    "stmota publish simulate --channel www --devices lamps.txt --list --json\n",
	.group = COMMAND_FLEET,
	.opts = opts,
	.flags = CMD_JSON,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
