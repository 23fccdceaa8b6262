/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_gpio.h - what the shim in the program and the virtual GPIO chip say to each other
 *
 * In gpiohandle_request the shim passes its process as `fd`, and gets the number of a node back.
 */
#ifndef STMOTA_SIM_SHIM_GPIO_H
#define STMOTA_SIM_SHIM_GPIO_H

#include <sys/ioctl.h>

#define SHIM_GPIO_NODE    "/dev/stmota-sim-lines"
#define SHIM_GPIO_RELEASE _IO(0xB4, 0xFE) /* on the node: its descriptor is being closed */

#endif
