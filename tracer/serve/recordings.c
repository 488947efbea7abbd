#include "serve/recordings.h"

#include "files/tree.h"
#include "serve/command.h"
#include "serve/status.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* More at once would disturb what they record. */
enum { RECORDINGS_MAX = 4 };

/* So long after it began, a recording is still one of what somebody asks for now. */
#define FRESH_US G_USEC_PER_SEC

/* Beyond its duration, for a recording to be finished. */
enum { FINISH_MS = 120000 };

/* What a recording may take of the disk. */
#define MAX_SIZE "--max-size=2G"

#define RECORDER "ctrace-record"

/* What has a recorder in standby record, and writes that. */
#define ORDERER "ctrace-snapshot"

struct ct_recordings {
    struct ct_recordings_places places;
    GPtrArray *all; /* owned; struct recording *, each owned; in the order of their begin */
};

struct recording {
    struct ct_recordings *recordings; /* borrowed */
    char *key;                        /* owned; what it is of */
    char *folder;                     /* owned, as are the next four */
    char *directory;
    char *output;
    char *said;
    char **argv; /* what makes it */
    guint64 duration_ms;
    gint64 begin_us;
    struct ct_command *command; /* NULL: it is done, or in line */
    gboolean is_window;
    gboolean is_alone;
    gboolean is_in_line; /* until the windows before it are done */
    gboolean is_ending;  /* nobody wants it any more */
    GPtrArray *shares;   /* owned; struct ct_recording_share *, borrowed */
};

struct ct_recording_share {
    struct recording *recording; /* borrowed */
    ct_recording_done *done;     /* NULL: it was called */
    void *user;
};

static void recording_free(void *data)
{
    struct recording *recording = data;

    if (recording->folder)
        ct_tree_remove(recording->folder);
    g_ptr_array_unref(recording->shares);
    g_free(recording->key);
    g_free(recording->folder);
    g_free(recording->directory);
    g_free(recording->output);
    g_free(recording->said);
    g_strfreev(recording->argv);
    g_free(recording);
}

/* ---- Its end ---- */

static GError *why_not(const struct recording *recording, enum ct_command_end end)
{
    g_autofree char *said = ct_command_said(recording->said);

    if (end == CT_COMMAND_LATE)
        return g_error_new(CT_SERVE_STATUS, CT_SERVE_LATE,
                           "the recording took too long to be finished: ask for less");
    return g_error_new(CT_SERVE_STATUS, CT_SERVE_NOT_NOW, "nothing could be recorded: %s", said);
}

/* Who is called may leave, and so may the last. */
static void tell(struct recording *recording, const GError *error)
{
    g_autoptr(GPtrArray) shares = g_ptr_array_copy(recording->shares, NULL, NULL);

    for (guint i = 0; i < shares->len; i++) {
        struct ct_recording_share *share = shares->pdata[i];
        ct_recording_done *done = share->done;

        share->done = NULL;
        if (done)
            done(share->user, error);
    }
}

/* The program may have ended within it: then it is not where it was to be. */
static void find_window(struct recording *recording)
{
    g_autofree char *path = NULL;

    if (!g_file_get_contents(recording->output, &path, NULL, NULL) || !*g_strchomp(path))
        return;
    g_free(recording->directory);
    recording->directory = g_steal_pointer(&path);
}

static void begin_next(struct ct_recordings *recordings);

static void on_end(void *user, enum ct_command_end end)
{
    struct recording *recording = user;
    struct ct_recordings *recordings = recording->recordings;
    g_autoptr(GError) error = end == CT_COMMAND_GOOD ? NULL : why_not(recording, end);

    recording->command = NULL;
    if (recording->is_window)
        find_window(recording);
    if (recording->shares->len == 0)
        g_ptr_array_remove(recordings->all, recording);
    else
        tell(recording, error);
    begin_next(recordings);
}

/* ---- Its begin ---- */

/* Of a program in standby there is one at a time, whoever it is of. */
static char *key_of(const struct ct_recording_wish *wish)
{
    g_autofree char *targets = g_strjoinv(",", (char **)wish->targets);

    if (wish->is_window)
        return g_strdup_printf("window %" G_GUINT64_FORMAT, wish->duration_ms);
    return g_strdup_printf("%s %d %d %" G_GUINT64_FORMAT " %u", targets, wish->is_cgroup,
                           wish->has_started, wish->duration_ms, wish->hz);
}

static char **list_words(const struct recording *recording, const struct ct_recording_wish *wish)
{
    const struct ct_recordings_places *places = &recording->recordings->places;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *program =
        g_build_filename(places->programs, wish->is_window ? ORDERER : RECORDER, NULL);
    g_autofree char *duration =
        g_strdup_printf("--duration=%" G_GUINT64_FORMAT "ms", wish->duration_ms);
    g_autofree char *all = g_strjoinv(",", (char **)wish->targets);
    g_autofree char *targets = g_strconcat(wish->is_cgroup ? "--cgroup=" : "--pid=", all, NULL);
    g_autofree char *standby = g_strconcat("--standby=", places->standby, NULL);
    g_autofree char *cpu = g_strdup_printf("--cpu=%u", wish->hz);

    g_strv_builder_add_many(words, program, duration, "-o", recording->directory, NULL);
    if (wish->is_window) {
        g_strv_builder_add_many(words, standby, places->living, NULL);
        return g_strv_builder_end(words);
    }
    g_strv_builder_add_many(words, targets, MAX_SIZE, NULL);
    if (wish->hz > 0)
        g_strv_builder_add(words, cpu);
    if (!wish->has_started)
        g_strv_builder_add(words, "--no-follow");
    return g_strv_builder_end(words);
}

