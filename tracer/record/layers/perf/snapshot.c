#include "snapshot.h"

#include "blocked.h"
#include "descriptors.h"
#include "spool/decode.h"
#include "spool/elf_file.h"
#include "spool/objects.h"
#include "system/procfs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Records are that long, as perf's are. */
#define RECORD_ALIGNMENT 8

/* More of a string would not be shown, and a record has an end. */
#define STRING_MAX 4095

/* What /proc appends to the path of a file that has no name any more. */
#define DELETED " (deleted)"

/* What processes share, for as long as one look at them lasts. */
struct look {
    int spool_fd;
    uint64_t time_ns;
    struct ct_objects *objects;       /* borrowed; NULL: nothing is to be kept */
    struct ct_socket_tables *sockets; /* owned */
    GHashTable *build_ids;            /* owned; a file's "major:minor:inode" -> hexadecimal text */
};

struct writer {
    struct look *look; /* borrowed */
    GByteArray *bytes; /* borrowed; whole records */
    guint record;      /* where the one that is written begins */
    pid_t pid;
    pid_t living; /* of its threads: see ct_proc_find_living() */
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
    const struct ct_spool_id id = {writer->pid, tid, writer->look->time_ns};
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

/* After all of the process's threads: it ends with the last one of them. */
static void write_end(struct writer *writer, pid_t tid)
{
    const struct {
        uint32_t pid, parent_pid, tid, parent_tid;
        uint64_t time_ns;
    } end = {
        .pid = (uint32_t)writer->pid,
        .parent_pid = (uint32_t)writer->pid,
        .tid = (uint32_t)tid,
        .parent_tid = (uint32_t)writer->pid,
        .time_ns = writer->look->time_ns,
    };

    begin_record(writer, PERF_RECORD_EXIT, 0);
    append(writer, &end, sizeof(end));
    end_record(writer, tid);
}

/* After the task itself. */
static void write_state(struct writer *writer, pid_t tid, const struct ct_proc_stat *stat)
{
    g_autoptr(GByteArray) stack = g_byte_array_new();
    struct ct_spool_task task = {
        .pid = writer->pid,
        .tid = tid,
        .is_blocked = stat->state != 'R',
    };

    if (CT_PROC_HAS_ENDED(stat->state)) {
        write_end(writer, tid);
        return;
    }
    g_strlcpy(task.name, stat->name, sizeof(task.name));
    if (task.is_blocked)
        ct_blocked_read(&task, stack);
    begin_record(writer, CT_SPOOL_TASK, 0);
    append(writer, &task, sizeof(task));
    append(writer, stack->data, stack->len);
    end_record(writer, tid);
}

typedef void (*task_writer)(struct writer *writer, pid_t tid, const struct ct_proc_stat *stat);

/* The first thread first, also if it has ended and only the others go on. */
static void write_each_task(struct writer *writer, task_writer write_one)
{
    g_autoptr(GArray) threads = ct_proc_list_threads(writer->pid);
    struct ct_proc_stat stat;

    if (ct_proc_read_stat(writer->pid, writer->pid, &stat))
        write_one(writer, writer->pid, &stat);
    for (guint i = 0; i < threads->len; i++) {
        pid_t tid = g_array_index(threads, pid_t, i);

        if (tid != writer->pid && ct_proc_read_stat(writer->pid, tid, &stat))
            write_one(writer, tid, &stat);
    }
}

static void write_tasks(struct writer *writer)
{
    write_each_task(writer, write_task);
}

static void write_states(struct writer *writer)
{
    write_each_task(writer, write_state);
}

/* ---- Mappings ---- */

/* A line of /proc/PID/maps, of which only what can be executed and has a name is of interest. */
struct line {
    uint64_t begin;
    uint64_t end;
    uint64_t offset;
    char permissions[5];
    unsigned major;
    unsigned minor;
    uint64_t inode;
    const char *path; /* borrowed */
};

static gboolean parse_line(const char *text, struct line *line)
{
    int path = 0;

    if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &line->begin,
               &line->end, line->permissions, &line->offset, &line->major, &line->minor,
               &line->inode, &path) != 7 ||
        path == 0)
        return FALSE;
    line->path = text + path;
    return line->permissions[2] == 'x' && *line->path != '\0' && line->begin < line->end;
}

