/* A heap in which some blocks stay and some go, for about a second and a half: a leak, tables that
 * were made at the start, buffers, a batch in the middle, and messages that another thread frees.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline))
#define TICKS    150
#define TABLES   64
#define BATCH    256

static void *volatile kept;
static void *tables[TABLES];
static void *batch[BATCH];
static void *messages[TICKS];
static pthread_barrier_t barrier;

static NOINLINE void *leak_session(void)
{
    kept = malloc(8000);
    return kept;
}

static NOINLINE void make_tables(void)
{
    for (int i = 0; i < TABLES; i++)
        tables[i] = memset(malloc(65536), 1, 65536);
}

static NOINLINE void use_buffer(void)
{
    for (int i = 0; i < 200; i++) {
        void *volatile buffer = malloc(512);
        free(buffer);
    }
}

static NOINLINE void begin_batch(void)
{
    for (int i = 0; i < BATCH; i++)
        batch[i] = malloc(100000);
}

static void end_batch(void)
{
    for (int i = 0; i < BATCH; i++)
        free(batch[i]);
}

static NOINLINE void *make_message(void)
{
    void *volatile message = malloc(300);

    return message;
}

static void *consume(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < TICKS; i++)
        free(messages[i]);
    return NULL;
}

int main(void)
{
    const struct timespec tick = {0, 10 * 1000 * 1000};
    pthread_t consumer;

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&consumer, NULL, consume, NULL);
    make_tables();
    for (int i = 0; i < TICKS; i++) {
        leak_session();
        use_buffer();
        messages[i] = make_message();
        if (i == TICKS / 3)
            begin_batch();
        if (i == TICKS * 2 / 3)
            end_batch();
        nanosleep(&tick, NULL);
    }
    pthread_barrier_wait(&barrier);
    pthread_join(consumer, NULL);
    return 0;
}
