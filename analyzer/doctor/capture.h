/* What a recording says of itself: why it has less than was hoped for, and what to do. */
#ifndef CTRACE_DOCTOR_CAPTURE_H
#define CTRACE_DOCTOR_CAPTURE_H

#include "model/model.h"

/* Layers that were not live, or not wholly, by the recorder's notes. */
void ct_doctor_add_layers(GPtrArray *advices, const char *subject,
                          const struct ct_capture *capture);

/* Processes that the library was not in, and what was lost. */
void ct_doctor_add_losses(GPtrArray *advices, const char *subject,
                          const struct ct_capture *capture);

/* What keeps the library out of a program, an obstacle of the schema's, and what to do; "" if
 * nothing does. Both borrowed. */
const char *ct_doctor_obstacle_words(int obstacle);
const char *ct_doctor_obstacle_advice(int obstacle);

#endif
