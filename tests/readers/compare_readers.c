/*
 * compare_readers [--seeds=COUNT] [--first=SEED] [--direct] DIRECTORY...: reads each recording with
 * the direct reader and with babeltrace2, and tells where what they make of it differs. With seeds:
 * so many times, each time with other changes in it. With --direct: it is a failure if the direct
 * reader does not take a recording that is not changed.
 *
 * Of a damaged trace the direct reader may say less than babeltrace2, but nothing else, and where
 * babeltrace2 finds damage it has to find some, too; babeltrace2 does not tell of every event that
 * its packet cuts off. It may tell more exactly how many events are lost before a first packet, and
 * an empty string is empty, not what was in its place before.
 */
#include "mutate.h"
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    int seeds;
    int first;
    gboolean must_be_direct;
};

struct tally {
    guint taken;  /* by the direct reader */
    guint events; /* of these */
    guint damaged;
    guint left; /* to babeltrace2 */
    guint failures;
};

static void compare(const char *directory, const char *what, struct tally *tally)
{
    struct recorded direct, oracle;
    g_autofree char *difference = NULL;

    recorded_read(&direct, &ct_source_direct, directory);
    if (direct.is_read) {
        recorded_read(&oracle, &ct_source_babeltrace, directory);
        difference = recorded_compare(&direct, &oracle);
        tally->taken++;
        tally->events += direct.events->len;
        tally->damaged += direct.result.damage != NULL;
        recorded_clear(&oracle);
    } else {
        tally->left++;
    }
    recorded_clear(&direct);
    if (!difference)
        return;
    printf("%s: %s\n", what, difference);
    tally->failures++;
}

/* babeltrace2 ends the program for some traces; that is a failure where the direct reader takes
 * them. */
static void compare_apart(const char *directory, const char *what, struct tally *tally)
{
    struct tally *shared = g_new0(struct tally, 1);
    int ends[2];
    int status;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0)
        exit(EXIT_FAILURE);
    child = fork();
    if (child == 0) {
        compare(directory, what, tally);
        fflush(stdout);
        _exit(write(ends[1], tally, sizeof(*tally)) == sizeof(*tally) ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
        read(ends[0], shared, sizeof(*shared)) == sizeof(*shared)) {
        *tally = *shared;
    } else {
        printf("%s: ended by a reader\n", what);
        tally->failures++;
    }
    close(ends[0]);
    g_free(shared);
}

static void compare_mutated(const char *directory, const struct options *options,
                            struct tally *tally)
{
    struct mutation *mutation = mutation_new(directory);

    if (!mutation) {
        printf("%s: cannot be copied\n", directory);
        tally->failures++;
        return;
    }
    for (int i = 0; i < options->seeds; i++) {
        guint32 seed = (guint32)(options->first + i);
        g_autofree char *what =
            g_strdup_printf("%s, seed %u: %s", directory, seed, mutation_apply(mutation, seed));

        /* Only what is not a stream is read apart: that takes its time. */
        if (strstr(what, "/metadata"))
            compare_apart(mutation_directory(mutation), what, tally);
        else
            compare(mutation_directory(mutation), what, tally);
        mutation_undo(mutation);
    }
    mutation_free(mutation);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    const GOptionEntry entries[] = {
        {"seeds", 0, 0, G_OPTION_ARG_INT, &options.seeds, "so many changed ones of each", "COUNT"},
        {"first", 0, 0, G_OPTION_ARG_INT, &options.first, "the first seed", "SEED"},
        {"direct", 0, 0, G_OPTION_ARG_NONE, &options.must_be_direct, "the direct reader must",
         NULL},
        {0}};
    g_autoptr(GOptionContext) context = g_option_context_new("DIRECTORY...");
    g_autoptr(GError) error = NULL;
    struct tally tally = {0};

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc < 2) {
        fprintf(stderr, "compare_readers: %s\n", error ? error->message : "no directory");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        if (options.seeds > 0)
            compare_mutated(argv[i], &options, &tally);
        else
            compare_apart(argv[i], argv[i], &tally);
    }
    printf("%u recordings taken directly (%u events, %u damaged), %u left to babeltrace2, %u "
           "failures\n",
           tally.taken, tally.events, tally.damaged, tally.left, tally.failures);
    if (options.must_be_direct && options.seeds == 0)
        tally.failures += tally.left;
    return tally.failures > 0 || tally.taken == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
