#include "snapshot_mappings.h"

#include "spool/decode.h"
#include "spool/elf_file.h"

#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What /proc appends to the path of a file that has no name any more. */
#define DELETED " (deleted)"

/* A line of /proc/PID/maps, of which only what can be executed and has a name is of interest. */
struct line {
    uint64_t begin;
    uint64_t end;
    uint64_t offset;
    char permissions[5];
    unsigned major;
    unsigned minor;
    uint64_t inode;
    const char *path; /* borrowed */
};

static gboolean parse_line(const char *text, struct line *line)
{
    int path = 0;

    if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &line->begin,
               &line->end, line->permissions, &line->offset, &line->major, &line->minor,
               &line->inode, &path) != 7 ||
        path == 0)
        return FALSE;
    line->path = text + path;
    return line->permissions[2] == 'x' && *line->path != '\0' && line->begin < line->end;
}

static gboolean is_mapped_there(const struct line *line, const char *place)
{
    struct stat status;

    return stat(place, &status) == 0 && status.st_ino == line->inode &&
           major(status.st_dev) == line->major && minor(status.st_dev) == line->minor;
}

/* What opens the file that is mapped, also where another one has its name by now, or it has none.
 * NULL: nothing does. Caller frees. */
static char *find_mapped_file(const struct ct_record_writer *writer, const struct line *line)
{
    g_autofree char *mapped = g_strdup_printf("/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
                                              writer->living, line->begin, line->end);
    g_autofree char *named = g_strdup_printf("/proc/%d/root%s", writer->living, line->path);
    g_autofree char *program = g_strdup_printf("/proc/%d/exe", writer->living);
    struct stat status;

    if (stat(mapped, &status) == 0) /* that takes a privilege */
        return g_steal_pointer(&mapped);
    return is_mapped_there(line, named)     ? g_steal_pointer(&named)
           : is_mapped_there(line, program) ? g_steal_pointer(&program)
                                            : NULL;
}

/* Its build id. Keeps a copy, if it is one of those that are to be kept. Caller frees. */
static char *read_build_id(const struct ct_record_writer *writer, const struct line *line)
{
    g_autofree char *place = find_mapped_file(writer, line);
    struct ct_elf_file *file = place != NULL ? ct_elf_file_read(place) : NULL;

    if (file == NULL)
        return g_strdup("");
    char *build_id = g_strdup(strlen(file->build_id) <= CT_RAW_BUILD_ID_SIZE ? file->build_id : "");
    g_autofree char *key = ct_object_key(build_id, line->major, line->minor, line->inode);

    if (writer->look->objects != NULL)
        ct_objects_keep(writer->look->objects, key, place, line->path);
    ct_elf_file_free(file);
    return build_id;
}

/* In hexadecimal; empty if it has none. Borrowed. */
static const char *find_build_id(struct ct_record_writer *writer, const struct line *line)
{
    char *key = g_strdup_printf("%x:%x:%" PRIu64, line->major, line->minor, line->inode);
    const char *known = g_hash_table_lookup(writer->look->build_ids, key);

    if (known != NULL || line->inode == 0) {
        g_free(key);
        return known != NULL ? known : "";
    }
    char *build_id = read_build_id(writer, line);

    g_hash_table_insert(writer->look->build_ids, key, build_id);
    return build_id;
}

#define BUILD_ID_BYTES (CT_RAW_BUILD_ID_SIZE / 2)

/* As the kernel does: zeros follow one that is short. */
static uint8_t parse_build_id(const char *text, uint8_t bytes[BUILD_ID_BYTES])
{
    size_t size = strlen(text) / 2;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(g_ascii_xdigit_value(text[2 * i]) << 4 |
                             g_ascii_xdigit_value(text[2 * i + 1]));
    return (uint8_t)size;
}

static void write_mapping(struct ct_record_writer *writer, const struct line *line)
{
    struct {
        uint32_t pid, tid;
        uint64_t begin, size, offset;
        union {
            struct {
                uint8_t size;
                uint8_t unused[3];
                uint8_t bytes[BUILD_ID_BYTES];
            } build_id;
            struct {
                uint32_t major, minor;
                uint64_t inode, generation;
            } file;
        } as;
        uint32_t protection, flags;
    } map = {
        .pid = (uint32_t)writer->pid,
        .tid = (uint32_t)writer->pid,
        .begin = line->begin,
        .size = line->end - line->begin,
        .offset = line->offset,
        .protection = PROT_EXEC | (line->permissions[0] == 'r' ? PROT_READ : 0) |
                      (line->permissions[1] == 'w' ? PROT_WRITE : 0),
        .flags = line->permissions[3] == 's' ? MAP_SHARED : MAP_PRIVATE,
    };

    const char *build_id = find_build_id(writer, line);

    if (*build_id != '\0') {
        map.as.build_id.size = parse_build_id(build_id, map.as.build_id.bytes);
    } else {
        map.as.file.major = line->major;
        map.as.file.minor = line->minor;
        map.as.file.inode = line->inode;
    }
    ct_record_begin(writer, PERF_RECORD_MMAP2,
                    PERF_RECORD_MISC_USER |
                        (*build_id != '\0' ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0));
    ct_record_append(writer, &map, sizeof(map));
    ct_record_append_string(writer, line->path);
    ct_record_end(writer, writer->pid);
}

void ct_snapshot_write_mappings(struct ct_record_writer *writer)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", writer->living);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **text_line = lines; *text_line != NULL; text_line++) {
        struct line line;

        /* A file that is gone has its name without "(deleted)", as when it was mapped. */
        if (g_str_has_suffix(*text_line, DELETED))
            (*text_line)[strlen(*text_line) - strlen(DELETED)] = '\0';
        if (parse_line(*text_line, &line))
            write_mapping(writer, &line);
    }
}
