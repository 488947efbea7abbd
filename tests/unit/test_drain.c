/* What the recorder makes of the rings: order, times, wrapping, and rings that were written over.
 */
#include "drain.h"
#include "forked_news.h"
#include "schema/packed_event.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PID 77

/* One event as LTTng would get it. */
struct written {
    struct ct_source source;
    enum ct_event event;
    uint64_t object;
    uint64_t lag_ns;
    char text[64];
};

static GArray *written;

/* Whether a ring that is empty is begun anew. */
static gboolean starts_again;

static struct written *note(const struct ct_source *source, enum ct_event event)
{
    struct written entry = {.source = *source, .event = event};

    g_array_append_val(written, entry);
    return &g_array_index(written, struct written, written->len - 1);
}

static void write_wait(const struct ct_source *source, const struct ct_event_wait *event)
{
    struct written *entry = note(source, CT_EVENT_ID_WAIT);

    entry->object = event->object;
    entry->lag_ns = event->lag_ns;
}

static void write_thread_name(const struct ct_source *source,
                              const struct ct_event_thread_name *event)
{
    g_strlcpy(note(source, CT_EVENT_ID_THREAD_NAME)->text, event->name, 64);
}

static void write_long_wait(const struct ct_source *source, const struct ct_event_long_wait *event)
{
    struct written *entry = note(source, CT_EVENT_ID_LONG_WAIT);

    entry->object = event->object;
    entry->lag_ns = event->lag_ns;
}

static void write_process_start(const struct ct_source *source,
                                const struct ct_event_process_start *event)
{
    g_strlcpy(note(source, CT_EVENT_ID_PROCESS_START)->text, event->cwd, 64);
}

static void write_thread_start(const struct ct_source *source,
                               const struct ct_event_thread_start *event)
{
    note(source, CT_EVENT_ID_THREAD_START)->object = event->entry;
}

/* LTTng's last time. */
static uint64_t last_ns;

static uint64_t time_of(uint64_t time_ns)
{
    return last_ns = MAX(last_ns, time_ns);
}

static void set_time(uint64_t time_ns)
{
    if (time_ns != 0)
        last_ns = time_ns;
}

/* As they are read: each a wait of its own. */
static void write_waits(const struct ct_event_waits *event)
{
    for (uint32_t i = 0; i < event->vtids.count; i++) {
        const struct ct_source source = {.vpid = ((const int32_t *)event->vpids.values)[i],
                                         .vtid = ((const int32_t *)event->vtids.values)[i],
                                         .time_ns = last_ns};
        struct written *entry = note(&source, CT_EVENT_ID_WAITS);
        entry->object = ((const uint64_t *)event->objects.values)[i];
        entry->lag_ns = ((const uint32_t *)event->lags_ns.values)[i];
    }
}

static gboolean is_there;

static bool is_enabled(void)
{
    return is_there;
}

static const struct ct_writer writer = {.is_enabled = is_enabled,
                                        .time_of = time_of,
                                        .set_time = set_time,
                                        .wait = write_wait,
                                        .waits = write_waits,
                                        .long_wait = write_long_wait,
                                        .process_start = write_process_start,
                                        .thread_start = write_thread_start,
                                        .thread_name = write_thread_name};

struct fixture {
    char *path;
    struct ct_session_directory directory;
    struct ct_control control;
    struct ct_board *board;
    size_t size;
    struct ct_boards *boards;
    struct ct_drain *drain;
};

/* The segments of the fixture's file: what they are is for each test to say. */
#define SLOTS_BEGIN      CT_BOARD_START_SIZE
#define MORE_SLOTS_BEGIN (SLOTS_BEGIN + ct_segment_size(CT_TABLE_SLOTS, 1))
#define RING_BEGIN       (MORE_SLOTS_BEGIN + ct_segment_size(CT_TABLE_SLOTS, 2))
#define FILE_SIZE        (RING_BEGIN + ct_segment_size(CT_TABLE_RINGS, 1))

static struct ct_board_slot *slot_of(const struct fixture *fixture, unsigned slot)
{
    const size_t begins[] = {offsetof(struct ct_board, slots), SLOTS_BEGIN, MORE_SLOTS_BEGIN};
    struct ct_table_place place = ct_table_place_of(CT_TABLE_SLOTS, slot);

