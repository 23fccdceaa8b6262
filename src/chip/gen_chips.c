/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_chips.c - makes the C chip table out of chips.json when the project is built
 *
 * It refuses a table that breaks a rule of the schema, so that no such table ever gets into the
 * program. A fact that is null in the file becomes "not confirmed" in C, never a default.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ADDR UINT32_MAX

static const char *pid = "chips.json"; /* the entry at hand, for messages */
static FILE *out;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "gen_chips: %s: ", pid);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- typed access to one entry ---- */

static json_t *get(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (v == NULL)
		fail("'%s' is missing", key);
	return v;
}

/* NULL for null. */
static const char *text_of(json_t *v, const char *key)
{
	const char *s;

	if (json_is_null(v))
		return NULL;
	s = json_string_value(v);
	if (s == NULL || *s == '\0')
		fail("'%s' is not a text", key);
	for (const char *p = s; *p != '\0'; p++)
		if (!isprint((unsigned char)*p) || *p == '"' || *p == '\\')
			fail("'%s' has a character that is not allowed", key);
	return s;
}

static const char *text(json_t *o, const char *key)
{
	return text_of(get(o, key), key);
}

static const char *need_text(json_t *o, const char *key)
{
	const char *s = text(o, key);

	if (s == NULL)
		fail("'%s' is null", key);
	return s;
}

static bool truth(json_t *o, const char *key)
{
	json_t *v = get(o, key);

	if (!json_is_boolean(v))
		fail("'%s' is not true or false", key);
	return json_is_true(v);
}

static const char *tristate(json_t *v, const char *key)
{
	if (json_is_null(v))
		return "CHIP_NOT_CONFIRMED";
	if (!json_is_boolean(v))
		fail("'%s' is not true, false or null", key);
	return json_is_true(v) ? "CHIP_YES" : "CHIP_NO";
}

static uint32_t number(json_t *o, const char *key, uint32_t min, uint32_t max)
{
	json_t *v = get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		fail("'%s' is not a number from %u to %u", key, min, max);
	return (uint32_t)json_integer_value(v);
}

/* `digits` upper-case hexadecimal digits after 0x. */
static uint32_t hex(const char *s, size_t digits, const char *key)
{
	if (strlen(s) != digits + 2 || strncmp(s, "0x", 2) != 0 ||
		strspn(s + 2, "0123456789ABCDEF") != digits)
		fail("'%s' is not 0x and %zu upper-case digits", key, digits);
	return (uint32_t)strtoul(s + 2, NULL, 16);
}

/* Rule 3: how an address is written. */
static uint32_t address(json_t *o, const char *key)
{
	return hex(need_text(o, key), 8, key);
}

static uint32_t address_or_none(json_t *o, const char *key)
{
	return text(o, key) != NULL ? address(o, key) : NO_ADDR;
}

/* Index of a text within a list of allowed ones. */
static size_t choice(const char *s, const char *key, const char *const *allowed)
{
	for (size_t i = 0; allowed[i] != NULL; i++)
		if (strcmp(s, allowed[i]) == 0)
			return i;
	fail("'%s' has the unknown value '%s'", key, s);
}

/* NULL for null. */
static json_t *array(json_t *o, const char *key)
{
	json_t *v = get(o, key);

	if (json_is_null(v))
		return NULL;
	if (!json_is_array(v))
		fail("'%s' is not a list", key);
	return v;
}

static json_t *object(json_t *o, const char *key)
{
	json_t *v = get(o, key);

	if (json_is_null(v))
		return NULL;
	if (!json_is_object(v))
		fail("'%s' is not an object", key);
	return v;
}

/* ---- writing C ---- */

static void emit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void emit(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
}

/* "\t.key = "value"," or nothing for NULL. */
static void emit_text(const char *key, const char *s)
{
	if (s != NULL)
		emit("\t.%s = \"%s\",\n", key, s);
}

static void emit_addr(const char *key, uint32_t addr)
{
	emit("\t.%s = 0x%08XU,\n", key, addr);
}

/* The array behind `.key`, made by one of the functions below. */
static void emit_ref(const char *key, const char *n_key, const char *array_name, size_t n)
{
	if (n > 0)
		emit("\t.%s = c%s_%s, .%s = %zu,\n", key, pid + 2, array_name, n_key, n);
}

