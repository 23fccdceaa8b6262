/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign.c - the loader on the host, with flash that keeps NOR's rules and power that fails
 *
 * The same sources as on the device (examples/bootloader_ab/core) over a simulated board; a sender of
 * YMODEM answers what the loader puts on its line. One life: the old program runs, the new one is
 * offered, confirms itself. The power fails at an operation of that life: after it the device must
 * start the old or the new program, whole, and take the next update.
 *
 * usage: campaign VARIANT FOLDER all|SEED SAMPLES
 * FOLDER holds old.bin, new.bin, next.bin and new.sota, delta.sota (old to new), next.sota, bad-*.sota.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "boot.h"
#include "loader.h"
#include "update.h"

#define UNIT  0x1000u
#define SLOT  0x8000u
#define OWN   0x2000u
#define BASE  0x21000000u
#define TOTAL 0x40000u
#define RUN   0x30000u

enum { EVENT_CUT = 1, EVENT_RESET, EVENT_START };
enum torn { TORN_NOTHING, TORN_HALF, TORN_NOISE, TORN_KINDS };

struct file {
	uint8_t *data;
	uint32_t len;
};

static struct {
	uint8_t flash[TOTAL];
	uint32_t operations, cut; /* since power-up; the one that fails, 0: none */
	enum torn torn;
	uint32_t random;
	jmp_buf power;
	uint32_t started; /* vector table */
	bool dog;
	const struct file *card;
	uint8_t key; /* that a person presses in the window */
	char said[4096];
	size_t n_said;
} dev;

static struct { /* sender of YMODEM */
	const struct file *file;
	uint32_t block; /* the next one, 0: header */
	uint8_t out[1029];
	uint32_t n_out, at;
	bool eot, closed;
	uint8_t last;
	bool done, refused;
} host;

static struct boot_port board;
static struct flash run_region;
static char variant;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\nvariant %c, cut %u, torn %d; the device said:\n%s\n", variant, dev.cut, dev.torn,
		dev.said);
	exit(1);
}

static uint32_t next_random(void)
{
	dev.random = dev.random * 1664525u + 1013904223u;
	return dev.random >> 8;
}

/* ---- flash ---- */

static int sim_read(const struct flash *f, uint32_t at, void *ret, uint32_t len)
{
	if (at > f->size || len > f->size - at)
		fail("reads outside of a region: %u bytes at %u", len, at);
	memcpy(ret, dev.flash + f->base + at, len);
	return 0;
}

/* What stands there if the power fails in the middle. */
static void torn(uint8_t *to, const uint8_t *goal, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		uint8_t noise = (uint8_t)next_random();

		if (dev.torn == TORN_HALF && i < len / 2)
			to[i] = goal[i];
		else if (dev.torn == TORN_NOISE) /* some bits are there already */
			to[i] = (uint8_t)((to[i] & noise) | (goal[i] & ~noise));
	}
	longjmp(dev.power, EVENT_CUT);
}

static void operate(uint8_t *to, const uint8_t *goal, uint32_t len)
{
	if (++dev.operations == dev.cut)
		torn(to, goal, len);
	memcpy(to, goal, len);
}

static int sim_write(const struct flash *f, uint32_t at, const void *data, uint32_t len)
{
	uint8_t *to = dev.flash + f->base + at;

	if (at > f->size || len > f->size - at || len == 0 || (at | len) % f->align != 0)
		fail("writes %u bytes at %u", len, at);
	if (!bytes_are(to, len, 0xFF))
		fail("writes where it is not blank, at %u", f->base + at);
	operate(to, data, len);
	return 0;
}

static int sim_erase(const struct flash *f, uint32_t at)
{
	static uint8_t blank[UNIT];

	if (at >= f->size || at % UNIT != 0)
		fail("erases at %u", at);
	memset(blank, 0xFF, UNIT);
	operate(dev.flash + f->base + at, blank, UNIT);
	return 0;
}

