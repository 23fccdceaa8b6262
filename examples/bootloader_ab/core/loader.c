/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include <stddef.h>

#include "boot.h"
#include "say.h"
#ifndef BOOT_NO_UPDATE
#include "crypto.h"
#include "update.h"
#include "ymodem.h"
#endif

#ifndef BOOT_WINDOW_MS
#define BOOT_WINDOW_MS 500u
#endif
#ifndef BOOT_VARIANT
#define BOOT_VARIANT "a"
#endif
#define SENDER_MS 60000u /* how long a sender is waited for */
#define BACK_OFF  9u     /* the window doubles so often: 500 ms to 4 minutes */

#ifndef BOOT_NO_UPDATE

static int feed(void *ctx, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	return update_feed(data, len);
}

static void say_result(const struct boot_port *p, const struct boot_state *s, int rc)
{
	if (rc == 0) {
		say(p, "boot: update complete, ");
		say_version(p, state_version(&s->image[update_slot()]));
		say(p, " in slot ");
		say_number(p, update_slot() + 1u);
	} else {
		say(p, "boot: refused: ");
		say(p, update_text(rc));
		say(p, " (-");
		say_number(p, (uint32_t)-rc);
		p->put(p, ')');
	}
	say(p, "\r\n");
}

int loader_receive(const struct boot_port *p, struct boot_state *s, uint32_t running)
{
	static const char *const why[] = {"aborted", "no data", "too many errors"};
	int rc = update_begin(p, s, running), line;

	if (rc == 0) {
		say(p, "boot: ready for YMODEM\r\n");
		line = ymodem_receive(p, feed, NULL, SENDER_MS);
		if (line < 0 && line != YMODEM_REFUSED) {
			say(p, "boot: transfer failed: ");
			say(p, why[-line - 1]);
			say(p, "\r\n");
			return line;
		}
		rc = update_end();
	}
	say_result(p, s, rc);
	return rc;
}

/* ---- a package that lies there by itself ---- */

/* What did not work out is tried again, ever more rarely: after 1, 2, 4 ... 128 boots. */
static void put_aside(const struct boot_port *p, struct boot_state *s)
{
	s->pause = 1u << (s->refused < 7 ? s->refused : 7);
	s->refused++;
	(void)state_save(p, s);
}

static int read_source(const struct boot_port *p, struct boot_state *s)
{
	uint8_t piece[256];
	uint32_t at = 0, n;
	int rc = update_begin(p, s, BOOT_NONE);

	while (rc == 0 && p->source(p, at, piece, sizeof(piece), &n) == 0 && n > 0) {
		rc = update_feed(piece, n);
		at += n;
	}
	return update_end();
}

/* True: there is something new to start. */
static bool look_at_source(const struct boot_port *p, struct boot_state *s)
{
	uint8_t head[IMF_HEADER_SIZE];
	uint32_t n, crc;
	int rc;

	if (p->source == NULL || s->trial != BOOT_NONE ||
		p->source(p, 0, head, sizeof(head), &n) != 0 || n < sizeof(head))
		return false;
	crc = crc32_add(0, head, sizeof(head));
	if (crc == s->tried) {
		/* Confirmed, or it failed: its turn comes again. */
		if (s->refused == 0)
			return false;
		if (s->pause > 0) {
			s->pause--;
			(void)state_save(p, s);
			return false;
		}
	} else {
		s->refused = s->pause = 0;
	}
	s->tried = crc;
	put_aside(p, s); /* app_confirm() takes it back */
	rc = read_source(p, s);
	say_result(p, s, rc);
	return rc == 0;
}

#endif

/* ---- what people see ---- */

/* A loader that only starts has 4 KiB; what else there is to say the application says. */
#ifdef BOOT_NO_UPDATE

static void say_banner(const struct boot_port *p)
{
	say(p, "\r\nboot: stmota bootloader 1, variant " BOOT_VARIANT
	       "\r\nboot: keys o other image, b boot\r\n");
}

#else

static void say_slots(const struct boot_port *p, const struct boot_state *s, const bool *sound)
{
	static const char *const marks[] = {"", "new", "good", "failed"};
	uint32_t i;

	for (i = 0; i < BOOT_SLOTS; i++) {
		const struct boot_image *image = &s->image[i];

		say(p, "boot: slot ");
		say_number(p, i + 1u);
		say(p, " at 0x");
		say_hex(p, boot_address(p, i), 8);
		say(p, ": ");
		if (image->mark == IMAGE_NONE || image->mark > IMAGE_FAILED) {
			say(p, "empty\r\n");
			continue;
		}
		say_version(p, state_version(image));
		say(p, ", ");
		say(p, !sound[i] ? "damaged" : s->trial == i ? "trial" : marks[image->mark]);
		say(p, "\r\n");
	}
}

