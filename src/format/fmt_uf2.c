/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_uf2.c - UF2: blocks of 512 bytes, each with an address, of one or several chip families
 *
 * A file may hold the same program for several chips; which one is meant cannot be guessed from
 * addresses, since nearly all STM32 have their flash at the same place. So exactly one STM32
 * family must be in the file.
 */
#include <stmota/fmt_uf2.h>

#include "fmt_impl.h"
#include "pieces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <stmota/strparse.h>

#define BLOCK_SIZE 512
#define DATA_AT    32
#define DATA_SIZE  476
#define PAYLOAD    256 /* of the blocks that we write */
#define MD5_SIZE   24  /* address, length, digest: the end of the data */

#define MAGIC_START_0 0x0a324655u
#define MAGIC_START_1 0x9e5d5157u
#define MAGIC_END     0x0ab16f30u

#define FLAG_NOT_MAIN_FLASH 0x00000001u
#define FLAG_CONTAINER      0x00001000u
#define FLAG_FAMILY         0x00002000u
#define FLAG_MD5            0x00004000u
#define FLAG_TAGS           0x00008000u

static const struct uf2_family families[] = {
	{0x647824b6, "STM32F0"},
	{0x5ee21072, "STM32F1"},
	{0x5d1a0a2e, "STM32F2"},
	{0x6b846188, "STM32F3"},
	{0x57755a57, "STM32F4"},
	{0x6d0922fa, "STM32F407"},
	{0x8fb060fe, "STM32F407VG"},
	{0x53b80f00, "STM32F7"},
	{0x300f5633, "STM32G0"},
	{0x4c71240a, "STM32G4"},
	{0x6db66082, "STM32H7"},
	{0x202e3a91, "STM32L0"},
	{0x1e1f432d, "STM32L1"},
	{0x00ff6919, "STM32L4"},
	{0x04240bdf, "STM32L5"},
	{0x70d16653, "STM32WB"},
	{0x21460ff0, "STM32WL"},
};

struct block {
	uint32_t flags, addr, len, number, total, family;
	const uint8_t *data;
};

const struct uf2_family *uf2_family_at(size_t index)
{
	return index < ARRAY_LEN(families) ? &families[index] : NULL;
}

const struct uf2_family *uf2_family_find(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].id == id)
			return &families[i];
	return NULL;
}

int uf2_family_parse(const char *text, uint32_t *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (strcasecmp(families[i].name, text) == 0) {
			*ret = families[i].id;
			return 0;
		}
	}
	if (parse_u32(text, ret, NULL) == 0)
		return 0;
	err_set(e, ERR_USAGE, "'%.40s' is no UF2 family of an STM32", text);
	return err_hint(e, "a name such as STM32F4, or the id of another family as 0x57755A57");
}

/* ---- blocks ---- */

static int bad(size_t index, struct err *e, const char *what)
{
	return err_set(
		e, ERR_FORMAT, "block %zu (offset 0x%zX): %s", index, index * BLOCK_SIZE, what);
}

static int parse(const uint8_t *file, size_t index, struct block *ret, struct err *e)
{
	const uint8_t *p = file + index * BLOCK_SIZE;
	struct block b = {
		.flags = get_le32(p + 8),
		.addr = get_le32(p + 12),
		.len = get_le32(p + 16),
		.number = get_le32(p + 20),
		.total = get_le32(p + 24),
		.data = p + DATA_AT,
	};

	if (get_le32(p) != MAGIC_START_0 || get_le32(p + 4) != MAGIC_START_1 ||
		get_le32(p + BLOCK_SIZE - 4) != MAGIC_END)
		return bad(index, e, "no UF2 block: wrong magic number");
	if (b.flags & FLAG_FAMILY)
		b.family = get_le32(p + 28);
	if (b.flags & FLAG_CONTAINER) {
		err_set(e, ERR_UNSUPPORTED, "the UF2 file is a container of files, not of flash");
		return err_hint(e, "unpack it and take the firmware that is in it");
	}
	if (b.len == 0 || b.len > DATA_SIZE)
		return bad(index, e, "the payload has no size from 1 to 476");
	if ((b.flags & FLAG_MD5) && b.len > DATA_SIZE - MD5_SIZE)
		return bad(index, e, "payload and MD5 field overlap");
	if ((b.flags & FLAG_MD5) && (uint64_t)get_le32(b.data + DATA_SIZE - MD5_SIZE) +
						    get_le32(b.data + DATA_SIZE - MD5_SIZE + 4) >
					    (uint64_t)1 << 32)
		return bad(
			index, e, "the range of the MD5 field passes the end of the address space");
	if ((uint64_t)b.addr + b.len > (uint64_t)1 << 32)
		return bad(index, e, "data passes the end of the address space");
	if (b.number >= b.total)
		return bad(index, e, "its number is not below the number of blocks");
	*ret = b;
	return 0;
}

