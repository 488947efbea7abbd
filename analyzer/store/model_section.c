#include "store/model_section.h"

#include "store/codes_section.h"
#include "store/facts_section.h"
#include "store/heap_section.h"
#include "store/lock_orders_section.h"

#include <string.h>

static void put_signed(struct ct_bytes *bytes, int64_t value)
{
    ct_bytes_put(bytes, ct_zigzag((uint64_t)value));
}

static int64_t take_signed(struct ct_bytes_input *input)
{
    return (int64_t)ct_unzigzag(ct_bytes_take(input));
}

/* Never NULL. */
static void take_owned(struct ct_bytes_input *input, char **owned)
{
    const char *text = ct_bytes_take_string(input);

    g_free(*owned);
    *owned = g_strdup(text ? text : "");
}

/* ---- What a reading says of itself ---- */

/* Numbers and truth values of the capture report, in the order in which they stand in the bytes. */
/* clang-format off */
#define CAPTURE_NUMBERS(X) \
    X(is_complete) X(rate_ns) X(waits_recorded) X(waits_lost) X(events_lost) X(packets_lost) \
    X(has_kernel) X(switches_missed) X(kernel_stacks) X(kernel_events_lost) X(samples) \
    X(samples_partial) X(samples_lost) X(samples_unknown) X(sample_period_ns) X(stacks_lost) \
    X(threads_lost) X(modules_lost) X(held_up_ns) X(unseen_images) X(unseen_recorded) X(foreign_images) \
    X(foreign_version) X(is_restated) X(dropped_ns) X(dropped_bytes) X(unknown_events) X(event_count) X(records_dropped)
#define CAPTURE_STRINGS(X) \
    X(ctrace_version) X(command) X(layers) X(missing) X(unseen_names) X(foreign_names)
/* clang-format on */

static void put_capture(struct ct_bytes *bytes, const struct ct_capture *capture)
{
#define PUT(field) ct_bytes_put(bytes, (uint64_t)capture->field);
    CAPTURE_NUMBERS(PUT)
#undef PUT
#define PUT(field) ct_bytes_put_string(bytes, capture->field);
    CAPTURE_STRINGS(PUT)
#undef PUT
    put_signed(bytes, capture->exit_status);
    ct_bytes_put_string(bytes, capture->damage);
}

static void take_capture(struct ct_bytes_input *input, struct ct_capture *capture)
{
#define TAKE(field) capture->field = (__typeof__(capture->field))ct_bytes_take(input);
    CAPTURE_NUMBERS(TAKE)
#undef TAKE
#define TAKE(field) take_owned(input, &capture->field);
    CAPTURE_STRINGS(TAKE)
#undef TAKE
    capture->exit_status = (int32_t)take_signed(input);
    capture->damage = g_strdup(ct_bytes_take_string(input));
}

static void put_counters(struct ct_bytes *bytes, const void *value)
{
    const struct ct_op_counters *counters = value;

    ct_bytes_put(bytes, counters->calls);
    ct_bytes_put(bytes, counters->total_ns);
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
        ct_bytes_put(bytes, counters->histogram[i]);
}

static void take_counters(struct ct_bytes_input *input, struct ct_op_counters *counters)
{
    counters->calls = ct_bytes_take(input);
    counters->total_ns = ct_bytes_take(input);
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
        counters->histogram[i] = ct_bytes_take(input);
}

/* ---- Processes ---- */

static int compare_keys(const void *a, const void *b)
{
    uintptr_t first = (uintptr_t) * (void *const *)a, second = (uintptr_t) * (void *const *)b;
    return (first > second) - (first < second);
}

/* In order, so that the bytes depend on the recording alone. */
static GPtrArray *list_keys(GHashTable *table)
{
    GPtrArray *keys = g_ptr_array_new();
    GHashTableIter iter;
    void *key;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(keys, key);
    g_ptr_array_sort(keys, compare_keys);
    return keys;
}

/* Its keys are numbers of either sign, as pointers. */
static void put_table(struct ct_bytes *bytes, GHashTable *table,
                      void (*put)(struct ct_bytes *, const void *value))
{
    g_autoptr(GPtrArray) keys = list_keys(table);

    ct_bytes_put(bytes, keys->len);
    for (guint i = 0; i < keys->len; i++) {
        ct_bytes_put(bytes, (uintptr_t)keys->pdata[i]);
        put(bytes, g_hash_table_lookup(table, keys->pdata[i]));
    }
}

