#include "verify/verify.h"

#include "model/capture_notes.h"
#include "model/format.h"

/* What clocks and sampling may differ by, of a thread's life, and beside that. */
#define TOLERANCE_SHARE 0.01
#define TOLERANCE_NS    1000000

/* What sums of one clock may differ by: an image's end is noted before and after its last event. */
#define EXACT_NS 20000

/* Threads that are listed one by one, of those with the same to say. */
#define LISTED_MAX 10

/* What is seen of one thread. */
struct seen {
    uint64_t wait_count;
    uint64_t run_count;
    uint64_t run_ns;
    uint64_t runnable_ns;
    uint64_t overlap_ns;
    uint64_t last_run_end_ns;
    uint64_t earliest_ns;
    uint64_t latest_ns;
};

struct ct_verify {
    GHashTable *threads; /* owned; struct ct_thread * -> struct seen * */
};

struct ct_verify *ct_verify_new(void)
{
    struct ct_verify *verify = g_new0(struct ct_verify, 1);

    verify->threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return verify;
}

void ct_verify_free(struct ct_verify *verify)
{
    g_hash_table_unref(verify->threads);
    g_free(verify);
}

static struct seen *get_seen(struct ct_verify *verify, const struct ct_thread *thread)
{
    struct seen *seen = g_hash_table_lookup(verify->threads, thread);

    if (!seen) {
        seen = g_new0(struct seen, 1);
        seen->earliest_ns = UINT64_MAX;
        g_hash_table_insert(verify->threads, (void *)thread, seen);
    }
    return seen;
}

static void note_extent(struct seen *seen, uint64_t begin_ns, uint64_t end_ns)
{
    seen->earliest_ns = MIN(seen->earliest_ns, begin_ns);
    seen->latest_ns = MAX(seen->latest_ns, end_ns);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct seen *seen = get_seen(user, interval->thread);

    note_extent(seen, interval->begin_ns, interval->end_ns);
    if (interval->class == CT_CLASS_RUNNABLE)
        seen->runnable_ns += interval->end_ns - interval->begin_ns;
    else if (!interval->is_outside && ct_interval_is_counted(interval, 0))
        seen->wait_count++;
}

static void on_run(void *user, const struct ct_run *run)
{
    struct seen *seen = get_seen(user, run->thread);

    seen->run_count++;
    seen->run_ns += run->end_ns - run->begin_ns;
    if (run->begin_ns < seen->last_run_end_ns)
        seen->overlap_ns += MIN(seen->last_run_end_ns, run->end_ns) - run->begin_ns;
    seen->last_run_end_ns = MAX(seen->last_run_end_ns, run->end_ns);
}

struct ct_sink ct_verify_sink(struct ct_verify *verify)
{
    return (struct ct_sink){
        .user = verify, .on_interval = on_interval, .on_run = on_run, .is_early = TRUE};
}

/* ---- Judging ---- */

static void G_GNUC_PRINTF(3, 4)
    add_line(GPtrArray *lines, const struct ct_thread *thread, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(lines, g_strdup_printf("%s (%d): %s", thread->name, thread->tid, text));
}

/* Some time of a thread's that is worth a note. */
struct remark {
    const struct ct_thread *thread;
    uint64_t time_ns;
};

static void add_remark(GArray *remarks, const struct ct_thread *thread, uint64_t time_ns)
{
    struct remark remark = {thread, time_ns};

    g_array_append_val(remarks, remark);
}

/* The longest time first. */
static int compare_remarks(const void *a, const void *b)
{
    const struct remark *first = a, *second = b;

    if (first->time_ns != second->time_ns)
        return first->time_ns < second->time_ns ? 1 : -1;
    return (first->thread->tid > second->thread->tid) - (first->thread->tid < second->thread->tid);
}

/* What `remarks` say is `before` and `after` a time. */
static void note_remarks(GPtrArray *notes, GArray *remarks, const char *before, const char *after)
{
    uint64_t rest_ns = 0;

    g_array_sort(remarks, compare_remarks);
    for (guint i = 0; i < remarks->len; i++) {
        const struct remark *remark = &g_array_index(remarks, struct remark, i);
        g_autofree char *time = ct_format_duration(remark->time_ns);

        if (i < LISTED_MAX)
            add_line(notes, remark->thread, "%s %s %s", before, time, after);
        else
            rest_ns = ct_add_u64(rest_ns, remark->time_ns);
    }
    if (remarks->len > LISTED_MAX) {
        g_autofree char *rest = ct_format_duration(rest_ns);
        guint count = remarks->len - LISTED_MAX;
        g_ptr_array_add(notes, g_strdup_printf("%u more thread%s: %s %s in sum %s", count,
                                               count == 1 ? "" : "s", before, rest, after));
    }
}

static void expect_equal(GPtrArray *faults, const struct ct_thread *thread, uint64_t a_ns,
                         const char *a, uint64_t b_ns, const char *b, uint64_t tolerance_ns)
{
    uint64_t difference_ns = a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;

    if (difference_ns <= tolerance_ns)
        return;
    g_autofree char *a_text = ct_format_duration(a_ns);
    g_autofree char *b_text = ct_format_duration(b_ns);
    g_autofree char *difference = ct_format_duration(difference_ns);
    add_line(faults, thread, "%s %s, but %s %s: %s apart", a, a_text, b, b_text, difference);
}

