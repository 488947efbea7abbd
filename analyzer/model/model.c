#include "model/model.h"

#include "model/lock_orders.h"

#include <string.h>

static const char *const op_names[] = {
#define OP_NAME(symbol, name, class, object) [CT_OP_##symbol] = name,
    CT_OPS(OP_NAME)
#undef OP_NAME
};

const enum ct_object ct_op_objects[CT_OP_COUNT] = {
#define OP_OBJECT(symbol, name, class, object) [CT_OP_##symbol] = CT_OBJECT_##object,
    CT_OPS(OP_OBJECT)
#undef OP_OBJECT
};

static const char *const class_names[] = {
#define CLASS_NAME(symbol, name) [CT_CLASS_##symbol] = name,
    CT_CLASSES(CLASS_NAME)
#undef CLASS_NAME
};

static const char *const fd_kind_names[] = {
#define FD_KIND_NAME(symbol, name, class) [CT_FD_KIND_##symbol] = name,
    CT_FD_KINDS(FD_KIND_NAME)
#undef FD_KIND_NAME
};

static void module_free(void *data)
{
    struct ct_module *module = data;

    g_free(module->path);
    g_free(module->build_id);
    g_free(module->copy);
    g_free(module);
}

void ct_fd_free(void *data)
{
    struct ct_fd *fd = data;

    g_free(fd->local);
    g_free(fd->peer);
    g_free(fd);
}

static void thread_free(void *data)
{
    struct ct_thread *thread = data;

    g_free(thread->name);
    g_free(thread);
}

struct ct_code *ct_code_new(uint32_t id, const char *function, const char *file,
                            uint32_t first_line)
{
    struct ct_code *code = g_new0(struct ct_code, 1);

    code->id = id;
    code->function = g_utf8_make_valid(function, -1);
    code->file = g_utf8_make_valid(file, -1);
    code->first_line = first_line;
    return code;
}

static void code_free(void *data)
{
    struct ct_code *code = data;

    g_free(code->function);
    g_free(code->file);
    g_free(code);
}

static void process_free(void *data)
{
    struct ct_process *process = data;

    g_free(process->name);
    g_free(process->exe);
    g_free(process->args);
    g_free(process->title);
    g_free(process->cwd);
    g_hash_table_unref(process->threads);
    g_hash_table_unref(process->stacks);
    g_hash_table_unref(process->codes);
    g_ptr_array_unref(process->modules);
    g_hash_table_unref(process->fds);
    g_hash_table_unref(process->counters);
    g_hash_table_unref(process->lock_orders);
    ct_heap_free(process->heap);
    g_free(process);
}

struct ct_model *ct_model_new(void)
{
    struct ct_model *model = g_new0(struct ct_model, 1);

    model->processes = g_ptr_array_new();
    model->threads = g_ptr_array_new();
    model->all_processes = g_ptr_array_new_with_free_func(process_free);
    model->all_threads = g_ptr_array_new_with_free_func(thread_free);
    model->facts = ct_wait_facts_new();
    model->names = g_string_chunk_new(1024);
    model->capture.ctrace_version = g_strdup("");
    model->capture.command = g_strdup("");
    model->capture.layers = g_strdup("");
    model->capture.missing = g_strdup("");
    model->capture.unseen_names = g_strdup("");
    model->capture.foreign_names = g_strdup("");
    model->capture.exit_status = -1;
    return model;
}

void ct_model_free(struct ct_model *model)
{
    if (!model)
        return;
    g_ptr_array_unref(model->threads);
    g_ptr_array_unref(model->processes);
    g_ptr_array_unref(model->all_threads);
    g_ptr_array_unref(model->all_processes);
    ct_wait_facts_free(model->facts);
    g_string_chunk_free(model->names);
    g_free(model->directory);
    g_free(model->capture.ctrace_version);
    g_free(model->capture.command);
    g_free(model->capture.layers);
    g_free(model->capture.missing);
    g_free(model->capture.unseen_names);
    g_free(model->capture.foreign_names);
    g_free(model->capture.damage);
    g_free(model);
}

