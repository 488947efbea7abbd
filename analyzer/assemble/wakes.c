#include "assemble/wakes.h"

#include "assemble/releases.h"

/* How late a wake event may come after the wait event that it explains: the waiter may take the CPU
 * from its waker, and keep it for some time slices. And how late it may turn out that what was
 * waited for is used as a lock: once the one who let it go has waited for it, too. */
#define HOLD_NS 1000000000

/* Intervals held back at most; a power of two. */
#define HELD_MAX 16384

/* Clocks of two CPUs differ by no more than this. */
#define SLACK_NS 1000

/* Objects remembered at most, over all processes. */
#define OBJECTS_MAX (1U << 16)

/* Objects that are found without a look into the table; a power of two. */
#define SLOT_COUNT 256

/* Wakes remembered at most, over all objects. */
#define WAKES_MAX (1U << 20)

/* So many wakes may have come between the one that ended a wait and the wait's end. */
#define RECENT_WAKES 4

/* Threads that have waited for an object and may be the ones to post it. */
#define RECENT_WAITERS 8

struct key {
    const struct ct_process *process;
    uint64_t object;
    enum ct_object kind;
};

struct object {
    struct key key;
    struct ct_releases wakes;
    const struct ct_thread *waiters[RECENT_WAITERS]; /* distinct; NULL: none */
    unsigned next_waiter;
    gboolean is_lock;   /* who lets go has held it */
    uint64_t held_last; /* number of its newest held interval */
    unsigned held_count;
    gboolean is_used; /* since it was made or looked at */
    GList link;       /* in `by_use` */
};

struct held {
    struct ct_interval interval;
    uint64_t seen_ns;
    struct object *object; /* borrowed; NULL: nobody wakes this kind of wait */
    uint64_t previous;     /* number of the one before it of the same object */
};

struct ct_wakes {
    const struct ct_sink *sinks; /* borrowed */
    size_t sink_count;
    GHashTable *objects;              /* owned; struct object * -> itself */
    struct object *slots[SLOT_COUNT]; /* borrowed from objects; by hash, or NULL */
    GQueue by_use;        /* links are in the objects: those made or looked at last first */
    size_t wake_capacity; /* of all objects */
    struct held *held;    /* owned; a ring, intervals are numbered in order of arrival */
    uint64_t first;
    uint64_t end;
};

static guint key_hash(const void *data)
{
    const struct key *key = data;
    uint64_t mixed = (key->object ^ (uint64_t)key->kind << 58) + ((uintptr_t)key->process >> 4);

    mixed *= UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(mixed >> 32);
}

static gboolean key_equal(const void *a, const void *b)
{
    const struct key *first = a;
    const struct key *second = b;

    return first->object == second->object && first->kind == second->kind &&
           first->process == second->process;
}

static inline struct held *held_at(struct ct_wakes *wakes, uint64_t number)
{
    return &wakes->held[number % HELD_MAX];
}

/* A later wake explains the wait better than an earlier one: the lock may have been stolen. */
static void explain(struct ct_interval *interval, const struct ct_wake *wake)
{
    if (wake->thread == interval->thread || wake->time_ns < interval->wait_begin_ns ||
        wake->time_ns > ct_add_u64(interval->wait_end_ns, SLACK_NS) || interval->is_open)
        return;
    /* What only the kernel tells has no stack, and comes after the same wake's own event. */
    if (interval->waker && interval->waker_op != CT_OP_NONE && interval->wake_ns > wake->time_ns)
        return;
    interval->waker = wake->thread;
    interval->wake_ns = wake->time_ns;
    interval->waker_stack_id = wake->stack_id;
    interval->waker_op = wake->op;
}

static void show_releases(const struct object *object, struct ct_interval *interval)
{
    const struct ct_releases *all = &object->wakes;
    size_t begin = ct_releases_until(all, interval->wait_begin_ns);
    size_t end = ct_releases_until(all, interval->wait_end_ns);

    interval->is_for_lock = TRUE;
    if (all->count == 0)
        return;
    interval->releases = all->wakes + begin;
    interval->release_count = MIN(end + 1, all->count) - begin;
}

static void hand_on_first(struct ct_wakes *wakes)
{
    struct held *held = held_at(wakes, wakes->first);

    if (held->object) {
        held->object->held_count--;
        if (held->object->is_lock)
            show_releases(held->object, &held->interval);
    }
    wakes->first++;
    for (size_t i = 0; i < wakes->sink_count; i++)
        if (wakes->sinks[i].on_interval)
            wakes->sinks[i].on_interval(wakes->sinks[i].user, &held->interval);
}

void ct_wakes_flush(struct ct_wakes *wakes)
{
    while (wakes->first < wakes->end)
        hand_on_first(wakes);
}

static struct object **slot_of(struct ct_wakes *wakes, const struct key *key)
{
    return &wakes->slots[key_hash(key) % SLOT_COUNT];
}

/* One that was not used since it was last looked at: to move each on every use takes longer. */
static struct object *find_oldest(struct ct_wakes *wakes)
{
    struct object *oldest = wakes->by_use.tail->data;

    while (oldest->is_used) {
        oldest->is_used = FALSE;
        g_queue_unlink(&wakes->by_use, &oldest->link);
        g_queue_push_head_link(&wakes->by_use, &oldest->link);
        oldest = wakes->by_use.tail->data;
    }
    return oldest;
}

