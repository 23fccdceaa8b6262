/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_updater_menu.c - playbooks walked against a device with a menu, in process, virtual clock
 *
 * The device is written from what ST's sources print and do (AN4767 and the IAP examples), its
 * receiver is that of the simulator. With an argument "all" the bank sequence is cut at every byte;
 * without, at a sample of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/updater_menu.h>

#include "../../src/sim/sim_ymodem.h"

#define BYTE_US   87u
#define NEVER     UINT64_MAX
#define FILE_LEN  2500u
#define OUT_MAX   4096u
#define FOREVER_S 3600u

enum { HALF = -2, BLANK = -1 }; /* contents of a bank; else the byte that its program is made of */

/* ---- the device ---- */

struct device {
	struct link l; /* first: the host's end of the line */
	struct clock clock;
	uint64_t now_us;
	bool banks; /* the demo of AN4767; else the IAP */
	struct sim_ymodem *y;
	bool receiving;
	char out[OUT_MAX];
	size_t out_len;
	uint64_t out_us;           /* when the next byte of `out` leaves */
	uint64_t boot_us, copy_us; /* NEVER: nothing is under way */

	int bank[2];
	bool system;
	int runs;
	bool bad_start; /* a reset has started what is no program */

	uint64_t events, cut_at; /* bytes in both directions; at `cut_at` the power fails */
	uint64_t stop_at;        /* or the host goes away */
	bool dead, was_cut;
	/* What it does wrong. */
	bool silent_after, says_failure, renumbered, loses_key;
	unsigned aborts; /* so many transfers end by its own "Failed to receive" */
};

static void say(struct device *d, const char *text)
{
	size_t len = strlen(text);

	if (d->out_len + len > OUT_MAX)
		len = OUT_MAX - d->out_len;
	if (d->out_len == 0)
		d->out_us = d->now_us;
	memcpy(d->out + d->out_len, text, len);
	d->out_len += len;
}

static void menu(struct device *d)
{
	char text[200];

	if (!d->banks) {
		say(d, "\r\n=================== Main Menu ============================\r\n\n");
		say(d, "  Download image to the internal Flash ----------------- ");
		say(d, d->renumbered ? "7\r\n\n" : "1\r\n\n");
		say(d, "  Execute the loaded application ----------------------- 3\r\n\n");
		say(d, "  Enable the write protection -------------------------- 4\r\n\n");
		say(d, "==========================================================\r\n\n");
		return;
	}
	snprintf(text, sizeof(text),
		"\r\n======== Main Menu ========================\r\n  Program running from Bank %d\r\n"
		"  System ROM bank selection %s\r\n",
		d->runs, d->system ? "active" : "deactivated");
	say(d, text);
	say(d, "  Flash binary to the other bank ------- 1\r\n"
	       "  Erase the other bank ----------------- 2\r\n"
	       "  Rewrite the other bank --------------- 3\r\n"
	       "  Check the other bank integrity ------- 4\r\n"
	       "  Switch bank -------------------------- 5\r\n"
	       "  Toggle the system bank selection ----- 6\r\n\n");
}

/* BFB2: bank 2 if its first word is a stack pointer, which half a program has too. */
static void boot(struct device *d)
{
	d->out_len = 0;
	d->receiving = false;
	d->boot_us = d->copy_us = NEVER;
	if (d->banks) {
		d->runs = d->system && d->bank[1] != BLANK ? 2 : 1;
		d->bad_start |= d->bank[d->runs - 1] < 0;
	}
	menu(d);
}

static bool event(struct device *d)
{
	if (d->events++ != d->cut_at)
		return true;
	d->was_cut = d->dead = true;
	d->out_len = 0;
	d->receiving = false;
	d->boot_us = d->copy_us = NEVER;
	return false;
}

static int *other(struct device *d)
{
	return &d->bank[2 - d->runs];
}

