/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usbip.c - the kernel's USB/IP protocol: headers of 48 bytes, big endian, on a socket
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stmota/bytes.h>

#include "gadget.h"

#define VHCI       "/sys/devices/platform/vhci_hcd.0/"
#define SPEED_FULL 2

#define CMD_SUBMIT 1
#define CMD_UNLINK 2
#define RET_SUBMIT 3
#define RET_UNLINK 4

#define HEADER_LEN 48

static int vhci_write(const char *name, const char *text)
{
	char path[96];
	int fd, rc;

	snprintf(path, sizeof(path), VHCI "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int gadget_attach(struct gadget *g)
{
	char text[64];
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	snprintf(text, sizeof(text), "%u %d %u %u", g->port, pair[1], (1u << 16) + g->port + 2,
		SPEED_FULL);
	rc = vhci_write("attach", text);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return rc;
	}
	g->fd = pair[0];
	g->n_held = 0;
	return 0;
}

void gadget_detach(struct gadget *g)
{
	char text[16];

	if (g->fd < 0)
		return;
	snprintf(text, sizeof(text), "%u", g->port);
	vhci_write("detach", text);
	close(g->fd);
	g->fd = -1;
	/* The port is free once the kernel's threads have ended. */
	usleep(100000);
}

static int read_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return n < 0 ? -errno : -ENODEV;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void reply(struct gadget *g, uint32_t command, uint32_t seq, int status, uint32_t actual,
	const uint8_t *data, size_t len)
{
	uint8_t h[HEADER_LEN] = {0};

	put_be32(h, command);
	put_be32(h + 4, seq);
	put_be32(h + 20, (uint32_t)status);
	put_be32(h + 24, actual);
	if (write(g->fd, h, sizeof(h)) < 0 || (len > 0 && write(g->fd, data, len) < 0))
		perror("guest: usbip");
}

static void hold(struct gadget *g, uint32_t seq, uint32_t len, bool bulk)
{
	if (g->n_held == GADGET_HELD) {
		fprintf(stderr, "guest: too many transfers held\n");
		exit(1);
	}
	g->held[g->n_held].seq = seq;
	g->held[g->n_held].len = len;
	g->held[g->n_held++].bulk = bulk;
}

static void forget(struct gadget *g, size_t i)
{
	memmove(&g->held[i], &g->held[i + 1], (g->n_held - i - 1) * sizeof(g->held[0]));
	g->n_held--;
}

static void unlink_one(struct gadget *g, uint32_t seq, uint32_t victim)
{
	for (size_t i = 0; i < g->n_held; i++) {
		if (g->held[i].seq != victim)
			continue;
		forget(g, i);
		reply(g, RET_UNLINK, seq, -ECONNRESET, 0, NULL, 0);
		return;
	}
	reply(g, RET_UNLINK, seq, 0, 0, NULL, 0);
}

void gadget_push(struct gadget *g)
{
	uint8_t data[4096];
	size_t i = 0, n;

	while (g->ops->bulk_in != NULL && i < g->n_held) {
		if (!g->held[i].bulk) {
			i++;
			continue;
		}
		n = g->ops->bulk_in(
			g, data, g->held[i].len < sizeof(data) ? g->held[i].len : sizeof(data));
		if (n == 0)
			return;
		reply(g, RET_SUBMIT, g->held[i].seq, 0, (uint32_t)n, data, n);
		forget(g, i);
	}
}

static void control(struct gadget *g, uint32_t seq, const uint8_t setup[8], uint8_t *data, bool in)
{
	int n = g->ops->control(g, setup, data);

	if (n == GADGET_HOLD)
		hold(g, seq, 0, false);
	else if (n < 0)
		reply(g, RET_SUBMIT, seq, n, 0, NULL, 0);
	else
		reply(g, RET_SUBMIT, seq, 0, (uint32_t)n, data, in ? (size_t)n : 0);
}

int gadget_serve(struct gadget *g)
{
	static uint8_t data[65536];
	uint8_t h[HEADER_LEN];
	uint32_t seq, len, endpoint;
	bool in;
	int rc = read_all(g->fd, h, sizeof(h));

	if (rc < 0)
		return rc;
	seq = get_be32(h + 4);
	if (get_be32(h) == CMD_UNLINK) {
		unlink_one(g, seq, get_be32(h + 20));
		return 0;
	}
	in = get_be32(h + 12) != 0;
	endpoint = get_be32(h + 16);
	len = get_be32(h + 24);
	if (get_be32(h) != CMD_SUBMIT || len > sizeof(data))
		return -EPROTO;
	if (!in && len > 0 && (rc = read_all(g->fd, data, len)) < 0)
		return rc;
	if (endpoint == 0) {
		control(g, seq, h + 40, data, in);
	} else if (in) {
		hold(g, seq, len, true);
	} else {
		if (g->ops->bulk_out != NULL)
			g->ops->bulk_out(g, data, len);
		reply(g, RET_SUBMIT, seq, 0, len, NULL, 0);
	}
	gadget_push(g);
	return 0;
}

/* ---- standard requests ---- */

static int text_descriptor(const char *text, uint8_t *ret)
{
	size_t n = strlen(text);

	ret[0] = (uint8_t)(2 + 2 * n);
	ret[1] = 3;
	for (size_t i = 0; i < n; i++) {
		ret[2 + 2 * i] = (uint8_t)text[i];
		ret[3 + 2 * i] = 0;
	}
	return ret[0];
}

int gadget_standard(const uint8_t setup[8], uint8_t *data, const uint8_t *device, size_t device_len,
	const uint8_t *configuration, size_t configuration_len, const char *serial)
{
	static const uint8_t languages[] = {4, 3, 0x09, 0x04}, zero[2];
	uint16_t len = get_le16(setup + 6);
	uint8_t text[256];
	const uint8_t *from = NULL;
	size_t n = 0;

	if (setup[1] != 6) { /* SET_CONFIGURATION, SET_INTERFACE...; GET_STATUS */
		memcpy(data, zero, len < 2 ? len : 2);
		return len < 2 ? len : 2;
	}
	switch (setup[3]) {
	case 1: from = device, n = device_len; break;
	case 2: from = configuration, n = configuration_len; break;
	case 3:
		from = setup[2] == 0 ? languages : text;
		n = setup[2] == 0 ? sizeof(languages)
				  : (size_t)text_descriptor(
					    setup[2] == 3 ? serial : "stmota test board", text);
		break;
	default: return -EPIPE;
	}
	n = n < len ? n : len;
	memcpy(data, from, n);
	return (int)n;
}
