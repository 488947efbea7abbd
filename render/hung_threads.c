/* Which threads of a recording wait for what cannot end. */
#include "hung_threads.h"

#include "cli/recording.h"
#include "passes/hangs.h"

static gboolean may_hang(const struct ct_timeline *timeline, const struct ct_thread *thread)
{
    const struct ct_timeline_thread *waited = ct_timeline_find(timeline, thread);

    for (uint32_t i = 0; waited && !thread->has_exited && i < waited->wait_count; i++)
        if (ct_hang_may_be(waited->waits[i].op))
            return TRUE;
    return FALSE;
}

static gboolean one_may_hang(const struct ct_timeline *timeline, GHashTable *threads)
{
    GHashTableIter at;
    void *thread;

    g_hash_table_iter_init(&at, threads);
    while (g_hash_table_iter_next(&at, &thread, NULL))
        if (may_hang(timeline, thread))
            return TRUE;
    return FALSE;
}

/* Of another reading of the same recording. */
static gboolean is_same(void *thread, void *value, void *user)
{
    const struct ct_thread *first = thread, *second = user;

    (void)value;
    return first->tid == second->tid && first->start_ns == second->start_ns;
}

/* What is asked. */
struct question {
    const struct ct_model *model;
    GHashTable *threads;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;
    g_autoptr(GPtrArray) hangs = ct_hangs_find(store, question->model, error);

    for (guint i = 0; hangs && i < hangs->len; i++) {
        const GArray *waits = ((const struct ct_hang *)hangs->pdata[i])->waits;

        for (guint j = 0; j < waits->len; j++)
            g_hash_table_foreach_remove(
                question->threads, is_same,
                g_array_index(waits, struct ct_hang_wait, j).interval.thread);
    }
    return hangs != NULL;
}

gboolean ct_hung_threads_remove(const char *directory, struct ct_activity *activity,
                                const struct ct_timeline *timeline, GHashTable *threads,
                                GError **error)
{
    if (!one_may_hang(timeline, threads))
        return TRUE;
    g_autoptr(ct_model) model = ct_model_new();
    struct question question = {model, threads};

    return ct_recording_ask(directory, activity, model, ask, &question, error);
}
