/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_scene.c - fills a fleet's database with a past, so that what tells of it can be looked at
 *
 * usage: fleet_scene DB SCENE N NOW
 *
 * SCENE
 *   street   N lamps, lamp-001 and on: 1.0.0 everywhere; 1.1.0 halted after its canary; 1.2.0 got
 *            by most; some retry, one is set aside, one runs, one was interrupted
 *   hostile  N devices whose every text wants to be more than text
 *
 * The past ends at NOW (Unix time). Everything goes through fleet_db.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/fleet_db.h>

static struct fleet_db *db;
static struct err e = ERR_INIT;

static void must(int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "fleet_scene: %s\n", e.msg);
	exit(1);
}

struct deed {
	const char *rollout;
	unsigned minor, was; /* versions 1.MINOR.0 */
	bool canary, delta, first;
};

/* Begins, and ends unless the outcome is FLEET_OPEN. */
static void deed(
	unsigned lamp, struct deed d, uint64_t started, struct fleet_ending end, uint64_t took)
{
	struct fleet_attempt a = {.source = "channel",
		.canary = d.canary,
		.delta = d.delta,
		.version = {1, (uint8_t)d.minor, 0, 0},
		.has_from = !d.first,
		.from = {1, (uint8_t)d.was, 0, 0},
		.counter = d.minor + 1,
		.started = started};

	snprintf(a.device, sizeof(a.device), "lamp-%03u", lamp);
	snprintf(a.rollout, sizeof(a.rollout), "%s", d.rollout);
	memset(a.package, (int)(0x10 + d.minor), sizeof(a.package));
	must(fleet_db_begin(db, &a, &e));
	if (end.outcome != FLEET_OPEN)
		must(fleet_db_end(db, a.id, &end, started + took, &e));
}

static struct fleet_ending good(void)
{
	struct fleet_ending end = {.outcome = FLEET_OK,
		.text = "healthy after 4 s",
		.uid = "3600580003500d4d53343520",
		.has_image = true,
		.confirmed = true,
		.evidence = "{\"signers\":[\"a7c1f0e2b9d84455\"],\"read_back\":"
			    "\"5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\","
			    "\"proof\":\"version 1.2.0\",\"wait_s\":4}"};

	memset(end.image, 0x77, sizeof(end.image));
	return end;
}

static struct fleet_ending bad(enum fleet_outcome o, int error, const char *text)
{
	return (struct fleet_ending){
		.outcome = o, .error = error, .text = text, .transcript = "lamp.transcript"};
}

static void street(unsigned n, uint64_t now)
{
	struct deed first = {.rollout = "2026-10-first", .minor = 0, .first = true};
	struct deed broken = {.rollout = "2026-11-broken", .minor = 1};
	struct deed third = {.rollout = "2026-11-repair", .minor = 2, .delta = true};
	uint64_t t = now - 20 * 86400;

	for (unsigned i = 1; i <= n; i++)
		deed(i, first, t += 40, good(), 35);
	t = now - 6 * 86400;
	broken.canary = true;
	deed(1, broken, t,
		bad(FLEET_ROLLED_BACK, ERR_TIMEOUT,
			"no answer within 30 s after the restart; 1.0.0 runs again"),
		70);
	must(fleet_db_halt(db, broken.rollout, "the canary lamp-001 was not healthy", t + 71, &e));
	t = now - 7200;
	for (unsigned i = 1; i <= n; i++, t += 7200 / (n + 1)) {
		third.canary = i == 1;
		if (n >= 10 && i == n)
			continue;
		if (n >= 10 && i % 9 == 5) {
			deed(i, third, t,
				bad(FLEET_UNREACHABLE, ERR_TIMEOUT,
					"nobody answers at 115200 baud"),
				20);
			if (i == 5)
				for (unsigned k = 1; k < 5; k++)
					deed(i, third, t + 60 * k,
						bad(FLEET_FAILED, ERR_NACK,
							"the device refused block 17 of 84"),
						20);
			if (i % 2 == 0)
				deed(i, third, t + 600, good(), 38);
		} else if (n >= 10 && i == n - 1) {
			deed(i, third, now - 12, (struct fleet_ending){.outcome = FLEET_OPEN}, 0);
		} else {
			deed(i, third, t, good(), 31 + i % 7);
		}
	}
}

static void hostile(unsigned n, uint64_t now)
{
	static const char *const texts[] = {
		"<script>alert(1)</script>",
		"\"><img src=x onerror=alert(1)>",
		"</style></svg></table><h1>gone</h1>",
		"]]> <!-- -- --> <![CDATA[ &amp; &#x3c;script&#x3e;",
		"\x1b]0;title\x07\x1b[2Jcleared \x1b[31mred",
		"bad bytes \xff\xfe\xc3( \xed\xa0\x80 \xf5\x80\x80\x80 end",
		"'; DROP TABLE attempt; --",
		"=HYPERLINK(\"http://127.0.0.1/\")",
		"javascript:alert(1) url(http://127.0.0.1/x) \u202Eevil",
	};
	size_t k = sizeof(texts) / sizeof(texts[0]);

	for (unsigned i = 0; i < n; i++) {
		const char *text = texts[i % k];
		struct fleet_attempt a = {.counter = 1, .started = now - 1000 + i};
		struct fleet_ending end = bad(FLEET_FAILED, ERR_PROTOCOL, text);

		snprintf(a.device, sizeof(a.device), "lamp-%03u", i + 1);
		snprintf(a.rollout, sizeof(a.rollout), "%s", text);
		snprintf(a.source, sizeof(a.source), "%.15s", text);
		end.evidence = end.transcript = end.uid = end.product_uuid = text;
		must(fleet_db_begin(db, &a, &e));
		must(fleet_db_end(db, a.id, &end, now - 500 + i, &e));
		snprintf(a.device, sizeof(a.device), "%s", text);
		must(fleet_db_begin(db, &a, &e));
		must(fleet_db_end(db, a.id, &end, now - 500 + i, &e));
		must(fleet_db_halt(db, text, text, now, &e));
		must(fleet_db_note_set(db, text, text, text, strlen(text), &e));
	}
}

int main(int argc, char **argv)
{
	unsigned n;
	uint64_t now;

	if (argc != 5)
		return 2;
	n = (unsigned)strtoul(argv[3], NULL, 10);
	now = strtoull(argv[4], NULL, 10);
	must(fleet_db_open(argv[1], false, &db, &e));
	if (strcmp(argv[2], "street") == 0)
		street(n, now);
	else if (strcmp(argv[2], "hostile") == 0)
		hostile(n, now);
	fleet_db_close(db);
	return 0;
}
