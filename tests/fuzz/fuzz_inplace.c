/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inplace.c - the in-place decoder meets any payload, and the power goes anywhere
 *
 * Input: size of the new image (2 bytes), groups (1), where the power goes (2), then the payload.
 * The digest of the base always matches, that of the new image never: all is decoded. The flash
 * aborts where a driver would do harm: out of bounds, no whole units, a word programmed twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <imf/imf_inplace.h>

enum { UNIT = 256, SLOT = 4096, JOURNAL = 2 * 4608 + SLOT, WORD = 32, BASE = 1500 };

struct area {
	uint8_t data[JOURNAL];
	uint8_t used[JOURNAL / WORD];
	uint32_t size;
};

static struct board {
	struct area areas[2]; /* by enum imf_area */
	uint32_t ops, cut;
	uint8_t digest; /* all bytes of every digest */
} board;

static int hash_init(void *ctx)
{
	(void)ctx;
	return 0;
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 0;
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	(void)ctx;
	memset(ret, board.digest, IMF_DIGEST_SIZE);
	return 0;
}

static int read_area(const struct area *a, uint32_t at, uint8_t *ret, uint32_t len)
{
	if (at > a->size || len > a->size - at)
		abort();
	memcpy(ret, a->data + at, len);
	return 0;
}

static int read_slot(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	return read_area(&board.areas[IMF_AREA_SLOT], at, ret, len);
}

static int read_journal(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	return read_area(&board.areas[IMF_AREA_JOURNAL], at, ret, len);
}

static bool boundary(void *ctx, uint32_t at)
{
	(void)ctx;
	return at % UNIT == 0;
}

static int erase(void *ctx, enum imf_area area, uint32_t at, uint32_t len)
{
	struct area *a = &board.areas[area];

	(void)ctx;
	if (at > a->size || len > a->size - at || (at | len) % UNIT != 0)
		abort();
	if (board.ops++ == board.cut)
		return -1;
	memset(a->data + at, 0xFF, len);
	memset(a->used + at / WORD, 0, len / WORD);
	return 0;
}

static int program(void *ctx, enum imf_area area, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct area *a = &board.areas[area];

	(void)ctx;
	if (at > a->size || len > a->size - at || (at | len) % WORD != 0)
		abort();
	if (board.ops++ == board.cut)
		return -1;
	for (uint32_t i = at / WORD; i < (at + len) / WORD; i++) {
		if (a->used[i])
			abort();
		a->used[i] = 1;
	}
	memcpy(a->data + at, data, len);
	return 0;
}

/* Something like code: the same every time. */
static void power_on(void)
{
	struct area *s = &board.areas[IMF_AREA_SLOT], *j = &board.areas[IMF_AREA_JOURNAL];

	memset(&board, 0, sizeof(board));
	s->size = SLOT;
	j->size = JOURNAL;
	for (uint32_t at = 0; at < BASE; at++)
		s->data[at] = at % 8 == 1 || at % 8 == 3 ? (uint8_t)(0xF0 | at % 5)
							 : (uint8_t)(at * 7 >> 3);
	memset(s->used, 1, sizeof(s->used));
	memset(j->used, 1, sizeof(j->used));
}

static int update(const struct imf_inplace_config *cfg, const uint8_t *payload)
{
	struct imf_inplace v;
	uint32_t at = 0;
	int rc = imf_inplace_begin(&v, cfg, &at);

	if (at > cfg->patch.stored_size)
		abort();
	for (; rc == 0 && at < cfg->patch.stored_size; at++)
		rc = imf_inplace_feed(&v, payload + at, 1);
	return rc < 0 ? rc : imf_inplace_finish(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[IMF_DIGEST_SIZE];
	static uint8_t other[IMF_DIGEST_SIZE];
	static uint32_t work[IMF_PATCH_WORK(4096) / 4];
	struct imf_groups groups = {.n_runs = 1};
	struct imf_crypto crypto = {NULL, hash_init, hash_update, hash_final, NULL};
	struct imf_inplace_config cfg = {
		.patch =
			{
				.crypto = &crypto,
				.ram = 4096,
				.base_addr = 0x08000000,
				.base_len = BASE,
				.base_digest = zero,
				.load_addr = 0x08000000,
				.stored_digest = zero,
				.work = work,
				.work_size = sizeof(work),
				.read = read_slot,
				.groups = &groups,
			},
		.slot_size = SLOT,
		.journal_size = JOURNAL,
		.journal_unit = UNIT,
		.ram_max = 4096,
		.program_size = WORD,
		.erased = 0xFF,
		.read_journal = read_journal,
		.boundary = boundary,
		.erase = erase,
		.program = program,
	};

	if (size < 6 || size > 65536)
		return 0;
	memset(other, 1, sizeof(other));
	cfg.patch.plain_size = 1 + (data[0] | (uint32_t)data[1] << 8) % SLOT;
	groups.runs[0].size = groups.largest = (uint32_t)UNIT << data[2] % 4;
	groups.runs[0].n = (cfg.patch.plain_size - 1) / groups.largest + 1;
	cfg.patch.plain_digest = other;
	cfg.patch.stored_size = (uint32_t)(size - 5);
	power_on();
	board.cut = data[3] | (uint32_t)data[4] << 8;
	if (update(&cfg, data + 5) < 0 && board.ops > board.cut) {
		/* Neither image any more, as far as the digests tell: the journal decides. */
		board.digest = 2;
		board.cut = UINT32_MAX;
		board.ops = 0;
		update(&cfg, data + 5);
	}
	return 0;
}
