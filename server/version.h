/* Version: the number of this release. `traind version` prints it with the kernels of this build
 * (see kernels_describe in core/trainer.h). */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#define TRAIND_VERSION "0.1.0"

#endif
