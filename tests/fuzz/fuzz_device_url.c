/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/device_url.h>

/* Any text: a URL within its limits, or an error with a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_url u;
	struct entry entry = ENTRY_INIT;
	struct err e = ERR_INIT;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	device_url_is_url(text);
	if (device_url_parse(text, &u, &e) == 0) {
		assert((u.path[0] != '\0' || u.scheme == DEVICE_DFU) &&
			memchr(u.path, '\0', sizeof(u.path)) != NULL);
		assert(u.baud == 0 || (u.baud >= 1200 && u.baud <= 12000000));
		assert(u.entry.boot0.wire == ENTRY_WIRE_NONE ||
			u.entry.boot0.wire != u.entry.nrst.wire ||
			strcmp(u.entry.boot0.gpio, u.entry.nrst.gpio) != 0);
	} else {
		assert(e.code != ERR_NONE && e.msg[0] != '\0');
	}
	e = ERR_INIT;
	if (entry_parse(text, NULL, &entry, &e) < 0)
		assert(e.msg[0] != '\0');
	free(text);
	return 0;
}
