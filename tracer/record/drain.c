#include "drain.h"

#include "schema/packed_event.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long it sleeps: more and more, as long as there is nothing. */
#define SLEEP_MIN_NS (8 * 1000 * 1000)
#define SLEEP_MAX_NS (64 * 1000 * 1000)

/* An event that LTTng takes so long for has met a consumer that takes nothing any more. */
#define STUCK_US (500 * 1000)

/* A ring's writer is told so often, in parts of the ring, that there is room again. */
#define ROOM_STEPS 16

/* Where the drain is in one ring. */
struct cursor {
    const struct ct_board *board;
    struct ct_board_ring *ring;
    uint32_t ring_size; /* bytes of records in it */
    uint64_t epoch;     /* of the positions; their high bits */
    uint64_t at;        /* position of the record that is next */
    uint64_t head;      /* position behind the last one */
    uint64_t given;     /* up to here the thread may write again */
    const struct ct_ring_record *record;
    size_t size; /* of the record: as it was when it made sense */
};

struct ct_drain {
    struct ct_session_directory *directory;
    struct ct_boards *boards;
    const struct ct_writer *writer;
    GMutex lock;
    GThread *thread; /* NULL: none */
    gboolean (*is_taken)(void *user);
    void *user; /* borrowed */
    _Atomic gboolean is_ending;
    gboolean is_held;
    uint64_t now_ticks, now_ns;                   /* when the round began */
    uint64_t written;                             /* of what was written last */
    GArray *cursors;                              /* owned; a heap by the time of their records */
    uint64_t bytes[(CT_RING_RECORD_MAX + 7) / 8]; /* a copy that nobody changes */
};

struct ct_drain *ct_drain_new(struct ct_session_directory *directory, struct ct_boards *boards,
                              const struct ct_writer *writer)
{
    struct ct_drain *drain = g_new0(struct ct_drain, 1);

    drain->directory = directory;
    drain->boards = boards;
    drain->writer = writer;
    drain->cursors = g_array_new(FALSE, FALSE, sizeof(struct cursor));
    g_mutex_init(&drain->lock);
    return drain;
}

/* ---- Records in a ring. ---- */

/* FALSE at the end. What makes no sense, since the program has written over it, is passed over. */
static gboolean find_record(struct cursor *cursor)
{
    while (cursor->at < cursor->head) {
        uint64_t offset = cursor->at % cursor->ring_size;
        uint64_t left = cursor->ring_size - offset;
        const struct ct_ring_record *record = (const void *)(ct_ring_bytes(cursor->ring) + offset);
        if (left < sizeof(*record)) {
            cursor->at += left;
            continue;
        }
        if (record->event >= CT_EVENT_COUNT) {
            cursor->at += left;
            continue;
        }
        uint16_t size = __atomic_load_n(&record->size, __ATOMIC_RELAXED); /* once */
        if (size < sizeof(*record) || size > CT_RING_RECORD_MAX || size % 8 != 0 || size > left ||
            size > cursor->head - cursor->at)
            break;
        cursor->record = record;
        cursor->size = size;
        return TRUE;
    }
    cursor->at = cursor->head;
    return FALSE;
}

static void give_room(struct cursor *cursor)
{
    cursor->given = cursor->at;
    atomic_store_explicit(&cursor->ring->tail, cursor->epoch | cursor->at, memory_order_release);
}

static struct cursor cursor_on(const struct ct_mapped_board *board,
                               const struct ct_mapped_ring *mapped)
{
    struct ct_board_ring *ring = mapped->ring;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    struct cursor cursor = {
        .board = board->data,
        .ring = ring,
        .ring_size = mapped->size,
        .epoch = head & ~CT_RING_POSITION_MASK,
        .at = ct_ring_begin(head, tail),
        .head = head & CT_RING_POSITION_MASK,
    };

    /* Where that makes no sense, nothing is there. */
    if (cursor.head - cursor.at > cursor.ring_size || cursor.at % 8 != 0)
        cursor.at = cursor.head;
    return cursor;
}

/* ---- The heap: the oldest record first. ---- */

static struct cursor *cursor_at(const struct ct_drain *drain, guint index)
{
    return &g_array_index(drain->cursors, struct cursor, index);
}

