#include "boards.h"

#include "procfs.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct ct_boards {
    char *directory;   /* owned */
    GHashTable *known; /* owned; file names of those in `mapped`, and of refusals */
    GPtrArray *mapped; /* owned */
    GArray *images;    /* owned; struct ct_image_key, of all that ever were in `mapped` */
    uint64_t refused[CT_REFUSAL_COUNT];
};

static void board_free(void *data)
{
    struct ct_mapped_board *board = data;

    munmap(board->data, board->mapped_size);
    g_free(board->path);
    g_free(board->title);
    g_free(board);
}

struct ct_boards *ct_boards_new(const char *directory)
{
    struct ct_boards *boards = g_new0(struct ct_boards, 1);

    boards->directory = g_strdup(directory);
    boards->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    boards->mapped = g_ptr_array_new_with_free_func(board_free);
    boards->images = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    return boards;
}

/* The parts of the tables that are in the header. */
static const size_t first_parts[CT_TABLE_COUNT] = {
    [CT_TABLE_MODULES] = offsetof(struct ct_board, modules),
    [CT_TABLE_LIVES] = offsetof(struct ct_board, lives),
    [CT_TABLE_BUCKETS] = offsetof(struct ct_board, buckets),
    [CT_TABLE_WORDS] = offsetof(struct ct_board, words),
    [CT_TABLE_SLOTS] = offsetof(struct ct_board, slots),
};

/* Read, not mapped: a page that is not there yet would be made. */
static gboolean is_complete(int fd)
{
    struct {
        uint64_t magic, size;
        uint32_t schema_version;
    } head;

    return pread(fd, &head, sizeof(head), 0) == sizeof(head) && head.magic == CT_BOARD_MAGIC &&
           head.schema_version == CT_SCHEMA_VERSION;
}

/* NULL if it is not complete yet, or no board. */
static struct ct_mapped_board *map_board(const char *path)
{
    struct ct_board *data = MAP_FAILED;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size >= CT_BOARD_START_SIZE &&
        (size_t)status.st_size <= CT_BOARD_FILE_SIZE && is_complete(fd))
        data = mmap(NULL, CT_BOARD_START_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                    fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return NULL;
    struct ct_mapped_board *board = g_new0(struct ct_mapped_board, 1);
    board->path = g_strdup(path);
    board->data = data;
    board->file_size = (size_t)status.st_size;
    board->mapped_size = CT_BOARD_START_SIZE;
    for (guint i = 0; i < CT_TABLE_COUNT; i++)
        board->part_offsets[i][0] = first_parts[i];
    return board;
}

/* How many parts of the table are there. */
static uint32_t count_parts(const struct ct_mapped_board *board, enum ct_table table)
{
    uint32_t count = 1;

    while (count <= ct_table_layouts[table].parts && board->part_offsets[table][count] != 0)
        count++;
    return count;
}

/* Maps the segment that is next in the file, if there is one, and it makes sense. */
static gboolean grow_once(struct ct_mapped_board *board)
{
    if (board->segment_count == CT_BOARD_SEGMENTS)
        return FALSE;
    uint8_t number = atomic_load(&board->data->segments[board->segment_count]);
    if (number == 0 || number > CT_TABLE_COUNT)
        return FALSE;
    enum ct_table table = (enum ct_table)(number - 1);
    uint32_t part = count_parts(board, table);
    if (part > ct_table_layouts[table].parts)
        return FALSE;
    size_t size = board->mapped_size + ct_segment_size(table, part);
    if (size > board->file_size)
        return FALSE;
    void *data = mremap(board->data, board->mapped_size, size, MREMAP_MAYMOVE);
    if (data == MAP_FAILED)
        return FALSE;
    board->part_offsets[table][part] = board->mapped_size;
    board->data = data;
    board->mapped_size = size;
    board->segment_count++;
    return TRUE;
}

static const struct {
    const char *suffix, *reason;
} refusals[CT_REFUSAL_COUNT] = {
#define REFUSAL(symbol, suffix, reason) [CT_REFUSAL_##symbol] = {suffix, reason},
    CT_REFUSALS(REFUSAL)
#undef REFUSAL
};

const char *ct_refusal_reason(enum ct_refusal refusal)
{
    return refusals[refusal].reason;
}

/* TRUE for a file that says why there is no board. */
static gboolean note_refusal(struct ct_boards *boards, const char *name)
{
    for (guint i = 0; i < CT_REFUSAL_COUNT; i++) {
        if (!g_str_has_suffix(name, refusals[i].suffix))
            continue;
        if (g_hash_table_add(boards->known, g_strdup(name)))
            boards->refused[i]++;
        return TRUE;
    }
    return FALSE;
}

GPtrArray *ct_boards_update(struct ct_boards *boards)
{
    GDir *entries = g_dir_open(boards->directory, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        if (note_refusal(boards, name) || !g_str_has_suffix(name, CT_BOARD_SUFFIX) ||
            g_hash_table_contains(boards->known, name))
            continue;
        g_autofree char *path = g_build_filename(boards->directory, name, NULL);
        struct ct_mapped_board *board = map_board(path);
        if (board == NULL)
            continue;
        g_hash_table_add(boards->known, g_strdup(name));
        g_ptr_array_add(boards->mapped, board);
        const struct ct_image_key image = {board->data->pid, board->data->start_ns};
        g_array_append_val(boards->images, image);
    }
    if (entries != NULL)
        g_dir_close(entries);
    for (guint i = 0; i < boards->mapped->len; i++)
        while (grow_once(boards->mapped->pdata[i]))
            ;
    return boards->mapped;
}

