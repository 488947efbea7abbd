/* What the end of it all depended on: who ran while everybody else's waiting came down to that. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"
#include "passes/whatif_target.h"
#include "symbols/stack_text.h"
#include "text/shell_word.h"

#include <signal.h>
#include <string.h>

/* Of the path: less does not decide when it ends, and is not worth a second mention either. */
#define LEAST_SHARE  0.3
#define LISTED_SHARE 0.2
#define LISTED_MAX   2

/* Half of the time is what is said of a change. */
#define CHANGE 0.5

/* What threads of one kind ran of the path. */
struct part {
    GPtrArray *threads; /* owned; struct ct_thread *, each once */
    GHashTable *known;  /* owned; the same, as a set */
    GHashTable *places; /* owned; struct place *, owned, as a set */
    uint64_t ns;
};

/* What ran at one place, or up to a call there. */
struct place {
    const struct ct_symbol_frame *frame; /* borrowed */
    enum ct_op op;                       /* the call; NONE: it ran there */
    uint64_t ns;
};

static guint place_hash(const void *data)
{
    const struct place *place = data;

    return g_direct_hash(place->frame) + (guint)place->op;
}

static gboolean place_equal(const void *a, const void *b)
{
    const struct place *first = a, *second = b;

    return first->frame == second->frame && first->op == second->op;
}

static void part_free(void *data)
{
    struct part *part = data;

    g_ptr_array_unref(part->threads);
    g_hash_table_unref(part->known);
    g_hash_table_unref(part->places);
    g_free(part);
}

static struct part *part_new(void)
{
    struct part *part = g_new0(struct part, 1);

    part->threads = g_ptr_array_new();
    part->known = g_hash_table_new(NULL, NULL);
    part->places = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    return part;
}

/* ---- Adding up ---- */

static void add_place(const struct ct_findings_case *a_case, struct part *part,
                      const struct ct_path_row *row)
{
    const struct place key = {.frame = ct_stack_place(a_case->input->symbolizer,
                                                      row->thread->process, row->place.stack_id),
                              .op = row->place.is_sampled ? CT_OP_NONE : row->place.op};
    struct place *place = g_hash_table_lookup(part->places, &key);

    if (!key.frame)
        return;
    if (!place) {
        place = g_memdup2(&key, sizeof(key));
        g_hash_table_add(part->places, place);
    }
    place->ns += row->ns;
}

static void add_row(const struct ct_findings_case *a_case, struct part *part,
                    const struct ct_path_row *row)
{
    part->ns += row->ns;
    if (g_hash_table_add(part->known, row->thread))
        g_ptr_array_add(part->threads, row->thread);
    add_place(a_case, part, row);
}

static int compare_parts(const void *a, const void *b)
{
    const struct part *first = *(struct part *const *)a;
    const struct part *second = *(struct part *const *)b;

    return (first->ns < second->ns) - (first->ns > second->ns);
}

/* struct part *, that with the most time first; owned by the caller. */
static GPtrArray *list_parts(const struct ct_findings_case *a_case)
{
    const GArray *rows = a_case->input->path->rows;
    g_autoptr(GHashTable) by_kind = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *parts = g_ptr_array_new_with_free_func(part_free);

    for (guint i = 0; i < rows->len; i++) {
        const struct ct_path_row *row = &g_array_index(rows, struct ct_path_row, i);

        if (!row->thread || row->class != CT_CLASS_RUNNING)
            continue;
        g_autofree char *kind = ct_words_kind(row->thread);
        struct part *part = g_hash_table_lookup(by_kind, kind);

        if (!part) {
            part = part_new();
            g_ptr_array_add(parts, part);
            g_hash_table_insert(by_kind, g_steal_pointer(&kind), part);
        }
        add_row(a_case, part, row);
    }
    g_ptr_array_sort(parts, compare_parts);
    return parts;
}

static gboolean is_before(const struct place *a, const struct place *b)
{
    int order = strcmp(a->frame->function, b->frame->function);

    if (a->ns != b->ns)
        return a->ns > b->ns;
    if (order == 0)
        order = strcmp(a->frame->file, b->frame->file);
    if (order != 0 || a->frame->line != b->frame->line)
        return order != 0 ? order < 0 : a->frame->line < b->frame->line;
    return a->op < b->op;
}

/* NULL: no place is known for half of it. */
static const struct place *place_of(const struct part *part)
{
    const struct place *most = NULL;
    uint64_t sum_ns = 0;
    GHashTableIter at;
    void *place;

    g_hash_table_iter_init(&at, part->places);
    while (g_hash_table_iter_next(&at, &place, NULL)) {
        sum_ns += ((const struct place *)place)->ns;
        if (!most || is_before(place, most))
            most = place;
    }
    return sum_ns >= part->ns / 2 ? most : NULL;
}

/* ---- What others say ---- */

static const char *function_of(const struct place *place)
{
    return place ? place->frame->function : NULL;
}

/* A finding that costs as much names that place; or, where it is unknown, that thread. */
static gboolean is_told(const struct part *part, const GPtrArray *findings, double cost_ns)
{
    const struct ct_thread *first = part->threads->pdata[0];
    g_autofree char *who = g_strdup_printf("%s (%d)", first->name, first->tid);
    const char *function = function_of(place_of(part));

    for (guint i = 0; i < findings->len; i++) {
        const struct ct_finding *finding = findings->pdata[i];

        if ((double)finding->cost_ns < cost_ns)
            continue;
        if (function ? finding->place && strcmp(finding->place->function, function) == 0
                     : strstr(finding->text, who) != NULL)
            return TRUE;
    }
    return FALSE;
}

