#include "serve/pushing_options.h"

#include "push/address.h"
#include "system/targets.h"

#include <string.h>

void ct_pushing_given_list(struct ct_pushing_given *given, GOptionEntry *entries)
{
    const GOptionEntry all[CT_PUSHING_ENTRIES] = {
        {"push", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given->targets,
         "Send what is collected to TARGET, too, as ctrace push does; several may be given",
         "TARGET"},
        {"push-name", 0, 0, G_OPTION_ARG_STRING, &given->name,
         "Whose profiles they are there (by default, what is served, by its name)", "NAME"},
        {"push-label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given->labels,
         "Find them by this there, too: env=prod; several may be given", "KEY=VALUE"},
    };

    memcpy(entries, all, sizeof(all));
}

static gboolean refuse(GError **error, const char *words)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, words);
    return FALSE;
}

static gboolean is_target(const char *text, GError **error)
{
    enum ct_push_protocol_kind kind;
    g_autoptr(GUri) address = ct_push_address_parse(text, &kind, error);

    return address != NULL;
}

gboolean ct_pushing_given_check(const struct ct_pushing_given *given, gboolean is_collecting,
                                GError **error)
{
    if (!given->targets && (given->name || given->labels))
        return refuse(error, "--push-name and --push-label go with --push: add "
                             "--push=pyroscope:http://host:4040, say");
    if (given->targets && !is_collecting)
        return refuse(error, "--push sends what is collected: add --every=60s");
    for (char **target = given->targets; target && *target; target++)
        if (!is_target(*target, error))
            return FALSE;
    for (char **label = given->labels; label && *label; label++)
        if (!ct_push_check_label(*label, error))
            return FALSE;
    return !given->name || ct_push_check_application(given->name, error);
}

/* ---- Whose they are ---- */

static char *name_of_process(const struct ct_served *served, pid_t pid)
{
    g_autoptr(GArray) list = ct_served_list(served);

    for (guint i = 0; i < list->len; i++) {
        const struct ct_served_process *process = &g_array_index(list, struct ct_served_process, i);

        if (process->pid == pid)
            return g_strdup(process->name);
    }
    return NULL;
}

static char *name_of_served(const struct ct_served *served, const char *const *program)
{
    if (program)
        return g_path_get_basename(program[0]);
    if (served->cgroup)
        return g_path_get_basename(served->cgroup);
    if (served->words->len != 1)
        return NULL;
    const char *word = served->words->pdata[0];
    pid_t pid = ct_target_pid(word);

    return pid > 0 ? name_of_process(served, pid) : g_strdup(word);
}

char *ct_pushing_given_name(const struct ct_pushing_given *given, const struct ct_served *served,
                            const char *const *program)
{
    g_autofree char *name = given->name ? g_strdup(given->name) : name_of_served(served, program);

    /* What no target takes is no reason not to send them. */
    return name && ct_push_check_application(name, NULL) ? g_steal_pointer(&name) : NULL;
}

/* ---- For another command line ---- */

static void add_word(GStrvBuilder *words, const char *option, const char *value)
{
    g_autofree char *word = g_strconcat(option, value, NULL);

    g_strv_builder_add(words, word);
}

void ct_pushing_given_add_words(const struct ct_pushing_given *given, GStrvBuilder *words)
{
    for (char **target = given->targets; target && *target; target++)
        add_word(words, "--push=", *target);
    if (given->name)
        add_word(words, "--push-name=", given->name);
    for (char **label = given->labels; label && *label; label++)
        add_word(words, "--push-label=", *label);
}

void ct_pushing_given_clear(struct ct_pushing_given *given)
{
    g_strfreev(given->targets);
    g_free(given->name);
    g_strfreev(given->labels);
}
