#include "serve/collecting.h"

#include "files/tree.h"
#include "serve/say.h"
#include "serve/thinning.h"

/* A program that is started has begun by then. */
enum { FIRST_MS = 1000 };

/* What was told of a kind, or of all of them. */
struct trouble {
    char *why; /* owned; NULL: there is none */
};

struct kind {
    struct ct_collecting *collecting; /* borrowed, as is the next */
    const struct ct_settings_kind *asked;
    struct ct_answer *answer; /* NULL: nobody is asked */
    struct trouble trouble;
};

struct ct_collecting {
    struct ct_collecting_request request;
    struct ct_archive *archive; /* owned, as are the next three */
    struct ct_index *index;     /* NULL: there can be none */
    struct ct_thinning *thinning;
    struct kind *kinds;
    guint count; /* of them */
    guint timer;
    struct trouble trouble;
    struct trouble lateness; /* said once only: it comes and goes */
    char *part;              /* owned; what is filled; NULL: it is between two */
    gint64 from_s;           /* of that */
    guint pending;           /* answers */
    guint written;           /* profiles */
    gboolean is_asked;       /* all have been */
};

static gint64 now_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* ---- Gaps ---- */

static gint64 every_s(const struct ct_collecting *collecting)
{
    return MAX(collecting->request.settings->every_ms / 1000, 1);
}

/* Each reason is said once, until it is another. `kind`: "" for all of them. */
static void add_gap(struct ct_collecting *collecting, struct trouble *trouble, const char *kind,
                    gint64 from_s, const char *why)
{
    const struct ct_index_gap gap = {from_s, MAX(now_s(), from_s), kind, why};

    /* From one missed time to the next, but not beyond one that was not. */
    ct_index_add_gap(collecting->index, &gap, every_s(collecting) * 3 / 2);
    if (g_strcmp0(trouble->why, why) == 0)
        return;
    ct_serve_say("no %s%sprofiles are collected: %s", kind, *kind ? " " : "", why);
    g_free(trouble->why);
    trouble->why = g_strdup(why);
}

static void is_well(struct trouble *trouble, const char *kind)
{
    if (!trouble->why)
        return;
    ct_serve_say("%s%sprofiles are collected again", kind, *kind ? " " : "");
    g_clear_pointer(&trouble->why, g_free);
}

static void say(const char *what)
{
    ct_serve_say("%s", what);
}

/* ---- The end of a round ---- */

/* The oldest go, before there is more than may be. FALSE: it alone is more. */
static gboolean make_room(struct ct_collecting *collecting)
{
    guint64 bytes_max = collecting->request.settings->bytes_max;
    g_autofree char *index =
        g_build_filename(ct_archive_path(collecting->archive), CT_INDEX_FILE, NULL);
    guint64 bytes = ct_tree_blocks(collecting->part) + ct_tree_blocks(index);
    const GArray *folders = ct_archive_folders(collecting->archive);

    if (bytes > bytes_max)
        return FALSE;
    while (folders->len > 0 && ct_archive_bytes(collecting->archive) + bytes > bytes_max) {
        g_autofree char *name = g_strdup(g_array_index(folders, struct ct_rotation_folder, 0).name);

        ct_index_remove(collecting->index, name);
        ct_archive_remove(collecting->archive, name);
    }
    return TRUE;
}

static void tell_written(const struct ct_collecting *collecting, const char *folder)
{
    g_auto(GStrv) kinds = ct_archive_kinds(collecting->archive, folder);

    for (char **kind = kinds; collecting->request.written && *kind; kind++) {
        g_autofree char *file = g_strconcat(*kind, ".pb.gz", NULL);
        g_autofree char *path =
            g_build_filename(ct_archive_path(collecting->archive), folder, file, NULL);

        collecting->request.written(collecting->request.user, path);
    }
}

static void keep(struct ct_collecting *collecting)
{
    g_autoptr(GError) error = NULL;
    gint64 until_s = MAX(now_s(), collecting->from_s);
    const struct ct_rotation_folder *folder = NULL;

    if (!make_room(collecting))
        g_set_error_literal(&error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                            "those of one time alone take more than --max");
    else
        folder =
            ct_archive_commit(collecting->archive, collecting->part, collecting->from_s, 0, &error);
    if (!folder) {
        add_gap(collecting, &collecting->trouble, "", collecting->from_s, error->message);
        return;
    }
    is_well(&collecting->trouble, "");
    ct_index_add(collecting->index, folder->name, 0, collecting->from_s, until_s);
    tell_written(collecting, folder->name);
}

static void finish(struct ct_collecting *collecting)
{
    if (!collecting->is_asked || collecting->pending > 0)
        return;
    if (collecting->written > 0)
        keep(collecting);
    ct_tree_remove(collecting->part);
    g_clear_pointer(&collecting->part, g_free);
    ct_index_forget(collecting->index, now_s() - collecting->request.settings->keep_s);
    ct_thinning_run(collecting->thinning);
}

/* ---- A round ---- */

static gboolean write_profile(const struct kind *kind, GBytes *body, GError **error)
{
    g_autofree char *file = g_strconcat(kind->asked->name, ".pb.gz", NULL);
    g_autofree char *path = g_build_filename(kind->collecting->part, file, NULL);
    gsize size;
    const char *bytes = g_bytes_get_data(body, &size);

    return g_file_set_contents(path, bytes, (gssize)size, error);
}

