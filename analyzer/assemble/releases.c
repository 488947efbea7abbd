#include "assemble/releases.h"

#include <string.h>

#define FIRST_CAPACITY 4

void ct_releases_clear(struct ct_releases *releases)
{
    g_free(releases->wakes);
    *releases = (struct ct_releases){0};
}

size_t ct_releases_until(const struct ct_releases *releases, uint64_t time_ns)
{
    size_t begin = 0, end = releases->count;

    /* It is asked for what was of late. */
    if (end > 0 && releases->wakes[end - 1].time_ns <= time_ns)
        return end;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;

        if (releases->wakes[middle].time_ns <= time_ns)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static uint64_t next_random(struct ct_releases *releases)
{
    uint64_t random = releases->random ? releases->random : UINT64_C(0x9e3779b97f4a7c15);

    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    releases->random = random;
    return random;
}

/* Makes one of neighbours that take no longer than the grain, but of the newest quarter. */
static void merge_fine(struct ct_releases *releases)
{
    struct ct_wake *wakes = releases->wakes;
    size_t end = releases->count - releases->count / 4;
    size_t last = 1; /* before the first, there is no time that is known */

    for (size_t i = 2; i < end; i++) {
        const struct ct_wake second = wakes[i];
        uint64_t whole_ns = second.time_ns - wakes[last - 1].time_ns;

        if (whole_ns > releases->grain_ns) {
            wakes[++last] = second;
            continue;
        }
        if (whole_ns == 0 ||
            next_random(releases) % whole_ns < second.time_ns - wakes[last].time_ns)
            wakes[last] = second;
        wakes[last].time_ns = second.time_ns;
    }
    memmove(wakes + last + 1, wakes + end, (releases->count - end) * sizeof(*wakes));
    releases->count -= end - last - 1;
}

static void thin_out(struct ct_releases *releases)
{
    merge_fine(releases);
    while (releases->count > CT_RELEASES_MAX / 4 * 3) {
        releases->grain_ns = releases->grain_ns ? 2 * releases->grain_ns : 1;
        merge_fine(releases);
    }
}

void ct_releases_add(struct ct_releases *releases, const struct ct_wake *wake)
{
    if (releases->count == CT_RELEASES_MAX)
        thin_out(releases);
    if (releases->count == releases->capacity) {
        releases->capacity = releases->capacity ? 2 * releases->capacity : FIRST_CAPACITY;
        releases->wakes = g_renew(struct ct_wake, releases->wakes, releases->capacity);
    }
    size_t at = releases->count++;

    for (; at > 0 && releases->wakes[at - 1].time_ns > wake->time_ns; at--)
        releases->wakes[at] = releases->wakes[at - 1];
    releases->wakes[at] = *wake;
}
