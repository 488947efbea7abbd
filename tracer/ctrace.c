/* The front door: runs its sibling program ctrace-COMMAND, as git does. */
#include "options/nearest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USAGE_STATUS   2
#define MISSING_STATUS 127

/* What a shell asks with, as options/complete.h says. */
#define COMPLETE_OPTION "--complete"

static const struct command {
    const char *name;
    const char *part; /* the package that has it is called ctrace-PART */
    const char *purpose;
} commands[] = {
    {"record", "recorder", "run a program, or attach to one, and record what its threads wait for"},
    {"report", "analyzer", "read a recording in the terminal, or as JSON or CSV"},
    {"pprof", "analyzer", "write a blocking or CPU profile for `go tool pprof`"},
    {"bench", "analyzer", "run a program several times, recorded, and compare with how it was"},
    {"diff", "analyzer", "compare recordings: what changed, and what of that is proven"},
    {"doctor", "analyzer",
     "tell why a profile is empty, what is wrong with the set-up, what to do"},
    {"export", "analyzer",
     "write a recording for Perfetto, speedscope, flame graphs, spreadsheets"},
    {"push", "agent", "send profiles to Pyroscope, Parca or OpenTelemetry"},
    {"query", "analyzer", "ask a recording in SQL"},
    {"recover", "recorder", "finish a recording whose recorder was killed"},
    {"serve", "agent", "answer as Go's net/http/pprof does, for programs that run"},
    {"snapshot", "recorder", "write what a recording that goes on has so far"},
    {"symbolize", "analyzer",
     "find all symbols of a recording, so that it can be read on another host"},
    {"timeline", "viewer", "draw a recording as PNG, SVG or PDF"},
    {"top", "recorder", "watch what the threads of running programs wait for"},
    {"trend", "viewer", "tell how functions' shares moved over a folder of profiles"},
    {"verify", "analyzer", "check that a recording agrees with itself"},
    {"view", "viewer", "walk through a recording in a browser"},
    {"whatif", "analyzer", "tell how long a run would have taken, had something been faster"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *stream)
{
    fprintf(stream, "Usage: ctrace COMMAND [OPTION...] [ARG...]\n\n"
                    "Shows what the threads of a program wait for. Commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].purpose);
    fprintf(stream,
            "  %-10s explain a command\n\n"
            "Start with: ctrace record ./program && ctrace report\n"
            "Every command has --help, and a manual: man ctrace-COMMAND\n",
            "help");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* Beside this program in a build tree, else where it was installed. Returns only on failure. */
static int run(const struct command *command, char **argv)
{
    static const char *const places[] = {"", CTRACE_PROGRAM_PLACE "/"};
    char directory[PATH_MAX];
    char path[PATH_MAX + 256];
    ssize_t length = readlink("/proc/self/exe", directory, sizeof(directory) - 1);

    directory[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s%sctrace-%s", directory, places[i], command->name);
        execv(path, argv);
        if (errno != ENOENT)
            break;
    }
    if (errno == ENOENT)
        fprintf(stderr,
                "ctrace: there is no %s: this part of ctrace is not installed (the package "
                "ctrace-%s has it)\n",
                path, command->part);
    else
        fprintf(stderr, "ctrace: cannot run %s: %s\n", path, strerror(errno));
    return MISSING_STATUS;
}

/* Commands are ASCII: what is not is shown as '?', and no terminal obeys it. */
static void print_safely(FILE *stream, const char *word)
{
    for (; *word != '\0'; word++)
        fputc(*word >= ' ' && *word <= '~' ? *word : '?', stream);
}

static int unknown(const char *command)
{
    const char *names[COMMAND_COUNT + 1] = {"help"};

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i + 1] = commands[i].name;
    const char *meant = ct_nearest(command, names, COMMAND_COUNT + 1);
    fputs("ctrace: there is no command '", stderr);
    print_safely(stderr, command);
    fputs("'", stderr);
    if (meant != NULL)
        fprintf(stderr, ": did you mean ctrace %s?\n", meant);
    else
        fprintf(stderr, "; see ctrace help\n");
    return USAGE_STATUS;
}

static void offer(const char *word, const char *purpose, const char *typed)
{
    if (strncmp(word, typed, strlen(typed)) == 0)
        printf("%s\t%s\n", word, purpose);
}

static void offer_commands(const char *typed)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        offer(commands[i].name, commands[i].purpose, typed);
}

/* What a shell may offer for the last word; each command tells that of its own
 * (options/complete.h). */
static int complete(int count, char **words)
{
    const char *typed = count > 0 ? words[count - 1] : "";
    const struct command *command = count > 1 ? find_command(words[0]) : NULL;

    if (command != NULL) {
        /* "--complete record -" becomes "record --complete -", where it stands. */
        words[-1] = words[0];
        words[0] = (char *)COMPLETE_OPTION;
        return run(command, words - 1);
    }
    puts("words");
    if (count <= 1 || (count == 2 && strcmp(words[0], "help") == 0))
        offer_commands(typed);
    if (count <= 1) {
        offer("help", "explain a command", typed);
        offer("--help", "list the commands", typed);
        offer("--version", "print the version", typed);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int help(const char *name)
{
    char *arguments[] = {(char *)name, "--help", NULL};
    const struct command *command = name != NULL ? find_command(name) : NULL;

    if (name != NULL)
        return command != NULL ? run(command, arguments) : unknown(name);
    print_usage(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return USAGE_STATUS;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(argv[1], "--version") == 0) {
        printf("ctrace %s\n", CTRACE_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (strcmp(argv[1], COMPLETE_OPTION) == 0)
        return complete(argc - 2, argv + 2);
    const struct command *command = find_command(argv[1]);

    return command != NULL ? run(command, argv + 1) : unknown(argv[1]);
}
