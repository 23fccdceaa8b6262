/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pieces.c - the growing list behind pieces.h, limited because files come from outside
 */
#include "pieces.h"

#include <stdlib.h>

int pieces_add(struct pieces *p, uint32_t addr, const uint8_t *data, uint32_t len, struct err *e)
{
	struct segments_piece *last = p->n > 0 ? &p->v[p->n - 1] : NULL;

	if (len == 0)
		return 0;
	if (last != NULL && (uint64_t)last->addr + last->len == addr &&
		last->data + last->len == data && last->len <= UINT32_MAX - len) {
		last->len += len;
		return 0;
	}
	if (p->n == SEGMENTS_PIECES_MAX)
		return err_set(e, ERR_FORMAT, "more than %u separate pieces", SEGMENTS_PIECES_MAX);
	if (p->n == p->cap) {
		size_t cap = p->cap > 0 ? p->cap * 2 : 64;
		struct segments_piece *v = realloc(p->v, cap * sizeof(*v));

		if (v == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = (struct segments_piece){addr, len, data};
	return 0;
}

void pieces_done(struct pieces *p)
{
	free(p->v);
	*p = PIECES_INIT;
}
