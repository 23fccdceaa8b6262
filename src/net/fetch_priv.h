/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_priv.h - a place for fetched bytes, in memory or on disk
 */
#ifndef STMOTA_NET_FETCH_PRIV_H
#define STMOTA_NET_FETCH_PRIV_H

#include <stmota/digest.h>
#include <stmota/fetch.h>

#include "transfer.h"

struct fetch_store {
	struct transfer_sink sink;  /* keeps `len` right; its ctx is that of digest() too */
	uint64_t len;               /* bytes that are there */
	char etag[FETCH_ETAG_SIZE]; /* whose bytes they are; "": unknown */
	int (*digest)(
		void *ctx, uint8_t ret[SHA256_SIZE], struct err *e); /* of all that is there */
};

/* All tries for a request. What a failure leaves in the store is the caller's to keep or drop. */
int fetch_into(const struct fetch_settings *s, const struct fetch_request *rq,
	struct fetch_store *store, struct fetch_result *ret, struct err *e);

#endif