static void key(struct device *d, uint8_t c)
{
	bool good = *other(d) != BLANK;

	if (d->loses_key) { /* it drops what came before it reads */
		d->loses_key = false;
		return;
	}
	if (c == (d->renumbered ? '7' : '1')) {
		say(d, "\r\nWaiting for the file to be sent ... (press 'a' to abort)\n\r");
		sim_ymodem_start(d->y, d->now_us);
		d->receiving = true;
	} else if (!d->banks && c == '3') {
		say(d, "Start program execution......\r\n\nthe new program 2.0.0\r\n");
	} else if (d->banks && c == '3') {
		*other(d) = HALF;
		say(d, "Rewriting memory, wait a moment ...\r\n");
		d->copy_us = d->now_us + 900000;
	} else if (d->banks && (c == '4' || c == '5')) {
		say(d, good ? "\r\n  Other bank check passed.\r\n" : "\r\n Failure!\r\n");
		if (c == '5' && good)
			d->runs = 3 - d->runs;
		if (c == '5' && d->bank[d->runs - 1] < 0)
			d->bad_start = true;
		menu(d);
	} else if (d->banks && c == '6') {
		say(d, "\r\nDemo will reboot to apply changes to OB ...\r\n");
		d->system = !d->system;
		d->boot_us = d->now_us + 400000;
	} else {
		say(d, "Invalid input ! ==> Enter number in range from 1 to 6\r");
		menu(d);
	}
}

/* What the transfer has come to, as far as it is. */
static void look_at_transfer(struct device *d)
{
	uint64_t size = 0;
	size_t len = 0;
	const uint8_t *data = sim_ymodem_written(d->y, &len, &size);
	uint8_t byte;
	uint64_t at;

	if (size > 0 && d->banks)
		*other(d) = len > 0 ? HALF : BLANK;
	if (!sim_ymodem_left(d->y))
		return;
	d->receiving = false;
	if (sim_ymodem_happy(d->y) && len > 16 && d->banks)
		*other(d) = data[16];
	/* Its own words are said here. */
	while (sim_ymodem_tx(d->y, &byte, &at))
		if (byte == 0x06 || byte == 0x18)
			say(d, byte == 0x06 ? "\x06" : "\x18");
	if (d->silent_after)
		;
	else if (d->says_failure)
		say(d, "\r\n\nThe image size is higher than the allowed space memory!\r\n");
	else if (d->aborts > 0 && d->aborts--)
		say(d, "\r\nFailed to receive the file!\r\n");
	else if (sim_ymodem_happy(d->y))
		say(d, "\r\n\n Programming Completed Successfully!\r\n Name: x\r\n");
	else
		say(d, "\r\n\nAborted by user.\n\r");
	menu(d);
}

/* ---- the line ---- */

static int line_write(struct link *l, const void *buf, size_t len, struct err *e)
{
	struct device *d = (struct device *)l;
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		d->now_us += BYTE_US;
		if (d->events == d->stop_at)
			return err_set(e, ERR_INTERRUPTED, "the host is gone");
		if (d->dead || !event(d))
			continue;
		if (d->receiving) {
			sim_ymodem_rx(d->y, p[i], d->now_us);
			look_at_transfer(d);
		} else if (d->boot_us == NEVER && d->copy_us == NEVER) {
			key(d, p[i]);
		}
	}
	return 0;
}

