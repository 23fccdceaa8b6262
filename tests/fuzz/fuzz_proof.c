/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/proof.h>

/* Any text: a proof within its limits, or an error with a message and a hint. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proof p;
	struct err e = ERR_INIT;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (proof_parse(text, &p, &e) == 0) {
		assert(p.within_ms >= 1000 && p.within_ms <= 3600000);
		assert(memchr(p.port, '\0', sizeof(p.port)) != NULL);
		assert(memchr(p.command, '\0', sizeof(p.command)) != NULL);
		if (p.kind == PROOF_UART) {
			assert(p.expect_len > 0 && p.expect_len < sizeof(p.expect));
			assert(p.baud >= 300 && p.baud <= 12000000);
		} else {
			assert(p.command[0] != '\0' && !proof_on_device(&p));
		}
	} else {
		assert(e.code == ERR_USAGE && e.msg[0] != '\0' && e.hint[0] != '\0');
	}
	free(text);
	return 0;
}
