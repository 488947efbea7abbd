#include "assemble/descriptors.h"

#include "assemble/image.h"

#define FDS_MAX (1U << 20) /* over all processes */

/* Those that a number does not mean any more, and that are kept all the same. */
#define RETIRED_MAX 4096

struct ct_descriptors {
    struct ct_model *model;   /* borrowed */
    struct ct_output *output; /* borrowed */
    GPtrArray *retired;       /* owned; struct ct_fd *, which held intervals may point to */
    guint count;              /* that mean something now */
    guint refused;            /* since room was last made for them */
};

struct ct_descriptors *ct_descriptors_new(struct ct_model *model, struct ct_output *output)
{
    struct ct_descriptors *descriptors = g_new0(struct ct_descriptors, 1);

    descriptors->model = model;
    descriptors->output = output;
    descriptors->retired = g_ptr_array_new_with_free_func(ct_fd_free);
    return descriptors;
}

void ct_descriptors_free(struct ct_descriptors *descriptors)
{
    g_ptr_array_unref(descriptors->retired);
    g_free(descriptors);
}

const struct ct_fd *ct_descriptors_find(const struct ct_process *process, int32_t number)
{
    return g_hash_table_lookup(process->fds, GINT_TO_POINTER(number));
}

/* A socket that was bound to nothing yet has no address to speak of. */
static gboolean is_unbound(const char *address)
{
    return g_str_equal(address, "0.0.0.0:0") || g_str_equal(address, "[::]:0");
}

/* Held intervals point to what the number was before: it stays for them, as long as it may. */
static void retire(struct ct_descriptors *descriptors, GHashTable *fds, int32_t number)
{
    void *fd = NULL;

    if (descriptors->retired->len == RETIRED_MAX) {
        ct_output_flush(descriptors->output);
        g_ptr_array_set_size(descriptors->retired, 0);
    }
    g_hash_table_steal_extended(fds, GINT_TO_POINTER(number), NULL, &fd);
    g_ptr_array_add(descriptors->retired, fd);
    descriptors->count--;
}

/* Few enough, and many enough that to look at all processes each time does not take long. */
#define FDS_BETWEEN_SWEEPS 65536

/* A process that is over has none; they are kept until there are too many, since a descriptor may
 * be told to another process, and its last waits may be told of when all is over. */
static gboolean has_room(struct ct_descriptors *descriptors)
{
    const GPtrArray *processes = descriptors->model->processes;

    if (descriptors->count < FDS_MAX)
        return TRUE;
    if (descriptors->refused++ % FDS_BETWEEN_SWEEPS == 0) {
        ct_output_flush(descriptors->output); /* of held intervals */
        for (guint i = 0; i < processes->len; i++) {
            const struct ct_image *image = g_ptr_array_index(processes, i);

            if (image->has_ended) {
                descriptors->count -= g_hash_table_size(image->process.fds);
                g_hash_table_remove_all(image->process.fds);
            }
        }
    }
    return descriptors->count < FDS_MAX;
}

static gboolean is_same(const struct ct_fd *known, const struct ct_fd *fd)
{
    return known->kind == fd->kind && known->watched_classes == fd->watched_classes &&
           g_str_equal(known->local, fd->local) && g_str_equal(known->peer, fd->peer);
}

void ct_descriptors_set(struct ct_descriptors *descriptors, struct ct_process *process,
                        const struct ct_fd *told)
{
    struct ct_fd fd = *told;
    const struct ct_fd *known = ct_descriptors_find(process, fd.fd);
    struct ct_fd *copy;

    if ((unsigned)fd.kind >= CT_FD_KIND_COUNT)
        fd.kind = CT_FD_KIND_UNKNOWN;
    if (known && is_same(known, &fd))
        return;
    copy = g_new0(struct ct_fd, 1);
    *copy = fd;
    copy->local = copy->peer = NULL;
    ct_assign_string(&copy->local, is_unbound(fd.local) ? "" : fd.local);
    ct_assign_string(&copy->peer, fd.peer);
    if (known)
        retire(descriptors, process->fds, fd.fd);
    if (!has_room(descriptors)) { /* `told` may be gone now */
        descriptors->model->capture.records_dropped++;
        ct_fd_free(copy);
        return;
    }
    descriptors->count++;
    g_hash_table_insert(process->fds, GINT_TO_POINTER(copy->fd), copy);
}

void ct_descriptors_inherit(struct ct_descriptors *descriptors, const struct ct_process *from,
                            struct ct_process *process)
{
    g_autoptr(GList) numbers = g_hash_table_get_keys(from->fds);

    for (GList *each = numbers; each; each = each->next) {
        const struct ct_fd *fd = g_hash_table_lookup(from->fds, each->data);

        if (fd) /* if it is over, room may have been made of what it had */
            ct_descriptors_set(descriptors, process, fd);
    }
}

void ct_descriptors_close(struct ct_descriptors *descriptors, struct ct_process *process,
                          uint64_t first, uint64_t last)
{
    if (first == last) {
        if (ct_descriptors_find(process, (int32_t)first))
            retire(descriptors, process->fds, (int32_t)first);
        return;
    }
    g_autoptr(GList) numbers = g_hash_table_get_keys(process->fds);

    for (GList *each = numbers; each; each = each->next) {
        uint64_t number = (uint64_t)GPOINTER_TO_INT(each->data);

        if (number >= first && number <= last)
            retire(descriptors, process->fds, (int32_t)number);
    }
}

void ct_descriptors_watch(const struct ct_process *process, int32_t epoll, enum ct_class class)
{
    struct ct_fd *fd = g_hash_table_lookup(process->fds, GINT_TO_POINTER(epoll));

    if (fd)
        fd->watched_classes |= (uint8_t)(1U << class);
}