/* The next thing that happens by itself, until `until`; true if a byte came of it. */
static bool happens(struct device *d, uint64_t until, uint8_t *ret)
{
	static uint8_t ahead;
	static uint64_t ahead_us;
	static bool has_ahead;

	if (d->dead) {
		has_ahead = false;
		d->now_us = until;
		return false;
	}
	if (d->out_len > 0 && d->out_us + BYTE_US <= until) {
		d->out_us += BYTE_US;
		if (d->now_us < d->out_us)
			d->now_us = d->out_us;
		*ret = (uint8_t)d->out[0];
		memmove(d->out, d->out + 1, --d->out_len);
		return event(d);
	}
	if (d->receiving && d->out_len == 0) {
		uint64_t next = sim_ymodem_next_us(d->y);

		if (!has_ahead)
			has_ahead = sim_ymodem_tx(d->y, &ahead, &ahead_us);
		if (has_ahead && ahead_us <= until) {
			has_ahead = false;
			if (d->now_us < ahead_us)
				d->now_us = ahead_us;
			*ret = ahead;
			return event(d);
		}
		if (!has_ahead && next <= until) {
			sim_ymodem_tick(d->y, next);
			look_at_transfer(d);
			*ret = 0;
			return happens(d, until, ret);
		}
	} else {
		has_ahead = false;
	}
	if (d->boot_us <= until) {
		d->now_us = d->boot_us;
		boot(d);
		return happens(d, until, ret);
	}
	if (d->copy_us <= until) {
		d->now_us = d->copy_us;
		d->copy_us = NEVER;
		*other(d) = d->bank[d->runs - 1];
		say(d, "Success!\r\n");
		menu(d);
		return happens(d, until, ret);
	}
	d->now_us = until;
	return false;
}

static int line_read(struct link *l, void *buf, size_t len, uint32_t timeout_ms, struct err *e)
{
	struct device *d = (struct device *)l;

	for (size_t i = 0; i < len; i++) {
		if (d->events == d->stop_at)
			return err_set(e, ERR_INTERRUPTED, "the host is gone");
		if (!happens(d, d->now_us + (uint64_t)timeout_ms * 1000, (uint8_t *)buf + i))
			return err_set(e, ERR_TIMEOUT, "no answer");
	}
	return 0;
}

static int line_flush(struct link *l, struct err *e)
{
	return 0;
}

static void line_close(struct link *l)
{
}

static uint64_t line_now(void *ctx)
{
	return ((struct device *)ctx)->now_us / 1000;
}

static void line_sleep(void *ctx, uint32_t ms)
{
	struct device *d = ctx;
	uint64_t until = d->now_us + (uint64_t)ms * 1000;
	uint8_t byte;

	while (d->now_us < until && happens(d, until, &byte))
		continue;
}

static const struct link_ops line_ops = {.name = "test",
	.write = line_write,
	.read = line_read,
	.flush = line_flush,
	.close = line_close};

static void begin(struct device *d, bool banks)
{
	const struct sim_ymodem_config *cfg = sim_ymodem_receivers;

	*d = (struct device){
		.banks = banks, .runs = 1, .bank = {'o', 'o'}, .cut_at = NEVER, .stop_at = NEVER};
	while (strcmp(cfg->name, banks ? "dbfu" : "iap-f1") != 0)
		cfg++;
	d->y = sim_ymodem_new(cfg);
	assert_non_null(d->y);
	d->clock = (struct clock){d, line_now, line_sleep};
	d->l = (struct link){.ops = &line_ops, .clock = &d->clock, .name = "device"};
	boot(d);
}

static void end(struct device *d)
{
	sim_ymodem_free(d->y);
}

/* ---- the host ---- */

/* In memory where there is such a folder: it is synced some ten thousand times. */
static char journal[64];

static int flash(
	struct device *d, const char *book, uint8_t fill, struct updater_result *ret, struct err *e)
{
	static uint8_t data[FILE_LEN];
	struct updater_menu_options opt = {.journal = journal};
	struct updater_file f = {"app.bin", data, FILE_LEN, .version = "2.0.0"};
	struct playbook *p = NULL;
	struct updater *u = NULL;
	int rc;

	memset(data, fill, sizeof(data));
	put_le32(data, 0x20001000);
	*ret = (struct updater_result){0};
	rc = playbook_parse("mine.playbook", book, strlen(book), NULL, NULL, &p, e);
	if (rc < 0)
		fail_msg("%s", e->msg);
	rc = updater_menu_open(&d->l, p, NULL, &opt, &u, e);
	if (rc < 0)
		return rc;
	rc = u->ops->send(u, &f, ret, e);
	updater_close(u);
	return rc;
}

