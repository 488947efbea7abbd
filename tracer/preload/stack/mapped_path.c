#include "mapped_path.h"

#include "preload/core/raw.h"
#include "preload/core/text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One line of /proc/self/maps, as far as it was read. */
struct maps_line {
    enum { MAPS_BEGIN, MAPS_END, MAPS_REST } part;
    uint64_t begin, end;
    bool is_in_path;
};

static void add_digit(uint64_t *number, char digit)
{
    *number = *number << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Appends to the path if it is that of the mapping at the address; true at its end. */
static bool read_maps(struct maps_line *line, char byte, uint64_t address, struct ct_text *path)
{
    if (byte == '\n') {
        bool is_found = line->is_in_path;

        *line = (struct maps_line){.part = MAPS_BEGIN};
        return is_found;
    }
    if (line->part == MAPS_BEGIN && byte == '-')
        line->part = MAPS_END;
    else if (line->part == MAPS_BEGIN)
        add_digit(&line->begin, byte);
    else if (line->part == MAPS_END && byte == ' ')
        line->part = MAPS_REST;
    else if (line->part == MAPS_END)
        add_digit(&line->end, byte);
    else if (byte == '/' || line->is_in_path)
        line->is_in_path = line->begin <= address && address < line->end;
    if (line->is_in_path)
        ct_text_byte(path, byte);
    return false;
}

bool ct_mapped_path_find(uint64_t address, char *path, size_t size)
{
    static const char deleted[] = " (deleted)";
    struct ct_text text = ct_text_begin(path, size);
    struct maps_line line = {.part = MAPS_BEGIN};
    bool is_found = false;
    char bytes[512];
    ssize_t count = 0;
    int fd = (int)ct_syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    while (!is_found && (count = ct_syscall(SYS_read, fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < count && !is_found; i++)
            is_found = read_maps(&line, bytes[i], address, &text);
    }
    ct_syscall(SYS_close, fd);
    size_t length = is_found ? strlen(path) : 0;
    if (length > sizeof(deleted) && strcmp(path + length - (sizeof(deleted) - 1), deleted) == 0)
        path[length - (sizeof(deleted) - 1)] = '\0';
    return is_found;
}
