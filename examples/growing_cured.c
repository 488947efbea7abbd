/*
 * growing.c, cured: how many samples there will be is known, and room for all of them is asked for
 * once. Where it is not known, to double the room has nearly the same effect.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 20000 };

static double *samples;
static size_t count;
static unsigned allocations;

static int reserve(size_t expected)
{
    samples = malloc(expected * sizeof(*samples));
    allocations++;
    return samples != NULL ? 0 : -1;
}

static void append_sample(double sample)
{
    samples[count++] = sample;
}

int main(void)
{
    uint64_t begin_ns = clock_now_ns();
    double sum = 0;

    if (reserve(SAMPLES) != 0)
        return 1;
    for (int i = 0; i < SAMPLES; i++)
        append_sample(i);
    for (size_t i = 0; i < count; i++)
        sum += samples[i];
    printf("growing_cured: %zu samples (sum %.0f) with %u allocation in %.0f ms\n", count, sum,
           allocations, ns_to_ms(clock_now_ns() - begin_ns));
    free(samples);
    return 0;
}
