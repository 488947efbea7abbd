#include "drain.h"

#include "drain_round.h"
#include "forked_news.h"
#include "ring_reader.h"
#include "schema/packed_event.h"
#include "wait_run.h"

#include <sys/resource.h>

/* How long it sleeps: more and more, as long as there is nothing. */
#define SLEEP_MIN_NS (8 * 1000 * 1000)
#define SLEEP_MAX_NS (64 * 1000 * 1000)

/* An event that LTTng takes so long for has met a consumer that takes nothing any more. */
#define STUCK_US (500 * 1000)

/* A ring's writer is told so often, in parts of the ring, that there is room again. */
#define ROOM_STEPS 16

/* A ring's next record. */
struct next {
    uint64_t ticks;
    struct ct_ring_reader *reader; /* borrowed */
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
    struct ct_drain_round round;
    uint64_t drained; /* bytes of records, ever */
    uint64_t foreign_images;
    struct ct_written *written;  /* owned */
    struct ct_known_fds *fds;    /* owned; NULL: nobody asks for them */
    GArray *readers;             /* owned; struct ct_ring_reader, of rings that had records */
    GPtrArray *chunks;           /* owned; one for each of them, and maybe more */
    GArray *heap;                /* owned; struct next: the oldest record first */
    struct ct_forked_news *news; /* owned */
    struct ct_wait_run *run;     /* owned */
    gboolean has_written;        /* to LTTng, since the last look at how long it took */
    uint64_t event[CT_RING_RECORD_MAX / sizeof(uint64_t)]; /* a copy that nobody changes */
};

struct ct_drain *ct_drain_new(struct ct_session_directory *directory, struct ct_boards *boards,
                              const struct ct_writer *writer)
{
    struct ct_drain *drain = g_new0(struct ct_drain, 1);

    drain->directory = directory;
    drain->boards = boards;
    drain->writer = writer;
    drain->readers = g_array_new(FALSE, FALSE, sizeof(struct ct_ring_reader));
    drain->chunks = g_ptr_array_new_with_free_func(g_free);
    drain->heap = g_array_new(FALSE, FALSE, sizeof(struct next));
    drain->news = ct_forked_news_new(boards, writer);
    drain->run = ct_wait_run_new(writer);
    drain->written = ct_written_new();
    g_mutex_init(&drain->lock);
    return drain;
}

/* ---- The heap: the oldest record first. ---- */

static struct next *next_at(const struct ct_drain *drain, guint index)
{
    return &g_array_index(drain->heap, struct next, index);
}

static void sift_down(const struct ct_drain *drain, guint index)
{
    struct next moved = *next_at(drain, index);
    guint child;

    while ((child = 2 * index + 1) < drain->heap->len) {
        if (child + 1 < drain->heap->len &&
            next_at(drain, child + 1)->ticks < next_at(drain, child)->ticks)
            child++;
        if (moved.ticks <= next_at(drain, child)->ticks)
            break;
        *next_at(drain, index) = *next_at(drain, child);
        index = child;
    }
    *next_at(drain, index) = moved;
}

static void build_heap(struct ct_drain *drain)
{
    g_array_set_size(drain->heap, drain->readers->len);
    for (guint i = 0; i < drain->readers->len; i++) {
        struct ct_ring_reader *reader = &g_array_index(drain->readers, struct ct_ring_reader, i);
        *next_at(drain, i) = (struct next){reader->record.ticks, reader};
    }
    for (guint i = drain->heap->len / 2; i-- > 0;)
        sift_down(drain, i);
}

static void collect_slot(struct ct_drain *drain, const struct ct_board_map *map, uint32_t slot)
{
    struct ct_ring_reader readers[CT_SLOT_RINGS];
    uint32_t count = ct_ring_readers_of(map, slot, readers);

    for (uint32_t i = 0; i < count; i++) {
        if (drain->readers->len == drain->chunks->len)
            g_ptr_array_add(drain->chunks, g_malloc(CT_RING_CHUNK));
        readers[i].chunk = drain->chunks->pdata[drain->readers->len];
        if (ct_ring_reader_find(&readers[i]))
            g_array_append_val(drain->readers, readers[i]);
        else
            ct_ring_reader_give_room(&readers[i]);
    }
}

