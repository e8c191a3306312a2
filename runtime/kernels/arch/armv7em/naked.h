/* Functions that are written in assembly as a whole: the compiler adds nothing, and sees no use of their parameters. */
#ifndef MIDGE_ARMV7EM_NAKED_H
#define MIDGE_ARMV7EM_NAKED_H

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define MIDGE_NAKED __attribute__((naked))

#endif
