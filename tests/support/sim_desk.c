/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/bytes.h>

#include "sim_desk.h"

static void open_with(struct desk *d, const char *updater, const char *const *faults, size_t n,
	const char *aes_file)
{
	struct sim_config cfg = {.updater = updater,
		.boot0_low = true,
		.seed = 1,
		.faults = faults,
		.n_faults = n,
		.aes_file = aes_file};
	const struct sim_link_config link = {.boot0_low = true, .lines = true};
	struct err e = ERR_INIT;

	memset(d, 0, sizeof(*d));
	assert_int_equal(sim_updater_chip(updater, &cfg.chip, &e), 0);
	if (sim_board_new(&cfg, &d->b, &e) != 0)
		fail_msg("%s: %s", updater, e.msg);
	d->l = sim_link_new(d->b, &link);
	assert_non_null(d->l);
}

void desk_open_with_key(struct desk *d, const char *updater, const char *aes_file)
{
	open_with(d, updater, NULL, 0, aes_file);
}

void desk_open(struct desk *d, const char *updater, const char *const *faults, size_t n)
{
	open_with(d, updater, faults, n, NULL);
}

void desk_close(struct desk *d)
{
	link_close(d->l);
	sim_board_free(d->b);
}

/* Listens until nothing has come for so long. */
void desk_listen(struct desk *d, uint32_t ms)
{
	uint8_t byte;

	while (d->n + 1 < sizeof(d->heard) && d->l->ops->read(d->l, &byte, 1, ms, NULL) == 0)
		d->heard[d->n++] = byte == 0 ? ' ' : (char)byte;
	d->heard[d->n] = '\0';
}

void desk_forget(struct desk *d)
{
	d->n = 0;
	d->heard[0] = '\0';
}

/* What was printed since the last key. */
void desk_hears(struct desk *d, const char *text)
{
	desk_listen(d, 50);
	if (strstr(d->heard, text) == NULL)
		fail_msg("not printed: %s; but: %s", text, d->heard);
}

void desk_hears_not(struct desk *d, const char *text)
{
	desk_listen(d, 50);
	if (strstr(d->heard, text) != NULL)
		fail_msg("printed: %s", text);
}

void desk_press(struct desk *d, char key)
{
	desk_listen(d, 50);
	desk_forget(d);
	sim_link_wait_us(d->l, 50000);
	assert_int_equal(d->l->ops->write(d->l, &key, 1, NULL), 0);
}

/* A program for `base` that says what it is. */
void desk_image(uint8_t *p, size_t len, uint32_t base, uint32_t sp, const char *text)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + len);
	put_le32(p, sp);
	put_le32(p + 4, base + 0x101);
	snprintf((char *)p + 512, 200, "%s", text);
}

int desk_send(struct desk *d, const uint8_t *data, size_t len, unsigned traits)
{
	struct ymodem_options opt = YMODEM_OPTIONS_INIT;
	struct ymodem_file f = {"fw.bin", data, len};
	struct ymodem_report r;
	struct err e = ERR_INIT;
	int rc;

	desk_listen(d, 50);
	desk_forget(d);
	opt.traits = traits;
	rc = ymodem_send(d->l, &f, 1, &opt, &r, &e);
	/* The words of a device that has given up are in the hint. */
	snprintf(d->heard, sizeof(d->heard), "%s\n%s", r.text, e.hint);
	d->n = strlen(d->heard);
	return rc;
}
