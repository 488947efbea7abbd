#include "unpreloaded_events.h"

#include "schema/board.h"
#include "spool/images.h"
#include "spool/maps.h"
#include "spool/spool.h"

#include <string.h>

struct ct_unpreloaded_events {
    struct ct_images *images;       /* owned */
    struct ct_maps *maps;           /* owned */
    struct ct_syscall_names *calls; /* owned */
    GHashTable *starts; /* owned; pid of a process that is not preloaded now -> owned uint64_t * */
    GHashTable *fd_kinds; /* owned; uint64_t *, pid and descriptor -> kind that was told last */
    gboolean has_calls;   /* system calls are recorded: it is told when one ends */
    struct ct_callers *callers;    /* borrowed */
    struct ct_callers_stack stack; /* of the thread that was told of last */
    GArray *events;                /* owned; struct ct_kernel_record, those that follow */
    guint next;                    /* of them, to be taken */
    GPtrArray *names;              /* owned; of those images that have loaded a program */
    uint64_t image_count;
    uint64_t thread_count;
};

struct ct_unpreloaded_events *ct_unpreloaded_events_new(const char *path, const GPtrArray *spools,
                                                        struct ct_callers *callers)
{
    struct ct_unpreloaded_events *unpreloaded = g_new0(struct ct_unpreloaded_events, 1);
    g_autoptr(GArray) preloaded = ct_preloaded_read(path);

    unpreloaded->callers = callers;
    unpreloaded->images = ct_images_new(spools);
    ct_images_mark_preloaded(unpreloaded->images, preloaded);
    for (guint i = 0; i < spools->len; i++) {
        const struct ct_spool *spool = g_ptr_array_index(spools, i);

        unpreloaded->has_calls = unpreloaded->has_calls || ct_spool_has_calls(spool);
    }
    unpreloaded->maps = ct_maps_new(path);
    unpreloaded->calls = ct_syscall_names_new();
    unpreloaded->starts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    unpreloaded->fd_kinds = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    unpreloaded->names = g_ptr_array_new_with_free_func(g_free);
    unpreloaded->events = g_array_new(FALSE, TRUE, sizeof(struct ct_kernel_record));
    return unpreloaded;
}

void ct_unpreloaded_events_free(struct ct_unpreloaded_events *unpreloaded)
{
    if (unpreloaded == NULL)
        return;
    g_array_unref(unpreloaded->events);
    g_ptr_array_unref(unpreloaded->names);
    g_hash_table_unref(unpreloaded->starts);
    g_hash_table_unref(unpreloaded->fd_kinds);
    ct_syscall_names_free(unpreloaded->calls);
    ct_maps_free(unpreloaded->maps);
    ct_images_free(unpreloaded->images);
    g_free(unpreloaded);
}

uint64_t ct_unpreloaded_events_image_count(const struct ct_unpreloaded_events *unpreloaded)
{
    return unpreloaded->image_count;
}

char **ct_unpreloaded_events_image_names(const struct ct_unpreloaded_events *unpreloaded)
{
    char **names = g_new0(char *, unpreloaded->names->len + 1);

    for (guint i = 0; i < unpreloaded->names->len; i++)
        names[i] = g_strdup(unpreloaded->names->pdata[i]);
    return names;
}

uint64_t ct_unpreloaded_events_thread_count(const struct ct_unpreloaded_events *unpreloaded)
{
    return unpreloaded->thread_count;
}

struct ct_named_syscall ct_unpreloaded_events_syscall(struct ct_unpreloaded_events *unpreloaded,
                                                      int32_t pid, int64_t number)
{
    struct ct_address_space space;
    gboolean is_32_bit = ct_maps_get(unpreloaded->maps, pid, &space) && space.is_32_bit;

    return ct_syscall_names_find(unpreloaded->calls,
                                 is_32_bit ? CT_SYSCALL_ABI_32_BIT : CT_SYSCALL_ABI_OWN, number);
}

gboolean ct_unpreloaded_events_address_space(const struct ct_unpreloaded_events *unpreloaded,
                                             int32_t pid, struct ct_address_space *space)
{
    return ct_maps_get(unpreloaded->maps, pid, space);
}

gboolean ct_unpreloaded_events_take(struct ct_unpreloaded_events *unpreloaded,
                                    struct ct_kernel_record *record)
{
    if (unpreloaded->next < unpreloaded->events->len) {
        *record = g_array_index(unpreloaded->events, struct ct_kernel_record, unpreloaded->next++);
        return TRUE;
    }
    g_array_set_size(unpreloaded->events, 0);
    unpreloaded->next = 0;
    return FALSE;
}

static struct ct_kernel_record *add_event(struct ct_unpreloaded_events *unpreloaded,
                                          enum ct_kernel_event event)
{
    guint index = unpreloaded->events->len;

    g_array_set_size(unpreloaded->events, index + 1);
    struct ct_kernel_record *record =
        &g_array_index(unpreloaded->events, struct ct_kernel_record, index);
    record->event = event;
    return record;
}

