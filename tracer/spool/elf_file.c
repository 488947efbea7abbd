#include "elf_file.h"

#include "files/regular_file.h"

#include <gelf.h>
#include <string.h>
#include <unistd.h>

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define OWN_BYTE_ORDER ELFDATA2LSB
#else
#define OWN_BYTE_ORDER ELFDATA2MSB
#endif

/* What is longer is no real program's: whatever a file says, it is not to take much memory. */
#define SEGMENTS_MAX 1024U
#define NOTES_MAX    ((size_t)1 << 20)

/* A build id is a hash: what is longer is none. */
#define BUILD_ID_MAX 64U

static char *format_id(const uint8_t *bytes, size_t size)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (size > BUILD_ID_MAX)
        return NULL;
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_strdup(text->str);
}

/* NULL if it is not among these notes. */
static char *find_build_id(Elf *elf, const GElf_Phdr *notes)
{
    Elf_Type type = notes->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
    Elf_Data *data = NULL;
    GElf_Nhdr note;
    size_t at = 0, name, content;

    if (notes->p_filesz <= NOTES_MAX)
        data = elf_getdata_rawchunk(elf, (int64_t)notes->p_offset, notes->p_filesz, type);
    while (data != NULL && (at = gelf_getnote(data, at, &note, &name, &content)) > 0) {
        const uint8_t *bytes = data->d_buf;

        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
            memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0)
            return format_id(bytes + content, note.n_descsz);
    }
    return NULL;
}

static gboolean read_header(Elf *elf, GElf_Ehdr *header)
{
    return gelf_getehdr(elf, header) != NULL && header->e_ident[EI_DATA] == OWN_BYTE_ORDER;
}

static struct ct_elf_file *read_segments(Elf *elf, const GElf_Ehdr *header)
{
    struct ct_elf_file *file = g_new0(struct ct_elf_file, 1);
    size_t count = 0;
    GElf_Phdr segment;

    if (elf_getphdrnum(elf, &count) != 0 || count > SEGMENTS_MAX)
        count = 0;
    file->entry = header->e_entry;
    file->segments = g_new0(struct ct_elf_segment, count);
    for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &segment) != NULL; i++) {
        if (segment.p_type == PT_NOTE && file->build_id == NULL)
            file->build_id = find_build_id(elf, &segment);
        if (segment.p_type == PT_LOAD)
            file->segments[file->segment_count++] = (struct ct_elf_segment){
                .file_offset = segment.p_offset,
                .address = segment.p_vaddr,
                .size = segment.p_filesz,
                .memory_size = segment.p_memsz,
                .is_executable = (segment.p_flags & PF_X) != 0,
            };
    }
    if (file->build_id == NULL)
        file->build_id = g_strdup("");
    return file;
}

struct ct_elf_file *ct_elf_file_read(const char *path)
{
    struct ct_elf_file *file = NULL;
    GElf_Ehdr header;
    /* A device may have been mapped, and anything be there instead by now. */
    int fd = ct_regular_file_open(path);

    if (fd < 0)
        return NULL;
    elf_version(EV_CURRENT);
    /* Not mapped: somebody may make the file shorter meanwhile. */
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

    if (elf != NULL && elf_kind(elf) == ELF_K_ELF && read_header(elf, &header))
        file = read_segments(elf, &header);
    elf_end(elf);
    close(fd);
    return file;
}

void ct_elf_file_free(struct ct_elf_file *file)
{
    if (file == NULL)
        return;
    g_free(file->build_id);
    g_free(file->segments);
    g_free(file);
}

gboolean ct_elf_file_bias(const struct ct_elf_file *file, uint64_t begin, uint64_t file_offset,
                          uint64_t *bias)
{
    uint64_t page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
    gboolean is_found = FALSE;

    for (guint i = 0; i < file->segment_count; i++) {
        const struct ct_elf_segment *segment = &file->segments[i];
        uint64_t first = segment->file_offset & ~page_mask;

        /* Two segments can have a page in common: code was mapped for the one that is code. */
        if (file_offset < first || file_offset >= segment->file_offset + segment->size ||
            (is_found && !segment->is_executable))
            continue;
        *bias = begin - (segment->address + (file_offset - segment->file_offset));
        is_found = TRUE;
    }
    return is_found;
}
