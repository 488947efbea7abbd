/* What the current task does in the kernel, by its stack there. For times off the CPU in none of
 * the calls only: it takes a microsecond. */
#ifndef CTRACE_RECORD_LAYERS_BPF_KERNEL_STACK_H
#define CTRACE_RECORD_LAYERS_BPF_KERNEL_STACK_H

#include "followed.h"

#include <bpf/bpf_core_read.h>

#define KERNEL_FRAMES_MAX  64
#define KERNEL_STACK_WORDS (KERNEL_STACK_BYTES / sizeof(uint64_t))

struct kernel_stack {
    uint64_t frames[KERNEL_FRAMES_MAX];
    uint64_t words[KERNEL_STACK_WORDS]; /* from where it is now */
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct kernel_stack);
} kernel_stacks SEC(".maps");

static struct kernel_stack *kernel_stack(void)
{
    const uint32_t first = 0;

    return bpf_map_lookup_elem(&kernel_stacks, &first);
}

struct function_search {
    struct kernel_stack *stack;
    uint32_t found; /* bits 1 << enum ct_bpf_function */
};

static long look_at_frame(uint32_t index, struct function_search *search)
{
    uint64_t address = search->stack->frames[index & (KERNEL_FRAMES_MAX - 1)];

    for (uint32_t function = 0; function < CT_BPF_FUNCTIONS; function++) {
        const struct ct_bpf_range *range = &state.functions[function];
        uint64_t offset = address - range->begin;
        uint64_t size = range->end - range->begin;

        /* Whether offset < size, without a branch: the kernel checks each combination of those. */
        search->found |= (uint32_t)((~offset & (offset - size)) >> 63) << function;
    }
    return 0;
}

/* Bits 1 << enum ct_bpf_function: which of them it is in. `ctx` is what the program is given. */
static uint32_t find_functions_of_stack(void *ctx)
{
    struct function_search search = {.stack = kernel_stack()};
    long size = 0;

    if (search.stack)
        size = bpf_get_stack(ctx, search.stack->frames, sizeof(search.stack->frames), 0);
    if (size > 0)
        bpf_loop((uint32_t)size / sizeof(uint64_t), look_at_frame, &search, 0);
    return search.found;
}

/* ---- The page fault that it handles ---- */

struct fault_search {
    struct kernel_stack *stack;
    struct mm_struct *mm;
    struct ct_off_cpu_fault *fault;
};

#define WORD_OF(member) (bpf_core_field_offset(struct vm_fault, member) / sizeof(uint64_t))

static uint64_t word_at(const struct kernel_stack *stack, uint64_t index)
{
    return stack->words[index & (KERNEL_STACK_WORDS - 1)];
}

/* Whatever lies there: it is one if all that it says agrees. */
static long look_at_word(uint32_t index, struct fault_search *search)
{
    struct vm_area_struct *vma = (void *)word_at(search->stack, index + WORD_OF(vma));
    uint64_t address = word_at(search->stack, index + WORD_OF(real_address));
    uint64_t page = address & ~(uint64_t)(PAGE_BYTES - 1);

    if (page == 0 || page != word_at(search->stack, index + WORD_OF(address)) ||
        (int64_t)address < 0 || (int64_t)vma >= 0 || BPF_CORE_READ(vma, vm_mm) != search->mm)
        return 0;
    uint64_t begin = BPF_CORE_READ(vma, vm_start);
    uint64_t offset = BPF_CORE_READ(vma, vm_pgoff) + (page - begin) / PAGE_BYTES;

    if (address < begin || address >= BPF_CORE_READ(vma, vm_end) ||
        offset != word_at(search->stack, index + WORD_OF(pgoff)))
        return 0;
    struct file *file = BPF_CORE_READ(vma, vm_file);

    search->fault->address = address;
    if (file) {
        search->fault->file_offset = offset * PAGE_BYTES + address % PAGE_BYTES;
        bpf_probe_read_kernel_str(search->fault->file, sizeof(search->fault->file),
                                  BPF_CORE_READ(file, f_path.dentry, d_name.name));
    }
    return 1;
}

/* For what address; 0: not known, as when it waits to look at the mappings. */
static void find_fault(void *ctx, struct task_struct *task, struct ct_off_cpu_fault *fault)
{
    struct fault_search search = {.stack = kernel_stack(), .mm = task->mm, .fault = fault};
    void *volatile place = ctx;
    uint64_t at = 0;

    bpf_probe_read_kernel(&at, sizeof(at), (const void *)&place);
    /* It is aligned. */
    uint64_t size = KERNEL_STACK_BYTES - at % KERNEL_STACK_BYTES;

    if (!search.stack || bpf_probe_read_kernel(search.stack->words, size, (const void *)at) != 0)
        return;
    bpf_loop((uint32_t)(size / sizeof(uint64_t)), look_at_word, &search, 0);
}

#endif