    assert_in_range(place.part, 0, 2);
    struct ct_board_slot *slots = (void *)((char *)fixture->board + begins[place.part]);
    return &slots[place.within];
}

static struct ct_board_ring *ring_of(const struct fixture *fixture, unsigned slot)
{
    return ct_slot_ring(slot_of(fixture, slot));
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->path = g_dir_make_tmp("ctrace-drain-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(fixture->path, "77-1.board", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    fixture->size = FILE_SIZE;
    assert_int_equal(ftruncate(fd, (off_t)fixture->size), 0);
    fixture->board = mmap(NULL, fixture->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(fixture->board, MAP_FAILED);
    close(fd);
    fixture->board->schema_version = CT_SCHEMA_VERSION;
    fixture->board->pid = PID;
    fixture->board->thread_high_water = 2;
    fixture->board->segments[0] = CT_TABLE_SLOTS + 1;
    fixture->board->magic = CT_BOARD_MAGIC;
    fixture->control.ns_per_tick = UINT64_C(1) << 32;
    fixture->directory =
        (struct ct_session_directory){.path = fixture->path, .control = &fixture->control};
    fd = memfd_create("control", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, sizeof(struct ct_control)), 0);
    fixture->directory.published = ct_shared_memory_map(fd, sizeof(struct ct_control));
    close(fd);
    fixture->boards = ct_boards_new(fixture->path);
    fixture->drain = ct_drain_new(&fixture->directory, fixture->boards, &writer);
    last_ns = 0;
    starts_again = FALSE;
    is_there = TRUE;
    written = g_array_new(FALSE, FALSE, sizeof(struct written));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->path, "77-1.board", NULL);

    ct_drain_free(fixture->drain);
    ct_shared_memory_unmap(fixture->directory.published);
    ct_boards_free(fixture->boards);
    munmap(fixture->board, fixture->size);
    unlink(path);
    rmdir(fixture->path);
    g_array_unref(written);
    g_free(fixture->path);
    g_free(fixture);
    return 0;
}

/* As the preload does. */
static void put(struct ct_board_ring *ring, uint64_t ticks, enum ct_event event,
                const uint8_t *bytes, size_t size)
{
    size_t whole = sizeof(struct ct_ring_record) + ct_packed_align(size);
    if (starts_again && ring->head == ring->tail && ring->head != 0)
        ring->head = (ring->head | CT_RING_POSITION_MASK) + 1;
    uint64_t at = (ring->head & CT_RING_POSITION_MASK) % CT_RING_SMALL_SIZE;

    if (CT_RING_SMALL_SIZE - at < whole) {
        if (CT_RING_SMALL_SIZE - at >= sizeof(struct ct_ring_record)) {
            struct ct_ring_record *rest = (void *)(ct_ring_bytes(ring) + at);
            rest->event = CT_EVENT_COUNT;
        }
        ring->head += CT_RING_SMALL_SIZE - at;
        at = 0;
    }
    struct ct_ring_record *record = (void *)(ct_ring_bytes(ring) + at);
    *record = (struct ct_ring_record){
        .ticks = ticks, .tid = 78, .size = (uint16_t)whole, .event = (uint8_t)event};
    memcpy(record + 1, bytes, size);
    ring->head += whole;
}

static void put_wait(struct ct_board_ring *ring, uint64_t ticks, uint64_t object)
{
    struct ct_event_wait event = {.object = object, .lag_ns = 5};
    uint8_t bytes[128];

    ct_pack_wait(&event, bytes);
    put(ring, ticks, CT_EVENT_ID_WAIT, bytes, ct_packed_size_wait(&event));
}

static const struct written *at(guint index)
{
    assert_in_range(index, 0, written->len - 1);
    return &g_array_index(written, struct written, index);
}

static uint64_t now(void)
{
    return (uint64_t)g_get_monotonic_time() * 1000;
}

static void events_of_all_threads_are_in_order(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begin = now() - 1000;

    put_wait(ring_of(fixture, 0), begin + 10, 1);
    put_wait(ring_of(fixture, 1), begin + 20, 2);
    put_wait(ring_of(fixture, 1), begin + 30, 3);
    put_wait(ring_of(fixture, 0), begin + 40, 4);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 4);
    for (guint i = 0; i < written->len; i++) {
        assert_int_equal(at(i)->object, i + 1);
        assert_int_equal(at(i)->source.vpid, PID);
        assert_int_equal(at(i)->source.vtid, 78);
        assert_int_equal(at(i)->source.time_ns, begin + 10 * (i + 1));
        assert_int_equal(at(i)->lag_ns, 5);
    }
    assert_int_equal(ring_of(fixture, 0)->tail, ring_of(fixture, 0)->head);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 4);
}

