/*
 * Everything that is read from a line of text: times, patterns of names, the command line, maps of
 * code that was made at run time, and names of functions. The first byte chooses.
 */
#include "cli/scope.h"
#include "cli/window.h"
#include "fuzz.h"
#include "model/selection.h"
#include "options/parse.h"
#include "record/options.h"
#include "schema/recording_files.h"
#include "symbols/demangle.h"
#include "symbols/jit_map.h"
#include "symbols/short_name.h"

#include <stdlib.h>

static void fuzz_time(struct fuzz_input *input)
{
    const struct ct_recorded_time recording = {{1000, UINT64_C(5000000000)},
                                               INT64_C(1700000000000000000)};
    g_autofree char *from = fuzz_take_line(input);
    g_autofree char *to = fuzz_take_line(input);
    struct ct_moment first, last;
    struct ct_window window;
    uint64_t duration_ns;

    ct_duration_parse(from, &duration_ns, NULL);
    if (!ct_moment_parse(from, &first, NULL) || !ct_moment_parse(to, &last, NULL))
        return;
    FUZZ_REQUIRE(first.kind != CT_MOMENT_SHARE || (first.share >= 0 && first.share <= 1));
    if (!ct_window_resolve(&first, &last, &recording, &window, NULL))
        return;
    FUZZ_REQUIRE(recording.extent.begin_ns <= window.begin_ns && window.begin_ns < window.end_ns &&
                 window.end_ns <= recording.extent.end_ns);
}

/* Arguments of that program, a line each. */
static char **take_arguments(struct fuzz_input *input, const char *program)
{
    g_autoptr(GStrvBuilder) lines = g_strv_builder_new();

    g_strv_builder_add(lines, program);
    while (input->left > 0) {
        g_autofree char *line = fuzz_take_line(input);

        g_strv_builder_add(lines, line);
    }
    return g_strv_builder_end(lines);
}

static char *take_valid_line(struct fuzz_input *input)
{
    g_autofree char *line = fuzz_take_line(input);

    return g_utf8_make_valid(line, -1);
}

static void fuzz_selection(struct fuzz_input *input)
{
    /* As those of models and of the command line are. */
    g_autofree char *name = take_valid_line(input);
    g_autofree char *process_name = take_valid_line(input);
    g_autoptr(GStrvBuilder) patterns = g_strv_builder_new();
    struct ct_process process = {.pid = 7, .name = process_name};
    const struct ct_thread thread = {.process = &process, .tid = 8, .name = name};

    while (input->left > 0) {
        g_autofree char *pattern = take_valid_line(input);

        g_strv_builder_add(patterns, pattern);
    }
    g_auto(GStrv) wanted = g_strv_builder_end(patterns);
    const struct ct_selection selections[] = {{.processes = (const char *const *)wanted},
                                              {.threads = (const char *const *)wanted}};

    for (size_t i = 0; i < G_N_ELEMENTS(selections); i++) {
        gboolean is_in = ct_selection_has_thread(&selections[i], &thread);

        FUZZ_REQUIRE(is_in || !ct_selection_is_all(&selections[i]));
    }
}

/* --help, --version and --complete end the program, as they should. */
static gboolean ends_program(char **arguments)
{
    for (; *arguments; arguments++) {
        if (strstr(*arguments, "--h") || strstr(*arguments, "--v") || strchr(*arguments, '?') ||
            (**arguments == '-' && strchr(*arguments, 'h')) ||
            g_str_equal(*arguments, "--complete"))
            return TRUE;
    }
    return FALSE;
}

static void fuzz_record_options(struct fuzz_input *input)
{
    g_auto(GStrv) arguments = take_arguments(input, "ctrace record");
    struct ct_record_options options = {0};

    if (ends_program(arguments))
        return;
    if (ct_record_options_parse(&options, arguments, NULL))
        FUZZ_REQUIRE((options.program != NULL) != (options.targets != NULL));
    ct_record_options_clear(&options);
}

static void fuzz_scope_options(struct fuzz_input *input)
{
    struct ct_scope scope = {0};
    char **directories = NULL;
    const GOptionEntry entries[] = {
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, NULL, "[DIR]"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = take_arguments(input, "ctrace report");

    if (ends_program(arguments))
        return;
    g_option_context_add_main_entries(context, entries, NULL);
    ct_scope_add_options(&scope, context);
    ct_scope_refuse_threads(&scope, context);
    if (ct_options_parse(context, entries, &arguments, NULL))
        ct_scope_check(&scope, NULL);
    ct_scope_clear(&scope);
    g_strfreev(directories);
}

static void fuzz_jit_map(struct fuzz_input *input)
{
    g_autofree char *path = g_build_filename(fuzz_folder(), CT_JIT_FOLDER, "7" CT_JIT_SUFFIX, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    const uint64_t asked[] = {fuzz_take_u64(input), 0, 0x1000, 0x1fff, UINT64_MAX};

    g_mkdir_with_parents(folder, 0700);
    fuzz_write_file(path, input->at, input->left);
    struct ct_jit_map *map = ct_jit_map_open(path);

    FUZZ_REQUIRE(map != NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
        const char *name = ct_jit_map_find(map, asked[i]);

        FUZZ_REQUIRE(!name || g_utf8_validate(name, -1, NULL));
    }
    ct_jit_map_free(map);
}

static void fuzz_name(struct fuzz_input *input)
{
    g_autofree char *name = fuzz_take_line(input);
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *shortened = ct_short_name(valid);

    FUZZ_REQUIRE(g_utf8_validate(shortened, -1, NULL));
    FUZZ_REQUIRE(g_utf8_strlen(shortened, -1) <= CT_SHORT_NAME_CHARACTERS);
    free(ct_demangle(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct fuzz_input *) = {
        fuzz_time, fuzz_selection, fuzz_record_options, fuzz_scope_options, fuzz_jit_map, fuzz_name,
    };
    struct fuzz_input input = {data, size};

    if (size > 0)
        targets[fuzz_take_u8(&input) % G_N_ELEMENTS(targets)](&input);
    return 0;
}
