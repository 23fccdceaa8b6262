/* SPDX-License-Identifier: Apache-2.0 */
#include "compare_priv.h"

#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>

#define VECTORS_MIN 16 /* words that a table of interrupt handlers has at least */

static const struct {
	const char *name, *action;
} severities[COMPARE_SEVERITIES] = {
	{"same", "the new program can take over as it is"},
	{"removed", "nothing to do: their place is left over until the next restart"},
	{"added", "they need values before the new code runs: --ram-init writes them"},
	{"moved",
		"copy them to their new places in a run-once entry, or restart; the linker script "
		"can keep them in place"},
	{"changed", "convert them field by field in a run-once entry, or restart"},
};

const char *compare_severity_name(enum compare_severity s)
{
	return severities[s].name;
}

const char *compare_severity_action(enum compare_severity s)
{
	return severities[s].action;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- details: a list of phrases that grows ---- */

struct details {
	struct textpool *texts;
	const char **v;
	size_t n;
	bool no_memory;
};

static void detail(struct details *d, const char *text)
{
	if (!program_room(&d->v, d->n, sizeof(text))) {
		d->no_memory = true;
		return;
	}
	d->v[d->n++] = text;
}

/* ---- types ---- */

static const char *shown(const char *path)
{
	return path[0] == '\0' ? "it" : path[0] == '.' ? path + 1 : path;
}

struct value { /* one line of program_field.values */
	const char *number, *name;
	size_t number_len, name_len;
};

static bool next_value(const char **at, struct value *ret)
{
	size_t line = strcspn(*at, "\n");

	if (**at == '\0')
		return false;
	ret->number = *at;
	ret->number_len = strcspn(*at, "=");
	ret->name = *at + ret->number_len + 1;
	ret->name_len = line - ret->number_len - 1;
	*at += line + 1;
	return true;
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* A value of this name, the one with the same number if there is one; false: none. */
static bool find_value(const char *values, const struct value *like, struct value *ret)
{
	struct value v;
	bool found = false;

	while (next_value(&values, &v)) {
		if (!same_text(v.name, v.name_len, like->name, like->name_len))
			continue;
		found = true;
		*ret = v;
		if (same_text(v.number, v.number_len, like->number, like->number_len))
			break;
	}
	return found;
}

/* New values may come; an old one must keep its number. */
static void compare_values(
	struct details *d, const struct program_field *o, const struct program_field *n)
{
	const char *at = o->values;
	struct value was, is;

	while (next_value(&at, &was)) {
		if (!find_value(n->values, &was, &is))
			detail(d, textpool_printf(d->texts, "%s: value %.*s is gone",
					  shown(o->path), (int)was.name_len, was.name));
		else if (!same_text(was.number, was.number_len, is.number, is.number_len))
			detail(d, textpool_printf(d->texts, "%s: %.*s was %.*s, is %.*s now",
					  shown(o->path), (int)was.name_len, was.name,
					  (int)was.number_len, was.number, (int)is.number_len,
					  is.number));
	}
}

static const char *place_text(struct details *d, const struct program_field *f)
{
	if (f->bit % 8 == 0 && f->bits % 8 == 0)
		return textpool_printf(d->texts, "%llu", (unsigned long long)f->bit / 8);
	return textpool_printf(d->texts, "%llu bit %llu", (unsigned long long)f->bit / 8,
		(unsigned long long)f->bit % 8);
}

static void compare_fields(
	struct details *d, const struct program_field *o, const struct program_field *n)
{
	if (o->bit != n->bit)
		detail(d, textpool_printf(d->texts, "%s: from offset %s to %s", shown(o->path),
				  place_text(d, o), place_text(d, n)));
	if (o->bits != n->bits)
		detail(d, textpool_printf(d->texts, "%s: from %llu to %llu %s", shown(o->path),
				  (unsigned long long)(o->bits % 8 || n->bits % 8 ? o->bits
										  : o->bits / 8),
				  (unsigned long long)(o->bits % 8 || n->bits % 8 ? n->bits
										  : n->bits / 8),
				  o->bits % 8 || n->bits % 8 ? "bits" : "bytes"));
	if (strcmp(o->type, n->type) != 0)
		detail(d, textpool_printf(d->texts, "%s: was %s, is %s now", shown(o->path),
				  o->type, n->type));
	if (o->values != NULL && n->values != NULL)
		compare_values(d, o, n);
}

/* "[8].x" and "[9].x" are the same field of an array that grew. */
static bool same_path(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		if (*a == '[') {
			a += strcspn(a, "]");
			b += strcspn(b, "]");
			continue;
		}
		a++;
		b++;
	}
	return *a == *b;
}

/* Fields mostly stand where they stood: the search begins there. */
static const struct program_field *find_field(
	const struct program_type *t, const char *path, size_t near)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct program_field *f = &t->fields[(near + i) % t->n];

		if (same_path(f->path, path))
			return f;
	}
	return NULL;
}

