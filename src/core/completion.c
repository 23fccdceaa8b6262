/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/completion.h>

#include <stdio.h>
#include <string.h>

#include <stmota/bytes.h>

#include "writer_priv.h"

/* What a word may be; read from the texts that people read too. */
enum kind { KIND_NONE, KIND_FILE, KIND_DEVICE, KIND_WORDS };

static enum kind opt_kind(const struct opt *o)
{
	if (o->type == OPT_TYPE_FILE)
		return KIND_FILE;
	if (o->type == OPT_TYPE_CHOICE)
		return KIND_WORDS;
	return strcmp(o->name, "device") == 0 ? KIND_DEVICE : KIND_NONE;
}

/* "bash|zsh|fish" lists the words themselves, "[COMMAND]" means names, the rest are files. */
static enum kind args_kind(const struct command *c)
{
	if (c->max_args == 0)
		return KIND_NONE;
	return strchr(c->args, '|') != NULL || strcmp(c->args, "[COMMAND]") == 0 ? KIND_WORDS
										 : KIND_FILE;
}

/* First word of a name of two; false if it has only one. */
static bool first_word(const struct command *c, char *ret, size_t size)
{
	const char *blank = strchr(c->name, ' ');

	if (blank == NULL)
		return false;
	snprintf(ret, size, "%.*s", (int)(blank - c->name), c->name);
	return true;
}

/* True if an earlier command of the sorted table has the same first word. */
static bool group_seen(const struct command *const *commands, size_t i)
{
	char here[64], before[64];

	return first_word(commands[i], here, sizeof(here)) && i > 0 &&
	       first_word(commands[i - 1], before, sizeof(before)) && strcmp(here, before) == 0;
}

/* The words that may follow "stmota": names, and first words of names once. */
static void put_first_words(
	struct writer *w, const struct command *const *commands, const char *between)
{
	char word[64];

	for (size_t i = 0; commands[i] != NULL; i++) {
		if (group_seen(commands, i))
			continue;
		writer_put(w, "%s%s", i > 0 ? between : "",
			first_word(commands[i], word, sizeof(word)) ? word : commands[i]->name);
	}
}

/* "a|b|c" with another separator, without the brackets of what may be left out. */
static void put_choices(struct writer *w, const char *choices, char between)
{
	for (; *choices != '\0'; choices++)
		if (*choices != '[' && *choices != ']')
			writer_put(w, "%c", *choices == '|' ? between : *choices);
}

static void put_arg_words(struct writer *w, const struct command *const *commands,
	const struct command *c, char between)
{
	const char separator[2] = {between, '\0'};

	if (strcmp(c->args, "[COMMAND]") == 0)
		put_first_words(w, commands, separator);
	else
		put_choices(w, c->args, between);
}

/* Inside '...' of a shell; `special` are characters that the shell's own notation needs escaped. */
static void put_quoted(struct writer *w, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			writer_put(w, "'\\''");
		else
			writer_put(w, "%s%c", strchr(special, *text) != NULL ? "\\" : "", *text);
	}
}

/* --- bash ----------------------------------------------------------------------------------- */

static const char bash_head[] =
	"# bash completion of stmota, made by 'stmota completion bash'\n"
	"_stmota()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev cmd word i opts kind words args\n"
	"\t((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tCOMPREPLY=()\n"
	"\t# bash cuts --name=value and uart:PATH at their marks.\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\telif [[ $cur == : && $prev == uart ]]; then\n"
	"\t\tcur='' prev=uart:\n"
	"\telif [[ $prev == : && ${COMP_WORDS[COMP_CWORD - 2]} == uart ]]; then\n"
	"\t\tprev=uart:\n"
	"\tfi\n";

static const char bash_tail[] =
	"\tif [[ -z $kind && $cur == -* ]]; then\n"
	"\t\tkind=words words=$opts\n"
	"\telif [[ -z $kind ]]; then\n"
	"\t\tkind=$args\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\twords) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
	"\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") && compopt -o filenames ;;\n"
	"\tdevice)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W uart: -- \"$cur\")\n"
	"\t\tcompopt -o nospace\n"
	"\t\t;;\n"
	"\tesac\n"
	"} 2>/dev/null\n"
	"complete -F _stmota stmota\n";

static void bash_opts(struct writer *w, const struct opt *const *tables)
{
	const char *between = "";

	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++, between = " ")
			writer_put(w, "%s--%s", between, o->name);
}

