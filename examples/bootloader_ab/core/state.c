/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <string.h>

#include <imf/imf_bytes.h>

#define MAGIC 0x31534C42u /* "BLS1" */

#define WORDS (STATE_RECORD / 4 - 1) /* and the CRC */

/* Fails to compile if the struct is not the record. */
typedef char state_is_a_record[sizeof(struct boot_state) == WORDS * 4 ? 1 : -1];

struct imf_version state_version(const struct boot_image *i)
{
	struct imf_version v = {(uint8_t)i->version[0], (uint8_t)(i->version[0] >> 8),
		(uint16_t)(i->version[0] >> 16), i->version[1]};

	return v;
}

void state_put_version(struct boot_image *i, struct imf_version v)
{
	i->version[0] = v.major | (uint32_t)v.minor << 8 | (uint32_t)v.revision << 16;
	i->version[1] = v.build;
}

static void encode(const struct boot_state *s, uint8_t *p)
{
	const uint32_t *word = (const uint32_t *)s;
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		imf_put_le32(p + 4 * i, word[i]);
	imf_put_le32(p + 4 * WORDS, crc32_add(0, p, 4 * WORDS));
}

static bool decode(const uint8_t *p, struct boot_state *s)
{
	uint32_t *word = (uint32_t *)s;
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		word[i] = imf_get_le32(p + 4 * i);
	return s->magic == MAGIC && imf_get_le32(p + 4 * WORDS) == crc32_add(0, p, 4 * WORDS) &&
	       (s->run < BOOT_SLOTS || s->run == BOOT_NONE) &&
	       (s->trial < BOOT_SLOTS || s->trial == BOOT_NONE);
}

/* Where the newest record is: region and offset; false if nowhere. */
static bool newest(
	const struct boot_port *p, struct boot_state *ret, uint32_t *region, uint32_t *at)
{
	uint8_t record[STATE_RECORD];
	struct boot_state s;
	bool found = false;
	uint32_t i, o;

	for (i = 0; i < 2; i++) {
		const struct flash *f = &p->state[i];

		for (o = 0; o + STATE_RECORD <= f->unit; o += STATE_RECORD) {
			if (f->read(f, o, record, STATE_RECORD) != 0 || !decode(record, &s) ||
				(found && (int32_t)(s.seq - ret->seq) < 0))
				continue;
			found = true;
			*ret = s;
			*region = i;
			*at = o;
		}
	}
	return found;
}

int state_load(const struct boot_port *p, struct boot_state *ret)
{
	uint32_t region, at;

	if (newest(p, ret, &region, &at))
		return 0;
	memset(ret, 0, sizeof(*ret));
	ret->run = ret->trial = BOOT_NONE;
	return -1;
}

/* Writes the record if the place is blank, and looks whether it got there. */
static bool put(const struct flash *f, uint32_t at, const uint32_t *record)
{
	uint32_t back[STATE_RECORD / 4];

	if (f->read(f, at, back, STATE_RECORD) != 0 ||
		!bytes_are((const uint8_t *)back, STATE_RECORD, f->blank))
		return false;
	return f->write(f, at, record, STATE_RECORD) == 0 &&
	       f->read(f, at, back, STATE_RECORD) == 0 && memcmp(back, record, STATE_RECORD) == 0;
}

int state_save(const struct boot_port *p, struct boot_state *s)
{
	uint32_t record[STATE_RECORD / 4];
	struct boot_state old;
	const struct flash *f;
	uint32_t region = 1, at = p->state[1].unit;

	old.seq = 0;
	if (newest(p, &old, &region, &at))
		at += STATE_RECORD;
	s->magic = MAGIC;
	s->seq = old.seq + 1;
	encode(s, (uint8_t *)record);
	/* What a cut left half-written is no place; the next one is. */
	f = &p->state[region];
	for (; at + STATE_RECORD <= f->unit; at += STATE_RECORD)
		if (put(f, at, record))
			return 0;
	f = &p->state[1 - region];
	if (f->erase(f, 0) != 0)
		return -1;
	for (at = 0; at + STATE_RECORD <= f->unit; at += STATE_RECORD)
		if (put(f, at, record))
			return 0;
	return -1;
}
