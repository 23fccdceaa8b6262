/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_dbfu.c - X-CUBE-DBFU, ST's demo of AN4767: the program updates the bank beside it
 *
 * The demo is the application: it runs in one bank and writes the other. Which bank a reset starts
 * is the ROM's affair (option bit BFB2, sim_app.c); key 5 changes over without a reset, until the
 * next one. Every program that starts has the menu, unless it holds "stmota-sim hangs".
 */
#include "sim_updater.h"

#include <string.h>

#define COPY_BYTES (80000u * 4)

struct dbfu {
	const char *chip, *version;
	const char *checked; /* key 4 likes what it sees */
	const char *prompt;  /* behind the menu */
	bool clears_wrp;
};

static const struct dbfu l4 = {"STM32L476", "1.0.0", "Success!\r\n\n", "", true};
static const struct dbfu g4 = {"STM32G474", "2.0.0", "Other bank check passed.\r\n\n", "", true};
static const struct dbfu l0 = {"STM32L0", "1.0.0", "Success!\r\n\n", "Please input:", false};

static const struct sim_ymodem_config receiver = {
	.name = "x-cube-dbfu",
	.interval_ms = 1000,
	.number = SIM_YMODEM_NAK,
	.errors_by_c = true,
	.counts_8_bits = true,
	.end_without_c = true,
	.max_errors = 5,
};

static const struct dbfu *facts(const struct sim_board *b)
{
	return b->updater->kind->facts;
}

static uint8_t active_bank(const struct sim_board *b)
{
	return b->running.addr >= b->flash_size / 2 ? 2 : 1;
}

static uint8_t other_bank(const struct sim_board *b)
{
	return active_bank(b) == 1 ? 2 : 1;
}

static uint32_t bank_start(const struct sim_board *b, uint8_t bank)
{
	return bank == 2 ? b->flash_size / 2 : 0;
}

/* ---- the keys ---- */

/* One mass erase; a protected page in the bank and nothing happens. */
static enum sim_taken erase_other(struct sim_board *b)
{
	uint8_t bank = other_bank(b);

	updater_sayf(b, "Erasing bank %u.\r\n", bank);
	if (!sim_updater_runs(b) || !sim_flash_erase_all(b, bank, false))
		return SIM_DEAD;
	for (uint32_t i = 0; i < b->geometry.n_units; i++)
		if (b->unit_protected[i] && geometry_unit(&b->geometry, i).bank == bank)
			return SIM_NOT_WRITTEN;
	return SIM_TAKEN;
}

static void say_success(struct sim_board *b, enum sim_taken t)
{
	updater_say(b, t == SIM_TAKEN ? "Success!\r\n\n" : "Failure!\r\n\n");
}

static void download(struct sim_board *b)
{
	struct sim_updater *u = b->updater;

	updater_say(b, "Waiting for the file to be sent ... (press 'a' to abort)\n\r");
	u->start = u->at = bank_start(b, other_bank(b));
	u->end = b->flash_size;
	updater_receive(b);
}

static void erase(struct sim_board *b)
{
	updater_say(b, "Erasing memory, wait a moment ...\r\n\n");
	say_success(b, erase_other(b));
}

static void rewrite(struct sim_board *b)
{
	uint32_t half = b->flash_size / 2, from = bank_start(b, active_bank(b));
	enum sim_taken t;

	updater_say(b, "Rewriting memory, wait a moment ...\r\n\n");
	t = erase_other(b);
	if (t == SIM_TAKEN) {
		updater_say(b, "Copying new content, wait a moment ...\r\n\n");
		t = updater_copy(b, bank_start(b, other_bank(b)), b->flash + from,
			COPY_BYTES < half ? COPY_BYTES : half);
	}
	say_success(b, t);
}

/* All it asks is that the stack pointer begins with 0x20. */
static bool looks_good(struct sim_board *b)
{
	bool good = b->flash[bank_start(b, other_bank(b)) + 3] == 0x20;

	updater_say(b, good ? facts(b)->checked : "Failure!\r\n\n");
	return good;
}

static void check(struct sim_board *b)
{
	looks_good(b);
}

/* No reset: the other program gets the CPU, and RAM is as it was. */
static void switch_bank(struct sim_board *b)
{
	uint8_t bank = other_bank(b);

	if (!looks_good(b) || !sim_updater_runs(b))
		return;
	b->cpu = SIM_CPU_LOCKED;
	if (!sim_app_bank_starts(b, bank))
		return;
	sim_app_run(b, bank_start(b, bank));
	sim_updater_start(b);
}

static void toggle_bfb2(struct sim_board *b)
{
	updater_say(b, "Demo will reboot to apply changes to OB ...\r\n\n");
	if (sim_updater_runs(b) &&
		sim_option_set(b, "BFB2", sim_option_get(b, "BFB2", 0) == 0 ? 1 : 0))
		sim_reset(b);
}

