#include "passes/idle.h"

#include "model/fact_finder.h"
#include "passes/known_locks.h"
#include "symbols/stack_text.h"

/* A thread that sleeps so often, and for so short a time, looks again and again for something. */
#define POLLING_COUNT   10
#define POLLING_MEAN_NS 100e6

/* A thread that waits so often for whatever comes of several descriptors serves them. */
#define SERVING_COUNT 10

struct ct_idle {
    const struct ct_model *model;     /* borrowed, as is the next */
    struct ct_symbolizer *symbolizer; /* that knows of runtimes that park their threads */
    GHashTable *children; /* owned; parent's pid -> struct ct_idle_children *, owned; NULL: not yet
                             asked */
    GHashTable *places;   /* owned; struct place *, owned, as a set: those that are known */
};

/* What the stack of a wait says of it, and the condition that it was for. */
struct place {
    const struct ct_process *process; /* borrowed */
    uint64_t cond;                    /* 0: for none that is a lock */
    uint32_t stack_id;
    gboolean is_known_lock;
    gboolean is_parked_known; /* whether a runtime has parked who waits there */
    gboolean is_parked;
};

static guint place_hash(const void *data)
{
    const struct place *place = data;
    uint64_t mixed =
        ((uint64_t)place->stack_id << 24) + ((uintptr_t)place->process >> 4) + place->cond;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean place_equal(const void *a, const void *b)
{
    const struct place *first = a, *second = b;

    return first->process == second->process && first->cond == second->cond &&
           first->stack_id == second->stack_id;
}

static struct place *find_place(struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    gboolean is_cond = wait->is_for_lock && ct_op_object(wait->op) == CT_OBJECT_COND;
    const struct place key = {.process = wait->thread->process,
                              .cond = is_cond ? wait->object : 0,
                              .stack_id = wait->stack_id};
    struct place *place = g_hash_table_lookup(idle->places, &key);

    if (!place) {
        place = g_memdup2(&key, sizeof(key));
        place->is_known_lock = ct_known_lock(idle->symbolizer, wait) != NULL;
        g_hash_table_add(idle->places, place);
    }
    return place;
}

/* ---- Who was waited for ---- */

static double alive_ns(const struct ct_thread *thread)
{
    return (double)(thread->end_ns - thread->start_ns);
}

static double able_ns(const struct ct_thread *thread)
{
    return (double)thread->class_ns[CT_CLASS_RUNNING] + (double)thread->class_ns[CT_CLASS_RUNNABLE];
}

static gboolean is_busy(const struct ct_thread *thread)
{
    return able_ns(thread) * 2 >= alive_ns(thread);
}

/* It waited for work itself, as far as its calls alone tell. */
static gboolean is_jobless(const struct ct_idle *idle, const struct ct_thread *thread)
{
    return ct_wait_facts_unasked(idle->model->facts, thread->number).ns * 2 >= alive_ns(thread);
}

/* ---- Children ---- */

static struct ct_idle_children *children_of(GHashTable *by_parent, int32_t parent)
{
    struct ct_idle_children *children = g_hash_table_lookup(by_parent, GINT_TO_POINTER(parent));

    if (!children) {
        children = g_new0(struct ct_idle_children, 1);
        g_hash_table_insert(by_parent, GINT_TO_POINTER(parent), children);
    }
    return children;
}

static GHashTable *list_children(const struct ct_model *model)
{
    GHashTable *by_parent = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL); /* pids */

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];
        struct ct_idle_children *children = children_of(by_parent, process->ppid);

        children->count += g_hash_table_add(seen, GINT_TO_POINTER(process->pid));
        if (!children->last || process->start_ns >= children->last->start_ns)
            children->last = process;
    }
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = model->threads->pdata[i];
        struct ct_idle_children *children = children_of(by_parent, thread->process->ppid);

        children->alive_ns += alive_ns(thread);
        children->able_ns += able_ns(thread);
    }
    return by_parent;
}

const struct ct_idle_children *ct_idle_children(struct ct_idle *idle,
                                                const struct ct_process *process)
{
    if (!idle->children)
        idle->children = list_children(idle->model);
    return g_hash_table_lookup(idle->children, GINT_TO_POINTER(process->pid));
}

/* ---- The rule ---- */

static enum ct_cause of_thread(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    if (!wait->waker || wait->waker == wait->thread)
        return CT_CAUSE_IDLE;
    if (is_busy(wait->waker))
        return CT_CAUSE_SLOW_THREAD;
    return is_jobless(idle, wait->waker) ? CT_CAUSE_IDLE : CT_CAUSE_OTHERS;
}

