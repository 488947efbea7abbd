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
    const struct ct_unit_request request = {"/usr/bin/ctrace", options, program, NULL};
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
    const struct ct_unit_request request = {"/usr/bin/ctrace", options, NULL, words};
    g_autofree char *text = ct_unit_text(&request);
    g_autofree char *command = line_of(text, "ExecStart=");

    (void)state;
    assert_string_equal(command, "ExecStart=/usr/bin/ctrace serve --listen=127.0.0.1:0 --no-token "
                                 "-p 12 -p redis-server");
    assert_non_null(strstr(text, "[Install]"));
    assert_non_null(strstr(text, "\nType=notify\n"));
}

static void no_word_begins_a_line_of_its_own(void **state)
{
    const char *const program[] = {"/bin/a\nExecStart=/bin/b", NULL};
    const struct ct_unit_request request = {"/usr/bin/ctrace", NULL, program, NULL};
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
        cmocka_unit_test(no_word_begins_a_line_of_its_own),
    };
    return cmocka_run_group_tests_name("serve_unit", tests, NULL, NULL);
}
