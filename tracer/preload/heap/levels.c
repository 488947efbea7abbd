#include "levels.h"

/* Bits: levels that have memory. */
static _Atomic uint32_t backed[CT_TABLE_COUNT];

bool ct_heap_has_level(enum ct_table table, uint32_t level)
{
    return level < ct_table_layouts[table].parts &&
           (atomic_load_explicit(&backed[table], memory_order_acquire) >> level & 1) != 0;
}

bool ct_heap_open_level(enum ct_table table, uint32_t level)
{
    uint32_t bit = UINT32_C(1) << level;
    uint32_t count;

    if (level >= ct_table_layouts[table].parts)
        return false;
    if (ct_heap_has_level(table, level))
        return true;
    void *begin = ct_table_get(table, ct_heap_level(table, level, &count));
    if (begin == NULL || !ct_memory_back(begin, ct_segment_size(table, level + 1)))
        return false;
    atomic_fetch_or(&backed[table], bit);
    return true;
}

void ct_heap_levels_begin(void)
{
    atomic_store(&backed[CT_TABLE_SITES], 0);
    atomic_store(&backed[CT_TABLE_BLOCKS], 0);
}
