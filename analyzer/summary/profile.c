#include "summary/profile.h"

#include "model/holders.h"
#include "passes/path.h"
#include "summary/moment.h"
#include "summary/profile_cells.h"
#include "summary/profile_order.h"
#include "summary/wall.h"

#include <math.h>
#include <string.h>

struct ct_profile {
    enum ct_profile_kind kind;
    struct ct_profile_limits limits;
    struct ct_profile_cells *cells; /* owned */
    struct ct_wall *wall;           /* owned; NULL: it is no wall profile */
    struct ct_moment *moment;       /* owned; NULL: it is of no moment */
    struct ct_lock_waits *waits;    /* owned; NULL: it does not need them */
    GError *failure;                /* owned; or NULL */
};

struct ct_profile *ct_profile_new(enum ct_profile_kind kind, const struct ct_profile_limits *limits)
{
    struct ct_profile *profile = g_new0(struct ct_profile, 1);

    profile->kind = kind;
    profile->limits = *limits;
    if (kind == CT_PROFILE_KIND_WALL)
        profile->wall = ct_wall_new();
    profile->cells = ct_profile_cells_new();
    if (kind == CT_PROFILE_KIND_THREADS)
        profile->moment = ct_moment_new(limits->end_ns, profile->cells);
    return profile;
}

void ct_profile_free(struct ct_profile *profile)
{
    if (!profile)
        return;
    ct_moment_free(profile->moment);
    ct_profile_cells_free(profile->cells);
    ct_wall_free(profile->wall);
    ct_lock_waits_free(profile->waits);
    g_clear_error(&profile->failure);
    g_free(profile);
}

void ct_profile_set_store(struct ct_profile *profile, struct ct_store *store)
{
    ct_lock_waits_free(profile->waits);
    profile->waits = ct_profile_kind_needs_store(profile->kind) ? ct_lock_waits_new(store) : NULL;
}

gboolean ct_profile_follow(struct ct_profile *profile, struct ct_store *store,
                           const struct ct_model *model, const struct ct_store_scope *scope,
                           GError **error)
{
    struct ct_path_question question = {.store = store, .model = model};
    const struct ct_window *window = scope->window;

    if (window && window->end_ns == UINT64_MAX) /* all of the time */
        window = NULL;
    return ct_path_choose(&question, scope->selection, window, error) &&
           ct_profile_cells_add_path(profile->cells, &question, error);
}

gboolean ct_profile_check(struct ct_profile *profile, GError **error)
{
    g_clear_pointer(&profile->waits, ct_lock_waits_free);
    if (!profile->failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&profile->failure));
    return FALSE;
}

