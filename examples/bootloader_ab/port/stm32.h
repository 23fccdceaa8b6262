/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stm32.h - what the STM32 ports have in common: watchdog, time, starting a program
 *
 * Each port's board.c includes it once, after clocks and the serial line: it defines
 * CPU_HZ, rx_ready(), rx_byte(). Not run on hardware.
 */
#ifndef BOOT_STM32_H
#define BOOT_STM32_H

#include "board.h"

#define REG(addr) (*(volatile uint32_t *)(uintptr_t)(addr))

#define SYSTICK_CTRL REG(0xE000E010)
#define SYSTICK_LOAD REG(0xE000E014)
#define SYSTICK_VAL  REG(0xE000E018)
#define SCB_VTOR     REG(0xE000ED08)
#define SCB_AIRCR    REG(0xE000ED0C)

/* Independent watchdog: the same on all of them. Once it runs, only a reset ends it. */
#define IWDG_KR  REG(0x40003000)
#define IWDG_PR  REG(0x40003004)
#define IWDG_RLR REG(0x40003008)
#define IWDG_SR  REG(0x4000300C)

static bool rx_ready(void);
static uint8_t rx_byte(void);

static inline void kick(void)
{
	IWDG_KR = 0xAAAA;
}

/* LSI of 32 to 40 kHz, divided by 256, 4096 steps: 26 to 33 seconds. */
static void guard(const struct boot_port *p)
{
	(void)p;
	IWDG_KR = 0xCCCC;
	IWDG_KR = 0x5555;
	IWDG_PR = 6;
	IWDG_RLR = 0xFFF;
	while ((IWDG_SR & 3) != 0)
		;
	kick();
}

static void tick_init(uint32_t cpu_hz)
{
	SYSTICK_LOAD = cpu_hz / 1000 - 1;
	SYSTICK_VAL = 0;
	SYSTICK_CTRL = 5;
}

static int get(const struct boot_port *p, uint32_t ms)
{
	(void)p;
	SYSTICK_VAL = 0;
	for (;;) {
		kick();
		if (rx_ready())
			return rx_byte();
		if ((SYSTICK_CTRL & 1u << 16) != 0 && ms-- <= 1)
			return -1;
	}
}

static void reset(const struct boot_port *p)
{
	(void)p;
	__asm__ volatile("dsb");
	SCB_AIRCR = 0x05FA0004;
	for (;;)
		;
}

/* The serial line stays as it is: the program sets up what it wants. */
static void start(const struct boot_port *p, uint32_t at)
{
	uint32_t sp = REG(at), entry = REG(at + 4);

	(void)p;
	SYSTICK_CTRL = 0;
	SCB_VTOR = at;
	__asm__ volatile("dsb\n\tisb\n\tmsr msp, %0\n\tbx %1" ::"r"(sp), "r"(entry) : "memory");
}

void board_vectors(const vector *table)
{
	(void)table; /* VTOR was set by the loader */
}

static int flash_read(const struct flash *f, uint32_t at, void *ret, uint32_t len);
static int flash_write(const struct flash *f, uint32_t at, const void *data, uint32_t len);
static int flash_unit_erase(const struct flash *f, uint32_t at);

#define REGION(at, run, bytes, erase_unit, width, blank_byte)                                      \
	{                                                                                          \
		.base = (at), .addr = (run), .size = (bytes), .unit = (erase_unit),                \
		.align = (width), .blank = (blank_byte), .read = flash_read, .write = flash_write, \
		.erase = flash_unit_erase                                                          \
	}

static inline bool inside(const struct flash *f, uint32_t at, uint32_t len)
{
	return at <= f->size && len <= f->size - at;
}

static inline int copy_from(uint32_t addr, void *ret, uint32_t len)
{
	const volatile uint8_t *from = (const volatile uint8_t *)addr;
	uint8_t *to = ret;

	kick();
	while (len-- > 0)
		*to++ = *from++;
	return 0;
}

#endif
