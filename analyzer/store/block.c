#include "store/block.h"

#include <stdlib.h>
#include <string.h>

/* What of a block was written already. */
struct written {
    const struct ct_attribute *attributes[CT_BLOCK_RECORDS];
    size_t attribute_count;
    const char *strings[CT_BLOCK_RECORDS * CT_STRINGS_MAX];
    size_t string_count;
};

/* 0: a new one follows; else where it was, plus one. */
static void put_string(struct ct_bytes *bytes, struct written *written, const char *text)
{
    for (size_t i = 0; i < written->string_count; i++) {
        if (written->strings[i] == text) {
            ct_bytes_put(bytes, i + 1);
            return;
        }
    }
    written->strings[written->string_count++] = text;
    ct_bytes_put(bytes, 0);
    ct_bytes_put_string(bytes, text);
}

/* Bits of the numbers that are not 0, then of the strings that are there: most are not. */
static uint64_t present_of(const struct ct_lane_layout *layout,
                           const struct ct_attribute *attribute)
{
    uint64_t present = 0;

    for (unsigned i = 0; i < layout->numbers; i++)
        present |= (uint64_t)(attribute->numbers[i] != 0) << i;
    for (unsigned i = 0; i < layout->strings; i++)
        present |= (uint64_t)(attribute->strings[i] != NULL) << (layout->numbers + i);
    return present;
}

static void put_attribute(struct ct_bytes *bytes, struct written *written,
                          const struct ct_lane_layout *layout, const struct ct_attribute *attribute)
{
    /* Most often one of late. */
    for (size_t i = written->attribute_count; i-- > 0;) {
        if (written->attributes[i] == attribute) {
            ct_bytes_put(bytes, i + 1);
            return;
        }
    }
    written->attributes[written->attribute_count++] = attribute;
    ct_bytes_put(bytes, 0);
    ct_bytes_put(bytes, present_of(layout, attribute));
    for (unsigned i = 0; i < layout->numbers; i++)
        if (attribute->numbers[i] != 0)
            ct_bytes_put(bytes, attribute->numbers[i]);
    for (unsigned i = 0; i < layout->strings; i++)
        if (attribute->strings[i])
            put_string(bytes, written, attribute->strings[i]);
}

static void put_loose(struct ct_bytes *bytes, const struct ct_lane_layout *layout,
                      const struct ct_store_record *record, uint64_t running[CT_LOOSE_MAX])
{
    uint64_t values[CT_LOOSE_MAX];
    uint64_t present = 0;

    for (unsigned i = 0; i < layout->loose; i++) {
        values[i] = record->loose[i];
        if ((layout->running >> i & 1) && values[i] != 0) {
            values[i] = ct_zigzag(record->loose[i] - running[i]);
            running[i] = record->loose[i];
            present |= UINT64_C(1) << i;
        }
        present |= (uint64_t)(values[i] != 0) << i;
    }
    if (layout->loose > 0)
        ct_bytes_put(bytes, present);
    for (unsigned i = 0; i < layout->loose; i++)
        if (present >> i & 1)
            ct_bytes_put(bytes, values[i]);
}

void ct_block_write(enum ct_lane_kind kind, const struct ct_store_record *records, size_t count,
                    struct ct_bytes *bytes, struct ct_summary *summary)
{
    const struct ct_lane_layout *layout = &ct_lane_layouts[kind];
    struct written written;
    uint64_t running[CT_LOOSE_MAX] = {0};
    uint64_t begin_ns = 0, sequence = 0;

    written.attribute_count = written.string_count = 0;
    *summary = (struct ct_summary){0};
    ct_bytes_put(bytes, count);
    for (size_t i = 0; i < count; i++) {
        const struct ct_store_record *record = &records[i];

        ct_bytes_put(bytes, record->sequence - sequence);
        ct_bytes_put(bytes, ct_zigzag(record->begin_ns - begin_ns));
        ct_bytes_put(bytes, record->end_ns - record->begin_ns);
        put_attribute(bytes, &written, layout, record->attribute);
        put_loose(bytes, layout, record, running);
        sequence = record->sequence;
        begin_ns = record->begin_ns;
        ct_summary_add_record(summary, kind, record);
    }
}

void ct_block_open(struct ct_block *block, enum ct_lane_kind kind, const uint8_t *bytes,
                   size_t size)
{
    block->kind = kind;
    block->input = (struct ct_bytes_input){bytes, bytes + size, FALSE};
    block->begin_ns = block->sequence = 0;
    memset(block->running, 0, sizeof(block->running));
    block->attributes = NULL;
    block->strings = NULL;
    block->attribute_count = block->string_count = 0;
    block->left = ct_bytes_take_count(&block->input);
    if (block->left > CT_BLOCK_RECORDS) {
        block->left = 0;
        block->input.is_bad = TRUE;
    }
}

