/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_job.h - reading and erasing a device's memory, through failures of the connection
 *
 * After a failure in mid-conversation the device is lined up again and the work goes on; five
 * failures in a row without progress end it.
 */
#ifndef STMOTA_MEMORY_JOB_H
#define STMOTA_MEMORY_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/device.h>
#include <stmota/err.h>
#include <stmota/event.h>

/*
 * Reads `range` into `ret` (range.len bytes).
 *
 * twice  each block is read twice and must agree (the wire has no checksum for reads)
 *
 * ERR_PROTECTED, ERR_NACK (no such address), ERR_VERIFY (two readings differ again and again),
 * failures of the link. `ret` is undefined then.
 */
int memory_read(struct device *d, struct span range, bool twice, uint8_t *ret,
	const struct event_sink *events, struct err *e);

/*
 * Erases units and proves that they are blank by reading them back. `units` in address order.
 * ERR_VERIFY with the address of the first byte that is not blank; ERR_UNFINISHED does not occur:
 * the same call again finishes the work.
 */
int memory_erase(struct device *d, struct erase_unit *units, size_t n,
	const struct event_sink *events, struct err *e);

/* Erases the whole flash by the device's mass erase, unit by unit where it has none; proves it. */
int memory_erase_all(struct device *d, const struct event_sink *events, struct err *e);

/*
 * The erase units that `range` consists of. ERR_NO_FIT if it does not begin and end with a unit;
 * the hint names the smallest range of whole units around it.
 *
 * ret  owned by the caller, free()
 */
int memory_units(const struct device_facts *f, struct span range, struct erase_unit **ret,
	size_t *ret_n, struct err *e);

#endif
