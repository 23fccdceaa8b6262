/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_release_ini.c - any bytes as a package description */
#include <stmota/package.h>
#include <stmota/release_ini.h>

#include "fuzz_image.h"

static const char *lookup(const char *name)
{
	if (strcmp(name, "ODD") == 0)
		return "${ODD} $ ; [component x]";
	return strcmp(name, "EMPTY") == 0 ? "" : strcmp(name, "SET") == 0 ? "value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_release_ini struct release_ini r = RELEASE_INI_INIT;
	struct err e = ERR_INIT;
	int rc = release_ini_parse("dir/x.ini", (const char *)data, size, lookup, &r, &e);

	if (rc < 0) {
		must(rc == ERR_CONFIG && e.code == ERR_CONFIG);
		must(strncmp(e.msg, "dir/x.ini", 9) == 0 && strchr(e.msg, '\n') == NULL);
		return 0;
	}
	must(r.n_components >= 1 && r.n_components <= IMF_COMPONENTS_MAX);
	for (size_t i = 0; i < r.n_components; i++) {
		const struct release_component *c = &r.components[i];

		must(c->name == NULL || package_name_check(c->name, NULL) == 0);
		must(c->v[PART_FILE].text != NULL && strlen(c->v[PART_FILE].text) > 0);
		must(c->v[PART_FILE].text[0] == '/' ||
			strncmp(c->v[PART_FILE].text, "dir/", 4) == 0);
	}
	return 0;
}
