/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mcuboot.c - any bytes as an MCUboot image; the walk over its entries stays inside */
#include "fuzz_image.h"

#include <stmota/fmt_mcuboot.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mcuboot_info m;
	struct mcuboot_tlv t;
	struct err e = ERR_INIT;
	volatile uint8_t sum = 0;
	size_t at = 0, n = 0;

	if (mcuboot_inspect(data, size, &m, &e) < 0) {
		must(e.msg[0] != '\0');
		return 0;
	}
	must(m.hashed <= m.end && m.end <= size);
	must(m.pure || m.hash_bits > 0);
	for (unsigned i = 0; i < m.hash_bits / 8; i++)
		sum = (uint8_t)(sum ^ m.hash[i]);
	while (mcuboot_tlv_next(data, &m, &at, &t)) {
		must(t.data >= data && t.data + t.len <= data + m.end);
		must(++n <= size / 4);
	}
	must(at == m.end);
	return 0;
}
