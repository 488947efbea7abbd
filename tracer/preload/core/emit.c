#include "emit.h"

#include "clock.h"
#include "raw.h"
#include "schema/packed_event.h"
#include "tables.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

/* Memory is put behind a ring in steps of this. */
#define BACKING_STEP 16384

/* From here on it is begun anew when it is empty. */
#define START_AGAIN 8192

static _Atomic(struct ct_doorbell *) doorbell; /* NULL: not mapped */
static struct ct_doorbell *(*map_doorbell)(void);

void ct_emit_init(struct ct_doorbell *mapped, struct ct_doorbell *(*map)(void))
{
    atomic_store(&doorbell, mapped);
    map_doorbell = map;
}

/* NULL: it is out of reach. */
static struct ct_doorbell *find_doorbell(void)
{
    struct ct_doorbell *found = atomic_load(&doorbell);

    if (found != NULL || map_doorbell == NULL)
        return found;
    struct ct_doorbell *mapped = map_doorbell();
    if (mapped == NULL || atomic_compare_exchange_strong(&doorbell, &found, mapped))
        return mapped;
    munmap(mapped, sizeof(*mapped)); /* another thread was faster */
    return found;
}

void ct_emit_reach_doorbell(void)
{
    int saved_errno = errno;

    find_doorbell();
    errno = saved_errno;
}

static bool back_up_to(const struct ct_self *self, uint64_t end)
{
    struct ct_board_ring *ring = self->ring;

    while (ring->backed < end) {
        uint64_t step = self->ring_size - ring->backed;
        if (step > BACKING_STEP)
            step = BACKING_STEP;
        if (!ct_memory_back(ct_ring_bytes(ring) + ring->backed, step))
            return false;
        ring->backed += step;
    }
    return true;
}

/* ---- Which ring. ---- */

/* In large_ring of a slot: there is none to be had. */
#define NO_LARGE_RING UINT32_MAX

static void use_ring(struct ct_self *self, struct ct_board_ring *ring, uint32_t size)
{
    self->ring = ring;
    self->ring_size = size;
    if (ring->backed == 0)
        ring->backed = CT_RING_BACKED_AT_FIRST - sizeof(*ring);
}

bool ct_slot_back(const struct ct_board_slot *slot)
{
    return ct_memory_back(slot, CT_BOARD_ALIGNMENT) &&
           ct_memory_back(slot->small_ring, CT_RING_BACKED_AT_FIRST);
}

void ct_ring_begin_thread(struct ct_self *self, struct ct_board_slot *slot)
{
    struct ct_board_ring *large = NULL;

    if (slot->large_ring != 0 && slot->large_ring != NO_LARGE_RING)
        large = ct_table_find(CT_TABLE_RINGS, slot->large_ring - 1);
    if (large != NULL)
        use_ring(self, large, CT_RING_LARGE_SIZE);
    else
        use_ring(self, ct_slot_ring(slot), CT_RING_SMALL_SIZE);
}

/* The small one is full: what the thread writes from now on goes to a large one. */
static bool take_large_ring(struct ct_self *self)
{
    struct ct_board_slot *slot = ct_slot_at(self->slot_index);

    if (slot == NULL || slot->large_ring != 0)
        return false;
    slot->large_ring = NO_LARGE_RING;
    uint32_t index = atomic_fetch_add(&ct_board->ring_count, 1);
    struct ct_board_ring *ring =
        index < CT_BOARD_MAX_RINGS ? ct_table_get(CT_TABLE_RINGS, index) : NULL;
    if (ring == NULL || !ct_memory_back(ring, CT_RING_BACKED_AT_FIRST))
        return false;
    slot->large_ring = index + 1;
    use_ring(self, ring, CT_RING_LARGE_SIZE);
    return true;
}

/* ---- Records. ---- */

/* A record that is being written. */
struct place {
    struct ct_board_ring *ring;
    struct ct_ring_record *record; /* NULL: there is no room */
    uint64_t next;                 /* the ring's head once it is written */
};

/* A place for so many bytes in the thread's ring. */
static struct place find_place(const struct ct_self *self, size_t size)
{
    struct ct_board_ring *ring = self->ring;
    struct place place = {.ring = ring};
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head == tail && (head & CT_RING_POSITION_MASK) >= START_AGAIN)
        head = (head | CT_RING_POSITION_MASK) + 1;
    uint64_t position = head & CT_RING_POSITION_MASK;
    uint64_t at = position % self->ring_size;
    uint64_t left = self->ring_size - at;
    uint64_t skipped = left < size ? left : 0;
    if (skipped > 0)
        at = 0;
    if (position + skipped + size - ct_ring_begin(head, tail) > self->ring_size ||
        (__builtin_expect(ring->backed < at + size, 0) && !back_up_to(self, at + size)))
        return place;
    if (skipped >= sizeof(struct ct_ring_record)) {
        struct ct_ring_record *rest = (void *)(ct_ring_bytes(ring) + self->ring_size - skipped);
        *rest = (struct ct_ring_record){.event = CT_EVENT_COUNT};
    }
    place.record = (void *)(ct_ring_bytes(ring) + at);
    place.next = head + skipped + size;
    return place;
}

