#include "spool.h"

#include "files/hole.h"
#include "files/regular_file.h"
#include "files/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The initial pid namespace, as /proc/self/ns/pid names it. */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"

/* What was present is in such files, with the number of the part. */
#define PRESENT "present"

/* See images.h. */
#define PRELOADED "preloaded"

/* The head stays. */
#define HEAD_PAGE 4096

/* Two events of a task tell the same within that time. */
#define TWICE_NS UINT64_C(100000)

static gboolean has_foreign_ids(void)
{
    g_autofree char *name = g_file_read_link("/proc/self/ns/pid", NULL);

    return name == NULL || strcmp(name, INITIAL_PID_NAMESPACE) != 0;
}

static int create(const char *path, enum ct_rings_kind kind, const struct ct_formats *formats,
                  uint32_t cpu, uint32_t part)
{
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC,
        .version = CT_SPOOL_VERSION,
        .cpu = cpu,
        .kind = kind,
        .has_foreign_ids =
            (kind == CT_RINGS_MACHINE || kind == CT_RINGS_CALLS) && has_foreign_ids(),
        .part = part,
        .formats = *formats,
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0 && write(fd, &head, sizeof(head)) != sizeof(head)) {
        close(fd);
        return -1;
    }
    return fd;
}

int ct_spool_create(const char *folder, enum ct_rings_kind kind, const struct ct_formats *formats,
                    uint32_t cpu)
{
    static const char *const names[] = {
        [CT_RINGS_MACHINE] = "cpu",     [CT_RINGS_PROCESS] = "cpu", [CT_RINGS_CALLS] = "calls",
        [CT_RINGS_SAMPLES] = "samples", [CT_RINGS_BPF] = "off_cpu",
    };
    g_autofree char *path = g_strdup_printf("%s/%s%u", folder, names[kind], cpu);

    return create(path, kind, formats, cpu, 0);
}

int ct_spool_create_snapshot(const char *folder, enum ct_rings_kind kind,
                             const struct ct_formats *formats, uint32_t part)
{
    g_autofree char *path = part == 0 ? g_build_filename(folder, PRESENT, NULL)
                                      : g_strdup_printf("%s/" PRESENT "%u", folder, part);

    return create(path, kind, formats, CT_SPOOL_NO_CPU, part);
}

static gboolean add_size(int folder_fd, const char *name, const struct stat *status, void *data)
{
    (void)folder_fd;
    if (S_ISREG(status->st_mode) && strcmp(name, PRELOADED) != 0)
        g_hash_table_insert(data, g_strdup(name), g_memdup2(&status->st_size, sizeof(off_t)));
    return FALSE;
}

GHashTable *ct_spool_sizes(const char *folder)
{
    GHashTable *sizes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    ct_tree_walk(folder, add_size, sizes);
    return sizes;
}

/* First of all, whoever reads it is told. */
static gboolean drop_before(int folder_fd, const char *name, off_t end)
{
    const uint64_t begin = (uint64_t)end;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDWR | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT; /* nor are its records there */
    gboolean is_dropped = pwrite(fd, &begin, sizeof(begin),
                                 offsetof(struct ct_spool_head, begin)) == (ssize_t)sizeof(begin) &&
                          ct_hole_make_from(fd, HEAD_PAGE, end);
    int code = errno;
    close(fd);
    errno = code;
    return is_dropped;
}

gboolean ct_spool_drop(const char *folder, GHashTable *sizes, uint32_t part)
{
    int folder_fd = ct_tree_open(AT_FDCWD, folder);
    gboolean is_dropped = folder_fd >= 0;
    GHashTableIter iter;
    gpointer name, size;

    g_hash_table_iter_init(&iter, sizes);
    while (is_dropped && g_hash_table_iter_next(&iter, &name, &size)) {
        const char *number =
            g_str_has_prefix(name, PRESENT) ? (char *)name + strlen(PRESENT) : NULL;

        if (number == NULL)
            is_dropped = drop_before(folder_fd, name, *(off_t *)size);
        else if (strtoul(number, NULL, 10) < part)
            unlinkat(folder_fd, name, 0);
    }
    int code = errno;
    if (folder_fd >= 0)
        close(folder_fd);
    errno = code;
    return is_dropped;
}