static bool same_group(const struct uf2_group *g, const struct block *b)
{
	return g->has_family == ((b->flags & FLAG_FAMILY) != 0) && g->family == b->family;
}

static struct uf2_group *group_of(struct uf2_info *info, const struct block *b)
{
	for (size_t i = 0; i < info->n_groups; i++)
		if (same_group(&info->groups[i], b))
			return &info->groups[i];
	if (info->n_groups == UF2_GROUPS_MAX)
		return NULL;
	info->groups[info->n_groups] = (struct uf2_group){
		.has_family = (b->flags & FLAG_FAMILY) != 0, .family = b->family};
	return &info->groups[info->n_groups++];
}

/* Every number from 0 to n_blocks - 1 must be there; `seen` has room for all blocks of the file. */
static int check_numbers(const uint8_t *data, const struct uf2_info *info,
	const struct uf2_group *g, uint8_t *seen, struct err *e)
{
	memset(seen, 0, info->n_blocks);
	for (size_t i = 0; i < info->n_blocks; i++) {
		struct block b;
		int rc = parse(data, i, &b, e);

		if (rc < 0)
			return rc;
		if (!same_group(g, &b))
			continue;
		if (b.total != g->n_blocks) {
			err_set(e, ERR_FORMAT,
				"block %zu says that there are %" PRIu32
				" blocks, but there are %" PRIu32,
				i, b.total, g->n_blocks);
			return err_hint(
				e, "the file was cut off or mixed up: fetch or build it again");
		}
		if (seen[b.number])
			return bad(i, e, "its number was there before");
		seen[b.number] = 1;
	}
	return 0;
}

int uf2_inspect(const uint8_t *data, size_t len, struct uf2_info *ret, struct err *e)
{
	struct uf2_info info = {0};
	cleanup_free uint8_t *seen = NULL;
	int rc = 0;

	if (len == 0 || len % BLOCK_SIZE != 0 || len / BLOCK_SIZE > UINT32_MAX)
		return err_set(
			e, ERR_FORMAT, "%zu bytes are no whole number of UF2 blocks (512)", len);
	info.n_blocks = (uint32_t)(len / BLOCK_SIZE);
	for (size_t i = 0; i < info.n_blocks; i++) {
		struct uf2_group *g;
		struct block b;

		rc = parse(data, i, &b, e);
		if (rc < 0)
			return rc;
		g = group_of(&info, &b);
		if (g == NULL)
			return err_set(e, ERR_UNSUPPORTED, "more than %d families in one file",
				UF2_GROUPS_MAX);
		g->n_blocks++;
		if (b.flags & FLAG_NOT_MAIN_FLASH)
			g->n_skipped++;
		else
			g->size += b.len;
		info.has_md5 |= (b.flags & FLAG_MD5) != 0;
		info.has_tags |= (b.flags & FLAG_TAGS) != 0;
	}
	seen = malloc(info.n_blocks);
	if (seen == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < info.n_groups; i++)
		rc = check_numbers(data, &info, &info.groups[i], seen, e);
	if (rc == 0)
		*ret = info;
	return rc;
}

/* ---- which family ---- */

/* "STM32F4, 0xE48BFF56, no family" */
static void list_families(const struct uf2_info *info, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < info->n_groups && n < size; i++) {
		const struct uf2_group *g = &info->groups[i];
		const struct uf2_family *f = g->has_family ? uf2_family_find(g->family) : NULL;
		const char *comma = i > 0 ? ", " : "";
		int more;

		if (f != NULL)
			more = snprintf(ret + n, size - n, "%s%s", comma, f->name);
		else if (g->has_family)
			more = snprintf(ret + n, size - n, "%s0x%08" PRIX32, comma, g->family);
		else
			more = snprintf(ret + n, size - n, "%sno family", comma);
		n += (size_t)more;
	}
}

