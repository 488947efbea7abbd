#include "drain.h"

#include "forked.h"
#include "ring_reader.h"
#include "schema/packed_event.h"

#include <sys/resource.h>

/* How long it sleeps: more and more, as long as there is nothing. */
#define SLEEP_MIN_NS (8 * 1000 * 1000)
#define SLEEP_MAX_NS (64 * 1000 * 1000)

/* An event that LTTng takes so long for has met a consumer that takes nothing any more. */
#define STUCK_US (500 * 1000)

/* A ring's writer is told so often, in parts of the ring, that there is room again. */
#define ROOM_STEPS 16

/* What a board says of a child that has none. */
struct news {
    const struct ct_board_map *map; /* borrowed */
    uint32_t index;
    gboolean is_end;
    uint64_t ticks;
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
    uint64_t now_ticks, now_ns; /* when the round began */
    uint64_t drained;           /* bytes of records, ever */
    uint64_t foreign_images;
    GArray *news; /* owned; struct news, in their order */
    guint next_news;
    GArray *readers; /* owned; struct ct_ring_reader: a heap by the time of their records */
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
    drain->news = g_array_new(FALSE, FALSE, sizeof(struct news));
    g_mutex_init(&drain->lock);
    return drain;
}

/* ---- The heap: the oldest record first. ---- */

static struct ct_ring_reader *reader_at(const struct ct_drain *drain, guint index)
{
    return &g_array_index(drain->readers, struct ct_ring_reader, index);
}

static void sift_down(const struct ct_drain *drain, guint index)
{
    struct ct_ring_reader moved = *reader_at(drain, index);
    guint child;

    while ((child = 2 * index + 1) < drain->readers->len) {
        if (child + 1 < drain->readers->len &&
            reader_at(drain, child + 1)->record.ticks < reader_at(drain, child)->record.ticks)
            child++;
        if (moved.record.ticks <= reader_at(drain, child)->record.ticks)
            break;
        *reader_at(drain, index) = *reader_at(drain, child);
        index = child;
    }
    *reader_at(drain, index) = moved;
}

static void collect_slot(struct ct_drain *drain, const struct ct_board_map *map, uint32_t slot)
{
    struct ct_ring_reader readers[CT_SLOT_RINGS];
    uint32_t count = ct_ring_readers_of(map, slot, readers);

    for (uint32_t i = 0; i < count; i++) {
        if (ct_ring_reader_find(&readers[i]))
            g_array_append_val(drain->readers, readers[i]);
        else
            ct_ring_reader_give_room(&readers[i]);
    }
}

static void collect_news(struct ct_drain *drain, const struct ct_board_map *map)
{
    uint32_t count = ct_forked_count(map);
    struct ct_forked forked;

    for (uint32_t i = 0; i < count; i++) {
        if (!ct_forked_is_news(map, i) || !ct_forked_read(map, i, drain->now_ns, &forked))
            continue;
        struct news news = {.map = map, .index = i, .ticks = forked.start_ticks};
        if (!forked.is_start_told)
            g_array_append_val(drain->news, news);
        news.is_end = TRUE;
        news.ticks = MAX(forked.end_ticks, forked.start_ticks);
        if (forked.state >= CT_FORKED_EXECED && !forked.is_end_told)
            g_array_append_val(drain->news, news);
    }
}

static int compare_news(const void *a, const void *b)
{
    const struct news *one = a, *other = b;

    if (one->ticks != other->ticks)
        return one->ticks < other->ticks ? -1 : 1;
    return one->is_end - other->is_end;
}

static void collect(struct ct_drain *drain)
{
    const GPtrArray *boards = ct_boards_update(drain->boards);

    g_array_set_size(drain->readers, 0);
    g_array_set_size(drain->news, 0);
    drain->next_news = 0;
    for (guint b = 0; b < boards->len; b++) {
        const struct ct_mapped_board *board = boards->pdata[b];
        uint32_t slots = board->is_lost ? 0 : ct_board_map_slots(board->map);
        for (uint32_t i = 0; i < slots; i++)
            collect_slot(drain, board->map, i);
        if (!board->is_lost)
            collect_news(drain, board->map);
    }
    for (guint i = drain->readers->len / 2; i-- > 0;)
        sift_down(drain, i);
    g_array_sort(drain->news, compare_news);
}

/* ---- Out. ---- */

/* Nothing is older than the image that says it is. */
static uint64_t time_of(const struct ct_drain *drain, const struct ct_board_identity *image,
                        uint64_t ticks)
{
    uint64_t age = drain->now_ticks > ticks ? drain->now_ticks - ticks : 0;
    uint64_t age_ns = ct_ticks_to_ns(age, drain->directory->control->ns_per_tick);
    uint64_t life_ns = drain->now_ns - MIN(image->start_ns, drain->now_ns);

    return drain->now_ns - MIN(age_ns, life_ns);
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

/* Readers will leave out what says that it has another format. */
static void note_format(struct ct_drain *drain, const uint8_t *bytes, size_t size)
{
    struct ct_event_process_start event;

    if (ct_unpack_process_start(bytes, size, &event) && event.schema_version != CT_SCHEMA_VERSION)
        drain->foreign_images++;
}

static void write_record(struct ct_drain *drain, const struct ct_board_identity *image,
                         const struct ct_ring_record *record, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)drain->event;
    uint64_t time_ns = time_of(drain, image, record->ticks);
    struct ct_source source = {
        .vpid = image->pid,
        .vtid = record->tid,
        .time_ns = drain->writer->time_of(time_ns),
    };

    source.lag_ns = source.time_ns - time_ns;
    if (record->event == CT_EVENT_ID_PROCESS_START)
        note_format(drain, bytes, size);
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
    size_t size = ct_ring_reader_take(reader, drain->event);

    write_record(drain, ct_board_map_identity(reader->map), &record, size);
    drain->drained += record.size;
    if ((reader->epoch | reader->at) - reader->given > reader->size / ROOM_STEPS)
        ct_ring_reader_give_room(reader);
}

