/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/delta_choice.h>

const char *delta_against(const struct package *patch, size_t full_len, uint32_t decoder_ram)
{
	if (decoder_ram == 0)
		return "the device decodes no deltas";
	if (patch->header.decoder_ram > decoder_ram)
		return "the delta needs more RAM than the device has";
	/* Not only the bytes: a delta needs its base, a full package needs nothing. */
	if (patch->len >= full_len)
		return "the full package is not larger";
	return NULL;
}
