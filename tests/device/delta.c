/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.c - deltas, from slot to slot and in place, on a device whose power goes at any moment
 *
 * list.txt: NAME STEP. NAME.sota becomes NAME.0 where NAME.base is; with STEP the same is done again
 * with the power cut in every STEPth flash operation, and the interrupted device goes on. The flash
 * takes each word once between two erases, does half of what it is cut in, and after the cut there
 * is nothing left of the RAM. Components may be chained and encrypted (product-128.key).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev_crypto.h"
#include "device.h"
#include "keys.h"

#ifndef AREA
#define AREA (96u << 10)
#endif
#define PAGE    512u
#define WORD    8u
#define JOURNAL (2u * 17408u + (64u << 10))
#define RAM     16384u

struct flash {
	uint8_t *bytes, *used;
	uint32_t size;
};

static uint8_t slot_bytes[AREA], slot_used[AREA / WORD];
static uint8_t journal_bytes[JOURNAL], journal_used[JOURNAL / WORD];
static struct flash slot = {slot_bytes, slot_used, AREA},
		    journal = {journal_bytes, journal_used, JOURNAL};
static uint8_t base[AREA], want[AREA], file[AREA];
static uint32_t n_base, n_want, n_file;
static struct {
	uint32_t ops, cut;
	bool dead;
} power;

/* What outlives a cut beside the flash of the update: the place of a checkpoint. */
static uint8_t checkpoint[IMF_PATCH_CHECKPOINT];
static bool has_checkpoint;

static struct dev_hash hash, chunk_hash;
static struct imf_crypto crypto, chunk_crypto;
static struct {
	const char *name;
	struct imf_manifest m;
	struct imf_component c;
	struct imf_delta d;
	struct imf_groups groups;
	bool in_place, chained;
	struct imf_chain_info chain;
	const uint8_t *stored;
	struct imf_decrypt decrypt;
	struct dev_aes aes_state;
	struct imf_aes aes;
} p;

/* ---- flash ---- */

/* 0: nothing happens, 1: half of it, 2: all of it. */
static int operation(void)
{
	if (power.dead)
		return 0;
	if (power.ops++ != power.cut)
		return 2;
	power.dead = true;
	return (int)(power.cut % 3 != 0);
}

static int flash_read(const struct flash *f, uint32_t at, uint8_t *ret, uint32_t len)
{
	if (at > f->size || len > f->size - at)
		device_fail("%s: reads at %u", p.name, (unsigned)at);
	memcpy(ret, f->bytes + at, len);
	return power.dead ? -1 : 0;
}

static int flash_erase(struct flash *f, uint32_t at, uint32_t len)
{
	if (at > f->size || len > f->size - at || (at | len) % PAGE != 0)
		device_fail("%s: erases at %u", p.name, (unsigned)at);
	for (; len > 0; at += PAGE, len -= PAGE) {
		int done = operation();

		if (done == 2)
			memset(f->used + at / WORD, 0, PAGE / WORD);
		memset(f->bytes + at, 0xFF, PAGE / 2 * (uint32_t)done);
		if (done != 2)
			return -1;
	}
	return 0;
}

static int flash_program(struct flash *f, uint32_t at, const uint8_t *data, uint32_t len)
{
	if (at > f->size || len > f->size - at || (at | len) % WORD != 0)
		device_fail("%s: programs at %u", p.name, (unsigned)at);
	for (; len > 0; at += WORD, data += WORD, len -= WORD) {
		int done;

		if (!power.dead && f->used[at / WORD] != 0)
			device_fail("%s: programs twice at %u", p.name, (unsigned)at);
		done = operation();
		memcpy(f->bytes + at, data, WORD / 2 * (uint32_t)done);
		if (done > 0)
			f->used[at / WORD] = 1;
		if (done != 2)
			return -1;
	}
	return 0;
}

/* ---- from slot to slot ---- */

static int read_base(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	if (at > n_base || len > n_base - at)
		device_fail("%s: reads the base at %u", p.name, (unsigned)at);
	memcpy(ret, base + at, len);
	return power.dead ? -1 : 0;
}

static const struct imf_patch *writing;

