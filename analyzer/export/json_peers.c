#include "export/json_peers.h"

static void add_durations(JsonBuilder *json, const struct ct_durations *durations)
{
    ct_json_add_rounded(json, "total_ns", durations->total_ns);
    ct_json_add_number(json, "p50_ns", ct_durations_quantile_ns(durations, 0.5));
    ct_json_add_number(json, "p90_ns", ct_durations_quantile_ns(durations, 0.9));
    ct_json_add_number(json, "p99_ns", ct_durations_quantile_ns(durations, 0.99));
    ct_json_add_number(json, "longest_ns", durations->longest_ns);
}

static void add_process(JsonBuilder *json, const struct ct_process *process, guint count)
{
    ct_json_add_signed(json, "pid", process->pid);
    ct_json_add_string(json, "process", process->name);
    ct_json_add_number(json, "processes", count);
}

void ct_json_write_peers(struct ct_json_document *document, const struct ct_report *report)
{
    if (!report->peers)
        return;
    ct_json_write_number(document, "peer_count", report->peers->len);
    ct_json_begin_array(document, "peers");
    for (guint i = 0; i < MIN(report->peers->len, report->top); i++) {
        const struct ct_peer *peer = report->peers->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "peer", peer->address);
        ct_json_add_boolean(json, "is_others", peer->is_others);
        ct_json_add_string(json, "kind", ct_fd_kind_name(peer->kind));
        add_process(json, peer->caller, peer->caller_count);
        ct_json_add_rounded(json, "answers", peer->answers.count);
        ct_json_add_rounded(json, "closed", peer->closed);
        ct_json_add_rounded(json, "given_up", peer->given_up);
        ct_json_add_rounded(json, "open", peer->open);
        ct_json_add_rounded(json, "unanswered_ns", peer->failures.total_ns);
        ct_json_add_rounded(json, "scattered", peer->scattered);
        add_durations(json, &peer->answers);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* ---- Requests ---- */

static void add_with_unread(JsonBuilder *json, const struct ct_durations *durations)
{
    ct_json_add_rounded(json, "with_unread_total_ns", durations->total_ns);
    ct_json_add_number(json, "with_unread_p50_ns", ct_durations_quantile_ns(durations, 0.5));
    ct_json_add_number(json, "with_unread_p90_ns", ct_durations_quantile_ns(durations, 0.9));
    ct_json_add_number(json, "with_unread_p99_ns", ct_durations_quantile_ns(durations, 0.99));
    ct_json_add_number(json, "with_unread_longest_ns", durations->longest_ns);
}

static void write_servers(struct ct_json_document *document, const struct ct_report *report)
{
    const GPtrArray *servers = report->requests->servers;

    ct_json_write_number(document, "server_count", servers->len);
    ct_json_begin_array(document, "servers");
    for (guint i = 0; i < MIN(servers->len, report->top); i++) {
        const struct ct_server *server = servers->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "server", server->address);
        ct_json_add_boolean(json, "is_others", server->is_others);
        add_process(json, server->process, server->process_count);
        ct_json_add_rounded(json, "requests", server->requests.count);
        ct_json_add_rounded(json, "handed_over", server->handed_over);
        add_durations(json, &server->requests);
        add_with_unread(json, &server->with_unread);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void add_parts(JsonBuilder *json, const char *name, const GArray *parts)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < parts->len; i++) {
        const struct ct_request_part *part = &g_array_index(parts, struct ct_request_part, i);

        json_builder_begin_object(json);
        ct_json_add_string(json, "state", ct_request_state_name(part->state));
        if (part->state == CT_REQUEST_WAITING) {
            ct_json_add_string(json, "class", ct_class_name(part->class));
            ct_json_add_string(json, "operation", ct_op_name(part->op));
            ct_json_add_string(json, "object", part->object);
        } else if (part->state == CT_REQUEST_CALLING) {
            ct_json_add_string(json, "peer", part->object);
        } else if (part->state == CT_REQUEST_EITHER) {
            ct_json_add_string(json, "class", ct_class_name(part->class));
            ct_json_add_string(json, "operation", ct_op_name(part->op));
        } else if (part->state == CT_REQUEST_QUEUED && part->object[0]) {
            ct_json_add_string(json, "behind", part->object);
            ct_json_add_string(json, "class", ct_class_name(part->class));
            ct_json_add_string(json, "operation", ct_op_name(part->op));
        }
        ct_json_add_number(json, "total_ns", part->ns);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_calls(JsonBuilder *json, const struct ct_request *request)
{
    json_builder_set_member_name(json, "calls");
    json_builder_begin_array(json);
    for (guint i = 0; i < request->calls->len; i++) {
        const struct ct_request_call *call =
            &g_array_index(request->calls, struct ct_request_call, i);

        json_builder_begin_object(json);
        ct_json_add_string(json, "peer", call->address);
        ct_json_add_rounded(json, "count", call->count);
        ct_json_add_number(json, "total_ns", call->ns);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_thread(JsonBuilder *json, const char *tid_name, const char *name,
                       const struct ct_thread *thread)
{
    ct_json_add_signed(json, tid_name, thread ? thread->tid : 0);
    ct_json_add_string(json, name, thread ? thread->name : "");
}

void ct_json_write_requests(struct ct_json_document *document, const struct ct_report *report)
{
    if (!report->requests)
        return;
    write_servers(document, report);
    ct_json_begin_array(document, "slowest_requests");
    for (guint i = 0; i < MIN(report->requests->slowest->len, report->top); i++) {
        const struct ct_request *request = report->requests->slowest->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "server", request->server);
        ct_json_add_string(json, "client", request->client);
        ct_json_add_signed(json, "pid", request->writer->process->pid);
        add_thread(json, "reader_tid", "reader", request->reader);
        add_thread(json, "writer_tid", "writer", request->writer);
        ct_json_add_number(json, "begin_ns", request->begin_ns);
        ct_json_add_number(json, "duration_ns", request->end_ns - request->begin_ns);
        ct_json_add_number(json, "read_over_ns", request->last_ns - request->begin_ns);
        ct_json_add_string(json, "link", ct_request_link_name(request->link));
        ct_json_add_number(json, "others_open", request->others);
        ct_json_add_number(json, "taken_ns", request->taken_ns);
        add_parts(json, "parts", request->parts);
        ct_json_add_number(json, "unread_ns", request->unread_ns);
        add_parts(json, "unread_parts", request->unread_parts);
        add_calls(json, request);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}
