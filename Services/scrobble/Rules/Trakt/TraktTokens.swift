package import Contracts
package import Cryptography
import JSON

extension AccountTokens {
    /// Lifetimes outside this range are an error of the clock or the response; real ones have been 1, 7 and 90 days.
    static let traktLifeSeconds = 60...31_536_000

    /// Reads Trakt's token response; nil if it is not one. The lifetime is the one in the response, counted from its
    /// arrival, because the other side's clock is not ours.
    package init?(_ body: [UInt8], receivedAt: Timestamp) {
        guard let value = try? decodeJSON(JSONValue.self, from: body),
            let access = value["access_token"].string, !access.isEmpty,
            let refresh = value["refresh_token"].string, !refresh.isEmpty, let life = value["expires_in"].int,
            Self.traktLifeSeconds.contains(life)
        else { return nil }
        self.init(
            access: Secret(access), refresh: Secret(refresh), issuedAt: receivedAt,
            expiresAt: receivedAt.advanced(by: .seconds(life)))
    }
}

/// The result of requesting tokens.
package enum TokenReply: Sendable, Equatable {
    case granted(AccountTokens)
    /// The code or refresh token is invalid.
    case invalidGrant
    /// The application is unknown or not allowed.
    case clientRefused
    /// Told to wait.
    case wait(Duration)
    /// It may have happened: no response, a page from something in between, or a 5xx.
    case unknown

    /// Reads the response of `/oauth/token`. For 400 and 401, `error` decides.
    package init(_ answer: TraktAnswer, now: Timestamp) {
        switch answer.status {
        case 200...299: self = AccountTokens(answer.body, receivedAt: now).map(Self.granted) ?? .unknown
        case 400, 401:
            let error = (try? decodeJSON(JSONValue.self, from: answer.body))?["error"].string
            switch error {
            case "invalid_client", "unauthorized_client": self = .clientRefused
            // Something in between answered, or the cause is unknown.
            case nil: self = .unknown
            default: self = .invalidGrant
            }
        case 403: self = answer.isHTML ? .wait(.seconds(900)) : .clientRefused
        case 429: self = .wait(answer.limitedFor(now))
        default: self = .unknown
        }
    }
}

/// The result of polling for a device's tokens.
package enum DeviceReply: Sendable, Equatable {
    case granted(AccountTokens)
    case pending
    /// Polled too often: the interval must grow.
    case slowDown(Duration?)
    case unknownCode
    case used
    case expired
    case denied
    case clientRefused
    /// No usable answer; polling may continue while the code is valid.
    case unreachable

    /// Reads the response of `/oauth/device/token`; a pending one has no body, or one that is not JSON.
    package init(_ answer: TraktAnswer, now: Timestamp) {
        switch answer.status {
        case 200...299: self = AccountTokens(answer.body, receivedAt: now).map(Self.granted) ?? .unreachable
        case 400: self = .pending
        case 401: self = .clientRefused
        case 403: self = answer.isHTML ? .unreachable : .clientRefused
        case 404: self = .unknownCode
        case 409: self = .used
        case 410: self = .expired
        case 418: self = .denied
        case 429: self = .slowDown(answer.retryAfter == nil ? nil : answer.limitedFor(now))
        default: self = .unreachable
        }
    }
}

/// A device code, as received.
package struct TraktDeviceCode: Sendable {
    package let deviceCode: Secret
    package let userCode: String
    package let verificationURL: String
    package let interval: Duration
    package let life: Duration

    package init?(_ body: [UInt8]) {
        guard let value = try? decodeJSON(JSONValue.self, from: body), let code = value["device_code"].string,
            let userCode = value["user_code"].string, !userCode.isEmpty, userCode.utf8.count <= 40,
            let url = value["verification_url"].string, url.utf8.count <= 500,
            url.hasPrefix("https://") || url.hasPrefix("http://")
        else { return nil }
        deviceCode = Secret(code)
        self.userCode = userCode
        verificationURL = url
        interval = .seconds(min(max(value["interval"].int ?? 5, 1), 60))
        life = .seconds(min(max(value["expires_in"].int ?? 600, 30), 3_600))
    }
}
