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

/* A block that is being written. */
struct writing {
    const struct ct_lane_layout *layout;
    struct ct_bytes *bytes; /* borrowed; with room for another record but for its strings */
    struct written written;
    uint64_t running[CT_LOOSE_MAX];
};

/* What a record takes at most: sequence, begin and end, the attribute's place, what it has, and its
 * numbers, the strings' places, and the loose values with which of them there are. */
#define RECORD_SIZE_MAX \
    ((size_t)(5 + CT_NUMBERS_MAX + CT_STRINGS_MAX + 1 + CT_LOOSE_MAX) * CT_VARINT_MAX)

/* 0: a new one follows; else where it was, plus one. */
static void put_string(struct writing *writing, const char *text)
{
    struct written *written = &writing->written;

    for (size_t i = 0; i < written->string_count; i++) {
        if (written->strings[i] == text) {
            ct_bytes_put(writing->bytes, i + 1);
            return;
        }
    }
    written->strings[written->string_count++] = text;
    ct_bytes_put(writing->bytes, 0);
    ct_bytes_put_string(writing->bytes, text);
    ct_bytes_reserve(writing->bytes, RECORD_SIZE_MAX);
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

/* One that is not known to the block. */
static void put_new_attribute(struct writing *writing, const struct ct_attribute *attribute)
{
    const struct ct_lane_layout *layout = writing->layout;
    struct ct_bytes *bytes = writing->bytes;

    writing->written.attributes[writing->written.attribute_count++] = attribute;
    ct_bytes_put(bytes, 0);
    ct_bytes_put(bytes, present_of(layout, attribute));
    for (unsigned i = 0; i < layout->numbers; i++)
        if (attribute->numbers[i] != 0)
            ct_bytes_put(bytes, attribute->numbers[i]);
    for (unsigned i = 0; i < layout->strings; i++)
        if (attribute->strings[i])
            put_string(writing, attribute->strings[i]);
}

/* Where it was, plus one; 0: nowhere yet. Most often it is one of late. */
static size_t find_attribute(const struct written *written, const struct ct_attribute *attribute)
{
    for (size_t i = written->attribute_count; i > 0; i--)
        if (written->attributes[i - 1] == attribute)
            return i;
    return 0;
}

/* Which of them there are, and those: few, as a rule. */
static uint8_t *put_loose(uint8_t *at, struct writing *writing,
                          const struct ct_store_record *record)
{
    const struct ct_lane_layout *layout = writing->layout;
    uint64_t present = 0;

    for (unsigned i = 0; i < layout->loose; i++)
        present |= (uint64_t)(record->loose[i] != 0) << i;
    at = ct_varint_put(at, present);
    for (uint64_t left = present; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        uint64_t value = record->loose[i];

        if (layout->running >> i & 1) {
            value = ct_zigzag(value - writing->running[i]);
            writing->running[i] = record->loose[i];
        }
        at = ct_varint_put(at, value);
    }
    return at;
}

/* There is room for all of it but an attribute that is new. */
static uint8_t *put_record(uint8_t *at, struct writing *writing,
                           const struct ct_store_record *record)
{
    size_t place = find_attribute(&writing->written, record->attribute);

    if (place > 0) {
        at = ct_varint_put(at, place);
    } else {
        writing->bytes->size = (size_t)(at - writing->bytes->bytes);
        put_new_attribute(writing, record->attribute);
        at = writing->bytes->bytes + writing->bytes->size;
    }
    return writing->layout->loose > 0 ? put_loose(at, writing, record) : at;
}

void ct_block_write(enum ct_lane_kind kind, const struct ct_store_record *records, size_t count,
                    struct ct_bytes *bytes, struct ct_summary *summary)
{
    struct writing writing;
    uint64_t begin_ns = 0, sequence = 0;

    writing.layout = &ct_lane_layouts[kind];
    writing.bytes = bytes;
    writing.written.attribute_count = writing.written.string_count = 0;
    memset(writing.running, 0, sizeof(writing.running));
    ct_bytes_put(bytes, count);
    for (size_t i = 0; i < count; i++) {
        const struct ct_store_record *record = &records[i];

        ct_bytes_reserve(bytes, RECORD_SIZE_MAX);
        uint8_t *at = bytes->bytes + bytes->size;

        at = ct_varint_put(at, record->sequence - sequence);
        at = ct_varint_put(at, ct_zigzag(record->begin_ns - begin_ns));
        at = ct_varint_put(at, record->end_ns - record->begin_ns);
        at = put_record(at, &writing, record);
        bytes->size = (size_t)(at - bytes->bytes);
        sequence = record->sequence;
        begin_ns = record->begin_ns;
    }
    ct_summary_set(summary, kind, records, count);
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

/* They are in order as a rule, of either kind. */
void ct_records_sort(struct ct_store_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (records[i].begin_ns < records[i - 1].begin_ns ||
            (records[i].begin_ns == records[i - 1].begin_ns &&
             records[i].sequence < records[i - 1].sequence)) {
            qsort(records, count, sizeof(*records), compare_begins);
            return;
        }
    }
}

void ct_records_sort_by_sequence(struct ct_store_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (records[i].sequence < records[i - 1].sequence) {
            qsort(records, count, sizeof(*records), compare_sequences);
            return;
        }
    }
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
