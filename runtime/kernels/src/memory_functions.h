/* All that the kernels use of the C library, declared here because a compiler for bare metal may come without string.h
 * (zig does). The functions come from the C library, or from the firmware where there is none. */
#ifndef MIDGE_MEMORY_FUNCTIONS_H
#define MIDGE_MEMORY_FUNCTIONS_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t count);
void *memmove(void *destination, const void *source, size_t count);
void *memset(void *destination, int value, size_t count);

#endif
