/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - configuration files: any text is taken or refused with file and line
 */
#include <stdlib.h>
#include <string.h>

#include <stmota/config.h>

#define must(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

/* What was taken can be asked for, and says where it stood. */
static void ask(const struct config *c)
{
	for (size_t i = 0; i < config_n_devices(c); i++)
		must(config_device_name(c, i)[0] != '\0');
	for (const struct config_key *k = config_keys; k->section != NULL; k++)
		for (size_t i = 0; i <= config_n_devices(c); i++) {
			const char *name = config_device_name(c, i);
			const char *value = config_get(c, k->section, name, k->key);
			const char *origin = config_origin(c, k->section, name, k->key);
			uint32_t number = 0;
			uint64_t seconds = 0;
			bool flag = false;

			must(strcmp(origin, "built in") == 0 || strncmp(origin, "fuzz:", 5) == 0);
			if (value == NULL)
				continue;
			/* Values were checked when the file was read. */
			if (k->type == CONFIG_U32)
				must(config_u32(c, k->section, name, k->key, 0, &number, NULL) ==
					0);
			if (k->type == CONFIG_TIME)
				must(config_time(c, k->section, name, k->key, 0, &seconds, NULL) ==
					0);
			if (k->type == CONFIG_BOOL)
				must(config_bool(c, k->section, name, k->key, false, &flag, NULL) ==
					0);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct err e = ERR_INIT;
	int rc;

	must(config_new(&c, NULL) == 0);
	rc = config_parse(c, "fuzz", (const char *)data, size, &e);
	if (rc < 0) {
		must(rc == ERR_CONFIG && e.code == ERR_CONFIG);
		must(strncmp(e.msg, "fuzz:", 5) == 0 && e.msg[5] >= '1' && e.msg[5] <= '9');
		must(strchr(e.msg, '\n') == NULL);
	}
	ask(c);
	config_free(c);
	return 0;
}
