/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_types.c - the types of a program's variables, from its DWARF debug information
 *
 * Every type becomes a flat list of scalars with path, offset and kind, because that is what two
 * builds are compared by. Names of types say nothing: a typedef may be renamed.
 */
#include "program_priv.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/buf.h>
#include <stmota/bytes.h>

#define DEPTH_MAX  40     /* of nested blocks or types */
#define FIELDS_MAX 4096u  /* of one type */
#define TYPES_MAX  20000u /* of one program */
#define VALUES_MAX 400u   /* of one enumeration */

struct place { /* a variable that has an address */
	uint32_t addr;
	const char *file;
	int line;
	struct program_type *type;
};

struct reader {
	struct program *p;
	Dwarf *dwarf;
	struct place *places; /* owned */
	size_t n_places;
	struct program_type **waiting; /* owned; reached by pointers, not read yet */
	size_t n_waiting;
	bool no_memory;
};

static void reader_done(struct reader *r)
{
	dwarf_end(r->dwarf);
	free(r->places);
	free(r->waiting);
}

/* ---- attributes ---- */

static bool type_attr(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die raw;

	if (dwarf_attr_integrate(die, DW_AT_type, &attr) == NULL ||
		dwarf_formref_die(&attr, &raw) == NULL)
		return false;
	/* typedef, const, volatile and their kin change no layout. */
	return dwarf_peel_type(&raw, ret) == 0;
}

static bool number_attr(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (dwarf_attr_integrate(die, name, &attr) == NULL || dwarf_formudata(&attr, &value) != 0)
		return false;
	*ret = value;
	return true;
}

static uint64_t size_of(Dwarf_Die *die)
{
	Dwarf_Word size = 0;

	return dwarf_aggregate_size(die, &size) == 0 ? size : 0;
}

