#include "passes/whatif.h"

/* Kinds of running that are told apart: what comes then is taken together. */
#define KINDS_MAX 65536

/* A kind of running, by what came before and after, and how much of it was in the function. */
struct kind {
    const struct ct_process *process; /* borrowed */
    struct ct_replay_event begin;     /* their objects do not count */
    struct ct_replay_event end;
    uint64_t samples;
    uint64_t hits;
};

struct change {
    const struct ct_path_question *question; /* borrowed, as are the next two */
    struct ct_symbolizer *symbolizer;
    const struct ct_whatif *what;
    GHashTable *in_function; /* owned; struct place *, owned -> whether the function is in it */
    GHashTable *kinds;       /* owned; struct kind *, owned, as a set */
    struct kind all;         /* of all others */
    GHashTable *cursors;     /* owned; struct ct_thread * -> struct samples *, owned */
    GHashTable *holders;     /* owned; struct ct_thread *, as a set: they hold the lock */
    double factor;
    gboolean is_gone; /* nobody waits for the lock */
    gboolean is_free; /* nobody waits for any lock */
    gboolean is_counting;
    double changed_ns;
    GError *failure; /* owned; or NULL */
};

/* ---- Stacks ---- */

struct place {
    const struct ct_process *process; /* borrowed */
    uint32_t stack_id;
};

static guint hash_place(const void *data)
{
    const struct place *place = data;

    return g_direct_hash(place->process) ^ place->stack_id * 2654435761U;
}

static gboolean is_same_place(const void *a, const void *b)
{
    const struct place *first = a, *second = b;

    return first->process == second->process && first->stack_id == second->stack_id;
}

static gboolean is_in_function(struct change *change, const struct ct_process *process,
                               uint32_t stack_id)
{
    const struct place key = {process, stack_id};
    void *known;

    if (stack_id == 0)
        return FALSE;
    if (!g_hash_table_lookup_extended(change->in_function, &key, NULL, &known)) {
        known = GINT_TO_POINTER(
            ct_whatif_has_function(change->what, change->symbolizer, process, stack_id));
        g_hash_table_insert(change->in_function, g_memdup2(&key, sizeof(key)), known);
    }
    return GPOINTER_TO_INT(known);
}

/* ---- What runs, by samples ---- */

