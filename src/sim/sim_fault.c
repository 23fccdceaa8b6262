/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_fault.c - what goes wrong on purpose: KIND@WHERE[:N[:ARG]]
 *
 * One grammar for every protocol, on the command line and in tests.
 */
#include <stdlib.h>
#include <string.h>

#include <stmota/strparse.h>

#include "sim_priv.h"

#define AT(w) (1u << (w))

static const struct {
	const char *name;
	enum sim_kind kind;
	unsigned where; /* set of AT() */
	uint32_t arg,
		arg_max; /* what stands for a missing ARG, and the largest; arg_max 0: takes none */
} kinds[] = {
	{"drop", SIM_DROP, AT(SIM_AT_RX) | AT(SIM_AT_TX) | AT(SIM_AT_USB), 0, 0},
	{"double", SIM_DOUBLE, AT(SIM_AT_RX) | AT(SIM_AT_TX), 0, 0},
	{"garble", SIM_GARBLE, AT(SIM_AT_RX) | AT(SIM_AT_TX) | AT(SIM_AT_USB), 0x20, 0xFF},
	/* The default makes 0x411 of 0x413: another valid product ID. */
	{"garble", SIM_GARBLE, AT(SIM_AT_ID), 0x02, 0xFFF},
	{"garble", SIM_GARBLE, AT(SIM_AT_SIZE), 0x40, 0xFFFF},
	{"garble", SIM_GARBLE, AT(SIM_AT_OPTION), 0x20, 0xFF},
	{"insert", SIM_INSERT, AT(SIM_AT_RX) | AT(SIM_AT_TX), 0x00, 0xFF},
	{"delay", SIM_DELAY, AT(SIM_AT_TX) | AT(SIM_AT_OP) | AT(SIM_AT_ADDR) | AT(SIM_AT_USB), 1000,
		3600000},
	{"nack", SIM_NACK, AT(SIM_AT_CMD) | AT(SIM_AT_RX) | AT(SIM_AT_ADDR), 0, 0},
	{"cut", SIM_CUT,
		AT(SIM_AT_RX) | AT(SIM_AT_TX) | AT(SIM_AT_OP) | AT(SIM_AT_ADDR) | AT(SIM_AT_USB), 0,
		0},
	{"stuck", SIM_STUCK,
		AT(SIM_AT_RX) | AT(SIM_AT_TX) | AT(SIM_AT_OP) | AT(SIM_AT_ADDR) | AT(SIM_AT_USB), 0,
		0},
	{"vanish", SIM_VANISH, AT(SIM_AT_RX) | AT(SIM_AT_TX) | AT(SIM_AT_ADDR) | AT(SIM_AT_USB), 0,
		0},
	{"stall", SIM_STALL, AT(SIM_AT_USB), 0, 0},
	{"lose", SIM_LOSE, AT(SIM_AT_USB), 0, 0},
	{"fail", SIM_FAIL, AT(SIM_AT_USB), 0, 0},
};

static const char *const where_names[] = {
	[SIM_AT_RX] = "rx",
	[SIM_AT_TX] = "tx",
	[SIM_AT_OP] = "op",
	[SIM_AT_ADDR] = "addr",
	[SIM_AT_ID] = "id",
	[SIM_AT_SIZE] = "size",
	[SIM_AT_OPTION] = "option",
	[SIM_AT_USB] = "usb",
};

const char *sim_fault_help(void)
{
	return "KIND@WHERE[:N[:ARG]], or quirk:NAME, or quirk:-NAME to take a quirk away.\n"
	       "WHERE is rx (bytes that the device receives), tx (bytes that it sends), op (flash\n"
	       "operations: one for each erased unit and each programmed flash word), addr (calls of\n"
	       "its I2C address), usb (control transfers), a command code such as 0x31, id (answers\n"
	       "to Get ID), size (reads of the flash size register) or option (reads of option "
	       "bytes).\n"
	       "N counts from 1, which is the default; each fault happens once.\n"
	       "  drop@rx|tx:N                 the byte is lost\n"
	       "  drop@usb:N                   the transfer never reaches the device\n"
	       "  lose@usb:N                   it is done, and the answer is lost\n"
	       "  stall@usb:N                  it is refused, and the device has not seen it\n"
	       "  fail@usb:N                   the wire fails\n"
	       "  double@rx|tx:N               the byte arrives twice\n"
	       "  garble@rx|tx|usb:N[:XOR]     bits of the byte, or of the first one of the transfer,\n"
	       "                               are turned over (0x20)\n"
	       "  garble@id:N[:XOR]            another product ID, with nothing on the wire to show\n"
	       "                               it (0x002)\n"
	       "  garble@size:N[:XOR]          another flash size in KiB (0x40)\n"
	       "  garble@option:N[:XOR]        another first option byte (0x20)\n"
	       "  insert@rx|tx:N[:BYTE]        a byte that nobody sent, ahead of byte N (0x00)\n"
	       "  delay@tx|op|addr|usb:N[:MS]  it takes so much longer (1000)\n"
	       "  nack@CODE:N                  the N-th command with this code is refused\n"
	       "  nack@rx|addr:N               I2C: the ninth bit of the byte or of the address says "
	       "no\n"
	       "  cut@rx|tx|op|addr|usb:N      the power fails; an operation is left half done\n"
	       "  stuck@rx|tx|op|addr|usb:N    the device hangs until it is reset\n"
	       "  vanish@rx|tx|addr|usb:N      the serial port, adapter or device disappears\n";
}