static gboolean is_writing(enum ct_op op)
{
    switch (op) {
    case CT_OP_WRITE:
    case CT_OP_WRITEV:
    case CT_OP_PWRITE:
    case CT_OP_PWRITEV:
    case CT_OP_SEND:
    case CT_OP_SENDTO:
    case CT_OP_SENDMSG:
    case CT_OP_SENDMMSG:
    case CT_OP_SENDFILE:
    case CT_OP_FWRITE:
    case CT_OP_FPUTS:
    case CT_OP_FPUTC:
    case CT_OP_FPRINTF:
    case CT_OP_FFLUSH:
    case CT_OP_FCLOSE:
        return TRUE;
    default:
        return FALSE;
    }
}

/* Nobody can say then who began. */
static gboolean is_anonymous(const struct ct_wait_traits *wait)
{
    return !wait->peer && (!wait->local || wait->fd_kind == CT_FD_KIND_SOCKET_OTHER);
}

static gboolean is_server(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    return !wait->peer || (wait->local && ct_wait_facts_is_server(idle->model->facts, wait->local));
}

static enum ct_cause of_socket(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    if (wait->op == CT_OP_CONNECT || is_writing(wait->op))
        return CT_CAUSE_PEER;
    if (is_anonymous(wait))
        return of_thread(idle, wait);
    return is_server(idle, wait) ? CT_CAUSE_IDLE : CT_CAUSE_PEER;
}

static enum ct_cause of_descriptor(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    switch (wait->fd_kind) {
    case CT_FD_KIND_FILE:
    case CT_FD_KIND_DIRECTORY:
        return CT_CAUSE_FILE;
    case CT_FD_KIND_SOCKET_INET:
    case CT_FD_KIND_SOCKET_UNIX:
    case CT_FD_KIND_SOCKET_OTHER:
        return of_socket(idle, wait);
    case CT_FD_KIND_PIPE:
        return is_writing(wait->op) && !wait->waker ? CT_CAUSE_PEER : of_thread(idle, wait);
    case CT_FD_KIND_EVENTFD:
    case CT_FD_KIND_MQUEUE:
        return of_thread(idle, wait);
    default:
        return CT_CAUSE_IDLE;
    }
}

/* Of several descriptors that were waited for, one that it had asked something of ended it; or what
 * else wakes a thread. All others bring work. */
static enum ct_cause of_set(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    if (wait->fd_role == CT_FD_ROLE_AWAITED)
        return CT_CAUSE_PEER;
    return wait->is_ended_by_fd && wait->class == CT_CLASS_SYNC ? of_thread(idle, wait)
                                                                : CT_CAUSE_IDLE;
}

static enum ct_cause of_child(struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    const struct ct_idle_children *children = ct_idle_children(idle, wait->thread->process);

    return !children || children->able_ns * 2 >= children->alive_ns ? CT_CAUSE_CHILD
                                                                    : CT_CAUSE_OTHERS;
}

static enum ct_cause of_sleep(const struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    const struct ct_wait_sleeps *sleeps =
        ct_wait_facts_sleeps(idle->model->facts, wait->thread->number, wait->op, wait->stack_id);

    if (sleeps && sleeps->count >= POLLING_COUNT &&
        sleeps->total_ns <= sleeps->count * POLLING_MEAN_NS)
        return CT_CAUSE_POLLING;
    return ct_wait_facts_unasked(idle->model->facts, wait->thread->number).events >= SERVING_COUNT
               ? CT_CAUSE_AWAY
               : CT_CAUSE_IDLE;
}

