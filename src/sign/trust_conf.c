/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust_conf.c - the sidecar of a trusted key: role, last day, group, threshold
 */
#include <stmota/trust.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <ini.h>

#include <stmota/bytes.h>
#include <stmota/strparse.h>

static const char *const roles[] = {
	[TRUST_RELEASE] = "release",
	[TRUST_PLAN] = "plan",
	[TRUST_HEAD] = "head",
	[TRUST_ROOT] = "root",
	[TRUST_HALT] = "halt",
};

const char *trust_role_name(enum trust_role role)
{
	return roles[role];
}

struct parser {
	struct trust_conf conf;
	bool seen[4];
	const char *name, *rest; /* rest: text that is not read yet */
	int line;
	struct err *e;
	int rc;
};

/* Hands out one line: the distribution's inih tells handlers no line numbers. */
static char *next_line(char *to, int size, void *user)
{
	struct parser *p = user;
	int n = 0;

	if (*p->rest == '\0')
		return NULL;
	while (n < size - 1 && *p->rest != '\0') {
		to[n++] = *p->rest;
		if (*p->rest++ == '\n')
			break;
	}
	to[n] = '\0';
	p->line++;
	return to;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, by counting eras of 400 years. */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
	y -= m <= 2;
	int64_t era = y / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + (int64_t)doe - 719468;
}

static bool parse_day(const char *text, uint64_t *ret_last_second)
{
	static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned v[3] = {0}, days;
	int at = 0;

	for (int i = 0; text[i] != '\0'; i++) {
		if (i >= 10 ||
			(i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i])))
			return false;
		if (text[i] == '-')
			at++;
		else
			v[at] = v[at] * 10 + (unsigned)(text[i] - '0');
	}
	if (strlen(text) != 10 || v[0] < 1970 || v[1] < 1 || v[1] > 12)
		return false;
	days = month_days[v[1] - 1];
	if (v[1] == 2 && v[0] % 4 == 0 && (v[0] % 100 != 0 || v[0] % 400 == 0))
		days++;
	if (v[2] < 1 || v[2] > days)
		return false;
	*ret_last_second = (uint64_t)days_of(v[0], v[1], v[2]) * 86400 + 86399;
	return true;
}

static bool set_role(struct trust_conf *c, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(value, roles[i]) == 0) {
			c->role = (enum trust_role)i;
			return true;
		}
	}
	return false;
}

static bool set_not_after(struct trust_conf *c, const char *value)
{
	return parse_day(value, &c->not_after);
}

static bool set_group(struct trust_conf *c, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= sizeof(c->group) ||
		strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return false;
	memcpy(c->group, value, len + 1);
	return true;
}

static bool set_threshold(struct trust_conf *c, const char *value)
{
	return parse_u32_range(value, 1, 16, &c->threshold, NULL) == 0;
}

static const struct {
	const char *key, *wanted;
	bool (*set)(struct trust_conf *c, const char *value);
} settings[] = {
	{"role", "release, plan, head, root or halt", set_role},
	{"not-after", "a day as YYYY-MM-DD", set_not_after},
	{"group", "1 to 31 lower-case letters, digits, . _ -", set_group},
	{"threshold", "1 to 16", set_threshold},
};

static int handler(void *user, const char *section, const char *key, const char *value)
{
	struct parser *p = user;

	if (p->rc < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (strcmp(key, settings[i].key) != 0 || section[0] != '\0')
			continue;
		if (p->seen[i]) {
			p->rc = err_set(p->e, ERR_CONFIG, "%s:%d: '%s' a second time", p->name,
				p->line, key);
			return 0;
		}
		p->seen[i] = true;
		if (settings[i].set(&p->conf, value))
			return 1;
		err_set(p->e, ERR_CONFIG, "%s:%d: %s = %.60s", p->name, p->line, key, value);
		err_hint(p->e, "%s is %s", key, settings[i].wanted);
		p->rc = ERR_CONFIG;
		return 0;
	}
	err_set(p->e, ERR_CONFIG, "%s:%d: unknown setting '%.60s'", p->name, p->line, key);
	err_hint(p->e, "settings of a trusted key are role, not-after, group and threshold");
	p->rc = ERR_CONFIG;
	return 0;
}

int trust_conf_parse(
	const char *text, size_t len, const char *name, struct trust_conf *ret, struct err *e)
{
	struct parser p = {.conf = {.role = TRUST_RELEASE,
				   .not_after = TRUST_FOR_EVER,
				   .group = "default",
				   .threshold = 1},
		.name = name,
		.e = e};
	char copy[TRUST_CONF_MAX + 1];
	int line;

	if (len > TRUST_CONF_MAX)
		return err_set(e, ERR_CONFIG, "%s is larger than %u bytes", name, TRUST_CONF_MAX);
	/* An empty sidecar may come as NULL. */
	if (len > 0 && memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_CONFIG, "%s is not text", name);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	p.rest = copy;
	line = ini_parse_stream(next_line, &p, handler, &p);
	if (p.rc < 0)
		return p.rc;
	if (line != 0)
		return err_set(e, ERR_CONFIG, "%s:%d: not a line 'key = value'", name, line);
	*ret = p.conf;
	return 0;
}

const char *trust_day(uint64_t not_after, char ret[TRUST_DAY_SIZE])
{
	time_t t = (time_t)not_after;
	struct tm day;

	if (not_after == TRUST_FOR_EVER || gmtime_r(&t, &day) == NULL ||
		strftime(ret, TRUST_DAY_SIZE, "%Y-%m-%d", &day) == 0)
		snprintf(ret, TRUST_DAY_SIZE, "for ever");
	return ret;
}

int trust_conf_text(const struct trust_conf *c, struct buf *ret, struct err *e)
{
	char text[200], day[TRUST_DAY_SIZE];
	int n = snprintf(text, sizeof(text), "role = %s\ngroup = %s\nthreshold = %u\n",
		roles[c->role], c->group, c->threshold);

	if (c->not_after != TRUST_FOR_EVER)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "not-after = %s\n",
			trust_day(c->not_after, day));
	return buf_append(ret, text, (size_t)n, e);
}
