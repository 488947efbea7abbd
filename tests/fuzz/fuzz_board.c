/*
 * A board that its program writes over, before and while the recorder reads it: what is drained
 * from its rings, what is copied for a snapshot, and what is written when the trace is cut.
 *
 * An input is a byte of choices, then pokes: a byte that chooses the place, with what it takes to
 * find it, and a byte that chooses the value. Those with a high place are made again and again by
 * another thread meanwhile, in turns with what stood there.
 */
#include "files/tree.h"
#include "fuzz.h"
#include "record/board_copy.h"
#include "record/closing.h"
#include "record/drain.h"
#include "record/sigbus.h"
#include "schema/packed_event.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PID       77
#define POKES_MAX 64
/* The heap's tables come first. */
#define HEAP_SIZE (ct_segment_size(CT_TABLE_SITES, 1) + ct_segment_size(CT_TABLE_BLOCKS, 1))
#define FILE_SIZE                                                           \
    (CT_BOARD_START_SIZE + HEAP_SIZE + ct_segment_size(CT_TABLE_SLOTS, 1) + \
     ct_segment_size(CT_TABLE_WORDS, 1) + ct_segment_size(CT_TABLE_RINGS, 1))

/* ---- A writer that LTTng has no part in: it looks at all that it is given. ---- */

static volatile uint64_t looked_at;

static void look_number(uint64_t number)
{
    looked_at += number;
}

static void look_text(const char *text)
{
    looked_at += strlen(text);
}

static void look_sequence(struct ct_u64_sequence sequence)
{
    FUZZ_REQUIRE(sequence.count <= CT_SEQUENCE_LENGTH_MAX);
    for (uint32_t i = 0; i < sequence.count; i++) {
        uint64_t value;

        memcpy(&value, &sequence.values[i], sizeof(value));
        looked_at += value;
    }
}

static void look_column(struct ct_column column, size_t size)
{
    FUZZ_REQUIRE(column.count <= CT_SEQUENCE_LENGTH_MAX);
    for (size_t i = 0; i < column.count * size; i++)
        looked_at += ((const uint8_t *)column.values)[i];
}

#define LOOK_U8              look_number
#define LOOK_U32             look_number
#define LOOK_U64             look_number
#define LOOK_I16(v)          look_number((uint64_t)(v))
#define LOOK_I32(v)          look_number((uint64_t)(v))
#define LOOK_HEX64           look_number
#define LOOK_OP              look_number
#define LOOK_CLASS           look_number
#define LOOK_FD_KIND         look_number
#define LOOK_STRING          look_text
#define LOOK_ADDRESSES       look_sequence
#define LOOK_HISTOGRAM       look_sequence
#define LOOK_I32_COLUMN(v)   look_column(v, sizeof(int32_t))
#define LOOK_U32_COLUMN(v)   look_column(v, sizeof(uint32_t))
#define LOOK_HEX64_COLUMN(v) look_column(v, sizeof(uint64_t))
#define LOOK_I16_COLUMN(v)   look_column(v, sizeof(int16_t))
#define LOOK_U8_COLUMN(v)    look_column(v, sizeof(uint8_t))

#define LOOK_FIELD(type, name) LOOK_##type(event->name);

#define LOOK_AT(symbol, own_name, channel)                                  \
    static void look_at_##own_name(const struct ct_source *source,          \
                                   const struct ct_event_##own_name *event) \
    {                                                                       \
        FUZZ_REQUIRE(source->vpid == PID);                                  \
        CT_EVENT_##symbol(LOOK_FIELD)                                       \
    }
CT_PROGRAM_EVENTS(LOOK_AT)
#undef LOOK_AT
#define LOOK_AT(symbol, own_name, channel)                                  \
    static void look_at_##own_name(const struct ct_event_##own_name *event) \
    {                                                                       \
        CT_EVENT_##symbol(LOOK_FIELD)                                       \
    }
