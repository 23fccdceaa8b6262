/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_gpio.c - /dev/gpiochip0 with the lines BOOT0 and NRST (version 1 of the kernel's interface)
 *
 * GPIO_GET_LINEHANDLE returns a descriptor that only the program itself can open. So there is a
 * second node for each handle; we answer with its number, and the shim opens it. The shim tells
 * us the process in return, and when the descriptor is closed. A line that is released keeps its
 * level, as those of most gateways do.
 */
#include <errno.h>
#include <linux/gpio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "shim_gpio.h"

#define NODE    "/dev/gpiochip0"
#define HANDLES 8

enum { LINE_BOOT0, LINE_NRST, LINE_FREE_2, LINE_FREE_3, LINES };

static const char *const line_names[LINES] = {"BOOT0", "NRST", "", ""};

/* Guarded by the lock. */
static struct {
	bool level, output, used, active_low;
	char consumer[32];
} lines[LINES];

static struct handle {
	bool used;
	pid_t owner;
	__u32 n;
	__u32 offsets[LINES];
	struct exec *x;
} handles[HANDLES];

/* What the two nets have become. */
static void drive(struct exec *x)
{
	bool boot0 = lines[LINE_BOOT0].output ? lines[LINE_BOOT0].level : x->boot0;
	bool nrst = lines[LINE_NRST].output ? lines[LINE_NRST].level : x->nrst;

	exec_lines(x, boot0, nrst);
}

static bool level_of(const struct exec *x, __u32 line)
{
	if (line == LINE_BOOT0)
		return x->boot0;
	return line == LINE_NRST ? x->nrst : lines[line].level;
}

static void *resolved(UMockdevIoctlClient *client, size_t len, UMockdevIoctlData **ret)
{
	*ret = umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, len, NULL);
	return *ret == NULL ? NULL : (*ret)->data;
}

/* Sends what was filled in back to the program. */
static int done(UMockdevIoctlData *data, const void *filled, size_t len)
{
	umockdev_ioctl_data_update(data, 0, (guint8 *)filled, (gint)len);
	return 0;
}

static int chip_info(UMockdevIoctlClient *client)
{
	struct gpiochip_info info = {.name = "gpiochip0", .label = "stmota-sim", .lines = LINES};
	cleanup_data UMockdevIoctlData *data = NULL;

	if (resolved(client, sizeof(info), &data) == NULL)
		return -EFAULT;
	return done(data, &info, sizeof(info));
}

static int line_info(UMockdevIoctlClient *client)
{
	struct gpioline_info info;
	cleanup_data UMockdevIoctlData *data = NULL;
	const void *from = resolved(client, sizeof(info), &data);
	__u32 i;

	if (from == NULL)
		return -EFAULT;
	memcpy(&info, from, sizeof(info));
	i = info.line_offset;
	if (i >= LINES)
		return -EINVAL;
	info = (struct gpioline_info){.line_offset = i};
	snprintf(info.name, sizeof(info.name), "%s", line_names[i]);
	memcpy(info.consumer, lines[i].consumer, sizeof(info.consumer));
	info.flags = (lines[i].used ? GPIOLINE_FLAG_KERNEL : 0) |
		     (lines[i].output ? GPIOLINE_FLAG_IS_OUT : 0) |
		     (lines[i].active_low ? GPIOLINE_FLAG_ACTIVE_LOW : 0);
	return done(data, &info, sizeof(info));
}

static void release(struct handle *h)
{
	for (__u32 i = 0; i < h->n; i++) {
		lines[h->offsets[i]].used = false;
		lines[h->offsets[i]].active_low = false;
		lines[h->offsets[i]].consumer[0] = '\0';
	}
	h->n = 0;
	h->used = false;
}

/* A process that has ended holds no lines. */
static void release_the_dead(void)
{
	for (size_t i = 0; i < HANDLES; i++)
		if (handles[i].used && kill(handles[i].owner, 0) < 0 && errno == ESRCH)
			release(&handles[i]);
}

static int check_request(const struct gpiohandle_request *rq)
{
	if (rq->lines == 0 || rq->lines > LINES)
		return -EINVAL;
	for (__u32 i = 0; i < rq->lines; i++) {
		if (rq->lineoffsets[i] >= LINES)
			return -EINVAL;
		if (lines[rq->lineoffsets[i]].used)
			return -EBUSY;
	}
	return 0;
}

/* The level at the pin for a value of the program's. */
static bool to_level(__u32 line, __u8 value)
{
	return (value != 0) != lines[line].active_low;
}

