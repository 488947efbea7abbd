/*
 * Events out: into the thread's ring, where the recorder finds them. A full ring loses the event,
 * which is counted, never time; but with record --lossless the thread waits for room, as long as
 * the recorder takes events. The caller has its thread marked as busy, and keeps errno.
 */
#ifndef CTRACE_PRELOAD_CORE_EMIT_H
#define CTRACE_PRELOAD_CORE_EMIT_H

#include "self.h"

/* `ticks` is the event's time. A thread that has no slot writes nothing. */
#define CT_EMIT_DECLARE(symbol, name, channel) \
    void ct_emit_##name(struct ct_self *self, uint64_t ticks, const struct ct_event_##name *event);
CT_PROGRAM_EVENTS(CT_EMIT_DECLARE)
#undef CT_EMIT_DECLARE

/* A new slot's ring has memory for its first events: so many bytes. */
#define CT_RING_BACKED_AT_FIRST 4096

/* Sees to memory for what every thread needs of a slot; FALSE if there is none. */
bool ct_slot_back(const struct ct_board_slot *slot);

/* The thread begins, and writes to a ring of this slot, which is its own. */
void ct_ring_begin_thread(struct ct_self *self, struct ct_board_slot *slot);

/* The recorder's doorbell is rung when there is much in a ring. Most processes never ring it: until
 * it is needed it is not mapped, unless it was handed to us; NULL. */
void ct_emit_init(struct ct_doorbell *mapped, struct ct_doorbell *(*map)(void));

/* Maps it before it may be out of reach. */
void ct_emit_reach_doorbell(void);

/* This image has no board, since the recorder has not run for long. Once ct_emit_init() was. */
void ct_emit_note_deserted(void);

#endif