/* What is written later was later: the time of what comes late stays as it was, by its lag. */
static void times_never_go_back(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begin = now() - 1000;

    put_wait(ring_of(fixture, 0), begin + 100, 1);
    ct_drain_now(fixture->drain);
    put_wait(ring_of(fixture, 1), begin + 30, 2);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 2);
    assert_int_equal(at(1)->source.time_ns, begin + 100);
    assert_int_equal(at(1)->lag_ns, 5 + 70);
}

/* Segments are mapped as they are needed. */
static void more_threads_have_more_rings(void **state)
{
    struct fixture *fixture = *state;
    unsigned last = 12;

    put_wait(ring_of(fixture, 0), now() - 10, 1);
    ct_drain_now(fixture->drain);
    fixture->board->segments[1] = CT_TABLE_SLOTS + 1;
    fixture->board->thread_high_water = last + 1;
    put_wait(ring_of(fixture, last), now() - 10, 2);
    assert_false(ct_board_is_drained(ct_boards_update(fixture->boards)->pdata[0]));
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 2);
    assert_int_equal(at(1)->object, 2);
    assert_true(ct_board_is_drained(ct_boards_update(fixture->boards)->pdata[0]));
}

static void a_thread_goes_on_in_a_large_ring(void **state)
{
    struct fixture *fixture = *state;
    struct ct_board_ring *large = (void *)((char *)fixture->board + RING_BEGIN);

    fixture->board->segments[1] = CT_TABLE_SLOTS + 1;
    fixture->board->segments[2] = CT_TABLE_RINGS + 1;
    put_wait(ring_of(fixture, 1), now() - 20, 1);
    put_wait(large, now() - 10, 2);
    slot_of(fixture, 1)->large_ring = 1;
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 2);
    assert_int_equal(at(0)->object, 1);
    assert_int_equal(at(1)->object, 2);
    assert_true(ct_board_is_drained(ct_boards_update(fixture->boards)->pdata[0]));
}

/* Of what a program writes over its board nothing is taken for granted. */
static void segments_that_make_no_sense_are_not_there(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_mapped_board *board = ct_boards_update(fixture->boards)->pdata[0];
    size_t words_begin = ct_board_map_size(board->map);

    assert_int_equal(words_begin, MORE_SLOTS_BEGIN);
    fixture->board->segments[1] = CT_TABLE_WORDS + 1;
    for (size_t i = 2; i < CT_BOARD_SEGMENTS; i++)
        fixture->board->segments[i] = i % 2 ? 255 : CT_TABLE_COUNT + 1;
    fixture->board->thread_high_water = UINT32_MAX;
    slot_of(fixture, 0)->large_ring = UINT32_MAX;
    slot_of(fixture, 1)->large_ring = 1;
    put_wait(ring_of(fixture, 0), now() - 10, 1);
    ct_drain_now(fixture->drain);
    size_t words_end = words_begin + ct_segment_size(CT_TABLE_WORDS, 1);
    assert_int_equal(ct_board_map_size(board->map), words_end);
    assert_int_equal(ct_board_map_slots(board->map), 5);
    assert_int_equal(ct_board_map_entries(board->map, CT_TABLE_WORDS, UINT32_MAX),
                     CT_FIRST_WORDS + (1 << 13));
    assert_int_equal(ct_board_map_entries(board->map, CT_TABLE_MODULES, 1000), CT_FIRST_MODULES);
    assert_int_equal(written->len, 1);
    /* The file has no room for all of these. */
    for (size_t i = 2; i < CT_BOARD_SEGMENTS; i++)
        fixture->board->segments[i] = CT_TABLE_RINGS + 1;
    ct_boards_update(fixture->boards);
    assert_int_equal(ct_board_map_size(board->map), words_end + ct_segment_size(CT_TABLE_RINGS, 1));
    assert_true(ct_board_map_size(board->map) <= fixture->size);
}

