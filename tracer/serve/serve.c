/* ctrace serve: an agent that answers as Go's net/http/pprof does, for programs that run already.
 */
#include "options/parse.h"
#include "serve/server.h"
#include "system/named.h"
#include "system/targets.h"
#include "text/safe_text.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

enum { USAGE_STATUS = 2 };

/* How soon it is seen that all have ended. */
enum { LOOK_SECONDS = 1 };

struct options {
    char **pids; /* owned */
    char *listen;
    gboolean has_no_token;
    gboolean is_redacted;
    gboolean is_version;
};

static const char description[] =
    "Prints the address, which ends in a token; below it is what net/http/pprof has:\n"
    "\n"
    "  go tool pprof -top ADDRESS/profile?seconds=30      CPU time\n"
    "  go tool pprof -top ADDRESS/block?seconds=5         waits; net, sync, syscall, sleep\n"
    "  curl ADDRESS/threads?debug=2                       what every thread does now\n"
    "  curl ADDRESS/trace?seconds=5 | tar x               a recording\n"
    "\n"
    "It is reached on this machine only. Nothing is recorded before somebody asks, and nothing\n"
    "is injected into the processes: the kernel is asked, which takes root, as with\n"
    "ctrace record -p. It ends with Ctrl-C, or with the last of processes given by their ids.\n"
    "\n"
    "Examples:\n"
    "  sudo ctrace serve -p redis-server\n"
    "  sudo ctrace serve -p 1234 --listen=unix:/run/ctrace/socket";

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *safe = ct_safe_lines(text);

    g_printerr("ctrace serve: %s\n", safe);
}

/* ---- Options ---- */

static gboolean parse_options(struct options *options, char **typed, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(typed);
    const GOptionEntry entries[] = {
        {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pids,
         "Serve process PID, or all that are named NAME when somebody asks, with what they have "
         "started; -p 1,2, -p 1 2 and -p nginx,redis-server are several",
         "PID|NAME"},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &options->listen,
         "Be asked at this port of this machine, or by a socket that only this user can reach "
         "(" CT_LISTEN_DEFAULT ")",
         "ADDRESS:PORT|unix:PATH"},
        {"no-token", 0, 0, G_OPTION_ARG_NONE, &options->has_no_token,
         "Answer every user and program of this machine that asks at the port", NULL},
        {"redact", 0, 0, G_OPTION_ARG_NONE, &options->is_redacted,
         "Tell no arguments of programs, nor recordings, which have them", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->is_version, "Print the version and exit",
         NULL},
        G_OPTION_ENTRY_NULL,
    };
    static const struct ct_option_values values[] = {
        {"PID", ct_named_list_pids}, {"NAME", ct_named_list}, {0}};
    g_autoptr(GOptionContext) context = g_option_context_new("-p PID|NAME");

    g_option_context_set_summary(
        context, "Serves profiles of programs that run, as net/http/pprof does those of a Go "
                 "program:\nfor go tool pprof, curl and a browser.");
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    arguments =
        ct_options_join(entries, &entries[0], g_steal_pointer(&arguments), ct_targets_are_ids);
    if (!ct_options_parse_values(context, entries, values, &arguments, error))
        return FALSE;
    if (g_strv_length(arguments) <= 1)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "\"%s\" is no option; which process? give -p PID or -p NAME", arguments[1]);
    return FALSE;
}

static gboolean take_processes(const struct options *options, struct ct_served *served,
                               GError **error)
{
    for (char **pid = options->pids; pid && *pid; pid++)
        if (!ct_targets_add(served->words, *pid, error))
            return FALSE;
    if (served->words->len > 0)
        return TRUE;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        "which process? for example: ctrace serve -p redis-server");
    return FALSE;
}

/* ---- Serving ---- */

struct agent {
    GMainLoop *loop; /* owned */
    const struct ct_served *served;
    const struct ct_serve *server;
    gboolean has_ended; /* all that it served */
};

static gboolean on_signal(void *user)
{
    struct agent *agent = user;

    g_main_loop_quit(agent->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_look(void *user)
{
    struct agent *agent = user;

    agent->has_ended = ct_served_has_ended(agent->served) && !ct_serve_is_busy(agent->server);
    if (agent->has_ended)
        g_main_loop_quit(agent->loop);
    return G_SOURCE_CONTINUE;
}

/* As under nohup. An interrupt counts all the same: shells ignore it for what runs in the
 * background. */
static gboolean is_hang_up_ignored(void)
{
    struct sigaction action;

    return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Before anybody is told that it is there. */
static void hear_signals(struct agent *agent)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (endings[i] != SIGHUP || !is_hang_up_ignored())
            g_unix_signal_add(endings[i], on_signal, agent);
}

static void run(struct agent *agent)
{
    g_timeout_add_seconds(LOOK_SECONDS, on_look, agent);
    g_main_loop_run(agent->loop);
    if (agent->has_ended)
        say("all processes that were served have ended");
}

/* Returns the exit status. */
static int serve(const struct options *options, const struct ct_served *served,
                 struct ct_listen *listen)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    g_autoptr(GError) error = NULL;
    const struct ct_serve_request request = {
        .served = served,
        .listen = listen,
        .programs = folder,
        .has_token = !options->has_no_token && !listen->path,
        .is_redacted = options->is_redacted,
    };
    struct ct_serve *server = ct_serve_new(&request, &error);

    if (!server) {
        say("%s", error->message);
        return EXIT_FAILURE;
    }
    struct agent agent = {g_main_loop_new(NULL, FALSE), served, server, FALSE};

    hear_signals(&agent);
    g_print("%s\n", ct_serve_address(server));
    run(&agent);
    ct_serve_free(server);
    g_main_loop_unref(agent.loop);
    return EXIT_SUCCESS;
}

/* Those that are given by their ids must run; of names, some may come later. */
static gboolean check_processes(const struct ct_served *served, GError **error)
{
    g_autoptr(GArray) list = ct_served_list(served);

    if (list->len > 0)
        return TRUE;
    for (guint i = 0; i < served->words->len; i++) {
        const char *word = served->words->pdata[i];
        g_autofree char *near = ct_target_pid(word) > 0 ? NULL : ct_named_near(word);

        if (ct_served_has_ended(served) || (near && *near)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "no process %s%s runs%s%s",
                        ct_target_pid(word) > 0 ? "" : "named ", word, near ? "; there are " : "",
                        near ? near : "");
            return FALSE;
        }
    }
    return TRUE;
}

static int start(const struct options *options)
{
    struct ct_served served = {g_ptr_array_new_with_free_func(g_free)};
    struct ct_listen listen = {0};
    g_autoptr(GError) error = NULL;
    int status = USAGE_STATUS;

    if (!take_processes(options, &served, &error) ||
        !ct_listen_parse(&listen, options->listen ? options->listen : CT_LISTEN_DEFAULT, &error)) {
        say("%s\nTry: ctrace serve --help", error->message);
    } else if (!check_processes(&served, &error)) {
        say("%s", error->message);
        status = EXIT_FAILURE;
    } else {
        status = serve(options, &served, &listen);
    }
    ct_listen_clear(&listen);
    g_ptr_array_unref(served.words);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    int status = EXIT_SUCCESS;

    (void)argc;
    setlocale(LC_CTYPE, "");
    g_set_prgname("ctrace serve");
    if (!parse_options(&options, argv, &error)) {
        say("%s\nTry: ctrace serve --help", error->message);
        status = USAGE_STATUS;
    } else if (options.is_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
    } else {
        status = start(&options);
    }
    g_strfreev(options.pids);
    g_free(options.listen);
    return status;
}
