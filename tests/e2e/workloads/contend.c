/* Two threads that share one CPU, and one that sleeps: who runs when is known. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define RUN_NS   INT64_C(300000000)
#define SLEEPS   20
#define SLEEP_US 5000

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What is known of one thread at its end. */
struct answer {
    const char *name;
    int64_t ran_ns;
    int64_t lived_ns;
    int64_t slept_ns;
};

static void print(const struct answer *answer)
{
    printf(
        "{\"name\": \"%s\", \"tid\": %d, \"ran_ns\": %lld, \"lived_ns\": %lld, \"slept_ns\": %lld}",
        answer->name, gettid(), (long long)answer->ran_ns, (long long)answer->lived_ns,
        (long long)answer->slept_ns);
}

static pthread_barrier_t all_are_there;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void finish(const char *name, int64_t begin_ns, int64_t slept_ns)
{
    struct answer answer = {name, clock_ns(CLOCK_THREAD_CPUTIME_ID),
                            clock_ns(CLOCK_MONOTONIC) - begin_ns, slept_ns};
    static int count;

    pthread_mutex_lock(&output);
    printf("%s", count++ > 0 ? ",\n" : "[\n");
    print(&answer);
    pthread_mutex_unlock(&output);
}

static void *run(void *name)
{
    cpu_set_t first;
    int64_t begin_ns;

    prctl(PR_SET_NAME, name);
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof(first), &first);
    pthread_barrier_wait(&all_are_there);
    begin_ns = clock_ns(CLOCK_MONOTONIC);
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < RUN_NS)
        continue;
    finish(name, begin_ns, 0);
    return NULL;
}

static void *rest(void *name)
{
    int64_t begin_ns, slept_ns = 0;

    prctl(PR_SET_NAME, name);
    pthread_barrier_wait(&all_are_there);
    begin_ns = clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < SLEEPS; i++) {
        int64_t before_ns = clock_ns(CLOCK_MONOTONIC);
        usleep(SLEEP_US);
        slept_ns += clock_ns(CLOCK_MONOTONIC) - before_ns;
    }
    finish(name, begin_ns, slept_ns);
    return NULL;
}

int main(void)
{
    pthread_t threads[3];

    pthread_barrier_init(&all_are_there, NULL, 3);
    pthread_create(&threads[0], NULL, run, "hog-1");
    pthread_create(&threads[1], NULL, run, "hog-2");
    pthread_create(&threads[2], NULL, rest, "sleeper");
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("\n]");
    return 0;
}
