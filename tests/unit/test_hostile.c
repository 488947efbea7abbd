/*
 * Boards whose programs mean harm: numbers that cannot be, numbers that change while they are read,
 * and files that are cut short. To be run under a sanitizer, too.
 */
#include "closing.h"
#include "drain.h"
#include "schema/packed_event.h"
#include "sigbus.h"
#include "system/monotonic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define HOSTILE_PID 1000001 /* of no process */
#define HONEST_PID  1000002

/* ---- What LTTng would get. ---- */

static struct {
    uint64_t events; /* all */
    uint64_t counters_of_hostile, counters_of_honest;
    uint64_t stack_words;
    uint64_t text_size;
} got;

/* Whatever there is is read, so that a sanitizer sees where it ends. */
#define READ_NUMBER(name) got.events += (uint64_t)event->name >> 63
#define READ_U8           READ_NUMBER
#define READ_U32          READ_NUMBER
#define READ_U64          READ_NUMBER
#define READ_I16          READ_NUMBER
#define READ_I32          READ_NUMBER
#define READ_HEX64        READ_NUMBER
#define READ_OP           READ_NUMBER
#define READ_CLASS        READ_NUMBER
#define READ_FD_KIND      READ_NUMBER
#define READ_STRING(name) got.text_size += strlen(event->name)
#define READ_SEQUENCE(name)                          \
    for (uint32_t i = 0; i < event->name.count; i++) \
    got.stack_words += event->name.values[i] != 0
#define READ_HISTOGRAM READ_SEQUENCE
#define READ_ADDRESSES READ_SEQUENCE
#define READ_COLUMN(name, type)                      \
    for (uint32_t i = 0; i < event->name.count; i++) \
    got.stack_words += ((const type *)event->name.values)[i] != 0
#define READ_I32_COLUMN(name)   READ_COLUMN(name, int32_t)
#define READ_U32_COLUMN(name)   READ_COLUMN(name, uint32_t)
#define READ_HEX64_COLUMN(name) READ_COLUMN(name, uint64_t)
#define READ_I16_COLUMN(name)   READ_COLUMN(name, int16_t)
#define READ_U8_COLUMN(name)    READ_COLUMN(name, uint8_t)
#define READ_FIELD(type, name)  READ_##type(name);

