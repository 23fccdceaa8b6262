/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man_commands.c - the manual pages say what the tables say
 *
 * Every command has a section, every option and every setting an entry, and the other way round;
 * the table of exit statuses is that of err_exit_status(). Tells all differences, then fails.
 *
 * usage: man_commands FOLDER
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/bytes.h>
#include <stmota/fs.h>

#include "cmd.h"

static int failures;

__attribute__((format(printf, 1, 2))) static void differs(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failures++;
}

static char *load(const char *folder, const char *name)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (fs_read(path, 1 << 20, &text, &e) < 0 || buf_append(&text, "\n", 2, &e) < 0) {
		printf("%s\n", e.msg);
		exit(1);
	}
	return (char *)text.data; /* lives as long as the test */
}

/* Copy of what stands between the line `heading` and the next line that begins with one of `ends`. */
static char *section(const char *page, const char *heading, const char *const *ends)
{
	char line[200];
	const char *start, *stop = NULL;

	snprintf(line, sizeof(line), "\n%s\n", heading);
	start = strstr(page, line);
	if (start == NULL)
		return NULL;
	start += strlen(line);
	for (; *ends != NULL; ends++) {
		const char *p = strstr(start - 1, *ends);

		if (p != NULL && (stop == NULL || p < stop))
			stop = p;
	}
	return strndup(start, stop != NULL ? (size_t)(stop + 1 - start) : strlen(start));
}

static const char *const until_next[] = {"\n.Ss ", "\n.Sh ", NULL};
static const char *const until_sh[] = {"\n.Sh ", NULL};

/* The next ".It" line of options: names behind "Fl Fl". NULL at the end. */
static const char *next_option(const char **p, char *name, size_t size, char *letter)
{
	for (const char *it = strstr(*p, ".It "); it != NULL; it = strstr(it + 1, ".It ")) {
		const char *fl = strstr(it, "Fl Fl "), *end = strchr(it, '\n');

		if (fl == NULL || fl > end)
			continue;
		*letter = strncmp(it, ".It Fl ", 7) == 0 && it[8] == ' ' ? it[7] : 0;
		snprintf(name, size, "%.*s", (int)strcspn(fl + 6, " \n"), fl + 6);
		*p = end;
		return name;
	}
	return NULL;
}

static const struct opt *find(const struct opt *const *tables, const char *name)
{
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++)
			if (strcmp(o->name, name) == 0)
				return o;
	return NULL;
}

/* Entries of `text` against the rows of `tables`, both ways. */
static void compare_options(const char *where, const char *text, const struct opt *const *tables)
{
	const char *p = text;
	char name[64], letter;

	while (next_option(&p, name, sizeof(name), &letter) != NULL) {
		const struct opt *o = find(tables, name);

		if (o == NULL)
			differs("stmota.1: %s: --%s does not exist", where, name);
		else if (o->letter != letter)
			differs("stmota.1: %s: short form of --%s", where, name);
	}
	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++) {
			bool found = false;

			for (p = text; !found && next_option(&p, name, sizeof(name), &letter);)
				found = strcmp(name, o->name) == 0;
			if (!found)
				differs("stmota.1: %s: no entry for --%s", where, o->name);
		}
}

static void check_command(const char *page, const struct command *c)
{
	const struct opt *tables[COMMAND_TABLES], *own[COMMAND_TABLES];
	char heading[100];
	char *text;
	size_t n = 0;

	snprintf(heading, sizeof(heading), ".Ss %s", c->name);
	text = section(page, heading, until_next);
	if (text == NULL) {
		differs("stmota.1: no section '%s'", heading);
		return;
	}
	command_tables(c, tables);
	for (size_t i = 0; tables[i] != NULL; i++)
		if (tables[i] != command_opts_device && tables[i] != command_opts_global)
			own[n++] = tables[i];
	own[n] = NULL;
	compare_options(c->name, text, own);
	if ((c->flags & CMD_DEVICE) && strstr(text, ".Sx DEVICE OPTIONS") == NULL)
		differs("stmota.1: %s: DEVICE OPTIONS are not referred to", c->name);
	free(text);
}