CT_RECORDER_EVENTS(LOOK_AT)
#undef LOOK_AT

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
    look_number(time_ns);
}

static const struct ct_writer writer = {.is_enabled = is_enabled,
                                        .time_of = time_of,
                                        .set_time = set_time,
#define MEMBER(symbol, own_name, channel) .own_name = look_at_##own_name,
                                        CT_EVENTS(MEMBER)
#undef MEMBER
};

/* ---- What is written over. ---- */

struct poke {
    size_t at;
    unsigned size;
    uint64_t value;
};

struct pokes {
    struct poke all[POKES_MAX];
    unsigned count;
    char *board; /* borrowed mapping */
    int file;    /* to be cut short and made long again; -1: not */
    _Atomic gboolean is_over;
};

#define PLACE(member) offsetof(struct ct_board, member), sizeof(((struct ct_board *)0)->member)
#define RING          offsetof(struct ct_board, slots[0].small_ring)

static const struct {
    size_t at;
    unsigned size;
} places[] = {
    {PLACE(thread_high_water)},
    {PLACE(module_count)},
    {PLACE(used_words)},
    {PLACE(life_count)},
    {PLACE(ring_count)},
    {PLACE(state)},
    {PLACE(end_ns)},
    {PLACE(threads_started)},
    {PLACE(segments[0])},
    {PLACE(segments[1])},
    {PLACE(segments[2])},
    {PLACE(lives[0].module)},
    {PLACE(lives[0].until_ns)},
    {PLACE(modules[0].build_id_size)},
    {PLACE(modules[0].is_ready)},
    {PLACE(modules[0].end)},
    {PLACE(slots[0].thread.tid)},
    {PLACE(slots[0].thread.start_ns)},
    {PLACE(slots[0].thread.wait.state)},
    {PLACE(slots[0].thread.wait.stack)},
    {PLACE(slots[0].thread.wait.op)},
    {PLACE(slots[0].thread.wait.class)},
    {PLACE(slots[0].thread.wait.begin_ticks)},
    {PLACE(slots[0].thread.counters_used)},
    {PLACE(slots[0].thread.counters_of[CT_OP_READ])},
    {PLACE(slots[0].large_ring)},
    {RING + offsetof(struct ct_board_ring, head), 8},
    {RING + offsetof(struct ct_board_ring, tail), 8},
    {PLACE(unseen_children)},
    {PLACE(children[0].count)},
    {PLACE(children[0].obstacle)},
    {PLACE(successor.obstacle)},
    {PLACE(heap_rate)},
    {PLACE(heap_allocator)},
};

static uint64_t take_value(struct fuzz_input *input)
{
    uint8_t byte = fuzz_take_u8(input);

    if (byte < 64)
        return byte;
    if (byte < 128)
        return UINT64_C(1) << (byte - 64);
    return byte < 192 ? 0 - (uint64_t)(byte - 127) : fuzz_take_u64(input);
}

static struct poke take_poke(struct fuzz_input *input, uint8_t place)
{
    struct poke poke = {.size = 8};

    if (place < 64) {
        poke.at = places[place % G_N_ELEMENTS(places)].at;
        poke.size = places[place % G_N_ELEMENTS(places)].size;
    } else if (place < 96) { /* a record */
        poke.at = RING + sizeof(struct ct_board_ring) + fuzz_take_u8(input) * 8;
    } else if (place < 112) { /* a stack */
        poke.at = offsetof(struct ct_board, words) + fuzz_take_u8(input) * 8;
    } else if (place < 120) { /* the heap's sites, or its blocks */
        size_t size = place < 116 ? HEAP_SIZE : ct_segment_size(CT_TABLE_SITES, 1);
        poke.at =
            CT_BOARD_START_SIZE + HEAP_SIZE - size + fuzz_take_u16(input) * UINT64_C(8) % size;
    } else { /* anything */
        poke.at = fuzz_take_u16(input) * UINT64_C(8) % FILE_SIZE;
    }
    poke.value = take_value(input);
    return poke;
}

