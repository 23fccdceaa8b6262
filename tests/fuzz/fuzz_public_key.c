/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_public_key.c - any bytes as a public key in PEM, and as a signature in a file
 */
#include <stmota/key.h>

#include "fuzz_image.h"

/* Of a pair that signs nothing:  corpus/public_key/p256.pem. */
static const char p256[] = "-----BEGIN PUBLIC KEY-----\n"
			   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkg6Uto29/hHdn99eTc4uLDAQzh2+\n"
			   "sM6BWYhx/Sf2zRGdssF2ztxzDRcwms+bFCyN0tL9EfALaIilWA9sQAaGmg==\n"
			   "-----END PUBLIC KEY-----\n";

static void try_signature(const uint8_t *data, size_t size)
{
	static struct key *k;
	uint8_t raw[KEY_SIGNATURE_SIZE];
	struct err e = ERR_INIT;

	if (k == NULL)
		must(key_parse_public(p256, strlen(p256), "p256", &k, NULL) == 0);
	if (key_signature_read(k, data, size, raw, &e) < 0) {
		must(e.code == ERR_SIGNATURE && e.msg[0] != '\0');
		return;
	}
	/* As it is, or two integers in DER: none of them is longer than its half. */
	must(size == KEY_SIGNATURE_SIZE || (size >= 8 && size <= 72 && data[0] == 0x30));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key *k = NULL;
	struct err e = ERR_INIT;
	int rc = key_parse_public(data, size, "x.pem", &k, &e);

	try_signature(data, size);
	if (rc < 0) {
		must(k == NULL && e.code == (enum err_code)rc && e.msg[0] != '\0');
		must(strchr(e.msg, '\n') == NULL);
		return 0;
	}
	must(key_fingerprint(k) != NULL);
	key_free(k);
	return 0;
}
