/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banks.c - the power fails at every operation of a bank update, the switch included
 *
 * For every chip that `flash --bank inactive` plans for: the program that was there runs until the
 * switch, the new one afterwards, and at no cut neither. The same update again finishes the work.
 * The one write of option bytes is cut with several seeds: it may leave the old bytes, the new
 * ones, or what the family has between them (stmota-sim(1)), which may be read-out protection.
 *
 * With --second the program that runs was brought by an update itself: where the chip swaps its banks
 * they are swapped, and which numbers its erase units have is found out first, whichever it is.
 *
 * usage: banks [--second] [--i2c] [--chip PID] [--every N] [--seeds N]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/bank_scene.h"

struct tally {
	unsigned chips, cuts, old, new, finished, window, locked, no_rom, failures, refused;
};

static void complain(const struct bank_scene *s, struct tally *t, const char *fault, uint32_t seed,
	const char *what, const struct err *e)
{
	t->failures++;
	printf("FAIL 0x%03X %s seed %" PRIu32 ": %s%s%s\n", s->chip->pid, fault, seed, what,
		e != NULL ? ": " : "", e != NULL ? e->msg : "");
}

static void one_cut(struct bank_scene *s, uint64_t op, bool window, uint32_t seed, struct tally *t)
{
	struct trial_result result = {0};
	struct err e = ERR_INIT;
	enum bank_boots which;
	char fault[40];
	int rc;

	snprintf(fault, sizeof(fault), "cut@op:%" PRIu64, op);
	bank_scene_board(s, seed, fault);
	t->cuts++;
	t->window += window;
	if (bank_scene_update(s, "new", &result, &e) == 0)
		complain(s, t, fault, seed, "success in spite of a cut", NULL);
	sim_board_clear_faults(s->board);
	which = bank_scene_boots(s);
	t->old += which == BOOTS_OLD;
	t->new += which == BOOTS_NEW;
	if (which == BOOTS_NEITHER)
		complain(s, t, fault, seed, "neither program starts", NULL);
	if (which == BOOTS_NEW && !window)
		complain(s, t, fault, seed, "the new program runs before the switch", NULL);
	if (!bank_scene_enter_rom(s)) {
		/* Erased option bytes may take the pin's word away. */
		t->no_rom += window;
		if (!window)
			complain(s, t, fault, seed, "the bootloader is not reached", NULL);
		return;
	}
	if (bank_scene_protected(s)) {
		t->locked += window;
		e = ERR_INIT;
		rc = bank_scene_update(s, "new", &result, &e);
		if (!window)
			complain(s, t, fault, seed, "read-out protected by a cut elsewhere", NULL);
		if (rc != ERR_PROTECTED)
			complain(s, t, fault, seed, "protected, and not told so", &e);
		return;
	}
	e = ERR_INIT;
	/* When the new one runs, the next update would be one of its own. */
	rc = which == BOOTS_NEW ? 0 : bank_scene_update(s, "new", &result, &e);
	if (rc < 0)
		complain(s, t, fault, seed, "the same update again failed", &e);
	else if (bank_scene_boots(s) != BOOTS_NEW)
		complain(s, t, fault, seed, "the same update again left another program", NULL);
	else
		t->finished++;
}

/* False: this chip is not planned for, and nothing was touched. */
static bool without_cut(struct bank_scene *s, uint64_t *ret_ops, struct tally *t)
{
	struct trial_result result = {0};
	struct err e = ERR_INIT;
	int rc;

	bank_scene_board(s, 1, NULL);
	rc = bank_scene_update(s, "new", &result, &e);
	*ret_ops = bank_scene_ops(s);
	if (rc == ERR_UNSUPPORTED || rc == ERR_PROTECTED) {
		t->refused++;
		printf("0x%03X refused: %s\n", s->chip->pid, e.msg);
		if (*ret_ops != 0)
			complain(s, t, "no fault", 1, "refused after it had begun", &e);
		return false;
	}
	if (rc < 0 || !result.switched || bank_scene_boots(s) != BOOTS_NEW) {
		complain(s, t, "no fault", 1, "the update fails", &e);
		return false;
	}
	return true;
}

