/*
 * Waits TURNS times in each of two places where there are 8 KB of stack: in a coroutine, and in a
 * signal handler on a stack of its own; then THREADS threads wait once each in the destructor of
 * their data, in its last round. With "keys", the program takes all keys for that.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { TURNS = 600, WAIT_NS = 200000, SIZE = 8192, PAGE = 4096, THREADS = 20 };

static ucontext_t back, there;

static char *new_stack(void)
{
    char *memory =
        mmap(NULL, SIZE + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory, PAGE, PROT_NONE) != 0)
        exit(99);
    return memory + PAGE;
}

/* Not inlined, not merged with another, and not a tail call. */
#define FUNCTION    static __attribute__((noinline, noclone, no_icf)) void
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

FUNCTION wait_once(void)
{
    struct timespec time = {0, WAIT_NS};
    int result = nanosleep(&time, NULL);

    KEEP(result);
}

FUNCTION wait_in_coroutine(void)
{
    wait_once();
    KEEP(1);
}

FUNCTION wait_in_handler(void)
{
    wait_once();
    KEEP(2);
}

FUNCTION wait_in_destructor(void)
{
    wait_once();
    KEEP(3);
}

static void coroutine(void)
{
    for (int i = 0; i < TURNS; i++) {
        wait_in_coroutine();
        swapcontext(&there, &back);
    }
}

static void handle(int signal)
{
    wait_in_handler();
    KEEP(signal);
}

static void wait_where_it_is_small(void)
{
    stack_t stack = {.ss_sp = new_stack(), .ss_size = SIZE};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

    getcontext(&there);
    there.uc_stack.ss_sp = new_stack();
    there.uc_stack.ss_size = SIZE;
    there.uc_link = &back;
    makecontext(&there, coroutine, 0);
    if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
        exit(99);
    for (int i = 0; i < TURNS; i++) {
        swapcontext(&back, &there);
        raise(SIGUSR1);
    }
}

static pthread_key_t last_key;

static void destroy(void *value)
{
    static _Thread_local int rounds;

    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(last_key, value);
    else
        wait_in_destructor();
    KEEP(value);
}

static void *set_data(void *unused)
{
    pthread_setspecific(last_key, "data");
    return unused;
}

int main(int argc, char **argv)
{
    pthread_key_t key;

    wait_where_it_is_small();
    if (pthread_key_create(&last_key, destroy) != 0)
        return 99;
    if (argc > 1 && strcmp(argv[1], "keys") == 0)
        while (pthread_key_create(&key, destroy) == 0)
            last_key = key < 32 ? key : last_key;
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, set_data, NULL) != 0 || pthread_join(thread, NULL) != 0)
            return 99;
    }
    return 0;
}
