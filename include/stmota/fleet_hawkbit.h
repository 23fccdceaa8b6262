/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_hawkbit.h - a device of a fleet as a target of the fleet's hawkBit server
 */
#ifndef STMOTA_FLEET_HAWKBIT_H
#define STMOTA_FLEET_HAWKBIT_H

#include <stmota/fleet.h>
#include <stmota/hawkbit.h>

/*
 * URL, tenant and token as the fleet file says. `fetch` outlives `ret`, which must not be moved;
 * release it with hawkbit_done(). ERR_CONFIG, ERR_IO, with the name of the device.
 */
int fleet_hawkbit_login(const struct fleet *f, const struct fleet_device *d,
	const struct fetch_settings *fetch, struct hawkbit *ret, struct err *e);

#endif
