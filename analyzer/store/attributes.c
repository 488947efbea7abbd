#include "store/attributes.h"

#include <string.h>

/* Found without a look into the tables; powers of two. */
#define SLOT_COUNT      256
#define TEXT_SLOT_COUNT 64

struct ct_attributes {
    GHashTable *all; /* owned; struct ct_attribute *, owned, as a set */
    const struct ct_attribute *slots[SLOT_COUNT]; /* borrowed from it; by hash, or NULL */
    GStringChunk *texts;                          /* owned */
    const char *text_slots[TEXT_SLOT_COUNT];      /* borrowed from it, or NULL; by the place of
                                                     what was last found there */
};

static guint attribute_hash(const void *data)
{
    const struct ct_attribute *attribute = data;
    uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = 0;

    for (unsigned i = 0; i < CT_NUMBERS_MAX; i++, factor += UINT64_C(0x3c6ef372fe94f82a))
        hash += attribute->numbers[i] * factor;
    for (unsigned i = 0; i < CT_STRINGS_MAX; i++, factor += UINT64_C(0x3c6ef372fe94f82a))
        hash += (uintptr_t)attribute->strings[i] * factor;
    return (guint)(hash >> 32);
}

static gboolean attribute_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ct_attribute)) == 0;
}

struct ct_attributes *ct_attributes_new(void)
{
    struct ct_attributes *attributes = g_new0(struct ct_attributes, 1);

    attributes->all = g_hash_table_new_full(attribute_hash, attribute_equal, g_free, NULL);
    attributes->texts = g_string_chunk_new(4096);
    return attributes;
}

void ct_attributes_free(struct ct_attributes *attributes)
{
    g_hash_table_unref(attributes->all);
    g_string_chunk_free(attributes->texts);
    g_free(attributes);
}

guint ct_attributes_count(const struct ct_attributes *attributes)
{
    return g_hash_table_size(attributes->all);
}

static const char *keep_text(struct ct_attributes *attributes, const char *text)
{
    uint64_t mixed = (uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15);
    const char **slot = &attributes->text_slots[(mixed >> 32) % TEXT_SLOT_COUNT];

    if (!*slot || strcmp(*slot, text) != 0)
        *slot = g_string_chunk_insert_const(attributes->texts, text);
    return *slot;
}

const struct ct_attribute *ct_attributes_keep(struct ct_attributes *attributes,
                                              const struct ct_attribute *attribute)
{
    struct ct_attribute kept = *attribute;

    for (unsigned i = 0; i < CT_STRINGS_MAX; i++)
        if (kept.strings[i])
            kept.strings[i] = keep_text(attributes, kept.strings[i]);
    const struct ct_attribute **slot = &attributes->slots[attribute_hash(&kept) % SLOT_COUNT];

    if (*slot && attribute_equal(*slot, &kept))
        return *slot;
    struct ct_attribute *found = g_hash_table_lookup(attributes->all, &kept);

    if (!found) {
        found = g_new(struct ct_attribute, 1);
        *found = kept;
        g_hash_table_add(attributes->all, found);
    }
    return *slot = found;
}

/* Strings by what they say. */
static gboolean is_same(const struct ct_attribute *a, const struct ct_attribute *b)
{
    if (memcmp(a->numbers, b->numbers, sizeof(a->numbers)) != 0)
        return FALSE;
    for (unsigned i = 0; i < CT_STRINGS_MAX; i++)
        if (a->strings[i] != b->strings[i] &&
            (!a->strings[i] || !b->strings[i] || strcmp(a->strings[i], b->strings[i]) != 0))
            return FALSE;
    return TRUE;
}

const struct ct_attribute *ct_attributes_keep_recent(struct ct_attributes *attributes,
                                                     const struct ct_attribute *recent[2],
                                                     const struct ct_attribute *attribute)
{
    if (recent[0] && is_same(recent[0], attribute))
        return recent[0];
    const struct ct_attribute *found = recent[1] && is_same(recent[1], attribute)
                                           ? recent[1]
                                           : ct_attributes_keep(attributes, attribute);

    recent[1] = recent[0];
    return recent[0] = found;
}

void ct_attributes_clear(struct ct_attributes *attributes)
{
    g_hash_table_remove_all(attributes->all);
    g_string_chunk_clear(attributes->texts);
    memset(attributes->slots, 0, sizeof(attributes->slots));
    memset(attributes->text_slots, 0, sizeof(attributes->text_slots));
}
