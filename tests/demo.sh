#!/bin/sh
# Trains a network on real images: starts the daemon, submits a job with curl, follows its event stream, prints what
# came out. On a terminal the daemon then stays up until Ctrl-C.
#
# usage: tests/demo.sh PROGRAM      TRAIND_DATA_DIR: where the daemon keeps its data (build/demo-data)
set -u
program=$1
preset=static/presets/lenet5-fashion-mnist.json
data=${TRAIND_DATA_DIR:-build/demo-data}
scratch=$(mktemp -d)
log=$scratch/daemon.log
daemon=
job=
if [ -t 1 ]; then terminal=yes; else terminal=; fi

# Ends the daemon and waits for it: what it had accepted stays in the data directory.
stop_daemon() {
    [ -n "$daemon" ] || return 0
    kill -TERM "$daemon" 2> /dev/null
    wait "$daemon"
    code=$?
    daemon=
    return "$code"
}

give_up() {
    echo "demo: $*" >&2
    if [ -s "$log" ]; then
        echo "The daemon's last words:" >&2
        tail -n 15 "$log" >&2
    fi
    exit 1
}

interrupted() {
    echo
    # An unfinished job would be the first to go on at the next demo.
    [ -z "$job" ] || curl -s -o /dev/null -X POST "$base/v1/jobs/$job/cancel"
    exit 130
}

trap 'stop_daemon; rm -rf "$scratch"' EXIT
trap interrupted INT TERM HUP

start_daemon() {
    mkdir -p "$data" || give_up "cannot make the data directory $data"
    # In a session of its own, so that Ctrl-C reaches this script alone, which then ends the daemon in good order.
    setsid "$program" serve --listen 127.0.0.1:0 --data-dir "$data" --port-file "$scratch/address" 2> "$log" &
    daemon=$!
    waited=0
    until [ -s "$scratch/address" ]; do
        kill -0 "$daemon" 2> /dev/null || give_up "the daemon did not start"
        [ "$waited" -lt 600 ] || give_up "the daemon did not answer within a minute"
        waited=$((waited + 1))
        sleep 0.1
    done
    base=http://$(cat "$scratch/address")
}

ask() { # path: an answer of the daemon, or the end
    curl -sS --fail-with-body "$base$1" || give_up "GET $1 failed"
}

submit() {
    status=$(curl -sS -o "$scratch/job" -w '%{http_code}' --json "@$preset" "$base/v1/jobs") ||
        give_up "the daemon did not answer"
    [ "$status" = 201 ] || give_up "the job was refused with status $status: $(cat "$scratch/job")"
    job=$(jq -r .id "$scratch/job")
}

# One line "percent epoch loss images/s seconds-left" for each batch of metrics of the event stream.
follow() {
    curl -sSN "$base/v1/jobs/$job/events" | sed -u -n 's/^data: //p' |
        jq --unbuffered -r -n --argjson steps "$(jq .plan.steps "$scratch/job")" \
            --argjson epochs "$(jq .plan.epochs "$scratch/job")" \
            --argjson images "$(jq '.plan.train_samples' "$scratch/job")" '
            def seconds: if . >= 60 then "\(. / 60 | floor) min \(. % 60 | floor) s" else "\(. + 0.5 | floor) s" end;
            foreach (inputs | select(.rows.train_loss)) as $event (
                {};
                .at = now | .began //= .at | .first //= $event.step | .step = $event.step
                    | .loss = $event.rows.train_loss.value[-1];
                (.step / $steps) as $done | ((.step - .first) / ([.at - .began, 0.001] | max)) as $rate
                    | [($done * 100 | floor), ($done * $epochs | ceil), $epochs,
                       (if .loss then (.loss * 10000 | round) / 10000 else "not finite" end),
                       ($rate * $images * $epochs / $steps | round),
                       (if $rate > 0 then ($steps - .step) / $rate | seconds else "?" end)]
                    | join("|"))'
}

# Rewrites one line on a terminal, prints a line every ten percent elsewhere.
show() {
    next=0
    while IFS='|' read -r percent epoch epochs loss rate left; do
        if [ -n "$terminal" ]; then
            bar=$(printf '%*s' $((percent * 30 / 100)) '' | tr ' ' '#')
            printf '\r[%-30s] %3s%%  epoch %s/%s  loss %-7s %6s images/s  %s left   ' "$bar" "$percent" "$epoch" \
                "$epochs" "$loss" "$rate" "$left"
        elif [ "$percent" -ge "$next" ]; then
            echo "$percent%  epoch $epoch/$epochs  loss $loss  $rate images/s  $left left"
            next=$((percent - percent % 10 + 10))
        fi
    done
    [ -z "$terminal" ] || echo
}

result() {
    ask "/v1/jobs/$job" > "$scratch/ended"
    state=$(jq -r .state "$scratch/ended")
    [ "$state" = succeeded ] || give_up "the job ended as $state: $(jq -r .reason "$scratch/ended")"
    jq -r '"test accuracy  \(.latest.val_accuracy.value * 10000 | round / 10000)"' "$scratch/ended"
    job=
}

start_daemon
echo "dashboard      $base/"
ask /v1/datasets | jq -e '.items[] | select(.name == "fashion-mnist")' > /dev/null ||
    give_up "the daemon does not know the data set fashion-mnist (Debian package dataset-fashion-mnist)"
submit
echo "submitted      $base/v1/jobs/$job   (curl --json @$preset $base/v1/jobs)"
began=$(date +%s)
follow | show
result
echo "wall time      $(($(date +%s) - began)) s"
echo "dashboard      $base/"
if [ -n "$terminal" ]; then
    echo "It stays up until Ctrl-C."
    trap 'echo; exit 0' INT TERM
    wait "$daemon"
    give_up "the daemon ended by itself"
fi
echo "The daemon stops now; on a terminal it would stay up until Ctrl-C."
stop_daemon || give_up "the daemon did not stop cleanly (exit code $?)"
