#include "present.h"

#include "../procfs.h"
#include "../program.h"
#include "descriptors.h"
#include "spool.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Records are that long, as perf's are. */
#define RECORD_ALIGNMENT 8

/* More of a string would not be shown, and a record has an end. */
#define STRING_MAX 4095

struct writer {
    GByteArray *bytes; /* owned; whole records */
    guint record;      /* where the one that is written begins */
    pid_t pid;
    uint64_t time_ns;
    struct ct_socket_tables *sockets; /* borrowed */
};

static void begin_record(struct writer *writer, uint32_t type, uint16_t misc)
{
    const struct perf_event_header header = {.type = type, .misc = misc};

    writer->record = writer->bytes->len;
    g_byte_array_append(writer->bytes, (const void *)&header, sizeof(header));
}

static void append(struct writer *writer, const void *data, size_t size)
{
    g_byte_array_append(writer->bytes, data, (guint)size);
}

/* With its end. */
static void append_string(struct writer *writer, const char *text)
{
    append(writer, text, MIN(strlen(text), STRING_MAX));
    append(writer, "", 1);
}

/* All but samples have at their end who was on the CPU, and when: the process itself, let us say.
 */
static void end_record(struct writer *writer, pid_t tid)
{
    static const char zeros[RECORD_ALIGNMENT];
    guint used = writer->bytes->len % RECORD_ALIGNMENT;
    const struct ct_spool_id id = {writer->pid, tid, writer->time_ns};
    struct perf_event_header header;

    if (used > 0)
        append(writer, zeros, RECORD_ALIGNMENT - used);
    append(writer, &id, sizeof(id));
    memcpy(&header, writer->bytes->data + writer->record, sizeof(header));
    header.size = (uint16_t)(writer->bytes->len - writer->record);
    memcpy(writer->bytes->data + writer->record, &header, sizeof(header));
}

/* ---- Tasks ---- */

static void write_task(struct writer *writer, pid_t tid, const struct ct_proc_stat *stat)
{
    gboolean is_thread = tid != writer->pid;
    const struct {
        uint32_t pid, parent_pid, tid, parent_tid;
        uint64_t time_ns;
    } fork = {
        .pid = (uint32_t)writer->pid,
        .parent_pid = (uint32_t)(is_thread ? writer->pid : stat->parent_pid),
        .tid = (uint32_t)tid,
        .parent_tid = (uint32_t)(is_thread ? writer->pid : stat->parent_pid),
        .time_ns = stat->start_ns,
    };
    const uint32_t ids[] = {(uint32_t)writer->pid, (uint32_t)tid};

    begin_record(writer, PERF_RECORD_FORK, 0);
    append(writer, &fork, sizeof(fork));
    end_record(writer, tid);
    begin_record(writer, PERF_RECORD_COMM, 0);
    append(writer, ids, sizeof(ids));
    append_string(writer, stat->name);
    end_record(writer, tid);
}

/* The first thread first, also if it has ended and only the others go on. */
static void write_tasks(struct writer *writer)
{
    g_autoptr(GArray) threads = ct_proc_list_threads(writer->pid);
    struct ct_proc_stat stat;

    if (ct_proc_read_stat(writer->pid, writer->pid, &stat))
        write_task(writer, writer->pid, &stat);
    for (guint i = 0; i < threads->len; i++) {
        pid_t tid = g_array_index(threads, pid_t, i);

        if (tid != writer->pid && ct_proc_read_stat(writer->pid, tid, &stat))
            write_task(writer, tid, &stat);
    }
}

/* ---- Mappings ---- */

/* A line of /proc/PID/maps. Only what can be executed is of interest, and has a name. */
static void write_mapping(struct writer *writer, const char *line)
{
    struct {
        uint32_t pid, tid;
        uint64_t address, size, offset;
        uint32_t major, minor;
        uint64_t inode, inode_generation;
        uint32_t protection, flags;
    } map = {.pid = (uint32_t)writer->pid, .tid = (uint32_t)writer->pid};
    uint64_t end;
    char permissions[5];
    int path = 0;

    if (sscanf(line,
               "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
               &map.address, &end, permissions, &map.offset, &map.major, &map.minor, &map.inode,
               &path) != 7 ||
        path == 0 || permissions[2] != 'x' || line[path] == '\0' || end < map.address)
        return;
    map.size = end - map.address;
    map.protection = PROT_EXEC | (permissions[0] == 'r' ? PROT_READ : 0) |
                     (permissions[1] == 'w' ? PROT_WRITE : 0);
    map.flags = permissions[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
    begin_record(writer, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
    append(writer, &map, sizeof(map));
    append_string(writer, line + path);
    end_record(writer, writer->pid);
}

static void write_mappings(struct writer *writer)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", writer->pid);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        write_mapping(writer, *line);
}

/* ---- The description ---- */

/* The arguments as one would type them. Caller frees. */
static char *read_arguments(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!g_file_get_contents(path, &text, &size, NULL))
        return g_strdup("");
    size = MIN(size, STRING_MAX);
    for (const char *word = text; word < text + size; word += strlen(word) + 1)
        g_ptr_array_add(words, (char *)word);
    g_ptr_array_add(words, NULL);
    return ct_program_command_line((char **)words->pdata);
}

