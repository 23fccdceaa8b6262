/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.h - the loader as a whole: looks, asks, receives, starts
 */
#ifndef BOOT_LOADER_H
#define BOOT_LOADER_H

#include "port.h"
#include "state.h"

/* Never comes back on a device; on the host, when a program was started. */
void loader_run(const struct boot_port *p);

#ifndef BOOT_NO_UPDATE
/*
 * Receives a package by YMODEM and says what became of it. `running` as for update_begin(). 0: there
 * is something on trial, reset.
 */
int loader_receive(const struct boot_port *p, struct boot_state *s, uint32_t running);
#endif

#endif
