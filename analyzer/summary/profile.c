#include "summary/profile.h"

#include "model/format.h"
#include "model/holders.h"
#include "summary/wall.h"

#include <math.h>
#include <string.h>

/* Where waits are charged to. The thread is NULL for an unknown holder. */
struct place {
    struct ct_process *process;
    struct ct_thread *thread;
    uint32_t stack_id;
    enum ct_op op;
    enum ct_class state;
    gboolean in_kernel;
    gboolean is_partial;
};

/*
 * What they were for. A descriptor is the file or the other end that it stands for: its number,
 * and the port that a connection got from the system, are different every time.
 */
struct bucket {
    uint64_t object;       /* where there is no name */
    const char *call_name; /* borrowed from the model; see struct ct_interval */
    enum ct_object object_kind;
    const struct ct_thread *other;
    enum ct_fd_kind fd_kind;
    gboolean is_peer;    /* the name is a socket's other end */
    gboolean is_instead; /* the name is a task's that got the CPU */
    gboolean is_open;
    gboolean is_others;
    char *name;        /* owned; of what a descriptor stands for, or NULL */
    char *object_text; /* owned */
    double count;
    double delay_ns;
};

struct cell {
    struct place place;
    GArray *buckets; /* owned; struct bucket */
};

struct ct_profile {
    enum ct_profile_kind kind;
    struct ct_profile_limits limits;
    GHashTable *cells;    /* owned; struct cell *, as a set */
    struct cell *last;    /* borrowed: waits come in runs */
    struct ct_wall *wall; /* owned; NULL: it is no wall profile */
};

static guint place_hash(const void *data)
{
    const struct place *place = data;
    uint64_t mixed = (uint64_t)(uintptr_t)place->thread ^ (uint64_t)(uintptr_t)place->process;

    mixed = (mixed ^ ((uint64_t)place->stack_id << 16) ^ (uint64_t)place->state << 12 ^ place->op) *
            UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(mixed >> 32);
}

static gboolean place_equal(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    return a->thread == b->thread && a->process == b->process && a->stack_id == b->stack_id &&
           a->op == b->op && a->state == b->state && a->in_kernel == b->in_kernel &&
           a->is_partial == b->is_partial;
}

static void bucket_clear(void *data)
{
    struct bucket *bucket = data;
    g_free(bucket->object_text);
    g_free(bucket->name);
}

static void cell_free(void *data)
{
    struct cell *cell = data;
    g_array_unref(cell->buckets);
    g_free(cell);
}

struct ct_profile *ct_profile_new(enum ct_profile_kind kind, const struct ct_profile_limits *limits)
{
    struct ct_profile *profile = g_new0(struct ct_profile, 1);

    profile->kind = kind;
    profile->limits = *limits;
    if (kind == CT_PROFILE_KIND_WALL)
        profile->wall = ct_wall_new();
    /* A cell begins with its place, and so is its own key. */
    G_STATIC_ASSERT(offsetof(struct cell, place) == 0);
    profile->cells = g_hash_table_new_full(place_hash, place_equal, cell_free, NULL);
    return profile;
}

void ct_profile_free(struct ct_profile *profile)
{
    if (!profile)
        return;
    g_hash_table_unref(profile->cells);
    ct_wall_free(profile->wall);
    g_free(profile);
}

static struct cell *find_cell(struct ct_profile *profile, const struct place *place)
{
    if (profile->last && place_equal(&profile->last->place, place))
        return profile->last;

    struct cell *cell = g_hash_table_lookup(profile->cells, place);
    if (!cell) {
        cell = g_new0(struct cell, 1);
        cell->place = *place;
        cell->buckets = g_array_new(FALSE, TRUE, sizeof(struct bucket));
        g_array_set_clear_func(cell->buckets, bucket_clear);
        g_hash_table_add(profile->cells, cell);
    }
    profile->last = cell;
    return cell;
}

static enum ct_fd_kind fd_kind(const struct ct_fd *fd)
{
    return (guint)fd->kind < CT_FD_KIND_COUNT ? fd->kind : CT_FD_KIND_UNKNOWN;
}

static gboolean has_peer(const struct ct_fd *fd)
{
    return fd && *fd->peer;
}

