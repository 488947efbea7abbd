#include "export/json_locks.h"

#include "export/json_stack.h"

static void add_process(JsonBuilder *json, const struct ct_process *process)
{
    if (!process)
        return;
    ct_json_add_signed(json, "pid", process->pid);
    ct_json_add_string(json, "process", process->name);
}

static void add_activity(JsonBuilder *json, const struct ct_report *report,
                         const struct ct_lock_holder *holder,
                         const struct ct_lock_activity *activity)
{
    json_builder_begin_object(json);
    ct_json_add_string(json, "state", ct_lock_share_name(activity->share));
    if (activity->share == CT_LOCK_SHARE_WAITING) {
        ct_json_add_string(json, "class",
                           activity->class == CT_CLASS_RUNNING ? "several"
                                                               : ct_class_name(activity->class));
        ct_json_add_string(json, "operation", ct_op_name(activity->op));
    }
    if (activity->is_for_lock) {
        g_autofree char *object = ct_report_lock_object(report, holder->process, activity->op,
                                                        activity->object, activity->stack_id);

        ct_json_add_string(json, "object", object);
        ct_json_add_string(json, "last_state", ct_lock_share_name(activity->last_share));
        ct_json_add_string(json, "last_operation", ct_op_name(activity->last_op));
    }
    ct_json_add_boolean(json, "is_circle", activity->is_circle);
    ct_json_add_number(json, "total_ns", activity->ns);
    if (activity->share == CT_LOCK_SHARE_WAITING)
        ct_json_add_stack(json, report, "stack", holder->process, activity->stack_id);
    json_builder_end_object(json);
}

static void add_holder(JsonBuilder *json, const struct ct_report *report,
                       const struct ct_lock_holder *holder)
{
    json_builder_begin_object(json);
    add_process(json, holder->process);
    if (holder->thread && !holder->has_several_threads) {
        ct_json_add_signed(json, "tid", holder->thread->tid);
        ct_json_add_string(json, "thread", holder->thread->name);
    }
    ct_json_add_boolean(json, "is_known", holder->process != NULL);
    ct_json_add_boolean(json, "has_several_threads", holder->has_several_threads);
    ct_json_add_string(json, "operation", ct_op_name(holder->op));
    ct_json_add_number(json, "total_ns", holder->ns);
    json_builder_set_member_name(json, "meanwhile");
    json_builder_begin_array(json);
    for (guint i = 0; i < holder->activities->len; i++)
        add_activity(json, report, holder,
                     &g_array_index(holder->activities, struct ct_lock_activity, i));
    json_builder_end_array(json);
    if (holder->process)
        ct_json_add_stack(json, report, "stack", holder->process, holder->stack_id);
    json_builder_end_object(json);
}

static void add_waiter(JsonBuilder *json, const struct ct_report *report,
                       const struct ct_lock_waiter *waiter)
{
    json_builder_begin_object(json);
    add_process(json, waiter->process);
    ct_json_add_string(json, "operation", ct_op_name(waiter->op));
    ct_json_add_rounded(json, "count", waiter->count);
    ct_json_add_number(json, "total_ns", waiter->ns);
    if (waiter->process)
        ct_json_add_stack(json, report, "stack", waiter->process, waiter->stack_id);
    json_builder_end_object(json);
}

static void add_shares(JsonBuilder *json, const struct ct_lock_holding *lock)
{
    json_builder_set_member_name(json, "meanwhile_ns");
    json_builder_begin_object(json);
    for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++)
        ct_json_add_number(json, ct_lock_share_name((enum ct_lock_share)share),
                           lock->share_ns[share]);
    json_builder_end_object(json);
}

static void add_lock(JsonBuilder *json, const struct ct_report *report,
                     const struct ct_lock_holding *lock)
{
    g_autofree char *object = lock->process ? ct_report_lock_object(report, lock->process, lock->op,
                                                                    lock->object, lock->stack_id)
                                            : g_strdup("");

    add_process(json, lock->process);
    ct_json_add_string(json, "object", object);
    ct_json_add_string(json, "kind", ct_object_name(lock->kind));
    ct_json_add_rounded(json, "count", lock->count);
    ct_json_add_number(json, "total_ns", lock->ns);
    ct_json_add_number(json, "longest_ns", lock->longest_ns);
    ct_json_add_number(json, "threads", lock->thread_count);
    ct_json_add_number(json, "longest_queue", lock->longest_queue);
    ct_json_add_number(json, "known_holds", lock->hold_count);
    ct_json_add_number(json, "known_holds_ns", lock->hold_ns);
    ct_json_add_number(json, "longest_known_hold_ns", lock->longest_hold_ns);
    ct_json_add_number(json, "inverted_ns", lock->inverted_ns);
    add_shares(json, lock);
    json_builder_set_member_name(json, "holders");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(lock->holders->len, report->top); i++)
        add_holder(json, report, lock->holders->pdata[i]);
    json_builder_end_array(json);
    json_builder_set_member_name(json, "waiters");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(lock->waiters->len, report->top); i++)
        add_waiter(json, report, lock->waiters->pdata[i]);
    json_builder_end_array(json);
}

void ct_json_write_locks(struct ct_json_document *document, const struct ct_report *report)
{
    if (!report->locks)
        return;
    ct_json_write_number(document, "lock_count", report->locks->len);
    ct_json_begin_array(document, "locks");
    for (guint i = 0; i < MIN(report->locks->len, report->top); i++) {
        add_lock(ct_json_begin_element(document), report, report->locks->pdata[i]);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}
