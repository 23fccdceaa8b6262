/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - firmware for the demo: an LED that breathes, on a board with an STM32F103 ("blue pill")
 *
 * Small enough to read, large enough to fill several erase units: the brightness table alone takes
 * eight of them. Built twice: with -DHEARTBEAT one function, brightness(), is another one.
 *
 * LED on PC13 (lit when low), text on PA9 (USART1, 115200 8N1), 8 MHz internal oscillator.
 */
#include <stdint.h>

#include "table.h"

#define REG(addr) (*(volatile uint32_t *)(uintptr_t)(addr))

/* RM0008: 7.3 RCC, 9.2 GPIO, 27.6 USART; PM0056: 4.5 SysTick */
#define RCC_APB2ENR  REG(0x40021018)
#define GPIOA_CRH    REG(0x40010804)
#define GPIOC_CRH    REG(0x40011004)
#define GPIOC_BSRR   REG(0x40011010)
#define USART1_SR    REG(0x40013800)
#define USART1_DR    REG(0x40013804)
#define USART1_BRR   REG(0x40013808)
#define USART1_CR1   REG(0x4001380C)
#define SYSTICK_CTRL REG(0xE000E010)
#define SYSTICK_LOAD REG(0xE000E014)
#define SYSTICK_VAL  REG(0xE000E018)

#define CLOCK_HZ 8000000u
#define TICK_HZ  25600u /* 256 steps of brightness, 100 times a second */
#define LED_ON   (1u << (13 + 16))
#define LED_OFF  (1u << 13)

static volatile uint32_t ticks;
static volatile uint32_t duty; /* 0..256 */

void systick_handler(void)
{
	uint32_t step = ticks++ & 0xFF;

	GPIOC_BSRR = step < duty ? LED_ON : LED_OFF;
}

static void text_out(const char *text)
{
	for (; *text != '\0'; text++) {
		while ((USART1_SR & 0x80) == 0)
			;
		USART1_DR = (uint8_t)*text;
	}
}

/* The function that differs between the two versions. phase: 0..TABLE_LEN-1, one turn in 4 s. */
__attribute__((noinline)) static uint32_t brightness(uint32_t phase)
{
#ifdef HEARTBEAT
	/* Two short beats, then rest. */
	uint32_t eighth = phase / (TABLE_LEN / 8);

	if (eighth != 0 && eighth != 2)
		return 0;
	return breath[phase * 8 % TABLE_LEN] >> 8;
#else
	return breath[phase] >> 8;
#endif
}

int main(void)
{
	RCC_APB2ENR |= 1u << 14 | 1u << 4 | 1u << 2;          /* USART1, GPIOC, GPIOA */
	GPIOC_CRH = (GPIOC_CRH & ~(0xFu << 20)) | 0x2u << 20; /* PC13: output, 2 MHz */
	GPIOA_CRH = (GPIOA_CRH & ~(0xFu << 4)) | 0xBu << 4;   /* PA9: alternate function */
	USART1_BRR = CLOCK_HZ / 115200;
	USART1_CR1 = 0x2008; /* on, transmitter on */
	text_out("blinky " VERSION "\r\n");

	SYSTICK_LOAD = CLOCK_HZ / TICK_HZ - 1;
	SYSTICK_VAL = 0;
	SYSTICK_CTRL = 7;
	for (;;)
		duty = brightness(ticks / (4 * TICK_HZ / TABLE_LEN) % TABLE_LEN);
}
