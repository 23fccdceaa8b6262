/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias.S - for variant c, which has no loader: what a chip does by wires
 *
 * An STM32 shows its flash at address 0, where a Cortex-M takes its first two words from. The flash of
 * this machine lies elsewhere, so four instructions take them from there.
 */
	.syntax unified
	.cpu cortex-m0plus
	.thumb
	.section .vectors, "a"
	.word 0x20040000
	.word reset_handler + 1
	.text
	.global reset_handler
reset_handler:
	ldr r0, =__run
	ldr r1, [r0]
	msr msp, r1
	ldr r1, [r0, #4]
	bx r1
