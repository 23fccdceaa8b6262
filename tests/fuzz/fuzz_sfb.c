/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sfb.c - any bytes as an image for SBSFU; what is opened is what the header says */
#include "fuzz_image.h"

#include <stmota/sfb.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[SFB_AES_KEY] = "@ABCDEFGHIJKLMNO";
	static const struct trust nobody = TRUST_INIT;
	cleanup_buf struct buf plain = BUF_INIT;
	struct trust_signer signers[1];
	struct err e = ERR_INIT;
	struct sfb_info in;
	size_t n;

	if (sfb_inspect(data, size, &in, &e) < 0) {
		must(e.msg[0] != '\0');
		return 0;
	}
	must(in.offset >= SFB_HEADER_SIZE && in.offset + in.partial_size == size);
	must((uint64_t)in.partial_offset + in.partial_size <= in.size);
	must(in.signature + in.layout->signature_size <= data + SFB_HEADER_SIZE);
	must(in.iv == NULL || in.iv + in.layout->iv_size <= data + SFB_HEADER_SIZE);
	if (sfb_plain(data, &in, key, &plain, &e) == 0)
		must(plain.len == in.size && plain.len < size);
	else
		must(e.msg[0] != '\0' && plain.len == 0);
	must(sfb_verify(data, &in, &nobody, 0, NULL, signers, 1, &n, &e) < 0 && n == 0);
	return 0;
}
