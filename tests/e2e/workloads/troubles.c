/*
 * Programs that are held up by one thing each, which is known: troubles WHAT.
 *
 *   reading   three threads wait for a lock, whose holder reads what comes slowly
 *   pipeline  of three stages with queues in between, the middle one takes its time on a CPU
 *   barrier   of four threads that meet at a barrier, heavy has more to do than the others
 *   herd      a job is announced to all of sixteen workers, and one of them gets it
 *   priority  on one CPU: a thread of low priority has a lock that others wait for, and busy runs
 *   server    one thread serves what comes every 10 ms, and once is busy with something for 300 ms
 *   inversion two locks are taken in either order, at times that never meet
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    CAPACITY = 4,
    ITEMS = 60,
    STAGE_MS = 6,
    ROUNDS = 50,
    HERD = 16,
    JOBS = 400,
    READS = 12,
    HIGH = 10
};

/* By a timer, as whoever keeps time does: that is no waiting for anybody. */
static void pause_us(long us)
{
    const struct itimerspec time = {
        .it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    uint64_t count;

    if (timerfd_settime(timer, 0, &time, NULL) != 0 ||
        read(timer, &count, sizeof count) != sizeof count)
        abort();
    close(timer);
}

static uint64_t used_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void compute_us(uint64_t us)
{
    uint64_t until_us = used_us() + us;

    while (used_us() < until_us)
        continue;
}

static pthread_t start(void *(*run)(void *), const char *name)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, NULL) != 0)
        abort();
    pthread_setname_np(thread, name);
    return thread;
}

/* ---- A lock that is held while its holder reads ---- */

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static int slow_disk[2];

static void load_page(void)
{
    char page;

    if (read(slow_disk[0], &page, 1) != 1)
        abort();
}

static void *look_up(void *unused)
{
    for (int i = 0; i < READS; i++) {
        pthread_mutex_lock(&cache_lock);
        load_page();
        pthread_mutex_unlock(&cache_lock);
    }
    return unused;
}

static void run_reading(void)
{
    pthread_t readers[4];
    char name[16];

    if (pipe(slow_disk) != 0)
        abort();
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "reader-%d", i + 1);
        readers[i] = start(look_up, name);
    }
    for (int i = 0; i < 4 * READS; i++) {
        pause_us(10000);
        if (write(slow_disk[1], "x", 1) != 1)
            abort();
    }
    for (int i = 0; i < 4; i++)
        pthread_join(readers[i], NULL);
}

/* ---- A pipeline ---- */

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t has_room, has_items;
    int count;
};

#define QUEUE                                                                            \
    {                                                                                    \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 \
    }

static struct queue read_queue = QUEUE, written_queue = QUEUE;

static void put(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == CAPACITY)
        pthread_cond_wait(&queue->has_room, &queue->mutex);
    queue->count++;
    pthread_cond_signal(&queue->has_items);
    pthread_mutex_unlock(&queue->mutex);
}

static void get(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0)
        pthread_cond_wait(&queue->has_items, &queue->mutex);
    queue->count--;
    pthread_cond_signal(&queue->has_room);
    pthread_mutex_unlock(&queue->mutex);
}

static void *parse(void *unused)
{
    for (int i = 0; i < ITEMS; i++)
        put(&read_queue);
    return unused;
}

static void *compress(void *unused)
{
    for (int i = 0; i < ITEMS; i++) {
        get(&read_queue);
        compute_us(STAGE_MS * 1000);
        put(&written_queue);
    }
    return unused;
}

static void *store(void *unused)
{
    for (int i = 0; i < ITEMS; i++)
        get(&written_queue);
    return unused;
}

static void run_pipeline(void)
{
    pthread_t stages[] = {start(parse, "parser"), start(compress, "compressor"),
                          start(store, "storer")};

    for (int i = 0; i < 3; i++)
        pthread_join(stages[i], NULL);
}

/* ---- A barrier ---- */

static pthread_barrier_t step_done;

static void *step(uint64_t us)
{
    for (int i = 0; i < ROUNDS; i++) {
        compute_us(us);
        pthread_barrier_wait(&step_done);
    }
    return NULL;
}

static void *step_lightly(void *unused)
{
    (void)unused;
    return step(200);
}

static void *step_heavily(void *unused)
{
    (void)unused;
    return step(10000);
}

