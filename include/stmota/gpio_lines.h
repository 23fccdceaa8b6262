/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpio_lines.h - single lines of GPIO chips, for BOOT0 and NRST
 *
 * All that is used of libgpiod, so that its other generation needs one other file and nothing else.
 */
#ifndef STMOTA_GPIO_LINES_H
#define STMOTA_GPIO_LINES_H

#include <stdbool.h>

#include <stmota/err.h>

struct gpio_line;

/*
 * Takes a line as an output.
 *
 * where       "gpiochip0/17", "gpiochip0/BOOT0", "/dev/gpiochip0/17", "pinctrl-bcm2711/17" (label),
 *             or the name of a line alone: "BOOT0"
 * open_drain  a high line is not driven: for NRST, which the chip itself and a button pull low too
 * high        its level from the first moment on
 *
 * ERR_USAGE (no such form), ERR_LINK (no such chip or line, no permission), ERR_BUSY (the message
 * names who has it).
 */
int gpio_line_open(
	const char *where, bool open_drain, bool high, struct gpio_line **ret, struct err *e);
int gpio_line_set(struct gpio_line *g, bool high, struct err *e);
/* Gives it back, as an input if it was one. Takes NULL. */
void gpio_line_close(struct gpio_line *g);

/* Checks the form of `where` only. ERR_USAGE. */
int gpio_line_check(const char *where, struct err *e);

#endif