gboolean ct_spool_drop_as(int from_fd, int to_fd)
{
    struct ct_spool_head head;
    struct stat status;

    if (pread(from_fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        head.magic != CT_SPOOL_MAGIC || fstat(to_fd, &status) != 0)
        return TRUE;
    const uint64_t begin = MIN(head.begin, (uint64_t)status.st_size);

    return pwrite(to_fd, &begin, sizeof(begin), offsetof(struct ct_spool_head, begin)) ==
           (ssize_t)sizeof(begin);
}

void ct_spool_remove(const char *path)
{
    g_autofree char *folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);

    ct_tree_remove(folder);
}

struct ct_spool *ct_spool_open(const char *path)
{
    struct ct_spool *spool = g_new0(struct ct_spool, 1);
    int fd = ct_regular_file_open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW);
    void *data = MAP_FAILED;
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(spool->head)) {
        spool->size = (size_t)status.st_size;
        data = mmap(NULL, spool->size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    if (data != MAP_FAILED) {
        madvise(data, spool->size, MADV_SEQUENTIAL);
        spool->data = data;
        memcpy(&spool->head, data, sizeof(spool->head));
        spool->next = MAX(sizeof(spool->head), spool->head.begin);
        if (spool->head.magic == CT_SPOOL_MAGIC && spool->head.version == CT_SPOOL_VERSION &&
            spool->next <= spool->size && spool->next % sizeof(uint64_t) == 0)
            return spool;
    }
    ct_spool_free(spool);
    return NULL;
}

void ct_spool_free(struct ct_spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->data != NULL)
        munmap((void *)spool->data, spool->size);
    g_free(spool);
}

/*
 * A thread that a process made while it was attached to may have two events: its own, and the one
 * that it inherited. What both tell comes at once, since a ring has one CPU.
 */
static gboolean is_told_twice(const struct ct_raw_record *last, const struct ct_raw_record *record)
{
    if (last->kind != record->kind || last->tid != record->tid ||
        record->time_ns - last->time_ns > TWICE_NS)
        return FALSE;
    switch (record->kind) {
    case CT_RAW_TASK_SWITCH:
        return last->as.task_switch.is_out == record->as.task_switch.is_out;
    case CT_RAW_FORK:
    case CT_RAW_EXIT:
        return last->as.task.tid == record->as.task.tid;
    case CT_RAW_NAME:
        return last->as.name.tid == record->as.name.tid &&
               strcmp(last->as.name.name, record->as.name.name) == 0;
    default:
        return FALSE;
    }
}

static gboolean read_record(struct ct_spool *spool, gboolean wants_samples,
                            struct ct_raw_record *record)
{
    struct perf_event_header header;

    if (spool->head.kind == CT_RINGS_BPF && spool->head.cpu != CT_SPOOL_NO_CPU)
        return FALSE; /* these are no records of that kind */
    while (spool->next + sizeof(header) <= spool->size) {
        memcpy(&header, spool->data + spool->next, sizeof(header));
        if (header.size < sizeof(header) || header.size > spool->size - spool->next)
            break;
        const char *body = spool->data + spool->next + sizeof(header);

        spool->next += header.size;
        if ((header.type == PERF_RECORD_SAMPLE && !wants_samples) ||
            (spool->is_later && header.type != CT_SPOOL_PROCESS &&
             header.type != CT_SPOOL_DESCRIPTOR))
            continue;
        if (!ct_raw_record_decode(record, &spool->head, &header, body))
            continue;
        if (spool->head.kind != CT_RINGS_PROCESS || spool->head.cpu == CT_SPOOL_NO_CPU)
            return TRUE;
        gboolean is_news = !is_told_twice(&spool->last, record);

        spool->last = *record;
        if (is_news)
            return TRUE;
    }
    spool->is_cut_off = spool->next < spool->size;
    spool->next = spool->size;
    return FALSE;
}

gboolean ct_spool_has_calls(const struct ct_spool *spool)
{
    return spool->head.kind == CT_RINGS_CALLS ||
           (spool->head.kind == CT_RINGS_BPF && spool->head.formats.enter_id != 0);
}

gboolean ct_spool_read(struct ct_spool *spool, struct ct_raw_record *record)
{
    return read_record(spool, TRUE, record);
}

gboolean ct_spool_read_life(struct ct_spool *spool, struct ct_raw_record *record)
{
    return read_record(spool, FALSE, record);
}