#define READER(symbol, name, channel)                                                              \
    static void read_##name(const struct ct_source *source, const struct ct_event_##name *event)   \
    {                                                                                              \
        got.events++;                                                                              \
        if (CT_EVENT_ID_##symbol == CT_EVENT_ID_COUNTERS)                                          \
            *(source->vpid == HOSTILE_PID ? &got.counters_of_hostile : &got.counters_of_honest) += \
                1;                                                                                 \
        CT_EVENT_##symbol(READ_FIELD)                                                              \
    }
CT_PROGRAM_EVENTS(READER)
#undef READER
#define READER(symbol, name, channel)                            \
    static void read_##name(const struct ct_event_##name *event) \
    {                                                            \
        got.events++;                                            \
        CT_EVENT_##symbol(READ_FIELD)                            \
    }
CT_RECORDER_EVENTS(READER)
#undef READER

static bool is_enabled(void)
{
    return true;
}

static uint64_t time_of(uint64_t time_ns)
{
    return time_ns;
}

static void set_time(uint64_t time_ns)
{
    (void)time_ns;
}

static const struct ct_writer writer = {.is_enabled = is_enabled,
                                        .time_of = time_of,
                                        .set_time = set_time,
#define READER(symbol, name, channel) .name = read_##name,
                                        CT_PROGRAM_EVENTS(READER) CT_RECORDER_EVENTS(READER)};

/* ---- Two boards, and no session. ---- */

struct image {
    char *path; /* owned */
    int fd;
    struct ct_board *board; /* all of the file, as the program sees it */
};

struct fixture {
    struct ct_control control;
    struct ct_session_directory directory;
    struct ct_boards *boards;
    struct ct_drain *drain;
    struct ct_closing closing;
    struct image hostile, honest;
};

/* With a few segments of each table. */
static const enum ct_table tables[] = {CT_TABLE_SLOTS,   CT_TABLE_RINGS,   CT_TABLE_WORDS,
                                       CT_TABLE_MODULES, CT_TABLE_BUCKETS, CT_TABLE_LIVES};

static size_t file_size(void)
{
    size_t size = CT_BOARD_START_SIZE;

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        size += ct_segment_size(tables[i], 1);
    return size;
}

static struct image make_image(int32_t pid)
{
    struct image image = {.fd = -1};

    image.fd = g_file_open_tmp("ctrace-hostile-XXXXXX", &image.path, NULL);
    assert_true(image.fd >= 0);
    assert_int_equal(ftruncate(image.fd, (off_t)file_size()), 0);
    image.board = mmap(NULL, file_size(), PROT_READ | PROT_WRITE, MAP_SHARED, image.fd, 0);
    assert_ptr_not_equal(image.board, MAP_FAILED);
    image.board->schema_version = CT_SCHEMA_VERSION;
    image.board->pid = pid;
    image.board->start_ns = ct_monotonic_ns();
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        image.board->segments[i] = (uint8_t)(tables[i] + 1);
    image.board->thread_high_water = 1;
    image.board->threads_started = 1;
    image.board->waits_recorded = 3;
    image.board->used_words = 1;
    struct ct_board_thread *thread = &image.board->slots[0].thread;
    thread->tid = pid;
    thread->start_ns = image.board->start_ns;
    thread->waits_recorded = 4;
    thread->class_ns[CT_CLASS_NET] = 1000;
    thread->counters_used = 2;
    thread->counters_of[CT_OP_READ] = 1;
    thread->counters_of[CT_OP_COUNT - 1] = 2;
    thread->counters[0] = (struct ct_board_counters){.calls = 2, .total_ns = 1000};
    image.board->magic = CT_BOARD_MAGIC;
    return image;
}

static void add_image(struct fixture *fixture, const struct image *image)
{
    assert_int_equal(ct_boards_add(fixture->boards, image->path, image->fd), CT_BOARD_COMPLETE);
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    memset(&got, 0, sizeof(got));
    fixture->control.ns_per_tick = UINT64_C(1) << 32;
    fixture->control.begin_ns = 1;
    fixture->directory = (struct ct_session_directory){.control = &fixture->control};
    int fd = memfd_create("control", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, sizeof(struct ct_control)), 0);
    fixture->directory.published = ct_shared_memory_map(fd, sizeof(struct ct_control));
    close(fd);
    fixture->boards = ct_boards_new(NULL);
    fixture->drain = ct_drain_new(&fixture->directory, fixture->boards, &writer);
    fixture->closing = (struct ct_closing){.directory = &fixture->directory,
                                           .boards = fixture->boards,
                                           .writer = &writer,
                                           .cut_ns = UINT64_MAX,
                                           .unpreloaded = ct_unpreloaded_new()};
    fixture->hostile = make_image(HOSTILE_PID);
    fixture->honest = make_image(HONEST_PID);
    add_image(fixture, &fixture->hostile);
    add_image(fixture, &fixture->honest);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    struct image *images[] = {&fixture->hostile, &fixture->honest};

    ct_drain_free(fixture->drain);
    ct_shared_memory_unmap(fixture->directory.published);
    ct_boards_free(fixture->boards);
    ct_unpreloaded_free(fixture->closing.unpreloaded);
    for (size_t i = 0; i < G_N_ELEMENTS(images); i++) {
        munmap(images[i]->board, file_size());
        close(images[i]->fd);
        unlink(images[i]->path);
        g_free(images[i]->path);
    }
    g_free(fixture);
    return 0;
}

/* What of the honest one is there, and nothing of the other. */
static void assert_only_hostile_left_out(struct fixture *fixture)
{
    const GArray *damaged = ct_boards_damaged(fixture->boards);

    fixture->closing.totals = (struct ct_closing_totals){0};
    got.counters_of_hostile = got.counters_of_honest = 0;
    ct_drain_now(fixture->drain);
    ct_closing_write_all(&fixture->closing);
    assert_int_equal(damaged->len, 1);
    assert_int_equal(g_array_index(damaged, int32_t, 0), HOSTILE_PID);
    assert_int_equal(fixture->closing.totals.processes, 2);
    assert_int_equal(fixture->closing.totals.waits, 7);
    assert_int_equal(fixture->closing.totals.threads, 1);
    assert_int_equal(fixture->closing.totals.stacks_lost, 0);
    assert_int_equal(got.counters_of_honest, 1);
    assert_int_equal(got.counters_of_hostile, 0);
}

/* ---- */

static void what_can_be_is_counted(void **state)
{
    struct fixture *fixture = *state;

    ct_closing_write_all(&fixture->closing);
    assert_int_equal(ct_boards_damaged(fixture->boards)->len, 0);
    assert_int_equal(fixture->closing.totals.waits, 14);
    assert_int_equal(fixture->closing.totals.threads, 2);
    assert_int_equal(got.counters_of_hostile, 1);
}

