/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mcuboot.c - any bytes as an MCUboot image; the walk over its entries stays inside */
#include "fuzz_image.h"

#include <stmota/mcuboot.h>

/* What lies in a slot, and what a key that is none of anybody's finds in it. */
static void check_use(const uint8_t *data, size_t size, const struct mcuboot_info *m)
{
	static const struct fmt_options at = {.has_address = true, .address = 0x08010000};
	static const struct trust nobody = TRUST_INIT;
	cleanup_segments struct segments s = SEGMENTS_INIT;
	cleanup_buf struct buf plain = BUF_INIT;
	struct mcuboot_verdict verdict;
	struct err e = ERR_INIT;
	uint32_t slot, counter;

	if (fmt_find("mcuboot")->read(data, size, &at, &s, NULL) == 0)
		must(segments_size(&s) == size);
	must(mcuboot_table_offset(data, size) < size);
	mcuboot_guess_slot(data, m, &slot);
	mcuboot_counter(data, m, &counter);
	if (mcuboot_plain(data, m, NULL, &plain, NULL, &e) == 0)
		must(plain.len == m->end);
	else
		must(e.msg[0] != '\0' && plain.len == 0);
	must(mcuboot_verify(data, m, &nobody, 0, NULL, &verdict, &e) < 0);
}

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
	check_use(data, size, &m);
	return 0;
}