struct how {
	bool i2c, second;
	const char *quirk;
	uint64_t every;
	uint32_t seeds;
};

/* A first update that is refused leaves nothing to look at. */
static bool first_is_refused(const struct bank_scene *scene)
{
	struct bank_scene s;
	struct trial_result result;
	struct err e = ERR_INIT;
	int rc;

	bank_scene_init(&s, scene->chip, scene->i2c);
	bank_scene_board(&s, 1, NULL);
	rc = bank_scene_update(&s, "new", &result, &e);
	bank_scene_done(&s);
	return rc == ERR_UNSUPPORTED || rc == ERR_PROTECTED;
}

static void one_chip(const struct chip *c, const struct how *how, struct tally *sum)
{
	uint64_t every = how->every;
	uint32_t seeds = how->seeds;
	struct tally t = {.chips = 1};
	struct bank_scene s;
	uint64_t ops = 0;

	bank_scene_init(&s, c, how->i2c);
	s.quirk = how->quirk;
	s.second = how->second;
	if (s.second && first_is_refused(&s)) {
		t.refused++;
	} else if (without_cut(&s, &ops, &t)) {
		for (uint64_t op = 1; op < ops; op += every)
			one_cut(&s, op, false, 11, &t);
		/* The switch is the last operation. */
		for (uint32_t seed = 1; seed <= seeds; seed++)
			one_cut(&s, ops, true, seed, &t);
		printf("0x%03X %-22s %s%5u cuts: old program after %u, new after %u; finished by the "
		       "same command %u; %u in the option write: %u read-out protected, %u "
		       "without the BOOT0 pin; %u failures\n",
			c->pid, c->name, how->quirk != NULL ? how->quirk + strlen("quirk:") : "",
			t.cuts, t.old, t.new, t.finished, t.window, t.locked, t.no_rom, t.failures);
		sum->chips++;
	}
	fflush(stdout);
	bank_scene_done(&s);
	sum->cuts += t.cuts;
	sum->refused += t.refused;
	sum->failures += t.failures;
}

int main(int argc, char **argv)
{
	unsigned long only = 0, every = 1, seeds = 12;
	struct tally sum = {0};
	struct how how = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--i2c") == 0)
			how.i2c = true;
		else if (strcmp(argv[i], "--second") == 0)
			how.second = true;
		else if (i + 1 < argc && strcmp(argv[i], "--chip") == 0)
			only = strtoul(argv[++i], NULL, 16);
		else if (i + 1 < argc && strcmp(argv[i], "--every") == 0)
			every = strtoul(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0)
			seeds = strtoul(argv[++i], NULL, 10);
		else
			every = 0;
	}
	if (every == 0 || seeds == 0) {
		fprintf(stderr, "usage: banks [--second] [--i2c] [--chip PID] [--every N] "
				"[--seeds N]\n");
		return 2;
	}
	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);
		struct geometry g;

		if ((only != 0 && c->pid != only) || sim_chip_supported(c, NULL) < 0 ||
			geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL) < 0 || g.banks != 2 ||
			(how.i2c && (c->has_i2c != CHIP_YES || c->i2c_address == 0)))
			continue;
		how.every = every;
		how.seeds = (uint32_t)seeds;
		how.quirk = NULL;
		one_chip(c, &how, &sum);
		if (!how.second || c->bank_swap_bit == NULL)
			continue;
		/* The ROM may number them either way. */
		how.quirk = strcmp(c->series, "H7") == 0 || strcmp(c->series, "L5") == 0
				    ? "quirk:numbers-by-bank"
				    : "quirk:numbers-by-address";
		one_chip(c, &how, &sum);
	}
	printf("%u chips, %u cuts, %u failures; %u chips with two banks refused\n", sum.chips,
		sum.cuts, sum.failures, sum.refused);
	return sum.chips == 0 || sum.failures > 0;
}
