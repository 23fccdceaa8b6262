/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_playbooks.c - makes the shipped playbooks a part of the program
 *
 *   gen_playbooks OUT.c NAME.playbook...
 *
 * The program works where nothing is installed beside it, and on a gateway nobody can lose them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".playbook"

static int fail(const char *what, const char *path)
{
	fprintf(stderr, "gen_playbooks: %s %s\n", what, path);
	return EXIT_FAILURE;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int put_text(FILE *out, const char *path, int number, long *ret_len)
{
	FILE *in = fopen(path, "rb");
	long n = 0;
	int c;

	if (in == NULL)
		return fail("cannot read", path);
	fprintf(out, "static const char text_%d[] = {", number);
	while ((c = getc(in)) != EOF)
		fprintf(out, "%s%d,", n++ % 20 == 0 ? "\n\t" : " ", c > 127 ? c - 256 : c);
	fprintf(out, "\n};\n\n");
	fclose(in);
	*ret_len = n;
	return n > 0 ? EXIT_SUCCESS : fail("there is nothing in", path);
}

int main(int argc, char **argv)
{
	FILE *out = argc > 2 ? fopen(argv[1], "w") : NULL;
	long len;

	if (out == NULL)
		return fail("usage:", "gen_playbooks OUT.c NAME.playbook...");
	fprintf(out, "/* made by gen_playbooks */\n#include <stmota/playbook.h>\n\n");
	for (int i = 2; i < argc; i++)
		if (put_text(out, argv[i], i, &len) != EXIT_SUCCESS)
			return EXIT_FAILURE;
	fprintf(out, "const struct playbook_shipped playbook_shipped[] = {\n");
	for (int i = 2; i < argc; i++) {
		const char *name = base_name(argv[i]);
		size_t n = strlen(name), suffix = strlen(SUFFIX);

		if (n <= suffix || strcmp(name + n - suffix, SUFFIX) != 0)
			return fail("not called NAME.playbook:", argv[i]);
		fprintf(out, "\t{\"%.*s\", text_%d, sizeof(text_%d)},\n", (int)(n - suffix), name,
			i, i);
	}
	fprintf(out, "\t{NULL, NULL, 0},\n};\n");
	return fclose(out) == 0 ? EXIT_SUCCESS : fail("cannot write", argv[1]);
}
