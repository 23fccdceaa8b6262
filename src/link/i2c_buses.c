/* SPDX-License-Identifier: Apache-2.0 */
/*
 * i2c_buses.c - the I2C buses that the kernel offers to programs
 */
#include <stmota/link_i2c.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>

static void read_name(const char *bus, char *ret, size_t size)
{
	char path[96];
	cleanup_file FILE *f = NULL;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/sys/class/i2c-dev/%.24s/name", bus);
	f = fopen(path, "re");
	if (f != NULL && fgets(ret, (int)size, f) != NULL)
		ret[strcspn(ret, "\n")] = '\0';
}

/* "i2c-10" behind "i2c-9": no name has leading zeros. */
static int by_number(const void *a, const void *b)
{
	const struct i2c_bus *x = a, *y = b;
	size_t n = strlen(x->path), m = strlen(y->path);

	return n != m ? (n < m ? -1 : 1) : strcmp(x->path, y->path);
}

int i2c_buses_list(struct i2c_bus **ret, size_t *ret_n, struct err *e)
{
	DIR *dir = opendir("/dev");
	struct i2c_bus *list = NULL;
	const struct dirent *entry;
	size_t n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int used = 0;
		unsigned number;
		void *more;

		if (sscanf(entry->d_name, "i2c-%3u%n", &number, &used) != 1 ||
			entry->d_name[used] != '\0')
			continue;
		more = realloc(list, (n + 1) * sizeof(*list));
		if (more == NULL) {
			closedir(dir);
			free(list);
			return err_set(e, ERR_NOMEM, "out of memory");
		}
		list = more;
		snprintf(list[n].path, sizeof(list[n].path), "/dev/i2c-%u", number);
		read_name(entry->d_name, list[n].name, sizeof(list[n].name));
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	if (n > 1)
		qsort(list, n, sizeof(*list), by_number);
	*ret = list;
	*ret_n = n;
	return 0;
}
