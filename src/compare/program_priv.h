/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_priv.h - what the readers of symbols and of debug information share
 */
#ifndef STMOTA_COMPARE_PROGRAM_PRIV_H
#define STMOTA_COMPARE_PROGRAM_PRIV_H

#include <stmota/elf_file.h>
#include <stmota/program.h>

/*
 * Makes room for item `n` of an array that grows one by one; `items` is the address of its pointer.
 * False: no memory, the array stays.
 */
bool program_room(void *items, size_t n, size_t item_size);

/*
 * Gives the variables of `p` their types and source lines, as far as the debug information knows
 * them. Missing or damaged debug information is no failure. ERR_NOMEM.
 */
int program_read_types(struct program *p, const struct elf_file *f, struct err *e);

#endif