static void counts_that_cannot_be_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    struct ct_board *board = fixture->hostile.board;
    struct ct_board_thread *thread = &board->slots[0].thread;
    uint64_t *const numbers[] = {
        &thread->class_ns[CT_CLASS_SYNC],
        &thread->counters[0].calls,
        &thread->counters[1].total_ns,
        &thread->waits_recorded,
        &thread->start_ns,
        (uint64_t *)&board->waits_recorded,
        (uint64_t *)&board->threads_started,
        (uint64_t *)&board->stacks_lost,
        (uint64_t *)&board->threads_lost,
        (uint64_t *)&board->modules_lost,
        (uint64_t *)&board->events_lost,
        (uint64_t *)&board->end_ns,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        uint64_t before = *numbers[i];
        for (unsigned k = 0; k < 2; k++) {
            *numbers[i] = k == 0 ? UINT64_C(1000000000000000000) : UINT64_MAX;
            assert_only_hostile_left_out(fixture);
        }
        *numbers[i] = before;
    }
}

static void a_file_that_is_cut_short_is_lost_alone(void **state)
{
    struct fixture *fixture = *state;

    ct_sigbus_survive(NULL); /* cmocka has a handler of its own in each test */
    assert_int_equal(ftruncate(fixture->hostile.fd, 4096), 0);
    assert_only_hostile_left_out(fixture);
    const GPtrArray *mapped = ct_boards_update(fixture->boards);
    assert_true(((const struct ct_mapped_board *)mapped->pdata[0])->is_lost);
    assert_false(((const struct ct_mapped_board *)mapped->pdata[1])->is_lost);
    assert_int_equal(ftruncate(fixture->hostile.fd, (off_t)file_size()), 0);
    assert_only_hostile_left_out(fixture); /* it stays so */
}

static void a_file_that_was_cut_before_anybody_looked_is_nonsense(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(ftruncate(fixture->hostile.fd, 4096), 0);
    assert_int_equal(ct_boards_add(fixture->boards, "cut", fixture->hostile.fd), CT_BOARD_NONSENSE);
}

static void a_file_that_is_not_written_yet_is_incomplete(void **state)
{
    struct fixture *fixture = *state;
    int fd = memfd_create("new", MFD_CLOEXEC);

    assert_int_equal(ct_boards_add(fixture->boards, "new", fd), CT_BOARD_INCOMPLETE);
    assert_int_equal(ftruncate(fd, (off_t)file_size()), 0);
    assert_int_equal(ct_boards_add(fixture->boards, "new", fd), CT_BOARD_INCOMPLETE);
    close(fd);
}

/* As where there was no memory for a page. */
static void a_file_that_is_whole_again_is_used_again(void **state)
{
    struct fixture *fixture = *state;
    struct ct_mapped_board *mapped = ct_boards_update(fixture->boards)->pdata[0];
    struct ct_board_thread_copy thread;

    ct_sigbus_survive(NULL);
    assert_int_equal(ftruncate(fixture->hostile.fd, 4096), 0);
    assert_false(ct_board_map_read_thread(mapped->map, 0, ct_monotonic_ns(), &thread));
    assert_true(ct_board_map_is_broken(mapped->map));
    assert_int_equal(ftruncate(fixture->hostile.fd, (off_t)file_size()), 0);
    fixture->hostile.board->slots[0].thread.tid = HOSTILE_PID;
    ct_boards_update(fixture->boards);
    assert_false(mapped->is_lost);
    assert_true(ct_board_map_read_thread(mapped->map, 0, ct_monotonic_ns(), &thread));
    assert_int_equal(thread.tid, HOSTILE_PID);
}

static void a_board_of_nobody_or_of_later_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct ct_board *board = fixture->hostile.board;

    board->pid = -1;
    assert_int_equal(ct_boards_add(fixture->boards, "none", fixture->hostile.fd),
                     CT_BOARD_NONSENSE);
    board->pid = HOSTILE_PID;
    board->start_ns += UINT64_C(1000000000000);
    assert_int_equal(ct_boards_add(fixture->boards, "none", fixture->hostile.fd),
                     CT_BOARD_NONSENSE);
    board->magic = 0;
    assert_int_equal(ct_boards_add(fixture->boards, "none", fixture->hostile.fd),
                     CT_BOARD_INCOMPLETE);
}

/* ---- Against a program that writes meanwhile. ---- */

enum { ROUNDS = 150 };

