#include "store/builder.h"

#include "store/lane_writer.h"
#include "store/model_section.h"
#include "store/releases_writer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* Records that all lanes hold back together, and attributes. */
#define HELD_MAX       (1U << 18)
#define ATTRIBUTES_MAX (1U << 16)

/* Objects with lanes of their own; of more, nothing is told by object. */
#define OBJECTS_MAX (1U << 16)

/* Releases told since all but a few were last forgotten. */
#define RECENT_MAX (1U << 17)

enum { THREAD_LANES = CT_LANE_WAKES + 1 };

struct thread {
    guint number;
    struct ct_lane_writer *lanes[THREAD_LANES]; /* borrowed; NULL: nothing yet */
};

struct object {
    const struct ct_process *process; /* borrowed; first, with the next two: the key */
    uint64_t id;
    enum ct_object kind;
    struct ct_lane_writer *waits;        /* borrowed */
    struct ct_releases_writer *releases; /* owned; NULL: none */
};

struct ct_store_builder {
    struct ct_lane_files files;
    GPtrArray *lanes;       /* owned; struct ct_lane_writer *, owned */
    GHashTable *threads;    /* owned; const struct ct_thread * -> struct thread *, owned */
    GHashTable *cpus;       /* owned; CPU -> struct ct_lane_writer *, borrowed */
    GHashTable *objects;    /* owned; struct object *, as a set */
    GPtrArray *object_list; /* owned; the same, by number, and NULL: of no object */
    struct ct_releases_writer *other_releases; /* owned; of objects beyond the limit */
    GHashTable *attributes;                    /* owned; struct ct_attribute *, owned, as a set */
    GStringChunk *texts;                       /* owned; their strings */
    size_t held;                               /* by all lanes */
    uint64_t sequence;
    size_t recent_count;                 /* releases */
    const struct ct_thread *last_thread; /* borrowed, as is the next */
    struct thread *last;
};

static guint attribute_hash(const void *data)
{
    const struct ct_attribute *attribute = data;
    uint64_t hash = 0;

    for (unsigned i = 0; i < CT_NUMBERS_MAX; i++)
        hash = (hash ^ attribute->numbers[i]) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < CT_STRINGS_MAX; i++)
        hash = (hash ^ (uintptr_t)attribute->strings[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(hash >> 32);
}

static gboolean attribute_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ct_attribute)) == 0;
}

