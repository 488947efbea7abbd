#include "boards.h"

#include "arrivals.h"
#include "board_sites.h"
#include "ring_reader.h"
#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More rounds are not passed before a file that was incomplete is looked at again. */
#define MAX_ROUNDS_BETWEEN 64

/* Removed boards that wait to be unmapped have some 40 KB each. */
#define MAX_REMOVED 512

/* When a file that was incomplete is looked at next; in rounds. */
struct retry {
    uint64_t round, wait;
};

struct ct_boards {
    char *directory;              /* owned; or NULL */
    struct ct_arrivals *arrivals; /* owned; of its files; NULL: it is to be read each time */
    gboolean is_to_be_read;       /* now, for what there is that was not told */
    GHashTable *known;   /* owned; file names of those in `mapped`, of refusals, and of nonsense */
    GHashTable *retries; /* owned; file name -> owned struct retry * */
    GPtrArray *mapped;   /* owned */
    GPtrArray *removed;  /* owned; struct ct_board_map *, owned: of boards that are gone */
    GArray *images;      /* owned; struct ct_image_key, of all that ever were in `mapped` */
    GArray *damaged;     /* owned; int32_t pid */
    uint64_t round;
    uint64_t refused[CT_REFUSAL_COUNT];
};

static void board_free(void *data)
{
    struct ct_mapped_board *board = data;

    ct_board_map_free(board->map);
    g_free(board->path);
    g_free(board->title);
    ct_heap_history_free(board->heap_history);
    g_free(board);
}

struct ct_boards *ct_boards_new(const char *directory)
{
    struct ct_boards *boards = g_new0(struct ct_boards, 1);

    boards->directory = g_strdup(directory);
    boards->arrivals = directory != NULL ? ct_arrivals_new(directory) : NULL;
    boards->is_to_be_read = directory != NULL;
    boards->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    boards->retries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    boards->mapped = g_ptr_array_new_with_free_func(board_free);
    boards->removed = g_ptr_array_new();
    boards->images = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    boards->damaged = g_array_new(FALSE, FALSE, sizeof(int32_t));
    return boards;
}

/* ---- Damaged ones. ---- */

void ct_boards_note_damaged(struct ct_boards *boards, int32_t pid)
{
    for (guint i = 0; i < boards->damaged->len; i++)
        if (g_array_index(boards->damaged, int32_t, i) == pid)
            return;
    g_array_append_val(boards->damaged, pid);
}

const GArray *ct_boards_damaged(const struct ct_boards *boards)
{
    return boards->damaged;
}

/* The whole file is mapped again, where it is still large enough: there was no memory for a page of
 * it. */
static void mend(struct ct_boards *boards, struct ct_mapped_board *board)
{
    int fd = open(board->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    board->is_lost = fd < 0 || !ct_board_map_mend(board->map, fd);
    if (fd >= 0)
        close(fd);
    if (board->is_lost)
        ct_boards_note_damaged(boards, ct_board_map_identity(board->map)->pid);
}

/* ---- Finding them. ---- */

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

enum ct_board_state ct_boards_add(struct ct_boards *boards, const char *path, int fd)
{
    enum ct_board_state state;
    struct ct_board_map *map = ct_board_map_new(fd, &state);

    if (map == NULL)
        return state;
    struct ct_mapped_board *board = g_new0(struct ct_mapped_board, 1);
    board->path = g_strdup(path);
    board->map = map;
    g_ptr_array_add(boards->mapped, board);
    const struct ct_board_identity *identity = ct_board_map_identity(map);
    ct_boards_add_image(boards, identity->pid, identity->start_ns);
    return state;
}

static gboolean is_its_turn(const struct ct_boards *boards, const char *name)
{
    const struct retry *retry = g_hash_table_lookup(boards->retries, name);

    return retry == NULL || retry->round <= boards->round;
}

static void try_later(struct ct_boards *boards, const char *name)
{
    struct retry *retry = g_hash_table_lookup(boards->retries, name);

    if (retry == NULL) {
        retry = g_new0(struct retry, 1);
        g_hash_table_insert(boards->retries, g_strdup(name), retry);
    }
    retry->wait = CLAMP(retry->wait * 2, 1, MAX_ROUNDS_BETWEEN);
    retry->round = boards->round + retry->wait;
}

void ct_boards_look_again(struct ct_boards *boards)
{
    g_hash_table_remove_all(boards->retries);
    boards->is_to_be_read = boards->directory != NULL;
}

static void look_at_file(struct ct_boards *boards, const char *name)
{
    if (!g_str_has_suffix(name, CT_BOARD_SUFFIX) || g_hash_table_contains(boards->known, name) ||
        !is_its_turn(boards, name))
        return;
    g_autofree char *path = g_build_filename(boards->directory, name, NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) { /* its maker has taken it away */
        g_hash_table_remove(boards->retries, name);
        return;
    }
    enum ct_board_state state = fd >= 0 ? ct_boards_add(boards, path, fd) : CT_BOARD_INCOMPLETE;
    if (fd >= 0)
        close(fd);
    if (state == CT_BOARD_INCOMPLETE) {
        try_later(boards, name);
        return;
    }
    if (state == CT_BOARD_NONSENSE)
        ct_boards_note_damaged(boards, (int32_t)strtol(name, NULL, 10));
    g_hash_table_add(boards->known, g_strdup(name));
    g_hash_table_remove(boards->retries, name);
}

static void look_at(struct ct_boards *boards, const char *name)
{
    if (!note_refusal(boards, name))
        look_at_file(boards, name);
}

static void read_directory(struct ct_boards *boards)
{
    GDir *entries = g_dir_open(boards->directory, 0, NULL);
    const char *name;

    if (entries == NULL)
        return;
    while ((name = g_dir_read_name(entries)) != NULL)
        look_at(boards, name);
    g_dir_close(entries);
}

/* At those that were incomplete. */
static void retry(struct ct_boards *boards)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, boards->retries);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (is_its_turn(boards, name))
            g_ptr_array_add(names, g_strdup(name));
    for (guint i = 0; i < names->len; i++)
        look_at_file(boards, names->pdata[i]);
}