struct race {
    struct ct_board *board;
    _Atomic gboolean is_over;
};

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Numbers that are checked are now right, and now far too large. */
static void *write_over(void *data)
{
    struct race *race = data;
    struct ct_board *board = race->board;
    struct ct_board_slot *slot = &board->slots[0];
    struct ct_board_ring *ring = ct_slot_ring(slot);
    struct ct_board_stack *stack = (void *)&board->words[1];
    struct ct_ring_record *record = (void *)ct_ring_bytes(ring);
    uint64_t random = 88172645463325252;

    while (!race->is_over) {
        uint64_t bits = next_random(&random);
        gboolean is_right = bits & 1;
        board->thread_high_water = is_right ? 1 : 0x7fffffff;
        board->used_words = is_right ? 600 : 0xfffffff0;
        board->life_count = board->module_count = is_right ? 1 : UINT32_MAX;
        board->lives[0].module = is_right ? 1 : (uint32_t)bits;
        board->modules[0].is_ready = 1;
        board->modules[0].end = UINT64_MAX;
        __atomic_store_n(&board->modules[0].build_id_size, is_right ? 20 : 0xffffff, 0);
        __atomic_store_n(&stack->count, is_right ? 9 : (uint32_t)(bits >> 8), 0);
        __atomic_store_n(&slot->thread.wait.class, is_right ? 2 : 255, 0);
        __atomic_store_n(&slot->thread.wait.op, is_right ? 2 : 255, 0);
        slot->thread.wait.state = 1;
        slot->thread.counters_used = is_right ? 3 : (uint32_t)bits;
        slot->thread.counters_of[bits % CT_OP_COUNT] = is_right ? 3 : (uint8_t)(bits >> 8);
        slot->thread.tid = is_right ? 5 : -1;
        __atomic_store_n(&slot->large_ring, is_right ? 1 : (uint32_t)(bits >> 4), 0);
        __atomic_store_n(&record->size, is_right ? 64 : (uint16_t)(bits >> 16), 0);
        __atomic_store_n(&record->event, (uint8_t)(bits % (CT_EVENT_COUNT + 1)), 0);
        ring->head = is_right ? 64 : bits;
        ring->tail = is_right ? 0 : bits >> 3;
        board->pid = (int32_t)bits;
        memset(board->exe, is_right ? 'x' : 0, sizeof(board->exe));
        board->state = is_right ? CT_PROCESS_EXECED : (uint32_t)bits;
        __atomic_store_n(&board->successor.obstacle, is_right ? 0 : (uint32_t)bits, 0);
        memset(board->successor.name, 'x', sizeof(board->successor.name));
    }
    return NULL;
}

static void a_program_that_writes_meanwhile_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    struct race race = {.board = fixture->hostile.board};
    GThread *thread = g_thread_new("race", write_over, &race);

    for (unsigned i = 0; i < ROUNDS; i++) {
        ct_drain_now(fixture->drain);
        ct_closing_write_all(&fixture->closing);
        ct_closing_find_unpreloaded(&fixture->closing);
        const struct ct_mapped_board *mapped = ct_boards_update(fixture->boards)->pdata[0];
        assert_int_equal(ct_board_map_identity(mapped->map)->pid, HOSTILE_PID);
        ct_board_is_drained(mapped);
    }
    race.is_over = TRUE;
    g_thread_join(thread);
    assert_true(got.events > ROUNDS);
    assert_int_equal(got.counters_of_honest, ROUNDS);
}

/* Whatever bytes they are. */
static void random_bytes_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 1234567;
    size_t small_end = offsetof(struct ct_board, slots) + sizeof(struct ct_board_slot);

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t *words = (uint64_t *)(void *)fixture->hostile.board;
        for (unsigned i = 0; i < 64; i++) {
            size_t end = i % 2 == 0 ? offsetof(struct ct_board, exe) : small_end;
            uint64_t bits = next_random(&random);
            words[bits % (end / sizeof(*words))] = next_random(&random) >> (bits >> 58);
        }
        ct_drain_now(fixture->drain);
        ct_closing_write_all(&fixture->closing);
    }
    assert_int_equal(got.counters_of_honest, ROUNDS);
}

int main(void)
{
#define HOSTILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HOSTILE_TEST(what_can_be_is_counted),
        HOSTILE_TEST(counts_that_cannot_be_are_left_out),
        HOSTILE_TEST(a_file_that_is_cut_short_is_lost_alone),
        HOSTILE_TEST(a_file_that_was_cut_before_anybody_looked_is_nonsense),
        HOSTILE_TEST(a_file_that_is_not_written_yet_is_incomplete),
        HOSTILE_TEST(a_file_that_is_whole_again_is_used_again),
        HOSTILE_TEST(a_board_of_nobody_or_of_later_is_none),
        HOSTILE_TEST(a_program_that_writes_meanwhile_does_no_harm),
        HOSTILE_TEST(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