static void refusals_are_counted_once(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->path, "5-7.no-memory", NULL);

    assert_true(g_file_set_contents(path, "", 0, NULL));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ct_boards_update(fixture->boards)->len, 1);
    assert_int_equal(ct_boards_refused(fixture->boards)[CT_REFUSAL_MEMORY], 1);
    assert_int_equal(ct_boards_refused(fixture->boards)[CT_REFUSAL_ADDRESS_SPACE], 0);
    unlink(path);
}

/* Each entry has a place of its own, in the part where it belongs. */
static void tables_have_no_gaps(void **state)
{
    (void)state;
    for (unsigned table = 0; table < CT_TABLE_COUNT; table++) {
        const struct ct_table_layout *layout = &ct_table_layouts[table];
        uint32_t index = 0;
        for (uint32_t part = layout->first > 0 ? 0 : 1; part <= layout->parts; part++) {
            struct ct_table_place first = ct_table_place_of(table, index);
            assert_int_equal(first.part, part);
            assert_int_equal(first.within, 0);
            index += first.count;
            struct ct_table_place last = ct_table_place_of(table, index - 1);
            assert_int_equal(last.part, part);
            assert_int_equal(last.within, first.count - 1);
            if (part > 0)
                assert_int_equal(ct_segment_size(table, part),
                                 (uint64_t)first.count * layout->entry_size);
        }
        assert_int_equal(index, CT_TABLE_MAX(layout->first, layout->second_bits, layout->parts));
        assert_int_equal(ct_table_place_of(table, index).part, layout->parts + 1);
    }
}

/* As in a session that was begun much later. */
static void a_long_lag_finds_room(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begin = now() - 1000;

    last_ns = begin + UINT64_C(5000000000);
    put_wait(ring_of(fixture, 0), begin, 1);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 1);
    assert_int_equal(at(0)->event, CT_EVENT_ID_LONG_WAIT);
    assert_int_equal(at(0)->source.time_ns, last_ns);
    assert_int_equal(at(0)->lag_ns, UINT64_C(5000000000) + 5);
}

/* It would come before what other threads have written, but not handed over yet. */
static void what_is_newer_than_the_round_stays(void **state)
{
    struct fixture *fixture = *state;

    put_wait(ring_of(fixture, 0), now() - 1000, 1);
    put_wait(ring_of(fixture, 0), now() + UINT64_C(1000000000), 2);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 1);
    assert_true(ring_of(fixture, 0)->tail < ring_of(fixture, 0)->head);
}

enum { LAPS = 3, EVENTS = 1000 }; /* that many fit in the ring */

static void check_laps(const struct fixture *fixture)
{
    struct ct_board_ring *ring = ring_of(fixture, 0);
    uint8_t bytes[64];
    guint count = 0;

    for (unsigned lap = 0; lap < LAPS; lap++) {
        for (unsigned i = 0; i < EVENTS; i++) {
            struct ct_event_thread_name event = {.name = "a name that does not divide it" + i % 17};
            ct_pack_thread_name(&event, bytes);
            put(ring, now() - 10, CT_EVENT_ID_THREAD_NAME, bytes,
                ct_packed_size_thread_name(&event));
        }
        ct_drain_now(fixture->drain);
        assert_int_equal(written->len, EVENTS * (lap + 1));
        for (unsigned i = 0; i < EVENTS; i++)
            assert_string_equal(at(count++)->text, "a name that does not divide it" + i % 17);
    }
}

static void a_ring_goes_round(void **state)
{
    struct fixture *fixture = *state;

    check_laps(fixture);
    assert_true(ring_of(fixture, 0)->head > CT_RING_SMALL_SIZE);
}

