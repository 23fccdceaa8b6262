/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_kinds.c - all updaters that a virtual board can have
 */
#include "sim_updater.h"

const struct updater_kind *const updater_kinds[] = {
	updater_iap,
	updater_dbfu,
	updater_sbsfu,
	updater_mcuboot,
	updater_fota,
	updater_plain,
	NULL,
};
