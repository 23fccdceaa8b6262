/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_inplace.c - deltas that overwrite their own base, and the journal that makes that safe
 *
 * The journal has two places for records and one for a group. A record is written in the place
 * that the last one does not need: its body, then its head, so that it is there with all of its
 * bytes or it is not. As long as no mark is programmed behind the head, the group in the journal
 * is complete and may have to be written into the slot (again); the journal's copy is erased only
 * after the mark was made, so that both ways to read half a mark are right.
 */
#include <imf/imf_inplace.h>
#include <imf/imf_bytes.h>

#include "imf_patch_priv.h"
#include "imf_priv.h"

#if !defined(IMF_NO_PATCH) && !defined(IMF_NO_INPLACE)

#define BLOCK 64u /* bytes read, programmed and summed at once */
#define MARKS 4u
#define BODY  (BLOCK + MARKS * BLOCK) /* head, marks, then the body */
#define MAGIC 0x314A4D49u             /* IMJ1 */

typedef char
	inplace_fits[sizeof(struct imf_inplace) <= sizeof(struct imf_patch) + IMF_INPLACE_STATE ||
				     sizeof(void *) > 4
			     ? 1
			     : -1];

/* Offsets in the head of a record. */
enum {
	T_MAGIC,
	T_SEQ = 4,
	T_PAYLOAD = 8, /* the first 12 bytes of the stored digest */
	T_START = 20,
	T_SIZE = 24,
	T_MADE = 28,
	T_GROUP_CRC = 32,
	T_BODY = 36, /* bytes of the body */
	T_BODY_CRC = 40,
	T_CRC = 44 /* of all before */
};

static uint32_t crc_more(uint32_t crc, const uint8_t *p, uint32_t len)
{
	uint32_t k;

	for (; len > 0; len--) {
		crc ^= *p++;
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0xEDB88320u & (0 - (crc & 1)));
	}
	return crc;
}

static uint32_t journal_round(uint32_t v, uint32_t unit)
{
	return (v + unit - 1) / unit * unit;
}

/* ---- where things lie in the journal ---- */

static uint32_t record_room(const struct imf_inplace_config *c)
{
	return journal_round(IMF_JOURNAL_RECORD(c->ram_max), c->journal_unit);
}

static uint32_t record_at(const struct imf_inplace_config *c, uint32_t seq)
{
	return (seq & 1) * record_room(c);
}

static uint32_t group_at(const struct imf_inplace_config *c)
{
	return 2 * record_room(c);
}

/* ---- flash ---- */

typedef int (*reader)(void *ctx, uint32_t at, uint8_t *ret, uint32_t len);

/* The CRC of `len` bytes; false if they cannot be read. */
static bool crc_of(
	const struct imf_inplace_config *c, reader read, uint32_t at, uint32_t len, uint32_t *ret)
{
	uint8_t b[BLOCK];
	uint32_t crc = UINT32_MAX, n;

	for (; len > 0; at += n, len -= n) {
		n = len < BLOCK ? len : BLOCK;
		if (read(c->patch.ctx, at, b, n) != 0)
			return false;
		crc = crc_more(crc, b, n);
	}
	*ret = crc;
	return true;
}

static bool has_crc(
	const struct imf_inplace_config *c, reader read, uint32_t at, uint32_t len, uint32_t want)
{
	uint32_t crc;

	return crc_of(c, read, at, len, &crc) && crc == want;
}

/* Up to a block; what is missing of the last word is as erased flash. */
static int flash_program(const struct imf_inplace_config *c, enum imf_area area, uint32_t at,
	uint8_t *b, uint32_t len)
{
	uint32_t whole = journal_round(len, c->program_size);

	IMF_MEMSET(b + len, c->erased, whole - len);
	return c->program(c->patch.ctx, area, at, b, whole) != 0 ? IMF_ERR_CALLBACK : IMF_OK;
}

static int flash_erase(
	const struct imf_inplace_config *c, enum imf_area area, uint32_t at, uint32_t len)
{
	return c->erase(c->patch.ctx, area, at, len) != 0 ? IMF_ERR_CALLBACK : IMF_OK;
}

/* ---- reading records ---- */