/* Where a link of the process's folder in /proc leads; empty if it is not told. Caller frees. */
static char *read_link(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, name);
    char *target = g_file_read_link(path, NULL);

    return target != NULL ? target : g_strdup("");
}

static void write_process(struct writer *writer)
{
    g_autofree char *exe = read_link(writer->pid, "exe");
    g_autofree char *args = read_arguments(writer->pid);
    g_autofree char *cwd = read_link(writer->pid, "cwd");
    struct ct_proc_stat stat;

    if (!ct_proc_read_stat(writer->pid, writer->pid, &stat))
        return;
    const struct ct_spool_process process = {
        .pid = writer->pid,
        .ppid = stat.parent_pid,
        .start_ns = stat.start_ns,
    };
    begin_record(writer, CT_SPOOL_PROCESS, 0);
    append(writer, &process, sizeof(process));
    append_string(writer, exe);
    append_string(writer, args);
    append_string(writer, cwd);
    end_record(writer, writer->pid);
}

static void write_descriptor(void *user, const struct ct_descriptor *descriptor)
{
    struct writer *writer = user;
    const struct ct_spool_descriptor record = {
        .pid = writer->pid,
        .fd = descriptor->fd,
        .kind = descriptor->kind,
        .watched = descriptor->watched,
    };

    begin_record(writer, CT_SPOOL_DESCRIPTOR, 0);
    append(writer, &record, sizeof(record));
    append_string(writer, descriptor->local);
    append_string(writer, descriptor->peer);
    end_record(writer, writer->pid);
}

static void write_description(struct writer *writer)
{
    write_process(writer);
    ct_descriptors_visit(writer->pid, writer->sockets, write_descriptor, writer);
}

static void write_all(struct writer *writer)
{
    write_tasks(writer);
    write_mappings(writer);
    write_description(writer);
}

/* ---- Processes ---- */

/* In one write, so that the file ends with a whole record whatever becomes of us. */
static gboolean write_bytes(int fd, const GByteArray *bytes)
{
    for (guint at = 0; at < bytes->len;) {
        ssize_t written = write(fd, bytes->data + at, bytes->len - at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        at += (guint)written;
    }
    return TRUE;
}

static gboolean write_part(int spool_fd, pid_t pid, uint64_t time_ns,
                           struct ct_socket_tables *sockets, void (*part)(struct writer *))
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct writer writer = {.bytes = bytes, .pid = pid, .time_ns = time_ns, .sockets = sockets};

    part(&writer);
    return write_bytes(spool_fd, bytes);
}

static gboolean write_alone(int spool_fd, pid_t pid, uint64_t time_ns,
                            void (*part)(struct writer *))
{
    struct ct_socket_tables *sockets = ct_socket_tables_new();
    gboolean is_written = write_part(spool_fd, pid, time_ns, sockets, part);

    ct_socket_tables_free(sockets);
    return is_written;
}

gboolean ct_present_write_process(int spool_fd, pid_t pid, uint64_t time_ns)
{
    return write_alone(spool_fd, pid, time_ns, write_all);
}

gboolean ct_present_write_description(int spool_fd, pid_t pid, uint64_t time_ns)
{
    return write_alone(spool_fd, pid, time_ns, write_description);
}

gboolean ct_present_write_tree(int spool_fd, const GArray *pids, gboolean follows_children,
                               uint64_t time_ns)
{
    g_autoptr(GArray) tree = ct_proc_list_tree(pids, follows_children);
    struct ct_socket_tables *sockets = ct_socket_tables_new();
    gboolean is_written = TRUE;

    for (guint i = 0; i < tree->len && is_written; i++)
        is_written =
            write_part(spool_fd, g_array_index(tree, pid_t, i), time_ns, sockets, write_all);
    ct_socket_tables_free(sockets);
    return is_written;
}
