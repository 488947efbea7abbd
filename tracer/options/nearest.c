#include "options/nearest.h"

#include <string.h>

/* No command or option is longer. */
#define LENGTH_MAX 31

/* So many letters of a word may be wrong: one of each so many, and one. */
#define LETTERS_PER_SLIP 3

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance; both words are at most LENGTH_MAX long. */
static unsigned slips(const char *from, const char *to)
{
    unsigned costs[LENGTH_MAX + 1][LENGTH_MAX + 1];
    size_t rows = strlen(from);
    size_t columns = strlen(to);

    for (size_t i = 0; i <= rows; i++)
        costs[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        costs[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = costs[i - 1][j - 1] + (from[i - 1] != to[j - 1]);
            unsigned moved = least(costs[i - 1][j], costs[i][j - 1]) + 1;

            costs[i][j] = least(replaced, moved);
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                costs[i][j] = least(costs[i][j], costs[i - 2][j - 2] + 1);
        }
    }
    return costs[rows][columns];
}

const char *ct_nearest(const char *typed, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned fewest = (unsigned)strlen(typed) / LETTERS_PER_SLIP + 1;

    if (strlen(typed) > LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) > LENGTH_MAX)
            continue;
        unsigned needed = slips(words[i], typed);

        /* All of a short word may be wrong. */
        if (needed < strlen(words[i]) && (nearest == NULL ? needed <= fewest : needed < fewest)) {
            nearest = words[i];
            fewest = needed;
        }
    }
    return nearest;
}
