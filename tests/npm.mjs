// npm packages for tests, installed into the build by the lock file beside the tests that want them.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** `here`: folder of the lock file; `folder`: where npm installs. Gives a `require` for what is
 * there. */
export function installed(here, folder) {
    const lock = `${folder}/package-lock.json`;
    const same =
        existsSync(lock) &&
        readFileSync(lock, "utf8") === readFileSync(`${here}/package-lock.json`, "utf8");
    if (!same || !existsSync(`${folder}/node_modules`)) {
        mkdirSync(folder, { recursive: true });
        for (const file of ["package.json", "package-lock.json"])
            copyFileSync(`${here}/${file}`, `${folder}/${file}`);
        const quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        execFileSync("npm", quiet, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    }
    return createRequire(`${folder}/package.json`);
}
