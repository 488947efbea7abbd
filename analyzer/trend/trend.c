#include "trend/trend.h"

#include "export/pprof_file.h"

#include <string.h>

#define USUAL_KIND "cpu"

#define NS_PER_S INT64_C(1000000000)

static void point_free(void *data)
{
    struct ct_trend_point *point = data;

    g_free(point->path);
    g_free(point);
}

static void place_free(void *data)
{
    struct ct_trend_place *place = data;

    g_free(place->name);
    g_array_unref(place->amounts);
    g_free(place);
}

void ct_trend_free(struct ct_trend *trend)
{
    if (!trend)
        return;
    g_free(trend->kind);
    g_free(trend->value);
    g_free(trend->unit);
    g_ptr_array_unref(trend->points);
    g_ptr_array_unref(trend->places);
    g_ptr_array_unref(trend->unread);
    g_free(trend);
}

char *ct_trend_time(int64_t time_ns)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_ns / NS_PER_S);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

/* ---- Which profiles ---- */

/* "cpu, heap and sync": the kinds that there are. */
static char *list_kinds(const GPtrArray *files)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < files->len; i++) {
        const struct ct_trend_file *file = files->pdata[i];

        if (g_hash_table_add(seen, file->kind))
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", file->kind);
    }
    return g_string_free(text, FALSE);
}

static gboolean has_kind(const GPtrArray *files, const char *kind)
{
    for (guint i = 0; i < files->len; i++)
        if (strcmp(((const struct ct_trend_file *)files->pdata[i])->kind, kind) == 0)
            return TRUE;
    return FALSE;
}

/* NULL and an error: which it is cannot be told. Borrowed. */
static const char *choose_kind(const struct ct_trend_question *question, const GPtrArray *files,
                               GError **error)
{
    const char *kind = question->kind ? question->kind : USUAL_KIND;
    g_autofree char *kinds = list_kinds(files);

    if (files->len == 0)
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_NOTHING,
                    "no profiles are in %s: files called cpu.pb.gz, heap.pb.gz or so are expected, "
                    "in folders that are called by their time, such as 20260101_120000",
                    question->directory);
    else if (has_kind(files, kind))
        return kind;
    else if (!question->kind && !strchr(kinds, ','))
        return ((const struct ct_trend_file *)files->pdata[0])->kind;
    else
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_NOTHING,
                    "no profiles called %s are in %s; --profile can be one of: %s", kind,
                    question->directory, kinds);
    return NULL;
}

/* ---- Reading them ---- */

static gboolean is_asked(const struct ct_trend_question *question, const char *name)
{
    return !question->place || g_regex_match(question->place, name, 0, NULL);
}

/* The name is what the first one of them is called, which all are to have. */
static gboolean take_value(struct ct_trend *trend, const struct ct_pprof_file *profile,
                           const struct ct_trend_question *question, int *value, GError **error)
{
    *value =
        ct_pprof_file_find_value(profile, trend->value ? trend->value : question->value, error);
    if (*value < 0)
        return FALSE;
    if (!trend->value) {
        trend->value = g_strdup(ct_pprof_file_value_name(profile, *value));
        trend->unit = g_strdup(ct_pprof_file_value_unit(profile, *value));
    }
    return TRUE;
}

static struct ct_trend_place *find_place(struct ct_trend *trend, GHashTable *known,
                                         const char *name)
{
    struct ct_trend_place *place = g_hash_table_lookup(known, name);

    if (!place) {
        place = g_new0(struct ct_trend_place, 1);
        place->name = g_strdup(name);
        place->amounts = g_array_new(FALSE, FALSE, sizeof(struct ct_trend_amount));
        g_ptr_array_add(trend->places, place);
        g_hash_table_insert(known, place->name, place);
    }
    return place;
}

/* What is asked for of a profile that will be the next point. */
static void take_sums(struct ct_trend *trend, const struct ct_trend_question *question,
                      GHashTable *sums, GHashTable *known)
{
    GHashTableIter each;
    void *name, *value;

    g_hash_table_iter_init(&each, sums);
    while (g_hash_table_iter_next(&each, &name, &value)) {
        const struct ct_pprof_sum *sum = value;
        const struct ct_trend_amount amount = {trend->points->len, (double)sum->flat,
                                               (double)sum->cumulative};

        if ((trend->is_cumulative ? sum->cumulative : sum->flat) != 0 && is_asked(question, name))
            g_array_append_val(find_place(trend, known, name)->amounts, amount);
    }
}