static void run_barrier(void)
{
    pthread_t threads[4];

    pthread_barrier_init(&step_done, NULL, 4);
    for (int i = 0; i < 4; i++)
        threads[i] = i < 3 ? start(step_lightly, "light") : start(step_heavily, "heavy");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

/* ---- A herd ---- */

static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_changed = PTHREAD_COND_INITIALIZER;
static int job_count, has_ended;

static void *work(void *unused)
{
    pthread_mutex_lock(&jobs_lock);
    while (!has_ended) {
        if (job_count > 0) {
            job_count--;
            pthread_mutex_unlock(&jobs_lock);
            compute_us(100);
            pthread_mutex_lock(&jobs_lock);
        }
        pthread_cond_wait(&jobs_changed, &jobs_lock);
    }
    pthread_mutex_unlock(&jobs_lock);
    return unused;
}

static void announce(int end)
{
    pthread_mutex_lock(&jobs_lock);
    job_count++;
    has_ended = end;
    pthread_cond_broadcast(&jobs_changed);
    pthread_mutex_unlock(&jobs_lock);
}

static void run_herd(void)
{
    pthread_t workers[HERD];

    for (int i = 0; i < HERD; i++) {
        char name[16];

        snprintf(name, sizeof name, "worker-%d", i + 1);
        workers[i] = start(work, name);
    }
    pause_us(50000);
    for (int i = 0; i < JOBS; i++) {
        announce(0);
        pause_us(2000);
    }
    announce(1);
    for (int i = 0; i < HERD; i++)
        pthread_join(workers[i], NULL);
}

/* ---- Priorities ---- */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t has_table;

static void *update_table(void *unused)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    pthread_mutex_lock(&table_lock);
    pthread_barrier_wait(&has_table);
    compute_us(20000);
    pthread_mutex_unlock(&table_lock);
    return unused;
}

static void *ask_table(void *unused)
{
    pthread_mutex_lock(&table_lock);
    pthread_mutex_unlock(&table_lock);
    return unused;
}

static void *be_busy(void *unused)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
    compute_us(800000);
    return unused;
}

static void run_priority(void)
{
    pthread_t threads[HIGH + 2];
    cpu_set_t first;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof first, &first);
    pthread_barrier_init(&has_table, NULL, 2);
    threads[0] = start(update_table, "low");
    pthread_barrier_wait(&has_table);
    for (int i = 0; i < HIGH; i++)
        threads[1 + i] = start(ask_table, "high");
    threads[HIGH + 1] = start(be_busy, "busy");
    for (int i = 0; i < HIGH + 2; i++)
        pthread_join(threads[i], NULL);
}

/* ---- Two locks in either order ---- */

static pthread_mutex_t users = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t orders = PTHREAD_MUTEX_INITIALIZER;
static sem_t may_go[2], has_gone;

static void *rename_user(void *unused)
{
    sem_wait(&may_go[0]);
    pthread_mutex_lock(&users);
    pthread_mutex_lock(&orders);
    pthread_mutex_unlock(&orders);
    pthread_mutex_unlock(&users);
    sem_post(&has_gone);
    return unused;
}

static void *close_order(void *unused)
{
    sem_wait(&may_go[1]);
    pthread_mutex_lock(&orders);
    pthread_mutex_lock(&users);
    pthread_mutex_unlock(&users);
    pthread_mutex_unlock(&orders);
    sem_post(&has_gone);
    return unused;
}

/* glibc has 2 in a lock that somebody waits for. */
static void wait_for_waiter(const volatile pthread_mutex_t *mutex)
{
    while (mutex->__data.__lock != 2)
        pause_us(500);
}

/* One goes when the other is done. Its second lock is taken for a moment, so that it has to wait.
 */
static void run_inversion(void)
{
    pthread_mutex_t *second[] = {&orders, &users};

    for (int i = 0; i < 2; i++)
        sem_init(&may_go[i], 0, 0);
    sem_init(&has_gone, 0, 0);
    pthread_t threads[] = {start(rename_user, "renamer"), start(close_order, "closer")};

    for (int i = 0; i < 2; i++) {
        pause_us(400000);
        pthread_mutex_lock(second[i]);
        sem_post(&may_go[i]);
        wait_for_waiter(second[i]);
        pthread_mutex_unlock(second[i]);
        sem_wait(&has_gone);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* ---- An event loop ---- */

enum { REQUESTS = 40, SLOW_REQUEST = 20 };

static int requests[2];

static void *send_requests(void *unused)
{
    for (int i = 0; i < REQUESTS; i++) {
        pause_us(10000);
        if (write(requests[1], "x", 1) != 1)
            abort();
    }
    return unused;
}

static void rebuild_index(void)
{
    pause_us(300000);
}

static void run_server(void)
{
    int events = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    char request;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, requests) != 0 ||
        epoll_ctl(events, EPOLL_CTL_ADD, requests[0], &event) != 0)
        abort();
    pthread_t client = start(send_requests, "client");

    for (int i = 0; i < REQUESTS; i++) {
        if (epoll_wait(events, &event, 1, -1) != 1 || read(requests[0], &request, 1) != 1)
            abort();
        if (i == SLOW_REQUEST)
            rebuild_index();
    }
    pthread_join(client, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } programs[] = {
        {"reading", run_reading},     {"pipeline", run_pipeline}, {"barrier", run_barrier},
        {"herd", run_herd},           {"priority", run_priority}, {"server", run_server},
        {"inversion", run_inversion},
    };

    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run();
            return 0;
        }
    }
    return 2;
}