/* As a program does it: in one piece where it can be. */
static void write_value(char *at, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)(void *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)(void *)at = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)(void *)at = value;
        break;
    }
}

static void *write_over(void *data)
{
    struct pokes *pokes = data;
    uint64_t before[POKES_MAX] = {0};

    for (unsigned i = 0; i < pokes->count; i++)
        memcpy(&before[i], pokes->board + pokes->all[i].at, pokes->all[i].size);
    while (!pokes->is_over) {
        for (unsigned i = 0; i < pokes->count; i++)
            write_value(pokes->board + pokes->all[i].at, pokes->all[i].size, pokes->all[i].value);
        if (pokes->file >= 0)
            (void)!ftruncate(pokes->file, CT_BOARD_START_SIZE / 2);
        for (unsigned i = 0; i < pokes->count && pokes->file < 0; i++)
            write_value(pokes->board + pokes->all[i].at, pokes->all[i].size, before[i]);
        if (pokes->file >= 0)
            (void)!ftruncate(pokes->file, (off_t)FILE_SIZE);
    }
    return NULL;
}

/* ---- The board. ---- */

static void put_record(struct ct_board_ring *ring, enum ct_event event, const void *bytes,
                       size_t size)
{
    struct ct_ring_record record = {
        .ticks = 1,
        .tid = PID,
        .size = (uint16_t)((sizeof(record) + size + 7) / 8 * 8),
        .event = (uint8_t)event,
    };

    memcpy(ct_ring_bytes(ring) + ring->head, &record, sizeof(record));
    memcpy(ct_ring_bytes(ring) + ring->head + sizeof(record), bytes, size);
    ring->head += record.size;
}

static void fill_heap(struct ct_board *board)
{
    char *begin = (char *)board + CT_BOARD_START_SIZE;
    struct ct_board_heap_site *site = (void *)begin;
    struct ct_board_heap_bucket *bucket = (void *)(begin + ct_segment_size(CT_TABLE_SITES, 1));

    board->heap_allocator = 0x1000;
    board->heap_rate = 4096;
    board->segments[0] = CT_TABLE_SITES + 1;
    board->segments[1] = CT_TABLE_BLOCKS + 1;
    site->size = 100;
    site->allocated = 3;
    site->freed = 2;
    site->lives[5] = 2;
    site->head = ct_heap_head(1, 2, CT_HEAP_SITE_READY);
    bucket->addresses[0] = 0x5000;
}

/* A sound one, of a thread that waits and has a stack. */
static void fill(struct ct_board *board)
{
    const struct ct_event_wait wait = {.duration_ns = 5, .object = 7, .op = CT_OP_MUTEX_LOCK};
    const struct ct_event_fd fd = {.fd = 3, .local = "here", .peer = "there"};
    struct ct_board_stack *stack = (void *)&board->words[1];
    struct ct_board_thread *thread = &board->slots[0].thread;
    struct ct_board_ring *ring = ct_slot_ring(&board->slots[0]);
    _Alignas(8) uint8_t bytes[64];

    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = PID;
    board->thread_high_water = 1;
    board->module_count = 1;
    board->life_count = 1;
    board->used_words = 1 + CT_BOARD_STACK_HEADER + 2;
    board->lives[0].module = 1;
    board->modules[0].begin = 0x1000;
    board->modules[0].end = 0x2000;
    board->modules[0].is_ready = 1;
    stack->count = 2;
    thread->tid = PID;
    thread->wait.state = CT_WAIT_STATE_OPEN;
    thread->wait.stack = 1;
    thread->wait.op = CT_OP_READ;
    thread->wait.class = CT_CLASS_SYSCALL;
    ct_pack_wait(&wait, bytes);
    put_record(ring, CT_EVENT_ID_WAIT, bytes, ct_packed_size_wait(&wait));
    ct_pack_fd(&fd, bytes);
    put_record(ring, CT_EVENT_ID_FD, bytes, ct_packed_size_fd(&fd));
    fill_heap(board);
    board->magic = CT_BOARD_MAGIC;
}