static void compare_types(
	struct details *d, const struct program_type *o, const struct program_type *n)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct program_field *f = find_field(n, o->fields[i].path, i);

		if (f != NULL)
			compare_fields(d, &o->fields[i], f);
		else
			detail(d,
				textpool_printf(d->texts, "%s: removed", shown(o->fields[i].path)));
	}
	for (size_t i = 0; i < n->n; i++)
		if (find_field(o, n->fields[i].path, i) == NULL)
			detail(d, textpool_printf(d->texts, "%s: added", shown(n->fields[i].path)));
	if (o->size != n->size)
		detail(d, textpool_printf(d->texts, "%llu bytes before, %llu now",
				  (unsigned long long)o->size, (unsigned long long)n->size));
}

/* ---- variables ---- */

static bool is_variable(const struct program_symbol *s)
{
	return s->place == PROGRAM_VARIABLE;
}

static int add_change(struct comparison *c, struct compare_change change, struct err *e)
{
	if (!program_room(&c->changes, c->n_changes, sizeof(change))) {
		free(change.details);
		return no_memory(e);
	}
	if (change.severity > c->severity)
		c->severity = change.severity;
	c->changes[c->n_changes++] = change;
	return 0;
}

static int compare_pair(struct comparison *c, const struct program_symbol *o,
	const struct program_symbol *n, struct err *e)
{
	struct details d = {.texts = &c->texts};
	struct compare_change change = {.old = o, .new = n};
	bool known = o->type != NULL && n->type != NULL && !o->type->cut && !n->type->cut;

	if (known)
		compare_types(&d, o->type, n->type);
	else if (o->size != n->size)
		detail(&d, textpool_printf(d.texts, "%u bytes before, %u now", o->size, n->size));
	change.details = d.v;
	change.n_details = d.n;
	if (d.no_memory) {
		free(d.v);
		return no_memory(e);
	}
	if (!known)
		c->n_unproven++;
	if (d.n > 0)
		change.severity = COMPARE_CHANGED;
	else if (o->addr != n->addr)
		change.severity = COMPARE_MOVED;
	if (change.severity != COMPARE_SAME)
		return add_change(c, change, e);
	c->n_same++;
	return 0;
}

int compare_order(const struct program *old, const struct program *new,
	const struct program_symbol *a, const struct program_symbol *b)
{
	int d;

	if (a == NULL || b == NULL)
		return a == NULL ? 1 : -1;
	d = strcmp(a->name, b->name);
	return d == 0 && old->has_units && new->has_units ? strcmp(a->unit, b->unit) : d;
}

static const struct program_symbol *front(const struct program *p, size_t *at)
{
	while (*at < p->n_symbols && !is_variable(&p->symbols[*at]))
		++*at;
	return *at < p->n_symbols ? &p->symbols[*at] : NULL;
}

/* Both lists stand by name and unit; of several with one name, the k-th belongs to the k-th. */
static int compare_variables(
	struct comparison *c, const struct program *old, const struct program *new, struct err *e)
{
	size_t a = 0, b = 0;

	for (;;) {
		const struct program_symbol *o = front(old, &a), *n = front(new, &b);
		int d = compare_order(old, new, o, n), rc;

		if (o == NULL && n == NULL)
			return 0;
		if (d == 0)
			rc = compare_pair(c, o, n, e);
		else if (d < 0)
			rc = add_change(c,
				(struct compare_change){.severity = COMPARE_REMOVED, .old = o}, e);
		else
			rc = add_change(
				c, (struct compare_change){.severity = COMPARE_ADDED, .new = n}, e);
		if (rc < 0)
			return rc;
		a += d <= 0;
		b += d >= 0;
	}
}

