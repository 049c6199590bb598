import JSON

/// Renders the API reference as HTML from the OpenAPI document: every operation with its parameters, examples and
/// errors, and every type. Plain elements that open and close without a script; it loads nothing.
struct ReferenceText {
    private let document: JSONValue
    private var html = ""

    static let style = """
        :root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#2563eb}
        *{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,sans-serif;display:flex}
        nav{position:sticky;top:0;height:100vh;overflow:auto;width:21rem;flex:none;padding:1rem;border-right:1px solid var(--line)}
        nav h1{font-size:1.2rem;margin:0 0 .5rem}nav h2{font-size:.8rem;text-transform:uppercase;letter-spacing:.06em;margin:1rem 0 .2rem;opacity:.7}
        nav ul{list-style:none;margin:0;padding:0}nav a{display:block;padding:.1rem .3rem;text-decoration:none;color:inherit;font-size:.85rem;border-radius:.3rem;overflow-wrap:anywhere}
        nav a:hover{background:var(--soft)}input{width:100%;padding:.4rem .5rem;font:inherit;border:1px solid var(--line);border-radius:.4rem;background:transparent;color:inherit}
        main{flex:1;min-width:0;padding:1rem 2rem 4rem;max-width:70rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
        details{border:1px solid var(--line);border-radius:.5rem;margin:.6rem 0;scroll-margin-top:1rem}
        summary{cursor:pointer;padding:.5rem .8rem;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
        details>div{padding:0 .8rem .8rem}code,pre{font:13px/1.45 ui-monospace,monospace}
        pre{background:var(--soft);padding:.6rem .8rem;border-radius:.4rem;overflow:auto;margin:.3rem 0;max-height:24rem}
        code{background:var(--soft);border-radius:.25rem;padding:0 .25em}summary code,td:first-child code{background:none;padding:0}
        .m{font:700 12px ui-monospace,monospace;min-width:4em;display:inline-block;color:var(--accent)}.m.post,.m.put,.m.patch{color:#15803d}.m.delete{color:#dc2626}
        table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid var(--line)}
        h4{margin:1rem 0 .2rem}.r{color:#dc2626;font-size:.8rem}.t{opacity:.75}
        @media(max-width:50rem){body{display:block}nav{position:static;height:auto;width:auto;border:0}main{padding:1rem}}
        """

    static let script = """
        const open = () => { const it = document.getElementById(decodeURIComponent(location.hash.slice(1)));
          if (it && it.tagName === "DETAILS") { it.open = true; it.scrollIntoView(); } };
        addEventListener("hashchange", open); open();
        document.getElementById("find").addEventListener("input", event => {
          const words = event.target.value.toLowerCase().split(" ").filter(Boolean);
          for (const entry of document.querySelectorAll("nav li"))
            entry.hidden = !words.every(word => entry.dataset.words.includes(word));
        });
        """

    private static let verbs = ["get", "post", "put", "patch", "delete"]

    static func page(of document: JSONValue) -> String {
        var text = ReferenceText(document: document)
        text.write()
        return text.html
    }

    private init(document: JSONValue) { self.document = document }

    private struct Entry {
        let path: String
        let method: String
        let node: JSONValue
        let shared: [JSONValue]
    }

    private var entries: [Entry] {
        (document["paths"].object?.members ?? []).flatMap { path, item in
            Self.verbs.compactMap { verb in
                let node = item[verb]
                return node.isNull ? nil : Entry(path: path, method: verb, node: node, shared: item["parameters"].array)
            }
        }
    }

    private mutating func write() {
        let info = document["info"]
        let entries = entries
        let name = Self.text(info["title"])
        html += "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        html += "<title>\(name) API</title><style>\(Self.style)</style></head><body><nav>"
        html += "<h1>\(name) <small>\(Self.text(info["version"]))</small></h1>"
        html += "<input id=\"find\" type=\"search\" placeholder=\"Find an operation\" aria-label=\"Find an operation\">"
        for tag in document["tags"].array {
            html += "<h2>\(Self.text(tag["name"]))</h2><ul>"
            for entry in entries where entry.node["tags"][0] == tag["name"] { link(entry) }
            html += "</ul>"
        }
        html += "<h2>types</h2><ul>"
        for (name, _) in schemas {
            html += "<li data-words=\"\(Self.escaped(name.lowercased()))\"><a href=\"#type-\(name)\">\(name)</a></li>"
        }
        html += "</ul></nav><main><p>\(Self.prose(info["description"].string ?? ""))</p>"
        html += "<p><a href=\"/api/v1/openapi.json\">The OpenAPI document</a></p>"
        for tag in document["tags"].array {
            html += "<h2>\(Self.text(tag["name"]))</h2><p>\(Self.prose(tag["description"].string ?? ""))</p>"
            for entry in entries where entry.node["tags"][0] == tag["name"] { operation(entry) }
        }
        html += "<h2>types</h2>"
        for (name, schema) in schemas { type(name, schema) }
        html += "</main><script>\(Self.script)</script></body></html>\n"
    }

    private var schemas: [(name: String, value: JSONValue)] {
        document["components"]["schemas"].object?.members ?? []
    }

