/* The preload's own functions for bytes and strings, against the C library's, in random
 * calls. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *own_memcpy(void *to, const void *from, size_t size);
void *own_memset(void *to, int byte, size_t size);
void *own_memchr(const void *bytes, int byte, size_t size);
int own_memcmp(const void *a, const void *b, size_t size);
size_t own_strlen(const char *text);
size_t own_strnlen(const char *text, size_t size);
int own_strcmp(const char *a, const char *b);
int own_strncmp(const char *a, const char *b, size_t size);
char *own_strcpy(char *to, const char *from);
char *own_strchr(const char *text, int byte);
char *own_strrchr(const char *text, int byte);
char *own_strstr(const char *text, const char *wanted);
char *own_getenv(const char *name);

enum { CALLS = 100000, SIZE = 256, MOST = 100 };

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int below(int limit)
{
    return rand() % limit;
}

/* Few different bytes, so that much is alike; some of them as high as bytes get. */
static void fill(char *bytes)
{
    int kinds = 2 + below(4);

    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(below(kinds + 1) > 0 ? below(kinds) : 255 - below(3));
    bytes[SIZE - 1] = '\0';
}

static bool writes_the_same(const char *bytes)
{
    char own[SIZE], theirs[SIZE];
    int at = below(16), size = below(MOST);

    memcpy(own, bytes, SIZE);
    memcpy(theirs, bytes, SIZE);
    own_memcpy(own + at, bytes + MOST, (size_t)size);
    memcpy(theirs + at, bytes + MOST, (size_t)size);
    own_memset(own + SIZE / 2 + at, bytes[0], (size_t)size);
    memset(theirs + SIZE / 2 + at, bytes[0], (size_t)size);
    own_strcpy(own, bytes + SIZE / 2);
    strcpy(theirs, bytes + SIZE / 2);
    return memcmp(own, theirs, SIZE) == 0;
}

static bool compares_the_same(const char *a, const char *b)
{
    size_t size = (size_t)below(12);

    return sign(own_memcmp(a, b, size)) == sign(memcmp(a, b, size)) &&
           sign(own_strcmp(a, b)) == sign(strcmp(a, b)) &&
           sign(own_strncmp(a, b, size)) == sign(strncmp(a, b, size));
}

static bool finds_the_same(const char *text, const char *wanted, int byte)
{
    size_t size = (size_t)below(MOST);

    return own_memchr(text, byte, size) == memchr(text, byte, size) &&
           own_strlen(text) == strlen(text) && own_strnlen(text, size) == strnlen(text, size) &&
           own_strchr(text, byte) == strchr(text, byte) &&
           own_strrchr(text, byte) == strrchr(text, byte) &&
           own_strstr(text, wanted) == strstr(text, wanted);
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        char bytes[SIZE];

        fill(bytes);
        const char *text = bytes + below(16), *other = bytes + SIZE - 8 + below(8);
        if (!writes_the_same(bytes) || !compares_the_same(text, bytes + below(32)) ||
            !finds_the_same(text, other, bytes[below(SIZE)])) {
            printf("call %d differs\n", i);
            return EXIT_FAILURE;
        }
    }
    if (own_getenv("PATH") != getenv("PATH") || own_getenv("PAT") != getenv("PAT")) {
        puts("the environment differs");
        return EXIT_FAILURE;
    }
    puts("all the same");
    return EXIT_SUCCESS;
}
