/* What keeps the library out of a file's image; and which images are said not to have loaded it. */
#include "boards.h"
#include "system/monotonic.h"
#include "unpreloaded.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define CT_IMAGE_SYSCALL syscall
#include "schema/image.h"

#define OWN_LOADER "/lib64/ld-linux-x86-64.so.2"

struct place {
    char *folder;
    char *file;
};

static int make_place(void **state)
{
    struct place *place = g_new0(struct place, 1);

    place->folder = g_dir_make_tmp("ctrace-unpreloaded-XXXXXX", NULL);
    place->file = g_build_filename(place->folder, "file", NULL);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    g_unlink(place->file);
    g_rmdir(place->folder);
    g_free(place->file);
    g_free(place->folder);
    g_free(place);
    return 0;
}

/* An executable that asks for `loader`, or for none. */
struct small_elf {
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[6];
    char loader[CT_LOADER_SIZE];
};

static struct small_elf make_elf(const char *loader)
{
    struct small_elf elf = {.header = __ehdr_start};

    elf.header.e_phoff = offsetof(struct small_elf, segments);
    elf.header.e_phentsize = sizeof(elf.segments[0]);
    elf.header.e_phnum = G_N_ELEMENTS(elf.segments);
    if (loader != NULL) { /* not among the first that are read */
        elf.segments[5].p_type = PT_INTERP;
        elf.segments[5].p_offset = offsetof(struct small_elf, loader);
        elf.segments[5].p_filesz = strlen(loader) + 1;
        g_strlcpy(elf.loader, loader, sizeof(elf.loader));
    }
    return elf;
}

static enum ct_obstacle find(const struct place *place, const void *data, size_t size)
{
    assert_true(g_file_set_contents(place->file, data, (gssize)size, NULL));
    assert_int_equal(g_chmod(place->file, 0755), 0);
    return ct_image_find_obstacle(ct_image_open(place->file), OWN_LOADER);
}

static void elf_files_are_told_apart_by_their_loader(void **state)
{
    static const struct {
        const char *loader;
        enum ct_obstacle obstacle;
    } cases[] = {
        {OWN_LOADER, CT_OBSTACLE_NONE},
        {"/nix/store/glibc/lib/ld-linux-x86-64.so.2", CT_OBSTACLE_NONE},
        {"/lib/ld-musl-x86_64.so.1", CT_OBSTACLE_OTHER_LOADER},
        {"/system/bin/linker64", CT_OBSTACLE_OTHER_LOADER},
        {NULL, CT_OBSTACLE_STATIC},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct small_elf elf = make_elf(cases[i].loader);
        assert_int_equal(find(*state, &elf, sizeof(elf)), cases[i].obstacle);
    }
}

static void other_machines_are_known_whatever_their_loader(void **state)
{
    struct small_elf elf = make_elf(OWN_LOADER);

    elf.header.e_machine ^= 1;
    assert_int_equal(find(*state, &elf, sizeof(elf)), CT_OBSTACLE_OTHER_MACHINE);
    elf = make_elf(OWN_LOADER);
    elf.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(find(*state, &elf, sizeof(elf)), CT_OBSTACLE_OTHER_MACHINE);
}

static void setuid_files_of_others_are_privileged(void **state)
{
    struct place *place = *state;
    struct small_elf elf = make_elf(OWN_LOADER);

    if (geteuid() != 0)
        skip();
    find(place, &elf, sizeof(elf));
    assert_int_equal(chown(place->file, 65534, 65534), 0);
    assert_int_equal(g_chmod(place->file, 04755), 0);
    struct statvfs status;
    assert_int_equal(statvfs(place->file, &status), 0);
    enum ct_obstacle expected =
        status.f_flag & ST_NOSUID ? CT_OBSTACLE_NONE : CT_OBSTACLE_PRIVILEGED;
    assert_int_equal(ct_image_find_obstacle(ct_image_open(place->file), OWN_LOADER), expected);
}

static void scripts_are_what_their_interpreter_is(void **state)
{
    struct place *place = *state;
    struct small_elf elf = make_elf("/lib/ld-musl-x86_64.so.1");
    g_autofree char *interpreter = g_build_filename(place->folder, "interpreter", NULL);
    g_autofree char *script = g_strdup_printf("#! \t%s -x y\nexit\n", interpreter);
    g_autofree char *endless = g_strdup_printf("#!%s\n", place->file);

    assert_true(g_file_set_contents(interpreter, (const char *)&elf, sizeof(elf), NULL));
    assert_int_equal(find(place, script, strlen(script)), CT_OBSTACLE_OTHER_LOADER);
    assert_int_equal(find(place, endless, strlen(endless)), CT_OBSTACLE_NONE);
    g_unlink(interpreter);
    assert_int_equal(find(place, script, strlen(script)), CT_OBSTACLE_NONE);
}

