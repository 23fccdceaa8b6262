/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/elf_file.h>

#include <stmota/bytes.h>

void elf_file_done(struct elf_file *f)
{
	elf_end(f->elf);
}

/* A field of the header that has only one good value. */
static const struct {
	size_t off;
	uint8_t width;
	uint16_t good;
	const char *else_it_is;
} header_rules[] = {
	{EI_CLASS, 1, ELFCLASS32, "not a 32-bit ELF file: it was built for another machine"},
	{EI_DATA, 1, ELFDATA2LSB, "a big-endian ELF file; an STM32 is little-endian"},
	{EI_VERSION, 1, EV_CURRENT, "an ELF file of an unknown version"},
	{18, 2, EM_ARM, "an ELF file for another processor than ARM"},
	{20, 2, EV_CURRENT, "an ELF file of an unknown version"},
};

static int check_type(const struct elf_file *f, struct err *e)
{
	switch (f->eh.e_type) {
	case ET_EXEC: return 0;
	case ET_REL: return err_set(e, ERR_FORMAT, "this is an object file: it was not linked yet");
	case ET_DYN:
		return err_set(e, ERR_FORMAT,
			"this is a shared object or position-independent program without "
			"addresses");
	default:
		return err_set(
			e, ERR_FORMAT, "this ELF file is no program (type %u)", f->eh.e_type);
	}
}

int elf_file_open(const uint8_t *data, size_t len, struct elf_file *ret, struct err *e)
{
	struct elf_file f = {.data = data, .len = len};
	int rc;

	if (len < sizeof(Elf32_Ehdr))
		return err_set(e, ERR_FORMAT, "the ELF header is cut short");
	for (size_t i = 0; i < ARRAY_LEN(header_rules); i++) {
		const uint8_t *p = data + header_rules[i].off;
		uint16_t value = header_rules[i].width == 2 ? get_le16(p) : *p;

		if (value != header_rules[i].good)
			return err_set(e, ERR_FORMAT, "this is %s", header_rules[i].else_it_is);
	}
	elf_version(EV_CURRENT);
	/* libelf takes a writable image, but only changes it through calls not made here. */
	f.elf = elf_memory((char *)(uintptr_t)data, len);
	if (f.elf == NULL || elf_kind(f.elf) != ELF_K_ELF || gelf_getehdr(f.elf, &f.eh) == NULL) {
		elf_end(f.elf);
		return err_set(e, ERR_FORMAT, "the ELF header is damaged: %s", elf_errmsg(-1));
	}
	rc = check_type(&f, e);
	if (rc < 0) {
		elf_file_done(&f);
		return rc;
	}
	*ret = f;
	return 0;
}
