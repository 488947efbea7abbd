#include "exec_environment.h"

#include "preload/core/memory.h"
#include "preload/core/storage.h"
#include "preload/core/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LOADER_VARIABLE "LD_PRELOAD"

/* Stands in every loader setting that loads this library; first in the recorder's, or behind the
 * one that hooks the allocator. */
#define OWN_LIBRARY "libctrace-preload.so"

/* An environment of more strings passes as it is. */
#define MAX_STRINGS 65536

/* The kernel refuses longer ones. */
#define STRING_SIZE_MAX (128 * 1024)

#define PAGE_SIZE 4096 /* the smallest of any machine */

#define LOADER_SETTING_SIZE  8192
#define SESSION_SETTING_SIZE 4200

/* What is kept of the environment, one after the other: where most settings have room, it is on a
 * page that is written to anyway. */
static char kept[512];
static size_t kept_size;
static CT_LARGE char kept_long[LOADER_SETTING_SIZE + SESSION_SETTING_SIZE + PATH_MAX];
static size_t kept_long_size;

struct ct_exec_settings ct_exec_settings = {.loader = "", .session = "", .library = ""};

/* Of the value, up to `size` bytes. */
static const char *keep(const char *prefix, const char *value, size_t size)
{
    bool is_long = strlen(prefix) + size >= sizeof(kept) - kept_size;
    char *begin = is_long ? kept_long + kept_long_size : kept + kept_size;
    struct ct_text text = ct_text_begin(begin, is_long ? sizeof(kept_long) - kept_long_size
                                                       : sizeof(kept) - kept_size);

    ct_text_string(&text, prefix);
    ct_text_bytes(&text, value, size);
    *(is_long ? &kept_long_size : &kept_size) += strlen(begin) + 1;
    return begin;
}

/* "" if it is not there, or longer. */
static const char *keep_setting(const char *prefix, const char *value, size_t size)
{
    if (value == NULL || strlen(prefix) + strlen(value) + 1 > size)
        return "";
    return keep(prefix, value, strlen(value));
}

static void find_library(void)
{
    const char *end = strstr(ct_exec_settings.loader, OWN_LIBRARY);

    if (end == NULL)
        return;
    const char *begin = end;
    while (begin > ct_exec_settings.loader && begin[-1] != '=' && begin[-1] != ':' &&
           begin[-1] != ' ')
        begin--;
    ct_exec_settings.library = keep("", begin, (size_t)(end - begin) + strlen(OWN_LIBRARY));
}

void ct_exec_init(void)
{
    ct_exec_settings.loader =
        keep_setting(LOADER_VARIABLE "=", getenv(LOADER_VARIABLE), LOADER_SETTING_SIZE);
    ct_exec_settings.session =
        keep_setting(CT_SESSION_VARIABLE "=", getenv(CT_SESSION_VARIABLE), SESSION_SETTING_SIZE);
    find_library();
}

const char *ct_exec_session(void)
{
    const char *setting = ct_exec_settings.session;

    return setting[0] != '\0' ? setting + strlen(CT_SESSION_VARIABLE "=") : NULL;
}

bool ct_exec_has_hooks(void)
{
    return ct_exec_settings.session[0] != '\0' && ct_exec_settings.loader[0] != '\0' &&
           ct_control != NULL;
}

static bool has_name(const char *setting, const char *name)
{
    size_t length = strlen(name);

    return strncmp(setting, name, length) == 0 && setting[length] == '=';
}

/* What a loader setting of ours loads besides: what the user had it load, or NULL. */
static const char *others_in(const char *setting)
{
    const char *own = strstr(setting, OWN_LIBRARY);

    if (own == NULL || own[strlen(OWN_LIBRARY)] != ':')
        return NULL;
    return own + strlen(OWN_LIBRARY) + 1;
}

/* Of the array from here on: looking beyond may be looking where nothing is. */
static size_t size_on_page(char *const *next)
{
    size_t left = PAGE_SIZE - (uintptr_t)next % PAGE_SIZE;

    return left < sizeof(*next) ? left + PAGE_SIZE : left;
}

struct ct_follow ct_exec_plan(char *const environment[], enum ct_obstacle obstacle)
{
    struct ct_follow follow = {0};
    bool has_session = false;
    size_t readable = 0; /* of the array */
    uintptr_t known_page = 0;

    if (!ct_exec_has_hooks())
        return follow;
    follow.wants_session = ct_control->follows_children != 0 && obstacle != CT_OBSTACLE_PRIVILEGED;
    follow.wants_library = follow.wants_session && !ct_obstacle_is_left_out(obstacle);
    for (; environment != NULL; follow.count++) {
        char *const *next = &environment[follow.count];
        if (follow.count == readable)
            readable += ct_memory_readable(next, size_on_page(next)) / sizeof(*next);
        if (follow.count == readable)
            return follow;
        const char *setting = *next;
        if (setting == NULL)
            break;
        if (follow.count == MAX_STRINGS ||
            !ct_memory_is_string(setting, STRING_SIZE_MAX, &known_page))
            return follow;
        if (has_name(setting, LOADER_VARIABLE))
            follow.loader = setting;
        has_session = has_session || has_name(setting, CT_SESSION_VARIABLE);
    }
    bool has_library = follow.loader != NULL && strstr(follow.loader, OWN_LIBRARY) != NULL;
    if (follow.wants_session == has_session && follow.wants_library == has_library)
        return follow;
    follow.size = (follow.count + 3) * sizeof(char *) + strlen(ct_exec_settings.loader) + 2 +
                  (follow.loader != NULL ? strlen(follow.loader) : 0);
    return follow;
}

/* The new loader setting; "" if there is to be none. */
static void write_loader(const struct ct_follow *follow, char *loader)
{
    bool has_library = follow->loader != NULL && strstr(follow->loader, OWN_LIBRARY) != NULL;
    const char *others = has_library              ? others_in(follow->loader)
                         : follow->loader != NULL ? follow->loader + sizeof(LOADER_VARIABLE)
                                                  : NULL;

    strcpy(loader, follow->wants_library ? ct_exec_settings.loader
                   : others != NULL      ? LOADER_VARIABLE "="
                                         : "");
    if (has_library && follow->wants_library) {
        strcpy(loader, follow->loader);
    } else if (others != NULL) {
        strcat(loader, follow->wants_library ? ":" : "");
        strcat(loader, others);
    }
}

char **ct_exec_change(const struct ct_follow *follow, char *const environment[], void *room)
{
    char **changed = room;
    char *loader = (char *)(changed + follow->count + 3);
    size_t used = 0;

    for (size_t i = 0; i < follow->count; i++)
        if (!has_name(environment[i], LOADER_VARIABLE) &&
            !has_name(environment[i], CT_SESSION_VARIABLE))
            changed[used++] = environment[i];
    write_loader(follow, loader);
    if (loader[0] != '\0')
        changed[used++] = loader;
    if (follow->wants_session)
        changed[used++] = (char *)ct_exec_settings.session;
    changed[used] = NULL;
    return changed;
}
