/* SPDX-License-Identifier: Apache-2.0 */
/*
 * updater_file.h - the bytes that a device which takes a file is to get
 */
#ifndef STMOTA_UPDATER_FILE_H
#define STMOTA_UPDATER_FILE_H

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/firmware.h>
#include <stmota/updater.h>

/*
 * Of a package the plain bytes of its one component that is selected; of a file with addresses what
 * lies between the first and the last of them, holes as 0xFF; any other file as it is, without the
 * DFU suffix, whose ids go into `ret`. For a device that opens packages: the package.
 *
 * f     loaded with `for_updater`; and with `whole_package` if the device opens packages itself
 * info  what the device takes
 * room  empty; keeps what had to be made, and must outlive `ret`
 *
 * ERR_UNSUPPORTED (a delta: its old image is inside the device), ERR_USAGE (several components),
 * ERR_NO_FIT (holes), ERR_NOMEM.
 */
int updater_file_make(const struct firmware *f, const struct updater_info *info, struct buf *room,
	struct updater_file *ret, struct err *e);

#endif
