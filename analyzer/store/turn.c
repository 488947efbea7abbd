/* Turns of connections as records of a store, and back. */
#include "store/bytes.h"
#include "store/lanes.h"
#include "store/turn_record.h"

#include <math.h>

void ct_turn_record_set(const struct ct_turn *turn, struct ct_store_record *record,
                        struct ct_attribute *attribute)
{
    uint64_t *numbers = attribute->numbers;

    record->begin_ns = turn->begin_ns;
    record->end_ns = turn->end_ns;
    record->loose[CT_TURN_SPREAD] = turn->last_ns - turn->begin_ns;
    numbers[CT_TURN_KIND] = (uint64_t)turn->kind;
    numbers[CT_TURN_OUTCOME] = (uint64_t)turn->outcome;
    numbers[CT_TURN_BEGIN_THREAD] = turn->begin_thread ? turn->begin_thread->number + 1 : 0;
    record->loose[CT_TURN_WEIGHT] = (uint64_t)llround((turn->weight - 1) * CT_TURN_WHOLE);
    record->loose[CT_TURN_LEAD] = turn->lead_ns;
    record->loose[CT_TURN_LEAD_ROUND] = turn->lead_round;
    record->loose[CT_TURN_BEGIN_ROUND] = turn->begin_round;
    record->loose[CT_TURN_END_ROUND] = turn->end_round;
    numbers[CT_TURN_FD] = ct_zigzag((uint64_t)(int64_t)turn->fd_number);
    if (!turn->fd)
        return;
    numbers[CT_TURN_HAS_FD] = 1;
    numbers[CT_TURN_FD_KIND] = (uint64_t)turn->fd->kind;
    attribute->strings[CT_TURN_LOCAL] = turn->fd->local;
    attribute->strings[CT_TURN_PEER] = turn->fd->peer;
}

static gboolean set_fd(const struct ct_attribute *attribute, struct ct_turn *turn, struct ct_fd *fd)
{
    const uint64_t *numbers = attribute->numbers;

    if (numbers[CT_TURN_HAS_FD] == 0)
        return TRUE;
    if (numbers[CT_TURN_FD_KIND] >= CT_FD_KIND_COUNT || !attribute->strings[CT_TURN_LOCAL] ||
        !attribute->strings[CT_TURN_PEER])
        return FALSE;
    *fd = (struct ct_fd){
        .fd = turn->fd_number,
        .kind = (enum ct_fd_kind)numbers[CT_TURN_FD_KIND],
        .local = (char *)attribute->strings[CT_TURN_LOCAL],
        .peer = (char *)attribute->strings[CT_TURN_PEER],
    };
    turn->fd = fd;
    return TRUE;
}

gboolean ct_store_make_turn(struct ct_store *store, struct ct_thread *thread,
                            const struct ct_store_record *record, struct ct_turn *turn,
                            struct ct_fd *fd)
{
    const uint64_t *numbers = record->attribute->numbers;
    uint64_t spread_ns = record->loose[CT_TURN_SPREAD];

    if (numbers[CT_TURN_KIND] >= CT_TURN_KIND_COUNT ||
        numbers[CT_TURN_OUTCOME] >= CT_TURN_OUTCOME_COUNT || record->begin_ns > record->end_ns ||
        spread_ns > record->end_ns - record->begin_ns ||
        record->loose[CT_TURN_WEIGHT] > UINT32_MAX ||
        record->loose[CT_TURN_LEAD] > record->begin_ns)
        return FALSE;
    *turn = (struct ct_turn){
        .thread = thread,
        .begin_ns = record->begin_ns,
        .last_ns = record->begin_ns + spread_ns,
        .end_ns = record->end_ns,
        .weight = 1 + (double)record->loose[CT_TURN_WEIGHT] / CT_TURN_WHOLE,
        .kind = (enum ct_turn_kind)numbers[CT_TURN_KIND],
        .outcome = (enum ct_turn_outcome)numbers[CT_TURN_OUTCOME],
        .lead_ns = record->loose[CT_TURN_LEAD],
        .lead_round = (uint32_t)record->loose[CT_TURN_LEAD_ROUND],
        .begin_round = (uint32_t)record->loose[CT_TURN_BEGIN_ROUND],
        .end_round = (uint32_t)record->loose[CT_TURN_END_ROUND],
        .fd_number = (int32_t)(int64_t)ct_unzigzag(numbers[CT_TURN_FD]),
    };
    if (numbers[CT_TURN_BEGIN_THREAD] > 0) {
        turn->begin_thread = ct_store_thread(store, numbers[CT_TURN_BEGIN_THREAD] - 1);
        if (!turn->begin_thread)
            return FALSE;
    }
    return set_fd(record->attribute, turn, fd);
}
