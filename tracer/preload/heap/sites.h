/* Places, sizes and rates of blocks, on the board. */
#ifndef CTRACE_PRELOAD_HEAP_SITES_H
#define CTRACE_PRELOAD_HEAP_SITES_H

#include "preload/core/board.h"

#include <stdbool.h>

#define CT_HEAP_NO_SITE UINT32_MAX

/* The index of the site, which is made if need be; CT_HEAP_NO_SITE: there is no room. */
uint32_t ct_heap_site_of(uint32_t stack, uint64_t size, uint32_t shift);

/* Of an index that was given. */
struct ct_board_heap_site *ct_heap_site_at(uint32_t site);

#endif
