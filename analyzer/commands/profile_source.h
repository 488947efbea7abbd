/*
 * Where the samples of a profile come from: by which filters it can be asked for, what must have
 * been recorded for it, and how it is gathered. One way for every command that writes a profile.
 */
#ifndef CTRACE_COMMANDS_PROFILE_SOURCE_H
#define CTRACE_COMMANDS_PROFILE_SOURCE_H

#include "cli/scope.h"
#include "summary/profile.h"

/* Borrowed, all of it. */
struct ct_profile_source {
    enum ct_profile_kind kind;
    const char *directory; /* as it was named */
    const struct ct_scope *asked;
    struct ct_filter *filter;
    struct ct_idle *idle;
    struct ct_window window;
    struct ct_profile *profile; /* after ct_profile_source_begin; the caller frees it */
    struct ct_store_scope scope;
};

/* FALSE: such filters are not of this kind, and the error says which. */
gboolean ct_profile_source_check_filters(enum ct_profile_kind kind, const struct ct_scope *asked,
                                         GError **error);

/* Sets profile and scope; the source stays where it is. */
void ct_profile_source_begin(struct ct_profile_source *source);

/* From a store of the recording. FALSE: an error. */
gboolean ct_profile_source_gather(const struct ct_profile_source *source, struct ct_store *store,
                                  const struct ct_model *model, GError **error);

/* FALSE: what such a profile is made of was not recorded. What else is missing is said. */
gboolean ct_profile_source_check_recorded(const struct ct_profile_source *source,
                                          const struct ct_model *model, GError **error);

/* struct ct_profile_sample, of what was gathered; the caller owns it. */
GArray *ct_profile_source_samples(const struct ct_profile_source *source,
                                  const struct ct_model *model);

#endif
