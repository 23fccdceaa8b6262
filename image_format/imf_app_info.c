/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_app_info.c - reading and finding the record that a firmware carries about itself
 */
#include <imf/imf_app_info.h>
#include <imf/imf_bytes.h>

#ifndef IMF_NO_APP_INFO

#include "imf_priv.h"

#define CHECK_AT 60u

static uint32_t check_word(const uint8_t *p)
{
	uint32_t sum = 0, factor = 1, at;

	for (at = 0; at < CHECK_AT; at += 4, factor += 2)
		sum += imf_get_le32(p + at) * factor;
	return ~sum;
}

static bool has_magic(const uint8_t *p)
{
	return imf_get_le32(p) == IMF_APP_INFO_MAGIC0 && imf_get_le32(p + 4) == IMF_APP_INFO_MAGIC1;
}

int imf_app_info_parse(const uint8_t p[IMF_APP_INFO_SIZE], struct imf_app_info *ret)
{
	struct imf_app_info a;

	if (!has_magic(p))
		return IMF_ERR_NOT_FOUND;
	if (imf_get_le32(p + 8) != IMF_APP_INFO_FORM || imf_get_le32(p + CHECK_AT) != check_word(p))
		return IMF_ERR_FORMAT;
	a.counter = imf_get_le32(p + 12);
	a.version = imf_version_get(p + 16);
	IMF_MEMCPY(a.product, p + 24, IMF_UUID_SIZE);
	a.hw_min = imf_get_le16(p + 40);
	a.hw_max = imf_get_le16(p + 42);
	a.chip = imf_get_le16(p + 44);
	if (a.hw_min > a.hw_max || a.chip > 0xFFF || !imf_all_zero(p + 46, CHECK_AT - 46))
		return IMF_ERR_FORMAT;
	*ret = a;
	return IMF_OK;
}

void imf_app_info_put(uint8_t p[IMF_APP_INFO_SIZE], const struct imf_app_info *info)
{
	IMF_MEMSET(p, 0, IMF_APP_INFO_SIZE);
	imf_put_le32(p, IMF_APP_INFO_MAGIC0);
	imf_put_le32(p + 4, IMF_APP_INFO_MAGIC1);
	imf_put_le32(p + 8, IMF_APP_INFO_FORM);
	imf_put_le32(p + 12, info->counter);
	imf_version_put(p + 16, info->version);
	IMF_MEMCPY(p + 24, info->product, IMF_UUID_SIZE);
	imf_put_le16(p + 40, info->hw_min);
	imf_put_le16(p + 42, info->hw_max);
	imf_put_le16(p + 44, info->chip);
	imf_put_le32(p + CHECK_AT, check_word(p));
}

int imf_app_info_find(
	const uint8_t *image, uint32_t len, uint32_t *ret_offset, struct imf_app_info *ret)
{
	struct imf_app_info one;
	bool found = false;
	uint32_t at;

	for (at = 0; len >= IMF_APP_INFO_SIZE && at <= len - IMF_APP_INFO_SIZE; at += 4) {
		/* The magic alone may be a literal of this very function inside the image. */
		if (image[at] != (IMF_APP_INFO_MAGIC0 & 0xFF) ||
			imf_app_info_parse(image + at, &one) < 0)
			continue;
		if (found)
			return IMF_ERR_FORMAT;
		found = true;
		*ret_offset = at;
		*ret = one;
	}
	return found ? IMF_OK : IMF_ERR_NOT_FOUND;
}

#endif
