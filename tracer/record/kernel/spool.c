#include "spool.h"

#include "../tree.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The initial pid namespace, as /proc/self/ns/pid names it. */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"

/* Bits of common_flags. */
#define FLAG_HARD_INTERRUPT 0x08
#define FLAG_SOFT_INTERRUPT 0x10

static gboolean has_foreign_ids(void)
{
    g_autofree char *name = g_file_read_link("/proc/self/ns/pid", NULL);

    return name == NULL || strcmp(name, INITIAL_PID_NAMESPACE) != 0;
}

int ct_spool_create(const char *folder, const struct ct_rings *rings, const struct ct_ring *ring)
{
    g_autofree char *path = g_strdup_printf("%s/cpu%u", folder, ring->cpu);
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC,
        .version = CT_SPOOL_VERSION,
        .cpu = ring->cpu,
        .is_all_cpus = rings->is_all_cpus,
        .has_foreign_ids = rings->is_all_cpus && has_foreign_ids(),
        .formats = rings->formats,
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0 && write(fd, &head, sizeof(head)) != sizeof(head)) {
        close(fd);
        return -1;
    }
    return fd;
}

void ct_spool_remove(const char *path)
{
    g_autofree char *folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);

    ct_tree_remove(folder);
}

struct ct_spool *ct_spool_open(const char *path)
{
    struct ct_spool *spool = g_new0(struct ct_spool, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    void *data = MAP_FAILED;
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(spool->head)) {
        spool->size = (size_t)status.st_size;
        data = mmap(NULL, spool->size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    if (data != MAP_FAILED) {
        madvise(data, spool->size, MADV_SEQUENTIAL);
        spool->data = data;
        memcpy(&spool->head, data, sizeof(spool->head));
        spool->next = sizeof(spool->head);
        if (spool->head.magic == CT_SPOOL_MAGIC && spool->head.version == CT_SPOOL_VERSION)
            return spool;
    }
    ct_spool_free(spool);
    return NULL;
}

void ct_spool_free(struct ct_spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->data != NULL)
        munmap((void *)spool->data, spool->size);
    g_free(spool);
}

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

/* Who was on the CPU, and when: at the end of every record but the samples. */
struct sample_id {
    int32_t pid;
    int32_t tid;
    uint64_t time_ns;
};

static void take_id(struct body *body, struct ct_raw_record *record)
{
    struct sample_id id;

    take(body, &id, sizeof(id));
    record->pid = id.pid;
    record->tid = id.tid;
    record->time_ns = id.time_ns;
}

static void take_last_id(struct body *body, struct ct_raw_record *record)
{
    struct body tail = {body->data, body->size};

    if (tail.size > sizeof(struct sample_id)) {
        tail.data += tail.size - sizeof(struct sample_id);
        tail.size = sizeof(struct sample_id);
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

static gboolean decode_sample(const struct ct_formats *formats, struct body *body,
                              struct ct_raw_record *record)
{
    uint32_t size;

    take_id(body, record);
    take(body, &size, sizeof(size));
    struct body raw = {body->data, MIN(size, body->size)};
    int64_t flags = raw_number(&raw, formats->common_flags);
    uint64_t type = (uint64_t)raw_number(&raw, formats->common_type);

    record->in_interrupt = (flags & (FLAG_HARD_INTERRUPT | FLAG_SOFT_INTERRUPT)) != 0;
    record->raw_tid = (int32_t)raw_number(&raw, formats->common_pid);
    if (type == formats->switch_id) {
        const struct ct_raw_field previous[] = {formats->prev_comm, formats->prev_pid,
                                                formats->prev_prio};
        const struct ct_raw_field next[] = {formats->next_comm, formats->next_pid,
                                            formats->next_prio};

        record->kind = CT_RAW_SWITCH;
        raw_task(&raw, previous, &record->as.of_switch.previous);
        raw_task(&raw, next, &record->as.of_switch.next);
        record->as.of_switch.previous_state = raw_number(&raw, formats->prev_state);
        return TRUE;
    }
    if (type == formats->waking_id) {
        const struct ct_raw_field task[] = {formats->comm, formats->pid, formats->prio};

        record->kind = CT_RAW_WAKING;
        raw_task(&raw, task, &record->as.waking.task);
        record->as.waking.cpu = (int32_t)raw_number(&raw, formats->target_cpu);
        return TRUE;
    }
    return FALSE;
}

static void decode_task(struct body *body, struct ct_raw_record *record)
{
    take_last_id(body, record);
    take(body, &record->as.task.pid, sizeof(int32_t));
    take(body, &record->as.task.parent_pid, sizeof(int32_t));
    take(body, &record->as.task.tid, sizeof(int32_t));
    take(body, &record->as.task.parent_tid, sizeof(int32_t));
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

static void decode_arrival(struct body *body, struct ct_raw_record *record)
{
    int32_t previous_pid;

    take_last_id(body, record);
    take(body, &previous_pid, sizeof(previous_pid));
    take(body, &record->as.arrival.previous_tid, sizeof(int32_t));
}

/* FALSE: nothing that matters. */
static gboolean decode(const struct ct_spool *spool, const struct perf_event_header *header,
                       struct body *body, struct ct_raw_record *record)
{
    uint64_t id;

    switch (header->type) {
    case PERF_RECORD_SAMPLE:
        return decode_sample(&spool->head.formats, body, record);
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        record->kind = header->type == PERF_RECORD_FORK ? CT_RAW_FORK : CT_RAW_EXIT;
        decode_task(body, record);
        return TRUE;
    case PERF_RECORD_COMM:
        record->kind = CT_RAW_NAME;
        decode_name(body, header->misc, record);
        return TRUE;
    case PERF_RECORD_SWITCH:
        record->kind = CT_RAW_TASK_SWITCH;
        take_last_id(body, record);
        record->as.task_switch.is_out = (header->misc & PERF_RECORD_MISC_SWITCH_OUT) != 0;
        record->as.task_switch.is_preempted =
            (header->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0;
        return TRUE;
    case PERF_RECORD_SWITCH_CPU_WIDE:
        if (header->misc & PERF_RECORD_MISC_SWITCH_OUT)
            return FALSE;
        record->kind = CT_RAW_ARRIVAL;
        decode_arrival(body, record);
        return TRUE;
    case PERF_RECORD_LOST:
        record->kind = CT_RAW_LOST;
        take_last_id(body, record);
        take(body, &id, sizeof(id));
        take(body, &record->as.lost, sizeof(record->as.lost));
        return TRUE;
    default:
        return FALSE;
    }
}

gboolean ct_spool_read(struct ct_spool *spool, struct ct_raw_record *record)
{
    struct perf_event_header header;

    while (spool->next + sizeof(header) <= spool->size) {
        memcpy(&header, spool->data + spool->next, sizeof(header));
        if (header.size < sizeof(header) || header.size > spool->size - spool->next)
            break;
        struct body body = {spool->data + spool->next + sizeof(header),
                            header.size - sizeof(header)};

        spool->next += header.size;
        *record = (struct ct_raw_record){.cpu = spool->head.cpu};
        if (decode(spool, &header, &body, record))
            return TRUE;
    }
    spool->is_cut_off = spool->next < spool->size;
    spool->next = spool->size;
    return FALSE;
}
