#include "recording.h"

#include "output.h"
#include "session.h"
#include "sessiond.h"
#include "streams.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define PRELOAD_LIBRARY "libctrace-preload.so"

/* How long LTTng may take to know our provider. */
#define WRITER_TIMEOUT_US (5 * G_USEC_PER_SEC)
#define WRITER_POLL_US    200

struct ct_recording {
    char *path;                             /* owned; absolute */
    char *missing;                          /* owned; layers that are not there */
    char *preload;                          /* owned */
    struct ct_sessiond *sessiond;           /* owned */
    struct ct_session *session;             /* owned */
    struct ct_session_directory *directory; /* owned */
    struct ct_closing closing;
    GHashTable *no_deaths; /* owned; for a recording that another process began */
    uint64_t end_ns;
    uint64_t events_lost;
    gboolean was_full; /* the disk, at some time */
};

/* In a build tree, and in an installed one, seen from where this program is. */
static char *find_library(const char *name, GError **error)
{
    static const char *const places[] = {"../lib", CTRACE_LIBRARY_PLACE};
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *programs = self != NULL ? g_path_get_dirname(self) : g_strdup("/");

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *place = g_build_filename(programs, places[i], name, NULL);
        g_autofree char *path = g_canonicalize_filename(place, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                "%s is missing beside %s: install ctrace again", name, programs);
    return NULL;
}

static uint64_t now_ns(const struct ct_recording *recording)
{
    uint64_t ticks, ns;

    ct_clock_read(recording->directory->control, &ticks, &ns);
    return ns;
}

static char *session_name(const struct ct_recording *recording)
{
    return g_strdup_printf("ctrace-%u", recording->directory->control->recording);
}

/* Loading the writer registers us with the daemon; our own events may wait for buffer space. */
static gboolean load_writer(struct ct_recording *recording, GError **error)
{
    g_autofree char *path = find_library(CT_WRITER_LIBRARY, error);

    if (path == NULL)
        return FALSE;

    g_setenv("LTTNG_UST_ALLOW_BLOCKING", "1", TRUE);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL)
        recording->closing.writer = dlsym(library, CT_WRITER_SYMBOL);
    if (recording->closing.writer != NULL)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot load %s: %s", path, dlerror());
    return FALSE;
}

/* As one would type it. */
static char *command_line(char **program)
{
    GString *line = g_string_new(NULL);

    for (; *program != NULL; program++) {
        gboolean is_plain =
            **program != '\0' && strpbrk(*program, " \t\n'\"\\$&|;<>()*?[]#~`!{}") == NULL;
        g_autofree char *quoted = is_plain ? g_strdup(*program) : g_shell_quote(*program);
        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", quoted);
    }
    return g_string_free(line, FALSE);
}

static gboolean set_up(struct ct_recording *recording, const struct ct_record_options *options,
                       GError **error)
{
    g_autofree char *command = command_line(options->program);

    recording->preload = find_library(PRELOAD_LIBRARY, error);
    if (recording->preload == NULL)
        return FALSE;
    recording->directory = ct_session_directory_new(options->rate_ns, !options->no_follow, error);
    if (recording->directory == NULL)
        return FALSE;
    struct ct_control *control = recording->directory->control;
    g_strlcpy(control->output, recording->path, sizeof(control->output));
    g_strlcpy(control->command, command, sizeof(control->command));
    recording->closing.directory = recording->directory;
    recording->sessiond = ct_sessiond_acquire(error);
    if (recording->sessiond == NULL)
        return FALSE;
    g_autofree char *name = session_name(recording);
    recording->session = ct_session_new(name, recording->path, control->recording, error);
    if (recording->session == NULL || !ct_session_start(recording->session, error) ||
        !load_writer(recording, error))
        return FALSE;
    ct_session_await_metadata(recording->session);
    return TRUE;
}

struct ct_recording *ct_recording_new(const struct ct_record_options *options, const char *path,
                                      GHashTable *deaths, GError **error)
{
    struct ct_recording *recording = g_new0(struct ct_recording, 1);

    recording->path = g_strdup(path);
    recording->missing = g_strdup(options->missing);
    recording->closing.deaths = deaths;
    if (set_up(recording, options, error))
        return recording;
    ct_recording_free(recording);
    return NULL;
}

static gboolean adopt(struct ct_recording *recording, GError **error)
{
    recording->directory = ct_session_directory_adopt(recording->path, error);
    if (recording->directory == NULL)
        return FALSE;
    recording->closing.directory = recording->directory;
    recording->sessiond = ct_sessiond_acquire(error);
    if (recording->sessiond == NULL)
        return FALSE;
    g_autofree char *name = session_name(recording);
    recording->session = ct_session_attach(name);
    return load_writer(recording, error);
}

struct ct_recording *ct_recording_adopt(const char *path, GError **error)
{
    struct ct_recording *recording = g_new0(struct ct_recording, 1);

    recording->path = g_strdup(path);
    recording->missing = g_strdup(CT_MISSING_KERNEL);
    recording->no_deaths = g_hash_table_new(g_direct_hash, g_direct_equal);
    recording->closing.deaths = recording->no_deaths;
    if (adopt(recording, error))
        return recording;
    ct_recording_free(recording);
    return NULL;
}

const struct ct_session_directory *ct_recording_directory(const struct ct_recording *recording)
{
    return recording->directory;
}

const char *ct_recording_preload(const struct ct_recording *recording)
{
    return recording->preload;
}

