/*
 * Waits TURNS times in one place under frames of all kinds: small and large, of a size that only
 * running tells, with arguments on the stack, called back by the C library. Built without frame
 * pointers; the test asks a debugger for the stack.
 */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS = 600, WAIT_NS = 200000 };

/* Not inlined, not cloned, and not a tail call. */
#define FUNCTION    __attribute__((noinline, noclone)) static int
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

FUNCTION f16_waits(int n)
{
    struct timespec time = {0, WAIT_NS};
    int result = nanosleep(&time, NULL);

    KEEP(&time);
    return n + result;
}

FUNCTION f15_is_plain(int n)
{
    return f16_waits(n + 1) + 1;
}

FUNCTION f14_has_a_page(int n)
{
    char page[4096];

    memset(page, n, sizeof page);
    KEEP(page);
    return f15_is_plain(n) + page[n & 1];
}

FUNCTION f13_grows(int n)
{
    char *room = alloca((size_t)(n & 7) * 16 + 16);

    memset(room, n, 16);
    KEEP(room);
    return f14_has_a_page(n) + room[0];
}

FUNCTION f12_takes_many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j)
{
    return f13_grows(a + b + c + d + e + f + g + h + i + j) + j;
}

FUNCTION f11_passes_many(int n)
{
    return f12_takes_many(n, 1, 2, 3, 4, 5, 6, 7, 8, 9) + n;
}

static int compare(const void *left, const void *right)
{
    (void)right;
    return f11_passes_many(*(const int *)left) == 0;
}

/* Not the one that a header has. */
static void *(*volatile search)(const void *key, const void *base, size_t count, size_t size,
                                int (*compare)(const void *, const void *)) = bsearch;

FUNCTION f09_is_called_back(int n)
{
    int keys[2] = {n, n};

    return search(&n, keys, 1, sizeof *keys, compare) != NULL;
}

FUNCTION f08_keeps_registers(int n)
{
    long a = n * 3L, b = n * 5L, c = n * 7L, d = n * 11L, e = n * 13L, f = n * 17L;

    int result = f09_is_called_back(n);
    return (int)(a ^ b ^ c ^ d ^ e ^ f) + result;
}

FUNCTION f07_has_an_array(int n)
{
    int count = n % 5 + 3;
    int values[count];

    for (int i = 0; i < count; i++)
        values[i] = n;
    KEEP(values);
    return f08_keeps_registers(values[0]) + values[count - 1];
}

FUNCTION f06_aligns(int n)
{
    char block[64] __attribute__((aligned(64)));

    memset(block, n, sizeof block);
    KEEP(block);
    return f07_has_an_array(n) + block[1];
}

FUNCTION f05_is_plain(int n)
{
    return f06_aligns(n + 1) + 1;
}

static int (*volatile f04)(int) = f05_is_plain;

FUNCTION f03_calls_by_pointer(int n)
{
    return f04(n) + 1;
}

FUNCTION f02_recurs(int n, int depth)
{
    return depth > 0 ? f02_recurs(n, depth - 1) + 1 : f03_calls_by_pointer(n) + 1;
}

FUNCTION f01_begins(int n)
{
    return f02_recurs(n, 3) + 1;
}

int main(void)
{
    int sum = 0;

    for (int i = 0; i < TURNS; i++)
        sum += f01_begins(i);
    KEEP(sum);
    return 0;
}
