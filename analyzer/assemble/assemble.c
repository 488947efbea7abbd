#include "assemble/state.h"

#include "source/error.h"

gboolean ct_is_known_version(uint32_t version)
{
    return version >= CT_SCHEMA_VERSION_MIN && version <= CT_SCHEMA_VERSION;
}

gboolean ct_check_version(uint32_t version, GError **error)
{
    if (ct_is_known_version(version))
        return TRUE;
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_VERSION,
                "it was recorded by %s ctrace (format %u, this one reads %d to %d): "
                "read it with the ctrace that recorded it",
                version > CT_SCHEMA_VERSION ? "a newer" : "an older", version,
                CT_SCHEMA_VERSION_MIN, CT_SCHEMA_VERSION);
    return FALSE;
}

double ct_sampled_weight(uint64_t duration_ns, uint64_t rate_ns)
{
    return duration_ns > 0 && duration_ns < rate_ns ? (double)rate_ns / (double)duration_ns : 1.0;
}

/* The descriptor that it was a wait on, or that it gave; NULL: none that was described. */
static const struct ct_fd *find_fd(const struct ct_process *process,
                                   const struct ct_interval *interval)
{
    gboolean has_opened = interval->op == CT_OP_OPEN && interval->result >= 0;

    if (ct_op_object(interval->op) != CT_OBJECT_FD && !has_opened)
        return NULL;
    int32_t number = has_opened ? interval->result : (int32_t)interval->object;
    return g_hash_table_lookup(process->fds, GINT_TO_POINTER(number));
}

void ct_assembler_interval(struct ct_assembler *assembler, uint64_t now_ns,
                           struct ct_thread_state *thread, struct ct_interval *interval)
{
    ct_kernel_align(assembler, thread, interval);
    struct ct_span wait = {MAX(interval->begin_ns, thread->thread.start_ns), interval->end_ns};
    struct ct_span parts[CT_NESTING_PARTS_MAX];
    uint64_t *nested_ns = &thread->nested_ns[interval->class];

    wait.end_ns = MAX(wait.begin_ns, wait.end_ns);
    assembler->now_ns = MAX(assembler->now_ns, now_ns);
    unsigned part_count = ct_nesting_take(&thread->nesting, &wait, parts);

    interval->thread = &thread->thread;
    interval->wait_begin_ns = wait.begin_ns;
    interval->wait_end_ns = wait.end_ns;
    interval->fd = find_fd(thread->thread.process, interval);
    thread->last_end_ns = wait.end_ns;
    thread->thread.interval_count++;
    *nested_ns = ct_add_u64(*nested_ns, wait.end_ns - wait.begin_ns);
    assembler->first_ns = MIN(assembler->first_ns, wait.begin_ns);
    assembler->last_wait_end_ns = MAX(assembler->last_wait_end_ns, wait.end_ns);
    for (unsigned i = 0; i < part_count; i++) {
        uint64_t part_ns = parts[i].end_ns - parts[i].begin_ns;

        interval->begin_ns = parts[i].begin_ns;
        interval->end_ns = parts[i].end_ns;
        interval->previous_end_ns = i > 0 ? parts[i - 1].end_ns : 0;
        *nested_ns -= part_ns;
        thread->estimated_ns[interval->class] += interval->weight * (double)part_ns;
        thread->recorded_ns[interval->class] += part_ns;
        if (!ct_kernel_add_part(assembler, thread, interval))
            ct_wakes_add_interval(assembler->wakes, now_ns, interval);
    }
}

#define VALID_OP(op)       ((op) < CT_OP_COUNT ? (enum ct_op)(op) : CT_OP_NONE)
#define VALID_CLASS(class) ((class) < CT_CLASS_COUNT ? (enum ct_class)(class) : CT_CLASS_UNKNOWN)

