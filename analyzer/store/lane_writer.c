#include "store/lane_writer.h"

#include "store/block.h"

#include <errno.h>
#include <string.h>

/* Runs that are merged at once. */
#define MERGED_MAX 64

struct ct_lane_writer *ct_lane_writer_new(enum ct_lane_kind kind, uint64_t subject)
{
    struct ct_lane_writer *lane = g_new0(struct ct_lane_writer, 1);

    lane->kind = kind;
    lane->subject = subject;
    return lane;
}

void ct_lane_writer_free(struct ct_lane_writer *lane)
{
    ct_pending_clear(&lane->pending);
    if (lane->runs)
        g_array_unref(lane->runs);
    g_free(lane);
}

/* ---- Writing aside ---- */

static void clear_run(void *run)
{
    ct_block_run_clear(run);
}

/* The first run that goes on before these, or a new one. */
static struct ct_block_run *find_run(struct ct_lane_writer *lane, uint64_t begin_ns)
{
    if (!lane->runs) {
        lane->runs = g_array_new(FALSE, TRUE, sizeof(struct ct_block_run));
        g_array_set_clear_func(lane->runs, clear_run);
    }
    for (guint i = 0; i < lane->runs->len; i++) {
        struct ct_block_run *run = &g_array_index(lane->runs, struct ct_block_run, i);

        if (run->last_begin_ns <= begin_ns)
            return run;
    }
    g_array_set_size(lane->runs, lane->runs->len + 1);
    return &g_array_index(lane->runs, struct ct_block_run, lane->runs->len - 1);
}

/* They are in order of their sequence, too. `bytes` is room for it. */
static struct ct_entry put_block(struct ct_store_out *out, enum ct_lane_kind kind,
                                 const struct ct_store_record *records, size_t count,
                                 struct ct_bytes *bytes)
{
    struct ct_summary summary;

    bytes->size = 0;
    ct_block_write(kind, records, count, bytes, &summary);
    return ct_store_out_put_block(out, bytes->bytes, bytes->size, &summary);
}

/* The next block of what it holds back, but for the last `kept`. */
static struct ct_entry put_pending(struct ct_lane_writer *lane, struct ct_store_out *out,
                                   size_t kept, struct ct_bytes *bytes)
{
    size_t count = MIN(CT_BLOCK_RECORDS, lane->pending.count - kept);

    return put_block(out, lane->kind, ct_pending_take(&lane->pending, count), count, bytes);
}

/* All but the last `kept` of what it holds back. */
static size_t write_pending(struct ct_lane_writer *lane, struct ct_lane_files *files, size_t kept)
{
    size_t count = lane->pending.count - kept;
    struct ct_bytes bytes = {0};

    ct_pending_order(&lane->pending);
    while (lane->pending.count > kept) {
        struct ct_block_run *run = find_run(lane, ct_pending_begin_ns(&lane->pending));
        const struct ct_entry entry = put_pending(lane, &files->out, kept, &bytes);

        ct_block_run_add(run, &files->aside, &entry);
    }
    ct_bytes_clear(&bytes);
    return count;
}

ptrdiff_t ct_lane_writer_add(struct ct_lane_writer *lane, struct ct_lane_files *files,
                             const struct ct_store_record *record)
{
    size_t written = 0;

    if (lane->pending.count == CT_PENDING_MAX)
        written = write_pending(lane, files, CT_PENDING_KEPT);
    ct_pending_add(&lane->pending, record);
    lane->count++;
    return 1 - (ptrdiff_t)written;
}

size_t ct_lane_writer_flush(struct ct_lane_writer *lane, struct ct_lane_files *files)
{
    size_t written = lane->pending.count > 0 ? write_pending(lane, files, 0) : 0;

    for (guint i = 0; lane->runs && i < lane->runs->len; i++)
        ct_block_run_flush(&g_array_index(lane->runs, struct ct_block_run, i), &files->aside);
    ct_pending_clear(&lane->pending);
    lane->recent[0] = lane->recent[1] = NULL;
    return written;
}

/* ---- Merging ---- */

/* A run that is being read back, at a block or at a record of one. */
struct source {
    struct ct_block_run_reader reader;
    struct ct_entry entry; /* of the block at hand */
    gboolean is_whole;     /* nothing of it was taken */
    uint8_t *bytes;        /* owned; once it was opened, as is the next */
    struct ct_block block;
    struct ct_store_record records[CT_BLOCK_RECORDS];
    size_t count;
    size_t at;
};

/* Where several runs become one, or the tree. */
struct joined {
    enum ct_lane_kind kind;
    struct ct_lane_files *files; /* borrowed */
    struct ct_tree_reader reader;
    struct ct_tree_writer *tree; /* borrowed; NULL: they become one run */
    struct ct_block_run run;
    struct ct_store_record records[CT_BLOCK_RECORDS];
    struct ct_attribute attributes[CT_BLOCK_RECORDS];
    size_t count;
    size_t attribute_count;
    GStringChunk *texts;   /* owned */
    struct ct_bytes bytes; /* owned */
};

/* FALSE: the run is at its end. */
static gboolean fill(struct source *source, struct ct_store_out *aside)
{
    if (source->is_whole || source->at < source->count)
        return TRUE;
    if (source->bytes) {
        ct_block_close(&source->block);
        g_clear_pointer(&source->bytes, g_free);
    }
    source->count = source->at = 0;
    source->is_whole = ct_block_run_next(&source->reader, aside, &source->entry);
    return source->is_whole;
}

static void open_block(struct source *source, struct joined *joined)
{
    source->is_whole = FALSE;
    source->bytes = ct_entry_load(&joined->reader, &source->entry);
    if (source->bytes) {
        ct_block_open(&source->block, joined->kind, source->bytes, source->entry.size);
        source->count = ct_block_load(&source->block, source->records);
    } else if (joined->files->out.error == 0) {
        joined->files->out.error = EIO;
    }
}

