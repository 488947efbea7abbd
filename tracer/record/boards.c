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
    GHashTable *known; /* owned; file names of those in `mapped` */
    GPtrArray *mapped; /* owned */
    GArray *images;    /* owned; struct ct_image_key, of all that ever were in `mapped` */
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

static void set_mapping(struct ct_mapped_board *board, void *data, size_t size)
{
    board->data = data;
    board->mapped_size = size;
    board->rings = (void *)((char *)data + CT_RINGS_OFFSET);
    board->ring_count = (uint32_t)((size - CT_RINGS_OFFSET) / sizeof(*board->rings));
}

/* NULL if it is not complete yet, or no board. */
static struct ct_mapped_board *map_board(const char *path)
{
    const size_t size = CT_RINGS_OFFSET + CT_CHUNK_SIZE;
    struct ct_board *data = MAP_FAILED;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size >= size &&
        (size_t)status.st_size <= CT_BOARD_FILE_SIZE)
        data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return NULL;
    if (data->magic != CT_BOARD_MAGIC || data->schema_version != CT_SCHEMA_VERSION) {
        munmap(data, size);
        return NULL;
    }
    struct ct_mapped_board *board = g_new0(struct ct_mapped_board, 1);
    board->path = g_strdup(path);
    board->file_size = (size_t)status.st_size;
    set_mapping(board, data, size);
    return board;
}

/* Maps the rings of all threads that there are by now. */
static void grow(struct ct_mapped_board *board)
{
    uint32_t slots = MIN(board->data->thread_high_water, CT_BOARD_MAX_THREADS);
    size_t chunks = (slots + CT_RINGS_AT_ONCE - 1) / CT_RINGS_AT_ONCE;
    size_t size = MIN(CT_RINGS_OFFSET + chunks * CT_CHUNK_SIZE, board->file_size);

    if (slots <= board->ring_count || size <= board->mapped_size)
        return;
    void *data = mremap(board->data, board->mapped_size, size, MREMAP_MAYMOVE);
    if (data != MAP_FAILED)
        set_mapping(board, data, size);
}

GPtrArray *ct_boards_update(struct ct_boards *boards)
{
    GDir *entries = g_dir_open(boards->directory, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        if (!g_str_has_suffix(name, CT_BOARD_SUFFIX) || g_hash_table_contains(boards->known, name))
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
        grow(boards->mapped->pdata[i]);
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

uint32_t ct_board_slots(const struct ct_mapped_board *board)
{
    return MIN(board->data->thread_high_water, board->ring_count);
}

static gboolean has_records(const struct ct_board_ring *ring)
{
    uint64_t head = atomic_load(&ring->head);

    return ct_ring_begin(head, atomic_load(&ring->tail)) != (head & CT_RING_POSITION_MASK);
}

gboolean ct_board_is_drained(const struct ct_mapped_board *board)
{
    uint32_t slots = ct_board_slots(board);

    for (uint32_t i = 0; i < slots; i++)
        if (has_records(&board->rings[i]))
            return FALSE;
    return slots >= MIN(board->data->thread_high_water, CT_BOARD_MAX_THREADS);
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
