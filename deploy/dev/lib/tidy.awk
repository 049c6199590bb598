# Checks house rules that swift-format does not know on Swift sources: awk -f tidy.awk FILE…
# Prints a line per fault, FILE:LINE: what; exits with 1 if there is any.

function fault(line, what) { printf "%s:%d: %s\n", FILENAME, line, what; faults++ }

# Returns a line without string literals and comments, so that the rules see only code.
function code_of(text) {
    gsub(/\\"/, "", text)
    gsub(/"[^"]*"/, "\"\"", text)
    sub(/\/\/.*/, "", text)
    return text
}

function close_file() {
    if (previous != "" && lines > 500) {
        printf "%s:%d: %d lines; at most 500\n", previous, lines, lines
        faults++
    }
}

FNR == 1 {
    close_file()
    previous = FILENAME
    in_text = 0
    opened = 0
    explained = 0
    is_test = FILENAME ~ /(^|\/)Tests\//
    reads_environment = FILENAME ~ /(^|\/)(Config|Configuration)[^\/]*\.swift$|Config\.swift$|(^|\/)Package\.swift$/
    name = FILENAME
    sub(/.*\//, "", name)
    if (name ~ /(Util|Utils|Utility|Utilities|Helper|Helpers|Manager|Common|Misc|Base)(\+[A-Za-z]*)?\.swift$/)
        fault(1, "no Util, Helper, Manager, Common, Misc or Base in a file name")
}

{
    lines = FNR
    raw = $0
    # Skips multi-line string literals, which are data.
    quotes = gsub(/"""/, "\"\"\"", raw)
    if (in_text) {
        if (quotes % 2) in_text = 0
        next
    }
    if (quotes % 2) in_text = 1
    code = code_of($0)
    if (code ~ /(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/ || $0 ~ /\/\/(.*[^A-Za-z0-9_\\])?(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/)
        fault(FNR, "no notes to oneself: do it or file an issue")
    if (code ~ /(@unchecked Sendable|nonisolated\(unsafe\))/ && !explained)
        fault(FNR, "needs a // SAFETY: line above that says what serialises access")
    if (!is_test) {
        if (code ~ /(^|[^A-Za-z0-9_.])(try!|as!)/) fault(FNR, "no try! and no as! outside tests")
        if (code ~ /(^|[^A-Za-z0-9_.])(fatalError|print|debugPrint|dump)\(/) fault(FNR, "no fatalError, print or dump")
        if (code ~ /(^|[ \t])(public|open) (static |final |let |var |func |struct |class |enum |protocol |actor |init|typealias |extension )/)
            fault(FNR, "use package instead of public or open")
        if (!reads_environment && code ~ /(ProcessInfo\.processInfo\.environment|[^A-Za-z0-9_]getenv\()/)
            fault(FNR, "only the configuration may read the environment")
        if (code ~ /[^A-Za-z0-9_](PQexec|PQexecParams|PQconnectdb|sleep|usleep)\(/ && code !~ /Task\.sleep\(/)
            fault(FNR, "no blocking call")
    }
    # A function begins at its declaration and ends at the closing brace of the same depth.
    match($0, /^ */)
    depth = RLENGTH
    if (opened && $0 ~ /[^ ]/ && (depth < indent || (depth == indent && $0 ~ /^ *\}/))) {
        if (depth == indent && FNR - opened + 1 > 70) fault(opened, "a function of " (FNR - opened + 1) " lines; at most 70")
        opened = 0
    }
    if (!(opened && depth > indent) && code ~ /^ *((@[A-Za-z]+(\([^)]*\))?|package|private|fileprivate|internal|static|final|override|mutating|consuming|borrowing|nonisolated|convenience|required|isolated|async|class)(\([a-z]+\))? )*(func [^ ]|init[?(<]|deinit( |$)|subscript[(<])/ && code !~ /\}[ \t]*$/) {
        opened = FNR
        indent = depth
    }
    # A SAFETY line covers the declaration right after its comment.
    if ($0 ~ /\/\/ SAFETY:/) explained = 1
    else if ($0 !~ /^ *(\/\/|@)/) explained = 0
}

END {
    close_file()
    exit faults > 0
}
