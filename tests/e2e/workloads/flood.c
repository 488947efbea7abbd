/*
 * Many short waits from many threads: each of THREADS reads a byte of /dev/zero COUNT times. Prints
 * how many reads there were, and the milliseconds that they took. On one_cpu, another one is free,
 * if there is another.
 *
 *   flood THREADS COUNT [one_cpu|gated]     gated: they begin when it gets a line on stdin
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

static long count;
static int zeros;

static void *read_bytes(void *unused)
{
    char byte;

    for (long i = 0; i < count; i++)
        if (read(zeros, &byte, 1) != 1)
            exit(99);
    return unused;
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    pthread_t threads[MAX_THREADS];
    cpu_set_t one_cpu;
    int thread_count = argc > 2 ? atoi(argv[1]) : 0;

    if (thread_count <= 0 || thread_count > MAX_THREADS)
        return 99;
    count = atol(argv[2]);
    zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    CPU_ZERO(&one_cpu);
    CPU_SET(0, &one_cpu);
    if (argc > 3 && strcmp(argv[3], "one_cpu") == 0)
        sched_setaffinity(0, sizeof one_cpu, &one_cpu);
    if (argc > 3 && strcmp(argv[3], "gated") == 0) {
        puts("ready");
        fflush(stdout);
        if (getchar() == EOF)
            return 99;
    }
    double begin_ms = now_ms();
    for (int i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, read_bytes, NULL) != 0)
            return 99;
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    printf("%ld\n%.1f\n", thread_count * count, now_ms() - begin_ms);
    return 0;
}
