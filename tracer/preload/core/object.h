/* What the loader has mapped of an object's file: what its headers and tables say is held against
 * that before it is read. */
#ifndef CTRACE_PRELOAD_CORE_OBJECT_H
#define CTRACE_PRELOAD_CORE_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct ct_segment {
    const uint8_t *begin, *end;
};

/* FALSE if the address is in none that can be read. */
static inline bool ct_segment_find(const struct dl_phdr_info *info, uint64_t address,
                                   struct ct_segment *segment)
{
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        const uint8_t *begin = (const uint8_t *)info->dlpi_addr + header->p_vaddr;

        if (header->p_type != PT_LOAD || !(header->p_flags & PF_R) ||
            address - (uint64_t)begin >= header->p_filesz)
            continue;
        *segment = (struct ct_segment){begin, begin + header->p_filesz};
        return true;
    }
    return false;
}

/* The range of virtual addresses that the object's segments take, before bias. */
void ct_object_find_range(const struct dl_phdr_info *info, uint64_t *begin, uint64_t *end);

/* An object in memory: the one around `address`; begin is end if there is none. */
struct ct_object_range {
    uint64_t address;
    uint64_t begin, end;
};

struct ct_object_range ct_object_range_around(const void *address);

#endif
