#include "python_lines.h"

#include <stdbool.h>

#define NO_LINE_DELTA (-128)

/* A code unit of 3.11, in bytes. */
#define UNIT 2

static int next_byte(const struct ct_python_bytes *table)
{
    return table->next(table->user);
}

/* Each two bytes: so many further on, the line is another one. */
static uint32_t find_in_lnotab(const struct ct_python_bytes *table, uint32_t line, int64_t offset)
{
    int64_t at = 0;
    int step, delta;

    while ((step = next_byte(table)) >= 0 && (delta = next_byte(table)) >= 0) {
        at += step;
        if (at > offset)
            break;
        line += (uint32_t)(int8_t)delta;
    }
    return line;
}

/* Each two bytes: for so many from here on, the line is another one, or there is none. */
static uint32_t find_in_linetable(const struct ct_python_bytes *table, uint32_t line,
                                  int64_t offset)
{
    int64_t end = 0;
    int step, delta;

    while ((step = next_byte(table)) >= 0 && (delta = next_byte(table)) >= 0) {
        end += step;
        if ((int8_t)delta != NO_LINE_DELTA)
            line += (uint32_t)(int8_t)delta;
        if (end > offset)
            return (int8_t)delta != NO_LINE_DELTA ? line : 0;
    }
    return 0;
}

/* Six bits a byte, the low ones first, and whether there are more. */
static bool next_varint(const struct ct_python_bytes *table, uint32_t *value)
{
    int byte = 0x40;

    *value = 0;
    for (unsigned shift = 0; byte & 0x40; shift += 6) {
        byte = next_byte(table);
        if (byte < 0 || shift > 30)
            return false;
        *value |= (uint32_t)(byte & 0x3f) << shift;
    }
    return true;
}

/* The low bit is its sign. */
static bool next_signed(const struct ct_python_bytes *table, uint32_t *value)
{
    uint32_t bits;

    if (!next_varint(table, &bits))
        return false;
    *value = bits & 1 ? 0 - (bits >> 1) : bits >> 1;
    return true;
}

static bool skip_bytes(const struct ct_python_bytes *table, unsigned count)
{
    while (count > 0 && next_byte(table) >= 0)
        count--;
    return count == 0;
}

static bool skip_varints(const struct ct_python_bytes *table, unsigned count)
{
    uint32_t value;

    while (count > 0 && next_varint(table, &value))
        count--;
    return count == 0;
}

/* The kinds of location, by CPython's Objects/locations.md. */
enum {
    LAST_SHORT = 9,  /* on the same line, columns in one byte */
    ONE_LINE_0 = 10, /* and the next two: so many lines further on, columns in two bytes */
    NO_COLUMNS = 13,
    LONG = 14,
    NO_LOCATION = 15,
};

/* What a location adds to the line. FALSE: there is no whole one. */
static bool next_line_delta(const struct ct_python_bytes *table, int kind, uint32_t *delta)
{
    *delta = 0;
    if (kind == NO_LOCATION)
        return true;
    if (kind == LONG) /* then the end's line, and two columns */
        return next_signed(table, delta) && skip_varints(table, 3);
    if (kind == NO_COLUMNS)
        return next_signed(table, delta);
    if (kind > LAST_SHORT)
        *delta = (uint32_t)(kind - ONE_LINE_0);
    return skip_bytes(table, kind > LAST_SHORT ? 2 : 1);
}

static uint32_t find_in_locations(const struct ct_python_bytes *table, uint32_t line,
                                  int64_t offset)
{
    int64_t end = 0;
    uint32_t delta;
    int head;

    while ((head = next_byte(table)) >= 0x80) {
        int kind = head >> 3 & 0xf;

        if (!next_line_delta(table, kind, &delta))
            return 0;
        line += delta;
        end += ((head & 7) + 1) * UNIT;
        if (end > offset)
            return kind != NO_LOCATION ? line : 0;
    }
    return 0;
}

uint32_t ct_python_line(enum ct_python_lines kind, const struct ct_python_bytes *table,
                        uint32_t first_line, int64_t offset)
{
    if (offset < 0)
        return first_line;
    switch (kind) {
    case CT_PYTHON_LNOTAB:
        return find_in_lnotab(table, first_line, offset);
    case CT_PYTHON_LINETABLE:
        return find_in_linetable(table, first_line, offset);
    case CT_PYTHON_LOCATIONS:
        return find_in_locations(table, first_line, offset);
    }
    return 0;
}
