package import Contracts
package import Cryptography
package import JSON

/// A response from Simkl, before it is interpreted.
package struct SimklAnswer: Sendable, Hashable {
    package let status: Int
    package let isHTML: Bool
    package let retryAfter: String?
    /// The time at Simkl; nil if it is not given.
    package let date: Timestamp?
    package let body: [UInt8]

    package init(
        status: Int, isHTML: Bool = false, retryAfter: String? = nil, date: Timestamp? = nil, body: [UInt8] = []
    ) {
        self.date = date
        self.status = status
        self.isHTML = isHTML
        self.retryAfter = retryAfter
        self.body = body
    }

    /// The body as JSON; nil if it is not JSON.
    package var json: JSONValue? { try? decodeJSON(JSONValue.self, from: body, unknownMembers: .tolerate) }

    /// The body as JSON, for a whole library; nil for a web page, too.
    package var library: JSONValue? {
        isHTML ? nil : try? decodeJSON(JSONValue.self, from: body, limits: .simklLibrary, unknownMembers: .tolerate)
    }

    /// The outcome of a write; nil if the body does not give it: it is empty, incomplete, something else, or an error.
    package var outcome: JSONValue? {
        guard let json, json.object != nil, json["error"].string == nil else { return Optional.none }
        return json
    }

    /// The code in Simkl's error envelope, in lowercase.
    package var error: String? { json?["error"].string?.lowercased() }

    /// Whether a list is longer than Simkl returns, or than what is read, in one response.
    package var isTooLong: Bool {
        status == 413 || status == 400 && ["max_items", "too_many_items"].contains(error ?? "")
    }

    /// What the response means for the jobs of the call. Writing the same thing twice has the effect of writing it once
    /// (one date per item), so nothing is ambiguous: what may have arrived is sent again.
    package var reply: JobReply {
        switch (status, error) {
        case (200...299, _): isHTML ? .notTaken("Simkl answered with a web page") : .delivered
        // Another write to the same account is in progress.
        case (400, "rate_limit"): .wait(SimklLimits.lockWait, "Simkl is busy with another write (RATE_LIMIT)")
        case (401, _): .askUser(.needsReauth)
        // The token is read-only, or its scope was withdrawn: connecting again asks for both.
        case (403, _): isHTML ? .wait(.seconds(900), "Simkl refused access (403)") : .askUser(.needsReauth)
        case (409, _): .alreadyThere
        case (412, _): .wait(SimklLimits.blockWait, Self.blocked)
        case (429, _): .wait(limited, "too many requests (429)")
        case (404, _): .refused("Simkl does not know the title (404)")
        case (500...599, _): .notTaken("Simkl is having problems (\(status))")
        default: .refused("Simkl refused it (\(status)\(error.map { " \($0)" } ?? ""))")
        }
    }

    /// Why nothing is sent to Simkl.
    static let blocked = "Simkl does not accept the client id at the moment (412)"

    private var limited: Duration {
        .seconds(min(max(retryAfter.flatMap { Int($0) } ?? 10, 1), 86_400))
    }
}

extension JSONLimits {
    /// The limits of a whole library.
    package static let simklLibrary: JSONLimits = {
        var limits = JSONLimits.standard
        limits.elementsMax = SimklLimits.itemsMax
        return limits
    }()
}

extension AccountTokens {
    /// Reads Simkl's tokens: one that lasts for years (V1), or one for days with another to renew it (V2); nil if it is
    /// neither. `kept` is the refresh token that was used: Simkl's does not change.
    package init?(simkl value: JSONValue, receivedAt: Timestamp, keeping kept: Secret? = nil) {
        guard let access = value["access_token"].string, !access.isEmpty else { return nil }
        let life = value["expires_in"].int ?? SimklLimits.lifeSecondsDefault
        guard (60...10 * 31_536_000).contains(life) else { return nil }
        let refresh = value["refresh_token"].string.flatMap { $0.isEmpty ? nil : Secret($0) }
        self.init(
            access: Secret(access), refresh: refresh ?? kept, issuedAt: receivedAt,
            expiresAt: receivedAt.advanced(by: .seconds(life)))
    }
}

/// A code that a person enters at Simkl.
package struct SimklPIN: Sendable, Equatable {
    package let userCode: String
    package let verificationURL: String
    package let interval: Duration
    package let life: Duration

    package init?(_ value: JSONValue) {
        guard let code = value["user_code"].string, (4...40).contains(code.utf8.count),
            code.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }),
            let url = value["verification_url"].string ?? value["verification_uri"].string, url.utf8.count <= 400,
            url.hasPrefix("https://") || url.hasPrefix("http://")
        else { return nil }
        userCode = code
        verificationURL = "\(url)/\(code)"
        interval = .seconds(min(max(value["interval"].int ?? 5, 1), 60))
        life = .seconds(min(max(value["expires_in"].int ?? 900, 30), 3_600))
    }
}

/// The result of polling for the token of a code; Simkl answers 200 in all cases.
package enum SimklPINReply: Sendable, Equatable {
    case granted(AccountTokens)
    case pending
    /// Polled too often.
    case slowDown
    /// A new code came instead of an answer: the old one is unknown, expired, used or rejected.
    case gone
    /// The client ID is not accepted.
    case clientRefused
    /// No usable answer; polling may continue while the code is valid.
    case unreachable

    package init(_ answer: SimklAnswer, now: Timestamp) {
        guard answer.status != 412 else {
            self = .clientRefused
            return
        }
        guard answer.status == 200, let value = answer.json else {
            self = answer.status == 429 ? .slowDown : .unreachable
            return
        }
        // The token decides whether it succeeded, not the value of `result`.
        if let tokens = AccountTokens(simkl: value, receivedAt: now) {
            self = .granted(tokens)
        } else if value["user_code"].string != nil || value["device_code"].string != nil {
            self = .gone
        } else {
            let message = value["message"].string?.lowercased() ?? ""
            self = message.contains("slow down") ? .slowDown : value.object == nil ? .unreachable : .pending
        }
    }
}

extension TokenReply {
    /// Reads the response of `/oauth2/token` to a code, or to a renewal with a refresh token that does not change.
    package init(simkl answer: SimklAnswer, keeping refresh: Secret? = nil, now: Timestamp) {
        switch (answer.status, answer.error) {
        case (200...299, _):
            self =
                answer.json.flatMap { AccountTokens(simkl: $0, receivedAt: now, keeping: refresh) }
                .map(Self.granted) ?? .unknown
        case (400, "invalid_grant"), (401, "invalid_grant"), (401, "grant_error"): self = .invalidGrant
        case (400, "invalid_client"), (401, "invalid_client"), (412, _): self = .clientRefused
        case (429, _): self = .wait(.seconds(60))
        default: self = .unknown
        }
    }
}
