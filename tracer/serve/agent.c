#include "serve/agent.h"

#include "serve/collecting.h"
#include "serve/kept.h"
#include "serve/launched.h"
#include "serve/ready.h"
#include "serve/say.h"
#include "serve/signals.h"
#include "serve/watching.h"
#include "text/shell_word.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    struct ct_launched *launched; /* owned; or NULL, as are the next five */
    struct ct_collecting *collecting;
    struct ct_pushing *pushing; /* what that wrote */
    struct ct_watching *watching;
    struct ct_flight *flight; /* owned */
    struct ct_kept *kept;     /* owned; of processes that run already */
    gboolean has_ended;       /* the program, or all that is served */
    int status;               /* of the program, as waitpid() gives it */
};

/* ---- Its end ---- */

/* Whoever asked in time gets their answer. */
static gboolean on_look(void *user)
{
    struct agent *agent = user;

    if (!agent->launched)
        agent->has_ended = ct_served_has_ended(agent->served);
    if (agent->kept && !agent->has_ended && !ct_kept_look(agent->kept)) {
        agent->status = W_EXITCODE(EXIT_FAILURE, 0);
        g_main_loop_quit(agent->loop);
    }
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

    if (agent->flight && number == SIGUSR2)
        ct_flight_write_out(agent->flight, "signal");
    else if (!agent->launched || agent->has_ended)
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
    } else {
        g_print("%s\n", ct_serve_address(agent->server));
        ct_ready_tell();
    }
    if (!agent->flight)
        return;
    g_autofree char *living = ct_shell_path(ct_flight_living(agent->flight));

    ct_serve_say("what came last is written out by: kill -USR2 %d, or: ctrace snapshot %s",
                 getpid(), living);
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
    g_clear_pointer(&agent->watching, ct_watching_free);
    if (agent->has_ended && !agent->launched)
        ct_serve_say("all processes that were served have ended");
}

/* Nothing is recorded, but the heap, before somebody asks for it; or else all the time. */
static char **with_recorder(const struct ct_agent_request *request, const char *folder,
                            const struct agent *agent)
{
    const struct ct_serve *server = agent->server;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *recorder = g_build_filename(folder, RECORDER, NULL);
    g_autofree char *standby = g_strconcat("--standby=", ct_serve_standby(server), NULL);
    g_autofree char *heap = request->heap && *request->heap
                                ? g_strconcat("--heap=", request->heap, NULL)
                                : g_strdup("--heap");

    g_strv_builder_add(builder, recorder);
    if (agent->flight)
        ct_flight_add_words(agent->flight, builder);
    else
        g_strv_builder_add_many(builder, standby, "-o", ct_serve_living(server), NULL);
    if (request->heap)
        g_strv_builder_add(builder, heap);
    g_strv_builder_add(builder, "--");
    g_strv_builder_addv(builder, (const char **)request->program);
    return g_strv_builder_end(builder);
}

/* What the program died of, which the recorder tells by its status. 0: it ended. */
static int signal_of(int status)
{
    int number = WIFSIGNALED(status)                      ? WTERMSIG(status)
                 : WEXITSTATUS(status) > SIGNALLED_STATUS ? WEXITSTATUS(status) - SIGNALLED_STATUS
                                                          : 0;

    return number > 0 && number < NSIG ? number : 0;
}

static void launch_and_serve(struct agent *agent, const struct ct_agent_request *request,
                             const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = with_recorder(request, folder, agent);

    agent->launched = ct_launched_new((const char *const *)words, on_program_end, agent, &error);
    if (!agent->launched) {
        ct_serve_say("%s (is this part of ctrace installed?)", error->message);
        agent->status = W_EXITCODE(EXIT_FAILURE, 0);
        return;
    }
    agent->served->launcher = ct_launched_pid(agent->launched);
    serve(agent);
    ct_launched_free(agent->launched);
    if (!agent->flight || !agent->has_ended)
        return;
    const char *name = sigabbrev_np(signal_of(agent->status));
    g_autofree char *reason = name ? g_strconcat("SIG", name, NULL) : g_strdup("end");

    ct_flight_settle(agent->flight);
    ct_flight_keep_end(agent->flight, reason);
}

static void attach_and_serve(struct agent *agent, const char *folder)
{
    if (agent->flight)
        agent->kept = ct_kept_new(folder, agent->served, agent->flight);
    if (agent->kept && !ct_kept_look(agent->kept))
        agent->status = W_EXITCODE(EXIT_FAILURE, 0);
    else
        serve(agent);
    if (agent->kept)
        ct_kept_free(agent->kept);
}

