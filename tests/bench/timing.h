/* Measures one operation: repeats it until enough time has passed, prints nanoseconds for one. */
#ifndef CTRACE_BENCH_TIMING_H
#define CTRACE_BENCH_TIMING_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { BENCH_BATCHES = 180, BENCH_BATCH_MS = 3 };

static inline uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The fastest of several batches: what disturbs a run only ever makes it slower. */
#define BENCH_BEST(best_ns, operation)                                 \
    do {                                                               \
        best_ns = 1e18;                                                \
        for (int batch = 0; batch < BENCH_BATCHES; batch++) {          \
            uint64_t begin_ns = bench_now_ns(), now_ns, count = 0;     \
            do {                                                       \
                for (int i = 0; i < 100; i++) {                        \
                    operation;                                         \
                }                                                      \
                count += 100;                                          \
                now_ns = bench_now_ns();                               \
            } while (now_ns - begin_ns < BENCH_BATCH_MS * 1000000u);   \
            if ((double)(now_ns - begin_ns) / (double)count < best_ns) \
                best_ns = (double)(now_ns - begin_ns) / (double)count; \
        }                                                              \
    } while (0)

#define BENCH(operation)                   \
    do {                                   \
        double fastest_ns;                 \
        BENCH_BEST(fastest_ns, operation); \
        printf("%.2f\n", fastest_ns);      \
    } while (0)

#endif
