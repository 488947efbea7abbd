/*
 * Prints the line of each instruction of code objects, for test_python_lines.py, which knows them.
 * Each line of the input is of one: kind of table, first line, bytes of instructions in all, of
 * each, and the table in hexadecimal.
 */
#include "preload/stack/python_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
    const char *at;
};

static int next_byte(void *user)
{
    struct table *table = user;
    unsigned byte;

    if (sscanf(table->at, "%2x", &byte) != 1)
        return -1;
    table->at += 2;
    return (int)byte;
}

int main(void)
{
    unsigned kind, first_line, size, unit;
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        int begin = 0;

        if (sscanf(line, "%u %u %u %u %n", &kind, &first_line, &size, &unit, &begin) != 4)
            return 1;
        for (unsigned offset = 0; offset < size; offset += unit) {
            struct table table = {line + begin};
            const struct ct_python_bytes bytes = {next_byte, &table};

            printf("%" PRIu32 " ",
                   ct_python_line((enum ct_python_lines)kind, &bytes, first_line, offset));
        }
        putchar('\n');
    }
    free(line);
    return 0;
}
