#include "passes/hangs.h"

#include "model/holders.h"

/* What a thread waits for at its end. */
struct node {
    struct ct_hang_wait wait; /* no thread: in nothing that another thread could end */
    struct node *next;        /* borrowed; the holder, if it waits, too; else NULL */
    struct ct_hang *hang;     /* borrowed; that it is one of; or NULL */
    guint walk;               /* the one that came by here first; 0: none */
};

struct search {
    struct ct_store *store;       /* borrowed */
    const struct ct_model *model; /* borrowed */
    GHashTable *nodes;            /* owned; struct ct_thread * -> struct node *, owned */
    GPtrArray *hangs;             /* owned; struct ct_hang * */
};

const char *ct_hang_kind_name(enum ct_hang_kind kind)
{
    static const char *const names[] = {
        [CT_HANG_DEADLOCK] = "deadlock",
        [CT_HANG_SELF] = "self-deadlock",
        [CT_HANG_HOLDER_GONE] = "abandoned lock",
        [CT_HANG_LOST_WAKE] = "lost wake-up",
    };

    return names[kind];
}

/* It is another thread of the process that ends such a wait, whichever. */
static gboolean is_for_wake(enum ct_op op)
{
    return op == CT_OP_COND_WAIT || op == CT_OP_SEM_WAIT || op == CT_OP_BARRIER_WAIT ||
           op == CT_OP_ONCE;
}

gboolean ct_hang_may_be(enum ct_op op)
{
    switch (op) {
    case CT_OP_MUTEX_LOCK:
    case CT_OP_RWLOCK_RDLOCK:
    case CT_OP_RWLOCK_WRLOCK:
    case CT_OP_SPIN_LOCK:
    case CT_OP_THREAD_JOIN:
        return TRUE;
    default:
        return is_for_wake(op);
    }
}

static void hang_free(void *data)
{
    struct ct_hang *hang = data;

    g_array_unref(hang->waits);
    g_free(hang);
}

/* ---- Who holds what ---- */

/* The number of the object that the interval is for; -1: it is not told of. */
static int find_object(const struct ct_store *store, const struct ct_interval *interval)
{
    for (guint i = 0; i < ct_store_object_count(store); i++) {
        const struct ct_store_object *object = ct_store_object(store, i);

        if (object->process == interval->thread->process && object->id == interval->object &&
            object->kind == ct_op_object(interval->op))
            return (int)i;
    }
    return -1;
}

