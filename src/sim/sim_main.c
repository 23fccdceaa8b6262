/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_main.c - the program stmota-sim: virtual STM32 boards
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
#include "sim_exec.h"
#include "sim_run.h"

#define QUIRKS_MAX 16 /* that further boards have too */

/* Of the board, for every command that makes one. */
static const struct opt board_opts[] = {
	OPT_STRING("chip", "PID|NAME", "product ID (0x413) or part name (STM32F407)"),
	OPT_FILE("state", "FILE", "keeps flash, option bytes and unique id from run to run"),
	OPT_U32("flash-size", "KIB", "flash of this part; default: the largest of its chip"),
	OPT_STRING(
		"rom-version", "V", "bootloader version, 9.0 or 0x90; default: the newest known"),
	OPT_STRINGS("fault", "SPEC", "something that goes wrong; see below"),
	OPT_FILE("stats", "FILE", "writes what went over the wire, as JSON"),
	OPT_CHOICE("boot0", "high|low", "level of the BOOT0 pin at power-up; default: high"),
	OPT_U32("seed", "N",
		"of the unique id and of half-done flash operations; default: another each time"),
	OPT_END,
};

static const struct opt run_opts[] = {
	OPT_FILE("uart", "PATH", "where the serial port appears, as a link to a pseudo terminal"),
	OPT_STRING("updater", "NAME", "it runs a program that updates itself; stmota-sim updaters"),
	OPT_FILE(
		"aes", "FILE", "this updater decrypts: key and first counter block in hexadecimal"),
	OPT_STRING("wire", "BAUD[,LATENCY_MS]", "time passes as on a real wire and adapter"),
	OPT_FLAG("reset-on-open", "opening the port resets the chip into its ROM"),
	OPT_END,
};