static void collect(struct ct_drain *drain)
{
    const GPtrArray *boards = ct_boards_update(drain->boards);

    g_array_set_size(drain->readers, 0);
    ct_forked_news_begin(drain->news);
    for (guint b = 0; b < boards->len; b++) {
        const struct ct_mapped_board *board = boards->pdata[b];
        uint32_t slots = board->is_lost ? 0 : ct_board_map_slots(board->map);
        for (uint32_t i = 0; i < slots; i++)
            collect_slot(drain, board->map, i);
        if (!board->is_lost)
            ct_forked_news_add(drain->news, board->map, drain->round.now_ns);
    }
    build_heap(drain);
    ct_forked_news_sort(drain->news);
}

/* ---- Out. ---- */

/* Something else is written next. */
static void flush_waits(struct ct_drain *drain)
{
    ct_wait_run_flush(drain->run);
    drain->has_written = TRUE;
}

/* Its time among what goes to LTTng, behind the waits that came before it. */
static struct ct_source in_order(struct ct_drain *drain, const struct ct_source *source)
{
    struct ct_source later = *source;

    flush_waits(drain);
    later.time_ns = drain->writer->time_of(source->time_ns);
    later.lag_ns = later.time_ns - source->time_ns;
    return later;
}

static void write_wait(struct ct_drain *drain, const struct ct_source *source,
                       const struct ct_event_wait *event)
{
    drain->has_written |= ct_wait_run_add(drain->run, source, event);
}

/* Events that have a lag of their own take the rest of it in there; where there is room for it. */
#define WRITE_IN_ROOM(name, long_name, FIELDS)                                        \
    static void write_##name(struct ct_drain *drain, const struct ct_source *written, \
                             struct ct_event_##name *event)                           \
    {                                                                                 \
        const struct ct_source source = in_order(drain, written);                     \
        struct ct_event_##long_name longer = {.op = CT_OP_NONE};                      \
        FIELDS(COPY_FIELD)                                                            \
        longer.lag_ns += source.lag_ns;                                               \
        event->lag_ns = (uint32_t)longer.lag_ns;                                      \
        if (longer.lag_ns > UINT32_MAX)                                               \
            drain->writer->long_name(&source, &longer);                               \
        else                                                                          \
            drain->writer->name(&source, event);                                      \
    }
#define COPY_FIELD(type, name) longer.name = event->name;
WRITE_IN_ROOM(lock_wait, long_wait, CT_EVENT_LOCK_WAIT)
WRITE_IN_ROOM(wake, long_wake, CT_EVENT_WAKE)

#define WRITE_LONG(name)                                                              \
    static void write_##name(struct ct_drain *drain, const struct ct_source *written, \
                             struct ct_event_##name *event)                           \
    {                                                                                 \
        const struct ct_source source = in_order(drain, written);                     \
        event->lag_ns += source.lag_ns;                                               \
        drain->writer->name(&source, event);                                          \
    }
WRITE_LONG(long_wait)
WRITE_LONG(long_wake)
WRITE_LONG(turn)

#define LAGGING_CASE(symbol, name, channel)                                   \
    case CT_EVENT_ID_##symbol: {                                              \
        struct ct_event_##name event;                                         \
        if (!ct_unpack_##name(bytes, size, &event))                           \
            return;                                                           \
        ct_written_add(drain->written, &written, CT_EVENT_ID_##symbol,        \
                       written.time_ns - MIN(event.lag_ns, written.time_ns)); \
        write_##name(drain, &written, &event);                                \
        return;                                                               \
    }