/* All that are there have to be looked at once only, where the kernel tells of those that come. */
static void find_new(struct ct_boards *boards)
{
    const char *name;

    boards->round++;
    if (boards->arrivals != NULL) {
        retry(boards);
        while ((name = ct_arrivals_next(boards->arrivals)) != NULL)
            look_at(boards, name);
        boards->is_to_be_read |= ct_arrivals_missed_some(boards->arrivals);
    }
    if (!boards->is_to_be_read)
        return;
    read_directory(boards);
    boards->is_to_be_read = boards->arrivals == NULL;
}

GPtrArray *ct_boards_update(struct ct_boards *boards)
{
    find_new(boards);
    for (guint i = 0; i < boards->mapped->len; i++) {
        struct ct_mapped_board *board = boards->mapped->pdata[i];

        if (!board->is_lost)
            ct_board_map_grow(board->map);
        if (!board->is_lost && ct_board_map_is_broken(board->map))
            mend(boards, board);
    }
    return boards->mapped;
}

/* ---- Titles. ---- */

/* Its number may be another process's by now, here, or in another namespace. */
static gboolean is_process_of(const struct ct_board_map *map)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", ct_board_map_identity(map)->pid);
    g_autofree char *exe = g_file_read_link(link, NULL);
    g_autofree char *own_exe = ct_board_map_exe(map);
    struct ct_board_head head;

    ct_board_map_read_head(map, ct_monotonic_ns(), &head);
    return exe != NULL && head.state == CT_PROCESS_ALIVE &&
           strncmp(exe, own_exe, CT_BOARD_EXE_SIZE - 1) == 0;
}

/* How long the text is without empty arguments at its end: a title leaves zeros behind it. */
static size_t telling_length(const char *args)
{
    static const char empty[] = " ''";
    size_t length = strlen(args);

    while (length > strlen(empty) &&
           memcmp(args + length - strlen(empty), empty, strlen(empty)) == 0)
        length -= strlen(empty);
    return length;
}

/* What does not fit on the board is no title. */
static gboolean is_new_title(const char *args, const char *title)
{
    size_t length = telling_length(args);
    size_t title_length = telling_length(title);

    return title_length > 0 && title_length < CT_BOARD_ARGS_SIZE / 2 &&
           length < CT_BOARD_ARGS_SIZE / 2 &&
           (title_length != length || memcmp(title, args, length) != 0);
}

void ct_boards_read_titles(struct ct_boards *boards)
{
    for (guint i = 0; i < boards->mapped->len; i++) {
        struct ct_mapped_board *board = boards->mapped->pdata[i];

        if (board->is_lost || !is_process_of(board->map))
            continue;
        g_autofree char *title = ct_proc_read_command_line(ct_board_map_identity(board->map)->pid);
        if (title[0] == '\0') /* it is ending */
            continue;
        g_autofree char *args = ct_board_map_args(board->map);
        g_free(board->title);
        board->title = is_new_title(args, title) ? g_steal_pointer(&title) : NULL;
    }
}

