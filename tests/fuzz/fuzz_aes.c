/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_aes.c - any text as IV, any bytes as an AES file: what was opened is sealed to the same bytes
 *
 * The first byte says whether it is salted, then comes the IV up to a newline, then the file.
 */
#include "fuzz_image.h"

#include <stmota/aes_file.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	cleanup_buf struct buf image = BUF_INIT, file = BUF_INIT;
	struct aes_file a = {.key = {1, 2, 3}, .key_len = 16};
	struct err e = ERR_INIT;
	char iv[128] = "";
	size_t head, len;
	int rc;

	if (eol == NULL || (size_t)(eol - data) > sizeof(iv))
		return 0;
	memcpy(iv, data + 1, (size_t)(eol - data) - 1);
	if (aes_file_parse_iv(iv, a.iv, &e) < 0) {
		must(e.code == ERR_USAGE && e.msg[0] != '\0' && e.hint[0] != '\0');
		return 0;
	}
	must(strlen(iv) == 32);
	a.salted = (data[0] & 1) != 0;
	a.key_len = (data[0] & 2) != 0 ? 32 : 16;
	head = a.salted ? 16 : 0;
	eol++;
	len = size - (size_t)(eol - data);
	rc = aes_file_open(&a, eol, len, &image, &e);
	if (rc < 0) {
		must(image.len == 0 && e.msg[0] != '\0');
		must(rc == (len <= head ? ERR_FORMAT : ERR_USAGE));
		return 0;
	}
	must(image.len == len - head);
	/* The salt, applied by hand, makes it a file without one. */
	for (size_t i = 0; i < head; i++)
		a.iv[i] ^= eol[i];
	a.salted = false;
	must(aes_file_seal(&a, image.data, image.len, &file, &e) == 0);
	must(file.len == image.len && memcmp(file.data, eol + head, file.len) == 0);
	return 0;
}
