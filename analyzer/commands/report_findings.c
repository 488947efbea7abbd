#include "commands/report_findings.h"

#include "cli/recording.h"

/* Who held the locks that findings name. */
struct holders {
    struct ct_model *model; /* owned */
    const struct ct_store_scope *scope;
    GArray *keys;        /* owned; struct ct_lock_key */
    GPtrArray *holdings; /* owned; struct ct_lock_holding *; or NULL */
};

static void holders_clear(struct holders *holders)
{
    g_array_unref(holders->keys);
    if (holders->holdings)
        g_ptr_array_unref(holders->holdings);
    ct_model_free(holders->model);
}
typedef struct holders auto_holders; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_holders, holders_clear)

static gboolean ask_holders(void *user, struct ct_store *store, GError **error)
{
    struct holders *holders = user;

    holders->holdings = ct_lock_holdings_estimate(store, holders->scope, holders->keys, error);
    return holders->holdings != NULL;
}

gboolean ct_report_ask_findings(const char *directory, struct ct_activity *activity,
                                struct ct_report *report, const struct ct_store_scope *scope,
                                GError **error)
{
    ct_report_look(report);
    g_auto(auto_holders) holders = {
        .model = ct_model_new(), .scope = scope, .keys = ct_findings_locks(report->findings)};

    if (report->locks)
        ct_report_add_holders(report, report->locks);
    else if (holders.keys->len > 0 &&
             !ct_recording_ask(directory, activity, holders.model, ask_holders, &holders, error))
        return FALSE;
    else if (holders.holdings)
        ct_report_add_holders(report, holders.holdings);
    ct_report_add_cpu_use(report);
    return TRUE;
}

struct use_question {
    const struct ct_window *window; /* borrowed; or NULL */
    struct ct_cpu_use *use;         /* the caller's */
};

static gboolean ask_cpu_use(void *user, struct ct_store *store, GError **error)
{
    struct use_question *question = user;

    question->use = ct_cpu_use_find(store, question->window, error);
    return question->use != NULL;
}

gboolean ct_report_ask_cpu_use(const char *directory, struct ct_activity *activity,
                               const struct ct_window *window, struct ct_cpu_use **use,
                               GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct use_question question = {.window = window};
    gboolean is_found = ct_recording_ask(directory, activity, model, ask_cpu_use, &question, error);

    *use = question.use;
    return is_found;
}