/* What holds was said. */
static void on_condition(void *user, const char *condition)
{
    const struct agent *agent = user;

    if (agent->flight)
        ct_flight_write_out(agent->flight, condition);
}

/* FALSE: an error. */
static gboolean watch(struct agent *agent, const struct ct_agent_request *from, GError **error)
{
    const struct ct_watching_request request = {
        .served = agent->served,
        .conditions = from->conditions,
        .heap = ct_serve_heap(agent->server),
        .gap_ns = from->flight ? from->flight->gap_ns : CT_WATCHING_GAP_NS,
        .fired = on_condition,
        .user = agent,
    };

    if (from->conditions)
        agent->watching = ct_watching_new(&request, error);
    return !from->conditions || agent->watching;
}

static void on_written(void *user, const char *path)
{
    const struct agent *agent = user;

    if (agent->pushing)
        ct_pushing_add(agent->pushing, path);
}

/* FALSE: an error. */
static gboolean begin_pushing(struct agent *agent, const struct ct_agent_request *request,
                              const char *folder, GError **error)
{
    const struct ct_pushing_request pushing = {
        .targets = request->push,
        .name = request->push_name,
        .labels = request->push_labels,
        .programs = folder,
    };

    if (request->push)
        agent->pushing = ct_pushing_new(&pushing, error);
    return !request->push || agent->pushing;
}

/* FALSE: an error. What is to be collected cannot be later, either. */
static gboolean begin_collecting(struct agent *agent, const struct ct_agent_request *request,
                                 const char *folder, GError **error)
{
    if (request->collect->every_ms == 0)
        return TRUE;
    const struct ct_collecting_request collecting = {
        .settings = request->collect,
        .served = request->served,
        .answers = ct_serve_answers(agent->server),
        .programs = folder,
        .written = on_written,
        .user = agent,
    };

    agent->collecting = ct_collecting_new(&collecting, error);
    return agent->collecting != NULL;
}

static gboolean begin(struct agent *agent, const struct ct_agent_request *request,
                      const char *folder, GError **error)
{
    const struct ct_signals_wish wish = {.has_program = request->program != NULL,
                                         .has_flight = request->flight != NULL};

    if (!ct_signals_hear(&wish, on_signal, agent, error))
        return FALSE;
    if (request->flight) {
        const struct ct_flight_request flight = {
            .limits = *request->flight, .programs = folder, .folder = request->flight_folder};

        agent->flight = ct_flight_new(&flight, error);
        if (!agent->flight)
            return FALSE;
    }
    const struct ct_serve_request serve_request = {
        .served = request->served,
        .listen = request->listen,
        .programs = folder,
        .has_token = request->has_token,
        .is_redacted = request->is_redacted,
        .has_program = request->program != NULL,
        .kept = agent->flight ? ct_flight_living(agent->flight) : NULL,
        .has_heap = request->heap != NULL,
    };

    agent->server = ct_serve_new(&serve_request, error);
    return agent->server != NULL && watch(agent, request, error) &&
           begin_pushing(agent, request, folder, error) &&
           begin_collecting(agent, request, folder, error);
}

/* Does not return where the program died of a signal. */
static int end_as_program(int status)
{
    int number = signal_of(status);

    if (number > 0)
        ct_signals_end_by(number);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static void end(struct agent *agent)
{
    g_clear_pointer(&agent->watching, ct_watching_free);
    if (agent->collecting)
        ct_collecting_free(agent->collecting);
    g_clear_pointer(&agent->pushing, ct_pushing_free);
    g_clear_pointer(&agent->flight, ct_flight_free); /* signals are heard to the last */
    if (agent->server)
        ct_serve_free(agent->server);
}

int ct_agent_run(const struct ct_agent_request *request)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = g_path_get_dirname(program ? program : "");
    g_autoptr(GError) error = NULL;
    struct agent agent = {.loop = g_main_loop_new(NULL, FALSE), .served = request->served};

    if (!begin(&agent, request, folder, &error)) {
        ct_serve_say("%s", error->message);
        agent.status = W_EXITCODE(EXIT_FAILURE, 0);
    } else if (request->program) {
        launch_and_serve(&agent, request, folder);
    } else {
        attach_and_serve(&agent, folder);
    }
    end(&agent);
    g_main_loop_unref(agent.loop);
    return end_as_program(agent.status);
}