/* Finds the command among the words before the cursor. */
static void bash_find_command(struct writer *w, const struct command *const *commands)
{
	const struct opt *tables[COMMAND_TABLES];
	const char *between = "";
	char word[64];

	command_tables(NULL, tables);
	writer_put(w, "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		      "\t\tword=${COMP_WORDS[i]}\n"
		      "\t\tcase $word in\n\t\t");
	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct opt *o = tables[t]; o->name != NULL; o++) {
			if (o->type == OPT_TYPE_FLAG)
				continue;
			writer_put(w, "%s--%s", between, o->name);
			between = " | ";
			if (o->letter)
				writer_put(w, " | -%c", o->letter);
		}
	writer_put(w, ")\n"
		      "\t\t\t[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
		      "\t\t\t((i++))\n"
		      "\t\t\t;;\n"
		      "\t\t-*) ;;\n"
		      "\t\t*)\n"
		      "\t\t\tcase $cmd in\n"
		      "\t\t\t'') cmd=$word ;;\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		if (first_word(commands[i], word, sizeof(word)) && !group_seen(commands, i))
			writer_put(w, "\t\t\t%s) cmd=\"%s $word\" ;;\n", word, word);
	writer_put(w, "\t\t\tesac\n\t\t\t;;\n\t\tesac\n\tdone\n");
}

static void bash_command(
	struct writer *w, const struct command *const *commands, const struct command *c)
{
	static const char *const names[] = {[KIND_NONE] = "",
		[KIND_FILE] = "file",
		[KIND_DEVICE] = "device",
		[KIND_WORDS] = "words"};
	const struct opt *tables[COMMAND_TABLES];

	command_tables(c, tables);
	writer_put(w, "\t'%s')\n\t\topts='", c->name);
	bash_opts(w, tables);
	writer_put(w, "'\n\t\targs=%s\n", names[args_kind(c)]);
	if (args_kind(c) == KIND_WORDS) {
		writer_put(w, "\t\twords='");
		put_arg_words(w, commands, c, ' ');
		writer_put(w, "'\n");
	}
	writer_put(w, "\t\tcase $prev in\n");
	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct opt *o = tables[t]; o->name != NULL; o++) {
			if (o->type == OPT_TYPE_FLAG)
				continue;
			writer_put(w, "\t\t--%s", o->name);
			if (o->letter)
				writer_put(w, " | -%c", o->letter);
			/* An unknown kind keeps file names and options away. */
			writer_put(w, ") kind=%s",
				opt_kind(o) == KIND_NONE ? "value" : names[opt_kind(o)]);
			if (o->type == OPT_TYPE_CHOICE) {
				writer_put(w, " words='");
				put_choices(w, o->choices, ' ');
				writer_put(w, "'");
			}
			writer_put(w, " ;;\n");
		}
	writer_put(w, "\t\tuart:) kind=file ;;\n\t\tesac\n\t\t;;\n");
}

static void bash(struct writer *w, const struct command *const *commands)
{
	const struct opt *global[] = {command_opts_global, command_opts_program, NULL};
	char here[64], other[64];

	writer_put(w, "%s", bash_head);
	bash_find_command(w, commands);
	writer_put(w, "\tcase $cmd in\n\t'')\n\t\topts='");
	bash_opts(w, global);
	writer_put(w, "' args=words\n\t\twords='");
	put_first_words(w, commands, " ");
	writer_put(w, "'\n\t\t[[ $prev == --config ]] && kind=file\n\t\t;;\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (!first_word(commands[i], here, sizeof(here)) || group_seen(commands, i))
			continue;
		writer_put(w, "\t%s) args=words words='", here);
		for (size_t j = i; commands[j] != NULL; j++)
			if (first_word(commands[j], other, sizeof(other)) &&
				strcmp(here, other) == 0)
				writer_put(w, "%s%s", j > i ? " " : "",
					commands[j]->name + strlen(here) + 1);
		writer_put(w, "' ;;\n");
	}
	for (size_t i = 0; commands[i] != NULL; i++)
		bash_command(w, commands, commands[i]);
	writer_put(w, "\tesac\n%s", bash_tail);
}

/* --- zsh ------------------------------------------------------------------------------------ */