static void say_banner(const struct boot_port *p, const struct boot_state *s, const bool *sound)
{
	uint32_t i;

	say(p, "\r\nboot: stmota bootloader 1, variant " BOOT_VARIANT "\r\n");
	say(p, "boot: product ");
	for (i = 0; i < IMF_UUID_SIZE; i++)
		say_hex(p, device_facts.product[i], 2);
	say(p, " hw ");
	say_number(p, device_facts.hw_revision);
	say(p, " chip 0x");
	say_hex(p, device_facts.chip, 3);
	say(p, " counter ");
	say_number(p, s->counter);
	say(p, "\r\n");
	say_slots(p, s, sound);
	say(p, "boot: next goes to 0x");
	say_hex(p, boot_address(p, boot_free_slot(s)), 8);
	say(p, "\r\nboot: keys u update, o other image, b boot\r\n");
}

#endif

/* The key that was pressed, or 0. */
static int window(const struct boot_port *p, uint32_t ms)
{
	uint32_t waited;

	say(p, "boot: window ");
	say_number(p, ms);
	say(p, " ms\r\n");
	for (waited = 0; waited < ms; waited += 10) {
		int c = p->get(p, 10);

		if (c == 'o' || c == 'b'
#ifndef BOOT_NO_UPDATE
			|| c == 'u'
#endif
		)
			return c;
	}
	return 0;
}

/* ---- starting ---- */

/* The other image, because a person wants it: on trial, so that a reset undoes it. */
static void want_other(const struct boot_port *p, struct boot_state *s, const bool *sound)
{
	uint32_t other = s->run == BOOT_NONE ? 0 : 1 - s->run;

	if (!sound[other]) {
		say(p, "boot: nothing to start\r\n");
		return;
	}
	s->trial = other;
	s->starts = BOOT_TRIES - 1;
}

static void say_start(const struct boot_port *p, const struct boot_state *s, uint32_t slot)
{
	say(p, "boot: starting slot ");
	say_number(p, slot + 1u);
	say(p, ", ");
	say_version(p, state_version(&s->image[slot]));
	if (s->trial == slot) {
		say(p, ", trial ");
		say_number(p, s->starts);
		say(p, " of ");
		say_number(p, BOOT_TRIES);
	}
	say(p, "\r\n");
}

/* Comes back if nothing could be started. */
static void start(const struct boot_port *p, struct boot_state *s, const bool *sound)
{
	uint32_t failed = s->trial, slot;
	enum boot_news news;

	slot = boot_choose(s, sound, &news);
	if (news == NEWS_BACK && slot != BOOT_NONE) {
		say(p, "boot: slot ");
		say_number(p, failed + 1u);
		say(p, " failed its trial, back to slot ");
		say_number(p, slot + 1u);
		say(p, "\r\n");
	}
	/* A trial that cannot be counted would never end: then rather what is known to be good. */
	if (news != NEWS_NONE && state_save(p, s) != 0 && s->trial != BOOT_NONE) {
		s->trial = BOOT_NONE;
		slot = s->run;
	}
	if (slot == BOOT_NONE) {
		say(p, "boot: nothing to start\r\n");
		return;
	}
	say_start(p, s, slot);
	if (boot_install(p, s, slot) != 0) {
		say(p, "boot: copying failed\r\n");
		return;
	}
	if (p->select != NULL && p->select(p, slot) != 0) {
		say(p, "boot: bank not selected\r\n");
		return;
	}
	if (s->trial == slot)
		p->guard(p);
	p->start(p, boot_address(p, slot) + p->own);
}

#ifndef BOOT_NO_UPDATE
/* False if the wish cannot be crossed out: then it is passed over, or nothing else ever came. */
static bool asked(const struct boot_port *p, struct boot_state *s)
{
	if (s->asked == 0)
		return false;
	s->asked = 0;
	if (state_save(p, s) != 0)
		return false;
	(void)loader_receive(p, s, BOOT_NONE);
	return true;
}
#endif

void loader_run(const struct boot_port *p)
{
	bool sound[BOOT_SLOTS];
	struct boot_state s;
	uint32_t round;
	uint32_t i;
	int key;

	for (round = 0;; round += round < BACK_OFF) {
		uint32_t ms = BOOT_WINDOW_MS << round;

		if (state_load(p, &s) != 0)
			(void)boot_adopt(p, &s);
		for (i = 0; i < BOOT_SLOTS; i++)
			sound[i] = boot_sound(p, &s, i);
#ifdef BOOT_NO_UPDATE
		say_banner(p);
#else
		say_banner(p, &s, sound);
		if (asked(p, &s)) {
			p->reset(p);
			return;
		}
		if (look_at_source(p, &s))
			sound[update_slot()] = boot_sound(p, &s, update_slot());
#endif
		key = window(p, ms);
#ifndef BOOT_NO_UPDATE
		if (key == 'u') {
			(void)loader_receive(p, &s, BOOT_NONE);
			p->reset(p);
			return;
		}
#endif
		if (key == 'o')
			want_other(p, &s, sound);
		start(p, &s, sound);
#ifdef BOOT_HOST
		return;
#endif
	}
}
