#include "model.h"

/* QEMU's machine virt: the test device takes 0x5555 for success. */
void runner_leave(void)
{
  *(volatile uint32_t *)0x00100000U = 0x5555U;
}