/* The port to L0 has keys that its menu does not show; what they do is not known. */
static void nothing(struct sim_board *b)
{
	(void)b;
}

static bool is_port(const struct sim_board *b)
{
	return facts(b)->prompt[0] != '\0';
}

static void head(struct sim_board *b)
{
	updater_say(b, "\r\n======== Main Menu ========================\r\n\n");
	updater_sayf(b, "  Program running from Bank %u  \r\n", active_bank(b));
	updater_sayf(b, "  System ROM bank selection %s \r\n\n",
		sim_option_get(b, "BFB2", 0) == 1 ? "active " : "deactivated");
	updater_say(b, "===========================================\r\n");
}

static const struct updater_item items[] = {
	{"  Flash binary to the other bank ------- 1\r\n", '1', download, NULL},
	{"  Erase the other bank ----------------- 2\r\n", '2', erase, NULL},
	{"  Rewrite the other bank --------------- 3\r\n", '3', rewrite, NULL},
	{"  Check the other bank integrity ------- 4\r\n", '4', check, NULL},
	{"  Switch bank -------------------------- 5\r\n", '5', switch_bank, NULL},
	{"  Toggle the system bank selection ----- 6\r\n", '6', toggle_bfb2, NULL},
	{NULL, '0', nothing, is_port},
	{NULL, '7', nothing, is_port},
	{NULL, '8', nothing, is_port},
	{NULL, '9', nothing, is_port},
	{NULL, 0, NULL, NULL},
};

#define TAIL "===========================================\r\n"
#define BAD  "Invalid input ! ==> Enter number in range from 1 to 6\r"

static const struct updater_menu menu = {head, items, TAIL, BAD},
				 menu_port = {head, items, TAIL "Please input:", BAD};

static void show(struct sim_board *b)
{
	updater_menu_show(b, is_port(b) ? &menu_port : &menu);
}

static void start(struct sim_board *b)
{
	static const char mark[] = "stmota-sim hangs";
	const uint8_t *p = b->flash + b->running.addr;
	char version[32];

	for (uint32_t i = 0; i + sizeof(mark) - 1 <= b->running.len; i++)
		if (p[i] == 's' && memcmp(p + i, mark, sizeof(mark) - 1) == 0)
			return;
	updater_marker(b, b->running, "stmota-sim version: ", version, sizeof(version));
	updater_say(
		b, "\r\n=====================================================================\r\n");
	updater_sayf(b, "=   %s On-the-fly update for dual bank demo  (Version %s)  =\r\n",
		facts(b)->chip, version[0] != '\0' ? version : facts(b)->version);
	updater_say(
		b, "=====================================================================\r\n\r\n");
	/* Both areas, whatever stands there: two writes of the option bytes at each start. */
	if (facts(b)->clears_wrp && (!sim_option_clear_wrp2(b) || !sim_option_clear_wrp2(b)))
		return;
	show(b);
}

/* ---- the transfer ---- */

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	if (size > b->flash_size / 2)
		return SIM_TOO_LARGE;
	return erase_other(b) == SIM_DEAD ? SIM_DEAD : SIM_TAKEN;
}

static void received(struct sim_board *b, enum sim_received how)
{
	static const char *const words[] = {
		[SIM_REFUSED] = "\n\n\rThe image size is higher than the bank size!\n\r",
		[SIM_WRITE_ERROR] = "\n\n\rVerification failed!\n\r",
		[SIM_ABORTED] = "\n\rAborted by user.\n\r",
		[SIM_GAVE_UP] = "\n\rFailed to receive the file!\n\r",
		[SIM_CUT_OFF] = "",
	};

	if (how == SIM_RECEIVED)
		updater_say_received(b);
	else
		updater_say(b, words[how]);
	show(b);
}

static void factory(struct sim_board *b)
{
	updater_make_program(b, 0, b->chip->flash_base, 0x4000, facts(b)->version);
}

#define KIND(name_, what_, pid_, facts_)                                                           \
	{                                                                                          \
		.name = name_, .what = what_, .pid = pid_, .receiver = &receiver,                  \
		.facts = &facts_, .factory = factory, .start = start, .begin = begin,              \
		.data = updater_write, .received = received, .has_cipher = true,                   \
	}

const struct updater_kind updater_dbfu[] = {
	KIND("x-cube-dbfu-l4", "AN4767 demo on L476: the bank beside the program", 0x415, l4),
	KIND("x-cube-dbfu-g4", "the same on G474", 0x469, g4),
	KIND("x-cube-dbfu-l0", "somebody's port of it to L0", 0x447, l0),
	{.name = NULL},
};