static void check_life(const struct ct_thread *thread, const struct seen *seen,
                       struct ct_verify_result *result)
{
    uint64_t life_ns = thread->end_ns - thread->start_ns;
    uint64_t sum_ns = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        sum_ns = ct_add_u64(sum_ns, thread->class_ns[class]);
    expect_equal(result->faults, thread, sum_ns, "its times are", life_ns, "its life is", 0);
    if (seen->earliest_ns < thread->start_ns || seen->latest_ns > thread->end_ns)
        expect_equal(result->faults, thread,
                     MAX(seen->latest_ns, thread->end_ns) -
                         MIN(seen->earliest_ns, thread->start_ns),
                     "its waits span", life_ns, "its life is", TOLERANCE_NS);
}

/* What is noted of all threads. */
struct remarks {
    GArray *outside; /* owned; struct remark */
    GArray *unknown; /* the same */
};

static void check_scheduler(const struct ct_thread *thread, const struct seen *seen,
                            struct ct_verify_result *result, const struct remarks *remarks)
{
    const struct ct_thread_sched *sched = &thread->sched;
    uint64_t life_ns = thread->end_ns - thread->start_ns;
    uint64_t tolerance_ns = (uint64_t)((double)life_ns * TOLERANCE_SHARE) + TOLERANCE_NS;

    expect_equal(result->faults, thread,
                 sched->running_ns + sched->runnable_ns + sched->blocked_ns + sched->unknown_ns,
                 "the scheduler tells of", life_ns, "its life is", EXACT_NS + sched->unknown_ns);
    /* When a thread began is known to some microseconds only, until the recording's end. Where
     * events were lost, what is unknown bounds how far two accounts of the rest may differ. */
    expect_equal(result->faults, thread, seen->run_ns, "its times on CPUs are", sched->running_ns,
                 "they sum up to", TOLERANCE_NS + sched->unknown_ns);
    if (seen->overlap_ns > 0) {
        g_autofree char *overlap = ct_format_duration(seen->overlap_ns);
        add_line(result->faults, thread, "it ran on two CPUs at once for %s", overlap);
    }
    expect_equal(result->faults, thread, seen->runnable_ns, "its runnable times are",
                 sched->runnable_ns, "they sum up to", tolerance_ns + sched->unknown_ns);
    expect_equal(result->faults, thread, thread->class_ns[CT_CLASS_RUNNING],
                 "by its waits it ran for", sched->running_ns, "by its switches", tolerance_ns);
    if (sched->outside_ns > tolerance_ns)
        add_remark(remarks->outside, thread, sched->outside_ns);
    if (sched->unknown_ns > tolerance_ns)
        add_remark(remarks->unknown, thread, sched->unknown_ns);
}

static void write_remarks(struct remarks *remarks, GPtrArray *notes)
{
    note_remarks(notes, remarks->outside, "blocked for",
                 "outside of all recorded waits (page faults, calls that are not wrapped)");
    note_remarks(notes, remarks->unknown, "in no known state for", "(events lost, or not told)");
    g_array_unref(remarks->outside);
    g_array_unref(remarks->unknown);
}

static void check_recording(const struct ct_model *model, struct ct_verify_result *result)
{
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

    for (guint i = 0; i < complaints->len; i++)
        g_ptr_array_add(result->faults, g_strdup(complaints->pdata[i]));
    g_autofree char *estimates = ct_capture_estimates(&model->capture);
    if (estimates[0])
        g_ptr_array_add(result->notes, g_steal_pointer(&estimates));
    if (!model->capture.has_kernel)
        g_ptr_array_add(result->notes, g_strdup("the recording has no kernel layer: waits and "
                                                "switches cannot be compared"));
}

void ct_verify_finish(const struct ct_verify *verify, const struct ct_model *model,
                      struct ct_verify_result *result)
{
    static const struct seen nothing = {.earliest_ns = UINT64_MAX};
    struct remarks remarks = {
        .outside = g_array_new(FALSE, FALSE, sizeof(struct remark)),
        .unknown = g_array_new(FALSE, FALSE, sizeof(struct remark)),
    };

    *result = (struct ct_verify_result){
        .thread_count = model->threads->len,
        .faults = g_ptr_array_new_with_free_func(g_free),
        .notes = g_ptr_array_new_with_free_func(g_free),
    };
    check_recording(model, result);
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = g_ptr_array_index(model->threads, i);
        const struct seen *seen = g_hash_table_lookup(verify->threads, thread);

        seen = seen ? seen : &nothing;
        result->wait_count += seen->wait_count;
        result->run_count += seen->run_count;
        result->scheduled_count += thread->sched.is_known;
        check_life(thread, seen, result);
        if (thread->sched.is_known)
            check_scheduler(thread, seen, result, &remarks);
    }
    write_remarks(&remarks, result->notes);
}

void ct_verify_result_clear(struct ct_verify_result *result)
{
    g_clear_pointer(&result->faults, g_ptr_array_unref);
    g_clear_pointer(&result->notes, g_ptr_array_unref);
}
