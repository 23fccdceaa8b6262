/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_run.c - what a recipe does to the board
 *
 * The order of steps follows AN2606 and stm32flash: BOOT0 first, then the reset, and nothing but
 * 0x7F on the line after it, because a glitch makes the ROM measure a wrong speed.
 */
#include <stmota/entry.h>

#include <stdio.h>
#include <stdlib.h>

#include <stmota/gpio_lines.h>
#include <stmota/link_uart.h>
#include <stmota/signals.h>

struct entry_held {
	struct gpio_line *boot0, *nrst;
	struct link *port; /* of modem lines that are not those of the data link */
	bool entered;      /* by command; its `idle` is due */
};

/* ---- lines ---- */

static struct gpio_line *gpio_of(const struct entry *en, enum link_line line)
{
	if (en->held == NULL)
		return NULL;
	return line == LINK_BOOT0 ? en->held->boot0 : en->held->nrst;
}

static int set_line(
	struct link *l, const struct entry *en, enum link_line line, bool level, struct err *e)
{
	const struct entry_pin *pin = line == LINK_BOOT0 ? &en->boot0 : &en->nrst;
	struct gpio_line *gpio = gpio_of(en, line);

	if (pin->wire == ENTRY_WIRE_NONE)
		return 0;
	if (pin->wire == ENTRY_WIRE_GPIO) {
		if (gpio == NULL)
			return err_set(e, ERR_LINK, "the GPIO line %s is not open", pin->gpio);
		return gpio_line_set(gpio, pin->inverted ? !level : level, e);
	}
	if (en->held != NULL && en->held->port != NULL)
		l = en->held->port;
	if (l == NULL || l->ops->set_line == NULL)
		return err_set(e, ERR_UNSUPPORTED, "this port has no modem lines");
	return l->ops->set_line(l, line, level, e);
}

static int idle_lines(struct link *l, const struct entry *en, struct err *e)
{
	int rc = set_line(l, en, LINK_BOOT0, false, e);
	int rc_nrst = set_line(l, en, LINK_NRST, true, rc < 0 ? NULL : e);

	return rc < 0 ? rc : rc_nrst;
}

static int hold_gpio(const struct entry_pin *pin, bool level, bool open_drain,
	struct gpio_line **ret, struct err *e)
{
	if (pin->wire != ENTRY_WIRE_GPIO)
		return 0;
	return gpio_line_open(
		pin->gpio, open_drain && !pin->inverted, pin->inverted ? !level : level, ret, e);
}

static bool is_modem(const struct entry_pin *pin)
{
	return pin->wire == ENTRY_WIRE_DTR || pin->wire == ENTRY_WIRE_RTS;
}

static int hold_port(struct entry *en, struct err *e)
{
	struct uart_config cfg = {.path = en->port, .baud = 115200, .parity = UART_PARITY_NONE};

	if (en->port[0] == '\0' || en->way != ENTRY_BY_LINES ||
		(!is_modem(&en->boot0) && !is_modem(&en->nrst)))
		return 0;
	cfg.entry = *en;
	cfg.entry.port[0] = '\0'; /* there it is the data port */
	return link_uart_open(&cfg, &en->held->port, e);
}