static void sift_down(const struct ct_drain *drain, guint index)
{
    struct cursor moved = *cursor_at(drain, index);
    guint child;

    while ((child = 2 * index + 1) < drain->cursors->len) {
        if (child + 1 < drain->cursors->len &&
            cursor_at(drain, child + 1)->record->ticks < cursor_at(drain, child)->record->ticks)
            child++;
        if (moved.record->ticks <= cursor_at(drain, child)->record->ticks)
            break;
        *cursor_at(drain, index) = *cursor_at(drain, child);
        index = child;
    }
    *cursor_at(drain, index) = moved;
}

static void collect_slot(struct ct_drain *drain, const struct ct_mapped_board *board, uint32_t slot)
{
    struct ct_mapped_ring rings[CT_SLOT_RINGS];
    uint32_t count = ct_board_rings(board, slot, rings);

    for (uint32_t i = 0; i < count; i++) {
        struct cursor cursor = cursor_on(board, &rings[i]);
        if (find_record(&cursor))
            g_array_append_val(drain->cursors, cursor);
        else
            give_room(&cursor);
    }
}

static void collect(struct ct_drain *drain)
{
    const GPtrArray *boards = ct_boards_update(drain->boards);

    g_array_set_size(drain->cursors, 0);
    for (guint b = 0; b < boards->len; b++) {
        const struct ct_mapped_board *board = boards->pdata[b];
        uint32_t slots = ct_board_slots(board);
        for (uint32_t i = 0; i < slots; i++)
            collect_slot(drain, board, i);
    }
    for (guint i = drain->cursors->len / 2; i-- > 0;)
        sift_down(drain, i);
}

/* ---- Out. ---- */

static uint64_t time_of(const struct ct_drain *drain, uint64_t ticks)
{
    uint64_t age = drain->now_ticks > ticks ? drain->now_ticks - ticks : 0;

    return drain->now_ns - ct_ticks_to_ns(age, drain->directory->control->ns_per_tick);
}

/* Events that have a lag of their own take the rest of it in there; where there is room for it. */
#define WRITE_IN_ROOM(name, long_name, FIELDS)                                               \
    static void write_##name(const struct ct_writer *writer, const struct ct_source *source, \
                             struct ct_event_##name *event)                                  \
    {                                                                                        \
        struct ct_event_##long_name longer = {.op = CT_OP_NONE};                             \
        FIELDS(COPY_FIELD)                                                                   \
        longer.lag_ns += source->lag_ns;                                                     \
        event->lag_ns = (uint32_t)longer.lag_ns;                                             \
        if (longer.lag_ns > UINT32_MAX)                                                      \
            writer->long_name(source, &longer);                                              \
        else                                                                                 \
            writer->name(source, event);                                                     \
    }
#define COPY_FIELD(type, name) longer.name = event->name;
WRITE_IN_ROOM(wait, long_wait, CT_EVENT_WAIT)
WRITE_IN_ROOM(lock_wait, long_wait, CT_EVENT_LOCK_WAIT)
WRITE_IN_ROOM(wake, long_wake, CT_EVENT_WAKE)

static void write_long_wait(const struct ct_writer *writer, const struct ct_source *source,
                            struct ct_event_long_wait *event)
{
    event->lag_ns += source->lag_ns;
    writer->long_wait(source, event);
}

static void write_long_wake(const struct ct_writer *writer, const struct ct_source *source,
                            struct ct_event_long_wake *event)
{
    event->lag_ns += source->lag_ns;
    writer->long_wake(source, event);
}

#define LAGGING_CASE(symbol, name, channel)               \
    case CT_EVENT_ID_##symbol: {                          \
        struct ct_event_##name event;                     \
        if (ct_unpack_##name(bytes, size, &event))        \
            write_##name(drain->writer, &source, &event); \
        return;                                           \
    }
#define PROMPT_CASE(symbol, name, channel)         \
    case CT_EVENT_ID_##symbol: {                   \
        struct ct_event_##name event;              \
        if (ct_unpack_##name(bytes, size, &event)) \
            drain->writer->name(&source, &event);  \
        return;                                    \
    }

static void write_record(struct ct_drain *drain, const struct cursor *cursor)
{
    const struct ct_ring_record *record = (const void *)drain->bytes;
    const uint8_t *bytes = (const uint8_t *)(record + 1);
    size_t size = cursor->size - sizeof(*record);
    uint64_t time_ns = time_of(drain, record->ticks);
    struct ct_source source = {
        .vpid = cursor->board->pid,
        .vtid = record->tid,
        .time_ns = drain->writer->time_of(time_ns),
    };

    source.lag_ns = source.time_ns - time_ns;
    switch ((enum ct_event)record->event) {
        CT_LAGGING_EVENTS(LAGGING_CASE)
        CT_PROMPT_EVENTS(PROMPT_CASE)
    default:
        return; /* a traced program has no others */
    }
}