static void take_table(struct ct_bytes_input *input, GHashTable *table,
                       void *(*take)(struct ct_bytes_input *))
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        void *key = (void *)(uintptr_t)ct_bytes_take(input);

        g_hash_table_insert(table, key, take(input));
    }
}

static void put_stack(struct ct_bytes *bytes, const void *value)
{
    const struct ct_stack *stack = value;
    uint64_t last = 0;

    ct_bytes_put(bytes, stack->id);
    ct_bytes_put(bytes, stack->time_ns);
    ct_bytes_put(bytes, stack->omitted);
    ct_bytes_put(bytes, stack->outermost);
    ct_bytes_put(bytes, (uint64_t)(stack->is_by_frame_pointers ? 1 : 0) |
                            (uint64_t)(stack->is_partial ? 2 : 0));
    ct_bytes_put(bytes, stack->count);
    for (uint32_t i = 0; i < stack->count; i++) {
        ct_bytes_put(bytes, ct_zigzag(stack->addresses[i] - last));
        last = stack->addresses[i];
    }
}

static void *take_stack(struct ct_bytes_input *input)
{
    struct ct_stack head = {.id = (uint32_t)ct_bytes_take(input)};
    uint64_t last = 0;

    head.time_ns = ct_bytes_take(input);
    head.omitted = (uint32_t)ct_bytes_take(input);
    head.outermost = (uint32_t)ct_bytes_take(input);
    uint64_t flags = ct_bytes_take(input);

    head.is_by_frame_pointers = (flags & 1) != 0;
    head.is_partial = (flags & 2) != 0;
    head.count = (uint32_t)ct_bytes_take_count(input);
    if (head.outermost > head.count)
        input->is_bad = TRUE;
    struct ct_stack *stack = g_malloc(sizeof(*stack) + head.count * sizeof(uint64_t));

    *stack = head;
    for (uint32_t i = 0; i < head.count; i++)
        stack->addresses[i] = last += ct_unzigzag(ct_bytes_take(input));
    return stack;
}

static void put_fd(struct ct_bytes *bytes, const void *value)
{
    const struct ct_fd *fd = value;
    put_signed(bytes, fd->fd);
    ct_bytes_put(bytes, (uint64_t)fd->kind);
    ct_bytes_put(bytes, fd->watched_classes);
    ct_bytes_put_string(bytes, fd->local);
    ct_bytes_put_string(bytes, fd->peer);
}

static void *take_fd(struct ct_bytes_input *input)
{
    struct ct_fd *fd = g_new0(struct ct_fd, 1);
    fd->fd = (int32_t)take_signed(input);
    uint64_t kind = ct_bytes_take(input);

    fd->kind = (enum ct_fd_kind)MIN(kind, CT_FD_KIND_COUNT - 1);
    fd->watched_classes = (uint8_t)ct_bytes_take(input);
    take_owned(input, &fd->local);
    take_owned(input, &fd->peer);
    return fd;
}

static void *take_op_counters(struct ct_bytes_input *input)
{
    struct ct_op_counters *counters = g_new0(struct ct_op_counters, 1);

    take_counters(input, counters);
    return counters;
}

/* Copies lie in the recording, which may be moved. */
static void put_module(struct ct_bytes *bytes, const struct ct_module *module,
                       const char *directory)
{
    gboolean is_inside = module->copy && directory && g_str_has_prefix(module->copy, directory) &&
                         module->copy[strlen(directory)] == '/';

    ct_bytes_put_string(bytes, module->path);
    ct_bytes_put_string(bytes, module->build_id);
    ct_bytes_put(bytes, (uint64_t)is_inside);
    ct_bytes_put_string(bytes, is_inside ? module->copy + strlen(directory) : module->copy);
    ct_bytes_put(bytes, module->begin);
    ct_bytes_put(bytes, module->end - module->begin);
    ct_bytes_put(bytes, module->bias);
    ct_bytes_put(bytes, module->until_ns);
}

static struct ct_module *take_module(struct ct_bytes_input *input, const char *directory)
{
    struct ct_module *module = g_new0(struct ct_module, 1);

    take_owned(input, &module->path);
    take_owned(input, &module->build_id);
    gboolean is_inside = ct_bytes_take(input) != 0;
    const char *copy = ct_bytes_take_string(input);

    if (copy)
        module->copy =
            is_inside ? g_strconcat(directory ? directory : ".", copy, NULL) : g_strdup(copy);
    module->begin = ct_bytes_take(input);
    module->end = module->begin + ct_bytes_take(input);
    module->bias = ct_bytes_take(input);
    module->until_ns = ct_bytes_take(input);
    return module;
}

