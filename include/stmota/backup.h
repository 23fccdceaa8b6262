/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.h - the content of the erase units that a plan will rewrite, in a file, and back again
 *
 * The file is Intel HEX: every flasher writes it back. It is synced before the first erase and
 * never replaced: after an interruption the device holds a mixture, and the file may be the only
 * copy of what was there.
 */
#ifndef STMOTA_BACKUP_H
#define STMOTA_BACKUP_H

#include <stdbool.h>

#include <stmota/device.h>
#include <stmota/event.h>
#include <stmota/flash_job.h>
#include <stmota/segments.h>
#include <stmota/survey.h>

/*
 * Reads all units of `survey` that will be rewritten (twice; both readings must agree) and writes
 * them to `path`.
 *
 * unfinished  an earlier run was interrupted: a file that is there already is its backup, is read
 *             instead, and must have all that will be rewritten. Otherwise such a file is refused.
 * ret         what the file holds, owned by the caller
 * ret_kept    true if the file was there already
 *
 * ERR_USAGE (the file exists), ERR_FORMAT (it exists and is not of this device's flash), ERR_IO,
 * ERR_PROTOCOL (readings differ), ERR_INTERRUPTED, the link's. Nothing is erased in any case.
 */
int backup_take(struct device *d, const struct survey *survey, const char *path, bool unfinished,
	const struct event_sink *events, struct segments *ret, bool *ret_kept, struct err *e);

/*
 * Writes it back and verifies it. `heads` are those of the image that is being replaced: where the
 * backup has a program at one of them too, its vector table goes last. As flash_run().
 */
int backup_restore(struct device *d, const struct segments *old, const struct image_heads *heads,
	struct state *state, const struct event_sink *events, struct err *e);

#endif
