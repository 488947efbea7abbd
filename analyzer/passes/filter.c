#include "passes/filter.h"

#include "model/format.h"
#include "options/nearest.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <stdlib.h>
#include <string.h>

/* Verdicts that are kept of stacks and objects, at most: then all are forgotten. */
#define KNOWN_MAX (1U << 16)

/* Names are told in a complaint up to so many. */
#define NAMES_MAX 8

/* Of a stack, or of a thing that was waited for. */
struct verdict {
    const struct ct_process *process; /* borrowed; with the next two, the key */
    uint64_t id;
    enum ct_object kind; /* NONE: a stack */
    gboolean is_let;
};

struct ct_filter {
    const struct ct_selection *selection; /* borrowed, as are the next two */
    struct ct_symbolizer *symbolizer;
    struct ct_idle *idle;
    struct ct_interval_filter intervals;
    GHashTable *known; /* owned; struct verdict *, as a set */
    GHashTable *seen;  /* owned; names of operations, of all intervals: a set */
    GHashTable *met;   /* owned; patterns that matched something, by where they are: a set */
};

static guint verdict_hash(const void *data)
{
    const struct verdict *verdict = data;
    uint64_t mixed =
        (verdict->id ^ (uint64_t)verdict->kind << 58) + ((uintptr_t)verdict->process >> 4);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean verdict_equal(const void *a, const void *b)
{
    const struct verdict *first = a, *second = b;

    return first->process == second->process && first->id == second->id &&
           first->kind == second->kind;
}

static const struct verdict *find_verdict(const struct ct_filter *filter, const struct verdict *key)
{
    return g_hash_table_lookup(filter->known, key);
}

static gboolean keep_verdict(struct ct_filter *filter, struct verdict verdict, gboolean is_let)
{
    if (g_hash_table_size(filter->known) >= KNOWN_MAX)
        g_hash_table_remove_all(filter->known);
    verdict.is_let = is_let;
    g_hash_table_add(filter->known, g_memdup2(&verdict, sizeof(verdict)));
    return is_let;
}

/* Every pattern is tried: those that match nothing at all are told. */
static gboolean matches(struct ct_filter *filter, const char *const *patterns, const char *text)
{
    gboolean is_matched = FALSE;

    for (; text && *patterns; patterns++) {
        if (!g_pattern_match_simple(*patterns, text))
            continue;
        is_matched = TRUE;
        g_hash_table_add(filter->met, (void *)*patterns);
    }
    return is_matched;
}

/* ---- Operations ---- */

static gboolean lets_operation(struct ct_filter *filter, const struct ct_interval *interval)
{
    const char *const *wanted = filter->selection->operations;
    const char *name = interval->op != CT_OP_NONE ? ct_op_name(interval->op) : NULL;

    if (!wanted || !*wanted)
        return TRUE;
    if (interval->call_name)
        name = interval->call_name;
    if (name)
        g_hash_table_add(filter->seen, (void *)name);
    /* A system call without an operation of its own goes by either name. */
    gboolean is_let = matches(filter, wanted, name);

    return (interval->call_name && matches(filter, wanted, ct_op_name(interval->op))) || is_let;
}

/* ---- Objects ---- */

/* By everything that it is called where it is shown. */
static gboolean look_at_object(struct ct_filter *filter, const struct ct_interval *interval)
{
    const char *const *wanted = filter->selection->objects;
    const struct ct_fd *fd = interval->fd;
    enum ct_object kind = ct_op_object(interval->op);
    g_autofree char *text = ct_format_object(interval);
    gboolean is_let = matches(filter, wanted, text);

    if (ct_object_is_address(kind)) {
        const struct ct_process *process = interval->thread->process;
        g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", interval->object);
        const char *variable =
            ct_object_find_name(filter->symbolizer, process, kind, interval->object,
                                ct_process_stack_time(process, interval->stack_id));
        g_autofree char *both = variable ? g_strdup_printf("%s (%s)", text, variable) : NULL;

        is_let = matches(filter, wanted, address) || is_let;
        is_let = matches(filter, wanted, variable) || is_let;
        return matches(filter, wanted, both) || is_let;
    }
    if (fd) {
        is_let = matches(filter, wanted, fd->local) || is_let;
        return matches(filter, wanted, fd->peer) || is_let;
    }
    if (kind == CT_OBJECT_THREAD && interval->object <= INT32_MAX) {
        const struct ct_thread *thread = g_hash_table_lookup(
            interval->thread->process->threads, GINT_TO_POINTER((int32_t)interval->object));

        return matches(filter, wanted, thread ? thread->name : NULL) || is_let;
    }
    return is_let;
}

/* What is a variable keeps its name; a descriptor's number may mean another one the next time. */
static gboolean lets_object(struct ct_filter *filter, const struct ct_interval *interval)
{
    const char *const *wanted = filter->selection->objects;
    const struct verdict key = {.process = interval->thread->process,
                                .id = interval->object,
                                .kind = ct_op_object(interval->op)};

    if (!wanted || !*wanted)
        return TRUE;
    if (!ct_object_is_address(key.kind) || interval->call_name)
        return look_at_object(filter, interval);
    const struct verdict *known = find_verdict(filter, &key);

    return known ? known->is_let : keep_verdict(filter, key, look_at_object(filter, interval));
}

/* ---- Places ---- */

static gboolean has_place(const GRegex *place, const struct ct_symbol_frame *frame)
{
    g_autofree char *line =
        frame->line > 0 ? g_strdup_printf("%s:%u", frame->file, frame->line) : NULL;

    return g_regex_match(place, frame->function, 0, NULL) ||
           (line && g_regex_match(place, line, 0, NULL));
}

static gboolean look_at_stack(const struct ct_filter *filter, const struct ct_process *process,
                              uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(filter->symbolizer, process, stack_id);

    for (guint i = 0; i < frames->len; i++) {
        const struct ct_symbol_frame *function =
            g_array_index(frames, struct ct_stack_frame, i).function;

        if (function && has_place(filter->selection->place, function))
            return TRUE;
    }
    return FALSE;
}

static gboolean lets_stack(struct ct_filter *filter, const struct ct_process *process,
                           uint32_t stack_id)
{
    const struct verdict key = {.process = process, .id = stack_id};

    if (!filter->selection->place)
        return TRUE;
    const struct verdict *known = find_verdict(filter, &key);

    return known ? known->is_let
                 : keep_verdict(filter, key, look_at_stack(filter, process, stack_id));
}

/* ---- All ---- */

/* Time in the run queue counts by itself, whatever wait it ended. */
static uint64_t whole_ns(const struct ct_interval *interval)
{
    return interval->class == CT_CLASS_RUNNABLE ? interval->end_ns - interval->begin_ns
                                                : ct_interval_wait_ns(interval);
}

/* What costs the most to tell is asked last. */
static gboolean lets(void *user, const struct ct_interval *interval)
{
    struct ct_filter *filter = user;
    const struct ct_selection *selection = filter->selection;

    return ct_selection_has_class(selection, interval->class) &&
           whole_ns(interval) >= selection->min_ns && lets_operation(filter, interval) &&
           lets_object(filter, interval) &&
           (!selection->is_without_idle || !ct_idle_has(filter->idle, interval)) &&
           lets_stack(filter, interval->thread->process, interval->stack_id);
}

static gboolean has_any(const char *const *patterns)
{
    return patterns && *patterns;
}

gboolean ct_filter_lets_running(struct ct_filter *filter, const struct ct_process *process,
                                uint32_t stack_id)
{
    const struct ct_selection *selection = filter->selection;

    return ct_selection_has_class(selection, CT_CLASS_RUNNING) && !has_any(selection->operations) &&
           !has_any(selection->objects) && lets_stack(filter, process, stack_id);
}

gboolean ct_filter_lets_class(const struct ct_filter *filter, enum ct_class class)
{
    const struct ct_selection *selection = filter->selection;

    return ct_selection_has_class(selection, class) && !has_any(selection->operations) &&
           !has_any(selection->objects) && !selection->place;
}

const struct ct_selection *ct_filter_selection(const struct ct_filter *filter)
{
    return filter->selection;
}

const struct ct_interval_filter *ct_filter_of_intervals(const struct ct_filter *filter)
{
    return ct_selection_is_all_waits(filter->selection) ? NULL : &filter->intervals;
}

/* ---- What matched nothing ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "": there was none at all. */
static char *describe_seen(const char *const *names, guint count, const char *wanted)
{
    const char *meant = ct_nearest(wanted, names, count);
    g_autoptr(GString) list = g_string_new(NULL);

    if (meant)
        return g_strdup_printf(": did you mean %s?", meant);
    for (guint i = 0; i < MIN(count, NAMES_MAX); i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", names[i]);
    if (count == 0)
        return g_strdup("");
    return g_strdup_printf(": there were %s%s", list->str, count > NAMES_MAX ? ", ..." : "");
}

GPtrArray *ct_filter_complaints(const struct ct_filter *filter)
{
    const struct ct_selection *selection = filter->selection;
    GPtrArray *complaints = g_ptr_array_new_with_free_func(g_free);
    guint count;
    g_autofree void **names = g_hash_table_get_keys_as_array(filter->seen, &count);

    qsort(names, count, sizeof(names[0]), compare_names);
    for (const char *const *op = selection->operations; op && *op; op++) {
        g_autofree char *seen = describe_seen((const char *const *)names, count, *op);

        if (!g_hash_table_contains(filter->met, *op))
            g_ptr_array_add(complaints,
                            g_strdup_printf("--op=%s: none of these waits is in it%s", *op, seen));
    }
    for (const char *const *object = selection->objects; object && *object; object++) {
        if (!g_hash_table_contains(filter->met, *object))
            g_ptr_array_add(complaints,
                            g_strdup_printf("--object=%s: none of these waits is for it", *object));
    }
    return complaints;
}

struct ct_filter *ct_filter_new(const struct ct_selection *selection,
                                struct ct_symbolizer *symbolizer, struct ct_idle *idle)
{
    struct ct_filter *filter = g_new0(struct ct_filter, 1);

    filter->selection = selection;
    filter->symbolizer = symbolizer;
    filter->idle = idle;
    filter->intervals = (struct ct_interval_filter){lets, filter};
    filter->known = g_hash_table_new_full(verdict_hash, verdict_equal, g_free, NULL);
    filter->seen = g_hash_table_new(g_str_hash, g_str_equal);
    filter->met = g_hash_table_new(NULL, NULL);
    return filter;
}

void ct_filter_free(struct ct_filter *filter)
{
    if (!filter)
        return;
    g_hash_table_unref(filter->known);
    g_hash_table_unref(filter->seen);
    g_hash_table_unref(filter->met);
    g_free(filter);
}
