/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank_scene.c - see bank_scene.h
 */
#include "bank_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/state.h>

#include "bench_open.h"

static void must(bool ok, const char *what, const struct err *e)
{
	if (ok)
		return;
	fprintf(stderr, "%s%s%s\n", what, e != NULL ? ": " : "", e != NULL ? e->msg : "");
	abort();
}

static void fill(const struct bank_scene *s, uint8_t *p, uint8_t seed, const char *says)
{
	for (uint32_t i = 0; i < BANK_IMAGE_LEN; i++)
		p[i] = (uint8_t)(i * 7 + seed);
	put_le32(p, s->chip->ram_base + 0x800);
	for (uint32_t i = 1; i < 256; i++)
		put_le32(p + 4 * i, (i >= 7 && i <= 10) || i == 13 ? 0 : s->geometry.base + 0x601);
	snprintf((char *)p + 2000, 60, "stmota-sim says: %s", says);
}

void bank_scene_init(struct bank_scene *s, const struct chip *c, bool i2c)
{
	struct err e = ERR_INIT;

	memset(s, 0, sizeof(*s));
	s->chip = c;
	s->i2c = i2c;
	must(geometry_init(&s->geometry, s->chip, 0, CHIP_BANKS_TABLE, &e) == 0, "units", &e);
	fill(s, s->old, 1, "old");
	fill(s, s->new, 2, "new");
	must(segments_add(&s->image, s->geometry.base, s->new, BANK_IMAGE_LEN, &e) == 0, "image",
		&e);
	must(segments_add(&s->image_old, s->geometry.base, s->old, BANK_IMAGE_LEN, &e) == 0,
		"image", &e);
	snprintf(s->dir, sizeof(s->dir), "%s/stmota-bank-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(s->dir) != NULL, "no folder for state files", NULL);
}

void bank_scene_forget(const struct bank_scene *s)
{
	static const char *const suffixes[] = {"json", "unit", "image", "lock"};
	char path[80];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s/bench.%s", s->dir, suffixes[i]);
		unlink(path);
	}
}

void bank_scene_done(struct bank_scene *s)
{
	bank_scene_forget(s);
	rmdir(s->dir);
	segments_done(&s->image);
	segments_done(&s->image_old);
	sim_board_free(s->board);
}

static int update(struct bank_scene *s, const struct segments *image, const char *expect,
	struct trial_result *ret, struct err *e);

/* Before the old program another one was there. */
static void bring_old(struct bank_scene *s)
{
	struct trial_result result;
	struct err e = ERR_INIT;

	fill(s, sim_board_flash(s->board, NULL), 3, "older");
	must(update(s, &s->image_old, "old", &result, &e) == 0, "the first update", &e);
	bank_scene_forget(s);
}

void bank_scene_board(struct bank_scene *s, uint32_t seed, const char *fault)
{
	struct sim_config cfg = {.chip = s->chip, .seed = seed};
	struct err e = ERR_INIT;

	bank_scene_forget(s);
	sim_board_free(s->board);
	s->board = NULL;
	must(sim_board_new(&cfg, &s->board, &e) == 0, "board", &e);
	if (s->quirk != NULL)
		must(sim_board_fault(s->board, s->quirk, &e) == 0, "quirk", &e);
	if (s->second)
		bring_old(s);
	else
		memcpy(sim_board_flash(s->board, NULL), s->old, BANK_IMAGE_LEN);
	s->ops = sim_board_ops(s->board);
	if (fault != NULL)
		must(sim_board_fault(s->board, fault, &e) == 0, "fault", &e);
}

uint64_t bank_scene_ops(const struct bank_scene *s)
{
	return sim_board_ops(s->board) - s->ops;
}

static int option_of(void *ctx, uint32_t addr, uint32_t *ret, struct err *e)
{
	struct device *d = ctx;
	uint8_t raw[4] = {0};
	int rc = d->target->ops->read(d->target, addr, raw, 4, e);

	*ret = get_le32(raw);
	return rc;
}

static int update(struct bank_scene *s, const struct segments *image, const char *expect,
	struct trial_result *ret, struct err *e)
{
	struct bench_wire wire = {.board = s->board, .i2c = s->i2c, .lines = true};
	struct proof proof = {.kind = PROOF_UART, .baud = 115200, .within_ms = 2000};
	struct segments placed = SEGMENTS_INIT;
	struct device d = {0};
	struct bank_move m = {0};
	uint8_t heads[2][8];
	uint32_t head = 0;
	struct state *state = NULL;
	int rc = bench_open(&wire, &d, e);

	if (rc == 0)
		rc = state_open(s->dir, "bench", &state, e);
	proof.expect_len = strlen(expect);
	memcpy(proof.expect, expect, proof.expect_len);
	/* As the command does it, which finds out about protection before it looks at the banks. */
	if (rc == 0)
		rc = preflight_check(&d.facts, image, PREFLIGHT_BY_HAND, e);
	for (uint32_t i = 0; rc == 0 && i < 2; i++)
		rc = d.target->ops->read(
			d.target, s->geometry.base + i * s->geometry.size / 2, heads[i], 8, e);
	if (rc == 0)
		rc = bank_move_plan(
			&d.facts.geometry, d.facts.boot_id, option_of, &d, heads, &m, e);
	if (rc == 0) {
		struct image_heads at = {&head, 1};
		struct trial_request rq = {
			.flash = {.image = &placed, .heads = &at, .state = state},
			.bank = &m,
			.proof = s->i2c ? NULL : &proof,
			.has_start = true,
			.start = m.link,
		};

		head = m.to;
		rc = segments_shift(image, m.to - m.link, &placed, e);
		if (rc == 0)
			rc = trial_run(&d, &rq, ret, e);
	}
	state_close(state);
	segments_done(&placed);
	target_close(d.target);
	return rc;
}

int bank_scene_update(
	struct bank_scene *s, const char *expect, struct trial_result *ret, struct err *e)
{
	return update(s, &s->image, expect, ret, e);
}

enum bank_boots bank_scene_boots(struct bank_scene *s)
{
	struct span at = {0};
	const uint8_t *p;

	sim_board_power(s->board, false);
	sim_board_lines(s->board, false, true);
	sim_board_power(s->board, true);
	if (!sim_board_running(s->board, &at))
		return BOOTS_NEITHER;
	p = sim_board_flash(s->board, NULL) + at.addr;
	if (memcmp(p, s->old, BANK_IMAGE_LEN) == 0)
		return BOOTS_OLD;
	return memcmp(p, s->new, BANK_IMAGE_LEN) == 0 ? BOOTS_NEW : BOOTS_NEITHER;
}

bool bank_scene_enter_rom(struct bank_scene *s)
{
	sim_board_power(s->board, false);
	sim_board_lines(s->board, true, true);
	sim_board_power(s->board, true);
	return !sim_board_in_application(s->board);
}

bool bank_scene_protected(struct bank_scene *s)
{
	struct bench_wire wire = {.board = s->board, .i2c = s->i2c, .lines = true};
	struct err e = ERR_INIT;
	struct device d = {0};
	int rc = bench_open(&wire, &d, &e);

	must(rc == 0, "the device is not reached", &e);
	target_close(d.target);
	return d.facts.read_refused;
}
