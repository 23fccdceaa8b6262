/* SPDX-License-Identifier: Apache-2.0 */
#include "program_priv.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

/* A program for a microcontroller has a few thousand symbols. */
#define SYMBOLS_MAX 1000000u

bool program_room(void *items, size_t n, size_t item_size)
{
	void **v = items;
	void *grown;

	if ((n & (n - 1)) != 0)
		return true;
	grown = reallocarray(*v, n == 0 ? 1 : 2 * n, item_size);
	if (grown == NULL)
		return false;
	*v = grown;
	return true;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- sections ---- */

/* Where an STM32 has flash, its own or a memory-mapped one behind QSPI. */
static bool is_flash(uint32_t addr)
{
	return (addr >= 0x08000000 && addr < 0x10000000) ||
	       (addr >= 0x90000000 && addr < 0xA0000000);
}

static bool is_ram(const GElf_Shdr *sh)
{
	uint32_t addr = (uint32_t)sh->sh_addr;

	if (is_flash(addr))
		return false;
	/* Below flash lie its alias at 0 and the ITCM RAM of some chips. */
	return addr >= 0x10000000 || (sh->sh_flags & SHF_WRITE) != 0;
}

/* The bytes of a section, NULL where the file has none of its own or claims more than it holds. */
static const uint8_t *bytes_of(const struct elf_file *f, const GElf_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS || sh->sh_offset > f->len ||
		sh->sh_size > f->len - sh->sh_offset)
		return NULL;
	return f->data + sh->sh_offset;
}

static int add_section(struct program *p, const struct elf_file *f, size_t index,
	const GElf_Shdr *sh, const char *name, struct err *e)
{
	struct program_section s = {
		.name = textpool_name(&p->texts, name),
		.addr = (uint32_t)sh->sh_addr,
		.size = (uint32_t)sh->sh_size,
		.in_ram = is_ram(sh),
		.executable = (sh->sh_flags & SHF_EXECINSTR) != 0,
		.bytes = bytes_of(f, sh),
	};

	if (sh->sh_addr + sh->sh_size > (uint64_t)1 << 32 || sh->sh_size > UINT32_MAX)
		return err_set(
			e, ERR_FORMAT, "section %zu passes the end of the address space", index);
	if (sh->sh_type != SHT_NOBITS && s.bytes == NULL)
		return err_set(e, ERR_FORMAT, "section %zu lies behind the end of the file", index);
	if (!program_room(&p->sections, p->n_sections, sizeof(s)))
		return no_memory(e);
	s.unnamed = s.size;
	p->sections[p->n_sections++] = s;
	p->flash += s.bytes != NULL ? s.size : 0;
	p->ram += s.in_ram ? s.size : 0;
	return 0;
}

static int read_sections(struct program *p, const struct elf_file *f, struct err *e)
{
	Elf_Scn *scn = NULL;
	size_t names = 0;
	GElf_Shdr sh;
	int rc = 0;

	elf_getshdrstrndx(f->elf, &names);
	while (rc == 0 && (scn = elf_nextscn(f->elf, scn)) != NULL)
		if (gelf_getshdr(scn, &sh) != NULL && (sh.sh_flags & SHF_ALLOC) != 0 &&
			sh.sh_size > 0)
			rc = add_section(p, f, elf_ndxscn(scn), &sh,
				elf_strptr(f->elf, names, sh.sh_name), e);
	return rc;
}

const struct program_section *program_section(const struct program *p, const char *name)
{
	for (size_t i = 0; i < p->n_sections; i++)
		if (strcmp(p->sections[i].name, name) == 0)
			return &p->sections[i];
	return NULL;
}

static struct program_section *section_of(struct program *p, uint32_t addr, uint32_t size)
{
	struct span wanted = {addr, size};

	for (size_t i = 0; i < p->n_sections; i++)
		if (span_contains((struct span){p->sections[i].addr, p->sections[i].size}, wanted))
			return &p->sections[i];
	return NULL;
}

/* ---- symbols ---- */

/* "count.5" and "sum.lto_priv.0" are the compiler's names for count and sum. */
static const char *plain_name(struct program *p, const char *name)
{
	size_t len = strlen(name), cut = 1 + strcspn(name + (len > 0), ".");

	if (len == 0 || cut >= len)
		return textpool_name(&p->texts, name);
	return textpool_name(&p->texts, textpool_printf(&p->texts, "%.*s", (int)cut, name));
}

/* Names by which the programs of the usual toolchains know heap and allocators. */
static void note_heap(struct program *p, const char *name, const GElf_Sym *sym)
{
	static const char *const heap[] = {"end", "_end", "__end__", "__heap_start"};
	static const char *const allocators[] = {"malloc", "_malloc_r", "pvPortMalloc", "k_malloc",
		"tx_byte_allocate", "_Znwj", "_sbrk"};

	for (size_t i = 0; i < ARRAY_LEN(heap); i++)
		if (strcmp(name, heap[i]) == 0 && GELF_ST_TYPE(sym->st_info) == STT_NOTYPE)
			p->heap = (uint32_t)sym->st_value;
	for (size_t i = 0; i < ARRAY_LEN(allocators); i++)
		p->allocates |= strcmp(name, allocators[i]) == 0;
}

