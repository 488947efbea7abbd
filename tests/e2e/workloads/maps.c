/* Maps memory itself, gives half of it back, and says what there is of each place, as heap.c does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define AREA     (1 << 20)
#define AREAS    20
#define NOINLINE __attribute__((noinline))

static void *areas[AREAS];

static NOINLINE void *by_mmap(size_t size, int access)
{
    void *volatile area = mmap(NULL, size, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return area;
}

static NOINLINE void *by_mremap(void *area)
{
    void *volatile grown = mremap(area, AREA, 2 * AREA, MREMAP_MAYMOVE);

    return grown;
}

static NOINLINE void *by_malloc(void)
{
    void *volatile block = malloc(AREA); /* which the C library maps */

    return block;
}

static NOINLINE void *by_file(void)
{
    int fd = memfd_create("file", 0);
    void *volatile area = NULL;

    if (fd >= 0 && ftruncate(fd, AREA) == 0)
        area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return area;
}

int main(void)
{
    for (int i = 0; i < AREAS; i++)
        areas[i] = by_mmap(AREA, PROT_READ | PROT_WRITE);
    for (int i = 0; i < AREAS; i += 2)
        munmap(areas[i], AREA);
    by_mremap(areas[1]);
    by_mmap(AREA, PROT_NONE); /* only reserved */
    by_mmap(4096, PROT_READ | PROT_WRITE);
    by_file();
    by_malloc();
    dprintf(1, "parent by_mmap %d %d %d %d\n", AREAS, AREAS * AREA, AREAS / 2 - 1,
            (AREAS / 2 - 1) * AREA);
    dprintf(1, "parent by_mremap 1 %d 1 %d\n", 2 * AREA, 2 * AREA);
    dprintf(1, "parent by_malloc 1 %d 1 %d\n", AREA, AREA);
    _exit(0);
}