static size_t texts(json_t *list, const char *array_name)
{
	size_t n = json_array_size(list), i;
	json_t *v;

	if (n == 0)
		return 0;
	emit("static const char *const c%s_%s[] = {", pid + 2, array_name);
	json_array_foreach(list, i, v)
	{
		const char *s = text_of(v, array_name);

		if (s == NULL)
			fail("'%s' has an empty item", array_name);
		emit("%s\"%s\"", i > 0 ? ", " : "", s);
	}
	emit("};\n");
	return n;
}

/* Rule 2: the runs add up to the flash size. Returns how many there are. */
static size_t runs(json_t *list, const char *array_name, uint32_t flash_size)
{
	uint64_t sum = 0;
	size_t i;
	json_t *run;

	if (!json_is_array(list) || json_array_size(list) == 0)
		fail("'%s' has no items", array_name);
	emit("static const struct chip_run c%s_%s[] = {", pid + 2, array_name);
	json_array_foreach(list, i, run)
	{
		uint32_t count = number(run, "count", 1, 65536);
		uint32_t size = number(run, "size", 4, 1 << 20);

		sum += (uint64_t)count * size;
		emit("%s{%u, %u}", i > 0 ? ", " : "", count, size);
	}
	emit("};\n");
	if (sum != flash_size)
		fail("'%s' adds up to %llu bytes, flash_size_max is %u", array_name,
			(unsigned long long)sum, flash_size);
	return json_array_size(list);
}

static size_t ram_regions(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t *v;

	if (n == 0)
		return 0;
	emit("static const struct chip_memory c%s_ram[] = {", pid + 2);
	json_array_foreach(list, i, v) emit("%s{\"%s\", 0x%08XU, %u}", i > 0 ? ", " : "",
		need_text(v, "name"), address(v, "base"), number(v, "size", 1, 1U << 31));
	emit("};\n");
	return n;
}

/* Flash aliases and free RAM beside the main block. */
static size_t alias_list(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t *v;

	if (n == 0)
		return 0;
	emit("static const uint32_t c%s_aliases[] = {", pid + 2);
	json_array_foreach(list, i, v) emit("%s0x%08XU", i > 0 ? ", " : "",
		hex(text_of(v, "flash_aliases"), 8, "flash_aliases"));
	emit("};\n");
	return n;
}

static size_t boot_ids(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t *v;

	if (n == 0)
		return 0;
	emit("static const uint8_t c%s_boot_ids[] = {", pid + 2);
	json_array_foreach(list, i, v)
		emit("%s0x%02X", i > 0 ? ", " : "", hex(text_of(v, "ids"), 2, "ids"));
	emit("};\n");
	return n;
}

/* ---- option bytes ---- */

/* Rule 8: a location lies in one of the areas, and its offset counts from the base. */
static void location(json_t *areas, uint32_t base, const char *name, json_t *v)
{
	static const char *const accesses[] = {"R", "W", "RW", NULL};
	uint32_t addr = address(v, "address");
	uint32_t bit = number(v, "bit", 0, 31);
	uint32_t width = number(v, "width", 1, 32);
	size_t access = choice(need_text(v, "access"), "access", accesses);
	json_t *offset = get(v, "offset"), *area;
	bool inside = false;
	size_t i;

	if (bit + width > 32)
		fail("%s: bit %u and width %u pass the word", name, bit, width);
	if (!json_is_integer(offset) || json_integer_value(offset) != (int64_t)addr - base)
		fail("%s: the offset does not fit the address", name);
	json_array_foreach(areas, i, area)
	{
		uint32_t start = address(area, "base");

		if (addr >= start && addr - start < number(area, "size", 1, 1 << 16))
			inside = true;
	}
	if (!inside)
		fail("%s: 0x%08X lies in no area of the option bytes", name, addr);
	emit("\t{\"%s\", 0x%08XU, %u, %u, %zu},\n", name, addr, bit, width, access + 1);
}

/* Writes the locations of `list`; names come from the items where `name` is NULL. */
static size_t locations(json_t *list, json_t *areas, uint32_t base, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
		location(areas, base, name != NULL ? name : need_text(v, "name"), v);
	return json_array_size(list);
}

struct option_counts {
	size_t areas, rdp, wrp, bits;
	bool registers;
};

