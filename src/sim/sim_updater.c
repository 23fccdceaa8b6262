/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater.c - menus, transfers and the flash behind them; see sim_updater.h
 */
#include "sim_updater.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS 64u

/* ---- saying something ---- */

bool sim_updater_runs(const struct sim_board *b)
{
	return b->updater != NULL && b->updater->runs && b->cpu == SIM_CPU_APP;
}

void updater_say(struct sim_board *b, const char *text)
{
	for (; *text != '\0'; text++)
		sim_uart_send(b, (uint8_t)*text);
}

void updater_sayf(struct sim_board *b, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	updater_say(b, text);
}

void updater_menu_show(struct sim_board *b, const struct updater_menu *m)
{
	struct sim_updater *u = b->updater;

	u->menu = m;
	m->head(b);
	for (const struct updater_item *i = m->items; i->key != 0; i++)
		if (i->text != NULL && (i->shown == NULL || i->shown(b)))
			updater_say(b, i->text);
	updater_say(b, m->tail);
	/* It hangs in its own head, or has gone elsewhere. */
	if (sim_updater_runs(b) && u->menu == m)
		u->mode = UPDATER_MENU;
}

void updater_shell(struct sim_board *b, const char *prompt)
{
	b->updater->mode = UPDATER_SHELL;
	b->updater->line_len = 0;
	updater_say(b, prompt);
}

void updater_after(struct sim_board *b, uint32_t ms, void (*then)(struct sim_board *b))
{
	b->updater->timer_us = b->now_us + (uint64_t)ms * 1000;
	b->updater->then = then;
}

/* ---- transfers ---- */

static uint64_t io_now(void *ctx)
{
	return ((struct sim_board *)ctx)->now_us;
}

static void io_spend(void *ctx, uint64_t us)
{
	sim_spend(ctx, us);
}

static void io_send(void *ctx, uint8_t byte)
{
	sim_uart_send(ctx, byte);
}

static enum sim_taken io_begin(void *ctx, const char *name, uint64_t size)
{
	struct sim_board *b = ctx;

	(void)name;
	return b->updater->kind->begin(b, size);
}

static enum sim_taken io_data(void *ctx, const uint8_t *data, size_t len)
{
	struct sim_board *b = ctx;
	struct sim_updater *u = b->updater;
	uint8_t plain[SIM_RECEIVER_PACKET];
	enum sim_taken taken;

	memcpy(plain, data, len);
	if (u->cipher != NULL && !u->kind->cipher_at_rest)
		updater_decrypt(u->cipher, plain, len);
	if (u->done < sizeof(u->head))
		memcpy(u->head + u->done, plain,
			len < sizeof(u->head) - u->done ? len : sizeof(u->head) - u->done);
	taken = u->kind->data(b, plain, (uint32_t)len);
	u->done += (uint32_t)len;
	return taken;
}

/* `failed` and `slot` are for the one who calls this. */
void updater_receive(struct sim_board *b)
{
	struct sim_updater *u = b->updater;
	const struct sim_receiver_io io = {b, io_now, io_spend, io_send, io_begin, io_data};

	u->mode = UPDATER_RECEIVE;
	u->done = 0;
	u->old_size = 0;
	if (u->cipher != NULL)
		updater_cipher_start(u->cipher);
	sim_receiver_start(&u->receiver, u->kind->receiver, &io);
}

/* The transfer is over: the kind goes on. */
static void after_transfer(struct sim_board *b)
{
	struct sim_updater *u = b->updater;

	if (u->mode != UPDATER_RECEIVE || u->receiver.end == SIM_RECEIVING || !sim_updater_runs(b))
		return;
	u->mode = UPDATER_IDLE;
	u->kind->received(b, u->receiver.end);
}

void updater_ask(struct sim_board *b)
{
	b->updater->mode = UPDATER_ASKED;
}

void updater_send(struct sim_board *b, const char *name, const uint8_t *data, uint32_t len,
	void (*after)(struct sim_board *b))
{
	b->updater->mode = UPDATER_SEND;
	b->updater->then = after;
	sim_sender_start(&b->updater->sender, name, data, len, io_send, b);
}

void updater_say_received(struct sim_board *b)
{
	const struct sim_receiver *r = &b->updater->receiver;

	updater_sayf(b,
		"\n\n\r Programming Completed Successfully!\n\r--------------------------------\r\n "
		"Name: %s\n\r Size: %llu Bytes\r\n-------------------\n",
		r->name, (unsigned long long)r->size);
}

/* ---- keys and lines ---- */