/* When the unpreloaded image of the process began, or NULL: it has none now. */
static const uint64_t *find_start(const struct ct_unpreloaded_events *unpreloaded, int32_t pid)
{
    return g_hash_table_lookup(unpreloaded->starts, GINT_TO_POINTER(pid));
}

static void tell_module(struct ct_unpreloaded_events *unpreloaded, int32_t pid,
                        const struct ct_mapping *mapping)
{
    struct ct_mapped_object object;

    if (!ct_mapping_object(mapping, &object))
        return;
    add_event(unpreloaded, CT_KERNEL_ID_PROCESS_MODULE)->as.process_module =
        (struct ct_kernel_process_module){
            .pid = pid,
            .path = mapping->file->path,
            .copy = mapping->file->copy,
            .build_id = mapping->file->build_id,
            .begin = object.begin,
            .end = object.end,
            .bias = object.bias,
        };
}

/* A child has what its parent had mapped. */
static void tell_modules(struct ct_unpreloaded_events *unpreloaded, int32_t pid)
{
    struct ct_address_space space;

    if (!ct_maps_get(unpreloaded->maps, pid, &space))
        return;
    for (guint i = 0; i < space.count; i++)
        tell_module(unpreloaded, pid, &space.mappings[i]);
}

static void add_name(struct ct_unpreloaded_events *unpreloaded, const char *name)
{
    g_ptr_array_add(unpreloaded->names, g_strdelimit(g_strdup(name), "\n", '?'));
}

static void begin_image(struct ct_unpreloaded_events *unpreloaded, int32_t pid, int32_t ppid,
                        uint64_t start_ns, const char *name)
{
    g_hash_table_insert(unpreloaded->starts, GINT_TO_POINTER(pid),
                        g_memdup2(&start_ns, sizeof(start_ns)));
    unpreloaded->image_count++;
    unpreloaded->thread_count++;
    add_event(unpreloaded, CT_KERNEL_ID_PROCESS_IMAGE)->as.process_image =
        (struct ct_kernel_process_image){
            .pid = pid,
            .ppid = ppid,
            .start_ns = start_ns,
            .exe = "",
            .args = name,
            .cwd = "",
        };
}

/* If the image of the process that begins now is an unpreloaded one. */
static void begin_if_unpreloaded(struct ct_unpreloaded_events *unpreloaded, int32_t pid,
                                 uint64_t time_ns, const char *name)
{
    const struct ct_kernel_image *image =
        ct_images_find_unpreloaded(unpreloaded->images, pid, time_ns);

    if (image != NULL) {
        begin_image(unpreloaded, pid, image->ppid, time_ns, name);
        if (image->is_by_exec)
            add_name(unpreloaded, name);
    } else {
        g_hash_table_remove(unpreloaded->starts, GINT_TO_POINTER(pid));
    }
}

static void add_fork(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    int32_t pid = raw->as.task.pid;

    if (pid == raw->as.task.parent_pid) {
        unpreloaded->thread_count += find_start(unpreloaded, pid) != NULL;
        return;
    }
    begin_if_unpreloaded(unpreloaded, pid, raw->time_ns, "");
    if (find_start(unpreloaded, pid) != NULL)
        tell_modules(unpreloaded, pid);
}

/* A task that was there when the recording began; of a process, its first one comes first. */
static void add_present(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    int32_t pid = raw->as.task.pid;

    if (ct_images_is_told(unpreloaded->images, raw->as.task.tid))
        return;
    if (find_start(unpreloaded, pid) != NULL) {
        unpreloaded->thread_count++;
        add_event(unpreloaded, CT_KERNEL_ID_PROCESS_THREAD)->as.process_thread =
            (struct ct_kernel_process_thread){.pid = pid, .tid = raw->as.task.tid, .name = ""};
    } else if (!ct_images_is_preloaded(unpreloaded->images, pid, raw->time_ns)) {
        begin_image(unpreloaded, pid, raw->as.task.parent_pid, raw->time_ns, "");
        add_name(unpreloaded, CT_UNSEEN_NAME_UNKNOWN);
    }
}

/* The call that such a task is in; and from where it made that, if it has blocked in it. */
static void tell_call(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    const struct ct_spool_task *task = &raw->as.present.of;
    struct ct_named_syscall named =
        ct_unpreloaded_events_syscall(unpreloaded, task->pid, task->number);
    struct ct_callers_stack *stack = &unpreloaded->stack;
    struct ct_address_space space;
    struct ct_kernel_syscall *syscall =
        &add_event(unpreloaded, CT_KERNEL_ID_SYSCALL_ENTRY)->as.syscall;

    syscall->call = named.call;
    syscall->name = named.name;
    memcpy(syscall->arguments, task->arguments, sizeof(syscall->arguments));
    if (!ct_maps_get(unpreloaded->maps, task->pid, &space))
        return;
    ct_callers_of_present(unpreloaded->callers, &space, raw, stack);
    if (stack->count == 0)
        return;
    add_event(unpreloaded, CT_KERNEL_ID_CALLSTACK_USER)->as.callstack_user =
        ct_callers_event(stack, task->tid);
}

