/* A thread that serves many, and was away from them for long: with a slow command, or asleep. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"
#include "symbols/stack_text.h"

/* Who asks for events less often has no loop. */
#define WAITS_MIN 10

/* Of the time in long turns: what is not running is told where it is at least as much. */
#define WAIT_SHARE 0.1

static gboolean is_loop(const struct ct_findings_case *a_case, const struct ct_evidence_loop *loop)
{
    return loop->turn_count > 0 && loop->event_waits >= WAITS_MIN &&
           ct_causes_has(a_case->causes, loop->thread);
}

static char *describe_waits(const struct ct_findings_case *a_case,
                            const struct ct_evidence_loop *loop)
{
    if ((double)loop->wait_ns < WAIT_SHARE * (double)loop->turn_ns)
        return g_strdup(" It ran meanwhile, or could have: ctrace record --cpu tells what.");
    const struct ct_symbol_frame *place =
        ct_stack_place(a_case->input->symbolizer, loop->thread->process, loop->longest_stack_id);
    g_autofree char *text = place ? ct_stack_place_text(place) : NULL;
    g_autofree char *longest = ct_format_duration(loop->longest_wait_ns);

    return g_strdup_printf(
        " For %.0f %% of that it waited for something else, longest (%s) in %s%s%s.",
        100 * (double)loop->wait_ns / (double)loop->turn_ns, longest,
        loop->longest_op == CT_OP_NONE ? "no known call" : ct_op_name(loop->longest_op),
        text ? ", in " : "", text ? text : "");
}

void ct_findings_slow_turn(const struct ct_findings_case *a_case, const char *name,
                           GPtrArray *findings)
{
    const GPtrArray *loops = a_case->input->evidence->loops;

    for (guint i = 0; i < loops->len; i++) {
        const struct ct_evidence_loop *loop = loops->pdata[i];

        if (!is_loop(a_case, loop))
            continue;
        g_autoptr(GPtrArray) threads = g_ptr_array_new();

        g_ptr_array_add(threads, loop->thread);
        g_autofree char *who = ct_words_threads(threads);
        g_autofree char *time = ct_words_time((double)loop->turn_ns);
        g_autofree char *count = ct_format_count(loop->turn_count);
        g_autofree char *longest = ct_format_duration(loop->longest_turn_ns);
        g_autofree char *times = loop->turn_count == 1
                                     ? g_strdup("once")
                                     : g_strdup_printf("%s times, for %s at most", count, longest);
        g_autofree char *waits = describe_waits(a_case, loop);
        const struct ct_gathering gathering = {.total_ns = (double)loop->turn_ns,
                                               .place = ct_stack_place(a_case->input->symbolizer,
                                                                       loop->thread->process,
                                                                       loop->longest_stack_id)};

        ct_finding_add(findings, name, &gathering,
                       g_strdup_printf("%s, which serves events by %s, did something else for "
                                       "%s, in turns of 50 ms and more (%s): what comes meanwhile "
                                       "waits.%s",
                                       who, ct_op_name(loop->op), time, times, waits),
                       "report waits", ct_words_options(threads));
    }
}