static struct option_counts option_arrays(json_t *options)
{
	static const char *const kinds[] = {"memory", "registers", NULL};
	struct option_counts n = {0};
	json_t *areas = array(options, "areas"), *rdp = array(options, "rdp");
	json_t *wrp = array(options, "wrp"), *bits = object(options, "bits"), *v;
	uint32_t base = address(options, "base");
	const char *name;
	size_t i;

	if (json_array_size(areas) == 0)
		fail("the option bytes have no area");
	if (strcmp(need_text(options, "view"), "bootloader") != 0)
		fail("'view' is not 'bootloader'");
	if (address(json_array_get(areas, 0), "base") != base ||
		number(json_array_get(areas, 0), "size", 1, 1 << 16) !=
			number(options, "size", 1, 1 << 16))
		fail("the option bytes do not begin with their first area");
	n.registers = choice(need_text(options, "kind"), "kind", kinds) == 1;
	n.areas = json_array_size(areas);
	emit("static const struct span c%s_areas[] = {", pid + 2);
	json_array_foreach(areas, i, v) emit("%s{0x%08XU, %u}", i > 0 ? ", " : "",
		address(v, "base"), number(v, "size", 1, 1 << 16));
	emit("};\n");
	if (json_array_size(rdp) > 0) {
		emit("static const struct chip_bits c%s_rdp[] = {\n", pid + 2);
		n.rdp = locations(rdp, areas, base, "RDP");
		emit("};\n");
	}
	if (json_array_size(wrp) > 0) {
		emit("static const struct chip_bits c%s_wrp[] = {\n", pid + 2);
		n.wrp = locations(wrp, areas, base, NULL);
		emit("};\n");
	}
	if (json_object_size(bits) > 0) {
		emit("static const struct chip_bits c%s_bits[] = {\n", pid + 2);
		json_object_foreach(bits, name, v) n.bits += locations(v, areas, base, name);
		emit("};\n");
	}
	return n;
}

/* ---- the remaining rules ---- */

/* Rule 6: two banks, and where the second one begins. */
static size_t check_banks(json_t *chip, uint32_t flash_base, uint32_t flash_size)
{
	static const char *const modes[] = {
		"single", "dual_fixed", "dual_by_option", "dual_at_maximum_size", NULL};
	json_t *banks = object(chip, "banks");
	uint32_t count, bank2_base;
	size_t mode;

	if (banks == NULL)
		fail("'banks' is null");
	count = number(banks, "count", 1, 2);
	bank2_base = address_or_none(banks, "bank2_base");
	mode = choice(need_text(banks, "mode"), "mode", modes);
	if ((count == 2) != (bank2_base != NO_ADDR))
		fail("banks.count is %u, and bank2_base does not agree", count);
	if (count == 2 && bank2_base != flash_base + flash_size / 2)
		fail("bank 2 does not begin in the middle of the flash");
	if ((count == 2) != (mode != 0))
		fail("banks.mode does not agree with banks.count");
	return mode;
}

/* Rule 7: the RAM that the ROM leaves to the host lies within the RAM. */
static void check_ram(uint32_t base, json_t *size, uint32_t start, uint32_t end)
{
	uint64_t ram_end;

	if ((start == NO_ADDR) != (end == NO_ADDR))
		fail("only one of ram_host_start and ram_host_end is known");
	if ((base == NO_ADDR) != json_is_null(size))
		fail("only one of ram_base and ram_size is known");
	if (start == NO_ADDR)
		return;
	if (base == NO_ADDR)
		fail("ram_host_start is known, ram_base is not");
	ram_end = (uint64_t)base + (uint64_t)json_integer_value(size);
	if (!(base < start && start < end && end <= ram_end))
		fail("the RAM left to the host is not within the RAM");
}

/* Rule 9: a 7-bit address, and an interface that it belongs to. */
static uint32_t check_i2c(json_t *transports)
{
	const char *s = text(transports, "i2c_address");
	uint32_t addr;

	if (s == NULL)
		return 0;
	addr = hex(s, 2, "i2c_address");
	if (addr < 0x08 || addr > 0x77)
		fail("i2c_address 0x%02X is not a 7-bit address", addr);
	if (json_array_size(array(transports, "i2c")) == 0)
		fail("i2c_address is set, but there is no I2C");
	return addr;
}

