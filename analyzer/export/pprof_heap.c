#include "export/pprof_heap.h"

#include "summary/heap_profile.h"

/* The allocator's own functions, with the names that programs call them by; pprof anchors it. Ours
 * never are in a stack. */
#define DROPPED_FRAMES                                                                     \
    "(__libc_|__GI_|__)?(malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc|" \
    "memalign|valloc|pvalloc|strdup|strndup)|operator new(\\[\\])?(\\(.*\\))?"

/* Of processes that were recorded together, it is one. */
static uint64_t find_rate(const struct ct_model *model)
{
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        if (process->heap && process->heap->rate != CT_HEAP_UNREACHED)
            return process->heap->rate;
    }
    return 0;
}

void ct_pprof_heap_set_header(struct ct_pprof_tables *tables, const struct ct_pprof_input *input,
                              Pprof__Profile *message)
{
    static const struct {
        const char *type, *unit;
    } types[CT_HEAP_VALUE_COUNT] = {
        [CT_HEAP_ALLOC_OBJECTS] = {"alloc_objects", "count"},
        [CT_HEAP_ALLOC_SPACE] = {"alloc_space", "bytes"},
        [CT_HEAP_INUSE_OBJECTS] = {"inuse_objects", "count"},
        [CT_HEAP_INUSE_SPACE] = {"inuse_space", "bytes"},
    };

    message->n_sample_type = CT_HEAP_VALUE_COUNT;
    message->sample_type =
        ct_pprof_tables_allocate(tables, CT_HEAP_VALUE_COUNT * sizeof *message->sample_type);
    for (guint i = 0; i < CT_HEAP_VALUE_COUNT; i++)
        message->sample_type[i] = ct_pprof_tables_value_type(tables, types[i].type, types[i].unit);
    /* As Go has it: who reads a heap profile takes the last type, where none is said. */
    if (input->kind == CT_PROFILE_KIND_ALLOCS)
        message->default_sample_type =
            ct_pprof_tables_string(tables, types[CT_HEAP_ALLOC_SPACE].type);
    message->period_type = ct_pprof_tables_value_type(tables, "space", "bytes");
    message->period = (int64_t)MAX(find_rate(input->model), 1);
    message->drop_frames = ct_pprof_tables_string(tables, DROPPED_FRAMES);
}
