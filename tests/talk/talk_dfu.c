/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk_dfu.c - the USB DFU driver against a written conversation
 *
 * usage: talk_dfu FILE
 *
 * As talk.c does it for the ROM's other links: what AN3156, DFU 1.1 and reports about real devices
 * say, request by request, told apart from the simulator. Lines of a script:
 *
 *   # comment
 *   device VID PID RELEASE ATTRIBUTES SIZE VERSION   a bootloader; numbers as in its descriptors
 *   runtime VID PID ATTRIBUTES                       an application with a DFU interface
 *   alt TEXT          the name of its next alternate setting; such strings may be asked for anytime
 *   do connect | recover | open (of a plain device) | read ADDR LEN | write ADDR LEN BYTE
 *      erase ADDR | mass-erase | go ADDR | read-unprotect | send LEN BYTE | receive LEN
 *   = MS              the host must have waited so long since the last request
 *   > REQUEST [VALUE [LEN | : DATA]]   the host must send this; DATA is bytes, or COUNT*BYTE
 *   < DATA | stall | silence | noise | gone     the device answers so; OUT without it is taken
 *   > RESET, > SETALT N   a reset of the port, an alternate setting
 *   leaves            the device is not on the bus any more
 *   back              it is there again, as what `device`, `runtime` and `alt` behind it say
 *   data DATA         what read or receive must deliver
 *   ok                the call succeeds
 *   fail NAME [TEXT]  it fails with this code (as in JSON), TEXT is part of message or hint
 *
 * VID, PID, RELEASE, ATTRIBUTES, VERSION, ADDR and bytes are hexadecimal, everything else decimal.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/dfu.h>

#define DATA_MAX 4096

struct script {
	struct usb_link u; /* first */
	struct clock clock;
	uint64_t now_ms, last_ms;
	const char *path;
	FILE *f;
	unsigned line_no;
	char line[1024];
	bool have_line;
	char names[DFU_ALTS_MAX][128];
	bool gone;
	struct target *t;
	struct updater *updater;
};

struct result {
	uint8_t data[DATA_MAX];
	size_t n;
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

/* ---- lines ---- */

static bool peek(struct script *s)
{
	while (!s->have_line) {
		size_t n;

		if (fgets(s->line, sizeof(s->line), s->f) == NULL)
			return false;
		s->line_no++;
		if (s->line[0] == '#')
			s->line[0] = '\0';
		for (n = strlen(s->line); n > 0 && isspace((unsigned char)s->line[n - 1]); n--)
			s->line[n - 1] = '\0';
		s->have_line = s->line[0] != '\0';
	}
	return true;
}

/* Text behind `word`, if the line begins with it; else NULL. */
static const char *starts(struct script *s, const char *word)
{
	size_t n = strlen(word);

	if (!peek(s) || strncmp(s->line, word, n) != 0)
		return NULL;
	return s->line[n] == '\0' ? s->line + n : s->line[n] == ' ' ? s->line + n + 1 : NULL;
}

static void next(struct script *s)
{
	s->have_line = false;
}

static const char *now_says(struct script *s)
{
	return peek(s) ? s->line : "(end)";
}

/* "21 00 00" or "2048*FF" */
static size_t data_of(const struct script *s, const char *text, uint8_t ret[DATA_MAX])
{
	unsigned count, byte;
	size_t n = 0;
	int used = 0;

	while (*text == ' ')
		text++;
	if (sscanf(text, "%u*%2x%n", &count, &byte, &used) == 2 && text[used] == '\0' &&
		count <= DATA_MAX) {
		memset(ret, (int)byte, count);
		return count;
	}
	while (sscanf(text, "%2x%n", &byte, &used) == 1) {
		if (n == DATA_MAX)
			die(s, "too many bytes");
		ret[n++] = (uint8_t)byte;
		text += used;
	}
	if (*text != '\0')
		die(s, "no bytes: %s", text);
	return n;
}

/* ---- what the device is ---- */

static bool describe(struct script *s)
{
	struct dfu_descriptor *d = &s->u.dfu;
	unsigned vid, pid, release = 0x0200, attributes, size = 2048, version = 0x0110;
	const char *text;

	if ((text = starts(s, "device")) != NULL) {
		if (sscanf(text, "%x %x %x %x %u %x", &vid, &pid, &release, &attributes, &size,
			    &version) != 6)
			die(s, "device VID PID RELEASE ATTRIBUTES SIZE VERSION");
	} else if ((text = starts(s, "runtime")) != NULL) {
		if (sscanf(text, "%x %x %x", &vid, &pid, &attributes) != 3)
			die(s, "runtime VID PID ATTRIBUTES");
	} else if ((text = starts(s, "alt")) != NULL) {
		snprintf(s->names[d->n_alts], sizeof(s->names[0]), "%.127s", text);
		d->alts[d->n_alts].number = (uint8_t)d->n_alts;
		d->alts[d->n_alts].name_index = (uint8_t)(4 + d->n_alts);
		d->n_alts++;
		next(s);
		return true;
	} else {
		return false;
	}
	*d = (struct dfu_descriptor){.vid = (uint16_t)vid,
		.pid = (uint16_t)pid,
		.bcd_device = (uint16_t)release,
		.attributes = (uint8_t)attributes,
		.detach_ms = 1000,
		.transfer_size = (uint16_t)size,
		.version = (uint16_t)version,
		.has_functional = true,
		.runtime = s->line[0] == 'r',
		.configuration = 1};
	d->dfuse = version == 0x011A;
	next(s);
	return true;
}

/* ---- the wire ---- */

static const char *const requests[] = {
	"DETACH", "DNLOAD", "UPLOAD", "GETSTATUS", "CLRSTATUS", "GETSTATE", "ABORT"};

static void check_wait(struct script *s)
{
	const char *text = starts(s, "=");
	uint64_t ms = s->now_ms - s->last_ms;

	if (text != NULL) {
		if (strtoul(text, NULL, 10) != ms)
			die(s, "the host waits %u ms", (unsigned)ms);
		next(s);
	}
	s->last_ms = s->now_ms;
}

static void check_request(
	struct script *s, const struct usb_setup *p, const void *data, const char *name)
{
	const char *text = starts(s, ">"), *colon;
	uint8_t want[DATA_MAX];
	char word[32] = "";
	unsigned value = 0, len = 0;
	size_t n = 0;