static void check_no_other_command(const char *page)
{
	char *text = section(page, ".Sh COMMANDS", until_sh);

	for (char *p = text; p != NULL && (p = strstr(p, ".Ss ")) != NULL;) {
		char name[64];
		bool found = false;

		p += 4;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "\n"), p);
		for (size_t i = 0; commands[i] != NULL; i++)
			found |= strcmp(commands[i]->name, name) == 0;
		if (!found)
			differs("stmota.1: section for '%s', which is no command", name);
	}
	free(text);
}

static void check_common(const char *page)
{
	const struct opt *const device[] = {command_opts_device, NULL};
	const struct opt *const common[] = {command_opts_global, command_opts_program, NULL};
	char *text = section(page, ".Sh DEVICE OPTIONS", until_sh);

	compare_options("DEVICE OPTIONS", text != NULL ? text : "", device);
	free(text);
	text = section(page, ".Sh COMMON OPTIONS", until_sh);
	compare_options("COMMON OPTIONS", text != NULL ? text : "", common);
	free(text);
}

static void check_exit_statuses(const char *page)
{
	char *text = section(page, ".Sh EXIT STATUS", until_sh);
	bool documented[256] = {false}, used[256] = {false};

	for (char *p = text; p != NULL && (p = strstr(p, ".It ")) != NULL; p += 4)
		documented[strtoul(p + 4, NULL, 10) & 0xFF] = true;
	for (int code = 0; code >= ERR_LAST; code--)
		used[err_exit_status((enum err_code)code) & 0xFF] = true;
	for (int i = 0; i < 256; i++)
		if (documented[i] != used[i])
			differs("stmota.1: exit status %d is %s", i,
				used[i] ? "not in the table" : "in the table, but never used");
	free(text);
}

/* Settings of fleets have a page of their own. */
static bool is_in(const char *page, const struct config_key *k)
{
	char heading[100], entry[100];
	char *text;
	bool found;

	snprintf(heading, sizeof(heading), ".Ss [%s%s]", k->section,
		strcmp(k->section, "device") == 0 || strcmp(k->section, "entry") == 0 ||
				strcmp(k->section, "slot") == 0
			? " NAME"
			: "");
	snprintf(entry, sizeof(entry), ".It Ic %s\n", k->key);
	text = section(page, heading, until_next);
	found = text != NULL && strstr(text, entry) != NULL;
	free(text);
	return found;
}

static void check_settings(const char *conf, const char *fleet)
{
	for (const struct config_key *k = config_keys; k->section != NULL; k++) {
		bool of_fleet = strcmp(k->section, "fleet") == 0;

		if (of_fleet ? !is_in(fleet, k) : !is_in(conf, k) && !is_in(fleet, k))
			differs("%s.5: no entry for %s in [%s]",
				of_fleet ? "stmota-fleet" : "stmota.conf", k->key, k->section);
	}
}

/* Entries of settings that do not exist. */
static void check_no_other_setting(const char *name, const char *page)
{
	char *text = section(page, ".Sh SECTIONS", until_sh);

	for (char *p = text; p != NULL && (p = strstr(p, ".It Ic ")) != NULL;) {
		char key[64];
		bool found = false;

		p += 7;
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(p, "\n"), p);
		for (const struct config_key *k = config_keys; k->section != NULL; k++)
			found |= strcmp(k->key, key) == 0;
		if (!found)
			differs("%s: no section has a key %s", name, key);
	}
	free(text);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "man";
	char *page = load(folder, "stmota.1"), *conf = load(folder, "stmota.conf.5");
	char *fleet = load(folder, "stmota-fleet.5");

	for (size_t i = 0; commands[i] != NULL; i++) {
		check_command(page, commands[i]);
		if (i > 0 && strcmp(commands[i - 1]->name, commands[i]->name) >= 0)
			differs("commands.c: '%s' is out of order", commands[i]->name);
	}
	check_no_other_command(page);
	check_common(page);
	check_exit_statuses(page);
	check_settings(conf, fleet);
	check_no_other_setting("stmota.conf.5", conf);
	check_no_other_setting("stmota-fleet.5", fleet);
	free(fleet);
	free(page);
	free(conf);
	if (failures == 0)
		printf("the manual pages agree with the tables\n");
	return failures > 0;
}
