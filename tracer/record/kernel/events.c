#include "events.h"

#include "spool.h"
#include "tasks.h"

#include <string.h>

/* As the kernel's tracepoints say it. */
#define DEFAULT_PRIO 120

/* One CPU's file, with the record that is its next. */
struct source {
    struct ct_spool *spool; /* owned */
    struct ct_raw_record record;
    gboolean has_record;
    uint64_t last_ns;
    int32_t next_raw_tid;         /* who got the CPU last, as the tracepoint says it; -1: unknown */
    struct ct_raw_record skipped; /* the last switch that was left out */
    gboolean has_skipped;         /* and nothing was handed on since */
    gboolean is_told;             /* a tracepoint told of the switch to a task that arrives next */
};

struct ct_kernel_events {
    GPtrArray *sources;     /* owned; struct source *, by CPU */
    struct ct_tasks *tasks; /* owned */
    GHashTable *own_ids;    /* owned; a tracepoint's tid -> ours; NULL: they are the same */
    gboolean has_begun;     /* what is told from now on is told of all tasks */
    struct ct_raw_record current;
};

/*
 * What leaves a CPU next is what came on it, with its name and its id as the tracepoint says it.
 * Where the file ends before, an id is known if there is one only.
 */
static gboolean find_arrived(const struct source *source, struct ct_raw_task *task)
{
    struct ct_spool ahead = *source->spool;
    struct ct_raw_record record;

    while (ct_spool_read(&ahead, &record) && record.kind != CT_RAW_LOST) {
        if (record.kind == CT_RAW_SWITCH) {
            *task = record.as.of_switch.previous;
            return task->tid != 0;
        }
        if (record.kind == CT_RAW_ARRIVAL)
            return FALSE;
    }
    *task = (struct ct_raw_task){.tid = source->record.tid, .prio = DEFAULT_PRIO};
    return !source->spool->head.has_foreign_ids;
}

/* An arrival after idleness of which no tracepoint told is a switch of its own. FALSE: it is not.
 */
static gboolean make_switch(struct source *source)
{
    struct ct_raw_record *record = &source->record;
    struct ct_raw_task next;

    if (source->is_told || record->as.arrival.previous_tid != 0 || !find_arrived(source, &next))
        return FALSE;
    record->kind = CT_RAW_SWITCH;
    record->tid = 0;
    record->as.of_switch.next = next;
    record->as.of_switch.previous = (struct ct_raw_task){.prio = DEFAULT_PRIO};
    record->as.of_switch.previous_state = 0;
    g_snprintf(record->as.of_switch.previous.name, sizeof(record->as.of_switch.previous.name),
               "swapper/%u", record->cpu);
    return TRUE;
}

static void read_record(struct source *source)
{
    while ((source->has_record = ct_spool_read(source->spool, &source->record))) {
        if (source->record.kind == CT_RAW_SWITCH)
            source->is_told = source->record.as.of_switch.next.tid != 0;
        if (source->record.kind != CT_RAW_ARRIVAL)
            return;
        gboolean is_switch = make_switch(source);

        source->is_told = FALSE;
        if (is_switch)
            return;
    }
}

static void advance(struct source *source)
{
    read_record(source);
    /* perf's clock is one for all CPUs, but let no stream go back. */
    source->record.time_ns = MAX(source->record.time_ns, source->last_ns);
}

static void free_source(void *data)
{
    struct source *source = data;

    ct_spool_free(source->spool);
    g_free(source);
}

static int compare_sources(const void *a, const void *b)
{
    const struct source *first = *(struct source *const *)a;
    const struct source *second = *(struct source *const *)b;

    return (first->spool->head.cpu > second->spool->head.cpu) -
           (first->spool->head.cpu < second->spool->head.cpu);
}

static void open_sources(struct ct_kernel_events *events, const char *path)
{
    g_autofree char *folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    GDir *entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        struct ct_spool *spool = ct_spool_open(file);

        if (spool == NULL)
            continue;
        struct source *source = g_new0(struct source, 1);
        source->spool = spool;
        source->next_raw_tid = -1;
        advance(source);
        g_ptr_array_add(events->sources, source);
        if (spool->head.has_foreign_ids && events->own_ids == NULL)
            events->own_ids = g_hash_table_new(NULL, NULL);
    }
    if (entries != NULL)
        g_dir_close(entries);
    g_ptr_array_sort(events->sources, compare_sources);
}

struct ct_kernel_events *ct_kernel_events_open(const char *path, int32_t root_pid,
                                               gboolean follows_children)
{
    struct ct_kernel_events *events = g_new0(struct ct_kernel_events, 1);

    events->sources = g_ptr_array_new_with_free_func(free_source);
    events->tasks = ct_tasks_new(root_pid, follows_children);
    open_sources(events, path);
    if (events->sources->len > 0)
        return events;
    ct_kernel_events_free(events);
    return NULL;
}

guint ct_kernel_events_cpu_count(const struct ct_kernel_events *events)
{
    return events->sources->len;
}

uint32_t ct_kernel_events_cpu(const struct ct_kernel_events *events, guint index)
{
    return ((const struct source *)g_ptr_array_index(events->sources, index))->spool->head.cpu;
}