	if (text == NULL)
		die(s, "the host sends %s %u, %u bytes, but the script says: %s", name, p->value,
			p->length, now_says(s));
	sscanf(text, "%31s %u %u", word, &value, &len);
	colon = strchr(text, ':');
	if (colon != NULL)
		n = data_of(s, colon + 1, want);
	else if ((p->request_type & 0x80) != 0)
		n = p->request == 3 ? 6 : p->request == 5 ? 1 : len;
	if (strcmp(word, name) != 0 || value != p->value || n != p->length)
		die(s, "the host sends %s %u, %u bytes; it should be: %s", name, p->value,
			p->length, text);
	if (colon != NULL && memcmp(want, data, n) != 0) {
		for (size_t i = 0; i < n && i < 16; i++)
			printf("%02X ", ((const uint8_t *)data)[i]);
		die(s, "are sent; it should be: %s", text);
	}
	next(s);
}

static int answer(struct script *s, const struct usb_setup *p, uint8_t *data, uint16_t *ret_len,
	struct err *e)
{
	static const struct {
		const char *word;
		int rc;
	} ends[] = {{"stall", ERR_NACK}, {"silence", ERR_TIMEOUT}, {"noise", ERR_PROTOCOL},
		{"gone", ERR_LINK}};
	bool in = (p->request_type & 0x80) != 0;
	const char *text = starts(s, "<");
	uint8_t bytes[DATA_MAX];
	size_t n;

	*ret_len = in ? 0 : p->length;
	if (text == NULL && in)
		die(s, "what does the device answer?");
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(text, ends[i].word) != 0)
			continue;
		next(s);
		return err_set(e, (enum err_code)ends[i].rc, "%s", ends[i].word);
	}
	n = data_of(s, text, bytes);
	next(s);
	/* libusb cuts off what is too long; the buffers have room to see what a driver makes of it. */
	memcpy(data, bytes, n < p->length ? n : p->length);
	*ret_len = (uint16_t)n;
	return 0;
}