/* All kinds of wait event have these fields, some in other sizes. */
static void add_wait(struct ct_assembler *assembler, const struct ct_record *record,
                     const struct ct_event_long_wait *wait)
{
    uint64_t end_ns = record->time_ns - MIN(wait->lag_ns, record->time_ns);
    struct ct_interval interval = {
        .begin_ns = end_ns - MIN(wait->duration_ns, end_ns),
        .end_ns = end_ns,
        .object = wait->object,
        .op = VALID_OP(wait->op),
        .class = VALID_CLASS(wait->class),
        .stack_id = wait->stack,
        .owner_tid = wait->owner,
        .result = wait->result,
    };
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, interval.begin_ns);

    assembler->wait_count++;
    if (!thread)
        return;
    interval.weight =
        ct_sampled_weight(interval.end_ns - interval.begin_ns, thread->thread.process->rate_ns);
    ct_kernel_see(assembler, thread, &interval);
    ct_unseen_drop(thread, interval.begin_ns, interval.end_ns);
    ct_unseen_release(assembler, thread, interval.begin_ns);
    ct_assembler_interval(assembler, record->time_ns, thread, &interval);
}

static void add_wake(struct ct_assembler *assembler, const struct ct_record *record, enum ct_op op,
                     uint64_t object, uint64_t lag_ns, uint32_t stack_id)
{
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, record->time_ns);
    enum ct_object kind = ct_op_object(op);

    if (!thread || kind == CT_OBJECT_NONE)
        return;
    struct ct_wake wake = {
        .time_ns = record->time_ns - MIN(lag_ns, record->time_ns),
        .thread = &thread->thread,
        .stack_id = stack_id,
        .op = op,
    };
    if (kind == CT_OBJECT_FD && object & CT_WAKE_OF_POLLER) {
        kind = CT_OBJECT_FD_SET;
        object &= ~CT_WAKE_OF_POLLER;
    }
    ct_wakes_add_wake(assembler->wakes, kind, object, &wake);
}

static void end_image(struct ct_image *image, uint64_t end_ns)
{
    if (image->has_ended)
        return;
    image->has_ended = TRUE;
    image->process.end_ns = end_ns;
}

static uint64_t last_sign_ns(const struct ct_image *image)
{
    uint64_t last_ns = image->process.start_ns;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, image->process.threads);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        last_ns = MAX(last_ns, ct_thread_state(value)->last_ns);
    return last_ns;
}

/* An exec that took longer was of a program that we do not see. */
#define EXEC_TIME_NS UINT64_C(1000000000)

/* An image that execs lives until the next one does, however long that takes: under a debugger,
 * long. Its own word is when it began to. */
static uint64_t replaced_ns(const struct ct_image *image, uint64_t next_start_ns)
{
    return next_start_ns > image->exec_ns && next_start_ns - image->exec_ns < EXEC_TIME_NS
               ? next_start_ns
               : image->exec_ns;
}

static void start_process(struct ct_assembler *assembler, const struct ct_record *record)
{
    const struct ct_event_process_start *start = &record->as.process_start;
    struct ct_image *previous =
        g_hash_table_lookup(assembler->current, GINT_TO_POINTER(record->pid));

    /* Replaced by exec it ended just now; else it was killed, and the pid is used again. */
    if (previous) {
        ct_kernel_replace(assembler, previous);
        if (previous->has_exec) {
            previous->has_ended = TRUE;
            previous->process.end_ns =
                replaced_ns(previous, MIN(start->process_start_ns, record->time_ns));
        }
        end_image(previous, last_sign_ns(previous));
    }
    /* The program's word: no reason to leave the others out. */
    if (!ct_is_known_version(start->schema_version)) {
        ct_assembler_skip_image(assembler, record->pid, start);
        return;
    }
    g_hash_table_remove(assembler->foreign_pids, GINT_TO_POINTER(record->pid));
    struct ct_image *image =
        ct_assembler_image(assembler, record->pid, start->process_start_ns, FALSE);

    ct_assembler_forget_slots(assembler, record->pid);
    if (!image)
        return;
    g_hash_table_insert(assembler->current, GINT_TO_POINTER(record->pid), image);
    /* By now its parent may have ended. */
    image->process.ppid = previous && previous->has_exec ? previous->process.ppid : start->ppid;
    ct_image_set_rate(assembler, image, start->rate_ns);
    ct_image_describe(image, start->exe, start->args, start->cwd);
    ct_assembler_thread(assembler, image, record->tid,
                        MIN(start->process_start_ns, record->time_ns));
    assembler->first_ns = MIN(assembler->first_ns, MIN(start->process_start_ns, record->time_ns));
}