int entry_hold(struct entry *en, struct err *e)
{
	int rc;

	if (!en->use_lines || en->held != NULL)
		return 0;
	en->held = calloc(1, sizeof(*en->held));
	if (en->held == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* NRST is open drain: the chip pulls it low itself, and so does a button. */
	rc = hold_gpio(&en->nrst, true, true, &en->held->nrst, e);
	if (rc == 0)
		rc = hold_gpio(&en->boot0, false, false, &en->held->boot0, e);
	if (rc == 0)
		rc = hold_port(en, e);
	if (rc < 0)
		entry_release(en);
	return rc;
}

void entry_release(struct entry *en)
{
	struct entry_held *h = en->held;

	if (h == NULL)
		return;
	if (h->entered && en->idle[0] != '\0')
		entry_command(en->idle, "idle", en->port, en->command_s, true, NULL);
	/* BOOT0 before NRST: whatever was begun, the board ends in its application. */
	if (h->boot0 != NULL)
		gpio_line_set(h->boot0, en->boot0.inverted, NULL);
	if (h->nrst != NULL)
		gpio_line_set(h->nrst, !en->nrst.inverted, NULL);
	gpio_line_close(h->boot0);
	gpio_line_close(h->nrst);
	link_close(h->port);
	free(h);
	en->held = NULL;
}

/* ---- in and out ---- */

/* BOOT0 to its level, NRST low for a while, then time to start. */
static int pulse(
	struct link *l, const struct entry *en, bool boot0, uint32_t boot_ms, struct err *e)
{
	const struct clock *clock = l != NULL ? l->clock : &clock_monotonic;
	int rc;

	if (!entry_can_reset(en))
		return err_set(e, ERR_UNSUPPORTED, "no line is wired to NRST");
	rc = set_line(l, en, LINK_BOOT0, boot0, e);
	if (rc < 0)
		return rc;
	clock_sleep_ms(clock, en->settle_ms);
	rc = set_line(l, en, LINK_NRST, false, e);
	if (rc == 0)
		clock_sleep_ms(clock, en->reset_ms);
	/* Never left in reset: the line goes up before anything else is looked at. */
	if (rc == 0)
		rc = set_line(l, en, LINK_NRST, true, e);
	if (rc < 0) {
		idle_lines(l, en, NULL);
		return rc;
	}
	clock_sleep_ms(clock, boot_ms);
	return signals_check(e);
}

static int run_command(
	struct link *l, const struct entry *en, bool enter, uint32_t boot_ms, struct err *e)
{
	const char *line = enter ? en->enter : en->leave;
	const char *port = en->port[0] != '\0' ? en->port : l != NULL ? l->name : "";
	int rc;

	if (line[0] == '\0')
		return err_set(e, ERR_UNSUPPORTED, "the recipe has no command for this");
	if (en->held != NULL)
		en->held->entered = enter;
	rc = entry_command(line, enter ? "enter" : "leave", port, en->command_s, false, e);
	if (rc == 0)
		clock_sleep_ms(l != NULL ? l->clock : &clock_monotonic, boot_ms);
	return rc;
}

int entry_enter(struct link *l, const struct entry *en, struct err *e)
{
	int rc = en->way == ENTRY_BY_COMMAND ? run_command(l, en, true, en->boot_ms, e)
					     : pulse(l, en, true, en->boot_ms, e);

	return rc < 0 || l == NULL || l->ops->flush == NULL ? rc : l->ops->flush(l, e);
}

int entry_leave(struct link *l, const struct entry *en, struct err *e)
{
	return en->way == ENTRY_BY_COMMAND ? run_command(l, en, false, 0, e)
					   : pulse(l, en, false, 0, e);
}

/* ---- the running application ---- */

int entry_ask(const struct entry *en, const char *path, struct err *e)
{
	struct uart_config cfg = {
		.path = en->port[0] != '\0' ? en->port : path, .baud = en->send_baud};
	struct link *l = NULL;
	int rc;

	if (en->way == ENTRY_BY_COMMAND)
		return run_command(NULL, en, true, en->boot_ms, e);
	cfg.parity = en->send_parity == ENTRY_PARITY_NONE   ? UART_PARITY_NONE
		     : en->send_parity == ENTRY_PARITY_EVEN ? UART_PARITY_EVEN
							    : UART_PARITY_ODD;
	cfg.entry.use_lines = false;
	rc = link_uart_open(&cfg, &l, e);
	if (rc == 0 && en->way == ENTRY_BY_SEND)
		rc = l->ops->write(l, en->send, en->send_len, e);
	else if (rc == 0 && l->ops->send_break != NULL)
		rc = l->ops->send_break(l, en->break_ms, e);
	else if (rc == 0)
		rc = err_set(e, ERR_UNSUPPORTED, "%s cannot send a break", cfg.path);
	if (rc == 0 && l->ops->drain != NULL)
		rc = l->ops->drain(l, e);
	link_close(l);
	if (rc == 0)
		clock_sleep_ms(&clock_monotonic, en->boot_ms);
	return rc < 0 ? rc : signals_check(e);
}
