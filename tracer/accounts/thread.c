#include "thread.h"

#include "system/monotonic.h"

#include <string.h>
#include <unistd.h>

/* Who has not had a CPU waits for the same still; or is in line for one since, which only a whole
 * look tells. */
#define WHOLE_AFTER_NS UINT64_C(1000000000)

/* The file that has their number is long, and none of those of which there must be many looks. */
#define COUNT_AFTER_NS UINT64_C(1000000000)

/* A start is told in ticks. */
#define TICK_NS UINT64_C(10000000)

static void put_into_kind(struct ct_account_thread *thread, struct ct_kinds *kinds)
{
    if (thread->kind != NULL)
        thread->kind->alive--;
    thread->kind = ct_kinds_find(kinds, thread->process->name, thread->seen.name);
    thread->kind->alive++;
    thread->process_names = thread->process->names;
}

/* What a look tells beside what it waits for. */
static void take_names(struct ct_account_thread *thread, const struct ct_look *look)
{
    if (thread->seen.tid == thread->seen.pid && strcmp(look->name, thread->process->name) != 0)
        ct_account_process_rename(thread->process, look->name);
    if (strcmp(look->name, thread->seen.name) != 0) {
        g_strlcpy(thread->seen.name, look->name, sizeof(thread->seen.name));
        thread->process_names = 0;
    }
}

/* FALSE: it has ended. */
static gboolean look_at_whole(struct ct_account_thread *thread, uint64_t now_ns,
                              const struct ct_account_context *context, struct ct_look *look)
{
    const struct ct_waiter waiter = {
        .pid = thread->seen.pid,
        .abi = thread->process->abi,
        .names = context->names,
        .fds = thread->process->fds,
    };

    if (!ct_look_read(thread->seen.pid, thread->seen.tid, look) || CT_PROC_HAS_ENDED(look->state))
        return FALSE;
    take_names(thread, look);
    thread->seen.wait = ct_wait_find(&waiter, look, now_ns);
    thread->whole_ns = now_ns;
    return TRUE;
}

static void add_to_kind(struct ct_account_thread *thread, const uint64_t added[CT_CLASS_COUNT],
                        uint64_t turns)
{
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        thread->kind->ns[i] += added[i];
    thread->kind->turns += turns;
}

/* Whether there are more than at the last count. */
static gboolean count_waits(struct ct_account_thread *thread, uint64_t now_ns)
{
    uint64_t before = thread->waits;
    uint64_t waits;

    if (!ct_look_read_waits(thread->seen.pid, thread->seen.tid, &waits))
        return TRUE;
    thread->waits = MAX(waits, before);
    thread->waits_ns = now_ns;
    thread->kind->waits += thread->waits - before;
    return thread->waits > before;
}

/*
 * Of a thread that has a CPU, or is in line for one, the kernel does not tell since when. That it
 * was in a wait before is likely, unless it has not waited since it was last seen to run: then it
 * was in line, but for what it ran since the last tick.
 */
static void guess_untold(struct ct_account_thread *thread, gboolean was_on_cpu, gboolean has_waited,
                         uint64_t now_ns)
{
    gboolean is_new = thread->last_wait == CT_CLASS_RUNNING;

    if (was_on_cpu && !has_waited)
        thread->untold = ct_account_untold_ns(&thread->account, now_ns) > 2 * TICK_NS
                             ? CT_CLASS_RUNNABLE
                             : CT_CLASS_RUNNING;
    else
        thread->untold = is_new ? CT_CLASS_UNKNOWN : thread->last_wait;
}

/* After the account was brought up to date. */
static void look_at_waits(struct ct_account_thread *thread, gboolean was_on_cpu, uint64_t now_ns)
{
    gboolean is_on_cpu = thread->seen.wait.class == CT_CLASS_RUNNING;
    gboolean has_waited = TRUE;

    if (thread->whole_ns == now_ns && (is_on_cpu || now_ns - thread->waits_ns >= COUNT_AFTER_NS))
        has_waited = count_waits(thread, now_ns);
    if (is_on_cpu)
        guess_untold(thread, was_on_cpu, has_waited, now_ns);
    else
        thread->last_wait = thread->untold = thread->seen.wait.class;
}

