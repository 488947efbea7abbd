#include "store/lane_writer.h"

#include "store/block.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Records held back, so that those which come late are in order: a thread's waits that other waits
 * interrupted, and times that the kernel tells of, which nobody took. */
#define PENDING_MAX  1024
#define PENDING_KEPT 512

/* Runs that are merged at once. */
#define MERGED_MAX 64

/* A block written aside: this, and then its bytes. */
struct aside_block {
    uint64_t next; /* of the same run; 0: none */
    uint64_t size;
    struct ct_summary summary;
};

struct run {
    uint64_t first; /* where its blocks are */
    uint64_t last;
    uint64_t last_begin_ns;
};

struct ct_lane_writer *ct_lane_writer_new(enum ct_lane_kind kind, uint64_t subject)
{
    struct ct_lane_writer *lane = g_new0(struct ct_lane_writer, 1);

    lane->kind = kind;
    lane->subject = subject;
    return lane;
}

void ct_lane_writer_free(struct ct_lane_writer *lane)
{
    g_free(lane->pending);
    if (lane->runs)
        g_array_unref(lane->runs);
    g_free(lane);
}

/* ---- Writing aside ---- */

static void link_block(struct ct_store_out *aside, uint64_t from, uint64_t to)
{
    uint64_t held_from = aside->offset - aside->held.size;

    if (from >= held_from) {
        memcpy(aside->held.bytes + (from - held_from) + offsetof(struct aside_block, next), &to,
               sizeof(to));
        return;
    }
    off_t place = (off_t)(from + offsetof(struct aside_block, next));
    ssize_t written = pwrite(aside->fd, &to, sizeof(to), place);

    if (written != sizeof(to) && aside->error == 0)
        aside->error = written < 0 ? errno : ENOSPC;
}

/* The first run that goes on before these, or a new one. */
static struct run *find_run(struct ct_lane_writer *lane, uint64_t begin_ns)
{
    if (!lane->runs)
        lane->runs = g_array_new(FALSE, TRUE, sizeof(struct run));
    for (guint i = 0; i < lane->runs->len; i++) {
        struct run *run = &g_array_index(lane->runs, struct run, i);

        if (run->last_begin_ns <= begin_ns)
            return run;
    }
    g_array_set_size(lane->runs, lane->runs->len + 1);
    return &g_array_index(lane->runs, struct run, lane->runs->len - 1);
}

static void append_block(struct run *run, struct ct_store_out *aside, const struct ct_bytes *bytes,
                         const struct ct_summary *summary)
{
    const struct aside_block block = {.size = bytes->size, .summary = *summary};

    /* 0 is no place. */
    if (aside->offset == 0)
        ct_store_out_put(aside, "", 1);
    uint64_t place = aside->offset;

    ct_store_out_put(aside, &block, sizeof(block));
    ct_store_out_put(aside, bytes->bytes, bytes->size);
    if (run->first == 0)
        run->first = place;
    else
        link_block(aside, run->last, place);
    run->last = place;
    run->last_begin_ns = summary->last_begin_ns;
}

/* They are in order of their begin. */
static void encode(enum ct_lane_kind kind, struct ct_store_record *records, size_t count,
                   struct ct_bytes *bytes, struct ct_summary *summary)
{
    bytes->size = 0;
    ct_records_sort_by_sequence(records, count);
    ct_block_write(kind, records, count, bytes, summary);
}

/* All but the last `kept` of what it holds back. */
static size_t write_aside(struct ct_lane_writer *lane, struct ct_store_out *aside, size_t kept)
{
    size_t count = lane->pending_count - kept;
    struct ct_bytes bytes = {0};
    struct ct_summary summary;

    ct_records_sort(lane->pending, lane->pending_count);
    for (size_t i = 0; i < count; i += CT_BLOCK_RECORDS) {
        struct run *run = find_run(lane, lane->pending[i].begin_ns);

        encode(lane->kind, lane->pending + i, MIN(CT_BLOCK_RECORDS, count - i), &bytes, &summary);
        append_block(run, aside, &bytes, &summary);
    }
    ct_bytes_clear(&bytes);
    if (kept > 0)
        memmove(lane->pending, lane->pending + count, kept * sizeof(*lane->pending));
    lane->pending_count = kept;
    return count;
}

