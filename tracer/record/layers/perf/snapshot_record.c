#include "snapshot_record.h"

#include "spool/spool_format.h"

#include <linux/perf_event.h>
#include <string.h>

/* Records are that long, as perf's are. */
#define RECORD_ALIGNMENT 8

/* More of a string would not be shown, and a record has an end. */
#define STRING_MAX 4095

void ct_record_begin(struct ct_record_writer *writer, uint32_t type, uint16_t misc)
{
    const struct perf_event_header header = {.type = type, .misc = misc};

    writer->record = writer->bytes->len;
    g_byte_array_append(writer->bytes, (const void *)&header, sizeof(header));
}

void ct_record_append(struct ct_record_writer *writer, const void *data, size_t size)
{
    g_byte_array_append(writer->bytes, data, (guint)size);
}

/* With its end. */
void ct_record_append_string(struct ct_record_writer *writer, const char *text)
{
    ct_record_append(writer, text, MIN(strlen(text), STRING_MAX));
    ct_record_append(writer, "", 1);
}

/* All but samples have at their end who was on the CPU, and when: the process itself, let us say.
 */
void ct_record_end(struct ct_record_writer *writer, pid_t tid)
{
    static const char zeros[RECORD_ALIGNMENT];
    guint used = writer->bytes->len % RECORD_ALIGNMENT;
    const struct ct_spool_id id = {writer->pid, tid, writer->look->time_ns};
    struct perf_event_header header;

    if (used > 0)
        ct_record_append(writer, zeros, RECORD_ALIGNMENT - used);
    ct_record_append(writer, &id, sizeof(id));
    memcpy(&header, writer->bytes->data + writer->record, sizeof(header));
    header.size = (uint16_t)(writer->bytes->len - writer->record);
    memcpy(writer->bytes->data + writer->record, &header, sizeof(header));
}
