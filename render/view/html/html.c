#include "view/html/html.h"

#include "cli/recording.h"
#include "cli/say.h"
#include "cli/sibling.h"
#include "cli/worker.h"
#include "ingest/ingest.h"
#include "model/capture_notes.h"
#include "view/html/bundle.h"
#include "view/html/details.h"
#include "view/html/finding_sums.h"
#include "view/html/sums.h"
#include "view/html/tiles.h"
#include "view/notes/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_NAME "ctrace report: "

/* Of the room that there is then: tiles leave a half, and sums of parts of the run three quarters
 * of that, for intervals. */
#define ROOM_FOR_TILES 2
#define ROOM_FOR_SUMS  4

struct job {
    const struct ct_html_request *request;
    struct ct_html_document document;
    GBytes *report;             /* owned; findings and tables */
    struct ct_note_list *notes; /* owned; NULL: they cannot be read */

    /* The worker's. */
    struct ct_model *model; /* borrowed, as is the next */
    struct ct_activity *activity;
    struct ct_window window; /* unless it is all of it */
    uint64_t bytes;          /* of what was written */
};

/* As it was asked for. */
struct overview {
    const char *question; /* borrowed, as is the next */
    GBytes *answer;
};

gboolean ct_html_is_name(const char *output)
{
    return output && g_str_has_suffix(output, ".html");
}

/* ---- What it holds ---- */

static gboolean is_whole_time(const struct job *job)
{
    return ct_scope_is_whole_time(job->request->scope);
}

/* Of which the page tells what the file is. */
static GBytes *describe(const struct job *job)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "directory");
    json_builder_add_string_value(json, job->request->directory);
    json_builder_set_member_name(json, "max_bytes");
    json_builder_add_int_value(json, (gint64)job->request->max_bytes);
    json_builder_end_object(json);
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    char *text = json_to_string(root, FALSE);

    return g_bytes_new_take(text, strlen(text));
}

/* Those of what is shown. */
static gboolean put_notes(const struct job *job, GString *piece, GError **error)
{
    if (!job->notes)
        return TRUE;
    if (!is_whole_time(job))
        ct_note_list_cut(job->notes, job->window.begin_ns, job->window.end_ns);
    g_autofree char *text = ct_note_list_text(job->notes, "");
    gsize size = strlen(text);
    g_autoptr(GBytes) notes = g_bytes_new_take(g_steal_pointer(&text), size);

    return ct_html_put(piece, "notes", notes, error);
}

/* Without this there is no page. */
static gboolean put_first(const struct job *job, const struct ct_html_keeper *keeper,
                          const struct overview *overview, struct ct_html_tiles *tiles,
                          GString *piece, GError **error)
{
    g_autoptr(GBytes) description = describe(job);

    return ct_html_put(piece, "file", description, error) &&
           ct_html_put(piece, overview->question, overview->answer, error) &&
           ct_html_put(piece, "report", job->report, error) && put_notes(job, piece, error) &&
           ct_html_tiles_put_first(tiles, keeper, piece, error);
}

static gboolean keep_first(const struct job *job, struct ct_html_keeper *keeper,
                           const struct overview *overview, struct ct_html_tiles *tiles,
                           GError **error)
{
    uint64_t page = strlen(job->document.begin) + strlen(job->document.end);
    g_autoptr(GString) piece = g_string_new(NULL);

    keeper->room = UINT64_MAX;
    if (!put_first(job, keeper, overview, tiles, piece, error))
        return FALSE;
    keeper->room = job->request->max_bytes - MIN(page, job->request->max_bytes);
    if (ct_html_keep(keeper, piece))
        return TRUE;
    g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                "%.1f MB is too small for this recording: give it at least --max-size=%.1fM",
                (double)job->request->max_bytes / 1e6, (double)(page + piece->len) / 1e6 + 0.05);
    return FALSE;
}

/* The caller owns it. */
static char *name_overview(const struct job *job, const struct ct_html_keeper *keeper)
{
    if (is_whole_time(job))
        return g_strdup("overview");
    return g_strdup_printf("overview?from=%" G_GUINT64_FORMAT "&to=%" G_GUINT64_FORMAT,
                           ct_view_moment(keeper->reader, job->window.begin_ns),
                           ct_view_moment(keeper->reader, job->window.end_ns));
}