static void forget_oldest(struct ct_wakes *wakes)
{
    struct object *oldest = find_oldest(wakes);
    struct object **slot = slot_of(wakes, &oldest->key);

    if (oldest->held_count > 0)
        ct_wakes_flush(wakes);
    if (*slot == oldest)
        *slot = NULL;
    wakes->wake_capacity -= oldest->wakes.capacity;
    g_queue_unlink(&wakes->by_use, &oldest->link);
    g_hash_table_remove(wakes->objects, oldest);
}

static void object_free(void *data)
{
    struct object *object = data;

    ct_releases_clear(&object->wakes);
    g_free(object);
}

/* Made if it is not known yet. */
static struct object *look_up(struct ct_wakes *wakes, const struct key *key)
{
    struct object *object = g_hash_table_lookup(wakes->objects, key);

    if (object)
        return object;
    if (wakes->by_use.length >= OBJECTS_MAX)
        forget_oldest(wakes);
    object = g_new0(struct object, 1);
    object->key = *key;
    object->is_lock = ct_object_is_lock(key->kind);
    object->link.data = object;
    g_queue_push_head_link(&wakes->by_use, &object->link);
    g_hash_table_add(wakes->objects, object);
    return object;
}

static struct object *find_object(struct ct_wakes *wakes, const struct key *key)
{
    struct object **slot = slot_of(wakes, key);

    if (!*slot || !key_equal(&(*slot)->key, key))
        *slot = look_up(wakes, key);
    (*slot)->is_used = TRUE;
    return *slot;
}

static gboolean has_waited(const struct object *object, const struct ct_thread *thread)
{
    for (unsigned i = 0; i < RECENT_WAITERS; i++)
        if (object->waiters[i] == thread)
            return TRUE;
    return FALSE;
}

static void remember_waiter(struct object *object, const struct ct_thread *thread)
{
    if (!has_waited(object, thread))
        object->waiters[object->next_waiter++ % RECENT_WAITERS] = thread;
}

/* Of some kinds, the program alone knows which it uses as locks. */
static gboolean may_be_lock(enum ct_object kind)
{
    return kind == CT_OBJECT_SEMAPHORE || kind == CT_OBJECT_COND || kind == CT_OBJECT_FUTEX;
}

static void hold_for(struct ct_wakes *wakes, struct object *object, uint64_t number)
{
    struct held *held = held_at(wakes, number);

    held->object = object;
    held->previous = object->held_last;
    object->held_last = number;
    object->held_count++;
}

void ct_wakes_add_interval(struct ct_wakes *wakes, uint64_t now_ns,
                           const struct ct_interval *interval)
{
    enum ct_object kind = ct_op_object(interval->op);

    while (wakes->first < wakes->end &&
           (wakes->end - wakes->first == HELD_MAX ||
            now_ns > ct_add_u64(held_at(wakes, wakes->first)->seen_ns, HOLD_NS)))
        hand_on_first(wakes);

    struct object *object = NULL;

    if (kind != CT_OBJECT_NONE && kind != CT_OBJECT_PROCESS && kind != CT_OBJECT_MAPPING) {
        uint64_t id = kind == CT_OBJECT_FD_SET ? (uint64_t)interval->thread->tid : interval->object;
        struct key key = {interval->thread->process, id, kind};

        object = find_object(wakes, &key); /* may hand everything on */
    }
    uint64_t number = wakes->end++;
    struct held *held = held_at(wakes, number);

    held->interval = *interval;
    held->seen_ns = now_ns;
    held->object = NULL;
    if (!object)
        return;
    hold_for(wakes, object, number);
    remember_waiter(object, interval->thread);
    size_t end = ct_releases_until(&object->wakes, ct_add_u64(interval->wait_end_ns, SLACK_NS));

    for (size_t i = 1; i <= MIN(end, RECENT_WAKES); i++)
        explain(&held->interval, &object->wakes.wakes[end - i]);
}

void ct_wakes_add_wake(struct ct_wakes *wakes, enum ct_object kind, uint64_t object,
                       const struct ct_wake *wake)
{
    struct key key = {wake->thread->process, object, kind};
    struct object *found = find_object(wakes, &key);
    uint64_t number = found->held_last;
    size_t capacity = found->wakes.capacity;

    ct_releases_add(&found->wakes, wake);
    wakes->wake_capacity += found->wakes.capacity - capacity;
    if (may_be_lock(kind) && has_waited(found, wake->thread))
        found->is_lock = TRUE;
    for (unsigned i = 0; i < found->held_count; i++) {
        struct held *held = held_at(wakes, number);

        /* It was over before, and so were all that came before it. */
        if (ct_add_u64(held->seen_ns, SLACK_NS) < wake->time_ns)
            break;
        explain(&held->interval, wake);
        number = held->previous;
    }
    while (wakes->wake_capacity > WAKES_MAX)
        forget_oldest(wakes);
}

struct ct_wakes *ct_wakes_new(const struct ct_sink *sinks, size_t sink_count)
{
    struct ct_wakes *wakes = g_new0(struct ct_wakes, 1);

    wakes->sinks = sinks;
    wakes->sink_count = sink_count;
    wakes->objects = g_hash_table_new_full(key_hash, key_equal, object_free, NULL);
    g_queue_init(&wakes->by_use);
    wakes->held = g_new(struct held, HELD_MAX);
    return wakes;
}

void ct_wakes_free(struct ct_wakes *wakes)
{
    g_hash_table_unref(wakes->objects);
    g_free(wakes->held);
    g_free(wakes);
}