/* As for a snapshot. */
static void copy_all(struct ct_boards *boards)
{
    g_autofree char *folder = g_build_filename(fuzz_folder(), "copies", NULL);
    const GPtrArray *mapped = ct_boards_update(boards);

    g_mkdir_with_parents(folder, 0700);
    for (guint i = 0; i < mapped->len; i++) {
        struct ct_board_copy *copy = ct_board_copy_take(mapped->pdata[i]);

        ct_board_copy_write(copy, folder);
        ct_board_copy_free(copy);
    }
    ct_tree_remove(folder);
}

static void record(char *folder, uint8_t choice, struct pokes *pokes)
{
    struct ct_control control = {.ns_per_tick = UINT64_C(1) << 32};
    struct ct_session_directory directory = {.path = folder, .control = &control};
    int fd = memfd_create("control", MFD_CLOEXEC);
    FUZZ_REQUIRE(ftruncate(fd, sizeof(control)) == 0);
    directory.published = ct_shared_memory_map(fd, sizeof(control));
    close(fd);
    struct ct_boards *boards = ct_boards_new(folder);
    struct ct_drain *drain = ct_drain_new(&directory, boards, &writer);
    struct ct_closing closing = {
        .directory = &directory,
        .boards = boards,
        .writer = &writer,
        .cut_ns = UINT64_MAX,
        .unpreloaded = ct_unpreloaded_new(),
    };

    struct ct_heap_sum heaps;

    ct_boards_update(boards);
    GThread *racer = choice & 1 ? g_thread_new("racer", write_over, pokes) : NULL;

    for (unsigned round = 0; round < 1U + (choice >> 1 & 7); round++) {
        ct_drain_now(drain);
        ct_closing_find_end_ns(&closing);
        ct_boards_look_at_heaps(boards, round * CT_HEAP_LOOK_NS);
        ct_boards_sum_heaps(boards, round * CT_HEAP_LOOK_NS, &heaps);
        copy_all(boards);
    }
    ct_closing_find_unpreloaded(&closing);
    if (choice & 16)
        ct_closing_write_ended(&closing);
    ct_closing_write_all(&closing);
    pokes->is_over = TRUE;
    if (racer)
        g_thread_join(racer);
    ct_unpreloaded_free(closing.unpreloaded);
    ct_drain_free(drain);
    ct_shared_memory_unmap(directory.published);
    ct_boards_free(boards);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gboolean survives; /* a board that is cut short */
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_take_u8(&input);
    g_autofree char *folder = g_build_filename(fuzz_folder(), "session", NULL);
    g_autofree char *path = g_strdup_printf("%s/%d-1.board", folder, PID);
    struct pokes pokes = {.file = -1};

    if (!survives)
        ct_sigbus_survive(NULL);
    survives = TRUE;
    g_mkdir_with_parents(folder, 0700);
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)FILE_SIZE) != 0)
        abort();
    pokes.board = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pokes.board == MAP_FAILED)
        abort();
    fill((struct ct_board *)(void *)pokes.board);
    while (input.left > 0) {
        uint8_t place = fuzz_take_u8(&input);
        struct poke poke = take_poke(&input, place & 127);

        if (place < 128)
            write_value(pokes.board + poke.at, poke.size, poke.value);
        else if (pokes.count < POKES_MAX)
            pokes.all[pokes.count++] = poke;
    }
    if (choice & 32) { /* only the file's size changes: what writes to it would be ended */
        pokes.file = fd;
        pokes.count = 0;
    }
    record(folder, choice, &pokes);
    munmap(pokes.board, FILE_SIZE);
    close(fd);
    return 0;
}