static int add_symbol(
	struct program *p, const GElf_Sym *sym, const char *name, const char *unit, struct err *e)
{
	int type = GELF_ST_TYPE(sym->st_info);
	struct program_symbol s = {.addr = (uint32_t)sym->st_value, .size = (uint32_t)sym->st_size};
	struct program_section *sec;

	if (type == STT_FUNC)
		s.addr &= ~1u;
	if ((type != STT_OBJECT && type != STT_FUNC) || s.size == 0 ||
		sym->st_size > UINT32_MAX - s.addr)
		return 0;
	sec = section_of(p, s.addr, s.size);
	if (sec == NULL)
		return 0;
	if (p->n_symbols == SYMBOLS_MAX)
		return err_set(e, ERR_FORMAT, "more than %u symbols", SYMBOLS_MAX);
	s.name = plain_name(p, name);
	s.unit = GELF_ST_BIND(sym->st_info) == STB_LOCAL ? unit : "";
	p->has_units |= s.unit[0] != '\0';
	s.file = "";
	s.place = !sec->in_ram         ? PROGRAM_FLASH
		  : type == STT_OBJECT ? PROGRAM_VARIABLE
				       : PROGRAM_RAM_CODE;
	if (sec->bytes != NULL)
		s.init = sec->bytes + (s.addr - sec->addr);
	if (!program_room(&p->symbols, p->n_symbols, sizeof(s)))
		return no_memory(e);
	p->symbols[p->n_symbols++] = s;
	return 0;
}

static int read_table(struct program *p, const struct elf_file *f, Elf_Scn *scn,
	const GElf_Shdr *sh, struct err *e)
{
	Elf_Data *d = elf_getdata(scn, NULL);
	const char *unit = "";
	GElf_Sym sym;
	int rc = 0;

	for (int i = 0; rc == 0 && d != NULL && gelf_getsym(d, i, &sym) != NULL; i++) {
		const char *name = elf_strptr(f->elf, sh->sh_link, sym.st_name);

		if (name == NULL)
			continue;
		note_heap(p, name, &sym);
		if (GELF_ST_TYPE(sym.st_info) == STT_FILE)
			unit = textpool_name(&p->texts, name);
		else
			rc = add_symbol(p, &sym, name, unit, e);
	}
	return rc;
}

static int read_symbols(struct program *p, const struct elf_file *f, struct err *e)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	int rc = 0;

	while (rc == 0 && (scn = elf_nextscn(f->elf, scn)) != NULL)
		if (gelf_getshdr(scn, &sh) != NULL && sh.sh_type == SHT_SYMTAB)
			rc = read_table(p, f, scn, &sh, e);
	if (rc < 0 || p->n_symbols > 0)
		return rc;
	err_set(e, ERR_UNSUPPORTED, "it has no symbols: nothing says where its variables are");
	return err_hint(e, "take the ELF file as the linker wrote it, before 'strip'");
}

static int by_address(const void *va, const void *vb)
{
	const struct program_symbol *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	/* Of several names for one place, the one that all files see stands first. */
	if ((a->unit[0] == '\0') != (b->unit[0] == '\0'))
		return a->unit[0] == '\0' ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int by_name(const void *va, const void *vb)
{
	const struct program_symbol *a = va, *b = vb;
	int d = strcmp(a->name, b->name);

	if (d == 0)
		d = strcmp(a->unit, b->unit);
	return d != 0 ? d : by_address(va, vb);
}

/* Drops second names, and counts the bytes that have a name. */
static void keep_one_name(struct program *p)
{
	uint64_t named_to = 0;
	size_t n = 0;

	qsort(p->symbols, p->n_symbols, sizeof(*p->symbols), by_address);
	for (size_t i = 0; i < p->n_symbols; i++) {
		struct program_symbol s = p->symbols[i];
		uint64_t end = (uint64_t)s.addr + s.size, from = s.addr;
		struct program_section *sec = section_of(p, s.addr, s.size);

		if (n > 0 && p->symbols[n - 1].addr == s.addr && p->symbols[n - 1].size == s.size)
			continue;
		p->symbols[n++] = s;
		if (from < named_to)
			from = named_to;
		if (sec != NULL && end > from)
			sec->unnamed -= (uint32_t)(end - from);
		if (end > named_to)
			named_to = end;
	}
	p->n_symbols = n;
	qsort(p->symbols, p->n_symbols, sizeof(*p->symbols), by_name);
}

/* ---- the whole ---- */

int program_read(const uint8_t *data, size_t len, struct program *ret, struct err *e)
{
	CLEANUP(elf_file_done) struct elf_file f = {0};
	cleanup_program struct program p = PROGRAM_INIT;
	int rc = elf_file_open(data, len, &f, e);

	if (rc == 0)
		rc = read_sections(&p, &f, e);
	if (rc == 0)
		rc = read_symbols(&p, &f, e);
	if (rc < 0)
		return rc;
	keep_one_name(&p);
	rc = program_read_types(&p, &f, e);
	if (rc == 0 && p.texts.failed)
		rc = no_memory(e);
	if (rc < 0)
		return rc;
	*ret = p;
	p = PROGRAM_INIT;
	return 0;
}

void program_done(struct program *p)
{
	for (size_t i = 0; i < p->n_types; i++) {
		free(p->types[i]->fields);
		free(p->types[i]);
	}
	free(p->types);
	free(p->symbols);
	free(p->sections);
	textpool_done(&p->texts);
	*p = PROGRAM_INIT;
}
