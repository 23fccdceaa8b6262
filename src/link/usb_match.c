/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usb_match.c - which USB device, as people write it: 0483:df11@SERIAL#1-1.4
 */
#include <stmota/usb.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int wrong(const char *text, const char *what, struct err *e)
{
	err_set(e, ERR_USAGE, "'%.80s': %s", text, what);
	return err_hint(
		e, "a USB device is written dfu:, dfu:0483:df11, dfu:@SERIAL or dfu:#1-1.4");
}

/* Up to four hexadecimal digits; the character behind them. */
static const char *take_id(const char *p, uint16_t *ret)
{
	unsigned v = 0, n = 0;

	for (; isxdigit((unsigned char)*p) && n < 4; p++, n++) {
		int c = tolower((unsigned char)*p);

		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = (uint16_t)v;
	return n > 0 ? p : NULL;
}

/* "1-1.4", or "1-@7" where a system tells no ports. */
static bool is_port(const char *p)
{
	size_t bus = strspn(p, "0123456789");

	return bus > 0 && bus <= 3 && p[bus] == '-' && p[bus + 1] != '\0' &&
	       strspn(p + bus + 1, "0123456789.@") == strlen(p + bus + 1);
}

int usb_match_parse(const char *text, struct usb_match *ret, struct err *e)
{
	struct usb_match m = {0};
	const char *p = text;
	size_t len;

	if (*p != '\0' && *p != '@' && *p != '#') {
		p = take_id(p, &m.vid);
		if (p != NULL && *p == ':')
			p = take_id(p + 1, &m.pid);
		else
			p = NULL;
		if (p == NULL || (*p != '\0' && *p != '@' && *p != '#'))
			return wrong(text, "no VID:PID, two hexadecimal numbers", e);
		m.has_id = true;
	}
	if (*p == '@') {
		len = strcspn(++p, "#");
		if (len == 0 || len >= sizeof(m.serial))
			return wrong(text, "no serial number behind '@'", e);
		memcpy(m.serial, p, len);
		p += len;
	}
	if (*p == '#') {
		if (!is_port(++p) || strlen(p) >= sizeof(m.port))
			return wrong(text, "no bus and port behind '#'", e);
		snprintf(m.port, sizeof(m.port), "%s", p);
	}
	*ret = m;
	return 0;
}
