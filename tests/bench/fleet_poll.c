/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_poll.c - as many gateways, one after the other: each asks a channel as `update` does
 *
 * usage: fleet_poll URL CHANNEL CA.pem 1.root GATEWAYS PASSES
 *
 * Each asks in a process of its own, with a connection of its own, as cron makes them. In the first
 * pass all begin with the root file; in later ones they know what a first pass leaves, and find that
 * nothing is new. One line for each pass: wall seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stmota/channel.h>
#include <stmota/clock.h>
#include <stmota/fs.h>
#include <stmota/strparse.h>

static int keep(void *ctx, const struct channel_state *s, struct err *e)
{
	return 0;
}

static int ask(const struct channel_source *source, struct channel_state *state, struct err *e)
{
	cleanup_channel_plan struct channel_plan plan = CHANNEL_PLAN_INIT;
	struct channel_report report = {0};

	return channel_fetch(source, state, &plan, &report, e);
}

static int begin(const char *path, struct channel_state *ret, struct err *e)
{
	struct channel_root root = {0};
	int rc = fs_read(path, CHANNEL_ROOT_MAX, &ret->root, e);

	if (rc == 0)
		rc = channel_root_parse(ret->root.data, ret->root.len, &root, e);
	ret->root_version = root.version;
	channel_root_done(&root);
	return rc;
}

/* In a process of its own; the state of the caller stays. */
static int ask_apart(const struct channel_source *source, struct channel_state *state)
{
	struct err e = ERR_INIT;
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int rc = ask(source, state, &e);

		if (rc < 0)
			fprintf(stderr, "fleet_poll: %s\n", e.msg);
		exit(rc < 0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int all_ask(const struct channel_source *source, struct channel_state *state, uint32_t n)
{
	uint64_t began = clock_now_ms(&clock_monotonic);

	for (uint32_t i = 0; i < n; i++)
		if (ask_apart(source, state) != 0)
			return -1;
	printf("%.3f\n", (double)(clock_now_ms(&clock_monotonic) - began) / 1000);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct fetch_settings fetch = FETCH_SETTINGS_INIT;
	struct channel_source source = {.fetch = &fetch, .now = (uint64_t)time(NULL), .save = keep};
	struct channel_state fresh = {0}, after = {0};
	struct err e = ERR_INIT;
	uint32_t n, passes;
	int rc;

	if (argc != 7 || parse_u32(argv[5], &n, &e) < 0 || parse_u32(argv[6], &passes, &e) < 0)
		return fprintf(stderr, "usage: fleet_poll URL CHANNEL CA.pem ROOT N PASSES\n"), 2;
	source.url = argv[1];
	source.name = argv[2];
	fetch.ca_file = argv[3];
	fetch.tries = 1;
	rc = begin(argv[4], &fresh, &e);
	if (rc == 0)
		rc = begin(argv[4], &after, &e);
	if (rc == 0)
		rc = ask(&source, &after, &e);
	if (rc < 0)
		fprintf(stderr, "fleet_poll: %s\n", e.msg);
	for (uint32_t pass = 0; rc == 0 && pass < passes; pass++)
		rc = all_ask(&source, pass == 0 ? &fresh : &after, n);
	channel_state_done(&fresh);
	channel_state_done(&after);
	return rc != 0;
}
