#include "snapshot.h"

#include "blocked.h"
#include "snapshot_mappings.h"
#include "snapshot_record.h"
#include "spool/objects.h"
#include "system/descriptors.h"
#include "system/image_key.h"
#include "system/procfs.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <unistd.h>

/* ---- Tasks ---- */

static void write_task(struct ct_record_writer *writer, pid_t tid, const struct ct_proc_stat *stat)
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

    ct_record_begin(writer, PERF_RECORD_FORK, 0);
    ct_record_append(writer, &fork, sizeof(fork));
    ct_record_end(writer, tid);
    ct_record_begin(writer, PERF_RECORD_COMM, 0);
    ct_record_append(writer, ids, sizeof(ids));
    ct_record_append_string(writer, stat->name);
    ct_record_end(writer, tid);
}

/* After all of the process's threads: it ends with the last one of them. */
static void write_end(struct ct_record_writer *writer, pid_t tid)
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

    ct_record_begin(writer, PERF_RECORD_EXIT, 0);
    ct_record_append(writer, &end, sizeof(end));
    ct_record_end(writer, tid);
}

/* After the task itself. */
static void write_state(struct ct_record_writer *writer, pid_t tid, const struct ct_proc_stat *stat)
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
    ct_record_begin(writer, CT_SPOOL_TASK, 0);
    ct_record_append(writer, &task, sizeof(task));
    ct_record_append(writer, stack->data, stack->len);
    ct_record_end(writer, tid);
}

typedef void (*task_writer)(struct ct_record_writer *writer, pid_t tid,
                            const struct ct_proc_stat *stat);

/* The first thread first, also if it has ended and only the others go on. */
static void write_each_task(struct ct_record_writer *writer, task_writer write_one)
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

static void write_tasks(struct ct_record_writer *writer)
{
    write_each_task(writer, write_task);
}

static void write_states(struct ct_record_writer *writer)
{
    write_each_task(writer, write_state);
}

/* ---- The description ---- */

/* Where a link of the process's folder in /proc leads; empty if it is not told. Caller frees. */
static char *read_link(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, name);
    char *target = g_file_read_link(path, NULL);

    return target != NULL ? target : g_strdup("");
}

static void write_process(struct ct_record_writer *writer)
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
    ct_record_begin(writer, CT_SPOOL_PROCESS, 0);
    ct_record_append(writer, &process, sizeof(process));
    ct_record_append_string(writer, exe);
    ct_record_append_string(writer, args);
    ct_record_append_string(writer, cwd);
    ct_record_end(writer, writer->pid);
}

static void write_descriptor(void *user, const struct ct_descriptor *descriptor)
{
    struct ct_record_writer *writer = user;
    const struct ct_spool_descriptor record = {
        .pid = writer->pid,
        .fd = descriptor->fd,
        .kind = descriptor->kind,
        .watched = descriptor->watched,
    };

    ct_record_begin(writer, CT_SPOOL_DESCRIPTOR, 0);
    ct_record_append(writer, &record, sizeof(record));
    ct_record_append_string(writer, descriptor->local);
    ct_record_append_string(writer, descriptor->peer);
    ct_record_end(writer, writer->pid);
}

static void write_description(struct ct_record_writer *writer)
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

static gboolean write_part(struct ct_look *look, pid_t pid, void (*part)(struct ct_record_writer *))
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct ct_record_writer writer = {
        .look = look, .bytes = bytes, .pid = pid, .living = ct_proc_find_living(pid)};

    part(&writer);
    return write_bytes(look->spool_fd, bytes);
}

static struct ct_look begin_look(int spool_fd, struct ct_objects *objects, uint64_t time_ns)
{
    return (struct ct_look){
        .spool_fd = spool_fd,
        .time_ns = time_ns,
        .objects = objects,
        .sockets = ct_socket_tables_new(),
        .build_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
}

static void end_look(struct ct_look *look)
{
    ct_socket_tables_free(look->sockets);
    g_hash_table_unref(look->build_ids);
}

gboolean ct_snapshot_write_processes(int spool_fd, struct ct_objects *objects, const GArray *pids,
                                     uint64_t time_ns)
{
    /* All tasks first: a fork hands on what the parent has mapped by then. What they do comes after
     * what is mapped, which says by which numbers they make their calls. */
    static void (*const parts[])(struct ct_record_writer *) = {
        write_tasks, ct_snapshot_write_mappings, write_states, write_description};
    struct ct_look look = begin_look(spool_fd, objects, time_ns);
    gboolean is_written = TRUE;

    for (size_t part = 0; part < G_N_ELEMENTS(parts); part++) {
        for (guint i = 0; i < pids->len && is_written; i++)
            is_written = write_part(&look, g_array_index(pids, pid_t, i), parts[part]);
    }
    end_look(&look);
    return is_written;
}

gboolean ct_snapshot_write_preloaded(int spool_fd, struct ct_objects *objects, const GArray *images,
                                     uint64_t time_ns)
{
    static void (*const parts[])(struct ct_record_writer *) = {write_tasks,
                                                               ct_snapshot_write_mappings};
    struct ct_look look = begin_look(spool_fd, objects, time_ns);
    gboolean is_written = TRUE;

    for (size_t part = 0; part < G_N_ELEMENTS(parts); part++) {
        for (guint i = 0; i < images->len && is_written; i++) {
            const struct ct_image_key *image = &g_array_index(images, struct ct_image_key, i);

            /* By that, an image is known to be preloaded. */
            look.time_ns = part == 0 ? image->start_ns : time_ns;
            is_written = write_part(&look, image->pid, parts[part]);
        }
    }
    end_look(&look);
    return is_written;
}

gboolean ct_snapshot_write_description(int spool_fd, pid_t pid, uint64_t time_ns)
{
    struct ct_look look = begin_look(spool_fd, NULL, time_ns);
    gboolean is_written = write_part(&look, pid, write_description);

    end_look(&look);
    return is_written;
}

void ct_snapshot_keep_objects(struct ct_objects *objects, const GArray *pids)
{
    struct ct_look look = begin_look(-1, objects, 0);

    for (guint i = 0; i < pids->len; i++) {
        g_autoptr(GByteArray) unused = g_byte_array_new();
        pid_t pid = g_array_index(pids, pid_t, i);
        struct ct_record_writer writer = {
            .look = &look, .bytes = unused, .pid = pid, .living = ct_proc_find_living(pid)};

        if (!ct_proc_shares_files(writer.living))
            ct_snapshot_write_mappings(&writer);
    }
    end_look(&look);
}
