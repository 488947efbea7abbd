/* Locks: how long threads waited for them, and who held them meanwhile. */
#include "export/text_sections.h"

#include "model/format.h"
#include "symbols/stack_text.h"

/* Functions of a place, and what a holder did: the first so many. */
#define FRAMES_SHOWN     3
#define ACTIVITIES_SHOWN 4

/* As much of the time is told of by itself: less is not worth it. */
#define LEAST_SHARE 0.005

/* "97 %", "1.3 %" */
static char *format_share(uint64_t part_ns, uint64_t whole_ns)
{
    double percent = whole_ns > 0 ? 100.0 * (double)part_ns / (double)whole_ns : 0;

    if (part_ns > 0 && percent < 0.05)
        return g_strdup("<0.1 %");
    if (part_ns < whole_ns && percent >= 99.5)
        return g_strdup_printf("%.1f %%", MIN(percent, 99.9));
    return g_strdup_printf(percent < 9.95 && part_ns > 0 ? "%.1f %%" : "%.0f %%", percent);
}

static void append_item(GString *text, uint64_t part_ns, uint64_t whole_ns, const char *what)
{
    g_autofree char *share = format_share(part_ns, whole_ns);

    g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", what, share);
}

static gboolean is_worth_telling(uint64_t part_ns, uint64_t whole_ns, guint index)
{
    return index == 0 || (double)part_ns >= LEAST_SHARE * (double)whole_ns;
}

/* ---- What a holder did ---- */

static const char *state_text(enum ct_lock_share share, gboolean is_circle)
{
    if (is_circle)
        return "waiting for this one";
    return share == CT_LOCK_SHARE_RUNNING    ? "running"
           : share == CT_LOCK_SHARE_RUNNABLE ? "runnable"
           : share == CT_LOCK_SHARE_HAND_OFF ? "letting go of it"
                                             : "not known";
}

/* "fsync", or what keeps a thread from running outside of all calls */
static char *call_text(enum ct_class class, enum ct_op op)
{
    if (op != CT_OP_NONE)
        return g_strdup_printf("in %s", ct_op_name(op));
    return g_strdup(class == CT_CLASS_RUNNING ? "in other waits" : "off the CPU in no known call");
}

static char *activity_text(const struct ct_text_out *out, const struct ct_lock_holder *holder,
                           const struct ct_lock_activity *activity)
{
    if (activity->share != CT_LOCK_SHARE_WAITING)
        return g_strdup(activity->share == CT_LOCK_SHARE_UNKNOWN && !activity->is_circle
                            ? "doing what is not known"
                            : state_text(activity->share, activity->is_circle));
    g_autofree char *call = call_text(activity->class, activity->op);

    if (!activity->is_for_lock)
        return g_steal_pointer(&call);
    g_autofree char *object = ct_report_lock_object(out->report, holder->process, activity->op,
                                                    activity->object, activity->stack_id);
    g_autofree char *last = activity->last_share == CT_LOCK_SHARE_WAITING
                                ? call_text(activity->last_class, activity->last_op)
                                : g_strdup(state_text(activity->last_share, activity->is_circle));

    return g_strdup_printf("%s for %s (whose holder was %s)", call, object, last);
}

static char *activities_text(const struct ct_text_out *out, const struct ct_lock_holder *holder)
{
    GString *text = g_string_new(NULL);
    uint64_t rest_ns = 0;

    for (guint i = 0; i < holder->activities->len; i++) {
        const struct ct_lock_activity *activity =
            &g_array_index(holder->activities, struct ct_lock_activity, i);

        if (i >= ACTIVITIES_SHOWN || !is_worth_telling(activity->ns, holder->ns, i)) {
            rest_ns += activity->ns;
            continue;
        }
        g_autofree char *what = activity_text(out, holder, activity);

        append_item(text, activity->ns, holder->ns, what);
    }
    if (rest_ns > 0)
        append_item(text, rest_ns, holder->ns, "others");
    return g_string_free(text, FALSE);
}

/* ---- Places ---- */

/* "serve_page (convoy.c:33) < worker (convoy.c:51)": callers come behind. */
static char *place_text(const struct ct_text_out *out, const struct ct_process *process,
                        uint32_t stack_id)
{
    g_autoptr(GPtrArray) frames = ct_stack_frames_shown(out->report->symbolizer, process, stack_id);
    guint shown = MIN(MIN(frames->len, FRAMES_SHOWN), MAX(out->layout->depth, 1));
    GString *text = g_string_new(frames->len > 0 ? NULL : "a place that is not known");

    for (guint i = 0; i < shown; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " < " : "", (const char *)frames->pdata[i]);
    return g_string_free(text, FALSE);
}

static void write_holder(const struct ct_text_out *out, const struct ct_lock_holding *lock,
                         const struct ct_lock_holder *holder)
{
    g_autofree char *share = format_share(holder->ns, lock->ns);

    if (!holder->process) {
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s %s", share,
                         holder->is_others ? "held elsewhere" : "held by whom is not known");
        return;
    }
    g_autofree char *place = place_text(out, holder->process, holder->stack_id);
    g_autofree char *activities = activities_text(out, holder);
    g_autofree char *thread =
        holder->has_several_threads
            ? g_strdup("several threads")
            : g_strdup_printf("%s (%d)", holder->thread->name, holder->thread->tid);

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s held by %s in %s", share, thread, place);
    ct_text_out_line(out, CT_TEXT_OUT_ENTRY + 2, "meanwhile %s", activities);
}