static void take_key(struct sim_board *b, uint8_t byte)
{
	struct sim_updater *u = b->updater;
	const struct updater_menu *m = u->menu;
	uint32_t starts = u->starts;

	u->mode = UPDATER_IDLE;
	for (const struct updater_item *i = m->items;; i++) {
		if (i->key == 0) {
			updater_say(b, m->bad);
			break;
		}
		if ((uint8_t)i->key != byte || (i->shown != NULL && !i->shown(b)))
			continue;
		i->act(b);
		break;
	}
	/* Nothing else was begun: the menu comes again. */
	if (sim_updater_runs(b) && u->starts == starts && u->mode == UPDATER_IDLE &&
		u->timer_us == SIM_NEVER)
		updater_menu_show(b, u->menu);
}

static void take_line(struct sim_board *b, uint8_t byte)
{
	struct sim_updater *u = b->updater;

	if (byte == '\r' || byte == '\n') {
		updater_say(b, "\r\n");
		u->line[u->line_len] = '\0';
		u->line_len = 0;
		u->kind->line(b, u->line);
	} else if (byte == '\b' || byte == 0x7F) {
		if (u->line_len > 0) {
			u->line_len--;
			updater_say(b, "\b \b");
		}
	} else if (byte >= 0x20 && byte < 0x7F && u->line_len + 1 < sizeof(u->line)) {
		u->line[u->line_len++] = (char)byte;
		sim_uart_send(b, byte);
	}
}

bool sim_updater_deaf(const struct sim_board *b)
{
	/* ST's menus drop what came in before they read a key. */
	return b->updater->mode == UPDATER_MENU || b->updater->mode == UPDATER_IDLE;
}

void sim_updater_byte(struct sim_board *b, uint8_t byte)
{
	struct sim_updater *u = b->updater;

	switch (u->mode) {
	case UPDATER_MENU: take_key(b, byte); break;
	case UPDATER_SHELL: take_line(b, byte); break;
	case UPDATER_RECEIVE:
		sim_receiver_byte(&u->receiver, byte);
		after_transfer(b);
		break;
	case UPDATER_ASKED:
		u->mode = UPDATER_IDLE;
		u->kind->line(b, (const char[]){(char)byte, '\0'});
		break;
	case UPDATER_SEND:
		sim_sender_byte(&u->sender, byte);
		if (u->sender.end != SIM_SENDING && sim_updater_runs(b)) {
			u->mode = UPDATER_IDLE;
			u->then(b);
		}
		break;
	default: break;
	}
}

uint64_t sim_updater_next_us(const struct sim_board *b)
{
	const struct sim_updater *u = b->updater;

	if (u == NULL || !sim_updater_runs(b))
		return SIM_NEVER;
	if (u->mode == UPDATER_RECEIVE && u->receiver.deadline_us < u->timer_us)
		return u->receiver.deadline_us;
	return u->timer_us;
}

void sim_updater_tick(struct sim_board *b)
{
	struct sim_updater *u = b->updater;

	if (u->timer_us <= b->now_us) {
		void (*then)(struct sim_board * b) = u->then;

		u->timer_us = SIM_NEVER;
		then(b);
	} else if (u->mode == UPDATER_RECEIVE) {
		sim_receiver_tick(&u->receiver);
		after_transfer(b);
	}
}

/* ---- flash ---- */

static enum sim_taken outcome(enum sim_wrote w)
{
	return w == SIM_WROTE ? SIM_TAKEN : w == SIM_WROTE_CUT ? SIM_DEAD : SIM_NOT_WRITTEN;
}

enum sim_taken updater_copy(struct sim_board *b, uint32_t to, const uint8_t *data, uint32_t len)
{
	return outcome(sim_app_program(b, to, data, len));
}

enum sim_taken updater_erase(struct sim_board *b, uint32_t off, uint32_t len)
{
	return outcome(sim_app_erase(b, off, len));
}

enum sim_taken updater_write(struct sim_board *b, const uint8_t *data, uint32_t len)
{
	struct sim_updater *u = b->updater;
	uint32_t n = u->at >= u->end ? 0 : u->end - u->at < len ? u->end - u->at : len;
	enum sim_taken t = updater_copy(b, u->at, data, n);

	if (t == SIM_TAKEN)
		u->at += len;
	return t;
}

/* ---- programs ---- */

void updater_make_program(
	struct sim_board *b, uint32_t off, uint32_t base, uint32_t len, const char *version)
{
	uint8_t *p = b->flash + off;

