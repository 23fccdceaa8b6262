/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_in_place.c - the device's in-place decoder on a flash in memory
 *
 * The flash is as strict as NOR flash with error correction: a word is programmed once between
 * two erases, and only whole groups, which a device's erase units make up, are erased.
 */
#include "delta_apply_priv.h"

#include <stdlib.h>
#include <string.h>

#include <imf/imf_inplace.h>

enum {
	PROGRAM = 32, /* bytes of a flash word: as large as STM32 has them */
	JOURNAL_UNIT = 4096,
};

struct flash {
	uint8_t *data;
	bool *used; /* each word: programmed since the last erase */
	uint32_t size;
};

struct board {
	struct flash areas[2]; /* by enum imf_area */
	const struct imf_groups *groups;
	struct digest digest;
};

static int flash_init(struct flash *f, uint32_t size)
{
	f->size = (size + PROGRAM - 1) / PROGRAM * PROGRAM;
	f->data = malloc(f->size);
	f->used = calloc(f->size / PROGRAM, sizeof(*f->used));
	if (f->data == NULL || f->used == NULL)
		return ERR_NOMEM;
	memset(f->data, 0xFF, f->size);
	return 0;
}

static void board_done(struct board *b)
{
	for (int i = 0; i < 2; i++) {
		free(b->areas[i].data);
		free(b->areas[i].used);
	}
	digest_done(&b->digest);
}

/* ---- callbacks ---- */

static int flash_read(const struct flash *f, uint32_t at, uint8_t *ret, uint32_t len)
{
	if (at > f->size || len > f->size - at)
		return -1;
	memcpy(ret, f->data + at, len);
	return 0;
}

static int read_slot(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	return flash_read(&((struct board *)ctx)->areas[IMF_AREA_SLOT], at, ret, len);
}

static int read_journal(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	return flash_read(&((struct board *)ctx)->areas[IMF_AREA_JOURNAL], at, ret, len);
}

static bool boundary(void *ctx, uint32_t at)
{
	const struct board *b = ctx;
	uint32_t start = 0, len = 0;

	for (uint32_t i = 0; imf_group_place(b->groups, i, &start, &len); i++)
		if (at == start)
			return true;
	return at == start + len;
}

static int erase(void *ctx, enum imf_area area, uint32_t at, uint32_t len)
{
	struct board *b = ctx;
	struct flash *f = &b->areas[area];

	if (at > f->size || len > f->size - at ||
		(area == IMF_AREA_SLOT ? !boundary(b, at) || !boundary(b, at + len)
				       : (at | len) % JOURNAL_UNIT != 0))
		return -1;
	memset(f->data + at, 0xFF, len);
	memset(f->used + at / PROGRAM, 0, len / PROGRAM * sizeof(*f->used));
	return 0;
}

static int program(void *ctx, enum imf_area area, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct flash *f = &((struct board *)ctx)->areas[area];

	if (at > f->size || len > f->size - at || (at | len) % PROGRAM != 0)
		return -1;
	for (uint32_t i = at / PROGRAM; i < (at + len) / PROGRAM; i++) {
		if (f->used[i])
			return -1;
		f->used[i] = true;
	}
	memcpy(f->data + at, data, len);
	return 0;
}

static int hash_init(void *ctx)
{
	return digest_begin(&((struct board *)ctx)->digest, NULL);
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	return digest_feed(&((struct board *)ctx)->digest, data, len, NULL);
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	return digest_end(&((struct board *)ctx)->digest, ret, NULL);
}

/* ---- decoding ---- */

static uint32_t units(uint32_t len)
{
	return (len + JOURNAL_UNIT - 1) / JOURNAL_UNIT * JOURNAL_UNIT;
}

/* The image lies in the slot as a device has it: programmed, the rest of its last group blank. */
static int board_init(struct board *b, const struct delta_recipe *r, const struct delta_image *base,
	uint32_t journal)
{
	uint32_t end = r->base_len, start = 0, len = 0;

	b->groups = r->groups;
	for (uint32_t i = 0; imf_group_place(r->groups, i, &start, &len); i++)
		end = start + len > end ? start + len : end;
	if (flash_init(&b->areas[IMF_AREA_SLOT], end) < 0 ||
		flash_init(&b->areas[IMF_AREA_JOURNAL], journal) < 0)
		return ERR_NOMEM;
	memcpy(b->areas[IMF_AREA_SLOT].data, base->data, base->len);
	memset(b->areas[IMF_AREA_SLOT].used, 1, b->areas[IMF_AREA_SLOT].size / PROGRAM);
	return 0;
}

static int decode_in_place(const struct imf_inplace_config *cfg, const uint8_t *payload)
{
	struct imf_inplace v;
	uint32_t at = 0;
	int rc = imf_inplace_begin(&v, cfg, &at);

	if (rc == IMF_OK)
		rc = imf_inplace_feed(&v, payload + at, cfg->patch.stored_size - at);
	return rc == IMF_OK ? imf_inplace_finish(&v) : rc;
}

int delta_apply_in_place(const struct delta_recipe *r, const struct delta_image *base,
	const uint8_t *payload, size_t payload_len, struct buf *ret, struct err *e)
{
	static const uint8_t no_digest[IMF_DIGEST_SIZE];
	uint32_t work[IMF_PATCH_WORK(16384) / 4];
	struct board b = {.digest = DIGEST_INIT};
	struct imf_crypto crypto = {
		.ctx = &b,
		.sha256_init = hash_init,
		.sha256_update = hash_update,
		.sha256_final = hash_final,
	};
	struct imf_inplace_config cfg = {
		.patch =
			{
				.crypto = &crypto,
				.ram = r->ram,
				.base_addr = r->base_addr,
				.base_len = r->base_len,
				.base_digest = r->base_digest,
				.load_addr = r->load_addr,
				.plain_size = r->plain_size,
				.plain_digest = r->plain_digest,
				.plain_salt = r->plain_salt,
				.stored_size =
					payload_len > IMF_PAYLOAD_MAX ? 0 : (uint32_t)payload_len,
				.stored_digest = no_digest,
				.work = work,
				.work_size = sizeof(work),
				.ctx = &b,
				.read = read_slot,
				.groups = r->groups,
			},
		.journal_size = 2 * units(IMF_JOURNAL_RECORD(16384u)) + units(r->groups->largest),
		.journal_unit = JOURNAL_UNIT,
		.ram_max = 16384,
		.program_size = PROGRAM,
		.erased = 0xFF,
		.read_journal = read_journal,
		.boundary = boundary,
		.erase = erase,
		.program = program,
	};
	uint8_t digest[SHA256_SIZE];
	int rc = sha256(base->data, base->len, digest, e);

	/* A device has nothing to do where the new image is already; here OLD must be OLD. */
	if (rc < 0 || memcmp(digest, r->base_digest, SHA256_SIZE) != 0)
		return rc < 0 ? rc : delta_refuse(IMF_ERR_BASE, e);
	rc = board_init(&b, r, base, cfg.journal_size);

	cfg.slot_size = b.areas[IMF_AREA_SLOT].size;
	if (rc == 0) {
		rc = decode_in_place(&cfg, payload);
		rc = rc == IMF_OK ? buf_append(ret, b.areas[IMF_AREA_SLOT].data, r->plain_size, e)
				  : delta_refuse(rc, e);
	} else {
		rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	board_done(&b);
	return rc;
}
