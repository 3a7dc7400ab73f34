/* Tests of `traind train` on specs that change a run's course or its beginning. */
#include "tests/harness.h"
#include "tests/server/little.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

TEST("a run says why it ends early, when its rate falls and when it goes back")
{
    static char output[LITTLE_OUTPUT];
    static const char start[] =
        "{\"dataset\": {\"name\": \"little\"}, \"seed\": 1, \"batch_size\": "
        "16, \"model\": [\"flatten\", {\"type\": \"linear\", "
        "\"out_features\": 8}, {\"type\": \"linear\", \"out_features\": 4}], ";
    char text[800];

    little_data();
    snprintf(text, sizeof(text),
             "%s\"epochs\": 9, \"optimizer\": \"adam\", \"lr_schedule\": {\"type\": "
             "\"reduce_on_plateau\", \"threshold\": 1, \"patience\": 0}, \"early_stopping\": "
             "{\"patience\": 2, \"min_delta\": 100}}",
             start);
    little_text("spec.json", text);
    CHECK_INT(little_train(little_usual, output), 0);
    little_wants(output, "the rate falls from 0.001 to 0.0001\n");
    little_wants(output, "val_loss has not improved in 2 evaluations: early stopping\n");
    little_wants(output, "after 96 steps");
    snprintf(text, sizeof(text),
             "%s\"epochs\": 3, \"optimizer\": {\"type\": \"sgd\", \"lr\": 1e6}, "
             "\"on_divergence\": {\"rollback\": true, \"lr_factor\": 1e-8, \"max_retries\": 1}}",
             start);
    little_text("spec.json", text);
    CHECK_INT(little_train(little_usual, output), 0);
    little_wants(output, "back to step 0, with a smaller rate\n");
    little_wants(output, "after 96 steps");
    snprintf(text, sizeof(text),
             "%s\"epochs\": 3, \"optimizer\": {\"type\": \"sgd\", \"lr\": 1e6}, "
             "\"on_divergence\": {\"rollback\": true, \"lr_factor\": 0.9, \"max_retries\": 2}}",
             start);
    little_text("spec.json", text);
    CHECK_INT(little_train(little_usual, output), 1);
    little_wants(output, "after 2 returns to a checkpoint");
}

TEST("a run begins with the weights of a file, named by --weights or kept in the server's folder")
{
    static char output[LITTLE_OUTPUT];
    static const char from[] =
        "{\"dataset\": {\"name\": \"little\"}, \"seed\": 7, \"max_steps\": 1, "
        "\"batch_size\": 16, \"optimizer\": {\"type\": \"sgd\", \"lr\": 0},"
        " \"init_from\": {\"weights\": \"%s\"}, \"model\": [{\"type\": \"conv2d\", "
        "\"out_channels\": 4, \"kernel_size\": 3}, \"relu\", \"flatten\","
        " {\"type\": \"linear\", \"out_features\": %d}]}";
    const char *const first[] = {"spec.json", "--data=little=data/little", "--out=kept", NULL};
    const char *const named[] = {"spec.json", "--data=little=data/little", "--weights=w=kept",
                                 NULL};
    const char *const stored[] = {"spec.json", "--data=little=data/little", NULL};
    char text[700];

    little_data();
    little_text("spec.json", little_spec);
    CHECK_INT(little_train(first, output), 0);
    snprintf(text, sizeof(text), from, "w", 4);
    little_text("spec.json", text);
    CHECK_INT(little_train(named, output), 0);
    little_wants(output,
                 "test accuracy 1.0000"); /* with a rate of 0 only the weights can know that */
    CHECK_INT(little_train(stored, output), 2);
    little_wants(output, "/init_from/weights: there is no file traind-data/weights/w.safetensors");
    CHECK(mkdir("server", 0700) == 0 && mkdir("server/weights", 0700) == 0);
    CHECK(rename("kept", "server/weights/w.safetensors") == 0);
    CHECK(setenv("TRAIND_DATA_DIR", "server", 1) == 0);
    CHECK_INT(little_train(stored, output), 0);
    little_wants(output, "test accuracy 1.0000");
    little_text("spec.json",
                "{\"dataset\": {\"name\": \"little\"}, \"optimizer\": \"sgd\", \"model\": "
                "[\"flatten\", {\"type\": \"linear\", \"out_features\": 4}], "
                "\"init_from\": {\"job\": \"abc\"}}");
    CHECK_INT(little_train(stored, output), 2);
    little_wants(output, "/init_from/job: no server runs here");
}
