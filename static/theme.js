// Light or dark, before anything is drawn: so this is a plain script, and no module. The system's
// choice, or the user's own, which is kept in this browser; whoever changes it says "themechosen".
// Charts draw anew at "themechange".
(() => {
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const kept = () => {
        try {
            return localStorage.getItem("traind-theme");
        } catch {
            return null; // a browser that keeps nothing
        }
    };
    const settle = () => {
        const theme = kept() ?? (dark.matches ? "dark" : "light");
        if (root.dataset.theme === theme)
            return;
        root.dataset.theme = theme;
        dispatchEvent(new Event("themechange"));
    };
    dark.addEventListener("change", settle);
    addEventListener("storage", settle);
    addEventListener("themechosen", settle);
    settle();
})();
