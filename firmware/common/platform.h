/* The porting interface: what a board's start-up gives to main(). A new platform implements this file. */
#ifndef MIDGE_PLATFORM_H
#define MIDGE_PLATFORM_H

#ifdef __cplusplus
extern "C" {
#endif

/* Make the hardware ready: clocks, wait states, pins. Called once, before anything else, with .data and .bss set up
 * and the FPU on. */
void platform_init(void);

/* Where every fault ends: never returns, so a debugger or an emulator that finds the core here knows that the program
 * has died. Interrupts are of no use from here on. */
void midge_fault(void);

#ifdef __cplusplus
}
#endif

#endif
