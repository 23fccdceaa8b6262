/* SPDX-License-Identifier: Apache-2.0 */
/* test_vectors.c - every row of the verdict table, alignment by chip, the guess of a base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/buf.h>
#include <stmota/fs.h>
#include <stmota/vectors.h>

#define BASE 0x08000000u
#define SIZE 0x1000u

struct image {
	uint8_t bytes[SIZE];
};

/* A sound table for `base`; all code is "b .", so nothing but the table speaks. */
static void image_init(struct image *m, uint32_t base)
{
	static const uint8_t handlers[] = {2, 3, 4, 5, 6, 11, 12, 14, 15};

	memset(m, 0, sizeof(*m));
	for (uint32_t i = 0x200; i < SIZE; i += 2)
		memcpy(m->bytes + i, "\xfe\xe7", 2);
	put_le32(m->bytes, 0x20001000);
	put_le32(m->bytes + 4, base + 0x201);
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		put_le32(m->bytes + 4 * handlers[i], base + 0x301);
}

static const struct chip *chip(uint16_t pid)
{
	const struct chip *c = chip_find(pid);

	assert_non_null(c);
	return c;
}

/* Puts `value` into `word` of a sound image and expects that it is refused. */
static void expect_bad(unsigned word, uint32_t value, const struct chip *c, const char *message)
{
	struct err e = ERR_INIT;
	struct image m;

	image_init(&m, BASE);
	put_le32(m.bytes + 4 * word, value);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, c, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, message));
	assert_int_equal(e.addr, BASE);
}

static void expect_doubt(unsigned word, uint32_t value, const struct chip *c, const char *message)
{
	struct err e = ERR_INIT;
	char doubt[160];
	struct image m;

	image_init(&m, BASE);
	put_le32(m.bytes + 4 * word, value);
	if (vectors_check(m.bytes, SIZE, BASE, c, doubt, sizeof(doubt), &e) != 0)
		fail_msg("%s", e.msg);
	if (message[0] == '\0')
		assert_string_equal(doubt, "");
	else
		assert_non_null(strstr(doubt, message));
}

static void test_vectors_check__sound(void **state)
{
	expect_doubt(7, 0x12345678, NULL, ""); /* reserved words may hold anything */
	expect_doubt(13, 0x12345678, chip(0x410), "");
}

static void test_vectors_check__blank(void **state)
{
	struct image m;
	struct err e = ERR_INIT;

	expect_bad(0, 0xffffffff, NULL, "empty");
	image_init(&m, BASE);
	put_le32(m.bytes + 4, 0xffffffff);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	memset(m.bytes, 0, 8);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "are 0"));
	assert_int_equal(vectors_check(m.bytes, 63, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "63 bytes are too few"));
}

static void test_vectors_check__stack_pointer_by_chip(void **state)
{
	const struct chip *f103 = chip(0x410), *f407 = chip(0x413), *h743 = chip(0x450);

	expect_doubt(0, 0x20005000, f103, ""); /* the end of 20 KiB of RAM is the usual value */
	expect_bad(0, 0x20005008, f103, "is in no RAM of STM32F10xxx");
	expect_bad(0, 0x20000000, f103, "is in no RAM");
	expect_bad(0, 0x10002000, f103, "is in no RAM");
	expect_doubt(0, 0x10010000, f407, ""); /* CCM */
	expect_doubt(0, 0x20020000, f407, ""); /* over two regions that touch */
	expect_doubt(0, 0x24080000, h743, "");
	expect_doubt(0, 0x38001000, h743, "");
	expect_bad(0, 0x20001002, f103, "no multiple of 4");
	expect_doubt(0, 0x20001004, f103, "no multiple of 8");
	expect_doubt(0, 0x10008000, chip(0x415), ""); /* L476: SRAM2 at its other address */
	expect_doubt(0, 0x30010000, chip(0x472), ""); /* L552: secure alias */
	expect_bad(0, 0x30010000, chip(0x413), "is in no RAM");
}

