/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.c - the ROM driver against a written conversation
 *
 * usage: talk FILE
 *
 * The fact file's examples, byte by byte, told apart from the simulator: a mistake that driver and
 * virtual board share does not pass here. Lines of a script:
 *
 *   # comment
 *   do connect | recover | read ADDR LEN | write ADDR BYTES | erase NUMBER... | mass-erase
 *      bank-erase N | go ADDR | checksum ADDR LEN | write-protect SECTOR... | write-unprotect
 *      read-protect | read-unprotect | special OPCODE BYTES [/ BYTES]
 *   > BYTES      the host must send this packet, in one write
 *   > BYTES xN   the same packet N times
 *   < BYTES      the device answers so; without it it stays silent
 *   silence MIN MAX   the host must wait so many milliseconds for a byte that does not come
 *   data BYTES   what read, checksum or special must deliver
 *   ok           the call succeeds
 *   fail NAME [TEXT]  it fails with this code (as in JSON), TEXT is part of message or hint
 *
 * All numbers are hexadecimal, except LEN, N, NUMBER, MIN and MAX.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/rom.h>

#define LINE_MAX_BYTES 1200

struct script {
	struct link link; /* first */
	struct clock clock;
	uint64_t now_ms;
	const char *path;
	FILE *f;
	unsigned line_no;
	char line[4096];
	bool have_line;
	unsigned repeat; /* how often the current packet is still to come */
	uint8_t queue[4096];
	size_t head, tail;
};

__attribute__((format(printf, 2, 3), noreturn)) static void die(
	const struct script *s, const char *fmt, ...)
{
	va_list ap;

	printf("%s:%u: ", s->path, s->line_no);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

/* The current line without blanks at its ends; false at the end of the script. */
static bool peek(struct script *s)
{
	while (!s->have_line) {
		char *p;

		if (fgets(s->line, sizeof(s->line), s->f) == NULL)
			return false;
		s->line_no++;
		s->line[strcspn(s->line, "#\n")] = '\0';
		for (p = s->line + strlen(s->line); p > s->line && isspace((unsigned char)p[-1]);)
			*--p = '\0';
		s->have_line = s->line[0] != '\0';
	}
	return true;
}

static bool starts(struct script *s, const char *word)
{
	size_t n = strlen(word);

	return peek(s) && strncmp(s->line, word, n) == 0 &&
	       (s->line[n] == ' ' || s->line[n] == '\0');
}

static void next(struct script *s)
{
	s->have_line = false;
}

static size_t bytes_of(const struct script *s, const char *text, uint8_t *ret, unsigned *ret_times)
{
	size_t n = 0;

	*ret_times = 1;
	while (*text != '\0') {
		unsigned v;
		int used = 0;

		while (*text == ' ')
			text++;
		if (*text == 'x') {
			*ret_times = (unsigned)strtoul(text + 1, NULL, 10);
			break;
		}
		if (*text == '\0')
			break;
		if (sscanf(text, "%2x%n", &v, &used) != 1 || n == LINE_MAX_BYTES)
			die(s, "not bytes: %s", text);
		ret[n++] = (uint8_t)v;
		text += used;
	}
	return n;
}

static void print_bytes(const char *what, const uint8_t *p, size_t n)
{
	printf("%s", what);
	for (size_t i = 0; i < n; i++)
		printf(" %02X", p[i]);
	printf("\n");
}

/* ---- the link ---- */

static int talk_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct script *s = (struct script *)l;
	uint8_t want[LINE_MAX_BYTES];
	unsigned times;
	size_t n;

	(void)e;
	if (!starts(s, ">")) {
		print_bytes("the host sent", buf, len);
		die(s, "it should not send now");
	}
	n = bytes_of(s, s->line + 1, want, &times);
	if (n != len || memcmp(buf, want, n) != 0) {
		print_bytes("the host sent", buf, len);
		die(s, "it should send %s", s->line + 1);
	}
	if (s->repeat == 0)
		s->repeat = times;
	if (--s->repeat > 0)
		return 0;
	next(s);
	while (starts(s, "<")) {
		uint8_t answer[LINE_MAX_BYTES];

		n = bytes_of(s, s->line + 1, answer, &times);
		memcpy(s->queue + s->tail, answer, n);
		s->tail += n;
		next(s);
	}
	return 0;
}

