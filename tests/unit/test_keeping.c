/* A recording that keeps its newest parts: which ones go, and how they go from its files. */
#include "files/hole.h"
#include "files/tree.h"
#include "keeping.h"
#include "known_fds.h"
#include "leftover.h"
#include "old_packets.h"
#include "packet.h"
#include "spool/spool.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MB UINT64_C(1000000)

#define SECOND UINT64_C(1000000000)

#define PACKET_SIZE 8192

/* ---- Which go ---- */

/* A part that begins when the recording has had so much. */
static void add_part(struct ct_keeping *keeping, uint64_t bytes_before)
{
    const struct ct_kept_part part = {.number = ct_keeping_newest(keeping)->number + 1,
                                      .bytes_before = bytes_before};

    ct_keeping_add(keeping, &part);
}

/* One in which so much of that is said again. */
static void add_restated_part(struct ct_keeping *keeping, uint64_t bytes_before, uint64_t restated)
{
    const struct ct_kept_part part = {.number = ct_keeping_newest(keeping)->number + 1,
                                      .bytes_before = bytes_before,
                                      .before.restated_bytes = restated};

    ct_keeping_add(keeping, &part);
}

static void drop(struct ct_keeping *keeping, guint count, uint64_t size)
{
    ct_keeping_drop(keeping, count);
    ct_keeping_shrink(keeping, size);
}

static void a_part_begins_when_the_last_one_is_large_enough(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 80 * MB, 0);
    assert_false(ct_keeping_wants_part(&keeping, 9 * MB));
    assert_true(ct_keeping_wants_part(&keeping, 10 * MB));
    add_part(&keeping, 10 * MB);
    assert_false(ct_keeping_wants_part(&keeping, 19 * MB));
    ct_keeping_look(&keeping, 19 * MB);
    drop(&keeping, 1, 9 * MB);
    assert_false(ct_keeping_wants_part(&keeping, 9 * MB));
    assert_true(ct_keeping_wants_part(&keeping, 10 * MB));
    ct_keeping_clear(&keeping);
}

static void add_part_at(struct ct_keeping *keeping, uint64_t begin_ns)
{
    const struct ct_kept_part part = {.number = ct_keeping_newest(keeping)->number + 1,
                                      .begin_ns = begin_ns};

    ct_keeping_add(keeping, &part);
}

static void a_part_begins_when_the_last_one_has_lasted(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 80 * MB, 40 * SECOND);
    assert_false(ct_keeping_is_due(&keeping, 100 * SECOND, 109 * SECOND));
    assert_true(ct_keeping_is_due(&keeping, 100 * SECOND, 110 * SECOND));
    add_part_at(&keeping, 110 * SECOND);
    assert_false(ct_keeping_is_due(&keeping, 100 * SECOND, 119 * SECOND));
    assert_true(ct_keeping_is_due(&keeping, 100 * SECOND, 120 * SECOND));
    for (uint64_t i = 12; i < 17; i++)
        add_part_at(&keeping, i * 10 * SECOND);
    assert_false(ct_keeping_is_due(&keeping, 100 * SECOND, 900 * SECOND)); /* no more are told of */
    ct_keeping_clear(&keeping);
    ct_keeping_init(&keeping, 80 * MB, 0);
    assert_false(ct_keeping_is_due(&keeping, 100 * SECOND, 900 * SECOND));
    ct_keeping_clear(&keeping);
}

static void parts_that_are_too_old_go(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 80 * MB, 40 * SECOND);
    for (uint64_t i = 11; i < 16; i++)
        add_part_at(&keeping, i * 10 * SECOND);
    assert_int_equal(ct_keeping_outlived(&keeping, 10 * SECOND), 0);
    assert_int_equal(ct_keeping_outlived(&keeping, 149 * SECOND), 0);
    assert_int_equal(ct_keeping_outlived(&keeping, 150 * SECOND), 1);
    assert_int_equal(ct_keeping_outlived(&keeping, 169 * SECOND), 2);
    assert_int_equal(ct_keeping_outlived(&keeping, 900 * SECOND), 5); /* the newest stays */
    ct_keeping_clear(&keeping);
    ct_keeping_init(&keeping, 80 * MB, 0);
    add_part_at(&keeping, 10 * SECOND);
    assert_int_equal(ct_keeping_outlived(&keeping, 900 * SECOND), 0);
    ct_keeping_clear(&keeping);
}

