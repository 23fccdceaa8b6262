/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_iap.c - ST's IAP_Main (AN4657, AN3965) of seven families
 *
 * The same program with small differences, most of them in what is wrong with it: an 8-bit block
 * counter, a size check that looks at the wrong variable, a stack check that refuses half of the
 * parts it runs on. There is no way in but the board's button, which is held here; the quirk
 * button-released lets it go.
 */
#include "sim_updater.h"

#include <string.h>

#define SP_MASK 0x2FFE0000u

struct iap {
	const char *family, *version;
	uint32_t app, end;  /* of user flash, offsets */
	uint32_t user_size; /* the constant that its size check and its upload use */
	bool looks_at_new;  /* the size check sees the file that comes, not the one before */
	bool read_protection_hangs;
};

static const struct iap f0 = {"STM32F0xx", "  (Version 1.0.0)", 0x4000, 0x40000, 0x3000, 0, 0};
static const struct iap f1 = {"STM32F1xx", "  (Version 1.0.0)", 0x4000, 0x40000, 0x3000, 0, 0};
static const struct iap f3 = {"STM32F3xx", "  (Version 1.0.0)", 0x4000, 0x40000, 0x3000, 0, 0};
static const struct iap f4 = {"STM32F4xx", "", 0x8000, 0x200000, 0x1F8000, 1, 0};
static const struct iap f7 = {"STM32F7xx", "", 0x8000, 0x100000, 0xF8000, 0, 0};
static const struct iap h7 = {"STM32H7xx", "", 0x20000, 0x200000, 0x1E0000, 0, 0};
static const struct iap l4 = {"STM32L4xx", "  (Version 1.0.0)", 0x8000, 0x100000, 0x3000, 0, 1};

/* What all have; most count in 8 bits. */
#define ST_RECEIVER                                                                                \
	.number = SIM_YMODEM_NAK, .errors_by_c = true, .end_without_c = true, .stays = true,       \
	.max_errors = 5

static const struct sim_ymodem_config receiver_1s = {
	.name = "iap", .interval_ms = 1000, .counts_8_bits = true, ST_RECEIVER};
static const struct sim_ymodem_config receiver_f4 = {
	.name = "iap-f4", .interval_ms = 5000, ST_RECEIVER};
static const struct sim_ymodem_config receiver_h7 = {
	.name = "iap-h7", .interval_ms = 10000, ST_RECEIVER};

static const struct iap *facts(const struct sim_board *b)
{
	return b->updater->kind->facts;
}

/* ---- the menu ---- */

static bool is_protected(const struct sim_board *b)
{
	for (uint32_t i = 0; i < b->geometry.n_units; i++)
		if (b->unit_protected[i] &&
			geometry_unit(&b->geometry, i).addr - b->geometry.base >= facts(b)->app)
			return true;
	return false;
}

static bool is_open(const struct sim_board *b)
{
	return !is_protected(b);
}

static void head(struct sim_board *b)
{
	updater_say(b, "\r\n=================== Main Menu ============================\r\n\n");
}

static void download(struct sim_board *b)
{
	updater_say(b, "Waiting for the file to be sent ... (press 'a' to abort)\n\r");
	b->updater->at = b->updater->start = facts(b)->app;
	b->updater->end = facts(b)->end;
	updater_receive(b);
}

static void upload(struct sim_board *b)
{
	updater_say(b, "\n\n\rSelect Receive File\n\r");
	updater_ask(b);
}

static void execute(struct sim_board *b)
{
	updater_say(b, "Start program execution......\r\n\n");
	updater_run(b, facts(b)->app);
}

static void toggle_protection(struct sim_board *b)
{
	bool on = is_open(b);

	if (!sim_option_protect_from(b, facts(b)->app, on))
		return; /* the power is gone */
	updater_say(b, on ? "Write Protection enabled...\r\n" : "Write Protection disabled...\r\n");
	updater_say(b, "System will now restart...\r\n");
	sim_reset(b);
}

static const struct updater_item items[] = {
	{"  Download image to the internal Flash ----------------- 1\r\n\n", '1', download, NULL},
	{"  Upload image from the internal Flash ----------------- 2\r\n\n", '2', upload, NULL},
	{"  Execute the loaded application ----------------------- 3\r\n\n", '3', execute, NULL},
	{"  Disable the write protection ------------------------- 4\r\n\n", '4', toggle_protection,
		is_protected},
	{"  Enable the write protection -------------------------- 4\r\n\n", '4', toggle_protection,
		is_open},
	{NULL, 0, NULL, NULL},
};