static uint32_t address_of(const struct compare_change *x)
{
	return x->new != NULL ? x->new->addr : x->old->addr;
}

static int worst_first(const void *va, const void *vb)
{
	const struct compare_change *a = va, *b = vb;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (address_of(a) != address_of(b))
		return address_of(a) < address_of(b) ? -1 : 1;
	return strcmp(
		(a->new != NULL ? a->new : a->old)->name, (b->new != NULL ? b->new : b->old)->name);
}

/* ---- types behind pointers ---- */

static bool behind_pointer(const struct program_type *t)
{
	return t->by_pointer && t->name[0] != '\0' && t->size > 0 && !t->cut && t->n > 0;
}

static bool is_named(const struct program_type *t, const char *name)
{
	return behind_pointer(t) && strcmp(t->name, name) == 0;
}

static int add_type(struct comparison *c, struct compare_type t, struct err *e)
{
	for (size_t i = 0; i < c->n_types; i++)
		if (strcmp(c->types[i].name, t.name) == 0) {
			free(t.details);
			return 0;
		}
	if (!program_room(&c->types, c->n_types, sizeof(t))) {
		free(t.details);
		return no_memory(e);
	}
	c->types[c->n_types++] = t;
	c->severity = COMPARE_CHANGED;
	return 0;
}

/*
 * Each source file describes its types anew, and two files may mean different things by one name:
 * a type has changed if no type of its name in the new program is like it.
 */
static int compare_type(struct comparison *c, const struct program_type *o,
	const struct program *new, struct err *e)
{
	struct compare_type t = {.name = o->name, .old_size = o->size};

	for (size_t i = 0; i < new->n_types; i++) {
		struct details d = {.texts = &c->texts};

		if (!is_named(new->types[i], o->name))
			continue;
		compare_types(&d, o, new->types[i]);
		if (d.n == 0 || t.details != NULL || d.no_memory)
			free(d.v);
		if (d.no_memory || d.n == 0) {
			free(t.details);
			return d.no_memory ? no_memory(e) : 0;
		}
		if (t.details != NULL)
			continue;
		t.details = d.v;
		t.n_details = d.n;
		t.new_size = new->types[i]->size;
	}
	return t.details != NULL ? add_type(c, t, e) : 0;
}

static int compare_pointed(
	struct comparison *c, const struct program *old, const struct program *new, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < old->n_types; i++)
		if (behind_pointer(old->types[i]))
			rc = compare_type(c, old->types[i], new, e);
	return rc;
}

/* ---- what else must be thought of ---- */

static size_t count_code_pointers(const struct program *p, const char **ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_symbols; i++) {
		const struct program_type *t = p->symbols[i].type;
		bool holds = false;

		for (size_t k = 0; t != NULL && is_variable(&p->symbols[i]) && k < t->n; k++)
			holds |= t->fields[k].code_pointer;
		if (holds && n++ == 0)
			*ret_first = p->symbols[i].name;
	}
	return n;
}

/* A table of handlers in RAM: its name says so, and it is large enough to be one. */
static const struct program_symbol *find_vectors(const struct program *p)
{
	static const char *const words[] = {"vector", "Vector", "VECTOR", "isr_table"};

	for (size_t i = 0; i < p->n_symbols; i++)
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (is_variable(&p->symbols[i]) && p->symbols[i].size >= 4 * VECTORS_MIN &&
				strstr(p->symbols[i].name, words[k]) != NULL)
				return &p->symbols[i];
	return NULL;
}

static void note_code(struct details *d, const struct program *new)
{
	const struct program_symbol *vectors = find_vectors(new);
	const char *first = "";
	size_t n = count_code_pointers(new, &first), in_ram = 0;

	if (vectors != NULL)
		detail(d, textpool_printf(d->texts,
				  "%s at 0x%08X looks like a table of interrupt handlers in RAM: "
				  "it holds addresses of the old code until it is filled anew",
				  vectors->name, vectors->addr));
	if (n > 0)
		detail(d,
			textpool_printf(d->texts,
				"%zu %s pointers to functions, such as %s: they point into the old "
				"code until they are set anew",
				n, n == 1 ? "variable holds" : "variables hold", first));
	for (size_t i = 0; i < new->n_symbols; i++)
		in_ram += new->symbols[i].place == PROGRAM_RAM_CODE;
	if (in_ram > 0)
		detail(d, textpool_printf(d->texts,
				  "%zu %s in RAM: the old code stays there until something copies "
				  "the new one",
				  in_ram, in_ram == 1 ? "function runs" : "functions run"));
}

