#include "decode.h"

#include "user_registers.h"

#include <string.h>

/* Bits of common_flags. */
#define FLAG_HARD_INTERRUPT 0x08
#define FLAG_SOFT_INTERRUPT 0x10

/* ---- perf's records ---- */

/* What is left of a record's body. Reads beyond it give zeros. */
struct body {
    const char *data;
    size_t size;
};

static void take(struct body *body, void *value, size_t size)
{
    memset(value, 0, size);
    if (size > body->size) {
        body->size = 0;
        return;
    }
    memcpy(value, body->data, size);
    body->data += size;
    body->size -= size;
}

/* A string with its end; empty where there is none. Borrowed from the file. */
static const char *take_string(struct body *body)
{
    const char *text = body->data;
    const char *end = memchr(text, '\0', body->size);

    if (end == NULL) {
        body->size = 0;
        return "";
    }
    body->size -= (size_t)(end - text) + 1;
    body->data = end + 1;
    return text;
}

static void take_id(struct body *body, struct ct_raw_record *record)
{
    struct ct_spool_id id;

    take(body, &id, sizeof(id));
    record->pid = id.pid;
    record->tid = id.tid;
    record->time_ns = id.time_ns;
}

static void take_last_id(struct body *body, struct ct_raw_record *record)
{
    struct body tail = {body->data, body->size};

    if (tail.size > sizeof(struct ct_spool_id)) {
        tail.data += tail.size - sizeof(struct ct_spool_id);
        tail.size = sizeof(struct ct_spool_id);
    }
    take_id(&tail, record);
}

static int64_t raw_number(const struct body *raw, struct ct_raw_field field)
{
    const char *at = raw->data + field.offset;
    int64_t wide = 0;
    int32_t number = 0;

    if ((size_t)field.offset + field.size > raw->size)
        return 0;
    switch (field.size) {
    case sizeof(wide):
        memcpy(&wide, at, sizeof(wide));
        return wide;
    case sizeof(number):
        memcpy(&number, at, sizeof(number));
        return number;
    case 2:
        return (uint8_t)at[0] | (int64_t)(uint8_t)at[1] << 8;
    case 1:
        return (uint8_t)at[0];
    default:
        return 0;
    }
}

static void raw_task(const struct body *raw, const struct ct_raw_field fields[3],
                     struct ct_raw_task *task)
{
    size_t size = MIN(fields[0].size, CT_TASK_NAME_SIZE);

    if ((size_t)fields[0].offset + fields[0].size <= raw->size)
        memcpy(task->name, raw->data + fields[0].offset, size);
    task->name[size] = '\0';
    task->tid = (int32_t)raw_number(raw, fields[1]);
    task->prio = (int32_t)raw_number(raw, fields[2]);
}

/* perf writes whole words: elsewhere there are none, in a file that somebody else made. */
static gboolean is_at_word(const struct body *body)
{
    return (uintptr_t)body->data % sizeof(uint64_t) == 0;
}

/* The part of a callchain that is the program's: kernel and user parts begin with a mark each. */
static void take_callers(struct body *body, const uint64_t **callers, uint64_t *caller_count)
{
    uint64_t count;

    take(body, &count, sizeof(count));
    count = is_at_word(body) ? MIN(count, body->size / sizeof(uint64_t)) : 0;
    if (count == 0)
        return;
    const uint64_t *chain = (const void *)body->data;
    body->data += count * sizeof(uint64_t);
    body->size -= count * sizeof(uint64_t);
    while (count > 0 && *chain != (uint64_t)PERF_CONTEXT_USER) {
        chain++;
        count--;
    }
    *callers = chain + 1;
    *caller_count = count > 0 ? count - 1 : 0;
}

static void decode_switch(const struct ct_formats *formats, const struct body *raw,
                          struct ct_raw_record *record)
{
    const struct ct_raw_field previous[] = {formats->prev_comm, formats->prev_pid,
                                            formats->prev_prio};
    const struct ct_raw_field next[] = {formats->next_comm, formats->next_pid, formats->next_prio};

    record->kind = CT_RAW_SWITCH;
    raw_task(raw, previous, &record->as.of_switch.previous);
    raw_task(raw, next, &record->as.of_switch.next);
    record->as.of_switch.previous_state = raw_number(raw, formats->prev_state);
}

static void decode_waking(const struct ct_formats *formats, const struct body *raw,
                          struct ct_raw_record *record)
{
    const struct ct_raw_field task[] = {formats->comm, formats->pid, formats->prio};

    record->kind = CT_RAW_WAKING;
    raw_task(raw, task, &record->as.waking.task);
    record->as.waking.cpu = (int32_t)raw_number(raw, formats->target_cpu);
}

static void decode_syscall(const struct ct_formats *formats, const struct body *raw,
                           gboolean is_entry, struct ct_raw_record *record)
{
    struct ct_raw_field argument = {formats->args.offset, sizeof(uint64_t)};

    record->kind = is_entry ? CT_RAW_SYSCALL_ENTRY : CT_RAW_SYSCALL_EXIT;
    record->as.syscall.number = raw_number(raw, formats->id);
    for (size_t i = 0; i < CT_SYSCALL_ARGUMENTS && is_entry; i++) {
        record->as.syscall.arguments[i] = (uint64_t)raw_number(raw, argument);
        argument.offset += sizeof(uint64_t);
    }
    if (!is_entry)
        record->as.syscall.result = raw_number(raw, formats->ret);
}

