/* The waits: where they were, the longest, and those that never ended. */
#include "export/text_sections.h"

#include "model/format.h"
#include "symbols/stack_text.h"

#include <string.h>

static const char *op_text(enum ct_op op)
{
    return op == CT_OP_NONE ? "an operation unknown to this version" : ct_op_name(op);
}

static char *format_thread(const struct ct_thread *thread)
{
    return g_strdup_printf("%s (%d)", thread->name, thread->tid);
}

/* `holder` NULL: it is known by its number alone, or not at all. */
static void write_owner(const struct ct_text_out *out, const struct ct_interval *interval,
                        const struct ct_thread *holder)
{
    int32_t tid = ct_interval_owner(interval);
    const struct ct_process *process = interval->thread->process;
    const struct ct_thread *owner =
        holder ? holder : g_hash_table_lookup(process->threads, GINT_TO_POINTER(tid));
    g_autofree char *name = owner ? format_thread(owner) : g_strdup_printf("thread %d", tid);

    if (owner || tid > 0)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "held by %s%s%s", name,
                         owner && owner->process != process ? ", of another process" : "",
                         interval->is_open ? "" : " when it began");
}

static void write_waker(const struct ct_text_out *out, const struct ct_interval *interval)
{
    if (!interval->waker)
        return;
    g_autofree char *name = format_thread(interval->waker);
    g_autoptr(GPtrArray) frames = ct_stack_frames_shown(
        out->report->symbolizer, interval->waker->process, interval->waker_stack_id);

    /* The kernel says who, but not by what. */
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "woken by %s%s%s%s%s", name,
                     interval->waker_op != CT_OP_NONE ? ": " : "",
                     interval->waker_op != CT_OP_NONE ? ct_op_name(interval->waker_op) : "",
                     frames->len > 0 ? " in " : "",
                     frames->len > 0 ? (const char *)g_ptr_array_index(frames, 0) : "");
}

/* Where the wait began: its stack, unless a place listed above has it. */
static void write_origin(const struct ct_text_out *out, const struct ct_interval *interval)
{
    guint place = interval->is_open ? 0 : ct_report_site_number(out->report, interval);

    if (place == 0) {
        ct_text_out_stack(out, interval->thread->process, interval->stack_id);
        return;
    }
    g_autoptr(GPtrArray) frames = ct_stack_frames_shown(
        out->report->symbolizer, interval->thread->process, interval->stack_id);

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "at place %u%s%s", place,
                     frames->len > 0 ? ", in " : "",
                     frames->len > 0 ? (const char *)g_ptr_array_index(frames, 0) : "");
}

/* As the kernel itself has it, where a signal interrupted a call that it would begin again. */
#define RESTART_FIRST 512
#define RESTART_LAST  516

static const char *failure_text(int32_t result)
{
    int error = -result;

    return error >= RESTART_FIRST && error <= RESTART_LAST ? "interrupted by a signal"
                                                           : g_strerror(error);
}

/* `holder`: who is known to hold it all the while; or NULL. */
static void write_wait(const struct ct_text_out *out, const struct ct_report_wait *wait,
                       const struct ct_thread *holder)
{
    const struct ct_model *model = out->report->model;
    const struct ct_interval *interval = &wait->interval;
    g_autofree char *length = ct_format_duration(ct_interval_wait_ns(interval));
    g_autofree char *from =
        ct_format_duration(interval->wait_begin_ns - MIN(model->begin_ns, interval->wait_begin_ns));
    g_autofree char *thread = format_thread(interval->thread);
    g_autofree char *object = ct_report_wait_object(out->report, wait);
    g_autofree char *call = ct_format_call(interval->op, op_text(interval->op), object);
    g_autofree char *failure =
        interval->result < 0 && interval->result != CT_RESULT_UNKNOWN && !interval->is_open
            ? g_strdup_printf(": %s", failure_text(interval->result))
            : g_strdup("");

    ct_text_out_entry(out, length, "%s, %s after the start, %s%s", thread, from, call, failure);
    write_owner(out, interval, holder);
    write_waker(out, interval);
    write_origin(out, interval);
}

/* ---- Hangs ---- */

static char *hang_heading(const struct ct_text_out *out, const struct ct_hang *hang)
{
    uint64_t begin_ns = out->report->model->begin_ns;
    const struct ct_process *process =
        g_array_index(hang->waits, struct ct_hang_wait, 0).interval.thread->process;
    g_autofree char *since = ct_format_duration(hang->since_ns - MIN(begin_ns, hang->since_ns));

    switch (hang->kind) {
    case CT_HANG_DEADLOCK:
        return g_strdup_printf(
            "Deadlock, from %s after the start on: %u threads wait for each other", since,
            hang->waits->len);
    case CT_HANG_SELF:
        return g_strdup_printf("Deadlock, from %s after the start on: a thread waits for a lock "
                               "that it holds itself",
                               since);
    case CT_HANG_LOST_WAKE:
        return g_strdup_printf("Probably a lost wake-up, from %s after the start on: all threads "
                               "of %s (%d) wait, and none is left to end these waits",
                               since, process->name, process->pid);
    default:
        return g_strdup_printf("Abandoned lock, waited for from %s after the start on: its holder "
                               "has exited",
                               since);
    }
}

