/*
 * The probes otel_memory:alloc(address, size, weighted bytes) and otel_memory:free(address), for
 * profilers that look for them: a nop each, and a note in the library that says where it is and in
 * which registers its arguments are, as <sys/sdt.h> would have it.
 */
#ifndef CTRACE_PRELOAD_HEAP_HOOKS_PROBES_H
#define CTRACE_PRELOAD_HEAP_HOOKS_PROBES_H

#include <stdint.h>

/* Who reads notes finds by it how far a library was moved (prelink). */
__asm__(".pushsection .stapsdt.base, \"a\", \"progbits\"\n"
        "_.stapsdt.base: .space 1\n"
        ".size _.stapsdt.base, 1\n"
        ".popsection\n");

#define CT_PROBE(name, arguments, ...)                              \
    __asm__ volatile("990: nop\n"                                   \
                     ".pushsection .note.stapsdt, \"\", \"note\"\n" \
                     ".balign 4\n"                                  \
                     ".4byte 992f - 991f, 994f - 993f, 3\n"         \
                     "991: .asciz \"stapsdt\"\n"                    \
                     "992: .balign 4\n"                             \
                     "993: .8byte 990b, _.stapsdt.base, 0\n"        \
                     ".asciz \"otel_memory\"\n"                     \
                     ".asciz \"" name "\"\n"                        \
                     ".asciz \"" arguments "\"\n"                   \
                     "994: .balign 4\n"                             \
                     ".popsection\n" ::__VA_ARGS__)

static inline void ct_probe_alloc(uint64_t address, uint64_t size, uint64_t weighted_bytes)
{
    CT_PROBE("alloc", "8@%0 8@%1 8@%2", "r"(address), "r"(size), "r"(weighted_bytes));
}

static inline void ct_probe_free(uint64_t address)
{
    CT_PROBE("free", "8@%0", "r"(address));
}

#endif