static bool is_aggregate(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

static const char *text_of_type(struct reader *r, Dwarf_Die *die)
{
	static const struct {
		int tag;
		const char *word;
	} words[] = {
		{DW_TAG_structure_type, "struct "},
		{DW_TAG_class_type, "class "},
		{DW_TAG_union_type, "union "},
		{DW_TAG_enumeration_type, "enum "},
	};
	const char *name = dwarf_diename(die);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (dwarf_tag(die) == words[i].tag)
			return textpool_name(
				&r->p->texts, textpool_printf(&r->p->texts, "%s%s", words[i].word,
						      name != NULL ? name : "without name"));
	return textpool_name(&r->p->texts, name != NULL ? name : "value");
}

/* ---- types ---- */

static struct program_type *type_of(struct reader *r, Dwarf_Die *die, bool by_pointer);

static void add_field(struct reader *r, struct program_type *t, struct program_field f)
{
	if (t->n >= FIELDS_MAX) {
		t->cut = true;
		return;
	}
	if (!program_room(&t->fields, t->n, sizeof(f))) {
		r->no_memory = true;
		return;
	}
	t->fields[t->n++] = f;
}

/*
 * "0=OFF\n1=ON\n": a value that is renumbered means something else in RAM that is kept. The name
 * stands last, because a damaged file may have anything in it but a line end.
 */
static const char *values_of(struct reader *r, Dwarf_Die *die)
{
	cleanup_buf struct buf text = BUF_INIT;
	Dwarf_Die child;
	unsigned n = 0;

	if (dwarf_child(die, &child) != 0)
		return "";
	do {
		const char *name = dwarf_diename(&child), *one;
		Dwarf_Attribute attr;
		Dwarf_Sword value;

		if (dwarf_tag(&child) != DW_TAG_enumerator || name == NULL ||
			dwarf_attr(&child, DW_AT_const_value, &attr) == NULL ||
			dwarf_formsdata(&attr, &value) != 0)
			continue;
		one = textpool_printf(&r->p->texts, "%lld=%s\n", (long long)value,
			textpool_name(&r->p->texts, name));
		r->no_memory |= buf_append(&text, one, strlen(one), NULL) < 0;
	} while (++n < VALUES_MAX && dwarf_siblingof(&child, &child) == 0);
	return textpool_printf(&r->p->texts, "%.*s", (int)text.len, (const char *)text.data);
}

/* Elements of an array, all dimensions multiplied; 0: unknown. */
static uint64_t elements_of(Dwarf_Die *die)
{
	uint64_t all = 1, n;
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return 0;
	do {
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (!number_attr(&child, DW_AT_count, &n)) {
			if (!number_attr(&child, DW_AT_upper_bound, &n) || n > UINT32_MAX)
				return 0;
			n++;
		}
		if (n > UINT32_MAX || all > UINT32_MAX)
			return 0;
		all *= n;
	} while (dwarf_siblingof(&child, &child) == 0);
	return all;
}

static void walk(struct reader *r, struct program_type *t, Dwarf_Die *die, const char *path,
	uint64_t bit, unsigned depth);

static struct program_field pointer_field(struct reader *r, Dwarf_Die *die)
{
	struct program_field f = {.type = "pointer"};
	Dwarf_Die to;

	if (!type_attr(die, &to))
		return f;
	if (dwarf_tag(&to) == DW_TAG_subroutine_type) {
		f.code_pointer = true;
		f.type = "pointer to a function";
		return f;
	}
	if (is_aggregate(&to))
		type_of(r, &to, true);
	f.type = textpool_printf(&r->p->texts, "pointer to %s", text_of_type(r, &to));
	return f;
}

static struct program_field scalar_field(struct reader *r, Dwarf_Die *die)
{
	struct program_field f = {0};

	switch (dwarf_tag(die)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
	case DW_TAG_ptr_to_member_type: return pointer_field(r, die);
	case DW_TAG_enumeration_type: f.values = values_of(r, die); break;
	default: break;
	}
	f.type = text_of_type(r, die);
	return f;
}

static void walk_array(struct reader *r, struct program_type *t, Dwarf_Die *die, const char *path,
	uint64_t bit, unsigned depth)
{
	struct program_field f = {.path = path, .bit = bit, .bits = 8 * size_of(die)};
	uint64_t n = elements_of(die);
	Dwarf_Die item;

	if (!type_attr(die, &item))
		return;
	f.path = textpool_printf(&r->p->texts, "%s[%llu]", path, (unsigned long long)n);
	if (!is_aggregate(&item) && dwarf_tag(&item) != DW_TAG_array_type) {
		struct program_field one = scalar_field(r, &item);

		f.type = one.type;
		f.values = one.values;
		f.code_pointer = one.code_pointer;
		add_field(r, t, f);
		return;
	}
	f.type = textpool_printf(
		&r->p->texts, "items of %llu bytes", (unsigned long long)size_of(&item));
	add_field(r, t, f);
	walk(r, t, &item, textpool_printf(&r->p->texts, "%s[]", path), bit, depth + 1);
}

/* Where a member begins: bit fields count from the low end, in both of DWARF's notations. */
static uint64_t member_bit(Dwarf_Die *die, uint64_t width)
{
	uint64_t byte = 0, bit = 0, storage = 0;

	if (number_attr(die, DW_AT_data_bit_offset, &bit))
		return bit;
	number_attr(die, DW_AT_data_member_location, &byte);
	if (number_attr(die, DW_AT_bit_offset, &bit) &&
		number_attr(die, DW_AT_byte_size, &storage) && 8 * storage >= bit + width)
		return 8 * byte + 8 * storage - bit - width;
	return 8 * byte;
}

static void walk_member(struct reader *r, struct program_type *t, Dwarf_Die *member,
	const char *path, uint64_t bit, unsigned depth)
{
	const char *name = dwarf_diename(member);
	uint64_t width = 0;
	Dwarf_Die type;
	size_t first = t->n;

	if (!type_attr(member, &type))
		return;
	if (dwarf_tag(member) == DW_TAG_inheritance)
		path = textpool_printf(&r->p->texts, "%s.(%s)", path, text_of_type(r, &type));
	else if (name != NULL)
		path = textpool_printf(
			&r->p->texts, "%s.%s", path, textpool_name(&r->p->texts, name));
	number_attr(member, DW_AT_bit_size, &width);
	walk(r, t, &type, path, bit + member_bit(member, width), depth + 1);
	if (width != 0 && t->n == first + 1)
		t->fields[first].bits = width;
}

static void walk_aggregate(struct reader *r, struct program_type *t, Dwarf_Die *die,
	const char *path, uint64_t bit, unsigned depth)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);

		/* A static member of a class lies elsewhere. */
		if ((tag == DW_TAG_member && !dwarf_hasattr(&child, DW_AT_external)) ||
			tag == DW_TAG_inheritance)
			walk_member(r, t, &child, path, bit, depth);
	} while (!t->cut && dwarf_siblingof(&child, &child) == 0);
}

static void walk(struct reader *r, struct program_type *t, Dwarf_Die *die, const char *path,
	uint64_t bit, unsigned depth)
{
	if (depth > DEPTH_MAX) {
		t->cut = true;
	} else if (is_aggregate(die)) {
		walk_aggregate(r, t, die, path, bit, depth);
	} else if (dwarf_tag(die) == DW_TAG_array_type) {
		walk_array(r, t, die, path, bit, depth);
	} else {
		struct program_field f = scalar_field(r, die);

		f.path = path;
		f.bit = bit;
		f.bits = 8 * size_of(die);
		add_field(r, t, f);
	}
}

