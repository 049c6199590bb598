/// Finds the path of a fault after the fact, so that decoding need not track paths.
enum JSONPath {
    private enum Frame {
        case object(key: Range<Int>?)
        case array(index: Int)
    }

    /// Longer keys are truncated in a path, since a message repeats them.
    private static let keyBytesMax = 64

    /// Returns the path of the value that starts at `offset`, or of the innermost container around it; everything
    /// before `offset` must have been read without a fault.
    static func find(_ offset: Int, in base: UnsafePointer<UInt8>, end: Int) -> String {
        var frames: [Frame] = []
        var index = 0
        while index < min(offset, end) {
            let byte = base[index]
            index += 1
            switch byte {
            case UInt8(ascii: "{"): frames.append(.object(key: nil))
            case UInt8(ascii: "["): frames.append(.array(index: 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = frames.popLast()
            case UInt8(ascii: ","):
                switch frames.popLast() {
                case .array(let position): frames.append(.array(index: position + 1))
                case .object: frames.append(.object(key: nil))
                case nil: break
                }
            case UInt8(ascii: "\""):
                let start = index
                while index < end, base[index] != UInt8(ascii: "\"") {
                    index += base[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                if case .object(key: nil) = frames.last, index < offset {
                    frames[frames.count - 1] = .object(key: start..<index)
                }
                index += 1
            default: break
            }
        }
        return text(frames, base)
    }

    private static func text(_ frames: [Frame], _ base: UnsafePointer<UInt8>) -> String {
        var path = ""
        for frame in frames {
            switch frame {
            case .array(let index): path += "[\(index)]"
            case .object(let key?):
                let bytes = UnsafeBufferPointer(start: base + key.lowerBound, count: min(key.count, keyBytesMax))
                path += (path.isEmpty ? "" : ".") + String(decoding: bytes, as: UTF8.self)
            case .object(key: nil): break
            }
        }
        return path
    }
}
