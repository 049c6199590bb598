# Makes docs/limits.md out of the sources: every stored limit of a …Limits type with its value and its comment, whatever
# file it stands in, and then the constants elsewhere that are limits by their name.
BEGIN {
    print "# Limits"
    print ""
    print "Every bound, as the code has it; written by `deploy/dev/generate`. Times are Swift durations, sizes are bytes. A row"
    print "without a text shares that of the row above."
}

# A line of a table, of the declaration in the text; nothing for the sets of limits that are made of others.
function row(text, where,    limit, value) {
    sub(/^ *((package|private|fileprivate) )?(static )?(var|let) /, "", text)
    limit = text
    sub(/[:= ].*/, "", limit)
    value = text
    sub(/^[^=]*= /, "", value)
    sub(/^Duration/, "", value)
    gsub(/\|/, "\\|", comment)
    if (limit == "standard" || limit == "client" || value ~ /rawValue|[{(]$/) return ""
    return "| " where "`" limit "` | `" value "` | " comment " |"
}

FNR == 1 { comment = ""; within = "" }
/^ *\/\/\/ / { line = $0; sub(/^ *\/\/\/ /, "", line); comment = comment == "" ? line : comment " " line; next }
/^ *@[A-Za-z]+$/ { next }
within == "" && match($0, /(struct|enum) [A-Za-z0-9]*Limits[ :]/) && /\{$/ {
    name = substr($0, RSTART, RLENGTH - 1)
    sub(/^[a-z]+ /, "", name)
    if (name == "Limits") {
        name = FILENAME
        sub(/.*\//, "", name)
        sub(/\.swift$/, ".Limits", name)
    }
    print ""
    print "## `" name "` (" FILENAME ")"
    print ""
    print "| limit | value | what it bounds |"
    print "|---|---|---|"
    comment = ""
    match($0, /^ */)
    within = substr($0, 1, RLENGTH) "}"
    member = "^" substr($0, 1, RLENGTH) "    (package )?(static )?(var|let) [a-zA-Z]+[^{]* = "
    next
}
within != "" && $0 == within { within = ""; comment = ""; next }
within != "" && $0 ~ member {
    line = row($0, "")
    if (line != "") print line
    comment = ""
    next
}
within == "" && /^ *((package|private|fileprivate) )?static let [a-zA-Z]+(Max|Min|Limit|Timeout|Interval|Patience|Grace)(:[^=]*)? = / {
    place = FILENAME
    sub(/.*\//, "", place)
    sub(/\.swift$/, "", place)
    line = row($0, "`" place "` | ")
    if (line != "") elsewhere[++count] = line
    comment = ""
    next
}
{ comment = "" }
END {
    if (count == 0) exit
    print ""
    print "## Constants elsewhere"
    print ""
    print "| file | limit | value | what it bounds |"
    print "|---|---|---|---|"
    for (i = 1; i <= count; i++) print elsewhere[i]
}
