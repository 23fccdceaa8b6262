/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_updater_mcuboot.c - ST's applications over MCUboot: TFM and SBSFU of L5 and U5, and OEMuROT
 *
 * MCUboot's part is silent: at each reset an image in a secondary slot that has the trailer's magic
 * is looked at, copied over the primary one if its digest is right, and taken away last. Signatures
 * and encrypted images are not opened here. With TFM the download itself writes the magic, with
 * OEMuROT a key of its own does.
 */
#include "sim_updater.h"

#include <string.h>

#include <stmota/fmt_mcuboot.h>

#define SECONDARY 0x100000u /* from a primary slot to its secondary one */
#define ALIGN     16u

struct slot {
	const char *name; /* in texts */
	uint32_t at, size;
};

struct mcuboot {
	struct slot slots[2]; /* the last one is what runs */
	unsigned n_slots;
	bool by_request; /* the magic is written by a key of its own */
};

static const struct mcuboot tfm = {
	{{"Secure App", 0x20000, 0x40000}, {"NonSecure App", 0x60000, 0xA0000}}, 2, false};
static const struct mcuboot oemurot = {{{"App", 0x20000, 0xC0000}, {NULL, 0, 0}}, 1, true};

static const struct sim_ymodem_config receiver = {
	.name = "mcuboot",
	.interval_ms = 1000,
	.number = SIM_YMODEM_SILENT,
	.errors_by_c = true,
	.large_only = true,
	.end_without_c = true,
	.dots = true,
	.preamble = true,
	.header_ms = 1000,
	.max_errors = 5,
};

static const struct mcuboot *facts(const struct sim_board *b)
{
	return b->updater->kind->facts;
}

static const struct slot *slot_of(const struct sim_board *b)
{
	return &facts(b)->slots[b->updater->slot];
}

static uint32_t trailer_of(const struct slot *s)
{
	return s->at + SECONDARY + s->size - MCUBOOT_TRAILER_MAGIC;
}

static enum sim_taken write_magic(struct sim_board *b)
{
	uint8_t magic[MCUBOOT_TRAILER_MAGIC];

	mcuboot_trailer_magic(ALIGN, magic);
	return updater_copy(b, trailer_of(slot_of(b)), magic, sizeof(magic));
}

/* ---- the boot loader ---- */

static bool image_good(const struct sim_board *b, const struct slot *s, struct mcuboot_info *ret)
{
	const uint8_t *p = b->flash + s->at + SECONDARY;
	uint8_t digest[32];

	if (mcuboot_inspect(p, s->size, ret, NULL) < 0 || ret->hash_bits != 256 ||
		(ret->flags & MCUBOOT_ENCRYPTED) != 0 || ret->end > s->size - MCUBOOT_TRAILER_MAGIC)
		return false;
	updater_sha256(p, ret->hashed, digest);
	return memcmp(digest, ret->hash, sizeof(digest)) == 0;
}

/* False after a power cut. */
static bool install(struct sim_board *b, const struct slot *s)
{
	uint8_t magic[MCUBOOT_TRAILER_MAGIC];
	struct mcuboot_info info;
	uint32_t last = s->at + SECONDARY + s->size - 1;

	mcuboot_trailer_magic(ALIGN, magic);
	if (memcmp(b->flash + trailer_of(s), magic, sizeof(magic)) != 0)
		return true;
	if (image_good(b, s, &info) && (updater_erase(b, s->at, s->size) == SIM_DEAD ||
					       updater_copy(b, s->at, b->flash + s->at + SECONDARY,
						       (uint32_t)info.end) == SIM_DEAD))
		return false;
	/* The magic goes last: until then the next reset does all of it again. */
	return updater_erase(b, s->at + SECONDARY, s->size - 1) != SIM_DEAD && last > s->at;
}

/* ---- menus ---- */

static void download(struct sim_board *b, unsigned slot)
{
	b->updater->slot = slot;
	updater_say(b, "  -- Erasing download area \r\n\n");
	if (updater_erase(b, slot_of(b)->at + SECONDARY, slot_of(b)->size) == SIM_DEAD)
		return;
	updater_say(b, "  -- Send Firmware \r\n\n");
	updater_say(b, "  -- -- File> Transfer> YMODEM> Send ");
	updater_receive(b);
}

static void download_first(struct sim_board *b)
{
	download(b, 0);
}

static void download_second(struct sim_board *b)
{
	download(b, 1);
}

static void reset_now(struct sim_board *b)
{
	sim_reset(b);
}

static void reset_key(struct sim_board *b)
{
	updater_say(b, "  -- Install image : reboot\r\n\n");
	updater_after(b, 100, reset_now);
}

static void request(struct sim_board *b)
{
	b->updater->slot = 0;
	write_magic(b);
}

static void head(struct sim_board *b)
{
	updater_say(b, "\r\n=================== Main Menu ============================\r\n\n");
}

static void head_image(struct sim_board *b)
{
	updater_say(b, "\r\n================ New Fw Image ============================\r\n\n");
}

static void head_image_new(struct sim_board *b)
{
	updater_say(
		b, "\r\n================ New firmware image =============================\r\n\n");
}

static void to_image_menu(struct sim_board *b);
static void to_main_menu(struct sim_board *b);

static const struct updater_item main_items[] = {
	{"  New Fw Image ------------------------------------------ 3\r\n\n", '3', to_image_menu,
		NULL},
	{NULL, 0, NULL, NULL},
};

static const struct updater_item main_items_new[] = {
	{"  New firmware image ------------------------------------ 2\r\n\n", '2', to_image_menu,
		NULL},
	{NULL, 0, NULL, NULL},
};

