#include "events.h"

#include "callers.h"
#include "off_cpu_records.h"
#include "own_ids.h"
#include "sources.h"
#include "tasks.h"
#include "unpreloaded_events.h"

#include <string.h>

/* What is known of a file's last switches. */
struct last_switch {
    int32_t next_raw_tid;         /* who got the CPU last, as the tracepoint says it; -1: unknown */
    struct ct_raw_record skipped; /* the last switch that was left out */
    gboolean has_skipped;         /* and nothing was handed on since */
};

struct ct_kernel_events {
    GPtrArray *sources;                        /* owned; struct ct_source * */
    struct last_switch *switches;              /* owned; of each of them */
    struct ct_tasks *tasks;                    /* owned */
    struct ct_unpreloaded_events *unpreloaded; /* owned */
    struct ct_callers *callers;                /* owned */
    uint64_t begin_ns;                         /* what came before only says how it was then */
    gboolean is_of_present;                    /* the program is what was present */
    gboolean has_begun;                        /* what is told from now on is told of all tasks */
    GHashTable *own_ids; /* owned; a tracepoint's tid -> ours; NULL: they are the same */
    struct ct_raw_record current;
    guint current_index;           /* of its source */
    gboolean is_current_present;   /* it tells what was there already */
    struct ct_callers_stack stack; /* of the current record */
};

static const struct ct_source *source_at(const struct ct_kernel_events *events, guint index)
{
    return g_ptr_array_index(events->sources, index);
}

static struct ct_unpreloaded_events *open_unpreloaded(const struct ct_kernel_events *events,
                                                      const char *path)
{
    g_autoptr(GPtrArray) spools = g_ptr_array_new();

    for (guint i = 0; i < events->sources->len; i++)
        g_ptr_array_add(spools, source_at(events, i)->spool);
    return ct_unpreloaded_events_new(path, spools, events->callers);
}

struct ct_kernel_events *ct_kernel_events_open(const char *path,
                                               const struct ct_kernel_scope *scope)
{
    struct ct_kernel_events *events = g_new0(struct ct_kernel_events, 1);

    events->sources = ct_sources_open(path, FALSE);
    events->switches = g_new0(struct last_switch, events->sources->len);
    events->tasks = ct_tasks_new(scope->root_pid, scope->follows_children);
    events->begin_ns = scope->begin_ns;
    events->is_of_present = scope->root_pid == 0;
    for (guint i = 0; i < events->sources->len; i++) {
        events->switches[i].next_raw_tid = -1;
        if (source_at(events, i)->spool->head.has_foreign_ids && events->own_ids == NULL)
            events->own_ids = g_hash_table_new(NULL, NULL);
    }
    events->callers = ct_callers_new(scope->stack_frames);
    events->unpreloaded = open_unpreloaded(events, path);
    ct_sources_begin(events->sources);
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
    const struct ct_source *source = source_at(events, index);

    return ct_source_is_present(source) ? 0 : source->cpu;
}

void ct_kernel_events_free(struct ct_kernel_events *events)
{
    if (events == NULL)
        return;
    g_ptr_array_unref(events->sources);
    g_free(events->switches);
    ct_unpreloaded_events_free(events->unpreloaded);
    ct_callers_free(events->callers);
    ct_tasks_free(events->tasks);
    if (events->own_ids != NULL)
        g_hash_table_unref(events->own_ids);
    g_free(events);
}

uint64_t ct_kernel_events_unpreloaded_images(const struct ct_kernel_events *events)
{
    return ct_unpreloaded_events_image_count(events->unpreloaded);
}

char **ct_kernel_events_unpreloaded_names(const struct ct_kernel_events *events)
{
    return ct_unpreloaded_events_image_names(events->unpreloaded);
}

uint64_t ct_kernel_events_unpreloaded_threads(const struct ct_kernel_events *events)
{
    return ct_unpreloaded_events_thread_count(events->unpreloaded);
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
    record->event = CT_KERNEL_ID_SCHED_PROCESS_FORK;
    record->as.sched_process_fork = (struct ct_kernel_sched_process_fork){
        .parent_tid = raw->as.task.parent_tid,
        .parent_pid = raw->as.task.parent_pid,
        .child_tid = raw->as.task.tid,
        .child_pid = raw->as.task.pid,
    };
    if (events->has_begun)
        ct_unpreloaded_events_add(events->unpreloaded, raw, FALSE);
    return events->has_begun;
}

static gboolean select_exit(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    if (!ct_tasks_has(events->tasks, raw->as.task.tid))
        return FALSE;
    ct_tasks_exit(events->tasks, raw->as.task.tid);
    record->event = CT_KERNEL_ID_SCHED_PROCESS_EXIT;
    record->as.sched_process_exit.tid = raw->as.task.tid;
    return events->has_begun;
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
    if (events->has_begun)
        ct_unpreloaded_events_add(events->unpreloaded, raw, FALSE);
    return events->has_begun;
}