static void end_kind(struct kind *kind, GBytes *body, const GError *failure)
{
    struct ct_collecting *collecting = kind->collecting;
    g_autoptr(GError) error = failure ? g_error_copy(failure) : NULL;

    if (!error && write_profile(kind, body, &error)) {
        is_well(&kind->trouble, kind->asked->name);
        collecting->written++;
    } else {
        add_gap(collecting, &kind->trouble, kind->asked->name, collecting->from_s, error->message);
    }
}

static void on_answer(void *user, const struct ct_answer_result *result, const GError *error)
{
    struct kind *kind = user;

    kind->answer = NULL;
    kind->collecting->pending--;
    end_kind(kind, result ? result->body : NULL, error);
    finish(kind->collecting);
}

static void ask_kind(struct kind *kind, const struct ct_served_targets *targets)
{
    g_autoptr(GError) error = NULL;

    kind->answer = ct_answer_start(kind->collecting->request.answers, &kind->asked->question,
                                   targets, on_answer, kind, &error);
    if (kind->answer)
        kind->collecting->pending++;
    else
        end_kind(kind, NULL, error);
}

/* What is recorded lies where temporary files do, first. */
static gboolean has_room(const struct ct_collecting *collecting, GError **error)
{
    const char *places[] = {ct_archive_path(collecting->archive), g_get_tmp_dir()};

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        if (ct_archive_has_room(places[i]))
            continue;
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                    "the disk of %s is nearly full, and the rest is left to others", places[i]);
        return FALSE;
    }
    return TRUE;
}

static void ask(struct ct_collecting *collecting)
{
    struct ct_served_targets targets = {0};
    g_autoptr(GError) error = NULL;

    collecting->from_s = now_s();
    collecting->written = 0;
    collecting->is_asked = FALSE;
    if (has_room(collecting, &error) &&
        ct_served_find(collecting->request.served, NULL, &targets, &error))
        collecting->part = ct_archive_begin(collecting->archive, &error);
    for (guint i = 0; collecting->part && i < collecting->count; i++)
        ask_kind(&collecting->kinds[i], &targets);
    ct_served_targets_clear(&targets);
    if (!collecting->part) {
        add_gap(collecting, &collecting->trouble, "", collecting->from_s, error->message);
        ct_thinning_run(collecting->thinning);
        return;
    }
    collecting->is_asked = TRUE;
    finish(collecting);
}

static gboolean on_time(void *user)
{
    struct ct_collecting *collecting = user;

    if (collecting->part)
        add_gap(collecting, &collecting->lateness, "", now_s(),
                "those before are still being made: ask for a longer --every, or a shorter --for");
    else
        ask(collecting);
    return G_SOURCE_CONTINUE;
}

static gboolean on_first(void *user)
{
    struct ct_collecting *collecting = user;

    collecting->timer = g_timeout_add(collecting->request.settings->every_ms, on_time, collecting);
    on_time(collecting);
    return G_SOURCE_REMOVE;
}

/* ---- Its life ---- */

/* Nobody was there to tell then. */
static void tell_absence(struct ct_collecting *collecting)
{
    gint64 until_s = ct_index_known_until_s(collecting->index);
    struct trouble trouble = {g_strdup("the agent did not run")};

    if (until_s > 0 && now_s() - until_s > 2 * every_s(collecting))
        add_gap(collecting, &trouble, "", until_s, "the agent did not run");
    g_free(trouble.why);
}

static void begin(struct ct_collecting *collecting)
{
    const struct ct_settings *settings = collecting->request.settings;
    g_autoptr(GError) error = NULL;

    collecting->index = ct_index_open(collecting->archive, &error);
    if (!collecting->index)
        ct_serve_say("%s; profiles are collected without it", error->message);
    tell_absence(collecting);
    const struct ct_thinning_request thinning = {
        .archive = collecting->archive,
        .index = collecting->index,
        .programs = collecting->request.programs,
        .limits = {settings->keep_s, settings->bytes_max},
        .say = say,
    };

    collecting->thinning = ct_thinning_new(&thinning);
    collecting->count = settings->kinds->len;
    collecting->kinds = g_new0(struct kind, collecting->count);
    for (guint i = 0; i < collecting->count; i++) {
        collecting->kinds[i].collecting = collecting;
        collecting->kinds[i].asked = &g_array_index(settings->kinds, struct ct_settings_kind, i);
    }
    collecting->timer = g_timeout_add(FIRST_MS, on_first, collecting);
}

struct ct_collecting *ct_collecting_new(const struct ct_collecting_request *request, GError **error)
{
    struct ct_archive *archive = ct_archive_open(request->settings->directory, error);

    if (!archive)
        return NULL;
    struct ct_collecting *collecting = g_new0(struct ct_collecting, 1);

    collecting->request = *request;
    collecting->archive = archive;
    begin(collecting);
    return collecting;
}

void ct_collecting_free(struct ct_collecting *collecting)
{
    g_source_remove(collecting->timer);
    for (guint i = 0; i < collecting->count; i++) {
        if (collecting->kinds[i].answer)
            ct_answer_cancel(collecting->kinds[i].answer);
        g_free(collecting->kinds[i].trouble.why);
    }
    if (collecting->part)
        ct_tree_remove(collecting->part);
    ct_thinning_free(collecting->thinning);
    ct_index_free(collecting->index);
    ct_archive_free(collecting->archive);
    g_free(collecting->kinds);
    g_free(collecting->trouble.why);
    g_free(collecting->lateness.why);
    g_free(collecting->part);
    g_free(collecting);
}