/* As the routine in RAM: no way back. */
static void sim_replace_own(const struct boot_port *p, const struct flash *from, uint32_t len)
{
	uint32_t at;

	for (at = 0; at < OWN; at += UNIT)
		(void)sim_erase(p->run, at);
	for (at = OWN; at > 0;) {
		at -= FLASH_LINE;
		if (at < len)
			(void)sim_write(p->run, at, dev.flash + from->base + at, FLASH_LINE);
	}
	longjmp(dev.power, EVENT_RESET);
}

/* ---- serial line ---- */

static uint16_t crc16(const uint8_t *p, uint32_t len)
{
	uint32_t crc = 0, i;

	for (; len > 0; len--)
		for (crc ^= (uint32_t)*p++ << 8, i = 0; i < 8; i++)
			crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
	return (uint16_t)crc;
}

static void host_block(uint8_t number, const uint8_t *data, uint32_t len, uint32_t size)
{
	uint16_t crc;

	host.out[0] = size == 128 ? 1 : 2;
	host.out[1] = number;
	host.out[2] = (uint8_t)~number;
	memset(host.out + 3, 0x1A, size);
	memcpy(host.out + 3, data, len);
	crc = crc16(host.out + 3, size);
	host.out[3 + size] = (uint8_t)(crc >> 8);
	host.out[4 + size] = (uint8_t)crc;
	host.n_out = size + 5;
	host.at = 0;
}

static void host_next(void)
{
	uint8_t header[128] = "fw.sota";
	uint32_t at = (host.block - 1) * 1024;

	if (host.block == 0) {
		snprintf((char *)header + 8, 100, "%u 0 0", host.file->len);
		host_block(0, header, 128, 128);
	} else if (at < host.file->len) {
		uint32_t n = host.file->len - at < 1024 ? host.file->len - at : 1024;

		host_block((uint8_t)host.block, host.file->data + at, n, 1024);
	} else if (!host.eot) {
		host.eot = true;
		host.out[0] = 4;
		host.n_out = 1;
		host.at = 0;
	} else {
		memset(header, 0, sizeof(header));
		host_block(0, header, 128, 128);
		host.closed = true;
	}
}

/* Only so much of YMODEM as an undisturbed line wants; tests/cli and lrzsz know the rest. */
static void sim_put(const struct boot_port *p, uint8_t byte)
{
	(void)p;
	if (dev.n_said + 1 < sizeof(dev.said))
		dev.said[dev.n_said++] = (char)byte;
	if (host.file == NULL || host.done || host.at < host.n_out)
		return;
	if (byte == 0x18 && host.last == 0x18)
		host.done = host.refused = true;
	host.last = byte;
	if (byte == 'C' && (host.block <= 1 || host.eot)) {
		host_next();
		host.block += host.block == 0;
	} else if (byte == 6 && host.block > 0 && !host.eot) {
		if (host.n_out == 1029)
			host.block++;
		if (host.block > 1)
			host_next();
	} else if (byte == 6 && host.closed) {
		host.done = true;
	}
}

static int sim_get(const struct boot_port *p, uint32_t ms)
{
	(void)p;
	(void)ms;
	if (dev.key != 0) {
		uint8_t key = dev.key;

		dev.key = 0;
		return key;
	}
	return host.at < host.n_out ? host.out[host.at++] : -1;
}

/* ---- programs ---- */

static void sim_guard(const struct boot_port *p)
{
	(void)p;
	dev.dog = true;
}

static void sim_start(const struct boot_port *p, uint32_t vectors)
{
	(void)p;
	dev.started = vectors;
	longjmp(dev.power, EVENT_START);
}

static void sim_reset(const struct boot_port *p)
{
	(void)p;
	longjmp(dev.power, EVENT_RESET);
}

