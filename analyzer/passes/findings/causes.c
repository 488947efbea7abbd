#include "passes/findings/causes.h"

#include "passes/findings/known_locks.h"
#include "symbols/stack_text.h"

#include <string.h>

/* A thread that sleeps so often, and for so short a time, looks again and again for something. */
#define POLLING_COUNT   10
#define POLLING_MEAN_NS 100e6

struct ct_causes {
    const struct ct_findings_input *input;
    GHashTable *lives;    /* owned; struct ct_thread * -> const struct ct_life * */
    GHashTable *children; /* owned; parent's pid -> struct ct_causes_children *, owned */
    GHashTable *known;    /* owned; const struct ct_evidence_wait * -> enum ct_cause + 1 */
    GHashTable *servers;  /* owned; texts of sockets' own ends that others connected to, as a set */
};

/* ---- Sockets ---- */

static const char *port_in(const char *address)
{
    const char *colon = address ? strrchr(address, ':') : NULL;

    return colon ? colon + 1 : address;
}

/* Ports are the same, where addresses may be those of all interfaces. */
static void add_server(struct ct_causes *causes, const char *local)
{
    g_hash_table_add(causes->servers, (void *)port_in(local));
}

/* Who has several connections at one number did not open them. */
static void find_servers(struct ct_causes *causes)
{
    const GPtrArray *waits = causes->input->evidence->waits;
    g_autoptr(GHashTable) peers = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < waits->len; i++) {
        const struct ct_evidence_wait *wait = waits->pdata[i];

        if (!wait->local || ct_fd_kind_class(wait->fd_kind) != CT_CLASS_NET)
            continue;
        if (wait->op == CT_OP_ACCEPT) {
            add_server(causes, wait->local);
            continue;
        }
        const char *other = g_hash_table_lookup(peers, wait->local);

        if (wait->peer && !other)
            g_hash_table_insert(peers, (void *)wait->local, (void *)wait->peer);
        else if (wait->peer && other != wait->peer)
            add_server(causes, wait->local);
    }
}

/* Nobody can say then who began. */
static gboolean is_anonymous(const struct ct_evidence_wait *wait)
{
    return !wait->peer && (!wait->local || wait->fd_kind == CT_FD_KIND_SOCKET_OTHER);
}

static gboolean is_server(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    return !wait->peer ||
           (wait->local && g_hash_table_contains(causes->servers, port_in(wait->local)));
}

/* ---- Who was waited for ---- */

gboolean ct_causes_has(const struct ct_causes *causes, const struct ct_thread *thread)
{
    return g_hash_table_contains(causes->lives, thread);
}

void ct_causes_add_life(const struct ct_causes *causes, const struct ct_thread *thread,
                        struct ct_causes_life *sum)
{
    const struct ct_life *life = g_hash_table_lookup(causes->lives, thread);

    if (!life)
        return;
    sum->alive_ns += (double)(life->alive.end_ns - life->alive.begin_ns);
    sum->able_ns += (double)life->class_ns[CT_CLASS_RUNNING];
    sum->able_ns += (double)life->class_ns[CT_CLASS_RUNNABLE];
}

struct ct_causes_life ct_causes_sum_lives(const struct ct_causes *causes, const GPtrArray *threads)
{
    struct ct_causes_life sum = {0};

    for (guint i = 0; i < threads->len; i++)
        ct_causes_add_life(causes, threads->pdata[i], &sum);
    return sum;
}

double ct_causes_busy_share(const struct ct_causes *causes, const GPtrArray *threads)
{
    const struct ct_causes_life life = ct_causes_sum_lives(causes, threads);

    return life.alive_ns > 0 ? life.able_ns / life.alive_ns : 0;
}

static gboolean is_busy(const struct ct_causes *causes, const struct ct_thread *thread)
{
    struct ct_causes_life life = {0};

    ct_causes_add_life(causes, thread, &life);
    return life.alive_ns > 0 && life.able_ns * 2 >= life.alive_ns;
}

const struct ct_causes_children *ct_causes_children(const struct ct_causes *causes,
                                                    const struct ct_process *process)
{
    return g_hash_table_lookup(causes->children, GINT_TO_POINTER(process->pid));
}

/* ---- The rule ---- */

