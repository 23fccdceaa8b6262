/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_refuse.c - the order of versions, and what a device refuses because of its state
 *
 * The header of a package is not authenticated yet when this runs: all it can do is refuse.
 */
#include <imf/imf_verify.h>
#include <imf/imf_bytes.h>

#include "imf_priv.h"

static uint32_t release(struct imf_version v)
{
	return (uint32_t)v.major << 24 | (uint32_t)v.minor << 16 | v.revision;
}

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int imf_version_compare(struct imf_version a, struct imf_version b)
{
	int rc = compare(release(a), release(b));

	return rc != 0 ? rc : compare(a.build, b.build);
}

struct imf_version imf_version_get(const uint8_t p[IMF_VERSION_SIZE])
{
	struct imf_version v;

	v.major = p[0];
	v.minor = p[1];
	v.revision = imf_get_le16(p + 2);
	v.build = imf_get_le32(p + 4);
	return v;
}

void imf_version_put(uint8_t p[IMF_VERSION_SIZE], struct imf_version v)
{
	p[0] = v.major;
	p[1] = v.minor;
	imf_put_le16(p + 2, v.revision);
	imf_put_le32(p + 4, v.build);
}

static int refuse_version(const struct imf_header *h, const struct imf_device *d)
{
	struct imf_version none = {0, 0, 0, 0};

	if (h->counter < d->counter)
		return IMF_ERR_COUNTER;
	if (!d->installed_known)
		return imf_version_compare(h->min_version, none) != 0 ? IMF_ERR_MIN_VERSION
								      : IMF_OK;
	if (imf_version_compare(d->installed, h->min_version) < 0)
		return IMF_ERR_MIN_VERSION;
	if (!d->allow_downgrade && imf_version_compare(h->version, d->installed) < 0)
		return IMF_ERR_DOWNGRADE;
	return IMF_OK;
}

int imf_header_refuse(const struct imf_header *h, const struct imf_device *d)
{
	if (IMF_MEMCMP(h->product, d->product, IMF_UUID_SIZE) != 0)
		return IMF_ERR_PRODUCT;
	if (d->hw_revision < h->hw_min || d->hw_revision > h->hw_max)
		return IMF_ERR_HARDWARE;
	if (h->chip != 0 && h->chip != d->chip)
		return IMF_ERR_CHIP;
	/* Differences, because sums may pass 2^32. */
	if (d->load_size != 0 &&
		(h->load_addr < d->load_addr || h->plain_size > d->load_size ||
			h->load_addr - d->load_addr > d->load_size - h->plain_size))
		return IMF_ERR_ADDRESS;
	if (h->decoder_ram > d->decoder_ram)
		return IMF_ERR_RAM;
	return refuse_version(h, d);
}

int imf_manifest_refuse(const struct imf_manifest *m, const struct imf_device *d)
{
	uint32_t addr = m->header.load_addr, run = 0;

	if (d->load_size == 0)
		return IMF_OK;
	/* The last byte: with holes it lies further away than the plain size tells. */
	imf_manifest_place(m, 0, m->header.plain_size - 1, &addr, &run);
	return addr >= d->load_addr && addr - d->load_addr < d->load_size ? IMF_OK
									  : IMF_ERR_ADDRESS;
}