static int sim_source(
	const struct boot_port *p, uint32_t at, uint8_t *ret, uint32_t len, uint32_t *ret_len)
{
	(void)p;
	if (dev.card == NULL)
		return -1;
	*ret_len = at >= dev.card->len ? 0 : dev.card->len - at < len ? dev.card->len - at : len;
	memcpy(ret, dev.card->data + (at < dev.card->len ? at : 0), *ret_len);
	return 0;
}

static struct flash region(uint32_t base, uint32_t size)
{
	struct flash f = {
		NULL, base, BASE + base, size, UNIT, 8, 0xFF, sim_read, sim_write, sim_erase};

	return f;
}

static void make_board(void)
{
	run_region = region(RUN, SLOT);
	memset(&board, 0, sizeof(board));
	board.state[0] = region(0, UNIT);
	board.state[1] = region(UNIT, UNIT);
	board.slot[0] = region(0x10000, SLOT);
	board.slot[1] = region(0x20000, SLOT);
	board.ram_addr = 0x20000000;
	board.ram_size = 0x40000;
	board.get = sim_get;
	board.put = sim_put;
	board.guard = sim_guard;
	board.start = sim_start;
	board.reset = sim_reset;
	if (variant == 'b' || variant == 'c')
		board.run = &run_region;
	if (variant == 'c') {
		board.own = OWN;
		board.replace_own = sim_replace_own;
	}
	if (variant == 'd')
		board.source = sim_source;
}

/* ---- a life ---- */

static struct file old_image, new_image[BOOT_SLOTS], next_image[BOOT_SLOTS], new_package,
	delta_package, next_package;

static struct file load(const char *folder, const char *name)
{
	char path[512];
	struct file f = {NULL, 0};
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "rb");
	if (in == NULL)
		fail("cannot open %s", path);
	f.data = malloc(TOTAL);
	f.len = (uint32_t)fread(f.data, 1, TOTAL, in);
	fclose(in);
	return f;
}

static void factory(void)
{
	memset(&dev, 0, sizeof(dev));
	memset(dev.flash, 0xFF, sizeof(dev.flash));
	memcpy(dev.flash + (board.run != NULL ? RUN : 0x10000), old_image.data, old_image.len);
}

static bool is_image(uint32_t at, const struct file *f)
{
	return f->len > 0 && memcmp(dev.flash + at, f->data, f->len) == 0;
}

/* Which program runs, by its bytes: 'o', 'n', 'x' (next). */
static char what_runs(void)
{
	uint32_t at = dev.started - BASE - board.own, i;

	if (is_image(at, &old_image))
		return 'o';
	for (i = 0; i < BOOT_SLOTS; i++) {
		if (is_image(at, &new_image[i]))
			return 'n';
		if (is_image(at, &next_image[i]))
			return 'x';
	}
	fail("a program is started that is none of ours, at %08x", dev.started);
}

enum app { APP_CONFIRMS, APP_STAYS_SILENT };

/*
 * One power-up, until the power fails ('!'), a program runs (its letter), or it resets ('r').
 * offer: NULL, or a package that somebody sends: in the window, or to the program (variant c)
 */
static char power_up(const struct file *offer, enum app app)
{
	int event;

	memset(&host, 0, sizeof(host));
	dev.n_said = 0;
	memset(dev.said, 0, sizeof(dev.said));
	dev.dog = false;
	dev.key = 0;
	dev.card = variant == 'd' ? offer : NULL;
	if (offer != NULL && (variant == 'a' || variant == 'b')) {
		dev.key = 'u';
		host.file = offer;
	}
	event = setjmp(dev.power);
	if (event == 0) {
		loader_run(&board);
		fail("the loader came back");
	}
	if (event == EVENT_CUT)
		return '!';
	if (event == EVENT_RESET)
		return 'r';
	event = setjmp(dev.power);
	if (event == EVENT_CUT)
		return '!';
	if (event == EVENT_RESET)
		return 'r';
	if (app == APP_CONFIRMS) {
		int confirmed = app_confirm(&board);

		if (confirmed < 0)
			fail("cannot confirm");
		/* Nobody sends it again to the program that came of it. */
		if (offer != NULL && variant == 'c' && confirmed == 0) {
			struct boot_state s;

			(void)state_load(&board, &s);
			host.file = offer;
			if (loader_receive(&board, &s, s.run) == 0)
				return 'r';
		}
	}
	return what_runs();
}

