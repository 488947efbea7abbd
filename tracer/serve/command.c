#include "serve/command.h"

#include "serve/signals.h"
#include "serve/status.h"
#include "text/safe_text.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SAID_MAX 4000

/* For what was told to end. */
enum { PATIENCE_S = 10 };

struct ct_command {
    GSubprocess *process; /* owned */
    int end_signal;
    guint limit;      /* the source that ends it; 0: none */
    gboolean is_told; /* to end */
    gboolean is_late;
    ct_command_done *done;
    void *user;
};

/* Whatever ends the agent, it is not to go on for an hour. An interrupt from the terminal is the
 * agent's, and what is ignored there is not so here. */
static void be_a_command(void *user)
{
    const int *end_signal = user;

    signal(SIGINT, SIG_DFL);
    ct_signals_restore();
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, *end_signal);
}

static void on_end(GObject *source, GAsyncResult *result, void *user)
{
    struct ct_command *command = user;
    gboolean is_good = g_subprocess_wait_check_finish(G_SUBPROCESS(source), result, NULL);

    if (command->limit)
        g_source_remove(command->limit);
    command->done(command->user, command->is_late ? CT_COMMAND_LATE
                                 : is_good        ? CT_COMMAND_GOOD
                                                  : CT_COMMAND_BAD);
    g_object_unref(command->process);
    g_free(command);
}

/* With what it has started in turn. */
void ct_command_kill(struct ct_command *command)
{
    const char *pid = g_subprocess_get_identifier(command->process);

    if (pid)
        kill(-(pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
}

static gboolean on_last_limit(void *user)
{
    struct ct_command *command = user;

    command->limit = 0;
    ct_command_kill(command);
    return G_SOURCE_REMOVE;
}

/* A signal that came too early, before it was heard, is no reason to go on for an hour. */
void ct_command_end(struct ct_command *command)
{
    g_subprocess_send_signal(command->process, command->end_signal);
    if (command->is_told)
        return;
    command->is_told = TRUE;
    if (command->limit)
        g_source_remove(command->limit);
    command->limit = g_timeout_add_seconds(PATIENCE_S, on_last_limit, command);
}

static gboolean on_limit(void *user)
{
    struct ct_command *command = user;

    command->limit = 0;
    command->is_late = TRUE;
    ct_command_end(command);
    return G_SOURCE_REMOVE;
}

struct ct_command *ct_command_start(const struct ct_command_request *request, ct_command_done *done,
                                    void *user, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_autoptr(GError) failure = NULL;
    int end_signal = request->end_signal;

    /* What a command before it wrote there would stay behind what this one writes. */
    g_unlink(request->output);
    g_unlink(request->said);
    g_subprocess_launcher_set_stdout_file_path(launcher, request->output);
    g_subprocess_launcher_set_stderr_file_path(launcher, request->said);
    g_subprocess_launcher_set_child_setup(launcher, be_a_command, &end_signal, NULL);
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawnv(launcher, request->argv, &failure);

    if (!process) {
        g_set_error(error, CT_SERVE_STATUS, CT_SERVE_FAILED,
                    "%s (is this part of ctrace installed?)", failure->message);
        return NULL;
    }
    struct ct_command *command = g_new0(struct ct_command, 1);

    command->process = g_steal_pointer(&process);
    command->end_signal = end_signal;
    command->done = done;
    command->user = user;
    if (request->limit_ms > 0)
        command->limit = g_timeout_add((guint)MIN(request->limit_ms, G_MAXUINT), on_limit, command);
    g_subprocess_wait_check_async(command->process, NULL, on_end, command);
    return command;
}

char *ct_command_said(const char *path)
{
    g_autofree char *said = NULL;

    if (!g_file_get_contents(path, &said, NULL, NULL) || !*said)
        return g_strdup("it did not say why");
    g_autoptr(GRegex) names = g_regex_new("^(ctrace( [a-z]+)?|tar): ", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *text = g_regex_replace_literal(names, said, -1, 0, "", 0, NULL);
    g_autofree char *begin = g_strndup(text ? text : "", SAID_MAX);

    return g_strchomp(ct_safe_lines(begin));
}
