/* A process that wakes its thread by a semaphore, and its child by a byte in a pipe: "ROUNDS" times
 * each. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sem_t semaphore;
static int ends[2];
static int rounds;

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static __attribute__((noinline)) void post_the_semaphore(void)
{
    sem_post(&semaphore);
    __asm__ volatile("");
}

static __attribute__((noinline)) void write_the_byte(void)
{
    if (write(ends[1], "x", 1) != 1)
        exit(1);
    __asm__ volatile("");
}

static void *wait_for_semaphore(void *unused)
{
    for (int i = 0; i < rounds; i++)
        sem_wait(&semaphore);
    return unused;
}

static int read_bytes(void)
{
    char byte;

    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    rounds = argc > 1 ? atoi(argv[1]) : 100;
    if (sem_init(&semaphore, 0, 0) != 0 || pipe(ends) != 0)
        return 1;
    pid_t child = fork();

    if (child == 0)
        return read_bytes();
    pthread_create(&thread, NULL, wait_for_semaphore, NULL);
    for (int i = 0; i < rounds; i++) {
        rest();
        post_the_semaphore();
        rest();
        write_the_byte();
    }
    close(ends[1]);
    pthread_join(thread, NULL);
    return waitpid(child, NULL, 0) == child ? 0 : 1;
}