#define PROMPT_CASE(symbol, name, channel)                             \
    case CT_EVENT_ID_##symbol: {                                       \
        struct ct_event_##name event;                                  \
        if (ct_unpack_##name(bytes, size, &event)) {                   \
            const struct ct_source source = in_order(drain, &written); \
            drain->writer->name(&source, &event);                      \
        }                                                              \
        return;                                                        \
    }

/* Readers will leave out what says that it has another format. */
static void note_format(struct ct_drain *drain, const uint8_t *bytes, size_t size)
{
    struct ct_event_process_start event;

    if (ct_unpack_process_start(bytes, size, &event) && event.schema_version != CT_SCHEMA_VERSION)
        drain->foreign_images++;
}

/* Something of it may be wanted later. */
static void note(struct ct_drain *drain, const struct ct_source *source, enum ct_event number,
                 const uint8_t *bytes, size_t size)
{
    struct ct_event_fd event;

    if (number == CT_EVENT_ID_THREAD_START || number == CT_EVENT_ID_THREAD_EXIT)
        ct_written_add(drain->written, source, number, source->time_ns);
    if (number == CT_EVENT_ID_PROCESS_START)
        note_format(drain, bytes, size);
    if (drain->fds == NULL)
        return;
    if (number == CT_EVENT_ID_PROCESS_START)
        ct_known_fds_forget(drain->fds, source->vpid);
    else if (number == CT_EVENT_ID_FD && ct_unpack_fd(bytes, size, &event))
        ct_known_fds_note(drain->fds, source->vpid, &event);
}

static void write_record(struct ct_drain *drain, const struct ct_board_identity *image,
                         const struct ct_ring_record *record, const uint8_t *bytes, size_t size)
{
    const struct ct_source written = {.vpid = image->pid,
                                      .vtid = record->tid,
                                      .time_ns =
                                          ct_drain_round_time(&drain->round, image, record->ticks)};

    note(drain, &written, record->event, bytes, size);
    switch ((enum ct_event)record->event) {
        CT_LAGGING_EVENTS(LAGGING_CASE)
        CT_PROMPT_EVENTS(PROMPT_CASE)
    default:
        return; /* a traced program has no others */
    }
}

static void write_next(struct ct_drain *drain, struct ct_ring_reader *reader)
{
    const struct ct_ring_record record = reader->record;
    size_t size;
    const uint8_t *bytes = ct_ring_reader_take(reader, drain->event, &size);

    write_record(drain, ct_board_map_identity(reader->map), &record, bytes, size);
    drain->drained += record.size;
    if ((reader->epoch | reader->at) - reader->given > reader->size / ROOM_STEPS)
        ct_ring_reader_give_room(reader);
}

/* What was written since the last look may have taken so long that LTTng takes no more. */
static void note_written(struct ct_drain *drain, gint64 *looked_us)
{
    gint64 since_us = *looked_us;

    *looked_us = g_get_monotonic_time();
    drain->has_written = FALSE;
    drain->is_held |= *looked_us - since_us >= STUCK_US;
    if (!drain->is_held)
        ct_session_directory_note_progress(drain->directory);
}

static void write_oldest(struct ct_drain *drain)
{
    struct next *oldest = next_at(drain, 0);
    struct ct_ring_reader *reader = oldest->reader;

    write_next(drain, reader);
    if (ct_ring_reader_find(reader)) {
        oldest->ticks = reader->record.ticks;
    } else {
        ct_ring_reader_give_room(reader);
        g_array_remove_index_fast(drain->heap, 0);
    }
    if (drain->heap->len > 0)
        sift_down(drain, 0);
}