static int talk_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct script *s = (struct script *)l;
	unsigned min, max;

	if (s->tail - s->head >= len) {
		memcpy(buf, s->queue + s->head, len);
		s->head += len;
		return 0;
	}
	s->head = s->tail = 0;
	s->now_ms += timeout_ms;
	if (starts(s, "silence")) {
		if (sscanf(s->line, "silence %u %u", &min, &max) != 2)
			die(s, "silence MIN MAX");
		if (timeout_ms < min || timeout_ms > max)
			die(s, "the host waits %u ms", timeout_ms);
		next(s);
	}
	return err_set(e, ERR_TIMEOUT, "no answer");
}

static int talk_flush(struct link *l, struct err *e)
{
	struct script *s = (struct script *)l;

	(void)e;
	s->head = s->tail = 0;
	return 0;
}

static void talk_close(struct link *l)
{
	(void)l;
}

static const struct link_ops talk_ops = {
	.name = "talk",
	.write = talk_write,
	.read = talk_read,
	.flush = talk_flush,
	.close = talk_close,
};

static uint64_t now_ms(void *ctx)
{
	return ((struct script *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
	((struct script *)ctx)->now_ms += ms;
}

/* ---- calls ---- */

struct result {
	uint8_t data[LINE_MAX_BYTES];
	size_t n;
};

static int erase(struct target *t, const char *args, struct err *e)
{
	struct erase_unit units[600];
	struct geometry g = {0};
	size_t n = 0;
	char *end;

	if (t->info.chip != NULL)
		geometry_init(&g, t->info.chip, 0, CHIP_BANKS_TABLE, NULL);
	for (unsigned long v = strtoul(args, &end, 10); end != args; v = strtoul(args, &end, 10)) {
		struct erase_unit u = {.number = (uint16_t)v, .size = 1024, .bank = 1};

		if (g.chip != NULL)
			geometry_unit_numbered(&g, (uint32_t)v, &u);
		units[n++] = u;
		args = end;
	}
	return t->ops->erase(t, units, n, e);
}

static int protect(struct script *s, struct target *t, enum target_protect what, const char *args,
	struct err *e)
{
	uint8_t sectors[LINE_MAX_BYTES];
	unsigned times;
	size_t n = bytes_of(s, args, sectors, &times);

	return t->ops->protect(t, what, sectors, n, e);
}

/* OPCODE BYTES, for Extended Special OPCODE BYTES / BYTES. */
static int special(struct script *s, struct target *t, char *args, struct result *r, struct err *e)
{
	struct rom_special_reply reply;
	uint8_t data[LINE_MAX_BYTES], more[LINE_MAX_BYTES];
	char *slash = strchr(args, '/');
	unsigned opcode = 0, times;
	int used = 0, rc;
	size_t n, more_n = 0;

	if (slash != NULL) {
		more_n = bytes_of(s, slash + 1, more, &times);
		*slash = '\0';
	}
	sscanf(args, "%x%n", &opcode, &used);
	n = bytes_of(s, args + used, data, &times);
	if (slash != NULL)
		rc = rom_extended_special(t, (uint16_t)opcode, data, n, more, more_n, &reply, e);
	else
		rc = rom_special(t, (uint16_t)opcode, data, n, &reply, e);
	if (rc < 0)
		return rc;
	memcpy(r->data, reply.data, reply.data_len);
	memcpy(r->data + reply.data_len, reply.status, reply.status_len);
	r->n = reply.data_len + reply.status_len;
	return 0;
}

static int call(struct script *s, struct target *t, const char *what, char *args, struct result *r,
	struct err *e)
{
	uint8_t data[LINE_MAX_BYTES];
	unsigned addr = 0, len = 0, times;
	uint32_t crc = 0;
	int used = 0, rc;

	sscanf(args, "%x%n", &addr, &used);
	if (strcmp(what, "connect") == 0)
		return t->ops->connect(t, NULL, e);
	if (strcmp(what, "recover") == 0)
		return t->ops->recover(t, e);
	if (strcmp(what, "read") == 0) {
		sscanf(args + used, "%u", &len);
		r->n = len;
		return t->ops->read(t, addr, r->data, len, e);
	}
	if (strcmp(what, "write") == 0) {
		len = (unsigned)bytes_of(s, args + used, data, &times);
		return t->ops->write(t, addr, data, len, e);
	}
	if (strcmp(what, "erase") == 0)
		return erase(t, args, e);
	if (strcmp(what, "mass-erase") == 0)
		return t->ops->mass_erase(t, 1 << 20, e);
	if (strcmp(what, "bank-erase") == 0)
		return rom_erase_bank(t, addr, 1 << 19, e);
	if (strcmp(what, "go") == 0)
		return t->ops->go(t, addr, e);
	if (strcmp(what, "checksum") == 0) {
		sscanf(args + used, "%u", &len);
		rc = t->ops->checksum(t, (struct span){addr, len}, &crc, e);
		put_be32(r->data, crc);
		r->n = 4;
		return rc;
	}
	if (strcmp(what, "write-protect") == 0)
		return protect(s, t, TARGET_WRITE_PROTECT, args, e);
	if (strcmp(what, "write-unprotect") == 0)
		return protect(s, t, TARGET_WRITE_UNPROTECT, "", e);
	if (strcmp(what, "read-protect") == 0)
		return protect(s, t, TARGET_READ_PROTECT, "", e);
	if (strcmp(what, "read-unprotect") == 0)
		return protect(s, t, TARGET_READ_UNPROTECT, "", e);
	if (strcmp(what, "special") == 0)
		return special(s, t, args, r, e);
	die(s, "unknown call %s", what);
}

static void check_result(struct script *s, int rc, const struct result *r, const struct err *e)
{
	uint8_t want[LINE_MAX_BYTES];
	unsigned times;
	char name[32] = "", text[200] = "";
	size_t n;

	if (starts(s, "data")) {
		n = bytes_of(s, s->line + 4, want, &times);
		if (rc == 0 && (n != r->n || memcmp(want, r->data, n) != 0)) {
			print_bytes("the call delivers", r->data, r->n);
			die(s, "it should deliver %s", s->line + 4);
		}
		next(s);
	}
	if (starts(s, "ok")) {
		if (rc < 0)
			die(s, "the call fails: %s (%s)", e->msg, err_code_name((enum err_code)rc));
	} else if (starts(s, "fail")) {
		sscanf(s->line, "fail %31s %199[^\n]", name, text);
		if (rc == 0 || strcmp(name, err_code_name((enum err_code)rc)) != 0)
			die(s, "the call ends with '%s': %s", err_code_name((enum err_code)rc),
				e->msg);
		if (strstr(e->msg, text) == NULL && strstr(e->hint, text) == NULL)
			die(s, "the message is: %s / %s", e->msg, e->hint);
	} else {
		die(s, "the call is over (%s: %s), but the script says: %s",
			err_code_name((enum err_code)rc), e->msg, s->have_line ? s->line : "(end)");
	}
	next(s);
}

int main(int argc, char **argv)
{
	struct script s = {.path = argc > 1 ? argv[1] : "?"};
	struct rom_options opt = ROM_OPTIONS_INIT;
	struct target *t = NULL;
	unsigned calls = 0;

	s.f = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (s.f == NULL) {
		fprintf(stderr, "usage: talk FILE\n");
		return 2;
	}
	s.clock = (struct clock){&s, now_ms, sleep_ms};
	s.link = (struct link){.ops = &talk_ops, .baud = 115200, .clock = &s.clock, .name = "talk"};
	opt.entry.use_lines = false;
	if (rom_target_new(&s.link, &opt, &t, NULL) < 0)
		return 2;
	while (peek(&s)) {
		char what[32] = "", args[4096];
		struct result r = {.n = 0};
		struct err e = ERR_INIT;
		int used = 0, rc;

		if (sscanf(s.line, "do %31s%n", what, &used) != 1)
			die(&s, "'do CALL' is wanted here: %s", s.line);
		snprintf(args, sizeof(args), "%s", s.line + used);
		next(&s);
		rc = call(&s, t, what, args, &r, &e);
		check_result(&s, rc, &r, &e);
		calls++;
	}
	printf("%u calls as written\n", calls);
	target_close(t);
	fclose(s.f);
	return calls > 0 ? 0 : 1;
}
