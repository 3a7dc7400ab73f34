/* Runner's beginning: from the stored spec to a trainer in memory. A spec that an older release
 * accepted may be refused here; that is the job's failure, never the daemon's. */
#include "server/runner_parts.h"

#include "core/checkpoint.h"
#include "server/spec_json.h"

#include <stdlib.h>

static bool open_plan(struct runner *runner, struct problems *problems, struct error *error)
{
    const struct data_shape *shape = dataset_shape(runner->dataset);
    if (!spec_settle(&runner->spec, shape, NULL, error) ||
        !plan_make(&runner->spec, shape, &runner->plan, problems, NULL, error))
        return false;
    return problems->count == 0 || error_set(error, ERROR_INVALID, problems->items[0].pointer, "%s",
                                             problems->items[0].detail);
}

static bool open_memory(struct runner *runner, struct error *error)
{
    runner->checkpoint = malloc(checkpoint_size(&runner->plan));
    if (!runner->checkpoint)
        return error_set(error, ERROR_MEMORY, "", "no memory for the job's checkpoints");
    return runner_rows_open(&runner->rows, error);
}

bool runner_open(struct runner *runner, struct error *error)
{
    const struct runner_world *world = runner->world;
    struct problems *problems = calloc(1, sizeof(*problems));
    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory to read the spec");
    bool good =
        store_reader(world->store, &runner->reader, error) && course_open(runner, error) &&
        spec_from_stored(runner->course.first, &runner->spec, error) &&
        catalog_open_spec(world->catalog, runner->reader, &runner->spec, &runner->dataset, error) &&
        open_plan(runner, problems, error) && open_memory(runner, error);
    free(problems);
    if (!good)
        return false;
    struct trainer_setup setup = {.spec = &runner->spec,
                                  .plan = &runner->plan,
                                  .dataset = runner->dataset,
                                  .threads =
                                      threads_of_job(&world->threads, &runner->spec, &runner->plan),
                                  .kernels = world->kernels,
                                  .halt = &runner->signals->stop};
    return trainer_new(&setup, &runner->trainer, error);
}

void runner_close(struct runner *runner)
{
    trainer_free(runner->trainer);
    course_close(runner);
    catalog_close(runner->world->catalog, runner->dataset);
    if (runner->reader)
        db_close(runner->reader);
    free(runner->checkpoint);
    runner_rows_close(&runner->rows);
    plan_drop(&runner->plan);
    spec_drop(&runner->spec);
}
