/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_file.h - a linked 32-bit ARM program, opened with libelf
 *
 * Only what every reader of such a file must know first; the rest is libelf's.
 */
#ifndef STMOTA_ELF_FILE_H
#define STMOTA_ELF_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <gelf.h>
#include <libelf.h>

#include <stmota/cleanup.h>
#include <stmota/err.h>

struct elf_file {
	const uint8_t *data; /* borrowed */
	size_t len;
	Elf *elf;
	GElf_Ehdr eh;
};

/*
 * Opens the bytes of a file, which must stay. Release with elf_file_done().
 * ERR_FORMAT: no ELF file, another machine, not linked, a damaged header.
 */
int elf_file_open(const uint8_t *data, size_t len, struct elf_file *ret, struct err *e);

void elf_file_done(struct elf_file *f);

#endif