static void start_thread(struct ct_assembler *assembler, const struct ct_record *record)
{
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, record->time_ns);

    if (thread && (thread->has_start || thread->thread.has_exited)) {
        /* The id is used again; the thread before it may have ended without a word. */
        if (!thread->thread.has_exited)
            thread->thread.end_ns = MAX(thread->last_end_ns, thread->thread.start_ns);
        thread->thread.has_exited = TRUE;
        thread = ct_assembler_thread(assembler, (struct ct_image *)thread->thread.process,
                                     record->tid, record->time_ns);
    }
    if (!thread)
        return;
    thread->last_ns = record->time_ns;
    thread->has_start = TRUE;
    thread->thread.entry = record->as.thread_start.entry;
}

static void exit_thread(struct ct_assembler *assembler, const struct ct_record *record)
{
    const struct ct_event_thread_exit *totals = &record->as.thread_exit;
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, record->time_ns);

    if (!thread)
        return;
    thread->thread.class_ns[CT_CLASS_NET] = totals->net_ns;
    thread->thread.class_ns[CT_CLASS_SYNC] = totals->sync_ns;
    thread->thread.class_ns[CT_CLASS_SYSCALL] = totals->syscall_ns;
    thread->thread.class_ns[CT_CLASS_SLEEP] = totals->sleep_ns;
    thread->thread.has_totals = TRUE;
    ct_unseen_release(assembler, thread, UINT64_MAX);
    add_wake(assembler, record, CT_OP_THREAD_EXIT, (uint64_t)(uint32_t)record->tid, 0, 0);
    thread->thread.has_exited = TRUE;
    thread->thread.end_ns = MAX(record->time_ns, thread->last_end_ns);
    ct_kernel_end_thread(thread);
    ct_nesting_clear(&thread->nesting);
}

/* A socket that was bound to nothing yet has no address to speak of. */
static gboolean is_unbound(const char *address)
{
    return g_str_equal(address, "0.0.0.0:0") || g_str_equal(address, "[::]:0");
}

/* Held intervals point to what the number was before: it stays for them, as long as it may. */
static void retire_fd(struct ct_assembler *assembler, GHashTable *fds, int32_t number)
{
    void *fd = NULL;

    if (assembler->retired_fds->len == CT_MAX_RETIRED_FDS) {
        ct_wakes_flush(assembler->wakes);
        g_ptr_array_set_size(assembler->retired_fds, 0);
    }
    g_hash_table_steal_extended(fds, GINT_TO_POINTER(number), NULL, &fd);
    g_ptr_array_add(assembler->retired_fds, fd);
    assembler->fd_count--;
}

/* Few enough, and many enough that to look at all processes each time does not take long. */
#define FDS_BETWEEN_SWEEPS 65536

/* A process that is over has none; they are kept until there are too many, since a descriptor may
 * be told to another process, and its last waits may be told of when all is over. */
static gboolean has_room_for_fd(struct ct_assembler *assembler)
{
    const GPtrArray *processes = assembler->model->processes;

    if (assembler->fd_count < CT_MAX_FDS)
        return TRUE;
    if (assembler->fds_refused++ % FDS_BETWEEN_SWEEPS == 0) {
        ct_wakes_flush(assembler->wakes); /* of held intervals */
        for (guint i = 0; i < processes->len; i++) {
            const struct ct_image *image = g_ptr_array_index(processes, i);

            if (image->has_ended) {
                assembler->fd_count -= g_hash_table_size(image->process.fds);
                g_hash_table_remove_all(image->process.fds);
            }
        }
    }
    return assembler->fd_count < CT_MAX_FDS;
}

