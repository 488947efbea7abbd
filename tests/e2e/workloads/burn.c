/*
 * Uses the CPU, by its own clock, and says how much: burn MODE. Built without frame pointers.
 *
 *   shares    three parts of the time in heavy(), one in light()
 *   threads   the same in two threads, which sleep too
 *   children  the same in a child, and in another that executes this program anew
 *   kernel    most of it in the kernel
 *   quick     not enough for one sample
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURNS    20
#define TURN_NS  INT64_C(60000000)
#define SLEEP_NS 20000000

/* Between two looks at the clock, which take time in the kernel. */
#define LOOPS 500000

/* Not inlined, not cloned, and not a tail call. */
#define FUNCTION    __attribute__((noinline, noclone)) static int
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

static int64_t used_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

FUNCTION spin(int64_t until_ns)
{
    int turns = 0;

    while (used_ns() < until_ns) {
        for (int i = 0; i < LOOPS; i++)
            KEEP(i);
        turns++;
    }
    return turns;
}

FUNCTION heavy(int64_t begin_ns)
{
    return spin(begin_ns + TURN_NS * 3 / 4) + 1;
}

FUNCTION light(int64_t begin_ns)
{
    return spin(begin_ns + TURN_NS) + 1;
}

FUNCTION share(int turns)
{
    int sum = 0;

    for (int i = 0; i < turns; i++) {
        int64_t begin_ns = used_ns();

        sum += heavy(begin_ns) + light(begin_ns);
    }
    KEEP(sum);
    return sum;
}

static void *share_and_sleep(void *name)
{
    const struct timespec time = {0, SLEEP_NS};

    pthread_setname_np(pthread_self(), name);
    share(TURNS / 2);
    nanosleep(&time, NULL);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[2];

    pthread_create(&threads[0], NULL, share_and_sleep, "first");
    pthread_create(&threads[1], NULL, share_and_sleep, "second");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void run_children(char *program)
{
    char *argv[] = {program, "shares", NULL};

    if (fork() == 0) {
        share(TURNS);
        _exit(0);
    }
    wait(NULL);
    if (fork() == 0) {
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    wait(NULL);
}

static void read_zeros(void)
{
    static char zeros[1 << 20];
    int file = open("/dev/zero", O_RDONLY);
    int64_t until_ns = used_ns() + TURNS * TURN_NS / 2;

    while (used_ns() < until_ns) {
        if (read(file, zeros, sizeof zeros) < 0)
            abort();
    }
    close(file);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "shares";
    struct rusage usage;

    if (strcmp(mode, "threads") == 0)
        run_threads();
    else if (strcmp(mode, "children") == 0)
        run_children(argv[0]);
    else if (strcmp(mode, "kernel") == 0)
        read_zeros();
    else if (strcmp(mode, "quick") != 0)
        share(TURNS);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"pid\": %d, \"user_s\": %ld.%06ld, \"system_s\": %ld.%06ld}\n", getpid(),
           usage.ru_utime.tv_sec, usage.ru_utime.tv_usec, usage.ru_stime.tv_sec,
           usage.ru_stime.tv_usec);
    return 0;
}
