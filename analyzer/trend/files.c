#include "trend/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Folders below each other, and files in them: years of a profile a minute. */
#define DEPTH_MAX 8
#define FILES_MAX (1 << 20)

#define DATE_DIGITS 8  /* 20260101 */
#define TIME_DIGITS 14 /* 20260101120000 */

#define NS_PER_S INT64_C(1000000000)

/* Nanoseconds since 1970 have no others. */
#define YEAR_LEAST 1970
#define YEAR_MOST  2261

G_DEFINE_QUARK(ct - trend - error, ct_trend_error)

static const char *const suffixes[] = {".pb.gz", ".pb", ".pprof", ".prof"};

static void file_free(void *data)
{
    struct ct_trend_file *file = data;

    g_free(file->path);
    g_free(file->kind);
    g_free(file);
}

static int number(const char *digits, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++)
        value = 10 * value + (digits[i] - '0');
    return value;
}

int64_t ct_trend_named_time(const char *name)
{
    char digits[TIME_DIGITS + 1] = "";
    int count = 0;

    for (; *name && count < TIME_DIGITS; name++) {
        if (g_ascii_isdigit(*name))
            digits[count++] = *name;
        else if (count > 0 && !strchr("-_:T .", *name))
            break;
    }
    if (count < DATE_DIGITS)
        return 0;
    memset(digits + count, '0', (size_t)(TIME_DIGITS - count));
    int year = number(digits, 4);
    g_autoptr(GDateTime) time = g_date_time_new_local(
        year, number(digits + 4, 2), number(digits + 6, 2), number(digits + 8, 2),
        number(digits + 10, 2), number(digits + 12, 2));

    return time && year >= YEAR_LEAST && year <= YEAR_MOST ? g_date_time_to_unix(time) * NS_PER_S
                                                           : 0;
}

/* NULL: it is not called as a profile is. Caller frees. */
static char *kind_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++)
        if (g_str_has_suffix(name, suffixes[i]))
            return g_strndup(name, strlen(name) - strlen(suffixes[i]));
    return NULL;
}

/* As in 2026-01-01T12-00-00. */
static gboolean is_before_hours(const char *name, const char *letter)
{
    return *letter == 'T' && letter > name && g_ascii_isdigit(letter[-1]) &&
           g_ascii_isdigit(letter[1]);
}

/* A file that is called by a time and its kind, as 20260101_120000.cpu.pb.gz, is of that kind. */
static char *without_time(char *kind)
{
    const char *letters = kind;

    while (*letters && (!g_ascii_isalpha(*letters) || is_before_hours(kind, letters)))
        letters++;
    if (letters == kind || *letters == '\0' || ct_trend_named_time(kind) == 0)
        return kind;
    char *rest = g_strdup(letters);

    g_free(kind);
    return rest;
}

static void add_file(GPtrArray *files, const char *path, const char *name, int64_t named_ns,
                     const struct stat *status)
{
    char *kind = kind_of(name);
    int64_t own_ns = kind ? ct_trend_named_time(name) : 0;

    if (!kind)
        return;
    struct ct_trend_file *file = g_new0(struct ct_trend_file, 1);

    file->path = g_strdup(path);
    file->kind = without_time(kind);
    file->named_ns = own_ns > 0 ? own_ns : named_ns;
    file->written_ns = (int64_t)status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec;
    g_ptr_array_add(files, file);
}

/* FALSE: there are too many. Links to folders are not followed, which may lead in circles. */
static gboolean walk(GPtrArray *files, const char *folder, int64_t named_ns, int depth)
{
    g_autoptr(GDir) open = g_dir_open(folder, 0, NULL);
    const char *name;

    while (open && (name = g_dir_read_name(open))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        int64_t own_ns = ct_trend_named_time(name);
        struct stat status;

        /* What is hidden is being made. */
        if (*name == '.' || lstat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode)) {
            if (depth > 0 && !walk(files, path, own_ns > 0 ? own_ns : named_ns, depth - 1))
                return FALSE;
        } else if (S_ISREG(status.st_mode)) {
            add_file(files, path, name, named_ns, &status);
        }
        if (files->len > FILES_MAX)
            return FALSE;
    }
    return TRUE;
}

static int compare_paths(const void *a, const void *b)
{
    const struct ct_trend_file *first = *(struct ct_trend_file *const *)a;
    const struct ct_trend_file *second = *(struct ct_trend_file *const *)b;

    return strcmp(first->path, second->path);
}

GPtrArray *ct_trend_files_find(const char *directory, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);

    if (!g_file_test(directory, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_NOTHING,
                    "%s is no folder: name that in which folders of profiles are, such as profiles "
                    "of profiles/20260101_120000/cpu.pb.gz",
                    directory);
        return NULL;
    }
    /* Of one that is closed it is not said that nothing is in it. */
    g_autoptr(GDir) open = g_dir_open(directory, 0, error);

    if (!open)
        return NULL;
    if (!walk(files, directory, 0, DEPTH_MAX)) {
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_LIMIT,
                    "there are more than %d profiles in %s: name a folder in it", FILES_MAX,
                    directory);
        return NULL;
    }
    g_ptr_array_sort(files, compare_paths);
    return g_steal_pointer(&files);
}
