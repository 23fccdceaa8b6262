/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layout.c - partition tables: what is always true of them, on all chips, and known cases
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stmota/layout.h>
#include <stmota/vectors.h>

#define KIB 1024u

static struct geometry part(uint16_t pid, uint32_t kib, enum chip_banks banks)
{
	const struct chip *c = chip_find(pid);
	struct err e = ERR_INIT;
	struct geometry g;

	assert_non_null(c);
	if (geometry_init(&g, c, kib * KIB, banks, &e) < 0)
		fail_msg("%s", e.msg);
	return g;
}

static const struct layout_area *find(
	const struct layout *l, enum layout_kind kind, unsigned number)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->area[i].kind == kind && l->area[i].number == number)
			return &l->area[i];
	fail_msg("no %s %u", layout_kind_name(kind), number);
	return &l->area[0];
}

static bool has_note(const struct layout *l, const char *text)
{
	for (size_t i = 0; i < l->n_notes; i++)
		if (strstr(l->note[i], text) != NULL)
			return true;
	return false;
}

/* True if an erase unit begins (or flash ends) at `addr`. */
static bool at_unit(const struct geometry *g, uint32_t addr)
{
	struct erase_unit u;

	return addr == g->base + g->size || (geometry_unit_at(g, addr, &u) && u.addr == addr);
}

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			fail_msg("%s, %s, app %u, bootloader %u, %u slots: %s", g->chip->name,     \
				layout_scheme_name(r->scheme), r->app, r->bootloader, r->slots,    \
				#x);                                                               \
	} while (0)

/* Written from the promise of the header, not from the code behind it. */
static void prove(const struct layout_request *r, const struct layout *l)
{
	const struct geometry *g = r->part;
	uint32_t at = g->base, external = 0;
	unsigned slots = 0, want = r->slots != 0 ? r->slots : 2;
	bool exact;
	uint32_t align = vectors_alignment(g->chip, &exact);

	MUST(l->scheme != LAYOUT_AUTO && l->n <= LAYOUT_AREAS_MAX);
	MUST(l->slot_size >= r->app && l->room == l->slot_size - r->app);
	MUST(l->slot_size >= r->slot_size);
	for (size_t i = 0; i < l->n; i++) {
		const struct layout_area *a = &l->area[i];

		MUST(a->size > 0);
		if (a->external) {
			MUST(a->addr == external && a->size % 4096 == 0);
			external += a->size;
		} else {
			MUST(external == 0);
			MUST(a->addr == at); /* in order, no hole, no overlap */
			MUST(at_unit(g, a->addr) && at_unit(g, a->addr + a->size));
			at += a->size;
		}
		if (a->kind == LAYOUT_SLOT || a->kind == LAYOUT_STAGING_AREA) {
			slots++;
			MUST(a->number >= 1 && a->number <= want);
			MUST(a->size >= a->usable && a->usable == l->slot_size);
		} else {
			MUST(a->number == 0 && a->link == 0);
		}
		if (a->link != 0 && align != 0)
			MUST(a->link % align == 0 && a->addr % align == 0);
		if (a->kind == LAYOUT_BOOTLOADER || a->kind == LAYOUT_BOOTLOADER_COPY)
			MUST(a->size >= r->bootloader);
		if (a->kind == LAYOUT_BOOTLOADER)
			MUST(a->addr == g->base);
		if (l->scheme == LAYOUT_SLOTS)
			MUST(a->kind != LAYOUT_SLOT || a->link != 0);
	}
	MUST(at == g->base + g->size);
	MUST(external <= r->external);
	MUST(slots == want);
	if (r->bootloader > 0)
		find(l, LAYOUT_BOOTLOADER, 0);
}

/* Blocks of the largest unit must be whole units on both sides, and fit the scratch area. */
static void prove_swap(const struct layout_request *r, const struct layout *l)
{
	const struct geometry *g = r->part;
	const struct layout_area *one = find(l, LAYOUT_SLOT, 1), *two = find(l, LAYOUT_SLOT, 2);
	uint32_t block = 0;

	for (uint32_t i = 0; i < g->n_units; i++) {
		struct erase_unit u = geometry_unit(g, i);

		if (u.addr >= one->addr && u.addr < two->addr + two->size && u.size > block)
			block = u.size;
	}
	MUST(l->slot_size % block == 0);
	MUST(find(l, LAYOUT_SCRATCH, 0)->size >= block);
	for (uint32_t off = 0; off <= l->slot_size; off += block)
		MUST(at_unit(g, one->addr + off) && at_unit(g, two->addr + off));
}

