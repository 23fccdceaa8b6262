/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_package.c - any bytes as a package, read and signed by the host */
#include <stmota/package.h>

#include "fuzz_image.h"

/* The digests of changed packages are set right, or nothing would get past them. */
static void set_digests(uint8_t *data, size_t size)
{
	struct imf_manifest m;
	struct imf_signatures s;
	uint32_t head;

	if (imf_manifest_parse(data, (uint32_t)size, &m) < 0)
		return;
	head = m.header.manifest_size;
	if (imf_signatures_parse(data + head, (uint32_t)size - head, head, &s) < 0)
		return;
	head += IMF_SIG_HEADER_SIZE + s.size + s.wrap_size;
	for (uint32_t i = 0; i < m.header.n_components; i++) {
		uint8_t *entry = data + IMF_HEADER_SIZE + i * IMF_COMPONENT_SIZE;
		struct imf_component c;

		imf_manifest_component(&m, i, &c);
		if (c.stored_offset + (uint64_t)c.stored_size + head > size)
			return;
		sha256(data + head + c.stored_offset, c.stored_size, entry + 64, NULL);
		if (c.encoding == 0)
			memcpy(entry + 32, entry + 64, SHA256_SIZE);
	}
}

static void use(const struct package *p, size_t size)
{
	struct err e = ERR_INIT;
	struct imf_app_info info;
	bool found = false;

	for (size_t i = 0; i < p->header.n_components; i++) {
		cleanup_segments struct segments s = SEGMENTS_INIT;
		int rc = package_segments(p, i, &s, &e);

		/* Deltas, locked or changed content: fuzz_sealed looks closer. */
		if (package_component(p, i).encoding != 0 && rc < 0)
			continue;
		check_image(rc, &s, &e, size);
		must(rc == 0 && segments_size(&s) == package_component(p, i).plain_size);
		package_app_info(p, i, &info, &found, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct key *key;
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct package p;
	struct trust t = TRUST_INIT;
	int rc;

	if (key == NULL)
		must(key_generate(KEY_ED25519, &key, NULL) == 0);
	if (size == 0 || buf_append(&b, data, size, &e) < 0)
		return 0;
	set_digests(b.data, b.len);
	rc = package_open(b.data, b.len, &p, &e);
	if (rc < 0) {
		must(e.code == (enum err_code)rc && e.msg[0] != '\0' &&
			strchr(e.msg, '\n') == NULL);
		return 0;
	}
	use(&p, size);
	must(package_verify(&p, &t, 0, NULL, &e) == ERR_SIGNATURE);
	/* What can be opened can be signed, opened again, and is the same but for the signature. */
	if (package_sign(&b, key, &e) == 0) {
		struct package q;

		must(package_open(b.data, b.len, &q, &e) == 0);
		must(q.n_signatures == p.n_signatures + 1);
		must(memcmp(p.digest, q.digest, SHA256_SIZE) == 0);
	}
	return 0;
}