/* A page is erased when it is begun, and then there is a checkpoint. */
static int write_made(void *ctx, uint32_t at, const uint8_t *data, uint32_t len)
{
	uint8_t line[IMF_PATCH_OUT];

	(void)ctx;
	if (len > sizeof(line) || at % IMF_PATCH_OUT != 0)
		device_fail("%s: writes %u bytes at %u", p.name, (unsigned)len, (unsigned)at);
	if (at % PAGE == 0) {
		uint8_t record[IMF_PATCH_CHECKPOINT];

		imf_patch_checkpoint(writing, record);
		if (power.dead)
			return -1;
		memcpy(checkpoint, record, sizeof(record));
		has_checkpoint = true;
		if (flash_erase(&slot, at, PAGE) != 0)
			return -1;
	}
	memset(line, 0xFF, sizeof(line));
	memcpy(line, data, len);
	return flash_program(&slot, at, line, (len + WORD - 1) / WORD * WORD);
}

/* ---- in place ---- */

static int read_slot(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	return flash_read(&slot, at, ret, len);
}

static int read_journal(void *ctx, uint32_t at, uint8_t *ret, uint32_t len)
{
	(void)ctx;
	return flash_read(&journal, at, ret, len);
}

static bool boundary(void *ctx, uint32_t at)
{
	(void)ctx;
	return at % PAGE == 0;
}

static int on_erase(void *ctx, enum imf_area area, uint32_t at, uint32_t len)
{
	(void)ctx;
	return flash_erase(area == IMF_AREA_SLOT ? &slot : &journal, at, len);
}

static int on_program(void *ctx, enum imf_area area, uint32_t at, const uint8_t *data, uint32_t len)
{
	(void)ctx;
	return flash_program(area == IMF_AREA_SLOT ? &slot : &journal, at, data, len);
}

/* ---- the payload on its way: authenticated, decrypted, decoded ---- */

static uint32_t work[IMF_PATCH_WORK(RAM) / 4];
static uint8_t note[sizeof(struct imf_chain_point)], chunk[IMF_CHUNK_MAX];
static struct imf_inplace v;
static struct imf_patch patch;
static struct imf_chain chain;
static uint32_t go_on; /* content below was decoded before the cut */
static bool spoil;     /* the transfer brings other bytes */
static unsigned n_contents;

static void forget(void)
{
	memset(work, 0x5A, sizeof(work));
	memset(note, 0x5A, sizeof(note));
	memset(chunk, 0x5A, sizeof(chunk));
	memset(&v, 0x5A, sizeof(v));
	memset(&patch, 0x5A, sizeof(patch));
	memset(&chain, 0x5A, sizeof(chain));
}

static int on_content(void *ctx, uint32_t at, uint8_t *data, uint32_t len)
{
	struct imf_chain_point point;
	int rc = 0;

	(void)ctx;
	n_contents++;
	if ((p.c.encoding & IMF_ENC_ENCRYPTED) != 0)
		rc = imf_decrypt_run(&p.decrypt, at, data, len);
	if (at + len <= go_on)
		return rc;
	if (at < go_on) {
		data += go_on - at;
		len -= go_on - at;
	}
	if (rc == 0 && p.chained && imf_chain_point(&chain, &point))
		memcpy(note, &point, sizeof(note));
	if (rc == 0)
		rc = p.in_place ? imf_inplace_feed(&v, data, len)
				: imf_patch_feed(&patch, data, len);
	return rc;
}

static int feed_chain(uint32_t size)
{
	const struct imf_chain_config cfg = {
		&chunk_crypto, p.chain, chunk, sizeof(chunk), NULL, on_content};
	struct imf_chain_point from;
	uint32_t at = 0, n;
	int rc;

	memcpy(&from, note, sizeof(from));
	if (go_on > 0)
		at = from.chunk * p.chain.chunk_size;
	rc = imf_chain_begin(&chain, &cfg, go_on > 0 ? &from : NULL);
	for (; rc == 0 && at < p.c.stored_size; at += n) {
		uint8_t piece[64];

		n = p.c.stored_size - at < size ? p.c.stored_size - at : size;
		n = n < sizeof(piece) ? n : (uint32_t)sizeof(piece);
		memcpy(piece, p.stored + at, n);
		piece[0] ^= (uint8_t)spoil;
		rc = imf_chain_feed(&chain, piece, n);
	}
	return rc < 0 ? rc : imf_chain_finish(&chain);
}

