/* Building short strings where stdio is out of bounds. Cut off at the end of the buffer. */
#ifndef CTRACE_PRELOAD_CORE_TEXT_H
#define CTRACE_PRELOAD_CORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct ct_text {
    char *at;
    char *end; /* room for the terminator is kept */
};

static inline struct ct_text ct_text_begin(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct ct_text){buffer, buffer + size - 1};
}

static inline void ct_text_byte(struct ct_text *text, char byte)
{
    if (text->at < text->end)
        *text->at++ = byte;
    *text->at = '\0';
}

static inline void ct_text_bytes(struct ct_text *text, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count && bytes[i] != '\0'; i++)
        ct_text_byte(text, bytes[i]);
}

static inline void ct_text_string(struct ct_text *text, const char *string)
{
    ct_text_bytes(text, string, SIZE_MAX);
}

static inline void ct_text_number(struct ct_text *text, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        ct_text_byte(text, digits[--count]);
}

#endif
