/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign.c - one fault at every place of a flash job, in process, on a virtual clock
 *
 * For one chip of each geometry class an image is brought over another one that shares its last
 * erase unit with bytes to be kept. The power is cut in every flash operation; every byte of the
 * conversation, in both directions, is lost, doubled and garbled in turn. Whatever the faulty run
 * says, the same job again without a fault must end in success with the right bytes. At no moment
 * may the chip hold a program that looks bootable and is neither the old nor the new one, and no
 * run may report a success that is none.
 *
 * With --dfu the same over USB: every control transfer is refused, lost on its way there or back,
 * damaged, and the last one before the cable is pulled, the power fails or the device hangs.
 *
 * With --i2c over I2C, on the chips that have a bootloader there.
 *
 * usage: campaign [--dfu | --i2c] [--chip PID] [--kind KIND] [--every N] [--lines] [--only SPEC]
 *	--every N: only every N-th place (a test run); default 1: all of them
 *	--only SPEC: this one fault, and tell what happens
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/cleanup.h>
#include <stmota/device.h>
#include <stmota/flash_job.h>
#include <stmota/log.h>
#include <stmota/quirks.h>
#include <stmota/state.h>

#include "../support/bench_open.h"

#define KEPT_BYTES  64
#define OTHERS      0x8000 /* bytes behind the image that are watched */
#define OTHERS_BYTE 0x5A

struct chip_class {
	uint16_t pid;
	const char *what;
	uint32_t image_len;
	bool small_unit;   /* the rest of a touched unit is short enough to be kept */
	const char *quirk; /* of the board, NULL: none that the chip has not by itself */
};

static const struct chip_class classes[] = {
	{0x410, "F1: 1 KiB pages, erase 0x43", 2600, true},
	{0x438, "F3: 2 KiB pages, erase 0x44", 2600, true},
	{0x413, "F4: sectors from 16 KiB", 3000, false},
	{0x447, "L0: 128-byte pages, erased 0x00", 2100, true},
	{0x429, "L1: 256-byte pages, erased 0x00", 2100, true},
	{0x435, "L4: 2 KiB pages, 8-byte words", 3000, true},
	{0x460, "G0: 2 KiB pages, one page an erase", 2600, true},
	{0x482, "U5: 8 KiB pages, 16-byte words, two banks", 2600, false},
	{0x450, "H7: 128 KiB sectors, 32-byte words", 2600, false},
	{0x483, "H72: writes after a read are lost", 2600, false},
	{0x438, "F3 with Get Checksum", 2601, true, "quirk:checksum"},
};

static const struct chip_class usb_classes[] = {
	{0x413, "F4: sectors from 16 KiB, blocks of 2048", 3000, false},
	{0x422, "F3: 2 KiB pages", 2600, true},
	{0x435, "L4: 8-byte words, status requests refused while busy", 3000, true},
	{0x447, "L0: 128-byte pages, erased 0x00", 2100, true},
	{0x468, "G4: blocks of 1024", 2600, true},
	{0x482, "U5: 8 KiB pages, 16-byte words, two banks", 2600, false},
	{0x450, "H7: 128 KiB sectors, 32-byte words", 2600, false},
	{0x449, "F7: status requests answered after the erase", 2600, false},
	{0x413, "F4, the address for each block", 5000, false, "quirk:dfu-pointer-per-block"},
	{0x413, "F4, poll times of 0", 3000, false, "quirk:dfu-poll-zero"},
};

static const char *const uart_kinds[] = {
	"cut@op", "drop@rx", "double@rx", "garble@rx", "drop@tx", "double@tx", "garble@tx", NULL};
/* On a bus the host clocks every byte, so none comes twice; a message may find nobody. */
static const char *const i2c_kinds[] = {
	"cut@op", "drop@rx", "garble@rx", "nack@rx", "drop@tx", "garble@tx", "nack@addr", NULL};
static const char *const usb_kinds[] = {"cut@op", "stall@usb", "drop@usb", "lose@usb", "fail@usb",
	"vanish@usb", "cut@usb", "stuck@usb", NULL};

