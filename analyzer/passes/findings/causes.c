#include "passes/findings/causes.h"

struct ct_causes {
    const struct ct_findings_input *input;
    GHashTable *lives; /* owned; struct ct_thread * -> const struct ct_life * */
    GHashTable *known; /* owned; const struct ct_evidence_wait * -> enum ct_cause + 1 */
};

gboolean ct_causes_has(const struct ct_causes *causes, const struct ct_thread *thread)
{
    return g_hash_table_contains(causes->lives, thread);
}

void ct_causes_add_life(const struct ct_causes *causes, const struct ct_thread *thread,
                        struct ct_causes_life *sum)
{
    const struct ct_life *life = g_hash_table_lookup(causes->lives, thread);

    if (!life)
        return;
    sum->alive_ns += (double)(life->alive.end_ns - life->alive.begin_ns);
    sum->able_ns += (double)life->class_ns[CT_CLASS_RUNNING];
    sum->able_ns += (double)life->class_ns[CT_CLASS_RUNNABLE];
}

struct ct_causes_life ct_causes_sum_lives(const struct ct_causes *causes, const GPtrArray *threads)
{
    struct ct_causes_life sum = {0};

    for (guint i = 0; i < threads->len; i++)
        ct_causes_add_life(causes, threads->pdata[i], &sum);
    return sum;
}

double ct_causes_busy_share(const struct ct_causes *causes, const GPtrArray *threads)
{
    const struct ct_causes_life life = ct_causes_sum_lives(causes, threads);

    return life.alive_ns > 0 ? life.able_ns / life.alive_ns : 0;
}

enum ct_cause ct_cause_of(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(causes->known, wait));

    if (known == 0) {
        const struct ct_wait_traits traits = ct_evidence_traits(wait);

        known = (guint)ct_idle_cause(causes->input->idle, &traits) + 1;
        g_hash_table_insert(causes->known, (void *)wait, GUINT_TO_POINTER(known));
    }
    return (enum ct_cause)(known - 1);
}

struct ct_causes *ct_causes_new(const struct ct_findings_input *input)
{
    struct ct_causes *causes = g_new0(struct ct_causes, 1);

    causes->input = input;
    causes->lives = g_hash_table_new(NULL, NULL);
    causes->known = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < input->lives->len; i++) {
        const struct ct_life *life = &g_array_index(input->lives, struct ct_life, i);

        g_hash_table_insert(causes->lives, (void *)life->thread, (void *)life);
    }
    return causes;
}

void ct_causes_free(struct ct_causes *causes)
{
    if (!causes)
        return;
    g_hash_table_unref(causes->lives);
    g_hash_table_unref(causes->known);
    g_free(causes);
}
