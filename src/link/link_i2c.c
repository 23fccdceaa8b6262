/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_i2c.c - Linux i2c-dev: one address of a bus as a link
 *
 * Each write and each read is one message from START to STOP: the bootloader does not survive a
 * repeated START between them (AN4221).
 */
#include <stmota/link_i2c.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/log.h>
#include <stmota/trace.h>

#include "uart_priv.h"

#define HZ_DEFAULT  100000 /* works with every bootloader; what the bus really has is rarely told */
#define FRAME_MAX   258    /* the longest message of the protocol */
#define FRAME_MIN   8      /* 4 bytes of data, their count and XOR */
#define NOBODY_ADDR 0x7D   /* reserved by the standard: nobody acknowledges it */
#define QUICK_MS    5      /* a byte that takes longer was waited for */

struct i2c {
	struct link l; /* first */
	char path[PATH_MAX];
	uint8_t addr;
	bool by_read_write; /* the adapter's driver has no I2C_RDWR */
	int fd;
};

static struct i2c *i2c_of(struct link *l)
{
	return (struct i2c *)l;
}

/* ---- messages ---- */

/* What a failed message means; see link.h. */
static int failed(struct i2c *i, int errno_value, size_t len, struct err *e)
{
	static const struct {
		int errno_value;
		enum err_code code;
		const char *text;
	} rows[] = {
		{ENXIO, ERR_TIMEOUT, "nobody at this address"},
		{EREMOTEIO, ERR_NACK, "not acknowledged"},
		{EIO, ERR_NACK, "not acknowledged"},
		{EAGAIN, ERR_NACK, "the bus was lost to another controller"},
		{EBUSY, ERR_NACK, "the bus is busy"},
		{ETIMEDOUT, ERR_PROTOCOL, "the clock is held low"},
		{EPROTO, ERR_PROTOCOL, "the message broke"},
		{EOPNOTSUPP, ERR_NO_FIT, "the message is too long"},
		{EMSGSIZE, ERR_NO_FIT, "the message is too long"},
		{EINVAL, ERR_NO_FIT, "the message is too long"},
	};

	trace_note(i->l.name, "%s", strerror(errno_value));
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		if (rows[k].errno_value != errno_value)
			continue;
		/* Short messages fit everywhere. */
		if (rows[k].code == ERR_NO_FIT && len <= FRAME_MIN)
			break;
		if (rows[k].code == ERR_NO_FIT)
			i->l.max_frame = len > 32 ? 32 : FRAME_MIN;
		return err_set(e, rows[k].code, "%s: %s", i->l.name, rows[k].text);
	}
	return err_set_errno(e, ERR_LINK, errno_value, "%s", i->l.name);
}

static int one_message(struct i2c *i, uint16_t flags, uint8_t addr, void *buf, size_t len)
{
	struct i2c_msg msg = {.addr = addr, .flags = flags, .len = (uint16_t)len, .buf = buf};
	struct i2c_rdwr_ioctl_data all = {.msgs = &msg, .nmsgs = 1};

	return ioctl(i->fd, I2C_RDWR, &all) == 1 ? 0 : errno;
}

static int by_read_write(struct i2c *i, uint16_t flags, void *buf, size_t len)
{
	ssize_t n = flags != 0 ? read(i->fd, buf, len) : write(i->fd, buf, len);

	if (n < 0)
		return errno;
	return (size_t)n == len ? 0 : EIO;
}

static int transfer(struct i2c *i, uint16_t flags, void *buf, size_t len, struct err *e)
{
	int errno_value;

	if (i->l.max_frame != 0 && len > i->l.max_frame)
		return err_set(
			e, ERR_NO_FIT, "%s: %zu bytes in one message are too many", i->l.name, len);
	if (i->by_read_write)
		errno_value = by_read_write(i, flags, buf, len);
	else
		errno_value = one_message(i, flags, i->addr, buf, len);
	if (errno_value == ENOTTY && !i->by_read_write) {
		i->by_read_write = true;
		errno_value = by_read_write(i, flags, buf, len);
	}
	return errno_value == 0 ? 0 : failed(i, errno_value, len, e);
}

static int i2c_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct i2c *i = i2c_of(l);
	uint8_t copy[2048]; /* the kernel's interface is not const */
	int rc;

	if (len > sizeof(copy))
		return err_set(e, ERR_NO_FIT, "%s: %zu bytes in one message", l->name, len);
	memcpy(copy, buf, len);
	rc = transfer(i, 0, copy, len, e);
	if (rc == 0)
		trace_bytes(l->name, TRACE_OUT, buf, len);
	return rc;
}