static void put_process(struct ct_bytes *bytes, const struct ct_process *process,
                        const char *directory)
{
    put_signed(bytes, process->pid);
    ct_bytes_put(bytes, process->start_ns);
    put_signed(bytes, process->ppid);
    ct_bytes_put(bytes, process->end_ns);
    ct_bytes_put_string(bytes, process->name);
    ct_bytes_put_string(bytes, process->exe);
    ct_bytes_put_string(bytes, process->args);
    ct_bytes_put_string(bytes, process->title);
    ct_bytes_put_string(bytes, process->cwd);
    ct_bytes_put(bytes, process->rate_ns);
    put_signed(bytes, process->exit_status);
    ct_bytes_put(bytes, (uint64_t)(process->is_unpreloaded != 0));
    put_table(bytes, process->stacks, put_stack);
    put_table(bytes, process->fds, put_fd);
    put_table(bytes, process->counters, put_counters);
    ct_bytes_put(bytes, process->modules->len);
    for (guint i = 0; i < process->modules->len; i++)
        put_module(bytes, process->modules->pdata[i], directory);
    ct_lock_orders_put(bytes, process);
    ct_heap_put(bytes, process);
    ct_codes_put(bytes, process);
}

static void take_process(struct ct_bytes_input *input, struct ct_model *model)
{
    int32_t pid = (int32_t)take_signed(input);
    struct ct_process *process =
        ct_model_add_process(model, pid, ct_bytes_take(input), sizeof(*process));

    process->ppid = (int32_t)take_signed(input);
    process->end_ns = ct_bytes_take(input);
    take_owned(input, &process->name);
    take_owned(input, &process->exe);
    take_owned(input, &process->args);
    take_owned(input, &process->title);
    take_owned(input, &process->cwd);
    process->rate_ns = ct_bytes_take(input);
    process->exit_status = (int32_t)take_signed(input);
    process->is_unpreloaded = ct_bytes_take(input) != 0;
    take_table(input, process->stacks, take_stack);
    take_table(input, process->fds, take_fd);
    take_table(input, process->counters, take_op_counters);
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--)
        g_ptr_array_add(process->modules, take_module(input, model->directory));
    ct_lock_orders_take(input, process);
    ct_heap_take(input, process);
    ct_codes_take(input, process);
}

/* ---- Threads ---- */

/* clang-format off */
#define SCHED_NUMBERS(X) \
    X(is_known) X(has_priority) X(priority) X(running_ns) X(runnable_ns) X(blocked_ns) X(unknown_ns) \
    X(outside_ns) X(switches) X(migrations) X(preemptions) X(longest_queued_ns)
/* clang-format on */

static void put_thread(struct ct_bytes *bytes, const struct ct_thread *thread, guint process)
{
    ct_bytes_put(bytes, process);
    put_signed(bytes, thread->tid);
    ct_bytes_put(bytes, thread->start_ns);
    ct_bytes_put_string(bytes, thread->name);
    ct_bytes_put(bytes, thread->entry);
    put_signed(bytes, thread->creator_tid);
    ct_bytes_put(bytes, thread->end_ns);
    ct_bytes_put(bytes, (uint64_t)(thread->has_exited != 0));
    ct_bytes_put(bytes, (uint64_t)(thread->has_totals != 0));
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        ct_bytes_put(bytes, thread->class_ns[class]);
    ct_bytes_put(bytes, thread->interval_count);
#define PUT(field) ct_bytes_put(bytes, (uint64_t)thread->sched.field);
    SCHED_NUMBERS(PUT)
#undef PUT
    put_counters(bytes, &thread->sched.queued);
}

static void take_thread(struct ct_bytes_input *input, struct ct_model *model)
{
    uint64_t process = ct_bytes_take(input);
    int32_t tid = (int32_t)take_signed(input);
    uint64_t start_ns = ct_bytes_take(input);

    if (process >= model->all_processes->len) {
        input->is_bad = TRUE;
        return;
    }
    struct ct_thread *thread = ct_model_add_thread(model, model->all_processes->pdata[process], tid,
                                                   start_ns, sizeof(*thread));

    take_owned(input, &thread->name);
    thread->entry = ct_bytes_take(input);
    thread->creator_tid = (int32_t)take_signed(input);
    thread->end_ns = ct_bytes_take(input);
    thread->has_exited = ct_bytes_take(input) != 0;
    thread->has_totals = ct_bytes_take(input) != 0;
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        thread->class_ns[class] = ct_bytes_take(input);
    thread->interval_count = ct_bytes_take(input);
#define TAKE(field) thread->sched.field = (__typeof__(thread->sched.field))ct_bytes_take(input);
    SCHED_NUMBERS(TAKE)
#undef TAKE
    take_counters(input, &thread->sched.queued);
}

