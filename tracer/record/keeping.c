#include "keeping.h"

/* So many looks after a part has begun, what is said again in it has gone through all buffers. */
#define SETTLING_LOOKS 15

/* So many looks later, what it grew by at one of them counts for a third. */
#define GROWTH_MEMORY 16

static const struct ct_kept_part *part_at(const struct ct_keeping *keeping, guint index)
{
    return &g_array_index(keeping->parts, struct ct_kept_part, index);
}

void ct_keeping_init(struct ct_keeping *keeping, uint64_t max_size)
{
    const struct ct_kept_part first = {0};

    *keeping = (struct ct_keeping){
        .max_size = max_size,
        .part_size = MAX(max_size / CT_KEPT_PARTS, CT_KEPT_PART_MIN),
        .parts = g_array_new(FALSE, FALSE, sizeof(struct ct_kept_part)),
    };
    ct_keeping_add(keeping, &first);
    keeping->looks = SETTLING_LOOKS; /* nothing is said again in the first one */
}

void ct_keeping_clear(struct ct_keeping *keeping)
{
    if (keeping->parts != NULL)
        g_array_unref(keeping->parts);
}

const struct ct_kept_part *ct_keeping_oldest(const struct ct_keeping *keeping)
{
    return part_at(keeping, 0);
}

const struct ct_kept_part *ct_keeping_newest(const struct ct_keeping *keeping)
{
    return part_at(keeping, keeping->parts->len - 1);
}

gboolean ct_keeping_wants_part(const struct ct_keeping *keeping, uint64_t size)
{
    const uint64_t written = keeping->bytes_dropped + size;
    const uint64_t before = ct_keeping_newest(keeping)->bytes_before;

    return written >= MAX(before, keeping->settled_bytes) + keeping->part_size ||
           written >= before + MAX(keeping->max_size / 2, keeping->part_size);
}

void ct_keeping_add(struct ct_keeping *keeping, const struct ct_kept_part *part)
{
    g_array_append_val(keeping->parts, *part);
    keeping->looks = 0;
}

void ct_keeping_look(struct ct_keeping *keeping, uint64_t size)
{
    uint64_t growth = size > keeping->size ? size - keeping->size : 0;

    if (keeping->looks < SETTLING_LOOKS) {
        keeping->looks++;
        keeping->settled_bytes = keeping->bytes_dropped + size;
    }
    keeping->size = size;
    keeping->growth = MAX(growth, keeping->growth - keeping->growth / GROWTH_MEMORY);
}

/* How many parts are to go so that the rest has no more than so much. */
static guint count_beyond(const struct ct_keeping *keeping, uint64_t size)
{
    const uint64_t written = keeping->bytes_dropped + keeping->size;
    guint count = 0;

    if (keeping->size <= size)
        return 0;
    do
        count++;
    while (count < keeping->parts->len &&
           written - MIN(part_at(keeping, count)->bytes_before, written) > size);
    return count;
}

guint ct_keeping_excess(const struct ct_keeping *keeping)
{
    const uint64_t max_size = keeping->max_size;
    const guint last = keeping->parts->len - 1;
    guint needed = count_beyond(keeping, max_size);
    guint expected = count_beyond(keeping, max_size - MIN(keeping->growth, max_size));

    return MIN(MAX(needed, MIN(expected, last > 0 ? last - 1 : 0)), last);
}

gboolean ct_keeping_has_failed(const struct ct_keeping *keeping)
{
    return keeping->size > keeping->max_size + keeping->max_size / 2;
}

void ct_keeping_drop(struct ct_keeping *keeping, guint count, uint64_t size)
{
    g_array_remove_range(keeping->parts, 0, count);
    keeping->bytes_dropped += keeping->size - MIN(size, keeping->size);
    keeping->size = size;
}
