/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_playbook.c - any bytes as a playbook */
#include <stmota/playbook.h>

#include "fuzz_image.h"

/* Every one that is asked for is the shipped "iap". */
static int base(void *ctx, const char *name, struct playbook *ret, struct err *e)
{
	struct playbook *p = NULL;
	int rc = strcmp(name, "iap") == 0 ? playbook_load("iap", &p, e)
					  : err_set(e, ERR_CONFIG, "none");

	if (rc == 0)
		*ret = *p;
	playbook_free(p);
	return rc;
}

static void must_be_texts(const struct playbook_texts *t)
{
	must(t->n <= PLAYBOOK_TEXTS);
	for (size_t i = 0; i < t->n; i++)
		must(t->v[i].len > 0 && t->v[i].len < PLAYBOOK_TEXT_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct playbook *p = NULL;
	struct err e = ERR_INIT;
	int rc = playbook_parse("dir/x.playbook", (const char *)data, size, base, NULL, &p, &e);

	if (rc < 0) {
		must(rc == ERR_CONFIG && e.code == ERR_CONFIG && p == NULL);
		must(strstr(e.msg, "dir/x.playbook") != NULL && strchr(e.msg, '\n') == NULL);
		return 0;
	}
	must(strcmp(p->name, "x") == 0 && p->n_steps <= PLAYBOOK_STEPS);
	must(p->success.n > 0 || p->health.n > 0 || p->transfer_proves);
	must(p->form < PLAYBOOK_FORMS && p->baud >= 1200 && p->restarts <= 20);
	must(p->send.key.len <= 1 && (p->send.item.n == 0 || p->prompt.n > 0));
	must_be_texts(&p->prompt);
	must_be_texts(&p->success);
	must_be_texts(&p->health);
	for (size_t i = 0; i < p->n_steps; i++) {
		must(p->step[i].name[0] != '\0' &&
			playbook_step(p, p->step[i].name) == &p->step[i]);
		must_be_texts(&p->step[i].expect);
	}
	playbook_free(p);
	return 0;
}
