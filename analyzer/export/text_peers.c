/* Whom the program called, and how long it took them to answer. */
#include "export/text_sections.h"

#include "model/format.h"

#include <math.h>
#include <string.h>

static char *format_weighted(double count)
{
    return ct_format_count((uint64_t)llround(count));
}

static char *format_quantile(const struct ct_durations *durations, double share)
{
    return durations->count > 0 ? ct_format_duration(ct_durations_quantile_ns(durations, share))
                                : g_strdup("-");
}

static char *format_total(const struct ct_durations *durations)
{
    if (durations->count <= 0)
        return g_strdup("-");
    return ct_format_duration((uint64_t)llround(MIN(durations->total_ns, 1e18)));
}

static char *format_processes(const struct ct_process *first, guint count)
{
    return count == 1 ? g_strdup_printf("%s (%d)", first->name, first->pid)
                      : g_strdup_printf("%u processes of %s", count, first->name);
}

static void add_durations(struct ct_text_table *table, const struct ct_durations *durations)
{
    ct_text_table_take(table, format_total(durations));
    ct_text_table_take(table, format_quantile(durations, 0.5));
    ct_text_table_take(table, format_quantile(durations, 0.9));
    ct_text_table_take(table, format_quantile(durations, 0.99));
    ct_text_table_take(table, durations->count > 0 ? ct_format_duration(durations->longest_ns)
                                                   : g_strdup("-"));
}

/* From inside the program alone is this seen. */
static gboolean explain_nothing(const struct ct_text_out *out, const char *what)
{
    const char *layers = out->report->model->capture.layers;

    if (out->layout->extent != CT_REPORT_SECTION || !layers || strstr(layers, "preload"))
        return FALSE;
    ct_text_out_heading(out,
                        "No %s are known: they are seen from inside a program only, and this "
                        "recording is what the kernel told",
                        what);
    return TRUE;
}

/* ---- Peers ---- */

static void add_peer(struct ct_text_table *table, const struct ct_peer *peer)
{
    double unanswered = peer->closed + peer->given_up + peer->open;

    ct_text_table_take(table, peer->is_others    ? g_strdup("all others")
                              : peer->address[0] ? g_strdup(peer->address)
                                                 : g_strdup("not known"));
    ct_text_table_take(table, format_weighted(peer->answers.count));
    ct_text_table_take(table, unanswered > 0 ? format_weighted(unanswered) : g_strdup("-"));
    add_durations(table, &peer->answers);
    ct_text_table_take(table, format_processes(peer->caller, peer->caller_count));
}

static void write_scattered(const struct ct_text_out *out, const GPtrArray *peers, guint shown)
{
    for (guint i = 0; i < shown; i++) {
        const struct ct_peer *peer = peers->pdata[i];
        g_autofree char *count = format_weighted(peer->scattered);

        if (peer->scattered >= 0.5)
            ct_text_out_line(
                out, 2,
                "%s: of %s calls, what was written came in pieces; they count from the "
                "last one, so the answer took that long at least",
                peer->address, count);
    }
}

void ct_text_section_peers(const struct ct_text_out *out)
{
    static const char *const headings[] = {"PEER", "ANSWERS", "NONE", "TOTAL",    "P50",
                                           "P90",  "P99",     "MAX",  "CALLED BY"};
    const GPtrArray *peers = out->report->peers;

    if (!peers || peers->len == 0) {
        explain_nothing(out, "peers");
        return;
    }
    guint shown = MIN(peers->len, out->layout->top);

    ct_text_out_heading(out, "Peers (%u of %u), by the time until they answered", shown,
                        peers->len);
    struct ct_text_table *table = ct_text_table_new("lrrrrrrro");

    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++)
        add_peer(table, peers->pdata[i]);
    ct_text_table_finish(table, out->text, out->layout->width);
    if (out->layout->extent != CT_REPORT_OVERVIEW)
        write_scattered(out, peers, shown);
}

/* ---- Requests ---- */

/* Of more parts, and of such as are less than a hundredth, the least are told as one. */
#define PART_SHARE  100
#define PARTS_SHOWN 5

/* Less is not worth a line. */
static gboolean has_lain_unread(uint64_t unread_ns, uint64_t answered_ns)
{
    return unread_ns > answered_ns / PART_SHARE;
}

