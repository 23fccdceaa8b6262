/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_fleet.c - any text as a fleet file: it is taken as a whole, or each mistake has its place
 */
#include <string.h>

#include <stmota/fleet.h>

#include "fuzz_image.h"

struct seen {
	size_t mistakes;
	struct err first;
};

static void note(void *ctx, bool warning, const struct err *what)
{
	struct seen *s = ctx;

	must(!warning && what->code == ERR_CONFIG && what->msg[0] != '\0');
	must(strchr(what->msg, '\n') == NULL);
	if (s->mistakes++ == 0)
		s->first = *what;
}

/* What the rest may count on. */
static void must_be_sound(const struct fleet *f)
{
	must(f->n >= 1 && f->n <= FLEET_DEVICES_MAX && f->state != NULL);
	must(f->gateway[0] != '\0' && f->channel_name != NULL && f->hawkbit_tenant != NULL);
	must(f->source != FLEET_SOURCE_CHANNEL || (f->channel != NULL && f->root != NULL));
	must(f->source != FLEET_SOURCE_HAWKBIT || f->hawkbit != NULL);
	must(f->parallel > 0 && f->per_group > 0 && f->canaries > 0 && f->stop_after > 0);
	must(f->attempts > 0 && f->retry_s > 0);
	must(f->window_from < 1440 && f->window_to < 1440);
	for (size_t i = 0; i < f->n; i++) {
		const struct fleet_device *d = &f->devices[i];

		must(d->name[0] != '\0' && d->id[0] != '\0' && d->url != NULL);
		must(strpbrk(d->id, "/ \t%?#") == NULL && strpbrk(d->name, "/ \t%?#") == NULL);
		must(i == 0 || f->devices[i - 1].wave <= d->wave);
		must(fleet_find(f, d->name) == d);
		must(d->rollback != FLEET_ROLLBACK_SLOT || d->slot != NULL);
		must(!d->takes_files || d->rollback >= FLEET_ROLLBACK_GOLDEN);
		must(!d->has_confirm || d->confirm_text != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct fleet f = FLEET_INIT;
	struct seen seen = {0};
	struct err e = ERR_INIT;
	int rc;

	must(config_new(&c, NULL) == 0);
	if (config_parse(c, "dir/x.conf", (const char *)data, size, NULL) == 0) {
		rc = fleet_load(c, "dir/x.conf", note, &seen, &f, &e);
		must((rc == 0) == (seen.mistakes == 0));
		if (rc < 0)
			must(rc == ERR_CONFIG && strcmp(e.msg, seen.first.msg) == 0 && f.n == 0);
		else
			must_be_sound(&f);
	}
	fleet_done(&f);
	config_free(c);
	return 0;
}
