/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof.c - the text form of a proof of health
 */
#include <stmota/proof.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/strparse.h>

#define WITHIN_DEFAULT_MS 30000u
#define WITHIN_MAX_S      3600u
#define BAUD_DEFAULT      115200u

static int bad(struct err *e, const char *what, const char *where)
{
	err_set(e, ERR_USAGE, "%s: '%.60s'", what, where);
	return err_hint(
		e, "write uart: expect \"TEXT\" within 30s, or command: COMMAND within 60s");
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* True if `p` begins with this word, alone; *ret is what follows. */
static bool word(const char *p, const char *w, const char **ret)
{
	size_t len = strlen(w);

	if (strncmp(p, w, len) != 0 || (p[len] != ' ' && p[len] != '\t' && p[len] != '\0'))
		return false;
	*ret = skip_blanks(p + len);
	return true;
}

/* A number up to the next blank. */
static int number(const char *p, uint32_t min, uint32_t max, uint32_t *ret, const char **ret_rest)
{
	size_t len = strcspn(p, " \t");
	char text[16];

	if (len == 0 || len >= sizeof(text) || !isdigit((unsigned char)p[0]))
		return -1;
	memcpy(text, p, len);
	text[len] = '\0';
	if (parse_u32_range(text, min, max, ret, NULL) < 0)
		return -1;
	*ret_rest = skip_blanks(p + len);
	return 0;
}

/* "30s", "2m"; nothing may follow. */
static int duration(const char *p, uint32_t *ret_ms)
{
	size_t len = strcspn(p, " \t");
	uint32_t n, unit;
	char text[16];

	if (len < 2 || len >= sizeof(text) || *skip_blanks(p + len) != '\0' ||
		!isdigit((unsigned char)p[0]))
		return -1;
	memcpy(text, p, len - 1);
	text[len - 1] = '\0';
	unit = p[len - 1] == 's' ? 1 : p[len - 1] == 'm' ? 60 : 0;
	if (unit == 0 || parse_u32_range(text, 1, WITHIN_MAX_S / unit, &n, NULL) < 0)
		return -1;
	*ret_ms = n * unit * 1000;
	return 0;
}

/* "TEXT" with its escapes; *ret is what follows. */
static int quoted(const char *p, struct proof *ret, const char **ret_rest)
{
	static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";

	if (*p != '"')
		return -1;
	for (p++; *p != '"'; p++) {
		char c = *p;

		if (c == '\\') {
			const char *known = p[1] != '\0' ? strchr(from, p[1]) : NULL;

			if (known == NULL)
				return -1;
			c = to[known - from];
			p++;
		}
		if (c == '\0' || ret->expect_len + 1 == sizeof(ret->expect))
			return -1;
		ret->expect[ret->expect_len++] = c;
	}
	*ret_rest = skip_blanks(p + 1);
	return ret->expect_len > 0 ? 0 : -1;
}

static int parse_uart(const char *p, struct proof *ret, struct err *e)
{
	size_t len = strcspn(p, " \t");

	if (len >= sizeof(ret->port))
		return bad(e, "the name of the port is too long", p);
	memcpy(ret->port, p, len);
	p = skip_blanks(p + len);
	if (!word(p, "expect", &p))
		return bad(e, "'expect' is missing", p);
	if (quoted(p, ret, &p) < 0)
		return bad(e, "expect wants a text in quotation marks, at most 127 characters", p);
	ret->baud = BAUD_DEFAULT;
	if (word(p, "at", &p) && number(p, 300, 12000000, &ret->baud, &p) < 0)
		return bad(e, "'at' wants a speed in baud", p);
	if (*p == '\0')
		return 0;
	if (!word(p, "within", &p) || duration(p, &ret->within_ms) < 0)
		return bad(e, "not understood, 'within 30s' was looked for", p);
	return 0;
}

/* The last " within TIME" belongs to us, all before it to the shell. */
static int parse_command(const char *p, struct proof *ret, struct err *e)
{
	size_t len = strlen(p);

	for (const char *w = p; (w = strstr(w, "within")) != NULL; w++) {
		const char *rest;

		if ((w == p || w[-1] == ' ' || w[-1] == '\t') && word(w, "within", &rest) &&
			duration(rest, &ret->within_ms) == 0) {
			len = (size_t)(w - p);
			break;
		}
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0)
		return bad(e, "a command is missing", p);
	if (len >= sizeof(ret->command))
		return bad(e, "the command is too long", p);
	memcpy(ret->command, p, len);
	return 0;
}

int proof_parse(const char *text, struct proof *ret, struct err *e)
{
	struct proof p = {.within_ms = WITHIN_DEFAULT_MS};
	int rc;

	if (strncmp(text, "uart:", 5) == 0) {
		p.kind = PROOF_UART;
		rc = parse_uart(text + 5, &p, e);
	} else if (strncmp(text, "command:", 8) == 0) {
		p.kind = PROOF_COMMAND;
		rc = parse_command(skip_blanks(text + 8), &p, e);
	} else {
		rc = bad(e, "not a way to confirm", text);
	}
	if (rc == 0)
		*ret = p;
	return rc;
}

bool proof_on_device(const struct proof *p)
{
	return p->kind == PROOF_UART && p->port[0] == '\0';
}