struct record {
	uint32_t seq, body;
	uint8_t t[BLOCK];
};

static uint32_t body_size(const struct imf_inplace *v)
{
	return (uint32_t)sizeof(v->patch) + imf_model_tables_size(&v->patch.model) +
	       v->cfg->note_size;
}

/* The record in place `which`, if it is whole. */
static bool record_read(const struct imf_inplace_config *c, uint32_t which, struct record *ret)
{
	uint32_t at = record_at(c, which);
	uint8_t *t = ret->t;

	if (c->read_journal(c->patch.ctx, at, t, BLOCK) != 0 ||
		imf_get_le32(t + T_MAGIC) != MAGIC ||
		imf_get_le32(t + T_CRC) != crc_more(UINT32_MAX, t, T_CRC))
		return false;
	ret->seq = imf_get_le32(t + T_SEQ);
	ret->body = imf_get_le32(t + T_BODY);
	return (ret->seq & 1) == which && ret->body <= record_room(c) - BODY &&
	       has_crc(c, c->read_journal, at + BODY, ret->body, imf_get_le32(t + T_BODY_CRC));
}

static bool record_newest(const struct imf_inplace_config *c, struct record *ret)
{
	struct record other;
	bool one = record_read(c, 0, ret), two = record_read(c, 1, &other);

	if (two && (!one || other.seq > ret->seq))
		*ret = other;
	return one || two;
}

/* ---- the mark: the group is in the slot ---- */

static uint32_t mark_at(const struct imf_inplace *v, uint32_t i)
{
	return record_at(v->cfg, v->seq) + BLOCK + i * BLOCK;
}

/* What cannot be read is not blank. */
static bool mark_blank(const struct imf_inplace *v, uint32_t i)
{
	uint8_t b[BLOCK];
	uint32_t k = v->cfg->program_size;

	if (v->cfg->read_journal(v->cfg->patch.ctx, mark_at(v, i), b, k) != 0)
		return false;
	while (k > 0 && b[k - 1] == v->cfg->erased)
		k--;
	return k == 0;
}

static bool is_marked(const struct imf_inplace *v)
{
	uint32_t i = 0;

	while (i < MARKS && mark_blank(v, i))
		i++;
	return i < MARKS;
}

/*
 * A word that was cut while it was programmed may look blank and still refuse. Then the next one is
 * taken, and without any the journal's copy itself tells, once it is erased. One that is there is not
 * programmed again.
 */
static void mark_group(const struct imf_inplace *v)
{
	uint8_t b[BLOCK];
	uint32_t i = 0;

	while (i < MARKS && mark_blank(v, i)) {
		IMF_MEMSET(b, (uint8_t)~v->cfg->erased, BLOCK);
		(void)flash_program(
			v->cfg, IMF_AREA_JOURNAL, mark_at(v, i), b, v->cfg->program_size);
		i += mark_blank(v, i);
	}
}

/* ---- a group is complete ---- */

/* From the journal into the slot, read back. May be done again and again. */
static int group_install(struct imf_inplace *v)
{
	const struct imf_inplace_config *c = v->cfg;
	uint8_t b[BLOCK];
	uint32_t at, n;
	int rc = flash_erase(c, IMF_AREA_SLOT, v->start, v->size);

	for (at = 0; rc == IMF_OK && at < v->made; at += n) {
		n = v->made - at < BLOCK ? v->made - at : BLOCK;
		if (c->read_journal(c->patch.ctx, group_at(c) + at, b, n) != 0)
			rc = IMF_ERR_CALLBACK;
		if (rc == IMF_OK)
			rc = flash_program(c, IMF_AREA_SLOT, v->start + at, b, n);
	}
	if (rc == IMF_OK && !has_crc(c, c->patch.read, v->start, v->made, v->crc))
		rc = IMF_ERR_DIGEST;
	if (rc == IMF_OK)
		mark_group(v);
	return rc;
}

/* The parts of a record's body, one behind the other. */
struct part {
	uint8_t *p;
	uint32_t len;
};

