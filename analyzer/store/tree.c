#include "store/tree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HELD_SIZE (UINT64_C(1) << 18)

uint32_t ct_store_checksum(const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(0, bytes, size);
}

gboolean ct_store_read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
    for (size_t got = 0; got < size;) {
        ssize_t more = pread(fd, (char *)bytes + got, size - got, (off_t)(offset + got));

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return FALSE;
        got += (size_t)more;
    }
    return TRUE;
}

gboolean ct_store_out_flush(struct ct_store_out *out)
{
    uint64_t begin = out->offset - out->held.size;

    for (size_t done = 0; done < out->held.size && out->error == 0;) {
        ssize_t more =
            pwrite(out->fd, out->held.bytes + done, out->held.size - done, (off_t)(begin + done));

        if (more > 0)
            done += (size_t)more;
        else if (more == 0 || errno != EINTR)
            out->error = more == 0 ? ENOSPC : errno;
    }
    out->held.size = 0;
    return out->error == 0;
}

void ct_store_out_put(struct ct_store_out *out, const void *bytes, size_t size)
{
    if (out->error != 0)
        return;
    ct_bytes_put_all(&out->held, bytes, size);
    out->offset += size;
    if (out->held.size >= HELD_SIZE)
        ct_store_out_flush(out);
}

void ct_store_out_clear(struct ct_store_out *out)
{
    ct_bytes_clear(&out->held);
}

/* ---- Entries ---- */

/* Most classes took no time: which of them did goes first. */
static void put_times(struct ct_bytes *bytes, const uint64_t times[CT_CLASS_COUNT])
{
    uint64_t present = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        present |= (uint64_t)(times[class] != 0) << class;
    ct_bytes_put(bytes, present);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        if (times[class] != 0)
            ct_bytes_put(bytes, times[class]);
}

static void take_times(struct ct_bytes_input *input, uint64_t times[CT_CLASS_COUNT])
{
    uint64_t present = ct_bytes_take(input);

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        times[class] = present >> class & 1 ? ct_bytes_take(input) : 0;
}

void ct_entry_write(const struct ct_entry *entry, struct ct_bytes *bytes)
{
    const struct ct_summary *summary = &entry->summary;

    ct_bytes_put(bytes, summary->count);
    if (summary->count == 0)
        return;
    ct_bytes_put(bytes, entry->offset);
    ct_bytes_put(bytes, entry->size);
    ct_bytes_put(bytes, entry->checksum);
    ct_bytes_put(bytes, entry->level);
    ct_bytes_put(bytes, summary->first_begin_ns);
    ct_bytes_put(bytes, summary->last_begin_ns - summary->first_begin_ns);
    ct_bytes_put(bytes, ct_zigzag(summary->last_end_ns - summary->last_begin_ns));
    ct_bytes_put(bytes, summary->first_sequence);
    ct_bytes_put(bytes, summary->longest_ns);
    ct_bytes_put(bytes, summary->longest_begin_ns - summary->first_begin_ns);
    ct_bytes_put(bytes, summary->longest_sequence - summary->first_sequence);
    put_times(bytes, summary->class_ns);
    put_times(bytes, summary->unseen_ns);
}

void ct_entry_read(struct ct_entry *entry, struct ct_bytes_input *input)
{
    struct ct_summary *summary = &entry->summary;

    *entry = (struct ct_entry){0};
    summary->count = ct_bytes_take(input);
    if (summary->count == 0)
        return;
    entry->offset = ct_bytes_take(input);
    entry->size = ct_bytes_take(input);
    entry->checksum = (uint32_t)ct_bytes_take(input);
    uint64_t level = ct_bytes_take(input);

    entry->level = (unsigned)MIN(level, CT_TREE_LEVELS);
    summary->first_begin_ns = ct_bytes_take(input);
    summary->last_begin_ns = summary->first_begin_ns + ct_bytes_take(input);
    summary->last_end_ns = summary->last_begin_ns + ct_unzigzag(ct_bytes_take(input));
    summary->first_sequence = ct_bytes_take(input);
    summary->longest_ns = ct_bytes_take(input);
    summary->longest_begin_ns = summary->first_begin_ns + ct_bytes_take(input);
    summary->longest_sequence = summary->first_sequence + ct_bytes_take(input);
    take_times(input, summary->class_ns);
    take_times(input, summary->unseen_ns);
    if (entry->size == 0 || entry->size > CT_NODE_SIZE_MAX || entry->offset > INT64_MAX / 2 ||
        entry->level >= CT_TREE_LEVELS)
        input->is_bad = TRUE;
}

/* ---- Writing ---- */

void ct_tree_writer_init(struct ct_tree_writer *writer, struct ct_store_out *out)
{
    *writer = (struct ct_tree_writer){.out = out};
}

