#include "serve/agent.h"

#include "serve/collecting.h"
#include "serve/launched.h"
#include "serve/ready.h"
#include "serve/say.h"
#include "serve/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define RECORDER "ctrace-record"

/* How soon it is seen that all have ended. */
enum { LOOK_MS = 500 };

/* How soon it is seen that the program runs. */
enum { BEGIN_MS = 20 };

/* Of shells and of recorders: above it is the number of the signal that ended a program. */
enum { SIGNALLED_STATUS = 128 };

struct agent {
    GMainLoop *loop;              /* owned */
    struct ct_served *served;     /* borrowed */
    struct ct_serve *server;      /* owned */
    struct ct_launched *launched; /* owned; or NULL, as is the next */
    struct ct_collecting *collecting;
    gboolean has_ended; /* the program, or all that is served */
    int status;         /* of the program, as waitpid() gives it */
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

/* Where nothing but the address is to be read, it is on standard output. A program tells itself
 * when its service is ready. */
static void tell_address(const struct agent *agent)
{
    if (agent->launched) {
        ct_serve_say("%s", ct_serve_address(agent->server));
        return;
    }
    g_print("%s\n", ct_serve_address(agent->server));
    ct_ready_tell();
}

/* A recorder has begun before its program has: whoever asks then is answered. */
static gboolean on_begin(void *user)
{
    const struct agent *agent = user;
    gboolean has_begun = !agent->launched || ct_served_words(agent->served)->len > 0;

    if (has_begun)
        tell_address(agent);
    return !has_begun && !agent->has_ended;
}

static void serve(struct agent *agent)
{
    guint look = g_timeout_add(LOOK_MS, on_look, agent);

    if (on_begin(agent))
        g_timeout_add(BEGIN_MS, on_begin, agent);
    g_main_loop_run(agent->loop);
    g_source_remove(look);
    if (agent->has_ended && !agent->launched)
        ct_serve_say("all processes that were served have ended");
}

/* Nothing is recorded, but the heap, before somebody asks for it. */
static char **with_recorder(const struct ct_agent_request *request, const char *folder,
                            const struct ct_serve *server)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *recorder = g_build_filename(folder, RECORDER, NULL);
    g_autofree char *standby = g_strconcat("--standby=", ct_serve_standby(server), NULL);
    g_autofree char *heap = request->heap && *request->heap
                                ? g_strconcat("--heap=", request->heap, NULL)
                                : g_strdup("--heap");

    g_strv_builder_add_many(builder, recorder, standby, "-o", ct_serve_living(server), NULL);
    if (request->heap)
        g_strv_builder_add(builder, heap);
    g_strv_builder_add(builder, "--");
    g_strv_builder_addv(builder, (const char **)request->program);
    return g_strv_builder_end(builder);
}

static void launch_and_serve(struct agent *agent, const struct ct_agent_request *request,
                             const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = with_recorder(request, folder, agent->server);

    agent->launched = ct_launched_new((const char *const *)words, on_program_end, agent, &error);
    if (!agent->launched) {
        ct_serve_say("%s (is this part of ctrace installed?)", error->message);
        agent->status = W_EXITCODE(EXIT_FAILURE, 0);
        return;
    }
    agent->served->launcher = ct_launched_pid(agent->launched);
    serve(agent);
    ct_launched_free(agent->launched);
}

/* Does not return where the program died of a signal, which the recorder tells by its status. */
static int end_as_program(int status)
{
    int number = WIFSIGNALED(status)                      ? WTERMSIG(status)
                 : WEXITSTATUS(status) > SIGNALLED_STATUS ? WEXITSTATUS(status) - SIGNALLED_STATUS
                                                          : 0;

    if (number > 0 && number < NSIG)
        ct_signals_end_by(number);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* FALSE: an error. What is to be collected cannot be later, either. */
static gboolean begin(struct agent *agent, const struct ct_agent_request *request,
                      const char *folder, GError **error)
{
    const struct ct_serve_request serve_request = {
        .served = request->served,
        .listen = request->listen,
        .programs = folder,
        .has_token = request->has_token,
        .is_redacted = request->is_redacted,
        .has_standby = request->program != NULL,
        .has_heap = request->heap != NULL,
    };

    if (ct_signals_hear(request->program != NULL, on_signal, agent, error))
        agent->server = ct_serve_new(&serve_request, error);
    if (!agent->server || request->collect->every_ms == 0)
        return agent->server != NULL;
    const struct ct_collecting_request collecting = {
        .settings = request->collect,
        .served = request->served,
        .answers = ct_serve_answers(agent->server),
        .programs = folder,
    };

    agent->collecting = ct_collecting_new(&collecting, error);
    return agent->collecting != NULL;
}

static void end(struct agent *agent)
{
    if (agent->collecting)
        ct_collecting_free(agent->collecting);
    if (agent->server)
        ct_serve_free(agent->server);
}

int ct_agent_run(const struct ct_agent_request *request)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    g_autoptr(GError) error = NULL;
    struct agent agent = {.loop = g_main_loop_new(NULL, FALSE), .served = request->served};
    int status = EXIT_SUCCESS;

    if (!begin(&agent, request, folder, &error)) {
        ct_serve_say("%s", error->message);
        end(&agent);
        status = EXIT_FAILURE;
    } else if (request->program) {
        launch_and_serve(&agent, request, folder);
        end(&agent);
        status = end_as_program(agent.status);
    } else {
        serve(&agent);
        end(&agent);
    }
    g_main_loop_unref(agent.loop);
    return status;
}