static int i2c_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	int rc = transfer(i2c_of(l), I2C_M_RD, buf, len, e);

	(void)timeout_ms; /* the adapter has its own */
	if (rc == 0)
		trace_bytes(l->name, TRACE_IN, buf, len);
	return rc;
}

/* Nothing comes unasked. */
static int i2c_flush(struct link *l, struct err *e)
{
	(void)l;
	(void)e;
	return 0;
}

static void i2c_close(struct link *l)
{
	struct i2c *i = i2c_of(l);

	if (i->fd >= 0) {
		trace_note(l->name, "close");
		close(i->fd); /* the lock goes with it */
	}
	free(i);
}

static const struct link_ops i2c_ops = {
	.name = "i2c",
	.write = i2c_write,
	.read = i2c_read,
	.flush = i2c_flush,
	.close = i2c_close,
};

/* ---- opening ---- */

static int missing(const struct i2c *i, int errno_value, struct err *e)
{
	cleanup_free struct i2c_bus *buses = NULL;
	char list[160] = "none";
	size_t n = 0, at = 0;

	err_set_errno(e, ERR_LINK, errno_value, "cannot open %s", i->path);
	if (errno_value == EACCES)
		return err_hint(e, "become a member of the group that owns it: i2c, as a rule");
	if (i2c_buses_list(&buses, &n, NULL) == 0)
		for (size_t k = 0; k < n && at < sizeof(list); k++)
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
				k == 0 ? "" : " ", buses[k].path);
	return err_hint(e, "I2C buses here: %s; where one is missing: modprobe i2c-dev", list);
}

/*
 * Other devices on the bus may belong to others, so one byte of the node is locked: the one whose
 * number is the address. Such a lock belongs to the open file, not to the process.
 */
static int lock_address(struct i2c *i, struct err *e)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i->addr, .l_len = 1};
	char node[PATH_MAX], link_name[40], holder[96] = "another process";
	ssize_t n;

	if (fcntl(i->fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return err_set_errno(e, ERR_LINK, errno, "cannot lock %s", i->l.name);
	snprintf(link_name, sizeof(link_name), "/proc/self/fd/%d", i->fd);
	n = readlink(link_name, node, sizeof(node) - 1);
	node[n > 0 ? n : 0] = '\0';
	if (!port_holder(node, holder, sizeof(holder)))
		log_debug("%s: who holds it cannot be seen", i->l.name);
	err_set(e, ERR_BUSY, "%s is held by %s", i->l.name, holder);
	return err_hint(e, "end that program, or wait for it");
}

static int check_adapter(struct i2c *i, struct err *e)
{
	unsigned long funcs = 0;

	if (ioctl(i->fd, I2C_FUNCS, &funcs) < 0) {
		err_set_errno(e, ERR_LINK, errno, "%s is no I2C bus", i->path);
		return err_hint(
			e, "buses are /dev/i2c-0, /dev/i2c-1 ...: 'stmota devices' lists them");
	}
	if ((funcs & I2C_FUNC_I2C) != 0)
		return 0;
	err_set(e, ERR_UNSUPPORTED, "the adapter of %s speaks SMBus only", i->path);
	return err_hint(e,
		"the bootloader needs messages of up to 258 bytes, which SMBus has not: take another "
		"adapter");
}

/* The kernel keeps I2C_RDWR from no address, but tells here whether one of its drivers has it. */
static int take_address(struct i2c *i, struct err *e)
{
	if (ioctl(i->fd, I2C_SLAVE, (unsigned long)i->addr) == 0)
		return 0;
	if (errno != EBUSY)
		return err_set_errno(e, ERR_LINK, errno, "%s", i->l.name);
	err_set(e, ERR_BUSY, "a driver of the kernel has address 0x%02x of %s", i->addr, i->path);
	return err_hint(e, "no bootloader, or its driver has to be unbound first: see "
			   "/sys/bus/i2c/devices");
}

/*
 * Some adapters end a message after 32 or 64 bytes and say so only when it is tried. Better now
 * than inside a command: nobody has this address, so nothing but the adapter is asked.
 */
static void find_max_frame(struct i2c *i)
{
	static const uint16_t sizes[] = {FRAME_MAX, 130, 66, 34, 32, 18, 16};
	uint8_t zeros[FRAME_MAX] = {0};

	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		int errno_value = one_message(i, 0, NOBODY_ADDR, zeros, sizes[k]);

		if (errno_value == ENOTTY) {
			i->by_read_write = true;
			return;
		}
		if (errno_value == EOPNOTSUPP || errno_value == EMSGSIZE || errno_value == EINVAL)
			continue;
		if (sizes[k] < FRAME_MAX) {
			i->l.max_frame = sizes[k];
			log_info("%s takes %u bytes in one message", i->path, sizes[k]);
		}
		return;
	}
	/* Not even short ones: it has no I2C_RDWR. */
	i->by_read_write = true;
}

