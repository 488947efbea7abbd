#include "store/lanes.h"

#include "store/model_section.h"

#include <string.h>
#include <sys/stat.h>

static gboolean refuse(GError **error)
{
    g_set_error(error, CT_STORE_ERROR, CT_STORE_ERROR_OTHER,
                "what was kept of an earlier reading is of another recording or ctrace");
    return FALSE;
}

/* ---- The pieces of the file ---- */

static gboolean read_header(int fd, const uint8_t *key, struct ct_store_header *header,
                            GError **error)
{
    if (!ct_store_read_at(fd, header, sizeof(*header), 0) ||
        memcmp(header->magic, CT_STORE_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != CT_STORE_VERSION)
        return refuse(error);
    uint32_t checksum = header->checksum;

    header->checksum = 0;
    if (ct_store_checksum(header, sizeof(*header)) != checksum)
        return ct_store_fail(error);
    return !key || memcmp(header->key, key, sizeof(header->key)) == 0 || refuse(error);
}

static uint64_t size_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

/* NULL: it is not what was written. Free it with g_free(). */
static uint8_t *read_piece(const struct ct_store *store, const struct ct_store_piece *piece)
{
    int fd = store->fd;

    if (piece->offset > store->size || piece->size > store->size - piece->offset)
        return NULL;
    g_autofree uint8_t *bytes = g_malloc(piece->size + 1);

    if (!ct_store_read_at(fd, bytes, piece->size, piece->offset) ||
        ct_store_checksum(bytes, piece->size) != piece->checksum)
        return NULL;
    return g_steal_pointer(&bytes);
}

static void take_objects(struct ct_store *store, struct ct_bytes_input *input)
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        uint64_t process = ct_bytes_take(input);
        uint64_t kind = ct_bytes_take(input);
        struct ct_store_object object = {.id = ct_bytes_take(input)};

        if (process >= store->processes->len || kind >= CT_OBJECT_COUNT) {
            input->is_bad = TRUE;
            return;
        }
        object.process = store->processes->pdata[process];
        object.kind = (enum ct_object)kind;
        g_array_append_val(store->objects, object);
    }
}

static int compare_cpus(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return (first > second) - (first < second);
}

static void take_lanes(struct ct_store *store, struct ct_bytes_input *input)
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        uint64_t kind = ct_bytes_take(input);
        struct ct_store_lane lane = {.subject = ct_bytes_take(input)};

        ct_entry_read(&lane.root, input);
        if (kind >= CT_LANE_KIND_COUNT || lane.subject > UINT32_MAX) {
            input->is_bad = TRUE;
            return;
        }
        lane.kind = (enum ct_lane_kind)kind;
        g_array_append_val(store->lanes, lane);
        g_hash_table_insert(store->by_subject[kind], GUINT_TO_POINTER((guint)lane.subject),
                            GUINT_TO_POINTER(store->lanes->len));
        if (lane.kind == CT_LANE_CPU_RUNS) {
            uint32_t cpu = (uint32_t)lane.subject;

            g_array_append_val(store->cpus, cpu);
        }
    }
    g_array_sort(store->cpus, compare_cpus);
}

static gboolean read_model(struct ct_store *store, const struct ct_store_piece *piece)
{
    g_autofree uint8_t *bytes = read_piece(store, piece);
    struct ct_bytes_input input = {bytes, bytes ? bytes + piece->size : NULL, FALSE};

    return bytes && ct_model_section_read(store->model, &input, store->processes);
}

static gboolean read_directory(struct ct_store *store, const struct ct_store_piece *piece)
{
    g_autofree uint8_t *bytes = read_piece(store, piece);
    struct ct_bytes_input input = {bytes, bytes ? bytes + piece->size : NULL, bytes == NULL};

    take_objects(store, &input);
    take_lanes(store, &input);
    return !input.is_bad && input.at == input.end;
}

struct ct_store *ct_store_open(int fd, const uint8_t key[CT_STORE_KEY_SIZE], struct ct_model *model,
                               GError **error)
{
    struct ct_store_header header;

    if (!read_header(fd, key, &header, error))
        return NULL;
    g_autoptr(ct_store) store = g_new0(struct ct_store, 1);

    store->fd = fd;
    store->size = size_of(fd);
    store->model = model;
    store->record_count = header.record_count;
    store->processes = g_ptr_array_new();
    store->lanes = g_array_new(FALSE, FALSE, sizeof(struct ct_store_lane));
    store->objects = g_array_new(FALSE, FALSE, sizeof(struct ct_store_object));
    store->cpus = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    store->releases = ct_release_cache_new();
    for (size_t kind = 0; kind < CT_LANE_KIND_COUNT; kind++)
        store->by_subject[kind] = g_hash_table_new(NULL, NULL);
    if (read_model(store, &header.model) && read_directory(store, &header.directory))
        return g_steal_pointer(&store);
    ct_store_fail(error);
    return NULL;
}

void ct_store_step(const struct ct_store *store)
{
    ct_activity_step(store->model->activity);
}

void ct_store_free(struct ct_store *store)
{
    if (!store)
        return;
    g_ptr_array_unref(store->processes);
    g_array_unref(store->lanes);
    g_array_unref(store->objects);
    g_array_unref(store->cpus);
    ct_release_cache_free(store->releases);
    for (size_t kind = 0; kind < CT_LANE_KIND_COUNT; kind++)
        g_hash_table_unref(store->by_subject[kind]);
    g_free(store);
}

/* ---- What is in it ---- */

uint64_t ct_store_record_count(const struct ct_store *store)
{
    return store->record_count;
}

guint ct_store_object_count(const struct ct_store *store)
{
    return store->objects->len;
}

const struct ct_store_object *ct_store_object(const struct ct_store *store, guint index)
{
    return &g_array_index(store->objects, struct ct_store_object, index);
}

const GArray *ct_store_cpus(const struct ct_store *store)
{
    return store->cpus;
}