/* Many that come fast go to LTTng together; in their order, and that of all others. */
static void close_waits_are_written_together(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begin = now() - 1000000;
    uint8_t bytes[64];
    const struct ct_event_thread_name name = {.name = "between"};

    ct_pack_thread_name(&name, bytes);
    for (unsigned i = 0; i < 400; i++) {
        put_wait(ring_of(fixture, i % 2), begin + 10 * (uint64_t)i, i);
        if (i == 299)
            put(ring_of(fixture, 1), begin + 2990, CT_EVENT_ID_THREAD_NAME, bytes,
                ct_packed_size_thread_name(&name));
    }
    put_wait(ring_of(fixture, 0), begin + 900000, 400); /* too late for the others */
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 402);
    for (unsigned i = 0; i < 402; i++) {
        uint64_t object = i < 300 ? i : i - 1;
        enum ct_event event = i == 300   ? CT_EVENT_ID_THREAD_NAME
                              : i == 401 ? CT_EVENT_ID_WAIT
                                         : CT_EVENT_ID_WAITS;
        assert_int_equal(at(i)->event, event);
        if (event == CT_EVENT_ID_THREAD_NAME)
            continue;
        assert_int_equal(at(i)->object, object);
        assert_int_equal(at(i)->source.vpid, PID);
        /* When it ended has not changed. */
        assert_int_equal(at(i)->source.time_ns - at(i)->lag_ns,
                         (object == 400 ? begin + 900000 : begin + 10 * object) - 5);
    }
}

static void an_empty_ring_is_begun_anew(void **state)
{
    struct fixture *fixture = *state;

    starts_again = TRUE;
    check_laps(fixture);
    assert_int_equal(ring_of(fixture, 0)->head / CT_RING_EPOCH, LAPS - 1);
    assert_true((ring_of(fixture, 0)->head & CT_RING_POSITION_MASK) < CT_RING_SMALL_SIZE);
}

static void a_ring_that_was_written_over_is_passed_over(void **state)
{
    static const uint16_t sizes[] = {0, 8, 17, 40, 65528};
    struct fixture *fixture = *state;
    struct ct_board_ring *ring = ring_of(fixture, 0);

    starts_again = TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        put_wait(ring, now() - 10, 1);
        struct ct_ring_record *record = (void *)ct_ring_bytes(ring);
        assert_int_equal(ring->head & CT_RING_POSITION_MASK, 40);
        record->size = sizes[i];
        ct_drain_now(fixture->drain);
        assert_int_equal(ring->tail, ring->head);
    }
    ring->head += UINT64_C(1) << 30;
    ct_drain_now(fixture->drain);
    assert_int_equal(ring->tail, ring->head);
    put_wait(ring, now() - 10, 2);
    ct_drain_now(fixture->drain);
    assert_int_equal(at(written->len - 1)->object, 2);
}

static void a_record_that_ends_within_a_word_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    struct ct_board_ring *ring = ring_of(fixture, 0);
    struct ct_ring_record *record = (void *)ct_ring_bytes(ring);

    put_wait(ring, now() - 10, 1);
    put_wait(ring, now() - 10, 2);
    record->size += 4;
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 0);
    assert_int_equal(ring->tail, ring->head);
}

/* A program can write over where we are in its ring, too. */
static void a_position_that_makes_no_sense_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    struct ct_board_ring *ring = ring_of(fixture, 0);
    const struct {
        struct ct_ring_record record;
        char name[8];
    } named = {{.ticks = 1, .size = sizeof(named), .event = CT_EVENT_ID_THREAD_NAME}, "n"};
    const struct {
        uint64_t head, tail;
    } positions[] = {
        {0, 8},                                        /* behind the head */
        {16, CT_RING_POSITION_MASK & ~UINT64_C(7)},    /* far behind it */
        {CT_RING_SMALL_SIZE + 16, 8},                  /* more than a ring before it */
        {CT_RING_POSITION_MASK & ~UINT64_C(7), 0},     /* far before it */
        {64, 4},                                       /* within a word */
        {CT_RING_EPOCH | (CT_RING_SMALL_SIZE + 8), 8}, /* another epoch, and too much */
        {UINT64_MAX, UINT64_MAX - 4},                  /* none at all */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(positions); i++) {
        ring->head = ring->tail = 0;
        put_wait(ring, now() - 10, 1);
        ct_drain_now(fixture->drain);
        guint before = written->len;
        /* Whoever went there would find records. */
        for (size_t at = (positions[i].tail & CT_RING_POSITION_MASK) % CT_RING_SMALL_SIZE;
             at + sizeof(named) <= CT_RING_SMALL_SIZE; at += sizeof(named))
            memcpy(ct_ring_bytes(ring) + at, &named, sizeof(named));
        ring->head = positions[i].head;
        ring->tail = positions[i].tail;
        ct_drain_now(fixture->drain);
        assert_int_equal(written->len, before);
        assert_int_equal(ring->tail, ring->head);
    }
}