static void parts_of(struct imf_inplace *v, struct part ret[3])
{
	ret[0].p = (uint8_t *)(void *)&v->patch;
	ret[0].len = (uint32_t)sizeof(v->patch);
	ret[1].p = (uint8_t *)(void *)v->patch.model.flags;
	ret[1].len = imf_model_tables_size(&v->patch.model);
	ret[2].p = v->cfg->note;
	ret[2].len = v->cfg->note_size;
}

static int write_body(struct imf_inplace *v, uint32_t at, uint32_t *ret_crc)
{
	struct part parts[3];
	uint8_t b[BLOCK];
	uint32_t n = 0, i, k, crc = UINT32_MAX;
	int rc = IMF_OK;

	parts_of(v, parts);
	for (i = 0; i < 3; i++) {
		for (k = 0; rc == IMF_OK && k < parts[i].len; k++) {
			b[n++] = parts[i].p[k];
			if (n < BLOCK)
				continue;
			crc = crc_more(crc, b, n);
			rc = flash_program(v->cfg, IMF_AREA_JOURNAL, at, b, n);
			at += n;
			n = 0;
		}
	}
	*ret_crc = crc_more(crc, b, n);
	return rc == IMF_OK && n > 0 ? flash_program(v->cfg, IMF_AREA_JOURNAL, at, b, n) : rc;
}

static int record_commit(struct imf_inplace *v)
{
	const struct imf_inplace_config *c = v->cfg;
	uint32_t seq = v->seq + 1, at = record_at(c, seq), body = body_size(v), crc = 0;
	uint8_t t[BLOCK];
	int rc = flash_erase(c, IMF_AREA_JOURNAL, at, record_room(c));

	if (rc == IMF_OK)
		rc = write_body(v, at + BODY, &crc);
	IMF_MEMSET(t, c->erased, BLOCK);
	imf_put_le32(t + T_MAGIC, MAGIC);
	imf_put_le32(t + T_SEQ, seq);
	IMF_MEMCPY(t + T_PAYLOAD, c->patch.stored_digest, 12);
	imf_put_le32(t + T_START, v->start);
	imf_put_le32(t + T_SIZE, v->size);
	imf_put_le32(t + T_MADE, v->made);
	imf_put_le32(t + T_GROUP_CRC, v->crc);
	imf_put_le32(t + T_BODY, body);
	imf_put_le32(t + T_BODY_CRC, crc);
	imf_put_le32(t + T_CRC, crc_more(UINT32_MAX, t, T_CRC));
	if (rc == IMF_OK)
		rc = flash_program(c, IMF_AREA_JOURNAL, at, t, BLOCK);
	v->seq = seq;
	return rc;
}

/* ---- making groups ---- */

/* Records of another run must not be taken for ours later: the base is whole still. */
static int journal_clean(struct imf_inplace *v)
{
	int rc = IMF_OK;

	if (!v->clean)
		rc = flash_erase(v->cfg, IMF_AREA_JOURNAL, 0, 2 * record_room(v->cfg));
	v->clean = rc == IMF_OK;
	return rc;
}

static int inplace_flush(struct imf_inplace *v)
{
	struct imf_patch *p = &v->patch;
	uint32_t n = p->n_out, at = group_at(v->cfg);
	int rc = IMF_OK;

	if (v->made == 0) {
		v->crc = UINT32_MAX;
		imf_group_place(v->cfg->patch.groups, p->model.group, &v->start, &v->size);
		rc = journal_clean(v);
		if (rc == IMF_OK)
			rc = flash_erase(v->cfg, IMF_AREA_JOURNAL, at,
				journal_round(v->size, v->cfg->journal_unit));
	}
	v->crc = crc_more(v->crc, p->out, n);
	if (rc == IMF_OK)
		rc = flash_program(v->cfg, IMF_AREA_JOURNAL, at + v->made, p->out, n);
	v->made += n;
	p->n_out = 0;
	return rc;
}

static int inplace_put(struct imf_inplace *v)
{
	struct imf_patch *p = &v->patch;
	struct imf_model *m = &p->model;
	uint32_t i;
	int rc = IMF_OK;

	for (i = 0; rc == IMF_OK && i < m->n_out; i++) {
		p->out[p->n_out++] = m->out[i];
		if (p->n_out == IMF_PATCH_OUT)
			rc = inplace_flush(v);
	}
	if (rc < 0 || m->n_out == 0 || (m->state != IMF_ST_GROUP && m->state != IMF_ST_DONE))
		return rc;
	if (p->n_out > 0)
		rc = inplace_flush(v);
	if (rc == IMF_OK)
		rc = record_commit(v);
	if (rc == IMF_OK)
		rc = group_install(v);
	v->made = 0;
	return rc;
}

