/* A fixed amount of work that never waits: prints its CPU time in ms. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS UINT64_C(1000000000)

int main(void)
{
    struct timespec used;
    uint64_t sum = 1;

    for (uint64_t i = 0; i < ROUNDS; i++)
        sum = sum * UINT64_C(6364136223846793005) + i;
    __asm__ volatile("" : : "r"(sum));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    printf("%.3f\n", (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6);
    return 0;
}