static void zsh_opt(struct writer *w, const struct opt *o, const char *indent)
{
	const char *once = o->many ? "*" : "";

	for (int form = o->letter ? 0 : 1; form < 2; form++) {
		writer_put(w, " \\\n%s'%s", indent, once);
		if (form == 0)
			writer_put(w, "-%c", o->letter);
		else
			writer_put(w, "--%s%s", o->name, o->type == OPT_TYPE_FLAG ? "" : "=");
		writer_put(w, "[");
		put_quoted(w, o->text, "[]:\\");
		writer_put(w, "]");
		if (o->type != OPT_TYPE_FLAG) {
			writer_put(w, ":");
			put_quoted(w, o->arg, ":\\");
			writer_put(w, ":");
			switch (opt_kind(o)) {
			case KIND_FILE: writer_put(w, "_files"); break;
			case KIND_WORDS:
				writer_put(w, "(");
				put_choices(w, o->choices, ' ');
				writer_put(w, ")");
				break;
			case KIND_DEVICE: writer_put(w, "_stmota_device"); break;
			case KIND_NONE: writer_put(w, " "); break;
			}
		}
		writer_put(w, "'");
	}
}

static void zsh_arguments(struct writer *w, const struct command *const *commands,
	const struct command *c, const char *indent)
{
	const struct opt *tables[COMMAND_TABLES];
	char deeper[16];

	snprintf(deeper, sizeof(deeper), "%s\t", indent);
	command_tables(c, tables);
	writer_put(w, "%s_arguments -s", indent);
	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct opt *o = tables[t]; o->name != NULL; o++)
			zsh_opt(w, o, deeper);
	if (args_kind(c) == KIND_FILE) {
		writer_put(w, " \\\n%s'*:file:_files'", deeper);
	} else if (args_kind(c) == KIND_WORDS) {
		writer_put(w, " \\\n%s'1:word:(", deeper);
		put_arg_words(w, commands, c, ' ');
		writer_put(w, ")'");
	}
	writer_put(w, "\n%s;;\n", indent);
}

static void zsh_describe(struct writer *w, const char *word, const char *text)
{
	writer_put(w, " '%s:", word);
	put_quoted(w, text, ":\\");
	writer_put(w, "'");
}

/* "key show" and its like: the second word is completed, then its options. */
static void zsh_group(struct writer *w, const struct command *const *commands, size_t first)
{
	char here[64], other[64];
	size_t i;

	first_word(commands[first], here, sizeof(here));
	writer_put(w, "\t\t%s)\n\t\t\tif ((CURRENT == 2)); then\n\t\t\t\tlist=(", here);
	for (i = first; commands[i] != NULL; i++)
		if (first_word(commands[i], other, sizeof(other)) && strcmp(here, other) == 0)
			zsh_describe(w, commands[i]->name + strlen(here) + 1, commands[i]->summary);
	writer_put(w, " )\n\t\t\t\t_describe command list\n\t\t\t\treturn\n\t\t\tfi\n"
		      "\t\t\tshift words\n\t\t\t((CURRENT--))\n\t\t\tcase $words[1] in\n");
	for (i = first; commands[i] != NULL; i++)
		if (first_word(commands[i], other, sizeof(other)) && strcmp(here, other) == 0) {
			writer_put(w, "\t\t\t%s)\n", commands[i]->name + strlen(here) + 1);
			zsh_arguments(w, commands, commands[i], "\t\t\t\t");
		}
	writer_put(w, "\t\t\tesac\n\t\t\t;;\n");
}

static void zsh(struct writer *w, const struct command *const *commands)
{
	char word[64];

	writer_put(w, "#compdef stmota\n"
		      "# zsh completion of stmota, made by 'stmota completion zsh'\n"
		      "_stmota_device()\n{\n"
		      "\tif compset -P uart:; then\n\t\t_files\n"
		      "\telse\n\t\tcompadd -S '' uart:\n\tfi\n}\n\n"
		      "_stmota()\n{\n"
		      "\tlocal state line\n\tlocal -a list\n"
		      "\t_arguments -C");
	for (const struct opt *o = command_opts_global; o->name != NULL; o++)
		zsh_opt(w, o, "\t\t");
	for (const struct opt *o = command_opts_program; o->name != NULL; o++)
		zsh_opt(w, o, "\t\t");
	writer_put(w, " \\\n\t\t'1:command:->command' '*::argument:->argument'\n"
		      "\tcase $state in\n\tcommand)\n\t\tlist=(");
	for (size_t i = 0; commands[i] != NULL; i++) {
		bool two = first_word(commands[i], word, sizeof(word));

		if (!group_seen(commands, i))
			zsh_describe(w, two ? word : commands[i]->name, commands[i]->summary);
	}
	writer_put(w, " )\n\t\t_describe command list\n\t\t;;\n"
		      "\targument)\n\t\tcase $words[1] in\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (!first_word(commands[i], word, sizeof(word))) {
			writer_put(w, "\t\t%s)\n", commands[i]->name);
			zsh_arguments(w, commands, commands[i], "\t\t\t");
		} else if (!group_seen(commands, i)) {
			zsh_group(w, commands, i);
		}
	}
	writer_put(w, "\t\tesac\n\t\t;;\n\tesac\n}\n\n"
		      /* Sourced, or found in fpath under the name _stmota. */
		      "if [[ $funcstack[1] == _stmota ]]; then\n\t_stmota \"$@\"\n"
		      "else\n\tcompdef _stmota stmota\nfi\n");
}