pid_t ct_recording_daemon_group(const struct ct_recording *recording)
{
    return ct_sessiond_group(recording->sessiond);
}

void ct_recording_begin(struct ct_recording *recording)
{
    ct_session_directory_calibrate(recording->directory);
    recording->directory->control->begin_ns = now_ns(recording);
    recording->directory->control->is_recording = 1;
}

void ct_recording_tend(struct ct_recording *recording)
{
    ct_session_directory_calibrate(recording->directory);
    recording->was_full = recording->was_full || ct_output_is_full(recording->path);
    if (!recording->was_full && recording->closing.writer->is_enabled())
        ct_closing_write_boards(&recording->closing, FALSE);
}

static gboolean await_writer(const struct ct_recording *recording)
{
    gint64 deadline = g_get_monotonic_time() + WRITER_TIMEOUT_US;

    while (g_get_monotonic_time() < deadline) {
        if (recording->closing.writer->is_enabled())
            return TRUE;
        g_usleep(WRITER_POLL_US);
    }
    return FALSE;
}

/* The session is lost to a full disk or with its daemon: another one takes the closing events. */
static gboolean replace_session(struct ct_recording *recording, GError **error)
{
    g_autofree char *path = g_build_filename(recording->path, "closing", NULL);
    g_autofree char *name =
        g_strdup_printf("ctrace-%u-closing", recording->directory->control->recording);

    ct_session_finish(recording->session, NULL);
    ct_session_free(recording->session);
    recording->session = NULL;
    if (!ct_sessiond_is_alive()) {
        ct_sessiond_release(recording->sessiond);
        recording->sessiond = ct_sessiond_acquire(error);
        if (recording->sessiond == NULL)
            return FALSE;
    }
    recording->session =
        ct_session_new(name, path, recording->directory->control->recording, error);
    return recording->session != NULL && ct_session_start(recording->session, error);
}

static void write_capture(struct ct_recording *recording, int exit_status, const char *fault)
{
    const struct ct_closing_totals *totals = &recording->closing.totals;
    const struct ct_control *control = recording->directory->control;
    g_autofree char *missing = g_strdup_printf(
        "%s%s%s", recording->missing, fault != NULL ? "; waits: " : "", fault != NULL ? fault : "");
    struct ct_event_capture event = {
        .recording = control->recording,
        .schema_version = CT_SCHEMA_VERSION,
        .ctrace_version = CTRACE_VERSION,
        .command = control->command,
        .layers = totals->processes > 0 ? "preload" : "",
        .missing = missing,
        .begin_ns = control->begin_ns,
        .end_ns = recording->end_ns,
        .rate_ns = control->rate_ns,
        .exit_status = exit_status,
        .process_count = (uint32_t)totals->processes,
        .waits_recorded = totals->waits,
        .stacks_lost = totals->stacks_lost,
        .threads_lost = totals->threads_lost,
        .modules_lost = totals->modules_lost,
    };

    recording->closing.writer->capture(&event);
}

/* What made us lose waits, or NULL. */
static const char *find_fault(struct ct_recording *recording)
{
    recording->was_full = recording->was_full || ct_output_is_full(recording->path);
    if (recording->no_deaths != NULL)
        return "the recorder was killed while recording; some may be lost";
    if (!ct_sessiond_is_alive())
        return "LTTng's session daemon was killed while recording; later ones, and those still in "
               "its buffers, are lost";
    return recording->was_full ? "the disk was full; later ones are lost" : NULL;
}

static gboolean write_closing(struct ct_recording *recording, int exit_status, const char *fault,
                              GError **error)
{
    if (fault != NULL && !replace_session(recording, error))
        return FALSE;
    if (!await_writer(recording)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "LTTng does not take the closing events: the recording has no stacks");
        return FALSE;
    }
    ct_closing_write_boards(&recording->closing, TRUE);
    write_capture(recording, exit_status, fault);
    return ct_session_finish(recording->session, error);
}

gboolean ct_recording_cut(struct ct_recording *recording, int exit_status, GError **error)
{
    const char *fault = find_fault(recording);

    ct_session_directory_calibrate(recording->directory);
    recording->directory->control->is_recording = 0;
    recording->end_ns = now_ns(recording);
    ct_output_release(recording->path);
    gboolean is_finished = write_closing(recording, exit_status, fault, error);
    recording->events_lost += ct_session_events_lost(recording->session);
    uint64_t cut_bytes = ct_streams_repair(recording->path);
    if (is_finished && (fault != NULL || cut_bytes > 0)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "waits: %s",
                    fault != NULL ? fault : "the disk was full at the end");
        return FALSE;
    }
    return is_finished;
}

void ct_recording_summary(const struct ct_recording *recording,
                          struct ct_recording_summary *summary)
{
    uint64_t begin_ns = recording->directory->control->begin_ns;

    *summary = (struct ct_recording_summary){
        .path = recording->path,
        .duration_ns =
            begin_ns != 0 && recording->end_ns > begin_ns ? recording->end_ns - begin_ns : 0,
        .bytes = ct_output_size(recording->path),
        .events_lost = recording->events_lost,
        .totals = recording->closing.totals,
    };
}

void ct_recording_free(struct ct_recording *recording)
{
    ct_session_free(recording->session);
    ct_sessiond_release(recording->sessiond);
    ct_session_directory_free(recording->directory);
    if (recording->no_deaths != NULL)
        g_hash_table_unref(recording->no_deaths);
    g_free(recording->preload);
    g_free(recording->missing);
    g_free(recording->path);
    g_free(recording);
}
