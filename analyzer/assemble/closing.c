#include "assemble/state.h"

/* The image that a closing event speaks of. One whose start was lost gets it from here. NULL: it is
 * left out. */
static struct ct_image *subject(struct ct_assembler *assembler, int32_t pid, uint64_t start_ns)
{
    struct ct_process key = {.pid = pid, .start_ns = start_ns};
    struct ct_image *image = g_hash_table_lookup(assembler->images, &key);

    if (image)
        return image;
    if (g_hash_table_contains(assembler->foreign_images, &key))
        return NULL;
    key.start_ns = 0;
    image = g_hash_table_lookup(assembler->images, &key);
    if (image && image->is_implicit) {
        g_hash_table_remove(assembler->images, image);
        image->process.start_ns = start_ns;
        image->is_implicit = FALSE;
        g_hash_table_add(assembler->images, image);
        return image;
    }
    return ct_assembler_image(assembler, pid, start_ns, FALSE);
}

static struct ct_thread_state *subject_thread(struct ct_assembler *assembler,
                                              struct ct_image *image, int32_t tid,
                                              uint64_t start_ns)
{
    struct ct_thread_state *thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(tid));

    /* One that has exited by then is another of the same id. */
    if (thread && (!thread->thread.has_exited || start_ns < thread->thread.end_ns))
        return thread;
    return ct_assembler_thread(assembler, image, tid, start_ns);
}

static gboolean add_process(struct ct_assembler *assembler, const struct ct_event_process *event,
                            GError **error)
{
    if (!ct_check_version(event->schema_version, error))
        return FALSE;
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);

    if (!image)
        return TRUE;
    assembler->first_ns = MIN(assembler->first_ns, event->process_start_ns);
    if (image->process.ppid == 0)
        image->process.ppid = event->ppid;
    ct_image_set_rate(assembler, image, event->rate_ns);
    /* Better than what was guessed when its pid came up again. */
    if (event->process_end_ns != 0) {
        uint64_t replaced_ns = image->has_exec && image->has_ended ? image->process.end_ns : 0;
        /* The recorder sees a killed process late; when it had its last CPU, the kernel tells. */
        uint64_t end_ns = MIN(event->process_end_ns, ct_kernel_image_end_ns(image));

        image->process.end_ns = MAX(MAX(end_ns, image->process.start_ns), replaced_ns);
        image->has_ended = TRUE;
    }
    ct_image_describe_end(image, event->exe, event->args, event->cwd);
    return TRUE;
}

static void add_thread(struct ct_assembler *assembler, const struct ct_event_thread *event)
{
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);

    if (!image)
        return;
    struct ct_thread_state *thread =
        subject_thread(assembler, image, event->tid, event->thread_start_ns);

    /* Its id was used before: all that is known so far is of the thread that had it then. */
    if (thread && thread->last_ns != 0 && event->thread_start_ns > thread->last_ns) {
        if (!thread->thread.has_exited)
            thread->thread.end_ns = MAX(thread->last_end_ns, thread->thread.start_ns);
        thread->thread.has_exited = TRUE;
        thread = ct_assembler_thread(assembler, image, event->tid, event->thread_start_ns);
    }
    if (!thread)
        return;
    thread->thread.start_ns = MIN(thread->thread.start_ns, event->thread_start_ns);
    thread->thread.entry = event->entry;
    if (event->name[0]) {
        ct_assign_string(&thread->thread.name, event->name);
        thread->has_name = TRUE;
    }
    thread->thread.class_ns[CT_CLASS_NET] = event->net_ns;
    thread->thread.class_ns[CT_CLASS_SYNC] = event->sync_ns;
    thread->thread.class_ns[CT_CLASS_SYSCALL] = event->syscall_ns;
    thread->thread.class_ns[CT_CLASS_SLEEP] = event->sleep_ns;
    thread->thread.has_totals = TRUE;
}

