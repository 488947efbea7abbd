/* ctrace snapshot: what a recording that goes on has so far, as a recording of its own. */
#include "asked.h"
#include "files/tree.h"
#include "home.h"
#include "messages.h"
#include "moment.h"
#include "options.h"
#include "options/parse.h"
#include "options/quantity.h"
#include "output.h"
#include "shed.h"
#include "sigbus.h"
#include "snapshot_copy.h"
#include "summary.h"
#include "window.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define USAGE_STATUS 2

#define OUTPUT_SUFFIX ".snapshot"

/* A process that was killed does not keep its lock for longer. */
#define DYING_US (3 * 1000 * 1000)

/* One that ends writes the rest. */
#define FINISHING_US (120 * G_USEC_PER_SEC)

/* One that is overtaken is tried again. */
enum { ATTEMPTS = 3 };

/* What there is of a snapshot; all is owned. */
struct snapshot {
    char *source;   /* the path of the recording that goes on */
    char *recorder; /* the path of its recorder's session directory */
    struct ct_output *output;
    struct ct_session_directory *directory; /* for the boards; NULL: the cut has it */
    char *folder;                           /* its path */
    struct ct_moment moment;
    gboolean is_overtaken; /* what it was to have was dropped before it was copied */
    uint64_t last_ns;      /* so much of it, and what its parts have beyond; 0: all */
};

/* On the command line; what is not is NULL. */
struct given {
    gboolean wants_version;
    char *output;
    char *standby;
    char *duration;
    char *last;
    char **directories;
};

/* ---- An end in between ---- */

static void list_endings(sigset_t *set)
{
    static const int endings[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct sigaction action;

    sigemptyset(set);
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (sigaction(endings[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, endings[i]);
}

/* What was at its place is there again. */
static void undo(struct snapshot *snapshot)
{
    if (snapshot->output->previous != NULL)
        ct_session_directories_move(snapshot->output->previous, snapshot->output->path);
    ct_output_revert(snapshot->output);
}

/* In another thread: nothing is left of it. */
static void *await_ending(void *data)
{
    struct snapshot *snapshot = data;
    sigset_t set;
    int number;

    list_endings(&set);
    if (sigwait(&set, &number) != 0)
        return NULL;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    g_printerr("ctrace snapshot: ended before the snapshot was made\n");
    if (snapshot->folder != NULL)
        ct_tree_remove(snapshot->folder);
    undo(snapshot);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    return NULL;
}

/* From now on it is too late to end it; one that has come ends us here. */
static void stop_awaiting(pthread_t watcher)
{
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
}

/* ---- Making it ---- */

/* Why there is nobody to be asked for it; FALSE. */
static gboolean explain_none(const struct snapshot *snapshot, GError **error)
{
    gboolean is_left;

    g_free(ct_session_directory_find_living(snapshot->source, &is_left));
    if (is_left)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "its recorder is gone: finish the recording by: ctrace recover %s",
                    snapshot->source);
    else if (g_file_test(snapshot->source, G_FILE_TEST_EXISTS))
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "%s is not being recorded by this user: if it is a recording, it has ended, "
                    "and can be used as it is",
                    snapshot->source);
    else
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "there is no recording %s: name the folder that ctrace record writes to",
                    snapshot->source);
    return FALSE;
}

/* FALSE and an error: there is nobody. */
static gboolean find_recorder(struct snapshot *snapshot, const char *name, GError **error)
{
    gboolean is_left;

    snapshot->source = g_canonicalize_filename(name, NULL);
    snapshot->recorder = ct_session_directory_find_living(snapshot->source, &is_left);
    return snapshot->recorder != NULL || explain_none(snapshot, error);
}

/* It has ended, or was killed just now: what it holds goes a moment later. */
static gboolean has_gone(const char *source, gint64 within_us)
{
    gint64 until_us = g_get_monotonic_time() + within_us;
    gboolean is_left;

    while (g_get_monotonic_time() < until_us) {
        g_autofree char *living = ct_session_directory_find_living(source, &is_left);
        if (living == NULL)
            return TRUE;
        g_usleep(DYING_US / 50);
    }
    return FALSE;
}

static gboolean ask(struct snapshot *snapshot, GError **error)
{
    g_autofree char *name = g_path_get_basename(snapshot->directory->path);
    g_autofree char *line = g_strconcat(CT_MOMENT_WORD, name, NULL);
    g_autofree char *socket = g_build_filename(snapshot->recorder, CT_MOMENT_SOCKET, NULL);
    g_autoptr(GError) refusal = NULL;

    if (ct_asked_ask(socket, line, &refusal))
        return ct_moment_load(&snapshot->moment, snapshot->directory->path, error);
    if (!g_error_matches(refusal, G_FILE_ERROR, G_FILE_ERROR_FAILED) &&
        has_gone(snapshot->source, DYING_US))
        return explain_none(snapshot, error);
    g_propagate_error(error, g_steal_pointer(&refusal));
    return FALSE;
}

