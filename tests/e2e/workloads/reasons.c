/*
 * Is off the CPU in none of the calls.
 *
 *     reasons faults FILE   reads FILE from its mapping, page by page, none of which is in memory
 *     reasons spin          runs until it is killed, without a call
 *     reasons dirty FILE    writes to each page of a mapping of FILE, over and over
 *     reasons touch BYTES   the same with memory of its own
 *
 * Faults are told as JSON: how many of the pages had to be read from disk, and where the first is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static long major_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_majflt;
}

static __attribute__((noinline)) unsigned touch(const volatile unsigned char *page)
{
    return *page;
}

static __attribute__((noinline)) unsigned touch_all(const unsigned char *pages, size_t size)
{
    unsigned sum = 0;

    for (size_t at = 0; at < size; at += PAGE)
        sum += touch(pages + at);
    return sum;
}

static int fault(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) != 0)
        return 1;
    size_t size = (size_t)about.st_size;
    /* Not from its first page on: where a mapping begins in the file matters, too. */
    unsigned char *pages = mmap(NULL, size - PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    if (pages == MAP_FAILED || madvise(pages, size - PAGE, MADV_RANDOM) != 0 || fsync(fd) != 0 ||
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        return 1;
    long before = major_faults();
    unsigned sum = touch_all(pages, size - PAGE);

    printf("{\"faults\": %ld, \"offset\": %d, \"sum\": %u}\n", major_faults() - before, PAGE, sum);
    return 0;
}

static volatile unsigned long spins;

static __attribute__((noinline)) void spin(void)
{
    for (;;)
        spins++;
}

static __attribute__((noinline)) void dirty(unsigned char *pages, size_t size)
{
    for (unsigned char value = 1;; value++) {
        for (size_t at = 0; at < size; at += PAGE)
            pages[at] = value;
    }
}

#define DIRTY_SIZE ((size_t)96 << 20)

static int dirty_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    if (fd < 0 || ftruncate(fd, DIRTY_SIZE) != 0)
        return 1;
    unsigned char *pages = mmap(NULL, DIRTY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages != MAP_FAILED)
        dirty(pages, DIRTY_SIZE);
    return 1;
}

static int dirty_memory(size_t size)
{
    unsigned char *pages =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages != MAP_FAILED)
        dirty(pages, size);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "dirty") == 0)
        return dirty_file(argv[2]);
    if (argc > 2 && strcmp(argv[1], "touch") == 0)
        return dirty_memory(strtoul(argv[2], NULL, 10));
    if (argc > 2 && strcmp(argv[1], "faults") == 0)
        return fault(argv[2]);
    if (argc > 1 && strcmp(argv[1], "spin") == 0)
        spin();
    return 2;
}