/* A second address that sources name; the rows that have none leave the key out. */
static uint32_t other_i2c(json_t *transports, uint32_t first)
{
	const char *s;
	uint32_t addr;

	if (json_object_get(transports, "i2c_address_other") == NULL)
		return 0;
	s = need_text(transports, "i2c_address_other");
	addr = hex(s, 2, "i2c_address_other");
	if (first == 0 || addr == first || addr < 0x08 || addr > 0x77)
		fail("i2c_address_other 0x%02X is no second 7-bit address", addr);
	return addr;
}

/* Rule 1, second half: the same keys everywhere. */
static void check_keys(json_t *chip, json_t *first)
{
	const char *key;
	json_t *v;

	json_object_foreach(chip, key, v) if (json_object_get(first, key) == NULL)
		fail("'%s' is a key that the first entry does not have", key);
	json_object_foreach(first, key, v) if (json_object_get(chip, key) == NULL)
		fail("'%s' is missing", key);
}

static void emit_span(const char *key, uint32_t addr, uint32_t len)
{
	emit("\t.%s = {0x%08XU, %u},\n", key, addr, len);
}

static void emit_memories(json_t *chip)
{
	json_t *o = object(chip, "data_eeprom");
	uint32_t base, end;

	if (o != NULL)
		emit_span("eeprom", address(o, "base"), number(o, "size", 1, 1 << 20));
	o = object(chip, "otp");
	if (o != NULL)
		emit_span("otp", address(o, "base"), number(o, "size", 1, 1 << 20));
	o = object(chip, "system_memory");
	if (o == NULL)
		return;
	base = address(o, "base");
	end = address(o, "end");
	if (end <= base) /* rule 10 */
		fail("the system memory ends before it begins");
	emit_span("system_memory", base, end - base + 1);
}

static uint32_t uid_third_word(json_t *chip)
{
	static const char *const layouts[] = {
		"words at +0x00, +0x04, +0x08", "words at +0x00, +0x04, +0x14", NULL};
	const char *s = text(chip, "unique_id_layout");

	if (s == NULL)
		return 0;
	return choice(s, "unique_id_layout", layouts) == 0 ? 0x08 : 0x14;
}