static void what_makes_no_sense_is_taken_for_ordinary(void **state)
{
    struct small_elf elf = make_elf(OWN_LOADER);

    assert_int_equal(find(*state, "", 0), CT_OBSTACLE_NONE);
    assert_int_equal(find(*state, "#!", 2), CT_OBSTACLE_NONE);
    assert_int_equal(find(*state, &elf, 20), CT_OBSTACLE_NONE);
    assert_int_equal(find(*state, &elf, sizeof(elf.header)), CT_OBSTACLE_NONE);
    elf.header.e_phoff = UINT64_MAX;
    assert_int_equal(find(*state, &elf, sizeof(elf)), CT_OBSTACLE_NONE);
    elf = make_elf(OWN_LOADER);
    elf.header.e_phnum = 0xffff;
    assert_int_equal(find(*state, &elf, sizeof(elf)), CT_OBSTACLE_NONE);
    assert_int_equal(ct_image_find_obstacle(-1, OWN_LOADER), CT_OBSTACLE_NONE);
}

/* ---- */

static GArray *images_of(pid_t pid, uint64_t start_ns)
{
    GArray *images = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    const struct ct_image_key image = {pid, start_ns};

    g_array_append_val(images, image);
    return images;
}

static uint32_t count_of(const struct ct_unpreloaded *unpreloaded, const char *name)
{
    const GArray *list = ct_unpreloaded_list(unpreloaded);

    for (guint i = 0; i < list->len; i++) {
        const struct ct_unpreloaded_images *images =
            &g_array_index(list, struct ct_unpreloaded_images, i);
        if (strcmp(images->name, name) == 0)
            return images->count;
    }
    return 0;
}

static void boards_that_do_not_come_are_missed(void **state)
{
    struct ct_unpreloaded *unpreloaded = ct_unpreloaded_new();
    g_autoptr(GArray) images = images_of(7, 100);

    (void)state;
    ct_unpreloaded_expect(unpreloaded, 7, 90, "came");
    ct_unpreloaded_expect(unpreloaded, 7, 101, "next");
    ct_unpreloaded_expect(unpreloaded, 8, 90, "gone");
    ct_unpreloaded_expect(unpreloaded, getpid(), UINT64_C(5000000000), "young");
    ct_unpreloaded_settle(unpreloaded, images, NULL, UINT64_C(5500000000));
    assert_int_equal(ct_unpreloaded_list(unpreloaded)->len, 2);
    assert_int_equal(count_of(unpreloaded, "next"), 1);
    assert_int_equal(count_of(unpreloaded, "gone"), 1);
    ct_unpreloaded_free(unpreloaded);
}

static void the_kernel_decides_which_and_the_hooks_say_why(void **state)
{
    struct ct_unpreloaded *unpreloaded = ct_unpreloaded_new();
    g_autoptr(GArray) images = images_of(7, 100);
    char *told[] = {"a-name-that-is-", "a-name-that-is-", "static", NULL};

    (void)state;
    ct_unpreloaded_add(unpreloaded, "a-name-that-is-long", CT_OBSTACLE_OTHER_LOADER, 1);
    ct_unpreloaded_add(unpreloaded, "other", CT_OBSTACLE_STATIC, 1);
    ct_unpreloaded_settle(unpreloaded, images, told, 1);
    const GArray *list = ct_unpreloaded_list(unpreloaded);
    assert_int_equal(list->len, 2);
    assert_int_equal(count_of(unpreloaded, "a-name-that-is-"), 2);
    assert_int_equal(count_of(unpreloaded, "static"), 1);
    assert_int_equal(g_array_index(list, struct ct_unpreloaded_images, 0).obstacle,
                     CT_OBSTACLE_OTHER_LOADER);
    ct_unpreloaded_free(unpreloaded);
}

/* The reason of the first of that name. */
static enum ct_obstacle reason_of(const struct ct_unpreloaded *unpreloaded, const char *name)
{
    const GArray *list = ct_unpreloaded_list(unpreloaded);

    for (guint i = 0; i < list->len; i++)
        if (strcmp(g_array_index(list, struct ct_unpreloaded_images, i).name, name) == 0)
            return g_array_index(list, struct ct_unpreloaded_images, i).obstacle;
    return CT_OBSTACLE_COUNT;
}

static void those_that_met_a_stopped_recorder_are_counted_once(void **state)
{
    struct ct_unpreloaded *unpreloaded = ct_unpreloaded_new();
    g_autoptr(GArray) images = images_of(7, 100);

    (void)state;
    ct_unpreloaded_add(unpreloaded, "static", CT_OBSTACLE_STATIC, 1);
    ct_unpreloaded_expect(unpreloaded, 8, 90, "gone");
    ct_unpreloaded_note_deserted(unpreloaded, 3);
    ct_unpreloaded_settle(unpreloaded, images, NULL, UINT64_C(5500000000));
    assert_int_equal(reason_of(unpreloaded, "static"), CT_OBSTACLE_STATIC);
    assert_int_equal(reason_of(unpreloaded, "gone"), CT_OBSTACLE_DESERTED);
    assert_int_equal(reason_of(unpreloaded, CT_UNSEEN_NAME_UNKNOWN), CT_OBSTACLE_DESERTED);
    assert_int_equal(count_of(unpreloaded, "gone"), 1);
    assert_int_equal(count_of(unpreloaded, CT_UNSEEN_NAME_UNKNOWN), 2);
    ct_unpreloaded_free(unpreloaded);
}