/* Out of reach, the recorder comes by itself, if later. */
static void ring_doorbell(void)
{
    struct ct_doorbell *bell = find_doorbell();

    if (bell == NULL)
        return;
    atomic_fetch_add(&bell->rung, 1);
    if (atomic_load(&bell->is_awaited))
        ct_syscall(SYS_futex, &bell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* ---- Where there is none: record --lossless. ---- */

/* How long a thread waits before it looks again: more and more. */
#define PAUSE_MIN_NS 50000
#define PAUSE_MAX_NS 2000000

/* A recorder that has taken nothing for so long is stopped or dead, or has nowhere to write to. */
#define SILENCE_NS UINT64_C(2000000000)

/* Its progress when it fell silent; 0: it has not. Nobody waits for it until it goes on. */
static _Atomic uint64_t silent_at;

/* By a call that ring_doorbell makes, too: a filter of the program's may know no others. */
static void pause_for(long duration_ns)
{
    static const uint32_t nobody_wakes = 0;
    const struct timespec duration = {.tv_nsec = duration_ns};

    ct_syscall(SYS_futex, &nobody_wakes, FUTEX_WAIT_PRIVATE, 0, &duration, NULL, 0);
}

/* NULL: the recorder takes no events. */
static struct place wait_for_place(const struct ct_self *self, size_t size)
{
    struct place place = {.record = NULL};
    long pause_ns = PAUSE_MIN_NS;
    uint64_t progress = atomic_load(&ct_control->progress);
    uint64_t progress_ns = ct_now_ns();

    while (place.record == NULL && atomic_load(&ct_control->is_recording) &&
           progress != atomic_load(&silent_at)) {
        ring_doorbell();
        pause_for(pause_ns);
        pause_ns = pause_ns < PAUSE_MAX_NS / 2 ? 2 * pause_ns : PAUSE_MAX_NS;
        place = find_place(self, size);
        uint64_t now_ns = ct_now_ns();
        if (progress != atomic_load(&ct_control->progress)) {
            progress = atomic_load(&ct_control->progress);
            progress_ns = now_ns;
        } else if (now_ns - progress_ns >= SILENCE_NS) {
            atomic_store(&silent_at, progress);
        }
    }
    return place;
}

/*
 * No handler runs meanwhile: one that jumped out of here would leave the thread as busy. FALSE:
 * there is no room. Apart, so that who need not wait takes no stack for it; and not where that is
 * scarce.
 */
static __attribute__((noinline, cold)) bool hold_up(const struct ct_self *self, size_t size)
{
    const uint64_t all_signals = UINT64_MAX;
    uint64_t mask;

    if (!ct_control->is_lossless || !ct_self_has_room(self) ||
        atomic_load(&ct_control->progress) == atomic_load(&silent_at))
        return false;
    uint64_t begin_ns = ct_now_ns();
    ct_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all_signals, &mask, sizeof(mask));
    bool has_room = wait_for_place(self, size).record != NULL;
    ct_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
    atomic_fetch_add(&ct_board->held_up_ns, ct_now_ns() - begin_ns);
    return has_room;
}

static struct place begin_record(struct ct_self *self, enum ct_event event, size_t packed_size,
                                 uint64_t ticks)
{
    struct place place = {.record = NULL};
    size_t size = sizeof(struct ct_ring_record) + ct_packed_align(packed_size);

    if (self->slot == NULL)
        return place;
    if (size <= CT_RING_RECORD_MAX) {
        place = find_place(self, size);
        if (__builtin_expect(place.record == NULL, 0) && take_large_ring(self))
            place = find_place(self, size);
        if (__builtin_expect(place.record == NULL, 0) && hold_up(self, size))
            place = find_place(self, size);
    }
    if (place.record == NULL) {
        atomic_fetch_add(&ct_board->events_lost, 1);
        return place;
    }
    *place.record = (struct ct_ring_record){
        .ticks = ticks, .tid = self->slot->tid, .size = (uint16_t)size, .event = (uint8_t)event};
    return place;
}

void ct_emit_note_deserted(void)
{
    struct ct_doorbell *bell = find_doorbell();

    if (bell != NULL)
        atomic_fetch_add(&bell->deserted, 1);
}

static void end_record(const struct ct_self *self, const struct place *place)
{
    struct ct_board_ring *ring = place->ring;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t used = (place->next & CT_RING_POSITION_MASK) - ct_ring_begin(place->next, tail);
    uint32_t call_size = self->ring_size / CT_RING_CALL_SHARE;

    atomic_store_explicit(&ring->head, place->next, memory_order_release);
    if (__builtin_expect(used >= call_size && used - place->record->size < call_size, 0))
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
        end_record(self, &place);                                                                  \
    }
CT_PROGRAM_EVENTS(CT_EMIT)
