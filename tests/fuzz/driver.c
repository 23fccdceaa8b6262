/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - runs a fuzz target as an ordinary test, without a fuzzing engine
 *
 * usage: fuzz_NAME [--mutations N] [--seed S] [--only FILE:N] FOLDER|FILE...
 *
 * Each file goes to LLVMFuzzerTestOneInput() as it is, then N times changed: bits flipped, numbers
 * overwritten, parts cut, doubled, removed or taken from another file. The changes depend on seed,
 * file name and number only, so a failure that prints "--only app.hex:17" is seen again with just
 * that, on any machine. Inputs are copied to memory of exactly their size: sanitizers and valgrind
 * notice a read of one byte too many.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX   ((size_t)1 << 20) /* bytes; a longer corpus file is a mistake */
#define SECONDS_MAX 30                /* one input that takes longer is a failure */
#define CHANGES_MAX 5                 /* in one mutation */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Offered by the sanitizers, which leave without a signal or atexit(). */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

struct file {
	char *path;
	const char *name; /* in path */
	uint8_t *data;
	size_t len;
};

static struct file *files;
static size_t n_files;

static struct {
	const char *program;
	const struct file *file;
	unsigned long mutation;
	unsigned long seed;
} now;

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

/* Called when the target crashes: no stdio, no heap. */
static void name_input(void)
{
	char digits[24];
	size_t i = sizeof(digits) - 1;
	unsigned long n = now.mutation;

	if (now.file == NULL)
		return;
	digits[i] = '\0';
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	say("\nfailed with input: --only ");
	say(now.file->name);
	say(":");
	say(digits + i);
	say("\n");
}

static void on_signal(int number)
{
	if (number == SIGALRM)
		say("\nthe target does not return");
	name_input();
	signal(number, SIG_DFL);
	raise(number == SIGALRM ? SIGABRT : number);
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s %s: %s\n", now.program, what, name, strerror(errno));
	exit(1);
}

static void load_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct file *v = realloc(files, (n_files + 1) * sizeof(*v));
	uint8_t *data = malloc(INPUT_MAX + 1);
	const char *slash = strrchr(path, '/');

	if (f == NULL || v == NULL || data == NULL)
		die("cannot read", path);
	files = v;
	v += n_files++;
	v->path = strdup(path);
	v->name = slash != NULL ? v->path + (slash + 1 - path) : v->path;
	v->len = fread(data, 1, INPUT_MAX + 1, f);
	if (ferror(f) || v->len > INPUT_MAX)
		die("cannot read, or larger than 1 MiB:", path);
	v->data = realloc(data, v->len + 1);
	fclose(f);
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void load(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, not_hidden, alphasort);

	if (n < 0 && errno == ENOTDIR) {
		load_file(path);
		return;
	}
	if (n < 0)
		die("cannot read", path);
	for (int i = 0; i < n; i++) {
		char child[4096];

		snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
		load_file(child);
		free(names[i]);
	}
	free(names);
}

static uint64_t random_state;

static uint64_t random_next(void) /* xorshift64* */
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1du;
}

static size_t random_below(size_t limit) /* 0 for 0 */
{
	return limit > 0 ? (size_t)((random_next() >> 16) % limit) : 0;
}

static void random_start(const struct file *f, unsigned long mutation)
{
	random_state = 0xcbf29ce484222325u ^ now.seed;
	for (const char *p = f->name; *p != '\0'; p++)
		random_state = (random_state ^ (uint8_t)*p) * 0x100000001b3u;
	random_state = ((random_state ^ mutation) * 0x100000001b3u) | 1;
	for (int i = 0; i < 4; i++)
		random_next();
}

/* One input under change; `data` has room for INPUT_MAX bytes. */
struct input {
	uint8_t *data;
	size_t len;
};

static void flip_bits(struct input *in)
{
	for (size_t n = 1 + random_below(4); n > 0 && in->len > 0; n--)
		in->data[random_below(in->len)] ^= (uint8_t)(1u << random_below(8));
}

static void set_byte(struct input *in)
{
	if (in->len > 0)
		in->data[random_below(in->len)] = (uint8_t)random_next();
}

/* Numbers that length checks get wrong, at any or at an aligned place, either byte order. */
static void set_number(struct input *in)
{
	static const uint32_t numbers[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x08000000, 0x20000000};
	uint32_t value = numbers[random_below(sizeof(numbers) / sizeof(numbers[0]))];
	size_t width = (size_t)1 << random_below(3), at;
	bool big = random_below(4) == 0;

	if (in->len < width)
		return;
	if (random_below(8) == 0)
		value = (uint32_t)(in->len + random_below(5) - 2);
	at = random_below(in->len - width + 1);
	if (random_below(2) == 0)
		at -= at % width;
	for (size_t i = 0; i < width; i++)
		in->data[at + (big ? width - 1 - i : i)] = (uint8_t)(value >> (8 * i));
}