static int line_handle(struct exec *x, UMockdevIoctlClient *client)
{
	struct gpiohandle_request rq;
	cleanup_data UMockdevIoctlData *data = NULL;
	const void *from = resolved(client, sizeof(rq), &data);
	struct handle *h = handles;
	int rc;

	if (from == NULL)
		return -EFAULT;
	memcpy(&rq, from, sizeof(rq));
	release_the_dead();
	rc = check_request(&rq);
	while (h < handles + HANDLES && h->used)
		h++;
	if (rc < 0 || h == handles + HANDLES)
		return rc < 0 ? rc : -EBUSY;
	h->used = true;
	h->owner = (pid_t)rq.fd;
	h->n = rq.lines;
	for (__u32 i = 0; i < rq.lines; i++) {
		__u32 line = rq.lineoffsets[i];

		h->offsets[i] = line;
		lines[line].used = true;
		lines[line].active_low = (rq.flags & GPIOHANDLE_REQUEST_ACTIVE_LOW) != 0;
		lines[line].output = (rq.flags & GPIOHANDLE_REQUEST_OUTPUT) != 0;
		memcpy(lines[line].consumer, rq.consumer_label, sizeof(lines[line].consumer));
		lines[line].consumer[sizeof(lines[line].consumer) - 1] = '\0';
		if (lines[line].output)
			lines[line].level = to_level(line, rq.default_values[i]);
	}
	drive(x);
	rq.fd = (int)(h - handles);
	return done(data, &rq, sizeof(rq));
}

static gboolean on_chip(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct exec *x = user;
	int rc;

	exec_lock(x);
	switch ((unsigned)umockdev_ioctl_client_get_request(client)) {
	case GPIO_GET_CHIPINFO_IOCTL: rc = chip_info(client); break;
	case GPIO_GET_LINEINFO_IOCTL:
		release_the_dead();
		rc = line_info(client);
		break;
	case GPIO_GET_LINEHANDLE_IOCTL: rc = line_handle(x, client); break;
	/* Events, and the second version of the interface, are not there, as before Linux 5.10. */
	default: rc = -EINVAL; break;
	}
	exec_unlock(x);
	umockdev_ioctl_client_complete(client, rc < 0 ? -1 : 0, rc < 0 ? -rc : 0);
	return TRUE;
}

static int handle_values(struct handle *h, UMockdevIoctlClient *client, bool set)
{
	struct gpiohandle_data values = {{0}};
	cleanup_data UMockdevIoctlData *data = NULL;
	const void *from = resolved(client, sizeof(values), &data);

	if (from == NULL)
		return -EFAULT;
	if (set)
		memcpy(&values, from, sizeof(values));
	for (__u32 i = 0; i < h->n; i++) {
		__u32 line = h->offsets[i];

		if (set && !lines[line].output)
			return -EPERM;
		if (set)
			lines[line].level = to_level(line, values.values[i]);
		else
			values.values[i] = level_of(h->x, line) != lines[line].active_low;
	}
	if (!set)
		return done(data, &values, sizeof(values));
	drive(h->x);
	return 0;
}

static gboolean on_handle(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct handle *h = user;
	int rc = -EINVAL;

	exec_lock(h->x);
	switch ((unsigned)umockdev_ioctl_client_get_request(client)) {
	case GPIOHANDLE_GET_LINE_VALUES_IOCTL: rc = handle_values(h, client, false); break;
	case GPIOHANDLE_SET_LINE_VALUES_IOCTL: rc = handle_values(h, client, true); break;
	case SHIM_GPIO_RELEASE:
		release(h);
		rc = 0;
		break;
	default: break;
	}
	exec_unlock(h->x);
	umockdev_ioctl_client_complete(client, rc < 0 ? -1 : 0, rc < 0 ? -rc : 0);
	return TRUE;
}

static int add_handle(struct exec *x, size_t i, struct err *e)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
	char record[200], node[64];
	int rc;

	handles[i].x = x;
	snprintf(node, sizeof(node), SHIM_GPIO_NODE "%zu", i);
	snprintf(record, sizeof(record),
		"P: /devices/virtual/misc/lines%zu\nN: stmota-sim-lines%zu\nE: DEVNAME=%s\n"
		"E: SUBSYSTEM=misc\n\n",
		i, i, node);
	rc = exec_add(x, record, e);
	if (rc < 0) {
		g_object_unref(handler);
		return rc;
	}
	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_handle), &handles[i]);
	return exec_answer(x, node, handler, e);
}

static int attach(struct exec *x, struct err *e)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
	int rc = exec_add(x,
		"P: /devices/platform/stmota-sim/gpiochip0\nN: gpiochip0\nE: DEVNAME=" NODE
		"\nE: SUBSYSTEM=gpio\nE: MAJOR=254\nE: MINOR=0\nA: dev=254:0\\n\n",
		e);

	if (rc < 0) {
		g_object_unref(handler);
		return rc;
	}
	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_chip), x);
	rc = exec_answer(x, NODE, handler, e);
	for (size_t i = 0; i < HANDLES && rc == 0; i++)
		rc = add_handle(x, i, e);
	return rc;
}

static void detach(struct exec *x)
{
	umockdev_testbed_detach_ioctl(x->testbed, NODE, NULL);
}

const struct exec_transport exec_gpio = {
	.option = "gpio",
	.what = "the lines BOOT0 and NRST on /dev/gpiochip0",
	.shim = "libstmota-sim-gpio.so",
	.attach = attach,
	.detach = detach,
};