/* NULL for an object that is known by its number alone. */
static const char *object_name(const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;

    if (interval->ran_instead)
        return interval->ran_instead;
    if (has_peer(fd))
        return fd->peer;
    return fd && *fd->local ? fd->local : NULL;
}

static gboolean bucket_matches(const struct bucket *bucket, const struct ct_interval *interval,
                               const struct ct_thread *other)
{
    const char *name = object_name(interval);

    if (bucket->is_others || bucket->other != other || bucket->is_open != interval->is_open)
        return FALSE;
    if (!name || !bucket->name)
        return !name && !bucket->name && bucket->object == interval->object;
    if (strcmp(bucket->name, name) != 0 || bucket->is_instead != !!interval->ran_instead)
        return FALSE;
    return bucket->is_instead ||
           (bucket->fd_kind == fd_kind(interval->fd) && bucket->is_peer == has_peer(interval->fd));
}

static char *describe_fd(enum ct_fd_kind kind, gboolean is_peer, const char *name)
{
    const char *kind_name = ct_fd_kind_name(kind);

    /* "anon_inode:[eventpoll]" says no more than the kind does. */
    if (g_str_has_prefix(name, "anon_inode:"))
        return g_strdup(kind_name);
    return g_strdup_printf("%s %s%s", kind_name, is_peer ? "-> " : "", name);
}

static struct bucket make_bucket(const struct ct_interval *interval, struct ct_thread *other)
{
    const char *name = object_name(interval);
    struct bucket bucket = {
        .object_kind = ct_op_object(interval->op),
        .other = other,
        .is_open = interval->is_open,
        .is_peer = has_peer(interval->fd),
        .is_instead = interval->ran_instead != NULL,
        .name = g_strdup(name),
    };

    if (bucket.is_instead) {
        bucket.object_text = g_strdup_printf("CPU taken by %s", name);
    } else if (name) {
        bucket.fd_kind = fd_kind(interval->fd);
        bucket.object_text = describe_fd(bucket.fd_kind, bucket.is_peer, name);
    } else {
        bucket.object = interval->object;
        bucket.call_name = interval->call_name;
        bucket.object_text = ct_format_object(interval);
    }
    return bucket;
}

static struct bucket *find_bucket(struct cell *cell, const struct ct_interval *interval,
                                  struct ct_thread *other)
{
    struct bucket *buckets = (struct bucket *)(void *)cell->buckets->data;
    struct bucket *others = NULL;
    guint count = cell->buckets->len, told_apart = 0;

    for (guint i = 0; i < count; i++) {
        if (bucket_matches(&buckets[i], interval, other))
            return &buckets[i];
        if (buckets[i].is_others && buckets[i].is_open == interval->is_open)
            others = &buckets[i];
        told_apart += !buckets[i].is_others;
    }
    if (told_apart >= CT_PROFILE_MAX_OBJECTS && others)
        return others;

    struct bucket fresh;
    if (told_apart < CT_PROFILE_MAX_OBJECTS)
        fresh = make_bucket(interval, other);
    else
        fresh = (struct bucket){
            .is_others = TRUE, .is_open = interval->is_open, .object_text = g_strdup("others")};
    g_array_append_val(cell->buckets, fresh);
    return &g_array_index(cell->buckets, struct bucket, count);
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

/* Time in line counts by itself, whatever wait it ended. */
static uint64_t whole_ns(const struct ct_interval *interval)
{
    return interval->class == CT_CLASS_RUNNABLE ? interval->end_ns - interval->begin_ns
                                                : ct_interval_wait_ns(interval);
}

/* Whose stack the time is charged to: by whom they were let go, or the waiter's own. */
static struct place charge(enum ct_profile_kind kind, const struct ct_interval *interval)
{
    struct ct_thread *waker = interval->waker;