static const struct opt exec_opts[] = {
	OPT_FLAG("uart", "the ROM on /dev/ttyUSB0; NRST is wired to DTR, BOOT0 to RTS"),
	OPT_FLAG("i2c", "the ROM on /dev/i2c-1, at the address of its chip"),
	OPT_FLAG("dfu", "the ROM as USB device 0483:df11"),
	OPT_CHOICE("dfu-as",
		"rom|runtime|runtime-leaves|plain|plain-tolerant|plain-leaves|plain-mute|plain-places",
		"an application with run-time DFU, or a plain DFU 1.1 bootloader, in its place"),
	OPT_U32("boards", "N",
		"so many boards, alike but for their unique ids, on the USB hub; with --dfu"),
	OPT_FLAG("gpio", "the lines BOOT0 and NRST on /dev/gpiochip0"),
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
	"       stmota-sim run --updater NAME --uart PATH [OPTION]...\n"
	"       stmota-sim exec --chip PID|NAME [--uart] [--i2c] [--dfu] [--gpio] [OPTION]... -- "
	"COMMAND [ARGUMENT]...\n"
	"       stmota-sim chips\n"
	"       stmota-sim updaters\n"
	"\n"
	"A virtual STM32 with its ROM bootloader. It refuses, loses and ignores what a real one "
	"does.\n"
	"run puts it on a pseudo terminal; stm32flash needs -m 8n1 there, because that has no "
	"parity.\n"
	"exec runs a program, unmodified, that finds it where it looks for real devices.\n"
	"With --updater it runs a program instead, with a menu and YMODEM, as ST and others ship "
	"them.\n"
	"\n"
	"The board:\n";

static const char usage_tail[] =
	"\n"
	"Signals to run: SIGUSR1 is the reset button, SIGUSR2 a power cycle, SIGTERM and SIGINT "
	"end it.\n"
	"After a cut the board is dead until somebody opens the port again, or SIGUSR2. A port "
	"that\n"
	"vanished comes back after a second. With exec the next exec with the same --state brings "
	"both back.\n"
	"\n"
	"Without --wire the host never waits for the modelled wire and flash; bytes that it sends "
	"while\n"
	"the device is busy are lost with --wire only. The exit status of exec is that of "
	"COMMAND.\n"
	"\n"
	"Faults:\n";

static const char usage_example[] =
	"\n"
	"Examples:\n"
	"  stmota-sim run --chip STM32F407 --uart /tmp/board --state board.state --reset-on-open "
	"&\n"
	"  stm32flash -m 8n1 -w app.bin -v /tmp/board\n"
	"  stmota-sim run --updater x-cube-dbfu-g4 --uart /tmp/board --state board.state &\n"
	"  stmota-sim exec --chip STM32L431 --i2c -- stm32flash -a 0x48 -w app.bin -v "
	"/dev/i2c-1\n";

static void print_opts(const struct opt *o)
{
	char left[64];

	for (; o->name != NULL; o++) {
		bool list = o->arg != NULL && strlen(o->arg) > 40; /* of words, too many for here */

		snprintf(left, sizeof(left), "%s--%s%s%s", o->letter != 0 ? "-h, " : "", o->name,
			o->arg != NULL ? " " : "", list ? "KIND" : o->arg != NULL ? o->arg : "");
		printf("  %-26s %s%s\n", left, o->text, o->many ? "; may be repeated" : "");
		if (list)
			printf("  %-26s KIND: %s\n", "", o->arg);
	}
}

static void print_help(void)
{
	fputs(usage_head, stdout);
	print_opts(board_opts);
	print_opts(common_opts);
	printf("\nWith run:\n");
	print_opts(run_opts);
	printf("\nWith exec:\n");
	print_opts(exec_opts);
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

static int parse_board(const struct opts *o, struct sim_config *sim, struct err *e)
{
	int rc;

	if (!opt_given(o, "chip") && sim->updater == NULL) {
		err_set(e, ERR_USAGE, "--chip is missing");
		return err_hint(e, "stmota-sim chips lists them; for example --chip STM32F407");
	}
	rc = opt_given(o, "chip") ? chip_find_name(opt_str(o, "chip", ""), &sim->chip, e)
				  : sim_updater_chip(sim->updater, &sim->chip, e);
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
	sim->state_file = opt_str(o, "state", NULL);
	/* Boards made without a seed are different boards: their unique ids tell them apart. */
	if (opt_given(o, "seed"))
		sim->seed = opt_u32(o, "seed", 0);
	else if (getentropy(&sim->seed, sizeof(sim->seed)) < 0)
		return err_set_errno(e, ERR_IO, errno, "no randomness");
	sim->boot0_low = sim->updater != NULL || strcmp(opt_str(o, "boot0", "high"), "low") == 0;
	return 0;
}

static int make_board(
	const struct opts *o, struct sim_config *sim, struct sim_board **ret, struct err *e)
{
	const char **faults;
	int rc = parse_board(o, sim, e);

	if (rc < 0)
		return rc;
	sim->n_faults = opt_count(o, "fault");
	faults = calloc(sim->n_faults + 1, sizeof(*faults));
	if (faults == NULL)
		return err_set(e, ERR_NOMEM, "no memory");
	for (size_t i = 0; i < sim->n_faults; i++)
		faults[i] = opt_str_at(o, "fault", i);
	sim->faults = faults;
	rc = sim_board_new(sim, ret, e);
	sim->faults = NULL;
	free(faults);
	return rc;
}

static void note(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

static int run_board(const struct opts *o, struct err *e)
{
	struct sim_config sim = {
		.updater = opt_str(o, "updater", NULL), .aes_file = opt_str(o, "aes", NULL)};
	struct sim_run_config run = {.note = note, .updater = sim.updater != NULL};
	const struct chip *own = NULL;
	struct sim_board *b;
	int rc = sim.updater != NULL ? sim_updater_chip(sim.updater, &own, e) : 0;

	if (rc < 0)
		return rc;
	if ((!opt_given(o, "chip") && own == NULL) || !opt_given(o, "uart")) {
		err_set(e, ERR_USAGE, "%s is missing",
			opt_given(o, "chip") || own != NULL ? "--uart" : "--chip");
		return err_hint(e, "stmota-sim run --chip STM32F407 --uart /tmp/board");
	}
	if (opt_given(o, "wire")) {
		rc = parse_wire(opt_str(o, "wire", ""), &run, e);
		if (rc < 0)
			return rc;
	}
	if (own == NULL && opt_given(o, "aes"))
		return err_set(e, ERR_USAGE, "--aes: only with --updater");
	if (own != NULL && opt_given(o, "boot0")) {
		err_set(e, ERR_USAGE, "--boot0: an updater is what BOOT0 low starts");
		return err_hint(e, "leave --boot0 or --updater out");
	}
	rc = make_board(o, &sim, &b, e);
	if (rc < 0)
		return rc;
	run.boot0_low = sim.boot0_low;
	run.uart = opt_str(o, "uart", NULL);
	run.stats_file = opt_str(o, "stats", NULL);
	run.reset_on_open = opt_given(o, "reset-on-open");
	printf("%s%s%s (0x%03x), %u KiB of flash, on %s\n", own != NULL ? sim.updater : "",
		own != NULL ? " on " : "", sim.chip->name, sim.chip->pid,
		(unsigned)sim_board_geometry(b)->size / 1024, run.uart);
	fflush(stdout);
	rc = sim_run(b, &run, e);
	sim_board_free(b);
	return rc;
}

/* ---- boards for exec ---- */

struct boards {
	struct sim_board *v[SIM_EXEC_BOARDS];
	size_t n;
};

static void free_boards(struct boards *b)
{
	while (b->n > 0)
		sim_board_free(b->v[--b->n]);
}

/* Board 2 keeps its memory in FILE.2, has a unique id of its own, and the quirks of the first. */
static int make_another(
	const struct opts *o, struct sim_config sim, struct boards *b, struct err *e)
{
	const char *faults[QUIRKS_MAX];
	char file[4096];

	snprintf(file, sizeof(file), "%s.%zu", sim.state_file != NULL ? sim.state_file : "",
		b->n + 1);
	if (sim.state_file != NULL)
		sim.state_file = file;
	sim.seed += (uint32_t)b->n;
	sim.n_faults = 0;
	for (size_t i = 0; i < opt_count(o, "fault") && sim.n_faults < ARRAY_LEN(faults); i++)
		if (strncmp(opt_str_at(o, "fault", i), "quirk:", 6) == 0)
			faults[sim.n_faults++] = opt_str_at(o, "fault", i);
	sim.faults = faults;
	return sim_board_new(&sim, &b->v[b->n], e);
}

static int make_boards(
	const struct opts *o, struct sim_config *sim, struct boards *ret, struct err *e)
{
	uint32_t n = opt_u32(o, "boards", 1);
	int rc;

	if (n == 0 || n > SIM_EXEC_BOARDS)
		return err_set(e, ERR_USAGE, "--boards: 1 to %d", SIM_EXEC_BOARDS);
	if (n > 1 && !opt_given(o, "dfu")) {
		err_set(e, ERR_USAGE, "--boards: only USB has room for several");
		return err_hint(e, "add --dfu");
	}
	rc = make_board(o, sim, &ret->v[0], e);
	if (rc == 0)
		ret->n = 1;
	while (rc == 0 && ret->n < n) {
		rc = make_another(o, *sim, ret, e);
		if (rc == 0)
			ret->n++;
	}
	return rc;
}

/* Everything behind the word exec. */
static int exec_command(const struct opts *o, char **argv, int *ret_status, struct err *e)
{
	struct sim_config sim = {0};
	struct sim_exec_config exec = {
		.stats_file = opt_str(o, "stats", NULL), .dfu_as = opt_str(o, "dfu-as", "rom")};
	struct boards boards = {0};
	size_t n = 0;
	const char *name;
	int rc;

	/* What follows is not ours: it begins after the first --. */
	while (*argv != NULL && strcmp(*argv, "--") != 0)
		argv++;
	if (*argv == NULL || argv[1] == NULL) {
		err_set(e, ERR_USAGE, "exec: no command after --");
		return err_hint(
			e, "stmota-sim exec --chip STM32L431 --i2c -- COMMAND [ARGUMENT]...");
	}
	exec.command = argv + 1;
	for (size_t i = 0; (name = sim_exec_transport(i, NULL)) != NULL; i++) {
		exec.transports[i] = opt_given(o, name);
		n += exec.transports[i] ? 1 : 0;
	}
	if (n == 0) {
		err_set(e, ERR_USAGE, "exec: the board has no device");
		return err_hint(e, "give --uart, --i2c, --dfu, --gpio or several of them");
	}
	rc = make_boards(o, &sim, &boards, e);
	exec.boot0_low = sim.boot0_low;
	exec.more = boards.v + 1;
	exec.n_more = boards.n - 1;
	if (rc == 0 && opt_given(o, "i2c") && sim_i2c_address(boards.v[0]) == 0) {
		rc = err_set(e, ERR_UNSUPPORTED, "%s: this ROM has no I2C", sim.chip->name);
		err_hint(e, "another chip, or another --rom-version");
	}
	if (rc == 0)
		rc = sim_exec(boards.v[0], &exec, ret_status, e);
	free_boards(&boards);
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

static int list_updaters(void)
{
	const struct chip *c;
	const char *name, *what;

	for (size_t i = 0; (name = sim_updater_name(i, &what, &c)) != NULL; i++)
		printf("%-20s 0x%03x %-3s %s\n", name, c->pid, c->series, what);
	return 0;
}

/* Which options there are depends on the command. */
static void choose_tables(int argc, char **argv, const struct opt **tables)
{
	const struct opt *all[] = {board_opts, run_opts, common_opts, NULL};
	const struct opt *const *known = all;
	int first = opt_first_arg(known, argc - 1, argv + 1) + 1;
	const char *command = first < argc ? argv[first] : "";

	tables[0] = board_opts;
	tables[1] = common_opts;
	tables[2] = strcmp(command, "exec") == 0 ? exec_opts : run_opts;
	tables[3] = NULL;
	if (strcmp(command, "chips") == 0 || strcmp(command, "updaters") == 0)
		tables[0] = tables[2] = chips_opts;
}

int main(int argc, char **argv)
{
	const struct opt *tables[4];
	struct opts *o = NULL;
	struct err e = ERR_INIT;
	const char *command;
	int rc = 0, status = 0;
	bool exec;

	choose_tables(argc, argv, tables);
	if (opt_parse(tables, argc - 1, argv + 1, &o, &e) < 0)
		return complain(&e);
	command = opt_n_args(o) > 0 ? opt_arg(o, 0) : NULL;
	exec = command != NULL && strcmp(command, "exec") == 0;
	if (opt_given(o, "help")) {
		print_help();
	} else if (opt_given(o, "version")) {
		printf("stmota-sim %s\n", STMOTA_VERSION);
	} else if (command == NULL || (opt_n_args(o) > 1 && !exec)) {
		rc = err_set(&e, ERR_USAGE, command == NULL ? "no command" : "too many words");
		err_hint(&e, "stmota-sim run, exec, chips or updaters, or stmota-sim --help");
	} else if (strcmp(command, "chips") == 0) {
		rc = list_chips();
	} else if (strcmp(command, "updaters") == 0) {
		rc = list_updaters();
	} else if (strcmp(command, "run") == 0) {
		rc = run_board(o, &e);
	} else if (exec) {
		rc = exec_command(o, argv, &status, &e);
	} else {
		rc = err_set(&e, ERR_USAGE, "there is no command \"%s\"", command);
		err_hint(&e, "stmota-sim run, exec, chips or updaters, or stmota-sim --help");
	}
	opt_free(o);
	return rc < 0 ? complain(&e) : status;
}