static int inplace_run(struct imf_patch *p)
{
	/* The first member. */
	struct imf_inplace *v = (struct imf_inplace *)(void *)p;
	int rc = IMF_OK;

	while (rc == IMF_OK && imf_patch_ready(p)) {
		rc = imf_patch_step(p);
		if (rc == IMF_OK)
			rc = inplace_put(v);
	}
	return rc;
}

/* ---- begin ---- */

static int check_places(const struct imf_inplace_config *c)
{
	const struct imf_patch_config *p = &c->patch;
	uint32_t i, start, len, end = 0, unit = c->journal_unit;

	if (unit == 0 || unit % BLOCK != 0 || c->program_size == 0 || c->program_size > BLOCK ||
		(c->program_size & (c->program_size - 1)) != 0 || c->note_size > IMF_NOTE_MAX ||
		(c->note_size > 0 && c->note == NULL) || p->groups == NULL ||
		p->load_addr != p->base_addr)
		return IMF_ERR_ARGUMENT;
	/* Each part is below 2^25, units as well. */
	if (unit > IMF_PATCH_IMAGE_MAX || p->base_len > c->slot_size ||
		journal_round(p->groups->largest, unit) + 2 * record_room(c) > c->journal_size)
		return IMF_ERR_LIMIT;
	for (i = 0; imf_group_place(p->groups, i, &start, &len); i++) {
		end = start + len;
		if (i == IMF_GROUPS_MAX || end > c->slot_size || !c->boundary(p->ctx, start) ||
			!c->boundary(p->ctx, end))
			return IMF_ERR_LIMIT;
	}
	return end < p->plain_size ? IMF_ERR_ARGUMENT : IMF_OK;
}

/* Flash that cannot be read is no sound image, as it is after a cut. */
static int base_there(struct imf_inplace *v)
{
	const struct imf_patch_config *p = &v->cfg->patch;
	int rc = imf_patch_check(p, NULL, p->base_len, p->base_digest, v->patch.in);

	return rc == IMF_ERR_CALLBACK ? IMF_ERR_BASE : rc;
}

static int image_there(struct imf_inplace *v)
{
	const struct imf_patch_config *p = &v->cfg->patch;
	int rc = imf_patch_check(p, p->plain_salt, p->plain_size, p->plain_digest, v->patch.in);

	return rc == IMF_ERR_CALLBACK ? IMF_ERR_BASE : rc;
}

/* True if the journal still holds the group of the record. */
static bool group_kept(const struct imf_inplace_config *c, const struct record *r)
{
	return has_crc(c, c->read_journal, group_at(c), imf_get_le32(r->t + T_MADE),
		imf_get_le32(r->t + T_GROUP_CRC));
}

/* The state as it was when the record was made; then its group goes into the slot. */
static int inplace_resume(struct imf_inplace *v, const struct record *r)
{
	const struct imf_inplace_config *c = v->cfg;
	const struct imf_patch_config *p = &c->patch;
	struct part parts[3];
	uint32_t at = record_at(c, r->seq) + BODY, i;
	bool there;

	parts_of(v, parts);
	for (i = 0; i < 3; at += parts[i++].len)
		if (parts[i].len > 0 && c->read_journal(p->ctx, at, parts[i].p, parts[i].len) != 0)
			return IMF_ERR_CALLBACK;
	imf_patch_wire(&v->patch, p);
	imf_model_tables(&v->patch.model, p->ram, p->work, p->work_size);
	v->clean = true;
	v->seq = r->seq;
	v->start = imf_get_le32(r->t + T_START);
	v->size = imf_get_le32(r->t + T_SIZE);
	v->made = imf_get_le32(r->t + T_MADE);
	v->crc = imf_get_le32(r->t + T_GROUP_CRC);
	there = has_crc(c, p->read, v->start, v->made, v->crc);
	/* A mark may be left over from another time; without one an erase may have just begun. */
	if (!there || !is_marked(v)) {
		int rc = IMF_OK;

		/* Erased again already: then it was written, and can only be looked at. */
		if (group_kept(c, r))
			rc = group_install(v);
		else if (!there)
			rc = IMF_ERR_DIGEST;
		if (rc < 0)
			return rc;
	}
	v->made = 0;
	return inplace_run(&v->patch);
}