static gboolean run(struct recording *recording, GError **error)
{
    const struct ct_command_request request = {
        .argv = (const char *const *)recording->argv,
        .output = recording->output,
        .said = recording->said,
        .end_signal = SIGINT,
        .limit_ms = recording->duration_ms + FINISH_MS,
    };

    recording->is_in_line = FALSE;
    recording->begin_us = g_get_monotonic_time();
    recording->command = ct_command_start(&request, on_end, recording, error);
    return recording->command != NULL;
}

static gboolean has_window(const struct ct_recordings *recordings)
{
    for (guint i = 0; i < recordings->all->len; i++) {
        const struct recording *recording = recordings->all->pdata[i];

        if (recording->is_window && recording->command)
            return TRUE;
    }
    return FALSE;
}

/* NULL: there is none. */
static struct recording *first_in_line(const struct ct_recordings *recordings)
{
    for (guint i = 0; i < recordings->all->len; i++) {
        struct recording *recording = recordings->all->pdata[i];

        if (recording->is_in_line)
            return recording;
    }
    return NULL;
}

static void begin_next(struct ct_recordings *recordings)
{
    struct recording *recording;

    while (!has_window(recordings) && (recording = first_in_line(recordings))) {
        g_autoptr(GError) error = NULL;

        if (!run(recording, &error))
            tell(recording, error);
    }
}

/* NULL: an error. */
static struct recording *begin(struct ct_recordings *recordings,
                               const struct ct_recording_wish *wish, GError **error)
{
    g_autofree char *template =
        g_build_filename(recordings->places.folder, "recording-XXXXXX", NULL);

    if (ct_recordings_count(recordings) >= RECORDINGS_MAX) {
        g_set_error(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                    "%d recordings are being made already: ask again", RECORDINGS_MAX);
        return NULL;
    }
    if (!g_mkdtemp(template)) {
        g_set_error(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                    "there can be no temporary folder: %s", g_strerror(errno));
        return NULL;
    }
    struct recording *recording = g_new0(struct recording, 1);

    recording->recordings = recordings;
    recording->key = key_of(wish);
    recording->folder = g_steal_pointer(&template);
    recording->directory = g_build_filename(recording->folder, "ctrace.data", NULL);
    recording->output = g_build_filename(recording->folder, "out", NULL);
    recording->said = g_build_filename(recording->folder, "said", NULL);
    recording->shares = g_ptr_array_new();
    recording->argv = list_words(recording, wish);
    recording->duration_ms = wish->duration_ms;
    recording->is_window = wish->is_window;
    recording->is_alone = wish->is_alone;
    recording->is_in_line = wish->is_window && has_window(recordings);
    if (!recording->is_in_line && !run(recording, error)) {
        recording_free(recording);
        return NULL;
    }
    g_ptr_array_add(recordings->all, recording);
    return recording;
}

/* ---- Sharing ---- */

/* NULL: there is none. */
static struct recording *find(const struct ct_recordings *recordings,
                              const struct ct_recording_wish *wish)
{
    g_autofree char *key = key_of(wish);
    gint64 now_us = g_get_monotonic_time();

    for (guint i = 0; i < recordings->all->len; i++) {
        struct recording *recording = recordings->all->pdata[i];

        gboolean is_fresh = recording->is_in_line || (recording->command && !recording->is_ending &&
                                                      now_us - recording->begin_us < FRESH_US);

        if (is_fresh && !wish->is_alone && !recording->is_alone && strcmp(recording->key, key) == 0)
            return recording;
    }
    return NULL;
}

struct ct_recording_share *ct_recordings_join(struct ct_recordings *recordings,
                                              const struct ct_recording_wish *wish,
                                              ct_recording_done *done, void *user, GError **error)
{
    struct recording *recording = find(recordings, wish);

    if (!recording)
        recording = begin(recordings, wish, error);
    if (!recording)
        return NULL;
    struct ct_recording_share *share = g_new0(struct ct_recording_share, 1);

    share->recording = recording;
    share->done = done;
    share->user = user;
    g_ptr_array_add(recording->shares, share);
    return share;
}

void ct_recording_leave(struct ct_recording_share *share)
{
    struct recording *recording = share->recording;

    g_ptr_array_remove_fast(recording->shares, share);
    g_free(share);
    if (recording->shares->len > 0)
        return;
    if (!recording->command) {
        g_ptr_array_remove(recording->recordings->all, recording);
        return;
    }
    recording->is_ending = TRUE;
    ct_command_end(recording->command);
}

const char *ct_recording_directory(const struct ct_recording_share *share)
{
    return share->recording->directory;
}

/* ---- All of them ---- */

struct ct_recordings *ct_recordings_new(const struct ct_recordings_places *places)
{
    struct ct_recordings *recordings = g_new0(struct ct_recordings, 1);

    recordings->places = *places;
    recordings->all = g_ptr_array_new_with_free_func(recording_free);
    return recordings;
}

void ct_recordings_free(struct ct_recordings *recordings)
{
    g_ptr_array_unref(recordings->all);
    g_free(recordings);
}

static gboolean is_made(const struct recording *recording)
{
    return recording->command || recording->is_in_line;
}

guint ct_recordings_count(const struct ct_recordings *recordings)
{
    guint count = 0;

    for (guint i = 0; i < recordings->all->len; i++)
        count += is_made(recordings->all->pdata[i]);
    return count;
}

void ct_recordings_kill(struct ct_recordings *recordings)
{
    for (guint i = 0; i < recordings->all->len; i++) {
        struct recording *recording = recordings->all->pdata[i];

        if (recording->command)
            ct_command_kill(recording->command);
    }
}
