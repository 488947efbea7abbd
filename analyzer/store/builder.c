#include "store/builder.h"

#include "store/attributes.h"
#include "store/interval_record.h"
#include "store/lane_writer.h"
#include "store/model_section.h"
#include "store/objects.h"
#include "store/turn_record.h"

#include <string.h>
#include <unistd.h>

/* Records that all lanes hold back together, and attributes. */
#define HELD_MAX       (1U << 18)
#define ATTRIBUTES_MAX (1U << 16)

/* Releases told since all but a few were last forgotten. */
#define RECENT_MAX (1U << 17)

enum { THREAD_LANES = CT_LANE_TURNS + 1 };

struct thread_lanes {
    struct ct_lane_writer *of[THREAD_LANES]; /* borrowed; NULL: nothing yet */
    struct ct_known_intervals known;
};

struct ct_store_builder {
    struct ct_lane_files files;
    GPtrArray *lanes;                          /* owned; struct ct_lane_writer *, owned */
    GArray *threads;                           /* owned; struct thread_lanes, by number */
    GHashTable *cpus;                          /* owned; CPU -> struct ct_lane_writer *, borrowed */
    struct ct_store_objects objects;           /* owned */
    struct ct_releases_writer *other_releases; /* owned; of objects beyond the limit */
    struct ct_attributes *attributes;          /* owned */
    size_t held;                               /* by all lanes */
    uint64_t sequence;
    size_t recent_count; /* releases */
};

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
    builder->threads = g_array_new(FALSE, TRUE, sizeof(struct thread_lanes));
    builder->cpus = g_hash_table_new(NULL, NULL);
    ct_store_objects_init(&builder->objects);
    builder->attributes = ct_attributes_new();
    return builder;
}

