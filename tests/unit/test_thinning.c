/* What thinning does where there is no room for what it needs. */
#include "files/tree.h"
#include "serve/thinning.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>

/* Of 2026-01-01: they are old. */
#define NOON_S G_GINT64_CONSTANT(1767268800)

static guint said;

static void say(const char *what)
{
    (void)what;
    said++;
}

static void put(struct ct_archive *archive, gint64 from_s)
{
    g_autofree char *part = ct_archive_begin(archive, NULL);
    g_autofree char *file = g_build_filename(part, "cpu.pb.gz", NULL);

    assert_true(g_file_set_contents(file, "of another time", -1, NULL));
    assert_non_null(ct_archive_commit(archive, part, from_s, 0, NULL));
}

/* As where its temporary files lie nothing can be made: it runs in that folder, or in any. */
static void it_writes_nothing_where_the_agent_runs(void **state)
{
    g_autofree char *path = g_dir_make_tmp("ctrace-thinning-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(path, "out", NULL);
    g_autofree char *archived = g_build_filename(path, "archive", NULL);
    g_autofree char *text = NULL;
    struct ct_archive *archive = ct_archive_open(archived, NULL);
    const struct ct_thinning_request request = {.archive = archive,
                                                .programs = "/nonexistent",
                                                .limits = {G_MAXINT32, G_MAXUINT64},
                                                .say = say};

    (void)state;
    assert_non_null(archive);
    put(archive, NOON_S);
    put(archive, NOON_S + 60);
    assert_true(g_file_set_contents(file, "somebody's", -1, NULL));
    assert_int_equal(g_chdir(path), 0);
    struct ct_thinning *thinning = ct_thinning_new(&request);

    ct_thinning_run(thinning);
    ct_thinning_free(thinning);
    assert_int_equal(said, 1);
    assert_int_equal(ct_archive_folders(archive)->len, 2);
    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    assert_string_equal(text, "somebody's");
    ct_archive_free(archive);
    ct_tree_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_writes_nothing_where_the_agent_runs),
    };

    return cmocka_run_group_tests_name("thinning", tests, NULL, NULL);
}
