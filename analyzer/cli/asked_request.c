#include "cli/asked_request.h"

#include "cli/recording.h"
#include "passes/requests.h"

/* So many can be listed. */
#define REQUESTS_MAX 100000

void ct_asked_request_add_option(struct ct_asked_request *request, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"request", 0, 0, G_OPTION_ARG_STRING, &request->typed,
         "The path to the answer of the Nth request that ctrace report requests lists", "N"},
        {0}};

    g_option_context_add_main_entries(context, entries, NULL);
}

void ct_asked_request_clear(struct ct_asked_request *request)
{
    g_free(request->typed);
    g_free(request->threads[0]);
}

static gboolean parse(const char *typed, guint *number, GError **error)
{
    guint64 value;

    if (g_ascii_string_to_unsigned(typed, 10, 1, REQUESTS_MAX, &value, NULL)) {
        *number = (guint)value;
        return TRUE;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--request=%s is no number between 1 and %d: it is the place in the list of ctrace "
                "report requests",
                typed, REQUESTS_MAX);
    return FALSE;
}

gboolean ct_asked_request_check(const struct ct_asked_request *request, gboolean is_path,
                                const char *alone_of, GError **error)
{
    guint number;

    if (!request->typed)
        return TRUE;
    if (is_path)
        return parse(request->typed, &number, error);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--request is an option of %s",
                alone_of);
    return FALSE;
}

/* What is asked of the recording. */
struct question {
    const struct ct_store_scope *scope;
    struct ct_asked_request *request;
    guint number;
};

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    const struct question *question = user;
    g_autoptr(ct_requests) requests =
        ct_requests_list(store, question->scope, question->number, error);

    if (!requests)
        return FALSE;
    if (requests->slowest->len < question->number) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--request=%u: %s%u %s known; see them with ctrace report requests",
                    question->number, requests->slowest->len > 0 ? "only " : "",
                    requests->slowest->len, requests->slowest->len == 1 ? "is" : "are");
        return FALSE;
    }
    const struct ct_request *found = requests->slowest->pdata[question->number - 1];

    question->request->window =
        (struct ct_window){found->begin_ns - MIN(found->unread_ns, found->begin_ns), found->end_ns};
    question->request->threads[0] = g_strdup_printf("%d", found->writer->tid);
    return TRUE;
}

gboolean ct_asked_request_find(struct ct_asked_request *request, const char *directory,
                               struct ct_activity *activity, const struct ct_scope *scope,
                               GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_window window;
    const struct ct_store_scope asked = {
        .window = ct_scope_is_whole_time(scope) ? NULL : &window,
        .selection = &scope->selection,
    };
    struct question question = {.scope = &asked, .request = request};

    return parse(request->typed, &question.number, error) &&
           (!asked.window ||
            ct_recording_find_window(directory, activity, scope, &window, error)) &&
           ct_recording_ask(directory, activity, model, ask, &question, error);
}
