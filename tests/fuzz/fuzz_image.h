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

/* What a format writes, it reads back: the same segments, entry included if it has one. */
static inline void check_round_trip(const struct segments *s, const char *name)
{
	static const struct fmt_write_options w = {.has_family = true, .family = 0x57755a57};
	static const struct fmt_options none = {0};
	cleanup_segments struct segments back = SEGMENTS_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	const struct fmt *f = fmt_find(name);

	must(fmt_write(f, s, &w, &b, NULL) == 0);
	must(fmt_detect(b.data, b.len) == f);
	must(f->read(b.data, b.len, &none, &back, NULL) == 0);
	must(back.n == s->n);
	for (size_t i = 0; i < s->n; i++) {
		must(back.v[i].addr == s->v[i].addr && back.v[i].len == s->v[i].len);
		must(memcmp(back.v[i].data, s->v[i].data, s->v[i].len) == 0);
	}
	must(f->kind != FMT_IHEX || back.has_entry == s->has_entry);
	must(!back.has_entry || back.entry == s->entry);
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
	check_round_trip(s, "ihex");
	check_round_trip(s, "srec");
	check_round_trip(s, "uf2");
	check_round_trip(s, "dfuse");
}

#endif
