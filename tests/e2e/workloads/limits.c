/*
 * Programs that a limit suits: each does its work under the limit that it is run with, and says
 * what went wrong.
 *
 *   limits data THREADS     takes 300 MB, and a little in each thread
 *   limits lock THREADS     locks all of its memory, now and later
 *   limits size             prints the peak of its address space, in kB
 *   limits threads COUNT    has so many at a time, which all wait once
 *   limits stacks COUNT     waits at so many distinct stacks
 *   limits flood COUNT      one thread that waits so often, while nobody could read of it
 *   limits killed COUNT     children that wait on new descriptors, and are killed while they do
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 1000
#define DATA_SIZE   ((size_t)300 << 20)

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void sleep_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};

    nanosleep(&time, NULL);
}

static pthread_barrier_t all_are_there;

static void *wait_for_all(void *size)
{
    char *memory = size != NULL ? malloc((size_t)size) : NULL;

    if (memory == NULL && size != NULL)
        fail("malloc");
    if (memory != NULL)
        memset(memory, 1, (size_t)size);
    sleep_us(1000);
    pthread_barrier_wait(&all_are_there);
    free(memory);
    return NULL;
}

/* So many at a time, each with so much memory. */
static void run_threads(unsigned count, size_t size)
{
    static pthread_t threads[MAX_THREADS];
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&all_are_there, NULL, count);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attributes, wait_for_all, (void *)size) != 0)
            fail("pthread_create");
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void take_data(unsigned threads)
{
    char *data = malloc(DATA_SIZE);

    if (data == NULL)
        fail("malloc");
    memset(data, 1, DATA_SIZE);
    run_threads(threads, 100000);
    free(data);
}

/* A line of our status, in kB. */
static long status_kb(const char *name)
{
    char line[256];
    long kb = -1;
    FILE *status = fopen("/proc/self/status", "r");

    if (status == NULL)
        fail("/proc/self/status");
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(status);
    return kb;
}

/* ---- Stacks by the number ---- */

static __attribute__((noinline)) int go_down(unsigned path, unsigned depth);

static __attribute__((noinline)) int go_left(unsigned path, unsigned depth)
{
    return go_down(path, depth) + 1;
}

static __attribute__((noinline)) int go_right(unsigned path, unsigned depth)
{
    return go_down(path, depth) + 2;
}

static __attribute__((noinline)) int go_down(unsigned path, unsigned depth)
{
    if (depth == 0) {
        static int null_fd = -1;
        if (null_fd < 0)
            null_fd = open("/dev/null", O_WRONLY);
        return (int)write(null_fd, "", 1);
    }
    return path & 1 ? go_left(path >> 1, depth - 1) : go_right(path >> 1, depth - 1);
}

static void wait_at_stacks(unsigned count)
{
    volatile int sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += go_down(i, 17);
}

static void flood(unsigned count)
{
    int fd = open("/dev/null", O_WRONLY);

    for (unsigned i = 0; i < count; i++)
        if (write(fd, "", 1) != 1)
            fail("write");
}

static void be_killed(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;) {
                char byte;
                int fd = open("/proc/self/comm", O_RDONLY);
                if (read(fd, &byte, 1) != 1)
                    _exit(EXIT_FAILURE);
                close(fd);
            }
        sleep_us(2000 + (long)(i * 37 % 3000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "idle") != 0)
        mallopt(M_ARENA_MAX, 1); /* else their number, 64 MB each, is a matter of who meets whom */
    if (strcmp(what, "data") == 0)
        take_data(count);
    else if (strcmp(what, "lock") == 0 && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        fail("mlockall");
    else if (strcmp(what, "lock") == 0 || strcmp(what, "threads") == 0)
        run_threads(count, 1000);
    else if (strcmp(what, "idle") == 0)
        run_threads(count, 0);
    else if (strcmp(what, "stacks") == 0)
        wait_at_stacks(count);
    else if (strcmp(what, "flood") == 0)
        flood(count);
    else if (strcmp(what, "killed") == 0)
        be_killed(count);
    else if (strcmp(what, "size") != 0)
        return EXIT_FAILURE;
    printf("%ld %ld\n", status_kb("VmPeak:"), status_kb("VmLck:"));
    return EXIT_SUCCESS;
}