/* Staged, its digest was right: any bytes of it may be had again. */
static int feed_staged(uint32_t size)
{
	uint8_t piece[128];
	uint32_t at, n;
	int rc = 0;

	for (at = go_on; rc == 0 && at < p.c.stored_size; at += n) {
		n = p.c.stored_size - at < size ? p.c.stored_size - at : size;
		n = n < sizeof(piece) ? n : (uint32_t)sizeof(piece);
		memcpy(piece, p.stored + at, n);
		rc = on_content(NULL, at, piece, n);
	}
	return rc;
}

static int update(uint32_t size)
{
	struct imf_inplace_config in = {.slot_size = AREA, .journal_size = JOURNAL};
	struct imf_patch_config *cfg = &in.patch;
	int rc;

	dev_crypto(&crypto, &hash);
	dev_crypto(&chunk_crypto, &chunk_hash);
	dev_aes(&p.aes, &p.aes_state);
	go_on = 0;
	if ((p.c.encoding & IMF_ENC_ENCRYPTED) != 0) {
		rc = imf_decrypt_begin(
			&p.decrypt, &crypto, &p.aes, &p.m, 0, product_128, sizeof(product_128));
		if (rc < 0)
			return rc;
		cfg->plain_salt = p.decrypt.plain_salt;
	}
	cfg->crypto = &crypto;
	cfg->ram = p.d.ram;
	cfg->base_addr = p.d.addr;
	cfg->base_len = p.d.len;
	cfg->base_digest = p.d.digest;
	cfg->load_addr = p.c.load_addr;
	cfg->plain_size = p.c.plain_size;
	cfg->plain_digest = p.c.plain_digest;
	cfg->stored_size = imf_manifest_content_size(&p.m, 0);
	cfg->stored_digest = p.c.stored_digest;
	cfg->work = work;
	cfg->work_size = sizeof(work);
	cfg->read = p.in_place ? read_slot : read_base;
	cfg->write = write_made;
	cfg->checkpoint = has_checkpoint ? checkpoint : NULL;
	cfg->groups = p.in_place ? &p.groups : NULL;
	in.journal_unit = PAGE;
	in.ram_max = RAM;
	in.program_size = WORD;
	in.erased = 0xFF;
	in.note = note;
	in.note_size = p.chained ? sizeof(note) : 0;
	in.read_journal = read_journal;
	in.boundary = boundary;
	in.erase = on_erase;
	in.program = on_program;
	writing = &patch;
	rc = p.in_place ? imf_inplace_begin(&v, &in, &go_on) : imf_patch_begin(&patch, cfg);
	if (rc == 0 && p.chained && go_on < cfg->stored_size)
		rc = feed_chain(size);
	else if (rc == 0 && !p.chained)
		rc = feed_staged(size);
	if (rc == 0)
		rc = p.in_place ? imf_inplace_finish(&v) : imf_patch_finish(&patch);
	return rc;
}

/* ---- a package ---- */

static void load(const char *kind, uint8_t *ret, uint32_t *ret_len)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%s", p.name, kind);
	f = fopen(path, "rb");
	if (f == NULL)
		device_fail("cannot read %s", path);
	*ret_len = (uint32_t)fread(ret, 1, AREA, f);
	fclose(f);
	if (*ret_len == AREA)
		device_fail("%s is too large for this test", path);
}

