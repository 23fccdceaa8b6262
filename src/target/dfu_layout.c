/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/dfu_layout.h>

#include <ctype.h>
#include <string.h>

struct parser {
	const char *p;
	struct dfu_layout l;
	uint64_t next; /* address behind the runs so far of the zone at hand */
	uint8_t zone;
	struct err *e;
};

static int wrong(struct parser *s, const char *what)
{
	return err_set(s->e, ERR_FORMAT, "memory map of the device: %s at '%.20s'", what, s->p);
}

static void blanks(struct parser *s)
{
	while (*s->p == ' ')
		s->p++;
}

static int take_name(struct parser *s)
{
	size_t len;

	if (*s->p != '@')
		return wrong(s, "no '@'");
	s->p++;
	blanks(s);
	len = strcspn(s->p, "/");
	if (s->p[len] == '\0')
		return wrong(s, "no zone");
	for (size_t i = 0; i < len && i + 1 < sizeof(s->l.name); i++)
		s->l.name[i] = (char)(s->p[i] >= ' ' && s->p[i] < 0x7F ? s->p[i] : '?');
	for (size_t i = strlen(s->l.name); i > 0 && s->l.name[i - 1] == ' ';)
		s->l.name[--i] = '\0';
	s->p += len;
	return 0;
}

static int take_hex(struct parser *s)
{
	uint64_t v = 0;
	unsigned n = 0;

	if (s->p[0] != '0' || (s->p[1] != 'x' && s->p[1] != 'X'))
		return wrong(s, "no address");
	for (s->p += 2; isxdigit((unsigned char)*s->p) && n < 9; s->p++, n++) {
		int c = tolower((unsigned char)*s->p);

		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (n == 0 || v > UINT32_MAX)
		return wrong(s, "no address");
	s->next = v;
	return 0;
}

static int take_decimal(struct parser *s, uint32_t *ret)
{
	uint32_t v = 0;
	unsigned n = 0;

	for (; isdigit((unsigned char)*s->p); s->p++, n++) {
		if (v >= 100000u)
			return wrong(s, "a number too large");
		v = v * 10 + (uint32_t)(*s->p - '0');
	}
	if (n == 0)
		return wrong(s, "no number");
	*ret = v;
	return 0;
}

/* " ", "B", "K", "M", or nothing where the type letter follows. */
static int take_multiplier(struct parser *s, uint32_t *ret)
{
	*ret = 1;
	switch (*s->p) {
	case 'K': *ret = 1024; break;
	case 'M': *ret = 1024 * 1024; break;
	case 'B':
	case ' ': break;
	case '\0':
	case ',':
	case '/': return 0;
	default: return *s->p >= 'a' && *s->p <= 'g' ? 0 : wrong(s, "an unknown unit");
	}
	s->p++;
	return 0;
}

static int take_run(struct parser *s)
{
	uint32_t count = 0, size = 0, multiplier = 1;
	struct dfu_run *run;
	uint64_t len;
	int rc = take_decimal(s, &count);

	if (rc == 0 && *s->p != '*')
		rc = wrong(s, "no '*'");
	if (rc < 0)
		return rc;
	s->p++;
	rc = take_decimal(s, &size);
	if (rc == 0)
		rc = take_multiplier(s, &multiplier);
	if (rc < 0)
		return rc;
	len = (uint64_t)count * size * multiplier; /* numbers are below 2^20: this cannot wrap */
	if (len == 0 || len > UINT32_MAX || s->next + len > (uint64_t)1 << 32)
		return wrong(s, "a size that cannot be");
	if (s->l.n_runs == DFU_RUNS_MAX)
		return wrong(s, "too many runs");
	run = &s->l.runs[s->l.n_runs++];
	*run = (struct dfu_run){.addr = (uint32_t)s->next,
		.count = count,
		.size = size * multiplier,
		.access = DFU_MAY_READ,
		.zone = s->zone};
	if (*s->p >= 'a' && *s->p <= 'g')
		run->access = (uint8_t)(*s->p++ & 7);
	else
		s->l.untyped = true;
	s->next += len;
	return 0;
}

static int take_zone(struct parser *s)
{
	int rc;

	s->p++; /* the slash */
	blanks(s);
	rc = take_hex(s);
	blanks(s);
	if (rc == 0 && *s->p != '/')
		rc = wrong(s, "no '/'");
	if (rc < 0)
		return rc;
	do {
		s->p++;
		blanks(s);
		rc = take_run(s);
		if (rc < 0)
			return rc;
		blanks(s);
	} while (*s->p == ',');
	if (*s->p != '/' && *s->p != '\0')
		return wrong(s, "something unknown");
	s->zone++;
	return 0;
}

/* Two zones at one address: which erase units are true? */
static int check_overlap(struct parser *s)
{
	for (size_t i = 0; i < s->l.n_runs; i++) {
		const struct dfu_run *a = &s->l.runs[i];

		for (size_t k = 0; k < i; k++) {
			const struct dfu_run *b = &s->l.runs[k];

			if (span_overlaps((struct span){a->addr, a->count * a->size},
				    (struct span){b->addr, b->count * b->size}))
				return err_set(s->e, ERR_FORMAT,
					"memory map of the device: 0x%08X is there twice", a->addr);
		}
	}
	return 0;
}

int dfu_layout_parse(const char *text, struct dfu_layout *ret, struct err *e)
{
	struct parser s = {.p = text, .e = e};
	int rc = take_name(&s);

	while (rc == 0 && *s.p == '/')
		rc = take_zone(&s);
	if (rc == 0)
		rc = check_overlap(&s);
	if (rc < 0)
		return rc;
	*ret = s.l;
	return 0;
}

const struct dfu_run *dfu_layout_at(const struct dfu_layout *l, uint32_t addr)
{
	for (size_t i = 0; i < l->n_runs; i++)
		if (addr >= l->runs[i].addr &&
			addr - l->runs[i].addr < (uint64_t)l->runs[i].count * l->runs[i].size)
			return &l->runs[i];
	return NULL;
}

struct span dfu_layout_zone(const struct dfu_layout *l, const struct dfu_run *run)
{
	struct span zone = {run->addr, 0};
	uint64_t end = run->addr;

	for (size_t i = 0; i < l->n_runs; i++) {
		const struct dfu_run *r = &l->runs[i];

		if (r->zone != run->zone)
			continue;
		if (r->addr < zone.addr)
			zone.addr = r->addr;
		if (r->addr + (uint64_t)r->count * r->size > end)
			end = r->addr + (uint64_t)r->count * r->size;
	}
	/* A zone that ends at 2^32 loses its last byte: spans cannot say it. */
	zone.len = end - zone.addr > UINT32_MAX ? UINT32_MAX : (uint32_t)(end - zone.addr);
	return zone;
}
