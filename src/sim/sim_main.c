/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_main.c - the program stmota-sim: virtual STM32 boards on a pseudo terminal
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stmota/bytes.h>
#include <stmota/opt.h>
#include <stmota/strparse.h>

#include "sim.h"
#include "sim_run.h"

static const struct opt run_opts[] = {
	OPT_STRING("chip", "PID|NAME", "product ID (0x413) or part name (STM32F407)"),
	OPT_FILE("uart", "PATH", "where the serial port appears, as a link to a pseudo terminal"),
	OPT_FILE("state", "FILE", "keeps flash, option bytes and unique id from run to run"),
	OPT_U32("flash-size", "KIB", "flash of this part; default: the largest of its chip"),
	OPT_STRING(
		"rom-version", "V", "bootloader version, 9.0 or 0x90; default: the newest known"),
	OPT_STRINGS("fault", "SPEC", "something that goes wrong; see below"),
	OPT_STRING("wire", "BAUD[,LATENCY_MS]", "time passes as on a real wire and adapter"),
	OPT_FILE("stats", "FILE", "writes what went over the wire, as JSON"),
	OPT_FLAG("reset-on-open", "opening the port resets the chip into its ROM"),
	OPT_CHOICE("boot0", "high|low", "level of the BOOT0 pin at power-up; default: high"),
	OPT_U32("seed", "N",
		"of the unique id and of half-done flash operations; default: another each time"),
	OPT_END,
};

static const struct opt chips_opts[] = {OPT_END};

static const struct opt common_opts[] = {
	{.name = "help", .letter = 'h', .type = OPT_TYPE_FLAG, .text = "shows this text"},
	{.name = "version", .type = OPT_TYPE_FLAG, .text = "shows the version"},
	OPT_END,
};

static const char usage_head[] =
	"usage: stmota-sim run --chip PID|NAME --uart PATH [OPTION]...\n"
	"       stmota-sim chips\n"
	"\n"
	"A virtual STM32 with its ROM bootloader, on a pseudo terminal. It refuses, loses and "
	"ignores\n"
	"what a real one does. stm32flash needs -m 8n1: a pseudo terminal has no parity.\n"
	"\n";

static const char usage_tail[] = "\n"
				 "Signals: SIGUSR1 is the reset button, SIGUSR2 a power cycle, "
				 "SIGTERM and SIGINT end it. After a\n"
				 "cut the board is dead until somebody opens the port again, or "
				 "SIGUSR2. A port that vanished\n"
				 "comes back after a second.\n"
				 "\n"
				 "Without --wire the host never waits for the modelled wire and "
				 "flash; bytes that it sends while\n"
				 "the device is busy are lost with --wire only.\n"
				 "\n"
				 "Faults:\n";

static const char usage_example[] = "\n"
				    "Example:\n"
				    "  stmota-sim run --chip STM32F407 --uart /tmp/board --state "
				    "board.state --reset-on-open &\n"
				    "  stm32flash -m 8n1 -w app.bin -v /tmp/board\n";

