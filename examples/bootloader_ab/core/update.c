/* SPDX-License-Identifier: Apache-2.0 */
#include "update.h"

#include <stddef.h>
#include <string.h>

#include "boot.h"
#include "crypto.h"

static struct {
	const struct boot_port *p;
	struct boot_state *s;
	uint32_t slot;
	bool taken; /* a component for it was in the package */
#ifndef IMF_NO_PATCH
	/* Where in the slot it waits until its digest was right; 0: it comes right to its place. */
	uint32_t staging;
#endif
	int error; /* ours, or 0; the library only sees that a callback refused */
	struct imf_device device;
	struct imf_key keys[BOOT_KEYS_MAX];
	struct imf_receive_config cfg;
	struct imf_receive receive;
} u;

static uint8_t work[IMF_HEAD_MAX_DEVICE];
#ifndef IMF_NO_CHAIN
#ifndef BOOT_CHUNK
#define BOOT_CHUNK IMF_CHUNK_MAX
#endif
static uint8_t chunk[BOOT_CHUNK];
#endif
#ifndef IMF_NO_PATCH
#ifndef BOOT_DECODER_RAM
#define BOOT_DECODER_RAM 8192u
#endif
static struct imf_patch patch;
static uint32_t patch_work[IMF_PATCH_WORK(BOOT_DECODER_RAM) / 4];
#endif

static int failed(int error)
{
	if (u.error == 0)
		u.error = error;
	return error;
}

static const struct flash *slot_flash(void)
{
	return &u.p->slot[u.slot];
}

/* Whether a component is the image for this slot: linked for it, and its number is not another one. */
static bool is_for(const struct imf_component *c, uint32_t slot)
{
	return c->load_addr == boot_address(u.p, slot) &&
	       (c->slot == IMF_NO_SLOT || c->slot == (u.p->run != NULL ? 1 : slot + 1));
}

#ifndef IMF_NO_PATCH
/*
 * A delta, or anything else that is encoded and has no chain, waits at the end of the free slot, in
 * erase units behind those of the image that it becomes. Without room there it is refused.
 */
static int choose_staging(const struct imf_component *c)
{
	const struct flash *f = slot_flash();
	uint32_t at = f->size;

	if (c->stored_size > f->size)
		return IMF_TAKE_SLOT;
	while (f->size - at < c->stored_size)
		at -= f->unit;
	if (at == 0 || at < c->plain_size)
		return IMF_TAKE_SLOT;
	u.staging = at;
	return IMF_TAKE;
}
#endif

/* The image for the free slot; one for the other slot may come along and is passed over. */
static int on_choose(
	void *ctx, const struct imf_manifest *m, uint32_t i, const struct imf_component *c)
{
	uint32_t limit = slot_flash()->size;

	(void)ctx;
	(void)m;
	(void)i;
	if (c->kind != IMF_KIND_APPLICATION)
		return failed(IMF_ERR_KIND);
	if (!is_for(c, u.slot))
		return u.p->run == NULL && is_for(c, 1 - u.slot) ? IMF_SKIP
								 : failed(IMF_ERR_ADDRESS);
	if (u.p->run != NULL && u.p->run->size < limit)
		limit = u.p->run->size;
	if (u.taken || c->plain_size > limit)
		return failed(IMF_ERR_ADDRESS);
	u.taken = true;
#ifndef IMF_NO_PATCH
	if (c->encoding != 0 && (c->encoding & IMF_ENC_CHAINED) == 0)
		return choose_staging(c);
#endif
	/* The library refuses what can only be staged, and is not to be: IMF_ERR_ENCODING. */
	return (c->encoding & IMF_ENC_CHAINED) != 0 ? IMF_TAKE : IMF_TAKE_SLOT;
}

static int erase_slot(uint32_t size)
{
	int rc = flash_erase(slot_flash(), size);
#ifndef IMF_NO_PATCH
	uint32_t at;

	for (at = u.staging; rc == 0 && at != 0 && at < slot_flash()->size;
		at += slot_flash()->unit)
		rc = slot_flash()->erase(slot_flash(), at);
#endif
	return rc;
}

/* Everything was checked. From here on the slot holds no image, and the records say so first. */
static int on_start(void *ctx, const struct imf_manifest *m)
{
	struct boot_state *s = u.s;
	struct imf_component c;
	uint32_t i, size = 0;

	(void)ctx;
	if (!u.taken)
		return failed(IMF_ERR_ADDRESS);
	for (i = 0; i < m->header.n_components; i++) {
		imf_manifest_component(m, i, &c);
		if (is_for(&c, u.slot))
			size = c.plain_size;
	}
	memset(&s->image[u.slot], 0, sizeof(s->image[u.slot]));
	if (s->trial == u.slot)
		s->trial = BOOT_NONE;
	s->starts = 0;
	if (state_save(u.p, s) != 0 || erase_slot(size) != 0)
		return failed(UPDATE_FLASH);
	s->image[u.slot].size = size;
	s->image[u.slot].counter = m->header.counter;
	state_put_version(&s->image[u.slot], m->header.version);
	return 0;
}

static int on_write(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	(void)i;
	return flash_program(slot_flash(), at, data, len) == 0 ? 0 : failed(UPDATE_FLASH);
}

static int on_read(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	(void)i;
	return slot_flash()->read(slot_flash(), at, ret, len);
}

#ifndef IMF_NO_PATCH
static int on_stage(void *ctx, uint32_t i, uint32_t at, const uint8_t *data, uint32_t len)
{
	return on_write(ctx, i, u.staging + at, data, len);
}

static int on_staged(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	return on_read(ctx, i, u.staging + at, ret, len);
}

