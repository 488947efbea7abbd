/* Has its allocator in its own file, where no library can take its place, and lives for a while. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL_SIZE (64 << 20)
#define HEAD      16 /* of a block, with its size */

static _Alignas(HEAD) char pool[POOL_SIZE];
static size_t used;

void *malloc(size_t size)
{
    const size_t whole = HEAD + (size + HEAD - 1) / HEAD * HEAD;
    const size_t begin = __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED);

    if (begin + whole > POOL_SIZE)
        return NULL;
    memcpy(pool + begin, &size, sizeof(size));
    return pool + begin + HEAD;
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* nothing is used twice */
}

void *realloc(void *block, size_t size)
{
    void *other = malloc(size);
    size_t before = 0;

    if (block != NULL)
        memcpy(&before, (char *)block - HEAD, sizeof(before));
    if (block != NULL && other != NULL)
        memcpy(other, block, before < size ? before : size);
    return other;
}

int main(void)
{
    void *volatile block = malloc(32 << 20);

    sleep(30);
    return block == NULL;
}