static void write_hang(const struct ct_text_out *out, const struct ct_hang *hang)
{
    g_autofree char *heading = hang_heading(out, hang);

    ct_text_out_heading(out, "%s", heading);
    for (guint i = 0; i < hang->waits->len; i++) {
        const struct ct_hang_wait *one = &g_array_index(hang->waits, struct ct_hang_wait, i);
        g_autofree char *object = ct_format_object(&one->interval);
        const struct ct_report_wait wait = {.interval = one->interval, .object = object};

        write_wait(out, &wait,
                   ct_object_is_lock(ct_op_object(one->interval.op)) ? one->holder : NULL);
    }
    if (hang->behind > 0)
        ct_text_out_line(out, 2, "and %u more thread%s wait%s behind %s", hang->behind,
                         hang->behind == 1 ? "" : "s", hang->behind == 1 ? "s" : "",
                         hang->waits->len == 1 ? "it" : "them");
}

void ct_text_section_hangs(const struct ct_text_out *out)
{
    for (guint i = 0; out->report->hangs && i < out->report->hangs->len; i++)
        write_hang(out, g_ptr_array_index(out->report->hangs, i));
}

/* ---- Lists ---- */

/* Returns how many it has written: those that are idle come last, and are only counted. */
static guint write_list(const struct ct_text_out *out, const GPtrArray *waits)
{
    guint shown = 0;

    for (; shown < MIN(waits->len, out->layout->top); shown++) {
        const struct ct_report_wait *wait = g_ptr_array_index(waits, shown);

        if (wait->is_idle && out->layout->extent == CT_REPORT_OVERVIEW)
            break;
        write_wait(out, wait, NULL);
    }
    return shown;
}

static guint count_idle(const GPtrArray *waits, guint from)
{
    guint count = 0;

    for (guint i = from; i < waits->len; i++)
        count += ((const struct ct_report_wait *)waits->pdata[i])->is_idle != FALSE;
    return count;
}

void ct_text_section_open_waits(const struct ct_text_out *out)
{
    const struct ct_report *report = out->report;
    g_autofree char *count = ct_format_count(report->lists->open_count);

    if (report->lists->open_count == 0)
        return;
    ct_text_out_heading(out, "Still waiting at the end (%s)", count);
    guint shown = write_list(out, report->lists->open);
    guint idle = count_idle(report->lists->open, shown);
    uint64_t others = report->lists->open_count - shown - idle;

    if (others > 0)
        ct_text_out_line(out, 2, "and %" G_GUINT64_FORMAT " more", others);
    if (idle > 0)
        ct_text_out_line(out, 2, "and %u %s, for work", idle,
                         idle == 1 ? "that is idle" : "that are idle");
}

void ct_text_section_longest_waits(const struct ct_text_out *out)
{
    if (out->report->lists->longest->len == 0)
        return;
    ct_text_out_heading(out, "Longest single waits but for idle ones");
    write_list(out, out->report->lists->longest);
}

/* "25 waits of 1.20 ms on average, 7.00 ms at most". Of calls, few may have had to wait. */
static char *format_waits(const struct ct_report_site *site)
{
    uint64_t count = ct_rounded(site->count);
    uint64_t blocked_count = MIN(ct_rounded(site->blocked_count), count);
    double mean_of = MAX(MIN(site->blocked_count, site->count), 1);
    g_autofree char *waits = ct_format_count(count);
    g_autofree char *blocked = ct_format_count(blocked_count);
    g_autofree char *mean = ct_format_duration(ct_rounded(site->total_ns / mean_of));
    g_autofree char *longest = ct_format_duration(site->longest_ns);

    if (count == 1)
        return g_strdup("1 wait");
    if (site->longest_ns == 0) /* so the kernel says */
        return g_strdup_printf("%s waits without leaving the CPU", waits);
    if (blocked_count == count)
        return g_strdup_printf("%s waits of %s on average, %s at most", waits, mean, longest);
    return g_strdup_printf("%s waits, of which %s left the CPU: for %s on average, %s at most",
                           waits, blocked, mean, longest);
}

/* What of it was no delay. */
static char *format_idle(const struct ct_report_site *site)
{
    g_autofree char *idle = ct_format_duration(ct_rounded(site->idle_ns));

    return site->idle_ns > 0 && site->idle_ns < site->total_ns
               ? g_strdup_printf("; %s of it idle", idle)
               : g_strdup("");
}