void ct_boards_look_at_heaps(struct ct_boards *boards, uint64_t now_ns)
{
    for (guint i = 0; i < boards->mapped->len; i++) {
        struct ct_mapped_board *board = boards->mapped->pdata[i];

        if (board->is_lost || ct_board_heap_rate(board->map) == CT_HEAP_OFF)
            continue;
        if (board->heap_history == NULL)
            board->heap_history = ct_heap_history_new();
        ct_heap_history_look(board->heap_history, board->map, now_ns);
    }
}

/* A program may write what it wants onto its board. */
static uint64_t whole_number(double value)
{
    return (uint64_t)MIN(value + 0.5, 0x1p62);
}

void ct_boards_sum_heaps(const struct ct_boards *boards, uint64_t now_ns, struct ct_heap_sum *sum)
{
    struct ct_heap_live all = {0, 0};
    struct ct_board_head head;

    *sum = (struct ct_heap_sum){0};
    for (guint i = 0; i < boards->mapped->len; i++) {
        const struct ct_mapped_board *board = boards->mapped->pdata[i];

        if (board->is_lost || board->heap_history == NULL)
            continue;
        ct_board_map_read_head(board->map, now_ns, &head);
        if (head.state != CT_PROCESS_ALIVE)
            continue;
        const struct ct_heap_live live = ct_heap_history_now(board->heap_history);
        all.bytes += live.bytes;
        all.objects += live.objects;
        sum->processes++;
    }
    sum->bytes = whole_number(all.bytes);
    sum->objects = whole_number(all.objects);
}

void ct_boards_add_image(struct ct_boards *boards, int32_t pid, uint64_t start_ns)
{
    const struct ct_image_key image = {pid, start_ns};

    g_array_append_val(boards->images, image);
}

gboolean ct_boards_have(const struct ct_boards *boards, int32_t pid, uint64_t start_ns)
{
    for (guint i = boards->mapped->len; i-- > 0;) {
        const struct ct_mapped_board *board = boards->mapped->pdata[i];
        const struct ct_board_identity *identity = ct_board_map_identity(board->map);
        if (identity->pid == pid && identity->start_ns == start_ns)
            return TRUE;
    }
    return FALSE;
}

const GArray *ct_boards_images(const struct ct_boards *boards)
{
    return boards->images;
}

void ct_boards_add_refused(struct ct_boards *boards, enum ct_refusal refusal, uint64_t count)
{
    boards->refused[refusal] += count;
}

const uint64_t *ct_boards_refused(const struct ct_boards *boards)
{
    return boards->refused;
}

gboolean ct_board_is_drained(const struct ct_mapped_board *board)
{
    uint32_t slots = board->is_lost ? 0 : ct_board_map_slots(board->map);
    struct ct_ring_reader readers[CT_SLOT_RINGS];

    for (uint32_t i = 0; i < slots; i++)
        for (uint32_t k = ct_ring_readers_of(board->map, i, readers); k-- > 0;)
            if (readers[k].at != readers[k].head)
                return FALSE;
    return TRUE;
}

void ct_boards_remove(struct ct_boards *boards, struct ct_mapped_board *board)
{
    g_autofree char *name = g_path_get_basename(board->path);

    g_unlink(board->path);
    g_hash_table_remove(boards->known, name);
    g_ptr_array_add(boards->removed, g_steal_pointer(&board->map));
    g_ptr_array_remove_fast(boards->mapped, board);
    if (boards->removed->len >= MAX_REMOVED)
        ct_boards_unmap_removed(boards);
}

void ct_boards_unmap_removed(struct ct_boards *boards)
{
    ct_board_map_free_all(boards->removed);
    g_ptr_array_set_size(boards->removed, 0);
}

void ct_boards_free(struct ct_boards *boards)
{
    if (boards == NULL)
        return;
    ct_boards_unmap_removed(boards);
    g_ptr_array_unref(boards->removed);
    g_ptr_array_unref(boards->mapped);
    g_array_unref(boards->images);
    g_array_unref(boards->damaged);
    g_hash_table_unref(boards->known);
    g_hash_table_unref(boards->retries);
    ct_arrivals_free(boards->arrivals);
    g_free(boards->directory);
    g_free(boards);
}