struct scene {
	const struct chip_class *class;
	const struct chip *chip;
	struct geometry geometry;
	struct segments image;
	struct image_heads heads;
	uint32_t head_base;
	uint8_t *old, *new; /* image_len bytes each */
	uint8_t kept[KEPT_BYTES];
	uint32_t kept_addr;
	struct span lose;
	struct span touched; /* the erase units that the image needs */
	bool lines, dfu, i2c;
	char state_dir[64];
};

struct tally {
	unsigned long places, first_run_ok, second_run_ok;
	unsigned long by_hand; /* a person had to press reset */
	unsigned long failures;
};

/* A board on the bench while a job runs against it. */
struct bench {
	const struct scene *s;
	struct sim_board *board;
	struct sim_usb *usb; /* NULL: on the UART */
	uint64_t now_us;     /* of the USB host */
	bool mixture;
	const char *spec;
};

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* ---- the scene ---- */

static uint32_t rng(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void fill_program(const struct scene *s, uint8_t *p, uint32_t seed)
{
	uint32_t len = s->class->image_len;
	uint32_t sp = s->chip->ram_base + 0x800, base = s->head_base;

	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng(&seed);
	/* A stretch of blank flash in the middle, as real images have. */
	memset(p + len / 2, s->chip->erased_value, 300);
	put_le32(p, sp);
	for (uint32_t i = 1; i < 16; i++)
		put_le32(p + 4 * i,
			(i >= 7 && i <= 10) || i == 13 ? 0 : base + 0x401 + 4 * i + seed % 8 * 2);
	for (uint32_t i = 16; i < 128; i++)
		put_le32(p + 4 * i, base + 0x501);
}

static void scene_init(
	struct scene *s, const struct chip_class *class, bool lines, bool dfu, bool i2c)
{
	struct err e = ERR_INIT;
	struct erase_unit last;

	memset(s, 0, sizeof(*s));
	s->class = class;
	s->chip = chip_find(class->pid);
	s->lines = lines;
	s->dfu = dfu;
	s->i2c = i2c;
	if (s->chip == NULL || geometry_init(&s->geometry, s->chip, 0, CHIP_BANKS_DEFAULT, &e) < 0)
		die("0x%03X: %s", class->pid, e.msg);
	/* A boot loader lies below: page 0 is what a damaged erase command hits most easily. */
	s->head_base = geometry_unit(&s->geometry, 1).addr;
	while (s->head_base % 0x1000 != 0)
		s->head_base += geometry_unit(&s->geometry, 1).size;
	s->old = malloc(class->image_len);
	s->new = malloc(class->image_len);
	fill_program(s, s->old, 1);
	fill_program(s, s->new, 2);
	/* The first units differ, one in the middle is the same. */
	if (class->small_unit)
		memcpy(s->new + 1024, s->old + 1024, 256);
	if (segments_add(&s->image, s->head_base, s->new, class->image_len, &e) < 0 ||
		image_find_heads(&s->image, s->chip, &s->heads, NULL, 0, &e) < 0)
		die("0x%03X: %s", class->pid, e.msg);
	if (!geometry_unit_at(&s->geometry, s->head_base + class->image_len - 1, &last))
		die("0x%03X: no last unit", class->pid);
	s->touched = (struct span){s->head_base, last.addr + last.size - s->head_base};
	for (uint32_t i = 0; i < KEPT_BYTES; i++)
		s->kept[i] = (uint8_t)(0xA0 + i);
	s->kept_addr = (s->head_base + class->image_len + 31) / 32 * 32;
	if (s->kept_addr + KEPT_BYTES > last.addr + last.size)
		s->kept_addr = 0;
	if (!class->small_unit && s->kept_addr != 0)
		s->lose = (struct span){s->kept_addr + KEPT_BYTES,
			last.addr + last.size - s->kept_addr - KEPT_BYTES};
	snprintf(s->state_dir, sizeof(s->state_dir), "%s/stmota-campaign-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(s->state_dir) == NULL)
		die("cannot make a folder for state files");
}

static void scene_done(struct scene *s)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", s->state_dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left behind\n", s->state_dir);
	segments_done(&s->image);
	image_heads_done(&s->heads);
	free(s->old);
	free(s->new);
}

/* ---- invariants ---- */

