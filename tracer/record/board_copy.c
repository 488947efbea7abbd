#include "board_copy.h"

#include "board_places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A thread that is never seen between two changes is in the middle of one, and does not run: to
 * wait until it does would take long, where there are more threads than CPUs. */
#define TRIES 64

#define PIECE ((size_t)256 << 10)

/* More changes on no sound board; and no more fits the array. */
#define MAX_BYTES (UINT32_C(1) << 30)

/* What the copy has at that place, whatever the board has by then. */
struct patch {
    size_t at;
    size_t size;
    size_t begin; /* in the bytes of all */
};

struct ct_board_copy {
    int fd;            /* the board's, which may lose its name; -1: there are too many */
    char *path;        /* owned; the board's */
    GArray *patches;   /* owned; struct patch */
    GByteArray *bytes; /* owned; theirs */
};

/* ---- What changes ---- */

static void patch(struct ct_board_copy *copy, size_t at, const void *bytes, size_t size)
{
    const struct patch patch = {.at = at, .size = size, .begin = copy->bytes->len};

    if (size > MAX_BYTES - patch.begin)
        return;
    g_array_append_val(copy->patches, patch);
    g_byte_array_append(copy->bytes, bytes, (guint)size);
}

/* Of the numbers at the head: those that threads are counted by, and that are counted by threads.
 * Tables only grow: the later number is as good. */
static void patch_head(struct ct_board_copy *copy, const char numbers[CT_BOARD_NUMBERS_SIZE])
{
#define NUMBER(name)                                                             \
    {                                                                            \
        offsetof(struct ct_board, name), sizeof(((struct ct_board *)NULL)->name) \
    }
    static const struct {
        size_t at, size;
    } kept[] = {NUMBER(state),          NUMBER(end_ns),       NUMBER(stacks_lost),
                NUMBER(threads_lost),   NUMBER(modules_lost), NUMBER(threads_started),
                NUMBER(waits_recorded), NUMBER(events_lost),  NUMBER(thread_high_water),
                NUMBER(ring_count),     NUMBER(held_up_ns),   NUMBER(forked_high_water),
                NUMBER(unseen_children)};
#undef NUMBER

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        patch(copy, kept[i].at, numbers + kept[i].at, kept[i].size);
}

/* What a thread has on the board beside what its rings hold. */
struct slot {
    struct ct_board_thread thread;
    uint32_t large_ring[2]; /* and what comes behind it */
    uint64_t heads[2];      /* of its rings */
    size_t rings[2];        /* where those are */
    guint count;            /* of them */
};

#define LARGE_RING_AT offsetof(struct ct_board_slot, large_ring)

static void read_heads(const struct ct_board_map *map, size_t at, struct slot *slot)
{
    ct_board_map_copy(map, at + LARGE_RING_AT, slot->large_ring, sizeof(slot->large_ring));
    slot->rings[0] = at + offsetof(struct ct_board_slot, small_ring);
    slot->count = 1;
    if (slot->large_ring[0] - 1 < ct_board_map_entries(map, CT_TABLE_RINGS, CT_BOARD_MAX_RINGS))
        slot->rings[slot->count++] =
            ct_board_map_place(map, CT_TABLE_RINGS, slot->large_ring[0] - 1);
    for (guint i = 0; i < slot->count; i++)
        ct_board_map_copy(map, slot->rings[i] + offsetof(struct ct_board_ring, head),
                          &slot->heads[i], sizeof(slot->heads[i]));
}

/* Only those that are used have memory. */
static size_t counters_size(const struct ct_board_thread *thread)
{
    return MIN(thread->counters_used, CT_OP_COUNT) * sizeof(thread->counters[0]);
}

static void read_thread(const struct ct_board_map *map, size_t at, struct ct_board_thread *thread)
{
    const size_t counters_at = offsetof(struct ct_board_thread, counters);

    ct_board_map_copy(map, at, thread, counters_at);
    ct_board_map_copy(map, at + counters_at, thread->counters, counters_size(thread));
}

