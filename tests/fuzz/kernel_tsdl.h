/* The CTF metadata of a kernel layer: its events and some system calls, as the converter has them
 * written. */
#ifndef CTRACE_FUZZ_KERNEL_TSDL_H
#define CTRACE_FUZZ_KERNEL_TSDL_H

#include "schema/kernel_events.h"

/* So many of an entry's arguments are written. */
#define KERNEL_TSDL_ARGUMENTS 3

/* Metadata as text; free with g_free(). */
char *kernel_tsdl_metadata(void);

/* The number of the record's event: of system calls, some stand for all. */
uint32_t kernel_tsdl_id(const struct ct_kernel_record *record);

#endif
