// The networks that are exported: every kind of layer with the options that change what is written,
// and some that people really train. Each is a job's `model`; what else it has is in `job`.

/** Weights so large that samples give different answers after a few steps. */
const init = { type: "kaiming_normal" };

const conv = (out_channels, kernel_size, options = {}) => ({
    type: "conv2d",
    out_channels,
    kernel_size,
    init,
    ...options,
});
const local = (out_channels, kernel_size, options = {}) => ({
    type: "locally_connected2d",
    out_channels,
    kernel_size,
    init,
    ...options,
});
const pool = (kind, kernel_size, options = {}) => ({
    type: `${kind}_pool2d`,
    kernel_size,
    ...options,
});
const linear = (out_features, options = {}) => ({ type: "linear", out_features, init, ...options });
const RELU = { type: "relu" };
const NORM = { type: "batch_norm2d" };
const END = [{ type: "flatten" }, linear(5)];
/** A network around one thing. */
const around = (...layers) => ({ model: [conv(6, 3), ...layers, ...END] });

const block = (out, stride = 1) => [
    {
        type: "residual",
        body: [
            conv(out, 3, { stride, padding: 1, bias: false }),
            NORM,
            RELU,
            conv(out, 3, { padding: 1, bias: false }),
            NORM,
        ],
        ...(stride > 1 && { shortcut: [conv(out, 1, { stride, bias: false }), NORM] }),
    },
    RELU,
];

/** Optimizers and schedules, for the functions of the script that make them: each of either. */
const optimizers = [
    { type: "sgd", lr: 0.01, momentum: 0.9, weight_decay: 0.001 },
    { type: "adagrad", lr: 0.01, lr_decay: 0.1, initial_accumulator_value: 0.2 },
    { type: "rmsprop", alpha: 0.9, centered: true, momentum: 0.5 },
    { type: "adam", betas: [0.8, 0.99], amsgrad: true, eps_inside_sqrt: true },
    { type: "adamw", weight_decay: 0.1 },
    { type: "nadam", momentum_decay: 0.01 },
    { type: "adabound" },
];
const schedules = [
    { type: "constant" },
    { type: "step", step_size: 2, gamma: 0.5 },
    { type: "multistep", milestones: [3, 7], unit: "step" },
    { type: "exponential", gamma: 0.9, unit: "step" },
    { type: "cosine", eta_min: 0.001 },
    { type: "cosine", t_max: 5, unit: "step" },
    { type: "cosine_restarts", t_0: 1, t_mult: 2 },
    { type: "cyclic", base_lr: 0.001, max_lr: 0.01, step_size_up: 3, mode: "triangular2" },
    { type: "one_cycle", max_lr: 0.01, pct_start: 0.4 },
    { type: "linear", total_iters: 3 },
    { type: "polynomial", total_iters: 20, power: 2, unit: "step" },
    {
        type: "piecewise",
        points: [
            [1, 0.01],
            [5, 0.001],
        ],
    },
    { type: "reduce_on_plateau", metric: "val_accuracy", patience: 1 },
    { type: "cosine", warmup: { steps: 4 } },
];
const courses = Object.fromEntries(
    schedules.map((lr_schedule, i) => {
        const optimizer = optimizers[i % optimizers.length];
        const job = { optimizer, lr_schedule, epochs: 4, max_steps: undefined };
        return [
            `${lr_schedule.type} of ${optimizer.type}, ${i}`,
            { model: [{ type: "flatten" }, linear(5)], job },
        ];
    }),
);

