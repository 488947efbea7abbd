#include "commands/profile_source.h"

#include "cli/say.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"
#include "schema/capture_words.h"
#include "summary/heap_profile.h"

/* Which thread's memory it is, and when it was allocated, is not told; but what was live when. */
static gboolean check_heap_filters(enum ct_profile_kind kind, const struct ct_scope *asked,
                                   GError **error)
{
    struct ct_selection others = asked->selection;

    others.processes = NULL;
    if (ct_selection_is_all(&others) &&
        (ct_scope_is_whole_time(asked) || (kind == CT_PROFILE_KIND_HEAP && !asked->from)))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "a %s profile is of whole processes: of the options that ask for a part, it takes "
                "--process%s alone",
                ct_profile_kind_name(kind),
                kind == CT_PROFILE_KIND_HEAP ? " and, for what was live then, --to" : "");
    return FALSE;
}

/* Of what runs, it is places alone that can be asked for. */
gboolean ct_profile_source_check_filters(enum ct_profile_kind kind, const struct ct_scope *asked,
                                         GError **error)
{
    struct ct_selection waits = asked->selection;

    if (ct_profile_kind_is_heap(kind))
        return check_heap_filters(kind, asked, error);
    if (ct_profile_kind_is_path(kind))
        return ct_scope_check_all_waits(asked, "a critical path", error);
    waits.place = NULL;
    if (ct_profile_kind_has_waits(kind) || ct_selection_is_all_waits(&waits))
        return TRUE;
    g_set_error(
        error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
        "--class, --op, --object, --min and --no-idle are of waits, and a %s profile has none",
        ct_profile_kind_name(kind));
    return FALSE;
}

void ct_profile_source_begin(struct ct_profile_source *source)
{
    /* What runs, and what is scaled, the profile asks about itself. */
    const struct ct_profile_limits limits = {
        .begin_ns = source->window.begin_ns,
        .end_ns = source->window.end_ns,
        .filter = ct_profile_kind_has_samples(source->kind) ? source->filter : NULL,
        .idle = source->idle,
    };

    source->profile = ct_profile_new(source->kind, &limits);
    source->scope = (struct ct_store_scope){
        .window = &source->window,
        /* Others' waits are charged to who held a lock, or let them go on. */
        .selection = ct_profile_kind_tells_waiter(source->kind) ? NULL : &source->asked->selection,
        .filter =
            ct_profile_kind_is_whole(source->kind) ? NULL : ct_filter_of_intervals(source->filter),
    };
}

gboolean ct_profile_source_gather(const struct ct_profile_source *source, struct ct_store *store,
                                  const struct ct_model *model, GError **error)
{
    const struct ct_sink sink = ct_profile_sink(source->profile);

    if (ct_profile_kind_is_path(source->kind))
        return ct_profile_follow(source->profile, store, model, &source->scope, error);
    ct_profile_set_store(source->profile, store);
    gboolean is_replayed = ct_store_replay(store, &source->scope, &sink, error);

    /* An error of both is told once. */
    return ct_profile_check(source->profile, is_replayed ? error : NULL) && is_replayed;
}

/* Then an empty profile is the truth. */
static gboolean is_for_want_of_running(const char *note)
{
    return g_str_has_prefix(note, CT_LAYER_CPU CT_NOTE_COLON CT_WHY_NO_SAMPLE);
}

/* A profile of what runs takes samples of that; one of all time says so if they are not there. */
static gboolean check_samples(const struct ct_profile_source *source, const struct ct_model *model,
                              GError **error)
{
    const char *missing = ct_capture_note_about(&model->capture, CT_LAYER_CPU);

    if (!ct_profile_kind_has_samples(source->kind) || model->capture.samples > 0)
        return TRUE;
    if (source->kind == CT_PROFILE_KIND_THREADS || (missing && is_for_want_of_running(missing)))
        return TRUE;
    if (source->kind == CT_PROFILE_KIND_WALL) {
        ct_say("there are no CPU samples: the time that threads ran has no stacks; "
               "ctrace record --cpu takes them");
        return TRUE;
    }
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED, "%s: there are no CPU samples: %s",
                source->directory,
                missing ? missing : "take them with: ctrace record --cpu PROGRAM");
    return FALSE;
}

static gboolean check_heap(const struct ct_profile_source *source, const struct ct_model *model,
                           GError **error)
{
    const struct ct_selection everybody = {0};

    if (ct_heap_is_recorded(model))
        return TRUE;
    g_autoptr(GPtrArray) notes = ct_heap_notes(model, &everybody);
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED, "%s: the heap was not recorded: %s",
                source->directory,
                notes->len > 0 ? (const char *)notes->pdata[0]
                               : "record it with: ctrace record --heap PROGRAM");
    return FALSE;
}

gboolean ct_profile_source_check_recorded(const struct ct_profile_source *source,
                                          const struct ct_model *model, GError **error)
{
    if (ct_profile_kind_is_heap(source->kind))
        return check_heap(source, model, error);
    if (source->kind != CT_PROFILE_KIND_SCHED || model->capture.has_kernel)
        return check_samples(source, model, error);
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                "%s: the recording has no kernel layer, so it cannot tell when threads were "
                "ready to run but did not",
                source->directory);
    return FALSE;
}

GArray *ct_profile_source_samples(const struct ct_profile_source *source,
                                  const struct ct_model *model)
{
    const struct ct_selection everybody = {0};

    if (ct_profile_kind_is_heap(source->kind))
        return ct_heap_profile_samples(
            source->kind, model, &source->asked->selection,
            ct_scope_is_whole_time(source->asked) ? CT_HEAP_PROFILE_END : source->window.end_ns);
    return ct_profile_samples(source->profile, model,
                              ct_profile_kind_is_path(source->kind) ? &everybody
                                                                    : &source->asked->selection);
}
