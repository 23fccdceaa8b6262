/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bank_scene.h - a virtual board with an old program in one bank, and the update of the other one
 */
#ifndef STMOTA_TESTS_BANK_SCENE_H
#define STMOTA_TESTS_BANK_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/bank_move.h>
#include <stmota/segments.h>
#include <stmota/trial.h>

#include "../../src/sim/sim.h"

#define BANK_IMAGE_LEN 2608u

struct bank_scene {
	const struct chip *chip;
	struct geometry geometry;
	struct sim_board *board; /* NULL: none yet */
	bool i2c;
	const char *quirk; /* of every board, "quirk:NAME"; NULL: none but its own */
	bool second;       /* the old program came by an update: where banks swap, they are */
	uint64_t ops;      /* of the flash, before the update that is looked at */
	uint8_t old[BANK_IMAGE_LEN], new[BANK_IMAGE_LEN];
	struct segments image, image_old;
	char dir[40]; /* of the state file */
};

enum bank_boots { BOOTS_NEITHER, BOOTS_OLD, BOOTS_NEW };

/* i2c: over I2C, where nothing can be heard of the program; else over UART. Ends the program where
 * it fails. */
void bank_scene_init(struct bank_scene *s, const struct chip *c, bool i2c);
void bank_scene_done(struct bank_scene *s);

/* A new board with the old program at the base of flash, and no state of an earlier run. */
void bank_scene_board(struct bank_scene *s, uint32_t seed, const char *fault);
/* The host loses what it remembers of the device. */
void bank_scene_forget(const struct bank_scene *s);
/* Flash operations of the update that is looked at. */
uint64_t bank_scene_ops(const struct bank_scene *s);

/* As the command does it; over UART the program must say `expect`. */
int bank_scene_update(
	struct bank_scene *s, const char *expect, struct trial_result *ret, struct err *e);

/* What a power-up with BOOT0 low starts. */
enum bank_boots bank_scene_boots(struct bank_scene *s);
/* A power-up with BOOT0 high. False if the ROM does not start. */
bool bank_scene_enter_rom(struct bank_scene *s);
/* Whether the ROM refuses to let itself be read. */
bool bank_scene_protected(struct bank_scene *s);

#endif