static gboolean is_mapped_there(const struct line *line, const char *place)
{
    struct stat status;

    return stat(place, &status) == 0 && status.st_ino == line->inode &&
           major(status.st_dev) == line->major && minor(status.st_dev) == line->minor;
}

/* What opens the file that is mapped, also where another one has its name by now, or it has none.
 * NULL: nothing does. Caller frees. */
static char *find_mapped_file(const struct writer *writer, const struct line *line)
{
    g_autofree char *mapped = g_strdup_printf("/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
                                              writer->living, line->begin, line->end);
    g_autofree char *named = g_strdup_printf("/proc/%d/root%s", writer->living, line->path);
    g_autofree char *program = g_strdup_printf("/proc/%d/exe", writer->living);
    struct stat status;

    if (stat(mapped, &status) == 0) /* that takes a privilege */
        return g_steal_pointer(&mapped);
    return is_mapped_there(line, named)     ? g_steal_pointer(&named)
           : is_mapped_there(line, program) ? g_steal_pointer(&program)
                                            : NULL;
}

/* Its build id. Keeps a copy, if it is one of those that are to be kept. Caller frees. */
static char *read_build_id(const struct writer *writer, const struct line *line)
{
    g_autofree char *place = find_mapped_file(writer, line);
    struct ct_elf_file *file = place != NULL ? ct_elf_file_read(place) : NULL;

    if (file == NULL)
        return g_strdup("");
    char *build_id = g_strdup(strlen(file->build_id) <= CT_RAW_BUILD_ID_SIZE ? file->build_id : "");
    g_autofree char *key = ct_object_key(build_id, line->major, line->minor, line->inode);

    if (writer->look->objects != NULL)
        ct_objects_keep(writer->look->objects, key, place, line->path);
    ct_elf_file_free(file);
    return build_id;
}

/* In hexadecimal; empty if it has none. Borrowed. */
static const char *find_build_id(struct writer *writer, const struct line *line)
{
    char *key = g_strdup_printf("%x:%x:%" PRIu64, line->major, line->minor, line->inode);
    const char *known = g_hash_table_lookup(writer->look->build_ids, key);

    if (known != NULL || line->inode == 0) {
        g_free(key);
        return known != NULL ? known : "";
    }
    char *build_id = read_build_id(writer, line);

    g_hash_table_insert(writer->look->build_ids, key, build_id);
    return build_id;
}

#define BUILD_ID_BYTES (CT_RAW_BUILD_ID_SIZE / 2)

/* As the kernel does: zeros follow one that is short. */
static uint8_t parse_build_id(const char *text, uint8_t bytes[BUILD_ID_BYTES])
{
    size_t size = strlen(text) / 2;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(g_ascii_xdigit_value(text[2 * i]) << 4 |
                             g_ascii_xdigit_value(text[2 * i + 1]));
    return (uint8_t)size;
}

static void write_mapping(struct writer *writer, const struct line *line)
{
    struct {
        uint32_t pid, tid;
        uint64_t begin, size, offset;
        union {
            struct {
                uint8_t size;
                uint8_t unused[3];
                uint8_t bytes[BUILD_ID_BYTES];
            } build_id;
            struct {
                uint32_t major, minor;
                uint64_t inode, generation;
            } file;
        } as;
        uint32_t protection, flags;
    } map = {
        .pid = (uint32_t)writer->pid,
        .tid = (uint32_t)writer->pid,
        .begin = line->begin,
        .size = line->end - line->begin,
        .offset = line->offset,
        .protection = PROT_EXEC | (line->permissions[0] == 'r' ? PROT_READ : 0) |
                      (line->permissions[1] == 'w' ? PROT_WRITE : 0),
        .flags = line->permissions[3] == 's' ? MAP_SHARED : MAP_PRIVATE,
    };

    const char *build_id = find_build_id(writer, line);

    if (*build_id != '\0') {
        map.as.build_id.size = parse_build_id(build_id, map.as.build_id.bytes);
    } else {
        map.as.file.major = line->major;
        map.as.file.minor = line->minor;
        map.as.file.inode = line->inode;
    }
    begin_record(writer, PERF_RECORD_MMAP2,
                 PERF_RECORD_MISC_USER | (*build_id != '\0' ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0));
    append(writer, &map, sizeof(map));
    append_string(writer, line->path);
    end_record(writer, writer->pid);
}

