/* Runs the model for ever: wait for an input, infer, say that the output is there. */
#include "model.h"
#include "platform.h"

void midge_await_input(void);
void midge_output_ready(void);

/* These two do nothing by themselves. A debugger or an emulator stops at the first to fill the model's inputs and at
 * the second to read its outputs. The empty assembly keeps the compiler from dropping the calls, and its differing
 * text from folding two equal functions into one. */
__attribute__((noinline)) void midge_await_input(void)
{
    __asm__ volatile("" ::"i"(1) : "memory");
}

__attribute__((noinline)) void midge_output_ready(void)
{
    __asm__ volatile("" ::"i"(2) : "memory");
}

int main(void)
{
    platform_init();
    model_init();
    for (;;) {
        midge_await_input();
        model_invoke();
        midge_output_ready();
    }
}
