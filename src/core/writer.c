/* SPDX-License-Identifier: Apache-2.0 */
#include "writer_priv.h"

#include <stdarg.h>
#include <stdio.h>

void writer_put(struct writer *w, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n;

	if (w->rc < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		w->rc = err_set(w->e, ERR_FAILED, "text of %d bytes is too long", n);
	else
		w->rc = buf_append(w->to, text, (size_t)n, w->e);
}
