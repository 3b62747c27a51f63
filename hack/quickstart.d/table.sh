# Sourced by hack/quickstart: what is shown, as a table that lives on a terminal and as plain lines elsewhere.

if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then is_terminal=1; else is_terminal=; fi
bold='' dim='' red='' green='' yellow='' plain=''

use_color() {
    [[ $is_terminal && -z ${NO_COLOR:-} ]] || return 0
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
}

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
say() { printf '  %s\n' "$*"; }
# A command that somebody could type.
typed() { printf '  %s$%s %s\n' "$dim" "$plain" "$*"; }

# step TITLE COMMAND...: runs it with its output in a log of its own; ends everything when it fails.
step() {
    local title=$1 name log begin=$SECONDS status=0 child
    shift
    name=$(tr -cs 'a-z0-9\n' '-' <<<"${title,,}" | sed 's/-*$//')
    log=$work/$name.log
    background "$name" "$@"
    child=$started
    if [[ $is_terminal ]]; then
        while kill -0 "$child" 2>/dev/null; do
            printf '\r  %s…%s %s %s(%s s) %s%s\e[K' "$yellow" "$plain" "$title" "$dim" "$((SECONDS - begin))" \
                "$(tail -c 200 "$log" | tr '\r' '\n' | tail -n 1 | cut -c1-40)" "$plain"
            sleep 0.2
        done
        printf '\r\e[K'
    fi
    wait "$child" || status=$?
    unset "children[$child]"
    ((status == 0)) || fail "$title" "$log"
    printf '  %s✓%s %s %s(%s s)%s\n' "$green" "$plain" "$title" "$dim" "$((SECONDS - begin))" "$plain"
}

# fail TITLE LOG: says what went wrong, and where to read on.
fail() {
    printf '  %s✗ %s%s\n' "$red" "$1" "$plain"
    if [[ -s ${2:-} ]]; then
        printf '\n%sThe end of %s:%s\n' "$bold" "$2" "$plain" >&2
        tail -n 15 "$2" >&2
    fi
    printf '\nhack/quickstart: "%s" failed; the logs are in %s\n' "$1" "$work" >&2
    keep_logs=1
    exit 1
}

# How far a Recovery is, in tenths, by its state and the number of attempts.
tenths() {
    case $1 in
    Completed) echo 10 ;;
    InProgress) echo $((4 + ($3 > 6 ? 5 : $3 * 4 / 5))) ;;
    Pending) echo $(($2 > 0 ? 3 : 1)) ;;
    *) echo 10 ;;
    esac
}

color_of() {
    case $1 in
    Completed) printf %s "$green" ;;
    Failed | Timeout | Cancelled) printf %s "$red" ;;
    InProgress) printf %s "$yellow" ;;
    *) printf %s "$dim" ;;
    esac
}

# draw LINE...: shows the lines, over those of the last call, none longer than the terminal is wide.
drawn=0
draw() {
    local line
    ((drawn == 0)) || printf '\e[%dA' "$drawn"
    for line in "$@"; do
        # Wrapping is off meanwhile, so that every line stays one.
        printf '\e[?7l%s%s\e[K\e[?7h\n' "$line" "$plain"
    done
    drawn=$#
}
