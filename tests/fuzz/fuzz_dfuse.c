/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dfuse.c - any bytes as DfuSe and as a binary with a DFU suffix
 *
 * The CRC is put right in a copy, or hardly any input would get past it.
 */
#include "fuzz_image.h"

#include <stmota/fmt_dfuse.h>

static void fix_crc(uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	memcpy(data + size - 8, "UFD\x10", 4);
	for (size_t i = 0; i < size - 4; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	put_le32(data + size - 4, crc);
}

static void read_as(const char *name, const uint8_t *data, size_t size)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	struct fmt_options opt = {.has_address = true, .address = 0x08000000};
	int rc = fmt_find(name)->read(data, size, &opt, &s, &e);

	check_image(rc, &s, &e, size);
}

/* What info walks: every target ends inside the file, every name is printable. */
static void walk(const uint8_t *data, size_t size)
{
	struct dfuse_info info;
	size_t at;

	if (dfuse_inspect(data, size, &info, NULL) < 0)
		return;
	at = info.first_target;
	for (unsigned i = 0; i < info.n_targets; i++) {
		struct dfuse_target t;

		at = dfuse_target_at(data, at, &t);
		must(strlen(t.name) < DFUSE_NAME_SIZE);
	}
	must(at == size - DFU_SUFFIX_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	read_as("dfuse", data, size);
	read_as("dfu", data, size);
	if (size <= DFU_SUFFIX_SIZE)
		return 0;
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data, size);
	fix_crc(copy, size);
	if (fmt_find("dfuse")->detect(copy, size)) {
		read_as("dfuse", copy, size);
		walk(copy, size);
	}
	read_as("dfu", copy, size);
	free(copy);
	return 0;
}
