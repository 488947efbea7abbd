/*
 * Threads that share a lock and wait for each other, and then a mistake: none, "leak", "overflow"
 * (of a buffer that read() fills) or "race". Built with a sanitizer, which finds it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 8, TURNS = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_are_done = PTHREAD_COND_INITIALIZER;
static int counter;
static int done;
static int unguarded;
static int is_racing;

static void *take_turns(void *unused)
{
    /* Before the first lock: those that follow may put the threads in an order by chance. */
    if (is_racing)
        unguarded++;
    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        usleep(10);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_lock(&lock);
    if (++done == THREADS)
        pthread_cond_broadcast(&all_are_done);
    while (done < THREADS)
        pthread_cond_wait(&all_are_done, &lock);
    pthread_mutex_unlock(&lock);
    return unused;
}

static __attribute__((noinline)) void leak(void)
{
    static void *volatile kept;

    kept = malloc(77);
    if (kept != NULL)
        kept = NULL;
}

static __attribute__((noinline)) void overflow(void)
{
    char *buffer = malloc(8);
    volatile size_t size = 16;
    int fds[2];

    if (pipe(fds) != 0 || write(fds[1], "0123456789abcdef", 16) != 16)
        exit(2);
    if (read(fds[0], buffer, size) != 16)
        exit(2);
    free(buffer);
}

int main(int argc, char **argv)
{
    const char *mistake = argc > 1 ? argv[1] : "none";
    pthread_t threads[THREADS];

    is_racing = strcmp(mistake, "race") == 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, take_turns, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d\n", counter);
    if (strcmp(mistake, "leak") == 0)
        leak();
    if (strcmp(mistake, "overflow") == 0)
        overflow();
    return 0;
}
