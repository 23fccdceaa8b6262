/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_usb_link.h - a struct usb_link to a virtual USB device in the same process
 *
 * No time passes but the modelled one: of the transfers, and what the driver sleeps.
 */
#ifndef STMOTA_TESTS_SIM_USB_LINK_H
#define STMOTA_TESTS_SIM_USB_LINK_H

#include <stdint.h>

#include <stmota/usb.h>

#include "../../src/sim/sim_usb.h"

/*
 * u       not owned; must live until the link is closed
 * now_us  in and out: the time, which goes on from link to link; must live as long
 *
 * Waits until the device is on the bus, at most 20 modelled seconds. ERR_LINK if it never comes;
 * else as dfu_descriptor_parse().
 */
int sim_usb_link_open(struct sim_usb *u, uint64_t *now_us, struct usb_link **ret, struct err *e);

#endif
