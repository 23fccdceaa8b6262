/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_srec.c - any bytes as S-records */
#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;
	struct fmt_options opt = {0};
	int rc = fmt_find("srec")->read(data, size, &opt, &s, &e);

	check_image(rc, &s, &e, size);
	return 0;
}