static const struct updater_item image_items[] = {
	{"  Reset to trigger Installation ------------------------- 1\r\n\n", '1', reset_key, NULL},
	{"  Download Secure App Image ----------------------------- 2\r\n\n", '2', download_first,
		NULL},
	{"  Download NonSecure App Image -------------------------- 3\r\n\n", '3', download_second,
		NULL},
	{"  Previous Menu ----------------------------------------- x\r\n\n", 'x', to_main_menu,
		NULL},
	{NULL, 0, NULL, NULL},
};

static const struct updater_item image_items_new[] = {
	{"  Reset to trigger installation ------------------------- 1\r\n\n", '1', reset_key, NULL},
	{"  Download app image ------------------------------------ 2\r\n\n", '2', download_first,
		NULL},
	{"  Request installation of app image --------------------- 3\r\n\n", '3', request, NULL},
	{"  Previous menu ----------------------------------------- x\r\n\n", 'x', to_main_menu,
		NULL},
	{NULL, 0, NULL, NULL},
};

#define BAD "Invalid Number !\r"

static const struct updater_menu main_menu = {head, main_items, "", BAD},
				 main_menu_new = {head, main_items_new, "", BAD},
				 image_menu = {head_image, image_items, "", BAD},
				 image_menu_new = {head_image_new, image_items_new, "", BAD};

static void to_image_menu(struct sim_board *b)
{
	b->updater->menu = facts(b)->by_request ? &image_menu_new : &image_menu;
}

static void to_main_menu(struct sim_board *b)
{
	b->updater->menu = facts(b)->by_request ? &main_menu_new : &main_menu;
}

static void start(struct sim_board *b)
{
	const struct mcuboot *m = facts(b);
	const struct slot *runs = &m->slots[m->n_slots - 1];

	for (unsigned i = 0; i < m->n_slots; i++)
		if (!install(b, &m->slots[i]) || !sim_updater_runs(b))
			return;
	if (get_le32(b->flash + runs->at) != MCUBOOT_MAGIC) {
		b->cpu = SIM_CPU_LOCKED;
		return;
	}
	sim_app_run(b, runs->at);
	b->running.len = runs->size;
	updater_menu_show(b, m->by_request ? &main_menu_new : &main_menu);
}

/* ---- the transfer ---- */

static enum sim_taken begin(struct sim_board *b, uint64_t size)
{
	b->updater->old_size = size;
	return size > slot_of(b)->size ? SIM_TOO_LARGE : SIM_TAKEN;
}

static enum sim_taken data(struct sim_board *b, const uint8_t *p, uint32_t len)
{
	struct sim_updater *u = b->updater;

	if (u->done >= u->old_size)
		return SIM_NOT_WRITTEN;
	if (len > u->old_size - u->done)
		len = (uint32_t)(u->old_size - u->done);
	return updater_copy(b, slot_of(b)->at + SECONDARY + u->done, p, len);
}

static void received(struct sim_board *b, enum sim_received how)
{
	bool late = facts(b)->by_request;

	if (how != SIM_RECEIVED || b->updater->done == 0) {
		updater_say(b, how == SIM_ABORTED
				       ? "\r\n\n  -- -- !!Aborted by user!!\r\n\n"
				       : "\r\n\n  -- -- !!Error during file download!!\r\n\n");
	} else {
		updater_sayf(b, "\r\n\n  -- -- Programming %sompleted %cuccessfully!\r\n\n",
			late ? "c" : "C", late ? 's' : 'S');
		updater_sayf(b, "  -- -- Bytes: %u\r\n\n", (unsigned)b->updater->old_size);
		if (!late) {
			updater_sayf(b, "  Write Magic Trailer at %x\r\n\n",
				(unsigned)(b->chip->flash_base + trailer_of(slot_of(b))));
			if (write_magic(b) == SIM_DEAD)
				return;
		}
		updater_sayf(b, "  -- %s%s correctly downloaded\r\n\n", slot_of(b)->name,
			late ? " image" : " Image");
	}
	if (sim_updater_runs(b))
		updater_menu_show(b, b->updater->menu);
}

/* The boot loader, and in each primary slot something that bears MCUboot's header. */
static void factory(struct sim_board *b)
{
	const struct mcuboot *m = facts(b);

	updater_make_program(b, 0, b->chip->flash_base, 0x8000, NULL);
	for (unsigned i = 0; i < m->n_slots; i++) {
		uint32_t at = m->slots[i].at;

		updater_make_program(
			b, at + 0x400, b->chip->flash_base + at + 0x400, 0x2000, "1.0.0");
		memset(b->flash + at, 0, 0x400);
		put_le32(b->flash + at, MCUBOOT_MAGIC);
		put_le16(b->flash + at + 8, 0x400);
		put_le32(b->flash + at + 12, 0x2000);
		b->flash[at + 20] = 1;
		sim_flash_mark(b, at, 0x400, true);
	}
}

#define KIND(name_, what_, pid_, facts_)                                                           \
	{                                                                                          \
		.name = name_, .what = what_, .pid = pid_, .receiver = &receiver,                  \
		.facts = &facts_, .factory = factory, .start = start, .begin = begin,              \
		.data = data, .received = received,                                                \
	}

const struct updater_kind updater_mcuboot[] = {
	KIND("tfm", "TFM of STM32CubeU5: two MCUboot images", 0x482, tfm),
	KIND("oemurot", "OEMuROT: one MCUboot image, installed by request", 0x484, oemurot),
	{.name = NULL},
};