/* Everything of one entry that is not an array. */
static void emit_scalars(json_t *chip)
{
	static const char *const cores[] = {"M0", "M0+", "M3", "M4", "M7", "M33", "M85", NULL};
	static const char *const core_names[] = {
		"CORE_M0", "CORE_M0PLUS", "CORE_M3", "CORE_M4", "CORE_M7", "CORE_M33", "CORE_M85"};
	static const char *const mode_names[] = {"BANKS_SINGLE", "BANKS_DUAL_FIXED",
		"BANKS_DUAL_BY_OPTION", "BANKS_DUAL_AT_MAXIMUM_SIZE"};
	static const char *const erased[] = {"0xFF", "0x00", NULL};
	static const char *const units[] = {"page", "sector", NULL};
	static const char *const parities[] = {"even", "none", NULL};
	json_t *banks = get(chip, "banks"), *erase = get(chip, "erase_command");
	json_t *transports = get(chip, "transports"), *boot = get(chip, "bootloader");
	json_t *rom_id = object(chip, "rom_get_id"), *dual = get(banks, "select_value_dual");
	json_t *i2c = array(transports, "i2c"), *ram_size = get(chip, "ram_size");
	const char *series = need_text(chip, "series"), *s;
	uint32_t flash_base = address(chip, "flash_base");
	uint32_t flash_size = number(chip, "flash_size_max", 1, 1U << 30);
	uint32_t ram_base = address_or_none(chip, "ram_base");
	uint32_t start = address_or_none(chip, "ram_host_start");
	uint32_t end = address_or_none(chip, "ram_host_end");
	size_t core = choice(need_text(chip, "core"), "core", cores);
	bool zero = choice(need_text(chip, "erased_value"), "erased_value", erased) == 1;

	if (truth(chip, "has_vtor") != (core != 0)) /* rule 4 */
		fail("has_vtor does not fit the core");
	if (zero != (strcmp(series, "L0") == 0 || strcmp(series, "L1") == 0)) /* rule 5 */
		fail("erased_value 0x00 belongs to L0 and L1 only");
	check_ram(ram_base, ram_size, start, end);

	emit("\t.pid = %s,\n", pid);
	emit_text("name", need_text(chip, "name"));
	emit_text("series", series);
	emit("\t.core = %s,\n\t.has_vtor = %d,\n\t.in_an2606 = %d,\n", core_names[core], core != 0,
		truth(chip, "in_an2606"));
	emit_addr("flash_base", flash_base);
	emit("\t.flash_size_max = %u,\n\t.erased_value = 0x%02X,\n", flash_size, zero ? 0 : 0xFF);
	emit("\t.bank_mode = %s,\n", mode_names[check_banks(chip, flash_base, flash_size)]);
	emit_text("bank_select_bit", text(banks, "select_bit"));
	emit("\t.bank_select_dual = %d,\n",
		json_is_null(dual) ? -1 : (int)number(banks, "select_value_dual", 0, 1));
	emit_text("bank_boot_bit", text(banks, "boot_bank_bit"));
	emit_text("bank_swap_bit", text(banks, "swap_bit"));
	emit_text("bank_smaller_size_bit", text(banks, "smaller_size_bit"));
	emit("\t.erase_by_sector = %d,\n", (int)choice(need_text(erase, "unit"), "unit", units));
	s = text(erase, "numbering");
	if (s != NULL && strcmp(s, "sequential from flash_base") != 0)
		fail("'numbering' has the unknown value '%s'", s);
	emit("\t.erase_sequential = %s,\n", s != NULL ? "CHIP_YES" : "CHIP_NOT_CONFIRMED");
	emit("\t.mass_erase = %s,\n", tristate(get(erase, "mass_erase"), "mass_erase"));
	s = text(erase, "command");
	emit("\t.erase_command = 0x%02X,\n", s != NULL ? hex(s, 2, "command") : 0);
	if (!json_is_null(get(chip, "wrp_unit")))
		emit("\t.wrp_unit = %u,\n", number(chip, "wrp_unit", 1, 1 << 20));
	emit_addr("ram_base", ram_base);
	emit("\t.ram_size = %uU,\n",
		json_is_null(ram_size) ? NO_ADDR : number(chip, "ram_size", 1, 1U << 30));
	emit_addr("ram_host_start", start);
	emit_addr("ram_host_end", end);
	emit_addr("flash_size_register", address_or_none(chip, "flash_size_register"));
	emit_addr("uid_register", address_or_none(chip, "unique_id_register"));
	emit("\t.uid_third_word = 0x%02X,\n", uid_third_word(chip));
	emit_memories(chip);
	emit_addr("boot_id_addr", address_or_none(boot, "id_address"));
	emit("\t.has_i2c = %s,\n", i2c == NULL                ? "CHIP_NOT_CONFIRMED"
				   : json_array_size(i2c) > 0 ? "CHIP_YES"
							      : "CHIP_NO");
	emit("\t.has_usb_dfu = %s,\n", tristate(get(transports, "usb_dfu"), "usb_dfu"));
	emit("\t.i2c_address = 0x%02X,\n", check_i2c(transports));
	emit("\t.i2c_address_other = 0x%02X,\n", other_i2c(transports, check_i2c(transports)));
	s = text(transports, "parity");
	emit("\t.parity_none = %d,\n", s != NULL && choice(s, "parity", parities) == 1);
	if (rom_id != NULL)
		emit("\t.rom_product_byte = 0x%02X,\n",
			hex(need_text(rom_id, "product_byte"), 2, "product_byte"));
}

static uint32_t write_align(json_t *o)
{
	uint32_t align = number(o, "write_align", 4, 32);

	if (align != 4 && align != 8 && align != 16 && align != 32)
		fail("write_align %u", align);
	return align;
}

