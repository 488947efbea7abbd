/* A thread that serves many, and was away from them for long: with a slow command, or asleep. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"
#include "symbols/stack_text.h"

/* Who asks for events less often has no loop. */
#define WAITS_MIN 10

/* Of its time: what is not running is told where it is at least as much. */
#define WAIT_SHARE 0.1

/* What a thread did for long instead of asking for events. */
struct turns {
    uint64_t count;
    uint64_t ns;
    uint64_t longest_ns;
    uint64_t wait_ns; /* in other calls */
    struct ct_window when;
    struct ct_window longest;
};

/* Calls that return at once are seldom recorded: between two that are there may have been many, and
 * no turn was long. Of most of its processes' calls it must be known, then. */
static gboolean is_each_known(const struct ct_findings_case *a_case,
                              const struct ct_evidence_loop *loop)
{
    const GPtrArray *loops = a_case->input->evidence->loops;
    const struct ct_op_counters *counters = ct_process_counters(loop->thread->process, loop->op);
    uint64_t known = 0;

    for (guint i = 0; i < loops->len; i++) {
        const struct ct_evidence_loop *other = loops->pdata[i];

        if (other->thread->process == loop->thread->process && other->op == loop->op)
            known += other->event_waits;
    }
    return counters && counters->calls <= 2 * known;
}

/* Else single waits in other calls are, that were long by themselves. */
static struct turns turns_of(const struct ct_findings_case *a_case,
                             const struct ct_evidence_loop *loop)
{
    const struct turns turns = {loop->turn_count, loop->turn_ns, loop->longest_turn_ns,
                                loop->wait_ns,    loop->turns,   loop->longest_turn};
    const struct turns waits = {loop->long_count, loop->long_ns,    loop->longest_wait_ns,
                                loop->long_ns,    loop->long_waits, loop->longest_wait};

    return turns.ns > waits.ns && is_each_known(a_case, loop) ? turns : waits;
}

static gboolean is_running(const struct turns *turns)
{
    return (double)turns->wait_ns < WAIT_SHARE * (double)turns->ns;
}

static char *describe_waits(const struct ct_findings_case *a_case,
                            const struct ct_evidence_loop *loop, const struct turns *turns)
{
    if (is_running(turns))
        return g_strdup(" It ran meanwhile, or could have: ctrace record --cpu tells what.");
    const struct ct_symbol_frame *place =
        ct_stack_place(a_case->input->symbolizer, loop->thread->process, loop->longest_stack_id);
    g_autofree char *text = place ? ct_stack_place_text(place) : NULL;
    g_autofree char *longest = ct_format_duration(loop->longest_wait_ns);

    return g_strdup_printf(" For %.0f %% of that it waited for something else, longest (%s) in "
                           "%s%s%s.",
                           MIN(100 * (double)turns->wait_ns / (double)turns->ns, 100), longest,
                           loop->longest_op == CT_OP_NONE ? "no known call"
                                                          : ct_op_name(loop->longest_op),
                           text ? ", in " : "", text ? text : "");
}

static char *describe(const struct ct_findings_case *a_case, const struct ct_evidence_loop *loop,
                      const struct turns *turns, const char *who)
{
    g_autofree char *time = ct_words_time((double)turns->ns);
    g_autofree char *count = ct_format_count(turns->count);
    g_autofree char *longest = ct_format_duration(turns->longest_ns);
    g_autofree char *times = turns->count == 1
                                 ? g_strdup("once")
                                 : g_strdup_printf("%s times, for %s at most", count, longest);
    g_autofree char *waits = describe_waits(a_case, loop, turns);

    return g_strdup_printf("%s, which serves events by %s, did something else for %s, in turns of "
                           "50 ms and more (%s): what comes meanwhile waits.%s",
                           who, ct_op_name(loop->op), time, times, waits);
}

void ct_findings_slow_turn(const struct ct_findings_case *a_case, const char *name,
                           GPtrArray *findings)
{
    const GPtrArray *loops = a_case->input->evidence->loops;

    for (guint i = 0; i < loops->len; i++) {
        const struct ct_evidence_loop *loop = loops->pdata[i];
        const struct turns turns = turns_of(a_case, loop);

        if (turns.count == 0 || loop->event_waits < WAITS_MIN ||
            !ct_causes_has(a_case->causes, loop->thread))
            continue;
        g_autoptr(GPtrArray) threads = g_ptr_array_new();

        g_ptr_array_add(threads, loop->thread);
        g_autofree char *who = ct_words_threads(threads);
        const struct ct_gathering gathering = {
            .total_ns = (double)turns.ns,
            .when = turns.when,
            .longest = turns.longest,
            .longest_ns = turns.longest_ns,
            .longest_of = loop->thread,
            .threads = threads,
            .place = is_running(&turns)
                         ? NULL
                         : ct_stack_place(a_case->input->symbolizer, loop->thread->process,
                                          loop->longest_stack_id)};

        ct_finding_add(findings, name, &gathering, describe(a_case, loop, &turns, who),
                       "report waits", threads);
    }
}