#define IAP                                                                                        \
	"[menu]\nprompt = ==========================================================\n"            \
	"wake = a\nwithin = 20s\n[send]\nitem = Download image\nready = Waiting for the file\n"    \
	"trait = nak-is-number\nsuccess = Programming Completed\nsuccess-within = 5s\n"            \
	"failure = The image size is higher\nagain = Failed to receive\nagain = Aborted by user\n"

#define DBFU                                                                                       \
	"[menu]\nprompt = Toggle the system bank selection -\nwake = a\nwithin = 20s\n[send]\n"    \
	"item = Flash binary\nready = Waiting for the file\ntrait = nak-is-number\n"               \
	"trait = counts-8-bits\nsuccess = Programming Completed\nagain = Aborted by user\n"        \
	"[banks]\nbank-1 = running from Bank 1\nbank-2 = running from Bank 2\n"                    \
	"system-on = selection active\nsystem-off = selection deactivated\nsequence = both\n"      \
	"[step check]\nitem = Check the other\nexpect = check passed\nfailure = Failure!\n"        \
	"[step switch]\nitem = Switch bank\nfailure = Failure!\nwithin = 5s\n"                     \
	"[step select]\nitem = Toggle the system\nwithin = 5s\n"                                   \
	"[step rewrite]\nitem = Rewrite the other\nexpect = Success!\n"

static void must(int rc, int want, const struct err *e, const char *text)
{
	if (rc != want ||
		(text != NULL && strstr(e->msg, text) == NULL && strstr(e->hint, text) == NULL))
		fail_msg("%d instead of %d: %s (%s)", rc, want, e->msg, e->hint);
}

static void test_updater_menu__success_is_what_the_device_says(void **state)
{
	static const struct {
		const char *book;
		bool silent, failure;
		unsigned aborts;
		int want;
		const char *text;
	} cases[] = {
		{IAP, .want = 0},
		{IAP, .silent = true, .want = ERR_VERIFY, .text = "did not say"},
		{IAP, .failure = true, .want = ERR_NACK, .text = "The image size is higher"},
		/* Worth another session, but not for ever. */
		{IAP, .aborts = 2, .want = 0},
		{IAP, .aborts = 3, .want = ERR_NACK, .text = "Failed to receive"},
		{IAP "[step start]\nitem = Execute\nexpect = Start program\n[health]\n"
		     "expect = program ${version}\n",
			.want = 0},
		{IAP "[step start]\nitem = Execute\nexpect = Start program\n[health]\n"
		     "expect = program ${version} beta\nwithin = 5s\n",
			.want = ERR_VERIFY, .text = "no sign of the new program"},
		{IAP "[step start]\nitem = Execute\nfailure = Start program\n", .want = ERR_NACK},
		{IAP "[step more]\nitem = Not there\n", .want = ERR_IDENTITY, .text = "no item"},
		{IAP "[step more]\nitem = Not there\noptional = yes\n", .want = 0},
		{IAP "key = 2\n", .want = ERR_CONFIG},
	};

	for (size_t i = 0; i + 1 < ARRAY_LEN(cases); i++) {
		struct device d;
		struct updater_result r;
		struct err e = ERR_INIT;

		begin(&d, false);
		d.silent_after = cases[i].silent;
		d.says_failure = cases[i].failure;
		d.aborts = cases[i].aborts;
		must(flash(&d, cases[i].book, 'n', &r, &e), cases[i].want, &e, cases[i].text);
		if (cases[i].want == 0)
			assert_true(r.proof == UPDATER_REPORTED && r.said[0] != '\0');
		end(&d);
	}
}

/* Wherever the device is: in its receiver, silent, deaf for one key, with other digits. */
static void test_updater_menu__reaches_the_menu(void **state)
{
	for (int way = 0; way < 4; way++) {
		struct device d;
		struct updater_result r;
		struct err e = ERR_INIT;

		begin(&d, false);
		d.renumbered = way == 1;
		d.loses_key = way == 2;
		if (way == 3) { /* an earlier host has left it in its receiver */
			key(&d, '1');
			d.out_len = 0;
			line_sleep(&d, 5000);
		}
		if (way != 1)
			d.out_len = 0; /* nobody listened when it printed its menu */
		must(flash(&d, IAP, 'n', &r, &e), 0, &e, NULL);
		end(&d);
	}
}