/* The arrays of one entry go to `out`, its row to the temporary file `rows`. */
static void entry(json_t *chip, FILE *rows)
{
	FILE *arrays = out;
	uint32_t flash_size = number(chip, "flash_size_max", 1, 1U << 30);
	json_t *alternatives = array(chip, "erase_runs_alternative");
	json_t *alt = json_array_get(alternatives, 0), *options = object(chip, "option_bytes");
	json_t *transports = object(chip, "transports"), *boot = object(chip, "bootloader");
	struct option_counts n_opt = {0};
	size_t n_runs, n_alt = 0, n_lines, n_alias, n_ram, n_usart, n_quirks, n_ids, n_versions;

	if (transports == NULL || boot == NULL || object(chip, "erase_command") == NULL)
		fail("'transports', 'bootloader' or 'erase_command' is null");
	if (json_array_size(alternatives) > 1)
		fail("more than one alternative layout: the C table holds one");
	n_runs = runs(get(chip, "erase_runs"), "runs", flash_size);
	if (alt != NULL)
		n_alt = runs(get(alt, "runs"), "runs_alt", flash_size);
	n_lines = texts(array(chip, "lines"), "lines");
	n_alias = alias_list(array(chip, "flash_aliases"));
	n_ram = ram_regions(array(chip, "ram_regions"));
	n_usart = texts(array(transports, "usart"), "usart");
	n_quirks = texts(array(chip, "quirks"), "quirks");
	n_ids = boot_ids(array(boot, "ids"));
	n_versions = texts(array(boot, "versions"), "boot_versions");
	if (options != NULL)
		n_opt = option_arrays(options);

	out = rows;
	emit("{\n");
	emit_scalars(chip);
	emit("\t.layout = {c%s_runs, %zu, %u, %u},\n", pid + 2, n_runs,
		alt != NULL ? 3 - number(alt, "banks", 1, 2)
			    : number(get(chip, "banks"), "count", 1, 2),
		write_align(chip));
	if (alt != NULL)
		emit("\t.alternative = {c%s_runs_alt, %zu, %u, %u},\n", pid + 2, n_alt,
			number(alt, "banks", 1, 2), write_align(alt));
	emit_ref("lines", "n_lines", "lines", n_lines);
	emit_ref("aliases", "n_aliases", "aliases", n_alias);
	emit_ref("ram", "n_ram", "ram", n_ram);
	emit_ref("usart", "n_usart", "usart", n_usart);
	emit_ref("quirks", "n_quirks", "quirks", n_quirks);
	emit_ref("boot_ids", "n_boot_ids", "boot_ids", n_ids);
	emit_ref("boot_versions", "n_boot_versions", "boot_versions", n_versions);
	if (options != NULL) {
		emit("\t.has_option_bytes = 1,\n\t.options.registers = %d,\n", n_opt.registers);
		emit_ref("options.areas", "options.n_areas", "areas", n_opt.areas);
		emit_ref("options.rdp", "options.n_rdp", "rdp", n_opt.rdp);
		emit_ref("options.wrp", "options.n_wrp", "wrp", n_opt.wrp);
		emit_ref("options.bits", "options.n_bits", "bits", n_opt.bits);
	}
	emit("},\n");
	out = arrays;
}

static void copy_rows(FILE *rows)
{
	char line[512];

	rewind(rows);
	while (fgets(line, sizeof(line), rows) != NULL)
		fputs(line, out);
}

static void generate(json_t *chips)
{
	FILE *rows = tmpfile();
	bool seen[0x1000] = {false};
	size_t i;
	json_t *chip;

	if (rows == NULL)
		fail("no temporary file");
	emit("/* SPDX-License-Identifier: Apache-2.0 */\n"
	     "/* made from chips.json by gen_chips: do not edit */\n#include <stmota/chip.h>\n\n"
	     "extern const struct chip chip_table[];\nextern const size_t chip_table_len;\n\n");
	json_array_foreach(chips, i, chip)
	{
		uint32_t id;

		pid = "an entry";
		pid = need_text(chip, "pid");
		id = hex(pid, 3, "pid");
		if (seen[id]) /* rule 1 */
			fail("the product ID is there twice");
		seen[id] = true;
		check_keys(chip, json_array_get(chips, 0));
		if (json_array_size(array(chip, "sources")) == 0)
			fail("no source");
		entry(chip, rows);
	}
	emit("\nconst struct chip chip_table[] = {\n");
	copy_rows(rows);
	emit("};\n\nconst size_t chip_table_len = %zu;\n", json_array_size(chips));
	fclose(rows);
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *root, *chips;

	if (argc != 3) {
		fprintf(stderr, "usage: gen_chips chips.json chip_table.c\n");
		return 2;
	}
	root = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		fail("line %d: %s", error.line, error.text);
	if (json_integer_value(json_object_get(root, "schema")) != 1)
		fail("'schema' is not 1");
	chips = json_object_get(root, "chips");
	if (json_array_size(chips) == 0)
		fail("'chips' is not a list of entries");
	out = fopen(argv[2], "w");
	if (out == NULL)
		fail("cannot write %s", argv[2]);
	generate(chips);
	if (fclose(out) != 0)
		fail("cannot write %s", argv[2]);
	json_decref(root);
	return 0;
}
