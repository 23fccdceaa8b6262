/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_tcp.h - TCP connections as links
 */
#ifndef STMOTA_LINK_TCP_H
#define STMOTA_LINK_TCP_H

#include <stmota/err.h>
#include <stmota/link.h>

/*
 * Connects to a server that passes bytes on to a serial line.
 *
 * port  number or name of a service
 * ret   release with link_close()
 *
 * ERR_LINK. Blocks up to ten seconds for each address of the host.
 */
int link_tcp_open(const char *host, const char *port, struct link **ret, struct err *e);

#endif
