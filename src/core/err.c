/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err_code code;
	const char *name;
	int exit_status;
	bool transient;
} codes[] = {
	{ERR_NONE, "ok", 0, false},
	{ERR_FAILED, "failed", 1, false},
	{ERR_NOMEM, "no-memory", 1, false},
	{ERR_IO, "io", 1, false},
	{ERR_USAGE, "usage", 2, false},
	{ERR_CONFIG, "configuration", 2, false},
	{ERR_FORMAT, "format", 1, false},
	{ERR_UNSUPPORTED, "unsupported", 1, false},
	{ERR_LINK, "link", 3, false},
	{ERR_BUSY, "busy", 3, false},
	{ERR_TIMEOUT, "timeout", 3, true},
	{ERR_NACK, "nack", 3, true},
	{ERR_PROTOCOL, "protocol", 3, true},
	{ERR_IDENTITY, "identity", 4, false},
	{ERR_PROTECTED, "protected", 5, false},
	{ERR_NO_FIT, "does-not-fit", 6, false},
	{ERR_SIGNATURE, "signature", 7, false},
	{ERR_DOWNGRADE, "downgrade", 8, false},
	{ERR_VERIFY, "verify", 9, false},
	{ERR_UNFINISHED, "unfinished", 10, false},
	{ERR_SOME_FAILED, "some-failed", 11, false},
	{ERR_NETWORK, "network", 12, false},
	{ERR_INTERRUPTED, "interrupted", 130, false},
	{ERR_SEVERITY_1, "severity-1", 21, false},
	{ERR_SEVERITY_2, "severity-2", 22, false},
	{ERR_SEVERITY_3, "severity-3", 23, false},
	{ERR_SEVERITY_4, "severity-4", 24, false},
	{ERR_DAMAGED, "damaged", 7, false},
};

/* Callers that pass no struct err still get the right code through err_hint() and its kin. */
static _Thread_local enum err_code latest;

static int code_index(enum err_code code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return (int)i;
	return 1;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;

	latest = code;
	if (e == NULL)
		return code;
	/* The arguments may point into e->msg. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*e = ERR_INIT;
	e->code = code;
	memcpy(e->msg, text, sizeof(text));
	return code;
}

int err_set_errno(struct err *e, enum err_code code, int errno_value, const char *fmt, ...)
{
	char text[sizeof(e->msg) / 2];
	va_list ap;

	latest = code;
	if (e == NULL)
		return code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, code, "%s: %s", text, strerror(errno_value));
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char text[2 * sizeof(e->msg)];
	va_list ap;
	size_t len;

	if (e == NULL)
		return latest;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(e->msg), fmt, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", e->msg);
	memcpy(e->msg, text, sizeof(e->msg) - 1);
	e->msg[sizeof(e->msg) - 1] = '\0';
	return e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->hint)];
	va_list ap;

	if (e == NULL)
		return latest;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(e->hint, text, sizeof(text));
	return e->code;
}

int err_at(struct err *e, uint32_t addr)
{
	if (e == NULL)
		return latest;
	e->addr = addr;
	return e->code;
}

void err_clear(struct err *e)
{
	if (e != NULL)
		*e = ERR_INIT;
}

int err_exit_status(enum err_code code)
{
	return codes[code_index(code)].exit_status;
}

const char *err_code_name(enum err_code code)
{
	return codes[code_index(code)].name;
}

bool err_is_transient(enum err_code code)
{
	return codes[code_index(code)].transient;
}
