/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - STM32L476/L496 (1 MiB) and, with STM32G4, STM32G474 (512 KiB, DBANK = 1): two banks, one
 * option bit; not run on hardware
 *
 * In each bank: the loader (32 KiB), a slot, and one region of records in the last page. The bank that
 * runs is seen at 0x08000000, so both images are linked for 0x08008000. BFB2 says which one that is at
 * the next reset: with it, the ROM starts bank 2 if its first word is a stack pointer, else bank 1.
 *
 * A bank is only selected when it holds this very loader; if it does not, it gets it first, the
 * vector table last. The option bit is written when it has to change, never twice.
 *
 * Registers: RM0351 and RM0440, chapters FLASH, RCC, SYSCFG, GPIO, USART. USART1 on PA9 and PA10,
 * HSI of 16 MHz. BKER counts banks as they are made, whatever is seen where.
 */
#include "stm32.h"

#define FLASH_KEYR    REG(0x40022008)
#define FLASH_OPTKEYR REG(0x4002200C)
#define FLASH_SR      REG(0x40022010)
#define FLASH_CR      REG(0x40022014)
#define FLASH_ECCR    REG(0x40022018)
#define FLASH_OPTR    REG(0x40022020)
#define SR_BUSY       (1u << 16)
#define SR_ERRORS     0xC3FAu
#define CR_PG         (1u << 0)
#define CR_PER        (1u << 1)
#define CR_BKER       (1u << 11)
#define CR_START      (1u << 16)
#define CR_OPTSTRT    (1u << 17)
#define CR_OBL_LAUNCH (1u << 27)
#define CR_OPTLOCK    (1u << 30)
#define CR_LOCK       (1u << 31)
#define OPTR_BFB2     (1u << 20)
#define ECCR_ECCD     (1u << 31)
#define SYSCFG_MEMRMP REG(0x40010000)
#define MEMRMP_BANK_2 (1u << 8)

#define RCC_CR      REG(0x40021000)
#define RCC_CFGR    REG(0x40021008)
#define RCC_AHB2ENR REG(0x4002104C)
#define RCC_APB2ENR REG(0x40021060)
#define GPIOA_MODER REG(0x48000000)
#define GPIOA_PUPDR REG(0x4800000C)
#define GPIOA_BSRR  REG(0x48000018)
#define GPIOA_AFRH  REG(0x48000024)
#define USART1_CR1  REG(0x40013800)
#define USART1_BRR  REG(0x4001380C)
#define USART1_ISR  REG(0x4001381C)
#define USART1_ICR  REG(0x40013820)
#define USART1_RDR  REG(0x40013824)
#define USART1_TDR  REG(0x40013828)

#define CPU_HZ 16000000u
#define FLASH  0x08000000u
#ifdef STM32G4
#define BANK 0x40000u
#else
#define BANK 0x80000u
#endif
#define PAGE   0x800u
#define LOADER 0x8000u

void nmi_handler(void);