static guint object_hash(const void *data)
{
    const struct object *object = data;
    uint64_t mixed =
        (object->id ^ (uint64_t)object->kind << 58) + ((uintptr_t)object->process >> 4);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean object_equal(const void *a, const void *b)
{
    const struct object *first = a, *second = b;

    return first->process == second->process && first->id == second->id &&
           first->kind == second->kind;
}

static void object_free(void *data)
{
    struct object *object = data;

    if (object)
        ct_releases_writer_free(object->releases);
    g_free(object);
}

static void lane_free(void *lane)
{
    ct_lane_writer_free(lane);
}

struct ct_store_builder *ct_store_builder_new(int fd, int aside_fd)
{
    struct ct_store_builder *builder = g_new0(struct ct_store_builder, 1);
    const struct ct_store_header room = {0};

    builder->files.out.fd = fd;
    builder->files.aside.fd = aside_fd;
    ct_store_out_put(&builder->files.out, &room, sizeof(room));
    builder->lanes = g_ptr_array_new_with_free_func(lane_free);
    builder->threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    builder->cpus = g_hash_table_new(NULL, NULL);
    builder->objects = g_hash_table_new(object_hash, object_equal);
    builder->object_list = g_ptr_array_new_with_free_func(object_free);
    builder->attributes = g_hash_table_new_full(attribute_hash, attribute_equal, g_free, NULL);
    builder->texts = g_string_chunk_new(4096);
    return builder;
}

void ct_store_builder_free(struct ct_store_builder *builder)
{
    if (!builder)
        return;
    ct_store_out_clear(&builder->files.out);
    ct_store_out_clear(&builder->files.aside);
    g_ptr_array_unref(builder->lanes);
    g_hash_table_unref(builder->threads);
    g_hash_table_unref(builder->cpus);
    g_hash_table_unref(builder->objects);
    g_ptr_array_unref(builder->object_list);
    ct_releases_writer_free(builder->other_releases);
    g_hash_table_unref(builder->attributes);
    g_string_chunk_free(builder->texts);
    g_free(builder);
}

/* ---- Lanes and what they hold back ---- */

static struct ct_lane_writer *new_lane(struct ct_store_builder *builder, enum ct_lane_kind kind,
                                       uint64_t subject)
{
    struct ct_lane_writer *lane = ct_lane_writer_new(kind, subject);

    g_ptr_array_add(builder->lanes, lane);
    return lane;
}

static struct thread *find_thread(struct ct_store_builder *builder, const struct ct_thread *thread)
{
    if (builder->last_thread == thread)
        return builder->last;
    struct thread *found = g_hash_table_lookup(builder->threads, thread);

    if (!found) {
        found = g_new0(struct thread, 1);
        found->number = g_hash_table_size(builder->threads);
        g_hash_table_insert(builder->threads, (void *)thread, found);
    }
    builder->last_thread = thread;
    builder->last = found;
    return found;
}

static struct ct_lane_writer *thread_lane(struct ct_store_builder *builder, struct thread *thread,
                                          enum ct_lane_kind kind)
{
    if (!thread->lanes[kind])
        thread->lanes[kind] = new_lane(builder, kind, thread->number);
    return thread->lanes[kind];
}

static struct ct_lane_writer *cpu_lane(struct ct_store_builder *builder, uint32_t cpu)
{
    struct ct_lane_writer *lane = g_hash_table_lookup(builder->cpus, GUINT_TO_POINTER(cpu));

    if (!lane) {
        lane = new_lane(builder, CT_LANE_CPU_RUNS, cpu);
        g_hash_table_insert(builder->cpus, GUINT_TO_POINTER(cpu), lane);
    }
    return lane;
}

/* NULL: there are too many. */
static struct object *find_object(struct ct_store_builder *builder,
                                  const struct ct_interval *interval)
{
    struct object key = {interval->thread->process, interval->object, ct_op_object(interval->op),
                         NULL, NULL};
    struct object *object;

    /* A number of descriptors, or any child, is nothing that others wait for, too. */
    if (key.kind == CT_OBJECT_NONE || key.kind == CT_OBJECT_FD_SET || key.kind == CT_OBJECT_PROCESS)
        return NULL;
    object = g_hash_table_lookup(builder->objects, &key);
    if (object || builder->object_list->len >= OBJECTS_MAX)
        return object;
    object = g_new(struct object, 1);
    *object = key;
    object->waits = new_lane(builder, CT_LANE_OBJECT_WAITS, builder->object_list->len);
    g_ptr_array_add(builder->object_list, object);
    g_hash_table_add(builder->objects, object);
    return object;
}

static void flush_all(struct ct_store_builder *builder)
{
    for (guint i = 0; i < builder->lanes->len; i++)
        ct_lane_writer_flush(builder->lanes->pdata[i], &builder->files);
    builder->held = 0;
    g_hash_table_remove_all(builder->attributes);
    g_string_chunk_clear(builder->texts);
}

static const struct ct_attribute *keep_attribute(struct ct_store_builder *builder,
                                                 struct ct_lane_writer *lane,
                                                 const struct ct_attribute *attribute)
{
    struct ct_attribute kept = *attribute;
    struct ct_attribute *found;

    if (lane->last_kept && memcmp(&lane->last, attribute, sizeof(*attribute)) == 0)
        return lane->last_kept;
    for (unsigned i = 0; i < CT_STRINGS_MAX; i++)
        if (kept.strings[i])
            kept.strings[i] = g_string_chunk_insert_const(builder->texts, kept.strings[i]);
    found = g_hash_table_lookup(builder->attributes, &kept);
    if (!found) {
        found = g_new(struct ct_attribute, 1);
        *found = kept;
        g_hash_table_add(builder->attributes, found);
    }
    /* Strings may be others at the same place by then. */
    gboolean has_strings = kept.strings[0] || kept.strings[1] || kept.strings[2] || kept.strings[3];

    lane->last = *attribute;
    lane->last_kept = has_strings ? NULL : found;
    return found;
}

static void add(struct ct_store_builder *builder, struct ct_lane_writer *lane,
                struct ct_store_record *record, const struct ct_attribute *attribute)
{
    if (builder->held >= HELD_MAX || g_hash_table_size(builder->attributes) >= ATTRIBUTES_MAX)
        flush_all(builder);
    record->attribute = keep_attribute(builder, lane, attribute);
    builder->held += (size_t)ct_lane_writer_add(lane, &builder->files, record);
}

static uint64_t zigzag_of(int64_t value)
{
    return ct_zigzag((uint64_t)value);
}

/* ---- Intervals ---- */

/* Most weights are a rate by the time of the wait: then its bits are told by one number. */
static void set_weight(double weight, uint64_t wait_ns, struct ct_attribute *attribute,
                       struct ct_store_record *record)
{
    double time_ns = weight * (double)wait_ns;

    if (weight == 1)
        return;
    attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_WEIGHT;
    if (wait_ns > 0 && time_ns >= 1 && time_ns < 0x1p50 &&
        (double)llround(time_ns) / (double)wait_ns == weight)
        attribute->numbers[CT_INTERVAL_WEIGHT_TIME] = (uint64_t)llround(time_ns);
    else
        memcpy(&record->loose[CT_INTERVAL_WEIGHT], &weight, sizeof(weight));
}

static void set_fd(const struct ct_fd *fd, struct ct_attribute *attribute)
{
    attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_FD;
    attribute->numbers[CT_INTERVAL_FD] = zigzag_of(fd->fd);
    attribute->numbers[CT_INTERVAL_FD_KIND] = (uint64_t)fd->kind;
    attribute->numbers[CT_INTERVAL_FD_WATCHED] = fd->watched_classes;
    attribute->strings[CT_INTERVAL_LOCAL] = fd->local;
    attribute->strings[CT_INTERVAL_PEER] = fd->peer;
}

static void set_waker(struct ct_store_builder *builder, const struct ct_interval *interval,
                      struct ct_attribute *attribute, struct ct_store_record *record)
{
    if (interval->waker)
        attribute->numbers[CT_INTERVAL_WAKER] =
            (uint64_t)find_thread(builder, interval->waker)->number + 1;
    attribute->numbers[CT_INTERVAL_WAKER_STACK] = interval->waker_stack_id;
    attribute->numbers[CT_INTERVAL_WAKER_OP] = (uint64_t)interval->waker_op;
    if (interval->wake_ns != 0) {
        attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_WAKE;
        record->loose[CT_INTERVAL_WAKE] = ct_zigzag(interval->wait_end_ns - interval->wake_ns);
    }
}

static void forget_releases(struct ct_store_builder *builder)
{
    for (guint i = 0; i < builder->object_list->len; i++) {
        const struct object *object = builder->object_list->pdata[i];

        if (object->releases)
            ct_releases_writer_forget(object->releases);
    }
    if (builder->other_releases)
        ct_releases_writer_forget(builder->other_releases);
    builder->recent_count = 0;
}

/* Those of one object are told once, however many waited meanwhile. */
static void set_releases(struct ct_store_builder *builder, const struct ct_interval *interval,
                         struct object *object, struct ct_attribute *attribute,
                         struct ct_store_record *record)
{
    struct ct_releases_writer **releases = object ? &object->releases : &builder->other_releases;

    if (interval->release_count == 0)
        return;
    if (!*releases) {
        uint64_t number = object ? object->waits->subject : OBJECTS_MAX;

        *releases = ct_releases_writer_new(new_lane(builder, CT_LANE_RELEASES, number));
    }
    attribute->numbers[CT_INTERVAL_RELEASES] = ct_releases_writer_lane(*releases)->subject + 1;
    record->loose[CT_INTERVAL_RELEASE_COUNT] = interval->release_count;
    record->loose[CT_INTERVAL_FIRST_RELEASE] =
        ct_releases_writer_find(*releases, interval->releases, interval->release_count);
    const struct ct_wake *wake;
    uint64_t index;

    while ((wake = ct_releases_writer_next(*releases, interval->releases, interval->release_count,
                                           &index))) {
        struct ct_attribute told = {0};
        struct ct_store_record release = {.begin_ns = index, .end_ns = index, .sequence = index};

        told.numbers[CT_RELEASE_THREAD] = find_thread(builder, wake->thread)->number;
        told.numbers[CT_RELEASE_STACK] = wake->stack_id;
        told.numbers[CT_RELEASE_OP] = (uint64_t)wake->op;
        release.loose[CT_RELEASE_TIME] = wake->time_ns;
        add(builder, ct_releases_writer_lane(*releases), &release, &told);
        builder->recent_count++;
    }
    if (builder->recent_count > RECENT_MAX)
        forget_releases(builder);
}

static void add_wake(struct ct_store_builder *builder, const struct ct_interval *interval,
                     uint64_t sequence)
{
    struct thread *waker = find_thread(builder, interval->waker);
    struct ct_attribute attribute = {0};
    struct ct_store_record record = {
        .begin_ns = interval->wake_ns, .end_ns = interval->wake_ns, .sequence = sequence};

    record.loose[CT_WAKE_INTERVAL] = ct_zigzag(interval->wake_ns - interval->begin_ns);
    attribute.numbers[CT_WAKE_THREAD] = find_thread(builder, interval->thread)->number;
    add(builder, thread_lane(builder, waker, CT_LANE_WAKES), &record, &attribute);
}

static void add_object_wait(struct ct_store_builder *builder, const struct object *object,
                            const struct ct_interval *interval, uint64_t sequence)
{
    struct ct_attribute attribute = {0};
    struct ct_store_record record = {
        .begin_ns = interval->begin_ns, .end_ns = interval->end_ns, .sequence = sequence};

    attribute.numbers[CT_OBJECT_WAIT_THREAD] = find_thread(builder, interval->thread)->number;
    add(builder, object->waits, &record, &attribute);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_store_builder *builder = user;
    struct object *object = find_object(builder, interval);
    uint64_t wait_ns = interval->wait_end_ns - interval->wait_begin_ns;
    uint64_t sequence = builder->sequence++;
    struct ct_store_record record = {
        .begin_ns = interval->begin_ns, .end_ns = interval->end_ns, .sequence = sequence};
    struct ct_attribute attribute = {0};
    uint64_t *numbers = attribute.numbers;

    numbers[CT_INTERVAL_OP] = (uint64_t)interval->op;
    numbers[CT_INTERVAL_CLASS] = (uint64_t)interval->class;
    numbers[CT_INTERVAL_FLAGS] = (interval->is_open ? CT_INTERVAL_IS_OPEN : 0U) |
                                 (interval->is_outside ? CT_INTERVAL_IS_OUTSIDE : 0U) |
                                 (interval->is_for_lock ? CT_INTERVAL_IS_FOR_LOCK : 0U) |
                                 (interval->previous_end_ns ? CT_INTERVAL_HAS_PREVIOUS : 0U);
    numbers[CT_INTERVAL_OBJECT] = interval->object;
    numbers[CT_INTERVAL_STACK] = interval->stack_id;
    numbers[CT_INTERVAL_OWNER] = zigzag_of(interval->owner_tid);
    attribute.strings[CT_INTERVAL_CALL_NAME] = interval->call_name;
    attribute.strings[CT_INTERVAL_INSTEAD] = interval->preempted_by;
    record.loose[CT_INTERVAL_LEAD] = interval->begin_ns - interval->wait_begin_ns;
    record.loose[CT_INTERVAL_TAIL] = interval->wait_end_ns - interval->end_ns;
    if (interval->previous_end_ns)
        record.loose[CT_INTERVAL_PREVIOUS] = interval->begin_ns - interval->previous_end_ns;
    record.loose[CT_INTERVAL_RESULT] = zigzag_of(interval->result);
    set_weight(interval->weight, wait_ns, &attribute, &record);
    set_waker(builder, interval, &attribute, &record);
    set_releases(builder, interval, object, &attribute, &record);
    if (interval->fd)
        set_fd(interval->fd, &attribute);
    add(builder, thread_lane(builder, find_thread(builder, interval->thread), CT_LANE_INTERVALS),
        &record, &attribute);
    if (interval->waker)
        add_wake(builder, interval, sequence);
    if (object)
        add_object_wait(builder, object, interval, sequence);
}

/* ---- Runs and samples ---- */

static void on_run(void *user, const struct ct_run *run)
{
    struct ct_store_builder *builder = user;
    struct thread *thread = find_thread(builder, run->thread);
    struct ct_store_record record = {
        .begin_ns = run->begin_ns, .end_ns = run->end_ns, .sequence = builder->sequence++};
    struct ct_attribute attribute = {.numbers = {[CT_RUN_CPU] = run->cpu}};

    add(builder, thread_lane(builder, thread, CT_LANE_RUNS), &record, &attribute);
    attribute.numbers[CT_CPU_RUN_THREAD] = thread->number;
    add(builder, cpu_lane(builder, run->cpu), &record, &attribute);
}

static void on_sample(void *user, const struct ct_sample *sample)
{
    struct ct_store_builder *builder = user;
    struct ct_store_record record = {
        .begin_ns = sample->time_ns, .end_ns = sample->time_ns, .sequence = builder->sequence++};
    struct ct_attribute attribute = {0};

    attribute.numbers[CT_SAMPLE_STACK] = sample->stack_id;
    attribute.numbers[CT_SAMPLE_FLAGS] = (sample->in_kernel ? CT_SAMPLE_IN_KERNEL : 0U) |
                                         (sample->is_partial ? CT_SAMPLE_IS_PARTIAL : 0U);
    attribute.numbers[CT_SAMPLE_PERIOD] = sample->period_ns;
    add(builder, thread_lane(builder, find_thread(builder, sample->thread), CT_LANE_SAMPLES),
        &record, &attribute);
}

struct ct_sink ct_store_builder_sink(struct ct_store_builder *builder)
{
    return (struct ct_sink){
        .user = builder, .on_interval = on_interval, .on_run = on_run, .on_sample = on_sample};
}

/* ---- The end ---- */

static struct ct_store_piece put_piece(struct ct_store_out *out, const struct ct_bytes *bytes)
{
    struct ct_store_piece piece = {
        .offset = out->offset,
        .size = bytes->size,
        .checksum = ct_store_checksum(bytes->bytes, bytes->size),
    };

    ct_store_out_put(out, bytes->bytes, bytes->size);
    return piece;
}

static void put_objects(const struct ct_store_builder *builder, const struct ct_model *model,
                        struct ct_bytes *directory)
{
    g_autoptr(GHashTable) processes = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < model->all_processes->len; i++)
        g_hash_table_insert(processes, model->all_processes->pdata[i], GUINT_TO_POINTER(i));
    ct_bytes_put(directory, builder->object_list->len);
    for (guint i = 0; i < builder->object_list->len; i++) {
        const struct object *object = builder->object_list->pdata[i];

        ct_bytes_put(directory, GPOINTER_TO_UINT(g_hash_table_lookup(processes, object->process)));
        ct_bytes_put(directory, (uint64_t)object->kind);
        ct_bytes_put(directory, object->id);
    }
}

