/*
 * One thread forks all the time while others wait: whatever the library must not do during a fork,
 * the stacks of their waits are whole.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS   50
#define WAITERS 3

static atomic_bool is_over;

static __attribute__((noinline)) void wait_a_little(void)
{
    struct timespec time = {.tv_nsec = 200000};

    nanosleep(&time, NULL);
    __asm__ volatile(""); /* no tail call: this function is in the stack */
}

static void *waiter_main(void *unused)
{
    while (!is_over)
        wait_a_little();
    return unused;
}

int main(void)
{
    pthread_t waiters[WAITERS];

    for (int i = 0; i < WAITERS; i++)
        if (pthread_create(&waiters[i], NULL, waiter_main, NULL) != 0)
            return EXIT_FAILURE;
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return EXIT_FAILURE;
    }
    is_over = true;
    for (int i = 0; i < WAITERS; i++)
        pthread_join(waiters[i], NULL);
    return EXIT_SUCCESS;
}
