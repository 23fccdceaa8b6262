/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - STM32F405/407/427/429 and relatives with 1 MiB of flash or more; not run on hardware
 *
 *   0x08000000  32 KiB   loader (sectors 0 and 1)
 *   0x08008000  16 KiB   records (sector 2)
 *   0x0800C000  16 KiB   records (sector 3)
 *   0x08020000 256 KiB   slot 1 (sectors 5 and 6)
 *   0x08060000 256 KiB   slot 2 (sectors 7 and 8)
 *
 * Sector 4 (64 KiB at 0x08010000) is the application's own. Registers: RM0090, 3.9 (FLASH), 7.3 (RCC),
 * 8.4 (GPIO), 30.6 (USART). USART1 on PA9 and PA10, internal oscillator of 16 MHz.
 */
#include "stm32.h"

#define FLASH_KEYR REG(0x40023C04)
#define FLASH_SR   REG(0x40023C0C)
#define FLASH_CR   REG(0x40023C10)
#define SR_BUSY    (1u << 16)
#define SR_ERRORS  0xF2u
#define CR_PG      (1u << 0)
#define CR_SER     (1u << 1)
#define CR_WORDS   (2u << 8) /* 32 bits at once: the supply is 2.7 V or more */
#define CR_START   (1u << 16)
#define CR_LOCK    (1u << 31)

#define RCC_AHB1ENR REG(0x40023830)
#define RCC_APB2ENR REG(0x40023844)
#define GPIOA_MODER REG(0x40020000)
#define GPIOA_PUPDR REG(0x4002000C)
#define GPIOA_AFRH  REG(0x40020024)
#define GPIOA_BSRR  REG(0x40020018)
#define USART1_SR   REG(0x40011000)
#define USART1_DR   REG(0x40011004)
#define USART1_BRR  REG(0x40011008)
#define USART1_CR1  REG(0x4001100C)

#define CPU_HZ 16000000u

static bool rx_ready(void)
{
	return (USART1_SR & 1u << 5) != 0;
}

static uint8_t rx_byte(void)
{
	return (uint8_t)USART1_DR; /* also clears an overrun, after the status was read */
}

static void put(const struct boot_port *p, uint8_t byte)
{
	(void)p;
	while ((USART1_SR & 1u << 7) == 0)
		;
	USART1_DR = byte;
}

void board_init(void)
{
	RCC_AHB1ENR |= 1;
	RCC_APB2ENR |= 1u << 4;
	GPIOA_PUPDR = (GPIOA_PUPDR & ~(3u << 20)) | 1u << 20; /* no noise from an open line */
	GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | 0x770u;
	GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18 | 3u << 10)) | 0xAu << 18 | 1u << 10;
	USART1_BRR = (CPU_HZ + 57600) / 115200;
	USART1_CR1 = 1u << 13 | 1u << 3 | 1u << 2;
	tick_init(CPU_HZ);
}

void board_led(bool on)
{
	GPIOA_BSRR = on ? 1u << 5 : 1u << 21;
}

/* The bus waits while the flash works, so the watchdog of 26 s outlasts a sector of 4 s. */
static int wait_ready(void)
{
	uint32_t errors;

	while ((FLASH_SR & SR_BUSY) != 0)
		kick();
	errors = FLASH_SR & SR_ERRORS;
	FLASH_SR = errors;
	return errors != 0 ? -1 : 0;
}

static void unlock(void)
{
	(void)wait_ready();
	if ((FLASH_CR & CR_LOCK) != 0) {
		FLASH_KEYR = 0x45670123;
		FLASH_KEYR = 0xCDEF89AB;
	}
}

static int flash_read(const struct flash *f, uint32_t at, void *ret, uint32_t len)
{
	return inside(f, at, len) ? copy_from(f->base + at, ret, len) : -1;
}

static int flash_write(const struct flash *f, uint32_t at, const void *data, uint32_t len)
{
	const uint32_t *word = data; /* lines and records of the loader are words */
	uint32_t i;
	int rc = inside(f, at, len) && ((at | len) & 3) == 0 ? 0 : -1;

	unlock();
	FLASH_CR = CR_PG | CR_WORDS;
	for (i = 0; rc == 0 && i < len; i += 4) {
		REG(f->base + at + i) = *word++;
		rc = wait_ready();
	}
	FLASH_CR = CR_LOCK;
	return rc;
}

/* Sectors 0 to 3 have 16 KiB, 4 has 64, 5 to 11 have 128; nothing here is behind them. */
static uint32_t sector_of(uint32_t addr)
{
	uint32_t at = addr - 0x08000000u;

	return at < 0x10000 ? at >> 14 : at < 0x20000 ? 4 : 4 + (at >> 17);
}

static int flash_unit_erase(const struct flash *f, uint32_t at)
{
	int rc;

	if (!inside(f, at, f->unit))
		return -1;
	unlock();
	FLASH_CR = CR_SER | CR_WORDS | sector_of(f->base + at) << 3;
	FLASH_CR |= CR_START;
	rc = wait_ready();
	FLASH_CR = CR_LOCK;
	return rc;
}

#define SLOT(at)  REGION(at, at, 0x40000u, 0x20000u, 4, 0xFF)
#define STATE(at) REGION(at, 0, 0x4000u, 0x4000u, 4, 0xFF)

const struct boot_port board = {
	.state = {STATE(0x08008000u), STATE(0x0800C000u)},
	.slot = {SLOT(0x08020000u), SLOT(0x08060000u)},
	.ram_addr = 0x20000000u,
	.ram_size = 0x20000u,
	.get = get,
	.put = put,
	.guard = guard,
	.start = start,
	.reset = reset,
};
