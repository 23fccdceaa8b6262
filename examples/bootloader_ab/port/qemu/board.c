/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - QEMU's mps2-an386 as a device: a file is its flash, a power cut is an exit status
 *
 * The file lies at 0x21000000 (memory backend). QEMU lets everything be written there, so the rules of
 * NOR flash are kept here: units of 4 KiB are erased, 8 bytes are programmed at once and only when they
 * are blank; who breaks them ends the run with status 70. Operations are counted from power-up on, in
 * words behind the RAM that programs may use. Semihosting arguments:
 *
 *   cut=N  only half of operation N is done, then the power fails: status 77
 *   dog=N  the watchdog bites after N milliseconds
 *
 * Addresses: CMSDK UART 0x40004000, watchdog 0x40008000, as in QEMU's mps2.c and Arm's AN386.
 */
#include "board.h"
#include "say.h"

#define REG(addr) (*(volatile uint32_t *)(uintptr_t)(addr))

#define UART_DATA    REG(0x40004000)
#define UART_STATE   REG(0x40004004)
#define UART_CTRL    REG(0x40004008)
#define UART_CLEAR   REG(0x4000400C)
#define UART_BAUDDIV REG(0x40004010)

#define DOG_LOAD  REG(0x40008000)
#define DOG_CTRL  REG(0x40008008)
#define DOG_CLEAR REG(0x4000800C)
#define DOG_LOCK  REG(0x40008C00)

#define LED REG(0x40028000)

#define SYSTICK_CTRL REG(0xE000E010)
#define SYSTICK_LOAD REG(0xE000E014)
#define SYSTICK_VAL  REG(0xE000E018)
#define NVIC_ENABLE  REG(0xE000E100)
#define NVIC_UNPEND  REG(0xE000E280)
#define SCB_ICSR     REG(0xE000ED04)
#define SCB_VTOR     REG(0xE000ED08)
#define SCB_AIRCR    REG(0xE000ED0C)
#define SCB_CCR      REG(0xE000ED14)

#define CLOCK_HZ 25000000u

/* In the file. */
#define FLASH    0x21000000u
#define UNIT     0x1000u
#define RUN      0x30000u
#define SLOT     0x10000u
#define EXIT_CUT 77u
#define EXIT_NOR 70u

/* Behind the 256 KiB of RAM that this device is said to have; a reset leaves them, power-up clears. */
#define OPERATIONS REG(0x203FFFF0)

/* ---- semihosting ---- */

__attribute__((always_inline)) static inline int32_t host(uint32_t call, const void *block)
{
	register uint32_t r0 __asm__("r0") = call;
	register const void *r1 __asm__("r1") = block;

	__asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
	return (int32_t)r0;
}

__attribute__((noreturn, always_inline)) static inline void host_exit(uint32_t status)
{
	const uint32_t block[2] = {0x20026, status}; /* ADP_Stopped_ApplicationExit */

	for (;;)
		host(0x20, block);
}

/* The number behind `name`, which ends with '='; 0: not given. */
static uint32_t argument(const char *name)
{
	static char line[64];
	const uint32_t block[2] = {(uint32_t)line, sizeof(line)};
	uint32_t i, k, n = 0;

	if (host(0x15, block) != 0) /* SYS_GET_CMDLINE */
		return 0;
	line[sizeof(line) - 1] = '\0';
	for (i = 0; line[i] != '\0'; i++) {
		for (k = 0; name[k] != '\0' && line[i + k] == name[k]; k++)
			;
		if (name[k] != '\0')
			continue;
		for (i += k; line[i] >= '0' && line[i] <= '9'; i++)
			n = n * 10 + (uint32_t)(line[i] - '0');
		return n;
	}
	return 0;
}

/* ---- flash ---- */

static uint32_t cut;

/* True for the operation in which the power fails. */
static bool last_operation(void)
{
	return ++OPERATIONS == cut;
}

static int flash_read(const struct flash *f, uint32_t at, void *ret, uint32_t len)
{
	const uint8_t *from = (const uint8_t *)(FLASH + f->base + at);
	uint8_t *to = ret;

	if (at > f->size || len > f->size - at)
		return -1;
	while (len-- > 0)
		*to++ = *from++;
	return 0;
}

