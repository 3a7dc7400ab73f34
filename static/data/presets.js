// Jobs to begin with: files beside this page, each a complete job.
export const PRESETS = [
    {
        file: "lenet5-fashion-mnist.json",
        title: "LeNet-5",
        about: "two convolutions, Adam with a cosine schedule",
    },
    {
        file: "softmax-fashion-mnist.json",
        title: "Softmax regression",
        about: "one linear layer, done in seconds",
    },
    {
        file: "strided-fashion-mnist.json",
        title: "Strided convolutions",
        about: "no pooling, SGD with Nesterov momentum",
    },
    {
        file: "vgg-small-fashion-mnist.json",
        title: "Small VGG",
        about: "four 3 × 3 convolutions, the most accurate and slowest",
    },
];
