#include "symbols/function_ranges.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <string.h>

struct range {
    uint64_t begin;
    uint64_t end;
};

struct ct_function_ranges {
    GArray *ranges; /* owned; struct range, by begin */
};

/* The section that is read, and how it tells addresses. */
struct table {
    const uint8_t *bytes;
    size_t size;
    uint64_t address;    /* where it is mapped */
    uint64_t cie_offset; /* of the entry whose encoding is known; UINT64_MAX: none yet */
    uint8_t encoding;    /* DW_EH_PE_..., of addresses in the entries that refer to that one */
};

/* How many bytes a number of this encoding has; 0: none that compilers make for addresses. */
static size_t width_of(uint8_t encoding)
{
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return 8;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
        return 4;
    default:
        return 0;
    }
}

/* FALSE where it ends before, or is encoded in a way that is not known. */
static gboolean read_number(const uint8_t *at, const uint8_t *end, uint8_t encoding,
                            uint64_t *number)
{
    size_t width = width_of(encoding);
    uint32_t narrow;

    if (width == 0 || (size_t)(end - at) < width)
        return FALSE;
    if (width == 8) {
        memcpy(number, at, sizeof *number);
        return TRUE;
    }
    memcpy(&narrow, at, sizeof narrow);
    *number = encoding & DW_EH_PE_signed ? (uint64_t)(int64_t)(int32_t)narrow : narrow;
    return TRUE;
}

/* The encoding of the addresses stands behind an R in the augmentation. */
static uint8_t find_encoding(const Dwarf_CIE *cie)
{
    const uint8_t *data = cie->augmentation_data;
    const uint8_t *end = data ? data + cie->augmentation_data_size : NULL;

    if (cie->augmentation[0] != 'z')
        return DW_EH_PE_absptr;
    for (const char *letter = cie->augmentation + 1; *letter && data && data < end; letter++) {
        switch (*letter) {
        case 'R':
            return *data;
        case 'L':
            data++;
            break;
        case 'P':
            if (width_of(*data) == 0)
                return DW_EH_PE_omit;
            data += 1 + width_of(*data);
            break;
        case 'S':
        case 'B':
            break;
        default:
            return DW_EH_PE_omit;
        }
    }
    return DW_EH_PE_absptr;
}

static gboolean know_encoding(struct table *table, const unsigned char *ident, Elf_Data *data,
                              uint64_t cie_offset)
{
    Dwarf_CFI_Entry entry;
    Dwarf_Off next;

    if (table->cie_offset == cie_offset)
        return TRUE;
    if (cie_offset >= table->size ||
        dwarf_next_cfi(ident, data, true, (Dwarf_Off)cie_offset, &next, &entry) != 0 ||
        !dwarf_cfi_cie_p(&entry))
        return FALSE;
    table->cie_offset = cie_offset;
    table->encoding = find_encoding(&entry.cie);
    return TRUE;
}

static void add_range(struct ct_function_ranges *ranges, const struct table *table,
                      const Dwarf_FDE *fde)
{
    const uint8_t *at = fde->start, *end = fde->end;
    uint8_t base = table->encoding & 0x70;
    uint64_t begin, size;

    if (table->encoding == DW_EH_PE_omit || table->encoding & DW_EH_PE_indirect ||
        (base != DW_EH_PE_absptr && base != DW_EH_PE_pcrel) || at < table->bytes ||
        end > table->bytes + table->size || at > end ||
        !read_number(at, end, table->encoding, &begin) ||
        !read_number(at + width_of(table->encoding), end,
                     table->encoding & 0x0f & (uint8_t)~DW_EH_PE_signed, &size))
        return;
    if (base == DW_EH_PE_pcrel)
        begin += table->address + (uint64_t)(at - table->bytes);
    struct range range = {begin, begin + size};
    if (range.begin < range.end)
        g_array_append_val(ranges->ranges, range);
}

static void read_table(struct ct_function_ranges *ranges, const unsigned char *ident,
                       Elf_Data *data, uint64_t address)
{
    struct table table = {
        .bytes = data->d_buf, .size = data->d_size, .address = address, .cie_offset = UINT64_MAX};
    Dwarf_CFI_Entry entry;
    Dwarf_Off offset = 0, next;
    int status;

    /* 1: an entry that ends a table, or one that cannot be read; the next stands behind it. */
    while ((status = dwarf_next_cfi(ident, data, true, offset, &next, &entry)) >= 0 &&
           next != (Dwarf_Off)-1 && next > offset) {
        if (status == 0 && !dwarf_cfi_cie_p(&entry) &&
            know_encoding(&table, ident, data, entry.fde.CIE_pointer))
            add_range(ranges, &table, &entry.fde);
        offset = next;
    }
}

static int compare(const void *left, const void *right)
{
    const struct range *a = left, *b = right;

    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

struct ct_function_ranges *ct_function_ranges_new(Elf *elf)
{
    struct ct_function_ranges *ranges = g_new0(struct ct_function_ranges, 1);
    const unsigned char *ident = (const unsigned char *)elf_getident(elf, NULL);
    Elf_Scn *section = NULL;
    size_t names;

    ranges->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
    if (!ident || ident[EI_CLASS] != ELFCLASS64 || elf_getshdrstrndx(elf, &names) != 0)
        return ranges;
    while ((section = elf_nextscn(elf, section))) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        Elf_Data *data = name && header.sh_type != SHT_NOBITS && strcmp(name, ".eh_frame") == 0
                             ? elf_rawdata(section, NULL)
                             : NULL;

        if (data && data->d_buf)
            read_table(ranges, ident, data, header.sh_addr);
    }
    g_array_sort(ranges->ranges, compare);
    return ranges;
}

void ct_function_ranges_free(struct ct_function_ranges *ranges)
{
    if (!ranges)
        return;
    g_array_unref(ranges->ranges);
    g_free(ranges);
}

gboolean ct_function_ranges_find(const struct ct_function_ranges *ranges, uint64_t address,
                                 uint64_t *begin)
{
    guint low = 0, high = ranges->ranges->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(ranges->ranges, struct range, middle).begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= g_array_index(ranges->ranges, struct range, low - 1).end)
        return FALSE;
    *begin = g_array_index(ranges->ranges, struct range, low - 1).begin;
    return TRUE;
}
