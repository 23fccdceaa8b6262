/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - STM32L072/L073/L082 with 192 KiB; not run on hardware
 *
 *   0x08000000  4 KiB   loader: it chooses, copies and starts; the application receives
 *   0x08001000  1 KiB   records
 *   0x08001400  1 KiB   records
 *   0x08001800 62 KiB   what runs: all images are linked for this address
 *   0x08011000 62 KiB   slot 1
 *   0x08020800 62 KiB   slot 2
 *
 * Erased bytes are 0x00 here, pages have 128 bytes; the loader's units are eight of them. Registers:
 * RM0376, 3.7 (FLASH), 7.3 (RCC), 29.8 (USART). USART1 on PA9 and PA10, HSI of 16 MHz.
 */
#include "stm32.h"

#define FLASH_PECR    REG(0x40022004)
#define FLASH_PEKEYR  REG(0x4002200C)
#define FLASH_PRGKEYR REG(0x40022010)
#define FLASH_SR      REG(0x40022018)
#define SR_BUSY       1u
#define SR_ERRORS     0x32F00u
#define PECR_PELOCK   1u
#define PECR_PRGLOCK  2u
#define PECR_PROG     (1u << 3)
#define PECR_ERASE    (1u << 9)
#define PAGE          128u
#define UNIT          1024u

#define RCC_CR      REG(0x40021000)
#define RCC_CFGR    REG(0x4002100C)
#define RCC_IOPENR  REG(0x4002102C)
#define RCC_APB2ENR REG(0x40021034)
#define GPIOA_MODER REG(0x50000000)
#define GPIOA_PUPDR REG(0x5000000C)
#define GPIOA_BSRR  REG(0x50000018)
#define GPIOA_AFRH  REG(0x50000024)
#define USART1_CR1  REG(0x40013800)
#define USART1_BRR  REG(0x4001380C)
#define USART1_ISR  REG(0x4001381C)
#define USART1_ICR  REG(0x40013820)
#define USART1_RDR  REG(0x40013824)
#define USART1_TDR  REG(0x40013828)

#define CPU_HZ 16000000u

static bool rx_ready(void)
{
	if ((USART1_ISR & 1u << 3) != 0)
		USART1_ICR = 1u << 3; /* overrun: without this it stands still */
	return (USART1_ISR & 1u << 5) != 0;
}

static uint8_t rx_byte(void)
{
	return (uint8_t)USART1_RDR;
}

static void put(const struct boot_port *p, uint8_t byte)
{
	(void)p;
	while ((USART1_ISR & 1u << 7) == 0)
		;
	USART1_TDR = byte;
}

void board_init(void)
{
	RCC_CR |= 1; /* HSI16 */
	while ((RCC_CR & 4) == 0)
		;
	RCC_CFGR = (RCC_CFGR & ~3u) | 1;
	while ((RCC_CFGR & 0xC) != 4)
		;
	RCC_IOPENR |= 1;
	RCC_APB2ENR |= 1u << 14;
	GPIOA_PUPDR = (GPIOA_PUPDR & ~(3u << 20)) | 1u << 20;
	GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | 0x440u;
	GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18 | 3u << 10)) | 0xAu << 18 | 1u << 10;
	USART1_CR1 = 0;
	USART1_BRR = (CPU_HZ + 57600) / 115200;
	USART1_CR1 = 1u << 3 | 1u << 2 | 1;
	tick_init(CPU_HZ);
}

void board_led(bool on)
{
	GPIOA_BSRR = on ? 1u << 5 : 1u << 21;
}

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
	if ((FLASH_PECR & PECR_PELOCK) != 0) {
		FLASH_PEKEYR = 0x89ABCDEF;
		FLASH_PEKEYR = 0x02030405;
	}
	if ((FLASH_PECR & PECR_PRGLOCK) != 0) {
		FLASH_PRGKEYR = 0x8C9DAEBF;
		FLASH_PRGKEYR = 0x13141516;
	}
}

static void lock(void)
{
	FLASH_PECR |= PECR_PELOCK;
}

static int flash_read(const struct flash *f, uint32_t at, void *ret, uint32_t len)
{
	return inside(f, at, len) ? copy_from(f->base + at, ret, len) : -1;
}

/* A word is programmed by writing it; without FPRG or ERASE nothing else is to be set. */
static int flash_write(const struct flash *f, uint32_t at, const void *data, uint32_t len)
{
	const uint32_t *word = data;
	uint32_t i;
	int rc = inside(f, at, len) && ((at | len) & 3) == 0 ? 0 : -1;

	unlock();
	for (i = 0; rc == 0 && i < len; i += 4) {
		REG(f->base + at + i) = *word++;
		rc = wait_ready();
	}
	lock();
	return rc;
}

static int flash_unit_erase(const struct flash *f, uint32_t at)
{
	uint32_t page;
	int rc = inside(f, at, f->unit) ? 0 : -1;

	unlock();
	FLASH_PECR |= PECR_ERASE | PECR_PROG;
	for (page = 0; rc == 0 && page < f->unit; page += PAGE) {
		REG(f->base + at + page) = 0;
		rc = wait_ready();
	}
	FLASH_PECR &= ~(PECR_ERASE | PECR_PROG);
	lock();
	return rc;
}

#define AREA(at, bytes) REGION(at, at, bytes, UNIT, 4, 0x00)

static const struct flash run = AREA(0x08001800u, 0xF800u);

const struct boot_port board = {
	.state = {AREA(0x08001000u, UNIT), AREA(0x08001400u, UNIT)},
	.slot = {AREA(0x08011000u, 0xF800u), AREA(0x08020800u, 0xF800u)},
	.run = &run,
	.ram_addr = 0x20000000u,
	.ram_size = 0x5000u,
	.get = get,
	.put = put,
	.guard = guard,
	.start = start,
	.reset = reset,
};
