/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fmt_elf.c - linked 32-bit ARM programs: what of them goes to flash
 *
 * That is the file content of each LOAD segment at its physical address (.data is linked for RAM
 * but stored in flash). libelf walks the file; what it does not promise to check is checked here.
 */
#include "fmt_impl.h"

#include <string.h>

#include <stdlib.h>

#include <stmota/elf_file.h>

struct load {          /* the part of a LOAD segment that goes to the device */
	uint32_t addr; /* physical */
	uint32_t len;
	const uint8_t *data;
	size_t index; /* of its program header, for messages */
};

static bool is_loaded_section(const GElf_Shdr *sh)
{
	return (sh->sh_flags & SHF_ALLOC) != 0 && sh->sh_type != SHT_NOBITS && sh->sh_size > 0;
}

/* Copies a name of the file for a message: it may be long, and hold what moves a cursor. */
static void copy_name(const char *name, char *ret, size_t size)
{
	size_t n = 0;

	for (; name[n] != '\0' && n + 1 < size; n++)
		ret[n] = name[n] > ' ' && name[n] <= '~' ? name[n] : '?';
	ret[n] = '\0';
}

/* Name of the first loaded section in a segment, "" if there is none. */
static void section_name(const struct elf_file *f, const GElf_Phdr *ph, char *ret, size_t size)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names;

	ret[0] = '\0';
	if (elf_getshdrstrndx(f->elf, &names) != 0)
		return;
	while ((scn = elf_nextscn(f->elf, scn)) != NULL) {
		const char *name;

		if (gelf_getshdr(scn, &sh) == NULL || !is_loaded_section(&sh) ||
			sh.sh_offset < ph->p_offset || sh.sh_offset - ph->p_offset >= ph->p_filesz)
			continue;
		name = elf_strptr(f->elf, names, sh.sh_name);
		if (name != NULL)
			copy_name(name, ret, size);
		return;
	}
}

/*
 * Some linkers put the ELF headers into the first segment, in front of the program: then only what
 * the sections say is the program. `from` and `to` are file offsets.
 */
static int trim_headers(
	const struct elf_file *f, const GElf_Phdr *ph, uint64_t *from, uint64_t *to, struct err *e)
{
	uint64_t headers_end = f->eh.e_phoff + (uint64_t)f->eh.e_phnum * f->eh.e_phentsize;
	uint64_t low = UINT64_MAX, high = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	if (headers_end < f->eh.e_ehsize)
		headers_end = f->eh.e_ehsize;
	if (*from >= headers_end)
		return 0;
	if (f->eh.e_shoff == 0)
		return err_set(e, ERR_FORMAT,
			"the first segment begins with the ELF headers, and there are no sections "
			"to tell them from the program");
	while ((scn = elf_nextscn(f->elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &sh) == NULL || !is_loaded_section(&sh) ||
			sh.sh_offset < *from || sh.sh_offset >= *to ||
			sh.sh_size > *to - sh.sh_offset)
			continue;
		if (sh.sh_offset < low)
			low = sh.sh_offset;
		if (sh.sh_offset + sh.sh_size > high)
			high = sh.sh_offset + sh.sh_size;
	}
	*from = high > 0 ? low : *to;
	if (high > 0)
		*to = high;
	return 0;
}

static int check_bounds(const struct elf_file *f, const GElf_Phdr *ph, size_t index, struct err *e)
{
	if (ph->p_filesz > ph->p_memsz)
		return err_set(e, ERR_FORMAT,
			"segment %zu has more bytes in the file than in memory", index);
	if (ph->p_offset > f->len || ph->p_filesz > f->len - ph->p_offset)
		return err_set(
			e, ERR_FORMAT, "segment %zu lies outside the file: it was cut off", index);
	if (ph->p_paddr + ph->p_filesz > (uint64_t)1 << 32)
		return err_set(
			e, ERR_FORMAT, "segment %zu passes the end of the address space", index);
	return 0;
}

/* Where every Cortex-M has RAM: CCM of F3 and F4, and the SRAM region of the architecture. */
static bool in_ram(uint32_t addr)
{
	return (addr >= 0x10000000 && addr < 0x10010000) ||
	       (addr >= 0x20000000 && addr < 0x40000000);
}

static int refuse_ram(const struct elf_file *f, const GElf_Phdr *ph, uint32_t addr, struct err *e)
{
	char name[40];

	section_name(f, ph, name, sizeof(name));
	err_set(e, ERR_FORMAT, "section %s has its load address in RAM (0x%08X)",
		name[0] != '\0' ? name : "(unnamed)", (unsigned)addr);
	err_hint(e,
		"give it a load address in flash (\"AT> FLASH\" in the linker script), or leave "
		"it out with: objcopy -R %s",
		name[0] != '\0' ? name : "NAME");
	err_at(e, addr);
	return ERR_FORMAT;
}

/* Takes one program header; ret->len is 0 where it has nothing for the device. */
static int take_segment(const struct elf_file *f, size_t index, const struct fmt_options *opt,
	struct load *ret, struct err *e)
{
	uint64_t from, to;
	GElf_Phdr ph;
	int rc;

