#include "export/json_path.h"

#include "export/json_stack.h"

static void add_thread(JsonBuilder *json, const struct ct_thread *thread)
{
    if (!thread)
        return;
    ct_json_add_signed(json, "pid", thread->process->pid);
    ct_json_add_signed(json, "tid", thread->tid);
    ct_json_add_string(json, "thread", thread->name);
}

static void write_path(struct ct_json_document *document, const struct ct_path *path)
{
    JsonBuilder *json = document->json;

    ct_json_begin_member(document, "path");
    json_builder_begin_object(json);
    add_thread(json, path->question.thread);
    ct_json_add_number(json, "begin_ns", path->question.window.begin_ns);
    ct_json_add_number(json, "end_ns", path->question.window.end_ns);
    ct_json_add_number(json, "length_ns",
                       path->question.window.end_ns - path->question.window.begin_ns);
    ct_json_add_boolean(json, "is_end",
                        path->question.window.end_ns == path->question.thread->end_ns);
    ct_json_add_number(json, "stretch_count", path->stretch_count);
    ct_json_add_number(json, "changes_of_thread", path->hop_count);
    json_builder_end_object(json);
    ct_json_end_member(document);
}

static void write_threads(struct ct_json_document *document, const struct ct_path *path)
{
    ct_json_begin_array(document, "path_threads");
    for (guint i = 0; i < path->threads->len; i++) {
        const struct ct_path_thread *thread =
            &g_array_index(path->threads, struct ct_path_thread, i);
        JsonBuilder *json = ct_json_begin_element(document);

        add_thread(json, thread->thread);
        ct_json_add_number(json, "total_ns", thread->ns);
        ct_json_add_number(json, "running_ns", thread->running_ns);
        ct_json_add_number(json, "runnable_ns", thread->runnable_ns);
        ct_json_add_number(json, "woken_ns", thread->woken_ns);
        ct_json_add_number(json, "waiting_ns", thread->waiting_ns);
        ct_json_add_number(json, "unknown_ns", thread->unknown_ns);
        ct_json_add_number(json, "count", thread->count);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* What a thread did, and where. */
static void add_state(JsonBuilder *json, const struct ct_report *report,
                      const struct ct_path_stretch *stretch, const char *object)
{
    const struct ct_path_place *place = &stretch->place;

    add_thread(json, stretch->thread);
    ct_json_add_string(json, "class", ct_class_name(stretch->class));
    ct_json_add_string(json, "reason", ct_path_reason_name(stretch->reason));
    ct_json_add_string(json, "operation", ct_op_name(place->op));
    ct_json_add_boolean(json, "is_sampled", place->is_sampled);
    if (stretch->id.thread && ct_object_is_address(ct_op_object(place->op))) {
        g_autofree char *address = ct_report_lock_object(
            report, stretch->thread->process, place->op, stretch->object, place->stack_id);

        ct_json_add_string(json, "object", address);
    } else if (object) {
        ct_json_add_string(json, "object", object);
    }
    if (stretch->thread)
        ct_json_add_stack(json, report, "stack", stretch->thread->process, place->stack_id);
}

static void write_places(struct ct_json_document *document, const struct ct_report *report)
{
    const GArray *rows = report->path->rows;

    ct_json_write_number(document, "path_place_count", rows->len);
    ct_json_begin_array(document, "path_places");
    for (guint i = 0; i < MIN(rows->len, report->top); i++) {
        const struct ct_path_row *row = &g_array_index(rows, struct ct_path_row, i);
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_number(json, "total_ns", row->ns);
        ct_json_add_number(json, "count", row->count);
        ct_json_add_number(json, "longest_ns", row->longest.end_ns - row->longest.begin_ns);
        add_state(json, report, &row->longest, row->object);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* Whoever the path came from. */
static void add_before(JsonBuilder *json, const struct ct_report *report,
                       const struct ct_path_stretch *stretch)
{
    if (!stretch->before)
        return;
    ct_json_add_signed(json, "via_pid", stretch->before->process->pid);
    ct_json_add_signed(json, "via_tid", stretch->before->tid);
    ct_json_add_string(json, "via_thread", stretch->before->name);
    if (stretch->via != CT_PATH_VIA_WAKE)
        return;
    ct_json_add_string(json, "via_operation", ct_op_name(stretch->from.op));
    ct_json_add_stack(json, report, "via_stack", stretch->before->process, stretch->from.stack_id);
}

static void write_stretches(struct ct_json_document *document, const struct ct_report *report)
{
    const GArray *longest = report->path->longest;

    ct_json_begin_array(document, "path_stretches");
    for (guint i = 0; i < longest->len; i++) {
        const struct ct_path_long *one = &g_array_index(longest, struct ct_path_long, i);
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_number(json, "begin_ns", one->stretch.begin_ns);
        ct_json_add_number(json, "end_ns", one->stretch.end_ns);
        ct_json_add_string(json, "via", ct_path_via_name(one->stretch.via));
        add_before(json, report, &one->stretch);
        add_state(json, report, &one->stretch, one->object);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

void ct_json_write_path(struct ct_json_document *document, const struct ct_report *report)
{
    if (!report->path)
        return;
    write_path(document, report->path);
    write_threads(document, report->path);
    write_places(document, report);
    write_stretches(document, report);
}
