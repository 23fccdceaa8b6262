/* SPDX-License-Identifier: Apache-2.0 */
/*
 * updater_menu.h - an updater behind a menu and a YMODEM receiver, driven by a playbook
 */
#ifndef STMOTA_UPDATER_MENU_H
#define STMOTA_UPDATER_MENU_H

#include <stdbool.h>
#include <stdint.h>

#include <stmota/err.h>
#include <stmota/event.h>
#include <stmota/link.h>
#include <stmota/playbook.h>
#include <stmota/transcript.h>
#include <stmota/updater.h>

struct updater_menu_options {
	const struct event_sink *events; /* may be NULL */
	uint32_t wait_ms;                /* the menu may take longer than the playbook says */
	bool may_reset;                  /* the link has a reset line */
	uint32_t reset_ms;
	const char *journal; /* file that remembers a sequence with two banks; NULL: none */
};

/*
 * Reaches the menu and identifies what is there; without a menu nothing is sent or awaited yet.
 *
 * link        at the speed of the playbook; owned from here on, also after a failure
 * p           likewise
 * transcript  likewise; NULL: none is kept
 *
 * ERR_TIMEOUT (no menu), ERR_IDENTITY (another one), the link's.
 */
int updater_menu_open(struct link *link, struct playbook *p, struct transcript *transcript,
	const struct updater_menu_options *opt, struct updater **ret, struct err *e);

/* What can be said against a file with no device at hand; `ret_warn` gets "" or a doubt. */
int updater_menu_check_file(const struct playbook *p, const struct updater_file *f, char *ret_warn,
	size_t size, struct err *e);

#endif