int uf2_choose(const struct uf2_info *info, const struct uf2_group **ret, struct err *e)
{
	const struct uf2_group *found = NULL;
	char list[160];
	size_t n = 0;

	for (size_t i = 0; i < info->n_groups; i++) {
		const struct uf2_group *g = &info->groups[i];

		if (!g->has_family || uf2_family_find(g->family) == NULL)
			continue;
		found = g;
		n++;
	}
	if (n == 1) {
		*ret = found;
		return 0;
	}
	list_families(info, list, sizeof(list));
	if (n == 0) {
		err_set(e, ERR_UNSUPPORTED, "the UF2 file is for no known STM32 family: it has %s",
			list);
		return err_hint(e, "was it made for another chip?");
	}
	err_set(e, ERR_UNSUPPORTED, "the UF2 file is for several STM32 families: %s", list);
	return err_hint(e, "take the file that was made for your chip alone");
}

/* ---- the row of the table ---- */

static bool uf2_detect(const uint8_t *data, size_t len)
{
	return len >= 8 && get_le32(data) == MAGIC_START_0 && get_le32(data + 4) == MAGIC_START_1;
}

/* Equal bytes would do no harm, but no program writes a block twice: something is mixed up. */
static int check_overlap(const struct pieces *p, struct err *e)
{
	for (size_t i = 1; i < p->n; i++) {
		if ((uint64_t)p->v[i - 1].addr + p->v[i - 1].len <= p->v[i].addr)
			continue;
		err_set(e, ERR_FORMAT, "two blocks hold address 0x%08" PRIX32, p->v[i].addr);
		return err_at(e, p->v[i].addr);
	}
	return 0;
}

static int uf2_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	cleanup_pieces struct pieces pieces = PIECES_INIT;
	const struct uf2_group *g = NULL;
	struct uf2_info info;
	int rc = uf2_inspect(data, len, &info, e);

	if (rc == 0)
		rc = uf2_choose(&info, &g, e);
	for (size_t i = 0; rc == 0 && i < info.n_blocks; i++) {
		struct block b;

		rc = parse(data, i, &b, e);
		if (rc == 0 && same_group(g, &b) && !(b.flags & FLAG_NOT_MAIN_FLASH))
			rc = pieces_add(&pieces, b.addr, b.data, b.len, e);
	}
	if (rc == 0 && pieces.n == 0)
		rc = err_set(e, ERR_FORMAT, "the file has no block for the main flash");
	if (rc == 0)
		rc = segments_join(ret, pieces.v, pieces.n, e);
	if (rc == 0)
		rc = check_overlap(&pieces, e);
	if (rc < 0)
		segments_done(ret);
	return rc;
}

/* ---- writing ---- */

/* Bytes of the next block: up to a multiple of 256, as loaders that write whole pages want it. */
static uint32_t piece_len(const struct segment *g, uint32_t done)
{
	uint32_t len = PAYLOAD - (g->addr + done) % PAYLOAD;

	return len < g->len - done ? len : g->len - done;
}

static uint64_t count_blocks(const struct segments *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += ((uint64_t)s->v[i].addr + s->v[i].len + PAYLOAD - 1) / PAYLOAD -
		     s->v[i].addr / PAYLOAD;
	return n;
}

static int uf2_write(const struct segments *s, const struct fmt_write_options *opt, struct buf *ret,
	struct err *e)
{
	uint32_t total = (uint32_t)count_blocks(s), number = 0;
	int rc = 0;

	if (!opt->has_family) {
		err_set(e, ERR_USAGE, "a UF2 file names the chip family that it is for");
		return err_hint(e, "give --chip PID or --family NAME");
	}
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct segment *g = &s->v[i];

		for (uint32_t done = 0, len; rc == 0 && done < g->len; done += len) {
			uint8_t p[BLOCK_SIZE] = {0};

			len = piece_len(g, done);
			put_le32(p, MAGIC_START_0);
			put_le32(p + 4, MAGIC_START_1);
			put_le32(p + 8, FLAG_FAMILY);
			put_le32(p + 12, g->addr + done);
			put_le32(p + 16, len);
			put_le32(p + 20, number++);
			put_le32(p + 24, total);
			put_le32(p + 28, opt->family);
			memcpy(p + DATA_AT, g->data + done, len);
			put_le32(p + BLOCK_SIZE - 4, MAGIC_END);
			rc = buf_append(ret, p, sizeof(p), e);
		}
	}
	return rc;
}

const struct fmt fmt_uf2 = {
	.kind = FMT_UF2,
	.name = "uf2",
	.description = "UF2",
	.has_addresses = true,
	.detect = uf2_detect,
	.read = uf2_read,
	.write = uf2_write,
};
