/*
 * The words of the capture event's `layers` and `missing` that a reader looks for: `layers` is a
 * list of layers, and `missing` of notes, each of which begins with what it is about.
 */
#ifndef CTRACE_SCHEMA_CAPTURE_WORDS_H
#define CTRACE_SCHEMA_CAPTURE_WORDS_H

/* Layers, and what a note may be about. */
#define CT_LAYER_PRELOAD "preload"
#define CT_LAYER_KERNEL  "kernel"
#define CT_LAYER_CPU     "cpu"

/* What else a note may be about: waits that were lost, and why. */
#define CT_NOTE_WAITS "waits"

#define CT_LAYER_SEPARATOR ","

/* "kernel: turned off; cpu: ..." */
#define CT_NOTE_SEPARATOR "; "
#define CT_NOTE_COLON     ": "

#endif
