#include "symbols/jit_map.h"

#include "files/regular_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code {
    uint64_t begin;
    uint64_t size;
    guint order; /* of the line */
    const char *name;
};

struct ct_jit_map {
    GArray *codes;       /* owned; struct code, by begin */
    GStringChunk *names; /* owned */
};

static gboolean parse_hex(char **at, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = g_ascii_strtoull(*at, &end, 16);
    if (end == *at || *end != ' ' || errno != 0)
        return FALSE;
    *at = end + 1;
    return TRUE;
}

static void add_line(struct ct_jit_map *map, char *line)
{
    struct code code = {.order = map->codes->len};
    char *at = line;

    if (!parse_hex(&at, &code.begin) || !parse_hex(&at, &code.size) || *at == '\0')
        return;
    at[strcspn(at, "\n")] = '\0';
    g_autofree char *name = g_utf8_make_valid(at, -1);
    code.name = g_string_chunk_insert_const(map->names, name);
    g_array_append_val(map->codes, code);
}

static int compare(const void *left, const void *right)
{
    const struct code *a = left, *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

struct ct_jit_map *ct_jit_map_open(const char *path)
{
    int fd = ct_regular_file_open(path);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    char line[4096]; /* of a longer one, the rest is no line of this form */

    if (!file)
        return NULL;
    struct ct_jit_map *map = g_new0(struct ct_jit_map, 1);
    map->codes = g_array_new(FALSE, FALSE, sizeof(struct code));
    map->names = g_string_chunk_new(4096);
    while (fgets(line, sizeof line, file))
        add_line(map, line);
    fclose(file);
    g_array_sort(map->codes, compare);
    return map;
}

void ct_jit_map_free(struct ct_jit_map *map)
{
    if (!map)
        return;
    g_array_unref(map->codes);
    g_string_chunk_free(map->names);
    g_free(map);
}

const char *ct_jit_map_find(const struct ct_jit_map *map, uint64_t address)
{
    guint low = 0, high = map->codes->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(map->codes, struct code, middle).begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct code *code = low > 0 ? &g_array_index(map->codes, struct code, low - 1) : NULL;

    return code && address - code->begin < code->size ? code->name : NULL;
}