/* The whole life; the letter of what runs at its end, or '!'. */
static char update(const struct file *package, char goal)
{
	char c = 'r';
	int i;

	c = power_up(NULL, APP_CONFIRMS);
	if (c == '!')
		return c;
	for (i = 0; i < 12 && c != '!' && c != goal; i++)
		c = power_up(i < 2 || variant == 'd' ? package : NULL, APP_CONFIRMS);
	return c;
}

static uint32_t count_operations(const struct file *package)
{
	factory();
	if (update(package, 'n') != 'n')
		fail("the update does not work at all");
	return dev.operations;
}

/* The power fails at operation `cut`, and then once more, at `again` operations after power-up. */
static void one(const struct file *package, uint32_t cut, enum torn how, uint32_t again)
{
	char c;
	int i;

	factory();
	dev.cut = cut;
	dev.torn = how;
	dev.random = cut * 2654435761u;
	if (update(package, 'n') != '!')
		fail("no power cut");
	dev.operations = 0;
	dev.cut = again;
	if (again > 0)
		(void)update(package, 'n');
	dev.cut = 0;
	/* Nobody helps. */
	for (i = 0, c = 'r'; i < 6 && c == 'r'; i++)
		c = power_up(NULL, APP_CONFIRMS);
	if (c != 'o' && c != 'n')
		fail("after the cut '%c' runs", c);
	if (update(&next_package, 'x') != 'x')
		fail("after the cut no update is taken");
	dev.cut = cut;
}

static void campaign(const char *what, const struct file *package, uint32_t samples, uint32_t seed)
{
	uint32_t total = count_operations(package), n = 0, i, how;

	for (i = 1; i <= total && samples == 0; i++)
		for (how = 0; how < TORN_KINDS; how++, n++)
			one(package, i, (enum torn)how, 0);
	/* First, last, and what lies about the ends of phases; then anything, also two cuts. */
	for (i = 0; i < 6 && samples > 0; i++, n += 2) {
		one(package, 1 + i, (enum torn)(i % TORN_KINDS), 0);
		one(package, total - i, (enum torn)(i % TORN_KINDS), 0);
	}
	dev.random = seed;
	for (i = 0; i < (samples > 0 ? samples : 300); i++, n++) {
		uint32_t cut, again;

		seed = seed * 1103515245u + 12345u;
		cut = 1 + (seed >> 8) % total;
		again = (seed & 0x40) != 0 ? 1 + (seed >> 16) % 60 : 0;
		one(package, cut, (enum torn)((seed >> 4) % TORN_KINDS), again);
	}
	printf("variant %c: %s has %u flash operations; %u lives with power cuts, none lost\n",
		variant, what, total, n);
}

/* ---- what must be refused, what must be taken back ---- */

static void refused(const char *folder, const char *name, const char *text, bool before_erase)
{
	static uint8_t before[TOTAL];
	struct file f = load(folder, name);

	factory();
	if (power_up(NULL, APP_CONFIRMS) != 'o')
		fail("the old program does not run");
	memcpy(before, dev.flash, TOTAL);
	/* A file that lies there is remembered in the records. */
	(void)power_up(&f, APP_CONFIRMS);
	if (strstr(dev.said, text) == NULL)
		fail("%s: not \"%s\"", name, text);
	if (before_erase && memcmp(before + 2 * UNIT, dev.flash + 2 * UNIT, TOTAL - 2 * UNIT) != 0)
		fail("%s: something was erased", name);
	if (memcmp(before + 0x10000, dev.flash + 0x10000, SLOT) != 0 ||
		(board.run != NULL && memcmp(before + RUN, dev.flash + RUN, SLOT) != 0))
		fail("%s: what runs was touched", name);
	if (power_up(NULL, APP_CONFIRMS) != 'o' || update(&next_package, 'x') != 'x')
		fail("%s: no update is taken afterwards", name);
	free(f.data);
}