static int flash_write(const struct flash *f, uint32_t at, const void *data, uint32_t len)
{
	volatile uint8_t *to = (volatile uint8_t *)(FLASH + f->base + at);
	const uint8_t *from = data;
	uint32_t i, n;

	if (at > f->size || len > f->size - at || (at | len) % f->align != 0 || len == 0)
		host_exit(EXIT_NOR);
	for (i = 0; i < len; i++)
		if (to[i] != 0xFF)
			host_exit(EXIT_NOR);
	n = last_operation() ? len / 2 : len;
	for (i = 0; i < n; i++)
		to[i] = from[i];
	if (n < len)
		host_exit(EXIT_CUT);
	DOG_CLEAR = 1;
	return 0;
}

static int flash_unit_erase(const struct flash *f, uint32_t at)
{
	volatile uint32_t *to = (volatile uint32_t *)(FLASH + f->base + at);
	uint32_t i, n;

	if (at >= f->size || at % UNIT != 0)
		host_exit(EXIT_NOR);
	n = last_operation() ? UNIT / 8 : UNIT / 4;
	for (i = 0; i < n; i++)
		to[i] = 0xFFFFFFFFu;
	if (n < UNIT / 4)
		host_exit(EXIT_CUT);
	DOG_CLEAR = 1;
	return 0;
}

#define REGION(at, bytes)                                                                          \
	{                                                                                          \
		.base = (at), .addr = FLASH + (at), .size = (bytes), .unit = UNIT, .align = 8,     \
		.blank = 0xFF, .read = flash_read, .write = flash_write, .erase = flash_unit_erase \
	}

/* ---- serial line and time ---- */

/* Interrupts stay off: a pending one ends WFI all the same. Outside of get() none is pending. */
static void interrupts(bool on)
{
	SYSTICK_CTRL = on ? 7 : 5;
	UART_CTRL =
		on ? 1 | 2 | 8 : 1 | 2; /* transmitter, receiver, interrupt when something came */
	UART_CLEAR = 3;
	NVIC_UNPEND = 1;
	SCB_ICSR = 1u << 25; /* PENDSTCLR */
}

static int get(const struct boot_port *p, uint32_t ms)
{
	int c = -1;

	(void)p;
	interrupts(true);
	SYSTICK_VAL = 0;
	for (;;) {
		DOG_CLEAR = 1;
		if ((UART_STATE & 2) != 0) {
			c = (uint8_t)UART_DATA;
			break;
		}
		if ((SYSTICK_CTRL & 1u << 16) != 0) {
			SCB_ICSR = 1u << 25;
			if (ms-- <= 1)
				break;
		}
		UART_CLEAR = 3;
		NVIC_UNPEND = 1;
		if ((UART_STATE & 2) == 0)
			__asm__ volatile("wfi");
	}
	interrupts(false);
	return c;
}

static void put(const struct boot_port *p, uint8_t byte)
{
	(void)p;
	while ((UART_STATE & 1) != 0)
		;
	UART_DATA = byte;
}

void board_init(void)
{
	__asm__ volatile("cpsid i");
	SCB_CCR |= 1u << 3; /* unaligned accesses trap, as on a Cortex-M0 */
	UART_BAUDDIV = CLOCK_HZ / 115200;
	SYSTICK_LOAD = CLOCK_HZ / 1000 - 1;
	interrupts(false);
	NVIC_ENABLE = 1;
	cut = argument("cut=");
}

void board_led(bool on)
{
	LED = on;
}

/* ---- programs ---- */

static void reset(const struct boot_port *p)
{
#ifdef BOOT_STACK_PAINT
	extern uint32_t _bss_end[], _stack_top[];
	const uint32_t *deepest = _bss_end;

	while (*deepest == BOOT_STACK_PAINT)
		deepest++;
	say(p, "boot: stack ");
	say_number(p, (uint32_t)(_stack_top - deepest) * 4);
	say(p, " bytes\r\n");
#endif
	(void)p;
	SCB_AIRCR = 0x05FA0004;
	for (;;)
		;
}

/* First the interrupt, then, if nobody cleared it, the reset: after twice the time. */
static void guard(const struct boot_port *p)
{
	uint32_t ms = argument("dog=");

	(void)p;
	DOG_LOCK = 0x1ACCE551;
	DOG_LOAD = CLOCK_HZ / 2000 * (ms != 0 ? ms : 30000);
	DOG_CTRL = 3;
}

