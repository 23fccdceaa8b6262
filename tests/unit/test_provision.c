/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_provision.c - new boards, with the power cut at every operation of flash and option bytes
 *
 * The board is the judge: what its memory holds at the end, and that its bootloader refuses to be
 * read. Wherever the power fails, the same request finishes the work, at most after everything was
 * erased once. The exception is the write of option bytes itself: on L0 and F4 it may leave some that
 * are not repaired, and a G4 may lock its bootloader out; what was verified runs then.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/fs.h>
#include <stmota/protect_job.h>
#include <stmota/provision.h>
#include <stmota/rom.h>

#include "sim_link.h"

#define LOADER_LEN 512u
#define APP_LEN    256u
#define APP_AT     0x8000u
#define SEEDS      8u

struct bench {
	struct sim_board *board;
	struct device d;
	struct err e;
	uint8_t loader[LOADER_LEN], app[APP_LEN];
	struct segments images[2];
	struct image_heads heads[2];
	struct provision_request rq;
	struct provision_result result;
	char journal[64];
};

/* In memory where that can be: what is synced here is not what is looked at. */
static char folder[32];

static int make_folder(void **state)
{
	static const char *const templates[] = {
		"/dev/shm/provision.XXXXXX", "/tmp/provision.XXXXXX"};

	for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
		snprintf(folder, sizeof(folder), "%s", templates[i]);
		if (mkdtemp(folder) != NULL)
			return 0;
	}
	return -1;
}

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[320];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
}

static int remove_folder(void **state)
{
	empty_folder();
	return rmdir(folder);
}

static bool reconnect(struct bench *b)
{
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct entry entry = ENTRY_INIT;
	struct link *l;

	target_close(b->d.target);
	memset(&b->d, 0, sizeof(b->d));
	b->e = ERR_INIT;
	sim_board_power(b->board, false);
	sim_board_power(b->board, true);
	l = sim_link_new(b->board, NULL);
	assert_non_null(l);
	assert_int_equal(rom_target_new(l, &opt, &b->d.target, &b->e), 0);
	b->d.url.entry = entry;
	snprintf(b->d.name, sizeof(b->d.name), "bench");
	return b->d.target->ops->connect(b->d.target, NULL, &b->e) == 0 &&
	       device_gather(b->d.target, &entry, CHIP_BANKS_DEFAULT, NULL, &b->d.facts, &b->e) ==
		       0;
}

static void add_part(struct bench *b, const char *what, uint32_t addr, uint8_t *data, uint32_t len)
{
	size_t i = b->rq.n_parts++;

	for (uint32_t k = 0; k < len; k++)
		data[k] = (uint8_t)(k * 7 + i + 1);
	put_le32(data, 0x20000400);
	put_le32(data + 4, addr + 0x101);
	assert_int_equal(segments_add(&b->images[i], addr, data, len, &b->e), 0);
	b->heads[i].base = calloc(1, sizeof(uint32_t));
	assert_non_null(b->heads[i].base);
	b->heads[i].base[0] = addr;
	b->heads[i].n = 1;
	b->rq.part[i] = (struct provision_part){
		.what = what, .from = what, .image = &b->images[i], .heads = &b->heads[i]};
}

static void bench_open(struct bench *b, const struct chip *c, uint32_t seed)
{
	struct sim_config sim = {.chip = c, .seed = seed};

	memset(b, 0, sizeof(*b));
	b->e = ERR_INIT;
	assert_int_equal(sim_board_new(&sim, &b->board, &b->e), 0);
	if (!reconnect(b))
		fail_msg("0x%03X: %s", c->pid, b->e.msg);
	snprintf(b->journal, sizeof(b->journal), "%s/journal", folder);
	empty_folder();
	assert_int_equal(state_open(folder, "board", &b->rq.state, &b->e), 0);
	add_part(b, "loader", c->flash_base, b->loader, LOADER_LEN);
	add_part(b, "application", c->flash_base + APP_AT, b->app, APP_LEN);
	b->rq.wrp_loader = true;
	b->rq.rdp = true;
	b->rq.journal = b->journal;
}

static void bench_close(struct bench *b)
{
	for (size_t i = 0; i < b->rq.n_parts; i++) {
		segments_done(&b->images[i]);
		image_heads_done(&b->heads[i]);
	}
	state_close(b->rq.state);
	target_close(b->d.target);
	sim_board_free(b->board);
}

static int run(struct bench *b)
{
	b->e = ERR_INIT;
	return provision_run(&b->d, &b->rq, &b->result, &b->e);
}

/* As `provision --erase-everything` begins. */
static int begin_anew(struct bench *b)
{
	int rc = protect_set_rdp(&b->d, 0, true, NULL, &b->e);

	return rc == 0 ? protect_clear_wrp(&b->d, NULL, &b->e) : rc;
}

