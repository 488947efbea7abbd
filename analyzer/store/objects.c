#include "store/objects.h"

/* Objects that are found without a look into the table; a power of two. */
#define SLOT_COUNT 256

static guint object_hash(const void *data)
{
    const struct ct_store_object *object = data;
    uint64_t mixed =
        (object->id ^ (uint64_t)object->kind << 58) + ((uintptr_t)object->process >> 4);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean object_equal(const void *a, const void *b)
{
    const struct ct_store_object *first = a, *second = b;

    return first->process == second->process && first->id == second->id &&
           first->kind == second->kind;
}

static void object_free(void *data)
{
    struct ct_store_object *object = data;

    ct_releases_writer_free(object->releases);
    g_free(object);
}

void ct_store_objects_init(struct ct_store_objects *objects)
{
    objects->list = g_ptr_array_new_with_free_func(object_free);
    objects->all = g_hash_table_new(object_hash, object_equal);
    objects->slots = g_new0(struct ct_store_object *, SLOT_COUNT);
}

void ct_store_objects_clear(struct ct_store_objects *objects)
{
    g_hash_table_unref(objects->all);
    g_ptr_array_unref(objects->list);
    g_free(objects->slots);
}

static struct ct_store_object *look_up(struct ct_store_objects *objects,
                                       const struct ct_store_object *key)
{
    struct ct_store_object *object = g_hash_table_lookup(objects->all, key);

    if (object || objects->list->len >= CT_STORE_OBJECTS_MAX)
        return object;
    object = g_memdup2(key, sizeof(*key));
    g_ptr_array_add(objects->list, object);
    g_hash_table_add(objects->all, object);
    return object;
}

struct ct_store_object *ct_store_objects_find(struct ct_store_objects *objects,
                                              const struct ct_interval *interval)
{
    const struct ct_store_object key = {.process = interval->thread->process,
                                        .id = interval->object,
                                        .kind = ct_op_object(interval->op)};
    struct ct_store_object **slot;

    /* A number of descriptors, any child, or a page is nothing that others wait for, too. */
    if (key.kind == CT_OBJECT_NONE || key.kind == CT_OBJECT_FD_SET ||
        key.kind == CT_OBJECT_PROCESS || key.kind == CT_OBJECT_MAPPING)
        return NULL;
    slot = &objects->slots[object_hash(&key) % SLOT_COUNT];
    if (!*slot || !object_equal(*slot, &key))
        *slot = look_up(objects, &key);
    return *slot;
}