/* --- fish ----------------------------------------------------------------------------------- */

/* `when`: a condition for -n, or NULL. */
static void fish_opt(struct writer *w, const struct opt *o, const char *when)
{
	writer_put(w, "complete -c stmota");
	if (when != NULL)
		writer_put(w, " -n '%s'", when);
	writer_put(w, " -l %s", o->name);
	if (o->letter)
		writer_put(w, " -s %c", o->letter);
	if (o->type != OPT_TYPE_FLAG)
		writer_put(w, opt_kind(o) == KIND_FILE ? " -r -F" : " -x");
	if (opt_kind(o) == KIND_WORDS) {
		writer_put(w, " -a '");
		put_choices(w, o->choices, ' ');
		writer_put(w, "'");
	} else if (opt_kind(o) == KIND_DEVICE) {
		writer_put(
			w, " -a '(printf \"uart:%%s\\n\" /dev/ttyUSB* /dev/ttyACM* 2>/dev/null)'");
	}
	writer_put(w, " -d '");
	put_quoted(w, o->text, "\\");
	writer_put(w, "'\n");
}

static void fish_command(
	struct writer *w, const struct command *const *commands, const struct command *c)
{
	const struct opt *tables[COMMAND_TABLES];
	char when[256], word[64];

	if (first_word(c, word, sizeof(word))) {
		const char *second = c->name + strlen(word) + 1;

		writer_put(w,
			"complete -c stmota -f -n '__fish_seen_subcommand_from %s; and not "
			"__fish_seen_subcommand_from %s' -a %s -d '",
			word, second, second);
		put_quoted(w, c->summary, "\\");
		writer_put(w, "'\n");
		snprintf(when, sizeof(when),
			"__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s", word,
			second);
	} else {
		writer_put(w, "complete -c stmota -f -n __fish_use_subcommand -a %s -d '", c->name);
		put_quoted(w, c->summary, "\\");
		writer_put(w, "'\n");
		snprintf(when, sizeof(when), "__fish_seen_subcommand_from %s", c->name);
	}
	command_tables(c, tables);
	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct opt *o = tables[t];
			tables[t] != command_opts_global && o->name != NULL; o++)
			fish_opt(w, o, when);
	if (args_kind(c) == KIND_FILE) {
		writer_put(w, "complete -c stmota -n '%s' -F\n", when);
	} else if (args_kind(c) == KIND_WORDS) {
		writer_put(w, "complete -c stmota -n '%s' -a '", when);
		put_arg_words(w, commands, c, ' ');
		writer_put(w, "'\n");
	}
}

static void fish(struct writer *w, const struct command *const *commands)
{
	char word[64];

	writer_put(w, "# fish completion of stmota, made by 'stmota completion fish'\n"
		      "complete -c stmota -f\n");
	for (const struct opt *o = command_opts_global; o->name != NULL; o++)
		fish_opt(w, o, NULL);
	for (const struct opt *o = command_opts_program; o->name != NULL; o++)
		fish_opt(w, o, "__fish_use_subcommand");
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (first_word(commands[i], word, sizeof(word)) && !group_seen(commands, i))
			writer_put(
				w, "complete -c stmota -f -n __fish_use_subcommand -a %s\n", word);
		fish_command(w, commands, commands[i]);
	}
}

int completion_script(
	const struct command *const *commands, const char *shell, struct buf *ret, struct err *e)
{
	static const struct {
		const char *name;
		void (*make)(struct writer *w, const struct command *const *commands);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	struct writer w = {.to = ret, .e = e};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].make(&w, commands);
			return w.rc;
		}
	err_set(e, ERR_USAGE, "no completion for '%s'", shell);
	return err_hint(e, "there is one for each of %s", COMPLETION_SHELLS);
}
