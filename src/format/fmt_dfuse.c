/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_dfuse.c - DfuSe files of ST, and plain files with a DFU suffix
 *
 * A target of a DfuSe file is for one alternate setting of the device, and those of an STM32 are
 * its memories: "@Internal Flash", "@Option Bytes", "@OTP Memory". Only the flash is an image;
 * option bytes are never written by the way.
 */
#include <stmota/fmt_dfuse.h>

#include "fmt_impl.h"
#include "pieces.h"

#include <inttypes.h>
#include <string.h>

#define PREFIX_SIZE  11
#define TARGET_SIZE  274
#define ELEMENT_SIZE 8
#define MAIN_FLASH   "@Internal Flash"

/* ---- suffix ---- */

/* CRC-32 without the inversion at the end. */
static uint32_t dfu_crc(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return crc;
}

static bool has_signature(const uint8_t *data, size_t len)
{
	return len > DFU_SUFFIX_SIZE && memcmp(data + len - 8, "UFD\x10", 4) == 0;
}

static bool crc_fits(const uint8_t *data, size_t len)
{
	return dfu_crc(data, len - 4) == get_le32(data + len - 4);
}

int dfu_suffix_read(const uint8_t *data, size_t len, struct dfu_suffix *ret, struct err *e)
{
	const uint8_t *p;

	if (!has_signature(data, len)) {
		err_set(e, ERR_FORMAT, "no DFU suffix at the end of the file");
		return err_hint(e, "the file was cut off: fetch it again");
	}
	if (!crc_fits(data, len)) {
		err_set(e, ERR_FORMAT,
			"the CRC of the DFU suffix is 0x%08" PRIX32
			", but the file has 0x%08" PRIX32,
			get_le32(data + len - 4), dfu_crc(data, len - 4));
		return err_hint(e, "the file was damaged: fetch it again");
	}
	p = data + len - DFU_SUFFIX_SIZE;
	*ret = (struct dfu_suffix){
		.device = get_le16(p),
		.product = get_le16(p + 2),
		.vendor = get_le16(p + 4),
		.version = get_le16(p + 6),
	};
	return 0;
}

/* ---- DfuSe ---- */

size_t dfuse_target_at(const uint8_t *data, size_t offset, struct dfuse_target *ret)
{
	const uint8_t *p = data + offset;
	struct dfuse_target t = {
		.alt = p[6],
		.named = get_le32(p + 7) != 0,
		.size = get_le32(p + 266),
		.n_elements = get_le32(p + 270),
		.offset = offset + TARGET_SIZE,
	};
	bool memory;

	/* Behind the terminating 0 tools leave what was in their memory. */
	for (size_t i = 0; t.named && i < DFUSE_NAME_SIZE - 1 && p[11 + i] != 0; i++)
		t.name[i] = p[11 + i] >= ' ' && p[11 + i] < 0x7f ? (char)p[11 + i] : '?';
	memory = t.name[0] == '@';
	t.main_flash =
		memory ? strncmp(t.name, MAIN_FLASH, sizeof(MAIN_FLASH) - 1) == 0 : t.alt == 0;
	*ret = t;
	return offset + TARGET_SIZE + t.size;
}

size_t dfuse_element_at(const uint8_t *data, size_t offset, struct dfuse_element *ret)
{
	*ret = (struct dfuse_element){
		.addr = get_le32(data + offset),
		.len = get_le32(data + offset + 4),
		.data = data + offset + ELEMENT_SIZE,
	};
	return offset + ELEMENT_SIZE + ret->len;
}

static int bad(size_t offset, struct err *e, const char *what)
{
	return err_set(e, ERR_FORMAT, "offset 0x%zX: %s", offset, what);
}

/* The elements of a target fill [at, end) exactly. */
static int check_elements(const uint8_t *data, size_t at, size_t end, uint32_t n, struct err *e)
{
	if (n == 0)
		return bad(at, e, "the target has no elements");
	for (; n > 0; n--) {
		uint32_t addr, len;

		if (end - at < ELEMENT_SIZE)
			return bad(at, e, "no room for another element in the target");
		addr = get_le32(data + at);
		len = get_le32(data + at + 4);
		if (len == 0)
			return bad(at, e, "the element has no data");
		if (end - at - ELEMENT_SIZE < len)
			return bad(at, e, "the element is longer than its target");
		if ((uint64_t)addr + len > (uint64_t)1 << 32)
			return bad(at, e, "the element passes the end of the address space");
		at += ELEMENT_SIZE + len;
	}
	if (at != end)
		return bad(at, e, "the target is longer than its elements");
	return 0;
}

static int check_targets(const uint8_t *data, size_t at, size_t end, unsigned n, struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t size;
		int rc;

		if (end - at < TARGET_SIZE)
			return bad(at, e, "no room for another target");
		if (memcmp(data + at, "Target", 6) != 0)
			return bad(at, e, "a target begins with \"Target\"");
		size = get_le32(data + at + 266);
		if (end - at - TARGET_SIZE < size)
			return bad(at, e, "the target is longer than the file");
		rc = check_elements(data, at + TARGET_SIZE, at + TARGET_SIZE + size,
			get_le32(data + at + 270), e);
		if (rc < 0)
			return rc;
		at += TARGET_SIZE + size;
	}
	if (at != end)
		return bad(at, e, "bytes between the last target and the suffix");
	return 0;
}

