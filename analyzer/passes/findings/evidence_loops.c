#include "passes/findings/evidence_loops.h"

#include <string.h>

#define LOOPS_MAX (1U << 14)

static gboolean is_for_events(const struct ct_interval *interval)
{
    return interval->class != CT_CLASS_SLEEP &&
           (interval->op == CT_OP_EPOLL_WAIT || interval->op == CT_OP_POLL ||
            interval->op == CT_OP_SELECT);
}

static struct ct_evidence_loop *add_loop(struct ct_evidence *evidence,
                                         const struct ct_interval *interval)
{
    struct ct_evidence_loop *loop = NULL;

    if (evidence->loops->len >= LOOPS_MAX)
        return NULL;
    loop = g_new0(struct ct_evidence_loop, 1);
    loop->thread = interval->thread;
    loop->op = interval->op;
    g_ptr_array_add(evidence->loops, loop);
    g_hash_table_insert(evidence->loop_of, interval->thread, loop);
    return loop;
}

static void end_turn(struct ct_evidence_loop *loop, uint64_t end_ns)
{
    uint64_t turn_ns = loop->since_ns > 0 && loop->since_ns < end_ns ? end_ns - loop->since_ns : 0;

    if (turn_ns < CT_LONG_TURN_NS)
        return;
    loop->turn_count++;
    loop->turn_ns += turn_ns;
    if (turn_ns > loop->longest_turn_ns)
        loop->longest_turn = (struct ct_window){loop->since_ns, end_ns};
    loop->longest_turn_ns = MAX(loop->longest_turn_ns, turn_ns);
    ct_window_stretch(&loop->turns, loop->since_ns, end_ns);
    loop->wait_ns += loop->turn_wait_ns;
}

/* A wait in pieces comes back as often: it is the same time then. */
static void add_event_wait(struct ct_evidence_loop *loop, const struct ct_interval *interval,
                           const struct ct_window *window)
{
    if (interval->wait_begin_ns >= loop->since_ns) {
        loop->event_waits++;
        end_turn(loop, MIN(interval->wait_begin_ns, window->end_ns));
    }
    loop->since_ns = MAX(interval->wait_end_ns, window->begin_ns);
    loop->turn_wait_ns = 0;
}

static void add_other_wait(struct ct_evidence_loop *loop, const struct ct_interval *interval)
{
    uint64_t begin_ns = MAX(interval->begin_ns, loop->since_ns);
    uint64_t time_ns = begin_ns < interval->end_ns ? interval->end_ns - begin_ns : 0;

    loop->turn_wait_ns += time_ns;
    if (time_ns >= CT_LONG_TURN_NS) {
        loop->long_count++;
        loop->long_ns += time_ns;
        ct_window_stretch(&loop->long_waits, begin_ns, interval->end_ns);
    }
    if (time_ns <= loop->longest_wait_ns)
        return;
    loop->longest_wait_ns = time_ns;
    loop->longest_wait = (struct ct_window){begin_ns, interval->end_ns};
    loop->longest_op = interval->op;
    loop->longest_stack_id = interval->stack_id;
}

static struct ct_evidence_loop_slot *find_slot(struct ct_evidence *evidence,
                                               const struct ct_thread *thread)
{
    size_t hash = (uintptr_t)thread >> 4 ^ (uintptr_t)thread >> 10;
    struct ct_evidence_loop_slot *slot = &evidence->loop_slots[hash % CT_EVIDENCE_LOOP_SLOTS];

    if (slot->thread != thread) {
        slot->thread = thread;
        slot->loop = g_hash_table_lookup(evidence->loop_of, thread);
    }
    return slot;
}

void ct_evidence_add_to_loop(struct ct_evidence *evidence, const struct ct_interval *interval,
                             const struct ct_window *window)
{
    gboolean is_for_more = is_for_events(interval);
    struct ct_evidence_loop_slot *slot = find_slot(evidence, interval->thread);

    if (!slot->loop && is_for_more)
        slot->loop = add_loop(evidence, interval);
    struct ct_evidence_loop *loop = slot->loop;

    if (!loop)
        return;
    if (is_for_more)
        add_event_wait(loop, interval, window);
    else
        add_other_wait(loop, interval);
}