/* Nothing is older than its image, however old it says that it is. */
static void times_do_not_wrap(void **state)
{
    struct fixture *fixture = *state;
    uint64_t start = now() - 1000000;

    ct_boards_update(fixture->boards); /* read once */
    put_wait(ring_of(fixture, 0), 0, 1);
    fixture->control.ns_per_tick = UINT64_MAX;
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 1);
    assert_int_equal(at(0)->source.time_ns, 0); /* its board's start */
    assert_true(start > at(0)->source.time_ns);
}

/* It is whole, and in the ring, but no thread writes such a one. */
static void a_record_that_is_too_large_is_passed_over(void **state)
{
    static const uint16_t sizes[] = {CT_RING_RECORD_MAX, CT_RING_RECORD_MAX + 8};
    struct fixture *fixture = *state;
    struct ct_board_ring *ring = ring_of(fixture, 0);
    g_autofree uint8_t *bytes = g_malloc0(CT_RING_RECORD_MAX);

    memset(bytes, 'n', 10);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        put(ring, now() - 10, CT_EVENT_ID_THREAD_NAME, bytes,
            sizes[i] - sizeof(struct ct_ring_record));
        ct_drain_now(fixture->drain);
        assert_int_equal(ring->tail, ring->head);
        assert_int_equal(written->len, 1);
    }
}

static void held_events_wait(void **state)
{
    struct fixture *fixture = *state;

    put_wait(ring_of(fixture, 0), now() - 10, 1);
    ct_drain_hold(fixture->drain, TRUE);
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 0);
    ct_drain_hold(fixture->drain, FALSE);
    is_there = FALSE;
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 0);
    is_there = TRUE;
    ct_drain_now(fixture->drain);
    assert_int_equal(written->len, 1);
}

/* ---- The packed form. ---- */

static void what_is_packed_comes_out(void **state)
{
    static const uint64_t values[] = {1, 2, UINT64_MAX};
    const struct ct_event_counters counters = {
        .pid = 4, .tid = -5, .calls = 6, .histogram = {values, 3}};
    const struct ct_event_process_start start = {
        .ppid = -1, .rate_ns = 7, .exe = "/bin/x", .args = "", .cwd = "größe"};
    struct ct_event_counters counters_read = {0};
    struct ct_event_process_start start_read = {0};
    _Alignas(8) uint8_t bytes[256];

    (void)state;
    ct_pack_counters(&counters, bytes);
    assert_true(ct_unpack_counters(bytes, ct_packed_size_counters(&counters), &counters_read));
    assert_int_equal(counters_read.tid, -5);
    assert_int_equal(counters_read.calls, 6);
    assert_int_equal(counters_read.histogram.count, 3);
    assert_memory_equal(counters_read.histogram.values, values, sizeof(values));
    ct_pack_process_start(&start, bytes);
    assert_true(ct_unpack_process_start(bytes, ct_packed_size_process_start(&start), &start_read));
    assert_int_equal(start_read.ppid, -1);
    assert_string_equal(start_read.exe, "/bin/x");
    assert_string_equal(start_read.args, "");
    assert_string_equal(start_read.cwd, "größe");
}

/* In memory of just the size, so that a sanitizer sees what is read beyond it. */
static void what_is_cut_off_is_refused(void **state)
{
    static const uint64_t values[] = {1, 2, 3};
    const struct ct_event_counters counters = {.histogram = {values, 3}};
    const struct ct_event_fd fd = {.local = "here", .peer = "there"};
    struct ct_event_counters counters_read = {0};
    struct ct_event_fd fd_read = {0};
    uint8_t bytes[256];

    (void)state;
    ct_pack_counters(&counters, bytes);
    for (size_t size = 0; size < ct_packed_size_counters(&counters); size++) {
        g_autofree uint8_t *cut = g_memdup2(bytes, size);
        assert_false(ct_unpack_counters(cut, size, &counters_read));
    }
    ct_pack_fd(&fd, bytes);
    for (size_t size = 0; size < ct_packed_size_fd(&fd); size++) {
        g_autofree uint8_t *cut = g_memdup2(bytes, size);
        assert_false(ct_unpack_fd(cut, size, &fd_read));
    }
}

/* ---- Children without a board ---- */

#define CHILD    99
#define LATER_NS UINT64_C(5000000)

