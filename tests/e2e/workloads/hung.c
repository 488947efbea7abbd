/*
 * Threads that wait for ever, each in another way and each called by functions of its own: what
 * somebody who attaches to a hung program wants to see. "leader": the first one ends, the others
 * stay. Prints a line once all of them are on their way.
 */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone)) static
/* Not a tail call, and its frame stays. */
#define STAY(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t beside = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t empty;
static int silent[2];

KEPT void take_the_lock(int depth)
{
    char room[3000];

    STAY(room);
    if (depth > 0)
        take_the_lock(depth - 1);
    else
        pthread_mutex_lock(&held);
    STAY(room);
}

KEPT void *wait_for_a_lock(void *data)
{
    take_the_lock(5);
    STAY(data);
    return data;
}

KEPT void read_into_much(void)
{
    char room[20000];

    (void)!read(silent[0], room, sizeof(room));
    STAY(room);
}

KEPT void *wait_for_input(void *data)
{
    read_into_much();
    STAY(data);
    return data;
}

KEPT void *wait_for_a_post(void *data)
{
    sem_wait(&empty);
    STAY(data);
    return data;
}

KEPT void *wait_for_news(void *data)
{
    pthread_mutex_lock(&beside);
    for (;;)
        pthread_cond_wait(&never, &beside);
    return data;
}

/* The room that it takes is not known before it runs. */
KEPT void *sleep_long(void *data)
{
    volatile char room[getpid() % 7 * 64 + 64];

    room[0] = 0;
    STAY(&room);
    sleep(100000);
    STAY(&room);
    return data;
}

KEPT void poll_for_ever(void)
{
    poll(NULL, 0, -1);
    STAY(&silent);
}

int main(int argc, char **argv)
{
    static void *(*const routines[])(void *) = {wait_for_a_lock, wait_for_input, wait_for_a_post,
                                                wait_for_news, sleep_long};
    pthread_t thread;

    pthread_mutex_lock(&held);
    sem_init(&empty, 0, 0);
    (void)!pipe(silent);
    for (size_t i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
        pthread_create(&thread, NULL, routines[i], NULL);
        pthread_detach(thread);
    }
    puts("all wait");
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "leader") == 0)
        pthread_exit(NULL);
    poll_for_ever();
    return 0;
}
