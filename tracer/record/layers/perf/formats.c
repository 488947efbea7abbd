#include "formats.h"

#include "schema/capture_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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
    g_autofree char *path = g_build_filename(tracefs, "events", event, "format", NULL);
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

struct field_row {
    const char *name;
    struct ct_raw_field *field;
};

/* One tracepoint's number and fields. */
static gboolean read_event(const char *tracefs, const char *event, uint64_t *id,
                           const struct field_row *rows, size_t count, char **why_not)
{
    g_autofree char *format = read_format(tracefs, event, id, why_not);

    for (size_t i = 0; format && i < count; i++) {
        if (!find_field(format, rows[i].name, rows[i].field)) {
            *why_not = g_strdup_printf("this kernel's %s has no field '%s'", event, rows[i].name);
            return FALSE;
        }
    }
    return format != NULL;
}

static gboolean read_formats(const char *tracefs, struct ct_formats *formats, gboolean syscalls,
                             char **why_not)
{
#define ROW(name) {#name, &formats->name},
    const struct field_row of_switch[] = {CT_COMMON_RAW_FIELDS(ROW) CT_SWITCH_RAW_FIELDS(ROW)};
    const struct field_row of_waking[] = {CT_WAKING_RAW_FIELDS(ROW)};
    const struct field_row of_enter[] = {CT_ENTER_RAW_FIELDS(ROW)};
    const struct field_row of_exit[] = {CT_EXIT_RAW_FIELDS(ROW)};
#undef ROW

    return read_event(tracefs, "sched/sched_switch", &formats->switch_id, of_switch,
                      G_N_ELEMENTS(of_switch), why_not) &&
           read_event(tracefs, "sched/sched_waking", &formats->waking_id, of_waking,
                      G_N_ELEMENTS(of_waking), why_not) &&
           (!syscalls || (read_event(tracefs, "raw_syscalls/sys_enter", &formats->enter_id,
                                     of_enter, G_N_ELEMENTS(of_enter), why_not) &&
                          read_event(tracefs, "raw_syscalls/sys_exit", &formats->exit_id, of_exit,
                                     G_N_ELEMENTS(of_exit), why_not)));
}

/* A tracefs that is mounted nowhere, and gone when the descriptor is closed; -1: we may not. */
static int open_own_tracefs(void)
{
    int context = fsopen("tracefs", FSOPEN_CLOEXEC);
    int root = -1;

    if (context < 0)
        return -1;
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        root = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
    close(context);
    return root;
}

gboolean ct_formats_read(struct ct_formats *formats, gboolean syscalls, char **why_not)
{
    gboolean is_forbidden = FALSE;

    for (size_t i = 0; i < G_N_ELEMENTS(tracefs_places); i++) {
        g_autofree char *events = g_build_filename(tracefs_places[i], "events/sched", NULL);

        if (access(events, R_OK | X_OK) == 0)
            return read_formats(tracefs_places[i], formats, syscalls, why_not);
        is_forbidden = is_forbidden || errno == EACCES;
    }
    int root = open_own_tracefs();
    is_forbidden = is_forbidden || errno == EPERM;
    if (root >= 0) {
        g_autofree char *place = g_strdup_printf("/proc/self/fd/%d", root);
        gboolean is_read = read_formats(place, formats, syscalls, why_not);
        close(root);
        return is_read;
    }
    *why_not = g_strdup(is_forbidden ? "they take " CT_WHY_FORMATS
                                     : CT_WHY_TRACEFS " (mount -t tracefs nodev "
                                                      "/sys/kernel/tracing)");
    return FALSE;
}