/* The device tree tells the clock of some buses. */
static uint32_t bus_clock(const char *path)
{
	const char *name = strrchr(path, '/');
	cleanup_file FILE *f = NULL;
	uint8_t raw[4];
	char file[96];

	snprintf(file, sizeof(file), "/sys/class/i2c-adapter/%.24s/of_node/clock-frequency",
		name != NULL ? name + 1 : path);
	f = fopen(file, "re");
	if (f == NULL || fread(raw, sizeof(raw), 1, f) != 1 || get_be32(raw) < 1000)
		return HZ_DEFAULT;
	return get_be32(raw);
}

static int open_bus(struct i2c *i, const struct i2c_config *cfg, struct err *e)
{
	int rc;

	if (cfg->addr < I2C_ADDR_MIN || cfg->addr > I2C_ADDR_MAX)
		return err_set(e, ERR_USAGE, "0x%02x is no I2C address", cfg->addr);
	i->fd = open(cfg->path, O_RDWR | O_CLOEXEC);
	if (i->fd < 0)
		return missing(i, errno, e);
	rc = check_adapter(i, e);
	if (rc == 0)
		rc = lock_address(i, e);
	if (rc == 0)
		rc = take_address(i, e);
	if (rc < 0)
		return rc;
	i->l.bus_hz = bus_clock(i->path);
	i->l.max_frame = cfg->max_frame;
	if (cfg->max_frame == 0)
		find_max_frame(i);
	trace_note(i->l.name, "open%s", i->by_read_write ? ", by read and write" : "");
	return 0;
}

int link_i2c_open(const struct i2c_config *cfg, struct link **ret, struct err *e)
{
	struct i2c *i = calloc(1, sizeof(*i));
	int rc;

	if (i == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	i->l.ops = &i2c_ops;
	i->l.clock = &clock_monotonic;
	i->l.caps = LINK_FRAMED;
	i->addr = cfg->addr;
	i->fd = -1;
	snprintf(i->path, sizeof(i->path), "%s", cfg->path);
	snprintf(i->l.name, sizeof(i->l.name), "%.110s@0x%02x", cfg->path, cfg->addr);
	rc = open_bus(i, cfg, e);
	if (rc < 0) {
		i2c_close(&i->l);
		return rc;
	}
	*ret = &i->l;
	return 0;
}

/* ---- looking ---- */

/* One byte read; ERR_TIMEOUT and ERR_NACK: nobody. */
static int look_once(struct link *l, uint8_t *ret_byte, uint64_t *ret_ms)
{
	uint64_t begin_ms = clock_now_ms(l->clock);
	int rc = i2c_read(l, ret_byte, 1, 0, NULL);

	*ret_ms = clock_now_ms(l->clock) - begin_ms;
	return rc == ERR_NACK && *ret_ms < QUICK_MS ? ERR_TIMEOUT : rc;
}

int link_i2c_look(struct link *l, enum i2c_presence *ret, struct err *e)
{
	uint8_t byte = 0, again;
	uint64_t ms;
	int rc = look_once(l, &byte, &ms);

	if (rc == ERR_TIMEOUT)
		*ret = I2C_NOBODY;
	else if (rc == ERR_PROTOCOL || rc == ERR_NACK)
		*ret = I2C_CANDIDATE;
	else if (rc < 0)
		return err_set(e, (enum err_code)rc, "%s cannot be read from", l->name);
	else if (byte != 0xFF)
		*ret = I2C_OTHER;
	/* After its reset nobody drives the line, which then reads as ones, and it is starting. */
	else if (ms >= QUICK_MS || look_once(l, &again, &ms) == ERR_TIMEOUT)
		*ret = I2C_CANDIDATE;
	else
		*ret = I2C_OTHER;
	return 0;
}
