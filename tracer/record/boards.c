#include "boards.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct ct_boards {
    char *directory;   /* owned */
    GHashTable *known; /* owned; file names of those in `mapped` */
    GPtrArray *mapped; /* owned */
};

static void board_free(void *data)
{
    struct ct_mapped_board *board = data;

    munmap(board->data, board->size);
    g_free(board->path);
    g_free(board);
}

struct ct_boards *ct_boards_new(const char *directory)
{
    struct ct_boards *boards = g_new0(struct ct_boards, 1);

    boards->directory = g_strdup(directory);
    boards->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    boards->mapped = g_ptr_array_new_with_free_func(board_free);
    return boards;
}

/* NULL if it is not complete yet, or no board. */
static struct ct_mapped_board *map_board(const char *path)
{
    struct ct_board *data = MAP_FAILED;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && (size_t)status.st_size >= CT_RINGS_OFFSET + CT_CHUNK_SIZE &&
        (size_t)status.st_size <= CT_BOARD_FILE_SIZE)
        data = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return NULL;
    if (data->magic != CT_BOARD_MAGIC || data->schema_version != CT_SCHEMA_VERSION) {
        munmap(data, (size_t)status.st_size);
        return NULL;
    }
    struct ct_mapped_board *board = g_new0(struct ct_mapped_board, 1);
    board->path = g_strdup(path);
    board->data = data;
    board->size = (size_t)status.st_size;
    board->rings = (void *)((char *)data + CT_RINGS_OFFSET);
    board->ring_count = (uint32_t)((board->size - CT_RINGS_OFFSET) / sizeof(*board->rings));
    return board;
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
    }
    if (entries != NULL)
        g_dir_close(entries);
    return boards->mapped;
}

uint32_t ct_board_slots(const struct ct_mapped_board *board)
{
    return MIN(board->data->thread_high_water, board->ring_count);
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
    g_hash_table_unref(boards->known);
    g_free(boards->directory);
    g_free(boards);
}
