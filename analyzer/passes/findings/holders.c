#include "passes/findings/holders.h"

#include "passes/findings/words.h"

#include "model/format.h"
#include "symbols/stack_text.h"

#include <string.h>

/* What took less of the waiters' time is not told; and no more than two things are. */
#define LEAST_SHARE 0.1
#define TOLD_MAX    2

/* Of the waiters' time: what is called by that name. */
#define INVERTED_SHARE 0.25

/* One thread that held so much of what was held is named. */
#define NAMED_SHARE 0.9

/* What went on while threads waited, and where most of that was. */
struct doing {
    struct ct_lock_activity what; /* what it is told by: its time and stack are not */
    double ns;
    double most_ns;                   /* at one place: */
    const struct ct_process *process; /* borrowed; NULL: unknown */
    uint32_t stack_id;
};

struct sum {
    const struct ct_findings_input *input; /* borrowed */
    GArray *doings;                        /* owned; struct doing */
    double ns;                             /* of all waiters */
    double held_ns;
    double most_held_ns;            /* at one place, by: */
    const struct ct_thread *holder; /* borrowed; NULL: several, or unknown */
    guint lock_count;
};

/* ---- Adding up ---- */

static gboolean is_same(const struct ct_lock_activity *a, const struct ct_lock_activity *b)
{
    return a->share == b->share && a->class == b->class && a->op == b->op &&
           a->is_for_lock == b->is_for_lock && a->object == b->object &&
           a->last_share == b->last_share && a->last_op == b->last_op;
}

static void add(struct sum *sum, const struct ct_lock_activity *what,
                const struct ct_process *process, uint32_t stack_id)
{
    struct doing *found = NULL;

    for (guint i = 0; i < sum->doings->len && !found; i++) {
        struct doing *doing = &g_array_index(sum->doings, struct doing, i);

        if (is_same(&doing->what, what))
            found = doing;
    }
    if (!found) {
        g_array_append_val(sum->doings, ((struct doing){.what = *what}));
        found = &g_array_index(sum->doings, struct doing, sum->doings->len - 1);
    }
    found->ns += (double)what->ns;
    if ((double)what->ns > found->most_ns) {
        found->most_ns = (double)what->ns;
        found->process = process;
        found->stack_id = stack_id;
    }
}

static void add_holder(struct sum *sum, const struct ct_lock_holder *holder)
{
    sum->held_ns += (double)holder->ns;
    if (holder->thread && !holder->has_several_threads && (double)holder->ns > sum->most_held_ns) {
        sum->most_held_ns = (double)holder->ns;
        sum->holder = holder->thread;
    }
    for (guint i = 0; i < holder->activities->len; i++) {
        const struct ct_lock_activity *activity =
            &g_array_index(holder->activities, struct ct_lock_activity, i);
        gboolean is_waiting = activity->share == CT_LOCK_SHARE_WAITING;

        add(sum, activity, holder->process, is_waiting ? activity->stack_id : holder->stack_id);
    }
}

/* The cost of a finding is without the time for which who was let go on had no CPU. */
static double waited_ns(const struct ct_lock_holding *holding)
{
    return (double)holding->ns - (double)holding->share_ns[CT_LOCK_SHARE_OWN_QUEUE] -
           (double)holding->share_ns[CT_LOCK_SHARE_OWN_TIME];
}

static void add_holding(struct sum *sum, const struct ct_lock_holding *holding)
{
    const struct ct_lock_activity handed_on = {.share = CT_LOCK_SHARE_HAND_OFF,
                                               .ns = holding->share_ns[CT_LOCK_SHARE_HAND_OFF]};

    sum->ns += waited_ns(holding);
    sum->lock_count++;
    for (guint i = 0; i < holding->holders->len; i++)
        add_holder(sum, holding->holders->pdata[i]);
    if (handed_on.ns > 0)
        add(sum, &handed_on, NULL, 0);
}

static int compare(const void *a, const void *b)
{
    const struct doing *first = a, *second = b;

    return (first->ns < second->ns) - (first->ns > second->ns);
}

/* ---- Words ---- */

static char *in_call(enum ct_op op)
{
    if (op == CT_OP_NANOSLEEP)
        return g_strdup("asleep");
    return op == CT_OP_NONE ? g_strdup("waiting in no known call")
                            : g_strdup_printf("waiting in %s", ct_op_name(op));
}

/* Of another lock, also what its own holder did. */
static char *in_line(const struct sum *sum, const struct doing *doing)
{
    const struct ct_lock_activity *what = &doing->what;
    g_autofree char *lock = ct_words_lock(sum->input, doing->process, what->op, what->object,
                                          ct_process_stack_time(doing->process, doing->stack_id));
    g_autofree char *last = what->is_circle ? g_strdup("waiting for this one")
                            : what->last_share == CT_LOCK_SHARE_RUNNING  ? g_strdup("running")
                            : what->last_share == CT_LOCK_SHARE_RUNNABLE ? g_strdup("runnable")
                            : what->last_share == CT_LOCK_SHARE_WAITING  ? in_call(what->last_op)
                                                                         : NULL;

    return g_strdup_printf("itself in line for %s%s%s%s", lock, last ? " (whose holder was " : "",
                           last ? last : "", last ? ")" : "");
}

