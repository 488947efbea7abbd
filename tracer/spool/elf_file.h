/* What an ELF file says of where it wants to be mapped, and which build of it this is. */
#ifndef CTRACE_SPOOL_ELF_FILE_H
#define CTRACE_SPOOL_ELF_FILE_H

#include <glib.h>
#include <stdint.h>

struct ct_elf_segment {
    uint64_t file_offset;
    uint64_t address; /* in the file's own terms */
    uint64_t size;    /* in the file */
    uint64_t memory_size;
    gboolean is_executable;
};

struct ct_elf_file {
    uint64_t entry;                  /* where its first code is; 0: none */
    char *build_id;                  /* owned; hexadecimal, "" if it has none */
    struct ct_elf_segment *segments; /* owned; those that are loaded */
    guint segment_count;
};

/* NULL if there is no such file, or it is no ELF file of this machine's byte order. */
struct ct_elf_file *ct_elf_file_read(const char *path);
void ct_elf_file_free(struct ct_elf_file *file);

/* TRUE and what is added to the file's addresses where the code at `file_offset` is mapped at
 * `begin`. */
gboolean ct_elf_file_bias(const struct ct_elf_file *file, uint64_t begin, uint64_t file_offset,
                          uint64_t *bias);

#endif
