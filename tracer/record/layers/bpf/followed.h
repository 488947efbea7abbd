/* What the BPF programs keep: of each task that is followed, and on its way to the recorder. */
#ifndef CTRACE_RECORD_LAYERS_BPF_FOLLOWED_H
#define CTRACE_RECORD_LAYERS_BPF_FOLLOWED_H

#include "kernel_types.h"
#include "shared.h"

#include <bpf/bpf_helpers.h>

struct ct_bpf_state state;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, CT_BPF_RING_SIZE);
} ring SEC(".maps");

/* The processes that the recorder names, until all of their threads are followed. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CT_BPF_ROOTS_MAX);
    __type(key, int32_t);
    __type(value, uint8_t);
} roots SEC(".maps");

enum phase {
    ON_CPU, /* or not known */
    OFF_CPU,
    TOLD,      /* off the CPU, which the recorder was told of already */
    TOLD_AGAIN /* and was so once more */
};

struct followed {
    uint32_t phase;
    uint32_t draw;                        /* by chance, for this time off the CPU */
    uint64_t ran_ns;                      /* in all, when it left its CPU last */
    uint64_t files[CT_BPF_FILES_KNOWN];   /* by the low bits of the descriptor: what was told of */
    uint64_t places[CT_BPF_PLACES_KNOWN]; /* by their low bits: whose stacks were told */
    uint64_t place;                       /* where it is now */
    uint64_t number;                      /* an address, on its way to become one */
    struct ct_off_cpu off;
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct followed);
} tasks SEC(".maps");

#endif
