/*
 * All times of a recording are the machine's CLOCK_MONOTONIC, as the kernel layer has them. In a
 * time namespace of its own a process reads another one, which is so many nanoseconds ahead:
 * recorder and preload each take off what their own namespace has added. See time_namespaces(7).
 */
#ifndef CTRACE_SCHEMA_TIME_NAMESPACE_H
#define CTRACE_SCHEMA_TIME_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A link, which reads "time:[NUMBER]". */
#define CT_TIME_NAMESPACE_LINK "/proc/self/ns/time"
#define CT_TIME_OFFSETS_FILE   "/proc/self/timens_offsets"

/* More than either has. */
#define CT_TIME_NAMESPACE_SIZE 256

/* The kernel's number for the one that the machine began with. */
static inline bool ct_time_namespace_is_first(const char *link)
{
    return strcmp(link, "time:[4026531834]") == 0;
}

static inline const char *ct_time_skip_spaces(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

/* The number at *text, which then is behind it. */
static inline int64_t ct_time_parse_number(const char **text)
{
    const char *at = ct_time_skip_spaces(*text);
    bool is_negative = *at == '-';
    uint64_t number = 0;

    for (at += is_negative; *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    *text = at;
    return is_negative ? -(int64_t)number : (int64_t)number;
}

/*
 * How much CLOCK_MONOTONIC is ahead, by the text of the offsets' file; nanoseconds. That has a line
 * "monotonic SECONDS NANOSECONDS", where kernels differ in what they write for the clock.
 */
static inline int64_t ct_time_offset_ns(const char *offsets)
{
    static const char name[] = "monotonic";
    const char *at = strstr(offsets, name);

    if (at == NULL)
        return 0;
    at += sizeof(name) - 1;
    int64_t seconds = ct_time_parse_number(&at);
    return seconds * INT64_C(1000000000) + ct_time_parse_number(&at);
}

#endif
