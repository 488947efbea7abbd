#include "serve/thinning.h"

#include "files/tree.h"
#include "serve/command.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>

/* In what was merged: the names of what it was merged of. With it, what a power failure left of
 * them is known to be in it. */
#define MEMBERS "merged.txt"

#define READER "ctrace-pprof"

/* What is live at a moment cannot be summed up. */
#define SNAPSHOT "heap"

enum { LIMIT_MS = 600000 };

/* What becomes one. */
struct merge {
    char *part;         /* owned, as are the next three; what is filled */
    char **sources;     /* names of folders, by time */
    GString *members;   /* the file of that name */
    GPtrArray *kinds;   /* owned; char *: to be merged yet */
    GPtrArray *removed; /* owned; char *: folders that go when it is there */
    gint64 from_s;
    guint level;
};

struct ct_thinning {
    struct ct_thinning_request request;
    char *scratch; /* owned, as are the next two; a folder; NULL: there is none yet */
    char *output;  /* in it, of the command */
    char *said;
    struct merge *merge;        /* owned; NULL: it rests */
    struct ct_command *command; /* NULL: none runs */
    gboolean is_ending;
};

static void merge_free(struct merge *merge)
{
    if (merge->part)
        ct_tree_remove(merge->part);
    g_free(merge->part);
    g_strfreev(merge->sources);
    g_string_free(merge->members, TRUE);
    g_ptr_array_unref(merge->kinds);
    g_ptr_array_unref(merge->removed);
    g_free(merge);
}

static char *path_of(const struct ct_thinning *thinning, const char *folder, const char *kind)
{
    g_autofree char *file = g_strconcat(kind, ".pb.gz", NULL);

    return g_build_filename(ct_archive_path(thinning->request.archive), folder, file, NULL);
}

/* ---- Its end ---- */

static void remove_folder(struct ct_thinning *thinning, const char *name)
{
    g_autofree char *owned = g_strdup(name);

    ct_index_remove(thinning->request.index, owned);
    ct_archive_remove(thinning->request.archive, owned);
}

/* They stay as they are until they go. */
static void give_up(struct ct_thinning *thinning, const char *why)
{
    struct merge *merge = g_steal_pointer(&thinning->merge);
    g_autofree char *what =
        g_strdup_printf("%s and %u more cannot be merged, and stay as they "
                        "are: %s",
                        merge->sources[0], g_strv_length(merge->sources) - 1, why);

    for (char **name = merge->sources; *name; name++)
        ct_archive_set_stuck(thinning->request.archive, *name);
    if (!thinning->is_ending)
        thinning->request.say(what);
    merge_free(merge);
}

static void finish(struct ct_thinning *thinning)
{
    struct merge *merge = thinning->merge;
    g_autofree char *list = g_build_filename(merge->part, MEMBERS, NULL);
    g_autoptr(GError) error = NULL;
    const struct ct_rotation_folder *folder = NULL;

    if (g_file_set_contents(list, merge->members->str, (gssize)merge->members->len, &error))
        folder = ct_archive_commit(thinning->request.archive, merge->part, merge->from_s,
                                   merge->level, &error);
    if (!folder) {
        give_up(thinning, error->message);
        return;
    }
    ct_index_add(thinning->request.index, folder->name, merge->level, merge->from_s,
                 merge->from_s + ct_rotation_length_s(merge->level));
    for (guint i = 0; i < merge->removed->len; i++)
        remove_folder(thinning, merge->removed->pdata[i]);
    thinning->merge = NULL;
    merge_free(merge);
}

/* ---- Kinds ---- */

static void go_on(struct ct_thinning *thinning);

static void on_merged(void *user, enum ct_command_end end)
{
    struct ct_thinning *thinning = user;

    thinning->command = NULL;
    if (end == CT_COMMAND_GOOD) {
        go_on(thinning);
        return;
    }
    g_autofree char *said = ct_command_said(thinning->said);

    give_up(thinning, said);
    go_on(thinning);
}

static gboolean copy(const char *from, const char *to, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize size;

    return g_file_get_contents(from, &bytes, &size, error) &&
           g_file_set_contents(to, bytes, (gssize)size, error);
}

static gboolean make_scratch(struct ct_thinning *thinning, GError **error)
{
    if (thinning->scratch)
        return TRUE;
    thinning->scratch = g_dir_make_tmp("ctrace-serve-XXXXXX", error);
    if (!thinning->scratch)
        return FALSE;
    thinning->output = g_build_filename(thinning->scratch, "out", NULL);
    thinning->said = g_build_filename(thinning->scratch, "said", NULL);
    return TRUE;
}

static gboolean start(struct ct_thinning *thinning, GPtrArray *files, const char *output,
                      GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *reader = g_build_filename(thinning->request.programs, READER, NULL);

    g_ptr_array_add(words, reader);
    g_ptr_array_add(words, (char *)"--merge");
    g_ptr_array_extend(words, files, NULL, NULL);
    g_ptr_array_add(words, (char *)"-o");
    g_ptr_array_add(words, (char *)output);
    g_ptr_array_add(words, NULL);
    if (!make_scratch(thinning, error))
        return FALSE;
    const struct ct_command_request request = {
        .argv = (const char *const *)words->pdata,
        .output = thinning->output,
        .said = thinning->said,
        .end_signal = SIGTERM,
        .limit_ms = LIMIT_MS,
    };

    thinning->command = ct_command_start(&request, on_merged, thinning, error);
    return thinning->command != NULL;
}