static gboolean is_of_kind(enum ct_profile_kind kind, const struct ct_interval *interval)
{
    switch (kind) {
    case CT_PROFILE_KIND_NET:
        return interval->class == CT_CLASS_NET;
    case CT_PROFILE_KIND_SYNC:
        return interval->class == CT_CLASS_SYNC;
    case CT_PROFILE_KIND_SYSCALL:
        return interval->class == CT_CLASS_SYSCALL;
    case CT_PROFILE_KIND_SLEEP:
        return interval->class == CT_CLASS_SLEEP;
    case CT_PROFILE_KIND_OTHER:
        return interval->class == CT_CLASS_OTHER;
    case CT_PROFILE_KIND_BLOCK:
        return interval->class != CT_CLASS_RUNNABLE && interval->class != CT_CLASS_RUNNING &&
               interval->class != CT_CLASS_UNKNOWN;
    case CT_PROFILE_KIND_MUTEX:
        return interval->class == CT_CLASS_SYNC && interval->is_for_lock;
    case CT_PROFILE_KIND_SCHED:
        return interval->class == CT_CLASS_RUNNABLE;
    case CT_PROFILE_KIND_WALL:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean is_idle(const struct ct_profile *profile, const struct ct_interval *interval)
{
    return profile->limits.idle && ct_idle_has(profile->limits.idle, interval);
}

static gboolean is_let(const struct ct_profile *profile, const struct ct_interval *interval)
{
    const struct ct_interval_filter *filter =
        profile->limits.filter ? ct_filter_of_intervals(profile->limits.filter) : NULL;

    return !filter || filter->lets(filter->user, interval);
}

/* Whose stack the time is charged to: of who woke the waiter, or the waiter's own. */
static struct ct_profile_place charge(enum ct_profile_kind kind, const struct ct_interval *interval)
{
    struct ct_thread *waker = interval->waker;

    if (kind == CT_PROFILE_KIND_SCHED && waker && interval->waker_stack_id != 0)
        return (struct ct_profile_place){.process = waker->process,
                                         .thread = waker,
                                         .stack_id = interval->waker_stack_id,
                                         .op = interval->waker_op,
                                         .state = interval->class};
    return (struct ct_profile_place){.process = interval->thread->process,
                                     .thread = interval->thread,
                                     .stack_id = interval->stack_id,
                                     .op = interval->op,
                                     .state = interval->class};
}

/* A wait for a lock, being divided among those who held it. */
struct division {
    struct ct_profile *profile;
    const struct ct_interval *interval;
    struct ct_profile_subject waiter;
    double weight;
    uint64_t longest_ns; /* of the times for which one of them held it */
    struct ct_profile_place longest;
};

/* Some of the wait's time, of one place. */
static void add_share(struct division *division, uint64_t share_begin_ns, uint64_t share_end_ns,
                      const struct ct_profile_place *place)
{
    const struct ct_interval *interval = division->interval;
    const struct ct_profile_limits *limits = &division->profile->limits;
    uint64_t begin_ns = MAX(share_begin_ns, limits->begin_ns);
    uint64_t end_ns = MIN(share_end_ns, limits->end_ns);

    if (begin_ns > end_ns || (begin_ns == end_ns && share_begin_ns != share_end_ns))
        return;
    ct_profile_cell_bucket(ct_profile_cells_find(division->profile->cells, place), interval,
                           &division->waiter)
        ->delay_ns += division->weight * (double)(end_ns - begin_ns);
    if (end_ns - begin_ns >= division->longest_ns) {
        division->longest_ns = end_ns - begin_ns;
        division->longest = *place;
    }
}

/* Each wait counts where most of its time does. */
static void add_count(const struct division *division, double count)
{
    const struct ct_interval *interval = division->interval;

    ct_profile_cell_bucket(ct_profile_cells_find(division->profile->cells, &division->longest),
                           interval, &division->waiter)
        ->count += count;
}

static void add_hold(void *user, const struct ct_hold *hold)
{
    struct division *division = user;
    const struct ct_interval *interval = division->interval;
    struct ct_process *process = hold->holder ? hold->holder->process : interval->thread->process;
    const struct ct_profile_place place = {.process = process,
                                           .thread = hold->holder,
                                           .stack_id = hold->stack_id,
                                           .op = hold->op,
                                           .state = interval->class};

    add_share(division, hold->begin_ns, hold->end_ns, &place);
}

static void divide(struct ct_profile *profile, const struct ct_interval *interval, double weight,
                   double count)
{
    struct division division = {.profile = profile,
                                .interval = interval,
                                .waiter = {interval->thread, is_idle(profile, interval)},
                                .weight = weight};

    ct_interval_visit_holds(interval, add_hold, &division);
    add_count(&division, count);
}

/* The waiter's own time is nobody's who held it. */
static void add_parts(struct division *division, const GArray *parts)
{
    for (guint i = 0; i < parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(parts, struct ct_lock_part, i);

        if (part->share == CT_LOCK_SHARE_OWN_QUEUE || part->share == CT_LOCK_SHARE_OWN_TIME)
            continue;
        const struct ct_profile_place place = ct_profile_place_blamed(division->interval, part);

        add_share(division, part->begin_ns, part->end_ns, &place);
    }
}

static void add_blame(struct ct_profile *profile, const struct ct_interval *interval)
{
    const struct ct_lock_wait *wait =
        profile->failure || !profile->waits
            ? NULL
            : ct_lock_waits_next(profile->waits, interval, &profile->failure);

    if (!wait)
        return;
    const struct ct_interval *whole = &wait->interval;
    struct division division = {.profile = profile,
                                .interval = whole,
                                .waiter = {whole->thread, is_idle(profile, whole)},
                                .weight = wait->weight};
    const struct ct_profile_place nobody = {.process = whole->thread->process,
                                            .state = CT_CLASS_UNKNOWN};

    add_parts(&division, wait->parts);
    if (!division.longest.process) /* it never was off its CPU for it */
        add_share(&division, whole->wait_end_ns, whole->wait_end_ns, &nobody);
    if (division.longest.process)
        add_count(&division, wait->weight);
}

static void add_interval(void *user, const struct ct_interval *interval)
{
    struct ct_profile *profile = user;
    const struct ct_profile_limits *limits = &profile->limits;
    uint64_t begin_ns = MAX(interval->begin_ns, limits->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, limits->end_ns);

    if (profile->moment) {
        ct_moment_add_wait(profile->moment, interval, is_idle(profile, interval),
                           is_let(profile, interval));
        return;
    }
    double weight = interval->weight >= 1 && isfinite(interval->weight) ? interval->weight : 1;

    if (profile->kind == CT_PROFILE_KIND_BLAME && is_let(profile, interval))
        add_blame(profile, interval);
    if (!is_of_kind(profile->kind, interval) || interval->end_ns < interval->begin_ns)
        return;
    if (profile->wall && begin_ns < end_ns)
        ct_wall_add(profile->wall, interval->thread, interval->class,
                    weight * (double)(end_ns - begin_ns));
    if (!is_let(profile, interval))
        return;
    /* One that took no time has its place in the window all the same. */
    if (begin_ns > end_ns || (begin_ns == end_ns && interval->begin_ns != interval->end_ns))
        return;

    double count = ct_interval_is_counted(interval, limits->begin_ns) ? weight : 0;

    if (profile->kind == CT_PROFILE_KIND_MUTEX) {
        divide(profile, interval, weight, count);
        return;
    }
    const struct ct_profile_subject subject = {
        ct_profile_kind_tells_waiter(profile->kind) ? interval->thread : interval->waker,
        is_idle(profile, interval)};
    struct ct_profile_place place = charge(profile->kind, interval);
    struct ct_profile_bucket *bucket =
        ct_profile_cell_bucket(ct_profile_cells_find(profile->cells, &place), interval, &subject);
    bucket->count += count;
    bucket->delay_ns += weight * (double)(end_ns - begin_ns);
}

static void add_sample(void *user, const struct ct_sample *sample)
{
    struct ct_profile *profile = user;
    const struct ct_profile_limits *limits = &profile->limits;
    const struct ct_interval nothing = {.thread = sample->thread, .op = CT_OP_NONE};
    const struct ct_profile_subject nobody = {0};
    const struct ct_profile_place place = {
        .process = sample->thread->process,
        .thread = sample->thread,
        .stack_id = sample->stack_id,
        .op = CT_OP_NONE,
        .state = CT_CLASS_RUNNING,
        .in_kernel = sample->in_kernel,
        .is_partial = sample->is_partial,
    };

    if (profile->moment) {
        ct_moment_add_sample(profile->moment, sample);
        return;
    }
    if (sample->time_ns < limits->begin_ns || sample->time_ns >= limits->end_ns)
        return;
    if (profile->wall)
        ct_wall_add(profile->wall, sample->thread, CT_CLASS_RUNNING, (double)sample->period_ns);
    if (limits->filter &&
        !ct_filter_lets_running(limits->filter, sample->thread->process, sample->stack_id))
        return;
    struct ct_profile_bucket *bucket =
        ct_profile_cell_bucket(ct_profile_cells_find(profile->cells, &place), &nothing, &nobody);

    bucket->count++;
    bucket->delay_ns += (double)sample->period_ns;
}

struct ct_sink ct_profile_sink(struct ct_profile *profile)
{
    struct ct_sink sink = {.user = profile};

    if (ct_profile_kind_has_waits(profile->kind))
        sink.on_interval = add_interval;
    if (ct_profile_kind_has_samples(profile->kind))
        sink.on_sample = add_sample;
    return sink;
}

static gboolean is_place_selected(const struct ct_profile_place *place,
                                  const struct ct_selection *selection)
{
    if (place->thread)
        return ct_selection_has_thread(selection, place->thread);
    /* An unknown holder is no thread of any name. */
    return (!selection->threads || !*selection->threads) &&
           ct_selection_has_process(selection, place->process);
}

static int64_t round_to_int64(double value)
{
    return value >= 9.2e18 ? INT64_MAX : llround(value);
}

static GHashTable *list_threads(const struct ct_model *model)
{
    GHashTable *listed = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < model->threads->len; i++)
        g_hash_table_add(listed, model->threads->pdata[i]);
    return listed;
}

/* Whose time it is. NULL: of several that are not told apart. */
static const struct ct_thread *subject_of(const struct ct_profile *profile,
                                          const struct ct_profile_cell *cell,
                                          const struct ct_profile_bucket *bucket)
{
    return ct_profile_kind_tells_waiter(profile->kind) ? bucket->other : cell->place.thread;
}

/* But of threads that are not listed: they were over before the recording began, which is known
 * only at its end. */
static void add_samples(GArray *samples, const struct ct_profile *profile,
                        const struct ct_profile_cell *cell, GHashTable *listed)
{
    const struct ct_profile_place *place = &cell->place;

    for (guint i = 0; i < cell->buckets->len; i++) {
        const struct ct_profile_bucket *bucket =
            &g_array_index(cell->buckets, struct ct_profile_bucket, i);
        const struct ct_thread *subject = subject_of(profile, cell, bucket);

        if (subject && !g_hash_table_contains(listed, subject))
            continue;
        struct ct_profile_sample sample = {
            .process = place->process,
            .thread = place->thread,
            .stack_id = place->stack_id,
            .stack = ct_process_stack(place->process, place->stack_id),
            .op = place->op,
            .state = place->state,
            .in_kernel = place->in_kernel,
            .is_partial = place->is_partial,
            .is_hand_off = place->is_hand_off,
            .is_preempted = bucket->is_preempted,
            .object = bucket->object,
            .call_name = bucket->call_name,
            .object_kind = bucket->object_kind,
            .object_text = bucket->object_text,
            .peer = bucket->is_peer ? bucket->name : "",
            .other = (struct ct_thread *)bucket->other,
            .is_others = bucket->is_others,
            .is_open = bucket->is_open,
            .is_idle = bucket->is_idle,
            .count = round_to_int64(bucket->count),
            .delay_ns = round_to_int64(bucket->delay_ns),
        };
        g_array_append_val(samples, sample);
    }
}

static gboolean lets_place(void *user, const struct ct_profile_place *place)
{
    const struct ct_profile *profile = user;

    return !profile->limits.filter ||
           ct_filter_lets_running(profile->limits.filter, place->process, place->stack_id);
}

GArray *ct_profile_samples(const struct ct_profile *profile, const struct ct_model *model,
                           const struct ct_selection *selection)
{
    GArray *samples = g_array_new(FALSE, FALSE, sizeof(struct ct_profile_sample));
    g_autoptr(GHashTable) listed = list_threads(model);
    GHashTableIter cells;
    void *cell;

    if (profile->moment)
        ct_moment_settle(profile->moment, model, lets_place, (void *)profile);
    ct_profile_cells_visit(&cells, profile->cells);
    while (g_hash_table_iter_next(&cells, &cell, NULL))
        if (is_place_selected(cell, selection))
            add_samples(samples, profile, cell, listed);

    g_autoptr(GHashTable) ranks = ct_profile_ranks(model);
    g_array_sort_with_data(samples, ct_profile_compare_samples, ranks);
    if (profile->wall) {
        ct_wall_settle(profile->wall, model, &profile->limits, selection, samples);
        g_array_sort_with_data(samples, ct_profile_compare_samples, ranks);
    }
    return samples;
}
