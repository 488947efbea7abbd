#include "profile/profile.h"

#include "model/format.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    const char *description;
} kinds[] = {
#define KIND_ROW(symbol, name, description) {name, description},
    CT_PROFILE_KINDS(KIND_ROW)
#undef KIND_ROW
};

/* Where waits are charged to. The thread is NULL for an unknown waker. */
struct place {
    struct ct_process *process;
    struct ct_thread *thread;
    uint32_t stack_id;
    enum ct_op op;
};

/*
 * What they were for. A descriptor is the file or the other end that it stands for: its number,
 * and the port that a connection got from the system, are different every time.
 */
struct bucket {
    uint64_t object; /* where there is no name */
    enum ct_object object_kind;
    const struct ct_thread *other;
    enum ct_fd_kind fd_kind;
    gboolean is_peer; /* the name is a socket's other end */
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
    GHashTable *cells; /* owned; struct cell *, as a set */
    struct cell *last; /* borrowed: waits come in runs */
};

const char *ct_profile_kind_name(enum ct_profile_kind kind)
{
    return kinds[kind].name;
}

const char *ct_profile_kind_description(enum ct_profile_kind kind)
{
    return kinds[kind].description;
}

gboolean ct_profile_kind_from_name(const char *name, enum ct_profile_kind *kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *kind = i;
            return TRUE;
        }
    }
    return FALSE;
}

static guint place_hash(const void *data)
{
    const struct place *place = data;
    uint64_t mixed = (uint64_t)(uintptr_t)place->thread ^ (uint64_t)(uintptr_t)place->process;

    mixed = (mixed ^ ((uint64_t)place->stack_id << 8) ^ place->op) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(mixed >> 32);
}

static gboolean place_equal(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    return a->thread == b->thread && a->process == b->process && a->stack_id == b->stack_id &&
           a->op == b->op;
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
static const char *object_name(const struct ct_fd *fd)
{
    if (has_peer(fd))
        return fd->peer;
    return fd && *fd->local ? fd->local : NULL;
}

static gboolean bucket_matches(const struct bucket *bucket, const struct ct_interval *interval,
                               const struct ct_thread *other)
{
    const char *name = object_name(interval->fd);

    if (bucket->is_others || bucket->other != other || bucket->is_open != interval->is_open)
        return FALSE;
    if (!name || !bucket->name)
        return !name && !bucket->name && bucket->object == interval->object;
    return bucket->fd_kind == fd_kind(interval->fd) && bucket->is_peer == has_peer(interval->fd) &&
           strcmp(bucket->name, name) == 0;
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
    const char *name = object_name(interval->fd);
    struct bucket bucket = {
        .object_kind = ct_op_object(interval->op),
        .other = other,
        .is_open = interval->is_open,
        .is_peer = has_peer(interval->fd),
        .name = g_strdup(name),
    };

    if (name) {
        bucket.fd_kind = fd_kind(interval->fd);
        bucket.object_text = describe_fd(bucket.fd_kind, bucket.is_peer, name);
    } else {
        bucket.object = interval->object;
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
        return interval->class == CT_CLASS_SYNC && ct_op_object(interval->op) == CT_OBJECT_LOCK;
    default:
        return FALSE;
    }
}

static void add_interval(void *user, const struct ct_interval *interval)
{
    struct ct_profile *profile = user;
    const struct ct_profile_limits *limits = &profile->limits;
    uint64_t begin_ns = MAX(interval->begin_ns, limits->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, limits->end_ns);

    if (!is_of_kind(profile->kind, interval) || interval->end_ns < interval->begin_ns ||
        interval->wait_end_ns - interval->wait_begin_ns < limits->min_ns)
        return;
    /* One that took no time has its place in the window all the same. */
    if (begin_ns > end_ns || (begin_ns == end_ns && interval->begin_ns != interval->end_ns))
        return;

    struct ct_thread *other = interval->waker;
    struct place place = {.process = interval->thread->process,
                          .thread = interval->thread,
                          .stack_id = interval->stack_id,
                          .op = interval->op};
    if (profile->kind == CT_PROFILE_KIND_MUTEX) {
        other = interval->thread;
        place.thread = interval->waker;
        place.process = place.thread ? place.thread->process : place.process;
        place.stack_id = place.thread ? interval->waker_stack_id : 0;
        place.op = place.thread ? interval->waker_op : CT_OP_NONE;
    }

    double weight = interval->weight >= 1 && isfinite(interval->weight) ? interval->weight : 1;
    struct bucket *bucket = find_bucket(find_cell(profile, &place), interval, other);
    bucket->count += ct_interval_is_counted(interval, limits->begin_ns) ? weight : 0;
    bucket->delay_ns += weight * (double)(end_ns - begin_ns);
}

struct ct_sink ct_profile_sink(struct ct_profile *profile)
{
    return (struct ct_sink){.user = profile, .on_interval = add_interval};
}

static gboolean is_place_selected(const struct place *place, const struct ct_selection *selection)
{
    if (place->thread)
        return ct_selection_has_thread(selection, place->thread);
    /* An unknown waker is no thread of any name. */
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
            .object = bucket->object,
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

/* The positions of processes and threads in the model: pointers differ from run to run. */
static GHashTable *rank_subjects(const struct ct_model *model)
{
    GHashTable *ranks = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < model->processes->len; i++)
        g_hash_table_insert(ranks, model->processes->pdata[i], GUINT_TO_POINTER(i + 1));
    for (guint i = 0; i < model->threads->len; i++)
        g_hash_table_insert(ranks, model->threads->pdata[i], GUINT_TO_POINTER(i + 1));
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
    BY_NUMBER(stack_id);
    BY_NUMBER(op);
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
    return samples;
}
