/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_url.c - takes device URLs apart
 */
#include <stmota/device_url.h>

#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/link_i2c.h>
#include <stmota/strparse.h>

#define TIME_MAX_MS 60000

static const struct {
	const char *name;
	enum device_scheme scheme;
} schemes[] = {
	{"uart", DEVICE_UART},
	{"i2c", DEVICE_I2C},
	{"dfu", DEVICE_DFU},
	{"ymodem", DEVICE_YMODEM},
	{"tcp", DEVICE_TCP},
};

static int set_alt(const char *value, struct device_url *u, struct err *e)
{
	u->has_alt = true;
	return parse_u32_range(value, 0, 255, &u->alt, e);
}

static int set_baud(const char *value, struct device_url *u, struct err *e)
{
	return parse_u32_range(value, 1200, 12000000, &u->baud, e);
}

static int set_max(const char *value, struct device_url *u, struct err *e)
{
	return parse_u32_range(value, 8, 8192, &u->i2c_max, e);
}

static int set_boot0(const char *value, struct device_url *u, struct err *e)
{
	return entry_pin_parse(value, &u->entry.boot0, e);
}

static int set_nrst(const char *value, struct device_url *u, struct err *e)
{
	return entry_pin_parse(value, &u->entry.nrst, e);
}

static int set_before(const char *value, struct device_url *u, struct err *e)
{
	if (value[0] == '\0' || strlen(value) >= sizeof(u->before))
		return err_set(e, ERR_USAGE, "'%.60s' is not an entry recipe", value);
	memcpy(u->before, value, strlen(value) + 1);
	return 0;
}

static int set_playbook(const char *value, struct device_url *u, struct err *e)
{
	if (value[0] == '\0' || strlen(value) >= sizeof(u->playbook))
		return err_set(e, ERR_USAGE, "'%.60s' is no name of a playbook", value);
	memcpy(u->playbook, value, strlen(value) + 1);
	return 0;
}

static int set_banks(const char *value, struct device_url *u, struct err *e)
{
	if (strcmp(value, "single") == 0)
		u->banks = CHIP_BANKS_FORCE_SINGLE;
	else if (strcmp(value, "dual") == 0)
		u->banks = CHIP_BANKS_FORCE_DUAL;
	else
		return err_set(e, ERR_USAGE, "'%s' is neither single nor dual", value);
	return 0;
}

static int set_reset_ms(const char *value, struct device_url *u, struct err *e)
{
	return parse_u32_range(value, 1, TIME_MAX_MS, &u->entry.reset_ms, e);
}

static int set_settle_ms(const char *value, struct device_url *u, struct err *e)
{
	return parse_u32_range(value, 0, TIME_MAX_MS, &u->entry.settle_ms, e);
}

static int set_boot_ms(const char *value, struct device_url *u, struct err *e)
{
	return parse_u32_range(value, 0, TIME_MAX_MS, &u->entry.boot_ms, e);
}

static const struct {
	const char *name;
	int (*set)(const char *value, struct device_url *u, struct err *e);
	unsigned schemes; /* bit set; 0: all */
} keys[] = {
	{"baud", set_baud, 1u << DEVICE_UART | 1u << DEVICE_YMODEM},
	{"alt", set_alt, 1u << DEVICE_DFU},
	{"playbook", set_playbook, 1u << DEVICE_YMODEM | 1u << DEVICE_TCP},
	{"max", set_max, 1u << DEVICE_I2C},
	{"boot0", set_boot0},
	{"nrst", set_nrst},
	{"before", set_before},
	{"banks", set_banks},
	{"reset_ms", set_reset_ms},
	{"settle_ms", set_settle_ms},
	{"boot_ms", set_boot_ms},
};

static size_t scheme_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-");
}

bool device_url_is_url(const char *text)
{
	size_t n = scheme_len(text);

	return (n > 0 && text[n] == ':') || text[0] == '/';
}