/* A delta was made from what runs. */
static int on_base(void *ctx, uint32_t i, uint32_t at, uint8_t *ret, uint32_t len)
{
	const struct flash *f = &u.p->slot[1 - u.slot];

	(void)ctx;
	(void)i;
	return at <= f->size && len <= f->size - at ? f->read(f, at, ret, len) : -1;
}
#endif

static const struct imf_port port = {
	.choose = on_choose,
	.start = on_start,
	.write = on_write,
	.read = on_read,
#ifndef IMF_NO_PATCH
	.stage = on_stage,
	.staged = on_staged,
	.base = on_base,
#else
	.stage = on_write,
#endif
};

static void configure(void)
{
	const struct device_facts *d = &device_facts;
	struct imf_receive_config *c = &u.cfg;
	uint32_t i;

	for (i = 0; i < d->n_keys; i++) {
		memcpy(u.keys[i].id, d->keys[i].id, IMF_KEY_ID_SIZE);
		u.keys[i].key = d->keys[i].key;
	}
	c->crypto = &crypto_stored;
	c->plain = &crypto_plain;
	c->keys = u.keys;
	c->n_keys = d->n_keys;
	c->threshold = d->threshold;
	c->device = &u.device;
	c->work = work;
	c->work_size = sizeof(work);
	c->port = &port;
#ifndef IMF_NO_CHAIN
	c->chunk_hash = &crypto_chunk;
	c->chunk = chunk;
	c->chunk_size = sizeof(chunk);
#endif
#ifndef IMF_NO_DECRYPT
	c->aes = &crypto_aes;
	c->product_key = d->product_key;
	c->product_key_len = d->product_key_len;
#endif
#ifndef IMF_NO_PATCH
	c->patch = &patch;
	c->patch_work = patch_work;
	c->patch_work_size = sizeof(patch_work);
	u.device.decoder_ram = BOOT_DECODER_RAM;
#endif
}

int update_begin(const struct boot_port *p, struct boot_state *s, uint32_t running)
{
	const struct device_facts *d = &device_facts;

	memset(&u, 0, sizeof(u));
	u.p = p;
	u.s = s;
	u.slot = boot_free_slot(s);
	if (running != BOOT_NONE && (running == u.slot || s->trial == running))
		return u.error = UPDATE_TRIAL;
	memcpy(u.device.product, d->product, IMF_UUID_SIZE);
	u.device.hw_revision = d->hw_revision;
	u.device.chip = d->chip;
	u.device.counter = s->counter;
	if (s->run != BOOT_NONE) {
		u.device.installed_known = true;
		u.device.installed = state_version(&s->image[s->run]);
	}
	configure();
	return u.error = imf_receive_begin(&u.receive, &u.cfg);
}

int update_feed(const uint8_t *data, uint32_t len)
{
	while (len > 0 && u.error == 0) {
		uint32_t wants = imf_receive_wants(&u.receive);
		uint32_t n = len < wants ? len : wants;
		int rc;

		if (wants == 0)
			return 0;
		rc = imf_receive_feed(&u.receive, data, n);
		if (rc < 0 && u.error == 0)
			u.error = rc;
		data += n;
		len -= n;
	}
	return u.error;
}

#ifndef BOOT_REPLACE_OWN
/* While the boot code of a self-replicating program is replaced, a power cut leaves none. */
static bool own_code_stays(void)
{
	uint8_t a[FLASH_LINE], b[FLASH_LINE];
	const struct boot_port *p = u.p;
	uint32_t at;

	for (at = 0; at < p->own; at += FLASH_LINE)
		if (p->run->read(p->run, at, a, FLASH_LINE) != 0 ||
			slot_flash()->read(slot_flash(), at, b, FLASH_LINE) != 0 ||
			memcmp(a, b, FLASH_LINE) != 0)
			return false;
	return true;
}
#endif

int update_end(void)
{
	struct boot_image *image = &u.s->image[u.slot];

	if (u.error == 0)
		u.error = imf_receive_finish(&u.receive);
	if (u.error != 0)
		return u.error;
	if (!boot_vectors(u.p, slot_flash(), boot_address(u.p, u.slot), image->size))
		return u.error = UPDATE_VECTORS;
#ifndef BOOT_REPLACE_OWN
	if (!own_code_stays())
		return u.error = UPDATE_OWN;
#endif
	if (flash_crc(slot_flash(), image->size, &image->crc) != 0)
		return u.error = UPDATE_FLASH;
	image->mark = IMAGE_NEW;
	u.s->trial = u.slot;
	u.s->starts = 0;
	return u.error = state_save(u.p, u.s) == 0 ? 0 : UPDATE_FLASH;
}

uint32_t update_slot(void)
{
	return u.slot;
}

const char *update_text(int error)
{
	static const struct {
		int16_t error;
		char text[10];
	} texts[] = {
		{IMF_ERR_TRUNCATED, "truncated"},
		{IMF_ERR_MAGIC, "format"},
		{IMF_ERR_PRODUCT, "product"},
		{IMF_ERR_HARDWARE, "hardware"},
		{IMF_ERR_CHIP, "chip"},
		{IMF_ERR_COUNTER, "counter"},
		{IMF_ERR_DOWNGRADE, "version"},
		{IMF_ERR_MIN_VERSION, "version"},
		{IMF_ERR_ADDRESS, "address"},
		{IMF_ERR_SIGNATURE, "signature"},
		{IMF_ERR_DIGEST, "digest"},
		{IMF_ERR_ENCODING, "encoding"},
		{IMF_ERR_KEY, "key"},
		{IMF_ERR_BASE, "base"},
		{UPDATE_TRIAL, "trial"},
		{UPDATE_FLASH, "flash"},
		{UPDATE_VECTORS, "vectors"},
		{UPDATE_OWN, "boot code"},
	};
	uint32_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			return texts[i].text;
	return "contents";
}
