/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_trust_conf.c - any bytes as the sidecar of a trusted key */
#include <stmota/trust.h>

#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_conf c = {0};
	struct err e = ERR_INIT;
	int rc = trust_conf_parse((const char *)data, size, "x.conf", &c, &e);

	if (rc < 0) {
		must(rc == ERR_CONFIG && e.msg[0] != '\0' && strchr(e.msg, '\n') == NULL);
		return 0;
	}
	must(c.role <= TRUST_HALT && c.threshold >= 1 && c.threshold <= 16);
	must(c.group[0] != '\0' && strlen(c.group) < sizeof(c.group) && c.not_after > 86000);
	return 0;
}