/* One "key=value"; `text` may be cut into. */
static int take_option(char *text, struct device_url *u, struct err *e)
{
	char *value = strchr(text, '=');

	if (value == NULL)
		return err_set(e, ERR_USAGE, "'%s' is not KEY=VALUE", text);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(text, keys[i].name) != 0)
			continue;
		if (keys[i].schemes != 0 && (keys[i].schemes & 1u << u->scheme) == 0)
			break;
		if (keys[i].set(value, u, e) < 0)
			return err_wrap(e, "%s", text);
		return 0;
	}
	err_set(e, ERR_USAGE, "unknown key '%s'", text);
	err_hint(e, "keys are %sboot0, nrst, before, banks, reset_ms, settle_ms, boot_ms",
		u->scheme == DEVICE_I2C   ? "max, "
		: u->scheme == DEVICE_YMODEM ? "playbook, baud, "
		: u->scheme == DEVICE_TCP    ? "playbook, "
		: u->scheme == DEVICE_DFU ? "alt, "
					  : "baud, ");
	return ERR_USAGE;
}

static int take_scheme(const char *text, size_t len, enum device_scheme *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strlen(schemes[i].name) != len || memcmp(schemes[i].name, text, len) != 0)
			continue;
		*ret = schemes[i].scheme;
		return 0;
	}
	if (text[0] == '/') {
		err_set(e, ERR_USAGE, "a scheme is missing");
		err_hint(e, "write uart:%s", text);
		return ERR_USAGE;
	}
	err_set(e, ERR_USAGE, "unknown scheme");
	err_hint(e,
		"a device is written uart:/dev/ttyUSB0, or as the NAME of a [device NAME] section");
	return ERR_USAGE;
}

/* The path may end in "@0x4a". Hexadecimal only, as data sheets and i2cdetect print it. */
static int take_i2c_addr(struct device_url *u, struct err *e)
{
	char *at = strrchr(u->path, '@');
	uint32_t addr = 0;

	if (at == NULL)
		return 0;
	*at++ = '\0';
	if (strncmp(at, "0x", 2) != 0 ||
		parse_u32_range(at, I2C_ADDR_MIN, I2C_ADDR_MAX, &addr, NULL) < 0) {
		err_set(e, ERR_USAGE, "'%s' is no I2C address", at);
		return err_hint(e, "it is written @0x%02x to @0x%02x: 7 bit, without the direction",
			I2C_ADDR_MIN, I2C_ADDR_MAX);
	}
	if (u->path[0] == '\0')
		return err_set(e, ERR_USAGE, "the path is missing");
	u->i2c_addr = (uint8_t)addr;
	return 0;
}

static int parse(const char *text, struct device_url *u, struct err *e)
{
	size_t n, len;
	char options[256];
	char *next;
	int rc;

	/* The long way to say it: what is behind a server is an updater. */
	if (strncmp(text, "ymodem:tcp:", strlen("ymodem:tcp:")) == 0)
		text += strlen("ymodem:");
	n = scheme_len(text);
	rc = take_scheme(text, n, &u->scheme, e);
	if (rc < 0)
		return rc;
	if (text[n] != ':')
		return err_set(e, ERR_USAGE, "no ':' behind the scheme");
	text += n + 1;
	len = strcspn(text, "?,");
	if (len == 0 && u->scheme != DEVICE_DFU)
		return err_set(e, ERR_USAGE, "the path is missing");
	if (len >= sizeof(u->path))
		return err_set(e, ERR_USAGE, "the path is too long");
	memcpy(u->path, text, len);
	if (u->scheme == DEVICE_I2C) {
		rc = take_i2c_addr(u, e);
		if (rc < 0)
			return rc;
	}
	text += len;
	if (u->scheme == DEVICE_DFU) {
		rc = usb_match_parse(u->path, &u->usb, e);
		if (rc < 0)
			return rc;
	}
	if (*text == '\0')
		return 0;
	text++;
	if (strlen(text) >= sizeof(options))
		return err_set(e, ERR_USAGE, "the options are too long");
	snprintf(options, sizeof(options), "%s", text);
	for (char *p = options; p != NULL; p = next) {
		next = strpbrk(p, "&,");
		if (next != NULL)
			*next++ = '\0';
		rc = take_option(p, u, e);
		if (rc < 0)
			return rc;
	}
	if (u->entry.boot0.wire != ENTRY_WIRE_NONE && u->entry.boot0.wire == u->entry.nrst.wire &&
		strcmp(u->entry.boot0.gpio, u->entry.nrst.gpio) == 0)
		return err_set(e, ERR_USAGE, "boot0 and nrst name the same line");
	return 0;
}

int device_url_parse(const char *text, struct device_url *ret, struct err *e)
{
	struct device_url u = {.entry = ENTRY_INIT};

	if (parse(text, &u, e) < 0)
		return err_wrap(e, "device '%.80s'", text);
	*ret = u;
	return 0;
}
