/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hawkbit.c - any bytes as the answer of a hawkBit server */
#include <stmota/hawkbit_audit.h>

#include "fuzz_image.h"

#define SERVER "https://ota.example"

static void check_text(const char *text)
{
	for (; *text != '\0'; text++)
		must(*text >= ' ' && *text <= '~');
}

static void check_link(const struct hawkbit_link *l)
{
	check_text(l->id);
	must(l->id[0] == '\0' || fetch_same_server(SERVER, l->url));
}

static void try_poll(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct hawkbit_poll p;

	if (hawkbit_poll_parse(SERVER, data, size, &p, &e) < 0) {
		must(e.msg[0] != '\0');
		check_text(e.msg);
		return;
	}
	must(!p.has_sleep || (p.sleep_s > 0 && p.sleep_s <= HAWKBIT_SLEEP_MAX));
	check_link(&p.deployment);
	check_link(&p.cancel);
	check_link(&p.confirmation);
	check_link(&p.installed);
	must(p.config_data[0] == '\0' || fetch_same_server(SERVER, p.config_data));
}

static void try_deployment(const uint8_t *data, size_t size)
{
	const struct hawkbit_artifact *a;
	struct hawkbit_deployment d;
	struct err e = ERR_INIT;

	if (hawkbit_deployment_parse(data, size, &d, &e) < 0) {
		must(e.msg[0] != '\0');
		check_text(e.msg);
		return;
	}
	must(d.id[0] != '\0' && d.n <= HAWKBIT_CHUNKS_MAX);
	for (size_t i = 0; i < d.n; i++) {
		must(d.chunks[i].n <= HAWKBIT_ARTIFACTS_MAX);
		check_text(d.chunks[i].name);
		check_text(d.chunks[i].version);
		for (size_t k = 0; k < d.chunks[i].n; k++)
			check_text(d.chunks[i].artifacts[k].filename);
	}
	if (hawkbit_package(&d, &a, NULL, &e) == 0)
		must(a->has_sha256 && a->url[0] != '\0');
	else
		check_text(e.msg);
	hawkbit_deployment_done(&d);
}

static void check_finding(void *ctx, const struct hawkbit_finding *f)
{
	size_t *unsafe = ctx;

	check_text(f->where);
	check_text(f->what);
	must(f->what[0] != '\0');
	*unsafe += f->unsafe;
}

static void try_rollout(const uint8_t *data, size_t size)
{
	static const struct hawkbit_limits limits = {.error_max = 10, .deadline_s = 60};
	struct hawkbit_rollout r = HAWKBIT_ROLLOUT_INIT;
	struct hawkbit_group g = {0};
	size_t n = 0, unsafe = 0;
	bool more = false;

	hawkbit_rollout_parse(data, size, &r, NULL);
	for (int twice = 0; twice < 2; twice++) {
		hawkbit_groups_parse(data, size, &r, &more, NULL);
		hawkbit_actions_parse(data, size, 1700000000, &r, &n, &more, NULL);
	}
	if (hawkbit_group_parse(data, size, &g, NULL) == 0) {
		check_text(g.name);
		check_text(g.id);
	}
	must(r.n <= HAWKBIT_GROUPS_MAX && r.overdue <= n);
	check_text(r.overdue_example);
	must(hawkbit_judge(&r, &limits, check_finding, &unsafe) == unsafe);
	hawkbit_rollout_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[HAWKBIT_ID_SIZE];
	struct err e = ERR_INIT;

	if (hawkbit_cancel_parse(data, size, id, &e) == 0)
		must(id[0] != '\0');
	try_poll(data, size);
	try_deployment(data, size);
	try_rollout(data, size);
	return 0;
}