/* A part of the body, where it stands. NULL if it is not all there. */
static const void *skip(struct body *body, uint64_t size)
{
    const char *part = body->data;

    if (size > body->size) {
        body->size = 0;
        return NULL;
    }
    body->data += size;
    body->size -= size;
    return part;
}

/* What comes last in perf's samples: registers and stack. */
static void take_user(struct body *body, struct ct_raw_user *user)
{
    uint64_t abi, size, used;

    take(body, &abi, sizeof(abi));
    if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
        const void *registers = skip(body, CT_USER_REGISTER_COUNT * sizeof(uint64_t));

        if (abi == PERF_SAMPLE_REGS_ABI_64 && is_at_word(body))
            user->registers = registers;
    }
    take(body, &size, sizeof(size));
    const uint8_t *stack = skip(body, size);

    take(body, &used, sizeof(used));
    if (stack == NULL || size == 0)
        return;
    user->stack = stack;
    user->stack_size = MIN(used, size);
}

/* One that a tracepoint made. FALSE: of another tracepoint. */
static gboolean decode_sample(const struct ct_spool_head *head, struct body *body,
                              struct ct_raw_record *record)
{
    const struct ct_formats *formats = &head->formats;
    const uint64_t *callers = NULL;
    uint64_t caller_count = 0;
    uint32_t size;

    take_id(body, record);
    if (head->kind == CT_RINGS_CALLS)
        take_callers(body, &callers, &caller_count);
    take(body, &size, sizeof(size));
    struct body raw = {body->data, MIN(size, body->size)};

    (void)skip(body, raw.size);
    int64_t flags = raw_number(&raw, formats->common_flags);
    uint64_t type = (uint64_t)raw_number(&raw, formats->common_type);

    record->in_interrupt = (flags & (FLAG_HARD_INTERRUPT | FLAG_SOFT_INTERRUPT)) != 0;
    record->raw_tid = (int32_t)raw_number(&raw, formats->common_pid);
    if (type == formats->switch_id && head->kind == CT_RINGS_CALLS) {
        record->kind = CT_RAW_CALLERS;
        record->as.callers.state = raw_number(&raw, formats->prev_state);
        record->as.callers.addresses = callers;
        record->as.callers.count = caller_count;
        take_user(body, &record->as.callers.user);
    } else if (type == formats->switch_id) {
        decode_switch(formats, &raw, record);
    } else if (type == formats->waking_id) {
        decode_waking(formats, &raw, record);
    } else if (type == formats->enter_id || type == formats->exit_id) {
        decode_syscall(formats, &raw, type == formats->enter_id, record);
    } else {
        return FALSE;
    }
    return TRUE;
}

static void decode_task(struct body *body, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.task.pid, sizeof(int32_t));
    take(body, &record->as.task.parent_pid, sizeof(int32_t));
    take(body, &record->as.task.tid, sizeof(int32_t));
    take(body, &record->as.task.parent_tid, sizeof(int32_t));
    take(body, &record->as.task.time_ns, sizeof(uint64_t));
}

static void decode_name(struct body *body, uint16_t misc, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.name.pid, sizeof(int32_t));
    take(body, &record->as.name.tid, sizeof(int32_t));
    record->as.name.is_exec = (misc & PERF_RECORD_MISC_COMM_EXEC) != 0;
    size_t size = MIN(body->size, CT_TASK_NAME_SIZE);
    memcpy(record->as.name.name, body->data, size);
    record->as.name.name[size] = '\0';
}

/* The part of PERF_RECORD_MMAP2 before the path. */
struct mapping {
    int32_t pid;
    int32_t tid;
    uint64_t begin;
    uint64_t size;
    uint64_t file_offset;
    union {
        struct {
            uint8_t size;
            uint8_t unused[3];
            uint8_t bytes[CT_RAW_BUILD_ID_SIZE / 2];
        } build_id; /* if the record says so */
        struct {
            uint32_t major;
            uint32_t minor;
            uint64_t inode;
            uint64_t generation;
        } file;
    } as;
    uint32_t protection;
    uint32_t flags;
};
_Static_assert(sizeof(struct mapping) == 64, "as perf lays it out");

