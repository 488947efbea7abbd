#include "board_map.h"

#include "board_places.h"
#include "shared_memory.h"
#include "system/monotonic.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ct_board_map {
    struct ct_shared_memory *memory; /* owned */
    struct ct_board_identity identity;
    size_t file_size; /* when it was opened */
    uint32_t segment_count;
    uint64_t part_offsets[CT_TABLE_COUNT][1 + CT_TABLE_PARTS]; /* 0: not mapped yet */
};

/* The parts of the tables that are in the header. */
static const size_t first_parts[CT_TABLE_COUNT] = {
    [CT_TABLE_MODULES] = offsetof(struct ct_board, modules),
    [CT_TABLE_LIVES] = offsetof(struct ct_board, lives),
    [CT_TABLE_BUCKETS] = offsetof(struct ct_board, buckets),
    [CT_TABLE_WORDS] = offsetof(struct ct_board, words),
    [CT_TABLE_SLOTS] = offsetof(struct ct_board, slots),
    [CT_TABLE_FORKED] = offsetof(struct ct_board, forked),
};

/* Read, not mapped: a page that is not there yet would be made. The size after the magic number,
 * which is stored when the file is whole: one that is shorter then has been cut. */
static enum ct_board_state read_identity(int fd, struct ct_board_identity *identity,
                                         size_t *file_size)
{
    char numbers[CT_BOARD_NUMBERS_SIZE];
    struct stat status;

    if (pread(fd, numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers) ||
        CT_U64(numbers, magic) == 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return CT_BOARD_INCOMPLETE;
    *identity = (struct ct_board_identity){.pid = (int32_t)CT_U32(numbers, pid),
                                           .ppid = (int32_t)CT_U32(numbers, ppid),
                                           .start_ns = CT_U64(numbers, start_ns),
                                           .rate_ns = CT_U64(numbers, rate_ns)};
    *file_size = (size_t)status.st_size;
    return CT_U64(numbers, magic) == CT_BOARD_MAGIC &&
                   CT_U32(numbers, schema_version) == CT_SCHEMA_VERSION &&
                   *file_size >= CT_BOARD_START_SIZE && *file_size <= CT_BOARD_FILE_SIZE &&
                   identity->pid > 0 &&
                   identity->start_ns <= ct_monotonic_ns() + CT_BOARD_CLOCK_SLACK_NS
               ? CT_BOARD_COMPLETE
               : CT_BOARD_NONSENSE;
}

struct ct_board_map *ct_board_map_new(int fd, enum ct_board_state *state)
{
    struct ct_board_identity identity;
    size_t file_size;

    *state = read_identity(fd, &identity, &file_size);
    if (*state != CT_BOARD_COMPLETE)
        return NULL;
    struct ct_shared_memory *memory = ct_shared_memory_map(fd, CT_BOARD_START_SIZE);
    if (memory == NULL) {
        *state = CT_BOARD_INCOMPLETE; /* another time, maybe */
        return NULL;
    }
    struct ct_board_map *map = g_new0(struct ct_board_map, 1);
    map->memory = memory;
    map->identity = identity;
    map->file_size = file_size;
    for (guint i = 0; i < CT_TABLE_COUNT; i++)
        map->part_offsets[i][0] = first_parts[i];
    ct_board_map_grow(map);
    return map;
}

void ct_board_map_free(struct ct_board_map *map)
{
    if (map == NULL)
        return;
    ct_shared_memory_unmap(map->memory);
    g_free(map);
}

void ct_board_map_free_all(const GPtrArray *maps)
{
    g_autoptr(GPtrArray) memories = g_ptr_array_new();

    for (guint i = 0; i < maps->len; i++) {
        struct ct_board_map *map = maps->pdata[i];
        g_ptr_array_add(memories, map->memory);
        g_free(map);
    }
    ct_shared_memory_unmap_all(memories);
}

const struct ct_board_identity *ct_board_map_identity(const struct ct_board_map *map)
{
    return &map->identity;
}

size_t ct_board_map_size(const struct ct_board_map *map)
{
    return ct_shared_memory_size(map->memory);
}

gboolean ct_board_map_is_broken(const struct ct_board_map *map)
{
    return ct_shared_memory_is_broken(map->memory);
}

gboolean ct_board_map_mend(struct ct_board_map *map, int fd)
{
    return ct_shared_memory_mend(map->memory, fd);
}

/* How many parts of the table are there. */
static uint32_t count_parts(const struct ct_board_map *map, enum ct_table table)
{
    uint32_t count = 1;

    while (count <= ct_table_layouts[table].parts && map->part_offsets[table][count] != 0)
        count++;
    return count;
}

/* Maps that segment, if it makes sense. */
static gboolean add_segment(struct ct_board_map *map, uint8_t number)
{
    if (number == 0 || number > CT_TABLE_COUNT)
        return FALSE;
    enum ct_table table = (enum ct_table)(number - 1);
    uint32_t part = count_parts(map, table);
    if (part > ct_table_layouts[table].parts)
        return FALSE;
    size_t begin = ct_shared_memory_size(map->memory);
    size_t size = begin + ct_segment_size(table, part);
    if (size > map->file_size || !ct_shared_memory_grow(map->memory, size))
        return FALSE;
    map->part_offsets[table][part] = begin;
    map->segment_count++;
    return TRUE;
}

void ct_board_map_grow(struct ct_board_map *map)
{
    uint8_t segments[CT_BOARD_SEGMENTS];

    ct_shared_memory_copy(map->memory, offsetof(struct ct_board, segments), segments,
                          sizeof(segments));
    while (map->segment_count < CT_BOARD_SEGMENTS && add_segment(map, segments[map->segment_count]))
        ;
}

uint32_t ct_board_map_entries(const struct ct_board_map *map, enum ct_table table, uint32_t count)
{
    const struct ct_table_layout *layout = &ct_table_layouts[table];
    uint32_t parts = count_parts(map, table);

    return MIN(count, CT_TABLE_MAX(layout->first, layout->second_bits, parts - 1));
}

/* Beyond any mapping, also with what is added to it. */
#define NO_PLACE ((size_t)1 << 62)

size_t ct_board_map_place(const struct ct_board_map *map, enum ct_table table, uint32_t index)
{
    if (index < ct_table_layouts[table].first) /* as nearly all: no parts are counted */
        return first_parts[table] + (size_t)index * ct_table_layouts[table].entry_size;
    if (index >= ct_board_map_entries(map, table, UINT32_MAX))
        return NO_PLACE;
    struct ct_table_place place = ct_table_place_of(table, index);
    return map->part_offsets[table][place.part] +
           (size_t)place.within * ct_table_layouts[table].entry_size;
}

void ct_board_map_copy(const struct ct_board_map *map, size_t at, void *copied, size_t size)
{
    ct_shared_memory_copy(map->memory, at, copied, size);
}

void ct_board_map_store(const struct ct_board_map *map, size_t at, uint64_t value)
{
    ct_shared_memory_store(map->memory, at, value);
}

gboolean ct_board_map_exchange(const struct ct_board_map *map, size_t at, uint64_t before,
                               uint64_t after)
{
    return ct_shared_memory_exchange(map->memory, at, before, after);
}