int dfuse_inspect(const uint8_t *data, size_t len, struct dfuse_info *ret, struct err *e)
{
	struct dfuse_info info = {.first_target = PREFIX_SIZE};
	int rc = dfu_suffix_read(data, len, &info.suffix, e);

	if (rc < 0)
		return rc;
	if (len < PREFIX_SIZE + DFU_SUFFIX_SIZE)
		return err_set(e, ERR_FORMAT, "%zu bytes are too few for a DfuSe file", len);
	if (data[5] != 1)
		return err_set(e, ERR_UNSUPPORTED, "DfuSe version %u is not known", data[5]);
	if (info.suffix.version != 0x011a)
		return err_set(e, ERR_FORMAT, "the suffix is of DFU version 0x%04X, not 0x011A",
			info.suffix.version);
	/* dfuse-pack of dfu-util 0.11 counts the suffix too; the files of ST do not. */
	if (get_le32(data + 6) != len - DFU_SUFFIX_SIZE && get_le32(data + 6) != len)
		return err_set(e, ERR_FORMAT,
			"the prefix says %" PRIu32 " bytes, but there are %zu before the suffix",
			get_le32(data + 6), len - DFU_SUFFIX_SIZE);
	info.n_targets = data[10];
	if (info.n_targets == 0)
		return err_set(e, ERR_FORMAT, "the file has no targets");
	rc = check_targets(data, PREFIX_SIZE, len - DFU_SUFFIX_SIZE, info.n_targets, e);
	if (rc == 0)
		*ret = info;
	return rc;
}

static bool dfuse_detect(const uint8_t *data, size_t len)
{
	return len >= 5 && memcmp(data, "DfuSe", 5) == 0;
}

static int add_target(
	struct pieces *pieces, const uint8_t *data, const struct dfuse_target *t, struct err *e)
{
	size_t at = t->offset;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < t->n_elements; i++) {
		struct dfuse_element element;

		at = dfuse_element_at(data, at, &element);
		rc = pieces_add(pieces, element.addr, element.data, element.len, e);
	}
	return rc;
}

static int dfuse_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	cleanup_pieces struct pieces pieces = PIECES_INIT;
	struct dfuse_target t = {0};
	struct dfuse_info info;
	int rc = dfuse_inspect(data, len, &info, e);
	size_t at;

	if (rc < 0)
		return rc;
	at = info.first_target;
	for (unsigned i = 0; rc == 0 && i < info.n_targets; i++) {
		at = dfuse_target_at(data, at, &t);
		/* The only target without a memory's name can mean nothing else. */
		if (t.main_flash || (info.n_targets == 1 && t.name[0] != '@'))
			rc = add_target(&pieces, data, &t, e);
	}
	if (rc == 0 && pieces.n == 0) {
		err_set(e, ERR_UNSUPPORTED,
			"none of the %u targets is for the main flash: the last is for alt %u "
			"'%.60s'",
			info.n_targets, t.alt, t.name);
		return err_hint(e, "stmota info lists them");
	}
	return rc == 0 ? segments_join(ret, pieces.v, pieces.n, e) : rc;
}

/* ---- writing ---- */

/* As dfu-util and the tools of ST have it: the ids of the boot loader in ROM, no device version. */
static int append_suffix(struct buf *ret, size_t start, struct err *e)
{
	static const uint8_t head[] = {0, 0, 0x11, 0xdf, 0x83, 0x04, 0x1a, 0x01, 'U', 'F', 'D', 16};
	uint8_t crc[4];
	int rc = buf_append(ret, head, sizeof(head), e);

	if (rc < 0)
		return rc;
	put_le32(crc, dfu_crc(ret->data + start, ret->len - start));
	return buf_append(ret, crc, sizeof(crc), e);
}

static int dfuse_write(const struct segments *s, const struct fmt_write_options *opt,
	struct buf *ret, struct err *e)
{
	uint64_t elements = segments_size(s) + (uint64_t)ELEMENT_SIZE * s->n;
	uint8_t head[PREFIX_SIZE + TARGET_SIZE] = "DfuSe\1";
	uint8_t *target = head + PREFIX_SIZE;
	size_t start = ret->len;
	int rc;

	if (sizeof(head) + elements > UINT32_MAX)
		return err_set(e, ERR_NO_FIT, "a DfuSe file holds no more than 4 GiB");
	put_le32(head + 6, (uint32_t)(sizeof(head) + elements));
	head[10] = 1;
	memcpy(target, "Target", 6);
	put_le32(target + 7, 1);
	memcpy(target + 11, MAIN_FLASH, sizeof(MAIN_FLASH));
	put_le32(target + 266, (uint32_t)elements);
	put_le32(target + 270, (uint32_t)s->n);
	rc = buf_append(ret, head, sizeof(head), e);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		uint8_t element[ELEMENT_SIZE];

		put_le32(element, s->v[i].addr);
		put_le32(element + 4, s->v[i].len);
		rc = buf_append(ret, element, sizeof(element), e);
		if (rc == 0)
			rc = buf_append(ret, s->v[i].data, s->v[i].len, e);
	}
	return rc == 0 ? append_suffix(ret, start, e) : rc;
}

/* ---- raw binary with a suffix ---- */

/* Only with a right checksum: the three letters alone may end an honest image. */
static bool dfu_detect(const uint8_t *data, size_t len)
{
	return has_signature(data, len) && crc_fits(data, len);
}

static int dfu_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	struct dfu_suffix suffix;
	int rc = dfu_suffix_read(data, len, &suffix, e);

	return rc < 0 ? rc : fmt_bin.read(data, len - DFU_SUFFIX_SIZE, opt, ret, e);
}

const struct fmt fmt_dfuse = {
	.kind = FMT_DFUSE,
	.name = "dfuse",
	.description = "DfuSe",
	.has_addresses = true,
	.detect = dfuse_detect,
	.read = dfuse_read,
	.write = dfuse_write,
};

const struct fmt fmt_dfu = {
	.kind = FMT_DFU,
	.name = "dfu",
	.description = "DFU (raw binary with a DFU suffix)",
	.detect = dfu_detect,
	.read = dfu_read,
};
