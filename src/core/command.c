/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/command.h>

#include <stdio.h>
#include <string.h>

#include <stmota/similar.h>
#include <stmota/text.h>

#include "writer_priv.h"

#define COLUMNS        80
#define OPT_COLUMNS    28 /* of an option's name; longer ones put their text on the next line */
#define CHOICE_COLUMNS 24

const struct opt command_opts_global[] = {
	{.name = "help", .letter = 'h', .type = OPT_TYPE_FLAG, .text = "show this text"},
	{.name = "quiet", .letter = 'q', .type = OPT_TYPE_FLAG, .text = "print errors only"},
	{.name = "verbose",
		.letter = 'v',
		.type = OPT_TYPE_FLAG,
		.many = true,
		.text = "tell more; twice: every command sent to the device"},
	OPT_FILE("config", "FILE", "read this configuration file last"),
	OPT_END,
};

const struct opt command_opts_program[] = {
	{.name = "version", .letter = 'V', .type = OPT_TYPE_FLAG, .text = "print the version"},
	OPT_END,
};

const struct opt command_opts_json[] = {
	OPT_FLAG("json", "print the result as JSON"),
	OPT_END,
};

const struct opt command_opts_json_lines[] = {
	OPT_FLAG("json", "print JSON, one object a line; \"event\": \"result\" is the last"),
	OPT_END,
};

const struct opt command_opts_device[] = {
	{.name = "device",
		.letter = 'd',
		.type = OPT_TYPE_STRING,
		.arg = "URL",
		.many = true, /* the dispatcher refuses it where one device is meant */
		.text = "uart:/dev/ttyUSB0, or the NAME of a [device NAME] section"},
	{.name = "baud",
		.letter = 'b',
		.type = OPT_TYPE_U32,
		.arg = "BAUD",
		.text = "speed of the serial port (default 115200)"},
	OPT_STRING("before", "RECIPE",
		"how its bootloader is entered: none, lines, dtr-rts, rts-dtr, NAME"),
	OPT_U32("wait", "SEC", "wait so long for the device to appear"),
	OPT_STRING("chip", "PID|NAME", "the chip that the device must have"),
	OPT_STRING("assume-chip", "PID|NAME",
		"what an unknown product ID is taken for; never done unasked"),
	OPT_FILE("trace", "FILE", "append every byte on the wire, with times, to FILE"),
	OPT_END,
};

const struct opt command_opts_destroys[] = {
	OPT_FLAG("yes", "do not ask before data is destroyed"),
	OPT_END,
};

static const struct opt no_opts[] = {OPT_END};

void command_tables(const struct command *c, const struct opt *ret[COMMAND_TABLES])
{
	unsigned flags = c != NULL ? c->flags : ~0u;
	size_t n = 0;

	ret[n++] = c != NULL && c->opts != NULL ? c->opts : no_opts;
	if (flags & CMD_DESTROYS)
		ret[n++] = command_opts_destroys;
	if (flags & CMD_JSON)
		ret[n++] = flags & CMD_EVENTS ? command_opts_json_lines : command_opts_json;
	if (flags & CMD_DEVICE)
		ret[n++] = command_opts_device;
	ret[n++] = command_opts_global;
	if (c == NULL)
		ret[n++] = command_opts_program;
	ret[n] = NULL;
}

const struct command *command_find(
	const struct command *const *commands, size_t n, char *const *words, size_t *ret_used)
{
	char two[64];

	for (size_t used = n < 2 ? n : 2; used > 0; used--) {
		const char *name = words[0];

		if (used == 2) {
			snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
			name = two;
		}
		for (const struct command *const *c = commands; *c != NULL; c++)
			if (strcmp((*c)->name, name) == 0) {
				*ret_used = used;
				return *c;
			}
	}
	return NULL;
}

const char *command_similar(const struct command *const *commands, const char *word)
{
	struct similar s = SIMILAR_INIT(word);

	for (; *commands != NULL; commands++)
		similar_offer(&s, (*commands)->name);
	return s.best;
}

/* --- help ----------------------------------------------------------------------------------- */

/* Words of `text` from column `indent` on; the first line is there already. */
static void put_wrapped(struct writer *w, size_t indent, const char *text)
{
	size_t column = indent;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > COLUMNS) {
			writer_put(w, "\n%*s", (int)indent, "");
			column = indent;
		}
		writer_put(w, "%s%.*s", column > indent ? " " : "", (int)len, text);
		column += len + (column > indent);
		text += len;
		text += strspn(text, " ");
	}
	writer_put(w, "\n");
}

static bool opt_is_long_choice(const struct opt *o)
{
	return o->type == OPT_TYPE_CHOICE && strlen(o->choices) > CHOICE_COLUMNS;
}

/* "-d, --device URL"; the words of a long choice stand in the text instead. */
static void opt_left(const struct opt *o, char *ret, size_t size)
{
	const char *arg = opt_is_long_choice(o) ? "WORD" : o->arg;

	snprintf(ret, size, "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		o->letter ? "," : " ", o->name, arg ? " " : "", arg ? arg : "");
}

static void put_opt(struct writer *w, const struct opt *o, size_t width)
{
	char left[96], text[400];

	opt_left(o, left, sizeof(left));
	snprintf(text, sizeof(text), "%s%s%s%s", o->text, opt_is_long_choice(o) ? "; one of " : "",
		opt_is_long_choice(o) ? o->choices : "",
		o->many && o->type != OPT_TYPE_FLAG ? "; repeatable" : "");
	for (char *p = text; opt_is_long_choice(o) && *p != '\0'; p++)
		if (*p == '|')
			*p = ' ';
	if (strlen(left) > width)
		writer_put(w, "  %s\n%*s", left, (int)width + 4, "");
	else
		writer_put(w, "  %-*s  ", (int)width, left);
	put_wrapped(w, width + 4, text);
}

static size_t opt_width(const struct opt *const *tables)
{
	size_t width = 0;

	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->name != NULL; o++) {
			char left[96];
			size_t n;

			opt_left(o, left, sizeof(left));
			n = strlen(left);
			if (n > width && n <= OPT_COLUMNS)
				width = n;
		}
	return width;
}

