/*
 * A text put together word by word, each time as a new string of the old one and the word: 10,000
 * words are copied 5,000 times on average.
 *
 * The CPU profile shows it (memcpy and strlen, called by join), and so does the allocs profile:
 * 10,000 objects and 400 MB, for a text of 80 KB. strings_cured.c is the same program with the
 * cure.
 */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 10000 };

static const char word[] = "waiting ";
static unsigned allocations;

/* Takes the text. */
static char *join(char *text, const char *next)
{
    size_t size = strlen(text) + strlen(next) + 1;
    char *joined = malloc(size); /* the disease: a new string for every word */

    if (joined != NULL) {
        memcpy(joined, text, strlen(text) + 1);
        strcat(joined, next);
        allocations++;
    }
    free(text);
    return joined;
}

int main(void)
{
    uint64_t begin_ns = clock_now_ns();
    char *text = calloc(1, 1);

    for (int i = 0; i < WORDS && text != NULL; i++)
        text = join(text, word);
    if (text == NULL)
        return 1;
    printf("strings: %zu letters with %u allocations in %.0f ms\n", strlen(text), allocations,
           ns_to_ms(clock_now_ns() - begin_ns));
    free(text);
    return 0;
}
