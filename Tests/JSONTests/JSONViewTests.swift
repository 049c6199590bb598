import JSON
import TestSupport
import Testing

/// A view contains what the tree of the same text does.
@Suite struct JSONViewTests {
    private func view(_ text: String, keeping selection: JSONSelection? = nil) throws(JSONError) -> JSONView {
        try viewJSON(keeping: selection, of: Array(text.utf8))
    }

    @Test("values of every kind, wherever they stand")
    func kinds() throws {
        let view = try view(
            #" {"a": [1, -2.50, 1e2, "x\ny", "é", true, false, null, {}, []], "b\u0041": {"c": "d"}, "n": null} "#)
        let elements = view["a"].array
        #expect(elements.count == 10 && view["a"][9].array.isEmpty && view["a"][10].isNull && view["a"][-1].isNull)
        #expect(elements.map(\.int) == [1, nil, 100, nil, nil, nil, nil, nil, nil, nil])
        #expect(elements.map { $0.number?.text } == ["1", "-2.50", "1e2", nil, nil, nil, nil, nil, nil, nil])
        #expect(elements.map(\.string) == [nil, nil, nil, "x\ny", "é", nil, nil, nil, nil, nil])
        #expect(elements.map(\.bool) == [nil, nil, nil, nil, nil, true, false, nil, nil, nil])
        #expect(elements.map(\.isNull) == [false, false, false, false, false, false, false, true, false, false])
        #expect(elements[8].isObject && elements[8].members.isEmpty && !elements[9].isObject)
        #expect(view["bA"]["c"].string == "d" && view["b"].isNull && view["n"].isNull && view["a"]["a"].isNull)
        #expect(view.members.map(\.name) == ["a", "bA", "n"])
        #expect(JSONView.null.isNull && JSONView.null["x"][0].string == nil)
        #expect(try self.view("17").int == 17 && self.view("-17").int == -17)
        #expect(try self.view("9223372036854775807").int == .max && self.view("9223372036854775808").int == nil)
    }

    @Test("a selection keeps its names at any depth and all below the whole ones; of a name given twice the first")
    func selection() throws {
        let selection = JSONSelection(["keep", "a name of more than eight bytes"], whole: ["whole"])
        let view = try view(
            #"""
            {"drop": {"keep": 1, "x": [{"y": "{"}]}, "keep": {"keep": 2, "drop": 3, "keep": 4}, "keepe": 5,
             "a name of more than eight bytes": 6, "a name of more than eight bytez": 7, "\u006bee\u0070": 8,
             "whole": {"any": {"keep": 9, "drop": 10}, "keep": 11, "any": 12}, "list": [{"keep": 13}]}
            """#, keeping: selection)
        #expect(view.members.map(\.name) == ["keep", "a name of more than eight bytes", "whole"])
        #expect(view["keep"].members.map(\.name) == ["keep"] && view["keep"]["keep"].int == 2)
        #expect(view["a name of more than eight bytes"].int == 6)
        #expect(view["whole"]["any"]["drop"].int == 10 && view["whole"]["keep"].int == 11)
        #expect(view["drop"].isNull && view["list"].isNull)
    }

    @Test("what is dropped is checked all the same")
    func checked() {
        let selection = JSONSelection(["keep"])
        for text in [
            #"{"drop": [1,]}"#, #"{"drop": 01}"#, #"{"drop": "\x"}"#, #"{"drop": {"a" 1}}"#, #"{"drop": tru}"#,
            #"{"keep": 1} x"#, #"{"drop": "a"#, "", "[", #"{"keep": }"#, "{\"drop\": \"\u{1}\"}",
        ] {
            #expect(throws: JSONError.self, "\(text)") { try view(text, keeping: selection) }
            #expect(throws: JSONError.self, "\(text)") { try view(text) }
        }
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: JSONError.self) { try view(deep) }
    }

    @Test("for any text the view and the tree agree")
    func agreement() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<300 {
            let tree = Self.value(&random, depth: 5)
            let pads = [" ", "\n        ", "\t", ""]
            let text = encodeJSON(tree)
            let pad = Array((pads.randomElement(using: &random) ?? "").utf8)
            let view = try viewJSON(keeping: nil, of: pad + text + pad)
            #expect(Self.tree(view) == tree, "seed \(random.seed)")
        }
    }

    private static func tree(_ view: JSONView) -> JSONValue {
        if let text = view.string { return .string(text) }
        if let number = view.number { return .number(number) }
        if let bool = view.bool { return .bool(bool) }
        if view.isObject { return .object(JSONObject(view.members.map { ($0.name, tree($0.value)) })) }
        return view.isNull ? .null : .array(view.array.map(tree))
    }

    private static func value(_ random: inout SeededRandom, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth == 0 ? 6 : 9), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(JSONNumber(Int.random(in: .min ... .max, using: &random)))
        case 3: return .number(JSONNumber(Double.random(in: -1e9...1e9, using: &random)))
        case 4...5:
            let scalars = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2_FFFF, using: &random))
            }
            return .string(String(String.UnicodeScalarView(scalars)))
        case 6...7:
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0...6, using: &random)).map { place in
                        ("\(place) \u{1} é", value(&random, depth: depth - 1))
                    }))
        default:
            return .array((0..<Int.random(in: 0...6, using: &random)).map { _ in value(&random, depth: depth - 1) })
        }
    }
}