static unsigned try(const struct layout_request *r)
{
	const struct geometry *g = r->part;
	struct err e = ERR_INIT;
	struct layout l;
	int rc = layout_make(r, &l, &e);

	if (rc < 0) {
		MUST(rc == ERR_NO_FIT || rc == ERR_USAGE);
		MUST(e.msg[0] != '\0');
		return 0;
	}
	prove(r, &l);
	if (l.scheme == LAYOUT_SWAP)
		prove_swap(r, &l);
	return 1;
}

static unsigned try_schemes(const struct geometry *g, uint32_t app, uint32_t bootloader)
{
	unsigned made = 0;

	for (unsigned scheme = LAYOUT_AUTO; scheme <= LAYOUT_SELF; scheme++) {
		for (unsigned slots = 0; slots <= 4; slots += 2) {
			struct layout_request r = {.part = g,
				.scheme = (enum layout_scheme)scheme,
				.app = app,
				.bootloader = bootloader,
				.slots = slots};

			made += try(&r);
			r.slot_size = app + app / 8;
			made += try(&r);
			r.external = 2048 * KIB;
			made += try(&r);
			r.slot_size = 0;
			made += try(&r);
		}
	}
	return made;
}

static void test_layout_make__always_true_on_all_chips(void **state)
{
	static const enum chip_banks modes[] = {
		CHIP_BANKS_TABLE, CHIP_BANKS_FORCE_SINGLE, CHIP_BANKS_FORCE_DUAL};
	static const uint32_t loaders[] = {0, 4 * KIB, 20 * KIB};
	unsigned made = 0;

	for (size_t i = 0; i < 2 * 3 * chip_count(); i++) {
		const struct chip *c = chip_at(i / 6);
		uint32_t size = c->flash_size_max >> (i % 2);
		struct geometry g;

		if (geometry_init(&g, c, size, modes[i / 2 % 3], NULL) < 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(loaders); k++) {
			made += try_schemes(&g, size / 5 + 3, loaders[k]);
			made += try_schemes(&g, size / 2 - 5 * KIB, loaders[k]);
			made += try_schemes(&g, size - 7, loaders[k]);
		}
	}
	print_message("%u partition tables proven\n", made);
	assert_true(made > 20000);
}

/* The largest slots are the largest: one unit more each would not fit. */
static void test_layout_make__nothing_wasted(void **state)
{
	for (size_t i = 0; i < chip_count(); i++) {
		struct layout_request r = {.scheme = LAYOUT_STAGING, .app = 1, .bootloader = 1};
		struct geometry geo, *g = &geo;
		struct err e = ERR_INIT;
		struct layout l;

		if (geometry_init(g, chip_at(i), 0, CHIP_BANKS_TABLE, NULL) < 0)
			continue;
		r.part = g;
		if (layout_make(&r, &l, &e) < 0)
			continue;
		r.slot_size = l.slot_size + 1;
		assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
		assert_non_null(strstr(e.msg, "the most is"));
	}
}

/* STM32L072RZ: the case that everybody meets. */
static void test_layout_make__l072(void **state)
{
	struct geometry g = part(0x447, 192, CHIP_BANKS_DEFAULT);
	struct layout_request r = {.part = &g, .app = 93 * KIB, .bootloader = 4 * KIB};
	struct err e = ERR_INIT;
	struct layout l;

	assert_int_equal(layout_make(&r, &l, &e), 0);
	assert_int_equal(l.scheme, LAYOUT_SLOTS);
	assert_int_equal(l.slot_size, 94 * KIB);
	assert_int_equal(l.room, 1 * KIB);
	assert_int_equal(l.n, 3);
	assert_int_equal(find(&l, LAYOUT_BOOTLOADER, 0)->size, 4 * KIB);
	assert_int_equal(find(&l, LAYOUT_SLOT, 1)->link, 0x08001000);
	assert_int_equal(find(&l, LAYOUT_SLOT, 2)->link, 0x08018800);
	assert_true(has_note(&l, "one slot in each bank would have 92"));
	assert_true(has_note(&l, "staging in external flash is advised"));

	r.external = 256 * KIB;
	assert_int_equal(layout_make(&r, &l, &e), 0);
	assert_int_equal(l.scheme, LAYOUT_STAGING);
	assert_int_equal(l.slot_size, 188 * KIB);
	assert_true(find(&l, LAYOUT_STAGING_AREA, 2)->external);
	assert_false(has_note(&l, "advised"));

	r.external = 0;
	r.app = 95 * KIB;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "the most is 94"));
	assert_non_null(strstr(e.hint, "external flash"));

	r.app = 80 * KIB;
	assert_int_equal(layout_make(&r, &l, &e), 0);
	assert_true(l.by_banks);
	assert_int_equal(l.slot_size, 92 * KIB);
	assert_int_equal(find(&l, LAYOUT_SLOT, 2)->addr, 0x08019000);
	assert_int_equal(find(&l, LAYOUT_SLOT, 2)->link, 0x08001000);
	assert_int_equal(find(&l, LAYOUT_BOOTLOADER_COPY, 0)->addr, 0x08018000);
}