	*ret = (struct load){.index = index};
	if (gelf_getphdr(f->elf, (int)index, &ph) == NULL)
		return err_set(e, ERR_FORMAT, "program header %zu cannot be read: %s", index,
			elf_errmsg(-1));
	if (ph.p_type != PT_LOAD || ph.p_filesz == 0)
		return 0;
	rc = check_bounds(f, &ph, index, e);
	if (rc < 0)
		return rc;
	from = ph.p_offset;
	to = from + ph.p_filesz;
	rc = trim_headers(f, &ph, &from, &to, e);
	if (rc < 0)
		return rc;
	if (from == to)
		return 0;
	ret->addr = (uint32_t)(ph.p_paddr + (from - ph.p_offset));
	ret->len = (uint32_t)(to - from);
	ret->data = f->data + from;
	if (in_ram(ret->addr) && !opt->allow_ram)
		return refuse_ram(f, &ph, ret->addr, e);
	return 0;
}

static int load_order(const void *va, const void *vb)
{
	const struct load *a = va, *b = vb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static int put_in_order(
	struct load *v, size_t n, size_t file_len, struct segments *ret, struct err *e)
{
	uint64_t end = 0, sum = 0;
	int rc;

	if (n > 1)
		qsort(v, n, sizeof(*v), load_order);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && v[i].addr < end) {
			err_set(e, ERR_FORMAT, "segments %zu and %zu overlap at 0x%08X",
				v[i - 1].index, v[i].index, (unsigned)v[i].addr);
			err_at(e, v[i].addr);
			return ERR_FORMAT;
		}
		end = (uint64_t)v[i].addr + v[i].len;
		sum += v[i].len;
		if (sum > file_len)
			return err_set(e, ERR_FORMAT, "the segments have more bytes than the file");
		rc = segments_add(ret, v[i].addr, v[i].data, v[i].len, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_segments(const struct elf_file *f, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	cleanup_free struct load *v = NULL;
	size_t n_headers = 0, n = 0;
	int rc;

	if (elf_getphdrnum(f->elf, &n_headers) != 0)
		return err_set(
			e, ERR_FORMAT, "the program headers cannot be read: %s", elf_errmsg(-1));
	if (f->eh.e_phoff > f->len ||
		(uint64_t)f->eh.e_phnum * sizeof(Elf32_Phdr) > f->len - f->eh.e_phoff)
		return err_set(
			e, ERR_FORMAT, "the program headers lie outside the file: it was cut off");
	if (n_headers > 0 && f->eh.e_phentsize != sizeof(Elf32_Phdr))
		return err_set(e, ERR_FORMAT, "program headers of %u bytes; they should have %zu",
			f->eh.e_phentsize, sizeof(Elf32_Phdr));
	v = calloc(n_headers + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n_headers; i++) {
		rc = take_segment(f, i, opt, &v[n], e);
		if (rc < 0)
			return rc;
		if (v[n].len > 0)
			n++;
	}
	if (n == 0)
		return err_set(e, ERR_FORMAT, "the ELF file has nothing to load");
	return put_in_order(v, n, f->len, ret, e);
}

static int elf_read(const uint8_t *data, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	struct elf_file f;
	int rc;

	rc = elf_file_open(data, len, &f, e);
	if (rc < 0)
		return rc;
	rc = read_segments(&f, opt, ret, e);
	if (rc == 0) {
		ret->has_entry = f.eh.e_entry != 0;
		ret->entry = (uint32_t)f.eh.e_entry;
	}
	elf_file_done(&f);
	return rc;
}

/* Looks for the GNU build id among the notes of one section. */
static size_t build_id_in(Elf_Data *notes, uint8_t *ret, size_t max)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr nh;

	while (notes != NULL && (next = gelf_getnote(notes, at, &nh, &name, &desc)) > 0) {
		const uint8_t *p = notes->d_buf;

		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 &&
			memcmp(p + name, "GNU", 4) == 0 && nh.n_descsz > 0 && nh.n_descsz <= max) {
			memcpy(ret, p + desc, nh.n_descsz);
			return nh.n_descsz;
		}
		at = next;
	}
	return 0;
}

size_t fmt_elf_build_id(const uint8_t *data, size_t len, uint8_t *ret, size_t max)
{
	struct elf_file f;
	Elf_Scn *scn = NULL;
	size_t n = 0;
	GElf_Shdr sh;

	if (elf_file_open(data, len, &f, NULL) < 0)
		return 0;
	while (n == 0 && (scn = elf_nextscn(f.elf, scn)) != NULL)
		if (gelf_getshdr(scn, &sh) != NULL && sh.sh_type == SHT_NOTE)
			n = build_id_in(elf_getdata(scn, NULL), ret, max);
	elf_file_done(&f);
	return n;
}

static bool elf_detect(const uint8_t *data, size_t len)
{
	return len >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

const struct fmt fmt_elf = {
	.kind = FMT_ELF,
	.name = "elf",
	.description = "ELF",
	.has_addresses = true,
	.detect = elf_detect,
	.read = elf_read,
};
