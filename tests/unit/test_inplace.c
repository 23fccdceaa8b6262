/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_inplace.c - deltas that overwrite their own base: the power goes at every flash operation
 *
 * The flash of these tests is meaner than a real one: half an erase leaves old bytes, noise and
 * words that cannot be read side by side, half a programmed word reads as blank, as noise, or not
 * at all, and takes no second programming in any case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <imf/imf_inplace.h>
#include <stmota/bytes.h>
#include <stmota/delta.h>
#include <stmota/fs.h>

#define ADDR 0x08004000u

enum {
	SLOT = 12288, /* bytes */
	JOURNAL = 3 * 8192,
	WORD_MIN = 8,
};

static uint32_t seed;

static uint32_t next(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

/* ---- the flash ---- */

enum word { BLANK, PROGRAMMED, UNREADABLE };

struct area {
	uint8_t data[JOURNAL > SLOT ? JOURNAL : SLOT];
	uint8_t words[(JOURNAL > SLOT ? JOURNAL : SLOT) / WORD_MIN]; /* enum word */
	uint32_t size, unit;
};

static struct board {
	struct area areas[2]; /* by enum imf_area */
	uint32_t word;        /* bytes programmed at once */
	uint8_t erased;
	uint32_t ops, cut; /* erases and words programmed; the power goes in number `cut` */
	bool dead;
	uint32_t n_erases;
	struct digest digest;
} board;

/* True if the operation is done; *ret_half: half of it is. */
static bool power(bool *ret_half)
{
	*ret_half = false;
	if (board.dead)
		return false;
	if (board.ops++ != board.cut)
		return true;
	board.dead = true;
	*ret_half = next(8) != 0;
	return false;
}

static int read_area(struct area *a, uint32_t at, uint8_t *ret, uint32_t len)
{
	assert_true(at <= a->size && len <= a->size - at);
	if (board.dead)
		return -1;
	for (uint32_t i = at / board.word; i * board.word < at + len; i++)
		if (a->words[i] == UNREADABLE)
			return -1;
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
	return at % board.areas[IMF_AREA_SLOT].unit == 0;
}

static void erase_unit(struct area *a, uint32_t at, bool half)
{
	for (uint32_t w = at; w < at + a->unit; w += board.word) {
		uint32_t what = half ? next(4) : 0;

		a->words[w / board.word] = half ? what == 3 ? UNREADABLE : PROGRAMMED : BLANK;
		for (uint32_t i = w; what < 2 && i < w + board.word; i++)
			a->data[i] = what == 0 ? board.erased : a->data[i] & (uint8_t)next(256);
	}
}

static int erase(void *ctx, enum imf_area area, uint32_t at, uint32_t len)
{
	struct area *a = &board.areas[area];
	bool half;

	(void)ctx;
	assert_true(at <= a->size && len <= a->size - at && at % a->unit == 0);
	assert_true(len > 0 && len % a->unit == 0);
	board.n_erases++;
	for (uint32_t end = at + len; at < end; at += a->unit) {
		bool done = power(&half);

		if (done || half)
			erase_unit(a, at, half);
		if (!done)
			return -1;
	}
	return 0;
}

static int program(void *ctx, enum imf_area area, uint32_t at, const uint8_t *data, uint32_t len)
{
	struct area *a = &board.areas[area];
	bool half;

	(void)ctx;
	assert_true(at <= a->size && len <= a->size - at && at % board.word == 0);
	assert_true(len > 0 && len % board.word == 0);
	for (uint32_t w = at; w < at + len; w += board.word, data += board.word) {
		bool done = power(&half);
		uint8_t *state = &a->words[w / board.word];
		uint32_t what = next(3);

		if (!done && !half)
			return -1;
		if (*state != BLANK)
			return -1;
		*state = !done && what == 0 ? UNREADABLE : PROGRAMMED;
		for (uint32_t i = 0; i < board.word; i++)
			if (done || (what == 1 && next(2) == 0))
				a->data[w + i] = data[i];
		if (!done)
			return -1;
	}
	return 0;
}

static int hash_init(void *ctx)
{
	(void)ctx;
	return digest_begin(&board.digest, NULL);
}

static int hash_update(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	return digest_feed(&board.digest, data, len, NULL);
}

static int hash_final(void *ctx, uint8_t ret[IMF_DIGEST_SIZE])
{
	(void)ctx;
	return digest_end(&board.digest, ret, NULL);
}

/* ---- an update ---- */

static struct update {
	uint8_t old[SLOT], new[SLOT];
	uint32_t n_old, n_new;
	struct buf payload;
	struct imf_groups groups;
	uint8_t base_digest[32], plain_digest[32], stored_digest[32];
	uint8_t note[36];
	uint32_t work[IMF_PATCH_WORK(8192) / 4];
	struct imf_crypto crypto;
	struct imf_inplace_config cfg;
	struct imf_inplace v;
} up;

static void lay_out(uint32_t unit, uint32_t word, uint8_t erased)
{
	board.areas[IMF_AREA_SLOT].size = SLOT;
	board.areas[IMF_AREA_SLOT].unit = unit;
	board.areas[IMF_AREA_JOURNAL].size = JOURNAL;
	board.areas[IMF_AREA_JOURNAL].unit = unit;
	board.word = word;
	board.erased = erased;
}

/* The old image as a programmer left it; the journal holds whatever was there. */
static void power_on_old(void)
{
	struct area *s = &board.areas[IMF_AREA_SLOT], *j = &board.areas[IMF_AREA_JOURNAL];

	board.dead = false;
	board.ops = board.n_erases = 0;
	board.cut = UINT32_MAX;
	memset(s->data, board.erased, SLOT);
	memcpy(s->data, up.old, up.n_old);
	memset(s->words, PROGRAMMED, sizeof(s->words));
	for (uint32_t i = 0; i < JOURNAL; i++)
		j->data[i] = (uint8_t)next(256);
	memset(j->words, PROGRAMMED, sizeof(j->words));
}

static void power_on_again(uint32_t cut)
{
	board.dead = false;
	board.ops = 0;
	board.cut = cut;
	memset(up.work, 0x77, sizeof(up.work));
	memset(&up.v, 0x77, sizeof(up.v));
	memset(up.note, 0x77, sizeof(up.note));
}

static void prepare(uint32_t ram, uint32_t group, uint32_t word, uint8_t erased)
{
	struct delta_image base = {up.old, up.n_old, ADDR}, image = {up.new, up.n_new, ADDR};
	uint32_t units[SLOT / 512];
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		units[i] = 512;
	buf_done(&up.payload);
	if (delta_groups_make(units, ARRAY_LEN(units), up.n_new, ram, group, &up.groups, &e) < 0 ||
		delta_make_in_place(&base, &image, ram, &up.groups, &up.payload, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	sha256(up.old, up.n_old, up.base_digest, NULL);
	sha256(up.new, up.n_new, up.plain_digest, NULL);
	sha256(up.payload.data, up.payload.len, up.stored_digest, NULL);
	lay_out(512, word, erased);
	up.crypto = (struct imf_crypto){NULL, hash_init, hash_update, hash_final, NULL};
	up.cfg = (struct imf_inplace_config){
		.patch =
			{
				.crypto = &up.crypto,
				.ram = ram,
				.base_addr = ADDR,
				.base_len = up.n_old,
				.base_digest = up.base_digest,
				.load_addr = ADDR,
				.plain_size = up.n_new,
				.plain_digest = up.plain_digest,
				.stored_size = (uint32_t)up.payload.len,
				.stored_digest = up.stored_digest,
				.work = up.work,
				.work_size = sizeof(up.work),
				.read = read_slot,
				.groups = &up.groups,
			},
		.slot_size = SLOT,
		.journal_size = JOURNAL,
		.journal_unit = 512,
		.ram_max = 8192,
		.program_size = word,
		.erased = erased,
		.note = up.note,
		.note_size = sizeof(up.note),
		.read_journal = read_journal,
		.boundary = boundary,
		.erase = erase,
		.program = program,
	};
}

/* Notes are what a chain would say: which piece of the payload is being fed. */
static void note_down(uint32_t at)
{
	memset(up.note, (int)(at & 255), sizeof(up.note));
	put_le32(up.note, at);
}

static int update(uint32_t piece)
{
	uint32_t at = 0, len = (uint32_t)up.payload.len;
	int rc = imf_inplace_begin(&up.v, &up.cfg, &at);

	if (rc == 0 && at > 0 && at < len) {
		/* The note is of a piece that began before, and ended behind this offset. */
		assert_true(get_le32(up.note) <= at);
		assert_int_equal(up.note[4], get_le32(up.note) & 255);
	}
	while (rc == 0 && at < len) {
		uint32_t n = len - at < piece ? len - at : piece;

		note_down(at);
		rc = imf_inplace_feed(&up.v, up.payload.data + at, n);
		at += n;
	}
	return rc < 0 ? rc : imf_inplace_finish(&up.v);
}

static void assert_updated(void)
{
	assert_memory_equal(board.areas[IMF_AREA_SLOT].data, up.new, up.n_new);
	assert_false(imf_inplace_pending(&up.cfg));
}

/* Every operation is for scripts/campaign; here a few, and those around the first group. */
static uint32_t cut_after(uint32_t cut)
{
	return getenv("STMOTA_CAMPAIGN") != NULL ? cut + 1 : cut + 1 + next(cut < 40 ? 3 : 24);
}

/* Every operation in turn is cut; then the resumed run is cut as well, over and over. */
static void cut_everywhere(const char *name)
{
	uint32_t ops, resumed = 0, n_cuts = 0;

	power_on_old();
	power_on_again(UINT32_MAX);
	assert_int_equal(update(31), 0);
	assert_updated();
	ops = board.ops;
	for (uint32_t cut = 0; cut < ops; cut = cut_after(cut)) {
		int rc;

		power_on_old();
		power_on_again(cut);
		assert_true(update(1 + next(200)) < 0);
		assert_true(board.dead);
		/* Every third time the power goes again and again. */
		for (int again = cut % 3 == 0 ? 4 : 0; again > 0; again--) {
			power_on_again(next(ops / 8 + 2));
			rc = update(1 + next(200));
			if (rc == 0 || !board.dead)
				break;
		}
		power_on_again(UINT32_MAX);
		n_cuts++;
		resumed += imf_inplace_pending(&up.cfg);
		rc = update(1 + next(200));
		if (rc != 0)
			fail_msg("%s: cut at operation %u of %u: %s", name, cut, ops,
				imf_strerror(rc));
		assert_updated();
		/* Once more: nothing is left to do, and nothing is done. */
		power_on_again(UINT32_MAX);
		board.n_erases = 0;
		assert_int_equal(update(64), 0);
		assert_int_equal(board.n_erases, 0);
	}
	assert_true(ops == 0 || resumed > n_cuts / 8);
	print_message("%s: %u of %u operations cut, %zu bytes of payload\n", name, n_cuts, ops,
		up.payload.len);
}

/* ---- images ---- */

static void fill_code(uint8_t *p, size_t len)
{
	static const uint16_t often[] = {
		0x4618, 0xB510, 0xBD10, 0x6818, 0x2000, 0x4770, 0xD0F1, 0xE7FE, 0x4B08, 0x2301};

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)next(256);
	for (size_t i = 0; i + 2 <= len; i += 2) {
		uint32_t h = often[next(ARRAY_LEN(often))];

		if (next(3) == 0)
			continue;
		p[i] = (uint8_t)h;
		p[i + 1] = (uint8_t)(h >> 8);
	}
}

static void build(const char *kind)
{
	seed = 20;
	up.n_old = up.n_new = 5000;
	fill_code(up.old, up.n_old);
	memcpy(up.new, up.old, SLOT);
	if (strcmp(kind, "move") == 0) {
		memcpy(up.new + 200, up.old + 3000, 1500);
	} else if (strcmp(kind, "swap") == 0) {
		memcpy(up.new, up.old + 2560, 2048);
		memcpy(up.new + 2560, up.old, 2048);
	} else if (strcmp(kind, "rotate") == 0) {
		memcpy(up.new, up.old + 1700, 3300);
		memcpy(up.new + 3300, up.old, 1700);
	} else if (strcmp(kind, "insert") == 0) {
		up.n_new = 6100;
		fill_code(up.new, 1100);
		memcpy(up.new + 1100, up.old, 5000);
	} else if (strcmp(kind, "shrink") == 0) {
		up.n_new = 3100;
		memcpy(up.new + 700, up.old + 2000, 2400);
	} else if (strcmp(kind, "grow") == 0) {
		up.n_new = 9001;
		fill_code(up.new + 5000, 4001);
	} else if (strcmp(kind, "append") == 0) {
		up.n_new = 6000;
		fill_code(up.new + 5000, 1000);
	} else if (strcmp(kind, "odd") == 0) {
		up.n_old = 4999;
		up.n_new = 4003;
		memcpy(up.new + 1001, up.old + 1500, 3002);
	}
}

static void test_inplace__power_cuts(void **state)
{
	static const struct {
		const char *kind;
		uint32_t ram, group, word;
		uint8_t erased;
	} rows[] = {
		{"edit", 4096, 2048, 64, 0xFF},
		{"move", 4096, 1024, 64, 0xFF},
		{"swap", 4096, 1024, 64, 0xFF},
		{"rotate", 4096, 1536, 64, 0x00},
		{"insert", 4096, 2048, 64, 0xFF},
		{"shrink", 4096, 1024, 32, 0xFF},
		{"grow", 4096, 4096, 64, 0xFF},
		{"append", 4096, 2048, 64, 0xFF},
		{"odd", 8192, 2048, 64, 0xFF},
		{"same", 4096, 1024, 64, 0xFF},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		build(rows[i].kind);
		if (strcmp(rows[i].kind, "edit") == 0)
			for (uint32_t k = 0; k < up.n_new; k += 400)
				up.new[k] ^= 0x40;
		prepare(rows[i].ram, rows[i].group, rows[i].word, rows[i].erased);
		cut_everywhere(rows[i].kind);
	}
}

/*
 * What is new lies behind the old image, so that the base is whole although a group was installed, and
 * the run after a cut begins with that group. A cut there too: the mark of the first time is no proof
 * that the group is whole.
 */
static void test_inplace__the_first_group_twice(void **state)
{
	uint32_t ops;

	(void)state;
	build("append");
	prepare(4096, 2048, 64, 0xFF);
	power_on_old();
	power_on_again(UINT32_MAX);
	assert_int_equal(update(31), 0);
	ops = board.ops;
	for (uint32_t cut = ops - 30; cut < ops; cut++) {
		for (uint32_t again = 0; again < 60; again++) {
			int rc;

			power_on_old();
			power_on_again(cut);
			assert_true(update(64) < 0);
			power_on_again(again);
			update(64);
			power_on_again(UINT32_MAX);
			rc = update(64);
			if (rc != 0)
				fail_msg("cut at %u of %u, then at %u: %s", cut, ops, again,
					imf_strerror(rc));
			assert_updated();
		}
	}
}

/* Of an encrypted component: the digest of the new image has a secret in front, the base's none. */
static void test_inplace__salted_digest(void **state)
{
	static const uint8_t salt[IMF_SALT_SIZE] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
	cleanup_buf struct buf salted = BUF_INIT;

	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	up.cfg.patch.plain_salt = salt;
	assert_int_equal(buf_append(&salted, salt, sizeof(salt), NULL), 0);
	assert_int_equal(buf_append(&salted, up.new, up.n_new, NULL), 0);
	sha256(salted.data, salted.len, up.plain_digest, NULL);
	cut_everywhere("salted");
	sha256(up.new, up.n_new, up.plain_digest, NULL);
	power_on_old();
	assert_int_equal(update(64), IMF_ERR_DIGEST);
}

static void test_inplace__power_cuts_in_real_firmware(void **state)
{
	static const struct {
		const char *name;
		uint32_t from;
	} pairs[] = {{"hoverboard", 6000}, {"multistepper", 9000}, {"cleanflight-cc3d", 30000}};
	const char *corpus = getenv("STMOTA_CORPUS");
	char path[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		cleanup_buf struct buf old = BUF_INIT, new = BUF_INIT;

		snprintf(path, sizeof(path), "%s/%s/old.bin", corpus != NULL ? corpus : ".",
			pairs[i].name);
		if (corpus == NULL || fs_read(path, FS_FILE_MAX, &old, NULL) < 0) {
			print_message("skipped: no firmware corpus (STMOTA_CORPUS)\n");
			skip();
		}
		snprintf(path, sizeof(path), "%s/%s/new.bin", corpus, pairs[i].name);
		assert_int_equal(fs_read(path, FS_FILE_MAX, &new, NULL), 0);
		up.n_old = 5000;
		up.n_new = 5200;
		memcpy(up.old, old.data + pairs[i].from, up.n_old);
		memcpy(up.new, new.data + pairs[i].from, up.n_new);
		prepare(4096, 2048, 64, 0xFF);
		cut_everywhere(pairs[i].name);
	}
}

/* ---- refused before anything is erased ---- */

static void test_inplace__refused_before_the_first_erase(void **state)
{
	uint8_t keep[SLOT];

	(void)state;
	build("move");
	prepare(4096, 1024, 64, 0xFF);
	power_on_old();
	for (uint32_t i = 0; i < up.n_old; i++) {
		uint8_t bit = (uint8_t)(1 << i % 8);

		board.areas[IMF_AREA_SLOT].data[i] ^= bit;
		power_on_again(UINT32_MAX);
		assert_int_equal(update(64), IMF_ERR_BASE);
		board.areas[IMF_AREA_SLOT].data[i] ^= bit;
	}
	memcpy(keep, board.areas[IMF_AREA_SLOT].data, SLOT);
	/* Nothing of the payload is enough to erase: not its first bytes. */
	power_on_again(UINT32_MAX);
	up.cfg.patch.stored_size = (uint32_t)up.payload.len;
	assert_int_equal(imf_inplace_begin(&up.v, &up.cfg, &(uint32_t){0}), 0);
	assert_int_equal(imf_inplace_finish(&up.v), IMF_ERR_TRUNCATED);
	assert_int_equal(board.n_erases, 0);
	assert_memory_equal(keep, board.areas[IMF_AREA_SLOT].data, SLOT);
}

static void test_inplace__configurations(void **state)
{
	uint32_t at;

	(void)state;
	build("move");
	prepare(4096, 1024, 64, 0xFF);
	power_on_old();
#define REFUSES(member, value, error)                                                              \
	do {                                                                                       \
		struct imf_inplace_config c = up.cfg;                                              \
		c.member = value;                                                                  \
		assert_int_equal(imf_inplace_begin(&up.v, &c, &at), error);                        \
	} while (0)
	REFUSES(slot_size, 4096, IMF_ERR_LIMIT);
	REFUSES(journal_size, 2 * 8704 + 512, IMF_ERR_LIMIT);
	REFUSES(journal_unit, 100, IMF_ERR_ARGUMENT);
	REFUSES(journal_unit, 0, IMF_ERR_ARGUMENT);
	REFUSES(program_size, 128, IMF_ERR_ARGUMENT);
	REFUSES(program_size, 24, IMF_ERR_ARGUMENT);
	REFUSES(note_size, 65, IMF_ERR_ARGUMENT);
	REFUSES(note, NULL, IMF_ERR_ARGUMENT);
	REFUSES(ram_max, 2048, IMF_ERR_RAM);
	REFUSES(patch.groups, NULL, IMF_ERR_ARGUMENT);
	REFUSES(patch.load_addr, ADDR + 4, IMF_ERR_ARGUMENT);
	REFUSES(patch.work_size, 100, IMF_ERR_RAM);
	REFUSES(patch.plain_size, IMF_PATCH_IMAGE_MAX, IMF_ERR_ARGUMENT);
	REFUSES(patch.stored_size, 0, IMF_ERR_LIMIT);
	/* A group that ends within a unit. */
	board.areas[IMF_AREA_SLOT].unit = 4096;
	assert_int_equal(imf_inplace_begin(&up.v, &up.cfg, &at), IMF_ERR_LIMIT);
	assert_int_equal(board.n_erases, 0);
}

/* Left-overs of another time must not steer: the old firmware is back in the slot. */
static void test_inplace__old_journal_and_whole_base(void **state)
{
	struct area journal;

	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	for (uint32_t cut = 0;; cut += 23) {
		power_on_old();
		power_on_again(cut);
		if (update(64) == 0)
			break;
		journal = board.areas[IMF_AREA_JOURNAL];
		power_on_old();
		board.areas[IMF_AREA_JOURNAL] = journal;
		power_on_again(UINT32_MAX);
		assert_int_equal(update(64), 0);
		assert_updated();
	}
}

/* Another delta cannot go on where this one stopped. */
static void test_inplace__journal_of_another_payload(void **state)
{
	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	power_on_old();
	power_on_again(UINT32_MAX);
	assert_int_equal(update(64), 0);
	power_on_old();
	power_on_again(board.ops / 2 + 200);
	assert_true(update(64) < 0);
	power_on_again(UINT32_MAX);
	assert_true(imf_inplace_pending(&up.cfg));
	up.stored_digest[3] ^= 1;
	board.n_erases = 0;
	assert_int_equal(update(64), IMF_ERR_BASE);
	assert_int_equal(board.n_erases, 0);
	up.stored_digest[3] ^= 1;
	power_on_again(UINT32_MAX);
	assert_int_equal(update(64), 0);
	assert_updated();
}

/* ---- payloads that no encoder makes ---- */

static void test_inplace__damaged_payloads_stay_in_bounds(void **state)
{
	bool all = getenv("STMOTA_CAMPAIGN") != NULL;

	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	/* A bit of each of the first bytes, then samples; all of them for scripts/campaign. */
	for (size_t bit = 0; bit < up.payload.len * 8; bit += all ? 1 : bit < 2000 ? 9 : 61) {
		int rc;

		up.payload.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		power_on_old();
		power_on_again(UINT32_MAX);
		rc = update(1 + next(100));
		if (bit / 8 < up.payload.len - 1)
			assert_true(rc < 0);
		assert_false(board.dead);
		up.payload.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The transfer breaks off at any byte: no image, and the whole payload brings it yet. */
static void test_inplace__truncated_everywhere(void **state)
{
	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	for (uint32_t len = 0; len < up.payload.len; len++) {
		uint32_t at;

		power_on_old();
		power_on_again(UINT32_MAX);
		assert_int_equal(imf_inplace_begin(&up.v, &up.cfg, &at), 0);
		note_down(0);
		assert_int_equal(imf_inplace_feed(&up.v, up.payload.data, len), 0);
		assert_int_equal(imf_inplace_finish(&up.v), IMF_ERR_TRUNCATED);
		if (len % 16 != 0)
			continue;
		power_on_again(UINT32_MAX);
		assert_int_equal(update(64), 0);
		assert_updated();
	}
}

/* Signed so short: the decoder itself comes to the end too early. */
static void test_inplace__payloads_that_end_early(void **state)
{
	uint32_t whole;

	(void)state;
	build("rotate");
	prepare(4096, 1024, 64, 0xFF);
	whole = (uint32_t)up.payload.len;
	for (uint32_t len = 1; len < whole; len++) {
		up.payload.len = up.cfg.patch.stored_size = len;
		sha256(up.payload.data, len, up.stored_digest, NULL);
		power_on_old();
		power_on_again(UINT32_MAX);
		/* Bytes of the coder's last flush are of no consequence. */
		if (update(64) == 0)
			assert_true(len + 4 >= whole);
		assert_false(board.dead);
	}
	up.payload.len = whole;
}

/* ---- what the order is worth ---- */

static size_t two_slots(void)
{
	struct delta_image base = {up.old, up.n_old, ADDR}, image = {up.new, up.n_new, ADDR};
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(delta_make(&base, &image, 4096, &b, NULL, NULL), 0);
	return b.len;
}

static void test_inplace__the_order_follows_what_moved(void **state)
{
	static const char *const kinds[] = {"insert", "shrink", "grow", "move"};

	(void)state;
	/* Whatever has only moved up, down or over something new costs no byte more, but the order. */
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		build(kinds[i]);
		prepare(4096, 512, 64, 0xFF);
		assert_in_range(up.payload.len, 1, two_slots() + 40);
	}
	/* Of two blocks that changed places at most one is lost. */
	build("swap");
	prepare(4096, 512, 64, 0xFF);
	assert_in_range(up.payload.len, 1, two_slots() + 2048 + 60);
}

static void test_delta_groups__of_chips(void **state)
{
	static const uint32_t f4[] = {0x4000, 0x4000, 0x4000, 0x4000, 0x10000, 0x20000, 0x20000},
			      odd[] = {100, 100};
	struct imf_groups g;
	uint32_t pages[300], start, len;
	struct err e = {0};

	(void)state;
	assert_int_equal(delta_groups_make(f4, ARRAY_LEN(f4), 0x30000, 8192, 16384, &g, &e), 0);
	assert_int_equal(g.n_runs, 3);
	assert_int_equal(g.largest, 0x20000);
	assert_int_equal(g.journal, 0x20000 + 2 * (8192 + 512));
	assert_true(imf_group_place(&g, 5, &start, &len));
	assert_int_equal(start, 0x20000);
	assert_int_equal(len, 0x20000);
	assert_false(imf_group_place(&g, 6, &start, &len));
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		pages[i] = 2048;
	assert_int_equal(delta_groups_make(pages, 300, 50000, 8192, 16384, &g, &e), 0);
	assert_int_equal(g.n_runs, 2); /* three groups of eight pages, the last one shorter */
	assert_int_equal(
		delta_groups_make(pages, 300, 600000, 8192, 2048, &g, &e), ERR_UNSUPPORTED);
	assert_int_equal(delta_groups_make(pages, 300, 700000, 8192, 16384, &g, &e), ERR_NO_FIT);
	assert_int_equal(delta_groups_make(odd, 2, 150, 8192, 64, &g, &e), ERR_UNSUPPORTED);
}

static int release(void **state)
{
	(void)state;
	buf_done(&up.payload);
	digest_done(&board.digest);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inplace__power_cuts),
		cmocka_unit_test(test_inplace__the_first_group_twice),
		cmocka_unit_test(test_inplace__salted_digest),
		cmocka_unit_test(test_inplace__power_cuts_in_real_firmware),
		cmocka_unit_test(test_inplace__refused_before_the_first_erase),
		cmocka_unit_test(test_inplace__configurations),
		cmocka_unit_test(test_inplace__old_journal_and_whole_base),
		cmocka_unit_test(test_inplace__journal_of_another_payload),
		cmocka_unit_test(test_inplace__damaged_payloads_stay_in_bounds),
		cmocka_unit_test(test_inplace__truncated_everywhere),
		cmocka_unit_test(test_inplace__payloads_that_end_early),
		cmocka_unit_test(test_inplace__the_order_follows_what_moved),
		cmocka_unit_test(test_delta_groups__of_chips),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