/* As a careless boot loader would judge, without the product's own rules. */
static bool looks_bootable(const struct scene *s, const uint8_t *flash)
{
	uint32_t sp = get_le32(flash), reset = get_le32(flash + 4);

	return sp > 0x20000000u && sp <= 0x20200000u && sp % 4 == 0 && (reset & 1) != 0 &&
	       reset > s->head_base && reset < s->head_base + s->class->image_len;
}

static void after_op(void *ctx)
{
	struct bench *b = ctx;
	const uint8_t *flash =
		sim_board_flash(b->board, NULL) + (b->s->head_base - b->s->geometry.base);
	uint32_t len = b->s->class->image_len;

	if (looks_bootable(b->s, flash) && memcmp(flash, b->s->old, len) != 0 &&
		memcmp(flash, b->s->new, len) != 0)
		b->mixture = true;
}

/* What is none of the job's business, below the image and some way behind it. */
static void others(const struct scene *s, struct span ret[2])
{
	uint32_t begin = s->touched.addr + s->touched.len;
	uint32_t end = s->geometry.base + s->geometry.size;

	ret[0] = (struct span){s->geometry.base, s->head_base - s->geometry.base};
	ret[1] = (struct span){begin, end - begin < OTHERS ? end - begin : OTHERS};
}

static bool others_untouched(const struct bench *b)
{
	const uint8_t *flash = sim_board_flash(b->board, NULL);
	struct span span[2];

	others(b->s, span);
	for (size_t i = 0; i < ARRAY_LEN(span); i++)
		if (!bytes_all(
			    flash + (span[i].addr - b->s->geometry.base), span[i].len, OTHERS_BYTE))
			return false;
	return true;
}

static bool holds_result(const struct bench *b)
{
	const struct scene *s = b->s;
	const uint8_t *flash = sim_board_flash(b->board, NULL) + (s->head_base - s->geometry.base);

	if (memcmp(flash, s->new, s->class->image_len) != 0)
		return false;
	return s->kept_addr == 0 ||
	       memcmp(flash + (s->kept_addr - s->head_base), s->kept, KEPT_BYTES) == 0;
}

/* ---- one job, as the command does it ---- */

static void on_event(void *ctx, const struct event *ev);
static const struct event_sink events = {.fn = on_event};

static int job(struct bench *b, struct err *e)
{
	struct device d = {0};
	struct state *state = NULL;
	struct flash_result result;
	struct flash_request rq = {
		.image = &b->s->image,
		.heads = &b->s->heads,
		.lose = &b->s->lose,
		.n_lose = b->s->lose.len > 0 ? 1 : 0,
		.events = &events,
	};
	struct bench_wire wire = {
		.board = b->board,
		.usb = b->usb,
		.now_us = &b->now_us,
		.i2c = b->s->i2c,
		.lines = b->s->lines,
		.hint = b->s->class->pid,
	};
	int rc = bench_open(&wire, &d, e);

	if (rc == 0)
		rc = state_open(b->s->state_dir, "bench", &state, e);
	if (rc == 0) {
		rq.state = state;
		rc = flash_run(&d, &rq, &result, e);
	}
	if (rc == 0)
		rc = state_finish(state, NULL, e);
	state_close(state);
	target_close(d.target);
	return rc;
}

static void board_init(struct bench *b, const struct scene *s, const char *spec)
{
	struct sim_config cfg = {.chip = s->chip, .seed = 7};
	struct err e = ERR_INIT;
	struct span span[2];
	uint8_t *flash;

	*b = (struct bench){.s = s, .spec = spec};
	if (sim_board_new(&cfg, &b->board, &e) < 0)
		die("0x%03X: %s", s->chip->pid, e.msg);
	others(s, span);
	for (size_t i = 0; i < ARRAY_LEN(span); i++)
		memset(sim_board_flash(b->board, NULL) + (span[i].addr - s->geometry.base),
			OTHERS_BYTE, span[i].len);
	flash = sim_board_flash(b->board, NULL) + (s->head_base - s->geometry.base);
	memcpy(flash, s->old, s->class->image_len);
	if (s->kept_addr != 0)
		memcpy(flash + (s->kept_addr - s->head_base), s->kept, KEPT_BYTES);
	sim_board_on_op(b->board, after_op, b);
	if (s->dfu && sim_usb_new(&(struct sim_usb_config){.board = b->board}, &b->usb, &e) < 0)
		die("0x%03X: %s", s->chip->pid, e.msg);
	if (s->class->quirk != NULL && sim_board_fault(b->board, s->class->quirk, &e) < 0)
		die("%s: %s", s->class->quirk, e.msg);
	if (spec != NULL && sim_board_fault(b->board, spec, &e) < 0)
		die("%s: %s", spec, e.msg);
}

