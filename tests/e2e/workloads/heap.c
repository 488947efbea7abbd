/* Allocates by every function that there is, and says itself what each place has allocated and
 * what of it is live: "place objects bytes live_objects live_bytes". */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS   2000
#define NOINLINE __attribute__((noinline))

struct count {
    const char *place;
    unsigned long objects, bytes, live_objects, live_bytes;
};

static void count(struct count *place, long objects, long bytes)
{
    if (objects > 0) {
        __atomic_fetch_add(&place->objects, (unsigned long)objects, __ATOMIC_RELAXED);
        __atomic_fetch_add(&place->bytes, (unsigned long)bytes, __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&place->live_objects, (unsigned long)objects, __ATOMIC_RELAXED);
    __atomic_fetch_add(&place->live_bytes, (unsigned long)bytes, __ATOMIC_RELAXED);
}

/* F(place, how a block of that size is had) */
#define PLACES(F)                                                                    \
    F(by_malloc, block = malloc(size))                                               \
    F(by_calloc, block = calloc(3, size / 3); size = size / 3 * 3)                   \
    F(by_reallocarray, block = reallocarray(NULL, 2, size); size *= 2)               \
    F(by_posix_memalign, if (posix_memalign(&block, 64, size)) block = 0)            \
    F(by_aligned_alloc, size = 64 + size / 64 * 64; block = aligned_alloc(64, size)) \
    F(by_memalign, block = memalign(256, size))                                      \
    F(by_valloc, block = valloc(size))                                               \
    F(by_pvalloc, block = has_pvalloc ? pvalloc(size) : valloc(size))

/* jemalloc has none: what the C library's gives, it does not take back. */
static int has_pvalloc;

#define PLACE(name, how)                                    \
    static struct count count_##name = {#name, 0, 0, 0, 0}; \
    static NOINLINE void *name(size_t *bytes)               \
    {                                                       \
        void *volatile result;                              \
        void *block = NULL;                                 \
        size_t size = *bytes;                               \
        how;                                                \
        *bytes = size;                                      \
        count(&count_##name, 1, (long)size);                \
        result = block;                                     \
        return result;                                      \
    }
PLACES(PLACE)

static struct count count_by_realloc = {"by_realloc", 0, 0, 0, 0};
static struct count count_by_strdup = {"by_strdup", 0, 0, 0, 0};

/* What is resized counts as freed, and as allocated with its new size, in place or not. */
static NOINLINE void *by_realloc(void *block, size_t from, size_t size)
{
    void *volatile resized = realloc(block, size);

    if (block != NULL)
        count(&count_by_realloc, -1, -(long)from);
    count(&count_by_realloc, 1, (long)size);
    return resized;
}

static NOINLINE char *by_strdup(const char *text)
{
    char *volatile copy = strdup(text);

    count(&count_by_strdup, 1, (long)strlen(text) + 1);
    return copy;
}

static void grow(void)
{
    void *block = by_realloc(NULL, 0, 10);

    block = by_realloc(block, 10, 20);       /* in place */
    block = by_realloc(block, 20, 5000);     /* elsewhere, maybe */
    block = by_realloc(block, 5000, 300000); /* to a mapping */
    block = by_realloc(block, 300000, 100);
    if (realloc(block, SIZE_MAX / 4) != NULL) /* it stays what it is */
        abort();
    free(by_strdup("two of these"));
    count(&count_by_strdup, -1, -(long)sizeof("two of these"));
    by_strdup("are left");
}

struct left {
    void *block;
    struct count *place;
    size_t size;
};

#define THREADS 4
static struct left lefts[THREADS][ROUNDS * 8];
static unsigned left_counts[THREADS];

static void *work(void *number)
{
    unsigned own = (unsigned)(uintptr_t)number;

    for (unsigned i = 0; i < ROUNDS; i++) {
#define USE(name, how)                                                                  \
    {                                                                                   \
        size_t size = 1 + (i * 37 + own * 11) % 700;                                    \
        void *block = name(&size);                                                      \
        if (i % 4 == 0)                                                                 \
            lefts[own][left_counts[own]++] = (struct left){block, &count_##name, size}; \
        else {                                                                          \
            free(block);                                                                \
            count(&count_##name, -1, -(long)size);                                      \
        }                                                                               \
    }
        PLACES(USE)
    }
    grow();
    return NULL;
}

static void free_half_of(unsigned owner)
{
    for (unsigned i = 0; i < left_counts[owner]; i += 2) {
        free(lefts[owner][i].block);
        count(lefts[owner][i].place, -1, -(long)lefts[owner][i].size);
    }
}

static void print_counts(const char *who)
{
#define PRINT(name, how)                                                                        \
    dprintf(1, "%s %s %lu %lu %lu %lu\n", who, #name, count_##name.objects, count_##name.bytes, \
            count_##name.live_objects, count_##name.live_bytes);
    PLACES(PRINT)
    PRINT(by_realloc, )
    PRINT(by_strdup, )
}

static void run_threads(void)
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < THREADS; i++)
        free_half_of(i);
}

static void fork_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        for (unsigned i = 1; i < left_counts[0]; i += 4) {
            free(lefts[0][i].block);
            count(lefts[0][i].place, -1, -(long)lefts[0][i].size);
        }
        for (unsigned i = 0; i < 1000; i++) {
            size_t size = 77;
            (void)!by_malloc(&size);
        }
        print_counts("child");
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argument_count, char **arguments)
{
    const char *end = argument_count > 1 ? arguments[1] : "";

    has_pvalloc = strcmp(end, "portable") != 0;
    run_threads();
    print_counts("parent");
    if (strcmp(end, "fork") == 0)
        fork_child();
    if (strcmp(end, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(end, "exec") == 0)
        execl(arguments[0], arguments[0], "again", NULL);
    _exit(0);
}
