/* Where the tracepoints of the kernel that was recorded keep their fields. */
#ifndef CTRACE_SPOOL_RAW_FORMATS_H
#define CTRACE_SPOOL_RAW_FORMATS_H

#include <stdint.h>

/* A field of a tracepoint's raw record. */
struct ct_raw_field {
    uint16_t offset;
    uint16_t size;
};

/* FIELD(name) of the tracepoints, in the order of struct ct_formats. */
#define CT_COMMON_RAW_FIELDS(FIELD) \
    FIELD(common_type)              \
    FIELD(common_flags)             \
    FIELD(common_pid)

#define CT_SWITCH_RAW_FIELDS(FIELD) \
    FIELD(prev_comm)                \
    FIELD(prev_pid)                 \
    FIELD(prev_prio)                \
    FIELD(prev_state)               \
    FIELD(next_comm)                \
    FIELD(next_pid)                 \
    FIELD(next_prio)

#define CT_WAKING_RAW_FIELDS(FIELD) \
    FIELD(comm)                     \
    FIELD(pid)                      \
    FIELD(prio)                     \
    FIELD(target_cpu)

#define CT_ENTER_RAW_FIELDS(FIELD) FIELD(args)

/* `id`, the call's number, is the first field of either. */
#define CT_EXIT_RAW_FIELDS(FIELD) \
    FIELD(id)                     \
    FIELD(ret)

struct ct_formats {
    uint64_t switch_id; /* the tracepoint's number, and its common_type */
    uint64_t waking_id;
    uint64_t enter_id; /* of system calls; 0: they are not wanted */
    uint64_t exit_id;
#define CT_FIELD_MEMBER(name) struct ct_raw_field name;
    CT_COMMON_RAW_FIELDS(CT_FIELD_MEMBER)
    CT_SWITCH_RAW_FIELDS(CT_FIELD_MEMBER)
    CT_WAKING_RAW_FIELDS(CT_FIELD_MEMBER)
    CT_ENTER_RAW_FIELDS(CT_FIELD_MEMBER)
    CT_EXIT_RAW_FIELDS(CT_FIELD_MEMBER)
#undef CT_FIELD_MEMBER
};

#endif