static struct ct_store_piece put_lanes(struct ct_store_builder *builder,
                                       const struct ct_model *model)
{
    struct ct_tree_writer tree;
    struct ct_bytes directory = {0};

    ct_tree_writer_init(&tree, &builder->files.out);
    tree.activity = model->activity;
    put_objects(builder, model, &directory);
    ct_bytes_put(&directory, builder->lanes->len);
    for (guint i = 0; i < builder->lanes->len; i++) {
        struct ct_lane_writer *lane = builder->lanes->pdata[i];
        struct ct_entry root = ct_lane_writer_finish(lane, &builder->files, &tree);

        ct_bytes_put(&directory, (uint64_t)lane->kind);
        ct_bytes_put(&directory, lane->subject);
        ct_entry_write(&root, &directory);
    }
    struct ct_store_piece piece = put_piece(&builder->files.out, &directory);

    ct_bytes_clear(&directory);
    ct_tree_writer_clear(&tree);
    return piece;
}

static struct ct_store_piece put_model(struct ct_store_builder *builder,
                                       const struct ct_model *model)
{
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
    struct ct_bytes bytes = {0};

    for (guint i = 0; i < model->all_threads->len; i++) {
        const struct ct_thread *thread = model->all_threads->pdata[i];

        g_hash_table_insert(numbers, (void *)thread,
                            GUINT_TO_POINTER(find_thread(builder, thread)->number));
    }
    ct_model_section_write(model, numbers, &bytes);
    struct ct_store_piece piece = put_piece(&builder->files.out, &bytes);

    ct_bytes_clear(&bytes);
    return piece;
}

