/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_rom_sets.c - which commands and which protocol version a ROM reports, on UART and on I2C
 */
#include <string.h>

#include "sim_rom.h"

/* Command sets by series; the first row that fits counts. */
static const struct {
	const char *series; /* NULL: any */
	uint8_t erase;      /* 0x43, 0x44; 0: any */
	uint8_t version;    /* BCD */
	uint8_t codes[16];
	uint8_t n;
} sets[] = {
	{"H5", 0, 0x40, {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x50, 0x63, 0x73}, 10},
	{"WB0", 0, 0x20, {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x43, 0x82, 0x92}, 9},
	{"WL3", 0, 0x20, {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x43, 0x82, 0x92}, 9},
	{"L5", 0, 0x40,
		{0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92, 0x50, 0x51}, 13},
	{"U5", 0, 0x40,
		{0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92, 0x50, 0x51}, 13},
	{"U3", 0, 0x40,
		{0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92, 0x50, 0x51}, 13},
	{"WBA", 0, 0x40,
		{0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92, 0x50, 0x51}, 13},
	{NULL, 0x43, 0x22, {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x43, 0x63, 0x73, 0x82, 0x92}, 11},
	{NULL, 0, 0x31, {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92}, 11},
};

/* The same in the protocol of I2C, which counts its own versions (AN4221). */
static const struct {
	uint16_t pid;       /* 0: see series */
	const char *series; /* NULL: any */
	uint8_t version;
} i2c_versions[] = {
	{0x413, NULL, 0x10},
	{0x419, NULL, 0x10},
	{0x423, NULL, 0x10},
	{0x442, NULL, 0x10},
	{0x445, NULL, 0x10},
	{0x448, NULL, 0x10},
	{0, "F3", 0x10},
	{0x431, NULL, 0x11},
	{0x433, NULL, 0x11},
	{0x443, NULL, 0x11},
	{0x453, NULL, 0x11},
	{0x450, NULL, 0x11},
	{0x44C, NULL, 0x20},
	{0x44D, NULL, 0x20},
	{0x4B0, NULL, 0x20},
	{0, "H5", 0x20},
	{0, "H7RS", 0x20},
	{0, "U3", 0x20},
	{0, NULL, 0x12},
};

static const uint8_t i2c_base[] = {
	0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92};
static const uint8_t i2c_base_h5[] = {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x50, 0x63, 0x73};
/* Each form that does not stretch, and the command that must be there beside it. */
static const uint8_t no_stretch[][2] = {
	{0x32, 0x31}, {0x45, 0x44}, {0x64, 0x63}, {0x74, 0x73}, {0x83, 0x82}, {0x93, 0x92}};

static void add(struct sim_rom_set *set, const uint8_t *codes, size_t n)
{
	memcpy(set->codes + set->n, codes, n);
	set->n = (uint8_t)(set->n + n);
}

static bool is_series(const struct sim_board *b, const char *series)
{
	return strcmp(b->chip->series, series) == 0;
}

static void i2c_set(const struct sim_board *b, struct sim_rom_set *ret)
{
	static const uint8_t specials[] = {0x50, 0x51}, checksum[] = {0xA1};
	bool h5 = is_series(b, "H5"), openbl = sim_has(b, SQ_I2C_OPENBL);
	size_t i = 0;

	while ((i2c_versions[i].pid != 0 && i2c_versions[i].pid != b->chip->pid) ||
		(i2c_versions[i].series != NULL && !is_series(b, i2c_versions[i].series)))
		i++;
	ret->version = openbl ? 0x12 : i2c_versions[i].version;
	ret->n = 0;
	if (h5)
		add(ret, i2c_base_h5, sizeof(i2c_base_h5));
	else
		add(ret, i2c_base, sizeof(i2c_base));
	/* F42x V9.1 says 1.0 and has them all the same. */
	if (ret->version >= 0x11 || (b->chip->pid == 0x419 && b->rom_id >= 0x91))
		for (size_t k = 0; k < ARRAY_LEN(no_stretch); k++)
			if (memchr(ret->codes, no_stretch[k][1], ret->n) != NULL)
				add(ret, no_stretch[k], 1);
	if (ret->version >= 0x12 && !openbl)
		add(ret, checksum, sizeof(checksum));
	/* From 2.0 on the list varies; those with a security command on the UART have it here too. */
	if (openbl || (ret->version == 0x20 && (is_series(b, "U3") || is_series(b, "WBA"))))
		add(ret, specials, sizeof(specials));
}

static void uart_set(const struct sim_board *b, struct sim_rom_set *ret)
{
	static const uint8_t checksum[] = {0xA1};
	size_t i = 0;

	while ((sets[i].series != NULL && !is_series(b, sets[i].series)) ||
		(sets[i].erase != 0 && sets[i].erase != b->chip->erase_command))
		i++;
	ret->version = sets[i].version;
	ret->n = 0;
	add(ret, sets[i].codes, sets[i].n);
	if (sim_has(b, SQ_CHECKSUM)) {
		ret->version = 0x33;
		add(ret, checksum, sizeof(checksum));
	}
	if (sim_has(b, CHIP_QUIRK_VERSION_WRONG))
		ret->version = 0x20;
}

void sim_rom_set_of(const struct sim_board *b, struct sim_rom_set *ret)
{
	if (rom_on_i2c(b))
		i2c_set(b, ret);
	else
		uart_set(b, ret);
}