const char *sim_quirk_name(size_t i)
{
	return sim_quirk_at(i);
}

static int bad(struct err *e, const char *spec, const char *what)
{
	err_set(e, ERR_USAGE, "fault \"%s\": %s", spec, what);
	return err_hint(e, "see stmota-sim --help for the kinds and places of faults");
}

static int parse_quirk(struct sim_board *b, const char *spec, const char *name, struct err *e)
{
	bool off = name[0] == '-';
	int q;

	if (!sim_quirk_find(name + (off ? 1 : 0), &q)) {
		err_set(e, ERR_USAGE, "fault \"%s\": there is no quirk of that name", spec);
		return err_hint(e, "stmota-sim --help lists them");
	}
	b->quirks[q] = !off;
	return 0;
}

static int parse_where(const char *spec, const char *text, struct sim_fault *f, struct err *e)
{
	uint32_t code;

	for (size_t i = 0; i < ARRAY_LEN(where_names); i++) {
		if (where_names[i] != NULL && strcmp(where_names[i], text) == 0) {
			f->where = (enum sim_where)i;
			return 0;
		}
	}
	if (strncmp(text, "0x", 2) != 0 || parse_u32_range(text, 0, 0xFF, &code, NULL) < 0)
		return bad(e, spec,
			"the place is none of rx, tx, op, addr, usb, id, size, option, 0xCODE");
	f->where = SIM_AT_CMD;
	f->cmd = (uint8_t)code;
	return 0;
}

/* Cuts `text` at the first `mark`; returns what follows it, or NULL. */
static char *cut_at(char *text, char mark)
{
	char *p = strchr(text, mark);

	if (p == NULL)
		return NULL;
	*p = '\0';
	return p + 1;
}

int sim_fault_parse(struct sim_board *b, const char *spec, struct err *e)
{
	struct sim_fault f = {0};
	char text[64], *where, *n_text, *arg_text = NULL;
	uint32_t n = 1;
	size_t k;
	bool known = false;
	int rc;

	if (strncmp(spec, "quirk:", 6) == 0)
		return parse_quirk(b, spec, spec + 6, e);
	if (strlen(spec) >= sizeof(text))
		return bad(e, spec, "too long");
	memcpy(text, spec, strlen(spec) + 1);
	where = cut_at(text, '@');
	if (where == NULL)
		return bad(e, spec, "no @");
	n_text = cut_at(where, ':');
	if (n_text != NULL)
		arg_text = cut_at(n_text, ':');
	rc = parse_where(spec, where, &f, e);
	if (rc < 0)
		return rc;
	for (k = 0; k < ARRAY_LEN(kinds); k++) {
		known = known || strcmp(kinds[k].name, text) == 0;
		if (strcmp(kinds[k].name, text) == 0 && (kinds[k].where & AT(f.where)) != 0)
			break;
	}
	if (k == ARRAY_LEN(kinds))
		return bad(e, spec, known ? "cannot happen at that place" : "unknown kind");
	if (n_text != NULL && parse_u32_range(n_text, 1, UINT32_MAX, &n, NULL) < 0)
		return bad(e, spec, "N is no number from 1 on");
	f.kind = kinds[k].kind;
	f.arg = kinds[k].arg;
	if (arg_text != NULL && kinds[k].arg_max == 0)
		return bad(e, spec, "takes no argument");
	if (arg_text != NULL && parse_u32_range(arg_text, 0, kinds[k].arg_max, &f.arg, NULL) < 0)
		return bad(e, spec, "the argument is no number, or too large");
	if (b->n_faults == SIM_FAULTS_MAX)
		return bad(e, spec, "too many faults");
	f.n = n + (f.where == SIM_AT_CMD ? b->commands[f.cmd] : b->seen[f.where]);
	b->faults[b->n_faults++] = f;
	return 0;
}

const struct sim_fault *sim_fault_at(struct sim_board *b, enum sim_where where, uint8_t cmd)
{
	uint64_t n = where == SIM_AT_CMD ? ++b->commands[cmd] : ++b->seen[where];

	for (size_t i = 0; i < b->n_faults; i++) {
		struct sim_fault *f = &b->faults[i];

		if (f->fired || f->where != where || f->n != n)
			continue;
		if (where == SIM_AT_CMD && f->cmd != cmd)
			continue;
		f->fired = true;
		return f;
	}
	return NULL;
}

int sim_board_fault(struct sim_board *b, const char *spec, struct err *e)
{
	return sim_fault_parse(b, spec, e);
}

void sim_board_clear_faults(struct sim_board *b)
{
	b->n_faults = 0;
}
