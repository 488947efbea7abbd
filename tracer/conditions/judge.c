#include "conditions/judge.h"

#include "text/figures.h"
#include "text/safe_text.h"

struct ct_judge {
    struct ct_condition *condition; /* owned */
    GHashTable *holds;              /* owned; ids of whom it holds since the last look */
};

/* A look that is gone through. */
struct looking {
    struct ct_judge *judge;
    GHashTable *holds; /* owned; of whom it holds now */
    char *told;        /* owned; NULL: nothing is new */
};

struct ct_judge *ct_judge_new(struct ct_condition *condition)
{
    struct ct_judge *judge = g_new0(struct ct_judge, 1);

    judge->condition = condition;
    judge->holds = g_hash_table_new(NULL, NULL);
    return judge;
}

void ct_judge_free(struct ct_judge *judge)
{
    ct_condition_free(judge->condition);
    g_hash_table_unref(judge->holds);
    g_free(judge);
}

const struct ct_condition *ct_judge_condition(const struct ct_judge *judge)
{
    return judge->condition;
}

/* It holds of that one. TRUE: that is to be told. */
static gboolean add(struct looking *looking, pid_t id)
{
    g_hash_table_add(looking->holds, GINT_TO_POINTER(id));
    return !looking->told && !g_hash_table_contains(looking->judge->holds, GINT_TO_POINTER(id));
}

static gboolean is_named(const struct ct_condition *condition, const char *name)
{
    return !condition->names || g_pattern_spec_match_string(condition->names, name);
}

static void look_at_thread(struct looking *looking, const struct ct_watched_thread *thread)
{
    const struct ct_condition *condition = looking->judge->condition;
    const gboolean is_wait = condition->kind == CT_CONDITION_WAIT;
    const uint64_t ns = is_wait ? thread->wait_ns : thread->state_ns;

    if ((is_wait ? thread->wait : thread->state) != condition->class || ns <= condition->bound ||
        !is_named(condition, thread->name) || !add(looking, thread->tid))
        return;
    g_autofree char *name = ct_safe_line(thread->name);
    g_autofree char *time = ct_format_duration(ns);

    looking->told =
        g_strdup_printf("thread %s (%d) of process %d has %s %s", name, thread->tid, thread->pid,
                        is_wait ? "been in one wait for" : "been in that state for", time);
}

static void look_at_process(struct looking *looking, const struct ct_watched_process *process)
{
    const struct ct_condition *condition = looking->judge->condition;

    if (process->rss_bytes <= condition->bound || !is_named(condition, process->name) ||
        !add(looking, process->pid))
        return;
    g_autofree char *name = ct_safe_line(process->name);
    g_autofree char *size = ct_format_size(process->rss_bytes);

    looking->told = g_strdup_printf("process %s (%d) has %s", name, process->pid, size);
}

/* Of all of them, who have no id together. */
static void look_at_heap(struct looking *looking, uint64_t bytes)
{
    if (bytes <= looking->judge->condition->bound || !add(looking, 0))
        return;
    g_autofree char *size = ct_format_size(bytes);

    looking->told = g_strdup_printf("about %s are live in the heap, by its samples", size);
}

static void look_at_circle(struct looking *looking, const GArray *circle)
{
    if (!circle || !add(looking, g_array_index(circle, pid_t, 0)))
        return;
    GString *told = g_string_new("threads wait for each other's mutexes: ");

    for (guint i = 0; i < circle->len; i++)
        g_string_append_printf(told, "%d -> ", g_array_index(circle, pid_t, i));
    g_string_append_printf(told, "%d", g_array_index(circle, pid_t, 0));
    looking->told = g_string_free(told, FALSE);
}

char *ct_judge_look(struct ct_judge *judge, const struct ct_watched *watched)
{
    struct looking looking = {.judge = judge, .holds = g_hash_table_new(NULL, NULL)};

    switch (judge->condition->kind) {
    case CT_CONDITION_WAIT:
    case CT_CONDITION_STATE:
        for (guint i = 0; i < watched->threads->len; i++)
            look_at_thread(&looking, &g_array_index(watched->threads, struct ct_watched_thread, i));
        break;
    case CT_CONDITION_MEMORY:
        for (guint i = 0; i < watched->processes->len; i++)
            look_at_process(&looking,
                            &g_array_index(watched->processes, struct ct_watched_process, i));
        break;
    case CT_CONDITION_HEAP:
        look_at_heap(&looking, watched->heap_bytes);
        break;
    default:
        look_at_circle(&looking, watched->circle);
    }
    g_hash_table_unref(judge->holds);
    judge->holds = looking.holds;
    return looking.told;
}
