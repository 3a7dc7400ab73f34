// Debian's Chromium, driven by playwright-core, which npm installs into the build by the lock file
// beside this one. Gathers whatever the page complains about.
import { existsSync } from "node:fs";
import { installed } from "../npm.mjs";

const PROGRAM = "/usr/bin/chromium";
const FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/** The editor asks what is wrong with a text while it is written: that is an answer like any. */
const ASKED = /status of 422 .*\?dry_run=true$/;

export class Browser {
    /** `here`: folder of the lock file; `folder`: where npm installs; `profile`: an empty folder.
     * */
    constructor(here, folder, profile) {
        if (!existsSync(PROGRAM))
            throw new Error(`${PROGRAM} is missing: apt-get install chromium`);
        this.packages = installed(here, folder);
        this.playwright = this.packages("playwright-core");
        this.profile = profile;
        this.complaints = [];
        this.expected = null; // a pattern of complaints that a check causes by intent
    }

    async start() {
        this.context = await this.playwright.chromium.launchPersistentContext(this.profile, {
            executablePath: PROGRAM,
            headless: true,
            args: FLAGS,
            viewport: { width: 1360, height: 900 },
        });
        this.context.setDefaultTimeout(30000);
    }

    async page(address) {
        const page = await this.context.newPage();
        page.on("console", (message) =>
            this.hear(message.type(), `${message.text()} ${message.location().url}`),
        );
        page.on("pageerror", (error) => this.hear("error", error.stack));
        page.on("dialog", (dialog) => {
            this.hear("error", `a dialog: ${dialog.message()}`);
            dialog.dismiss();
        });
        await page.addInitScript(() =>
            document.addEventListener("securitypolicyviolation", (event) =>
                console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`),
            ),
        );
        await page.goto(address);
        return page;
    }

    /** The path of a file of an npm package. */
    file(name) {
        return this.packages.resolve(name);
    }

    hear(type, text) {
        if (type !== "error" && type !== "warning")
            return;
        if (!ASKED.test(text) && !this.expected?.test(text))
            this.complaints.push(`${type}: ${text}`);
    }

    async stop() {
        await this.context?.close();
    }
}
