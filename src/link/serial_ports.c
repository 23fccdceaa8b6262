/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/serial_ports.h>

#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/log.h>

#include "uart_priv.h"

/* pid 0: any product of the vendor. More exact rows come first. */
static const struct {
	uint16_t vid, pid;
	bool may_be_board;
	const char *what;
} known[] = {
	{0x0483, 0xDF11, false, "STM32 in USB DFU mode"},
	{0x0483, 0x5740, false, "STM32 application with a virtual port"},
	{0x0483, 0, true, "ST-LINK virtual port"},
	{0x0403, 0, true, "FTDI adapter"},
	{0x10C4, 0, true, "CP210x adapter"},
	{0x1A86, 0, true, "CH340 adapter"},
	{0x067B, 0, true, "PL2303 adapter"},
	{0x1366, 0, true, "J-Link virtual port"},
	{0x0D28, 0, true, "DAPLink virtual port"},
	{0x1D50, 0x6018, true, "Black Magic Probe"},
};

static void copy(char *ret, size_t size, const char *text)
{
	snprintf(ret, size, "%s", text != NULL ? text : "");
}

static void describe(const struct sp_port *port, struct serial_port *p)
{
	int vid = 0, pid = 0;

	*p = (struct serial_port){.what = ""};
	copy(p->name, sizeof(p->name), sp_get_port_name(port));
	copy(p->description, sizeof(p->description), sp_get_port_description(port));
	p->is_usb = sp_get_port_transport(port) == SP_TRANSPORT_USB;
	if (p->is_usb && sp_get_port_usb_vid_pid(port, &vid, &pid) == SP_OK) {
		p->vid = (uint16_t)vid;
		p->pid = (uint16_t)pid;
		copy(p->serial, sizeof(p->serial), sp_get_port_usb_serial(port));
	}
	/* A port of the machine itself may lead anywhere. */
	p->may_be_board = !p->is_usb;
	for (size_t i = 0; p->is_usb && i < ARRAY_LEN(known); i++) {
		if (known[i].vid != p->vid || (known[i].pid != 0 && known[i].pid != p->pid))
			continue;
		p->what = known[i].what;
		p->may_be_board = known[i].may_be_board;
		break;
	}
	port_holder(p->name, p->holder, sizeof(p->holder));
}

bool serial_port_holder(const char *path, char *ret, size_t size)
{
	char *resolved = realpath(path, NULL);
	bool held = resolved != NULL && port_holder(resolved, ret, size);

	free(resolved);
	return held;
}

int serial_ports_list(struct serial_port **ret, size_t *ret_n, struct err *e)
{
	struct sp_port **ports = NULL;
	struct serial_port *list;
	size_t n = 0;

	/* A container without /sys has no ports to speak of, which is no failure. */
	if (access("/sys/class/tty", F_OK) < 0) {
		log_info("no serial ports are known: /sys is not mounted");
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	if (sp_list_ports(&ports) != SP_OK)
		return err_set(e, ERR_LINK, "the serial ports of this machine cannot be listed");
	while (ports[n] != NULL)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		sp_free_port_list(ports);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		describe(ports[i], &list[i]);
	sp_free_port_list(ports);
	*ret = list;
	*ret_n = n;
	return 0;
}
