import Glibc

/// Runs one target under libFuzzer: `fuzz TARGET [libFuzzer's own arguments]`.
@main
enum Fuzz {
    static func main() {
        var argumentCount = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        guard argumentCount > 1, let name = arguments[1].map({ String(cString: $0) }), let test = tests[name] else {
            end("usage: fuzz \(tests.keys.sorted().joined(separator: "|")) [ARGUMENT…]")
        }
        // libFuzzer must not take the target's name for an input directory.
        arguments[1] = arguments[0]
        arguments += 1
        argumentCount -= 1
        exit(runFuzzer(&argumentCount, &arguments, test))
    }

    private static let tests: [String: FuzzTest] = [
        "json": { JSONFuzz.run(input($0, $1)) },
        "envelope": { EnvelopeFuzz.run(input($0, $1)) },
        "h2": { H2Fuzz.run(input($0, $1)) },
        "config": { ConfigFuzz.run(input($0, $1)) },
        "csv": { CSVFuzz.run(input($0, $1)) },
        "archive": { ArchiveFuzz.run(input($0, $1)) },
        "text": { TextFuzz.run(input($0, $1)) },
        "hook": { HookFuzz.run(input($0, $1)) },
        "xml": { XMLFuzz.run(input($0, $1)) },
    ]

    private static func input(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: start, count: count))
    }

    private static func end(_ text: String) -> Never {
        report(text)
        exit(64)
    }
}

/// One execution; returns 0, and aborts if a property does not hold.
typealias FuzzTest = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

/// The entry point of libFuzzer for a program with its own `main` (compiler-rt, FuzzerInterface.h).
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ argumentCount: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>, _ test: FuzzTest
) -> Int32

/// Aborts, so that libFuzzer keeps the input, unless `holds`.
func check(_ holds: Bool, _ property: @autoclosure () -> String, line: Int = #line, file: String = #fileID) {
    guard !holds else { return }
    report("\(file):\(line): does not hold: \(property())")
    abort()
}

private func report(_ text: String) { _ = (text + "\n").withCString { write(STDERR_FILENO, $0, strlen($0)) } }
