#include "symbols/elf_facts.h"

#include "files/regular_file.h"

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

/* A program is linked with no more. */
#define NEEDED_MAX 256

static void add_needed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, GStrvBuilder *needed)
{
    Elf_Data *data = elf_getdata(section, NULL);
    guint count = 0;
    GElf_Dyn entry;

    for (int i = 0; data && count < NEEDED_MAX && gelf_getdyn(data, i, &entry); i++) {
        const char *name =
            entry.d_tag == DT_NEEDED ? elf_strptr(elf, header->sh_link, entry.d_un.d_val) : NULL;

        if (entry.d_tag == DT_NULL)
            return;
        if (!name)
            continue;
        g_strv_builder_add(needed, name);
        count++;
    }
}

static void look_at_section(Elf *elf, Elf_Scn *section, size_t names, struct ct_elf_facts *facts,
                            GStrvBuilder *needed)
{
    GElf_Shdr header;
    const char *name;

    if (!gelf_getshdr(section, &header))
        return;
    name = elf_strptr(elf, names, header.sh_name);
    if (header.sh_type == SHT_SYMTAB)
        facts->has_symbols = TRUE;
    if (header.sh_type == SHT_DYNAMIC)
        add_needed(elf, section, &header, needed);
    if (!name)
        return;
    if (strcmp(name, ".eh_frame") == 0 && header.sh_size > sizeof(uint32_t))
        facts->has_unwind_tables = TRUE;
    if (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0)
        facts->has_debug_info = TRUE;
    if (strcmp(name, ".gopclntab") == 0 || strcmp(name, ".note.go.buildid") == 0)
        facts->is_go = TRUE;
}

static char *read_build_id(Elf *elf)
{
    const void *bytes = NULL;
    ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);
    GString *text = g_string_new(NULL);

    for (ssize_t i = 0; i < size; i++)
        g_string_append_printf(text, "%02x", ((const unsigned char *)bytes)[i]);
    return g_string_free(text, FALSE);
}

static gboolean read_elf(Elf *elf, struct ct_elf_facts *facts)
{
    g_autoptr(GStrvBuilder) needed = g_strv_builder_new();
    Elf_Scn *section = NULL;
    size_t names;

    if (elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) != 0)
        return FALSE;
    while ((section = elf_nextscn(elf, section)))
        look_at_section(elf, section, names, facts, needed);
    facts->needed = g_strv_builder_end(needed);
    facts->build_id = read_build_id(elf);
    return TRUE;
}

gboolean ct_elf_facts_read(const char *path, struct ct_elf_facts *facts)
{
    int fd = ct_regular_file_open(path);
    gboolean is_read = FALSE;

    *facts = (struct ct_elf_facts){0};
    elf_version(EV_CURRENT);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;

    if (elf) {
        is_read = read_elf(elf, facts);
        elf_end(elf);
    }
    if (fd >= 0)
        close(fd);
    return is_read;
}

void ct_elf_facts_clear(struct ct_elf_facts *facts)
{
    g_free(facts->build_id);
    g_strfreev(facts->needed);
}
