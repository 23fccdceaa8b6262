/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_elf.c - any bytes as an ELF file */
#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.allow_ram = size % 2 == 0};
	struct err e = ERR_INIT;
	uint8_t id[64];
	int rc = fmt_find("elf")->read(data, size, &opt, &s, &e);

	check_image(rc, &s, &e, size);
	must(fmt_elf_build_id(data, size, id, sizeof(id)) <= sizeof(id));
	return 0;
}