static void bench_done(struct bench *b)
{
	sim_usb_free(b->usb);
	sim_board_free(b->board);
}

static void forget_state(const struct scene *s)
{
	static const char *const suffixes[] = {"json", "unit"};
	char path[96];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s/bench.%s", s->state_dir, suffixes[i]);
		unlink(path);
	}
}

/* ---- the campaign ---- */

static void complain(const struct bench *b, struct tally *t, const char *what, const struct err *e)
{
	t->failures++;
	printf("FAIL 0x%03X %s: %s%s%s\n", b->s->chip->pid, b->spec, what, e != NULL ? ": " : "",
		e != NULL ? e->msg : "");
}

/*
 * The ROM measures the speed of whatever comes first. If that was not 0x7F, only a reset helps
 * (AN2606), and without a reset line that takes a person. H74x want two sync bytes.
 */
static bool locks_wrong_speed(const struct scene *s, const char *spec, int rc)
{
	return rc == ERR_TIMEOUT && !s->lines && !s->i2c &&
	       (strncmp(spec, "garble@rx:1:", 12) == 0 ||
		       (s->class->pid == 0x450 && strncmp(spec, "garble@rx:2:", 12) == 0));
}

/*
 * A write that is no whole flash word makes H742 ignore all later ones until it is reset. A
 * damaged packet whose check byte happens to be right is such a write.
 */
static bool ignores_writes(const struct scene *s, int rc)
{
	return rc == ERR_VERIFY && !s->lines &&
	       quirk_applies(s->chip, 0, CHIP_QUIRK_UNALIGNED_WRITE_POISONS);
}

/* What hangs is no longer on the bus for anybody: the port's reset does not reach it. */
static bool hangs(const struct scene *s, const char *spec, int rc)
{
	return s->dfu && rc < 0 && strncmp(spec, "stuck@", 6) == 0;
}

static void one_place(const struct scene *s, const char *spec, struct tally *t)
{
	struct err e = ERR_INIT;
	struct bench b;
	int rc;

	forget_state(s);
	board_init(&b, s, spec);
	t->places++;
	rc = job(&b, &e);
	if (rc == 0) {
		t->first_run_ok++;
		if (!holds_result(&b))
			complain(&b, t, "success was reported, but the flash is wrong", NULL);
	}
	sim_board_clear_faults(b.board);
	if (!sim_board_powered(b.board))
		sim_board_power(b.board, true);
	if (b.usb != NULL)
		sim_board_replug(b.board);
	e = ERR_INIT;
	rc = job(&b, &e);
	if (locks_wrong_speed(s, spec, rc) || ignores_writes(s, rc) || hangs(s, spec, rc)) {
		sim_board_reset(b.board);
		t->by_hand++;
		rc = job(&b, &e);
	}
	if (rc < 0)
		complain(&b, t, "the same command again failed", &e);
	else if (!holds_result(&b))
		complain(&b, t, "the same command again left the wrong bytes", NULL);
	else
		t->second_run_ok++;
	if (!others_untouched(&b))
		complain(&b, t, "flash that is none of its business was changed", NULL);
	if (b.mixture)
		complain(&b, t, "a bootable mixture of two programs", NULL);
	bench_done(&b);
}

