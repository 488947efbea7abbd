#include "emit.h"

#include "raw.h"
#include "ring.h"
#include "schema/packed_event.h"

#include <limits.h>
#include <linux/futex.h>

/* Memory is put behind a ring in steps of this. */
#define BACKING_STEP 16384

/* From here on it is begun anew when it is empty. */
#define START_AGAIN 8192

static struct ct_doorbell *doorbell;
static bool is_doorbell_writable;

void ct_emit_init(struct ct_doorbell *mapped, bool is_writable)
{
    doorbell = mapped;
    is_doorbell_writable = is_writable;
}

static bool back_up_to(struct ct_board_ring *ring, uint64_t end)
{
    while (ring->backed < end) {
        uint64_t step = CT_RING_SIZE - ring->backed;
        if (step > BACKING_STEP)
            step = BACKING_STEP;
        if (!ct_memory_back(ring->bytes + ring->backed, step))
            return false;
        ring->backed += step;
    }
    return true;
}

/* A record that is being written. */
struct place {
    struct ct_board_ring *ring;
    struct ct_ring_record *record; /* NULL: there is no room */
    uint64_t next;                 /* the ring's head once it is written */
};

static struct place begin_record(struct ct_self *self, enum ct_event event, size_t packed_size,
                                 uint64_t ticks)
{
    struct place place = {.ring = self->ring};
    size_t size = sizeof(struct ct_ring_record) + ct_packed_align(packed_size);

    if (self->slot == NULL)
        return place;
    struct ct_board_ring *ring = self->ring;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head == tail && (head & CT_RING_POSITION_MASK) >= START_AGAIN)
        head = (head | CT_RING_POSITION_MASK) + 1;
    uint64_t position = head & CT_RING_POSITION_MASK;
    uint64_t at = position % CT_RING_SIZE;
    uint64_t left = CT_RING_SIZE - at;
    uint64_t skipped = left < size ? left : 0;
    if (skipped > 0)
        at = 0;
    if (size > CT_RING_RECORD_MAX ||
        position + skipped + size - ct_ring_begin(head, tail) > CT_RING_SIZE ||
        (__builtin_expect(ring->backed < at + size, 0) && !back_up_to(ring, at + size))) {
        atomic_fetch_add(&ct_board->events_lost, 1);
        return place;
    }
    if (skipped >= sizeof(struct ct_ring_record)) {
        struct ct_ring_record *rest = (void *)(ring->bytes + CT_RING_SIZE - skipped);
        *rest = (struct ct_ring_record){.event = CT_EVENT_COUNT};
    }
    place.record = (void *)(ring->bytes + at);
    *place.record = (struct ct_ring_record){
        .ticks = ticks, .tid = self->slot->tid, .size = (uint16_t)size, .event = (uint8_t)event};
    place.next = head + skipped + size;
    return place;
}

static void ring_doorbell(void)
{
    if (is_doorbell_writable)
        atomic_fetch_add(&doorbell->rung, 1);
    if (atomic_load(&doorbell->is_awaited))
        ct_syscall(SYS_futex, &doorbell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void end_record(const struct place *place)
{
    struct ct_board_ring *ring = place->ring;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t used = (place->next & CT_RING_POSITION_MASK) - ct_ring_begin(place->next, tail);

    atomic_store_explicit(&ring->head, place->next, memory_order_release);
    if (__builtin_expect(
            used >= CT_RING_CALL_SIZE && used - place->record->size < CT_RING_CALL_SIZE, 0))
        ring_doorbell();
}

#define CT_EMIT(symbol, name, channel)                                                             \
    void ct_emit_##name(struct ct_self *self, uint64_t ticks, const struct ct_event_##name *event) \
    {                                                                                              \
        struct place place =                                                                       \
            begin_record(self, CT_EVENT_ID_##symbol, ct_packed_size_##name(event), ticks);         \
        if (place.record == NULL)                                                                  \
            return;                                                                                \
        ct_pack_##name(event, (uint8_t *)(place.record + 1));                                      \
        end_record(&place);                                                                        \
    }
CT_PROGRAM_EVENTS(CT_EMIT)
