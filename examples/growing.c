/*
 * An array that grows by one: each of 20,000 samples has the array allocated anew, one larger.
 *
 * The allocs profile shows it at once: 20,000 objects, and with them 1.6 GB, in append_sample, of
 * an array that has 160 KB in the end. growing_cured.c asks for all of it beforehand.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 20000 };

static double *samples;
static size_t count;
static unsigned allocations;

static int append_sample(double sample)
{
    double *larger = realloc(samples, (count + 1) * sizeof(*samples)); /* the disease */

    if (larger == NULL)
        return -1;
    allocations++;
    samples = larger;
    samples[count++] = sample;
    return 0;
}

int main(void)
{
    uint64_t begin_ns = clock_now_ns();
    double sum = 0;

    for (int i = 0; i < SAMPLES; i++)
        if (append_sample(i) != 0)
            return 1;
    for (size_t i = 0; i < count; i++)
        sum += samples[i];
    printf("growing: %zu samples (sum %.0f) with %u allocations in %.0f ms\n", count, sum,
           allocations, ns_to_ms(clock_now_ns() - begin_ns));
    free(samples);
    return 0;
}