static void write_site(const struct ct_text_out *out, const struct ct_report_site *site,
                       guint number)
{
    g_autofree char *total = ct_format_duration(ct_rounded(site->total_ns));
    g_autofree char *waits = format_waits(site);
    g_autofree char *object = ct_report_site_object(out->report, site);
    g_autofree char *call = ct_format_call(site->op, op_text(site->op),
                                           site->has_many_objects ? "several objects" : object);

    ct_text_out_entry(out, total, "%u. %s: %s", number, ct_class_name(site->class), call);
    g_autofree char *idle = format_idle(site);

    if (site->others)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s, in %u processes of %s%s", waits,
                         site->others->len + 1, site->process->name, idle);
    else
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s, in %s (%d)%s", waits, site->process->name,
                         site->process->pid, idle);
    ct_text_out_stack(out, site->process, site->stack_id);
}

/* "12.3 s  epoll_wait on fd 3, in redis-server (12): 400 waits, in aeProcessEvents (ae.c:360)". */
static void write_idle_site(const struct ct_text_out *out, const struct ct_report_site *site)
{
    g_autofree char *total = ct_format_duration(ct_rounded(site->total_ns));
    g_autofree char *count = ct_format_count(ct_rounded(site->count));
    g_autofree char *object = ct_report_site_object(out->report, site);
    g_autofree char *call = ct_format_call(site->op, op_text(site->op),
                                           site->has_many_objects ? "several objects" : object);
    const struct ct_symbol_frame *place =
        ct_stack_place(out->report->symbolizer, site->process, site->stack_id);
    g_autofree char *where = place ? ct_stack_place_text(place) : NULL;

    ct_text_out_entry(out, total, "%s, in %s: %s wait%s%s%s", call, site->process->name, count,
                      g_str_equal(count, "1") ? "" : "s", where ? ", in " : "", where ? where : "");
}

static gboolean has_unseen_loops(const GPtrArray *sites, guint first)
{
    for (guint i = first; i < sites->len; i++) {
        const struct ct_report_site *site = sites->pdata[i];

        if (site->process->is_unpreloaded && ct_op_is_of_set(site->op))
            return TRUE;
    }
    return FALSE;
}

/* Told apart, and not in the way: in an overview a line each. */
static void write_idle_sites(const struct ct_text_out *out, guint first)
{
    const GPtrArray *sites = out->report->lists->sites;
    guint shown = MIN(sites->len - first, out->layout->top);
    double idle_ns = 0;

    if (first == sites->len)
        return;
    for (guint i = first; i < sites->len; i++)
        idle_ns += ((const struct ct_report_site *)sites->pdata[i])->total_ns;
    g_autofree char *idle = ct_format_duration(ct_rounded(idle_ns));

    ct_text_out_heading(out, "Idle: waiting for work, for %s (%u of %u places)", idle, shown,
                        sites->len - first);
    for (guint i = first; i < first + shown; i++) {
        if (out->layout->extent == CT_REPORT_OVERVIEW)
            write_idle_site(out, g_ptr_array_index(sites, i));
        else
            write_site(out, g_ptr_array_index(sites, i), i + 1);
    }
    if (has_unseen_loops(sites, first))
        ct_text_out_line(out, 2,
                         "Recorded from outside, event loops may also have waited for answers to "
                         "what they had asked: requests and peers are seen from inside a program "
                         "only, as ctrace record PROGRAM does");
}

void ct_text_section_sites(const struct ct_text_out *out)
{
    const struct ct_report *report = out->report;
    guint timed = ct_report_timed_sites(report);
    guint shown = MIN(timed, out->layout->top);

    if (report->lists->sites->len == 0) {
        ct_text_out_heading(out, ct_report_has_all_waits(report) ? "No waits were recorded"
                                                                 : "There are no such waits");
        return;
    }
    guint idle = ct_report_idle_sites(report);

    if (timed > 0)
        ct_text_out_heading(out, "Where the time was waited (%u of %u places)", shown,
                            report->lists->sites->len);
    for (guint i = 0; i < shown; i++)
        write_site(out, g_ptr_array_index(report->lists->sites, i), i + 1);
    if (timed + idle < report->lists->sites->len)
        ct_text_out_line(out, 2, "and %u whose calls took no time: none left the CPU",
                         report->lists->sites->len - timed - idle);
    write_idle_sites(out, report->lists->sites->len - idle);
    if (report->lists->unlisted_count > 0) {
        g_autofree char *count = ct_format_count(ct_rounded(report->lists->unlisted_count));

        ct_text_out_line(out, 2, "! %s waits were in places beyond the %u that are kept", count,
                         report->lists->sites->len);
    }
}
