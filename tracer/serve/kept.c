#include "serve/kept.h"

#include "files/tree.h"
#include "serve/command.h"
#include "serve/say.h"

#include <signal.h>
#include <string.h>

#define RECORDER "ctrace-record"

/* For a recorder whose processes have ended: it ends by itself, and one that is told to then leaves
 * what it has unfinished. */
enum { OWN_END_MS = 5000 };

struct ct_kept {
    const char *programs;           /* borrowed, as are the next two */
    const struct ct_served *served; /* who they are */
    struct ct_flight *flight;
    char *scratch; /* owned; for what the recorder says; NULL: there is no such folder */
    struct ct_command *command; /* a recorder that runs; or NULL */
    guint patience;             /* a source; 0: there is none */
    gboolean has_failed;
    gboolean is_want_of_room_told;
};

/* What a recorder says that lets go of those who live. */
static const char let_go[] = "the recording ends, and the program goes on: ";

static void on_end(void *user, enum ct_command_end end)
{
    struct ct_kept *kept = user;
    g_autofree char *file = g_build_filename(kept->scratch, "said", NULL);
    g_autofree char *said = ct_command_said(file);

    const char *found = strstr(said, let_go);
    const char *why = found ? found + strlen(let_go) : NULL;

    kept->command = NULL;
    if (end != CT_COMMAND_GOOD) {
        kept->has_failed = TRUE;
        ct_serve_say("what comes last cannot be kept: %s", said);
    } else if (why) {
        ct_serve_say("%.*s; it begins anew as soon as it can", (int)strcspn(why, "\n"), why);
    }
    ct_flight_keep_end(kept->flight, end == CT_COMMAND_GOOD ? "end" : "failure");
}

/* The caller frees it. */
static char **list_words(const struct ct_kept *kept, const struct ct_served_targets *targets)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *recorder = g_build_filename(kept->programs, RECORDER, NULL);
    g_autofree char *all = g_strjoinv(",", targets->words);
    g_autofree char *whom = g_strconcat(targets->is_cgroup ? "--cgroup=" : "--pid=", all, NULL);

    g_strv_builder_add_many(words, recorder, whom, NULL);
    ct_flight_add_words(kept->flight, words);
    return g_strv_builder_end(words);
}

static gboolean start(struct ct_kept *kept, const struct ct_served_targets *targets, GError **error)
{
    g_auto(GStrv) argv = list_words(kept, targets);
    g_autofree char *output = g_build_filename(kept->scratch, "out", NULL);
    g_autofree char *said = g_build_filename(kept->scratch, "said", NULL);
    const struct ct_command_request request = {
        .argv = (const char *const *)argv,
        .output = output,
        .said = said,
        .end_signal = SIGINT,
    };

    kept->command = ct_command_start(&request, on_end, kept, error);
    return kept->command != NULL;
}

gboolean ct_kept_look(struct ct_kept *kept)
{
    struct ct_served_targets targets;
    g_autoptr(GError) error = NULL;

    if (kept->command || kept->has_failed)
        return !kept->has_failed;
    if (!kept->scratch)
        kept->scratch = g_dir_make_tmp("ctrace-kept-XXXXXX", &error);
    if (!kept->scratch) {
        ct_serve_say("%s", error->message);
        return FALSE;
    }
    /* One that ends soon would take the place of those that were written out before. */
    if (!ct_flight_has_room(kept->flight)) {
        if (!kept->is_want_of_room_told)
            ct_serve_say("nothing is kept: the disk has too little room left");
        kept->is_want_of_room_told = TRUE;
        return TRUE;
    }
    kept->is_want_of_room_told = FALSE;
    /* Of a name, there may be none now. */
    if (ct_served_find(kept->served, NULL, &targets, NULL))
        start(kept, &targets, &error);
    ct_served_targets_clear(&targets);
    if (error)
        ct_serve_say("%s", error->message);
    return !error;
}

struct ct_kept *ct_kept_new(const char *programs, const struct ct_served *served,
                            struct ct_flight *flight)
{
    struct ct_kept *kept = g_new0(struct ct_kept, 1);

    kept->programs = programs;
    kept->served = served;
    kept->flight = flight;
    return kept;
}

static gboolean on_own_end_is_late(void *user)
{
    struct ct_kept *kept = user;

    kept->patience = 0;
    if (kept->command)
        ct_command_end(kept->command);
    return G_SOURCE_REMOVE;
}

void ct_kept_free(struct ct_kept *kept)
{
    ct_flight_settle(kept->flight);
    if (kept->command && ct_served_has_ended(kept->served))
        kept->patience = g_timeout_add(OWN_END_MS, on_own_end_is_late, kept);
    else if (kept->command)
        ct_command_end(kept->command);
    while (kept->command)
        g_main_context_iteration(NULL, TRUE);
    if (kept->patience)
        g_source_remove(kept->patience);
    if (kept->scratch)
        ct_tree_remove(kept->scratch);
    g_free(kept->scratch);
    g_free(kept);
}
