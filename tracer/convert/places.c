#include "places.h"

#include <string.h>

/* So many places are known of whose stacks may stand for others'. */
#define PLACES_MAX (1U << 20)

struct ct_places {
    GHashTable *offsets; /* owned; struct place * -> uint64_t *, both owned */
};

struct place {
    int32_t tid;
    int32_t number;
    uint64_t argument;
    uint64_t instruction;
    uint64_t stack_pointer;
};

static guint place_hash(const void *data)
{
    const struct place *place = data;
    uint64_t mixed = ((uint64_t)(uint32_t)place->tid << 32 | (uint32_t)place->number) * 31;

    mixed = ((mixed + place->argument) * 31 + place->instruction) * 31 + place->stack_pointer;
    return (guint)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static gboolean place_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct place)) == 0;
}

static struct place place_of(const struct ct_off_cpu *off)
{
    return (struct place){.tid = off->task.tid,
                          .number = (int32_t)off->number,
                          .argument = off->arguments[0],
                          .instruction = off->instruction,
                          .stack_pointer = off->stack_pointer};
}

struct ct_places *ct_places_new(void)
{
    struct ct_places *places = g_new0(struct ct_places, 1);

    places->offsets = g_hash_table_new_full(place_hash, place_equal, g_free, g_free);
    return places;
}

void ct_places_free(struct ct_places *places)
{
    g_hash_table_unref(places->offsets);
    g_free(places);
}

void ct_places_note(struct ct_places *places, const struct ct_off_cpu *off, uint64_t offset)
{
    const struct place place = place_of(off);
    uint64_t *known = g_hash_table_lookup(places->offsets, &place);

    if (known != NULL)
        *known = offset;
    else if (g_hash_table_size(places->offsets) < PLACES_MAX)
        g_hash_table_insert(places->offsets, g_memdup2(&place, sizeof(place)),
                            g_memdup2(&offset, sizeof(offset)));
}

gboolean ct_places_find(const struct ct_places *places, const struct ct_off_cpu *off,
                        uint64_t *offset)
{
    const struct place place = place_of(off);
    const uint64_t *known = g_hash_table_lookup(places->offsets, &place);

    if (known != NULL)
        *offset = *known;
    return known != NULL;
}
