#include "assemble/state.h"

static guint image_hash(const void *data)
{
    const struct ct_process *process = data;
    uint64_t mixed = (process->start_ns ^ (uint64_t)(uint32_t)process->pid << 32);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean image_equal(const void *a, const void *b)
{
    const struct ct_process *first = a;
    const struct ct_process *second = b;

    return first->pid == second->pid && first->start_ns == second->start_ns;
}

GHashTable *ct_images_new(GDestroyNotify destroy)
{
    return g_hash_table_new_full(image_hash, image_equal, destroy, NULL);
}

/* More names than anybody reads are a sign of damage. */
#define MAX_FOREIGN_NAMES 16

void ct_assembler_skip_image(struct ct_assembler *assembler, int32_t pid,
                             const struct ct_event_process_start *start)
{
    struct ct_capture *capture = &assembler->model->capture;
    g_autofree char *before = g_steal_pointer(&capture->foreign_names);
    const char *separator = before[0] != '\0' ? ", " : "";

    ct_assembler_forget_slots(assembler, pid);
    g_hash_table_add(assembler->foreign_pids, GINT_TO_POINTER(pid));
    if (g_hash_table_size(assembler->foreign_images) < CT_MAX_PROCESSES) {
        struct ct_process *key = g_new0(struct ct_process, 1);

        key->pid = pid;
        key->start_ns = start->process_start_ns;
        g_hash_table_add(assembler->foreign_images, key);
    }
    if (capture->foreign_images < MAX_FOREIGN_NAMES)
        capture->foreign_names = g_strdup_printf("%s%s%s (%d, format %u)", before, separator,
                                                 start->exe, pid, start->schema_version);
    else if (capture->foreign_images == MAX_FOREIGN_NAMES)
        capture->foreign_names = g_strdup_printf("%s ...", before);
    else
        capture->foreign_names = g_steal_pointer(&before);
    if (capture->foreign_images++ == 0)
        capture->foreign_version = start->schema_version;
}

struct ct_image *ct_assembler_image(struct ct_assembler *assembler, int32_t pid, uint64_t start_ns,
                                    gboolean is_implicit)
{
    if (assembler->model->processes->len >= CT_MAX_PROCESSES) {
        assembler->model->capture.records_dropped++;
        return NULL;
    }
    struct ct_image *image = (struct ct_image *)ct_model_add_process(
        assembler->model, pid, is_implicit ? 0 : start_ns, sizeof(*image));

    image->is_implicit = is_implicit;
    /* After a pid was reused without a sign, an older image keeps the place by its start. */
    if (!g_hash_table_contains(assembler->images, image))
        g_hash_table_add(assembler->images, image);
    return image;
}

void ct_assembler_forget_slots(struct ct_assembler *assembler, int32_t pid)
{
    for (size_t i = 0; i < CT_THREAD_SLOTS; i++) {
        if (assembler->slots[i].pid == pid)
            assembler->slots[i].thread = NULL;
    }
}

struct ct_thread_state *ct_assembler_thread(struct ct_assembler *assembler, struct ct_image *image,
                                            int32_t tid, uint64_t start_ns)
{
    if (assembler->model->threads->len >= CT_MAX_THREADS) {
        assembler->model->capture.records_dropped++;
        return NULL;
    }
    struct ct_thread_state *thread = ct_thread_state(
        ct_model_add_thread(assembler->model, &image->process, tid, start_ns, sizeof(*thread)));

    thread->last_end_ns = start_ns;
    ct_kernel_bind(assembler, thread, start_ns);
    ct_assembler_forget_slots(assembler, image->process.pid);
    return thread;
}

void ct_image_set_rate(struct ct_assembler *assembler, struct ct_image *image, uint64_t rate_ns)
{
    image->process.rate_ns = rate_ns;
    assembler->rate_ns = rate_ns;
    assembler->has_rate = TRUE;
    ct_tasks_set_brief(assembler->tasks, rate_ns);
}

/* A recording has one rate: what another process says holds for one whose start was lost. */
static void guess_rate(struct ct_assembler *assembler, struct ct_image *image)
{
    if (assembler->has_rate)
        image->process.rate_ns = assembler->rate_ns;
    else if (assembler->find_rate)
        ct_image_set_rate(assembler, image, assembler->find_rate(assembler->find_rate_user));
}

static struct ct_image *current_image(struct ct_assembler *assembler, int32_t pid)
{
    struct ct_image *image = g_hash_table_lookup(assembler->current, GINT_TO_POINTER(pid));

    if (!image) {
        image = ct_assembler_image(assembler, pid, 0, TRUE);
        if (!image)
            return NULL;
        guess_rate(assembler, image);
        g_hash_table_insert(assembler->current, GINT_TO_POINTER(pid), image);
    }
    return image;
}

struct ct_thread_state *ct_assembler_live_thread(struct ct_assembler *assembler,
                                                 const struct ct_record *record, uint64_t start_ns)
{
    size_t slot = (uint32_t)record->tid % CT_THREAD_SLOTS;

    if (assembler->slots[slot].thread && assembler->slots[slot].tid == record->tid &&
        assembler->slots[slot].pid == record->pid) {
        assembler->slots[slot].thread->last_ns = record->time_ns;
        return assembler->slots[slot].thread;
    }
    if (g_hash_table_contains(assembler->foreign_pids, GINT_TO_POINTER(record->pid)))
        return NULL;
    struct ct_image *image = current_image(assembler, record->pid);

    if (!image)
        return NULL;
    struct ct_thread_state *thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(record->tid));

    if (!thread)
        thread = ct_assembler_thread(assembler, image, record->tid, start_ns);
    if (!thread)
        return NULL;
    thread->last_ns = record->time_ns;
    assembler->slots[slot].pid = record->pid;
    assembler->slots[slot].tid = record->tid;
    assembler->slots[slot].thread = thread;
    return thread;
}