static int string(struct script *s, const struct usb_setup *p, uint8_t *data, uint16_t *ret_len)
{
	unsigned index = p->value & 0xFF;
	const char *text = index >= 4 ? s->names[index - 4] : "";
	size_t n = strlen(text);

	data[0] = (uint8_t)(2 + 2 * n);
	data[1] = 3;
	for (size_t i = 0; i < n; i++) {
		data[2 + 2 * i] = (uint8_t)text[i];
		data[3 + 2 * i] = 0;
	}
	*ret_len = data[0];
	return 0;
}

static int talk_control(struct usb_link *u, const struct usb_setup *p, void *data,
	uint32_t timeout_ms, uint16_t *ret_len, struct err *e)
{
	struct script *s = (struct script *)u;

	if (s->gone)
		return err_set(e, ERR_LINK, "gone");
	if (p->request_type == 0x80 && p->request == 6)
		return string(s, p, data, ret_len);
	if ((p->request_type & 0x7F) != 0x21 || p->request > 6 || p->index != 0)
		die(s, "request %02X %02X at %u", p->request_type, p->request, p->index);
	if (timeout_ms < 1000)
		die(s, "%s may take only %u ms", requests[p->request], timeout_ms);
	check_wait(s);
	check_request(s, p, data, requests[p->request]);
	return answer(s, p, data, ret_len, e);
}

static int talk_set_alt(struct usb_link *u, uint8_t alt, struct err *e)
{
	struct script *s = (struct script *)u;
	struct usb_setup p = {0x01, 11, alt, 0, 0};
	uint16_t n;

	check_wait(s);
	check_request(s, &p, NULL, "SETALT");
	return answer(s, &p, NULL, &n, e);
}

static int talk_reset(struct usb_link *u, struct err *e)
{
	struct script *s = (struct script *)u;
	struct usb_setup p = {0};
	uint16_t n;

	check_wait(s);
	check_request(s, &p, NULL, "RESET");
	return answer(s, &p, NULL, &n, e);
}

static bool talk_wait_gone(struct usb_link *u, uint32_t timeout_ms)
{
	struct script *s = (struct script *)u;

	if (starts(s, "leaves") != NULL) {
		s->gone = true;
		next(s);
	}
	if (!s->gone)
		s->now_ms += timeout_ms;
	return s->gone;
}

static int talk_reopen(struct usb_link *u, uint32_t timeout_ms, struct err *e)
{
	struct script *s = (struct script *)u;

	if (starts(s, "back") == NULL) {
		if (!s->gone)
			return 0; /* it is there yet */
		s->now_ms += timeout_ms;
		return err_set(e, ERR_TIMEOUT, "nothing came back");
	}
	next(s);
	while (describe(s))
		;
	s->gone = false;
	s->last_ms = s->now_ms;
	return 0;
}

static void talk_close(struct link *l)
{
	(void)l;
}