static void start(const struct boot_port *p, uint32_t at)
{
	uint32_t sp = *(const uint32_t *)at, entry = *(const uint32_t *)(at + 4);

	(void)p;
	SYSTICK_CTRL = 0;
	UART_CTRL = 0;
	SCB_ICSR = 1u << 25;
	NVIC_UNPEND = 1;
#ifndef BOOT_NO_VTOR
	SCB_VTOR = at;
#endif
	__asm__ volatile("msr msp, %0\n\tbx %1" ::"r"(sp), "r"(entry) : "memory");
}

/*
 * A part without VTOR has a switch that shows RAM at address 0; here it is RAM anyway. With VTOR
 * there is nothing to do: the loader set it.
 */
void board_vectors(const vector *table)
{
#ifdef BOOT_NO_VTOR
	volatile uint32_t *to = (volatile uint32_t *)0;
	uint32_t i;

	/* Not the first two, which QEMU's reset takes from the loader's file again in any case. */
	for (i = 2; i < 16; i++)
		to[i] = (uint32_t)(uintptr_t)table[i];
#else
	(void)table;
#endif
}

#if defined(BOOT_SOURCE)

static int source(
	const struct boot_port *p, uint32_t at, uint8_t *ret, uint32_t len, uint32_t *ret_len)
{
	static const char name[] = "update.sota";
	uint32_t block[3] = {(uint32_t)name, 1, sizeof(name) - 1}; /* "rb" */
	int32_t file = host(1, block), left;

	(void)p;
	if (file <= 0)
		return -1;
	block[0] = (uint32_t)file;
	block[1] = at;
	left = (int32_t)len;
	if (host(0xA, block) == 0) { /* SYS_SEEK */
		block[1] = (uint32_t)ret;
		block[2] = len;
		left = host(6, block); /* SYS_READ: how many bytes it did not get */
	}
	host(2, block);
	*ret_len = left < 0 || (uint32_t)left > len ? 0 : len - (uint32_t)left;
	return 0;
}

#endif

#if BOOT_OWN > 0

/*
 * Nothing of what this calls may lie in `run`, so it calls nothing; nor is there anything to come back
 * to. `long_call`: RAM is out of reach of a branch.
 */
__attribute__((section(".ram_code"), noinline, noreturn, long_call)) static void replace_own(
	const struct boot_port *p, const struct flash *from, uint32_t len)
{
	volatile uint32_t *to = (volatile uint32_t *)(FLASH + RUN);
	const volatile uint32_t *source = (const volatile uint32_t *)(FLASH + from->base);
	uint32_t at, i, end;
	bool half;

	(void)p;
	for (at = 0; at < BOOT_OWN; at += UNIT) {
		half = ++OPERATIONS == cut;
		end = at + (half ? UNIT / 2 : UNIT);
		for (i = at / 4; i < end / 4; i++)
			to[i] = 0xFFFFFFFFu;
		if (half)
			host_exit(EXIT_CUT);
	}
	/* Backwards: the line with the vector table comes last. */
	for (at = BOOT_OWN; at > 0;) {
		at -= FLASH_LINE;
		if (at >= len)
			continue;
		half = ++OPERATIONS == cut;
		end = at + (half ? FLASH_LINE / 2 : FLASH_LINE);
		for (i = at / 4; i < end / 4; i++)
			to[i] = source[i];
		if (half)
			host_exit(EXIT_CUT);
	}
	for (;;)
		SCB_AIRCR = 0x05FA0004;
}

#endif

#ifdef BOOT_COPY_DOWN
static const struct flash run = REGION(RUN, SLOT);
#endif

const struct boot_port board = {
	.state = {REGION(0x0000, UNIT), REGION(0x1000, UNIT)},
	.slot = {REGION(0x10000, SLOT), REGION(0x20000, SLOT)},
#ifdef BOOT_COPY_DOWN
	.run = &run,
#endif
#if BOOT_OWN > 0
	.own = BOOT_OWN,
	.replace_own = replace_own,
#endif
	.ram_addr = 0x20000000u,
	.ram_size = 0x40000u,
	.get = get,
	.put = put,
	.guard = guard,
	.start = start,
	.reset = reset,
#ifdef BOOT_SOURCE
	.source = source,
#endif
};