/* Copies the files; and its boards are a recording's to `output` from now on. */
static gboolean copy(struct snapshot *snapshot, GError **error)
{
    struct ct_session_directory *directory = snapshot->directory;
    struct ct_moment *moment = &snapshot->moment;
    g_autofree char *from = g_strdup(moment->control.output);
    struct ct_control now;

    if (!ct_snapshot_copy(moment, from, snapshot->output->place, error))
        return FALSE;
    if (!ct_session_directory_read(snapshot->recorder, &now))
        now.is_recording = 0;
    if (!ct_snapshot_copy_drop(moment, &now, from, snapshot->output->place, error)) {
        snapshot->is_overtaken = now.is_recording != 0;
        return FALSE;
    }
    if (snapshot->last_ns > 0)
        ct_snapshot_copy_shorten(moment, snapshot->last_ns);
    *directory->control = snapshot->moment.control;
    directory->control->recorder_pid = getpid();
    g_strlcpy(directory->control->output, snapshot->output->path,
              sizeof(directory->control->output));
    ct_session_directory_publish(directory);
    return TRUE;
}

static gboolean cut(struct snapshot *snapshot, GError **error)
{
    struct ct_recording *recording = ct_recording_new_snapshot(
        snapshot->output, g_steal_pointer(&snapshot->directory), &snapshot->moment, error);

    if (recording == NULL)
        return FALSE;
    gboolean is_whole = ct_recording_cut(recording, -1, error);
    if (is_whole)
        ct_summary_print(recording, TRUE);
    ct_recording_free(recording);
    return is_whole;
}

static gboolean make(struct snapshot *snapshot, const char *output, GError **error)
{
    pthread_t watcher;

    ct_session_directories_drop(""); /* what was left of others that were killed */
    snapshot->output = ct_output_new(output, error);
    if (snapshot->output == NULL)
        return FALSE;
    if (snapshot->output->previous != NULL)
        ct_session_directories_move(snapshot->output->path, snapshot->output->previous);
    else
        ct_session_directories_drop(snapshot->output->path);
    snapshot->directory = ct_session_directory_new(0, TRUE, error);
    if (snapshot->directory != NULL)
        snapshot->folder = g_strdup(snapshot->directory->path);
    gboolean is_watched = pthread_create(&watcher, NULL, await_ending, snapshot) == 0;
    gboolean is_made = snapshot->directory != NULL && ask(snapshot, error) &&
                       copy(snapshot, error) && cut(snapshot, error);
    if (is_watched)
        stop_awaiting(watcher);
    if (is_made) {
        g_print("%s\n", snapshot->output->path);
        ct_output_commit(snapshot->output);
        ct_output_release(snapshot->output->place);
    } else {
        undo(snapshot);
    }
    return is_made;
}

static gboolean try_to_make(const char *name, const struct given *given, const char *output,
                            gboolean *is_overtaken, GError **error)
{
    struct snapshot snapshot = {0};

    if (given->last != NULL)
        ct_quantity_parse_time(given->last, &snapshot.last_ns);
    ct_moment_init(&snapshot.moment);
    gboolean is_made = find_recorder(&snapshot, name, error) && make(&snapshot, output, error);
    *is_overtaken = snapshot.is_overtaken;
    ct_moment_clear(&snapshot.moment);
    ct_session_directory_free(snapshot.directory);
    ct_output_free(snapshot.output);
    g_free(snapshot.recorder);
    g_free(snapshot.folder);
    g_free(snapshot.source);
    return is_made;
}

/* A window that begins on standby drops all that was there, in a moment, but not soon again. */
static gboolean snapshot_of(const char *name, const struct given *given, GError **error)
{
    const char *output = given->output;
    struct ct_private_mounts mounts = CT_NO_PRIVATE_MOUNTS;
    g_autofree char *beside = g_strconcat(name, OUTPUT_SUFFIX, NULL);
    gboolean is_overtaken = FALSE;

    if (!ct_home_hide_others(&mounts, error))
        return FALSE;
    for (guint i = 1; i < ATTEMPTS; i++) {
        g_autoptr(GError) failure = NULL;

        if (try_to_make(name, given, output != NULL ? output : beside, &is_overtaken, &failure))
            return TRUE;
        if (!is_overtaken) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
    }
    return try_to_make(name, given, output != NULL ? output : beside, &is_overtaken, error);
}

/* ---- A window of a standby ---- */

