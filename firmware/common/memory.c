/* memcpy, memmove and memset for toolchains that come without a C library. Compile with -fno-builtin and
 * -fno-tree-loop-distribute-patterns, or the compiler turns these loops into calls of the functions they define.
 *
 * Words are copied where both addresses are aligned alike, because the kernels move whole tensors. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t count);
void *memmove(void *destination, const void *source, size_t count);
void *memset(void *destination, int value, size_t count);

/* PORTABILITY: reads and writes objects of any type as words; GCC and clang allow it to this type. */
typedef uint32_t __attribute__((may_alias)) word;

static int is_misaligned(const void *address)
{
    return ((uintptr_t)address & (sizeof(word) - 1U)) != 0U;
}

/* Lowest address first: also right for overlapping ranges whose destination is below the source. */
static void copy_up(unsigned char *to, const unsigned char *from, size_t count)
{
    if ((((uintptr_t)to ^ (uintptr_t)from) & (sizeof(word) - 1U)) == 0U) {
        for (; count != 0U && is_misaligned(to); --count) {
            *to++ = *from++;
        }
        for (; count >= 4U * sizeof(word); count -= 4U * sizeof(word)) {
            const word first = ((const word *)(const void *)from)[0];
            const word second = ((const word *)(const void *)from)[1];
            const word third = ((const word *)(const void *)from)[2];
            const word fourth = ((const word *)(const void *)from)[3];
            ((word *)(void *)to)[0] = first;
            ((word *)(void *)to)[1] = second;
            ((word *)(void *)to)[2] = third;
            ((word *)(void *)to)[3] = fourth;
            to += 4U * sizeof(word);
            from += 4U * sizeof(word);
        }
        for (; count >= sizeof(word); count -= sizeof(word)) {
            *(word *)(void *)to = *(const word *)(const void *)from;
            to += sizeof(word);
            from += sizeof(word);
        }
    }
    for (; count != 0U; --count) {
        *to++ = *from++;
    }
}

void *memcpy(void *restrict destination, const void *restrict source, size_t count)
{
    copy_up(destination, source, count);
    return destination;
}

void *memmove(void *destination, const void *source, size_t count)
{
    if ((uintptr_t)destination - (uintptr_t)source >= count) {
        copy_up(destination, source, count);
        return destination;
    }
    unsigned char *to = (unsigned char *)destination + count;
    const unsigned char *from = (const unsigned char *)source + count;
    for (; count != 0U; --count) {
        *--to = *--from;
    }
    return destination;
}

void *memset(void *destination, int value, size_t count)
{
    unsigned char *to = destination;
    const unsigned char byte = (unsigned char)value;
    const word four = byte * UINT32_C(0x01010101);
    for (; count != 0U && is_misaligned(to); --count) {
        *to++ = byte;
    }
    for (; count >= sizeof(word); count -= sizeof(word)) {
        *(word *)(void *)to = four;
        to += sizeof(word);
    }
    for (; count != 0U; --count) {
        *to++ = byte;
    }
    return destination;
}
