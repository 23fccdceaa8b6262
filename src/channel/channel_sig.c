/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_sig.c - signatures beside a file: fixed records, no grammar to be fooled by
 *
 *	"STMOSIG1", u32 number of records, then for each
 *	u32 algorithm (1 Ed25519, 2 ECDSA P-256), 8 bytes key id, 64 bytes signature
 */
#include "channel_priv.h"

#include <stdio.h>
#include <string.h>

#include <imf/imf_bytes.h>
#include <stmota/bytes.h>

#define MAGIC       "STMOSIG1"
#define MAGIC_SIZE  8
#define RECORD_SIZE (4 + KEY_ID_SIZE + KEY_SIGNATURE_SIZE)
#define RECORDS_MAX 16u

static uint32_t algorithm_of(const struct key *k)
{
	return key_type(k) == KEY_ED25519 ? 1 : key_type(k) == KEY_P256 ? 2 : 0;
}

/* A file of one role never passes for one of another. */
static int message_of(
	const char *what, const void *data, size_t len, struct buf *ret, struct err *e)
{
	char domain[32];
	int n = snprintf(domain, sizeof(domain), "stmota-%s-v1", what);
	int rc = buf_append(ret, domain, (size_t)n + 1, e);

	return rc == 0 ? buf_append(ret, data, len, e) : rc;
}

int channel_sign(enum trust_role role, const void *data, size_t len, struct key *const *keys,
	size_t n, struct buf *ret, struct err *e)
{
	return channel_sign_as(trust_role_name(role), data, len, keys, n, ret, e);
}

int channel_sign_as(const char *what, const void *data, size_t len, struct key *const *keys,
	size_t n, struct buf *ret, struct err *e)
{
	cleanup_buf struct buf msg = BUF_INIT;
	uint8_t word[4];
	int rc = message_of(what, data, len, &msg, e);

	if (rc == 0 && n > RECORDS_MAX)
		rc = err_set(e, ERR_USAGE, "more than %u signatures", RECORDS_MAX);
	if (rc == 0)
		rc = buf_append(ret, MAGIC, MAGIC_SIZE, e);
	imf_put_le32(word, (uint32_t)n);
	if (rc == 0)
		rc = buf_append(ret, word, sizeof(word), e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		uint8_t record[RECORD_SIZE];

		for (size_t k = 0; k < i; k++)
			if (memcmp(key_id(keys[k]), key_id(keys[i]), KEY_ID_SIZE) == 0)
				return err_set(e, ERR_USAGE, "the same key would sign twice");
		imf_put_le32(record, algorithm_of(keys[i]));
		memcpy(record + 4, key_id(keys[i]), KEY_ID_SIZE);
		rc = key_sign(keys[i], msg.data, msg.len, record + 4 + KEY_ID_SIZE, e);
		if (rc == 0)
			rc = buf_append(ret, record, sizeof(record), e);
	}
	return rc;
}

/* The algorithm belongs to the key: a record that says another is none. */
static int check_algorithm(const struct channel_root *root, const uint8_t *record, struct err *e)
{
	uint32_t algorithm = imf_get_le32(record);

	if (algorithm != 1 && algorithm != 2)
		return err_set(e, ERR_SIGNATURE, "signature of an unknown kind (%u)", algorithm);
	for (size_t i = 0; i < root->trust.n; i++)
		if (memcmp(key_id(root->trust.keys[i].key), record + 4, KEY_ID_SIZE) == 0 &&
			algorithm_of(root->trust.keys[i].key) != algorithm)
			return err_set(e, ERR_SIGNATURE,
				"a signature that says another kind than its key has");
	return 0;
}

int channel_verify(const struct channel_root *root, enum trust_role role, uint64_t now,
	const void *data, size_t len, const void *sig, size_t sig_len, struct err *e)
{
	cleanup_buf struct buf msg = BUF_INIT;
	struct trust_signature all[RECORDS_MAX];
	struct trust_signer signers[TRUST_KEYS_MAX];
	const uint8_t *at = sig;
	size_t n, n_signers = 0;
	int rc = message_of(trust_role_name(role), data, len, &msg, e);

	if (rc < 0)
		return rc;
	if (sig_len < MAGIC_SIZE + 4 || memcmp(at, MAGIC, MAGIC_SIZE) != 0)
		return err_set(e, ERR_SIGNATURE, "the signature file is none");
	n = imf_get_le32(at + MAGIC_SIZE);
	at += MAGIC_SIZE + 4;
	if (n > RECORDS_MAX || sig_len != MAGIC_SIZE + 4 + n * RECORD_SIZE)
		return err_set(e, ERR_SIGNATURE, "the signature file has a wrong length");
	for (size_t i = 0; rc == 0 && i < n; i++, at += RECORD_SIZE) {
		rc = check_algorithm(root, at, e);
		all[i] = (struct trust_signature){at + 4, at + 4 + KEY_ID_SIZE};
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (memcmp(all[k].key_id, all[i].key_id, KEY_ID_SIZE) == 0)
				rc = err_set(e, ERR_SIGNATURE, "two signatures of the same key");
	}
	return rc < 0 ? rc
		      : trust_judge(&root->trust, role, now, msg.data, msg.len, all, n, signers,
				ARRAY_LEN(signers), &n_signers, e);
}