static gboolean keep_all(const struct job *job, struct ct_html_keeper *keeper, GError **error)
{
    g_autofree char *question = name_overview(job, keeper);
    g_autoptr(GBytes) answer = ct_html_ask(keeper, question, error);
    g_autoptr(JsonParser) parser = json_parser_new();
    gsize size = 0;
    const char *text = answer ? g_bytes_get_data(answer, &size) : NULL;

    if (!answer || !json_parser_load_from_data(parser, text, (gssize)size, error))
        return FALSE;
    const struct overview first = {question, answer};
    JsonObject *overview = json_node_get_object(json_parser_get_root(parser));
    struct ct_html_tiles *tiles = ct_html_tiles_new(overview);
    gboolean is_kept =
        keep_first(job, keeper, &first, tiles, error) &&
        ct_html_keep_whole_sums(keeper, overview, error) &&
        ct_html_keep_finding_sums(keeper, overview, job->report, error) &&
        ct_html_tiles_keep(tiles, keeper, keeper->room - keeper->room / ROOM_FOR_TILES, error);
    g_autoptr(GArray) seen = ct_html_tiles_seen(tiles);

    ct_html_tiles_free(tiles);
    return is_kept &&
           ct_html_keep_part_sums(keeper, overview, seen,
                                  keeper->room - keeper->room / ROOM_FOR_SUMS, error) &&
           ct_html_keep_details(keeper, overview, seen, error);
}

/* ---- Writing it ---- */

static gboolean answer(void *user, struct ct_store *store, GError **error)
{
    struct job *job = user;
    char *recordings[] = {(char *)job->request->directory, NULL};
    struct ct_view_reader reader;

    ct_view_reader_init(&reader, job->model, store);
    reader.recordings = recordings;
    struct ct_html_keeper keeper = {&reader, job->activity, g_string_new(NULL), 0};
    gboolean is_kept = keep_all(job, &keeper, error);

    if (is_kept) {
        ct_symbolizer_keep(reader.symbolizer);
        fputs(job->document.begin, stdout);
        fwrite(keeper.text->str, 1, keeper.text->len, stdout);
        fputs(job->document.end, stdout);
        job->bytes = strlen(job->document.begin) + keeper.text->len + strlen(job->document.end);
    }
    g_string_free(keeper.text, TRUE);
    ct_view_reader_clear(&reader);
    return is_kept;
}

static int work(void *user, struct ct_activity *activity)
{
    struct job *job = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;

    job->model = model;
    job->activity = activity;
    if ((!is_whole_time(job) &&
         !ct_recording_find_window(job->request->directory, activity, job->request->scope,
                                   &job->window, &error)) ||
        !ct_recording_ask(job->request->directory, activity, model, answer, job, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(&model->capture);

    ct_say_all(complaints);
    ct_worker_begin_remarks(activity);
    ct_say("wrote %s (%.1f MB); open it in a browser", job->request->output,
           (double)job->bytes / 1e6);
    return EXIT_SUCCESS;
}

static void add_option(GPtrArray *arguments, const char *name, const char *value)
{
    if (value)
        g_ptr_array_add(arguments, g_strconcat(name, value, NULL));
}

/* The caller owns it. */
static GPtrArray *name_arguments(const char *report, const struct ct_html_request *request)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);

    add_option(arguments, "", report);
    add_option(arguments, "--format=", "json");
    add_option(arguments, "--top=", "100");
    add_option(arguments, "--depth=", "20");
    add_option(arguments, "--from=", request->scope->from);
    add_option(arguments, "--to=", request->scope->to);
    add_option(arguments, "--", "");
    add_option(arguments, "", request->directory);
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

/* Findings and tables are what another program writes. NULL: an error. */
static GBytes *run_report(const struct ct_html_request *request, GError **error)
{
    g_autofree char *report = ct_sibling_find("report");
    g_autoptr(GPtrArray) arguments = name_arguments(report, request);
    g_autofree char *output = NULL;
    g_autofree char *said = NULL;
    int status = 0;

    if (!report || !g_spawn_sync(NULL, (char **)arguments->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                                 &output, &said, &status, NULL)) {
        g_set_error_literal(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                            "findings are told by ctrace report, which is not installed beside "
                            "this program (ctrace-analyzer)");
        return NULL;
    }
    if (g_spawn_check_wait_status(status, NULL)) {
        gsize size = strlen(output);

        return g_bytes_new_take(g_steal_pointer(&output), size);
    }
    g_strchomp(said);
    g_set_error_literal(error, CT_INGEST_ERROR, CT_INGEST_ERROR_FAILED,
                        g_str_has_prefix(said, REPORT_NAME) ? said + strlen(REPORT_NAME) : said);
    return NULL;
}

/* A page is of use without them. */
static struct ct_note_list *read_notes(const struct ct_html_request *request)
{
    g_autoptr(GError) error = NULL;
    struct ct_note_list *notes = ct_view_notes_list(request->directory, &error);

    if (!notes)
        ct_say("the page has no notes: %s", error->message);
    return notes;
}

int ct_html_write(const struct ct_html_request *request)
{
    struct job job = {.request = request};
    g_autoptr(GError) error = NULL;

    if (!ct_html_bundle(&job.document, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    job.report = run_report(request, &error);
    job.notes = read_notes(request);
    int status = EXIT_FAILURE;

    if (job.report) {
        status = ct_worker_save(request->directory, request->output, work, &job);
        g_bytes_unref(job.report);
    } else {
        ct_say("%s", error->message);
    }
    g_clear_pointer(&job.notes, ct_note_list_free);
    ct_html_document_clear(&job.document);
    return status;
}
