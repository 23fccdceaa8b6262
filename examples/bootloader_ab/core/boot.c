/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <string.h>

#include <imf/imf_app_info.h>
#include <imf/imf_bytes.h>

uint32_t boot_address(const struct boot_port *p, uint32_t slot)
{
	return p->run != NULL ? p->run->addr : p->slot[slot].addr;
}

uint32_t boot_free_slot(const struct boot_state *s)
{
	if (s->run != BOOT_NONE)
		return 1 - s->run;
	return s->image[0].mark == IMAGE_NONE ? 0 : 1;
}

bool boot_vectors(const struct boot_port *p, const struct flash *f, uint32_t addr, uint32_t size)
{
	uint8_t words[8];
	uint32_t sp, reset;

	if (size < 64 || f->read(f, 0, words, sizeof(words)) != 0)
		return false;
	sp = imf_get_le32(words);
	reset = imf_get_le32(words + 4);
	/* Thumb, behind the system vectors, inside the image; a stack that grows down into RAM. */
	return (sp & 3) == 0 && sp - p->ram_addr - 1 < p->ram_size && (reset & 1) != 0 &&
	       reset - addr >= 64 && reset - addr < size;
}

bool boot_sound(const struct boot_port *p, const struct boot_state *s, uint32_t slot)
{
	const struct boot_image *i = &s->image[slot];
	const struct flash *f = &p->slot[slot];
	uint32_t crc;

	return i->mark != IMAGE_NONE && i->size <= f->size &&
	       boot_vectors(p, f, boot_address(p, slot), i->size) &&
	       flash_crc(f, i->size, &crc) == 0 && crc == i->crc;
}

/* ---- first boot ---- */

/* The check word of an imf_app_info record, SPEC.md section 9: not every place with its magic is one. */
static bool is_info(const uint8_t *record)
{
	uint32_t sum = 0, i;

	for (i = 0; i < IMF_APP_INFO_SIZE - 4; i += 4)
		sum += imf_get_le32(record + i) * (i / 2 + 1);
	return imf_get_le32(record) == IMF_APP_INFO_MAGIC0 &&
	       imf_get_le32(record + 8) == IMF_APP_INFO_FORM &&
	       imf_get_le32(record + IMF_APP_INFO_SIZE - 4) == ~sum;
}

/* What the program says that it is. A program without the record has version 0.0.0+0. */
static void find_info(const struct flash *f, uint32_t size, struct boot_image *ret)
{
	uint8_t record[IMF_APP_INFO_SIZE];
	uint32_t at;

	for (at = 0; size >= sizeof(record) && at <= size - sizeof(record); at += 4) {
		if (f->read(f, at, record, 4) != 0 || record[0] != (IMF_APP_INFO_MAGIC0 & 0xFF) ||
			f->read(f, at, record, sizeof(record)) != 0 || !is_info(record))
			continue;
		ret->counter = imf_get_le32(record + 12);
		ret->version[0] = imf_get_le32(record + 16);
		ret->version[1] = imf_get_le32(record + 20);
		return;
	}
}

static int adopt_from(
	const struct boot_port *p, const struct flash *f, uint32_t addr, struct boot_image *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (flash_used(f, &ret->size) != 0)
		return -1;
	if (!boot_vectors(p, f, addr, ret->size))
		return 0;
	find_info(f, ret->size, ret);
	ret->mark = IMAGE_GOOD;
	return flash_crc(f, ret->size, &ret->crc);
}

/* What runs must lie in a slot too, or there would be no way back to it. */
static int copy_to_slot(const struct boot_port *p, uint32_t size)
{
	uint8_t line[FLASH_LINE];
	uint32_t at;
	int rc = size <= p->slot[0].size ? flash_erase(&p->slot[0], size) : -1;

	for (at = 0; rc == 0 && at < size; at += FLASH_LINE) {
		rc = p->run->read(p->run, at, line, FLASH_LINE);
		if (rc == 0)
			rc = p->slot[0].write(&p->slot[0], at, line, FLASH_LINE);
	}
	return rc;
}