static void has_bytes(struct bench *b, const char *when)
{
	const uint8_t *flash = sim_board_flash(b->board, NULL);

	if (memcmp(flash, b->loader, LOADER_LEN) != 0 ||
		memcmp(flash + APP_AT, b->app, APP_LEN) != 0)
		fail_msg("0x%03X, %s: the bytes are not there", b->d.facts.pid, when);
}

static void is_finished(struct bench *b, const char *when)
{
	has_bytes(b, when);
	assert_false(fs_exists(b->journal));
	if (!reconnect(b) || !b->d.facts.read_refused)
		fail_msg("0x%03X, %s: it can be read", b->d.facts.pid, when);
}

static uint32_t count_operations(const struct chip *c)
{
	struct sim_stats s;
	struct bench b;

	bench_open(&b, c, 1);
	if (run(&b) < 0)
		fail_msg("0x%03X: %s", c->pid, b.e.msg);
	is_finished(&b, "without a cut");
	s = sim_board_stats(b.board);
	bench_close(&b);
	return (uint32_t)(s.erases + s.programs);
}

struct sums {
	unsigned cuts, told, anew, damaged, gone;
};

/* Erased option words: without complements on an L0, with SPRMOD set on an F4. */
static bool may_be_damaged(const struct chip *c)
{
	return strcmp(c->series, "L0") == 0 || strcmp(c->series, "F4") == 0;
}

static void cut_at(
	const struct chip *c, uint32_t op, uint32_t n, uint32_t seed, bool wrp, struct sums *sum)
{
	char fault[32];
	struct bench b;
	int first, rc;

	bench_open(&b, c, seed);
	b.rq.wrp_loader = wrp;
	snprintf(fault, sizeof(fault), "cut@op:%u", op);
	assert_int_equal(sim_board_fault(b.board, fault, &b.e), 0);
	first = run(&b);
	sim_board_clear_faults(b.board);
	if (first == 0) {
		is_finished(&b, fault);
		bench_close(&b);
		return;
	}
	sum->cuts++;
	if (!reconnect(&b)) {
		/* Erased option bytes of a G4 have BOOT_LOCK set: it starts what is there, for ever. */
		if (strcmp(c->series, "G4") != 0 || op + 2 < n)
			fail_msg("0x%03X, %s: does not come back: %s", c->pid, fault, b.e.msg);
		has_bytes(&b, fault);
		sum->gone++;
		bench_close(&b);
		return;
	}
	rc = run(&b);
	sum->told += rc == 0 && b.result.trusted_journal;
	if (rc == ERR_PROTECTED) {
		sum->anew++;
		rc = begin_anew(&b);
		if (rc == 0)
			rc = run(&b);
	}
	if (rc < 0 && may_be_damaged(c) && sum->anew > 0)
		sum->damaged++;
	else if (rc < 0)
		fail_msg("0x%03X, %s: not finished: %s", c->pid, fault, b.e.msg);
	else
		is_finished(&b, fault);
	bench_close(&b);
}

static void test_provision__the_power_fails_at_every_operation(void **state)
{
	static const uint16_t chips[] = {0x410, 0x415, 0x419, 0x447, 0x448, 0x469};

	for (size_t i = 0; i < ARRAY_LEN(chips); i++) {
		const struct chip *c = chip_find(chips[i]);
		struct sums sum = {0};
		uint32_t n;

		assert_non_null(c);
		n = count_operations(c);
		/* Behind the last one nothing is cut. */
		for (uint32_t op = 1; op <= n + 3; op++)
			cut_at(c, op, n, op, true, &sum);
		assert_true(sum.cuts >= n && sum.cuts <= n + 3);
		/* The last two write option bytes: what a cut leaves of them is a matter of luck. */
		for (uint32_t seed = 1; seed <= SEEDS; seed++)
			for (uint32_t op = n - 1; op <= n; op++)
				cut_at(c, op, n, seed, seed % 2 != 0, &sum);
		print_message("0x%03X: %u operations, %u cuts, %u told by the journal, %u begun "
			      "anew, %u left damaged, %u never seen again\n",
			c->pid, n, sum.cuts, sum.told, sum.anew, sum.damaged, sum.gone);
		assert_true(sum.told + sum.anew + sum.damaged + sum.gone <= 2 * (SEEDS + 2));
	}
}

/* The journal is for this request alone: another image, another wish, are not what was cut. */
static void test_provision__the_journal_of_another_request_tells_nothing(void **state)
{
	struct bench b;

	bench_open(&b, chip_find(0x419), 1);
	assert_int_equal(run(&b), 0);
	assert_true(reconnect(&b));
	assert_int_equal(run(&b), ERR_PROTECTED);
	assert_int_equal(fs_write(b.journal, "nonsense", 8, 0600, &b.e), 0);
	assert_int_equal(run(&b), ERR_PROTECTED);
	assert_true(strstr(b.e.hint, "--erase-everything") != NULL);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provision__the_power_fails_at_every_operation),
		cmocka_unit_test(test_provision__the_journal_of_another_request_tells_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