/* FALSE if LTTng does not take it. */
static gboolean write_next(struct ct_drain *drain, struct cursor *cursor)
{
    gint64 begin_us = g_get_monotonic_time();

    memcpy(drain->bytes, cursor->record, cursor->size);
    write_record(drain, cursor);
    drain->written++;
    cursor->at += cursor->size;
    if (cursor->at - cursor->given > cursor->ring_size / ROOM_STEPS)
        give_room(cursor);
    return g_get_monotonic_time() - begin_us < STUCK_US;
}

gboolean ct_drain_now(struct ct_drain *drain)
{
    if (drain->is_held || !drain->writer->is_enabled()) /* the daemon is gone, maybe */
        return FALSE;
    ct_session_directory_calibrate(drain->directory);
    /* First: what a thread wrote before this is in its ring by now, and is older than the rest. */
    ct_clock_read(drain->directory->control, &drain->now_ticks, &drain->now_ns);
    collect(drain);
    while (drain->cursors->len > 0 && !drain->is_held) {
        struct cursor *oldest = cursor_at(drain, 0);
        if (oldest->record->ticks > drain->now_ticks)
            break;
        drain->is_held = !write_next(drain, oldest);
        if (!find_record(oldest)) {
            give_room(oldest);
            g_array_remove_index_fast(drain->cursors, 0);
        }
        if (drain->cursors->len > 0)
            sift_down(drain, 0);
    }
    for (guint i = 0; i < drain->cursors->len; i++)
        give_room(cursor_at(drain, i));
    return !drain->is_held;
}

/* ---- The thread. ---- */

static void sleep_on(struct ct_doorbell *doorbell, uint32_t rung, long duration_ns)
{
    struct timespec duration = {.tv_nsec = duration_ns};

    atomic_store(&doorbell->is_awaited, 1);
    syscall(SYS_futex, &doorbell->rung, FUTEX_WAIT, rung, &duration, NULL, 0);
    atomic_store(&doorbell->is_awaited, 0);
}

static void *run(void *data)
{
    struct ct_drain *drain = data;
    struct ct_doorbell *doorbell = drain->directory->doorbell;
    long sleep_ns = SLEEP_MIN_NS;

    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    gboolean is_taken = drain->is_taken(drain->user);
    ct_drain_lock(drain);
    drain->is_held = !is_taken;
    ct_drain_unlock(drain);
    while (!drain->is_ending) {
        uint32_t rung = atomic_load(&doorbell->rung);
        uint64_t written = drain->written;
        ct_drain_lock(drain);
        ct_drain_now(drain);
        ct_drain_unlock(drain);
        sleep_ns = drain->written != written ? SLEEP_MIN_NS : MIN(sleep_ns * 2, SLEEP_MAX_NS);
        sleep_on(doorbell, rung, sleep_ns);
    }
    return NULL;
}

void ct_drain_start(struct ct_drain *drain, gboolean (*is_taken)(void *user), void *user)
{
    drain->is_taken = is_taken;
    drain->user = user;
    drain->thread = g_thread_new("ctrace-drain", run, drain);
}

void ct_drain_stop(struct ct_drain *drain)
{
    struct ct_doorbell *doorbell = drain->directory->doorbell;

    if (drain->thread == NULL)
        return;
    drain->is_ending = TRUE;
    atomic_fetch_add(&doorbell->rung, 1);
    syscall(SYS_futex, &doorbell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    g_thread_join(g_steal_pointer(&drain->thread));
}

void ct_drain_lock(struct ct_drain *drain)
{
    g_mutex_lock(&drain->lock);
}

void ct_drain_unlock(struct ct_drain *drain)
{
    g_mutex_unlock(&drain->lock);
}

void ct_drain_hold(struct ct_drain *drain, gboolean is_held)
{
    drain->is_held = is_held;
}

void ct_drain_free(struct ct_drain *drain)
{
    if (drain == NULL)
        return;
    ct_drain_stop(drain);
    g_array_unref(drain->cursors);
    g_mutex_clear(&drain->lock);
    g_free(drain);
}
