#include "export/sample_stack.h"

#include "symbols/go_stack.h"

struct walk {
    const struct ct_sample_stack_visitor *visitor;
    const struct ct_profile_sample *sample;
    enum ct_profile_kind kind;
};

gboolean ct_profile_kind_is_of_holders(enum ct_profile_kind kind)
{
    return kind == CT_PROFILE_KIND_MUTEX || kind == CT_PROFILE_KIND_BLAME;
}

static void tell_name(const struct walk *walk, const char *name)
{
    walk->visitor->on_name(walk->visitor->user, name);
}

/* What the thread did, as far as is known, where its stack called nothing that is. */
static const char *state_of(const struct ct_profile_sample *sample)
{
    return sample->is_preempted ? "preempted" : ct_class_name(sample->state);
}

static void tell_leaf(const struct walk *walk)
{
    const struct ct_profile_sample *sample = walk->sample;

    if (sample->heap_site)
        return; /* the allocator's functions are known by the kind */
    if (!sample->thread) {
        tell_name(walk,
                  ct_profile_kind_is_path(walk->kind) ? "no recorded thread" : "unknown holder");
    } else if (sample->op != CT_OP_NONE) {
        tell_name(walk, sample->call_name ? sample->call_name : ct_op_name(sample->op));
    } else if (sample->in_kernel) {
        tell_name(walk, "[kernel]");
    } else if (!sample->stack && !ct_profile_kind_is_of_holders(walk->kind)) {
        g_autofree char *state = g_strdup_printf("[%s]", state_of(sample));

        tell_name(walk, state);
    }
}

/* One name for all, however many frames it stands for. */
static void tell_gap(const struct walk *walk, uint32_t index)
{
    if (ct_stack_has_gap_before(walk->sample->stack, index))
        tell_name(walk, "[frames omitted]");
}

static void tell_calls(const struct walk *walk, uint32_t count)
{
    const struct ct_stack *stack = walk->sample->stack;

    for (uint32_t i = 0; i < count; i++) {
        tell_gap(walk, i);
        walk->visitor->on_call(walk->visitor->user, walk->sample->process, stack->addresses[i],
                               stack->time_ns);
    }
    if (stack && count == stack->count)
        tell_gap(walk, count);
}

/* Who was preempted was so anywhere. */
static gboolean lacks_stack(const struct ct_profile_sample *sample)
{
    return (sample->thread || sample->heap_site) && !sample->stack && !sample->in_kernel &&
           !sample->is_preempted;
}

void ct_sample_stack_visit(struct ct_symbolizer *symbolizer, enum ct_profile_kind kind,
                           const struct ct_profile_sample *sample,
                           const struct ct_sample_stack_visitor *visitor)
{
    const struct walk walk = {.visitor = visitor, .sample = sample, .kind = kind};

    tell_leaf(&walk);
    if (sample->thread || sample->heap_site)
        tell_calls(&walk, ct_go_stack_look(symbolizer, sample->process, sample->stack).count);
    if (sample->is_partial && sample->stack)
        tell_name(&walk, "unknown callers");
    else if (lacks_stack(sample))
        tell_name(&walk, "unknown stack");
}

/* ---- As a list ---- */

struct list {
    struct ct_symbolizer *symbolizer; /* borrowed, as is the next */
    GStringChunk *names;
    GArray *frames; /* of the caller; struct ct_sample_frame */
};

static void list_name(void *user, const char *name)
{
    const struct list *list = user;
    const struct ct_sample_frame frame = {
        .function = g_string_chunk_insert_const(list->names, name), .file = ""};

    g_array_append_val(list->frames, frame);
}

static void list_call(void *user, const struct ct_process *process, uint64_t return_address,
                      uint64_t time_ns)
{
    const struct list *list = user;
    const struct ct_symbol *symbol =
        ct_symbolizer_resolve_return(list->symbolizer, process, return_address, time_ns);

    for (size_t i = 0; !symbol->is_own && i < symbol->frame_count; i++) {
        const struct ct_symbol_frame *from = &symbol->frames[i];
        const struct ct_sample_frame frame = {from->function, from->file, from->line};

        g_array_append_val(list->frames, frame);
    }
}

GArray *ct_sample_stack_list(struct ct_symbolizer *symbolizer, enum ct_profile_kind kind,
                             const struct ct_profile_sample *sample, GStringChunk *names)
{
    struct list list = {symbolizer, names,
                        g_array_new(FALSE, FALSE, sizeof(struct ct_sample_frame))};
    const struct ct_sample_stack_visitor visitor = {&list, list_name, list_call};
    struct ct_sample_frame *frames;

    ct_sample_stack_visit(symbolizer, kind, sample, &visitor);
    frames = (struct ct_sample_frame *)(void *)list.frames->data;
    for (guint i = 0; i < list.frames->len / 2; i++) {
        struct ct_sample_frame swapped = frames[i];

        frames[i] = frames[list.frames->len - 1 - i];
        frames[list.frames->len - 1 - i] = swapped;
    }
    return list.frames;
}
