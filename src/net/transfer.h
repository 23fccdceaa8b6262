/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - one exchange with one HTTP server: what was asked, what came, what it means
 */
#ifndef STMOTA_NET_TRANSFER_H
#define STMOTA_NET_TRANSFER_H

#include <stmota/fetch.h>

/* Where the bytes go. */
struct transfer_sink {
	/* They begin anew, and are those of `etag` ("": unknown); what is there does not count. */
	int (*restart)(void *ctx, const char *etag, struct err *e);
	int (*write)(void *ctx, const void *data, size_t len, struct err *e);
	void *ctx;
};

enum transfer_end {
	TRANSFER_DONE, /* the whole is in the sink, or `not_modified`, or an answer for any_status */
	TRANSFER_REDIRECT, /* to `location` */
	TRANSFER_AGAIN,    /* broken; another try may succeed */
	TRANSFER_REFUSED,  /* this server will not do it, however often it is asked */
	TRANSFER_STOP,     /* no server could: our own disk, Ctrl-C, more bytes than may be */
};

struct transfer {
	const struct fetch_settings *settings;
	const struct fetch_request *request;
	const char *url;
	bool foreign;  /* another host than the one that was asked first: no headers of ours */
	uint64_t from; /* so much is there already */
	const char *if_range; /* ETag of that; "": unknown */
	uint32_t left_ms;     /* until all must be over; 0: no limit */
	struct transfer_sink sink;
	/* what came of it */
	int status;
	bool not_modified;
	bool begun_anew; /* the server sent the whole although a part was there */
	char etag[FETCH_ETAG_SIZE];
	char location[FETCH_URL_SIZE];
	uint32_t retry_after_s;
	uint64_t size; /* of the whole, as far as it is there */
};

/* `e` says why for everything but TRANSFER_DONE and TRANSFER_REDIRECT. */
enum transfer_end transfer_run(struct transfer *t, struct err *e);

#endif
