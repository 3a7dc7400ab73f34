/* Init_from: the rows and rules of the weights that a run takes over. Knows nothing of jobs, files
 * or how they are read. */
#ifndef CORE_INIT_FROM_H
#define CORE_INIT_FROM_H

#include "core/spec.h"

extern const struct fields init_from_fields;

/* Fills in what depends on other fields and checks the rules between them. */
void init_from_complete(struct spec_init_from *init, const char *pointer,
                        struct problems *problems);

#endif