static void test_vectors_check__stack_pointer_of_unknown_chip(void **state)
{
	expect_doubt(0, 0x20200000, NULL, "");
	expect_doubt(0, 0x24080000, NULL, "");
	expect_bad(0, 0x20200008, NULL, "is in no RAM of any STM32");
	expect_bad(0, 0x08001000, NULL, "is in no RAM of any STM32");
}

static void test_vectors_check__reset(void **state)
{
	expect_bad(1, BASE + 0x200, NULL, "is even");
	expect_bad(1, BASE + SIZE + 1, NULL, "points outside the image");
	expect_bad(1, BASE - 1, NULL, "points outside the image");
	expect_bad(1, 0x20000101, NULL, "points outside the image"); /* not even in RAM */
	expect_bad(1, BASE + 0x3d, NULL, "into the vector table itself");
	expect_doubt(1, BASE + 0x41, NULL, "");
	expect_doubt(1, BASE + SIZE - 1, NULL, "");
}

static void test_vectors_check__reset_into_nothing(void **state)
{
	struct err e = ERR_INIT;
	struct image m;

	image_init(&m, BASE);
	memset(m.bytes + 0x200, 0xff, 4);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "where the image is empty"));
}

static void test_vectors_check__other_handlers(void **state)
{
	expect_bad(2, BASE + 0x300, NULL, "the NMI vector 0x08000300 is even");
	expect_bad(3, BASE + SIZE + 1, NULL, "the HardFault vector 0x08001001 points outside");
	expect_doubt(3, 0, NULL, "the HardFault vector is 0");
	expect_doubt(4, 0, NULL, "");
	expect_doubt(11, BASE + SIZE + 1, NULL, "the SVC vector 0x08001001 points outside");
	expect_doubt(14, BASE + 0x300, NULL, "the PendSV vector 0x08000300 is even");
	expect_doubt(15, 0x20000101, NULL, ""); /* handlers in RAM are legal */
}

static void test_vectors_check__wrong_address_names_the_right_one(void **state)
{
	struct err e = ERR_INIT;
	struct image m;

	image_init(&m, BASE + 0x4000);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.hint, "0x08004000"));
}

static void test_vectors_check__flash_alias(void **state)
{
	const struct chip *f746 = chip(0x449);
	struct image m;

	/* Linked for the ITCM view, loaded at the usual address of the same flash. */
	image_init(&m, 0x00200000);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, f746, NULL, 0, NULL), 0);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE, chip(0x413), NULL, 0, NULL), ERR_NO_FIT);
	assert_int_equal(vectors_check(m.bytes, SIZE, 0x00200000, f746, NULL, 0, NULL), 0);
	/* Of an unknown part it is not known whether it can do that. */
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, NULL), 0);
	image_init(&m, 0x0C000000);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, NULL), 0);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, f746, NULL, 0, NULL), ERR_NO_FIT);
}

/* The image as its parts: the table's page, and a far one with all code. */
static bool holds_both(const void *ctx, uint32_t addr)
{
	return addr - BASE < 0x100 || addr - (BASE + 0x10000) < SIZE;
}

static bool holds_table(const void *ctx, uint32_t addr)
{
	return addr - BASE < 0x100;
}

static void test_vectors_check_parts__handlers_behind_a_hole(void **state)
{
	struct image m;

	image_init(&m, BASE + 0x10000);
	assert_int_equal(
		vectors_check_parts(m.bytes, 0x100, BASE, holds_both, NULL, NULL, NULL, 0, NULL),
		0);
	assert_int_equal(
		vectors_check_parts(m.bytes, 0x100, BASE, holds_table, NULL, NULL, NULL, 0, NULL),
		ERR_NO_FIT);
}