/* perf gives these of the program's own tasks only; and of all children of what was present. */
static gboolean select_task_switch(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                                   struct ct_kernel_record *record)
{
    if (events->is_of_present && !ct_tasks_has(events->tasks, raw->tid))
        return FALSE;
    record->event = CT_KERNEL_ID_CONTEXT_SWITCH;
    record->as.context_switch = (struct ct_kernel_context_switch){
        .tid = raw->tid,
        .is_out = raw->as.task_switch.is_out != 0,
        .is_preempted = raw->as.task_switch.is_preempted != 0,
    };
    return raw->tid > 0;
}

/* Where the program's own code was when it blocked, or let another thread go on. */
static gboolean select_callers(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                               struct ct_kernel_record *record)
{
    struct ct_callers_stack *stack = &events->stack;
    struct ct_address_space space;

    if ((raw->as.callers.count == 0 && raw->as.callers.user.registers == NULL) ||
        (raw->kind == CT_RAW_CALLERS && (raw->as.callers.state & CT_TASK_STATE_MASK) == 0 &&
         !raw->as.callers.is_of_reason) ||
        !ct_tasks_has(events->tasks, raw->tid))
        return FALSE;
    gboolean has_space = ct_unpreloaded_events_address_space(events->unpreloaded, raw->pid, &space);

    ct_callers_of_switch(events->callers, has_space ? &space : NULL, raw, stack);
    ct_callers_fill(stack, raw, record);
    return TRUE;
}

static gboolean select_reason(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                              struct ct_kernel_record *record)
{
    if (raw->as.reason.op == CT_OP_NONE || !ct_tasks_has(events->tasks, raw->tid))
        return FALSE;
    record->event = CT_KERNEL_ID_OFF_CPU_REASON;
    record->as.off_cpu_reason = (struct ct_kernel_off_cpu_reason){
        .tid = raw->tid,
        .reason = ct_off_cpu_reason_name(raw->as.reason.op),
        .address = raw->as.reason.address,
        .file = raw->as.reason.file,
        .file_offset = raw->as.reason.file_offset,
    };
    return TRUE;
}

static gboolean select_lasting(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                               struct ct_kernel_record *record)
{
    if (!ct_tasks_has(events->tasks, raw->tid))
        return FALSE;
    record->event = CT_KERNEL_ID_OFF_CPU_UNTIL;
    record->as.off_cpu_until = (struct ct_kernel_off_cpu_until){
        .tid = raw->tid,
        .until_ns = raw->as.lasting.until_ns,
        .is_blocked = raw->as.lasting.is_blocked != 0,
    };
    return TRUE;
}

static gboolean select_syscall(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                               struct ct_kernel_record *record)
{
    struct ct_named_syscall named;

    if (!ct_tasks_has(events->tasks, raw->tid))
        return FALSE;
    named = ct_unpreloaded_events_syscall(events->unpreloaded, raw->pid, raw->as.syscall.number);
    record->event =
        raw->kind == CT_RAW_SYSCALL_ENTRY ? CT_KERNEL_ID_SYSCALL_ENTRY : CT_KERNEL_ID_SYSCALL_EXIT;
    record->as.syscall = (struct ct_kernel_syscall){
        .call = named.call,
        .name = named.name,
        .result = raw->as.syscall.result,
    };
    memcpy(record->as.syscall.arguments, raw->as.syscall.arguments,
           sizeof(record->as.syscall.arguments));
    return TRUE;
}

/* What is no event itself, but may have some that follow from it. */
static gboolean select_told(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    ct_unpreloaded_events_add(events->unpreloaded, raw, FALSE);
    return ct_unpreloaded_events_take(events->unpreloaded, record);
}

/* Where it is told of the whole machine, most are others'. */
static gboolean select_mapping(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                               struct ct_kernel_record *record)
{
    const struct ct_source *source = source_at(events, events->current_index);

    return (source->spool->head.kind != CT_RINGS_MACHINE ||
            ct_tasks_has(events->tasks, raw->tid)) &&
           select_told(events, raw, record);
}

/* TRUE if it is one of the program's. */
static gboolean is_selected(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    static gboolean (*const selectors[])(struct ct_kernel_events *, const struct ct_raw_record *,
                                         struct ct_kernel_record *) = {
        [CT_RAW_SWITCH] = select_switch,
        [CT_RAW_WAKING] = select_waking,
        [CT_RAW_FORK] = select_fork,
        [CT_RAW_EXIT] = select_exit,
        [CT_RAW_NAME] = select_exec,
        [CT_RAW_TASK_SWITCH] = select_task_switch,
        [CT_RAW_SYSCALL_ENTRY] = select_syscall,
        [CT_RAW_SYSCALL_EXIT] = select_syscall,
        [CT_RAW_REASON] = select_reason,
        [CT_RAW_LASTING] = select_lasting,
        [CT_RAW_CALLERS] = select_callers,
        [CT_RAW_WAKER] = select_callers,
        [CT_RAW_MAPPING] = select_mapping,
        [CT_RAW_PROCESS] = select_told,
        [CT_RAW_FD] = select_told,
        [CT_RAW_TASK] = select_told,
    };

    return raw->kind < G_N_ELEMENTS(selectors) && selectors[raw->kind] != NULL &&
           selectors[raw->kind](events, raw, record);
}

