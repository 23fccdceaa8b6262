/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trust_revoked.c - any bytes as the list of revoked keys: no line of it is lost in silence
 */
#include <ctype.h>

#include <stmota/trust.h>

#include "fuzz_image.h"

#define NAME "dir/" TRUST_REVOKED

/* Lines that hold more than blanks and a comment. */
static size_t count_lines(const char *p, size_t size)
{
	const char *end = p + size;
	size_t n = 0;

	while (p < end) {
		while (p < end && *p != '\n' && isspace((unsigned char)*p))
			p++;
		n += p < end && *p != '\n' && *p != '#';
		while (p < end && *p != '\n')
			p++;
		p += p < end;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_trust struct trust t = TRUST_INIT;
	struct err e = ERR_INIT;
	size_t lines = count_lines((const char *)data, size);
	int rc = trust_revoked_parse(&t, (const char *)data, size, NAME, &e);

	if (rc < 0) {
		must(rc == ERR_CONFIG && e.code == ERR_CONFIG && e.hint[0] != '\0');
		must(strncmp(e.msg, NAME ":", sizeof(NAME)) == 0 && strchr(e.msg, '\n') == NULL);
		must(t.n_revoked < lines);
	} else {
		must(t.n_revoked == lines);
	}
	for (size_t i = 0; i < t.n_revoked; i++) {
		const struct trust_revoked *r = &t.revoked[i];

		must(r->len == KEY_ID_SIZE || r->len == SHA256_SIZE);
		for (const char *p = r->reason; *p != '\0'; p++)
			must(isprint((unsigned char)*p));
	}
	return 0;
}