/* The table of the fact file, from its interrupts; and what it says where VTOR is missing. */
static void test_vectors_alignment__by_chip(void **state)
{
	static const struct {
		uint16_t pid;
		uint32_t align;
		bool exact;
	} rows[] = {
		{0x410, 0x100, true},
		{0x414, 0x200, true},
		{0x413, 0x200, true},
		{0x463, 0x200, true},
		{0x416, 0x100, true},
		{0x437, 0x200, true},
		{0x451, 0x200, true},
		{0x472, 0x200, true},
		{0x482, 0x400, true},
		{0x484, 0x400, true},
		{0x450, 0x400, true},
		{0x495, 0x200, true},
		{0x456, 0x100, true},
		{0x417, 0x100, true},
		{0x440, 0, true},
		{0x448, 0, true},
		{0x412, 0x80, false},
		{0x454, 0x80, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool exact;

		assert_int_equal(vectors_alignment(chip(rows[i].pid), &exact), rows[i].align);
		assert_int_equal(exact, rows[i].exact);
	}
}

static void test_vectors_check__alignment(void **state)
{
	struct err e = ERR_INIT;
	char doubt[160];
	struct image m;

	image_init(&m, BASE + 0x100);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE + 0x100, chip(0x410), NULL, 0, NULL), 0);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE + 0x100, chip(0x413), NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "multiple of 0x200"));
	image_init(&m, BASE + 0x200);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE + 0x200, chip(0x450), NULL, 0, &e), ERR_NO_FIT);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE + 0x200, chip(0x454), doubt, sizeof(doubt), NULL),
		0);
	assert_non_null(strstr(doubt, "not confirmed"));
}

/* M0: refused, unless the program could map a copy of its table in RAM to 0. */
static void test_vectors_check__without_vtor(void **state)
{
	struct err e = ERR_INIT;
	char doubt[160];
	struct image m;

	image_init(&m, BASE + 0x2000);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE + 0x2000, chip(0x440), NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "no VTOR"));
	assert_non_null(strstr(e.hint, "link it for 0x08000000 and let a loader copy it"));
	put_le32(m.bytes + 0x800, 0x40010000); /* SYSCFG */
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE + 0x2000, chip(0x440), doubt,
				 sizeof(doubt), NULL),
		0);
	assert_non_null(strstr(doubt, "cannot move its vector table"));
	image_init(&m, BASE);
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE, chip(0x440), doubt, sizeof(doubt), NULL), 0);
	assert_string_equal(doubt, "");
}

struct list {
	struct finding v[16];
	size_t n;
};

static void keep(void *ctx, const struct finding *f)
{
	struct list *l = ctx;

	assert_true(l->n < ARRAY_LEN(l->v));
	l->v[l->n++] = *f;
}

static bool in_image(const void *ctx, uint32_t addr)
{
	return addr - *(const uint32_t *)ctx < SIZE;
}

static enum verdict judge(const struct image *m, uint32_t base, uint16_t pid, struct list *ret)
{
	const struct vectors_image image = {m->bytes, SIZE, base, in_image, &base};

	ret->n = 0;
	return vectors_judge(&image, chip(pid), keep, ret);
}

static const struct finding *of_rule(const struct list *l, const char *rule, enum verdict v)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].rule, rule) == 0 && l->v[i].verdict == v)
			return &l->v[i];
	fail_msg("no finding of rule %s that is %s", rule, verdict_name(v));
	return &l->v[0];
}

/* All that is wrong is told, not the first of it only; each rule says one word at least. */
static void test_vectors_judge__everything_at_once(void **state)
{
	static const char *const rules[] = {
		"stack_pointer", "reset", "handlers", "alignment", "link_address", "loader"};
	struct image m;
	struct list l;

	image_init(&m, BASE);
	assert_int_equal(judge(&m, BASE, 0x413, &l), VERDICT_OK);
	assert_int_equal(l.n, ARRAY_LEN(rules));
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_string_equal(l.v[i].rule, rules[i]);
	put_le32(m.bytes, 0x08000000);
	put_le32(m.bytes + 4, BASE + 0x200);
	put_le32(m.bytes + 12, BASE + 0x300);
	put_le32(m.bytes + 56, BASE + SIZE + 1);
	assert_int_equal(judge(&m, BASE, 0x413, &l), VERDICT_ERROR);
	assert_non_null(of_rule(&l, "stack_pointer", VERDICT_ERROR));
	assert_int_equal(of_rule(&l, "reset", VERDICT_ERROR)->word, 1);
	assert_int_equal(of_rule(&l, "handlers", VERDICT_ERROR)->word, 3);
	assert_int_equal(of_rule(&l, "handlers", VERDICT_ERROR)->addr, BASE + 12);
	assert_int_equal(of_rule(&l, "handlers", VERDICT_DOUBTFUL)->word, 14);
	memset(m.bytes, 0xff, 64);
	assert_int_equal(judge(&m, BASE, 0x413, &l), VERDICT_ERROR);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].rule, "table");
}

