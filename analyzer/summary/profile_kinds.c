/* What kinds of profiles there are, and what their numbers are called. */
#include "summary/profile.h"

#include "text/names.h"

#include <string.h>

enum units { WAITS, CPU, WALL, PATH, HEAP, THREADS };

static const struct ct_profile_units units_of[] = {
    [WAITS] = {.count = "contentions", .time = "delay", .is_clocked = FALSE},
    [CPU] = {.count = "samples", .time = "cpu", .is_clocked = TRUE},
    [PATH] = {.count = "stretches", .time = "path", .is_clocked = FALSE},
    [HEAP] = {.count = "objects", .time = "space", .is_clocked = FALSE},
    [THREADS] = {.count = "threads", .time = "waited", .is_clocked = FALSE, .is_of_count = TRUE},
    [WALL] = {.count = "count", .time = "wall", .is_clocked = TRUE},
};

static const struct {
    const char *name;
    const char *description;
    enum units units;
} kinds[] = {
#define KIND_ROW(symbol, name, units, description) {name, description, units},
    CT_PROFILE_KINDS(KIND_ROW)
#undef KIND_ROW
};

const char *ct_profile_kind_name(enum ct_profile_kind kind)
{
    return kinds[kind].name;
}

const char *ct_profile_kind_description(enum ct_profile_kind kind)
{
    return kinds[kind].description;
}

const struct ct_profile_units *ct_profile_kind_units(enum ct_profile_kind kind)
{
    return &units_of[kinds[kind].units];
}

gboolean ct_profile_kind_tells_waiter(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_MUTEX || kind == CT_PROFILE_KIND_BLAME ||
           kind == CT_PROFILE_KIND_SCHED;
}

gboolean ct_profile_kind_tells_state(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_BLAME || kind == CT_PROFILE_KIND_WALL ||
           kind == CT_PROFILE_KIND_CRITICAL || kind == CT_PROFILE_KIND_THREADS;
}

gboolean ct_profile_kind_is_whole(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_WALL || kind == CT_PROFILE_KIND_THREADS;
}

gboolean ct_profile_kind_needs_store(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_BLAME || kind == CT_PROFILE_KIND_CRITICAL;
}

gboolean ct_profile_kind_is_path(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_CRITICAL;
}

gboolean ct_profile_kind_is_heap(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_HEAP || kind == CT_PROFILE_KIND_ALLOCS;
}

gboolean ct_profile_kind_has_waits(enum ct_profile_kind kind)
{
    return !ct_profile_kind_is_heap(kind) && kind != CT_PROFILE_KIND_CPU &&
           kind != CT_PROFILE_KIND_CRITICAL;
}

gboolean ct_profile_kind_has_samples(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_CPU || ct_profile_kind_is_whole(kind);
}

gboolean ct_profile_kind_from_name(const char *name, enum ct_profile_kind *kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *kind = i;
            return TRUE;
        }
    }
    return FALSE;
}

char *ct_profile_kind_list(const char *last_separator)
{
    g_auto(GStrv) names = ct_profile_kind_rows();

    return ct_names_list(names, last_separator);
}

char **ct_profile_kind_rows(void)
{
    char **rows = g_new0(char *, CT_PROFILE_KIND_COUNT + 1);

    for (size_t i = 0; i < CT_PROFILE_KIND_COUNT; i++)
        rows[i] = g_strdup_printf("%s\t%s", kinds[i].name, kinds[i].description);
    return rows;
}
