#include "serve/recordings.h"

#include "files/tree.h"
#include "serve/command.h"
#include "serve/status.h"

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

struct ct_recordings {
    const char *programs; /* borrowed, as is the next */
    const char *place;
    GPtrArray *all; /* owned; struct recording *, each owned */
};

struct recording {
    struct ct_recordings *recordings; /* borrowed */
    char *key;                        /* owned; what it is of */
    char *folder;                     /* owned, as are the next two */
    char *directory;
    char *said;
    gint64 begin_us;
    struct ct_command *command; /* NULL: it is done */
    gboolean is_ending;         /* nobody wants it any more */
    GPtrArray *shares;          /* owned; struct ct_recording_share *, borrowed */
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
    g_free(recording->said);
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

static void on_end(void *user, enum ct_command_end end)
{
    struct recording *recording = user;
    g_autoptr(GError) error = end == CT_COMMAND_GOOD ? NULL : why_not(recording, end);

    recording->command = NULL;
    if (recording->shares->len == 0)
        g_ptr_array_remove_fast(recording->recordings->all, recording);
    else
        tell(recording, error);
}

/* ---- Its begin ---- */

static char *key_of(const struct ct_recording_wish *wish)
{
    g_autofree char *targets = g_strjoinv(",", (char **)wish->targets);

    return g_strdup_printf("%s %d %d %" G_GUINT64_FORMAT " %u", targets, wish->is_cgroup,
                           wish->has_started, wish->duration_ms, wish->hz);
}

static gboolean run(struct recording *recording, const struct ct_recording_wish *wish,
                    GError **error)
{
    g_autofree char *program = g_build_filename(recording->recordings->programs, RECORDER, NULL);
    g_autofree char *words = g_strjoinv(",", (char **)wish->targets);
    g_autofree char *targets = g_strconcat(wish->is_cgroup ? "--cgroup=" : "--pid=", words, NULL);
    g_autofree char *duration =
        g_strdup_printf("--duration=%" G_GUINT64_FORMAT "ms", wish->duration_ms);
    g_autofree char *cpu = g_strdup_printf("--cpu=%u", wish->hz);
    g_autofree char *output = g_build_filename(recording->folder, "out", NULL);
    const char *argv[] = {program, targets, duration, MAX_SIZE, "-o", recording->directory,
                          NULL,    NULL,    NULL};
    guint count = 6;

    if (wish->hz > 0)
        argv[count++] = cpu;
    if (!wish->has_started)
        argv[count++] = "--no-follow";
    const struct ct_command_request request = {
        .argv = argv,
        .output = output,
        .said = recording->said,
        .end_signal = SIGINT,
        .limit_ms = wish->duration_ms + FINISH_MS,
    };

    recording->begin_us = g_get_monotonic_time();
    recording->command = ct_command_start(&request, on_end, recording, error);
    return recording->command != NULL;
}

/* NULL: an error. */
static struct recording *begin(struct ct_recordings *recordings,
                               const struct ct_recording_wish *wish, GError **error)
{
    g_autofree char *template = g_build_filename(recordings->place, "recording-XXXXXX", NULL);

    if (ct_recordings_count(recordings) >= RECORDINGS_MAX) {
        g_set_error(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                    "%d recordings are being made already: ask again", RECORDINGS_MAX);
        return NULL;
    }
    if (!g_mkdtemp(template)) {
        g_set_error_literal(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                            "there is no room for temporary files");
        return NULL;
    }
    struct recording *recording = g_new0(struct recording, 1);

    recording->recordings = recordings;
    recording->key = key_of(wish);
    recording->folder = g_steal_pointer(&template);
    recording->directory = g_build_filename(recording->folder, "ctrace.data", NULL);
    recording->said = g_build_filename(recording->folder, "said", NULL);
    recording->shares = g_ptr_array_new();
    if (!run(recording, wish, error)) {
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

        if (recording->command && !recording->is_ending &&
            now_us - recording->begin_us < FRESH_US && strcmp(recording->key, key) == 0)
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
        g_ptr_array_remove_fast(recording->recordings->all, recording);
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

struct ct_recordings *ct_recordings_new(const char *programs, const char *place)
{
    struct ct_recordings *recordings = g_new0(struct ct_recordings, 1);

    recordings->programs = programs;
    recordings->place = place;
    recordings->all = g_ptr_array_new_with_free_func(recording_free);
    return recordings;
}

void ct_recordings_free(struct ct_recordings *recordings)
{
    g_ptr_array_unref(recordings->all);
    g_free(recordings);
}

guint ct_recordings_count(const struct ct_recordings *recordings)
{
    guint count = 0;

    for (guint i = 0; i < recordings->all->len; i++)
        count += ((struct recording *)recordings->all->pdata[i])->command != NULL;
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
