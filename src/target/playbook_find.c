/* SPDX-License-Identifier: Apache-2.0 */
/*
 * playbook_find.c - the user's own playbooks, the system's, and those that are built in
 */
#include <stmota/playbook.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>
#include <stmota/similar.h>

#define SUFFIX    ".playbook"
#define DEPTH_MAX 4 /* playbooks based on each other */

static bool user_folder(char *ret, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	if (config != NULL && config[0] == '/')
		n = snprintf(ret, size, "%s/stmota/playbooks", config);
	else if (home != NULL && home[0] == '/')
		n = snprintf(ret, size, "%s/.config/stmota/playbooks", home);
	return n > 0 && (size_t)n < size;
}

static bool folder_of(enum playbook_where where, char *ret, size_t size)
{
	if (where == PLAYBOOK_USER)
		return user_folder(ret, size);
	return where == PLAYBOOK_SYSTEM && snprintf(ret, size, "/etc/stmota/playbooks") > 0;
}

/* ---- the list ---- */

struct list {
	struct playbook_entry *v;
	size_t n;
};

/* What was found before counts. */
static int add(struct list *l, const char *name, size_t len, enum playbook_where where,
	const char *folder, struct err *e)
{
	struct playbook_entry *more;

	if (len == 0 || len >= sizeof(more->name))
		return 0;
	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i].name, name, len) == 0 && l->v[i].name[len] == '\0')
			return 0;
	more = realloc(l->v, (l->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	l->v = more;
	more += l->n;
	*more = (struct playbook_entry){.where = where};
	memcpy(more->name, name, len);
	if (folder != NULL && snprintf(more->path, sizeof(more->path), "%s/%.*s" SUFFIX, folder,
				      (int)len, name) >= (int)sizeof(more->path))
		return 0; /* nobody could open it */
	l->n++;
	return 0;
}

static int add_folder(struct list *l, enum playbook_where where, struct err *e)
{
	char folder[400];
	struct dirent *d;
	DIR *dir;
	int rc = 0;

	if (!folder_of(where, folder, sizeof(folder)))
		return 0;
	dir = opendir(folder);
	if (dir == NULL)
		return 0;
	while (rc == 0 && (d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name), suffix = strlen(SUFFIX);

		if (len > suffix && strcmp(d->d_name + len - suffix, SUFFIX) == 0)
			rc = add(l, d->d_name, len - suffix, where, folder, e);
	}
	closedir(dir);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct playbook_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int playbook_list(struct playbook_entry **ret, size_t *ret_n, struct err *e)
{
	struct list l = {0};
	int rc = add_folder(&l, PLAYBOOK_USER, e);

	if (rc == 0)
		rc = add_folder(&l, PLAYBOOK_SYSTEM, e);
	for (size_t i = 0; rc == 0 && playbook_shipped[i].name != NULL; i++)
		rc = add(&l, playbook_shipped[i].name, strlen(playbook_shipped[i].name),
			PLAYBOOK_BUILT_IN, NULL, e);
	if (rc < 0) {
		free(l.v);
		return rc;
	}
	qsort(l.v, l.n, sizeof(*l.v), by_name);
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

/* ---- one ---- */

static int built_in(const char *name, struct buf *text, struct err *e)
{
	for (size_t i = 0; playbook_shipped[i].name != NULL; i++)
		if (strcmp(playbook_shipped[i].name, name) == 0)
			return buf_append(
				text, playbook_shipped[i].text, playbook_shipped[i].len, e);
	return ERR_USAGE;
}

static int nowhere(const char *name, struct err *e)
{
	struct similar s = SIMILAR_INIT(name);
	cleanup_free struct playbook_entry *v = NULL;
	size_t n = 0;

	if (playbook_list(&v, &n, NULL) == 0)
		for (size_t i = 0; i < n; i++)
			similar_offer(&s, v[i].name);
	err_set(e, ERR_USAGE, "there is no playbook '%.60s'", name);
	if (s.best != NULL)
		return err_hint(e, "did you mean '%s'?", s.best);
	return err_hint(e, "'stmota playbook list' names them all");
}

int playbook_text(const char *name, struct playbook_entry *ret, struct buf *text, struct err *e)
{
	struct playbook_entry found = {.where = PLAYBOOK_BUILT_IN};
	char folder[400];
	int rc;

	if (strchr(name, '/') != NULL) {
		if (strlen(name) >= sizeof(found.path))
			return err_set(e, ERR_USAGE, "the path of the playbook is too long");
		snprintf(found.path, sizeof(found.path), "%s", name);
		found.where = PLAYBOOK_USER;
		*ret = found;
		return fs_read(name, PLAYBOOK_FILE_MAX, text, e);
	}
	if (strlen(name) >= sizeof(found.name))
		return nowhere(name, e);
	snprintf(found.name, sizeof(found.name), "%s", name);
	for (int where = PLAYBOOK_USER; where < PLAYBOOK_BUILT_IN; where++) {
		if (!folder_of((enum playbook_where)where, folder, sizeof(folder)) ||
			snprintf(found.path, sizeof(found.path), "%s/%s" SUFFIX, folder, name) >=
				(int)sizeof(found.path) ||
			!fs_exists(found.path))
			continue;
		found.where = (enum playbook_where)where;
		*ret = found;
		return fs_read(found.path, PLAYBOOK_FILE_MAX, text, e);
	}
	found.path[0] = '\0';
	rc = built_in(name, text, e);
	if (rc == 0)
		*ret = found;
	return rc == ERR_USAGE ? nowhere(name, e) : rc;
}

struct depth {
	unsigned n;
	const char *name; /* the one that is being read */
};

static int load(const char *name, unsigned depth, struct playbook **ret, struct err *e);

/* A user's playbook may be based on the shipped one of the same name. */
static int load_base(void *ctx, const char *name, struct playbook *ret, struct err *e)
{
	const struct depth *d = ctx;
	cleanup_buf struct buf text = BUF_INIT;
	struct playbook *base = NULL;
	int rc;

	if (d->n == DEPTH_MAX) {
		err_set(e, ERR_CONFIG, "'%s'", name);
		/* The message gets the name of each file on its way. */
		return err_hint(e, "more than %d playbooks are based on each other", DEPTH_MAX);
	}
	if (strcmp(name, d->name) == 0) {
		struct depth next = {d->n + 1, name};

		rc = built_in(name, &text, e);
		if (rc == 0)
			rc = playbook_parse(name, (const char *)text.data, text.len, load_base,
				&next, &base, e);
		else if (rc == ERR_USAGE)
			rc = err_set(e, ERR_CONFIG, "'%s' would be based on itself", name);
	} else {
		rc = load(name, d->n + 1, &base, e);
	}
	if (rc < 0)
		return rc;
	*ret = *base;
	playbook_free(base);
	return 0;
}

static int load(const char *name, unsigned depth, struct playbook **ret, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct playbook_entry found;
	struct depth d = {depth, name};
	int rc = playbook_text(name, &found, &text, e);

	if (rc < 0)
		return rc;
	if (text.len == 0)
		return err_set(
			e, ERR_CONFIG, "%s is empty", found.path[0] != '\0' ? found.path : name);
	d.name = strchr(name, '/') != NULL ? "" : name;
	return playbook_parse(found.path[0] != '\0' ? found.path : name, (const char *)text.data,
		text.len, load_base, &d, ret, e);
}

int playbook_load(const char *name, struct playbook **ret, struct err *e)
{
	return load(name, 0, ret, e);
}