static void add_stack(struct ct_assembler *assembler, const struct ct_event_stack *event)
{
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);
    uint32_t count = MIN(event->addresses.count, CT_STACK_MAX_FRAMES);
    const struct ct_stack stack = {
        .id = event->id,
        .count = count,
        .time_ns = event->taken_ns,
        .omitted = event->omitted,
        .outermost = MIN(event->outermost, count),
    };

    if (image)
        ct_assembler_add_stack(assembler, image, &stack, event->addresses.values);
}

gboolean ct_assembler_add_module(struct ct_assembler *assembler, struct ct_image *image,
                                 const struct ct_module *module)
{
    if (module->begin >= module->end)
        return TRUE;
    if (assembler->module_count >= CT_MAX_MODULES) {
        assembler->model->capture.records_dropped++;
        return FALSE;
    }
    struct ct_module *copy = g_new0(struct ct_module, 1);

    assembler->module_count++;
    *copy = *module;
    copy->path = g_strdup(module->path); /* bytes: a file's name need not be UTF-8 */
    copy->build_id = NULL;
    ct_assign_string(&copy->build_id, module->build_id);
    copy->copy = g_strdup(module->copy);
    g_ptr_array_add(image->process.modules, copy);
    return TRUE;
}

static void add_module(struct ct_assembler *assembler, const struct ct_event_module *event)
{
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);
    const struct ct_module module = {
        .path = (char *)event->path,
        .build_id = (char *)event->build_id,
        .begin = event->begin,
        .end = event->end,
        .bias = event->bias,
        .until_ns = event->until_ns,
    };

    if (image)
        ct_assembler_add_module(assembler, image, &module);
}

static struct ct_op_counters *counters_of(struct ct_process *process, guint op)
{
    struct ct_op_counters *counters = g_hash_table_lookup(process->counters, GUINT_TO_POINTER(op));

    if (!counters) {
        counters = g_new0(struct ct_op_counters, 1);
        g_hash_table_insert(process->counters, GUINT_TO_POINTER(op), counters);
    }
    return counters;
}

void ct_assembler_count_call(struct ct_process *process, enum ct_op op, uint64_t duration_ns)
{
    ct_op_counters_count(counters_of(process, op), duration_ns);
}

static void add_inflight(struct ct_assembler *assembler, uint64_t now_ns,
                         const struct ct_event_inflight *event)
{
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);
    struct ct_interval interval = {
        .begin_ns = event->since_ns,
        .end_ns = MIN(ct_add_u64(event->since_ns, event->duration_ns), now_ns),
        .object = event->object,
        .op = event->op < CT_OP_COUNT ? (enum ct_op)event->op : CT_OP_NONE,
        .class = event->class < CT_CLASS_COUNT ? (enum ct_class)event->class : CT_CLASS_UNKNOWN,
        .stack_id = event->stack,
        .owner_tid = event->owner,
        .result = event->result,
        .is_open = event->is_open != 0,
    };

    if (!image || event->duration_ns > now_ns || event->since_ns > now_ns)
        return; /* not a time of this trace */
    if (interval.is_open && image->has_ended)
        interval.end_ns = CLAMP(interval.end_ns, interval.begin_ns,
                                MAX(interval.begin_ns, image->process.end_ns));
    struct ct_thread_state *thread = subject_thread(assembler, image, event->tid, event->since_ns);

    if (!thread)
        return;
    ct_unseen_drop(thread, interval.begin_ns, interval.end_ns);
    /* The program counts calls when they end. */
    if (interval.is_open)
        ct_assembler_count_call(&image->process, interval.op, interval.end_ns - interval.begin_ns);
    /* An open one is there whatever its length; one that had ended was sampled. */
    interval.weight =
        interval.is_open ? 1 : ct_sampled_weight(event->duration_ns, image->process.rate_ns);
    ct_assembler_interval(assembler, now_ns, thread, &interval);
}

