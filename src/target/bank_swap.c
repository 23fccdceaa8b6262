/* SPDX-License-Identifier: Apache-2.0 */
#include "bank_swap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stmota/buf.h>
#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/ini_text.h>

bool bank_settled(const struct bank_now *now)
{
	return now->system == (now->bank == 2);
}

/* The bank whose content is worth nothing; 0: none is known. */
static int broken_bank(const struct bank_journal *j)
{
	return j->stage == BANK_SENDING ? j->target : j->stage == BANK_COPYING ? 3 - j->target : 0;
}

enum bank_action bank_next(const struct bank_now *now, const struct bank_journal *j, bool both)
{
	/* Somebody let it run what was being written; a reset still starts the other one. */
	if (now->bank == broken_bank(j) && !bank_settled(now))
		return BANK_DO_SWITCH;
	switch (j->stage) {
	case BANK_SENT:
	case BANK_PROVEN:
	case BANK_COPYING:
		if (now->bank != j->target)
			return BANK_DO_SWITCH;
		if (!bank_settled(now))
			return BANK_DO_SELECT;
		return both ? BANK_DO_COPY : BANK_DO_NOTHING;
	case BANK_COPIED:
		if (now->bank != 1)
			return BANK_DO_SWITCH;
		return bank_settled(now) ? BANK_DO_NOTHING : BANK_DO_SELECT;
	default: return bank_settled(now) ? BANK_DO_SEND : BANK_DO_SELECT;
	}
}

/* ---- the journal ---- */

static const char *const stages[] = {
	[BANK_NOTHING] = "nothing",
	[BANK_SENDING] = "sending",
	[BANK_SENT] = "sent",
	[BANK_PROVEN] = "proven",
	[BANK_COPYING] = "copying",
	[BANK_COPIED] = "copied",
};

struct reading {
	struct bank_journal j;
	bool has_image;
};

static bool parse_digest(const char *text, uint8_t ret[SHA256_SIZE])
{
	unsigned byte;

	if (strlen(text) != 2 * SHA256_SIZE || strspn(text, "0123456789abcdef") != 2 * SHA256_SIZE)
		return false;
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		ret[i] = (uint8_t)byte;
	}
	return true;
}

static int on_setting(void *ctx, unsigned line, const char *section, const char *key,
	const char *value, struct err *e)
{
	struct reading *r = ctx;

	if (strcmp(key, "stage") == 0)
		for (size_t i = 0; i < ARRAY_LEN(stages); i++)
			if (strcmp(stages[i], value) == 0)
				r->j.stage = (enum bank_stage)i;
	if (strcmp(key, "target") == 0)
		r->j.target = strcmp(value, "1") == 0 ? 1 : strcmp(value, "2") == 0 ? 2 : 0;
	if (strcmp(key, "image") == 0)
		r->has_image = parse_digest(value, r->j.image);
	return 0;
}

void bank_journal_load(const char *path, struct bank_journal *ret)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct reading r = {.has_image = false};
	struct ini_text_reader reader = {.ctx = &r, .setting = on_setting};

	*ret = (struct bank_journal){.stage = BANK_NOTHING};
	if (path == NULL || fs_read(path, 4096, &text, NULL) < 0 || text.len == 0 ||
		ini_text_read(path, (const char *)text.data, text.len, &reader, NULL) < 0)
		return;
	if (r.has_image && r.j.target != 0)
		*ret = r.j;
}

int bank_journal_save(const char *path, const struct bank_journal *j, struct err *e)
{
	char text[200];
	int n = snprintf(text, sizeof(text),
		"[banks]\nstage = %s\ntarget = %d\nimage = ", stages[j->stage], j->target);

	if (path == NULL)
		return 0;
	if (j->stage == BANK_NOTHING) {
		unlink(path);
		return 0;
	}
	for (size_t i = 0; i < SHA256_SIZE; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x", j->image[i]);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\n");
	return fs_write(path, text, (size_t)n, 0600, e);
}