static void add_server(struct ct_text_table *table, const struct ct_server *server)
{
    double unread_ns = server->with_unread.total_ns - server->requests.total_ns;

    ct_text_table_take(table, server->is_others    ? g_strdup("all others")
                              : server->address[0] ? g_strdup(server->address)
                                                   : g_strdup("not known"));
    ct_text_table_take(table, format_weighted(server->requests.count));
    add_durations(table, &server->requests);
    ct_text_table_take(table, format_processes(server->process, server->process_count));
    if (!has_lain_unread((uint64_t)MIN(MAX(unread_ns, 0), 1e18),
                         (uint64_t)MIN(server->requests.total_ns, 1e18)))
        return;
    ct_text_table_add(table, "  and unread, up to");
    ct_text_table_add(table, "");
    add_durations(table, &server->with_unread);
    ct_text_table_add(table, "");
}

static void write_servers(const struct ct_text_out *out, const GPtrArray *servers)
{
    static const char *const headings[] = {"SERVER", "REQUESTS", "TOTAL", "P50",
                                           "P90",    "P99",      "MAX",   "SERVED BY"};
    struct ct_text_table *table = ct_text_table_new("lrrrrrro");
    guint shown = MIN(servers->len, out->layout->top);

    ct_text_out_heading(out,
                        "Requests, from when they were read until their answers (%u of %u servers)",
                        shown, servers->len);
    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++)
        add_server(table, servers->pdata[i]);
    ct_text_table_finish(table, out->text, out->layout->width);
}

/* What the thread did meanwhile that does not work on it, or may not. */
static char *describe_thread(const struct ct_request_part *part)
{
    switch (part->class) {
    case CT_CLASS_RUNNING:
        return g_strdup("its thread ran");
    case CT_CLASS_RUNNABLE:
        return g_strdup("its thread had no CPU");
    default:
        return g_strdup_printf("its thread was in %s", part->op == CT_OP_NONE
                                                           ? "no known call, off the CPU"
                                                           : ct_op_name(part->op));
    }
}

static char *describe_queue(const struct ct_request_part *part, const char *client)
{
    g_autofree char *meanwhile = describe_thread(part);

    if (part->object[0] && strcmp(part->object, client) == 0)
        return g_strdup_printf("queued behind what its own client had asked before: %s", meanwhile);
    return g_strdup_printf("queued behind %s: %s",
                           part->object[0] ? part->object : "another connection", meanwhile);
}

static char *describe_either(const struct ct_request_part *part)
{
    g_autofree char *meanwhile = describe_thread(part);

    return g_strdup_printf("for it, or another that was read before: %s", meanwhile);
}

static char *describe_part(const struct ct_request_part *part, const char *client)
{
    switch (part->state) {
    case CT_REQUEST_WAITING: {
        if (part->op == CT_OP_NONE)
            return g_strdup("off the CPU in no known call");
        g_autofree char *call = ct_format_call(part->op, ct_op_name(part->op), part->object);

        return g_strdup_printf("in %s", call);
    }
    case CT_REQUEST_CALLING:
        return g_strdup_printf("until %s answered",
                               part->object[0] ? part->object : "a peer that is not known");
    case CT_REQUEST_QUEUED:
        return part->class == CT_CLASS_RUNNING && !part->object[0] ? g_strdup("queued")
                                                                   : describe_queue(part, client);
    case CT_REQUEST_EITHER:
        return describe_either(part);
    default:
        return g_strdup(ct_request_state_name(part->state));
    }
}

static char *format_part(const struct ct_request_part *part, const char *client, uint64_t whole_ns)
{
    g_autofree char *time = ct_format_duration(part->ns);
    g_autofree char *what = describe_part(part, client);

    return g_strdup_printf("%s %s (%.0f %%)", time, what,
                           100.0 * (double)part->ns / (double)MAX(whole_ns, 1));
}

static void write_parts(const struct ct_text_out *out, const GArray *parts, const char *client,
                        uint64_t whole_ns)
{
    uint64_t left_ns = 0;
    guint left = 0;

    for (guint i = 0; i < parts->len; i++) {
        const struct ct_request_part *part = &g_array_index(parts, struct ct_request_part, i);
        g_autofree char *text = format_part(part, client, whole_ns);

        if (i >= PARTS_SHOWN || (i > 0 && part->ns < whole_ns / PART_SHARE)) {
            left_ns += part->ns;
            left++;
        } else {
            ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", text);
        }
    }
    if (left_ns > 0) {
        g_autofree char *time = ct_format_duration(left_ns);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s in %u other way%s", time, left,
                         left == 1 ? "" : "s");
    }
}

