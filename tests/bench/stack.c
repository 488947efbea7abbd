/*
 * Nanoseconds for taking one stack as a hook does, 16 frames up in a program without frame
 * pointers, and for taking it again at once. Built together with the preload's stack folder.
 */
#include "../preload/stacks_alone.h"
#include "timing.h"

enum { FRAMES = 16, OUTER_FRAMES = 5, PLACES = 64 }; /* measure, main, and those that call main */

static volatile int is_taking;

static int go_on(int depth, unsigned path);

/* Sixteen frames, and those of main's callers, by as many paths as there are places. */
static __attribute__((noinline, noclone)) int go_left(int depth, unsigned path)
{
    return go_on(depth, path) + 1;
}

static __attribute__((noinline, noclone)) int go_right(int depth, unsigned path)
{
    return go_on(depth, path) + 2;
}

static inline int go_on(int depth, unsigned path)
{
    if (depth == 0)
        return is_taking ? (int)ct_stack_capture(&ct_self, 1) : 0;
    return path & 1 ? go_left(depth - 1, path >> 1) : go_right(depth - 1, path >> 1);
}

static double measure(int is_taken, unsigned places)
{
    double best_ns;
    unsigned place = 0;

    is_taking = is_taken;
    BENCH_BEST(best_ns, go_on(FRAMES - OUTER_FRAMES, place++ % places));
    return best_ns;
}

int main(void)
{
    begin_stacks();
    ct_self.stacks_taken = 1000; /* a thread that has taken a few has a cache */
    printf("%.2f %.2f\n", measure(1, PLACES) - measure(0, PLACES), measure(1, 1) - measure(0, 1));
    return 0;
}