static void what_is_kept_may_be_a_time(void **state)
{
    gboolean keeps_newest;
    uint64_t keep_ns;

    (void)state;
    assert_true(ct_keeping_check("30s", 80 * MB, &keeps_newest, &keep_ns, NULL));
    assert_true(keeps_newest);
    assert_int_equal(keep_ns, 30 * SECOND);
    assert_true(ct_keeping_check("newest", 80 * MB, &keeps_newest, &keep_ns, NULL));
    assert_true(keeps_newest);
    assert_int_equal(keep_ns, 0);
    assert_true(ct_keeping_check(NULL, 0, &keeps_newest, &keep_ns, NULL));
    assert_false(keeps_newest);
    assert_false(ct_keeping_check("30s", 0, &keeps_newest, &keep_ns, NULL));
    assert_false(ct_keeping_check("10ms", 80 * MB, &keeps_newest, &keep_ns, NULL));
    assert_false(ct_keeping_check("30", 80 * MB, &keeps_newest, &keep_ns, NULL));
}

static void what_is_said_again_makes_no_part_larger(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 80 * MB, 0);
    add_restated_part(&keeping, 10 * MB, 5 * MB);
    assert_false(ct_keeping_wants_part(&keeping, 24 * MB));
    assert_true(ct_keeping_wants_part(&keeping, 25 * MB));
    ct_keeping_clear(&keeping);
}

static void as_much_comes_after_it_at_least(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 80 * MB, 0);
    add_restated_part(&keeping, 10 * MB, 15 * MB);
    assert_false(ct_keeping_wants_part(&keeping, 39 * MB));
    assert_true(ct_keeping_wants_part(&keeping, 40 * MB));
    add_restated_part(&keeping, 40 * MB, 50 * MB); /* more than half of all */
    assert_false(ct_keeping_wants_part(&keeping, 139 * MB));
    assert_true(ct_keeping_wants_part(&keeping, 140 * MB));
    ct_keeping_clear(&keeping);
}

static void a_size_with_no_room_for_three_times_what_is_said_again_is_too_small(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 60 * MB, 0);
    assert_false(ct_keeping_is_too_small(&keeping));
    add_restated_part(&keeping, 10 * MB, 20 * MB);
    assert_false(ct_keeping_is_too_small(&keeping));
    add_restated_part(&keeping, 50 * MB, 21 * MB);
    assert_true(ct_keeping_is_too_small(&keeping));
    ct_keeping_clear(&keeping);
}

static void parts_have_a_least_size(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, CT_KEPT_SIZE_MIN, 0);
    assert_int_equal(keeping.part_size, CT_KEPT_PART_MIN);
    ct_keeping_clear(&keeping);
}

/* It has grown up to that size, from a look to the next by so much at last. */
static guint excess_at(struct ct_keeping *keeping, uint64_t size, uint64_t growth)
{
    keeping->growth = 0;
    keeping->size = size - growth;
    ct_keeping_look(keeping, size);
    return ct_keeping_excess(keeping);
}

static void the_oldest_go_until_the_rest_has_room(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 40 * MB, 0);
    for (uint64_t i = 1; i <= 7; i++)
        add_part(&keeping, i * 5 * MB);
    assert_int_equal(excess_at(&keeping, 38 * MB, 2 * MB), 0);
    assert_int_equal(excess_at(&keeping, 38 * MB, 3 * MB), 1);
    assert_int_equal(excess_at(&keeping, 38 * MB, 8 * MB), 2);
    drop(&keeping, 2, 28 * MB);
    assert_int_equal(ct_keeping_oldest(&keeping)->number, 2);
    assert_int_equal(excess_at(&keeping, 28 * MB, 3 * MB), 0);
    ct_keeping_clear(&keeping);
}

static void the_part_that_is_written_stays(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 10 * MB, 0);
    assert_int_equal(excess_at(&keeping, 50 * MB, 0), 0);
    add_part(&keeping, 30 * MB);
    assert_int_equal(excess_at(&keeping, 50 * MB, 0), 1);
    ct_keeping_clear(&keeping);
}