void ct_kernel_events_free(struct ct_kernel_events *events)
{
    g_ptr_array_unref(events->sources);
    ct_tasks_free(events->tasks);
    if (events->own_ids != NULL)
        g_hash_table_unref(events->own_ids);
    g_free(events);
}

/* ---- Ids ---- */

/*
 * Tracepoints tell the ids of the machine, everything else those of our pid namespace. Where they
 * differ, whatever a task does on its CPU next tells its own: up to when it leaves that CPU.
 */
static int32_t look_ahead(const struct source *source, int32_t raw_tid)
{
    struct ct_spool ahead = *source->spool;
    struct ct_raw_record record;

    while (ct_spool_read(&ahead, &record) && record.kind != CT_RAW_LOST) {
        gboolean is_of_task = record.raw_tid == raw_tid || record.raw_tid == 0;

        if (is_of_task && record.tid > 0)
            return record.tid;
        if (record.kind == CT_RAW_SWITCH || !is_of_task)
            break;
    }
    return 0;
}

static int32_t own_id(struct ct_kernel_events *events, int32_t raw_tid)
{
    if (events->own_ids == NULL || raw_tid == 0)
        return raw_tid;
    return GPOINTER_TO_INT(g_hash_table_lookup(events->own_ids, GINT_TO_POINTER(raw_tid)));
}

/* A sample says itself whose it is, as long as that task is not on its last way out. */
static int32_t sampled_id(struct ct_kernel_events *events, const struct ct_raw_record *record)
{
    if (events->own_ids == NULL)
        return record->raw_tid;
    return record->tid > 0 ? record->tid : own_id(events, record->raw_tid);
}

static void learn_id(struct ct_kernel_events *events, int32_t raw_tid, int32_t tid)
{
    g_hash_table_insert(events->own_ids, GINT_TO_POINTER(raw_tid), GINT_TO_POINTER(tid));
}

/* Gives the record's tasks their own ids. `source` has gone past it. */
static void translate(struct ct_kernel_events *events, const struct source *source,
                      struct ct_raw_record *record)
{
    struct ct_raw_task *next = &record->as.of_switch.next;

    if (record->kind == CT_RAW_WAKING) {
        record->as.waking.task.tid = own_id(events, record->as.waking.task.tid);
    } else if (record->kind == CT_RAW_SWITCH) {
        if (events->own_ids != NULL && next->tid != 0)
            learn_id(events, next->tid, look_ahead(source, next->tid));
        next->tid = own_id(events, next->tid);
        record->as.of_switch.previous.tid = sampled_id(events, record);
    }
    if (record->kind == CT_RAW_WAKING || record->kind == CT_RAW_SWITCH)
        record->tid = sampled_id(events, record);
}

/* ---- Selection ---- */

static void fill_switch(const struct ct_raw_record *raw, struct ct_kernel_record *record)
{
    const struct ct_raw_task *previous = &raw->as.of_switch.previous;
    const struct ct_raw_task *next = &raw->as.of_switch.next;

    record->event = CT_KERNEL_ID_SCHED_SWITCH;
    record->as.sched_switch = (struct ct_kernel_sched_switch){
        .prev_comm = previous->name,
        .prev_tid = previous->tid,
        .prev_prio = previous->prio,
        .prev_state = raw->as.of_switch.previous_state,
        .next_comm = next->name,
        .next_tid = next->tid,
        .next_prio = next->prio,
    };
}

static gboolean select_switch(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                              struct ct_kernel_record *record)
{
    const struct ct_raw_task *previous = &raw->as.of_switch.previous;
    const struct ct_raw_task *next = &raw->as.of_switch.next;

    if (!ct_tasks_has(events->tasks, previous->tid) && !ct_tasks_has(events->tasks, next->tid))
        return FALSE;
    fill_switch(raw, record);
    return TRUE;
}

static gboolean select_waking(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                              struct ct_kernel_record *record)
{
    const struct ct_raw_task *task = &raw->as.waking.task;

    if (!ct_tasks_has(events->tasks, task->tid))
        return FALSE;
    record->event = CT_KERNEL_ID_SCHED_WAKING;
    record->as.sched_waking = (struct ct_kernel_sched_waking){
        .comm = task->name,
        .tid = task->tid,
        .prio = task->prio,
        .target_cpu = raw->as.waking.cpu,
    };
    return TRUE;
}

static gboolean select_fork(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    if (!ct_tasks_fork(events->tasks, raw->as.task.parent_tid, raw->as.task.pid, raw->as.task.tid))
        return FALSE;
    if (!events->has_begun)
        return FALSE;
    record->event = CT_KERNEL_ID_SCHED_PROCESS_FORK;
    record->as.sched_process_fork = (struct ct_kernel_sched_process_fork){
        .parent_tid = raw->as.task.parent_tid,
        .parent_pid = raw->as.task.parent_pid,
        .child_tid = raw->as.task.tid,
        .child_pid = raw->as.task.pid,
    };
    return TRUE;
}

