/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass_priv.h - what the files of a pass share
 */
#ifndef STMOTA_FLEET_PASS_PRIV_H
#define STMOTA_FLEET_PASS_PRIV_H

#include <limits.h>

#include <stmota/cleanup.h>
#include <stmota/pass.h>
#include <stmota/worker.h>

enum pass_step { PASS_FORTH, PASS_BACK }; /* the new firmware, or the way back from it */

struct pass_job {
	const struct fleet_device *device;
	struct fleet_known known;
	bool has_offer;
	struct update_offer offer;
	struct fleet_tries tries;
	enum decision decision;
	char why[DECIDE_WHY_SIZE];
	/* while it runs */
	struct fleet_attempt attempt;
	struct worker worker;
	enum pass_step step;
	bool delta;               /* that of the offer is on its way */
	bool no_delta;            /* it was in vain */
	struct package_file file; /* what is sent; closed: -1 */
	char path[PATH_MAX], name[80], backup[PATH_MAX], base[PATH_MAX];
	json_t *result; /* last line of the process; owned */
	json_t *forth;  /* that of the first step, during the second; owned */
	char phase[24]; /* of its work */
	char hint[240]; /* of its failure; "" */
	uint64_t begun_ms;
};

/* A package that could not be had: the same for all who want it. */
struct pass_bad {
	uint8_t sha256[SHA256_SIZE];
	struct err e;
};

struct pass {
	const struct pass_request *rq;
	struct pass_sums *sums;
	struct pass_job *jobs;    /* of all devices */
	struct decide_job *turns; /* side by side with `jobs` */
	size_t n, running;
	struct pass_bad *bad;
	size_t n_bad;
	char folder[PATH_MAX]; /* beside the database */
	uint64_t start_ms;
	bool changed; /* since it was asked last who may begin */
	bool stopped;
};

struct pass_device pass_device_of(const struct pass *p, const struct pass_job *j);
/* Unix time: goes on while the pass runs, whatever happens to the clock. */
uint64_t pass_now(const struct pass *p);

/* ---- pass_package.c ---- */

/*
 * The package of an offer from the cache, its digest and signature checked and compared with what
 * was announced. A release that was not announced is filled in from it. Release `ret` with
 * package_file_close().
 */
int pass_package(
	struct pass *p, struct pass_job *j, bool delta, struct package_file *ret, struct err *e);
/* Opens a package and judges its signature: ERR_SIGNATURE, ERR_DAMAGED, ERR_IO. `ret` borrows `file`. */
int pass_open_package(
	struct pass *p, const char *path, struct buf *file, struct package *ret, struct err *e);
/* What is here of a digest that was delivered before; false: nothing. */
bool pass_find_package(struct pass *p, const uint8_t sha256[SHA256_SIZE], struct package_file *ret);
/* The path by which it is read from its beginning. */
void pass_path_of(const struct package_file *f, char ret[PATH_MAX]);

/* ---- pass_deliver.c ---- */

/* Records that it begins, and begins. */
int pass_begin(struct pass *p, struct pass_job *j, bool canary, struct err *e);
/* What cannot be sent was refused, as if the device had been asked: told, counted, put off. */
int pass_refuse(struct pass *p, struct pass_job *j, const struct err *why, struct err *e);
/* Takes what its process says; true: this device is done, and `ret` how it ended. */
bool pass_listen(struct pass *p, struct pass_job *j, struct err *e);

/* ---- pass_ending.c ---- */

/* What a process said, as an outcome. `j->result` may be NULL: it died without a word. */
struct pass_verdict {
	enum fleet_outcome outcome;
	int error;
	bool confirmed;
	bool no_base; /* it was a delta whose old image is nowhere: the full package may work */
	char text[256];
	char uid[25];
};
void pass_judge(const struct pass *p, const struct pass_job *j, struct pass_verdict *ret);
/* JSON text, owned; NULL if there is no memory. */
char *pass_evidence(const struct pass_job *j, const struct pass_verdict *v);

#endif
