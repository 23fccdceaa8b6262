/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h - what an application does for its loader: confirm itself, ask for an update, kick
 */
#ifndef BOOT_APP_H
#define BOOT_APP_H

#include "port.h"

/* Time that a program on trial has to confirm itself. */
#ifndef BOOT_TRIAL_MS
#define BOOT_TRIAL_MS 60000u
#endif

/*
 * To be called when the self-test was good: this image runs from now on. 1 if it was on trial, 0 if it
 * had been confirmed before, -1 if the flash failed (the trial goes on; call it again).
 */
int app_confirm(const struct boot_port *p);

/*
 * Whether the watchdog may be kicked at `now` milliseconds after the start. A program on trial that
 * lives but never confirms itself must not run for ever either: when its time is over it is not
 * kicked any more, and the loader takes the old one.
 */
bool app_may_kick(const struct boot_port *p, uint32_t now);

/* The loader is to receive an update. Resets; comes back if the flash failed. */
void app_ask(const struct boot_port *p);

#endif