/* Paragraphs are filled anew; a line that begins with a blank stays as it is. */
static void put_paragraphs(struct writer *w, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " \n");
		bool own_line = column == 0 && *text == ' ';

		if (own_line)
			len = strcspn(text, "\n");
		else if (column > 0 && column + 1 + len > COLUMNS - 2)
			column = 0, writer_put(w, "\n");
		writer_put(w, "%s%.*s", column > 0 ? " " : "", (int)len, text);
		column += len + (column > 0);
		text += len;
		while (*text == ' ' && column > 0)
			text++;
		if (*text != '\n')
			continue;
		text++;
		if (*text == '\n' || *text == ' ' || own_line)
			column = 0, writer_put(w, "\n");
		if (*text == '\n')
			text++, writer_put(w, "\n");
	}
	if (column > 0)
		writer_put(w, "\n");
}

/* One command line each; a long one is broken before an option, as a shell would read it. */
static void put_examples(struct writer *w, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), room = COLUMNS - 4;
		const char *indent = "  ";

		while (len > room) {
			size_t cut = room;

			while (cut > 0 && strncmp(text + cut, " --", 3) != 0)
				cut--;
			if (cut == 0)
				break;
			writer_put(w, "%s%.*s \\\n", indent, (int)cut, text);
			text += cut + 1;
			len -= cut + 1;
			indent = "      ";
			room = COLUMNS - 8;
		}
		writer_put(w, "%s%.*s\n", indent, (int)len, text);
		text += len;
		text += *text == '\n';
	}
}

void command_usage(const struct command *c, char *ret, size_t size)
{
	snprintf(ret, size, "stmota %s [options]%s%s%s%s", c->name, c->needs != NULL ? " " : "",
		c->needs != NULL ? c->needs : "", c->args[0] != '\0' ? " " : "", c->args);
}

int command_help(const struct command *c, struct buf *ret, struct err *e)
{
	struct writer w = {.to = ret, .e = e};
	const struct opt *tables[COMMAND_TABLES];
	const char *heading = "Options:\n";
	bool under = false; /* a heading that does not hold for the next table */
	char usage[200];
	size_t width;

	command_tables(c, tables);
	width = opt_width(tables);
	command_usage(c, usage, sizeof(usage));
	writer_put(&w, "Usage: %s\n\n", usage);
	writer_put(&w, "%c%s.\n", c->summary[0] & ~0x20, c->summary + 1);
	if (c->details != NULL) {
		writer_put(&w, "\n");
		put_paragraphs(&w, c->details);
	}
	for (size_t t = 0; tables[t] != NULL; t++) {
		if (tables[t] == command_opts_global)
			heading = "Common options:\n";
		else if (tables[t] == command_opts_device)
			heading = "Device:\n";
		if (heading != NULL && tables[t]->name != NULL) {
			writer_put(&w, "\n%s", heading);
			heading = NULL;
		} else if (under && tables[t]->name != NULL) {
			writer_put(&w, "\n");
		}
		under = false;
		for (const struct opt *o = tables[t]; o->name != NULL; o++) {
			if (o->heading != NULL)
				writer_put(&w, "\n%s:\n", o->heading);
			under = under || o->heading != NULL;
			put_opt(&w, o, width);
		}
	}
	if (c->examples != NULL) {
		writer_put(&w, "\nExamples:\n");
		put_examples(&w, c->examples);
	}
	return w.rc;
}

static void put_group(struct writer *w, const struct command *const *commands,
	enum command_group group, const char *heading, int width)
{
	for (; *commands != NULL; commands++) {
		if ((*commands)->group != group)
			continue;
		writer_put(w, "%s  %-*s  ", heading, width, (*commands)->name);
		put_wrapped(w, (size_t)width + 4, (*commands)->summary);
		heading = "";
	}
}

int command_overview(const struct command *const *commands, struct buf *ret, struct err *e)
{
	struct writer w = {.to = ret, .e = e};
	const struct opt *tables[] = {command_opts_global, command_opts_program, NULL};
	size_t width = opt_width(tables);

	for (size_t i = 0; commands[i] != NULL; i++)
		if (strlen(commands[i]->name) > width)
			width = strlen(commands[i]->name);
	writer_put(&w, "Usage: stmota COMMAND [options] [files]\n\n"
		       "Gets firmware into STM32 microcontrollers, and checks that it arrived.\n");
	put_group(&w, commands, COMMAND_DEVICE, "\nDevices:\n", (int)width);
	put_group(&w, commands, COMMAND_PACKAGE, "\nImages and packages:\n", (int)width);
	put_group(&w, commands, COMMAND_FLEET, "\nFleets:\n", (int)width);
	put_group(&w, commands, COMMAND_OTHER, "\nOther:\n", (int)width);
	writer_put(&w, "\nOptions:\n");
	for (size_t t = 0; tables[t] != NULL; t++)
		for (const struct opt *o = tables[t]; o->name != NULL; o++)
			put_opt(&w, o, width);
	writer_put(&w,
		"\n'stmota COMMAND --help' explains a command, 'stmota help' opens the manual.\n"
		"No board at hand? stmota-sim(1) makes a virtual one.\n");
	return w.rc;
}
