#include "assemble/turns.h"

#include "assemble/thread_state.h"

/* The thread that had the number then; NULL: not known. */
static struct ct_thread *thread_at(const struct ct_process *process, int32_t tid, uint64_t time_ns)
{
    struct ct_thread *thread = g_hash_table_lookup(process->threads, GINT_TO_POINTER(tid));

    return thread && thread->start_ns <= time_ns ? thread : NULL;
}

void ct_turns_add(const struct ct_trackers *trackers, const struct ct_record *record)
{
    const struct ct_event_turn *event = &record->as.turn;
    uint64_t end_ns = record->time_ns - MIN(event->lag_ns, record->time_ns);
    uint64_t begin_ns = end_ns - MIN(event->duration_ns, end_ns);

    if (event->kind >= CT_TURN_KIND_COUNT || event->outcome >= CT_TURN_OUTCOME_COUNT ||
        end_ns <= ct_extent_dropped_ns(trackers->extent))
        return;
    struct ct_thread_state *thread = ct_lives_live_thread(trackers->lives, record, end_ns);

    if (!thread)
        return;
    const struct ct_process *process = thread->thread.process;
    const struct ct_turn turn = {
        .thread = &thread->thread,
        .begin_thread = thread_at(process, event->begin_tid, begin_ns),
        .begin_ns = begin_ns,
        .last_ns = begin_ns + MIN(event->spread_ns, end_ns - begin_ns),
        .end_ns = end_ns,
        .weight = (double)MAX(event->stands_for, CT_TURN_WHOLE) / CT_TURN_WHOLE,
        .kind = (enum ct_turn_kind)event->kind,
        .outcome = (enum ct_turn_outcome)event->outcome,
        .lead_ns = MIN(event->lead_ns, begin_ns),
        .lead_round = event->lead_round,
        .begin_round = event->begin_round,
        .end_round = event->end_round,
        .fd_number = event->fd,
        .fd = ct_descriptors_find(process, event->fd),
    };

    ct_output_add_turn(trackers->output, &turn);
}

void ct_turns_tell_ended(const struct ct_process *process, struct ct_interval *interval)
{
    uint64_t object = interval->object;

    if (!ct_op_is_of_set(interval->op))
        return;
    interval->object = ct_set_object_of(object);
    if (ct_set_object_fd(object) < 0)
        return;
    interval->fd = ct_descriptors_find(process, ct_set_object_fd(object));
    interval->is_ended_by_fd = interval->fd != NULL;
    interval->fd_role = interval->fd ? ct_set_object_role(object) : CT_FD_ROLE_UNKNOWN;
}
