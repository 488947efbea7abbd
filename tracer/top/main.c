/* ctrace top: what the threads of running programs wait for. */
#include "options.h"
#include "plain.h"
#include "record/messages.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#ifdef CTRACE_HAS_SCREEN
#include "screen.h"
#endif

#define USAGE_STATUS 2

/* A thread's times are read again and again from one open file. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Looks until the time is over. */
static void look_for(struct ct_accounts *accounts, uint64_t delay_ns)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)(delay_ns / 1000);
    gint64 left_us;

    while ((left_us = end_us - g_get_monotonic_time()) > 0) {
        gint64 pause_us = (gint64)(ct_accounts_pause_ns(accounts) / 1000);

        g_usleep((gulong)MIN(pause_us, left_us));
        ct_accounts_look(accounts);
    }
}

static int print_once(struct ct_accounts *accounts, const struct ct_top_options *options,
                      const struct ct_cell_context *context)
{
    const struct ct_rows_view view = {
        .compare = ct_top_columns[CT_COLUMN_RUN].compare,
        .is_reversed = ct_top_columns[CT_COLUMN_RUN].is_descending,
        .is_unfolded = options->is_unfolded,
        .folds_idle = !ct_accounts_are_narrow(accounts),
    };
    const struct ct_plain plain = {
        .context = context,
        .view = &view,
        .accounts = accounts,
        .lines_max = options->lines_max,
    };
    g_autoptr(GString) text = g_string_new(NULL);
    struct ct_rows *rows = ct_rows_new();

    ct_accounts_look(accounts);
    ct_rows_refresh(rows, accounts);
    look_for(accounts, options->delay_ns);
    ct_rows_refresh(rows, accounts);
    if (options->is_csv)
        ct_plain_write_csv(text, &plain, rows);
    else
        ct_plain_write(text, &plain, rows);
    ct_rows_free(rows);
    if (fputs(text->str, stdout) >= 0 && fflush(stdout) == 0)
        return 0;
    ct_message("ctrace top: cannot write the table: %s", g_strerror(errno));
    return 1;
}

static int run(const struct ct_top_options *options, GError **error)
{
    struct ct_selection *selection = ct_selection_new(options->targets, options->cgroup, error);
    struct ct_accounts *accounts = selection != NULL ? ct_accounts_new(selection, error) : NULL;

    if (accounts == NULL)
        return 1;
    const struct ct_cell_context context = {
        .describer = ct_describer_new(),
        .is_ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
    };
    int status = 0;

    if (options->is_once)
        status = print_once(accounts, options, &context);
#ifdef CTRACE_HAS_SCREEN
    else
        status = ct_screen_run(accounts, options, &context, error);
#else
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "this ctrace was built without ncurses: use --once");
#endif
    ct_describer_free(context.describer);
    ct_accounts_free(accounts);
    return status;
}

int main(int argc, char **argv)
{
    struct ct_top_options options = {0};
    g_autoptr(GError) error = NULL;
    int status = 0;

    (void)argc;
    ct_messages_init();
    g_set_prgname("ctrace top");
    if (!ct_top_options_parse(&options, argv, &error))
        status = USAGE_STATUS;
    else if (options.is_version)
        printf("ctrace %s\n", CTRACE_VERSION);
    else {
        raise_file_limit();
        status = run(&options, &error);
    }
    if (error != NULL) {
        ct_message("ctrace top: %s%s", error->message,
                   status == USAGE_STATUS ? " (see ctrace top --help)" : "");
        status = MAX(status, 1);
    }
    ct_top_options_clear(&options);
    return status;
}