static void fill_item(const struct ct_kernel_events *events, struct ct_kernel_item *item,
                      const struct ct_raw_record *raw)
{
    item->record.time_ns = MAX(raw->time_ns, events->begin_ns);
    item->record.cpu = raw->cpu;
    item->record.tid = MAX(raw->tid, 0);
    item->record.in_interrupt = raw->in_interrupt != 0;
    item->has_happened = !events->is_current_present && raw->time_ns >= events->begin_ns;
}

/*
 * The kernel drops a switch now and then, without a word. Where one of the program's is missing,
 * the last one of others says how long ago it can have been. TRUE if there is such a one.
 */
static gboolean take_skipped(struct ct_kernel_events *events, const struct ct_source *source,
                             struct ct_kernel_item *item)
{
    struct last_switch *last = &events->switches[item->index];
    const struct ct_raw_record *raw = &source->record;

    if (raw->kind != CT_RAW_SWITCH || !last->has_skipped ||
        last->next_raw_tid == raw->as.of_switch.previous.tid ||
        !ct_tasks_has(events->tasks, ct_own_ids_sampled(events->own_ids, raw)))
        return FALSE;
    last->has_skipped = FALSE;
    events->current = last->skipped;
    fill_item(events, item, &events->current);
    fill_switch(&events->current, &item->record);
    return TRUE;
}

/* What was there already when the recording began: those tasks are the program's. */
static gboolean select_present(struct ct_kernel_events *events, const struct ct_raw_record *raw,
                               struct ct_kernel_record *record)
{
    if (raw->kind == CT_RAW_FORK)
        ct_tasks_add(events->tasks, raw->as.task.pid, raw->as.task.tid);
    else if (raw->kind == CT_RAW_EXIT)
        return select_exit(events, raw, record);
    ct_unpreloaded_events_add(events->unpreloaded, raw, TRUE);
    return ct_unpreloaded_events_take(events->unpreloaded, record);
}

/* An event that follows from the current record. */
static gboolean take_following(struct ct_kernel_events *events, struct ct_kernel_item *item)
{
    *item = (struct ct_kernel_item){.index = events->current_index};
    if (!ct_unpreloaded_events_take(events->unpreloaded, &item->record))
        return FALSE;
    fill_item(events, item, &events->current);
    return TRUE;
}

/* What begins and ends on the whole machine is told before anything else. What came of it until
 * recording began is what is present then. */
static void note_begin(struct ct_kernel_events *events, const struct ct_source *source)
{
    enum ct_raw_kind kind = source->record.kind;

    events->has_begun = events->has_begun || source->spool->head.kind != CT_RINGS_MACHINE ||
                        kind == CT_RAW_SWITCH || kind == CT_RAW_WAKING ||
                        (kind == CT_RAW_FORK && ct_source_is_present(source));
}

/* Goes on to the record that is `source`'s next, and selects it. */
static gboolean take_record(struct ct_kernel_events *events, struct ct_source *source,
                            struct ct_kernel_item *item)
{
    struct last_switch *last = &events->switches[item->index];
    struct ct_raw_record *raw = &events->current;
    gboolean is_wanted;

    note_begin(events, source);
    *raw = source->record;
    events->is_current_present = ct_source_is_present(source);
    if (raw->kind == CT_RAW_SWITCH)
        last->next_raw_tid = raw->as.of_switch.next.tid;
    /* Before the file goes on: ids are looked up in what comes next in it. */
    ct_own_ids_translate(events->own_ids, source, raw);
    ct_source_advance(source);
    if (raw->kind == CT_RAW_LOST) {
        item->lost = raw->as.lost;
        is_wanted = item->lost > 0;
    } else if (events->is_current_present) {
        is_wanted = select_present(events, raw, &item->record);
    } else {
        is_wanted = is_selected(events, raw, &item->record);
    }
    fill_item(events, item, raw);
    if (is_wanted) {
        last->has_skipped = FALSE; /* a stream's time does not go back */
    } else if (raw->kind == CT_RAW_SWITCH) {
        last->has_skipped = TRUE;
        last->skipped = *raw;
    }
    return is_wanted;
}

gboolean ct_kernel_events_next(struct ct_kernel_events *events, struct ct_kernel_item *item)
{
    struct ct_source *source;
    guint index = 0;

    if (take_following(events, item))
        return TRUE;
    while ((source = ct_sources_first(events->sources, &index)) != NULL) {
        *item = (struct ct_kernel_item){.index = index, .lost_since_ns = source->last_ns};
        events->current_index = index;
        if (take_skipped(events, source, item) || take_record(events, source, item))
            return TRUE;
    }
    return FALSE;
}
