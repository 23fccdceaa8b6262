/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_i2c.c - /dev/i2c-1 with the bootloader at its address
 *
 * What the kernel's i2c-dev does: the address is a property of the open file, read and write are
 * one message each, I2C_RDWR is several with repeated STARTs between them.
 */
#include <errno.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>

#include "exec.h"

#define NODE         "/dev/i2c-1"
#define DEVPATH      "/devices/pci0/i2c-1"
#define CLIENTS_MAX  64
#define MESSAGES_MAX 42 /* I2C_RDWR_IOCTL_MAX_MSGS */

static struct {
	UMockdevIoctlClient *client;
	unsigned long addr;
} clients[CLIENTS_MAX]; /* open files, the oldest is forgotten; guarded by the lock */
static size_t next_client;

static unsigned long *addr_of(UMockdevIoctlClient *client)
{
	size_t i = 0;

	while (i < CLIENTS_MAX && clients[i].client != client)
		i++;
	if (i == CLIENTS_MAX) {
		i = next_client++ % CLIENTS_MAX;
		clients[i].client = client;
		clients[i].addr = 0;
	}
	return &clients[i].addr;
}

/* As the kernel's fault codes are meant; 0 is success. */
static int errno_of(enum sim_i2c_outcome outcome)
{
	switch (outcome) {
	case SIM_I2C_OK: return 0;
	case SIM_I2C_ADDR_NACK: return ENXIO;
	case SIM_I2C_DATA_NACK: return EIO;
	case SIM_I2C_TIMED_OUT: return ETIMEDOUT;
	case SIM_I2C_GONE: return ENODEV;
	}
	return EIO;
}

/* One message; 0 or an errno. */
static int message(struct exec *x, unsigned long addr, bool read, void *buf, size_t len, bool stop)
{
	struct sim_i2c_adapter a = sim_i2c_adapter(x->board);
	uint64_t polls = sim_board_stats(x->board).busy_polls, now = exec_now_us(x);
	struct sim_i2c_result r;

	if (len > a.max_len || a.smbus_only)
		return EOPNOTSUPP;
	if (read)
		r = sim_i2c_read(x->board, (uint8_t)addr, buf, len, stop, now);
	else
		r = sim_i2c_write(x->board, (uint8_t)addr, buf, len, stop, now);
	exec_wait_delays(x);
	exec_reach_us(x, r.end_us);
	/* It said once that it is busy; nobody need wait until it is not. */
	if (sim_board_stats(x->board).busy_polls > polls)
		exec_reach_us(x, sim_board_busy_until(x->board));
	return errno_of(r.outcome);
}

static void answer(UMockdevIoctlClient *client, int error, glong ok)
{
	umockdev_ioctl_client_complete(client, error == 0 ? ok : -1, error);
}

static gboolean on_transfer(UMockdevIoctlClient *client, struct exec *x, bool read)
{
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
	int error;

	exec_lock(x);
	error = message(x, *addr_of(client), read, arg->data, (size_t)arg->data_len, true);
	exec_unlock(x);
	answer(client, error, (glong)arg->data_len);
	return TRUE;
}

static gboolean on_read(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	return on_transfer(client, user, true);
}

static gboolean on_write(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	return on_transfer(client, user, false);
}

/* I2C_RDWR; the number of messages, or a negative errno. */
static int transfer(struct exec *x, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *head = NULL, *list = NULL;
	struct i2c_rdwr_ioctl_data *rdwr;
	struct i2c_msg *m;
	int error = 0;
	__u32 n;

	head = umockdev_ioctl_data_resolve(arg, 0, sizeof(*rdwr), NULL);
	if (head == NULL)
		return -EFAULT;
	rdwr = (struct i2c_rdwr_ioctl_data *)(void *)head->data;
	n = rdwr->nmsgs;
	if (n == 0 || n > MESSAGES_MAX)
		return -EINVAL;
	list = umockdev_ioctl_data_resolve(head, 0, n * sizeof(*m), NULL);
	if (list == NULL)
		return -EFAULT;
	m = (struct i2c_msg *)(void *)list->data;
	for (__u32 i = 0; i < n && error == 0; i++) {
		size_t at = i * sizeof(*m) + offsetof(struct i2c_msg, buf);
		cleanup_data UMockdevIoctlData *buf = NULL;
		bool read = (m[i].flags & I2C_M_RD) != 0;

		if ((m[i].flags & ~I2C_M_RD) != 0)
			return -EOPNOTSUPP;
		if (m[i].len > 0)
			buf = umockdev_ioctl_data_resolve(list, at, m[i].len, NULL);
		if (m[i].len > 0 && buf == NULL)
			return -EFAULT;
		exec_lock(x);
		error = message(
			x, m[i].addr, read, buf == NULL ? NULL : buf->data, m[i].len, i + 1 == n);
		exec_unlock(x);
	}
	return error == 0 ? (int)n : -error;
}

