/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_desk.h - somebody at a terminal in front of a virtual updater, in process and without waiting
 */
#ifndef STMOTA_TESTS_SIM_DESK_H
#define STMOTA_TESTS_SIM_DESK_H

#include <stddef.h>
#include <stdint.h>

#include <stmota/ymodem.h>

#include "sim_link.h"

#define COUNTS_8 (1u << YMODEM_COUNTS_8_BITS)
#define NAK_IS   (1u << YMODEM_NAK_IS_NUMBER)

struct desk {
	struct sim_board *b;
	struct link *l;
	char heard[16384]; /* since the last key */
	size_t n;
};

void desk_open(struct desk *d, const char *updater, const char *const *faults, size_t n);
/* With the key of an updater that decrypts. */
void desk_open_with_key(struct desk *d, const char *updater, const char *aes_file);
void desk_close(struct desk *d);
/* Listens until nothing has come for so long. */
void desk_listen(struct desk *d, uint32_t ms);
void desk_forget(struct desk *d);
/* These two fail the test. */
void desk_hears(struct desk *d, const char *text);
void desk_hears_not(struct desk *d, const char *text);
void desk_press(struct desk *d, char key);
/* By our own sender; what the device said meanwhile is in `heard`. */
int desk_send(struct desk *d, const uint8_t *data, size_t len, unsigned traits);
/* A program for `base`, with something to say at offset 512. */
void desk_image(uint8_t *p, size_t len, uint32_t base, uint32_t sp, const char *text);

#endif
