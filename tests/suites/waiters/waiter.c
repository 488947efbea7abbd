/* Threads that wait in functions that are known by name, again and again, and one that runs at
 * times. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define NAP_US 3000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int pipe_fds[2];

static __attribute__((noinline)) void nap(int depth)
{
    volatile char room[256];

    room[0] = (char)depth;
    if (depth > 0)
        nap(depth - 1);
    else
        usleep(NAP_US);
    room[1] = room[0];
}

static __attribute__((noinline)) void hold(void)
{
    pthread_mutex_lock(&lock);
    nap(3);
    pthread_mutex_unlock(&lock);
    usleep(100);
}

static __attribute__((noinline)) void take(void)
{
    char byte;

    if (read(pipe_fds[0], &byte, 1) != 1)
        abort();
}

static void *holder(void *unused)
{
    for (;;)
        hold();
    return unused;
}

static void *taker(void *unused)
{
    for (;;)
        take();
    return unused;
}

int main(void)
{
    pthread_t thread;
    volatile unsigned long spins = 0;

    if (pipe(pipe_fds) != 0)
        return 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, holder, NULL);
    pthread_create(&thread, NULL, taker, NULL);
    for (;;) {
        for (int i = 0; i < 100000; i++)
            spins++;
        if (write(pipe_fds[1], "x", 1) != 1)
            return 1;
        nap(20);
    }
}
