/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/dfu_layout.h>

/* Any name of an interface: a map without overlap that ends below 2^32, or an error. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dfu_layout l;
	struct err e = ERR_INIT;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (dfu_layout_parse(text, &l, &e) < 0) {
		assert(e.code == ERR_FORMAT && e.msg[0] != '\0');
	} else {
		assert(l.n_runs > 0 && l.n_runs <= DFU_RUNS_MAX);
		for (size_t i = 0; i < l.n_runs; i++) {
			const struct dfu_run *r = &l.runs[i];
			struct span zone = dfu_layout_zone(&l, r);

			assert(r->count > 0 && r->size > 0 && r->access < 8);
			assert(r->addr + (uint64_t)r->count * r->size <= (uint64_t)1 << 32);
			assert(dfu_layout_at(&l, r->addr) == r);
			assert(dfu_layout_at(&l, r->addr + r->count * r->size - 1) == r);
			assert(zone.addr <= r->addr && zone.len >= r->count * r->size - 1);
		}
	}
	free(text);
	return 0;
}
