/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_meta.c - the texts of a manifest: title, build id, revision, date, notes, names
 *
 * They come from a stranger's file and go to a terminal. So they are checked before anybody sees
 * them: no control character, nothing that hides or turns text (SPEC.md, section 4, "Texts").
 */
#include <stmota/package.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <imf/imf_bytes.h>

#include "package_priv.h"

/* ---- characters ---- */

/* Code points that no text may hold: controls, marks of direction, what has no width. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0x0000, 0x001F},
	{0x007F, 0x009F},
	{0x200B, 0x200F},
	{0x2028, 0x202E},
	{0x2060, 0x2069},
	{0xFEFF, 0xFEFF},
};

/* One character of UTF-8 from `p`; its length, 0 if it is none (RFC 3629, section 4). */
static size_t utf8_next(const uint8_t *p, size_t len, uint32_t *ret)
{
	static const struct {
		uint8_t mask, lead, n;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 1, 0},
		{0xE0, 0xC0, 2, 0x80},
		{0xF0, 0xE0, 3, 0x800},
		{0xF8, 0xF0, 4, 0x10000},
	};

	for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
		uint32_t c;

		if ((p[0] & forms[f].mask) != forms[f].lead)
			continue;
		c = (uint32_t)(p[0] & ~forms[f].mask);
		if (forms[f].n > len)
			return 0;
		for (size_t i = 1; i < forms[f].n; i++) {
			if ((p[i] & 0xC0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3Fu);
		}
		if (c < forms[f].least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
			return 0;
		*ret = c;
		return forms[f].n;
	}
	return 0;
}

static const char *text_fault(const uint8_t *p, size_t len, bool lines)
{
	uint32_t c = 0;

	if (len > 0 && (p[0] == ' ' || p[0] == '\n' || p[len - 1] == ' ' || p[len - 1] == '\n'))
		return "begins or ends with a blank";
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_next(p + at, len - at, &c);
		if (n == 0)
			return "is not UTF-8";
		if (lines && c == '\n')
			continue;
		for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
			if (c >= hidden[i].first && c <= hidden[i].last)
				return "holds a control character";
	}
	return NULL;
}

static const char *fault_of_line(const uint8_t *p, size_t len)
{
	return text_fault(p, len, false);
}

static const char *fault_of_notes(const uint8_t *p, size_t len)
{
	return text_fault(p, len, true);
}

static const char *fault_of_word(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < '!' || p[i] > '~')
			return "holds something else than ASCII without blanks";
	return NULL;
}

static const char *fault_of_name(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool letter = p[i] >= 'a' && p[i] <= 'z';

		if (!letter && (i == 0 || p[i] == '\0' || strchr("0123456789._-", p[i]) == NULL))
			return i == 0 ? "does not begin with a letter from a to z"
				      : "holds something else than a-z, 0-9 and . _ -";
	}
	return NULL;
}

int package_name_check(const char *name, struct err *e)
{
	size_t len = strlen(name);
	const char *fault = fault_of_name((const uint8_t *)name, len);

	if (len == 0 || len > IMF_COMPONENT_NAME_MAX)
		fault = len == 0 ? "is empty" : "is longer than 31 characters";
	if (fault == NULL)
		return 0;
	err_set(e, ERR_USAGE, "component name '%.40s' %s", name, fault);
	return err_hint(e, "such as radio, or settings-2: it is also a file name");
}

/* ---- the texts, one row for each ---- */

static const struct text {
	uint16_t type;
	uint16_t max;
	const char *name;
	size_t at; /* in struct package_meta */
	const char *(*fault)(const uint8_t *p, size_t len);
} texts[] = {
	{IMF_TLV_TITLE, IMF_TITLE_MAX, "title", offsetof(struct package_meta, title),
		fault_of_line},
	{IMF_TLV_BUILD_ID, IMF_BUILD_ID_MAX, "build id", offsetof(struct package_meta, build_id),
		fault_of_word},
	{IMF_TLV_REVISION, IMF_REVISION_MAX, "revision", offsetof(struct package_meta, revision),
		fault_of_word},
	{IMF_TLV_NOTES, IMF_NOTES_MAX, "notes", offsetof(struct package_meta, notes),
		fault_of_notes},
};

static char *text_of(struct package_meta *m, const struct text *t)
{
	return (char *)m + t->at;
}

static const struct text *text_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].name, name) == 0)
			return &texts[i];
	return NULL;
}

int package_meta_set(struct package_meta *m, const char *name, const char *text, struct err *e)
{
	const struct text *t = text_find(name);
	size_t len = strlen(text);
	const char *fault;

	if (t == NULL)
		return err_set(e, ERR_USAGE, "no text '%.40s' in a package", name);
	if (len == 0)
		return err_set(e, ERR_USAGE, "the %s is empty", name);
	if (len > t->max) {
		err_set(e, ERR_USAGE, "the %s has %zu bytes, the format takes %u", name, len,
			t->max);
		return t->type == IMF_TLV_NOTES ? err_hint(e, "a summary and a link to the rest")
						: ERR_USAGE;
	}
	fault = t->fault((const uint8_t *)text, len);
	if (fault != NULL)
		return err_set(e, ERR_USAGE, "the %s %s", name, fault);
	memcpy(text_of(m, t), text, len + 1);
	return 0;
}

