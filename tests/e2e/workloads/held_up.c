/*
 * Programs that one thing holds up, or nothing: held_up WHAT.
 *
 *   pool     four workers wait for jobs that never come; the program is idle
 *   server   it accepts connections that never come, and threads wait for pipes and timers
 *   stages   a thread packs what another one grinds, which takes its time on a CPU
 *   polling  a thread sleeps for a moment, again and again, until another one is done
 *   crowd    three threads for each CPU have work
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, IDLE_MS = 600, ITEMS = 60, GRIND_MS = 6, POLL_MS = 5, CROWD_MS = 300 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int has_ended, ground_count;
static atomic_int is_done;

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static uint64_t used_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void compute_ms(uint64_t ms)
{
    uint64_t until_ms = used_ms() + ms;

    while (used_ms() < until_ms)
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

/* ---- Idle ---- */

static void *wait_for_jobs(void *unused)
{
    pthread_mutex_lock(&mutex);
    while (!has_ended)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void run_pool(void)
{
    pthread_t workers[WORKERS];

    for (int i = 0; i < WORKERS; i++) {
        char name[16];

        snprintf(name, sizeof name, "worker-%d", i + 1);
        workers[i] = start(wait_for_jobs, name);
    }
    sleep_ms(IDLE_MS);
    pthread_mutex_lock(&mutex);
    has_ended = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

static void *accept_connections(void *unused)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8))
        abort();
    accept(listener, NULL, NULL);
    return unused;
}

static void *read_commands(void *unused)
{
    int ends[2];
    char command;

    if (pipe(ends) || read(ends[0], &command, 1) < 0)
        abort();
    return unused;
}

static void run_server(void)
{
    start(accept_connections, "acceptor");
    start(read_commands, "commands");
    sleep_ms(IDLE_MS);
}

/* ---- Held up ---- */

static void *grind(void *unused)
{
    for (int i = 0; i < ITEMS; i++) {
        compute_ms(GRIND_MS);
        pthread_mutex_lock(&mutex);
        ground_count++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void *pack(void *unused)
{
    for (int packed = 0; packed < ITEMS; packed++) {
        pthread_mutex_lock(&mutex);
        while (ground_count <= packed)
            pthread_cond_wait(&changed, &mutex);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void run_stages(void)
{
    pthread_t packer = start(pack, "packer");
    pthread_t grinder = start(grind, "grinder");

    pthread_join(grinder, NULL);
    pthread_join(packer, NULL);
}

static void *poll_until_done(void *unused)
{
    while (!is_done)
        sleep_ms(POLL_MS);
    return unused;
}

static void run_polling(void)
{
    pthread_t poller = start(poll_until_done, "poller");

    sleep_ms(IDLE_MS);
    is_done = 1;
    pthread_join(poller, NULL);
}

static void *compute(void *unused)
{
    compute_ms(CROWD_MS);
    return unused;
}

static void run_crowd(void)
{
    long count = 3 * sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t *threads = calloc((size_t)count, sizeof *threads);

    for (long i = 0; i < count; i++)
        threads[i] = start(compute, "computer");
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } programs[] = {
        {"pool", run_pool},       {"server", run_server}, {"stages", run_stages},
        {"polling", run_polling}, {"crowd", run_crowd},
    };

    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            programs[i].run();
            return 0;
        }
    }
    return 2;
}
