#include "passes/inversions.h"

#include "passes/hangs.h"

/* As many are found in one process, and of so many locks; more would not be read. */
#define INVERSIONS_MAX 64
#define STEPS_MAX      6

struct search {
    const struct ct_process *process; /* borrowed, as the next */
    const GPtrArray *hangs;
    GPtrArray *orders;   /* owned; const struct ct_lock_order *, by when they were */
    GHashTable *by_held; /* owned; the lock that is held -> GPtrArray of them, owned */
    GHashTable *told;    /* owned; what was found, as texts, as a set */
    GPtrArray *found;    /* owned by the caller */
};

static const struct ct_lock_order *step_at(const GPtrArray *steps, guint index)
{
    return steps->pdata[index];
}

/* Who waits with a time limit goes on. */
static gboolean is_for_ever(enum ct_op op)
{
    return op == CT_OP_MUTEX_LOCK || op == CT_OP_RWLOCK_RDLOCK || op == CT_OP_RWLOCK_WRLOCK ||
           op == CT_OP_SPIN_LOCK;
}

/* ---- What does not count ---- */

/* Does it hold that lock, too, in this very wait? */
static gboolean holds(const struct search *search, const struct ct_lock_order *step, uint64_t lock)
{
    const GPtrArray *others = g_hash_table_lookup(search->by_held, &lock);

    for (guint i = 0; others && i < others->len; i++) {
        const struct ct_lock_order *other = others->pdata[i];

        if (other->object == step->object && other->stack_id == step->stack_id &&
            other->op == step->op)
            return TRUE;
    }
    return FALSE;
}

/* All of them hold one more lock: never two at once. */
static gboolean is_guarded(const struct search *search, const GPtrArray *steps)
{
    for (guint i = 0; i < search->orders->len; i++) {
        const struct ct_lock_order *lock_order = search->orders->pdata[i];
        gboolean is_by_all = lock_order->held != step_at(steps, 0)->held;

        for (guint k = 0; k < steps->len && is_by_all; k++)
            is_by_all = lock_order->held != step_at(steps, k)->held &&
                        holds(search, step_at(steps, k), lock_order->held);
        if (is_by_all)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_wait_for(const struct search *search, const struct ct_hang *hang, uint64_t lock)
{
    for (guint i = 0; i < hang->waits->len; i++) {
        const struct ct_interval *wait =
            &g_array_index(hang->waits, struct ct_hang_wait, i).interval;

        if (wait->object == lock && wait->thread->process->pid == search->process->pid)
            return TRUE;
    }
    return FALSE;
}

/* It has struck. */
static gboolean is_hang(const struct search *search, const GPtrArray *steps)
{
    for (guint i = 0; search->hangs && i < search->hangs->len; i++) {
        gboolean is_same = TRUE;

        for (guint k = 0; k < steps->len && is_same; k++)
            is_same = has_wait_for(search, search->hangs->pdata[i], step_at(steps, k)->object);
        if (is_same)
            return TRUE;
    }
    return FALSE;
}

/* ---- Circles ---- */

/* The same whichever of its steps comes first. */
static char *describe(const GPtrArray *steps)
{
    GString *text = g_string_new(NULL);
    guint first = 0;

    for (guint i = 1; i < steps->len; i++) {
        if (step_at(steps, i)->held < step_at(steps, first)->held)
            first = i;
    }
    for (guint i = 0; i < steps->len; i++)
        g_string_append_printf(text, "%" G_GINT64_MODIFIER "x ",
                               step_at(steps, (first + i) % steps->len)->held);
    return g_string_free(text, FALSE);
}

static void add_circle(struct search *search, GPtrArray *steps)
{
    if (is_guarded(search, steps) || is_hang(search, steps) ||
        !g_hash_table_add(search->told, describe(steps)))
        return;
    struct ct_inversion *inversion = g_new0(struct ct_inversion, 1);

    inversion->process = search->process;
    inversion->steps = g_ptr_array_ref(steps);
    g_ptr_array_add(search->found, inversion);
}

/* The way by which a lock was come to: the step before it, or NULL at the beginning. */
struct way {
    const struct ct_lock_order *step;
    const struct way *before;
    guint length;
};

static void follow_way(struct search *search, const struct way *end)
{
    g_autoptr(GPtrArray) steps = g_ptr_array_new();

    for (const struct way *way = end; way; way = way->before)
        g_ptr_array_insert(steps, 0, (void *)way->step);
    add_circle(search, steps);
}

/* The shortest way on from what this one waits for to what it holds. */
static void find_circle(struct search *search, const struct ct_lock_order *first)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_autoptr(GPtrArray) ways = g_ptr_array_new_with_free_func(g_free);
    struct way *begin = g_new0(struct way, 1);

    *begin = (struct way){first, NULL, 1};
    g_ptr_array_add(ways, begin);
    g_hash_table_add(seen, (void *)&first->object);
    for (guint i = 0; i < ways->len; i++) {
        const struct way *way = ways->pdata[i];
        const GPtrArray *next = g_hash_table_lookup(search->by_held, &way->step->object);

        if (way->step->object == first->held) {
            follow_way(search, way);
            return;
        }
        for (guint k = 0; next && k < next->len && way->length < STEPS_MAX; k++) {
            const struct ct_lock_order *step = next->pdata[k];

            if (!g_hash_table_add(seen, (void *)&step->object))
                continue;
            struct way *further = g_new0(struct way, 1);

            *further = (struct way){step, way, way->length + 1};
            g_ptr_array_add(ways, further);
        }
    }
}

static void find_in_process(struct search *search)
{
    for (guint i = 0; i < search->orders->len; i++) {
        const struct ct_lock_order *lock_order = search->orders->pdata[i];
        GPtrArray *list = g_hash_table_lookup(search->by_held, &lock_order->held);

        if (!is_for_ever(lock_order->op) || lock_order->held == lock_order->object)
            continue;
        if (!list) {
            list = g_ptr_array_new();
            g_hash_table_insert(search->by_held, (void *)&lock_order->held, list);
        }
        g_ptr_array_add(list, (void *)lock_order);
    }
    for (guint i = 0; i < search->orders->len && search->found->len < INVERSIONS_MAX; i++) {
        const struct ct_lock_order *lock_order = search->orders->pdata[i];

        if (is_for_ever(lock_order->op) && lock_order->held != lock_order->object)
            find_circle(search, lock_order);
    }
}

static void inversion_free(void *data)
{
    g_ptr_array_unref(((struct ct_inversion *)data)->steps);
    g_free(data);
}

static int compare(const void *a, const void *b)
{
    const struct ct_inversion *first = *(struct ct_inversion *const *)a;
    const struct ct_inversion *second = *(struct ct_inversion *const *)b;
    uint64_t first_ns = step_at(first->steps, 0)->time_ns;
    uint64_t second_ns = step_at(second->steps, 0)->time_ns;

    if (first->steps->len != second->steps->len)
        return first->steps->len < second->steps->len ? -1 : 1;
    return (first_ns > second_ns) - (first_ns < second_ns);
}

GPtrArray *ct_inversions_find(const struct ct_model *model, const GPtrArray *hangs)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(inversion_free);

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];
        g_autoptr(GPtrArray) orders = ct_process_lock_orders(process);
        g_autoptr(GHashTable) by_held = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                                              (GDestroyNotify)g_ptr_array_unref);
        g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        struct search search = {process, hangs, orders, by_held, told, found};

        find_in_process(&search);
    }
    g_ptr_array_sort(found, compare);
    return found;
}