export const networks = {
    ...courses,
    "conv2d: stride, dilation, groups, a kernel that is no square": {
        model: [
            conv(6, [3, 5], { stride: [2, 1], padding: [1, 4], groups: 3 }),
            conv(4, [2, 3], { dilation: [2, 1], bias: false }),
            ...END,
        ],
    },
    "conv2d: same padding, of an even kernel too": {
        model: [
            conv(4, [4, 3], { padding: "same", dilation: [1, 2] }),
            conv(4, 2, { padding: "valid" }),
            ...END,
        ],
    },
    ...Object.fromEntries(
        ["reflect", "replicate", "circular"].map((padding_mode) => [
            `conv2d: ${padding_mode} padding`,
            {
                model: [
                    conv(4, 3, { padding: [2, 3], padding_mode }),
                    conv(4, [4, 2], { padding: "same", padding_mode }),
                    ...END,
                ],
            },
        ]),
    ),
    "conv2d: flipped kernels": {
        model: [
            conv(6, [3, 2], { flip_kernel: true }),
            conv(4, 3, { flip_kernel: true, groups: 2, padding: 1, padding_mode: "reflect" }),
            conv(4, 1, { flip_kernel: true }),
            ...END,
        ],
    },
    locally_connected2d: {
        model: [
            local(4, [3, 2], { stride: [2, 1], padding: [1, 0] }),
            local(3, 2, { dilation: 2, bias: false }),
            ...END,
        ],
    },
    "locally_connected2d: padding modes": {
        model: [
            local(3, 3, { padding: 1, padding_mode: "circular" }),
            local(3, 3, { stride: 2, padding: 2, padding_mode: "reflect" }),
            local(2, 2, { padding: "same", padding_mode: "replicate" }),
            ...END,
        ],
    },
    "max_pool2d: padding and rounding up": around(
        pool("max", [3, 2], { stride: 2, padding: 1, ceil_mode: true }),
        pool("max", 2, { ceil_mode: true }),
        pool("max", 2),
    ),
    "avg_pool2d: padding counts": around(
        pool("avg", [3, 4], { stride: [2, 3], padding: [1, 2] }),
        pool("avg", 2, { stride: 1 }),
    ),
    "avg_pool2d: padding counts, rounding up": around(
        pool("avg", [3, 4], { stride: [3, 3], padding: [1, 2], ceil_mode: true }),
        pool("avg", [3, 2], { stride: 2, padding: [1, 0], ceil_mode: true }),
    ),
    "avg_pool2d: padding does not count": around(
        pool("avg", 3, { stride: 2, padding: 1, count_include_pad: false }),
        pool("avg", [3, 4], {
            stride: 3,
            padding: 1,
            count_include_pad: false,
            ceil_mode: true,
        }),
    ),
    "adaptive_avg_pool2d: one, even and uneven parts, more than pixels": around(
        { type: "adaptive_avg_pool2d", output_size: [7, 4] },
        { type: "adaptive_avg_pool2d", output_size: [7, 2] },
        { type: "adaptive_avg_pool2d", output_size: [9, 2] },
        { type: "adaptive_avg_pool2d", output_size: [3, 2] },
        { type: "adaptive_avg_pool2d", output_size: 1 },
    ),
    "batch_norm2d: with and without numbers to learn": around(
        { type: "batch_norm2d", eps: 0.01, momentum: 0.3 },
        RELU,
        { type: "batch_norm2d", affine: false },
    ),
    "dropout, dropout2d": {
        model: [
            conv(6, 3),
            { type: "dropout2d", p: 0.3 },
            { type: "flatten" },
            { type: "dropout", p: 0.4 },
            linear(5),
            { type: "dropout", p: 0 },
        ],
    },
    ...Object.fromEntries(
        [
            RELU,
            { type: "leaky_relu", negative_slope: 0.2 },
            { type: "elu", alpha: 0.7 },
            { type: "gelu" },
            { type: "gelu", approximate: "tanh" },
            { type: "silu" },
            { type: "sigmoid" },
            { type: "tanh" },
        ].map((layer) => [Object.values(layer).join(" "), around(layer, conv(4, 3), layer)]),
    ),
    "linear without bias": { model: [{ type: "flatten" }, linear(9, { bias: false }), linear(5)] },
    "residual and concat in each other": {
        model: [
            {
                type: "concat",
                branches: [
                    [],
                    [conv(4, 1), RELU],
                    [
                        pool("max", 3, { stride: 1, padding: 1 }),
                        {
                            type: "residual",
                            body: [
                                { type: "concat", branches: [[conv(1, 1)], [conv(2, 1)]] },
                                RELU,
                            ],
                        },
                    ],
                ],
            },
            { type: "residual", body: [{ type: "dropout" }], shortcut: [conv(10, 1)] },
            { type: "flatten" },
            { type: "concat", branches: [[linear(3)], [linear(2)]] },
        ],
    },
    LeNet: {
        model: [
            conv(6, 5, { padding: 2, name: "first" }),
            RELU,
            pool("max", 2),
            conv(16, 3),
            RELU,
            pool("max", 2),
            { type: "flatten" },
            linear(40),
            RELU,
            linear(5),
        ],
        job: { dataset: { normalize: "standard" }, lr_schedule: { type: "cosine" } },
    },
    "a small ResNet": {
        model: [
            conv(8, 3, { padding: 1, bias: false }),
            NORM,
            RELU,
            ...block(8),
            ...block(16, 2),
            { type: "adaptive_avg_pool2d", output_size: 1 },
            ...END,
        ],
        job: {
            dataset: {
                normalize: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] },
                augment: [{ type: "random_horizontal_flip" }],
            },
            optimizer: { type: "sgd", lr: 0.05, momentum: 0.9, nesterov: true },
            lr_schedule: { type: "one_cycle", max_lr: 0.05 },
        },
    },
    "real pixels, normalized by what was measured": {
        ...around(RELU),
        job: { dataset: { name: "real", normalize: "standard" } },
    },
    "pixels as they are, each class asked for by itself": {
        ...around(NORM, RELU),
        job: { dataset: { normalize: "none" }, loss: { type: "binary_cross_entropy" } },
    },
    // Its weights and what leaves the house are fp32; the daemon computes as in training.
    "trained in bf16": {
        ...around(RELU, NORM),
        job: { precision: "bf16" },
        tolerance: 0.02,
        needs: "bf16",
    },
};
