#include "conditions/condition.h"

#include "options/quantity.h"

#include <string.h>

static const char what_there_is[] =
    "there are: wait.CLASS > TIME, thread.state=STATE > TIME, memory.rss > SIZE, heap.live > SIZE, "
    "and "
    "deadlock; "
    "as in 'wait.sync > 200ms', or 'wait.sync(worker-*) > 200ms' of threads that are named so";

/* What the agent is not told while it watches: it would never hold. */
static const struct {
    const char *subject;
    const char *reason;
} left_out[] = {
    {"latency", "how long requests take is told by recordings, as ctrace report reads them, not "
                "by what is watched; wait.net(NAME) is watched"},
};

static const char heap_is_of_all[] =
    "what is live is the sum over the heaps of all processes, so none can be named; "
    "memory.rss(NAME) is of those that are";

static const char *const class_names[CT_CLASS_COUNT] = {
#define CLASS_NAME(symbol, name) [CT_CLASS_##symbol] = (name),
    CT_CLASSES(CLASS_NAME)
#undef CLASS_NAME
};

static gboolean fail(GError **error, const char *text, const char *why)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--when='%s': %s", text, why);
    return FALSE;
}

/* ---- What is left of the sign ---- */

static const char wait_subject[] = "wait.";
static const char state_subject[] = "thread.state=";

/* What the time of which `first` and those after it are the classes may be spent on. */
static gboolean take_class(struct ct_condition *condition, const char *name, enum ct_class first,
                           GError **error)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (enum ct_class class = first; class < CT_CLASS_UNKNOWN; class ++) {
        if (strcmp(name, class_names[class]) == 0) {
            condition->class = class;
            return TRUE;
        }
        g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "", class_names[class]);
    }
    g_autofree char *why = g_strdup_printf("there is no '%s'; there are: %s", name, all->str);

    return fail(error, condition->text, why);
}

static gboolean take_subject(struct ct_condition *condition, const char *subject, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(left_out); i++)
        if (g_str_has_prefix(subject, left_out[i].subject))
            return fail(error, condition->text, left_out[i].reason);
    if (g_str_has_prefix(subject, wait_subject)) {
        condition->kind = CT_CONDITION_WAIT;
        return take_class(condition, subject + strlen(wait_subject), CT_CLASS_NET, error);
    }
    if (g_str_has_prefix(subject, state_subject)) {
        condition->kind = CT_CONDITION_STATE;
        return take_class(condition, subject + strlen(state_subject), CT_CLASS_RUNNING, error);
    }
    if (strcmp(subject, "heap.live") == 0) {
        condition->kind = CT_CONDITION_HEAP;
        return !condition->names || fail(error, condition->text, heap_is_of_all);
    }
    condition->kind = CT_CONDITION_MEMORY;
    return strcmp(subject, "memory.rss") == 0 || fail(error, condition->text, what_there_is);
}

/* "(worker-*)" at its end, which is cut off. */
static gboolean take_names(struct ct_condition *condition, char *subject, GError **error)
{
    char *open = strchr(subject, '(');
    size_t size = strlen(subject);

    if (!open)
        return TRUE;
    if (subject[size - 1] != ')' || open + 2 == subject + size)
        return fail(error, condition->text, "names are in brackets, as in 'wait.net(worker-*)'");
    subject[size - 1] = '\0';
    condition->names = g_pattern_spec_new(open + 1);
    *open = '\0';
    g_strchomp(subject);
    return TRUE;
}

/* ---- All of it ---- */

static gboolean take_bound(struct ct_condition *condition, const char *bound, GError **error)
{
    const gboolean is_size =
        condition->kind == CT_CONDITION_MEMORY || condition->kind == CT_CONDITION_HEAP;

    if (is_size ? ct_quantity_parse_size(bound, &condition->bound)
                : ct_quantity_parse_time(bound, &condition->bound) && condition->bound > 0)
        return TRUE;
    g_autofree char *why =
        g_strdup_printf("'%s' is no %s", bound,
                        is_size ? "size, such as 500M or 2GB" : "time, such as 200ms or 5s");

    return fail(error, condition->text, why);
}

static gboolean take(struct ct_condition *condition, GError **error)
{
    if (strcmp(condition->text, "deadlock") == 0) {
        condition->kind = CT_CONDITION_DEADLOCK;
        return TRUE;
    }
    g_auto(GStrv) sides = g_strsplit(condition->text, ">", 2);

    if (!sides[0])
        return fail(error, condition->text, what_there_is);
    if (!take_names(condition, g_strstrip(sides[0]), error) ||
        !take_subject(condition, sides[0], error))
        return FALSE;
    return sides[1] ? take_bound(condition, g_strstrip(sides[1]), error)
                    : fail(error, condition->text, "more than what? as in 'wait.sync > 200ms'");
}

struct ct_condition *ct_condition_parse(const char *text, GError **error)
{
    struct ct_condition *condition = g_new0(struct ct_condition, 1);

    condition->text = g_strstrip(g_strdup(text));
    if (take(condition, error))
        return condition;
    ct_condition_free(condition);
    return NULL;
}

void ct_condition_free(struct ct_condition *condition)
{
    if (condition->names)
        g_pattern_spec_free(condition->names);
    g_free(condition->text);
    g_free(condition);
}