/* The last part may have begun just now. */
static void unless_it_is_too_large_by_a_part_two_parts_stay(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 20 * MB, 0);
    add_part(&keeping, 5 * MB);
    add_part(&keeping, 15 * MB);
    assert_int_equal(excess_at(&keeping, 16 * MB, 15 * MB), 1);
    assert_int_equal(excess_at(&keeping, 27 * MB, 0), 1);
    assert_int_equal(excess_at(&keeping, 28 * MB, 0), 2);
    ct_keeping_clear(&keeping);
}

static void look_often(struct ct_keeping *keeping, uint64_t size)
{
    for (int i = 0; i < 20; i++)
        ct_keeping_look(keeping, size);
}

static void a_part_that_never_ends_is_a_failure(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 20 * MB, 0);
    look_often(&keeping, 29 * MB);
    assert_false(ct_keeping_has_failed(&keeping));
    ct_keeping_look(&keeping, 31 * MB); /* it may begin now */
    assert_false(ct_keeping_has_failed(&keeping));
    look_often(&keeping, 31 * MB);
    assert_true(ct_keeping_has_failed(&keeping));
    ct_keeping_clear(&keeping);
}

static void a_part_may_be_large_because_of_what_is_said_again(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 20 * MB, 0);
    add_restated_part(&keeping, 5 * MB, 8 * MB);
    look_often(&keeping, 35 * MB);
    assert_false(ct_keeping_has_failed(&keeping));
    add_restated_part(&keeping, 40 * MB, 21 * MB); /* for which there is no room */
    look_often(&keeping, 41 * MB);
    assert_true(ct_keeping_has_failed(&keeping));
    ct_keeping_clear(&keeping);
}

static void a_burst_is_expected_again_for_a_while(void **state)
{
    struct ct_keeping keeping;

    (void)state;
    ct_keeping_init(&keeping, 20 * MB, 0);
    add_part(&keeping, 5 * MB);
    add_part(&keeping, 8 * MB);
    ct_keeping_look(&keeping, 10 * MB);
    ct_keeping_look(&keeping, 16 * MB);
    assert_int_equal(ct_keeping_excess(&keeping), 1);
    for (int i = 0; i < 50; i++)
        ct_keeping_look(&keeping, 16 * MB);
    assert_int_equal(ct_keeping_excess(&keeping), 0);
    ct_keeping_clear(&keeping);
}

/* ---- How they go ---- */

struct folder {
    char *path;
};

static int set_up(void **state)
{
    struct folder *folder = g_new0(struct folder, 1);

    folder->path = g_dir_make_tmp("ctrace-keeping-XXXXXX", NULL);
    *state = folder;
    return folder->path == NULL;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;

    ct_tree_remove(folder->path);
    g_free(folder->path);
    g_free(folder);
    return 0;
}