static gboolean is_same_fd(const struct ct_fd *known, const struct ct_fd *fd)
{
    return known->kind == fd->kind && known->watched_classes == fd->watched_classes &&
           g_str_equal(known->local, fd->local) && g_str_equal(known->peer, fd->peer);
}

void ct_assembler_set_fd(struct ct_assembler *assembler, struct ct_process *process,
                         const struct ct_fd *fd)
{
    const struct ct_fd *known = g_hash_table_lookup(process->fds, GINT_TO_POINTER(fd->fd));
    struct ct_fd *copy;

    if (known && is_same_fd(known, fd))
        return;
    copy = g_new0(struct ct_fd, 1);
    *copy = *fd;
    copy->local = copy->peer = NULL;
    ct_assign_string(&copy->local, is_unbound(fd->local) ? "" : fd->local);
    ct_assign_string(&copy->peer, fd->peer);
    if (known)
        retire_fd(assembler, process->fds, fd->fd);
    if (!has_room_for_fd(assembler)) { /* `fd` may be gone now */
        assembler->model->capture.records_dropped++;
        ct_fd_free(copy);
        return;
    }
    assembler->fd_count++;
    g_hash_table_insert(process->fds, GINT_TO_POINTER(copy->fd), copy);
}

void ct_assembler_close_fd(struct ct_assembler *assembler, struct ct_process *process, int32_t fd)
{
    if (g_hash_table_contains(process->fds, GINT_TO_POINTER(fd)))
        retire_fd(assembler, process->fds, fd);
}

static void add_fd(struct ct_assembler *assembler, const struct ct_record *record)
{
    const struct ct_event_fd *event = &record->as.fd;
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, record->time_ns);
    const struct ct_fd fd = {
        .fd = event->fd,
        .kind = event->kind < CT_FD_KIND_COUNT ? (enum ct_fd_kind)event->kind : CT_FD_KIND_UNKNOWN,
        .local = (char *)event->local,
        .peer = (char *)event->peer,
    };

    if (thread)
        ct_assembler_set_fd(assembler, thread->thread.process, &fd);
}

static void add_live(struct ct_assembler *assembler, const struct ct_record *record)
{
    struct ct_thread_state *thread = ct_assembler_live_thread(assembler, record, record->time_ns);

    if (!thread)
        return;
    struct ct_image *image = (struct ct_image *)thread->thread.process;

    switch (record->event) {
    case CT_EVENT_ID_PROCESS_EXIT:
        image->process.exit_status = record->as.process_exit.status;
        end_image(image, record->time_ns);
        break;
    case CT_EVENT_ID_UNLOAD:
        ct_image_forget_stacks(image);
        break;
    case CT_EVENT_ID_EXEC:
        image->has_exec = TRUE;
        image->exec_ns = record->time_ns;
        break;
    case CT_EVENT_ID_THREAD_NAME:
        ct_assign_string(&thread->thread.name, record->as.thread_name.name);
        thread->has_name = TRUE;
        break;
    default:
        break;
    }
}