static const struct link_ops link_ops = {.name = "talk", .close = talk_close};
static const struct usb_ops usb_ops = {
	.control = talk_control,
	.set_alt = talk_set_alt,
	.reset = talk_reset,
	.wait_gone = talk_wait_gone,
	.reopen = talk_reopen,
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

static int send(struct script *s, const char *args, struct err *e)
{
	uint8_t data[DATA_MAX * 4];
	struct updater_result r = {0};
	struct updater_file f = {.name = "file",
		.data = data,
		.vid = UPDATER_ANY_ID,
		.pid = UPDATER_ANY_ID,
		.release = UPDATER_ANY_ID};
	unsigned len = 0, byte = 0;
	int rc;

	sscanf(args, "%u %x", &len, &byte);
	if (len > sizeof(data))
		die(s, "send: %u bytes are too many", len);
	memset(data, (int)byte, len);
	f.len = len;
	rc = s->updater->ops->send(s->updater, &f, &r, e);
	if (rc == 0 && starts(s, "proof") != NULL) {
		static const char *const names[] = {"accepted", "read-back", "reported"};

		if (strcmp(starts(s, "proof"), names[r.proof]) != 0)
			die(s, "the proof is: %s", names[r.proof]);
		next(s);
	}
	return rc;
}

static int call(
	struct script *s, const char *what, const char *args, struct result *r, struct err *e)
{
	struct target *t = s->t;
	struct erase_unit unit = {.size = 16384};
	unsigned addr = 0, len = 0, byte = 0;

	sscanf(args, "%x %u %x", &addr, &len, &byte);
	if (len > DATA_MAX)
		die(s, "%u bytes are too many", len);
	if (strcmp(what, "connect") == 0)
		return t->ops->connect(t, NULL, e);
	if (strcmp(what, "recover") == 0)
		return t->ops->recover(t, e);
	if (strcmp(what, "open") == 0)
		return dfu_plain_open(t, &s->updater, e);
	if (strcmp(what, "read") == 0) {
		r->n = len;
		return t->ops->read(t, addr, r->data, len, e);
	}
	if (strcmp(what, "write") == 0) {
		memset(r->data, (int)byte, len);
		return t->ops->write(t, addr, r->data, len, e);
	}
	if (strcmp(what, "erase") == 0) {
		unit.addr = addr;
		return t->ops->erase(t, &unit, 1, e);
	}
	if (strcmp(what, "mass-erase") == 0)
		return t->ops->mass_erase(t, 1 << 20, e);
	if (strcmp(what, "go") == 0)
		return t->ops->go(t, addr, e);
	if (strcmp(what, "read-unprotect") == 0)
		return t->ops->protect(t, TARGET_READ_UNPROTECT, NULL, 0, e);
	if (strcmp(what, "send") == 0)
		return send(s, args, e);
	if (strcmp(what, "receive") == 0) {
		sscanf(args, "%u", &len);
		return s->updater->ops->receive(s->updater, r->data, len, &r->n, e);
	}
	die(s, "unknown call %s", what);
}

static void check_result(struct script *s, int rc, const struct result *r, const struct err *e)
{
	uint8_t want[DATA_MAX];
	char name[32] = "", text[200] = "";
	const char *args;

	if ((args = starts(s, "data")) != NULL) {
		size_t n = data_of(s, args, want);

		if (rc == 0 && (n != r->n || memcmp(want, r->data, n) != 0))
			die(s, "the call delivers %zu other bytes, %02X...", r->n, r->data[0]);
		next(s);
	}
	if (starts(s, "ok") != NULL) {
		if (rc < 0)
			die(s, "the call fails: %s (%s)", e->msg, err_code_name((enum err_code)rc));
	} else if ((args = starts(s, "fail")) != NULL) {
		sscanf(args, "%31s %199[^\n]", name, text);
		if (rc == 0 || strcmp(name, err_code_name((enum err_code)rc)) != 0)
			die(s, "the call ends with '%s': %s", err_code_name((enum err_code)rc),
				e->msg);
		if (strstr(e->msg, text) == NULL && strstr(e->hint, text) == NULL)
			die(s, "the message is: %s / %s", e->msg, e->hint);
	} else {
		die(s, "the call is over (%s: %s), but the script says: %s",
			err_code_name((enum err_code)rc), e->msg, now_says(s));
	}
	next(s);
}

int main(int argc, char **argv)
{
	struct script s = {.path = argc > 1 ? argv[1] : "?"};
	struct dfu_options opt = DFU_OPTIONS_INIT;
	unsigned calls = 0;

	s.f = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (s.f == NULL) {
		fprintf(stderr, "usage: talk_dfu FILE\n");
		return 2;
	}
	s.clock = (struct clock){&s, now_ms, sleep_ms};
	s.u.link = (struct link){.ops = &link_ops, .clock = &s.clock, .name = "talk"};
	s.u.ops = &usb_ops;
	while (describe(&s))
		;
	if (dfu_target_new(&s.u, &opt, &s.t, NULL) < 0)
		return 2;
	while (peek(&s)) {
		const char *text = starts(&s, "do");
		char what[32] = "", args[200];
		struct result r = {.n = 0};
		struct err e = ERR_INIT;
		int used = 0, rc;

		if (text == NULL || sscanf(text, "%31s%n", what, &used) != 1)
			die(&s, "'do CALL' is wanted here: %s", s.line);
		snprintf(args, sizeof(args), "%.199s", text + used);
		next(&s);
		rc = call(&s, what, args, &r, &e);
		check_result(&s, rc, &r, &e);
		calls++;
	}
	printf("%u calls as written\n", calls);
	s.gone = true; /* what the driver would tidy up is in the scripts that are about it */
	target_close(s.t);
	fclose(s.f);
	return calls > 0 ? 0 : 1;
}
