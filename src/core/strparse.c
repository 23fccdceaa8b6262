/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/strparse.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_S (UINT64_C(10) * 366 * 86400)

static int number(const char *text, int base, uint64_t max, uint64_t *ret, const char **ret_end,
	struct err *e)
{
	char *end;
	unsigned long long v;

	/* strtoull() would take blanks and signs. */
	if (!isxdigit((unsigned char)text[0]))
		return err_set(e, ERR_USAGE, "'%s' is not a number", text);
	errno = 0;
	v = strtoull(text, &end, base);
	if (errno != 0 || v > max)
		return err_set(e, ERR_USAGE, "'%s' is too large", text);
	if (end == text)
		return err_set(e, ERR_USAGE, "'%s' is not a number", text);
	*ret = v;
	*ret_end = end;
	return 0;
}

static int decimal_or_hex(const char *text, uint64_t *ret, const char **ret_end, struct err *e)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	if (hex && !isxdigit((unsigned char)text[2]))
		return err_set(e, ERR_USAGE, "'%s' is not a number", text);
	if (!isdigit((unsigned char)text[0]))
		return err_set(e, ERR_USAGE, "'%s' is not a number", text);
	return number(text, hex ? 16 : 10, UINT32_MAX, ret, ret_end, e);
}

int parse_u32(const char *text, uint32_t *ret, struct err *e)
{
	uint64_t v = 0;
	const char *end = NULL;
	int rc = decimal_or_hex(text, &v, &end, e);

	if (rc < 0)
		return rc;
	if (*end == 'K' || *end == 'k') {
		v <<= 10;
		end++;
	} else if (*end == 'M' || *end == 'm') {
		v <<= 20;
		end++;
	}
	if (*end != '\0')
		return err_set(e, ERR_USAGE, "'%s' is not a number", text);
	if (v > UINT32_MAX)
		return err_set(e, ERR_USAGE, "'%s' is too large", text);
	*ret = (uint32_t)v;
	return 0;
}

int parse_u32_range(const char *text, uint32_t min, uint32_t max, uint32_t *ret, struct err *e)
{
	uint32_t v = 0;
	int rc = parse_u32(text, &v, e);

	if (rc < 0)
		return rc;
	if (v < min || v > max)
		return err_set(e, ERR_USAGE, "'%s' is not within %u..%u", text, min, max);
	*ret = v;
	return 0;
}

int parse_pid(const char *text, uint16_t *ret, struct err *e)
{
	uint64_t v = 0;
	const char *end = NULL;
	int rc = number(text, 16, 0xFFF, &v, &end, e);

	if (rc < 0)
		return rc;
	if (*end != '\0')
		return err_set(e, ERR_USAGE, "'%s' is not a product ID such as 0x413", text);
	*ret = (uint16_t)v;
	return 0;
}

int parse_span(const char *text, struct span *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	char addr_text[32];
	struct span s = {0};
	int rc;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(addr_text))
		return err_set(e, ERR_USAGE, "'%s' is not ADDR:LEN", text);
	memcpy(addr_text, text, (size_t)(colon - text));
	addr_text[colon - text] = '\0';
	rc = parse_u32(addr_text, &s.addr, e);
	if (rc < 0)
		return rc;
	rc = parse_u32(colon + 1, &s.len, e);
	if (rc < 0)
		return rc;
	if (s.len == 0 || span_end(s) > (uint64_t)1 << 32)
		return err_set(e, ERR_USAGE, "'%s' is an impossible range", text);
	*ret = s;
	return 0;
}

int parse_duration(const char *text, uint64_t *ret_s, struct err *e)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t n = 0;
	char *end = NULL;

	if (strcmp(text, "0") == 0) {
		*ret_s = 0;
		return 0;
	}
	errno = 0;
	if (isdigit((unsigned char)text[0]))
		n = strtoull(text, &end, 10);
	for (size_t i = 0; end != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
		if (end[0] != units[i].letter || end[1] != '\0')
			continue;
		if (errno != 0 || n > DURATION_MAX_S / units[i].seconds)
			return err_set(e, ERR_USAGE, "'%s' is too long a time", text);
		*ret_s = n * units[i].seconds;
		return 0;
	}
	err_set(e, ERR_USAGE, "'%s' is not a time", text);
	return err_hint(e, "a number and its unit: 90s, 30m, 1h, 2d");
}

bool parse_hex(const void *text, size_t len, uint8_t *ret, size_t n)
{
	const uint8_t *p = text;

	if (len % 2 != 0 || len / 2 != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(p[2 * i]), low = hex_value(p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int parse_u16_pair(const char *text, uint16_t *ret_min, uint16_t *ret_max, struct err *e)
{
	const char *dots = strstr(text, "..");
	char min_text[16];
	uint32_t min = 0, max = 0;
	size_t len = dots != NULL ? (size_t)(dots - text) : strlen(text);
	int rc;

	if (len >= sizeof(min_text))
		return err_set(e, ERR_USAGE, "'%s' is not MIN..MAX", text);
	memcpy(min_text, text, len);
	min_text[len] = '\0';
	rc = parse_u32_range(min_text, 0, UINT16_MAX, &min, e);
	if (rc < 0)
		return rc;
	rc = parse_u32_range(dots != NULL ? dots + 2 : min_text, 0, UINT16_MAX, &max, e);
	if (rc < 0)
		return rc;
	if (min > max)
		return err_set(e, ERR_USAGE, "'%s' begins above its end", text);
	*ret_min = (uint16_t)min;
	*ret_max = (uint16_t)max;
	return 0;
}