static void open_package(void)
{
	uint8_t sum[IMF_DIGEST_SIZE];
	int rc;

	load("sota", file, &n_file);
	load("base", base, &n_base);
	load("0", want, &n_want);
	rc = imf_manifest_parse(file, imf_get_le32(file + 12), &p.m);
	if (rc != 0 || !imf_manifest_delta(&p.m, 0, &p.d))
		device_fail("%s: no delta, %d", p.name, rc);
	imf_manifest_component(&p.m, 0, &p.c);
	p.in_place = imf_manifest_in_place(&p.m, 0, &p.groups);
	p.chained = imf_manifest_chain(&p.m, 0, &p.chain);
	p.stored = file + n_file - p.c.stored_size;
	if (n_base != p.d.len || n_want != p.c.plain_size)
		device_fail("%s: other files", p.name);
	dev_crypto(&crypto, &hash);
	if (crypto.sha256_init(crypto.ctx) != 0 ||
		crypto.sha256_update(crypto.ctx, p.stored, p.c.stored_size) != 0 ||
		crypto.sha256_final(crypto.ctx, sum) != 0 ||
		memcmp(sum, p.c.stored_digest, sizeof(sum)) != 0)
		device_fail("%s: damaged", p.name);
}

static void power_on(uint32_t cut)
{
	power.dead = false;
	power.ops = 0;
	power.cut = cut;
	forget();
}

/* As it left the factory; the slot of a new image and the journal hold anything. */
static void new_device(void)
{
	memset(slot_bytes, 0xFF, sizeof(slot_bytes));
	memset(slot_used, 1, sizeof(slot_used));
	if (p.in_place)
		memcpy(slot_bytes, base, n_base);
	memset(journal_bytes, 0x33, sizeof(journal_bytes));
	memset(journal_used, 1, sizeof(journal_used));
	has_checkpoint = false;
}

static void updated(const char *when, uint32_t cut, int rc)
{
	if (rc != 0)
		device_fail("%s: %s %u: error %d", p.name, when, (unsigned)cut, rc);
	if (memcmp(slot_bytes, want, n_want) != 0)
		device_fail("%s: %s %u: another image", p.name, when, (unsigned)cut);
}

/* What the transfer brings after a cut must be what the checkpoint expects. */
static void refuses_another_chunk(uint32_t cut)
{
	uint32_t ops;
	int rc;

	power_on(UINT32_MAX);
	spoil = true;
	n_contents = 0;
	rc = update(64);
	ops = power.ops;
	spoil = false;
	/* Nothing was left to be brought, or the very first chunk is refused: not a byte decoded. */
	if (rc == 0 ? n_contents != 0 : rc != IMF_ERR_DIGEST || n_contents != 0)
		device_fail("%s: cut %u: another chunk is taken: %d", p.name, (unsigned)cut, rc);
	/* The interrupted group may have been installed again, no more. */
	if (ops > 3000)
		device_fail("%s: cut %u: %u operations", p.name, (unsigned)cut, (unsigned)ops);
}

static void package(uint32_t step)
{
	uint32_t cut, ops, size = 1;

	new_device();
	power_on(UINT32_MAX);
	updated("whole", 0, update(1));
	ops = power.ops;
	for (cut = 0; step > 0 && cut < ops; cut += step, size = size * 7 % 131) {
		new_device();
		power_on(cut);
		if (update(size) == 0 && power.dead)
			device_fail("%s: goes on after cut %u", p.name, (unsigned)cut);
		/* Every second time it goes again, a little later. */
		if (cut / step % 2 == 1) {
			power_on(cut / 3 + 5);
			update(64);
		}
		if (p.in_place && p.chained && cut / step % 3 == 0)
			refuses_another_chunk(cut);
		power_on(UINT32_MAX);
		updated("cut in", cut, update(size));
	}
}

int main(void)
{
	static char list[16384];
	FILE *f = fopen("list.txt", "r");
	uint32_t n_packages = 0, n_cut = 0;
	char *line;
	size_t n;

	device_traps();
	if (f == NULL)
		device_fail("no list.txt");
	n = fread(list, 1, sizeof(list) - 1, f);
	fclose(f);
	list[n] = '\0';
	for (line = strtok(list, " \n"); line != NULL; line = strtok(NULL, " \n")) {
		char *step = strtok(NULL, " \n");

		p.name = line;
		open_package();
		package((uint32_t)strtoul(step, NULL, 10));
		n_packages++;
		n_cut += *step != '0';
	}
	if (n_packages == 0)
		device_fail("an empty list");
	printf("%u deltas, %u of them interrupted\n", (unsigned)n_packages, (unsigned)n_cut);
	return DEVICE_GOOD;
}
