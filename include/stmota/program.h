/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - a linked program as its symbols and debug information describe it
 *
 * What `compare` needs of an ELF file: variables in RAM with their types, down to each field, and
 * what takes how much flash. Symbols come by libelf, types and source lines by libdw.
 */
#ifndef STMOTA_PROGRAM_H
#define STMOTA_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/cleanup.h>
#include <stmota/err.h>
#include <stmota/textpool.h>

enum program_place {
	PROGRAM_VARIABLE, /* in RAM */
	PROGRAM_RAM_CODE, /* a function in RAM */
	PROGRAM_FLASH,    /* code or constant */
};

/* One scalar inside a type, or an array of scalars. */
struct program_field {
	const char *path;   /* ".queue[8].head"; "" if the whole variable is one scalar */
	const char *type;   /* "short unsigned int", "pointer to struct node", "4 of char" */
	const char *values; /* of an enumeration: "0=OFF\n1=ON\n"; NULL for all others */
	uint64_t bit;       /* offset from the start of the variable, in bits */
	uint64_t bits;      /* size */
	bool code_pointer;  /* points to a function */
};

struct program_type {
	uint64_t id;                  /* where the debug information describes it */
	const char *name;             /* "struct node", "" for one without a name */
	uint64_t size;                /* bytes */
	bool cut;                     /* it has more fields than are kept: compared by size only */
	bool by_pointer;              /* some variable reaches it through a pointer */
	struct program_field *fields; /* owned */
	size_t n;
};

struct program_symbol {
	const char *name; /* without what compilers append to tell copies apart: ".1234" */
	const char *unit; /* source file of a symbol that other files do not see; else "" */
	enum program_place place;
	uint32_t addr;                   /* Thumb bit cleared */
	uint32_t size;                   /* bytes, never 0 */
	const char *file;                /* where it is declared; "" if nobody says */
	int line;                        /* likewise; 0 */
	const struct program_type *type; /* NULL: no debug information about it */
	const uint8_t *init;             /* `size` bytes in the file; NULL: starts as zeros */
};

struct program_section { /* one that the device holds */
	const char *name;
	uint32_t addr, size;
	bool in_ram;
	bool executable;
	const uint8_t *bytes; /* `size` bytes in the file; NULL: starts as zeros */
	uint32_t unnamed;     /* bytes of it that belong to no symbol */
};

struct program {                        /* borrows the bytes that it was read from */
	struct program_symbol *symbols; /* owned; by name, unit, address */
	size_t n_symbols;
	struct program_section *sections; /* owned; as in the file */
	size_t n_sections;
	struct program_type **types; /* owned; in the order they were met */
	size_t n_types;
	bool has_types;        /* there is debug information about some variable */
	bool has_units;        /* it says which file a symbol of one file is from */
	uint32_t heap;         /* where the C library's heap begins, 0: no such symbol */
	bool allocates;        /* it contains a memory allocator */
	uint64_t flash, ram;   /* bytes of all sections, initial values count in both */
	struct textpool texts; /* all names */
};

#define PROGRAM_INIT ((struct program){0})

/*
 * Reads a linked 32-bit ARM program.
 *
 * data, len  the file; must stay while `ret` is used
 * ret        empty; release with program_done()
 *
 * ERR_FORMAT (no such file, damaged), ERR_UNSUPPORTED (without symbols), ERR_NOMEM. Debug
 * information that is missing is no failure, see has_types; damaged one is left out.
 */
int program_read(const uint8_t *data, size_t len, struct program *ret, struct err *e);

/* NULL: there is no section of this name in flash or RAM. */
const struct program_section *program_section(const struct program *p, const char *name);

void program_done(struct program *p);

#define cleanup_program CLEANUP(program_done)

#endif