ptrdiff_t ct_lane_writer_add(struct ct_lane_writer *lane, struct ct_store_out *aside,
                             const struct ct_store_record *record)
{
    size_t written = 0;

    if (lane->pending_count == PENDING_MAX)
        written = write_aside(lane, aside, PENDING_KEPT);
    if (lane->pending_count == lane->pending_capacity) {
        lane->pending_capacity = MAX(4, 2 * lane->pending_capacity);
        lane->pending = g_renew(struct ct_store_record, lane->pending, lane->pending_capacity);
    }
    lane->pending[lane->pending_count++] = *record;
    lane->count++;
    return 1 - (ptrdiff_t)written;
}

size_t ct_lane_writer_flush(struct ct_lane_writer *lane, struct ct_store_out *aside)
{
    size_t written = lane->pending_count > 0 ? write_aside(lane, aside, 0) : 0;

    g_clear_pointer(&lane->pending, g_free);
    lane->pending_capacity = 0;
    lane->last_kept = NULL;
    return written;
}

/* ---- Merging ---- */

/* A run that is being read back. */
struct source {
    uint64_t next;  /* block; 0: none */
    uint8_t *bytes; /* owned */
    struct ct_block block;
    struct ct_store_record records[CT_BLOCK_RECORDS];
    size_t count;
    size_t at;
};

/* Where records of several runs become blocks. */
struct joined {
    enum ct_lane_kind kind;
    struct ct_store_out *aside;  /* borrowed */
    struct ct_tree_writer *tree; /* borrowed; NULL: they become one run */
    struct run run;
    struct ct_store_record records[CT_BLOCK_RECORDS];
    struct ct_attribute attributes[CT_BLOCK_RECORDS];
    size_t count;
    size_t attribute_count;
    GStringChunk *texts;   /* owned */
    struct ct_bytes bytes; /* owned */
};

static uint8_t *read_aside(struct ct_store_out *aside, uint64_t place, struct aside_block *block)
{
    uint8_t *bytes = NULL;

    if (ct_store_read_at(aside->fd, block, sizeof(*block), place) &&
        block->size <= CT_NODE_SIZE_MAX) {
        bytes = g_malloc(block->size);
        if (!ct_store_read_at(aside->fd, bytes, block->size, place + sizeof(*block)))
            g_clear_pointer(&bytes, g_free);
    }
    if (!bytes && aside->error == 0)
        aside->error = EIO;
    return bytes;
}

/* FALSE: the run is at its end. */
static gboolean fill(struct source *source, struct ct_store_out *aside, enum ct_lane_kind kind)
{
    struct aside_block header;

    if (source->at < source->count)
        return TRUE;
    if (source->bytes) {
        ct_block_close(&source->block);
        g_clear_pointer(&source->bytes, g_free);
    }
    if (source->next == 0 || !(source->bytes = read_aside(aside, source->next, &header)))
        return FALSE;
    source->next = header.next;
    ct_block_open(&source->block, kind, source->bytes, header.size);
    source->count = ct_block_load(&source->block, source->records);
    source->at = 0;
    return source->count > 0;
}

static void end_block(struct joined *joined)
{
    struct ct_summary summary;

    if (joined->count == 0)
        return;
    encode(joined->kind, joined->records, joined->count, &joined->bytes, &summary);
    if (joined->tree)
        ct_tree_add_block(joined->tree, joined->bytes.bytes, joined->bytes.size, &summary);
    else
        append_block(&joined->run, joined->aside, &joined->bytes, &summary);
    joined->count = joined->attribute_count = 0;
    g_string_chunk_clear(joined->texts);
}

static const struct ct_attribute *keep_attribute(struct joined *joined,
                                                 const struct ct_attribute *attribute)
{
    struct ct_attribute kept = *attribute;

    for (unsigned i = 0; i < CT_STRINGS_MAX; i++)
        if (kept.strings[i])
            kept.strings[i] = g_string_chunk_insert_const(joined->texts, kept.strings[i]);
    for (size_t i = 0; i < joined->attribute_count; i++)
        if (memcmp(&joined->attributes[i], &kept, sizeof(kept)) == 0)
            return &joined->attributes[i];
    joined->attributes[joined->attribute_count] = kept;
    return &joined->attributes[joined->attribute_count++];
}

