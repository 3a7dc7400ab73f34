# Reads C files and prints what breaks a rule of size or a ban, one finding a line: "SUBJECT file:line: what".
# Knows C only as far as that takes: comments, strings, braces.

BEGIN {
    limit["file"] = 400; limit["function"] = 60; limit["kernel"] = 80
    limit["parameters"] = 5; limit["fields"] = 15; limit["columns"] = 100
    pure = "sizeof|isfinite|isnan|isinf|strlen|strcmp|memcmp|atomic_load"
    banned = "(^|[^a-zA-Z_0-9])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|system|alloca) *\\("
    loud = "(^|[^a-zA-Z_0-9])((printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort) *\\(|(stdout|stderr)([^a-zA-Z_0-9]|$))"
}

function report(subject, place, text) {
    printf "%s %s:%d: %s\n", subject, FILENAME, place, text
}

FNR == 1 {
    in_comment = in_macro = depth = 0
    head = asserting = ""
    kernel = FILENAME ~ /^core\/(reference|onednn|matrix|elementwise)[a-z0-9_]*\.c$/
    may_speak = FILENAME ~ /^server\/(main|log|config|command_[a-z_]*)\.c$/ || FILENAME !~ /^(core|server)\//
}

FNR == limit["file"] + 1 {
    report("size", FNR, "the file is longer than " limit["file"] " lines")
}

{
    line = $0
    columns = $0
    gsub(/[\200-\277]/, "", columns) # count characters, not bytes
    if (length(columns) > limit["columns"] && wide[FILENAME]++ == 0)
        widest[FILENAME] = FNR
    if (match($0, /(^|[^A-Za-z_])(TODO|FIXME|XXX)([^A-Za-z_]|$)/))
        report("banned", FNR, "an open end is no code")
    code = strip(line)
    bans()
    if (in_macro || code ~ /^[ \t]*#/) {
        in_macro = code ~ /\\[ \t]*$/
        next
    }
    structure()
}

END {
    for (file in wide)
        printf "size %s:%d: %d lines of more than %d columns\n", file, widest[file], wide[file], limit["columns"]
}

# The line without comments, and with nothing inside quotes.
function strip(text,    out, i, c, pair, quote) {
    out = ""
    quote = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        pair = substr(text, i, 2)
        if (in_comment) {
            if (pair == "*/") { in_comment = 0; i++ }
        } else if (quote != "") {
            if (c == "\\") i++
            else if (c == quote) { quote = ""; out = out c }
        } else if (pair == "/*") { in_comment = 1; i++; out = out " " }
        else if (pair == "//") break
        else {
            if (c == "\"" || c == "'") quote = c
            out = out c
        }
    }
    return out
}

function bans(    inside) {
    if (match(code, banned)) report("banned", FNR, "a banned call: " substr(code, RSTART))
    if (!may_speak && match(code, loud)) report("banned", FNR, "prints or ends the process: " substr(code, RSTART))
    if (asserting == "" && match(code, /(^|[^A-Za-z_])assert *\(/)) {
        asserting = substr(code, RSTART + RLENGTH)
        asserted = FNR
    } else if (asserting != "") asserting = asserting code
    if (asserting ~ /;/) {
        inside = asserting
        gsub("(" pure ") *\\(", "(", inside)
        if (inside ~ /\+\+|--|[^=!<>]=[^=]|[A-Za-z_0-9] *\(/)
            report("banned", asserted, "an effect inside assert, or a call that may have one")
        asserting = ""
    }
}

# depth counts braces; frame[depth] says what the brace opened.
function structure(    i, c) {
    if (depth == 0 && head ~ /^[ \t]*$/ && code !~ /^[ \t]*$/) first = FNR
    for (i = 1; i <= length(code); i++) {
        c = substr(code, i, 1)
        if (c == "{") open_brace()
        else if (c == "}") close_brace()
        else if (c == ";") end_statement()
        else head = head c
    }
    head = head " "
}

function open_brace() {
    held[depth] = head
    depth++
    fields[depth] = 0
    began[depth] = FNR
    if (head ~ /(^|[^A-Za-z_0-9])(struct|union)[ \t]*[A-Za-z_0-9]*[ \t]*(__attribute__.*)?$/) frame[depth] = "struct"
    else if (depth == 1 && head ~ /\)[ \t]*$/ && head !~ /=/) {
        frame[depth] = "function"
        began[depth] = first
        count_parameters(head)
    } else frame[depth] = "other"
    head = ""
}

function close_brace(    most) {
    if (frame[depth] == "struct") {
        if (fields[depth] > limit["fields"])
            report("size", began[depth], "a struct of " fields[depth] " fields, " limit["fields"] " at most")
    } else if (frame[depth] == "function") {
        most = kernel ? limit["kernel"] : limit["function"]
        if (FNR - began[depth] + 1 > most)
            report("size", began[depth], "a function of " FNR - began[depth] + 1 " lines, " most " at most")
    }
    if (depth > 0) depth--
    # What follows a struct's brace names a field or variable; what follows another's begins anew.
    if (frame[depth + 1] == "struct") { head = ""; inner = fields[depth + 1]; after_struct = 1 }
    else head = frame[depth + 1] == "function" || depth == 0 ? "" : held[depth]
}

function end_statement(    text) {
    if (depth > 0 && frame[depth] == "struct") {
        text = head
        while (gsub(/\([^()]*\)|\[[^][]*\]/, "", text)) ;
        if (after_struct && text ~ /^[ \t]*$/) fields[depth] += inner # an unnamed struct or union
        else fields[depth] += gsub(/,/, ",", text) + 1
    }
    after_struct = 0
    head = ""
}

# An error to fill in comes last and is not counted. A function that libmicrohttpd calls has its parameters from there.
function count_parameters(text,    i, c, level, commas, from) {
    if (text ~ /enum MHD_Result/) return
    sub(/, *struct error \*[a-z_]* *\)[ \t]*$/, ")", text)
    gsub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)/, "", text)
    from = index(text, "(")
    for (i = from; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") level++
        else if (c == ")" && --level == 0) break
        else if (c == "," && level == 1) commas++
    }
    if (commas + 1 > limit["parameters"])
        report("size", first, commas + 1 " parameters, " limit["parameters"] " at most")
}