static void add_block(struct joined *joined, const struct ct_entry *entry)
{
    if (joined->tree)
        ct_tree_add_block(joined->tree, entry);
    else
        ct_block_run_add(&joined->run, &joined->files->aside, entry);
}

static void end_block(struct joined *joined)
{
    if (joined->count == 0)
        return;
    ct_records_sort_by_sequence(joined->records, joined->count);
    const struct ct_entry entry = put_block(&joined->files->out, joined->kind, joined->records,
                                            joined->count, &joined->bytes);

    add_block(joined, &entry);
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

static uint64_t begin_of(const struct source *source)
{
    return source->is_whole ? source->entry.summary.first_begin_ns
                            : source->records[source->at].begin_ns;
}

/* A whole block before what begins at once: which comes first is known once it is open. */
static gboolean comes_first(const struct source *a, const struct source *b)
{
    uint64_t first_ns = begin_of(a), second_ns = begin_of(b);

    if (first_ns != second_ns)
        return first_ns < second_ns;
    if (a->is_whole || b->is_whole)
        return a->is_whole;
    return a->records[a->at].sequence < b->records[b->at].sequence;
}

/* Its block ends before anything of the others begins. */
static gboolean is_apart(const struct source *source, const struct source *sources, guint count)
{
    for (guint i = 0; i < count; i++) {
        const struct source *other = &sources[i];

        if (other != source && (other->is_whole || other->at < other->count) &&
            begin_of(other) <= source->entry.summary.last_begin_ns)
            return FALSE;
    }
    return TRUE;
}

/* Takes a block or record of the source. */
static void take(struct joined *joined, struct source *source, const struct source *sources,
                 guint count)
{
    if (!source->is_whole) {
        join(joined, &source->records[source->at++]);
    } else if (is_apart(source, sources, count)) {
        end_block(joined);
        add_block(joined, &source->entry);
        source->is_whole = FALSE;
    } else {
        open_block(source, joined);
    }
}

static void merge(struct joined *joined, const struct ct_block_run *runs, guint count)
{
    struct source *sources = g_new0(struct source, count);

    for (guint i = 0; i < count; i++)
        ct_block_run_reader_init(&sources[i].reader, &runs[i]);
    for (;;) {
        struct source *first = NULL;

        for (guint i = 0; i < count; i++)
            if (fill(&sources[i], &joined->files->aside) &&
                (!first || comes_first(&sources[i], first)))
                first = &sources[i];
        if (!first)
            break;
        take(joined, first, sources, count);
    }
    end_block(joined);
    for (guint i = 0; i < count; i++)
        ct_block_run_reader_clear(&sources[i].reader);
    g_free(sources);
}

static gboolean flush_files(struct ct_lane_files *files)
{
    return ct_store_out_flush(&files->aside) && ct_store_out_flush(&files->out);
}

/* Of many runs the first ones become one, until there are few. */
static void merge_all(struct ct_lane_writer *lane, struct ct_lane_files *files,
                      struct ct_tree_writer *tree)
{
    struct joined *joined = g_new0(struct joined, 1);

    joined->kind = lane->kind;
    joined->files = files;
    joined->reader = (struct ct_tree_reader){files->out.fd, UINT64_MAX};
    joined->texts = g_string_chunk_new(1024);
    while (lane->runs->len > MERGED_MAX && flush_files(files)) {
        joined->run = (struct ct_block_run){0};
        merge(joined, (const struct ct_block_run *)(void *)lane->runs->data, MERGED_MAX);
        ct_block_run_flush(&joined->run, &files->aside);
        g_array_remove_range(lane->runs, 0, MERGED_MAX);
        g_array_append_val(lane->runs, joined->run);
    }
    joined->tree = tree;
    if (flush_files(files))
        merge(joined, (const struct ct_block_run *)(void *)lane->runs->data, lane->runs->len);
    g_string_chunk_free(joined->texts);
    ct_bytes_clear(&joined->bytes);
    g_free(joined);
}

/* Blocks of one run are as they will be. */
static void add_run(const struct ct_block_run *run, struct ct_store_out *aside,
                    struct ct_tree_writer *tree)
{
    struct ct_block_run_reader reader;
    struct ct_entry block;

    ct_block_run_reader_init(&reader, run);
    while (ct_block_run_next(&reader, aside, &block))
        ct_tree_add_block(tree, &block);
    ct_block_run_reader_clear(&reader);
}

/* Few records, as most lanes of many have, need not be told of aside. */
static void add_pending(struct ct_lane_writer *lane, struct ct_lane_files *files,
                        struct ct_tree_writer *tree)
{
    struct ct_bytes bytes = {0};

    ct_pending_order(&lane->pending);
    while (lane->pending.count > 0) {
        const struct ct_entry entry = put_pending(lane, &files->out, 0, &bytes);

        ct_tree_add_block(tree, &entry);
    }
    ct_bytes_clear(&bytes);
}

struct ct_entry ct_lane_writer_finish(struct ct_lane_writer *lane, struct ct_lane_files *files,
                                      struct ct_tree_writer *tree)
{
    if (!lane->runs) {
        add_pending(lane, files, tree);
        ct_pending_clear(&lane->pending);
        return ct_tree_finish(tree);
    }
    ct_lane_writer_flush(lane, files);
    if (lane->runs->len > 1)
        merge_all(lane, files, tree);
    else if (ct_store_out_flush(&files->aside))
        add_run(&g_array_index(lane->runs, struct ct_block_run, 0), &files->aside, tree);
    return ct_tree_finish(tree);
}
