#include "summary/moment.h"

struct ct_moment {
    uint64_t at_ns;
    struct ct_profile_cells *cells; /* borrowed */
    GHashTable *waits;              /* owned; struct ct_thread * -> struct wait * */
    GHashTable *runs;               /* owned; struct ct_thread * -> struct ct_profile_place * */
};

/* The part of a wait that the moment lies in. */
struct wait {
    struct ct_profile_cell *cell; /* borrowed; the thread's alone; NULL: it is not asked for */
    uint64_t end_ns;
};

struct ct_moment *ct_moment_new(uint64_t at_ns, struct ct_profile_cells *cells)
{
    struct ct_moment *moment = g_new0(struct ct_moment, 1);

    moment->at_ns = at_ns;
    moment->cells = cells;
    moment->waits = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    moment->runs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return moment;
}

void ct_moment_free(struct ct_moment *moment)
{
    if (!moment)
        return;
    g_hash_table_unref(moment->waits);
    g_hash_table_unref(moment->runs);
    g_free(moment);
}

static gboolean has(const struct ct_moment *moment, const struct ct_interval *interval)
{
    return interval->begin_ns <= moment->at_ns &&
           (interval->is_open || interval->end_ns > moment->at_ns);
}

static struct wait *wait_of(struct ct_moment *moment, struct ct_thread *thread)
{
    struct wait *wait = g_hash_table_lookup(moment->waits, thread);

    if (!wait) {
        wait = g_new0(struct wait, 1);
        g_hash_table_insert(moment->waits, thread, wait);
    }
    return wait;
}

/* A thread is in one state at a time: where a wait has several parts, in the last of them. */
void ct_moment_add_wait(struct ct_moment *moment, const struct ct_interval *interval,
                        gboolean is_idle, gboolean is_asked)
{
    struct ct_thread *thread = interval->thread;
    const struct ct_profile_place place = {.process = thread->process,
                                           .thread = thread,
                                           .stack_id = interval->stack_id,
                                           .op = interval->op,
                                           .state = interval->class};
    const struct ct_profile_subject subject = {.is_idle = is_idle};

    if (!has(moment, interval))
        return;
    struct wait *wait = wait_of(moment, thread);

    if (interval->end_ns < wait->end_ns)
        return;
    if (wait->cell)
        g_array_set_size(wait->cell->buckets, 0);
    wait->end_ns = interval->end_ns;
    wait->cell = is_asked ? ct_profile_cells_find(moment->cells, &place) : NULL;
    if (!wait->cell)
        return;
    struct ct_profile_bucket *bucket = ct_profile_cell_bucket(wait->cell, interval, &subject);
    uint64_t until_ns = MIN(interval->end_ns, moment->at_ns);
    uint64_t since_ns = MIN(interval->begin_ns, interval->wait_begin_ns);

    bucket->count = 1;
    bucket->delay_ns = (double)(until_ns - MIN(since_ns, until_ns));
}

void ct_moment_add_sample(struct ct_moment *moment, const struct ct_sample *sample)
{
    const struct ct_profile_place place = {
        .process = sample->thread->process,
        .thread = sample->thread,
        .stack_id = sample->stack_id,
        .op = CT_OP_NONE,
        .state = CT_CLASS_RUNNING,
        .in_kernel = sample->in_kernel,
        .is_partial = sample->is_partial,
    };

    if (sample->time_ns <= moment->at_ns)
        g_hash_table_replace(moment->runs, sample->thread, g_memdup2(&place, sizeof(place)));
}

static gboolean is_alive(const struct ct_moment *moment, const struct ct_thread *thread)
{
    return thread->start_ns <= moment->at_ns &&
           (!thread->has_exited || thread->end_ns > moment->at_ns);
}

void ct_moment_settle(struct ct_moment *moment, const struct ct_model *model,
                      gboolean (*lets)(void *user, const struct ct_profile_place *place),
                      void *user)
{
    const struct ct_profile_subject nobody = {0};

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *thread = model->threads->pdata[i];
        const struct ct_profile_place unseen = {
            .process = thread->process, .thread = thread, .state = CT_CLASS_RUNNING};
        const struct ct_interval nothing = {.thread = thread, .op = CT_OP_NONE};
        const struct ct_profile_place *seen = g_hash_table_lookup(moment->runs, thread);
        const struct ct_profile_place *place = seen ? seen : &unseen;

        if (is_alive(moment, thread) && !g_hash_table_contains(moment->waits, thread) &&
            lets(user, place))
            ct_profile_cell_bucket(ct_profile_cells_find(moment->cells, place), &nothing, &nobody)
                ->count = 1;
    }
}
