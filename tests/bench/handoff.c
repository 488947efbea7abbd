/* Nanoseconds for handing a token to another thread and getting it back, through semaphores. */
#include "timing.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static sem_t there, back;

static void *answer(void *unused)
{
    for (;;) {
        sem_wait(&there);
        sem_post(&back);
    }
    return unused;
}

int main(void)
{
    pthread_t thread;
    cpu_set_t one_cpu;

    /* On two CPUs it is the sleep states and the migrations that would be measured. */
    CPU_ZERO(&one_cpu);
    CPU_SET(0, &one_cpu);
    sched_setaffinity(0, sizeof one_cpu, &one_cpu);
    sem_init(&there, 0, 0);
    sem_init(&back, 0, 0);
    pthread_create(&thread, NULL, answer, NULL);
    BENCH(sem_post(&there); sem_wait(&back));
    return 0;
}
