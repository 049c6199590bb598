import JSON

/// The routes below `/control`: faults, the book, the catalogue, latencies, limits, reset. See `answer`.
package struct ControlRoutes: Sendable {
    package let desk: ControlDesk
    package let catalogue: Catalogue
    package let providers: [UpstreamName: any EmulatedProvider]

    package init(desk: ControlDesk, catalogue: Catalogue, providers: [UpstreamName: any EmulatedProvider]) {
        self.desk = desk
        self.catalogue = catalogue
        self.providers = providers
    }

    /// Answers one request below `/control`:
    ///
    ///     GET    /faults               pending faults
    ///     POST   /faults               {"provider", "kind", "path"?, "times"?, "milliseconds"?, "status"?, …}
    ///     DELETE /faults?provider=     all, or those of one provider
    ///     GET    /book?provider=&after=  requests received, oldest first
    ///     GET    /catalogue            the titles that every provider knows
    ///     POST   /latency              {"milliseconds", "provider"?}: the delay before every answer
    ///     POST   /limits               {"provider", "calls", "milliseconds"}: calls beyond that number in any such
    ///                                  period are refused as the provider refuses them
    ///     GET    /pace                 calls of each provider, the most in any second and the most in flight
    ///     DELETE /pace                 restarts the counts at 0
    ///     POST   /reset                no faults, empty book, providers in their initial state
    package func answer(method: String, path: String, query: [WireField], body: [UInt8]) -> UpstreamResponse {
        let provider = query.first { $0.name == "provider" }?.value
        if let provider, UpstreamName(rawValue: provider) == nil { return problem("unknown provider \(provider)", 400) }
        let name = provider.flatMap(UpstreamName.init(rawValue:))
        switch (method, path) {
        case ("GET", "/faults"):
            return .json(.members(["faults": .array(desk.faults.map(\.json))]))
        case ("POST", "/faults"):
            return addFault(body)
        case ("DELETE", "/faults"):
            desk.clearFaults(name)
            return .json(.members(["faults": .array(desk.faults.map(\.json))]))
        case ("GET", "/book"):
            let after = query.first { $0.name == "after" }.flatMap { Int($0.value) } ?? 0
            let book = desk.book(provider: name, after: after)
            return .json(
                .members(["dropped": .whole(book.droppedCount), "entries": .array(book.entries.map(\.json))]))
        case ("GET", "/catalogue"):
            return .json(.members(["titles": .array(catalogue.titles.map(\.json))]))
        case ("POST", "/latency"): return setLatency(body)
        case ("POST", "/limits"): return setLimit(body)
        case ("GET", "/pace"): return .json(.members(["pace": .array(desk.pace.readings.map(\.json))]))
        case ("DELETE", "/pace"):
            desk.pace.restart()
            return .json(.members(["pace": []]))
        case ("POST", "/reset"):
            desk.reset()
            for provider in providers.values { provider.reset() }
            return .json(.members(["reset": .bool(true)]))
        default:
            return problem("no such control", 404)
        }
    }

    private func addFault(_ body: [UInt8]) -> UpstreamResponse {
        guard let value = try? decodeJSON(JSONValue.self, from: body), let fault = Fault(value) else {
            let kinds = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            return problem("a fault needs a provider and a kind of: \(kinds)", 400)
        }
        guard desk.add(fault) else { return problem("too many faults wait", 409) }
        return .json(fault.json, status: 201)
    }

    private func setLatency(_ body: [UInt8]) -> UpstreamResponse {
        let value = (try? decodeJSON(JSONValue.self, from: body)) ?? .null
        let name = value["provider"].string.flatMap(UpstreamName.init(rawValue:))
        guard let milliseconds = value["milliseconds"].int,
            (0...UpstreamLimits.waitMillisecondsMax).contains(milliseconds),
            name != nil || value["provider"].isNull
        else { return problem("a latency needs milliseconds, and perhaps a provider", 400) }
        desk.setLatency(.milliseconds(milliseconds), of: name)
        return .json(.members(["milliseconds": .whole(milliseconds), "provider": .text(name?.rawValue)]))
    }

    private func setLimit(_ body: [UInt8]) -> UpstreamResponse {
        let value = (try? decodeJSON(JSONValue.self, from: body)) ?? .null
        guard let name = value["provider"].string.flatMap(UpstreamName.init(rawValue:)), let calls = value["calls"].int,
            let milliseconds = value["milliseconds"].int, calls > 0, milliseconds > 0
        else { return problem("a limit needs a provider, calls and milliseconds", 400) }
        desk.pace.limit(name, calls: calls, per: .milliseconds(milliseconds))
        return .json(
            .members([
                "provider": .string(name.rawValue), "calls": .whole(calls), "milliseconds": .whole(milliseconds),
            ]))
    }

    private func problem(_ text: String, _ status: Int) -> UpstreamResponse {
        .json(.members(["error": .string(text)]), status: status)
    }
}
