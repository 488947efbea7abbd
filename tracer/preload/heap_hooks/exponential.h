/* Gaps between the points of a Poisson process, and what a block that one hit stands for, without
 * floating point: a hook leaves all of the program's vector registers alone. */
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

/* 1 - exp(-size / rate), of 2^58, where that is not nearly 1: that of a small part, doubled. */
static inline uint64_t ct_chance_bits58(uint64_t size, uint64_t rate)
{
    uint64_t part = (uint64_t)(((unsigned __int128)size << 58) / rate);
    unsigned doubled = 0;

    while (part >> 48 != 0) {
        part >>= 1;
        doubled++;
    }
    uint64_t square = (uint64_t)((unsigned __int128)part * part >> 58);
    uint64_t chance = part - square / 2 + (uint64_t)((unsigned __int128)square * part >> 58) / 6;
    for (; doubled > 0; doubled--)
        chance = 2 * chance - (uint64_t)((unsigned __int128)chance * chance >> 58);
    return chance;
}

/* A block of that size, taken by that rate (0: all are), stands for so many bytes. */
static inline uint64_t ct_weighted_bytes(uint64_t size, uint64_t rate)
{
    if (rate == 0 || size / 16 >= rate)
        return size;
    uint64_t chance = ct_chance_bits58(size, rate);

    return chance > 0 ? (uint64_t)(((unsigned __int128)size << 58) / chance) : rate;
}

#endif