static char *what_it_was(const struct sum *sum, const struct doing *doing)
{
    switch (doing->what.share) {
    case CT_LOCK_SHARE_RUNNING:
        return g_strdup(sum->input->model->capture.has_kernel ? "running"
                                                              : "running or ready to run");
    case CT_LOCK_SHARE_RUNNABLE:
        return g_strdup("in line for a CPU");
    case CT_LOCK_SHARE_WAITING:
        return doing->what.is_for_lock ? in_line(sum, doing) : in_call(doing->what.op);
    default:
        return NULL;
    }
}

/* What is no holder's doing has a sentence of its own. */
static char *other_sentence(const struct doing *doing, double percent)
{
    switch (doing->what.share) {
    case CT_LOCK_SHARE_HAND_OFF:
        return g_strdup_printf(" Nobody held it for %.0f %% of that: it was let go, and not taken "
                               "yet.",
                               percent);
    default:
        return g_strdup_printf(" Who held it for %.0f %% of that, or what that one did, is not "
                               "known.",
                               percent);
    }
}

static char *place_of(const struct sum *sum, const struct doing *doing)
{
    const struct ct_symbol_frame *place =
        doing->process ? ct_stack_place(sum->input->symbolizer, doing->process, doing->stack_id)
                       : NULL;
    g_autofree char *text = place ? ct_stack_place_text(place) : NULL;

    return text ? g_strconcat(", in ", text, NULL) : g_strdup("");
}

static char *subject_of(const struct sum *sum)
{
    if (sum->holder && sum->most_held_ns >= NAMED_SHARE * sum->held_ns)
        return g_strdup_printf("Its holder %s (%d)", sum->holder->name, sum->holder->tid);
    return g_strdup(sum->lock_count > 1 ? "Their holders" : "Its holder");
}

static char *describe(const struct sum *sum)
{
    g_autofree char *subject = subject_of(sum);
    GString *held = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);

    for (guint i = 0; i < MIN(sum->doings->len, TOLD_MAX); i++) {
        const struct doing *doing = &g_array_index(sum->doings, struct doing, i);
        double percent = 100 * doing->ns / sum->ns;
        g_autofree char *what = what_it_was(sum, doing);
        g_autofree char *place = place_of(sum, doing);

        if (percent < 100 * LEAST_SHARE)
            break;
        if (!what) {
            g_autofree char *sentence = other_sentence(doing, percent);

            g_string_append(others, sentence);
        } else if (held->len == 0) {
            g_string_append_printf(held, " %s %s %s %.0f %% of that%s", subject,
                                   sum->lock_count > 1 ? "were" : "was", what, percent, place);
        } else {
            g_string_append_printf(held, ", and %s %.0f %%%s", what, percent, place);
        }
    }
    if (held->len > 0)
        g_string_append_c(held, '.');
    g_string_append(held, others->str);
    return g_string_free(held, FALSE);
}

static gboolean is_one_of(const GArray *keys, const struct ct_lock_holding *holding)
{
    for (guint i = 0; i < keys->len; i++) {
        if (ct_lock_key_is_of(&g_array_index(keys, struct ct_lock_key, i), holding))
            return TRUE;
    }
    return FALSE;
}

char *ct_words_inversion(const GArray *keys, const GPtrArray *holdings)
{
    const struct ct_lock_holding *most = NULL;
    double all_ns = 0, inverted_ns = 0;

    for (guint i = 0; i < holdings->len; i++) {
        const struct ct_lock_holding *holding = holdings->pdata[i];

        if (!is_one_of(keys, holding))
            continue;
        all_ns += waited_ns(holding);
        inverted_ns += (double)holding->inverted_ns;
        if (holding->inverted_holder && (!most || holding->inverted_ns > most->inverted_ns))
            most = holding;
    }
    if (!most || inverted_ns < INVERTED_SHARE * all_ns)
        return NULL;
    g_autofree char *low = ct_format_priority(&most->inverted_holder->sched);
    g_autofree char *high = ct_format_priority(&most->inverted_waiter->sched);

    return g_strdup_printf(" For %.0f %% of that it is priority inversion: the holder, such as %s "
                           "(%s), had no CPU, while who waited, such as %s (%s), would come "
                           "first.",
                           100 * inverted_ns / all_ns, most->inverted_holder->name, low,
                           most->inverted_waiter->name, high);
}

char *ct_words_holders(const struct ct_findings_input *input, const GArray *keys,
                       const GPtrArray *holdings)
{
    g_autoptr(GArray) doings = g_array_new(FALSE, FALSE, sizeof(struct doing));
    struct sum sum = {.input = input, .doings = doings};

    for (guint i = 0; i < holdings->len; i++) {
        if (is_one_of(keys, holdings->pdata[i]))
            add_holding(&sum, holdings->pdata[i]);
    }
    if (sum.ns <= 0)
        return g_strdup("");
    g_array_sort(doings, compare);
    return describe(&sum);
}
