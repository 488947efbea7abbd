#include "present.h"

#include "record/layers/perf/snapshot.h"
#include "record/libraries.h"
#include "schema/capture_words.h"
#include "spool/objects.h"
#include "spool/spool.h"
#include "system/image_key.h"
#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors come and go; those that a thread waits on for long are worth a look so often. */
#define DESCRIBE_INTERVAL_US G_USEC_PER_SEC

struct present {
    struct ct_capture_context context; /* `folder` is owned */
    struct ct_objects *objects;        /* owned; files that are kept */
    GMutex lock;                       /* of what follows */
    uint32_t part;                     /* of the recording; the last that began */
    int spool_fd;                      /* -1: there was nothing to tell yet */
    int error;                         /* errno of the write that failed, or 0 */
    GArray *described;                 /* owned; pid_t: who is described now and then */
    gint64 due_us;                     /* when; 0: nobody was yet */
    uint64_t listed_ns;                /* when who is there was listed last */
};

/* TRUE if there is a file. */
static gboolean need_spool(struct present *present)
{
    const struct ct_capture_context *context = &present->context;

    if (present->spool_fd < 0)
        present->spool_fd =
            ct_spool_create_snapshot(context->folder, context->kind, &context->formats, 0);
    return present->spool_fd >= 0;
}

static void free_present(void *opened)
{
    struct present *present = opened;

    if (present->spool_fd >= 0)
        close(present->spool_fd);
    g_array_unref(present->described);
    ct_objects_free(present->objects);
    g_mutex_clear(&present->lock);
    g_free((char *)present->context.folder);
    g_free(present);
}

static void *open_present(struct ct_capture_context *context, void *prepared, char **missing)
{
    struct present *present = g_new0(struct present, 1);

    (void)prepared;
    present->context = *context;
    present->context.folder = g_strdup(context->folder);
    present->objects = ct_objects_new(context->path);
    g_mutex_init(&present->lock);
    present->spool_fd = -1;
    present->described = g_array_new(FALSE, FALSE, sizeof(pid_t));
    if (context->running == NULL || need_spool(present))
        return present;
    *missing = g_strdup_printf("cannot write to %s: %s", context->folder, g_strerror(errno));
    free_present(present);
    return NULL;
}

/* Of pid_t; of what was launched, only the processes that no preload is in. */
static GArray *list_present(const struct present *present)
{
    const struct ct_capture_context *context = &present->context;
    g_autoptr(GArray) launched = g_array_new(FALSE, FALSE, sizeof(pid_t));
    GArray *tree;

    if (context->running != NULL)
        return ct_running_list(context->running, context->follows_children);
    g_array_append_val(launched, context->launched);
    tree = ct_proc_list_tree(launched, context->follows_children);
    for (guint i = tree->len; i-- > 0;) {
        if (ct_proc_has_mapped(g_array_index(tree, pid_t, i), CT_PRELOAD_LIBRARY))
            g_array_remove_index(tree, i);
    }
    return tree;
}

static void describe_all(struct present *present)
{
    for (guint i = 0; i < present->described->len && present->error == 0; i++) {
        if (!ct_snapshot_write_description(
                present->spool_fd, g_array_index(present->described, pid_t, i), ct_monotonic_ns()))
            present->error = errno;
    }
    present->due_us = g_get_monotonic_time() + DESCRIBE_INTERVAL_US;
}

/*
 * As of when the rings begin, and looked up once they have begun: what comes after is in them, and
 * what was before is still there.
 */
static void begin_present(void *opened, uint64_t time_ns)
{
    struct present *present = opened;
    g_autoptr(GArray) tree = NULL;

    if ((present->context.given & (CT_GIVES_SCHED | CT_GIVES_CALLS)) == 0)
        return;
    tree = list_present(present);
    if (tree->len == 0)
        return;
    g_mutex_lock(&present->lock);
    if (!need_spool(present) ||
        !ct_snapshot_write_processes(present->spool_fd, present->objects, tree, time_ns)) {
        present->error = errno;
    } else {
        g_array_set_size(present->described, 0);
        g_array_append_vals(present->described, tree->data, tree->len);
        present->listed_ns = ct_monotonic_ns();
        present->due_us = g_get_monotonic_time() + DESCRIBE_INTERVAL_US;
    }
    g_mutex_unlock(&present->lock);
}

static int compare_starts(const void *a, const void *b)
{
    const struct ct_image_key *first = a, *second = b;

    return (first->start_ns > second->start_ns) - (first->start_ns < second->start_ns);
}

static gboolean is_among(const GArray *images, pid_t pid)
{
    for (guint i = 0; i < images->len; i++)
        if (g_array_index(images, struct ct_image_key, i).pid == pid)
            return TRUE;
    return FALSE;
}

/* Of pid_t: those that only the kernel tells of. What was launched may be gone, and its children
 * somebody else's. */
