#include "cgroup.h"

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* Where cgroups of one hierarchy are to be found: a line of /proc/self/mountinfo. */
struct place {
    dev_t device;
    char *root;  /* owned; the cgroup that is mounted */
    char *point; /* owned; where */
    gboolean is_unified;
    char **options; /* owned; the controllers are among them */
};

/* "memory", or "name=systemd", or several; nothing is version 2. */
static gboolean has_controllers(const struct place *place, const char *controllers)
{
    g_auto(GStrv) names = g_strsplit(controllers, ",", -1);

    if (*controllers == '\0' || place->is_unified)
        return (*controllers == '\0') == (place->is_unified != 0);
    for (char **name = names; *name != NULL; name++) {
        if (!g_strv_contains((const char *const *)place->options, *name))
            return FALSE;
    }
    return TRUE;
}

static void place_clear(void *data)
{
    struct place *place = data;

    g_free(place->root);
    g_free(place->point);
    g_strfreev(place->options);
}

/* The fields of a mount, numbered as in proc(5), and those behind its " - ". */
enum { DEVICE_FIELD = 2, ROOT_FIELD, POINT_FIELD, FIELDS };
enum { TYPE_FIELD, OPTIONS_FIELD = 2, LAST_FIELDS };

static void add_place(GArray *places, const char *line)
{
    const char *last_part = strstr(line, " - ");
    g_auto(GStrv) fields = g_strsplit(line, " ", FIELDS + 1);
    g_auto(GStrv) last = g_strsplit(last_part != NULL ? last_part + 3 : "", " ", LAST_FIELDS);
    unsigned major_number, minor_number;

    if (g_strv_length(fields) < FIELDS || g_strv_length(last) < LAST_FIELDS ||
        (strcmp(last[TYPE_FIELD], "cgroup") != 0 && strcmp(last[TYPE_FIELD], "cgroup2") != 0) ||
        sscanf(fields[DEVICE_FIELD], "%u:%u", &major_number, &minor_number) != 2)
        return;
    const struct place place = {
        .device = makedev(major_number, minor_number),
        .root = g_strcompress(fields[ROOT_FIELD]), /* blanks are \040 there */
        .point = g_strcompress(fields[POINT_FIELD]),
        .is_unified = strcmp(last[TYPE_FIELD], "cgroup2") == 0,
        .options = g_strsplit(last[OPTIONS_FIELD], ",", -1),
    };
    if (place.is_unified) /* where both have it, version 2's is meant */
        g_array_prepend_val(places, place);
    else
        g_array_append_val(places, place);
}

static GArray *list_places(void)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(struct place));
    g_autofree char *text = NULL;

    g_array_set_clear_func(places, place_clear);
    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
        return places;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        add_place(places, *line);
    return places;
}

static gboolean is_folder(const char *path)
{
    struct statfs system;
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && statfs(path, &system) == 0 &&
           (system.f_type == CGROUP2_SUPER_MAGIC || system.f_type == CGROUP_SUPER_MAGIC);
}

/* The number of the hierarchy whose line says these controllers: "4:memory:/..." */
static uint32_t find_hierarchy(const struct place *place)
{
    g_autofree char *text = NULL;

    if (place->is_unified || !g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
        return 0;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ":", 3);

        if (g_strv_length(fields) == 3 && has_controllers(place, fields[1]))
            return (uint32_t)g_ascii_strtoull(fields[0], NULL, 10);
    }
    return 0;
}

static struct ct_running *open_folder(const GArray *places, const char *folder)
{
    struct ct_running *running = g_new0(struct ct_running, 1);
    struct stat status = {0};

    running->kind = CT_RUNNING_CGROUP;
    running->cgroup = g_canonicalize_filename(folder, NULL);
    if (stat(folder, &status) == 0)
        running->cgroup_id = status.st_ino;
    for (guint i = 0; i < places->len; i++) {
        const struct place *place = &g_array_index(places, struct place, i);

        if (place->device == status.st_dev)
            running->hierarchy_id = find_hierarchy(place);
    }
    return running;
}

/* Where a cgroup of that path would be. Caller frees. */
static char *folder_in(const struct place *place, const char *path)
{
    gboolean is_whole = strcmp(place->root, "/") == 0;

    if (!is_whole && g_str_has_prefix(path, place->root))
        path += strlen(place->root);
    return g_build_filename(place->point, path, NULL);
}

static gboolean has_processes(struct ct_running *running)
{
    g_autoptr(GArray) pids = ct_running_list(running, TRUE);

    return pids->len > 0 || running->refused > 0;
}

/* What "4:memory:/path" says before the path; NULL: nothing. Caller frees. */
static char *split_controllers(const char **path)
{
    const char *first = strchr(*path, ':');
    const char *second = first != NULL ? strchr(first + 1, ':') : NULL;

    if (**path == '/' || second == NULL)
        return NULL;
    *path = second + 1;
    return g_strndup(first + 1, (gsize)(second - first - 1));
}

/* Of several hierarchies that have it, the first one with something in it. NULL: none has it. */
static struct ct_running *find_path(const GArray *places, const char *path)
{
    g_autofree char *controllers = split_controllers(&path);
    struct ct_running *found = NULL;

    for (guint i = 0; i < places->len && (found == NULL || !has_processes(found)); i++) {
        const struct place *place = &g_array_index(places, struct place, i);
        g_autofree char *folder = folder_in(place, path);

        if ((controllers != NULL && !has_controllers(place, controllers)) || !is_folder(folder))
            continue;
        struct ct_running *running = open_folder(places, folder);
        if (found == NULL || has_processes(running)) {
            ct_running_free(found);
            found = running;
        } else {
            ct_running_free(running);
        }
    }
    return found;
}

struct ct_running *ct_cgroup_find(const char *name, GError **error)
{
    g_autoptr(GArray) places = list_places();
    struct ct_running *running =
        is_folder(name) ? open_folder(places, name) : find_path(places, name);

    if (running == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "there is no cgroup %s: give its folder, such as "
                    "/sys/fs/cgroup/system.slice/nginx.service, or its path as /proc/PID/cgroup "
                    "prints it",
                    name);
        return NULL;
    }
    if (has_processes(running))
        return running;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                "there is no process in cgroup %s, but what belongs to ctrace itself: start "
                "something in it first, or look at /proc/PID/cgroup for where it is",
                running->cgroup);
    ct_running_free(running);
    return NULL;
}

gboolean ct_cgroup_is_gone(const struct ct_running *running)
{
    struct stat status;

    return stat(running->cgroup, &status) != 0 || status.st_ino != running->cgroup_id;
}