/* ---- Words ---- */

/* "thread compressor (12), which ran for 403 ms (78 %), mostly in compress (zip.c:7)" */
static char *describe_part(const struct part *part, uint64_t length_ns)
{
    const struct place *place = place_of(part);
    g_autofree char *who = ct_words_threads(part->threads);
    g_autofree char *time = ct_format_duration(part->ns);
    g_autofree char *text = place ? ct_stack_place_text(place->frame) : NULL;
    g_autofree char *where = NULL;

    if (place && place->op == CT_OP_NONE)
        where = g_strdup_printf(", mostly in %s", text);
    else if (place)
        where = g_strdup_printf(", mostly up to a call of %s in %s", ct_op_name(place->op), text);
    return g_strdup_printf("%s, which ran for %s (%.0f %%)%s", who, time,
                           100 * (double)part->ns / (double)length_ns, where ? where : "");
}

/* As a shell tells it: Ctrl-C, or whoever ends a server. */
static gboolean was_ended_by_signal(const struct ct_model *model)
{
    return model->capture.exit_status > 128 && model->capture.exit_status <= 128 + SIGRTMAX;
}

/* It ended by itself, and so can end earlier. */
static gboolean has_end(const struct ct_path *path)
{
    const struct ct_thread *last = path->question.thread;
    const struct ct_model *model = path->question.model;

    return path->question.window.end_ns == last->end_ns && !was_ended_by_signal(model) &&
           (last->has_exited || last->end_ns < model->end_ns);
}

/* What of the path is in that function, or called by it. */
static uint64_t sum_function(const struct ct_findings_case *a_case, const char *function)
{
    const GArray *rows = a_case->input->path->rows;
    const struct ct_whatif what = {.kind = CT_WHATIF_FUNCTION, .name = function};
    uint64_t sum_ns = 0;

    for (guint i = 0; i < rows->len; i++) {
        const struct ct_path_row *row = &g_array_index(rows, struct ct_path_row, i);

        if (row->thread && row->place.is_sampled &&
            ct_whatif_has_function(&what, a_case->input->symbolizer, row->thread->process,
                                   row->place.stack_id))
            sum_ns += row->ns;
    }
    return sum_ns;
}

/* What may be gained, and the command that looks closer. */
static char *describe_change(const struct ct_findings_case *a_case, const struct part *part,
                             struct ct_finding *finding)
{
    const struct place *place = place_of(part);
    gboolean is_function = place && place->op == CT_OP_NONE;
    g_autofree char *kind = ct_words_name(part->threads);

    if (!has_end(a_case->input->path) || (!is_function && !kind))
        return g_strdup("");
    uint64_t ns = is_function ? sum_function(a_case, place->frame->function) : part->ns;
    g_autofree char *gain = ct_words_time(CHANGE * (double)ns);
    g_autofree char *name = is_function ? g_strdup(place->frame->function) : NULL;
    g_autofree char *word =
        name ? g_strdup_printf("function:%s", name) : g_strdup_printf("thread:%s", kind);
    g_autofree char *quoted = ct_shell_word(word);

    finding->what_if = g_strdup_printf("whatif %s -50%%", quoted);
    return g_strdup_printf(" Were %s twice as fast, it would come about %s earlier at most.",
                           name                     ? name
                           : part->threads->len > 1 ? "they"
                                                    : "that one",
                           gain);
}

static char *describe(const GPtrArray *parts, const struct ct_path *path, uint64_t length_ns)
{
    const struct ct_thread *last = path->question.thread;
    g_autofree char *length = ct_format_duration(length_ns);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%s %s (%d)%s, after %s, depended on",
                    has_end(path) ? "The end of" : "How far", last->name, last->tid,
                    has_end(path) ? "" : " came", length);
    for (guint i = 0; i < MIN(parts->len, LISTED_MAX); i++) {
        const struct part *part = parts->pdata[i];
        g_autofree char *told = describe_part(part, length_ns);

        if ((double)part->ns < LISTED_SHARE * (double)length_ns)
            break;
        g_string_append_printf(text, "%s %s", i == 0 ? "" : "; and on", told);
    }
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

/* Of a thread that depended on nobody else all is known, but for where it ran. */
static gboolean may_tell(const struct ct_findings_case *a_case)
{
    const struct ct_path *path = a_case->input->path;

    return path && (path->hop_count > 0 || a_case->input->model->capture.samples > 0);
}

void ct_findings_critical_path(const struct ct_findings_case *a_case, const char *name,
                               GPtrArray *findings)
{
    if (!may_tell(a_case))
        return;
    const struct ct_path *path = a_case->input->path;
    const struct ct_window *window = &path->question.window;
    uint64_t length_ns = window->end_ns - window->begin_ns;
    g_autoptr(GPtrArray) parts = list_parts(a_case);
    const struct part *most = parts->len > 0 ? parts->pdata[0] : NULL;

    if (!most || (double)most->ns < LEAST_SHARE * (double)length_ns ||
        is_told(most, findings, CHANGE * (double)most->ns))
        return;
    const struct place *place = place_of(most);
    const struct ct_gathering gathering = {.total_ns = CHANGE * (double)most->ns,
                                           .when = *window,
                                           .threads = most->threads,
                                           .place = place ? place->frame : NULL};
    struct ct_finding *finding = ct_finding_add(
        findings, name, &gathering, describe(parts, path, length_ns), "report path", NULL);
    g_autofree char *change = describe_change(a_case, most, finding);
    char *text = g_strconcat(finding->text, change, NULL);

    g_free(finding->text);
    finding->text = text;
}