static void join(struct joined *joined, const struct ct_store_record *record)
{
    struct ct_store_record *kept = &joined->records[joined->count];

    *kept = *record;
    kept->attribute = keep_attribute(joined, record->attribute);
    if (++joined->count == CT_BLOCK_RECORDS)
        end_block(joined);
}

static gboolean comes_first(const struct source *a, const struct source *b)
{
    const struct ct_store_record *first = &a->records[a->at];
    const struct ct_store_record *second = &b->records[b->at];

    return first->begin_ns != second->begin_ns ? first->begin_ns < second->begin_ns
                                               : first->sequence < second->sequence;
}

static void merge(struct joined *joined, const struct run *runs, guint count)
{
    struct source *sources = g_new0(struct source, count);

    for (guint i = 0; i < count; i++)
        sources[i].next = runs[i].first;
    for (;;) {
        struct source *first = NULL;

        for (guint i = 0; i < count; i++)
            if (fill(&sources[i], joined->aside, joined->kind) &&
                (!first || comes_first(&sources[i], first)))
                first = &sources[i];
        if (!first)
            break;
        join(joined, &first->records[first->at++]);
    }
    end_block(joined);
    g_free(sources);
}

/* Of many runs the first ones become one, until there are few. */
static void merge_all(struct ct_lane_writer *lane, struct ct_store_out *aside,
                      struct ct_tree_writer *tree)
{
    struct joined *joined = g_new0(struct joined, 1);

    joined->kind = lane->kind;
    joined->aside = aside;
    joined->texts = g_string_chunk_new(1024);
    while (lane->runs->len > MERGED_MAX && ct_store_out_flush(aside)) {
        joined->run = (struct run){0};
        merge(joined, (const struct run *)(void *)lane->runs->data, MERGED_MAX);
        g_array_remove_range(lane->runs, 0, MERGED_MAX);
        g_array_append_val(lane->runs, joined->run);
    }
    joined->tree = tree;
    if (ct_store_out_flush(aside))
        merge(joined, (const struct run *)(void *)lane->runs->data, lane->runs->len);
    g_string_chunk_free(joined->texts);
    ct_bytes_clear(&joined->bytes);
    g_free(joined);
}

/* Blocks of one run are as they will be. */
static void copy(const struct run *run, struct ct_store_out *aside, struct ct_tree_writer *tree)
{
    struct aside_block header;

    for (uint64_t place = run->first; place != 0; place = header.next) {
        g_autofree uint8_t *bytes = read_aside(aside, place, &header);

        if (!bytes)
            return;
        ct_tree_add_block(tree, bytes, header.size, &header.summary);
    }
}

/* Few records, as most lanes of many have, need not be written aside. */
static void add_pending(struct ct_lane_writer *lane, struct ct_tree_writer *tree)
{
    struct ct_bytes bytes = {0};
    struct ct_summary summary;

    ct_records_sort(lane->pending, lane->pending_count);
    for (size_t i = 0; i < lane->pending_count; i += CT_BLOCK_RECORDS) {
        encode(lane->kind, lane->pending + i, MIN(CT_BLOCK_RECORDS, lane->pending_count - i),
               &bytes, &summary);
        ct_tree_add_block(tree, bytes.bytes, bytes.size, &summary);
    }
    ct_bytes_clear(&bytes);
}

struct ct_entry ct_lane_writer_finish(struct ct_lane_writer *lane, struct ct_store_out *aside,
                                      struct ct_tree_writer *tree)
{
    if (!lane->runs) {
        add_pending(lane, tree);
        g_clear_pointer(&lane->pending, g_free);
        lane->pending_count = 0;
        return ct_tree_finish(tree);
    }
    ct_lane_writer_flush(lane, aside);
    if (!ct_store_out_flush(aside))
        return (struct ct_entry){0};
    if (lane->runs->len == 1)
        copy(&g_array_index(lane->runs, struct run, 0), aside, tree);
    else
        merge_all(lane, aside, tree);
    return ct_tree_finish(tree);
}