static gboolean put_header(struct ct_store_builder *builder, struct ct_store_header *header)
{
    struct ct_store_out begin = {.fd = builder->files.out.fd};

    header->checksum = ct_store_checksum(header, sizeof(*header));
    ct_store_out_put(&begin, header, sizeof(*header));
    gboolean is_put = ct_store_out_flush(&begin);

    builder->files.out.error = begin.error;
    ct_store_out_clear(&begin);
    return is_put;
}

gboolean ct_store_builder_finish(struct ct_store_builder *builder, const struct ct_model *model,
                                 const uint8_t key[CT_STORE_KEY_SIZE], GError **error)
{
    struct ct_store_header header = {.magic = CT_STORE_MAGIC, .version = CT_STORE_VERSION};

    memcpy(header.key, key, sizeof(header.key));
    header.record_count = builder->sequence;
    header.model = put_model(builder, model);
    header.directory = put_lanes(builder, model);
    /* Whole only once it has its header. */
    if (ct_store_out_flush(&builder->files.out) && builder->files.aside.error == 0 &&
        put_header(builder, &header))
        return TRUE;
    int number = builder->files.out.error ? builder->files.out.error : builder->files.aside.error;

    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number),
                "cannot write what was read of the recording: %s", g_strerror(number));
    return FALSE;
}
