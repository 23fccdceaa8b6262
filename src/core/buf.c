/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/buf.h>

#include <stdlib.h>
#include <string.h>

int buf_reserve(struct buf *b, size_t extra, struct err *e)
{
	size_t cap = b->cap > 0 ? b->cap : 256;
	uint8_t *data;

	if (extra <= b->cap - b->len)
		return 0;
	if (extra > SIZE_MAX / 2 - b->len)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (cap < b->len + extra)
		cap *= 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_append(struct buf *b, const void *data, size_t len, struct err *e)
{
	int rc;

	if (len == 0)
		return 0;
	rc = buf_reserve(b, len, e);
	if (rc < 0)
		return rc;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

int buf_fill(struct buf *b, uint8_t value, size_t len, struct err *e)
{
	int rc;

	if (len == 0)
		return 0;
	rc = buf_reserve(b, len, e);
	if (rc < 0)
		return rc;
	memset(b->data + b->len, value, len);
	b->len += len;
	return 0;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}