static void write_mappings(struct writer *writer)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", writer->living);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **text_line = lines; *text_line != NULL; text_line++) {
        struct line line;

        /* A file that is gone has its name without "(deleted)", as when it was mapped. */
        if (g_str_has_suffix(*text_line, DELETED))
            (*text_line)[strlen(*text_line) - strlen(DELETED)] = '\0';
        if (parse_line(*text_line, &line))
            write_mapping(writer, &line);
    }
}

/* ---- The description ---- */

/* Where a link of the process's folder in /proc leads; empty if it is not told. Caller frees. */
static char *read_link(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, name);
    char *target = g_file_read_link(path, NULL);

    return target != NULL ? target : g_strdup("");
}

static void write_process(struct writer *writer)
{
    g_autofree char *exe = read_link(writer->living, "exe");
    g_autofree char *args = ct_proc_read_command_line(writer->pid);
    g_autofree char *cwd = read_link(writer->living, "cwd");
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
    ct_descriptors_visit(writer->living, writer->look->sockets, write_descriptor, writer);
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

static gboolean write_part(struct look *look, pid_t pid, void (*part)(struct writer *))
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct writer writer = {
        .look = look, .bytes = bytes, .pid = pid, .living = ct_proc_find_living(pid)};

    part(&writer);
    return write_bytes(look->spool_fd, bytes);
}

static struct look begin_look(int spool_fd, struct ct_objects *objects, uint64_t time_ns)
{
    return (struct look){
        .spool_fd = spool_fd,
        .time_ns = time_ns,
        .objects = objects,
        .sockets = ct_socket_tables_new(),
        .build_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
}

static void end_look(struct look *look)
{
    ct_socket_tables_free(look->sockets);
    g_hash_table_unref(look->build_ids);
}

gboolean ct_snapshot_write_processes(int spool_fd, struct ct_objects *objects, const GArray *pids,
                                     uint64_t time_ns)
{
    /* All tasks first: a fork hands on what the parent has mapped by then. What they do comes after
     * what is mapped, which says by which numbers they make their calls. */
    static void (*const parts[])(struct writer *) = {write_tasks, write_mappings, write_states,
                                                     write_description};
    struct look look = begin_look(spool_fd, objects, time_ns);
    gboolean is_written = TRUE;

    for (size_t part = 0; part < G_N_ELEMENTS(parts); part++) {
        for (guint i = 0; i < pids->len && is_written; i++)
            is_written = write_part(&look, g_array_index(pids, pid_t, i), parts[part]);
    }
    end_look(&look);
    return is_written;
}

gboolean ct_snapshot_write_description(int spool_fd, pid_t pid, uint64_t time_ns)
{
    struct look look = begin_look(spool_fd, NULL, time_ns);
    gboolean is_written = write_part(&look, pid, write_description);

    end_look(&look);
    return is_written;
}

void ct_snapshot_keep_objects(struct ct_objects *objects, const GArray *pids)
{
    struct look look = begin_look(-1, objects, 0);

    for (guint i = 0; i < pids->len; i++) {
        g_autoptr(GByteArray) unused = g_byte_array_new();
        pid_t pid = g_array_index(pids, pid_t, i);
        struct writer writer = {
            .look = &look, .bytes = unused, .pid = pid, .living = ct_proc_find_living(pid)};

        if (!ct_proc_shares_files(writer.living))
            write_mappings(&writer);
    }
    end_look(&look);
}