static guint hash_kind(const void *data)
{
    const struct kind *kind = data;
    uint64_t mixed = ((uintptr_t)kind->process >> 4) ^ (uint64_t)kind->begin.stack_id << 32 ^
                     kind->end.stack_id ^ (uint64_t)kind->begin.op << 16 ^
                     (uint64_t)kind->end.op << 24;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean is_same_event(const struct ct_replay_event *a, const struct ct_replay_event *b)
{
    return a->op == b->op && a->stack_id == b->stack_id && !a->is_wake == !b->is_wake;
}

static gboolean is_same_kind(const void *a, const void *b)
{
    const struct kind *first = a, *second = b;

    return first->process == second->process && is_same_event(&first->begin, &second->begin) &&
           is_same_event(&first->end, &second->end);
}

static struct kind *kind_of(struct change *change, const struct ct_replay_run *run)
{
    const struct kind key = {.process = run->thread->process, .begin = run->begin, .end = run->end};
    struct kind *kind = g_hash_table_lookup(change->kinds, &key);

    if (kind || g_hash_table_size(change->kinds) >= KINDS_MAX)
        return kind ? kind : &change->all;
    kind = g_memdup2(&key, sizeof(key));
    g_hash_table_add(change->kinds, kind);
    return kind;
}

/* A thread's, in order of time. */
struct samples {
    struct ct_store_cursor *cursor; /* owned */
    struct ct_sample next;
    gboolean has_next;
};

static void samples_free(void *data)
{
    struct samples *samples = data;

    ct_store_cursor_free(samples->cursor);
    g_free(samples);
}

static void read_sample(struct change *change, struct samples *samples)
{
    struct ct_store_event event;

    samples->has_next = ct_store_cursor_next(samples->cursor, &event, &change->failure);
    if (samples->has_next)
        samples->next = event.sample;
}

static struct samples *samples_of(struct change *change, struct ct_thread *thread)
{
    struct samples *samples = g_hash_table_lookup(change->cursors, thread);

    if (!samples) {
        samples = g_new0(struct samples, 1);
        samples->cursor =
            ct_store_samples(change->question->store, thread, &change->question->window);
        g_hash_table_insert(change->cursors, thread, samples);
        read_sample(change, samples);
    }
    return samples;
}

static double count_samples(void *user, const struct ct_replay_run *run)
{
    struct change *change = user;
    struct samples *samples = samples_of(change, run->thread);
    struct kind *kind = kind_of(change, run);

    while (samples->has_next && samples->next.time_ns <= run->end_ns && !change->failure) {
        gboolean is_hit = samples->next.time_ns > run->begin_ns &&
                          is_in_function(change, run->thread->process, samples->next.stack_id);

        if (samples->next.time_ns > run->begin_ns) {
            kind->samples++;
            change->all.samples++;
        }
        if (is_hit) {
            kind->hits++;
            change->all.hits++;
        }
        read_sample(change, samples);
    }
    return 1;
}

static double share_of(const struct kind *kind)
{
    return kind->samples > 0 ? (double)kind->hits / (double)kind->samples : 0;
}

/* ---- How long it takes ---- */

static gboolean is_lock(const struct change *change, const struct ct_process *process,
                        enum ct_op op, uint64_t object)
{
    const struct ct_store_object asked = {(struct ct_process *)process, ct_op_object(op), object};

    return ct_whatif_is_lock(change->what, change->symbolizer, &asked);
}

/* Does the thread hold the lock? From where it had waited for it to where it lets go of it: when a
 * lock was taken without a wait, or let go with nobody in line, is not recorded. */
static gboolean is_under_lock(struct change *change, const struct ct_replay_run *run)
{
    const struct ct_process *process = run->thread->process;
    gboolean is_end = is_lock(change, process, run->end.op, run->end.object);

    if (!run->begin.is_wake && is_lock(change, process, run->begin.op, run->begin.object))
        g_hash_table_add(change->holders, run->thread);
    gboolean is_held = g_hash_table_contains(change->holders, run->thread);

    if (is_end)
        g_hash_table_remove(change->holders, run->thread);
    return is_held && (!is_end || run->end.is_wake);
}

/* So much of it is changed. */
static double changed_share(struct change *change, const struct ct_replay_run *run)
{
    switch (change->what->kind) {
    case CT_WHATIF_THREAD:
        return ct_whatif_is_thread(change->what, run->thread);
    case CT_WHATIF_LOCK:
        return is_under_lock(change, run) && !change->what->is_gone;
    default: {
        const struct kind *kind = kind_of(change, run);

        return share_of(kind->samples > 0 ? kind : &change->all);
    }
    }
}

static double scale_run(void *user, const struct ct_replay_run *run)
{
    struct change *change = user;
    double share = changed_share(change, run);

    if (change->is_counting)
        change->changed_ns += share * (double)(run->end_ns - run->begin_ns);
    return 1 - share + share * change->factor;
}

/* It is a part of what is changed: that somebody else ends a wait is not. */
static gboolean is_changed(struct change *change, const struct ct_interval *wait)
{
    if (wait->class == CT_CLASS_RUNNABLE || wait->class == CT_CLASS_SYNC || wait->waker)
        return FALSE;
    if (change->what->kind == CT_WHATIF_LOCK)
        return g_hash_table_contains(change->holders, wait->thread);
    return change->what->kind == CT_WHATIF_FUNCTION &&
           is_in_function(change, wait->thread->process, wait->stack_id);
}

static double scale_wait(void *user, const struct ct_interval *wait)
{
    struct change *change = user;

    if (change->is_free && ct_object_is_lock(ct_op_object(wait->op)))
        return 0;
    if (change->is_gone && is_lock(change, wait->thread->process, wait->op, wait->object))
        return 0;
    if (!is_changed(change, wait))
        return 1;
    if (change->is_counting)
        change->changed_ns += (double)(wait->end_ns - wait->begin_ns);
    return change->factor;
}

/* ---- All of it ---- */

static gboolean replay(struct change *change, gboolean has_change, gboolean is_free,
                       uint64_t *length_ns, GError **error)
{
    const struct ct_replay_change as_told = {change, change->what->kind != CT_WHATIF_THREAD,
                                             scale_run, scale_wait};

    change->factor = has_change ? change->what->factor : 1;
    change->is_gone = has_change && change->what->is_gone;
    change->is_free = is_free;
    g_hash_table_remove_all(change->holders);
    if (!ct_replay(change->question, &as_told, length_ns, error))
        return FALSE;
    change->is_counting = FALSE;
    return TRUE;
}

static gboolean look_at_samples(struct change *change, GError **error)
{
    const struct ct_replay_change counting = {change, TRUE, count_samples, NULL};
    uint64_t length_ns;

    if (change->what->kind != CT_WHATIF_FUNCTION || change->question->model->capture.samples == 0)
        return TRUE;
    if (!ct_replay(change->question, &counting, &length_ns, error))
        return FALSE;
    if (!change->failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&change->failure));
    return FALSE;
}

/* Without locks, what is left of the saving; as they were taken, all of it. */
static gboolean replay_all(struct change *change, struct ct_whatif_result *result, GError **error)
{
    uint64_t without_ns, then_ns;

    change->is_counting = TRUE;
    if (!look_at_samples(change, error) || !replay(change, FALSE, FALSE, &result->before_ns, error))
        return FALSE;
    result->changed_ns = (uint64_t)change->changed_ns;
    result->samples = change->all.hits;
    if (!replay(change, TRUE, FALSE, &result->kept_ns, error))
        return FALSE;
    result->free_ns = result->kept_ns;
    if (change->what->is_gone) /* the order in which it is taken is gone with it */
        return TRUE;
    if (!replay(change, FALSE, TRUE, &without_ns, error) ||
        !replay(change, TRUE, TRUE, &then_ns, error))
        return FALSE;
    int64_t free_ns = (int64_t)result->before_ns + (int64_t)then_ns - (int64_t)without_ns;

    result->free_ns = (uint64_t)MAX(free_ns, 0);
    return TRUE;
}

gboolean ct_whatif_run(const struct ct_path_question *question, struct ct_symbolizer *symbolizer,
                       const struct ct_whatif *what, struct ct_whatif_result *result,
                       GError **error)
{
    g_autoptr(GHashTable) in_function =
        g_hash_table_new_full(hash_place, is_same_place, g_free, NULL);
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(hash_kind, is_same_kind, g_free, NULL);
    g_autoptr(GHashTable) cursors = g_hash_table_new_full(NULL, NULL, NULL, samples_free);
    g_autoptr(GHashTable) holders = g_hash_table_new(NULL, NULL);
    struct change change = {
        .question = question,
        .symbolizer = symbolizer,
        .what = what,
        .in_function = in_function,
        .kinds = kinds,
        .cursors = cursors,
        .holders = holders,
    };

    return replay_all(&change, result, error);
}