/* Who got the lock, by a wait, after `since_ns`: nobody has let go of it since. */
static gboolean find_last_taker(const struct search *search, const struct ct_interval *interval,
                                uint64_t since_ns, const struct ct_thread **taker, GError **error)
{
    const struct ct_window window = {since_ns, UINT64_MAX};
    int object = find_object(search->store, interval);
    struct ct_store_event event;
    GError *failure = NULL;

    if (object < 0)
        return TRUE;
    g_autoptr(ct_store_cursor) cursor =
        ct_store_object_waits(search->store, (guint)object, &window);
    while (ct_store_cursor_next(cursor, &event, &failure)) {
        struct ct_store_event wait;
        g_autoptr(ct_store_cursor) found = ct_store_find(search->store, &event.id, &wait, &failure);

        if (failure)
            break;
        if (found && !wait.interval.is_open && wait.interval.result == 0 &&
            wait.interval.wait_end_ns >= since_ns)
            *taker = wait.interval.thread;
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static void keep_hold(void *user, const struct ct_hold *hold)
{
    *(struct ct_hold *)user = *hold;
}

/* The thread of another process that held a lock which processes share, by its number alone: none,
 * if several were there then that have it, as in containers. */
static const struct ct_thread *find_elsewhere(const struct search *search,
                                              const struct ct_interval *interval)
{
    const GPtrArray *threads = search->model->threads;
    const struct ct_thread *found = NULL;

    for (guint i = 0; i < threads->len; i++) {
        const struct ct_thread *thread = threads->pdata[i];

        if (thread->tid != ct_interval_owner(interval) ||
            thread->process == interval->thread->process ||
            thread->start_ns > interval->wait_begin_ns || thread->end_ns < interval->wait_begin_ns)
            continue;
        if (found)
            return NULL;
        found = thread;
    }
    return found;
}

static gboolean find_lock_holder(const struct search *search, const struct ct_interval *interval,
                                 const struct ct_thread **holder, GError **error)
{
    struct ct_hold last = {0};
    uint64_t released_ns = 0;

    ct_interval_visit_holds(interval, keep_hold, &last);
    *holder = last.holder;
    if (!*holder && interval->owner_tid < 0 && interval->release_count == 0)
        *holder = find_elsewhere(search, interval);
    for (size_t i = 0; i < interval->release_count; i++)
        released_ns = MAX(released_ns, interval->releases[i].time_ns);
    return *holder || released_ns == 0 ||
           find_last_taker(search, interval, released_ns, holder, error);
}

static gboolean find_holder(const struct search *search, const struct ct_interval *interval,
                            const struct ct_thread **holder, GError **error)
{
    if (is_for_wake(interval->op))
        return TRUE;
    if (interval->op != CT_OP_THREAD_JOIN)
        return find_lock_holder(search, interval, holder, error);
    *holder = g_hash_table_lookup(interval->thread->process->threads,
                                  GINT_TO_POINTER((int32_t)interval->object));
    return TRUE;
}

/* ---- What threads wait for at their ends ---- */

static gboolean add_wait(struct search *search, struct ct_interval *interval, GError **error)
{
    const struct ct_thread *holder = NULL;

    if (!find_holder(search, interval, &holder, error))
        return FALSE;
    struct node *node = g_new0(struct node, 1);

    interval->fd = NULL;
    interval->releases = NULL;
    interval->release_count = 0;
    node->wait = (struct ct_hang_wait){.interval = *interval, .holder = holder};
    g_hash_table_insert(search->nodes, interval->thread, node);
    return TRUE;
}

/* The last one to begin of those that are open in the last `span_ns`, since signal handlers wait
 * inside of others' waits. Without thread: there is none. `releases` is the caller's. */
static gboolean find_open(const struct search *search, const struct ct_thread *thread,
                          uint64_t span_ns, struct ct_interval *open, struct ct_wake **releases,
                          GError **error)
{
    const struct ct_window end = {thread->end_ns - MIN(thread->end_ns, span_ns), thread->end_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(search->store, thread, &end);
    struct ct_store_event event;
    GError *failure = NULL;

    while (ct_store_cursor_next(cursor, &event, &failure)) {
        const struct ct_interval *interval = &event.interval;

        if (!interval->is_open || interval->wait_begin_ns < open->wait_begin_ns)
            continue;
        *open = *interval;
        g_free(*releases);
        *releases = g_memdup2(interval->releases, interval->release_count * sizeof(**releases));
        open->releases = *releases;
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

/* Who is killed is runnable and runs for a moment before its end, as the kernel layer has it: the
 * piece for which it was blocked is over then. */
static gboolean add_thread(struct search *search, const struct ct_thread *thread, GError **error)
{
    static const uint64_t spans_ns[] = {1, 1000000, 1000000000};
    g_autofree struct ct_wake *releases = NULL;
    struct ct_interval last = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(spans_ns) && !last.thread && !thread->has_exited; i++) {
        if (!find_open(search, thread, spans_ns[i], &last, &releases, error))
            return FALSE;
    }
    return !last.thread || !ct_hang_may_be(last.op) || add_wait(search, &last, error);
}

static void link_nodes(const struct search *search)
{
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, search->nodes);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        struct node *node = value;

        node->next = g_hash_table_lookup(search->nodes, node->wait.holder);
    }
}

/* ---- Hangs ---- */

static struct node *node_of(const struct search *search, guint index)
{
    return g_hash_table_lookup(search->nodes, search->model->threads->pdata[index]);
}

/* Of the node, and of those that it leads to. */
static void add_hang(struct search *search, enum ct_hang_kind kind, struct node *first)
{
    struct ct_hang *hang = g_new0(struct ct_hang, 1);
    struct node *node = first;

    hang->kind = kind;
    hang->waits = g_array_new(FALSE, FALSE, sizeof(struct ct_hang_wait));
    do {
        g_array_append_val(hang->waits, node->wait);
        hang->since_ns = MAX(hang->since_ns, node->wait.interval.wait_begin_ns);
        node->hang = hang;
        node = node->next;
    } while (node && node != first);
    g_ptr_array_add(search->hangs, hang);
}

static struct node *first_to_wait(struct node *cycle)
{
    struct node *first = cycle;

    for (struct node *node = cycle->next; node != cycle; node = node->next) {
        if (node->wait.interval.wait_begin_ns < first->wait.interval.wait_begin_ns)
            first = node;
    }
    return first;
}

/* Who was killed with its process has not exited; but one of another process is gone with that. */
static gboolean is_holder_gone(const struct node *node)
{
    const struct ct_interval *interval = &node->wait.interval;
    const struct ct_thread *holder = node->wait.holder;

    return interval->op != CT_OP_THREAD_JOIN && holder &&
           (holder->has_exited || holder->process != interval->thread->process) &&
           holder->end_ns < interval->end_ns;
}

/* Each node leads to one at most: whoever comes by where this walk has been has gone in a circle.
 */
static void follow(struct search *search, struct node *node, guint walk)
{
    struct node *last = NULL;

    for (; node && node->walk == 0; node = node->next) {
        node->walk = walk;
        last = node;
    }
    if (node && node->walk == walk)
        add_hang(search, node->next == node ? CT_HANG_SELF : CT_HANG_DEADLOCK, first_to_wait(node));
    else if (!node && last && is_holder_gone(last))
        add_hang(search, CT_HANG_HOLDER_GONE, last);
}

/* ---- Processes in which nobody is left to wake others ---- */

/* Who waits for so short a time may have been woken already, and had no time to say so. */
#define STALLED_NS 200000000

/* Of one process. */
struct stall {
    GPtrArray *nodes;  /* owned; struct node *, of all who wait */
    guint alive;       /* threads at its end */
    guint wake_count;  /* of those: who wait to be woken */
    uint64_t since_ns; /* when the last of them began */
    gboolean is_known; /* one of them hangs, which is told */
};

static void stall_free(void *data)
{
    g_ptr_array_unref(((struct stall *)data)->nodes);
    g_free(data);
}

static void add_to_stall(const struct search *search, GHashTable *stalls,
                         const struct ct_thread *thread)
{
    struct stall *stall = g_hash_table_lookup(stalls, thread->process);
    struct node *node = g_hash_table_lookup(search->nodes, thread);

    if (thread->has_exited || thread->process->is_unpreloaded)
        return;
    if (!stall) {
        stall = g_new0(struct stall, 1);
        stall->nodes = g_ptr_array_new();
        g_hash_table_insert(stalls, thread->process, stall);
    }
    stall->alive++;
    if (!node)
        return;
    g_ptr_array_add(stall->nodes, node);
    stall->wake_count += is_for_wake(node->wait.interval.op);
    stall->since_ns = MAX(stall->since_ns, node->wait.interval.wait_begin_ns);
    stall->is_known |= node->hang != NULL;
}

static void add_stall(struct search *search, const struct ct_process *process,
                      const struct stall *stall)
{
    if (stall->is_known || stall->wake_count == 0 || stall->nodes->len < stall->alive ||
        process->end_ns < stall->since_ns + STALLED_NS)
        return;
    struct ct_hang *hang = g_new0(struct ct_hang, 1);

    hang->kind = CT_HANG_LOST_WAKE;
    hang->waits = g_array_new(FALSE, FALSE, sizeof(struct ct_hang_wait));
    hang->since_ns = stall->since_ns;
    hang->behind = stall->alive - stall->wake_count;
    for (guint i = 0; i < stall->nodes->len; i++) {
        struct node *node = stall->nodes->pdata[i];

        if (is_for_wake(node->wait.interval.op))
            g_array_append_val(hang->waits, node->wait);
    }
    g_ptr_array_add(search->hangs, hang);
}

static void find_stalls(struct search *search)
{
    g_autoptr(GHashTable) stalls = g_hash_table_new_full(NULL, NULL, NULL, stall_free);
    const GPtrArray *processes = search->model->processes;

    for (guint i = 0; i < search->model->threads->len; i++)
        add_to_stall(search, stalls, search->model->threads->pdata[i]);
    for (guint i = 0; i < processes->len; i++) {
        const struct stall *stall = g_hash_table_lookup(stalls, processes->pdata[i]);

        if (stall)
            add_stall(search, processes->pdata[i], stall);
    }
}

static void count_behind(const struct node *node)
{
    const struct node *at = node;

    while (at && !at->hang)
        at = at->next;
    if (at && at != node)
        at->hang->behind++;
}

static int compare_hangs(const void *a, const void *b)
{
    const struct ct_hang *first = *(struct ct_hang *const *)a;
    const struct ct_hang *second = *(struct ct_hang *const *)b;
    guint first_threads = first->waits->len + first->behind;
    guint second_threads = second->waits->len + second->behind;

    if (first_threads != second_threads)
        return first_threads < second_threads ? 1 : -1;
    return (first->since_ns > second->since_ns) - (first->since_ns < second->since_ns);
}

static void find_hangs(struct search *search)
{
    guint count = search->model->threads->len;

    for (guint i = 0; i < count; i++)
        follow(search, node_of(search, i), i + 1);
    for (guint i = 0; i < count; i++)
        count_behind(node_of(search, i));
    find_stalls(search);
    g_ptr_array_sort(search->hangs, compare_hangs);
}

GPtrArray *ct_hangs_find(struct ct_store *store, const struct ct_model *model, GError **error)
{
    g_autoptr(GHashTable) nodes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(GPtrArray) hangs = g_ptr_array_new_with_free_func(hang_free);
    struct search search = {store, model, nodes, hangs};

    for (guint i = 0; i < model->threads->len; i++) {
        if (!add_thread(&search, model->threads->pdata[i], error))
            return NULL;
    }
    link_nodes(&search);
    find_hangs(&search);
    return g_steal_pointer(&hangs);
}
