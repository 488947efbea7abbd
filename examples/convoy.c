/*
 * A lock convoy: four workers render pages and keep a count of them, and all of
 * it happens under one mutex. However many CPUs there are, one worker works and
 * three wait for the lock.
 *
 * The sync profile shows it at once: nearly all of the workers' time is in
 * pthread_mutex_lock, called by serve_page. convoy_cured.c is the same program
 * with the work taken out of the lock.
 */
#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { WORKERS = 4, PAGES_PER_WORKER = 500, PAGE_US = 500 };

static pthread_mutex_t statistics_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned pages_served;
static _Atomic uint64_t waited_ns;

static void render_page(void)
{
    work_for_us(PAGE_US);
}

static void serve_page(void)
{
    uint64_t asked_ns = clock_now_ns();

    pthread_mutex_lock(&statistics_lock);
    waited_ns += clock_now_ns() - asked_ns;
    render_page();  /* the disease: nothing in here needs the lock ... */
    pages_served++; /* ... but this */
    pthread_mutex_unlock(&statistics_lock);
}

static void *worker(void *unused)
{
    (void)unused;
    for (int i = 0; i < PAGES_PER_WORKER; i++)
        serve_page();
    return NULL;
}

int main(void)
{
    pthread_t workers[WORKERS];
    uint64_t begin_ns = clock_now_ns();

    for (int i = 0; i < WORKERS; i++) {
        char name[16];

        pthread_create(&workers[i], NULL, worker, NULL);
        snprintf(name, sizeof name, "worker-%d", i + 1);
        pthread_setname_np(workers[i], name);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);

    printf("convoy: served %u pages in %.0f ms; the workers waited %.0f ms for the lock\n",
           pages_served, ns_to_ms(clock_now_ns() - begin_ns), ns_to_ms(waited_ns));
    return 0;
}