/* ST's loaders and the stack pointers that they refuse without need. */
static void test_vectors_judge__loaders(void **state)
{
	const struct finding *f;
	char doubt[160];
	struct image m;
	struct list l;

	image_init(&m, BASE + 0x8000);
	put_le32(m.bytes, 0x20020000);
	assert_int_equal(judge(&m, BASE + 0x8000, 0x413, &l), VERDICT_DOUBTFUL);
	f = of_rule(&l, "loader", VERDICT_DOUBTFUL);
	assert_non_null(strstr(f->what, "0x2FFE0000"));
	assert_non_null(strstr(f->todo, "0x2001FFF8"));
	assert_int_equal(f->word, 0);
	put_le32(m.bytes, 0x2001FFF8);
	assert_int_equal(judge(&m, BASE + 0x8000, 0x413, &l), VERDICT_OK);
	put_le32(m.bytes, 0x10010000); /* CCM: both refuse */
	assert_int_equal(judge(&m, BASE + 0x8000, 0x413, &l), VERDICT_DOUBTFUL);
	assert_non_null(strstr(l.v[l.n - 1].what, "sp >> 24"));
	assert_non_null(strstr(l.v[l.n - 2].what, "0x2FFE0000"));
	/* At the start of flash the core starts it, and no loader. */
	image_init(&m, BASE);
	put_le32(m.bytes, 0x20020000);
	assert_int_equal(judge(&m, BASE, 0x413, &l), VERDICT_OK);
	/* L496 with its stack at the end of SRAM2: only dual-bank boot minds, so pack does not. */
	put_le32(m.bytes, 0x20050000);
	assert_int_equal(judge(&m, BASE, 0x461, &l), VERDICT_DOUBTFUL);
	assert_non_null(strstr(of_rule(&l, "loader", VERDICT_DOUBTFUL)->what, "ES0335"));
	assert_int_equal(
		vectors_check(m.bytes, SIZE, BASE, chip(0x461), doubt, sizeof(doubt), NULL), 0);
	assert_string_equal(doubt, "");
}

/* Functions at uneven distances, each with a pointer to itself behind it. */
static void add_functions(struct image *m, uint32_t base)
{
	uint32_t step = 3;

	for (uint32_t off = 0x400; off < 0xc00; off += 16 + 4 * (step % 11)) {
		memcpy(m->bytes + off, "\x10\xb5", 2); /* push {r4, lr} */
		put_le32(m->bytes + off + 12, base + off + 1);
		step = step * 5 % 23;
	}
}

/* All handlers lie inside at 0x08000000 too, but the pointers in the code say 0x08000400. */
static void test_vectors_check__linked_for_another_address(void **state)
{
	struct err e = ERR_INIT;
	struct image m;

	image_init(&m, BASE + 0x400);
	add_functions(&m, BASE + 0x400);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE + 0x400, NULL, NULL, 0, NULL), 0);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, NULL, NULL, 0, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "was linked for 0x08000400"));
	assert_non_null(strstr(e.hint, "put it at 0x08000400"));
	/* On a part that has this flash at two addresses the other one is no mistake. */
	image_init(&m, 0x00200000);
	add_functions(&m, 0x00200000);
	assert_int_equal(vectors_check(m.bytes, SIZE, BASE, chip(0x449), NULL, 0, NULL), 0);
}

/* Behind a header of 0x200 bytes the table is at no page start: only strong evidence counts. */
static void test_vectors_guess__behind_a_header(void **state)
{
	uint32_t base[4];
	struct image m;

	image_init(&m, BASE + 0x4200);
	assert_true(vectors_guess_base(m.bytes, SIZE, base, 4) > 1);
	add_functions(&m, BASE + 0x4200);
	assert_int_equal(vectors_guess_base(m.bytes, SIZE, base, 4), 1);
	assert_int_equal(base[0], BASE + 0x4200);
}