/* Its number may be another process's by now, here, or in another namespace. */
static gboolean is_process_of(const struct ct_board *board)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", board->pid);
    g_autofree char *exe = g_file_read_link(link, NULL);

    return exe != NULL && board->state == CT_PROCESS_ALIVE &&
           strncmp(exe, board->exe, sizeof(board->exe) - 1) == 0;
}

/* How long the text is without empty arguments at its end: a title leaves zeros behind it. */
static size_t telling_length(const char *args, size_t size)
{
    static const char empty[] = " ''";
    size_t length = strnlen(args, size);

    while (length > strlen(empty) &&
           memcmp(args + length - strlen(empty), empty, strlen(empty)) == 0)
        length -= strlen(empty);
    return length;
}

/* What does not fit on the board is no title. */
static gboolean is_new_title(const struct ct_board *board, const char *title)
{
    size_t length = telling_length(board->args, sizeof(board->args));
    size_t title_length = telling_length(title, strlen(title));

    return title_length > 0 && title_length < sizeof(board->args) / 2 &&
           length < sizeof(board->args) / 2 &&
           (title_length != length || memcmp(title, board->args, length) != 0);
}

void ct_boards_read_titles(struct ct_boards *boards)
{
    for (guint i = 0; i < boards->mapped->len; i++) {
        struct ct_mapped_board *board = boards->mapped->pdata[i];

        if (!is_process_of(board->data))
            continue;
        g_autofree char *title = ct_proc_read_command_line(board->data->pid);
        if (title[0] == '\0') /* it is ending */
            continue;
        g_free(board->title);
        board->title = is_new_title(board->data, title) ? g_steal_pointer(&title) : NULL;
    }
}

const GArray *ct_boards_images(const struct ct_boards *boards)
{
    return boards->images;
}

const uint64_t *ct_boards_refused(const struct ct_boards *boards)
{
    return boards->refused;
}

uint32_t ct_board_entries(const struct ct_mapped_board *board, enum ct_table table, uint32_t count)
{
    const struct ct_table_layout *layout = &ct_table_layouts[table];
    uint32_t parts = count_parts(board, table);

    return MIN(count, CT_TABLE_MAX(layout->first, layout->second_bits, parts - 1));
}

void *ct_board_entry(const struct ct_mapped_board *board, enum ct_table table, uint32_t index)
{
    struct ct_table_place place = ct_table_place_of(table, index);

    return (char *)board->data + board->part_offsets[table][place.part] +
           (size_t)place.within * ct_table_layouts[table].entry_size;
}

uint32_t ct_board_slots(const struct ct_mapped_board *board)
{
    return ct_board_entries(board, CT_TABLE_SLOTS, board->data->thread_high_water);
}

const struct ct_board_thread *ct_board_thread(const struct ct_mapped_board *board, uint32_t index)
{
    const struct ct_board_slot *slot = ct_board_entry(board, CT_TABLE_SLOTS, index);

    return &slot->thread;
}

uint32_t ct_board_rings(const struct ct_mapped_board *board, uint32_t slot,
                        struct ct_mapped_ring rings[CT_SLOT_RINGS])
{
    struct ct_board_slot *data = ct_board_entry(board, CT_TABLE_SLOTS, slot);
    uint32_t large = data->large_ring - 1;

    rings[0] = (struct ct_mapped_ring){ct_slot_ring(data), CT_RING_SMALL_SIZE};
    if (large >= ct_board_entries(board, CT_TABLE_RINGS, CT_BOARD_MAX_RINGS))
        return 1;
    rings[1] =
        (struct ct_mapped_ring){ct_board_entry(board, CT_TABLE_RINGS, large), CT_RING_LARGE_SIZE};
    return 2;
}

static gboolean has_records(const struct ct_board_ring *ring)
{
    uint64_t head = atomic_load(&ring->head);

    return ct_ring_begin(head, atomic_load(&ring->tail)) != (head & CT_RING_POSITION_MASK);
}

gboolean ct_board_is_drained(const struct ct_mapped_board *board)
{
    uint32_t slots = ct_board_slots(board);
    struct ct_mapped_ring rings[CT_SLOT_RINGS];

    for (uint32_t i = 0; i < slots; i++)
        for (uint32_t k = ct_board_rings(board, i, rings); k-- > 0;)
            if (has_records(rings[k].ring))
                return FALSE;
    return TRUE;
}

void ct_boards_remove(struct ct_boards *boards, struct ct_mapped_board *board)
{
    g_autofree char *name = g_path_get_basename(board->path);

    g_unlink(board->path);
    g_hash_table_remove(boards->known, name);
    g_ptr_array_remove_fast(boards->mapped, board);
}

void ct_boards_free(struct ct_boards *boards)
{
    if (boards == NULL)
        return;
    g_ptr_array_unref(boards->mapped);
    g_array_unref(boards->images);
    g_hash_table_unref(boards->known);
    g_free(boards->directory);
    g_free(boards);
}