/* How many places there are: of a run without any fault. */
static unsigned long places_of(const struct scene *s, const char *kind)
{
	struct err e = ERR_INIT;
	struct sim_stats st;
	struct bench b;
	unsigned long n;

	forget_state(s);
	board_init(&b, s, NULL);
	if (job(&b, &e) < 0 || !holds_result(&b))
		die("0x%03X: the job fails without any fault: %s", s->chip->pid, e.msg);
	if (b.mixture)
		die("0x%03X: a mixture without any fault", s->chip->pid);
	st = sim_board_stats(b.board);
	if (strstr(kind, "@usb") != NULL)
		n = (unsigned long)sim_usb_stats(b.usb).transfers;
	else if (strstr(kind, "@op") != NULL)
		n = (unsigned long)sim_board_ops(b.board);
	else if (strstr(kind, "@addr") != NULL)
		n = (unsigned long)st.messages;
	else
		n = (unsigned long)(strstr(kind, "@rx") != NULL ? st.bytes_to_device
								: st.bytes_from_device);
	bench_done(&b);
	return n;
}

static void kind_campaign(
	const struct scene *s, const char *kind, unsigned long every, struct tally *sum)
{
	unsigned long n = places_of(s, kind);
	struct tally t = {0};

	for (unsigned long i = 1; i <= n; i += every) {
		char spec[64];

		/* Garbled bits walk through the byte. */
		if (strncmp(kind, "garble", 6) == 0)
			snprintf(spec, sizeof(spec), "%s:%lu:0x%02X", kind, i,
				i % 9 == 8 ? 0xFF : 1u << i % 9);
		else
			snprintf(spec, sizeof(spec), "%s:%lu", kind, i);
		one_place(s, spec, &t);
	}
	printf("0x%03X %-10s %6lu of %6lu places: %6lu cured in the same run, %lu after a reset by "
	       "hand, %lu failures\n",
		s->chip->pid, kind, t.places, n, t.first_run_ok, t.by_hand, t.failures);
	fflush(stdout);
	sum->places += t.places;
	sum->failures += t.failures;
}

static void on_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	printf("  %s\n", line);
}

static void on_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->text != NULL)
		log_debug("%s", ev->text);
}

int main(int argc, char **argv)
{
	const char *only_kind = NULL, *only_spec = NULL;
	unsigned long only_pid = 0, every = 1;
	struct tally sum = {0};
	bool lines = false, dfu = false, i2c = false;
	const struct chip_class *list = classes;
	const char *const *kinds = uart_kinds;
	size_t n_list = ARRAY_LEN(classes);

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--lines") == 0)
			lines = true;
		else if (strcmp(argv[i], "--dfu") == 0)
			dfu = true;
		else if (strcmp(argv[i], "--i2c") == 0)
			i2c = true;
		else if (i + 1 < argc && strcmp(argv[i], "--chip") == 0)
			only_pid = strtoul(argv[++i], NULL, 16);
		else if (i + 1 < argc && strcmp(argv[i], "--kind") == 0)
			only_kind = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--only") == 0)
			only_spec = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--every") == 0)
			every = strtoul(argv[++i], NULL, 10);
		else
			die("usage: campaign [--dfu | --i2c] [--chip PID] [--kind KIND] [--every N] [--lines] "
			    "[--only SPEC]");
	}
	if (every == 0)
		die("--every wants at least 1");
	if (dfu) {
		list = usb_classes;
		n_list = ARRAY_LEN(usb_classes);
		kinds = usb_kinds;
	} else if (i2c) {
		kinds = i2c_kinds;
	}
	for (size_t c = 0; c < n_list; c++) {
		struct scene s;

		if (only_pid != 0 && list[c].pid != only_pid)
			continue;
		if (i2c && chip_find(list[c].pid)->i2c_address == 0)
			continue;
		scene_init(&s, &list[c], lines, dfu, i2c);
		printf("0x%03X %s\n", list[c].pid, list[c].what);
		if (only_spec != NULL) {
			log_set_handler(on_log, NULL, LOG_DEBUG);
			one_place(&s, only_spec, &sum);
		}
		for (size_t k = 0; only_spec == NULL && kinds[k] != NULL; k++)
			if (only_kind == NULL || strcmp(only_kind, kinds[k]) == 0)
				kind_campaign(&s, kinds[k], every, &sum);
		scene_done(&s);
	}
	printf("%lu places, %lu failures\n", sum.places, sum.failures);
	return sum.places == 0 || sum.failures > 0;
}
