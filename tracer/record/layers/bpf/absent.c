/* Stands in for the BPF programs where the recorder is built without them. */
#include "off_cpu.h"
#include "schema/capture_words.h"

static void *open_nothing(struct ct_capture_context *context, void *prepared, char **missing)
{
    (void)context;
    (void)prepared;
    *missing = g_strdup(CT_WHY_BUILT " BPF, which takes x86-64, libbpf, bpftool and "
                                     "clang");
    return NULL;
}

const struct ct_capture_source ct_bpf_off_cpu = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_BPF,
    .tells = "whole stacks, at less cost",
    .gives = CT_GIVES_SCHED | CT_GIVES_CALLS,
    .open = open_nothing,
};
