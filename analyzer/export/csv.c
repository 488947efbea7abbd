/* Tables of the report as CSV: of threads, or what else a section has. */
#include "export/report_format.h"

#include "export/csv_tables.h"
#include "export/latency_records.h"
#include "text/safe_text.h"

static void write_text(FILE *out, const char *text)
{
    g_autofree char *cell = ct_safe_csv(text);

    fputs(cell, out);
}

static void write_thread(FILE *out, const struct ct_report *report,
                         const struct ct_report_thread *row)
{
    const struct ct_life *life = &row->life;
    const struct ct_thread *thread = life->thread;

    write_text(out, thread->process->name);
    fprintf(out, ",%d,", thread->process->pid);
    write_text(out, thread->name);
    fprintf(out, ",%d,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT, thread->tid,
            life->alive.begin_ns, life->alive.end_ns - life->alive.begin_ns, row->interval_count);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        fputc(',', out);
        if (ct_report_tells_class(report, (enum ct_class) class))
            fprintf(out, "%" G_GUINT64_FORMAT, life->class_ns[class]);
    }
    fprintf(out, ",%.0f\r\n", row->idle_ns);
}

static void write_threads(const struct ct_report *report, FILE *out)
{
    fputs("process,pid,thread,tid,start_ns,lifetime_ns,waits", out);
    for (size_t i = 0; i < CT_CLASS_COUNT; i++)
        fprintf(out, ",%s_ns", ct_class_name((enum ct_class)i));
    fputs(",idle_ns\r\n", out);
    for (guint i = 0; i < report->threads->len; i++)
        write_thread(out, report, &g_array_index(report->threads, struct ct_report_thread, i));
}

static void write_number(FILE *out, uint64_t number)
{
    fprintf(out, ",%" G_GUINT64_FORMAT, number);
}

static void write_durations(FILE *out, const struct ct_durations *durations)
{
    static const double shares[] = {0.5, 0.9, 0.99};

    fprintf(out, ",%.0f", durations->total_ns);
    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
        write_number(out, ct_durations_quantile_ns(durations, shares[i]));
    write_number(out, durations->longest_ns);
    fputs("\r\n", out);
}

static void write_peers(const struct ct_report *report, FILE *out)
{
    fputs(
        "peer,kind,process,processes,answers,closed,given_up,open,scattered,total_ns,p50_ns,p90_ns,"
        "p99_ns,longest_ns\r\n",
        out);
    for (guint i = 0; i < report->peers->len; i++) {
        const struct ct_peer *peer = report->peers->pdata[i];

        write_text(out, peer->address);
        fprintf(out, ",%s,", ct_fd_kind_name(peer->kind));
        write_text(out, peer->caller->name);
        fprintf(out, ",%u,%.0f,%.0f,%.0f,%.0f,%.0f", peer->caller_count, peer->answers.count,
                peer->closed, peer->given_up, peer->open, peer->scattered);
        write_durations(out, &peer->answers);
    }
}

/* Of parts that are waits, the class is told. */
static uint64_t sum_parts(const struct ct_request *request, enum ct_request_state state,
                          enum ct_class class)
{
    uint64_t sum_ns = 0;

    for (guint i = 0; i < request->parts->len; i++) {
        const struct ct_request_part *part =
            &g_array_index(request->parts, struct ct_request_part, i);

        if (part->state == state && (state != CT_REQUEST_WAITING || part->class == class))
            sum_ns += part->ns;
    }
    return sum_ns;
}

static void write_request(FILE *out, const struct ct_request *request)
{
    write_text(out, request->server);
    fputc(',', out);
    write_text(out, request->client);
    fprintf(out, ",%d,%d,%d", request->writer->process->pid,
            request->reader ? request->reader->tid : 0, request->writer->tid);
    write_number(out, request->begin_ns);
    write_number(out, request->end_ns - request->begin_ns);
    fprintf(out, ",%s", ct_request_link_name(request->link));
    for (size_t state = 0; state < CT_REQUEST_STATE_COUNT; state++)
        if (state != CT_REQUEST_WAITING)
            write_number(out, sum_parts(request, (enum ct_request_state)state, CT_CLASS_RUNNING));
    for (size_t class = CT_CLASS_NET; class <= CT_CLASS_OTHER; class ++)
        write_number(out, sum_parts(request, CT_REQUEST_WAITING, (enum ct_class) class));
    write_number(out, request->unread_ns);
    fputs("\r\n", out);
}

static void write_requests(const struct ct_report *report, FILE *out)
{
    fputs("server,client,pid,reader_tid,writer_tid,begin_ns,duration_ns,link", out);
    for (size_t state = 0; state < CT_REQUEST_STATE_COUNT; state++)
        if (state != CT_REQUEST_WAITING)
            fprintf(out, ",%s_ns", ct_request_state_name((enum ct_request_state)state));
    for (size_t class = CT_CLASS_NET; class <= CT_CLASS_OTHER; class ++)
        fprintf(out, ",%s_ns", ct_class_name((enum ct_class) class));
    fputs(",unread_ns\r\n", out);
    for (guint i = 0; i < report->requests->slowest->len; i++)
        write_request(out, report->requests->slowest->pdata[i]);
}

/* Where no section is asked for, it is the first. */
static const struct {
    const char *section;
    void (*write)(const struct ct_report *report, FILE *out);
} tables[] = {
    {"threads", write_threads},        {"heap", ct_csv_write_heap},   {"calls", ct_csv_write_calls},
    {"latency", ct_csv_write_latency}, {"locks", ct_csv_write_locks}, {"peers", write_peers},
    {"requests", write_requests},      {"waits", ct_csv_write_sites},
};

/* Lines end in CR LF, as RFC 4180 has it. */
void ct_report_write_csv(const struct ct_report *report, const struct ct_report_layout *layout,
                         FILE *out)
{
    size_t asked = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(tables) && layout->extent == CT_REPORT_SECTION; i++) {
        if (g_str_equal(tables[i].section, layout->section))
            asked = i;
    }
    tables[asked].write(report, out);
}
