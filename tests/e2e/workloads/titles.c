/*
 * A server as many are built: workers that are forked call themselves something else, and all wait
 * in the same function. Usage: titles WORKERS MILLISECONDS; with 0 ms they wait until the first one
 * is told to kill its parent by a line on the standard input, which has a thread that waits for a
 * lock.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;

/* Over the arguments, as those do who know no better way. */
static void set_title(char **argv, const char *title)
{
    char *end = argv[0];

    if (end == NULL)
        return;
    for (int i = 0; argv[i] != NULL && argv[i] == end; i++)
        end = argv[i] + strlen(argv[i]) + 1;
    memset(argv[0], 0, (size_t)(end - argv[0]));
    snprintf(argv[0], (size_t)(end - argv[0]), "%s", title);
}

__attribute__((noinline)) static void serve(unsigned milliseconds)
{
    usleep(milliseconds * 1000);
    __asm__ volatile(""); /* no jump to usleep: this function stays on the stack */
}

static void *wait_for_lock(void *nothing)
{
    pthread_mutex_lock(&held_lock);
    return nothing;
}

static void be_killed_while_waiting(void)
{
    pthread_t waiter;
    char line[2];

    pthread_mutex_lock(&held_lock);
    if (fork() == 0) {
        if (read(0, line, sizeof(line)) >= 0)
            kill(getppid(), SIGKILL);
        _exit(0);
    }
    pthread_create(&waiter, NULL, wait_for_lock, NULL);
    pthread_join(waiter, NULL);
}

int main(int argc, char **argv)
{
    int workers = argc > 1 ? atoi(argv[1]) : 1;
    unsigned milliseconds = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    char title[64];

    if (milliseconds == 0)
        be_killed_while_waiting();
    for (int i = 0; i < workers; i++) {
        if (fork() == 0) {
            snprintf(title, sizeof(title), "t: worker %d", i);
            set_title(argv, title);
            serve(milliseconds);
            return 0;
        }
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}