/* ---- Children without a board. ---- */

static void write_start(struct ct_drain *drain, const struct ct_source *source,
                        const struct ct_board_map *parent, const struct ct_forked *forked)
{
    g_autofree char *exe = ct_board_map_exe(parent);
    g_autofree char *args = ct_board_map_args(parent);
    struct ct_event_process_start start = {
        .schema_version = CT_SCHEMA_VERSION,
        .process_start_ns = forked->identity.start_ns,
        .rate_ns = forked->identity.rate_ns,
        .ppid = forked->identity.ppid,
        .exe = exe,
        .args = args,
        .cwd = forked->cwd,
    };
    struct ct_event_thread_start thread = {.creator_tid = 0};
    struct ct_event_thread_name name = {.name = forked->name};

    drain->writer->process_start(source, &start);
    drain->writer->thread_start(source, &thread);
    drain->writer->thread_name(source, &name);
}

static void write_end(struct ct_drain *drain, const struct ct_source *source,
                      const struct ct_forked *forked)
{
    struct ct_event_exec exec = {.path = forked->path};
    struct ct_event_process_exit exit = {.status = forked->exit_status};

    if (forked->state == CT_FORKED_EXECED)
        drain->writer->exec(source, &exec);
    else
        drain->writer->process_exit(source, &exit);
}

/* It may have gone on since it was found; then the next round tells. */
static void write_news(struct ct_drain *drain, const struct news *news)
{
    struct ct_forked forked;

    if (!ct_forked_read(news->map, news->index, drain->now_ns, &forked))
        return;
    struct ct_source source = {
        .vpid = forked.identity.pid,
        .vtid = forked.identity.pid,
        .time_ns = drain->writer->time_of(time_of(drain, &forked.identity, news->ticks)),
    };
    if (!news->is_end) {
        if (!ct_forked_tell_start(news->map, news->index, &forked))
            return;
        ct_boards_add_image(drain->boards, forked.identity.pid, forked.identity.start_ns);
        write_start(drain, &source, news->map, &forked);
    } else if (forked.is_start_told && forked.state >= CT_FORKED_EXECED &&
               ct_forked_tell_end(news->map, news->index, &forked)) {
        write_end(drain, &source, &forked);
    }
}

/* The next that is not after those ticks, nor after the round's begin; NULL: there is none. */
static const struct news *next_news(struct ct_drain *drain, uint64_t ticks)
{
    const struct news *news = &g_array_index(drain->news, struct news, drain->next_news);

    if (drain->next_news == drain->news->len || news->ticks > MIN(ticks, drain->now_ticks))
        return NULL;
    drain->next_news++;
    return news;
}

/* ---- Rounds. ---- */

/* What was written since the last look has taken so long that LTTng takes no more. */
static gboolean is_stuck(gint64 *looked_us)
{
    gint64 since_us = *looked_us;

    *looked_us = g_get_monotonic_time();
    return *looked_us - since_us >= STUCK_US;
}

gboolean ct_drain_now(struct ct_drain *drain)
{
    if (drain->is_held || !drain->writer->is_enabled()) /* the daemon is gone, maybe */
        return FALSE;
    ct_session_directory_calibrate(drain->directory);
    /* First: what a thread wrote before this is in its ring by now, and is older than the rest. */
    ct_clock_read(drain->directory->control, &drain->now_ticks, &drain->now_ns);
    collect(drain);
    gint64 looked_us = g_get_monotonic_time();
    const struct news *news;
    while (!drain->is_held) {
        struct ct_ring_reader *oldest = drain->readers->len > 0 ? reader_at(drain, 0) : NULL;
        if ((news = next_news(drain, oldest != NULL ? oldest->record.ticks : UINT64_MAX)) != NULL) {
            write_news(drain, news);
            drain->is_held = is_stuck(&looked_us);
            continue;
        }
        if (oldest == NULL)
            break;
        if (oldest->record.ticks > drain->now_ticks)
            break;
        write_next(drain, oldest);
        drain->is_held = is_stuck(&looked_us);
        if (!ct_ring_reader_find(oldest)) {
            ct_ring_reader_give_room(oldest);
            g_array_remove_index_fast(drain->readers, 0);
        }
        if (drain->readers->len > 0)
            sift_down(drain, 0);
    }
    for (guint i = 0; i < drain->readers->len; i++)
        ct_ring_reader_give_room(reader_at(drain, i));
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
    g_array_unref(drain->news);
    g_mutex_clear(&drain->lock);
    g_free(drain);
}
