/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup.c - vector table and what happens before main(), for any Cortex-M, loader and application
 *
 * Nothing here uses interrupts but PendSV of the application's self-test: ports poll, so the system
 * vectors are the whole table. A product that uses more of them makes its own, aligned as its chip
 * wants it.
 */
#include <stdint.h>

#include "board.h"

/* Set by image.ld; only their addresses mean anything. */
extern uint32_t _data_load[], _data_start[], _data_end[], _bss_start[], _bss_end[], _stack_top[];

void reset_handler(void);
void fault_handler(void);
void nmi_handler(void);
void pendsv_handler(void);

__attribute__((section(".vectors"), used)) const vector vectors[16] = {
	[0] = (vector)_stack_top, /* loaded into SP by the processor */
	[1] = reset_handler,
	[2] = nmi_handler,
	[3] = fault_handler,  /* HardFault */
	[4] = fault_handler,  /* MemManage */
	[5] = fault_handler,  /* BusFault */
	[6] = fault_handler,  /* UsageFault */
	[11] = fault_handler, /* SVCall */
	[12] = fault_handler, /* DebugMonitor */
	[14] = pendsv_handler,
	[15] = fault_handler, /* SysTick */
};

/* Where flash has error correction, it ends up here when a line is read that a power cut tore. */
__attribute__((weak)) void nmi_handler(void)
{
	fault_handler();
}

__attribute__((weak)) void pendsv_handler(void)
{
}

/* A fault is a reset: nobody is there to look at it. */
__attribute__((weak)) void fault_handler(void)
{
	for (;;)
		board.reset(&board);
}

void reset_handler(void)
{
	const uint32_t *from = _data_load;
	uint32_t *to;

#ifdef APP_CLEARS_RAM
	/* Start-up code as some have it: everything that may be RAM is zero afterwards. */
	for (to = (uint32_t *)APP_CLEARS_RAM; to < _stack_top; to++)
		*to = 0;
#endif
#ifdef BOOT_STACK_PAINT
	for (to = _bss_end; to < (uint32_t *)__builtin_frame_address(0) - 16; to++)
		*to = BOOT_STACK_PAINT;
#endif
	for (to = _data_start; to < _data_end; to++)
		*to = *from++;
	for (to = _bss_start; to < _bss_end; to++)
		*to = 0;
	board_init();
	(void)main();
	for (;;)
		board.reset(&board);
}