static void test_vectors_bootable__words_0_and_1(void **state)
{
	static const struct {
		uint32_t sp, reset;
		bool bootable;
	} rows[] = {
		{0x20001000, BASE + 0x201, true},
		{0xffffffff, 0xffffffff, false},
		{0, 0, false},
		{0x20001000, 0xffffffff, false},
		{0xffffffff, BASE + 0x201, false},
		{0x20001000, BASE + 0x200, false},
		{0x20001000, BASE + SIZE + 1, false},
		{0, BASE + 0x201, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t words[8];

		put_le32(words, rows[i].sp);
		put_le32(words + 4, rows[i].reset);
		assert_int_equal(
			vectors_bootable(words, BASE, SIZE, chip(0x410)), rows[i].bootable);
	}
}

static void test_vectors_guess__too_little_to_tell(void **state)
{
	uint32_t base[4];
	struct image m;

	image_init(&m, BASE);
	assert_int_equal(vectors_guess_base(m.bytes, 0x40, base, 4), 0);
	assert_int_equal(vectors_guess_base(m.bytes, SIZE, base, 0), 0);
	memset(m.bytes, 0xff, 0x40);
	assert_int_equal(vectors_guess_base(m.bytes, SIZE, base, 4), 0);
}

/* Nothing but the table: the pages that it allows, and the place behind a header; none is chosen. */
static void test_vectors_guess__some_that_fit(void **state)
{
	uint32_t base[4];
	char text[160];
	struct image m;

	image_init(&m, BASE);
	memset(m.bytes + 0x200, 0x55, SIZE - 0x200);
	for (unsigned i = 1; i < 16; i++)
		if (get_le32(m.bytes + 4 * i) != 0)
			put_le32(m.bytes + 4 * i, BASE + 0x601);
	assert_int_equal(vectors_guess_base(m.bytes, 0x700, base, 4), 3);
	assert_int_equal(base[0], BASE);
	assert_int_equal(base[1], BASE + 0x400);
	assert_int_equal(base[2], BASE + 0x200);
	assert_true(vectors_guess_text(m.bytes, 0x700, "--address ", text, sizeof(text)));
	assert_string_equal(text, "the vector table fits --address 0x08000000 or 0x08000400 or "
				  "0x08000200: which one?");
	/* With room for the pages alone these are told; one of them alone would be a choice. */
	assert_int_equal(vectors_guess_base(m.bytes, 0x700, base, 2), 2);
	assert_int_equal(base[1], BASE + 0x400);
	assert_int_equal(vectors_guess_base(m.bytes, 0x700, base, 1), 0);
}

/* Of a short program behind a header the page start before it must not be called the only address. */
static void test_vectors_guess__short_behind_a_header(void **state)
{
	uint32_t base[4];
	struct image m;

	image_init(&m, BASE + 0x10200);
	memset(m.bytes + 0x200, 0x55, SIZE - 0x200);
	memcpy(m.bytes + 0x200, "\xfe\xe7", 2); /* the handler, where all of them point */
	for (unsigned i = 1; i < 16; i++)
		if (get_le32(m.bytes + 4 * i) != 0)
			put_le32(m.bytes + 4 * i, BASE + 0x10401);
	assert_int_equal(vectors_guess_base(m.bytes, 2000, base, 4), 2);
	assert_int_equal(base[0], BASE + 0x10200);
	assert_int_equal(base[1], BASE + 0x10000);
}

/* The last candidate is the last that there is: a walk over all of them ends. */
static void test_vectors_guess__end_of_the_address_space(void **state)
{
	uint32_t base[4];
	struct image m;

	image_init(&m, BASE);
	for (unsigned i = 1; i < 16; i++)
		if (get_le32(m.bytes + 4 * i) != 0)
			put_le32(m.bytes + 4 * i, 0xfffffff1);
	assert_in_range(vectors_guess_base(m.bytes, SIZE, base, 4), 0, 4);
	/* Of fewer bytes than lie behind the only candidate there is none, instead of all there are. */
	assert_int_equal(vectors_guess_base(m.bytes, 180, base, 4), 0);
}

/* Real firmware, the load addresses of its README. pybv11 has no table: nothing may be guessed. */
static void test_vectors_guess__corpus(void **state)
{
	static const struct {
		const char *name;
		uint32_t base;
		bool has_table;
	} rows[] = {
		{"coldcard-a", 0x08008000, true},
		{"vesc60-a", 0x08000000, true},
		{"btt-tft35-a", 0x08008000, true},
		{"smoothie-a", 0x00004000, true},
		{"uvk5-a", 0x00000000, true},
		{"uvk5-tiny", 0x00000000, true},
		{"pybv11", 0x08020000, false},
		{"synthesizer", 0x00080000, true},
		{"shell", 0x00080000, true},
		{"portenta-boot", 0x08000000, true},
		{"cleanflight-cc3d", 0x08003000, true},
		{"multistepper", 0x08000000, true},
		{"duckypad-a", 0x08000000, true},
		{"hoverboard", 0x08000000, true},
		{"skr-mini-v12", 0x08007000, true},
		{"mlrs-rx", 0x08000000, true},
	};
	static const char *const files[] = {"old", "new"};
	const char *corpus = getenv("STMOTA_CORPUS");
	unsigned seen = 0;

	for (size_t i = 0; corpus != NULL && i < 2 * ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf file = BUF_INIT;
		uint32_t base[4];
		char path[4096];
		size_t n;

		snprintf(
			path, sizeof(path), "%s/%s/%s.bin", corpus, rows[i / 2].name, files[i % 2]);
		if (fs_read(path, FS_FILE_MAX, &file, NULL) < 0)
			continue;
		seen++;
		n = vectors_guess_base(file.data, file.len, base, 4);
		if (n != (rows[i / 2].has_table ? 1 : 0) || (n == 1 && base[0] != rows[i / 2].base))
			fail_msg("%s: %zu candidates, the first 0x%08X", path, n,
				n > 0 ? base[0] : 0);
		if (n == 1)
			assert_int_equal(
				vectors_check(file.data, file.len, base[0], NULL, NULL, 0, NULL),
				0);
	}
	if (seen == 0) {
		print_message("SKIP: no corpus of real firmware beside the source tree\n");
		skip();
	}
	assert_int_equal(seen, 2 * ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_check__sound),
		cmocka_unit_test(test_vectors_check__blank),
		cmocka_unit_test(test_vectors_check__stack_pointer_by_chip),
		cmocka_unit_test(test_vectors_check__stack_pointer_of_unknown_chip),
		cmocka_unit_test(test_vectors_check__reset),
		cmocka_unit_test(test_vectors_check__reset_into_nothing),
		cmocka_unit_test(test_vectors_check__other_handlers),
		cmocka_unit_test(test_vectors_check__wrong_address_names_the_right_one),
		cmocka_unit_test(test_vectors_check__flash_alias),
		cmocka_unit_test(test_vectors_check_parts__handlers_behind_a_hole),
		cmocka_unit_test(test_vectors_alignment__by_chip),
		cmocka_unit_test(test_vectors_check__alignment),
		cmocka_unit_test(test_vectors_check__without_vtor),
		cmocka_unit_test(test_vectors_judge__everything_at_once),
		cmocka_unit_test(test_vectors_judge__loaders),
		cmocka_unit_test(test_vectors_check__linked_for_another_address),
		cmocka_unit_test(test_vectors_bootable__words_0_and_1),
		cmocka_unit_test(test_vectors_guess__too_little_to_tell),
		cmocka_unit_test(test_vectors_guess__some_that_fit),
		cmocka_unit_test(test_vectors_guess__short_behind_a_header),
		cmocka_unit_test(test_vectors_guess__end_of_the_address_space),
		cmocka_unit_test(test_vectors_guess__behind_a_header),
		cmocka_unit_test(test_vectors_guess__corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