struct ct_process *ct_model_add_process(struct ct_model *model, int32_t pid, uint64_t start_ns,
                                        size_t size)
{
    struct ct_process *process = g_malloc0(MAX(size, sizeof(*process)));

    process->pid = pid;
    process->start_ns = start_ns;
    process->exit_status = -1;
    process->name = g_strdup_printf("pid %" G_GINT32_FORMAT, pid);
    process->exe = g_strdup("");
    process->args = g_strdup("");
    process->title = g_strdup("");
    process->cwd = g_strdup("");
    process->threads = g_hash_table_new(NULL, NULL);
    process->stacks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    process->codes = g_hash_table_new_full(NULL, NULL, NULL, code_free);
    process->modules = g_ptr_array_new_with_free_func(module_free);
    process->fds = g_hash_table_new_full(NULL, NULL, NULL, ct_fd_free);
    process->counters = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    process->lock_orders = ct_lock_orders_new();
    g_ptr_array_add(model->all_processes, process);
    g_ptr_array_add(model->processes, process);
    return process;
}

struct ct_thread *ct_model_add_thread(struct ct_model *model, struct ct_process *process,
                                      int32_t tid, uint64_t start_ns, size_t size)
{
    struct ct_thread *thread = g_malloc0(MAX(size, sizeof(*thread)));

    thread->process = process;
    thread->number = model->all_threads->len;
    thread->tid = tid;
    thread->start_ns = start_ns;
    thread->end_ns = start_ns;
    thread->name = g_strdup(process->name);
    g_ptr_array_add(model->all_threads, thread);
    g_ptr_array_add(model->threads, thread);
    g_hash_table_insert(process->threads, GINT_TO_POINTER(tid), thread);
    return thread;
}

gboolean ct_model_keeps_early(const struct ct_model *model, const struct ct_process *process)
{
    return model->capture.is_restated && !process->is_unpreloaded;
}

void ct_model_drop_early(struct ct_model *model)
{
    g_autoptr(GHashTable) with_threads = g_hash_table_new(NULL, NULL);

    if (model->begin_ns >= model->end_ns)
        return;
    for (guint i = model->threads->len; i-- > 0;) {
        struct ct_thread *thread = g_ptr_array_index(model->threads, i);
        GHashTable *siblings = thread->process->threads;

        if (thread->end_ns > model->begin_ns || ct_model_keeps_early(model, thread->process)) {
            g_hash_table_add(with_threads, thread->process);
            continue;
        }
        if (g_hash_table_lookup(siblings, GINT_TO_POINTER(thread->tid)) == thread)
            g_hash_table_remove(siblings, GINT_TO_POINTER(thread->tid));
        g_ptr_array_remove_index_fast(model->threads, i);
    }
    for (guint i = model->processes->len; i-- > 0;) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);

        if (process->end_ns <= model->begin_ns && !ct_model_keeps_early(model, process) &&
            !g_hash_table_contains(with_threads, process))
            g_ptr_array_remove_index_fast(model->processes, i);
    }
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_processes(const struct ct_process *a, const struct ct_process *b)
{
    int order = COMPARE(a->start_ns, b->start_ns);

    return order != 0 ? order : COMPARE(a->pid, b->pid);
}

static int compare_process_entries(const void *a, const void *b)
{
    return compare_processes(*(struct ct_process *const *)a, *(struct ct_process *const *)b);
}

static int compare_thread_entries(const void *a, const void *b)
{
    const struct ct_thread *first = *(struct ct_thread *const *)a;
    const struct ct_thread *second = *(struct ct_thread *const *)b;
    int order = compare_processes(first->process, second->process);

    if (order == 0)
        order = COMPARE(first->start_ns, second->start_ns);
    return order != 0 ? order : COMPARE(first->tid, second->tid);
}

static int compare_module_entries(const void *a, const void *b)
{
    const struct ct_module *first = *(struct ct_module *const *)a;
    const struct ct_module *second = *(struct ct_module *const *)b;
    int order = COMPARE(first->begin, second->begin);

    if (order == 0)
        order = COMPARE(first->until_ns, second->until_ns);
    return order != 0 ? order : strcmp(first->path, second->path);
}

void ct_model_sort(struct ct_model *model)
{
    g_ptr_array_sort(model->processes, compare_process_entries);
    g_ptr_array_sort(model->threads, compare_thread_entries);
    for (guint i = 0; i < model->processes->len; i++) {
        struct ct_process *process = g_ptr_array_index(model->processes, i);

        g_ptr_array_sort(process->modules, compare_module_entries);
    }
}

const struct ct_stack *ct_process_stack(const struct ct_process *process, uint32_t id)
{
    return id == 0 ? NULL : g_hash_table_lookup(process->stacks, GUINT_TO_POINTER(id));
}

