/*
 * A program that brings its own malloc, which locks, waits and makes system calls: it checks that
 * its memory is its own, with and without ctrace, and exits 0. Where a hook asked for memory, this
 * would wait for itself, or never end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                       \
        }                                                                   \
    } while (0)

enum { ARENA_SIZE = 1 << 28, THREADS = 4, TURNS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* not recursive */
static char *arena;
static size_t used;
static atomic_uint allocations;
static _Thread_local int depth;

/* What a hook must not find a thread in the midst of. */
static void wait_a_little(void)
{
    int fds[2];
    char byte;

    if (pipe(fds) != 0 || write(fds[1], "x", 1) != 1 || read(fds[0], &byte, 1) != 1)
        abort();
    close(fds[0]);
    close(fds[1]);
    nanosleep(&(struct timespec){0, 1000}, NULL);
}

static void *take(size_t size, size_t alignment)
{
    int saved_errno = errno;

    if (depth++ > 0)
        _exit(3); /* somebody asked for memory while malloc waited */
    pthread_mutex_lock(&lock);
    if (arena == NULL)
        arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (++allocations % 64 == 0)
        wait_a_little();
    used = (used + sizeof(size_t) + alignment - 1) / alignment * alignment;
    char *memory = arena + used;
    if (arena == MAP_FAILED || size > ARENA_SIZE - used)
        _exit(4);
    used += size;
    ((size_t *)(void *)memory)[-1] = size;
    pthread_mutex_unlock(&lock);
    depth--;
    errno = saved_errno;
    return memory;
}

void *malloc(size_t size)
{
    return take(size, 16);
}

void free(void *memory)
{
    (void)memory;
}

void *calloc(size_t count, size_t size)
{
    return take(count * size, 16); /* fresh pages are zero */
}

void *realloc(void *memory, size_t size)
{
    char *larger = take(size, 16);
    size_t old = memory != NULL ? ((size_t *)memory)[-1] : 0;

    return memory != NULL ? memcpy(larger, memory, old < size ? old : size) : larger;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = take(size, alignment < 16 ? 16 : alignment);
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return take(size, alignment < 16 ? 16 : alignment);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return take(size, alignment < 16 ? 16 : alignment);
}

static void *allocate(void *number)
{
    char value = (char)(intptr_t)number;

    for (int i = 0; i < TURNS; i++) {
        char *block = malloc(100);
        CHECK(block != NULL);
        memset(block, value, 100);
        if (i % 16 == 0)
            sched_yield();
        for (int k = 0; k < 100; k++)
            CHECK(block[k] == value);
        free(block);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, allocate, (void *)(intptr_t)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(allocations >= THREADS * TURNS);
    printf("behaves\n");
    return 0;
}
