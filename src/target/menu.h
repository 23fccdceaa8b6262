/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menu.h - the menu of a device's updater, as a playbook describes it
 */
#ifndef STMOTA_TARGET_MENU_H
#define STMOTA_TARGET_MENU_H

#include <stmota/event.h>
#include <stmota/playbook.h>

#include "talk.h"

struct menu {
	struct talk *talk;
	const struct playbook *p;
	const struct event_sink *events; /* may be NULL */
	uint32_t within_ms;              /* until a menu appears */
	uint32_t reset_ms;               /* length of a reset pulse */
	bool may_reset;                  /* the link has the line */
	bool at_prompt;                  /* it waits for a key, and nothing was sent since */
	bool asks;                       /* it asks for the file already, and takes no key */
};

/*
 * Brings the device to its prompt, quiet. What the menu says is in the talk from then on. Nothing
 * happens without a menu, or if it is there already.
 *
 * anew  the menu shall be printed once more
 *
 * ERR_TIMEOUT: the hint says how a person gets there.
 */
int menu_reach(struct menu *m, bool anew, struct err *e);

/* ERR_IDENTITY if the menu is that of something else. `ret_version` may get "". */
int menu_identify(struct menu *m, char *ret_version, size_t size, struct err *e);

/* Chooses something at the prompt. ERR_IDENTITY: the menu does not have it, or under another key. */
int menu_press(struct menu *m, const struct playbook_press *press, struct err *e);

/*
 * Does a step: reaches the prompt, chooses, waits for what it says.
 *
 * ret_said  the line that says that it is done; "" if the prompt said so
 *
 * ERR_NACK (it says that it failed), ERR_TIMEOUT (silence), and as above.
 */
int menu_step(
	struct menu *m, const struct playbook_step *st, char *ret_said, size_t size, struct err *e);

#endif
