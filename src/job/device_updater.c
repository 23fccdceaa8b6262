/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_updater.c - opens the updater that a device's own program has, with the playbook for it
 */
#include "device_priv.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <stmota/fs.h>
#include <stmota/link_uart.h>
#include <stmota/serial_line.h>
#include <stmota/signals.h>
#include <stmota/state.h>
#include <stmota/updater_menu.h>

#define WAIT_STEP_MS 250

static int no_playbook(struct err *e)
{
	err_set(e, ERR_USAGE, "the URL does not say which updater is there");
	return err_hint(e,
		"add ?playbook=NAME to the URL; 'stmota playbook list' names them, 'rb' is "
		"a bare YMODEM receiver");
}

static int open_line(
	const struct device *d, const struct playbook *p, struct link **ret, struct err *e)
{
	struct uart_config uart = {.path = d->url.path,
		.baud = d->baud_given ? d->url.baud : p->baud,
		.parity = p->even ? UART_PARITY_EVEN : UART_PARITY_NONE,
		.entry = d->url.entry};
	char text[sizeof(d->url.path) + 8];

	if (d->url.scheme != DEVICE_TCP)
		return link_uart_open(&uart, ret, e);
	snprintf(text, sizeof(text), "tcp:%s", d->url.path);
	return serial_line_open(text, NULL, 0, ret, e);
}

/* The port of a device that is being started may come later. */
static int wait_for_line(const struct device *d, const struct playbook *p, uint32_t wait_s,
	struct link **ret, struct err *e)
{
	const struct clock *clock = &clock_monotonic;
	uint64_t until = clock_now_ms(clock) + (uint64_t)wait_s * 1000;
	int rc = open_line(d, p, ret, e);

	while (rc == ERR_LINK && clock_now_ms(clock) < until) {
		clock_sleep_ms(clock, WAIT_STEP_MS);
		rc = signals_check(e);
		if (rc == 0)
			rc = open_line(d, p, ret, e);
	}
	return rc;
}

/* "banks-ymodem--dev-ttyACM0" in the folder of the state files. */
static void journal_path(const struct device *d, const char *folder, char *ret, size_t size)
{
	char name[100];
	size_t n = 0;

	for (const char *p = d->name;
		*p != '\0' && strchr("?,", *p) == NULL && n < sizeof(name) - 1; p++)
		name[n++] = isalnum((unsigned char)*p) || *p == '_' ? *p : '-';
	name[n] = '\0';
	if (snprintf(ret, size, "%s/banks-%s", folder, name) >= (int)size)
		ret[0] = '\0';
}

static struct transcript *begin_transcript(
	const struct device *d, const char *folder, const struct event_sink *events)
{
	struct event warning = {.type = EVENT_WARNING};
	struct transcript *t = NULL;
	struct err why = ERR_INIT;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/transcripts", folder) < (int)sizeof(path) &&
		transcript_open(path, d->name, &t, &why) == 0)
		return t;
	warning.text = why.msg;
	event_emit(events, &warning);
	return NULL;
}

int device_open_updater(struct device *d, uint32_t wait_s, const struct config *config,
	const struct event_sink *events, struct err *e)
{
	struct event note = {.type = EVENT_NOTE, .phase = "connect"};
	char folder[PATH_MAX], journal[512] = "", kept[512], text[600];
	struct updater_menu_options opt = {.events = events,
		.wait_ms = wait_s < 3600 ? wait_s * 1000 : 3600000,
		.may_reset = entry_uses_modem_lines(&d->url.entry),
		.reset_ms = d->url.entry.reset_ms};
	struct transcript *t = NULL;
	struct playbook *p = NULL;
	struct link *l = NULL;
	int rc;

	if (d->url.playbook[0] == '\0')
		return no_playbook(e);
	rc = playbook_load(d->url.playbook, &p, e);
	if (rc == 0)
		rc = state_folder(
			config_get(config, "state", NULL, "dir"), folder, sizeof(folder) - 32, e);
	if (rc == 0)
		rc = fs_mkdir(folder, e);
	if (rc == 0)
		rc = wait_for_line(d, p, wait_s, &l, e);
	if (rc < 0) {
		playbook_free(p);
		return rc;
	}
	t = begin_transcript(d, folder, events);
	snprintf(kept, sizeof(kept), "%.511s", transcript_path(t));
	journal_path(d, folder, journal, sizeof(journal));
	opt.journal = journal[0] != '\0' ? journal : NULL;
	rc = updater_menu_open(l, p, t, &opt, &d->updater, e);
	if (rc == 0) {
		snprintf(d->updater->info.transcript, sizeof(d->updater->info.transcript), "%s",
			kept);
		return 0;
	}
	if (kept[0] != '\0') {
		snprintf(text, sizeof(text), "what was said is in %s", kept);
		note.text = text;
		event_emit(events, &note);
	}
	return rc;
}