static void print_opts(const struct opt *o)
{
	char left[64];

	for (; o->name != NULL; o++) {
		snprintf(left, sizeof(left), "%s--%s%s%s", o->letter != 0 ? "-h, " : "", o->name,
			o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
		printf("  %-26s %s%s\n", left, o->text, o->many ? "; may be repeated" : "");
	}
}

static void print_help(void)
{
	fputs(usage_head, stdout);
	print_opts(run_opts);
	print_opts(common_opts);
	fputs(usage_tail, stdout);
	fputs(sim_fault_help(), stdout);
	printf("\nQuirks:\n");
	for (size_t i = 0; sim_quirk_name(i) != NULL; i += 2)
		printf("  %-34s%s\n", sim_quirk_name(i),
			sim_quirk_name(i + 1) != NULL ? sim_quirk_name(i + 1) : "");
	fputs(usage_example, stdout);
}

static int complain(const struct err *e)
{
	fprintf(stderr, "stmota-sim: %s\n", e->msg);
	if (e->hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", e->hint);
	return err_exit_status(e->code);
}

/* "9.0", "V9.0" or "0x90". */
static int parse_rom_version(const char *text, uint8_t *ret, struct err *e)
{
	const char *t = text[0] == 'V' || text[0] == 'v' ? text + 1 : text;
	const char *dot = strchr(t, '.');
	char major[8];
	uint32_t hi, lo;

	if (dot == NULL) {
		if (strncmp(t, "0x", 2) == 0 && parse_u32_range(t, 1, 0xFF, &hi, NULL) == 0) {
			*ret = (uint8_t)hi;
			return 0;
		}
	} else if (dot > t && (size_t)(dot - t) < sizeof(major)) {
		snprintf(major, sizeof(major), "%.*s", (int)(dot - t), t);
		if (parse_u32_range(major, 0, 15, &hi, NULL) == 0 &&
			parse_u32_range(dot + 1, 0, 15, &lo, NULL) == 0 && (hi | lo) != 0) {
			*ret = (uint8_t)(hi << 4 | lo);
			return 0;
		}
	}
	err_set(e, ERR_USAGE, "--rom-version %s: not a version", text);
	return err_hint(e, "write 9.0, or the bootloader id 0x90");
}

static int parse_wire(const char *text, struct sim_run_config *ret, struct err *e)
{
	char baud[16];
	const char *comma = strchr(text, ',');
	size_t len = comma == NULL ? strlen(text) : (size_t)(comma - text);

	if (len < sizeof(baud)) {
		memcpy(baud, text, len);
		baud[len] = '\0';
		if (parse_u32_range(baud, 300, 12000000, &ret->wire_baud, NULL) == 0 &&
			(comma == NULL ||
				parse_u32_range(comma + 1, 0, 10000, &ret->latency_ms, NULL) == 0))
			return 0;
	}
	err_set(e, ERR_USAGE, "--wire %s: not BAUD or BAUD,LATENCY_MS", text);
	return err_hint(e, "for example --wire 115200,16");
}

static int parse_config(
	const struct opts *o, struct sim_config *sim, struct sim_run_config *run, struct err *e)
{
	int rc;

	if (!opt_given(o, "chip") || !opt_given(o, "uart")) {
		err_set(e, ERR_USAGE, "%s is missing", opt_given(o, "chip") ? "--uart" : "--chip");
		return err_hint(e, "stmota-sim run --chip STM32F407 --uart /tmp/board");
	}
	rc = chip_find_name(opt_str(o, "chip", ""), &sim->chip, e);
	if (rc < 0)
		return rc;
	if (opt_u32(o, "flash-size", 1) == 0 || opt_u32(o, "flash-size", 1) > 65536)
		return err_set(e, ERR_USAGE, "--flash-size: not a number of KiB from 1 on");
	sim->flash_size = opt_u32(o, "flash-size", 0) * 1024;
	if (opt_given(o, "rom-version")) {
		rc = parse_rom_version(opt_str(o, "rom-version", ""), &sim->rom_version, e);
		if (rc < 0)
			return rc;
	}
	if (opt_given(o, "wire")) {
		rc = parse_wire(opt_str(o, "wire", ""), run, e);
		if (rc < 0)
			return rc;
	}
	sim->state_file = opt_str(o, "state", NULL);
	/* Boards made without a seed are different boards: their unique ids tell them apart. */
	if (opt_given(o, "seed"))
		sim->seed = opt_u32(o, "seed", 0);
	else if (getentropy(&sim->seed, sizeof(sim->seed)) < 0)
		return err_set_errno(e, ERR_IO, errno, "no randomness");
	sim->boot0_low = strcmp(opt_str(o, "boot0", "high"), "low") == 0;
	run->boot0_low = sim->boot0_low;
	run->uart = opt_str(o, "uart", NULL);
	run->stats_file = opt_str(o, "stats", NULL);
	run->reset_on_open = opt_given(o, "reset-on-open");
	return 0;
}

static void note(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

static int run_board(const struct opts *o, struct err *e)
{
	struct sim_config sim = {0};
	struct sim_run_config run = {.note = note};
	struct sim_board *b;
	const char **faults;
	int rc = parse_config(o, &sim, &run, e);

	if (rc < 0)
		return rc;
	sim.n_faults = opt_count(o, "fault");
	faults = calloc(sim.n_faults + 1, sizeof(*faults));
	if (faults == NULL)
		return err_set(e, ERR_NOMEM, "no memory");
	for (size_t i = 0; i < sim.n_faults; i++)
		faults[i] = opt_str_at(o, "fault", i);
	sim.faults = faults;
	rc = sim_board_new(&sim, &b, e);
	free(faults);
	if (rc < 0)
		return rc;
	printf("%s (0x%03x), %u KiB of flash, on %s\n", sim.chip->name, sim.chip->pid,
		(unsigned)sim_board_geometry(b)->size / 1024, run.uart);
	fflush(stdout);
	rc = sim_run(b, &run, e);
	sim_board_free(b);
	return rc;
}

static int list_chips(void)
{
	size_t n = 0;

	for (size_t i = 0; i < chip_count(); i++) {
		const struct chip *c = chip_at(i);

		if (sim_chip_supported(c, NULL) < 0)
			continue;
		n++;
		printf("0x%03x  %-5s %5u KiB  %s\n", c->pid, c->series,
			(unsigned)c->flash_size_max / 1024, c->name);
	}
	printf("%zu of %zu chips; nothing is confirmed about the ROM of the others\n", n,
		chip_count());
	return 0;
}

int main(int argc, char **argv)
{
	const struct opt *tables[] = {run_opts, common_opts, NULL};
	struct opts *o = NULL;
	struct err e = ERR_INIT;
	const char *command;
	int rc = 0;

	if (argc > 1 && strcmp(argv[1], "chips") == 0)
		tables[0] = chips_opts;
	if (opt_parse(tables, argc - 1, argv + 1, &o, &e) < 0)
		return complain(&e);
	command = opt_n_args(o) > 0 ? opt_arg(o, 0) : NULL;
	if (opt_given(o, "help")) {
		print_help();
	} else if (opt_given(o, "version")) {
		printf("stmota-sim %s\n", STMOTA_VERSION);
	} else if (command == NULL || opt_n_args(o) > 1) {
		rc = err_set(&e, ERR_USAGE, command == NULL ? "no command" : "too many words");
		err_hint(&e, "stmota-sim run, stmota-sim chips or stmota-sim --help");
	} else if (strcmp(command, "chips") == 0) {
		rc = list_chips();
	} else if (strcmp(command, "run") == 0) {
		rc = run_board(o, &e);
	} else {
		rc = err_set(&e, ERR_USAGE, "there is no command \"%s\"", command);
		err_hint(&e, "stmota-sim run, stmota-sim chips or stmota-sim --help");
	}
	opt_free(o);
	return rc < 0 ? complain(&e) : 0;
}