struct ct_account_thread *ct_account_thread_new(struct ct_account_process *process, pid_t tid,
                                                const struct ct_account_context *context)
{
    struct ct_account_thread *thread = g_new0(struct ct_account_thread, 1);
    uint64_t now_ns = ct_monotonic_ns();
    struct ct_look look;

    thread->seen.pid = process->pid;
    thread->seen.tid = tid;
    thread->process = process;
    thread->fd = context->keeps_open ? ct_look_open(process->pid, tid) : -1;
    if (!ct_look_read_times(process->pid, tid, thread->fd, &thread->times) ||
        !look_at_whole(thread, now_ns, context, &look)) {
        ct_account_thread_end(thread);
        return NULL;
    }
    put_into_kind(thread, context->kinds);
    thread->seen.since_ns = thread->seen.looked_ns = now_ns;
    if (context->last_ns == 0 || look.start_ns + TICK_NS <= context->last_ns) {
        thread->account.begin_ns = now_ns;
        thread->account.at_begin = thread->times;
        /* Those before are none of ours. */
        if (ct_look_read_waits(process->pid, tid, &thread->waits))
            thread->waits_ns = now_ns;
        look_at_waits(thread, TRUE, now_ns);
        return thread;
    }
    uint64_t added[CT_CLASS_COUNT];

    thread->account.begin_ns = MIN(MAX(look.start_ns, context->last_ns), now_ns);
    ct_account_update(&thread->account, now_ns, &thread->times, thread->seen.wait.class, added);
    add_to_kind(thread, added, thread->times.turns);
    look_at_waits(thread, TRUE, now_ns);
    return thread;
}

static gboolean is_same_wait(const struct ct_wait *first, const struct ct_wait *second)
{
    return first->class == second->class && first->op == second->op &&
           first->object == second->object;
}

gboolean ct_account_thread_look(struct ct_account_thread *thread,
                                const struct ct_account_context *context)
{
    uint64_t now_ns = ct_monotonic_ns();
    const struct ct_wait before = thread->seen.wait;
    const struct ct_look_times last = thread->times;
    uint64_t added[CT_CLASS_COUNT];
    struct ct_look look;

    if (!ct_look_read_times(thread->seen.pid, thread->seen.tid, thread->fd, &thread->times))
        return FALSE;
    gboolean has_run =
        thread->times.turns != last.turns || thread->times.running_ns != last.running_ns;
    if ((has_run || before.class == CT_CLASS_RUNNING ||
         now_ns - thread->whole_ns >= WHOLE_AFTER_NS) &&
        !look_at_whole(thread, now_ns, context, &look))
        return FALSE;
    if (thread->process_names != thread->process->names)
        put_into_kind(thread, context->kinds);
    if (has_run || !is_same_wait(&before, &thread->seen.wait))
        thread->seen.since_ns = now_ns;
    thread->seen.looked_ns = now_ns;
    thread->seen.is_starved =
        !has_run && before.class == CT_CLASS_RUNNING && thread->seen.wait.class == CT_CLASS_RUNNING;
    ct_account_update(&thread->account, now_ns, &thread->times, thread->seen.wait.class, added);
    add_to_kind(thread, added, thread->times.turns - MIN(last.turns, thread->times.turns));
    look_at_waits(thread, before.class == CT_CLASS_RUNNING, now_ns);
    return TRUE;
}

gboolean ct_account_thread_end(struct ct_account_thread *thread)
{
    gboolean was_open = thread->fd >= 0;

    if (was_open)
        close(thread->fd);
    if (thread->kind != NULL) {
        thread->kind->alive--;
        thread->kind->ended++;
    }
    g_free(thread);
    return was_open;
}
