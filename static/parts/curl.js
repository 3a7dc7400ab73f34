// Requests as one would type them. A token is never written out: it is taken from the environment.
import { token } from "../data/token.js";
import { json } from "./format.js";

// A quoted word of a shell.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** {method, path, body, accept, output}: what it asks for. The heredoc of a body needs no quoting:
 * no line of JSON is that word. */
export function curl({ method = "GET", path, body, accept, output }) {
    const words = ["curl"];
    if (method !== "GET" && !(method === "POST" && body !== undefined))
        words.push(`-X ${method}`);
    if (accept)
        words.push(`-H ${quoted(`Accept: ${accept}`)}`);
    if (output)
        words.push(output === true ? "-OJ" : `-o ${quoted(output)}`);
    if (token() !== "")
        words.push('-H "Authorization: Bearer $TRAIND_TOKEN"');
    if (body !== undefined)
        words.push("--json @-");
    words.push(quoted(location.origin + path));
    return body === undefined ? words.join(" ") : `${words.join(" ")} <<'EOF'\n${json(body)}\nEOF`;
}
