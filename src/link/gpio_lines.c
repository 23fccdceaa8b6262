/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpio_lines.c - GPIO lines by libgpiod 1.6 (Debian 12)
 */
#include <stmota/gpio_lines.h>

#include <ctype.h>
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/log.h>
#include <stmota/strparse.h>
#include <stmota/trace.h>

#define CONSUMER "stmota"

struct gpio_line {
	struct gpiod_chip *chip;
	struct gpiod_line *line;
	bool was_input;
	bool requested;
	char name[96];
};

/* "gpiochip0/BOOT0" into its parts; the chip is empty where only a line is named. */
static int split(const char *where, char *chip, size_t size, const char **ret_line, struct err *e)
{
	const char *slash = strrchr(where, '/');
	size_t len = slash != NULL ? (size_t)(slash - where) : 0;

	*ret_line = slash != NULL ? slash + 1 : where;
	if (**ret_line == '\0' || len >= size || (slash != NULL && len == 0) ||
		strlen(*ret_line) >= 32 || (slash == NULL && isdigit((unsigned char)where[0]))) {
		err_set(e, ERR_USAGE, "'%.60s' is not a GPIO line", where);
		return err_hint(
			e, "write gpio:gpiochip0/17, gpio:gpiochip0/NAME, or gpio:NAME alone");
	}
	memcpy(chip, where, len);
	chip[len] = '\0';
	return 0;
}

int gpio_line_check(const char *where, struct err *e)
{
	char chip[64];
	const char *line;

	return split(where, chip, sizeof(chip), &line, e);
}

static int no_chip(const struct gpio_line *g, int errno_value, struct err *e)
{
	if (errno_value == EACCES || errno_value == EPERM) {
		err_set(e, ERR_LINK, "no permission for GPIO line %s", g->name);
		return err_hint(e,
			"GPIO chips often belong to the group gpio: sudo usermod -aG gpio "
			"$USER, then log in again");
	}
	err_set(e, ERR_LINK, "there is no GPIO chip for line %s", g->name);
	return err_hint(e, "'gpioinfo' of the package gpiod lists chips and lines");
}

static int find(struct gpio_line *g, const char *where, struct err *e)
{
	char chip[64];
	const char *name;
	uint32_t offset;
	int rc = split(where, chip, sizeof(chip), &name, e);

	if (rc < 0)
		return rc;
	errno = 0;
	if (chip[0] == '\0') {
		g->line = gpiod_line_find(name);
		g->chip = g->line != NULL ? gpiod_line_get_chip(g->line) : NULL;
	} else {
		g->chip = gpiod_chip_open_lookup(chip);
		if (g->chip == NULL)
			return no_chip(g, errno, e);
		g->line = parse_u32(name, &offset, NULL) == 0 &&
					  offset < gpiod_chip_num_lines(g->chip)
				  ? gpiod_chip_get_line(g->chip, offset)
				  : gpiod_chip_find_line(g->chip, name);
	}
	if (g->line != NULL)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return no_chip(g, errno, e);
	err_set(e, ERR_LINK, "there is no GPIO line %s", g->name);
	return err_hint(e, "'gpioinfo' of the package gpiod lists chips and lines");
}

static int busy(const struct gpio_line *g, struct err *e)
{
	const char *who = gpiod_line_consumer(g->line);

	err_set(e, ERR_BUSY, "GPIO line %s is held by %s", g->name,
		who != NULL ? who : "another program");
	return err_hint(e, "end that program, or wait for it");
}

int gpio_line_open(
	const char *where, bool open_drain, bool high, struct gpio_line **ret, struct err *e)
{
	struct gpio_line *g = calloc(1, sizeof(*g));
	int rc;

	if (g == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	snprintf(g->name, sizeof(g->name), "%s", where);
	rc = find(g, where, e);
	if (rc == 0) {
		g->was_input = gpiod_line_direction(g->line) == GPIOD_LINE_DIRECTION_INPUT;
		if (gpiod_line_request_output_flags(g->line, CONSUMER,
			    open_drain ? GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN : 0, high) == 0)
			g->requested = true;
		else if (errno == EBUSY)
			rc = busy(g, e);
		else
			rc = err_set_errno(
				e, ERR_LINK, errno, "cannot drive GPIO line %s", g->name);
	}
	if (rc < 0) {
		gpio_line_close(g);
		return rc;
	}
	trace_note(g->name, "output, %s", high ? "high" : "low");
	*ret = g;
	return 0;
}

int gpio_line_set(struct gpio_line *g, bool high, struct err *e)
{
	trace_note(g->name, "%s", high ? "high" : "low");
	if (gpiod_line_set_value(g->line, high) == 0)
		return 0;
	return err_set_errno(e, ERR_LINK, errno, "cannot set GPIO line %s", g->name);
}

void gpio_line_close(struct gpio_line *g)
{
	if (g == NULL)
		return;
	if (g->requested) {
		gpiod_line_release(g->line);
		/* Where nobody drove it before, the board's own resistor holds it again. */
		if (g->was_input && gpiod_line_request_input(g->line, CONSUMER) == 0)
			gpiod_line_release(g->line);
		else if (g->was_input)
			log_debug("GPIO line %s stays an output: %s", g->name, strerror(errno));
		trace_note(g->name, "given back");
	}
	if (g->chip != NULL)
		gpiod_chip_close(g->chip);
	free(g);
}
