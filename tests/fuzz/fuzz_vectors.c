/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vectors.c - any bytes as a raw binary: detection, guess of its base, verdict for a chip
 *
 * The first 6 bytes are product ID and address, the others the file.
 */
#include "fuzz_image.h"

#include <stmota/image.h>
#include <stmota/vectors.h>

static void check_guess(const uint8_t *data, size_t size)
{
	uint32_t base[4];
	size_t n = vectors_guess_base(data, size, base, ARRAY_LEN(base));
	char text[64];

	must(n <= ARRAY_LEN(base));
	must(vectors_guess_text(data, size, "", text, sizeof(text)) == (n > 0));
	for (size_t i = 0; i < n; i++) {
		must(base[i] % 0x100 == 0);
		must(get_le32(data + 4) - 1 - base[i] < size); /* it holds the reset handler */
	}
}

struct tally {
	unsigned errors; /* of the vector table */
	enum verdict worst;
};

static void count(void *ctx, const struct finding *f)
{
	struct tally *t = ctx;

	must(f->rule != NULL && f->word >= -1 && f->word < 16);
	must(f->what[0] != '\0' && memchr(f->what, '\0', sizeof(f->what)) != NULL);
	must(memchr(f->todo, '\0', sizeof(f->todo)) != NULL);
	if (f->verdict > t->worst)
		t->worst = f->verdict;
	if (f->verdict == VERDICT_ERROR && strcmp(f->rule, "flash") != 0)
		t->errors++;
}

/* The list and the single answer come from the same rules: they must agree. */
static void check_list(const struct segments *s, uint32_t base, const struct chip *chip, int rc)
{
	struct tally t = {0};
	struct geometry g;

	if (chip == NULL || geometry_init(&g, chip, 0, CHIP_BANKS_TABLE, NULL) < 0)
		return;
	must(image_judge(s, base, &g, count, &t) == t.worst);
	must((t.errors > 0) == (rc < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fmt_options opt = {.has_address = true};
	cleanup_segments struct segments s = SEGMENTS_INIT;
	const struct chip *chip;
	struct err e = ERR_INIT;
	char doubt[160];
	uint32_t base;
	int rc;

	if (size < 6)
		return 0;
	chip = chip_count() > 0 ? chip_at(get_le16(data) % chip_count()) : NULL;
	opt.address = get_le32(data + 2);
	data += 6;
	size -= 6;
	check_guess(data, size);
	rc = fmt_read(data, size, "fuzz", &opt, &s, NULL, &e);
	check_image(rc, &s, &e, size);
	if (rc < 0)
		return 0;
	must(image_vector_base(&s, chip, &base));
	err_clear(&e);
	rc = image_check_vectors(&s, base, chip, doubt, sizeof(doubt), &e);
	check_list(&s, base, chip, rc);
	must(rc == 0 || (rc == ERR_NO_FIT && e.msg[0] != '\0'));
	must(memchr(doubt, '\0', sizeof(doubt)) != NULL);
	/* What passes the whole judgement passes that of a careless boot loader too. */
	if (rc == 0 && size >= 8)
		must(vectors_bootable(data, base, (uint32_t)size, chip));
	return 0;
}
