#include "tables.h"

#include "raw.h"
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MEMORY_PAGE ((uintptr_t)4096)

/* Of what is left of a limited address space we take at most this part at a time. */
#define SPARE_SHARE 16

_Atomic(char *) ct_table_parts[CT_TABLE_COUNT][1 + CT_TABLE_PARTS];

static CT_LARGE _Atomic(char *) segments[CT_BOARD_SEGMENTS]; /* as they are mapped */
static char *start;                                          /* the header */
static uint64_t file_end;

bool ct_memory_back(const void *begin, size_t size)
{
    uintptr_t first = (uintptr_t)begin & ~(MEMORY_PAGE - 1);
    uintptr_t end = ((uintptr_t)begin + size + MEMORY_PAGE - 1) & ~(MEMORY_PAGE - 1);

    long result = ct_syscall(SYS_madvise, first, end - first, MADV_POPULATE_WRITE);

    /* Kernels before 5.14 do not know it: EINVAL. */
    return result == 0 || result == -EINVAL;
}

/* What the process has mapped, in bytes; all there can be if there is no telling. */
static uint64_t mapped_size(void)
{
    char text[64];
    uint64_t pages = 0;
    int fd = (int)ct_syscall(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return UINT64_MAX;
    ssize_t length = ct_syscall(SYS_read, fd, text, sizeof(text));
    ct_syscall(SYS_close, fd);
    if (length <= 0)
        return UINT64_MAX;
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        pages = pages * 10 + (uint64_t)(text[i] - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool ct_memory_is_spare(size_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return true;
    uint64_t mapped = mapped_size();
    return mapped < limit.rlim_cur && size <= (limit.rlim_cur - mapped) / SPARE_SHARE;
}

void ct_tables_begin(struct ct_board *board, size_t file_size)
{
    start = (char *)board;
    file_end = file_size;
    atomic_store(&ct_table_parts[CT_TABLE_MODULES][0], (char *)board->modules);
    atomic_store(&ct_table_parts[CT_TABLE_LIVES][0], (char *)board->lives);
    atomic_store(&ct_table_parts[CT_TABLE_BUCKETS][0], (char *)board->buckets);
    atomic_store(&ct_table_parts[CT_TABLE_WORDS][0], (char *)board->words);
    atomic_store(&ct_table_parts[CT_TABLE_SLOTS][0], (char *)board->slots);
    atomic_store(&ct_table_parts[CT_TABLE_FORKED][0], (char *)board->forked);
}

/* Calls the function with every segment that is mapped. */
static void for_each_segment(int (*function)(const void *begin, size_t size))
{
    for (enum ct_table table = 0; table < CT_TABLE_COUNT; table++) {
        for (uint32_t part = 1; part <= ct_table_layouts[table].parts; part++) {
            char *begin = atomic_load(&ct_table_parts[table][part]);
            if (begin != NULL)
                function(begin, ct_segment_size(table, part));
        }
    }
}

static int unmap(const void *begin, size_t size)
{
    return munmap((void *)begin, size);
}

void ct_tables_end(void)
{
    if (start == NULL)
        return;
    for_each_segment(unmap);
    for (enum ct_table table = 0; table < CT_TABLE_COUNT; table++)
        for (uint32_t part = 0; part <= CT_TABLE_PARTS; part++)
            atomic_store(&ct_table_parts[table][part], NULL);
    for (uint32_t i = 0; i < CT_BOARD_SEGMENTS; i++)
        atomic_store(&segments[i], NULL);
    start = NULL;
}

void ct_tables_unlock(void)
{
    if (start == NULL)
        return;
    munlock(start, CT_BOARD_START_SIZE);
    for_each_segment(munlock); /* later ones are mapped from these, and like them */
}

/* A segment on its way into memory. */
struct segment {
    uint32_t index;
    size_t size;
    size_t gap;     /* bytes of the file between it and `previous` */
    char *previous; /* the end, in memory, of the last one before it that is mapped */
};

/* From the mapping of what is before it in the file, since that may be out of our reach by now. */
static char *map_segment(const struct segment *segment)
{
    char *mapped = NULL;
    size_t before = CT_BOARD_PAGE + segment->gap;

    if (!ct_memory_is_spare(before + segment->size))
        return NULL;
    char *all =
        mremap(segment->previous - CT_BOARD_PAGE, 0, before + segment->size, MREMAP_MAYMOVE);
    if (all == MAP_FAILED)
        return NULL;
    munmap(all, before);
    if (atomic_compare_exchange_strong(&segments[segment->index], &mapped, all + before))
        return all + before;
    munmap(all + before, segment->size); /* another thread was faster */
    return mapped;
}

/* The segment that is this part of the table: in the file behind all others, if it is new. */
static char *find_segment(enum ct_table table, uint32_t part)
{
    struct segment segment = {.previous = start + CT_BOARD_START_SIZE};
    uint32_t parts[CT_TABLE_COUNT] = {0};
    uint64_t offset = CT_BOARD_START_SIZE;

    for (; segment.index < CT_BOARD_SEGMENTS; segment.index++) {
        _Atomic uint8_t *entry = &((struct ct_board *)(void *)start)->segments[segment.index];
        uint8_t number = atomic_load(entry);
        if (number == 0) {
            if (offset + ct_segment_size(table, parts[table] + 1) > file_end)
                return NULL;
            if (atomic_compare_exchange_strong(entry, &number, (uint8_t)(table + 1)))
                number = (uint8_t)(table + 1);
        }
        enum ct_table found = (enum ct_table)(number - 1);
        if (found >= CT_TABLE_COUNT || ++parts[found] > ct_table_layouts[found].parts)
            return NULL; /* the program has written over it */
        segment.size = ct_segment_size(found, parts[found]);
        char *mapped = atomic_load(&segments[segment.index]);
        if (found == table && parts[table] == part)
            return mapped != NULL ? mapped : map_segment(&segment);
        offset += segment.size;
        segment.gap = mapped != NULL ? 0 : segment.gap + segment.size;
        if (mapped != NULL)
            segment.previous = mapped + segment.size;
    }
    return NULL;
}

void *ct_table_get(enum ct_table table, uint32_t index)
{
    struct ct_table_place place = ct_table_place_of(table, index);
    void *entry = ct_table_find(table, index);

    if (entry != NULL || place.part > ct_table_layouts[table].parts)
        return entry;
    char *part = find_segment(table, place.part);
    if (part == NULL)
        return NULL;
    atomic_store(&ct_table_parts[table][place.part], part);
    return ct_table_find(table, index);
}