/* The next of them; FALSE: an error. */
static gboolean merge_kind(struct ct_thinning *thinning, GError **error)
{
    struct merge *merge = thinning->merge;
    g_autofree char *kind = g_ptr_array_steal_index(merge->kinds, 0);
    g_autofree char *file = g_strconcat(kind, ".pb.gz", NULL);
    g_autofree char *output = g_build_filename(merge->part, file, NULL);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

    for (char **name = merge->sources; *name; name++) {
        g_autofree char *path = path_of(thinning, *name, kind);

        if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(files, g_steal_pointer(&path));
    }
    if (files->len == 0)
        return TRUE;
    if (files->len == 1 || strcmp(kind, SNAPSHOT) == 0)
        return copy(files->pdata[files->len - 1], output, error);
    return start(thinning, files, output, error);
}

/* ---- Its begin ---- */

static void add_kinds(const struct ct_thinning *thinning, struct merge *merge, const char *folder)
{
    g_auto(GStrv) kinds = ct_archive_kinds(thinning->request.archive, folder);

    for (char **kind = kinds; *kind; kind++)
        if (!g_ptr_array_find_with_equal_func(merge->kinds, *kind, g_str_equal, NULL))
            g_ptr_array_add(merge->kinds, g_strdup(*kind));
}

/* Of what there is already of that time. The caller frees it. */
static char *read_members(const struct ct_thinning *thinning, const char *folder)
{
    g_autofree char *path =
        g_build_filename(ct_archive_path(thinning->request.archive), folder, MEMBERS, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static gboolean plan(struct ct_thinning *thinning, const struct ct_rotation_step *step,
                     GError **error)
{
    struct merge *merge = thinning->merge;
    const GArray *folders = ct_archive_folders(thinning->request.archive);
    const struct ct_rotation_folder *there =
        ct_archive_find(thinning->request.archive, step->from_s, step->level);
    g_autofree char *text = there ? read_members(thinning, there->name) : g_strdup("");
    g_auto(GStrv) known = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) sources = g_strv_builder_new();
    guint fresh = 0;

    if (there)
        g_strv_builder_add(sources, there->name);
    g_string_append(merge->members, text);
    for (guint i = 0; i < step->members->len; i++) {
        const char *name = g_array_index(folders, struct ct_rotation_folder,
                                         g_array_index(step->members, guint, i))
                               .name;

        g_ptr_array_add(merge->removed, g_strdup(name));
        if (g_strv_contains((const char *const *)known, name))
            continue;
        g_strv_builder_add(sources, name);
        g_string_append_printf(merge->members, "%s\n", name);
        fresh++;
    }
    merge->sources = g_strv_builder_end(sources);
    for (char **name = merge->sources; fresh > 0 && *name; name++)
        add_kinds(thinning, merge, *name);
    if (fresh > 0)
        merge->part = ct_archive_begin(thinning->request.archive, error);
    return fresh == 0 || merge->part;
}

static void begin_merge(struct ct_thinning *thinning, const struct ct_rotation_step *step)
{
    struct merge *merge = g_new0(struct merge, 1);
    g_autoptr(GError) error = NULL;

    merge->members = g_string_new(NULL);
    merge->kinds = g_ptr_array_new_with_free_func(g_free);
    merge->removed = g_ptr_array_new_with_free_func(g_free);
    merge->from_s = step->from_s;
    merge->level = step->level;
    thinning->merge = merge;
    if (!plan(thinning, step, &error)) {
        give_up(thinning, error->message);
    } else if (!merge->part) { /* all of them are in it already */
        for (guint i = 0; i < merge->removed->len; i++)
            remove_folder(thinning, merge->removed->pdata[i]);
        thinning->merge = NULL;
        merge_free(merge);
    }
}

/* FALSE: nothing is due, or can be done now: on a full disk nothing could be merged, and would be
 * given up. */
static gboolean next_step(struct ct_thinning *thinning)
{
    const GArray *folders = ct_archive_folders(thinning->request.archive);
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    struct ct_rotation_step step;
    gboolean is_done = FALSE;

    ct_rotation_next(&step, folders, &thinning->request.limits, now_s);
    if (step.kind == CT_ROTATION_REMOVE) {
        remove_folder(thinning, g_array_index(folders, struct ct_rotation_folder, step.first).name);
        is_done = TRUE;
    } else if (step.kind == CT_ROTATION_MERGE &&
               ct_archive_has_room(ct_archive_path(thinning->request.archive))) {
        begin_merge(thinning, &step);
        is_done = TRUE;
    }
    ct_rotation_step_clear(&step);
    return is_done;
}

/* Until a command runs, or nothing is left to do. */
static void go_on(struct ct_thinning *thinning)
{
    while (!thinning->is_ending && !thinning->command) {
        g_autoptr(GError) error = NULL;

        if (!thinning->merge) {
            if (!next_step(thinning))
                return;
        } else if (thinning->merge->kinds->len == 0) {
            finish(thinning);
        } else if (!merge_kind(thinning, &error)) {
            give_up(thinning, error->message);
        }
    }
}

void ct_thinning_run(struct ct_thinning *thinning)
{
    if (!thinning->merge)
        go_on(thinning);
}

struct ct_thinning *ct_thinning_new(const struct ct_thinning_request *request)
{
    struct ct_thinning *thinning = g_new0(struct ct_thinning, 1);

    thinning->request = *request;
    return thinning;
}

void ct_thinning_free(struct ct_thinning *thinning)
{
    thinning->is_ending = TRUE;
    if (thinning->command)
        ct_command_kill(thinning->command);
    while (thinning->command)
        g_main_context_iteration(NULL, TRUE);
    if (thinning->merge)
        merge_free(thinning->merge);
    if (thinning->scratch)
        ct_tree_remove(thinning->scratch);
    g_free(thinning->scratch);
    g_free(thinning->output);
    g_free(thinning->said);
    g_free(thinning);
}
