/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sealed.c - any bytes as an encrypted and chained package whose signature was good
 *
 * The keys are those of the test vectors. What comes out of a chain in any pieces, and after going
 * on from any chunk, is what the host reads; and nothing comes out of a chunk that was changed.
 */
#include <stdlib.h>
#include <unistd.h>

#include <imf/imf_chain.h>
#include <stmota/package.h>

#include "fuzz_image.h"

#define DEVICE_KEY                                                                                 \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG2tQgET2WGERfTi2\n"                       \
	"zgVuEG8pinxrYmtT0x5ieWhMNpahRANCAAQ2GLkyqJ8O4DjBsKe0iz4faDVM+DEx\n"                       \
	"UGMtx1RQerahKMS4sKbG1iTMhua0/6e0XMHUxOuivGk1VUa74QlKXWX9\n"                               \
	"-----END PRIVATE KEY-----\n"

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

/* ---- chains ---- */

struct out {
	struct buf content;
	uint32_t first; /* offset of the first byte */
};

static int on_content(void *ctx, uint32_t at, uint8_t *data, uint32_t len)
{
	struct out *o = ctx;

	if (o->content.len == 0)
		o->first = at;
	must(at == o->first + o->content.len);
	return buf_append(&o->content, data, len, NULL);
}

/* Feeds a chain from a point on; stops in front of chunk `until` and gives its point. */
static int feed(const struct imf_chain_info *info, const uint8_t *stored, size_t step,
	const struct imf_chain_point *from, uint32_t until, struct imf_chain_point *ret,
	struct out *o)
{
	cleanup_digest struct digest d = DIGEST_INIT;
	struct imf_crypto crypto = {&d, on_init, on_update, on_final, NULL};
	uint8_t work[IMF_CHUNK_MAX];
	struct imf_chain_config cfg = {.crypto = &crypto,
		.info = *info,
		.work = work,
		.work_size = info->chunk_size,
		.ctx = o,
		.content = on_content};
	size_t at = from != NULL ? (size_t)from->chunk * info->chunk_size : 0;
	size_t end = info->stored_size;
	struct imf_chain c;
	int rc = imf_chain_begin(&c, &cfg, from);

	if (until < info->n_chunks)
		end = (size_t)until * info->chunk_size;
	must(rc == IMF_OK);
	for (; rc == IMF_OK && at < end; at += step)
		rc = imf_chain_feed(&c, stored + at, (uint32_t)(end - at < step ? end - at : step));
	must(imf_chain_finish(&c) == (rc < 0                          ? rc
					     : until < info->n_chunks ? IMF_ERR_TRUNCATED
								      : IMF_OK));
	if (rc == IMF_OK && until < info->n_chunks)
		must(imf_chain_point(&c, ret) && ret->chunk == until);
	else
		must(!imf_chain_point(&c, ret));
	return rc;
}

static void check_chain(const struct package *p, size_t i, size_t step)
{
	struct imf_component comp = package_component(p, i);
	const uint8_t *stored = p->payload + comp.stored_offset;
	struct out whole = {0}, head = {0}, tail = {0};
	struct imf_chain_point point;
	struct imf_chain_info info;
	uint32_t until;
	int rc;

	if (!imf_manifest_chain(&p->manifest, (uint32_t)i, &info))
		return;
	rc = feed(&info, stored, step, NULL, info.n_chunks, &point, &whole);
	must(whole.content.len <= info.content_size);
	must((rc == IMF_OK) == (whole.content.len == info.content_size));
	until = (uint32_t)(step % info.n_chunks);
	if (until > 0 && feed(&info, stored, step + 3, NULL, until, &point, &head) == IMF_OK) {
		must(feed(&info, stored, step + 7, &point, info.n_chunks, &point, &tail) == rc);
		must(head.content.len + tail.content.len == whole.content.len);
		must(memcmp(head.content.data, whole.content.data, head.content.len) == 0);
		must(tail.content.len == 0 ||
			memcmp(tail.content.data, whole.content.data + head.content.len,
				tail.content.len) == 0);
	}
	buf_done(&whole.content);
	buf_done(&head.content);
	buf_done(&tail.content);
}

/* ---- keys ---- */

static void make_secrets(struct secret s[3])
{
	static const char small[] = "stmota test key, product";
	static const char large[] = "stmota test key, product, 256";
	static char path[] = "/tmp/fuzz_sealed_XXXXXX";
	uint8_t digest[SHA256_SIZE];
	int fd = mkstemp(path);

	must(sha256(small, sizeof(small) - 1, digest, NULL) == 0);
	memcpy(s[0].product, digest, 16);
	s[0].product_len = 16;
	must(sha256(large, sizeof(large) - 1, s[1].product, NULL) == 0);
	s[1].product_len = 32;
	must(fd >= 0 && write(fd, DEVICE_KEY, strlen(DEVICE_KEY)) == (ssize_t)strlen(DEVICE_KEY));
	close(fd);
	must(secret_load(path, NULL, &s[2], NULL) == 0);
	unlink(path);
}

static void check_open(struct package *p, size_t i, struct err *e)
{
	struct imf_component c = package_component(p, i);
	cleanup_buf struct buf b = BUF_INIT;
	int rc = package_content(p, i, &b, e);

	must(rc == 0 || rc == ERR_DAMAGED || rc == ERR_SIGNATURE);
	must(rc != ERR_SIGNATURE || ((c.encoding & IMF_ENC_ENCRYPTED) != 0 && p->root_len == 0));
	must(rc == 0 ? b.len == imf_manifest_content_size(&p->manifest, (uint32_t)i) : b.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret secrets[3];
	struct err e = ERR_INIT;
	struct package p;

	if (secrets[0].product_len == 0)
		make_secrets(secrets);
	if (package_parse(data, size, &p, &e) < 0)
		return 0;
	for (size_t i = 0; i < p.header.n_components; i++)
		check_chain(&p, i, size % 1999 + 1);
	for (size_t k = 0; k < ARRAY_LEN(secrets); k++) {
		int rc = package_unlock(&p, &secrets[k], &e);

		must(rc == 0 || (rc == ERR_SIGNATURE && p.root_len == 0));
		for (size_t i = 0; i < p.header.n_components; i++)
			check_open(&p, i, &e);
	}
	return 0;
}