/* Operations that are the same for whatever they are on. */
static const struct {
    enum ct_op op;
    enum ct_cause cause;
} by_operation[] = {
    {CT_OP_ACCEPT, CT_CAUSE_IDLE},          {CT_OP_GETADDRINFO, CT_CAUSE_PEER},
    {CT_OP_GETNAMEINFO, CT_CAUSE_PEER},     {CT_OP_GETHOSTBYNAME, CT_CAUSE_PEER},
    {CT_OP_GETHOSTBYADDR, CT_CAUSE_PEER},   {CT_OP_FLOCK, CT_CAUSE_LOCK},
    {CT_OP_FCNTL_LOCK, CT_CAUSE_LOCK},      {CT_OP_THREAD_JOIN, CT_CAUSE_OTHERS},
    {CT_OP_ONCE, CT_CAUSE_OTHERS},          {CT_OP_OPEN, CT_CAUSE_FILE},
    {CT_OP_FSYNC, CT_CAUSE_FILE},           {CT_OP_FDATASYNC, CT_CAUSE_FILE},
    {CT_OP_SYNC_FILE_RANGE, CT_CAUSE_FILE}, {CT_OP_COPY_FILE_RANGE, CT_CAUSE_FILE},
    {CT_OP_SYNCFS, CT_CAUSE_FILE},          {CT_OP_SYNC, CT_CAUSE_FILE},
    {CT_OP_MSYNC, CT_CAUSE_FILE},           {CT_OP_FALLOCATE, CT_CAUSE_FILE},
    {CT_OP_FTRUNCATE, CT_CAUSE_FILE},       {CT_OP_UNLINK, CT_CAUSE_FILE},
    {CT_OP_RENAME, CT_CAUSE_FILE},          {CT_OP_MAJOR_FAULT, CT_CAUSE_FILE},
    {CT_OP_PAGE_FAULT, CT_CAUSE_OTHERS},    {CT_OP_STOPPED, CT_CAUSE_OTHERS},
    {CT_OP_TRACED, CT_CAUSE_OTHERS},        {CT_OP_SWAP_IN, CT_CAUSE_OTHERS},
    {CT_OP_RECLAIM, CT_CAUSE_OTHERS},       {CT_OP_THROTTLED, CT_CAUSE_QUOTA},
    {CT_OP_EXITING, CT_CAUSE_OTHERS},       {CT_OP_CONNECT, CT_CAUSE_PEER},
};

static enum ct_cause look(struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    for (size_t i = 0; i < G_N_ELEMENTS(by_operation); i++) {
        if (by_operation[i].op == wait->op)
            return by_operation[i].cause;
    }
    if (ct_op_is_sleep(wait->op, wait->class))
        return of_sleep(idle, wait);
    if (wait->op == CT_OP_WAITPID || wait->op == CT_OP_SYSTEM || wait->op == CT_OP_PCLOSE)
        return of_child(idle, wait);
    if (wait->op == CT_OP_BARRIER_WAIT && wait->waker && wait->waker != wait->thread)
        return CT_CAUSE_BARRIER;
    if (wait->is_for_lock || ct_object_is_lock(ct_op_object(wait->op)))
        return CT_CAUSE_LOCK;
    if (ct_op_is_of_set(wait->op))
        return of_set(idle, wait);
    if (ct_op_object(wait->op) == CT_OBJECT_FD)
        return of_descriptor(idle, wait);
    return wait->class == CT_CLASS_SYNC ? of_thread(idle, wait) : CT_CAUSE_IDLE;
}

/* A runtime parks threads for which it has no work by what programs wait for each other by. */
static gboolean is_parked(const struct ct_idle *idle, struct place *place)
{
    if (!place->is_parked_known)
        place->is_parked =
            ct_stack_idleness(idle->symbolizer, place->process, place->stack_id) != NULL;
    place->is_parked_known = TRUE;
    return place->is_parked;
}

enum ct_cause ct_idle_cause(struct ct_idle *idle, const struct ct_wait_traits *wait)
{
    struct place *place = find_place(idle, wait);
    enum ct_cause cause = place->is_known_lock ? CT_CAUSE_LOCK : look(idle, wait);

    if ((cause == CT_CAUSE_SLOW_THREAD || cause == CT_CAUSE_LOCK || cause == CT_CAUSE_OTHERS) &&
        is_parked(idle, place))
        return CT_CAUSE_IDLE;
    return cause;
}

gboolean ct_idle_has(struct ct_idle *idle, const struct ct_interval *interval)
{
    if (interval->class == CT_CLASS_RUNNABLE || interval->is_outside)
        return FALSE;
    const struct ct_wait_traits traits = ct_wait_traits_of(interval);

    return ct_idle_cause(idle, &traits) == CT_CAUSE_IDLE;
}

struct ct_idle *ct_idle_new(const struct ct_model *model, struct ct_symbolizer *symbolizer)
{
    struct ct_idle *idle = g_new0(struct ct_idle, 1);

    idle->model = model;
    idle->symbolizer = symbolizer;
    idle->places = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    return idle;
}

void ct_idle_free(struct ct_idle *idle)
{
    if (!idle)
        return;
    g_clear_pointer(&idle->children, g_hash_table_unref);
    g_hash_table_unref(idle->places);
    g_free(idle);
}
