/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - a port, as the loader and the application see it
 */
#ifndef BOOT_BOARD_H
#define BOOT_BOARD_H

#include "port.h"

extern const struct boot_port board;

/* Clock, serial line, tick; before anything else of `board` is used. */
void board_init(void);

void board_led(bool on);

/* Makes the table at `table` the one that exceptions use, where the loader did not. */
typedef void (*vector)(void);
void board_vectors(const vector *table);

extern const vector vectors[16]; /* of this program: startup.c */

int main(void);

#endif
