/*
 * Where the functions of an ELF file begin and end, by its unwind tables (.eh_frame), which a
 * stripped file has, too. As the Linux Standard Base describes them.
 */
#ifndef CTRACE_FUNCTION_RANGES_H
#define CTRACE_FUNCTION_RANGES_H

#include <glib.h>
#include <libelf.h>
#include <stdint.h>

struct ct_function_ranges;

/* `elf` is borrowed during the call only. Without tables there are no functions. */
struct ct_function_ranges *ct_function_ranges_new(Elf *elf);
void ct_function_ranges_free(struct ct_function_ranges *ranges);

/* In addresses of the file. FALSE if `address` is in no function. */
gboolean ct_function_ranges_find(const struct ct_function_ranges *ranges, uint64_t address,
                                 uint64_t *begin);

#endif
