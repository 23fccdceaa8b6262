/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_package.c - what a package says about itself
 */
#include "cmd.h"
#include "info.h"

#include <string.h>

#include <stmota/chip.h>
#include <stmota/package.h>
#include <stmota/version.h>

/* Several lines are no field for people. */
static void show_notes(struct out *o, const char *notes)
{
	if (out_mode(o) == OUT_JSON || strchr(notes, '\n') == NULL) {
		out_str(o, "notes", notes);
		return;
	}
	out_text(o, "notes");
	for (const char *p = notes; *p != '\0'; p += *p == '\n') {
		int len = (int)strcspn(p, "\n");

		out_text(o, "  %.*s", len, p);
		p += len;
	}
}

static void show_meta(struct out *o, const struct package_meta *m)
{
	char date[PACKAGE_DATE_TEXT];

	if (m->build_id[0] != '\0')
		out_str(o, "build_id", m->build_id);
	if (m->revision[0] != '\0')
		out_str(o, "revision", m->revision);
	if (m->has_date)
		out_str(o, "build_date", package_date_format(m->date, date));
	if (m->notes[0] != '\0')
		show_notes(o, m->notes);
}

static void show_manifest(struct out *o, const struct package *p)
{
	const struct imf_header *h = &p->header;
	char version[VERSION_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
	static const struct imf_version none = {0};

	out_str(o, "product", p->product[0] != '\0' ? p->product : NULL);
	if (p->meta.title[0] != '\0')
		out_str(o, "title", p->meta.title);
	out_str(o, "product_uuid", uuid_format(h->product, uuid));
	out_str(o, "version", version_format(h->version, version));
	if (imf_version_compare(h->min_version, none) != 0)
		out_str(o, "min_version", version_format(h->min_version, version));
	out_uint(o, "counter", h->counter);
	cmd_out_chip(o, h->chip);
	info_hw(o, h->hw_min, h->hw_max);
	show_meta(o, &p->meta);
	out_bytes(o, "manifest_digest", p->digest, sizeof(p->digest));
	out_size(o, "manifest_size", h->manifest_size);
	out_size(o, "payload_size", h->payload_size);
}

static void show_signatures(struct out *o, const struct package *p)
{
	struct imf_signature s;
	uint32_t at = 0;

	out_bool(o, "signed", p->n_signatures > 0);
	if (p->n_signatures == 0) {
		out_text(o, "anybody can have made this package: nothing is signed");
		return;
	}
	out_list(o, "signature_keys");
	while (imf_signatures_next(&p->signatures, &at, &s))
		out_bytes(o, NULL, s.key_id, IMF_KEY_ID_SIZE);
	out_end(o);
	out_text(o, "signatures were not checked here: stmota verify FILE --trust PUB.pem");
}

/* Ends the component's object. */
static void show_delta(struct out *o, const struct package *p, size_t i, const struct imf_delta *d,
	const struct imf_groups *in_place)
{
	struct imf_component c = package_component(p, i);
	char version[VERSION_TEXT_SIZE];
	struct imf_version base;

	out_object(o, "delta");
	if (imf_manifest_base_version(&p->manifest, (uint32_t)i, &base))
		out_str(o, "base_version", version_format(base, version));
	out_hex(o, "base_address", d->addr, 8);
	out_size(o, "base_size", d->len);
	out_bytes(o, "base_sha256", d->digest, IMF_DIGEST_SIZE);
	out_size(o, "decoder_ram", d->ram);
	out_real(o, "percent_of_image", 100.0 * c.stored_size / c.plain_size, 1);
	if (in_place != NULL) {
		uint32_t n = 0;

		for (uint32_t k = 0; k < in_place->n_runs; k++)
			n += in_place->runs[k].n;
		out_size(o, "journal", in_place->journal);
		out_uint(o, "groups", n);
		out_size(o, "largest_group", in_place->largest);
	}
	out_bool(o, "in_place", in_place != NULL);
	out_end(o);
	out_text(o, "a delta: 'stmota patch OLD FILE --out NEW' makes the image from the base");
	out_end(o);
}

static void show_compressed(struct out *o, const struct imf_component *c, uint32_t ram)
{
	out_object(o, "compressed");
	out_uint(o, "percent", (100ull * c->stored_size + c->plain_size / 2) / c->plain_size);
	out_size(o, "decoder_ram", ram);
	out_end(o);
}

static void show_encoding(struct out *o, const struct package *p, uint32_t i)
{
	struct imf_encryption enc;
	struct imf_chain_info chain;

	if (imf_manifest_encryption(&p->manifest, i, &enc)) {
		out_object(o, "encryption");
		out_str(o, "cipher", enc.key_size == 16 ? "aes128-ctr" : "aes256-ctr");
		out_str(o, "key", enc.key_source == IMF_KEY_PRODUCT ? "product" : "device");
		out_end(o);
	}
	if (imf_manifest_chain(&p->manifest, i, &chain)) {
		out_object(o, "chain");
		out_size(o, "chunk_size", chain.chunk_size);
		out_uint(o, "chunks", chain.n_chunks);
		out_end(o);
	}
}

/* For whom the package is encrypted. */
static void show_wraps(struct out *o, const struct package *p)
{
	size_t one = p->n_wraps > 0 ? p->signatures.wrap_size / p->n_wraps : 0;

	if (p->n_wraps == 0)
		return;
	out_list(o, "device_keys");
	for (size_t i = 0; i < p->n_wraps; i++)
		out_bytes(o, NULL, p->wraps + i * one, IMF_KEY_ID_SIZE);
	out_end(o);
}

static int show_component(struct out *o, const struct package *p, size_t i, struct err *e)
{
	struct imf_component c = package_component(p, i);
	cleanup_segments struct segments image = SEGMENTS_INIT;
	struct imf_app_info record;
	bool found = false;
	struct imf_delta delta;
	struct imf_groups groups;
	uint32_t ram = imf_manifest_compressed(&p->manifest, (uint32_t)i);
	bool hidden = (c.encoding & (IMF_ENC_DELTA | IMF_ENC_ENCRYPTED)) != 0;
	int rc = hidden ? 0 : package_segments(p, i, &image, e);

	if (rc == 0)
		rc = package_app_info(p, i, &record, &found, e);
	if (rc < 0)
		return rc;
	out_object(o, NULL);
	if (p->names[i][0] != '\0')
		out_str(o, "name", p->names[i]);
	out_str(o, "kind", package_kind_name((enum imf_kind)c.kind));
	if (c.slot != IMF_NO_SLOT)
		out_uint(o, "slot", c.slot);
	out_hex(o, "address", c.load_addr, 8);
	out_size(o, "plain_size", c.plain_size);
	out_size(o, "stored_size", c.stored_size);
	if (ram != 0)
		show_compressed(o, &c, ram);
	if (c.entry != 0)
		out_hex(o, "entry", c.entry, 8);
	/* Of what is encrypted it is no SHA-256 of the plain bytes alone. */
	if ((c.encoding & IMF_ENC_ENCRYPTED) == 0)
		out_bytes(o, "plain_sha256", c.plain_digest, IMF_DIGEST_SIZE);
	show_encoding(o, p, (uint32_t)i);
	if (imf_manifest_delta(&p->manifest, (uint32_t)i, &delta)) {
		show_delta(o, p, i, &delta,
			imf_manifest_in_place(&p->manifest, (uint32_t)i, &groups) ? &groups : NULL);
		return 0;
	}
	if (hidden) {
		out_end(o);
		return 0;
	}
	rc = info_segments(o, &image, e);
	if (rc == 0 && c.kind == IMF_KIND_APPLICATION)
		info_vectors(o, &image, chip_find(p->header.chip));
	if (rc == 0 && found)
		info_app_info(o, &record);
	out_end(o);
	return rc;
}

int info_package(struct out *o, const struct package *p, struct err *e)
{
	int rc = 0;

	show_manifest(o, p);
	show_signatures(o, p);
	show_wraps(o, p);
	out_list(o, "components");
	for (size_t i = 0; rc == 0 && i < p->header.n_components; i++)
		rc = show_component(o, p, i, e);
	out_end(o);
	return rc;
}
