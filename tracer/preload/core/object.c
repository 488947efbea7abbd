#include "object.h"

#include <stddef.h>

void ct_object_find_range(const struct dl_phdr_info *info, uint64_t *begin, uint64_t *end)
{
    *begin = UINT64_MAX;
    *end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        if (segment->p_vaddr < *begin)
            *begin = segment->p_vaddr;
        if (segment->p_vaddr + segment->p_memsz > *end)
            *end = segment->p_vaddr + segment->p_memsz;
    }
}

static int find_object(struct dl_phdr_info *info, size_t size, void *wanted)
{
    struct ct_object_range *object = wanted;
    uint64_t begin, end;

    (void)size;
    ct_object_find_range(info, &begin, &end);
    begin += info->dlpi_addr;
    end += info->dlpi_addr;
    if (object->address < begin || object->address >= end)
        return 0;
    object->begin = begin;
    object->end = end;
    return 1;
}

struct ct_object_range ct_object_range_around(const void *address)
{
    struct ct_object_range object = {.address = (uint64_t)address};

    dl_iterate_phdr(find_object, &object);
    return object;
}
