/* Threads that could run, and had no CPU. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

/* Of the time in which threads could run: below that, queues are as short as anywhere. */
#define QUEUED_SHARE 0.1

/* Of the time that this is about: a program that hardly ever runs is not held up by short queues.
 */
#define LENGTH_SHARE 0.05

/* Of the time in line, over all threads: who had less was in it by the way. Where there are many
 * threads, it is half the share that each would have. */
#define NAMED_SHARE 0.01

/* Owned by the caller. */
static GPtrArray *list_queued(const GArray *lives, double runnable_ns)
{
    GPtrArray *queued = g_ptr_array_new();

    for (guint i = 0; i < lives->len; i++) {
        const struct ct_life *life = &g_array_index(lives, struct ct_life, i);

        if ((double)life->class_ns[CT_CLASS_RUNNABLE] >=
            MIN(NAMED_SHARE, 0.5 / lives->len) * runnable_ns)
            g_ptr_array_add(queued, (void *)life->thread);
    }
    return queued;
}

void ct_findings_run_queue(const struct ct_findings_case *a_case, const char *name,
                           GPtrArray *findings)
{
    const GArray *lives = a_case->input->lives;
    double running_ns = 0, runnable_ns = 0;
    uint64_t longest_ns = 0;

    for (guint i = 0; i < lives->len; i++) {
        const struct ct_life *life = &g_array_index(lives, struct ct_life, i);

        running_ns += (double)life->class_ns[CT_CLASS_RUNNING];
        runnable_ns += (double)life->class_ns[CT_CLASS_RUNNABLE];
        /* It is known of whole lives alone. */
        if (life->alive.begin_ns == life->thread->start_ns &&
            life->alive.end_ns == life->thread->end_ns)
            longest_ns = MAX(longest_ns, life->thread->sched.longest_queued_ns);
    }
    if (!a_case->input->has_all_waits ||
        runnable_ns <= LENGTH_SHARE * (double)a_case->input->length_ns ||
        runnable_ns < QUEUED_SHARE * (running_ns + runnable_ns))
        return;
    g_autoptr(GPtrArray) queued = list_queued(lives, runnable_ns);
    g_autofree char *who = ct_words_threads(queued);
    g_autofree char *time = ct_words_time(runnable_ns);
    g_autofree char *longest = ct_format_duration(longest_ns);
    g_autofree char *at_most =
        longest_ns > 0 ? g_strdup_printf("; %s at most at a time", longest) : g_strdup("");
    const struct ct_gathering gathering = {.total_ns = runnable_ns, .threads = queued};

    ct_finding_add(findings, name, &gathering,
                   g_strdup_printf("%s spent %s in line for a CPU, %.0f %% of the time in which "
                                   "the program could run%s.",
                                   who, time, 100 * runnable_ns / (running_ns + runnable_ns),
                                   at_most),
                   "report threads", NULL);
}
