/*
 * Linked statically: no preload gets in here. Threads named by what they do make themselves known
 * at once: "sleeper" sleeps, "locker" waits for a lock, both to the end, and "ticker" sleeps now
 * and then. After 600 ms there comes a "latecomer"; after 900 ms it ends.
 */
#include <pthread.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static void *sleep_on(void *name)
{
    pthread_setname_np(pthread_self(), name);
    sleep_ms(100000);
    return NULL;
}

static void *wait_for_lock(void *name)
{
    pthread_setname_np(pthread_self(), name);
    pthread_mutex_lock(&lock);
    return NULL;
}

static void *tick(void *name)
{
    pthread_setname_np(pthread_self(), name);
    for (;;)
        sleep_ms(20);
    return NULL;
}

static void start(char *name, void *(*work)(void *))
{
    pthread_t thread;

    pthread_create(&thread, NULL, work, name);
}

int main(void)
{
    pthread_mutex_lock(&lock);
    start("sleeper", sleep_on);
    start("locker", wait_for_lock);
    start("ticker", tick);
    sleep_ms(600);
    start("latecomer", sleep_on);
    sleep_ms(300);
    _exit(0);
}
