/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/textpool.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_SHOWN 200

/* Room for one more is made whenever the number of texts is a power of two. */
static const char *keep(struct textpool *p, char *text)
{
	if (text != NULL && (p->n & (p->n - 1)) == 0) {
		char **v = realloc(p->v, (p->n == 0 ? 1 : 2 * p->n) * sizeof(*v));

		if (v == NULL) {
			free(text);
			text = NULL;
		} else {
			p->v = v;
		}
	}
	if (text == NULL) {
		p->failed = true;
		return "";
	}
	return p->v[p->n++] = text;
}

const char *textpool_printf(struct textpool *p, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return keep(p, text);
}

const char *textpool_name(struct textpool *p, const char *name)
{
	char shown[NAME_MAX_SHOWN + 1];
	size_t n = 0;

	for (; name != NULL && name[n] != '\0' && n < NAME_MAX_SHOWN; n++)
		shown[n] = name[n] >= ' ' && name[n] <= '~' ? name[n] : '?';
	shown[n] = '\0';
	return textpool_printf(p, "%s", shown);
}

void textpool_done(struct textpool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = TEXTPOOL_INIT;
}