/* Three updates in a row that never confirm; each is followed by the old one, then one works. */
static void taken_back(void)
{
	int round, i;
	char c;

	factory();
	if (power_up(NULL, APP_CONFIRMS) != 'o')
		fail("the old program does not run");
	for (round = 0; round < 3; round++) {
		uint32_t trials = 0;

		c = power_up(&new_package, variant == 'c' ? APP_CONFIRMS : APP_STAYS_SILENT);
		/* What lies on a card has to wait its turn, longer each time. */
		for (i = 0; i < 12 && c == 'o' && variant == 'd'; i++)
			c = power_up(&new_package, APP_STAYS_SILENT);
		for (i = 0; i < 12; i++) {
			if (c == 'n' && !dev.dog)
				fail("a trial without watchdog");
			trials += c == 'n';
			if (trials > 0 && c == 'o')
				break;
			c = power_up(NULL, APP_STAYS_SILENT);
		}
		if (c != 'o' || trials != BOOT_TRIES)
			fail("round %d: %u starts, then '%c'", round, trials, c);
	}
	if (update(&next_package, 'x') != 'x')
		fail("no update after three failed ones");
}

/* Bits of what runs have rotted: the other image, which once was good, takes over; then the last resort. */
static void rotten(void)
{
	struct boot_state s;

	factory();
	if (update(&new_package, 'n') != 'n')
		fail("no update");
	(void)state_load(&board, &s);
	dev.flash[board.slot[s.run].base + 100] ^= 1;
	if (power_up(NULL, APP_STAYS_SILENT) != 'o')
		fail("the good image did not take over");
	if (update(&next_package, 'x') != 'x')
		fail("no update afterwards");
}

int main(int argc, char **argv)
{
	uint32_t samples, seed;

	if (argc != 4 && argc != 5)
		return 2;
	variant = argv[1][0];
	make_board();
	old_image = load(argv[2], "old.bin");
	new_image[0] = load(argv[2], "new-1.bin");
	new_image[1] = load(argv[2], "new-2.bin");
	next_image[0] = load(argv[2], "next-1.bin");
	next_image[1] = load(argv[2], "next-2.bin");
	new_package = load(argv[2], "new.sota");
	delta_package = load(argv[2], "delta.sota");
	next_package = load(argv[2], "next.sota");
	refused(argv[2], "bad-key.sota", "refused: signature (-19)", true);
	refused(argv[2], "bad-product.sota", "refused: product (-11)", true);
	refused(argv[2], "bad-hardware.sota", "refused: hardware (-12)", true);
	refused(argv[2], "bad-counter.sota", "refused: counter (-14)", true);
	refused(argv[2], "bad-version.sota", "refused: version (-15)", true);
	refused(argv[2], "bad-address.sota", "refused: address (-17)", true);
	refused(argv[2], "bad-base.sota", "refused: base (-25)", true);
	refused(argv[2], "bad-ram.sota", "refused: contents (-18)", true);
	refused(argv[2], "bad-in-place.sota", "refused: encoding (-8)", true);
	refused(argv[2], "bad-delta.sota", "refused: digest (-20)", false);
	refused(argv[2], "bad-manifest.sota", "refused: signature (-19)", true);
	refused(argv[2], "bad-byte.sota", "refused: digest (-20)", false);
	refused(argv[2], "bad-end.sota", "refused: truncated (-1)", false);
	taken_back();
	rotten();
	samples = argc == 5 ? (uint32_t)atoi(argv[4]) : 0;
	seed = (uint32_t)atoi(argv[3]);
	campaign("an update", &new_package, samples, seed);
	campaign("a delta", &delta_package, (samples + 2) / 3, seed);
	return 0;
}
