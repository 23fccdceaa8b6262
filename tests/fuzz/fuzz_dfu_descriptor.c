/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>

#include <stmota/dfu_descriptor.h>

/* 18 bytes of device descriptor, the rest is the configuration, as sysfs has them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dfu_descriptor d;
	struct err e = ERR_INIT;
	size_t head = size < 18 ? size : 18;

	if (dfu_descriptor_parse(data, head, data + head, size - head, &d, &e) < 0) {
		assert((e.code == ERR_UNSUPPORTED || e.code == ERR_PROTOCOL) && e.msg[0] != '\0');
		return 0;
	}
	assert(d.n_alts > 0 && d.n_alts <= DFU_ALTS_MAX);
	assert(d.transfer_size >= 8 && d.transfer_size <= DFU_TRANSFER_MAX);
	assert(d.has_functional || dfu_descriptor_is_st_rom(&d));
	return 0;
}
