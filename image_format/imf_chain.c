/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_chain.c - chunks are collected, compared with the digest that announced them, handed out
 */
#include <imf/imf_chain.h>
#include <imf/imf_bytes.h>

#ifndef IMF_NO_CHAIN

#include "imf_priv.h"

static bool is_last(const struct imf_chain *c)
{
	return c->next.chunk + 1 == c->cfg->info.n_chunks;
}

/* Bytes of the chunk that is being collected. */
static uint32_t size_of(const struct imf_chain *c)
{
	const struct imf_chain_info *info = &c->cfg->info;

	return is_last(c) ? info->stored_size - c->next.chunk * info->chunk_size : info->chunk_size;
}

static int chunk_came(struct imf_chain *c)
{
	const struct imf_chain_config *cfg = c->cfg;
	const struct imf_crypto *hash = cfg->crypto;
	uint32_t content = is_last(c) ? c->have : c->have - IMF_DIGEST_SIZE;
	uint32_t at = c->next.chunk * (cfg->info.chunk_size - IMF_DIGEST_SIZE);
	uint8_t digest[IMF_DIGEST_SIZE];

	if (hash->sha256_init(hash->ctx) != 0 ||
		hash->sha256_update(hash->ctx, cfg->work, c->have) != 0 ||
		hash->sha256_final(hash->ctx, digest) != 0)
		return IMF_ERR_CRYPTO;
	if (imf_differ(digest, c->next.digest, IMF_DIGEST_SIZE) != 0)
		return IMF_ERR_DIGEST;
	if (!is_last(c))
		IMF_MEMCPY(digest, cfg->work + content, IMF_DIGEST_SIZE);
	if (cfg->content(cfg->ctx, at, cfg->work, content) != 0)
		return IMF_ERR_CALLBACK;
	c->complete = is_last(c);
	c->next.chunk++;
	c->have = 0;
	IMF_MEMCPY(c->next.digest, digest, IMF_DIGEST_SIZE);
	return IMF_OK;
}

int imf_chain_begin(
	struct imf_chain *c, const struct imf_chain_config *cfg, const struct imf_chain_point *from)
{
	const struct imf_chain_info *info = &cfg->info;

	IMF_MEMSET(c, 0, sizeof(*c));
	c->error = IMF_ERR_ARGUMENT;
	if (cfg->crypto == NULL || cfg->content == NULL || cfg->work == NULL ||
		info->n_chunks == 0 || info->chunk_size < IMF_CHUNK_MIN)
		return IMF_ERR_ARGUMENT;
	if (cfg->work_size < info->chunk_size)
		return c->error = IMF_ERR_BUFFER;
	if (from != NULL && from->chunk >= info->n_chunks)
		return c->error = IMF_ERR_NOT_FOUND;
	c->cfg = cfg;
	if (from != NULL)
		c->next = *from;
	else
		IMF_MEMCPY(c->next.digest, info->digest, IMF_DIGEST_SIZE);
	c->error = IMF_OK;
	return IMF_OK;
}

int imf_chain_feed(struct imf_chain *c, const uint8_t *data, uint32_t len)
{
	while (c->error == IMF_OK && len > 0) {
		uint32_t left, n;

		if (c->complete)
			return c->error = IMF_ERR_TRAILING;
		left = size_of(c) - c->have;
		n = len < left ? len : left;
		IMF_MEMCPY(c->cfg->work + c->have, data, n);
		c->have += n;
		data += n;
		len -= n;
		if (n == left)
			c->error = chunk_came(c);
	}
	return c->error;
}

int imf_chain_finish(const struct imf_chain *c)
{
	if (c->error != IMF_OK)
		return c->error;
	return c->complete ? IMF_OK : IMF_ERR_TRUNCATED;
}

bool imf_chain_point(const struct imf_chain *c, struct imf_chain_point *ret)
{
	if (c->error != IMF_OK || c->complete)
		return false;
	*ret = c->next;
	return true;
}

#endif
