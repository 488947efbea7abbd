#include "summary/profile_cells.h"

#include "model/format.h"
#include "summary/profile.h"

#include <string.h>

struct ct_profile_cells {
    GHashTable *set;              /* owned; struct ct_profile_cell * */
    struct ct_profile_cell *last; /* borrowed: waits come in runs */
};

static guint place_hash(const void *data)
{
    const struct ct_profile_place *place = data;
    uint64_t mixed = (uint64_t)(uintptr_t)place->thread ^ (uint64_t)(uintptr_t)place->process;

    mixed = (mixed ^ ((uint64_t)place->stack_id << 16) ^ (uint64_t)place->state << 12 ^ place->op) *
            UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(mixed >> 32);
}

static gboolean place_equal(const void *left, const void *right)
{
    const struct ct_profile_place *a = left, *b = right;

    return a->thread == b->thread && a->process == b->process && a->stack_id == b->stack_id &&
           a->op == b->op && a->state == b->state && a->in_kernel == b->in_kernel &&
           a->is_partial == b->is_partial && a->is_hand_off == b->is_hand_off;
}

struct ct_profile_place ct_profile_place_blamed(const struct ct_interval *wait,
                                                const struct ct_lock_part *part)
{
    static const enum ct_class states[CT_LOCK_SHARE_COUNT] = {
        [CT_LOCK_SHARE_RUNNING] = CT_CLASS_RUNNING,
        [CT_LOCK_SHARE_RUNNABLE] = CT_CLASS_RUNNABLE,
        [CT_LOCK_SHARE_UNKNOWN] = CT_CLASS_UNKNOWN,
        [CT_LOCK_SHARE_HAND_OFF] = CT_CLASS_SYNC,
    };

    if (!part->last)
        return (struct ct_profile_place){.process = wait->thread->process,
                                         .state = CT_CLASS_UNKNOWN};
    return (struct ct_profile_place){
        .process = part->last->process,
        .thread = part->last,
        .stack_id = part->last_stack_id,
        .op = part->last_op,
        .state =
            part->last_share == CT_LOCK_SHARE_WAITING ? part->last_class : states[part->last_share],
        .is_hand_off = part->last_share == CT_LOCK_SHARE_HAND_OFF,
    };
}

static void bucket_clear(void *data)
{
    struct ct_profile_bucket *bucket = data;
    g_free(bucket->object_text);
    g_free(bucket->name);
}

static void cell_free(void *data)
{
    struct ct_profile_cell *cell = data;
    g_array_unref(cell->buckets);
    g_free(cell);
}

struct ct_profile_cells *ct_profile_cells_new(void)
{
    struct ct_profile_cells *cells = g_new0(struct ct_profile_cells, 1);

    /* A cell begins with its place, and so is its own key. */
    G_STATIC_ASSERT(offsetof(struct ct_profile_cell, place) == 0);
    cells->set = g_hash_table_new_full(place_hash, place_equal, cell_free, NULL);
    return cells;
}

void ct_profile_cells_free(struct ct_profile_cells *cells)
{
    g_hash_table_unref(cells->set);
    g_free(cells);
}

void ct_profile_cells_visit(GHashTableIter *iter, const struct ct_profile_cells *cells)
{
    g_hash_table_iter_init(iter, cells->set);
}

struct ct_profile_cell *ct_profile_cells_find(struct ct_profile_cells *cells,
                                              const struct ct_profile_place *place)
{
    if (cells->last && place_equal(&cells->last->place, place))
        return cells->last;

    struct ct_profile_cell *cell = g_hash_table_lookup(cells->set, place);
    if (!cell) {
        cell = g_new0(struct ct_profile_cell, 1);
        cell->place = *place;
        cell->buckets = g_array_new(FALSE, TRUE, sizeof(struct ct_profile_bucket));
        g_array_set_clear_func(cell->buckets, bucket_clear);
        g_hash_table_add(cells->set, cell);
    }
    cells->last = cell;
    return cell;
}

static enum ct_fd_kind fd_kind(const struct ct_fd *fd)
{
    return (guint)fd->kind < CT_FD_KIND_COUNT ? fd->kind : CT_FD_KIND_UNKNOWN;
}

/* NULL for an object that is known by its number alone. */
static const char *object_name(const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;

    if (interval->preempted_by)
        return interval->preempted_by;
    if (ct_interval_peer(interval))
        return ct_interval_peer(interval);
    return fd && *fd->local ? fd->local : NULL;
}

static gboolean bucket_matches(const struct ct_profile_bucket *bucket,
                               const struct ct_interval *interval,
                               const struct ct_profile_subject *subject)
{
    const char *name = object_name(interval);

    if (bucket->is_others || bucket->other != subject->other ||
        bucket->is_open != interval->is_open || bucket->is_idle != subject->is_idle)
        return FALSE;
    if (!name || !bucket->name)
        return !name && !bucket->name && bucket->object == interval->object;
    if (strcmp(bucket->name, name) != 0 || bucket->is_preempted != !!interval->preempted_by)
        return FALSE;
    return bucket->is_preempted || (bucket->fd_kind == fd_kind(interval->fd) &&
                                    bucket->is_peer == (ct_interval_peer(interval) != NULL));
}

static char *describe_fd(enum ct_fd_kind kind, gboolean is_peer, const char *name)
{
    const char *kind_name = ct_fd_kind_name(kind);

    /* "anon_inode:[eventpoll]" says no more than the kind does. */
    if (g_str_has_prefix(name, "anon_inode:"))
        return g_strdup(kind_name);
    return g_strdup_printf("%s %s%s", kind_name, is_peer ? "-> " : "", name);
}

static struct ct_profile_bucket make_bucket(const struct ct_interval *interval,
                                            const struct ct_profile_subject *subject)
{
    const char *name = object_name(interval);
    struct ct_profile_bucket bucket = {
        .object_kind = ct_op_object(interval->op),
        .other = subject->other,
        .is_open = interval->is_open,
        .is_idle = subject->is_idle,
        .is_peer = ct_interval_peer(interval) != NULL,
        .is_preempted = interval->preempted_by != NULL,
        .name = g_strdup(name),
    };

    if (bucket.is_preempted) {
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

struct ct_profile_bucket *ct_profile_cell_bucket(struct ct_profile_cell *cell,
                                                 const struct ct_interval *interval,
                                                 const struct ct_profile_subject *subject)
{
    struct ct_profile_bucket *buckets = (struct ct_profile_bucket *)(void *)cell->buckets->data;
    struct ct_profile_bucket *others = NULL;
    guint count = cell->buckets->len, told_apart = 0;

    for (guint i = 0; i < count; i++) {
        if (bucket_matches(&buckets[i], interval, subject))
            return &buckets[i];
        if (buckets[i].is_others && buckets[i].is_open == interval->is_open &&
            buckets[i].is_idle == subject->is_idle)
            others = &buckets[i];
        told_apart += !buckets[i].is_others;
    }
    if (told_apart >= CT_PROFILE_MAX_OBJECTS && others)
        return others;

    struct ct_profile_bucket fresh;
    if (told_apart < CT_PROFILE_MAX_OBJECTS)
        fresh = make_bucket(interval, subject);
    else
        fresh = (struct ct_profile_bucket){.is_others = TRUE,
                                           .is_open = interval->is_open,
                                           .is_idle = subject->is_idle,
                                           .object_text = g_strdup("others")};
    g_array_append_val(cell->buckets, fresh);
    return &g_array_index(cell->buckets, struct ct_profile_bucket, count);
}