static bool rx_ready(void)
{
	if ((USART1_ISR & 1u << 3) != 0)
		USART1_ICR = 1u << 3;
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
	RCC_CR |= 1u << 8; /* HSI16 */
	while ((RCC_CR & 1u << 10) == 0)
		;
	RCC_CFGR = (RCC_CFGR & ~3u) | 1;
	while ((RCC_CFGR & 0xC) != 4)
		;
	RCC_AHB2ENR |= 1;
	RCC_APB2ENR |= 1u << 14 | 1;
	GPIOA_PUPDR = (GPIOA_PUPDR & ~(3u << 20)) | 1u << 20;
	GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | 0x770u;
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

/* Two wrong bits in a line that a power cut tore: what was read is wrong, and its CRC says so. */
void nmi_handler(void)
{
	if ((FLASH_ECCR & ECCR_ECCD) == 0)
		reset(&board);
	FLASH_ECCR |= ECCR_ECCD;
}

/* ---- flash: `base` counts from the beginning of bank 1, as it is made ---- */

static uint32_t running_bank(void)
{
	return (SYSCFG_MEMRMP & MEMRMP_BANK_2) != 0 ? 1 : 0;
}

static uint32_t seen_at(uint32_t physical)
{
	return FLASH + (running_bank() != 0 ? physical ^ BANK : physical);
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
	if ((FLASH_CR & CR_LOCK) != 0) {
		FLASH_KEYR = 0x45670123;
		FLASH_KEYR = 0xCDEF89AB;
	}
}

static int program(uint32_t physical, const uint32_t *word, uint32_t len)
{
	uint32_t addr = seen_at(physical), i;
	int rc = 0;

	unlock();
	FLASH_CR = CR_PG;
	for (i = 0; rc == 0 && i < len; i += 8) {
		REG(addr + i) = *word++;
		REG(addr + i + 4) = *word++;
		rc = wait_ready();
	}
	FLASH_CR = CR_LOCK;
	return rc;
}

static int erase_page(uint32_t physical)
{
	int rc;

	unlock();
	FLASH_CR = CR_PER | (physical % BANK / PAGE) << 3 | (physical >= BANK ? CR_BKER : 0);
	FLASH_CR |= CR_START;
	rc = wait_ready();
	FLASH_CR = CR_LOCK;
	return rc;
}

static int flash_read(const struct flash *f, uint32_t at, void *ret, uint32_t len)
{
	return inside(f, at, len) ? copy_from(seen_at(f->base + at), ret, len) : -1;
}

static int flash_write(const struct flash *f, uint32_t at, const void *data, uint32_t len)
{
	if (!inside(f, at, len) || ((at | len) & 7) != 0)
		return -1;
	return program(f->base + at, data, len);
}

static int flash_unit_erase(const struct flash *f, uint32_t at)
{
	return inside(f, at, f->unit) ? erase_page(f->base + at) : -1;
}

/* ---- banks ---- */

static bool page_equal(uint32_t a, uint32_t b)
{
	uint32_t i;

	for (i = 0; i < PAGE && REG(a + i) == REG(b + i); i += 4)
		;
	return i == PAGE;
}

/* The page with the vector table is erased first and written last: the ROM takes no half loader. */
static int copy_loader(uint32_t to_bank)
{
	uint32_t to = to_bank * BANK, at;
	bool equal = true;
	int rc = 0;

	for (at = 0; at < LOADER; at += PAGE)
		equal = equal && page_equal(FLASH + at, seen_at(to + at));
	if (equal)
		return 0;
	rc = erase_page(to);
	for (at = PAGE; rc == 0 && at < LOADER; at += PAGE) {
		if (page_equal(FLASH + at, seen_at(to + at)))
			continue;
		rc = erase_page(to + at);
		if (rc == 0)
			rc = program(to + at, (const uint32_t *)(FLASH + at), PAGE);
	}
	/* Its first line, the stack pointer that the ROM looks at, at the very end. */
	if (rc == 0)
		rc = program(to + 8, (const uint32_t *)(FLASH + 8), PAGE - 8);
	return rc == 0 ? program(to, (const uint32_t *)FLASH, 8) : rc;
}

static int select(const struct boot_port *p, uint32_t slot)
{
	uint32_t options = FLASH_OPTR, want = slot != 0 ? OPTR_BFB2 : 0;

	(void)p;
	if (running_bank() == slot)
		return 0;
	/* It stands there already, and the ROM did not follow it: another write changes nothing. */
	if ((options & OPTR_BFB2) == want || copy_loader(slot) != 0)
		return -1;
	unlock();
	FLASH_OPTKEYR = 0x08192A3B;
	FLASH_OPTKEYR = 0x4C5D6E7F;
	FLASH_OPTR = (options & ~OPTR_BFB2) | want;
	FLASH_CR |= CR_OPTSTRT;
	if (wait_ready() != 0 || (FLASH_OPTR & OPTR_BFB2) != want)
		return -1;
	FLASH_CR |= CR_OBL_LAUNCH; /* a reset */
	for (;;)
		;
}

#define SLOT(at)  REGION(at, FLASH + LOADER, BANK - LOADER - PAGE, PAGE, 8, 0xFF)
#define STATE(at) REGION(at, 0, PAGE, PAGE, 8, 0xFF)

const struct boot_port board = {
	.state = {STATE(BANK - PAGE), STATE(2 * BANK - PAGE)},
	.slot = {SLOT(LOADER), SLOT(BANK + LOADER)},
	.ram_addr = 0x20000000u,
	.ram_size = 0x18000u,
	.get = get,
	.put = put,
	.guard = guard,
	.start = start,
	.select = select,
	.reset = reset,
};
