/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imf_vectors.c - every vector of the format, through the device's checker and the host's
 *
 * vectors.txt says what must happen. The files are made by a script that shares no code with
 * either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/fs.h>
#include <stmota/package.h>

#include "imf_host.h"
#include "imf_opener.h"

#define VECTORS_MAX 400

struct vector {
	char name[64], device[32], host[32];
	struct buf file;
};

static struct vector vectors[VECTORS_MAX];
static size_t n_vectors;
static struct key *keys[2];

static int load(void **state)
{
	static const char *const key_files[] = {"ed25519", "p256"};
	struct err e = ERR_INIT;
	cleanup_buf struct buf list = BUF_INIT;
	char *line, *save = NULL;

	for (size_t i = 0; i < 2; i++)
		if (key_load_public(imf_host_vector(key_files[i], ".pem"), &keys[i], &e) < 0)
			goto bad;
	if (fs_read(imf_host_vector("vectors", ".txt"), 65536, &list, &e) < 0 ||
		buf_append(&list, "", 1, &e) < 0)
		goto bad;
	for (line = strtok_r((char *)list.data, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		struct vector *v = &vectors[n_vectors];

		if (line[0] == '#')
			continue;
		if (n_vectors == VECTORS_MAX ||
			sscanf(line, "%63s %31s %31s", v->name, v->device, v->host) != 3 ||
			fs_read(imf_host_vector(v->name, ".sota"), 65536, &v->file, &e) < 0)
			goto bad;
		n_vectors++;
	}
	return n_vectors > 100 ? 0 : -1;
bad:
	print_error("%s\n", e.msg);
	return -1;
}

static int unload(void **state)
{
	for (size_t i = 0; i < n_vectors; i++)
		buf_done(&vectors[i].file);
	key_free(keys[0]);
	key_free(keys[1]);
	return 0;
}

static void test_imf_vectors__device(void **state)
{
	static const size_t chunks[] = {1, 7, 64, 128, 1024, 100000};
	struct imf_host h;

	imf_host_init(&h, keys, 2);
	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];

		for (size_t k = 0; k < ARRAY_LEN(chunks); k++) {
			int rc = imf_host_check(&h, v->file.data, v->file.len, chunks[k]);

			if (strcmp(imf_host_word(rc), v->device) != 0)
				fail_msg("%s in pieces of %zu: %s, must be %s", v->name, chunks[k],
					imf_host_word(rc), v->device);
			/* Consent only for what is signed for this device; payload whole. */
			if (rc == 0)
				assert_int_equal(h.payload.len, h.v.manifest.header.payload_size);
			if (rc != 0 && rc != IMF_ERR_DIGEST && rc != IMF_ERR_TRUNCATED &&
				rc != IMF_ERR_TRAILING)
				assert_int_equal(h.accepted, 0);
		}
	}
	imf_host_done(&h);
}

static const char *host_word(int rc)
{
	return rc == 0 ? "ok" : err_code_name((enum err_code)rc);
}

/* Opens what is encrypted with whichever key fits; "ok", "key" or "plain". */
static const char *open_content(struct package *p)
{
	static const char *const files[] = {"product-128.key", "product-256.key", "device.pem"};
	enum imf_key_source source;
	struct err e = ERR_INIT;
	bool open = !package_is_encrypted(p, &source);

	for (size_t i = 0; !open && i < ARRAY_LEN(files); i++) {
		cleanup_secret struct secret s = SECRET_INIT;

		assert_int_equal(secret_load(imf_host_vector(files[i], ""), NULL, &s, &e), 0);
		open = package_unlock(p, &s, &e) == 0;
		assert_true(open || e.code == ERR_SIGNATURE);
	}
	for (size_t i = 0; i < p->header.n_components; i++) {
		struct imf_component c = package_component(p, i);
		cleanup_buf struct buf b = BUF_INIT;
		int rc = package_content(p, i, &b, &e);

		if (rc == ERR_SIGNATURE && (c.encoding & IMF_ENC_ENCRYPTED) != 0 && !open)
			return "key";
		if (rc == ERR_DAMAGED) {
			/* Nothing comes out of what is not as it was signed. */
			assert_int_equal(b.len, 0);
			return "plain";
		}
		assert_int_equal(rc, 0);
	}
	return open ? "ok" : "key";
}

static void test_imf_vectors__host(void **state)
{
	struct trust_key trusted[2];
	struct trust t = {.keys = trusted, .n = 2};

	for (size_t i = 0; i < 2; i++)
		trusted[i] = (struct trust_key){.key = keys[i],
			.name = (char *)(i == 0 ? "ed" : "ec"),
			.conf = {.role = TRUST_RELEASE,
				.not_after = TRUST_FOR_EVER,
				.group = "default",
				.threshold = 1}};
	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];
		struct err e = ERR_INIT;
		struct package p;
		/* Exactly as long as the file, so that sanitizers see a byte too many. */
		uint8_t *copy = malloc(v->file.len);
		const char *word;
		int rc;

		assert_non_null(copy);
		memcpy(copy, v->file.data, v->file.len);
		rc = package_open(copy, v->file.len, &p, &e);
		if (rc == 0)
			rc = package_verify(&p, &t, 1000, NULL, &e);
		word = rc == 0 ? open_content(&p) : host_word(rc);
		free(copy);
		if (strcmp(word, v->host) != 0)
			fail_msg("%s: %s (%s), must be %s", v->name, word, e.msg, v->host);
		assert_int_equal(e.code, rc);
		assert_true(rc == 0 || e.msg[0] != '\0');
	}
}

/* The device with its keys: in pieces, chunk by chunk, to the last plain byte. */
static void test_imf_vectors__device_opens(void **state)
{
	static const size_t chunks[] = {1, 100, 100000};
	struct imf_opener o;

	imf_opener_init(&o, keys, 2);
	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];
		struct imf_manifest m;

		if (strcmp(v->device, "ok") != 0 ||
			imf_manifest_parse(v->file.data, (uint32_t)v->file.len, &m) < 0 ||
			(m.header.encodings & (IMF_ENC_ENCRYPTED | IMF_ENC_CHAINED)) == 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(chunks); k++) {
			const char *word =
				imf_opener_open(&o, v->file.data, v->file.len, chunks[k]);
			/* Who knows all wraps sees that one is there twice; a device takes its own. */
			const char *must = strcmp(v->host, "damaged") == 0 ? "ok" : v->host;

			if (strcmp(word, must) != 0)
				fail_msg("%s in pieces of %zu: %s, must be %s", v->name, chunks[k],
					word, must);
			if (strcmp(word, "key") == 0)
				assert_int_equal(o.handed_out, 0);
		}
	}
	imf_opener_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imf_vectors__device),
		cmocka_unit_test(test_imf_vectors__device_opens),
		cmocka_unit_test(test_imf_vectors__host),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
