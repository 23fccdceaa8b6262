/* SPDX-License-Identifier: Apache-2.0 */
/* test_fmt_elf.c - ELF files made here byte by byte: what is taken, what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include <stmota/fmt.h>

/* A file: header, program headers, content from 0x200, section headers at 0x800. */
#define CONTENT  0x200
#define SECTIONS 0x800
#define FILE_LEN 0xc00

struct file {
	uint8_t bytes[FILE_LEN];
	Elf32_Ehdr *eh;
	Elf32_Phdr *ph;
	Elf32_Shdr *sh;
};

static void file_init(struct file *f)
{
	memset(f, 0, sizeof(*f));
	f->eh = (Elf32_Ehdr *)(void *)f->bytes;
	f->ph = (Elf32_Phdr *)(void *)(f->bytes + sizeof(Elf32_Ehdr));
	f->sh = (Elf32_Shdr *)(void *)(f->bytes + SECTIONS);
	memcpy(f->eh->e_ident, ELFMAG "\1\1\1", 7);
	f->eh->e_type = ET_EXEC;
	f->eh->e_machine = EM_ARM;
	f->eh->e_version = EV_CURRENT;
	f->eh->e_entry = 0x08000041;
	f->eh->e_phoff = sizeof(Elf32_Ehdr);
	f->eh->e_ehsize = sizeof(Elf32_Ehdr);
	f->eh->e_phentsize = sizeof(Elf32_Phdr);
	f->eh->e_shentsize = sizeof(Elf32_Shdr);
	for (size_t i = CONTENT; i < SECTIONS; i++)
		f->bytes[i] = (uint8_t)(i * 7 + 1);
}

static void load(struct file *f, uint32_t off, uint32_t paddr, uint32_t vaddr, uint32_t filesz,
	uint32_t memsz)
{
	f->ph[f->eh->e_phnum++] = (Elf32_Phdr){.p_type = PT_LOAD,
		.p_offset = off,
		.p_paddr = paddr,
		.p_vaddr = vaddr,
		.p_filesz = filesz,
		.p_memsz = memsz};
}

/* The first one must be the null section. */
static void section(struct file *f, uint32_t type, uint32_t flags, uint32_t off, uint32_t size)
{
	f->eh->e_shoff = SECTIONS;
	if (f->eh->e_shnum == 0)
		f->eh->e_shnum = 1;
	f->sh[f->eh->e_shnum++] = (Elf32_Shdr){.sh_type = type,
		.sh_flags = flags,
		.sh_offset = off,
		.sh_size = size,
		.sh_addralign = 1};
}

static int read_file(const struct file *f, size_t len, const struct fmt_options *opt,
	struct segments *ret, struct err *e)
{
	const struct fmt *format = NULL;
	int rc = fmt_read(f->bytes, len, "t.elf", opt, ret, &format, e);

	if (rc == 0)
		assert_int_equal(format->kind, FMT_ELF);
	return rc;
}

static void expect_bad(const struct file *f, size_t len, const char *message)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(read_file(f, len, NULL, &s, &e), ERR_FORMAT);
	assert_string_equal(e.msg, message);
	assert_int_equal(s.n, 0);
}

static void test_fmt_elf__physical_addresses_without_bss(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f;

	file_init(&f);
	load(&f, CONTENT + 0x100, 0x0800003c, 0x20000000, 4, 8); /* .data and .bss */
	load(&f, CONTENT, 0x08000000, 0x08000000, 0x30, 0x30);
	load(&f, CONTENT, 0x20000008, 0x20000008, 0, 0x1000);
	assert_int_equal(read_file(&f, FILE_LEN, NULL, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].addr, 0x08000000);
	assert_int_equal(s.v[0].len, 0x30);
	assert_memory_equal(s.v[0].data, f.bytes + CONTENT, 0x30);
	assert_int_equal(s.v[1].addr, 0x0800003c); /* the hole stays one */
	assert_int_equal(s.v[1].len, 4);
	assert_memory_equal(s.v[1].data, f.bytes + CONTENT + 0x100, 4);
	assert_true(s.has_entry);
	assert_int_equal(s.entry, 0x08000041);
}

