/* Start-up for a 32-bit RISC-V core in machine mode: reset and traps. */
#include <stdint.h>

#include "platform.h"

int main(void);
void midge_start(void);

/* Placed by the linker script. */
extern uint32_t midge_data_start[], midge_data_end[], midge_bss_start[], midge_bss_end[], midge_arena_start[], midge_arena_end[];
extern const uint32_t midge_data_load[];

/* Reset enters here, at the first address of the program. The global pointer has to be set without using it
 * (norelax); mtvec wants an address aligned to four bytes. The CSR instructions are named here alone, because GCC picks
 * its libraries by -march and has none for an -march that names them. */
__asm__(".section .vectors, \"ax\", @progbits\n"
        ".globl midge_reset\n"
        ".type midge_reset, @function\n"
        "midge_reset:\n"
        ".option push\n"
        ".option norelax\n"
        "    la gp, __global_pointer$\n"
        ".option pop\n"
        "    la sp, midge_stack_top\n"
        "    la t0, midge_fault\n"
        ".option push\n"
        ".option arch, +zicsr\n"
        "    csrw mtvec, t0\n"
        ".option pop\n"
        "    tail midge_start\n"
        ".size midge_reset, . - midge_reset\n"
        ".text\n");

__attribute__((noinline, used)) void midge_start(void)
{
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

__attribute__((noinline, used, aligned(4))) void midge_fault(void)
{
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

/* A clock of its own and pins are a board's business: this one runs as reset leaves it. */
__attribute__((weak)) void platform_init(void)
{
}
