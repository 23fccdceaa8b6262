/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - a program that finds the devices of one virtual board where it looks for real ones
 *
 * The testbed of umockdev shows the program that is run device nodes which are not there. Each
 * transport adds its node and answers for it; all of them act on the same board. Handlers are
 * called by a thread of the testbed: whoever touches the board holds the lock.
 */
#ifndef STMOTA_SIM_EXEC_H
#define STMOTA_SIM_EXEC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <umockdev.h>

#include "../sim.h"
#include "../sim_exec.h"

#define EXEC_WATCH_MAX 4

struct exec;

struct exec_transport {
	const char *option; /* "i2c" for --i2c */
	const char *what;   /* one line for --help */
	const char *shim;   /* file name of a library for the program, NULL: none */
	/* Adds the device to x->testbed, before the program starts. */
	int (*attach)(struct exec *x, struct err *e);
	/* NULL, or called when a descriptor of x->watch can be read and every few ms; lock held. */
	void (*serve)(struct exec *x);
	void (*detach)(struct exec *x); /* NULL: nothing to do */
};

/* One file each; the table of them is in exec.c. */
extern const struct exec_transport exec_uart, exec_i2c, exec_dfu, exec_gpio;

struct exec {
	struct sim_board *board;
	struct sim_board *const *more; /* further ones, on USB only */
	size_t n_more;
	UMockdevTestbed *testbed;
	pthread_mutex_t lock;
	const char *dfu_as; /* which USB device */
	bool boot0, nrst;   /* levels of the two nets, whoever drove them last */
	uint64_t machine_0; /* microseconds, when it began */
	uint64_t skew_us;   /* modelled time that the program did not wait for */
	uint64_t delays_us; /* of faults, waited for already */
	uint64_t wire_us;   /* of the UART, for the statistics */
	int watch[EXEC_WATCH_MAX];
	size_t n_watch;
};

void exec_lock(struct exec *x);
void exec_unlock(struct exec *x);

/* The board's time: the machine's, and what was passed over. */
uint64_t exec_now_us(const struct exec *x);
/* The board's time is at least `us` now. */
void exec_reach_us(struct exec *x, uint64_t us);
/* What faults delay is waited for in any case, because programs have time-outs. */
void exec_wait_delays(struct exec *x);

/* Somebody drives the nets BOOT0 (true: high) and NRST (false: held in reset). */
void exec_lines(struct exec *x, bool boot0, bool nrst);

/* Adds a device by its umockdev record. ERR_FAILED. */
int exec_add(struct exec *x, const char *record, struct err *e);
/* Makes `handler` answer for the node, and takes it over. ERR_FAILED. */
int exec_answer(struct exec *x, const char *node, UMockdevIoctlBase *handler, struct err *e);
/* serve() is called as soon as `fd` can be read. */
void exec_watch(struct exec *x, int fd);

/* Scope attribute for what umockdev_ioctl_data_resolve() returns. */
static inline void exec_unref_data(UMockdevIoctlData **d)
{
	if (*d != NULL)
		umockdev_ioctl_data_unref(*d);
}
#define cleanup_data __attribute__((cleanup(exec_unref_data)))

#endif