static void test_fmt_elf__headers_in_first_segment(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f;

	file_init(&f);
	load(&f, 0, 0x08000000 - CONTENT, 0x08000000 - CONTENT, CONTENT + 0x100, CONTENT + 0x100);
	section(&f, SHT_PROGBITS, SHF_ALLOC, CONTENT, 0x40);
	section(&f, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CONTENT + 0x40, 0x80);
	section(&f, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0x10, 0x1000);
	section(&f, SHT_PROGBITS, 0, 0x10, 0x20); /* not allocated */
	assert_int_equal(read_file(&f, FILE_LEN, NULL, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, 0x08000000);
	assert_int_equal(s.v[0].len, 0xc0);
	assert_memory_equal(s.v[0].data, f.bytes + CONTENT, 0xc0);
}

static void test_fmt_elf__headers_in_first_segment_without_sections(void **state)
{
	struct file f;

	file_init(&f);
	load(&f, 0, 0x08000000, 0x08000000, 0x300, 0x300);
	expect_bad(&f, FILE_LEN,
		"t.elf: the first segment begins with the ELF headers, and there "
		"are no sections to tell them from the program");
}

static void test_fmt_elf__segment_of_headers_only(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct file f;

	file_init(&f);
	load(&f, 0, 0x08000000, 0x08000000, 0x94, 0x94);
	load(&f, CONTENT, 0x08001000, 0x08001000, 0x80, 0x80);
	section(&f, SHT_PROGBITS, SHF_ALLOC, CONTENT, 0x80);
	assert_int_equal(read_file(&f, FILE_LEN, NULL, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].addr, 0x08001000);
}

static void test_fmt_elf__ram_is_refused_unless_wanted(void **state)
{
	cleanup_segments struct segments s = SEGMENTS_INIT;
	struct fmt_options opt = {.allow_ram = true};
	struct err e = ERR_INIT;
	struct file f;

	file_init(&f);
	load(&f, CONTENT, 0x08000000, 0x08000000, 0x30, 0x30);
	load(&f, CONTENT + 0x100, 0x20000100, 0x20000100, 4, 8);
	expect_bad(
		&f, FILE_LEN, "t.elf: section (unnamed) has its load address in RAM (0x20000100)");
	read_file(&f, FILE_LEN, NULL, &s, &e);
	assert_int_equal(e.addr, 0x20000100);
	assert_non_null(strstr(e.hint, "AT> FLASH"));
	/* The name of the section helps, but nothing of the file moves the user's cursor. */
	section(&f, SHT_PROGBITS, SHF_ALLOC, CONTENT + 0x100, 4);
	section(&f, SHT_STRTAB, 0, 0x600, 0x20);
	memcpy(f.bytes + 0x600, "\0.ram\033[2Jcode", 14);
	f.sh[1].sh_name = 1;
	f.eh->e_shstrndx = 2;
	expect_bad(&f, FILE_LEN,
		"t.elf: section .ram?[2Jcode has its load address in RAM (0x20000100)");
	assert_int_equal(read_file(&f, FILE_LEN, &opt, &s, NULL), 0);
	assert_int_equal(s.n, 2);
}

static void test_fmt_elf__overlap_is_an_error_even_of_equal_bytes(void **state)
{
	struct file f;

	file_init(&f);
	load(&f, CONTENT, 0x08000000, 0x08000000, 0x30, 0x30);
	load(&f, CONTENT + 0x20, 0x08000020, 0x08000020, 0x30, 0x30);
	expect_bad(&f, FILE_LEN, "t.elf: segments 0 and 1 overlap at 0x08000020");
}

static void test_fmt_elf__bounds(void **state)
{
	struct file f;

	file_init(&f);
	load(&f, CONTENT, 0x08000000, 0x08000000, FILE_LEN, FILE_LEN);
	expect_bad(&f, FILE_LEN, "t.elf: segment 0 lies outside the file: it was cut off");
	f.ph[0].p_offset = 0xffffff00;
	f.ph[0].p_filesz = f.ph[0].p_memsz = 0x200;
	expect_bad(&f, FILE_LEN, "t.elf: segment 0 lies outside the file: it was cut off");
	f.ph[0].p_offset = CONTENT;
	f.ph[0].p_memsz = 0x1ff;
	expect_bad(&f, FILE_LEN, "t.elf: segment 0 has more bytes in the file than in memory");
	f.ph[0].p_memsz = 0x200;
	f.ph[0].p_paddr = 0xfffffe01;
	expect_bad(&f, FILE_LEN, "t.elf: segment 0 passes the end of the address space");
	expect_bad(&f, 60, "t.elf: the program headers lie outside the file: it was cut off");
	expect_bad(&f, 40, "t.elf: the ELF header is cut short");
	expect_bad(&f, 4, "t.elf: the ELF header is cut short");
}

static void test_fmt_elf__more_bytes_than_the_file(void **state)
{
	struct file f;

	file_init(&f);
	for (uint32_t i = 0; i < 6; i++)
		load(&f, CONTENT, 0x08000000 + i * 0x1000, 0, 0x400, 0x400);
	expect_bad(&f, FILE_LEN, "t.elf: the segments have more bytes than the file");
}

static void test_fmt_elf__not_for_us(void **state)
{
	struct file good, f;

	file_init(&good);
	load(&good, CONTENT, 0x08000000, 0x08000000, 0x30, 0x30);
	f = good; /* its pointers still lead into `good`: bytes only */
	f.bytes[EI_CLASS] = ELFCLASS64;
	expect_bad(&f, FILE_LEN,
		"t.elf: this is not a 32-bit ELF file: it was built for another machine");
	f = good;
	f.bytes[EI_DATA] = ELFDATA2MSB;
	expect_bad(&f, FILE_LEN, "t.elf: this is a big-endian ELF file; an STM32 is little-endian");
	f = good;
	f.bytes[18] = EM_RISCV;
	expect_bad(&f, FILE_LEN, "t.elf: this is an ELF file for another processor than ARM");
	f = good;
	f.bytes[16] = ET_REL;
	expect_bad(&f, FILE_LEN, "t.elf: this is an object file: it was not linked yet");
	f = good;
	f.bytes[16] = ET_DYN;
	expect_bad(&f, FILE_LEN,
		"t.elf: this is a shared object or position-independent program "
		"without addresses");
	f = good;
	f.bytes[42] = 56;
	expect_bad(&f, FILE_LEN, "t.elf: program headers of 56 bytes; they should have 32");
	f = good;
	f.bytes[sizeof(Elf32_Ehdr)] = PT_NOTE;
	expect_bad(&f, FILE_LEN, "t.elf: the ELF file has nothing to load");
}

static void test_fmt_elf__build_id(void **state)
{
	static const uint8_t note[] = "\4\0\0\0\24\0\0\0\3\0\0\0GNU\0ABCDEFGHIJKLMNOPQRST";
	uint8_t id[64];
	struct file f;

	file_init(&f);
	load(&f, CONTENT, 0x08000000, 0x08000000, 0x30, 0x30);
	assert_int_equal(fmt_elf_build_id(f.bytes, FILE_LEN, id, sizeof(id)), 0);
	memcpy(f.bytes + 0x400, note, sizeof(note) - 1);
	section(&f, SHT_NOTE, SHF_ALLOC, 0x400, sizeof(note) - 1);
	f.sh[1].sh_addralign = 4;
	assert_int_equal(fmt_elf_build_id(f.bytes, FILE_LEN, id, sizeof(id)), 20);
	assert_memory_equal(id, "ABCDEFGHIJKLMNOPQRST", 20);
	assert_int_equal(fmt_elf_build_id(f.bytes, FILE_LEN, id, 19), 0); /* no room */
	f.bytes[0x404] = 0xff; /* longer than the section */
	assert_int_equal(fmt_elf_build_id(f.bytes, FILE_LEN, id, sizeof(id)), 0);
	assert_int_equal(fmt_elf_build_id((const uint8_t *)":00000001FF", 11, id, sizeof(id)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fmt_elf__physical_addresses_without_bss),
		cmocka_unit_test(test_fmt_elf__headers_in_first_segment),
		cmocka_unit_test(test_fmt_elf__headers_in_first_segment_without_sections),
		cmocka_unit_test(test_fmt_elf__segment_of_headers_only),
		cmocka_unit_test(test_fmt_elf__ram_is_refused_unless_wanted),
		cmocka_unit_test(test_fmt_elf__overlap_is_an_error_even_of_equal_bytes),
		cmocka_unit_test(test_fmt_elf__bounds),
		cmocka_unit_test(test_fmt_elf__more_bytes_than_the_file),
		cmocka_unit_test(test_fmt_elf__not_for_us),
		cmocka_unit_test(test_fmt_elf__build_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
