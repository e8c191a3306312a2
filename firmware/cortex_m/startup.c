/* Start-up for any Cortex-M: vector table, reset, faults. Registers: Armv7-M and Armv8-M Architecture Reference
 * Manuals, "System Control Block". */
#include <stdint.h>

#include "platform.h"

int main(void);
void midge_reset(void);
void midge_start(void);

/* Placed by the linker script. */
extern uint32_t midge_stack_bottom[], midge_stack_top[];
extern uint32_t midge_data_start[], midge_data_end[], midge_bss_start[], midge_bss_end[], midge_arena_start[], midge_arena_end[];
extern const uint32_t midge_data_load[];

#ifdef __ARM_FP
/* Full access to coprocessors 10 and 11, which are the FPU and Helium: off after reset, and every one of their
 * instructions faults. */
static inline void enable_fpu(void)
{
    volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88U;
    *cpacr |= 0xFU << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
#else
static inline void enable_fpu(void)
{
}
#endif

#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
/* Armv8-M Mainline faults on the push that crosses this limit. Elsewhere the stack lies at the lowest address of its
 * memory, so that an overflow leaves the memory and faults too. */
static inline void limit_stack(void)
{
    __asm__ volatile("msr msplim, %0" ::"r"(midge_stack_bottom));
}
#else
static inline void limit_stack(void)
{
}
#endif

/* Reset enters here and leaves at once: a function with anything more in it could save FPU registers on entry, before
 * the FPU is on. */
void midge_reset(void)
{
    enable_fpu();
    midge_start();
}

__attribute__((noinline)) void midge_start(void)
{
    limit_stack();
    const uint32_t *load = midge_data_load;
    for (uint32_t *word = midge_data_start; word != midge_data_end; ++word) {
        *word = *load++;
    }
    for (uint32_t *word = midge_arena_start; word != midge_arena_end; ++word) {
        *word = 0U;
    }
    for (uint32_t *word = midge_bss_start; word != midge_bss_end; ++word) {
        *word = 0U;
    }
    (void)main();
    midge_fault();
}

__attribute__((noinline)) void midge_fault(void)
{
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

/* A clock of its own, pins and wait states are a board's business: this one runs as reset leaves it. */
__attribute__((weak)) void platform_init(void)
{
}

typedef union {
    void (*handler)(void);
    uint32_t *stack;
} vector;

/* The sixteen system vectors; no interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = midge_stack_top},
    {.handler = midge_reset},
    {.handler = midge_fault}, /* NMI */
    {.handler = midge_fault}, /* HardFault */
    {.handler = midge_fault}, /* MemManage */
    {.handler = midge_fault}, /* BusFault */
    {.handler = midge_fault}, /* UsageFault */
    {.handler = midge_fault}, /* SecureFault */
    {.stack = 0},
    {.stack = 0},
    {.stack = 0},
    {.handler = midge_fault}, /* SVCall */
    {.handler = midge_fault}, /* DebugMonitor */
    {.stack = 0},
    {.handler = midge_fault}, /* PendSV */
    {.handler = midge_fault}, /* SysTick */
};