static GArray *list_others(const struct present *present, const GArray *preloaded)
{
    const struct ct_capture_context *context = &present->context;
    g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));
    GArray *tree;

    if (context->running != NULL)
        return list_present(present);
    g_array_append_val(roots, context->launched);
    for (guint i = 0; i < preloaded->len; i++)
        g_array_append_val(roots, g_array_index(preloaded, struct ct_image_key, i).pid);
    tree = ct_proc_list_tree(roots, context->follows_children);
    for (guint i = tree->len; i-- > 0;) {
        pid_t pid = g_array_index(tree, pid_t, i);

        if (is_among(preloaded, pid) || ct_proc_has_mapped(pid, CT_PRELOAD_LIBRARY))
            g_array_remove_index(tree, i);
    }
    return tree;
}

/* In a file of its own, where what is described later goes, too. FALSE and errno. */
static gboolean write_part(struct present *present, const GArray *preloaded, uint64_t time_ns)
{
    const struct ct_capture_context *context = &present->context;
    g_autoptr(GArray) images = g_array_copy((GArray *)preloaded);
    g_autoptr(GArray) others = list_others(present, preloaded);
    int fd =
        ct_spool_create_snapshot(context->folder, context->kind, &context->formats, present->part);

    if (fd < 0)
        return FALSE;
    if (present->spool_fd >= 0)
        close(present->spool_fd);
    present->spool_fd = fd;
    g_array_sort(images, compare_starts);
    g_array_set_size(present->described, 0);
    g_array_append_vals(present->described, others->data, others->len);
    present->listed_ns = ct_monotonic_ns();
    present->due_us = g_get_monotonic_time() + DESCRIBE_INTERVAL_US;
    return ct_snapshot_write_preloaded(fd, present->objects, images, time_ns) &&
           ct_snapshot_write_processes(fd, present->objects, others, time_ns);
}

static void begin_present_part(void *opened, uint32_t part)
{
    struct present *present = opened;

    present->part = part;
}

static uint64_t restate_present(void *opened, const GArray *preloaded, uint64_t time_ns)
{
    struct present *present = opened;
    struct stat status = {0};

    g_mutex_lock(&present->lock);
    if (!write_part(present, preloaded, time_ns) || fstat(present->spool_fd, &status) != 0)
        present->error = errno;
    g_mutex_unlock(&present->lock);
    return (uint64_t)status.st_size;
}

static void describe_present(void *opened, pid_t pid)
{
    struct present *present = opened;

    if ((present->context.given & CT_GIVES_CALLS) == 0)
        return;
    g_mutex_lock(&present->lock);
    if (need_spool(present)) {
        g_array_append_val(present->described, pid);
        describe_all(present);
    }
    g_mutex_unlock(&present->lock);
}

/* It was on the last list already: who came in meanwhile is told of twice. */
static gboolean is_listed(const struct present *present, const struct ct_joined *joined)
{
    for (guint i = 0; joined->time_ns < present->listed_ns && i < present->described->len; i++) {
        if (g_array_index(present->described, pid_t, i) == joined->pid)
            return TRUE;
    }
    return FALSE;
}

/* Who came into the cgroup since is present from now on. */
static void describe_joined(struct present *present)
{
    GArray *joined = present->context.joined;
    g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));

    for (guint i = 0; i < joined->len; i++) {
        const struct ct_joined *one = &g_array_index(joined, struct ct_joined, i);

        if (!is_listed(present, one))
            g_array_append_val(pids, one->pid);
    }
    g_array_set_size(joined, 0);
    if (pids->len > 0 &&
        !ct_snapshot_write_processes(present->spool_fd, present->objects, pids, ct_monotonic_ns()))
        present->error = errno;
    g_array_append_vals(present->described, pids->data, pids->len);
}

/* An error ends what is told here only. */
static gboolean drain_present(void *opened, gboolean *has_new_fds)
{
    struct present *present = opened;

    (void)has_new_fds;
    g_mutex_lock(&present->lock);
    if (present->due_us != 0 && present->context.joined->len > 0)
        describe_joined(present);
    if (present->due_us != 0 && g_get_monotonic_time() >= present->due_us)
        describe_all(present);
    g_mutex_unlock(&present->lock);
    return TRUE;
}

static gboolean close_present(void *opened, char **missing)
{
    struct present *present = opened;
    int error = present->error;

    (void)missing;
    if (present->spool_fd < 0)
        return TRUE;
    g_autoptr(GArray) tree = list_present(present);
    ct_snapshot_keep_objects(present->objects, tree);
    if (close(present->spool_fd) != 0)
        error = errno;
    present->spool_fd = -1;
    errno = error;
    return error == 0;
}

const struct ct_capture_source ct_present_source = {
    .layer = CT_LAYER_KERNEL,
    .gives = CT_GIVES_PRESENT,
    .open = open_present,
    .begin = begin_present,
    .begin_part = begin_present_part,
    .restate = restate_present,
    .describe = describe_present,
    .drain = drain_present,
    .close = close_present,
    .free = free_present,
};