/*
 * What slot and journal hold decides how to begin. With a whole base, records of later groups are
 * left over from another time. That of the first group is good in any case, and better than a base
 * of which one unit may just have begun to be erased.
 */
static int inplace_start(struct imf_inplace *v)
{
	const struct imf_patch_config *p = &v->cfg->patch;
	struct record r;
	bool ours = record_newest(v->cfg, &r) && r.body == body_size(v) &&
		    IMF_MEMCMP(r.t + T_PAYLOAD, p->stored_digest, 12) == 0;
	int rc = base_there(v), done;

	if (rc != IMF_OK && rc != IMF_ERR_BASE)
		return rc;
	if (ours && rc == IMF_ERR_BASE)
		return inplace_resume(v, &r);
	if (ours && r.seq == 1 && group_kept(v->cfg, &r))
		return inplace_resume(v, &r);
	/* One image may be the beginning of the other. */
	if (rc == IMF_OK && p->base_len == p->plain_size)
		return IMF_OK;
	done = image_there(v);
	v->complete = done == IMF_OK;
	return rc == IMF_OK && done == IMF_ERR_BASE ? IMF_OK : done;
}

int imf_inplace_begin(
	struct imf_inplace *v, const struct imf_inplace_config *cfg, uint32_t *ret_offset)
{
	const struct imf_patch_config *p = &cfg->patch;
	int rc = check_places(cfg);

	if (rc == IMF_OK && ((p->base_len | p->plain_size) >= IMF_PATCH_IMAGE_MAX ||
				    (int32_t)p->stored_size <= 0))
		rc = IMF_ERR_LIMIT;
	IMF_MEMSET(v, 0, sizeof(*v));
	v->cfg = cfg;
	v->patch.high = UINT32_MAX;
	imf_patch_wire(&v->patch, p);
	if (rc == IMF_OK)
		rc = imf_model_init(&v->patch.model, p->ram, p->work, p->work_size);
	if (rc == IMF_OK && (p->ram > cfg->ram_max ||
				    BODY + journal_round(body_size(v), BLOCK) > record_room(cfg)))
		rc = IMF_ERR_RAM;
	if (rc == IMF_OK)
		rc = inplace_start(v);
	v->patch.error = rc;
	*ret_offset = v->complete ? p->stored_size : v->patch.fed;
	return rc;
}

int imf_inplace_feed(struct imf_inplace *v, const uint8_t *data, uint32_t len)
{
	if (v->complete)
		return len > 0 ? IMF_ERR_TRAILING : IMF_OK;
	return imf_patch_take(&v->patch, data, len, inplace_run);
}

/* The record that counts goes last. */
static int journal_erase(const struct imf_inplace_config *c)
{
	uint32_t room = record_room(c);
	struct record r;
	int rc;

	if (!record_newest(c, &r))
		return IMF_OK;
	rc = flash_erase(c, IMF_AREA_JOURNAL, record_at(c, r.seq + 1), room);
	return rc < 0 ? rc : flash_erase(c, IMF_AREA_JOURNAL, record_at(c, r.seq), room);
}

int imf_inplace_finish(struct imf_inplace *v)
{
	int rc = v->complete ? v->patch.error : imf_patch_whole(&v->patch), rc_erase;

	if (rc == IMF_OK) {
		rc = image_there(v);
		if (rc == IMF_ERR_BASE)
			rc = IMF_ERR_DIGEST;
		rc_erase = journal_erase(v->cfg);
		if (rc == IMF_OK)
			rc = rc_erase;
	}
	return v->patch.error = rc;
}

bool imf_inplace_pending(const struct imf_inplace_config *cfg)
{
	struct record r;

	return record_newest(cfg, &r);
}

#endif
