/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator.h - starts the fake hawkBit and does what an operator does there; fails the test if it
 * cannot
 */
#ifndef STMOTA_TEST_OPERATOR_H
#define STMOTA_TEST_OPERATOR_H

#include <sys/types.h>

#include <jansson.h>

#include <stmota/fetch.h>

struct operator
{
	pid_t server;
	char url[64];
	struct fetch_settings fetch; /* quick, without TLS and proxy */
};

void operator_start(struct operator* o);
void operator_stop(struct operator* o);

/* `json` NULL: no body. The answer, to be released; NULL if it is empty. */
json_t *operator_tell(struct operator* o, const char *method, const char *path, const char *json);

/* A module and a distribution set with one file lamp.sota; the id of the set. */
json_int_t operator_release(struct operator* o, const char *version, const void *file, size_t len);

/* type  "forced", "soft", "skip", "downloadonly"; with a + before it: in a maintenance window */
void operator_assign(struct operator* o, json_int_t set, const char *target, const char *type);
void operator_fault(struct operator* o, const char *path, const char *what, int times);

#endif
