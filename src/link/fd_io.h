/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd_io.h - bytes through a descriptor that does not block: serial ports, sockets
 *
 * As link_ops wants it: all or nothing, time-outs, Ctrl-C, a trace.
 */
#ifndef STMOTA_LINK_FD_IO_H
#define STMOTA_LINK_FD_IO_H

#include <stmota/link.h>

/* As link_ops.write and .read; `l` gives name and clock. */
int fd_io_write(struct link *l, int fd, const void *buf, size_t len, struct err *e);
int fd_io_read(struct link *l, int fd, void *buf, size_t len, uint32_t timeout_ms, struct err *e);

/* ERR_LINK: the other end is not there any more. */
int fd_io_gone(const struct link *l, struct err *e);

#endif
