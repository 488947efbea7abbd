#include "serve/agent.h"

#include "serve/launched.h"
#include "serve/say.h"
#include "serve/signals.h"

#include <stdlib.h>
#include <sys/wait.h>

#define RECORDER "ctrace-record"

/* How soon it is seen that all have ended. */
enum { LOOK_MS = 500 };

/* How soon it is seen that the program runs. */
enum { BEGIN_MS = 20 };

/* Of shells, for what cannot be run. */
enum { NOT_EXECUTABLE_STATUS = 126, NOT_FOUND_STATUS = 127 };

struct agent {
    GMainLoop *loop;              /* owned */
    struct ct_served *served;     /* borrowed */
    struct ct_serve *server;      /* owned */
    struct ct_launched *launched; /* owned; or NULL */
    gboolean has_ended;           /* the program, or all that is served */
    int status;                   /* of the program, as waitpid() gives it */
};

/* ---- Its end ---- */

/* Whoever asked in time gets their answer. */
static gboolean on_look(void *user)
{
    struct agent *agent = user;

    if (!agent->launched)
        agent->has_ended = ct_served_has_ended(agent->served);
    if (agent->has_ended && !ct_serve_is_busy(agent->server))
        g_main_loop_quit(agent->loop);
    return G_SOURCE_CONTINUE;
}

static void on_program_end(void *user, int status)
{
    struct agent *agent = user;

    agent->has_ended = TRUE;
    agent->status = status;
    on_look(agent);
}

/* A program gets what it would get without us; it is what ends the agent, then. */
static void on_signal(void *user, int number, gboolean is_from_terminal)
{
    struct agent *agent = user;

    if (!agent->launched || agent->has_ended)
        g_main_loop_quit(agent->loop);
    else if (!is_from_terminal)
        ct_launched_signal(agent->launched, number);
}

/* ---- Its life ---- */

/* Where nothing but the address is to be read, it is on standard output. */
static void tell_address(const struct agent *agent)
{
    if (agent->launched)
        ct_serve_say("%s", ct_serve_address(agent->server));
    else
        g_print("%s\n", ct_serve_address(agent->server));
}

static void serve(struct agent *agent)
{
    guint look = g_timeout_add(LOOK_MS, on_look, agent);

    tell_address(agent);
    g_main_loop_run(agent->loop);
    g_source_remove(look);
    if (agent->has_ended && !agent->launched)
        ct_serve_say("all processes that were served have ended");
}

static void serve_process(struct agent *agent, pid_t pid)
{
    g_ptr_array_add(agent->served->words, g_strdup_printf("%d", pid));
}

/* A recorder has begun before its program has. */
static gboolean on_begin(void *user)
{
    struct agent *agent = user;
    pid_t pid = ct_served_find_program(ct_launched_pid(agent->launched));

    if (pid > 0)
        serve_process(agent, pid);
    return pid == 0 && !agent->has_ended;
}

/* Who keeps account of the program's memory records next to nothing else: waits of a second and
 * more, and of those the newest. */
static char **with_recorder(const struct ct_agent_request *request, const char *folder,
                            const char *living)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *recorder = g_build_filename(folder, RECORDER, NULL);
    g_autofree char *heap =
        *request->heap ? g_strconcat("--heap=", request->heap, NULL) : g_strdup("--heap");

    g_strv_builder_add_many(builder, recorder, heap, "--kernel=off", "--rate=1s", "--keep=newest",
                            "--max-size=64M", "-o", living, "--", NULL);
    g_strv_builder_addv(builder, (const char **)request->program);
    return g_strv_builder_end(builder);
}

/* Returns the exit status. */
static int launch_and_serve(struct agent *agent, const struct ct_agent_request *request,
                            const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) recorded =
        request->heap ? with_recorder(request, folder, ct_serve_living(agent->server)) : NULL;
    const char *const *program = recorded ? (const char *const *)recorded : request->program;

    agent->launched = ct_launched_new(program, on_program_end, agent, &error);
    if (!agent->launched) {
        ct_serve_say("%s", error->message);
        return g_error_matches(error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT) ? NOT_FOUND_STATUS
                                                                          : NOT_EXECUTABLE_STATUS;
    }
    if (recorded)
        g_timeout_add(BEGIN_MS, on_begin, agent);
    else
        serve_process(agent, ct_launched_pid(agent->launched));
    serve(agent);
    ct_launched_free(agent->launched);
    return WIFEXITED(agent->status) ? WEXITSTATUS(agent->status) : EXIT_FAILURE;
}

int ct_agent_run(const struct ct_agent_request *request)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    g_autoptr(GError) error = NULL;
    const struct ct_serve_request serve_request = {
        .served = request->served,
        .listen = request->listen,
        .programs = folder,
        .has_token = request->has_token,
        .is_redacted = request->is_redacted,
        .has_heap = request->heap != NULL,
    };
    struct agent agent = {.loop = g_main_loop_new(NULL, FALSE), .served = request->served};
    int status = EXIT_SUCCESS;

    if (ct_signals_hear(request->program != NULL, on_signal, &agent, &error))
        agent.server = ct_serve_new(&serve_request, &error);
    if (!agent.server) {
        ct_serve_say("%s", error->message);
        status = EXIT_FAILURE;
    } else if (request->program) {
        status = launch_and_serve(&agent, request, folder);
        ct_serve_free(agent.server);
    } else {
        serve(&agent);
        ct_serve_free(agent.server);
    }
    g_main_loop_unref(agent.loop);
    if (WIFSIGNALED(agent.status))
        ct_signals_end_by(WTERMSIG(agent.status));
    return status;
}