/* Packets that end at 10, 20, 30 ...; the bytes of each are its number. */
static char *write_stream(const struct folder *folder, guint count)
{
    char *path = g_build_filename(folder->path, "waits_0", NULL);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (guint i = 1; i <= count; i++) {
        const struct ct_packet_head head = {.magic = CT_PACKET_MAGIC,
                                            .timestamp_begin = i * 10 - 9,
                                            .timestamp_end = i * 10,
                                            .content_size = 8 * PACKET_SIZE,
                                            .packet_size = 8 * PACKET_SIZE};
        uint8_t packet[PACKET_SIZE];

        memset(packet, (int)i, sizeof(packet));
        memcpy(packet, &head, sizeof(head));
        g_byte_array_append(bytes, packet, sizeof(packet));
    }
    assert_true(g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
    return path;
}

static char *read_file(const char *path, gsize *size)
{
    char *bytes = NULL;

    assert_true(g_file_get_contents(path, &bytes, size, NULL));
    return bytes;
}

static void old_packets_give_their_room_back(void **state)
{
    const struct folder *folder = *state;
    g_autofree char *path = write_stream(folder, 6);
    gsize size;

    assert_true(ct_hole_is_possible(folder->path));
    assert_true(ct_old_packets_drop(folder->path, 31));
    g_autofree char *bytes = read_file(path, &size);

    assert_int_equal(size, 6 * PACKET_SIZE);
    assert_int_equal(ct_tree_room(folder->path), 3 * PACKET_SIZE);
    assert_int_equal(bytes[2 * PACKET_SIZE + 5000], 0);
    assert_int_equal(bytes[3 * PACKET_SIZE + 5000], 4);
    assert_true(ct_old_packets_drop(folder->path, 40)); /* of which some is not before that */
    assert_int_equal(ct_tree_room(folder->path), 3 * PACKET_SIZE);
}

static void a_stream_begins_with_what_is_kept_of_it(void **state)
{
    const struct folder *folder = *state;
    g_autofree char *path = write_stream(folder, 6);
    g_autofree char *indices = g_build_filename(folder->path, "index", NULL);
    g_autofree char *index = g_build_filename(indices, "waits_0.idx", NULL);
    gsize size;

    assert_int_equal(mkdir(indices, 0700), 0);
    assert_true(g_file_set_contents(index, "old", -1, NULL));
    assert_true(ct_old_packets_drop(folder->path, 31));
    assert_true(ct_old_packets_close_up(folder->path, 41)); /* what had no time to go, too */
    g_autofree char *bytes = read_file(path, &size);

    assert_int_equal(size, 2 * PACKET_SIZE);
    assert_int_equal(bytes[5000], 5);
    assert_int_equal(bytes[PACKET_SIZE + 5000], 6);
    assert_false(g_file_test(index, G_FILE_TEST_EXISTS));
}

/* A tmpfs, where there is one, takes no range out of a file. */
static void a_copy_takes_its_place_where_there_is_no_other_way(void **state)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    struct folder copied = {g_build_filename(folder, "ctrace-keeping-XXXXXX", NULL)};
    void *other = &copied;

    (void)state;
    assert_non_null(g_mkdtemp(copied.path));
    a_stream_begins_with_what_is_kept_of_it(&other);
    ct_tree_remove(copied.path);
    g_free(copied.path);
}

static void a_stream_without_old_packets_stays(void **state)
{
    const struct folder *folder = *state;
    g_autofree char *path = write_stream(folder, 2);
    gsize size;

    assert_true(ct_old_packets_close_up(folder->path, 5));
    g_autofree char *bytes = read_file(path, &size);

    assert_int_equal(size, 2 * PACKET_SIZE);
    assert_int_equal(bytes[5000], 1);
}

static void of_a_stream_that_is_all_old_nothing_stays(void **state)
{
    const struct folder *folder = *state;
    g_autofree char *path = write_stream(folder, 3);
    gsize size;

    assert_true(ct_old_packets_drop(folder->path, 1000));
    assert_true(ct_old_packets_close_up(folder->path, 1000));
    g_autofree char *bytes = read_file(path, &size);

    assert_int_equal(size, 0);
}

/* ---- The kernel's spool ---- */

/* The time of each record is its number. */
static void write_exits(int fd, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        const struct {
            struct perf_event_header header;
            uint32_t pid, parent_pid, tid, parent_tid;
            uint64_t time_ns;
            struct ct_spool_id id;
        } record = {.header = {.type = PERF_RECORD_EXIT, .size = sizeof(record)},
                    .pid = 7,
                    .tid = 7,
                    .time_ns = i,
                    .id = {7, 7, i}};

        assert_int_equal(write(fd, &record, sizeof(record)), sizeof(record));
    }
}

static uint64_t first_time(const char *path)
{
    struct ct_spool *spool = ct_spool_open(path);
    struct ct_raw_record record;

    assert_non_null(spool);
    uint64_t time_ns = ct_spool_read(spool, &record) ? record.time_ns : 0;

    ct_spool_free(spool);
    return time_ns;
}

