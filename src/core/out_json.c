/* SPDX-License-Identifier: Apache-2.0 */
#include "out_priv.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define SCHEMA 1

/*
 * Texts come from files and devices too. Bytes that are no UTF-8 become '?', so that the object
 * stays readable.
 */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	if (j != NULL)
		return j;
	char *copy = strdup(s);

	if (copy == NULL)
		return NULL;
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	j = json_string(copy);
	free(copy);
	return j;
}

static double rounded(double value, int digits)
{
	double scale = pow(10, digits);

	return round(value * scale) / scale;
}

static json_t *leaf(const struct out_node *n)
{
	switch (n->kind) {
	case OUT_STRING: return text(n->string);
	case OUT_UINT:
	case OUT_SIZE: return json_integer((json_int_t)n->number);
	case OUT_BOOL: return json_boolean(n->number != 0);
	case OUT_REAL: return json_real(rounded(n->real, n->digits));
	case OUT_OBJECT: return json_object();
	case OUT_LIST:
	case OUT_TABLE: return json_array();
	case OUT_NULL:
	case OUT_TEXT: break;
	}
	return json_null();
}

/* Recursion is as deep as a command nests its containers: a handful. */
static int fill(json_t *to, const struct out_node *parent)
{
	for (const struct out_node *n = parent->first; n != NULL; n = n->next) {
		json_t *j;

		if (n->kind == OUT_TEXT)
			continue;
		j = leaf(n);
		if (j == NULL)
			return -1;
		/* The container takes the reference, also when it fails. */
		if ((json_is_object(to) ? json_object_set_new(to, n->key, j)
					: json_array_append_new(to, j)) < 0)
			return -1;
		if (fill(j, n) < 0)
			return -1;
	}
	return 0;
}

int out_json(const struct out_node *root, const char *event, bool one_line, FILE *to)
{
	size_t flags = JSON_REAL_PRECISION(15) | (one_line ? JSON_COMPACT : JSON_INDENT(2));
	json_t *j = json_object();
	int rc = 0;

	if (event != NULL)
		rc |= json_object_set_new(j, "event", json_string(event));
	if (event == NULL || strcmp(event, "result") == 0)
		rc |= json_object_set_new(j, "schema", json_integer(SCHEMA));
	rc |= fill(j, root);
	if (rc == 0)
		rc = json_dumpf(j, to, flags);
	json_decref(j);
	fputc('\n', to);
	return rc;
}
