/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_state.c - any bytes as what the host remembers of a device: damaged, or kept as it is
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <stmota/state.h>

#include "fuzz_image.h"

#define KEY "k"

static char folder[64];

static void path_of(const char *suffix, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" KEY "%s", folder, suffix);
}

static void leave(void)
{
	static const char *const suffixes[] = {".json", ".lock", ".unit", ".image"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		path_of(suffixes[i], path);
		unlink(path);
	}
	rmdir(folder);
}

static void put(const uint8_t *data, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(".json", path);
	f = fopen(path, "wb");
	must(f != NULL && fwrite(data, 1, size, f) == size);
	must(fclose(f) == 0);
}

static void check_ranges(const struct state *s)
{
	const struct saved_units *saved = state_saved(s);
	const struct lifted *l = state_lifted(s);
	const struct installed *in = state_installed(s);

	for (size_t i = 0; saved != NULL && i < saved->n; i++)
		must(saved->units[i].len > 0 &&
			(uint64_t)saved->units[i].addr + saved->units[i].len <= (uint64_t)1 << 32);
	for (size_t i = 0; l != NULL && i < l->n; i++) {
		const struct lifted_field *f = &l->field[i];

		must(f->width >= 1 && f->bit + f->width <= 32 &&
			(uint64_t)f->value >> f->width == 0);
	}
	must(in->n_pieces <= INSTALLED_PIECES);
	for (size_t i = 0; i < in->n_pieces; i++)
		must(in->pieces[i].len > 0 &&
			(uint64_t)in->pieces[i].addr + in->pieces[i].len <= (uint64_t)1 << 32);
}

static void check_same(const struct state *s, const struct state *back)
{
	const struct saved_units *a = state_saved(s), *b = state_saved(back);
	const struct lifted *l = state_lifted(s), *k = state_lifted(back);

	must(memcmp(state_installed(s), state_installed(back), sizeof(struct installed)) == 0);
	must((l == NULL) == (k == NULL) && (l == NULL || memcmp(l, k, sizeof(*l)) == 0));
	must((a == NULL) == (b == NULL));
	if (a == NULL)
		return;
	must(a->n == b->n && memcmp(a->units, b->units, a->n * sizeof(*a->units)) == 0);
	must(a->bytes.n == b->bytes.n);
	for (size_t i = 0; i < a->bytes.n; i++) {
		const struct segment *g = &a->bytes.v[i], *h = &b->bytes.v[i];

		must(g->addr == h->addr && g->len == h->len &&
			memcmp(g->data, h->data, g->len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state *s = NULL, *back = NULL;
	struct lifted l = {.n = 0};
	struct err e = ERR_INIT;
	char lock[PATH_MAX];
	int rc;

	if (folder[0] == '\0') {
		/* State is synced to disk; in memory that takes no time. */
		snprintf(folder, sizeof(folder), "%s/stmota-fuzz-XXXXXX",
			access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		must(mkdtemp(folder) != NULL && atexit(leave) == 0);
	}
	put(data, size);
	rc = state_open(folder, KEY, &s, &e);
	if (rc < 0) {
		must(rc == ERR_FORMAT && e.code == ERR_FORMAT && s == NULL);
		must(strstr(e.msg, KEY ".json") != NULL && e.hint[0] != '\0');
		return 0;
	}
	check_ranges(s);
	if (state_lifted(s) != NULL)
		l = *state_lifted(s);
	must(state_set_lifted(s, &l, &e) == 0);
	must(state_open(folder, KEY, &back, NULL) == ERR_BUSY && back == NULL);
	/* Without its lock a second one sees what the first has written. */
	path_of(".lock", lock);
	must(unlink(lock) == 0 && state_open(folder, KEY, &back, &e) == 0);
	check_same(s, back);
	state_close(back);
	state_close(s);
	return 0;
}
