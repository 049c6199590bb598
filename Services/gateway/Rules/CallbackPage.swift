import Contracts
import Cryptography

/// The page to which another service redirects the browser once the person has agreed there.
///
/// It knows and stores nothing: its script takes code and state from the address, removes them there, and hands them to
/// the page that opened it, or else to a broadcast channel, of the same origin. The frontend then posts them to
/// `scrobbling/trakt/complete` or `scrobbling/simkl/complete` with its bearer token.
enum CallbackPage {
    /// The second component of the path names the service that redirects the browser.
    static let script = """
        const query = new URLSearchParams(location.search);
        history.replaceState(null, "", location.pathname);
        const answer = { type: "reelay-" + location.pathname.split("/")[2] };
        for (const name of ["code", "state", "iss", "error"]) if (query.has(name)) answer[name] = query.get(name);
        if (window.opener) { window.opener.postMessage(answer, location.origin); window.close(); }
        else { new BroadcastChannel("reelay-oauth").postMessage(answer); }
        """

    /// Not part of the contract: browsers are redirected here, no client calls it.
    static var routes: [EdgeRoute] {
        let page = response(scriptDigest: Base64.encode(SHA256.hash(script).bytes))
        return ["trakt", "simkl"].map { .page("\($0)Callback", "/oauth/\($0)/callback", page) }
    }

    /// Nothing is loaded, framed or submitted here, and only the script above runs.
    static func response(scriptDigest: String) -> EdgeResponse {
        let page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>Reelay</title></head>
            <body><p>You can close this window.</p><script>\(script)</script></body></html>

            """
        return EdgeResponse(
            status: 200,
            headers: [
                ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"),
                (
                    "content-security-policy",
                    "default-src 'none'; script-src 'sha256-\(scriptDigest)'; frame-ancestors 'none'; base-uri 'none'"
                ),
            ], body: Array(page.utf8))
    }
}