    if (kind == CT_PROFILE_KIND_SCHED && waker && interval->waker_stack_id != 0)
        return (struct place){.process = waker->process,
                              .thread = waker,
                              .stack_id = interval->waker_stack_id,
                              .op = interval->waker_op,
                              .state = interval->class};
    return (struct place){.process = interval->thread->process,
                          .thread = interval->thread,
                          .stack_id = interval->stack_id,
                          .op = interval->op,
                          .state = interval->class};
}

/* A wait for a lock, being divided among those who held it. */
struct division {
    struct ct_profile *profile;
    const struct ct_interval *interval;
    double weight;
    uint64_t longest_ns; /* of the times for which one of them held it */
    struct place longest;
};

static void add_hold(void *user, const struct ct_hold *hold)
{
    struct division *division = user;
    const struct ct_interval *interval = division->interval;
    const struct ct_profile_limits *limits = &division->profile->limits;
    uint64_t begin_ns = MAX(hold->begin_ns, limits->begin_ns);
    uint64_t end_ns = MIN(hold->end_ns, limits->end_ns);
    struct ct_process *process = hold->holder ? hold->holder->process : interval->thread->process;
    struct place place = {.process = process,
                          .thread = hold->holder,
                          .stack_id = hold->stack_id,
                          .op = hold->op,
                          .state = interval->class};

    if (begin_ns > end_ns || (begin_ns == end_ns && hold->begin_ns != hold->end_ns))
        return;
    find_bucket(find_cell(division->profile, &place), interval, interval->thread)->delay_ns +=
        division->weight * (double)(end_ns - begin_ns);
    if (end_ns - begin_ns >= division->longest_ns) {
        division->longest_ns = end_ns - begin_ns;
        division->longest = place;
    }
}

/* Each wait counts where most of its time does. */
static void divide(struct ct_profile *profile, const struct ct_interval *interval, double weight,
                   double count)
{
    struct division division = {.profile = profile, .interval = interval, .weight = weight};

    ct_interval_visit_holds(interval, add_hold, &division);
    find_bucket(find_cell(profile, &division.longest), interval, interval->thread)->count += count;
}

static void add_interval(void *user, const struct ct_interval *interval)
{
    struct ct_profile *profile = user;
    const struct ct_profile_limits *limits = &profile->limits;
    uint64_t begin_ns = MAX(interval->begin_ns, limits->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, limits->end_ns);

    double weight = interval->weight >= 1 && isfinite(interval->weight) ? interval->weight : 1;

    if (!is_of_kind(profile->kind, interval) || interval->end_ns < interval->begin_ns)
        return;
    if (profile->wall && begin_ns < end_ns)
        ct_wall_add(profile->wall, interval->thread, interval->class,
                    weight * (double)(end_ns - begin_ns));
    if (whole_ns(interval) < limits->min_ns)
        return;
    /* One that took no time has its place in the window all the same. */
    if (begin_ns > end_ns || (begin_ns == end_ns && interval->begin_ns != interval->end_ns))
        return;

    double count = ct_interval_is_counted(interval, limits->begin_ns) ? weight : 0;

    if (profile->kind == CT_PROFILE_KIND_MUTEX) {
        divide(profile, interval, weight, count);
        return;
    }
    struct ct_thread *other =
        ct_profile_kind_tells_waiter(profile->kind) ? interval->thread : interval->waker;
    struct place place = charge(profile->kind, interval);
    struct bucket *bucket = find_bucket(find_cell(profile, &place), interval, other);
    bucket->count += count;
    bucket->delay_ns += weight * (double)(end_ns - begin_ns);
}

static void add_sample(void *user, const struct ct_sample *sample)
{
    struct ct_profile *profile = user;
    const struct ct_profile_limits *limits = &profile->limits;
    const struct ct_interval nothing = {.thread = sample->thread, .op = CT_OP_NONE};
    const struct place place = {
        .process = sample->thread->process,
        .thread = sample->thread,
        .stack_id = sample->stack_id,
        .op = CT_OP_NONE,
        .state = CT_CLASS_RUNNING,
        .in_kernel = sample->in_kernel,
        .is_partial = sample->is_partial,
    };

    if (sample->time_ns < limits->begin_ns || sample->time_ns >= limits->end_ns)
        return;
    struct bucket *bucket = find_bucket(find_cell(profile, &place), &nothing, NULL);

    bucket->count++;
    bucket->delay_ns += (double)sample->period_ns;
    if (profile->wall)
        ct_wall_add(profile->wall, sample->thread, CT_CLASS_RUNNING, (double)sample->period_ns);
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

static gboolean is_place_selected(const struct place *place, const struct ct_selection *selection)
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

static void add_samples(GArray *samples, const struct cell *cell)
{
    const struct place *place = &cell->place;

    for (guint i = 0; i < cell->buckets->len; i++) {
        const struct bucket *bucket = &g_array_index(cell->buckets, struct bucket, i);
        struct ct_profile_sample sample = {
            .process = place->process,
            .thread = place->thread,
            .stack_id = place->stack_id,
            .stack = ct_process_stack(place->process, place->stack_id),
            .op = place->op,
            .state = place->state,
            .in_kernel = place->in_kernel,
            .is_partial = place->is_partial,
            .is_preempted = bucket->is_instead,
            .object = bucket->object,
            .call_name = bucket->call_name,
            .object_kind = bucket->object_kind,
            .object_text = bucket->object_text,
            .peer = bucket->is_peer ? bucket->name : "",
            .other = (struct ct_thread *)bucket->other,
            .is_others = bucket->is_others,
            .is_open = bucket->is_open,
            .count = round_to_int64(bucket->count),
            .delay_ns = round_to_int64(bucket->delay_ns),
        };
        g_array_append_val(samples, sample);
    }
}

/* Those that have none yet, behind the others. */
static void add_ranks(GHashTable *ranks, const GPtrArray *subjects)
{
    for (guint i = 0; i < subjects->len; i++)
        if (!g_hash_table_contains(ranks, subjects->pdata[i]))
            g_hash_table_insert(ranks, subjects->pdata[i],
                                GUINT_TO_POINTER(g_hash_table_size(ranks) + 1));
}

/* The positions of processes and threads in the model: pointers differ from run to run. */
static GHashTable *rank_subjects(const struct ct_model *model)
{
    GHashTable *ranks = g_hash_table_new(NULL, NULL);

    add_ranks(ranks, model->processes);
    add_ranks(ranks, model->threads);
    add_ranks(ranks, model->all_processes); /* also those from before the recording began */
    add_ranks(ranks, model->all_threads);
    return ranks;
}

static int compare_numbers(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int compare_samples(const void *left, const void *right, void *user)
{
    const struct ct_profile_sample *a = left, *b = right;
    GHashTable *ranks = user;
    int order;

#define BY_RANK(field)                                                                     \
    if ((order = compare_numbers(GPOINTER_TO_UINT(g_hash_table_lookup(ranks, a->field)),   \
                                 GPOINTER_TO_UINT(g_hash_table_lookup(ranks, b->field))))) \
    return order
#define BY_NUMBER(field)                                                       \
    if ((order = compare_numbers((uint64_t)(a->field), (uint64_t)(b->field)))) \
    return order
    BY_RANK(process);
    BY_RANK(thread);
    BY_NUMBER(state);
    BY_NUMBER(stack_id);
    BY_NUMBER(op);
    BY_NUMBER(in_kernel);
    BY_NUMBER(is_partial);
    BY_NUMBER(is_others);
    BY_NUMBER(object);
    if ((order = strcmp(a->object_text, b->object_text)))
        return order;
    BY_RANK(other);
    BY_NUMBER(is_open);
    if ((order = strcmp(a->peer, b->peer)))
        return order;
    BY_NUMBER(count);
    BY_NUMBER(delay_ns);
    return 0;
#undef BY_RANK
#undef BY_NUMBER
}

GArray *ct_profile_samples(const struct ct_profile *profile, const struct ct_model *model,
                           const struct ct_selection *selection)
{
    GArray *samples = g_array_new(FALSE, FALSE, sizeof(struct ct_profile_sample));
    GHashTableIter cells;
    void *cell;

    g_hash_table_iter_init(&cells, profile->cells);
    while (g_hash_table_iter_next(&cells, &cell, NULL))
        if (is_place_selected(cell, selection))
            add_samples(samples, cell);

    g_autoptr(GHashTable) ranks = rank_subjects(model);
    g_array_sort_with_data(samples, compare_samples, ranks);
    if (profile->wall) {
        ct_wall_settle(profile->wall, model, &profile->limits, selection, samples);
        g_array_sort_with_data(samples, compare_samples, ranks);
    }
    return samples;
}
