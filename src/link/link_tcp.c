/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_tcp.c - a TCP connection as a link: serial servers (ser2net, socat), simulated devices
 *
 * Bytes only: no speed, no lines, no Telnet.
 */
#include <stmota/link_tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd_io.h"

#define CONNECT_MS 10000

struct tcp {
	struct link l; /* first */
	int fd;
};

static struct tcp *tcp_of(struct link *l)
{
	return (struct tcp *)l;
}

static int tcp_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	return fd_io_write(l, tcp_of(l)->fd, buf, len, e);
}

static int tcp_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	return fd_io_read(l, tcp_of(l)->fd, buf, len, timeout_ms, e);
}

static int tcp_flush(struct link *l, struct err *e)
{
	char waiting[512];
	ssize_t n;

	do {
		n = recv(tcp_of(l)->fd, waiting, sizeof(waiting), MSG_DONTWAIT);
	} while (n > 0);
	return n == 0 ? fd_io_gone(l, e) : 0;
}

static void tcp_close(struct link *l)
{
	if (tcp_of(l)->fd >= 0)
		close(tcp_of(l)->fd);
	free(l);
}

static const struct link_ops tcp_ops = {
	.name = "tcp",
	.write = tcp_write,
	.read = tcp_read,
	.flush = tcp_flush,
	.close = tcp_close,
};

/* 0, or an errno value. */
static int try_connect(struct tcp *t, const struct addrinfo *a)
{
	struct pollfd p = {.events = POLLOUT};
	int one = 1, failed = 0;
	socklen_t len = sizeof(failed);

	t->fd = p.fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return errno;
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(t->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, CONNECT_MS) <= 0)
		return ETIMEDOUT;
	return getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0 ? errno : failed;
}

static int connect_any(struct tcp *t, const struct addrinfo *list, struct err *e)
{
	int failed = EADDRNOTAVAIL;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		failed = try_connect(t, a);
		if (failed == 0)
			return 0;
		if (t->fd >= 0)
			close(t->fd);
		t->fd = -1;
	}
	return err_set_errno(e, ERR_LINK, failed, "cannot connect to %s", t->l.name);
}

int link_tcp_open(const char *host, const char *port, struct link **ret, struct err *e)
{
	struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	struct tcp *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	t->fd = -1;
	t->l.ops = &tcp_ops;
	t->l.clock = &clock_monotonic;
	snprintf(t->l.name, sizeof(t->l.name), "%s:%s", host, port);
	rc = getaddrinfo(host, port, &wanted, &list);
	if (rc != 0) {
		rc = err_set(e, ERR_LINK, "cannot find %s: %s", t->l.name, gai_strerror(rc));
	} else {
		rc = connect_any(t, list, e);
		freeaddrinfo(list);
	}
	if (rc < 0) {
		tcp_close(&t->l);
		return rc;
	}
	*ret = &t->l;
	return 0;
}