static gboolean select_exit(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    if (!ct_tasks_has(events->tasks, raw->as.task.tid))
        return FALSE;
    ct_tasks_exit(events->tasks, raw->as.task.tid);
    record->event = CT_KERNEL_ID_SCHED_PROCESS_EXIT;
    record->as.sched_process_exit.tid = raw->as.task.tid;
    return TRUE;
}

static gboolean select_exec(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    if (!raw->as.name.is_exec || !ct_tasks_exec(events->tasks, raw->as.name.pid))
        return FALSE;
    record->event = CT_KERNEL_ID_SCHED_PROCESS_EXEC;
    record->as.sched_process_exec = (struct ct_kernel_sched_process_exec){
        .filename = raw->as.name.name,
        .tid = raw->as.name.tid,
    };
    return TRUE;
}

/* perf gives these of the program's own tasks only. */
static gboolean select_task_switch(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                                   struct ct_kernel_record *record)
{
    (void)events;
    record->event = CT_KERNEL_ID_CONTEXT_SWITCH;
    record->as.context_switch = (struct ct_kernel_context_switch){
        .tid = raw->tid,
        .is_out = raw->as.task_switch.is_out != 0,
        .is_preempted = raw->as.task_switch.is_preempted != 0,
    };
    return raw->tid > 0;
}

/* TRUE if it is one of the program's. */
static gboolean is_selected(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    static gboolean (*const selectors[])(struct ct_kernel_events *, const struct ct_raw_record *,
                                         struct ct_kernel_record *) = {
        [CT_RAW_SWITCH] = select_switch, [CT_RAW_WAKING] = select_waking,
        [CT_RAW_FORK] = select_fork,     [CT_RAW_EXIT] = select_exit,
        [CT_RAW_NAME] = select_exec,     [CT_RAW_TASK_SWITCH] = select_task_switch,
    };

    return selectors[raw->kind](events, raw, record);
}

/* Forks of the whole machine are told before anything else: what came of them then is not known. */
static void note_begin(struct ct_kernel_events *events, const struct source *source)
{
    events->has_begun = events->has_begun || !source->spool->head.is_all_cpus ||
                        source->record.kind == CT_RAW_SWITCH ||
                        source->record.kind == CT_RAW_WAKING;
}

static void fill_item(struct ct_kernel_item *item, const struct ct_raw_record *raw)
{
    item->record.time_ns = raw->time_ns;
    item->record.cpu = raw->cpu;
    item->record.tid = MAX(raw->tid, 0);
    item->record.in_interrupt = raw->in_interrupt != 0;
}

/*
 * The kernel drops a switch now and then, without a word. Where one of the program's is missing,
 * the last one of others says how long ago it can have been. TRUE if there is such a one.
 */
static gboolean take_skipped(struct ct_kernel_events *events, struct source *source,
                             struct ct_kernel_item *item)
{
    const struct ct_raw_record *raw = &source->record;

    if (raw->kind != CT_RAW_SWITCH || !source->has_skipped ||
        source->next_raw_tid == raw->as.of_switch.previous.tid ||
        !ct_tasks_has(events->tasks, sampled_id(events, raw)))
        return FALSE;
    source->has_skipped = FALSE;
    events->current = source->skipped;
    fill_item(item, &events->current);
    fill_switch(&events->current, &item->record);
    return TRUE;
}

static struct source *find_first(struct ct_kernel_events *events, guint *index)
{
    struct source *first = NULL;

    for (guint i = 0; i < events->sources->len; i++) {
        struct source *source = g_ptr_array_index(events->sources, i);

        if (source->has_record &&
            (first == NULL || source->record.time_ns < first->record.time_ns)) {
            first = source;
            *index = i;
        }
    }
    return first;
}

gboolean ct_kernel_events_next(struct ct_kernel_events *events, struct ct_kernel_item *item)
{
    struct source *source;
    guint index = 0;

    while ((source = find_first(events, &index)) != NULL) {
        struct ct_raw_record *raw = &events->current;
        uint64_t last_ns = source->last_ns;

        *item = (struct ct_kernel_item){.index = index, .lost_since_ns = last_ns};
        if (take_skipped(events, source, item))
            return TRUE;
        note_begin(events, source);
        *raw = source->record;
        source->last_ns = raw->time_ns;
        if (raw->kind == CT_RAW_SWITCH)
            source->next_raw_tid = raw->as.of_switch.next.tid;
        /* Before the file goes on: ids are looked up in what comes next in it. */
        translate(events, source, raw);
        advance(source);
        fill_item(item, raw);
        if (raw->kind == CT_RAW_LOST && raw->as.lost > 0) {
            source->has_skipped = FALSE;
            item->lost = raw->as.lost;
            return TRUE;
        }
        gboolean is_wanted = raw->kind != CT_RAW_LOST && is_selected(events, raw, &item->record);

        if (is_wanted) {
            source->has_skipped = FALSE; /* a stream's time does not go back */
            return TRUE;
        }
        if (raw->kind == CT_RAW_SWITCH) {
            source->has_skipped = TRUE;
            source->skipped = *raw;
        }
    }
    return FALSE;
}