static void add_counters(struct ct_assembler *assembler, const struct ct_event_counters *event)
{
    struct ct_image *image = subject(assembler, event->pid, event->process_start_ns);

    if (!image || event->op >= CT_OP_COUNT)
        return;
    struct ct_op_counters counters = {.calls = event->calls, .total_ns = event->total_ns};
    for (uint32_t i = 0; i < MIN(event->histogram.count, CT_HISTOGRAM_BUCKETS); i++)
        counters.histogram[i] = event->histogram.values[i];
    ct_op_counters_add(counters_of(&image->process, event->op), &counters);
}

static gboolean add_capture(struct ct_assembler *assembler, uint64_t now_ns,
                            const struct ct_event_capture *event, GError **error)
{
    struct ct_capture *capture = &assembler->model->capture;

    if (!ct_check_version(event->schema_version, error))
        return FALSE;
    capture->is_complete = TRUE;
    ct_assign_string(&capture->ctrace_version, event->ctrace_version);
    ct_assign_string(&capture->command, event->command);
    ct_assign_string(&capture->layers, event->layers);
    ct_assign_string(&capture->missing, event->missing);
    capture->rate_ns = event->rate_ns;
    capture->exit_status = event->exit_status;
    capture->waits_recorded = event->waits_recorded;
    assembler->ring_events_lost = event->events_lost;
    capture->stacks_lost = event->stacks_lost;
    capture->threads_lost = event->threads_lost;
    capture->modules_lost = event->modules_lost;
    if (event->begin_ns <= event->end_ns && event->end_ns <= now_ns) {
        assembler->has_extent = TRUE;
        assembler->model->begin_ns = event->begin_ns;
        assembler->model->end_ns = event->end_ns;
    }
    return TRUE;
}

/* More names than anybody reads are a sign of damage. */
#define MAX_UNSEEN_NAMES 256

static void add_unseen(struct ct_assembler *assembler, const struct ct_event_unseen *event)
{
    struct ct_capture *capture = &assembler->model->capture;
    g_autofree char *before = g_steal_pointer(&capture->unseen_names);
    g_autofree char *many =
        event->count > 1 ? g_strdup_printf("%u x ", event->count) : g_strdup("");
    gboolean is_first = before[0] == '\0';

    if (assembler->unseen_names++ < MAX_UNSEEN_NAMES)
        capture->unseen_names = g_strdup_printf("%s%s%s%s (%s)", before, is_first ? "" : ", ", many,
                                                event->name, event->why);
    else
        capture->unseen_names = g_steal_pointer(&before);
    capture->unseen_images = ct_add_u64(capture->unseen_images, event->count);
    capture->unseen_recorded = (is_first || capture->unseen_recorded) && event->is_recorded != 0;
}

gboolean ct_assembler_add_closing(struct ct_assembler *assembler, const struct ct_record *record,
                                  GError **error)
{
    switch (record->event) {
    case CT_EVENT_ID_PROCESS:
        return add_process(assembler, &record->as.process, error);
    case CT_EVENT_ID_THREAD:
        add_thread(assembler, &record->as.thread);
        return TRUE;
    case CT_EVENT_ID_STACK:
        add_stack(assembler, &record->as.stack);
        return TRUE;
    case CT_EVENT_ID_MODULE:
        add_module(assembler, &record->as.module);
        return TRUE;
    case CT_EVENT_ID_UNSEEN:
        add_unseen(assembler, &record->as.unseen);
        return TRUE;
    case CT_EVENT_ID_INFLIGHT:
        add_inflight(assembler, record->time_ns, &record->as.inflight);
        return TRUE;
    case CT_EVENT_ID_COUNTERS:
        add_counters(assembler, &record->as.counters);
        return TRUE;
    case CT_EVENT_ID_CAPTURE:
        return add_capture(assembler, record->time_ns, &record->as.capture, error);
    default:
        return TRUE;
    }
}
