#include "assemble/reasons.h"

#include "assemble/thread_state.h"
#include "model/format.h"

/* Names of files that are kept. */
#define FILES_MAX (1U << 16)

struct ct_reasons {
    struct ct_waits *waits; /* borrowed */
    GHashTable *files;      /* owned; a name, its file's -> struct ct_fd *, owned */
};

struct ct_reasons *ct_reasons_new(struct ct_waits *waits)
{
    struct ct_reasons *reasons = g_new0(struct ct_reasons, 1);

    reasons->waits = waits;
    reasons->files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, ct_fd_free);
    return reasons;
}

void ct_reasons_free(struct ct_reasons *reasons)
{
    g_hash_table_unref(reasons->files);
    g_free(reasons);
}

/* NULL: it has no name, or there are too many. */
static const struct ct_fd *find_file(struct ct_reasons *reasons, const char *name)
{
    struct ct_fd *file = g_hash_table_lookup(reasons->files, name);

    if (!*name || file || g_hash_table_size(reasons->files) >= FILES_MAX)
        return file;
    file = g_new0(struct ct_fd, 1);
    *file = (struct ct_fd){
        .fd = -1, .kind = CT_FD_KIND_FILE, .local = g_strdup(name), .peer = g_strdup("")};
    g_hash_table_insert(reasons->files, file->local, file);
    return file;
}

/* "cgroup app.slice (50 ms in each 100 ms)"; empty if that is not known. Caller frees. */
static char *name_quota(const struct ct_kernel_off_cpu_reason *event)
{
    uint64_t quota_ns = event->address, period_ns = event->file_offset;

    if (!*event->file)
        return g_strdup("");
    if (quota_ns == 0 || period_ns == 0)
        return g_strdup_printf("cgroup %s", event->file);
    g_autofree char *quota = ct_format_duration(quota_ns);
    g_autofree char *period = ct_format_duration(period_ns);

    return g_strdup_printf("cgroup %s (%s in each %s)", event->file, quota, period);
}

/* NONE: a later ctrace's. */
static enum ct_op op_of(const char *reason)
{
    for (enum ct_op op = CT_OP_NONE; op < CT_OP_COUNT; op++) {
        if (ct_op_class(op) == CT_CLASS_OTHER && g_str_equal(ct_op_name(op), reason))
            return op;
    }
    return CT_OP_NONE;
}

void ct_reasons_begin(struct ct_reasons *reasons, struct ct_thread_state *thread,
                      const struct ct_kernel_record *record)
{
    const struct ct_kernel_off_cpu_reason *event = &record->as.off_cpu_reason;
    enum ct_op op = op_of(event->reason);
    g_autofree char *quota = op == CT_OP_THROTTLED ? name_quota(event) : NULL;
    const struct ct_fd *file = find_file(reasons, quota ? quota : event->file);

    thread->reason = (struct ct_thread_reason){
        .op = op,
        .begin_ns = record->time_ns,
        .object = quota  ? 0
                  : file ? event->file_offset
                         : event->address,
        .file = file,
    };
}

gboolean ct_reasons_has_begun(const struct ct_thread_state *thread)
{
    return thread->reason.op != CT_OP_NONE;
}

void ct_reasons_set_stack(struct ct_thread_state *thread, uint32_t stack_id)
{
    thread->reason.stack_id = stack_id;
}

void ct_reasons_end(struct ct_reasons *reasons, struct ct_thread_state *thread, uint64_t now_ns,
                    uint64_t end_ns, gboolean is_open)
{
    const struct ct_thread_reason *reason = &thread->reason;
    const struct ct_process *process = thread->thread.process;
    struct ct_interval interval = {
        .begin_ns = reason->begin_ns,
        .end_ns = MAX(end_ns, reason->begin_ns),
        .weight = 1,
        .object = reason->object,
        .fd = reason->file,
        .op = reason->op,
        .class = CT_CLASS_OTHER,
        .stack_id = reason->stack_id,
        .result = CT_RESULT_UNKNOWN,
        .is_open = is_open,
    };

    if (!ct_reasons_has_begun(thread))
        return;
    ct_reasons_drop(thread);
    /* What is shorter counts by itself where waits are sampled. */
    if (process->is_unpreloaded || interval.end_ns - interval.begin_ns >= process->rate_ns)
        ct_waits_add(reasons->waits, now_ns, thread, &interval);
}

void ct_reasons_drop(struct ct_thread_state *thread)
{
    thread->reason = (struct ct_thread_reason){.op = CT_OP_NONE};
}
