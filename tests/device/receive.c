/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive.c - packages through the receiver, on a device whose flash is an array
 *
 * list.txt names packages and what must become of them: NAME WORD, words as in vectors.txt. Where
 * NAME.0, NAME.1... exist, the components must have become these; NAME.base is what a delta was made
 * from. The flash refuses what flash refuses: lines out of order, writing twice, anything before
 * `start`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev_crypto.h"
#include "device.h"
#include "keys.h"

#define AREA   (96u << 10)
#define RAM    16384u
#define PIECES 3

static const char *const words[] = {"ok", "truncated", "magic", "format-version", "format", "limit",
	"trailing", "critical", "encoding", "kind", "buffer", "product", "hardware", "chip",
	"counter", "downgrade", "min-version", "address", "ram", "signature", "digest", "crypto",
	"callback", "argument", "not-found", "base", "patch", "key"};

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
	.decoder_ram = RAM,
};

static const struct dev_key trusted[3] = {
	{DEV_ED25519, ed_key}, {DEV_P256, ec_key}, {DEV_ED25519, own_key}};

struct area { /* flash: erased at start, each byte written once */
	uint8_t bytes[AREA];
	uint32_t used;
};

static struct area staging, slot, base;
static struct {
	const char *name;
	unsigned started, ended, written;
	uint32_t now, n; /* component whose bytes lie in `slot`; components of the package */
	bool in_slot;    /* plain components are staged where they stay */
} s;

/* ---- the port ---- */

static int on_choose(
	void *ctx, const struct imf_manifest *m, uint32_t i, const struct imf_component *c)
{
	(void)ctx;
	s.n = m->header.n_components;
	if (s.started != 0)
		device_fail("%s: chosen behind start", s.name);
	if (i >= m->header.n_components || c->plain_size > AREA || c->stored_size > AREA)
		return -1;
	return s.in_slot && c->encoding == 0 ? IMF_TAKE_SLOT : IMF_TAKE;
}

static int on_start(void *ctx, const struct imf_manifest *m)
{
	(void)ctx;
	(void)m;
	s.started++;
	return 0;
}

static int program(struct area *a, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	if (s.started != 1)
		device_fail("%s: flash is touched before consent", s.name);
	if (at == 0) {
		memset(a->bytes, 0xFF, sizeof(a->bytes));
		a->used = 0;
	}
	if (at != a->used || at % IMF_RECEIVE_LINE != 0 || len == 0 || len > IMF_RECEIVE_LINE ||
		len > AREA - at)
		device_fail("%s: line at %u, %u bytes", s.name, (unsigned)at, (unsigned)len);
	memcpy(a->bytes + at, data, len);
	a->used = at + len;
	s.now = i;
	return 0;
}

static int fetch(const struct area *a, uint32_t at, uint8_t *ret, uint32_t len)
{
	if (at > a->used || len > a->used - at)
		device_fail("%s: reads behind what was written", s.name);
	memcpy(ret, a->bytes + at, len);
	return 0;
}

static int on_stage(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	return program(s.in_slot ? &slot : &staging, i, at, data, len);
}

static int on_staged(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	(void)i;
	return fetch(&staging, at, ret, len);
}

static int on_base(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	(void)i;
	if (base.used == 0)
		return 1;
	return fetch(&base, at, ret, len);
}

static int on_write(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	s.written++;
	return program(&slot, i, at, data, len);
}

static int on_read(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	if (i != s.now)
		device_fail("%s: component %u is read, %u was written", s.name, (unsigned)i,
			(unsigned)s.now);
	return fetch(&slot, at, ret, len);
}

static int on_end(void *ctx, uint32_t i, const struct imf_component *c)
{
	char path[100];
	const uint8_t *want;
	uint32_t len = 0;

	(void)ctx;
	if (i != s.ended++ || slot.used != c->plain_size)
		device_fail(
			"%s: component %u ends at %u", s.name, (unsigned)i, (unsigned)slot.used);
	snprintf(path, sizeof(path), "%s.%u", s.name, (unsigned)i);
	want = device_file_optional(path, &len);
	if (want != NULL && (len != c->plain_size || memcmp(want, slot.bytes, len) != 0))
		device_fail("%s is not what came out", path);
	return 0;
}

/* ---- a package ---- */

static struct imf_receive receiver;

static int feed(
	const struct imf_receive_config *cfg, const uint8_t *file, uint32_t len, uint32_t size)
{
	uint32_t at;
	int rc = imf_receive_begin(&receiver, cfg);

	s.started = s.ended = s.written = 0;
	for (at = 0; rc == 0 && at < len; at += size)
		rc = imf_receive_feed(&receiver, file + at, len - at < size ? len - at : size);
	rc = rc < 0 ? rc : imf_receive_finish(&receiver);
	if (rc == 0 && (s.started != 1 || s.ended != s.n))
		device_fail("%s: good, and %u components ended", s.name, s.ended);
	if (imf_receive_feed(&receiver, file, 1) == 0)
		device_fail("%s: goes on behind its end", s.name);
	return rc;
}

