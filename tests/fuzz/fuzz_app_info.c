/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_app_info.c - any bytes as what lies in the flash of a device: its record is found or not
 *
 * The check word of the first record is put right in a copy, or hardly any would be good.
 */
#include <imf/imf_app_info.h>
#include <imf/imf_error.h>
#include <stmota/bytes.h>

#include "fuzz_image.h"

/* What a good record says, a record that is written of it says too. */
static void check_record(const struct imf_app_info *info)
{
	uint8_t written[IMF_APP_INFO_SIZE];
	struct imf_app_info back;

	imf_app_info_put(written, info);
	must(imf_app_info_parse(written, &back) == 0);
	must(memcmp(&back.version, &info->version, sizeof(back.version)) == 0);
	must(back.counter == info->counter && back.chip == info->chip);
	must(back.hw_min == info->hw_min && back.hw_max == info->hw_max);
	must(memcmp(back.product, info->product, sizeof(back.product)) == 0);
}

static void search(const uint8_t *data, size_t size)
{
	struct imf_app_info info, again;
	uint32_t offset = UINT32_MAX;
	int rc = imf_app_info_find(data, (uint32_t)size, &offset, &info);

	if (rc != 0) {
		must(rc == IMF_ERR_NOT_FOUND || rc == IMF_ERR_FORMAT);
		return;
	}
	must(offset % 4 == 0 && offset <= size && size - offset >= IMF_APP_INFO_SIZE);
	must(imf_app_info_parse(data + offset, &again) == 0);
	check_record(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;
	uint8_t *copy;

	search(data, size);
	if (size < IMF_APP_INFO_SIZE)
		return 0;
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	for (uint32_t i = 0; i < 15; i++)
		sum += (2 * i + 1) * get_le32(copy + 4 * (size_t)i);
	put_le32(copy + IMF_APP_INFO_SIZE - 4, UINT32_MAX - sum);
	search(copy, size);
	free(copy);
	return 0;
}
