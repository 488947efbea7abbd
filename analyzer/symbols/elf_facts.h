/* What an ELF file has for those who name and unwind its code. */
#ifndef CTRACE_SYMBOLS_ELF_FACTS_H
#define CTRACE_SYMBOLS_ELF_FACTS_H

#include <glib.h>

struct ct_elf_facts {
    gboolean has_symbols;       /* of all its functions, not of those alone that it exports */
    gboolean has_unwind_tables; /* .eh_frame, as loaded */
    gboolean has_debug_info;    /* its own */
    gboolean is_go;             /* Go's compiler made it */
    char *build_id;             /* owned; hexadecimal, "" if it has none */
    char **needed;              /* owned; the libraries that it is linked with */
};

/* FALSE: it is no ELF file that can be read. */
gboolean ct_elf_facts_read(const char *path, struct ct_elf_facts *facts);
void ct_elf_facts_clear(struct ct_elf_facts *facts);

#endif
