/* What systemd is told is what was typed. */
#include "serve/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

/* The last line that begins so. */
static char *line_of(const char *text, const char *begin)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    char *found = NULL;

    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, begin)) {
            g_free(found);
            found = g_strdup(*line);
        }
    return found;
}

static void a_program_is_started_by_the_agent_in_its_service(void **state)
{
    const char *const program[] = {
        "/opt/my app/server", "--name=50%", "$HOME", "a\"b\\c", "", NULL};
    const char *const options[] = {"--redact", NULL};
    const struct ct_unit_request request = {
        .ctrace = "/usr/bin/ctrace", .options = options, .program = program};
    g_autofree char *text = ct_unit_text(&request);
    g_autofree char *command = line_of(text, "ExecStart=");

    (void)state;
    assert_non_null(strstr(text, "\nExecStart=\n")); /* instead of the one that was there */
    assert_string_equal(command, "ExecStart=/usr/bin/ctrace serve --redact "
                                 "--listen=unix:%C/%p-ctrace/socket -- \"/opt/my app/server\" "
                                 "\"--name=50%%\" \"$$HOME\" \"a\\\"b\\\\c\" \"\"");
    assert_non_null(strstr(text, "CacheDirectoryMode=0700"));
    assert_non_null(strstr(text, "\nNotifyAccess=all\n")); /* its main process is the agent now */
}

static void what_runs_already_has_an_agent_of_its_own(void **state)
{
    const char *const words[] = {"12", "redis-server", NULL};
    const char *const options[] = {"--listen=127.0.0.1:0", "--no-token", NULL};
    const struct ct_unit_request request = {
        .ctrace = "/usr/bin/ctrace", .options = options, .words = words};
    g_autofree char *text = ct_unit_text(&request);
    g_autofree char *command = line_of(text, "ExecStart=");

    (void)state;
    assert_string_equal(command, "ExecStart=/usr/bin/ctrace serve --listen=127.0.0.1:0 --no-token "
                                 "-p 12 -p redis-server");
    assert_non_null(strstr(text, "[Install]"));
    assert_non_null(strstr(text, "\nType=notify\n"));
    assert_non_null(strstr(text, "\nProtectHome=read-only\n"));
    assert_null(strstr(text, "StateDirectory"));
}

static void what_is_written_has_a_folder_that_can_be_written(void **state)
{
    const char *const words[] = {"redis-server", NULL};
    const char *const program[] = {"/bin/server", NULL};
    struct ct_unit_request request = {
        .ctrace = "/usr/bin/ctrace", .words = words, .wants_profiles = TRUE, .wants_flight = TRUE};
    g_autofree char *text = ct_unit_text(&request);
    g_autofree char *command = line_of(text, "ExecStart=");

    (void)state;
    assert_string_equal(command, "ExecStart=/usr/bin/ctrace serve --listen=unix:%t/%p/socket "
                                 "--dir=%S/%p/profiles --flight-dir=%S/%p/flight -p redis-server");
    assert_non_null(strstr(text, "\nStateDirectory=%p\nStateDirectoryMode=0700\n"));

    request = (struct ct_unit_request){
        .ctrace = "/usr/bin/ctrace", .program = program, .wants_flight = TRUE};
    g_autofree char *drop_in = ct_unit_text(&request);
    g_autofree char *of_program = line_of(drop_in, "ExecStart=");

    assert_non_null(strstr(of_program, " --flight-dir=%C/%p-ctrace/flight -- /bin/server"));

    request =
        (struct ct_unit_request){.ctrace = "/usr/bin/ctrace", .words = words, .has_folder = TRUE};
    g_autofree char *named = ct_unit_text(&request);

    assert_null(strstr(named, "ProtectHome"));
}

static void no_word_begins_a_line_of_its_own(void **state)
{
    const char *const program[] = {"/bin/a\nExecStart=/bin/b", NULL};
    const struct ct_unit_request request = {.ctrace = "/usr/bin/ctrace", .program = program};
    g_autofree char *text = ct_unit_text(&request);

    (void)state;
    assert_null(strstr(text, "\nExecStart=/bin/b"));
    assert_non_null(strstr(text, "\"/bin/a\\x0aExecStart=/bin/b\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_started_by_the_agent_in_its_service),
        cmocka_unit_test(what_runs_already_has_an_agent_of_its_own),
        cmocka_unit_test(what_is_written_has_a_folder_that_can_be_written),
        cmocka_unit_test(no_word_begins_a_line_of_its_own),
    };
    return cmocka_run_group_tests_name("serve_unit", tests, NULL, NULL);
}
