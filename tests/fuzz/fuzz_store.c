/*
 * The parts of a store, as if their checksums were right: blocks of each kind, pages, what a model
 * says, and whole files. Whatever the bytes are, there is an answer or an error, and no interval
 * that no reading could have handed on.
 */
#include "fuzz.h"
#include "store/builder.h"
#include "store/columns.h"
#include "store/lanes.h"
#include "store/model_section.h"

#include <sys/mman.h>
#include <unistd.h>

/* What an input is, by its first byte; below, a block of that kind. */
enum { FUZZ_MODEL = CT_LANE_KIND_COUNT, FUZZ_PAGE, FUZZ_FILE, FUZZ_PART_COUNT };

static int make_file(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("store", MFD_CLOEXEC);

    FUZZ_REQUIRE(fd >= 0 && (size == 0 || write(fd, bytes, size) == (ssize_t)size));
    return fd;
}

static void check_interval(const struct ct_interval *interval)
{
    FUZZ_REQUIRE(interval->thread != NULL);
    FUZZ_REQUIRE(interval->begin_ns <= interval->end_ns);
    FUZZ_REQUIRE(interval->wait_begin_ns <= interval->begin_ns);
    FUZZ_REQUIRE(interval->end_ns <= interval->wait_end_ns);
    FUZZ_REQUIRE(interval->op < CT_OP_COUNT && interval->class < CT_CLASS_COUNT);
    FUZZ_REQUIRE(interval->release_count == 0 || interval->releases != NULL);
    FUZZ_REQUIRE(!interval->fd || (interval->fd->local && interval->fd->peer));
}

/* A store with two threads, in whose place the blocks are read. */
static struct ct_store *small_store(struct ct_model *loaded, int fd)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_process *process = ct_model_add_process(model, 5, 1, 0);
    struct ct_thread *first = ct_model_add_thread(model, process, 5, 1, 0);
    struct ct_thread *second = ct_model_add_thread(model, process, 6, 1, 0);
    const struct ct_wake releases[] = {{15, second, 1, CT_OP_MUTEX_LOCK}};
    const struct ct_interval interval = {.thread = first,
                                         .begin_ns = 10,
                                         .end_ns = 20,
                                         .wait_begin_ns = 10,
                                         .wait_end_ns = 20,
                                         .weight = 1,
                                         .op = CT_OP_MUTEX_LOCK,
                                         .class = CT_CLASS_SYNC,
                                         .waker = second,
                                         .is_for_lock = TRUE,
                                         .releases = releases,
                                         .release_count = 1};
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};
    int aside = make_file(NULL, 0);
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(fd, aside);
    const struct ct_sink sink = ct_store_builder_sink(builder);

    sink.on_interval(sink.user, &interval);
    FUZZ_REQUIRE(ct_store_builder_finish(builder, model, key, NULL));
    close(aside);
    return ct_store_open(fd, NULL, loaded, NULL);
}

static void read_block(enum ct_lane_kind kind, const uint8_t *bytes, size_t size)
{
    g_autoptr(ct_model) model = ct_model_new();
    int fd = make_file(NULL, 0);
    g_autoptr(ct_store) store = small_store(model, fd);
    struct ct_store_record records[CT_BLOCK_RECORDS];
    struct ct_summary summary;
    struct ct_block block;

    FUZZ_REQUIRE(store != NULL);
    ct_block_open(&block, kind, bytes, size);
    size_t count = ct_block_load(&block, records);

    FUZZ_REQUIRE(count <= CT_BLOCK_RECORDS);
    ct_summary_set(&summary, kind, records, count);
    FUZZ_REQUIRE(summary.count == count);
    for (size_t i = 0; i < count; i++) {
        struct ct_interval interval;
        struct ct_fd descriptor;

        if (kind == CT_LANE_INTERVALS &&
            ct_store_make_interval(store, model->threads->pdata[0], &records[i], &interval,
                                   &descriptor))
            check_interval(&interval);
    }
    ct_block_close(&block);
    close(fd);
}

static void read_model(const uint8_t *bytes, size_t size)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GPtrArray) processes = g_ptr_array_new();
    struct ct_bytes_input input = {bytes, bytes + size, FALSE};

    if (!ct_model_section_read(model, &input, processes))
        return;
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = model->threads->pdata[i];

        FUZZ_REQUIRE(thread->process != NULL && thread->name != NULL);
    }
}

static void read_page(const uint8_t *bytes, size_t size)
{
    int fd = make_file(bytes, size);
    const struct ct_entry page = {
        .size = size, .checksum = ct_store_checksum(bytes, size), .level = 1};
    struct ct_tree_reader reader = {fd, size};
    size_t count;

    if (size > 0)
        g_free(ct_page_load(&reader, &page, &count));
    close(fd);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    (void)user;
    check_interval(interval);
}

/* Lanes as columns, and backwards. */
static void look_at(struct ct_store *store, const struct ct_model *model)
{
    const struct ct_store_grid grids[] = {{0, CT_COLUMN_LEVEL_MAX, 4}, {model->begin_ns, 3, 64}};
    struct ct_store_id id;

    for (size_t i = 0; i < G_N_ELEMENTS(grids); i++) {
        for (guint number = 0; number < model->all_threads->len; number++) {
            struct ct_thread *thread = model->all_threads->pdata[number];
            struct ct_store_column columns[64] = {0};

            if (!ct_store_thread_columns(store, thread, &grids[i], columns, NULL))
                continue;
            for (guint column = 0; column < grids[i].count; column++)
                FUZZ_REQUIRE(!columns[column].peak.is_there || columns[column].peak.thread);
            if (ct_store_interval_before(store, thread, UINT64_MAX, &id, NULL))
                FUZZ_REQUIRE(id.thread == thread);
        }
        for (guint number = 0; number < ct_store_object_count(store); number++) {
            struct ct_store_column columns[64] = {0};

            (void)ct_store_object_columns(store, number, &grids[i], columns, NULL);
            if (ct_store_object_wait_before(store, number, UINT64_MAX, &id, NULL))
                FUZZ_REQUIRE(id.thread != NULL);
        }
    }
}

static void read_file(const uint8_t *bytes, size_t size)
{
    int fd = make_file(bytes, size);
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_store) store = ct_store_open(fd, NULL, model, NULL);
    const struct ct_sink sink = {.on_interval = on_interval};
    const struct ct_store_scope everything = {0};

    if (store)
        ct_store_replay(store, &everything, &sink, NULL);
    if (store)
        look_at(store, model);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    unsigned part = fuzz_take_u8(&input) % FUZZ_PART_COUNT;

    if (part < CT_LANE_KIND_COUNT)
        read_block((enum ct_lane_kind)part, input.at, input.left);
    else if (part == FUZZ_MODEL)
        read_model(input.at, input.left);
    else if (part == FUZZ_PAGE)
        read_page(input.at, input.left);
    else
        read_file(input.at, input.left);
    return 0;
}