	memset(p, 0xA5, len); /* its code, which nobody runs here */
	put_le32(p, 0x20001000);
	for (uint32_t i = 1; i < VECTORS; i++)
		put_le32(p + 4 * i, base + 4 * VECTORS + 1);
	put_le16(p + 4 * VECTORS, 0xE7FE);
	if (version != NULL)
		snprintf((char *)p + 4 * VECTORS + 4, 64, "stmota-sim version: %s", version);
	sim_flash_mark(b, off, len, true);
}

void updater_marker(
	const struct sim_board *b, struct span program, const char *mark, char *ret, size_t room)
{
	const uint8_t *p = b->flash + program.addr;
	uint32_t n = (uint32_t)strlen(mark);
	size_t k = 0;

	for (uint32_t i = 0; i + n < program.len; i++) {
		if (p[i] != (uint8_t)mark[0] || memcmp(p + i, mark, n) != 0)
			continue;
		for (i += n; i < program.len && k + 1 < room && p[i] > ' ' && p[i] < 0x7F; i++)
			ret[k++] = (char)p[i];
		break;
	}
	ret[k] = '\0';
}

void updater_run(struct sim_board *b, uint32_t off)
{
	uint32_t sp = get_le32(b->flash + off), pc = get_le32(b->flash + off + 4);

	b->updater->runs = false;
	b->updater->mode = UPDATER_IDLE;
	b->updater->timer_us = SIM_NEVER;
	b->cpu = SIM_CPU_LOCKED;
	/* What the processor itself needs; the ROM asks for more. */
	if (sp % 4 == 0 && sp >= 0x10000000 && sp < 0x40000000 && (pc & 1) != 0 &&
		(pc & ~1u) - b->chip->flash_base < b->flash_size)
		sim_app_run(b, off);
}

/* ---- the board's side ---- */

void sim_updater_start(struct sim_board *b)
{
	struct sim_updater *u = b->updater;
	const size_t keep = offsetof(struct sim_updater, mode);

	memset((uint8_t *)u + keep, 0, sizeof(*u) - keep);
	u->timer_us = SIM_NEVER;
	u->runs = true;
	u->starts++;
	u->kind->start(b);
}

static const struct updater_kind *find_kind(const char *name)
{
	for (size_t i = 0; updater_kinds[i] != NULL; i++)
		for (const struct updater_kind *k = updater_kinds[i]; k->name != NULL; k++)
			if (strcmp(k->name, name) == 0)
				return k;
	return NULL;
}

const char *sim_updater_name(size_t i, const char **ret_what, const struct chip **ret_chip)
{
	for (size_t n = 0; updater_kinds[n] != NULL; n++)
		for (const struct updater_kind *k = updater_kinds[n]; k->name != NULL; k++) {
			if (i-- > 0)
				continue;
			*ret_what = k->what;
			*ret_chip = chip_find(k->pid);
			return k->name;
		}
	return NULL;
}

int sim_updater_chip(const char *name, const struct chip **ret, struct err *e)
{
	const struct updater_kind *k = find_kind(name);

	if (k == NULL) {
		err_set(e, ERR_USAGE, "there is no updater \"%s\"", name);
		return err_hint(e, "stmota-sim updaters lists them");
	}
	*ret = chip_find(k->pid);
	return 0;
}

int sim_updater_new(struct sim_board *b, const struct sim_config *cfg, struct err *e)
{
	struct sim_updater *u = calloc(1, sizeof(*u));

	b->updater = u;
	if (u == NULL)
		return err_set(e, ERR_NOMEM, "no memory for an updater");
	u->kind = find_kind(cfg->updater);
	u->timer_us = SIM_NEVER;
	if (b->chip->pid != u->kind->pid) {
		err_set(e, ERR_USAGE, "%s is for %s, not for %s", u->kind->name,
			chip_find(u->kind->pid)->name, b->chip->name);
		return err_hint(e, "leave --chip out");
	}
	if (cfg->aes_file != NULL && !u->kind->has_cipher)
		return err_set(e, ERR_USAGE, "%s does not decrypt", u->kind->name);
	if (cfg->aes_file != NULL) {
		int rc = updater_cipher_new(cfg->aes_file, &u->cipher, e);

		if (rc < 0)
			return rc;
	}
	if (bytes_all(b->flash, b->flash_size, b->chip->erased_value))
		u->kind->factory(b);
	return 0;
}

void sim_updater_free(struct sim_updater *u)
{
	if (u == NULL)
		return;
	updater_cipher_free(u->cipher);
	free(u);
}
