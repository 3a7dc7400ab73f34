/* Little: `traind train` as main calls it, on a data set of small images in the test's folder. All
 * of these fail the test when they cannot do what they say. */
#ifndef TESTS_SERVER_LITTLE_H
#define TESTS_SERVER_LITTLE_H

enum { LITTLE_SIDE = 8, LITTLE_TRAIN = 512, LITTLE_OUTPUT = 1 << 16 };

/* Writes the images to data/little: 32 steps of 16 in an epoch. */
void little_data(void);
/* Pixel `pixel` of a training sample. */
int little_pixel(int sample, int pixel);
void little_text(const char *path, const char *text);

/* A spec that learns them, and the words that train spec.json. */
extern const char little_spec[];
extern const char *const little_usual[];

/* Runs the command with both outputs in a file; its exit status. */
int little_train(const char *const *words, char output[LITTLE_OUTPUT]);
/* The output has that text in it. */
void little_wants(const char *output, const char *text);

#endif