void ct_block_close(struct ct_block *block)
{
    g_clear_pointer(&block->attributes, g_free);
    g_clear_pointer(&block->strings, g_free);
}

/* Room for one more of `count` things: there is some for a power of two. */
static gboolean is_full(size_t count)
{
    return (count & (count - 1)) == 0;
}

static const char *take_string(struct ct_block *block)
{
    uint64_t place = ct_bytes_take(&block->input);

    if (place == 0) {
        const char *text = ct_bytes_take_string(&block->input);

        if (is_full(block->string_count))
            block->strings = g_renew(const char *, block->strings, MAX(1, 2 * block->string_count));
        if (text)
            return block->strings[block->string_count++] = text;
    } else if (place <= block->string_count) {
        return block->strings[place - 1];
    }
    block->input.is_bad = TRUE;
    return NULL;
}

static const struct ct_attribute *take_attribute(struct ct_block *block)
{
    const struct ct_lane_layout *layout = &ct_lane_layouts[block->kind];
    uint64_t place = ct_bytes_take(&block->input);

    if (place > block->attribute_count || (place == 0 && block->input.is_bad)) {
        block->input.is_bad = TRUE;
        return NULL;
    }
    if (place > 0)
        return &block->attributes[place - 1];
    if (is_full(block->attribute_count))
        block->attributes =
            g_renew(struct ct_attribute, block->attributes, MAX(1, 2 * block->attribute_count));
    struct ct_attribute *attribute = &block->attributes[block->attribute_count++];

    *attribute = (struct ct_attribute){0};
    uint64_t present = ct_bytes_take(&block->input);

    for (unsigned i = 0; i < layout->numbers; i++, present >>= 1)
        if (present & 1)
            attribute->numbers[i] = ct_bytes_take(&block->input);
    for (unsigned i = 0; i < layout->strings; i++, present >>= 1)
        if (present & 1)
            attribute->strings[i] = take_string(block);
    return attribute;
}

static void take_loose(struct ct_block *block, struct ct_store_record *record)
{
    const struct ct_lane_layout *layout = &ct_lane_layouts[block->kind];
    uint64_t present = layout->loose > 0 ? ct_bytes_take(&block->input) : 0;

    for (unsigned i = 0; i < CT_LOOSE_MAX; i++) {
        record->loose[i] = 0;
        if (i >= layout->loose || !(present >> i & 1))
            continue;
        record->loose[i] = ct_bytes_take(&block->input);
        if (layout->running >> i & 1)
            record->loose[i] = block->running[i] += ct_unzigzag(record->loose[i]);
    }
}

gboolean ct_block_next(struct ct_block *block, struct ct_store_record *record)
{
    if (block->left == 0)
        return FALSE;
    block->left--;
    block->sequence += ct_bytes_take(&block->input);
    block->begin_ns += ct_unzigzag(ct_bytes_take(&block->input));
    record->sequence = block->sequence;
    record->begin_ns = block->begin_ns;
    record->end_ns = block->begin_ns + ct_bytes_take(&block->input);
    record->attribute = take_attribute(block);
    take_loose(block, record);
    if (!block->input.is_bad)
        return TRUE;
    block->left = 0;
    return FALSE;
}

static int compare_sequences(const void *a, const void *b)
{
    const struct ct_store_record *first = a, *second = b;

    return (first->sequence > second->sequence) - (first->sequence < second->sequence);
}

static int compare_begins(const void *a, const void *b)
{
    const struct ct_store_record *first = a, *second = b;

    if (first->begin_ns != second->begin_ns)
        return first->begin_ns < second->begin_ns ? -1 : 1;
    return compare_sequences(a, b);
}

/* They are in order as a rule. */
static void sort(struct ct_store_record *records, size_t count,
                 int (*compare)(const void *, const void *))
{
    for (size_t i = 1; i < count; i++) {
        if (compare(&records[i - 1], &records[i]) > 0) {
            qsort(records, count, sizeof(*records), compare);
            return;
        }
    }
}

void ct_records_sort(struct ct_store_record *records, size_t count)
{
    sort(records, count, compare_begins);
}

void ct_records_sort_by_sequence(struct ct_store_record *records, size_t count)
{
    sort(records, count, compare_sequences);
}

size_t ct_block_load(struct ct_block *block, struct ct_store_record records[CT_BLOCK_RECORDS])
{
    ptrdiff_t places[CT_BLOCK_RECORDS];
    size_t count = 0;

    /* The attributes move while more of them come. */
    while (count < CT_BLOCK_RECORDS && ct_block_next(block, &records[count])) {
        places[count] = records[count].attribute - block->attributes;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        records[i].attribute = &block->attributes[places[i]];
    ct_records_sort(records, count);
    return count;
}
