/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild.h - makes the new image of a delta package here, for devices that cannot do it themselves
 *
 * The old image is looked for where it can be, and believed only for its digest, which is in the
 * signed manifest; so is that of the image that comes out.
 */
#ifndef STMOTA_REBUILD_H
#define STMOTA_REBUILD_H

#include <stmota/device.h>
#include <stmota/event.h>
#include <stmota/firmware.h>
#include <stmota/image_cache.h>
#include <stmota/state.h>

struct rebuild_request {
	struct device *device;
	uint32_t by;              /* the device has the image so many bytes further up than
					    it is linked for (slots, banks) */
	const char *const *bases; /* files and folders that may hold the old image */
	size_t n_bases;
	const struct file_cache *cache; /* NULL: none */
	const struct state *state;       /* NULL: none */
	const struct installed_now
		*now; /* what the device runs, for the message; NULL: not known */
	const struct event_sink *events;
};

/* Where what was needed came from. */
enum rebuild_from {
	REBUILD_KEPT,   /* the new image, kept by the run that was interrupted */
	REBUILD_CACHE,  /* old or new image */
	REBUILD_FILE,   /* one of `bases` */
	REBUILD_DEVICE, /* read from the device, which holds the old image */
	REBUILD_THERE,  /* the device holds the new image already */
};

/* "interrupted-run", "cache", "file", "device", "already-there" */
const char *rebuild_from_name(enum rebuild_from from);

/*
 * Fills every component of `f` that waits for its base; see firmware_waits(). Nothing is written
 * to the device.
 *
 * ret_from  of the last such component
 *
 * ERR_VERIFY: the old image is nowhere; message and hint say which is needed and what the device
 * has. ERR_IO (a file that was named), ERR_DAMAGED (the delta makes something else than signed),
 * failures of the link.
 */
int rebuild_firmware(struct firmware *f, const struct rebuild_request *rq,
	enum rebuild_from *ret_from, struct err *e);

#endif