static struct program_type *find_type(const struct program *p, uint64_t id)
{
	for (size_t i = p->n_types; i-- > 0;)
		if (p->types[i]->id == id)
			return p->types[i];
	return NULL;
}

/*
 * The type that `die` describes; fields follow later (read_waiting()), so that types that point
 * to each other end.
 */
static struct program_type *type_of(struct reader *r, Dwarf_Die *die, bool by_pointer)
{
	struct program *p = r->p;
	struct program_type *t = find_type(p, dwarf_dieoffset(die));

	if (t != NULL || p->n_types == TYPES_MAX) {
		if (t != NULL)
			t->by_pointer |= by_pointer;
		return t;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL || !program_room(&p->types, p->n_types, sizeof(struct program_type *)) ||
		!program_room(&r->waiting, r->n_waiting, sizeof(struct program_type *))) {
		free(t);
		r->no_memory = true;
		return NULL;
	}
	t->id = dwarf_dieoffset(die);
	t->name = dwarf_diename(die) != NULL ? text_of_type(r, die) : "";
	t->size = size_of(die);
	t->by_pointer = by_pointer;
	p->types[p->n_types++] = t;
	r->waiting[r->n_waiting++] = t;
	return t;
}

/* The list grows while it is walked: by what pointers reach. */
static void read_waiting(struct reader *r)
{
	for (size_t i = 0; i < r->n_waiting && !r->no_memory; i++) {
		struct program_type *t = r->waiting[i];
		Dwarf_Die die;

		if (dwarf_offdie(r->dwarf, t->id, &die) != NULL)
			walk(r, t, &die, "", 0, 0);
	}
}

/* ---- variables ---- */

static bool address_of(Dwarf_Die *die, uint32_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op = NULL;
	size_t n = 0;

	if (dwarf_attr_integrate(die, DW_AT_location, &attr) == NULL ||
		dwarf_getlocation(&attr, &op, &n) != 0 || n != 1 || op[0].atom != DW_OP_addr ||
		op[0].number > UINT32_MAX)
		return false;
	*ret = (uint32_t)op[0].number;
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return slash != NULL ? slash + 1 : path;
}

static void read_variable(struct reader *r, Dwarf_Die *die)
{
	struct place v = {0};
	Dwarf_Die type;

	if (!address_of(die, &v.addr) || !type_attr(die, &type))
		return;
	v.file = textpool_name(&r->p->texts, base_name(dwarf_decl_file(die)));
	if (dwarf_decl_line(die, &v.line) != 0)
		v.line = 0;
	v.type = type_of(r, &type, false);
	if (!program_room(&r->places, r->n_places, sizeof(v))) {
		r->no_memory = true;
		return;
	}
	r->places[r->n_places++] = v;
}

/* Variables stand at file level, in functions, in namespaces. */
static void read_block(struct reader *r, Dwarf_Die *block, unsigned depth)
{
	Dwarf_Die child;

	if (depth > DEPTH_MAX || dwarf_child(block, &child) != 0)
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_variable: read_variable(r, &child); break;
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
		case DW_TAG_namespace: read_block(r, &child, depth + 1); break;
		default: break;
		}
	} while (!r->no_memory && dwarf_siblingof(&child, &child) == 0);
}

static int place_order(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static void give_types(struct reader *r)
{
	if (r->n_places == 0)
		return;
	qsort(r->places, r->n_places, sizeof(*r->places), place_order);
	for (size_t i = 0; i < r->p->n_symbols; i++) {
		struct program_symbol *s = &r->p->symbols[i];
		struct place key = {.addr = s->addr};
		const struct place *v =
			bsearch(&key, r->places, r->n_places, sizeof(key), place_order);

		if (v == NULL || s->place == PROGRAM_RAM_CODE)
			continue;
		s->file = v->file;
		s->line = v->line;
		/* A type of another size belongs to something that shares the address. */
		if (v->type != NULL && v->type->size == s->size)
			s->type = v->type;
		r->p->has_types |= s->type != NULL;
	}
}

int program_read_types(struct program *p, const struct elf_file *f, struct err *e)
{
	CLEANUP(reader_done) struct reader r = {.p = p};
	Dwarf_Off at = 0, next;
	size_t header;

	r.dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
	while (r.dwarf != NULL &&
		dwarf_nextcu(r.dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(r.dwarf, at + header, &unit) != NULL)
			read_block(&r, &unit, 0);
		at = next;
	}
	read_waiting(&r);
	if (r.no_memory)
		return err_set(e, ERR_NOMEM, "out of memory");
	give_types(&r);
	return 0;
}
