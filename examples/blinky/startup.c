/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup.c - vector table and what happens before main(), for any Cortex-M without vendor code
 */
#include <stdint.h>

/* Set by blinky.ld; only their addresses mean anything. */
extern uint32_t _data_load[], _data_start[], _data_end[], _bss_start[], _bss_end[], _stack_top[];

int main(void);
void systick_handler(void);

void reset_handler(void)
{
	const uint32_t *from = _data_load;

	for (uint32_t *to = _data_start; to < _data_end; to++)
		*to = *from++;
	for (uint32_t *to = _bss_start; to < _bss_end; to++)
		*to = 0;
	main();
	for (;;)
		;
}

/* A fault ends here and the LED stands still. */
static void stuck(void)
{
	for (;;)
		;
}

typedef void (*vector)(void);

/* The sixteen system vectors. No interrupt of the chip is used, so the table ends here. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
	[0] = (vector)_stack_top, /* loaded into SP by the processor */
	[1] = reset_handler,
	[2] = stuck,  /* NMI */
	[3] = stuck,  /* HardFault */
	[4] = stuck,  /* MemManage */
	[5] = stuck,  /* BusFault */
	[6] = stuck,  /* UsageFault */
	[11] = stuck, /* SVCall */
	[12] = stuck, /* DebugMonitor */
	[14] = stuck, /* PendSV */
	[15] = systick_handler,
};