    private mutating func link(_ entry: Entry) {
        let id = Self.text(entry.node["operationId"])
        let words = "\(entry.method) \(entry.path) \(id) \(entry.node["summary"].string ?? "")".lowercased()
        html += "<li data-words=\"\(Self.escaped(words))\"><a href=\"#op-\(id)\">\(Self.badge(entry.method)) "
        html += "\(Self.escaped(entry.path.replacing("/api/v1", with: "")))</a></li>"
    }

    private mutating func operation(_ entry: Entry) {
        let node = entry.node
        html += "<details id=\"op-\(Self.text(node["operationId"]))\"><summary>\(Self.badge(entry.method))"
        html +=
            "<code>\(Self.escaped(entry.path))</code><span>\(Self.prose(node["summary"].string ?? ""))</span></summary><div>"
        html += "<p>\(Self.prose(node["description"].string ?? ""))</p>"
        let parameters = (entry.shared + node["parameters"].array).map(resolved)
        if !parameters.isEmpty {
            html += "<h4>Parameters</h4><table>"
            for parameter in parameters {
                row(
                    parameter["name"].string ?? "", "\(Self.text(parameter["in"])) · \(Self.kind(parameter["schema"]))",
                    parameter["description"].string ?? "", isRequired: parameter["required"].bool == true)
            }
            html += "</table>"
        }
        let body = node["requestBody"]
        if !body.isNull {
            html += "<h4>Request</h4>"
            content(body["content"])
        }
        html += "<h4>Answers</h4>"
        for (status, given) in node["responses"].object?.members ?? [] {
            let answer = resolved(given)
            html += "<p><code>\(Self.escaped(status))</code> \(Self.prose(answer["description"].string ?? ""))</p>"
            if status.hasPrefix("2") { content(answer["content"]) }
        }
        html += "</div></details>\n"
    }

    private mutating func content(_ content: JSONValue) {
        for (type, media) in content.object?.members ?? [] {
            html += "<p class=\"t\"><code>\(Self.escaped(type))</code> \(Self.kind(media["schema"]))</p>"
            if !media["example"].isNull { html += "<pre>\(Self.escaped(Self.pretty(media["example"])))</pre>" }
        }
    }

    private mutating func type(_ name: String, _ schema: JSONValue) {
        html += "<details id=\"type-\(name)\"><summary><code>\(name)</code>"
        html += "<span class=\"t\">\(Self.prose(schema["description"].string ?? ""))</span></summary><div>"
        let required = Set(schema["required"].array.compactMap(\.string))
        if let members = schema["properties"].object?.members {
            html += "<table>"
            for (member, value) in members {
                row(
                    member, Self.kind(value), value["description"].string ?? "", isRequired: required.contains(member))
            }
            html += "</table>"
        } else {
            html += "<p>\(Self.kind(schema))</p>"
        }
        html += "</div></details>\n"
    }

    private mutating func row(_ name: String, _ kind: String, _ description: String, isRequired: Bool) {
        html +=
            "<tr><td><code>\(Self.escaped(name))</code>\(isRequired ? " <span class=\"r\">required</span>" : "")</td>"
        html += "<td>\(kind)</td><td>\(Self.prose(description))</td></tr>"
    }

    private func resolved(_ node: JSONValue) -> JSONValue {
        guard let reference = node["$ref"].string else { return node }
        return reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
    }
}

extension ReferenceText {
    /// Describes a value's kind in a few words, with its bounds; types are links.
    private static func kind(_ schema: JSONValue) -> String {
        if let name = schema["$ref"].string?.split(separator: "/").last {
            return "<a href=\"#type-\(name)\">\(name)</a>"
        }
        if !schema["enum"].array.isEmpty {
            return schema["enum"].array.map { "<code>\(escaped($0.string ?? pretty($0)))</code>" }.joined(
                separator: " ")
        }
        if schema["type"].string == "array" { return "list of \(kind(schema["items"]))\(bounds(schema))" }
        let types = schema["type"].string.map { [$0] } ?? schema["type"].array.compactMap(\.string)
        let format = schema["format"].string.map { " (\(escaped($0)))" } ?? ""
        let words = types.isEmpty ? "value" : types.joined(separator: " or ")
        return words + format + bounds(schema)
    }

    private static func bounds(_ schema: JSONValue) -> String {
        let names = [
            "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "multipleOf", "pattern",
        ]
        let found = names.compactMap { name in
            let value = schema[name]
            return value.isNull ? nil : "\(name) \(escaped(value.string ?? pretty(value)))"
        }
        return found.isEmpty ? "" : " <span class=\"t\">\(found.joined(separator: ", "))</span>"
    }

    private static func badge(_ method: String) -> String {
        "<span class=\"m \(method)\">\(method.uppercased())</span>"
    }

    private static func text(_ value: JSONValue) -> String { escaped(value.string ?? "") }

    /// Renders a sentence, with what stands between backticks as code.
    private static func prose(_ text: String) -> String {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 ? "<code>\(escaped(String(part)))</code>" : escaped(String(part))
        }.joined()
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// Renders JSON over several lines.
    private static func pretty(_ value: JSONValue, _ indent: String = "") -> String {
        let deeper = indent + "  "
        switch value {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { deeper + pretty($0, deeper) }
            return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
        case .object(let object) where !object.members.isEmpty:
            let lines = object.members.map { name, value in
                deeper + pretty(.string(name)) + ": " + pretty(value, deeper)
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        default: return String(decoding: encodeJSON(value), as: UTF8.self)
        }
    }
}