static void note_heap(struct details *d, const struct program *old, const struct program *new)
{
	if (!old->allocates && !new->allocates)
		return;
	detail(d,
		textpool_printf(d->texts,
			"a heap is in use: what was allocated is reached by pointers only, and its "
			"types are compared only where a variable's type leads to them"));
	if (old->heap != 0 && new->heap != 0 && old->heap != new->heap)
		detail(d,
			textpool_printf(d->texts,
				"the heap begins at 0x%08X instead of 0x%08X: the allocator must not "
				"be started anew over what is allocated",
				new->heap, old->heap));
}

static void note_unnamed(struct details *d, const struct program *new)
{
	for (size_t i = 0; i < new->n_sections; i++) {
		const struct program_section *s = &new->sections[i];

		if (s->in_ram && s->unnamed >= 64)
			detail(d, textpool_printf(d->texts,
					  "%u bytes of %s belong to no variable (stack, heap, "
					  "assembler): not compared",
					  s->unnamed, s->name));
	}
}

static int add_notes(
	struct comparison *c, const struct program *old, const struct program *new, struct err *e)
{
	struct details d = {.texts = &c->texts};

	if (!old->has_types || !new->has_types)
		detail(&d,
			textpool_printf(d.texts,
				"the %s has no debug information: variables were compared by place "
				"and size, not by type; build with -g",
				old->has_types   ? "new program"
				: new->has_types ? "old program"
						 : "programs"));
	else if (c->n_unproven > 0)
		detail(&d, textpool_printf(d.texts,
				   "%zu %s compared by place and size only: no debug information",
				   c->n_unproven,
				   c->n_unproven == 1 ? "variable was" : "variables were"));
	note_heap(&d, old, new);
	note_code(&d, new);
	note_unnamed(&d, new);
	c->notes = d.v;
	c->n_notes = d.n;
	return d.no_memory ? no_memory(e) : 0;
}

/* ---- the whole ---- */

int compare_programs(
	const struct program *old, const struct program *new, struct comparison *ret, struct err *e)
{
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	int rc = compare_variables(&c, old, new, e);

	if (rc == 0)
		rc = compare_pointed(&c, old, new, e);
	if (rc == 0)
		rc = compare_growth(old, new, &c, e);
	if (rc == 0)
		rc = add_notes(&c, old, new, e);
	if (rc == 0 && c.texts.failed)
		rc = no_memory(e);
	if (rc < 0)
		return rc;
	if (c.n_changes > 0)
		qsort(c.changes, c.n_changes, sizeof(*c.changes), worst_first);
	*ret = c;
	c = COMPARISON_INIT;
	return 0;
}

int compare_frozen(
	const struct program *old, const struct program *new, const char *section, struct err *e)
{
	const struct program_section *o = program_section(old, section);
	const struct program_section *n = program_section(new, section);

	if (o == NULL || n == NULL)
		return err_set(e, ERR_USAGE, "%s has section %s",
			o == n      ? "neither program"
			: o != NULL ? "only the old program"
				    : "only the new program",
			section);
	if (o->addr != n->addr || o->size != n->size)
		return err_set(e, ERR_VERIFY,
			"frozen section %s: %u bytes at 0x%08X before, %u bytes at 0x%08X now",
			section, o->size, o->addr, n->size, n->addr);
	for (uint32_t i = 0; i < o->size; i++) {
		uint8_t was = o->bytes != NULL ? o->bytes[i] : 0;
		uint8_t is = n->bytes != NULL ? n->bytes[i] : 0;

		if (was == is)
			continue;
		err_set(e, ERR_VERIFY, "frozen section %s differs: 0x%02X before, 0x%02X now",
			section, was, is);
		return err_at(e, o->addr + i);
	}
	return 0;
}

void comparison_done(struct comparison *c)
{
	for (size_t i = 0; i < c->n_changes; i++)
		free(c->changes[i].details);
	for (size_t i = 0; i < c->n_types; i++)
		free(c->types[i].details);
	free(c->changes);
	free(c->types);
	free(c->growth);
	free(c->notes);
	textpool_done(&c->texts);
	*c = COMPARISON_INIT;
}