/* The two SMBus transactions that probing programs use; 0 or a negative errno. */
static int smbus(struct exec *x, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *head =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct i2c_smbus_ioctl_data), NULL);
	struct i2c_smbus_ioctl_data *s;
	cleanup_data UMockdevIoctlData *data = NULL;
	uint8_t byte = 0;
	bool read;
	int error;

	if (head == NULL)
		return -EFAULT;
	s = (struct i2c_smbus_ioctl_data *)(void *)head->data;
	read = s->read_write == I2C_SMBUS_READ;
	if (s->size != I2C_SMBUS_QUICK && s->size != I2C_SMBUS_BYTE)
		return -EOPNOTSUPP;
	if (s->size == I2C_SMBUS_BYTE && read) {
		data = umockdev_ioctl_data_resolve(
			head, offsetof(struct i2c_smbus_ioctl_data, data), 1, NULL);
		if (data == NULL)
			return -EFAULT;
	}
	byte = s->command;
	exec_lock(x);
	error = message(x, *addr_of(client), read, &byte, s->size == I2C_SMBUS_BYTE ? 1 : 0, true);
	exec_unlock(x);
	if (data != NULL)
		umockdev_ioctl_data_update(data, 0, &byte, 1);
	return -error;
}

static int functions(struct exec *x, UMockdevIoctlData *arg)
{
	cleanup_data UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(unsigned long), NULL);
	unsigned long f = I2C_FUNC_SMBUS_QUICK | I2C_FUNC_SMBUS_BYTE;

	if (data == NULL)
		return -EFAULT;
	exec_lock(x);
	if (!sim_i2c_adapter(x->board).smbus_only)
		f |= I2C_FUNC_I2C;
	exec_unlock(x);
	umockdev_ioctl_data_update(data, 0, (guint8 *)&f, sizeof(f));
	return 0;
}

/* In units of 10 ms; for all users of the adapter, as in the kernel. */
static int set_timeout(struct exec *x, unsigned long value)
{
	struct sim_i2c_adapter a;

	if (value > 100000)
		return -EINVAL;
	exec_lock(x);
	a = sim_i2c_adapter(x->board);
	a.stretch_ms = (uint32_t)value * 10;
	sim_i2c_set_adapter(x->board, &a);
	exec_unlock(x);
	return 0;
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer user)
{
	struct exec *x = user;
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
	unsigned long value;
	int rc = 0;

	memcpy(&value, arg->data, sizeof(value));
	switch ((unsigned)umockdev_ioctl_client_get_request(client)) {
	case I2C_SLAVE:
	case I2C_SLAVE_FORCE:
		if (value > 0x7F) {
			rc = -EINVAL;
			break;
		}
		exec_lock(x);
		*addr_of(client) = value;
		exec_unlock(x);
		break;
	case I2C_FUNCS: rc = functions(x, arg); break;
	case I2C_RDWR: rc = transfer(x, arg); break;
	case I2C_SMBUS: rc = smbus(x, client, arg); break;
	case I2C_RETRIES: break;
	case I2C_TIMEOUT: rc = set_timeout(x, value); break;
	case I2C_TENBIT:
	case I2C_PEC: rc = value == 0 ? 0 : -EINVAL; break;
	default: rc = -ENOTTY; break;
	}
	answer(client, rc < 0 ? -rc : 0, rc);
	return TRUE;
}

static int attach(struct exec *x, struct err *e)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
	/* The content makes a plain file of the node: reads and writes come to us. */
	int rc = exec_add(x,
		"P: " DEVPATH "\nN: i2c-1=00\nE: DEVNAME=" NODE
		"\nE: SUBSYSTEM=i2c-dev\nA: name=stmota-sim\\n\nA: dev=89:1\\n\n",
		e);

	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), x);
	g_signal_connect(handler, "handle-read", G_CALLBACK(on_read), x);
	g_signal_connect(handler, "handle-write", G_CALLBACK(on_write), x);
	if (rc == 0)
		return exec_answer(x, NODE, handler, e);
	g_object_unref(handler);
	return rc;
}

static void detach(struct exec *x)
{
	umockdev_testbed_detach_ioctl(x->testbed, NODE, NULL);
}

const struct exec_transport exec_i2c = {
	.option = "i2c",
	.what = "the bootloader on the I2C bus /dev/i2c-1, at the address of its chip",
	.attach = attach,
	.detach = detach,
};