/* F429: slots of 256 KiB at 0x08020000 and 0x08060000, behind a bootloader of four and one units. */
static void test_layout_make__f429_uneven_units(void **state)
{
	struct geometry g = part(0x419, 1024, CHIP_BANKS_FORCE_SINGLE);
	struct layout_request r = {
		.part = &g, .app = 200 * KIB, .bootloader = 96 * KIB, .slot_size = 256 * KIB};
	struct layout l;

	assert_int_equal(layout_make(&r, &l, NULL), 0);
	assert_int_equal(find(&l, LAYOUT_BOOTLOADER, 0)->size, 128 * KIB);
	assert_int_equal(find(&l, LAYOUT_SLOT, 1)->addr, 0x08020000);
	assert_int_equal(find(&l, LAYOUT_SLOT, 2)->addr, 0x08060000);
	assert_int_equal(find(&l, LAYOUT_FREE, 0)->size, 384 * KIB);

	/* A small bootloader leaves small units to slot 1: swapping cannot use them, running can. */
	r = (struct layout_request){.part = &g, .app = 200 * KIB, .bootloader = 4 * KIB};
	assert_int_equal(layout_make(&r, &l, NULL), 0);
	assert_int_equal(find(&l, LAYOUT_SLOT, 1)->addr, 0x08004000);
	assert_int_equal(l.slot_size, 496 * KIB);
	assert_true(has_note(&l, "can be used"));
	r.scheme = LAYOUT_SWAP;
	assert_int_equal(layout_make(&r, &l, NULL), 0);
	assert_int_equal(find(&l, LAYOUT_SLOT, 1)->addr, 0x08020000);
	assert_int_equal(find(&l, LAYOUT_SLOT, 2)->addr, 0x08080000);
	assert_int_equal(find(&l, LAYOUT_SCRATCH, 0)->addr, 0x080E0000);
	assert_int_equal(l.slot_size, 384 * KIB);
}

static void test_layout_make__without_vtor(void **state)
{
	struct geometry g = part(0x440, 64, CHIP_BANKS_DEFAULT);
	struct layout_request r = {
		.part = &g, .scheme = LAYOUT_SLOTS, .app = 20 * KIB, .bootloader = 4 * KIB};
	struct err e = ERR_INIT;
	struct layout l;

	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "no VTOR"));
	assert_non_null(strstr(e.hint, "--scheme staging"));
	r.scheme = LAYOUT_AUTO;
	assert_int_equal(layout_make(&r, &l, &e), 0);
	assert_int_equal(l.scheme, LAYOUT_STAGING);
	assert_true(has_note(&l, "MEM_MODE"));
	r.scheme = LAYOUT_SELF;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r.bootloader = 0;
	assert_int_equal(layout_make(&r, &l, &e), 0);
	assert_int_equal(find(&l, LAYOUT_SLOT, 1)->link, 0x08000000);
	assert_int_equal(l.slot_size, 32 * KIB);
	assert_false(has_note(&l, "MEM_MODE"));
}

static void test_layout_make__contradictions(void **state)
{
	struct geometry g = part(0x410, 128, CHIP_BANKS_DEFAULT);
	struct layout_request ok = {.part = &g, .app = KIB, .bootloader = KIB}, r;
	struct err e = ERR_INIT;
	struct layout l;

	assert_int_equal(layout_make(&ok, &l, &e), 0);
	r = ok;
	r.app = 0;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r = ok;
	r.bootloader = 0;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r = ok;
	r.slots = LAYOUT_SLOTS_MAX + 1;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r = ok;
	r.scheme = LAYOUT_SWAP;
	r.slots = 3;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r = ok;
	r.scheme = LAYOUT_SLOTS;
	r.external = 64 * KIB;
	assert_int_equal(layout_make(&r, &l, &e), ERR_USAGE);
	r = ok;
	r.bootloader = 128 * KIB;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	r.bootloader = UINT32_MAX;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	r = ok;
	r.app = UINT32_MAX;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	r.external = UINT32_MAX;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
	r = ok;
	r.slot_size = UINT32_MAX;
	assert_int_equal(layout_make(&r, &l, &e), ERR_NO_FIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_make__always_true_on_all_chips),
		cmocka_unit_test(test_layout_make__nothing_wasted),
		cmocka_unit_test(test_layout_make__l072),
		cmocka_unit_test(test_layout_make__f429_uneven_units),
		cmocka_unit_test(test_layout_make__without_vtor),
		cmocka_unit_test(test_layout_make__contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
