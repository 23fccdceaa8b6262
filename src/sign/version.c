/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.c - versions as text
 */
#include <stmota/version.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool field(const char **text, uint64_t max, uint64_t *ret)
{
	const char *p = *text;
	uint64_t v = 0;

	/* One spelling for one number: no leading zeros. */
	if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit((unsigned char)p[1])))
		return false;
	while (isdigit((unsigned char)*p)) {
		v = v * 10 + (uint64_t)(*p++ - '0');
		if (v > max)
			return false;
	}
	*text = p;
	*ret = v;
	return true;
}

static int refuse(const char *text, struct err *e)
{
	const char *tag = strchr(text, '-');

	if (tag != NULL && isdigit((unsigned char)text[0])) {
		err_set(e, ERR_USAGE, "version '%s' has a pre-release tag", text);
		return err_hint(e,
			"a version is MAJOR.MINOR.REVISION+BUILD, numbers only: say which "
			"build it is as +N, such as 1.2.3+4");
	}
	err_set(e, ERR_USAGE, "'%s' is not a version", text);
	return err_hint(e, "a version is MAJOR.MINOR.REVISION+BUILD, such as 1.2.3+4: at most "
			   "255.255.65535+4294967295, no leading zeros");
}

int version_parse(const char *text, struct imf_version *ret, struct err *e)
{
	const char *p = text;
	uint64_t major = 0, minor = 0, revision = 0, build = 0;

	if (!field(&p, UINT8_MAX, &major))
		return refuse(text, e);
	if (*p == '.' && (p++, !field(&p, UINT8_MAX, &minor)))
		return refuse(text, e);
	if (*p == '.' && (p++, !field(&p, UINT16_MAX, &revision)))
		return refuse(text, e);
	if (*p == '+' && (p++, !field(&p, UINT32_MAX, &build)))
		return refuse(text, e);
	if (*p != '\0')
		return refuse(text, e);
	*ret = (struct imf_version){.major = (uint8_t)major,
		.minor = (uint8_t)minor,
		.revision = (uint16_t)revision,
		.build = (uint32_t)build};
	return 0;
}

const char *version_format(struct imf_version v, char ret[VERSION_TEXT_SIZE])
{
	int n = snprintf(ret, VERSION_TEXT_SIZE, "%u.%u.%u", v.major, v.minor, v.revision);

	if (v.build != 0)
		snprintf(ret + n, VERSION_TEXT_SIZE - (size_t)n, "+%u", (unsigned)v.build);
	return ret;
}
