/*
 * Programs whose end depends on one thing: paths WHAT [NUMBER].
 *
 *   pipeline MS   items go through three stages, of which the second one takes so long for each
 *   join MS       four threads work for a tenth of that, and the third one of them for all of it
 *   convoy US     four threads take turns at a lock, which each holds for so long
 *   slow_pipeline MS, slow_convoy US   the same, where they sleep instead of computing
 *   child MS      a child process works, and is waited for
 *   serial MS     one thread prepares for so long what four others then do in a twentieth of that
 *   random SEED   threads do anything, but always come to an end
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ITEMS = 40,
    QUEUE_MAX = 4,
    QUICK_US = 500,
    WORKERS = 4,
    TURNS = 100,
    BETWEEN_US = 200,
    RANDOM_THREADS = 6,
    RANDOM_LOCKS = 3,
    RANDOM_STEPS = 120,
};

static uint64_t used_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void compute_us(long us)
{
    uint64_t until_us = used_us() + (uint64_t)us;

    while (used_us() < until_us)
        continue;
}

static int is_sleeping;

static void work_us(long us)
{
    if (is_sleeping)
        usleep((useconds_t)us);
    else
        compute_us(us);
}

static pthread_t start(void *(*run)(void *), const char *name, void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, argument) != 0)
        abort();
    pthread_setname_np(thread, name);
    return thread;
}

/* ---- A pipeline ---- */

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
};

static struct queue to_compress = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
static struct queue to_write = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
static long slow_us;

static void put(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == QUEUE_MAX)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    queue->count++;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

static void take(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    queue->count--;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

static void *read_items(void *unused)
{
    for (int i = 0; i < ITEMS; i++) {
        work_us(QUICK_US);
        put(&to_compress);
    }
    return unused;
}

static void *compress_items(void *unused)
{
    for (int i = 0; i < ITEMS; i++) {
        take(&to_compress);
        work_us(slow_us);
        put(&to_write);
    }
    return unused;
}

static void *write_items(void *unused)
{
    for (int i = 0; i < ITEMS; i++) {
        take(&to_write);
        work_us(QUICK_US);
    }
    return unused;
}

static void run_pipeline(long ms)
{
    slow_us = ms * 1000;
    pthread_t stages[] = {
        start(read_items, "reader", NULL),
        start(compress_items, "compressor", NULL),
        start(write_items, "writer", NULL),
    };

    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        pthread_join(stages[i], NULL);
}

/* ---- Fork and join ---- */

static void *work(void *us)
{
    work_us(*(long *)us);
    return NULL;
}

static void run_join(long ms)
{
    long all[WORKERS] = {ms * 100, ms * 100, ms * 1000, ms * 100};
    pthread_t workers[WORKERS];
    char name[16];

    for (int i = 0; i < WORKERS; i++) {
        snprintf(name, sizeof name, "worker-%d", i + 1);
        workers[i] = start(work, name, &all[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

/* ---- A convoy ---- */

static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;

static void update_counters(long us)
{
    pthread_mutex_lock(&counter_lock);
    work_us(us);
    pthread_mutex_unlock(&counter_lock);
}

static void *take_turns(void *us)
{
    for (int i = 0; i < TURNS; i++) {
        update_counters(*(long *)us);
        work_us(BETWEEN_US);
    }
    return NULL;
}

static void run_convoy(long us)
{
    pthread_t workers[WORKERS];
    char name[16];

    for (int i = 0; i < WORKERS; i++) {
        snprintf(name, sizeof name, "worker-%d", i + 1);
        workers[i] = start(take_turns, name, &us);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

static void run_slow_pipeline(long ms)
{
    is_sleeping = 1;
    run_pipeline(ms);
}

static void run_slow_convoy(long us)
{
    is_sleeping = 1;
    run_convoy(us);
}

/* ---- A child ---- */

static void run_child(long ms)
{
    pid_t child = fork();

    if (child == 0) {
        compute_us(ms * 1000);
        exit(0);
    }
    compute_us(QUICK_US);
    if (child < 0 || waitpid(child, NULL, 0) != child)
        abort();
    compute_us(QUICK_US);
}

/* ---- A part that one thread does alone ---- */

static volatile unsigned long prepared;

static __attribute__((noinline)) void prepare_items(long us)
{
    uint64_t until_us = used_us() + (uint64_t)us;

    while (used_us() < until_us) {
        for (int i = 0; i < 100000; i++)
            prepared += (unsigned long)i;
    }
}

static void run_serial(long ms)
{
    long each = ms * 1000 / 100; /* little, also where they are in line for a CPU */
    pthread_t workers[WORKERS];

    prepare_items(ms * 1000);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start(work, "worker", &each);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

/* ---- Anything ---- */

static pthread_mutex_t locks[RANDOM_LOCKS];
static sem_t turns[RANDOM_THREADS];
static pthread_barrier_t barrier;
static long seed;

/* All threads come to each meeting, at which each lets the next one go on. */
static void meet(int number, int step)
{
    if (step % 20 == 19)
        pthread_barrier_wait(&barrier);
    sem_post(&turns[(number + 1) % RANDOM_THREADS]);
    while (sem_wait(&turns[number]) != 0)
        continue;
}

static void *do_anything(void *argument)
{
    int number = *(int *)argument;
    unsigned state = (unsigned)(seed * RANDOM_THREADS + number);

    for (int step = 0; step < RANDOM_STEPS; step++) {
        pthread_mutex_t *lock = &locks[rand_r(&state) % RANDOM_LOCKS];

        compute_us(rand_r(&state) % 200);
        pthread_mutex_lock(lock);
        compute_us(rand_r(&state) % 100);
        if (rand_r(&state) % 20 == 0)
            usleep(100);
        pthread_mutex_unlock(lock);
        if (step % 10 == 9)
            meet(number, step);
    }
    return NULL;
}

static void run_random(long number)
{
    pthread_t threads[RANDOM_THREADS];
    int numbers[RANDOM_THREADS];

    seed = number;
    pthread_barrier_init(&barrier, NULL, RANDOM_THREADS);
    for (int i = 0; i < RANDOM_LOCKS; i++)
        pthread_mutex_init(&locks[i], NULL);
    for (int i = 0; i < RANDOM_THREADS; i++)
        sem_init(&turns[i], 0, 0);
    for (int i = 0; i < RANDOM_THREADS; i++) {
        numbers[i] = i;
        threads[i] = start(do_anything, "anything", &numbers[i]);
    }
    for (int i = 0; i < RANDOM_THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(long number);
    } programs[] = {
        {"pipeline", run_pipeline},       {"join", run_join},
        {"convoy", run_convoy},           {"child", run_child},
        {"random", run_random},           {"slow_pipeline", run_slow_pipeline},
        {"slow_convoy", run_slow_convoy}, {"serial", run_serial},
    };

    for (size_t i = 0; argc == 3 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run(strtol(argv[2], NULL, 10));
            return 0;
        }
    }
    return 2;
}