int package_meta_date(struct package_meta *m, uint64_t date, struct err *e)
{
	if (date > PACKAGE_DATE_MAX)
		return err_set(e, ERR_USAGE, "a date behind the year 9999");
	m->has_date = true;
	m->date = date;
	return 0;
}

int package_date_parse(const char *text, uint64_t *ret, struct err *e)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t = end != NULL && *end == '\0' ? timegm(&tm) : -1;
	char back[PACKAGE_DATE_TEXT];

	/* The library makes the 3rd of March of the 31st of February. */
	if (t < 0 || (uint64_t)t > PACKAGE_DATE_MAX ||
		strcmp(package_date_format((uint64_t)t, back), text) != 0)
		return err_set(e, ERR_USAGE, "'%.40s' is no time such as 2026-12-01T06:00:00Z", text);
	*ret = (uint64_t)t;
	return 0;
}

const char *package_date_format(uint64_t date, char ret[PACKAGE_DATE_TEXT])
{
	time_t t = (time_t)date;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
		strftime(ret, PACKAGE_DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(ret, PACKAGE_DATE_TEXT, "%llu", (unsigned long long)date);
	return ret;
}

/* ---- out of a manifest ---- */

static int bad_text(const char *name, const char *fault, struct err *e)
{
	return err_set(e, ERR_DAMAGED, "damaged package: its %s %s", name, fault);
}

static int read_text(struct package_meta *m, const struct imf_tlv *t, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *fault;

		if (texts[i].type != t->type)
			continue;
		fault = texts[i].fault(t->value, t->len);
		if (fault != NULL)
			return bad_text(texts[i].name, fault, e);
		memcpy(text_of(m, &texts[i]), t->value, t->len);
		text_of(m, &texts[i])[t->len] = '\0';
	}
	return 0;
}

static int read_date(struct package_meta *m, const struct imf_tlv *t, struct err *e)
{
	uint64_t date = imf_get_le32(t->value) | (uint64_t)imf_get_le32(t->value + 4) << 32;

	if (date > PACKAGE_DATE_MAX)
		return bad_text("build date", "is behind the year 9999", e);
	m->has_date = true;
	m->date = date;
	return 0;
}

static int read_name(struct package *p, const struct imf_tlv *t, struct err *e)
{
	uint16_t i = imf_get_le16(t->value); /* below the number of components: the parser's rule */
	const char *fault = fault_of_name(t->value + 2, t->len - 2u);

	if (fault != NULL)
		return bad_text("component name", fault, e);
	memcpy(p->names[i], t->value + 2, t->len - 2u);
	p->names[i][t->len - 2] = '\0';
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->names[k], p->names[i]) == 0)
			return bad_text("component name", "belongs to two components", e);
	return 0;
}

int package_read_meta(struct package *p, struct err *e)
{
	struct imf_tlv t;
	uint32_t at = 0;
	int rc = 0;

	memset(&p->meta, 0, sizeof(p->meta));
	memset(p->names, 0, sizeof(p->names));
	while (rc == 0 && imf_manifest_tlv(&p->manifest, &at, &t)) {
		if (t.type == IMF_TLV_BUILD_DATE)
			rc = read_date(&p->meta, &t, e);
		else if (t.type == IMF_TLV_COMPONENT_NAME)
			rc = read_name(p, &t, e);
		else
			rc = read_text(&p->meta, &t, e);
	}
	return rc;
}

/* ---- into a manifest ---- */

int package_append_meta(struct buf *b, const struct package_spec *s, struct err *e)
{
	struct package_meta m = s->meta;
	uint8_t date[8], name[2 + IMF_COMPONENT_NAME_MAX];
	int rc = 0;

	imf_put_le32(date, (uint32_t)m.date);
	imf_put_le32(date + 4, (uint32_t)(m.date >> 32));
	/* The rows are in the order of their types, and the date goes before the notes. */
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(texts); i++) {
		const char *text = text_of(&m, &texts[i]);

		if (texts[i].type > IMF_TLV_BUILD_DATE && m.has_date)
			rc = package_append_tlv(b, IMF_TLV_BUILD_DATE, date, sizeof(date), e);
		if (rc == 0 && text[0] != '\0')
			rc = package_append_tlv(b, texts[i].type, text, strlen(text), e);
	}
	for (size_t i = 0; rc == 0 && i < s->n_items; i++) {
		const char *text = s->items[i].name;

		if (text == NULL)
			continue;
		imf_put_le16(name, (uint16_t)i);
		memcpy(name + 2, text, strlen(text));
		rc = package_append_tlv(b, IMF_TLV_COMPONENT_NAME, name, 2 + strlen(text), e);
	}
	return rc;
}
