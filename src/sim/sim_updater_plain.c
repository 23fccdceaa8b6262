/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_plain.c - updaters without a menu: a shell, or nothing but a receiver
 */
#include "sim_updater.h"

#include <string.h>

#define APP 0x8000u

static const struct sim_ymodem_config reference = {
	.name = "rb",
	.interval_ms = 3000,
	.number = SIM_YMODEM_ACK,
	.end_nak = true,
	.at_once = true,
	.max_errors = 10,
};

static void factory(struct sim_board *b)
{
	updater_make_program(b, 0, b->chip->flash_base, 0x2000, NULL);
}

/* ---- a receiver as the protocol reference has it, for ever ---- */

static void listen(struct sim_board *b)
{
	struct sim_updater *u = b->updater;

	u->at = u->start = APP;
	u->end = b->flash_size;
	updater_receive(b);
}

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	if (size > b->flash_size - APP)
		return SIM_TOO_LARGE;
	b->updater->at = APP;
	return updater_erase(b, APP, b->flash_size - APP) == SIM_DEAD ? SIM_DEAD : SIM_TAKEN;
}

static void received(struct sim_board *b, enum sim_received how)
{
	(void)how;
	listen(b);
}

const struct updater_kind updater_plain[] = {
	{.name = "rb",
		.what = "no menu: a receiver as YMODEM's author has it; application at 0x08008000",
		.pid = 0x413,
		.receiver = &reference,
		.factory = factory,
		.start = listen,
		.begin = begin,
		.data = updater_write,
		.received = received},
	{.name = NULL},
};
