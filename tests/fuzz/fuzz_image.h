/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image.h - what must hold for every image and every refusal, whatever the input was
 */
#ifndef STMOTA_TESTS_FUZZ_IMAGE_H
#define STMOTA_TESTS_FUZZ_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include <stmota/fmt.h>

static inline void must(bool condition)
{
	if (!condition)
		abort();
}

/* rc, s, e: result of a reader that was given `size` bytes. */
static inline void check_image(int rc, const struct segments *s, const struct err *e, size_t size)
{
	volatile uint8_t sum = 0;
	uint64_t end = 0;

	if (rc < 0) {
		must(e->code == (enum err_code)rc && e->msg[0] != '\0');
		must(strchr(e->msg, '\n') == NULL);
		return;
	}
	must(s->n > 0 && segments_size(s) <= size);
	for (size_t i = 0; i < s->n; i++) {
		must(s->v[i].len > 0);
		must(i == 0 || s->v[i].addr > end); /* sorted, joined where they touch */
		end = (uint64_t)s->v[i].addr + s->v[i].len;
		must(end <= (uint64_t)1 << 32);
		for (uint32_t k = 0; k < s->v[i].len; k++)
			sum = (uint8_t)(sum ^ s->v[i].data[k]);
	}
}

#endif
