/* SPDX-License-Identifier: Apache-2.0 */
/*
 * updater_menu_priv.h - what the parts of the menu updater share
 */
#ifndef STMOTA_TARGET_UPDATER_MENU_PRIV_H
#define STMOTA_TARGET_UPDATER_MENU_PRIV_H

#include <stmota/updater_menu.h>

#include "menu.h"

struct menu_updater {
	struct updater u; /* first member */
	struct menu menu;
	struct playbook *p; /* owned */
	struct talk *talk;  /* owned; u.link is it */
	char journal[512];  /* "": none */
	bool sent;          /* bytes of a file went out: the device may hold a part of it */
};

/*
 * One session: menu, transfer, what the device says about it.
 *
 * ret_final  true: trying again would not help
 */
int updater_menu_session(struct menu_updater *mu, const struct updater_file *f, bool anew,
	char *ret_said, size_t size, bool *ret_final, struct err *e);

/* Before attempt number `n` (from 1): tells why and waits longer each time. ERR_INTERRUPTED. */
int updater_menu_back_off(struct menu_updater *mu, unsigned n, const char *why, struct err *e);

/* The whole sequence with two banks, from wherever the device is. */
int updater_menu_banks(struct menu_updater *mu, const struct updater_file *f, char *ret_said,
	size_t size, struct err *e);

#endif
