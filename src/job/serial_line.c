/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/serial_line.h>

#include <stdio.h>
#include <string.h>

#include <stmota/device_url.h>
#include <stmota/link_tcp.h>
#include <stmota/link_uart.h>

#define BAUD_USUAL 115200

/* HOST:PORT, [::1]:PORT */
static int open_tcp(const char *where, struct link **ret, struct err *e)
{
	const char *colon = strrchr(where, ':');
	char host[108];
	size_t len = colon != NULL ? (size_t)(colon - where) : 0;

	if (len > 2 && where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host) || colon[1] == '\0') {
		err_set(e, ERR_USAGE, "'tcp:%s' names no host and port", where);
		return err_hint(e, "tcp:HOST:PORT");
	}
	memcpy(host, where, len);
	host[len] = '\0';
	return link_tcp_open(host, colon + 1, ret, e);
}

int serial_line_open(const char *device, const struct config *config, uint32_t baud,
	struct link **ret, struct err *e)
{
	struct uart_config uart = {.parity = UART_PARITY_NONE};
	struct device_url u;
	uint32_t section_baud = 0;
	int rc = 0;

	if (!device_url_is_url(device)) {
		const char *url = config_get(config, "device", device, "url");

		if (url == NULL)
			return err_set(e, ERR_USAGE, "there is no device '%s'", device);
		rc = config_u32(config, "device", device, "baud", 0, &section_baud, e);
		device = url;
	}
	if (rc == 0)
		rc = device_url_parse(device, &u, e);
	if (rc < 0)
		return rc;
	switch (u.scheme) {
	case DEVICE_TCP: return open_tcp(u.path, ret, e);
	case DEVICE_UART:
	case DEVICE_YMODEM: break;
	default:
		err_set(e, ERR_USAGE, "'%s' is no serial line", device);
		return err_hint(e, "uart:/dev/ttyACM0 or tcp:HOST:PORT");
	}
	uart.path = u.path;
	uart.baud = baud != 0 ? baud : u.baud != 0 ? u.baud : section_baud;
	if (uart.baud == 0)
		uart.baud = BAUD_USUAL;
	return link_uart_open(&uart, ret, e);
}
