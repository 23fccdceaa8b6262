/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_device.c - what is known of each device
 */
#include "db_priv.h"

#include <string.h>

#define COLUMNS                                                                                    \
	"name, uid, product_uuid, version, counter, highest_counter, image, package, healthy, "    \
	"seen, tried, last, text"

static int read_row(struct fleet_db *db, sqlite3_stmt *st, struct fleet_known *ret, struct err *e)
{
	struct fleet_known k = {0};
	uint64_t counter = 0, highest = 0, last = 0;
	int rc;

	db_text(st, 0, k.name, sizeof(k.name));
	db_text(st, 1, k.uid, sizeof(k.uid));
	db_text(st, 2, k.product_uuid, sizeof(k.product_uuid));
	db_text(st, 12, k.text, sizeof(k.text));
	rc = db_version(db, st, 3, &k.version, &k.has_version, e);
	if (rc == 0)
		rc = db_uint(db, st, 4, UINT32_MAX, &counter, e);
	if (rc == 0)
		rc = db_uint(db, st, 5, UINT32_MAX, &highest, e);
	if (rc == 0)
		rc = db_digest(db, st, 6, k.image, &k.has_image, e);
	if (rc == 0)
		rc = db_digest(db, st, 7, k.package, &k.has_package, e);
	if (rc == 0)
		rc = db_digest(db, st, 8, k.healthy, &k.has_healthy, e);
	if (rc == 0)
		rc = db_uint(db, st, 9, INT64_MAX, &k.seen, e);
	if (rc == 0)
		rc = db_uint(db, st, 10, INT64_MAX, &k.tried, e);
	if (rc == 0)
		rc = db_uint(db, st, 11, FLEET_INTERRUPTED, &last, e);
	if (rc < 0)
		return rc;
	k.counter = (uint32_t)counter;
	k.highest_counter = (uint32_t)highest;
	k.last = (enum fleet_outcome)last;
	*ret = k;
	return 0;
}

int fleet_db_device(struct fleet_db *db, const char *name, struct fleet_known *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, "SELECT " COLUMNS " FROM device WHERE name = ?", "t", name);

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc == 1)
		return read_row(db, st, ret, e);
	if (rc == 0) {
		*ret = (struct fleet_known){0};
		snprintf(ret->name, sizeof(ret->name), "%s", name);
	}
	return rc;
}

int fleet_db_each_device(struct fleet_db *db,
	int (*fn)(void *ctx, const struct fleet_known *k, struct err *e), void *ctx, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, "SELECT " COLUMNS " FROM device ORDER BY name", "");

	while (rc == 0 && (rc = db_step(db, st, e)) == 1) {
		struct fleet_known k;

		rc = read_row(db, st, &k, e);
		if (rc == 0)
			rc = fn(ctx, &k, e);
	}
	return rc;
}

int fleet_db_learn(struct fleet_db *db, const struct fleet_known *k, uint64_t now, struct err *e)
{
	char version[VERSION_TEXT_SIZE];
	int rc = db_open_tx(db, e);

	if (rc < 0)
		return rc;
	/* What the device did not say stays as it was; a counter it has had is never forgotten. */
	rc = db_run(
		db, e, "INSERT INTO device (name) VALUES (?) ON CONFLICT DO NOTHING", "t", k->name);
	if (rc == 0)
		rc = db_run(db, e,
			"UPDATE device SET uid = coalesce(?2, uid),"
			" product_uuid = coalesce(?3, product_uuid),"
			/* Of another version than before nothing older is true any more. */
			" image = coalesce(?4, iif(coalesce(?7, version) IS version, image, NULL)),"
			" package = coalesce(?5, iif(coalesce(?7, version) IS version, package, NULL)),"
			" healthy = coalesce(?6, healthy),"
			" counter = iif(?7 IS NULL, counter, ?8),"
			" version = coalesce(?7, version),"
			" highest_counter = max(highest_counter, ?8, ?9), seen = ?10"
			" WHERE name = ?1",
			"tttdddtiii", k->name, k->uid[0] != '\0' ? k->uid : NULL,
			k->product_uuid[0] != '\0' ? k->product_uuid : NULL,
			k->has_image ? k->image : NULL, k->has_package ? k->package : NULL,
			k->has_healthy ? k->healthy : NULL,
			k->has_version ? version_format(k->version, version) : NULL,
			(int64_t)k->counter, (int64_t)k->highest_counter, (int64_t)now);
	return db_close_tx(db, rc, e);
}