static void write_waiter(const struct ct_text_out *out, const struct ct_lock_holding *lock,
                         const struct ct_lock_waiter *waiter)
{
    g_autofree char *share = format_share(waiter->ns, lock->ns);
    g_autofree char *count = ct_format_count(ct_rounded(waiter->count));
    const char *plural = ct_rounded(waiter->count) == 1 ? "" : "s";

    if (waiter->is_others) {
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s waited for elsewhere: %s wait%s", share, count,
                         plural);
        return;
    }
    g_autofree char *place = place_text(out, waiter->process, waiter->stack_id);

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s waited for in %s: %s wait%s", share, place, count,
                     plural);
}

/* ---- A lock ---- */

static void write_inversion(const struct ct_text_out *out, const struct ct_lock_holding *lock)
{
    const struct ct_thread *holder = lock->inverted_holder, *waiter = lock->inverted_waiter;

    if (!holder || !is_worth_telling(lock->inverted_ns, lock->ns, 1))
        return;
    g_autofree char *share = format_share(lock->inverted_ns, lock->ns);
    g_autofree char *low = ct_format_priority(&holder->sched);
    g_autofree char *high = ct_format_priority(&waiter->sched);

    ct_text_out_line(out, CT_TEXT_OUT_ENTRY,
                     "%s priority inversion: the holder, as %s (%s), had no CPU, and whoever "
                     "waited, as %s (%s), comes first by its priority",
                     share, holder->name, low, waiter->name, high);
}

static void write_waits(const struct ct_text_out *out, const struct ct_lock_holding *lock)
{
    uint64_t count = ct_rounded(lock->count);
    g_autofree char *waits = ct_format_count(count);
    g_autofree char *mean = ct_format_duration(ct_rounded((double)lock->ns / MAX(lock->count, 1)));
    g_autofree char *longest = ct_format_duration(lock->longest_ns);
    g_autofree char *threads = ct_format_count(lock->thread_count);
    g_autofree char *line = lock->longest_queue > 1
                                ? g_strdup_printf(", up to %u in line at once", lock->longest_queue)
                                : g_strdup("");

    if (count == 1)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "1 wait");
    else
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY,
                         "%s waits of %s on average, %s at most, by %s thread%s%s", waits, mean,
                         longest, threads, lock->thread_count == 1 ? "" : "s", line);
}

static void write_holds(const struct ct_text_out *out, const struct ct_lock_holding *lock)
{
    if (lock->hold_count == 0)
        return;
    g_autofree char *count = ct_format_count(lock->hold_count);
    g_autofree char *mean = ct_format_duration(lock->hold_ns / lock->hold_count);
    g_autofree char *longest = ct_format_duration(lock->longest_hold_ns);

    if (lock->hold_count == 1)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "held for %s by a thread that had waited for it",
                         mean);
    else
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY,
                         "%s holds by threads that had waited for it, of %s on average, %s at most",
                         count, mean, longest);
}

static void write_shares(const struct ct_text_out *out, const struct ct_lock_holding *lock)
{
    static const char *const words[] = {
        [CT_LOCK_SHARE_RUNNING] = "holder running",  [CT_LOCK_SHARE_RUNNABLE] = "holder runnable",
        [CT_LOCK_SHARE_WAITING] = "holder waiting",  [CT_LOCK_SHARE_UNKNOWN] = "unknown",
        [CT_LOCK_SHARE_HAND_OFF] = "hand-off",       [CT_LOCK_SHARE_OWN_QUEUE] = "waiter runnable",
        [CT_LOCK_SHARE_OWN_TIME] = "waiter running",
    };
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++) {
        if (lock->share_ns[share] > 0)
            append_item(text, lock->share_ns[share], lock->ns, words[share]);
    }
    if (text->len > 0)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", text->str);
}

static void write_lock(const struct ct_text_out *out, const struct ct_lock_holding *lock,
                       guint number)
{
    g_autofree char *total = ct_format_duration(lock->ns);
    g_autofree char *object = lock->process
                                  ? ct_report_lock_object(out->report, lock->process, lock->op,
                                                          lock->object, lock->stack_id)
                                  : g_strdup("all other locks");

    g_autofree char *process =
        lock->process ? g_strdup_printf(", of %s (%d)", lock->process->name, lock->process->pid)
                      : g_strdup("");

    ct_text_out_entry(out, total, "%u. %s%s", number, object, process);
    write_waits(out, lock);
    write_holds(out, lock);
    write_shares(out, lock);
    write_inversion(out, lock);
    for (guint i = 0; i < MIN(lock->holders->len, out->report->top); i++) {
        const struct ct_lock_holder *holder = lock->holders->pdata[i];

        if (is_worth_telling(holder->ns, lock->ns, i))
            write_holder(out, lock, holder);
    }
    for (guint i = 0; i < MIN(lock->waiters->len, out->report->top); i++) {
        const struct ct_lock_waiter *waiter = lock->waiters->pdata[i];

        if (is_worth_telling(waiter->ns, lock->ns, i))
            write_waiter(out, lock, waiter);
    }
}

void ct_text_section_locks(const struct ct_text_out *out)
{
    const GPtrArray *locks = out->report->locks;

    if (!locks)
        return;
    if (locks->len == 0) {
        ct_text_out_heading(out, "No thread waited for a lock");
        return;
    }
    ct_text_out_heading(out, "Locks that were waited for, and who held them (%u of %u)",
                        MIN(locks->len, out->report->top), locks->len);
    if (!out->report->model->capture.has_kernel)
        ct_text_out_line(out, 2,
                         "Without a kernel layer, who is runnable (waiting for a CPU) counts as "
                         "running.");
    for (guint i = 0; i < MIN(locks->len, out->report->top); i++)
        write_lock(out, locks->pdata[i], i + 1);
}