/* What is to be told of a child that began, but has not been told yet. */
static struct ct_forked_news *find_news(struct fixture *fixture, struct ct_drain_round *round)
{
    const GPtrArray *boards = ct_boards_update(fixture->boards);
    const struct ct_mapped_board *board = boards->pdata[0];
    struct ct_forked_news *news = ct_forked_news_new(fixture->boards, &writer);

    *round = (struct ct_drain_round){now(), now(), fixture->control.ns_per_tick};
    fixture->board->forked[0].pid = CHILD;
    fixture->board->forked[0].start_ns = fixture->board->forked[0].start_ticks = now();
    fixture->board->forked[0].state = CT_FORKED_ALIVE;
    fixture->board->forked_high_water = 1;
    ct_forked_news_begin(news);
    ct_forked_news_add(news, board->map, now());
    ct_forked_news_sort(news);
    assert_true(ct_forked_news_is_due(news, UINT64_MAX));
    return news;
}

static void a_child_that_has_no_board_is_told_of(void **state)
{
    struct fixture *fixture = *state;
    struct ct_drain_round round;
    struct ct_forked_news *news = find_news(fixture, &round);

    ct_forked_news_write_next(news, &round);
    assert_int_equal(at(0)->event, CT_EVENT_ID_PROCESS_START);
    assert_int_equal(at(0)->source.vpid, CHILD);
    assert_int_equal(fixture->board->forked[0].state, CT_FORKED_ALIVE | CT_FORKED_START_TOLD);
    ct_forked_news_free(news);
}

/* Its times on a CPU are told by the kernel's, and are of the image that it was. */
static void one_that_is_told_of_late_began_when_it_did(void **state)
{
    struct fixture *fixture = *state;
    struct ct_drain_round round;
    struct ct_forked_news *news = find_news(fixture, &round);

    last_ns = round.now_ns + LATER_NS;
    ct_forked_news_write_next(news, &round);
    for (guint i = 0; i < written->len; i++) {
        assert_true(at(i)->source.time_ns == last_ns);
        assert_true(at(i)->source.lag_ns == LATER_NS);
    }
    assert_true(written->len > 0);
    ct_forked_news_free(news);
}

static void one_that_gets_a_board_meanwhile_is_told_of_there(void **state)
{
    struct fixture *fixture = *state;
    struct ct_drain_round round;
    struct ct_forked_news *news = find_news(fixture, &round);

    fixture->board->forked[0].state = CT_FORKED_MOVING;
    ct_forked_news_write_next(news, &round);
    assert_int_equal(written->len, 0);
    assert_int_equal(fixture->board->forked[0].state, CT_FORKED_MOVING);
    ct_forked_news_free(news);
}

int main(void)
{
#define DRAIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        DRAIN_TEST(events_of_all_threads_are_in_order),
        DRAIN_TEST(times_never_go_back),
        DRAIN_TEST(more_threads_have_more_rings),
        DRAIN_TEST(a_thread_goes_on_in_a_large_ring),
        DRAIN_TEST(segments_that_make_no_sense_are_not_there),
        DRAIN_TEST(refusals_are_counted_once),
        cmocka_unit_test(tables_have_no_gaps),
        DRAIN_TEST(a_long_lag_finds_room),
        DRAIN_TEST(what_is_newer_than_the_round_stays),
        DRAIN_TEST(a_ring_goes_round),
        DRAIN_TEST(close_waits_are_written_together),
        DRAIN_TEST(an_empty_ring_is_begun_anew),
        DRAIN_TEST(a_ring_that_was_written_over_is_passed_over),
        DRAIN_TEST(a_record_that_ends_within_a_word_is_passed_over),
        DRAIN_TEST(a_position_that_makes_no_sense_is_passed_over),
        DRAIN_TEST(times_do_not_wrap),
        DRAIN_TEST(a_record_that_is_too_large_is_passed_over),
        DRAIN_TEST(held_events_wait),
        DRAIN_TEST(a_child_that_has_no_board_is_told_of),
        DRAIN_TEST(one_that_is_told_of_late_began_when_it_did),
        DRAIN_TEST(one_that_gets_a_board_meanwhile_is_told_of_there),
        cmocka_unit_test(what_is_packed_comes_out),
        cmocka_unit_test(what_is_cut_off_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
