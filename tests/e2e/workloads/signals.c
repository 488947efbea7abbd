/*
 * What becomes of signals on their way to a program.
 *   signals inherited      prints the signals that it was born with as blocked and as ignored
 *   signals count MS       says "ready", takes signals for so long, and prints how many of each
 *   signals alone MS       the same, in a process group of its own
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int counted[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

#define COUNTED (sizeof counted / sizeof *counted)

static int print_inherited(void)
{
    sigset_t blocked;

    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction action;

        if (sigismember(&blocked, number))
            printf("%s blocked\n", sigabbrev_np(number));
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf("%s ignored\n", sigabbrev_np(number));
    }
    return 0;
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int count(long ms)
{
    unsigned counts[COUNTED] = {0};
    long deadline = now_ms() + ms;
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < COUNTED; i++)
        sigaddset(&set, counted[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready");
    fflush(stdout);
    for (long left; (left = deadline - now_ms()) > 0;) {
        struct timespec time = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        int number = sigtimedwait(&set, NULL, &time);

        for (size_t i = 0; i < COUNTED; i++)
            counts[i] += counted[i] == number;
    }
    for (size_t i = 0; i < COUNTED; i++)
        if (counts[i] > 0)
            printf("%s %u\n", sigabbrev_np(counted[i]), counts[i]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "inherited") == 0)
        return print_inherited();
    if (argc > 2 && strcmp(argv[1], "alone") == 0 && setpgid(0, 0) == 0)
        return count(atol(argv[2]));
    if (argc > 2 && strcmp(argv[1], "count") == 0)
        return count(atol(argv[2]));
    fprintf(stderr, "signals: say what to do\n");
    return 98;
}