/* FALSE if it has no path that ends. */
static gboolean decode_mapping(struct body *body, uint16_t misc, struct ct_raw_record *record)
{
    struct mapping mapping;

    take_last_id(body, record);
    take(body, &mapping, sizeof(mapping));
    if (memchr(body->data, '\0', body->size) == NULL)
        return FALSE;
    record->as.mapping.pid = mapping.pid;
    record->as.mapping.begin = mapping.begin;
    record->as.mapping.size = mapping.size;
    record->as.mapping.file_offset = mapping.file_offset;
    record->as.mapping.path = body->data;
    if ((misc & PERF_RECORD_MISC_MMAP_BUILD_ID) == 0) {
        record->as.mapping.major = mapping.as.file.major;
        record->as.mapping.minor = mapping.as.file.minor;
        record->as.mapping.inode = mapping.as.file.inode;
        return TRUE;
    }
    for (size_t i = 0; i < MIN(mapping.as.build_id.size, sizeof(mapping.as.build_id.bytes)); i++)
        g_snprintf(record->as.mapping.build_id + 2 * i, 3, "%02x", mapping.as.build_id.bytes[i]);
    return TRUE;
}

/* ---- Our own records ---- */

static void decode_process(struct body *body, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.process.of, sizeof(record->as.process.of));
    record->as.process.exe = take_string(body);
    record->as.process.args = take_string(body);
    record->as.process.cwd = take_string(body);
}

static void decode_descriptor(struct body *body, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.fd.of, sizeof(record->as.fd.of));
    record->as.fd.local = take_string(body);
    record->as.fd.peer = take_string(body);
}

static void decode_present(struct body *body, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.present.of, sizeof(record->as.present.of));
    record->as.present.stack = skip(body, record->as.present.of.stack_size);
    if (record->as.present.stack == NULL)
        record->as.present.of.stack_size = 0;
}

/* Forks, exits and names come with mappings, whether they are wanted or not. */
static gboolean is_told_elsewhere(const struct ct_spool_head *head)
{
    return head->kind == CT_RINGS_CALLS && head->cpu != CT_SPOOL_NO_CPU;
}

/* Of a task that runs: in the order of perf's sample types. */
static void decode_run(struct body *body, uint16_t misc, struct ct_raw_record *record)
{
    take_id(body, record);
    take(body, &record->as.sample.period_ns, sizeof(record->as.sample.period_ns));
    record->as.sample.in_kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
    take_user(body, &record->as.sample.user);
}

static void decode_arrival(struct body *body, struct ct_raw_record *record)
{
    int32_t previous_pid;

    take_last_id(body, record);
    take(body, &previous_pid, sizeof(previous_pid));
    take(body, &record->as.arrival.previous_tid, sizeof(int32_t));
}

/* FALSE: nothing that matters. */
static void decode_task_switch(struct body *body, uint16_t misc, struct ct_raw_record *record)
{
    take_last_id(body, record);
    record->as.task_switch.is_out = (misc & PERF_RECORD_MISC_SWITCH_OUT) != 0;
    record->as.task_switch.is_preempted = (misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0;
}

static void decode_lost(struct body *body, struct ct_raw_record *record)
{
    uint64_t id;

    take_last_id(body, record);
    take(body, &id, sizeof(id));
    take(body, &record->as.lost, sizeof(record->as.lost));
}

static gboolean decode(const struct ct_spool_head *head, const struct perf_event_header *header,
                       struct body *body, struct ct_raw_record *record)
{
    switch (header->type) {
    case PERF_RECORD_SAMPLE:
        if (head->kind == CT_RINGS_SAMPLES) {
            record->kind = CT_RAW_SAMPLE;
            decode_run(body, header->misc, record);
            return TRUE;
        }
        return decode_sample(head, body, record);
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        if (is_told_elsewhere(head))
            return FALSE;
        record->kind = header->type == PERF_RECORD_FORK ? CT_RAW_FORK : CT_RAW_EXIT;
        decode_task(body, record);
        return TRUE;
    case PERF_RECORD_COMM:
        if (is_told_elsewhere(head))
            return FALSE;
        record->kind = CT_RAW_NAME;
        decode_name(body, header->misc, record);
        return TRUE;
    case PERF_RECORD_SWITCH:
        record->kind = CT_RAW_TASK_SWITCH;
        decode_task_switch(body, header->misc, record);
        return TRUE;
    case PERF_RECORD_SWITCH_CPU_WIDE:
        record->kind = CT_RAW_ARRIVAL;
        decode_arrival(body, record);
        return (header->misc & PERF_RECORD_MISC_SWITCH_OUT) == 0;
    case PERF_RECORD_MMAP2:
        record->kind = CT_RAW_MAPPING;
        return decode_mapping(body, header->misc, record);
    case PERF_RECORD_LOST:
        record->kind = CT_RAW_LOST;
        decode_lost(body, record);
        return TRUE;
    case CT_SPOOL_PROCESS:
        record->kind = CT_RAW_PROCESS;
        decode_process(body, record);
        return TRUE;
    case CT_SPOOL_TASK:
        record->kind = CT_RAW_TASK;
        take_last_id(body, record);
        decode_present(body, record);
        return TRUE;
    case CT_SPOOL_DESCRIPTOR:
        record->kind = CT_RAW_FD;
        decode_descriptor(body, record);
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean ct_raw_record_decode(struct ct_raw_record *record, const struct ct_spool_head *head,
                              const struct perf_event_header *header, const char *body)
{
    struct body rest = {body, header->size - sizeof(*header)};

    *record = (struct ct_raw_record){.cpu = head->cpu};
    return decode(head, header, &rest, record);
}
