# House rules that swift-format does not know, over Swift sources: awk -f tidy.awk FILE…
# Prints a line per fault, FILE:LINE: what; ends with 1 where there is any.

function fault(line, what) { printf "%s:%d: %s\n", FILENAME, line, what; faults++ }

# The text without string literals and comments, so that only code is held against the rules.
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
        fault(1, "no util, helper, manager, common, misc or base in a name")
}

{
    lines = FNR
    raw = $0
    # Multi-line string literals are data.
    quotes = gsub(/"""/, "\"\"\"", raw)
    if (in_text) {
        if (quotes % 2) in_text = 0
        next
    }
    if (quotes % 2) in_text = 1
    code = code_of($0)
    if (code ~ /(^|[^A-Za-z0-9_])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/ || $0 ~ /\/\/(.*[^A-Za-z0-9_\\])?(TODO|FIXME|XXX|HACK)([^A-Za-z0-9_]|$)/)
        fault(FNR, "no notes to oneself: do it or write it into the issue")
    if (code ~ /(@unchecked Sendable|nonisolated\(unsafe\))/ && !explained)
        fault(FNR, "wants a line // SAFETY: above, saying who serialises it")
    if (!is_test) {
        if (code ~ /(^|[^A-Za-z0-9_.])(try!|as!)/) fault(FNR, "no try! and no as! outside tests")
        if (code ~ /(^|[^A-Za-z0-9_.])(fatalError|print|debugPrint|dump)\(/) fault(FNR, "no fatalError, print or dump")
        if (code ~ /(^|[ \t])(public|open) (static |final |let |var |func |struct |class |enum |protocol |actor |init|typealias |extension )/)
            fault(FNR, "package, where it would be public")
        if (!reads_environment && code ~ /(ProcessInfo\.processInfo\.environment|[^A-Za-z0-9_]getenv\()/)
            fault(FNR, "the environment is read by the configuration only")
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
    # A SAFETY line explains what comes right after its comment.
    if ($0 ~ /\/\/ SAFETY:/) explained = 1
    else if ($0 !~ /^ *(\/\/|@)/) explained = 0
}

END {
    close_file()
    exit faults > 0
}
