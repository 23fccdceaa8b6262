/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.c - every vector of the format, as a device checks it: in pieces of odd sizes, from odd
 * addresses, with the signatures really verified
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev_crypto.h"
#include "device.h"
#include "keys.h"

#define LIST_MAX 32768

static const char *const words[] = {"ok", "truncated", "magic", "format-version", "format", "limit",
	"trailing", "critical", "encoding", "kind", "buffer", "product", "hardware", "chip",
	"counter", "downgrade", "min-version", "address", "ram", "signature", "digest", "crypto",
	"callback", "argument", "not-found", "base", "patch", "key"};

/* Of what vectors.txt speaks. */
static const struct imf_device device = {
	.product = {0x4C, 0xC0, 0x39, 0xE7, 0xA9, 0xFC, 0x5A, 0xCA, 0x99, 0xCC, 0xA5, 0xB2, 0xFB,
		0xF3, 0x43, 0xBB},
	.hw_revision = 3,
	.chip = 0x413,
	.installed_known = true,
	.installed = {1, 2, 0, 0},
	.counter = 5,
	.load_addr = 0x08000000,
	.load_size = 1u << 20,
};

static const struct dev_key trusted[2] = {{DEV_ED25519, ed_key}, {DEV_P256, ec_key}};

/* One check at a time; what its callbacks saw. */
static struct {
	struct dev_hash hash;
	struct imf_crypto crypto;
	unsigned accepted, components;
	uint32_t payload;
} s;

static int on_accept(void *ctx, const struct imf_manifest *m)
{
	(void)ctx;
	(void)m;
	s.accepted++;
	return s.payload == 0 ? 0 : 1;
}

static int on_payload(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)at;
	(void)data;
	if (s.accepted != 1 || i != s.components)
		device_fail("payload before consent, or out of order");
	s.payload += len;
	return 0;
}

static int on_component(void *ctx, uint32_t i)
{
	(void)ctx;
	return i == s.components++ ? 0 : 1;
}

static int check(const uint8_t *file, uint32_t len, uint32_t size)
{
	static uint8_t work[IMF_HEAD_MAX_DEVICE + 1];
	struct imf_key keys[2];
	struct imf_verify_config cfg;
	static struct imf_verify v;
	uint32_t at;
	int rc;

	memcpy(keys[0].id, ed_key_id, IMF_KEY_ID_SIZE);
	memcpy(keys[1].id, ec_key_id, IMF_KEY_ID_SIZE);
	keys[0].key = &trusted[0];
	keys[1].key = &trusted[1];
	memset(&cfg, 0, sizeof(cfg));
	cfg.crypto = &s.crypto;
	cfg.keys = keys;
	cfg.n_keys = 2;
	cfg.threshold = 1;
	cfg.device = &device;
	cfg.work = work + 1; /* odd too */
	cfg.work_size = IMF_HEAD_MAX_DEVICE;
	cfg.accept = on_accept;
	cfg.payload = on_payload;
	cfg.component = on_component;
	s.accepted = s.components = 0;
	s.payload = 0;
	rc = imf_verify_begin(&v, &cfg);
	for (at = 0; rc == 0 && at < len; at += size)
		rc = imf_verify_feed(&v, file + at, len - at < size ? len - at : size);
	rc = rc < 0 ? rc : imf_verify_finish(&v);
	if (rc == 0 && s.payload != v.manifest.header.payload_size)
		device_fail("%u payload bytes", (unsigned)s.payload);
	return rc;
}

static void vector(const char *name, const char *want)
{
	char path[80];
	const uint8_t *file;
	uint32_t len = 0, i;

	snprintf(path, sizeof(path), "%s.sota", name);
	file = device_file(path, &len);
	dev_crypto(&s.crypto, &s.hash);
	for (i = 0; i < DEVICE_ODD_SIZES; i++) {
		int rc = check(file, len, device_sizes[i]);

		if (rc > 0 || -rc >= (int)(sizeof(words) / sizeof(words[0])) ||
			strcmp(words[-rc], want) != 0)
			device_fail("%s in pieces of %u: %d, must be %s", name,
				(unsigned)device_sizes[i], rc, want);
	}
}

int main(void)
{
	static char list[LIST_MAX];
	const uint8_t *file;
	uint32_t len = 0;
	unsigned n = 0;
	char *line;

	device_traps();
	file = device_file("vectors.txt", &len);
	if (len >= sizeof(list))
		device_fail("vectors.txt is too large for this test");
	memcpy(list, file, len);
	for (line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char name[64], want[32];

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%63s %31s", name, want) != 2)
			device_fail("not a line of vectors.txt: %s", line);
		vector(name, want);
		n++;
	}
	if (n < 100 || s.hash.calls_of_verify < 20)
		device_fail("%u vectors, %u signatures", n, s.hash.calls_of_verify);
	printf("%u vectors in pieces of %d sizes, %u signatures verified\n", n, DEVICE_ODD_SIZES,
		s.hash.calls_of_verify);
	return DEVICE_GOOD;
}