static struct dev_hash hashes[3];
static struct imf_crypto crypto[3];

static void config(struct imf_receive_config *cfg)
{
	static const struct imf_port port = {
		NULL, on_choose, on_start, on_stage, on_staged, on_base, on_write, on_read, on_end};
	static struct imf_key keys[3];
	static uint8_t work[IMF_HEAD_MAX_DEVICE + IMF_WRAP_MAX + 1], chunk[IMF_CHUNK_MAX + 1];
	static uint32_t patch_work[IMF_PATCH_WORK(RAM) / 4];
	static struct imf_patch patch;
	static struct dev_aes aes_state;
	static struct imf_aes aes;
	static struct imf_device_key device_key;
	int i;

	for (i = 0; i < 3; i++)
		dev_crypto(&crypto[i], &hashes[i]);
	dev_aes(&aes, &aes_state);
	dev_device_key(&device_key, lamp_key_id, lamp_private);
	memcpy(keys[0].id, ed_key_id, IMF_KEY_ID_SIZE);
	memcpy(keys[1].id, ec_key_id, IMF_KEY_ID_SIZE);
	keys[0].key = &trusted[0];
	memcpy(keys[2].id, own_key_id, IMF_KEY_ID_SIZE);
	keys[1].key = &trusted[1];
	keys[2].key = &trusted[2];
	memset(cfg, 0, sizeof(*cfg));
	cfg->crypto = &crypto[0];
	cfg->plain = &crypto[1];
	cfg->chunk_hash = &crypto[2];
	cfg->keys = keys;
	cfg->n_keys = 3;
	cfg->threshold = 1;
	cfg->device = &device;
	cfg->work = work + 1; /* odd */
	cfg->work_size = sizeof(work) - 1;
	cfg->chunk = chunk + 1;
	cfg->chunk_size = sizeof(chunk) - 1;
	cfg->port = &port;
	cfg->aes = &aes;
	cfg->device_key = &device_key;
	cfg->patch = &patch;
	cfg->patch_work = patch_work;
	cfg->patch_work_size = sizeof(patch_work);
}

static void load_base(const char *name)
{
	char path[100];
	const uint8_t *file;

	snprintf(path, sizeof(path), "%s.base", name);
	base.used = 0;
	file = device_file_optional(path, &base.used);
	if (file != NULL)
		memcpy(base.bytes, file, base.used);
}

static void package(struct imf_receive_config *cfg, const char *name, const char *want)
{
	static const uint32_t sizes[PIECES] = {1, 61, 1023};
	static uint8_t room[AREA + 1];
	char path[100];
	uint32_t len = 0;
	int i;

	s.name = name;
	dev_crypto(&crypto[0], &hashes[0]);
	load_base(name);
	snprintf(path, sizeof(path), "%s.sota", name);
	memcpy(room + 1, device_file(path, &len), AREA); /* `end` reads other files */
	for (i = 0; i < PIECES; i++) {
		int rc;

		s.in_slot = i == 1;
		cfg->product_key = product_128;
		cfg->product_key_len = sizeof(product_128);
		rc = feed(cfg, room + 1, len, sizes[i]);
		if (rc == IMF_ERR_KEY) {
			if (s.started != 0)
				device_fail("%s: no key, and started", name);
			cfg->product_key = product_256;
			cfg->product_key_len = sizeof(product_256);
			rc = feed(cfg, room + 1, len, sizes[i]);
		}
		if (rc > 0 || -rc >= (int)(sizeof(words) / sizeof(words[0])) ||
			strcmp(words[-rc], want) != 0)
			device_fail("%s in pieces of %u: %d, must be %s", name, (unsigned)sizes[i],
				rc, want);
	}
}

int main(void)
{
	static char list[16384];
	static struct imf_receive_config cfg;
	const uint8_t *file;
	uint32_t len = 0;
	unsigned n = 0;
	char *line;

	device_traps();
	config(&cfg);
	file = device_file("list.txt", &len);
	if (len >= sizeof(list))
		device_fail("list.txt is too large for this test");
	memcpy(list, file, len);
	for (line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char name[64], want[32];

		if (sscanf(line, "%63s %31s", name, want) != 2)
			device_fail("not a line of list.txt: %s", line);
		package(&cfg, name, want);
		n++;
	}
	printf("%u packages in pieces of %d sizes, %u signatures verified, struct imf_receive %u bytes\n",
		n, PIECES, hashes[0].calls_of_verify, (unsigned)sizeof(receiver));
	return n > 0 ? DEVICE_GOOD : DEVICE_BAD;
}
