/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - an application for bootloader_ab: an LED that blinks, and all that the loader wants of it
 *
 * It looks whether it works, and only then confirms itself. Built with one of these it is not what it
 * should be, for the tests:
 *
 *   APP_HANGS         stands still after its first words
 *   APP_SILENT        runs, but never confirms itself
 *   APP_CLEARS_RAM=A  its start-up code writes zeros over all RAM from A on
 *   APP_UPDATER       receives updates itself: the loader has no room for that, or there is none
 */
#include "app.h"
#include "board.h"
#include "info.h"
#include "say.h"
#ifdef APP_UPDATER
#include "loader.h"
#endif

#define SCB_ICSR (*(volatile uint32_t *)(uintptr_t)0xE000ED04)

#define TICK_MS 10u

static volatile bool pendsv_came;

void pendsv_handler(void);
void pendsv_handler(void)
{
	pendsv_came = true;
}

/* An exception gets to our handler: the vector table is the right one. Yours tests your hardware. */
static bool self_test(void)
{
	uint32_t i;

	board_vectors(vectors);
	pendsv_came = false;
	SCB_ICSR = 1u << 28;
	__asm__ volatile("cpsie i");
	for (i = 0; i < 1000 && !pendsv_came; i++)
		;
	__asm__ volatile("cpsid i");
	return pendsv_came;
}

static bool confirm(void)
{
#ifdef APP_SILENT
	say(&board, "app: not confirmed\r\n");
	return false;
#else
	int rc = app_confirm(&board);

	say(&board, rc < 0    ? "app: cannot confirm\r\n"
		    : rc == 0 ? "app: confirmed before\r\n"
			      : "app: self-test good, confirmed\r\n");
	return rc >= 0;
#endif
}

#ifdef APP_UPDATER

/* This program is `s.run`, because it has confirmed itself; if it has not, update_begin() refuses. */
static void update(void)
{
	struct boot_state s;

	(void)state_load(&board, &s);
	(void)loader_receive(&board, &s, s.trial != BOOT_NONE ? s.trial : s.run);
	board.reset(&board);
}

#else

static void update(void)
{
	say(&board, "app: to the loader\r\n");
	app_ask(&board);
}

#endif

int main(void)
{
	static const struct imf_version version = {VERSION_MAJOR, VERSION_MINOR, 0, 0};
	static const char keys[] = "app: keys u update\r\n";
	bool confirmed = false, led = false;
	uint32_t now;
	int key;

	say(&board, "\r\napp: app_blinky ");
	say_version(&board, version);
	say(&board, "\r\n");
#ifdef APP_HANGS
	for (;;)
		;
#endif
	if (self_test())
		confirmed = confirm();
	else
		say(&board, "app: self-test failed\r\n");
	say(&board, keys);
	for (now = 0;; now += TICK_MS) {
		/* get() kicks the watchdog; who may not kick any more does not call it. */
		while (!confirmed && !app_may_kick(&board, now))
			;
		key = board.get(&board, TICK_MS);
		if (key == 'u')
			update();
		else if (key >= 0)
			say(&board, keys); /* somebody looks for the menu */
		if (now % 500 == 0)
			board_led(led = !led);
	}
}
