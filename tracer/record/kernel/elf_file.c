#include "elf_file.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define OWN_BYTE_ORDER ELFDATA2LSB
#else
#define OWN_BYTE_ORDER ELFDATA2MSB
#endif

/* Notes are padded to this. */
#define NOTE_ALIGNMENT 4U

/* A build id is a hash: what is longer is none. */
#define BUILD_ID_MAX 64U

/* FALSE if the file does not reach that far. */
static gboolean copy(GMappedFile *data, uint64_t offset, void *to, size_t size)
{
    gsize length = g_mapped_file_get_length(data);

    if (offset > length || size > length - offset)
        return FALSE;
    memcpy(to, g_mapped_file_get_contents(data) + offset, size);
    return TRUE;
}

static char *format_id(GMappedFile *data, uint64_t offset, size_t size)
{
    uint8_t bytes[BUILD_ID_MAX];
    g_autoptr(GString) text = g_string_new(NULL);

    if (size > sizeof(bytes) || !copy(data, offset, bytes, size))
        return NULL;
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_strdup(text->str);
}

static uint64_t padded(uint32_t size)
{
    return ((uint64_t)size + NOTE_ALIGNMENT - 1) & ~(uint64_t)(NOTE_ALIGNMENT - 1);
}

/* NULL if it is not among these notes. */
static char *find_build_id(GMappedFile *data, const Elf64_Phdr *notes)
{
    uint64_t at = notes->p_offset;
    uint64_t length = g_mapped_file_get_length(data);
    uint64_t end = MIN(notes->p_offset + MIN(notes->p_filesz, length), length);
    Elf64_Nhdr note;
    char name[sizeof(ELF_NOTE_GNU)];

    while (at < end && copy(data, at, &note, sizeof(note))) {
        uint64_t name_at = at + sizeof(note);
        uint64_t content_at = name_at + padded(note.n_namesz);

        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(name) &&
            copy(data, name_at, name, sizeof(name)) &&
            memcmp(name, ELF_NOTE_GNU, sizeof(name)) == 0)
            return format_id(data, content_at, note.n_descsz);
        at = content_at + padded(note.n_descsz);
    }
    return NULL;
}

static gboolean read_header(GMappedFile *data, Elf64_Ehdr *header)
{
    return copy(data, 0, header, sizeof(*header)) &&
           memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == OWN_BYTE_ORDER &&
           header->e_phentsize == sizeof(Elf64_Phdr);
}

static struct ct_elf_file *read_segments(GMappedFile *data, const Elf64_Ehdr *header)
{
    struct ct_elf_file *file = g_new0(struct ct_elf_file, 1);
    Elf64_Phdr segment;

    file->entry = header->e_entry;
    file->segments = g_new0(struct ct_elf_segment, header->e_phnum);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (!copy(data, header->e_phoff + i * sizeof(segment), &segment, sizeof(segment)))
            break;
        if (segment.p_type == PT_NOTE && file->build_id == NULL)
            file->build_id = find_build_id(data, &segment);
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
    struct stat status;
    Elf64_Ehdr header;

    /* A device may have been mapped: to open one can do anything. */
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return NULL;
    GMappedFile *data = g_mapped_file_new(path, FALSE, NULL);

    if (data == NULL)
        return NULL;
    if (read_header(data, &header))
        file = read_segments(data, &header);
    g_mapped_file_unref(data);
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