static void cut_end(struct input *in)
{
	in->len = random_below(in->len);
}

static void remove_part(struct input *in)
{
	size_t at = random_below(in->len), n = random_below(in->len - at);

	if (random_below(2) == 0 && n > 8)
		n = 1 + random_below(8);
	memmove(in->data + at, in->data + at + n, in->len - at - n);
	in->len -= n;
}

static void insert(struct input *in, size_t at, const uint8_t *p, size_t n)
{
	if (n > INPUT_MAX - in->len)
		n = INPUT_MAX - in->len;
	if (n == 0)
		return;
	memmove(in->data + at + n, in->data + at, in->len - at);
	memcpy(in->data + at, p, n);
	in->len += n;
}

static void double_part(struct input *in)
{
	size_t at = random_below(in->len), n = random_below(in->len - at);
	uint8_t *copy = malloc(n + 1);

	if (copy == NULL)
		return;
	memcpy(copy, in->data + at, n);
	insert(in, random_below(in->len), copy, n);
	free(copy);
}

static void insert_random(struct input *in)
{
	uint8_t bytes[16];
	size_t n = 1 + random_below(sizeof(bytes));

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)random_next();
	insert(in, random_below(in->len + 1), bytes, n);
}

static void splice(struct input *in)
{
	const struct file *other = &files[random_below(n_files)];
	size_t from = random_below(other->len), keep = random_below(in->len);

	in->len = keep;
	insert(in, keep, other->data + from, other->len - from);
}

static void (*const changes[])(struct input *) = {flip_bits, flip_bits, set_byte, set_number,
	set_number, cut_end, remove_part, double_part, insert_random, splice};

/* Mutation 0 is the file itself. */
static void run(const struct file *f, unsigned long mutation)
{
	static uint8_t room[INPUT_MAX];
	struct input in = {room, f->len};
	uint8_t *exact;

	now.file = f;
	now.mutation = mutation;
	memcpy(room, f->data, f->len);
	if (mutation > 0) {
		random_start(f, mutation);
		for (size_t n = 1 + random_below(CHANGES_MAX); n > 0; n--)
			changes[random_below(sizeof(changes) / sizeof(changes[0]))](&in);
	}
	exact = malloc(in.len > 0 ? in.len : 1);
	if (exact == NULL)
		die("no memory for", f->name);
	memcpy(exact, room, in.len);
	alarm(SECONDS_MAX);
	LLVMFuzzerTestOneInput(exact, in.len);
	alarm(0);
	free(exact);
	now.file = NULL;
}

static int run_only(const char *what)
{
	const char *colon = strrchr(what, ':');

	for (size_t i = 0; colon != NULL && i < n_files; i++)
		if (strlen(files[i].name) == (size_t)(colon - what) &&
			strncmp(files[i].name, what, (size_t)(colon - what)) == 0) {
			run(&files[i], strtoul(colon + 1, NULL, 10));
			return 0;
		}
	fprintf(stderr, "%s: no such input: %s\n", now.program, what);
	return 1;
}

static void install_handlers(void)
{
	static const int numbers[] = {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	size_t n = sizeof(numbers) / sizeof(numbers[0]);

	/* The sanitizers have handlers of their own for the rest, with a stack trace. */
	if (__sanitizer_set_death_callback != NULL) {
		__sanitizer_set_death_callback(name_input);
		n = 2;
	}
	for (size_t i = 0; i < n; i++)
		signal(numbers[i], on_signal);
}

int main(int argc, char **argv)
{
	unsigned long mutations = 0;
	const char *only = NULL;

	now.program = argv[0];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc)
			mutations = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			now.seed = strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else
			load(argv[i]);
	}
	if (n_files == 0) {
		fprintf(stderr, "%s: no corpus files\n", argv[0]);
		return 1;
	}
	install_handlers();
	if (only != NULL)
		return run_only(only);
	for (size_t i = 0; i < n_files; i++)
		for (unsigned long m = 0; m <= mutations; m++)
			run(&files[i], m);
	printf("%zu files, %lu inputs\n", n_files, (unsigned long)n_files * (mutations + 1));
	for (size_t i = 0; i < n_files; i++) {
		free(files[i].path);
		free(files[i].data);
	}
	free(files);
	return 0;
}
