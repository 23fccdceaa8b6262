/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_export.h - all that a gateway remembers, for other programs
 */
#ifndef STMOTA_FLEET_EXPORT_H
#define STMOTA_FLEET_EXPORT_H

#include <stdbool.h>

#include <stmota/buf.h>
#include <stmota/err.h>
#include <stmota/fleet_db.h>

/* Names of the tables, NULL ends: "device", "attempt", "halt", ... */
extern const char *const fleet_export_tables[];

/*
 * Appends the rows of one table, or of all (NULL), as NDJSON: one object each, its table in "table".
 * ERR_USAGE (no such table), ERR_DAMAGED, ERR_NOMEM.
 */
int fleet_export_json(struct fleet_db *db, const char *table, struct buf *ret, struct err *e);

/*
 * Appends one table as CSV (RFC 4180) with a line of names. Text that a spreadsheet would take for
 * a formula gets a ' before it.
 */
int fleet_export_csv(struct fleet_db *db, const char *table, struct buf *ret, struct err *e);

#endif
