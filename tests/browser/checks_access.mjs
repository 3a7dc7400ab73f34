// Accessibility: axe-core on every page in light and dark, the keyboard through them, and the switch
// between light and dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { open, pixels, until, view } from "./support.mjs";

// All that has an address.
const pagesOf = ({ learned, hostile }) => [
    "#/jobs",
    "#/new",
    "#/data",
    "#/data/fashion-mnist",
    "#/data/hostile",
    "#/system",
    `#/compare?jobs=${learned},${hostile}`,
    ...["", "results", "inside", "try", "network", "checkpoints", "events", "definition", "fork"].map(
        (part) => `#/jobs/${learned}/${part}`,
    ),
    `#/jobs/${hostile}/results?cell=0,1`,
];

const settled = (world) =>
    until("the page", async () => {
        const text = await world.page.locator("main").innerText();
        return !/(Reading|Loading|looks at) .*…/.test(text);
    });

async function axe(world) {
    const source = readFileSync(world.browser.file("axe-core/axe.min.js"), "utf8");
    const found = [];
    for (const scheme of ["light", "dark"]) {
        await view(world, 1360, scheme);
        for (const hash of pagesOf(world)) {
            await open(world, hash);
            await settled(world);
            await sleep(300);
            await world.page.evaluate(source);
            const { violations } = await world.page.evaluate(() => globalThis.axe.run(document));
            for (const { id, impact, nodes } of violations)
                if (["serious", "critical"].includes(impact))
                    found.push(`${scheme} ${hash}: ${id}\n  ${nodes.map(nodeText).join("\n  ")}`);
        }
    }
    await view(world, 1360, "light");
    assert.deepEqual(found, []);
}

const nodeText = ({ html, failureSummary }) =>
    `${html.slice(0, 160)} ${failureSummary.replaceAll("\n", " ").slice(0, 240)}`;

/** What has the focus, where it is, and whether one can see it. */
const focused = (world) =>
    world.page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body)
            return null;
        const { width, height } = element.getBoundingClientRect();
        const shown = element.closest("label") ?? element; // a hidden input shows its label
        const mark = [element, shown].map((one) => getComputedStyle(one).outlineStyle);
        const named = element.labels?.[0]?.innerText;
        const name =
            element.getAttribute("aria-label") ?? named ?? element.title ?? element.innerText;
        globalThis.walked ??= new WeakMap();
        const again = globalThis.walked.get(element);
        globalThis.walked.set(element, true);
        return {
            what: element.outerHTML.slice(0, 120),
            seen: width > 0 && height > 0 && mark.some((style) => style !== "none"),
            named: Boolean(name || element.innerText || element.getAttribute("aria-labelledby")),
            again,
        };
    });

const STEPS_MAX = 400;

async function walk(world) {
    for (const hash of pagesOf(world)) {
        await open(world, hash);
        await settled(world);
        await world.page.evaluate(() => {
            globalThis.walked = new WeakMap();
            document.activeElement?.blur();
        });
        let stops = 0;
        for (; stops < STEPS_MAX; stops++) {
            await world.page.keyboard.press("Tab");
            const at = await focused(world);
            if (!at || at.again)
                break;
            assert.ok(at.seen, `${hash}: the focus cannot be seen on ${at.what}`);
            assert.ok(at.named, `${hash}: nothing names ${at.what}`);
        }
        assert.ok(stops > 5 && stops < STEPS_MAX, `${hash}: ${stops} stops`);
        await world.page.locator("body").press("Home");
    }
}

async function theme(world) {
    await open(world, `#/jobs/${world.learned}`);
    const ground = () =>
        world.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await until("a curve", async () => (await pixels(world).catch(() => "")) !== "");
    await sleep(500);
    const [light, curve] = [await ground(), await pixels(world)];
    const choice = world.page.getByLabel("Colours");
    await choice.selectOption("dark");
    assert.notEqual(await ground(), light);
    await until("the curve in other colours", async () => (await pixels(world)) !== curve);
    await world.page.reload();
    assert.notEqual(await ground(), light);
    await until("the choice", async () => (await choice.inputValue()) === "dark");
    await world.page.emulateMedia({ colorScheme: "dark" });
    await choice.selectOption("light");
    assert.equal(await ground(), light);
    await choice.selectOption("");
    await until("the system's colours", async () => (await ground()) !== light);
    assert.equal(await world.page.evaluate(() => localStorage.length), 0);
    await world.page.emulateMedia({ colorScheme: "light" });
    await until("those of a lighter system", async () => (await ground()) === light);
}

export const access = [
    ["the colours follow the system or the user's choice, which is kept; charts follow too", theme],
    ["axe finds nothing serious on any page, in light and dark", axe],
    ["the keyboard reaches everything on every page, visibly, and is never caught", walk],
];