/* ---- Which of them are listed, in order ---- */

static GHashTable *index_of(const GPtrArray *all)
{
    GHashTable *indexes = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < all->len; i++)
        g_hash_table_insert(indexes, all->pdata[i], GUINT_TO_POINTER(i));
    return indexes;
}

static void put_list(struct ct_bytes *bytes, const GPtrArray *list, GHashTable *indexes)
{
    ct_bytes_put(bytes, list->len);
    for (guint i = 0; i < list->len; i++)
        ct_bytes_put(bytes, GPOINTER_TO_UINT(g_hash_table_lookup(indexes, list->pdata[i])));
}

static void take_list(struct ct_bytes_input *input, GPtrArray *list, const GPtrArray *all)
{
    g_ptr_array_set_size(list, 0);
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        uint64_t index = ct_bytes_take(input);

        if (index < all->len)
            g_ptr_array_add(list, all->pdata[index]);
        else
            input->is_bad = TRUE;
    }
}

/* The newest of each id. */
static void put_newest(struct ct_bytes *bytes, const struct ct_process *process,
                       GHashTable *indexes)
{
    g_autoptr(GPtrArray) newest = list_keys(process->threads);

    for (guint i = 0; i < newest->len; i++)
        newest->pdata[i] = g_hash_table_lookup(process->threads, newest->pdata[i]);
    put_list(bytes, newest, indexes);
}

static void take_newest(struct ct_bytes_input *input, const struct ct_process *process,
                        const GPtrArray *all)
{
    g_autoptr(GPtrArray) newest = g_ptr_array_new();

    take_list(input, newest, all);
    g_hash_table_remove_all(process->threads);
    for (guint i = 0; i < newest->len; i++) {
        struct ct_thread *thread = newest->pdata[i];

        if (thread->process == process)
            g_hash_table_insert(process->threads, GINT_TO_POINTER(thread->tid), thread);
        else
            input->is_bad = TRUE;
    }
}

void ct_model_section_write(const struct ct_model *model, struct ct_bytes *bytes)
{
    g_autoptr(GHashTable) processes = index_of(model->all_processes);
    g_autoptr(GHashTable) threads = index_of(model->all_threads);

    ct_bytes_put(bytes, model->begin_ns);
    ct_bytes_put(bytes, model->end_ns);
    put_signed(bytes, model->epoch_offset_ns);
    put_capture(bytes, &model->capture);
    ct_bytes_put(bytes, model->all_processes->len);
    for (guint i = 0; i < model->all_processes->len; i++)
        put_process(bytes, model->all_processes->pdata[i], model->directory);
    ct_bytes_put(bytes, model->all_threads->len);
    for (guint i = 0; i < model->all_threads->len; i++) {
        const struct ct_thread *thread = model->all_threads->pdata[i];

        put_thread(bytes, thread,
                   GPOINTER_TO_UINT(g_hash_table_lookup(processes, thread->process)));
    }
    put_list(bytes, model->processes, processes);
    put_list(bytes, model->threads, threads);
    for (guint i = 0; i < model->all_processes->len; i++)
        put_newest(bytes, model->all_processes->pdata[i], threads);
    ct_facts_section_write(model, bytes);
}

gboolean ct_model_section_read(struct ct_model *model, struct ct_bytes_input *input,
                               GPtrArray *processes)
{
    model->begin_ns = ct_bytes_take(input);
    model->end_ns = ct_bytes_take(input);
    model->epoch_offset_ns = take_signed(input);
    take_capture(input, &model->capture);
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--)
        take_process(input, model);
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--)
        take_thread(input, model);
    take_list(input, model->processes, model->all_processes);
    take_list(input, model->threads, model->all_threads);
    for (guint i = 0; i < model->all_processes->len && !input->is_bad; i++) {
        take_newest(input, model->all_processes->pdata[i], model->all_threads);
        g_ptr_array_add(processes, model->all_processes->pdata[i]);
    }
    ct_facts_section_read(model, input);
    return !input->is_bad && input->at == input->end;
}