/* It has ended, and its event is being written, or was just now. */
static gboolean is_ending(const struct ct_board_wait *wait)
{
    return wait->state == CT_WAIT_STATE_OPEN && wait->end_ticks > wait->begin_ticks;
}

/* TRUE if it did not change meanwhile. */
static gboolean read_slot(const struct ct_board_map *map, size_t at, struct slot *slot)
{
    struct slot later;

    read_heads(map, at, slot);
    read_thread(map, at, &slot->thread);
    read_heads(map, at, &later);
    ct_board_map_copy(map, at, &later.thread, offsetof(struct ct_board_thread, counters));
    return slot->count == later.count && slot->large_ring[0] == later.large_ring[0] &&
           memcmp(slot->heads, later.heads, slot->count * sizeof(slot->heads[0])) == 0 &&
           memcmp(&slot->thread, &later.thread, offsetof(struct ct_board_thread, counters)) == 0 &&
           !is_ending(&slot->thread.wait);
}

static void take_records(struct ct_board_copy *copy, const struct ct_board_map *map, size_t at,
                         size_t size)
{
    g_autofree void *records = g_malloc(size);

    ct_board_map_copy(map, at, records, size);
    patch(copy, at, records, size);
}

/* Up to that head, what nobody has fetched: the recorder alone moves the tails, and does not now.
 */
static void take_ring(struct ct_board_copy *copy, const struct ct_board_map *map, size_t at,
                      uint64_t head, size_t size)
{
    const size_t bytes_at = at + sizeof(struct ct_board_ring);
    uint64_t tail;

    ct_board_map_copy(map, at + offsetof(struct ct_board_ring, tail), &tail, sizeof(tail));
    patch(copy, at + offsetof(struct ct_board_ring, head), &head, sizeof(head));
    patch(copy, at + offsetof(struct ct_board_ring, tail), &tail, sizeof(tail));
    uint64_t begin = ct_ring_begin(head, tail);
    uint64_t left = (head & CT_RING_POSITION_MASK) - begin;
    if (left == 0 || left > size || (begin | left) % sizeof(uint64_t) != 0)
        return;
    size_t first = MIN(left, size - begin % size);
    take_records(copy, map, bytes_at + begin % size, first);
    if (left > first)
        take_records(copy, map, bytes_at, left - first);
}

static void take_slot(struct ct_board_copy *copy, const struct ct_board_map *map, uint32_t index)
{
    const size_t at = ct_board_map_place(map, CT_TABLE_SLOTS, index);
    g_autofree struct slot *slot = g_new0(struct slot, 1);
    int tries = 0;

    while (tries < TRIES && !read_slot(map, at, slot))
        tries++;
    if (tries == TRIES) { /* no more is counted than there is, and no wait is there twice */
        read_heads(map, at, slot);
        slot->thread.wait.state = CT_WAIT_STATE_NONE;
    }
    patch(copy, at, &slot->thread,
          offsetof(struct ct_board_thread, counters) + counters_size(&slot->thread));
    patch(copy, at + LARGE_RING_AT, &slot->large_ring[0], sizeof(slot->large_ring[0]));
    for (guint i = 0; i < slot->count; i++)
        take_ring(copy, map, slot->rings[i], slot->heads[i],
                  i == 0 ? CT_RING_SMALL_SIZE : CT_RING_LARGE_SIZE);
}

static void take_children(struct ct_board_copy *copy, const struct ct_board_map *map,
                          const char numbers[CT_BOARD_NUMBERS_SIZE])
{
    uint32_t count = ct_board_map_entries(map, CT_TABLE_FORKED, CT_U32(numbers, forked_high_water));
    struct ct_board_forked forked;

    for (uint32_t i = 0; i < count; i++) {
        size_t at = ct_board_map_place(map, CT_TABLE_FORKED, i);

        ct_board_map_copy(map, at, &forked, sizeof(forked));
        patch(copy, at, &forked, sizeof(forked));
    }
}