int boot_adopt(const struct boot_port *p, struct boot_state *s)
{
	uint32_t i;

	for (i = 0; i < BOOT_SLOTS; i++) {
		const struct flash *f = p->run != NULL ? p->run : &p->slot[i];
		struct boot_image *image = &s->image[i];

		if (adopt_from(p, f, boot_address(p, i), image) != 0)
			return -1;
		if (image->mark != IMAGE_GOOD)
			continue;
		if (p->run != NULL && copy_to_slot(p, image->size) != 0)
			return -1;
		s->run = i;
		s->counter = image->counter;
		return state_save(p, s);
	}
	return 0;
}

/* ---- choice ---- */

static uint32_t try_again(
	struct boot_state *s, const bool *sound, uint8_t least, enum boot_news *news)
{
	uint32_t i;

	for (i = 0; i < BOOT_SLOTS; i++) {
		if (!sound[i] || (s->image[i].mark == IMAGE_FAILED) != (least == IMAGE_FAILED))
			continue;
		s->trial = i;
		s->starts = 1;
		*news = NEWS_LAST_RESORT;
		return i;
	}
	return BOOT_NONE;
}

uint32_t boot_choose(struct boot_state *s, const bool sound[BOOT_SLOTS], enum boot_news *news)
{
	uint32_t slot;

	*news = NEWS_NONE;
	if (s->trial != BOOT_NONE) {
		if (sound[s->trial] && s->starts < BOOT_TRIES) {
			s->starts++;
			*news = NEWS_TRIAL;
			return s->trial;
		}
		s->image[s->trial].mark = IMAGE_FAILED;
		s->failed++;
		s->trial = BOOT_NONE;
		s->starts = 0;
		*news = NEWS_BACK;
	}
	if (s->run != BOOT_NONE && sound[s->run])
		return s->run;
	slot = try_again(s, sound, IMAGE_GOOD, news);
	return slot != BOOT_NONE ? slot : try_again(s, sound, IMAGE_FAILED, news);
}

/* ---- copy-down ---- */

/* Whether `len` bytes at `at` are the same; -1: the flash failed. */
static int same(const struct flash *a, const struct flash *b, uint32_t at, uint32_t len)
{
	uint8_t x[FLASH_LINE], y[FLASH_LINE];

	while (len > 0) {
		uint32_t n = len < FLASH_LINE ? len : FLASH_LINE;

		if (a->read(a, at, x, n) != 0 || b->read(b, at, y, n) != 0)
			return -1;
		if (memcmp(x, y, n) != 0)
			return 0;
		at += n;
		len -= n;
	}
	return 1;
}

static int copy_unit(const struct flash *from, const struct flash *to, uint32_t at, uint32_t len)
{
	uint8_t line[FLASH_LINE];
	int rc = to->erase(to, at);

	while (rc == 0 && len > 0) {
		uint32_t n = len < FLASH_LINE ? len : FLASH_LINE;

		rc = from->read(from, at, line, n);
		if (rc == 0)
			rc = flash_program(to, at, line, n);
		at += n;
		len -= n;
	}
	return rc;
}

/* The unit as it is in the slot; 1: it was so already. */
static int install_unit(
	const struct flash *from, const struct flash *to, uint32_t at, uint32_t size)
{
	uint32_t len = size - at < to->unit ? size - at : to->unit;
	int rc = same(from, to, at, len);

	return rc != 0 ? rc : copy_unit(from, to, at, len);
}

int boot_install(const struct boot_port *p, const struct boot_state *s, uint32_t slot)
{
	const struct flash *from = &p->slot[slot], *to = p->run;
	uint32_t size = s->image[slot].size, at, crc, head;
	int rc;

	if (to == NULL)
		return 0;
	if (size > to->size)
		return -1;
	if (flash_crc(to, size, &crc) == 0 && crc == s->image[slot].crc)
		return 0;
	/* No vector table while the rest is not whole; the loader's own code has another rule. */
	head = p->own > 0 ? p->own : to->unit;
	rc = p->own > 0 ? 0 : to->erase(to, 0);
	for (at = head; rc >= 0 && at < size; at += to->unit)
		rc = install_unit(from, to, at, size);
	if (rc < 0)
		return -1;
	if (head > size)
		head = size;
	if (p->own > 0) {
		rc = same(from, to, 0, head);
		if (rc == 0 && p->replace_own != NULL)
			p->replace_own(p, from, head);
	} else {
		rc = copy_unit(from, to, 0, head);
	}
	return rc < 0 || flash_crc(to, size, &crc) != 0 || crc != s->image[slot].crc ? -1 : 0;
}
