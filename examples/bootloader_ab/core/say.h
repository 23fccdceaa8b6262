/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.h - text for people and playbooks, without the C library
 */
#ifndef BOOT_SAY_H
#define BOOT_SAY_H

#include <imf/imf_version.h>

#include "port.h"

void say(const struct boot_port *p, const char *text);
void say_number(const struct boot_port *p, uint32_t n);
void say_hex(const struct boot_port *p, uint32_t n, uint32_t digits);
void say_version(const struct boot_port *p, struct imf_version v);

#endif