static void the_kernel_names_those_that_met_a_stopped_recorder(void **state)
{
    struct ct_unpreloaded *unpreloaded = ct_unpreloaded_new();
    g_autoptr(GArray) images = images_of(7, 100);
    char *told[] = {"forked", "static", "gone", "other", NULL};

    (void)state;
    ct_unpreloaded_add(unpreloaded, "static", CT_OBSTACLE_STATIC, 1);
    ct_unpreloaded_expect(unpreloaded, 8, 90, "gone");
    ct_unpreloaded_note_deserted(unpreloaded, 2);
    ct_unpreloaded_settle(unpreloaded, images, told, UINT64_C(5500000000));
    assert_int_equal(ct_unpreloaded_list(unpreloaded)->len, 4);
    assert_int_equal(reason_of(unpreloaded, "static"), CT_OBSTACLE_STATIC);
    assert_int_equal(reason_of(unpreloaded, "gone"), CT_OBSTACLE_DESERTED);
    assert_int_equal(reason_of(unpreloaded, "forked"), CT_OBSTACLE_DESERTED);
    ct_unpreloaded_free(unpreloaded);
}

/* Of what `board` says, which is a header without the rest. */
static struct ct_unpreloaded *unpreloaded_of(const struct ct_board *board)
{
    struct ct_unpreloaded *unpreloaded = ct_unpreloaded_new();
    enum ct_board_state state;
    int fd = memfd_create("board", MFD_CLOEXEC);

    assert_int_equal(ftruncate(fd, CT_BOARD_START_SIZE), 0);
    assert_int_equal(pwrite(fd, board, sizeof(*board), 0), sizeof(*board));
    struct ct_board_map *map = ct_board_map_new(fd, &state);
    assert_int_equal(state, CT_BOARD_COMPLETE);
    close(fd);
    ct_unpreloaded_add_board(unpreloaded, map, ct_monotonic_ns());
    ct_board_map_free(map);
    return unpreloaded;
}

static void nonsense_on_a_board_does_no_harm(void **state)
{
    struct ct_board *board = aligned_alloc(_Alignof(struct ct_board), sizeof(*board));

    (void)state;
    assert_non_null(board);
    memset(board, 0, sizeof(*board));
    board->magic = CT_BOARD_MAGIC;
    board->schema_version = CT_SCHEMA_VERSION;
    board->pid = 1;
    board->start_ns = ct_monotonic_ns();
    for (guint i = 0; i < CT_BOARD_MAX_UNSEEN; i++) {
        board->children[i].count = 1000;
        board->children[i].obstacle = i % 2 == 0 ? CT_OBSTACLE_STATIC : UINT32_MAX;
        memset(board->children[i].name, 0xff, sizeof(board->children[i].name));
    }
    board->unseen_children = UINT32_MAX;
    board->children[0].count = UINT32_MAX; /* more than there can be in that time */
    board->state = CT_PROCESS_EXECED;
    board->successor.obstacle = UINT32_MAX;
    memset(board->successor.name, 'x', sizeof(board->successor.name));
    struct ct_unpreloaded *unpreloaded = unpreloaded_of(board);
    assert_int_equal(ct_unpreloaded_list(unpreloaded)->len, 1);
    const struct ct_unpreloaded_images *images =
        &g_array_index(ct_unpreloaded_list(unpreloaded), struct ct_unpreloaded_images, 0);
    assert_int_equal(images->count, 1000 * (CT_BOARD_MAX_UNSEEN / 2 - 1));
    assert_true(g_utf8_validate(images->name, -1, NULL));
    free(board);
    ct_unpreloaded_free(unpreloaded);
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(elf_files_are_told_apart_by_their_loader),
        IN_PLACE(other_machines_are_known_whatever_their_loader),
        IN_PLACE(setuid_files_of_others_are_privileged),
        IN_PLACE(scripts_are_what_their_interpreter_is),
        IN_PLACE(what_makes_no_sense_is_taken_for_ordinary),
        cmocka_unit_test(boards_that_do_not_come_are_missed),
        cmocka_unit_test(the_kernel_decides_which_and_the_hooks_say_why),
        cmocka_unit_test(those_that_met_a_stopped_recorder_are_counted_once),
        cmocka_unit_test(the_kernel_names_those_that_met_a_stopped_recorder),
        cmocka_unit_test(nonsense_on_a_board_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
