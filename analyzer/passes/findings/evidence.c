#include "passes/findings/evidence.h"

#include "model/fact_finder.h"
#include "model/holders.h"
#include "passes/findings/evidence_loops.h"

#include <string.h>

/* What is beyond these is left out: findings are about what is frequent, and that comes early. */
#define WAITS_MAX (1U << 16)
#define HOLDS_MAX (1U << 16)
#define TEXTS_MAX (1U << 16)

/* Who waits again so soon has found nothing to do. */
#define AT_ONCE_NS 20000

static guint mix(uint64_t value)
{
    return (guint)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static guint wait_hash(const void *data)
{
    const struct ct_evidence_wait *wait = data;

    return mix(((uintptr_t)wait->thread >> 4) + ((uintptr_t)wait->waker << 20) + wait->object +
               ((uint64_t)wait->stack_id << 16) + ((uint64_t)wait->op << 8) + wait->class +
               ((uintptr_t)wait->local << 7) + ((uintptr_t)wait->peer << 13) +
               ((uintptr_t)wait->ended_by << 3));
}

static gboolean wait_equal(const void *a, const void *b)
{
    const struct ct_evidence_wait *first = a;
    const struct ct_evidence_wait *second = b;

    return first->thread == second->thread && first->waker == second->waker &&
           first->op == second->op && first->class == second->class &&
           first->stack_id == second->stack_id && first->object == second->object &&
           first->fd_kind == second->fd_kind && first->local == second->local &&
           first->peer == second->peer && first->is_for_lock == second->is_for_lock &&
           first->fd_role == second->fd_role && first->is_ended_by_fd == second->is_ended_by_fd &&
           first->ended_by == second->ended_by;
}

static guint hold_hash(const void *data)
{
    const struct ct_evidence_hold *hold = data;

    return mix(((uintptr_t)hold->process >> 4) + ((uintptr_t)hold->holder << 20) + hold->object +
               ((uint64_t)hold->holder_tid << 8) + hold->kind);
}

static gboolean hold_equal(const void *a, const void *b)
{
    const struct ct_evidence_hold *first = a;
    const struct ct_evidence_hold *second = b;

    return first->process == second->process && first->holder == second->holder &&
           first->kind == second->kind && first->object == second->object &&
           first->holder_tid == second->holder_tid;
}

/* ---- Waking many ---- */

/* A thread's last wait for a condition that a broadcast ended. */
struct sleeper {
    const struct ct_thread *thread; /* borrowed, as is the next */
    struct ct_evidence_wait *wait;  /* in which it counts; NULL: in none any more */
    uint64_t object;
    uint64_t woken_ns;
    uint64_t end_ns;
    double weight;
};

static guint sleeper_hash(const void *data)
{
    const struct sleeper *sleeper = data;

    return mix(((uintptr_t)sleeper->thread >> 4) + (sleeper->object << 20));
}

static gboolean sleeper_equal(const void *a, const void *b)
{
    const struct sleeper *first = a, *second = b;

    return first->thread == second->thread && first->object == second->object;
}

/* It waits once more. */
static void count_broadcast(const struct sleeper *sleeper, uint64_t again_ns)
{
    struct ct_evidence_wait *wait = sleeper->wait;

    wait->broadcast_count += sleeper->weight;
    if (again_ns > sleeper->end_ns + AT_ONCE_NS)
        return;
    wait->vain_count += sleeper->weight;
    wait->vain_ns += sleeper->weight * (double)(again_ns - sleeper->woken_ns);
}

static void look_for_broadcast(struct ct_evidence *evidence, const struct ct_interval *interval,
                               struct ct_evidence_wait *wait)
{
    gboolean is_broadcast =
        interval->waker && interval->waker_op == CT_OP_COND_BROADCAST && interval->wake_ns > 0;
    const struct sleeper key = {.thread = interval->thread, .object = interval->object};
    struct sleeper *sleeper = g_hash_table_lookup(evidence->sleepers, &key);

    if (sleeper && sleeper->wait && interval->wait_begin_ns >= sleeper->end_ns)
        count_broadcast(sleeper, interval->wait_begin_ns);
    if (!sleeper && is_broadcast && g_hash_table_size(evidence->sleepers) < WAITS_MAX) {
        sleeper = g_memdup2(&key, sizeof(key));
        g_hash_table_add(evidence->sleepers, sleeper);
    }
    if (!sleeper)
        return;
    sleeper->wait = is_broadcast ? wait : NULL;
    sleeper->woken_ns = MIN(interval->wake_ns, interval->wait_end_ns);
    sleeper->end_ns = interval->wait_end_ns;
    sleeper->weight = interval->weight;
}

/* ---- Descriptors ---- */

/* NULL where there is none, or no room. */
static const char *keep_text(struct ct_evidence *evidence, const char *text)
{
    if (!text || !text[0])
        return NULL;
    char *kept = g_hash_table_lookup(evidence->texts, text);

    if (!kept && g_hash_table_size(evidence->texts) < TEXTS_MAX) {
        kept = g_strdup(text);
        g_hash_table_add(evidence->texts, kept);
    }
    return kept;
}

static void set_target(struct ct_evidence *evidence, struct ct_evidence_wait *wait,
                       const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;
    enum ct_object kind = ct_op_object(interval->op);

    if (kind != CT_OBJECT_FD && kind != CT_OBJECT_NONE && kind != CT_OBJECT_MAPPING)
        wait->object = interval->object;
    if (!fd)
        return;
    wait->fd_kind = fd->kind;
    wait->fd_role = interval->fd_role;
    wait->is_ended_by_fd = interval->is_ended_by_fd;
    wait->ended_by = keep_text(evidence, ct_interval_ended_by(interval));
    const char *local, *peer;

    ct_fd_find_ends(fd, interval->fd_role, &local, &peer);
    wait->local = keep_text(evidence, local);
    wait->peer = keep_text(evidence, peer);
}

/* ---- Sums ---- */

/* A power of two. */
#define SLOT_COUNT 256

/* The last wait with this hash, as its interval said it: its key is made of that. */
struct ct_evidence_slot {
    struct ct_evidence_wait *wait; /* borrowed; NULL: none */
    uint64_t object;
    gboolean has_fd;
    GString *local; /* owned, as is the next; or NULL: none yet */
    GString *peer;
};

static gboolean is_text(const GString *kept, const char *text)
{
    return strcmp(kept->str, text ? text : "") == 0;
}

static gboolean is_in_slot(const struct ct_evidence_slot *slot, const struct ct_interval *interval)
{
    const struct ct_evidence_wait *wait = slot->wait;
    const struct ct_fd *fd = interval->fd;

    if (!wait || wait->thread != interval->thread || wait->stack_id != interval->stack_id ||
        wait->op != interval->op || slot->object != interval->object ||
        wait->waker != interval->waker || wait->class != interval->class ||
        wait->is_for_lock != interval->is_for_lock || slot->has_fd != (fd != NULL))
        return FALSE;
    return !fd || (wait->fd_kind == fd->kind && wait->fd_role == interval->fd_role &&
                   wait->is_ended_by_fd == interval->is_ended_by_fd &&
                   is_text(slot->local, fd->local) && is_text(slot->peer, fd->peer));
}

static void fill_slot(struct ct_evidence_slot *slot, struct ct_evidence_wait *wait,
                      const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;

    if (!slot->local) {
        slot->local = g_string_new(NULL);
        slot->peer = g_string_new(NULL);
    }
    slot->wait = wait;
    slot->object = interval->object;
    slot->has_fd = fd != NULL;
    g_string_assign(slot->local, fd && fd->local ? fd->local : "");
    g_string_assign(slot->peer, fd && fd->peer ? fd->peer : "");
}

/* Made if it is not known yet; NULL if there is no room. */
static struct ct_evidence_wait *look_up(struct ct_evidence *evidence,
                                        const struct ct_interval *interval)
{
    struct ct_evidence_wait key = {
        .thread = interval->thread,
        .waker = interval->waker,
        .op = interval->op,
        .class = interval->class,
        .stack_id = interval->stack_id,
        .is_for_lock = interval->is_for_lock,
    };

    set_target(evidence, &key, interval);
    struct ct_evidence_wait *wait = g_hash_table_lookup(evidence->wait_of, &key);

    if (wait || evidence->waits->len >= WAITS_MAX)
        return wait;
    wait = g_memdup2(&key, sizeof(key));
    g_ptr_array_add(evidence->waits, wait);
    g_hash_table_add(evidence->wait_of, wait);
    return wait;
}

static struct ct_evidence_wait *find_wait(struct ct_evidence *evidence,
                                          const struct ct_interval *interval)
{
    guint hash = mix(((uintptr_t)interval->thread >> 4) + ((uintptr_t)interval->waker << 20) +
                     interval->object + ((uint64_t)interval->stack_id << 16) +
                     ((uint64_t)interval->op << 8));
    struct ct_evidence_slot *slot = &evidence->slots[hash % SLOT_COUNT];
    struct ct_evidence_wait *wait;

    if (is_in_slot(slot, interval))
        return slot->wait;
    wait = look_up(evidence, interval);
    if (wait)
        fill_slot(slot, wait, interval);
    return wait;
}

static struct ct_evidence_wait *add_wait(struct ct_evidence *evidence,
                                         const struct ct_interval *interval,
                                         const struct ct_window *window)
{
    uint64_t begin_ns = MAX(interval->begin_ns, window->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, window->end_ns);
    struct ct_evidence_wait *wait = find_wait(evidence, interval);

    if (!wait)
        return NULL;
    if (ct_interval_is_counted(interval, window->begin_ns))
        wait->count += interval->weight;
    wait->total_ns += interval->weight * (double)(end_ns - begin_ns);
    if (evidence->cpu_use)
        wait->used_ns += interval->weight * ct_cpu_use_between(evidence->cpu_use, begin_ns, end_ns);
    if (wait->last_begin_ns != interval->wait_begin_ns)
        wait->last_ns = 0;
    if (wait->last_ns == 0)
        wait->last_from_ns = begin_ns;
    wait->last_begin_ns = interval->wait_begin_ns;
    wait->last_ns += end_ns - begin_ns;
    if (wait->last_ns > wait->longest_ns) {
        wait->longest_ns = wait->last_ns;
        wait->longest = (struct ct_window){wait->last_from_ns, end_ns};
    }
    ct_window_stretch(&wait->when, begin_ns, end_ns);
    if (ct_op_object(interval->op) == CT_OBJECT_COND)
        look_for_broadcast(evidence, interval, wait);
    return wait;
}

struct visit {
    struct ct_evidence *evidence;
    const struct ct_interval *interval;
    const struct ct_window *window;
};

static void add_hold(void *user, const struct ct_hold *hold)
{
    const struct visit *visit = user;
    struct ct_evidence *evidence = visit->evidence;
    const struct ct_interval *interval = visit->interval;
    uint64_t begin_ns = MAX(hold->begin_ns, visit->window->begin_ns);
    uint64_t end_ns = MIN(hold->end_ns, visit->window->end_ns);
    const struct ct_evidence_hold key = {
        .process = interval->thread->process,
        .holder = hold->holder,
        .holder_tid = hold->holder || hold->since_ns > 0 ? 0 : ct_interval_owner(interval),
        .kind = ct_op_object(interval->op),
        .object = interval->object,
    };

    if (begin_ns >= end_ns || hold->is_released || evidence->holds->len >= HOLDS_MAX ||
        g_hash_table_contains(evidence->hold_of, &key))
        return;
    struct ct_evidence_hold *kept = g_memdup2(&key, sizeof(key));

    g_ptr_array_add(evidence->holds, kept);
    g_hash_table_add(evidence->hold_of, kept);
}

const struct ct_evidence_wait *ct_evidence_add(struct ct_evidence *evidence,
                                               const struct ct_interval *interval,
                                               const struct ct_window *window)
{
    uint64_t begin_ns = MAX(interval->begin_ns, window->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, window->end_ns);

    /* What is in no call is in the sums of its thread. */
    if (begin_ns >= end_ns || interval->class == CT_CLASS_RUNNABLE || interval->is_outside)
        return NULL;
    const struct ct_evidence_wait *wait = add_wait(evidence, interval, window);

    ct_evidence_add_to_loop(evidence, interval, window);
    if (!interval->is_for_lock)
        return wait;
    /* Who has the noted number is asked later: threads come and go while a recording is read. */
    struct ct_interval told = *interval;
    struct visit visit = {evidence, interval, window};

    told.owner_tid = 0;
    ct_interval_visit_holds(&told, add_hold, &visit);
    return wait;
}

struct ct_wait_traits ct_evidence_traits(const struct ct_evidence_wait *wait)
{
    return (struct ct_wait_traits){
        .thread = wait->thread,
        .waker = wait->waker,
        .op = wait->op,
        .class = wait->class,
        .stack_id = wait->stack_id,
        .is_for_lock = wait->is_for_lock,
        .object = wait->object,
        .fd_role = wait->fd_role,
        .is_ended_by_fd = wait->is_ended_by_fd,
        .fd_kind = wait->fd_kind,
        .local = wait->local,
        .peer = wait->peer,
    };
}

struct ct_evidence *ct_evidence_new(void)
{
    struct ct_evidence *evidence = g_new0(struct ct_evidence, 1);

    evidence->waits = g_ptr_array_new_with_free_func(g_free);
    evidence->holds = g_ptr_array_new_with_free_func(g_free);
    evidence->loops = g_ptr_array_new_with_free_func(g_free);
    evidence->loop_of = g_hash_table_new(NULL, NULL);
    evidence->wait_of = g_hash_table_new(wait_hash, wait_equal);
    evidence->hold_of = g_hash_table_new(hold_hash, hold_equal);
    evidence->sleepers = g_hash_table_new_full(sleeper_hash, sleeper_equal, g_free, NULL);
    evidence->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    evidence->slots = g_new0(struct ct_evidence_slot, SLOT_COUNT);
    return evidence;
}

static void free_slots(struct ct_evidence_slot *slots)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (!slots[i].local)
            continue;
        g_string_free(slots[i].local, TRUE);
        g_string_free(slots[i].peer, TRUE);
    }
    g_free(slots);
}

void ct_evidence_free(struct ct_evidence *evidence)
{
    if (!evidence)
        return;
    g_hash_table_unref(evidence->wait_of);
    g_hash_table_unref(evidence->hold_of);
    g_hash_table_unref(evidence->sleepers);
    g_hash_table_unref(evidence->texts);
    free_slots(evidence->slots);
    g_hash_table_unref(evidence->loop_of);
    g_ptr_array_unref(evidence->loops);
    g_ptr_array_unref(evidence->waits);
    g_ptr_array_unref(evidence->holds);
    g_free(evidence);
}
