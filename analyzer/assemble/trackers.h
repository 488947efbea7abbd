/* The trackers that a record may be told to: what handlers of events have in common. */
#ifndef CTRACE_ASSEMBLE_TRACKERS_H
#define CTRACE_ASSEMBLE_TRACKERS_H

#include "assemble/call_dedup.h"
#include "assemble/calls.h"
#include "assemble/capture.h"
#include "assemble/descriptors.h"
#include "assemble/lives.h"
#include "assemble/samples.h"
#include "assemble/tables.h"

struct ct_trackers {
    struct ct_model *model; /* borrowed */
    struct ct_output *output;
    struct ct_extent *extent;
    struct ct_told_capture *capture;
    struct ct_binding *binding;
    struct ct_lives *lives;
    struct ct_tables *tables;
    struct ct_descriptors *descriptors;
    struct ct_waits *waits;
    struct ct_call_dedup *dedup;
    struct ct_reasons *reasons;
    struct ct_calls *calls;
    struct ct_samples *samples;
};

#endif