/* What such a task does. */
static void add_state(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    const struct ct_spool_task *task = &raw->as.present.of;

    if (find_start(unpreloaded, task->pid) == NULL ||
        ct_images_is_told(unpreloaded->images, task->tid))
        return;
    if (task->has_call && unpreloaded->has_calls)
        tell_call(unpreloaded, raw);
    add_event(unpreloaded, CT_KERNEL_ID_PROCESS_THREAD)->as.process_thread =
        (struct ct_kernel_process_thread){
            .pid = task->pid,
            .tid = task->tid,
            .name = task->name,
            .is_blocked = task->is_blocked != 0,
        };
}

static void add_mapping(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    int32_t pid = raw->as.mapping.pid;
    struct ct_address_space space;

    if (find_start(unpreloaded, pid) == NULL || !ct_maps_get(unpreloaded->maps, pid, &space))
        return;
    const struct ct_mapping *mapping = ct_address_space_find(&space, raw->as.mapping.begin);
    if (mapping != NULL)
        tell_module(unpreloaded, pid, mapping);
}

static void add_process(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    const uint64_t *start_ns = find_start(unpreloaded, raw->as.process.of.pid);

    if (start_ns == NULL)
        return;
    add_event(unpreloaded, CT_KERNEL_ID_PROCESS_IMAGE)->as.process_image =
        (struct ct_kernel_process_image){
            .pid = raw->as.process.of.pid,
            .ppid = raw->as.process.of.ppid,
            .start_ns = *start_ns,
            .exe = raw->as.process.exe,
            .args = raw->as.process.args,
            .cwd = raw->as.process.cwd,
        };
}

/* The classes of the kinds that an epoll descriptor watches, as bits. */
static uint8_t watched_classes(uint32_t kinds)
{
    static const enum ct_class classes[] = {
#define KIND_CLASS(symbol, name, class) [CT_FD_KIND_##symbol] = CT_CLASS_##class,
        CT_FD_KINDS(KIND_CLASS)
#undef KIND_CLASS
    };
    uint8_t bits = 0;

    for (size_t kind = 0; kind < G_N_ELEMENTS(classes); kind++) {
        if (kinds >> kind & 1)
            bits |= (uint8_t)(1u << classes[kind]);
    }
    return bits;
}

/* FALSE if it was of that kind before. */
static gboolean note_fd_kind(struct ct_unpreloaded_events *unpreloaded,
                             const struct ct_spool_descriptor *fd)
{
    uint64_t key = (uint64_t)(uint32_t)fd->pid << 32 | (uint32_t)fd->fd;
    gpointer kind = GUINT_TO_POINTER(fd->kind + 1);

    if (g_hash_table_lookup(unpreloaded->fd_kinds, &key) == kind)
        return FALSE;
    g_hash_table_insert(unpreloaded->fd_kinds, g_memdup2(&key, sizeof(key)), kind);
    return TRUE;
}

static void add_fd(struct ct_unpreloaded_events *unpreloaded, const struct ct_raw_record *raw)
{
    if (find_start(unpreloaded, raw->as.fd.of.pid) == NULL)
        return;
    if (!note_fd_kind(unpreloaded, &raw->as.fd.of) && raw->as.fd.is_kind_only)
        return;
    add_event(unpreloaded, CT_KERNEL_ID_PROCESS_FD)->as.process_fd = (struct ct_kernel_process_fd){
        .pid = raw->as.fd.of.pid,
        .fd = raw->as.fd.of.fd,
        .kind = (uint8_t)MIN(raw->as.fd.of.kind, UINT8_MAX),
        .watched_classes = watched_classes(raw->as.fd.of.watched),
        .local = raw->as.fd.local,
        .peer = raw->as.fd.peer,
    };
}

void ct_unpreloaded_events_add(struct ct_unpreloaded_events *unpreloaded,
                               const struct ct_raw_record *raw, gboolean was_present)
{
    ct_maps_add(unpreloaded->maps, raw);
    switch (raw->kind) {
    case CT_RAW_FORK:
        if (was_present)
            add_present(unpreloaded, raw);
        else
            add_fork(unpreloaded, raw);
        break;
    case CT_RAW_NAME:
        if (raw->as.name.is_exec)
            begin_if_unpreloaded(unpreloaded, raw->as.name.pid, raw->time_ns, raw->as.name.name);
        break;
    case CT_RAW_TASK:
        add_state(unpreloaded, raw);
        break;
    case CT_RAW_MAPPING:
        add_mapping(unpreloaded, raw);
        break;
    case CT_RAW_PROCESS:
        add_process(unpreloaded, raw);
        break;
    case CT_RAW_FD:
        add_fd(unpreloaded, raw);
        break;
    default:
        break;
    }
}