static void test_updater_menu__another_menu_gets_nothing(void **state)
{
	struct device d;
	struct updater_result r;
	struct err e = ERR_INIT;

	begin(&d, false);
	must(flash(&d, DBFU, 'n', &r, &e), ERR_IDENTITY, &e, "it looks like 'iap'");
	assert_false(d.receiving);
	end(&d);
	begin(&d, false);
	d.dead = true;
	must(flash(&d, IAP, 'n', &r, &e), ERR_TIMEOUT, &e, "no menu");
	end(&d);
	/* The digit in the menu and the one in the playbook have to agree. */
	begin(&d, false);
	d.renumbered = true;
	must(flash(&d, IAP "key = 1\n[line]\nbaud = 9600\n", 'n', &r, &e), ERR_IDENTITY, &e,
		"under the key 7");
	end(&d);
}

/* ---- two banks, cut everywhere ---- */

static bool all_places;

static void must_hold(const struct device *d, uint64_t at, const char *what)
{
	if (d->bad_start || d->bank[0] != 'n' || d->bank[1] != 'n' || d->runs != 1 || d->system)
		fail_msg("%s at %llu: banks %d %d, %d runs, system %d%s", what,
			(unsigned long long)at, d->bank[0], d->bank[1], d->runs, d->system,
			d->bad_start ? ", a reset has started half a program" : "");
}

static uint64_t straight(struct device *d)
{
	struct updater_result r;
	struct err e = ERR_INIT;

	unlink(journal);
	must(flash(d, DBFU, 'n', &r, &e), 0, &e, NULL);
	must_hold(d, 0, "straight");
	assert_non_null(strstr(r.said, "Bank 1"));
	return d->events;
}

/* The same command again, until it is done: two more times have to be enough. */
static void finish(struct device *d, uint64_t at, const char *what)
{
	struct updater_result r;
	struct err e = ERR_INIT;
	int rc = ERR_FAILED;

	d->cut_at = d->stop_at = NEVER;
	for (int i = 0; rc < 0 && i < 2; i++) {
		if (d->dead) {
			d->dead = false;
			boot(d);
		}
		rc = flash(d, DBFU, 'n', &r, &e);
	}
	if (rc < 0)
		fail_msg("%s at %llu: %s", what, (unsigned long long)at, e.msg);
	must_hold(d, at, what);
}

static void test_updater_menu__banks_cut_at_every_byte(void **state)
{
	static const char *const ways[] = {"power", "power, new host", "host", "new host"};
	struct device d;
	unsigned n = 0;
	uint64_t total;

	begin(&d, true);
	total = straight(&d);
	end(&d);
	for (uint64_t at = 0; at < total; at += all_places ? 1 : 61)
		for (size_t way = 0; way < ARRAY_LEN(ways); way++, n++) {
			struct updater_result r;
			struct err e = ERR_INIT;

			unlink(journal);
			begin(&d, true);
			if (way < 2)
				d.cut_at = at;
			else
				d.stop_at = at;
			flash(&d, DBFU, 'n', &r, &e);
			if (way % 2 == 1)
				unlink(journal);
			finish(&d, at, ways[way]);
			end(&d);
		}
	unlink(journal);
	print_message("%u cuts at %llu places\n", n, (unsigned long long)total);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_updater_menu__success_is_what_the_device_says),
		cmocka_unit_test(test_updater_menu__reaches_the_menu),
		cmocka_unit_test(test_updater_menu__another_menu_gets_nothing),
		cmocka_unit_test(test_updater_menu__banks_cut_at_every_byte),
	};

	snprintf(journal, sizeof(journal), "%sstmota-test-journal.%ld",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : "", (long)getpid());
	all_places = argc > 1 && strcmp(argv[1], "all") == 0;
	/* What the user of this machine has is not looked at. */
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