void ct_tree_writer_clear(struct ct_tree_writer *writer)
{
    for (unsigned level = 0; level < CT_TREE_LEVELS; level++)
        g_free(writer->pages[level]);
}

static struct ct_entry put_node(struct ct_store_out *out, const uint8_t *bytes, size_t size,
                                unsigned level, const struct ct_summary *summary)
{
    struct ct_entry entry = {
        .offset = out->offset,
        .size = size,
        .checksum = ct_store_checksum(bytes, size),
        .level = level,
        .summary = *summary,
    };

    ct_store_out_put(out, bytes, size);
    return entry;
}

struct ct_entry ct_store_out_put_block(struct ct_store_out *out, const uint8_t *bytes, size_t size,
                                       const struct ct_summary *summary)
{
    return put_node(out, bytes, size, 0, summary);
}

static void add_entry(struct ct_tree_writer *writer, unsigned level, const struct ct_entry *entry);

/* What the page of this level has so far becomes one entry of the next. */
static void end_page(struct ct_tree_writer *writer, unsigned level)
{
    struct ct_bytes bytes = {0};
    struct ct_summary summary = {0};

    ct_bytes_put(&bytes, writer->counts[level]);
    for (size_t i = 0; i < writer->counts[level]; i++) {
        ct_entry_write(&writer->pages[level][i], &bytes);
        ct_summary_add(&summary, &writer->pages[level][i].summary);
    }
    writer->counts[level] = 0;
    struct ct_entry entry = put_node(writer->out, bytes.bytes, bytes.size, level + 1, &summary);

    ct_bytes_clear(&bytes);
    ct_activity_step(writer->activity);
    add_entry(writer, level + 1, &entry);
}

static void add_entry(struct ct_tree_writer *writer, unsigned level, const struct ct_entry *entry)
{
    if (level >= CT_TREE_LEVELS) {
        writer->out->error = EFBIG;
        return;
    }
    if (!writer->pages[level])
        writer->pages[level] = g_new(struct ct_entry, CT_PAGE_ENTRIES);
    writer->pages[level][writer->counts[level]++] = *entry;
    if (writer->counts[level] == CT_PAGE_ENTRIES)
        end_page(writer, level);
}

void ct_tree_add_block(struct ct_tree_writer *writer, const struct ct_entry *block)
{
    add_entry(writer, 0, block);
}

static gboolean is_empty_above(const struct ct_tree_writer *writer, unsigned level)
{
    for (level++; level < CT_TREE_LEVELS; level++)
        if (writer->counts[level] > 0)
            return FALSE;
    return TRUE;
}

struct ct_entry ct_tree_finish(struct ct_tree_writer *writer)
{
    struct ct_entry root = {0};

    for (unsigned level = 0; level < CT_TREE_LEVELS; level++) {
        if (writer->counts[level] == 1 && is_empty_above(writer, level)) {
            root = writer->pages[level][0];
            writer->counts[level] = 0;
            break;
        }
        if (writer->counts[level] > 0)
            end_page(writer, level);
    }
    return root;
}

/* ---- Reading ---- */

uint8_t *ct_entry_load(struct ct_tree_reader *reader, const struct ct_entry *entry)
{
    if (entry->size > reader->left)
        return NULL;
    uint8_t *bytes = g_malloc(entry->size);

    reader->left -= entry->size;
    if (ct_store_read_at(reader->fd, bytes, entry->size, entry->offset) &&
        ct_store_checksum(bytes, entry->size) == entry->checksum)
        return bytes;
    g_free(bytes);
    return NULL;
}

/* One level down, by where they begin. */
static gboolean is_in_order(const struct ct_entry *page, const struct ct_entry *entries,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ct_entry *entry = &entries[i];

        if (entry->summary.count == 0 || entry->level != page->level - 1 ||
            (i > 0 && entry->summary.first_begin_ns < entries[i - 1].summary.first_begin_ns))
            return FALSE;
    }
    return TRUE;
}

struct ct_entry *ct_page_load(struct ct_tree_reader *reader, const struct ct_entry *entry,
                              size_t *count)
{
    g_autofree uint8_t *bytes = entry->level > 0 ? ct_entry_load(reader, entry) : NULL;
    struct ct_bytes_input input = {bytes, bytes ? bytes + entry->size : NULL, bytes == NULL};

    *count = bytes ? ct_bytes_take_count(&input) : 0;
    if (*count == 0 || *count > CT_PAGE_ENTRIES)
        return NULL;
    struct ct_entry *entries = g_new(struct ct_entry, *count);

    for (size_t i = 0; i < *count; i++)
        ct_entry_read(&entries[i], &input);
    if (!input.is_bad && is_in_order(entry, entries, *count))
        return entries;
    g_free(entries);
    return NULL;
}
