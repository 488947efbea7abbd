#include "serve/readers.h"

#include <string.h>

#define STEPS_MAX 6
#define WORDS_MAX 6

/* In words of the table. */
#define OURS      '@' /* what follows is a program of ours */
#define DIRECTORY "{directory}"
#define FOLDER    "{folder}" /* that the recording is in */
#define BASE      "{base}"   /* its name there */
#define LIVING    "{living}" /* a recording that goes on */
#define FILE      "{file}"
#define EARLIER   "{file}.earlier" /* profiles that it is made of */
#define LATER     "{file}.later"
#define SECONDS   "{seconds}"
#define LAST      "{last}" /* what is wanted of one that goes on */
#define PROFILE   "{profile}"
#define PROCESS   "{process}" /* the last word; not there, if all are asked for */

struct ct_reader {
    const char *type;
    const char *ending; /* of its name as a file; NULL: it is for people */
    gboolean has_file;  /* which the last command writes; else it writes to its output */
    const char *steps[STEPS_MAX][WORDS_MAX];
};

static const struct ct_reader as_profile = {
    "application/octet-stream",
    "",
    TRUE,
    {{"@ctrace-pprof", PROFILE, DIRECTORY, "-o", FILE, PROCESS}}};

/* Of what is allocated the recorder of the program keeps account. */
static const struct ct_reader as_heap_profile = {
    "application/octet-stream",
    "",
    TRUE,
    {{"@ctrace-snapshot", LIVING, "-o", DIRECTORY},
     {"@ctrace-pprof", PROFILE, DIRECTORY, "-o", FILE, PROCESS}}};

/* What was allocated and freed in between, as Go has it. */
static const struct ct_reader as_heap_delta = {
    "application/octet-stream",
    "",
    TRUE,
    {{"@ctrace-snapshot", LIVING, "-o", DIRECTORY},
     {"@ctrace-pprof", PROFILE, DIRECTORY, "-o", EARLIER, PROCESS},
     {"sleep", SECONDS},
     {"@ctrace-snapshot", LIVING, "-o", DIRECTORY},
     {"@ctrace-pprof", PROFILE, DIRECTORY, "-o", LATER, PROCESS},
     {"@ctrace-pprof", "--merge", "--base={file}.earlier", LATER, "-o", FILE}}};

static const struct ct_reader as_stacks = {
    "text/plain; charset=utf-8",
    NULL,
    FALSE,
    {{"@ctrace-export", "--format=stacks", "--profile={profile}", DIRECTORY, PROCESS}}};

static const struct ct_reader as_dump = {
    "text/plain; charset=utf-8",
    NULL,
    FALSE,
    {{"@ctrace-export", "--format=dump", "--profile={profile}", DIRECTORY, PROCESS}}};

static const struct ct_reader as_perfetto = {"application/octet-stream",
                                             ".pftrace",
                                             FALSE,
                                             {{"@ctrace-export", "--format=perfetto", DIRECTORY}}};

/* With its symbols, so that it can be read on another host. */
static const struct ct_reader as_archive = {
    "application/x-tar",
    ".tar",
    FALSE,
    {{"@ctrace-symbolize", DIRECTORY}, {"tar", "-C", FOLDER, "-cf", "-", BASE}}};

/* First, where it is of a recording that goes on at all times. */
static const char *const of_kept[][WORDS_MAX] = {
    {"sleep", SECONDS}, {"@ctrace-snapshot", LAST, LIVING, "-o", DIRECTORY}};

static const struct ct_reader *find_reader(const struct ct_question *question)
{
    if (question->endpoint->kind == CT_ENDPOINT_TRACE)
        return question->is_perfetto ? &as_perfetto : &as_archive;
    if (question->endpoint->kind == CT_ENDPOINT_HEAP)
        return question->delta_ms > 0 ? &as_heap_delta : &as_heap_profile;
    return question->debug == 0 ? &as_profile : question->debug == 1 ? &as_stacks : &as_dump;
}

struct ct_reading *ct_reading_new(const struct ct_question *question, const char *folder,
                                  gboolean is_of_all)
{
    struct ct_reading *reading = g_new0(struct ct_reading, 1);
    const struct ct_reader *reader = find_reader(question);

    reading->reader = reader;
    reading->type = reader->type;
    reading->file = reader->has_file ? g_build_filename(folder, "answer", NULL) : NULL;
    reading->name =
        reader->ending ? g_strconcat(question->endpoint->name, reader->ending, NULL) : NULL;
    reading->process =
        is_of_all && question->process ? g_strconcat("--process=", question->process, NULL) : NULL;
    reading->profile = g_strdup(question->endpoint->profile);
    reading->pause_ms = question->delta_ms;
    return reading;
}

void ct_reading_begin_kept(struct ct_reading *reading, const struct ct_question *question)
{
    reading->is_kept = TRUE;
    reading->last_ms = question->duration_ms;
    reading->pause_ms = question->is_past ? 0 : question->duration_ms;
    reading->kept_step = question->is_past ? 1 : 0;
}

void ct_reading_free(struct ct_reading *reading)
{
    if (!reading)
        return;
    g_free(reading->file);
    g_free(reading->name);
    g_free(reading->profile);
    g_free(reading->process);
    g_free(reading);
}

static char *replace(const char *word, const char *name, const char *by)
{
    g_auto(GStrv) parts = g_strsplit(word, name, -1);

    return g_strjoinv(by, parts);
}

static char *fill(const struct ct_reading *reading, const char *word,
                  const struct ct_reading_places *places)
{
    const char *directory = places->directory;

    if (*word == OURS)
        return g_build_filename(places->programs, word + 1, NULL);
    if (strcmp(word, DIRECTORY) == 0)
        return g_strdup(directory);
    if (strcmp(word, PROCESS) == 0)
        return g_strdup(reading->process);
    if (strcmp(word, LIVING) == 0)
        return g_strdup(places->living);
    if (strcmp(word, FOLDER) == 0)
        return g_path_get_dirname(directory);
    if (strcmp(word, BASE) == 0)
        return g_path_get_basename(directory);
    if (strcmp(word, SECONDS) == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT ".%03u", reading->pause_ms / 1000,
                               (guint)(reading->pause_ms % 1000));
    if (strcmp(word, LAST) == 0)
        return g_strdup_printf("--last=%" G_GUINT64_FORMAT "ms", reading->last_ms);
    if (strstr(word, FILE))
        return replace(word, FILE, reading->file);
    return strstr(word, PROFILE) ? replace(word, PROFILE, reading->profile) : g_strdup(word);
}

/* NULL: there is none any more. */
static const char *const *next_words(struct ct_reading *reading)
{
    if (reading->is_kept && reading->kept_step < G_N_ELEMENTS(of_kept))
        return of_kept[reading->kept_step++];
    if (reading->step >= STEPS_MAX || !reading->reader->steps[reading->step][0])
        return NULL;
    return reading->reader->steps[reading->step++];
}

char **ct_reading_next(struct ct_reading *reading, const struct ct_reading_places *places)
{
    const char *const *words = next_words(reading);

    if (!words)
        return NULL;
    char **argv = g_new0(char *, WORDS_MAX + 1);

    for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
        argv[i] = fill(reading, words[i], places);
    return argv;
}
