#include "formats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const tracefs_places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

/* "field:pid_t prev_pid;	offset:24;	size:4;	signed:1;" */
static gboolean find_field(const char *format, const char *name, struct ct_raw_field *field)
{
    for (const char *line = strstr(format, "field:"); line; line = strstr(line + 1, "field:")) {
        const char *end = strchr(line, ';');
        unsigned offset, size;

        if (!end)
            return FALSE;
        size_t declared = (size_t)(end - line);
        g_autofree char *declaration = g_strndup(line, declared);
        char *bracket = strchr(declaration, '[');
        if (bracket)
            *bracket = '\0';
        char *last = strrchr(declaration, ' ');
        if (!last || strcmp(last + 1, name) != 0)
            continue;
        if (sscanf(end, "; offset:%u; size:%u;", &offset, &size) != 2 || offset > UINT16_MAX ||
            size > UINT16_MAX)
            return FALSE;
        *field = (struct ct_raw_field){(uint16_t)offset, (uint16_t)size};
        return TRUE;
    }
    return FALSE;
}

static char *read_format(const char *tracefs, const char *event, uint64_t *id, char **why_not)
{
    g_autofree char *path = g_build_filename(tracefs, "events/sched", event, "format", NULL);
    g_autoptr(GError) error = NULL;
    char *format = NULL;

    if (!g_file_get_contents(path, &format, NULL, &error)) {
        *why_not = g_strdup(error->message);
        return NULL;
    }
    const char *number = strstr(format, "ID:");
    *id = number ? strtoull(number + strlen("ID:"), NULL, 10) : 0;
    return format;
}

static gboolean read_formats(const char *tracefs, struct ct_formats *formats, char **why_not)
{
    g_autofree char *of_switch = read_format(tracefs, "sched_switch", &formats->switch_id, why_not);
    g_autofree char *of_waking =
        of_switch ? read_format(tracefs, "sched_waking", &formats->waking_id, why_not) : NULL;
    const struct {
        const char *format;
        const char *name;
        struct ct_raw_field *field;
    } rows[] = {
#define SWITCH_ROW(name) {of_switch, #name, &formats->name},
#define WAKING_ROW(name) {of_waking, #name, &formats->name},
        CT_COMMON_RAW_FIELDS(SWITCH_ROW) CT_SWITCH_RAW_FIELDS(SWITCH_ROW)
            CT_WAKING_RAW_FIELDS(WAKING_ROW)
#undef SWITCH_ROW
#undef WAKING_ROW
    };

    if (!of_switch || !of_waking)
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!find_field(rows[i].format, rows[i].name, rows[i].field)) {
            *why_not =
                g_strdup_printf("this kernel's scheduler events have no field '%s'", rows[i].name);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean ct_formats_read(struct ct_formats *formats, char **why_not)
{
    gboolean is_forbidden = FALSE;

    for (size_t i = 0; i < G_N_ELEMENTS(tracefs_places); i++) {
        g_autofree char *events = g_build_filename(tracefs_places[i], "events/sched", NULL);

        if (access(events, R_OK | X_OK) == 0)
            return read_formats(tracefs_places[i], formats, why_not);
        is_forbidden = is_forbidden || errno == EACCES;
    }
    *why_not =
        g_strdup(is_forbidden ? "they take root, or CAP_PERFMON and /sys/kernel/tracing readable"
                              : "tracefs is not mounted (mount -t tracefs nodev "
                                "/sys/kernel/tracing)");
    return FALSE;
}
