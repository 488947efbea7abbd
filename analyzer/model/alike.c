#include "model/alike.h"

#include <string.h>

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* The length of the number, or of what stands for one, at its begin; 0: there is none. */
static size_t number_size(const char *text)
{
    return *text == '*' ? 1 : count_digits(text);
}

gboolean ct_names_are_alike(const char *first, const char *second)
{
    while (*first || *second) {
        size_t first_size = number_size(first);
        size_t second_size = number_size(second);

        if ((first_size > 0) != (second_size > 0) || (first_size == 0 && *first != *second))
            return FALSE;
        first += MAX(first_size, 1);
        second += MAX(second_size, 1);
    }
    return TRUE;
}

char *ct_names_merge(const char *first, const char *second)
{
    GString *merged = g_string_new(NULL);

    while (*first && *second) {
        size_t size = count_digits(first);
        size_t second_size = count_digits(second);

        if (second_size == 0) {
            g_string_append_c(merged, *first);
            first++;
            second++;
            continue;
        }
        if (size > 0 && size == second_size && memcmp(first, second, size) == 0)
            g_string_append_len(merged, first, (gssize)size);
        else
            g_string_append_c(merged, '*');
        first += size > 0 ? size : 1;
        second += second_size;
    }
    return g_string_free(merged, FALSE);
}
