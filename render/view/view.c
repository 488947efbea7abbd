/* ctrace view: a recording to walk through, in a browser. */
#include "cli/command.h"
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "model/capture_notes.h"
#include "options/parse.h"
#include "view/server/server.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDINGS_MAX = 16 };

struct options {
    char **directories; /* owned */
    int port;
    gboolean has_no_browser;
    gboolean is_version;
};

static const char description[] =
    "DIR is ctrace.data unless named; two are shown one below the other. The server\n"
    "is reachable on this machine only, and by who knows the address that is printed. It ends\n"
    "with Ctrl-C.\n"
    "\n"
    "Examples:\n"
    "  ctrace view\n"
    "  ctrace view before.data after.data\n"
    "  ctrace view --no-browser --port=8000     # here; there: ssh -L 8000:127.0.0.1:8000 host";

static gboolean parse_options(struct options *options, char **argv, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &options->port, "Port of the server (any that is free)",
         "N"},
        {"no-browser", 0, 0, G_OPTION_ARG_NONE, &options->has_no_browser,
         "Print the address, and start no browser", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->directories, NULL,
         "[DIR...]"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context,
                                 "Shows a recording in a browser, to zoom into and to ask.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse(context, entries, &arguments, error);
}

static gboolean check_options(struct options *options, GError **error)
{
    const char *problem = NULL;

    if (!options->directories)
        options->directories = g_strsplit(CT_DEFAULT_DIRECTORY, ",", 1);
    if (options->port < 0 || options->port > 65535)
        problem = "--port must be between 1 and 65535, or 0 for any that is free";
    else if (g_strv_length(options->directories) > RECORDINGS_MAX)
        problem = "no more than 16 recordings can be seen at once";
    if (problem)
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
    return !problem;
}

/* ---- Recordings ---- */

static int read_recording(void *user, struct ct_activity *activity)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;

    if (!ct_recording_read(user, activity, model, NULL, NULL, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

    ct_say_all(complaints);
    return EXIT_SUCCESS;
}

/* Returns the exit status. */
static int read_one(char *directory)
{
    struct ct_worker_result result;
    g_autoptr(GError) error = NULL;

    if (!ct_worker_run(directory, read_recording, directory, &result, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    int status = result.status;

    ct_say_bytes(result.notes);
    if (result.limit)
        ct_say("%s", result.limit);
    ct_worker_result_clear(&result);
    return status;
}

/* What is wrong with one is said before there is a page; and what was read is kept for those who
 * answer. Returns the exit status. */
static int read_all(char **directories)
{
    int status = EXIT_SUCCESS;

    for (char **directory = directories; *directory && status == EXIT_SUCCESS; directory++)
        status = read_one(*directory);
    return status;
}

/* ---- The browser ---- */

/* NULL: there is no screen that one could be on. */
static const char *find_browser(void)
{
    const char *named = g_getenv("BROWSER");

    if (!g_getenv("DISPLAY") && !g_getenv("WAYLAND_DISPLAY"))
        return NULL;
    return named && *named && !strchr(named, ':') ? named : "xdg-open";
}

/* Ctrl-C is for the server. */
static void be_apart(void *nothing)
{
    (void)nothing;
    setpgid(0, 0);
}

static void start_browser(const char *address)
{
    const char *browser = find_browser();
    g_autoptr(GError) error = NULL;

    if (!browser)
        return;
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);

    g_subprocess_launcher_set_child_setup(launcher, be_apart, NULL, NULL);
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawn(launcher, &error, browser, address, NULL);

    if (!process)
        ct_say("cannot start a browser (%s): open the address in one", error->message);
}

/* ---- Serving ---- */

static gboolean on_end(void *loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

/* As under nohup. An interrupt counts all the same: shells ignore it for what runs in the
 * background. */
static gboolean is_hang_up_ignored(void)
{
    struct sigaction action;

    return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int serve(const struct options *options)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP};
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    const struct ct_view_server_request request = {options->directories, folder,
                                                   (guint)options->port};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    struct ct_view_server *server = ct_view_server_new(&request, &error);

    if (!server) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (endings[i] != SIGHUP || !is_hang_up_ignored())
            g_unix_signal_add(endings[i], on_end, loop);
    g_print("%s\n", ct_view_server_address(server));
    if (!options->has_no_browser)
        start_browser(ct_view_server_address(server));
    g_main_loop_run(loop);
    ct_view_server_free(server);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status;

    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace view");
    if (!parse_options(&options, argv, &error) ||
        (!options.is_version && !check_options(&options, &error))) {
        status = ct_say_usage(error);
    } else if (options.is_version) {
        status = ct_command_print_version();
    } else {
        status = read_all(options.directories);
        if (status == EXIT_SUCCESS)
            status = serve(&options);
    }
    g_strfreev(options.directories);
    return status;
}
