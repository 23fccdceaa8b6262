/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest.c - any bytes through the freestanding checker, every signature taken for good
 *
 * So that damage reaches the code behind the signature check, as it would with a stolen key.
 */
#include <imf/imf.h>
#include <stmota/digest.h>

#include "fuzz_image.h"

static int on_init(void *ctx)
{
	return digest_begin(ctx, NULL);
}

static int on_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(ctx, data, len, NULL);
}

static int on_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(ctx, ret, NULL);
}

static int32_t on_verify(void *ctx, const void *key, const uint8_t *msg, uint32_t len,
	const uint8_t signature[IMF_SIGNATURE_SIZE])
{
	volatile uint8_t last = signature[IMF_SIGNATURE_SIZE - 1];

	must(len == IMF_SIGN_MESSAGE_SIZE);
	return last == 0xA5 ? 0 : IMF_SIGNATURE_GOOD;
}

/* What holds for every manifest that the parser lets through. */
static void check_manifest(const struct imf_manifest *m)
{
	uint64_t stored = 0;
	uint32_t at = 0, addr, run;
	struct imf_tlv t;

	for (uint32_t i = 0; i < m->header.n_components; i++) {
		struct imf_component c;
		uint32_t offset = 0;

		imf_manifest_component(m, i, &c);
		must(c.stored_offset == stored);
		stored += c.stored_size;
		while (imf_manifest_place(m, i, offset, &addr, &run)) {
			must(run > 0 && run <= c.plain_size - offset &&
				addr <= UINT32_MAX - (run - 1));
			offset += run;
		}
		must(offset == c.plain_size);
		must(imf_manifest_content_size(m, i) <= c.stored_size);
		must((c.encoding & IMF_ENC_DELTA) != 0 ||
			imf_manifest_content_size(m, i) == c.plain_size);
		must(c.app_info == 0 || c.app_info + (uint64_t)IMF_APP_INFO_SIZE <= c.plain_size);
	}
	must(stored == m->header.payload_size);
	while (imf_manifest_tlv(m, &at, &t))
		must(t.value + t.len <= m->bytes + m->header.manifest_size);
}

/* A wrap lies in the work area, whole. */
static int on_wrap(void *ctx, const struct imf_manifest *m, const uint8_t *wrap, uint32_t len)
{
	volatile uint8_t last = wrap[len - 1];

	must(len == imf_manifest_wrap_size(m) && len <= IMF_WRAP_MAX);
	return last == 0xA5;
}

static int on_accept(void *ctx, const struct imf_manifest *m)
{
	check_manifest(m);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t work[IMF_HEAD_MAX];
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_key keys[2] = {{.id = {1}}, {.id = {2}}};
	struct imf_crypto crypto = {&d, on_init, on_update, on_final, on_verify};
	struct imf_verify_config cfg = {.crypto = &crypto,
		.keys = keys,
		.n_keys = 2,
		.threshold = 1,
		.work = work,
		.work_size = sizeof(work),
		.wrap = size % 2 == 0 ? on_wrap : NULL,
		.accept = on_accept};
	struct imf_manifest m;
	struct imf_verify v;
	int whole, pieces;
	size_t step;

	if (size > UINT32_MAX)
		return 0;
	if (imf_manifest_parse(data, (uint32_t)size, &m) == 0) {
		check_manifest(&m);
		/* Keys that are in the package, so that the signature check says yes. */
		if (size >= m.header.manifest_size + IMF_SIG_HEADER_SIZE + IMF_KEY_ID_SIZE)
			memcpy(keys[0].id, data + m.header.manifest_size + IMF_SIG_HEADER_SIZE,
				IMF_KEY_ID_SIZE);
	}
	imf_verify_begin(&v, &cfg);
	imf_verify_feed(&v, data, (uint32_t)size);
	whole = imf_verify_finish(&v);
	/* The result does not depend on the pieces it came in. */
	imf_verify_begin(&v, &cfg);
	step = size % 61 + 1;
	for (size_t at = 0; at < size; at += step)
		imf_verify_feed(&v, data + at, (uint32_t)(size - at < step ? size - at : step));
	pieces = imf_verify_finish(&v);
	must(whole == pieces);
	return 0;
}