static void a_spool_begins_with_what_is_kept_of_it(void **state)
{
    const struct folder *folder = *state;
    const struct ct_formats formats = {0};
    g_autofree char *path = g_build_filename(folder->path, "cpu0", NULL);
    int fd = ct_spool_create(folder->path, CT_RINGS_MACHINE, &formats, 0);

    write_exits(fd, 1, 1000);
    uint64_t room = ct_tree_room(folder->path);
    g_autoptr(GHashTable) sizes = ct_spool_sizes(folder->path);

    write_exits(fd, 1001, 10);
    assert_int_equal(first_time(path), 1);
    assert_true(ct_spool_drop(folder->path, sizes, 1));
    assert_int_equal(first_time(path), 1001);
    assert_true(ct_tree_room(folder->path) < room / 2);
    write_exits(fd, 1011, 10); /* who writes to it goes on */
    assert_int_equal(first_time(path), 1001);
    close(fd);
}

static void what_was_present_when_older_parts_began_goes(void **state)
{
    const struct folder *folder = *state;
    const struct ct_formats formats = {0};

    for (uint32_t part = 0; part < 4; part++)
        close(ct_spool_create_snapshot(folder->path, CT_RINGS_MACHINE, &formats, part));
    g_autoptr(GHashTable) sizes = ct_spool_sizes(folder->path);

    assert_true(ct_spool_drop(folder->path, sizes, 2));
    for (uint32_t part = 1; part < 4; part++) {
        g_autofree char *path = g_strdup_printf("%s/present%u", folder->path, part);

        assert_int_equal(access(path, F_OK) == 0, part >= 2);
    }
}

static void a_spool_that_begins_beyond_its_end_is_none(void **state)
{
    const struct folder *folder = *state;
    const struct ct_formats formats = {0};
    g_autofree char *path = g_build_filename(folder->path, "cpu0", NULL);
    int fd = ct_spool_create(folder->path, CT_RINGS_MACHINE, &formats, 0);
    const uint64_t begins[] = {UINT64_MAX, UINT64_MAX - 7, 1 << 20,
                               sizeof(struct ct_spool_head) + 1};

    write_exits(fd, 1, 10);
    for (size_t i = 0; i < G_N_ELEMENTS(begins); i++) {
        int writer = open(path, O_WRONLY);

        assert_int_equal(
            pwrite(writer, &begins[i], sizeof(begins[i]), offsetof(struct ct_spool_head, begin)),
            sizeof(begins[i]));
        close(writer);
        assert_null(ct_spool_open(path));
    }
    close(fd);
}

/* ---- Descriptors ---- */

static GString *told;

static void tell_fd(const struct ct_source *source, const struct ct_event_fd *event)
{
    g_string_append_printf(told, "%d:%d=%s ", source->vpid, event->fd, event->local);
}

static void note_fd(struct ct_known_fds *fds, int32_t pid, int32_t fd, const char *local)
{
    const struct ct_event_fd event = {.fd = fd, .local = local, .peer = ""};

    ct_known_fds_note(fds, pid, &event);
}

static void what_living_images_said_last_is_said_again(void **state)
{
    const struct ct_writer writer = {.fd = tell_fd};
    const struct ct_image_key image = {.pid = 7, .start_ns = 1};
    struct ct_known_fds *fds = ct_known_fds_new();
    g_autoptr(GArray) living = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));

    (void)state;
    told = g_string_new(NULL);
    g_array_append_val(living, image);
    note_fd(fds, 7, 3, "old");
    note_fd(fds, 7, 3, "new");
    note_fd(fds, 8, 4, "of another");
    ct_known_fds_restate(fds, living, &writer);
    assert_string_equal(told->str, "7:3=new ");
    ct_known_fds_forget(fds, 7);
    ct_known_fds_restate(fds, living, &writer);
    assert_string_equal(told->str, "7:3=new ");
    g_string_free(told, TRUE);
    ct_known_fds_free(fds);
}

static void those_beyond_a_limit_are_forgotten_and_that_is_noted(void **state)
{
    const struct ct_writer writer = {.fd = tell_fd};
    const struct ct_image_key image = {.pid = 7, .start_ns = 1};
    struct ct_known_fds *fds = ct_known_fds_new();
    g_autoptr(GArray) living = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));

    (void)state;
    told = g_string_new(NULL);
    g_array_append_val(living, image);
    for (int32_t fd = 0; fd < 65536; fd++)
        note_fd(fds, 7, fd, "");
    ct_known_fds_restate(fds, living, &writer);
    assert_false(ct_known_fds_forgets(fds));
    note_fd(fds, 7, 65536, "one more");
    ct_known_fds_restate(fds, living, &writer);
    assert_true(ct_known_fds_forgets(fds));
    ct_known_fds_forget(fds, 7); /* nor can it be asked for any more */
    assert_false(ct_known_fds_forgets(fds));
    g_string_free(told, TRUE);
    ct_known_fds_free(fds);
}