static enum ct_cause of_thread(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    if (!wait->waker || wait->waker == wait->thread)
        return CT_CAUSE_IDLE;
    return is_busy(causes, wait->waker) ? CT_CAUSE_SLOW_THREAD : CT_CAUSE_OTHERS;
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

static enum ct_cause of_socket(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    if (wait->op == CT_OP_CONNECT || is_writing(wait->op))
        return CT_CAUSE_PEER;
    if (is_anonymous(wait))
        return of_thread(causes, wait);
    return is_server(causes, wait) ? CT_CAUSE_IDLE : CT_CAUSE_PEER;
}

static enum ct_cause of_descriptor(const struct ct_causes *causes,
                                   const struct ct_evidence_wait *wait)
{
    switch (wait->fd_kind) {
    case CT_FD_KIND_FILE:
    case CT_FD_KIND_DIRECTORY:
        return CT_CAUSE_FILE;
    case CT_FD_KIND_SOCKET_INET:
    case CT_FD_KIND_SOCKET_UNIX:
    case CT_FD_KIND_SOCKET_OTHER:
        return of_socket(causes, wait);
    case CT_FD_KIND_PIPE:
        return is_writing(wait->op) && !wait->waker ? CT_CAUSE_PEER : of_thread(causes, wait);
    case CT_FD_KIND_EVENTFD:
    case CT_FD_KIND_MQUEUE:
        return of_thread(causes, wait);
    default:
        return CT_CAUSE_IDLE;
    }
}

/* Of several descriptors that were waited for, one that it had asked something of ended it; or what
 * else wakes a thread. All others bring work. */
static enum ct_cause of_set(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    if (wait->fd_role == CT_FD_ROLE_AWAITED)
        return CT_CAUSE_PEER;
    return wait->is_ended_by_fd && wait->class == CT_CLASS_SYNC ? of_thread(causes, wait)
                                                                : CT_CAUSE_IDLE;
}

static enum ct_cause of_child(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    const struct ct_causes_children *children = ct_causes_children(causes, wait->thread->process);

    return !children || children->life.able_ns * 2 >= children->life.alive_ns ? CT_CAUSE_CHILD
                                                                              : CT_CAUSE_OTHERS;
}

static enum ct_cause of_sleep(const struct ct_evidence_wait *wait)
{
    return wait->count >= POLLING_COUNT && wait->total_ns <= wait->count * POLLING_MEAN_NS
               ? CT_CAUSE_POLLING
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
    {CT_OP_RECLAIM, CT_CAUSE_OTHERS},       {CT_OP_THROTTLED, CT_CAUSE_OTHERS},
    {CT_OP_EXITING, CT_CAUSE_OTHERS},       {CT_OP_CONNECT, CT_CAUSE_PEER},
};

static enum ct_cause look(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    if (ct_known_lock(causes->input, wait))
        return CT_CAUSE_LOCK;
    for (size_t i = 0; i < G_N_ELEMENTS(by_operation); i++) {
        if (by_operation[i].op == wait->op)
            return by_operation[i].cause;
    }
    if (wait->op == CT_OP_NANOSLEEP ||
        (wait->class == CT_CLASS_SLEEP && (wait->op == CT_OP_POLL || wait->op == CT_OP_SELECT)))
        return of_sleep(wait);
    if (wait->op == CT_OP_WAITPID || wait->op == CT_OP_SYSTEM || wait->op == CT_OP_PCLOSE)
        return of_child(causes, wait);
    if (wait->op == CT_OP_BARRIER_WAIT && wait->waker && wait->waker != wait->thread)
        return CT_CAUSE_BARRIER;
    if (wait->is_for_lock || ct_object_is_lock(ct_op_object(wait->op)))
        return CT_CAUSE_LOCK;
    if (ct_op_is_of_set(wait->op))
        return of_set(causes, wait);
    if (ct_op_object(wait->op) == CT_OBJECT_FD)
        return of_descriptor(causes, wait);
    return wait->class == CT_CLASS_SYNC ? of_thread(causes, wait) : CT_CAUSE_IDLE;
}

/* A runtime parks threads for which it has no work by what programs wait for each other by. */
static enum ct_cause find_cause(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    enum ct_cause cause = look(causes, wait);

    if ((cause == CT_CAUSE_SLOW_THREAD || cause == CT_CAUSE_LOCK) &&
        ct_stack_idleness(causes->input->symbolizer, wait->thread->process, wait->stack_id))
        return CT_CAUSE_IDLE;
    return cause;
}

enum ct_cause ct_cause_of(const struct ct_causes *causes, const struct ct_evidence_wait *wait)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(causes->known, wait));

    if (known == 0) {
        known = (guint)find_cause(causes, wait) + 1;
        g_hash_table_insert(causes->known, (void *)wait, GUINT_TO_POINTER(known));
    }
    return (enum ct_cause)(known - 1);
}

/* ---- What it takes ---- */

static void list_lives(struct ct_causes *causes)
{
    const GArray *lives = causes->input->lives;

    for (guint i = 0; i < lives->len; i++) {
        const struct ct_life *life = &g_array_index(lives, struct ct_life, i);

        g_hash_table_insert(causes->lives, (void *)life->thread, (void *)life);
    }
}

static void list_children(struct ct_causes *causes)
{
    const GPtrArray *processes = causes->input->model->processes;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL); /* pids */

    for (guint i = 0; i < processes->len; i++) {
        const struct ct_process *process = processes->pdata[i];
        void *parent = GINT_TO_POINTER(process->ppid);
        struct ct_causes_children *children = g_hash_table_lookup(causes->children, parent);

        if (!children) {
            children = g_new0(struct ct_causes_children, 1);
            g_hash_table_insert(causes->children, parent, children);
        }
        children->count += g_hash_table_add(seen, GINT_TO_POINTER(process->pid));
        if (!children->last || process->start_ns >= children->last->start_ns)
            children->last = process;
    }
}

static void add_lives_of_children(struct ct_causes *causes)
{
    const GArray *lives = causes->input->lives;

    for (guint i = 0; i < lives->len; i++) {
        const struct ct_life *life = &g_array_index(lives, struct ct_life, i);
        struct ct_causes_children *children =
            g_hash_table_lookup(causes->children, GINT_TO_POINTER(life->thread->process->ppid));

        if (children)
            ct_causes_add_life(causes, life->thread, &children->life);
    }
}

struct ct_causes *ct_causes_new(const struct ct_findings_input *input)
{
    struct ct_causes *causes = g_new0(struct ct_causes, 1);

    causes->input = input;
    causes->lives = g_hash_table_new(NULL, NULL);
    causes->children = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    causes->known = g_hash_table_new(NULL, NULL);
    causes->servers = g_hash_table_new(g_str_hash, g_str_equal);
    list_lives(causes);
    list_children(causes);
    add_lives_of_children(causes);
    find_servers(causes);
    return causes;
}

void ct_causes_free(struct ct_causes *causes)
{
    if (!causes)
        return;
    g_hash_table_unref(causes->lives);
    g_hash_table_unref(causes->children);
    g_hash_table_unref(causes->known);
    g_hash_table_unref(causes->servers);
    g_free(causes);
}
