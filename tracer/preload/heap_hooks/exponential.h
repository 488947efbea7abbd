/* Gaps between the points of a Poisson process, without floating point: a hook leaves all of the
 * program's vector registers alone. */
#ifndef CTRACE_PRELOAD_HEAP_HOOKS_EXPONENTIAL_H
#define CTRACE_PRELOAD_HEAP_HOOKS_EXPONENTIAL_H

#include <stdint.h>

/* Of 2^32, the natural logarithm of 2. */
#define CT_LN_2_BITS32 UINT64_C(2977044472)

/* -log2(random / 2^64), of 2^32: by squaring, a bit each. */
static inline uint64_t ct_minus_log2(uint64_t random)
{
    unsigned zeros = (unsigned)__builtin_clzll(random | 1);
    uint64_t mantissa = (random | 1) << zeros >> 32; /* [2^31, 2^32) */
    uint64_t fraction = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        mantissa = mantissa * mantissa >> 31;
        if (mantissa >> 32 != 0) {
            fraction |= bit;
            mantissa >>= 1;
        }
    }
    return ((uint64_t)(zeros + 1) << 32) - fraction;
}

/* A gap of this mean, rounded down: it is less than S, a whole number, as often as the gap itself.
 */
static inline uint64_t ct_exponential(uint64_t random, uint64_t mean)
{
    unsigned __int128 gap = (unsigned __int128)ct_minus_log2(random) * CT_LN_2_BITS32 >> 32;

    return (uint64_t)(gap * mean >> 32);
}

#endif