static gboolean read_file(struct ct_trend *trend, const struct ct_trend_question *question,
                          const struct ct_trend_file *file, GHashTable *known, GError **error)
{
    g_autoptr(ct_pprof_file) profile = ct_pprof_file_read(file->path, error);
    int64_t total;
    int value;

    if (!profile || !take_value(trend, profile, question, &value, error))
        return FALSE;
    g_autoptr(GHashTable) sums = ct_pprof_file_sum(profile, value, &total);
    struct ct_trend_point *point = g_new0(struct ct_trend_point, 1);

    take_sums(trend, question, sums, known);
    point->path = g_strdup(file->path);
    point->time_ns = ct_pprof_file_time_ns(profile);
    if (point->time_ns == 0)
        point->time_ns = file->named_ns > 0 ? file->named_ns : file->written_ns;
    point->length_ns = ct_pprof_file_duration_ns(profile);
    point->total = (double)total;
    point->number = trend->points->len;
    g_ptr_array_add(trend->points, point);
    return TRUE;
}

/* ---- In order of time ---- */

static int compare_points(const void *a, const void *b)
{
    const struct ct_trend_point *first = *(struct ct_trend_point *const *)a;
    const struct ct_trend_point *second = *(struct ct_trend_point *const *)b;

    if (first->time_ns != second->time_ns)
        return first->time_ns < second->time_ns ? -1 : 1;
    return strcmp(first->path, second->path);
}

static int compare_amounts(const void *a, const void *b)
{
    const struct ct_trend_amount *first = a, *second = b;

    return (first->point > second->point) - (first->point < second->point);
}

static void sort_points(struct ct_trend *trend)
{
    g_autofree guint *places = g_new(guint, MAX(trend->points->len, 1));

    g_ptr_array_sort(trend->points, compare_points);
    for (guint i = 0; i < trend->points->len; i++) {
        struct ct_trend_point *point = trend->points->pdata[i];

        places[point->number] = i;
        point->number = i;
    }
    for (guint i = 0; i < trend->places->len; i++) {
        GArray *amounts = ((struct ct_trend_place *)trend->places->pdata[i])->amounts;

        for (guint at = 0; at < amounts->len; at++) {
            struct ct_trend_amount *amount = &g_array_index(amounts, struct ct_trend_amount, at);

            amount->point = places[amount->point];
        }
        g_array_sort(amounts, compare_amounts);
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct ct_trend_place *first = *(struct ct_trend_place *const *)a;
    const struct ct_trend_place *second = *(struct ct_trend_place *const *)b;

    if (first->mean != second->mean)
        return first->mean > second->mean ? -1 : 1;
    return strcmp(first->name, second->name);
}

static double amount_of(const struct ct_trend *trend, const struct ct_trend_amount *amount)
{
    return trend->is_cumulative ? amount->cumulative : amount->flat;
}

static void sort_places(struct ct_trend *trend)
{
    double total = 0;

    for (guint i = 0; i < trend->points->len; i++)
        total += ((const struct ct_trend_point *)trend->points->pdata[i])->total;
    for (guint i = 0; i < trend->places->len; i++) {
        struct ct_trend_place *place = trend->places->pdata[i];

        for (guint at = 0; at < place->amounts->len && total > 0; at++)
            place->mean +=
                amount_of(trend, &g_array_index(place->amounts, struct ct_trend_amount, at)) /
                total;
    }
    g_ptr_array_sort(trend->places, compare_places);
}

double *ct_trend_shares(const struct ct_trend *trend, const struct ct_trend_place *place)
{
    double *shares = g_new0(double, trend->points->len);

    for (guint i = 0; i < place->amounts->len; i++) {
        const struct ct_trend_amount *amount =
            &g_array_index(place->amounts, struct ct_trend_amount, i);
        const struct ct_trend_point *point = trend->points->pdata[amount->point];

        if (point->total > 0)
            shares[amount->point] = amount_of(trend, amount) / point->total;
    }
    return shares;
}

static struct ct_trend *trend_new(const struct ct_trend_question *question, const char *kind)
{
    struct ct_trend *trend = g_new0(struct ct_trend, 1);

    trend->kind = g_strdup(kind);
    trend->is_cumulative = question->is_cumulative;
    trend->points = g_ptr_array_new_with_free_func(point_free);
    trend->places = g_ptr_array_new_with_free_func(place_free);
    trend->unread = g_ptr_array_new_with_free_func(g_free);
    return trend;
}

struct ct_trend *ct_trend_new(const struct ct_trend_question *question, GError **error)
{
    g_autoptr(GPtrArray) files = ct_trend_files_find(question->directory, error);
    const char *kind = files ? choose_kind(question, files, error) : NULL;
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

    if (!kind)
        return NULL;
    g_autoptr(ct_trend) trend = trend_new(question, kind);

    for (guint i = 0; i < files->len; i++) {
        const struct ct_trend_file *file = files->pdata[i];
        g_autoptr(GError) failure = NULL;

        if (strcmp(file->kind, kind) == 0 && !read_file(trend, question, file, known, &failure))
            g_ptr_array_add(trend->unread, g_strdup(failure->message));
    }
    sort_points(trend);
    sort_places(trend);
    if (trend->points->len > 0)
        return g_steal_pointer(&trend);
    g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_NOTHING, "no profile in %s can be read: %s",
                question->directory, (const char *)trend->unread->pdata[0]);
    return NULL;
}