/* ---- What a killed recorder left ---- */

static void of_what_was_left_the_oldest_parts_go_too(void **state)
{
    const struct ct_control_part parts[CT_CONTROL_PARTS] = {
        {.begin_ns = 10, .bytes_before = 50 * MB},
        {.begin_ns = 20, .bytes_before = 55 * MB},
        {.begin_ns = 30, .bytes_before = 62 * MB},
    };

    (void)state;
    assert_int_equal(ct_leftover_excess(parts, 20 * MB, 20 * MB), 0);
    assert_int_equal(ct_leftover_excess(parts, 21 * MB, 20 * MB), 1);
    assert_int_equal(ct_leftover_excess(parts, 25 * MB, 20 * MB), 1);
    assert_int_equal(ct_leftover_excess(parts, 26 * MB, 20 * MB), 2);
    assert_int_equal(ct_leftover_excess(parts, 90 * MB, 20 * MB), 2);
}

/* Programs may have written over the page. */
static void parts_that_cannot_be_are_not_believed(void **state)
{
    struct ct_control_part parts[CT_CONTROL_PARTS];

    (void)state;
    for (uint64_t i = 0; i < CT_CONTROL_PARTS; i++)
        parts[i] = (struct ct_control_part){.begin_ns = i + 1, .bytes_before = i};
    assert_int_equal(ct_leftover_excess(parts, 90 * MB, 20 * MB), CT_CONTROL_PARTS - 1);
    parts[1].begin_ns = 1; /* not later */
    assert_int_equal(ct_leftover_excess(parts, 90 * MB, 20 * MB), 0);
    parts[1] = (struct ct_control_part){.begin_ns = 2, .bytes_before = UINT64_MAX};
    assert_int_equal(ct_leftover_excess(parts, 90 * MB, 20 * MB), 1);
    parts[0].bytes_before = 5;
    parts[1].bytes_before = 4; /* less than before */
    assert_int_equal(ct_leftover_excess(parts, 90 * MB, 20 * MB), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_begins_when_the_last_one_is_large_enough),
        cmocka_unit_test(a_part_begins_when_the_last_one_has_lasted),
        cmocka_unit_test(parts_that_are_too_old_go),
        cmocka_unit_test(what_is_kept_may_be_a_time),
        cmocka_unit_test(what_is_said_again_makes_no_part_larger),
        cmocka_unit_test(as_much_comes_after_it_at_least),
        cmocka_unit_test(a_size_with_no_room_for_three_times_what_is_said_again_is_too_small),
        cmocka_unit_test(parts_have_a_least_size),
        cmocka_unit_test(the_oldest_go_until_the_rest_has_room),
        cmocka_unit_test(the_part_that_is_written_stays),
        cmocka_unit_test(unless_it_is_too_large_by_a_part_two_parts_stay),
        cmocka_unit_test(a_part_that_never_ends_is_a_failure),
        cmocka_unit_test(a_part_may_be_large_because_of_what_is_said_again),
        cmocka_unit_test(a_burst_is_expected_again_for_a_while),
        TEST(old_packets_give_their_room_back),
        TEST(a_stream_begins_with_what_is_kept_of_it),
        cmocka_unit_test(a_copy_takes_its_place_where_there_is_no_other_way),
        TEST(a_stream_without_old_packets_stays),
        TEST(of_a_stream_that_is_all_old_nothing_stays),
        TEST(a_spool_begins_with_what_is_kept_of_it),
        TEST(what_was_present_when_older_parts_began_goes),
        TEST(a_spool_that_begins_beyond_its_end_is_none),
        cmocka_unit_test(what_living_images_said_last_is_said_again),
        cmocka_unit_test(those_beyond_a_limit_are_forgotten_and_that_is_noted),
        cmocka_unit_test(of_what_was_left_the_oldest_parts_go_too),
        cmocka_unit_test(parts_that_cannot_be_are_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