/* What there is, in the order of its time, up to when the round began. */
static void write_all(struct ct_drain *drain)
{
    gint64 looked_us = g_get_monotonic_time();

    while (!drain->is_held) {
        uint64_t oldest_ticks = drain->heap->len > 0 ? next_at(drain, 0)->ticks : UINT64_MAX;

        if (ct_forked_news_is_due(drain->news, MIN(oldest_ticks, drain->round.now_ticks))) {
            flush_waits(drain);
            ct_forked_news_write_next(drain->news, &drain->round);
        } else if (oldest_ticks <= drain->round.now_ticks && drain->heap->len > 0) {
            write_oldest(drain);
        } else {
            break;
        }
        if (drain->has_written)
            note_written(drain, &looked_us);
    }
    if (ct_wait_run_flush(drain->run))
        note_written(drain, &looked_us);
}

gboolean ct_drain_now(struct ct_drain *drain)
{
    if (drain->is_held || !drain->writer->is_enabled()) /* the daemon is gone, maybe */
        return FALSE;
    ct_session_directory_calibrate(drain->directory);
    /* First: what a thread wrote before this is in its ring by now, and is older than the rest. */
    ct_clock_read(drain->directory->control, &drain->round.now_ticks, &drain->round.now_ns);
    drain->round.ns_per_tick = drain->directory->control->ns_per_tick;
    collect(drain);
    write_all(drain);
    for (guint i = 0; i < drain->heap->len; i++)
        ct_ring_reader_give_room(next_at(drain, i)->reader);
    if (!drain->is_held) {
        ct_written_end_round(drain->written);
        ct_session_directory_note_progress(drain->directory);
    }
    return !drain->is_held;
}

/* ---- The thread. ---- */

/* Whoever rings has written so much. */
#define RUNG_BYTES (CT_RING_SMALL_SIZE / CT_RING_CALL_SHARE)

/* A program may ring for no reason, all the time: after a round that somebody called for and that
 * found less, nobody is heard for a moment. */
#define DEAF_US 1000

static void *run(void *data)
{
    struct ct_drain *drain = data;
    long sleep_ns = SLEEP_MIN_NS;
    gboolean is_called = FALSE;

    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    gboolean is_taken = drain->is_taken(drain->user);
    ct_drain_lock(drain);
    drain->is_held = !is_taken;
    ct_drain_unlock(drain);
    while (!drain->is_ending) {
        uint32_t rung = ct_shared_memory_rung(drain->directory->doorbell);
        uint64_t drained = drain->drained;
        ct_drain_lock(drain);
        ct_drain_now(drain);
        ct_drain_unlock(drain);
        drained = drain->drained - drained;
        sleep_ns = drained > 0 ? SLEEP_MIN_NS : MIN(sleep_ns * 2, SLEEP_MAX_NS);
        if (is_called && drained < RUNG_BYTES)
            g_usleep(DEAF_US);
        is_called = ct_shared_memory_await_ring(drain->directory->doorbell, rung, sleep_ns);
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
    if (drain->thread == NULL)
        return;
    drain->is_ending = TRUE;
    ct_shared_memory_ring(drain->directory->doorbell);
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

void ct_drain_expect_parts(struct ct_drain *drain)
{
    drain->fds = ct_known_fds_new();
    ct_written_expect_parts(drain->written);
}

struct ct_known_fds *ct_drain_fds(const struct ct_drain *drain)
{
    return drain->fds;
}

struct ct_written *ct_drain_written(const struct ct_drain *drain)
{
    return drain->written;
}

uint64_t ct_drain_foreign_images(const struct ct_drain *drain)
{
    return drain != NULL ? drain->foreign_images : 0;
}

void ct_drain_free(struct ct_drain *drain)
{
    if (drain == NULL)
        return;
    ct_drain_stop(drain);
    g_array_unref(drain->readers);
    g_ptr_array_unref(drain->chunks);
    g_array_unref(drain->heap);
    ct_forked_news_free(drain->news);
    ct_wait_run_free(drain->run);
    ct_written_free(drain->written);
    ct_known_fds_free(drain->fds);
    g_mutex_clear(&drain->lock);
    g_free(drain);
}