static gboolean is_closing(enum ct_event event)
{
    switch (event) {
    case CT_EVENT_ID_PROCESS:
    case CT_EVENT_ID_THREAD:
    case CT_EVENT_ID_STACK:
    case CT_EVENT_ID_MODULE:
    case CT_EVENT_ID_INFLIGHT:
    case CT_EVENT_ID_UNSEEN:
    case CT_EVENT_ID_COUNTERS:
    case CT_EVENT_ID_CAPTURE:
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean ct_assembler_add(struct ct_assembler *assembler, const struct ct_record *record,
                          GError **error)
{
    if (record->event == CT_EVENT_COUNT) {
        ct_kernel_add(assembler, record);
        return TRUE;
    }
    if (is_closing(record->event))
        return ct_assembler_add_closing(assembler, record, error);
    assembler->last_ns = MAX(assembler->last_ns, record->time_ns);
    switch (record->event) {
#define COPY_FIELD(type, name) longer.name = wait->name;
    case CT_EVENT_ID_WAIT: {
        const struct ct_event_wait *wait = &record->as.wait;
        struct ct_event_long_wait longer = {.owner = 0};
        CT_EVENT_WAIT(COPY_FIELD)
        add_wait(assembler, record, &longer);
        return TRUE;
    }
    case CT_EVENT_ID_LOCK_WAIT: {
        const struct ct_event_lock_wait *wait = &record->as.lock_wait;
        struct ct_event_long_wait longer;
        CT_EVENT_LOCK_WAIT(COPY_FIELD)
        add_wait(assembler, record, &longer);
        return TRUE;
    }
#undef COPY_FIELD
    case CT_EVENT_ID_LONG_WAIT:
        add_wait(assembler, record, &record->as.long_wait);
        return TRUE;
    case CT_EVENT_ID_WAKE:
        add_wake(assembler, record, VALID_OP(record->as.wake.op), record->as.wake.object,
                 record->as.wake.lag_ns, record->as.wake.stack);
        return TRUE;
    case CT_EVENT_ID_LONG_WAKE:
        add_wake(assembler, record, VALID_OP(record->as.long_wake.op), record->as.long_wake.object,
                 record->as.long_wake.lag_ns, record->as.long_wake.stack);
        return TRUE;
    case CT_EVENT_ID_PROCESS_START:
        start_process(assembler, record);
        return TRUE;
    case CT_EVENT_ID_THREAD_START:
        start_thread(assembler, record);
        return TRUE;
    case CT_EVENT_ID_THREAD_EXIT:
        exit_thread(assembler, record);
        return TRUE;
    case CT_EVENT_ID_FD:
        add_fd(assembler, record);
        return TRUE;
    default:
        add_live(assembler, record);
        return TRUE;
    }
}

struct ct_assembler *ct_assembler_new(struct ct_model *model, const struct ct_sink *sinks,
                                      size_t sink_count)
{
    struct ct_assembler *assembler = g_new0(struct ct_assembler, 1);

    assembler->model = model;
    assembler->current = g_hash_table_new(NULL, NULL);
    assembler->images = ct_images_new(NULL);
    assembler->foreign_pids = g_hash_table_new(NULL, NULL);
    assembler->foreign_images = ct_images_new(g_free);
    assembler->hidden_threads = g_hash_table_new(NULL, NULL);
    assembler->wakes = ct_wakes_new(sinks, sink_count);
    assembler->sinks = sinks;
    assembler->sink_count = sink_count;
    ct_kernel_init(assembler);
    ct_samples_init(assembler);
    assembler->first_ns = UINT64_MAX;
    assembler->retired_fds = g_ptr_array_new_with_free_func(ct_fd_free);
    return assembler;
}

void ct_assembler_set_rate_finder(struct ct_assembler *assembler, uint64_t (*find)(void *user),
                                  void *user)
{
    assembler->find_rate = find;
    assembler->find_rate_user = user;
}

void ct_assembler_free(struct ct_assembler *assembler)
{
    const struct ct_model *model = assembler->model;

    for (guint i = 0; i < model->all_threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(model->all_threads->pdata[i]);

        ct_nesting_clear(&thread->nesting);
        g_clear_pointer(&thread->unseen, g_array_unref);
    }
    for (guint i = 0; i < model->all_processes->len; i++)
        ct_image_forget_stacks(model->all_processes->pdata[i]);
    g_hash_table_unref(assembler->hidden_threads);
    ct_samples_clear(assembler);
    g_hash_table_unref(assembler->current);
    g_hash_table_unref(assembler->images);
    g_hash_table_unref(assembler->foreign_pids);
    g_hash_table_unref(assembler->foreign_images);
    g_ptr_array_unref(assembler->retired_fds);
    ct_wakes_free(assembler->wakes);
    ct_tasks_free(assembler->tasks);
    g_free(assembler);
}
