/* ctrace-verify: does a recording agree with itself? */
#include "verify/verify.h"
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "model/format.h"
#include "options/parse.h"
#include "text/safe_text.h"
#include "verify/overlaps.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* The recording was read, and does not agree with itself. */
#define EXIT_DISAGREES 1

struct options {
    char **directories; /* owned */
    gboolean is_version;
};

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR]"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_strdupv(argv);

    g_option_context_set_summary(
        context, "Checks that the times of every thread add up to its life, that what its waits,\n"
                 "switches and counters say agrees, and that no thread does two things at once.\n"
                 "Prints what does not.");
    g_option_context_set_description(
        context, "DIR is ctrace.data unless named. The exit status is 1 if something does not.");
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse(context, entries, &arguments, error) &&
           ct_command_directory(options->directories, error);
}

static void print_lines(const GPtrArray *lines, const char *lead)
{
    for (guint i = 0; i < lines->len; i++) {
        g_autofree char *safe = ct_safe_line(g_ptr_array_index(lines, i));

        printf("%s%s\n", lead, safe);
    }
}

static int write_result(const struct ct_verify_result *result)
{
    g_autofree char *waits = ct_format_count(result->wait_count);
    g_autofree char *runs = ct_format_count(result->run_count);

    print_lines(result->faults, "WRONG  ");
    print_lines(result->notes, "note   ");
    printf("%u thread%s, %s wait%s, %s time%s on a CPU: ", result->thread_count,
           result->thread_count == 1 ? "" : "s", waits, result->wait_count == 1 ? "" : "s", runs,
           result->run_count == 1 ? "" : "s");
    if (result->faults->len == 0)
        printf("all adds up\n");
    else
        printf("%u thing%s wrong\n", result->faults->len,
               result->faults->len == 1 ? " is" : "s are");
    return result->faults->len == 0 ? EXIT_SUCCESS : EXIT_DISAGREES;
}

struct question {
    struct ct_model *model; /* borrowed, as is the next */
    GPtrArray *faults;
};

static gboolean find_overlaps(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;

    return ct_verify_overlaps(store, question->model, question->faults, error);
}

/* All else is told while the recording is read; for this it takes room. */
static void look_for_overlaps(const char *directory, struct ct_activity *activity,
                              struct ct_verify_result *result)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct question question = {model, result->faults};
    g_autoptr(GError) error = NULL;

    if (!ct_recording_ask(directory, activity, model, find_overlaps, &question, &error))
        g_ptr_array_add(result->notes,
                        g_strdup_printf("whether threads wait for two things at once was not "
                                        "looked at: %s",
                                        error->message));
}

static int verify_recording(void *user, struct ct_activity *activity)
{
    const char *const *directory = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_verify) verify = ct_verify_new();
    const struct ct_sink sink = ct_verify_sink(verify);
    g_autoptr(GError) error = NULL;
    struct ct_verify_result result;

    if (!ct_recording_read(*directory, activity, model, NULL, &sink, &error)) {
        ct_say("%s", error->message);
        return EXIT_DISAGREES;
    }
    ct_verify_finish(verify, model, &result);
    look_for_overlaps(*directory, activity, &result);
    int status = write_result(&result);

    ct_verify_result_clear(&result);
    return status;
}

static int run(const struct options *options)
{
    const char *directory = ct_command_directory(options->directories, NULL);

    return ct_worker_print(directory, "result", verify_recording, &directory);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status;

    (void)argc;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("ctrace verify");
    if (!parse_options(&options, argv, &error)) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = run(&options);
    }
    g_strfreev(options.directories);
    return status;
}
