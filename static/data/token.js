// The access token, where the daemon wants one. It is kept for this tab alone, and goes to the
// daemon as a header, never in an address.

const KEY = "traind-token";

export const token = () => sessionStorage.getItem(KEY) ?? "";

export function setToken(text) {
    if (text === "")
        sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
}

/** These headers, and the token. */
export const authorized = (headers) =>
    token() === "" ? headers : { ...headers, Authorization: `Bearer ${token()}` };

/** A link may bring it behind the #, which no server sees: #token=trnd_… */
export function takeToken() {
    const [, text] = /^#token=([0-9A-Za-z_]+)$/.exec(location.hash) ?? [];
    if (!text)
        return;
    setToken(text);
    history.replaceState(null, "", "#/jobs");
}