static void write_unread(const struct ct_text_out *out, const struct ct_request *request)
{
    g_autofree char *time = ct_format_duration(request->unread_ns);

    ct_text_out_line(
        out, CT_TEXT_OUT_ENTRY,
        "before that, it may have lain unread for up to %s. Its thread meanwhile:", time);
    write_parts(out, request->unread_parts, request->client, request->unread_ns);
}

static char *format_thread(const struct ct_thread *thread)
{
    return thread ? g_strdup_printf("%s (%d)", thread->name, thread->tid)
                  : g_strdup("a thread that is not known");
}

/* Which threads worked on it, and how that is known. */
static char *format_link(const struct ct_request *request)
{
    g_autofree char *reader = format_thread(request->reader);
    g_autofree char *writer = format_thread(request->writer);

    switch (request->link) {
    case CT_REQUEST_ONE_THREAD:
        return g_strdup_printf("by %s alone, which served nothing else meanwhile", writer);
    case CT_REQUEST_SHARED:
        return g_strdup_printf("by %s, which had %u other%s open: what it did may have been for %s",
                               writer, request->others, request->others == 1 ? "" : "s",
                               request->others == 1 ? "that" : "them");
    case CT_REQUEST_IN_LOOP:
        return g_strdup_printf("by %s, which had %u other%s open", writer, request->others,
                               request->others == 1 ? "" : "s");
    case CT_REQUEST_WOKEN:
        return g_strdup_printf("read by %s, which woke %s", reader, writer);
    case CT_REQUEST_FOLLOWED:
        return g_strdup_printf("read by %s; answered by %s, which went on to it from another one, "
                               "as it seems",
                               reader, writer);
    default:
        return g_strdup_printf("read by %s; answered by %s, and when that got it is not known",
                               reader, writer);
    }
}

static void write_request(const struct ct_text_out *out, const struct ct_request *request,
                          guint number)
{
    const struct ct_model *model = out->report->model;
    uint64_t answered_ns = request->end_ns - request->begin_ns;
    gboolean is_unread = has_lain_unread(request->unread_ns, answered_ns);
    g_autofree char *length = ct_format_duration(answered_ns + request->unread_ns);
    g_autofree char *from =
        ct_format_duration(request->begin_ns - MIN(model->begin_ns, request->begin_ns));
    g_autofree char *link = format_link(request);

    ct_text_out_entry(out, length, "%u. %s%s%s, %s after the start", number,
                      request->server[0] ? request->server : "fd", request->client[0] ? " <- " : "",
                      request->client, from);
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", link);
    if (is_unread) {
        g_autofree char *answered = ct_format_duration(answered_ns);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "from when it was read it took %s:", answered);
    }
    if (request->last_ns - request->begin_ns > answered_ns / 10) {
        g_autofree char *spread = ct_format_duration(request->last_ns - request->begin_ns);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "it came in pieces, over %s", spread);
    }
    write_parts(out, request->parts, request->client, answered_ns);
    if (is_unread)
        write_unread(out, request);
    for (guint i = 0; i < MIN(request->calls->len, PARTS_SHOWN); i++) {
        const struct ct_request_call *call =
            &g_array_index(request->calls, struct ct_request_call, i);
        g_autofree char *time = ct_format_duration(call->ns);
        g_autofree char *count = format_weighted(call->count);

        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "its calls to %s: %s, %s",
                         call->address[0] ? call->address : "an unknown peer", count, time);
    }
}

void ct_text_section_requests(const struct ct_text_out *out)
{
    const struct ct_requests *requests = out->report->requests;

    if (!requests || requests->servers->len == 0) {
        explain_nothing(out, "requests");
        return;
    }
    write_servers(out, requests->servers);
    guint shown = MIN(requests->slowest->len, out->layout->top);

    if (shown == 0)
        return;
    ct_text_out_heading(out, "The slowest requests (%u), and where their time went", shown);
    for (guint i = 0; i < shown; i++)
        write_request(out, requests->slowest->pdata[i], i + 1);
}
