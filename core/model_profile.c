/* Model: its ops by name, and where their time goes. See model.h. */
#include "core/model_state.h"

int model_ops(const struct model *model)
{
    return model->node_count;
}

struct model_op model_op(const struct model *model, int index)
{
    const struct node *node = &model->nodes[index];
    return (struct model_op){node->layer, node->layers, node->op.kernel};
}

void model_profile(struct model *model, struct profile *profile)
{
    model->run->profile = profile;
}
