# Makes docs/limits.md out of the sources: every stored limit of the …Limits types with its value and its comment.
BEGIN {
    print "# Limits"
    print ""
    print "Every bound, as the code has it; written by `deploy/dev/generate`. Times are Swift durations, sizes are bytes."
}
FNR == 1 { comment = ""; depth = 0; shown = 0 }
/^ *\/\/\/ / { line = $0; sub(/^ *\/\/\/ /, "", line); comment = comment == "" ? line : comment " " line; next }
match($0, /(struct|enum) [A-Za-z0-9]+Limits/) {
    name = substr($0, RSTART, RLENGTH)
    sub(/^[a-z]+ /, "", name)
    print ""
    print "## `" name "` (" FILENAME ")"
    print ""
    print "| limit | value | what it bounds |"
    print "|---|---|---|"
    comment = ""
    next
}
/^    package (static )?(var|let) [a-zA-Z]+.* = / {
    line = $0
    sub(/^    package (static )?(var|let) /, "", line)
    limit = line
    sub(/[:= ].*/, "", limit)
    value = line
    sub(/^[^=]*= /, "", value)
    sub(/^Duration/, "", value)
    gsub(/\|/, "\\|", comment)
    if (limit != "standard" && limit != "client") print "| `" limit "` | `" value "` | " comment " |"
    comment = ""
    next
}
{ comment = "" }
