/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix.c - every chip of the table over every transport: which of them work, proved one by one
 *
 * For each pair whose facts are known a virtual board is probed, written, rewritten, compared,
 * written again (nothing may be touched), interrupted by a power cut, finished by the same job, and
 * erased. Where a fact is missing the refusal is looked at instead. What comes out is the table of
 * the README; the table that stands there must be the one that came out.
 *
 * usage: matrix [--readme FILE | --write FILE] [--chip PID]
 *	--readme FILE: fails where the table in FILE is another one
 *	--write FILE: puts the table there
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/flash_job.h>
#include <stmota/memory_job.h>
#include <stmota/state.h>

#include "../support/bench_open.h"
#include "../../src/job/i2c_scan.h"
#include "readme.h"

#define PROGRAM_LEN 2112u

enum transport { OVER_UART, OVER_I2C, OVER_USB, TRANSPORTS };

static const char *const transport_names[] = {"UART", "I2C", "USB DFU"};

struct bench {
	const struct chip *chip;
	enum transport over;
	struct sim_board *board;
	struct sim_usb *usb;
	uint64_t now_us;
	char dir[40];
	uint8_t old[PROGRAM_LEN], new[PROGRAM_LEN];
	uint64_t rewrite_ops; /* flash operations that a rewrite takes */
	bool bank2_refused;   /* found by the probe */
	char why[320];
};

