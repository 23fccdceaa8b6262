/* SPDX-License-Identifier: Apache-2.0 */
#include "fd_io.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <stmota/signals.h>
#include <stmota/trace.h>

#define WRITE_MAX_MS  5000
#define POLL_SLICE_MS 200 /* a signal may come just before poll() begins to wait */

int fd_io_gone(const struct link *l, struct err *e)
{
	err_set(e, ERR_LINK, "%s has gone", l->name);
	err_hint(e, "unplugged? plug it in again and repeat the command");
	return ERR_LINK;
}

/* Waits for `events`; ERR_TIMEOUT, ERR_LINK, ERR_INTERRUPTED. */
static int wait_for(struct link *l, int fd, short events, uint64_t until_ms, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = clock_now_ms(l->clock), left = until_ms > now ? until_ms - now : 0;
		int n, rc = signals_check(e);

		if (rc < 0)
			return rc;
		n = poll(&p, 1, left < POLL_SLICE_MS ? (int)left : POLL_SLICE_MS);
		if (n < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LINK, errno, "%s", l->name);
		if (n > 0 && (p.revents & events) != 0)
			return 0;
		if (n > 0)
			return fd_io_gone(l, e);
		if (left == 0)
			return err_set(e, ERR_TIMEOUT, "%s: no answer", l->name);
	}
}

int fd_io_write(struct link *l, int fd, const void *buf, size_t len, struct err *e)
{
	uint64_t until_ms = clock_now_ms(l->clock) + WRITE_MAX_MS;
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);
		int rc;

		if (n > 0) {
			trace_bytes(l->name, TRACE_OUT, p, (size_t)n);
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fd_io_gone(l, e);
		rc = wait_for(l, fd, POLLOUT, until_ms, e);
		if (rc == ERR_TIMEOUT)
			return err_set(e, ERR_LINK, "%s does not send", l->name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int fd_io_read(struct link *l, int fd, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	uint8_t *p = buf;

	while (len > 0) {
		int rc = wait_for(l, fd, POLLIN, clock_now_ms(l->clock) + timeout_ms, e);
		ssize_t n;

		if (rc < 0)
			return rc;
		n = read(fd, p, len);
		/* Ready to read, but nothing to be read: the other end has hung up. */
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return fd_io_gone(l, e);
		if (n > 0) {
			trace_bytes(l->name, TRACE_IN, p, (size_t)n);
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}