static const struct updater_menu menu = {head, items,
	"==========================================================\r\n\n",
	"Invalid Number ! ==> The number should be either 1, 2, 3 or 4\r"};

static void start(struct sim_board *b)
{
	uint32_t sp = get_le32(b->flash + facts(b)->app);

	if (sim_has(b, SQ_BUTTON_RELEASED) && (sp & SP_MASK) == 0x20000000) {
		updater_run(b, facts(b)->app);
		return;
	}
	updater_say(b, "\r\n======================================================================"
		       "=\r\n");
	updater_sayf(b, "=  %s In-Application Programming Application%s  =\r\n", facts(b)->family,
		facts(b)->version);
	updater_say(b, "======================================================================"
		       "\r\n\r\n");
	if (facts(b)->read_protection_hangs && sim_read_protected(b)) {
		updater_say(b, "The write protection disable will erase all the flash\r\n");
		return;
	}
	updater_menu_show(b, &menu);
}

/* ---- the transfers ---- */

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	struct sim_updater *u = b->updater;
	const struct iap *f = facts(b);
	uint64_t looked_at = f->looks_at_new ? size : u->old_size;
	bool too_large = looked_at > (uint64_t)f->user_size + 1;

	if (too_large) {
		sim_uart_send(b, 0x18);
		sim_uart_send(b, 0x18);
	}
	/* Whether it worked is not looked at; writing will tell. */
	if (updater_erase(b, f->app, f->end - f->app) == SIM_DEAD)
		return SIM_DEAD;
	u->old_size = size;
	return too_large ? SIM_TOO_LARGE_LATE : SIM_TAKEN;
}

static void received(struct sim_board *b, enum sim_received how)
{
	static const char *const words[] = {
		[SIM_REFUSED] = "\n\n\rThe image size is higher than the allowed space memory!\n\r",
		[SIM_WRITE_ERROR] = "\n\n\rVerification failed!\n\r",
		[SIM_ABORTED] = "\r\n\nAborted by user.\n\r",
		[SIM_GAVE_UP] = "\n\rFailed to receive the file!\n\r",
		[SIM_CUT_OFF] = "",
	};

	if (how == SIM_RECEIVED)
		updater_say_received(b);
	else
		updater_say(b, words[how]);
	updater_menu_show(b, &menu);
}

static void uploaded(struct sim_board *b)
{
	updater_say(b, b->updater->sender.end == SIM_SENT
			       ? "\n\rFile uploaded successfully \n\r"
			       : "\n\rError Occurred while Transmitting File\n\r");
	updater_menu_show(b, &menu);
}

/* The byte after "Select Receive File". */
static void answer(struct sim_board *b, const char *line)
{
	if (strcmp(line, "C") == 0)
		updater_send(b, "UploadedFlashImage.bin", b->flash + facts(b)->app,
			facts(b)->user_size, uploaded);
	else
		updater_menu_show(b, &menu);
}

static void factory(struct sim_board *b)
{
	updater_make_program(b, 0, b->chip->flash_base, 0x2000, NULL);
}

#define KIND(name_, what_, pid_, receiver_, facts_)                                                \
	{                                                                                          \
		.name = name_, .what = what_, .pid = pid_, .receiver = &receiver_,                 \
		.facts = &facts_, .factory = factory, .start = start, .begin = begin,              \
		.data = updater_write, .received = received, .line = answer,                       \
	}

const struct updater_kind updater_iap[] = {
	KIND("iap-f0", "STM32Cube IAP, application at 0x08004000", 0x442, receiver_1s, f0),
	KIND("iap-f1", "the same on F1", 0x418, receiver_1s, f1),
	KIND("iap-f3", "the same on F3", 0x446, receiver_1s, f3),
	KIND("iap-f4", "application at 0x08008000; a C every 5 s, counts above 255 blocks", 0x419,
		receiver_f4, f4),
	KIND("iap-f7", "application at 0x08008000", 0x449, receiver_1s, f7),
	KIND("iap-h7", "application at 0x08020000; a C every 10 s", 0x450, receiver_h7, h7),
	KIND("iap-l4", "application at 0x08008000", 0x415, receiver_1s, l4),
	{.name = NULL},
};
