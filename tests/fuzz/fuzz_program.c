/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_program.c - any bytes as a program with symbols and debug information, compared with itself */
#include <stdlib.h>
#include <string.h>

#include <stmota/compare.h>

#include "fuzz_image.h"

static void check_symbols(const struct program *p)
{
	for (size_t i = 0; i < p->n_symbols; i++) {
		const struct program_symbol *s = &p->symbols[i];

		must(s->size > 0 && (uint64_t)s->addr + s->size <= (uint64_t)1 << 32);
		must(s->type == NULL || s->type->size == s->size);
		for (const char *c = s->name; *c != '\0'; c++)
			must(*c >= ' ' && *c <= '~');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_program struct program p = PROGRAM_INIT;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	struct err e = ERR_INIT;
	int rc = program_read(data, size, &p, &e);

	must((rc == 0) == (e.code == ERR_NONE));
	if (rc < 0) {
		must(p.symbols == NULL && e.msg[0] != '\0');
		return 0;
	}
	check_symbols(&p);
	must(compare_programs(&p, &p, &c, &e) == 0);
	must(c.severity == COMPARE_SAME && c.n_changes == 0 && c.n_growth == 0);
	return 0;
}