void ct_store_builder_free(struct ct_store_builder *builder)
{
    if (!builder)
        return;
    ct_store_out_clear(&builder->files.out);
    ct_store_out_clear(&builder->files.aside);
    g_ptr_array_unref(builder->lanes);
    g_array_unref(builder->threads);
    g_hash_table_unref(builder->cpus);
    ct_store_objects_clear(&builder->objects);
    ct_releases_writer_free(builder->other_releases);
    ct_attributes_free(builder->attributes);
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

static struct thread_lanes *lanes_of(struct ct_store_builder *builder,
                                     const struct ct_thread *thread)
{
    if (thread->number >= builder->threads->len)
        g_array_set_size(builder->threads, thread->number + 1);
    return &g_array_index(builder->threads, struct thread_lanes, thread->number);
}

static struct ct_lane_writer *thread_lane(struct ct_store_builder *builder,
                                          const struct ct_thread *thread, enum ct_lane_kind kind)
{
    struct thread_lanes *lanes = lanes_of(builder, thread);

    if (!lanes->of[kind])
        lanes->of[kind] = new_lane(builder, kind, thread->number);
    return lanes->of[kind];
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

/* NULL: it has no lane. */
static struct ct_store_object *find_object(struct ct_store_builder *builder,
                                           const struct ct_interval *interval)
{
    struct ct_store_object *object = ct_store_objects_find(&builder->objects, interval);

    if (object && !object->waits)
        object->waits = new_lane(builder, CT_LANE_OBJECT_WAITS, builder->objects.list->len - 1);
    return object;
}

/* Attributes go, or texts. */
static void forget_known(void *user)
{
    struct ct_store_builder *builder = user;

    for (guint i = 0; i < builder->threads->len; i++) {
        struct thread_lanes *lanes = &g_array_index(builder->threads, struct thread_lanes, i);

        memset(&lanes->known, 0, sizeof(lanes->known));
    }
}

static void flush_all(struct ct_store_builder *builder)
{
    for (guint i = 0; i < builder->lanes->len; i++)
        ct_lane_writer_flush(builder->lanes->pdata[i], &builder->files);
    builder->held = 0;
    forget_known(builder);
    ct_attributes_clear(builder->attributes);
}

/* The record has its attribute. */
static void put(struct ct_store_builder *builder, struct ct_lane_writer *lane,
                const struct ct_store_record *record)
{
    builder->held += (size_t)ct_lane_writer_add(lane, &builder->files, record);
}

static void make_room(struct ct_store_builder *builder)
{
    if (builder->held >= HELD_MAX || ct_attributes_count(builder->attributes) >= ATTRIBUTES_MAX)
        flush_all(builder);
}

static void add(struct ct_store_builder *builder, struct ct_lane_writer *lane,
                struct ct_store_record *record, const struct ct_attribute *attribute)
{
    make_room(builder);
    record->attribute = ct_attributes_keep_recent(builder->attributes, lane->recent, attribute);
    put(builder, lane, record);
}

/* One of a lane whose records have one number only. */
static void add_numbered(struct ct_store_builder *builder, struct ct_lane_writer *lane,
                         struct ct_store_record *record, uint64_t number)
{
    make_room(builder);
    if (lane->recent[0] && lane->recent[0]->numbers[0] == number) {
        record->attribute = lane->recent[0];
    } else {
        const struct ct_attribute attribute = {.numbers = {number}};

        record->attribute =
            ct_attributes_keep_recent(builder->attributes, lane->recent, &attribute);
    }
    put(builder, lane, record);
}

/* ---- Intervals ---- */

static void forget_releases(struct ct_store_builder *builder)
{
    for (guint i = 0; i < builder->objects.list->len; i++) {
        const struct ct_store_object *object = builder->objects.list->pdata[i];

        if (object->releases)
            ct_releases_writer_forget(object->releases);
    }
    if (builder->other_releases)
        ct_releases_writer_forget(builder->other_releases);
    builder->recent_count = 0;
}

/* Those of one object are told once, however many waited meanwhile. */
static void set_releases(struct ct_store_builder *builder, const struct ct_interval *interval,
                         struct ct_store_object *object, struct ct_attribute *attribute,
                         struct ct_store_record *record)
{
    struct ct_releases_writer **releases = object ? &object->releases : &builder->other_releases;

    if (interval->release_count == 0)
        return;
    if (!*releases) {
        uint64_t number = object ? object->waits->subject : CT_STORE_OBJECTS_MAX;

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

        told.numbers[CT_RELEASE_THREAD] = wake->thread->number;
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
    struct ct_store_record record = {
        .begin_ns = interval->wake_ns, .end_ns = interval->wake_ns, .sequence = sequence};

    record.loose[CT_WAKE_INTERVAL] = ct_zigzag(interval->wake_ns - interval->begin_ns);
    add_numbered(builder, thread_lane(builder, interval->waker, CT_LANE_WAKES), &record,
                 interval->thread->number);
}

static void add_object_wait(struct ct_store_builder *builder, const struct ct_store_object *object,
                            const struct ct_interval *interval, uint64_t sequence)
{
    struct ct_store_record record = {
        .begin_ns = interval->begin_ns, .end_ns = interval->end_ns, .sequence = sequence};

    add_numbered(builder, object->waits, &record, interval->thread->number);
}

/* One of another kind than its thread's last ones. */
static void set_unknown(struct ct_store_builder *builder, const struct ct_interval *interval,
                        struct ct_store_object *object, struct ct_lane_writer *lane,
                        struct ct_store_record *record)
{
    struct ct_attribute attribute = {0};

    ct_interval_record_set(interval, record, &attribute);
    set_releases(builder, interval, object, &attribute, record);
    make_room(builder);
    record->attribute = ct_attributes_keep_recent(builder->attributes, lane->recent, &attribute);
    ct_known_intervals_add(&lanes_of(builder, interval->thread)->known, interval,
                           record->attribute);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_store_builder *builder = user;
    struct ct_store_object *object = find_object(builder, interval);
    struct ct_lane_writer *lane = thread_lane(builder, interval->thread, CT_LANE_INTERVALS);
    uint64_t sequence = builder->sequence++;
    struct ct_store_record record = {.sequence = sequence};

    make_room(builder);
    record.attribute =
        ct_known_intervals_find(&lanes_of(builder, interval->thread)->known, interval, &record);
    if (!record.attribute)
        set_unknown(builder, interval, object, lane, &record);
    put(builder, lane, &record);
    if (interval->waker)
        add_wake(builder, interval, sequence);
    if (object)
        add_object_wait(builder, object, interval, sequence);
}

/* ---- Runs and samples ---- */

static void on_run(void *user, const struct ct_run *run)
{
    struct ct_store_builder *builder = user;
    struct ct_store_record record = {
        .begin_ns = run->begin_ns, .end_ns = run->end_ns, .sequence = builder->sequence++};

    add_numbered(builder, thread_lane(builder, run->thread, CT_LANE_RUNS), &record, run->cpu);
    add_numbered(builder, cpu_lane(builder, run->cpu), &record, run->thread->number);
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
    add(builder, thread_lane(builder, sample->thread, CT_LANE_SAMPLES), &record, &attribute);
}

static void on_turn(void *user, const struct ct_turn *turn)
{
    struct ct_store_builder *builder = user;
    struct ct_store_record record = {.sequence = builder->sequence++};
    struct ct_attribute attribute = {0};

    ct_turn_record_set(turn, &record, &attribute);
    add(builder, thread_lane(builder, turn->thread, CT_LANE_TURNS), &record, &attribute);
}

struct ct_sink ct_store_builder_sink(struct ct_store_builder *builder)
{
    return (struct ct_sink){
        .user = builder,
        .on_interval = on_interval,
        .on_run = on_run,
        .on_sample = on_sample,
        .on_turn = on_turn,
        .on_flush = forget_known,
    };
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
    ct_bytes_put(directory, builder->objects.list->len);
    for (guint i = 0; i < builder->objects.list->len; i++) {
        const struct ct_store_object *object = builder->objects.list->pdata[i];

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
    struct ct_bytes bytes = {0};

    ct_model_section_write(model, &bytes);
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
