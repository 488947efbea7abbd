/* Trees of a store that were made to be gone through for ever. */
#include "store/block.h"
#include "store/builder.h"
#include "store/store.h"
#include "store/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* To go through all of it once takes longer than anybody has. */
#define LEVELS 9

/* A page of which each entry is the same page or block. */
static struct ct_entry repeat(struct ct_store_out *out, const struct ct_entry *entry)
{
    struct ct_bytes bytes = {0};
    struct ct_entry page = *entry;

    ct_bytes_put(&bytes, CT_PAGE_ENTRIES);
    for (size_t i = 0; i < CT_PAGE_ENTRIES; i++)
        ct_entry_write(entry, &bytes);
    page.offset = out->offset;
    page.size = bytes.size;
    page.checksum = ct_store_checksum(bytes.bytes, bytes.size);
    page.level++;
    page.summary.count *= CT_PAGE_ENTRIES;
    ct_store_out_put(out, bytes.bytes, bytes.size);
    ct_bytes_clear(&bytes);
    return page;
}

static struct ct_entry repeat_often(struct ct_store_out *out)
{
    const struct ct_attribute attribute = {.numbers = {[CT_INTERVAL_CLASS] = CT_CLASS_SYNC}};
    const struct ct_store_record record = {.begin_ns = 100, .end_ns = 200, .attribute = &attribute};
    struct ct_bytes bytes = {0};
    struct ct_summary summary;

    ct_block_write(CT_LANE_INTERVALS, &record, 1, &bytes, &summary);
    struct ct_entry entry = ct_store_out_put_block(out, bytes.bytes, bytes.size, &summary);

    for (unsigned level = 0; level < LEVELS; level++)
        entry = repeat(out, &entry);
    ct_bytes_clear(&bytes);
    return entry;
}

/* In place of the directory of an empty store. */
static void put_directory(int fd, const struct ct_entry *root, struct ct_store_out *out)
{
    struct ct_store_header header;
    struct ct_bytes bytes = {0};

    ct_bytes_put(&bytes, 0); /* objects */
    ct_bytes_put(&bytes, 1); /* lanes */
    ct_bytes_put(&bytes, CT_LANE_INTERVALS);
    ct_bytes_put(&bytes, 0);
    ct_entry_write(root, &bytes);
    assert_true(ct_store_read_at(fd, &header, sizeof(header), 0));
    header.directory = (struct ct_store_piece){out->offset, bytes.size,
                                               ct_store_checksum(bytes.bytes, bytes.size), 0};
    ct_store_out_put(out, bytes.bytes, bytes.size);
    assert_true(ct_store_out_flush(out));
    header.checksum = 0;
    header.checksum = ct_store_checksum(&header, sizeof(header));
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    ct_bytes_clear(&bytes);
}

static struct ct_model *make_model(void)
{
    struct ct_model *model = ct_model_new();

    g_free(model->directory);
    model->directory = g_strdup("/recording");
    model->end_ns = 1000;
    ct_model_add_thread(model, ct_model_add_process(model, 1, 0, 0), 1, 0, 0);
    return model;
}

static int make_file(void)
{
    static const uint8_t key[CT_STORE_KEY_SIZE] = {0};
    int fd = memfd_create("store", MFD_CLOEXEC), aside_fd = memfd_create("aside", MFD_CLOEXEC);
    g_autoptr(ct_model) model = make_model();
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(fd, aside_fd);

    assert_true(ct_store_builder_finish(builder, model, key, NULL));
    close(aside_fd);
    struct ct_store_out out = {.fd = fd, .offset = (uint64_t)lseek(fd, 0, SEEK_END)};
    const struct ct_entry root = repeat_often(&out);

    put_directory(fd, &root, &out);
    ct_store_out_clear(&out);
    return fd;
}

static gboolean go_through(struct ct_store *store, const struct ct_thread *thread, GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, thread, NULL);
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;

    while (ct_store_cursor_next(cursor, &event, &failure))
        continue;
    gboolean is_whole = failure == NULL;

    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return is_whole;
}

static void no_question_takes_more_than_the_file_has(void **state)
{
    (void)state;
    static const struct ct_window window = {150, 160};
    static const struct ct_store_scope some = {.window = &window};
    int fd = make_file();
    g_autoptr(ct_model) model = ct_model_new();
    GError *errors[3] = {NULL};

    g_free(model->directory);
    model->directory = g_strdup("/recording");
    g_autoptr(ct_store) store = ct_store_open(fd, NULL, model, NULL);
    struct ct_store_sum sum;

    assert_non_null(store);
    const struct ct_thread *thread = model->threads->pdata[0];

    assert_false(ct_store_sum(store, thread, &window, &sum, &errors[0]));
    assert_null(ct_store_longest(store, &some, 5, &errors[1]));
    assert_false(go_through(store, thread, &errors[2]));
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        assert_true(g_error_matches(errors[i], CT_STORE_ERROR, CT_STORE_ERROR_DAMAGED));
        g_error_free(errors[i]);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_question_takes_more_than_the_file_has)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