const struct ct_op_counters *ct_process_counters(const struct ct_process *process, enum ct_op op)
{
    return g_hash_table_lookup(process->counters, GUINT_TO_POINTER(op));
}

gboolean ct_stack_has_gap_before(const struct ct_stack *stack, uint32_t index)
{
    return stack->omitted > 0 && index == stack->count - stack->outermost;
}

uint64_t ct_process_stack_time(const struct ct_process *process, uint32_t id)
{
    const struct ct_stack *stack = ct_process_stack(process, id);

    return stack ? stack->time_ns : UINT64_MAX;
}

/* When it was unloaded; at no time, if it was not. */
static uint64_t end_of(const struct ct_module *module)
{
    return module->until_ns ? module->until_ns : UINT64_MAX;
}

const struct ct_module *ct_process_module(const struct ct_process *process, uint64_t address,
                                          uint64_t time_ns)
{
    const struct ct_module *found = NULL;
    guint low = 0;
    guint high = process->modules->len;

    /* The last one that begins at or below the address. */
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct ct_module *module = g_ptr_array_index(process->modules, middle);

        if (module->begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    /* Of those that were there one after the other, the first that went after that time. */
    for (guint i = low; i-- > 0;) {
        const struct ct_module *module = g_ptr_array_index(process->modules, i);

        if (address < module->end && (!module->until_ns || module->until_ns > time_ns) &&
            (!found || end_of(module) < end_of(found)))
            found = module;
    }
    return found;
}

const char *ct_op_name(enum ct_op op)
{
    return (size_t)op < G_N_ELEMENTS(op_names) ? op_names[op] : "unknown operation";
}

enum ct_class ct_op_class(enum ct_op op)
{
    static const enum ct_class classes[] = {
#define OP_CLASS(symbol, name, class, object) [CT_OP_##symbol] = CT_CLASS_##class,
        CT_OPS(OP_CLASS)
#undef OP_CLASS
    };

    return (size_t)op < G_N_ELEMENTS(classes) ? classes[op] : CT_CLASS_UNKNOWN;
}

enum ct_class ct_fd_kind_class(enum ct_fd_kind kind)
{
    static const enum ct_class classes[] = {
#define KIND_CLASS(symbol, name, class) [CT_FD_KIND_##symbol] = CT_CLASS_##class,
        CT_FD_KINDS(KIND_CLASS)
#undef KIND_CLASS
    };

    return (size_t)kind < G_N_ELEMENTS(classes) ? classes[kind] : CT_CLASS_UNKNOWN;
}

static const struct {
    const char *name;
    gboolean is_address;
} objects[] = {
#define OBJECT_ROW(symbol, name, is_address) [CT_OBJECT_##symbol] = {name, is_address},
    CT_OBJECTS(OBJECT_ROW)
#undef OBJECT_ROW
};

const char *ct_object_name(enum ct_object object)
{
    return (size_t)object < G_N_ELEMENTS(objects) ? objects[object].name : "unknown object";
}

gboolean ct_object_is_lock(enum ct_object object)
{
    return object == CT_OBJECT_LOCK || object == CT_OBJECT_RWLOCK || object == CT_OBJECT_SPINLOCK;
}

gboolean ct_object_is_address(enum ct_object object)
{
    return (size_t)object < G_N_ELEMENTS(objects) && objects[object].is_address;
}

const char *ct_fd_kind_name(enum ct_fd_kind kind)
{
    return fd_kind_names[(size_t)kind < G_N_ELEMENTS(fd_kind_names) ? kind : CT_FD_KIND_UNKNOWN];
}

const char *ct_class_name(enum ct_class class)
{
    return (size_t) class < G_N_ELEMENTS(class_names) ? class_names[class] : "unknown";
}

gboolean ct_class_from_name(const char *name, enum ct_class *class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(class_names); i++) {
        if (strcmp(name, class_names[i]) == 0) {
            *class = (enum ct_class)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *ct_process_title(const struct ct_process *process)
{
    if (process->title && process->title[0])
        return process->title;
    return process->args && process->args[0] ? process->args : process->name;
}

const struct ct_module *ct_process_program(const struct ct_process *process)
{
    for (guint i = 0; i < process->modules->len; i++) {
        const struct ct_module *module = g_ptr_array_index(process->modules, i);

        if (strcmp(module->path, process->exe) == 0)
            return module;
    }
    return process->modules->len > 0 ? g_ptr_array_index(process->modules, 0) : NULL;
}