/* A recorder that ends within it has written it itself: it is the recording then. */
static gboolean tell_written(const char *name, GError **error)
{
    struct snapshot snapshot = {.source = g_canonicalize_filename(name, NULL)};
    gboolean is_left = FALSE;
    gboolean is_written = has_gone(snapshot.source, FINISHING_US);

    if (is_written)
        g_free(ct_session_directory_find_living(snapshot.source, &is_left));
    is_written = is_written && !is_left && g_file_test(snapshot.source, G_FILE_TEST_IS_DIR);
    if (is_written) {
        ct_message("ctrace snapshot: the program ended: the window is the recording itself");
        g_print("%s\n", snapshot.source);
    } else {
        explain_none(&snapshot, error);
    }
    g_free(snapshot.source);
    return is_written;
}

static gboolean window_of(const char *name, const struct given *given, const sigset_t *endings,
                          GError **error)
{
    struct ct_window_order order = {.socket = given->standby, .endings = endings};

    if (given->duration != NULL)
        ct_quantity_parse_time(given->duration, &order.duration_ns);
    switch (ct_window_record(&order, error)) {
    case CT_WINDOW_NONE:
        break;
    case CT_WINDOW_RESTS:
        return snapshot_of(name, given, error);
    case CT_WINDOW_WRITTEN:
        return tell_written(name, error);
    }
    return FALSE;
}

/* ---- The command ---- */

static gboolean is_time(const char *text)
{
    uint64_t time_ns;

    return ct_quantity_parse_time(text, &time_ns) && time_ns > 0;
}

static gboolean check(const struct given *given, GError **error)
{

    if (given->directories != NULL && given->directories[0] != NULL &&
        given->directories[1] != NULL)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "only one directory can be given");
    else if ((given->standby != NULL) != (given->duration != NULL))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "a window is ordered by both: --standby=SOCKET --duration=TIME");
    else if (given->last != NULL && !is_time(given->last))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--last=%s is no time: give a number with a unit, such as 10s", given->last);
    else if (given->duration != NULL && !is_time(given->duration))
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--duration=%s is no time: give a number with a unit, such as 500ms or 5s",
                    given->duration);
    else
        return TRUE;
    return FALSE;
}

static gboolean parse(char **argv, struct given *given, GError **error)
{
    g_auto(GStrv) arguments = g_strdupv(argv);
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &given->output,
         "Write the snapshot to OUT (DIR" OUTPUT_SUFFIX "); one that is there moves to OUT.old",
         "OUT"},
        {"standby", 0, 0, G_OPTION_ARG_FILENAME, &given->standby,
         "Have the recorder in standby at SOCKET record now, for as long as --duration says, and "
         "write that",
         "SOCKET"},
        {"duration", 0, 0, G_OPTION_ARG_STRING, &given->duration,
         "For how long; Ctrl-C ends it early", "TIME"},
        {"last", 0, 0, G_OPTION_ARG_STRING, &given->last,
         "Leave out what is older, as far as it is in a part of its own, as record --keep makes "
         "them",
         "TIME"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &given->wants_version, "Print the version and exit",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given->directories, NULL, "[DIR]"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_set_prgname("ctrace snapshot");
    g_option_context_set_summary(
        context, "Writes what the recording in DIR (" CT_DEFAULT_OUTPUT "), which goes on, has so "
                 "far, as a recording\nof its own: up to now, with the waits that are open now.");
    g_option_context_add_main_entries(context, entries, NULL);
    return ct_options_parse(context, entries, &arguments, error) && check(given, error);
}

static int run(const struct given *given)
{
    g_autoptr(GError) error = NULL;
    sigset_t endings;

    if (given->wants_version) {
        g_print("ctrace %s\n", CTRACE_VERSION);
        return 0;
    }
    list_endings(&endings); /* for one thread */
    pthread_sigmask(SIG_BLOCK, &endings, NULL);
    signal(SIGPIPE, SIG_IGN); /* the session daemon may go away while it is spoken to */
    const char *name = given->directories != NULL && given->directories[0] != NULL
                           ? given->directories[0]
                           : CT_DEFAULT_OUTPUT;
    gboolean is_made = given->standby != NULL ? window_of(name, given, &endings, &error)
                                              : snapshot_of(name, given, &error);
    if (is_made)
        return 0;
    ct_message("ctrace snapshot: %s", error->message);
    return 1;
}

int main(int argc, char **argv)
{
    struct given given = {0};
    g_autoptr(GError) error = NULL;
    int status = USAGE_STATUS;

    (void)argc;
    ct_shed_preloads(argv);
    ct_messages_init();
    ct_sigbus_survive(NULL);
    if (parse(argv, &given, &error)) {
        status = run(&given);
    } else {
        ct_message("ctrace snapshot: %s", error->message);
        ct_message("Try: ctrace snapshot --help");
    }
    g_free(given.output);
    g_free(given.standby);
    g_free(given.duration);
    g_free(given.last);
    g_strfreev(given.directories);
    return status;
}
