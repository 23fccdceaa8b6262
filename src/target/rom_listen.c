/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rom_listen.c - is there a ROM bootloader on this line, and has it had its sync byte?
 */
#include "rom_priv.h"

#define ANSWER_MS 200 /* F105 with PA9 high needs 105 ms */
#define STRAYS    3   /* F413: a 00 after reset */

static enum rom_answer meaning(uint8_t byte)
{
	switch (byte) {
	case ROM_ACK: return ROM_FRESH;
	case ROM_NACK: return ROM_SYNCED;
	default: return ROM_STRANGE;
	}
}

int rom_listen(struct link *l, enum rom_answer *ret, struct err *e)
{
	enum rom_answer answer = ROM_SILENT;
	int rc = l->ops->flush(l, e);

	/* A synced one takes the first as half of a command, and refuses it with the second. */
	for (int i = 0; rc == 0 && i < 2 && answer == ROM_SILENT; i++) {
		uint8_t byte = ROM_SYNC;

		rc = l->ops->write(l, &byte, 1, e);
		for (int n = 0; rc == 0 && n <= STRAYS; n++) {
			rc = l->ops->read(l, &byte, 1, ANSWER_MS + l->latency_ms, e);
			if (rc < 0)
				break;
			answer = meaning(byte);
			if (answer != ROM_STRANGE)
				break;
		}
		if (rc == ERR_TIMEOUT) {
			err_clear(e);
			rc = 0;
		}
	}
	if (rc == 0)
		*ret = answer;
	return rc;
}