static int open_board(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* A copy may be kept for long: half of the descriptors stay free for all else. */
static int open_to_keep(const char *path)
{
    struct rlimit files;
    int fd = open_board(path);

    if (fd >= 0 && getrlimit(RLIMIT_NOFILE, &files) == 0 && (rlim_t)fd >= files.rlim_cur / 2) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct ct_board_copy *ct_board_copy_take(const struct ct_mapped_board *board)
{
    struct ct_board_copy *copy = g_new0(struct ct_board_copy, 1);
    char numbers[CT_BOARD_NUMBERS_SIZE];

    copy->path = g_strdup(board->path);
    copy->fd = open_to_keep(board->path);
    copy->patches = g_array_new(FALSE, FALSE, sizeof(struct patch));
    copy->bytes = g_byte_array_new();
    if (board->is_lost)
        return copy;
    /* First: a thread that ends meanwhile is counted by itself, and not among those that ended. */
    ct_board_map_copy(board->map, 0, numbers, sizeof(numbers));
    patch_head(copy, numbers);
    uint32_t slots =
        ct_board_map_entries(board->map, CT_TABLE_SLOTS, CT_U32(numbers, thread_high_water));
    for (uint32_t i = 0; i < slots; i++)
        take_slot(copy, board->map, i);
    take_children(copy, board->map, numbers);
    return copy;
}

/* ---- The file ---- */

static gboolean write_all(int fd, const void *bytes, size_t size, off_t at)
{
    const char *next = bytes;

    while (size > 0) {
        ssize_t written = pwrite(fd, next, size, at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        next += written;
        at += written;
        size -= (size_t)written;
    }
    return TRUE;
}

/* Read, not mapped: no page comes into being by that. */
static gboolean copy_extent(int from_fd, int to_fd, off_t begin, off_t end, void *buffer)
{
    while (begin < end) {
        ssize_t size = pread(from_fd, buffer, MIN((size_t)(end - begin), PIECE), begin);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 || !write_all(to_fd, buffer, (size_t)size, begin))
            return FALSE;
        if (size == 0) /* somebody has cut it short */
            return TRUE;
        begin += size;
    }
    return TRUE;
}

static gboolean copy_file(int from_fd, int to_fd)
{
    g_autofree void *buffer = g_malloc(PIECE);
    struct stat status;
    off_t begin = 0;

    if (fstat(from_fd, &status) != 0 || ftruncate(to_fd, status.st_size) != 0)
        return FALSE;
    while ((begin = lseek(from_fd, begin, SEEK_DATA)) >= 0) {
        off_t end = lseek(from_fd, begin, SEEK_HOLE);

        if (end < 0 || !copy_extent(from_fd, to_fd, begin, MIN(end, status.st_size), buffer))
            return FALSE;
        begin = end;
    }
    return errno == ENXIO; /* there is no more */
}

static gboolean write_patches(const struct ct_board_copy *copy, int fd)
{
    for (guint i = 0; i < copy->patches->len; i++) {
        const struct patch *patch = &g_array_index(copy->patches, struct patch, i);

        if (!write_all(fd, copy->bytes->data + patch->begin, patch->size, (off_t)patch->at))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_board_copy_write(const struct ct_board_copy *copy, const char *folder)
{
    g_autofree char *name = g_path_get_basename(copy->path);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    int from_fd = copy->fd >= 0 ? copy->fd : open_board(copy->path);
    int to_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean is_written =
        from_fd >= 0 && to_fd >= 0 && copy_file(from_fd, to_fd) && write_patches(copy, to_fd);
    int code = errno;

    if (from_fd >= 0 && from_fd != copy->fd)
        close(from_fd);
    if (to_fd >= 0)
        close(to_fd);
    errno = code;
    return is_written;
}

uint64_t ct_board_copy_size(const struct ct_board_copy *copy)
{
    struct stat status;

    return (copy->fd >= 0 ? fstat(copy->fd, &status) : stat(copy->path, &status)) == 0
               ? (uint64_t)status.st_blocks * 512
               : 0;
}

void ct_board_copy_free(struct ct_board_copy *copy)
{
    if (copy->fd >= 0)
        close(copy->fd);
    g_free(copy->path);
    g_array_unref(copy->patches);
    g_byte_array_unref(copy->bytes);
    g_free(copy);
}
