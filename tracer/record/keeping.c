#include "keeping.h"

#include "options/quantity.h"

#include <string.h>

/* So many looks later, what it grew by at one of them counts for a third. */
#define GROWTH_MEMORY 16

/* By age, no more than these: parts that size asks for come on top, and not all would be told of.
 */
#define TIMED_PARTS 7

/* At the next look a part can have begun, after which an older one can go. */
#define TOO_LARGE_LOOKS 10

static const struct ct_kept_part *part_at(const struct ct_keeping *keeping, guint index)
{
    return &g_array_index(keeping->parts, struct ct_kept_part, index);
}

uint64_t ct_keeping_part_size(uint64_t max_size)
{
    return MAX(max_size / CT_KEPT_PARTS, CT_KEPT_PART_MIN);
}

void ct_keeping_init(struct ct_keeping *keeping, uint64_t max_size, uint64_t keep_ns)
{
    const struct ct_kept_part first = {0};

    *keeping = (struct ct_keeping){
        .max_size = max_size,
        .part_size = ct_keeping_part_size(max_size),
        .keep_ns = keep_ns,
        .parts = g_array_new(FALSE, FALSE, sizeof(struct ct_kept_part)),
    };
    ct_keeping_add(keeping, &first);
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
    const struct ct_kept_part *newest = ct_keeping_newest(keeping);
    const uint64_t written = keeping->bytes_dropped + size;
    const uint64_t restated = newest->before.restated_bytes;
    const uint64_t half = MAX(keeping->max_size / 2, keeping->part_size);

    return written >=
           newest->bytes_before + MAX(MIN(restated + keeping->part_size, half), 2 * restated);
}

gboolean ct_keeping_is_due(const struct ct_keeping *keeping, uint64_t begin_ns, uint64_t now_ns)
{
    const struct ct_kept_part *newest = ct_keeping_newest(keeping);
    const uint64_t since_ns = newest->number > 0 ? newest->begin_ns : begin_ns;

    return keeping->keep_ns != 0 && keeping->parts->len < TIMED_PARTS &&
           now_ns >= since_ns + keeping->keep_ns / CT_KEPT_AGES;
}

guint ct_keeping_outlived(const struct ct_keeping *keeping, uint64_t now_ns)
{
    guint count = 0;

    if (keeping->keep_ns == 0 || now_ns < keeping->keep_ns)
        return 0;
    while (count + 1 < keeping->parts->len &&
           part_at(keeping, count + 1)->begin_ns <= now_ns - keeping->keep_ns)
        count++;
    return count;
}

void ct_keeping_add(struct ct_keeping *keeping, const struct ct_kept_part *part)
{
    g_array_append_val(keeping->parts, *part);
}

/* By more than a part that begins, if there is room for parts. */
static gboolean is_far_too_large(const struct ct_keeping *keeping)
{
    const uint64_t restated = ct_keeping_newest(keeping)->before.restated_bytes;

    return keeping->size >
           keeping->max_size + CLAMP(2 * restated, keeping->max_size / 2, keeping->max_size);
}

void ct_keeping_look(struct ct_keeping *keeping, uint64_t size)
{
    uint64_t growth = size > keeping->size ? size - keeping->size : 0;

    keeping->size = size;
    keeping->growth = MAX(growth, keeping->growth - keeping->growth / GROWTH_MEMORY);
    keeping->looks_too_large = is_far_too_large(keeping) ? keeping->looks_too_large + 1 : 0;
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
    guint needed = count_beyond(keeping, max_size + keeping->part_size);
    guint expected = count_beyond(keeping, max_size - MIN(keeping->growth, max_size));

    return MIN(MAX(needed, MIN(expected, last > 0 ? last - 1 : 0)), last);
}

gboolean ct_keeping_has_failed(const struct ct_keeping *keeping)
{
    return keeping->looks_too_large >= TOO_LARGE_LOOKS;
}

gboolean ct_keeping_is_too_small(const struct ct_keeping *keeping)
{
    return ct_keeping_newest(keeping)->before.restated_bytes > keeping->max_size / 3;
}

void ct_keeping_drop(struct ct_keeping *keeping, guint count)
{
    g_array_remove_range(keeping->parts, 0, count);
}

void ct_keeping_shrink(struct ct_keeping *keeping, uint64_t size)
{
    keeping->bytes_dropped += keeping->size - MIN(size, keeping->size);
    keeping->size = size;
}

gboolean ct_keeping_check(const char *keep, uint64_t max_size, gboolean *keeps_newest,
                          uint64_t *keep_ns, GError **error)
{
    *keep_ns = 0;
    *keeps_newest =
        g_strcmp0(keep, "newest") == 0 ||
        (keep != NULL && ct_quantity_parse_time(keep, keep_ns) && *keep_ns >= CT_KEPT_NS_MIN);
    if (keep == NULL || strcmp(keep, "oldest") == 0)
        return TRUE;
    if (!*keeps_newest)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--keep=%s: give oldest, newest, or a time of a second or more, such as 30s",
                    keep);
    else if (max_size == 0)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--keep=%s: say how much is to be kept, as with --max-size=500M", keep);
    else if (max_size < CT_KEPT_SIZE_MIN)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--max-size=%.1fM is too small for --keep=%s: the oldest part of at least "
                    "%.0f MB is dropped for the next, so give at least %.0fM",
                    (double)max_size / 1e6, keep, (double)CT_KEPT_PART_MIN / 1e6,
                    (double)CT_KEPT_SIZE_MIN / 1e6);
    else
        return TRUE;
    return FALSE;
}