static int failed(struct bench *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int failed(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- the bench ---- */

static void fill_program(const struct chip *c, uint8_t *p, uint8_t seed)
{
	for (uint32_t i = 0; i < PROGRAM_LEN; i++)
		p[i] = (uint8_t)(i * 7 + seed + i / 256);
	put_le32(p, c->ram_base + 0x800);
	for (uint32_t i = 1; i < 256; i++)
		put_le32(p + 4 * i,
			(i >= 7 && i <= 10) || i == 13 ? 0 : c->flash_base + 0x601 + 2u * seed);
}

static void forget_state(const struct bench *b)
{
	static const char *const suffixes[] = {"json", "unit", "image", "lock"};
	char path[80];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s/bench.%s", b->dir, suffixes[i]);
		unlink(path);
	}
}

static int bench_init(struct bench *b, const struct chip *c, enum transport over)
{
	struct sim_config cfg = {.chip = c, .seed = 3};
	struct err e = ERR_INIT;
	int rc;

	memset(b, 0, sizeof(*b));
	b->chip = c;
	b->over = over;
	fill_program(c, b->old, 1);
	fill_program(c, b->new, 2);
	snprintf(b->dir, sizeof(b->dir), "%s/stmota-matrix-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(b->dir) == NULL)
		return failed(b, "no folder for state files");
	rc = sim_board_new(&cfg, &b->board, &e);
	if (rc == 0 && over == OVER_USB)
		rc = sim_usb_new(&(struct sim_usb_config){.board = b->board}, &b->usb, &e);
	return rc < 0 ? failed(b, "no board: %s", e.msg) : 0;
}

static void bench_done(struct bench *b)
{
	sim_usb_free(b->usb);
	sim_board_free(b->board);
	forget_state(b);
	rmdir(b->dir);
}

static int open_it(struct bench *b, struct device *d, struct err *e)
{
	struct bench_wire wire = {
		.board = b->board,
		.usb = b->usb,
		.now_us = &b->now_us,
		.i2c = b->over == OVER_I2C,
		.hint = b->chip->pid,
	};

	*d = (struct device){0};
	return bench_open(&wire, d, e);
}

static int flash(struct bench *b, const uint8_t *program, struct flash_result *ret, struct err *e)
{
	struct flash_request rq = {0};
	struct segments image = SEGMENTS_INIT;
	struct image_heads heads = {0};
	struct state *state = NULL;
	struct device d;
	int rc = open_it(b, &d, e);

	if (rc == 0)
		rc = segments_add(&image, b->chip->flash_base, program, PROGRAM_LEN, e);
	if (rc == 0)
		rc = image_find_heads(&image, b->chip, &heads, NULL, 0, e);
	if (rc == 0)
		rc = state_open(b->dir, "bench", &state, e);
	if (rc == 0) {
		rq = (struct flash_request){.image = &image, .heads = &heads, .state = state};
		rc = flash_run(&d, &rq, ret, e);
	}
	if (rc == 0)
		rc = state_finish(state, NULL, e);
	state_close(state);
	image_heads_done(&heads);
	segments_done(&image);
	target_close(d.target);
	return rc;
}

static bool holds(struct bench *b, const uint8_t *program)
{
	return memcmp(sim_board_flash(b->board, NULL), program, PROGRAM_LEN) == 0;
}

/* ---- the steps ---- */

static int step_probe(struct bench *b)
{
	struct err e = ERR_INIT;
	struct device d;
	int rc = open_it(b, &d, &e);

	b->bank2_refused =
		d.facts.has_geometry && d.facts.geometry.n_numbered < d.facts.geometry.n_units;
	if (rc < 0)
		failed(b, "%s", e.msg);
	else if (d.facts.chip != b->chip)
		rc = failed(b, "taken for %s", d.facts.chip->name);
	else if (!d.facts.has_geometry)
		rc = failed(b, "no erase units: %s", d.facts.geometry_why);
	else if (d.facts.geometry.n_units != sim_board_geometry(b->board)->n_units)
		rc = failed(b, "other erase units than it has");
	target_close(d.target);
	return rc;
}

static int step_write(struct bench *b)
{
	struct flash_result r = {0};
	struct err e = ERR_INIT;

	if (flash(b, b->old, &r, &e) < 0)
		return failed(b, "%s", e.msg);
	return holds(b, b->old) ? 0 : failed(b, "success, but the flash holds something else");
}

static int step_rewrite(struct bench *b)
{
	uint64_t erases = sim_board_stats(b->board).erases, ops = sim_board_ops(b->board);
	struct flash_result r = {0};
	struct err e = ERR_INIT;

	if (flash(b, b->new, &r, &e) < 0)
		return failed(b, "%s", e.msg);
	b->rewrite_ops = sim_board_ops(b->board) - ops;
	if (sim_board_stats(b->board).erases == erases)
		return failed(b, "nothing was erased");
	return holds(b, b->new) ? 0 : failed(b, "success, but the flash holds something else");
}

static int compare(struct bench *b, struct err *e)
{
	struct segments image = SEGMENTS_INIT;
	struct device d;
	int rc = open_it(b, &d, e);

	if (rc == 0)
		rc = segments_add(&image, b->chip->flash_base, b->new, PROGRAM_LEN, e);
	if (rc == 0)
		rc = flash_verify(&d, &image, NULL, e);
	segments_done(&image);
	target_close(d.target);
	return rc;
}

static int step_verify(struct bench *b)
{
	uint8_t *wrong = sim_board_flash(b->board, NULL) + PROGRAM_LEN - 3;
	struct err e = ERR_INIT;
	int rc = compare(b, &e);

	if (rc < 0)
		return failed(b, "%s", e.msg);
	*wrong ^= 0x10;
	rc = compare(b, &e);
	*wrong ^= 0x10;
	return rc == ERR_VERIFY ? 0 : failed(b, "a changed bit was not seen");
}

static int step_skip(struct bench *b)
{
	uint64_t ops = sim_board_ops(b->board);
	struct flash_result r = {0};
	struct err e = ERR_INIT;

	if (flash(b, b->new, &r, &e) < 0)
		return failed(b, "%s", e.msg);
	if (r.first.bytes_written != 0 || sim_board_ops(b->board) != ops)
		return failed(b, "it was written again");
	return 0;
}

static int step_resume(struct bench *b)
{
	struct flash_result r = {0};
	struct err e = ERR_INIT;
	char fault[40];

	snprintf(fault, sizeof(fault), "cut@op:%u", (unsigned)(b->rewrite_ops / 2 + 1));
	if (sim_board_fault(b->board, fault, &e) < 0)
		return failed(b, "%s", e.msg);
	if (flash(b, b->old, &r, &e) == 0)
		return failed(b, "success in spite of a power cut");
	if (sim_board_powered(b->board))
		return failed(b, "no power cut: %s", e.msg);
	sim_board_power(b->board, true);
	e = ERR_INIT;
	if (flash(b, b->old, &r, &e) < 0)
		return failed(b, "%s", e.msg);
	return holds(b, b->old) ? 0 : failed(b, "success, but the flash holds something else");
}

static int step_erase(struct bench *b)
{
	struct err e = ERR_INIT;
	struct erase_unit units[PROGRAM_LEN / 128 + 1];
	struct device d;
	size_t n = 0;
	int rc = open_it(b, &d, &e);

	while (rc == 0 && n < ARRAY_LEN(units) &&
		(n == 0 || units[n - 1].addr + units[n - 1].size <
				   b->chip->flash_base + PROGRAM_LEN)) {
		units[n] = geometry_unit(&d.facts.geometry, (uint32_t)n);
		n++;
	}
	if (rc == 0)
		rc = memory_erase(&d, units, n, NULL, &e);
	target_close(d.target);
	if (rc < 0)
		return failed(b, "%s", e.msg);
	return bytes_all(sim_board_flash(b->board, NULL), PROGRAM_LEN, b->chip->erased_value)
		       ? 0
		       : failed(b, "success, but it is not blank");
}

static const struct {
	const char *name;
	int (*fn)(struct bench *b);
} steps[] = {
	{"probe", step_probe},
	{"write", step_write},
	{"rewrite", step_rewrite},
	{"verify", step_verify},
	{"skip", step_skip},
	{"resume", step_resume},
	{"erase", step_erase},
};

/* ---- one pair ---- */

static enum chip_tristate has(const struct chip *c, enum transport over)
{
	switch (over) {
	case OVER_I2C: return c->has_i2c;
	case OVER_USB: return c->has_usb_dfu;
	default: break;
	}
	/* Every chip that AN2606 describes has a serial port. */
	return c->n_usart > 0 ? CHIP_YES : c->in_an2606 ? CHIP_NO : CHIP_NOT_CONFIRMED;
}

/*
 * A chip whose size nobody can tell is looked at and read, and refused where something would be
 * erased. Over USB the memory map tells the size.
 */
static int step_refused(struct bench *b)
{
	struct flash_result r = {0};
	struct err e = ERR_INIT;
	uint8_t word[4];
	struct device d;
	int rc = open_it(b, &d, &e);

	if (rc == 0)
		rc = memory_read(&d, (struct span){b->chip->flash_base, 4}, true, word, NULL, &e);
	target_close(d.target);
	if (rc < 0)
		return failed(b, "%s", e.msg);
	rc = flash(b, b->new, &r, &e);
	if (rc != ERR_UNSUPPORTED || strstr(e.msg, "not confirmed") == NULL)
		return failed(b, "not refused: %s", e.msg);
	return sim_board_ops(b->board) == 0 ? 0 : failed(b, "refused, and yet it was touched");
}

static bool size_is_known(const struct chip *c, enum transport over)
{
	return c->flash_size_register != CHIP_UNKNOWN || over == OVER_USB;
}

static bool run_steps(const struct chip *c, enum transport over, char *cell, size_t size)
{
	struct bench b;
	int rc = bench_init(&b, c, over);
	size_t i = 0;

	if (rc == 0 && !size_is_known(c, over))
		rc = step_refused(&b);
	for (; rc == 0 && size_is_known(c, over) && i < ARRAY_LEN(steps); i++)
		rc = steps[i].fn(&b);
	if (rc < 0)
		printf("FAIL 0x%03X %s over %s: %s: %s\n", c->pid, c->name, transport_names[over],
			i > 0 ? steps[i - 1].name : "before all", b.why);
	snprintf(cell, size, "%s",
		!size_is_known(c, over) ? "read"
		: b.bank2_refused       ? "bank 1"
					: "yes");
	bench_done(&b);
	return rc == 0;
}

/* Both sides say it: the virtual board is not made, and stmota does not work with a guess. */
static bool look_at_refusal(const struct chip *c, enum transport over, const char *what)
{
	struct sim_config cfg = {.chip = c};
	struct device_url url = {.scheme = DEVICE_I2C};
	struct sim_board *board = NULL;
	struct err e = ERR_INIT;
	struct geometry g;
	char pid[8];
	uint8_t addr;
	int rc = sim_board_new(&cfg, &board, &e);

	snprintf(pid, sizeof(pid), "0x%03X", c->pid);
	if (rc == 0 && over == OVER_USB) {
		struct sim_usb *usb = NULL;

		rc = sim_usb_new(&(struct sim_usb_config){.board = board}, &usb, &e);
		sim_usb_free(usb);
	} else if (rc == 0 && over == OVER_I2C) {
		rc = sim_i2c_address(board) == 0 ? err_set(&e, ERR_UNSUPPORTED, "I2C is %s", what)
						 : 0;
	}
	sim_board_free(board);
	if (rc != ERR_UNSUPPORTED || strstr(e.msg, what) == NULL) {
		printf("FAIL 0x%03X over %s: a board is made: %s\n", c->pid, transport_names[over],
			e.msg);
		return false;
	}
	e = ERR_INIT;
	rc = ERR_UNSUPPORTED;
	if (over == OVER_I2C)
		rc = i2c_scan(&url, pid, NULL, &addr, &e);
	else if (over == OVER_UART && geometry_init(&g, c, 0, CHIP_BANKS_TABLE, NULL) == 0)
		rc = geometry_need_numbers(&g, 0, 1, &e);
	else
		return true;
	if (rc == ERR_UNSUPPORTED && strstr(e.msg, what) != NULL)
		return true;
	printf("FAIL 0x%03X over %s is not refused as %s: %s\n", c->pid, transport_names[over],
		what, e.msg);
	return false;
}

struct tally {
	unsigned rows, pairs, refused, absent, not_built, failures;
	unsigned by[TRANSPORTS]; /* of `pairs` */
};

static void one_pair(
	const struct chip *c, enum transport over, char *cell, size_t size, struct tally *t)
{
	bool good = true;

	switch (has(c, over)) {
	case CHIP_NO:
		snprintf(cell, size, "-");
		good = over == OVER_UART || look_at_refusal(c, over, "no ");
		t->absent++;
		break;
	case CHIP_NOT_CONFIRMED:
		snprintf(cell, size, "not confirmed");
		good = look_at_refusal(c, over, "not confirmed");
		t->refused++;
		break;
	case CHIP_YES:
		if (c->parity_none) {
			snprintf(cell, size, "not built");
			t->not_built++;
			return;
		}
		good = run_steps(c, over, cell, size);
		if (size_is_known(c, over)) {
			t->pairs++;
			t->by[over]++;
		} else {
			t->refused++;
		}
		break;
	}
	t->failures += !good;
}

static void one_row(const struct chip *c, struct buf *table, struct tally *t)
{
	char cell[TRANSPORTS][24];
	char address[24] = "-";
	char line[200];
	int n;

	for (int over = 0; over < TRANSPORTS; over++)
		one_pair(c, (enum transport)over, cell[over], sizeof(cell[over]), t);
	if (c->i2c_address != 0 && c->i2c_address_other != 0)
		snprintf(address, sizeof(address), "0x%02x or 0x%02x", c->i2c_address,
			c->i2c_address_other);
	else if (c->i2c_address != 0)
		snprintf(address, sizeof(address), "0x%02x", c->i2c_address);
	n = snprintf(line, sizeof(line), "| 0x%03X | %s | %s | %s | %s | %s |\n", c->pid, c->name,
		cell[OVER_UART], cell[OVER_I2C], address, cell[OVER_USB]);
	if (n < 0 || (size_t)n >= sizeof(line) || buf_append(table, line, (size_t)n, NULL) < 0)
		abort();
	t->rows++;
}

int main(int argc, char **argv)
{
	const char *readme = NULL, *write = NULL;
	cleanup_buf struct buf table = BUF_INIT;
	unsigned long only = 0;
	struct tally t = {0};

	for (int i = 1; i < argc; i++) {
		if (i + 1 < argc && strcmp(argv[i], "--readme") == 0)
			readme = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--write") == 0)
			write = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--chip") == 0)
			only = strtoul(argv[++i], NULL, 16);
		else {
			fprintf(stderr,
				"usage: matrix [--readme FILE | --write FILE] [--chip PID]\n");
			return 2;
		}
	}
	for (size_t i = 0; i < chip_count(); i++)
		if (only == 0 || chip_at(i)->pid == only)
			one_row(chip_at(i), &table, &t);
	printf("%u chips, %u pairs of chip and transport: %s", t.rows, t.pairs, steps[0].name);
	for (size_t i = 1; i < ARRAY_LEN(steps); i++)
		printf(", %s", steps[i].name);
	printf("; UART %u, I2C %u, USB DFU %u\n%u refused as not confirmed, %u that the chip has "
	       "not, %u not built; %u failures\n",
		t.by[OVER_UART], t.by[OVER_I2C], t.by[OVER_USB], t.refused, t.absent, t.not_built,
		t.failures);
	if (t.rows == 0 || t.failures > 0)
		return 1;
	if (write != NULL)
		return readme_write(write, &table) < 0;
	return readme != NULL && readme_compare(readme, &table) < 0;
}
