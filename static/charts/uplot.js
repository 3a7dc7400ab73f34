// uPlot, which is half the size as the plain script that it also comes as: loaded with the first
// page that draws, and made a module here.

export const uPlot = await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/vendor/uplot-1.6.32/uPlot.js";
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => reject(new Error("the charts could not be loaded"));
    document.head.append(script);
});
